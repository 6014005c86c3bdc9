"""vectorize as its user meets it: which numbers are used, recordings, source, errors, copies."""

import contextlib
import copy
import datetime
import functools
import gc
import logging
import math
import os
import pickle
import random
import re
import secrets
import sys
import threading
import time
import tracemalloc
import types
import uuid
import warnings
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autograd import (
    Operation,
    TraceError,
    UpdateRule,
    Value,
    anomaly,
    log,
    primitive,
    relu,
    require,
    sigmoid,
    sqrt,
    tanh,
    total,
    vectorize,
    weighted_sum,
    where,
)
from autograd.vectorize import ParameterLayout
from autograd.vectorize.memory import LARGE
from nn import MLP, squared_error
from tests.autograd.vectorize.test_agreement import PROGRAM, RandomProgram
from tests.programs import KINDS, RNG, Array, Function, batch, eager, every_backend, installed, pasted

# The numbers that are used


def line(x: Any, y: Any, w: Value, b: Value) -> Any:
    return (w * x + b - y) ** 2


@pytest.fixture
def fit() -> tuple[Any, Value, Value, Array, Array]:
    w, b = Value(2.0, label="w"), Value(-1.0, label="b")
    return vectorize(lambda x, y: line(x, y, w, b)), w, b, batch(), batch()


Fit = tuple[Any, Value, Value, Array, Array]


def test_a_changed_parameter_is_seen_at_once(fit: Fit) -> None:
    program, w, b, x, y = fit
    program(x, y), program.mean(x, y), program.per_example_gradients(x, y)
    w.data, b.data = 0.5, 3.0
    np.testing.assert_allclose(program(x, y), (0.5 * x + 3 - y) ** 2, rtol=1e-13)
    assert program.mean(x, y).data == pytest.approx(((0.5 * x + 3 - y) ** 2).mean(), rel=1e-13)
    np.testing.assert_allclose(program.value_and_gradient(x, y)[1], [(2 * (0.5 * x + 3 - y) * x).mean(), (2 * (0.5 * x + 3 - y)).mean()])
    np.testing.assert_allclose(program.per_example_gradients(x, y)[:, 1], 2 * (0.5 * x + 3 - y))


def test_changed_data_are_seen_at_once(fit: Fit) -> None:
    program, _, _, x, y = fit
    before = program(x, y)
    cost = program.value_and_gradient(x, y)[0]
    x += 1.0  # in place: the same array, other numbers
    assert not np.allclose(program(x, y), before)
    assert program.value_and_gradient(x, y)[0] != cost
    np.testing.assert_array_equal(program(x.copy(), y.copy()), program(x, y))


def test_results_belong_to_the_caller(fit: Fit) -> None:
    program, _, _, x, y = fit
    first, (_, gradient) = program(x, y), program.value_and_gradient(x, y)
    kept, kept_gradient = first.copy(), gradient.copy()
    program(x + 1, y), program.value_and_gradient(x + 1, y)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(gradient, kept_gradient)


def test_the_mean_composes_with_other_values(fit: Fit) -> None:
    program, w, b, x, y = fit
    mean_cost = program.mean(x, y)
    assert isinstance(mean_cost, Value)
    assert set(map(id, mean_cost.operands)) == {id(w), id(b)}
    (3 * mean_cost + w * w + mean_cost * mean_cost).backward()
    _, gradient = program.value_and_gradient(x, y)
    slopes = dict(zip(map(id, program.parameters), gradient))
    factor = 3 + 2 * mean_cost.data
    assert w.grad == pytest.approx(factor * slopes[id(w)] + 2 * w.data)
    assert b.grad == pytest.approx(factor * slopes[id(b)])


def test_the_mean_without_parameters_is_a_plain_value() -> None:
    cost = vectorize(lambda x: x * x).mean(np.array([1.0, 3.0]))
    assert (cost.data, cost.operands) == (5.0, ())


def test_parameters_lie_in_one_order(fit: Fit) -> None:
    program, w, b, x, y = fit
    program.record(x, y)
    assert {id(each) for each in program.parameters} == {id(w), id(b)}
    vector = program.parameter_vector()
    assert vector.tolist() == [each.data for each in program.parameters]
    vector[:] = [7.0, 8.0]
    assert w.data == 2.0, "the vector is a copy"
    program.assign(vector)
    assert [each.data for each in program.parameters] == [7.0, 8.0]
    assert all(type(each.data) is float for each in program.parameters)


def test_a_given_parameter_vector_leaves_the_values_unchanged(fit: Fit) -> None:
    program, w, b, x, y = fit
    program.record(x, y)
    theta = np.array([0.3, 0.7])
    out = np.full(2, np.nan)
    cost, gradient = program.value_and_gradient(x, y, parameters=theta, out=out)
    assert gradient is out
    assert (w.data, b.data, w.grad, b.grad) == (2.0, -1.0, 0.0, 0.0)
    program.assign(theta)
    expected_cost, expected = program.value_and_gradient(x, y)
    assert cost == expected_cost
    np.testing.assert_array_equal(gradient, expected)
    np.testing.assert_array_equal(theta, [0.3, 0.7])


