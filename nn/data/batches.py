"""Prepare arrays: one-hot rows, a train-test split, mini-batches, and standardized columns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd._support import check_whole
from nn.frames import columns_of, is_table, rows_taken, shape_of, unmasked
from nn.inputs import Array, Seed, finite_number, generator

ENCODE = "classes, y = np.unique(y, return_inverse=True)"  # turns any labels into whole numbers from 0
MOST_CELLS = 10**8  # 0.8 GB: one_hot creates larger arrays only for an explicit number of classes


def one_hot(y: ArrayLike, classes: int | None = None) -> Array:
    """Labels as rows that are 1.0 at the label and 0.0 elsewhere.

    `classes, y = np.unique(y, return_inverse=True)` turns other labels, such as text or numbers from 1, into labels from 0.

    Parameters
    ----------
    y : array_like, shape (n,)
        Labels from 0.
    classes : int, optional
        The number of classes. Default: the largest label plus 1.

    Returns
    -------
    ndarray of float64, shape (n, classes)

    Raises
    ------
    ValueError
        For a label that is not a whole number from 0 to classes - 1, and if the default would give more than 10^8 numbers.

    Examples
    --------
    >>> one_hot([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = unmasked("y", y)
    if labels.ndim != 1:
        hint = ": write y.ravel()" if labels.shape[1:] == (1,) else ""
        raise ValueError(f"labels must be a one-dimensional array, got shape {labels.shape}{hint}")
    if labels.dtype.kind not in "biuf":
        example = f", as {str(labels[0])!r:.60}" if len(labels) else ""
        raise ValueError(f"labels must be whole numbers of at least 0, got {labels.dtype}{example}: {ENCODE} numbers them from 0")
    limit = math.inf if classes is None else check_whole("classes", classes)
    wrong = np.flatnonzero(~((labels >= 0) & (labels < limit) & (labels == np.floor(labels))))
    if wrong.size:
        label, span = labels[wrong[0]], "of at least 0" if classes is None else f"from 0 to {classes - 1}"
        way_out = f": {ENCODE} numbers them from 0" if math.isfinite(label) else ""
        raise ValueError(f"label {label} at row {wrong[0]} is not a whole number {span}{way_out}")
    width = (int(labels.max()) + 1 if len(labels) else 0) if classes is None else int(classes)
    if classes is None and width * len(labels) > MOST_CELLS:
        raise ValueError(
            f"labels up to {width - 1} need {len(labels)} rows of {width} columns, {8e-9 * width * len(labels):.3g} GB: "
            f"write classes={width} if this is intended, or number the labels that occur: {ENCODE}"
        )
    hot = np.zeros((len(labels), width))
    hot[np.arange(len(labels)), labels.astype(np.int64)] = 1.0
    return hot


def split(X: ArrayLike, y: ArrayLike, test: float = 0.2, seed: Seed = 0) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Shuffle the rows and split them into `(X, y), (X_test, y_test)`.

    Parameters
    ----------
    X, y : array_like, shape (n, ...), or table
        Inputs and targets. Frames stay frames.
    test : float, default 0.2
        The fraction of the rows in the second part.
    seed : int or numpy.random.Generator, default 0
        Determines the order.

    Returns
    -------
    ((X, y), (X_test, y_test))

    Raises
    ------
    ValueError
        If a part is empty, the lengths differ, or `test` or `seed` is invalid.

    Examples
    --------
    >>> (X, y), (X_test, y_test) = split([[1], [2], [3], [4]], [0, 0, 1, 1], test=0.25)
    >>> X.shape, X_test.shape
    ((3, 1), (1, 1))
    """
    count = _same_length(X, y)
    held_out = round(finite_number("test", test) * count)
    if not 0 < held_out < count:
        raise ValueError(f"test={test} of {count} rows leaves one part empty: use a fraction between 0 and 1, or more rows")
    order = generator(seed).permutation(count)
    training, test_rows = order[held_out:], order[:held_out]
    return (rows_taken(X, training), rows_taken(y, training)), (rows_taken(X, test_rows), rows_taken(y, test_rows))


def minibatches(X: ArrayLike, y: ArrayLike, batch_size: int | None = None, seed: Seed = 0) -> Iterator[tuple[Any, Any]]:
    """Iterate over the mini-batches of one epoch: every row once, in random order.

    Parameters
    ----------
    X, y : array_like, shape (n, ...), or table
        Inputs and targets. Frames stay frames.
    batch_size : int, optional
        The number of rows in a mini-batch. The last one may have fewer. Default: all rows.
    seed : int or numpy.random.Generator, default 0
        Determines the order. A generator gives each epoch another order.

    Returns
    -------
    iterator of (X, y)

    Raises
    ------
    ValueError
        If the lengths differ, or `batch_size` or `seed` is invalid. Raised by the call, not by the first iteration.

    Examples
    --------
    >>> [len(y) for X, y in minibatches([[1], [2], [3]], [0, 0, 1], 2)]
    [2, 1]
    """
    count = _same_length(X, y)
    size = count if batch_size is None else check_whole("batch_size", batch_size)
    order = generator(seed).permutation(count)
    parts = (order[start : start + size] for start in range(0, count, size))
    return ((rows_taken(X, rows), rows_taken(y, rows)) for rows in parts)


def standardize(X: ArrayLike, like: ArrayLike | None = None) -> Array:
    """Shift and scale each column to mean 0 and standard deviation 1. A constant column becomes 0.

    Parameters
    ----------
    X : array_like, shape (n, columns)
        The rows to scale.
    like : array_like, shape (m, columns), optional
        The rows that give mean and standard deviation. For test data pass the training data: `standardize(X_test, like=X)`.
        Default: X.

    Returns
    -------
    ndarray of float64, shape (n, columns)

    Raises
    ------
    ValueError
        For arrays of other shapes, and for numbers in `like` that are not finite.

    Examples
    --------
    >>> standardize([[1.0, 5.0], [3.0, 5.0]])
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    X = _numbers("X", X)
    reference = X if like is None else _numbers("like", like)
    if X.ndim != 2 or reference.ndim != 2 or X.shape[1] != reference.shape[1] or not len(reference):
        raise ValueError(
            f"X and like must be rows with equal numbers of columns, and like not empty: got shapes {X.shape} and {reference.shape}"
        )
    if not np.isfinite(reference).all():
        raise ValueError("standardize needs finite numbers to measure: remove or replace NaN and infinite values first")
    exponents = -np.frexp(np.abs(reference).max(axis=0))[1]  # powers of two scale each column below 1, so that no square overflows
    reference, X = np.ldexp(reference, exponents), np.ldexp(X, exponents)
    first = reference[0]
    offsets = reference - first  # exactly 0 in a constant column, and accurate for numbers that are close together
    constant = ~offsets.any(axis=0)
    scaled: Array = (X - first - offsets.mean(axis=0)) / np.where(constant, np.inf, offsets.std(axis=0))
    return scaled


def _numbers(name: str, given: Any) -> Array:
    """The numbers in rows, or in the columns of a table. They may be nan."""
    array = np.column_stack(list(columns_of(name, given).values())) if is_table(given) else unmasked(name, given)
    return array.astype(np.float64, copy=False)


def _same_length(X: Any, y: Any) -> int:
    """Return the number of rows. Raises ValueError unless X and y have the same number, and at least one."""
    shapes = [shape_of("X", X), shape_of("y", y)]
    if not all(shapes) or shapes[0][0] != shapes[1][0]:
        raise ValueError(f"X and y need one row for each example, got shapes {shapes[0]} and {shapes[1]}")
    if not shapes[0][0]:
        raise ValueError("no examples: X and y are empty")
    return shapes[0][0]
