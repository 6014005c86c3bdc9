"""Networks: outputs, initial weights, names of parameters, the forward pass, and files, including damaged ones."""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograd import Value, c_compiler, grad, log, primitive, relu, sigmoid, softplus, tanh, vectorize
from nn import MLP, Layer, Module, Neuron, classification, softmax
from nn.activations import gelu


def swish(x: Any) -> Any:
    return x * sigmoid(x)


@primitive(lambda y, x: 3 * x * x)
def cube(x: Any) -> Any:
    return x * x * x


def test_a_neuron_is_its_definition() -> None:
    neuron = Neuron(3, activation=tanh, seed=1)
    neuron.bias.data = 0.5
    weights = [weight.data for weight in neuron.weights]
    expected = math.tanh(weights[0] * 1.0 + weights[1] * -2.0 + weights[2] * 3.0 + 0.5)
    assert neuron([1.0, -2.0, 3.0]).data == pytest.approx(expected, rel=1e-15)


def test_layers_and_networks_return_lists() -> None:
    model = MLP([3, 4, 1])
    hidden = model.layers[0]([1.0, 2.0, 3.0])
    assert isinstance(hidden, list)
    assert len(hidden) == 4
    outputs = model(np.array([1.0, 2.0, 3.0]))
    assert isinstance(outputs, list)
    assert outputs[0].data == model.layers[1](hidden)[0].data


def test_a_network_equals_matrix_products() -> None:
    model, X = MLP([5, 4, 3, 2], activation=[relu, None, sigmoid], seed=3), np.random.default_rng(0).normal(size=(7, 5))
    A: Any = X
    activations: list[Any] = [relu, lambda z: z, sigmoid]
    for layer, activation in zip(model.layers, activations):
        W = np.array([[weight.data for weight in neuron.weights] for neuron in layer.neurons])
        A = activation(A @ W.T)
    assert model.predict(X) == pytest.approx(A, rel=1e-12)


@pytest.mark.parametrize("x", [0.0, 1e-200, -1e-6, 0.5, -1.0, 3.0, -5.0, -10.0, -20.0, -37.0, 40.0, -1e17, 1e200])
def test_gelu_and_its_slope_are_those_of_mpmath(x: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):
        exact = mpmath.mpf(x) * mpmath.ncdf(max(x, -100))
        slope = mpmath.ncdf(max(x, -100)) + mpmath.mpf(x) * mpmath.npdf(max(min(x, 100), -100))
    assert gelu(x) == pytest.approx(float(exact), rel=1e-12, abs=1e-320)
    assert grad(gelu)(x) == pytest.approx(float(slope), rel=1e-11, abs=1e-320)
    for backend in ("numpy", *["native"] * bool(c_compiler())):
        assert vectorize(gelu, backend=backend)(np.array([x]))[0] == pytest.approx(float(exact), rel=1e-12, abs=1e-300)


def test_networks_with_gelu_are_saved_by_its_name(tmp_path: Path) -> None:
    model = MLP([2, 3, 1], activation=gelu, seed=0)
    model.save(tmp_path / "model")
    assert MLP.load(tmp_path / "model").layers[0].activation is gelu
    with pytest.raises(TypeError, match=r"write from nn\.activations import gelu, then gelu without quotes"):
        MLP([2, 1], activation="gelu")  # type: ignore[arg-type]


def test_activations_are_placed_as_documented() -> None:
    model = MLP([2, 3, 4, 1], activation=relu, output_activation=sigmoid)
    assert [layer.activation for layer in model.layers] == [relu, relu, sigmoid]
    assert model.output_activation is sigmoid
    assert repr(model) == "MLP([2, 3, 4, 1], activation=relu, output_activation=sigmoid)"
    assert repr(MLP([2, 3, 4, 1], activation=[swish, cube, None])) == "MLP([2, 3, 4, 1], activation=[swish, cube, linear])"
    assert repr(MLP([2, 1])) == "MLP([2, 1])"
    assert repr(model.layers[1]) == "Layer(3, 4, activation=relu)"
    assert repr(model.layers[1].neurons[0]) == "Neuron(3, activation=relu)"