@every_backend
def test_a_gradient_may_be_written_over_an_argument(backend: str) -> None:
    model = MLP([3, 4, 1], seed=1)
    program = vectorize(lambda x, y: squared_error(model(x), y) + model.layers[0].neurons[0].bias ** 2, backend=backend)
    x, y, weights = batch(3), batch(1), np.linspace(-1.0, 1.0, 7)
    value, gradient = program.value_and_gradient(x, y)
    weighted, weighted_gradient = program.value_and_gradient(x, y, weights=weights)
    theta, size = program.parameter_vector(), len(gradient)
    for shift in (0, 3):
        room = np.zeros(size + 3)
        room[:size] = theta
        found, out = program.value_and_gradient(x, y, parameters=room[:size], out=room[shift : shift + size])
        assert np.shares_memory(out, room)
        assert (found, out.tolist()) == (value, gradient.tolist())
    room = x.flatten()
    found, out = program.value_and_gradient(room.reshape(7, 3), y, out=room[:size])  # of 21
    assert (found, out.tolist()) == (value, gradient.tolist())
    room[:7] = weights
    found, out = program.value_and_gradient(x, y, weights=room[:7], out=room[:size])
    assert (found, out.tolist()) == (weighted, weighted_gradient.tolist())


def test_parameters_that_do_not_matter_have_no_gradient() -> None:
    used, multiplied, chosen = Value(2.0), Value(3.0), Value(5.0)
    program = vectorize(lambda x: used * x + 0 * multiplied + where(x < x, chosen, 0.0))
    cost, gradient = program.value_and_gradient(np.array([1.0, 2.0]))
    slopes = {id(parameter): slope for parameter, slope in zip(program.parameters, gradient)}
    assert cost == 3.0
    assert slopes == {id(used): 1.5, id(multiplied): 0.0, id(chosen): 0.0}
    assert pasted(program, np.array([1.0, 2.0]))[1].tolist() == gradient.tolist()


def test_a_constant_cost_has_gradients_of_zero() -> None:
    w = Value(2.0)
    program = vectorize(lambda x: 0 * w + 3.0)
    cost, gradient = program.value_and_gradient(np.ones(4))
    assert (cost, gradient.tolist(), program.per_example_gradients(np.ones(4)).tolist()) == (3.0, [0.0], [[0.0]] * 4)


# Recordings


def test_a_function_is_recorded_twice_for_each_shape_of_example() -> None:
    calls = []
    program = vectorize(lambda x: calls.append(0) or sum(each * each for each in x))  # type: ignore[func-returns-value]
    for size in (2, 2, 3, 2, 3):
        for rows in (1, 5):
            np.testing.assert_allclose(program(np.full((rows, size), 2.0)), np.full(rows, 4.0 * size))
    assert len(calls) == 4


def test_lists_integers_and_bools_become_arrays() -> None:
    program = vectorize(lambda x, y: x[0] + x[1] * y)
    np.testing.assert_array_equal(program([[1, 2], [3, 4]], [True, False]), [3.0, 3.0])
    assert program([[1, 2]], [1]).dtype == np.float64
    X = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(program(X[:, ::2], X[:, 1]), X[:, 0] + X[:, 2] * X[:, 1])
    np.testing.assert_array_equal(program(np.asfortranarray(X), X[:, 1]), X[:, 0] + X[:, 1] * X[:, 1])


@pytest.mark.parametrize("activation", [tanh, sigmoid, relu])
def test_repeated_calls_allocate_nothing(activation: Function) -> None:
    model = MLP([4, 16, 16, 3], activation=activation, seed=0)
    program = vectorize(lambda x, y: squared_error(model(x), y))
    X, Y = RNG.normal(size=(5000, 4)), RNG.normal(size=(5000, 3))
    theta = program.record(X, Y).parameter_vector()
    gradient = np.empty_like(theta)

    def steps(count: int) -> None:
        for _ in range(count):
            program.value_and_gradient(X, Y, parameters=theta, out=gradient)

    gc.collect()
    tracemalloc.start()
    try:
        steps(100)  # fills the interpreter's lists of spare objects
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        steps(30)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1000, "kept from step to step"
    assert peak - before < 70_000, "numpy adds and multiplies with a buffer of 65,536 bytes; the smallest array has 120,000"


# The source


def test_the_source_of_a_small_network() -> None:
    model = MLP([2, 3, 1])

    def cost(x: Any, y: Any) -> Any:
        return squared_error(model(x), y)

    assert vectorize(cost).record(batch(2), batch()).source == GOLDEN


GOLDEN = """\
import numpy as np


def cost(x, y, theta):
    # x (batch, 2), y (batch,), theta (13,)
    batch = len(x)
    W1 = theta[0:6].reshape(3, 2)       # (3, 2)
    b1 = theta[6:9]                     # (3,)
    W2 = theta[9:12].reshape(1, 3)      # (1, 3)
    b2 = theta[12:13]                   # (1,)

    z1 = x @ W1.T + b1                  # (batch, 3)
    h1 = np.tanh(z1)                    # (batch, 3)
    z2 = h1 @ W2.T + b2                 # (batch, 1)
    t1 = z2 - y[:, None]                # (batch, 1)
    cost = t1 ** 2                      # (batch, 1)

    dt1 = 2 / batch * t1                # (batch, 1)
    dh1 = dt1 @ W2                      # (batch, 3)
    dW2 = dt1.T @ h1                    # (1, 3)
    dz1 = (1 / np.cosh(z1)) ** 2 * dh1  # (batch, 3)
    dW1 = dz1.T @ x                     # (3, 2)
    db1 = np.sum(dz1, axis=0)           # (3,)
    db2 = np.sum(dt1, axis=0)           # (1,)
    dtheta = np.concatenate([dW1.ravel(), db1, dW2.ravel(), db2])  # (13,)
    return np.mean(cost), dtheta
"""


def test_long_programs_have_readable_source() -> None:
    for name in ("recurrent_net", "convolution", "attention", "gaussian_mixture"):
        make, arrays = KINDS[name]
        lines = vectorize(make()).record(*arrays).source.splitlines()
        assert max(map(len, lines)) <= 120
        assert "theta[" not in "\n".join(lines[lines.index("", lines.index(next(x for x in lines if x.startswith("def f")))) :])


