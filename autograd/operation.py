"""Operation: a row of the table of operations.

A row is read with floats (eager evaluation), with numpy arrays (batches), with nodes of a graph (`Value`s for higher
derivatives, tracers for programs) and with symbols (formulas). A node defines in `Node.apply` what an operation does with it.
"""

from __future__ import annotations

import inspect
import math
import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd.errors import UndefinedError

SMALLEST = float(np.finfo(np.float32).tiny)
OR, AND, COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 9)  # precedences, as in mathematics


class Node:
    """Abstract: an operand other than a plain number or an array.

    If an operand is a `Node`, `operation(*operands)` returns `node.apply(operation, operands)`. `op` is the operation that made
    the node and `operands` are its operands, in order; a leaf has None and ().
    """

    __slots__ = ()
    op: Operation | None
    operands: tuple[Any, ...]

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        """Return the node for `op` applied to `operands`, which are nodes and real numbers."""
        raise NotImplementedError

    def row_of(self, table: Any) -> Any:
        """Return the row of a table at this index. Raises TypeError except for an integer of an example."""
        raise TypeError(f"lookup takes an integer as index, got {self!r:.60}: pass the index as an argument of integer dtype")


class Operation:
    """One row: how an operation is written, its value for floats and arrays, its partial derivatives, and its properties.

    A partial derivative is a constant, or a function of the result `y` and all the operands. A `variadic` row takes any
    number of operands and has one function that returns all its partial derivatives; `reduction` is the ufunc whose
    `reduce` computes it along an axis, if there is one. The operands of a commutative row may be in any order; `is_sum`
    marks the rows that sums consist of, `has_terms` the one whose operands `split_weighted_sum` splits, `is_product` the one whose partial
    derivative by each of its two operands is the other. A copy of a row is the row itself, and a pickle contains only its name.

    `selects` marks a row whose result is one of its operands, or a constant: a partial derivative of 0 then means "not chosen", and
    nothing is passed on to that operand, whatever its own derivatives are. `singular` marks a row whose value or partial derivative
    can be infinite or nan at ordinary operands; where that depends on a constant operand it is a function, see `is_singular`. The
    derivatives of a row with `normalised` are weights that add up to 1; they are divided by their sum, so that rounding cancels.

    `methods` are faster than `Node.apply`: for rows of one operand, and by kind of node. Four properties are derived from the partial
    derivatives: `is_linear` if all are constant; `flat`, the indices of the operands whose derivative is 0 everywhere; `is_simple` if
    there are one or two of them, all constant or all functions; and `is_switch` if the row selects its only operand or a constant, as
    relu does.

    >>> cube = Operation("cube", lambda x: x**3, lambda x: x**3, lambda y, x: 3 * x * x)
    >>> cube(2.0), cube.describe([2.0]), cube.partials_at(8.0, [2.0])
    (8.0, 'cube(2.0)', [12.0])
    """

    def __init__(
        self,
        name: str,
        on_floats: Callable[..., float],
        on_arrays: Callable[..., Any],
        *partials: float | Callable[..., Any],
        symbol: str = "",
        precedence: int = ATOM,
        is_condition: bool = False,
        is_commutative: bool = False,
        is_sum: bool = False,
        has_terms: bool = False,
        is_product: bool = False,
        variadic: bool = False,
        reduction: np.ufunc | None = None,
        selects: bool = False,
        singular: bool | Callable[..., bool] = False,
        normalised: bool = False,
        is_special: bool = False,
        internal: bool = False,
        saturates: bool = False,
        domain: str = "",
    ) -> None:
        self.name, self.symbol, self.precedence = name, symbol or name, precedence
        self.on_floats, self.on_arrays = on_floats, on_arrays
        self.partials = tuple(each if callable(each) else float(each) for each in partials)
        self.is_condition, self.is_commutative, self.is_sum, self.has_terms = is_condition, is_commutative, is_sum, has_terms
        self.is_product, self.variadic, self.arity, self.reduction = is_product, variadic, len(partials), reduction
        self.selects, self.singular, self.normalised = selects, singular, normalised
        self.is_special, self.internal = is_special, internal
        self.saturates, self.domain = saturates, domain
        self.is_linear = all(isinstance(each, float) for each in self.partials)
        self.is_simple = not variadic and not selects and len(partials) <= 2 and (self.is_linear or all(map(callable, partials)))
        self.is_switch = selects and not variadic and len(partials) == 1
        self.flat = frozenset(index for index, each in enumerate(self.partials) if each == 0.0)
        self.methods: dict[type[Node], Callable[[Any], Any]] = {}
        self.__name__ = self.__qualname__ = name
        self.__doc__ = f"{name}: of real numbers, numpy arrays, or Values; returns the same kind."

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __call__(self, *operands: Any) -> Any:
        """Apply to real numbers (returns a float), arrays (broadcast; returns an array) or nodes (returns a node).

        Raises TypeError for other operands, and UndefinedError for floats outside the domain.
        """
        if len(operands) != self.arity and not self.variadic:
            raise TypeError(f"{self.name} takes {self.arity} operand(s), got {len(operands)}")
        mixed = False
        for operand in operands:
            if type(operand) is not float:
                if isinstance(operand, Node):
                    method = self.methods.get(type(operand))
                    return operand.apply(self, operands) if method is None else method(operand)
                mixed = True
        if not mixed:
            try:
                return self.on_floats(*operands)
            except (ArithmeticError, ValueError):
                return self.value(*operands)
        if any(isinstance(operand, (np.ndarray, np.generic)) for operand in operands):
            arrays = [real_array(operand) for operand in operands]
            if any(isinstance(array, np.ndarray) and array.dtype == object for array in arrays):
                return self.by_entry(arrays)
            return self.on_arrays(*arrays)
        return self.value(*map(real, operands))

    def by_entry(self, operands: Sequence[Any]) -> Any:
        """Apply to arrays that hold nodes, one entry at a time: every node then gets this very row, with its derivatives."""
        return np.frompyfunc(self, len(operands), 1)(*operands)

    def value(self, *operands: float) -> float:
        """The value for floats. Overflow gives infinity; outside the domain UndefinedError names the operation and the operands."""
        try:
            return self.on_floats(*operands)
        except OverflowError:
            return self.ieee_value(*operands)
        except (ValueError, ZeroDivisionError):
            raise UndefinedError(
                f"{self.describe(operands)} is undefined (IEEE arithmetic would give {self.ieee_value(*operands)}): "
                f"keep the operands inside the domain, for instance with maximum(x, 1e-12) or where(...)"
            ) from None

    def ieee_value(self, *operands: float) -> float:
        """The value by the rules of IEEE 754: infinities and NaNs instead of exceptions."""
        with np.errstate(all="ignore"):
            return float(self.on_arrays(*map(np.float64, operands)))

    def partials_at(self, result: Any, operands: Sequence[Any], needed: Iterable[bool] | None = None) -> list[Any]:
        """The partial derivative by each operand, for floats (by the rules of IEEE 754), arrays, nodes or symbols.

        `needed` is a bool per operand; the derivatives that are not needed may be 0.
        """
        if self.variadic:
            weights = self.weights_at(result, operands)
            return _normalised(weights) if self.normalised else weights
        wanted = [True] * len(operands) if needed is None else needed
        return [_read(rule, result, operands) if want else 0.0 for rule, want in zip(self.partials, wanted)]

    def passes_on(self, index: int, partial: Any) -> bool:
        """Whether a sweep passes anything on to an operand: not where the row is flat in it, or chose another operand."""
        return index not in self.flat and not (self.selects and partial == 0)

    def weights_at(self, result: Any, operands: Sequence[Any]) -> list[Any]:
        """The partial derivatives of a variadic row, before those of a `normalised` one are divided by their sum."""
        if self.normalised and not self.selects:  # where all operands are -inf, so that their weights are 0 and not nan
            result = TABLE["where"](result == -math.inf, 0.0, result)
        return list(_read(self.partials[0], result, operands))

    def is_singular(self, known: Sequence[float | None]) -> bool:
        """Whether the value or a partial derivative can be infinite or nan, given the operands that are constants (None for others)."""
        return self.singular(*known) if callable(self.singular) else self.singular

    def describe(self, operands: Sequence[object]) -> str:
        """The operation and its operands as text: `2.0 + 3.0`, `tanh(0.5)`."""
        words = [str(operand) for operand in operands]
        if len(words) > 8:
            words = [*words[:4], "...", *words[-2:]]
        if self.precedence == ATOM:
            return f"{self.name}({', '.join(words)})"
        return f" {self.symbol} ".join(words) if len(words) == 2 else f"{self.symbol}{words[0]}"

    def __copy__(self) -> Operation:
        return self

    def __deepcopy__(self, _: object) -> Operation:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        if TABLE.get(self.name) is self:
            return _row_named, (self.name,)
        found: Any = sys.modules.get(self.__module__)
        for part in self.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is not self:
            raise pickle.PicklingError(
                f"{self!r} has nothing to pickle but its name, and {self.__module__}.{self.__qualname__} is not it: "
                f"define a primitive at the top level of a module"
            )
        return str(self.__qualname__)


