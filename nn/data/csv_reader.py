"""A CSV file as arrays: numpy reads the numbers, a piece of the file at a time; what it cannot read, `csv` goes over to say which line.

Which columns hold words, and whether there is a header, is decided from the first rows; every later row is held against it.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from nn._validation import is_whole
from nn.data._types import Array

MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none"})

SAMPLE = 1000  # as many rows are looked at before it is decided what the columns are
PIECE = 1 << 20  # characters that are read at a time
MOST_WORDS = 1000  # a column with more different words makes too many columns: it is a name or a text rather than a category

Column = str | int
Piece = tuple[int, str]  # the number of its first line, and whole rows


class Table(NamedTuple):
    """What `load_csv` read."""

    X: Array  # (n, features)
    y: NDArray[Any]  # (n,): int64 for classes and whole numbers, else float64
    features: list[str]  # the names of X's columns
    classes: list[str]  # the names of the labels, where the target was in words; else empty
    header: bool  # whether the first line was taken for the names of the columns
    because: str  # why, in a sentence


def load_csv(
    source: str | os.PathLike[str] | TextIO,
    target: Column = -1,
    delimiter: str = ",",
    *,
    header: bool | None = None,
    categorical: Column | Collection[Column] = (),
    drop: Column | Collection[Column] = (),
    missing: str | Collection[str] = MISSING,
) -> Table:
    """A CSV file in UTF-8 as a `Table`. `source` is its path, gzipped where that ends in .gz, or the file, open as text.

    `target` is the column to predict, `drop` those to leave out, each a name or a position. The features are numbers;
    those in `categorical` hold words, and make a column of 0.0 and 1.0 for each word, `colour=blue`, `colour=red`, in alphabetical
    order. A target in words, or in `categorical`, becomes labels 0, 1, ... in that order. A cell is missing where it is one
    of the words `missing`, in small or capital letters: `missing=MISSING | {"-999"}` adds one.

    The first line is a header where `header` is True, and an example where it is False. For None it is a header where a column is
    given by its name; where a word stands over numbers; where none of its cells is a number, unless one of them recurs below;
    where its numbers count 0, 1, 2, ... as pandas names columns (0, 1 alone over fractions only); and where whole, ascending
    numbers, such as years, stand beside a word over other words that each recur, or, one after the other, over fractions alone.
    Else it is an example.
    What was decided, and why, is in the table's `header` and `because`.

    Raises ValueError, naming the lines, for missing values, for numbers that are not finite, for words in a column of
    numbers, and for rows of unequal length; whatever the file's size, beside the table only a piece of it is held.

    >>> import io
    >>> table = load_csv(io.StringIO(chr(10).join(["size,kind", "1.5,cat", "4.0,dog"])))
    >>> table.X.tolist(), table.y.tolist(), table.features, table.classes
    ([[1.5], [4.0]], [0, 1], ['size'], ['cat', 'dog'])
    """
    if header is not None and not isinstance(header, bool):
        raise ValueError(f"header is True, False, or None to find out, got {header!r}")
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f'delimiter is one character, such as "," or ";" or "\\t", got {delimiter!r}')
    is_missing = _Missing([missing] if isinstance(missing, str) else missing)
    with _opened(source) as (file, name):
        try:
            asked = _Asked(name, target, delimiter, header, _columns(categorical), _columns(drop), is_missing)
            pieces = _pieces(file, name, delimiter)
            layout, first = _lay_out(asked, pieces)
            return _table(layout, list(_parts(layout, chain([first], pieces))))
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{name} is not a CSV file in UTF-8: {error}") from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{name} is not a whole gzip file: {error}") from error


# The file, as pieces of whole rows.


@contextmanager
def _opened(source: str | os.PathLike[str] | TextIO) -> Iterator[tuple[TextIO, str]]:
    """The file and what to call it. One that the user opened stays open."""
    if not isinstance(source, (str, os.PathLike)):
        if not hasattr(source, "readline"):
            raise ValueError(f"load_csv reads a path or an open text file, got {type(source).__name__}")
        yield source, str(getattr(source, "name", "the open file"))
        return
    path = Path(source)
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix.lower() == ".gz" else path.open(encoding="utf-8") as file:
        yield file, str(path)


def _pieces(file: TextIO, name: str, delimiter: str) -> Iterator[Piece]:
    line = 1
    while text := file.read(PIECE):
        if not isinstance(text, str):
            raise ValueError(f'{name} is open for bytes: open it as text, open(path, encoding="utf-8")')
        text = _with_newlines(text + file.readline())
        if line == 1:
            text = text.lstrip("\ufeff")
        if '"' in text:
            text += _rest_of_row(text, line, file, delimiter)
        yield line, text
        line += text.count("\n")


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _rest_of_row(text: str, start: int, file: TextIO, delimiter: str) -> str:
    """The lines to read on where a quoted cell goes beyond the end of the text. On the way `csv` checks all its quotes."""
    rest: list[str] = []

    def lines() -> Iterator[str]:
        yield from io.StringIO(text)
        while line := _with_newlines(file.readline()):
            rest.append(line)
            yield line

    last = start + text.count("\n") - text.endswith("\n")
    for line, _ in _raw_rows(lines(), delimiter, start):
        if line >= last:
            break
    return "".join(rest)


def _raw_rows(lines: Iterable[str], delimiter: str, start: int) -> Iterator[tuple[int, list[str]]]:
    """Every row as the number of its last line and its cells; a blank line has none."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield start - 1 + reader.line_num, row
    except csv.Error as error:
        raise csv.Error(f"{error} (line {start - 1 + reader.line_num})") from error