def test_the_first_weights_keep_the_scale_and_follow_the_seed() -> None:
    for activation, variance in ((tanh, 1.0), (sigmoid, 1.0), (swish, 1.0), (relu, 2.0), (softplus, 2.0)):
        layer = Layer(400, 50, activation=activation, seed=5)
        weights = np.array([[weight.data for weight in neuron.weights] for neuron in layer.neurons])
        assert abs(weights.mean()) < 0.001 * 3
        assert weights.var() * 400 == pytest.approx(variance, rel=0.05)
        assert all(neuron.bias.data == 0.0 for neuron in layer.neurons)
    assert MLP([3, 4, 2], seed=1).state_dict() == MLP([3, 4, 2], seed=1).state_dict()
    assert MLP([3, 4, 2], seed=1).state_dict() != MLP([3, 4, 2], seed=2).state_dict()


def test_names_are_expressions_that_reach_the_parameters() -> None:
    model = MLP([3, 4, 2])
    named = list(model.named_parameters())
    assert len(named) == (3 + 1) * 4 + (4 + 1) * 2
    assert [name for name, _ in named[:5]] == [
        "layers[0].neurons[0].weights[0]",
        "layers[0].neurons[0].weights[1]",
        "layers[0].neurons[0].weights[2]",
        "layers[0].neurons[0].bias",
        "layers[0].neurons[1].weights[0]",
    ]
    for name, parameter in named:
        assert eval(f"model.{name}") is parameter
    assert model.parameters() == [parameter for _, parameter in named]


def test_zero_grad() -> None:
    model = MLP([2, 3, 1])
    model([1.0, 2.0])[0].backward()
    assert any(parameter.grad for parameter in model.parameters())
    model.zero_grad()
    assert not any(parameter.grad for parameter in model.parameters())


