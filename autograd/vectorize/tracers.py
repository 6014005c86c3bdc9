"""Tracers: numbers that are not known yet. Operations on them are written down in a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from autograd import ops
from autograd.backward import topological_order
from autograd.errors import TraceError
from autograd.interop import SYMBOLS, Expression, Method, apply_mixed, binary, functions
from autograd.modes import user_line
from autograd.ops import Node, Operation
from autograd.value import Value
from autograd.vectorize.tables import Tables


def _refuse(what: str, instead: str) -> Callable[..., Any]:
    def method(self: Symbol, *_: Any) -> NoReturn:
        raise TraceError(
            f"{what} of a traced number ({self!r}), at {user_line()}: vectorize records the function once, for all examples. {instead}"
        )

    return method


class Symbol(Expression):
    """Abstract: a number that is not known yet. It records operations and raises TraceError if its value is needed."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        SYMBOLS.add(cls)

    # fmt: off
    __bool__   = _refuse("the truth value", "Instead of `if`, max, min, `and` and `or`, use where(c, a, b), largest, smallest, & and |.")
    __float__  = _refuse("the float", "Instead of math.exp and the like, use autograd's exp, log, tanh, ..., which take traced numbers.")
    __int__    = _refuse("the integer", "Compute with the number itself, or pass it to the function as a constant.")
    __index__  = _refuse("the index", "Instead of table[i], pass i as an argument of integer dtype and write lookup(table, i).")
    __round__  = __floor__ = __ceil__ = __trunc__ = _refuse("the rounded value", "Its derivative would be zero: leave the number as it is.")
    __format__ = _refuse("the formatted number", "Print outside the function, from what the program returns.")
    # fmt: on

    @property
    def data(self) -> Any:
        """The same number, as a constant for differentiation."""
        return ops.detach(self)

    @property
    def backward(self) -> Any:
        return _refuse("the backward()", "Inside a traced function take derivatives with grad(f).")(self)


class Trace(dict[Any, int]):
    """The operations of one call of a function on tracers, in the order in which the function applies them.

    Operations have the numbers 0, 1, 2, ... and leaves -1, -2, -3, .... As a dictionary it holds the numbers of the Values that the
    function uses.

    Attributes
    ----------
    entries : list
        Four entries for each operation: the operation; the numbers of its two operands, or a tuple of the numbers of one or of more
        operands and None; and the node.
    count : int
        The number of operations.
    leaves : list of Tracer, Value or float
        The leaves, that with number -1 first.
    is_open : bool
        Whether the function still runs.
    """

    __slots__ = ("_constants", "count", "entries", "is_open", "leaves")

    def __init__(self) -> None:
        self.is_open = True
        self.entries: list[Any] = []
        self.count = 0
        self.leaves: list[Any] = []
        self._constants: dict[Any, int] = {}

    def __missing__(self, operand: Any) -> int:
        """Give a number to a Value that is new, and to those that it is computed from."""
        if not isinstance(operand, Value):
            raise _outlived(operand)
        for node in (operand,) if operand.op is None else topological_order(operand, self):
            if node not in self:
                self[node] = self.leaf(node) if node.op is None else self.append(node.op, node.operands, node)
        return self[operand]

    def leaf(self, leaf: Any) -> int:
        """Give a number to a new leaf."""
        self.leaves.append(leaf)
        return -len(self.leaves)

    def constant(self, number: float) -> int:
        """The number of a constant."""
        key = number if number and number == number else repr(number)  # distinguishes -0.0 from 0.0, and nan equals nan
        found = self._constants.get(key)
        if found is None:
            found = self._constants[key] = self.leaf(number)
        return found

    def number(self, operand: Any) -> int:
        """The number of a node or of a real number. Raises TraceError for a tracer of another call."""
        if not isinstance(operand, Node):
            return self.constant(ops.real(operand))
        if not isinstance(operand, Tracer):
            return self[operand]
        if operand.trace is not self:
            raise _outlived(operand)
        return operand.number

    def append(self, op: Operation, operands: tuple[Any, ...], node: Any) -> int:
        """Write down an operation on nodes and floats, and the node that it gives. Returns its number."""
        numbers = [
            each.number if type(each) is Tracer and each.trace is self else self[each] if type(each) is Value else self.number(each)
            for each in operands
        ]
        self.entries += (op, *numbers, node) if len(numbers) == 2 else (op, tuple(numbers), None, node)
        self.count += 1
        return self.count - 1

    def close(self) -> tuple[list[Any], list[Any]]:
        """Return the entries and the leaves, when the function has returned. The trace refers to nothing afterwards."""
        taken = self.entries, self.leaves
        self.entries, self.leaves, self.is_open = [], [], False
        self.clear()
        return taken


