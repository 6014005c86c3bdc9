"""Text: literals, lists of columns, and lines broken to a readable length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from autograd.vectorize.patterns import axes_of
from autograd.vectorize.source.dialects import Dialect

_COLUMNS = 100  # a longer line is broken,
_WITH_COMMENT = 110  # and one that is longer than this with its indentation and its comment


def broken(line: str, comment: str = "") -> list[str]:
    """A line of the body of the function. A long line is broken after commas and before plus signs, at the outermost brackets."""
    if len(line) > _COLUMNS and any(depth == 0 for _, depth in _breaks(line)):
        name, _, terms = line.partition(" = ")
        line = f"{name} = ({terms})"
    pieces, start = [], 0
    room = min(_COLUMNS, _WITH_COMMENT - len(f"        # {comment}"))
    breaks = [(depth, -position) for position, depth in _breaks(line) if depth]
    while len(line) - start > room:
        near = [each for each in breaks if start + _COLUMNS // 3 < -each[1] <= start + _COLUMNS]
        if not near:
            break
        end = -min(near)[1]
        pieces.append(line[start:end].rstrip())
        start = end
    pieces.append(line[start:])
    if comment:
        pieces[-1] += f"  # {comment}"
    return [f"{'' if not piece else '    ' if index == 0 else '        '}{piece}" for index, piece in enumerate(pieces)]


def _breaks(line: str) -> list[tuple[int, int]]:
    """The positions at which a line can be broken, each with the number of open brackets."""
    found, depth = [], 0
    for position, sign in enumerate(line):
        depth += (sign in "([") - (sign in ")]")
        if sign == " " and line[position - 1] == "," and depth:
            found.append((position + 1, depth))
        if sign == "+" and line[position - 1 : position + 2] == " + ":
            found.append((position, depth))
    return found


def columns_text(columns: np.ndarray[Any, Any], dialect: Dialect) -> str:
    """A list of columns, by a rule if it consists of evenly shifted copies of one row, or of the first numbers, each repeated by a rule."""
    if text := _rule(columns, dialect.name):
        return text
    different, counts = np.unique(columns, return_counts=True)
    if np.array_equal(columns, np.repeat(np.arange(len(different)), counts)) and (text := _rule(counts, dialect.name)):
        return dialect.repeat.format(array=_arange(0, 1, len(different), dialect.name), counts=text, count=len(columns))
    return dialect.columns.format(columns.tolist())


def taken_text(array: str, columns: np.ndarray[Any, Any], size: int, rest: Sequence[str]) -> str:
    """Columns of an array (*rest, size) as slices and transposed axes, if loops over a few axes enumerate them; otherwise ""."""
    axes = axes_of(columns)
    if len(columns) <= 8 or axes is None or len(axes) < 2:
        return ""
    several = f"({', '.join(rest)}, {{}})"
    order = sorted(range(len(axes)), key=lambda axis: -abs(axes[axis][1]))
    units = [size, *(abs(axes[axis][1]) for axis in order), 1]
    if 0 in units or any(unit % smaller for unit, smaller in pairwise(units)):
        return ""
    lengths = [unit // smaller for unit, smaller in pairwise(units)]
    starts = [int(columns[0]) % unit // smaller for unit, smaller in pairwise(units)]
    cut = [_stretch(start, *axes[axis], length) for axis, start, length in zip(order, starts, lengths)]
    if "" in cut:
        return ""
    if lengths[-1] == 1:
        lengths.pop()
    else:
        cut.append(str(starts[-1]))
    while cut and cut[-1] == ":":
        cut.pop()
    text = f"{array}.reshape{several.format(', '.join(map(str, lengths)))}"
    if cut:
        text += f"[{', '.join([':'] * len(rest) + cut)}]"
    moved = [len(rest) + order.index(axis) for axis in range(len(axes))]
    if moved != sorted(moved):
        text += f".transpose({', '.join(map(str, [*range(len(rest)), *moved]))})"
    return f"{text}.reshape{several.format(len(columns))}"


def _stretch(start: int, count: int, step: int, length: int) -> str:
    """A slice of `count` entries of an axis, forward or backward from `start`; "" if it does not fit into the length of the axis."""
    last = start + (count - 1 if step > 0 else 1 - count)
    if not 0 <= last < length:
        return ""
    if count == length:
        return ":" if step > 0 else "::-1"
    return f"{start}:{last + 1}" if step > 0 else f"{start}:{last - 1 if last else ''}:-1"


def numbers_text(numbers: np.ndarray[Any, Any], namespace: str) -> str:
    """An array of floats as source: a rule for whole numbers, repeated numbers, a repeated row, or otherwise a list."""
    shape = f".reshape{numbers.shape}" if numbers.ndim > 1 else ""
    row, bits = numbers.ravel(), numbers.ravel().view(np.int64)
    if len(row) > 8:
        are_whole = np.all(np.abs(row) < 2**53) and np.array_equal(row.astype(np.int64).astype(float).view(np.int64), bits)
        if are_whole and (text := _rule(row.astype(np.int64), namespace)):
            return f"{text}.astype(float){shape}"
        for size in (each for each in range(1, len(row) // 2 + 1) if len(row) % each == 0):
            times = len(row) // size
            for name, part in (("tile", slice(size)), ("repeat", slice(None, None, times))):
                if np.array_equal(getattr(np, name)(bits[part], times), bits):
                    return f"{namespace}.{name}({_listed(row[part], namespace)}, {times}){shape}"
    return _listed(row, namespace) + shape


def _listed(numbers: np.ndarray[Any, Any], namespace: str) -> str:
    return f"{namespace}.array([{', '.join(repr(each) if np.isfinite(each) else literal(each, namespace) for each in numbers.tolist())}])"


def starts_text(lengths: np.ndarray[Any, Any], dialect: Dialect) -> str:
    """The first columns of segments of these lengths."""
    if text := _rule(lengths, dialect.name):
        return f"{dialect.name}.cumsum({text}) - {text}"
    return columns_text(np.cumsum(lengths) - lengths, dialect)


def _rule(columns: np.ndarray[Any, Any], namespace: str) -> str:
    """An expression for columns that follow a rule, or "" for others, or if the list is as short."""
    if len(columns) <= 8:
        return ""
    first = _evenly(columns)
    if len(first) == len(columns):
        return _arange(int(first[0]), int(first[1] - first[0]), len(first), namespace) if first[1] > first[0] else ""
    grid = columns.reshape(-1, len(first)) if len(columns) % len(first) == 0 else columns.reshape(-1, 1)
    starts, row = grid[:, 0], grid[0] - grid[0, 0]
    if len(row) > 1 and np.array_equal(grid, starts[:, None] + row) and np.all(row >= 0):
        if not row.any():
            return f"{namespace}.repeat({_short(starts, namespace)}, {len(row)})"
        if not np.any(starts != starts[0]):
            return f"{namespace}.tile({_short(grid[0], namespace)}, {len(starts)})"
        return f"{namespace}.add.outer({_short(starts, namespace)}, {_short(row, namespace)}).ravel()"
    return ""


def _evenly(columns: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The columns at the beginning that are evenly spaced."""
    breaks = np.flatnonzero(np.diff(columns, 2))
    return columns[: breaks[0] + 2] if len(breaks) else columns


