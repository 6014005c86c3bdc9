"""Checks of what users pass (finite numbers, seeds, arrays of inputs and targets), and large arrays in pieces."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sized
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd import Value
from autograd._support import is_whole, refuse_masked
from nn.frames import columns_of, is_table, matrix

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Examples = tuple[Array, Labels]
Seed = int | np.random.Generator


def finite_number(name: str, number: Any, least: float = -math.inf, above: float = -math.inf, below: float = math.inf) -> float:
    """Return `number` as a Python float. Raises ValueError unless it is finite, >= least, > above and < below."""
    try:
        value = float(number) if isinstance(number, Real) and not isinstance(number, bool) else math.nan
    except OverflowError:  # an integer beyond the range of floats
        value = math.nan
    if not (math.isfinite(value) and value >= least and above < value < below):
        bounds = [f"of at least {least:g}"] * (least > -math.inf) + [f"above {above:g}"] * (above > -math.inf)
        bounds += [f"below {below:g}"] * (below < math.inf)
        hint = "; of a Value give its .data" if isinstance(number, Value) else ""
        raise ValueError(f"{name} must be a finite number{' ' * bool(bounds)}{' and '.join(bounds)}, got {number!r:.60}{hint}")
    return value


def generator(seed: Seed) -> np.random.Generator:
    """Return a generator for a seed, or the generator itself. Raises ValueError for an invalid seed."""
    if isinstance(seed, np.random.Generator):
        return seed
    if not is_whole(seed) or seed < 0:
        raise ValueError(
            f"seed must be a whole number of at least 0 or a numpy.random.Generator, got {seed!r:.60}: "
            "numpy.random.default_rng() gives other numbers each time"
        )
    return np.random.default_rng(seed)


def examples(name: str, given: ArrayLike) -> Array:
    """Return inputs or targets as a float64 array with a row or a number for each example.

    `given` may be a table: see `nn.frames`. Raises ValueError for an empty array, another number of dimensions, and entries that are not
    finite numbers.
    """
    if is_table(given):
        given = matrix(name, columns_of(name, given))
    refuse_masked(name, given)
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of real numbers, with rows of one length: {_uneven(given) or error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers: {_no_number(name, array)}")
    if array.ndim not in (1, 2):
        hint = f": write {name}.reshape(len({name}), -1)" if array.ndim and name.isidentifier() else ""
        raise ValueError(f"{name} must have one row, or one number, for each example: got the shape {array.shape}{hint}")
    if not array.size:
        raise ValueError(f"{name} holds no examples: its shape is {array.shape}")
    array = np.ascontiguousarray(array, dtype=np.float64)
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name}[{', '.join(map(str, where))}] is {array[tuple(where)]}: all of {name} must be finite numbers")
    return array


def _uneven(given: Any) -> str:
    """Which rows of a list have different lengths; "" if none have."""
    lengths = [len(row) if isinstance(row, Sized) else 1 for row in given] if isinstance(given, (list, tuple)) else []
    return next((f"row 0 has {lengths[0]}, row {row} has {length}" for row, length in enumerate(lengths) if length != lengths[0]), "")


def _no_number(name: str, array: NDArray[Any]) -> str:
    """What an array contains instead of real numbers, and what to write."""
    if array.dtype.kind != "O":
        first = f", such as {array.flat[0].item()!r:.60}" if array.size else ""
        is_labels = array.dtype.kind in "US" and name[-1] in "Yy"
        return f"found {array.dtype}{first}" + ("; train the model with these labels, or write model.classes = [...]" if is_labels else "")
    for place, each in np.ndenumerate(array):
        if not isinstance(each, Real):
            index = f"[{', '.join(map(str, place))}]" if place else ""
            return f"{name}{index} is {type(each).__name__} {each!r:.60}"
    return f"found numbers as Python objects; write {name}.astype(float)"


def values_in(parameters: Any) -> list[Value]:
    """The Values of a model, of a dict of parameters, which may be nested, or of any other iterable."""
    if hasattr(parameters, "parameters"):
        return list(parameters.parameters())
    entries = list(parameters.values() if isinstance(parameters, Mapping) else parameters)
    if set(map(type, entries)) == {Value}:
        return entries
    return [value for each in entries for value in (values_in(each) if isinstance(each, (Mapping, list, tuple)) else [each])]


def in_pieces(program: Callable[..., Array], *arrays: Array) -> Array:
    """Run a program on many examples, a thousand at a time, so that its buffers fit into the cache."""
    return np.concatenate([program(*[array[start : start + 1000] for array in arrays]) for start in range(0, len(arrays[0]), 1000)])


def number_of(result: Any) -> float:
    """A number as a float: the data of a Value, or the number itself."""
    return result.data if isinstance(result, Value) else float(result)
