"""The numpy back end: a list of numpy calls on buffers that are planned once for each batch size.

Two halves: `storage` decides as data where each array lies, `calls` what is called on it. `source` writes the program as one would
by hand: the same operations on the same arrays, less the buffers, and but for a sum of squares, which runs as one product.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from autograd import ops
from autograd.vectorize.backends.numpy.calls import Call, calls, fixed
from autograd.vectorize.backends.numpy.source import source
from autograd.vectorize.backends.numpy.storage import Buffer, Place, plan
from autograd.vectorize.builder import Builder, spelled
from autograd.vectorize.program import Elementwise, FloatArray, MatMul, Program, Reduce, Reshape, aligned, is_large, pins

__all__ = ["ADDS_IN_ORDER", "executable", "source"]

ADDS_IN_ORDER = True
PLANS_KEPT = 8  # batch sizes whose buffers are kept
COPIED = 2**17  # bytes that are copied sooner than views of them are made anew


def executable(program: Program, dtype: np.dtype[Any], over: Mapping[str, int] | None = None) -> Plans:
    """`over` says which outputs take the place of which arguments, as an update's do, instead of going to `out`."""
    program = with_squares_as_products(program)
    program.check()
    return Plans(program, dtype, over)


def with_squares_as_products(program: Program) -> Program:
    """The program, its cost taken as one product of an array with itself where it is the mean of sums of squares."""
    cost = program.outputs.get("cost", -1)
    if cost < 0 or not isinstance(program.instructions[cost], MatMul):
        return program
    builder = Builder(program.copy())
    weights, results = program.instructions[cost].operands
    weight = builder.factor(builder.transpose(weights))
    base = _squared(program, results)
    if weight is None or base is None:
        return program
    size = math.prod(program.shape(base))
    flat = builder.reshape(base, (1, size))
    builder.program.outputs["cost"] = builder.add(
        ops.multiply, builder.scale(*weight), builder.matmul(flat, builder.reshape(base, (size, 1)))
    )
    return spelled(builder.program)


def _squared(program: Program, number: int) -> int | None:
    """What an array is, or is sums along the last axis of, the squares of, if it is."""
    instruction = program.instructions[number]
    while isinstance(instruction, Reshape) or (
        isinstance(instruction, Reduce)
        and instruction.op is ops.total_
        and instruction.axis == len(program.shape(instruction.operands[0])) - 1
    ):
        (number,) = instruction.operands
        instruction = program.instructions[number]
    if (
        isinstance(instruction, Elementwise)
        and instruction.op is ops.power
        and Builder(program).factor(instruction.operands[1]) == (2.0, 0)
    ):
        return instruction.operands[0]
    return None


class Plans:
    """A program for batches of any size: a plan for each, and for each thread that runs it at the same time."""

    def __init__(self, program: Program, dtype: np.dtype[Any], over: Mapping[str, int] | None = None) -> None:
        self.program, self.dtype, self.over = program, dtype, over
        self._free: OrderedDict[int, list[Plan]] = OrderedDict()

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray | None) -> float:
        batch = len(inputs[0])
        try:
            plan = self._free[batch].pop()  # one that nobody else is running
        except (KeyError, IndexError):
            plan = Plan(self.program, batch, self.dtype, self.over)
        cost = plan.run(inputs, theta, weights, out)
        self._keep(batch, plan)  # but for one whose run was cut off: half of its calls may be for other arrays
        return cost

    def _keep(self, batch: int, plan: Plan) -> None:
        plans = self._free.get(batch)
        if plans is None:
            plans = self._free.setdefault(batch, [])
            while len(self._free) > PLANS_KEPT:
                self._free.popitem(last=False)
        plans.append(plan)
        with suppress(KeyError):  # another thread may have evicted it
            self._free.move_to_end(batch)