def _short(columns: np.ndarray[Any, Any], namespace: str) -> str:
    """An array, for a function of the namespace: evenly spaced numbers as a range, others by a rule or as a list."""
    first = _evenly(columns)
    if len(columns) > 1 and len(first) == len(columns) and first[1] > first[0]:
        return _arange(int(first[0]), int(first[1] - first[0]), len(first), namespace)
    return _rule(columns, namespace) or f"{namespace}.array({columns.tolist()})"


def entries_text(entries: np.ndarray[Any, Any], blocks: int, shape: tuple[int, int], dialect: Dialect) -> str:
    """Increasing places in some matrices of one shape, one after another: by their triangle if it is the same of all matrices."""
    rows, columns = shape
    mask = np.zeros((blocks, rows, columns), bool)
    mask.ravel()[entries] = True
    offset = int(mask[0, 0].sum()) - 1
    if len(entries) > 8 and np.all(mask == np.tri(rows, columns, offset, bool)):
        given = f"{rows}, {columns}, {offset}" if offset else f"{rows}, {columns}" if rows != columns else f"{rows}"
        triangle = f"{dialect.name}.tri({given})"
        text = f"{dialect.name}.tile({triangle}, ({blocks}, 1))" if blocks > 1 else triangle
        return dialect.chosen.format(mask=text, count=len(entries))
    return columns_text(entries, dialect)


def _arange(start: int, step: int, count: int, namespace: str) -> str:
    if step == 1:
        return f"{namespace}.arange({start}, {start + count})" if start else f"{namespace}.arange({count})"
    return f"{namespace}.arange({start}, {start + step * count}, {step})"


def literal(value: float, namespace: str) -> str:
    if not np.isfinite(value):
        return f"{'-' if value < 0 else ''}{namespace}.{abs(value)}"
    return str(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)
