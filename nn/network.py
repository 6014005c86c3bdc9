"""Networks: neurons, layers of neurons, and the multi-layer perceptron, each a definition one can read.

Layers and networks always return a list, and take a list (or a row of an array) of exactly as many numbers as they have inputs.
"""

from __future__ import annotations

import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

import autograd
from autograd import Operation, TraceError, Value, relu, sigmoid, softplus, tanh, vectorize, weighted_sum
from nn import files

Array = npt.NDArray[np.float64]
Activation = Callable[[Any], Any]


def linear(x: Any) -> Any:
    """The activation that does nothing."""
    return x


BUILT_IN: dict[str, Activation] = {"linear": linear} | {
    each.name: each for each in vars(autograd).values() if isinstance(each, Operation) and len(each.partials) == 1 and not each.variadic
}


class Module(ABC):
    """Abstract: a function with parameters, the Values found in its attributes and in lists, tuples, dicts and modules there."""

    @abstractmethod
    def __call__(self, x: Any) -> Any:
        """The outputs for one example's inputs, numbers or Values: a list, or a single one bare."""

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Each parameter once, behind the expression that reaches it: `layers[0].neurons[3].weights[17]`."""
        return _parameters("", self, set())

    def parameters(self) -> list[Value]:
        """The parameters in a fixed order: for an MLP layer by layer, neuron by neuron, its weights and then its bias."""
        return [parameter for _, parameter in self.named_parameters()]

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
        if len(rows) > 50:  # about as many as a program takes to make
            with suppress(TraceError):
                return in_pieces(vectorize(self), rows).reshape(len(rows), -1)
        outputs = [[getattr(output, "data", output) for output in outputs_of(self(row))] for row in rows.tolist()]
        return np.array(outputs, dtype=np.float64)

    def accuracy(self, X: npt.ArrayLike, Y: npt.ArrayLike, threshold: float | None = None) -> float:
        """The share of examples whose class is predicted right. NaN for targets that are no classes.

        With several outputs the largest one's index is the class, and Y holds labels or one-hot rows. With one, an output
        above the threshold is class 1, and Y holds 1 and either -1 or 0. The threshold is 0 for -1 and 1, and for
        0 and 1, unless given, the model's own.
        """
        return accuracy(self.predict(X), Y, self.threshold if threshold is None else threshold)

    @property
    def threshold(self) -> float:
        """Where a single output parts class 0 from class 1: the output for which the cost that the model was trained with is the same
        for either (0.5 for squared error, 0 for a score); before, 0.5 where the output activation is sigmoid, else 0.
        """
        default = 0.5 if getattr(self, "output_activation", None) is sigmoid else 0.0
        return float(vars(self).get("_threshold", default))

    @threshold.setter
    def threshold(self, output: float) -> None:
        self._threshold = _finite("the threshold", output)

    def probabilities(self, X: npt.ArrayLike) -> Array:
        """The probability of each class for inputs X of shape (examples, inputs): shape (examples, classes), rows that add up to 1.

        Several outputs are scores for softmax, as cross_entropy trains them; a single one is the score of class 1, for sigmoid,
        or after a sigmoid its probability. Raises ValueError for several outputs that an activation has made other than scores.
        """
        outputs = self.predict(X)
        activation = getattr(self, "output_activation", linear)
        if outputs.shape[1] == 1:
            one = outputs if activation is sigmoid else sigmoid(outputs)
            return np.hstack([1 - one, one])
        if activation is not linear:
            raise ValueError(
                f"softmax takes scores, and these outputs have been through {name_of(activation)}: train with cross_entropy "
                f"and no output activation"
            )
        return np.exp(outputs - np.logaddexp.reduce(outputs, axis=1, keepdims=True))

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


def _part(model: Module, path: str) -> str:
    """What lies at the path's beginning, an attribute and perhaps an element of it, where that is a Module."""
    name, _, index = path.partition("[")
    thing = getattr(model, name)
    if isinstance(thing, (list, tuple)) and index:
        thing = thing[int(index[:-1])]
    return repr(thing) if isinstance(thing, Module) else type(thing).__name__


