"""The playground's session, without a browser: its numbers are the engine's, and what cannot be done leaves all as it was."""

from __future__ import annotations

import io
import json
import math
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Value, relu, sigmoid, tanh
from nn import (
    MLP,
    SGD,
    Adam,
    Cosine,
    binary_cross_entropy,
    blobs,
    circles,
    cross_entropy,
    digits,
    formula,
    hinge,
    l2_penalty,
    moons,
    one_hot,
    spirals,
    split,
    squared_error,
    standardize,
    train,
)
from nn.data import Array
from playground import Session, bundle, inspector
from playground.configuration import ACTIVATIONS, CLASSES, COSTS, FEATURES
from tests.playground.players import Player, unpacked

ROOT = Path(__file__).parents[2]
SMALL: dict[str, Any] = {"data": {"name": "moons", "n": 40}, "layers": [4, 3], "batch_size": 7}
CSV = "height,width,kind\n1.5,2,oak\n2.5,1,elm\n3.5,4,oak\n0.5,2.5,elm\n1.0,3,oak\n2.0,5,elm\n"


# The protocol


def test_a_session_says_what_there_is_to_choose_from() -> None:
    player = Player()
    hello = player("hello", id="first")
    assert hello["id"] == "first"
    assert player("configure", configuration=hello["defaults"])["configuration"] == hello["defaults"]
    assert {each["name"] for each in hello["data"]} == set(CLASSES)
    assert hello["limits"]["message"] == 2_000_000
    for text in hello["activations"]:
        assert player("formula", text=text)["text"] == text
    assert "where" in hello["functions"]
    assert hello["constants"] == ["e", "pi"]


@pytest.mark.parametrize("identity", [0, -7, 2**53 - 1, "", "seven", "é" * 100])
def test_a_reply_repeats_the_id_of_its_message(identity: Any) -> None:
    player = Player()
    for do in ("hello", "frame", "save", "nothing"):
        assert player.reply(do, id=identity)["id"] == identity
    assert "id" not in player("hello")


@pytest.mark.parametrize("identity", [None, 1.5, True, 2**53, "x" * 101, [1]])
def test_an_id_is_a_whole_number_or_a_short_text(identity: Any) -> None:
    refused = Player().refused("hello", id=identity)
    assert refused["problem"].startswith("id must be a whole number or up to 100 characters, got ")
    assert "id" not in refused


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("", "a message is JSON, and this is not: Expecting value"),
        ("{", "a message is JSON, and this is not: Expecting property name"),
        ("[1, 2]", "a message is a JSON object with a field `do`, got [1, 2]"),
        ("7", "a message is a JSON object with a field `do`, got 7"),
        ('{"do": NaN}', "a message is JSON, and this is not: NaN is no number in JSON"),
        ('{"do": "frame", "steps": -Infinity}', "a message is JSON, and this is not: -Infinity is no number in JSON"),
        ("[" * 100_000, "a message is JSON, and this is not: "),
        ("9" * 5000, "a message is JSON, and this is not: "),
        ("x" * 2_000_001, "a message has at most 2,000,000 characters, got 2,000,001"),
        (
            "{}",
            "do must be one of hello, configure, set, run, pause, frame, step, back, inspect, weight, draw, formula, source, save; got n",
        ),
        ('{"do": "__init__"}', "do must be one of hello, configure, set, run, pause, frame, step, back, inspect, weight, draw, "),
        ('{"do": ["hello"]}', 'save; got ["hello"]'),
        (b"hello", "a message is text, got bytes"),
        ('{"do": "hello", "to": "you"}', 'unknown field "to"; none is known here'),
        ('{"do": "frame", "steps": 1e400}', "steps must be a whole number from 0 to 1,000, got "),
    ],
)
def test_what_is_no_message_is_answered_by_an_error(message: Any, problem: str) -> None:
    player = Player(**SMALL)
    reply = unpacked(player.session.handle(message))
    assert reply["is"] == "error"
    assert problem in reply["problem"]
    assert "\n" not in reply["problem"]
    assert player("run")["is"] == "running"


WRONG: list[tuple[Any, str, str]] = [
    (7, "", "this must be an object with fields, got 7"),
    ({"colour": 1}, "colour", 'unknown field "colour"; known here are layers, cost, '),
    ({"data": {"name": "mice"}}, "data.name", "must be one of moons, circles, xor, spirals, blobs, digits, "),
    ({"data": {"name": "moons", "n": 3}}, "data.n", "must be a whole number from 4 to 5,000, got 3"),
    ({"data": {"name": "moons", "n": 1e9}}, "data.n", "must be a whole number from 4 to 5,000, got 10000"),
    ({"data": {"name": "moons", "n": True}}, "data.n", "must be a whole number from 4 to 5,000, got true"),
    ({"data": {"name": "moons", "noise": -1}}, "data.noise", "must be a number from 0 to 10, got -1"),
    ({"data": {"name": "moons", "noise": "1"}}, "data.noise", 'must be a number from 0 to 10, got "1"'),
    ({"data": {"name": "moons", "classes": 3}}, "data.classes", "must be a whole number from 2 to 2, got 3"),
    ({"data": {"name": "digits", "n": 3001}}, "data.n", "must be a whole number from 10 to 3,000, got 3001"),
    ({"data": {"name": "points"}}, "data.X", "must be a list of 0 to 5,000, got null"),
    ({"data": {"name": "points", "X": [[0, 1]], "y": []}}, "data.y", "must be a list of 1, got 0"),
    ({"data": {"name": "points", "X": [[0]], "y": [0]}}, "data.X[0].X", "must be a list of 2, got 1"),
    ({"data": {"name": "points", "X": [[0, 1]], "y": [6]}}, "data.y[0]", "must be a whole number from 0 to 5, got 6"),
    ({"data": {"name": "csv"}}, "data.text", "must be text, got null"),
    ({"data": {"name": "csv", "text": CSV, "file": "/etc/passwd"}}, "data.file", 'unknown field "file"'),
    ({"data": {"name": "csv", "text": CSV, "target": "kin"}}, "data.text", "the text has no single column 'kin'"),
    ({"held_out": 1}, "held_out", "must be a number from 0 to 0.9, got 1"),
    ({"features": []}, "features", "must be a list of 1 to 7, got 0"),
    ({"features": ["x3"]}, "features[0]", 'must be one of x1, x2, x1^2, x2^2, x1*x2, sin(4*x1), sin(4*x2); got "x3"'),
    ({"features": ["x1", "x1"]}, "features", "has one of them twice"),
    ({"layers": [4] * 7}, "layers", "must be a list of 0 to 6, got 7"),
    ({"layers": [65]}, "layers[0]", "must be a whole number from 1 to 64, got 65"),
    ({"data": {"name": "digits"}, "layers": [64, 64, 64, 64]}, "layers", "has 63,370 parameters, more than 60,000"),
    ({"activations": ["x"]}, "activations", "must be a formula, or a list of one for each of the 2 hidden layers, got 1"),
    ({"activations": [1, "x"]}, "activations[0]", "must be a formula of x, such as tanh(x); got 1"),
    ({"activations": ["x", "x +"]}, "activations[1]", "invalid syntax at the end: something is missing"),
    ({"activations": "tanh"}, "activations", "the function tanh needs arguments in parentheses"),
    ({"activations": "x" * 1_000_000}, "activations", "the formula has 1,000,000 characters, more than 200"),
    ({"output_activation": "tanh(x)"}, "output_activation", "must be x for cross_entropy, which takes scores"),
    ({"output_activation": None}, "output_activation", "must be a formula of x, such as tanh(x); got null"),
    ({"cost": "l2"}, "cost", 'must be one of squared_error, cross_entropy, hinge; got "l2"'),
    ({"optimizer": "adam"}, "optimizer", 'this must be an object with fields, got "adam"'),
    ({"optimizer": {"name": "adam", "momentum": 0.9}}, "optimizer.momentum", 'unknown field "momentum"'),
    ({"optimizer": {"name": "sgd", "momentum": 1}}, "optimizer.momentum", "must be a number from 0 to 0.999"),
    ({"optimizer": {"nesterov": 1}}, "optimizer.nesterov", "must be true or false, got 1"),
    ({"optimizer": {"momentum": 0, "nesterov": True}}, "optimizer.nesterov", "looks ahead along the momentum"),
    ({"schedule": {"name": "cosine", "epochs": 0}}, "schedule.epochs", "must be a number from 0.1 to 1e+06"),
    ({"rate": -0.1}, "rate", "must be a number from 0 to 1e+06, got -0.1"),
    ({"batch_size": 0}, "batch_size", "must be a whole number from 1 to 5,000, got 0"),
    ({"clip": 0}, "clip", "must be a number from 1e-09 to 1e+06, got 0"),
    ({"seed": -1}, "seed", "must be a whole number from 0 to 2,147,483,647, got -1"),
    ({"parameters": [1, 2]}, "parameters", "must be 337 numbers for a network of [2, 16, 16, 1], got 2"),
    ({"parameters": [1e300]}, "parameters[0]", "must be a number from -1e+06 to 1e+06, got 1e+300"),
]  # fmt: skip


