"""Memory of arrays: alignment, what must stay the same for an array to be used again without a check, and numpy without warnings."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from typing import Any

import numpy as np

from autograd import modes

FloatArray = np.ndarray[Any, Any]
LINE = 64  # bytes in a cache line
LARGE = 2**23  # bytes
_SETTINGS_OF_THREADS = np.lib.NumpyVersion(np.__version__) < "2.0.0"  # where numpy's settings do not belong to a context


def aligned(size: int, dtype: Any) -> FloatArray:
    """Return a vector of zeros that is aligned to a cache line: wide registers read it up to twice as fast."""
    room = np.zeros(size * np.dtype(dtype).itemsize + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + len(room) - LINE].view(dtype)


def quiet() -> Callable[..., Any]:
    """Return a function that calls a function with arguments, one call at a time, without warnings of numpy.

    Entering its context takes a tenth of the time of `np.errstate`, which took a tenth of a small step.
    """
    if _SETTINGS_OF_THREADS:
        return np.errstate(all="ignore")(lambda function, *arguments: function(*arguments))
    context = Context()
    context.run(np.seterr, all="ignore")
    return context.run


def if_unchanged(run: Callable[[], float], arrays: Sequence[FloatArray], theta: FloatArray, out: FloatArray) -> Callable[..., float | None]:
    """Return a function that returns `run()` if its arguments are a tuple of these arrays, `theta` and `out`, as they are now.

    That is in their shape, strides and dtype, and with `out` writeable. It returns None otherwise, and if a thread is in anomaly mode. It
    is made as text: a loop over the arrays takes longer than a small program.
    """
    given = (*arrays, theta, out)
    known: dict[str, Any] = {"run": run, "modes": modes, "pins": pins(given)}
    tests = [f"len(given) == {len(arrays)}"]
    for i, array in enumerate(given):
        name = [*(f"given[{place}]" for place in range(len(arrays))), "theta", "out"][i]
        known |= {f"array{i}": array, f"shape{i}": array.shape, f"strides{i}": array.strides, f"dtype{i}": array.dtype}
        tests.append(f"{name} is array{i} and array{i}.strides == strides{i} and array{i}.dtype is dtype{i}")
        if array.ndim > 1:  # the strides and the memory of a vector determine its shape
            tests.append(f"array{i}.shape == shape{i}")
    tests += ["out.flags.writeable", "not modes.watchers"]
    return eval(f"lambda given, theta, out: run() if {' and '.join(tests)} else None", known)  # type: ignore[no-any-return]


def is_large(array: FloatArray) -> bool:
    """Whether an array is too large to be kept from one run to the next. A run over so much memory takes milliseconds anyway."""
    owner = array if array.base is None else array.base  # a slice keeps the whole array alive
    return bool(getattr(owner, "nbytes", array.nbytes) > LARGE)


def pins(arrays: Iterable[FloatArray | None]) -> list[weakref.ref[FloatArray]]:
    """Return objects that keep arrays at their address: numpy does not resize an array that has a weak reference."""
    return [weakref.ref(each) for each in arrays if each is not None]
