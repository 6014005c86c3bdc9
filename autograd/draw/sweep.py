"""The backward sweep that a page steps through: adjoints, partial derivatives, and what each operand holds at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd.backward import adjoints
from autograd.draw.graph import Graph, GraphNode
from autograd.ops import Operation


@dataclass(slots=True, eq=False)
class _Frozen:
    """A node with the number that it had when the graph was drawn, in the form that `adjoints` reads."""

    op: Operation | None
    operands: tuple[Any, ...]
    _number: float


class Sweep:
    """The sweep from the deepest node to the leaves, so that the page goes backward in the reverse of its forward order."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        everything = range(len(graph.order))
        self.depths: list[int] = []  # the length of the longest way from a leaf to each node
        frozen: list[_Frozen] = []
        for position in everything:
            node = graph.node(position)
            self.depths.append(max((self.depths[each] + 1 for each in node.sources), default=0))
            operands = tuple([each if type(each) is float else frozen[int(each)] for each in node.operands])
            frozen.append(_Frozen(node.op, operands, node.data))
        # Nothing before the first node that is shown adds to what is shown.
        steps = sorted(everything[min(graph.nodes) :], key=lambda each: (self.depths[each], each))
        order = [frozen[position] for position in steps]
        found = adjoints(order, set(order))
        self.adjoints = [found.get(each, 0.0) for each in frozen]  # the derivative of the output by each node
        self._reached = {position for position in everything if frozen[position] in found}
        self.partials: dict[int, Sequence[float]] = {}  # the partial derivatives of each node by its operands
        self.before: dict[int, list[float]] = {}  # for each node, the adjoints of its operands just before the node adds to them
        held = [0.0] * len(everything)
        held[-1] = 1.0
        for position in reversed(steps):
            node = graph.node(position)
            if node.op is None:
                continue
            self.partials[position] = node.op.partials_at(node.data, self.numbers(node))
            before = self.before[position] = [0.0] * len(node.operands)
            for index, contribution in enumerate(self.contributions(position, node)):
                if type(operand := node.operands[index]) is int:
                    before[index] = held[operand]
                    held[operand] += contribution

    def contributions(self, position: int, node: GraphNode) -> list[float]:
        """What a node adds to the adjoint of each operand."""
        op, adjoint = node.op, self.adjoints[position]
        assert op is not None
        passes = [position in self._reached and op.passes_on(index, partial) for index, partial in enumerate(self.partials[position])]
        return [partial * adjoint if each else 0.0 for partial, each in zip(self.partials[position], passes)]

    def numbers(self, node: GraphNode) -> list[float]:
        """The values of a node's operands."""
        return [each if type(each) is float else float(self.graph.moment[int(each)][1]) for each in node.operands]
