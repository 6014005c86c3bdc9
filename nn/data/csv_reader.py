"""Read a CSV file: as arrays of numbers, or as raw columns."""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import zlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from autograd._support import is_whole
from nn.frames import is_index
from nn.inputs import Array

MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none"})
MOST_WORDS = 1000  # a column with more different words is a name or a text, not a category

Column = str | int


class Table(NamedTuple):
    """The result of `load_csv`."""

    X: Array  # (n, features)
    y: NDArray[Any]  # (n,): int64 for classes and whole numbers, otherwise float64
    features: list[str]  # the names of the columns of X
    classes: list[str]  # the names of the labels, if the target is text; otherwise empty


def load_csv(
    source: str | os.PathLike[str] | TextIO,
    target: Column = -1,
    delimiter: str = ",",
    *,
    header: bool = True,
    categorical: Column | Collection[Column] = (),
    drop: Column | Collection[Column] = (),
    missing: str | Collection[str] = MISSING,
    dropna: bool = False,
) -> Table:
    """Read a CSV file in UTF-8 as arrays of numbers. `read_csv` reads raw columns instead.

    Columns are given by name, or by position from 0 (from the end if negative). The whole file is read into memory. For large files
    use pandas or polars, and pass the frames.

    Parameters
    ----------
    source : str, path or text file
        A path (gzip-compressed if it ends in .gz) or a file that is open as text, which stays open.
    target : str or int, default -1
        The column to predict. Text becomes the labels 0, 1, ... in alphabetical order. Whole numbers become int64, other numbers float64.
    delimiter : str, default ","
        The character between cells.
    header : bool, default True
        Whether the first line holds the names of the columns. If False, the columns are called "column 0", "column 1", ...
    categorical : column or collection of columns, default ()
        Features that hold categories. Each word becomes a column of 0.0 and 1.0, such as `colour=blue`, in alphabetical order.
        A target in `categorical` becomes labels, even if it holds numbers.
    drop : column or collection of columns, default ()
        Columns to leave out.
    missing : str or collection of str, default MISSING
        Cells that mean a missing value, in lower or upper case. `missing=MISSING | {"-999"}` adds one.
    dropna : bool, default False
        Whether to leave out the rows with a missing value.

    Returns
    -------
    Table
        X (n, features) as float64, y (n,), the names of the features, and the names of the classes.

    Raises
    ------
    ValueError
        For an invalid argument, and with lines and columns for missing values, cells that are not finite numbers, and a row of another
        length. Also if the first column has no name and holds running numbers, as pandas writes its index: `drop=0` leaves it out.

    Examples
    --------
    >>> import io
    >>> table = load_csv(io.StringIO(chr(10).join(["size,kind", "1.5,cat", "4.0,dog"])))
    >>> table.X.tolist(), table.y.tolist(), table.features, table.classes
    ([[1.5], [4.0]], [0, 1], ['size'], ['cat', 'dog'])
    """
    table = _Columns(source, delimiter, header, target, drop, missing, dropna)
    categories = {*table.positions("categorical", categorical)}
    table.require_values([*table.features, table.target])
    table.require_numbers([column for column in table.features if column not in categories])
    blocks = [table.one_hot(column) if column in categories else table.numbers(column) for column in table.features]
    y, classes = table.labels(table.target in categories)
    return Table(np.hstack([block for block, _ in blocks]), y, [each for _, its_names in blocks for each in its_names], classes)


def read_csv(
    source: str | os.PathLike[str] | TextIO,
    target: Column = -1,
    delimiter: str = ",",
    *,
    header: bool = True,
    drop: Column | Collection[Column] = (),
    missing: str | Collection[str] = MISSING,
    dropna: bool = False,
) -> tuple[dict[str, NDArray[Any]], NDArray[Any]]:
    """Read a CSV file in UTF-8 as raw columns, for a model with a `Preprocessing`.

    Parameters
    ----------
    source, target, delimiter, header, drop, missing, dropna
        See `load_csv`.

    Returns
    -------
    X : dict of str to ndarray
        The features by name: float64 with nan for missing values, or words with None for missing ones if a cell is not a finite number.
    y : ndarray
        The target as it is in the file: words, int64 or float64.

    Raises
    ------
    ValueError
        The same as `load_csv` raises, except that features may be missing.

    Examples
    --------
    >>> import io
    >>> X, y = read_csv(io.StringIO(chr(10).join(["size,colour,kind", "1.5,,cat", "4.0,red,dog"])))
    >>> X["size"].tolist(), X["colour"].tolist(), y.tolist()
    ([1.5, 4.0], [None, 'red'], ['cat', 'dog'])
    """
    table = _Columns(source, delimiter, header, target, drop, missing, dropna)
    table.require_values([table.target])
    columns = {table.names[column]: table.raw(column) for column in table.features}
    if len(columns) < len(table.features):
        name = next(table.names[column] for column in table.features if table.names.count(table.names[column]) > 1)
        places = [column for column in table.features if table.names[column] == name]
        raise ValueError(
            f"{table.source} has {len(places)} columns {name!r:.60}: rename one of them in the file, or drop one by position: "
            f"drop={places[-1]}"
        )
    y, classes = table.labels(is_categorical=False)
    return columns, np.array(classes)[y] if classes else y


