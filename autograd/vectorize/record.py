"""Stage 1, record: call the function of one example with tracers and number the scalar nodes of the result."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, NoReturn

import numpy as np

from autograd import ops
from autograd.backward import topological_order
from autograd.errors import TraceError
from autograd.interop import Expression, Method, apply_mixed, binary, functions
from autograd.modes import Demand, recording, user_line
from autograd.ops import Node, Operation
from autograd.stable import Form
from autograd.value import Value
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.randomness import CHANGES, watched
from autograd.vectorize.tables import Column, Table, Tables, nested, parameters_of


def _refuse(what: str, instead: str) -> Callable[..., Any]:
    def method(self: Symbol, *_: Any) -> NoReturn:
        raise TraceError(
            f"{what} of a traced number ({self!r}), at {user_line()}: vectorize records the function once, for all examples. {instead}"
        )

    return method


class Symbol(Expression):
    """Abstract: a number that is not known yet. It records operations and raises TraceError if its value is needed."""

    __slots__ = ()

    # fmt: off
    __bool__   = _refuse("the truth", "Instead of `if`, max, min, `and` and `or`, use where(c, a, b), largest, smallest, & and |.")
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


_next = itertools.count().__next__  # unlike `next`, and `Tracer()` unlike object.__new__, it is not reported to the watch for clocks


def _binary(op: Operation) -> tuple[Method, Method]:
    """The two methods of an operator: a fast path for the usual operands, and the general one."""
    general, general_reflected = binary(op)

    def method(self: Any, other: Any) -> Any:
        kind = type(other)
        if kind is not Tracer and kind is not float and kind is not Value:
            if kind is not int:
                return general(self, other)
            other = float(other)
        node = Tracer()
        node.op, node.operands, node.serial = op, (self, other), _next()
        return node

    def reflected(self: Any, other: Any) -> Any:
        kind = type(other)
        if kind is not Value and kind is not float:
            if kind is not int:
                return general_reflected(self, other)
            other = float(other)
        node = Tracer()
        node.op, node.operands, node.serial = op, (other, self), _next()
        return node

    return method, reflected


def _unary(op: Operation) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        node = Tracer()
        node.op, node.operands, node.serial = op, (self,), _next()
        return node

    return method


class Tracer(Symbol):
    """A scalar of an example. The serial numbers of tracers are in the order in which they were made."""

    __slots__ = ("name", "op", "operands", "serial")

    name: str  # of a leaf
    serial: int

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        given = []
        for each in operands:
            if type(each) is not float and not isinstance(each, Node):
                if isinstance(each, np.ndarray):
                    return apply_mixed(Tracer, op, operands)
                each = ops.real(each)
            given.append(each)
        node = Tracer()
        node.op, node.operands, node.serial = op, tuple(given), _next()
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


for _name, _op in functions():
    if _op.arity == 1:
        setattr(Tracer, _name, _unary(_op))


def _leaf(name: str) -> Tracer:
    leaf = Tracer()
    leaf.name, leaf.op, leaf.operands, leaf.serial = name, None, (), _next()
    return leaf


class TracedInteger(Tracer):
    """An integer of an example: a number in arithmetic, and an index for `lookup`."""

    __slots__ = ("place", "tables")

    def __init__(self, name: str, place: tuple[int, int], tables: Tables) -> None:
        self.name, self.op, self.operands, self.serial = name, None, (), _next()
        self.place, self.tables = place, tables

    __index__ = _refuse("the index", "Instead of table[i], write lookup(table, i).")

    def row_of(self, table: Any) -> Any:
        return self.tables.row(table, self, self.place)


INPUT, PARAMETER, CONSTANT = "input", "parameter", "constant"


@dataclass
class Scalars:
    """A scalar graph as a list: each node is an operation and the numbers of its operands, which come before it.

    A leaf is (INPUT, (argument, row)), (PARAMETER, (k,)) for `parameters[k]`, or (CONSTANT, (number,)).
    """

    nodes: list[tuple[Operation | str, tuple[Any, ...]]] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    parameters: list[Value] = field(default_factory=list)
    tables: dict[Table, FloatArray] = field(default_factory=dict)  # which parameter each entry is; -1 for constants
    forms: list[Form] = field(default_factory=list)  # the formulas that were replaced by stable ones

    def __str__(self) -> str:
        lines = []
        for number, (op, operands) in enumerate(self.nodes):
            words = " ".join(map(str, operands)) if isinstance(op, str) else " ".join(f"%{each}" for each in operands)
            lines.append(f"%{number} = {op if isinstance(op, str) else op.name} {words}")
        return "\n".join([*lines, "return " + " ".join(f"%{each}" for each in self.outputs)])


def depths(graph: Scalars) -> list[int]:
    """The length of the longest path from a leaf to each node."""
    levels: list[int] = []
    for op, operands in graph.nodes:
        leaf = op in (INPUT, PARAMETER, CONSTANT)
        levels.append(0 if leaf else 1 + max([levels[each] for each in operands]))
    return levels


class CallGraph(NamedTuple):
    """One call of a function: the graph of its results, their shape, its conditions with their graphs, and its lookups."""

    scalars: Scalars
    shape: tuple[int, ...]
    demands: list[tuple[Demand, Scalars]]
    tables: Tables


def record(
    f: Callable[..., Any], shapes: Sequence[tuple[int, ...]], names: Sequence[str], integers: Collection[int] = (), closely: bool = True
) -> CallGraph:
    """Call `f` with tracers of these shapes and return the graph of the call. `integers` are the numbers of the integer arguments.

    The first call is watched for random numbers and clocks: two draws can have the same result. Without `closely` only random generators
    are, which takes no time; for a function that was watched with other shapes. A second call finds other functions that change from call
    to call, such as a counter, because it gives another graph.

    Raises TraceError where `f` needs to know a traced number, and TypeError or ValueError where it returns
    anything but a scalar or a rectangular list of scalars.
    """
    graph = _call(partial(watched, f, closely), shapes, names, integers)
    if not _compute_the_same(graph.scalars, _call(f, shapes, names, integers, graph.tables.known).scalars):
        raise TraceError(f"the function gives another program each time it is recorded: {CHANGES}")
    return graph


def records_the_same(
    graph: CallGraph, f: Callable[..., Any], shapes: Sequence[tuple[int, ...]], names: Sequence[str], integers: Collection[int] = ()
) -> bool:
    """Whether recording `f` again gives the same operations of the same Values and numbers."""
    try:
        now = _call(partial(watched, f, True), shapes, names, integers, graph.tables.known)
    except Exception:  # the next recording raises it
        return False
    graphs, others = ([each.scalars, *(demand for _, demand in each.demands)] for each in (graph, now))
    messages, other_messages = ([demand.message for demand, _ in each.demands] for each in (graph, now))
    is_like = now.shape == graph.shape and now.tables.limits == graph.tables.limits
    return is_like and messages == other_messages and all(map(_identical, graphs, others))


def _call(
    f: Callable[..., Any], shapes: Sequence[tuple[int, ...]], names: Sequence[str], integers: Collection[int], known: Sequence[Table] = ()
) -> CallGraph:
    """The graph of one call of `f` with tracers. `known` are the tables of an earlier call."""
    arguments: list[Any] = []
    tables = Tables(list(known))
    numbers: dict[Any, tuple[str, tuple[Any, ...]]] = {}
    for position, (name, shape) in enumerate(zip(names, shapes)):
        words = [f"{name}[{row}]" if shape else name for row in range(int(np.prod(shape)))]
        rows = [TracedInteger(each, (position, row), tables) if position in integers else _leaf(each) for row, each in enumerate(words)]
        numbers.update((tracer, (INPUT, (position, row))) for row, tracer in enumerate(rows))
        arguments.append(nested(rows, shape))
    with recording() as asked:
        try:
            returned = f(*arguments)
        except KeyError as error:
            if not any(isinstance(each, Tracer) for each in error.args):
                raise
            raise TraceError(f"{error} is a traced number and no key: instead of table[i], write lookup(table, i) with a list") from None
        except (IndexError, TypeError) as error:
            if type(error) not in (IndexError, TypeError):
                raise  # its message already says what to do
            given = ", ".join(f"{name} is {_one_example(shape)}" for name, shape in zip(names, shapes))
            raise type(error)(f"{error}; in one example {given}") from error
        results, shape = _flat(returned)
        if not results:
            raise ValueError(f"a vectorized function returns a scalar or a list of scalars, got none at all: the shape {shape}")
        scalars = _numbered(results, dict(numbers))
        demands = [(each, _numbered([each.condition, *each.numbers], dict(numbers))) for each in asked]
    return CallGraph(scalars, shape, demands, tables)


def _one_example(shape: tuple[int, ...]) -> str:
    """An argument with rows of this shape in words: "a number", "a list of 2", "a list of 2 lists of 3"."""
    return f"a list of {' lists of '.join(map(str, shape))}" if shape else "a number"


def _identical(one: Scalars, other: Scalars) -> bool:
    return (
        one.outputs == other.outputs
        and len(one.nodes) == len(other.nodes)
        and len(one.parameters) == len(other.parameters)
        and all(map(operator.is_, one.parameters, other.parameters))
        and _places(one) == _places(other)
        and all(
            op is op2 and (repr(operands) == repr(operands2) if op is CONSTANT else operands == operands2)  # repr: -0.0 and 0.0 differ
            for (op, operands), (op2, operands2) in zip(one.nodes, other.nodes)
        )
    )


def _compute_the_same(one: Scalars, other: Scalars) -> bool:
    """Whether two graphs compute the same from the same parameters. Values made inside the function are compared by their data."""
    return (
        len(one.nodes) == len(other.nodes)
        and one.outputs == other.outputs
        and len(one.parameters) == len(other.parameters)
        and _places(one) == _places(other)
        and (
            all(map(operator.is_, one.parameters, other.parameters))
            or all(a is b or repr(a.data) == repr(b.data) for a, b in zip(one.parameters, other.parameters))
        )
        and ((one.nodes == other.nodes and _constants(one) == _constants(other)) or all(map(_are_alike, one.nodes, other.nodes)))
    )


def _are_alike(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two nodes compute the same. A primitive that is made inside the function is known by its name."""
    (op, operands), (op2, operands2) = one, other
    return getattr(op, "name", op) == getattr(op2, "name", op2) and repr(operands) == repr(operands2)


