"""The native back end: the program as C, compiled by the compiler that is there, for any batch size."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.vectorize.backends.native.compiler import load
from autograd.vectorize.backends.native.emitter import Emitted, emit
from autograd.vectorize.program import FloatArray, Input, Program, Shape

__all__ = ["executable", "source"]


def executable(program: Program, dtype: np.dtype[Any]) -> Native:
    program.check()
    sizes = {each.argument: each.shape[1] for each in program.instructions if isinstance(each, Input)}
    count = max(sizes) + 1
    return Native(
        emit(program, dtype, "run", [f"x{number}" for number in range(count)], [(sizes[number],) for number in range(count)]), count
    )


def source(program: Program, name: str, arguments: Sequence[str], shapes: Sequence[Shape], result: Shape) -> str:
    """The C that is compiled, but for the names of the function and its arguments."""
    return emit(program, np.dtype(np.float64), name, arguments, shapes).source


class Native:
    """A compiled program. A call of it leaves Python alone: other threads run meanwhile."""

    def __init__(self, emitted: Emitted, inputs: int) -> None:
        self.source, self.work = emitted
        self._function = load(self.source).run
        self._function.restype = ctypes.c_double
        self._function.argtypes = [ctypes.c_long, *[ctypes.c_void_p] * (inputs + 4)]
        self._free: list[Any] = []

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        try:
            memory = self._free.pop()  # which no other thread is using
        except IndexError:
            memory = np.empty(self.work, out.dtype)
        try:
            given = [*inputs, theta, weights, out, memory]
            pointers = [None if each is None else each.__array_interface__["data"][0] for each in given]
            return float(self._function(len(inputs[0]), *pointers))
        finally:
            self._free.append(memory)
