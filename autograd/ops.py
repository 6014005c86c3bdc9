"""The table of operations: each row gives a value and its partial derivatives, once, for every reading.

A row is read with floats (eager evaluation), with numpy arrays (whole batches), and with nodes of a
graph: `Value`s (higher derivatives) or tracers (programs). Nothing here knows what a node does with
an operation; a node only says so itself, through `Node.apply`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd import functions as fn


class Node:
    """Abstract: something an operation can be applied to besides plain numbers and arrays.

    Any `Node` among the operands makes `operation(*operands)` return `node.apply(operation, operands)`.
    A node made by an operation has it in `op` and its operands, in order, in `operands`; a leaf has `None` and `()`.
    """

    __slots__ = ()
    op: Operation | None
    operands: tuple[Any, ...]

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        """The node that stands for `op` applied to `operands` (nodes and real numbers)."""
        raise NotImplementedError


SYMBOLS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "negative": "-",
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
    "logical_and": "&", "logical_or": "|", "logical_not": "~",
}  # fmt: skip


class UndefinedError(ValueError, ZeroDivisionError):
    """An operation met floats outside its domain: `log(-1.0)`, `1.0 / 0.0`."""


class Operation:
    """One row: a name, the value on floats and on arrays, and the partial derivative for each operand.

    A partial derivative is a constant, or a function of the result `y` and all the operands. A `variadic`
    row takes any number of operands, and has one function that returns all its partial derivatives.
    """

    def __init__(
        self,
        name: str,
        on_floats: Callable[..., float],
        on_arrays: Callable[..., Any],
        *partials: float | Callable[..., Any],
        variadic: bool = False,
    ) -> None:
        self.name, self.symbol = name, SYMBOLS.get(name, name)
        self.on_floats, self.on_arrays = on_floats, on_arrays
        self.partials = tuple(each if callable(each) else float(each) for each in partials)
        self.variadic = variadic
        self.is_linear = all(isinstance(each, float) for each in self.partials)
        self.__name__ = self.__qualname__ = name
        self.__doc__ = f"{name}: of real numbers, numpy arrays, or Values; returns the same kind."

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __copy__(self) -> Operation:
        return self

    def __deepcopy__(self, _: object) -> Operation:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickled by name: a row by its own, a primitive by that of the function in its module."""
        return (_row_named, (self.name,)) if ROWS.get(self.name) is self else self.__qualname__

    def __call__(self, *operands: Any) -> Any:
        """Apply to real numbers (gives a float), arrays (broadcast; gives an array) or nodes (gives a node).

        Raises TypeError for anything else, and ValueError or ZeroDivisionError outside the domain on floats.
        """
        return self.of(operands)

    def of(self, operands: tuple[Any, ...]) -> Any:
        """The same, of a tuple of operands."""
        if not self.variadic and len(operands) != len(self.partials):
            raise TypeError(f"{self.name} takes {len(self.partials)} operand(s), got {len(operands)}")
        arrays = False
        for operand in operands:
            if type(operand) is not float:
                if isinstance(operand, Node):
                    return operand.apply(self, operands)
                arrays = arrays or isinstance(operand, (np.ndarray, np.generic))
        return self.on_arrays(*map(real_array, operands)) if arrays else self.evaluate(*map(real, operands))

    def evaluate(self, *operands: float) -> float:
        """The value on floats. Overflow gives an infinity; a domain error names the operation and the operands."""
        try:
            return self.on_floats(*operands)
        except OverflowError:
            return self.ieee(*operands)
        except (ValueError, ZeroDivisionError):
            raise UndefinedError(
                f"{self.describe(operands)} is undefined (IEEE arithmetic would give {self.ieee(*operands)}): "
                f"keep the operands inside the domain, for instance with maximum(x, 1e-12) or where(...)"
            ) from None

    def ieee(self, *operands: float) -> float:
        """The value as IEEE 754 arithmetic has it: infinities and NaNs instead of exceptions."""
        with np.errstate(all="ignore"):
            return float(self.on_arrays(*map(np.float64, operands)))

    def describe(self, operands: Sequence[object]) -> str:
        """The operation applied to the operands, as one would write it: `2.0 + 3.0`, `tanh(0.5)`."""
        words = [str(operand) for operand in operands]
        if len(words) > 8:
            words = [*words[:4], "...", *words[-2:]]
        if self.symbol == self.name or self.variadic:
            return f"{self.name}({', '.join(words)})"
        return f" {self.symbol} ".join(words) if len(words) == 2 else f"{self.symbol}{words[0]}"


def real(operand: Any) -> float:
    """A real number as a float; raises TypeError for anything else, strings and complex numbers included."""
    if type(operand) is float:
        return operand
    if isinstance(operand, (str, bytes)) or not hasattr(operand, "__float__"):
        raise TypeError(f"expected a real number, an array or a Value, got {type(operand).__name__} {operand!r:.60}")
    return float(operand)