def outputs_of(result: Any) -> list[Any]:
    """What a Module returned for an example, as a list, also where it is a single output."""
    return list(result) if isinstance(result, (Sequence, np.ndarray)) else [result]


def _parameters(path: str, thing: Any, seen: set[int]) -> Iterator[tuple[str, Value]]:
    if isinstance(thing, (Value, Module)):
        if id(thing) in seen:  # tied weights are one parameter
            return
        seen.add(id(thing))
    if isinstance(thing, Value):
        yield path, thing
    elif isinstance(thing, Module):
        for name, each in vars(thing).items():
            yield from _parameters(f"{path}.{name}" if path else name, each, seen)
    elif isinstance(thing, dict):
        for key, each in thing.items():
            yield from _parameters(f"{path}[{key!r}]", each, seen)
    elif isinstance(thing, (list, tuple)):
        for index, each in enumerate(thing):
            yield from _parameters(f"{path}[{index}]", each, seen)


def _finite(name: str, number: Any) -> float:
    try:
        data = Value(number).data
    except (TypeError, OverflowError) as error:
        hint = "; of a Value give its .data" if isinstance(number, Value) else ""
        raise ValueError(f"{name}: {error}{hint}") from None
    if not math.isfinite(data):
        raise ValueError(f"{name} must be a finite number, got {data}")
    return data


class Neuron(Module):
    """One neuron: activation(w1 x1 + ... + wn xn + bias).

    The weights start at random, normally distributed so that sums keep the scale of the inputs: with variance 1/n
    for n inputs (LeCun et al., Efficient BackProp, 1998, section 4.6), and 2/n for relu and softplus, which
    pass on only half of it (He et al., Delving Deep into Rectifiers, 2015). The bias starts at 0.
    """

    def __init__(self, inputs: int, activation: Activation | None = tanh, seed: int | np.random.Generator = 0) -> None:
        self.activation = _callable(activation)
        scale = np.sqrt((2.0 if self.activation in (relu, softplus) else 1.0) / _count("inputs", inputs))
        self.weights = [Value(weight) for weight in np.random.default_rng(seed).normal(0.0, scale, inputs).tolist()]
        self.bias = Value(0.0)

    def __call__(self, x: Sequence[Any] | Array) -> Any:
        return self.activation(weighted_sum(self.weights, x, self.bias))

    def __repr__(self) -> str:
        return f"Neuron({len(self.weights)}, activation={name_of(self.activation)})"


class Layer(Module):
    """Neurons side by side, each with all the inputs."""

    def __init__(self, inputs: int, outputs: int, activation: Activation | None = tanh, seed: int | np.random.Generator = 0) -> None:
        rng = np.random.default_rng(seed)
        self.neurons = [Neuron(inputs, activation, rng) for _ in range(_count("outputs", outputs))]

    @property
    def activation(self) -> Activation:
        return self.neurons[0].activation

    def __call__(self, x: Sequence[Any] | Array) -> list[Any]:
        inputs = len(self.neurons[0].weights)
        if isinstance(x, np.ndarray) and x.ndim != 1:
            raise ValueError(
                f"a model is called with one example's inputs, got an array of shape {x.shape}: for many write model.predict(X)"
            )
        if len(x) != inputs:
            raise ValueError(f"this layer takes a list of {inputs} inputs, got {len(x)}")
        return [neuron(x) for neuron in self.neurons]

    def __repr__(self) -> str:
        return f"Layer({len(self.neurons[0].weights)}, {len(self.neurons)}, activation={name_of(self.activation)})"


