"""Bounds: two numbers between which the entries of an array lie, if the program determines them and no number overflows.

For example, a square plus 1e-5 is positive, so its root has no infinite slope. Numbers minus the largest of them are at most 0, so their
exponentials do not overflow. Where such bounds are known, derivatives need no conditions that keep infinite numbers out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from autograd import ops
from autograd.vectorize import instructions as ir
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program

FAR = 1e-12  # the smallest distance from a singular point for which float32 holds the derivative
STEEPEST = 1e18  # the largest partial derivative: float32 holds the product of two
MOST = 40.0  # the largest exponent: exp(40) is below STEEPEST
ROUNDING = 2.0**-22  # the rounding of float32, in the operands and in the sum


class Bounds(NamedTuple):
    low: float = -math.inf
    high: float = math.inf


UNKNOWN = Bounds()


def bounds_of(program: Program) -> list[Bounds]:
    """The bounds of each array."""
    found: list[Bounds] = []
    for number, instruction in enumerate(program.instructions):
        found.append(_bounds(program, number, instruction, [found[each] for each in instruction.operands]))
    return found


def is_singular(program: Program, number: int, bounds: Sequence[Bounds]) -> bool:
    """Whether the entries of an array, or partial derivatives of its instruction, can be infinite or nan."""
    instruction = program.instructions[number]
    if not isinstance(instruction, ir.Elementwise):
        return False
    given = [bounds[each] for each in instruction.operands]
    if not instruction.op.is_singular([each.low if each.low == each.high else None for each in given]):
        return False
    match instruction.op:
        case ops.exp:
            return given[0].high > MOST
        case ops.log | ops.sqrt:
            return given[0].low < FAR
        case ops.divide:
            return given[1].low < FAR
        case ops.power:
            base, exponent = given[0].low, given[1].low
            return base < FAR or not -2 <= exponent == given[1].high <= 3 or min(base, 1.0) ** (exponent - 1) > STEEPEST
    return True


def _bounds(program: Program, number: int, instruction: ir.Instruction, given: list[Bounds]) -> Bounds:
    match instruction:
        case ir.Constant(value=value) if np.all(np.isfinite(value)):
            return Bounds(float(np.min(value)), float(np.max(value)))
        case ir.Slice() | ir.Take() | ir.Reshape() | ir.Transpose() | ir.Expand() | ir.Lookup():
            return given[0]
        case ir.Concatenate():
            return _union(given)
        case ir.Reduce(op=ops.largest_ | ops.smallest_) | ir.Segments(op=ops.largest_ | ops.smallest_):
            return given[0]
        case ir.Reduce(op=ops.total_) | ir.Segments(op=ops.total_) if given[0].low >= 0:
            return Bounds(max(given[0].low, 1.0 if _has_a_power_of_zero(program, instruction) else 0.0))
        case ir.Elementwise(op=ops.subtract, operands=(a, b)) if _groups_below_largest(program, a, b) is not None:
            return Bounds(-math.inf, 0.0)
        case ir.Elementwise(op=op) if op.is_condition:
            return Bounds(0.0, 1.0)
        case ir.Elementwise(op=op):
            return _of_operation(op, given)
    return UNKNOWN


def _of_operation(op: ops.Operation, given: list[Bounds]) -> Bounds:
    a, b = given[0], given[-1]
    match op:
        case ops.identity | ops.detach:
            return a
        case ops.sigmoid:
            return Bounds(0.0, 1.0)
        case ops.tanh:
            return Bounds(-1.0, 1.0)
        case ops.where:
            return _union(given[1:])
        case ops.maximum:
            return Bounds(max(a.low, b.low), max(a.high, b.high))
        case ops.minimum:
            return Bounds(min(a.low, b.low), min(a.high, b.high))
        case ops.relu:
            return Bounds(max(a.low, 0.0), max(a.high, 0.0))
        case ops.negative:
            return Bounds(-a.high, -a.low)
        case ops.add:
            return _sum(a, b)
        case ops.subtract:
            return _sum(a, Bounds(-b.high, -b.low))
        case ops.exp:
            return Bounds(math.exp(a.low) if a.low <= MOST else 0.0, math.exp(a.high) if a.high <= MOST else math.inf)
        case ops.absolute:
            return Bounds(0.0)
        case ops.sqrt:
            return Bounds(math.sqrt(max(a.low, 0.0)))
        case ops.power if (b.low == b.high and b.low % 2 == 0) or a.low >= 0:
            return Bounds(0.0)
        case ops.multiply if min(a.low, b.low) >= 0:
            return Bounds(a.low * b.low, math.inf)
    return UNKNOWN


def _sum(a: Bounds, b: Bounds) -> Bounds:
    """The bounds of a sum, widened by rounding: in float32, 1.00000001 - sigmoid(x) can be 0."""
    low, high = ROUNDING * (abs(a.low) + abs(b.low)), ROUNDING * (abs(a.high) + abs(b.high))
    return Bounds(a.low + b.low - low, a.high + b.high + high)


def _union(given: Sequence[Bounds]) -> Bounds:
    return Bounds(min(each.low for each in given), max(each.high for each in given))


# Numbers below the largest one of their group, as in a softmax.


def _has_a_power_of_zero(program: Program, total: ir.Reduce | ir.Segments) -> bool:
    """Whether each sum has a term exp(x - y) where y is the largest x of the same group, so that one term is 1."""
    power = program.instructions[_same(program, total.operands[0])]
    if not isinstance(power, ir.Elementwise) or power.op is not ops.exp:
        return False
    difference = program.instructions[_same(program, power.operands[0])]
    if not isinstance(difference, ir.Elementwise) or difference.op is not ops.subtract:
        return False
    groups, mine = _groups_below_largest(program, *difference.operands), _groups(program, total)
    return groups is not None and mine is not None and np.array_equal(groups, mine)


def _groups_below_largest(program: Program, array: int, other: int) -> FloatArray | None:
    """The sizes of groups of columns, one after another, if `other` has for each column of an array the largest number of its group."""
    source = program.instructions[_same(program, other)]
    largest = program.instructions[_same(program, source.operands[0])] if isinstance(source, ir.Take) else source
    if not isinstance(largest, (ir.Reduce, ir.Segments)) or largest.op is not ops.largest_:
        return None
    groups = _groups(program, largest)
    if groups is None or _same(program, largest.operands[0]) != _same(program, array):
        return None
    if isinstance(source, ir.Take):
        fits = np.array_equal(source.columns, np.repeat(np.arange(len(groups)), groups))
    else:
        *rest, size = program.shape(array)
        fits = program.shape(other) == (*rest, 1) and size == groups[0]
    return groups if fits else None


def _groups(program: Program, reduction: ir.Reduce | ir.Segments) -> FloatArray | None:
    """The sizes of the groups of columns that a reduction reduces; None if it is along another axis than the last."""
    if isinstance(reduction, ir.Segments):
        return reduction.lengths
    *rest, size = program.shape(reduction.operands[0])
    if reduction.axis != len(rest) or size < 0:
        return None
    return np.full(_size(program, reduction.operands[0]) // size, size)


def _same(program: Program, number: int) -> int:
    """The array that an array was made from by reshaping and detaching, which keep the numbers and their order."""
    while True:
        instruction = program.instructions[number]
        is_detached = isinstance(instruction, ir.Elementwise) and instruction.op is ops.detach
        is_reshaped = isinstance(instruction, ir.Reshape) or (
            isinstance(instruction, ir.Expand) and _size(program, number) == _size(program, *instruction.operands)
        )
        if not is_detached and not is_reshaped:
            return number
        (number,) = instruction.operands


def _size(program: Program, number: int) -> int:
    """The number of entries of an array for one example."""
    return math.prod(each for each in program.shape(number) if each > 0)
