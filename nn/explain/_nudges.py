"""Nudges: how examples want each bias, weight and activation of a network to change, and how strongly.

A nudge is minus a derivative of an example's cost. A neuron with the weighted sum z = w1 a1 + ... + wn an + b and the error δ = ∂C/∂z
wants its bias to change by -δ, the weight of an activation a by -δ a, and an activation with the weight w by -δ w. The wishes of all
neurons of the next layer for an activation add up. The average of the parameters' nudges over examples is the negative gradient.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from autograd import Value
from autograd._support import check_whole, html_table, replacing
from nn import plots
from nn.activations import name_of
from nn.costs import Cost
from nn.explain._backpropagation import backpropagate
from nn.inputs import Array
from nn.labels import encoded, plain
from nn.network import MLP

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MOST_CLASSES = 20  # targets with more different numbers are not classes


@dataclass(frozen=True, eq=False)
class LayerNudges:
    """The nudges of one layer, m neurons with n inputs, for one example. Shapes: inputs (n,), outputs and delta (m,), matrix (m, n)."""

    inputs: Array
    outputs: Array
    delta: Array  # ∂C/∂z
    matrix: Array  # the weights

    @property
    def biases(self) -> Array:
        """The nudge of each bias, (m,)."""
        return -self.delta

    @property
    def weights(self) -> Array:
        """The nudge of each weight, (m, n): proportional to the input of the weight."""
        return np.outer(-self.delta, self.inputs)

    @property
    def wishes(self) -> Array:
        """The nudge of each input by each neuron, (m, n): proportional to the weight."""
        return -self.delta[:, None] * self.matrix

    @property
    def activations(self) -> Array:
        """The nudge of each input, (n,): the sum of the wishes of all neurons."""
        wishes: Array = -self.delta @ self.matrix
        return wishes


@dataclass(frozen=True, eq=False)
class Nudges:
    """The nudges of a network for one example. Printing it shows the strongest, from the outputs back to the inputs."""

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
        """The nudges of the outputs and, layer by layer, the strongest nudges of the `most` neurons with the largest ones."""
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

    def _repr_html_(self, most: int = 3) -> str:
        rows = []
        for depth in reversed(range(len(self.layers))):
            layer = self.layers[depth]
            for neuron in _strongest(layer.biases, most):
                both = layer.weights[neuron], layer.wishes[neuron]
                strongest = [", ".join(f"[{i}] {row[i]:+.3g}" for i in _strongest(row, most)) for row in both]
                rows.append([depth, neuron, f"{layer.outputs[neuron]:.4g}", f"{layer.biases[neuron]:+.4g}", *strongest])
        header = ["layer", "neuron", "now", "bias", "strongest weights", "strongest inputs"]
        return html_table(header, rows, f"nudges for the target {self.target}, cost {self.cost:.4g}")

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with a row for each nudge, and the number that scales the nudge.

        A row of the kind `activation` is the wish of one neuron for one input; a row of the kind `sum` is the wish of all neurons.
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
        """Draw the network with an arrow at each neuron: up and blue if its activation should rise, down and orange if it should fall.

        Larger activations have darker circles. A line shows the nudge of its weight. Arrows and lines are scaled to the strongest of
        their layer. More than 32 inputs are not drawn: for pixels, pass their nudges to `plots.images`.
        """
        layers = [(layer.inputs, layer.activations, layer.weights) for layer in self.layers]
        return plots.nudged_network(layers, self.layers[-1].outputs, self.outputs, ax)


class NudgeTable:
    """The nudges of a network for many examples. `table[i]` is one example; printing the table shows the strongest nudges.

    Holds activations and errors, which are small. The nudge of every parameter for every example, `rows`, is computed on first use.
    """

    def __init__(self, model: MLP, targets: Array, costs: Array, outputs: Array, activations: list[Array], deltas: list[Array]) -> None:
        self.names = [name for name, _ in model.named_parameters()]
        self.targets, self.costs, self.outputs, self.activations, self.deltas = targets, costs, outputs, activations, deltas
        self._matrices = [layer.weights for layer in model.layers]

    def __len__(self) -> int:
        return len(self.costs)

    def __getitem__(self, index: int) -> Nudges:
        numbers = zip(self.activations, self.activations[1:], self.deltas, self._matrices)
        layers = tuple(LayerNudges(inputs[index], outputs[index], delta[index], matrix) for inputs, outputs, delta, matrix in numbers)
        return Nudges(float(self.costs[index]), self.targets[index].tolist(), self.outputs[index], layers)

    @cached_property
    def rows(self) -> Array:
        """The nudge of every parameter for every example: shape (examples, parameters), in the order of `names`."""
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
        """The average of the rows, (parameters,): the negative gradient of the average cost."""
        parts = [np.column_stack([delta.T @ inputs, delta.sum(axis=0)]).ravel() for inputs, delta in zip(self.activations, self.deltas)]
        return -np.concatenate(parts) / len(self)

    def __str__(self) -> str:
        return self.text()

    def text(self, most: int = 6) -> str:
        """The parts of the average for the `most` parameters with the largest average: a row for each class, and their sum.

        Without classes: a row for each of the first examples, and one for all others. The rows add up in print: a rounded number may
        differ by 1 in its last digit.
        """
        sheet = self._sheet(most)
        widths = [max(8, len(name) + 2) for name in sheet.names]
        label = max(map(len, sheet.labels))
        lines = [" " * label + "".join(f"{name:>{width}}" for name, width in zip(sheet.names, widths))]
        for row, name in zip(sheet.cells, sheet.labels):
            lines.append(f"{name:{label}}" + "".join(f"{part + 0.0:>+{width}.2f}" for part, width in zip(row, widths)))
        more = len(self.names) - len(sheet.names)
        return "\n".join([*lines, f"in units of {sheet.unit:g}" + f"; {more:,} more parameters" * (more > 0)])

    def _repr_html_(self, most: int = 6) -> str:
        sheet = self._sheet(most)
        rows = [[name, *(f"{part + 0.0:+.2f}" for part in row)] for row, name in zip(sheet.cells, sheet.labels)]
        return html_table(["", *sheet.names], rows, f"nudges for {len(self)} examples, in units of {sheet.unit:g}")

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with a row for each example, a column for each parameter, and the average as the last row."""
        with _table(path) as write:
            write(["example", *self.names])
            for index, row in enumerate(self.rows):
                write([index, *row.tolist()])
            write(["average", *self.average.tolist()])

    def plot(self, ax: Axes | None = None, most: int = 12) -> Axes:
        """Draw the table that `text` prints. Blue cells want the parameter to rise, orange cells to fall."""
        return plots.nudge_sheet(self._sheet(most), ax)

    def _sheet(self, most: int) -> plots.NudgeSheet:
        """The parts of the average, by class or example, of the parameters with the largest average nudges, in their order."""
        columns = sorted(_strongest(self.average, most))
        labels, groups = self._groups(most)
        rows = self.rows[:, columns]
        parts = np.array([rows[group].sum(axis=0) for group in groups]) / len(self)
        largest = np.abs(self.average[columns]).max()
        unit = 10.0 ** np.floor(np.log10(largest)) if 0 < largest < np.inf else 1.0
        sums = np.cumsum(parts / unit, axis=0).round(2)  # rounded sums, whose differences add up
        cells = np.vstack([np.diff(sums, axis=0, prepend=0.0), sums[-1:]])
        names = [_short(self.names[column]) for column in columns]
        return plots.NudgeSheet(cells, names, [*labels, f"average of {len(self):,}"], unit)

    def _groups(self, most: int) -> tuple[list[str], list[npt.NDArray[np.intp]]]:
        """The examples of each class; if the targets are no classes, each of the first `most` examples, and all others."""
        one_hot = self.targets.ndim == 2 and self.targets.shape[1] > 1 and bool((np.sort(self.targets)[:, [-2, -1]] == [0, 1]).all())
        classes = self.targets.argmax(axis=1) if one_hot else self.targets.reshape(len(self), -1)[:, 0]
        found = np.unique(classes)
        if one_hot or (self.targets.size == len(self) and len(found) <= MOST_CLASSES and (found == np.round(found)).all()):
            groups = [np.flatnonzero(classes == each) for each in found]
            return [f"{len(group)} of class {each:g}" for group, each in zip(groups, found)], groups
        first, others = np.arange(len(self))[:most, None], np.arange(len(self))[most:]
        names = [f"example {index}" for index in range(len(first))]
        return [*names, *[f"{len(others):,} others"] * bool(len(others))], [*first, *[others] * bool(len(others))]


