"""Threads: batches split into parts, for several threads and for precise sums in float32.

The mean over a batch and its gradient are the means over the parts, weighted by their sizes. They are added in float64 in the order of
the parts, so the result depends on the number of parts but not on which one is ready first. A sum in float32 loses digits with each
number, so a back end in float32 runs parts of 1024 examples at most.
"""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from enum import Enum
from functools import partial
from itertools import pairwise

import numpy as np

from autograd import ops
from autograd.vectorize.backend import Executable
from autograd.vectorize.instructions import Elementwise, MatMul, Reduce, Segments, sized
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program

PAYS = 4_000_000  # operations per thread, some tenths of a millisecond; waking a thread takes some hundredths
TRANSCENDENTAL = 10  # operations that exp and similar functions take, about
ROWS = 1024  # examples in one sum of float32: its error is then about 1e-7 of the size of the terms
_CHEAP = (ops.add, ops.subtract, ops.multiply, ops.negative, ops.maximum, ops.minimum, ops.fmin, ops.absolute, ops.where)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_for(each: int, batch: int, threads: int | None) -> int:
    """The number of threads for a batch of examples with `each` operations: as specified, or for None as many as are worth it."""
    if threads:
        return min(batch, threads)
    paying = batch * each // PAYS
    return min(cores(), paying) if paying > 1 else 1  # counting the cores takes noticeable time for a small program


def work(program: Program) -> int:
    """About how many operations each additional example takes."""
    return _steps(program, 2) - _steps(program, 1)


def _steps(program: Program, batch: int) -> int:
    steps = 0
    for number, instruction in enumerate(program.instructions):
        size = math.prod(sized(program.shape(number), batch))
        match instruction:
            case MatMul():
                steps += size * sized(program.shape(instruction.operands[0]), batch)[1]
            case Elementwise(op=op):
                steps += size * (1 if op.is_condition or op in _CHEAP else TRANSCENDENTAL)
            case Reduce() | Segments():
                steps += math.prod(sized(program.shape(instruction.operands[0]), batch))
    return steps


class Parts(Enum):
    """How the outputs of the parts are combined."""

    MEANS = "means"  # their mean, weighted by the sizes
    SUMS = "sums"  # their sum
    ROWS = "rows"  # their rows, one part after another


class InParts(Executable):
    """An executable that runs a batch in parts, each by `executable`, whose program is `program`.

    There are `threads` threads, for None as many as are worth their cost, and at most `rows` examples in one sum.
    """

    def __init__(self, executable: Executable, program: Program, parts: Parts, threads: int | None, rows: int) -> None:
        self.executable, self.threads = executable, threads
        output = next((number for name, number in program.outputs.items() if name != "cost"), -1)
        self.parts = None if parts is Parts.ROWS and not program.varies(output) else parts
        self.rows = sys.maxsize if parts is Parts.ROWS else rows
        self.each = work(program)
        self._buffers: list[_Sums] = []  # not in use

    def ready(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> Callable[[], float]:
        if self._is_whole(len(inputs[0])):
            return self.executable.ready(inputs, theta, weights, out)
        return partial(self.run, inputs, theta, weights, out)

    def _is_whole(self, batch: int) -> bool:
        return batch <= self.rows and self._count(batch) < 2

    def _count(self, batch: int) -> int:
        """How many threads run a batch."""
        return 1 if self.parts is None else threads_for(self.each, batch, self.threads)

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        batch = len(inputs[0])
        if self._is_whole(batch):
            return self.executable.run(inputs, theta, weights, out)

        def run_part(part: slice, to: FloatArray) -> float:
            return self.executable.run([array[part] for array in inputs], theta, None if weights is None else weights[part], to)

        def run_share(share: slice) -> _Sums | None:
            """The parts of one thread."""
            if self.parts is Parts.ROWS:
                run_part(share, out[share])
                return None
            sums = self._sums(out)
            for part in _slices(share, -(-(share.stop - share.start) // self.rows)):
                size = (part.stop - part.start) / batch if self.parts is Parts.MEANS else 1.0
                sums.add(run_part(part, sums.part), size)
            return sums

        first, *others = _slices(slice(0, batch), self._count(batch))
        running = [_pool_of(os.getpid()).submit(run_share, share) for share in others]
        try:
            found = [run_share(first), *(each.result() for each in running)]
        finally:
            wait(running)  # also after an exception: the threads read and write arrays of the caller
        sums = [each for each in found if each is not None]
        if not sums:
            return math.nan
        out[...] = functools.reduce(np.add, [each.total for each in sums])
        self._buffers += sums
        return sum(each.cost for each in sums)

    def _sums(self, like: FloatArray) -> _Sums:
        try:
            sums = self._buffers.pop()
        except IndexError:
            sums = _Sums(like)
        sums.clear()
        return sums


class _Sums:
    """The sum of the parts of one thread in float64, and memory for the output of one part."""

    def __init__(self, like: FloatArray) -> None:
        self.part, self.total = np.empty_like(like), np.empty(like.shape)
        self._scaled = np.empty(like.shape)
        self.clear()

    def clear(self) -> None:
        self.total.fill(-0.0)  # -0.0 + x is x for every x, also for 0.0 and -0.0
        self.cost = 0.0

    def add(self, cost: float, share: float) -> None:
        self.total += np.multiply(self.part, share, out=self._scaled)
        self.cost += share * cost


def _slices(whole: slice, count: int) -> list[slice]:
    """Split a slice into parts of about the same size."""
    size = whole.stop - whole.start
    return [slice(*ends) for ends in pairwise(whole.start + size * place // count for place in range(count + 1))]


@functools.cache
def _pool_of(process: int) -> ThreadPoolExecutor:
    """The thread pool of a process: a forked process has no threads of its parent."""
    return ThreadPoolExecutor(max(1, 4 * cores()), thread_name_prefix="nudge")
