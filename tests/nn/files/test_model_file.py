"""Tests of model files: loaded networks are the same, and other networks are refused with the file unchanged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value, relu, sigmoid, tanh
from nn import MLP, Layer, Neuron, binary_cross_entropy, squared_error, train

X = np.random.default_rng(0).normal(size=(7, 2))


def swish(x: Any) -> Any:
    return x * sigmoid(x)


class Doubled(MLP):
    """A network that computes something else."""

    def __call__(self, x: Any) -> list[Any]:
        return [2 * each for each in super().__call__(x)]


class Scaled(MLP):
    """A network with an additional parameter and a constant."""

    def __init__(self, sizes: Sequence[int], activation: Any = tanh, output_activation: Any = None, seed: int = 0) -> None:
        super().__init__(sizes, activation, output_activation, seed)
        self.scale, self.shift = Value(1.0), 0.5

    def __call__(self, x: Any) -> list[Any]:
        return [self.scale * each + self.shift for each in super().__call__(x)]


class Tied(MLP):
    """A network with one layer, used twice."""

    def __init__(self, sizes: Sequence[int], activation: Any = tanh) -> None:
        super().__init__(sizes, activation)
        self.layers[1] = self.layers[0]


class Narrow(MLP):
    """A network with other arguments."""

    def __init__(self, width: int) -> None:
        super().__init__([2, width, 1])


def with_a_new_activation() -> MLP:
    model = MLP([2, 3, 1], seed=1)
    model.layers[0].neurons[1].activation = swish
    model.layers[0].neurons[2].activation = relu
    return model


def scaled() -> MLP:
    model = Scaled([2, 3, 1], seed=1)
    model.scale.data = 3.0
    return model


@pytest.mark.parametrize("model", [with_a_new_activation(), scaled(), Doubled([2, 3, 2], relu, seed=3)], ids=repr)
def test_saved_networks_are_loaded_the_same(model: MLP, tmp_path: Path) -> None:
    model.save(tmp_path / "model.npz")
    back = type(model).load(tmp_path / "model.npz", {"swish": swish})
    assert type(back) is type(model)
    assert repr(back) == repr(model)
    assert back.state_dict() == model.state_dict()
    assert back.predict(X).tolist() == model.predict(X).tolist()
    activations = [[neuron.activation for layer in each.layers for neuron in layer.neurons] for each in (model, back)]
    assert activations[0] == activations[1]


def test_activations_of_single_neurons_are_in_the_repr() -> None:
    model = with_a_new_activation()
    assert repr(model) == "MLP([2, 3, 1], activation=[[tanh, swish, relu], linear])"
    assert repr(model.layers[0]) == "Layer(2, 3, activation=[tanh, swish, relu])"
    outputs = MLP([2, 2])
    outputs.layers[0].neurons[1].activation = relu
    with pytest.raises(ValueError, match="these outputs are results of relu"):
        outputs.probabilities(X)


@pytest.mark.parametrize(("cost", "threshold"), [(squared_error, 0.5), (binary_cross_entropy, 0.0)])
def test_the_threshold_is_saved(cost: Any, threshold: float, tmp_path: Path) -> None:
    model, untrained = MLP([2, 3, 1]), MLP([2, 3, 1], output_activation=sigmoid)
    train(model, X, X[:, 0] > 0, cost=cost, epochs=1, progress=False)
    model.save(tmp_path / "trained")
    untrained.save(tmp_path / "untrained")
    assert model.threshold == pytest.approx(threshold)
    assert MLP.load(tmp_path / "trained").threshold == model.threshold
    assert MLP.load(tmp_path / "untrained").threshold == 0.5


def test_a_file_is_loaded_by_the_class_that_saved_it(tmp_path: Path) -> None:
    Doubled([2, 3, 1]).save(tmp_path / "doubled")
    with pytest.raises(ValueError, match=r"doubled has a network of class Doubled, not MLP: load it with Doubled.load\(path\)"):
        MLP.load(tmp_path / "doubled")
    MLP([2, 3, 1]).save(tmp_path / "plain")
    with pytest.raises(ValueError, match=r"plain has a network of class MLP, not Doubled: load it with MLP.load\(path\)"):
        Doubled.load(tmp_path / "plain")


def test_networks_with_labels_can_be_saved(tmp_path: Path) -> None:
    model = MLP([2, 3, 1])
    model.layers[0].neurons[0].bias.label = "b"
    model.save(tmp_path / "model")
    assert MLP.load(tmp_path / "model").state_dict() == model.state_dict()


def test_a_network_that_has_predicted_is_saved_like_any_other(tmp_path: Path) -> None:
    model = MLP([2, 3, 1])
    model.save(tmp_path / "before")
    model.predict(np.tile(X, (20, 1)))
    model.layers[0].predict(np.tile(X, (20, 1)))
    model.save(tmp_path / "after")
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()


def changed(change: Callable[[Any], object], model: MLP | None = None) -> MLP:
    model = model or MLP([2, 3, 1])
    change(model)
    return model


def same_name() -> MLP:
    return type("MLP", (MLP,), {"__call__": lambda self, x: [0.0]})([2, 1])  # type: ignore[no-any-return]


def ties_layers(model: MLP) -> None:
    model.layers[1] = model.layers[0]


def ties_weights(model: MLP) -> None:
    model.layers[0].neurons[2].weights[1] = model.layers[0].neurons[0].weights[0]


def reorders(model: MLP) -> None:
    neuron = model.layers[0].neurons[0]
    neuron.bias = vars(neuron).pop("bias")
    vars(neuron)["weights"] = vars(neuron).pop("weights")


@dataclass
class Extra:
    values: list[Value] = field(default_factory=lambda: [Value(1.0)])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (changed(lambda m: setattr(m, "extra", Value(0.5))), r"extra is the Value 0.5, and would be missing after loading"),
        (changed(lambda m: setattr(m, "note", "mine")), r"note is 'mine', and would be missing after loading"),
        (changed(lambda m: setattr(m.layers[0].neurons[1], "bias", 0.25)),
         r"layers\[0\].neurons\[1\].bias is 0.25, and would be loaded as the Value 0.0"),
        (changed(lambda m: m.layers[0].neurons[1].weights.pop()),
         r"layers\[0\].neurons\[1\].weights\[1\] is missing, and would be loaded as the Value"),
        (changed(lambda m: m.layers[0].neurons[0].weights.append(Value(0.5))), r"neurons\[1\].weights\[2\] is missing"),
        (changed(ties_layers, MLP([2, 2, 2], tanh, tanh)), r"layers\[1\] is the same object as layers\[0\], and would be loaded"),
        (changed(ties_weights), r"neurons\[2\].weights\[1\] is the same object as layers\[0\].neurons\[0\].weights\[0\], and would"),
        (changed(lambda m: m.layers.__setitem__(1, Layer(2, 2)), Tied([2, 2, 2])),
         r"layers\[1\] is not the same object as layers\[0\], and would be loaded differently"),
        (Tied([2, 2, 2]), r"it does not have the 12 parameters of a network with sizes \[2, 2, 2\]"),
        (changed(reorders), "its parameters would be loaded in another order"),
        (changed(lambda m: m.layers.clear()), r"MLP\(sizes, activations\) cannot build it: IndexError"),
        (changed(lambda m: m.layers.insert(1, Layer(3, 3))), None),
        (changed(lambda m: m.layers.append(Neuron(1))), r"MLP\(sizes, activations\) cannot build it: AttributeError"),
        (changed(lambda m: setattr(m.layers[0].neurons[0], "bias", m.layers[0].neurons[1].bias * 2)),
         r"neurons\[0\].bias is computed from other Values, and would be loaded as a number"),
        (changed(lambda m: setattr(m.layers[0].neurons[0], "__class__", type("Other", (Neuron,), {}))),
         r"layers\[0\].neurons\[0\] is Neuron\(2, activation=tanh\), and would be loaded as Neuron\(2"),
        (changed(lambda m: setattr(m, "shift", 0.75), Scaled([2, 1])), r"this Scaled .*: shift is 0.75, and would be loaded as 0.5"),
        (changed(lambda m: delattr(m, "shift"), Scaled([2, 1])), r"shift is missing, and would be loaded as 0.5"),
        (changed(lambda m: setattr(m, "shift", -0.0), Scaled([2, 1])), r"shift is -0.0, and would be loaded as 0.5"),
        (Narrow(3), r"this Narrow cannot be saved.*: Narrow\(sizes, activations\) cannot build it: TypeError"),
        (same_name(), "its class has the same name as its base class, whose load"),
    ],
)  # fmt: skip
def test_networks_that_load_could_not_restore_are_refused(model: MLP, message: str | None, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(b"precious")
    if message is None:
        model.save(path)
        assert MLP.load(path).predict(X).tolist() == model.predict(X).tolist()
        return
    with pytest.raises(ValueError, match=r"cannot be saved, and .*model.npz is unchanged: .*") as caught:
        model.save(path)
    assert caught.match(message)
    assert path.read_bytes() == b"precious"
    assert [each.name for each in tmp_path.iterdir()] == ["model.npz"]


def test_attributes_of_many_kinds_are_compared(tmp_path: Path) -> None:
    class Rich(MLP):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self.parts: Any = {
                "array": np.arange(3.0), "objects": np.array([[Value(1.0)]]), "none": None, "nan": math.nan, "text": "a",
                "pair": (1, Value(2.0)), "extra": Extra(),
            }  # fmt: skip

    changes: list[tuple[str, Any, str]] = [
        ("array", np.arange(4.0), r"parts\['array'\] is array"),
        ("array", np.arange(3), r"parts\['array'\] is array"),
        ("objects", np.array([Value(1.0)]), r"parts\['objects'\]\[0\] is the Value 1.0, and would be loaded as \[Value"),
        ("none", 0, r"parts\['none'\] is 0, and would be loaded as None"),
        ("nan", 0.0, r"parts\['nan'\] is 0.0, and would be loaded as nan"),
        ("text", "b", r"parts\['text'\] is 'b', and would be loaded as 'a'"),
        ("pair", (1, Value(2.0), 3), r"parts\['pair'\]\[2\] is 3, and would be missing after loading"),
        ("extra", Extra([]), r"parts\['extra'\].values\[0\] is missing, and would be loaded as the Value 1.0"),
        ("new", np.random.default_rng(0), r"parts\['new'\] is Generator.*, and would be missing after loading"),
    ]
    model = Rich([2, 1])
    model.save(tmp_path / "rich")
    assert Rich.load(tmp_path / "rich").state_dict() == model.state_dict()
    for name, thing, message in changes:
        model = Rich([2, 1])
        model.parts[name] = thing
        with pytest.raises(ValueError, match=message):
            model.save(tmp_path / "rich")
