"""Threads: a batch in parts, each run on a thread of its own, where a back end lets other threads run and there is work for them.

The mean over a batch, and its gradient, are the means over its parts, weighted by their sizes. They are added up in the order of
the parts: the result depends on how many there are, and not on which of them is ready first.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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


class Threaded:
    """An executable that gives parts of a batch to threads: as many as asked for, or where it is None as pay."""

    def __init__(self, executable: Executable, program: Program, parts: Parts, threads: int | None) -> None:
        self.executable, self.threads = executable, threads
        output = next((number for name, number in program.outputs.items() if name != "cost"), -1)
        self.parts = None if parts is Parts.ROWS and not program.varies(output) else parts
        self.each = work(program)
        self._buffers: list[list[FloatArray]] = []  # for the parts' outputs, that no thread is using

    def ready(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> Callable[[], float]:
        if self._count(len(inputs[0])) < 2:
            return ready(self.executable, inputs, theta, weights, out)
        return partial(self.run, inputs, theta, weights, out)

    def _count(self, batch: int) -> int:
        """How many threads run a batch."""
        return 1 if self.parts is None else threads_for(self.each, batch, self.threads)

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        batch = len(inputs[0])
        count = self._count(batch)
        if count < 2:
            return self.executable.run(inputs, theta, weights, out)
        ends = [batch * place // count for place in range(count + 1)]
        slices = [slice(start, stop) for start, stop in pairwise(ends)]
        buffers = self._outputs(count, out) if self.parts is not Parts.ROWS else [out[part] for part in slices]

        def run_part(place: int) -> float:
            part = slices[place]
            return self.executable.run(
                [array[part] for array in inputs], theta, weights if weights is None else weights[part], buffers[place]
            )

        others = [_pool().submit(run_part, place) for place in range(1, count)]
        costs = [run_part(0), *(other.result() for other in others)]
        if self.parts is Parts.ROWS:
            return math.nan
        shares = [(part.stop - part.start) / batch if self.parts is Parts.MEANS else 1.0 for part in slices]
        np.multiply(buffers[0], shares[0], out=out)
        for share, buffer in zip(shares[1:], buffers[1:]):
            buffer *= share
            out += buffer
        self._buffers.append(buffers)
        return sum(share * cost for share, cost in zip(shares, costs))

    def _outputs(self, count: int, like: FloatArray) -> list[FloatArray]:
        try:
            buffers = self._buffers.pop()
        except IndexError:
            buffers = []
        return buffers if len(buffers) == count else [np.empty_like(like) for _ in range(count)]


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
