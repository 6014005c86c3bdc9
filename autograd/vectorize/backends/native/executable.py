"""Executables: compiled programs, called through ctypes."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

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
        kept = (*inputs, theta, weights, out)
        packed = (ctypes.c_ssize_t * (1 + len(kept)))(len(inputs[0]), *(_pointer(each).value or 0 for each in kept))
        packed.kept = kept, pins(kept)  # type: ignore[attr-defined]
        function = self._library.run_packed
        function.restype = ctypes.c_double
        return partial(function, packed)


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

    def __init__(self, emitted: Emitted) -> None:
        self.source, self.work, _ = emitted
        self._function = load(self.source).descend
        self._function.restype = ctypes.c_long
        self._calls: list[Call] = []  # not in use

    def run(self, steps: Steps) -> int:
        data, rows, count = steps.data, steps.rows, len(steps.frozen)
        batch = len(data[0]) if rows is None else rows.shape[1]
        room = 0 if rows is None else batch * sum([array[0].size for array in data])
        try:
            call = self._calls.pop()
        except IndexError:
            call = Call(aligned(0, steps.theta.dtype))
        if len(call.work) < self.work + room + count:
            call = Call(aligned(self.work + room + count, steps.theta.dtype))
        # in the order of the C function
        *known, settings, frozen, gradient, costs, norms, work = call.pointers(
            (*data, steps.theta, *steps.memory, steps.settings, steps.frozen, steps.gradient, steps.costs, steps.norms)
        )
        taken: int = self._function(
            _long(len(steps.settings)), _long(batch), *known[: len(data)], _pointer(rows), *known[len(data) :], settings,
            _double(steps.limit), frozen, _long(count), gradient, costs, norms, work, _long(room),
        )  # fmt: skip
        call.release()
        self._calls.append(call)
        return taken


_long, _double = ctypes.c_long, ctypes.c_double


def _pointer(array: FloatArray | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if array is None else array.ctypes.data)
