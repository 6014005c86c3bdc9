"""Recording: what a call of a function wrote down, and the graph of its results, in which long sums are single nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd import ops
from autograd.ops import Operation
from autograd.value import Value
from autograd.vectorize.scalars import CONSTANT, DOT, INPUT, PARAMETER, Scalars
from autograd.vectorize.tables import Column, parameters_of

PRODUCT, PARTIAL_SUM = 1, 2  # nodes that become part of a longer sum


class Recording(NamedTuple):
    """The operations of a call, each with the numbers of its operands as a `Trace` has them, and the leaves.

    A leaf is a Value, a float, or for an input (argument, row).
    """

    ops: list[Operation]
    firsts: list[Any]
    seconds: list[Any]
    leaves: list[Any]

    @classmethod
    def of(cls, entries: list[Any], leaves: list[Any]) -> Recording:
        """The recording of a trace."""
        return cls(entries[0::4], entries[1::4], entries[2::4], leaves)

    def is_same(self, other: Recording) -> bool:
        """Whether another call did the same with equal numbers, in each of its operations."""
        return (
            self.ops == other.ops and self.firsts == other.firsts and self.seconds == other.seconds and are_alike(self.leaves, other.leaves)
        )

    def graph(self, outputs: Sequence[int]) -> Scalars:
        """The graph of some of the numbers, in the order of recording. Leaves come before their first use.

        A sum of three or more terms, each used nowhere else, is one node, `total`, and the products among its terms are one, DOT:
        most operations of a function are parts of such sums.
        """
        sums = _Sums(self, outputs)
        numbers: list[Any] = [None] * len(sums.uses)  # a leaf, which has a negative number, lies at the end
        graph = Scalars()
        nodes, tables = graph.nodes, dict[Any, None]()

        def numbered(operands: Sequence[int]) -> list[int]:
            found = [numbers[each] for each in operands]
            if None in found:
                for each in operands:
                    if numbers[each] is None:
                        numbers[each] = len(nodes)
                        nodes.append(self._leaf(each, graph))
                found = [numbers[each] for each in operands]
            return found

        for number in [each for each in range(len(self.ops)) if sums.uses[each] and not sums.parts[each]]:
            if number in sums.terms:
                factors, terms = map(numbered, sums.split(number))
                if factors:
                    terms.append(len(nodes))
                    nodes.append((DOT, (*factors[0::2], *factors[1::2])))
                if len(terms) > 1:
                    numbers[number] = len(nodes)
                    nodes.append((ops.total_, tuple(terms)))
                else:
                    numbers[number] = terms[0]
                continue
            op, first, second = self.ops[number], self.firsts[number], self.seconds[number]
            if isinstance(op, Column):
                tables[op.table] = None
            operands = tuple(numbered(first if second is None else (first, second)))
            numbers[number] = len(nodes)
            nodes.append((op, operands))
        graph.outputs = numbered(outputs)
        for table in tables:
            graph.tables[table] = parameters_of(table, graph.parameters)
        return graph

    def _leaf(self, number: int, graph: Scalars) -> tuple[str, tuple[Any, ...]]:
        leaf = self.leaves[-1 - number]
        if isinstance(leaf, Value):
            graph.parameters.append(leaf)
            return PARAMETER, (len(graph.parameters) - 1,)
        return (CONSTANT, (leaf,)) if type(leaf) is float else (INPUT, leaf)


def are_alike(leaves: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether the leaves of two calls are equal. Values that are made inside the function are new in each call and known by their data."""
    if len(leaves) != len(others):
        return False
    different = [(one, other) for one, other in zip(leaves, others) if one is not other]
    earlier = set(map(id, leaves)) if different else set()
    for one, other in different:
        if isinstance(one, Value) and isinstance(other, Value):
            if id(other) in earlier:
                return False
            one, other = one._number, other._number
        if type(one) is not type(other) or repr(one) != repr(other):  # repr tells -0.0 from 0.0
            return False
    return True


class _Sums:
    """The sums of a recording: an addition or product whose result is used once, in another addition, is part of that sum.

    Attributes
    ----------
    uses : list of int
        How often the results need each number. The leaves, whose numbers are negative, are at the end.
    parts : bytearray
        For each operation PRODUCT or PARTIAL_SUM if it is a part of a sum; otherwise 0.
    terms : dict
        For the number of a sum its terms and partial sums, the last first.
    """

    def __init__(self, recording: Recording, outputs: Sequence[int]) -> None:
        steps, firsts, seconds, leaves = recording
        self._firsts, self._seconds = firsts, seconds
        self.uses = uses = [0] * (len(steps) + len(leaves))
        self.parts = parts = bytearray(len(uses))
        self.terms = terms = dict[int, list[int]]()
        sum_of: list[int | None] = [None] * len(uses)  # the sum of which a number was last found to be a term
        op_of = [*steps, *[None] * len(leaves)]
        constants = {-1 - place for place, each in enumerate(leaves) if type(each) is float}
        zeros = {each for each in constants if leaves[-1 - each] == 0}  # Python's `sum` begins with 0
        add, multiply, exp = ops.add, ops.multiply, ops.exp  # a product of exp can be part of a formula with a stable form
        for each in outputs:
            uses[each] += 1
        numbers = range(len(steps) - 1, -1, -1)
        for number, op, first, second in zip(numbers, reversed(steps), reversed(firsts), reversed(seconds)):
            if not uses[number]:
                continue
            if second is None:
                for each in first:
                    uses[each] += 1
                continue
            uses[first] += 1
            uses[second] += 1
            if op is multiply:
                if (
                    uses[number] == 1 and sum_of[number] is not None and first != second and first not in constants
                    and second not in constants and op_of[first] is not exp and op_of[second] is not exp
                ):  # fmt: skip
                    parts[number] = PRODUCT
            elif op is add and second not in constants and (first not in constants or first in zeros):
                whole = sum_of[number] if uses[number] == 1 else None
                if whole is None:
                    whole = number
                    terms[number] = []
                else:
                    parts[number] = PARTIAL_SUM
                terms[whole] += second, first
                sum_of[first] = sum_of[second] = whole
        for whole in [whole for whole, members in terms.items() if len(members) == 2]:
            for each in terms.pop(whole):
                parts[each] = 0

    def split(self, whole: int) -> tuple[list[int], list[int]]:
        """The factors of the products among the terms of a sum, the two of each product in turn, and the other terms."""
        factors, others = list[int](), list[int]()
        for each in reversed(self.terms[whole]):
            if self.parts[each] == PRODUCT:
                factors += self._firsts[each], self._seconds[each]
            elif not self.parts[each]:
                others.append(each)
        return factors, others
