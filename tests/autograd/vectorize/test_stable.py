"""Stable forms: formulas that overflow on the way are computed by others in programs, and named in words on Values."""

import re
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp

from autograd import UndefinedError, Value, exp, grad, largest, log, log1p, lookup, sigmoid, stabilized, total, vectorize, why
from nn import formula
from tests.programs import every_backend

ORDINARY = [-30.0, -2.0, 0.3, 4.0, 25.0]
FAR = [-1000.0, -800.0, 800.0, 1000.0]


def logsumexp_of(*x: Any) -> Any:
    return mpmath.log(sum(mpmath.exp(each) for each in x))


# name: (the formula as users write it, its value in mpmath, what the comment in the source says)
ONE: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], str]] = {
    "sigmoid": (lambda x: 1 / (1 + exp(-x)), lambda x: 1 / (1 + mpmath.exp(-x)), "sigmoid(x)"),
    "as a power": (lambda x: (1 + exp(-x)) ** -1, lambda x: 1 / (1 + mpmath.exp(-x)), "sigmoid(x)"),
    "logistic": (lambda x: exp(x) / (exp(x) + 1), lambda x: 1 / (1 + mpmath.exp(-x)), "sigmoid(x)"),
    "swish": (lambda x: x / (1 + exp(-x)), lambda x: x / (1 + mpmath.exp(-x)), "sigmoid(x)"),
    "softplus": (lambda x: log(1 + exp(x)), lambda x: mpmath.log1p(mpmath.exp(x)), "softplus(x)"),
    "log1p": (lambda x: log1p(exp(x)), lambda x: mpmath.log1p(mpmath.exp(x)), "softplus(x)"),
    "log sigmoid": (lambda x: log(1 / (1 + exp(-x))), lambda x: -mpmath.log1p(mpmath.exp(-x)), "-softplus(-x)"),
    "log 1 - sigmoid": (lambda x: log(1 - sigmoid(x)), lambda x: -mpmath.log1p(mpmath.exp(x)), "-softplus(-x)"),
    "tanh": (lambda x: (exp(2 * x) - 1) / (exp(2 * x) + 1), mpmath.tanh, "tanh(x)"),
    "hyperbolic": (lambda x: (exp(x) - exp(-x)) / (exp(x) + exp(-x)), mpmath.tanh, "tanh(x)"),
    "log cosh": (lambda x: log((exp(x) + exp(-x)) / 2), lambda x: logsumexp_of(x, -x) - mpmath.log(2), "logsumexp(x)"),
    "log exp": (lambda x: log(exp(x)), lambda x: x, "x"),
    "slope of softplus": (grad(lambda x: log(1 + exp(x))), lambda x: 1 / (1 + mpmath.exp(-x)), "sigmoid(x)"),
}


@pytest.mark.parametrize("name", ONE)
def test_formulas_of_one_number_have_50_digit_values_and_slopes_at_any_size(name: str) -> None:
    f, exact, stable = ONE[name]
    program = vectorize(f)
    with mp.workdps(500):
        for x in ORDINARY + FAR:
            assert program(np.array([x]))[0] == pytest.approx(float(exact(mp.mpf(x))), rel=1e-12, abs=1e-300)
        for x in ORDINARY + FAR:
            w = Value(x)
            slope = vectorize(lambda unused, w=w: f(w)).per_example_gradients(np.zeros(1))[0, 0]
            assert slope == pytest.approx(float(mpmath.diff(exact, mp.mpf(x))), rel=1e-12, abs=1e-300), x
    assert re.search(rf"is computed as {re.escape(stable)}$", program.source, re.MULTILINE)
    assert np.allclose(program(np.array(ORDINARY[1:4])), [f(x) for x in ORDINARY[1:4]], rtol=1e-12, atol=1e-15)


def test_log_of_one_minus_exp_is_precise_on_both_sides() -> None:
    program = vectorize(lambda x: log(1 - exp(-x)))
    with mp.workdps(60):
        for x in (1e-18, 0.3, 0.7, 40.0):
            assert program(np.array([x]))[0] == pytest.approx(float(mpmath.log(1 - mpmath.exp(-mp.mpf(x)))), rel=1e-13)
    assert "log(1 - exp(-x)) is computed as log1mexp(x)" in program.source


def test_a_sum_without_its_largest_number_does_not_underflow() -> None:
    def two_of_three(x: Any) -> list[Any]:
        top = largest(x)
        powers = [exp(each - top) for each in x[:2]]
        return [log(powers[0] + powers[1]), powers[0] / (powers[0] + powers[1])]

    found = vectorize(two_of_three)(np.array([[1.0, 2.0, 2000.0]]))[0]
    assert found == pytest.approx([float(logsumexp_of(1, 2)) - 2000, float(1 / (1 + mpmath.e))], rel=1e-12)


def test_the_log_of_many_constant_factors_is_found_without_recursion() -> None:
    x = exp(Value(1000.0) * 1e-3)
    for _ in range(3000):
        x = 0.1 * x
    with pytest.raises(UndefinedError):
        log(x)


@pytest.mark.parametrize(("x", "is_named"), [(1e-20, True), (0.0, False), (-1.0, False)])
def test_only_a_form_that_is_finite_at_these_numbers_is_named(x: float, is_named: bool) -> None:
    with pytest.raises(UndefinedError) as caught:
        log(1 - exp(-Value(x)))
    assert ("write log1mexp(x)" in str(caught.value)) is is_named


