"""A picture as DOT, the language of Graphviz, and its rendering by whichever Graphviz there is."""

from __future__ import annotations

import shutil
from typing import Any

import graphviz

from autograd.draw.picture import INK, LINE, Box, Edge, Picture

HEADER = f"""digraph nudge {{
  graph [rankdir=LR, bgcolor="transparent", pad="0.15", nodesep="0.16", ranksep="0.32"]
  graph [fontname="Helvetica", fontsize=10, fontcolor="{LINE}"]
  node [fontname="Helvetica", fontsize=11, fontcolor="{INK}", color="{LINE}", height="0.2", width="0.2"]
  edge [fontname="Helvetica", fontsize=9, color="{LINE}", fontcolor="{LINE}", arrowsize="0.6"]
"""

STYLES = {
    "value": 'shape=box, style="rounded,filled", margin="0.09,0.05"',
    "group": 'shape=box, style="rounded,filled", margin="0.14,0.08", penwidth=2',
    "operation": 'shape=circle, style=filled, fillcolor="#dcdcdc", margin="0.02", fontsize=12',
    "constant": f'shape=plaintext, fontcolor="{LINE}", fontsize=10, margin="0.03"',
    "more": f'shape=plaintext, fontcolor="{LINE}", fontsize=10, margin="0.03"',
}

LARGEST = 1000  # boxes or, three times that, edges: Graphviz lays out so many in seconds


def dot(picture: Picture) -> str:
    """The picture as DOT text; the same picture gives the same text, byte for byte."""
    caption = [f"  label={quoted(picture.caption)}"] if picture.caption else []
    lines = [*caption, *(_box(box, picture) for box in picture.boxes), *map(_edge, picture.edges)]
    return HEADER + "\n".join(lines) + "\n}\n"


def _box(box: Box, picture: Picture) -> str:
    extra = f', fillcolor="{picture.color(box)}"' if box.kind in ("value", "group") else ""
    order = ", ordering=in" if box.keeps_order else ""
    return f"  {box.id} [label={quoted(*box.lines)}, {STYLES[box.kind]}{extra}{order}]"


def _edge(edge: Edge) -> str:
    label = f' [label="{edge.count}", penwidth={min(4, 1 + len(str(edge.count)) / 2)}]' if edge.count > 1 else ""
    return f"  {edge.tail} -> {edge.head}{label}"


def quoted(*lines: str) -> str:
    """Text as a quoted DOT string in which nothing is read as DOT: no escapes, no entities, no line ends but our own."""
    return '"' + "\\n".join(line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'


def render(picture: Picture, form: str) -> bytes:
    """The picture as "svg", "png" or "pdf". Raises RuntimeError where no Graphviz is installed, ValueError where it is too large."""
    if len(picture.boxes) > LARGEST or len(picture.edges) > 3 * LARGEST:
        raise ValueError(
            f"{len(picture.boxes)} boxes and {len(picture.edges)} edges are too many to lay out: leave `detail` out or choose "
            f"detail='layer', show a part with around=..., radius=2, or save the text as .dot"
        )
    source = dot(picture)
    resolution = {"png": 160}.get(form, 72)
    if shutil.which("dot"):
        return graphviz.Source(source.replace("{", f"{{\n  dpi={resolution}", 1)).pipe(format=form, quiet=True)
    try:
        import pygraphviz
    except ImportError:
        raise RuntimeError(
            f"drawing a {form} needs Graphviz: install it (apt install graphviz, brew install graphviz), or its bundled copy with "
            f"pip install 'pygraphviz>=2.0' (the extra `draw`); .dot, .mmd and .html files need neither"
        ) from None
    agraph: Any = pygraphviz.AGraph(string=source)
    agraph.graph_attr["dpi"] = str(resolution)
    return bytes(agraph.draw(format=form, prog="dot"))
