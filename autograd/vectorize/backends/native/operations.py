"""Operations: elementwise expressions, products, reductions and scatters in C."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native.arrays import Arrays, entry, has_examples, loops_over, pointer
from autograd.vectorize.backends.native.rule import INFIX, Rule, applied, literal
from autograd.vectorize.backends.native.schedule import ADDED, BEFORE
from autograd.vectorize.places import Place
from autograd.vectorize.program import Program

WIDE = 32  # columns from which an argument is multiplied as it lies, in rows; at least as many as a register has lanes


class GradientOfRows(NamedTuple):
    """A part of the gradient that is a product with rows of an argument: a comment, the call, its offset and its size."""

    note: str
    call: str
    offset: int
    size: int


class Operations(Arrays):
    """The operations of a program, as lines of C."""

    def __init__(self, program: Program, signature: Signature, rule: Rule | None = None) -> None:
        super().__init__(program, signature)
        self.rule, self.last = rule, list[GradientOfRows]()
        self.functions = set(rule.functions) if rule else set()

    def _elementwise(self, code: list[str], number: int, place: Place) -> None:
        leaves: list[Place] = []
        expression = self._expression(number, leaves)
        shape, strides = place.shape, [place.strides, *(each.broadcast(place.shape) for each in leaves)]
        if ir.BATCH in shape:
            axes = loops_over(shape[1:], [each[1:] for each in strides])
            size, inner = "count", [1, *(int(leaf.buffer.kind == "lanes") for leaf in leaves)]
        else:
            axes = loops_over(shape, strides)
            size, inner = axes.pop() if axes else ("1", [1] * len(strides))
        if inner[0] != 1 and size != "1":
            raise ValueError(f"{self._name(number)} is not contiguous, which C code for elementwise operations needs")
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
                is_call = operand.op not in (*INFIX, ops.negative)  # type: ignore[attr-defined]
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
        text, called = applied(self.program, instruction, words)
        self.functions |= called
        return text

    def _product_within(self, code: list[str], place: Place, left: Place, right: Place) -> None:
        """A product of the rows of the examples, (batch, inner) or (batch, several, inner), with one matrix."""
        if has_examples(right) or ir.BATCH in right.shape or ir.BATCH not in left.shape[:1]:
            raise ValueError(
                f"a product of {ir.shape_text(left.shape)} and {ir.shape_text(right.shape)} is not one of examples with a matrix"
            )
        (inner, columns), (bk, bj) = right.shape, right.strides
        if left.buffer.kind == "rows" and len(left.shape) == 2 and left.strides[1] == bk == 1 and inner >= WIDE:
            rows = f"{pointer(left)}, {left.strides[0]}, {pointer(place)}, {place.strides[1]}, count"
            code.append(f"product_of_rows({columns}, {inner}, {pointer(right)}, {bj}, {rows});")
            return
        note = code.pop()
        left = self._ours(left)
        code.append(note)
        a, c, pad = pointer(left), pointer(place), ""
        if len(left.shape) == 3:
            code.append(f"for (long g = 0; g < {left.shape[1]}; g++)")
            a, c, pad = f"{a} + g * {left.strides[1]}", f"{c} + g * {place.strides[1]}", "    "
        examples = f"{a}, {left.strides[-1]}, {c}, {place.strides[-1]}, count"
        code.append(f"{pad}product_within({columns}, {inner}, {pointer(right)}, {bj}, {bk}, {examples});")

    def _products_added(self, code: list[str], place: Place, left: Place, right: Place) -> None:
        """A sum over the examples: (rows, batch) times (batch, columns), perhaps with several rows of each example."""
        note = code.pop()
        if left.shape[-len(right.shape[:-1]) :] != right.shape[:-1]:
            raise ValueError(f"a product of {ir.shape_text(left.shape)} and {ir.shape_text(right.shape)} is not a sum over the examples")
        rows, columns = left.shape[0], right.shape[-1]
        left, row = self._ours(left), place.strides[0]  # the columns of the result are contiguous
        if right.buffer.kind == "rows" and len(right.shape) == 2 and right.strides[1] == 1 and columns >= WIDE:
            at = f"{pointer(right)}, {right.strides[0]}, {pointer(place)}, {row}, count, start == 0"
            call = f"products_of_rows({rows}, {columns}, {pointer(left)}, {left.strides[0]}, {at}"
            if self.rule and place.buffer.name == "out":
                self.last.append(GradientOfRows(note, call, place.offset, rows * columns))
            else:
                code += [note, f"add_{call});"]
            return
        right = self._ours(right)
        code.append(note)
        d, a, first, pad = pointer(left), pointer(right), "start == 0", ""
        if len(right.shape) == 3:
            code.append(f"for (long g = 0; g < {right.shape[1]}; g++)")
            d, a, first, pad = f"{d} + g * {left.strides[2]}", f"{a} + g * {right.strides[1]}", "start + g == 0", "    "
        at = f"{a}, {right.strides[-1]}, {pointer(place)}, {row}, count, {first}"
        code.append(f"{pad}add_products({rows}, {columns}, {d}, {left.strides[0]}, {at});")

    def _look_up(self, code: list[str], place: Place, table: Place, index: Place) -> None:
        (rows, columns), (_, count, _) = table.shape[-2:], place.shape
        code.append(f"for (long i = 0; i < {count}; i++)")
        code.append(f"    look_up({rows}, {columns}, {_table(table)}, {_index(index)}, {_rows(place)}, count);")

    def _add_rows(self, code: list[str], place: Place, index: Place, part: Place) -> None:
        (rows, columns), (_, count, _) = place.shape[-2:], part.shape
        if ir.BATCH in place.shape:
            self._loops(code, place, lambda at: f"{entry(place, at)} = 0;")
        else:
            self._zero(place)
        code.append(f"for (long i = 0; i < {count}; i++)")
        code.append(f"    add_rows({rows}, {columns}, {_rows(part)}, {_index(index)}, {_table(place)}, count);")

    def _reduction(self, code: list[str], number: int, op: Operation, axis: int, place: Place, source: Place) -> None:
        stride = source.strides[axis]
        if self.stages[number] is ADDED:
            if op is not ops.total_:
                raise ValueError(f"{op.name} over the examples cannot be computed block by block")
            self._zero(place)
            shape = self.shapes[self.program.instructions[number].operands[0]]
            several = shape[1] if len(shape) > len(place.shape) else 1  # rows of each example
            skipped = len(shape) - len(place.shape) + 1
            rest = source.moved(shape=source.shape[skipped:], strides=source.strides[skipped:])
            target = place.moved(shape=place.shape[1:], strides=place.strides[1:])
            for each in range(several):
                offset = each * source.strides[1] if several > 1 else 0
                shifted = rest.moved(offset)
                self._loops(code, target, lambda at, of=shifted: f"{entry(target, at)} += total(&{entry(of, at)}, 1, count);")  # type: ignore[misc]
        elif ir.BATCH in place.shape:
            axis += len(source.shape) - len(self.program.shape(self.program.instructions[number].operands[0]))
            inner, stride = source.shape[axis], source.strides[axis]
            target = place.moved(shape=place.shape[1:], strides=place.strides[1:])
            rest = source.moved(
                shape=tuple(1 if i == axis else size for i, size in enumerate(source.shape))[1:], strides=source.strides[1:]
            )
            call = f"{op.name}_within({inner}, "
            self._loops(code, target, lambda at: f"{call}&{entry(rest, at)}, {stride}, &{entry(target, at)}, count);")
        else:
            self._loops(code, place, lambda at: f"{entry(place, at)} = {op.name}(&{entry(source, at)}, {stride}, {source.shape[axis]});")

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


def _table(place: Place) -> str:
    """A table, or one for each example, as arguments in C: its address and the strides of the examples, the rows and the columns."""
    example, row, column = (0,) * (3 - len(place.strides)) + place.strides
    return f"{pointer(place)}, {example}, {row}, {column}"


def _index(place: Place) -> str:
    """Index i of each example, as arguments in C: its address and the stride of the examples."""
    return f"{pointer(place)} + i * {place.strides[1]}, {place.strides[0]}"


def _rows(place: Place) -> str:
    """Row i of each example, as arguments in C: its address and the stride of the columns. The examples lie beside each other."""
    return f"{pointer(place)} + i * {place.strides[1]}, {place.strides[2]}"


def _loaded(leaf: Place, start: str, stride: int, size: str) -> str:
    """A vector of the entries of an operand, `stride` apart, from entry e on."""
    if stride == 0:
        return f"splat(*({start}))" if " " in start else f"splat(*{start})"
    if stride == 1:
        return f"load({start} + e)" if leaf.buffer.kind in ("lanes", "plain") else f"load_some({start} + e, {size} - e)"
    return f"strided({start} + e * {stride}, {stride}, {size} - e)"
