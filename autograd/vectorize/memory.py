"""Memory of arrays: alignment, and what must stay the same for an array to be used again without a check."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd import modes

FloatArray = np.ndarray[Any, Any]
LINE = 64  # bytes in a cache line
LARGE = 2**23  # bytes


def aligned(size: int, dtype: Any) -> FloatArray:
    """Return a vector of zeros that is aligned to a cache line: wide registers read it up to twice as fast."""
    room = np.zeros(size * np.dtype(dtype).itemsize + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + len(room) - LINE].view(dtype)


def if_unchanged(run: Callable[[], float], arrays: Sequence[FloatArray], out: FloatArray) -> Callable[..., float | None]:
    """Return a function that returns `run()` if its arguments are these arrays and `out`, in their present shape, strides and dtype.

    It returns None otherwise, and if `out` is read-only or a thread is in anomaly mode. It is made as text: a loop over the arrays
    takes longer than a small program.
    """
    known: dict[str, Any] = {"run": run, "modes": modes}
    tests = []
    for i, array in enumerate((*arrays, out)):
        known |= {f"array{i}": array, f"shape{i}": array.shape, f"strides{i}": array.strides, f"dtype{i}": array.dtype}
        tests.append(f"a{i} is array{i} and a{i}.shape == shape{i} and a{i}.strides == strides{i} and a{i}.dtype is dtype{i}")
    arguments = ", ".join(f"a{i}=None" for i in range(len(tests)))
    tests.append(f"a{len(arrays)}.flags.writeable and not others and not modes.watchers")
    return eval(f"lambda {arguments}, *others: run() if {' and '.join(tests)} else None", known)  # type: ignore[no-any-return]


def is_large(array: FloatArray) -> bool:
    """Whether an array is too large to be kept from one run to the next. A run over so much memory takes milliseconds anyway."""
    owner = array if array.base is None else array.base  # a slice keeps the whole array alive
    return bool(getattr(owner, "nbytes", array.nbytes) > LARGE)


def pins(arrays: Iterable[FloatArray | None]) -> list[weakref.ref[FloatArray]]:
    """Return objects that keep arrays at their address: numpy does not resize an array that has a weak reference."""
    return [weakref.ref(each) for each in arrays if each is not None]
