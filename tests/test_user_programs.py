"""Programs in the manner of other scalar engines and of a well-known book, as their users bring them: only the import is changed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from autograd import Value, chain_rule, draw, lookup, total, vectorize, why

# Modules of neurons, with a stable softmax and with the memory of Adam in the parameters


class Parameter(Value):
    """A Value with the memory of an optimizer."""


class Unit:
    def __init__(self, inputs: int, rng: random.Random, kind: Callable[[float], Any]) -> None:
        self.w = [kind(rng.uniform(-1, 1) * inputs**-0.5) for _ in range(inputs)]
        self.b = kind(0.0)

    def __call__(self, x: Sequence[Any], bend: bool) -> Any:
        z = sum((w * each for w, each in zip(self.w, x)), self.b)
        return z.tanh() if bend else z

    def parameters(self) -> list[Any]:
        return [*self.w, self.b]


class Net:
    def __init__(self, sizes: Sequence[int], kind: Callable[[float], Any] = Value) -> None:
        rng = random.Random(42)
        self.layers = [[Unit(n, rng, kind) for _ in range(m)] for n, m in pairwise(sizes)]

    def __call__(self, x: Sequence[Any]) -> Sequence[Any]:
        for layer in self.layers:
            x = [unit(x, bend=layer is not self.layers[-1]) for unit in layer]
        return x

    def parameters(self) -> list[Any]:
        return [p for layer in self.layers for unit in layer for p in unit.parameters()]


def surprise(scores: Sequence[Any], label: int) -> Any:
    top = max(score.data for score in scores)
    powers = [(score - top).exp() for score in scores]
    return -(powers[label] / sum(powers)).log()


def spiral(count: int) -> Iterator[tuple[list[float], int]]:
    for place in range(count):
        angle = 4 * place / count
        yield [angle * math.cos(angle + place % 3 * 2), angle * math.sin(angle + place % 3 * 2)], place % 3


@pytest.mark.parametrize("kind", [Value, Parameter])
def test_a_classifier_with_the_memory_of_adam_in_its_parameters(kind: Any) -> None:
    """Oracle: the same cost and gradient from a program, and from differences."""
    net, data = Net([2, 4, 3], kind), list(spiral(12))
    for p in net.parameters():
        p.m = p.v = 0.0
    costs = []
    for step in range(1, 16):
        cost = sum(surprise(net(x), label) for x, label in data) * (1 / len(data))
        penalty = 1e-4 * sum(p * p for p in net.parameters())
        (cost + penalty).backward()
        if step == 1:
            p = net.layers[0][1].w[0]
            p.data, before = p.data + 1e-6, p.data
            above = sum(surprise(net(x), label).data for x, label in data) / len(data) + 1e-4 * sum(p.data**2 for p in net.parameters())
            p.data = before
            assert p.grad == pytest.approx((above - (cost + penalty).data) / 1e-6, rel=1e-4)
        costs.append(cost.data)
        for p in net.parameters():
            p.m, p.v = 0.9 * p.m + 0.1 * p.grad, 0.95 * p.v + 0.05 * p.grad**2
            p.data -= 0.1 * (p.m / (1 - 0.9**step)) / ((p.v / (1 - 0.95**step)) ** 0.5 + 1e-8)
            p.grad = 0.0
    assert costs[-1] < 0.8 * costs[0]

    def of_program(x: Any, label: Any) -> Any:
        scores = net(x)
        return (sum(score.exp() for score in scores)).log() - lookup(scores, label)

    X, labels = (np.array(each) for each in zip(*data))
    expected = [surprise(net(x), label).data for x, label in data]
    np.testing.assert_allclose(vectorize(of_program)(X, labels), expected, rtol=1e-12)


def test_a_subclass_is_drawn_explained_and_looked_up() -> None:
    table: Any = [[Parameter(0.5), Parameter(2.0)], [Parameter(-1.0), Value(3.0)], [0.0, Parameter(1.0)]]
    table[0][0].label = "a"
    cost = total(lookup(table, 0)) * table[0][0]
    cost.backward()
    assert table[0][0].grad == 3.0
    assert "a" in draw(cost).dot
    assert str(why(table[0][0], cost))
    assert chain_rule(cost, table[0][0])
    rows = vectorize(lambda i: total(lookup(table, i)))
    np.testing.assert_array_equal(rows(np.array([2, 1, 0])), [1.0, 2.0, 2.5])


# Checks of single functions by central differences

ONE: dict[str, Callable[[Any], Any]] = {
    "plus a number": lambda a: 5 + a, "minus a number": lambda a: a - 5, "times a number": lambda a: 5 * a, "square": lambda a: a * a,
    "cube": lambda a: a * a * a, "over a number": lambda a: a / 5, "number over it": lambda a: 1.0 / (a + 3.5), "minus": lambda a: -a,
    "sigmoid": lambda a: a.sigmoid(), "logarithm": lambda a: (a + 100000.0).log(), "kink": lambda a: (a + 5.5).relu(),
    "exponential": lambda a: (a - 200.0).exp(), "both": lambda a: (a + 100000.0).log() + (a - 200.0).exp(),
}  # fmt: skip
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda a, b: a + b, "product": lambda a, b: a * b, "quotient": lambda a, b: a / (b + 5.5), "difference": lambda a, b: a - b,
    "choice": lambda a, b: a * 2 if a + 1.2 > b else b * 3,
}  # fmt: skip


@pytest.mark.parametrize("name", [*ONE, *TWO])
@pytest.mark.parametrize("point", [(0.25, -1.5), (-2.0, 0.75), (3.0, 3.0)])
def test_derivatives_of_functions_are_those_of_central_differences(name: str, point: tuple[float, float]) -> None:
    count = 1 if name in ONE else 2
    f: Any = ONE.get(name) or TWO[name]
    numbers: list[Any] = [Value(each) for each in point[:count]]
    for number, letter in zip(numbers, "ab"):
        number.name = letter
    f(*numbers).backward()
    for place, number in enumerate(numbers):
        above, below = ([Value(each + side * (i == place)) for i, each in enumerate(point[:count])] for side in (1e-6, -1e-6))
        assert number.grad == pytest.approx((f(*above).data - f(*below).data) / 2e-6, rel=1e-5, abs=1e-5)
    assert [number.name for number in numbers] == list("ab")[:count]


def test_comparisons_are_bools() -> None:
    a, b = Value(1.0), Value(2.0)
    assert (a < b) is True
    assert (a + 1.2 > b) is True
    assert (a == b) is False


# A network of matrices: numpy's products of arrays of objects, and backpropagation by hand


class Network:
    def __init__(self, sizes: Sequence[int], convert: Callable[[Any], Any]) -> None:
        rng = np.random.default_rng(0)
        self.biases = [convert(rng.normal(size=(y, 1))) for y in sizes[1:]]
        self.weights = [convert(rng.normal(size=(y, x))) for x, y in pairwise(sizes)]

    def feedforward(self, a: Any) -> list[Any]:
        activations = [a]
        for b, w in zip(self.biases, self.weights):
            activations.append(1.0 / (1.0 + np.exp(-(np.dot(w, activations[-1]) + b))))
        return activations


def backprop(net: Network, x: Any, y: Any) -> list[Any]:
    """The gradient by the biases and by the weights, by the four equations of backpropagation."""
    activations = net.feedforward(x)
    delta = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
    biases, weights = [delta], [np.dot(delta, activations[-2].T)]
    for layer in range(2, len(activations)):
        a = activations[-layer]
        delta = np.dot(net.weights[-layer + 1].T, delta) * a * (1 - a)
        biases.insert(0, delta)
        weights.insert(0, np.dot(delta, activations[-layer - 1].T))
    return [*biases, *weights]


def test_a_network_of_matrices_has_the_gradient_of_backpropagation_by_hand() -> None:
    numbers, net = Network([3, 4, 2], np.array), Network([3, 4, 2], np.vectorize(Value, otypes=[object]))
    x, y = np.array([[0.1], [0.9], [-0.4]]), np.array([[0.0], [1.0]])
    cost = np.sum((net.feedforward(x)[-1] - y) ** 2) / 2
    cost.backward()
    for found, expected in zip([*net.biases, *net.weights], backprop(numbers, x, y)):
        np.testing.assert_allclose([[each.grad for each in row] for row in found], expected, rtol=1e-12)