TABLE: dict[str, Operation] = {}  # every row by its name


def _row_named(name: str) -> Operation:
    return TABLE[name]


def _read(rule: float | Callable[..., Any], y: Any, operands: Sequence[Any]) -> Any:
    """Evaluate a rule: for floats it returns floats, by the rules of IEEE 754 where Python raises."""
    if not callable(rule):
        return rule
    try:
        found = rule(y, *operands)
    except (ArithmeticError, ValueError):
        with np.errstate(all="ignore"):
            found = rule(*[np.float64(each) if type(each) is float else each for each in (y, *operands)])
        if isinstance(found, (list, tuple)):
            return [float(each) if isinstance(each, (np.ndarray, np.generic)) else each for each in found]
    is_number = isinstance(found, (bool, np.generic)) or (type(y) is float and isinstance(found, np.ndarray))
    return float(found) if is_number else found


def _normalised(weights: list[Any]) -> list[Any]:
    """Divide weights by their sum; weights that are all 0 stay 0."""
    total, maximum = TABLE["total"], TABLE["maximum"]
    size = maximum(total(*weights), SMALLEST)
    return [each / size for each in weights]


def real(operand: Any) -> float:
    """Convert a real number to a float; raise TypeError for anything else, including strings and complex numbers."""
    if type(operand) is float:
        return operand
    if isinstance(operand, (str, bytes, Node, complex, np.complexfloating)) or not hasattr(operand, "__float__"):
        raise TypeError(f"expected a real number, an array or a Value, got {type(operand).__name__} {operand!r:.60}")
    return float(operand)


