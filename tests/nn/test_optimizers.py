"""Optimizers and schedules: each rule against the formula of its paper, for Values and vectors."""

from __future__ import annotations

import copy
import itertools
import math
import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import TraceError, UpdateRule, Value
from nn import MLP, SGD, Adam, Constant, Cosine, InverseTime, Optimizer, StepDecay, Training

MAKERS: list[Callable[[], Optimizer]] = [
    lambda: SGD(0.1),
    lambda: SGD(0.1, weight_decay=0.01),
    lambda: SGD(0.1, momentum=0.9),
    lambda: SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    lambda: Adam(0.1),
    lambda: Adam(0.1, betas=(0.5, 0.6), epsilon=1e-3, weight_decay=0.02),
]
makers = pytest.mark.parametrize("make", MAKERS, ids=lambda make: repr(make()))


def gradients(seed: int, steps: int = 6) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=(steps, 5))


def by_the_book(optimizer: Any, theta: list[float], rows: Any) -> list[float]:
    """The same steps in plain Python, parameter by parameter, as the papers have them."""
    result = []
    for index, start in enumerate(theta):
        x, velocity, mean, square = start, 0.0, 0.0, 0.0
        for t, row in enumerate(rows, 1):
            g = float(row[index])
            if isinstance(optimizer, Adam):
                b1, b2 = optimizer.betas
                mean, square = b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * g * g
                x -= 0.1 * optimizer.weight_decay * x
                x -= 0.1 * (mean / (1 - b1**t)) / (math.sqrt(square / (1 - b2**t)) + optimizer.epsilon)
            else:
                g += optimizer.weight_decay * x
                velocity = optimizer.momentum * velocity + g
                x -= 0.1 * (g + optimizer.momentum * velocity if optimizer.nesterov else velocity)
        result.append(x)
    return result


@makers
def test_each_rule_is_the_papers(make: Callable[[], Optimizer]) -> None:
    theta, rows, optimizer = np.linspace(-1, 1, 5), gradients(0), make()
    expected = by_the_book(optimizer, theta.tolist(), rows)
    for row in rows:
        given = row.copy()
        optimizer.update(theta, row)
        assert (row == given).all()
    assert theta == pytest.approx(expected, rel=1e-12)


@makers
@pytest.mark.parametrize(
    "wrong",
    [
        np.arange(3),
        np.zeros(3, np.float32),
        np.zeros(6)[::2],
        np.zeros((3, 1)),
        np.zeros((2, 2)).T,
        np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False]),
        [1.0, 2.0, 3.0],
    ],
    ids=["int", "float32", "strided", "column", "matrix", "masked", "list"],
)
def test_only_contiguous_float64_vectors_are_updated(make: Callable[[], Optimizer], wrong: Any) -> None:
    for name, theta, gradient in (("parameters", wrong, np.ones(np.shape(wrong))), ("gradient", np.ones(3), wrong)):
        optimizer, before = make(), np.array(theta)
        with pytest.raises(ValueError, match=f"^{name} must be a contiguous vector, .*: got {type(wrong).__name__}"):
            optimizer.update(theta, gradient)
        assert np.array_equal(theta, before)
        assert optimizer.steps == 0


@makers
def test_values_take_the_same_steps_as_vectors(make: Callable[[], Optimizer]) -> None:
    theta, for_vector, for_values = np.linspace(-1, 1, 5), make(), make()
    parameters = [Value(number) for number in theta.tolist()]
    for row in gradients(1):
        for_vector.update(theta, row)
        for parameter, number in zip(parameters, row.tolist()):
            parameter.grad = number
        for_values.step(parameters)
    assert [parameter.data for parameter in parameters] == theta.tolist()
    assert all(type(parameter.data) is float for parameter in parameters)


@makers
def test_a_restored_optimizer_continues_bit_for_bit(make: Callable[[], Optimizer]) -> None:
    theta, first, second = np.linspace(-1, 1, 5), make(), make()
    for row in gradients(2):
        first.update(theta, row)
    other = theta.copy()
    second.load_state_dict(first.state_dict())
    for row in gradients(3):
        first.update(theta, row)
        second.update(other, row)
    assert (theta == other).all()


@makers
def test_no_vectors_are_allocated_after_the_first_step(make: Callable[[], Optimizer]) -> None:
    theta, gradient, optimizer = np.zeros(100_000), np.ones(100_000), make()
    optimizer.update(theta, gradient)
    tracemalloc.start()
    optimizer.update(theta, gradient)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80_000


