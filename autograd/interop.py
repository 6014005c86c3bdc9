"""Operators and methods of all nodes, and how nodes work together with numpy and with other kinds of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd import ops
from autograd.errors import TraceError
from autograd.modes import mode
from autograd.ops import Node, Operation

Method = Callable[[Any, Any], Any]
SYMBOLS: set[type] = set()  # the kinds of nodes that stand for numbers that are not known yet


def binary(op: Operation) -> tuple[Method, Method]:
    """The two methods of an infix operator: with the node on its left, and on its right."""

    def method(self: Any, other: Any) -> Any:
        return op(self, other) if isinstance(other, (Real, Node, np.ndarray)) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        return op(other, self) if isinstance(other, (Real, Node, np.ndarray)) else NotImplemented

    return method, reflected


def unary(op: Operation) -> Callable[[Any], Any]:
    return lambda self: op(self)


def _condition(op: Operation) -> Method:
    return lambda self, other: op(self, other)


class Expression(Node):
    """Abstract: a node with operators and methods, each the row of the table with its symbol or its name.

    numpy finds them too: a ufunc on an object array calls the method of that name on each element.
    """

    __slots__ = ()

    # fmt: off
    __add__, __radd__         = binary(ops.add)
    __sub__, __rsub__         = binary(ops.subtract)
    __mul__, __rmul__         = binary(ops.multiply)
    __truediv__, __rtruediv__ = binary(ops.divide)
    __pow__, __rpow__         = binary(ops.power)
    __neg__, __abs__          = unary(ops.negative),       unary(ops.absolute)
    __and__, __or__           = _condition(ops.logical_and), _condition(ops.logical_or)
    __rand__, __ror__         = __and__, __or__
    __invert__                = unary(ops.logical_not)
    __lt__, __le__            = _condition(ops.less),       _condition(ops.less_equal)
    __gt__, __ge__            = _condition(ops.greater),    _condition(ops.greater_equal)
    __eq__, __ne__            = _condition(ops.equal),      _condition(ops.not_equal)
    __hash__                  = object.__hash__
    # fmt: on

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Any]:
            """The functions of the table are methods, put in below."""

    def __pos__(self) -> Any:
        return self

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """What numpy asks when one of its functions, or an array or numpy number on the left, meets a node."""
        op = BY_UFUNC.get(ufunc) if method == "__call__" and not options else None
        if op is None and (method != "__call__" or any(isinstance(each, np.ndarray) for each in inputs)):
            return getattr(ufunc, method)(*map(_boxed, inputs), **options)
        if op is None and all(isinstance(each, (Node, Real)) for each in inputs):
            raise TypeError(f"numpy's {ufunc.__name__} does not take Values: use autograd's functions, such as exp, log and maximum")
        return NotImplemented if op is None else op(*inputs)


BY_UFUNC = {op.on_arrays: op for op in ops.TABLE.values() if isinstance(op.on_arrays, np.ufunc)}


def functions() -> Iterator[tuple[str, Operation]]:
    """The functions of one and two numbers, by their own names and by numpy's (asin, arcsin)."""
    for op in ops.TABLE.values():
        if op.precedence == ops.ATOM and not op.variadic and op.arity <= 2:
            numpys = op.on_arrays.__name__ if isinstance(op.on_arrays, np.ufunc) else op.name
            yield from {op.name: op, numpys: op}.items()


for _name, _op in functions():
    setattr(Expression, _name, unary(_op) if _op.arity == 1 else binary(_op)[0])


def one_number(data: Any) -> float:
    """What a leaf holds, as a float. Raises TypeError for anything but a real number: of a list, or a node, it says what to write."""
    if isinstance(data, (list, tuple)) or (isinstance(data, np.ndarray) and data.ndim):
        raise TypeError(f"a Value holds one number, got {type(data).__name__} {data!r:.60}: write [Value(number) for number in ...]")
    if isinstance(data, Node):
        if mode.recording:
            raise TraceError(
                f"a Value holds one number, got {data!r:.60}, which a recorded function does not know: compute with it as it is"
            )
        raise TypeError(f"a Value holds one number, got {data!r:.60}: for a leaf of the same number write Value(x.data)")
    return ops.real(data)


def _boxed(operand: Any) -> Any:
    """A node as an array of no dimensions, which numpy then handles as it does any object array."""
    if not isinstance(operand, Node):
        return operand
    box = np.empty((), dtype=object)
    box[()] = operand
    return box


def apply_mixed(kind: type[Node], op: Operation, operands: tuple[Any, ...]) -> Any:
    """`kind.apply` where some operand is neither of that kind nor a float: an array, another node, another kind of number."""
    if any(isinstance(operand, np.ndarray) for operand in operands):
        operands = tuple([each.item() if isinstance(each, np.ndarray) and not each.ndim else each for each in operands])
        if any(isinstance(operand, np.ndarray) for operand in operands):
            return op.by_entry([_boxed(operand) for operand in operands])
        return op(*operands)
    for operand in operands:
        if isinstance(operand, Node) and not isinstance(operand, kind):
            return operand.apply(op, operands)
    return kind.apply(op, tuple([each if isinstance(each, kind) else ops.real(each) for each in operands]))
