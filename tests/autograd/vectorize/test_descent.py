"""Descent: whole steps are what their parts say, on every back end, and nothing is written where it should not be."""

from __future__ import annotations

import math
import random
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autograd import Descent, TraceError, UpdateRule, Value, anomaly, exp, maximum, sigmoid, sqrt, total, vectorize, where
from autograd.vectorize.backend import Signature, Steps
from autograd.vectorize.backends.native.emitter import emit_descent
from autograd.vectorize.compiled import Kind
from autograd.vectorize.descent import with_arrays
from nn import MLP, SGD, Adam, squared_error
from tests.autograd.vectorize.test_native_compiler import sanitized
from tests.programs import every_backend, has
from tests.threads import in_threads

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)
pytestmark = pytest.mark.usefixtures("own_cache")
X, Y = RNG.normal(size=(90, 45)), RNG.normal(size=(90, 3))


def signs(parameter: Any, gradient: Any, count: Any, rate: Any, step: Any) -> list[Any]:
    """A rule with conditions, which remembers how often it was asked, and does not ask for the step."""
    return [parameter - rate * where(gradient > 0, 1.0, where(gradient < 0, -1.0, 0.0)), count + 1.0]


def swapping(parameter: Any, gradient: Any, before: Any, first: Any, rate: Any, step: Any) -> list[Any]:
    """A rule whose memories are what others were: none may be overwritten too early."""
    return [parameter - rate * gradient * exp(-step / 10) + 0.01 * before, parameter, before]


RULES: dict[str, Callable[[], UpdateRule]] = {
    "sgd": lambda: SGD().update_rule,
    "momentum": lambda: SGD(momentum=0.9, nesterov=True, weight_decay=0.1).update_rule,
    "adam": lambda: Adam(weight_decay=0.1).update_rule,
    "signs": lambda: UpdateRule(signs, 1),
    "swapping": lambda: UpdateRule(swapping, 2),
    "constant": lambda: UpdateRule(lambda parameter, gradient, rate, step: [rate + 1.0]),
}


def network() -> Callable[..., Any]:
    model = MLP([45, 9, 3], activation=sigmoid, seed=1)
    return lambda x, y: squared_error(model(x), y)


def penalized() -> Callable[..., Any]:
    """With terms of the parameters alone, which the gradient of the products has to wait for."""
    model = MLP([45, 9, 3], activation=sigmoid, seed=1)
    return lambda x, y: squared_error(model(x), y) + 0.1 * total(p * p for p in model.parameters())


def small() -> Callable[..., Any]:
    w, b = Value(0.5), Value(-0.25)
    return lambda x, y: (w * x[0] + b - y[0]) ** 2 + maximum(w, 0) * b


FUNCTIONS = {"network": network, "penalized": penalized, "small": small}


def by_parts(f: Callable[..., Any], rule: UpdateRule, rows: Array | None, limit: float, frozen: Sequence[int], count: int) -> Any:
    """The same steps in plain numpy, a rule applied entry by entry."""
    program = vectorize(f, backend="reference").record(X, Y)
    theta = program.parameter_vector()
    memory = [np.zeros_like(theta) for _ in range(rule.memory)]
    costs, norms, gradient = [], [], np.zeros_like(theta)
    for step in range(count):
        batch = (X, Y) if rows is None else (X[rows[step]], Y[rows[step]])
        cost, gradient = program.value_and_gradient(*batch, parameters=theta)
        gradient[frozen] = 0.0
        norm = math.sqrt((gradient**2).sum())
        gradient *= min(1.0, limit / norm) if norm else 1.0
        kept = theta[frozen]
        rule.update(theta, gradient, *memory, rate=0.1 / (step + 1), step=step + 3)
        theta[frozen] = kept
        costs.append(cost)
        norms.append(norm)
    return costs, norms, theta, gradient, memory