def test_stabilized_takes_functions_with_one_result() -> None:
    with pytest.raises(ValueError, match=r"^stabilized takes a function that returns one number, and this one returns 2$"):
        stabilized(lambda x: [x, exp(x)])


def natural(scores: Any) -> list[Any]:
    powers = [exp(score) for score in scores]
    whole = sum(powers)
    return [power / whole for power in powers]


def shifted(scores: Any) -> list[Any]:
    top = largest(score.data for score in scores)
    return natural([score - top for score in scores])


SCORES = np.array([[1.0, 2.0, 3.0], [-5.0, 0.5, 0.25], [1000.0, 0.0, -1000.0], [-1000.0, -2000.0, -999.0]])
LABELS = np.array([2, 0, 1, 0])


@every_backend
@pytest.mark.parametrize("softmax", [natural, shifted])
def test_the_log_of_a_softmax_is_right_for_scores_of_any_size(softmax: Callable[[Any], Any], backend: str) -> None:
    """Each way to write it, with its gradient, which is the softmax less 1 at the label."""
    top = SCORES.max(axis=1, keepdims=True)
    powers = np.exp(SCORES - top)
    shares, wanted = powers / powers.sum(axis=1, keepdims=True), (top + np.log(powers.sum(axis=1, keepdims=True)) - SCORES)
    chosen, right = wanted[range(4), LABELS], shares - np.eye(3)[LABELS]
    ways: list[Callable[..., Any]] = [
        lambda x, label: -log(lookup(softmax(x), label)),
        lambda x, label: -lookup([log(each) for each in softmax(x)], label),
        lambda x, label: log(sum(exp(each) for each in x)) - lookup(x, label),
    ]
    for way in ways:
        biases = [Value(0.0) for _ in range(3)]
        program = vectorize(lambda x, label, way=way, biases=biases: way([a + b for a, b in zip(x, biases)], label), backend=backend)
        np.testing.assert_allclose(program(SCORES, LABELS), chosen, rtol=1e-12)
        slopes = program.per_example_gradients(SCORES, LABELS, order=biases)
        np.testing.assert_allclose(slopes, right, rtol=1e-12, atol=1e-15)


def test_a_softmax_that_subtracts_the_largest_score_stays_as_it_is() -> None:
    program = vectorize(shifted).record(SCORES)
    assert "computed as" not in program.source
    assert program.source.count("np.max(") == 1


def test_sums_with_a_constant_and_with_repeated_powers() -> None:
    program = vectorize(lambda x: [log(3 + exp(x[0]) + exp(x[1])), log(exp(x[0]) + exp(x[0])), 3 / (exp(x[0]) + 3)])
    np.testing.assert_allclose(program(np.array([[1000.0, 5.0]])), [[1000.0, 1000.0 + np.log(2), 0.0]], rtol=1e-13)
    np.testing.assert_allclose(
        program(np.array([[0.5, -3.0]])), [[np.log(3 + np.exp(0.5) + np.exp(-3)), np.log(2) + 0.5, 3 / (np.exp(0.5) + 3)]], rtol=1e-13
    )


def test_formulas_that_only_look_like_one_are_computed_as_written() -> None:
    choice = np.array([3])  # there is no such row: the sum is 0, and its logarithm is not that of a softmax
    program = vectorize(lambda x, i: log(total(x[0] * (i == row) for row in range(3)) + exp(x[0]) - exp(x[1])))
    assert "computed as" not in program.record(SCORES[:1], choice).source

    def by_hand(x: Any, i: Any) -> Any:
        return log(total([exp(each) / (exp(x[0]) + exp(x[1]) + exp(x[2])) * (i == row) for row, each in enumerate(x)]))

    assert vectorize(by_hand)(SCORES[:1], choice)[0] == -np.inf


def test_why_and_the_error_of_a_logarithm_name_the_stable_form() -> None:
    x, y = Value(1000.0, label="x"), Value(0.0, label="y")
    cases: list[tuple[Callable[[], Any], str]] = [
        (lambda: log(1 + exp(x)), "log(1 + exp(x)) overflows or loses all digits at these numbers: write softplus(x)"),
        (lambda: log(exp(x) + exp(y)) * 2, "write logsumexp(x)"),
        (lambda: natural([x, y])[0], "with m = largest(x)"),
        (lambda: (exp(2 * x) - 1) / (exp(2 * x) + 1), "write tanh(x)"),
    ]
    for f, advice in cases:
        assert advice in str(why(f(), x))
    with pytest.raises(UndefinedError, match=r"log\(0.0\) is undefined .* write -softplus\(-x\)"):
        log(1 / (1 + exp(x)))
    with pytest.raises(UndefinedError, match=r"write x\[i\] - logsumexp\(x\)"):
        log(shifted([x, y])[1])
    with pytest.raises(UndefinedError) as caught:
        log(y)
    assert "write" not in str(caught.value)
    assert "write" not in str(why(x * 1e300 * 1e300, x))


def test_a_formula_uses_stable_forms_on_floats_arrays_and_values() -> None:
    softplus = formula("log(1 + exp(x))")
    assert softplus(1000.0) == 1000.0
    assert softplus.__name__ == "log(1 + exp(x))"
    np.testing.assert_array_equal(softplus(np.array([1000.0, -1000.0])), [1000.0, 0.0])
    assert grad(formula("1 / (1 + exp(-x))"))(-1000.0) == 0.0
    assert stabilized(log) is log
    w = Value(2.0)
    assert stabilized(lambda x: w / (1 + exp(x)))(-1000.0).data == 2.0
