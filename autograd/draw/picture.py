"""The picture that every format draws: boxes with lines of text and a colour, and edges between them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Literal

from autograd.draw.collapse import Collapse, Group, Unit, alike
from autograd.draw.graph import Graph, one_line
from autograd.draw.theme import Theme
from autograd.names import number
from autograd.value import Value

CROWD, MANY = 12, 40  # boxes: with more neurons, or more nodes, they are smaller
LARGEST = 500  # boxes, with three times as many edges: a layout takes seconds


@dataclass(frozen=True)
class Box:
    """A box with lines of text. `gradient` determines its colour; in a picture of two times it is the change of the data."""

    id: str
    kind: Literal["value", "operation", "constant", "group", "more"]
    lines: tuple[str, ...]
    gradient: float = 0.0
    keeps_order: bool = False  # whether the order of the operands matters, as in a - b


@dataclass(frozen=True)
class Edge:
    tail: str
    head: str
    count: int = 1


@dataclass(frozen=True)
class Picture:
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    caption: str = ""
    detail: Literal["node", "neuron", "layer"] = "node"
    is_exact: bool = False  # whether each node has its own box
    marked: frozenset[tuple[str, str]] = frozenset()  # tails and heads of highlighted edges
    theme: Theme = field(default_factory=Theme)
    direction: Literal["right", "down"] = "right"
    is_chosen: bool = False  # whether the user chose the detail

    @property
    def steepest(self) -> float:
        """The size of the largest finite gradient, which has the full colour."""
        return max((abs(box.gradient) for box in self.boxes if math.isfinite(box.gradient)), default=0.0)

    def color(self, box: Box) -> str:
        return self.theme.color(box.gradient, self.steepest)

    def is_dashed(self, box: Box) -> bool:
        return self.theme.has_dashes and box.gradient < 0


def check_size(picture: Picture) -> None:
    """Raise ValueError for a picture that is too large to lay out and to read."""
    if len(picture.boxes) > LARGEST or len(picture.edges) > 3 * LARGEST:
        raise ValueError(
            f"{len(picture.boxes)} boxes and {len(picture.edges)} edges are too many to lay out: leave `detail` out or choose "
            f"detail='layer', show a part with around=..., radius=2, or save the text as .dot or .mmd"
        )


def spread(values: Iterable[float], digits: int = 4) -> str:
    """The range of several numbers, or the number if all are equal."""
    values = list(values)
    finite = [each for each in values if not math.isnan(each)]
    if len(finite) < len(values):
        return "nan"
    low, high = number(min(finite), digits), number(max(finite), digits)
    return low if low == high else f"{low} to {high}"


def every_node(graph: Graph, first: Sequence[int]) -> Picture:
    """The picture of every node: values are boxes, operations circles. `first` is from `fold`, or the positions."""
    boxes: list[Box] = []
    edges: list[Edge] = []
    parts = alike(graph, first)
    for position in parts:
        own, between = one_node(graph, first, parts, position)
        boxes += own
        edges += between
    if len(parts) == len(graph.nodes):
        return Picture(tuple(boxes), tuple(edges), is_exact=True)
    counted = Counter(edges)
    return Picture(tuple(boxes), tuple([Edge(edge.tail, edge.head, count) for edge, count in counted.items()]))


def compact(picture: Picture, graph: Graph) -> Picture:
    """The picture with fewer lines in a box if it has many boxes: weights, which are above each other, have one, and neurons four."""
    if picture.detail == "neuron" and len(picture.boxes) > CROWD:
        return replace(picture, boxes=tuple([replace(box, lines=_in_four_lines(box.lines)) for box in picture.boxes]))
    if picture.detail != "node" or len(picture.boxes) <= MANY:
        return picture
    leaves = {f"v{position}" for position, node in graph.nodes.items() if node.op is None}
    boxes = [replace(box, lines=(_in_one_line(box.lines),)) if box.id in leaves else box for box in picture.boxes]
    return replace(picture, boxes=tuple(boxes))


def _in_one_line(lines: Sequence[str]) -> str:
    """`w = 0.5, grad 2` for the lines `w`, `data 0.5` and `grad 2`."""
    label, *rest = lines
    if rest and rest[0].startswith("data "):
        label, rest = f"{label} = {rest[0].removeprefix('data ')}", rest[1:]
    return ", ".join([label, *rest])


def _in_four_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    """What a neuron is, its parameters' data, their gradients, and its output. Boxes without parameters keep their lines."""
    starts = [index for index, line in enumerate(lines) if line.endswith(":")]
    if len(starts) != 2:
        return lines
    first, last = starts
    own = lines[first:last]
    return ", ".join(lines[:first]), " ".join(own[:2]), *own[2:], " ".join([lines[last], ", ".join(lines[last + 1 :])]).strip()


