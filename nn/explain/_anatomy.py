"""The anatomy of one example in a network: the numbers of each neuron, as `backward()` computes them in the graph.

`first_undefined` finds the neuron whose activation is undefined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import UndefinedError, Value, grad
from nn.activations import Activation, name_of
from nn.costs import Cost
from nn.inputs import Array, number_of
from nn.labels import encoded, plain
from nn.module import example_from
from nn.network import MLP
from nn.optimizers import Vector


@dataclass(frozen=True, eq=False)
class NeuronAnatomy:
    """The numbers of one neuron with n inputs for one example. Shapes: inputs and weights (n,).

    `asked` is ∂C/∂a, the derivative by its activation. `delta` is ∂C/∂z = asked * slope, the derivative by its weighted sum.
    """

    layer: int
    index: int
    inputs: Array
    weights: Array
    bias: float
    weighted_sum: float
    activation: float
    function: Activation
    slope: float  # the derivative of the activation at the weighted sum
    asked: float
    delta: float

    @property
    def products(self) -> Array:
        """The terms of the weighted sum without the bias, (n,)."""
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

    `cost` is the Value of the example's cost; draw its graph, or pass it to `chain_rule` and `why`. The graph contains `outputs`.
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
    """The numbers of each neuron of a network for one example.

    Parameters
    ----------
    model : MLP
        The network. Its parameters and their `grad` are not changed.
    x : array_like, shape (inputs,), or table or raw rows with one row
        The inputs.
    y : number, label or sequence
        The target. For a model with `classes`, a label of them.
    cost : callable
        A function of the list of outputs and the target, such as `squared_error`.

    Returns
    -------
    Anatomy
        The cost, and the anatomy of each neuron.

    Raises
    ------
    UndefinedError
        If an activation is undefined. The message names the neuron.
    TypeError
        If the model is not an MLP.
    ValueError
        If the model computes more than its layers, or the number of inputs is wrong.

    Examples
    --------
    >>> from nn import MLP, squared_error
    >>> anatomy(MLP([1, 1], seed=1), [2.0], 1.0, squared_error)[0, 0]
    z[0,0] = 0.3456 * 2 + 0 = 0.6912
    a[0,0] = linear(0.6912) = 0.6912, where its slope is 1
    ∂C/∂z[0,0] = ∂C/∂a[0,0] * slope = -0.6177 * 1 = -0.6177
    """
    if not isinstance(model, MLP):
        raise TypeError(f"anatomy looks into an MLP, neuron by neuron; got {type(model).__name__} {model!r:.60}")
    inputs = example_from("x", model, x)
    if model.classes is not None and np.ndim(y) == 0:
        y = encoded("y", plain("y", [y]), cost, model.sizes[-1], model.classes)[0][0].tolist()
    try:
        z, a = model.trace(inputs.tolist())
    except UndefinedError as error:
        raise UndefinedError(f"{_first_undefined(model, inputs[None])}: {error}") from error
    outputs = a[-1]
    example_cost = cost(outputs, y)
    root = example_cost if isinstance(example_cost, Value) else Value(example_cost)
    if not root.label and not any(root is each for each in outputs):
        root.label = "C"
    parameters = model.parameters()
    before = [parameter.grad for parameter in parameters]
    try:
        for parameter in parameters:
            parameter.grad = 0.0
        root.backward()
        gradient = np.array([parameter.grad for parameter in parameters])
    finally:
        for parameter, grad_before in zip(parameters, before):
            parameter.grad = grad_before
    layers, a_before = [], inputs
    for depth, layer in enumerate(model.layers):
        numbers = zip(layer.neurons, layer.weights, layer.biases.tolist(), z[depth], a[depth])
        row = tuple(
            NeuronAnatomy(
                *(depth, index, a_before, weights, bias, number_of(sum_), number_of(output), neuron.activation),
                slope=number_of(grad(neuron.activation)(number_of(sum_))),
                asked=output.grad if isinstance(output, Value) else 0.0,
                delta=sum_.grad if isinstance(sum_, Value) else 0.0,
            )
            for index, (neuron, weights, bias, sum_, output) in enumerate(numbers)
        )
        layers.append(row)
        a_before = np.array([each.activation for each in row])
    return Anatomy(inputs, y, root, tuple(outputs), tuple(layers), gradient)


@dataclass(frozen=True)
class Undefined:
    """A neuron whose activation is not finite at its weighted sum, and the index of the example."""

    layer: int
    neuron: int
    example: int
    weighted_sum: float
    function: str  # the activation's name
    activation: float

    def __str__(self) -> str:
        found = "is undefined" if math.isnan(self.activation) else f"is {self.activation}"
        where = f"neuron {self.neuron} of layer {self.layer}, at the weighted sum {self.weighted_sum:.6g}"
        return f"{where}: the activation {self.function} {found}"


def first_undefined(model: MLP, X: npt.ArrayLike) -> Undefined | None:
    """Find the first neuron, from the inputs on, whose activation is not finite for some example.

    A weighted sum that overflows is not an error of an activation.

    Parameters
    ----------
    model : MLP
        The network.
    X : array_like, shape (examples, inputs), or table
        The inputs. A model with a preprocessing takes raw rows.

    Returns
    -------
    Undefined or None
        The neuron, the example and the numbers; None if all activations are finite. It prints as a sentence.

    Examples
    --------
    >>> from autograd import log
    >>> print(first_undefined(MLP([1, 1], activation=[log]), [[0.0]]))
    neuron 0 of layer 0, at the weighted sum 0: the activation log is undefined
    """
    return _first_undefined(model, model.inputs_from("X", X))


def _first_undefined(model: MLP, inputs: Array) -> Undefined | None:
    z, a = model.trace(inputs)
    for depth, layer in enumerate(model.layers):
        neurons, found = np.nonzero((np.isfinite(z[depth]) & ~np.isfinite(a[depth])).T)
        if len(found):
            neuron, example = int(neurons[0]), int(found[0])
            numbers = float(z[depth][example, neuron]), name_of(layer.neurons[neuron].activation), float(a[depth][example, neuron])
            return Undefined(depth, neuron, example, *numbers)
    return None
