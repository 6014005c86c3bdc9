"""Stage 1 of vectorize: calling a function with tracers, and the scalar graph that results."""

import copy
import gc
import itertools
import math
import pickle
import re
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import TraceError, Value, grad, maximum, ops, primitive, require, sin, tanh, total, vectorize, weighted_sum, where
from autograd.vectorize.record import record
from autograd.vectorize.scalars import Scalars
from nn import Neuron


def names(graph: Scalars) -> list[str]:
    return [op if isinstance(op, str) else op.name for op, _ in graph.nodes]


def test_a_graph_prints_operands_before_results() -> None:
    w = Value(2.0)
    graph, shape, *_ = record(lambda x, y: tanh(w * x[1]) + y, [(2,), ()], ["x", "y"])
    assert shape == ()
    assert str(graph) == ("%0 = parameter 0\n%1 = input 0 1\n%2 = multiply %0 %1\n%3 = tanh %2\n%4 = input 1 0\n%5 = add %3 %4\nreturn %5")
    assert graph.parameters == [w]


def test_parameters_come_in_the_order_of_use() -> None:
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    graph, *_ = record(lambda x: c * x + a * b, [()], ["x"])
    assert [id(each) for each in graph.parameters] == [id(c), id(a), id(b)]


def test_arguments_have_their_shapes() -> None:
    seen: list[Any] = []
    record(lambda *arguments: seen.extend(arguments) or 0.0, [(), (2,), (2, 3)], ["a", "b", "c"])  # type: ignore[func-returns-value]
    a, b, c = seen[:3]
    assert (repr(a), list(map(repr, b)), [len(row) for row in c]) == ("a", ["b[0]", "b[1]"], [3, 3])


def test_results_have_their_shape() -> None:
    graph, shape, *_ = record(lambda x: [[x, 1.0], [2.0, x * x]], [()], ["x"])
    assert (shape, len(graph.outputs)) == ((2, 2), 4)


def test_an_operand_used_twice_is_one_node() -> None:
    graph, *_ = record(lambda x: x * x, [()], ["x"])
    assert graph.nodes[-1] == (ops.multiply, (0, 0))


def test_constants_are_told_apart_by_sign_and_found_again() -> None:
    graph, *_ = record(lambda x: x + 0.0 + -0.0 + float("nan") + float("nan") + 0.0, [()], ["x"])
    assert names(graph).count("constant") == 3


def test_a_long_chain_does_not_recurse() -> None:
    def f(x: Any) -> Any:
        for _ in range(20_000):
            x = x + 1.0
        return x

    graph, *_ = record(f, [()], ["x"])
    assert len(graph.nodes) == 20_002


def test_a_sum_of_products_is_one_node() -> None:
    w = [Value(1.0), Value(2.0)]
    graph, *_ = record(lambda x: sum(a * b for a, b in zip(w, x)) + x[2] - x[0] * x[1], [(3,)], ["x"])
    leaves = ["input", "parameter", "constant"]
    assert [each for each in names(graph) if each not in leaves] == ["dot", "total", "multiply", "subtract"]


def test_a_part_of_a_sum_that_is_used_again_is_a_node() -> None:
    def f(x: Any) -> Any:
        product, part = x[0] * x[1], x[0] + x[1] + x[2]
        return [part + x[0] * x[2] + product + x[3] * x[1], product, tanh(part)]

    graph, *_ = record(f, [(4,)], ["x"])
    assert [each for each in names(graph) if each not in ("input", "constant")] == ["multiply", "total", "dot", "total", "tanh"]


def test_what_no_result_needs_is_not_in_the_graph() -> None:
    w = Value(2.0)
    graph, *_ = record(lambda x: [w * x, x + 1.0][1], [()], ["x"])
    assert names(graph) == ["input", "constant", "add"]
    assert graph.parameters == []


def test_conditions_are_nodes() -> None:
    graph, *_ = record(lambda x: ((x < 1) & ~(x == 2)) | (x >= 0), [()], ["x"])
    assert names(graph)[-1] == "logical_or"
    assert {"less", "equal", "greater_equal", "logical_not", "logical_and"} <= set(names(graph))


