"""Backpropagation through a network, for a batch of examples (M. Nielsen, Neural Networks and Deep Learning, chapter 2).

z is a weighted sum, a = f(z) an activation, C the cost of an example, and δ = ∂C/∂z the error of a neuron.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from autograd import TraceError, value_and_grad, vectorize
from nn.activations import FEW
from nn.costs import Cost
from nn.inputs import Array, in_pieces, number_of
from nn.network import MLP


class Backpropagation(NamedTuple):
    """The forward and backward pass of a batch. Lists have one array of shape (examples, neurons) per layer."""

    costs: Array  # C, (examples,)
    z: list[Array]
    a: list[Array]
    delta: list[Array]  # ∂C/∂z
    output_gradient: Array  # ∂C/∂a of the last layer


def backpropagate(model: MLP, X: Array, Y: Array, cost: Cost) -> Backpropagation:
    """The costs, weighted sums, activations and errors of a batch of examples.

    In the last layer δ = ∂C/∂a * f'(z). In the other layers δ = (next δ @ next weights) * f'(z) (equations BP1 and BP2).

    X has the shape (examples, inputs), Y (examples,) or (examples, targets). Numbers that are undefined are nan. Raises ValueError, which
    names the example, if the cost does not accept a target.
    """
    z, a = model.trace(X)
    costs, output_gradient = _cost_and_gradient(cost, a[-1], Y)
    delta, by_activation = [], output_gradient
    with np.errstate(all="ignore"):
        for layer, sums in zip(reversed(model.layers), reversed(z)):
            delta.append(by_activation * layer.slopes(sums))
            by_activation = delta[-1] @ layer.weights
    return Backpropagation(costs, z, a, delta[::-1], output_gradient)


def _cost_and_gradient(cost: Cost, outputs: Array, Y: Array) -> tuple[Array, Array]:
    """The cost of each example, (examples,), and its derivatives by the outputs, (examples, outputs)."""

    def of_example(a: Any, y: Any) -> list[Any]:
        value, gradient = value_and_grad(lambda a: cost(a, y))(a)
        return [value, *gradient]

    if len(outputs) > FEW // 10:
        with suppress(TraceError):
            program = vectorize(of_example, check=False)
            program.check(outputs, Y)  # all examples at once, because an error names the example by its position
            results = in_pieces(program, outputs, Y)
            return results[:, 0], results[:, 1:]
    rows = []
    for index, (a, y) in enumerate(zip(outputs.tolist(), Y.tolist())):
        try:
            rows.append([number_of(each) for each in of_example(a, y)])
        except ValueError as error:
            raise ValueError(f"{error}{f' (example {index})' if len(Y) > 1 else ''}") from error
    return np.array(rows)[:, 0], np.array(rows)[:, 1:]
