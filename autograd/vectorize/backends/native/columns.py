"""Columns as lanes: a loop over the examples, for programs whose arrays have many columns.

An example is like a program without examples: in the shapes here, BATCH is 1.
"""

from __future__ import annotations

import math

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native.arrays import WHOLE, Buffer, entry, loops_over, pointer, room
from autograd.vectorize.backends.native.examples import WIDE
from autograd.vectorize.backends.native.operations import Operations
from autograd.vectorize.backends.native.rule import Rule
from autograd.vectorize.backends.native.schedule import ADDED, BEFORE, WITHIN
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.patterns import axes_of, runs_of, runs_of_pairs
from autograd.vectorize.places import Place, contiguous
from autograd.vectorize.program import Program


class Columns(Operations):
    """The operations of a program on one example after another."""

    what = "the arrays of an example"
    step, counted = "start++", ()

    def __init__(self, program: Program, signature: Signature, rule: Rule | None = None) -> None:
        self.copies: dict[Place, Place] = {}
        self.forms, self.is_within = 0, False
        self.pieces: dict[str, tuple[int, int]] = {}  # of memory: their starts and sizes
        self.free: dict[int, list[int]] = {}  # by their sizes
        self.scratch: list[tuple[int, int]] = []  # pieces that are free after an instruction
        super().__init__(program, signature, rule)

    def _shape(self, shape: ir.Shape) -> ir.Shape:
        return ir.sized(shape, 1)

    def _emit(self, number: int, instruction: ir.Instruction) -> None:
        self.is_within = self.stages[number] is WITHIN
        super()._emit(number, instruction)
        for each in self.last_read[number]:
            if self.stages[each] is WITHIN and (piece := self.pieces.get(self._name(each))):
                self.scratch.append(piece)
        for start, size in self.scratch:
            self.free.setdefault(size, []).append(start)
        self.scratch.clear()

    def _allocate(self, name: str, shape: ir.Shape) -> Place:
        """Memory for an array. What is computed in the loop may reuse memory."""
        size = room(math.prod(shape))
        if self.is_within and self.free.get(size):
            start = self.free[size].pop()
        else:
            start, self.work = self.work, self.work + size
        self.memory.append(f"real *const {name} = work + {start}; // {ir.shape_text(shape)}")
        self.pieces[name] = start, size
        return Place.whole(Buffer(name, "plain"), shape)

    def _scratch(self, name: str, shape: ir.Shape) -> Place:
        """Memory for another form of an array."""
        self.forms += 1
        return self._allocate(f"{name}_turned{self.forms}", shape)

    def _copied_once(self, code: list[str], place: Place) -> Place:
        """A contiguous copy of an array in our memory."""
        if place not in self.copies:
            self.is_within &= code is not self.lines[BEFORE]
            self.copies[place] = self._scratch(place.buffer.name.removesuffix("_rows"), place.shape)
            self._copy(code, self.copies[place], place)
        return self.copies[place]

    def _row(self, code: list[str], place: Place) -> Place:
        """An array (batch, n) as a row of numbers in our memory."""
        return place if place.buffer.kind == "plain" and place.strides[-1] == 1 else self._copied_once(code, place)

    def _product(self, code: list[str], number: int, place: Place, left: Place, right: Place) -> None:
        (rows, inner), columns, row = left.shape, right.shape[1], place.strides[0]
        (a0, a1), (b0, b1), is_sum = left.strides, right.strides, self.stages[number] is ADDED
        if 1 in (rows, columns) and a1 == b0 == 1 and inner >= WIDE and not is_sum:
            many, one, size, stride = (right, left, columns, b1) if rows == 1 else (left, right, rows, a0)
            code.append(f"product_of_rows({size}, {inner}, {pointer(many)}, {stride}, {pointer(one)}, 0, {pointer(place)}, 1, 1);")
            return
        if b1 != 1 or (right.buffer.kind != "plain" and columns % WHOLE):  # not in whole vectors
            early = self.stages[self.program.instructions[number].operands[1]] is BEFORE
            right = self._copied_once(self.lines[BEFORE] if early else code, right)
        given = f"{pointer(left)}, {a0}, {a1}, {pointer(right)}, {right.strides[0]}, {pointer(place)}, {row}"
        code.append(f"product_of_columns({rows}, {inner}, {columns}, {given}, {'start > 0' if is_sum else '0'});")

    def _pairs(self, code: list[str], pairs: ir.Pairs, place: Place, left: Place, right: Place) -> None:
        left, right = self._row(code, left), self._row(code, right)
        is_product, name = isinstance(pairs, ir.PairProducts), place.buffer.name
        if not is_product:
            code.append(f"memset({name}, 0, {place.size} * sizeof(real));")
        (one, ones), (other, others) = runs_of_pairs(pairs.lefts, pairs.rights), runs_of_pairs(pairs.rights, pairs.lefts)
        same, runs = (one, ones) if len(one) <= len(other) else (other, others)
        if 2 * len(same) > len(pairs.lefts):
            tables = f"{self._table(pairs.lefts)}, {self._table(pairs.rights)}"
            what = "products" if is_product else "sums"
            code.append(f"{what}_of_pairs({len(pairs.lefts)}, {pairs.width}, {tables}, {pointer(left)}, {pointer(right)}, {name});")
            return
        given = f"{len(same)}, {pairs.width}, {', '.join(map(self._table, (same, runs.first, runs.length)))}"
        if is_product:
            by, turned, count = (left, right, pairs.rows[1]) if same is one else (right, left, pairs.rows[0])
            apart, columns = self._turned(code, name, pairs.width, count, turned)
            code.append(f"run_products({given}, {pointer(by)}, {columns}, {apart}, {name});")
        elif same is one:
            apart, columns = self._turned(code, name, pairs.width, pairs.rows[1], right)
            code.append(f"run_sums({given}, {pointer(left)}, {columns}, {apart}, {name});")
        else:
            apart, columns = self._turned(code, name, pairs.width, pairs.rows[0], None)
            code.append(f"memset({columns}, 0, {apart * pairs.width} * sizeof(real));")
            code.append(f"run_spreads({given}, {pointer(left)}, {pointer(right)}, {columns}, {apart});")
            code.append(f"turned_back({pairs.rows[0]}, {pairs.width}, {columns}, {apart}, {name});")

    def _turned(self, code: list[str], name: str, width: int, rows: int, source: Place | None) -> tuple[int, str]:
        """Memory in which the rows of an array are turned, and how far its columns are apart."""
        apart = room(rows)
        turned = self._scratch(name, (width, apart)).buffer.name
        self.scratch.append(self.pieces[turned])
        if source is not None:
            code.append(f"turned_rows({rows}, {width}, {pointer(source)}, 1, {turned}, {apart});")
        return apart, turned

    def _take(self, code: list[str], columns: FloatArray, place: Place, source: Place) -> None:
        axes, runs, stride = axes_of(columns), runs_of(columns), source.strides[-1]
        if axes is not None:
            sizes, steps = tuple(size for size, _ in axes), tuple(step * stride for _, step in axes)
            moved = source.moved(int(columns[0]) * stride, (*place.shape[:-1], *sizes), (*source.strides[:-1], *steps))
            self._copy(code, place.moved(shape=moved.shape, strides=(*place.strides[:-1], *contiguous(sizes))), moved)
        elif 2 * len(runs.first) <= len(columns) and math.prod(place.shape[:-1]) == 1:
            row = self._row(code, source)
            given = f"{self._table(runs.first)}, {self._table(runs.length)}, {pointer(row)}, {runs.step}"
            code.append(f"take_runs({len(runs.first)}, {given}, {pointer(place)});")
        else:
            super()._take(code, columns, place, source)

    def _copy(self, code: list[str], place: Place, source: Place) -> None:
        """Copy in vectors, unless a vector could be written over what lies behind a row, or has to be put together."""
        axes = loops_over(place.shape, [place.strides, source.strides])
        in_one_piece = place.is_contiguous or math.prod(place.shape[:-1]) == 1
        if in_one_piece and (not axes or (axes[-1][1][0] == 1 and axes[-1][1][1] in (0, 1))):
            self._vectors(code, place, [source], "{0}")
        else:
            super()._copy(code, place, source)

    def _reduction(self, code: list[str], number: int, op: Operation, axis: int, place: Place, source: Place) -> None:
        size, stride, is_sum = source.shape[axis], source.strides[axis], self.stages[number] is ADDED
        if is_sum and op is not ops.total_:
            raise ValueError(f"{op.name} over the examples cannot be computed one by one")
        if is_sum:
            self._zero(number, place)
        across = source.shape[-1] > 1 and axis < len(source.shape) - 1 and source.strides[-1] == 1
        if across and (is_sum or source.buffer.kind == place.buffer.kind == "plain"):  # rows, whose columns are in the lanes
            shape = (*place.shape[:-1], 1)
            outer, rest = place.moved(shape=shape), source.moved(shape=shape)
            given, call = (f"{size}, {source.shape[-1]}, ", "add_columns") if is_sum else (f"{size}, ", f"{op.name}_within")
            count = "" if is_sum else f", {source.shape[-1]}"
            self._loops(code, outer, lambda at: f"{call}({given}&{entry(rest, at)}, {stride}, &{entry(outer, at)}{count});")
            return
        sign = "+=" if is_sum else "="
        self._loops(code, place, lambda at: f"{entry(place, at)} {sign} {op.name}(&{entry(source, at)}, {stride}, {size});")

    def _write_rows(self, place: Place, shape: ir.Shape) -> None:
        self._copy(self.lines[WITHIN], Place.whole(Buffer("out_rows", "rows"), shape), place)

    def _write_cost(self, place: Place, weight: str) -> None:
        self.lines[WITHIN].append(f"cost += {weight.format('0')}{entry(place, ['0', '0'])};")

    def _look_up(self, code: list[str], place: Place, table: Place, index: Place) -> None:
        (rows, columns), count = table.shape[-2:], place.shape[1]
        given = f"{pointer(table)}, 0, {table.strides[-2]}, {table.strides[-1]}, {pointer(index)}, {index.strides[1]}"
        code.append(f"look_up({rows}, {columns}, {given}, {pointer(place)}, {place.strides[1]}, {place.strides[2]}, {count});")

    def _add_rows(self, code: list[str], number: int, place: Place, index: Place, part: Place) -> None:
        (rows, columns), count = place.shape[-2:], part.shape[1]
        self._zero(number, place)
        given = f"{pointer(part)}, {part.strides[1]}, {part.strides[2]}, {pointer(index)}, {index.strides[1]}"
        code.append(f"add_rows({rows}, {columns}, {given}, {pointer(place)}, 0, {place.strides[-2]}, {place.strides[-1]}, {count});")
