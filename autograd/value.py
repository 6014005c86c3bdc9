"""Value: a number that remembers how it was made, and the one sweep that differentiates it.

A graph is a Value, its `operands`, their operands, and so on: ordered tuples of Values and plain floats
(constants). It points from results to operands only, so dropping the last name of a result frees it at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from autograd import ops, watch
from autograd.ops import Node, Operation


class TraceError(TypeError):
    """A function to be recorded asked of a number what only a known one has, so no program can be made of it."""


class Demand(NamedTuple):
    """A condition that numbers must meet, and what to say where they do not."""

    condition: Any
    message: str
    numbers: tuple[Any, ...]

    def complaint(self, numbers: Sequence[Any]) -> str:
        """The message about these numbers."""
        return self.message.format(numbers[0] if len(numbers) == 1 else list(numbers))


class _Thread(threading.local):
    sweeping = False  # inside a sweep infinities are answers and not errors
    recording = False  # while a program is recorded comparisons are part of it
    demands: list[Demand] | None = None  # and so is what `require` asks


_thread = _Thread()


def _binary(op: Operation, reflected: bool = False) -> Callable[[Any, Any], Any]:
    """An operator of `Expression`: a short way for Values and plain numbers, the general one for the rest."""
    on_floats = op.on_floats

    def method(self: Any, other: Any) -> Any:
        if type(self) is Value:
            try:
                if type(other) is Value:
                    return _node(on_floats(self.data, other.data), op, self, other)
                if type(other) is float or type(other) is int:
                    constant = float(other)
                    if reflected:
                        return _node(on_floats(constant, self.data), op, constant, self)
                    return _node(on_floats(self.data, constant), op, self, constant)
            except (ArithmeticError, ValueError):
                pass  # the general way says what is wrong
        if isinstance(other, np.ndarray):
            return op.on_arrays(other, self) if reflected else op.on_arrays(self, other)
        if not isinstance(other, (Real, Node)):
            return NotImplemented
        return op(other, self) if reflected else op(self, other)

    return method


def _unary(op: Operation) -> Callable[[Any], Any]:
    on_floats = op.on_floats

    def method(self: Any) -> Any:
        if type(self) is Value:
            try:
                return _node(on_floats(self.data), op, self)
            except (ArithmeticError, ValueError):
                pass
        return op(self)

    return method


def _condition(op: Operation) -> Callable[..., Any]:
    return lambda *operands: op(*operands)


class Expression(Node):
    """Abstract: a node with operators and methods, each the row of the table with its name.

    numpy finds them too: a ufunc on an object array calls the method of that name on each element.
    """

    __slots__ = ()
    grad: Any

    # fmt: off
    __add__, __radd__         = _binary(ops.add),      _binary(ops.add, reflected=True)
    __sub__, __rsub__         = _binary(ops.subtract), _binary(ops.subtract, reflected=True)
    __mul__, __rmul__         = _binary(ops.multiply), _binary(ops.multiply, reflected=True)
    __truediv__, __rtruediv__ = _binary(ops.divide),   _binary(ops.divide, reflected=True)
    __pow__, __rpow__         = _binary(ops.power),    _binary(ops.power, reflected=True)
    __and__, __or__, __invert__ = map(_condition, (ops.logical_and, ops.logical_or, ops.logical_not))
    __rand__, __ror__         = __and__, __or__
    __neg__, __abs__          = _unary(ops.negative),  _unary(ops.absolute)
    exp, log, log1p, expm1, sqrt = map(_unary, (ops.exp, ops.log, ops.log1p, ops.expm1, ops.sqrt))
    sin, cos, tan, sinh, cosh, tanh = map(_unary, (ops.sin, ops.cos, ops.tan, ops.sinh, ops.cosh, ops.tanh))
    asin, acos, atan = arcsin, arccos, arctan = tuple(map(_unary, (ops.asin, ops.acos, ops.atan)))
    sigmoid, softplus, relu, erf, sign = map(_unary, (ops.sigmoid, ops.softplus, ops.relu, ops.erf, ops.sign))
    maximum, minimum = _binary(ops.maximum), _binary(ops.minimum)
    # fmt: on

    def __pos__(self) -> Any:
        return self

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """What numpy asks when one of its functions, or an array or numpy number on the left, meets a node."""
        if method != "__call__" or any(isinstance(each, np.ndarray) for each in inputs):
            return getattr(ufunc, method)(*map(_boxed, inputs), **options)
        op = _BY_UFUNC.get(ufunc)
        return op(*inputs) if op is not None and not options else NotImplemented


_BY_UFUNC = {op.on_arrays: op for op in ops.TABLE.values() if isinstance(op.on_arrays, np.ufunc)}


def _boxed(operand: Any) -> Any:
    """A node as an array of no dimensions, which numpy then handles as it does any object array."""
    if not isinstance(operand, Node):
        return operand
    box = np.empty((), dtype=object)
    box[()] = operand
    return box


def _comparison(op: Operation) -> Callable[[Any, Any], Any]:
    """A comparison of data; while a program is recorded, a node, since the numbers will be others when it runs."""
    compare = op.on_floats

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, (Value, Real)):
            return NotImplemented
        return op(self, other) if _thread.recording else compare(self.data, other.data if isinstance(other, Value) else other)

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
    op: Operation | None
    label: str
    _first: Any  # one or two operands lie in two slots, and only more in a tuple: every container
    _second: Any  # that a node holds on to is one more for the garbage collector to walk
    _line: str

    def __init__(self, data: float, label: str = "") -> None:
        """A leaf. Raises TypeError where `data` is not a real number."""
        self.data, self.grad, self.op, self.label = ops.real(data), 0.0, None, label
        self._first, self._second = (), None

    @property
    def operands(self) -> tuple[Value | float, ...]:  # type: ignore[override]
        """What the operation was applied to, in order; () for a leaf."""
        first, second = self._first, self._second
        if second is not None:
            return (first, second)
        return first if type(first) is tuple else (first,)

    __eq__, __ne__ = _comparison(ops.equal), _comparison(ops.not_equal)
    __lt__, __le__ = _comparison(ops.less), _comparison(ops.less_equal)
    __gt__, __ge__ = _comparison(ops.greater), _comparison(ops.greater_equal)
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        if _thread.recording:
            raise TraceError(
                f"the truth of a Value in a traced function, at {watch.user_line()}: the program is recorded once, and parameters "
                f"change. Use where(condition, a, b), maximum or minimum."
            )
        return self.data != 0

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value({self.data!r}, grad={self.grad!r}{label})"

    def __format__(self, specification: str) -> str:
        return format(self.data, specification) if specification else str(self)

    def named(self) -> str:
        """The number, behind its label where there is one, for messages."""
        return f"{self.label}={self.data}" if self.label else str(self.data)

    @property
    def line(self) -> str | None:
        """The user's source line that made this node, as `file:line`, where anomaly mode was on; else None."""
        return getattr(self, "_line", None)

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        numbers = [each.data if type(each) is Value else each for each in operands]
        for number in numbers:
            if type(number) is not float:
                return _apply_mixed(op, operands)
        try:
            data = op.on_floats(*numbers)
        except (ArithmeticError, ValueError):
            data = op.ieee_value(*numbers) if _thread.sweeping else op.value(*numbers)
        return _node(ops.real(data), op, *operands) if len(operands) <= 2 else _node(ops.real(data), op, operands)

    def backward(self) -> None:
        """Set `grad` throughout this Value's graph: the derivative of this Value by each node.

        Leaves accumulate over calls (see `zero_grad`), inner nodes are overwritten. Where a derivative is
        infinite or undefined it is inf or nan; under `anomaly()` the first one raises FloatingPointError.
        """
        order = topological_order(self)
        leaves = [(node, node.grad) for node in order if node.op is None] if watch.blocks else ()
        for node in order:
            if node.op is not None:
                node.grad = 0.0
        self.grad = 1.0 if self.op is not None else self.grad + 1.0
        sweep(order)
        try:
            watch.check_gradients(order)
        except FloatingPointError:
            for leaf, before in leaves:  # nothing accumulates from a sweep that failed
                leaf.grad = before
            raise


