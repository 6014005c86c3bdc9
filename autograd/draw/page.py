"""A page that steps through a graph, forward and backward, with parts that open and close: one self-contained HTML file."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograd.draw.collapse import Collapse
from autograd.draw.fold_batch import fold
from autograd.draw.graph import Graph, Text
from autograd.draw.narration import Narration, plain
from autograd.draw.part_tree import Part, PartTree, found_names
from autograd.draw.picture import Box, Picture, check_size, given_numbers
from autograd.draw.sweep import Sweep
from autograd.names import short

FOLDER = Path(__file__).parent
SCRIPTS = (  # each imports only from those before it
    "numbers.js", "layout.js", "parts.js", "picture.js", "view.js", "steps.js", "words.js", "paths.js", "page.js"
)  # fmt: skip
OPEN: dict[str, tuple[str, ...]] = {  # the levels that are open at the start, for each detail
    "layer": (), "neuron": ("layer",), "node": ("layer", "neuron")
}  # fmt: skip


def page(graph: Graph, picture: Picture) -> str:
    """The page as HTML. At the start it shows the picture. Its data describe every part that can be opened, and the rules of every node."""
    check_size(picture)
    first: Sequence[int] = range(len(graph.order)) if picture.is_exact else fold(graph)
    sweep = Sweep(graph)
    graph = replace(graph, text=Text(digits=graph.text.digits), before=None).with_gradients(sweep.adjoints)
    collapse = Collapse(graph, first)
    if not graph.names:
        names, labels = found_names(collapse)
        labels |= {position: short(name) for position, name in names.items()}
        collapse.graph = graph = graph.called(names, labels)
    parts = PartTree(collapse, all_open=picture.detail == "node").parts
    narration = Narration(graph, sweep, parts, picture.theme)
    data = {
        "outputs": len(graph.outputs),
        "output": f"v{graph.output}" if graph.output in graph.nodes else None,
        "steepest": graph.number(narration.steepest),
        "shades": picture.theme.shades,
        "open": OPEN[picture.detail],
        "isChosen": picture.is_chosen,
        "parts": [_part(part, narration) for part in parts],
        "edges": _edges(graph, parts, sweep),
        "given": _given(collapse, parts),
        "marked": sorted(f"{tail} {head}" for tail, head in picture.marked),
    }
    contents = {
        "title": html.escape(graph.title),
        "data": _script_safe(json.dumps(data, separators=(",", ":"))),
        "script": _script(),
    }
    text = (FOLDER / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda name: contents[name[1]], text)  # in one go: a label may also contain {{data}}


def _script() -> str:
    """All modules as one script, without their import and export statements."""
    text = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return re.sub(r"^export (?=const|let|function|class)|^import .*\n", "", text, flags=re.MULTILINE)


def _script_safe(text: str) -> str:
    """JSON that cannot end the script element that contains it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _part(part: Part, narration: Narration) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": part.id,
        "level": part.level,
        "parent": part.parent,
        "kind": part.box.kind,
        "lines": _lines(part.box),
        "around": [{"id": box.id, "kind": box.kind, "text": box.lines[0]} for box in part.satellites],
        "shade": narration.shade(part.box.gradient),
        **narration.describe(part),
    }
    return described | ({"sealed": True} if part.sealed else {})


def _lines(box: Box) -> list[dict[str, str]]:
    """A box's lines, and when each is shown: always, or from its forward or backward step on."""
    last = len(box.lines) - 2 if box.kind == "value" else 0  # a label may also start with "data"
    phases = {"data": "forward", "grad": "backward"}
    return [
        {"text": line, "shows": phases.get(line.split(" ")[0], "always") if index >= last else "always"}
        for index, line in enumerate(box.lines)
    ]


def _edges(graph: Graph, parts: Sequence[Part], sweep: Sweep) -> list[dict[str, Any]]:
    """The edges between the smallest parts: between nodes one for each operand, with its partial derivative; else one with a count."""
    innermost = {position: part for part in parts for position in part.positions}  # parents come first
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
    """The constants that neurons take as inputs. They are shown while these neurons are closed."""
    neurons = {unit: part.id for part in parts for unit in part.units if part.level == "neuron"}
    layers = {unit: part.id for part in parts for unit in part.units if part.level == "layer"}
    given = []
    for box, units in given_numbers(collapse):
        takers = dict.fromkeys(name for unit in units if (name := neurons.get(unit) or layers.get(unit)))
        if takers:
            given.append({"id": box.id, "lines": _lines(box), "to": list(takers), "count": int(box.lines[0].split(" ")[0])})
    return given