@pytest.mark.parametrize(("configuration", "field", "problem"), WRONG)
def test_a_configuration_that_is_none_is_refused_by_its_field(configuration: Any, field: str, problem: str) -> None:
    player = Player(**SMALL)
    player("step")
    before = player.parameters
    refused = player.refused("configure", configuration=configuration)
    assert refused["field"] == f"configuration.{field}".removesuffix(".")
    assert problem in refused["problem"]
    assert player.parameters == before
    assert player("frame")["step"] == 1


def test_the_caret_of_a_formula_comes_with_the_error() -> None:
    player = Player()
    refused = player.refused("configure", configuration={"activations": ["tanh(x)", "x * sigmod(x)"]})
    assert (refused["field"], refused["position"]) == ("configuration.activations[1]", 4)
    assert refused["problem"] == "unknown name 'sigmod'; did you mean sigmoid?"
    refused = player.refused("set", activations="(x")
    assert (refused["field"], refused["position"], refused["problem"]) == ("activations", 0, "this parenthesis is not closed")
    refused = player.refused("formula", text="x +")
    assert (refused["field"], refused["position"]) == ("text", 3)


COMMANDS: list[tuple[dict[str, Any], str]] = [
    ({"do": "frame", "steps": 1001}, "steps must be a whole number from 0 to 1,000, got 1001"),
    ({"do": "frame", "boundary": 201}, "boundary must be a whole number from 0 to 200, got 201"),
    ({"do": "frame", "maps": 5}, "maps must be 0 or at least 8, got 5"),
    ({"do": "frame", "gradient": "yes"}, 'gradient must be true or false, got "yes"'),
    ({"do": "step", "by": "hand"}, 'by must be one of example, step, epoch; got "hand"'),
    ({"do": "step", "by": "epoch", "count": 2}, "count must be a whole number from 1 to 1, got 2"),
    ({"do": "back"}, "there is nothing to go back to: this is the beginning, or as far as is remembered"),
    ({"do": "inspect", "what": "cat"}, 'what must be one of example, neuron, weight; got "cat"'),
    ({"do": "inspect", "example": {"of": "training", "index": 28}}, "example.index must be a whole number from 0 to 27, got 28"),
    ({"do": "inspect", "example": {"of": "drawn"}}, "example.of is drawn, and nothing has been drawn yet"),
    ({"do": "inspect", "what": "neuron", "layer": 3, "neuron": 0}, "layer must be a whole number from 0 to 2, got 3"),
    ({"do": "inspect", "what": "neuron", "layer": 0}, "neuron must be a whole number from 0 to 3, got null"),
    ({"do": "inspect", "what": "weight", "layer": 1, "neuron": 0, "input": 4}, "input must be a whole number from 0 to 3, got 4"),
    ({"do": "weight", "layer": 0, "neuron": 0, "input": 0, "value": None}, "value must be a number from -1e+06 to 1e+06, got null"),
    ({"do": "draw", "pixels": [0] * 784}, "drawing is for the digits: choose them as the data first"),
    ({"do": "draw", "pixels": [0] * 783}, "pixels must be a list of 784, got 783"),
    ({"do": "draw", "pixels": [2] * 784}, "pixels[0] must be a number from 0 to 1, got 2"),
    ({"do": "formula", "text": 7}, "text must be a formula of x, such as tanh(x); got 7"),
    ({"do": "formula", "text": "x", "from": 3, "to": 3}, "to must be more than from, 3; got 3"),
    ({"do": "formula", "text": "1/x"}, "this has no value (float division by zero) at x = 0, and an activation must have one at"),
    ({"do": "save", "what": "/etc/passwd"}, 'what must be one of weights, script, page; got "/etc/passwd"'),
    ({"do": "set", "layers": [3]}, 'unknown field "layers"; known here are rate, schedule, optimizer, batch_size, clip, '),
    ({"do": "set", "rate": None}, "rate must be a number from 0 to 1e+06, got null"),
    ({"do": "set", "output_activation": "tanh(x)"}, "output_activation must be x for cross_entropy, which takes scores"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "problem"), COMMANDS)
