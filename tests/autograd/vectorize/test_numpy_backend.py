"""The numpy back end: storage planned as data, and calls that keep to the meaning of the program."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from autograd import Value, logsumexp, maximum, sigmoid, tanh, vectorize, weighted_sum, where
from autograd.vectorize.backends.numpy import backend, plans
from autograd.vectorize.backends.numpy.calls import bound, calls, function_of
from autograd.vectorize.backends.reference import evaluate
from autograd.vectorize.builder import spelled
from autograd.vectorize.differentiate import with_gradient
from autograd.vectorize.instructions import Elementwise, Scatter
from autograd.vectorize.lower import lower
from autograd.vectorize.places import Place
from autograd.vectorize.program import ROWS, Program
from autograd.vectorize.record import record
from autograd.vectorize.simplify import simplify
from autograd.vectorize.storage import Buffer, Storage, plan, view
from nn import MLP, squared_error

W = [Value(0.1 * number - 0.4) for number in range(12)]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "layer": lambda x: weighted_sum([tanh(weighted_sum(W[3 * i : 3 * i + 3], x)) for i in range(3)], W[9:12]),
    "chain": lambda x: sigmoid(tanh(W[0] * x[0]) * W[1] + x[1]) ** 3 - 1 / (2 + W[2] * W[2]),
    "choices": lambda x: where(x[0] > W[0], maximum(W[1] * x[1], x[2]), W[2]) + (x[0] > 0) * W[3],
    "numbers for conditions": lambda x: where(x[0], W[0] * x[1], W[1]),
    "logsumexp": lambda x: logsumexp([W[0] * x[0], W[1] * x[1], W[2]]),
    "shuffled": lambda x: sum(W[i] * tanh(W[j] * x[k]) for i, j, k in ((3, 1, 2), (1, 4, 0), (5, 9, 1), (2, 6, 0))),
    "squares": lambda x: sum((W[i] * x[i] - x[0]) ** 2 for i in range(3)),
}


def results(f: Callable[..., Any]) -> tuple[Program, int]:
    graph, batched = simplify(record(f, [(3,)], ["x"])[0])
    program, order = lower(graph, batched, [3])
    return program, len(order)


def test_a_run_that_was_cut_off_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, where some of the calls are for the new arguments already."""
    program = spelled(results(FUNCTIONS["choices"])[0])
    rng = np.random.default_rng(0)
    one, other, theta = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), rng.normal(size=4)
    executable, out = backend.executable(program, np.dtype(float)), np.empty((5, 1))
    executable.run([one], theta, None, out)
    resolved, times = plans.Plan._bound, iter(range(10))

    def cut_off(self: Any, call: Any) -> Any:
        if next(times) == 1:
            raise KeyboardInterrupt
        return resolved(self, call)

    with monkeypatch.context() as patch:
        patch.setattr(plans.Plan, "_bound", cut_off)
        with pytest.raises(KeyboardInterrupt):
            executable.run([other], theta, None, out)
    executable.run([other], theta, None, out)
    np.testing.assert_allclose(out, evaluate(program, [other], theta)["results"], rtol=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch", [1, 2, 17])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_plan_equals_the_reference(name: str, batch: int, dtype: Any, weighted: bool) -> None:
    program, size = results(FUNCTIONS[name])
    program = spelled(with_gradient(program, weighted))
    executable = backend.executable(program, np.dtype(dtype))
    rng = np.random.default_rng(0)
    for _ in range(3):  # with fresh arrays each time, so that what a plan remembers would show
        X, theta, weights = (rng.normal(size=shape).astype(dtype) for shape in ((batch, 3), size, batch))
        gradient = np.full(size, np.nan, dtype)
        cost = executable.run([X], theta, weights if weighted else None, gradient)
        expected = evaluate(program, [X], theta, weights)
        tolerance = 1e-13 if dtype is np.float64 else 1e-5
        np.testing.assert_allclose(cost, expected["cost"].item(), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(gradient, expected["gradient"], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("copied", [0, plans.COPIED])
def test_a_plan_accepts_the_same_changed_and_other_arrays(copied: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "COPIED", copied)
    program, size = results(FUNCTIONS["layer"])
    program = spelled(with_gradient(program, weighted=True))
    one = plans.Plan(program, 5, np.dtype(np.float64))
    rng = np.random.default_rng(0)
    given = [rng.normal(size=shape) for shape in ((5, 3), size, 5, size)]
    for others, shift in [([], 0), ([], 0), ([0], 0), ([1], 0), ([], 1), ([2], 0), ([3], 0), ([], 1), ([0, 1, 2, 3], 0), ([], 0)]:
        for place in others:
            given[place] = rng.normal(size=given[place].shape)
        for each in given:
            each += shift
        X, theta, weights, gradient = given
        before = [X.copy(), theta.copy(), weights.copy()]
        cost = one.run([X], theta, weights, gradient)
        expected = evaluate(program, [X], theta, weights)
        np.testing.assert_allclose(cost, expected["cost"].item(), rtol=1e-13)
        np.testing.assert_allclose(gradient, expected["gradient"], rtol=1e-13, atol=1e-13)
        assert all(map(np.array_equal, given, before))


def test_returned_gradients_do_not_change_and_small_arrays_are_bound_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bound: list[str] = []
    bind = plans.Plan._bind

    def counting(self: plans.Plan, buffer: str, array: Any) -> None:
        bound.append(buffer)
        bind(self, buffer, array)

    monkeypatch.setattr(plans.Plan, "_bind", counting)
    model = MLP([2, 3, 1], seed=0)
    cost = vectorize(lambda x, y: squared_error(model(x), [y]))
    rng = np.random.default_rng(0)
    found = [cost.value_and_gradient(rng.normal(size=(4, 2)), rng.normal(size=4))[1] for _ in range(2)]
    bound.clear()
    kept = [each.copy() for each in found]
    found += [cost.value_and_gradient(rng.normal(size=(4, 2)), rng.normal(size=4))[1] for _ in range(3)]
    assert not bound
    assert all(map(np.array_equal, found, kept))
    assert not any(np.shares_memory(one, other) for one, other in combinations(found, 2))


def test_buffers_are_reused() -> None:
    def deep(x: Any) -> Any:
        h = [W[0] * each for each in x]
        for _ in range(50):
            h = [tanh(each) for each in h]
        return sum(h)

    storage = plan(spelled(results(deep)[0]), 10, np.dtype(np.float64))
    assert len(storage.sizes) < 12
    assert "buffer 0: 30 entries of float64" in str(storage)


def network() -> Storage:
    model = MLP([4, 5, 3], activation=sigmoid)
    graph, batched = simplify(record(lambda x, y: squared_error(model(x), y), [(4,), (3,)], ["x", "y"])[0])
    return plan(spelled(with_gradient(lower(graph, batched, [4, 3])[0])), 6, np.dtype(np.float64))


def test_gradients_are_computed_where_they_go() -> None:
    storage = network()
    assert [number for number in storage.in_scatter if storage.places[number].buffer.name != "out"] == []
    assert len(storage.in_scatter) == 4  # of two layers' weights and biases
    assert not [call for call in calls(storage) if call.function is np.copyto]


def test_no_array_lies_on_one_that_is_still_needed() -> None:
    """Each instruction's result may overlap its own operands only where it is entry by entry and at the same place."""
    storage = network()
    program = storage.program
    last = {each: number for number, instruction in enumerate(program.instructions) for each in instruction.operands}
    last |= dict.fromkeys(program.outputs.values(), len(program))
    for number in reversed(range(len(program))):  # a view keeps what it is a view of
        if program.instructions[number].is_view:
            last[program.instructions[number].operands[0]] = max(last[number], last[program.instructions[number].operands[0]])
    for number, instruction in enumerate(program.instructions):
        if instruction.is_view:
            continue
        for earlier in range(number):
            is_needed = last.get(earlier, -1) > number and not program.instructions[earlier].is_view
            overlaps = entries(storage.places[number]) & entries(storage.places[earlier])
            if isinstance(instruction, Scatter) and earlier in instruction.operands:
                continue  # made where it goes
            if earlier in instruction.operands and overlaps:
                assert isinstance(instruction, Elementwise)
                assert storage.places[number] == storage.places[earlier]
            elif is_needed:
                assert not overlaps, f"%{number} lies on %{earlier}"


def entries(place: Place) -> set[tuple[Any, int]]:
    offsets = np.full((), place.offset)
    for size, stride in zip(place.shape, place.strides):
        offsets = np.add.outer(offsets, stride * np.arange(size)).ravel()
    return {(place.buffer.name, int(each)) for each in offsets.ravel()}


def test_a_place_follows_a_view() -> None:
    memory = np.arange(24.0)
    place = Place.whole(Buffer(0, np.dtype(np.float64)), (4, 6))
    array = memory.reshape(4, 6)
    for own, expected in (
        (place.columns(1, 6, 2), array[:, 1:6:2]),
        (place.columns(2, 5).transposed(), array[:, 2:5].T),
        (place.reshaped((2, 12)), array.reshape(2, 12)),
        (place.columns(0, 4).reshaped((4, 2, 2)), array[:, :4].reshape(4, 2, 2)),
    ):
        assert own is not None
        np.testing.assert_array_equal(view(own, memory), expected)
    assert place.transposed().reshaped((24,)) is None
    with pytest.raises(ValueError, match="no view of buffer 0"):
        place.transposed().flat()


UFUNCS = sorted((op for op in ROWS if isinstance(op.on_arrays, np.ufunc) and not op.variadic), key=lambda op: op.name)
CALLED = [*[(op.name, function_of(op), op.on_arrays) for op in UFUNCS], ("square", np.square, np.square)]
CALLED += [("reciprocal", np.reciprocal, np.reciprocal)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "function", "ufunc"), CALLED, ids=[name for name, *_ in CALLED])
def test_every_ufunc_reads_and_writes_at_every_stride(name: str, function: Any, ufunc: np.ufunc, dtype: Any) -> None:
    """As the calls of a plan do, at strides up to 128 bytes; the reference is the ufunc of copies without gaps."""
    size, count, width = np.dtype(dtype).itemsize, 33, 128 // np.dtype(dtype).itemsize
    memory = (np.arange(count * width) % 19 / 20 + 0.01).astype(dtype)
    others = (np.arange(count * width) % 17 / 20 + 0.01).astype(dtype)
    for step in range(1, width + 1):
        operands = [each[: count * step : step] for each in (memory, others)[: ufunc.nin]]
        expected = ufunc(*[each.copy() for each in operands])
        for gap in range(1, width + 1):
            out = np.zeros(count * width, expected.dtype)
            call, arrays = bound(function, (*operands, out[: count * gap : gap]))
            call(*arrays)
            found = out[: count * gap : gap]
            np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps, err_msg=f"{name} from {step * size} to {gap * size}")
    ours = memory.copy()[: count * 8 : 8]  # in place
    if ufunc.nin == 1 and expected.dtype == dtype:
        expected = ufunc(ours.copy())
        call, arrays = bound(function, (ours, ours))
        call(*arrays)
        np.testing.assert_allclose(ours, expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("columns", range(1, 17))
def test_negated_columns_of_any_width_agree_with_plain_numbers(columns: int) -> None:
    """numpy 2.2.6 to 2.4.6 misreads np.negative at a source stride of 64 bytes."""
    X = np.random.default_rng(0).normal(size=(9, columns))
    for dtype in (np.float64, np.float32):
        given = X.astype(dtype)
        results = vectorize(lambda x: [-x[0], x[0], -x[-1], -x[0] * x[-1]], dtype=dtype)(given)
        expected = [[-row[0], row[0], -row[-1], -row[0] * row[-1]] for row in given]
        np.testing.assert_allclose(results, expected, rtol=1e-6)


@pytest.mark.parametrize(("memory", "kept"), [(0, plans.PLANS_KEPT), (2**25, 29)])
def test_plans_are_kept_within_a_limit_of_memory_the_latest_first(memory: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "BYTES_KEPT", memory)
    program, order = results(FUNCTIONS["choices"])
    executable, theta = backend.executable(spelled(program), np.dtype(float)), np.zeros(order)
    used = []
    for size in range(2, 30):
        for batch in (40, size):
            executable.run([np.ones((batch, 3))], theta, None, np.empty((batch, 1)))
        used.append(executable._free[40][0])
    assert len(executable._free) == kept
    assert all(each is used[0] for each in used)
