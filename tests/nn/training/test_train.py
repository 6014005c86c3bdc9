"""Tests of train: it learns, the same seed gives the same run, and each way to stop leaves a correct state."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value, log, relu, sigmoid, tanh
from nn import (
    MLP,
    SGD,
    Adam,
    Cosine,
    DivergenceError,
    History,
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
from tests.runs import HELD_OUT, Dropping, X, Y, bits, eager_and_compiled, fit, half

# What it computes


@eager_and_compiled
def test_it_learns(compiled: bool) -> None:
    model, history = fit(MLP([2, 8, 1], seed=1), epochs=40, batch_size=10, compiled=compiled)
    assert history.accuracy[-1] == model.accuracy(X, Y) >= 0.95
    assert history.cost[-1] < history.cost[0] / 2


@pytest.mark.parametrize("batch_size", [1, 7, 30, None, 1000])
def test_each_step_follows_the_mean_gradient_of_a_mini_batch(batch_size: int | None) -> None:
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


def test_the_history_holds_the_measurements() -> None:
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


def test_accuracy_is_measured_only_for_classes() -> None:
    assert fit(measure_accuracy=False)[1].accuracy == []
    assert train(MLP([2, 1]), X, X[:, 0], epochs=1, progress=False).accuracy == []
    labels_and_not = train(MLP([2, 1]), X, Y, validation=(X, X[:, 0]), epochs=1, progress=False)
    assert labels_and_not.accuracy == labels_and_not.validation_accuracy == []
    half = train(MLP([2, 1], seed=3), X, Y, optimizer=SGD(0.0), epochs=1, progress=False)
    outputs = MLP([2, 1], seed=3).predict(X)[:, 0]
    assert half.accuracy == [((outputs > 0.5) == Y).mean()]  # squared error aims at 0 and 1


def test_values_outside_of_the_model_are_constants() -> None:
    outside = Value(0.5)
    states = []
    for compiled in (False, True):
        model = MLP([2, 3, 1])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            train(model, X, Y, cost=lambda outputs, y: squared_error(outputs, y * outside), epochs=1, progress=False, compiled=compiled)
        states.append(model.state_dict())
        assert [str(each.message).partition(": ")[2] for each in caught] == [
            "the cost depends on 1 Values that are not parameters of the model"
        ] * compiled
    assert states[0] == states[1]
    assert outside.data == 0.5


def test_a_cost_that_cannot_be_traced_falls_back_with_one_warning() -> None:
    def cost(outputs: Sequence[Any], y: Any) -> Any:
        return outputs[0] ** 2 if y else (outputs[0] - 1) ** 2

    model, same = MLP([2, 3, 1]), MLP([2, 3, 1])
    with pytest.warns(RuntimeWarning, match="training runs on scalar Values, several hundred times slower .*where") as caught:
        train(model, X, Y, cost=cost, epochs=2, progress=False)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    train(same, X, Y, cost=cost, epochs=2, progress=False, compiled=False)
    assert bits(model) == bits(same)


def test_the_data_of_the_user_are_unchanged() -> None:
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


def test_an_error_in_a_callback_keeps_the_learned_parameters() -> None:
    def fail(model: Module, history: History) -> None:
        if len(history.cost) == 2:
            raise RuntimeError("enough")

    model, expected = MLP([2, 4, 1], seed=1), fit(epochs=2)[0]
    with pytest.raises(RuntimeError, match="enough"):
        fit(model, epochs=5, callbacks=[fail])
    assert bits(model) == bits(expected)


@eager_and_compiled
def test_divergence_reports_the_step_and_goes_back(compiled: bool, tmp_path: Path) -> None:
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


def test_overflowing_parameters_and_validation_costs_are_a_divergence() -> None:
    model = MLP([2, 1])
    with pytest.raises(
        DivergenceError,
        match=r"in epoch 1, at step 1 of 1, .*: the update has overflowed the parameters\. The model is as it was after epoch 0",
    ):
        train(model, X, Y, optimizer=SGD(1.7e308), batch_size=None, epochs=1, progress=False)
    assert bits(model) == bits(MLP([2, 1]))
    with pytest.raises(DivergenceError, match=r"the validation cost is inf\. The model is as it was after epoch 0"):
        train(MLP([2, 1]), X, Y, validation=(X * 1e200, Y), epochs=1, progress=False)


def test_it_trains_in_a_thread() -> None:
    result: list[History] = []
    thread = threading.Thread(target=lambda: result.append(fit()[1]))
    thread.start()
    thread.join()
    assert len(result[0].cost) == 3


@pytest.mark.parametrize("stopping", [False, True])
@eager_and_compiled
def test_training_continues_with_parameters_that_a_callback_changed(compiled: bool, stopping: bool, tmp_path: Path) -> None:
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


def test_a_callback_may_not_set_nan_or_replace_neurons() -> None:
    def spoil(model: Module, _: History) -> None:
        model.parameters()[0].data = float("nan")

    def replace(model: Any, _: History) -> None:
        model.layers[0].neurons.pop()

    model = MLP([2, 4, 1], seed=1)
    with pytest.raises(ValueError, match=r"layers\[0\]\.neurons\[0\]\.weights\[0\] was set to nan: parameters must be finite"):
        fit(model, callbacks=[spoil])
    assert np.isfinite(np.frombuffer(bits(model))).all()
    with pytest.raises(ValueError, match="the model has other Values than at the start of the run"):
        fit(callbacks=[replace])


def test_a_cost_outside_its_domain_is_the_same_divergence_compiled_and_on_values() -> None:
    messages = []
    for compiled in (False, True):
        model = MLP([2, 1], seed=1)
        with pytest.raises(DivergenceError, match=r"in epoch 1, at step 2 of 4, .*: the cost is nan\. The model is as") as caught:
            fit(model, cost=lambda outputs, y: log(outputs[0] + 9.0), optimizer=SGD(1e4), compiled=compiled)
        assert bits(model) == bits(MLP([2, 1], seed=1))
        messages.append(str(caught.value))
        assert str(caught.value.__cause__).startswith("log(-") or compiled
    assert messages[0] == messages[1]


class Logarithm(Module):
    """A model with no output where its weighted sum is negative."""

    def __init__(self) -> None:
        self.weight = Value(1.0)

    def __call__(self, x: Any) -> Any:
        return log(self.weight * x[0])


@pytest.mark.parametrize(
    ("rate", "message"), [(0.0, r"the validation cost is nan"), (5.0, "an output of the model is nan")], ids=["validation", "accuracy"]
)
def test_an_undefined_measurement_is_the_same_divergence_compiled_and_on_values(rate: float, message: str) -> None:
    messages, positive = [], np.abs(X) + 1.0
    for compiled in (False, True):
        with pytest.raises(DivergenceError) as caught:
            train(
                Logarithm(), positive, Y, cost=lambda outputs, _: outputs[0], optimizer=SGD(rate), batch_size=None, progress=False,
                validation=(np.vstack([positive, -positive]), np.tile(Y, 2)), compiled=compiled,
            )  # fmt: skip
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert f"in epoch 1, at step 1 of 1, with learning rate {rate:g}: {message}. The model is as it was after epoch 0" in messages[0]


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


def test_dropout_by_noise_is_drawn_for_each_mini_batch_and_resumable(tmp_path: Path) -> None:
    drawn: list[Any] = []

    def noted(rng: np.random.Generator, count: int) -> Any:
        drawn.append(half(rng, count))
        return drawn[-1]

    (eager, _), (compiled, history) = (fit(Dropping(), noise=noted, compiled=compiled) for compiled in (False, True))
    assert list(eager.state_dict().values()) == pytest.approx(list(compiled.state_dict().values()), rel=1e-9)
    steps = drawn[1:13]  # the first only shows the shape
    assert len({each.tobytes() for each in steps}) == len(steps)
    fit(Dropping(), noise=half, epochs=1, checkpoint=tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"its noise is '32 numbers with checksum .*, but this run's is 'None'"):
        fit(Dropping(), checkpoint=tmp_path / "run.npz", resume=True)
    resumed, _ = fit(Dropping(), noise=half, checkpoint=tmp_path / "run.npz", resume=True)
    assert bits(resumed) == bits(compiled)
    assert history.accuracy[-1] == compiled.accuracy(X, Y)
    assert bits(fit(Dropping(), noise=half, seed=1)[0]) != bits(compiled)


def test_noise_needs_a_row_for_each_example() -> None:
    with pytest.raises(ValueError, match=r"noise\(rng, 30\) must return one row for each of 30 examples, got the shape \(3,\)"):
        fit(Dropping(), noise=lambda rng, count: rng.random(3))


def test_randomness_inside_a_model_runs_on_values_with_a_warning() -> None:
    rng = np.random.default_rng(0)

    class Careless(Module):
        def __init__(self) -> None:
            self.network = MLP([2, 3, 1])

        def __call__(self, x: Any) -> list[Any]:
            return [each * float(rng.random() < 0.5) for each in self.network(x)]

    with pytest.warns(RuntimeWarning, match=r"draws random numbers from .* nn\.train does so with noise="):
        fit(Careless(), epochs=1)


@eager_and_compiled
def test_frozen_parameters_stay(compiled: bool) -> None:
    model, fresh = MLP([2, 4, 1], seed=1), MLP([2, 4, 1], seed=1)
    bias = model.layers[1].neurons[0].bias
    fit(model, frozen=[model.layers[0], bias], optimizer=Adam(0.05, weight_decay=0.1), compiled=compiled)
    moved = {name for name, number in model.state_dict().items() if number != fresh.state_dict()[name]}
    assert moved == {f"layers[1].neurons[0].weights[{index}]" for index in range(4)}
    with pytest.raises(ValueError, match=r"frozen contains Value\(1.0.*, which is not a parameter of the model"):
        fit(model, frozen=[Value(1.0)])


@pytest.mark.parametrize(
    ("answer", "epochs"),
    [(True, 1), (np.True_, 1), (False, 3), (1, 3), (1.0, 3), (Value(1.0), 3), (np.ones(4), 3), (None, 3)],
    ids=lambda each: type(each).__name__,
)
def test_only_a_callback_that_returns_true_stops(answer: Any, epochs: int) -> None:
    """For example, `file.write` returns 1, and a model's outputs are an array."""
    assert len(fit(callbacks=[lambda model, history: answer])[1].cost) == epochs