def test_a_program_is_current_until_what_its_function_reads_has_changed() -> None:
    read: dict[str, Any] = {"op": tanh, "w": Value(0.5), "zero": 0.0, "outputs": 1, "most": 9.0}

    def f(x: Any) -> Any:
        require(x < read["most"], "too large: {}", x)
        y = read["op"](read["w"] * x + read["zero"])
        return y if read["outputs"] == 1 else [y] * read["outputs"]

    x = np.array([0.5, 1.0])
    changes = {"op": sin, "w": Value(0.5), "zero": -0.0, "outputs": 2, "most": 8.0}
    for name, change in changes.items():
        compiled = vectorize(f).record(x)
        assert compiled.is_current()
        before, read[name] = read[name], change
        assert not compiled.is_current(), name
        read[name] = before
        assert compiled.is_current()
    read["w"].data = 7.0
    assert compiled.is_current()
    assert compiled(x) == pytest.approx(np.tanh(7 * x))


def test_a_program_of_every_shape_must_be_current() -> None:
    scales = [2.0, 3.0]
    compiled = vectorize(lambda x: x[0] * scales[0] if len(x) == 1 else x[0] * scales[1])
    compiled.record(np.ones((2, 1))).record(np.ones((2, 2)))
    scales[1] = 4.0
    assert not compiled.is_current()


def test_a_function_that_fails_or_makes_its_own_values_is_never_current() -> None:
    fails = False

    def f(x: Any) -> Any:
        return 1.0 if fails and x else x

    compiled = vectorize(f).record(np.ones(2))
    fails = True
    assert not compiled.is_current()
    assert not vectorize(lambda x: x * Value(2.0)).record(np.ones(2)).is_current()


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: list(maximum(x, np.array([1.0, 2.0]))), [[1.0, 2.0], [3.0, 3.0]]),
        (lambda x: list(np.array([1.0, 2.0]) * x + np.array(1.0)), [[1.0, 1.0], [4.0, 7.0]]),
        (lambda x: weighted_sum([2.0, x], [x, np.float64(2.0)], np.array(1.0)), [1.0, 13.0]),
        (lambda x: where(x > 1, np.array([0.5, 4.0]), x).tolist(), [[0.0, 0.0], [0.5, 4.0]]),
    ],
)
def test_traced_numbers_meet_arrays(f: Any, expected: Any) -> None:
    assert vectorize(f)(np.array([0.0, 3.0])).tolist() == expected


def test_a_bias_may_be_an_array_of_no_dimensions() -> None:
    neuron = Neuron(2, seed=1)
    neuron.bias = np.array(0.5)  # type: ignore[assignment]
    X = np.random.default_rng(0).normal(size=(60, 2))
    np.testing.assert_allclose(neuron.predict(X)[:, 0], [neuron(row).data for row in X], rtol=1e-13)


# What a function reads of a Value while it is recorded. The oracle is the eager engine after every parameter has changed.


def _state_dict_of(w: Value) -> float:
    neuron = Neuron(1)
    neuron.weights[0] = w
    return neuron.state_dict()["weights[0]"]  # a node while it is recorded


