"""Stages 3 to 5, group, lay out, recognise: from a scalar graph to an array program.

Scalars of equal depth with the same operation and the same sources become the columns of one array, with one row for each example. The
columns are in the order of recording, so that most operands are slices. Sums of products with common factors become matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Any

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize import pairing
from autograd.vectorize.builder import Builder
from autograd.vectorize.instructions import BATCH, Shape
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.parameter_order import parameter_order
from autograd.vectorize.program import Program
from autograd.vectorize.scalars import CONSTANT, DOT, INPUT, PARAMETER, Scalars, depths
from autograd.vectorize.tables import Column, Table


@dataclass(frozen=True)
class Grid:
    """Scalars that are the entries of one matrix product: entry (p, r) is the sum over k of right[p][k] left[r][k]."""

    left: list[tuple[int, ...]]
    right: list[tuple[int, ...]]
    entries: list[int]  # all r for one p, then the next


def lower(
    graph: Scalars, batched: Sequence[bool], arguments: Sequence[int], per_example: bool = False, known: Sequence[int] = ()
) -> tuple[Program, list[int]]:
    """The array program of a simplified graph, and the order in which the parameters lie in its parameter vector.

    That order begins with the parameters `known`, or -1 where the vector holds numbers that the graph does not use.

    `arguments` are the numbers of scalars in one example of each argument. The program's one output, "results", has
    shape (batch, results), or (results,) where no result depends on the example. With `per_example` the parameter vector
    has a batch axis too: a row of parameters for each example.
    """
    levels = depths(graph)
    by_level: list[list[int]] = [[] for _ in range(max(levels, default=0) + 1)]
    for number, level in enumerate(levels):
        if graph.nodes[number][0] not in (INPUT, PARAMETER, CONSTANT):
            by_level[level].append(number)
    order = parameter_order(graph, by_level, levels, batched, known)
    lowering = _Lowering(graph, batched, arguments, order, per_example)
    for members in by_level:
        for group in lowering.groups(members):
            lowering.emit(group)
    builder = lowering.builder
    builder.program.outputs = {"results": builder.as_number(lowering.gather(graph.outputs, whole=True))}
    return builder.program, order


def grids(pairs: Sequence[tuple[int, tuple[int, ...], tuple[int, ...]]]) -> list[Grid]:
    """Sort (entry, left factors, right factors) into matrix products: right sides with the same left sides go together."""
    by_right: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for entry, left, right in pairs:
        by_right.setdefault(right, {})[left] = entry
    columns: dict[frozenset[tuple[int, ...]], list[tuple[int, ...]]] = {}
    for right, entries in by_right.items():
        columns.setdefault(frozenset(entries), []).append(right)
    found = []
    for rights in columns.values():
        lefts = list(by_right[rights[0]])
        found.append(Grid(lefts, rights, [by_right[right][left] for right in rights for left in lefts]))
    return found


class _Lowering:
    def __init__(self, graph: Scalars, batched: Sequence[bool], arguments: Sequence[int], order: Sequence[int], per_example: bool) -> None:
        self.graph = replace(graph, nodes=list(graph.nodes))  # a copy: the operands of some get sorted
        self.builder = Builder()
        self.batched = [op != CONSTANT for op, _ in graph.nodes] if per_example else batched
        self.per_example = per_example
        self.array: list[int] = [-1] * len(graph.nodes)  # where each scalar lies: in which array,
        self.column: list[int] = [0] * len(graph.nodes)  # and in which of its columns
        inputs = [self.builder.input(position, size) for position, size in enumerate(arguments)]
        self.theta = self.builder.parameters((BATCH, len(order)) if per_example else (len(order),)) if order else -1
        self.columns = np.zeros(len(graph.parameters), np.intp)  # of the parameters, in the parameter vector
        for column, parameter in enumerate(order):
            if parameter >= 0:
                self.columns[parameter] = column
        for number, (op, operands) in enumerate(graph.nodes):
            if op == INPUT:
                self.array[number], self.column[number] = inputs[operands[0]], operands[1]
            elif op == PARAMETER:
                self.array[number], self.column[number] = self.theta, int(self.columns[operands[0]])

    def place_of(self, scalar: int) -> tuple[int, int]:
        return self.array[scalar], self.column[scalar]

    def _places(self, scalars: Sequence[int]) -> tuple[Iterator[int], Iterator[int]]:
        """The arrays of scalars and their columns."""
        return map(self.array.__getitem__, scalars), map(self.column.__getitem__, scalars)

    def groups(self, members: Sequence[int]) -> list[list[int]]:
        """Group the scalars of one depth that can be columns of one array."""
        found: dict[Any, list[int]] = {}
        for number in members:
            op, operands = self.graph.nodes[number]
            if op == DOT:
                left, right = map(self._varies, self.graph.factors(number))
                key: tuple[Any, ...] = (op, left, right, 0 if left else len(operands))
            else:
                assert isinstance(op, Operation)
                if isinstance(op, Column):
                    found.setdefault((op.table,), []).append(number)
                    continue
                if op.is_commutative and not op.variadic and not op.is_condition:
                    a, b = operands
                    if (self.array[a], a) < (self.array[b], b):
                        operands = b, a
                        self.graph.nodes[number] = (op, operands)
                exponent = operands[1] if op is ops.power and self.graph.nodes[operands[1]][0] == CONSTANT else None
                is_reduced = op.reduction is not None  # sums of any number of terms go together
                sources = tuple([self.array[each] for each in operands])
                if op.variadic:
                    sources = (0 if is_reduced else len(operands), self.batched[number])
                key = (op, sources, exponent)
            found.setdefault(key, []).append(number)
        return [self._in_order_of_operands(group) if isinstance(key[0], Operation) else group for key, group in found.items()]

    def _in_order_of_operands(self, group: list[int]) -> list[int]:
        """A group in the order in which its operands lie in the array that was made last, so that they need not be taken in another."""
        array, column, nodes = self.array, self.column, self.graph.nodes
        last = max([array[each] for each in nodes[group[0]][1]])
        if last < 0:
            return group
        columns = [min([column[each] for each in nodes[number][1] if array[each] == last], default=0) for number in group]
        return [number for _, number in sorted(zip(columns, group))]

    def emit(self, group: Sequence[int]) -> None:
        """Add the instructions that compute a group, and store the places of its scalars."""
        op: Any = self.graph.nodes[group[0]][0]
        if op == DOT and self._varies(self.graph.factors(group[0])[0]):
            self._emit_pairs(group)
        elif op == DOT:
            single: list[Grid] = []
            for grid in grids([(each, *self._in_order(each)) for each in group]):
                if len(grid.entries) == 1:
                    single.append(grid)
                else:
                    self._place(grid.entries, self._product(grid))
            if len(single) == 1 and single[0].left != single[0].right:
                self._place(single[0].entries, self._product(single[0]))
            elif single:  # rows that share nothing: one after the other they would be many small products
                entries = [grid.entries[0] for grid in single]
                self._place(entries, self._rowwise(entries))
        elif isinstance(op, Column):
            self._look_up(group, op.table)
        elif _is_variadic(op):
            self._place(group, self._along(group, op))
        else:
            arrays = [self.gather(each) for each in zip(*(self.graph.nodes[each][1] for each in group))]
            self._place(group, self.builder.add(op, *arrays))

    def _emit_pairs(self, group: Sequence[int]) -> None:
        """Sums of products in which both factors depend on the example: rows that several sums share are gathered once."""
        factors = {number: self._aligned(number) for number in group}
        by_length: dict[int, dict[int, tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        for number, (left, right) in factors.items():
            if left != right:
                by_length.setdefault(len(left), {})[number] = left, right
        for length, some in by_length.items():
            if (found := pairing.products(some)) is not None:
                rows = [self._rows(side) for side in (found.left, found.right)]
                self._place(found.results, self.builder.pairs(_pairs(ir.PairProducts, found, length), *rows))
                for number in some:
                    del factors[number]
        turned = {number: pair[::-1] for number, pair in factors.items()}
        for some in (factors, turned):
            if len(some) > 1 and (both := pairing.sums(some)) is not None:
                found, weights = both
                pairs = _pairs(ir.PairSums, found, len(found.left[0]))
                array = self.builder.pairs(pairs, self.gather(weights, whole=True), self._rows(found.right))
                self._place([number for row in found.left for number in row], array)
                return
        if factors:
            self._place(list(factors), self._rowwise(list(factors)))

    def _aligned(self, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The factors of a DOT in the order of the places of the left ones."""
        left, right = self.graph.factors(number)
        terms = sorted(zip(*self._places(left), *self._places(right), left, right))
        return tuple([each[4] for each in terms]), tuple([each[5] for each in terms])

    def _rows(self, rows: Sequence[tuple[int, ...]]) -> int:
        return self.gather([each for row in rows for each in row], whole=True)

    def _shape(self, scalars: Sequence[int], *sizes: int) -> Shape:
        """A shape of these sizes, with a batch axis if the scalars depend on the example."""
        return (BATCH, *sizes) if self._varies(scalars) else sizes

    def _varies(self, scalars: Sequence[int]) -> bool:
        """Whether scalars depend on the example. Apart from constants, either all of them do or none."""
        return True in map(self.batched.__getitem__, scalars)

    def _in_order(self, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The factors of a DOT, sorted by the places of the right ones."""
        left, right = self.graph.factors(number)
        terms = sorted(zip(*self._places(right), *self._places(left), left, right))
        return tuple([each[4] for each in terms]), tuple([each[5] for each in terms])

    def _place(self, scalars: Sequence[int], array: int) -> None:
        array = self.builder.expand(array, self._shape(scalars, len(scalars)))
        for column, each in enumerate(scalars):
            self.array[each], self.column[each] = array, column

    def _product(self, grid: Grid) -> int:
        """A matrix product, its entries as columns: `right @ left.T`."""
        builder, (rows, columns, inner) = self.builder, (len(grid.left), len(grid.right), len(grid.left[0]))
        batched = self._varies(grid.right[0])
        left = builder.reshape(self.gather([each for factors in grid.left for each in factors], whole=True), (rows, inner))
        right = self.gather([each for factors in grid.right for each in factors], whole=True)
        right = builder.reshape(right, (columns * BATCH if batched else columns, inner))
        product = builder.matmul(right, builder.transpose(left))
        return builder.reshape(product, self._shape(grid.entries, columns * rows))

    def _rowwise(self, group: Sequence[int]) -> int:
        """Sums of products without common factors: multiply elementwise, then add along the last axis."""
        builder = self.builder
        pairs = [self._in_order(number) for number in group]
        lengths = [len(left) for left, _ in pairs]
        inner = (len(group), lengths[0]) if len(set(lengths)) == 1 else (sum(lengths),)

        def side(which: int) -> int:
            scalars = [each for pair in pairs for each in pair[which]]
            return builder.reshape(self.gather(scalars, whole=True), self._shape(scalars, *inner))

        left, right = side(0), side(1)
        product = builder.add(ops.power, left, builder.constant(2.0)) if left == right else builder.add(ops.multiply, left, right)
        product = builder.expand(product, self._shape(group, *inner))  # if all columns of both sides are equal, there is only one
        return builder.segments(builder.reshape(product, self._shape(group, sum(lengths))), lengths)

    def _along(self, group: Sequence[int], op: Operation) -> int:
        """Reduce each scalar's operands by a variadic row, as the last axis of one array."""
        scalars = [each for number in group for each in sorted(self.graph.nodes[number][1], key=self.place_of)]
        array = self.gather(scalars, whole=True)
        return self.builder.segments(array, [len(self.graph.nodes[number][1]) for number in group], op)

    def _look_up(self, group: Sequence[int], table: Table) -> None:
        """Look up whole rows of a table, one after the other."""
        builder, nodes = self.builder, self.graph.nodes
        indices = sorted({nodes[each][1][0] for each in group}, key=self.place_of)
        rows = builder.lookup(self._table(table), self.gather(indices, whole=True))
        array = builder.reshape(rows, (BATCH, len(indices) * table.width))
        starts = {each: place * table.width for place, each in enumerate(indices)}
        for each in group:
            op, (index,) = nodes[each]
            self.array[each], self.column[each] = array, starts[index] + op.place  # type: ignore[union-attr]

    def _table(self, table: Table) -> int:
        """The entries of a table as one array, (rows, width), of parameters and constants."""
        builder, numbers = self.builder, self.graph.tables[table]
        pieces = []
        for start, stop in _runs(numbers < 0):
            if numbers[start] < 0:
                piece = builder.constant(np.array(list(map(ops.real, islice(table.entries(), start, stop)))))
            else:
                piece = self._of_array(self.theta, self.columns[numbers[start:stop]])
            pieces.append((piece, stop - start))
        batch = (BATCH,) if self.per_example and np.any(numbers >= 0) else ()
        array = builder.concatenate([builder.expand(piece, (*batch, size)) for piece, size in pieces])
        return builder.reshape(array, (*batch, table.shape[0], table.width))

    def gather(self, scalars: Sequence[int], whole: bool = False) -> int:
        """An array with these scalars as columns; one column may stand for many equal ones unless `whole`.

        It has a batch axis where one of the scalars has.
        """
        builder = self.builder
        arrays = [self.array[each] for each in scalars]
        runs = _runs(arrays)
        pieces = [self._columns(arrays[start], scalars[start:stop]) for start, stop in runs]
        if len(pieces) == 1 and not whole:
            return pieces[0]
        batch = (BATCH,) if any(builder.shape(each)[:1] == (BATCH,) for each in pieces) else ()
        return builder.concatenate([builder.expand(piece, (*batch, stop - start)) for piece, (start, stop) in zip(pieces, runs)])

    def _columns(self, array: int, scalars: Sequence[int]) -> int:
        """Scalars of one array: as a slice if they are evenly spaced, and as one column if they are all the same."""
        if array == -1:
            return self.builder.constant(np.array([self.graph.nodes[each][1][0] for each in scalars]))
        return self._of_array(array, np.array([self.column[each] for each in scalars]))

    def _of_array(self, array: int, columns: FloatArray) -> int:
        steps = np.diff(columns)
        if not steps.any():
            return self.builder.slice(array, int(columns[0]), int(columns[0]) + 1)
        if np.all(steps == steps[0]) and steps[0] > 0:
            return self.builder.slice(array, int(columns[0]), int(columns[-1]) + 1, int(steps[0]))
        return self.builder.take(array, columns)


def _pairs(kind: type[ir.Pairs], found: pairing.Pairing, width: int) -> ir.Pairs:
    return kind((), np.array(found.lefts), np.array(found.rights), (len(found.left), len(found.right)), width, found.blocks)


def _is_variadic(op: Operation | str) -> bool:
    return isinstance(op, Operation) and op.variadic


def _runs(arrays: Sequence[int] | FloatArray) -> list[tuple[int, int]]:
    """The starts and stops of the runs of equal entries."""
    starts = [0, *(np.flatnonzero(np.diff(arrays)) + 1).tolist(), len(arrays)]
    return list(pairwise(starts))
