"""Training in a session: steps, frames, changes, going back, and divergence."""

from __future__ import annotations

import json
import math
import weakref
from itertools import count
from typing import Any

import numpy as np
import pytest

from nn import SGD, binary_cross_entropy, train
from playground import Session
from tests.playground.players import CSV, LIKE, SMALL, Player, own


@pytest.mark.parametrize("kind", LIKE)
def test_a_step_equals_one_of_train_bit_for_bit(kind: str) -> None:
    """By steps, by examples, by an epoch and by frames of a run: in all three epochs."""
    player, (model, own_settings, (X, Y)) = Player(**LIKE[kind]), own(kind)
    assert player.parameters == [each.data for each in model.parameters()]
    per_epoch = player.configured["steps_per_epoch"]
    batch = LIKE[kind]["batch_size"]
    train(model, X, Y, **own_settings, batch_size=batch, epochs=3, seed=LIKE[kind].get("seed", 0), progress=False, measure_accuracy=False)
    player("step", count=per_epoch)
    while player("frame")["step"] < 2 * per_epoch - 1:
        player("step", by="example")
    player("step", by="epoch")
    player("run")
    for _ in range(per_epoch):
        frame = player("frame", steps=1)
    assert (frame["step"], frame["epoch"]) == (3 * per_epoch, 3.0)
    assert player.parameters == [each.data for each in model.parameters()]


@pytest.mark.parametrize("kind", LIKE)
def test_the_numbers_of_a_frame_are_the_engine_s(kind: str) -> None:
    player = Player(**LIKE[kind])
    player("step", count=5)
    frame = player("frame", gradient=True)
    experiment = player.session.experiment
    for part, name in ((experiment.problem.training, ""), (experiment.problem.held_out, "held_out_")):
        if not len(part):
            assert (frame["held_out_cost"], frame["held_out_accuracy"]) == (None, None)
            continue
        targets = experiment.programs.targets(part).tolist()
        costs = [experiment.programs.cost_function(experiment.model(x), y).data for x, y in zip(part.X, targets)]
        assert frame[f"{name}cost"] == pytest.approx(sum(costs) / len(costs), rel=1e-12)
        outputs = [[each.data for each in experiment.model(x)] for x in part.X]
        answers = [int(each[0] > 0) if len(each) == 1 else int(np.argmax(each)) for each in outputs]
        assert frame[f"{name}accuracy"] == pytest.approx(np.mean(np.array(answers) == part.y))
    weights = [w.data for w in experiment.programs.weights()]
    l1, l2 = LIKE[kind].get("l1", 0), LIKE[kind].get("l2", 0)
    assert frame["penalty"] == pytest.approx(l1 * np.abs(weights).sum() + l2 * np.square(weights).sum(), rel=1e-12)
    assert frame["gradient"].tolist() == experiment.run.gradient.tolist()
    assert frame["gradient_norm"] == experiment.run.history.steps.gradient_norm[-1]
    assert frame["rate"] == experiment.run.history.steps.learning_rate[-1]
    assert frame["epoch"] == pytest.approx(sum(experiment.run.history.steps.examples) / len(experiment.problem.training))


def test_a_run_takes_steps_frame_by_frame_and_none_when_paused() -> None:
    player = Player(**SMALL)
    assert player("frame", steps=5)["step"] == 0
    assert player("run") == {"is": "running", "step": 0}
    first, second = (player("frame", steps=3, boundary=20) for _ in range(2))
    assert (first["step"], second["step"], second["running"]) == (3, 6, True)
    assert (first["boundary"] != second["boundary"]).any()
    assert player("pause") == {"is": "paused", "step": 6}
    still = player("frame", steps=3, boundary=20)
    assert (still["step"], still["running"]) == (6, False)
    assert (still["boundary"] == second["boundary"]).all()


