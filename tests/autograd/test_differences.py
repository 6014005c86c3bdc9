"""gradcheck: right and wrong derivatives, at any scale."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from autograd import Value, cos, exp, grad, gradcheck, log, maximum, primitive, sin, sqrt, tanh
from autograd.differences import Comparison, GradientReport


@primitive(lambda y, x: 2 * x)
def half_right(x: Any) -> Any:
    return x * x * x


def test_gradcheck_names_operation_operand_both_numbers_and_the_error() -> None:
    report = gradcheck(lambda x: half_right(x) + sin(x), 2.0)
    assert not report
    assert [(each.of, each.by) for each in report.wrong] == [("f", "input 0"), ("half_right", "operand 0 of half_right(2.0)")]
    assert "WRONG d half_right / d operand 0 of half_right(2.0): rule 4, differences 12, error 6.7e-01" in str(report)
    assert "ok    d sin / d operand 0 of sin(2.0): rule -0.4161468365, differences -0.4161468365, error" in str(report)
    assert repr(report) == str(report)


def test_gradcheck_accepts_right_derivatives() -> None:
    assert gradcheck(lambda v: exp(v[0]) * v[1] ** 2 / (1 + v[0] ** 2), [0.3, -1.5])
    assert gradcheck(grad(tanh), 0.3)
    assert gradcheck(log, 1e-3)  # steps out of the domain are cut
    assert gradcheck(lambda x, y: maximum(x, y) * 2, 1.0, Value(2.0))
    assert gradcheck(lambda: 3.0)
    assert str(gradcheck(lambda: 3.0)) == "nothing to check: the function has no inputs"
    w = Value(2.0)
    assert gradcheck(lambda x: w * x * x, 3.0)


@pytest.mark.parametrize("x", [0.3, 2.0, 50.0])
@pytest.mark.parametrize("f", [sin, cos, sqrt, log, lambda t: t**3, lambda t: 1 / (1 + t * t)])
def test_differences_have_ten_digits(f: Callable[[Any], Any], x: float) -> None:
    """Against the derivatives of calculus, which the rules are."""
    first = gradcheck(f, x).comparisons[0]
    assert first.difference == pytest.approx(first.derivative, rel=1e-9, abs=first.noise)


def test_gradcheck_at_points_without_a_derivative() -> None:
    assert not gradcheck(sqrt, 0.0)
    assert Comparison("f", "x", math.inf, math.inf, 1e-6).is_right
    assert Comparison("f", "x", math.nan, 1.0, 1e-6).error == math.inf
    assert Comparison("f", "x", 1.0, math.nan, 1e-6).error == math.inf
    assert Comparison("f", "x", math.inf, 1.0, 1e-6).error == math.inf
    assert Comparison("f", "x", 1.0, 1.0, tolerance=0.0).is_right
    assert GradientReport(()).wrong == ()


SCALES = [1e-200, 1e-30, 1e-7, 1.0, 1e7, 1e30, 1e200]


def with_rule(f: Callable[[Any], Any], rule: Callable[[Any], Any]) -> Any:
    """An operation of one operand with a derivative that is given, right or wrong."""

    @primitive(lambda y, x: rule(x))
    def operation(x: Any) -> Any:
        return f(x)

    return operation


def scaled(f: Callable[[Any], Any], rule: Callable[[Any], Any], of_f: float, of_rule: float) -> Any:
    return with_rule(lambda x: of_f * f(x), lambda x: of_rule * rule(x))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("x", [0.7, -1.5, 2.0])
def test_gradcheck_finds_wrong_rules_of_functions_of_any_size(scale: float, x: float) -> None:
    """The right derivatives are those of calculus."""
    functions: list[tuple[Any, Any]] = [(sin, cos), (exp, exp), (lambda t: t * t, lambda t: 2 * t)]
    for f, right in (*functions, (lambda t: 1e6 + t**3, lambda t: 3 * t * t)):
        report = gradcheck(scaled(f, right, scale, scale), x)
        assert report, report
        for factor in (-1.0, 0.0, 0.5, 1.001):
            assert not gradcheck(scaled(f, right, scale, factor * scale), x), (scale, factor)


@pytest.mark.parametrize("scale", SCALES)
def test_gradcheck_accepts_derivatives_of_zero(scale: float) -> None:
    for f in (lambda x: scale * x**3, lambda x: scale * x * x, lambda x: scale * cos(x), lambda x: scale * (x - sin(x)), lambda x: scale):
        report = gradcheck(f, 0.0)
        assert report, report
    assert gradcheck(lambda v: scale * sin(v[0]) + 1e-9 * scale * v[1] + 0 * v[2], [1.0, 2.0, 3.0])
