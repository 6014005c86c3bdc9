"""Stage 6, differentiate: add to a program the gradient of its output, with the table's own rows.

This is `backward.adjoints` on arrays. From the last instruction to the first, each adds `partial * adjoint` to its operands; the partial
derivative is the one in the table, called with arrays as symbols. What is broadcast forward is summed backward. Instructions that only
move numbers, and the matrix product, have the adjoints of linear maps.

Each adjoint has a reach: the condition of each entry under which the derivative flows to it (see `reach`). An entry that is not reached
has the adjoint 0, and it is not multiplied by partial derivatives that can be inf or nan. Conditions that no output needs are dropped.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import ops
from autograd.operation import SMALLEST
from autograd.ops import Operation
from autograd.reach import Condition, both, either
from autograd.vectorize import instructions as ir
from autograd.vectorize.bounds import bounds_of, is_singular
from autograd.vectorize.builder import Array, Builder
from autograd.vectorize.choices import always_reached, some_along
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program

Place = ir.Columns | FloatArray | None


def with_gradient(program: Program, weighted: bool = False) -> Program:
    """The program of the cost, the sum of weight * result over the examples, and of its gradient by the parameters.

    The weights are an input where `weighted`, and else 1 / batch each: the cost is the mean. The program's "results" have one
    column. Where there are no parameters there is no gradient.
    """
    builder = Builder(program.copy())
    results = builder.program.outputs.pop("results")
    varies = program.varies(results)
    if varies:
        seed = builder.weights() if weighted else builder.scale(1.0, -1)
        cost = builder.matmul(builder.transpose(builder.expand(seed, builder.shape(results))), results)
    else:
        seed = builder.reshape(builder.reduce(builder.weights(), 0), (1,)) if weighted else builder.scale(1.0)
        cost = builder.expand(builder.add(ops.multiply, seed, results), (1,))
    builder.program.outputs = {"cost": cost}
    differentiate(builder, results, seed)
    return builder.program


def with_gradients(program: Program) -> Program:
    """The program of the gradient of each example's result by its own row of the parameters."""
    builder = Builder(program.copy())
    results = builder.program.outputs.pop("results")
    differentiate(builder, results, builder.scale(1.0), "gradients")
    return builder.program


def differentiate(builder: Builder, output: int, seed: int, name: str = "gradient") -> None:
    """Make the gradient by the parameters of the sum of `seed` * `output`, and name it as an output, if there are parameters."""
    program = builder.program
    given = program.find(ir.Parameters)
    if not given:
        return
    (theta,) = given
    depends = [False] * len(program)
    for number, instruction in enumerate(program.instructions):
        depends[number] = number == theta or any(depends[each] for each in instruction.operands)
    sweep = _Sweep(builder, depends)
    received: dict[int, list[Contribution]] = {output: [Contribution(output, None, seed, True)]}
    for number in range(output, theta, -1):
        if number in received and depends[number]:
            adjoint, reach = sweep.assemble(received.pop(number), builder.shape(number))
            program.adjoint_of.setdefault(adjoint, number)
            for each in sweep.contributions(number, adjoint, reach):
                received.setdefault(each.operand, []).append(each)
    shape = builder.shape(theta)
    gradient, _ = sweep.assemble(received.get(theta, [Contribution(theta, None, builder.constant(0.0), True)]), shape)
    if not isinstance(program.instructions[gradient], ir.Scatter):
        gradient = builder.scatter([(None, builder.expand(gradient, shape))], shape)
    program.adjoint_of[gradient] = theta
    program.outputs[name] = gradient


class Contribution(NamedTuple):
    """What an instruction adds to the adjoint of an operand: an array for some columns (None: all), and where it is reached."""

    operand: int
    place: Place
    adjoint: int
    reach: Condition


