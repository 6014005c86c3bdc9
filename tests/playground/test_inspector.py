"""The inspector: its numbers equal those of the graph that a user would write."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from autograd import Value, vectorize
from nn import MLP, cross_entropy
from nn.data import Array
from tests.playground.players import LIKE, SMALL, Player


def graph(player: Player, x: Any, target: Any) -> tuple[MLP, Value]:
    """The network after backward() from this example's cost, as a user would write it."""
    experiment = player.session.experiment
    experiment.model.zero_grad()
    cost = experiment.programs.cost_function(experiment.model(x), target)
    cost.backward()
    return experiment.model, cost


@pytest.mark.parametrize("kind", LIKE)
def test_an_examples_numbers_are_the_graphs(kind: str) -> None:
    player = Player(**LIKE[kind])
    player("step", count=4)
    part = player.session.experiment.problem.training
    for index in (0, len(part) - 1):
        told = player("inspect", what="example", example={"of": "training", "index": index})
        model, cost = graph(player, part.X[index], told["target"])
        assert told["class"] == part.y[index]
        assert told["cost"] == pytest.approx(cost.data, rel=1e-12)
        assert np.asarray(told["gradient"]).tolist() == same([each.grad for each in model.parameters()])
        a = part.X[index].tolist()
        for layer, numbers in zip(model.layers, told["layers"]):
            a = [each.data for each in layer(a)]
            assert numbers["a"] == same(a)
            assert numbers["delta"] == same([neuron.bias.grad for neuron in layer.neurons])
            for z, slope, neuron in zip(numbers["z"], numbers["slope"], layer.neurons):
                step = 1e-6
                rise = (neuron.activation(z + step) - neuron.activation(z - step)) / (2 * step)
                assert slope == pytest.approx(rise, abs=1e-6)
        assert told["outputs"] == same(a)
        assert told["prediction"] == (int(a[0] > 0) if len(a) == 1 else int(np.argmax(a)))
        outputs = [Value(each) for each in a]
        player.session.experiment.programs.cost_function(outputs, told["target"]).backward()
        assert told["output_wishes"] == pytest.approx([-each.grad for each in outputs], rel=1e-12)
        if told["probabilities"] is not None:
            assert sum(told["probabilities"]) == pytest.approx(1.0)
            assert told["cost"] == pytest.approx(-math.log(told["probabilities"][told["class"]]), rel=1e-9)


def same(numbers: Any) -> Any:
    """The same numbers to rounding, as compiled programs compute them."""
    return pytest.approx(numbers, rel=1e-11, abs=1e-15)


def test_the_terms_and_parts_of_a_neuron_add_up() -> None:
    player = Player(**SMALL, activations=["x * sigmoid(x)", "tanh(x)"])
    player("step", count=4)
    which = {"of": "held_out", "index": 2}
    told = player("inspect", what="neuron", layer=0, neuron=3, example=which)
    example = player("inspect", what="example")
    assert told["example"] == example["example"] == which
    assert (told["name"], told["formula"]) == ("a[0,3]", "x * sigmoid(x)")
    assert [(each["weight"], each["input"]) for each in told["terms"]] == [("w[0,3,0]", "x1"), ("w[0,3,1]", "x2")]
    assert [each["activation"] for each in told["terms"]] == example["x"]
    assert all(each["product"] == each["value"] * each["activation"] for each in told["terms"])
    assert sum(each["product"] for each in told["terms"]) + told["bias"]["value"] == pytest.approx(told["sum"]["value"], rel=1e-14)
    assert told["sum"] == {"name": "z[0,3]", "value": example["layers"][0]["z"][3]}
    assert (told["activation"], told["slope"], told["delta"]) == tuple(example["layers"][0][key][3] for key in ("a", "slope", "delta"))
    parts = told["wish"]["parts"]
    assert [(each["neuron"], each["weight"]) for each in parts] == [(f"z[1,{j}]", f"w[1,{j},3]") for j in range(3)]
    assert [each["delta"] for each in parts] == example["layers"][1]["delta"]
    assert sum(each["product"] for each in parts) == pytest.approx(told["wish"]["value"], rel=1e-12)
    assert told["wish"]["value"] * told["slope"] == pytest.approx(told["delta"], rel=1e-12)
    curve = told["curve"]
    assert len(curve["x"]) == len(curve["f"]) == len(curve["slope"]) == 121
    assert curve["x"][0] <= told["sum"]["value"] <= curve["x"][-1]
    np.testing.assert_allclose(curve["f"], [x / (1 + math.exp(-x)) for x in curve["x"]], atol=1e-12)
    last = player("inspect", what="neuron", layer=2, neuron=0)
    assert last["wish"]["parts"] is None
    assert [each["input"] for each in last["terms"]] == ["a[1,0]", "a[1,1]", "a[1,2]"]
    assert last["formula"] == "x"
    assert set(last["curve"]["slope"]) == {1.0}


