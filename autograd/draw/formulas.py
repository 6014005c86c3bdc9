"""The partial derivatives of an operation as formulas: its row, evaluated with formulas instead of numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from autograd import ops
from autograd.interop import Expression
from autograd.names import number
from autograd.operation import ATOM, COMPARISON, POWER, PRODUCT, SIGN, SUM, TABLE, Operation

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
    """Names for operands without labels: the parameters of the row's partial derivatives, by default x, or a and b."""
    found = ["x"] if count == 1 else ["a", "b", "c", "d"][:count] if count <= 4 else [f"x{index + 1}" for index in range(count)]
    for partial in op.partials if not op.variadic else ():
        if callable(partial):
            parameters = list(inspect.signature(partial).parameters)[1:]
            found = [own if own != "_" else before for own, before in zip(parameters, found)] + found[len(parameters) :]
    return found


# The partial derivatives as a textbook has them, for rows of the table that are written for extreme numbers or use the result y.
TEXTBOOK: dict[str, Callable[..., Any]] = {
    "divide": lambda a, b: (1 / b, -a / b**2),
    "power": lambda a, b: (b * (a if type(b) is float and b == 2 else a ** (b - 1)), a**b * ops.log(a)),
    "tanh": lambda x: (1 - ops.tanh(x) ** 2,),
    "sigmoid": lambda x: (ops.sigmoid(x) * (1 - ops.sigmoid(x)),),
    "exp": lambda x: (ops.exp(x),),
    "sqrt": lambda x: (1 / (2 * ops.sqrt(x)),),
    "tan": lambda x: (1 + ops.tan(x) ** 2,),
    "asin": lambda x: (1 / ops.sqrt(1 - x**2),),
    "acos": lambda x: (-1 / ops.sqrt(1 - x**2),),
    "atan": lambda x: (1 / (1 + x**2),),
    "relu": lambda x: (Formula(f"1 if {x.text} > 0 else 0"),),
}


def partial_formulas(op: Operation, operands: Sequence[str | float], result: str = "y") -> list[str]:
    """The partial derivative by each operand as a formula in the names of the operands and of the result; empty if there is no formula."""
    arguments = [Formula(each) if isinstance(each, str) else each for each in operands]
    try:
        if op.name in TEXTBOOK and TABLE.get(op.name) is op:
            partials = TEXTBOOK[op.name](*arguments)
        else:
            partials = op.partials[0](Formula(result), *arguments) if op.variadic else op.partials_at(Formula(result), arguments)  # type: ignore[operator]
        return [_formula(each).text for each in partials]
    except Exception:  # a user's rule may need numbers, which formulas do not have
        return [""] * len(operands)