def real_array(operand: Any) -> Any:
    """Convert an array operand to float64; float32 and arrays of objects stay as they are, and other operands become floats."""
    if isinstance(operand, (np.ndarray, np.generic)):
        if operand.dtype.kind not in "biufO":
            raise TypeError(f"expected an array of real numbers, got one of {operand.dtype}")
        return operand if operand.dtype in (np.float64, np.float32, object) else operand.astype(np.float64)
    return real(operand)


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with `count` operands; True if its signature is not known."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        pass  # some built-in functions have no signature
    return True


def primitive(*partials: float | Callable[..., Any]) -> Callable[[Callable[..., Any]], Operation]:
    """Make a function an operation, with a given partial derivative for each operand.

    Parameters
    ----------
    *partials : float or callable
        One for each operand of the function: a constant, or a function `(y, *operands)` of the result and the operands. Write
        it, and the decorated function, with the functions of `autograd`: then they can be compiled and differentiated again.

    Returns
    -------
    callable
        The decorator. The decorated function takes floats, arrays and Values, and is one node in a graph.

    Raises
    ------
    TypeError
        If there are no partial derivatives, or if one of them, or the function, takes another number of operands.

    Examples
    --------
    >>> @primitive(lambda y, x: 3 * x**2)
    ... def cube(x):
    ...     return x * x * x
    >>> cube(2.0)
    8.0
    """
    for each in partials:
        if not callable(each) and not isinstance(each, (int, float)):
            raise TypeError(f"a partial derivative is a function or a number, got {each!r}; write @primitive(lambda y, x: ...)")
    if not partials:
        raise TypeError("primitive needs one partial derivative for each operand; write @primitive(lambda y, x: ...)")
    for each in filter(callable, partials):
        if not _takes(each, 1 + len(partials)):
            raise TypeError(
                f"a partial derivative takes the result y and the {len(partials)} operand(s), one for each derivative given: "
                f"write @primitive(lambda y, x: ...), or for two operands @primitive(lambda y, a, b: ..., lambda y, a, b: ...)"
            )

    def decorate(function: Callable[..., Any]) -> Operation:
        if not callable(function) or not _takes(function, len(partials)):
            name = getattr(function, "__name__", repr(function))
            raise TypeError(f"primitive has {len(partials)} partial derivative(s), one for each operand, and {name} does not take as many")
        op = Operation(function.__name__, function, function, *partials, singular=True)
        op.__module__, op.__qualname__, op.__doc__ = function.__module__, function.__qualname__, function.__doc__
        op.__wrapped__ = function  # type: ignore[attr-defined]
        return op

    return decorate
