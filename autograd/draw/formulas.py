"""A row of the table of operations in words: its partial derivatives, read with symbols in place of numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from autograd import ops
from autograd.interop import Expression
from autograd.ops import Operation

BINDING = {"|": 1, "&": 2, "<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "+": 4, "-": 4, "*": 5, "/": 5, "**": 7}
UNARY, ATOM = 6, 8
WRITTEN = {"*": " · ", "**": "^", "&": " and ", "|": " or "}


def _operator(op: Operation, reflected: bool = False) -> Callable[[Any, Any], Any]:
    return lambda self, other: op(other, self) if reflected else op(self, other)


class Symbol(Expression):
    """A node that is only written down: an operation on symbols gives the formula of its result."""

    __slots__ = ("binding", "text")

    def __init__(self, text: str, binding: int = ATOM) -> None:
        self.text, self.binding = text, binding

    __eq__, __ne__ = _operator(ops.equal), _operator(ops.not_equal)
    __lt__, __le__ = _operator(ops.less), _operator(ops.less_equal)
    __gt__, __ge__ = _operator(ops.greater), _operator(ops.greater_equal)
    __and__, __or__ = _operator(ops.logical_and), _operator(ops.logical_or)
    __hash__ = object.__hash__

    def __invert__(self) -> Any:
        return ops.logical_not(self)

    def __bool__(self) -> bool:
        raise TypeError("a symbol is neither true nor false")

    @staticmethod
    def apply(op: Operation, operands: Sequence[Any]) -> Symbol:
        parts = [each if isinstance(each, Symbol) else _constant(each) for each in operands]
        if op.variadic or (op.symbol not in BINDING and op.symbol != "~"):
            return Symbol(f"{op.name}({', '.join(each.text for each in parts)})")
        if len(parts) == 1:
            return Symbol(op.symbol + parts[0].within(UNARY), UNARY)
        binding = BINDING[op.symbol]
        left, right = parts[0].within(binding + (op.symbol == "**")), parts[1].within(binding + (op.symbol not in "+*"))
        return Symbol(left + WRITTEN.get(op.symbol, f" {op.symbol} ") + right, binding)

    def within(self, binding: int) -> str:
        """The formula, in parentheses where an operator that binds so strongly stands beside it."""
        return self.text if self.binding >= binding else f"({self.text})"


def _constant(value: Any) -> Symbol:
    return Symbol(f"{float(value):.4g}", ATOM if value >= 0 else UNARY)


def names(op: Operation, count: int) -> list[str]:
    """What the row calls its operands, in the parameters of its partial derivatives; where it does not say, x or a and b."""
    found = ["x"] if count == 1 else ["a", "b", "c", "d"][:count] if count <= 4 else [f"x{index + 1}" for index in range(count)]
    for partial in op.partials if not op.variadic else ():
        if callable(partial):
            parameters = list(inspect.signature(partial).parameters)[1:]
            found = [own if own != "_" else before for own, before in zip(parameters, found)] + found[len(parameters) :]
    return found


def partial_formulas(op: Operation, count: int) -> list[str]:
    """The partial derivative by each of `count` operands as a formula in `y` and their names; empty where one cannot be read so."""
    arguments = [Symbol("y"), *map(Symbol, names(op, count))]
    try:
        partials = op.partials[0](*arguments) if op.variadic else [each(*arguments) if callable(each) else each for each in op.partials]  # type: ignore[operator]
        return [(each if isinstance(each, Symbol) else _constant(each)).text for each in partials]
    except Exception:  # a user's own rule may look at numbers, which symbols do not have
        return [""] * count
