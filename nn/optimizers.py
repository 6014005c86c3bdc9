"""Optimizers: how parameters move along a gradient, and the schedules of their learning rates.

There is one update rule for each, of one parameter, in scalars. What is recorded of it moves Values, vectors of parameters, and is
compiled into the steps of a training.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import TraceError, UpdateRule, Value, sqrt

Vector = npt.NDArray[np.float64]
Schedule = Callable[[float], float]
_MOVING = ("schedule", "epoch", "steps", "_vectors", "_recorded", "_parameters")  # what an optimizer has besides its settings


def _checked(name: str, given: Any, least: float = 0.0, below: float = math.inf) -> float:
    """`given` as a float. Raises ValueError unless least <= given < below."""
    if not isinstance(given, Real) or isinstance(given, bool) or not least <= float(given) < below:
        limits = f"a finite number of at least {least:g}" if below == math.inf else f"a number from {least:g} to below {below:g}"
        raise ValueError(f"{name} must be {limits}, got {given!r}")
    return float(given)


# Schedules: the learning rate at a moment of training, given as the epoch with its fraction, from 0.0 on.


@dataclass(frozen=True)
class Constant:
    """The same rate throughout.

    >>> Constant(0.1)(7.5)
    0.1
    """

    rate: float

    def __post_init__(self) -> None:
        _checked("the learning rate", self.rate)

    def __call__(self, epoch: float) -> float:
        return self.rate


@dataclass(frozen=True)
class StepDecay:
    """rate * factor^k, k the number of whole spans of `every` epochs gone by.

    >>> rate = StepDecay(0.1, factor=0.5, every=10)
    >>> rate(9.9), rate(10.0), rate(20.0)
    (0.1, 0.05, 0.025)
    """

    rate: float
    factor: float = 0.5
    every: float = 10.0

    def __post_init__(self) -> None:
        _checked("the learning rate", self.rate)
        _checked("factor", self.factor)
        _positive("every", self.every)

    def __call__(self, epoch: float) -> float:
        return self.rate * math.pow(self.factor, epoch // self.every)


@dataclass(frozen=True)
class InverseTime:
    """rate / (1 + decay * epoch): the classic of stochastic approximation (Robbins and Monro, 1951).

    >>> rate = InverseTime(0.5, decay=1.0)
    >>> rate(0.0), rate(1.0), rate(4.0)
    (0.5, 0.25, 0.1)
    """

    rate: float
    decay: float = 0.1

    def __post_init__(self) -> None:
        _checked("the learning rate", self.rate)
        _checked("decay", self.decay)

    def __call__(self, epoch: float) -> float:
        return self.rate / (1 + self.decay * epoch)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine wave from `rate` down to `final` over `epochs`, then `final` (SGDR: Loshchilov and Hutter, 2017, equation 5).

    >>> rate = Cosine(0.5, epochs=10)
    >>> rate(0.0), round(rate(5.0), 6), rate(12.0)
    (0.5, 0.25, 0.0)
    """

    rate: float
    epochs: float
    final: float = 0.0

    def __post_init__(self) -> None:
        _checked("the learning rate", self.rate)
        _positive("epochs", self.epochs)
        _checked("final", self.final)

    def __call__(self, epoch: float) -> float:
        return self.final + (self.rate - self.final) * (1 + math.cos(math.pi * min(epoch / self.epochs, 1.0))) / 2


def as_schedule(rate: float | Schedule) -> Schedule:
    """A learning rate as a schedule, which it may be already. Raises ValueError or TypeError for what is neither."""
    if isinstance(rate, type):
        raise TypeError(f"{rate.__name__} is the class of a schedule: write {rate.__name__}(...), with its settings inside")
    return rate if callable(rate) else Constant(_checked("the learning rate", rate))


def _check_vector(name: str, given: Any) -> None:
    """Raise ValueError for what a rule would misread: its numbers are taken from memory as they lie there."""
    if type(given) is not np.ndarray or given.dtype != np.float64 or given.ndim != 1 or not given.flags.c_contiguous:
        found = f", {given.dtype} of shape {given.shape} and strides {given.strides}" if isinstance(given, np.ndarray) else ""
        raise ValueError(f"{name} must be a contiguous vector, np.ascontiguousarray(..., np.float64): got {type(given).__name__}{found}")


def _positive(name: str, given: Any) -> None:
    if not _checked(name, given):
        raise ValueError(f"{name} must be greater than 0")


