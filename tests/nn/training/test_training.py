"""Tests of Training: runs by steps, epochs and examples are the same, settings change during a run, and states can be restored."""

from __future__ import annotations

import itertools
import signal
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograd import Value, relu, sqrt
from nn import MLP, SGD, Adam, Cosine, DivergenceError, Layer, Module, Optimizer, Training, binary_cross_entropy, squared_error
from nn.training import State
from tests.runs import HELD_OUT, Dropping, X, Y, begin, bits, eager_and_compiled, fit, half


def by_epochs(run: Training) -> None:
    for _ in range(3):
        run.epoch()


def by_steps(run: Training) -> None:
    while len(run.history.cost) < 3:
        run.step()


def by_examples(run: Training) -> None:
    while len(run.history.cost) < 3:
        run.example()


def by_turns(run: Training) -> None:
    """Mix all of them, and stop within an iteration, a mini-batch and an epoch."""
    for _ in itertools.islice(run.steps(), 1):
        pass
    run.example()
    for step in run.steps():
        if step.number == 3:
            break
    run.example()
    run.epoch(lambda _: True)
    run.example()
    left = run.steps(2)
    next(left)
    run.epoch()
    next(left)
    while len(run.history.cost) < 3:
        run.epoch()


# One run, driven in different ways


@pytest.mark.parametrize("drive", [by_epochs, by_steps, by_examples, by_turns])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 1, "optimizer": SGD(Cosine(0.1, epochs=3), momentum=0.9)},
        {"batch_size": None, "validation": HELD_OUT},
        {"batch_size": 7, "clip": 0.1, "seed": 4},
    ],
    ids=repr,
)
@eager_and_compiled
def test_each_way_to_drive_a_run_is_train_to_the_bit(drive: Callable[[Training], None], settings: dict[str, Any], compiled: bool) -> None:
    settings = {**settings, "compiled": compiled}
    run = begin(**fresh(settings))
    drive(run)
    model, history = fit(**fresh(settings), epochs=len(run.history.cost))
    assert bits(run.model) == bits(model)
    for name, column in history.columns().items():
        assert "seconds" in name or run.history.columns()[name] == column
    assert run.parameters.tobytes() == bits(model)


