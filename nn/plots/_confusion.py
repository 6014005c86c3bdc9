"""Count and draw how often each class was predicted for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nn.plots._style import axes_or_current, plain_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 1000  # a larger confusion matrix could not be read


def confusion(truth: npt.ArrayLike, predicted: npt.ArrayLike, ax: Axes | None = None, classes: int | Sequence[str] = 0) -> Axes:
    """Draw a confusion matrix: true classes are rows, predicted classes are columns, and shades are shares of the row.

    Parameters
    ----------
    truth, predicted : array_like, shape (n,)
        The labels: whole numbers from 0, or names.
    ax : matplotlib Axes, optional
        The axes to draw on. Default: the current ones.
    classes : int or sequence of str, optional
        The number of classes, or their names. Default: the classes that occur.

    Raises
    ------
    ValueError
        For labels that are not among the classes, and for rows of different lengths.
    """
    rows, columns, names = _labels(truth, predicted, classes)
    if not names:
        raise ValueError("there are no labels to draw the confusion of")
    matrix = _counts(rows, columns, len(names))
    ax = axes_or_current(ax)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    ax.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1.2)  # the square root makes the few mistakes visible
    for row, column in np.argwhere(matrix):
        colour = "white" if share[row, column] > 0.4 else "black"
        ax.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=8, color=colour)
    ax.set(xticks=range(len(names)), yticks=range(len(names)), xticklabels=names, yticklabels=names, xlabel="predicted", ylabel="truth")
    return ax


def confusion_matrix(truth: npt.ArrayLike, predicted: npt.ArrayLike, classes: int | Sequence[str] = 0) -> npt.NDArray[np.int64]:
    """Count how often each class was predicted for each true class.

    Parameters
    ----------
    truth, predicted : array_like, shape (n,)
        The labels: whole numbers from 0, or names.
    classes : int or sequence of str, optional
        The number of classes, or their names. Default: the classes that occur, names in alphabetical order.

    Returns
    -------
    ndarray of int64, shape (classes, classes)
        The row is the true class, the column the predicted one.

    Raises
    ------
    ValueError
        For labels that are not among the classes, and for rows of different lengths.
    """
    rows, columns, names = _labels(truth, predicted, classes)
    return _counts(rows, columns, len(names))


def _counts(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    return np.bincount(rows * size + columns, minlength=size * size).reshape(size, size)


def _labels(
    truth: npt.ArrayLike, predicted: npt.ArrayLike, classes: int | Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[str]]:
    """Two rows of labels as positions among the classes, and the names of the classes."""
    rows, columns = plain_labels("truth", truth), plain_labels("predicted", predicted)
    names = [str(each) for each in (range(classes) if isinstance(classes, int) else classes)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the classes have the name {twice[0]!r} twice")
    if rows.ndim != 1 or rows.shape != columns.shape:
        hint = "; for one-hot rows write argmax(axis=1)" if rows.ndim == 2 or columns.ndim == 2 else ""
        raise ValueError(f"a confusion matrix takes two equally long rows of labels, got shapes {rows.shape} and {columns.shape}{hint}")
    if {rows.dtype.kind, columns.dtype.kind} <= {"U"} and rows.size:
        return _named(rows, columns, [] if isinstance(classes, int) else names)
    if not all(_is_whole(each) for each in (rows, columns)):
        raise ValueError(f"labels are whole numbers, or names in both rows, got rows of {rows.dtype} and {columns.dtype}")
    both = np.concatenate([rows, columns]).astype(np.int64)
    size = len(names) or min(int(both.max(initial=-1)) + 1, MOST_CLASSES)
    if both.size and not 0 <= both.min() <= both.max() < size:
        hint = "give others as names, such as y.astype(str)"
        raise ValueError(f"labels run from 0 to {size - 1} here, got {both.min()} to {both.max()}; {hint}")
    return both[: len(rows)], both[len(rows) :], names or [str(label) for label in range(size)]


def _named(
    truth: npt.NDArray[Any], predicted: npt.NDArray[Any], names: list[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[str]]:
    rows, columns = [str(each) for each in truth.tolist()], [str(each) for each in predicted.tolist()]
    names = names or sorted({*rows, *columns})
    places = {name: place for place, name in enumerate(names)}
    for label in (*rows, *columns):
        if label not in places:
            raise ValueError(f"the label {label!r} is not one of the classes {names}")
    return np.array([places[each] for each in rows]), np.array([places[each] for each in columns]), names


def _is_whole(labels: npt.NDArray[Any]) -> bool:
    return labels.dtype.kind in "biu" or (labels.dtype.kind == "f" and bool((labels == np.round(labels)).all()))
