"""Nudges: how examples would like each bias, weight and activation of a network to change, and how strongly.

A nudge is minus a derivative of an example's cost. With z = w1 a1 + ... + wn an + b the weighted sum of a neuron and
δ = ∂C/∂z, the neuron asks for -δ of its bias, for -δ a of a weight that meets the activation a, and for -δ w of an
activation that comes in by the weight w; an activation is asked by all neurons of the next layer, and their wishes
add up (M. Nielsen, Neural Networks and Deep Learning, chapter 2). Averaged over examples, the nudges of the
parameters are the negative gradient. `nudge_plots` draws them.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from autograd import TraceError, Value, grad, value_and_grad, vectorize, weighted_sum
from autograd._support import replacing
from nn import nudge_plots
from nn.activations import name_of
from nn.inputs import Array, examples, in_pieces, number_of
from nn.network import MLP

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cost = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class LayerNudges:
    """What one example wants of one layer of m neurons with n inputs. Shapes: inputs (n,), delta (m,), matrix (m, n)."""

    inputs: Array
    outputs: Array
    delta: Array
    matrix: Array

    @property
    def biases(self) -> Array:
        """The nudge of each bias, (m,)."""
        return -self.delta

    @property
    def weights(self) -> Array:
        """The nudge of each weight, (m, n): in proportion to the activation that it meets."""
        return np.outer(-self.delta, self.inputs)

    @property
    def wishes(self) -> Array:
        """Each neuron's own wish for each activation that it is given, (m, n): in proportion to the weight."""
        return -self.delta[:, None] * self.matrix

    @property
    def activations(self) -> Array:
        """What the neurons together want of the activations that they are given, (n,): the sum of their wishes."""
        wishes: Array = -self.delta @ self.matrix
        return wishes


