"""Stage 1, record: call the function of one example with tracers, and number the scalar nodes that result."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import numpy as np

from autograd import ops
from autograd.backward import topological_order
from autograd.errors import TraceError
from autograd.interop import Expression, apply_mixed
from autograd.modes import Demand, recording, user_line
from autograd.ops import Node, Operation
from autograd.value import Value
from autograd.vectorize.randomness import states


def _refuse(what: str, instead: str) -> Callable[..., Any]:
    def method(self: Symbol, *_: Any) -> NoReturn:
        raise TraceError(
            f"{what} of a traced number ({self!r}), at {user_line()}: vectorize records the function once, for all examples. {instead}"
        )

    return method


class Symbol(Expression):
    """Abstract: something not known yet. It records what is done with it, and refuses to say its number."""

    __slots__ = ()

    # fmt: off
    __bool__   = _refuse("the truth", "Instead of `if`, `and`, `max` and `min`, use where(c, a, b), maximum, minimum, & and |.")
    __float__  = _refuse("the float", "Instead of math.exp and the like, use autograd's exp, log, tanh, ..., which take traced numbers.")
    __int__    = _refuse("the integer", "Compute with the number itself, or pass it to the function as a constant.")
    __index__  = _refuse("the index", "Instead of values[i], pass a one-hot row and take the weighted_sum of it with the values.")
    __round__  = __floor__ = __ceil__ = __trunc__ = _refuse("the rounded value", "Its derivative would be zero: leave the number as it is.")
    __format__ = _refuse("the formatted number", "Print outside the function, from what the program returns.")
    # fmt: on

    @property
    def data(self) -> Any:
        """The same number as a constant for differentiation."""
        return ops.detach(self)

    @property
    def backward(self) -> Any:
        return _refuse("the backward()", "Inside a traced function take derivatives with grad(f).")(self)


class Tracer(Symbol):
    """A scalar of an example."""

    __slots__ = ("grad", "name", "op", "operands")

    def __init__(self, name: str, op: Operation | None = None, operands: tuple[Any, ...] = ()) -> None:
        self.name, self.op, self.operands, self.grad = name, op, operands, 0.0

    @staticmethod
    def apply(op: Operation, operands: tuple[Any, ...]) -> Any:
        if any(isinstance(each, np.ndarray) for each in operands):
            return apply_mixed(Tracer, op, operands)
        return Tracer(op.name, op, tuple([each if isinstance(each, Node) else ops.real(each) for each in operands]))

    def __repr__(self) -> str:
        return self.name if self.op is None else f"a result of {self.op.name}"


INPUT, PARAMETER, CONSTANT = "input", "parameter", "constant"


@dataclass
class Scalars:
    """A scalar graph as a list: each node is an operation and the numbers of its operands, which come before it.

    A leaf is (INPUT, (argument, row)), (PARAMETER, (k,)) for `parameters[k]`, or (CONSTANT, (number,)).
    """

    nodes: list[tuple[Operation | str, tuple[Any, ...]]] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    parameters: list[Value] = field(default_factory=list)

    def __str__(self) -> str:
        lines = []
        for number, (op, operands) in enumerate(self.nodes):
            words = " ".join(map(str, operands)) if isinstance(op, str) else " ".join(f"%{each}" for each in operands)
            lines.append(f"%{number} = {op if isinstance(op, str) else op.name} {words}")
        return "\n".join([*lines, "return " + " ".join(f"%{each}" for each in self.outputs)])


class Recorded(NamedTuple):
    """What a call of a function was: the graph of its results, their shape, and the graphs of its demands' conditions and numbers."""

    scalars: Scalars
    shape: tuple[int, ...]
    demands: list[tuple[Demand, Scalars]]


def record(f: Callable[..., Any], shapes: Sequence[tuple[int, ...]], names: Sequence[str]) -> Recorded:
    """Call `f` on tracers, arguments of these shapes; return the graph of its results, their shape, and what it requires.

    Raises TraceError where `f` needs to know a traced number, and TypeError or ValueError where it returns
    anything but a scalar or a rectangular list of scalars.
    """
    before = states(f)
    recorded, again = _called(f, shapes, names), _called(f, shapes, names)
    if states(f) != before or not _same(recorded.scalars, again.scalars):
        raise TraceError(
            "the function draws random numbers, or gives another program each time it is recorded: the program would keep "
            "those of one recording. Give them to it as an argument, drawn anew for each batch; nn.train does so with noise="
        )
    return recorded


def would_be(recorded: Recorded, f: Callable[..., Any], shapes: Sequence[tuple[int, ...]], names: Sequence[str]) -> bool:
    """Whether a recording of `f` would come out as this one: the very same operations, of the same Values and numbers."""
    try:
        now = _called(f, shapes, names)
    except Exception:  # whatever it is, recording it in earnest will say so
        return False
    graphs, others = ([each.scalars, *(demand for _, demand in each.demands)] for each in (recorded, now))
    messages, other_messages = ([demand.message for demand, _ in each.demands] for each in (recorded, now))
    return now.shape == recorded.shape and messages == other_messages and all(map(_identical, graphs, others))