def begun(f: Callable[..., Any], rule: UpdateRule, backend: str, frozen: Sequence[int] = ()) -> tuple[Descent, Array, Array, list[Array]]:
    program = vectorize(f, backend=backend).record(X, Y)
    theta = program.parameter_vector()
    gradient, memory = np.full_like(theta, 7.0), [np.zeros_like(theta) for _ in range(rule.memory)]
    return program.descent(rule, X, Y, parameters=theta, memory=memory, frozen=frozen, out=gradient), theta, gradient, memory


WAYS = [(None, math.inf, []), (1, math.inf, []), (33, math.inf, []), (10, 0.5, []), (10, math.inf, [0, 1])]  # batch, limit, frozen
CASES = [
    *(("small", name, *WAYS[2]) for name in RULES),
    *(pytest.param("network", "sgd", *way, marks=() if way in WAYS[:3] else pytest.mark.soak) for way in WAYS),
    *(pytest.param("penalized", "momentum", *way, marks=() if way is WAYS[4] else pytest.mark.soak) for way in WAYS),
    *(pytest.param("small", "adam", *way, marks=() if way is WAYS[3] else pytest.mark.soak) for way in WAYS),
]


@every_backend
@pytest.mark.parametrize(("function", "name", "batch", "limit", "frozen"), CASES)
def test_steps_are_their_parts(backend: str, function: str, name: str, batch: int | None, limit: float, frozen: list[int]) -> None:
    rule, rows = RULES[name](), None if batch is None else RNG.integers(len(X), size=(5, batch))
    descent, theta, gradient, memory = begun(FUNCTIONS[function](), rule, backend, frozen)
    costs, norms, expected, right, memories = by_parts(FUNCTIONS[function](), rule, rows, limit, frozen, 5)
    for first, count in ((0, 3), (3, 2)):
        some = slice(first, first + count)
        found = descent.take([0.1 / (step + 1) for step in range(5)][some], None if rows is None else rows[some], first + 3, limit)
        np.testing.assert_allclose(found[0], costs[some], rtol=1e-11)
        np.testing.assert_allclose(found[1], norms[some], rtol=1e-11)
    np.testing.assert_allclose(theta, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(gradient, right, rtol=1e-10, atol=1e-12)
    for each, other in zip(memory, memories):
        np.testing.assert_allclose(each, other, rtol=1e-10, atol=1e-12)


@every_backend
def test_many_steps_in_a_call_are_as_many_calls_to_the_bit(backend: str) -> None:
    rows, rates = RNG.integers(len(X), size=(6, 10)), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    one, theta, *_ = begun(network(), Adam().update_rule, backend)
    many, other, *_ = begun(network(), Adam().update_rule, backend)
    costs = [one.take([rate], rows[step : step + 1], step + 1)[0][0] for step, rate in enumerate(rates)]
    assert many.take(rates, rows)[0].tolist() == costs
    assert theta.tolist() == other.tolist()


@every_backend
@pytest.mark.parametrize("is_one_program", [False, True])
def test_threads_may_use_one_rule_at_the_same_time(backend: str, is_one_program: bool) -> None:
    """Each goes its own way: rule and program have nothing that one thread would leave for another to find."""
    rule = SGD(momentum=0.9).update_rule
    programs = [vectorize(small(), backend=backend).record(X, Y) for _ in range(1 if is_one_program else 3)]

    def walk(which: int) -> Array:
        program, rng = programs[which % len(programs)], np.random.default_rng(which)
        theta = program.parameter_vector() + which
        descent = program.descent(rule, X, Y, parameters=theta, memory=[np.zeros_like(theta)])
        for _ in range(10):
            descent.take([0.01] * 20, rng.integers(len(X), size=(20, 10)))
        return theta

    alone = [walk(which) for which in range(3)]
    assert [each.tolist() for each in in_threads(3, walk)] == [each.tolist() for each in alone]


@every_backend
def test_one_rule_serves_both_precisions(backend: str) -> None:
    rule, found = SGD().update_rule, []
    for dtype in (np.float64, np.float32, np.float64):
        program = vectorize(network(), backend=backend, dtype=dtype).record(X, Y)
        theta = program.parameter_vector()
        descent = program.descent(rule, X.astype(dtype), Y.astype(dtype), parameters=theta)
        found.append((*descent.take([0.1] * 3, np.arange(30).reshape(3, 10)), theta))
    for exact, single, again in zip(*found):
        np.testing.assert_allclose(single, exact, rtol=1e-4, atol=1e-5)
        assert again.tolist() == exact.tolist()


@every_backend
def test_steps_end_with_the_first_that_is_not_finite(backend: str) -> None:
    program = vectorize(small(), backend=backend).record(X, Y)
    theta = program.parameter_vector()
    descent = program.descent(SGD().update_rule, X, Y, parameters=theta)
    costs, norms = descent.take([0.1, 0.1, 1e200, 0.1, 0.1])
    assert len(costs) == len(norms) == 4
    assert np.isfinite(costs[:3]).all()
    assert not math.isfinite(costs[3] + norms[3])


@every_backend
def test_descent_without_parameters_changes_nothing(backend: str) -> None:
    program = vectorize(lambda x: x * x, backend=backend).record(np.ones(2))
    costs, norms = program.descent(SGD().update_rule, np.array([1.0, 3.0]), parameters=np.empty(0)).take([0.1, 0.1])
    assert (costs.tolist(), norms.tolist()) == ([5.0, 5.0], [0.0, 0.0])


@every_backend
def test_the_norm_of_a_gradient_does_not_underflow_or_overflow(backend: str) -> None:
    """A matrix's gradient is an outer product then, here of 1e-180, whose square is 0, and 1e170."""
    model = MLP([4, 3], seed=1)
    program = vectorize(lambda x: 1e-180 * total(each * u for each, u in zip(model(x), (1.0, 2.0, 3.0))), backend=backend)
    data = np.full((5, 4), 1e170)
    program.record(data)
    theta = program.parameter_vector()
    gradient = np.empty_like(theta)
    _, norms = program.descent(SGD().update_rule, data, parameters=theta, out=gradient).take([0.0], np.array([[2]]))
    np.testing.assert_allclose(norms, [math.sqrt(4 * 14) * 1e-10], rtol=1e-12)
    np.testing.assert_allclose(norms, [math.sqrt(gradient.dot(gradient))], rtol=1e-12)


@every_backend
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_bool_that_a_rule_returns_becomes_a_number(backend: str, dtype: type) -> None:
    a, b = Value(2.0), Value(-1.0)
    program = vectorize(lambda x: a * x - b * x, backend=backend, dtype=dtype).record(np.ones(2))
    theta, order = program.parameter_vector(), [1.0, 0.0] if program.parameters[0] is a else [0.0, 1.0]
    memory: list[Array] = [np.full(2, 0.5, dtype)]
    rule = UpdateRule(lambda parameter, gradient, memory, rate, step: [parameter - rate * memory, gradient > 0], 1)
    program.descent(rule, np.ones(2, dtype), parameters=theta, memory=memory).take([0.0])
    assert memory[0].tolist() == order
    program.descent(UpdateRule(lambda parameter, gradient, rate, step: [parameter > 0]), np.ones(2, dtype), parameters=theta).take([1.0])
    assert theta.tolist() == order


@every_backend
def test_anomaly_mode_checks_the_numbers_of_a_descent(backend: str) -> None:
    w = Value(-1.0)
    program = vectorize(lambda x: sqrt(w * x), backend=backend).record(np.ones(2))
    descent = program.descent(SGD().update_rule, np.ones(2), parameters=program.parameter_vector())
    with anomaly(), pytest.raises(FloatingPointError, match="sqrt"):
        descent.take([0.1])


def test_a_rule_is_one_function_for_scalars_too() -> None:
    rule = Adam(weight_decay=0.1).rule
    parameter, mean, square = rule(1.0, 0.5, 0.0, 0.0, rate=0.1, step=1)
    theta, memory = np.array([1.0]), [np.zeros(1), np.zeros(1)]
    UpdateRule(rule, 2).update(theta, np.array([0.5]), *memory, rate=0.1, step=1)
    assert [parameter, mean, square] == pytest.approx([theta[0], memory[0][0], memory[1][0]], rel=1e-14)


def test_invalid_rules_are_refused() -> None:
    with pytest.raises(TraceError, match=r"the truth value of a traced number \(a result of greater\)"):
        UpdateRule(lambda parameter, gradient, rate, step: [parameter if gradient > 0 else gradient])
    with pytest.raises(TypeError, match=r"an update rule returns a list of 2: the new parameter, and each new memory; got \[0\]"):
        UpdateRule(lambda parameter, gradient, memory, rate, step: [0], 1)
    with pytest.raises(TypeError, match=r"an update rule returns a list of 1: .*; got a result of subtract$"):
        UpdateRule(lambda parameter, gradient, rate, step: parameter - rate * gradient)


def test_an_update_of_vectors_that_do_not_fit_is_refused() -> None:
    rule, theta = SGD(momentum=0.9).update_rule, np.ones(2)
    wrong: list[Any] = [np.array([1, 2]), np.ones(2, np.float32), np.ones(2, ">f8"), np.ones(3), np.ones(4)[::2], [1.0, 2.0]]
    for gradient in wrong:
        with pytest.raises(ValueError, match=r"gradient must be a contiguous vector of 2 numbers of float64$"):
            rule.update(theta, gradient, np.zeros(2), rate=0.1, step=1)
    with pytest.raises(ValueError, match="memory must be a contiguous vector of 2 numbers of float64 that can be written to"):
        rule.update(theta, np.ones(2), np.zeros(2, dtype=int), rate=0.1, step=1)
    with pytest.raises(ValueError, match="pass 1 vectors as memory, got 2"):
        rule.update(theta, np.ones(2), np.zeros(2), np.zeros(2), rate=0.1, step=1)
    with pytest.raises(ValueError, match="parameters must hold floats, got int64"):
        SGD().update_rule.update(np.ones(2, np.int64), np.ones(2, np.int64), rate=0.1, step=1)
    assert theta.tolist() == [1.0, 1.0]


def test_arguments_of_a_descent_that_do_not_fit_are_refused() -> None:
    program = vectorize(small()).record(X, Y)
    rule, theta = SGD(momentum=0.9).update_rule, program.parameter_vector()
    memory = [np.zeros(2)]
    with pytest.raises(ValueError, match="the rule keeps 1 numbers for each parameter: pass 1 vectors as memory, got 0"):
        program.descent(rule, X, Y, parameters=theta)
    with pytest.raises(ValueError, match=r"parameters must be a contiguous array of float64 of shape \(2,\)"):
        program.descent(rule, X, Y, parameters=np.zeros(3), memory=memory)
    with pytest.raises(ValueError, match="memory must be a contiguous vector of 2 numbers of float64 that can be written to"):
        program.descent(rule, X, Y, parameters=theta, memory=[np.zeros(4)[::2]])
    room = np.zeros(5)
    for parameters, remembered in ((theta, theta), (room[:2], room[1:3])):
        with pytest.raises(ValueError, match="parameters, memory and out must not share memory with other arrays"):
            program.descent(rule, X, Y, parameters=parameters, memory=[remembered])
    with pytest.raises(ValueError, match="pass arrays that do not overlap"):
        program.descent(rule, X, Y, parameters=theta, memory=memory, out=X[3, 1:3])
    frozen = np.zeros(2)
    frozen.setflags(write=False)
    with pytest.raises(ValueError, match="parameters is written to, and this array is read-only"):
        program.descent(rule, X, Y, parameters=frozen, memory=memory)
    with pytest.raises(ValueError, match="frozen must be indices of parameters, 0 to 1, got 0 to 2"):
        program.descent(rule, X, Y, parameters=theta, memory=memory, frozen=[0, 2])
    descent = program.descent(rule, X, Y, parameters=theta, memory=memory)
    for rows in (np.array([[0, 90]]), np.array([[-1, 3]])):
        with pytest.raises(ValueError, match="rows must be indices of examples, 0 to 89, got"):
            descent.take([0.1], rows)
    for rows in (np.zeros((2, 3), dtype=np.int64), np.zeros(3, dtype=np.int64), np.zeros((1, 3)), np.zeros((1, 0), dtype=np.int64)):
        with pytest.raises(ValueError, match=r"rows must be an int64 array \(steps, batch\) for 1 steps, got"):
            descent.take([0.1], rows)
    assert theta.tolist() == program.parameter_vector().tolist()


@pytest.mark.skipif(sys.platform != "linux" or not has("native"), reason="the sanitizer is loaded by LD_PRELOAD, which is Linux's")
@pytest.mark.soak
@pytest.mark.parametrize("function", ["network", "penalized"])
def test_sanitizers_find_nothing(function: str) -> None:
    """Each array has just the memory that it needs; the address and undefined-behaviour sanitizers watch."""
    program = vectorize(FUNCTIONS[function]()).record(X, Y)
    rule, size = Adam(weight_decay=0.1).update_rule, len(program.parameters)
    assert program._latest is not None
    emitted = emit_descent(
        program._latest.program(Kind.MEAN), rule.program, np.dtype(np.float64), Signature("mean", ["x0", "x1"], [(45,), (3,)], ())
    )
    script = f"""
import numpy as np
rng = np.random.default_rng(0)
X, Y, order = rng.normal(size=(70, 45)), rng.normal(size=(70, 3)), rng.permutation(70)
pointer, whole = ctypes.c_void_p, ctypes.c_long
library.descend.restype = whole
library.descend.argtypes = [whole, whole, *[pointer] * 6, pointer, ctypes.c_double, pointer, whole, *[pointer] * 4, whole]
for batch in (35, 10, 1):
    for limit, frozen in ((np.inf, []), (0.5, []), (np.inf, [0, {size - 1}])):
        vectors = [np.zeros({size}) for _ in range(4)]
        theta, mean, square, gradient = vectors
        stay, costs, norms = np.array(frozen, np.int64), np.empty(2), np.empty(2)
        rows, settings = np.ascontiguousarray(order[: 2 * batch]), np.array([[0.1, 1.0], [0.2, 2.0]])
        room = np.empty(batch * 48 + len(frozen) + {emitted.work})
        given = [array.ctypes.data for array in (X, Y, rows, theta, mean, square, settings)]
        written = [array.ctypes.data for array in (gradient, costs, norms, room)]
        assert library.descend(2, batch, *given, limit, stay.ctypes.data, len(frozen), *written, batch * 48) == 2
        assert np.isfinite(costs).all() and np.isfinite(theta).all() and theta.any()
print("done")
"""
    done = sanitized(emitted.source, script)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"


@pytest.mark.parametrize("wide", [np.uint64, np.int64])
def test_steps_accept_rows_that_are_wider_than_numpy_s_own_indices(wide: type[Any]) -> None:
    """int64 is wider in WebAssembly, uint64 here, and `take` of numpy 2.0 refuses both. The oracle is numpy's indexing."""
    rows, theta, seen = np.array([[5, 0], [2, 2]]), np.zeros(1), []

    def costs(batch: Sequence[Array], parameters: Array, gradient: Array) -> float:
        seen.append(batch[0].copy())
        gradient[:] = 0.0
        return 0.0

    rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    steps = Steps([X], rows.astype(wide), theta, [], np.ones((2, 2)), math.inf, np.empty(0, int), np.zeros(1), np.zeros(2), np.zeros(2))
    assert rule.ready(with_arrays(costs), steps)() == 2
    assert [each.tolist() for each in seen] == [X[each].tolist() for each in rows]


def test_a_rule_is_current_until_something_it_reads_changes() -> None:
    """Oracle: a new UpdateRule of the same function takes other steps exactly when `is_current` is False."""
    read: dict[str, Any] = {"decay": 0.5, "power": 1, "zero": 0.0, "op": exp, "memory": 1}

    def rule(parameter: Any, gradient: Any, memory: Any, rate: Any, step: Any) -> Any:
        moved = read["op"](memory) * read["decay"] + gradient ** read["power"] + read["zero"]
        return [parameter - rate * moved, memory][: 1 + read["memory"]]

    recorded = UpdateRule(rule, 1)
    for name, change in {"decay": 0.25, "power": 2, "zero": 1.0, "op": sigmoid, "memory": 0}.items():
        assert recorded.is_current()
        before, read[name] = read[name], change
        assert not recorded.is_current(), name
        read[name] = before
    assert recorded.is_current()
    optimizer = SGD(momentum=0.9)
    recorded = optimizer.update_rule
    assert optimizer.update_rule is recorded
    optimizer.momentum = 0.5
    assert optimizer.update_rule is not recorded


def test_a_rule_that_draws_is_refused_every_time() -> None:
    coin = {"is_thrown": False}

    def noisy(parameter: Any, gradient: Any, rate: Any, step: Any) -> Any:
        heads = random.randrange(2) if coin["is_thrown"] else 0
        return [parameter - rate * gradient * (1 + heads)]

    recorded = UpdateRule(noisy)
    coin["is_thrown"] = True
    for _ in range(20):
        assert not recorded.is_current()
        with pytest.raises(TraceError, match=r"draws random numbers from the global generator of random, at .*test_descent\.py:\d+: "):
            UpdateRule(noisy)


def test_a_rule_that_counts_its_calls_is_refused() -> None:
    calls: list[int] = []

    def counting(parameter: Any, gradient: Any, rate: Any, step: Any) -> Any:
        calls.append(1)
        return [parameter - rate * gradient * len(calls)]

    with pytest.raises(TraceError, match="the update rule gives another program each time it is recorded"):
        UpdateRule(counting)


@every_backend
def test_a_descent_refuses_vectors_that_have_become_read_only(backend: str) -> None:
    descent, theta, gradient, memory = begun(small(), RULES["momentum"](), backend)
    descent.take([0.1])
    for vector in (theta, gradient, *memory):
        before = [each.copy() for each in (theta, gradient, *memory)]
        vector.flags.writeable = False
        with pytest.raises(ValueError, match="parameters, memory or out of this descent have become read-only: make them writeable again"):
            descent.take([0.1])
        assert all(map(np.array_equal, before, (theta, gradient, *memory)))
        vector.flags.writeable = True
        descent.take([0.1])
    with pytest.raises(ValueError, match="cannot resize"):
        theta.resize(1000, refcheck=False)


@every_backend
def test_a_descent_keeps_the_shapes_that_it_was_given(backend: str) -> None:
    """Oracle: the same step before the caller gave the arrays another shape."""
    w = Value(0.5)
    program, x = vectorize(lambda x: (w - x[0]) ** 2, backend=backend), np.ones((6, 2))
    theta = program.record(x).parameter_vector()
    rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    descent = program.descent(rule, x, parameters=theta)
    expected, theta[:] = descent.take([0.1], np.array([[5]]))[0], 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy advises against changing an array's shape
        x.shape, theta.shape = (12, 1), (1, 1)
    assert descent.take([0.1], np.array([[5]]))[0] == expected
    assert theta[0, 0] == pytest.approx(0.6)
    with pytest.raises(ValueError, match="rows must be indices of examples, 0 to 5, got 11 to 11"):
        descent.take([0.1], np.array([[11]]))


@every_backend
@pytest.mark.parametrize("is_new", [True, False])
def test_a_descent_reads_its_data_again_if_it_is_new_or_reloaded(backend: str, is_new: bool) -> None:
    """Oracle: the mean of the data, where a step with rate 1/2 from anywhere ends."""
    w = Value(0.0)
    program, x = vectorize(lambda x: (w - x) ** 2, backend=backend), np.array([1.0, 3.0])
    rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    theta = program.record(x).parameter_vector()
    descent = program.descent(rule, x, parameters=theta)
    for rows in (None, np.array([[0, 1]])):
        for _ in range(2):
            x *= 3
            descent.reload()
            (program.descent(rule, x, parameters=theta) if is_new else descent).take([0.5], rows)
            assert theta.tolist() == [x.mean()]
