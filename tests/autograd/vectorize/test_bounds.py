"""Bounds: derivatives have conditions only where a number that they are multiplied by can be infinite."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value, exp, largest, log, maximum, minimum, relu, sigmoid, sqrt, tanh, vectorize, where
from tests.programs import Array, assert_agrees, values

W, V = values(2)
MANY = values(4)


def shares(scores: list[Any], top: Any) -> list[Any]:
    powers = [exp(score - top) for score in scores]
    whole = sum(powers)
    return [power / whole for power in powers]


def scores(x: Any) -> list[Any]:
    return [w * x for w in MANY]


SAFE: dict[str, Callable[[Any], Any]] = {
    "a norm": lambda x: W * ((V * x) ** 2 + 1e-5) ** -0.5,
    "a root": lambda x: sqrt(maximum(W * x, 0.5)),
    "a logarithm": lambda x: log(1 + exp(tanh(W * x)) + abs(V)),
    "a quotient": lambda x: W / (sqrt(1 + V * V) + sigmoid(x)),
    "a softmax": lambda x: shares(scores(x), largest(each.data for each in scores(x)))[0],
    "a softmax that follows its largest": lambda x: log(sum(exp(each - largest(scores(x))) for each in scores(x))),
    "a choice": lambda x: 1 / where(x > 0, V * V + 1, 2 + relu(W)),
}
RISKY: dict[str, Callable[[Any], Any]] = {
    "a norm": lambda x: W * ((V * x) ** 2) ** -0.5,
    "a root": lambda x: sqrt(maximum(W * x, 0.0)),
    "a logarithm": lambda x: log(1 + sin_of(W * x)),
    "a quotient": lambda x: W / (V * V + tanh(x) - 0.5),
    "a softmax": lambda x: shares(scores(x), scores(x)[0].data)[0],
    "a softmax below another largest": lambda x: shares(scores(x), largest(each.data for each in scores(x)[1:]))[0],
    "a choice": lambda x: 1 / where(x > 0, V * V + 1, relu(W)),
    "a quotient that is rounded": lambda x: W / (1.00000001 - sigmoid(V * x)),
    "a power": lambda x: (1 + W * W * x * x) ** V,
    "a large power": lambda x: maximum(W * x, 1e-12) ** -3,
    "a steep power": lambda x: maximum(W * x, 1e-9) ** -2,
    "a limited power": lambda x: exp(minimum(W * x, 80.0)),
}


def sin_of(x: Any) -> Any:
    return where(x > 0, tanh(x), -tanh(x) - 1)


def has_conditions(f: Callable[[Any], Any]) -> bool:
    """Whether the derivative of what is passed on by a relu, or not, has a condition."""
    return "np.where(" in vectorize(lambda x: relu(f(x) * x)).record(X).source.rpartition("\n\n    ")[2]


X: Array = np.array([0.5, -1.5, 2.0, -0.25])


@pytest.mark.parametrize("name", SAFE)
def test_numbers_that_stay_finite_need_no_conditions(name: str) -> None:
    assert not has_conditions(SAFE[name])
    assert_agrees(lambda x: relu(SAFE[name](x) * x), X)


@pytest.mark.parametrize("name", RISKY)
def test_numbers_that_may_become_infinite_keep_their_conditions(name: str) -> None:
    assert has_conditions(RISKY[name])


def test_what_is_not_chosen_stays_away_from_a_gradient() -> None:
    w = Value(0.0)
    for f in (lambda x: relu(sqrt(w * w) * x - 1), lambda x: relu(-exp(w + 800) * x), lambda x: where(x > 0, w, 1 / w)):
        _, gradient = vectorize(f).value_and_gradient(np.array([1.0, 2.0]))
        assert np.isfinite(gradient).all()


def test_the_product_of_two_steep_slopes_stays_finite_in_float32() -> None:
    w, v = values(2)
    for f in (
        lambda x: exp(minimum(w + 100, 80.0)) * relu(-v * v - 1) * 1e5,
        lambda x: maximum(w * 0, 1e-9) ** -2 * relu(-exp(minimum(v + 90, 40.0))),
    ):
        _, gradient = vectorize(f, dtype=np.float32).value_and_gradient(np.array([1.0, 2.0]))
        assert np.isfinite(gradient).all()