def _called(f: Callable[..., Any], shapes: Sequence[tuple[int, ...]], names: Sequence[str]) -> Recorded:
    """What one call of `f` on tracers comes to."""
    arguments: list[Any] = []
    numbers: dict[Any, tuple[str, tuple[Any, ...]]] = {}
    for position, (name, shape) in enumerate(zip(names, shapes)):
        rows = [Tracer(f"{name}[{row}]" if shape else name) for row in range(int(np.prod(shape)))]
        numbers.update((tracer, (INPUT, (position, row))) for row, tracer in enumerate(rows))
        for size in reversed(shape[1:]):
            rows = [rows[i : i + size] for i in range(0, len(rows), size)]  # type: ignore[misc]
        arguments.append(rows if shape else rows[0])
    with recording() as asked:
        try:
            returned = f(*arguments)
        except (IndexError, TypeError) as error:
            if type(error) not in (IndexError, TypeError):
                raise  # which says itself what to do
            given = ", ".join(f"{name} is {_one_example(shape)}" for name, shape in zip(names, shapes))
            raise type(error)(f"{error}; in one example {given}") from error
        results, shape = _flat(returned)
        if not results:
            raise ValueError(f"a vectorized function returns a scalar or a list of scalars, got none at all: the shape {shape}")
        scalars = _numbered(results, dict(numbers))
        demands = [(each, _numbered([each.condition, *each.numbers], dict(numbers))) for each in asked]
    return Recorded(scalars, shape, demands)


def _one_example(shape: tuple[int, ...]) -> str:
    """What a function is given for an argument whose rows have this shape: "a number", "a list of 2", "a list of 2 lists of 3"."""
    return f"a list of {' lists of '.join(map(str, shape))}" if shape else "a number"


def _identical(one: Scalars, other: Scalars) -> bool:
    return (
        one.outputs == other.outputs
        and len(one.nodes) == len(other.nodes)
        and len(one.parameters) == len(other.parameters)
        and all(map(operator.is_, one.parameters, other.parameters))
        and all(
            op is op2 and (repr(operands) == repr(operands2) if op is CONSTANT else operands == operands2)  # repr tells -0.0 from 0.0
            for (op, operands), (op2, operands2) in zip(one.nodes, other.nodes)
        )
    )


def _same(one: Scalars, other: Scalars) -> bool:
    """Whether two recordings compute the same, of the same parameters; Values made inside the function count by their data."""
    return (
        len(one.nodes) == len(other.nodes)
        and one.outputs == other.outputs
        and len(one.parameters) == len(other.parameters)
        and all(a is b or repr(a.data) == repr(b.data) for a, b in zip(one.parameters, other.parameters))
        and all(
            (op is op2 or getattr(op, "name", op) == getattr(op2, "name", op2))
            and (operands == operands2 or repr(operands) == repr(operands2))
            for (op, operands), (op2, operands2) in zip(one.nodes, other.nodes)
        )
    )


def _flat(result: Any) -> tuple[list[Any], tuple[int, ...]]:
    """The scalars in a result, in order, and its shape."""
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


class _Root:
    """Stands above several results, so that one order covers them all."""

    def __init__(self, results: Sequence[Any]) -> None:
        self.operands = tuple(each for each in results if isinstance(each, Node))


def _numbered(results: Sequence[Any], leaves: dict[Any, tuple[str, tuple[Any, ...]]]) -> Scalars:
    graph = Scalars()
    nodes, numbers, constants = graph.nodes, {}, {}

    def number_of(operand: Any) -> int:
        if type(operand) is not float:
            if operand not in numbers:  # a leaf, numbered where it is first used, so that parameters come in that order
                numbers[operand] = len(nodes)
                if operand not in leaves:
                    if not isinstance(operand, Value):
                        raise TraceError(
                            f"{operand!r} belongs to another call: a traced number must not be kept after its function returned"
                        )
                    leaves[operand] = (PARAMETER, (len(graph.parameters),))
                    graph.parameters.append(operand)
                nodes.append(leaves[operand])
            return numbers[operand]
        key = repr(operand)  # tells -0.0 from 0.0, and finds NaN again
        if key not in constants:
            constants[key] = len(nodes)
            nodes.append((CONSTANT, (operand,)))
        return constants[key]

    for node in topological_order(_Root(results))[:-1]:
        if node.op is not None:
            operands = tuple([number_of(each) for each in node.operands])
            numbers[node] = len(nodes)
            nodes.append((node.op, operands))
    graph.outputs = [number_of(each) for each in results]
    return graph
