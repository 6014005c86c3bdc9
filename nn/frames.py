"""Tables with named columns: data frames, dicts of columns and lists of dicts, read as one array for each column.

A column of numbers is float64, with nan for a missing value. A column of words is an array of objects, with None for a missing value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd._support import missing, refuse_masked

Columns = dict[str, NDArray[Any]]
Inputs = ArrayLike | Mapping[str, Any] | Sequence[Mapping[str, Any] | Sequence[Any]]  # frames are array_like too
UNNAMED = ("", "Unnamed: 0")  # the name of the column in which pandas writes an index, in the file and after it is read
MOST_NAMED = 5  # columns in an error message


def is_table(given: Any) -> bool:
    """Whether an object has named columns: a frame, a dict of columns, a list of dicts, or a structured array."""
    if isinstance(given, np.ndarray):
        return given.dtype.names is not None
    if isinstance(given, (list, tuple)):
        return bool(given) and isinstance(given[0], Mapping)
    return isinstance(given, Mapping) or any(hasattr(type(given), name) for name in ("columns", "column_names"))


def columns_of(name: str, given: Any) -> Columns:
    """Return the columns of a table by name.

    Frames of pandas, polars, pyarrow and others are read with narwhals. Raises ValueError for columns of different lengths, two columns of
    one name, entries that are neither numbers nor words, and an index that was read as a column.
    """
    if isinstance(given, np.ndarray):
        pairs: Iterable[tuple[Any, Any]] = ((each, given[each]) for each in given.dtype.names or ())
    elif isinstance(given, Mapping):
        pairs = given.items()
    elif isinstance(given, (list, tuple)):
        pairs = _columns_of_rows(name, given)
    else:
        pairs = _columns_of_frame(name, given)
    columns: Columns = {}
    for column, entries in pairs:
        if str(column) in columns:
            raise ValueError(f"{name} has two columns {str(column)!r:.60}: give them different names")
        columns[str(column)] = column_of(f"column {str(column)!r:.60} of {name}", entries)
    _length_of(name, columns)
    _refuse_index(name, columns)
    return columns


def _length_of(name: str, columns: Mapping[str, Any]) -> int:
    """The number of rows. Raises ValueError for columns of different lengths."""
    lengths = {str(column): len(each) if isinstance(each, Sized) and not isinstance(each, str) else 0 for column, each in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{name} has columns of different lengths: {str(lengths)[1:-1]:.200}")
    return next(iter(lengths.values()), 0)


def _columns_of_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, list[Any]]]:
    """The columns of a list of dicts, each with one row. A name that a row lacks is a missing value."""
    if not all(isinstance(row, Mapping) for row in rows):
        raise ValueError(f"{name} must have a dict for every row, or for none of them")
    return ((column, [row.get(column) for row in rows]) for column in _names_in(rows))


def _names_in(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names in a list of dicts, in the order in which they occur."""
    return list(dict.fromkeys(column for row in rows for column in row))