class MLP(Module):
    """A multi-layer perceptron: each layer's outputs are the next one's inputs.

    `sizes` are the numbers of inputs, of neurons in each hidden layer, and of outputs. An activation is any function
    of one number that is written with Values in mind: `activation` for the hidden layers and `output_activation`
    for the last (None: linear), or a list in `activation` with one for each layer.

    >>> MLP([2, 16, 16, 1], activation=relu)
    MLP([2, 16, 16, 1], activation=relu)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Activation | Sequence[Activation | None] = tanh,
        output_activation: Activation | None = None,
        seed: int | np.random.Generator = 0,
    ) -> None:
        if not isinstance(sizes, (Sequence, np.ndarray)):
            raise TypeError(f"an MLP takes its sizes in one list, of its inputs first: MLP([2, 16, 16, 1]), got {sizes!r:.60}")
        if isinstance(activation, str):
            raise TypeError(_no_name("activation", activation))
        if len(sizes) < 2:
            raise ValueError(f"an MLP needs at least two sizes, of its inputs and of its outputs: got {list(sizes)}")
        if isinstance(activation, Sequence):
            if len(activation) != len(sizes) - 1 or output_activation is not None:
                raise ValueError(
                    f"a list of activations has one for each of the {len(sizes) - 1} layers, the last one's included: got {len(activation)}"
                    + (" and an output_activation" if output_activation is not None else "")
                )
            activations: list[Activation | None] = list(activation)
        else:
            activations = [*[activation] * (len(sizes) - 2), output_activation]
        rng = np.random.default_rng(seed)
        self.layers = [Layer(inputs, outputs, each, rng) for (inputs, outputs), each in zip(pairwise(sizes), activations)]

    @property
    def sizes(self) -> list[int]:
        return [len(self.layers[0].neurons[0].weights), *(len(layer.neurons) for layer in self.layers)]

    @property
    def output_activation(self) -> Activation:
        return self.layers[-1].activation

    def __call__(self, x: Sequence[Any] | Array) -> list[Any]:
        for layer in self.layers:
            x = layer(x)
        return list(x)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an npz file, in one piece or not at all: sizes, names of activations, and the parameters as one vector."""
        functions = {layer.activation for layer in self.layers}
        names = {name_of(function) for function in functions}
        if len(names) < len(functions):
            raise ValueError(
                f"two activations have the same name, among {', '.join(sorted(names))}: name them apart, as load() goes by names"
            )
        header = {
            "sizes": self.sizes,
            "activations": [name_of(layer.activation) for layer in self.layers],
            "custom": sorted(name_of(function) for function in functions if BUILT_IN.get(name_of(function)) is not function),
        }
        files.write(path, "model", header, {"parameters": np.array([parameter.data for parameter in self.parameters()])})

    @classmethod
    def load(cls, path: str | os.PathLike[str], activations: Mapping[str, Activation] | None = None) -> MLP:
        """The network that `save` wrote; your own activations are given by name: `MLP.load(path, {"swish": swish})`.

        Raises ValueError, naming the file, for one that is damaged, foreign, or in need of an activation not given.
        """
        header, vectors = files.read(path, "model")
        sizes, names, custom = (header.get(key) for key in ("sizes", "activations", "custom"))
        if not (isinstance(sizes, list) and len(sizes) > 1 and all(type(size) is int and size > 0 for size in sizes)):
            raise ValueError(f"{os.fspath(path)} is damaged: its layers have the sizes {sizes!r:.60}")
        if not (_are_names(names) and _are_names(custom) and len(names) == len(sizes) - 1):
            raise ValueError(f"{os.fspath(path)} is damaged: its {len(sizes) - 1} layers have the activations {names!r:.60}")
        count = sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))
        if list(vectors) != ["parameters"] or len(vectors["parameters"]) != count:
            raise ValueError(f"{os.fspath(path)} is damaged: it lacks the {count} parameters of a network of sizes {sizes!r:.60}")
        known = {name: each for name, each in BUILT_IN.items() if name not in custom} | dict(activations or {})
        for name in names:
            if name not in known:
                raise ValueError(f"{os.fspath(path)} needs an activation of yours: MLP.load(path, activations={{{name!r:.60}: ...}})")
        model = cls(sizes, [known[name] for name in names])
        for parameter, number in zip(model.parameters(), vectors["parameters"].tolist()):
            parameter.data = number
        return model

    def __repr__(self) -> str:
        *hidden, last = [name_of(layer.activation) for layer in self.layers]
        if len(set(hidden)) > 1:
            return f"MLP({self.sizes}, activation=[{', '.join([*hidden, last])}])"
        activation = f", activation={hidden[0]}" if hidden else ""
        return f"MLP({self.sizes}{activation}{f', output_activation={last}' if last != 'linear' else ''})"


