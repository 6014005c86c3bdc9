"""Stage 6 of vectorize: the gradient of an array program."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value, logsumexp, relu, tanh, total, weighted_sum
from autograd.vectorize.backends.reference import evaluate
from autograd.vectorize.builder import spelled
from autograd.vectorize.differentiate import with_gradient, with_gradients
from autograd.vectorize.instructions import MatMul, Parameters
from autograd.vectorize.lower import lower
from autograd.vectorize.program import Program
from autograd.vectorize.record import record
from autograd.vectorize.simplify import simplify
from nn import MLP, squared_error


def lowered(f: Callable[..., Any], *inputs: int, per_example: bool = False) -> Program:
    graph, batched = simplify(record(f, [(each,) for each in inputs], ["x", "y"])[0])
    return lower(graph, batched, inputs, per_example)[0]


W = [Value(0.5), Value(-1.0), Value(2.0)]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "product": lambda x: W[0] * W[1] * x[0] + W[2],
    "weighted sum": lambda x: tanh(weighted_sum(W, x)),
    "broadcast": lambda x: sum(relu(W[0] * each + W[1]) for each in x) / (1 + W[2] * W[2]),
    "logsumexp": lambda x: logsumexp([w * each for w, each in zip(W, x)]),
    "taken in turns": lambda x: total(W[i % 3] * x[0] * x[0] for i in range(1, 16)),
    "sums of different lengths": lambda x: total(tanh(total(w * each for w in W[:n])) for n, each in zip((2, 3, 3), x)),
    "logsumexp of different lengths": lambda x: total(logsumexp([w * each for w in W[n:]]) for n, each in enumerate(x)),
    "taken out of order": lambda x: sum(W[i] * x[j] for i, j in ((2, 0), (0, 2), (0, 1), (1, 1))) * W[0],
}


X = np.random.default_rng(0).normal(size=(4, 3))
THETA = np.array([0.3, -0.7, 1.1])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_is_that_of_differences(name: str) -> None:
    program = with_gradient(lowered(FUNCTIONS[name], 3), weighted=True)
    weights = np.array([1.0, 0.5, 0.0, 2.0])
    (size,) = program.shape(program.find(Parameters)[0])
    theta = THETA[:size]
    gradient = evaluate(program, [X], theta, weights)["gradient"]
    for index in range(size):
        step = np.zeros_like(theta)
        step[index] = 1e-6
        above, below = (evaluate(program, [X], theta + side * step, weights)["cost"].item() for side in (1, -1))
        assert gradient[index] == pytest.approx((above - below) / 2e-6, abs=1e-7)


@pytest.mark.parametrize("name", [*FUNCTIONS, "without the example"])
def test_weights_of_one_over_the_batch_make_the_mean(name: str) -> None:
    program = lowered({**FUNCTIONS, "without the example": lambda x: W[0] * W[1]}[name], 3)
    theta = THETA[: program.shape(program.find(Parameters)[0])[0]]
    mean = evaluate(with_gradient(program), [X], theta)
    weighted = evaluate(with_gradient(program, weighted=True), [X], theta, np.full(4, 0.25))
    for output in ("cost", "gradient"):
        np.testing.assert_allclose(mean[output].reshape(-1), weighted[output].reshape(-1), rtol=1e-13)


@pytest.mark.parametrize("name", [*FUNCTIONS, "without the example"])
def test_each_example_has_a_gradient_of_its_own(name: str) -> None:
    f = {**FUNCTIONS, "without the example": lambda x: W[0] * W[1]}[name]
    rows = with_gradients(lowered(f, 3, per_example=True))
    theta = THETA[: rows.shape(rows.find(Parameters)[0])[1]]
    gradients = evaluate(rows, [X], theta)["gradients"]
    for example, weights in enumerate(np.eye(4)):
        one = evaluate(with_gradient(lowered(f, 3), weighted=True), [X], theta, weights)["gradient"]
        np.testing.assert_allclose(gradients[example], one, rtol=1e-13)


def test_a_network_has_two_products_a_layer_backward_but_for_the_first() -> None:
    model = MLP([6, 5, 4, 3])
    program = spelled(with_gradient(lowered(lambda x, y: squared_error(model(x), y), 6, 3)))
    products = [each for each in program.find(MatMul) if each != program.outputs["cost"]]
    assert len(products) == 3 + 5


def test_without_parameters_there_is_no_gradient() -> None:
    assert list(with_gradient(lowered(lambda x: x[0] * x[1], 2)).outputs) == ["cost"]


def test_what_does_not_depend_on_the_parameters_gets_zeros() -> None:
    program = with_gradient(lowered(lambda x: x[0] + 0 * W[0] * x[1], 2))
    assert evaluate(program, [np.ones((3, 2))], np.ones(1))["gradient"].tolist() == [0.0]
