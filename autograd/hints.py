"""Hints: what to write instead of a formula on Values that overflows or loses all digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd.backward import topological_order
from autograd.ops import Node, Operation
from autograd.stable import Forms


class _Graph:
    """The graph of some nodes as terms."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        self._terms: list[tuple[Operation | None, tuple[Any, ...]]] = []
        self._known: dict[Any, int] = {}
        self.numbers: dict[Any, int] = {}
        for node in nodes:
            for each in topological_order(node, self.numbers) if isinstance(node, Node) else ():
                if each not in self.numbers:
                    leaf = id(each), each.data
                    self.numbers[each] = self.add(each.op, *map(self.term, each.operands)) if each.op else self._put(None, leaf)

    def term(self, node: Any) -> int:
        return self.scale(node) if type(node) is float else self.numbers[node]

    def _put(self, op: Operation | None, operands: tuple[Any, ...]) -> int:
        number = self._known.setdefault((op, operands), len(self._terms))
        if number == len(self._terms):
            self._terms.append((op, operands))
        return number

    def add(self, op: Operation, *operands: int) -> int:
        return self._put(op, operands)

    def scale(self, factor: float) -> int:
        return self._put(None, (factor,))

    def definition(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        op, operands = self._terms[term]
        return (op, operands) if op else (None, ())

    def factor(self, term: int) -> tuple[float, int] | None:
        op, operands = self._terms[term]
        return (operands[0], 0) if op is None and type(operands[0]) is float else None

    def value(self, term: int) -> float:
        """The value of a term, in numbers that may be infinite or nan."""
        values: list[float] = []
        for op, operands in self._terms[: term + 1]:
            values.append(op.ieee_value(*[values[each] for each in operands]) if op else operands[-1])
        return values[term]


def hint(*results: tuple[Operation, Sequence[Any]]) -> str:
    """Return what to write instead of the first result that has a stable form; "" if none has one.

    A result is an operation and its operands. Only a form that is finite at the numbers of the graph is suggested.
    """
    graph = _Graph([each for _, operands in results for each in operands])
    forms = Forms(graph)
    for op, operands in results:
        term = forms.replaced(op, tuple(map(graph.term, operands)))
        if term is not None and math.isfinite(graph.value(term)):
            form = list(forms.found)[-1]
            return f"{form.written} overflows or loses all digits at these numbers: write {form.stable}"
    return ""