def _frame(name: str, given: Any) -> Any:
    """A frame of any package, with the methods of narwhals."""
    try:
        import narwhals
    except ImportError as error:
        raise ImportError(missing(f"reading {name} from a {type(given).__name__}", "narwhals")) from error
    try:
        return narwhals.from_native(given, eager_only=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array, or a table in memory such as a frame of pandas or polars: {error}") from None


def _columns_of_frame(name: str, given: Any) -> Iterable[tuple[str, Any]]:
    frame = _frame(name, given)
    import narwhals

    for series in frame.iter_columns():
        is_number = series.dtype.is_numeric() or series.dtype == narwhals.Boolean
        yield series.name, series.cast(narwhals.Float64).to_numpy() if is_number else series.to_list()


def unmasked(name: str, given: Any) -> NDArray[Any]:
    """Return `given` as an array, and numbers among words as objects, because NumPy would write them as words.

    Raises ValueError if it is masked, because NumPy would use the values behind the mask.
    """
    refuse_masked(name, given)
    array = np.asarray(given)
    if array.dtype.kind == "U" and isinstance(given, (list, tuple)):
        entries = np.array(given, dtype=object)
        return array if all(isinstance(each, str) for each in entries.flat) else entries
    return array


def column_of(where: str, given: Any) -> NDArray[Any]:
    """Return the entries of one column: float64 numbers, or words as objects. Raises ValueError for anything else."""
    array = unmasked(where, given)
    if array.ndim != 1:
        hint = ": for one row write [row]" if array.ndim == 0 else ""
        raise ValueError(f"{where} must have one entry for each row, got {given!r:.60}{hint}")
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    known = [None if is_missing(entry) else entry for entry in array.tolist()]
    kinds = {str if isinstance(each, str) else Real if isinstance(each, Real) else type(each) for each in known if each is not None}
    if kinds <= {Real}:
        return np.array([np.nan if each is None else float(each) for each in known])
    if kinds != {str}:
        found = ", ".join(sorted({type(each).__name__ for each in known if each is not None}))
        raise ValueError(f"{where} must hold numbers or words, got {found}: leave it out, or turn it into one of them")
    words = np.empty(len(known), dtype=object)
    words[:] = [None if each is None else str(each) for each in known]
    return words


def is_missing(entry: Any) -> bool:
    """Whether an entry is None, nan, or the missing value of pandas."""
    return entry is None or type(entry).__name__ in ("NAType", "NaTType") or (isinstance(entry, float) and entry != entry)


def missing_in(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a bool for each entry of a column: whether it is missing."""
    return np.array([each is None for each in column], dtype=bool) if column.dtype == object else np.isnan(column)


def is_index(name: str, entries: Any) -> bool:
    """Whether the first column of a table is the index that pandas writes: unnamed running numbers, from 0 or 1."""
    if name not in UNNAMED or len(entries) < 2:
        return False
    return any(np.array_equal(entries, np.arange(first, first + len(entries))) for first in (0, 1))


def _refuse_index(name: str, columns: Columns) -> None:
    first = next(iter(columns), "")
    if columns and is_index(first, columns[first]):
        raise ValueError(
            f"the first column of {name}, {first!r}, holds running numbers: it is the index that pandas writes into a file, and no "
            f"feature. Leave it out, for example with pandas.read_csv(path, index_col=0)"
        )


def chosen(name: str, columns: Columns, names: Sequence[str]) -> Columns:
    """Return the columns with these names, in this order. Raises ValueError that lists all missing ones."""
    if lacking := [each for each in names if each not in columns]:
        raise ValueError(f"{name} lacks the {_named(lacking)}: it has {_named(list(columns))}")
    return {each: columns[each] for each in names}


def matrix(name: str, columns: Columns) -> NDArray[np.float64]:
    """Return columns of numbers as an array (rows, columns). Raises ValueError that lists the columns of words, and what is not finite."""
    if words := [each for each, entries in columns.items() if entries.dtype == object]:
        example = next((word for word in columns[words[0]] if word is not None), "")
        raise ValueError(
            f"{name} has words in the {_named(words)}, such as {example!r:.40}: leave them out, or give the model "
            f"preprocessing=Preprocessing().fit({name}), which makes a column of 0 and 1 for each word"
        )
    array = np.column_stack(list(columns.values())) if columns else np.empty((0, 0))
    wrong = [(int(rows[0]), each) for each, column in columns.items() if (rows := np.flatnonzero(~np.isfinite(column))).size]
    if wrong:
        places = [f"row {row}, column {each!r:.60} is {columns[each][row]}" for row, each in wrong[:MOST_NAMED]]
        more = f"; and {len(wrong) - MOST_NAMED} more columns" if len(wrong) > MOST_NAMED else ""
        raise ValueError(f"{name} must hold finite numbers: {'; '.join(places)}{more}")
    return array


def row_names(name: str, given: Any) -> list[str] | None:
    """Return the names of the columns of a table; None for arrays. Converts nothing."""
    if not is_table(given):
        return None
    if isinstance(given, np.ndarray):
        return list(given.dtype.names or ())
    if isinstance(given, (Mapping, list, tuple)):
        return list(map(str, given if isinstance(given, Mapping) else _names_in(given)))
    return list(_frame(name, given).columns)


def shape_of(name: str, given: Any) -> tuple[int, ...]:
    """Return the shape of an array, or (rows, columns) of a table. Raises ValueError for masked arrays. Converts no table."""
    if not is_table(given) or isinstance(given, np.ndarray):
        refuse_masked(name, given)
        return np.shape(given)
    if isinstance(given, Mapping):
        return (_length_of(name, given), len(given))
    return (len(given), len(_names_in(given))) if isinstance(given, (list, tuple)) else _frame(name, given).shape


def rows_taken(given: Any, rows: NDArray[Any]) -> Any:
    """Return the rows of an array or a table with these numbers, as an object of the same kind."""
    if not is_table(given) or isinstance(given, np.ndarray):
        return unmasked("the array", given)[rows]
    if isinstance(given, Mapping):
        return {column: unmasked(f"column {str(column)!r:.60}", entries)[rows] for column, entries in given.items()}
    if isinstance(given, (list, tuple)):
        return [given[row] for row in rows.tolist()]
    return _frame("the table", given)[rows.tolist(), :].to_native()


def listed(names: Sequence[Any]) -> str:
    """The first names, and dots if there are more."""
    return ", ".join(f"{each!r:.60}" for each in names[:MOST_NAMED]) + ", ..." * (len(names) > MOST_NAMED)


def _named(names: Sequence[str]) -> str:
    return f"column{'s' * (len(names) > 1)} {listed(names)}"
