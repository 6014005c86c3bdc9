"""Expressions: the text of each instruction, with the texts or the names of its operands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd import ops
from autograd.ops import ATOM, COMPARISON, POWER, PRODUCT, SUM, Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program
from autograd.vectorize.source.dialects import Dialect
from autograd.vectorize.source.text import columns_text, entries_text, literal, numbers_text, starts_text, taken_text

REDUCTIONS = {ops.total_: "sum", ops.largest_: "max", ops.smallest_: "min"}  # the functions of numpy
INFIX = (COMPARISON, SUM, PRODUCT)  # binding of the operators between operands; signs, powers and booleans are written otherwise


class Expressions:
    """The arrays of a program as expressions in a dialect."""

    def __init__(self, program: Program, arguments: Sequence[str], shapes: Sequence[ir.Shape], dialect: Dialect) -> None:
        self.program, self.arguments, self.shapes = program, arguments, shapes
        self.dialect, self.np = dialect, dialect.name
        self.text: dict[int, tuple[str, int]] = {}  # of each array: its expression, or its name if it has one, and how tightly it binds
        self.names: dict[int, str] = {}  # of the arrays that lines have assigned
        self.integers = _integers(program)  # the arguments that hold integers and are used as indices and as numbers

    def _op(self, number: int) -> Operation | None:
        """The row that an array is made by, entry by entry."""
        instruction = self.program.instructions[number]
        return instruction.op if isinstance(instruction, ir.Elementwise) else None

    def _operand(self, number: int, binding: int = 0, is_float: bool = False) -> str:
        """The text of an array, in parentheses if an operator around it binds more tightly than `binding` allows.

        With `is_float` an integer is written as a float.
        """
        text, own = self.text[number]
        if is_float and text.lstrip("-").isdigit():
            text += ".0"
        return text if own >= binding else f"({text})"

    def _expression(self, number: int) -> tuple[str, int]:
        instruction, shape = self.program.instructions[number], self.program.shape(number)
        operands = instruction.operands
        match instruction:
            case ir.Elementwise(op=op):
                return self._operation(op, operands)
            case ir.Input(argument=argument):
                name, given = self.arguments[argument], self.shapes[argument]
                if number in self.integers:  # integers have no negative powers
                    name += ".astype(float)"
                return (f"{name}[:, None]" if given == () else name if len(given) == 1 else f"{name}.reshape(batch, -1)"), ATOM
            case ir.Parameters():
                return "theta", ATOM
            case ir.Weights():
                return "weights[:, None]", ATOM
            case ir.Constant(value=value):
                if value.shape == ():
                    return literal(float(value), self.np), ATOM if float(value) >= 0 else PRODUCT
                return numbers_text(value, self.np), ATOM
            case ir.Scale(factor=factor, power=power):
                batch = f"batch{'' if abs(power) == 1 else f'**{abs(power)}'}"
                return f"{literal(factor, self.np)} {'/' if power < 0 else '*'} {batch}", PRODUCT
            case ir.Slice(start=start, stop=stop, step=step):
                columns = f"{start}:{stop}{f':{step}' if step != 1 else ''}"
                columns = columns if len(shape) == 1 else f":, {columns}"
                return f"{self._operand(operands[0], ATOM)}[{columns}]", ATOM
            case ir.Transpose():
                return f"{self._operand(operands[0], ATOM)}.T", ATOM
            case ir.Reshape():
                return self._reshape(operands[0], shape), ATOM
            case ir.Take(columns=taken):
                return self._taken(operands[0], taken), ATOM
            case ir.Lookup(operands=(table, index)):
                each = f"{self.np}.arange(batch)[:, None], " * (len(self.program.shape(table)) == 3)
                return f"{self._operand(table, ATOM)}[{each}{self._index(index)}]", ATOM
            case ir.AddRows(operands=(index, part)):
                return self.dialect.added.format(index=self._index(index), part=self._operand(part), shape=ir.shape_text(shape)), ATOM
            case ir.Concatenate():
                return f"{self.np}.concatenate([{', '.join(map(self._operand, operands))}], axis=-1)", ATOM
            case ir.MatMul():
                return f"{self._operand(operands[0], POWER)} @ {self._operand(operands[1], POWER)}", PRODUCT
            case ir.Expand():
                return f"{self.np}.broadcast_to({self._operand(operands[0])}, {ir.shape_text(shape)})", ATOM
            case ir.Reduce():
                return self._reduce(number, instruction, keep=True), ATOM
            case ir.Pairs():
                return self._pairs(instruction), ATOM
            case ir.Segments(op=op):
                assert op.reduction is not None
                starts = starts_text(instruction.lengths, self.dialect)
                return f"{self.np}.{op.reduction.__name__}.reduceat({self._operand(operands[0])}, {starts}, axis=-1)", ATOM
            case ir.Scatter():
                return self._scatter(instruction), ATOM
        raise ValueError(f"the instruction {instruction} has no source")

    def _taken(self, operand: int, columns: FloatArray) -> str:
        *rest, size = self.program.shape(operand)
        times = len(columns) // size
        if len(columns) > 8 and np.array_equal(columns, np.repeat(np.arange(size), times)):
            return f"{self.np}.repeat({self._operand(operand)}, {times}, axis=-1)"
        source = operand if operand in self.names else self.program.origin(operand)
        if rest and (text := taken_text(self._operand(source, ATOM), columns, size, list(map(ir.size_text, rest)))):
            return text
        return f"{self._operand(operand, ATOM)}[{':, ' * len(rest)}{columns_text(columns, self.dialect)}]"

    def _index(self, number: int) -> str:
        return f"{self._operand(number, ATOM)}.astype(int)"

    def _operation(self, op: Operation, operands: Sequence[int]) -> tuple[str, int]:
        # booleans with integers give integers, which overflow and have no negative powers
        has_truths = not op.is_condition and any(map(self.program.is_boolean, operands))
        operand = partial(self._operand, is_float=op is ops.where or has_truths)
        if op is ops.where:
            return f"{self.np}.where({self._operand(operands[0])}, {operand(operands[1])}, {operand(operands[2])})", ATOM
        if op is ops.power:
            return f"{operand(operands[0], ATOM)} ** {operand(operands[1], POWER)}", POWER
        if op is ops.negative:
            return f"-{self._operand(operands[0], POWER)}", PRODUCT
        if op.precedence in INFIX:
            binding = op.precedence
            left, right = operands
            if op is ops.add and self._is_negated(right):
                op, right = ops.subtract, self.program.instructions[right].operands[0]
            elif op is ops.add and self._is_negated(left):
                op, left, right = ops.subtract, right, self.program.instructions[left].operands[0]
            after = binding if op in (ops.add, ops.multiply) and self.text[right][0][:1] != "-" else binding + 1
            before = binding + op.is_condition  # a < b < c has another meaning in Python
            return f"{operand(left, before)} {op.symbol} {operand(right, after)}", binding
        function = op.name if op.is_special else f"{self.np}.{getattr(op.on_arrays, '__name__', op.name)}"
        return f"{function}({', '.join(map(operand, operands))})", ATOM

    def _is_negated(self, number: int) -> bool:
        return self._op(number) is ops.negative and number not in self.names

    def _reshape(self, operand: int, shape: ir.Shape) -> str:
        source = self.program.instructions[operand]
        text = self._operand(operand, ATOM)
        have = self.program.shape(operand)
        if isinstance(source, ir.Reduce) and operand not in self.names and shape == (*have[: source.axis], *have[source.axis + 1 :]):
            return self._reduce(operand, source, keep=False)
        if have == (*shape, 1):
            return f"{text}[..., 0]"
        return f"{text}.reshape({', '.join(map(ir.size_text, shape))})"

    def _reduce(self, number: int, instruction: ir.Reduce, keep: bool) -> str:
        name = REDUCTIONS.get(instruction.op)
        function = self.dialect.logsumexp if name is None else f"{self.np}.{name}"
        options = ", keepdims=True" * keep + ", dtype=float" * self.program.is_boolean(instruction.operands[0])
        return f"{function}({self._operand(instruction.operands[0])}, axis={instruction.axis}{options})"

    def _pairs(self, pairs: ir.Pairs) -> str:
        """All pairs of each block as a product of matrices: those that are asked for are taken from it, or put into zeros before it."""
        (left, right), (rows, others), blocks = pairs.operands, pairs.sizes, pairs.blocks
        entries = pairs.entries
        is_turned = bool(np.any(np.diff(entries) < 0))
        shape, turned = (others, rows) if is_turned else (rows, others), ".swapaxes(2, 3)" if is_turned else ""
        if is_turned:
            entries = pairs.rights * rows + pairs.lefts % rows
        size, is_whole = blocks * rows * others, len(entries) == blocks * rows * others and not np.any(np.diff(entries) != 1)
        columns = entries_text(entries, blocks, shape, self.dialect)
        of_right = f"{self._operand(right, ATOM)}.reshape(batch, {blocks}, {others}, {pairs.width})"
        if isinstance(pairs, ir.PairProducts):
            of_left = f"{self._operand(left, ATOM)}.reshape(batch, {blocks}, {rows}, {pairs.width})"
            every = f"({of_left} @ {of_right}.swapaxes(2, 3)){turned}.reshape(batch, {size})"
            return every if is_whole else f"{every}[:, {columns}]"
        of_left = self._operand(left, ATOM)
        if not is_whole:
            of_left = self.dialect.placed.format(columns=columns, part=self._operand(left), shape=f"(batch, {size})")
        every = f"{of_left}.reshape(batch, {blocks}, {', '.join(map(str, shape))}){turned}"
        return f"({every} @ {of_right}).reshape(batch, {pairs.rows[0] * pairs.width})"

    def _scatter(self, instruction: ir.Scatter) -> str:
        """Parts one after another with zeros in the gaps, and a sum with zeros that hold the other parts."""
        *batch, size = instruction.shape
        parts = in_order_of_columns(instruction)
        beside: list[str] = []
        others: list[str] = []
        end = 0
        for place, part in parts:
            if place is None:
                others.insert(0, self._operand(part, SUM))
            elif isinstance(place, tuple) and place[0] >= end and place[2] == 1:
                beside += [f"{self.np}.zeros({ir.shape_text((*batch, place[0] - end))})"] if place[0] > end else []
                beside.append(self._flat(part))
                end = place[1]
            else:
                columns = f"slice({place[0]}, {place[1]}, {place[2]})" if isinstance(place, tuple) else columns_text(place, self.dialect)
                shape = ir.shape_text(instruction.shape)
                others.append(self.dialect.placed.format(columns=columns, part=self._operand(part), shape=shape))
        if beside:
            beside += [f"{self.np}.zeros({ir.shape_text((*batch, size - end))})"] if size > end else []
            joined = f"{self.np}.concatenate([{', '.join(beside)}]{', axis=-1' if batch else ''})"
            others.insert(0, beside[0] if len(beside) == 1 else joined)
        return " + ".join(others)

    def _flat(self, number: int) -> str:
        source = self.program.instructions[number]
        is_flat = isinstance(source, ir.Reshape) and len(source.shape) == 1
        if number not in self.names and is_flat and source.operands[0] in self.names:
            return f"{self._operand(source.operands[0], ATOM)}.ravel()"
        return self._operand(number)


def _integers(program: Program) -> set[int]:
    """The arguments that are both looked up with and used as numbers."""
    indices, numbers = set[int](), set(program.outputs.values())
    for number in range(len(program) - 1, -1, -1):
        instruction = program.instructions[number]
        for place, each in enumerate(instruction.operands):
            is_index = (isinstance(instruction, ir.Lookup) and place == 1) or (isinstance(instruction, ir.AddRows) and place == 0)
            if is_index or (instruction.moves and number in indices):
                indices.add(each)
            if not is_index and (not instruction.moves or number in numbers):
                numbers.add(each)
    return indices & numbers & set(program.find(ir.Input))


def in_order_of_columns(scatter: ir.Scatter) -> list[tuple[Any, int]]:
    """The places and parts of a scatter: first those that are not slices, then slices by their first column."""
    return sorted(zip(scatter.places, scatter.operands), key=lambda part: part[0] if isinstance(part[0], tuple) else (-1,))