def test_what_cannot_be_done_is_refused_with_nothing_changed(message: dict[str, Any], problem: str) -> None:
    player = Player(**SMALL)
    before = player.parameters, player("frame")
    refused = player.refused(**message)
    assert problem in refused["problem"]
    assert (player.parameters, player("frame")) == before


def test_every_field_of_a_reply_is_in_the_protocol() -> None:
    protocol = str(sys.modules["playground.session"].__doc__)
    plane, picture = Player(**SMALL), Player(**LIKE["digits"])
    replies = [plane.configured, picture("draw", pixels=[0.5] * 784), picture("inspect", what="neuron", layer=0, neuron=0)]
    replies += [plane(do) for do in ("hello", "run", "frame", "pause", "step", "back", "inspect", "source", "save")]
    replies += [plane("step", by="example"), plane("set"), plane("formula", text="x"), plane.refused("formula", text="y", id=1)]
    replies += [plane("inspect", what="weight", layer=0, neuron=0, input=0), plane("weight", layer=0, neuron=0, value=1)]
    arrays = {name for reply in replies for name, *_ in reply.get("arrays", [])}

    def fields_of(thing: Any) -> set[str]:
        if isinstance(thing, list):
            return set().union(*map(fields_of, thing))
        return set(thing).union(*map(fields_of, thing.values())) if isinstance(thing, dict) else set()

    said = fields_of([{name: each for name, each in reply.items() if name not in arrays} for reply in replies]) | arrays
    limits = set(plane("hello")["limits"])
    assert not [name for name in said - limits if f'"{name}"' not in protocol and f"`{name}`" not in protocol]


# Learning


def own(kind: str) -> tuple[MLP, dict[str, Any], tuple[Any, Any]]:
    """The network and the run that a user would write for a configuration of `LIKE`: model, settings of train, data."""
    if kind == "moons":
        (X, y), _ = split(*moons(40, noise=0.1, seed=0), test=0.3, seed=0)
        return MLP([2, 4, 3, 1], activation=[tanh, relu, None]), {"cost": binary_cross_entropy, "optimizer": SGD(0.1, momentum=0.9)}, (X, y)
    if kind == "circles":
        X, y = circles(30, noise=0.2, seed=3)
        X = np.column_stack([X[:, 0], X[:, 1] ** 2, X[:, 0] * X[:, 1], np.sin(4 * X[:, 1])])
        return MLP([4, 5, 1], activation=formula("x * sigmoid(x)"), seed=3), {"cost": hinge, "optimizer": Adam(0.05)}, (X, 2 * y - 1)
    if kind == "spirals":
        (X, y), _ = split(*spirals(60, classes=3, noise=0.05, seed=1), test=0.2, seed=1)
        model = MLP([2, 6, 3], activation=[tanh, sigmoid], seed=1)
        weights = [weight for layer in model.layers for neuron in layer.neurons for weight in neuron.weights]

        def cost(outputs: Any, target: Any) -> Any:
            return squared_error(outputs, target) + (0.001 * sum(abs(w) for w in weights) + 0.01 * l2_penalty(weights))

        return model, {"cost": cost, "optimizer": SGD(Cosine(0.3, 4), momentum=0.5, nesterov=True)}, (X, one_hot(y, 3))
    if kind == "blobs":
        (X, y), _ = split(*blobs(50, classes=4, noise=0.3, seed=0), test=0.3, seed=0)
        return MLP([2, 4]), {"cost": cross_entropy, "optimizer": SGD(0.1, momentum=0.9), "clip": 0.5}, (X, y)
    (X, y), _ = split(*digits(30, seed=0), test=0.3, seed=0)
    return MLP([784, 5, 10], activation=sigmoid), {"cost": cross_entropy, "optimizer": Adam(0.01)}, (X, y)