def _rows(text: str, delimiter: str, start: int) -> Iterator[tuple[int, list[str]]]:
    """The rows of a piece that are not blank, the cells without the space around them."""
    return ((line, [cell.strip() for cell in row]) for line, row in _raw_rows(io.StringIO(text), delimiter, start) if row)


# Cells.


def _number(cell: str) -> float | None:
    """The cell as numpy reads it: Python would take 1_000 and the digits of other scripts for numbers, too."""
    try:
        return float(cell) if cell.isascii() and "_" not in cell else None
    except ValueError:
        return None


def _is_digits(cell: str) -> bool:
    return cell.isascii() and cell.isdigit()


def _is_rounded(cell: str) -> bool:
    """Whether a cell is a whole number that no float64 equals: two such labels may be read as the same number."""
    return _is_digits(cell.lstrip("+-")) and int(cell) != float(cell)


class _Missing:
    """Whether a cell is missing: it is one of the words, or a number equal to one."""

    def __init__(self, words: Collection[str]) -> None:
        if not all(isinstance(word, str) for word in words):
            raise ValueError(f'missing holds words, such as "NA" or "-999", got {words!r}')
        self.words = frozenset(word.strip().lower() for word in words)
        numbers = map(_number, self.words)
        self.numbers = [number for number in numbers if number is not None and math.isfinite(number)]

    def __call__(self, cell: str) -> bool:
        return cell.lower() in self.words or (bool(self.numbers) and _number(cell) in self.numbers)


class _Codes(dict[str, float]):
    """The code of each word of a column, in the order in which they come; NaN for a missing one. Looking up a new word gives it a code."""

    def __init__(self, is_missing: Callable[[str], bool]) -> None:
        super().__init__()
        self.is_missing = is_missing
        self.words: dict[str, int] = {}

    def __missing__(self, cell: str) -> float:
        word = cell.strip()
        self[cell] = code = math.nan if self.is_missing(word) else float(self.words.setdefault(word, len(self.words)))
        return code

    def in_order(self) -> list[str]:
        """The words in alphabetical order; numbers by their size."""
        numbers = {word: _number(word) for word in self.words}
        return sorted(self.words, key=lambda word: (math.inf if (number := numbers[word]) is None else number, word))


# What the columns are.


@dataclass(frozen=True)
class _Asked:
    """The arguments of `load_csv`."""

    source: str
    target: Column
    delimiter: str
    header: bool | None
    categorical: list[Column]
    drop: list[Column]
    is_missing: _Missing

    def name(self) -> str:
        """The first argument that gives a column by its name, or nothing."""
        given = [("target", [self.target]), ("categorical", self.categorical), ("drop", self.drop)]
        return next((f"{key}={column!r}" for key, columns in given for column in columns if isinstance(column, str)), "")