def test_arguments_have_names_of_their_own() -> None:
    program = vectorize(lambda x1, *others: x1 - others[0] * others[1])
    arguments = [batch() for _ in range(3)]
    np.testing.assert_array_equal(pasted(program.record(*arguments), *arguments).ravel(), program(*arguments))
    assert "(x1, x1_, x2)" in program.source


def test_the_source_of_a_program_without_parameters_has_no_theta() -> None:
    source = vectorize(lambda x: x * x).record(batch()).source
    assert "def f(x):" in source
    assert "theta" not in source


# Errors


def branching(x: Any) -> Any:
    if x > 0:
        return x
    return -x


REFUSED = [
    (branching, "the truth value of a traced number (a result of greater)", "where(c, a, b)"),
    (lambda x: x > 0 and x, "the truth value of a traced number (a result of greater)", "& and |"),
    (lambda x: bool(x), "the truth value of a traced number (x)", "where(c, a, b)"),
    (lambda x: max(x, 0.0), "the truth value of a traced number", "use where(c, a, b), largest"),
    (lambda x: float(x), "the float of a traced number (x)", "autograd's exp, log, tanh"),
    (lambda x: math.exp(x), "the float of a traced number (x)", "autograd's exp, log, tanh"),
    (lambda x: np.array([x], dtype=float)[0], "the float of a traced number (x)", "autograd's exp"),
    (lambda x: (x * x).backward(), "the backward() of a traced number (a result of multiply)", "grad(f)"),
    (lambda x: [1.0, 2.0][x], "the index of a traced number (x)", "write lookup(table, i)"),
    (lambda x: sum(1 for _ in range(x)), "the index of a traced number (x)", "write lookup(table, i)"),
    (lambda x: int(x), "the integer of a traced number (x)", "constant"),
    (lambda x: round(x), "the rounded value of a traced number (x)", "leave the number as it is"),
    (lambda x: f"{x:.2f}", "the formatted number of a traced number (x)", "Print outside the function"),
]


@pytest.mark.parametrize(("f", "what", "instead"), REFUSED)
def test_errors_of_traced_numbers_name_the_line_and_what_to_write(f: Function, what: str, instead: str) -> None:
    with pytest.raises(TraceError) as caught:
        vectorize(f)(batch())
    message = str(caught.value)
    line = f.__code__.co_firstlineno + (f is branching)
    assert message.startswith(what)
    assert f"{__file__}:{line}" in message
    assert instead in message


def test_a_primitive_that_arrays_cannot_go_through_is_refused() -> None:
    @primitive(lambda y, x: y)
    def my_exp(x: Any) -> Any:
        return math.exp(x)

    with pytest.raises(TraceError, match=r"the float of a traced number \(.*autograd's exp, log, tanh"):
        vectorize(lambda x: my_exp(x))(batch())


def test_a_traced_number_does_not_outlive_its_call() -> None:
    kept: list[Any] = []
    vectorize(lambda x: kept.append(x) or x)(batch())  # type: ignore[func-returns-value]
    with pytest.raises(TraceError, match="x belongs to another call: a traced number must not be kept"):
        vectorize(lambda y: y + kept[0])(batch())


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda x: None, TypeError, "returns a scalar or a list of scalars, got NoneType None: perhaps its return is missing"),
        (lambda x: "a", TypeError, "returns a scalar or a list of scalars, got str 'a'"),
        (lambda x: [x, [x, x]], ValueError, r"a scalar or a rectangular list, got rows of shapes \[\(\), \(2,\)\]"),
        (lambda x: [], ValueError, "a scalar or a list of scalars, got none at all"),
    ],
)
def test_invalid_results_are_refused(f: Function, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        vectorize(f)(batch())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), TypeError, "<vectorized f> needs at least one array of examples"),
        ((np.ones((3, 2)), np.ones(4)), ValueError, r"one row for each example, the same number of them: got shapes x \(3, 2\), y \(4,\)"),
        ((np.ones((0, 2)), np.ones(0)), ValueError, r"an empty batch: got shapes x \(0, 2\), y \(0,\)"),
        (
            ([[1, 2], [3]], [1, 2]),
            ValueError,
            r"x has rows of different lengths: an argument is an array of shape \(batch,\) or \(batch, n\)",
        ),
        (([["a", "b"]], [1]), TypeError, "x must hold real numbers, got dtype <U1"),
        ((np.ones((3, 2)) * 1j, np.ones(3)), TypeError, "x must hold real numbers, got dtype complex128"),
        (([[None, 2.0]], [1]), TypeError, "x must hold real numbers, got dtype object"),
        (
            (np.ones((3, 2)), 1.0),
            ValueError,
            r"y must have one entry for each example, shape \(batch,\) or \(batch, n\), got a single number",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: Any, error: type[Exception], message: str) -> None:
    program = vectorize(lambda x, y: weighted_sum(x, [y, y]))
    for reading in (program, program.mean, program.value_and_gradient, program.per_example_gradients):
        with pytest.raises(error, match=message):
            reading(*arguments)


