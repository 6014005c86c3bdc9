"""Interpreter: narrow programs, which run as a tape that a loop in C reads. The loop is compiled once for all programs.

A C compiler would take minutes for thousands of short instructions, and the result would not be faster. The interpreter exists twice: for
one example at a time, and for as many beside each other as a register has lanes. Its operations are those of the table.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd import ops
from autograd.ops import SIGN
from autograd.vectorize.backend import Executable, Signature
from autograd.vectorize.backends.native.compiler import load
from autograd.vectorize.backends.native.executable import Call
from autograd.vectorize.backends.native.mathematics import INCLUDES, OPERATORS, definitions, names
from autograd.vectorize.memory import FloatArray, aligned
from autograd.vectorize.program import Program
from autograd.vectorize.tape import (
    ADDED,
    COST,
    INPUT,
    MERGED,
    PARAMETER,
    RESULT,
    ROW,
    SCALE,
    STARRED,
    TOTAL,
    WEIGHT,
    WITHIN,
    Entry,
    Merged,
    Tape,
    expression,
    tape,
)

_TEXT = Path(__file__).with_name("tape.h").read_text()
LENGTH = 150  # instructions from which on a narrow program runs as a tape
ONE_BY_ONE = 2  # examples that take less time one after the other: some functions compute each lane on its own
_WITHIN, _AGAIN, _END = "within", "again", "end"
_ROWS: tuple[Any, ...] = (*OPERATORS, *(ops.TABLE[name] for name in names() if name in ops.TABLE), *MERGED)
_NUMBERS: dict[Any, int] = {each: number for number, each in enumerate((*STARRED, _WITHIN, _AGAIN, _END, *_ROWS))}


_INFIX = [op for op in ops.TABLE.values() if op.precedence < SIGN or op is ops.power]  # between their operands in a listing
_WRITTEN = {  # the lines of entries that are not operations
    PARAMETER: "{target} = theta[{0}]",
    INPUT: "{target} = {x}",
    WEIGHT: "{target} = weight",
    SCALE: "{target} = {0} * batch**{1}",
    ADDED: "{target} += {0}",
    TOTAL: "{target} = total({0})",
    COST: "cost = {0}",
    RESULT: "{output}[{1}] = {0}",
    ROW: "{output}[{1}] = {0}",
}
_HEADINGS = ("before the examples:", "for each example:", "after the examples:")


def listing(program: Program, signature: Signature) -> str:
    """A tape as text: a line for each operation, in the order in which the interpreter takes them."""
    made = tape(program)
    output = next((name for name in program.outputs if name != "cost"), "")
    given = ", ".join(signature.arguments) + " and theta" * bool(program.parameter_count)
    lines = [f"# {signature.name}: of {given}. These operations run one after another, on single numbers."]
    lines += [f"# {each}" for each in signature.notes]
    for heading, entries in zip(_HEADINGS, made.parts):
        if entries:
            lines += ["", heading, *(f"    {_written(entry, made.constants, signature, output)}" for entry in entries)]
    return "\n".join([*lines, ""])


def _written(entry: Entry, constants: Sequence[float], signature: Signature, output: str) -> str:
    """An entry as a line. A slot is a name that may be used again; constants are written as numbers."""
    op, target, operands = entry
    words = [repr(constants[each]) if each < len(constants) else f"v{each}" for each in entry.read]
    if op is ops.identity:
        return f"v{target} = {words[0]}"
    if not isinstance(op, str):
        return f"v{target} = {expression(op, words, _INFIX, '{}')}"
    given = ""
    if op == INPUT:
        argument, column, _ = operands
        shape = signature.shapes[argument]
        given = signature.arguments[argument] + (str([int(each) for each in np.unravel_index(column, shape)]) if shape else "")
    return _WRITTEN[op].format(*words, *operands[len(words) :], target=f"v{target}", x=given, output=output)


class TapeExecutable(Executable):
    """A program as a tape. Other threads run while it does."""

    def __init__(self, program: Program, dtype: np.dtype[Any]) -> None:
        made = tape(program)
        self.dtype, self.slots, self.constants, self.varies = dtype, made.slots, made.constants, bool(made.parts[WITHIN])
        self.entries = np.array(list(_words(made)), np.int32)
        self._calls: dict[bool, list[_TapeCall]] = {True: [], False: []}  # not in use, in lanes or not

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        batch = len(inputs[0])
        in_lanes = self.varies and batch > ONE_BY_ONE
        try:
            call = self._calls[in_lanes].pop()
        except IndexError:
            call = _TapeCall(self, in_lanes)
        cost = call.run(batch, (theta, weights, out, *inputs))
        self._calls[in_lanes].append(call)  # not after an exception: the addresses may belong to other arrays
        return cost


class _TapeCall(Call):
    """Slots for the numbers of a tape, and the addresses of the last arguments."""

    def __init__(self, executable: TapeExecutable, in_lanes: bool) -> None:
        self.function, lanes = _interpreter(executable.dtype.name, in_lanes)
        super().__init__(aligned(executable.slots * lanes, executable.dtype))
        self.work[: len(executable.constants) * lanes] = np.repeat(executable.constants, lanes)
        self.entries = executable.entries
        self.given_to: list[ctypes.c_void_p] = []
        self.packed: Any = None

    def run(self, batch: int, given: tuple[FloatArray | None, ...]) -> float:
        pointers = self.pointers(given)
        if pointers is not self.given_to:
            *others, self.slots = [each.value or 0 for each in pointers]
            self.given_to = pointers
            self.packed = (ctypes.c_ssize_t * (2 + len(others)))(self.entries.ctypes.data, batch, *others)
        self.packed[1] = batch
        cost: float = self.function(self.packed, self.slots)
        self.release()
        return cost


def _words(tape: Tape) -> Iterator[int]:
    """A tape as numbers, entry after entry."""
    for part, entries in enumerate(tape.parts):
        is_repeated = part == WITHIN and entries
        if is_repeated:
            yield from (_NUMBERS[_WITHIN], 0)
        for op, target, operands in entries:
            yield from (_number(op), target, *operands)
        if is_repeated:
            yield from (_NUMBERS[_AGAIN], 0)
    yield from (_NUMBERS[_END], 0)


def _number(op: Any) -> int:
    number = _NUMBERS.get(op)
    if number is None:
        raise ValueError(f"the operation {op.name} cannot be written in C")
    return number


@functools.cache
def _interpreter(dtype: str, in_lanes: bool) -> tuple[Callable[..., float], int]:
    """The function that reads tapes, and how many lanes its slots have."""
    library = load(_source(np.dtype(dtype), in_lanes))
    library.run.restype = ctypes.c_double
    library.run.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    return library.run, ctypes.c_int.in_dll(library, "lanes").value


def _source(dtype: np.dtype[Any], in_lanes: bool) -> str:
    """The interpreter as C, with all operations."""
    width = "" if in_lanes else f"#define BYTES {dtype.itemsize}\n"
    called = {row.name for row in _ROWS if not isinstance(row, Merged) and row not in OPERATORS}
    labels = [*STARRED, _WITHIN, _AGAIN, _END, *(f"row{number}" for number in range(len(_ROWS)))]
    computed = [_computed(f"row{number}", row) for number, row in enumerate(_ROWS)]
    macros = [f"#define LABELS {', '.join(f'&&{each}' for each in labels)}", f"#define COMPUTED {' '.join(computed)}"]
    return "\n".join([f"{width}{INCLUDES}", definitions({*called, "splat"}, dtype), *macros, _TEXT])


def _computed(label: str, row: Any) -> str:
    """What the interpreter does for a row of the table."""
    arity = row.outer.arity + row.inner.arity - 1 if isinstance(row, Merged) else row.arity
    words = [f"slots[at[{place}]]" for place in range(2, 2 + arity)]
    return f"{label}: slots[at[1]] = {expression(row, words, OPERATORS, 'v_{}')}; NEXT({2 + arity})"
