"""The native back end: the program as C, compiled by the compiler that is there, for batches of any size.

`emitter` writes the C, of the rows in `rows.h` and the loops in `loops.h`; `compiler` compiles it, once, and keeps it in a cache.
"""

from __future__ import annotations

import ctypes
import operator
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
    shapes = [(sizes[number],) for number in range(len(sizes))]
    return Native(emit(program, dtype, "run", [f"x{number}" for number in range(len(sizes))], shapes), len(sizes))


def source(program: Program, name: str, arguments: Sequence[str], shapes: Sequence[Shape], result: Shape) -> str:
    """The C, of doubles, with the names of the user's function and its arguments."""
    return emit(program, np.dtype(np.float64), name, arguments, shapes).source


class Native:
    """A compiled program. While it runs, other threads do."""

    def __init__(self, emitted: Emitted, inputs: int) -> None:
        self.source, self.work, _ = emitted
        self._function = load(self.source).run
        self._function.restype = ctypes.c_double
        self._function.argtypes = [ctypes.c_long, *[ctypes.c_void_p] * (inputs + 4)]
        self._calls: list[_Call] = []  # that no thread is making

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        try:
            call = self._calls.pop()
        except IndexError:
            call = _Call(np.zeros(self.work, out.dtype))
        try:
            return self._function(len(inputs[0]), *call.pointers((*inputs, theta, weights, out)))  # type: ignore[no-any-return]
        finally:
            self._calls.append(call)


class _Call:
    """Memory to work in, and the addresses of what was given last: asking an array for its own costs as much as a small program."""

    def __init__(self, work: FloatArray) -> None:
        self.work = work
        self.given: tuple[FloatArray | None, ...] = ()
        self.addresses: list[int | None] = []

    def pointers(self, given: tuple[FloatArray | None, ...]) -> list[int | None]:
        if len(given) != len(self.given) or not all(map(operator.is_, given, self.given)):
            self.given = given
            self.addresses = [None if each is None else each.ctypes.data for each in (*given, self.work)]
        return self.addresses
