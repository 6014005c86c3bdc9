"""Operations: instructions as lines of C. What depends on which numbers are in the lanes is in `examples` and `columns`."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import NamedTuple

import numpy as np

from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native.arrays import Arrays, Buffer, entry, loops_over, pointer
from autograd.vectorize.backends.native.mathematics import OPERATORS
from autograd.vectorize.backends.native.rule import Rule, applied, literal
from autograd.vectorize.backends.native.schedule import AFTER, BEFORE
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.places import Place
from autograd.vectorize.program import Program


class GradientOfRows(NamedTuple):
    """A part of the gradient that is a product with rows of an argument: a comment, the call, its offset and its size."""

    note: str
    call: str
    offset: int
    size: int


class Operations(Arrays):
    """Abstract: the operations of a program, as lines of C."""

    what: str  # lies in `work`
    step: str  # of the loop over the examples
    counted: tuple[str, ...]  # at its beginning
    moves_early = False  # whether parameters are updated before all gradients are known

    def __init__(self, program: Program, signature: Signature, rule: Rule | None = None) -> None:
        super().__init__(program, signature)
        self.rule, self.last = rule, list[GradientOfRows]()
        self.functions = set(rule.functions) if rule else set()
        for number, instruction in enumerate(self.program.instructions):
            if number not in self.merged:
                self._emit(number, instruction)
        self._finish()

    @abstractmethod
    def _write_rows(self, place: Place, shape: ir.Shape) -> None:
        """The output of the examples, into the caller's memory."""

    @abstractmethod
    def _write_cost(self, place: Place, weight: str) -> None:
        """The costs of the examples, added up; `weight` is an expression in which `{}` stands for the example, or empty."""

    @abstractmethod
    def _product(self, code: list[str], number: int, place: Place, left: Place, right: Place) -> None:
        """A product of matrices."""

    @abstractmethod
    def _pairs(self, code: list[str], pairs: ir.Pairs, place: Place, left: Place, right: Place) -> None:
        """Products or sums of pairs of rows."""

    @abstractmethod
    def _reduction(self, code: list[str], number: int, op: Operation, axis: int, place: Place, source: Place) -> None:
        """A reduction along an axis."""

    def _take(self, code: list[str], columns: FloatArray, place: Place, source: Place) -> None:
        """The columns with these indices."""
        table = self._table(columns)
        self._loops(code, place, lambda at: f"{entry(place, at)} = {entry(source, [*at[:-1], f'{table}[{at[-1]}]'])};")

    @abstractmethod
    def _look_up(self, code: list[str], place: Place, table: Place, index: Place) -> None:
        """Rows of a table."""

    @abstractmethod
    def _add_rows(self, code: list[str], number: int, place: Place, index: Place, part: Place) -> None:
        """Rows added to those of a table of zeros."""

    def _emit(self, number: int, instruction: ir.Instruction) -> None:
        shape, operands = self.shapes[number], instruction.operands
        sources = [place for each in operands if (place := self.places[each]) is not None]
        match instruction:
            case ir.Input(argument=argument):
                place = Place(Buffer(f"{self.arguments[argument]}_rows", "rows"), 0, shape, (shape[1], 1))
            case ir.Parameters():
                place = Place(Buffer("theta", "theta"), 0, shape, (0,) * (len(shape) - 1) + (1,))
            case ir.Weights():
                place = Place(Buffer("weights_rows", "rows"), 0, shape, (1, 1))
            case ir.Constant(value=value):
                place = Place.whole(Buffer(self._name(number), "theta"), value.shape)
                users = [each for each in self.program.instructions if number in each.operands]
                if value.shape or number in (self.output, self.results) or not all(isinstance(each, ir.Elementwise) for each in users):
                    self.tables.append(f"static const real {place.buffer.name}[] = {{{', '.join(map(literal, value.ravel().tolist()))}}};")
            case ir.Scale(factor=factor, power=power):
                self.lines[BEFORE].append(f"const real {self._name(number)}[] = {{{literal(factor)} * (real)pow((double)batch, {power})}};")
                place = Place(Buffer(self._name(number), "theta"), 0, (), ())
            case ir.Slice(start=start, step=step):
                *rest, stride = sources[0].strides
                place = sources[0].moved(start * stride, shape, (*rest, stride * step))
            case ir.Transpose():
                place = _transposed(sources[0], shape)
            case ir.Expand():
                place = sources[0].moved(shape=shape, strides=sources[0].broadcast(shape))
            case ir.Reshape():
                view = sources[0].reshaped(shape)
                place = self._copied(number, sources[0], shape) if view is None else view
            case _:
                place = self._target(number)
                self._compute(number, instruction, place, sources)
        self.places[number] = place

    def _compute(self, number: int, instruction: ir.Instruction, place: Place, sources: list[Place]) -> None:
        code = self._code(number)
        if not isinstance(instruction, (ir.MatMul, ir.Elementwise, ir.Lookup)):
            sources = list(map(self._ours, sources))
        code.append(f"// {self._name(number)} {ir.shape_text(place.shape)} = {instruction}".replace("%", "a"))
        match instruction:
            case ir.Elementwise():
                self._elementwise(code, number, place)
            case ir.MatMul():
                self._product(code, number, place, *sources)
            case ir.Reduce(op=op, axis=axis):
                self._reduction(code, number, op, axis, place, sources[0])
            case ir.Pairs():
                self._pairs(code, instruction, place, *sources)
            case ir.Segments(op=op):
                self._segments(code, instruction, op, place, sources[0])
            case ir.Take(columns=columns):
                self._take(code, columns, place, sources[0])
            case ir.Lookup():
                self._look_up(code, place, *sources)
            case ir.AddRows():
                self._add_rows(code, number, place, *sources)
            case ir.Concatenate():
                start = 0
                for source in sources:
                    self._copy(code, place.moved(start * place.strides[-1], source.shape), source)
                    start += source.shape[-1]
            case ir.Scatter(places=columns):
                self._scatter(code, instruction, place, sources)
            case _:
                raise ValueError(f"the instruction {instruction} cannot be written in C")

    def _finish(self) -> None:
        """Write the outputs."""
        if self.output >= 0:
            place, shape = self.places[self.output], self.shapes[self.output]
            assert place is not None
            if self.program.varies(self.output):
                self._write_rows(place, shape)
            elif place.buffer.name != "out":
                self._copy(self.lines[AFTER], Place.whole(Buffer("out", "theta"), shape), place)
        if self.has_cost:
            place = self.places[self.results]
            assert place is not None
            if not self.program.varies(self.results):
                self.lines[AFTER].append(f"cost = {entry(place, ['0'] * len(place.shape))};")
            else:
                self._write_cost(place, "weights_rows[{}] * " if self.is_weighted else "")
                self.lines[AFTER] += [] if self.is_weighted else ["cost /= batch;"]

    def _elementwise(self, code: list[str], number: int, place: Place) -> None:
        leaves: list[Place] = []
        expression = self._expression(number, leaves)
        self._vectors(code, place, leaves, expression)

    def _vectors(self, code: list[str], place: Place, leaves: list[Place], expression: str) -> None:
        """Loops over vectors of a contiguous array; in the expression, `{0}`, `{1}`, ... stand for the leaves."""
        shape, strides = place.shape, [place.strides, *(each.broadcast(place.shape) for each in leaves)]
        if ir.BATCH in shape:
            axes = loops_over(shape[1:], [each[1:] for each in strides])
            size, inner = "count", [1, *(int(leaf.buffer.kind == "lanes") for leaf in leaves)]
        else:
            axes = loops_over(shape, strides)
            size, inner = axes.pop() if axes else ("1", [1] * len(strides))
        if inner[0] != 1 and size != "1":
            raise ValueError(f"{place.buffer.name} is not contiguous, which C code for elementwise operations needs")
        ends = [pointer(each) for each in (place, *leaves)]
        for depth, (count, along) in enumerate(axes):
            code.append("    " * depth + f"for (long i{depth} = 0; i{depth} < {count}; i{depth}++)")
            ends = [f"{end} + i{depth} * {each}" if each else end for end, each in zip(ends, along)]
        value = expression.format(*(_loaded(*each, size) for each in zip(leaves, ends[1:], inner[1:])))
        is_padded = place.buffer.kind in ("lanes", "plain")
        stored = f"store({ends[0]} + e, {value});" if is_padded else f"store_some({ends[0]} + e, {value}, {size} - e);"
        code.append("    " * len(axes) + f"for (long e = 0; e < {size}; e += LANES)")
        code.append("    " * (len(axes) + 1) + stored)

    def _expression(self, number: int, leaves: list[Place]) -> str:
        """An operation in vectors; `{0}`, `{1}`, ... stand for the leaves."""
        instruction = self.program.instructions[number]
        assert isinstance(instruction, ir.Elementwise)
        words = []
        for each in instruction.operands:
            operand = self.program.instructions[each]
            if each in self.merged:
                is_call = operand.op not in OPERATORS  # type: ignore[attr-defined]
                inner = self._expression(each, leaves)
                words.append(inner if is_call else f"({inner})")
            elif isinstance(operand, ir.Constant) and operand.value.shape == ():
                words.append(f"splat({literal(float(operand.value))})")
            else:
                place = self.places[each]
                assert place is not None
                place = self._ours(place) if place.buffer.kind == "rows" else place
                if place not in leaves:
                    leaves.append(place)
                words.append(f"{{{leaves.index(place)}}}")
        text, called = applied(instruction.op, words)
        self.functions |= called
        return text

    def _segments(self, code: list[str], segments: ir.Segments, op: Operation, place: Place, source: Place) -> None:
        starts, lengths = self._table(segments.starts), self._table(segments.lengths)
        stride, has_batch = source.strides[-1], ir.BATCH in place.shape
        first = 1 if has_batch else 0
        target = place.moved(shape=place.shape[first:], strides=place.strides[first:])
        rest = source.moved(shape=source.shape[first:], strides=source.strides[first:])

        def body(at: list[str]) -> str:
            begin = f"&{entry(rest, [*at[:-1], f'{starts}[{at[-1]}]'])}"
            length = f"{lengths}[{at[-1]}]"
            if has_batch:
                return f"{op.name}_within({length}, {begin}, {stride}, &{entry(target, at)}, count);"
            return f"{entry(target, at)} = {op.name}({begin}, {stride}, {length});"

        self._loops(code, target, body)

    def _scatter(self, code: list[str], instruction: ir.Scatter, place: Place, sources: list[Place]) -> None:
        if place.buffer.name == "out":
            made = [self.program.origin(each) for each in instruction.operands]
            covered = sum(math.prod(self.shapes[each]) for each in made if each in self.parts)
            if covered < math.prod(place.shape):
                self.lines[BEFORE].insert(0, f"memset(out, 0, {math.prod(place.shape)} * sizeof(real));")
        else:
            made = []
            self._loops(code, place, lambda at: f"{entry(place, at)} = 0;")
        for index, (columns, source) in enumerate(zip(instruction.places, sources)):
            if made and made[index] in self.parts:
                continue
            if isinstance(columns, np.ndarray):
                table = self._table(columns)
                self._loops(code, source, lambda at, t=table, s=source: f"{entry(place, [*at[:-1], f'{t}[{at[-1]}]'])} += {entry(s, at)};")  # type: ignore[misc]
                continue
            start, _, step = columns or (0, 0, 1)
            *rest, stride = place.strides
            target = place.moved(start * stride, source.shape, (*rest, stride * step))
            self._loops(code, target, lambda at, to=target, s=source: f"{entry(to, at)} += {entry(s, at)};")  # type: ignore[misc]


def _loaded(leaf: Place, start: str, stride: int, size: str) -> str:
    """A vector of the entries of an operand, `stride` apart, from entry e on."""
    if stride == 0:
        return f"splat(*({start}))" if " " in start else f"splat(*{start})"
    if stride == 1:
        return f"load({start} + e)" if leaf.buffer.kind in ("lanes", "plain") else f"load_some({start} + e, {size} - e)"
    return f"strided({start} + e * {stride}, {stride}, {size} - e)"


def _transposed(place: Place, shape: ir.Shape) -> Place:
    """A matrix with its axes exchanged. An axis that is split into BATCH and n moves as a whole."""
    if len(place.shape) == 2:
        return place.moved(shape=shape, strides=place.strides[::-1])
    order = (2, 0, 1) if place.shape[0] == ir.BATCH else (1, 2, 0)
    return place.moved(shape=shape, strides=tuple([place.strides[axis] for axis in order]))