def real_array(operand: Any) -> Any:
    """An array operand, integers as float64 so that no operation truncates; other kinds as they are."""
    if isinstance(operand, (np.ndarray, np.generic)):
        if operand.dtype.kind not in "biufO":
            raise TypeError(f"expected an array of real numbers, got one of {operand.dtype}")
        return operand.astype(np.float64) if operand.dtype.kind in "iu" else operand
    return real(operand)


# Partial derivatives that need more than an expression.


def _weighted_sum_partials(_: Any, *v: Any) -> tuple[Any, ...]:
    n = len(v) // 2
    return (*v[n:-1], *v[:n], 1.0)  # each weight's partial is the input it meets, each input's is its weight


def _power_base(_: Any, a: Any, b: Any) -> Any:
    """b a^(b-1), with 0 (not 0 * inf) for a^0 at a = 0, so that polynomials have gradients at 0."""
    base = a if type(b) is float and b != 0 else where((a == 0) & (b == 0), 1.0, a)
    return b * power(base, b - 1)


def _power_exponent(y: Any, a: Any, _: Any) -> Any:
    """y log(a), with 0 (not 0 * -inf) at a = 0."""
    return y * log(where(a == 0, 1.0, a))


def _one_minus_square(x: Any) -> Any:
    """1 - x^2 without cancellation near |x| = 1, in a form whose own derivative is exact near 0."""
    return where(abs(x) < 0.5, 1 - x * x, (1 - x) * (1 + x))


def _above(_: Any, a: Any, b: Any) -> Any:
    """1 where a > b, 0 where a < b, and a half each where they tie."""
    return (a > b) + (a == b) / 2


def _below(_: Any, a: Any, b: Any) -> Any:
    return (a < b) + (a == b) / 2


row = Operation
sign: Operation
cos: Operation  # these stand in rows above their own
cosh: Operation
sech_squared: Operation
logistic_pdf: Operation

# fmt: off
#                   name             on floats         on arrays               partial derivatives, given the result y
identity      = row("identity",      lambda x: x,      np.positive,            1.0)
add           = row("add",           operator.add,     np.add,                 1.0, 1.0)
subtract      = row("subtract",      operator.sub,     np.subtract,            1.0, -1.0)
multiply      = row("multiply",      operator.mul,     np.multiply,            lambda y, a, b: b, lambda y, a, b: a)
divide        = row("divide",        operator.truediv, np.divide,              lambda y, a, b: 1 / b, lambda y, a, b: -y / b)
power         = row("power",         math.pow,         np.power,               _power_base, _power_exponent)
negative      = row("negative",      operator.neg,     np.negative,            -1.0)
absolute      = row("abs",           abs,              np.absolute,            lambda y, x: sign(x))
sign          = row("sign",          fn.sign,          np.sign,                0.0)
exp           = row("exp",           math.exp,         np.exp,                 lambda y, x: y)
log           = row("log",           math.log,         np.log,                 lambda y, x: 1 / x)
log1p         = row("log1p",         math.log1p,       np.log1p,               lambda y, x: 1 / (1 + x))
expm1         = row("expm1",         math.expm1,       np.expm1,               lambda y, x: exp(x))
sqrt          = row("sqrt",          math.sqrt,        np.sqrt,                lambda y, x: 0.5 / y)
sin           = row("sin",           math.sin,         np.sin,                 lambda y, x: cos(x))
cos           = row("cos",           math.cos,         np.cos,                 lambda y, x: -sin(x))
tan           = row("tan",           math.tan,         np.tan,                 lambda y, x: 1 + y * y)
asin          = row("asin",          math.asin,        np.arcsin,              lambda y, x: 1 / sqrt(_one_minus_square(x)))
acos          = row("acos",          math.acos,        np.arccos,              lambda y, x: -1 / sqrt(_one_minus_square(x)))
atan          = row("atan",          math.atan,        np.arctan,              lambda y, x: 1 / (1 + x * x))
sinh          = row("sinh",          math.sinh,        np.sinh,                lambda y, x: cosh(x))
cosh          = row("cosh",          math.cosh,        np.cosh,                lambda y, x: sinh(x))
tanh          = row("tanh",          math.tanh,        np.tanh,                lambda y, x: sech_squared(x))  # 1 - y^2, exact
sigmoid       = row("sigmoid",       fn.sigmoid,       fn.sigmoid_arrays,      lambda y, x: logistic_pdf(x))  # y (1 - y), exact
sech_squared  = row("sech_squared",  fn.sech_squared,  fn.sech_squared_arrays, lambda y, x: -2 * tanh(x) * y)
logistic_pdf  = row("logistic_pdf",  fn.logistic_pdf,  fn.logistic_pdf_arrays, lambda y, x: -tanh(x / 2) * y)
fmin          = row("fmin",          fn.fmin,          np.fmin,                lambda y, a, b: a <= b, lambda y, a, b: b < a)
softplus      = row("softplus",      fn.softplus,      fn.softplus_arrays,     lambda y, x: sigmoid(x))
relu          = row("relu",          fn.relu,          fn.relu_arrays,         lambda y, x: x > 0)
erf           = row("erf",           math.erf,         fn.erf_arrays,          lambda y, x: 2 / math.sqrt(math.pi) * exp(-x * x))
maximum       = row("maximum",       fn.maximum,       np.maximum,             _above, _below)
minimum       = row("minimum",       fn.minimum,       np.minimum,             _below, _above)
where         = row("where",         fn.where,         np.where,               0.0, lambda y, c, a, b: c != 0, lambda y, c, a, b: c == 0)
less          = row("less",          operator.lt,      np.less,                0.0, 0.0)
less_equal    = row("less_equal",    operator.le,      np.less_equal,          0.0, 0.0)
greater       = row("greater",       operator.gt,      np.greater,             0.0, 0.0)
greater_equal = row("greater_equal", operator.ge,      np.greater_equal,       0.0, 0.0)
equal         = row("equal",         operator.eq,      np.equal,               0.0, 0.0)
not_equal     = row("not_equal",     operator.ne,      np.not_equal,           0.0, 0.0)
logical_and   = row("logical_and",   fn.both,          np.logical_and,         0.0, 0.0)
logical_or    = row("logical_or",    fn.either,        np.logical_or,          0.0, 0.0)
logical_not   = row("logical_not",   operator.not_,    np.logical_not,         0.0)
sum_          = row("total",         fn.total,         fn.total_arrays,        lambda y, *x: [1.0] * len(x), variadic=True)
logsumexp_    = row("logsumexp",     fn.logsumexp,     fn.logsumexp_arrays,    lambda y, *x: [exp(v - y) for v in x], variadic=True)
weighted_sum_ = row("weighted_sum",  fn.weighted_sum,  fn.weighted_sum_arrays, _weighted_sum_partials, variadic=True)
# fmt: on

