"""Module: the base class of models. It finds and names parameters, predicts, and measures accuracy."""

from __future__ import annotations

import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import is_dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograd import TraceError, Value
from autograd._support import html_table
from nn import classification
from nn.activations import Activation, linear
from nn.frames import Inputs, chosen, columns_of, is_table, rows_taken, shape_of
from nn.inputs import Array, examples, finite_number
from nn.labels import Classes, check_classes, indices, plain
from nn.prediction_cache import predictions
from nn.preprocessing import Preprocessing

if TYPE_CHECKING:
    from typing_extensions import Self

PLACES = "attributes, and in lists, tuples, values of dicts, arrays of objects, dataclasses and Modules there"


class Module(ABC):
    """Abstract base class of models: a function with parameters.

    Parameters are the Values in the attributes of the model, and in lists, tuples, values of dicts, arrays of objects, dataclasses and
    Modules there.

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
        """The outputs for one example's inputs, which are numbers or Values: a list, or a single output."""

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Pairs of a name and a parameter, each parameter once. A name is an expression: `layers[0].neurons[3].weights[17]`.

        Raises TypeError for a parameter that is only in a set or in the keys of a dict, which have no order.
        """
        found = _Search(self).found
        return iter([(path if place is None else f"{path}[{place}]", parameter) for path, place, parameter in found])

    def parameters(self) -> list[Value]:
        """The parameters in a fixed order: for an MLP layer by layer, neuron by neuron, its weights and then its bias."""
        return [parameter for *_, parameter in _Search(self).found]

    def map_parameters(self, f: Callable[[Value], Any]) -> Self:
        """Return a copy of the model with `f(parameter)` instead of each parameter.

        So models are arguments of `grad`, `jacobian`, `hvp` and the others: `grad(lambda model: cost(model(x), y))(model)` is a model
        whose parameters are derivatives.

        >>> from autograd import grad
        >>> from nn import Neuron
        >>> derivatives = grad(lambda neuron: neuron([2.0, 3.0]))(Neuron(2, activation=None))
        >>> [weight.data for weight in derivatives.weights], derivatives.bias.data
        ([2.0, 3.0], 1.0)
        """
        return copy.deepcopy(self, {id(parameter): f(parameter) for parameter in self.parameters()})

    def zero_grad(self) -> None:
        """Set all gradients to 0, because `backward()` adds to them."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The values of the parameters by name."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set the parameters from a `state_dict()`.

        Raises ValueError, with nothing changed, for other names and for numbers that are not finite.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict takes the result of state_dict(), numbers by name, got {type(state).__name__} {state!r:.60}")
        named = dict(self.named_parameters())
        for problem, names in (("unknown", state.keys() - named.keys()), ("missing", named.keys() - state.keys())):
            if names:
                raise ValueError(f"{len(names)} {problem} parameter(s), such as {min(names, key=str)}: the state belongs to another model")
        numbers = {name: finite_number(name, state[name]) for name in named}
        for name, parameter in named.items():
            parameter.data = numbers[name]

    def predict(self, X: Inputs) -> Array:
        """The outputs, shape (examples, outputs), for inputs X of shape (examples, inputs), or for a table with these columns."""
        rows = self.inputs_from("X", X)
        if rows.ndim != 2:
            raise ValueError(
                f"X must have the shape (examples, inputs), got {rows.shape}: for one example write [x], for single inputs X[:, None]"
            )
        require_width("X", self, rows)
        if len(rows) <= 50:  # compiling takes about as long
            with suppress(ArithmeticError):  # a compiled program gives nan for undefined outputs
                return self._each(rows)
        with suppress(TraceError):
            return predictions(self, rows).reshape(len(rows), -1)
        return self._each(rows)

    def _each(self, rows: Array) -> Array:
        """The outputs for rows of inputs, computed one by one."""
        outputs = [[getattr(output, "data", output) for output in outputs_of(self(row))] for row in rows.tolist()]
        return np.array(outputs, dtype=np.float64)

    def accuracy(self, X: Inputs, Y: npt.ArrayLike, threshold: float | None = None) -> float:
        """The share of examples whose class is predicted correctly.

        Parameters
        ----------
        X : array_like, shape (examples, inputs)
            The inputs.
        Y : array_like
            With several outputs, labels or one-hot rows; the prediction is the index of the largest output. With a single output,
            1 and either 0 or -1; the prediction is 1 if the output is above the threshold.
        threshold : float, optional
            The threshold of a single output. Default: `self.threshold`.

        Returns
        -------
        float
            From 0 to 1; nan for targets that are not classes.
        """
        X, Y = self.used_rows(X, Y)
        targets = plain("Y", Y)
        if self.classes is not None and targets.ndim == 1:
            targets = indices("Y", targets, self.classes)
        used = self.threshold if threshold is None else finite_number("the threshold", threshold)
        return classification.accuracy(self.predict(X), targets, used)

    @property
    def threshold(self) -> float:
        """The threshold of a single output between class 0 and class 1.

        Training sets it to the output with the same cost for both classes: 0.5 for squared error, 0 for scores. Before training it is
        0.5 if the output activation is sigmoid, otherwise 0.
        """
        default = classification.usual_threshold(*self._output_activations()[:1])
        return float(vars(self).get("_threshold", default))

    @threshold.setter
    def threshold(self, output: float) -> None:
        self._threshold = finite_number("the threshold", output)

    @property
    def classes(self) -> Classes | None:
        """The labels of the classes, in the order of the outputs, as training found them; None for the labels 0, 1, ..."""
        return vars(self).get("_classes")

    @classes.setter
    def classes(self, labels: Any) -> None:
        self._set("_classes", check_classes(labels))

    @property
    def feature_names(self) -> list[str] | None:
        """The names of the inputs, if the model was trained on a table; otherwise None."""
        return vars(self).get("_feature_names")

    @feature_names.setter
    def feature_names(self, names: Sequence[str] | None) -> None:
        if names is not None and self._inputs() not in (None, len(names)):
            raise ValueError(f"feature_names must have a name for each of {self._inputs()} inputs, got {len(names)}")
        self._set("_feature_names", None if names is None else list(map(str, names)))

    @property
    def preprocessing(self) -> Preprocessing | None:
        """The preprocessing of raw rows; None if the model takes its inputs as they are."""
        return vars(self).get("_preprocessing")

    @preprocessing.setter
    def preprocessing(self, preprocessing: Preprocessing | None) -> None:
        if preprocessing is not None:
            if not isinstance(preprocessing, Preprocessing):
                raise TypeError(f"preprocessing must be a nn.Preprocessing, got {preprocessing!r:.60}")
            if self._inputs() not in (None, preprocessing.width):
                raise ValueError(f"the preprocessing makes {preprocessing.width} inputs and the model takes {self._inputs()}")
            self.feature_names = preprocessing.features
        self._set("_preprocessing", preprocessing)

    def _set(self, name: str, value: Any) -> None:
        """Set an attribute; None removes it, so that models without it stay as they were."""
        vars(self).pop(name, None)
        if value is not None:
            vars(self)[name] = value

    def inputs_from(self, name: str, X: Any) -> Array:
        """Return X as the array that the model takes: raw rows are preprocessed, and columns of a table are found by name."""
        if self.preprocessing is not None:
            return self.preprocessing.transform(X)
        if self.feature_names is not None and is_table(X):
            X = chosen(name, columns_of(name, X), self.feature_names)
        return examples(name, X)

    def used_rows(self, X: Any, *others: Any) -> list[Any]:
        """Return X and arrays of the same length without the rows that the preprocessing drops.

        Raises ValueError if it drops rows and the lengths differ.
        """
        if self.preprocessing is None or self.preprocessing.missing != "drop":
            return [X, *others]
        complete = self.preprocessing.complete(X)
        for each in others:
            if (found := shape_of("Y", each)[:1]) != complete.shape:
                raise ValueError(f"X, its targets and its weights must have the same length: got {len(complete)} and {sum(found)} rows")
        rows = np.flatnonzero(complete)
        return [rows_taken(each, rows) for each in (X, *others)]

    def _inputs(self) -> int | None:
        """The number of inputs; None if it is unknown."""
        return None

    def _output_activations(self) -> list[Activation]:
        """The output activations: one, or several if the outputs differ."""
        return [getattr(self, "output_activation", linear)]

    def probabilities(self, X: Inputs) -> Array:
        """The probability of each class, shape (examples, classes), for inputs X of shape (examples, inputs).

        Several outputs are scores for softmax, as `cross_entropy` trains them. A single output is the score of class 1 for sigmoid, or
        its probability if the output activation is sigmoid. Raises ValueError for several outputs with an output activation.
        """
        return classification.probabilities(self.predict(X), self._output_activations())

    def classify(self, X: Inputs) -> npt.NDArray[Any]:
        """The label of the predicted class for each example, (examples,): one of `classes`, or 0, 1, ... if they have no names.

        >>> from nn import MLP, cross_entropy, train
        >>> model = MLP([1, 2])
        >>> history = train(model, [[-1.0], [1.0]], ["no", "yes"], cost=cross_entropy, epochs=200, progress=False)
        >>> model.classify([[-2.0], [0.5]]).tolist()
        ['no', 'yes']
        """
        outputs = self.predict(X)
        index = classification.class_index(outputs, self.threshold)
        if self.classes is None:
            return index
        if len(self.classes) != max(2, outputs.shape[1]):
            raise ValueError(f"the model has {outputs.shape[1]} output(s) and {len(self.classes)} classes")
        labels: npt.NDArray[Any] = np.array(self.classes)[index]
        return labels

    def summary(self) -> Summary:
        """A table of the parts of the model with the number of their parameters: a str, which a notebook shows as a table."""
        parts: dict[str, int] = {}
        for name, _ in self.named_parameters():
            part = re.match(r"\w+(\[[^]]*\])?", name)
            parts[part.group() if part else name] = parts.get(part.group() if part else name, 0) + 1
        rows = [(part, _part(self, part), f"{count:,}") for part, count in parts.items()]
        rows.append(("total", "", f"{sum(parts.values()):,}"))
        return Summary.of(["part", "what", "parameters"], rows)

    def _repr_html_(self) -> str:
        about = [f"classes: {', '.join(map(str, self.classes))}"] if self.classes else []
        about += [f"inputs: {', '.join(self.feature_names)}"] if self.feature_names else []
        return self.summary()._repr_html_(repr(self)) + "".join(f"<div>{escape(each)}</div>" for each in about)

    def __repr__(self) -> str:
        return f"{type(self).__name__} with {len(self.parameters())} parameters"