def _apply_mixed(op: Operation, operands: tuple[Any, ...]) -> Any:
    """`Value.apply` where some operand is neither a Value nor a float: another node, an array, another kind of number."""
    for operand in operands:
        if isinstance(operand, Node) and type(operand) is not Value:
            return operand.apply(op, operands)
    if any(isinstance(operand, np.ndarray) for operand in operands):
        return np.frompyfunc(op, len(operands), 1)(*map(_boxed, operands))
    return Value.apply(op, tuple([each if type(each) is Value else ops.real(each) for each in operands]))


_new = object.__new__


def _node(data: float, op: Operation, first: Any, second: Any = None) -> Value:
    """The Value that `op` makes of one or two operands, or a tuple of more, without the checks that a user's own needs."""
    node = _new(Value)
    node.data = data
    node.grad = 0.0
    node.op = op
    node._first = first
    node._second = second
    node.label = ""
    if watch.blocks:
        watch.check_value(node)
    return node


def close(leaf: Any) -> None:
    """Make a leaf a constant of the graph it is in: no longer anybody's to differentiate by."""
    leaf.op, leaf._first = ops.identity, leaf.data


def topological_order(output: Any, within: Collection[Any] = frozenset()) -> list[Any]:
    """The nodes of `output`'s graph, operands before results and left before right; those in `within` count as leaves.

    This is the one order in which everything walks a graph: an explicit stack, so that any depth works.
    """
    order: list[Any] = []
    seen = set()
    stack = [output]
    pop, push = stack.pop, stack.append
    while stack:
        node = pop()
        if node is None:  # the node below has had all its operands ordered
            order.append(pop())
        elif node not in seen:
            seen.add(node)
            operands = node.operands
            if not operands or node in within:
                order.append(node)
                continue
            push(node)
            push(None)
            for operand in reversed(operands):
                if type(operand) is not float and operand not in seen:
                    push(operand)
    return order


