"""Rewrite: algebraic laws that simplify an operation, for scalar graphs and for array programs.

The laws hold for all floats apart from the sign of zero, rounding (a / c becomes a * (1/c)), and intermediate results that overflow or
underflow and are no longer computed. Cases such as 0 ** 0 follow IEEE arithmetic. No law creates an overflow from constants: see
`joined`. A number can have a power of the batch size, which is not known yet: (factor, power).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from autograd import ops
from autograd.operation import SMALLEST
from autograd.ops import Operation

Factor = tuple[float, int]  # factor * batch**power
ZERO, ONE, MINUS_ONE = (0.0, 0), (1.0, 0), (-1.0, 0)
LARGEST = float(np.finfo(np.float32).max)
SUBJECT = frozenset(
    (
        ops.where, ops.identity, ops.add, ops.subtract, ops.negative, ops.multiply, ops.divide, ops.power, ops.not_equal, ops.logical_and,
        ops.logical_or,
    )
)  # fmt: skip


def joined(a: float, b: float) -> float | None:
    """a * b, in place of a multiplication by a and one by b; None if the product is too large or too small for float32."""
    product = a * b
    is_exact = abs(a) in (0.0, 1.0, math.inf) or abs(b) in (0.0, 1.0, math.inf)
    return product if is_exact or SMALLEST <= abs(product) <= LARGEST else None


class Terms(Protocol):
    """What the laws need of a graph under construction. Terms are numbers of its nodes."""

    def factor(self, term: int) -> Factor | None:
        """The value of a term if it is a constant, otherwise None."""

    def definition(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        """The operation of a term and its operands; None and () for a leaf."""

    def is_condition(self, term: int) -> bool:
        """Whether a term is boolean."""

    def add(self, op: Operation, *operands: int) -> int:
        """The term `op(operands)`, or a simpler one."""

    def scale(self, factor: float, power: int = 0) -> int:
        """The term for a number."""


def simpler(terms: Terms, op: Operation, operands: Sequence[int]) -> int | None:
    """A term that equals `op(operands)`, possibly in a smaller shape that broadcasts, and costs less; None if no law applies."""
    if op not in SUBJECT:  # most operations in large graphs
        return None
    if op is ops.where:
        condition = terms.factor(operands[0])
        return None if condition is None else operands[1] if condition[0] else operands[2]
    a, b = operands[0], operands[-1]
    first, last = terms.factor(a), terms.factor(b)
    if op is ops.identity:
        return a
    if op is ops.add:
        return b if first == ZERO else a if last == ZERO else None
    if op is ops.subtract:
        return terms.add(ops.negative, b) if first == ZERO else a if last == ZERO else None
    if op is ops.negative:
        return _negative(terms, a, first)
    if op is ops.multiply:
        return _product(terms, a, b, first, last)
    if op is ops.divide and last is not None and last[1] == 0 and SMALLEST <= abs(last[0]) <= 1 / SMALLEST:
        return terms.add(ops.multiply, terms.scale(1 / last[0]), a)
    if op is ops.power:
        return a if last == ONE else terms.scale(1.0) if last == ZERO else None
    if op is ops.not_equal and last == ZERO and terms.is_condition(a):
        return a
    if op in (ops.logical_and, ops.logical_or) and (first or last):
        known, other = (first, b) if first else (last, a)
        decides = op is ops.logical_or  # a true operand decides an or, a false one an and
        return terms.scale(float(decides)) if known and bool(known[0]) is decides else other if terms.is_condition(other) else None
    return None


def _negative(terms: Terms, a: int, first: Factor | None) -> int | None:
    if first is not None:
        return terms.scale(-first[0], first[1])
    inner, parts = terms.definition(a)
    if inner is ops.negative and not terms.is_condition(parts[0]):
        return parts[0]
    if inner is ops.multiply and (factor := terms.factor(parts[0])) is not None:
        return terms.add(ops.multiply, terms.scale(-factor[0], factor[1]), parts[1])
    return None


def _product(terms: Terms, a: int, b: int, first: Factor | None, last: Factor | None) -> int | None:
    if first is not None and last is not None:
        return terms.scale(first[0] * last[0], first[1] + last[1])
    if a == b and not terms.is_condition(a):
        return terms.add(ops.power, a, terms.scale(2.0))
    if first is None and last is not None:
        return terms.add(ops.multiply, b, a)  # the number first
    if first is None or terms.is_condition(b):  # 1 * condition makes a number of it
        return None
    if first == ONE:
        return b
    if first == MINUS_ONE:
        return terms.add(ops.negative, b)
    inner, parts = terms.definition(b)
    if inner is ops.multiply and (factor := terms.factor(parts[0])) is not None:
        both = joined(first[0], factor[0])
        return None if both is None else terms.add(ops.multiply, terms.scale(both, first[1] + factor[1]), parts[1])
    if inner is ops.negative:
        return terms.add(ops.multiply, terms.scale(-first[0], first[1]), parts[0])
    return None