def one_node(graph: Graph, first: Sequence[int], parts: Mapping[int, Sequence[int]], position: int) -> tuple[list[Box], list[Edge]]:
    """The boxes for a node and all nodes folded into it, and the edges between them and to other boxes."""
    boxes: list[Box] = []
    edges: list[Edge] = []
    positions, node = parts[position], graph.nodes[position]
    value, operation = f"v{position}", f"o{position}"
    if node.op is not None:
        symbol = "Σ" if node.op.has_terms else node.op.symbol
        boxes.append(Box(operation, "operation", (symbol,), keeps_order=not node.op.is_commutative))
        hidden = 0
        for name, text in _constants(graph, position, positions):
            boxes.append(Box(name, "constant", (text,)))
        for index, operand in enumerate(node.operands):
            if type(operand) is float:
                name = f"c{position}" if node.op.variadic else f"c{position}_{index}"
                if Edge(name, operation) not in edges:
                    edges.append(Edge(name, operation))
            elif first[int(operand)] in parts:
                edges.append(Edge(f"v{first[int(operand)]}", operation))
            else:
                hidden += 1
        if hidden:
            boxes.append(Box(f"before{position}", "more", (f"{hidden} more",)))
            edges.append(Edge(f"before{position}", operation))
        edges.append(Edge(operation, value))
    label = graph.label(position)
    lines = [label] if label else []
    if len(positions) > 1:
        lines = [f"{label} × {len(positions)}".strip()]
    lines += [*_origin(graph, position), *_numbers(graph, positions)]
    boxes.append(Box(value, "value", tuple(lines) or ("",), _steepest(graph, positions)))
    hidden = len({first[user] for user in graph.hidden.get(position, ())} - parts.keys())
    if hidden:
        boxes.append(Box(f"after{position}", "more", (f"{hidden} more",)))
        edges.append(Edge(value, f"after{position}"))
    return boxes, edges


def _constants(graph: Graph, position: int, positions: Sequence[int]) -> Iterator[tuple[str, str]]:
    """The name and text of each box for constants of a node. The constants of a sum have one box."""
    node = graph.nodes[position]
    places = [index for index, operand in enumerate(node.operands) if type(operand) is float]
    found = {index: [float(graph.nodes[each].operands[index]) for each in positions] for index in places}
    if not (node.op and node.op.variadic):
        yield from ((f"c{position}_{index}", spread(constants, graph.text.digits)) for index, constants in found.items())
    elif len(places) > 4 or (len(places) > 1 and len(positions) > 1):
        yield (
            f"c{position}",
            f"{len(places)} numbers, {spread((each for constants in found.values() for each in constants), graph.text.digits)}",
        )
    elif places:
        yield f"c{position}", ", ".join(spread(constants, graph.text.digits) for constants in found.values())


