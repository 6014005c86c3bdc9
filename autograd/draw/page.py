"""A page that steps through a graph, forward and backward, whose parts open and close: one HTML file that needs nothing else."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograd.draw.collapse import Collapse
from autograd.draw.fold_batch import fold
from autograd.draw.graph import Graph
from autograd.draw.narration import SHADES, Narration, plain
from autograd.draw.part_tree import Part, Parts, found_names
from autograd.draw.picture import Box, Picture, check_size, given_numbers
from autograd.draw.sweep import Sweep
from autograd.names import number

FOLDER = Path(__file__).parent
SCRIPTS = (  # each imports only from those before it
    "numbers.js", "layout.js", "parts.js", "picture.js", "view.js", "steps.js", "words.js", "paths.js", "page.js"
)  # fmt: skip
OPEN: dict[str, tuple[str, ...]] = {"layer": (), "neuron": ("layer",), "node": ("layer", "neuron")}  # at the start, for each detail


def page(graph: Graph, picture: Picture) -> str:
    """The page: it opens as the picture is, and tells of each part that can be opened, and of each node with its rules."""
    check_size(picture)
    first: Sequence[int] = range(len(graph.order)) if picture.is_exact else fold(graph)
    sweep = Sweep(graph)
    graph = graph.with_gradients(sweep.adjoints)
    collapse = Collapse(graph, first)
    if not graph.names:
        names, labels = found_names(collapse)
        collapse = Collapse(graph := graph.called(names, labels), first)
    parts = Parts(collapse, all_open=picture.detail == "node").parts
    narration = Narration(graph, sweep, parts)
    data = {
        "output": f"v{graph.output}" if graph.output in graph.nodes else None,
        "steepest": number(narration.steepest),
        "shades": SHADES,
        "open": OPEN[picture.detail],
        "parts": [_part(part, narration) for part in parts],
        "edges": _edges(graph, parts, sweep),
        "given": _given(collapse, parts),
        "marked": sorted(f"{tail} {head}" for tail, head in picture.marked),
    }
    title = graph.label(graph.output) or "A computation graph"
    text = (FOLDER / "page.html").read_text(encoding="utf-8")
    for name, content in {
        "title": html.escape(title),
        "data": _script_safe(json.dumps(data, separators=(",", ":"))),
        "script": _script(),
    }.items():
        text = text.replace("{{" + name + "}}", content)
    return text


def _script() -> str:
    """All modules as one script, without their import and export statements."""
    text = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return re.sub(r"^export (?=const|let|function|class)|^import .*\n", "", text, flags=re.MULTILINE)


def _script_safe(text: str) -> str:
    """JSON in which nothing can end the script that it stands in."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _part(part: Part, narration: Narration) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": part.id,
        "level": part.level,
        "parent": part.parent,
        "kind": part.box.kind,
        "lines": _lines(part.box),
        "around": [{"id": box.id, "kind": box.kind, "text": box.lines[0]} for box in part.satellites],
        "shade": narration.shade(part.box.gradient),
        **narration.told(part),
    }
    return told | ({"sealed": True} if part.sealed else {})


def _lines(box: Box) -> list[dict[str, str]]:
    """A box's lines, each with when it shows: always, forward or backward."""
    last = len(box.lines) - 2 if box.kind == "value" else 0  # a label of one's own may say "data", too
    phases = {"data": "forward", "grad": "backward"}
    return [
        {"text": line, "shows": phases.get(line.split(" ")[0], "always") if index >= last else "always"}
        for index, line in enumerate(box.lines)
    ]


def _innermost(parts: Sequence[Part]) -> dict[int, Part]:
    """For each node the smallest part that it is in."""
    return {position: part for part in parts for position in part.positions}  # parents come first


def _edges(graph: Graph, parts: Sequence[Part], sweep: Sweep) -> list[dict[str, Any]]:
    """What leads from one innermost part to another: of nodes each operand with its partial derivative, of others how many."""
    innermost = _innermost(parts)
    edges: list[dict[str, Any]] = []
    counts: Counter[tuple[str, str]] = Counter()
    for position, node in graph.nodes.items():
        head = innermost[position]
        for index, operand in enumerate(node.operands):
            if type(operand) is float or operand not in graph.nodes:
                continue
            tail = innermost[int(operand)]
            if tail.level == head.level == "node":
                partial = sweep.partials[position][index]
                edges.append({"tail": tail.id, "head": head.id, "count": 1, "partial": plain(partial)})
            elif tail is not head:
                counts[tail.id, head.id] += 1
    return edges + [{"tail": tail, "head": head, "count": count} for (tail, head), count in counts.items()]


def _given(collapse: Collapse, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The numbers that whole neurons are given: shown while these are closed."""
    neurons = {unit: part.id for part in parts for unit in part.units if part.level == "neuron"}
    layers = {unit: part.id for part in parts for unit in part.units if part.level == "layer"}
    told = []
    for box, units in given_numbers(collapse):
        takers = dict.fromkeys(name for unit in units if (name := neurons.get(unit) or layers.get(unit)))
        if takers:
            told.append({"id": box.id, "lines": _lines(box), "to": list(takers), "count": int(box.lines[0].split(" ")[0])})
    return told
