"""Tables: what `lookup` reads in a function that is being recorded.

A table of parameters and constants is one object in the scalar graph, whatever its size: each of its columns is an operation on the
index. A table with computed entries is recorded as a choice of `where` between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from operator import attrgetter, eq, is_
from typing import Any

import numpy as np

from autograd import ops
from autograd.errors import TraceError
from autograd.ops import Node, Operation
from autograd.value import Value
from autograd.vectorize.memory import FloatArray

_TAKEN = "lookup takes a list of Values and numbers, or of rows of them that have the same length"


class Column(Operation):
    """A column of a table as an operation on the number of a row. No derivative flows to that number."""

    def __init__(self, table: Table, place: int) -> None:
        super().__init__(f"column {place} of table {table.number}", self._at, self._at, 0.0)
        self.table, self.place = table, place

    def _at(self, row: Any) -> Any:
        entry = next(islice(self.table.entries(), int(row) * self.table.width + self.place, None))
        return entry.data if isinstance(entry, Value) else entry


class Table:
    """Leaf Values and constants in rows, as they were when the function looked up a row.

    Attributes
    ----------
    number : int
        The number of tables that were used before it in its recording.
    shape : tuple of int
        The number of rows, and the shape of a row.
    width : int
        The number of entries of a row.
    columns : list of Column
        The columns as operations.
    """

    def __init__(self, number: int, shape: tuple[int, ...], rows: Sequence[Any]) -> None:
        self.number, self.shape, self.width = number, shape, math.prod(shape[1:])
        self._rows = [each[:] for each in rows]
        self._kinds = set(map(type, self.entries()))
        self.columns = [Column(self, place) for place in range(self.width)]

    def entries(self) -> Iterator[Any]:
        """The Values and constants, row by row."""
        return chain.from_iterable(self._rows)

    def values(self) -> list[Value]:
        """The Values, row by row."""
        return list(self.entries()) if self._kinds == {Value} else [each for each in self.entries() if isinstance(each, Value)]

    @cached_property
    def has_no_repeats(self) -> bool:
        """Whether all its Values are different ones."""
        values = self.values()
        return len(set(values)) == len(values)

    def is_same(self, shape: tuple[int, ...], rows: Sequence[Any]) -> bool:
        """Whether it has the same Values and constants in the same places."""
        if self.shape != shape or len(self._rows) != len(rows):
            return False
        if isinstance(rows[0], np.ndarray) or isinstance(self._rows[0], np.ndarray):
            return all(type(a) is type(b) and a.tobytes() == b.tobytes() for a, b in zip(rows, self._rows))
        if self._kinds != {Value}:
            return all(map(is_, self.entries(), chain.from_iterable(rows)))
        try:
            return all(map(eq, self._rows, rows))  # lists compare identities first; a recording refuses the truth value of v == w
        except TraceError:
            return False


class Tables:
    """The lookups of a recorded function: its tables, and for each index the number of rows that it may choose from.

    Attributes
    ----------
    known : list of Table
        The tables of this and of earlier recordings of the function.
    used : list of Table
        The tables of this recording, in the order of their first use.
    limits : dict
        For an index, as (number of the argument, place in one example), the rows of the shortest table that it chooses from.
    """

    def __init__(self, known: Sequence[Table] = ()) -> None:
        self.known, self.used = list(known), list[Table]()
        self.limits: dict[tuple[int, int], int] = {}

    def row(self, table: Any, index: Any, place: tuple[int, int]) -> Any:
        """Return the row of a table at an index that is not known yet: a scalar, or a list for a table of rows."""
        shape, rows = _in_rows(table)
        self.limits[place] = min(shape[0], self.limits.get(place, shape[0]))
        known = self._known(shape, rows)
        if known is None and not isinstance(rows[0], np.ndarray):
            entries = list(chain.from_iterable(rows))
            kinds = set(map(type, entries))
            if kinds != {Value}:
                entries = [each if isinstance(each, Node) else ops.real(each) for each in entries]
                kinds = set(map(type, entries))
            if _has_results(entries, kinds):
                return nested(_chosen(index, entries, shape[0]), shape[1:])
            if kinds == {float}:
                rows = [np.array(entries)]
                known = self._known(shape, rows)
        if known is None:
            known = Table(len(self.used), shape, rows)
            self.known.append(known)
        if known not in self.used:
            self.used.append(known)
        return nested([column(index) for column in known.columns], shape[1:])

    def _known(self, shape: tuple[int, ...], rows: Sequence[Any]) -> Table | None:
        return next((each for each in self.known if each.is_same(shape, rows)), None)


def _in_rows(table: Any) -> tuple[tuple[int, ...], Sequence[Any]]:
    """The shape of a table, and sequences that hold its entries one after the other, such as its rows; one array for an array."""
    if isinstance(table, np.ndarray) and table.size and table.ndim and table.dtype.kind in "biuf":
        return table.shape, [np.array(table, np.float64).ravel()]
    rows, shape = [table], list[int]()
    while True:
        kinds = set(map(type, rows))
        if np.ndarray in kinds:
            rows = [each.tolist() if isinstance(each, np.ndarray) else each for each in rows]
            kinds = set(map(type, rows))
        if not all(issubclass(kind, (list, tuple)) for kind in kinds):
            raise TypeError(f"{_TAKEN}, got {type(table).__name__} {table!r:.60}")
        lengths = set(map(len, rows))
        if len(lengths) > 1 or lengths == {0}:
            raise ValueError(f"{_TAKEN}, got {f'rows of lengths {sorted(lengths)!s:.60}' if len(lengths) > 1 else 'no entries'}")
        shape += lengths
        if not isinstance(rows[0][0], (list, tuple, np.ndarray)):
            return tuple(shape), rows
        rows = list(chain.from_iterable(rows))


def _has_results(entries: list[Any], kinds: set[type[Any]]) -> bool:
    """Whether some entries, which are of these types, are results of operations or inputs, and not only leaf Values and floats."""
    nodes = [each for each in entries if type(each) is not float] if float in kinds else entries
    return not all(issubclass(kind, Value) for kind in kinds - {float}) or any(map(attrgetter("op"), nodes))


def _chosen(index: Any, entries: list[Any], rows: int) -> list[Any]:
    """The entries of a row, each as a sum that has the entry of the chosen row and 0 for the others."""
    if rows == 1:
        return entries
    width, conditions = len(entries) // rows, [index == row for row in range(rows)]
    return [ops.total(map(ops.where, conditions, entries[place::width], [0.0] * rows)) for place in range(width)]


def nested(scalars: list[Any], shape: Sequence[int]) -> Any:
    """A list as nested lists of this shape; its only entry for the shape ()."""
    for size in reversed(shape[1:]):
        scalars = [scalars[start : start + size] for start in range(0, len(scalars), size)]
    return scalars if shape else scalars[0]


def parameters_of(table: Table, parameters: list[Value]) -> FloatArray:
    """The number of the parameter that each entry of a table is, or -1 for a constant. Parameters that are new are appended."""
    found, values = np.full(math.prod(table.shape), -1), table.values()
    if table.has_no_repeats and (not parameters or set(parameters).isdisjoint(values)):
        numbers: Any = np.arange(len(parameters), len(parameters) + len(values))
        parameters += values
    else:
        places = {each: number for number, each in enumerate(parameters)}
        numbers = [places.setdefault(each, len(places)) for each in values]
        parameters[:] = places
    is_value = slice(None) if len(values) == len(found) else [isinstance(each, Value) for each in table.entries()]
    found[is_value] = numbers
    return found