def test_vectors_that_do_not_fit_are_refused(fit: Fit) -> None:
    program, w, b, x, y = fit
    program.record(x, y)
    with pytest.raises(ValueError, match=r"vector must have shape \(2,\), one number for each parameter, got \(3,\)"):
        program.assign(np.ones(3))
    with pytest.raises(TypeError, match="vector must hold real numbers, got dtype <U1"):
        program.assign(["a", "b"])
    assert (w.data, b.data) == (2.0, -1.0)
    with pytest.raises(ValueError, match=r"parameters must have shape \(2,\), one number for each parameter, got \(1,\)"):
        program.value_and_gradient(x, y, parameters=np.ones(1))
    with pytest.raises(ValueError, match=r"out must be a contiguous array of float64 of shape \(2,\), got float32 of shape \(2,\)"):
        program.value_and_gradient(x, y, out=np.ones(2, dtype=np.float32))
    with pytest.raises(ValueError, match=r"out must be a contiguous array of float64 of shape \(2,\), got list"):
        program.value_and_gradient(x, y, out=[0.0, 0.0])
    with pytest.raises(ValueError, match=r"weights must have shape \(7,\), one number for each example, got \(3,\)"):
        program.value_and_gradient(x, y, weights=np.ones(3))
    masked = np.ma.masked_array(x, x > 0)
    with pytest.raises(ValueError, match=r"x has masked entries: fill them, as in x.filled\(0.0\), or"):
        program(masked, y)
    with pytest.raises(ValueError, match="weights has masked entries"):
        program.value_and_gradient(x, y, weights=masked)
    assert program(np.ma.masked_array(x, False), y).tolist() == program(x, y).tolist()


@pytest.mark.parametrize("what", ["source", "parameters", "parameter_vector()", "assign(())"])
def test_attributes_that_need_a_call_raise_before_it(what: str) -> None:
    name = what.replace("(())", "()")
    message = f"{name} is not known before <vectorized f> gets arguments: call it, or its record(...), with a batch first"
    with pytest.raises(RuntimeError, match=re.escape(message)):
        eval(f"program.{what}", {"program": vectorize(lambda x: x)})


def test_weights_make_sums_that_add_up(fit: Fit) -> None:
    _, w, b, x, y = fit
    program = vectorize(lambda x, y: line(x, y, w, b) + 10 * w * w)  # with a penalty
    weights = RNG.random(7)
    cost, gradient = program.value_and_gradient(x, y, weights=weights)
    assert cost == pytest.approx(weights @ program(x, y), rel=1e-13)
    np.testing.assert_allclose(gradient, weights @ program.per_example_gradients(x, y), rtol=1e-12)
    parts = [program.value_and_gradient(x[part], y[part], weights=weights[part]) for part in (slice(0, 3), slice(3, 7))]
    assert sum(part for part, _ in parts) == pytest.approx(cost, rel=1e-13)
    np.testing.assert_allclose(sum(part for _, part in parts), gradient, rtol=1e-12)
    mean, mean_gradient = program.value_and_gradient(x, y, weights=np.full(7, 1 / 7))
    assert mean == pytest.approx(program.value_and_gradient(x, y)[0], rel=1e-13)
    np.testing.assert_allclose(mean_gradient, program.value_and_gradient(x, y)[1], rtol=1e-12)


def test_per_example_gradients_have_the_order_that_is_given() -> None:
    model = MLP([2, 3, 2], seed=1)
    program, (X, Y) = vectorize(lambda x, y: squared_error(model(x), y)), (batch(2), batch(2))
    rows = program.per_example_gradients(X, Y, order=model.parameters())
    _, gradients = eager(program.f, (X, Y), model.parameters())
    np.testing.assert_allclose(rows, gradients, rtol=1e-11, atol=1e-13)
    assert list(map(id, program.parameters)) != list(map(id, model.parameters()))
    there = program.layout.to(model.parameters(), program.parameter_vector())
    assert there.tolist() == [parameter.data for parameter in model.parameters()]
    assert ParameterLayout(model.parameters()).to(program.parameters, there).tolist() == program.parameter_vector().tolist()
    stranger = Value(5.0)
    assert program.per_example_gradients(X, Y, order=[stranger, model.parameters()[0]])[:, 0].tolist() == [0.0] * 7


MODEL = MLP([2, 3, 1])


def example_cost(x: Any, y: Any) -> Any:
    return squared_error(MODEL(x), y)


def test_copies_of_a_program_record_again() -> None:
    program, (X, Y) = vectorize(example_cost), (batch(2), batch())
    expected = program(X, Y)
    for copied in (pickle.loads(pickle.dumps(program)), copy.deepcopy(program)):
        np.testing.assert_array_equal(copied(X, Y), expected)
        assert copied.source == program.source
    network = copy.deepcopy(vectorize(MODEL))
    before = network(X)
    network.f.layers[0].neurons[0].bias.data += 1.0  # type: ignore[attr-defined]
    assert not np.allclose(network(X), before)
    np.testing.assert_array_equal(vectorize(MODEL)(X), before)


def test_only_scalar_results_have_gradients() -> None:
    w = Value(1.0)
    program = vectorize(lambda x: [w * x])
    for reading in (program.mean, program.value_and_gradient, program.per_example_gradients):
        with pytest.raises(TypeError, match=r"only a scalar result has a gradient: f returns \(1,\) numbers for each example"):
            reading(batch())


def test_only_functions_and_two_dtypes_are_accepted() -> None:
    with pytest.raises(TypeError, match="vectorize takes a function of one example, got int"):
        vectorize(3)  # type: ignore[arg-type]
    for dtype in (int, np.float16, complex):
        with pytest.raises(TypeError, match="vectorize computes in float64 or float32, not"):
            vectorize(lambda x: x, dtype=dtype)


# Numbers that are not finite