class _Sweep:
    """The adjoints of a program, and for each array whether it can hold inf or nan."""

    def __init__(self, builder: Builder, depends: Sequence[bool]) -> None:
        self.builder, self.depends = builder, depends
        self.is_risky = [False] * len(depends)  # whether a value can be infinite or nan,
        self.has_risky_adjoint = [False] * len(depends)  # and whether its adjoint can
        bounds = bounds_of(builder.program)
        for number, instruction in enumerate(builder.program.instructions):
            is_risky = is_singular(builder.program, number, bounds) or any(self.is_risky[each] for each in instruction.operands)
            self.is_risky[number] = is_risky
        self.any_risk = any(map(operator.and_, self.is_risky, depends))

    def assemble(self, parts: Sequence[Contribution], shape: ir.Shape) -> tuple[int, Condition]:
        """The adjoint that the contributions to an array, or to some of its columns, add up to; and its reach."""
        builder = self.builder
        if all(part.place is None for part in parts):
            total, reach = parts[0].adjoint, parts[0].reach
            for part in parts[1:]:
                total, reach = builder.add(ops.add, total, part.adjoint), either(reach, part.reach)
            return total, reach
        total = spread(builder, [(part.place, part.adjoint) for part in parts], shape)
        return total, self._reach_of_columns(parts, shape) if self.any_risk else True

    def _reach_of_columns(self, parts: Sequence[Contribution], shape: ir.Shape) -> Condition:
        always = np.zeros(shape[-1], bool)
        for part in parts:
            if part.reach is True:
                always[_index(part.place)] = True
            elif isinstance(part.place, np.ndarray):
                always[always_reached(self.builder.program, part.reach.number, part.place)] = True
        if always.all():
            return True
        counts: list[tuple[Place, int]] = [(None, self._counts(always, shape))]
        counts += [(part.place, self._counts(part.reach, ir.placed(part.place, shape))) for part in parts if part.reach is not True]
        return self.builder.array(spread(self.builder, counts, shape)) > 0.0

    def _counts(self, reach: Condition, shape: ir.Shape) -> int:
        builder = self.builder
        return builder.expand(builder.constant(reach) if isinstance(reach, np.ndarray) else builder.as_number(reach.number), shape)

    def contributions(self, number: int, adjoint: int, reach: Condition) -> list[Contribution]:
        """What an instruction adds to the adjoint of each operand that depends on the parameters."""
        match self.builder.program.instructions[number]:
            case ir.Elementwise(op=op):
                return self._elementwise(number, op, adjoint, reach)
            case ir.MatMul(operands=(left, right)):
                return self._matrix_product(number, left, right, adjoint, reach)
            case ir.Pairs() as instruction:
                return self._pairs(number, instruction, adjoint, reach)
            case ir.Reduce() | ir.Segments() as instruction:
                return [self._reduction(number, instruction, adjoint, reach)]
            case ir.Concatenate(operands=operands):
                return self._concatenated(number, operands, adjoint, reach)
            case ir.Lookup(operands=(table, index)):
                rows = self.builder.expand(self.builder.as_number(adjoint), self.builder.shape(number))
                added = self.builder.add_rows(index, rows, self.builder.shape(table))
                return [self._passed_on(number, table, added, True)]  # tables hold parameters and constants, which are never singular
            case ir.Slice() | ir.Take() as instruction:
                (operand,) = instruction.operands
                return [self._passed_on(number, operand, adjoint, reach, instruction.columns)]
            case ir.Expand() | ir.Reshape() | ir.Transpose() as instruction:
                (operand,) = instruction.operands
                moved = functools.partial(self._moved_back, instruction, self.builder.shape(number), self.builder.shape(operand))
                return [self._passed_on(number, operand, moved(adjoint), self._each(reach, functools.partial(moved, is_reach=True)))]
            case instruction:
                raise ValueError(f"no derivative is known of {instruction}")

    def _passed_on(self, number: int, operand: int, adjoint: int, reach: Condition, place: Place = None) -> Contribution:
        self.has_risky_adjoint[operand] |= self.has_risky_adjoint[number]
        return Contribution(operand, place, adjoint, reach)

    def _each(self, reach: Condition, move: Callable[[int], int]) -> Condition:
        """A condition moved as an adjoint is."""
        if reach is True or not self.any_risk:
            return True
        moved = move(reach.number)
        return True if self.builder.factor(moved) == (1.0, 0) else self.builder.array(moved)

    def _elementwise(self, number: int, op: Operation, adjoint: int, reach: Condition) -> list[Contribution]:
        builder, operands, shape = self.builder, self.builder.program.instructions[number].operands, self.builder.shape(number)
        partials = op.partials_at(builder.array(number), list(map(builder.array, operands)), [self.depends[each] for each in operands])
        given = []
        for each, partial in zip(operands, partials):
            if isinstance(partial, float) and partial == 0:
                continue
            chosen = both(reach, _chosen(builder, partial)) if op.selects and self.any_risk else reach
            array = _unbroadcast(builder, self._masked(number, partial, adjoint, chosen), shape, builder.shape(each))
            summed = functools.partial(_unbroadcast, builder, shape=shape, target=builder.shape(each), is_reach=True)
            given.append(self._passed_on(number, each, array, self._each(chosen, summed)))
            self.has_risky_adjoint[each] |= self.is_risky[number] and not isinstance(partial, float) and not op.selects
        return given

    def _masked(self, number: int, partial: Any, adjoint: int, reach: Condition) -> int:
        """`partial * adjoint`; 0 where that is not reached and could be another number."""
        builder, instruction = self.builder, self.builder.program.instructions[number]
        selects = isinstance(instruction, (ir.Elementwise, ir.Reduce, ir.Segments)) and instruction.op.selects
        is_risky = self.has_risky_adjoint[number] if selects else self.is_risky[number] and not isinstance(partial, float)
        if reach is True or not is_risky:
            return _times(builder, partial, adjoint)
        is_choice = isinstance(partial, Array) and builder.is_condition(partial.number)
        return builder.add(ops.where, reach.number, adjoint if is_choice else _times(builder, partial, adjoint), builder.constant(0.0))

    def _pairs(self, number: int, pairs: ir.Pairs, adjoint: int, reach: Condition) -> list[Contribution]:
        """The derivatives of products of pairs of rows are sums of pairs of rows, and the other way round."""
        builder, shape = self.builder, self.builder.shape(number)
        adjoint = builder.expand(adjoint, shape)
        reach = self._each(reach, functools.partial(builder.expand, shape=shape))
        given = []
        for side, (operand, other) in enumerate((pairs.operands, pairs.operands[::-1])):
            if not self.depends[operand]:
                continue
            is_risky = self.has_risky_adjoint[number] or self.is_risky[other]
            self.has_risky_adjoint[operand] |= is_risky
            if reach is not True and is_risky:
                given.append(self._pair_by_pair(pairs, side, adjoint, reach))
                continue
            chosen: Condition = True
            if reach is not True:
                ones = builder.expand(builder.constant(1.0), builder.shape(other))
                chosen = builder.array(self._of_pairs(pairs, side, reach.number, ones)) > 0.0
            given.append(Contribution(operand, None, self._of_pairs(pairs, side, adjoint, other), chosen))
        return given

    def _of_pairs(self, pairs: ir.Pairs, side: int, array: int, other: int) -> int:
        """What comes of an adjoint, or of the numbers of a condition, for the left or the right operand, given the other one."""
        is_product = isinstance(pairs, ir.PairProducts)
        if side == 0:
            make = ir.PairSums if is_product else ir.PairProducts
            return self.builder.pairs(make((), *pairs.details), array, other)
        turned = ir.PairSums((), pairs.rights, pairs.lefts, pairs.rows[::-1], pairs.width, pairs.blocks)
        return self.builder.pairs(turned, *((array, other) if is_product else (other, array)))

    def _pair_by_pair(self, pairs: ir.Pairs, side: int, adjoint: int, reach: Condition) -> Contribution:
        """The derivative by one operand without what is not reached, where numbers may be infinite."""
        builder, width = self.builder, pairs.width
        lefts, rights = ((each[:, None] * width + np.arange(width)).ravel() for each in (pairs.lefts, pairs.rights))
        numbers = np.repeat(np.arange(len(pairs.lefts)), width)
        of_result, of_left = (numbers, lefts) if isinstance(pairs, ir.PairProducts) else (lefts, numbers)
        mine, others = (rights, of_left) if side else (of_left, rights)
        terms = builder.add(ops.multiply, builder.take(adjoint, of_result), builder.take(pairs.operands[1 - side], others))
        chosen = builder.array(builder.take(reach.number, of_result))
        kept = builder.add(ops.where, chosen.number, terms, builder.constant(0.0))
        return Contribution(pairs.operands[side], mine, kept, chosen)

    def _reduction(self, number: int, reduction: ir.Reduce | ir.Segments, adjoint: int, reach: Condition) -> Contribution:
        builder, (operand,) = self.builder, reduction.operands
        source = builder.shape(operand)
        moved = functools.partial(self._moved_back, reduction, builder.shape(number), source)
        adjoint, reach = moved(adjoint), self._each(reach, moved)
        if reduction.op is ops.total_:
            return self._passed_on(number, operand, adjoint, reach)
        (partial,) = reduction.op.weights_at(builder.array(moved(number)), [builder.array(operand)])
        if reduction.op.normalised:
            weights = builder.expand(builder.number_of(partial), source)
            if isinstance(reduction, ir.Reduce):
                size = builder.reduce(weights, reduction.axis)
            else:
                size = builder.segments(weights, reduction.lengths)
            partial = partial / builder.array(moved(builder.number_of(ops.maximum(builder.array(size), SMALLEST))))
        self.has_risky_adjoint[operand] |= self.is_risky[number] and not reduction.op.selects
        chosen = both(reach, partial != 0.0) if reduction.op.selects and self.any_risk else reach
        return self._passed_on(number, operand, self._masked(number, partial, adjoint, chosen), chosen)

    def _matrix_product(self, number: int, left: int, right: int, adjoint: int, reach: Condition) -> list[Contribution]:
        builder = self.builder
        adjoint = builder.expand(adjoint, builder.shape(number))
        reach = self._each(reach, functools.partial(builder.expand, shape=builder.shape(number)))
        along_rows = self._each(reach, functools.partial(some_along, builder, axis=1))  # (rows, 1): where some entry of the row is reached
        along_columns = self._each(reach, functools.partial(some_along, builder, axis=0))
        given = []
        if self.depends[left] and self.is_risky[right] and reach is not True:
            given.append(Contribution(left, None, self._row_by_row(adjoint, right, reach), along_rows))
        elif self.depends[left]:
            given.append(self._untransposed(left, adjoint, builder.transpose(right), along_rows))
        if self.depends[right]:
            other = self._kept_finite(left, along_rows)
            given.append(self._untransposed(right, builder.transpose(other), adjoint, along_columns))
        for each in given:
            self.has_risky_adjoint[each.operand] |= self.has_risky_adjoint[number] or self.is_risky[left] or self.is_risky[right]
        return given

    def _row_by_row(self, adjoint: int, right: int, reach: Condition) -> int:
        """`adjoint @ right.T` without what is not reached: an infinite factor in `right` may meet reached rows and others."""
        builder = self.builder
        (rows, columns), (inner, _) = builder.shape(adjoint), builder.shape(right)
        adjoint, condition = (builder.reshape(each, (rows, 1, columns)) for each in (adjoint, builder.as_number(reach.number)))
        terms = builder.add(ops.multiply, adjoint, builder.reshape(right, (1, inner, columns)))
        kept = builder.add(ops.where, condition, terms, builder.constant(0.0))
        return builder.reshape(builder.reduce(builder.expand(kept, (rows, inner, columns)), 2), (rows, inner))

    def _kept_finite(self, factor: int, reach: Condition) -> int:
        """A factor of a product, with 0 in the entries that meet only entries that are not reached."""
        if reach is True or not self.is_risky[factor]:
            return factor
        return self.builder.add(ops.where, reach.number, factor, self.builder.constant(0.0))

    def _untransposed(self, operand: int, left: int, right: int, reach: Condition) -> Contribution:
        """The product of adjoints for an operand, or for the array of which the operand is the transpose."""
        source = self.builder.program.instructions[operand]
        if isinstance(source, ir.Transpose):
            (operand,) = source.operands
            left, right = self.builder.transpose(right), self.builder.transpose(left)
            reach = self._each(reach, self.builder.transpose)
        return Contribution(operand, None, self.builder.matmul(left, right), reach)

    def _concatenated(self, number: int, operands: Sequence[int], adjoint: int, reach: Condition) -> list[Contribution]:
        given, start, shape = [], 0, self.builder.shape(number)
        for each in operands:
            columns = functools.partial(self._columns, shape=shape, start=start, stop=start + self.builder.shape(each)[-1])
            if self.depends[each]:
                given.append(self._passed_on(number, each, columns(adjoint), self._each(reach, columns)))
            start += self.builder.shape(each)[-1]
        return given

    def _columns(self, array: int, shape: ir.Shape, start: int, stop: int) -> int:
        return self.builder.slice(self.builder.expand(array, shape), start, stop)

    def _moved_back(self, instruction: ir.Instruction, shape: ir.Shape, source: ir.Shape, array: int, is_reach: bool = False) -> int:
        """The adjoint of the operand of an instruction that moves or adds numbers."""
        builder = self.builder
        if isinstance(instruction, ir.Expand):
            return _unbroadcast(builder, array, shape, source, is_reach)
        if isinstance(instruction, ir.Reduce) or builder.shape(array) == ():
            return array
        array = builder.expand(array, shape)
        if isinstance(instruction, ir.Segments):
            return builder.take(array, instruction.columns)
        return builder.transpose(array) if isinstance(instruction, ir.Transpose) else builder.reshape(array, source)