@dataclass(frozen=True, eq=False)
class Nudges:
    """What one example wants of a network. Prints the strongest wishes, from the outputs back to the inputs."""

    cost: float
    target: Any
    outputs: Array  # the nudge of each output
    layers: tuple[LayerNudges, ...]

    @property
    def vector(self) -> Array:
        """The nudges of all parameters, in the order of `model.parameters()`: minus the gradient of the example's cost."""
        return np.concatenate([np.column_stack([layer.weights, layer.biases]).ravel() for layer in self.layers])

    def __str__(self) -> str:
        return self.text()

    def text(self, most: int = 3) -> str:
        """The outputs' wishes and, layer by layer, those of the `most` neurons that want most, with their strongest parts."""
        lines = [f"cost {self.cost:.4g} for the target {self.target}; the outputs want to change by"]
        lines += [f"  output {index}: {wish:+.4g} (now {self.layers[-1].outputs[index]:.4g})" for index, wish in enumerate(self.outputs)]
        for depth in reversed(range(len(self.layers))):
            layer = self.layers[depth]
            row_length = len(layer.inputs)
            lines.append(f"layer {depth}, {len(layer.inputs)} -> {len(layer.delta)}")
            for neuron in _strongest(layer.biases, most):
                rows = layer.weights[neuron], layer.wishes[neuron]
                weights, wishes = ([f"[{i}] {row[i]:+.3g}" for i in _strongest(row, most)] for row in rows)
                met = [f" (meets {layer.inputs[i]:.3g})" for i in _strongest(rows[0], most)]
                by = [f" (by weight {layer.matrix[neuron, i]:.3g})" for i in _strongest(rows[1], most)]
                lines.append(f"  neuron {neuron}, now {layer.outputs[neuron]:.4g}, wants its bias changed by {layer.biases[neuron]:+.4g},")
                lines.append(f"    its weights by {_listed(weights, met, row_length)}")
                lines.append(f"    and its inputs by {_listed(wishes, by, row_length)}")
            together = [f"[{i}] {layer.activations[i]:+.3g}" for i in _strongest(layer.activations, most)]
            lines.append(f"  together they want the inputs changed by {_listed(together, [''] * most, row_length)}")
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write every nudge as a row: of what, its number now, the number that scales the nudge, the nudge.

        Rows of the kind `activation` are one neuron's wish for one input, those of the kind `sum` all neurons' together.
        """
        with _table(path) as write:
            write(["layer", "neuron", "kind", "input", "scaled by", "nudge"])
            for depth, layer in enumerate(self.layers):
                weights, wishes = layer.weights, layer.wishes
                for neuron, bias in enumerate(layer.biases.tolist()):
                    write([depth, neuron, "bias", "", 1.0, bias])
                    for i, (activation, nudge) in enumerate(zip(layer.inputs.tolist(), weights[neuron].tolist())):
                        write([depth, neuron, "weight", i, activation, nudge])
                    for i, (weight, nudge) in enumerate(zip(layer.matrix[neuron].tolist(), wishes[neuron].tolist())):
                        write([depth, neuron, "activation", i, weight, nudge])
                for i, nudge in enumerate(layer.activations.tolist()):
                    write([depth, "", "sum", i, "", nudge])

    def plot(self, ax: Axes | None = None) -> Axes:
        """The network with an arrow at each neuron: up and blue where its activation should rise, down and orange where fall.

        A circle is as dark as its activation is large; a line shows the nudge of its weight. Arrows and lines are scaled to the
        strongest of their layer. A layer of inputs wider than 32 is left out: as pixels, give its wishes to `plots.images`.
        """
        return nudge_plots.network(self, ax)


class NudgeTable:
    """What each of many examples wants of a network. `table[i]` are the nudges of one; prints a sheet of the strongest.

    Holds activations and deltas, which are small: the table of every wish for every weight, `rows`, is made when asked for.
    """

    def __init__(self, model: MLP, targets: Array, costs: Array, outputs: Array, activations: list[Array], deltas: list[Array]) -> None:
        self.names = [name for name, _ in model.named_parameters()]
        self.targets, self.costs, self.outputs, self.activations, self.deltas = targets, costs, outputs, activations, deltas
        self._matrices = [np.array([[weight.data for weight in neuron.weights] for neuron in layer.neurons]) for layer in model.layers]

    def __len__(self) -> int:
        return len(self.costs)

    def __getitem__(self, index: int) -> Nudges:
        numbers = zip(self.activations, self.activations[1:], self.deltas, self._matrices)
        layers = tuple(LayerNudges(inputs[index], outputs[index], delta[index], matrix) for inputs, outputs, delta, matrix in numbers)
        return Nudges(float(self.costs[index]), self.targets[index].tolist(), self.outputs[index], layers)

    @cached_property
    def rows(self) -> Array:
        """Every example's wish for every parameter: shape (examples, parameters), in the order of `names`."""
        rows = np.empty((len(self), len(self.names)))
        start = 0
        for inputs, delta in zip(self.activations, self.deltas):
            end = start + delta.shape[1] * (inputs.shape[1] + 1)
            block = rows[:, start:end].reshape(len(self), delta.shape[1], -1)
            np.multiply(-delta[:, :, None], inputs[:, None, :], out=block[:, :, :-1])
            block[:, :, -1] = -delta
            start = end
        return rows

    @property
    def average(self) -> Array:
        """The average row, (parameters,): the negative gradient of the average cost."""
        parts = [np.column_stack([delta.T @ inputs, delta.sum(axis=0)]).ravel() for inputs, delta in zip(self.activations, self.deltas)]
        return -np.concatenate(parts) / len(self)

    def __str__(self) -> str:
        return self.text()

    def text(self, most: int = 6) -> str:
        """The first examples' wishes for the parameters that are nudged most on average, and the average."""
        average, columns = self.average, self._columns(most)
        names = [_short(self.names[column]) for column in columns]
        width = max(9, *map(len, names)) + 2
        lines = ["example  target" + "".join(f"{name:>{width}}" for name in names)]
        shown = self.rows[: 2 * most, columns]  # their -0.0 is printed as 0
        for index, row in enumerate(shown):
            target = self.targets[index]
            label = f"{target:g}" if np.ndim(target) == 0 else f"[{np.argmax(target)}]" if len(target) > 1 else f"{target[0]:g}"
            lines.append(f"{index:7}  {label:>6}" + "".join(f"{nudge + 0.0:>+{width}.3g}" for nudge in row))
        if len(self) > len(shown):
            lines.append(f"... and {len(self) - len(shown):,} more examples, {len(self.names) - len(columns):,} more parameters")
        lines.append(f"{'average':15}" + "".join(f"{average[column]:>+{width}.3g}" for column in columns))
        return "\n".join(lines)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a row for each example, behind its number, a column for each parameter, and the average as the last row."""
        with _table(path) as write:
            write(["example", *self.names])
            for index, row in enumerate(self.rows):
                write([index, *row.tolist()])
            write(["average", *self.average.tolist()])

    def plot(self, ax: Axes | None = None, most: int = 12) -> Axes:
        """The sheet: the first `most` examples by the `most` parameters nudged most on average, and the average row below.

        Blue cells want the parameter to rise, orange ones to fall.
        """
        columns = self._columns(most)
        names = [_short(self.names[column]) for column in columns]
        return nudge_plots.sheet(self.rows[:most, columns], self.average[columns], names, len(self), ax)

    def _columns(self, most: int) -> list[int]:
        """The parameters that are nudged most on average, in their order."""
        return sorted(_strongest(self.average, most))


@overload
def nudges(model: MLP, x: Sequence[float], y: Any, cost: Cost) -> Nudges: ...
@overload
def nudges(model: MLP, x: Sequence[Sequence[float]], y: Any, cost: Cost) -> NudgeTable: ...
@overload
def nudges(model: MLP, x: npt.ArrayLike, y: Any, cost: Cost) -> Any: ...  # an array's type does not tell its dimensions
def nudges(model: MLP, x: npt.ArrayLike, y: Any, cost: Cost) -> Nudges | NudgeTable:
    """How one example, x (inputs,), or each of many, (examples, inputs), would like the network to change.

    `y` is a target for the cost, or one for each example. No parameter and no `grad` is touched. Raises TypeError
    for anything but an MLP, and ValueError where the cost depends on Values itself, as a penalty on weights does,
    or where it cannot be had of a target, which is named by its example.

    >>> model = MLP([1, 1])
    >>> model.layers[0].neurons[0].weights[0].data = 2.0
    >>> wishes = nudges(model, [3.0], 5.0, lambda outputs, y: (outputs[0] - y) ** 2)
    >>> wishes.cost, wishes.layers[0].weights, wishes.layers[0].biases
    (1.0, array([[-6.]]), array([-2.]))
    """
    if not isinstance(model, MLP):
        raise TypeError(f"nudges explains an MLP, layer by layer; got {type(model).__name__} {model!r:.60}")
    X = examples("x", x)
    is_one = X.ndim == 1
    Y = examples("y", [y] if is_one else y)
    X = X[None] if is_one else X
    if len(X) != len(Y):
        raise ValueError(f"x and y must be equally long: got {len(X)} examples and {len(Y)} targets")
    _check(model, X[0].tolist(), Y[0].tolist(), cost, "" if is_one else " (example 0)")

    results = _results(_explained(model, cost), X, Y)
    sizes = model.sizes[1:]
    costs, outputs, *parts = np.split(results, list(accumulate([1, sizes[-1], *sizes, *sizes]))[:-1], axis=1)
    _check_outputs(model, X, parts[-1], is_one)
    table = NudgeTable(model, Y, costs[:, 0], -outputs, [X, *parts[len(sizes) :]], parts[: len(sizes)])
    return table[0] if is_one else table


def _explained(model: MLP, cost: Cost) -> Callable[[Any, Any], list[Any]]:
    """A function of one example: its cost, the cost's derivative by each output and by each weighted sum, and all activations."""

    def explain(x: Any, y: Any) -> list[Any]:
        activations: list[list[Any]] = []

        def from_biases(biases: list[list[Any]]) -> Any:
            activations[:] = [x]
            for layer, own in zip(model.layers, biases):
                before = activations[-1]
                activations.append([n.activation(weighted_sum(n.weights, before, bias)) for n, bias in zip(layer.neurons, own)])
            return cost(activations[-1], y)

        # A bias is one of the terms of its weighted sum: the derivative by either is the same.
        value, deltas = value_and_grad(from_biases)([[neuron.bias for neuron in layer.neurons] for layer in model.layers])
        by_output = grad(lambda outputs: cost(outputs, y))(activations[-1])
        return [value, *by_output, *(delta for layer in deltas for delta in layer), *(a for layer in activations[1:] for a in layer)]

    return explain


