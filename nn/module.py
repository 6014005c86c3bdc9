"""Module: a function with parameters. How they are found and named, and what every model can do with them."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import TraceError, Value
from nn import classification
from nn.activations import Activation, linear
from nn.inputs import Array, examples
from nn.prediction_cache import predictions

PLACES = "attributes, and in lists, tuples, dicts' values, arrays of objects, dataclasses and Modules there"


class Module(ABC):
    """Abstract: a function with parameters, the Values found in its attributes.

    They are looked for there and in lists, tuples, dicts' values, arrays of objects, dataclasses and Modules there.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.start = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x[0] + self.start
    >>> Line().state_dict()
    {'slope': 2.0, 'start': 1.0}
    >>> Line().predict([[1.0], [2.0]])
    array([[3.],
           [5.]])
    """

    @abstractmethod
    def __call__(self, x: Any) -> Any:
        """The outputs for one example's inputs, numbers or Values: a list, or a single one bare."""

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Each parameter once, behind the expression that reaches it: `layers[0].neurons[3].weights[17]`.

        Raises TypeError for one that is found only where there is no order, in a set or in a dict's keys.
        """
        found = _Search(self).found
        return iter([(path if place is None else f"{path}[{place}]", parameter) for path, place, parameter in found])

    def parameters(self) -> list[Value]:
        """The parameters in a fixed order: for an MLP layer by layer, neuron by neuron, its weights and then its bias."""
        return [parameter for *_, parameter in _Search(self).found]

    def zero_grad(self) -> None:
        """Forget the gradients: `backward()` adds to those that are there."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The numbers in the parameters, by name."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Take the parameters' numbers from `state`.

        Raises ValueError, with nothing changed, unless the names are the same and all numbers finite.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict takes what state_dict() gave, numbers by name, got {type(state).__name__} {state!r:.60}")
        named = dict(self.named_parameters())
        for problem, names in (("unknown", state.keys() - named.keys()), ("missing", named.keys() - state.keys())):
            if names:
                raise ValueError(f"{len(names)} {problem} parameter(s), such as {min(names, key=str)}: the state is that of another model")
        numbers = {name: _finite(name, state[name]) for name in named}
        for name, parameter in named.items():
            parameter.data = numbers[name]

    def predict(self, X: npt.ArrayLike) -> Array:
        """The outputs, shape (examples, outputs), for inputs X of shape (examples, inputs)."""
        rows = examples("X", X)
        if rows.ndim != 2:
            raise ValueError(
                f"X must have the shape (examples, inputs), got {rows.shape}: for one example write [x], for single inputs X[:, None]"
            )
        require_width("X", self, rows)
        if len(rows) <= 50:  # making a program takes about as long as this
            with suppress(ArithmeticError):  # where an output is undefined a program gives nan
                return self._each(rows)
        with suppress(TraceError):
            return predictions(self, rows).reshape(len(rows), -1)
        return self._each(rows)

    def _each(self, rows: Array) -> Array:
        """The outputs for rows of inputs, one row after the other."""
        outputs = [[getattr(output, "data", output) for output in outputs_of(self(row))] for row in rows.tolist()]
        return np.array(outputs, dtype=np.float64)

    def accuracy(self, X: npt.ArrayLike, Y: npt.ArrayLike, threshold: float | None = None) -> float:
        """The share of examples whose class is predicted right. NaN for targets that are no classes.

        With several outputs the largest one's index is the class, and Y holds labels or one-hot rows. With one, an output
        above the threshold is class 1, and Y holds 1 and either -1 or 0. Unless given, the threshold is 0 for -1 and 1,
        and the model's own for 0 and 1.
        """
        if threshold is None:
            return classification.accuracy(self.predict(X), Y, self.threshold)
        given = _finite("the threshold", threshold)
        return classification.accuracy(self.predict(X), Y, given, threshold_of_signs=given)

    @property
    def threshold(self) -> float:
        """Where a single output parts class 0 from class 1: the output for which the cost that the model was trained with is the same
        for either (0.5 for squared error, 0 for a score); before, 0.5 where the output activation is sigmoid, else 0.
        """
        default = classification.usual_threshold(*self._output_activations()[:1])
        return float(vars(self).get("_threshold", default))

    @threshold.setter
    def threshold(self, output: float) -> None:
        self._threshold = _finite("the threshold", output)

    def _inputs(self) -> int | None:
        """The number of inputs; None if only a call can tell."""
        return None

    def _output_activations(self) -> list[Activation]:
        """What the outputs have been through: at least one activation, and several where outputs differ."""
        return [getattr(self, "output_activation", linear)]

    def probabilities(self, X: npt.ArrayLike) -> Array:
        """The probability of each class for inputs X of shape (examples, inputs): shape (examples, classes), rows that add up to 1.

        Several outputs are scores for softmax, as cross_entropy trains them; a single one is the score of class 1, for sigmoid,
        or after a sigmoid its probability. Raises ValueError for several outputs that an activation has made other than scores.
        """
        return classification.probabilities(self.predict(X), self._output_activations())

    def summary(self) -> str:
        """What the model consists of, a line for each attribute or element of one that holds parameters, and their number in all."""
        parts: dict[str, int] = {}
        for name, _ in self.named_parameters():
            part = re.match(r"\w+(\[[^]]*\])?", name)
            parts[part.group() if part else name] = parts.get(part.group() if part else name, 0) + 1
        rows = [(part, _part(self, part), f"{count:,}") for part, count in parts.items()]
        rows = [("part", "what", "parameters"), *rows, ("total", "", f"{sum(parts.values()):,}")]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(f"{part:{widths[0]}}  {what:{widths[1]}}  {count:>{widths[2]}}" for part, what, count in rows)

    def __repr__(self) -> str:
        return f"{type(self).__name__} with {len(self.parameters())} parameters"


