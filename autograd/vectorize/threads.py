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
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np

from autograd import ops
from autograd.vectorize.backend import Executable
from autograd.vectorize.instructions import Elementwise, MatMul, Pairs, Reduce, Segments, sized
from autograd.vectorize.memory import FloatArray, quiet
from autograd.vectorize.program import Program

PAYS = 8_000_000  # operations per thread, about two tenths of a millisecond; waking a thread and adding up takes a quarter of that
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
            case Pairs(lefts=lefts, width=width):
                steps += len(lefts) * width * batch
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

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        if self._is_whole(len(inputs[0])):
            return self.executable.run(inputs, theta, weights, out)
        return _sum_of(self._shares(inputs, theta, weights, out), out)

    def ready(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> Callable[[], float]:
        if self._is_whole(len(inputs[0])):
            return self.executable.ready(inputs, theta, weights, out)
        idle: list[list[_Share]] = []

        def run() -> float:
            try:
                shares = idle.pop()
            except IndexError:  # the first call, or another thread is using them
                shares = self._shares(inputs, theta, weights, out)
            cost = _sum_of(shares, out)
            idle.append(shares)
            return cost

        return run

    def _is_whole(self, batch: int) -> bool:
        return batch <= self.rows and self._count(batch) < 2

    def _count(self, batch: int) -> int:
        """How many threads run a batch."""
        return 1 if self.parts is None else threads_for(self.each, batch, self.threads)

    def _shares(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> list[_Share]:
        """What each thread does."""
        batch, shares = len(inputs[0]), []

        def part_ready(part: slice, to: FloatArray) -> Callable[[], float]:
            return self.executable.ready([array[part] for array in inputs], theta, None if weights is None else weights[part], to)

        for share in _slices(slice(0, batch), self._count(batch)):
            if self.parts is Parts.ROWS:
                shares.append(_Share([part_ready(share, out[share])], [1.0], None))
                continue
            own = _Sum(out)
            parts = _slices(share, -(-(share.stop - share.start) // self.rows))
            sizes = [(part.stop - part.start) / batch if self.parts is Parts.MEANS else 1.0 for part in parts]
            shares.append(_Share([part_ready(part, own.part) for part in parts], sizes, own))
        return shares


class _Sum:
    """Memory for the weighted sum of the outputs of some parts, in float64, and for the output of one part."""

    def __init__(self, like: FloatArray) -> None:
        self.part, self.total, self._scaled = np.empty_like(like), np.empty(like.shape), np.empty(like.shape)
        self.quietly = quiet()

    def begin(self, weight: float) -> None:
        self.quietly(np.multiply, self.part, weight, self.total)

    def add(self, weight: float) -> None:
        self.quietly(np.multiply, self.part, weight, self._scaled)
        self.quietly(np.add, self.total, self._scaled, self.total)


@dataclass
class _Share:
    """What one thread does: it runs parts and adds their costs and, with `sum`, their outputs, each multiplied by its weight."""

    runs: Sequence[Callable[[], float]]
    weights: Sequence[float]
    sum: _Sum | None

    def __call__(self) -> float:
        cost = 0.0
        for place, (run, weight) in enumerate(zip(self.runs, self.weights)):
            cost += weight * run()
            if self.sum is not None:
                self.sum.add(weight) if place else self.sum.begin(weight)
        return cost


def _sum_of(shares: Sequence[_Share], out: FloatArray) -> float:
    """Run shares at the same time, return the sum of their costs, and write that of their outputs to `out`."""
    cost = sum(_together(shares)) if len(shares) > 1 else shares[0]()
    first, *others = [share.sum for share in shares]
    if first is not None:
        for other in others:
            assert other is not None
            first.quietly(np.add, first.total, other.total, first.total)
        first.quietly(np.copyto, out, first.total)
    return cost


def _together(works: Sequence[Callable[[], float]]) -> list[float]:
    """Call functions at the same time, each in a thread, and return what they return."""
    own, *others = map(_Task, works)
    idle = _idle_workers(os.getpid())
    with ExitStack() as ends:
        for task in others:
            try:
                worker = idle.pop()
            except IndexError:
                worker = _Worker()
            worker.begin(task)
            ends.callback(worker.end, idle)  # also after an exception: the threads read and write arrays of the caller
        own()
    for task in (own, *others):
        if task.error is not None:
            raise task.error
    return [task.cost for task in (own, *others)]


class _Task:
    """A call of a function in some thread, and what came of it."""

    def __init__(self, work: Callable[[], float]) -> None:
        self.work, self.cost = work, math.nan
        self.error: BaseException | None = None

    def __call__(self) -> None:
        try:
            self.cost = self.work()
        except BaseException as error:
            self.error = error


class _Worker(threading.Thread):
    """A thread that does one task after another. In between it waits: waking it takes less time than passing a task to an executor."""

    def __init__(self) -> None:
        super().__init__(name="nudge", daemon=True)
        self._begun, self._ended = threading.Lock(), threading.Lock()
        self._begun.acquire()
        self._ended.acquire()
        self.start()

    def begin(self, task: _Task) -> None:
        self._task = task
        self._begun.release()

    def run(self) -> None:
        while True:
            self._begun.acquire()
            self._task()
            del self._task
            self._ended.release()

    def end(self, idle: list[_Worker]) -> None:
        """Wait until the task is done, and join the idle workers."""
        try:
            self._ended.acquire()
        except BaseException:  # Ctrl-C
            self._ended.acquire()
            raise
        idle.append(self)


def _slices(whole: slice, count: int) -> list[slice]:
    """Split a slice into parts of about the same size."""
    size = whole.stop - whole.start
    return [slice(*ends) for ends in pairwise(whole.start + size * place // count for place in range(count + 1))]


@functools.cache
def _idle_workers(process: int) -> list[_Worker]:
    """The workers of a process that no call is using: a forked process has no threads of its parent."""
    return []
