"""Memory of arrays: alignment, and what must stay the same for an array to be used again without a check."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, Any]
LINE = 64  # bytes in a cache line
LARGE = 2**23  # bytes


def aligned(size: int, dtype: Any) -> FloatArray:
    """A vector of zeros that begins where a line of the processor's cache does: wide registers read it up to twice as fast."""
    room = np.zeros(size * np.dtype(dtype).itemsize + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + len(room) - LINE].view(dtype)


_LOOK = operator.attrgetter("shape", "dtype", "strides")


def looks(arrays: Iterable[FloatArray]) -> list[Any]:
    """What must stay of arrays that are used again without a check, apart from whether they can be written to."""
    return list(map(_LOOK, arrays))


def is_large(array: FloatArray) -> bool:
    """Whether the memory of an array is too large to be kept from one run to the next. A run over that many numbers takes milliseconds."""
    owner = array if array.base is None else array.base  # of a slice, the whole
    return bool(getattr(owner, "nbytes", array.nbytes) > LARGE)


def pins(arrays: Iterable[FloatArray | None]) -> list[weakref.ref[FloatArray]]:
    """What keeps arrays from being moved in memory while it lives: numpy does not resize an array with a weak reference."""
    return [weakref.ref(each) for each in arrays if each is not None]
