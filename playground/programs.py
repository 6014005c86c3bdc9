"""The cost of an experiment, and the compiled programs that measure, draw and explain its network."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import Value, grad, total, vectorize, weighted_sum
from nn import MLP, binary_cross_entropy, cross_entropy, hinge, l2_penalty, squared_error
from nn.data import Array
from playground.configuration import Configuration
from playground.messages import RefusedError
from playground.problem import Part, Problem, predicted

Map = npt.NDArray[np.float32]


class Programs:
    """The cost of one configuration and the programs of one network, compiled once. They read the parameters on each call."""

    def __init__(self, model: MLP, problem: Problem, configuration: Configuration) -> None:
        self.model, self.problem, self.configuration = model, problem, configuration
        cost = self.cost_function
        self._explain = vectorize(lambda x, y: _errors_and_activations(model, cost, x, y), check=False)
        self._measure = vectorize(lambda x, y: [cost(outputs := model(x), y), *outputs], check=False)
        self._boundary = vectorize(model, dtype=np.float32)
        self._maps = vectorize(lambda x: [*x, *(a for layer in model.trace(x).a for a in layer)], dtype=np.float32)
        self._inputs: dict[int, Map] = {}  # of the cells of the plane, by the number of cells in a row

    # The cost

    @property
    def cost_function(self) -> Callable[[Any, Any], Any]:
        """The cost of one example, without penalties."""
        name = self.configuration.cost
        if name == "cross_entropy":
            return binary_cross_entropy if self.problem.outputs == 1 else cross_entropy
        return squared_error if name == "squared_error" else hinge

    def targets(self, part: Part) -> npt.NDArray[Any]:
        return self.problem.targets(part.y, self.configuration.cost)

    def weights(self) -> list[Value]:
        return [weight for layer in self.model.layers for neuron in layer.neurons for weight in neuron.weights]

    def penalty(self) -> Any:
        """What L1 and L2 add to the cost of each example."""
        return _penalty(self.weights(), self.configuration.l1, self.configuration.l2)

    def penalty_slope(self, weight: Any) -> Any:
        """The derivative of the penalty by a weight, or by each weight of an array."""
        return self.configuration.l1 * np.sign(weight) + self.configuration.l2 * 2 * weight

    @cached_property
    def whole_cost(self) -> Callable[[Any, Any], Any]:
        """The cost of one example with penalties. It refers to little, because training checks what it refers to in each epoch."""
        cost, l1, l2, weights = self.cost_function, self.configuration.l1, self.configuration.l2, self.weights()
        return (lambda outputs, target: cost(outputs, target) + _penalty(weights, l1, l2)) if l1 or l2 else cost

    def source(self) -> str:
        """The numpy program of the mean cost and its gradient. There must be training examples."""

        def cost(x: Any, y: Any) -> Any:
            return self.whole_cost(self.model(x), y)

        training = self.problem.training
        return vectorize(cost, check=False).record(training.X[:1], self.targets(training)[:1]).source

    # Measurements and maps

    def measured(self, part: Part) -> tuple[float | None, float | None]:
        """The mean cost and the accuracy over the examples of a part; None if it is empty, or if there are no classes."""
        if not len(part):
            return None, None
        costs, outputs = self.answered(part)
        if not self.problem.classes:
            return float(costs.mean()), None
        is_right = (predicted(outputs) == part.y) & ~np.isnan(outputs).any(axis=1)
        return float(costs.mean()), float(is_right.mean())

    def answered(self, part: Part) -> tuple[Array, Array]:
        """The cost of each example of a part, (examples,), and its outputs, (examples, outputs)."""
        results = self._in_pieces(self._measure, part)
        return results[:, 0], results[:, 1:]

    def explained(self, part: Part) -> tuple[list[Array], list[Array]]:
        """The errors ∂C/∂z and the activations for the examples of a part, as arrays (examples, neurons) for each layer."""
        return self._by_layer(self._in_pieces(self._explain, part))

    def example(self, x: Array, target: npt.NDArray[Any]) -> tuple[float, Array, list[Array], list[Array]]:
        """For one example: its cost, the outputs, and the errors and the activations of each layer. `target` is (1,) or (1, outputs)."""
        (measured,), (explained,) = self._measure(x[None], target), self._explain(x[None], target)
        return float(measured[0]), measured[1:], *self._by_layer(explained)

    def _by_layer(self, explained: Array) -> tuple[list[Array], list[Array]]:
        sizes = self.model.sizes[1:]
        parts = np.split(explained, np.cumsum([*sizes, *sizes])[:-1], axis=-1)
        return parts[: len(sizes)], parts[len(sizes) :]

    def _in_pieces(self, program: Callable[..., Array], part: Part) -> Array:
        """Run a program on the examples of a part, a thousand at a time, so that its buffers fit into the cache."""
        targets = self.targets(part)
        return np.concatenate([program(part.X[start : start + 1000], targets[start : start + 1000]) for start in range(0, len(part), 1000)])

    def boundary(self, side: int) -> Map:
        """The outputs over the plane: float32 (outputs, side, side). Raises RefusedError if the data have no plane."""
        return self._over_the_plane(self._boundary, side)

    def maps(self, side: int) -> Map:
        """The inputs and all activations over the plane: float32 (inputs + neurons, side, side). Raises RefusedError without a plane."""
        return self._over_the_plane(self._maps, side)

    def _over_the_plane(self, program: Any, side: int) -> Map:
        if self.problem.plane is None:
            raise RefusedError("these data have no plane to draw in")
        if side not in self._inputs:
            if len(self._inputs) > 3:
                self._inputs.clear()
            self._inputs[side] = self.problem.inputs_at(self.problem.plane.cells(side)).astype(np.float32)
        with np.errstate(all="ignore"):
            found: Map = program(self._inputs[side])
        return np.ascontiguousarray(found.T).reshape(-1, side, side)


def _errors_and_activations(model: MLP, cost: Callable[[Any, Any], Any], x: Any, y: Any) -> list[Any]:
    """The error ∂C/∂z of each neuron, layer by layer, and then each activation, for one example (backpropagation)."""
    z, a = model.trace(x)
    by_activation = grad(lambda outputs: cost(outputs, y))(a[-1])
    errors: list[Any] = []
    for depth in reversed(range(len(z))):
        neurons = model.layers[depth].neurons
        error = [asked * grad(neuron.activation)(each) for asked, neuron, each in zip(by_activation, neurons, z[depth])]
        errors = error + errors
        if depth:  # the derivatives by the inputs are not needed
            by_activation = [weighted_sum([neuron.weights[i] for neuron in neurons], error) for i in range(len(a[depth - 1]))]
    return [*errors, *(each for layer in a for each in layer)]


def _penalty(weights: list[Value], l1: float, l2: float) -> Any:
    return (l1 * total(abs(weight) for weight in weights) if l1 else 0.0) + (l2 * l2_penalty(weights) if l2 else 0.0)