# What functions read, changed during a run


class World:
    """Everything that the functions of a run read: a model, its activation, a cost with a penalty, and the examples."""

    factor, neuron = 1.0, 0

    def __init__(self) -> None:
        self.strength, self.scale, self.X = [0.5], np.array([1.0]), X.copy()
        self.shift: dict[str, float] = {"shift": 0.0}
        self.model = MLP([2, 3, 1], self.activation, seed=1)

    def activation(self, x: Any) -> Any:
        return tanh(float(self.scale[0]) * x + self.shift["shift"])

    def cost(self, outputs: Sequence[Any], y: Any, power: Sequence[int] = (2,)) -> Any:
        return SLOPE * self.factor * squared_error(outputs, y) + self.strength[0] * sum(w ** power[0] for w in self.weights)

    @property
    def weights(self) -> list[Value]:
        return self.model.layers[0].neurons[self.neuron].weights


SLOPE = 1.0
CHANGES: dict[str, Callable[[World], Any]] = {
    "an element of a list": lambda world: world.strength.__setitem__(0, 0.0),
    "an attribute": lambda world: setattr(world, "strength", [2.0]),
    "an array": lambda world: world.scale.fill(3.0),
    "an entry of a dict": lambda world: world.shift.update(shift=0.5),
    "a class's attribute": lambda _: setattr(World, "factor", 0.25),
    "a global": lambda _: globals().__setitem__("SLOPE", 3.0),
    "a default": lambda _: setattr(World.cost, "__defaults__", ((4,),)),
    "an activation": lambda world: setattr(world.model.layers[0].neurons[0], "activation", relu),
    "an activation to one that needs its number": lambda world: setattr(world.model.layers[1].neurons[0], "activation", stepped),
    "which Values are penalised": lambda world: setattr(world, "neuron", 1),
    "the parameters": lambda world: setattr(world.weights[0], "data", 4.0),
    "the examples": lambda world: world.X.__imul__(2),
    "nothing": lambda world: None,
}


