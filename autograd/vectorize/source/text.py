"""Text: literals, lists of columns, and lines broken to a readable length."""

from __future__ import annotations

from typing import Any

import numpy as np

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
    """A list of columns, by a rule if it consists of evenly shifted copies of one row, as windows and repeats do."""
    count, namespace = len(columns), dialect.name
    for inner in range(2, count // 2 + 1):
        if count % inner == 0 and count > 8:
            grid = columns.reshape(-1, inner)
            start, across, down = int(grid[0, 0]), int(grid[0, 1] - grid[0, 0]), int(grid[1, 0] - grid[0, 0])
            if (
                across >= 0
                and down >= 0
                and np.array_equal(grid, start + down * np.arange(count // inner)[:, None] + across * np.arange(inner))
            ):
                rows, row = _arange(start, down, count // inner, namespace), _arange(0, across, inner, namespace)
                if not across:
                    return f"{namespace}.repeat({rows}, {inner})"
                if not down:
                    return f"{namespace}.tile({_arange(start, across, inner, namespace)}, {count // inner})"
                return f"{namespace}.add.outer({rows}, {row}).ravel()"
    return dialect.columns.format(columns.tolist())


def _arange(start: int, step: int, count: int, namespace: str) -> str:
    if step == 1:
        return f"{namespace}.arange({start}, {start + count})" if start else f"{namespace}.arange({count})"
    return f"{namespace}.arange({start}, {start + step * count}, {step})"


def literal(value: float, namespace: str) -> str:
    if not np.isfinite(value):
        return f"{'-' if value < 0 else ''}{namespace}.{abs(value)}"
    return str(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)