class Optimizer(ABC):
    """Abstract: an update rule for one parameter, with a learning rate, and with memory that it names in `memory`.

    `learning_rate` is a number, or a schedule: any function of `epoch`, the moment of training (with its
    fraction), which `train` keeps up to date and others may set. The memory is vectors like the parameters, 0 at first.
    It belongs to the Values that the first step moved, in their order: another model needs another optimizer.

    A custom optimizer defines the step of one parameter, in scalars. All back ends run it:

    >>> class Signs(Optimizer):
    ...     def rule(self, parameter, gradient, *memory, rate, step):
    ...         return [parameter - rate * (1.0 * (gradient > 0) - (gradient < 0))]
    >>> theta = np.array([1.0, 2.0])
    >>> Signs(0.25).update(theta, np.array([0.01, -30.0]))
    0.25
    >>> theta
    array([0.75, 2.25])
    """

    memory: tuple[str, ...] = ()

    def __init__(self, learning_rate: float | Schedule) -> None:
        if isinstance(learning_rate, (list, tuple, Iterator)):
            raise TypeError(
                f"{type(self).__name__} takes the learning rate first; the parameters are the business of train, or of step(parameters)"
            )
        self.schedule = as_schedule(learning_rate)
        self.epoch = 0.0
        self.steps = 0
        self._vectors: dict[str, Vector] = {}
        self._recorded: tuple[list[Any], UpdateRule] | None = None
        self._parameters: Sequence[Value] | None = None  # those that the memory is of

    @abstractmethod
    def rule(self, parameter: Any, gradient: Any, *memory: Any, rate: Any, step: Any) -> Sequence[Any]:
        """The parameter after a step, and then each memory anew, all of them scalars; `step` counts from 1.

        It is called with symbols, as a function that is vectorized is; see `autograd.UpdateRule`. It may read attributes, and a
        change of these takes effect at the next step. What changes from step to step are its arguments: it cannot read
        `self.steps`, `self.epoch` or `self.learning_rate`.
        """

    @property
    def learning_rate(self) -> float:
        """The rate at this moment of training. Raises ValueError where the schedule gives anything but a finite number of at least 0."""
        rate = self.schedule(self.epoch)
        return rate if type(rate) is float and 0.0 <= rate < math.inf else _checked(f"the schedule's rate at epoch {self.epoch:g}", rate)

    @property
    def update_rule(self) -> UpdateRule:
        """The rule with the current settings, recorded."""
        attributes = {name: each for name, each in vars(self).items() if name not in _MOVING}
        settings, known = list(attributes.values()), self._recorded
        reads_numbers_only = type(self).rule in (SGD.rule, Adam.rule) and "rule" not in attributes
        if known and reads_numbers_only and len(settings) == len(known[0]) and all(map(operator.is_, settings, known[0])):
            return known[1]
        still = object.__new__(type(self))  # without what changes from step to step
        vars(still).update(attributes)
        if not known or known[1].memory != len(self.memory) or not known[1].is_current(still.rule):
            known = settings, UpdateRule(still.rule, len(self.memory))
        self._recorded = settings, known[1]
        return known[1]

    def __getattr__(self, name: str) -> Any:
        """Raise TraceError for what a rule that is recorded cannot read."""
        if name in _MOVING:
            raise TraceError(
                f"{type(self).__name__}.rule is recorded once for all steps and cannot read {name}, which changes from step to step: "
                f"use its arguments rate and step"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def bind(self, parameters: Sequence[Value]) -> None:
        """Let the memory be that of these parameters, in this order. `step` and `train` do so.

        Raises ValueError, with nothing changed, if it is of other parameters. An optimizer without memory vectors starts to count
        its steps again.
        """
        if self._parameters is parameters:
            return
        self._check_size(len(parameters))
        if self._parameters is not None and not _are_same(self._parameters, parameters):
            if self.memory and self.steps:
                raise ValueError(
                    "this optimizer remembers other parameters, or the same ones in another order: make a new one for another model"
                )
            self.steps, self._vectors = 0, {}
        self._parameters = parameters

    def _check_size(self, size: int) -> None:
        for vector in self._vectors.values():
            if len(vector) != size and self.steps:
                raise ValueError(f"this optimizer remembers {len(vector)} parameters, got {size}: make a new one for another model")

    def vectors(self, size: int) -> list[Vector]:
        """The memory itself, for `size` parameters. Raises ValueError if it is of another number of them."""
        self._check_size(size)
        if set(self._vectors) != set(self.memory) or any(len(vector) != size for vector in self._vectors.values()):
            self._vectors = {name: np.zeros(size) for name in self.memory}
        return list(self._vectors.values())

    def update(self, parameters: Vector, gradient: Vector) -> float:
        """One step down the gradient: changes the float64 vector `parameters` in place, and leaves `gradient` as it is.

        Returns the learning rate that it went by.
        """
        _check_vector("parameters", parameters)
        _check_vector("gradient", gradient)
        if parameters.shape != gradient.shape:
            raise ValueError(f"one gradient for each parameter, please: got {parameters.size} parameters and {gradient.size} gradients")
        vectors, rate = self.vectors(parameters.size), self.learning_rate
        self.steps += 1
        self.update_rule.update(parameters, gradient, *vectors, rate=rate, step=self.steps)
        return rate

    def step(self, parameters: Iterable[Value]) -> None:
        """One step for Values, by the gradients that `backward()` left in them."""
        values = list(parameters)
        self.bind(values)
        data = np.array([value.data for value in values], dtype=np.float64)
        self.update(data, np.array([value.grad for value in values], dtype=np.float64))
        for value, number in zip(values, data.tolist()):
            value.data = number

    def state_dict(self) -> dict[str, Any]:
        """What the optimizer remembers: the number of steps, and after the first of them its vectors, copied."""
        return {"steps": self.steps, **{name: vector.copy() for name, vector in self._vectors.items() if self.steps}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict()` of the same kind of optimizer. Raises ValueError, with nothing changed, where it does not fit."""
        steps, memory = state.get("steps"), self.memory if state.get("steps") else ()
        if set(state) != {"steps", *memory} or not isinstance(steps, int) or steps < 0:
            found = ", ".join(map(str, state)) or "nothing"
            raise ValueError(
                f"{type(self).__name__}'s state is {', '.join(('steps', *self.memory))}, the number of steps first; got {found}"
            )
        vectors = {name: np.array(state[name], dtype=np.float64) for name in memory}
        if any(each.ndim != 1 or each.shape != vectors[memory[0]].shape or not np.isfinite(each).all() for each in vectors.values()):
            raise ValueError(f"{type(self).__name__}'s {' and '.join(memory)} must be vectors of finite numbers, of one length")
        self.steps, self._vectors, self._parameters = steps, vectors, None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_recorded": None, "_parameters": None}

    def _settings(self) -> dict[str, Any]:
        """What a run is known by, besides the schedule: all that an optimizer of one's own was made with."""
        return {name: getattr(each, "__name__", each) for name, each in vars(self).items() if name not in (*_MOVING, "memory")}

    def __repr__(self) -> str:
        rate = self.schedule.rate if isinstance(self.schedule, Constant) else getattr(self.schedule, "__name__", self.schedule)
        settings = "".join(f", {name}={setting!r}" for name, setting in self._settings().items())
        return f"{type(self).__name__}(learning_rate={rate}{settings})"


def _are_same(one: Sequence[Value], other: Sequence[Value]) -> bool:
    return len(one) == len(other) and all(map(operator.is_, one, other))


class SGD(Optimizer):
    """Gradient descent: parameters -= learning_rate * gradient, for any size of mini-batch.

    With momentum m the step is along velocity = m * velocity + gradient, and with Nesterov's along gradient +
    m * velocity (Sutskever et al., 2013, in the form PyTorch uses). Weight decay adds weight_decay * parameters to the
    gradient: it is the gradient of an L2 penalty of weight_decay / 2.

    >>> theta = np.array([1.0, 2.0])
    >>> SGD(0.1).update(theta, np.array([10.0, 0.0]))
    0.1
    >>> theta
    array([0., 2.])
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.1, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        super().__init__(learning_rate)
        if not isinstance(nesterov, (bool, np.bool_)):
            raise ValueError(f"nesterov is True or False, got {nesterov!r}; how much momentum there is says momentum=0.9, say")
        self.momentum, self.nesterov = _checked("momentum", momentum, below=1.0), bool(nesterov)
        self.weight_decay = _checked("weight_decay", weight_decay)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov=True looks ahead along the momentum, and there is none: give momentum=0.9, say")
        self.memory = ("velocity",) if self.momentum else ()

    def rule(self, parameter: Any, gradient: Any, *memory: Any, rate: Any, step: Any) -> Sequence[Any]:
        direction = gradient + self.weight_decay * parameter if self.weight_decay else gradient
        if not self.momentum:
            return [parameter - rate * direction]
        (velocity,) = memory
        velocity = self.momentum * velocity + direction
        return [parameter - rate * (direction + self.momentum * velocity if self.nesterov else velocity), velocity]


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015, algorithm 1), with decoupled weight decay (AdamW: Loshchilov and Hutter, 2019, algorithm 2).

    Each parameter's step is its mean gradient over the root of its mean squared gradient, both running and
    bias-corrected; the weight decay shrinks parameters by learning_rate * weight_decay outside of that.

    >>> theta = np.array([1.0, 2.0])
    >>> Adam(0.5).update(theta, np.array([10.0, 0.0]))
    0.5
    >>> theta.round(6)
    array([0.5, 2. ])
    """

    memory = ("mean", "square")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"betas are two numbers, for the mean and for the mean square, got {betas!r}")
        self.betas = _checked("betas[0]", betas[0], below=1.0), _checked("betas[1]", betas[1], below=1.0)
        self.epsilon, self.weight_decay = _checked("epsilon", epsilon), _checked("weight_decay", weight_decay)

    def rule(self, parameter: Any, gradient: Any, *memory: Any, rate: Any, step: Any) -> Sequence[Any]:
        (mean, square), (beta1, beta2) = memory, self.betas
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        if self.weight_decay:
            parameter = parameter * (1 - rate * self.weight_decay)
        move = mean / (sqrt(square / (1 - beta2**step)) + self.epsilon)
        return [parameter - rate / (1 - beta1**step) * move, mean, square]