class Summary(str):
    """A table as text, which a notebook shows as a table."""

    __slots__ = ("header", "rows")
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @classmethod
    def of(cls, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Summary:
        widths = [max(len(row[column]) for row in (header, *rows)) for column in range(3)]
        table = cls("\n".join(f"{part:{widths[0]}}  {what:{widths[1]}}  {count:>{widths[2]}}" for part, what, count in (header, *rows)))
        table.header, table.rows = header, rows
        return table

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self, caption: str = "") -> str:
        return html_table(self.header, self.rows, caption)


def require_parameters(model: Module) -> None:
    """Raise ValueError for a model without parameters."""
    if not model.parameters():
        raise ValueError(f"{model!r:.60} has no parameters to train: parameters are Values in its {PLACES}")


def require_width(name: str, model: Module, X: Any) -> None:
    """Raise ValueError if X, (examples, inputs), has another number of columns than the model has inputs."""
    inputs = model._inputs()
    if inputs not in (None, X.shape[1]):
        raise ValueError(f"{name} has {X.shape[1]} columns and the model takes {inputs} inputs")


def example_from(name: str, model: Module, x: Any) -> Array:
    """Return one example as the inputs that the model takes, (inputs,). A table or raw rows must have one row."""
    inputs = model.inputs_from(name, x)
    inputs = inputs[0] if inputs.ndim == 2 and len(inputs) == 1 else inputs
    if inputs.ndim != 1 or model._inputs() not in (None, len(inputs)):
        raise ValueError(f"{name} must be one example, ({model._inputs()},), got the shape {inputs.shape}")
    return inputs