def fresh(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the same settings with a new optimizer."""
    optimizer = settings.get("optimizer")
    return settings if optimizer is None else {**settings, "optimizer": SGD(optimizer.schedule, momentum=optimizer.momentum)}


@pytest.mark.parametrize("drive", [by_epochs, by_examples, by_turns])
def test_noise_and_frozen_parameters_are_the_same_as_in_train(drive: Callable[[Training], None]) -> None:
    trained, driven = Dropping(), Dropping()
    fit(trained, noise=half, frozen=[trained.last])
    drive(begin(driven, noise=half, frozen=[driven.last]))
    assert bits(driven) == bits(trained)
    assert bits(driven.last) == bits(Dropping().last)


def test_a_step_reports_its_numbers() -> None:
    run = begin(clip=0.1, optimizer=SGD(lambda epoch: 0.1 + epoch))
    steps = list(run.steps(6))
    assert [(step.epoch, step.examples) for step in steps] == [(1, 8), (1, 8), (1, 8), (1, 6), (2, 8), (2, 8)]
    assert [step.number for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [step.learning_rate for step in steps] == pytest.approx([0.1, 0.35, 0.6, 0.85, 1.1, 1.35])
    for name in ("cost", "learning_rate", "gradient_norm", "examples", "seconds"):
        assert [getattr(step, name) for step in steps] == getattr(run.history.steps, name)
    assert np.linalg.norm(run.gradient) == pytest.approx(0.1)
    assert steps[-1].gradient_norm > 0.1
    assert run.steps_left == 2


def test_the_model_is_current_after_each_step_and_parameters_within_an_epoch() -> None:
    run = begin()
    for _ in run.steps(5):
        assert run.parameters.tobytes() == bits(run.model)
    seen: list[bytes] = []
    before = bits(run.model)
    assert run.epoch(lambda _: seen.append(run.parameters.tobytes()))
    assert len(set(seen) - {before}) == 3
    assert seen[-1] == bits(run.model)


def test_an_epoch_can_be_stopped_and_continued() -> None:
    run = begin()
    assert run.epoch(lambda step: step.number == 3) is False
    assert (len(run.history.steps.cost), run.steps_left) == (3, 1)
    assert run.epoch(lambda _: True) is True
    assert (len(run.history.steps.cost), run.steps_left) == (4, 4)
    assert run.epoch() is True
    assert len(run.history.steps.cost) == 8


def test_a_group_of_steps_takes_about_as_long_as_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: the next group is twice as large after less than half the time, and half as large after more than twice the time."""
    took = [0.375, 0.25, 0.25, 0.5, 2.0, 0.25, 2.25, 2.25, 2.25, 2.25, *[0.25] * 23]
    times = iter([each for seconds in took for each in (8.0, 8.0 + seconds)])
    monkeypatch.setattr("nn.training.loop.time", SimpleNamespace(perf_counter=lambda: next(times)))
    run, seen = begin(batch_size=1), list[bytes]()
    for batch_size in (1, 1, 2):
        run.set(batch_size=batch_size)
        run.epoch(lambda _: seen.append(run.parameters.tobytes()), every=1.0)
    assert [len(list(group)) for _, group in itertools.groupby(seen)] == [1, 2, 4, 8, 8, 7, 8, 4, 2, 1, 1, 2, 4, 8, 1, 2, 4, 8]
    seen.clear()
    run.epoch(lambda _: seen.append(run.parameters.tobytes()))
    assert len(set(seen)) == 15
    assert run.history.steps.seconds[:5] == [0.375, 0.125, 0.125, 0.0625, 0.0625]
    with pytest.raises(ValueError, match="every must be a finite number of at least 0, got -1"):
        run.epoch(print, every=-1)


def test_it_prints_nothing_and_does_not_warn(capsys: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGINT)
    run = begin(MLP([2, 4, 1], activation=relu), optimizer=SGD(1e200), cost=squared_error)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for act in (run.example, run.step, run.epoch):
            with pytest.raises(DivergenceError):
                until_it_fails(act)
    assert capsys.readouterr() == ("", "")
    assert signal.getsignal(signal.SIGINT) is handler


def until_it_fails(act: Callable[[], Any]) -> None:
    while True:
        act()


class Idle(Module):
    """A model with unused parameters before and between the used ones."""

    def __init__(self) -> None:
        self.first, self.weight, self.idle, self.bias = Value(7.0), Value(0.5), Value(8.0), Value(0.25)

    def __call__(self, x: Any) -> Any:
        return self.bias + self.weight * x[1]


@eager_and_compiled
def test_vectors_are_in_the_models_order(compiled: bool) -> None:
    run = begin(Idle(), cost=squared_error, compiled=compiled, batch_size=None, optimizer=SGD(0.1))
    assert run.gradient.tolist() == [0.0] * 4
    error = 0.5 * X[:, 1] + 0.25 - Y
    run.step()
    assert run.gradient == pytest.approx([0.0, np.mean(2 * error * X[:, 1]), 0.0, np.mean(2 * error)])
    assert run.parameters == pytest.approx([7.0, 0.5 - 0.1 * run.gradient[1], 8.0, 0.25 - 0.1 * run.gradient[3]])
    assert run.parameters.tolist() == list(run.model.state_dict().values())
    state = run.state()
    run.step()
    run.restore(state)
    assert run.parameters.tolist() == state.parameters.tolist() == list(run.model.state_dict().values())


# Examples


@eager_and_compiled
def test_an_example_is_evaluated_before_the_update(compiled: bool) -> None:
    run = begin(compiled=compiled)
    looked = [run.example() for _ in range(30)]
    assert sorted(example.index for example in looked) == list(range(30))
    assert [example.step is not None for example in looked] == [(place in (7, 15, 23, 29)) for place in range(30)]
    model = MLP([2, 4, 1], seed=1)
    for example in looked[:8]:
        model.zero_grad()
        cost = binary_cross_entropy(model(X[example.index]), int(Y[example.index]))
        cost.backward()
        assert example.x.tolist() == X[example.index].tolist()
        assert example.y == Y[example.index]
        assert example.outputs == pytest.approx(model.predict(X[example.index : example.index + 1])[0])
        assert example.cost == pytest.approx(cost.data)
        assert example.gradient == pytest.approx([parameter.grad for parameter in model.parameters()])
    step = looked[7].step
    assert step is not None
    assert step.cost == pytest.approx(np.mean([example.cost for example in looked[:8]]))
    assert step.gradient_norm == pytest.approx(np.linalg.norm(np.mean([example.gradient for example in looked[:8]], axis=0)))
    assert len(run.history.cost) == 1


@eager_and_compiled
def test_an_example_has_its_noise_and_zero_gradient_for_frozen_parameters(compiled: bool) -> None:
    model = Dropping()
    run = begin(model, noise=half, frozen=[model.hidden], compiled=compiled)
    masks = half(np.random.default_rng([0, 0, 1]), 8)
    for mask in masks:
        example = run.example()
        if example.step is None:
            assert example.outputs == pytest.approx([each.data for each in model(example.x, mask)])  # before the update, that is
        assert not example.gradient[: len(model.hidden.parameters())].any()
        assert example.gradient[-1] != 0


def test_a_target_of_several_numbers_is_a_row() -> None:
    run = Training(MLP([2, 2]), X, np.eye(2)[Y])
    example = run.example()
    assert example.y.tolist() == np.eye(2)[Y[example.index]].tolist()
    example.y[:] = example.x[:] = 9.0
    assert 9.0 not in run.X
    assert 9.0 not in run.Y


@pytest.mark.parametrize("noise", [None, lambda rng, count: np.zeros(count)], ids=["", "noise"])
@eager_and_compiled
def test_an_undefined_example_raises_only_in_the_update(compiled: bool, noise: Any) -> None:
    settings = {"batch_size": None, "compiled": compiled, "noise": noise}
    from_nowhere = Training(Reciprocal(), np.array([[1.0], [0.0], [1.0]]), [1.0, 1.0, 1.0], **settings)
    assert from_nowhere.example().outputs.tolist() == [1.0]
    undefined = from_nowhere.example()
    assert not np.isfinite([undefined.cost, *undefined.outputs, *undefined.gradient]).any()
    with pytest.raises(DivergenceError, match="in epoch 1, at step 1 of 1"):
        from_nowhere.example()


class Reciprocal(Module):
    def __init__(self) -> None:
        self.weight = Value(1.0)

    def __call__(self, x: Any, noise: Any = 0.0) -> Any:
        return self.weight / x[0] + noise


# Parameters changed from outside


@eager_and_compiled
def test_a_run_continues_with_assigned_parameters(compiled: bool) -> None:
    run, expected = (begin(compiled=compiled, optimizer=SGD(0.1)) for _ in range(2))
    numbers = np.linspace(-1, 1, 17)
    for act in (Training.step, Training.epoch, Training.example):
        run.assign(numbers)
        put(expected.model, numbers)
        assert run.parameters.tobytes() == expected.parameters.tobytes() == run.state().parameters.tobytes() == numbers.tobytes()
        act(run)
        act(expected)
        assert bits(run.model) == bits(expected.model)
        assert np.abs(run.parameters - numbers).max() < 0.5  # a few small steps away


def put(model: Module, numbers: Any) -> None:
    for parameter, number in zip(model.parameters(), numbers.tolist()):
        parameter.data = number


def test_parameters_that_are_not_finite_are_set_back() -> None:
    run = begin()
    run.step()
    before = bits(run.model)
    for act in (run.step, run.epoch, run.example, run.state, run.take_up, lambda: run.parameters):
        run.model.parameters()[4].data = float("inf")
        with pytest.raises(ValueError, match=r"layers\[0\]\.neurons\[1\]\.weights\[1\] was set to inf: parameters must be finite"):
            act()
        assert bits(run.model) == before
    for numbers, found in (([1.0], r"the shape \(1,\)"), (np.full(17, np.nan), "nan or infinity")):
        with pytest.raises(ValueError, match=f"vector of 17 finite numbers, one for each parameter of the model: got {found}"):
            run.assign(numbers)
    run.model.layers[0].neurons[0].bias = Value(1.0)  # type: ignore[attr-defined]
    with pytest.raises(
        ValueError, match="the model has other Values than at the start of the run: change the data of its Values instead, or start"
    ):
        run.steps(1)


# Settings that change during a run


def test_a_rate_or_schedule_changed_during_a_run_continues_at_the_current_epoch() -> None:
    run = begin(optimizer=SGD(0.1))
    run.step()
    run.set(rate=lambda epoch: 1.0 + epoch)
    run.step()
    run.set(rate=0.5)
    run.step()
    assert run.history.steps.learning_rate == [0.1, 1.25, 0.5]


@pytest.mark.parametrize("sizes", [(8, 3), (3, 8), (8, None), (None, 8), (1, 7), (7, 1)])
def test_after_a_change_of_the_batch_size_each_example_is_seen_once_per_epoch(sizes: Any) -> None:
    run = begin(batch_size=sizes[0], optimizer=SGD(lambda epoch: 0.001 + epoch))
    met = [run.example().index for _ in range(14 if sizes[0] else 60)]
    run.set(batch_size=sizes[1])
    met = met[: sum(run.history.steps.examples)]  # a mini-batch that was looked at starts again
    while len(met) < 90:
        left, examples = run.steps_left, sum(run.history.steps.examples)
        met.append(run.example().index)
        assert run.steps_left == left or sum(run.history.steps.examples) > examples
    for start in (0, 30, 60):
        assert sorted(met[start : start + 30]) == list(range(30))
    moments = [rate - 0.001 for rate in run.history.steps.learning_rate]
    seen = itertools.accumulate(run.history.steps.examples, initial=0)
    for moment, examples in zip(moments, seen):
        assert int(moment + 1e-9) == examples // 30
        assert (abs(moment - round(moment)) < 1e-9) == (examples % 30 == 0)
    assert len(run.history.cost) == 3


def test_a_mini_batch_has_32_examples_unless_told_otherwise() -> None:
    examples = np.linspace(-1, 1, 65)[:, None]
    run = Training(MLP([1, 1]), examples, examples)
    assert run.batch_size == 32
    run.epoch()
    assert len(run.history.steps.cost) == 3


@pytest.mark.parametrize(("change", "index"), [({"clip": 1.0}, 1), ({"rate": 0.1}, 1), ({"batch_size": 5}, 0)])
def test_a_change_of_the_batch_size_begins_the_next_mini_batch_anew(change: dict[str, Any], index: int) -> None:
    run, other = begin(), begin()
    run.example()
    run.set(**change)
    assert run.example().index == [other.example().index for _ in range(2)][index]


def test_a_mini_batch_of_all_examples_has_them_in_their_order() -> None:
    run = begin(batch_size=None)
    assert [run.example().index for _ in range(60)] == [*range(30)] * 2


@pytest.mark.parametrize("settings", [{}, {"batch_size": None}, {"noise": half}], ids=repr)
def test_take_up_reads_examples_that_changed_within_a_mini_batch(settings: dict[str, Any]) -> None:
    """The oracle is a run on the changed examples, with the same parameters."""
    given = {"cost": binary_cross_entropy, "optimizer": SGD(0.1), "batch_size": 8, **settings}
    x = X.copy()
    run, expected = Training(Dropping(), x, Y, **given), Training(Dropping(), 2 * X, Y, **given)
    expected.step()
    run.step()
    run.example()
    expected.assign(run.parameters)
    x *= 2
    run.take_up()
    assert run.step().cost == expected.step().cost
    assert run.parameters.tobytes() == expected.parameters.tobytes()


def test_noise_is_drawn_for_each_step_whatever_its_size() -> None:
    drawn: list[bytes] = []

    def noted(rng: np.random.Generator, count: int) -> Any:
        drawn.append(rng.random((count, 4)).round().tobytes()[:128])
        return np.ones((count, 4))

    run = begin(Dropping(), noise=noted)
    for size in (4, 5, 6, 7):
        run.step()
        run.set(batch_size=size)
    assert len(set(drawn[1:])) == 4


def test_a_new_optimizer_starts_with_its_own_memory() -> None:
    run, expected = begin(optimizer=SGD(0.1, momentum=0.9)), begin(optimizer=SGD(0.1, momentum=0.9))
    run.epoch()
    run.set(optimizer=Adam(0.01))
    run.epoch()
    expected.epoch()
    theta, adam = expected.parameters, Adam(0.01)
    for start, order in ((start, np.random.default_rng([0, 1]).permutation(30)) for start in range(0, 30, 8)):
        rows = order[start : start + 8]
        put(expected.model, theta)
        expected.model.zero_grad()
        for row in rows:
            (binary_cross_entropy(expected.model(X[row]), int(Y[row])) / len(rows)).backward()
        adam.update(theta, np.array([parameter.grad for parameter in expected.model.parameters()]))
    assert run.parameters == pytest.approx(theta, rel=1e-9)


def test_an_optimizer_that_remembers_another_model_is_refused() -> None:
    other, run, expected = begin(), begin(), begin()
    other.step()
    with pytest.raises(ValueError, match="this optimizer remembers other parameters"):
        run.set(optimizer=other.optimizer, batch_size=5)
    assert (run.step().cost, run.optimizer is other.optimizer) == (expected.step().cost, False)


def test_clipping_can_be_switched_on_and_off_during_a_run() -> None:
    run = begin(clip=0.01)
    norms, limits = [], [run.clip]
    for limit in (0.02, None):
        run.step()
        norms.append(np.linalg.norm(run.gradient))
        run.set(clip=limit)
        limits.append(run.clip)
    run.step()
    assert limits == [0.01, 0.02, None]
    assert norms == pytest.approx([0.01, 0.02])
    assert np.linalg.norm(run.gradient) == pytest.approx(run.history.steps.gradient_norm[-1])


# States


@pytest.mark.parametrize("optimizer", [lambda: SGD(0.1, momentum=0.9), lambda: Adam(Cosine(0.1, epochs=4))])
@eager_and_compiled
def test_after_restore_a_run_repeats_itself(optimizer: Any, compiled: bool) -> None:
    run = begin(optimizer=optimizer(), validation=HELD_OUT, compiled=compiled)
    history = run.history
    states, reached = [run.state()], [bits(run.model)]
    for index in range(11):
        run.step()
        run.example()
        if index == 5:
            run.set(rate=0.2, batch_size=5, clip=0.3, optimizer=SGD(0.3))
        states.append(run.state())
        reached.append(bits(run.model))
    expected = {name: list(column) for name, column in history.columns().items()}
    best, gradient = run.best, run.gradient
    for at in (5, 0, 8, 6, 11, 3):
        run.restore(states[at])
        assert bits(run.model) == reached[at] == states[at].parameters.tobytes()
        assert len(run.history.steps.cost) == len(states[at].history.steps.cost) == at
        run.set(rate=7.0)  # what is done to a run does not reach its states
        run.step()
        run.restore(states[at])
        for index in range(at, 11):
            run.step()
            run.example()
            if index == 5:
                run.set(rate=0.2, batch_size=5, clip=0.3, optimizer=SGD(0.3))
            assert bits(run.model) == reached[index + 1]
        assert {name: column for name, column in run.history.columns().items() if "seconds" not in name} == {
            name: column for name, column in expected.items() if "seconds" not in name
        }
        assert (run.best == best).all()
        assert (run.gradient == gradient).all()
    assert run.history is history


def test_a_state_includes_the_examples_that_were_looked_at() -> None:
    run = begin()
    run.set(batch_size=1)
    run.step()
    run.set(batch_size=8)
    run.example()
    state = run.state()
    second = run.example().index
    run.epoch()
    run.restore(state)
    assert run.example().index == second
    assert repr(state) == "State(after 0 epochs and 1 steps)"


def test_a_state_cannot_be_changed() -> None:
    state = begin().state()
    for vector in (state.parameters, state.best, state.gradient):
        with pytest.raises(ValueError, match="read-only"):
            vector[0] = 1.0
    with pytest.raises(AttributeError):
        state.looked = 1  # type: ignore[misc]
    assert len({state, begin().state()}) == 2


def test_states_of_other_runs_are_refused() -> None:
    run = begin()
    before = bits(run.model)
    with pytest.raises(ValueError, match="the state belongs to another run: it has 9 parameters, but the model of this run has 17"):
        run.restore(begin(MLP([2, 2, 1])).state())
    for other in (Training(MLP([2, 4, 1]), X[:9], Y[:9]), Training(MLP([2, 4, 1]), np.vstack([X, X]), np.tile(Y, 2))):
        other.step()
        with pytest.raises(ValueError, match="the state belongs to another run: its numbers of epochs, steps and examples are incons"):
            run.restore(other.state())
    with pytest.raises(TypeError, match=r"restore takes what run.state\(\) returned, got str 'run.npz'; for a file use load"):
        run.restore("run.npz")  # type: ignore[arg-type]
    assert bits(run.model) == before


def test_a_refused_state_keeps_parameters_that_were_set_before() -> None:
    run = begin()
    run.step()
    forged = replace(run.state(), memory={"steps": 3})
    run.model.parameters()[0].data = 0.5
    with pytest.raises(ValueError, match="the state belongs to another run: Adam's state is steps, "):
        run.restore(forged)
    assert run.parameters[0] == 0.5


# Divergence


@eager_and_compiled
def test_after_a_divergence_a_run_continues_from_the_last_epoch_with_the_current_settings(compiled: bool) -> None:
    settings: dict[str, Any] = {"cost": squared_error, "compiled": compiled}
    run, expected = (begin(MLP([2, 4, 1], activation=relu), optimizer=SGD(0.1, momentum=0.5), **settings) for _ in range(2))
    for each in (run, expected):
        each.epoch()
        each.assign(each.parameters / 2)
    run.step()
    run.assign(run.parameters / 2)
    run.example()
    run.set(rate=1e200)
    with pytest.raises(
        DivergenceError, match=r"in epoch 2, at step 3 of 4, with learning rate 1e\+200: .* The model is as it was after epoch 1"
    ):
        run.epoch()
    assert bits(run.model) == bits(expected.model)
    assert run.history.columns().keys() == expected.history.columns().keys()
    assert len(run.history.steps.cost) == 4
    assert run.optimizer.learning_rate == 1e200
    run.set(rate=0.05)
    expected.set(rate=0.05)
    assert run.example().index == expected.example().index
    run.epoch()
    expected.epoch()
    assert bits(run.model) == bits(expected.model)


def test_a_divergence_names_the_step_that_it_goes_back_to(tmp_path: Path) -> None:
    run = begin(MLP([2, 4, 1], activation=relu), cost=squared_error, optimizer=SGD(0.1))
    run.step()
    state: State = run.state()
    run.restore(state)
    run.set(rate=1e200, optimizer=SGD(0.3))
    with pytest.raises(DivergenceError, match=r"The model is as it was after step 1\. Try a smaller learning rate"):
        run.epoch()
    assert bits(run.model) == state.parameters.tobytes()
    run.save(tmp_path / "run.npz")
    resumed = begin(MLP([2, 4, 1], activation=relu), cost=squared_error, optimizer=SGD(1e200))
    resumed.load(tmp_path / "run.npz")
    for each in (run, resumed):
        with pytest.raises(DivergenceError, match=r"after step 1; the last finite checkpoint is .*run\.npz\. Try a smaller learning rate"):
            each.epoch()


def test_a_divergence_names_the_rate_of_its_step_in_a_group_of_steps_too() -> None:
    errors = set()
    drives: list[Callable[[Training], Any]] = [Training.step, Training.epoch, lambda run: run.epoch(bool, every=60.0)]
    for drive in drives:
        run = begin(optimizer=SGD(lambda epoch: 1.0 + epoch if epoch < 0.5 else 1e200 * (1.0 + epoch)), batch_size=1, cost=squared_error)
        with pytest.raises(DivergenceError, match=r"in epoch 1, at step 17 of 30, with learning rate 1\.53333e\+200") as caught:
            until_it_fails(partial(drive, run))
        errors.add(str(caught.value))
    assert len(errors) == 1


def test_a_gradient_that_is_not_finite_is_a_divergence() -> None:
    run = Training(Steep(), X, Y, cost=lambda outputs, _: outputs[0], batch_size=None)
    with pytest.raises(DivergenceError, match=r"at step 1 of 1, with learning rate 0\.1: the norm of the gradient is inf"):
        run.step()


class Steep(Module):
    """A root at 0, where its value is finite and its derivative is not."""

    def __init__(self) -> None:
        self.weight = Value(0.0)

    def __call__(self, x: Any) -> Any:
        return sqrt(self.weight)


# Forgetting


@pytest.mark.parametrize("settings", [{}, {"batch_size": None}, {"optimizer": SGD(Cosine(0.2, epochs=5), momentum=0.9), "batch_size": 7}])
def test_forgetting_does_not_change_a_run(settings: dict[str, Any]) -> None:
    run, other = begin(**settings), begin(**fresh(settings))
    for steps in (1, 9, 6, 13):
        for each in run.steps(steps):
            assert each.number == other.step().number == run.history.forgotten.steps + len(run.history.steps.cost)
        held = len(run.history.cost)
        run.forget(1)
        assert len(run.history.cost) == min(held, 1)
        assert bits(run.model) == bits(other.model)
        assert run.steps_left == other.steps_left
        assert run.history.cost == other.history.cost[run.history.forgotten.epochs :]
        assert run.history.steps.examples == other.history.steps.examples[run.history.forgotten.steps :]
        run.restore(run.state())  # raises if the steps that are left do not fit the epochs
        run.set(batch_size=steps)
        other.set(batch_size=steps)
    assert run.history.forgotten.epochs > 2


def test_forgetting_within_an_epoch_keeps_its_steps() -> None:
    run, other = begin(), begin()
    for _ in range(2):
        run.epoch(lambda _: run.forget(1))
        other.epoch()
    assert bits(run.model) == bits(other.model)
    assert run.history.steps.cost == other.history.steps.cost[4:]


def test_states_from_before_and_after_forgetting_can_be_restored() -> None:
    run = begin()
    states, reached = [], []
    for _ in range(4):
        list(run.steps(5))
        states.append(run.state())
        reached.append((bits(run.model), run.step().number))
        run.forget()
    for at in (1, 3, 0, 2):
        run.restore(states[at])
        assert (bits(run.model), run.step().number) == reached[at]
    assert repr(states[3]) == "State(after 5 epochs and 23 steps)"


def test_a_divergence_after_forgetting_counts_all_epochs_and_steps() -> None:
    run = begin(optimizer=SGD(0.1), cost=squared_error)
    for _ in range(3):
        run.epoch()
    run.forget()
    run.set(rate=1e200)
    with pytest.raises(DivergenceError, match=r"diverged in epoch 4, at step 2 of 4.* The model is as it was after epoch 3"):
        list(run.steps(4))
    assert run.step().number == 13


def test_a_checkpoint_needs_the_whole_history(tmp_path: Path) -> None:
    run = begin()
    run.forget()
    run.epoch()
    run.save(tmp_path / "run.npz")
    run.forget()
    with pytest.raises(ValueError, match="a checkpoint needs the whole history, but this run has forgotten its first 1 epochs"):
        run.save(tmp_path / "run.npz")


class Backwards(Module):
    """A model that uses its parameters in another order than its attributes have."""

    def __init__(self) -> None:
        self.unused, self.start, self.factor, self.slope = (Value(number) for number in (9.0, 1.0, 2.0, 3.0))

    def __call__(self, x: Any) -> list[Any]:
        return [self.slope * x[0] * self.factor + self.start]


@pytest.mark.parametrize("make", [lambda: Adam(0.1), lambda: SGD(0.1, momentum=0.9)], ids=["Adam", "SGD"])
@pytest.mark.parametrize("model", [Backwards, lambda: MLP([2, 3, 2], seed=1)], ids=["Backwards", "MLP"])
def test_the_memory_of_an_optimizer_is_in_the_models_order(model: Callable[[], Module], make: Callable[[], Optimizer]) -> None:
    """Another run, on Values or with another cost, and `step` can then continue with it."""
    targets = np.stack([X[:, 0], X[:, 1] ** 2], axis=1)[:, : len(model()(X[0].tolist()))]
    results = []
    for compiled in ([True] * 3, [False] * 3, [True, False, True]):
        own, optimizer = model(), make()
        for each in compiled:
            run = Training(own, X, targets, cost=squared_error, optimizer=optimizer, batch_size=8, compiled=each)
            for step in run.steps(run.steps_left):
                assert run.state().memory["steps"] == optimizer.steps >= step.number
        results.append([*own.state_dict().values(), *np.concatenate([v for k, v in optimizer.state_dict().items() if k != "steps"])])
    assert results[0] == pytest.approx(results[1], rel=1e-9)
    assert results[0] == pytest.approx(results[2], rel=1e-9)


def test_step_continues_with_the_memory_of_a_run() -> None:
    models, optimizers = [Backwards(), Backwards()], [Adam(0.1), Adam(0.1)]
    for model, optimizer in zip(models, optimizers):
        Training(model, X, 3 * X[:, 0], optimizer=optimizer, batch_size=None).epoch()
    run = Training(models[0], X, 3 * X[:, 0], optimizer=optimizers[0], batch_size=None)
    run.step()
    for parameter, number in zip(models[1].parameters(), run.gradient.tolist()):
        parameter.grad = number
    optimizers[1].step(models[1].parameters())
    assert bits(models[0]) == bits(models[1])


def test_the_best_epoch_may_be_a_forgotten_one() -> None:
    own, other = (begin(validation=HELD_OUT, optimizer=SGD(3.0)) for _ in range(2))
    state = own.state()
    for _ in range(12):
        own.epoch()
        other.epoch()
        other.forget(1)
        state = other.state()
    assert own.history.validation_cost.index(min(own.history.validation_cost)) not in (0, 11)  # or this would show nothing
    assert np.array_equal(own.best, other.best)
    other.restore(state)
    own.epoch()
    other.epoch()
    assert np.array_equal(own.best, other.best)


def test_a_run_that_is_refused_leaves_the_model_unchanged() -> None:
    x, y = np.linspace(-1, 1, 20)[:, None], np.arange(20) % 2
    of_another, model = Adam(), MLP([1, 1])
    Training(MLP([1, 2, 1]), x, y, optimizer=of_another).step()
    model.threshold = 0.25
    with pytest.raises(ValueError, match="make a new one for another model"):
        Training(model, x, y, optimizer=of_another)
    assert model.threshold == 0.25
    run = Training(model, x, y)
    assert model.threshold == 0.25  # which is that of the cost once it was trained with it
    run.step()
    assert model.threshold == 0.5


@pytest.mark.parametrize("held_out", [slice(None), slice(0, 1)], ids=["both classes", "one class"])
def test_the_threshold_is_0_for_the_targets_1_and_minus_1(held_out: slice) -> None:
    """Also for validation targets that are all 1, which alone could be one of 0 and 1 too."""
    x = np.linspace(-1, 1, 20)[:, None]
    y = np.where(x[:, 0] > 0, 1, -1)
    validation = x[y == 1][held_out], y[y == 1][held_out]
    run = Training(MLP([1, 1]), x, y, optimizer=SGD(0.05), validation=validation)
    run.epoch()
    assert run.model.threshold == 0.0
    assert run.history.validation_accuracy == [float((run.model.predict(validation[0]) > 0).mean())]


# Changes from outside


DRIVES: dict[str, Callable[[Training], Any]] = {
    "step": Training.step,
    "epoch": Training.epoch,
    "example": Training.example,
    "steps": lambda run: list(run.steps(1)),
    "take_up": Training.take_up,
    "save": lambda run: run.save("no such folder/run.npz"),
    "train": lambda run: fit(run.model, callbacks=[lambda model, _: other_layer(model)]),
}


def other_layer(model: Any) -> None:
    model.layers[0] = Layer(2, 4, seed=9)


CHANGES: dict[str, Callable[[Any], object]] = {
    "another layer": other_layer,
    "one layer more": lambda model: model.layers.insert(1, Layer(4, 4, seed=9)),
    "reversed neurons": lambda model: model.layers[0].neurons.reverse(),
    "another weight": lambda model: model.layers[0].neurons[1].weights.__setitem__(0, Value(0.5)),
    "an equal weight": lambda model: model.layers[0].neurons[1].weights.append(Value(model.layers[0].neurons[1].weights.pop().data)),
    "an equal bias": lambda model: setattr(model.layers[0].neurons[3], "bias", Value(model.layers[0].neurons[3].bias.data)),
}


@pytest.mark.parametrize("drive", DRIVES)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("steps", [0, 1, 4])
@eager_and_compiled
def test_replaced_values_are_refused(change: str, drive: str, steps: int, compiled: bool) -> None:
    run = begin(compiled=compiled)
    for _ in range(steps):
        run.step()
    history = len(run.history.steps.cost)
    CHANGES[change](run.model)
    if drive == "train":
        run.model = MLP([2, 4, 1], seed=1)
    with pytest.raises(ValueError, match="the model has other Values than at the start of the run"):
        DRIVES[drive](run)
    assert len(run.history.steps.cost) == history


@pytest.mark.parametrize("steps", [0, 1, 4])
@pytest.mark.parametrize("make", [lambda: MLP([2, 4, 1], seed=1), Dropping], ids=["MLP", "custom Module"])
def test_a_replaced_activation_takes_effect(make: Callable[[], Any], steps: int) -> None:
    """The oracle is the run on scalar Values. A custom Module is recorded again only by `take_up` and at the beginning of an epoch."""
    compiled, eager = (begin(make(), compiled=compiled, optimizer=SGD(0.1)) for compiled in (True, False))
    for run in (compiled, eager):
        for _ in range(steps):
            run.step()
        model: Any = run.model
        for neuron in (model.layers[0] if isinstance(model, MLP) else model.hidden).neurons:
            neuron.activation = relu
        run.take_up()
        all(run.steps(3))
    assert compiled.history.steps.cost == pytest.approx(eager.history.steps.cost, rel=1e-12)
    assert compiled.parameters == pytest.approx(eager.parameters, rel=1e-12)


@pytest.mark.parametrize("drive", [by_epochs, by_steps, by_examples])
def test_a_cost_that_reads_changed_numbers_is_recorded_again(drive: Callable[[Training], None]) -> None:
    """The oracle is the run on scalar Values."""
    costs = []
    for compiled in (True, False):
        strength = [1.0]

        def cost(outputs: Any, y: Any, strength: list[float] = strength) -> Any:
            return strength[0] * squared_error(outputs, y)

        run = begin(cost=cost, compiled=compiled)
        run.epoch()
        state = run.state()
        strength[0] = 0.25
        drive(run)
        costs.append(run.history.steps.cost)
        run.restore(state)
        assert len(run.history.cost) == 1
    assert costs[0] == pytest.approx(costs[1], rel=1e-9)


def test_an_example_is_evaluated_with_the_current_cost() -> None:
    strength = [1.0]

    def cost(outputs: Any, y: Any) -> Any:
        return strength[0] * squared_error(outputs, y)

    run = begin(cost=cost, batch_size=None)
    start, first = run.state(), run.example().cost
    run.restore(start)
    strength[0] = 3.0
    assert run.example().cost == pytest.approx(3 * first)


@eager_and_compiled
def test_parameters_may_change_together_with_the_cost(compiled: bool) -> None:
    """The oracle is the definition: a step with the gradient of the new cost, at the new parameters."""
    strength = [1.0]

    def cost(outputs: Any, y: Any) -> Any:
        return strength[0] * squared_error(outputs, y)

    run = begin(Idle(), cost=cost, compiled=compiled, batch_size=None, optimizer=SGD(0.1))
    run.step()
    strength[0] = 3.0
    put(run.model, np.array([1.0, 2.0, 3.0, 4.0]))
    run.step()
    error = 2.0 * X[:, 1] + 4.0 - Y
    assert run.gradient == pytest.approx([0.0, np.mean(6 * error * X[:, 1]), 0.0, np.mean(6 * error)])


@eager_and_compiled
def test_a_parameter_that_the_cost_no_longer_depends_on_stays(compiled: bool) -> None:
    is_used = [True]

    class Shifted(Idle):
        def __call__(self, x: Any) -> Any:
            return super().__call__(x) + (self.idle if is_used[0] else 0.0)

    run = begin(Shifted(), cost=squared_error, compiled=compiled, batch_size=None, optimizer=SGD(0.1))
    run.step()
    before = run.parameters
    is_used[0] = False
    run.step()
    assert (run.parameters == before).tolist() == [True, False, True, False]
    assert (run.gradient == 0).tolist() == [True, False, True, False]


def test_recording_again_keeps_position_memory_and_best_parameters() -> None:
    """The oracle is a run whose cost stays: it is recorded in another order, and computes the same."""
    results = []
    for changes in (False, True):
        order, model = [0], MLP([2, 4, 1], seed=1)

        def cost(outputs: Any, y: Any, order: list[int] = order, model: Module = model) -> Any:
            weights = model.parameters() if order[0] else model.parameters()[::-1]
            return squared_error(outputs, y) + 0.01 * sum(weight * weight for weight in weights)

        run = begin(model, cost=cost, optimizer=SGD(0.1, momentum=0.9), validation=HELD_OUT)
        all(run.steps(6))
        order[0] = int(changes)
        run.take_up()
        all(run.steps(6))
        results.append((run.parameters, run.best, run.gradient, run.optimizer.state_dict()["velocity"], run.history.validation_cost))
    for one, other in zip(*results):
        assert one == pytest.approx(other, rel=1e-9)
