"""Sequences: inputs and targets of different lengths, for `train`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nn.frames import unmasked
from nn.inputs import Array, finite_number


class Sequences:
    """Sequences of different lengths, as inputs or targets of `train`.

    As inputs, the model gets one sequence as a list. As targets, the sequences have the lengths of the inputs: the model returns its
    outputs for each position, and the cost of an example is the mean of `cost(outputs, target)` over its positions.

    Parameters
    ----------
    rows : sequence of sequences, or array of shape (examples, longest)
        For each example its positions: whole numbers, which the model can look up, other numbers, or rows of numbers of one length.
    mask : array of shape (examples, longest), optional
        1 for each position of an example, followed by 0 for what is padding in `rows`.
    padding : number, optional
        As inputs only: a number that stands for positions after the end, so that mini-batches run as one program, as long as their
        longest example. Such positions have no weight in the cost. Only for models in which no position sees a later one, such as a GPT;
        it needs targets for each position. By default the examples of a mini-batch are grouped by length, with a program for each.

    Raises
    ------
    ValueError
        If a sequence is empty, or does not consist of finite numbers, or of rows of one length; and if the mask has another shape than the
        rows, or does not consist of 1s followed by 0s.

    Examples
    --------
    >>> documents = Sequences([[3, 1, 2], [4]])
    >>> len(documents), documents.lengths
    (2, array([3, 1]))
    >>> Sequences([[3, 1, 2], [4, 0, 0]], mask=[[1, 1, 1], [1, 0, 0]]).lengths
    array([3, 1])
    """

    def __init__(self, rows: Iterable[Any] | npt.ArrayLike, mask: npt.ArrayLike | None = None, padding: float | None = None) -> None:
        given = [unmasked(f"row {number}", row) for number, row in enumerate(rows)]  # type: ignore[arg-type]
        if mask is not None:
            given = _cut(given, unmasked("mask", mask))
        if not given:
            raise ValueError("Sequences of no examples: give a list of sequences")
        for number, row in enumerate(given):
            if row.dtype.kind not in "biuf" or row.ndim != given[0].ndim or row.ndim not in (1, 2) or row.shape[1:] != given[0].shape[1:]:
                found = f"an array of {row.dtype} of shape {row.shape}"
                raise ValueError(f"a sequence must be a list of real numbers, or of rows of them of one length: row {number} is {found}")
            if not len(row) or not np.isfinite(row).all():
                raise ValueError(f"row {number} is {'empty' if not len(row) else 'not finite'}: a sequence has at least one finite number")
        self.padding = None if padding is None else finite_number("padding", padding)
        self.lengths = np.array([len(row) for row in given])
        self.are_whole = all(row.dtype.kind in "biu" for row in given)
        if self.are_whole and self.padding is not None and not self.padding.is_integer():
            raise ValueError(f"padding must be a whole number, as the sequences are, got {self.padding}")
        self.numbers: Array = np.full((len(given), self.lengths.max(), *given[0].shape[1:]), np.nan)  # nan after the end
        for place, row in enumerate(given):
            self.numbers[place, : len(row)] = row

    def __len__(self) -> int:
        return len(self.lengths)

    def __repr__(self) -> str:
        return f"<{len(self)} sequences of lengths {self.lengths.min()} to {self.lengths.max()}>"


def _cut(rows: list[npt.NDArray[Any]], mask: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The rows without their padding."""
    shape = (len(rows), *{len(row) for row in rows})
    if mask.shape != shape:
        raise ValueError(f"the mask must have one number for each position of the rows, {shape}: got the shape {mask.shape}")
    lengths = (mask != 0).sum(axis=1)
    if not np.array_equal(mask, np.arange(mask.shape[1]) < lengths[:, None]):
        raise ValueError("a mask consists of 1s for the positions of an example, followed by 0s for its padding")
    return [row[:length] for row, length in zip(rows, lengths.tolist())]


class Layout(NamedTuple):
    """How the arrays of a run hold sequences: as rows that end with nan."""

    are_whole: bool  # the inputs
    padding: float | None
    has_targets: bool  # for each position
    whole_targets: bool

    def groups(self, X: Array, Y: Array | None = None) -> list[tuple[npt.NDArray[Any], list[npt.NDArray[Any]]]]:
        """The examples in groups of one length, the longest first: their places, and their inputs and targets."""
        lengths, found = lengths_of(X), []
        for length in np.unique(lengths)[::-1].tolist():
            places = np.flatnonzero(lengths == length)
            arrays = [_typed(X[places, :length], self.are_whole)]
            if Y is not None:
                arrays.append(_typed(Y[places, :length], self.whole_targets) if self.has_targets else Y[places])
            found.append((places, arrays))
        return found

    def padded(self, X: Array, Y: Array) -> list[npt.NDArray[Any]]:
        """Inputs, targets, and a weight for each position, as long as the longest example. The weights of an example add up to 1."""
        lengths = lengths_of(X)
        longest = int(lengths.max())
        X, Y = X[:, :longest], Y[:, :longest]
        weights = (np.arange(longest) < lengths[:, None]) / lengths[:, None]
        y = np.where(np.isnan(Y), Y[:, :1], Y)  # any target will do where the weight is 0
        x = np.nan_to_num(X, nan=self.padding or 0.0)
        return [_typed(x, self.are_whole), _typed(y, self.whole_targets), weights]


def lengths_of(X: Array) -> npt.NDArray[np.intp]:
    """The length of each row."""
    found: npt.NDArray[np.intp] = (~np.isnan(X.reshape(*X.shape[:2], -1)[..., 0])).sum(axis=1)
    return found


def _typed(numbers: Array, are_whole: bool) -> npt.NDArray[Any]:
    return np.ascontiguousarray(numbers, np.int64 if are_whole else np.float64)
