"""A picture as DOT, the language of Graphviz, and its rendering by an installed Graphviz."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress

from autograd._support import missing
from autograd.draw.geometry import ARROW, LETTER, PAD, Geometry, geometry
from autograd.draw.layout import Point
from autograd.draw.picture import Box, Edge, Picture, check_size
from autograd.draw.theme import MARK

ALONE = 'shape=plaintext, fontcolor="{line}", fontsize=10, margin="0.03"'
STYLES = {
    "value": 'shape=box, style="rounded,filled{dashes}", margin="0.09,0.05"',
    "group": 'shape=box, style="rounded,filled{dashes}", margin="0.14,0.08", penwidth=2',
    "operation": 'shape=circle, style=filled, fillcolor="{operation}", margin="0.02", fontsize=12',
    "constant": ALONE,
    "more": ALONE,
}

DENSE = 200  # with more edges, straight lines in the given order are easier to follow
SMALL = 40  # with fewer boxes, an image gets a higher resolution


def dot(picture: Picture, placed: Geometry | None = None) -> str:
    """The picture as DOT text, with places if they are given. The same picture gives the same text, byte for byte."""
    caption = [f"  label={quoted(picture.caption)}"] if picture.caption else []
    dense = ["  graph [splines=line, ranksep=3, mclimit=0.01]", "  edge [tailport=e, headport=w]"] if len(picture.edges) > DENSE else []
    lines = [
        _header(picture),
        *(caption if placed is None else _caption(picture, placed)),
        *(dense if placed is None else []),
        *(_box(box, picture, placed) for box in picture.boxes),
        *(_edge(edge, picture, placed and _curve(placed, index, picture.direction)) for index, edge in enumerate(picture.edges)),
    ]
    return "\n".join(lines) + "\n}\n"


def _header(picture: Picture) -> str:
    theme, direction = picture.theme, "TB" if picture.direction == "down" else "LR"
    return f"""digraph nudge {{
  graph [rankdir={direction}, bgcolor="{theme.paper or "transparent"}", pad="0.15", nodesep="0.16", ranksep="0.32"]
  graph [fontname="Helvetica", fontsize=10, fontcolor="{theme.line}", labeljust=l]
  node [fontname="Helvetica", fontsize=11, fontcolor="{theme.ink}", color="{theme.line}", height="0.2", width="0.2"]
  edge [fontname="Helvetica", fontsize=9, color="{theme.line}", fontcolor="{theme.line}", arrowsize="0.6"]"""


def _box(box: Box, picture: Picture, placed: Geometry | None) -> str:
    theme = picture.theme
    style = STYLES[box.kind].format(dashes=",dashed" if picture.is_dashed(box) else "", operation=theme.operation, line=theme.line)
    extra = f', fillcolor="{picture.color(box)}"' if box.kind in ("value", "group") else ""
    order = ", ordering=in" if box.keeps_order else ""
    shape = ", shape=ellipse" if box.kind == "operation" and (placed or len(box.lines[0]) > 4) else ""
    place = ""
    if placed:
        width, height = placed.sizes[box.id]
        place = f', pos="{_point(placed, placed.places[box.id])}", fixedsize=true, width="{width / 72:.3f}", height="{height / 72:.3f}"'
    return f"  {box.id} [label={quoted(*box.lines)}, {style}{extra}{order}{shape}{place}]"


def _edge(edge: Edge, picture: Picture, curve: str | None) -> str:
    if (edge.tail, edge.head) in picture.marked:
        attributes = [f'color="{MARK}"', "penwidth=3"]
    else:
        attributes = [f'label="{edge.count}"', f"penwidth={min(4, 1 + len(str(edge.count)) / 2)}"] if edge.count > 1 else []
    attributes += [f'pos="{curve}"'] if curve else []
    written = f" [{', '.join(attributes)}]" if attributes else ""
    return f"  {edge.tail} -> {edge.head}{written}"


def _caption(picture: Picture, placed: Geometry) -> list[str]:
    """The caption as a node, because Graphviz keeps no space for a graph's label when it uses given places."""
    if not picture.caption:
        return []
    width = LETTER * len(picture.caption)
    place = f'pos="{_point(placed, (width / 2 + PAD, placed.height - PAD / 2))}", width="{width / 72:.3f}"'
    return [f"  caption [label={quoted(picture.caption)}, {ALONE.format(line=picture.theme.line)}, {place}]"]


def _point(placed: Geometry, point: Point) -> str:
    """A point in DOT, whose y axis points up."""
    return f"{point[0]:.1f},{placed.height - point[1]:.1f}"


def _curve(placed: Geometry, index: int, direction: str) -> str:
    """A curve as DOT has it: the tip of the arrow, then the points up to the arrow."""
    curve = placed.curves[index]
    x, y = curve[-1]
    tip = (x, y + ARROW) if direction == "down" else (x + ARROW, y)
    return " ".join([f"e,{_point(placed, tip)}", *(_point(placed, point) for point in curve)])


def quoted(*lines: str) -> str:
    """Text as a quoted DOT string in which nothing is read as DOT: no escapes, no entities, no line ends but our own."""
    return '"' + "\\n".join(line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'


def render(picture: Picture, form: str) -> bytes:
    """The picture as "png" or "pdf". Raises RuntimeError without Graphviz, ValueError if the picture is too large."""
    check_size(picture)
    source = dot(picture, geometry(picture))
    if form == "png":
        source = source.replace("{", f"{{\n  dpi={160 if len(picture.boxes) < SMALL else 80}", 1)
    if program := shutil.which("dot"):
        done = subprocess.run([program, "-Knop2", f"-T{form}"], input=source.encode(), capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} cannot draw a .{form} file: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout
    with suppress(ImportError):
        import pygraphviz

        return bytes(pygraphviz.AGraph(string=source).draw(format=form, prog="nop2"))
    hint = missing(f"drawing a .{form} file", "pygraphviz", what="Graphviz")
    raise RuntimeError(f"{hint}. Files that end in .svg, .html, .dot or .mmd need no package")
