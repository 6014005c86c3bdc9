"""Patterns: rules for lists of columns, which replace a table of columns or make it short."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autograd.vectorize.memory import FloatArray

Axes = tuple[tuple[int, int], ...]  # sizes and strides


class Runs(NamedTuple):
    """Runs of numbers, each of which is `step` more than the one before it: the first ones, and how many follow each other."""

    first: FloatArray
    length: FloatArray
    step: int


def axes_of(columns: FloatArray, depth: int = 4) -> Axes | None:
    """Sizes and strides of loops that count these columns, from the first one on; None if more than `depth` are needed."""
    if len(columns) == 1:
        return ()
    steps = np.diff(columns)
    other = np.flatnonzero(steps != steps[0])
    size = int(other[0]) + 1 if len(other) else len(columns)
    rows = columns.reshape(-1, size) if len(columns) % size == 0 and depth else None
    if rows is None or np.any(rows - rows[:, :1] != rows[0] - rows[0, 0]):
        return None
    outer = axes_of(rows[:, 0], depth - 1)
    return None if outer is None else (*outer, (size, int(steps[0])))


def runs_of(columns: FloatArray) -> Runs:
    """The fewest runs of the same number, or of numbers that follow each other."""
    return min((_runs(columns, np.diff(columns) == step, step) for step in (0, 1)), key=lambda each: len(each.first))


def runs_of_pairs(same: FloatArray, following: FloatArray) -> tuple[FloatArray, Runs]:
    """Runs of pairs with one number and others that follow each other: that number for each run, and the runs of the others."""
    runs = _runs(following, (np.diff(same) == 0) & (np.diff(following) == 1), 1)
    return same[np.cumsum(runs.length) - runs.length], runs


def _runs(columns: FloatArray, goes_on: FloatArray, step: int) -> Runs:
    starts = np.concatenate([[0], 1 + np.flatnonzero(~goes_on)])
    return Runs(columns[starts], np.diff([*starts, len(columns)]), step)