def test_a_neuron_with_many_inputs_lists_its_largest_terms() -> None:
    told = Player(**LIKE["digits"])("inspect", what="neuron", layer=0, neuron=0)
    assert len(told["terms"]) == 50
    assert told["others"]["count"] == 734
    whole = sum(each["product"] for each in told["terms"]) + told["others"]["sum"] + told["bias"]["value"]
    assert whole == pytest.approx(told["sum"]["value"], rel=1e-12)
    assert told["terms"][0]["input"].startswith("pixel ")


@pytest.mark.parametrize("kind", LIKE)
def test_the_gradient_paths_and_nudges_of_a_weight_agree(kind: str) -> None:
    player = Player(**LIKE[kind])
    player("step", count=4)
    experiment = player.session.experiment
    part = experiment.problem.training
    which = {"of": "training", "index": 5}
    target = player("inspect", what="example", example=which)["target"]
    last = len(experiment.model.layers) - 1
    for layer, neuron, place in ((0, 1, 1), (0, 2, None), (last, 0, 2 if last else 0)):
        told = player("inspect", what="weight", layer=layer, neuron=neuron, input=place, example=which)
        model, _ = graph(player, part.X[5], target)
        unit = model.layers[layer].neurons[neuron]
        leaf = unit.bias if place is None else unit.weights[place]
        assert model.parameters()[told["index"]] is leaf
        assert (told["value"], told["gradient"]) == (leaf.data, same(leaf.grad))
        assert sum(path["product"] for path in told["paths"]) + told["rest"] == pytest.approx(leaf.grad, rel=1e-9, abs=1e-15)
        for path in told["paths"]:
            assert math.prod(each["derivative"] for each in path["factors"]) == pytest.approx(path["product"], rel=1e-12)
            assert path["factors"][0]["name"].startswith("∂C/∂")
            assert path["factors"][-1]["name"].endswith(f"∂{told['name']}")
        assert told["rule"]["delta"] * told["rule"]["activation"] == pytest.approx(leaf.grad, rel=1e-9, abs=1e-15)
        assert f"is {leaf.grad + 0.0:.4g}: " in told["why"]["text"]
        wishes = []
        for x, y in zip(part.X, experiment.programs.targets(part).tolist()):
            graph(player, x, y)
            wishes.append(-leaf.grad)
        assert [each["wish"] for each in told["wishes"]] == pytest.approx(wishes, rel=1e-9, abs=1e-15)
        assert [each["index"] for each in told["wishes"]] == list(range(len(part)))
        assert [each["class"] for each in told["wishes"]] == part.y.tolist()
        assert told["examples"] == len(part)
        assert told["average"] == pytest.approx(np.mean(wishes), rel=1e-9, abs=1e-15)
        whole = vectorize(lambda x, y: experiment.programs.whole_cost(experiment.model(x), y))
        gradients = whole.per_example_gradients(part.X, experiment.programs.targets(part), order=[leaf])
        assert told["total"] == pytest.approx(gradients.mean(), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("cost", ["squared_error", "cross_entropy", "hinge"])
@pytest.mark.parametrize("formula", ["x * sigmoid(x)", "where(x > 0, x, 0.1 * x)"])
def test_each_neuron_and_the_cost_have_one_factor_on_a_path(cost: str, formula: str) -> None:
    player = Player(data={"name": "blobs", "classes": 3}, layers=[3, 2], cost=cost, activations=formula)
    told = player("inspect", what="weight", layer=0, neuron=1, input=1)
    layers = player("inspect", what="example")["layers"]
    assert (told["count"], len(told["paths"]), told["rest"]) == ("6 paths", 6, 0)
    for path in told["paths"]:
        names = [each["name"] for each in path["factors"]]
        assert [re.sub(r"[\d,]+", "", name) for name in names] == [
            "∂C/∂a[]", "∂a[]/∂z[]", "∂z[]/∂a[]", "∂a[]/∂z[]", "∂z[]/∂a[]", "∂a[]/∂z[]", "∂z[]/∂w[]",
        ]  # fmt: skip
        for name, each in ((each["name"], each["derivative"]) for each in path["factors"]):
            if found := re.fullmatch(r"∂a\[(\d),(\d)\]/∂z.*", name):
                assert each == layers[int(found[1])]["slope"][int(found[2])]


def test_paths_are_counted_through_neurons() -> None:
    player = Player(data={"name": "moons", "n": 20}, layers=[8, 8, 8, 8, 8, 8], activations="x * sigmoid(x)")
    told = player("inspect", what="weight", layer=0, neuron=0, input=0)
    assert (told["count"], len(told["paths"])) == ("32,768 paths", 10)
    assert sum(path["product"] for path in told["paths"]) + told["rest"] == pytest.approx(told["gradient"], rel=1e-9)


def test_nudges_of_many_examples_are_sampled_evenly() -> None:
    player = Player(data={"name": "moons", "n": 1000}, held_out=0, layers=[2])
    told = player("inspect", what="weight", layer=0, neuron=0, input=0)
    indices = [each["index"] for each in told["wishes"]]
    assert (len(indices), indices[0], indices[-1], told["examples"]) == (200, 0, 999, 1000)
    assert indices == sorted(set(indices))


def test_the_reason_for_a_gradient_of_0_is_given() -> None:
    player = Player(**SMALL, activations="relu(x)")
    player("weight", layer=1, neuron=1, input=None, value=-100)
    told = player("inspect", what="weight", layer=1, neuron=1, input=None)
    assert told["why"]["verdict"] == "zero"
    assert told["why"]["text"].startswith(
        "For this example, the gradient with respect to this bias is 0: its neuron is flat here, the slope of the "
    )
    assert (told["gradient"], told["average"]) == (0, 0)
    player = Player(**SMALL, cost="hinge", activations="tanh(x)")
    label = player("inspect", what="example")["class"]
    player("weight", layer=2, neuron=0, input=None, value=100 * (2 * label - 1))  # beyond the margin
    told = player("inspect", what="weight", layer=0, neuron=0, input=0)
    assert told["why"]["text"].endswith("is 0: the cost does not change with the outputs here.")


def test_steps_by_example_visit_the_mini_batch_before_its_update() -> None:
    player, other = Player(**SMALL), Player(**SMALL)
    start = player.parameters
    total = np.zeros(len(start))
    for left in (6, 5, 4, 3, 2, 1):
        reply = player("step", by="example")
        assert (reply["left"], reply["step"], player.parameters) == (left, 0, start)
        total += reply["example"]["gradient"]
    last = player("step", by="example")
    assert (last["left"], last["step"]) == (0, 1)
    total += last["example"]["gradient"]
    other("step")
    assert player.parameters == other.parameters != start
    np.testing.assert_allclose(player("frame", gradient=True)["gradient"], total / 7, rtol=1e-12, atol=1e-16)
    experiment = Player(**SMALL)
    told = experiment("inspect", what="example", example=last["example"]["example"])
    assert {**told, "is": ""} == {**last["example"], "is": ""}  # its numbers are from before the update
    assert player("inspect", what="neuron", layer=0, neuron=0)["example"] == last["example"]["example"]


def stroke() -> Array:
    picture = np.zeros((28, 28))
    picture[2:20, 3:6] = 1.0
    return picture


def test_a_drawn_digit_has_a_cost_and_nudges() -> None:
    player = Player(**LIKE["digits"])
    player("step", count=6)
    told = player("draw", pixels=stroke().ravel().tolist(), target=3)
    assert told["is"] == "drawn"
    pixels = told["pixels"].astype(np.float64)
    rows, columns = np.nonzero(pixels)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 22, 12, 14)
    model, cost = graph(player, pixels.ravel(), 3)
    assert (told["cost"], told["class"]) == (cost.data, 3)
    assert sum(len(each["a"]) for each in told["layers"]) == 15
    gradient = [[weight.grad for weight in neuron.weights] for neuron in model.layers[0].neurons]
    np.testing.assert_allclose(told["weight_wishes"].reshape(5, -1), -np.array(gradient), rtol=1e-6, atol=1e-9)
    weights = [[weight.data for weight in neuron.weights] for neuron in model.layers[0].neurons]
    np.testing.assert_allclose(told["weights"].reshape(5, -1), weights, rtol=1e-6)
    inputs = [Value(each) for each in pixels.ravel()]
    cross_entropy(model(inputs), 3).backward()
    np.testing.assert_allclose(told["pixel_wishes"].ravel(), [-each.grad for each in inputs], rtol=1e-5, atol=1e-9)
    assert "x" not in told
    again = player("inspect", what="neuron", layer=1, neuron=3, example={"of": "drawn"})
    assert again["sum"]["value"] == told["layers"][1]["z"][3]
    assert player("inspect", what="weight", layer=1, neuron=3, input=2)["example"] == {"of": "drawn"}


