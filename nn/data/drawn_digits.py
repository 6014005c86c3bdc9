"""Handwritten digits drawn by NumPy.

A glyph is a few strokes in a square from -1 to 1, with y upward. The distance to the strokes is computed once on a grid, and looked up at
the deformed position of each pixel. So the width and the blur of the pen and any smooth deformation cost one lookup per pixel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np

from autograd._support import check_whole
from nn.inputs import Array, Examples, Labels, Seed, generator

Point = tuple[float, float]


def _arc(x: float, y: float, width: float, height: float, start: float, end: float) -> list[Point]:
    """Points along an ellipse around (x, y); the angles are in degrees, anticlockwise from the right."""
    angles = np.radians(np.linspace(start, end, 2 + int(abs(end - start) / 20)))
    return [(x + width * math.cos(a), y + height * math.sin(a)) for a in angles]


# fmt: off
GLYPHS: dict[int, list[list[list[Point]]]] = {  # digit -> ways to write it -> strokes -> points
    0: [[_arc(0, 0, 0.6, 1, 0, 360)],
        [_arc(0, 0, 0.45, 1, 0, 360)]],
    1: [[[(0, 1), (0, -1)]],
        [[(-0.35, 0.6), (0, 1), (0, -1)]],
        [[(-0.35, 0.6), (0, 1), (0, -1)], [(-0.4, -1), (0.4, -1)]]],
    2: [[[*_arc(0, 0.45, 0.6, 0.55, 160, -40), (-0.6, -1), (0.65, -1)]],
        [[*_arc(0, 0.5, 0.55, 0.5, 150, -60), *_arc(-0.35, -0.8, 0.22, 0.2, 90, 300), (0.65, -0.95)]]],
    3: [[_arc(-0.05, 0.5, 0.55, 0.5, 150, -90) + _arc(-0.05, -0.5, 0.65, 0.5, 90, -150)],
        [[(-0.55, 1), (0.5, 1), (-0.05, 0.2), *_arc(-0.05, -0.4, 0.6, 0.6, 70, -150)]]],
    4: [[[(0.3, -1), (0.3, 1), (-0.65, -0.35), (0.7, -0.35)]],
        [[(-0.5, 1), (-0.6, 0), (0.5, 0)], [(0.5, 0.9), (0.4, -1)]]],
    5: [[[(0.55, 1), (-0.45, 1), (-0.5, 0.15), *_arc(-0.05, -0.35, 0.62, 0.62, 120, -150)]],
        [[(0.6, 0.95), (-0.35, 0.95), (-0.45, 0.1), *_arc(-0.1, -0.45, 0.55, 0.55, 110, -130)]]],
    6: [[_arc(0.5, -0.35, 1.05, 1.35, 95, 180) + _arc(0, -0.45, 0.55, 0.55, 180, -180)],
        [[(0.2, 1), *_arc(0, -0.4, 0.5, 0.6, 160, -200)]]],
    7: [[[(-0.6, 1), (0.6, 1), (-0.15, -1)]],
        [[(-0.6, 1), (0.6, 1), (-0.1, -1)], [(-0.3, 0), (0.55, 0)]],
        [[(-0.6, 0.7), (-0.55, 1), (0.55, 1), *_arc(0.75, -1, 0.8, 1.3, 120, 180)]]],
    8: [[_arc(0, 0.5, 0.48, 0.5, -90, 270) + _arc(0, -0.5, 0.58, 0.5, 90, 450)],
        [[*_arc(0, 0.52, 0.45, 0.48, 20, 220), *_arc(0, -0.5, 0.55, 0.5, 60, -240), (0.42, 0.7)]]],
    9: [[_arc(0, 0.45, 0.55, 0.55, 0, 360) + [(0.5, -1)]],
        [_arc(0, 0.45, 0.55, 0.55, 0, 360) + _arc(-0.45, 0.35, 1.0, 1.35, 0, -95)]],
}
# fmt: on

FIELD, REACH = 97, 1.6  # a distance field is sampled at 97 x 97 points, from -1.6 to 1.6 both ways
DRAWN, PIXELS = 500, 100  # digits at a time: their random numbers, and their pixels, whose temporary arrays fit into the cache
RANGES = {
    "right": (-2.5, 2.5), "high": (-2.5, 2.5), "angle": (-0.25, 0.25), "slant": (-0.15, 0.35), "across": (0.95, 1.5), "along": (0.95, 1.3),
    "bend": (0, 0.12), "bends": (1, 3), "bent": (0, 6.3), "lean": (0, 0.12), "leans": (1, 3), "leant": (0, 6.3),
    "pen": (0.08, 0.2), "blur": (0.1, 0.3), "ink": (0.75, 1), "noise": (0, 0.15),
}  # fmt: skip
"""The random numbers of a digit: its place, rotation, slant and scale, two waves along its axes, the pen, and the noise of the paper."""


@cache
def _distance_fields() -> tuple[Array, Labels]:
    """The distance from each grid point to the nearest stroke of each glyph, (glyphs, 97, 97), and the digit of each glyph."""
    axis = np.linspace(-REACH, REACH, FIELD)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    fields = []
    for strokes in (way for ways in GLYPHS.values() for way in ways):
        starts = np.array([point for stroke in strokes for point in stroke[:-1]])
        along = np.array([point for stroke in strokes for point in stroke[1:]]) - starts
        offset = grid[:, :, None] - starts
        nearest = np.clip((offset * along).sum(-1) / (along**2).sum(-1).clip(1e-12), 0, 1)
        fields.append(np.linalg.norm(offset - nearest[..., None] * along, axis=-1).min(-1))
    return np.array(fields), np.array([digit for digit, ways in GLYPHS.items() for _ in ways], dtype=np.int64)


def digits(n: int, seed: Seed = 0) -> Examples:
    """Handwritten digits, drawn at random: X (n, 784), 28 x 28 pixels from 0.0 (paper) to 1.0 (ink), and y (n,).

    Each digit is randomly stretched, rotated, slanted, bent and shifted. The width and the blur of the pen and the noise of the paper
    are random too. Each seed gives other digits.

    >>> X, y = digits(3, seed=0)
    >>> X.shape, y.tolist()
    ((3, 784), [2, 0, 1])
    """
    rng = generator(seed)
    y = rng.permutation(np.arange(check_whole("n", n), dtype=np.int64) % 10)
    X = np.empty((n, 784))
    digit_of = _distance_fields()[1]
    ways = np.array([len(GLYPHS[digit]) for digit in range(10)])
    for start in range(0, n, DRAWN):
        those = y[start : start + DRAWN]
        glyph = np.searchsorted(digit_of, those) + (rng.random(len(those)) * ways[those]).astype(np.int64)
        random = {name: rng.uniform(low, high, (len(those), 1)) for name, (low, high) in RANGES.items()}
        for first in range(0, len(those), PIXELS):
            some = slice(first, first + PIXELS)
            X[start:][some] = _pixels(glyph[some, None], {name: each[some] for name, each in random.items()}, rng)
    return X, y


def _pixels(glyph: Labels, random: Mapping[str, Array], rng: np.random.Generator) -> Array:
    """The pixels of digits, (digits, 784), with these glyphs and random numbers, (digits, 1); the noise comes from a generator."""
    row, column = np.divmod(np.arange(784), 28)
    x, up = (column - 13.5 - random["right"]) / 9.5, (13.5 - row - random["high"]) / 9.5
    cos, sin = np.cos(random["angle"]), np.sin(random["angle"])
    x, up = x * cos + up * sin, up * cos - x * sin
    x, up = x * random["across"] - random["slant"] * up, up * random["along"]
    bend = random["bend"] * np.sin(random["bends"] * up + random["bent"])
    lean = random["lean"] * np.sin(random["leans"] * x + random["leant"])
    distance = _look_up(_distance_fields()[0].reshape(-1), glyph, x + bend, up + lean)
    ink = np.clip(0.5 + (random["pen"] - distance) / random["blur"], 0, 1) * random["ink"]
    return np.clip(ink + random["noise"] * rng.standard_normal(ink.shape), 0, 1)


def _look_up(fields: Array, glyph: Labels, x: Array, up: Array) -> Array:
    """Bilinear interpolation of the distance fields. Positions beyond the edge are moved to the edge."""
    scale = (FIELD - 1) / (2 * REACH)
    x, up = (np.clip((each + REACH) * scale, 0, FIELD - 1.001) for each in (x, up))
    column, row = x.astype(np.int64), up.astype(np.int64)
    at = (glyph * FIELD + row) * FIELD + column
    x, up = x - column, up - row
    below = fields[at] * (1 - x) + fields[at + 1] * x
    above = fields[at + FIELD] * (1 - x) + fields[at + FIELD + 1] * x
    looked_up: Array = below * (1 - up) + above * up
    return looked_up