def _rows(source: str | os.PathLike[str] | TextIO, delimiter: str) -> tuple[str, list[int], list[list[str]]]:
    """The file's name, and the line number and the cells of each row that is not blank."""
    is_path, name = isinstance(source, (str, os.PathLike)), str(getattr(source, "name", "the open file"))
    try:
        if is_path:
            path = Path(source)  # type: ignore[arg-type]
            name, content = str(path), path.read_bytes()
            text: Any = (gzip.decompress(content) if path.suffix.lower() == ".gz" else content).decode("utf-8")
        elif hasattr(source, "read"):
            text = source.read()
        else:
            raise ValueError(f"load_csv and read_csv read a path or an open text file, got {type(source).__name__}")
        if not isinstance(text, str):
            raise ValueError(f'{name} is open in binary mode: open it as text, open(path, encoding="utf-8")')
        reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter, strict=True)
        numbered = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{name} is not a CSV file in UTF-8: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{name} is not a complete gzip file: {error}") from error
    if not numbered:
        raise ValueError(f"{name} is empty")
    width = len(numbered[0][1])
    for line, row in numbered:
        if len(row) != width:
            raise ValueError(f"{name}, line {line}: {len(row)} cells, but the first line has {width}: is the delimiter {delimiter!r}?")
    return name, [line for line, _ in numbered], [row for _, row in numbered]


def _position(argument: str, column: Any, names: Sequence[str], width: int, source: str) -> int:
    """The position of a column that is given by its name or its position."""
    if isinstance(column, str):
        if names.count(column) != 1:
            found = f"has the columns {', '.join(map(repr, names))[:200]}" if names else "has no names with header=False: give positions"
            raise ValueError(f"{argument}: {source} has no single column {column!r:.60}; it {found}")
        return names.index(column)
    if not is_whole(column) or not -width <= column < width:
        raise ValueError(f"{argument} must be a column's name, or its position in {width} columns, got {column!r:.60}")
    return int(column) % width