def test_a_frame_with_slow_steps_takes_fewer_but_at_least_one() -> None:
    seconds = count(0.0, 0.03)  # that much passes from look to look
    player = Player(Session(clock=lambda: next(seconds)), **SMALL)
    player("run")
    assert player("frame", steps=1000)["step"] == 4
    slow = count(0.0, 5.0)
    player = Player(Session(clock=lambda: next(slow)), **SMALL)
    player("run")
    assert [player("frame", steps=10)["step"] for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("kind", ["moons", "circles", "spirals"])
def test_maps_and_boundary_equal_the_network_over_the_plane(kind: str) -> None:
    player = Player(**LIKE[kind])
    player("step", count=4)
    plane = player.configured["plane"]
    frame = player("frame", boundary=9, maps=8)
    experiment = player.session.experiment
    for name, side in (("boundary", 9), ("maps", 8)):
        (left, right), (bottom, top) = plane["x"], plane["y"]
        for row, column in ((0, 0), (2, 5), (side - 1, 1)):
            x1, x2 = left + (right - left) * (column + 0.5) / side, top - (top - bottom) * (row + 0.5) / side
            inputs = {"x1": x1, "x2": x2, "x2^2": x2**2, "x1*x2": x1 * x2, "sin(4*x2)": math.sin(4 * x2)}
            activations = [inputs[each] for each in player.configured["inputs"]]
            everything = list(activations)
            for layer in experiment.model.layers:
                activations = [each.data for each in layer(activations)]
                everything += activations
            expected = activations if name == "boundary" else everything
            np.testing.assert_allclose(frame[name][:, row, column], expected, rtol=2e-5, atol=2e-6)
    points = player.configured["points"]["training"]
    assert all(plane["x"][0] < x < plane["x"][1] and plane["y"][0] < y < plane["y"][1] for x, y in zip(points["x"], points["y"]))


def test_a_frame_contains_the_requested_arrays() -> None:
    player = Player(**SMALL)
    assert [each[0] for each in player("frame")["arrays"]] == []
    assert [each[0] for each in player("frame", maps=8, gradient=True)["arrays"]] == ["maps", "gradient"]
    frame = player("frame", boundary=8, maps=10, parameters=True)
    assert [each[:3] for each in frame["arrays"]] == [
        ["boundary", "float32", [1, 8, 8]],
        ["maps", "float32", [10, 10, 10]],
        ["parameters", "float64", [31]],
    ]
    digits_frame = Player(**LIKE["digits"])("frame", boundary=8, maps=8, parameters=True)
    assert [each[0] for each in digits_frame["arrays"]] == ["parameters"]


def test_only_some_frames_of_a_network_in_training_are_measured_on_large_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.experiment.MEASURED", 600)  # there are 40 examples and 31 parameters
    player = Player(**SMALL)
    assert player("frame")["cost"] is not None
    player("run")
    measured = [player("frame", steps=1)["cost"] is not None for _ in range(6)]
    assert measured in ([True, False, False] * 2, [False, True, False] * 2, [False, False, True] * 2)
    assert player("step")["accuracy"] is not None
    assert [player("frame")["held_out_cost"] is not None for _ in range(3)] == [True] * 3


def test_networks_with_the_same_digits_share_them() -> None:
    one, other, third = (Player(**{**LIKE["digits"], **more}) for more in ({}, {"layers": [3]}, {"seed": 1}))
    assert one.session.experiment.problem is other.session.experiment.problem is not third.session.experiment.problem


def test_earlier_networks_with_much_data_are_given_up_and_free_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    player = Player(**SMALL)
    given_up = weakref.ref(player.session.experiment.problem)
    for seed, size in ((1, 2**20), (2, 2**20), (3, 1)):
        monkeypatch.setattr("playground.session.BYTES", size)
        assert given_up() is not None
        player("configure", configuration={**SMALL, "seed": seed})
    assert given_up() is None
    assert [player("back")["configuration"]["seed"], player("frame")["can_go_back"]] == [2, False]


def test_back_restores_parameters_and_settings_exactly() -> None:
    player = Player(**SMALL)
    player("run")
    doings: list[dict[str, Any]] = [
        {"do": "frame", "steps": 3},
        {"do": "step"},
        {"do": "set", "rate": 0.3, "optimizer": {"name": "adam"}},
        {"do": "step", "count": 4},
        {"do": "weight", "layer": 0, "neuron": 2, "input": 1, "value": 0.75},
        {"do": "set", "activations": "sin(x)", "l1": 0.01},
        {"do": "step", "by": "epoch"},
        {"do": "set", "cost": "hinge", "batch_size": 3, "clip": 1.0},
        {"do": "step", "by": "example"},
        {"do": "step", "by": "example"},
        {"do": "step", "by": "example"},
    ]
    been = []
    for doing in doings:
        been.append((player.parameters, player("frame", boundary=8), player.session.experiment.configuration))
        player(**doing)
        player("run")
    for parameters, frame, configuration in reversed(been):
        reply = player("back")
        assert reply["configuration"] == json.loads(json.dumps(configuration.complete()))
        assert player.parameters == parameters
        now = player("frame", boundary=8)
        assert (now.pop("boundary") == frame.pop("boundary")).all()
        assert now == {**frame, "running": False, "can_go_back": now["can_go_back"], "arrays": now["arrays"]}
    assert player("frame")["can_go_back"] is False
    for doing in doings:
        player(**doing)
        player("run")


def test_steps_after_going_back_are_the_same_again() -> None:
    player = Player(**SMALL)
    player("step", count=9)
    reached = player.parameters
    player("step", count=5)
    player("back")
    assert player.parameters == reached
    player("step", count=5)
    after = player.parameters
    player("back")
    for _ in range(5):
        player("step")
    assert player.parameters == after


def test_changed_settings_apply_to_the_run() -> None:
    player, (model, _, (X, Y)) = Player(**LIKE["moons"]), own("moons")
    player("set", optimizer={"name": "sgd", "momentum": 0.0}, rate=0.05, batch_size=14, clip=0.2)
    player("step", by="epoch")
    train(
        model, X, Y, cost=binary_cross_entropy, optimizer=SGD(0.05), batch_size=14, clip=0.2, epochs=1, progress=False,
        measure_accuracy=False,
    )  # fmt: skip
    assert player.parameters == [each.data for each in model.parameters()]


@pytest.mark.parametrize("kind", [*LIKE, "points", "csv"])
def test_a_complete_configuration_is_read_unchanged(kind: str) -> None:
    data = {"points": {"name": "points", "X": [[0, 0.5], [1, 1], [-1, 0.25]], "y": [0, 1, 2]}, "csv": {"name": "csv", "text": CSV}}
    first = Player(**LIKE.get(kind, {"data": data.get(kind), "layers": [3]}))
    complete = first.configured["configuration"]
    again = Player(**complete)
    assert again.configured == first.configured
    for player in (first, again):
        player("step", count=5)
    assert again.parameters == first.parameters


def test_divergence_is_explained_and_the_last_finite_numbers_are_restored() -> None:
    player = Player(**{**SMALL, "cost": "squared_error", "activations": "x", "optimizer": {"name": "sgd", "momentum": 0.0}})
    player("step", count=9)
    player("set", rate=1e5)
    player("run")
    frame = player("frame", steps=1000)
    while frame["stopped"] is None:
        frame = player("frame", steps=1000)
    assert frame["running"] is False
    assert frame["stopped"]["problem"].startswith("training diverged in epoch 4, at step ")
    assert "with learning rate 100000: " in frame["stopped"]["problem"]
    assert frame["stopped"]["problem"].endswith(
        f"Back at step {frame['step']}, where all numbers were finite: try a smaller learning rate, or gradient clipping"
    )
    assert frame["stopped"]["neuron"] is None
    assert 9 <= frame["step"] < 60
    assert math.isfinite(frame["cost"])
    assert np.isfinite(player.parameters).all()
    assert player("frame")["stopped"] is None
    player("set", rate=0)
    player("step", count=3)


def test_the_neuron_whose_activation_has_no_value_is_named() -> None:
    player = Player(**SMALL, activations=["log(x + 5.5)", "tanh(x)"], optimizer={"name": "sgd", "momentum": 0.0})
    player("step", count=2)
    player("set", rate=1000)
    player("run")
    frame = player("frame", steps=100)
    stopped = frame["stopped"]
    layer, neuron = stopped["neuron"]
    assert layer == 0
    assert f": neuron {neuron} of layer 0, at the weighted sum -" in stopped["problem"]
    assert "the activation log(x + 5.5) is undefined. Back at step 2, where all" in stopped["problem"]
    assert stopped["problem"].endswith("try a smaller learning rate, or another activation")
    assert 0 <= stopped["example"] < 28
    assert (frame["step"], frame["running"]) == (2, False)
    assert math.isfinite(frame["cost"])


def test_divergence_in_the_first_step_of_a_frame_restores_an_earlier_state() -> None:
    player = Player(**SMALL, activations=["log(x + 5.5)", "tanh(x)"], optimizer={"name": "sgd", "momentum": 0.0})
    player("step", count=2)
    good = player.parameters
    player("weight", layer=0, neuron=1, input=None, value=-50)
    told = player("step")
    assert told["stopped"]["neuron"] == [0, 1]
    assert player.parameters == good
    player("weight", layer=0, neuron=1, input=None, value=-50)
    for _ in range(7):
        told = player("step", by="example") if (told := player.reply("step", by="example"))["is"] == "stepped" else told
    assert "neuron 1 of layer 0, at the weighted sum -" in (told.get("problem") or told["stopped"]["problem"])


def test_an_activation_undefined_at_a_weighted_sum_is_refused() -> None:
    player = Player(**SMALL)
    player("weight", layer=0, neuron=2, input=None, value=-30)
    before = player.parameters, player("frame", boundary=8)["boundary"].tolist()
    refused = player.refused("set", activations="sqrt(x + 6)")
    assert refused["problem"].startswith("neuron 2 of layer 0, at the weighted sum -")
    assert refused["problem"].endswith("the activation sqrt(x + 6) is undefined: choose an activation that is defined everywhere")
    assert (player.parameters, player("frame", boundary=8)["boundary"].tolist()) == before
    assert player.session.experiment.configuration.activations == ("tanh(x)", "tanh(x)")
    player("step", count=3)


def test_going_back_reaches_a_state_with_an_undefined_cost() -> None:
    player = Player(**SMALL, activations="log(x + 6)")
    player("weight", layer=0, neuron=2, input=None, value=-30)
    player("weight", layer=0, neuron=1, input=None, value=-40)
    before = player.parameters
    player("set", activations="tanh(x)")
    player("step", count=3)
    player("back")
    assert player("back")["configuration"]["activations"] == ["log(x + 6)", "log(x + 6)"]
    assert player.parameters == before
    player("back")
    player("back")
    player("step", count=3)
    other = Player(**SMALL, activations="log(x + 6)")
    other("step", count=3)
    assert player.parameters == other.parameters


def test_several_writes_to_a_weight_at_one_step_are_one_change() -> None:
    """A slider writes many; the oracle is the state before it was moved."""
    player, first, second = Player(**SMALL), {"layer": 0, "neuron": 1, "input": 0}, {"layer": 0, "neuron": 1, "input": 1}
    states = [player.parameters]
    for moved in (first, second, first, None, first):
        if moved is None:
            player("step", count=1)
        else:
            for value in (0.5, 0.6, 0.7):
                player("weight", **moved, value=value + len(states))
        states.append(player.parameters)
    for state in reversed(states[:-1]):
        player("back")
        assert player.parameters == state
    assert not player("frame")["can_go_back"]


def test_an_example_with_an_undefined_activation_is_reported() -> None:
    player = Player(**SMALL)
    player("set", activations="log(x + 6)")
    player("weight", layer=0, neuron=2, input=None, value=-30)
    refused = player.refused("inspect", what="example")
    assert refused["problem"].startswith("neuron 2 of layer 0, at the weighted sum -")
    assert "log(" in refused["problem"]
    frame = player("frame", boundary=8)
    assert frame["cost"] is None


def test_of_many_states_a_run_goes_back_near_any_step() -> None:
    player = Player(**SMALL)
    parameters = {0: player.parameters}
    for step in range(1, 701):
        player("step")
        if step % 50 == 0:
            parameters[step] = player.parameters
    assert len(player.session.experiment.past) <= 200
    for to in (690, 333, 100):
        reply = player("back", to=to)
        assert to - 20 <= reply["step"] <= to
        if reply["step"] in parameters:
            assert player.parameters == parameters[reply["step"]]
    assert player("back", to=0)["step"] == 0
    assert player.parameters == parameters[0]
    assert player.refused("back", to=0)["problem"].startswith("there is nothing to go back to")
