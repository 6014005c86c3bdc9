"""The array program that scalars are lowered to: a list of instructions on whole arrays, and its builder.

An array that depends on the example has the batch as its first axis, (batch, columns); one that does not has
(columns,) alone, and broadcasts. A shape is a tuple of numbers, with BATCH standing for the size that is only
known when the program runs, and -n for n times it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd import ops
from autograd.modes import TraceError
from autograd.ops import Operation
from autograd.vectorize.record import Symbol

BATCH = -1
Shape = tuple[int, ...]

# Instructions that are not rows of the table. The views cost nothing when the program runs.
INPUT, PARAMETERS, CONSTANT, SCALE = "input", "parameters", "constant", "scale"
SLICE, RESHAPE, TRANSPOSE = "slice", "reshape", "transpose"
TAKE, CONCATENATE, SCATTER, MATMUL, REDUCE, EXPAND = "take", "concatenate", "scatter", "matmul", "reduce", "expand"
VIEWS = (SLICE, RESHAPE, TRANSPOSE)
KEEP_DTYPE = (*VIEWS, TAKE, CONCATENATE, EXPAND)  # these move numbers, or booleans, and make none
OPAQUE = (ops.where, ops.erf)  # numpy has these, or can be made to, but as no ufunc
COMPARISONS = (
    ops.less, ops.less_equal, ops.greater, ops.greater_equal, ops.equal, ops.not_equal,
    ops.logical_and, ops.logical_or, ops.logical_not,
)  # fmt: skip


@dataclass(frozen=True)
class Instruction:
    """One array: `op` (a row of the table, or one of the names above) applied to earlier arrays.

    `detail` is what else the instruction needs: the argument's number for an INPUT, the array or number of a
    CONSTANT, (factor, power) for a SCALE (factor * batch**power), (start, stop, step) of a SLICE's columns, the
    columns of a TAKE, the axis of a REDUCE (kept, with size 1), the places of a SCATTER's parts. Its dtype is the
    program's or, where `is_boolean`, bool, as numpy has it for comparisons and what is cut out of them or put together.
    """

    op: Operation | str
    operands: tuple[int, ...]
    shape: Shape
    detail: Any = None
    is_boolean: bool = False


REDUCTIONS: dict[Operation, np.ufunc] = {ops.total_: np.add, ops.logsumexp_: np.logaddexp}  # variadic rows, and how numpy spells them


class Array(Symbol):
    """An array of the program under construction, as a symbol: what is done with it adds instructions.

    It is what the table's rows are read with to write the derivatives of a program.
    """

    __slots__ = ("number", "program")

    def __init__(self, program: Program, number: int) -> None:
        self.program, self.number = program, number

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        program = next(each.program for each in operands if isinstance(each, Array))
        return program.array(program.add(op, *(program.number_of(each) for each in operands)))


def size_text(size: int) -> str:
    return str(size) if size >= 0 else "batch" if size == BATCH else f"{-size}*batch"


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape that numpy's rules give, with BATCH as one more size."""
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = []
    for sizes in zip(*padded):
        different = {size for size in sizes if size != 1}
        if len(different) > 1:
            raise ValueError(f"arrays of shapes {', '.join(map(str, shapes))} do not fit together")
        result.append(different.pop() if different else 1)
    return tuple(result)


