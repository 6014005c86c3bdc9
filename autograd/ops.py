"""The table of operations. A row is the only place that describes an operation, for every reading (see `operation`).

To add an operation, add a row. Write its derivatives with ordinary arithmetic and the functions of the table.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd import kernels
from autograd.operation import AND, ATOM, COMPARISON, OR, POWER, PRODUCT, SIGN, SUM, TABLE, Node, Operation, primitive, real  # noqa: F401


def split_weighted_sum(operands: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Any]:
    """Split the operands of a weighted sum into the weights, their inputs, and the bias."""
    n = len(operands) // 2
    return operands[:n], operands[n:-1], operands[-1]


# Partial derivatives that need more than an expression.


def _halves_swapped(_: Any, *operands: Any) -> tuple[Any, ...]:
    weights, inputs, _ = split_weighted_sum(operands)
    return (*inputs, *weights, 1.0)  # the derivative by a weight is its input, the one by an input its weight


def _power_base(_: Any, a: Any, b: Any) -> Any:
    """b a^(b-1), with 0 (not 0 * inf) for a^0 at a = 0, so that polynomials have gradients at 0."""
    base = a if type(b) is float and b != 0 else where((a == 0) & (b == 0), 1.0, a)
    return b * power(base, b - 1)


def _power_exponent(y: Any, a: Any, _: Any) -> Any:
    """y log(a), with 0 (not 0 * -inf) at a = 0."""
    return y * log(where(a == 0, 1.0, a))


def _by_zero(_: float | None, b: float | None) -> bool:
    """Whether a / b is singular: not where b is a number other than 0."""
    return not b


def _power_is_singular(_: float | None, b: float | None) -> bool:
    """Whether a^b is singular: not where b is a positive whole number."""
    return b is None or b < 1 or not b.is_integer()


def _one_minus_square(x: Any) -> Any:
    """1 - x^2 without cancellation near |x| = 1, in a form whose own derivative is exact near 0."""
    return where(abs(x) < 0.5, 1 - x * x, (1 - x) * (1 + x))


def _above(_: Any, a: Any, b: Any) -> Any:
    """1 where a > b, 0 where a < b, and 0.5 where they are equal."""
    return (a > b) + (a == b) / 2


def _below(_: Any, a: Any, b: Any) -> Any:
    return (a < b) + (a == b) / 2


def row(name: str, *columns: Any, **more: Any) -> Operation:
    """Enter an operation in the table."""
    op = TABLE[name] = Operation(name, *columns, **more)
    return op


def infix(name: str, symbol: str, precedence: int, *columns: Any, **more: Any) -> Operation:
    return row(name, *columns, symbol=symbol, precedence=precedence, **more)


def condition(name: str, symbol: str, precedence: int, on_floats: Callable[..., bool], on_arrays: np.ufunc, **more: Any) -> Operation:
    """Enter a condition in the table: its derivative is 0 by each operand."""
    return infix(name, symbol, precedence, on_floats, on_arrays, *[0.0] * on_arrays.nin, is_condition=True, **more)


def reducing(name: str, ufunc: np.ufunc, on_floats: Callable[..., float], partials: Callable[..., Any], **more: Any) -> Operation:
    return many(name, on_floats, partial(_reduced, ufunc), partials, reduction=ufunc, is_commutative=True, **more)


def _reduced(ufunc: np.ufunc, *arrays: Any) -> Any:
    return reduce(ufunc, arrays)


def extreme(name: str, ufunc: np.ufunc, on_two: Callable[..., float]) -> Operation:
    return reducing(name, ufunc, lambda *x: reduce(on_two, x), lambda y, *x: [v == y for v in x], selects=True, normalised=True)


prefix, many = infix, partial(row, variadic=True)
singular, choice = partial(row, singular=True), partial(row, selects=True)
sign: Operation
cos: Operation  # these are used in rows above their own
exp: Operation
cosh: Operation
sech_squared: Operation
logistic_pdf: Operation

# fmt: off
#                    name        symbol binds    on floats         on arrays    partial derivatives, given the result y
add           = infix("add",      "+",  SUM,     operator.add,     np.add,      1.0, 1.0, is_commutative=True, is_sum=True)
subtract      = infix("subtract", "-",  SUM,     operator.sub,     np.subtract, 1.0, -1.0, is_sum=True)
multiply      = infix("multiply", "*",  PRODUCT, operator.mul,     np.multiply, lambda y, a, b: b, lambda y, a, b: a, is_commutative=True, is_product=True)
divide        = infix("divide",   "/",  PRODUCT, operator.truediv, np.divide,   lambda y, a, b: 1 / b, lambda y, a, b: -y / b, singular=_by_zero)
power         = infix("power",    "**", POWER,   math.pow,         np.power,    _power_base, _power_exponent, singular=_power_is_singular)
negative      = prefix("negative", "-", SIGN,    operator.neg,     np.negative, -1.0, is_sum=True)

#                   name             on floats             on arrays                     partial derivative
identity      = row("identity",      lambda x: x,          np.positive,                  1.0, internal=True)
detach        = row("detach",        lambda x: x,          lambda x: x,                  0.0)  # x.data of a recorded x
absolute      = row("abs",           abs,                  np.absolute,                  lambda y, x: sign(x))
sign          = row("sign",          kernels.sign,         np.sign,                      0.0)
sin           = row("sin",           math.sin,             np.sin,                       lambda y, x: cos(x))
cos           = row("cos",           math.cos,             np.cos,                       lambda y, x: -sin(x))
atan          = row("atan",          math.atan,            np.arctan,                    lambda y, x: 1 / (1 + x * x), saturates=True)
tanh          = row("tanh",          math.tanh,            np.tanh,                      lambda y, x: sech_squared(x), saturates=True)  # 1 - y^2, exact
sech_squared  = row("sech_squared",  kernels.sech_squared, kernels.sech_squared_arrays,  lambda y, x: -2 * tanh(x) * y, internal=True, saturates=True)
sigmoid       = row("sigmoid",       kernels.sigmoid,      kernels.sigmoid_arrays,       lambda y, x: logistic_pdf(x), saturates=True)  # y (1 - y), exact
logistic_pdf  = row("logistic_pdf",  kernels.logistic_pdf, kernels.logistic_pdf_arrays,  lambda y, x: -tanh(x / 2) * y, internal=True, saturates=True)
softplus      = row("softplus",      kernels.softplus,     kernels.softplus_arrays,      lambda y, x: sigmoid(x), saturates=True)
relu          = row("relu",          kernels.relu,         lambda x: np.maximum(x, 0.0), lambda y, x: x > 0, selects=True)
erf           = row("erf",           math.erf,             kernels.erf_arrays,           lambda y, x: 2 / math.sqrt(math.pi) * exp(-x * x), is_special=True, saturates=True)
erfc          = row("erfc",          math.erfc,            kernels.erfc_arrays,          lambda y, x: -2 / math.sqrt(math.pi) * exp(-x * x), is_special=True, saturates=True)

#                        name             on floats             on arrays                     one that can be infinite or nan
exp           = singular("exp",           math.exp,             np.exp,                       lambda y, x: y)
log           = singular("log",           math.log,             np.log,                       lambda y, x: 1 / x, domain="x > 0")
log1p         = singular("log1p",         math.log1p,           np.log1p,                     lambda y, x: 1 / (1 + x), domain="x > -1")
expm1         = singular("expm1",         math.expm1,           np.expm1,                     lambda y, x: exp(x))
log1mexp      = singular("log1mexp",      kernels.log1mexp,     kernels.log1mexp_arrays,      lambda y, x: -exp(-x) / expm1(-x), domain="x > 0")  # log(1 - exp(-x))
sqrt          = singular("sqrt",          math.sqrt,            np.sqrt,                      lambda y, x: 0.5 / y, domain="x >= 0")
tan           = singular("tan",           math.tan,             np.tan,                       lambda y, x: 1 + y * y)
asin          = singular("asin",          math.asin,            np.arcsin,                    lambda y, x: 1 / sqrt(_one_minus_square(x)), domain="-1 <= x <= 1")
acos          = singular("acos",          math.acos,            np.arccos,                    lambda y, x: -1 / sqrt(_one_minus_square(x)), domain="-1 <= x <= 1")
sinh          = singular("sinh",          math.sinh,            np.sinh,                      lambda y, x: cosh(x))
cosh          = singular("cosh",          math.cosh,            np.cosh,                      lambda y, x: sinh(x))

#                      name       on floats                      on arrays   partial derivatives: 0 for what is not chosen
maximum       = choice("maximum", kernels.maximum,               np.maximum, _above, _below, is_commutative=True)
minimum       = choice("minimum", kernels.minimum,               np.minimum, _below, _above, is_commutative=True)
fmin          = choice("fmin",    kernels.fmin,                  np.fmin,    lambda y, a, b: a <= b, lambda y, a, b: b < a, internal=True)
where         = choice("where",   lambda c, a, b: a if c else b, np.where,   0.0, lambda y, c, a, b: c != 0, lambda y, c, a, b: c == 0)

#                         name          symbol binds      on floats                   on arrays
less          = condition("less",          "<",  COMPARISON, operator.lt,                np.less)
less_equal    = condition("less_equal",    "<=", COMPARISON, operator.le,                np.less_equal)
greater       = condition("greater",       ">",  COMPARISON, operator.gt,                np.greater)
greater_equal = condition("greater_equal", ">=", COMPARISON, operator.ge,                np.greater_equal)
equal         = condition("equal",         "==", COMPARISON, operator.eq,                np.equal,         is_commutative=True)
not_equal     = condition("not_equal",     "!=", COMPARISON, operator.ne,                np.not_equal,     is_commutative=True)
logical_and   = condition("logical_and",   "&",  AND,        lambda a, b: bool(a and b), np.logical_and,   is_commutative=True)
logical_or    = condition("logical_or",    "|",  OR,         lambda a, b: bool(a or b),  np.logical_or,    is_commutative=True)
logical_not   = condition("logical_not",   "~",  SIGN,       operator.not_,              np.logical_not)

#                   name             on floats             on arrays                     all the partial derivatives at once
weighted_sum_ = many("weighted_sum", kernels.weighted_sum, kernels.weighted_sum_arrays,  _halves_swapped, is_sum=True, has_terms=True)
#                        name         along an axis on floats              all the partial derivatives at once
total_        = reducing("total",     np.add,       lambda *x: sum(x, 0.0), lambda y, *x: [1.0] * len(x), is_sum=True)
logsumexp_    = reducing("logsumexp", np.logaddexp, kernels.logsumexp,      lambda y, *x: [exp(v - y) for v in x], normalised=True)
#                       name         along an axis  of two floats, and the derivative is shared by all operands that are equal to the result
largest_      = extreme("largest",   np.maximum,    kernels.maximum)
smallest_     = extreme("smallest",  np.minimum,    kernels.minimum)
# fmt: on

FUNCTIONS = {name: op for name, op in TABLE.items() if op.precedence == ATOM and not op.variadic and not op.internal}  # of numbers, by name


def total(values: Iterable[Any]) -> Any:
    """The sum of a sequence, as one node; 0.0 for an empty one.

    >>> total([1.0, 2.0, 3.0])
    6.0
    """
    operands = tuple(values)
    return total_(*operands) if operands else 0.0


def mean(values: Iterable[Any]) -> Any:
    """The arithmetic mean of a sequence. Raises ValueError for an empty one.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
    operands = tuple(values)
    if not operands:
        raise ValueError("mean of no values: it takes at least one")
    return total_(*operands) / len(operands)