@dataclass(frozen=True)
class _Layout:
    """What the columns are. They are known by their position."""

    asked: _Asked
    names: list[str]
    header: bool
    because: str
    target: int
    features: list[int]
    categorical: set[int]
    codes: dict[int, _Codes]  # of the columns in words

    def written(self, column: int) -> str:
        """The column as the user writes it in an argument."""
        return repr(self.names[column] if self.header else column)


def _columns(given: Column | Collection[Column]) -> list[Column]:
    return [given] if isinstance(given, (str, int, np.integer)) else list(given)


def _lay_out(asked: _Asked, pieces: Iterator[Piece]) -> tuple[_Layout, Piece]:
    """The layout, and what the first piece holds below the header."""
    start, text = next((piece for piece in pieces if piece[1].strip("\n")), (1, ""))
    while len(sample := list(islice(_rows(text, asked.delimiter, start), SAMPLE + 1))) < 2 and (further := next(pieces, None)):
        text += further[1]
    if not sample:
        raise ValueError(f"{asked.source} is empty")
    line, first = sample[0]
    for number, row in sample:
        if len(row) != len(first):
            raise ValueError(
                f"{asked.source}, line {number}: {len(row)} cells, but the first line has {len(first)}{_other_delimiter(first)}"
            )
    if asked.header is False and asked.name():
        raise ValueError(f"header=False leaves no names for {asked.name()}: give the column's position, from 0")
    target = _position(asked.target, "target", asked.source, first)
    if len(first) < 2:
        raise ValueError(f"{asked.source} has one column only, nothing to predict the target from: is the delimiter {asked.delimiter!r}?")
    dropped = {_position(column, "drop", asked.source, first) for column in asked.drop}
    categorical = {_position(column, "categorical", asked.source, first) for column in asked.categorical} - dropped
    features = [column for column in range(len(first)) if column != target and column not in dropped]
    if target in dropped or not features:
        raise ValueError(f"drop={asked.drop} leaves {asked.source} no {'target' if target in dropped else 'feature'}")

    rows = [row for _, row in sample[1:]]
    header, why = _is_header(asked, first, rows, target)
    because = f"line {line} is {'the header' if header else 'an example'}: {why}"
    names = [cell if header and cell else f"column {position}" for position, cell in enumerate(first)]
    labels = [row[target] for row in (rows if header else [first, *rows]) if not asked.is_missing(row[target])]
    in_words = categorical | ({target} if labels and all(_number(label) is None for label in labels) else set())
    codes = {column: _Codes(asked.is_missing) for column in sorted(in_words)}
    if header:
        lines = text.split("\n", line - start + 1)
        start, text = line + 1, lines[-1] if len(lines) > line - start + 1 else ""
    return _Layout(asked, names, header, because, target, features, categorical, codes), (start, text)


def _other_delimiter(first: list[str]) -> str:
    """What to write where the first line seems to be parted by another character than was said."""
    found = next((each for each in (";", "\t", "|") if len(first) == 1 and each in first[0]), None)
    return f"; if {found!r} parts its cells, write delimiter={found!r}" if found else ""


def _position(column: Column, argument: str, source: str, first: list[str]) -> int:
    if isinstance(column, str):
        if first.count(column) != 1:
            raise ValueError(
                f"{source} has no single column {column!r}: its first line has {', '.join(map(repr, first))[:200]}{_other_delimiter(first)}"
            )
        return first.index(column)
    if not is_whole(column):
        raise ValueError(f"{argument} gives a column by its name or its position, got {column!r}")
    if not -len(first) <= column < len(first):
        raise ValueError(f"{source} has no column {column}: it has {len(first)}")
    return int(column) % len(first)


def _is_header(asked: _Asked, first: list[str], rows: list[list[str]], target: int) -> tuple[bool, str]:
    """Whether the first line holds names, and why: as asked, or judged by all the columns of the rows below it."""
    if asked.header is not None:
        return asked.header, f"header={asked.header} says so"
    if asked.name():
        return True, f"{asked.name()} is a name"
    header, why = _looks_like_header(first, rows, target, asked.is_missing)
    return header, f"{why}; header={not header} says otherwise"