def outputs_of(result: Any) -> list[Any]:
    """The result of a model for one example as a list. Raises TypeError for None."""
    if result is None:
        raise TypeError("a model must return its outputs for an example, and this one returned None: perhaps its return is missing")
    return list(result) if isinstance(result, (Sequence, np.ndarray)) else [result]


class _Search:
    """One search for parameters. Each object is visited once, so that tied weights are one parameter and cycles end."""

    def __init__(self, model: Module) -> None:
        self.found: list[tuple[str, int | None, Value]] = []  # path, index in a list, parameter
        self.seen: dict[int, Any] = {}  # keeps the objects alive, so that no id is used again
        self.unordered: list[tuple[str, Any]] = []
        self.look("", model)
        self.check()

    def look(self, path: str, thing: Any) -> None:
        """Find the parameters in an object."""
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
                elif id(each) not in self.seen:  # the common case: weights in lists
                    self.seen[id(each)] = each
                    self.found.append((path, index, each))
        elif isinstance(thing, np.ndarray) and thing.dtype == object:
            for place, each in np.ndenumerate(thing):
                self.look(f"{path}[{', '.join(map(str, place)) or '()'}]", each)
        elif isinstance(thing, Set):
            self.unordered += [(f"{path} is a {type(thing).__name__} with", each) for each in thing]

    def check(self) -> None:
        """Raise TypeError if a parameter is only in a set or in the keys of a dict."""
        known = len(self.found)
        while self.unordered:
            where, each = self.unordered.pop(0)
            self.look(where, each)
            if len(self.found) > known:
                raise TypeError(f"{where} parameters, which have no order there: parameters must be in {PLACES}")


def attributes(thing: Any) -> dict[str, Any]:
    """The attributes of an object, in its `__dict__` and its slots."""
    slots = [vars(each).get("__slots__", ()) for each in type(thing).__mro__]
    names = [name for each in slots for name in ([each] if isinstance(each, str) else each)]
    return {**getattr(thing, "__dict__", {}), **{name: getattr(thing, name) for name in names if hasattr(thing, name)}}


def _part(model: Module, path: str) -> str:
    """The Module, or the type of another object, at the start of a path."""
    name, _, index = path.partition("[")
    thing = getattr(model, name)
    if isinstance(thing, (list, tuple)) and index:
        thing = thing[int(index[:-1])]
    return repr(thing) if isinstance(thing, Module) else type(thing).__name__
