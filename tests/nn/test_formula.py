"""Formulas: their values for floats, arrays and Values, and errors that point at the character."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd import Value, grad, gradcheck, vectorize
from nn import FormulaError, formula, formula_source

FORMULAS: dict[str, Callable[[float], float]] = {
    "x * sigmoid(1.7 * x)": lambda x: x / (1 + math.exp(-1.7 * x)),
    "x": lambda x: x,
    "-x**2 + 3*x - .5e1": lambda x: -(x**2) + 3 * x - 5,
    "2 - x - 1": lambda x: 2 - x - 1,
    "12 / (x*x + 1) / 2": lambda x: 12 / (x * x + 1) / 2,
    "(x^2 + 1) ** -2": lambda x: (x**2 + 1) ** -2,
    "x^2 * --x": lambda x: x**3,
    "where(x > 0, x, 0.1 * x)": lambda x: x if x > 0 else 0.1 * x,
    "where(x <= -1, -1, minimum(x, 1))": lambda x: max(-1, min(x, 1)),
    "maximum(x, 0) + abs(x) + relu(-x)": lambda x: max(x, 0) + abs(x) + max(-x, 0),
    "log(1 + exp(x)) - softplus(x) + tanh(pi * x / e)": lambda x: math.tanh(math.pi * x / math.e),
    "1/(1 + e^-x) + (x+1)(x-1)": lambda x: 1 / (1 + math.exp(-x)) + x * x - 1,
    "max(0, x, 1) - Min(x, 2)": lambda x: max(0, x, 1) - min(x, 2),
    "2x² - 3x + .5 x³ + x(1 - x)": lambda x: 2 * x**2 - 3 * x + 0.5 * x**3 + x * (1 - x),
    "ln(x^2 + 1) · 2^-x": lambda x: math.log(x * x + 1) * 2**-x,
    "2ReLU(X) − arctan(x)÷π": lambda x: 2 * max(x, 0) - math.atan(x) / math.pi,
    "|x| + 2||x| - 1| x": lambda x: abs(x) + 2 * abs(abs(x) - 1) * x,
    "√(x² + 1) (x²+1)⁻¹ + (x²)^(1/2)": lambda x: (x * x + 1) ** -0.5 + abs(x),
    "e^-x² / 3 + 2e^sin(x)": lambda x: math.exp(-x * x) / 3 + 2 * math.exp(math.sin(x)),
    "where(x ≤ 1, 2x, 2pi x)": lambda x: 2 * x if x <= 1 else 2 * math.pi * x,
    "(x > 0) + (x > 1) - (x < -1) - 2(x ≥ 3) + x": lambda x: (x > 0) + (x > 1) - (x < -1) - 2 * (x >= 3) + x,
    "where((x > -1)(x < 1), -(x > 0), 2^(x > 0)) + x": lambda x: (-(x > 0) if -1 < x < 1 else 2 ** (x > 0)) + x,
    "2x\u00a0+\u20093": lambda x: 2 * x + 3,  # spaces of a text that was copied
    "sqrt(x*x + 1e-3) + sign(x)": lambda x: math.sqrt(x * x + 1e-3) + (x > 0) - (x < 0),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_agrees_for_floats_arrays_and_values(text: str) -> None:
    f, points = formula(text), np.array([-4.3, -1.2, -0.3, 0.4, 1.1, 3.9])
    expected = [FORMULAS[text](x) for x in points.tolist()]
    assert [float(f(x)) for x in points.tolist()] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(np.asarray(f(points), dtype=float), expected, atol=1e-12)
    assert [f(Value(x)).data for x in points.tolist()] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(vectorize(f)(points), expected, atol=1e-12)
    assert all(gradcheck(f, x) for x in points.tolist())
    derivative = vectorize(grad(f))(points)
    np.testing.assert_allclose(derivative, [grad(f)(x) for x in points.tolist()], atol=1e-12)


def test_the_source_of_a_formula_is_python_with_the_functions_of_the_table() -> None:
    assert formula_source("1/(1+e^-x) + 2max(0, x²)") == "1.0 / (1.0 + exp(-x)) + 2.0 * maximum(0.0, x ** 2.0)"


def test_the_name_of_a_formula_is_its_text() -> None:
    assert formula("  x * x ").__name__ == "x * x"


@pytest.mark.parametrize(
    ("text", "problem", "position"),
    [
        ("x.__class__", "'.' is not allowed in a formula", 1),
        ("tanh('x')", '"\'" is not allowed in a formula', 5),
        ("__import__(x)", "unknown name '__import__'; known are abs, acos", 0),
        ("x * swoosh(x)", "unknown name 'swoosh'", 4),
        ("sigmod(x)", "unknown name 'sigmod'; did you mean sigmoid?", 0),
        ("lambda x", "unknown name 'lambda'", 0),
        ("x ** 1000000000", "expected a number up to 10 as the exponent", 5),
        ("9 ** 9 ** 9 * x", "write parentheses around a power that is raised again", 5),
        ("x ** x", "only numbers such as e or 2 can be raised to a power with x", 5),
        ("x^2 + x^11", "expected a number up to 10 as the exponent", 8),
        ("1e999 * x", "this number is too large", 0),
        ("1/2x", "2x after / has two meanings: write /(2x) or /2*x", 3),
        ("e^-2x", "-2x after ^ has two meanings: write ^(-2x) or ^-2*x", 4),
        ("e^-x x", "-x x after ^ has two meanings: write ^(-x x) or ^-x*x", 5),
        ("x²^3", "a power is raised again: write parentheses, such as (x²)^3 or x^(2^3)", 2),
        ("x² ³", "a power is raised again: write parentheses", 3),
        ("log10(x²+1)", "log is the natural logarithm, so write log(x)/log(10)", 0),
        ("1/(x+1)(x-1)", "(x+1)(...) after / has two meanings", 7),
        ("2 3x", "expected an operator between 2 and 3", 2),
        ("0,5x", "write decimals with a point, such as 0.5", 1),
        ("y = x", "write only what is to be computed from x, without =", 2),
        ("[x]", "'[' is not allowed in a formula: write parentheses ( )", 0),
        ("|x", "this bar is not closed", 0),
        ("(|x)|", "this bar is not closed", 1),
        ("x2", "write x^2 for a power, 2x for a product", 0),
        ("x if x > 0 else 0", "write where(x > 0, x, 0.1x) for two cases", 2),
        ("0x1f + x", "unknown name 'x1f'", 1),
        ("1j + x", "unknown name 'j'", 1),
        ("1_0 + x", "unknown name '_0'", 1),
        ("(x", "this parenthesis is not closed", 0),
        ("x)", "this parenthesis was not opened", 1),
        ("tanh x", "the function tanh needs arguments in parentheses, such as tanh(x)", 0),
        ("sin^2(x)", "the function sin needs arguments in parentheses", 0),
        ("2 + tanh", "the function tanh needs arguments in parentheses", 4),
        ("tanh + x", "the function tanh needs arguments in parentheses", 0),
        ("tanh(x", "this parenthesis is not closed", 4),
        ("tanh()", "tanh takes 1 argument(s), got 0", 0),
        ("1 + tanh(x, 2)", "tanh takes 1 argument(s), got 2", 4),
        ("tanh(*x)", "expected numbers, x, functions and the operators", 5),
        ("tanh(x=x)", "write only what is to be computed from x, without =", 6),
        ("where(x > 0, x)", "where takes 3 argument(s), got 2", 0),
        ("x, x", "a comma separates the arguments of a function", 1),
        ("x +", "invalid syntax at the end: something is missing", 3),
        ("", "invalid syntax at the end: something is missing", 0),
        ("x + * 2", "invalid syntax at '*'", 4),
        ("x == 1", "write only what is to be computed from x, without =", 2),
        ("x // 1", "expected numbers, x, functions and the operators", 0),
        ("0 < x < 1", "expected one comparison, with parentheses around any other", 8),
        ("x ＋ 1", "'\\uff0b' is not allowed in a formula", 2),
        ("x\x00", "'\\x00' is not allowed in a formula", 1),
        ("1 + 2", "the formula must depend on x", 0),
        ("log(x)", "this has no value (log(-5.0) is undefined", 0),
        ("1 / x", "this has no value (", 0),
        ("exp(exp(exp(x)))", "this gives inf at x = ", 0),
        ("(x**10)**10 * 1e300", "this gives inf at x = -5; a formula must be finite from -5 to 5", 0),
        ("x ** 0.5", "this ", 0),
        ("((((9**10)**10)**10)**10)**10 * x", "this has no value (", 0),
    ],
)
def test_an_invalid_formula_is_refused_with_a_caret_under_the_character(text: str, problem: str, position: int) -> None:
    with pytest.raises(FormulaError) as caught:
        formula(text)
    assert caught.value.position == position
    message, shown, caret = str(caught.value).rsplit("\n", 2)
    assert message == caught.value.problem
    assert problem in message
    assert shown == "  " + text.replace("\x00", "?")
    assert caret == "  " + " " * position + "^"


def test_depth_and_length_have_limits() -> None:
    with pytest.raises(FormulaError, match="nested more than 20 deep") as caught:
        formula("(" * 50 + "x" + ")" * 50)
    assert str(caught.value).endswith("\n" + " " * (2 + 20) + "^")
    with pytest.raises(FormulaError, match="nested more than 20 deep"):
        formula("tanh(" * 30 + "x" + ")" * 30)
    assert formula("(" * 19 + "x" + ")" * 19)(2.0) == 2.0
    assert formula("-" * 199 + "x")(2.0) == -2.0
    assert formula("x" + "+x" * 99)(1.0) == 100.0
    with pytest.raises(FormulaError, match=r"the formula has 1,000,001 characters, more than 200"):
        formula("x" + "+" * 1_000_000)


ALPHABET = [*"x()+-*/^<,.1 _é²|π√", "**", ">=", "2.5", "1e9", "tanh", "where", "maximum", "pi"]


@given(st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join) | st.text(max_size=30))
def test_any_text_is_a_function_or_refused(text: str) -> None:
    try:
        f = formula(text)
    except FormulaError:
        return
    assert math.isfinite(f(0.5))


TERMS = st.recursive(
    st.sampled_from(["x", "2", ".5", "1e1", "pi", "x^2"]),
    lambda term: (
        st.builds("({} {} {})".format, term, st.sampled_from("+-*"), term) | st.builds("tanh({})".format, term) | term.map("-{}".format)
    ),
    max_leaves=8,
)


@given(TERMS, TERMS, st.floats(-5, 5))
def test_a_formula_computes_what_python_computes(left: str, right: str, x: float) -> None:
    """Python's own evaluation with math is the oracle."""
    text = f"{left} - {right} * x"
    assume(text.count("(") <= 20 and len(text) <= 200)
    expected = eval(text.replace("^", "**"), {"tanh": math.tanh, "pi": math.pi, "x": x})
    assert float(formula(text)(x)) == pytest.approx(expected, rel=1e-12, abs=1e-12)
