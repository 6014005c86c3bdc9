"""Arrays: the memory of the arrays of a program in C, and loops over their entries."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native.identifiers import identifier
from autograd.vectorize.backends.native.schedule import ADDED, AFTER, BEFORE, WITHIN, last_reads, merged_operations, stages_of
from autograd.vectorize.places import Place, contiguous, fewest_axes
from autograd.vectorize.program import Program
from autograd.vectorize.source import NUMPY, Listing

BLOCK = 32  # examples
WHOLE = 16  # entries, at least as many as a register has lanes: all arrays in `work` begin at a multiple, as cache lines do


class Buffer(NamedTuple):
    """A piece of memory in C.

    The examples of a block lie beside each other, stride 1, in our memory, and in rows in an argument of the caller.
    """

    name: str
    kind: str  # "lanes": a block of ours; "rows": examples of the caller; "plain": without examples; "theta": plain, not ours


def room(size: int) -> int:
    """The entries of memory for `size` numbers: a vector may begin with the last one."""
    return (size + 2 * (WHOLE - 1)) // WHOLE * WHOLE


class Arrays(ABC):
    """Abstract: a program with the names of its arrays, their places, and the lines of C written so far."""

    def __init__(self, program: Program, signature: Signature) -> None:
        self.has_cost, self.is_weighted = "cost" in program.outputs, bool(program.find(ir.Weights))
        self.argument_shapes = signature.shapes
        given = Listing(program, signature, NUMPY)  # the program as it is shown, with the names of its arrays
        self.program = given.program
        self.shapes = [self._shape(each.shape) for each in self.program.types]
        self.arguments = list[str]()
        for each in given.arguments:
            self.arguments.append(identifier(each, self.arguments))
        self.names: dict[int, str] = {}
        for number, each in given.names.items():
            self.names[number] = identifier(each, (*self.arguments, *self.names.values()))
        outputs = dict(self.program.outputs)
        self.results = outputs.pop("results") if self.has_cost else -1
        self.output = next(iter(outputs.values()), -1)
        self.stages = stages_of(self.program)
        self.merged = merged_operations(self.program, self.stages)
        self.last_read = last_reads(self.program, self.merged)
        scatter = self.program.instructions[self.output] if self.output >= 0 else None
        self.parts = self.program.made_in_place(scatter) if isinstance(scatter, ir.Scatter) else {}
        self.places: list[Place | None] = [None] * len(self.program)  # None for operations that are written into others
        self.work = 0  # entries of memory
        self.memory: list[str] = []
        self.tables: list[str] = []
        self.names_of_tables: dict[str, str] = {}
        self.lines: dict[str, list[str]] = {stage: [] for stage in (BEFORE, WITHIN, AFTER)}

    @abstractmethod
    def _shape(self, shape: ir.Shape) -> ir.Shape:
        """The shape in C of an array of this shape."""

    @abstractmethod
    def _allocate(self, name: str, shape: ir.Shape) -> Place:
        """Memory for an array, in whole vectors."""

    def _ours(self, place: Place) -> Place:
        """The array, or a copy of it, as the functions in C take it."""
        return place

    def _code(self, number: int) -> list[str]:
        return self.lines[WITHIN if self.stages[number] is ADDED else self.stages[number]]

    def _name(self, number: int) -> str:
        return self.names.get(number, f"a{number}")

    def _target(self, number: int) -> Place:
        shape = self.shapes[number]
        if number in self.parts:
            return Place(Buffer("out", "theta"), self.parts[number], shape, contiguous(shape))
        if number == self.output and not self.program.instructions[number].is_view and not self.program.varies(number):
            return Place.whole(Buffer("out", "theta"), shape)
        return self._allocate(self._name(number), shape)

    def _table(self, columns: Any) -> str:
        text = ", ".join(map(str, columns.tolist()))
        if text not in self.names_of_tables:
            self.names_of_tables[text] = name = f"columns{len(self.tables)}"
            self.tables.append(f"static const int {name}[] = {{{text}}};")
        return self.names_of_tables[text]

    def _copied(self, number: int, source: Place, shape: ir.Shape) -> Place:
        source = self._ours(source)
        place = self._allocate(self._name(number), source.shape)
        self._copy(self._code(number), place, source)
        view = place.reshaped(shape)
        if view is None:
            raise ValueError(
                f"{self._name(number)} {ir.shape_text(source.shape)} takes no shape {ir.shape_text(shape)} without mixing examples"
            )
        return view

    def _copy(self, code: list[str], place: Place, source: Place) -> None:
        self._loops(code, place, lambda at: f"{entry(place, at)} = {entry(source, at)};")

    def _loops(self, code: list[str], place: Place, body: Callable[[list[str]], str]) -> None:
        """Nested loops over the entries of an array, examples innermost. `body` gets the indices."""
        axes = [axis for axis, size in enumerate(place.shape) if size not in (1, ir.BATCH)]
        axes += [axis for axis, size in enumerate(place.shape) if size == ir.BATCH]
        at = ["0"] * len(place.shape)
        for depth, axis in enumerate(axes):
            size, index = place.shape[axis], "e" if place.shape[axis] == ir.BATCH else f"i{axis}"
            at[axis] = index
            code.append("    " * depth + f"for (long {index} = 0; {index} < {'count' if size == ir.BATCH else size}; {index}++)")
        code.append("    " * len(axes) + body(at))

    def _zero(self, number: int, place: Place) -> None:
        """Write zeros into a contiguous array: before the loop if it is a sum over the examples."""
        code = self.lines[BEFORE if self.stages[number] is ADDED else self.stages[number]]
        code.append(f"memset({pointer(place)}, 0, {math.prod(place.shape)} * sizeof(real));")


def has_examples(place: Place) -> bool:
    """Whether an array has entries for each example."""
    return place.buffer.kind in ("lanes", "rows")


def pointer(place: Place) -> str:
    """The address of the first entry, in C."""
    return f"{place.buffer.name} + {place.offset}" if place.offset else str(place.buffer.name)


def loops_over(shape: ir.Shape, strides: Sequence[tuple[int, ...]]) -> list[tuple[str, list[int]]]:
    """The fewest loops over a shape without examples, each with its size and the stride of each array."""
    return [(str(size), along) for size, along in fewest_axes(shape, strides)]


def entry(place: Place, indices: Sequence[str]) -> str:
    """An entry of an array, in C."""
    terms = [f"{index} * {stride}" if stride != 1 else index for index, stride in zip(indices, place.strides) if index != "0" and stride]
    terms = [str(place.offset)] * bool(place.offset) + terms
    return f"{place.buffer.name}[{' + '.join(terms) or '0'}]"