READERS: dict[str, Callable[[Any, Value, Value], Any]] = {
    "data": lambda x, w, v: x * w.data,
    "data of a result": lambda x, w, v: x * (w * v).data + w * (w * 2).data,
    "normalised by data": lambda x, w, v: w * x / abs(v.data + 0.5),
    "data of a traced number": lambda x, w, v: (w * x).data * w * v.data + grad(lambda t: (t * w).data * t)(x),
    "branch on data": lambda x, w, v: w * x if w.data > 0 else -w * x,
    "branch": lambda x, w, v: w * x if w > v else v * x,
    "largest data": lambda x, w, v: x * max(each.data for each in (w * 2, w * 3)),
    "smallest Value": lambda x, w, v: x * min(w, v),
    "sorted": lambda x, w, v: x * sorted([w, v])[0],
    "grad": lambda x, w, v: x * (1 + w.grad),
    "backward": lambda x, w, v: (w * w).backward() or x * w.grad,
    "float": lambda x, w, v: x * float(w),
    "float of data": lambda x, w, v: x * float(w.data),
    "int": lambda x, w, v: x * int(w),
    "math": lambda x, w, v: x * math.tanh(w),
    "numpy number": lambda x, w, v: x * np.float64(w),
    "numpy array": lambda x, w, v: x * np.array([w, v], dtype=float)[1],
    "text": lambda x, w, v: x * float(str(w).split("(")[1].split(",")[0]),
    "formatted": lambda x, w, v: x * float(f"{w:.17g}"),
    "named": lambda x, w, v: x * float(w.named()),
    "copied": lambda x, w, v: x * copy.copy(w),
    "deeply copied": lambda x, w, v: x * copy.deepcopy(w),
    "pickled": lambda x, w, v: x * pickle.loads(pickle.dumps(w)),
    "another leaf": lambda x, w, v: x * Value(w.data),
    "derivative at data": lambda x, w, v: x * grad(lambda t: t * t * w)(v.data),
    "derivative at a Value": lambda x, w, v: x * grad(lambda t: t * t * w)(v),
    "state": lambda x, w, v: x * _state_dict_of(w),
    "assigned": lambda x, w, v: [setattr(v, "data", 1.0), x * w * v][1],  # type: ignore[func-returns-value]
    "graph made outside": lambda x, w, v: x * OUTSIDE[0],
}
FOLLOW = {
    "data", "data of a result", "data of a traced number", "normalised by data",
    "derivative at data", "derivative at a Value", "state", "graph made outside"
}  # fmt: skip
OUTSIDE: list[Value] = []


@pytest.mark.parametrize("name", READERS)
def test_a_program_holds_no_number_of_a_parameter(name: str) -> None:
    """Each way to read a number follows the parameter, or is refused when the function is recorded."""
    w, v = Value(1.5, label="w"), Value(0.5)
    OUTSIDE[:] = [w * v + w]
    X = np.array([1.0, -2.0, 3.0])
    program = vectorize(lambda x: READERS[name](x, w, v))
    if name not in FOLLOW:
        with pytest.raises((TraceError, ValueError)) as caught:  # of text there is no number to read
            program(X)
        if caught.type is TraceError and name != "another leaf":
            assert re.search(r"in a recorded function, at .*\.py:\d+", str(caught.value))
        assert (w.data, v.data) == (1.5, 0.5)
        return
    for w.data, v.data in ((-0.7, 2.0), (0.2, -0.1), (3.0, 4.0)):
        OUTSIDE[:] = [w * v + w]
        w.grad = v.grad = 0.0
        outputs = [READERS[name](x, w, v) for x in X.tolist()]
        expected = total(outputs) / 3
        np.testing.assert_allclose(program(X), [float(getattr(each, "data", each)) for each in outputs], rtol=1e-14)
        if isinstance(expected, Value):
            expected.backward()
            found = dict(zip(program.parameters, program.value_and_gradient(X)[1]))
            assert [found.get(each, 0.0) for each in (w, v)] == pytest.approx([w.grad, v.grad], rel=1e-12)


# Functions that change from call to call


COUNTER = itertools.count()
GROWING: list[Any] = []
PAIR, EQUAL = [Value(1.0), Value(2.0)], [Value(0.0), Value(0.0)]


class Member:
    """An object whose hash is another one in each call, as that of objects in memory is."""

    def __init__(self, place: int, shift: int) -> None:
        self.place, self.hash = place, (place + shift) % 8

    def __hash__(self) -> int:
        return self.hash


def _with_objects_in_a_set(x: Any) -> Any:
    shift = next(COUNTER)
    for each in {Member(place, shift) for place in range(8)}:
        x = x * 2.0 + float(each.place)
    return x


def _flipped(values: list[Any]) -> Any:
    """Another one of two values in each call."""
    return values[next(COUNTER) % 2]


