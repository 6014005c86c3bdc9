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
    for formula, leaf in zip(partial_formulas(op, count), leaves):
        source = formula.replace("·", "*").replace("^", "**")
        assert float(eval(source, {"inf": math.inf}, known)) == pytest.approx(leaf.grad, rel=1e-3, abs=1e-12)


def test_formulas_are_written_as_in_a_textbook() -> None:
    assert partial_formulas(ops.multiply, 2) == ["b", "a"]
    assert partial_formulas(ops.divide, 2) == ["1 / b", "-y / b"]
    assert partial_formulas(ops.maximum, 2)[0] == "(a > b) + (a == b) / 2"
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

    assert (names(told, 1), partial_formulas(told, 1)) == (["angle"], ["y + angle · 2"])
    assert partial_formulas(not_told, 1) == [""]
    assert "d(not_told)/dx = 0.8776" in draw(not_told(Value(0.5))).page
    with pytest.raises(TypeError, match="a formula is neither true nor false"):
        bool(Formula("x"))