def test_without_a_target_the_prediction_is_the_target() -> None:
    player = Player(**LIKE["digits"])
    told = player("draw", pixels=stroke().ravel().tolist(), centre=False)
    assert told["class"] == told["prediction"] == int(np.argmax(told["outputs"]))
    assert (told["pixels"] == stroke()).all()
    nothing = player("draw", pixels=[0] * 784)
    assert not nothing["pixels"].any()


SETTINGS: list[dict[str, Any]] = [
    {"optimizer": {"name": "sgd", "momentum": 0}},
    {"batch_size": 5},
    {"optimizer": {"name": "sgd", "momentum": 0.5, "nesterov": True}, "l1": 0.01, "l2": 0.1},
    {"clip": 0.01, "l2": 0.1},
    {"optimizer": {"name": "adam"}, "rate": 0.01},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_an_update_adds_up_to_the_change_of_the_weight(settings: dict[str, Any]) -> None:
    player = Player(**{**SMALL, **settings})
    place = {"what": "weight", "layer": 0, "neuron": 1, "input": 0}
    assert player("inspect", **place)["update"] is None
    player("step", count=3)
    old = player("inspect", **place)["value"]
    player("step")
    told, experiment = player("inspect", **place), player.session.experiment
    update = told["update"]
    assert (update["step"], update["old"], update["new"]) == (4, old, told["value"])
    assert update["gradient"] == pytest.approx((update["batch"] + update["penalty"]) * update["clipped"], rel=1e-12)
    assert (update["clipped"] < 1) == ("clip" in settings)
    assert update["change"] == pytest.approx(-update["rate"] * update["direction"], rel=1e-9)
    l1, l2 = (settings.get(name, 0.0) for name in ("l1", "l2"))
    assert update["penalty"] == pytest.approx(l1 * np.sign(old) + 2 * l2 * old, rel=1e-12)
    if settings.get("optimizer", {}).get("momentum") == 0:
        assert update["direction"] == pytest.approx(update["gradient"], rel=1e-9)
    player("weight", layer=0, neuron=0, input=0, value=1)
    assert player("inspect", **place)["update"] is None
    assert experiment.step == 4


def test_a_nudge_changes_the_costs_as_the_gradient_predicts() -> None:
    player = Player(**SMALL)
    player("step", count=3)
    before = player("inspect", what="weight", layer=0, neuron=1, input=0, example={"of": "training", "index": 3})
    example = player("inspect", what="example")
    reply = player("nudge", layer=0, neuron=1, input=0, by=0.01)
    nudge, after = reply["nudge"], player("inspect", what="weight", layer=0, neuron=1, input=0)
    assert after["value"] == before["value"] + 0.01
    assert (nudge["one"]["before"], nudge["outputs"]["before"]) == (example["cost"], example["outputs"])
    assert nudge["one"]["predicted"] == pytest.approx(0.01 * before["gradient"], rel=1e-12)
    assert nudge["all"]["predicted"] == pytest.approx(-0.01 * before["average"], rel=1e-12)
    for each in (nudge["one"], nudge["all"]):
        assert each["after"] - each["before"] == pytest.approx(each["predicted"], rel=0.1, abs=1e-6)
    assert nudge["all"]["after"] == reply["cost"]
    assert player("back")["cost"] == nudge["all"]["before"]
