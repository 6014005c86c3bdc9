"""Stage 6 of vectorize: the gradient of an array program."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value, logsumexp, relu, tanh, weighted_sum
from autograd.vectorize.arrays import INPUT, MATMUL, PARAMETERS, Program, rebuilt
from autograd.vectorize.differentiate import differentiate
from autograd.vectorize.lower import lower
from autograd.vectorize.record import record
from autograd.vectorize.run import interpret
from autograd.vectorize.simplify import simplify
from nn import MLP, squared_error


def with_gradient(f: Callable[..., Any], inputs: int) -> Program:
    """The program of the sum over the batch, and its gradient."""
    graph, batched = simplify(record(f, [(inputs,)], ["x"])[0])
    program, _ = lower(graph, batched, [inputs])
    gradient = differentiate(program, (1.0, 0))
    if gradient is not None:
        program.outputs.append(gradient)
    return program


def evaluate(program: Program, X: Any, theta: Any) -> list[Any]:
    bound = {INPUT: X, PARAMETERS: theta}
    return interpret(program, {n: bound[str(each.op)] for n, each in enumerate(program.instructions) if each.op in bound}, len(X))


W = [Value(0.5), Value(-1.0), Value(2.0)]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "product": lambda x: W[0] * W[1] * x[0] + W[2],
    "weighted sum": lambda x: tanh(weighted_sum(W, x)),
    "broadcast": lambda x: sum(relu(W[0] * each + W[1]) for each in x) / (1 + W[2] * W[2]),
    "logsumexp": lambda x: logsumexp([w * each for w, each in zip(W, x)]),
    "taken out of order": lambda x: sum(W[i] * x[j] for i, j in ((2, 0), (0, 2), (0, 1), (1, 1))) * W[0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_is_that_of_differences(name: str) -> None:
    program = with_gradient(FUNCTIONS[name], 3)
    X = np.random.default_rng(0).normal(size=(4, 3))
    theta = np.array([0.3, -0.7, 1.1])[: next(each.shape[0] for each in program.instructions if each.op == PARAMETERS)]
    _, gradient = evaluate(program, X, theta)
    for index in range(len(theta)):
        step = np.zeros_like(theta)
        step[index] = 1e-6
        above, below = (evaluate(program, X, theta + side * step)[0].sum() for side in (1, -1))
        assert gradient[index] == pytest.approx((above - below) / 2e-6, abs=1e-7)


def test_a_network_has_two_products_a_layer_backward_but_for_the_first() -> None:
    model = MLP([6, 5, 4, 3])
    graph, batched = simplify(record(lambda x, y: squared_error(model(x), y), [(6,), (3,)], ["x", "y"])[0])
    program, _ = lower(graph, batched, [6, 3])
    gradient = differentiate(program, (1.0, -1))
    assert gradient is not None
    program.outputs.append(gradient)
    assert sum(each.op == MATMUL for each in rebuilt(program).instructions) == 3 + 5


def test_without_parameters_there_is_no_gradient() -> None:
    assert len(with_gradient(lambda x: x[0] * x[1], 2).outputs) == 1


def test_what_does_not_depend_on_the_parameters_gets_zeros() -> None:
    program = with_gradient(lambda x: x[0] + 0 * W[0] * x[1], 2)
    _, gradient = evaluate(program, np.ones((3, 2)), np.ones(1))
    assert gradient.tolist() == [0.0]
