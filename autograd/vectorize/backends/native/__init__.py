"""The native back end: the program as C, compiled by the compiler that is there, for batches of any size.

`emitter` writes the C, of the rows in `rows.h` and the loops in `loops.h`; `compiler` compiles it, once, and keeps it in a cache.
"""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.vectorize.backends import Steps
from autograd.vectorize.backends.native.compiler import load
from autograd.vectorize.backends.native.emitter import Emitted, emit, emit_descent
from autograd.vectorize.program import FloatArray, Input, Program, Shape, aligned, is_large, pins

__all__ = ["ADDS_IN_ORDER", "LETS_OTHERS_RUN", "descent", "executable", "source"]

LETS_OTHERS_RUN = True  # other threads of the process, while a program runs
ADDS_IN_ORDER = True


def executable(program: Program, dtype: np.dtype[Any]) -> Native:
    program.check()
    shapes = _shapes(program)
    return Native(emit(program, dtype, "run", [f"x{number}" for number in range(len(shapes))], shapes), len(shapes))


def descent(program: Program, rule: Program, dtype: np.dtype[Any]) -> NativeDescent:
    """Whole steps, from the choice of the examples to the new parameters, in one call."""
    program.check()
    rule.check()
    return NativeDescent(emit_descent(program, rule, dtype, _shapes(program)))


def _shapes(program: Program) -> list[Shape]:
    sizes = {each.argument: each.shape[1] for each in program.instructions if isinstance(each, Input)}
    return [(sizes[number],) for number in range(len(sizes))]


def source(program: Program, name: str, arguments: Sequence[str], shapes: Sequence[Shape], result: Shape) -> str:
    """The C, of doubles, with the names of the user's function and its arguments."""
    return emit(program, np.dtype(np.float64), name, arguments, shapes).source


# For each argument of a function ctypes takes about as long as a small program does: this one has one.
_PACKED = """
double run_packed(const intptr_t *given) {{
    return run((long)given[0], {pointers});
}}
"""


class Native:
    """A compiled program. While it runs, other threads do."""

    def __init__(self, emitted: Emitted, inputs: int) -> None:
        pointers = ", ".join(f"(void *)given[{place}]" for place in range(1, inputs + 5))
        self.source, self.work = f"{emitted.source}{_PACKED.format(pointers=pointers)}", emitted.work
        library = load(self.source)
        self._function = library.run
        self._function.restype = ctypes.c_double
        self._function.argtypes = [ctypes.c_long, *[ctypes.c_void_p] * (inputs + 4)]
        self._packed = library.run_packed
        self._packed.restype = ctypes.c_double
        self._calls: list[_Call] = []  # that no thread is making

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        try:
            call = self._calls.pop()
        except IndexError:
            call = _Call(aligned(self.work, out.dtype))
        cost: float = self._function(len(inputs[0]), *call.pointers((*inputs, theta, weights, out)))
        call.release()
        self._calls.append(call)  # but for one that was cut off: its addresses may be of other arrays
        return cost

    def ready(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> Callable[[], float]:
        kept = (*inputs, theta, weights, out, aligned(self.work, out.dtype))
        pinned = pins(kept)
        addresses = [_pointer(each).value or 0 for each in kept]
        packed = (ctypes.c_ssize_t * (1 + len(addresses)))(len(inputs[0]), *addresses)
        function, free = self._packed, [(packed, kept, pinned)]  # that no thread is using

        def run() -> float:
            try:
                mine = free.pop()
            except IndexError:
                return self.run(inputs, theta, weights, out)
            try:
                return function(mine[0])  # type: ignore[no-any-return]
            finally:
                free.append(mine)

        return run


class _Call:
    """Memory to work in, and the addresses of what was given last: asking an array for its own costs as much as a small program."""

    def __init__(self, work: FloatArray) -> None:
        self.work = work
        self.given: tuple[FloatArray | None, ...] = ()
        self.pins: list[Any] = []
        self.is_large = False
        self.addresses: list[ctypes.c_void_p] = []

    def pointers(self, given: tuple[FloatArray | None, ...]) -> list[ctypes.c_void_p]:
        """Of these arrays, and of the memory to work in."""
        if len(given) != len(self.given) or not all(map(operator.is_, given, self.given)):
            self.given, self.pins = given, pins(given)
            self.is_large = any(each is not None and is_large(each) for each in given)
            self.addresses = [_pointer(each) for each in (*given, self.work)]
        return self.addresses

    def release(self) -> None:
        """Keep no large array of the caller's."""
        if self.is_large:
            self.given, self.pins = (), []


class NativeDescent:
    """A program and a rule, compiled. While it runs, other threads do."""

    def __init__(self, emitted: Emitted) -> None:
        self.source, self.work, _ = emitted
        self._function = load(self.source).descend
        self._function.restype = ctypes.c_long
        self._calls: list[_Call] = []  # that no thread is making

    def run(self, steps: Steps) -> int:
        data, rows, theta, memory, settings, limit, still, gradient, costs, norms = steps
        batch = len(data[0]) if rows is None else rows.shape[1]
        room = 0 if rows is None else batch * sum([array[0].size for array in data])
        try:
            call = self._calls.pop()
        except IndexError:
            call = _Call(aligned(0, theta.dtype))
        if len(call.work) < self.work + room + len(still):
            call = _Call(aligned(self.work + room + len(still), theta.dtype))
        # the C function has them in an order of its own
        *known, to, stay, out, cost, norm, work = call.pointers((*data, theta, *memory, settings, still, gradient, costs, norms))
        taken: int = self._function(
            _long(len(settings)), _long(batch), *known[: len(data)], _pointer(rows), *known[len(data) :], to,
            _double(limit), stay, _long(len(still)), out, cost, norm, work, _long(room),
        )  # fmt: skip
        call.release()
        self._calls.append(call)
        return taken


_long, _double = ctypes.c_long, ctypes.c_double


def _pointer(array: FloatArray | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if array is None else array.ctypes.data)