def test_one_over_a_bool_is_one_over_a_number() -> None:
    for dtype in (np.float64, np.float32):
        program = vectorize(lambda x: 1 / (x > 0), dtype=dtype)
        assert program(np.array([1.0, -1.0])).tolist() == [1.0, math.inf]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ((x[0] > 0) + 2) ** 100,
        lambda x: (1 + 2 * (x[0] > 0)) ** -1,
        lambda x: 2 ** -((x[0] > 0) + (x[1] > 0)),
        lambda x: where(x[0] > 0, -1, -2) ** -1,
        lambda x: total([x[0] > 0, x[1] > 0, x[0] > x[1], True]) ** 70,
    ],
)
def test_the_source_computes_with_bools_as_with_floats(f: Function) -> None:
    arguments = np.array([[1.0, 2.0], [-1.0, -2.0], [1.0, -1.0]])
    program = vectorize(f)
    expected = [float(f(row)) for row in arguments.tolist()]
    np.testing.assert_allclose(program(arguments), expected, rtol=1e-14)
    np.testing.assert_allclose(pasted(program, arguments).ravel(), expected, rtol=1e-14)


def test_results_that_are_not_finite_are_results() -> None:
    w = Value(1.0)
    program = vectorize(lambda x: log(w * x) + sqrt(w))
    np.testing.assert_array_equal(program(np.array([0.0, -1.0, 1.0])), [-np.inf, np.nan, 1.0])
    with np.errstate(all="ignore"):
        assert vectorize(lambda x: sqrt(w * x)).value_and_gradient(np.array([0.0]))[0] == 0.0


def test_anomaly_mode_names_the_operation_and_the_example() -> None:
    w = Value(1.0)
    x = np.array([1.0, 0.0])
    program = vectorize(lambda x: log(w * x))
    for reading in (program, program.mean, program.value_and_gradient, program.per_example_gradients):
        with (
            anomaly(),
            pytest.raises(FloatingPointError, match=r"log\(0.0\) gave -inf, in the compiled program, at \(example, ...\) \(1, 0\)"),
        ):
            reading(x)
    with anomaly(), pytest.raises(FloatingPointError, match=r"the input holds nan, at \(example, column\) \(1, 0\)"):
        program(np.array([1.0, np.nan]))
    w.data = np.inf
    with anomaly(), pytest.raises(FloatingPointError, match="the parameters hold inf"):
        program(x)


def test_anomaly_mode_watches_gradients_too() -> None:
    w = Value(1.0)
    root = vectorize(lambda x: (w * x) ** 0.5)
    with anomaly():
        assert root(np.array([1.0, 0.0])).tolist() == [1.0, 0.0]
        for reading in (root.mean, root.value_and_gradient, root.per_example_gradients):
            with pytest.raises(FloatingPointError, match=r"0.0 \*\* -0.5 gave inf"):
                reading(np.array([1.0, 0.0]))


def test_a_condition_on_a_parameter_is_evaluated_in_each_run() -> None:
    w = Value(1.0, label="w")
    program = vectorize(lambda x: where((w > 0) & ~(w >= 5), w * x, -x) + (w > 2) * x)
    X = np.array([1.0, 2.0])
    for number, expected in ((1.0, [1.0, 2.0]), (-1.0, [-1.0, -2.0]), (3.0, [4.0, 8.0]), (7.0, [0.0, 0.0])):
        w.data = number
        assert program(X).tolist() == expected
    assert (w > 2) is True  # outside a recording comparisons are plain truths


class MineError(TypeError):
    """A user's own kind of error, which says itself what is wrong."""


def raising(x: Any) -> Any:
    raise MineError("mine")


def test_errors_in_the_function_say_what_one_example_is() -> None:
    w, X = Value(2.0), np.ones((4, 2))
    with pytest.raises(TypeError, match=r"'list' and 'Tracer'; in one example x is a list of 2, y is a number$"):
        vectorize(lambda x, y: (x - y) * w)(X, np.ones(4))
    with pytest.raises(IndexError, match=r"^list index out of range; in one example x is a list of 2 lists of 3$"):
        vectorize(lambda x: x[0][3] * w)(np.ones((4, 2, 3)))
    with pytest.raises(MineError, match=r"^mine$"):
        vectorize(raising)(X)
    with pytest.raises(TraceError, match=r"use where\(c, a, b\), largest, smallest, & and \|.$"):
        vectorize(lambda x: x[0] if x[1] > 0 else w)(X)
    for function in (max, min):
        for number in ("Value", "traced number"):
            with pytest.raises(TraceError, match=rf"the truth value of a {number} .* largest"):
                vectorize(lambda x: function((each if number == "Value" else each * x[0]).data for each in (w * 2, w)))(X)  # noqa: B023


# Compiled functions inside others


def test_a_compiled_function_inside_a_recorded_one_is_the_scalar_function_again() -> None:
    w, u = Value(2.0), Value(0.5)
    c = vectorize(lambda x: w * x + u)
    X = np.array([1.0, 2.0])
    np.testing.assert_allclose(vectorize(lambda x: c.mean(X) * x)(X), [3.5, 7.0])
    np.testing.assert_allclose(vectorize(lambda x: c(x) ** 2 + c(X)[1])(X), [2.5**2 + 4.5, 4.5**2 + 4.5])
    outer = vectorize(lambda x: c.mean([x, 2 * x]) * u)
    np.testing.assert_allclose(outer(X), [(2 * 1.5 + 0.5) * 0.5, (2 * 3 + 0.5) * 0.5])
    u.data = 1.0
    np.testing.assert_allclose(outer(X), [2 * 1.5 + 1, 2 * 3 + 1])
    x = Value(3.0)
    c(x).backward()
    assert (x.grad, w.grad, u.grad) == (2.0, 3.0, 1.0)
    assert [each.data for each in c([x, 1.0])] == [7.0, 3.0]
    with pytest.raises(TypeError, match=r"y must have one entry for each example, as the first argument has: got 1\.0"):
        vectorize(lambda x, y: x * y)([x, x], 1.0)


