"""One example: narrow programs at a batch of one, as plain Python on floats. Calls on arrays of one number take longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from autograd import ops
from autograd._support import garbage_collection_paused
from autograd.ops import Operation
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program
from autograd.vectorize.tape import ADDED, COST, INPUT, PARAMETER, RESULT, ROW, SCALE, TOTAL, WEIGHT, Entry, expression, tape

AT_ONCE = 1000  # entries in one function: what Python takes to compile a function grows faster than its length
_SAFE = (ops.add, ops.subtract, ops.multiply, ops.less, ops.less_equal, ops.greater, ops.greater_equal, ops.equal, ops.not_equal)
_INFIX = (*_SAFE, ops.divide)
_NAMES = {f"{name}_": op.on_floats for name, op in ops.TABLE.items()}
_OTHERS = {  # the lines of entries that are no operations, at one example
    PARAMETER: "{target} = theta[{0}]",
    INPUT: "{target} = inputs[{0}][{1}]",
    WEIGHT: "{target} = weights[0]",
    SCALE: "{target} = {0}",
    ADDED: "{target} += {0}",
    TOTAL: "{target} = {0}",
    COST: "out[-1] = {0}",
    RESULT: "out[{1}] = {0}",
    ROW: "out[{1}] = {0}",
}


class OneExample:
    """A program at one example, as functions with a line for each entry of its tape."""

    def __init__(self, program: Program) -> None:
        with garbage_collection_paused(is_once=True):
            parts, slots, constants = tape(program)
            self._slots = [*constants, *[0.0] * (slots - len(constants))]
            self._entries = [entry for part in parts for entry in part]
            self._functions = _functions(self._entries, _INFIX, _NAMES)

    @cached_property
    def _ieee_functions(self) -> list[Callable[..., None]]:
        """The functions with operations that give inf or nan where Python raises an exception. They take longer."""
        return _functions(self._entries, _SAFE, {f"{name}_": _ieee(op) for name, op in ops.TABLE.items()})

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        """See `Executable.run`."""
        given = [each.ravel().tolist() for each in inputs], theta.tolist(), [] if weights is None else weights.tolist()
        try:
            found = self._results(self._functions, given, out.size)
        except (ArithmeticError, ValueError):
            found = self._results(self._ieee_functions, given, out.size)
        cost = float(found.pop())
        out[...] = np.reshape(found, out.shape)
        return cost

    def _results(self, functions: Sequence[Callable[..., None]], given: tuple[list[Any], ...], size: int) -> list[float]:
        """The numbers of the output, and the cost."""
        slots, found = self._slots.copy(), [0.0] * (size + 1)
        for function in functions:
            function(slots, *given, found)
        return found


def _ieee(op: Operation) -> Callable[..., float]:
    def value(*operands: float) -> float:
        try:
            return op.on_floats(*operands)
        except (ArithmeticError, ValueError):
            return op.ieee_value(*operands)

    return value


def _functions(entries: Sequence[Entry], infix: Sequence[Operation], names: Mapping[str, Any]) -> list[Callable[..., None]]:
    """Functions that compute entries. Their arguments are the slots, what they read, and the output with the cost at its end."""
    found = []
    for start in range(0, len(entries), AT_ONCE):
        own = dict(names)
        lines = [_line(each, infix) for each in entries[start : start + AT_ONCE]]
        exec("\n    ".join(["def run(v, inputs, theta, weights, out):", *lines]), own)
        found.append(own["run"])
    return found


def _line(entry: Entry, infix: Sequence[Operation]) -> str:
    op, target, operands = entry
    words = [f"v[{each}]" for each in entry.read]
    if isinstance(op, str):
        return _OTHERS[op].format(*words, *operands[len(words) :], target=f"v[{target}]")
    return f"v[{target}] = {expression(op, words, infix, '{}_')}"