def _outlived(tracer: Any) -> TraceError:
    return TraceError(f"{tracer!r} belongs to another call: a traced number must not be kept after its function returned")


def _binary(op: Operation) -> tuple[Method, Method]:
    """The two methods of an operator: a fast path for the usual operands, and the general one.

    Most operations run through here, so it calls no function: the watch for clocks would notice each call.
    """
    general, general_reflected = binary(op)

    def method(self: Any, other: Any) -> Any:
        kind, trace = type(other), self.trace
        if kind is Tracer and other.trace is trace:
            second = other.number
        elif kind is Value:
            second = trace[other]
        elif kind is float or kind is int:
            second = trace.constant(float(other))
        else:
            return general(self, other)
        node = Tracer()
        node.op, node.trace, node.number = op, trace, trace.count
        trace.count += 1
        trace.entries += op, self.number, second, node
        return node

    def reflected(self: Any, other: Any) -> Any:
        kind, trace = type(other), self.trace
        if kind is Value:
            first = trace[other]
        elif kind is float or kind is int:
            first = trace.constant(float(other))
        else:
            return general_reflected(self, other)
        node = Tracer()
        node.op, node.trace, node.number = op, trace, trace.count
        trace.count += 1
        trace.entries += op, first, self.number, node
        return node

    return method, reflected


def _unary(op: Operation) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        node, trace = Tracer(), self.trace
        node.op, node.trace, node.number = op, trace, trace.count
        trace.count += 1
        trace.entries += op, (self.number,), None, node
        return node

    return method


class Tracer(Symbol):
    """A scalar of an example, or a result that is computed from such scalars."""

    __slots__ = ("name", "number", "op", "operands", "trace")

    name: str  # of a leaf
    number: int
    trace: Trace

    def __getattr__(self, name: str) -> Any:
        """The operands, when they are read for the first time: only derivatives read them."""
        if name != "operands":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        entries, leaves, place = self.trace.entries, self.trace.leaves, 4 * self.number
        if not self.trace.is_open:
            raise _outlived(self)
        first, second = entries[place + 1], entries[place + 2]
        numbers = first if second is None else (first, second)
        self.operands = tuple([entries[4 * each + 3] if each >= 0 else leaves[-1 - each] for each in numbers])
        return self.operands

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        if not KINDS.issuperset(map(type, operands)):
            if any(isinstance(each, np.ndarray) for each in operands):
                return apply_mixed(Tracer, op, operands)
            operands = tuple([each if isinstance(each, Node) else ops.real(each) for each in operands])
        for each in reversed(operands):  # inputs come after weights
            if isinstance(each, Tracer):
                break
        node, trace = Tracer(), each.trace
        if not trace.is_open:
            raise _outlived(each)
        node.op, node.operands, node.trace, node.number = op, operands, trace, trace.append(op, operands, node)
        return node

    # fmt: off
    __add__, __radd__         = _binary(ops.add)
    __sub__, __rsub__         = _binary(ops.subtract)
    __mul__, __rmul__         = _binary(ops.multiply)
    __truediv__, __rtruediv__ = _binary(ops.divide)
    __pow__, __rpow__         = _binary(ops.power)
    __neg__, __abs__          = _unary(ops.negative), _unary(ops.absolute)
    # fmt: on

    def __repr__(self) -> str:
        return self.name if self.op is None else f"a result of {self.op.name}"


KINDS = frozenset((Tracer, Value, float))  # the usual operands

for _name, _op in functions():
    if _op.arity == 1:
        _op.methods[Tracer] = _unary(_op)
        setattr(Tracer, _name, _op.methods[Tracer])


def leaf(name: str, trace: Trace) -> Tracer:
    """Return an input."""
    return _begun(Tracer(), name, trace)


def _begun(tracer: Tracer, name: str, trace: Trace) -> Tracer:
    tracer.name, tracer.op, tracer.operands, tracer.trace, tracer.number = name, None, (), trace, trace.leaf(tracer)
    return tracer


class TracedInteger(Tracer):
    """An integer of an example: a number in arithmetic, and an index for `lookup`."""

    __slots__ = ("place", "tables")

    def __init__(self, name: str, trace: Trace, place: tuple[int, int], tables: Tables) -> None:
        _begun(self, name, trace)
        self.place, self.tables = place, tables

    __index__ = _refuse("the index", "Instead of table[i], write lookup(table, i).")

    def row_of(self, table: Any) -> Any:
        return self.tables.row(table, self, self.place)
