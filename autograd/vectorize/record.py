"""Stage 1, record: call the function of one example with tracers and make a graph of what they wrote down."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from autograd import ops
from autograd.errors import TraceError
from autograd.modes import Demand, recording
from autograd.ops import Node
from autograd.vectorize.randomness import CHANGES, watched
from autograd.vectorize.recording import Recording, are_alike
from autograd.vectorize.scalars import CONSTANT, Scalars
from autograd.vectorize.tables import Table, Tables, nested
from autograd.vectorize.tracers import Trace, TracedInteger, Tracer, leaf


class CallGraph(NamedTuple):
    """One call of a function: the graph of its results, their shape, its conditions with their graphs, and its lookups."""

    scalars: Scalars
    shape: tuple[int, ...]
    demands: list[tuple[Demand, Scalars]]
    tables: Tables


class _Call(NamedTuple):
    """What a call of a function wrote down, and the numbers of its results and of the conditions in it."""

    recording: Recording
    outputs: list[int]
    shape: tuple[int, ...]
    demands: list[tuple[Demand, list[int]]]
    tables: Tables

    def graph(self) -> CallGraph:
        demands = [(each, self.recording.graph(numbers)) for each, numbers in self.demands]
        return CallGraph(self.recording.graph(self.outputs), self.shape, demands, self.tables)


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
    call = _call(partial(watched, f, closely), shapes, names, integers)
    again, graph = _call(f, shapes, names, integers, call.tables.known), call.graph()
    is_same = call.outputs == again.outputs and call.recording.is_same(again.recording)
    if not is_same and not _compute_the_same(graph.scalars, again.recording.graph(again.outputs)):
        raise TraceError(f"the function gives another program each time it is recorded: {CHANGES}")
    return graph


def records_the_same(
    graph: CallGraph, f: Callable[..., Any], shapes: Sequence[tuple[int, ...]], names: Sequence[str], integers: Collection[int] = ()
) -> bool:
    """Whether recording `f` again gives the same operations of the same Values and numbers."""
    try:
        now = _call(partial(watched, f, True), shapes, names, integers, graph.tables.known).graph()
    except Exception:  # the next recording raises it
        return False
    graphs, others = ([each.scalars, *(demand for _, demand in each.demands)] for each in (graph, now))
    messages, other_messages = ([demand.message for demand, _ in each.demands] for each in (graph, now))
    is_like = now.shape == graph.shape and now.tables.limits == graph.tables.limits
    return is_like and messages == other_messages and all(map(_identical, graphs, others))


def _call(
    f: Callable[..., Any], shapes: Sequence[tuple[int, ...]], names: Sequence[str], integers: Collection[int], known: Sequence[Table] = ()
) -> _Call:
    """Call `f` with tracers. `known` are the tables of an earlier call."""
    trace, tables = Trace(), Tables(list(known))
    arguments: list[Any] = []
    places: list[tuple[int, int]] = []
    for position, (name, shape) in enumerate(zip(names, shapes)):
        rows: list[Any] = []
        for row in range(math.prod(shape)):
            word, place = f"{name}[{row}]" if shape else name, (position, row)
            rows.append(TracedInteger(word, trace, place, tables) if position in integers else leaf(word, trace))
            places.append(place)
        arguments.append(nested(rows, shape))
    try:
        with recording() as asked:
            results, shape = _results(f, arguments, names, shapes)
            outputs = list(map(trace.number, results))
            demands = [(each, list(map(trace.number, (each.condition, *each.numbers)))) for each in asked]
    finally:
        entries, leaves = trace.close()
    leaves[: len(places)] = places
    return _Call(Recording.of(entries, leaves), outputs, shape, demands, tables)


def _results(
    f: Callable[..., Any], arguments: Sequence[Any], names: Sequence[str], shapes: Sequence[tuple[int, ...]]
) -> tuple[list[Any], tuple[int, ...]]:
    """The scalars that `f` returns, and their shape."""
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
    return results, shape


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
    """Whether two graphs compute the same from the same parameters."""
    return (
        len(one.nodes) == len(other.nodes)
        and one.outputs == other.outputs
        and are_alike(one.parameters, other.parameters)
        and _places(one) == _places(other)
        and all(map(_compute_alike, one.nodes, other.nodes))
    )


def _compute_alike(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two nodes compute the same. A primitive that is made inside the function is known by its name."""
    (op, operands), (op2, operands2) = one, other
    return getattr(op, "name", op) == getattr(op2, "name", op2) and repr(operands) == repr(operands2)


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
