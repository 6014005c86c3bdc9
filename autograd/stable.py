"""Stable: formulas that overflow or lose all digits on the way to an ordinary number, and what to compute instead.

`log(exp(a) + exp(b))` is about 1000 for a = b = 1000, but exp(1000) is infinite. `Forms` recognises such formulas in a graph. The compiler
replaces them. On Values they stay as they were written, and `hint` names what to write instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from autograd import ops
from autograd.backward import topological_order
from autograd.ops import Node, Operation


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


class Terms(Protocol):
    """What the forms need of a graph. Terms are numbers of its nodes; equal nodes have equal numbers."""

    def factor(self, term: int) -> tuple[float, int] | None:
        """A constant, as (number, 0); None for other terms."""

    def definition(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        """The operation of a term and its operands; None and () for a leaf."""

    def add(self, op: Operation, *operands: int) -> int:
        """The term `op(operands)`."""

    def scale(self, factor: float) -> int:
        """The term for a number."""


class _Sum(NamedTuple):
    """A sum of exponentials: exp(a) + exp(b) + ... + constant."""

    powers: Sequence[int]  # exp(a), exp(b), ...
    exponents: Sequence[int]  # a, b, ...
    constant: float


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
        self.terms, self._rows = terms, rows
        self.found: dict[Form, None] = {}
        self._written: dict[int, tuple[Operation, tuple[int, ...]]] = {}  # how a term that was replaced was defined
        self._sums: dict[int, _Sum | None] = {}
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
        elif (fraction := self._fraction(op, operands)) is not None:
            term = self._quotient(*fraction)
        if term is not None:
            self._written[term] = op, operands
        return term

    # What terms are

    def _number(self, term: int) -> float | None:
        factor = self.terms.factor(term)
        return factor[0] if factor else None

    def _definition(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        """The definition of a term as it was written."""
        return self._written.get(term) or self.terms.definition(term)

    def _fraction(self, op: Operation | None, operands: tuple[int, ...]) -> tuple[int, int] | None:
        """The numerator and the denominator, if the operation is a division, or the power -1."""
        if op is ops.divide:
            return operands[0], operands[1]
        if op is ops.power and self._number(operands[1]) == -1:
            return self.terms.scale(1.0), operands[0]
        return None

    def _sum(self, term: int) -> _Sum | None:
        """A term as a sum of exponentials and a constant that is not negative; None if it is none."""
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
                elif (number := self._number(each)) is not None and 0 <= number < math.inf:
                    constant += number
                else:
                    powers.clear()
                    break
            powers.sort()  # in the order in which they were made: those of a sum of two may be exchanged
            exponents = [self.terms.definition(each)[1][0] for each in powers]
            self._sums[term] = _Sum(powers, exponents, constant) if powers else None
        return self._sums[term]

    def _exponent(self, term: int, given: _Sum) -> int | None:
        """The exponent of a term of a sum, which is log(constant) for the constant; None for any other term."""
        if term in given.powers:
            return self.terms.definition(term)[1][0]
        return self.terms.scale(math.log(given.constant)) if given.constant and self._number(term) == given.constant else None

    def _exponents(self, given: _Sum) -> list[int]:
        return [*given.exponents, *([self.terms.scale(math.log(given.constant))] if given.constant else [])]

    def _undetached(self, term: int) -> int:
        op, operands = self.terms.definition(term)
        return operands[0] if op is ops.detach else term

    def _is_shifted(self, given: _Sum) -> bool:
        """Whether the largest exponent was subtracted from all of them, so that no power overflows and one of them is 1."""
        if given.constant:
            return False
        scales, numbers, tops = set[float | None](), set[int](), set[int]()
        for each in given.exponents:
            op, operands = self.terms.definition(each)
            scale: float | None = 1.0
            if op is ops.multiply and (scale := self._number(operands[0])) is not None and scale > 0:
                op, operands = self.terms.definition(operands[1])
            if op is not ops.subtract:
                return False
            scales.add(scale)
            numbers.add(self._undetached(operands[0]))
            tops.add(self._undetached(operands[1]))
        return len(tops) == len(scales) == 1 and numbers == self._candidates(tops.pop())

    def _subtracted(self, term: int) -> int | None:
        """The b of a term a - b; None if it is none."""
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

    # What they become

    def _found(self, form: Form, term: int) -> int:
        self.found[form] = None
        return term

    def _safely(self, denominator: int, given: _Sum) -> tuple[int, int] | None:
        """What to subtract from the exponents of a sum so that no power overflows, and the sum of the powers then; None if that is done."""
        if denominator not in self._safe:
            if self._is_shifted(given):
                self._safe[denominator] = None
            else:
                add, exponents = self.terms.add, self._exponents(given)
                top = add(ops.detach, add(ops.largest_, *exponents))
                self._safe[denominator] = top, add(ops.total_, *[add(ops.exp, add(ops.subtract, each, top)) for each in exponents])
        return self._safe[denominator]

    def _quotient(self, numerator: int, denominator: int) -> int | None:
        given = self._sum(denominator)
        if given is None:
            return None
        exponent = self._exponent(numerator, given)
        if exponent is None and (term := self._tanh(numerator, given)) is not None:
            return term
        if (logit := self._logit_of(numerator, given)) is not None:
            return self._found(SIGMOID, self.terms.add(ops.sigmoid, logit))
        if (share := self._logit_of(self.terms.scale(1.0), given)) is not None:  # x / (1 + exp(-x))
            return self._found(SIGMOID, self.terms.add(ops.multiply, numerator, self.terms.add(ops.sigmoid, share)))
        safe = None if exponent is None else self._safely(denominator, given)
        if exponent is None or safe is None:
            return None
        top, whole = safe
        power = self.terms.add(ops.exp, self.terms.add(ops.subtract, exponent, top))
        return self._found(SOFTMAX, self.terms.add(ops.divide, power, whole))

    def _logit_of(self, numerator: int, given: _Sum) -> int | None:
        """The x for which 1 / (1 + exp(a)) or exp(a) / (1 + exp(a)) is sigmoid(x)."""
        if given.constant != 1 or len(given.powers) != 1:
            return None
        return self.terms.add(ops.negative, *given.exponents) if self._number(numerator) == 1 else self._exponent(numerator, given)

    def _logit(self, term: int) -> int | None:
        """The x for which a term is sigmoid(x), if it is one."""
        op, operands = self.terms.definition(term)
        if op is ops.sigmoid:
            return operands[0]
        fraction = self._fraction(op, operands)
        given = None if fraction is None else self._sum(fraction[1])
        return None if fraction is None or given is None else self._logit_of(fraction[0], given)

    def _tanh(self, numerator: int, given: _Sum) -> int | None:
        """(exp(a) - exp(b)) / (exp(a) + exp(b)), where one of the powers may be 1."""
        op, operands = self.terms.definition(numerator)
        if op is not ops.subtract or len(given.powers) + (given.constant == 1) != 2 or given.constant not in (0, 1):
            return None
        a, b = (self._exponent(each, given) for each in operands)
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
            op, operands = self._definition(each)
            fraction = self._fraction(op, operands)
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
            if op is not ops.multiply or (factor := self._number(operands[0])) is None or not 0 < factor < math.inf:
                break
            shift, x = shift + math.log(factor), operands[1]
        term = self._log_without_factor(x)
        return self.terms.add(ops.add, self.terms.scale(shift), term) if shift and term is not None else term

    def _log_without_factor(self, x: int) -> int | None:
        add, (op, operands) = self.terms.add, self.terms.definition(x)
        if (logit := self._logit(x)) is not None:
            return self._found(LOG_SIGMOID, add(ops.negative, add(ops.softplus, add(ops.negative, logit))))
        if op is ops.subtract and self._number(operands[0]) == 1:
            if (logit := self._logit(operands[1])) is not None:
                return self._found(LOG_SIGMOID, add(ops.negative, add(ops.softplus, logit)))
            inner, arguments = self.terms.definition(operands[1])
            if inner is ops.exp:
                return self._found(LOG1MEXP, add(ops.log1mexp, add(ops.negative, *arguments)))
        if op is ops.total_ and (term := self._log_of_chosen(operands)) is not None:
            return term
        if (fraction := self._fraction(*self._definition(x))) is not None:
            return self._log_of_share(*fraction)
        return self._log_of_sum(x)

    def _log_of_sum(self, x: int) -> int | None:
        given = self._sum(x)
        if given is None or self._is_shifted(given):
            return None
        if len(given.powers) == 1 and given.constant in (0, 1):
            (exponent,) = given.exponents
            return self._found(SOFTPLUS, self.terms.add(ops.softplus, exponent)) if given.constant else self._found(LOG_EXP, exponent)
        return self._found(LOGSUMEXP, self.terms.add(ops.logsumexp_, *self._exponents(given)))

    def _log_of_share(self, numerator: int, denominator: int) -> int | None:
        """log(exp(a) / sum(exp)) = (a - top) - log(sum(exp(x - top))): two numbers of the same sign, so that no digits cancel."""
        given = self._sum(denominator)
        exponent = None if given is None else self._exponent(numerator, given)
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
            if op is not ops.where or self._number(operands[2]) != 0:
                return None
            is_equal, compared = self.terms.definition(operands[0])
            row = self._number(compared[-1]) if is_equal is ops.equal else None
            fraction = self._fraction(*self._definition(operands[1]))
            given = None if fraction is None else self._sum(fraction[1])
            exponent = None if fraction is None or given is None else self._exponent(fraction[0], given)
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
        given, add = self._sum(denominator), self.terms.add
        assert given is not None
        safe, zero = self._safely(denominator, given), self.terms.scale(0.0)
        tops = {safe[0]} if safe else {self._subtracted(exponent) for _, exponent in chosen.values()}
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


class _Graph:
    """The graph of some nodes as terms."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        self._terms: list[tuple[Operation | None, tuple[Any, ...]]] = []
        self._known: dict[Any, int] = {}
        self.numbers: dict[Any, int] = {}
        for node in nodes:
            for each in topological_order(node, self.numbers) if isinstance(node, Node) else ():
                if each not in self.numbers:
                    leaf = id(each), each.data
                    self.numbers[each] = self.add(each.op, *map(self.term, each.operands)) if each.op else self._put(None, leaf)

    def term(self, node: Any) -> int:
        return self.scale(node) if type(node) is float else self.numbers[node]

    def _put(self, op: Operation | None, operands: tuple[Any, ...]) -> int:
        number = self._known.setdefault((op, operands), len(self._terms))
        if number == len(self._terms):
            self._terms.append((op, operands))
        return number

    def add(self, op: Operation, *operands: int) -> int:
        return self._put(op, operands)

    def scale(self, factor: float) -> int:
        return self._put(None, (factor,))

    def definition(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        op, operands = self._terms[term]
        return (op, operands) if op else (None, ())

    def factor(self, term: int) -> tuple[float, int] | None:
        op, operands = self._terms[term]
        return (operands[0], 0) if op is None and type(operands[0]) is float else None

    def value(self, term: int) -> float:
        """The value of a term, in numbers that may be infinite or nan."""
        values: list[float] = []
        for op, operands in self._terms[: term + 1]:
            values.append(op.ieee_value(*[values[each] for each in operands]) if op else operands[-1])
        return values[term]


def hint(*results: tuple[Operation, Sequence[Any]]) -> str:
    """What to write instead of the first of some results, each an operation and its operands, that has a stable form; "" without one.

    Only a form that is finite at the numbers of the graph is named.
    """
    graph = _Graph([each for _, operands in results for each in operands])
    forms = Forms(graph)
    for op, operands in results:
        term = forms.replaced(op, tuple(map(graph.term, operands)))
        if term is not None and math.isfinite(graph.value(term)):
            form = list(forms.found)[-1]
            return f"{form.written} overflows or loses all digits at these numbers: write {form.stable}"
    return ""