def stepped(x: Any) -> Any:
    return x if x.data > 0 else 0.5 * x


@pytest.fixture
def unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the module and the class."""
    monkeypatch.setitem(globals(), "SLOPE", SLOPE)
    monkeypatch.setattr(World, "factor", World.factor)
    monkeypatch.setattr(World.cost, "__defaults__", World.cost.__defaults__)


def costs_with(change: Callable[[World], Any], **settings: Any) -> list[float]:
    globals()["SLOPE"], World.factor, World.cost.__defaults__, world = 1.0, 1.0, ((2,),), World()

    def callback(model: Module, history: History) -> None:
        if len(history.cost) == 2:
            change(world)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # one of the activations needs scalar Values
        history = train(
            world.model, world.X, Y, cost=world.cost, optimizer=Adam(0.05), batch_size=8, epochs=5, callbacks=[callback],
            progress=False, **settings,
        )  # fmt: skip
    return history.cost


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("what", CHANGES)
def test_changes_by_a_callback_take_effect_as_on_values(what: str) -> None:
    """The oracle is the run on scalar Values, which reads everything again for each example."""
    compiled, eager = costs_with(CHANGES[what]), costs_with(CHANGES[what], compiled=False)
    assert compiled == pytest.approx(eager, rel=1e-9)
    assert (compiled == costs_with(CHANGES["nothing"])) == (what == "nothing")


def test_an_update_rule_uses_settings_that_a_callback_changed() -> None:
    """The oracle is SGD, with the rate that the rule multiplies by hand."""

    class Scaled(Optimizer):
        def __init__(self) -> None:
            super().__init__(0.1)
            self.scale = [1.0]

        def rule(self, parameter: Any, gradient: Any, *memory: Any, rate: Any, step: Any) -> Sequence[Any]:
            return [parameter - rate * self.scale[0] * gradient]

    scaled = Scaled()
    _, history = fit(optimizer=scaled, callbacks=[lambda *_: scaled.scale.__setitem__(0, 4.0)])
    _, expected = fit(optimizer=SGD(lambda epoch: 0.1 if epoch < 1 else 0.4))
    assert history.cost == pytest.approx(expected.cost, rel=1e-12)


@eager_and_compiled
def test_weight_decay_moves_unused_parameters(compiled: bool) -> None:
    """By hand: one step of rate 0.1 with decay 0.2 leaves 1 - 0.1 * 0.2 = 0.98, and a frozen parameter stays."""

    class Idle(Module):
        def __init__(self) -> None:
            self.frozen, self.used, self.idle, self.last = (Value(1.0) for _ in range(4))

        def __call__(self, x: Any) -> Any:
            return self.used * x[0]

    for optimizer in (SGD(0.1, weight_decay=0.2), Adam(0.1, weight_decay=0.2)):
        model = Idle()
        train(
            model, X, Y, cost=squared_error, optimizer=optimizer, batch_size=None, epochs=1, compiled=compiled, frozen=[model.frozen],
            progress=False,
        )  # fmt: skip
        assert [model.idle.data, model.last.data] == pytest.approx([0.98, 0.98], rel=1e-15)
        assert model.frozen.data == 1.0
