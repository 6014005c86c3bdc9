"""Stage 7a of vectorize: source that reads as one would write it by hand."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value, relu, tanh, vectorize, weighted_sum, where
from autograd.vectorize.backend import Signature
from autograd.vectorize.compiled import Kind
from autograd.vectorize.source import source as written
from demos.transformer import GPT
from tests.programs import near, pasted

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


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: [tanh(x[6 * i + 2 + j]) for j in (1, 0) for i in range(5)], "x.reshape(batch, 5, 6)[:, :, 2:4]"),
        (lambda x: [tanh(x[6 * i + j]) for j in range(6) for i in range(5)], ".reshape(batch, 5, 6).transpose(0, 2, 1).reshape(batch, 30)"),
        (lambda x: [tanh(x[6 * i + j]) for i in (3, 2, 1) for j in range(6)], ".reshape(batch, 3, 6)[:, ::-1].reshape(batch, 18)"),
        (lambda x: [tanh(x[6 * i + 3]) for i in (4, 3, 2, 1, 0) for _ in range(2)], "x["),
        (lambda x: [a + [1.5, 0.5][i % 2] for i, a in enumerate(x)], "np.tile(np.array([1.5, 0.5]), 15)"),
        (lambda x: [a + [0.25, 4.0][i // 15] for i, a in enumerate(x)], "np.repeat(np.array([0.25, 4.0]), 15)"),
        (lambda x: [a * (i + 2) for i, a in enumerate(x)], "np.arange(2, 32).astype(float)"),
        (lambda x: [a + [2.0, np.inf, 3.0][i % 3] for i, a in enumerate(x)], "np.tile(np.array([2.0, np.inf, 3.0]), 10)"),
    ],
)
def test_tables_are_written_by_their_rule(f: Callable[..., Any], expected: str) -> None:
    program = vectorize(f)
    x = np.random.default_rng(0).normal(size=(2, 30))
    found = program(x)
    assert expected in program.source
    np.testing.assert_allclose(pasted(program, x), found, rtol=1e-14)


def test_the_source_of_a_gpt_is_short_at_every_length() -> None:
    for length in (3, 7, 12):
        documents = np.random.default_rng(0).integers(5, size=(2, length + 1))
        program = vectorize(GPT(5, 8, 2, length=length).cost).record(documents)
        (cost, gradient), (expected, slopes) = pasted(program, documents), program.value_and_gradient(documents)
        assert len(program.source.splitlines()) <= 200
        assert near(cost, expected)
        assert near(gradient, slopes)
        if length > 4:  # below it is faster to take each pair on its own
            assert max(len(each.split(",")) for each in re.findall(r"\[[^][]*\]", program.source)) <= 8


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
