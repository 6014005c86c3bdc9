"""Preprocessing: raw columns of numbers and words as the inputs of a network, fitted once and saved with it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.frames import MOST_NAMED, Columns, chosen, column_of, columns_of, is_table, missing_in
from nn.inputs import Array

if TYPE_CHECKING:
    from typing_extensions import Self

CHOICES = ("refuse", "drop", "fill")
MOST_WORDS = 1000  # a column with more different words is a name or a text, not a category


class Column(NamedTuple):
    """What `fit` learned of one column: the mean and the standard deviation of numbers, or the words that occur."""

    name: str
    mean: float
    deviation: float
    words: list[str] | None  # None for numbers

    @property
    def features(self) -> list[str]:
        """The names of the inputs that the column becomes."""
        return [self.name] if self.words is None else [f"{self.name}={word}" for word in self.words]


class Preprocessing:
    """Turn raw columns into the inputs of a network: numbers are scaled, and each word becomes a column of 0 and 1.

    A model with a preprocessing takes raw rows wherever it takes X, and keeps it in its files: `model.preprocessing`.

    Parameters
    ----------
    scale : bool, default True
        Whether to shift and scale numbers to mean 0 and standard deviation 1. A constant column becomes 0.
    categorical : collection of str, default ()
        Columns whose numbers are names of categories. Columns of words always are categories.
    missing : {"refuse", "drop", "fill"}, default "refuse"
        What to do with missing values. "refuse" raises an error. "drop" leaves out the rows, but only where there are targets, in training
        and measuring: a prediction raises an error. "fill" uses the mean of a column of numbers, and 0 for all words of a column.

    Attributes
    ----------
    columns : list of Column
        What `fit` learned, for each column.
    features : list of str
        The names of the inputs: a column of numbers keeps its name, and a word has a name such as "island=Dream".
    width : int
        The number of inputs.

    Examples
    --------
    >>> rows = [{"size": 1.0, "kind": "cat"}, {"size": 3.0, "kind": "dog"}]
    >>> preprocessing = Preprocessing().fit(rows)
    >>> preprocessing.features
    ['size', 'kind=cat', 'kind=dog']
    >>> preprocessing.transform([{"size": 2.0, "kind": "dog"}])
    array([[0., 0., 1.]])
    """

    def __init__(self, *, scale: bool = True, categorical: Collection[str] = (), missing: str = "refuse") -> None:
        if missing not in CHOICES:
            raise ValueError(f'missing must be "refuse", "drop" or "fill", got {missing!r:.60}')
        self.scale, self.missing = bool(scale), missing
        self.categorical = [categorical] if isinstance(categorical, str) else sorted(categorical)
        self.columns: list[Column] = []

    @property
    def features(self) -> list[str]:
        return [feature for column in self.columns for feature in column.features]

    @property
    def width(self) -> int:
        self._require_fitted()
        return len(self.features)

    def fit(self, X: Any) -> Self:
        """Learn means, standard deviations and words from raw rows.

        Parameters
        ----------
        X : table or array_like, shape (rows, columns)
            A frame, a dict of columns, a list of dicts, or rows without names: their columns are called "column 0", "column 1", ...

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For a column without numbers or words, with more than 1000 different words, and for missing values if they are refused. The
            preprocessing stays as it was.
        """
        columns = self._columns("X", X, [])
        chosen("X", columns, self.categorical)
        if self.missing == "refuse":
            _refuse_missing(columns, 'write missing="drop" or missing="fill", or fill them')
        if self.missing == "drop":
            complete = _complete(columns)
            columns = {name: entries[complete] for name, entries in columns.items()}
        if not columns or not len(next(iter(columns.values()))):
            raise ValueError("X has no rows to fit" + ' without missing values: write missing="fill"' * (self.missing == "drop"))
        self.columns = [_learned(name, _as_words(each) if name in self.categorical else each) for name, each in columns.items()]
        return self

    def transform(self, X: Any) -> Array:
        """Return raw rows as inputs, an array (rows, width). Columns are found by name; other columns are ignored.

        Raises ValueError for a missing column, an unknown word, words instead of numbers, and missing values unless they are filled.
        """
        self._require_fitted()
        columns = self.read("X", X)
        if self.missing != "fill":
            why = "" if self.missing == "refuse" else ': missing="drop" leaves out rows only in training and measuring'
            _refuse_missing(columns, f"fill them, or leave out the rows{why}")
        return np.hstack([self._inputs(each, columns[each.name]) for each in self.columns])

    def complete(self, X: Any) -> NDArray[np.bool_]:
        """Return a bool for each row: whether training and measuring use it. It is False for rows that "drop" leaves out."""
        self._require_fitted()
        columns = self.read("X", X)
        return _complete(columns) if self.missing == "drop" else np.ones(len(next(iter(columns.values()))), dtype=bool)

    def _inputs(self, column: Column, entries: NDArray[Any]) -> Array:
        """The inputs of one column, (rows, 1) or (rows, words)."""
        if column.words is not None:
            known, found = {word: place for place, word in enumerate(column.words)}, _as_words(entries)
            inputs = np.zeros((len(found), len(known)))
            for row, word in enumerate(found):
                if word is not None and word not in known:
                    raise ValueError(f"row {row}, column {column.name!r:.60} is {word!r:.60}, known are {str(column.words)[1:-1]:.200}")
                if word is not None:
                    inputs[row, known[word]] = 1.0
            return inputs
        if entries.dtype == object:
            words = [row for row, each in enumerate(entries) if each is not None]
            if words:
                raise ValueError(f"row {words[0]}, column {column.name!r:.60} is {entries[words[0]]!r:.60}, and must be a number")
            entries = np.full(len(entries), np.nan)
        if np.isinf(entries).any():
            raise ValueError(f"row {np.flatnonzero(np.isinf(entries))[0]}, column {column.name!r:.60} is infinite: numbers must be finite")
        filled = np.where(np.isnan(entries), column.mean, entries)
        return ((filled - column.mean) / column.deviation if self.scale else filled)[:, None]

    def read(self, name: str, X: Any) -> Columns:
        """Return the columns of raw rows by name: those that `fit` has seen, or all before that."""
        return self._columns(name, X, [each.name for each in self.columns])

    def _columns(self, name: str, X: Any, names: list[str]) -> Columns:
        """The columns of raw rows: those with the given names, or all. Rows without names have them in this order."""
        if is_table(X):
            columns = columns_of(name, X)
            return chosen(name, columns, names) if names else columns
        if (isinstance(X, np.ndarray) and X.ndim != 2) or not hasattr(X, "__len__") or not len(X) or any(np.ndim(row) != 1 for row in X):
            raise ValueError(f"{name} must be raw rows: a frame, a list of dicts, or a list of lists, got {X!r:.60}")
        width = len(X[0])
        names = names or [f"column {place}" for place in range(width)]
        for row, entries in enumerate(X):
            if len(entries) != len(names):
                raise ValueError(f"row {row} of {name} has {len(entries)} entries for {len(names)} columns")
        transposed = X.T if isinstance(X, np.ndarray) else zip(*X)
        return {each: column_of(f"column {each!r:.60} of {name}", _untyped(column)) for each, column in zip(names, transposed)}

    def _require_fitted(self) -> None:
        if not self.columns:
            raise ValueError("this preprocessing is not fitted: write preprocessing.fit(X) first")

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers, strings, lists and dicts, which JSON can hold."""
        columns = [column._asdict() for column in self.columns]
        return {"scale": self.scale, "missing": self.missing, "categorical": self.categorical, "columns": columns}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """Return the preprocessing that `to_dict` described. Raises ValueError for anything else."""
        try:
            made = cls(scale=given["scale"], missing=given["missing"], categorical=given["categorical"])
            made.columns = [Column(**each) for each in given["columns"]]
        except (KeyError, TypeError) as error:
            raise ValueError(f"this does not describe a preprocessing: {error!r:.100}") from None
        for name, mean, deviation, words in made.columns:
            are_numbers = all(type(each) is float and math.isfinite(each) for each in (mean, deviation)) and deviation > 0
            are_words = words is None or (isinstance(words, list) and all(isinstance(each, str) for each in words))
            if not (isinstance(name, str) and are_numbers and are_words):
                raise ValueError(f"the column {name!r:.60} of a preprocessing is damaged")
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Preprocessing) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        settings = [f"scale={self.scale}"] * (not self.scale) + [f"categorical={self.categorical}"] * bool(self.categorical)
        settings += [f"missing={self.missing!r}"] * (self.missing != "refuse")
        fitted = f" of {len(self.columns)} columns as {self.width} inputs" if self.columns else ""
        return f"Preprocessing({', '.join(settings)}){fitted}"


