"""Plans: a program as numpy calls on buffers that are allocated once for each batch size."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from autograd.vectorize.backend import Executable
from autograd.vectorize.backends.numpy.calls import Call, bound, calls, fixed
from autograd.vectorize.backends.numpy.one_example import OneExample
from autograd.vectorize.memory import FloatArray, aligned, is_large, pins, quiet
from autograd.vectorize.places import Place
from autograd.vectorize.program import Program
from autograd.vectorize.storage import Name, plan, view
from autograd.vectorize.tape import is_narrow

PLANS_KEPT = 8  # batch sizes whose buffers are kept in any case, the latest ones,
BYTES_KEPT = 2**25  # and of others as many as fit into this memory
COPIED = 2**17  # bytes up to which copying an array is faster than making new views of it,
OFTEN = 16  # unless the same one is given more often than this in a row


class Plans(Executable):
    """A program for batches of any size, with a plan for each size and for each thread that runs it at the same time.

    A narrow program runs as plain Python at one example.
    """

    def __init__(self, program: Program, dtype: np.dtype[Any], over: Mapping[str, int] | None = None) -> None:
        self.program, self.dtype, self.over = program, dtype, over
        self._free: OrderedDict[int, list[Plan]] = OrderedDict()
        self._runs_one_example = over is None and dtype == np.float64 and is_narrow(program)

    @cached_property
    def _one_example(self) -> OneExample:
        return OneExample(self.program)

    def ready(
        self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray | None
    ) -> Callable[[], float]:
        batch = len(inputs[0])
        if batch == 1 and self._runs_one_example and out is not None:
            return partial(self._one_example.run, inputs, theta, weights, out)
        plans = self._plans(batch)

        def run() -> float:
            try:
                plan = plans.pop()
            except IndexError:
                plan = Plan(self.program, batch, self.dtype, self.over)
            cost = plan.run(inputs, theta, weights, out)
            plans.append(plan)  # not after an exception: half of the calls may be bound to other arrays
            return cost

        return run

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray | None) -> float:
        return self.ready(inputs, theta, weights, out)()

    def _plans(self, batch: int) -> list[Plan]:
        """The plans for a batch size that are not in use. Those of the sizes that were not used for the longest time may be dropped."""
        plans = self._free.get(batch)
        if plans is None:
            plans = self._free.setdefault(batch, [])
            while len(self._free) > PLANS_KEPT and self._bytes() > BYTES_KEPT:
                self._free.popitem(last=False)
        try:
            self._free.move_to_end(batch)
        except KeyError:  # another thread has dropped it
            pass
        return plans

    def _bytes(self) -> int:
        """The memory of the plans that are not in use."""
        return sum(plan.bytes for plans in list(self._free.values()) for plan in plans)


class Plan:
    """A program for one batch size: its buffers and its calls, in order.

    A run allocates nothing. If an argument, the parameters, the weights or the output are other arrays than in the last run, the calls
    that use them are bound again; small arrays are copied to and from memory of the plan instead, which is faster for a single run. A plan
    serves one thread at a time.
    """

    def __init__(self, program: Program, batch: int, dtype: np.dtype[Any], over: Mapping[str, int] | None = None) -> None:
        self.storage = plan(program, batch, dtype, over)
        self.calls = list(calls(self.storage, over))
        self.memory: dict[Name, Any] = {number: np.empty(size, kind) for number, (size, kind) in enumerate(self.storage.sizes)}
        self.bytes = sum(buffer.nbytes for buffer in self.memory.values())
        for call in fixed(self.storage):
            function, arguments = self._bound(call)
            function(*arguments)
        self._quietly = quiet()
        self._overwritten = {f"input {argument}" for argument in (over or {}).values()}
        self._own: dict[str, FloatArray] = {}
        self._copied: dict[str, tuple[FloatArray, int]] = {}  # the array that was copied last, and how often in a row
        self._pins: dict[Name, Any] = {}
        self._large: list[Name] = []
        self._dependents: dict[Name, list[int]] = {}
        for index, call in enumerate(self.calls):
            for buffer in {each.buffer.name for each in call.arguments if isinstance(each, Place) and isinstance(each.buffer.name, str)}:
                self._dependents.setdefault(buffer, []).append(index)
        self.inputs = [(buffer, int(buffer.split()[1])) for buffer in self._dependents if isinstance(buffer, str) and buffer[:5] == "input"]
        self.steps: list[Any] = [None if self._is_open(call) else self._bound(call) for call in self.calls]
        cost = program.outputs.get("cost")
        self.cost = None if cost is None else self.storage.places[cost]
        self._cost = None if self.cost is None or isinstance(self.cost.buffer.name, str) else self._view(self.cost)

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
        self._quietly(_run, self.steps)
        if out is not None and memory["out"] is not out:
            out[...] = memory["out"]
        cost = math.nan if self.cost is None else float((self._view(self.cost) if self._cost is None else self._cost).item())
        if self._large:
            self._release()
        return cost

    def _release(self) -> None:
        """Release the large arrays of the caller."""
        for buffer in self._large:
            del self.memory[buffer], self._pins[buffer]
            for index in self._dependents.get(buffer, ()):
                self.steps[index] = None
        self._large.clear()

    def _give(self, buffer: str, array: FloatArray) -> None:
        """Use another array than in the last run, or a copy of it. An array that is given often is used itself from then on."""
        last, times = self._copied.pop(buffer, (None, 0))
        times = times + 1 if last is array else 1
        if buffer not in self.memory or buffer in self._overwritten or array.nbytes > COPIED or times > OFTEN:
            self._bind(buffer, array)
            return
        self._copied[buffer] = array, times
        own = self._own.get(buffer)
        if own is None or own.shape != array.shape:
            own = self._own[buffer] = aligned(array.size, array.dtype).reshape(array.shape)
        if self.memory[buffer] is not own:
            self._bind(buffer, own)
        if buffer != "out":
            own[...] = array

    def _bind(self, buffer: Name, array: FloatArray) -> None:
        """Use an array of the caller as a buffer, and bind the calls that use it again."""
        self.memory[buffer], self._pins[buffer] = array, pins([array])
        if is_large(array):
            self._large.append(buffer)
        for index in self._dependents.get(buffer, ()):
            call = self.calls[index]
            if not self._is_open(call):
                self.steps[index] = self._bound(call)

    def _is_open(self, call: Call) -> bool:
        """Whether a call uses an array of the caller that is not known yet."""
        return any(isinstance(each, Place) and each.buffer.name not in self.memory for each in call.arguments)

    def _bound(self, call: Call) -> tuple[Any, tuple[Any, ...]]:
        views = {each: self._view(each) for each in call.arguments if isinstance(each, Place)}  # numpy is fastest in place on one object
        return bound(call.function, tuple([views[each] if isinstance(each, Place) else each for each in call.arguments]))

    def _view(self, place: Place) -> FloatArray:
        return view(place, self.memory[place.buffer.name])


def _run(steps: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> None:
    for function, arguments in steps:
        function(*arguments)
