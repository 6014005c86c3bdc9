"""Value: a number that remembers how it was made.

A graph is a Value, its `operands`, their operands, and so on: ordered tuples of Values and plain floats
(constants). It points from results to operands only, so dropping the last name of a result frees it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

from autograd import copying, interop, modes, ops
from autograd.backward import backward
from autograd.interop import Expression, Method
from autograd.modes import TraceError, mode
from autograd.ops import Operation

_new = object.__new__


def _result(data: float, op: Operation, first: Any, second: Any = None) -> Value:
    """The Value that `op` makes of one or two operands, or a tuple of more, without the checks that a user's own needs."""
    node = _new(Value)
    node.data = data
    node.grad = 0.0
    node.op = op
    node._first = first
    node._second = second
    node.label = ""
    if modes.watchers:
        modes.check_value(node)
    return node


def _binary(op: Operation) -> tuple[Method, Method]:
    """The two methods of an operator: a short way for Values and plain numbers, the general one for the rest."""
    on_floats, (general, general_reflected) = op.on_floats, interop.binary(op)

    def method(self: Any, other: Any) -> Any:
        kind = type(other)
        try:
            if kind is Value:
                data = on_floats(self.data, other.data)
            elif kind is float or kind is int:
                other = float(other)
                data = on_floats(self.data, other)
            else:
                return general(self, other)
        except (ArithmeticError, ValueError):
            return general(self, other)  # which says what is wrong
        node = _new(Value)  # as in _result, which would cost a tenth more to call, for the most usual nodes
        node.data, node.grad, node.label = data, 0.0, ""
        node.op, node._first, node._second = op, self, other
        if modes.watchers:
            modes.check_value(node)
        return node

    def reflected(self: Any, other: Any) -> Any:
        if type(other) is float or type(other) is int:
            try:
                other = float(other)
                return _result(on_floats(other, self.data), op, other, self)
            except (ArithmeticError, ValueError):
                pass
        return general_reflected(self, other)

    return method, reflected


def _unary(op: Operation) -> Callable[[Any], Any]:
    on_floats = op.on_floats

    def method(self: Any) -> Any:
        try:
            return _result(on_floats(self.data), op, self)
        except (ArithmeticError, ValueError):
            return op(self)

    return method


def _comparison(op: Operation) -> Callable[[Any, Any], Any]:
    """A comparison of data; while a program is recorded, a node, since the numbers will be others when it runs."""
    compare = op.on_floats

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, (Value, Real)):
            return NotImplemented
        return op(self, other) if mode.recording else compare(self.data, other.data if isinstance(other, Value) else other)

    return method


class Value(Expression):
    """A number in a computation graph: a leaf made by the user, or the result of an operation.

    `data` is the number and `grad` the derivative of the last `backward()`'s output by it, both floats;
    `op` is the operation that made it (None for a leaf), `operands` what it was applied to: Values, and
    floats for constants. Comparisons and truth look at `data`; hashes at identity. There is no
    `__float__`: a function that wants a float, such as `math.exp`, would drop the graph, and raises TypeError.

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> y.data, x.grad
    (10.0, 6.0)
    """

    __slots__ = ("_first", "_line", "_second", "data", "grad", "label", "op")
    data: float
    grad: float
    op: Operation | None
    label: str
    _first: Any  # one or two operands lie in two slots, and only more in a tuple: every container
    _second: Any  # that a node holds on to is one more for the garbage collector to walk
    _line: str

    def __init__(self, data: float, label: str = "") -> None:
        """A leaf. Raises TypeError where `data` is not a real number."""
        self.data, self.grad, self.op, self.label = data if type(data) is float else interop.one_number(data), 0.0, None, label
        self._first, self._second = (), None

    @property
    def operands(self) -> tuple[Value | float, ...]:  # type: ignore[override]
        """What the operation was applied to, in order; () for a leaf."""
        first, second = self._first, self._second
        if second is not None:
            return (first, second)
        return first if type(first) is tuple else (first,)

    # fmt: off
    __add__, __radd__         = _binary(ops.add)
    __sub__, __rsub__         = _binary(ops.subtract)
    __mul__, __rmul__         = _binary(ops.multiply)
    __truediv__, __rtruediv__ = _binary(ops.divide)
    __pow__, __rpow__         = _binary(ops.power)
    __neg__, __abs__          = _unary(ops.negative),         _unary(ops.absolute)
    __lt__, __le__            = _comparison(ops.less),        _comparison(ops.less_equal)
    __gt__, __ge__            = _comparison(ops.greater),     _comparison(ops.greater_equal)
    __eq__, __ne__            = _comparison(ops.equal),       _comparison(ops.not_equal)
    __hash__                  = object.__hash__
    # fmt: on

    def __bool__(self) -> bool:
        if mode.recording:
            raise TraceError(
                f"the truth of a Value in a traced function, at {modes.user_line()}: the program is recorded once, and parameters "
                f"change. Use where(condition, a, b), maximum or minimum."
            )
        return self.data != 0

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value({self.data!r}, grad={self.grad!r}{label})"

    def __format__(self, specification: str) -> str:
        return format(self.data, specification) if specification else str(self)

    def __copy__(self) -> Any:
        return copying.twin(self)

    def __reduce_ex__(self, _: object) -> tuple[Any, ...]:
        return copying.parts(self)

    def named(self) -> str:
        """The number, behind its label where there is one, for messages."""
        return f"{self.label}={self.data}" if self.label else str(self.data)

    @property
    def line(self) -> str | None:
        """The user's source line that made this node, as `file:line`, where anomaly mode was on; else None."""
        return getattr(self, "_line", None)

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        numbers: list[float] = []
        for operand in operands:
            if type(operand) is Value:
                numbers.append(operand.data)
            elif type(operand) is float:
                numbers.append(operand)
            else:
                return interop.apply_mixed(Value, op, operands)
        try:
            data = op.on_floats(*numbers)
        except (ArithmeticError, ValueError):
            data = op.ieee_value(*numbers) if mode.sweeping else op.value(*numbers)
        if type(data) is not float:
            data = ops.real(data)
        if len(operands) > 2:
            return _result(data, op, operands)
        return _result(data, op, operands[0], operands[1] if len(operands) == 2 else None)

    def backward(self) -> None:
        """Set `grad` throughout this Value's graph: the derivative of this Value by each node.

        Leaves accumulate over calls (see `zero_grad`), inner nodes are overwritten. Where a derivative is
        infinite or undefined it is inf or nan; under `anomaly()` the first one raises FloatingPointError.
        """
        backward(self)


def make_constant(leaf: Value) -> None:
    """Make a leaf a constant of the graph that it is in, the identity of its own number: nobody's to differentiate by any more."""
    leaf.op, leaf._first = ops.identity, leaf.data


for _name, _op in interop.functions():
    setattr(Value, _name, _unary(_op) if _op.arity == 1 else _binary(_op)[0])
