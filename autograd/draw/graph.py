"""A snapshot of a graph: the numbers of every node in topological order, so that later changes do not affect a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from autograd._support import check_whole
from autograd.backward import check_numbers, topological_order
from autograd.modes import mode
from autograd.names import model_names, number
from autograd.ops import Operation, total
from autograd.value import Value

LONGEST = 48  # characters of a label


class GraphNode(NamedTuple):
    """A snapshot of a Value. An operand is an int, the position of another node, or a float, a constant."""

    label: str
    data: float
    grad: float
    op: Operation | None
    operands: tuple[int | float, ...]
    sources: tuple[int, ...]  # the operands that are nodes; twice the same one for `x * x`

    @property
    def constants(self) -> list[float]:
        return [each for each in self.operands if type(each) is float]


@dataclass(frozen=True)
class Text:
    """What is written in boxes."""

    show: tuple[str, ...] = ("data", "grad")
    digits: int = 4


@dataclass(frozen=True, eq=False)
class Graph:
    """The graph of one or several outputs. A position is an index in topological order: operands first, the output last."""

    order: Sequence[Value]  # all nodes
    positions: Mapping[Value, int]  # of the nodes
    moment: Sequence[tuple[str, float, float | None]]  # the label, data and grad of each node at the time of the snapshot
    names: Mapping[int, str]  # the model's full names of parameters, by position
    nodes: Mapping[int, GraphNode] = field(default_factory=dict)  # the nodes to show, by position
    hidden: Mapping[int, Sequence[int]] = field(default_factory=dict)  # for a node that is shown, the nodes that use it and are not shown
    outputs: Sequence[int] = ()  # the positions of the outputs; several are added in one more node, the last, which is not shown
    text: Text = Text()
    before: Graph | None = None  # the same graph at an earlier time

    @property
    def output(self) -> int:
        return len(self.order) - 1

    @property
    def title(self) -> str:
        """The labels of the outputs."""
        return ", ".join(filter(None, map(self.label, self.outputs))) or "a computation"

    @cached_property
    def whole(self) -> Graph:
        """The graph that shows every node."""
        return self if len(self.nodes) == len(self.order) else self.showing(range(len(self.order)))

    @property
    def times(self) -> list[Graph]:
        """The graph before, if it is known, and now."""
        return [self] if self.before is None else [self.before, self]

    def number(self, given: float) -> str:
        return number(given, self.text.digits)

    def since(self, before: Graph) -> Graph:
        """The graph with its numbers at an earlier time. Raises ValueError if that is another graph."""
        is_same = len(before.order) == len(self.order) and all(
            old.op is new.op and _places(old, before) == _places(new, self) for old, new in zip(before.order, self.order)
        )
        if not is_same:
            raise ValueError(
                f"since= is the drawing of another graph: it has {len(before.order)} nodes and this one {len(self.order)}, or their "
                f"operations differ. Draw the same computation, on the same number of examples, at two times"
            )
        return replace(self, before=before)

    def showing(self, shown: Sequence[int]) -> Graph:
        """The graph that shows these nodes, given in ascending order."""
        return replace(self, nodes={position: self.node(position) for position in shown}, hidden={})

    def with_gradients(self, gradients: Sequence[float]) -> Graph:
        """The graph with other gradients, given by position."""
        moment = [(label, data, gradient) for (label, data, _), gradient in zip(self.moment, gradients)]
        nodes = {position: node._replace(grad=gradients[position]) for position, node in self.nodes.items()}
        return replace(self, moment=moment, nodes=nodes)

    def called(self, names: Mapping[int, str], labels: Mapping[int, str]) -> Graph:
        """The graph with these names for leaves, and these labels for nodes that have none."""
        moment, nodes = list(self.moment), dict(self.nodes)
        for position, label in labels.items():
            known, data, grad = moment[position]
            if not known:
                moment[position] = (label, data, grad)
                if position in nodes:
                    nodes[position] = nodes[position]._replace(label=label)
        return replace(self, moment=moment, nodes=nodes, names=names)

    def node(self, position: int) -> GraphNode:
        """Any node, shown or not."""
        if position in self.nodes:
            return self.nodes[position]
        value, positions, (label, data, grad) = self.order[position], self.positions, self.moment[position]
        operands = tuple([each if isinstance(each, float) else positions[each] for each in value.operands])
        sources = tuple([each for each in operands if type(each) is int])
        return GraphNode(label, data, grad or 0.0, value.op, operands, sources)

    def label(self, position: int) -> str:
        """The user's label, or else the model's short name. It may be empty."""
        return one_line(str(self.moment[position][0]))


def one_line(text: str) -> str:
    """Text for a box: one line, cut to `LONGEST` characters, without unprintable characters."""
    line = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in " ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _places(node: Value, graph: Graph) -> list[int | None]:
    """The positions of a node's operands, None for constants."""
    return [None if isinstance(each, float) else graph.positions[each] for each in node.operands]


def snapshot(
    outputs: Sequence[Value],
    around: Value | None = None,
    radius: int = 2,
    model: object = None,
    labels: Mapping[Value, str] = {},
    text: Text = Text(),
) -> Graph:
    """The graph of outputs, with these labels instead of their own.

    If `around` is given, only the nodes at most `radius` edges from it are shown.

    Raises ValueError if `around` is not a node of the graph, or a leaf's data was assigned after the graph was made.
    """
    output = outputs[0]
    if len(outputs) > 1:
        with mode.temporarily(anomaly=False, sweeping=True):
            output = total(outputs)
    order = topological_order(output)
    check_numbers(order)
    positions = dict(zip(order, range(len(order))))
    everything = range(len(order) - (len(outputs) > 1))
    called = model_names(output, model)
    names = {positions[each]: name for each, name in called.full.items() if each in positions}
    moment = [(labels.get(node) or str(node.label) or called.short.get(node, ""), node.data, node.grad) for node in order]
    graph = Graph(order, positions, moment, names, outputs=[positions[each] for each in outputs], text=text)
    if around is None:
        return graph.showing(everything)
    if around not in positions:
        raise ValueError(
            f"around={around!r} is not in the graph of {order[everything[-1]]!r}: give a node that the output was computed from"
        )
    users = users_in([order[position] for position in everything])
    near = neighbourhood(around, users, radius)
    graph = graph.showing(sorted(positions[each] for each in near))
    hidden = {positions[each]: [positions[user] for user in users.get(each, ()) if user not in near] for each in near}
    return replace(graph, hidden={position: found for position, found in hidden.items() if found})


def users_in(order: Sequence[Value]) -> dict[Value, list[Value]]:
    """For each node the nodes that use it as an operand. A node that uses it twice is listed twice."""
    users: dict[Value, list[Value]] = {}
    for node in order:
        for operand in node.operands:
            if not isinstance(operand, float):
                users.setdefault(operand, []).append(node)
    return users


def neighbourhood(center: Value, users: Mapping[Value, Sequence[Value]], radius: int) -> set[Value]:
    """The nodes at most `radius` edges from `center`, along edges or against them."""
    check_whole("radius", radius, least=0, meaning="the largest distance from `around`, in edges")
    near = edge = {center}
    for _ in range(radius):
        around = [other for node in edge for other in (*node.operands, *users.get(node, ()))]
        edge = {other for other in around if not isinstance(other, float)} - near
        near = near | edge
        if not edge:
            break
    return near