def _looks_like_header(first: list[str], rows: list[list[str]], target: int, is_missing: _Missing) -> tuple[bool, str]:
    """Whether it does, and why: the evidence in the order of its weight."""
    below = [[cell for row in rows if not is_missing(cell := row[column])] for column in range(len(first))]
    of_numbers = {column for column, cells in enumerate(below) if cells and all(_number(cell) is not None for cell in cells)}
    words = {column: cell for column, cell in enumerate(first) if _number(cell) is None and not is_missing(cell)}
    numbers = {column: cell for column, cell in enumerate(first) if _number(cell) is not None}
    for column, word in words.items():
        if column in of_numbers:
            return True, f"{word!r} stands over numbers"
    for column, word in words.items():
        if word in below[column]:
            return False, f"{word!r} recurs below it"
    if words and not numbers:
        return True, "none of its cells is a number"

    if not numbers or not all(_is_digits(cell) and len(cell) < 16 for cell in numbers.values()):
        return False, "its cells are like those below it"

    count = [int(cell) for cell in numbers.values()]
    consecutive = count == list(range(count[0], count[0] + len(count)))
    if words:
        ascend = len(count) > 1 and all(low < high for low, high in pairwise(count))
        if ascend and all(len(below[column]) > 1 and min(Counter(below[column]).values()) > 1 for column in words):
            return True, f"its numbers ascend, and {next(iter(words.values()))!r} is none of the words below it, which all recur"
    elif consecutive and count[0] == 0 and not first[0] and below[0] and below[0] == [str(row) for row in range(len(below[0]))]:
        return True, "its numbers count from 0, and its first cell is empty over the numbers of the rows"
    elif consecutive and len(count) == len(first) and rows:
        of_fractions = not any(_is_digits(cell.lstrip("+-")) for column in range(len(first)) if column != target for cell in below[column])
        goes_on = [_number(cell) for cell in rows[0]] == [number + 1 for number in count]
        from_0, is_wide = count[0] == 0, len(first) > 2  # two numbers may count by chance, so both signs are needed there
        if (of_fractions and (from_0 or is_wide)) or (from_0 and is_wide and not goes_on):
            return True, f"its numbers count {', '.join(map(str, count[:3]))}, as names of columns do"
    return False, "its cells are like those below it"


# The rows.


def _parts(layout: _Layout, pieces: Iterator[Piece]) -> Iterator[Array]:
    """Each piece as numbers (rows, columns), with codes in place of words. The first fault ends it, with an error that names the lines."""
    for piece in pieces:
        if not piece[1].strip("\n"):
            continue
        try:
            part = _read(layout, piece[1])
        except ValueError as error:
            raise _fault(layout, chain([piece], pieces), error) from None
        for column in layout.features:
            if column in layout.codes and len(layout.codes[column].words) > MOST_WORDS:
                raise ValueError(
                    f"{layout.asked.source}: {layout.names[column]!r} has more than {MOST_WORDS} different words, too many columns: "
                    f"drop=[{layout.written(column)}] leaves it out"
                )
        yield part


def _read(layout: _Layout, text: str) -> Array:
    """The text as numbers (rows, columns). Raises ValueError where anything in it is not as it should be, be it unclear what."""
    converters: dict[int | str, Callable[[str], float]] = {column: codes.__getitem__ for column, codes in layout.codes.items()}
    of_numbers = [column for column in (layout.target, *layout.features) if column not in layout.codes]
    unread = set(range(len(layout.names))) - {layout.target, *layout.features}
    converters |= dict.fromkeys(unread, _nothing)  # not numpy's usecols, which would pass over rows of unequal length
    part: Array = np.loadtxt(
        io.StringIO(text), delimiter=layout.asked.delimiter, comments=None, quotechar='"', converters=converters, encoding=None, ndmin=2
    )
    if part.shape[1] != len(layout.names):
        raise ValueError(f"{part.shape[1]} columns")
    if not np.isfinite(part).all():
        raise ValueError("a number is missing or not finite")
    if layout.asked.is_missing.numbers and np.isin(part[:, of_numbers], layout.asked.is_missing.numbers).any():
        raise ValueError("a number is missing")
    is_large = layout.target in of_numbers and (np.abs(part[:, layout.target]) >= 2**53).any()
    if is_large and any(_is_rounded(row[layout.target]) for _, row in _rows(text, layout.asked.delimiter, 1)):
        raise ValueError("the target is a whole number with too many digits")
    codes = layout.codes.get(layout.target)
    if codes and layout.target not in layout.categorical and any(_number(word) is not None for word in codes.words):
        raise ValueError("the target is in words and in numbers")
    return part


