"""Where the boxes and edges of a picture are, in pixels. All formats with a layout use this one."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple
from unicodedata import east_asian_width

from autograd.draw.layout import Point, layout
from autograd.draw.picture import MANY, Box, Picture

LINE, PAD, CAPTION = 14.0, 10.0, 16.0  # the height of a line of text, the margin of the picture, and the height of the caption
ARROW = 7.0
LETTER = 6.0  # the width of a letter of the caption


class Geometry(NamedTuple):
    """The size of a picture, the size and centre of each box, and the Bézier curve of each edge: a start, then three points each."""

    width: float
    height: float
    sizes: dict[str, Point]
    places: dict[str, Point]
    curves: list[list[Point]]


def geometry(picture: Picture) -> Geometry:
    """Lay out a picture from left to right or from top to bottom."""
    is_down = picture.direction == "down"

    def turned(point: Point) -> Point:
        return (point[1], point[0]) if is_down else point

    sizes = {box.id: _size(box) for box in picture.boxes}
    pairs = [(edge.tail, edge.head) for edge in picture.edges]
    found = layout({name: turned(size) for name, size in sizes.items()}, pairs, 30, 6 if len(picture.boxes) > MANY else 10)
    places = {name: turned(place) for name, place in found.places.items()}
    left = min(places[name][0] - size[0] / 2 for name, size in sizes.items()) - PAD
    top = min(places[name][1] - size[1] / 2 for name, size in sizes.items()) - PAD
    right = max(places[name][0] + size[0] / 2 for name, size in sizes.items()) + PAD
    bottom = max(places[name][1] + size[1] / 2 for name, size in sizes.items()) + PAD + CAPTION * bool(picture.caption)
    leaving: dict[tuple[str, str], list[int]] = {}
    for index, pair in enumerate(pairs):
        leaving.setdefault(pair, []).append(index)
    reach: dict[float, float] = {}  # half the width of each rank, by its centre
    for name, place in found.places.items():
        reach[place[0]] = max(reach.get(place[0], 0.0), turned(sizes[name])[0] / 2)
    curves = []
    for index, ((tail, head), route) in enumerate(zip(pairs, found.routes)):
        twins = leaving[tail, head]
        shift = (twins.index(index) - (len(twins) - 1) / 2) * 9  # the two edges of x * x are side by side
        start, end = turned(sizes[tail])[0] / 2, turned(sizes[head])[0] / 2 + ARROW
        points = [point for x, y in route for point in ((x - reach.get(x, 0.0) - ARROW, y + shift), (x + reach.get(x, 0.0), y + shift))]
        points[0], points[-1] = (route[0][0] + start, points[0][1]), (route[-1][0] - end, points[-1][1])
        curve = points[:1]
        for (x0, y0), (x1, y1) in pairwise(points):  # straight beside the boxes of a rank, and curved between ranks
            middle = (x0 + x1) / 2
            curve += [(middle, y0), (middle, y1), (x1, y1)]
        curves.append([(x - left, y - top) for x, y in map(turned, curve)])
    width = max(right - left, LETTER * len(picture.caption) + 2 * PAD)
    return Geometry(width, bottom - top, sizes, {name: (x - left, y - top) for name, (x, y) in places.items()}, curves)


def _size(box: Box) -> Point:
    """The width and height of a box with its text, whose font may be as wide as DejaVu Sans."""
    longest = max(sum(2 if east_asian_width(letter) in "WF" else 1 for letter in line) for line in box.lines)
    if box.kind == "operation":
        return max(24.0, longest * 7.0 + 14), 24.0
    if box.kind in ("constant", "more"):
        return longest * 6.3 + 8, LINE * len(box.lines) + 2
    return longest * 6.6 + (16 if box.kind == "value" else 20), LINE * len(box.lines) + (8 if box.kind == "value" else 12)