ROWS = {each.name: each for each in list(globals().values()) if isinstance(each, Operation)}


def _row_named(name: str) -> Operation:
    return ROWS[name]


def total(values: Iterable[Any]) -> Any:
    """The sum of a sequence, as one node; 0.0 for an empty one."""
    operands = tuple(values)
    return sum_.of(operands) if operands else 0.0


def mean(values: Iterable[Any]) -> Any:
    """The arithmetic mean of a sequence. Raises ValueError for an empty one."""
    operands = tuple(values)
    if not operands:
        raise ValueError("mean of no values: it takes at least one")
    return sum_(*operands) / len(operands)


def logsumexp(values: Iterable[Any]) -> Any:
    """log(sum(exp(v))), stable at any size, as one node. Raises ValueError for an empty sequence."""
    operands = tuple(values)
    if not operands:
        raise ValueError("logsumexp of no values: it takes at least one")
    return logsumexp_.of(operands)


def weighted_sum(weights: Iterable[Any], inputs: Iterable[Any], bias: Any = 0.0) -> Any:
    """w1 x1 + ... + wn xn + bias, as one node. Raises ValueError where the lengths differ."""
    weights, inputs = tuple(weights), tuple(inputs)
    if len(weights) != len(inputs):
        raise ValueError(f"weighted_sum needs one input for each weight: got {len(weights)} weights and {len(inputs)} inputs")
    return weighted_sum_.of((*weights, *inputs, bias))


def primitive(*partials: float | Callable[..., Any]) -> Callable[[Callable[..., Any]], Operation]:
    """Make a function an operation of its own, given its partial derivative for each operand.

    A partial derivative is a constant or a function of the result and the operands, written with
    the library's functions, so that it can be differentiated in turn; so is the function itself.

    >>> @primitive(lambda y, x: 3 * x**2)
    ... def cube(x):
    ...     return x * x * x
    >>> cube(2.0)
    8.0
    """
    for partial in partials:
        if not callable(partial) and not isinstance(partial, (int, float)):
            raise TypeError(f"a partial derivative is a function or a number, got {partial!r}; write @primitive(lambda y, x: ...)")
    if not partials:
        raise TypeError("primitive needs one partial derivative for each operand; write @primitive(lambda y, x: ...)")

    def decorate(function: Callable[..., Any]) -> Operation:
        op = Operation(function.__name__, function, function, *partials)
        op.__doc__, op.__wrapped__ = function.__doc__, function  # type: ignore[attr-defined]
        op.__module__, op.__qualname__ = function.__module__, function.__qualname__
        return op

    return decorate
