"""A graph as it is at one moment: every node's numbers, in the one order, so that a picture cannot change under its reader."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from autograd.backward import topological_order
from autograd.names import model_names
from autograd.ops import Operation
from autograd.value import Value

LONGEST = 48  # characters of a label


@dataclass(frozen=True, slots=True)
class GraphNode:
    """What a Value was. An operand is an int, the position of a node of the same graph, or a float, a constant."""

    label: str
    data: float
    grad: float
    op: Operation | None
    operands: tuple[int | float, ...]

    @property
    def sources(self) -> list[int]:
        """The operands that are nodes; `x * x` has the same one twice."""
        return [each for each in self.operands if type(each) is int]

    @property
    def constants(self) -> list[float]:
        return [each for each in self.operands if type(each) is float]


@dataclass(frozen=True)
class Graph:
    """Nodes by position in the topological order (operands first, the output last), and which of them are to be shown."""

    nodes: tuple[GraphNode, ...]
    shown: Collection[int]
    names: dict[int, str]  # what the model calls its parameters, by position

    @property
    def is_whole(self) -> bool:
        return len(self.shown) == len(self.nodes)

    @cached_property
    def users(self) -> list[list[int]]:
        """For each node the positions of those that have it as an operand, once each."""
        users: list[list[int]] = [[] for _ in self.nodes]
        for position, node in enumerate(self.nodes):
            for source in dict.fromkeys(node.sources):
                users[source].append(position)
        return users

    def label(self, position: int) -> str:
        """The user's label, or else the model's short name; may be empty."""
        return one_line(self.nodes[position].label)


def one_line(text: str) -> str:
    """Text as it can be shown: in one line, not longer than fits, and without signs that cannot be printed."""
    line = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in " ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def snapshot(output: Value, around: Value | None = None, radius: int = 2, model: object = None) -> Graph:
    """The graph of `output`; where `around` is given, what is at most `radius` edges from it is to be shown.

    Raises ValueError where `around` is not a node of the graph.
    """
    order = topological_order(output)
    positions = {node: position for position, node in enumerate(order)}
    called = model_names(output, model)
    nodes = tuple(
        GraphNode(
            str(node.label) or called.short.get(node, ""),
            float(node.data),
            float(node.grad or 0.0),
            node.op,
            tuple(each if type(each) is float else positions[each] for each in node.operands),
        )
        for node in order
    )
    names = {positions[each]: name for each, name in called.full.items() if each in positions}
    graph = Graph(nodes, range(len(nodes)), names)
    if around is None:
        return graph
    if around not in positions:
        raise ValueError(f"around={around!r} is not in the graph of {output!r}: give a node that the output was computed from")
    return Graph(nodes, neighbourhood(graph, positions[around], radius), names)


def neighbourhood(graph: Graph, center: int, radius: int) -> frozenset[int]:
    """The positions at most `radius` edges from `center`, along edges or against them."""
    if radius < 0:
        raise ValueError(f"radius={radius} must be 0 or more: how many edges from `around` to show")
    near, edge = {center}, {center}
    for _ in range(radius):
        edge = {other for position in edge for other in (*graph.nodes[position].sources, *graph.users[position])} - near
        near |= edge
    return frozenset(near)