@dataclass
class Program:
    """Instructions in the order they run, and which of them are the results.

    As a builder it adds an instruction only where it is new and cannot be had for less.
    """

    instructions: list[Instruction] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    adjoint_of: dict[int, int] = field(default_factory=dict)  # which array each derivative is by
    fast: bool = False
    _known: dict[Any, int] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        lines = []
        for number, (instruction) in enumerate(self.instructions):
            name = instruction.op if isinstance(instruction.op, str) else instruction.op.name
            shape = ", ".join(map(size_text, instruction.shape))
            words = [f"%{each}" for each in instruction.operands]
            detail = "" if instruction.detail is None else f" {instruction.detail!s:.60}"
            lines.append(f"%{number} = {' '.join([name, *words])}{detail}  # ({shape})")
        return "\n".join([*lines, "return " + " ".join(f"%{each}" for each in self.outputs)])

    def copy(self) -> Program:
        return Program(list(self.instructions), list(self.outputs), dict(self.adjoint_of), self.fast, dict(self._known))

    def shape(self, number: int) -> Shape:
        return self.instructions[number].shape

    def array(self, number: int) -> Array:
        return Array(self, number)

    def number_of(self, operand: Any) -> int:
        """The number of an operand given as an Array or a plain number."""
        return operand.number if isinstance(operand, Array) else self.constant(float(operand))

    def constant(self, value: float | np.ndarray[Any, Any]) -> int:
        array = np.asarray(value, dtype=np.float64)
        if array.size and np.all(array == array.flat[0]) and array.ndim:
            array = np.asarray(array.flat[0])  # one number broadcasts to any shape
        return self._add(CONSTANT, (), array.shape, array, key=(array.shape, array.tobytes()))

    def add(self, op: Operation, *operands: int) -> int:
        """An elementwise operation, or a simpler instruction that gives the same."""
        operands = self._numbers(op, operands)
        simpler = self._simpler(op, operands)
        return self._add(op, operands, broadcast([self.shape(each) for each in operands])) if simpler is None else simpler

    def _numbers(self, op: Operation, operands: tuple[int, ...]) -> tuple[int, ...]:
        """The operands with one of them made a number of where numpy would compute in booleans: True + True is True there."""
        place = 1 if op is ops.where else 0
        if op in COMPARISONS or not all(self.instructions[each].is_boolean for each in operands[place:]):
            return operands
        return (*operands[:place], self._number(operands[place]), *operands[place + 1 :])

    def _number(self, array: int) -> int:
        return self.add(ops.multiply, self.constant(1.0), array) if self.instructions[array].is_boolean else array

    def slice(self, array: int, start: int, stop: int, step: int = 1) -> int:
        *batch, size = self.shape(array)
        if (start, stop, step) == (0, size, 1):
            return array
        return self._add(SLICE, (array,), (*batch, len(range(start, stop, step))), (start, stop, step))

    def take(self, array: int, columns: np.ndarray[Any, Any]) -> int:
        return self._add(TAKE, (array,), (*self.shape(array)[:-1], len(columns)), columns, key=columns.tobytes())

    def reshape(self, array: int, shape: Shape) -> int:
        source = self.instructions[array]
        if source.shape == shape:
            return array
        if source.op == RESHAPE:
            return self.reshape(source.operands[0], shape)
        return self._add(RESHAPE, (array,), shape, shape)

    def transpose(self, array: int) -> int:
        source = self.instructions[array]
        return source.operands[0] if source.op == TRANSPOSE else self._add(TRANSPOSE, (array,), source.shape[::-1])

    def concatenate(self, arrays: Sequence[int]) -> int:
        if len(arrays) == 1:
            return arrays[0]
        return self._add(CONCATENATE, tuple(arrays), (*self.shape(arrays[0])[:-1], sum(self.shape(each)[-1] for each in arrays)))

    def scatter(self, parts: Sequence[tuple[Any, int]], shape: Shape) -> int:
        """The sum of arrays, each put into its columns of zeros: a slice's (start, stop, step), a take's columns, or None for all."""
        places, arrays = [place for place, _ in parts], tuple(array for _, array in parts)
        return self._add(SCATTER, arrays, shape, places, key=object())

    def matmul(self, left: int, right: int) -> int:
        if self.instructions[right].is_boolean:
            left = self._number(left)
        return self._add(MATMUL, (left, right), (self.shape(left)[0], self.shape(right)[1]))

    def reduce(self, array: int, axis: int, op: Operation = ops.total_) -> int:
        """The sum (or the variadic `op`) along an axis, which stays, with size 1."""
        shape = self.shape(array)
        axis %= len(shape)
        if shape[axis] == 1 and op is ops.total_:
            return array
        if self.fast and op is ops.total_ and math.prod(shape) == shape[axis] and (squared := self._squared(array)) is not None:
            size = math.prod(self.shape(squared))  # the sum of squares of all there is: one product does it
            return self.reshape(self.matmul(self.reshape(squared, (1, size)), self.reshape(squared, (size, 1))), (1,) * len(shape))
        if op not in REDUCTIONS:
            raise TraceError(f"{op.name} takes any number of operands, and no array program knows it: write it with autograd's functions")
        if op is not ops.total_:
            array = self._number(array)
        return self._add(REDUCE, (array,), (*shape[:axis], 1, *shape[axis + 1 :]), (axis, op))

    def _squared(self, array: int) -> int | None:
        """What an array is, or is sums along the last axis of, the squares of, if it is."""
        instruction = self.instructions[array]
        while instruction.op == RESHAPE or (instruction.op == REDUCE and instruction.detail == (len(instruction.shape) - 1, ops.total_)):
            instruction = self.instructions[instruction.operands[0]]
        return instruction.operands[0] if instruction.op is ops.power and self.factor(instruction.operands[1]) == (2.0, 0) else None

    def expand(self, array: int, shape: Shape) -> int:
        """The array, repeated along the axes where it has size 1."""
        return array if self.shape(array) == shape else self._add(EXPAND, (array,), shape)

    def scale(self, factor: float, power: int) -> int:
        return self._add(SCALE, (), (), (factor, power)) if power else self.constant(factor)

    def leaf(self, op: str, shape: Shape, detail: Any = None) -> int:
        return self._add(op, (), shape, detail)

    def factor(self, number: int) -> tuple[float, int] | None:
        """(f, p) where the array is just the number f * batch**p."""
        instruction = self.instructions[number]
        if instruction.op == SCALE:
            return instruction.detail  # type: ignore[no-any-return]
        return (float(instruction.detail), 0) if instruction.op == CONSTANT and instruction.shape == () else None

    def _copy(self, instruction: Instruction, operands: Sequence[int]) -> int:
        op = instruction.op
        if isinstance(op, Operation) and not _is_spelled(op):
            try:
                result = self.number_of(op.on_arrays(*map(self.array, operands)))  # equal parts of several rows are merged here
            except TraceError:
                raise
            except Exception as error:
                raise TraceError(
                    f"{op.name} cannot be applied to arrays ({error}): write it with autograd's functions, which take arrays too"
                ) from error
            return self.expand(result, instruction.shape)
        if self.fast and isinstance(op, Operation):
            return self.expand(self.add(op, *operands), instruction.shape)
        if self.fast and op == REDUCE:
            return self.reduce(operands[0], *instruction.detail)
        key = instruction.detail
        if op == SCATTER:
            key = object()
        elif op in (TAKE, CONSTANT):
            key = (instruction.detail.shape, instruction.detail.tobytes())
        return self._add(op, tuple(operands), instruction.shape, instruction.detail, key)

    def _add(self, op: Operation | str, operands: tuple[int, ...], shape: Shape, detail: Any = None, key: Any = None) -> int:
        identity = (op, operands, shape, detail if key is None else key)
        number = self._known.get(identity)
        if number is None:
            number = self._known[identity] = len(self.instructions)
            is_boolean = op in COMPARISONS or (op in KEEP_DTYPE and all(self.instructions[each].is_boolean for each in operands))
            self.instructions.append(Instruction(op, operands, shape, detail, is_boolean))
        return number

    def _simpler(self, op: Operation, operands: Sequence[int]) -> int | None:
        """The number of a cheaper array equal to `op(operands)` but for its shape, where that broadcasts; None if none is known."""
        instructions = [self.instructions[each] for each in operands]
        if all(each.op == CONSTANT for each in instructions):
            with np.errstate(all="ignore"):
                return self.constant(op.on_arrays(*(each.detail for each in instructions)))
        factors = [self.factor(each) for each in operands]
        a, b = operands[0], operands[-1]
        first, last = factors[0], factors[-1]
        if op is ops.identity:
            return a
        if op is ops.multiply:
            if first is not None and last is not None:
                return self.scale(first[0] * last[0], first[1] + last[1])
            for factor, other in ((first, b), (last, a)):
                inner = self.instructions[other]
                if inner.is_boolean:
                    continue  # the product makes a number of it
                if factor == (1.0, 0):
                    return other
                if factor == (-1.0, 0):
                    return self.add(ops.negative, other)
                if factor is not None and inner.op is ops.multiply:
                    for this, that in (inner.operands, inner.operands[::-1]):
                        scale = self.factor(this)
                        if scale is not None:
                            return self.add(ops.multiply, self.scale(factor[0] * scale[0], factor[1] + scale[1]), that)
                if factor is not None and inner.op is ops.negative:
                    return self.add(ops.multiply, self.scale(-factor[0], factor[1]), inner.operands[0])
            if first is None and last is not None:
                return self.add(ops.multiply, b, a)  # the number first
        if op is ops.negative and first is not None:
            return self.scale(-first[0], first[1])
        if op is ops.negative and instructions[0].op is ops.negative:
            return instructions[0].operands[0]
        if op is ops.negative and instructions[0].op is ops.multiply and (factor := self.factor(instructions[0].operands[0])):
            return self.add(ops.multiply, self.scale(-factor[0], factor[1]), instructions[0].operands[1])
        if op is ops.divide and last is not None and last[1] == 0 and last[0] not in (0.0,) and np.isfinite(1 / last[0]):
            return self.add(ops.multiply, self.constant(1 / last[0]), a)
        if op is ops.add and first == (0.0, 0):
            return b
        if op in (ops.add, ops.subtract) and last == (0.0, 0):
            return a
        if op is ops.power and last == (1.0, 0):
            return a
        if op is ops.where and first is not None:
            return operands[1] if first[0] else b
        if op in (ops.logical_and, ops.logical_or) and (first or last):
            known, other = (first, b) if first else (last, a)
            assert known is not None
            absorbing = op is ops.logical_or
            return self.constant(float(absorbing)) if bool(known[0]) == absorbing else other
        return None