class _Columns:
    """The rows below the header, read column by column."""

    def __init__(
        self, source: Any, delimiter: str, header: bool, target: Column, drop: Any, missing: str | Collection[str], dropna: bool
    ) -> None:
        for argument, given in (("header", header), ("dropna", dropna)):
            if not isinstance(given, bool):
                raise ValueError(f"{argument} must be True or False, got {given!r:.60}")
        if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
            raise ValueError(f'delimiter must be one character, such as "," or ";" or "\\t", got {delimiter!r:.60}')
        words = [missing] if isinstance(missing, str) else list(missing)
        if not all(isinstance(word, str) for word in words):
            raise ValueError(f'missing must hold strings, such as "NA" or "-999", got {words!r:.60}')
        self.missing = {word.strip().lower() for word in words}
        self.missing_numbers = {number for word in words if math.isfinite(number := _number(word))}
        self.source, lines, rows = _rows(source, delimiter)
        self.header, given_names = header, rows[0] if header else [""] * len(rows[0])
        self.names = [each or f"column {position}" for position, each in enumerate(given_names)]
        self.written = [repr(name) if header else str(position) for position, name in enumerate(self.names)]  # as arguments
        (self.target,), dropped = self.positions("target", [target]), {*self.positions("drop", drop)}
        self.features = [column for column in range(len(self.names)) if column != self.target and column not in dropped]
        if self.target in dropped or not self.features:
            hint = "" if dropped else f": is the delimiter {delimiter!r}?"
            raise ValueError(f"{self.source} has no {'target' if self.target in dropped else 'feature'} column left{hint}")
        self.lines, self.rows = lines[header:], rows[header:]
        if not self.rows:
            raise ValueError(f"{self.source} has no rows below its header")
        if header and 0 in self.features and is_index(given_names[0], [_number(row[0]) for row in self.rows]):
            raise ValueError(
                f"{self.source}: the first column, {given_names[0]!r}, holds running numbers: it is the index that pandas writes, and no "
                f"feature. drop=0 leaves it out"
            )
        if dropna:
            self.drop_rows_with_missing_values()

    def positions(self, argument: str, given: Any) -> list[int]:
        """The positions of columns that are given by name or position."""
        columns = [given] if isinstance(given, (str, int, np.integer)) else list(given)
        return [_position(argument, each, self.names if self.header else [], len(self.names), self.source) for each in columns]

    def drop_rows_with_missing_values(self) -> None:
        used = [*self.features, self.target]
        kept = [row for row, cells in enumerate(self.rows) if not any(self.is_missing(cells[column]) for column in used)]
        if not kept:
            raise ValueError(f"{self.source} has no row without a missing value")
        self.lines, self.rows = [self.lines[row] for row in kept], [self.rows[row] for row in kept]

    def is_missing(self, cell: str) -> bool:
        return cell.lower() in self.missing or (bool(self.missing_numbers) and _number(cell) in self.missing_numbers)

    def cells(self, column: int) -> list[str]:
        return [row[column] for row in self.rows]

    def require_values(self, columns: Sequence[int]) -> None:
        """Raise ValueError that lists the missing values of all columns with their lines."""
        found = {column: lines for column in columns if (lines := self.lines_where(column, self.is_missing))}
        if found:
            places = []
            for column, lines in found.items():
                shown = ", ".join(map(str, lines[:8])) + (f" and {len(lines) - 8} more" if len(lines) > 8 else "")
                places.append(f"{self.names[column]!r} on line{'s' * (len(lines) > 1)} {shown}")
            hint = "fill it in, or remove the lines, which dropna=True does"
            raise ValueError(f"{self.source}: no value for {'; for '.join(places)}: {hint}")

    def require_numbers(self, columns: Sequence[int]) -> None:
        """Raise ValueError that lists the columns with a cell that is not a finite number."""
        found = {column: lines[0] for column in columns if (lines := self.lines_where(column, lambda cell: not _is_finite(cell)))}
        if found:
            places = []
            for column, line in found.items():
                cell = self.rows[self.lines.index(line)][column]
                places.append(f"line {line}: {self.names[column]!r} is {cell[:60]!r}")
            written = ", ".join(self.written[column] for column in found)
            hint = f"for words, categorical=[{written}] makes a column of each, drop=[{written}] leaves the column out"
            raise ValueError(f"{self.source}, {'; '.join(places)}, not a finite number: {hint}")

    def lines_where(self, column: int, holds: Callable[[str], bool]) -> list[int]:
        return [line for line, row in zip(self.lines, self.rows) if holds(row[column])]

    def require(self, column: int, cells: list[str], holds: Callable[[str], bool], problem: str) -> None:
        """Raise ValueError with the line of the first cell for which a condition does not hold."""
        for line, cell in zip(self.lines, cells):
            if not holds(cell):
                raise ValueError(f"{self.source}, line {line}: {self.names[column]!r} is {cell[:60]!r}, {problem}")

    def raw(self, column: int) -> NDArray[Any]:
        """A feature as it is: numbers with nan for missing values, or words with None."""
        cells = [None if self.is_missing(cell) else cell for cell in self.cells(column)]
        if all(cell is None or _is_finite(cell) for cell in cells):
            return np.array([math.nan if cell is None else float(cell) for cell in cells])
        return np.array(cells, dtype=object)

    def numbers(self, column: int) -> tuple[Array, list[str]]:
        """A feature: (n, 1), and its name."""
        return np.array([[float(cell)] for cell in self.cells(column)]), [self.names[column]]

    def one_hot(self, column: int) -> tuple[Array, list[str]]:
        """A categorical feature: (n, words), 1.0 in the column of the row's word, and the names of the columns."""
        name, (codes, words) = self.names[column], _encode(self.cells(column))
        if len(words) > MOST_WORDS:
            raise ValueError(
                f"{self.source}: {name!r} has more than {MOST_WORDS} different words: drop=[{self.written[column]}] leaves the column out"
            )
        return np.eye(len(words))[codes], [f"{name}={word}" for word in words]

    def labels(self, is_categorical: bool) -> tuple[NDArray[Any], list[str]]:
        """The target: labels and the names of the classes, or numbers and no names."""
        column = self.target
        cells, hint = self.cells(column), f"categorical=[{self.written[column]}] makes each value a class"
        if is_categorical or all(math.isnan(_number(cell)) for cell in cells):
            return _encode(cells)
        self.require(column, cells, _is_finite, f"not a finite number, unlike other lines: {hint}")
        if all(cell.lstrip("+-").isdigit() for cell in cells):
            self.require(column, cells, lambda cell: abs(int(cell)) < 2**63, f"a whole number beyond 64 bits: {hint}")
            return np.array([int(cell) for cell in cells], dtype=np.int64), []
        numbers = np.array([float(cell) for cell in cells])
        is_exact = bool((numbers == np.floor(numbers)).all() and (np.abs(numbers) < 2**53).all())
        return numbers.astype(np.int64) if is_exact else numbers, []


def _encode(cells: list[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Labels from 0, and the words that they stand for: numbers by size, then words in alphabetical order."""
    words = sorted(set(cells), key=lambda word: (math.isnan(number := _number(word)), 0.0 if math.isnan(number) else number, word))
    codes = {word: code for code, word in enumerate(words)}
    return np.array([codes[cell] for cell in cells], dtype=np.int64), words


def _number(cell: str) -> float:
    """The cell as a float; nan if it is not a number."""
    if not cell.isascii() or "_" in cell:
        return math.nan
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _is_finite(cell: str) -> bool:
    return math.isfinite(_number(cell))