def test_gradients_of_a_compiled_function_are_refused_inside_another() -> None:
    w = Value(2.0)
    c = vectorize(lambda x: w * x)
    X = np.array([1.0, 2.0])
    for inner in (lambda x: x * c.value_and_gradient(X)[1][0], lambda x: x * c.per_example_gradients(X)[0, 0]):
        with pytest.raises(TraceError, match="inside a recorded function would be constants of the program: take grad"):
            vectorize(inner)(X)


def test_unknown_variadic_operations_are_refused() -> None:
    largest = Operation("largest", max, lambda *x: np.max(x, axis=0), lambda y, *x: [float(each == y) for each in x], variadic=True)
    with pytest.raises(TraceError, match="largest takes any number of operands and is not available in programs"):
        vectorize(lambda x: largest(*x))(np.ones((2, 3)))
    w = Value(2.0)
    mean = vectorize(lambda x: w * x).mean(np.ones(2))
    with pytest.raises(TraceError, match="mean f takes any number of operands and is not available in programs"):
        vectorize(lambda x: mean * x)(np.ones(2))


# Sums of many examples in float32


def sums() -> Function:
    """Terms of one sign, which lose the most, in products of matrices and in sums; and one that cancels."""
    w, b = Value(0.7), Value(0.3)
    model = MLP([2, 3, 1], seed=0)
    return lambda x: squared_error(model(x), [x[0] + 1]) + log(1.5 + w * x[0]) * b + w * (x[1] - 1.0)


@every_backend
@pytest.mark.parametrize("is_constant", [False, True])
@pytest.mark.parametrize("count", [1, 5000, 100_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_float32_sums_of_many_examples_are_near_those_of_float64(backend: str, is_constant: bool, count: int) -> None:
    """Oracle: the numpy back end in float64. An error is relative to the mean size of the terms."""
    x = np.random.default_rng(count).uniform(0.5, 1.5, (count, 2)).astype(np.float32)
    if is_constant:
        x[:] = 0.1, 1.7  # every rounding is in the same direction: of 1024 terms they are at most 6e-5
    f, most = sums(), 6e-5 if is_constant else 1e-6
    program, exact = vectorize(f, np.float32, backend=backend), vectorize(f)
    weights = np.full(count, 1 / count)
    size = np.abs(exact.per_example_gradients(x[:1000])).mean(axis=0)
    expected, right = exact.value_and_gradient(x)
    for options in ({}, {"weights": weights}):
        cost, gradient = program.value_and_gradient(x, **options)
        assert cost == pytest.approx(expected, rel=most)
        assert (np.abs(gradient - right) <= most * size).all()


@every_backend
def test_a_float32_step_over_many_examples_has_the_float64_gradient(backend: str) -> None:
    """Oracle: the numpy back end in float64; the step is the gradient, as the rate is 1 and the parameters are 0."""
    w, b = Value(0.0), Value(0.0)
    x = np.random.default_rng(0).uniform(0.5, 1.5, (100_000, 2)).astype(np.float32)
    rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])

    def f(x: Any) -> Any:
        return (w * x[0] + b - 1.0) ** 2 + w * tanh(x[1])

    _, right = vectorize(f).value_and_gradient(x)
    for rows in (None, np.arange(len(x))[None]):
        program = vectorize(f, np.float32, backend=backend).record(x)
        theta = program.parameter_vector()
        program.descent(rule, x, parameters=theta).take([1.0], rows)
        np.testing.assert_allclose(-theta, right, rtol=5e-7)


# Weights of 0


@every_backend
@pytest.mark.parametrize("threads", [None, 3])
def test_an_example_with_weight_zero_is_left_out(backend: str, threads: int | None) -> None:
    """Oracle: the same function of the other examples alone."""
    w = Value(2.0)

    def f(x: Any) -> Any:
        require(x != 3.0, "not {}", x)
        return log(w * x) + w * x

    program = vectorize(f, backend=backend, threads=threads)
    for bad in (-1.0, 0.0, math.nan, math.inf, 3.0):
        for place in range(3):
            x, weights = np.array([1.0, 2.0, 5.0]), np.array([1.0, 0.25, 4.0])
            x[place], weights[place] = bad, (0.0, -0.0)[place % 2]
            kept = weights != 0
            cost, gradient = program.value_and_gradient(x, weights=weights)
            expected, right = program.value_and_gradient(x[kept], weights=weights[kept])
            assert cost == pytest.approx(expected, rel=1e-14)
            np.testing.assert_allclose(gradient, right, rtol=1e-14)
            if bad != 3.0:
                with anomaly():
                    assert program.value_and_gradient(x, weights=weights)[0] == pytest.approx(expected, rel=1e-14)
    out = np.full(1, math.nan)
    cost, gradient = program.value_and_gradient(np.array([math.nan, 3.0]), weights=np.zeros(2), out=out)
    assert (cost, gradient.tolist()) == (0.0, [0.0])
    assert gradient is out
    with pytest.raises(ValueError, match=r"not 3\.0 \(example 2\)"):
        program.value_and_gradient(np.array([3.0, 1.0, 3.0]), weights=np.array([0.0, 1.0, 1.0]))


