"""Examples as lanes: a loop over blocks of examples, which lie beside each other, so that a register holds one number of several examples.

The C reads like the computation for one example. The arrays of a block fit into the cache.
"""

from __future__ import annotations

import math

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native.arrays import BLOCK, Buffer, entry, has_examples, loops_over, pointer, room
from autograd.vectorize.backends.native.operations import GradientOfRows, Operations
from autograd.vectorize.backends.native.rule import Rule
from autograd.vectorize.backends.native.schedule import ADDED, AFTER, WITHIN
from autograd.vectorize.places import Place, contiguous
from autograd.vectorize.program import Program

WIDE = 32  # columns from which an argument is multiplied as it lies, in rows; at least as many as a register has lanes


class Examples(Operations):
    """The operations of a program on blocks of examples."""

    what = "the arrays of a block"
    step, counted = "start += BLOCK", ("const long count = batch - start < BLOCK ? batch - start : BLOCK;",)

    def __init__(self, program: Program, signature: Signature, rule: Rule | None = None) -> None:
        self.turned: dict[Place, Place] = {}
        super().__init__(program, signature, rule)

    def _shape(self, shape: ir.Shape) -> ir.Shape:
        """A shape with two axes, BATCH and n, in place of one of n * BATCH."""
        return tuple([part for size in shape for part in ((ir.BATCH, -size) if size < ir.BATCH else (size,))])

    def _allocate(self, name: str, shape: ir.Shape) -> Place:
        """Memory for an array, in whole vectors."""
        rest = shape[1:] if ir.BATCH in shape else shape
        if ir.BATCH in shape[1:]:
            raise ValueError(f"{name} has its examples along another axis than the first, {ir.shape_text(shape)}")
        self.memory.append(f"real *restrict const {name} = work + {self.work}; // {ir.shape_text(shape)}")
        if ir.BATCH in shape:
            self.work += math.prod(rest) * BLOCK
            return Place(Buffer(name, "lanes"), 0, shape, (1, *(each * BLOCK for each in contiguous(rest))))
        self.work += room(math.prod(shape))
        return Place.whole(Buffer(name, "plain"), shape)

    def _ours(self, place: Place) -> Place:
        """An array of the caller with rows of examples, copied so that the examples lie beside each other. Others stay as they are."""
        if place.buffer.kind == "lanes" or ir.BATCH not in place.shape:
            return place
        if place not in self.turned:
            order = [place.shape.index(ir.BATCH), *(axis for axis, size in enumerate(place.shape) if size != ir.BATCH)]
            source = place.moved(shape=tuple([place.shape[axis] for axis in order]), strides=tuple([place.strides[axis] for axis in order]))
            mine = self._allocate(f"{place.buffer.name.removesuffix('_rows')}_turned{len(self.turned) or ''}", source.shape)
            axes = loops_over(source.shape[1:], [source.strides[1:]])
            if len(axes) < 2:
                columns, (stride,) = axes[0] if axes else ("1", [1])
                self.lines[WITHIN].append(
                    f"turned({columns}, {pointer(source)}, {source.strides[0]}, {stride}, {mine.buffer.name}, count);"
                )
            else:
                self._copy(self.lines[WITHIN], mine, source)
            back = sorted(range(len(order)), key=order.__getitem__)
            self.turned[place] = mine.moved(shape=place.shape, strides=tuple([mine.strides[axis] for axis in back]))
        return self.turned[place]

    def _product(self, code: list[str], number: int, place: Place, left: Place, right: Place) -> None:
        if self.stages[number] is WITHIN:
            self._product_within(code, place, left, right)
        elif self.stages[number] is ADDED:
            self._products_added(code, place, left, right)
        else:
            (rows, inner), columns = left.shape, right.shape[1]
            arrays = ", ".join(f"{pointer(each)}, {each.strides[0]}, {each.strides[1]}" for each in (left, right, place))
            code.append(f"product({rows}, {inner}, {columns}, {arrays});")

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

    def _add_rows(self, code: list[str], number: int, place: Place, index: Place, part: Place) -> None:
        (rows, columns), (_, count, _) = place.shape[-2:], part.shape
        if ir.BATCH in place.shape:
            self._loops(code, place, lambda at: f"{entry(place, at)} = 0;")
        else:
            self._zero(number, place)
        code.append(f"for (long i = 0; i < {count}; i++)")
        code.append(f"    add_rows({rows}, {columns}, {_rows(part)}, {_index(index)}, {_table(place)}, count);")

    def _reduction(self, code: list[str], number: int, op: Operation, axis: int, place: Place, source: Place) -> None:
        stride = source.strides[axis]
        if self.stages[number] is ADDED:
            if op is not ops.total_:
                raise ValueError(f"{op.name} over the examples cannot be computed block by block")
            self._zero(number, place)
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

    def _pairs(self, code: list[str], pairs: ir.Pairs, place: Place, left: Place, right: Place) -> None:
        arrays = ", ".join(f"{pointer(each)}, {each.strides[-1]}" for each in (left, right, place))
        what, size = ("products", "") if isinstance(pairs, ir.PairProducts) else ("sums", f"{place.shape[-1]}, ")
        tables = f"{self._table(pairs.lefts)}, {self._table(pairs.rights)}"
        code.append(f"pair_{what}({len(pairs.lefts)}, {pairs.width}, {tables}, {arrays}, {size}count);")

    def _can_move_early(self) -> bool:
        """Whether parameters whose gradient is a product with rows can be updated before the other gradients are known.

        No later instruction may read them or add to their gradient.
        """
        if not self.last:
            return False
        program, scatter = self.program, self.program.instructions[self.output]
        for number, instruction in enumerate(program.instructions):
            if self.stages[number] is AFTER and number != self.output and not instruction.is_view:
                return False
        added = np.zeros(math.prod(program.shape(self.output)), dtype=bool)
        for columns, operand in zip(scatter.places, scatter.operands) if isinstance(scatter, ir.Scatter) else ():
            if program.origin(operand) not in self.parts:
                added[slice(None) if columns is None else slice(*columns) if isinstance(columns, tuple) else columns] = True
        return not any(added[each.offset : each.offset + each.size].any() for each in self.last)

    def _finish(self) -> None:
        self.moves_early = self._can_move_early()
        for note, call, offset, _ in self.last:
            self.lines[WITHIN].append(note)
            if self.moves_early:
                self.lines[WITHIN] += ["if (step != NULL && start + count == batch)", f"    step_by_{call}, step, {offset});", "else"]
            self.lines[WITHIN].append("    " * self.moves_early + f"add_{call});")
        super()._finish()

    def _write_rows(self, place: Place, shape: ir.Shape) -> None:
        target = Place(Buffer("out_rows", "rows"), 0, shape, (math.prod(shape[1:]), *contiguous(shape[1:])))
        self._copy(self.lines[WITHIN], target, place)

    def _write_cost(self, place: Place, weight: str) -> None:
        self.lines[WITHIN] += ["for (long e = 0; e < count; e++)", f"    cost += {weight.format('e')}{entry(place, ['e', '0'])};"]


def _table(place: Place) -> str:
    """A table, or one for each example, as arguments in C: its address and the strides of the examples, the rows and the columns."""
    example, row, column = (0,) * (3 - len(place.strides)) + place.strides
    return f"{pointer(place)}, {example}, {row}, {column}"


def _index(place: Place) -> str:
    """Index i of each example, as arguments in C: its address and the stride of the examples."""
    return f"{pointer(place)} + i * {place.strides[1]}, {place.strides[0]}"


def _rows(place: Place) -> str:
    """Row i of each example, as arguments in C: its address and the strides of the examples and the columns."""
    return f"{pointer(place)} + i * {place.strides[1]}, {place.strides[0]}, {place.strides[2]}"
