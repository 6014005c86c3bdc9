"""A page that steps through a graph, forward and backward: one HTML file that needs nothing else."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from autograd.draw.formulas import names, partial_formulas
from autograd.draw.graph import Graph, GraphNode
from autograd.draw.layout import layout
from autograd.draw.picture import Box, Picture, check_size, color, number

TEMPLATE = Path(__file__).with_name("page.html")
MOST_ROWS = 12  # contributions of one node that are told one by one


def page(graph: Graph, picture: Picture) -> str:
    """The page: node by node with its rules where the picture shows each node, else box by box."""
    check_size(picture)
    edges: list[dict[str, Any]] = [{"tail": edge.tail, "head": edge.head, "count": edge.count} for edge in picture.edges]
    story = Story(graph, picture, edges) if picture.is_exact else Summary(picture)
    sizes = {box.id: _size(box) for box in picture.boxes}
    places, routes = layout(sizes, [(edge.tail, edge.head) for edge in picture.edges])
    for edge, route in zip(edges, routes):
        edge["route"] = [[round(x, 1), round(y, 1)] for x, y in route]
    boxes = [
        {"id": box.id, "kind": box.kind, "center": [round(each, 1) for each in places[box.id]], "size": sizes[box.id], "lines": _lines(box)}
        for box in picture.boxes
    ]
    title = graph.label(graph.output) or "A computation graph"
    data = {"exact": picture.is_exact, "boxes": boxes, "edges": edges, "steps": story.steps}
    text = TEMPLATE.read_text(encoding="utf-8").replace("{{title}}", html.escape(title))
    return text.replace("{{data}}", _script_safe(json.dumps(data)))


def _script_safe(text: str) -> str:
    """JSON in which nothing can end the script that it stands in."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _size(box: Box) -> tuple[float, float]:
    longest, count = max(map(len, box.lines)), len(box.lines)
    if box.kind == "operation":
        return max(26.0, longest * 7.0 + 14), 26.0
    if box.kind in ("constant", "more"):
        return longest * 6.5 + 8, 15.0 * count + 4
    return max(longest * 6.9, 76.0) + 18, 16.0 * count + 12


def _lines(box: Box) -> list[dict[str, str]]:
    """A box's lines, each with when it shows: always, forward or backward."""
    last = len(box.lines) - 2 if box.kind == "value" else 0  # a label of one's own may say "data", too
    phases = {"data": "forward", "grad": "backward"} if box.kind in ("value", "group") else {}
    return [
        {"text": line, "shows": phases.get(line.split(" ")[0], "always") if index >= last else "always"}
        for index, line in enumerate(box.lines)
    ]


class Summary:
    """The steps through a collapsed picture: what is in each box, forward and then backward."""

    def __init__(self, picture: Picture) -> None:
        boxes = [box for box in picture.boxes if box.kind in ("value", "group")]
        self.steps = [self._step("forward", box) for box in boxes] + [
            self._step("backward", box) | {"changes": [{"box": box.id, "color": picture.color(box)}]} for box in reversed(boxes)
        ]

    def _step(self, phase: str, box: Box) -> dict[str, Any]:
        return {"phase": phase, "box": box.id, "heading": box.lines[0], "rows": [{"rule": "\n".join(box.lines[1:])}], "changes": []}


