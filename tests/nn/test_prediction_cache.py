"""Tests of the prediction cache: a model predicts with one program until it changes, and never with an outdated one."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import nn.prediction_cache
from autograd import Value, maximum, primitive, relu, require, sigmoid, tanh, vectorize, where
from nn import MLP, Layer, Module, Neuron

X = np.random.default_rng(0).normal(size=(60, 2))
steepness = 1.0


def steep(x: Any) -> Any:
    return tanh(steepness * x)


class Counter:
    """Counts the programs that are recorded of models."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        monkeypatch.setattr(nn.prediction_cache, "vectorize", self.count)

    def count(self, f: Any) -> Any:
        self.made += isinstance(f, Module)
        return vectorize(f)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Counter:
    return Counter(monkeypatch)


def eager(model: Module) -> Any:
    """Return the current outputs without the cache."""
    outputs = [model(row) for row in X.tolist()]
    return np.array([[getattr(each, "data", each) for each in (row if isinstance(row, list) else [row])] for row in outputs])


class Own(Module):
    """A custom model whose call reads numbers, containers and other models."""

    def __init__(self) -> None:
        self.inner, self.w, self.scale, self.offsets, self.function = MLP([2, 3, 1], seed=2), Value(0.5), 2.0, [0.0, 1.0], tanh

    def __call__(self, x: Any) -> Any:
        return self.function(self.w * self.inner(x)[0] * self.scale + sum(self.offsets))


MODELS: list[Callable[[], Module]] = [
    lambda: MLP([2, 4, 1], seed=1),
    lambda: MLP([2, 4, 3, 2], [steep, partial(maximum, 0.1), None]),
    lambda: Layer(2, 3, steep),
    lambda: Neuron(2),
    Own,
]


@pytest.mark.parametrize("make", MODELS)
def test_one_program_predicts_with_the_current_parameters(make: Callable[[], Module], programs: Counter) -> None:
    model = make()
    for step in range(3):
        for parameter in model.parameters():
            parameter.data += 0.1 * step
        assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)
        model.predict(np.tile(X, (30, 1)))
    assert programs.made == 1


def new_value(model: Any) -> None:
    model.layers[0].neurons[1].weights[0] = Value(model.layers[0].neurons[1].weights[0].data)


def pruned(model: Any) -> None:
    model.layers[0].neurons.pop()
    model.layers[1].neurons[0].weights.pop()


def steeper(_: Any) -> None:
    global steepness
    steepness += 1.0


def patched_weights(model: Any) -> None:
    neuron = model.layers[0].neurons[0]
    neuron.weights = [2 * weight for weight in neuron.weights]


def swapped(model: Any) -> None:
    first, second = model.layers[0].neurons[:2]
    first.weights, second.weights = second.weights, first.weights


def doubled(self: Any, x: Any) -> Any:
    return 2 * Neuron.__call__(self, x)


CHANGES: list[Callable[[Any], object]] = [
    new_value,
    pruned,
    swapped,
    patched_weights,
    steeper,
    lambda m: setattr(m.layers[0].neurons[0], "activation", relu),
    lambda m: setattr(m.layers[0].neurons[0], "activation", lambda x: x),
    lambda m: m.layers[0].neurons.__setitem__(1, Neuron(2, relu, seed=9)),
    lambda m: m.layers[0].neurons.reverse(),
    lambda m: setattr(m.layers[0].neurons[0], "bias", 0.5),
    lambda m: setattr(m.layers[0].neurons[0], "bias", Value(0.5)),
    lambda m: m.layers[0].neurons[0].weights.__setitem__(0, 0.25),
    lambda m: m.layers[0].neurons[0].weights.__setitem__(0, np.float64(0.25)),
    lambda m: setattr(m, "layers", MLP([2, 5, 1], seed=8).layers),
    lambda m: m.layers.insert(1, Layer(4, 4, seed=3)),
    lambda m: setattr(m.layers[0].neurons[0], "__class__", type("Doubled", (Neuron,), {"__call__": doubled})),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_structure_is_noticed(change: Callable[[Any], object]) -> None:
    model = MLP([2, 4, 1], activation=steep, seed=1)
    before = model.predict(X)
    change(model)
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)
    for parameter in model.parameters():
        parameter.data += 0.5 if parameter.op is None else 0.0  # also those that are new
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)
    assert not np.allclose(model.predict(X), before)


