"""What every format draws: boxes with lines of text and a colour, and edges between them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from autograd.draw.graph import Graph

# Gradients from negative (orange) through 0 to positive (blue), after ColorBrewer: apart for every kind of
# colour vision, and light enough for dark text on any background.
NEGATIVE = ("#fef1e2", "#fee0b6", "#fdc57f", "#f7a24a")
ZERO = "#f6f6f6"
POSITIVE = ("#e6f1fa", "#c6dff2", "#98c5e8", "#62a5da")
NOT_FINITE = "#f4d03f"
INK, LINE = "#1b1b1b", "#7d7d7d"  # text on a fill; lines and text on whatever is behind, light or dark


@dataclass(frozen=True)
class Box:
    """One thing in a picture. `gradient` colours it; several lines are one below the other."""

    id: str
    kind: Literal["value", "operation", "constant", "group", "more"]
    lines: tuple[str, ...]
    gradient: float = 0.0
    keeps_order: bool = False  # whether the operands mean different things, as in a - b


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

    @property
    def steepest(self) -> float:
        """The size of the largest finite gradient: the full strength of colour."""
        return max((abs(box.gradient) for box in self.boxes if math.isfinite(box.gradient)), default=0.0)

    def color(self, box: Box) -> str:
        return color(box.gradient, self.steepest)


def color(gradient: float, steepest: float) -> str:
    """The fill for a gradient, where `steepest` is the largest size: by its root, so that small ones show."""
    if not math.isfinite(gradient):
        return NOT_FINITE
    if gradient == 0 or steepest == 0:
        return ZERO
    shades = POSITIVE if gradient > 0 else NEGATIVE
    return shades[min(len(shades) - 1, int(math.sqrt(abs(gradient) / steepest) * len(shades)))]


def number(value: float) -> str:
    """Four significant digits, as short as they can be."""
    return f"{value:.4g}"


def spread(values: Iterable[float]) -> str:
    """The range of several numbers, or the number where they are all the same."""
    values = list(values)
    finite = [each for each in values if not math.isnan(each)]
    if len(finite) < len(values):
        return "nan"
    low, high = number(min(finite)), number(max(finite))
    return low if low == high else f"{low} to {high}"


COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "total", "logsumexp", "equal", "not_equal"}


def every_node(graph: Graph) -> Picture:
    """The nodes of a graph one by one: values as boxes, the operations that made them as circles."""
    boxes: list[Box] = []
    edges: list[Edge] = []
    shown = graph.shown
    for position in sorted(shown):
        node = graph.nodes[position]
        name, operation = f"v{position}", f"o{position}"
        if node.op is not None:
            boxes.append(Box(operation, "operation", (node.op.symbol,), keeps_order=node.op.name not in COMMUTATIVE))
            hidden = 0
            for index, operand in enumerate(node.operands):
                if type(operand) is float:
                    boxes.append(Box(f"c{position}_{index}", "constant", (number(operand),)))
                    edges.append(Edge(f"c{position}_{index}", operation))
                elif operand in shown:
                    edges.append(Edge(f"v{operand}", operation))
                else:
                    hidden += 1
            if hidden:
                boxes.append(Box(f"before{position}", "more", (f"{hidden} more",)))
                edges.append(Edge(f"before{position}", operation))
        label = graph.label(position)
        lines = (f"data {number(node.data)}", f"grad {number(node.grad)}")
        boxes.append(Box(name, "value", (label, *lines) if label else lines, node.grad))
        if node.op is not None:
            edges.append(Edge(operation, name))
        hidden = sum(user not in shown for user in graph.users[position])
        if hidden:
            boxes.append(Box(f"after{position}", "more", (f"{hidden} more",)))
            edges.append(Edge(name, f"after{position}"))
    return Picture(tuple(boxes), tuple(edges))
