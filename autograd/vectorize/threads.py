"""Parts of a batch: for several threads, and for sums of float32 that are right.

The mean over a batch, and its gradient, are the means over its parts, weighted by their sizes. They are added in float64 in the
order of the parts: the result depends on how many there are, and not on which of them is ready first. A sum of many numbers in
float32 loses digits with each of them, so a back end in float32 runs parts of a few thousand examples at most.
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
from typing import Any

import numpy as np

from autograd import ops
from autograd.vectorize.backends import Executable, ready
from autograd.vectorize.program import Elementwise, FloatArray, MatMul, Program, Reduce, sized

PAYS = 4_000_000  # steps of arithmetic for a thread, a few tenths of a millisecond; waking one up takes some hundredths
TRANSCENDENTAL = 10  # steps that an exp or the like takes, about
ROWS = 1024  # examples in one sum of float32: its error is then about 1e-7 of the size of the terms
_CHEAP = (ops.add, ops.subtract, ops.multiply, ops.negative, ops.maximum, ops.minimum, ops.fmin, ops.absolute, ops.where)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_for(each: int, batch: int, threads: int | None) -> int:
    """How many threads run a batch of examples that take `each` steps: as many as asked for, or where it is None as pay."""
    if threads:
        return min(batch, threads)
    paying = batch * each // PAYS
    return min(cores(), paying) if paying > 1 else 1  # to ask how many cores there are takes time that a small program feels


def work(program: Program) -> int:
    """About how many steps of arithmetic a program takes for each example more."""
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
            case Reduce():
                steps += math.prod(sized(program.shape(instruction.operands[0]), batch))
    return steps


class Parts(Enum):
    """What becomes of the parts' outputs."""

    MEANS = "means"  # their mean, weighted by the sizes
    SUMS = "sums"  # their sum
    ROWS = "rows"  # each is rows of the whole


class InParts:
    """An executable that runs a batch in parts, on one thread or on several.

    Parameters
    ----------
    executable, program
        What runs each part.
    parts
        How the parts' outputs make the output.
    threads
        The number of threads; None for as many as pay.
    rows
        The number of examples in one sum, at most.
    """

    def __init__(self, executable: Executable, program: Program, parts: Parts, threads: int | None, rows: int) -> None:
        self.executable, self.threads = executable, threads
        output = next((number for name, number in program.outputs.items() if name != "cost"), -1)
        self.parts = None if parts is Parts.ROWS and not program.varies(output) else parts
        self.rows = sys.maxsize if parts is Parts.ROWS else rows
        self.each = work(program)
        self._buffers: list[_Sums] = []  # that no thread is using

    def ready(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> Callable[[], float]:
        if self._is_whole(len(inputs[0])):
            return ready(self.executable, inputs, theta, weights, out)
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
        running = [_pool().submit(run_share, share) for share in others]
        try:
            found = [run_share(first), *(each.result() for each in running)]
        finally:
            wait(running)  # also after an exception: they read and write the caller's arrays
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
    """The sum of a thread's parts in float64, and memory for one part's output."""

    def __init__(self, like: FloatArray) -> None:
        self.part, self.total = np.empty_like(like), np.empty(like.shape)
        self._scaled = np.empty(like.shape)
        self.clear()

    def clear(self) -> None:
        self.total.fill(-0.0)  # what adds nothing to any number, 0.0 and -0.0 among them
        self.cost = 0.0

    def add(self, cost: float, share: float) -> None:
        self.total += np.multiply(self.part, share, out=self._scaled)
        self.cost += share * cost


def _slices(whole: slice, count: int) -> list[slice]:
    """A slice in parts of about equal sizes."""
    size = whole.stop - whole.start
    return [slice(*ends) for ends in pairwise(whole.start + size * place // count for place in range(count + 1))]


@functools.cache
def _pool_of(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, 4 * cores()), thread_name_prefix="nudge")


def _pool() -> ThreadPoolExecutor:
    """The threads of this process: one that was forked has none of its parent's."""
    return _pool_of(os.getpid())


def checked(threads: Any) -> int | None:
    """How many threads are asked for. Raises ValueError for what is no such number."""
    if threads is not None and (not isinstance(threads, (int, np.integer)) or isinstance(threads, bool) or threads < 1):
        raise ValueError(f"threads is a whole number of at least 1, or None for as many as pay: got {threads!r}")
    return None if threads is None else int(threads)