class Plan:
    """A program for one batch size: its buffers, and the calls to make, in order.

    A run allocates nothing: only where the arguments, the parameters, the weights or the output lie elsewhere than in the last run
    are the calls that touch them made anew. Small arrays that are others each time are copied to and from memory of the plan's own,
    which takes less. One plan serves one thread at a time.
    """

    def __init__(self, program: Program, batch: int, dtype: np.dtype[Any], over: Mapping[str, int] | None = None) -> None:
        self.storage = plan(program, batch, dtype, over)
        self.calls = list(calls(self.storage, over))
        self.memory: dict[Buffer, Any] = {number: np.empty(size, kind) for number, (size, kind) in enumerate(self.storage.sizes)}
        for call in fixed(self.storage):
            call.function(*self._resolved(call))
        self._is_in_place = over is not None
        self._own: dict[str, FloatArray] = {}
        self._pins: dict[Buffer, Any] = {}
        self._large: list[Buffer] = []
        self._dependents: dict[Buffer, list[int]] = {}
        for index, call in enumerate(self.calls):
            for buffer in {each.buffer for each in call.arguments if isinstance(each, Place) and isinstance(each.buffer, str)}:
                self._dependents.setdefault(buffer, []).append(index)
        self.inputs = [(buffer, int(buffer.split()[1])) for buffer in self._dependents if isinstance(buffer, str) and buffer[:5] == "input"]
        self.steps: list[Any] = [None if self._is_open(call) else (call.function, self._resolved(call)) for call in self.calls]
        cost = program.outputs.get("cost")
        self.cost = None if cost is None else self.storage.places[cost]
        self._cost = None if self.cost is None or isinstance(self.cost.buffer, str) else self._view(self.cost)

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray | None) -> float:
        memory = self.memory
        for buffer, position in self.inputs:
            if memory.get(buffer) is not inputs[position]:
                self._give(buffer, inputs[position])
        if memory.get("theta") is not theta:
            self._give("theta", theta)
        if out is not None and memory.get("out") is not out:
            self._give("out", out)
        if weights is not None and memory.get("weights") is not weights:
            self._give("weights", weights)
        with np.errstate(all="ignore"):
            for function, arguments in self.steps:
                function(*arguments)
        if out is not None and memory["out"] is not out:
            out[...] = memory["out"]
        cost = math.nan if self.cost is None else float((self._view(self.cost) if self._cost is None else self._cost).item())
        self._release()
        return cost

    def _release(self) -> None:
        """Keep no large array of the caller's."""
        for buffer in self._large:
            del self.memory[buffer], self._pins[buffer]
            for index in self._dependents.get(buffer, ()):
                self.steps[index] = None
        self._large.clear()

    def _give(self, buffer: str, array: FloatArray) -> None:
        """Work on an array that is not that of the last run, or on a copy of it."""
        if self._is_in_place or buffer not in self.memory or array.nbytes > COPIED:
            self._bind(buffer, array)
            return
        own = self._own.get(buffer)
        if own is None or own.shape != array.shape:
            own = self._own[buffer] = aligned(array.size, array.dtype).reshape(array.shape)
        if self.memory[buffer] is not own:
            self._bind(buffer, own)
        if buffer != "out":
            own[...] = array

    def _bind(self, buffer: Buffer, array: FloatArray) -> None:
        """Put what is given in its place, and make the calls that touch it anew."""
        self.memory[buffer], self._pins[buffer] = array, pins([array])
        if is_large(array):
            self._large.append(buffer)
        for index in self._dependents.get(buffer, ()):
            call = self.calls[index]
            if not self._is_open(call):
                self.steps[index] = call.function, self._resolved(call)

    def _is_open(self, call: Call) -> bool:
        """Whether a call touches what is still to be given."""
        return any(isinstance(each, Place) and each.buffer not in self.memory for each in call.arguments)

    def _resolved(self, call: Call) -> tuple[Any, ...]:
        return tuple([self._view(each) if isinstance(each, Place) else each for each in call.arguments])

    def _view(self, place: Place) -> FloatArray:
        return place.view(self.memory[place.buffer])