LIKE: dict[str, dict[str, Any]] = {
    "moons": {**SMALL, "activations": ["tanh(x)", "relu(x)"], "optimizer": {"name": "sgd", "momentum": 0.9}},
    "circles": {
        "data": {"name": "circles", "n": 30, "noise": 0.2}, "held_out": 0, "features": ["x1", "x2^2", "x1*x2", "sin(4*x2)"], "layers": [5],
        "activations": "x * sigmoid(x)", "cost": "hinge", "optimizer": {"name": "adam"}, "rate": 0.05, "seed": 3, "batch_size": 7,
    },
    "spirals": {
        "data": {"name": "spirals", "n": 60, "classes": 3, "noise": 0.05}, "held_out": 0.2, "layers": [6],
        "output_activation": "sigmoid(x)",
        "cost": "squared_error", "optimizer": {"name": "sgd", "momentum": 0.5, "nesterov": True}, "rate": 0.3, "l1": 0.001, "l2": 0.01,
        "schedule": {"name": "cosine", "epochs": 4}, "seed": 1, "batch_size": 7,
    },
    "blobs": {"data": {"name": "blobs", "n": 50, "classes": 4, "noise": 0.3}, "layers": [], "clip": 0.5, "batch_size": None},
    "digits": {
        "data": {"name": "digits", "n": 30}, "layers": [5], "activations": "sigmoid(x)", "optimizer": {"name": "adam"},
        "rate": 0.01, "batch_size": 7,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", LIKE)
def test_a_step_is_one_of_train_to_the_last_bit(kind: str) -> None:
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
def test_the_numbers_of_a_moment_are_the_engines(kind: str) -> None:
    player = Player(**LIKE[kind])
    player("step", count=5)
    frame = player("frame", gradient=True)
    experiment = player.session.experiment
    for part, name in ((experiment.problem.training, ""), (experiment.problem.held_out, "held_out_")):
        if not len(part):
            assert (frame["held_out_cost"], frame["held_out_accuracy"]) == (None, None)
            continue
        targets = experiment.targets(part).tolist()
        costs = [experiment.cost_function(experiment.model(x), y).data for x, y in zip(part.X, targets)]
        assert frame[f"{name}cost"] == pytest.approx(sum(costs) / len(costs), rel=1e-12)
        outputs = [[each.data for each in experiment.model(x)] for x in part.X]
        answers = [int(each[0] > 0) if len(each) == 1 else int(np.argmax(each)) for each in outputs]
        assert frame[f"{name}accuracy"] == pytest.approx(np.mean(np.array(answers) == part.y))
    weights = [w.data for w in experiment.weights()]
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


def test_a_frame_whose_steps_last_too_long_takes_fewer_but_one_at_least() -> None:
    seconds = count(0.0, 0.03)  # that much passes from look to look
    player = Player(Session(clock=lambda: next(seconds)), **SMALL)
    player("run")
    assert player("frame", steps=1000)["step"] == 4
    slow = count(0.0, 5.0)
    player = Player(Session(clock=lambda: next(slow)), **SMALL)
    player("run")
    assert [player("frame", steps=10)["step"] for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("kind", ["moons", "circles", "spirals"])
def test_maps_and_boundary_are_the_networks_over_the_plane(kind: str) -> None:
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
            activations, everything = [inputs[each] for each in player.configured["inputs"]], []
            for layer in experiment.model.layers:
                activations = [each.data for each in layer(activations)]
                everything += activations
            expected = activations if name == "boundary" else everything
            np.testing.assert_allclose(frame[name][:, row, column], expected, rtol=2e-5, atol=2e-6)
    points = player.configured["points"]["training"]
    assert all(plane["x"][0] < x < plane["x"][1] and plane["y"][0] < y < plane["y"][1] for x, y in zip(points["x"], points["y"]))


def test_a_frame_brings_what_was_asked_for() -> None:
    player = Player(**SMALL)
    assert [each[0] for each in player("frame")["arrays"]] == []
    assert [each[0] for each in player("frame", maps=8, gradient=True)["arrays"]] == ["maps", "gradient"]
    frame = player("frame", boundary=8, maps=10, parameters=True)
    assert [each[:3] for each in frame["arrays"]] == [
        ["boundary", "float32", [1, 8, 8]],
        ["maps", "float32", [8, 10, 10]],
        ["parameters", "float64", [31]],
    ]
    digits_frame = Player(**LIKE["digits"])("frame", boundary=8, maps=8, parameters=True)
    assert [each[0] for each in digits_frame["arrays"]] == ["parameters"]


# Going back, and other settings on the way


def test_back_is_as_it_was_to_the_bit_settings_included() -> None:
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


def test_a_network_goes_on_with_another_activation_and_another_cost() -> None:
    player = Player(**SMALL)
    player("step", count=6)
    before = player.parameters
    reply = player("set", activations=["sin(x)", "x * sigmoid(x)"], cost="squared_error", output_activation="tanh(x)")
    assert reply["configuration"]["activations"] == ["sin(x)", "x * sigmoid(x)"]
    assert player.parameters == before
    frame = player("frame", boundary=8)
    assert frame["step"] == 6
    assert np.abs(frame["boundary"]).max() <= 1
    player("step", count=30)
    assert player("frame")["cost"] < frame["cost"]


def test_settings_on_the_way_are_those_of_a_run() -> None:
    player, (model, _, (X, Y)) = Player(**LIKE["moons"]), own("moons")
    player("set", optimizer={"name": "sgd", "momentum": 0.0}, rate=0.05, batch_size=14, clip=0.2)
    player("step", by="epoch")
    train(
        model, X, Y, cost=binary_cross_entropy, optimizer=SGD(0.05), batch_size=14, clip=0.2, epochs=1, progress=False,
        measure_accuracy=False,
    )  # fmt: skip
    assert player.parameters == [each.data for each in model.parameters()]


def test_a_weight_is_set_by_hand_and_gone_on_with() -> None:
    player = Player(**SMALL)
    told = player("weight", layer=1, neuron=2, input=None, value=0.5)
    assert (told["is"], told["step"]) == ("weighted", 0)
    assert player.session.experiment.model.layers[1].neurons[2].bias.data == 0.5
    player("weight", layer=1, neuron=2, input=3, value=-2)
    assert player.session.experiment.model.layers[1].neurons[2].weights[3].data == -2.0
    before = player.parameters
    player("step")
    assert player.parameters != before
    player("back")
    assert player.parameters == before


def test_a_network_begins_with_given_numbers() -> None:
    player = Player(**SMALL)
    player("step", count=3)
    numbers = player.parameters
    other = Player(**SMALL, parameters=numbers)
    assert other.parameters == numbers
    assert other.configured["configuration"]["parameters"] == numbers
    assert other("frame", boundary=8)["boundary"].tolist() == player("frame", boundary=8)["boundary"].tolist()


@pytest.mark.parametrize("kind", [*LIKE, "points", "csv"])
def test_a_complete_configuration_is_the_same_again(kind: str) -> None:
    data = {"points": {"name": "points", "X": [[0, 0.5], [1, 1], [-1, 0.25]], "y": [0, 1, 2]}, "csv": {"name": "csv", "text": CSV}}
    first = Player(**LIKE.get(kind, {"data": data.get(kind), "layers": [3]}))
    complete = first.configured["configuration"]
    again = Player(**complete)
    assert again.configured == first.configured
    for player in (first, again):
        player("step", count=5)
    assert again.parameters == first.parameters


def test_only_the_last_moments_are_remembered() -> None:
    player = Player(**SMALL)
    for _ in range(205):
        player("step")
    for _ in range(200):
        player("back")
    assert player("frame")["step"] == 5
    assert player.refused("back")["problem"].startswith("there is nothing to go back to")


# Looking inside


def graph(player: Player, x: Any, target: Any) -> tuple[MLP, Value]:
    """The network after backward() from this example's cost, as a user would write it."""
    experiment = player.session.experiment
    experiment.model.zero_grad()
    cost = experiment.cost_function(experiment.model(x), target)
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
        assert told["cost"] == cost.data
        assert np.asarray(told["gradient"]).tolist() == [each.grad for each in model.parameters()]
        a = part.X[index].tolist()
        for layer, numbers in zip(model.layers, told["layers"]):
            a = [each.data for each in layer(a)]
            assert numbers["a"] == a
            assert numbers["delta"] == [neuron.bias.grad for neuron in layer.neurons]
            for z, slope, neuron in zip(numbers["z"], numbers["slope"], layer.neurons):
                step = 1e-6
                rise = (neuron.activation(z + step) - neuron.activation(z - step)) / (2 * step)
                assert slope == pytest.approx(rise, abs=1e-6)
        assert told["outputs"] == a
        assert told["prediction"] == (int(a[0] > 0) if len(a) == 1 else int(np.argmax(a)))
        outputs = [Value(each) for each in a]
        player.session.experiment.cost_function(outputs, told["target"]).backward()
        assert told["output_wishes"] == pytest.approx([-each.grad for each in outputs], rel=1e-12)
        if told["probabilities"] is not None:
            assert sum(told["probabilities"]) == pytest.approx(1.0)
            assert told["cost"] == pytest.approx(-math.log(told["probabilities"][told["class"]]), rel=1e-9)


def test_a_neurons_terms_and_wishes_add_up() -> None:
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


def test_of_a_neuron_with_many_inputs_the_largest_terms_are_told_and_the_sum_of_the_others() -> None:
    told = Player(**LIKE["digits"])("inspect", what="neuron", layer=0, neuron=0)
    assert len(told["terms"]) == 50
    assert told["others"]["count"] == 734
    whole = sum(each["product"] for each in told["terms"]) + told["others"]["sum"] + told["bias"]["value"]
    assert whole == pytest.approx(told["sum"]["value"], rel=1e-12)
    assert told["terms"][0]["input"].startswith("pixel ")


@pytest.mark.parametrize("kind", LIKE)
def test_a_weights_gradient_its_paths_and_its_wishes_are_one(kind: str) -> None:
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
        assert (told["value"], told["gradient"]) == (leaf.data, leaf.grad)
        assert sum(path["product"] for path in told["paths"]) + told["rest"] == pytest.approx(leaf.grad, rel=1e-9, abs=1e-15)
        for path in told["paths"]:
            assert math.prod(each["derivative"] for each in path["factors"]) == pytest.approx(path["product"], rel=1e-12)
            assert path["factors"][0]["name"].startswith("∂C/∂")
            assert path["factors"][-1]["name"].endswith(f"∂{told['name']}")
        assert told["rule"]["delta"] * told["rule"]["activation"] == pytest.approx(leaf.grad, rel=1e-9, abs=1e-15)
        assert f"is {leaf.grad + 0.0:.4g}: " in told["why"]["text"]
        wishes = []
        for x, y in zip(part.X, experiment.targets(part).tolist()):
            graph(player, x, y)
            wishes.append(-leaf.grad)
        assert [each["wish"] for each in told["wishes"]] == pytest.approx(wishes, rel=1e-9, abs=1e-15)
        assert [each["index"] for each in told["wishes"]] == list(range(len(part)))
        assert [each["class"] for each in told["wishes"]] == part.y.tolist()
        assert told["examples"] == len(part)
        assert told["average"] == pytest.approx(np.mean(wishes), rel=1e-9, abs=1e-15)
        whole = experiment.run._loop.objective.value_and_gradient  # the gradient of everything, as the run has it
        gradient = np.empty(len(experiment.parameters))
        whole((experiment.run.X, experiment.run.Y), experiment.run._vectors.theta, gradient)
        in_order = experiment.run._vectors.in_model_order(gradient)
        assert told["total"] == pytest.approx(in_order[told["index"]], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(
    ("cost", "classes", "names"),
    [
        ("squared_error", 2, {"error²", "error"}),
        ("squared_error", 3, {"error²", "error", "error²#2", "error#2", "error²#3", "error#3"}),
        ("cross_entropy", 2, {"(-score)"}),
        ("cross_entropy", 3, {"logsumexp(differences)", "difference", "difference#2"}),
        ("hinge", 2, {"shortfall", "margin"}),
        (
            "hinge",
            3,
            {f"{name}{which}" for name in ("max(0, 1 + difference)", "max(-1, difference)", "difference") for which in ("", "#2")},
        ),
    ],
)
def test_paths_go_through_the_words_of_the_cost(cost: str, classes: int, names: set[str]) -> None:
    player = Player(data={"name": "blobs", "classes": classes}, layers=[2], cost=cost)
    told = player("inspect", what="weight", layer=0, neuron=1, input=1)
    below = [each["name"].rpartition("/∂")[2] for path in told["paths"] for each in path["factors"]]
    assert {name for name in below if not re.fullmatch(r"[azw]\[.*\]", name)} == names
    assert told["rest"] == 0


def test_of_many_examples_some_wishes_are_told_spread_evenly() -> None:
    player = Player(data={"name": "moons", "n": 1000}, held_out=0, layers=[2])
    told = player("inspect", what="weight", layer=0, neuron=0, input=0)
    indices = [each["index"] for each in told["wishes"]]
    assert (len(indices), indices[0], indices[-1], told["examples"]) == (200, 0, 999, 1000)
    assert indices == sorted(set(indices))


def test_why_a_gradient_is_0_is_said() -> None:
    player = Player(**SMALL, activations="relu(x)")
    player("weight", layer=1, neuron=1, input=None, value=-100)
    told = player("inspect", what="weight", layer=1, neuron=1, input=None)
    assert told["why"]["verdict"] == "zero"
    assert "this relu is off" in told["why"]["text"]
    assert (told["gradient"], told["average"]) == (0, 0)


def test_by_example_one_sees_the_mini_batch_go_by_before_its_update() -> None:
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


def test_without_hidden_layers_there_are_inputs_and_outputs() -> None:
    player = Player(**LIKE["blobs"])
    assert player.configured["layers"] == [2, 4]
    told = player("inspect", what="neuron", layer=0, neuron=3)
    assert told["wish"]["parts"] is None
    assert [each["input"] for each in told["terms"]] == ["x1", "x2"]


# Divergence


def test_divergence_is_explained_and_the_last_finite_numbers_are_back() -> None:
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
        f"Back at step {frame['step']}, where all numbers were finite: try a smaller learning rate, or limit the gradient (clip)"
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


def test_divergence_in_the_first_step_of_a_frame_goes_back_further() -> None:
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


def test_an_activation_without_a_value_where_the_network_is_is_refused() -> None:
    player = Player(**SMALL)
    player("weight", layer=0, neuron=2, input=None, value=-30)
    before = player.parameters, player("frame", boundary=8)["boundary"].tolist()
    refused = player.refused("set", activations="sqrt(x + 6)")
    assert refused["problem"].startswith("neuron 2 of layer 0, at the weighted sum -")
    assert refused["problem"].endswith("the activation sqrt(x + 6) is undefined: choose one that has a value everywhere")
    assert (player.parameters, player("frame", boundary=8)["boundary"].tolist()) == before
    assert player.session.experiment.configuration.activations == ("tanh(x)", "tanh(x)")
    player("step", count=3)


def test_a_moment_without_a_value_can_be_gone_back_to() -> None:
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


def test_writes_to_one_weight_at_one_step_are_one_change() -> None:
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


def test_an_example_that_has_no_value_is_told_of() -> None:
    player = Player(**SMALL)
    player("set", activations="log(x + 6)")
    player("weight", layer=0, neuron=2, input=None, value=-30)
    refused = player.refused("inspect", what="example")
    assert refused["problem"].startswith("neuron 2 of layer 0, at the weighted sum -")
    assert "log(" in refused["problem"]
    frame = player("frame", boundary=8)
    assert frame["cost"] is None


# Digits


def stroke() -> Array:
    picture = np.zeros((28, 28))
    picture[2:20, 3:6] = 1.0
    return picture


def test_a_drawn_digit_is_read_with_its_cost_and_its_wishes() -> None:
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


def test_without_a_target_a_digit_is_what_the_network_says() -> None:
    player = Player(**LIKE["digits"])
    told = player("draw", pixels=stroke().ravel().tolist(), centre=False)
    assert told["class"] == told["prediction"] == int(np.argmax(told["outputs"]))
    assert (told["pixels"] == stroke()).all()
    nothing = player("draw", pixels=[0] * 784)
    assert not nothing["pixels"].any()


# Other data


def test_there_may_be_no_points_to_begin_with() -> None:
    player = Player(data={"name": "points", "X": [], "y": []}, layers=[3])
    assert player.configured["examples"] == {"training": 0, "held_out": 0}
    assert player.configured["plane"] == {"x": [-1.5, 1.5], "y": [-1.5, 1.5], "axes": ["x1", "x2"]}
    frame = player("frame", steps=3, boundary=8, maps=8, parameters=True, gradient=True)
    assert (frame["cost"], frame["accuracy"], frame["step"], frame["can_go_back"]) == (None, None, 0, False)
    assert not frame["gradient"].any()
    for do, more in (("run", {}), ("step", {}), ("step", {"by": "example"}), ("source", {}), ("save", {"what": "script"})):
        assert player.refused(do, **more)["problem"] == "there are no examples to learn from yet: paint some into the plane"
    assert player.refused("inspect")["problem"] == "there are no examples to look at yet: paint some into the plane"
    player("weight", layer=0, neuron=1, input=1, value=2)
    player("set", activations="sin(x)", rate=0.2)
    before = player.parameters
    painted = {"name": "points", "X": [[0.5, 0.5], [-0.5, 0.25]], "y": [0, 1]}
    reply = player("configure", configuration={**player.session.experiment.configuration.complete(), "data": painted, "parameters": before})
    assert (reply["examples"], reply["configuration"]["rate"]) == ({"training": 1, "held_out": 1}, 0.2)
    assert player.parameters == before
    player("step", count=3)


def test_painting_on_does_not_move_the_plane() -> None:
    points = [[0.1, 2.5], [-1.0, 0.0], [0.4, -0.3]]
    player = Player(data={"name": "points", "X": points, "y": [0, 4, 1]})
    assert player.configured["plane"]["x"] == player.configured["plane"]["y"] == [-2.5, 2.5]
    assert player.configured["classes"] == ["0", "1", "2", "3", "4"]
    more = Player(data={"name": "points", "X": [*points, [-2.4, -2.4]], "y": [0, 1, 0, 1]})
    assert more.configured["plane"] == player.configured["plane"]


def test_a_csv_is_standardized_and_its_classes_are_its_words() -> None:
    player = Player(data={"name": "csv", "text": CSV}, held_out=0, layers=[3])
    told = player.configured
    assert (told["inputs"], told["classes"], told["plane"]["axes"]) == (["height", "width"], ["elm", "oak"], ["height", "width"])
    assert told["because"].startswith("line 1 is the header: ")
    X = np.array([[1.5, 2], [2.5, 1], [3.5, 4], [0.5, 2.5], [1, 3], [2, 5]])
    assert player.session.experiment.problem.training.X.tolist() == standardize(X).tolist()
    assert told["points"]["training"]["class"] == [1, 0, 1, 0, 1, 0]
    by_name = Player(data={"name": "csv", "text": "kind,a,b\n1,2,3\n2,4,1\n3,3,3\n", "target": "kind"}, layers=[])
    assert (by_name.configured["classes"], by_name.configured["layers"]) == (["1", "2", "3"], [2, 3])


def test_of_a_csv_with_more_columns_two_are_drawn_and_the_others_stay_at_their_mean() -> None:
    rows = [f"{a},{b},{c},{d},{'xy'[a > b]}" for a, b, c, d in np.random.default_rng(0).normal(size=(30, 4)).round(3).tolist()]
    player = Player(data={"name": "csv", "text": "\n".join(rows)}, layers=[3])
    assert player.configured["layers"] == [4, 3, 1]
    plane = player.configured["plane"]
    (low, high), (_, top) = plane["x"], plane["y"]
    frame = player("frame", boundary=8)
    corner = [low + (high - low) / 16, top - (plane["y"][1] - plane["y"][0]) / 16, 0.0, 0.0]
    assert frame["boundary"][0, 0, 0] == pytest.approx(player.session.experiment.model(corner)[0].data, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the text is empty"),
        ("a,b\n1,2\n", "the text has 1 columns beside the target; 2 to 50 are taken"),
        ("1,2,x\n" * 5002, "the text has 5,002 lines; 5,000 rows are taken"),
        (",".join("1" * 400_000), "a line of the text has 799,999 characters; 5,000 are taken"),
        ("x" * 1_000_001, "configuration.data.text has 1,000,001 characters, more than 1,000,000"),
        ("\n".join(f"1,2,{each}" for each in range(11)), "the target has 11 different values; 2 to 10, the classes, are taken"),
        ("1,2,x\n3,4,x\n", "the target has 1 different values"),
        ("1,2,x\n3,spam,y\n5,6,x\n", "spam"),
        ("1,2,x\n3,y\n", "the text, line 2: 2 cells, but the first line has 3"),
        ('1,"2,x\n', "the text is not a CSV file in UTF-8"),
        ("1,nan,x\n2,3,y\n", "the text: no value for 'column 1' on line 1: fill it in, or remove the lines"),
    ],
)
def test_a_csv_that_is_none_is_refused(text: str, problem: str) -> None:
    refused = Player().refused("configure", configuration={"data": {"name": "csv", "text": text}})
    assert problem in refused["problem"]
    assert refused["field"] == "configuration.data.text"


# Formulas, source, and what is taken away


def test_a_formula_is_sampled_with_two_derivatives() -> None:
    told = Player()("formula", text="x^3 / 6", **{"from": -2, "to": 2}, points=5)
    assert told["x"] == [-2, -1, 0, 1, 2]
    np.testing.assert_allclose(told["f"], [-8 / 6, -1 / 6, 0, 1 / 6, 8 / 6])
    np.testing.assert_allclose(told["first"], [2, 0.5, 0, 0.5, 2])
    np.testing.assert_allclose(told["second"], [-2, -1, 0, 1, 2], atol=1e-15)
    outside = Player()("formula", text="sqrt(x + 5)", **{"from": -6, "to": -4}, points=3)
    assert outside["f"] == [None, 0, 1]
    assert outside["first"] == [None, None, 0.5]


@pytest.mark.parametrize("text", ACTIVATIONS)
def test_what_is_offered_trains(text: str) -> None:
    player = Player(**{**SMALL, "activations": text, "rate": 0.05})
    before = player("frame")["cost"]
    player("step", count=60)
    assert player("frame")["cost"] < before


@pytest.mark.parametrize("kind", [kind for kind in LIKE if kind != "digits"])
def test_the_source_is_the_program_of_this_very_network(kind: str) -> None:
    player = Player(**LIKE[kind])
    player("step", count=3)
    text = player("source")["text"]
    assert text.startswith("import numpy as np\n")
    names: dict[str, Any] = {}
    exec(compile(text, "source", "exec"), names)
    run = player.session.experiment.run
    cost, _ = names["cost"](run.X, run.Y, run._vectors.theta)
    frame = player("frame")
    assert cost == pytest.approx(frame["cost"] + frame["penalty"], rel=1e-12)


def test_what_all_weights_of_a_moment_are_told_from_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        find = getattr(inspector, name)

        def found(*arguments: Any) -> Any:
            asked.append(name)
            return find(*arguments)

        return found

    for name in ("anatomy", "nudges"):
        monkeypatch.setattr(inspector, name, counted(name))
    player = Player(**SMALL)
    changes: list[dict[str, Any]] = [
        {"do": "step"}, {"do": "set", "cost": "hinge"}, {"do": "weight", "layer": 0, "neuron": 0, "input": 0, "value": 0.5}, {"do": "back"},
    ]  # fmt: skip
    for change in changes:
        for place in range(2):
            player("inspect", what="weight", layer=0, neuron=1, input=place)
        assert sorted(asked) == ["anatomy", "nudges"]
        asked.clear()
        player(**change)


def test_saved_weights_are_a_networks_file(tmp_path: Path) -> None:
    player = Player(**SMALL, activations=["tanh(x)", "x * sigmoid(x)"])
    player("step", count=3)
    saved = player("save", what="weights")
    assert (saved["name"], saved["type"]) == ("nudge-moons.npz", "application/octet-stream")
    path = tmp_path / saved["name"]
    path.write_bytes(saved["content"].tobytes())
    model = MLP.load(path, {"x * sigmoid(x)": formula("x * sigmoid(x)")})
    assert [each.data for each in model.parameters()] == player.parameters
    assert player("save")["content"].tobytes() == saved["content"].tobytes()


def test_the_page_is_saved_as_one_file_for_the_page_to_put_its_state_in() -> None:
    saved = Player()("save", what="page")
    assert (saved["name"], saved["type"]) == ("nudge-moons.html", "text/html")
    assert saved["content"].tobytes().decode() == bundle.page()
    assert bundle.page().count(bundle.STATE) == 1


def run_script(player: Player) -> tuple[str, list[float]]:
    """The script and the parameters that it ends with."""
    saved = player("save", what="script")
    assert saved["type"] == "text/x-python"
    text = saved["content"].tobytes().decode()
    names: dict[str, Any] = {"__name__": "script", "print": lambda *_: None}
    exec(compile(text, saved["name"], "exec"), names)
    return text, [each.data for each in names["model"].parameters()]


@pytest.mark.parametrize("kind", [*LIKE, "csv", "points"])
def test_the_script_trains_to_the_same_numbers(kind: str) -> None:
    data: dict[str, Any] = {
        "csv": {"name": "csv", "text": CSV},
        "points": {"name": "points", "X": [[0, 1], [0.5, 0], [1, 1]], "y": [0, 2, 1]},
    }
    player = Player(**LIKE.get(kind, {"data": data.get(kind), "layers": [3], "features": ["x1", "x2^2"]}))
    assert run_script(player)[1] == player.parameters
    player("step", count=11)
    assert run_script(player)[1] == player.parameters


def test_the_script_makes_the_same_changes_on_the_way() -> None:
    player = Player(**SMALL, parameters=[0.01 * each for each in range(31)])
    player("step", count=5)
    player("set", rate=0.02, schedule={"name": "step_decay", "factor": 0.5, "every": 2})
    player("step", count=2)
    for value in (0.1, 0.2, 0.3):
        player("weight", layer=0, neuron=1, input=1, value=value)
    player("set", activations=["x * sigmoid(x)", "where(x > 0, x, 0.1 * x)"], l2=0.01, l1=0.001)
    player("step", count=3)
    player("set", cost="squared_error", optimizer={"name": "adam"}, output_activation="tanh(x)")
    player("step", by="epoch")
    player("set", batch_size=None, clip=0.5)
    player("step", by="example")
    text, parameters = run_script(player)
    assert parameters == player.parameters
    assert "= 0.1\n" not in text  # a slider's way is left out
    assert "data = 0.3\n" in text
    player("step", count=4)
    for _ in range(7):
        player("back")
    text, parameters = run_script(player)
    assert parameters == player.parameters
    assert "Adam" not in text


def test_a_run_changed_without_end_has_no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.experiment.CHANGES", 3)
    player = Player(**SMALL)
    for rate in (0.1, 0.2, 0.3):
        player("set", rate=rate)
    run_script(player)
    player("set", rate=0.4)
    player("set", rate=0.5)
    assert player.refused("save", what="script")["problem"] == (
        "this run was changed by hand too often to tell: begin anew, and save sooner"
    )


def test_a_script_is_the_same_text_each_time() -> None:
    first, second = (run_script(Player(**LIKE["spirals"]))[0] for _ in range(2))
    assert first == second
    assert first.splitlines()[0] == "import numpy as np"
    assert "from nn import MLP, SGD, Cosine, Training, l2_penalty, one_hot, spirals, split, squared_error" in first


def test_no_text_of_a_learner_becomes_code() -> None:
    text = 'a,b,c\n1,2,"x\'\n"\n2,3,"\\"\n3,1,"x\'\n"\n'.replace('"\\"', '"\\\\"')
    player = Player(data={"name": "csv", "text": text}, layers=[2])
    assert run_script(player)[1] == player.parameters


# For hours, and against malice


def test_a_long_run_takes_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.experiment.STEPS", 50)
    player, other = Player(Session(clock=lambda: 0.0), **SMALL), Player(**SMALL)  # no frame lasts too long for its steps
    player("run")
    for _ in range(100):
        frame = player("frame", steps=7)
        assert len(player.session.experiment.run.history.steps.cost) <= 50 + 7
    assert (frame["step"], frame["epoch"]) == (700, 175.0)
    monkeypatch.undo()
    other("step", count=700)
    assert player.parameters == other.parameters
    for _ in range(90):
        player("back")
    assert player("frame")["step"] == 70
    player("step", count=630)
    assert player.parameters == other.parameters


def test_a_mistake_of_ours_does_not_end_the_session(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    player = Player()
    monkeypatch.setitem(player.session.answers, "source", lambda given: [][1])
    assert player.refused("source", id=3) == {
        "is": "error", "id": 3, "problem": "this is a mistake in the playground itself: IndexError('list index out of range')",
    }  # fmt: skip
    assert "a message could not be answered" in caplog.text
    assert player("hello")["version"] == 1


ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([-1, 0, 1, 2, 1e308, "x", "tanh(x)", "1/x"])
)
VALUES = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8
)
ACTIVATED = st.sampled_from(["tanh(x)", "exp(x)", "log(x + 5.2)", "x ** 10", "x", "sqrt(x + 5)", "1/(x + 6)"])
SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "rate": st.sampled_from([0, 0.1, 1e6]),
    "activations": ACTIVATED,
    "output_activation": st.sampled_from(["x", "tanh(x)"]),
    "cost": st.sampled_from(COSTS),
    "batch_size": st.none() | st.integers(1, 9),
    "l1": st.sampled_from([0, 0.1]),
    "l2": st.sampled_from([0, 1e6]),
    "clip": st.sampled_from([None, 1e-9, 1.0]),
    "optimizer": st.sampled_from([{"name": "adam"}, {"name": "sgd", "momentum": 0.5, "nesterov": True}]),
    "schedule": st.sampled_from([{"name": "cosine", "epochs": 0.1}, {"name": "inverse_time"}]),
}
FIELDS: dict[str, st.SearchStrategy[Any]] = SETTINGS | {
    "steps": st.integers(0, 4),
    "boundary": st.sampled_from([0, 8]),
    "maps": st.sampled_from([0, 8]),
    "parameters": st.booleans(),
    "by": st.sampled_from(["example", "step", "epoch"]),
    "count": st.integers(1, 3),
    "what": st.sampled_from(["example", "neuron", "weight", "script", "weights"]),
    "example": st.fixed_dictionaries({"of": st.sampled_from(["training", "held_out", "drawn"])}, optional={"index": st.integers(0, 9)}),
    "layer": st.integers(0, 3),
    "neuron": st.integers(0, 3),
    "input": st.none() | st.integers(0, 3),
    "value": st.floats(-1e6, 1e6),
    "text": st.sampled_from(["x", "x *", "exp(x)", "log(x + 6)", "x ** 10"]) | st.text("x()+-*/^.19sinlog ", max_size=12),
    "points": st.integers(2, 9),
    "from": st.integers(-9, 9),
    "pixels": st.just([0.5] * 784),
    "target": st.none() | st.integers(0, 9),
    "id": st.integers(0, 9),
}
DATA: list[dict[str, Any]] = [
    {"name": "moons", "n": 8},
    {"name": "points", "X": [], "y": []},
    {"name": "points", "X": [[0, 1e6]], "y": [5]},
    {"name": "csv", "text": CSV},
]
CONFIGURATION = st.fixed_dictionaries(
    {},
    optional={
        "data": st.sampled_from(DATA) | st.fixed_dictionaries({"name": st.just("csv"), "text": st.text("1,x\n\"'. ", max_size=40)}),
        "held_out": st.sampled_from([0, 0.3, 0.9]),
        "features": st.lists(st.sampled_from(FEATURES), max_size=7),
        "layers": st.lists(st.integers(1, 4), max_size=2),
        "seed": st.integers(0, 3),
        "noise": VALUES,
        **SETTINGS,
    },
)
USES = {
    "hello": [], "configure": [], "set": list(SETTINGS),
    "run": [], "pause": [], "frame": ["steps", "boundary", "maps", "parameters"], "step": ["by", "count"], "back": [],
    "inspect": ["what", "layer", "neuron", "input", "example"], "weight": ["layer", "neuron", "input", "value"],
    "draw": ["pixels", "target"],
    "formula": ["text", "from", "points"], "source": [], "save": ["what"],
}  # fmt: skip


@st.composite
def messages(draw: st.DrawFn) -> str:
    """A message: such as a page would send, or with something else in it, or none at all."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.text(max_size=30) | VALUES.map(json.dumps))
    do = draw(st.sampled_from(list(USES)))
    message: dict[str, Any] = {"do": do}
    for name in USES[do]:
        if draw(st.integers(0, 2)):
            message[name] = draw(FIELDS[name])
    if do == "configure":
        message["configuration"] = draw(CONFIGURATION)
    if draw(st.integers(0, 5)) == 0:
        message[draw(st.sampled_from([*FIELDS, "do", "configuration"]) | st.text(max_size=5))] = draw(VALUES)
    return json.dumps(message)


def play(texts: list[str]) -> None:
    """Each message has one reply, whatever it is; no mistake of ours, no number that is not finite, and the session goes on."""
    session = Session()
    with warnings.catch_warnings(), io.StringIO():
        warnings.simplefilter("error")
        for text in texts:
            reply = unpacked(session.handle(text))
            assert "mistake in the playground" not in reply.get("problem", ""), (text, reply)
            assert np.isfinite([each.data for each in session.experiment.parameters]).all(), text
    assert unpacked(session.handle('{"do": "hello"}'))["is"] == "hello"


@given(st.lists(messages(), min_size=1, max_size=25))
@settings(max_examples=40, deadline=None)
def test_whatever_is_sent_is_answered(texts: list[str]) -> None:
    play(texts)


@pytest.mark.soak
@given(st.lists(messages(), min_size=100, max_size=100))
@settings(max_examples=100, deadline=None)
def test_ten_thousand_messages_are_answered(texts: list[str]) -> None:
    play(texts)


HOURS = """
import json, resource, sys
from playground import Session
session = Session(clock=lambda: 0.0)  # no frame lasts too long
frames = int(sys.argv[1])
begin = {"data": {"name": "moons", "n": 20}, "layers": [2], "batch_size": 5, "rate": 0.01}
ask = [json.dumps(each) for each in ({"do": "configure", "configuration": begin}, {"do": "run"})]
frame = json.dumps({"do": "frame", "steps": 7, "boundary": 8, "maps": 8, "parameters": True})
assert all('"is":"error"' not in session.handle(each) for each in ask)
for index in range(frames):
    session.handle(frame)
    if index in (frames // 5, frames - 1):
        print(session.experiment.step, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("frames", [1500, pytest.param(8 * 3600 * 20, marks=pytest.mark.soak)])
def test_hours_of_frames_take_no_more_memory_than_minutes(frames: int) -> None:
    pytest.importorskip("resource")
    command = [sys.executable, "-c", HOURS, str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    (early, at_first), (last, at_last) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert (early, last) == (7 * (frames // 5 + 1), 7 * frames)
    assert at_last < 1.05 * at_first