def highlighted(picture: Picture, graph: Graph, edges: Collection[tuple[Value, int]]) -> Picture:
    """The picture with these edges marked. An edge is a pair of a node and the index of its operand.

    Raises ValueError for an edge of another graph, or anything else.
    """
    positions, marked = graph.positions, set()
    for edge in edges:
        match edge:
            case (Value() as node, int(index)) if 0 <= index < len(node.operands):
                operand = node.operands[index]
            case _:
                raise ValueError(
                    f"highlight has {edge!r:.60}: give pairs of a node and the index of one of its operands, such as chain_rule(y, x).edges"
                )
        if node not in positions or not isinstance(operand, Value) or operand not in positions:
            output = graph.order[graph.outputs[-1]]
            raise ValueError(
                f"highlight has an edge to {node!r} that is not in the graph of {output!r}: highlight edges of the value that is drawn"
            )
        operation = f"o{positions[node]}"
        marked |= {(f"v{positions[operand]}", operation), (operation, f"v{positions[node]}")}
    return replace(picture, marked=frozenset(marked))


def groups(collapse: Collapse, found: Sequence[Group], detail: Literal["neuron", "layer"]) -> Picture:
    """The picture of a collapsed graph: a box for each group, and edges with the number of connections."""
    names = {unit: f"g{index}" for index, group in enumerate(found) for unit in group.units}
    boxes = [group_box(collapse, group, names, f"g{index}") for index, group in enumerate(found)]
    counts: dict[tuple[str, str], int] = {}
    for unit, name in names.items():
        for member in unit.members:
            for source in dict.fromkeys(collapse.sources[member]):
                tail = names[collapse.unit_of[source]]
                if tail != name:
                    counts[tail, name] = counts.get((tail, name), 0) + 1
    edges = [Edge(tail, head, count) for (tail, head), count in counts.items()]
    for box, units in given_numbers(collapse):
        boxes.append(box)
        constants = len(constants_of(collapse, units[0]))
        edges += [Edge(box.id, name, constants) for name in dict.fromkeys(names[unit] for unit in units)]
    return Picture(tuple(boxes), tuple(edges), detail=detail)


def given_numbers(collapse: Collapse) -> list[tuple[Box, list[Unit]]]:
    """A box for each set of several constants that neurons take as inputs, with these neurons."""
    takers: dict[tuple[float, ...], list[Unit]] = {}
    for unit in collapse.units:
        if unit.kind == "neuron" and len(constants := constants_of(collapse, unit)) > 1:
            takers.setdefault(constants, []).append(unit)
    found: list[tuple[Box, list[Unit]]] = []
    for constants, units in takers.items():
        everywhere = [position for member in units[0].members for position in collapse.alike[member]]
        everyone = [each for position in everywhere for each in collapse.graph.nodes[position].constants]
        found.append(
            (Box(f"i{len(found)}", "constant", (f"{len(constants)} numbers", spread(everyone, collapse.graph.text.digits))), units)
        )
    return found


def constants_of(collapse: Collapse, unit: Unit) -> tuple[float, ...]:
    return tuple([each for member in unit.members for each in collapse.graph.nodes[member].constants])


def _is_exit(collapse: Collapse, position: int, names: dict[Unit, str], name: str) -> bool:
    """Whether a node's value leaves its group: it is used outside or is the output, and is not a parameter of a neuron."""
    if collapse.graph.nodes[position].op is None and collapse.unit_of[position].kind == "neuron":
        return False
    users = collapse.users[position]
    return not users or any(names[collapse.unit_of[user]] != name for user in users)