def _constants(graph: Scalars) -> list[str]:
    return [repr(operands) for op, operands in graph.nodes if op is CONSTANT]


def _places(graph: Scalars) -> list[bytes]:
    """The parameters of each table."""
    return [each.tobytes() for each in graph.tables.values()]


def _flat(result: Any) -> tuple[list[Any], tuple[int, ...]]:
    """The scalars of a result in order, and its shape."""
    if isinstance(result, np.ndarray):
        result = result.tolist()
    if isinstance(result, (list, tuple)):
        parts = [_flat(each) for each in result]
        if len({shape for _, shape in parts}) > 1:
            raise ValueError(
                f"a vectorized function returns a scalar or a rectangular list, got rows of shapes {[shape for _, shape in parts]}"
            )
        return [each for scalars, _ in parts for each in scalars], (len(parts), *(parts[0][1] if parts else ()))
    if not isinstance(result, Node):
        try:
            result = ops.real(result)
        except TypeError:
            hint = ": perhaps its return is missing" if result is None else ""
            raise TypeError(
                f"a vectorized function returns a scalar or a list of scalars, got {type(result).__name__} {result!r:.60}{hint}"
            ) from None
    return [result], ()


def _traced(results: Sequence[Any]) -> list[Tracer]:
    """The tracers that results are computed from, in the order in which they were made, without the leaves."""
    found = {each.serial: each for each in results if type(each) is Tracer and each.op is not None}
    stack = list(found.values())
    pop, push = stack.pop, stack.append
    while stack:
        for each in pop().operands:
            if type(each) is Tracer and (serial := each.serial) not in found and each.op is not None:
                found[serial] = each
                push(each)
    return [found[serial] for serial in sorted(found)]


