"""One example: narrow programs at a batch of one, as plain Python on floats. Calls on arrays of one number take longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import ops
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program
from autograd.vectorize.tape import ADDED, COST, INPUT, PARAMETER, RESULT, ROW, SCALE, TOTAL, WEIGHT, Entry, expression, tape

AT_ONCE = 1000  # entries in one function: what Python takes to compile a function grows faster than its length
_INFIX = (
    ops.add, ops.subtract, ops.multiply, ops.divide, ops.less, ops.less_equal, ops.greater, ops.greater_equal, ops.equal, ops.not_equal
)  # fmt: skip
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
        parts, slots, constants = tape(program)
        self._slots = [*constants, *[0.0] * (slots - len(constants))]
        entries = [entry for part in parts for entry in part]
        self._functions = [_function(entries[start : start + AT_ONCE]) for start in range(0, len(entries), AT_ONCE)]

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        """See `Executable.run`. Raises ArithmeticError or ValueError where Python's functions do and numpy gives inf or nan."""
        slots, found = self._slots.copy(), [0.0] * (out.size + 1)
        given = [each.ravel().tolist() for each in inputs]
        parameters, weight = theta.tolist(), [] if weights is None else weights.tolist()
        for function in self._functions:
            function(slots, parameters, given, weight, found)
        cost = float(found.pop())
        out[...] = np.reshape(found, out.shape)
        return cost


def _function(entries: Sequence[Entry]) -> Callable[..., None]:
    """A function that computes entries. Its arguments are the slots, what it reads, and the output with the cost at its end."""
    names: dict[str, Any] = dict(_NAMES)
    exec("\n    ".join(["def run(v, theta, inputs, weights, out):", *map(_line, entries)]), names)
    return names["run"]  # type: ignore[no-any-return]


def _line(entry: Entry) -> str:
    op, target, operands = entry
    words = [f"v[{each}]" for each in entry.read]
    if isinstance(op, str):
        return _OTHERS[op].format(*words, *operands[len(words) :], target=f"v[{target}]")
    return f"v[{target}] = {expression(op, words, _INFIX, '{}_')}"