def _learned(name: str, entries: NDArray[Any]) -> Column:
    known = entries[~missing_in(entries)]
    if not len(known):
        raise ValueError(f"column {name!r:.60} has no values: leave it out")
    if entries.dtype == object:
        words = sorted(set(known))
        if len(words) > MOST_WORDS:
            raise ValueError(f"column {name!r:.60} has more than {MOST_WORDS} different words: leave it out")
        return Column(name, 0.0, 1.0, words)
    if np.isinf(known).any():
        raise ValueError(f"column {name!r:.60} has an infinite number: numbers must be finite")
    power = -int(np.frexp(np.abs(known).max())[1])  # scales numbers below 1, so that no square overflows
    offsets = np.ldexp(known, power)
    offsets -= offsets[0]  # exactly 0 in a constant column
    mean = float(np.ldexp(np.ldexp(known[0], power) + offsets.mean(), -power))
    return Column(name, mean, float(np.ldexp(offsets.std(), -power)) or 1.0, None)


def _as_words(entries: NDArray[Any]) -> NDArray[Any]:
    """Entries as words: the number 3.0 is the word "3"."""
    if entries.dtype == object:
        return entries
    words = np.empty(len(entries), dtype=object)
    words[:] = [None if number != number else str(int(number)) if number.is_integer() else repr(number) for number in entries.tolist()]
    return words


def _untyped(column: Any) -> Any:
    """A column of rows without names, in which NumPy may have stored numbers as objects."""
    return column if isinstance(column, np.ndarray) and column.dtype != object else list(column)


def _complete(columns: Columns) -> NDArray[np.bool_]:
    """A bool for each row: whether no value is missing."""
    return ~np.any([missing_in(each) for each in columns.values()], axis=0)  # type: ignore[no-any-return]


def _refuse_missing(columns: Columns, hint: str) -> None:
    """Raise ValueError that lists all columns with missing values."""
    missing = {name: rows for name, each in columns.items() if (rows := np.flatnonzero(missing_in(each))).size}
    if missing:
        places = [f"row {rows[0]}, column {name!r:.60}{f' ({len(rows)} rows)' * (len(rows) > 1)}" for name, rows in missing.items()]
        more = f"; and {len(places) - MOST_NAMED} more columns" if len(places) > MOST_NAMED else ""
        raise ValueError(f"values are missing: {'; '.join(places[:MOST_NAMED])}{more}: {hint}")
