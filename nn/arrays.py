"""Arrays of examples: checked where a user's come in, and run through programs piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import Value
from nn.data.conventions import unmasked

Array = npt.NDArray[np.float64]


def examples(name: str, given: npt.ArrayLike) -> Array:
    """Inputs or targets as a float64 array, a row or a number for each example.

    Raises ValueError where there are none, and for whatever is not a finite number.
    """
    try:
        array = unmasked(name, given)
        if array.dtype.kind not in "biuf":
            is_labels = array.dtype.kind in "US" and name[-1] in "Yy"
            hint = f"; write classes, {name} = np.unique({name}, return_inverse=True)" if is_labels else ""
            raise TypeError(f"found {array.dtype}{hint}")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of real numbers, with rows of one length: {error}") from None
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have one row, or one number, for each example: got the shape {array.shape}")
    if not array.size:
        raise ValueError(f"{name} holds no examples: its shape is {array.shape}")
    array = np.ascontiguousarray(array, dtype=np.float64)
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name}[{', '.join(map(str, where))}] is {array[tuple(where)]}: all of {name} must be finite numbers")
    return array


def in_pieces(program: Callable[..., Array], *arrays: Array) -> Array:
    """A program's results for many examples, a thousand at a time, so that its buffers stay small and in the cache."""
    return np.concatenate([program(*[array[start : start + 1000] for array in arrays]) for start in range(0, len(arrays[0]), 1000)])


def number_of(result: Any) -> float:
    """What a function of scalars returned, as a float: a Value's data, or the number itself."""
    return result.data if isinstance(result, Value) else float(result)