def test_a_change_of_constants_is_noticed() -> None:
    model = MLP([2, 4, 1], seed=1)
    neuron: Any = model.layers[0].neurons[0]
    for bias in (0.25, 0.5, 1, -0.0, Value(0.75), np.float64(0.3), True):
        neuron.bias = bias
        assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: setattr(m, "scale", 3.0),
        lambda m: m.offsets.append(0.5),
        lambda m: m.offsets.__setitem__(0, 0.5),
        lambda m: setattr(m, "w", Value(0.75)),
        lambda m: setattr(m, "function", relu),
        lambda m: setattr(m.inner.layers[0].neurons[0], "bias", 0.5),
        lambda m: setattr(m, "inner", MLP([2, 3, 1], seed=5)),
    ],
)
def test_a_change_of_a_custom_model_is_noticed(change: Callable[[Any], object], programs: Counter) -> None:
    model = Own()
    model.predict(X)
    change(model)
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)
    model.predict(X)
    assert programs.made == 2


def test_a_change_of_what_an_activation_reads_is_noticed() -> None:
    settings, scale = {"slope": 0.1}, Value(2.0)

    class Leaky:
        offset = 0.0

        def __call__(self, x: Any) -> Any:
            return where(x > 0, x, settings["slope"] * x) * scale + self.offset

    leaky = Leaky()
    model = MLP([2, 4, 1], activation=leaky, seed=1)
    model.predict(X)
    settings["slope"] = 0.2
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)
    leaky.offset = 0.5
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)
    scale.data = 3.0
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)
    scale = Value(4.0)
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)


def test_primitives_with_the_same_name_are_distinguished() -> None:
    def primitive_of(power: int) -> Any:
        @primitive(lambda y, x: power * x ** (power - 1))
        def curve(x: Any) -> Any:
            return x**power

        return curve

    curves = [primitive_of(2), primitive_of(3)]
    model = MLP([2, 4, 1], activation=lambda x: curves[0](x), seed=1)
    model.predict(X)
    curves.reverse()
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)


def test_replaced_methods_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    model, factor = MLP([2, 4, 1], seed=1), 2.0
    model.predict(X)
    original = Neuron.__call__
    monkeypatch.setattr(Neuron, "__call__", lambda self, x: factor * original(self, x))
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)
    factor = 3.0
    assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)


def test_a_model_that_can_no_longer_be_recorded_runs_on_values() -> None:
    class Switch(Module):
        looks = False

        def __call__(self, x: Any) -> Any:
            return 2 * x[0] if not self.looks or x[1] > 0 else x[1]

    model = Switch()
    for model.looks in (False, True, False):
        assert model.predict(X) == pytest.approx(eager(model), rel=1e-12)


def test_what_a_model_requires_may_change() -> None:
    class Careful(Module):
        most = 10.0

        def __call__(self, x: Any) -> Any:
            require(x[0] < self.most, "too large: {}", x[0])
            return x[0] * 2

    model = Careful()
    model.predict(X)
    model.most = 0.0
    with pytest.raises(ValueError, match="too large"):
        model.predict(X)


def test_a_shallow_copy_uses_its_own_program(programs: Counter) -> None:
    for model in (MLP([2, 4, 1], seed=1), Own()):
        model.predict(X)
        twin: Any = copy.copy(model)
        if isinstance(twin, Own):
            twin.scale = 5.0
        else:
            twin.layers = MLP([2, 3, 1], sigmoid, seed=7).layers
        for each in (twin, model, twin):
            assert each.predict(X) == pytest.approx(eager(each), rel=1e-12)


def test_accuracy_and_probabilities_use_it_too(programs: Counter) -> None:
    model = MLP([2, 4, 2], seed=1)
    model.accuracy(X, X[:, 0] > 0)
    model.probabilities(X)
    assert programs.made == 1


def test_threads_predict_together() -> None:
    model = MLP([2, 4, 1], seed=1)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.extend(model.predict(X).tolist() for _ in range(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert all(each == results[0] for each in results)