def test_a_state_goes_from_one_network_to_another() -> None:
    model, other = MLP([2, 3, 1], seed=1), MLP([2, 3, 1], seed=2)
    other.load_state_dict(model.state_dict())
    assert other.predict([[1.0, 2.0]]) == model.predict([[1.0, 2.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers[9].bias": 1.0}, r"1 unknown parameter\(s\), such as layers\[9\].bias: the state belongs to another model"),
        ({"layers[1].neurons[0].bias": None}, r"1 missing parameter\(s\), such as layers\[1\].neurons\[0\].bias"),
        ({"layers[1].neurons[0].bias": math.nan}, r"layers\[1\].neurons\[0\].bias must be a finite number, got nan"),
        ({"layers[1].neurons[0].bias": "1"}, r"layers\[1\].neurons\[0\].bias must be a finite number, got '1'"),
        ({"layers[1].neurons[0].bias": [1.0]}, r"layers\[1\].neurons\[0\].bias must be a finite number, got \[1.0\]"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change: dict[str, Any], message: str) -> None:
    model = MLP([2, 3, 1], seed=1)
    before = model.state_dict()
    state: dict[str, Any] = {**MLP([2, 3, 1], seed=2).state_dict(), **change}
    with pytest.raises(ValueError, match=message):
        model.load_state_dict({name: number for name, number in state.items() if number is not None})
    assert model.state_dict() == before


def test_predictions_are_the_same_for_few_and_for_many() -> None:
    class Untraceable(Module):
        def __init__(self) -> None:
            self.layer = Layer(2, 3)

        def __call__(self, x: Any) -> Any:
            return self.layer(x if x[0] > 0 else x[::-1])

    X = np.random.default_rng(0).normal(size=(1234, 2))
    for model in (MLP([2, 5, 3], activation=swish), Untraceable()):
        predicted = model.predict(X)
        assert predicted.shape == (1234, 3)
        for row in (0, 999, 1000, 1233):
            assert predicted[row] == pytest.approx([output.data for output in model(X[row].tolist())], rel=1e-12)
    with pytest.raises(ValueError, match=r"^X has 3 columns and the model takes 2 inputs$"):
        MLP([2, 1]).predict(np.zeros((100, 3)))


def constant(outputs: list[list[float]], activation: Any = None) -> Module:
    """A module that answers the example [i] with row i."""

    class Constant(Module):
        output_activation = activation

        def __call__(self, x: Sequence[Any]) -> list[Any]:
            return outputs[int(x[0])]

    return Constant()


def test_accuracy() -> None:
    X = [[0], [1], [2], [3]]
    single = constant([[-2.0], [0.3], [0.7], [2.0]])
    assert single.accuracy(X, [-1, 1, 1, -1]) == 0.75
    assert single.accuracy(X, [[-1], [1], [1], [-1]]) == 0.75
    assert single.accuracy(X, [0, 0, 1, 1]) == 0.75  # 0.3 is above 0
    assert single.accuracy(X, [0, 0, 1, 1], threshold=0.5) == 1.0
    assert single.accuracy(X, [-1, -1, 1, 1]) == 0.75
    assert single.accuracy(X, [-1, -1, 1, 1], threshold=0.5) == 1.0
    with pytest.raises(ValueError, match="the threshold must be a finite number, got nan"):
        single.accuracy(X, [-1, -1, 1, 1], threshold=math.nan)
    assert constant([[0.1], [0.3], [0.7], [0.9]], sigmoid).accuracy(X, [0, 0, 1, 1]) == 1.0
    several = constant([[1.0, 0.0, 0.0], [0.0, 2.0, 1.0], [0.0, 0.0, 3.0], [0.0, 0.0, 3.0]])
    assert several.accuracy(X, [0, 1, 2, 0]) == 0.75
    assert several.accuracy(X, np.eye(3)[[0, 1, 2, 0]]) == 0.75


def test_a_neuron_and_a_layer_predict_like_their_network() -> None:
    X, Y = np.array([[-2.0], [0.2], [1.0], [3.0]]), [0, 0, 1, 1]
    network = MLP([1, 1], output_activation=sigmoid)
    layer, (neuron,) = network.layers[0], network.layers[0].neurons
    neuron.weights[0].data, neuron.bias.data = 1.0, -0.5
    for model in (network, layer, neuron):
        assert model.threshold == 0.5
        assert model.accuracy(X, Y) == 1.0
        assert model.probabilities(X)[:, 1] == pytest.approx(model.predict(X)[:, 0])
        with pytest.raises(ValueError, match="these outputs are results of tanh"):
            Layer(1, 2).probabilities(X)


def test_an_output_that_is_nan_is_wrong() -> None:
    assert classification.accuracy(np.array([[math.nan, 1.0], [0.0, 1.0]]), [0, 1]) == 0.5
    assert classification.accuracy(np.array([[math.nan], [1.0]]), [0, 1]) == 0.5


def test_accuracy_is_nan_for_targets_that_are_not_classes() -> None:
    X = [[0], [1]]
    assert math.isnan(constant([[1.0], [2.0]]).accuracy(X, [0.5, 1.0]))
    assert math.isnan(constant([[1.0, 2.0], [2.0, 3.0]]).accuracy(X, [0, 2]))
    assert math.isnan(constant([[1.0, 2.0], [2.0, 3.0]]).accuracy(X, [[0.5, 1.0], [0.5, 3.0]]))
    with pytest.raises(ValueError, match="X and Y must be equally long: got 2 examples and 3 targets"):
        constant([[1.0], [2.0]]).accuracy(X, [0, 1, 1])


# Files


def test_a_saved_network_is_restored(tmp_path: Path) -> None:
    model, path = MLP([3, 4, 5, 2], activation=relu, output_activation=sigmoid, seed=7), tmp_path / "model.npz"
    model.save(path)
    loaded = MLP.load(path)
    assert repr(loaded) == repr(model)
    assert loaded.output_activation is sigmoid
    assert loaded.state_dict() == model.state_dict()
    with np.load(path) as archive:
        assert json.loads(archive["header"].item())["sizes"] == [3, 4, 5, 2]
        assert archive["parameters"].tolist() == [parameter.data for parameter in model.parameters()]
    assert [each.name for each in tmp_path.iterdir()] == ["model.npz"]


def test_custom_activations_are_given_by_name(tmp_path: Path) -> None:
    model, path = MLP([2, 3, 1], activation=swish), tmp_path / "model.npz"
    model.save(path)
    assert MLP.load(path, activations={"swish": swish}).predict([[1.0, 2.0]]) == model.predict([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"model.npz needs a custom activation: write MLP.load\(path, activations=\{'swish': ...\}\)"):
        MLP.load(path)


def test_a_custom_activation_is_not_replaced_by_a_built_in_one(tmp_path: Path) -> None:
    def own(x: Any) -> Any:
        return 2 * x

    own.__name__ = "tanh"
    path = tmp_path / "model.npz"
    MLP([2, 3, 1], activation=own).save(path)
    with pytest.raises(ValueError, match=r"needs a custom activation: .*'tanh'"):
        MLP.load(path)
    assert MLP.load(path, {"tanh": own}).layers[0].activation is own
    with pytest.raises(ValueError, match=r"model.npz is unchanged: two activations have the same name, among tanh: rename one"):
        MLP([2, 3, 1], activation=[own, tanh]).save(path)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    model = MLP([2, 1])
    with pytest.raises(FileNotFoundError, match=r"cannot write .*nowhere/model.npz: there is no folder .*nowhere"):
        model.save(tmp_path / "nowhere" / "model.npz")
    with pytest.raises(OSError, match=r"cannot write .*: Is a directory"):
        model.save(tmp_path)
    model.layers[0].neurons[0].bias.data = math.nan
    path = tmp_path / "model.npz"
    path.write_bytes(b"precious")
    with pytest.raises(ValueError, match=r"cannot save parameters: number 2 is nan; .*model\.npz is unchanged"):
        model.save(path)
    assert path.read_bytes() == b"precious"
    assert [each.name for each in tmp_path.iterdir()] == ["model.npz"]


def test_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz"):
        MLP.load(tmp_path / "nothing.npz")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("saved") / "model.npz"
    MLP([2, 3, 1]).save(path)
    return path.read_bytes()


def forged(path: Path, parameters: Any = None, **changes: Any) -> Path:
    header = {
        "kind": "nudge model",
        "version": 2,
        "class": "MLP",
        "sizes": [2, 3, 1],
        "activations": ["tanh", "linear"],
        "custom": [],
    } | changes
    vector = np.zeros(13) if parameters is None else parameters
    with path.open("wb") as file:
        np.savez(file, header=np.array(json.dumps(header).encode()), parameters=vector)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "nudge checkpoint"}, "forged.npz is not a model file: its kind is 'nudge checkpoint'"),
        ({"version": 3}, "forged.npz has format version 3, but this version of Nudge reads version 2"),
        ({"version": 1}, "forged.npz has format version 1, but"),
        ({"class": None}, "is damaged: its class is None"),
        ({"class": 7}, "is damaged: its class is 7"),
        ({"class": "Wide"}, r"forged.npz has a network of class Wide, not MLP: load it with Wide.load\(path\)"),
        ({"threshold": math.nan}, "is damaged: its threshold is nan"),
        ({"threshold": "0"}, "is damaged: its threshold is '0'"),
        ({"threshold": True}, "is damaged: its threshold is True"),
        ({"activations": [["tanh", "relu"], "linear"]}, "is damaged: the activations of its 2 layers are"),
        ({"activations": [["tanh", 7, "relu"], "linear"]}, "is damaged: the activations of its 2 layers are"),
        ({"parameters": np.zeros(14)}, "is damaged: it has 14 parameters for a network of 13"),
        ({"sizes": [10**9, 10**9, 1]}, r"is damaged: it does not have the 1000000002000000001 parameters of a network with sizes"),
        ({"sizes": [2, -3, 1]}, r"is damaged: its sizes are \[2, -3, 1\]"),
        ({"sizes": [2, True, 1]}, "is damaged: its sizes are"),
        ({"sizes": 7}, "is damaged: its sizes are 7"),
        ({"sizes": None}, "is damaged: its sizes are None"),
        ({"activations": ["tanh"]}, r"is damaged: the activations of its 2 layers are \['tanh'\]"),
        ({"activations": [["tanh"], "linear"]}, "is damaged: the activations of its 2 layers are"),
        ({"activations": ["tanh", "__import__('os')"]}, "needs a custom activation"),
        ({"custom": 3}, "is damaged: the activations of its 2 layers are"),
        ({"parameters": np.zeros(12)}, "is damaged: it does not have the 13 parameters"),
        ({"parameters": np.full(13, math.inf)}, "is not a model file, or is damaged: 'parameters' must be a vector of finite numbers"),
        ({"parameters": np.zeros((13, 1))}, r"is float64 of shape \(13, 1\), not a vector of float64"),
        ({"parameters": np.zeros(13, dtype=np.float32)}, "is float32 of shape"),
        ({"parameters": np.array(["x"] * 13, dtype=object)}, "is object of shape"),
    ],
)
def test_forged_files(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MLP.load(forged(tmp_path / "forged.npz", **changes))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_truncated_files(saved: bytes, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "cut.npz"
    path.write_bytes(saved[: data.draw(st.integers(0, len(saved) - 1))])
    with pytest.raises(ValueError, match=r"cut.npz is not a model file, or is damaged: ."):
        MLP.load(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bits_are_found_or_without_effect(saved: bytes, tmp_path: Path, data: st.DataObject) -> None:
    path, content = tmp_path / "flipped.npz", bytearray(saved)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with suppress(ValueError):
        assert MLP.load(path).state_dict() == MLP([2, 3, 1]).state_dict()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda tail: b"PK\x03\x04" + tail)))