def test_a_state_is_a_copy() -> None:
    optimizer = SGD(0.1, momentum=0.9)
    optimizer.update(np.zeros(2), np.ones(2))
    state = optimizer.state_dict()
    optimizer.update(np.zeros(2), np.ones(2))
    assert state["steps"] == 1
    assert state["velocity"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "SGD's state is steps, velocity, where steps is a whole number; got nothing"),
        ({"steps": 1}, "got steps"),
        ({"steps": 1, "mean": [1.0]}, "got steps, mean"),
        ({"steps": -1, "velocity": [1.0]}, "SGD's state is"),
        ({"steps": "1", "velocity": [1.0]}, "SGD's state is"),
        ({"steps": 1, "velocity": [1.0, math.nan]}, "velocity must be vectors of finite numbers with equal lengths"),
        ({"steps": 1, "velocity": [[1.0]]}, "velocity must be vectors of finite numbers with equal lengths"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state: dict[str, Any], message: str) -> None:
    optimizer = SGD(0.1, momentum=0.9)
    optimizer.update(np.zeros(2), np.ones(2))
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict()["velocity"].tolist() == [1.0, 1.0]
    assert optimizer.steps == 1


def test_sizes_that_do_not_fit() -> None:
    optimizer = SGD(momentum=0.9)
    with pytest.raises(ValueError, match="parameters and gradient must have the same length, got 3 and 2"):
        optimizer.update(np.zeros(3), np.zeros(2))
    optimizer.update(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="this optimizer remembers 3 parameters, got 4: make a new one"):
        optimizer.update(np.zeros(4), np.zeros(4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "the learning rate must be a finite number of at least 0, got -0.1"),
        (lambda: Adam(math.nan), "the learning rate must be a finite number"),
        (lambda: SGD("fast"), "the learning rate must be a finite number of at least 0, got 'fast'"),  # type: ignore[arg-type]
        (lambda: SGD(momentum=1.0), "momentum must be a finite number of at least 0 and below 1, got 1.0"),
        (lambda: SGD(nesterov=True), "nesterov=True needs a momentum above 0"),
        (lambda: SGD(nesterov=0.9), "nesterov must be True or False, got 0.9; set the amount with momentum=0.9"),  # type: ignore[arg-type]
        (lambda: SGD(True), "the learning rate must be a finite number of at least 0, got True"),
        (lambda: SGD(weight_decay=True), "weight_decay must be a finite number of at least 0, got True"),
        (lambda: SGD(weight_decay=-1), "weight_decay must be a finite number"),
        (lambda: Adam(betas=(1.0, 0.9)), r"betas\[0\] must be a finite number of at least 0 and below 1"),
        (lambda: Adam(betas=(0.9, 1.0)), r"betas\[1\] must be a finite number of at least 0 and below 1"),
        (lambda: Adam(betas=(0.9,)), "betas must be two numbers"),  # type: ignore[arg-type]
        (lambda: Adam(betas=0.9), "betas must be two numbers, for the mean and for the mean square, got 0.9"),  # type: ignore[arg-type]
        (lambda: Adam([Value(1.0)]), "Adam takes the learning rate first; pass the parameters to train"),  # type: ignore[arg-type]
        (lambda: Adam(epsilon=math.inf), "epsilon must be a finite number"),
        (lambda: StepDecay(0.1, every=0), "every must be a finite number above 0, got 0"),
        (lambda: Cosine(0.1, epochs=0), "epochs must be a finite number above 0, got 0"),
        (lambda: InverseTime(0.1, decay=-1), "decay must be a finite number"),
        (lambda: Constant(-1), "the learning rate must be"),
    ],
)
def test_settings_out_of_range(make: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_schedules() -> None:
    assert [Constant(0.3)(epoch) for epoch in (0.0, 7.5)] == [0.3, 0.3]
    assert [StepDecay(0.8, factor=0.5, every=2)(epoch) for epoch in (0.0, 1.9, 2.0, 4.5)] == [0.8, 0.8, 0.4, 0.2]
    assert [InverseTime(1.0, decay=0.5)(epoch) for epoch in (0.0, 2.0, 6.0)] == [1.0, 0.5, 0.25]
    assert [Cosine(1.0, epochs=4, final=0.5)(epoch) for epoch in (0.0, 2.0, 4.0, 9.0)] == pytest.approx([1.0, 0.75, 0.5, 0.5])


def test_reprs_rebuild_the_optimizer() -> None:
    for make in MAKERS:
        assert repr(eval(repr(make()))) == repr(make())
    assert repr(SGD()) == "SGD(learning_rate=0.1, momentum=0.0, nesterov=False, weight_decay=0.0)"
    assert repr(Adam()) == "Adam(learning_rate=0.001, betas=(0.9, 0.999), epsilon=1e-08, weight_decay=0.0)"
    assert repr(SGD(Cosine(0.1, epochs=3))) == (
        "SGD(learning_rate=Cosine(rate=0.1, epochs=3, final=0.0), momentum=0.0, nesterov=False, weight_decay=0.0)"
    )


def test_an_update_returns_its_learning_rate() -> None:
    optimizer, theta = SGD(lambda epoch: 1.0 + epoch), np.zeros(1)
    for optimizer.epoch in (0.0, 0.5):
        assert optimizer.update(theta, np.ones(1)) == 1.0 + optimizer.epoch
    assert theta[0] == -2.5
    wrong = SGD(lambda epoch: -1.0)
    with pytest.raises(ValueError, match=r"the schedule's rate at epoch 0 must be a finite number of at least 0, got -1\.0"):
        wrong.update(np.zeros(1), np.ones(1))
    assert wrong.steps == 0


# Memory belongs to parameters


def stepped(optimizer: Optimizer, parameters: list[Value]) -> list[float]:
    """The parameters after a step along gradients of 1."""
    for parameter in parameters:
        parameter.grad = 1.0
    optimizer.step(parameters)
    return [parameter.data for parameter in parameters]


@makers
def test_a_memory_belongs_to_its_parameters(make: Callable[[], Optimizer]) -> None:
    optimizer, parameters = make(), [Value(1.0), Value(2.0)]
    stepped(optimizer, parameters)
    stepped(optimizer, list(parameters))
    assert optimizer.steps == 2
    for others in ([Value(1.0), Value(2.0)], parameters[::-1]):
        if not optimizer.memory:
            assert stepped(make(), [Value(each.data) for each in others]) == stepped(optimizer, others)
            continue
        before, state = [each.data for each in others], optimizer.state_dict()
        with pytest.raises(ValueError, match="remembers other parameters, or the same ones in another order: make a new one"):
            optimizer.step(others)
        assert [each.data for each in others] == before
        assert str(optimizer.state_dict()) == str(state)


@pytest.mark.parametrize("compiled", [False, True])
@makers
def test_runs_of_two_models_share_no_memory(make: Callable[[], Optimizer], compiled: bool) -> None:
    """The oracle is a run with an optimizer that no other run uses."""
    x, y = np.linspace(-1, 1, 8)[:, None], np.linspace(0, 1, 8)

    def run(optimizer: Optimizer, model: MLP | None = None) -> Training:
        return Training(model or MLP([1, 1]), x, y, optimizer=optimizer, batch_size=4, compiled=compiled)

    optimizer, alone = make(), run(make())
    first, second = run(optimizer), run(optimizer)
    for _ in range(3):
        assert first.step().cost == alone.step().cost
        if optimizer.memory:
            with pytest.raises(ValueError, match="make a new one for another model"):
                second.step()
            with pytest.raises(ValueError, match="make a new one for another model"):
                run(optimizer)
        else:
            second.step()
    assert first.parameters.tolist() == alone.parameters.tolist()
    resumed = run(optimizer, first.model)  # type: ignore[arg-type]
    resumed.step()
    assert optimizer.steps == (4 if optimizer.memory else 1)  # without a memory it counts for each model


def test_a_copy_and_a_restored_state_accept_any_parameters() -> None:
    optimizer, parameters = SGD(0.1, momentum=0.9), [Value(1.0)]
    stepped(optimizer, parameters)
    restored = SGD(0.1, momentum=0.9)
    restored.load_state_dict(optimizer.state_dict())
    expected = stepped(copy.deepcopy(optimizer), [Value(parameters[0].data)])
    assert stepped(restored, [Value(parameters[0].data)]) == stepped(optimizer, parameters) == expected


# Rules are recorded


class Own(Optimizer):
    def __init__(self, rule: Callable[..., Any]) -> None:
        super().__init__(0.5)
        self.factor, self.own = [1.0], rule

    def rule(self, parameter: Any, gradient: Any, *memory: Any, rate: Any, step: Any) -> list[Any]:
        return [parameter - rate * self.own(self) * gradient]


STRENGTH = [1.0]
COUNT, GENERATOR = itertools.count(), np.random.default_rng(0)


@pytest.mark.parametrize("change", [lambda own: own.factor.__setitem__(0, 3.0), lambda _: STRENGTH.__setitem__(0, 3.0)])
def test_what_a_rule_reads_may_change_between_steps(change: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: steps of 0.5 * 1 and of 0.5 * 3."""
    monkeypatch.setitem(globals(), "STRENGTH", [1.0])
    own, theta = Own(lambda self: self.factor[0] * STRENGTH[0]), np.zeros(1)
    own.update(theta, np.ones(1))
    change(own)
    own.update(theta, np.ones(1))
    assert theta[0] == -2.0


@pytest.mark.parametrize(
    "draw", [lambda _: random.random(), lambda _: np.random.rand(), lambda _: GENERATOR.random(), lambda _: next(COUNT)]
)
def test_a_rule_that_gives_another_program_each_time_is_refused(draw: Callable[[Any], float]) -> None:
    with pytest.raises(TraceError, match=r"draws random numbers|gives another program each time"):
        Own(draw).update(np.zeros(1), np.ones(1))
    with pytest.raises(TraceError, match=r"draws random numbers|gives another program each time"):
        UpdateRule(lambda parameter, gradient, rate, step: [parameter - draw(None) * rate * gradient])


@pytest.mark.parametrize("name", ["steps", "epoch", "learning_rate"])
def test_a_rule_cannot_read_what_changes_from_step_to_step(name: str) -> None:
    message = f"Own.rule is recorded once for all steps and cannot read {'schedule' if name == 'learning_rate' else name}, which changes"
    with pytest.raises(TraceError, match=message):
        Own(lambda self: getattr(self, name)).update(np.zeros(1), np.ones(1))
