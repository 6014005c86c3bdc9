"""History: what happened in training, epoch by epoch and step by step."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple


class Step(NamedTuple):
    """One update of the parameters: the mini-batch's mean cost before it, and how it was made."""

    number: int  # from 1, in the whole run
    epoch: int  # from 1
    cost: float
    learning_rate: float
    gradient_norm: float  # before clipping
    examples: int  # in the mini-batch
    seconds: float


@dataclass
class Steps:
    """What `Step` says of each update of the parameters, in lists."""

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
    """How much came before what a history still holds."""

    epochs: int = 0
    steps: int = 0
    validation_cost: float = math.inf  # the lowest of those epochs


class Mark(NamedTuple):
    """A moment of a history: its lists then, which only ever grow, and how long they were."""

    columns: Mapping[str, list[float]]
    lengths: Mapping[str, int]
    forgotten: Forgotten = Forgotten()

    def copied(self) -> Mark:
        """The same moment, with lists of its own."""
        return self._replace(columns={name: numbers[: self.lengths[name]] for name, numbers in self.columns.items()})


@dataclass(repr=False)
class History:
    """One number for each epoch, in lists: `history.cost[-1]` is the last epoch's; `history.steps` has those of each step.

    Cost and gradient norm are means over the epoch's examples and steps, as they were met; accuracies and the
    validation's cost are those of the parameters at the epoch's end. What was not measured is an empty list.

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
    stopped: str = ""  # why training ended: "finished", "no improvement", "interrupted", "callback"
    forgotten: Forgotten = field(default_factory=Forgotten)

    def columns(self) -> dict[str, list[float]]:
        """All the lists, behind their names: `cost`, ..., `steps.cost`, ..."""
        epochs = {name: getattr(self, name) for name in _EPOCHS}
        return epochs | {f"steps.{name}": getattr(self.steps, name) for name in _STEPS}

    def mark(self) -> Mark:
        """The present moment, for `go_back`: costs the same however long the history is."""
        columns = self.columns()
        return Mark(columns, {name: len(numbers) for name, numbers in columns.items()}, self.forgotten)

    def show(self, mark: Mark) -> None:
        """Have the mark's own lists, without what was appended to them since."""
        for name, numbers in mark.columns.items():
            del numbers[mark.lengths[name] :]
            setattr(self.steps if name.startswith("steps.") else self, name.removeprefix("steps."), numbers)
        self.forgotten = mark.forgotten

    def go_back(self, mark: Mark) -> None:
        """Become as it was at the mark. The lists are new ones, as other marks may be of the old ones."""
        self.show(mark.copied())
        self.stopped = ""

    def forget(self, epochs: int, steps: int) -> None:
        """Hold the first so many epochs, and the steps in them, no longer. The lists are new ones, as marks may be of the old ones."""
        before = self.forgotten
        lowest = min([before.validation_cost, *self.validation_cost[:epochs]])
        for name in _EPOCHS:
            setattr(self, name, getattr(self, name)[epochs:])
        for name in _STEPS:
            setattr(self.steps, name, getattr(self.steps, name)[steps:])
        self.forgotten = Forgotten(before.epochs + epochs, before.steps + steps, lowest)

    @classmethod
    def from_columns(cls, columns: Mapping[str, list[float]], stopped: str = "") -> History:
        """The history with these lists. Raises ValueError where names or lengths are not those of a history."""
        history = cls(stopped=stopped)
        own = history.columns()  # the lists themselves, filled below
        if columns.keys() != own.keys():
            raise ValueError(f"a history has the columns {', '.join(own)}; got {', '.join(map(str, columns)) or 'none'}")
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
                raise ValueError(f"a history's {name} must be as long as its cost: {length}, not {len(numbers)}")
        return history

    def to_json(self) -> str:
        epochs, steps, lowest = self.forgotten
        forgotten = {"forgotten": [epochs, steps, lowest if lowest < math.inf else None]} if self.forgotten != Forgotten() else {}
        return json.dumps({"stopped": self.stopped, **forgotten, **self.columns()}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> History:
        """The history that `to_json` wrote. Raises ValueError for anything else."""
        try:
            columns = json.loads(text)
            stopped, (epochs, steps, lowest) = columns.pop("stopped"), columns.pop("forgotten", (0, 0, None))
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"this is no history in JSON: {error!r}") from None
        numbers = (epochs, steps, 0 if lowest is None else lowest)
        if not all(type(each) is int and each >= 0 for each in (epochs, steps)) or not _are_finite(numbers):
            raise ValueError(f"a history has forgotten so many epochs, steps and the lowest cost of a validation, got {numbers!r:.60}")
        history = cls.from_columns(columns, str(stopped))
        history.forgotten = Forgotten(epochs, steps, math.inf if lowest is None else float(lowest))
        return history

    def __repr__(self) -> str:
        epochs, steps = self.forgotten.epochs + len(self.cost), self.forgotten.steps + len(self.steps.cost)
        words = [f"{epochs} epochs", f"{steps} steps"]
        words += [f"{name.replace('_', ' ')} {numbers[-1]:.4g}" for name, numbers in self.columns().items() if numbers and name in _TOLD]
        return f"History({', '.join(words)}, {sum(self.steps.seconds):.1f} s{', ' + self.stopped if self.stopped else ''})"


def _are_finite(numbers: Sequence[Any]) -> bool:
    return all(isinstance(number, (int, float)) and abs(number) <= sys.float_info.max for number in numbers)


_EPOCHS = [each.name for each in fields(History) if each.name not in ("steps", "stopped", "forgotten")]
_STEPS = [each.name for each in fields(Steps)]
_TOLD = ("cost", "accuracy", "validation_cost", "validation_accuracy")