def test_foreign_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"foreign.npz is not a model file, or is damaged: ."):
        MLP.load(path)


def archive_of(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


class Bomb:
    """Runs code when unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("exploded",)


def test_hostile_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickled = io.BytesIO()
    np.save(pickled, np.array([Bomb()], dtype=object), allow_pickle=True)
    good = forged(tmp_path / "good.npz")
    with zipfile.ZipFile(good) as archive:
        header, parameters = archive.read("header.npy"), archive.read("parameters.npy")
    huge = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }")
    for members, compression, message in (
        ({"header.npy": header, "parameters.npy": pickled.getvalue()}, zipfile.ZIP_STORED, "is object of shape"),
        ({"header.npy": pickled.getvalue()}, zipfile.ZIP_STORED, "is object of shape"),
        ({"header.npy": header, "parameters.npy": huge}, zipfile.ZIP_STORED, "has the shape .1000000000000,. of float64, but 0 bytes"),
        ({"header.npy": header, "parameters.npy": npy("(" * 5000)}, zipfile.ZIP_STORED, "hostile.npz is not a model file, or is damaged"),
        ({"header.npy": header, "parameters.npy": npy("__import__('os').mkdir('exploded')")}, zipfile.ZIP_STORED, "is damaged"),
        ({"header.npy": header, "parameters.npy": parameters}, zipfile.ZIP_DEFLATED, "is compressed, or its .* bytes exceed the file's"),
        ({"header.npy": bytes(10**7)}, zipfile.ZIP_DEFLATED, "is compressed, or its 10000000 bytes exceed the file's 9"),
        ({"parameters.npy": parameters}, zipfile.ZIP_STORED, "it has no header"),
        ({"../header.npy": header}, zipfile.ZIP_STORED, "it has no header"),
        ({"header.txt": header}, zipfile.ZIP_STORED, "unexpected member 'header.txt'"),
        ({"header.npy": npy("{'descr': '|S5', 'fortran_order': False, 'shape': (), }", b"[[[[[")}, zipfile.ZIP_STORED, "is damaged"),
        ({"header.npy": npy("{'descr': '|S2', 'fortran_order': False, 'shape': (), }", b"[]")}, zipfile.ZIP_STORED, "is not a model file"),
    ):
        with pytest.raises(ValueError, match=message):
            MLP.load(archive_of(tmp_path / "hostile.npz", members, compression))
    assert not (tmp_path / "exploded").exists()


network: Any = MLP  # so that what types forbid can be written down
layer: Any = Layer
neuron: Any = Neuron


@pytest.mark.parametrize(
    ("make", "message"),
    [
        *[(make, "a function of one number, not its name 'relu': write from autograd import relu, then relu without quotes")
          for make in (
              lambda: network([2, 4, 1], activation="relu"), lambda: network([2, 1], activation="relu"),
              lambda: network([2, 4, 1], ["relu", None]), lambda: network([2, 4, 1], tanh, "relu"),
              lambda: layer(2, 4, "relu"), lambda: neuron(2, "relu"),
          )],
        (lambda: neuron(2, "linear"), "not its name 'linear': write from nn.activations import linear, then linear without quotes"),
        (lambda: layer(2, 4, "swish"), "an activation is a function of one number, not its name 'swish': give the function itself"),
        (lambda: network([2, 1], output_activation=math.tanh), "math.tanh as an activation would drop the graph: write from autograd"),
        (lambda: neuron(2, math.gamma), "math.gamma as an activation would drop the graph: write it with autograd's functions"),
        *[(lambda x=x: network([2, 3, 1], lambda z: None)(x), "must return a number: <lambda> returned None, perhaps its return is missing")
          for x in ([1.0, 2.0], np.ones(2))],
        (lambda: network([2, 3], output_activation=softmax)([1.0, 2.0]), "softmax takes the list .*, got Value .*: as an activation leave"),
        (lambda: network("2-16-1"), r"an MLP takes a list of sizes, .* got '2-16-1'"),
        (lambda: network([2, 1]).accuracy([[1.0, 2.0]], [1], threshold="high"), "the threshold must be a finite number, got 'high'"),
        (lambda: network(2, [16, 16, 1]), r"an MLP takes a list of sizes, starting with its inputs: MLP\(\[2, 16, 16, 1\]\), got 2"),
        *[(partial(some, np.ones((2, 2))), r"example's inputs, got an array of shape \(2, 2\): for many write model.predict\(X\)")
          for some in (network([2, 1]), layer(2, 3), neuron(2))],
        *[(partial(some, [1.0] * length), f"this layer takes a list of 2 inputs, got {length}")
          for some in (network([2, 3, 1]), layer(2, 3)) for length in (1, 3)],
        (lambda: neuron(2)([1.0] * 3), "got 2 weights and 3 inputs"),
        (lambda: network([2, 1]).predict([]), "X holds no examples"),
        (lambda: network([2, 1]).predict([1.0, 2.0]), r"shape \(examples, inputs\), got \(2,\): for one example write \[x\], for single"),
        (lambda: network([2, 1]).predict([[1j, 2.0]]), "X must be an array of real numbers"),
        (lambda: network([3]), r"at least two sizes, for its inputs and its outputs: got \[3\]"),
        (lambda: network([3, 0]), "the number of outputs must be a whole number of at least 1, got 0"),
        (lambda: network([0, 3]), "the number of inputs must be a whole number of at least 1, got 0"),
        (lambda: network([2.5, 3]), "the number of inputs must be a whole number of at least 1, got 2.5"),
        (lambda: network([2, 3, 1], [tanh]), "one for each of the 2 layers, the last included: got 1$"),
        (lambda: network([2, 1], [tanh], tanh), "got 1 and an output_activation"),
        (lambda: network([2, 3, 1], [3, None]), "an activation is a function of one number, such as tanh, got 3"),
        (lambda: network([2, 1])([[1.0, 2.0], [3.0, 4.0]]), r"example's inputs, got a list of 2 lists: for many write model.predict\(X\)"),
        (lambda: neuron(2)([[1.0, 2.0], [3.0, 4.0]]), r"expected a real number, an array or a Value, got list \[1.0, 2.0\]"),
        *[(partial(some, 3.0), r"a list of one example's inputs, got 3.0: for a single input write \[x\]")
          for some in (network([1, 1]), layer(1, 3), neuron(1))],
        (lambda: network([2, 1]).load_state_dict(None), r"takes the result of state_dict\(\), numbers by name, got NoneType None"),
        (lambda: network([1, 1]).load_state_dict(dict.fromkeys(network([1, 1]).state_dict(), 10**400)), "a finite number, got 1000"),
        (lambda: network([1, 1]).load_state_dict(dict.fromkeys(network([1, 1]).state_dict(), Value(1.0))), "of a Value give its .data"),
    ],
)  # fmt: skip
def test_common_mistakes_get_helpful_errors(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_summary_adds_up_the_13_002() -> None:
    lines = MLP([784, 16, 16, 10], activation=sigmoid).summary().splitlines()
    assert lines[1].split() == ["layers[0]", "Layer(784,", "16,", "activation=sigmoid)", "12,560"]
    assert lines[-1].split() == ["total", "13,002"]
    assert len(lines) == 5
    assert Neuron(2).summary().splitlines()[-1].split() == ["total", "3"]


@pytest.mark.parametrize("make", [lambda: MLP([2, 3, 2], activation=log, seed=1), lambda: MLP([2, 2], output_activation=lambda x: 1 / x)])
def test_an_undefined_output_is_nan_for_few_and_many_rows(make: Any) -> None:
    """The oracle is the prediction of 51 rows."""
    model = make()
    rows = np.vstack([np.zeros(2), np.random.default_rng(0).normal(size=(99, 2))])
    with np.errstate(all="ignore"):
        many = model.predict(rows)
        assert not np.isfinite(many).all()
        for count in (1, 2, 49, 50, 51, 52):
            np.testing.assert_allclose(model.predict(rows[:count]), many[:count], rtol=1e-12)


# The forward pass


@pytest.mark.parametrize("activation", [tanh, relu, swish, lambda x: x if x > 0 else 0.1 * x], ids=["tanh", "relu", "swish", "branching"])
@pytest.mark.parametrize("examples", [3, 70])
def test_a_trace_of_a_batch_is_the_trace_of_each_example(activation: Any, examples: int) -> None:
    """The model's own call is the oracle."""
    model, X = MLP([3, 4, 4, 2], [activation, tanh, None], seed=1), np.random.default_rng(0).normal(size=(examples, 3))
    model.layers[0].neurons[2].activation = sigmoid
    batch = model.trace(X)
    for index, x in enumerate(X.tolist()):
        one = model.trace(x)
        assert [each.data for each in one.a[-1]] == [each.data for each in model(x)]
        for layer in range(3):
            np.testing.assert_allclose(batch.z[layer][index], [each.data for each in one.z[layer]], rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose(batch.a[layer][index], [each.data for each in one.a[layer]], rtol=1e-12, atol=1e-15)
    if activation.__name__ != "<lambda>":
        compiled = vectorize(lambda x: [each for layer in model.trace(x).z for each in layer])(X)
        np.testing.assert_allclose(compiled, np.hstack(batch.z), rtol=1e-12, atol=1e-15)


def test_a_trace_of_values_is_one_graph() -> None:
    model, x = MLP([2, 3, 1], seed=0), [Value(0.5), Value(-1.0)]
    z, a = model.trace(x)
    a[-1][0].backward()
    assert [each.grad for each in z[0]] == [neuron.bias.grad for neuron in model.layers[0].neurons]
    assert x[0].grad == pytest.approx(sum(each.grad * neuron.weights[0].data for each, neuron in zip(z[0], model.layers[0].neurons)))


def test_an_undefined_activation_is_nan_in_a_trace_of_a_batch() -> None:
    model = MLP([1, 1], [log])
    model.layers[0].neurons[0].weights[0].data = 1.0
    for examples in (2, 100):
        a = model.trace(np.resize([1.0, -1.0], (examples, 1))).a[0]
        assert a[:2].tolist() == [[0.0], [pytest.approx(math.nan, nan_ok=True)]]


def test_a_trace_of_a_network_with_its_own_call_is_refused() -> None:
    class Residual(MLP):
        def __call__(self, x: Any) -> list[Any]:
            return [output + x[0] for output in super().__call__(x)]

    class Doubled(Neuron):
        def __call__(self, x: Any) -> Any:
            return 2 * super().__call__(x)

    with pytest.raises(ValueError, match=r"MLP\(\[2, 1\]\) computes more than its layers: Residual has its own __call__"):
        Residual([2, 1]).trace([1.0, 2.0])
    model = MLP([2, 1])
    model.layers[0].neurons[0] = Doubled(2)
    with pytest.raises(ValueError, match="computes more than its layers: Doubled has its own __call__"):
        model.trace(np.zeros((3, 2)))
    for x in ([1.0], np.zeros((5, 3))):
        with pytest.raises(ValueError, match=r"this network takes 2 inputs, got [13]"):
            MLP([2, 1]).trace(x)
