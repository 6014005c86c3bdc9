"""Executables: compiled programs, called through ctypes."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd.vectorize.backend import Executable, StepRunner, Steps
from autograd.vectorize.backends.native.compiler import load
from autograd.vectorize.backends.native.emitter import Emitted
from autograd.vectorize.memory import FloatArray, aligned, is_large, pins

# ctypes takes about as long for each argument as a small program takes to run, so this function has only one. The working memory is on
# the stack: several threads may call it with the same arguments.
_PACKED = """
double run_packed(const intptr_t *given) {{
    _Alignas(64) real work[{work}];
    return run((long)given[0], {pointers}, work);
}}
"""
_PACKED_STEPS = """
long descend_packed(const intptr_t *given) {{
    return descend((long)given[0], (long)given[1], {pointers}, *(const double *)given[2], (void *)given[3], (long)given[4],
                   (void *)given[5], (void *)given[6], (void *)given[7], (void *)given[8], (long)given[9]);
}}
"""
_ON_STACK = 2**16  # bytes


class NativeExecutable(Executable):
    """A compiled program. Other threads run while it does."""

    def __init__(self, emitted: Emitted, inputs: int) -> None:
        pointers = ", ".join(f"(void *)given[{place}]" for place in range(1, inputs + 4))
        self.work, self._is_small = emitted.work, 8 * emitted.work <= _ON_STACK
        packed = _PACKED.format(pointers=pointers, work=max(emitted.work, 1)) if self._is_small else ""
        self.source = f"{emitted.source}{packed}"
        self._library = load(self.source)
        self._function = self._library.run
        self._function.restype = ctypes.c_double
        self._function.argtypes = [ctypes.c_long, *[ctypes.c_void_p] * (inputs + 4)]
        self._calls: list[Call] = []  # not in use

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        try:
            call = self._calls.pop()
        except IndexError:
            call = Call(aligned(self.work, out.dtype))
        cost: float = self._function(len(inputs[0]), *call.pointers((*inputs, theta, weights, out)))
        call.release()
        self._calls.append(call)  # not after an exception: the addresses may belong to other arrays
        return cost

    def ready(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> Callable[[], float]:
        if not self._is_small:
            return super().ready(inputs, theta, weights, out)
        function = self._library.run_packed
        function.restype = ctypes.c_double
        return partial(function, _packed([len(inputs[0]), *inputs, theta, weights, out]))


class Call:
    """Working memory, and the addresses of the last arguments: asking an array for its address takes as long as a small program."""

    def __init__(self, work: FloatArray) -> None:
        self.work = work
        self.given: tuple[FloatArray | None, ...] = ()
        self.pins: list[Any] = []
        self.is_large = False
        self.addresses: list[ctypes.c_void_p] = []

    def pointers(self, given: tuple[FloatArray | None, ...]) -> list[ctypes.c_void_p]:
        """The addresses of these arrays and of the working memory."""
        if len(given) != len(self.given) or not all(map(operator.is_, given, self.given)):
            self.given, self.pins = given, pins(given)
            self.is_large = any(each is not None and is_large(each) for each in given)
            self.addresses = [_pointer(each) for each in (*given, self.work)]
        return self.addresses

    def release(self) -> None:
        """Release the large arrays of the caller."""
        if self.is_large:
            self.given, self.pins = (), []


class NativeSteps(StepRunner):
    """A compiled program with an update rule. Other threads run while it does."""

    def __init__(self, emitted: Emitted, vectors: int) -> None:
        """`vectors` is the number of arguments, rows, parameters, memory vectors and settings together."""
        pointers = ", ".join(f"(void *)given[{place}]" for place in range(10, 10 + vectors))
        self.source, self.work = f"{emitted.source}{_PACKED_STEPS.format(pointers=pointers)}", emitted.work
        self._function = load(self.source).descend_packed
        self._function.restype = ctypes.c_long

    def run(self, steps: Steps) -> int:
        return self.ready(steps)()

    def ready(self, steps: Steps) -> Callable[[], int]:
        data, rows, frozen = steps.data, steps.rows, steps.frozen
        batch, chosen = (len(data[0]), 0) if rows is None else (rows.shape[1], rows.shape[1] * sum([array[0].size for array in data]))
        limit, work = np.array([steps.limit], np.float64), aligned(self.work + chosen + len(frozen), steps.theta.dtype)
        results = steps.gradient, steps.costs, steps.norms, work
        vectors = *data, rows, steps.theta, *steps.memory, steps.settings
        return partial(
            self._function,
            _packed([len(steps.settings), batch, limit, frozen, len(frozen), *results, chosen, *vectors]),
        )


def _packed(given: Sequence[FloatArray | int | None]) -> ctypes.Array[ctypes.c_ssize_t]:
    """Numbers, and the addresses of arrays, which it keeps in memory, as one argument of a C function."""
    packed = (ctypes.c_ssize_t * len(given))(*[each if isinstance(each, int) else _pointer(each).value or 0 for each in given])
    packed.kept = given, pins([each for each in given if isinstance(each, np.ndarray)])  # type: ignore[attr-defined]
    return packed


def _pointer(array: FloatArray | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if array is None else array.ctypes.data)
