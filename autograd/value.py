"""Value: a number that records how it was computed.

A graph consists of a Value, its `operands`, their operands, and so on: ordered tuples of Values and plain floats
(constants). It has references from results to operands only, so a result is freed when its last name is deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

from autograd import copying, interop, modes, ops
from autograd._fast_backward import backward
from autograd.errors import UndefinedError
from autograd.hints import hint
from autograd.interop import SYMBOLS, Expression, Method
from autograd.modes import mode
from autograd.ops import Operation

_new = object.__new__


def _result(data: float, op: Operation, first: Any, second: Any = None) -> Value:
    """Make the result of `op` for one or two operands, or for a tuple of more. The operands are not checked."""
    node = _new(Value)
    node._number = data
    node._grad = 0.0
    node.op = op
    node._first = first
    node._second = second
    if modes.watchers:
        modes.check_value(node)
    return node


def _binary(op: Operation) -> tuple[Method, Method]:
    """The two methods of an operator: a fast path for Values and plain numbers, the general one for other operands."""
    on_floats, (general, general_reflected) = op.on_floats, interop.binary(op)
    is_operator = op.precedence != ops.ATOM

    def method(self: Any, other: Any) -> Any:
        kind = type(other)
        try:
            if kind is Value:
                data = on_floats(self._number, other._number)
            elif kind is float or kind is int:
                other = float(other)
                data = on_floats(self._number, other)
            elif is_operator and kind in SYMBOLS:
                return NotImplemented  # the symbol's method is faster for it
            else:
                return general(self, other)
        except (ArithmeticError, ValueError):
            return general(self, other)  # raises the error
        node = _new(Value)  # as in _result: a call of it takes a tenth longer, and most nodes are made here
        node._number, node._grad = data, 0.0
        node.op, node._first, node._second = op, self, other
        if modes.watchers:
            modes.check_value(node)
        return node

    def reflected(self: Any, other: Any) -> Any:
        if type(other) is float or type(other) is int:
            try:
                other = float(other)
                return _result(on_floats(other, self._number), op, other, self)
            except (ArithmeticError, ValueError):
                pass
        return general_reflected(self, other)

    return method, reflected


def _unary(op: Operation) -> Callable[[Any], Any]:
    on_floats = op.on_floats

    def method(self: Any) -> Any:
        try:
            return _result(on_floats(self._number), op, self)
        except (ArithmeticError, ValueError):
            return self.apply(op, (self,))

    return method


def _comparison(op: Operation) -> Callable[[Any, Any], Any]:
    """A comparison of data. While a program is recorded it is a node, because the numbers change from run to run."""
    compare = op.on_floats

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, (Value, Real)):
            return NotImplemented
        return op(self, other) if mode.recording else compare(self._number, other._number if isinstance(other, Value) else other)

    return method


class Value(Expression):
    """A number in a computation graph: a leaf made by the user, or the result of an operation.

    `data` is the number and `grad` the derivative of the last `backward()`'s output by it, both floats;
    `op` is the operation that made it (None for a leaf), `operands` what it was applied to: Values, and
    floats for constants. Comparisons and `bool` read `data`; hashes are by identity. `float(value)` raises
    TypeError, since a function that wants a float, such as `math.exp`, would drop the graph.

    Other attributes can be set, such as `p.velocity = 0.0`, and copies and pickles keep them. An assignment to a misspelled name, such
    as `w.dta = 1.0`, is therefore no error; type checkers report it.

    A graph is made once, at the numbers that its leaves have then. Where `data` of a leaf is assigned later, make the graph
    again before you call `backward`: derivatives are read at the numbers that the nodes hold. `anomaly`, `chain_rule`, `why` and
    `draw` refuse a graph whose numbers no longer fit. Inside a function that is being recorded, `data` is a node of the
    program: it follows the parameters, and no derivative flows through it.

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> y.data, x.grad
    (10.0, 6.0)
    """

    __slots__ = ("__dict__", "_first", "_grad", "_number", "_second", "op")  # Python makes the dictionary for the first other attribute
    _number: float  # the name of no attribute of arrays, so that `apply` recognises Values by it
    _grad: float
    op: Operation | None
    label: str = ""
    _first: Any  # one or two operands are in two slots, and only more in a tuple:
    _second: Any  # the garbage collector visits every container that a node refers to
    _line: str

    def __init__(self, data: float, label: str = "") -> None:
        """Make a leaf. Raises TypeError if `data` is not a real number."""
        self._number, self._grad, self.op = data if type(data) is float else interop.one_number(data), 0.0, None
        self._first, self._second = (), None
        if label:
            self.label = label

    @property
    def data(self) -> float:
        """The number, a float. Raises TypeError where anything but a real number is assigned."""
        if modes.recorders and mode.recording:
            return ops.detach(self)  # type: ignore[no-any-return]
        return self._number

    @data.setter
    def data(self, data: float) -> None:
        if modes.recorders:
            modes.refuse_in_recording("assigning .data", "Pass changing numbers as arguments.")
        try:
            self._number = data if type(data) is float else interop.one_number(data)
        except TypeError as error:
            raise TypeError(f"{error}, for the data of {self.named()}" if self.label else str(error)) from None

    @property
    def grad(self) -> float:
        """The derivative of the output of the last `backward()` by this node, a float. Raises TypeError as `data` does."""
        if modes.recorders:
            modes.refuse_in_recording("the .grad", "Take derivatives with grad(f).")
        return self._grad

    @grad.setter
    def grad(self, grad: float) -> None:
        if modes.recorders:
            modes.refuse_in_recording("assigning .grad", "Take derivatives with grad(f).")
        self._grad = grad if type(grad) is float else interop.one_number(grad)

    @property
    def operands(self) -> tuple[Value | float, ...]:  # type: ignore[override]
        """The operands of the operation, in order; () for a leaf."""
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
            modes.refuse_in_recording("the truth value", "Use where(condition, a, b), largest or smallest instead of `if`, max or min.")
        return self._number != 0

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        if modes.recorders and mode.recording:
            return f"Value(recorded{label})"
        return f"Value({self._number!r}, grad={self._grad!r}{label})"

    def __format__(self, specification: str) -> str:
        if not specification:
            return str(self)
        if modes.recorders:
            modes.refuse_in_recording("the formatted number", "Print outside the function, from what the program returns.")
        return format(self._number, specification)

    def __float__(self) -> float:
        if modes.recorders:
            modes.refuse_in_recording("the float", "Use autograd's exp, log, tanh, ... instead of math's.")
        raise TypeError(
            f"must be real number, not Value: {self!r:.60} has no float, which would drop its graph. Instead of math.exp(v) write "
            f"autograd.exp(v), or v.exp(); where only the number is needed, write v.data"
        )

    __int__ = __float__

    def __copy__(self) -> Any:
        if modes.recorders:
            modes.refuse_in_recording("a copy", "Use the Value itself, or .data for a constant of the derivative.")
        return copying.twin(self)

    def __reduce_ex__(self, _: object) -> tuple[Any, ...]:
        if modes.recorders:
            modes.refuse_in_recording("a copy", "Use the Value itself, or .data for a constant of the derivative.")
        return copying.parts(self)

    def named(self) -> str:
        """The number, after its label if there is one, for messages."""
        if modes.recorders and mode.recording:
            return self.label or (self.op.name if self.op else "a Value")
        return f"{self.label}={self._number}" if self.label else str(self._number)

    @property
    def line(self) -> str | None:
        """The source line that made this node, as `file:line`, if anomaly mode was on; else None."""
        return getattr(self, "_line", None)

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        try:
            numbers = [each if type(each) is float else each._number for each in operands]
        except AttributeError:  # an operand is neither a Value nor a float
            return interop.apply_mixed(Value, op, operands)
        try:
            data = op.on_floats(*numbers)
        except (ArithmeticError, ValueError):
            data = op.ieee_value(*numbers) if mode.sweeping or mode.recording else _checked(op, numbers, operands)
        if type(data) is not float:
            data = ops.real(data)
        if len(operands) > 2:
            return _result(data, op, operands)
        return _result(data, op, operands[0], operands[1] if len(operands) == 2 else None)

    def backward(self, gradient: float = 1.0) -> None:
        """Set `grad` throughout this Value's graph: the derivative of this Value by each node.

        Leaves accumulate over calls (see `zero_grad`), inner nodes are overwritten. Where a derivative is
        infinite or undefined it is inf or nan; under `anomaly()` the first one raises FloatingPointError, and a graph
        whose numbers no longer fit raises ValueError. Threads that share leaves take turns.

        Parameters
        ----------
        gradient : float, default 1.0
            A factor for all derivatives: the derivative of some other number by this Value, as in PyTorch.
        """
        if modes.recorders:
            modes.refuse_in_recording("the backward()", "Take derivatives with grad(f).")
        backward(self, ops.real(gradient))


def _checked(op: Operation, numbers: list[float], operands: tuple[Any, ...]) -> float:
    """The value of an operation, or an UndefinedError that names the stable form of the formula."""
    try:
        return op.value(*numbers)
    except UndefinedError as error:
        if advice := hint((op, operands)):
            raise UndefinedError(f"{error}. {advice}") from None
        raise


def make_constant(leaf: Value) -> None:
    """Turn a leaf into a constant of its graph: the identity of its number, which is no longer differentiable."""
    leaf.op, leaf._first = ops.identity, leaf._number


for _name, _op in interop.functions():
    if _op.arity == 1:
        _op.methods[Value] = _unary(_op)
    setattr(Value, _name, _op.methods[Value] if _op.arity == 1 else _binary(_op)[0])