def rebuilt(program: Program, fast: bool = False) -> Program:
    """The program with what no output needs left out, and every operation spelled in functions that numpy has.

    With `fast`, in the form that runs best where that is not the one that reads best.
    """
    needed = [each.op == PARAMETERS for each in program.instructions]  # the program takes them in any case
    for each in program.outputs:
        needed[each] = True
    for number in range(len(program.instructions) - 1, -1, -1):
        for each in program.instructions[number].operands if needed[number] else ():
            needed[each] = True
    fresh = Program(fast=fast)
    numbers: dict[int, int] = {}
    for number, instruction in enumerate(program.instructions):
        if needed[number]:
            numbers[number] = fresh._copy(instruction, [numbers[each] for each in instruction.operands])
            if number in program.adjoint_of and program.adjoint_of[number] in numbers:
                fresh.adjoint_of.setdefault(numbers[number], numbers[program.adjoint_of[number]])
    fresh.outputs = [numbers[each] for each in program.outputs]
    if all(_is_spelled(each.op) for each in fresh.instructions):
        return fresh
    return rebuilt(fresh, fast)  # a user's row was written with rows of the table


def _is_spelled(op: Operation | str) -> bool:
    """Whether numpy has a function for it, or the program an instruction."""
    return isinstance(op, str) or isinstance(op.on_arrays, np.ufunc) or op in OPAQUE