def group_box(collapse: Collapse, group: Group, names: dict[Unit, str], name: str) -> Box:
    """The box of a group with the id `name`. `names` has the id of each unit's group."""
    graph, alike, units = collapse.graph, collapse.alike, group.units
    members = [each for unit in units for each in unit.members]
    exits = [each for each in members if _is_exit(collapse, each, names, name)]
    neurons = [unit for unit in units if unit.kind == "neuron"]
    examples = max(len(alike[each]) for each in members)
    lines = [group.title] if group.title else []
    if neurons and len(neurons) == len(units):
        made = "weighted sum"
        for activation in neurons[0].activation:
            made = f"{activation}({made})" if len(neurons[0].activation) == 1 else f"{made}, {activation}"
        lines.append(made if len(units) == 1 else f"{len(units)} × {made}")
    elif all(unit.kind == "leaf" for unit in units):
        lines += [f"{len(units)} leaves"] if len(units) > 1 else []
    else:
        lines += _operations(collapse, units)
    if examples > 1:
        lines.append(f"{examples} examples")
    own = [each for member in members if graph.nodes[member].op is None for each in alike[member]]
    outside = [position for each in exits for position in alike[each]]
    if own and neurons:
        lines.append(f"{len(own)} parameter{'s' if len(own) > 1 else ''}:")
        lines += _numbers(graph, own)
        lines.append("outputs:" if len(outside) > 1 else "output:")
    lines += _numbers(graph, outside)
    return Box(name, "group", tuple(lines), _steepest(graph, [*own, *outside]))


def _operations(collapse: Collapse, units: Sequence[Unit]) -> list[str]:
    """The operations in a group, the most frequent first: `3 × tanh`, `2 × leaf`."""
    counts = Counter(_operation(collapse, unit) for unit in units).most_common()
    return [f"{count} × {each}" if count > 1 else each for each, count in counts[:4]] + ["and others"] * (len(counts) > 4)


def _operation(collapse: Collapse, unit: Unit) -> str:
    nodes = collapse.graph.nodes
    if unit.kind == "neuron":
        return "weighted sum"
    if unit.kind == "sum":
        inside = set(unit.members)
        summed = [source for member in inside for each in collapse.alike[member] for source in nodes[each].sources]
        return f"sum of {sum(collapse.first[each] not in inside for each in summed)}"
    op = nodes[unit.root].op
    return op.name if op else "leaf"


def _numbers(graph: Graph, positions: Sequence[int]) -> list[str]:
    """The lines of a box for nodes: their data, gradients, formula and source line, as far as they are shown."""
    lines = []
    for name in ("data", "grad"):
        if name in graph.text.show:
            numbers = [spread((getattr(time.node(each), name) for each in positions), graph.text.digits) for time in graph.times]
            lines.append(f"{name} {' → '.join(dict.fromkeys(numbers))}")
    return lines


def _origin(graph: Graph, position: int) -> list[str]:
    """The formula and the source line of a node, as far as they are shown."""
    node, lines = graph.nodes[position], []
    if "formula" in graph.text.show and node.op:
        labels = [graph.label(int(each)) if type(each) is int else "" for each in node.operands]
        numbers = [graph.node(each).data if type(each) is int else each for each in node.operands]
        words = [label or graph.number(each) for label, each in zip(labels, numbers)]
        lines.append(one_line(f"= {node.op.describe(words)}"))
    if "line" in graph.text.show and (line := getattr(graph.order[position], "line", "")):
        lines.append(one_line(PurePath(line).name))
    return lines


def _steepest(graph: Graph, positions: Sequence[int]) -> float:
    """The gradient of the largest size, which determines the colour, or NaN if there is one. For two times, the change of the data."""
    if graph.before is None:
        amounts = [graph.nodes[each].grad for each in positions]
    else:
        amounts = [graph.nodes[each].data - graph.before.node(each).data for each in positions]
    return next((each for each in amounts if math.isnan(each)), max(amounts, key=abs))


def captioned(picture: Picture, graph: Graph) -> Picture:
    """The picture with a caption that explains its colours."""
    if not picture.steepest:
        return picture
    negative, positive = picture.theme.words
    most = graph.number(picture.steepest)
    if graph.before is not None:
        return replace(picture, caption=f"{negative}: the data decreased; {positive}: it increased; full colour: by {most}")
    return replace(picture, caption=f"{negative}: gradient below 0; {positive}: above; full colour: {most}")