def logsumexp(values: Iterable[Any]) -> Any:
    """log(sum(exp(v))), stable at any size, as one node. Raises ValueError for an empty sequence.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    operands = tuple(values)
    if not operands:
        raise ValueError("logsumexp of no values: it takes at least one")
    return logsumexp_(*operands)


def largest(values: Iterable[Any]) -> Any:
    """The largest number of a sequence, as one node; nan if one of them is nan. Raises ValueError for an empty sequence.

    The derivative flows to the largest number; if several are equal to it, each gets the same share.

    >>> largest([1.0, 3.0, 2.0])
    3.0
    """
    operands = tuple(values)
    if not operands:
        raise ValueError("largest of no values: it takes at least one")
    return largest_(*operands)


def smallest(values: Iterable[Any]) -> Any:
    """The smallest number of a sequence, as one node; see `largest`.

    >>> smallest([2.0, 1.0, 3.0])
    1.0
    """
    operands = tuple(values)
    if not operands:
        raise ValueError("smallest of no values: it takes at least one")
    return smallest_(*operands)


def weighted_sum(weights: Iterable[Any], inputs: Iterable[Any], bias: Any = 0.0) -> Any:
    """w1 x1 + ... + wn xn + bias, as one node. Raises ValueError where the lengths differ.

    >>> weighted_sum([1.0, 2.0], [10.0, 100.0], 0.5)
    210.5
    """
    weights, inputs = tuple(weights), tuple(inputs)
    if len(weights) != len(inputs):
        raise ValueError(f"weighted_sum needs one input for each weight: got {len(weights)} weights and {len(inputs)} inputs")
    operands = (*weights, *inputs, bias)
    first = operands[0]  # most often a node: asking it is faster than a call with many operands
    return first.apply(weighted_sum_, operands) if isinstance(first, Node) else weighted_sum_(*operands)


def lookup(table: Any, i: Any) -> Any:
    """The row of a table at an index: `table[i]`, also where a recorded function does not know the integer `i` yet.

    Parameters
    ----------
    table : sequence
        Values and numbers, or rows of them, which are sequences of one length.
    i : int
        The index, from 0 to len(table) - 1. In a function that is being recorded it may be an argument of integer dtype, or one
        of its entries.

    Returns
    -------
    Value, float or sequence
        The entry or the row. In its derivative, what flows to a row adds up over all lookups of it, and nothing flows to the others.

    Raises
    ------
    IndexError
        If the index is out of range. Negative indices do not count from the end: -1 often stands for no entry at all.
    TypeError
        If the index is not an integer.

    Examples
    --------
    >>> lookup([[1.0, 2.0], [3.0, 4.0]], 1)
    [3.0, 4.0]
    """
    if isinstance(i, Node):
        return i.row_of(table)
    try:
        row = operator.index(i)
    except TypeError:
        raise TypeError(f"lookup takes an integer as index, got {type(i).__name__} {i!r:.60}") from None
    if not 0 <= row < len(table):
        raise IndexError(f"lookup at index {row} of a table with {len(table)} rows: the index goes from 0 to {len(table) - 1}")
    return table[row]


if not TYPE_CHECKING:  # a type checker reads the names above
    __all__ = [
        *(name for name in FUNCTIONS if name in globals()),
        "largest",
        "logsumexp",
        "lookup",
        "mean",
        "smallest",
        "total",
        "weighted_sum",
    ]