def _numbered(results: Sequence[Any], leaves: dict[Any, tuple[str, tuple[Any, ...]]]) -> Scalars:
    """Number the nodes of results in the order in which the function made them: that of its loops.

    Leaves, constants, and what is computed of parameters alone come before their first use.
    """
    graph = Scalars()
    nodes, numbers, constants = graph.nodes, dict[Any, int](), dict[Any, int]()

    def number_of(operand: Any) -> int:
        if type(operand) is float:
            key = operand if operand and operand == operand else repr(operand)  # distinguishes -0.0 from 0.0, and nan equals nan
            if key not in constants:
                constants[key] = len(nodes)
                nodes.append((CONSTANT, (operand,)))
            return constants[key]
        if operand not in numbers:
            if operand.op is None or operand in leaves:
                add_leaf(operand)
            else:
                for node in topological_order(operand, numbers):
                    if node.op is not None and node not in numbers:
                        add(node)
        return numbers[operand]

    def add_leaf(leaf: Any) -> None:
        if leaf not in leaves:
            if not isinstance(leaf, Value):
                raise TraceError(f"{leaf!r} belongs to another call: a traced number must not be kept after its function returned")
            leaves[leaf] = (PARAMETER, (len(graph.parameters),))
            graph.parameters.append(leaf)
        numbers[leaf] = len(nodes)
        nodes.append(leaves[leaf])

    def add(node: Any) -> None:
        operands = tuple([numbers[each] if type(each) is not float and each in numbers else number_of(each) for each in node.operands])
        numbers[node] = len(nodes)
        nodes.append((node.op, operands))

    get = numbers.get
    for node in _traced(results):
        operands = node.operands
        if len(operands) == 2:  # as in `add`, without a call and a list: most nodes are such
            a, b = operands
            first = get(a) if type(a) is not float else None
            if first is None:
                first = number_of(a)
            second = get(b) if type(b) is not float else None
            if second is None:
                second = number_of(b)
            numbers[node] = len(nodes)
            nodes.append((node.op, (first, second)))  # type: ignore[arg-type]  # it is no leaf
        else:
            add(node)
    graph.outputs = [number_of(each) for each in results]
    for table in dict.fromkeys(op.table for op, _ in nodes if isinstance(op, Column)):
        graph.tables[table] = parameters_of(table, graph.parameters)
    return graph