CHANGING: dict[str, Callable[[Any], Any]] = {
    "counter": lambda x: x * next(COUNTER),
    "growing list": lambda x: [GROWING.append(0.0), x + float(len(GROWING))][1],  # type: ignore[func-returns-value]
    "more operations": lambda x: [GROWING.append(0.0), total(x * x for _ in GROWING)][1],  # type: ignore[func-returns-value]
    "order": lambda x: _flipped([x - 2.0, 2.0 - x]),
    "operation": lambda x: _flipped([sin, tanh])(x),
    "operand": lambda x: sin(_flipped([x * 2.0, x * 3.0])) + x * 2.0 + x * 3.0,
    "sign of zero": lambda x: x / _flipped([0.0, -0.0]),
    "last digit": lambda x: x + _flipped([0.1, math.nextafter(0.1, 1.0)]),
    "nan": lambda x: x + _flipped([math.nan, 1.0]),
    "parameter": lambda x: x * _flipped(PAIR),
    "parameters of a sum": lambda x: sum(w * x for w in _flipped([PAIR, PAIR[::-1]])) + x,
    "order of equal parameters": lambda x: EQUAL[0] * x + EQUAL[1] if next(COUNTER) % 2 else EQUAL[1] * x + EQUAL[0],
    "data of its own Value": lambda x: x * Value(float(next(COUNTER))),
    "result": lambda x: _flipped([[x, x + 1.0], [x + 1.0, x]]),
    "part of a sum": lambda x: _flipped([[part := x + x**2 + 1.0 * x, part + x + x], [x + x**2 + 1.0 * x, x + x**2 + 1.0 * x + x + x]]),
    "set": _with_objects_in_a_set,
}


@pytest.mark.parametrize("name", CHANGING)
def test_a_function_that_changes_from_call_to_call_is_refused(name: str) -> None:
    for _ in range(2):
        with pytest.raises(TraceError, match="the function gives another program each time it is recorded"):
            vectorize(CHANGING[name]).record(np.ones(2))


def _with_a_primitive(x: Any) -> Any:
    @primitive(lambda y, x: 3.0)
    def tripled(x: Any) -> Any:
        return 3.0 * x

    return tripled(x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: [x * next(COUNTER), 3.0 * x][1],
        lambda x: [GROWING.append(x * len(GROWING)), x + x + x][1],  # type: ignore[func-returns-value]
        lambda x: x * Value(3.0),
        _with_a_primitive,
    ],
    ids=["an unused number", "an unused result", "a Value of its own", "a primitive of its own"],
)
def test_a_function_that_computes_the_same_in_each_call_is_accepted(f: Callable[[Any], Any]) -> None:
    np.testing.assert_array_equal(vectorize(f)(np.array([1.0, 2.0])), [3.0, 6.0])


def test_a_traced_number_of_an_earlier_call_is_refused_in_every_use() -> None:
    kept: list[Any] = []
    vectorize(lambda x: [kept.append(x * x), x][1]).record(np.ones(2))  # type: ignore[func-returns-value]
    for f in (
        lambda y: kept[0],
        lambda y: kept[0] * y,
        lambda y: y * kept[0],
        lambda y: weighted_sum([kept[0], y], [1.0, 2.0]),
        lambda y: grad(lambda t: kept[0] * 2.0)(y),
    ):
        with pytest.raises(TraceError, match=r"a result of .* belongs to another call"):
            vectorize(f).record(np.ones(2))


def test_traced_numbers_are_freed_without_garbage_collection() -> None:
    seen: list[weakref.ref[Any]] = []

    class Marker:
        pass

    def f(x: Any) -> Any:
        marker = Marker()
        seen.append(weakref.ref(marker))
        w = Value(2.0)
        w.marker = marker  # type: ignore[attr-defined]
        return w * x + w

    gc.disable()
    try:
        record(f, [()], ["x"], closely=False)
        assert seen
        assert all(each() is None for each in seen)
    finally:
        gc.enable()
