"""Cutting and scaling: labels as rows of a matrix, a held-out part, mini-batches, columns of one scale."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nn._validation import Seed, finite_number, generator, unmasked, whole_number
from nn.data._types import Array

ENCODE = "classes, y = np.unique(y, return_inverse=True)"  # numbers labels of any kind from 0 up, and keeps their names
MOST_CELLS = 10**8  # 0.8 GB: more than this one_hot makes only where the number of classes is said


def one_hot(y: ArrayLike, classes: int | None = None) -> Array:
    """Labels (n,) as rows (n, classes) that hold 1.0 at the label and 0.0 elsewhere.

    Without `classes` the largest label is the last class. Labels in words, or counted from 1, become labels from 0 by
    `classes, y = np.unique(y, return_inverse=True)`. Raises ValueError for a label that is not a whole number from 0
    to classes - 1, and for a largest label that only a slip can explain.

    >>> one_hot([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = unmasked("y", y)
    if labels.ndim != 1:
        hint = ": write y.ravel()" if labels.shape[1:] == (1,) else ""
        raise ValueError(f"labels are a one-dimensional array, got shape {labels.shape}{hint}")
    if labels.dtype.kind not in "biuf":
        example = f", as {str(labels[0])!r:.60}" if len(labels) else ""
        raise ValueError(f"labels are whole numbers from 0 up, got {labels.dtype}{example}: {ENCODE} numbers them from 0")
    limit = math.inf if classes is None else whole_number("classes", classes)
    wrong = np.flatnonzero(~((labels >= 0) & (labels < limit) & (labels == np.floor(labels))))
    if wrong.size:
        label, span = labels[wrong[0]], "from 0 up" if classes is None else f"from 0 to {classes - 1}"
        way_out = f": {ENCODE} numbers them from 0" if math.isfinite(label) else ""
        raise ValueError(f"label {label} at row {wrong[0]} is not a whole number {span}{way_out}")
    width = (int(labels.max()) + 1 if len(labels) else 0) if classes is None else int(classes)
    if classes is None and width * len(labels) > MOST_CELLS:
        raise ValueError(
            f"labels up to {width - 1} would make {len(labels)} rows of {width} columns, {8e-9 * width * len(labels):.3g} GB: "
            f"say classes={width} if they are meant, or number those that occur: {ENCODE}"
        )
    hot = np.zeros((len(labels), width))
    hot[np.arange(len(labels)), labels.astype(np.int64)] = 1.0
    return hot


def split(X: ArrayLike, y: ArrayLike, test: float = 0.2, seed: Seed = 0) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Shuffle and cut into `(X, y), (X_test, y_test)`, with the fraction `test` of the rows in the second.

    Raises ValueError where either part would be empty, the lengths differ, or `test` or `seed` is none.

    >>> (X, y), (X_test, y_test) = split([[1], [2], [3], [4]], [0, 0, 1, 1], test=0.25)
    >>> X.shape, X_test.shape
    ((3, 1), (1, 1))
    """
    X, y = _same_length(X, y)
    held_out = round(finite_number("test", test) * len(X))
    if not 0 < held_out < len(X):
        raise ValueError(f"test={test} of {len(X)} rows leaves one part empty: use a fraction between 0 and 1, and more rows")
    order = generator(seed).permutation(len(X))
    return (X[order[held_out:]], y[order[held_out:]]), (X[order[:held_out]], y[order[:held_out]])


def minibatches(X: ArrayLike, y: ArrayLike, batch_size: int | None = None, seed: Seed = 0) -> Iterator[tuple[Any, Any]]:
    """One epoch: every row once, in random order, `batch_size` at a time (all at once for None).

    The last mini-batch holds what is left over. A `Generator` as the seed gives each epoch an order of its own.
    Raises ValueError at once, not at the first mini-batch, for lengths that differ and a `batch_size` or `seed` that is none.

    >>> [len(y) for X, y in minibatches([[1], [2], [3]], [0, 0, 1], 2)]
    [2, 1]
    """
    X, y = _same_length(X, y)
    size = len(X) if batch_size is None else whole_number("batch_size", batch_size)
    order = generator(seed).permutation(len(X))
    return ((X[rows], y[rows]) for rows in (order[start : start + size] for start in range(0, len(X), size)))


def standardize(X: ArrayLike, like: ArrayLike | None = None) -> Array:
    """Each column shifted and scaled to mean 0 and standard deviation 1, as measured on `like` (default: `X`).

    Held-out rows take the training rows' measure: `standardize(X_test, like=X)`. A constant column becomes 0.

    >>> standardize([[1.0, 5.0], [3.0, 5.0]])
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    X = unmasked("X", X).astype(np.float64, copy=False)
    reference = X if like is None else unmasked("like", like).astype(np.float64, copy=False)
    if X.ndim != 2 or reference.ndim != 2 or X.shape[1] != reference.shape[1] or not len(reference):
        raise ValueError(f"standardize takes rows of equal width, got shape {X.shape} to measure like {reference.shape}")
    if not np.isfinite(reference).all():
        raise ValueError("standardize cannot measure NaN or infinite values: remove or fill them first")
    exponents = -np.frexp(np.abs(reference).max(axis=0))[1]  # powers of two bring each column below 1, where its squares are numbers too
    reference, X = np.ldexp(reference, exponents), np.ldexp(X, exponents)
    first = reference[0]
    offsets = reference - first  # exactly 0 in a constant column, and precise where the numbers lie close together
    constant = ~offsets.any(axis=0)
    scaled: Array = (X - first - offsets.mean(axis=0)) / np.where(constant, np.inf, offsets.std(axis=0))
    return scaled


def _same_length(X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    X, y = unmasked("X", X), unmasked("y", y)
    if not X.ndim or not y.ndim or len(X) != len(y):
        raise ValueError(f"X and y need one row for each example, got shapes {X.shape} and {y.shape}")
    if not len(X):
        raise ValueError("no examples: X and y are empty")
    return X, y
