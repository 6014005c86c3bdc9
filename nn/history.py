"""History: what happened in training, epoch by epoch and step by step."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass
class Steps:
    """One number for each update of the parameters: the mini-batch's mean cost before it, and how the update was made."""

    cost: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)  # before clipping
    seconds: list[float] = field(default_factory=list)


@dataclass(repr=False)
class History:
    """One number for each epoch, in lists: `history.cost[-1]` is the last epoch's; `history.steps` has those of each step.

    Cost and gradient norm are means over the epoch's examples and steps, as they were met; accuracies and the
    validation's cost are those of the parameters at the epoch's end. What was not measured is an empty list.
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

    def columns(self) -> dict[str, list[float]]:
        """All the lists, behind their names: `cost`, ..., `steps.cost`, ..."""
        epochs = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("steps", "stopped")}
        return epochs | {f"steps.{each.name}": getattr(self.steps, each.name) for each in fields(Steps)}

    @classmethod
    def from_columns(cls, columns: Mapping[str, list[float]], stopped: str = "") -> History:
        """The history with these lists. Raises ValueError where names or lengths are not those of a history."""
        history = cls(stopped=stopped)
        own = history.columns()  # the lists themselves, filled below
        if columns.keys() != own.keys():
            raise ValueError(f"a history has the columns {', '.join(own)}; got {', '.join(map(str, columns)) or 'none'}")
        for name, numbers in columns.items():
            if not isinstance(numbers, list) or not all(
                isinstance(number, (int, float)) and abs(number) <= sys.float_info.max for number in numbers
            ):
                raise ValueError(f"a history's {name} must be a list of finite numbers")
            own[name].extend(map(float, numbers))
        for name, numbers in own.items():
            length = len(history.steps.cost if name.startswith("steps.") else history.cost)
            if len(numbers) != length and (numbers or name not in ("accuracy", "validation_cost", "validation_accuracy")):
                raise ValueError(f"a history's {name} must be as long as its cost: {length}, not {len(numbers)}")
        return history

    def to_json(self) -> str:
        return json.dumps({"stopped": self.stopped, **self.columns()}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> History:
        """The history that `to_json` wrote. Raises ValueError for anything else."""
        try:
            columns = json.loads(text)
            stopped = columns.pop("stopped")
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"this is no history in JSON: {error!r}") from None
        return cls.from_columns(columns, str(stopped))

    def __repr__(self) -> str:
        words = [f"{len(self.cost)} epochs", f"{len(self.steps.cost)} steps"]
        words += [f"{name.replace('_', ' ')} {numbers[-1]:.4g}" for name, numbers in self.columns().items() if numbers and name in _TOLD]
        return f"History({', '.join(words)}, {sum(self.steps.seconds):.1f} s{', ' + self.stopped if self.stopped else ''})"


_TOLD = ("cost", "accuracy", "validation_cost", "validation_accuracy")
