"""Stage 7b of vectorize: running a program on buffers that are planned once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value, logsumexp, maximum, sigmoid, tanh, weighted_sum, where
from autograd.vectorize.arrays import INPUT, PARAMETERS, Program, rebuilt
from autograd.vectorize.differentiate import differentiate
from autograd.vectorize.lower import lower
from autograd.vectorize.record import record
from autograd.vectorize.run import Plan, interpret
from autograd.vectorize.simplify import simplify

W = [Value(0.1 * number - 0.4) for number in range(12)]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "layer": lambda x: weighted_sum([tanh(weighted_sum(W[3 * i : 3 * i + 3], x)) for i in range(3)], W[9:12]),
    "chain": lambda x: sigmoid(tanh(W[0] * x[0]) * W[1] + x[1]) ** 3 - 1 / (2 + W[2] * W[2]),
    "choices": lambda x: where(x[0] > W[0], maximum(W[1] * x[1], x[2]), W[2]) + (x[0] > 0) * W[3],
    "logsumexp": lambda x: logsumexp([W[0] * x[0], W[1] * x[1], W[2]]),
    "shuffled": lambda x: sum(W[i] * tanh(W[j] * x[k]) for i, j, k in ((3, 1, 2), (1, 4, 0), (5, 9, 1), (2, 6, 0))),
}


def training(f: Callable[..., Any]) -> tuple[Program, int]:
    graph, batched = simplify(record(f, [(3,)], ["x"])[0])
    program, order = lower(graph, batched, [3])
    gradient = differentiate(program, (1.0, -1))
    assert gradient is not None
    program.outputs.append(gradient)
    return rebuilt(program), len(order)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch", [1, 2, 17])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_plan_keeps_to_the_meaning_of_its_program(name: str, batch: int, dtype: Any) -> None:
    program, size = training(FUNCTIONS[name])
    plan = Plan(program, batch, dtype)
    rng = np.random.default_rng(0)
    for _ in range(3):  # with fresh arrays each time, so that what a plan remembers would show
        X, theta = rng.normal(size=(batch, 3)).astype(dtype), rng.normal(size=size).astype(dtype)
        gradient = np.full(size, np.nan, dtype)
        results = plan.run([X], theta, gradient)
        externals = {n: X if each.op == INPUT else theta for n, each in enumerate(program.instructions) if each.op in (INPUT, PARAMETERS)}
        expected, expected_gradient = interpret(program, externals, batch)
        tolerance = 1e-13 if dtype is np.float64 else 1e-5
        np.testing.assert_allclose(results, expected, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(gradient, expected_gradient, rtol=tolerance, atol=tolerance)
        assert results.dtype == gradient.dtype == dtype


def test_buffers_are_reused() -> None:
    def deep(x: Any) -> Any:
        h = [W[0] * each for each in x]
        for _ in range(50):
            h = [tanh(each) for each in h]
        return sum(h)

    graph, batched = simplify(record(deep, [(3,)], ["x"])[0])
    program, _ = lower(graph, batched, [3])
    plan = Plan(rebuilt(program), 10, np.float64)
    memory = {id(each.base if each.base is not None else each) for each in plan.buffers.values() if isinstance(each, np.ndarray)}
    assert len(memory) < 12


def test_a_batch_of_another_size_needs_another_plan() -> None:
    program, size = training(FUNCTIONS["layer"])
    plan = Plan(program, 4, np.float64)
    with pytest.raises(ValueError, match=r"cannot reshape|could not be broadcast|not aligned|incorrect shape|wrong"):
        plan.run([np.ones((5, 3))], np.ones(size), np.ones(size))
