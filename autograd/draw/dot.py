"""A picture as DOT, the language of Graphviz, and its rendering by an installed Graphviz."""

from __future__ import annotations

import shutil
from contextlib import suppress

from autograd._support import missing
from autograd.draw.picture import INK, LINE, MARK, Box, Edge, Picture, check_size

HEADER = f"""digraph nudge {{
  graph [rankdir=LR, bgcolor="transparent", pad="0.15", nodesep="0.16", ranksep="0.32"]
  graph [fontname="Helvetica", fontsize=10, fontcolor="{LINE}", labeljust=l]
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

DENSE = 200  # with more edges, straight lines in the given order are easier to follow
SMALL = 40  # with fewer boxes, an image gets a higher resolution


def dot(picture: Picture) -> str:
    """The picture as DOT text. The same picture gives the same text, byte for byte."""
    caption = [f"  label={quoted(picture.caption)}"] if picture.caption else []
    dense = ["  graph [splines=line, ranksep=3, mclimit=0.01]", "  edge [tailport=e, headport=w]"] if len(picture.edges) > DENSE else []
    lines = [
        *caption,
        *dense,
        *(_box(box, picture) for box in picture.boxes),
        *(_edge(edge, (edge.tail, edge.head) in picture.marked) for edge in picture.edges),
    ]
    return HEADER + "\n".join(lines) + "\n}\n"


def _box(box: Box, picture: Picture) -> str:
    extra = f', fillcolor="{picture.color(box)}"' if box.kind in ("value", "group") else ""
    order = ", ordering=in" if box.keeps_order else ""
    shape = ", shape=ellipse" if box.kind == "operation" and len(box.lines[0]) > 4 else ""
    return f"  {box.id} [label={quoted(*box.lines)}, {STYLES[box.kind]}{extra}{order}{shape}]"


def _edge(edge: Edge, is_marked: bool) -> str:
    if is_marked:
        return f'  {edge.tail} -> {edge.head} [color="{MARK}", penwidth=3]'
    label = f' [label="{edge.count}", penwidth={min(4, 1 + len(str(edge.count)) / 2)}]' if edge.count > 1 else ""
    return f"  {edge.tail} -> {edge.head}{label}"


def quoted(*lines: str) -> str:
    """Text as a quoted DOT string in which nothing is read as DOT: no escapes, no entities, no line ends but our own."""
    return '"' + "\\n".join(line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'


def render(picture: Picture, form: str) -> bytes:
    """The picture as "svg", "png" or "pdf". Raises RuntimeError without Graphviz, ValueError if the picture is too large."""
    check_size(picture)
    resolution = 160 if len(picture.boxes) < SMALL else 80
    source = dot(picture).replace("{", f"{{\n  dpi={resolution}", 1) if form == "png" else dot(picture)
    if shutil.which("dot"):
        with suppress(ImportError):
            import graphviz

            return bytes(graphviz.Source(source).pipe(format=form, quiet=True))
    with suppress(ImportError):
        import pygraphviz

        return bytes(pygraphviz.AGraph(string=source).draw(format=form, prog="dot"))
    hint = missing(f"drawing a .{form} file", "pygraphviz", what="Graphviz")
    raise RuntimeError(f"{hint}. Files that end in .dot, .mmd or .html need no package")