@every_backend
def test_an_infinite_gradient_stays_infinite_next_to_weights_of_zero(backend: str) -> None:
    """Oracle: the subset of the examples."""
    w = Value(0.0)
    program = vectorize(lambda x: sqrt(w * x), backend=backend)
    assert program.value_and_gradient(np.array([1.0, math.nan]), weights=np.array([1.0, 0.0]))[1].tolist() == [math.inf]


@every_backend
def test_weights_of_zero_keep_the_dtype(backend: str) -> None:
    w = Value(1.0)
    program = vectorize(lambda x: w * x, np.float32, backend=backend)
    cost, gradient = program.value_and_gradient(np.array([1.0, 2.0, 4.0]), weights=np.array([1.0, 0.0, 2.0]))
    assert (cost, gradient.tolist()) == (9.0, [9.0])


@every_backend
def test_a_nan_weight_makes_the_results_nan(backend: str) -> None:
    w = Value(1.0)
    cost, gradient = vectorize(lambda x: w * x, backend=backend).value_and_gradient(np.ones(2), weights=np.array([math.nan, 0.0]))
    assert math.isnan(cost)
    assert np.isnan(gradient).all()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(PROGRAM, st.sampled_from(["numpy", "reference"]), st.integers(0, 2**31), st.sampled_from([None, 2]))
def test_random_programs_with_weights_of_zero_are_those_of_the_other_examples(
    description: dict[str, Any], backend: str, seed: int, threads: int | None
) -> None:
    """Oracle: the subset of the examples."""
    f = RandomProgram(**description)
    program, rng = vectorize(f, backend=backend, threads=threads), np.random.default_rng(seed)
    arrays = [np.array(each) for each in f.arrays]
    with np.errstate(all="ignore"):
        if program.record(*arrays)(*arrays).ndim > 1:
            return
        weights = rng.normal(size=len(arrays[0])) * (rng.random(len(arrays[0])) < 0.6)
        for array in arrays:
            array[weights == 0] = rng.choice([math.nan, math.inf, -1e300]) if array.dtype == np.float64 else -(10**9)
        kept = weights != 0
        found, gradient = program.value_and_gradient(*arrays, weights=weights)
        if not kept.any():
            assert found == 0.0
            assert not gradient.any()
            return
        expected, right = program.value_and_gradient(*[each[kept] for each in arrays], weights=weights[kept])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gradient, right, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(right).max(initial=0.0)))


# Repeated calls


