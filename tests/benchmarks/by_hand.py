"""What an expert writes by hand: preallocated numpy for the networks that the benchmarks train.

Every array is made once for a batch size and reused, every operation writes with `out=`, the parameters are
one flat vector with a view for each matrix, and bias gradients are products with a row of ones. These are
the yardsticks for what Nudge compiles, so they are as fast as numpy allows, and tested for right gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
WIDE = 64  # from this batch size on, BLAS is faster with a row of weights for each neuron than with a column


class ByHand:
    """Three layers: the buffers and views, for one batch size."""

    def __init__(self, sizes: Sequence[int], batch: int, dtype: Any = np.float64) -> None:
        self.sizes, self.wide = tuple(sizes), batch >= WIDE
        count = sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))
        self.parameters, self.gradient, self.update = (np.zeros(count, dtype) for _ in range(3))
        self.weights, self.biases = self.views(self.parameters)
        self.weight_gradients, self.bias_gradients = self.views(self.gradient)
        self.activations, self.deltas, self.scratch = ([np.empty((batch, n), dtype) for n in sizes[1:]] for _ in range(3))
        self.ones, self.masks = np.ones(batch, dtype), [np.empty((batch, n), bool) for n in sizes[1:]]

    def views(self, vector: Array) -> tuple[list[Array], list[Array]]:
        """The matrices, (outputs, inputs) where wide and (inputs, outputs) otherwise, and the biases in a vector."""
        weights, biases, start = [], [], 0
        for inputs, outputs in pairwise(self.sizes):
            end = start + inputs * outputs
            weights.append(vector[start:end].reshape((outputs, inputs) if self.wide else (inputs, outputs)))
            biases.append(vector[end : end + outputs])
            start = end + outputs
        return weights, biases

    def set(self, neurons: Array) -> None:
        """Take the parameters from a vector in `nn`'s order: each neuron's weights, then its bias."""
        start = 0
        for weights, biases in zip(self.weights, self.biases):
            inputs, outputs = weights.shape[::-1] if self.wide else weights.shape
            rows = neurons[start : start + (inputs + 1) * outputs].reshape(outputs, inputs + 1)
            weights[:] = rows[:, :-1] if self.wide else rows[:, :-1].T
            biases[:] = rows[:, -1]
            start += rows.size

    def gradient_by_neurons(self) -> Array:
        """The gradient in `nn`'s order."""
        parts = []
        for weights, biases in zip(self.weight_gradients, self.bias_gradients):
            rows = weights if self.wide else weights.T
            parts.append(np.column_stack([rows, biases]).ravel())
        return np.concatenate(parts)

    def forward(self, layer: int, inputs: Array) -> Array:
        """The layer's weighted sums, in its buffer of activations."""
        weights, out = self.weights[layer], self.activations[layer]
        np.dot(inputs, weights.T if self.wide else weights, out=out)
        return np.add(out, self.biases[layer], out=out)

    def backward(self, layer: int, inputs: Array) -> None:
        """The gradients of the layer's weights and biases, from its deltas."""
        delta = self.deltas[layer]
        if self.wide:
            np.dot(delta.T, inputs, out=self.weight_gradients[layer])
        else:
            np.dot(inputs.T, delta, out=self.weight_gradients[layer])
        np.dot(self.ones, delta, out=self.bias_gradients[layer])

    def pass_back(self, layer: int) -> Array:
        """The layer's deltas by way of its weights: the derivative by the activations before it."""
        weights = self.weights[layer]
        return np.dot(self.deltas[layer], weights if self.wide else weights.T, out=self.deltas[layer - 1])

    def value_and_gradient(self, X: Array, Y: Array) -> float:
        """The mean cost of a batch; the gradient is left in `gradient`."""
        raise NotImplementedError

    def step(self, X: Array, Y: Array, rate: float) -> float:
        """One step of gradient descent; the mean cost before it."""
        cost = self.value_and_gradient(X, Y)
        np.multiply(self.gradient, rate, out=self.update)
        np.subtract(self.parameters, self.update, out=self.parameters)
        return cost


