"""Builder: adds instructions to a program if they are new and cannot be simplified; and `spelled`, which copies a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autograd import ops
from autograd.errors import TraceError
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize import rewrite
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import ROWS, Program
from autograd.vectorize.tracers import Symbol


class Array(Symbol):
    """An array of a program under construction, as a symbol: operations on it add instructions.

    Partial derivatives in the table are called with such symbols to write the gradient of a program.
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
    """A program under construction. Arrays are numbers of instructions."""

    def __init__(self, program: Program | None = None) -> None:
        self.program = Program() if program is None else program
        self._known = {each.key: number for number, each in enumerate(self.program.instructions)}
        self._arrays: dict[int, Array] = {}

    def shape(self, number: int) -> ir.Shape:
        return self.program.types[number].shape

    def array(self, number: int) -> Array:
        """The array as a symbol, the same object each time."""
        return self._arrays.setdefault(number, Array(self, number))

    def number_of(self, operand: Any) -> int:
        """The number of an operand given as an Array or a plain number."""
        return operand.number if isinstance(operand, Array) else self.constant(float(operand))

    def _put(self, instruction: ir.Instruction) -> int:
        key = instruction.key
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = self.program.append(instruction)
        return number

    # Leaves.

    def input(self, argument: int, columns: int) -> int:
        return self._put(ir.Input((), (ir.BATCH, columns), argument))

    def parameters(self, shape: ir.Shape) -> int:
        return self._put(ir.Parameters((), shape))

    def weights(self) -> int:
        return self._put(ir.Weights((), (ir.BATCH, 1)))

    def constant(self, value: float | FloatArray) -> int:
        array = np.asarray(value, dtype=np.float64)
        if array.ndim and array.size and np.all(array == array.flat[0]):
            array = np.asarray(array.flat[0])  # one number broadcasts to any shape
        return self._put(ir.Constant((), array))

    def scale(self, factor: float, power: int = 0) -> int:
        return self._put(ir.Scale((), factor, power)) if power else self.constant(factor)

    # Elementwise operations. `rewrite` uses these four methods.

    def add(self, op: Operation, *operands: int) -> int:
        """An elementwise operation, or a simpler array that broadcasts to the same."""
        operands = self._as_numbers(op, tuple(map(self._unexpanded, operands)))
        instructions = [self.program.instructions[each] for each in operands]
        if all(isinstance(each, ir.Constant) for each in instructions):
            with np.errstate(all="ignore"):
                return self.constant(op.on_arrays(*(each.value for each in instructions if isinstance(each, ir.Constant))))
        simpler = rewrite.simpler(self, op, operands)
        return self._put(ir.Elementwise(operands, op)) if simpler is None else simpler

    def factor(self, term: int) -> rewrite.Factor | None:
        instruction = self.program.instructions[self._unexpanded(term)]
        if isinstance(instruction, ir.Scale):
            return instruction.factor, instruction.power
        return (float(instruction.value), 0) if isinstance(instruction, ir.Constant) and instruction.value.shape == () else None

    def definition(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        instruction = self.program.instructions[term]
        return (instruction.op, instruction.operands) if isinstance(instruction, ir.Elementwise) else (None, ())

    def is_condition(self, term: int) -> bool:
        return self.program.is_boolean(term)

    def _unexpanded(self, number: int) -> int:
        instruction = self.program.instructions[number]
        return instruction.operands[0] if isinstance(instruction, ir.Expand) else number

    def _as_numbers(self, op: Operation, operands: tuple[int, ...]) -> tuple[int, ...]:
        """The operands; if all are boolean, one of them is converted to numbers, because True + True is True in numpy."""
        place = 1 if op is ops.where else 0
        if op.is_condition or not all(map(self.is_condition, operands[place:])):
            return operands
        return (*operands[:place], self.as_number(operands[place]), *operands[place + 1 :])

    def as_number(self, array: int) -> int:
        """A boolean array as 1 and 0."""
        return self._put(ir.Elementwise((self.constant(1.0), array), ops.multiply)) if self.is_condition(array) else array

    # Whole arrays.

    def slice(self, array: int, start: int, stop: int, step: int = 1) -> int:
        whole = (start, stop, step) == (0, self.shape(array)[-1], 1)
        return array if whole else self._put(ir.Slice((array,), start, stop, step))

    def take(self, array: int, columns: FloatArray) -> int:
        return self._put(ir.Take((array,), columns))

    def lookup(self, table: int, index: int) -> int:
        """The rows of a table at the indices (batch, n)."""
        return self._put(ir.Lookup((table, index)))

    def add_rows(self, index: int, part: int, shape: ir.Shape) -> int:
        """A table of zeros with rows added at the indices (batch, n)."""
        return self._put(ir.AddRows((index, part), shape))

    def reshape(self, array: int, shape: ir.Shape) -> int:
        source = self.program.instructions[array]
        if self.shape(array) == shape:
            return array
        return self.reshape(source.operands[0], shape) if isinstance(source, ir.Reshape) else self._put(ir.Reshape((array,), shape))

    def transpose(self, array: int) -> int:
        source = self.program.instructions[array]
        return source.operands[0] if isinstance(source, ir.Transpose) else self._put(ir.Transpose((array,)))

    def concatenate(self, arrays: Sequence[int]) -> int:
        return arrays[0] if len(arrays) == 1 else self._put(ir.Concatenate(tuple(arrays)))

    def expand(self, array: int, shape: ir.Shape) -> int:
        return array if self.shape(array) == shape else self._put(ir.Expand((array,), shape))

    def scatter(self, parts: Sequence[tuple[ir.Columns | FloatArray | None, int]], shape: ir.Shape) -> int:
        """The sum of arrays, each put into its columns of zeros."""
        return self._put(ir.Scatter(tuple([array for _, array in parts]), tuple([place for place, _ in parts]), shape))

    def matmul(self, left: int, right: int) -> int:
        return self._put(ir.MatMul((self.as_number(left) if self.is_condition(right) else left, right)))

    def reduce(self, array: int, axis: int, op: Operation = ops.total_) -> int:
        """The sum or another reduction along an axis, which remains with size 1."""
        shape = self.shape(array)
        axis %= len(shape)
        if op.reduction is None:
            raise TraceError(f"{op.name} takes any number of operands and is not available in programs: write it with autograd's functions")
        if shape[axis] == 1 and op is ops.total_:
            return array
        return self._put(ir.Reduce((array if op is ops.total_ else self.as_number(array),), op, axis))

    def segments(self, array: int, lengths: Sequence[int] | FloatArray, op: Operation = ops.total_) -> int:
        """The sums or other reductions of segments of the columns, which have these lengths."""
        lengths, rest = np.asarray(lengths), self.shape(array)[:-1]
        if np.all(lengths == lengths[0]):
            rows = self.reshape(array, (*rest, len(lengths), int(lengths[0])))
            return self.reshape(self.reduce(rows, -1, op), (*rest, len(lengths)))
        return self._put(ir.Segments((self.as_number(array),), op, lengths))

    def pairs(self, pairs: ir.Pairs, left: int, right: int) -> int:
        """Products or sums of pairs of rows of these arrays."""
        return self._put(replace(pairs, operands=(self.as_number(left), self.as_number(right))))

    def repeated(self, array: int, times: int) -> int:
        """The sum of `times` copies of an array; a multiple of BATCH for a multiple of the number of examples."""
        return self.add(ops.multiply, self.scale(float(abs(times)), 1 if times < 0 else 0), array)

    def apply(self, instruction: ir.Instruction, operands: Sequence[int], shape: ir.Shape) -> int:
        """Apply an instruction of another program, which has this shape there, to arrays of this one. Back ends know the operations."""
        match instruction:
            case ir.Elementwise(op=op):
                return self.expand(self.add(op, *operands) if op in ROWS else self._spelled(op, operands), shape)
            case ir.Reduce(op=op, axis=axis):
                return self.reduce(operands[0], axis, op)
            case ir.Segments(op=op, lengths=lengths):
                return self.segments(operands[0], lengths, op)
            case ir.Pairs():
                return self.pairs(instruction, *operands)
            case ir.MatMul():
                return self.matmul(*operands)
            case ir.Reshape():
                return self.reshape(operands[0], shape)
            case ir.Expand():
                return self.expand(operands[0], shape)
        return self._put(type(instruction)(tuple(operands), *instruction.details))

    def _spelled(self, op: Operation, operands: Sequence[int]) -> int:
        """An operation that numpy does not have, written with others by its function on arrays. Equal parts are merged."""
        try:
            return self.number_of(op.on_arrays(*map(self.array, operands)))
        except TraceError:
            raise
        except Exception as error:
            raise TraceError(
                f"{op.name} cannot be applied to arrays ({error}): write it with autograd's functions, which take arrays too"
            ) from error


def needed(program: Program) -> list[bool]:
    """For each array, whether an output needs it. Inputs, parameters and weights are always kept."""
    needed = [isinstance(each, (ir.Input, ir.Parameters, ir.Weights)) for each in program.instructions]
    for each in program.outputs.values():
        needed[each] = True
    for number in range(len(program) - 1, -1, -1):
        for each in program.instructions[number].operands if needed[number] else ():
            needed[each] = True
    return needed


def spelled(program: Program) -> Program:
    """Return the program with operations in ROWS only, without arrays that no output needs."""
    keep = needed(program)
    builder = Builder()
    numbers: dict[int, int] = {}
    for number, instruction in enumerate(program.instructions):
        if keep[number]:
            numbers[number] = builder.apply(instruction, [numbers[each] for each in instruction.operands], program.shape(number))
            primal = program.adjoint_of.get(number)
            if primal in numbers:
                builder.program.adjoint_of.setdefault(numbers[number], numbers[primal])
    builder.program.outputs = {name: numbers[each] for name, each in program.outputs.items()}
    fresh = builder.program
    if fresh.rows <= ROWS:
        return fresh if all(needed(fresh)) else spelled(fresh)
    return spelled(fresh)  # an operation of the user was written with operations that are not in ROWS