def _results(explain: Callable[[Any, Any], list[Any]], X: Array, Y: Array) -> Array:
    """A row for each example: from a program, where it can be compiled and there are enough examples to be worth it."""
    if len(X) > 5:
        with suppress(TraceError):
            program = vectorize(explain, check=False)
            program.check(X, Y)  # all at once: a piece would number its examples from 0
            return in_pieces(program, X, Y)
    rows = []
    for index, (x, y) in enumerate(zip(X.tolist(), Y.tolist())):
        with _about(f" (example {index})"):
            rows.append([number_of(each) for each in explain(x, y)])
    return np.array(rows)


def _check(model: MLP, x: list[float], y: Any, cost: Cost, which: str) -> None:
    """Raise unless the example fits, the layers hold all parameters, and the cost depends on the outputs alone."""
    outputs = [number_of(each) for each in model(x)]
    with _about(which):
        _explained(model, cost)(x, y)
    if len(model.parameters()) != sum((n + 1) * m for n, m in pairwise(model.sizes)):
        raise ValueError(f"{model!r} has parameters besides those of its layers, or shares some: nudges takes plain layers only")
    if isinstance(cost(outputs, y), Value):
        raise ValueError(
            f"the cost {name_of(cost)} depends on Values of its own, such as weights in a penalty: leave them out, "
            f"as what they ask for is the same for each example"
        )


