"""Storage: the place of each array of a program for one batch size, with memory that is reused when it is free."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from autograd import ops
from autograd.vectorize import instructions as ir
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.places import Place
from autograd.vectorize.program import Program

Name = int | str  # the number of a buffer of the storage, or "input 0", "theta", "weights" or "out" for memory of the caller


class Buffer(NamedTuple):
    """A piece of memory, seen as entries of one dtype."""

    name: Name
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        name = f"buffer {self.name}" if isinstance(self.name, int) else self.name
        return name + f" of {self.dtype}" * (self.dtype.kind != "f")


def view(place: Place, memory: FloatArray) -> FloatArray:
    """The array at a place, in the memory of its buffer."""
    dtype = place.buffer.dtype
    size = dtype.itemsize
    return np.ndarray(place.shape, dtype, memory, place.offset * size, tuple([each * size for each in place.strides]))


def as_bits(place: Place) -> Place:
    """The same entries as whole numbers of the same size."""
    return replace(place, buffer=Buffer(place.buffer.name, np.dtype(f"i{place.buffer.dtype.itemsize}")))


def is_fixed(program: Program, number: int) -> bool:
    """Whether an array is the same in every run of one batch size, so that it is filled only once."""
    instruction = program.instructions[number]
    return isinstance(instruction, (ir.Constant, ir.Scale)) or (
        isinstance(instruction, ir.Expand) and is_fixed(program, instruction.operands[0])
    )


def is_masked(program: Program, instruction: ir.Instruction) -> bool:
    """Whether an instruction keeps the numbers of an array where a condition holds, and has 0 elsewhere: its bits can be masked."""
    if not isinstance(instruction, ir.Elementwise) or instruction.op is not ops.where:
        return False
    condition, kept, other = instruction.operands
    constant = program.instructions[other]
    is_zero = isinstance(constant, ir.Constant) and constant.value.shape == () and not np.signbit(constant.value) and constant.value == 0
    return is_zero and program.is_boolean(condition) and not program.is_boolean(kept)


def scratch_key(program: Program, number: int) -> Any:
    """What an instruction computes in its scratch memory, if another instruction may need the same; None for others.

    For sums of pairs, that is the matrix of the numbers of the pairs, or its transpose.
    """
    instruction = program.instructions[number]
    if is_masked(program, instruction):
        return instruction.operands[0]
    if isinstance(instruction, ir.PairSums) and instruction.is_dense:
        return instruction.operands[0], instruction.blocks, *sorted(_sides(instruction))
    return None


def _sides(pairs: ir.PairSums) -> list[tuple[bytes, int]]:
    return [(each.tobytes(), rows) for each, rows in zip((pairs.lefts, pairs.rights), pairs.rows)]


def _sharing(program: Program) -> list[list[int]]:
    """For each instruction those that need the same scratch memory, itself included; none if it needs none or its own."""
    keys = [scratch_key(program, number) for number in range(len(program))]
    groups: dict[Any, list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        groups[key].append(number)
    return [[] if key is None else groups[key] for key in keys]


@dataclass
class Storage:
    """A place for each array of a program, and the buffers to allocate."""

    program: Program
    batch: int
    dtype: np.dtype[Any]
    places: list[Place] = field(default_factory=list)
    sizes: list[tuple[int, np.dtype[Any]]] = field(default_factory=list)  # of the buffers
    scratch: dict[int, list[Place]] = field(default_factory=dict)  # memory that an instruction needs besides its result
    filled: set[int] = field(default_factory=set)  # instructions whose scratch memory an earlier one has filled
    copies: set[int] = field(default_factory=set)  # reshapes that no view can do
    in_scatter: dict[int, tuple[int, int]] = field(default_factory=dict)  # arrays in a scatter: its number and the first column
    kept: dict[str, Place] = field(default_factory=dict)  # copies of arguments that are outputs, until they can be written

    def __str__(self) -> str:
        lines = [f"buffer {number}: {size} entries of {dtype}" for number, (size, dtype) in enumerate(self.sizes)]
        return "\n".join([*lines, *(f"%{number}: {place}" for number, place in enumerate(self.places))])


def plan(program: Program, batch: int, dtype: np.dtype[Any], over: Mapping[str, int] | None = None) -> Storage:
    """Plan the storage: results overwrite operands that are not needed again, and free buffers are reused.

    `over` maps outputs to the arguments that they overwrite, instead of `out`.
    """
    return _Planner(program, batch, dtype, over or {}).storage


class _Planner:
    def __init__(self, program: Program, batch: int, dtype: np.dtype[Any], over: Mapping[str, int]) -> None:
        self.program, self.batch, self.dtype = program, batch, dtype
        self.over = {program.outputs[name]: argument for name, argument in over.items()}
        self.given = {each.argument: number for number, each in enumerate(program.instructions) if isinstance(each, ir.Input)}
        self.storage = Storage(program, batch, dtype)
        self.places = self.storage.places
        self.free: dict[tuple[int, np.dtype[Any]], list[int]] = {}
        self.uses = program.uses()
        out = next((number for name, number in program.outputs.items() if name != "cost" and name not in over), -1)
        self.out = -1 if out < 0 or is_fixed(program, out) else out
        self.reserved: dict[int, Place] = {}
        self.shared = _sharing(program)
        self._find_parts()
        self.last = self._last_uses()
        for number, instruction in enumerate(program.instructions):
            self.places.append(self._place(number, instruction))
            is_done = not self.shared[number] or self.shared[number][-1] == number
            for place in self.storage.scratch.get(number, ()) if is_done and not isinstance(instruction, ir.PairSums) else ():
                self._release(place)
            for base in dict.fromkeys(map(self._base, (*instruction.operands, number))):
                if self.last[base] <= number and self._is_own(base):
                    self._release(self.places[base])
                    self.last[base] = len(program)  # only once
        for name in over:
            if isinstance(program.instructions[program.outputs[name]], ir.Input):
                self.storage.kept[name] = self._allocate(ir.sized(program.shape(program.outputs[name]), batch), dtype, fixed=True)

    def _base(self, number: int) -> int:
        """The instruction whose memory an array lies in."""
        while True:
            instruction = self.program.instructions[number]
            if number in self.storage.in_scatter:
                number = self.storage.in_scatter[number][0]
            elif instruction.is_view and number not in self.storage.copies:
                number = instruction.operands[0]
            else:
                return number

    def _is_own(self, base: int) -> bool:
        """Whether an array lies in a buffer that can be reused."""
        return base < len(self.places) and isinstance(self.places[base].buffer.name, int) and not is_fixed(self.program, base)

    def _last_uses(self) -> list[int]:
        program = self.program
        last = list(range(len(program)))
        for number, instruction in enumerate(program.instructions):
            for each in instruction.operands:
                last[each] = number
        for each in program.outputs.values():
            last[each] = len(program)
        for number in range(len(program) - 1, -1, -1):  # a view keeps what it is a view of
            if program.instructions[number].is_view:
                (source,) = program.instructions[number].operands
                last[source] = max(last[source], last[number])
        return last

    def _find_parts(self) -> None:
        """Find the arrays that can be computed in the columns of a scatter."""
        for number, instruction in enumerate(self.program.instructions):
            if isinstance(instruction, ir.Scatter):
                for source, start in self.program.made_in_place(instruction).items():
                    self.storage.in_scatter[source] = number, start

    def _place(self, number: int, instruction: ir.Instruction) -> Place:
        shape = ir.sized(self.program.shape(number), self.batch)
        dtype = np.dtype(bool) if self.program.is_boolean(number) else self.dtype
        match instruction:
            case ir.Input(argument=argument):
                return Place.whole(Buffer(f"input {argument}", dtype), shape)
            case ir.Parameters():  # a row of them for each example is the same row
                return Place(Buffer("theta", dtype), 0, shape, (0,) * (len(shape) - 1) + (1,))
            case ir.Weights():
                return Place.whole(Buffer("weights", dtype), shape)
            case ir.Slice(start=start, stop=stop, step=step):
                return self.places[instruction.operands[0]].columns(start, stop, step)
            case ir.Transpose():
                return self.places[instruction.operands[0]].transposed()
            case ir.Reshape():
                if (view := self.places[instruction.operands[0]].reshaped(shape)) is not None:
                    return view
                self.storage.copies.add(number)
        self._plan_scratch(number, instruction)
        if number in self.storage.in_scatter:
            scatter, start = self.storage.in_scatter[number]
            part = self._reserved(scatter).columns(start, start + math.prod(shape)).reshaped(shape)
            assert part is not None  # a contiguous piece has every shape
            return part
        if number == self.out or isinstance(instruction, ir.Scatter):
            return self._reserved(number)
        if number in self.over and isinstance(instruction, ir.Elementwise) and instruction.op is not ops.where:  # that is written in parts
            argument = self.over[number]
            if self.last[self.given[argument]] <= number:
                return Place.whole(Buffer(f"input {argument}", dtype), shape)
        if isinstance(instruction, ir.Elementwise) and (operand := self._reusable(number, instruction, shape, dtype)) is not None:
            base = self._base(operand)
            self.last[base] = len(self.program)  # its memory is in use by the result
            return self.places[operand]
        return self._allocate(shape, dtype, fixed=is_fixed(self.program, number))

    def _reserved(self, number: int) -> Place:
        """The place of an output or a scatter, which may be needed before its instruction is reached."""
        if number not in self.reserved:
            shape = ir.sized(self.program.shape(number), self.batch)
            self.reserved[number] = (
                Place.whole(Buffer("out", self.dtype), shape) if number == self.out else self._allocate(shape, self.dtype)
            )
        return self.reserved[number]

    def _plan_scratch(self, number: int, instruction: ir.Instruction) -> None:
        first = self.shared[number][0] if self.shared[number] else number
        if first < number:
            (place,) = self.storage.scratch[first]
            other = self.program.instructions[first]
            is_turned = isinstance(instruction, ir.PairSums) and isinstance(other, ir.PairSums) and _sides(instruction) != _sides(other)
            self.storage.scratch[number] = [place.transposed() if is_turned else place]
            self.storage.filled.add(number)
            return
        program, shapes = self.program, [ir.sized(self.program.shape(each), self.batch) for each in (number, *instruction.operands)]
        match instruction:
            case ir.Reduce(op=ops.logsumexp_) | ir.Segments(op=ops.logsumexp_):
                self.storage.scratch[number] = [self._allocate(shapes[1], self.dtype), self._allocate(shapes[0], self.dtype)]
            case ir.Pairs() if instruction.is_dense:
                shape = (self.batch, instruction.blocks, *instruction.sizes)  # of sums with zeros between the pairs, which remain
                self.storage.scratch[number] = [self._allocate(shape, self.dtype, fixed=isinstance(instruction, ir.PairSums))]
            case ir.Lookup():
                self.storage.scratch[number] = [self._allocate(shapes[2], np.dtype(np.intp))]
            case ir.AddRows():
                self.storage.scratch[number] = [self._allocate(shapes[1], np.dtype(np.intp)), self._allocate(shapes[2], np.dtype(np.intp))]
            case ir.Elementwise() if is_masked(program, instruction):
                self.storage.scratch[number] = [self._allocate(shapes[1], np.dtype(f"i{self.dtype.itemsize}"))]
            case ir.Elementwise(op=ops.where) if not program.is_boolean(instruction.operands[0]):
                self.storage.scratch[number] = [self._allocate(shapes[1], np.dtype(bool))]

    def _reusable(self, number: int, instruction: ir.Instruction, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int | None:
        """An operand that an elementwise result can overwrite, because nothing else needs it and its entries lie in the same places."""
        if instruction.op is ops.where and not is_masked(self.program, instruction):  # type: ignore[attr-defined]  # it is written in parts
            return None
        if math.prod(shape) == 1:  # numpy takes longer in place, but only for one number
            return None
        for operand in instruction.operands:
            base, place = self._base(operand), self.places[operand]
            whole = place.shape == shape and place.is_contiguous and place.buffer.dtype == dtype and place.size == self.places[base].size
            alone = all(self._base(each) != base or each == operand for each in instruction.operands)
            if self._is_own(base) and self.last[base] <= number and whole and alone:
                return operand
        return None

    def _allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any], fixed: bool = False) -> Place:
        size = math.prod(shape)
        free = self.free.get((size, dtype))
        if free and not fixed:
            return Place.whole(Buffer(free.pop(), dtype), shape)
        self.storage.sizes.append((size, dtype))
        return Place.whole(Buffer(len(self.storage.sizes) - 1, dtype), shape)

    def _release(self, place: Place) -> None:
        assert isinstance(place.buffer.name, int)
        self.free.setdefault((place.size, place.buffer.dtype), []).append(place.buffer.name)
