"""Stage 1 of vectorize: calling a function with tracers, and the scalar graph that results."""

import copy
import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import TraceError, Value, grad, maximum, ops, require, sin, tanh, total, vectorize, weighted_sum, where
from autograd.vectorize.record import Scalars, record
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