@overload
def nudges(model: MLP, x: Sequence[float], y: Any, cost: Cost) -> Nudges: ...
@overload
def nudges(model: MLP, x: Sequence[Sequence[float]], y: Any, cost: Cost) -> NudgeTable: ...
@overload
def nudges(model: MLP, x: npt.ArrayLike, y: Any, cost: Cost) -> Any: ...  # an array's type does not tell its dimensions
def nudges(model: MLP, x: npt.ArrayLike, y: Any, cost: Cost) -> Nudges | NudgeTable:
    """How one example, or each of many, wants the network to change.

    Parameters
    ----------
    model : MLP
        The network. Its parameters and their `grad` are not changed.
    x : array_like, shape (inputs,) or (examples, inputs), or table
        The inputs of one example, or of many. A model with a preprocessing takes raw rows.
    y : number, label or array_like
        The target of the example, or one target for each example. For a model with `classes`, labels of them.
    cost : callable
        A function of the list of outputs and the target, such as `squared_error`.

    Returns
    -------
    Nudges or NudgeTable
        The nudges of one example, or of many. Nudges that are undefined are nan.

    Raises
    ------
    TypeError
        If the model is not an MLP.
    ValueError
        If the model computes more than its layers, if the cost depends on other Values than the outputs (as a penalty on weights does),
        or if the cost does not accept a target; then the message names the example.

    Examples
    --------
    >>> model = MLP([1, 1])
    >>> model.layers[0].neurons[0].weights[0].data = 2.0
    >>> wishes = nudges(model, [3.0], 5.0, lambda outputs, y: (outputs[0] - y) ** 2)
    >>> wishes.cost, wishes.layers[0].weights, wishes.layers[0].biases
    (1.0, array([[-6.]]), array([-2.]))
    """
    if not isinstance(model, MLP):
        raise TypeError(f"nudges explains an MLP, layer by layer; got {type(model).__name__} {model!r:.60}")
    X = model.inputs_from("x", x)
    is_one = X.ndim == 1
    Y, _ = encoded("y", plain("y", [y] if is_one else y), cost, model.sizes[-1], model.classes)
    X = X[None] if is_one else X
    if len(X) != len(Y):
        raise ValueError(f"x and y must be equally long: got {len(X)} examples and {len(Y)} targets")
    if len(model.parameters()) != sum((n + 1) * m for n, m in pairwise(model.sizes)):
        raise ValueError(f"{model!r} has parameters besides those of its layers, or shares some: nudges takes plain layers only")
    found = backpropagate(model, X, Y, cost)
    if isinstance(cost(found.a[-1][0].tolist(), Y[0].tolist()), Value):
        raise ValueError(
            f"the cost {name_of(cost)} depends on Values of its own, such as weights in a penalty: leave them out, "
            f"because their nudges are the same for each example"
        )
    table = NudgeTable(model, Y, found.costs, -found.output_gradient, [X, *found.a], found.delta)
    return table[0] if is_one else table


def _strongest(nudges: Array, most: int) -> list[int]:
    """The positions of the `most` numbers with the largest absolute values, the largest first."""
    most = check_whole("most", most)
    return [int(position) for position in np.argsort(-np.abs(nudges), kind="stable")[:most]]


def _listed(nudges: Sequence[str], reasons: Sequence[str], of: int) -> str:
    """Nudges with their reasons, and dots if there are more."""
    return ", ".join([*map("".join, zip(nudges, reasons)), *["..."] * (of > len(nudges))])


def _short(name: str) -> str:
    """`layers[2].neurons[3].weights[7]` as `L2 n3 w7`, for the header of a column."""
    for long, short in (("layers[", "L"), ("neurons[", "n"), ("weights[", "w"), ("].", " "), ("]", "")):
        name = name.replace(long, short)
    return name


@contextmanager
def _table(path: str | os.PathLike[str]) -> Iterator[Callable[[Sequence[Any]], Any]]:
    """Write a CSV file row by row, completely or not at all."""
    with replacing(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        yield csv.writer(text).writerow
        text.detach()  # flushes, and leaves the file open