def _check_outputs(model: MLP, X: Array, outputs: Array, is_one: bool) -> None:
    """Raise where the model returns other outputs than its layers compute, as a class with its own `__call__` may for some examples."""
    returned = model.predict(X)
    size = np.abs(outputs).max()
    if returned.shape != outputs.shape:
        raise ValueError(
            f"{model!r} returns {returned.shape[1]} outputs, and its layers {outputs.shape[1]}: nudges takes plain layers only"
        )
    wrong = ~np.isclose(returned, outputs, rtol=1e-9, atol=1e-9 * size if np.isfinite(size) else 0.0, equal_nan=True).all(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        which = "" if is_one else f" for example {row}"
        raise ValueError(
            f"{model!r} returns {returned[row].tolist()!s:.60}{which}, and its layers {outputs[row].tolist()!s:.60}: "
            f"nudges takes plain layers only, without a __call__ of its own"
        )


@contextmanager
def _about(which: str) -> Iterator[None]:
    """While one example of several is asked for: what is wrong with it says which one it is."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{error}{which}") from error


def _strongest(nudges: Array, most: int) -> list[int]:
    """The positions of the largest in size, the largest first. Raises ValueError where `most` is none."""
    if most < 1:
        raise ValueError(f"most={most} must be 1 or more: how many of the strongest to show")
    return [int(position) for position in np.argsort(-np.abs(nudges), kind="stable")[:most]]


def _listed(nudges: Sequence[str], reasons: Sequence[str], of: int) -> str:
    """Nudges with their reasons, and dots where there are more of them."""
    return ", ".join([*map("".join, zip(nudges, reasons)), *["..."] * (of > len(nudges))])


def _short(name: str) -> str:
    """`layers[2].neurons[3].weights[7]` as `L2 n3 w7`, for the head of a column."""
    for long, short in (("layers[", "L"), ("neurons[", "n"), ("weights[", "w"), ("].", " "), ("]", "")):
        name = name.replace(long, short)
    return name


@contextmanager
def _table(path: str | os.PathLike[str]) -> Iterator[Callable[[Sequence[Any]], Any]]:
    """Write a CSV file row by row, in one piece or not at all."""
    with replacing(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        yield csv.writer(text).writerow
        text.detach()  # flushes, and leaves the file open
