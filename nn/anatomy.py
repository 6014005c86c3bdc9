"""Anatomy: one example's way through a network and back, neuron by neuron, each number as `backward()` leaves it in the graph.

`nudges` says what examples want of parameters; this says what the neurons had before them: terms, weighted sum, activation, slope, and
the delta that came back. `first_undefined` finds the neuron whose activation has no value at what it met.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import UndefinedError, Value, grad, vectorize, weighted_sum
from nn.activations import Activation, name_of
from nn.costs import Cost
from nn.inputs import Array, examples, number_of
from nn.network import MLP
from nn.optimizers import Vector


@dataclass(frozen=True, eq=False)
class NeuronAnatomy:
    """What one neuron with n inputs had before it for one example. Shapes: inputs and weights (n,).

    `asked` is ∂C/∂a, by its activation, and `delta` ∂C/∂z, by its weighted sum: asked * slope.
    """

    layer: int
    index: int
    inputs: Array
    weights: Array
    bias: float
    weighted_sum: float
    activation: float
    function: Activation
    slope: float  # of the activation at this weighted sum
    asked: float
    delta: float

    @property
    def products(self) -> Array:
        """The terms of the weighted sum but for the bias, (n,)."""
        return self.inputs * self.weights

    def __str__(self) -> str:
        terms = [f"{weight:.4g} * {each:.4g}" for weight, each in zip(self.weights[:8], self.inputs[:8])]
        terms += ["..."] * (len(self.inputs) > 8)
        place, name = f"[{self.layer},{self.index}]", name_of(self.function)
        return "\n".join(
            [
                f"z{place} = {' + '.join([*terms, f'{self.bias:.4g}'])} = {self.weighted_sum:.4g}",
                f"a{place} = {name}({self.weighted_sum:.4g}) = {self.activation:.4g}, where its slope is {self.slope:.4g}",
                f"∂C/∂z{place} = ∂C/∂a{place} * slope = {self.asked:.4g} * {self.slope:.4g} = {self.delta:.4g}",
            ]
        )

    __repr__ = __str__


@dataclass(frozen=True, eq=False)
class Anatomy:
    """One example in a network: `anatomy[1, 3]` is neuron 3 of layer 1.

    `cost` is the Value of the example's cost, whose graph can be drawn or asked by `chain_rule` and `why`; `outputs` are in it too.
    """

    x: Array
    target: Any
    cost: Value
    outputs: tuple[Value, ...]
    layers: tuple[tuple[NeuronAnatomy, ...], ...]
    gradient: Vector  # of the cost, in the order of the model's parameters

    def __getitem__(self, place: tuple[int, int]) -> NeuronAnatomy:
        layer, neuron = place
        return self.layers[layer][neuron]

    def __str__(self) -> str:
        return "\n".join(
            [f"cost {self.cost.data:.4g} for the target {self.target}", *map(str, (each for row in self.layers for each in row))]
        )

    __repr__ = __str__


def anatomy(model: MLP, x: npt.ArrayLike, y: Any, cost: Cost) -> Anatomy:
    """One example, x (inputs,) with the target y, in an MLP. No parameter and no `grad` is changed.

    Raises UndefinedError, naming the neuron, where an activation has no value, TypeError for anything but an MLP, and ValueError for
    one that is more than its layers.

    >>> from nn import MLP, squared_error
    >>> anatomy(MLP([1, 1], seed=1), [2.0], 1.0, squared_error)[0, 0]
    z[0,0] = 0.3456 * 2 + 0 = 0.6912
    a[0,0] = linear(0.6912) = 0.6912, where its slope is 1
    ∂C/∂z[0,0] = ∂C/∂a[0,0] * slope = -0.6177 * 1 = -0.6177
    """
    if not isinstance(model, MLP):
        raise TypeError(f"anatomy looks into an MLP, neuron by neuron; got {type(model).__name__} {model!r:.60}")
    inputs = examples("x", x)
    sums, activations = _forward(model, inputs.tolist())
    outputs = activations[-1]
    if [number_of(each) for each in model(inputs)] != [number_of(each) for each in outputs]:
        raise ValueError(f"{model!r} is more than its layers: anatomy knows plain layers only")
    example_cost = cost(outputs, y)
    root = example_cost if isinstance(example_cost, Value) else Value(example_cost)
    if not root.label and not any(root is each for each in outputs):
        root.label = "C"
    parameters = model.parameters()
    with _grads_kept(parameters):
        root.backward()
        gradient = np.array([parameter.grad for parameter in parameters])
    layers, before = [], inputs
    for depth, layer in enumerate(model.layers):
        row = []
        for index, neuron in enumerate(layer.neurons):
            z, a = sums[depth][index], activations[depth][index]
            weights = np.array([number_of(weight) for weight in neuron.weights])
            slope, asked = number_of(grad(neuron.activation)(z.data)), a.grad if isinstance(a, Value) else 0.0
            row.append(
                NeuronAnatomy(
                    depth, index, before, weights, number_of(neuron.bias), z.data, number_of(a), neuron.activation, slope, asked, z.grad
                )
            )
        layers.append(tuple(row))
        before = np.array([each.activation for each in row])
    return Anatomy(inputs, y, root, tuple(outputs), tuple(layers), gradient)


def _forward(model: MLP, x: list[float]) -> tuple[list[list[Value]], list[list[Any]]]:
    """The weighted sums and the activations of each layer, as the nodes of one graph."""
    sums: list[list[Value]] = []
    activations: list[list[Any]] = []
    before: list[Any] = x
    for depth, layer in enumerate(model.layers):
        sums.append([weighted_sum(neuron.weights, before, neuron.bias) for neuron in layer.neurons])
        before = []
        for index, (neuron, z) in enumerate(zip(layer.neurons, sums[-1])):
            try:
                before.append(neuron.activation(z))
            except UndefinedError as error:
                raise UndefinedError(f"{Undefined(depth, index, 0, z.data, name_of(neuron.activation), math.nan)}: {error}") from error
        activations.append(before)
    return sums, activations


@contextmanager
def _grads_kept(parameters: Sequence[Value]) -> Iterator[None]:
    """`grad` is 0 inside, and afterwards what it was before."""
    kept = [parameter.grad for parameter in parameters]
    try:
        for parameter in parameters:
            parameter.grad = 0.0
        yield
    finally:
        for parameter, grad_before in zip(parameters, kept):
            parameter.grad = grad_before


@dataclass(frozen=True)
class Undefined:
    """A neuron whose activation is not a finite number at the weighted sum that it met, and the example that brought it there."""

    layer: int
    neuron: int
    example: int
    weighted_sum: float
    function: str  # the activation's name
    activation: float

    def __str__(self) -> str:
        found = "has no value" if math.isnan(self.activation) else f"is {self.activation}"
        return f"neuron {self.neuron} of layer {self.layer} met {self.weighted_sum:.6g}, where its activation {self.function} {found}"


def first_undefined(model: MLP, X: npt.ArrayLike) -> Undefined | None:
    """The first neuron, from the inputs on, whose activation is not finite for an example of X (examples, inputs).

    None if there is none: a weighted sum that has overflowed is no fault of an activation.
    """
    before = examples("X", X)
    for depth, layer in enumerate(model.layers):
        columns = []
        for index, neuron in enumerate(layer.neurons):
            with np.errstate(all="ignore"):
                z = before @ np.array([number_of(weight) for weight in neuron.weights]) + number_of(neuron.bias)
                a = vectorize(neuron.activation)(z)
            if (broken := np.flatnonzero(np.isfinite(z) & ~np.isfinite(a))).size:
                example = int(broken[0])
                return Undefined(depth, index, example, float(z[example]), name_of(neuron.activation), float(a[example]))
            columns.append(a)
        before = np.column_stack(columns)
    return None