def spread(builder: Builder, parts: Sequence[tuple[Place, int]], shape: ir.Shape) -> int:
    """The sum of arrays, each put into its columns of zeros of this shape. Columns that repeat, as in an attention, are added up first."""
    placed = [(place, builder.expand(array, ir.placed(place, shape))) for place, array in parts]
    numbered = [(place, array) for place, array in placed if isinstance(place, np.ndarray)]
    placed = [(place, array) for place, array in placed if not isinstance(place, np.ndarray)]
    if numbered:
        placed.append(_added_up(builder, numbered, shape[-1]))
    if all(place is None for place, _ in placed):
        return functools.reduce(functools.partial(builder.add, ops.add), [array for _, array in placed])
    return builder.scatter(sorted(placed, key=lambda part: part[0] is None), shape)  # what fills a few columns can be computed in place


def _added_up(builder: Builder, parts: Sequence[tuple[FloatArray, int]], size: int) -> tuple[Place, int]:
    """Arrays with numbered columns as one array, in which each column of the target occurs once, in order."""
    columns, array = np.concatenate([place for place, _ in parts]), builder.concatenate([array for _, array in parts])
    order = np.argsort(columns, kind="stable")
    if np.any(np.diff(order) < 0):
        array = builder.take(array, order)
    different, counts = np.unique(columns, return_counts=True)
    if len(different) < len(columns):
        array = builder.segments(array, counts)
    steps = np.diff(different)
    if len(different) == size:
        return None, array
    if np.all(steps == steps[0]):
        return (int(different[0]), int(different[-1]) + 1, int(steps[0])), array
    return different, array


