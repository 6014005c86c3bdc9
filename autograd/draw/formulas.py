"""The partial derivatives of an operation as formulas: its row, evaluated with formulas instead of numbers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from autograd.interop import Expression
from autograd.names import number
from autograd.operation import ATOM, COMPARISON, POWER, PRODUCT, SIGN, SUM, Operation

WRITTEN = {"*": " · ", "**": "^", "&": " and ", "|": " or "}


class Formula(Expression):
    """The text of an expression. An operation on formulas gives the formula of its result."""

    __slots__ = ("precedence", "text")

    def __init__(self, text: str, precedence: int = ATOM) -> None:
        self.text, self.precedence = text, precedence

    def __bool__(self) -> bool:
        raise TypeError("a formula is neither true nor false")

    @staticmethod
    def apply(op: Operation, operands: Sequence[Any]) -> Formula:
        parts, own = [_formula(each) for each in operands], op.precedence
        if own == ATOM:
            return Formula(f"{op.name}({', '.join(each.text for each in parts)})")
        if len(parts) == 1:
            return Formula(op.symbol + parts[0].within(own), own)
        is_associative = op.is_commutative and own in (SUM, PRODUCT)
        left, right = parts[0].within(own + (own in (COMPARISON, POWER))), parts[1].within(own + (not is_associative))
        return Formula(left + WRITTEN.get(op.symbol, f" {op.symbol} ") + right, own)

    def within(self, precedence: int) -> str:
        """The formula, in parentheses if it has a lower precedence."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def _formula(given: Any) -> Formula:
    """A number as a formula. Formulas are returned unchanged."""
    return given if isinstance(given, Formula) else Formula(number(float(given)), ATOM if given >= 0 else SIGN)


def names(op: Operation, count: int) -> list[str]:
    """The names of the operands: the parameters of the row's partial derivatives, by default x, or a and b."""
    found = ["x"] if count == 1 else ["a", "b", "c", "d"][:count] if count <= 4 else [f"x{index + 1}" for index in range(count)]
    for partial in op.partials if not op.variadic else ():
        if callable(partial):
            parameters = list(inspect.signature(partial).parameters)[1:]
            found = [own if own != "_" else before for own, before in zip(parameters, found)] + found[len(parameters) :]
    return found


def partial_formulas(op: Operation, count: int) -> list[str]:
    """The partial derivative by each of `count` operands as a formula in `y` and their names; empty if there is no formula."""
    arguments = [Formula(name) for name in names(op, count)]
    try:
        partials = op.partials[0](Formula("y"), *arguments) if op.variadic else op.partials_at(Formula("y"), arguments)  # type: ignore[operator]
        return [_formula(each).text for each in partials]
    except Exception:  # a user's rule may need numbers, which formulas do not have
        return [""] * count
