"""Stable: formulas that overflow or lose all digits on the way to an ordinary number, and what to compute instead.

`log(exp(a) + exp(b))` is about 1000 for a = b = 1000, but exp(1000) is infinite. `Forms` recognises such formulas in a graph. The compiler
replaces them. On Values they stay as they were written, and `autograd.hints` names what to write instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd import ops
from autograd.exponentials import Exponentials, Sum, Terms
from autograd.ops import Operation


class Form(NamedTuple):
    """A formula as it was written, and its stable form."""

    written: str
    stable: str


# fmt: off
SIGMOID     = Form("1 / (1 + exp(-x))",                                   "sigmoid(x)")
TANH        = Form("(exp(x) - exp(-x)) / (exp(x) + exp(-x))",             "tanh(x)")
SOFTMAX     = Form("exp(x[i]) / sum(exp(x))",                             "exp(x[i] - m) / sum(exp(x - m)) with m = largest(x)")
SOFTPLUS    = Form("log(1 + exp(x))",                                     "softplus(x)")
LOGSUMEXP   = Form("log(sum(exp(x)))",                                    "logsumexp(x)")
LOG_SOFTMAX = Form("log(exp(x[i]) / sum(exp(x)))",                        "x[i] - logsumexp(x)")
LOG_SIGMOID = Form("log(sigmoid(x))",                                     "-softplus(-x)")
LOG1MEXP    = Form("log(1 - exp(-x))",                                    "log1mexp(x)")
LOG_EXP     = Form("log(exp(x))",                                         "x")
# fmt: on


LAST = frozenset((ops.log, ops.log1p, ops.multiply, ops.divide, ops.power))  # the last operations of formulas with a stable form


class Forms:
    """The stable forms of a graph that is being built.

    A stable form is as accurate as the formula or more so: it differs from it where numbers on the way overflow, underflow, or are
    rounded to 1 + 0.

    Parameters
    ----------
    terms : Terms
        The graph.
    rows : callable, optional
        For a term that is an index for `lookup` and nothing else, the number of rows that it may choose from; 0 for other terms.

    Attributes
    ----------
    found : dict
        The forms that were replaced, in their order, as keys.
    """

    def __init__(self, terms: Terms, rows: Callable[[int], int] = lambda term: 0) -> None:
        self.terms, self._read, self._rows = terms, Exponentials(terms), rows
        self.found: dict[Form, None] = {}
        self._safe: dict[int, tuple[int, int] | None] = {}

    def replaced(self, op: Operation, operands: tuple[int, ...]) -> int | None:
        """The term for the stable form of `op(operands)`; None if there is none."""
        term: int | None = None
        if op is ops.log:
            term = self._log(operands[0])
        elif op is ops.log1p:
            term = self._log1p(operands[0])
        elif op is ops.multiply:
            term = self._product(*operands) if self.terms.definition(operands[0])[0] is ops.exp else None
            if term is None and self.terms.definition(operands[1])[0] is ops.exp:
                term = self._product(*operands[::-1])
        elif (fraction := self._read.fraction(op, operands)) is not None:
            term = self._quotient(*fraction)
        if term is not None:
            self._read.replaced[term] = op, operands
        return term

    def _found(self, form: Form, term: int) -> int:
        self.found[form] = None
        return term

    def _safely(self, denominator: int, given: Sum) -> tuple[int, int] | None:
        """What to subtract from the exponents of a sum so that no power overflows, and the sum of the powers then; None if that is done."""
        if denominator not in self._safe:
            if self._read.is_shifted(given):
                self._safe[denominator] = None
            else:
                add, exponents = self.terms.add, self._read.exponents(given)
                top = add(ops.detach, add(ops.largest_, *exponents))
                self._safe[denominator] = top, add(ops.total_, *[add(ops.exp, add(ops.subtract, each, top)) for each in exponents])
        return self._safe[denominator]

    def _quotient(self, numerator: int, denominator: int) -> int | None:
        given = self._read.sum(denominator)
        if given is None:
            return None
        exponent = self._read.exponent(numerator, given)
        if exponent is None and (term := self._tanh(numerator, given)) is not None:
            return term
        if (logit := self._read.logit_of(numerator, given)) is not None:
            return self._found(SIGMOID, self.terms.add(ops.sigmoid, logit))
        if (share := self._read.logit_of(self.terms.scale(1.0), given)) is not None:  # x / (1 + exp(-x))
            return self._found(SIGMOID, self.terms.add(ops.multiply, numerator, self.terms.add(ops.sigmoid, share)))
        safe = None if exponent is None else self._safely(denominator, given)
        if exponent is None or safe is None:
            return None
        top, whole = safe
        power = self.terms.add(ops.exp, self.terms.add(ops.subtract, exponent, top))
        return self._found(SOFTMAX, self.terms.add(ops.divide, power, whole))

    def _tanh(self, numerator: int, given: Sum) -> int | None:
        """(exp(a) - exp(b)) / (exp(a) + exp(b)), where one of the powers may be 1."""
        op, operands = self.terms.definition(numerator)
        if op is not ops.subtract or len(given.powers) + (given.constant == 1) != 2 or given.constant not in (0, 1):
            return None
        a, b = (self._read.exponent(each, given) for each in operands)
        if a is None or b is None or operands[0] == operands[1]:
            return None
        is_negative = self.terms.definition(b) == (ops.negative, (a,))
        half = a if is_negative else self.terms.add(ops.multiply, self.terms.scale(0.5), self.terms.add(ops.subtract, a, b))
        return self._found(TANH, self.terms.add(ops.tanh, half))

    def _product(self, power: int, other: int) -> int | None:
        """exp(x) * (y / sum(exp)), as derivatives have it."""
        rest, stack = list[int](), [other]
        while stack and len(rest) < 8:
            each = stack.pop()
            op, operands = self._read.written(each)
            fraction = self._read.fraction(op, operands)
            if op is ops.multiply:
                stack += operands
            elif fraction is not None and (share := self._quotient(power, fraction[1])) is not None:
                for factor in (fraction[0], *rest, *stack):
                    share = self.terms.add(ops.multiply, factor, share)
                return share
            else:
                rest.append(each)
        return None

    def _log(self, x: int) -> int | None:
        """log(c x) = log(c) + log(x), and log(x) in a stable form."""
        shift = 0.0
        while True:
            op, operands = self.terms.definition(x)
            if op is not ops.multiply or (factor := self._read.number(operands[0])) is None or not 0 < factor < math.inf:
                break
            shift, x = shift + math.log(factor), operands[1]
        term = self._log_without_factor(x)
        return self.terms.add(ops.add, self.terms.scale(shift), term) if shift and term is not None else term

    def _log_without_factor(self, x: int) -> int | None:
        add, (op, operands) = self.terms.add, self.terms.definition(x)
        if (logit := self._read.logit(x)) is not None:
            return self._found(LOG_SIGMOID, add(ops.negative, add(ops.softplus, add(ops.negative, logit))))
        if op is ops.subtract and self._read.number(operands[0]) == 1:
            if (logit := self._read.logit(operands[1])) is not None:
                return self._found(LOG_SIGMOID, add(ops.negative, add(ops.softplus, logit)))
            inner, arguments = self.terms.definition(operands[1])
            if inner is ops.exp:
                return self._found(LOG1MEXP, add(ops.log1mexp, add(ops.negative, *arguments)))
        if op is ops.total_ and (term := self._log_of_chosen(operands)) is not None:
            return term
        if (fraction := self._read.fraction(*self._read.written(x))) is not None:
            return self._log_of_share(*fraction)
        return self._log_of_sum(x)

    def _log_of_sum(self, x: int) -> int | None:
        given = self._read.sum(x)
        if given is None or self._read.is_shifted(given):
            return None
        if len(given.powers) == 1 and given.constant in (0, 1):
            (exponent,) = given.exponents
            return self._found(SOFTPLUS, self.terms.add(ops.softplus, exponent)) if given.constant else self._found(LOG_EXP, exponent)
        return self._found(LOGSUMEXP, self.terms.add(ops.logsumexp_, *self._read.exponents(given)))

    def _log_of_share(self, numerator: int, denominator: int) -> int | None:
        """log(exp(a) / sum(exp)) = (a - top) - log(sum(exp(x - top))): two numbers of the same sign, so that no digits cancel."""
        given = self._read.sum(denominator)
        exponent = None if given is None else self._read.exponent(numerator, given)
        if given is None or exponent is None:
            return None
        safe, add = self._safely(denominator, given), self.terms.add
        if safe is None:
            return self._found(LOG_SOFTMAX, add(ops.subtract, exponent, add(ops.log, denominator)))
        top, whole = safe
        return self._found(LOG_SOFTMAX, add(ops.subtract, add(ops.subtract, exponent, top), add(ops.log, whole)))

    def _log_of_chosen(self, choices: Sequence[int]) -> int | None:
        """log(lookup(softmax(x), i)) = lookup(x, i) - logsumexp(x). A lookup in numbers that were computed is a sum of choices."""
        chosen: dict[float, tuple[int, int]] = {}  # for each index the condition and the exponent
        indices, denominators = set(), set()
        for each in choices:
            op, operands = self.terms.definition(each)
            if op is not ops.where or self._read.number(operands[2]) != 0:
                return None
            is_equal, compared = self.terms.definition(operands[0])
            row = self._read.number(compared[-1]) if is_equal is ops.equal else None
            fraction = self._read.fraction(*self._read.written(operands[1]))
            given = None if fraction is None else self._read.sum(fraction[1])
            exponent = None if fraction is None or given is None else self._read.exponent(fraction[0], given)
            if row is None or fraction is None or exponent is None:
                return None
            chosen[row] = operands[0], exponent
            indices.add(compared[0])
            denominators.add(fraction[1])
        if len(indices) > 1 or len(denominators) > 1 or len(chosen) < len(choices):
            return None
        rows, denominator = self._rows(indices.pop()), denominators.pop()
        if not rows or not chosen.keys() >= set(range(rows)):
            return None
        given, add = self._read.sum(denominator), self.terms.add
        assert given is not None
        safe, zero = self._safely(denominator, given), self.terms.scale(0.0)
        tops = {safe[0]} if safe else {self._read.subtracted(exponent) for _, exponent in chosen.values()}
        top = tops.pop() if len(tops) == 1 else None  # it is subtracted after the choice, from one number
        if top is not None and safe is None:
            chosen = {row: (test, self.terms.definition(exponent)[1][0]) for row, (test, exponent) in chosen.items()}
        right = add(ops.total_, *[add(ops.where, test, exponent, zero) for test, exponent in chosen.values()])
        right = right if top is None else add(ops.subtract, right, top)
        return self._found(LOG_SOFTMAX, add(ops.subtract, right, add(ops.log, safe[1] if safe else denominator)))

    def _log1p(self, x: int) -> int | None:
        op, operands = self.terms.definition(x)
        if op is ops.exp:
            return self._found(SOFTPLUS, self.terms.add(ops.softplus, *operands))
        inner, arguments = self.terms.definition(operands[0]) if op is ops.negative else (None, ())
        if inner is ops.exp:
            return self._found(LOG1MEXP, self.terms.add(ops.log1mexp, self.terms.add(ops.negative, *arguments)))
        return None
