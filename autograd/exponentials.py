"""Exponentials: find sums, quotients and logits of exponentials among the terms of a graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from autograd import ops
from autograd.ops import Operation


class Terms(Protocol):
    """What stable forms need from a graph. A term is the number of a node; equal nodes have equal numbers."""

    def factor(self, term: int) -> tuple[float, int] | None:
        """A constant, as (number, 0); None for other terms."""

    def definition(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        """The operation of a term and its operands; None and () for a leaf."""

    def add(self, op: Operation, *operands: int) -> int:
        """The term `op(operands)`."""

    def scale(self, factor: float) -> int:
        """The term for a number."""


class Sum(NamedTuple):
    """A sum of exponentials: exp(a) + exp(b) + ... + constant."""

    powers: Sequence[int]  # exp(a), exp(b), ...
    exponents: Sequence[int]  # a, b, ...
    constant: float


class Exponentials:
    """Finds exponentials among the terms of a graph.

    Parameters
    ----------
    terms : Terms
        The graph.

    Attributes
    ----------
    replaced : dict
        For a term that replaces a formula, the operation and the operands of that formula.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.replaced: dict[int, tuple[Operation, tuple[int, ...]]] = {}
        self._sums: dict[int, Sum | None] = {}

    def number(self, term: int) -> float | None:
        """The number of a constant term; None for other terms."""
        factor = self.terms.factor(term)
        return factor[0] if factor else None

    def written(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        """The definition of a term as it was written."""
        return self.replaced.get(term) or self.terms.definition(term)

    def fraction(self, op: Operation | None, operands: tuple[int, ...]) -> tuple[int, int] | None:
        """The numerator and the denominator, if the operation is a division, or the power -1."""
        if op is ops.divide:
            return operands[0], operands[1]
        if op is ops.power and self.number(operands[1]) == -1:
            return self.terms.scale(1.0), operands[0]
        return None

    def sum(self, term: int) -> Sum | None:
        """A term as a sum of exponentials and a constant that is not negative; None for other terms."""
        if term not in self._sums:
            powers: list[int] = []
            constant, stack = 0.0, [term]
            while stack:
                each = stack.pop()
                op, operands = self.terms.definition(each)
                if op is ops.exp:
                    powers.append(each)
                elif op is ops.add or op is ops.total_:
                    stack += reversed(operands)
                elif (number := self.number(each)) is not None and 0 <= number < math.inf:
                    constant += number
                else:
                    powers.clear()
                    break
            powers.sort()  # the order in which they were made: a sum of two terms may have swapped them
            exponents = [self.terms.definition(each)[1][0] for each in powers]
            self._sums[term] = Sum(powers, exponents, constant) if powers else None
        return self._sums[term]

    def exponent(self, term: int, given: Sum) -> int | None:
        """The exponent of a term of a sum, which is log(constant) for the constant; None for any other term."""
        if term in given.powers:
            return self.terms.definition(term)[1][0]
        return self.terms.scale(math.log(given.constant)) if given.constant and self.number(term) == given.constant else None

    def exponents(self, given: Sum) -> list[int]:
        """The exponents of all terms of a sum; that of the constant is last."""
        return [*given.exponents, *([self.terms.scale(math.log(given.constant))] if given.constant else [])]

    def _undetached(self, term: int) -> int:
        op, operands = self.terms.definition(term)
        return operands[0] if op is ops.detach else term

    def is_shifted(self, given: Sum) -> bool:
        """Whether the largest exponent was subtracted from all of them, so that no power overflows and one of them is 1."""
        if given.constant:
            return False
        scales, numbers, tops = set[float | None](), set[int](), set[int]()
        for each in given.exponents:
            op, operands = self.terms.definition(each)
            scale: float | None = 1.0
            if op is ops.multiply and (scale := self.number(operands[0])) is not None and scale > 0:
                op, operands = self.terms.definition(operands[1])
            if op is not ops.subtract:
                return False
            scales.add(scale)
            numbers.add(self._undetached(operands[0]))
            tops.add(self._undetached(operands[1]))
        return len(tops) == len(scales) == 1 and numbers == self._candidates(tops.pop())

    def subtracted(self, term: int) -> int | None:
        """The b of a term a - b; None for other terms."""
        op, operands = self.terms.definition(term)
        return operands[1] if op is ops.subtract else None

    def _candidates(self, term: int) -> set[int]:
        """The terms of which a term is the largest."""
        found, stack = set(), [term]
        while stack:
            each = self._undetached(stack.pop())
            op, operands = self.terms.definition(each)
            if op is ops.largest_ or op is ops.maximum:
                stack += operands
            else:
                found.add(each)
        return found

    def logit_of(self, numerator: int, given: Sum) -> int | None:
        """The x for which 1 / (1 + exp(a)) or exp(a) / (1 + exp(a)) is sigmoid(x)."""
        if given.constant != 1 or len(given.powers) != 1:
            return None
        return self.terms.add(ops.negative, *given.exponents) if self.number(numerator) == 1 else self.exponent(numerator, given)

    def logit(self, term: int) -> int | None:
        """The x for which a term is sigmoid(x); None for other terms."""
        op, operands = self.terms.definition(term)
        if op is ops.sigmoid:
            return operands[0]
        fraction = self.fraction(op, operands)
        given = None if fraction is None else self.sum(fraction[1])
        return None if fraction is None or given is None else self.logit_of(fraction[0], given)