def sweep(order: Sequence[Any], among: Collection[Any] | None = None, nodes: bool = False) -> None:
    """Reverse mode: from the last node of `order` to the first, add `partial * adjoint` to each operand's `grad`.

    The caller sets the output's `grad` to its adjoint and the others to what they start from. The rows are read
    with floats or, where `nodes` is true, with the nodes themselves, so that the adjoints are a graph in turn.
    Where `among` is given only operands in it receive anything, and theirs start from None, nothing yet.
    """
    for node in reversed(order):
        op, adjoint = node.op, node.grad
        if op is None or adjoint is None:
            continue
        operands, partials = node.operands, op.partials
        if nodes or op.is_linear:
            arguments = (node, *operands)
        elif len(operands) == 2:  # by far the most, so worth the words
            a, b = operands
            arguments = (node.data, a if type(a) is float else a.data, b if type(b) is float else b.data)
        else:
            arguments = (node.data, *[each if type(each) is float else each.data for each in operands])
        if op.variadic:  # one function gives all the partials, as numbers
            partials = partials[0](*arguments)
            if among is None:
                for operand, partial in zip(operands, partials):
                    if type(operand) is not float:
                        operand.grad += partial * adjoint
                continue
        for operand, partial in zip(operands, partials):
            if type(operand) is float or (among is not None and operand not in among):
                continue
            if type(partial) is float:
                if partial == 0.0:
                    continue
                contribution = adjoint if partial == 1.0 else partial * adjoint
            elif op.variadic:
                contribution = partial * adjoint
            else:
                try:
                    contribution = partial(*arguments) * adjoint
                except (ArithmeticError, ValueError):
                    contribution = _ieee(partial, arguments) * adjoint
            if among is None:
                operand.grad += contribution
            else:
                previous = operand.grad
                operand.grad = contribution if previous is None else previous + contribution


def _ieee(partial: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """A partial derivative in IEEE arithmetic, where the one on Python's floats raised: inf or nan."""
    with np.errstate(all="ignore"):
        result = partial(*[np.float64(each) if type(each) is float else each for each in arguments])
    return float(result) if isinstance(result, (np.generic, np.ndarray)) else result


@contextmanager
def recording() -> Iterator[list[Demand]]:
    """While a program is recorded: what is compared here will be compared anew whenever it runs. Gives what `require` asks meanwhile."""
    before = _thread.recording, _thread.demands
    _thread.recording, _thread.demands = True, []
    try:
        yield _thread.demands
    finally:
        _thread.recording, _thread.demands = before


def demands() -> list[Demand] | None:
    """What the program that is being recorded in this thread asks of its arguments; None where none is."""
    return _thread.demands


def is_recording() -> bool:
    """Whether a program is being recorded in this thread: a number read from a Value now would be the program's for ever."""
    return _thread.recording


@contextmanager
def sweeping() -> Iterator[None]:
    """While derivatives are read with nodes, a forward value outside the domain is inf or nan, not an error."""
    before, _thread.sweeping = _thread.sweeping, True
    try:
        yield
    finally:
        _thread.sweeping = before