class Story:
    """The steps through every node: the rule in words and numbers, and what it adds to whom."""

    def __init__(self, graph: Graph, picture: Picture, edges: list[dict[str, Any]]) -> None:
        self.graph = graph
        self.adjoints = [0.0] * len(graph.order)
        self.adjoints[-1] = 1.0
        backward = []
        incoming: dict[str, list[dict[str, Any]]] = {}
        for edge in edges:
            incoming.setdefault(edge["head"], []).append(edge)
        for position in range(graph.output, min(graph.nodes) - 1, -1):  # nothing that comes before those shown adds to them
            node = graph.node(position)
            if node.op is None:
                continue
            if position in graph.nodes:
                backward.append(self._backward(position, incoming.get(f"o{position}", [])))
            else:
                for source, contribution in zip(node.operands, self._contributions(position, node)):
                    if type(source) is int:
                        self.adjoints[source] += contribution
        steepest = max(abs(self.adjoints[each]) for each in graph.nodes)
        start = {
            "phase": "backward",
            "box": f"v{graph.output}",
            "heading": "Backward, from the output",
            "rows": [{"rule": "The derivative of the output by itself is 1."}],
            "changes": [self._change(graph.output, 1.0)],
        }
        self.steps = [*map(self._forward, graph.nodes), *([start] if graph.output in graph.nodes else []), *backward]
        for step in self.steps:
            for change in step["changes"]:
                change["color"] = color(change.pop("gradient"), steepest)

    def _forward(self, position: int) -> dict[str, Any]:
        node = self.graph.nodes[position]
        label, result = self.graph.label(position), number(node.data)
        if node.op is None:
            heading, rows = f"{label or 'a leaf'} = {result}", ["Given: a leaf, computed from nothing."]
        else:
            heading = f"{label} = {result}" if label else result
            labels = [self.graph.label(each) if type(each) is int else "" for each in node.operands]
            numbers = [number(each) for each in self._numbers(node)]
            rows = [f"= {node.op.describe(numbers)}"]
            if any(labels):
                rows.insert(0, f"= {node.op.describe([name or each for name, each in zip(labels, numbers)])}")
        return {"phase": "forward", "box": f"v{position}", "heading": heading, "rows": [{"rule": row} for row in rows], "changes": []}

    def _backward(self, position: int, edges: list[dict[str, Any]]) -> dict[str, Any]:
        """Pass a node's adjoint to its operands, and tell of it."""
        node, adjoint = self.graph.nodes[position], self.adjoints[position]
        assert node.op is not None
        count = len(node.operands)
        terms = zip(node.operands, self._partials(node), self._contributions(position, node), names(node.op, count))
        rows, changes, drawn = [], [self._change(position, adjoint)], iter(edges)
        for (operand, partial, contribution, argument), formula in zip(terms, partial_formulas(node.op, count)):
            visible = type(operand) is float or operand in self.graph.nodes
            edge = next(drawn, None) if visible else None
            if type(operand) is float:
                continue
            before = self.adjoints[source := int(operand)]
            after = self.adjoints[source] = before + contribution
            if edge is not None:
                edge["partial"] = partial if abs(partial) < float("inf") else None
            if visible:
                changes.append(self._change(source, after))
            told = f"{formula} = " if formula not in ("", number(partial)) else ""
            rows.append(
                {
                    "rule": f"d({node.op.symbol})/d{argument} = {told}{number(partial)}",
                    "times": f"times {number(adjoint)} from above = {number(contribution)}",
                    "sum": f"into {self._called(source)}: {number(before)} + {number(contribution)} = {number(after)}",
                }
            )
        if len(rows) > MOST_ROWS:
            rows[MOST_ROWS:] = [{"rule": f"and {len(rows) - MOST_ROWS} more in the same way"}]
        heading = f"{self._called(position)}: {number(adjoint)} from above"
        return {"phase": "backward", "box": f"v{position}", "heading": heading, "rows": rows, "changes": changes}

    def _partials(self, node: GraphNode) -> list[float]:
        """The row's partial derivatives at the numbers of that moment."""
        assert node.op is not None
        return node.op.partials_at(node.data, self._numbers(node))

    def _contributions(self, position: int, node: GraphNode) -> list[float]:
        """What a node adds to each operand's adjoint: nothing where the row is flat, as for the engine, be the adjoint infinite."""
        assert node.op is not None
        adjoint, flat = self.adjoints[position], node.op.flat
        return [0.0 if index in flat else partial * adjoint for index, partial in enumerate(self._partials(node))]

    def _numbers(self, node: GraphNode) -> list[float]:
        return [each if type(each) is float else float(self.graph.moment[int(each)][1]) for each in node.operands]

    def _called(self, position: int) -> str:
        node = self.graph.node(position)
        return self.graph.label(position) or (f"{number(node.data)} ({node.op.name})" if node.op else number(node.data))

    def _change(self, position: int, gradient: float) -> dict[str, Any]:
        return {"box": f"v{position}", "text": f"grad {number(gradient)}", "gradient": gradient}
