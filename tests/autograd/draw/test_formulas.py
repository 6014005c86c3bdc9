"""Partial derivatives as formulas."""

import math
from typing import Any

import pytest

from autograd import Value, ops, primitive
from autograd.draw import draw
from autograd.draw.formulas import Formula, names, partial_formulas
from autograd.ops import Operation

TABLE = {each.name: each for each in vars(ops).values() if isinstance(each, Operation)}
POINTS = [(0.3, 0.7, 0.2, 0.9, 0.4), (0.6, 0.6, 0.1, 0.5, 0.8)]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", TABLE)
def test_formulas_have_the_values_of_the_gradients(name: str, point: tuple[float, ...]) -> None:
    op = TABLE[name]
    count = 5 if op.variadic else len(op.partials)
    operands = point[:count]
    leaves = [Value(each) for each in operands]
    result = op(*leaves)
    result.backward()
    known = {each.name: each for each in TABLE.values()} | dict(zip(names(op, count), operands)) | {"y": result.data}
    for formula, leaf in zip(partial_formulas(op, names(op, count)), leaves):
        source = formula.replace("·", "*").replace("^", "**")
        assert float(eval(source, {"inf": math.inf}, known)) == pytest.approx(leaf.grad, rel=1e-3, abs=1e-12)


def test_formulas_are_written_as_in_a_textbook() -> None:
    assert partial_formulas(ops.multiply, ["w", "x"]) == ["x", "w"]
    assert partial_formulas(ops.divide, ["a", "b"]) == ["1 / b", "-a / b^2"]
    assert partial_formulas(ops.power, ["x", 2.0])[0] == "2 · x"
    assert partial_formulas(ops.power, ["x", 3.0])[0] == "3 · x^2"
    assert partial_formulas(ops.power, ["x", "n"]) == ["n · x^(n - 1)", "x^n · log(x)"]
    assert partial_formulas(ops.tanh, ["z"]) == ["1 - tanh(z)^2"]
    assert partial_formulas(ops.relu, ["z"]) == ["1 if z > 0 else 0"]
    assert partial_formulas(ops.logsumexp_, ["a", "b"], "total") == ["exp(a - total)", "exp(b - total)"]
    assert partial_formulas(ops.maximum, ["a", "b"])[0] == "(a > b) + (a == b) / 2"
    x = Formula("x")
    assert ((x + 1) * x - (x - (x - 1)) / x ** (x + 1)).text == "(x + 1) · x - (x - (x - 1)) / x^(x + 1)"
    assert (((x**2) ** x) * -(x + 1)).text == "(x^2)^x · -(x + 1)"
    assert ((x * x) * (x / x) - (-x) ** 2).text == "x · x · x / x - (-x)^2"
    assert (((x < 1) == (x > 2)) | ~(x < 3)).text == "(x < 1) == (x > 2) or ~(x < 3)"


def test_formulas_of_custom_primitives() -> None:
    @primitive(lambda y, angle: y + angle * 2)
    def told(angle: Any) -> Any:
        return angle * angle

    @primitive(lambda y, x: math.cos(x))
    def not_told(x: Any) -> Any:
        return math.sin(x)

    assert (names(told, 1), partial_formulas(told, ["angle"])) == (["angle"], ["y + angle · 2"])
    assert partial_formulas(not_told, ["x"]) == [""]
    assert "d(not_told(x))/dx = 0.8776 at x = 0.5" in draw(not_told(Value(0.5))).page
    with pytest.raises(TypeError, match="a formula is neither true nor false"):
        bool(Formula("x"))
