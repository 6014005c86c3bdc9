"""Schedules of the learning rate: functions of the epoch, a float that starts at 0.0, that return the rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from nn.inputs import finite_number

Schedule = Callable[[float], float]


class _Checked:
    """The check that all schedules share. The settings are finite: `every` and `epochs` above 0, the others at least 0."""

    def __post_init__(self) -> None:
        for name, number in vars(self).items():
            least, above = (-math.inf, 0.0) if name in ("every", "epochs") else (0.0, -math.inf)
            finite_number("the learning rate" if name == "rate" else name, number, least, above)


@dataclass(frozen=True)
class Constant(_Checked):
    """A constant learning rate.

    >>> Constant(0.1)(7.5)
    0.1
    """

    rate: float

    def __call__(self, epoch: float) -> float:
        return self.rate


@dataclass(frozen=True)
class StepDecay(_Checked):
    """Step decay: rate * factor^floor(epoch / every).

    Parameters
    ----------
    rate : float
        The initial learning rate, at least 0.
    factor : float, default 0.5
        The rate is multiplied by this number after each interval. At least 0.
    every : float, default 10.0
        The length of an interval in epochs, above 0.

    Examples
    --------
    >>> rate = StepDecay(0.1, factor=0.5, every=10)
    >>> rate(9.9), rate(10.0), rate(20.0)
    (0.1, 0.05, 0.025)
    """

    rate: float
    factor: float = 0.5
    every: float = 10.0

    def __call__(self, epoch: float) -> float:
        return self.rate * math.pow(self.factor, epoch // self.every)


@dataclass(frozen=True)
class InverseTime(_Checked):
    """Inverse time decay: rate / (1 + decay * epoch) (Robbins and Monro, 1951), half of the initial rate after 1 / decay epochs.

    >>> rate = InverseTime(0.5, decay=1.0)
    >>> rate(0.0), rate(1.0), rate(4.0)
    (0.5, 0.25, 0.1)
    """

    rate: float
    decay: float = 0.1

    def __call__(self, epoch: float) -> float:
        return self.rate / (1 + self.decay * epoch)


@dataclass(frozen=True)
class Cosine(_Checked):
    """Cosine annealing from `rate` to `final`, then constant.

    final + (rate - final) * (1 + cos(pi * epoch / epochs)) / 2 (Loshchilov and Hutter, SGDR, 2017, equation 5).

    Parameters
    ----------
    rate : float
        The initial learning rate, at least 0.
    epochs : float
        The number of epochs until the rate is `final`, above 0.
    final : float, default 0.0
        The final learning rate, at least 0.

    Examples
    --------
    >>> rate = Cosine(0.5, epochs=10)
    >>> rate(0.0), round(rate(5.0), 6), rate(12.0)
    (0.5, 0.25, 0.0)
    """

    rate: float
    epochs: float
    final: float = 0.0

    def __call__(self, epoch: float) -> float:
        return self.final + (self.rate - self.final) * (1 + math.cos(math.pi * min(epoch / self.epochs, 1.0))) / 2


def as_schedule(rate: float | Schedule) -> Schedule:
    """Return a schedule for a learning rate, or the schedule itself. Raises ValueError or TypeError for anything else."""
    if isinstance(rate, type):
        raise TypeError(f"{rate.__name__} is the class of a schedule: write {rate.__name__}(...), with its settings inside")
    return rate if callable(rate) else Constant(finite_number("the learning rate", rate, least=0))