def _chosen(builder: Builder, partial: Any) -> Condition:
    """The condition under which a selecting operation has chosen the operand of this partial derivative."""
    if isinstance(partial, float):
        return True
    return partial if builder.is_condition(partial.number) else partial != 0.0


def _index(place: Place) -> Any:
    return slice(None) if place is None else slice(*place) if isinstance(place, tuple) else place


def _times(builder: Builder, partial: Any, adjoint: int) -> int:
    """`partial * adjoint`. A quotient n / b gives n * (adjoint / b): both partial derivatives of a quotient share the division."""
    number = builder.number_of(partial)
    op, operands = builder.definition(number)
    if op is ops.divide and builder.shape(operands[1]) == builder.shape(adjoint) != ():
        number, divisor = operands
        adjoint = builder.add(ops.divide, adjoint, divisor)
    return builder.add(ops.multiply, number, adjoint)


def _unbroadcast(builder: Builder, array: int, shape: ir.Shape, target: ir.Shape, is_reach: bool = False) -> int:
    """What an adjoint of `shape` (or one that broadcasts to it) is for an operand of shape `target` that was broadcast.

    Adjoints are added up along the axes that were broadcast; of a condition it is whether some entry along them holds.
    """
    have = builder.shape(array)
    have = (1,) * (len(shape) - len(have)) + have
    wanted = (1,) * (len(shape) - len(target)) + target
    if builder.shape(array) != ():
        array = builder.reshape(array, have)
    for axis, (size, mine, want) in enumerate(zip(shape, have, wanted)):
        if want == 1 != size and is_reach:
            array = some_along(builder, array, axis) if builder.shape(array) else array
        elif want == 1 != size:  # where the adjoint is the same all along the axis, a multiple of it
            array = builder.repeated(array, size) if mine == 1 else builder.reduce(array, axis)
    surplus = len(builder.shape(array)) - len(target)
    return array if surplus <= 0 else builder.reshape(array, builder.shape(array)[surplus:])
