"""Training: that it learns, the same from the same seed, and that every way to stop it leaves things as they should be."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value, log, relu, sigmoid
from nn import (
    MLP,
    SGD,
    Adam,
    Cosine,
    DivergenceError,
    History,
    Layer,
    Module,
    Neuron,
    Optimizer,
    StepDecay,
    binary_cross_entropy,
    cross_entropy,
    hinge,
    squared_error,
    train,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
HELD_OUT = RNG.normal(size=(10, 2)), RNG.integers(0, 2, 10)

eager_and_compiled = pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])


def fit(model: Module | None = None, **settings: Any) -> tuple[Module, History]:
    model = model or MLP([2, 4, 1], seed=1)
    defaults = {"cost": binary_cross_entropy, "optimizer": Adam(0.05), "batch_size": 8, "epochs": 3, "progress": False}
    return model, train(model, X, Y, **{**defaults, **settings})


def bits(model: Module) -> bytes:
    return np.array([parameter.data for parameter in model.parameters()]).tobytes()


# What it computes


@eager_and_compiled
def test_it_learns(compiled: bool) -> None:
    model, history = fit(MLP([2, 8, 1], seed=1), epochs=40, batch_size=10, compiled=compiled)
    assert history.accuracy[-1] == model.accuracy(X, Y) >= 0.95
    assert history.cost[-1] < history.cost[0] / 2


@pytest.mark.parametrize("batch_size", [1, 7, 30, None, 1000])
def test_each_step_is_the_optimizers_on_the_mean_gradient_of_a_minibatch(batch_size: int | None) -> None:
    model, reference = MLP([2, 3, 1], seed=1), MLP([2, 3, 1], seed=1)
    train(model, X, Y, optimizer=SGD(0.1), batch_size=batch_size, epochs=2, seed=5, progress=False, compiled=False)
    optimizer, size = SGD(0.1), min(batch_size or 30, 30)
    for epoch in range(2):
        order = np.random.default_rng([5, epoch]).permutation(30) if size < 30 else np.arange(30)
        for start in range(0, 30, size):
            rows = order[start : start + size]
            reference.zero_grad()
            for row in rows:
                (squared_error(reference(X[row]), int(Y[row])) / len(rows)).backward()
            optimizer.step(reference.parameters())
    assert list(model.state_dict().values()) == pytest.approx(list(reference.state_dict().values()), rel=1e-9)


@pytest.mark.parametrize(
    ("sizes", "cost", "targets"),
    [
        ([2, 4, 1], squared_error, Y),
        ([2, 4, 1], binary_cross_entropy, Y),
        ([2, 4, 1], hinge, 2 * Y - 1),
        ([2, 4, 2], cross_entropy, Y),
        ([2, 4, 2], cross_entropy, np.eye(2)[Y]),
        ([2, 4, 2], hinge, Y),
        ([2, 4, 2], squared_error, np.eye(2)[Y]),
    ],
)
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_compiled_and_eager_training_agree(sizes: list[int], cost: Any, targets: Any, optimizer: type[Optimizer]) -> None:
    states, histories = [], []
    for compiled in (False, True):
        model = MLP(sizes, activation=sigmoid, seed=2)
        rate = StepDecay(0.05, every=1)
        histories.append(
            train(
                model, X, targets, cost=cost, optimizer=optimizer(rate), batch_size=7, epochs=3, clip=0.5, compiled=compiled, progress=False
            )
        )
        states.append(list(model.state_dict().values()))
    assert states[0] == pytest.approx(states[1], rel=1e-9, abs=1e-12)
    assert histories[0].steps.cost == pytest.approx(histories[1].steps.cost, rel=1e-9)
    assert histories[0].accuracy == histories[1].accuracy


@eager_and_compiled
def test_the_same_seed_is_the_same_run_bit_for_bit(compiled: bool) -> None:
    (first, one), (second, two), (third, _) = (fit(seed=seed, compiled=compiled) for seed in (3, 3, 4))
    assert bits(first) == bits(second)
    assert one.steps.cost == two.steps.cost
    assert bits(first) != bits(third)


def test_the_history_holds_what_was_measured() -> None:
    seen: list[float] = []

    def note(model: Module, history: History) -> None:
        seen.append(model.accuracy(X, Y))

    model, history = fit(validation=HELD_OUT, callbacks=[note], optimizer=SGD(Cosine(0.1, epochs=3)))
    assert history.accuracy == seen
    assert [len(column) for column in (history.cost, history.gradient_norm, history.seconds, history.validation_cost)] == [3] * 4
    assert len(history.steps.cost) == 12
    assert history.cost[0] == pytest.approx(np.average(history.steps.cost[:4], weights=[8, 8, 8, 6]))
    assert history.gradient_norm[2] == pytest.approx(np.mean(history.steps.gradient_norm[8:]))
    assert history.steps.learning_rate == [SGD(Cosine(0.1, epochs=3)).schedule(step / 4) for step in range(12)]
    assert history.learning_rate == history.steps.learning_rate[3::4]
    outputs = model.predict(HELD_OUT[0])[:, 0]
    costs = [binary_cross_entropy(output, target) for output, target in zip(outputs.tolist(), HELD_OUT[1].tolist())]
    assert history.validation_cost[-1] == pytest.approx(np.mean(costs))
    assert history.validation_accuracy[-1] == model.accuracy(*HELD_OUT)
    assert history.stopped == "finished"


def test_accuracy_is_measured_where_it_means_something() -> None:
    assert fit(measure_accuracy=False)[1].accuracy == []
    assert train(MLP([2, 1]), X, X[:, 0], epochs=1, progress=False).accuracy == []
    labels_and_not = train(MLP([2, 1]), X, Y, validation=(X, X[:, 0]), epochs=1, progress=False)
    assert labels_and_not.accuracy == labels_and_not.validation_accuracy == []
    half = train(MLP([2, 1], seed=3), X, Y, optimizer=SGD(0.0), epochs=1, progress=False)
    outputs = MLP([2, 1], seed=3).predict(X)[:, 0]
    assert half.accuracy == [((outputs > 0.5) == Y).mean()]  # squared error aims at 0 and 1


def test_clipping_limits_the_step_and_not_what_is_reported() -> None:
    model = MLP([2, 4, 1], seed=1)
    before = np.frombuffer(bits(model)).copy()
    history = train(model, X, 100 * Y, optimizer=SGD(1.0), batch_size=None, epochs=1, clip=0.25, progress=False)
    assert np.linalg.norm(np.frombuffer(bits(model)) - before) == pytest.approx(0.25)
    assert history.steps.gradient_norm[0] > 1


def test_parameters_that_the_cost_does_not_depend_on_stay() -> None:
    class Idle(Module):
        def __init__(self) -> None:
            self.idle = Value(7.0)
            self.network = MLP([2, 3, 1])

        def __call__(self, x: Any) -> list[Any]:
            return self.network(x)

    model, _ = fit(Idle(), optimizer=SGD(0.1, momentum=0.5))
    assert model.parameters()[0].data == 7.0


def test_values_that_are_not_the_models_are_constants() -> None:
    outside = Value(0.5)
    states = []
    for compiled in (False, True):
        model = MLP([2, 3, 1])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            train(model, X, Y, cost=lambda outputs, y: squared_error(outputs, y * outside), epochs=1, progress=False, compiled=compiled)
        states.append(model.state_dict())
        assert [str(each.message).partition(": ")[2] for each in caught] == [
            "the cost depends on 1 Values that are no parameters of the model"
        ] * compiled
    assert states[0] == states[1]
    assert outside.data == 0.5


def test_a_cost_that_cannot_be_traced_falls_back_with_one_warning() -> None:
    def cost(outputs: Sequence[Any], y: Any) -> Any:
        return outputs[0] ** 2 if y else (outputs[0] - 1) ** 2

    model, same = MLP([2, 3, 1]), MLP([2, 3, 1])
    with pytest.warns(RuntimeWarning, match="training runs on scalar Values, some hundred times slower than compiled: .*where") as caught:
        train(model, X, Y, cost=cost, epochs=2, progress=False)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    train(same, X, Y, cost=cost, epochs=2, progress=False, compiled=False)
    assert bits(model) == bits(same)


def test_batches_are_not_copied_into_what_the_user_gave() -> None:
    inputs, targets = X.copy(), Y.copy()
    train(MLP([2, 1]), inputs, targets, epochs=2, batch_size=None, progress=False)
    assert (inputs == X).all()
    assert (targets == Y).all()


# Ways to stop


def test_early_stopping_ends_with_the_best_parameters() -> None:
    kept: list[bytes] = []
    model, history = fit(
        optimizer=SGD(2.0), epochs=200, validation=HELD_OUT, patience=4, callbacks=[lambda model, _: kept.append(bits(model))]
    )
    best = int(np.argmin(history.validation_cost))
    assert len(history.cost) == best + 1 + 4 < 200
    assert history.stopped == "no improvement"
    assert bits(model) == kept[best]


def test_a_callback_can_stop() -> None:
    _, history = fit(epochs=10, callbacks=[lambda _, history: len(history.cost) == 2])
    assert len(history.cost) == 2
    assert history.stopped == "callback"


def test_an_error_in_a_callback_leaves_what_was_learned() -> None:
    def fail(model: Module, history: History) -> None:
        if len(history.cost) == 2:
            raise RuntimeError("enough")

    model, expected = MLP([2, 4, 1], seed=1), fit(epochs=2)[0]
    with pytest.raises(RuntimeError, match="enough"):
        fit(model, epochs=5, callbacks=[fail])
    assert bits(model) == bits(expected)


@eager_and_compiled
def test_divergence_says_where_and_goes_back(compiled: bool, tmp_path: Path) -> None:
    kept: list[bytes] = []
    model, path = MLP([2, 4, 1], activation=relu, seed=1), tmp_path / "run.npz"
    with pytest.raises(DivergenceError) as caught:
        train(
            model, X, Y, optimizer=SGD(lambda epoch: 0.1 if epoch < 2 else 1e200), batch_size=10, epochs=5, progress=False,
            checkpoint=path, compiled=compiled, callbacks=[lambda model, _: kept.append(bits(model))],
        )  # fmt: skip
    assert str(caught.value).startswith("training diverged in epoch 3, at step 2 of 3, with learning rate 1e+200: the cost is ")
    assert f"The model is as it was after epoch 2; the last finite checkpoint is {path}. Try a smaller" in str(caught.value)
    assert bits(model) == kept[-1]
    resumed = MLP([2, 4, 1], activation=relu, seed=1)
    train(resumed, X, Y, optimizer=SGD(lambda epoch: 0.1 if epoch < 2 else 1e200), batch_size=10, epochs=2, progress=False,
          checkpoint=path, resume=True, compiled=compiled)  # fmt: skip
    assert bits(resumed) == kept[-1]


def test_overflowing_parameters_and_validation_are_divergence_too() -> None:
    model = MLP([2, 1])
    with pytest.raises(
        DivergenceError,
        match=r"in epoch 1, at step 1 of 1, .*: the update has overflowed the parameters\. The model is as it was after epoch 0",
    ):
        train(model, X, Y, optimizer=SGD(1.7e308), batch_size=None, epochs=1, progress=False)
    assert bits(model) == bits(MLP([2, 1]))
    with pytest.raises(DivergenceError, match=r"the validation cost is inf\. The model is as it was after epoch 0"):
        train(MLP([2, 1]), X, Y, validation=(X * 1e200, Y), epochs=1, progress=False)


def interrupting(at: int) -> Any:
    """A cost that is interrupted by Ctrl-C at its so-manieth call in training, not counting those that try it out before."""
    calls = iter(range(10**9))

    def cost(outputs: Sequence[Any], y: Any) -> Any:
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler and next(calls) == at:
            os.kill(os.getpid(), signal.SIGINT)
        return squared_error(outputs, y)

    return cost


@pytest.mark.parametrize("at", [3, 37, 59, 60, 61, 68])
def test_ctrl_c_finishes_the_step_and_saves(at: int, tmp_path: Path) -> None:
    whole, path = MLP([2, 3, 1]), tmp_path / "run.npz"
    settings: dict[str, Any] = {"optimizer": SGD(0.1, momentum=0.9), "batch_size": 10, "epochs": 4, "progress": False, "compiled": False}
    train(whole, X, Y, cost=interrupting(-1), **settings)
    model = MLP([2, 3, 1])
    settings["optimizer"] = SGD(0.1, momentum=0.9)
    history = train(model, X, Y, cost=interrupting(at), checkpoint=path, **settings)
    assert history.stopped == "interrupted"
    steps = len(history.steps.cost)
    assert steps == at // 10 + 1
    assert len(history.cost) == steps // 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    reached = bits(model)
    resumed = MLP([2, 3, 1])
    settings["optimizer"] = SGD(0.1, momentum=0.9)
    stopped = train(MLP([2, 3, 1]), X, Y, cost=interrupting(-1), checkpoint=path, resume=True, **{**settings, "epochs": 1})
    assert len(stopped.steps.cost) == max(steps, 3)
    settings["optimizer"] = SGD(0.1, momentum=0.9)
    history = train(resumed, X, Y, cost=interrupting(-1), checkpoint=path, resume=True, **settings)
    assert bits(resumed) == bits(whole) != reached
    assert len(history.cost) == 4
    assert len(history.steps.cost) == 12


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    def insist(model: Module, history: History) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    model = MLP([2, 4, 1], seed=1)
    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks=[insist])
    assert bits(model) == bits(fit(epochs=1)[0])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_trains_in_a_thread() -> None:
    result: list[History] = []
    thread = threading.Thread(target=lambda: result.append(fit()[1]))
    thread.start()
    thread.join()
    assert len(result[0].cost) == 3


@pytest.mark.parametrize("stopping", [False, True])
@eager_and_compiled
def test_what_a_callback_makes_of_the_parameters_is_gone_on_with(compiled: bool, stopping: bool, tmp_path: Path) -> None:
    def clamp(model: Module, _: History) -> bool:
        for parameter in model.parameters():
            parameter.data = min(max(parameter.data, -0.1), 0.1)
        return stopping

    path = tmp_path / "run.npz"
    model, _ = fit(compiled=compiled, callbacks=[clamp], checkpoint=path)
    assert max(abs(each) for each in model.state_dict().values()) == 0.1
    resumed, _ = fit(compiled=compiled, checkpoint=path, resume=True)
    assert bits(resumed) == bits(model) or stopping
    free, _ = fit(compiled=compiled)
    assert bits(free) != bits(model)


def test_a_callback_may_not_leave_what_cannot_be_trained() -> None:
    def spoil(model: Module, _: History) -> None:
        model.parameters()[0].data = float("nan")

    def replace(model: Any, _: History) -> None:
        model.layers[0].neurons.pop()

    model = MLP([2, 4, 1], seed=1)
    with pytest.raises(ValueError, match="a callback left parameters that are not finite"):
        fit(model, callbacks=[spoil])
    assert np.isfinite(np.frombuffer(bits(model))).all()
    with pytest.raises(ValueError, match="a callback put other Values in the model"):
        fit(callbacks=[replace])


@eager_and_compiled
def test_a_value_outside_a_domain_is_divergence_in_either_way(compiled: bool) -> None:
    model = MLP([2, 1], seed=1)
    with pytest.raises(DivergenceError, match="training diverged in epoch 1, at step 2 of 4"):
        fit(model, cost=lambda outputs, y: log(outputs[0] + 9.0), optimizer=SGD(1e4), compiled=compiled)
    assert bits(model) == bits(MLP([2, 1], seed=1))


# Single neurons, noise, frozen parameters


@eager_and_compiled
def test_one_neuron_trains(compiled: bool) -> None:
    targets = (X[:, 0] > 0).astype(int)
    neuron = Neuron(2, activation=sigmoid)
    history = train(neuron, X, targets, optimizer=SGD(1.0), epochs=50, progress=False, compiled=compiled)
    assert neuron.predict(X).shape == (30, 1)
    assert neuron.predict(np.vstack([X, X])).shape == (60, 1)
    assert history.cost[-1] < history.cost[0] / 2
    assert history.accuracy[-1] > 0.9


class Dropping(Module):
    """Drops hidden activations in training by a mask that comes in as noise."""

    def __init__(self) -> None:
        self.hidden, self.last = Layer(2, 4, seed=1), Layer(4, 1, None, seed=2)

    def __call__(self, x: Any, mask: Any = None) -> list[Any]:
        h = self.hidden(x)
        return self.last(h if mask is None else [2 * each * kept for each, kept in zip(h, mask)])


def half(rng: np.random.Generator, count: int) -> Any:
    return rng.random((count, 4)) < 0.5


def test_dropout_by_noise_is_drawn_anew_and_resumable(tmp_path: Path) -> None:
    drawn: list[Any] = []

    def noted(rng: np.random.Generator, count: int) -> Any:
        drawn.append(half(rng, count))
        return drawn[-1]

    (eager, _), (compiled, history) = (fit(Dropping(), noise=noted, compiled=compiled) for compiled in (False, True))
    assert list(eager.state_dict().values()) == pytest.approx(list(compiled.state_dict().values()), rel=1e-9)
    steps = drawn[1:13]  # the first only shows the shape
    assert len({each.tobytes() for each in steps}) == len(steps)
    fit(Dropping(), noise=half, epochs=1, checkpoint=tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"its noise is '32 numbers with checksum .*, now it is 'None'"):
        fit(Dropping(), checkpoint=tmp_path / "run.npz", resume=True)
    resumed, _ = fit(Dropping(), noise=half, checkpoint=tmp_path / "run.npz", resume=True)
    assert bits(resumed) == bits(compiled)
    assert history.accuracy[-1] == compiled.accuracy(X, Y)
    assert bits(fit(Dropping(), noise=half, seed=1)[0]) != bits(compiled)


def test_noise_needs_a_row_for_each_example() -> None:
    with pytest.raises(ValueError, match=r"noise\(rng, 30\) must have a row for each of 30 examples, got the shape \(3,\)"):
        fit(Dropping(), noise=lambda rng, count: rng.random(3))


def test_randomness_inside_a_model_runs_on_scalars_and_says_so() -> None:
    rng = np.random.default_rng(0)

    class Careless(Module):
        def __init__(self) -> None:
            self.network = MLP([2, 3, 1])

        def __call__(self, x: Any) -> list[Any]:
            return [each * float(rng.random() < 0.5) for each in self.network(x)]

    with pytest.warns(RuntimeWarning, match=r"draws random numbers, or .* nn\.train does so with noise="):
        fit(Careless(), epochs=1)


@eager_and_compiled
def test_frozen_parameters_stay(compiled: bool) -> None:
    model, fresh = MLP([2, 4, 1], seed=1), MLP([2, 4, 1], seed=1)
    bias = model.layers[1].neurons[0].bias
    fit(model, frozen=[model.layers[0], bias], optimizer=Adam(0.05, weight_decay=0.1), compiled=compiled)
    moved = {name for name, number in model.state_dict().items() if number != fresh.state_dict()[name]}
    assert moved == {f"layers[1].neurons[0].weights[{index}]" for index in range(4)}
    with pytest.raises(ValueError, match=r"frozen holds Value\(1.0.*, which is no parameter of the model"):
        fit(model, frozen=[Value(1.0)])


# Checkpoints


@pytest.mark.parametrize("optimizer", [lambda: SGD(0.1, momentum=0.9, nesterov=True), lambda: Adam(Cosine(0.1, epochs=4))])
@eager_and_compiled
def test_a_resumed_run_ends_like_an_uninterrupted_one(optimizer: Any, compiled: bool, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    whole, expected = fit(optimizer=optimizer(), epochs=4, validation=HELD_OUT, patience=9, compiled=compiled)
    fit(optimizer=optimizer(), epochs=2, validation=HELD_OUT, patience=9, compiled=compiled, checkpoint=path)
    model, history = fit(optimizer=optimizer(), epochs=4, validation=HELD_OUT, patience=9, compiled=compiled, checkpoint=path, resume=True)
    assert bits(model) == bits(whole)
    for name, column in expected.columns().items():
        assert "seconds" in name or history.columns()[name] == column
    again, same = fit(optimizer=optimizer(), epochs=4, validation=HELD_OUT, patience=9, compiled=compiled, checkpoint=path, resume=True)
    assert bits(again) == bits(whole)
    assert same.columns() == history.columns()
    assert [each.name for each in tmp_path.iterdir()] == ["run.npz"]


def test_a_run_goes_on_eagerly_from_a_compiled_ones_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    whole, _ = fit(MLP([2, 5, 4, 1], seed=1), epochs=4)
    fit(MLP([2, 5, 4, 1], seed=1), epochs=2, checkpoint=path)
    model, _ = fit(MLP([2, 5, 4, 1], seed=1), epochs=4, checkpoint=path, resume=True, compiled=False)
    assert list(model.state_dict().values()) == pytest.approx(list(whole.state_dict().values()), rel=1e-9)


def test_resume_starts_where_there_is_no_checkpoint_yet(tmp_path: Path) -> None:
    model, _ = fit(checkpoint=tmp_path / "run.npz", resume=True)
    assert bits(model) == bits(fit()[0])


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("years of work")
    with pytest.raises(FileExistsError, match=r"thesis\.txt exists: go on from it with resume=True, or remove it to start anew"):
        fit(checkpoint=path)
    with pytest.raises(ValueError, match=r"thesis\.txt is damaged, or no checkpoint file of Nudge's: File is not a zip file"):
        fit(checkpoint=path, resume=True)
    assert path.read_text() == "years of work"


def test_a_folder_that_is_not_there_is_found_out_before_training(tmp_path: Path) -> None:
    model = MLP([2, 4, 1])
    with pytest.raises(FileNotFoundError, match=r"cannot write .*run\.npz: there is no folder .*nowhere"):
        fit(model, checkpoint=tmp_path / "nowhere" / "run.npz")
    assert bits(model) == bits(MLP([2, 4, 1]))


def renamed(function: Any, name: str = "binary_cross_entropy") -> Any:
    function.__name__ = name
    return function


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 9}, "is of another run: its batch_size is '8', now it is '9'; only epochs and patience may change"),
        ({"seed": 9}, "its seed is '0', now it is '9'"),
        ({"cost": renamed(lambda outputs, y: 2 * binary_cross_entropy(outputs, y))}, "its program is 'a program with checksum"),
        ({"model": MLP([2, 4, 1], activation=renamed(lambda x: 2 * relu(x), "tanh"))}, "its program is"),
        ({"clip": 1.0}, "its clip is 'None', now it is '1.0'"),
        ({"cost": squared_error}, "its cost is 'binary_cross_entropy', now it is 'squared_error'"),
        ({"optimizer": Adam(0.06)}, "its optimizer is 'Adam.learning_rate=0.05"),
        ({"model": MLP([2, 5, 1])}, "its model is 'MLP.*2, 4, 1.*', now it is 'MLP.*2, 5, 1"),
        ({"validation": HELD_OUT}, "its data is .*checksum"),
        ({"measure_accuracy": False}, "its measured is 'True', now it is 'False'"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    fit(checkpoint=path)
    content, model = path.read_bytes(), MLP([2, 4, 1], seed=8)
    before = bits(model)
    with pytest.raises(ValueError, match=message):
        fit(**{"model": model, "checkpoint": path, "resume": True, **change})
    assert path.read_bytes() == content
    assert bits(model) == before


def test_schedules_of_one_name_are_told_apart_by_their_rates(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    fit(optimizer=SGD(lambda epoch: 0.1 / (1 + epoch)), checkpoint=path)
    fit(optimizer=SGD(lambda epoch: 0.1 / (1.0 + epoch)), checkpoint=path, resume=True, epochs=4)
    with pytest.raises(ValueError, match="its schedule is '1000 numbers"):
        fit(optimizer=SGD(lambda epoch: 0.1 / (2 + epoch)), checkpoint=path, resume=True)


def test_a_limit_is_the_same_as_a_whole_number(tmp_path: Path) -> None:
    fit(clip=1, checkpoint=tmp_path / "run.npz")
    fit(clip=1.0, checkpoint=tmp_path / "run.npz", resume=True, epochs=4)


def forge(path: Path, change: Any) -> None:
    """Rewrite a checkpoint, correct in every checksum, after `change` had its way with the header and the arrays."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(arrays.pop("header").item())
    change(header, arrays)
    with path.open("wb") as file:
        np.savez(file, header=np.array(json.dumps(header).encode()), **arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header, arrays: arrays.pop("parameters"), "is damaged: 'parameters'"),
        (lambda header, arrays: arrays.update(parameters=np.zeros(3)), "it has vectors of 3 numbers for a model of 17 parameters"),
        (lambda header, arrays: arrays.update(parameters=np.full(17, np.nan)), "'parameters' must be a vector of finite numbers"),
        (lambda header, arrays: arrays.pop("optimizer.mean"), "is damaged: Adam's state is steps, mean, square"),
        (lambda header, arrays: arrays.pop("history.cost"), "is damaged: a history has the columns"),
        (lambda header, arrays: arrays.update({"history.cost": np.zeros(9)}), "is damaged: a history's .* must be as long as its cost"),
        (lambda header, arrays: arrays.update({"history.accuracy": np.zeros(0)}), "its epochs and steps do not fit together"),
        (lambda header, arrays: arrays.update(extra=np.zeros(17)), "is damaged: Adam's state is"),
        (lambda header, arrays: header.update({"optimizer steps": "many"}), "is damaged: Adam's state is"),
        (lambda header, arrays: header.update(settings=[]), "is of another run: its model is None"),
        (lambda header, arrays: header.update(settings={"model": ["x"] * 10**4}), "is of another run: its model is "),
        (lambda header, arrays: header.update(kind="nudge model"), "is no checkpoint file: it says that it is 'nudge model'"),
    ],
)
def test_forged_checkpoints(change: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    fit(checkpoint=path)
    forge(path, change)
    model = MLP([2, 4, 1], seed=8)
    before = bits(model)
    with pytest.raises(ValueError, match=message):
        fit(model, checkpoint=path, resume=True)
    assert bits(model) == before


def test_cut_and_flipped_checkpoints(tmp_path: Path) -> None:
    path, rng = tmp_path / "run.npz", np.random.default_rng(0)
    whole, _ = fit(epochs=4, checkpoint=path)
    content = path.read_bytes()
    for _ in range(20):
        path.write_bytes(content[: rng.integers(len(content))])
        with pytest.raises(ValueError, match=r"run\.npz is damaged"):
            fit(epochs=4, checkpoint=path, resume=True)
    for _ in range(40):
        flipped = bytearray(content)
        flipped[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        try:
            model, _ = fit(epochs=4, checkpoint=path, resume=True)
        except ValueError:
            assert path.read_bytes() == flipped
        else:
            assert bits(model) == bits(whole)


# Data and settings that cannot be


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, Y[:-1]), "X and Y must be equally long: got 30 examples and 29 targets"),
        ((X[:0], Y[:0]), "X holds no examples"),
        ((X[:, 0], Y), r"X must have the shape \(examples, inputs\), got \(30,\): for single inputs write X\[:, None\]"),
        ((X, np.where(np.arange(30) == 4, np.nan, Y)), r"Y\[4\] is nan: all of Y must be finite numbers"),
        ((np.where(X[3, 1] == X, np.inf, X), Y), r"X\[3, 1\] is inf: all of X must be finite numbers"),
        ((X, ["cat"] * 30), "Y must be an array of real numbers, with rows of one length: found <U3"),
        ((np.hstack([X, X]), Y), "this layer takes a list of 2 inputs, got 4"),
        ((X, np.eye(2)[Y]), r"squared_error needs one target for each output: got 1 outputs and 2 target\(s\)"),
    ],
)
@eager_and_compiled
def test_data_that_do_not_fit(data: tuple[Any, Any], message: str, compiled: bool, tmp_path: Path) -> None:
    model = MLP([2, 1])
    with pytest.raises(ValueError, match=message):
        train(model, *data, progress=False, checkpoint=tmp_path / "run.npz", compiled=compiled)
    assert bits(model) == bits(MLP([2, 1]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("sizes", "cost", "targets", "message"),
    [
        ([2, 1], hinge, Y, "hinge takes the target -1 or 1 for a single score, got 0.0; write 2 \\* y - 1"),
        ([2, 1], binary_cross_entropy, 2 * Y - 1, "takes the target 0 or 1, .* got -1.0; hinge takes -1 and 1"),
        ([2, 2], cross_entropy, Y + 1, "cross_entropy with 2 scores takes a class label from 0 to 1, got 2.0"),
        ([2, 2], squared_error, Y, "for class labels use cross_entropy, or one target for each output"),
    ],
)
def test_each_label_is_shown_to_the_cost_before_training(sizes: list[int], cost: Any, targets: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(MLP(sizes), X, targets, cost=cost, progress=False)
    with pytest.raises(ValueError, match=message):
        train(MLP(sizes), X[:1], targets[Y[0] == Y][:1] * 0 + 1 - (cost is hinge) * 0, cost=cost, progress=False, validation=(X, targets))


def test_validation_data_are_checked_too() -> None:
    with pytest.raises(ValueError, match="validation X and validation Y must be equally long: got 30 examples and 3 targets"):
        fit(validation=(X, Y[:3]))


def test_a_cost_that_is_no_number() -> None:
    with pytest.raises(TypeError, match="a cost is one number for an example: <lambda> returned list"):
        fit(cost=lambda outputs, y: outputs)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1, got 2.5"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"clip": 0}, "clip is the largest norm a gradient may have, a finite number above 0: got 0"),
        ({"patience": 3}, r"patience waits for the validation cost to fall: give validation=\(X, Y\) too"),
        ({"patience": 0, "validation": HELD_OUT}, "patience must be a whole number of at least 1, got 0"),
        ({"resume": True}, "resume=True goes on from a checkpoint: say from which, checkpoint=path"),
    ],
)
def test_settings_that_cannot_be(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(**setting)


def wrong(rate: Any) -> Any:
    return lambda epoch: rate


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"optimizer": "adam"}, r"optimizer is an Optimizer, such as nn.SGD\(0.1\) or nn.Adam\(0.001\), got 'adam'"),
        ({"optimizer": Adam}, r"optimizer=Adam is the class: write optimizer=Adam\(\)"),
        ({"cost": "mse"}, "cost is a function of the outputs and a target, such as nn.squared_error, got 'mse'"),
        ({"validation": 0.2}, r"validation is a pair \(X, Y\), got 0.2: for a share of the data, .* nn.split"),
        ({"validation": (X, Y, Y)}, r"validation is a pair \(X, Y\), got 3 things"),
        ({"callbacks": print}, r"callbacks is a list of functions of the model and the history, as in callbacks=\[print\]"),
        ({"clip": "1"}, "clip is the largest norm a gradient may have, a finite number above 0: got '1'"),
        ({"batch_size": True}, "batch_size must be a whole number of at least 1, got True"),
        ({"optimizer": SGD(wrong(None))}, "the schedule's rate at epoch 0 must be a finite number of at least 0, got None"),
        ({"optimizer": SGD(wrong("0.1"))}, "the schedule's rate at epoch 0 must be .* got '0.1'"),
        ({"optimizer": SGD(wrong(-0.1))}, "the schedule's rate at epoch 0 must be .* got -0.1"),
    ],
)
def test_settings_of_another_kind_say_what_to_write(setting: dict[str, Any], message: str) -> None:
    model = MLP([2, 4, 1])
    with pytest.raises((TypeError, ValueError), match=message):
        fit(model, **setting)
    assert bits(model) == bits(MLP([2, 4, 1]))


# Progress


def test_a_log_gets_a_line_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    fit(epochs=50, progress=True, validation=HELD_OUT)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("epoch 50/50, cost 0.")
    for word in (", accuracy ", "%, validation cost ", ", validation accuracy ", " examples/s"):
        assert word in lines[0]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    fit(epochs=50, progress=True)
    shown = terminal.getvalue()
    assert "epoch 50/50, cost 0." in shown
    assert "accuracy" in shown
    assert "1.50k/1.50k" in shown
    assert " examples/s" in shown


def test_no_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    fit(progress=False)
    assert capsys.readouterr().err == ""
