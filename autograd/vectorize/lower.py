"""Stages 3 to 5, group, lay out, recognise: from a scalar graph to an array program.

Scalars of equal depth with the same operation, from the same sources, become the rows of one array. Rows lie in
the order in which they were recorded, so that most operands are slices; sums of products that share their
factors become matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize.arrays import BATCH, Program, Shape
from autograd.vectorize.record import CONSTANT, INPUT, PARAMETER, Scalars
from autograd.vectorize.simplify import _COMMUTATIVE, DOT, SUM

PARAMETERS = "parameters"


@dataclass(frozen=True)
class Grid:
    """Scalars that are the entries of one matrix product: entry (r, p) is the sum over k of left[r][k] right[p][k]."""

    left: list[tuple[int, ...]]
    right: list[tuple[int, ...]]
    entries: list[int]  # row after row


def lower(
    graph: Scalars, batched: Sequence[bool], arguments: Sequence[int], per_example: bool = False
) -> tuple[Program, list[int]]:
    """The array program of a simplified graph, and the order in which the parameters lie in its parameter vector.

    `arguments` are the numbers of rows of the arguments. The program's one output has shape (results, batch), or
    (results,) where no result depends on the example. With `per_example` the parameter vector has a batch axis
    too: a column of parameters for each example.
    """
    lowering = _Lowering(graph, batched, arguments, per_example)
    levels = depths(graph)
    by_level: list[list[int]] = [[] for _ in range(max(levels, default=0) + 1)]
    for number, level in enumerate(levels):
        if not isinstance(graph.nodes[number][0], str) or graph.nodes[number][0] in (DOT, SUM):
            by_level[level].append(number)
    lowering.place_parameters(by_level)
    for members in by_level:
        for group in lowering.groups(members):
            lowering.emit(group)
    program = lowering.program
    program.outputs = [lowering.gather(graph.outputs, any(lowering.batched[each] for each in graph.outputs), full=True)]
    return program, lowering.order


def depths(graph: Scalars) -> list[int]:
    """The length of the longest path from a leaf to each node."""
    levels: list[int] = []
    for op, operands in graph.nodes:
        leaf = op in (INPUT, PARAMETER, CONSTANT)
        levels.append(0 if leaf else 1 + max([levels[each] for each in operands]))
    return levels


def grids(pairs: Sequence[tuple[int, tuple[int, ...], tuple[int, ...]]]) -> list[Grid]:
    """Sort (entry, left factors, right factors) into matrix products: right sides with the same left sides go together."""
    by_right: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for entry, left, right in pairs:
        by_right.setdefault(right, {})[left] = entry
    columns: dict[tuple[tuple[int, ...], ...], list[tuple[int, ...]]] = {}
    for right, entries in by_right.items():
        columns.setdefault(tuple(entries), []).append(right)
    return [
        Grid(list(lefts), rights, [by_right[right][left] for left in lefts for right in rights]) for lefts, rights in columns.items()
    ]


class _Lowering:
    def __init__(self, graph: Scalars, batched: Sequence[bool], arguments: Sequence[int], per_example: bool) -> None:
        self.graph = graph
        self.program = Program()
        self.batched = list(batched)
        self.per_example = per_example
        if per_example:
            for number, (op, operands) in enumerate(graph.nodes):
                if op == PARAMETER or (op not in (INPUT, CONSTANT) and any([self.batched[each] for each in operands])):
                    self.batched[number] = True
        self.array: list[int] = [-1] * len(graph.nodes)  # where each scalar lies: in which array,
        self.row: list[int] = [0] * len(graph.nodes)  # and in which of its rows
        self.order: list[int] = []
        self.inputs = [self.program.leaf("input", (rows, BATCH), position) for position, rows in enumerate(arguments)]
        for number, (op, operands) in enumerate(graph.nodes):
            if op == INPUT:
                self.array[number], self.row[number] = self.inputs[operands[0]], operands[1]

    def factors(self, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        operands = self.graph.nodes[number][1]
        return operands[: len(operands) // 2], operands[len(operands) // 2 :]

    def place_parameters(self, by_level: Sequence[Sequence[int]]) -> None:
        """Lay the parameters out in the order of their use, so that each matrix of weights is one slice, row after row."""
        nodes = self.graph.nodes
        places: dict[int, int] = {}

        def place(operands: Sequence[int]) -> None:
            for each in operands:
                if nodes[each][0] == PARAMETER and each not in places:
                    places[each] = len(places)

        for members in by_level:
            for number in members:
                if nodes[number][0] == DOT:
                    place(self.factors(number)[0])
            others = [number for number in members if nodes[number][0] != DOT]
            loose = [(position, number, each) for number in others for position, each in enumerate(nodes[number][1]) if nodes[each][0] == PARAMETER]
            place([each for _, _, each in sorted(loose)])
            for number in members:
                if nodes[number][0] == DOT:
                    place(self.factors(number)[1])
        place(range(len(nodes)))
        self.order = [nodes[each][1][0] for each in places]
        used = set(self.order)
        self.order += [k for k in range(len(self.graph.parameters)) if k not in used]
        size = len(self.graph.parameters)
        theta = self.program.leaf(PARAMETERS, (size, BATCH) if self.per_example else (size,)) if size else -1
        for each, row in places.items():
            self.array[each], self.row[each] = theta, row

    def groups(self, members: Sequence[int]) -> list[list[int]]:
        """Sort the scalars of one depth into groups that can be rows of one array."""
        found: dict[Any, list[int]] = {}
        for number in members:
            op, operands = self.graph.nodes[number]
            if op in (DOT, SUM):
                left, right = operands[0], operands[-1]
                key = (op, len(operands), self.batched[left], self.batched[right])
            else:
                if op in _COMMUTATIVE:
                    operands = tuple(sorted(operands, key=lambda each: (self.array[each], each), reverse=True))
                    self.graph.nodes[number] = (op, operands)
                exponent = operands[1] if op is ops.power and self.graph.nodes[operands[1]][0] == CONSTANT else None
                variadic = isinstance(op, Operation) and op.variadic
                sources = (len(operands), self.batched[number]) if variadic else tuple([self.array[each] for each in operands])
                key = (op, sources, exponent)
            found.setdefault(key, []).append(number)
        return list(found.values())

    def emit(self, group: Sequence[int]) -> None:
        """Add the instructions that compute a group, and note where its scalars lie."""
        op, operands = self.graph.nodes[group[0]]
        if op == DOT and self.batched[operands[0]]:
            self._place(group, self._rowwise(group))
        elif op == DOT:
            single: list[Grid] = []
            for grid in grids([(each, *self.factors(each)) for each in group]):
                if len(grid.entries) == 1:
                    single.append(grid)
                else:
                    self._place(grid.entries, self._product(grid))
            if len(single) == 1:
                self._place(single[0].entries, self._product(single[0]))
            elif single:  # rows that share nothing: one after the other they would be many small products
                entries = [grid.entries[0] for grid in single]
                self._place(entries, self._rowwise(entries))
        elif op == SUM:
            self._place(group, self._along(group, lambda rows: self.program.reduce(rows, 1)))
        elif op.variadic:
            self._place(group, self._along(group, lambda rows: self.program.reduce(rows, 1, op)))
        else:
            columns = [self.gather(each, self.batched[group[0]]) for each in zip(*(self.graph.nodes[each][1] for each in group))]
            self._place(group, self.program.add(op, *columns))

    def _place(self, scalars: Sequence[int], array: int) -> None:
        shape = (len(scalars), BATCH) if self.batched[scalars[0]] else (len(scalars),)
        array = self.program.expand(array, shape)
        for row, each in enumerate(scalars):
            self.array[each], self.row[each] = array, row

    def _product(self, grid: Grid) -> int:
        """A matrix product, its entries as rows."""
        program, (rows, columns, inner) = self.program, (len(grid.left), len(grid.right), len(grid.left[0]))
        left = program.reshape(self.gather([each for factors in grid.left for each in factors], False, full=True), (rows, inner))
        batched = self.batched[grid.right[0][0]]
        right = self.gather([factors[k] for k in range(inner) for factors in grid.right], batched, full=True)
        if not batched:
            return program.reshape(program.matmul(left, program.reshape(right, (inner, columns))), (rows * columns,))
        if columns == 1:
            return program.matmul(left, right)
        product = program.matmul(left, program.reshape(right, (inner, columns * BATCH)))
        return program.reshape(product, (rows * columns, BATCH))

    def _rowwise(self, group: Sequence[int]) -> int:
        """Sums of products that share no factors: multiply everything, then add up along an axis."""
        program = self.program
        inner = len(self.factors(group[0])[0])

        def side(which: int) -> int:
            scalars = [each for number in group for each in self.factors(number)[which]]
            batched = self.batched[scalars[0]]
            shape: Shape = (len(group), inner, BATCH) if batched else (len(group), inner, 1)
            return program.reshape(self.gather(scalars, batched, full=True), shape)

        left, right = side(0), side(1)
        product = program.add(ops.power, left, program.constant(2.0)) if left == right else program.add(ops.multiply, left, right)
        batched = self.batched[group[0]]
        return program.reshape(program.reduce(product, 1), (len(group), BATCH) if batched else (len(group),))

    def _along(self, group: Sequence[int], reduce: Callable[[int], int]) -> int:
        """Reduce each scalar's operands, as the middle axis of one array."""
        batched = self.batched[group[0]]
        scalars = [each for number in group for each in self.graph.nodes[number][1]]
        tail = (BATCH,) if batched else ()
        rows = self.gather(scalars, batched, full=True)
        inner = len(scalars) // len(group)
        return self.program.reshape(reduce(self.program.reshape(rows, (len(group), inner, *tail))), (len(group), *tail))

    def gather(self, scalars: Sequence[int], batched: bool, full: bool = False) -> int:
        """An array with these scalars as rows: (rows, batch), (rows, 1) or (rows,); unless `full`, any that broadcasts to it."""
        program = self.program
        arrays = [self.array[each] for each in scalars]
        runs = _runs(arrays)
        pieces = [self._rows(arrays[start], scalars[start:stop]) for start, stop in runs]
        tail = (BATCH,) if batched and (full or len(pieces) > 1) else ()
        if len(pieces) > 1:
            return program.concatenate([self._widen(piece, (stop - start, *tail)) for piece, (start, stop) in zip(pieces, runs)])
        if full:
            return self._widen(pieces[0], (len(scalars), *tail))
        array = pieces[0]
        return program.reshape(array, (*program.shape(array), 1)) if batched and len(program.shape(array)) == 1 else array

    def _widen(self, array: int, shape: Shape) -> int:
        """The array, broadcast to the whole shape."""
        source = self.program.shape(array)
        if len(source) == 1 and len(shape) == 2:
            array = self.program.reshape(array, (*source, 1))
        return self.program.expand(array, shape)

    def _rows(self, array: int, scalars: Sequence[int]) -> int:
        """Scalars of one array, as a slice where they are evenly spaced, and as one row where all are the same."""
        if array == -1:
            return self.program.constant(np.array([self.graph.nodes[each][1][0] for each in scalars]))
        rows = np.array([self.row[each] for each in scalars])
        steps = np.diff(rows)
        if not steps.any():
            return self.program.slice(array, int(rows[0]), int(rows[0]) + 1)
        if np.all(steps == steps[0]) and steps[0] > 0:
            return self.program.slice(array, int(rows[0]), int(rows[-1]) + 1, int(steps[0]))
        return self.program.take(array, rows)


def _runs(arrays: Sequence[int]) -> list[tuple[int, int]]:
    """Where the stretches of equal entries start and stop."""
    starts = [0, *(np.flatnonzero(np.diff(arrays)) + 1).tolist(), len(arrays)]
    return list(zip(starts, starts[1:]))