def name_of(function: Any) -> str:
    """What a function is called, in files and in print."""
    return str(getattr(function, "__name__", type(function).__name__))


def _are_names(names: Any) -> TypeGuard[list[str]]:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _callable(activation: Any) -> Activation:
    if activation is None:
        return linear
    if isinstance(activation, str):
        raise TypeError(_no_name("an activation", activation))
    if not callable(activation):
        raise TypeError(f"an activation is a function of one number, such as tanh, got {activation!r}")
    return activation  # type: ignore[no-any-return]


def _no_name(what: str, name: str) -> str:
    where = f"from {'nn.network' if name == 'linear' else 'autograd'} import {name}, then {name}" if name in BUILT_IN else "tanh, say"
    return f"{what} is a function of one number, not its name {name!r}: write {where} without quotes"


def _count(what: str, number: Any) -> int:
    if not isinstance(number, (int, np.integer)) or number < 1:
        raise ValueError(f"the number of {what} must be a whole number of at least 1, got {number!r}")
    return int(number)


def examples(name: str, given: npt.ArrayLike) -> Array:
    """Inputs or targets as a float64 array, a row or a number for each example.

    Raises ValueError where there are none, and for whatever is not a finite number.
    """
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "biuf":
            hint = f"; write classes, {name} = np.unique({name}, return_inverse=True)" if array.dtype.kind in "US" else ""
            raise TypeError(f"found {array.dtype}{hint}")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of real numbers, with rows of one length: {error}") from None
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have one row, or one number, for each example: got the shape {array.shape}")
    if not array.size:
        raise ValueError(f"{name} holds no examples: its shape is {array.shape}")
    array = np.ascontiguousarray(array, dtype=np.float64)
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name}[{', '.join(map(str, where))}] is {array[tuple(where)]}: all of {name} must be finite numbers")
    return array


def in_pieces(program: Callable[..., Array], *arrays: Array) -> Array:
    """A program's results for many examples, a thousand at a time, so that its buffers stay small and in the cache."""
    return np.concatenate([program(*[array[start : start + 1000] for array in arrays]) for start in range(0, len(arrays[0]), 1000)])


def accuracy(outputs: Array, Y: npt.ArrayLike, threshold: float = 0.0) -> float:
    """`Module.accuracy` for outputs of shape (examples, outputs); the threshold is for labels 0 and 1."""
    targets = examples("Y", Y)
    if len(targets) != len(outputs):
        raise ValueError(f"X and Y must be equally long: got {len(outputs)} examples and {len(targets)} targets")
    classes = outputs.shape[1]
    if targets.shape == outputs.shape and classes > 1 and (targets >= 0).all() and np.allclose(targets.sum(axis=1), 1):
        targets = targets.argmax(axis=1)
    if targets.size != len(outputs):
        return math.nan
    targets = targets.reshape(-1)
    labels = set(np.unique(targets).tolist())
    if classes > 1:
        return float((outputs.argmax(axis=1) == targets).mean()) if labels <= set(range(classes)) else math.nan
    if labels <= {-1, 1} or labels <= {0, 1}:
        return float(((outputs[:, 0] > (0.0 if -1 in labels else threshold)) == (targets == 1)).mean())
    return math.nan