CHANGES: dict[str, Any] = {
    "numbers": lambda array: array.__imul__(1.5) if array.flags.writeable else None,
    "read-only": lambda array: array.setflags(write=False),
    "writeable": lambda array: array.setflags(write=True),
    "flat": lambda array: setattr(array, "shape", (array.size,)),
    "halved": lambda array: setattr(array, "shape", (2, array.size // 2)),
    "column": lambda array: setattr(array, "shape", (array.size, 1)),
    "three columns": lambda array: setattr(array, "shape", (array.size // 3, 3)),
    "integers": lambda array: setattr(array, "dtype", np.int64),
    "floats": lambda array: setattr(array, "dtype", np.float64),
    "turned": lambda array: setattr(array, "strides", array.strides[::-1]),
    "longer": lambda array: array.resize(12, refcheck=False),
    "as long as before": lambda array: array.resize(6, refcheck=False),
    "another": lambda array: array + 1,
}


@pytest.mark.parametrize("backend", ["numpy", pytest.param("native", marks=installed("native"))])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(["x", "parameters", "out"]), st.sampled_from(sorted(CHANGES))), max_size=12))
@example([("parameters", "numbers"), ("out", "another"), ("x", "another"), ("parameters", "another"), ("out", "read-only")])
def test_a_repeated_call_equals_that_of_a_new_program(backend: str, changes: list[tuple[str, str]]) -> None:
    """Oracle: a new program, which knows nothing of earlier calls."""
    w = [Value(0.5), Value(-1.0), Value(2.0), Value(0.25), Value(3.0), Value(1.0)]

    def f(x: Any) -> Any:
        return (total(w) * total(x if isinstance(x, list) else [x]) - w[0]) ** 2

    def called(program: Any) -> tuple[str, Any, bytes]:
        try:
            cost, gradient = program.value_and_gradient(arrays["x"], parameters=arrays["parameters"], out=arrays["out"])
        except (ValueError, TypeError) as error:
            return type(error).__name__, str(error), arrays["out"].tobytes()
        assert gradient is arrays["out"]
        return "", np.float64(cost).tobytes(), gradient.tobytes()

    arrays = {"x": np.ones(6), "parameters": np.arange(6.0), "out": np.zeros(6)}
    repeated = vectorize(f, backend=backend)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy advises against changing an array's shape, dtype and strides
        for name, change in [("x", "numbers"), *changes]:
            with contextlib.suppress(ValueError, AttributeError, TypeError):
                changed = CHANGES[change](arrays[name])
                arrays[name] = arrays[name] if changed is None else changed
            with np.errstate(all="ignore"):
                expected = called(vectorize(f, backend=backend))
                if arrays["out"].flags.writeable:
                    arrays["out"].fill(7)
                    expected = called(vectorize(f, backend=backend)) if expected[0] else expected
                assert [called(repeated) for _ in range(3)] == [expected] * 3  # the second of the same calls prepares the next ones


@every_backend
def test_no_large_array_is_kept_after_a_run(backend: str) -> None:
    w = [Value(0.5), Value(1.0)]
    program = vectorize(lambda x: (w[0] * x[0] + w[1] * x[1]) ** 2, backend=backend)
    rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    kept = []
    for count in (LARGE // 16 + 1, LARGE // 16 + 2):
        x, theta, out = np.ones((count, 2)), np.ones(2), np.empty(2)
        for _ in range(2):
            assert program(x)[0] == 2.25
            assert program.value_and_gradient(x, parameters=theta, out=out)[0] == pytest.approx(4.0)
        program.descent(rule, x, parameters=theta, out=out).take([0.1, 0.1])
        assert out.tolist() == pytest.approx([2.4, 2.4])
        kept.append(weakref.ref(x))
        del x
    gc.collect()
    assert [each() is None for each in kept] == [True, True]


# Random numbers and times


STORED = types.SimpleNamespace(generator=np.random.default_rng(0), seeded=random.Random(0))
DRAWS: dict[str, Any] = {
    "random": random.random,
    "randrange": lambda: random.randrange(2),
    "shuffle": lambda: random.shuffle([1, 2]),
    "numpy.random": np.random.rand,
    "choice": lambda: np.random.choice(2),
    "a generator": lambda: STORED.generator.integers(2),
    "a method of a generator": STORED.generator.random,
    "a generator of random": lambda: STORED.seeded.gauss(0, 1),
    "a generator in a comprehension": lambda: [STORED.generator.random() for _ in range(2)],
    "map": lambda: list(map(STORED.generator.normal, [0.0])),
    "partial": functools.partial(STORED.generator.normal, 1.0),
    "an unseeded generator": np.random.default_rng,
    "an unseeded RandomState": np.random.RandomState,
    "an unseeded Random": random.Random,
    "SystemRandom": lambda: random.SystemRandom().random(),
    "secrets": lambda: secrets.randbelow(2),
    "urandom": lambda: os.urandom(1),
    "uuid4": uuid.uuid4,
    "uuid1": uuid.uuid1,
}
CLOCKS: dict[str, Any] = {
    "time": time.time,
    "perf_counter": time.perf_counter,
    "monotonic_ns": time.monotonic_ns,
    "now": datetime.datetime.now,
    "today": datetime.date.today,
}


@pytest.mark.parametrize("name", [*DRAWS, *CLOCKS])
def test_a_function_that_draws_or_reads_a_clock_is_refused(name: str) -> None:
    what = "draws random numbers" if name in DRAWS else "reads the clock"
    draw = {**DRAWS, **CLOCKS}[name]

    def f(x: Any) -> Any:
        draw()
        return 2 * x

    for _ in range(3):
        with pytest.raises(TraceError, match=rf"the function {what} .*, at .*test_vectorize\.py:\d+: the program would keep the numbers"):
            vectorize(f).record(np.ones(2))


def test_the_error_names_the_line_that_draws() -> None:
    def f(x: Any) -> Any:
        y = 2 * x
        y = y + STORED.generator.random()  # this one
        return y * x

    line = f.__code__.co_firstlineno + 2
    with pytest.raises(TraceError, match=rf"from a numpy\.random\._generator\.Generator, at .*test_vectorize\.py:{line}: "):
        vectorize(f).record(np.ones(2))


def test_a_generator_in_a_module_in_a_slot_or_behind_a_decorator_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("noise")
    module.inner = types.ModuleType("noise.inner")
    module.inner.generator = np.random.default_rng(0)
    monkeypatch.setitem(globals(), "noise", module)

    class Slotted:
        __slots__ = ("generator",)

    slotted: Any = Slotted()
    slotted.generator = np.random.default_rng(0)

    @functools.cache
    def once() -> Any:
        return slotted.generator.random() < 2

    for f in (
        lambda x: x * (noise.inner.generator.random() < 2),  # type: ignore[name-defined]  # noqa: F821
        lambda x: x * (slotted.generator.random() < 2),
        lambda x: x * once(),
    ):
        with pytest.raises(TraceError, match="draws random numbers"):
            vectorize(f).record(np.ones(2))


def test_a_generator_that_the_function_seeds_itself_is_accepted() -> None:
    def noise(generator: Any) -> float:
        return float(generator.normal())

    def f(x: Any) -> Any:
        logging.getLogger("nudge.test").warning("the standard library may read the clock")
        return x * noise(np.random.default_rng(5)) + random.Random(5).random()

    expected = 2 * np.random.default_rng(5).normal() + random.Random(5).random()
    program = vectorize(f)
    assert program(np.array([2.0])) == pytest.approx(expected, rel=1e-15)
    assert program.is_current()


def test_each_of_two_threads_is_refused_for_its_own_draws() -> None:
    both = threading.Barrier(2, timeout=30)
    met = set[str]()

    def recorded(draw: Callable[[], object]) -> None:
        def f(x: Any) -> Any:
            for when in ("before", "after"):  # each thread draws while the other one is inside its function
                if (name := f"{when} {draw.__name__}") not in met:
                    met.add(name)
                    both.wait()
                draw()
            return 2 * x

        vectorize(f).record(np.ones(2))

    with ThreadPoolExecutor(2) as pool:
        drawing, counting = pool.submit(recorded, uuid.uuid4), pool.submit(recorded, list)
    assert isinstance(drawing.exception(), TraceError)
    assert counting.exception() is None


def test_another_profiler_stays_active() -> None:
    events: list[str] = []

    def profiler(_frame: Any, event: str, _argument: Any) -> None:
        events.append(event)

    sys.setprofile(profiler)
    try:
        vectorize(lambda x: 2 * x).record(np.ones(2))
        assert sys.getprofile() is profiler
        with pytest.raises(TraceError, match="draws random numbers"):
            vectorize(lambda x: x * (STORED.generator.random() < 2)).record(np.ones(2))
    finally:
        sys.setprofile(None)
    vectorize(lambda x: 2 * x).record(np.ones(2))
    assert sys.getprofile() is None
    assert events
