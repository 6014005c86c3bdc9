"""Arguments: arrays of examples, vectors of parameters and weights, checked and converted to the dtype of a program."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd._support import refuse_masked
from autograd.ops import Node
from autograd.vectorize.memory import FloatArray


def argument_names(f: Callable[..., Any], count: int) -> tuple[str, ...]:
    """The names of the first `count` arguments of a function, for messages and source; x0, x1, ... for those without a name."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)][:count]
    for position in range(len(names), count):
        name = f"x{position}"
        names.append(name + "_" * (name in names))
    return tuple(names)


def examples(array: Any, name: str, dtype: np.dtype[Any]) -> FloatArray:
    """An argument as a contiguous array with one row for each example. Raises TypeError or ValueError if it is not real numbers in rows."""
    if type(array) is np.ndarray and array.dtype == dtype and array.ndim and array.flags.c_contiguous:
        return array
    refuse_masked(name, array)
    try:
        array = np.asarray(array)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths: an argument is an array of shape (batch,) or (batch, n)") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}; rows of different lengths or strings do this")
    if array.ndim == 0:
        raise ValueError(
            f"{name} must have one entry for each example, shape (batch,) or (batch, n), got a single number; "
            f"a constant needs no argument: the function closes over it"
        )
    return np.ascontiguousarray(array, dtype=dtype)


def is_integer(argument: Any) -> bool:
    """Whether an argument has an integer dtype, so that its entries can be indices."""
    return np.asarray(argument).dtype.kind in "iu"


def check_batch(names: Sequence[str], arrays: Sequence[FloatArray]) -> None:
    """Raise ValueError unless all arguments have the same number of examples, at least one."""
    batch = len(arrays[0])
    if batch and all(len(array) == batch for array in arrays):
        return
    shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(names, arrays))
    if any(len(array) == 0 for array in arrays):
        raise ValueError(f"an empty batch: got shapes {shapes}")
    raise ValueError(f"arguments need one row for each example, the same number of them: got shapes {shapes}")


def vector(array: Any, size: int, dtype: np.dtype[Any], name: str, entries: str) -> FloatArray:
    """An array as a contiguous vector of `size` numbers. Raises TypeError or ValueError if it is not a vector of real numbers."""
    if _is_exact(array, size, dtype):
        return array  # type: ignore[no-any-return]
    refuse_masked(name, array)
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), {entries}, got {array.shape}")
    return np.ascontiguousarray(array, dtype=dtype)


def writable_vector(array: Any, size: int, dtype: np.dtype[Any], name: str) -> FloatArray:
    """The array itself. Raises ValueError unless it is a contiguous vector of this size and dtype that can be written to."""
    if not _is_exact(array, size, dtype):
        found = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name} must be a contiguous array of {dtype} of shape ({size},), got {found}")
    if not array.flags.writeable:
        raise ValueError(f"{name} is written to, and this array is read-only")
    return array  # type: ignore[no-any-return]


def _is_exact(array: Any, size: int, dtype: np.dtype[Any]) -> bool:
    return type(array) is np.ndarray and array.shape == (size,) and array.dtype == dtype and array.flags.c_contiguous


def without_zero_weights(arrays: list[FloatArray], weights: FloatArray) -> tuple[list[FloatArray], FloatArray]:
    """Replace the examples whose weight is 0, and which may hold nan, by copies of the first other example, which share its weight.

    The number of examples stays the same, so that the back end can use what it prepared for this size.
    """
    counts = weights != 0
    if counts.all():
        return arrays, weights
    first = counts.argmax()
    shared = weights.copy()
    shared[~counts] = shared[first] = weights[first] / (1 + np.count_nonzero(~counts))
    rows = np.where(counts, np.arange(len(weights)), first)
    return [array[rows] for array in arrays], shared


def holds_nodes(argument: Any) -> bool:
    """Whether an argument is a node, or a list or an array of objects with a node in it."""
    if isinstance(argument, np.ndarray):
        return argument.dtype == object and any(map(holds_nodes, argument.flat))
    return isinstance(argument, Node) or (isinstance(argument, (list, tuple)) and any(map(holds_nodes, argument)))
