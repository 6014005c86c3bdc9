"""Stage 7a of vectorize: source that reads as one would write it by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value, relu, tanh, vectorize, weighted_sum, where
from autograd.vectorize.backend import Signature
from autograd.vectorize.compiled import Kind
from autograd.vectorize.source import source as written

W = [Value(0.1 * number) for number in range(12)]


def source(f: Callable[..., Any], *shape: int) -> str:
    return vectorize(f).record(np.ones((2, *shape))).source


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: -x + 2 * (x * x), "2 * x[:, None] ** 2 - x[:, None]"),
        (lambda x: 1 - (x - 3), "1 - (x[:, None] - 3)"),
        (lambda x: (1 - x) * (2 + x) / x, "(x[:, None] + 2) * (1 - x[:, None]) / x[:, None]"),
        (lambda x: (x + 1) ** 3, "(x[:, None] + 1) ** 3"),
        (lambda x: 2.0**x, "2 ** x[:, None]"),
        (lambda x: (-x) ** 3, "(-x[:, None]) ** 3"),
        (lambda x: 1 / (x / (1 + x)), "1 / (x[:, None] / (x[:, None] + 1))"),
        (lambda x: where(x < 1, x, 2.0), "np.where(x[:, None] < 1, x[:, None], 2.0)"),
        (lambda x: where((x < 1) | (x > 3), x, 2.0), "np.logical_or(x[:, None] < 1, x[:, None] > 3)"),
        (lambda x: (x < 1) < 0.5, "(x[:, None] < 1) < 0.5"),
        (lambda x: relu(x), "np.maximum(x[:, None], 0)"),
        (lambda x: 1e300 * x * float("inf"), "np.inf * x[:, None]"),
    ],
)
def test_an_expression_has_the_brackets_it_needs(f: Callable[..., Any], expected: str) -> None:
    text = source(f)
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    x = np.array([0.5, 1.5, 4.0])
    np.testing.assert_array_equal(namespace["f"](x), vectorize(f)(x))
    assert expected in text


def test_long_lines_are_broken_where_it_shows_least() -> None:
    text = source(lambda x: sum(tanh(W[i % 12] * x[(7 * i * i) % 30]) * x[(5 * i + 2) % 30] for i in range(30)), 30)
    assert max(map(len, text.splitlines())) <= 110
    compile(text, "pasted", "exec")


def test_windows_and_repeats_are_written_by_their_rule() -> None:
    kernels = [W[:5], W[5:10]]
    windows = source(lambda x: [weighted_sum(k, x[i : i + 5]) for i in range(16) for k in kernels], 20)
    assert "x[:, np.add.outer(np.arange(16), np.arange(5)).ravel()]" in windows


@pytest.mark.parametrize("f", [lambda x: tanh(W[1] * x), lambda x: 3.0 * W[2], lambda x: 3.0, lambda x: W[1] * 0 + 1.0])
def test_the_last_argument_of_a_source_with_weights_is_the_weights(f: Callable[..., Any]) -> None:
    program = vectorize(f).record(np.ones(3))
    recording = program._latest
    assert recording is not None
    text = written(recording.program(Kind.WEIGHTED), Signature("f", ["x"], [()], ()))
    x, weights = np.array([0.5, -1.0, 2.0]), np.array([1.0, 0.25, 3.0])
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    returned = namespace["f"](x, *([program.parameter_vector()] if program.parameters else []), weights)
    cost, gradient = program.value_and_gradient(x, weights=weights)
    if program.parameters:
        returned, slope = returned
        np.testing.assert_allclose(slope, gradient, rtol=1e-13)
    assert returned == pytest.approx(cost, rel=1e-13)