class Digits(ByHand):
    """Sigmoid layers and squared error, summed over the outputs."""

    def sigmoid(self, z: Array) -> None:
        np.negative(z, out=z)
        np.exp(z, out=z)
        np.add(z, 1, out=z)
        np.reciprocal(z, out=z)

    def through_sigmoid(self, layer: int) -> None:
        """Deltas times y (1 - y)."""
        y, factor, delta = self.activations[layer], self.scratch[layer], self.deltas[layer]
        np.subtract(1, y, out=factor)
        np.multiply(factor, y, out=factor)
        np.multiply(delta, factor, out=delta)

    def value_and_gradient(self, X: Array, Y: Array) -> float:
        first, second, output = self.activations
        self.sigmoid(self.forward(0, X))
        self.sigmoid(self.forward(1, first))
        self.sigmoid(self.forward(2, second))
        delta = self.deltas[2]
        np.subtract(output, Y, out=delta)
        flat = delta.ravel()
        cost = float(np.dot(flat, flat)) / len(X)
        np.multiply(delta, 2 / len(X), out=delta)
        self.through_sigmoid(2)
        self.backward(2, second)
        self.pass_back(2)
        self.through_sigmoid(1)
        self.backward(1, first)
        self.pass_back(1)
        self.through_sigmoid(0)
        self.backward(0, X)
        return cost


class Moons(ByHand):
    """Relu layers, one linear output, hinge cost with targets of -1 and 1, and `decay` times the squares of all parameters."""

    decay = 1e-4

    def value_and_gradient(self, X: Array, Y: Array) -> float:
        first, second, output = self.activations
        for layer, (inputs, z) in enumerate(((X, first), (first, second))):
            self.forward(layer, inputs)
            np.greater(z, 0, out=self.masks[layer])
            np.maximum(z, 0, out=z)
        self.forward(2, second)
        score, delta, margin, mask = output[:, 0], self.deltas[2][:, 0], self.scratch[2][:, 0], self.masks[2][:, 0]
        np.multiply(score, Y, out=margin)
        np.subtract(1, margin, out=margin)
        np.greater(margin, 0, out=mask)
        np.maximum(margin, 0, out=margin)
        cost = float(np.dot(self.ones, margin)) / len(X) + self.decay * float(np.dot(self.parameters, self.parameters))
        np.multiply(Y, -1 / len(X), out=delta)
        np.multiply(delta, mask, out=delta)
        self.backward(2, second)
        for layer, inputs in ((1, first), (0, X)):
            np.multiply(self.pass_back(layer + 1), self.masks[layer], out=self.deltas[layer])
            self.backward(layer, inputs)
        np.multiply(self.parameters, 2 * self.decay, out=self.update)
        np.add(self.gradient, self.update, out=self.gradient)
        return cost


class Scores(ByHand):
    """Tanh layers, one linear output, and binary cross-entropy with labels of 0 and 1: what the playground begins with."""

    def activate(self, X: Array) -> Array:
        """The outputs, (batch,); the activations of all layers are left in their buffers."""
        first, second, output = self.activations
        np.tanh(self.forward(0, X), out=first)
        np.tanh(self.forward(1, first), out=second)
        self.forward(2, second)
        scores: Array = output[:, 0]
        return scores

    def take(self, other: ByHand) -> None:
        """Have the same parameters as another, whatever its batch size and dtype."""
        turned = self.wide != other.wide
        for mine, theirs in zip((*self.weights, *self.biases), (*other.weights, *other.biases)):
            mine[...] = theirs.T if turned else theirs  # of a vector, .T is itself

    def cost(self, Y: Array) -> float:
        """The mean cost of the examples that were activated last."""
        scores, each, term = self.activations[2][:, 0], self.scratch[2][:, 0], self.deltas[2][:, 0]
        np.abs(scores, out=each)
        np.negative(each, out=each)
        np.exp(each, out=each)
        np.log1p(each, out=each)
        np.maximum(scores, 0, out=term)
        np.add(each, term, out=each)
        return (float(np.dot(self.ones, each)) - float(np.dot(Y, scores))) / len(Y)

    def value_and_gradient(self, X: Array, Y: Array) -> float:
        scores = self.activate(X)
        cost = self.cost(Y)
        delta = self.deltas[2][:, 0]
        np.negative(scores, out=delta)
        np.exp(delta, out=delta)
        np.add(delta, 1, out=delta)
        np.reciprocal(delta, out=delta)
        np.subtract(delta, Y, out=delta)
        np.multiply(delta, 1 / len(X), out=delta)
        for layer in (2, 1):
            inputs, factor = self.activations[layer - 1], self.scratch[layer - 1]
            self.backward(layer, inputs)
            np.multiply(inputs, inputs, out=factor)
            np.subtract(1, factor, out=factor)
            np.multiply(self.pass_back(layer), factor, out=self.deltas[layer - 1])
        self.backward(0, X)
        return cost
