"""A picture as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from autograd.draw.geometry import ARROW, LINE, PAD, Geometry, geometry
from autograd.draw.picture import Box, Edge, Picture, check_size
from autograd.draw.theme import MARK

FONTS = {"value": 11, "group": 11, "operation": 12, "constant": 10, "more": 10}


def svg(picture: Picture) -> str:
    """The picture as a self-contained SVG. The same picture gives the same text, byte for byte. Raises ValueError for a large one."""
    check_size(picture)
    placed, theme = geometry(picture), picture.theme
    width, height = _numbers(placed.width, placed.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="a computation graph" style="max-width: 100%; height: auto" '
        f'font-family="Helvetica, Arial, sans-serif" text-anchor="middle">'
    )
    lines = [head]
    if theme.paper:
        lines.append(f'<rect width="{width}" height="{height}" fill="{theme.paper}"/>')
    for edge, curve in zip(picture.edges, placed.curves):
        lines += _edge(edge, curve, picture)
    for box in picture.boxes:
        lines += _box(box, placed, picture)
    if picture.caption:
        x, y = _numbers(PAD, placed.height - PAD / 2)
        lines.append(f'<text x="{x}" y="{y}" font-size="10" text-anchor="start" fill="{theme.line}">{escape(picture.caption)}</text>')
    return "\n".join([*lines, "</svg>\n"])


def _numbers(*given: float) -> list[str]:
    return [f"{each:.1f}".removesuffix(".0") for each in given]


def _edge(edge: Edge, curve: list[tuple[float, float]], picture: Picture) -> Iterator[str]:
    is_marked = (edge.tail, edge.head) in picture.marked
    color, width = (MARK, "3") if is_marked else (picture.theme.line, "1" if len(picture.edges) < 100 else "0.6")
    points = [",".join(_numbers(*point)) for point in curve]
    path = f"M{points[0]} C{' '.join(points[1:])}"
    yield f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}"/>'
    x, y = _numbers(*curve[-1])
    half = ARROW / 2.4
    tip = (
        f"l{-half:.1f},0 l{half:.1f},{ARROW} l{half:.1f},-{ARROW}"
        if picture.direction == "down"
        else f"l0,{-half:.1f} l{ARROW},{half:.1f} l-{ARROW},{half:.1f}"
    )
    yield f'<path d="M{x},{y} {tip} z" fill="{color}"/>'
    if edge.count > 1:
        (x0, y0), (x1, y1) = curve[3], curve[6]
        x, y = _numbers((x0 + x1) / 2, (y0 + y1) / 2 - 4)
        yield f'<text x="{x}" y="{y}" font-size="9" fill="{picture.theme.line}">{edge.count}</text>'


def _box(box: Box, placed: Geometry, picture: Picture) -> Iterator[str]:
    (x, y), (width, height) = placed.places[box.id], placed.sizes[box.id]
    theme, is_filled = picture.theme, box.kind not in ("constant", "more")
    if is_filled:
        left, top, across, down = _numbers(x - width / 2, y - height / 2, width, height)
        radius = f"{height / 2:g}" if box.kind == "operation" else "6"
        fill = theme.operation if box.kind == "operation" else picture.color(box)
        dashes = ' stroke-dasharray="4 2"' if picture.is_dashed(box) else ""
        stroke = f'stroke="{theme.line}" stroke-width="{2 if box.kind == "group" else 1}"{dashes}'
        yield f'<rect data-box="{box.id}" x="{left}" y="{top}" width="{across}" height="{down}" rx="{radius}" fill="{fill}" {stroke}/>'
    color, size = theme.ink if is_filled else theme.line, FONTS[box.kind]
    for index, line in enumerate(box.lines):
        at, baseline = _numbers(x, y + (index - (len(box.lines) - 1) / 2) * LINE + size * 0.36)
        yield f'<text x="{at}" y="{baseline}" font-size="{size}" fill="{color}">{escape(line)}</text>'
