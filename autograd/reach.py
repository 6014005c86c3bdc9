"""Reach: under which condition a derivative flows into a node.

`where`, `maximum` and their like pass a derivative on to the operand that they chose and nothing to the others. While numbers are
known that is a plain bool. In a recorded function it is a condition of the program: a node, or True where the derivative always flows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import ops

Condition = Any  # True, or a node that stands for a condition


def chosen(partial: Any) -> Condition:
    """The condition under which an operation that selects has chosen the operand of this partial derivative."""
    return partial if getattr(getattr(partial, "op", None), "is_condition", False) else partial != 0


def both(one: Condition, other: Condition) -> Condition:
    """The condition that both hold."""
    if one is True or other is True:
        return other if one is True else one
    return one & other


def either(one: Condition, other: Condition) -> Condition:
    """The condition that at least one holds; True where each is the negation of the other, as those of the two sides of `where` are."""
    if one is True or other is True or _are_opposite(one, other):
        return True
    if one is other:
        return one
    if one.op is ops.logical_and is other.op:
        (a, b), (c, d) = one.operands, other.operands
        for shared, rest, again, other_rest in ((a, b, c, d), (a, b, d, c), (b, a, c, d), (b, a, d, c)):
            if shared is again and _are_opposite(rest, other_rest):
                return shared
    return one | other


def _are_opposite(one: Condition, other: Condition) -> bool:
    """Whether one is the negation of the other: of `c != 0`, or of a condition `c` itself, that is `c == 0`."""
    for a, b in ((one, other), (other, one)):
        negated = _asked_of_zero(b, ops.equal)
        if negated is not None and (negated is a or negated is _asked_of_zero(a, ops.not_equal)):
            return True
    return False


def _asked_of_zero(condition: Condition, comparison: ops.Operation) -> Any:
    """The operand of a comparison with 0; None for another condition."""
    if condition.op is not comparison or type(condition.operands[1]) is not float or condition.operands[1] != 0:
        return None
    return condition.operands[0]


class Risks:
    """Which nodes of a recorded function can be infinite or nan, and which adjoints: those are kept out of what was not chosen."""

    def __init__(self, order: Sequence[Any]) -> None:
        self._values: dict[Any, bool] = {}
        self._adjoints: set[Any] = set()
        for node in order:
            known = [each if type(each) is float else None for each in node.operands]
            is_risky = any(type(each) is not float and self._values.get(each, each.op is not None) for each in node.operands)
            self._values[node] = node.op is not None and (is_risky or node.op.is_singular(known))

    def passes_on(self, node: Any, operand: Any, partial: Any) -> bool:
        """Whether what `node` passes on can be infinite or nan where it is not reached. Notes it for what `operand` passes on."""
        has_risky_adjoint = node in self._adjoints
        is_risky = self._values[node] and type(partial) is not float and not node.op.selects
        if is_risky or has_risky_adjoint:
            self._adjoints.add(operand)
        return is_risky or (has_risky_adjoint and node.op.selects)