def _nothing(cell: str) -> float:
    return 0.0


def _fault(layout: _Layout, pieces: Iterable[Piece], error: ValueError) -> ValueError:
    """What is wrong with the first faulty line of the pieces; for a missing value all the lines that lack one in this column."""
    source, read = layout.asked.source, {layout.target, *layout.features}
    rows = (row for start, text in pieces for row in _rows(text, layout.asked.delimiter, start))
    for line, row in rows:
        if len(row) != len(layout.names):
            return ValueError(f"{source}, line {line}: {len(row)} cells, but the first line has {len(layout.names)}")
        for column, cell in enumerate(row):
            if column not in read:
                continue
            name = repr(layout.names[column])
            if layout.asked.is_missing(cell):
                lines = [line, *(line for line, row in rows if len(row) > column and layout.asked.is_missing(row[column]))]
                return ValueError(f"{source}: no value for {name} on {_listed(lines)}: fill it in or remove the lines ({layout.because})")
            if wrong := _wrong(layout, column, cell):
                return ValueError(f"{source}, line {line}: {name} is {cell[:60]!r}, {wrong} ({layout.because})")
    return ValueError(f"{source}: numpy does not read some of its lines as csv does: {error}")


def _wrong(layout: _Layout, column: int, cell: str) -> str:
    """What is wrong with a cell that is not missing, or nothing."""
    number, written = _number(cell), layout.written(column)
    if column in layout.categorical:
        return ""
    if column in layout.codes:
        return "" if number is None else f"a number among words: categorical=[{written}] makes each of them a class"
    if number is None and column == layout.target:
        return f"not a number, as the target is on other lines: categorical=[{written}] makes each of them a class"
    if number is None:
        return f"not a finite number: for a column of words, categorical=[{written}] makes a column of each, drop=[{written}] leaves it out"
    if not math.isfinite(number):
        return "not a finite number"
    if column == layout.target and _is_rounded(cell):
        return f"a whole number with more digits than float64 holds: categorical=[{written}] makes each of them a class"
    return ""


def _listed(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:8]))
    return f"line{'s' * (len(lines) > 1)} {shown}" + (f" and {len(lines) - 8} more" if len(lines) > 8 else "")


def _table(layout: _Layout, parts: list[Array]) -> Table:
    if not parts:
        raise ValueError(f"{layout.asked.source} has no rows below its header ({layout.because})")
    words = {column: codes.in_order() for column, codes in layout.codes.items()}
    ranks = {column: np.argsort([layout.codes[column].words[word] for word in order]) for column, order in words.items()}
    names: list[list[str]] = [
        [f"{layout.names[column]}={word}" for word in words[column]] if column in words else [layout.names[column]]
        for column in layout.features
    ]
    n = sum(map(len, parts))
    X, y = np.zeros((n, sum(map(len, names)))), np.empty(n)
    while parts:  # from the end, each freed once it is copied
        part = parts.pop()
        rows = slice(n - len(part), n)
        y[rows] = part[:, layout.target]
        at = 0
        for column, its_names in zip(layout.features, names):
            if column in words:
                X[np.arange(rows.start, rows.stop), at + ranks[column][part[:, column].astype(np.int64)]] = 1.0
            else:
                X[rows, at] = part[:, column]
            at += len(its_names)
        n -= len(part)
    classes = words.get(layout.target, [])
    if classes:
        labels: NDArray[Any] = ranks[layout.target][y.astype(np.int64)]
    elif (y == np.floor(y)).all() and (np.abs(y) < 2**63).all():
        labels = y.astype(np.int64)
    else:
        labels = y
    return Table(X, labels, list(chain.from_iterable(names)), classes, layout.header, layout.because)
