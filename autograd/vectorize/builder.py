"""Builder: adds instructions to a program only where they are new and cannot be had for less; and the passes that copy a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import ops
from autograd.errors import TraceError
from autograd.ops import Operation
from autograd.vectorize import rewrite
from autograd.vectorize.program import (
    BATCH,
    ROWS,
    Columns,
    Concatenate,
    Constant,
    Elementwise,
    Expand,
    FloatArray,
    Input,
    Instruction,
    MatMul,
    Parameters,
    Program,
    Reduce,
    Reshape,
    Scale,
    Scatter,
    Shape,
    Slice,
    Take,
    Transpose,
    Weights,
)
from autograd.vectorize.record import Symbol


class Array(Symbol):
    """An array of the program under construction, as a symbol: what is done with it adds instructions.

    It is what the table's rows are read with to write the derivatives of a program.
    """

    __slots__ = ("builder", "number")

    def __init__(self, builder: Builder, number: int) -> None:
        self.builder, self.number = builder, number

    @property
    def op(self) -> Operation | None:  # type: ignore[override]
        return self.builder.definition(self.number)[0]

    @property
    def operands(self) -> tuple[Array | float, ...]:  # type: ignore[override]
        numbers = self.builder.definition(self.number)[1]
        known = [self.builder.factor(each) for each in numbers]
        return tuple([factor[0] if factor and not factor[1] else self.builder.array(each) for each, factor in zip(numbers, known)])

    def __repr__(self) -> str:
        op = getattr(self.builder.program.instructions[self.number], "op", None)
        return f"a result of {op.name}" if isinstance(op, Operation) else "an operand"

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        builder = next(each.builder for each in operands if isinstance(each, Array))
        return builder.array(builder.add(op, *map(builder.number_of, operands)))


class Builder:
    """A program under construction; arrays go by their numbers in it."""

    def __init__(self, program: Program | None = None) -> None:
        self.program = Program() if program is None else program
        self._known = {each.key: number for number, each in enumerate(self.program.instructions)}
        self._arrays: dict[int, Array] = {}

    def shape(self, number: int) -> Shape:
        return self.program.types[number].shape

    def array(self, number: int) -> Array:
        """The array as a symbol: the same one each time, so that two are equal where they are identical."""
        return self._arrays.setdefault(number, Array(self, number))

    def number_of(self, operand: Any) -> int:
        """The number of an operand given as an Array or a plain number."""
        return operand.number if isinstance(operand, Array) else self.constant(float(operand))

    def _put(self, instruction: Instruction) -> int:
        number = self._known.get(instruction.key)
        if number is None:
            number = self._known[instruction.key] = self.program.append(instruction)
        return number

    # What is given.

    def input(self, argument: int, columns: int) -> int:
        return self._put(Input((), (BATCH, columns), argument))

    def parameters(self, shape: Shape) -> int:
        return self._put(Parameters((), shape))

    def weights(self) -> int:
        return self._put(Weights((), (BATCH, 1)))

    def constant(self, value: float | FloatArray) -> int:
        array = np.asarray(value, dtype=np.float64)
        if array.ndim and array.size and np.all(array == array.flat[0]):
            array = np.asarray(array.flat[0])  # one number broadcasts to any shape
        return self._put(Constant((), array))

    def scale(self, factor: float, power: int = 0) -> int:
        return self._put(Scale((), factor, power)) if power else self.constant(factor)

    # Entry by entry. These four are what `rewrite` asks for.

    def add(self, op: Operation, *operands: int) -> int:
        """An elementwise operation, or a simpler array that broadcasts to the same."""
        operands = self._as_numbers(op, tuple(map(self._unexpanded, operands)))
        instructions = [self.program.instructions[each] for each in operands]
        if all(isinstance(each, Constant) for each in instructions):
            with np.errstate(all="ignore"):
                return self.constant(op.on_arrays(*(each.value for each in instructions if isinstance(each, Constant))))
        simpler = rewrite.simpler(self, op, operands)
        return self._put(Elementwise(operands, op)) if simpler is None else simpler

    def factor(self, term: int) -> rewrite.Factor | None:
        instruction = self.program.instructions[self._unexpanded(term)]
        if isinstance(instruction, Scale):
            return instruction.factor, instruction.power
        return (float(instruction.value), 0) if isinstance(instruction, Constant) and instruction.value.shape == () else None

    def definition(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        instruction = self.program.instructions[term]
        return (instruction.op, instruction.operands) if isinstance(instruction, Elementwise) else (None, ())

    def is_condition(self, term: int) -> bool:
        return self.program.is_boolean(term)

    def _unexpanded(self, number: int) -> int:
        instruction = self.program.instructions[number]
        return instruction.operands[0] if isinstance(instruction, Expand) else number

    def _as_numbers(self, op: Operation, operands: tuple[int, ...]) -> tuple[int, ...]:
        """The operands with one of them made a number of where all are truths: True + True is True in numpy."""
        place = 1 if op is ops.where else 0
        if op.is_condition or not all(map(self.is_condition, operands[place:])):
            return operands
        return (*operands[:place], self.as_number(operands[place]), *operands[place + 1 :])

    def as_number(self, array: int) -> int:
        """A truth as 1 or 0."""
        return self._put(Elementwise((self.constant(1.0), array), ops.multiply)) if self.is_condition(array) else array

    # Whole arrays.

    def slice(self, array: int, start: int, stop: int, step: int = 1) -> int:
        whole = (start, stop, step) == (0, self.shape(array)[-1], 1)
        return array if whole else self._put(Slice((array,), start, stop, step))

    def take(self, array: int, columns: FloatArray) -> int:
        return self._put(Take((array,), columns))

    def reshape(self, array: int, shape: Shape) -> int:
        source = self.program.instructions[array]
        if self.shape(array) == shape:
            return array
        return self.reshape(source.operands[0], shape) if isinstance(source, Reshape) else self._put(Reshape((array,), shape))

    def transpose(self, array: int) -> int:
        source = self.program.instructions[array]
        return source.operands[0] if isinstance(source, Transpose) else self._put(Transpose((array,)))

    def concatenate(self, arrays: Sequence[int]) -> int:
        return arrays[0] if len(arrays) == 1 else self._put(Concatenate(tuple(arrays)))

    def expand(self, array: int, shape: Shape) -> int:
        return array if self.shape(array) == shape else self._put(Expand((array,), shape))

    def scatter(self, parts: Sequence[tuple[Columns | FloatArray | None, int]], shape: Shape) -> int:
        """The sum of arrays, each put into its columns of zeros."""
        return self._put(Scatter(tuple([array for _, array in parts]), tuple([place for place, _ in parts]), shape))

    def matmul(self, left: int, right: int) -> int:
        return self._put(MatMul((self.as_number(left) if self.is_condition(right) else left, right)))

    def reduce(self, array: int, axis: int, op: Operation = ops.total_) -> int:
        """The sum (or another variadic row) along an axis, which stays, with size 1."""
        shape = self.shape(array)
        axis %= len(shape)
        if op.reduction is None:
            raise TraceError(f"{op.name} takes any number of operands, and no array program knows it: write it with autograd's functions")
        if shape[axis] == 1 and op is ops.total_:
            return array
        return self._put(Reduce((array if op is ops.total_ else self.as_number(array),), op, axis))

    def repeated(self, array: int, times: int) -> int:
        """What adding up so many of the same array gives; a multiple of BATCH for as many examples."""
        return self.add(ops.multiply, self.scale(float(abs(times)), 1 if times < 0 else 0), array)

    def apply(self, instruction: Instruction, operands: Sequence[int]) -> int:
        """An instruction of another program on arrays of this one, its rows spelled in those that back ends know."""
        shape = instruction.type([self.program.types[each] for each in operands]).shape
        match instruction:
            case Elementwise(op=op):
                return self.expand(self.add(op, *operands) if op in ROWS else self._spelled(op, operands), shape)
            case Reduce(op=op, axis=axis):
                return self.reduce(operands[0], axis, op)
            case MatMul():
                return self.matmul(*operands)
            case Reshape():
                return self.reshape(operands[0], shape)
            case Expand():
                return self.expand(operands[0], shape)
        return self._put(type(instruction)(tuple(operands), *instruction.details))

    def _spelled(self, op: Operation, operands: Sequence[int]) -> int:
        """A row that numpy has no function for, by its function on arrays: equal parts of several rows are merged here."""
        try:
            return self.number_of(op.on_arrays(*map(self.array, operands)))
        except TraceError:
            raise
        except Exception as error:
            raise TraceError(
                f"{op.name} cannot be applied to arrays ({error}): write it with autograd's functions, which take arrays too"
            ) from error


def needed(program: Program) -> list[bool]:
    """Which arrays some output needs; what is given is there in any case."""
    needed = [isinstance(each, (Input, Parameters, Weights)) for each in program.instructions]
    for each in program.outputs.values():
        needed[each] = True
    for number in range(len(program) - 1, -1, -1):
        for each in program.instructions[number].operands if needed[number] else ():
            needed[each] = True
    return needed


def spelled(program: Program) -> Program:
    """The program in ROWS alone, with what no output needs left out."""
    keep = needed(program)
    builder = Builder()
    numbers: dict[int, int] = {}
    for number, instruction in enumerate(program.instructions):
        if keep[number]:
            numbers[number] = builder.apply(instruction, [numbers[each] for each in instruction.operands])
            primal = program.adjoint_of.get(number)
            if primal in numbers:
                builder.program.adjoint_of.setdefault(numbers[number], numbers[primal])
    builder.program.outputs = {name: numbers[each] for name, each in program.outputs.items()}
    fresh = builder.program
    if fresh.rows <= ROWS:
        return fresh if all(needed(fresh)) else spelled(fresh)
    return spelled(fresh)  # a user's row was written with rows of the table