def require_parameters(model: Module) -> None:
    """Raise ValueError, saying where parameters are looked for, for a model that has none: there is nothing to train."""
    if not model.parameters():
        raise ValueError(f"{model!r:.60} has nothing to learn: parameters are Values, looked for in its {PLACES}")


def require_width(name: str, model: Module, X: Any) -> None:
    """Raise ValueError unless the rows of X, (examples, inputs), have as many columns as the model has inputs, if that is known."""
    inputs = model._inputs()
    if inputs not in (None, X.shape[1]):
        raise ValueError(f"{name} has {X.shape[1]} columns and the model takes {inputs} inputs")


def outputs_of(result: Any) -> list[Any]:
    """What a Module returned for an example, as a list, also where it is a single output. Raises TypeError where it is nothing."""
    if result is None:
        raise TypeError("a model returns its outputs for an example, and this one returned None: perhaps its return is missing")
    return list(result) if isinstance(result, (Sequence, np.ndarray)) else [result]


class _Search:
    """One search for parameters. Each thing is looked into once, so that tied weights are one parameter, and circles end."""

    def __init__(self, model: Module) -> None:
        self.found: list[tuple[str, int | None, Value]] = []  # behind the expressions that reach them, in a list its place there apart
        self.seen: dict[int, Any] = {}  # holds on to what it has seen, as the place of what is gone may be taken by another
        self.unordered: list[tuple[str, Any]] = []
        self.look("", model)
        self.check()

    def look(self, path: str, thing: Any) -> None:
        """Find the parameters in a thing."""
        if type(thing) is float or isinstance(thing, (str, bytes, bytearray, memoryview, range)) or id(thing) in self.seen:
            return
        self.seen[id(thing)] = thing
        if isinstance(thing, Value):
            self.found.append((path, None, thing))
        elif isinstance(thing, Module) or (is_dataclass(thing) and not isinstance(thing, type)):
            for name, each in attributes(thing).items():
                self.look(f"{path}.{name}" if path else name, each)
        elif isinstance(thing, Mapping):
            for key, each in thing.items():
                self.unordered.append((f"the keys of {path} hold", key))
                self.look(f"{path}[{key!r}]", each)
        elif isinstance(thing, Sequence):
            for index, each in enumerate(thing):
                if type(each) is not Value:
                    self.look(f"{path}[{index}]", each)
                elif id(each) not in self.seen:  # as nearly all are: weights in lists
                    self.seen[id(each)] = each
                    self.found.append((path, index, each))
        elif isinstance(thing, np.ndarray) and thing.dtype == object:
            for place, each in np.ndenumerate(thing):
                self.look(f"{path}[{', '.join(map(str, place)) or '()'}]", each)
        elif isinstance(thing, Set):
            self.unordered += [(f"{path} is a {type(thing).__name__} with", each) for each in thing]

    def check(self) -> None:
        """Raise TypeError for the first parameter that was met without an order, and nowhere else."""
        known = len(self.found)
        while self.unordered:
            where, each = self.unordered.pop(0)
            self.look(where, each)
            if len(self.found) > known:
                raise TypeError(f"{where} parameters, and none are found there: they are looked for in {PLACES}")


def attributes(thing: Any) -> dict[str, Any]:
    """What is in a thing's `__dict__` and in its slots."""
    slots = [vars(each).get("__slots__", ()) for each in type(thing).__mro__]
    names = [name for each in slots for name in ([each] if isinstance(each, str) else each)]
    return {**getattr(thing, "__dict__", {}), **{name: getattr(thing, name) for name in names if hasattr(thing, name)}}


def _part(model: Module, path: str) -> str:
    """What lies at the path's beginning, an attribute and perhaps an element of it, where that is a Module."""
    name, _, index = path.partition("[")
    thing = getattr(model, name)
    if isinstance(thing, (list, tuple)) and index:
        thing = thing[int(index[:-1])]
    return repr(thing) if isinstance(thing, Module) else type(thing).__name__


def _finite(name: str, number: Any) -> float:
    try:
        data = Value(number).data
    except TypeError:
        hint = "; of a Value give its .data" if isinstance(number, Value) else ""
        raise ValueError(f"{name} must be a real number, got {type(number).__name__} {number!r:.60}{hint}") from None
    except OverflowError as error:
        raise ValueError(f"{name}: {error}") from None
    if not math.isfinite(data):
        raise ValueError(f"{name} must be a finite number, got {data}")
    return data
