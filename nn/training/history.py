"""History: the measurements of a run, one for each epoch and each step."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from autograd._support import html_table


class Step(NamedTuple):
    """One update of the parameters."""

    number: int  # in the run, from 1
    epoch: int  # from 1
    cost: float  # the mean over the mini-batch, before the update
    learning_rate: float
    gradient_norm: float  # before clipping
    examples: int  # in the mini-batch
    seconds: float


@dataclass
class Steps:
    """The fields of `Step` in lists, with one number for each step."""

    cost: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def extend(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.cost.append(step.cost)
            self.learning_rate.append(step.learning_rate)
            self.gradient_norm.append(step.gradient_norm)
            self.examples.append(step.examples)
            self.seconds.append(step.seconds)


class Forgotten(NamedTuple):
    """What `History.forget` has removed."""

    epochs: int = 0
    steps: int = 0
    validation_cost: float = math.inf  # the lowest of the removed epochs


class Mark(NamedTuple):
    """A moment of a history: its lists, to which numbers are only appended, and their lengths at that moment."""

    columns: Mapping[str, list[float]]
    lengths: Mapping[str, int]
    forgotten: Forgotten = Forgotten()

    def copied(self) -> Mark:
        """Return the same moment with copies of the lists."""
        return self._replace(columns={name: numbers[: self.lengths[name]] for name, numbers in self.columns.items()})


@dataclass(repr=False)
class History:
    """The measurements of a run, in lists with one number for each epoch.

    Lists of what was not measured are empty.

    Parameters
    ----------
    cost : list of float
        The mean cost over the examples of the epoch, each measured before its step.
    accuracy : list of float
        The share of the examples whose class is predicted right, at the end of the epoch.
    learning_rate : list of float
        The learning rate of the last step.
    gradient_norm : list of float
        The mean over the steps of the gradient's norm before clipping.
    seconds : list of float
        The duration of the steps.
    validation_cost, validation_accuracy : list of float
        The mean cost and the accuracy on the validation examples, at the end of the epoch.
    steps : Steps
        The same for each step.
    stopped : str
        Why training stopped: "finished", "no improvement", "interrupted" or "callback".
    forgotten : Forgotten
        What `forget` has removed.
    weighted : bool
        Whether the costs and accuracies of training are means weighted by `sample_weight` and `class_weight`.

    Examples
    --------
    >>> history = History(cost=[0.5, 0.25])
    >>> history.cost[-1]
    0.25
    """

    cost: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    validation_cost: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    steps: Steps = field(default_factory=Steps)
    stopped: str = ""
    forgotten: Forgotten = field(default_factory=Forgotten)
    weighted: bool = False

    def columns(self) -> dict[str, list[float]]:
        """Return the lists by name: `cost`, ..., `steps.cost`, ..."""
        epochs = {name: getattr(self, name) for name in _EPOCHS}
        return epochs | {f"steps.{name}": getattr(self.steps, name) for name in _STEPS}

    def mark(self) -> Mark:
        """Return the current moment, for `go_back`. Copies nothing."""
        columns = self.columns()
        return Mark(columns, {name: len(numbers) for name, numbers in columns.items()}, self.forgotten)

    def show(self, mark: Mark) -> None:
        """Use the lists of the mark itself, and remove what was appended to them since then."""
        for name, numbers in mark.columns.items():
            del numbers[mark.lengths[name] :]
            setattr(self.steps if name.startswith("steps.") else self, name.removeprefix("steps."), numbers)
        self.forgotten = mark.forgotten

    def go_back(self, mark: Mark) -> None:
        """Go back to a mark, with new lists, because other marks may use the current ones."""
        self.show(mark.copied())
        self.stopped = ""

    def forget(self, epochs: int, steps: int) -> None:
        """Remove the first `epochs` epochs and the first `steps` steps. The lists are new, because marks may use the current ones."""
        before = self.forgotten
        lowest = min([before.validation_cost, *self.validation_cost[:epochs]])
        for name in _EPOCHS:
            setattr(self, name, getattr(self, name)[epochs:])
        for name in _STEPS:
            setattr(self.steps, name, getattr(self.steps, name)[steps:])
        self.forgotten = Forgotten(before.epochs + epochs, before.steps + steps, lowest)

    def means_of_steps(self, count: int) -> dict[str, float]:
        """Return the measurements of an epoch that follow from its steps, which are the last `count` ones."""
        steps = self.steps
        costs, sizes = steps.cost[-count:], steps.examples[-count:]
        return {
            "cost": sum(cost * size for cost, size in zip(costs, sizes)) / sum(sizes),
            "learning_rate": steps.learning_rate[-1],
            "gradient_norm": sum(steps.gradient_norm[-count:]) / count,
            "seconds": sum(steps.seconds[-count:]),
        }

    @classmethod
    def from_columns(cls, columns: Mapping[str, list[float]], stopped: str = "") -> History:
        """Return a history with copies of these lists. Raises ValueError for wrong names, lengths or numbers."""
        history = cls(stopped=stopped)
        own = history.columns()  # empty lists, filled below
        if columns.keys() != own.keys():
            raise ValueError(f"a history must have the columns {', '.join(own)}; got {', '.join(map(str, columns)) or 'none'}")
        for name, numbers in columns.items():
            if not isinstance(numbers, list) or not _are_finite(numbers):
                raise ValueError(f"a history's {name} must be a list of finite numbers")
            own[name].extend(map(float, numbers))
        if not all(number >= 1 and number.is_integer() for number in own["steps.examples"]):
            raise ValueError("a history's steps.examples must be whole numbers of at least 1")
        history.steps.examples[:] = map(int, history.steps.examples)
        for name, numbers in own.items():
            length = len(history.steps.cost if name.startswith("steps.") else history.cost)
            if len(numbers) != length and (numbers or name not in ("accuracy", "validation_cost", "validation_accuracy")):
                raise ValueError(f"a history's {name} must have the length of its cost, {length}, got {len(numbers)}")
        return history

    def to_json(self) -> str:
        """Return the history as JSON, for `from_json`."""
        epochs, steps, lowest = self.forgotten
        forgotten = {"forgotten": [epochs, steps, lowest if lowest < math.inf else None]} if self.forgotten != Forgotten() else {}
        weighted = {"weighted": True} if self.weighted else {}
        return json.dumps({"stopped": self.stopped, **weighted, **forgotten, **self.columns()}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> History:
        """Return the history that `to_json` wrote. Raises ValueError for any other text."""
        try:
            columns = json.loads(text)
            stopped, (epochs, steps, lowest) = columns.pop("stopped"), columns.pop("forgotten", (0, 0, None))
            weighted = columns.pop("weighted", False) is True
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"this is not a history in JSON: {error!r}") from None
        numbers = (epochs, steps, 0 if lowest is None else lowest)
        if not all(type(each) is int and each >= 0 for each in (epochs, steps)) or not _are_finite(numbers):
            raise ValueError(f"a history's forgotten must be the numbers of epochs and steps and the lowest cost, got {numbers!r:.60}")
        history = cls.from_columns(columns, str(stopped))
        history.weighted = weighted
        history.forgotten = Forgotten(epochs, steps, math.inf if lowest is None else float(lowest))
        return history

    def _repr_html_(self) -> str:
        known = {name.replace("_", " "): numbers for name, numbers in self.columns().items() if numbers and "." not in name}
        rows = [
            [name, *(f"{number:.4g}" for number in (numbers[0], min(numbers), max(numbers), numbers[-1]))]
            for name, numbers in known.items()
        ]
        return html_table(["", "first epoch", "lowest", "highest", "last epoch"], rows, repr(self)) + _curves(self)

    def __repr__(self) -> str:
        epochs, steps = self.forgotten.epochs + len(self.cost), self.forgotten.steps + len(self.steps.cost)
        words = [f"{epochs} epochs", f"{steps} steps"]
        words += ["weighted means"] * self.weighted
        words += [f"{name.replace('_', ' ')} {numbers[-1]:.4g}" for name, numbers in self.columns().items() if numbers and name in _SHOWN]
        return f"History({', '.join(words)}, {sum(self.steps.seconds):.1f} s{', ' + self.stopped if self.stopped else ''})"


def _curves(history: History) -> str:
    """The costs as a small drawing: a line for training, a dashed one for validation."""
    pairs = [(history.cost, ""), (history.validation_cost, ' stroke-dasharray="4 3"')]
    highest = max([*history.cost, *history.validation_cost], default=0.0)
    lowest = min([0.0, *history.cost, *history.validation_cost])
    lines = []
    for costs, style in pairs:
        points = [
            f"{200 * place / max(len(costs) - 1, 1):.1f},{42 - 40 * (cost - lowest) / ((highest - lowest) or 1.0):.1f}"
            for place, cost in enumerate(costs)
        ]
        lines.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="currentColor"{style}/>')
    return f'<svg width="200" height="44" role="img" aria-label="the cost of each epoch">{"".join(lines)}</svg>'


def _are_finite(numbers: Sequence[Any]) -> bool:
    return all(isinstance(number, (int, float)) and abs(number) <= sys.float_info.max for number in numbers)


_EPOCHS = [each.name for each in fields(History) if each.name not in ("steps", "stopped", "forgotten", "weighted")]
_STEPS = [each.name for each in fields(Steps)]
_SHOWN = ("cost", "accuracy", "validation_cost", "validation_accuracy")
