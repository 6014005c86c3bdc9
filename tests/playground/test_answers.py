"""What the network answers for many examples, and the weights of a layer together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.playground.players import LIKE, SMALL, Player

BLOBS: dict[str, Any] = {"data": {"name": "blobs", "n": 80, "classes": 4, "noise": 0.8}, "layers": [3]}


@pytest.mark.parametrize("kind", [SMALL, BLOBS, LIKE["digits"]], ids=["moons", "blobs", "digits"])
@pytest.mark.parametrize("of", ["training", "held_out"])
def test_the_confusion_matrix_counts_predictions_of_classes(kind: dict[str, Any], of: str) -> None:
    player = Player(**kind)
    player("step", count=3)
    told = player("answers", of=of)
    part, model = player.session.experiment.part(of), player.session.experiment.model
    outputs = model.predict(part.X)
    found = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).astype(int)
    classes = range(len(told["matrix"]))
    expected = [[int(((part.y == row) & (found == column)).sum()) for column in classes] for row in classes]
    assert told["matrix"] == expected
    assert told["wrong"] == (found != part.y).sum() == len(part) - np.trace(expected)
    share = player("frame")["accuracy" if of == "training" else "held_out_accuracy"]
    assert share == pytest.approx(np.trace(expected) / len(part))
    costs = [each["cost"] for each in told["examples"]]
    assert costs == sorted(costs, reverse=True)
    assert len(costs) == min(24, told["wrong"])
    for place, each in enumerate(told["examples"]):
        shown = player("inspect", what="example", example={"of": of, "index": each["index"]})
        assert (shown["class"], shown["prediction"], shown["cost"]) == (each["class"], each["prediction"], pytest.approx(each["cost"]))
        if "pixels" in told:
            assert (told["pixels"][place] == shown["pixels"]).all()


def test_answers_need_examples() -> None:
    assert Player(**SMALL, held_out=0).refused("answers", of="held_out")["problem"] == "there are no test examples"


def test_waves_have_numbers_as_targets_and_no_classes() -> None:
    player = Player(data={"name": "waves", "n": 60}, layers=[6])
    assert (player.configured["classes"], player.configured["configuration"]["cost"]) == ([], "squared_error")
    before = player("frame")
    assert before["accuracy"] is before["held_out_accuracy"] is None
    for _ in range(20):
        player("step", by="epoch")
    assert player("frame")["cost"] < before["cost"] / 2
    told = player("inspect", what="example", example={"of": "training", "index": 3})
    assert told["target"] == player.configured["points"]["training"]["class"][3]
    assert (told["class"], told["prediction"]) == (None, told["outputs"][0])
    assert {each["class"] for each in player("inspect", what="weight", layer=0, neuron=0, input=0)["wishes"]} == {None}
    assert "there are no classes" in player.refused("answers")["problem"]
    assert "must be squared_error for waves" in player.refused("set", cost="hinge")["problem"]


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_weights_of_a_layer_together_are_those_that_are_inspected_one_by_one(layer: int) -> None:
    player = Player(**SMALL, l2=0.1)
    player("step", count=3)
    told = player("inspect", what="weights", layer=layer)
    neurons, columns = told["values"].shape
    assert (neurons, columns) == tuple(np.array([2, 4, 3, 1])[[layer + 1, layer]] + [0, 1])
    for neuron in range(neurons):
        for place in range(columns):
            one = player("inspect", what="weight", layer=layer, neuron=neuron, input=None if place == columns - 1 else place)
            found = [told[name][neuron, place] for name in ("values", "gradients", "averages", "penalties")]
            assert found == pytest.approx([one[name] for name in ("value", "gradient", "average", "penalty")], rel=1e-12, abs=1e-15)
            assert one["rule"]["delta"] == told["deltas"][neuron]
            assert (one["rule"]["activation"], one["rule"]["input"]) == (told["activations"][place], [*told["inputs"], None][place])


def test_the_weights_of_a_neuron_that_sees_a_digit_are_a_picture() -> None:
    player = Player(**LIKE["digits"])
    told, model = player("inspect", what="neuron", layer=0, neuron=2), player.session.experiment.model
    assert told["weights"].ravel().tolist() == [weight.data for weight in model.layers[0].neurons[2].weights]
    assert "weights" not in player("inspect", what="neuron", layer=1, neuron=2)
