"""Messages and replies: every message gets one reply, and an invalid one an error that changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playground.configuration import CLASSES
from tests.playground.players import CSV, LIKE, SMALL, Player, unpacked

ROOT = Path(__file__).parents[2]


def test_hello_lists_all_choices() -> None:
    player = Player()
    hello = player("hello", id="first")
    assert hello["id"] == "first"
    assert player("configure", configuration=hello["defaults"])["configuration"] == hello["defaults"]
    assert {each["name"] for each in hello["data"]} == set(CLASSES)
    assert hello["limits"]["message"] == 2_000_000
    for text in hello["activations"]:
        assert player("formula", text=text)["text"] == text
    player("set", **{name: hello["defaults"][name] for name in hello["live"]})


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
        ('{"do": NaN}', "a message is JSON, and this is not: NaN is not a number in JSON"),
        ('{"do": "frame", "steps": -Infinity}', "a message is JSON, and this is not: -Infinity is not a number in JSON"),
        ("[" * 100_000, "a message is JSON, and this is not: "),
        ("9" * 5000, "a message is JSON, and this is not: "),
        ("x" * 2_000_001, "a message has at most 2,000,000 characters, got 2,000,001"),
        (
            "{}",
            "do must be one of hello, configure, set, run, pause, frame, step, back, inspect, weight, nudge, answers, ask, judge, ",
        ),
        ('{"do": "__init__"}', "do must be one of hello, configure, set, run, pause, frame, step, back, inspect, weight, nudge, answers, "),
        ('{"do": ["hello"]}', 'save; got ["hello"]'),
        (b"hello", "a message is text, got bytes"),
        ('{"do": "hello", "to": "you"}', 'unknown field "to"; there are no fields here'),
        ('{"do": "frame", "steps": 1e400}', "steps must be a whole number from 0 to 1,000, got "),
    ],
)
def test_malformed_messages_get_an_error(message: Any, problem: str) -> None:
    player = Player(**SMALL)
    reply = unpacked(player.session.handle(message))
    assert reply["is"] == "error"
    assert problem in reply["problem"]
    assert "\n" not in reply["problem"]
    assert player("run")["is"] == "running"


WRONG: list[tuple[Any, str, str]] = [
    (7, "", "expected an object with fields, got 7"),
    ({"colour": 1}, "colour", 'unknown field "colour"; the fields are layers, data, cost, '),
    ({"data": {"name": "mice"}}, "data.name", "must be one of moons, circles, xor, spirals, blobs, digits, "),
    ({"data": {"name": "moons", "n": 3}}, "data.n", "must be a whole number from 4 to 5,000, got 3"),
    ({"data": {"name": "moons", "n": True}}, "data.n", "must be a whole number from 4 to 5,000, got true"),
    ({"data": {"name": "moons", "noise": -1}}, "data.noise", "must be a number from 0 to 10, got -1"),
    ({"data": {"name": "moons", "classes": 3}}, "data.classes", "must be a whole number from 2 to 2, got 3"),
    ({"data": {"name": "digits", "n": 5001}}, "data.n", "must be a whole number from 10 to 5,000, got 5001"),
    ({"data": {"name": "points"}}, "data.X", "must be a list of 0 to 5,000 elements, got null"),
    ({"data": {"name": "points", "X": [[0, 1]], "y": []}}, "data.y", "must be a list of 1 elements, got 0"),
    ({"data": {"name": "points", "X": [[0]], "y": [0]}}, "data.X[0].X", "must be a list of 2 elements, got 1"),
    ({"data": {"name": "points", "X": [[0, 1]], "y": [6]}}, "data.y[0]", "must be a whole number from 0 to 5, got 6"),
    ({"data": {"name": "csv"}}, "data.text", "must be text, got null"),
    ({"data": {"name": "csv", "text": CSV, "file": "/etc/passwd"}}, "data.file", 'unknown field "file"'),
    ({"data": {"name": "csv", "text": CSV, "target": "kin"}}, "data.text", "the text has no single column 'kin'"),
    ({"held_out": 1}, "held_out", "must be a number from 0 to 0.9, got 1"),
    ({"features": []}, "features", "must be a list of 1 to 7 elements, got 0"),
    ({"features": ["x3"]}, "features[0]", 'must be one of x1, x2, x1^2, x2^2, x1*x2, sin(4*x1), sin(4*x2); got "x3"'),
    ({"features": ["x1", "x1"]}, "features", "contains a feature twice"),
    ({"layers": [4] * 7}, "layers", "must be a list of 0 to 6 elements, got 7"),
    ({"data": {"name": "digits", "n": 20}, "layers": [64, 64, 64, 64]}, "layers", "has 63,370 parameters, more than 60,000"),
    ({"activations": ["x"]}, "activations", "must be a formula, or a list of one for each of the 2 hidden layers, got 1"),
    ({"activations": [1, "x"]}, "activations[0]", "must be a formula of x, such as tanh(x); got 1"),
    ({"activations": ["x", "x +"]}, "activations[1]", "invalid syntax at the end: something is missing"),
    ({"activations": "x" * 1_000_000}, "activations", "the formula has 1,000,000 characters, more than 200"),
    ({"output_activation": "tanh(x)"}, "output_activation", "must be x for cross_entropy, which expects scores"),
    ({"output_activation": None}, "output_activation", "must be a formula of x, such as tanh(x); got null"),
    ({"cost": "l2"}, "cost", 'must be one of squared_error, cross_entropy, hinge; got "l2"'),
    ({"optimizer": "adam"}, "optimizer", 'expected an object with fields, got "adam"'),
    ({"optimizer": {"name": "adam", "momentum": 0.9}}, "optimizer.momentum", 'unknown field "momentum"'),
    ({"optimizer": {"name": "sgd", "momentum": 1}}, "optimizer.momentum", "must be a number from 0 to 0.999"),
    ({"optimizer": {"nesterov": 1}}, "optimizer.nesterov", "must be true or false, got 1"),
    ({"optimizer": {"momentum": 0, "nesterov": True}}, "optimizer.nesterov", "needs a momentum above 0, such as 0.9"),
    ({"schedule": {"name": "cosine", "epochs": 0}}, "schedule.epochs", "must be a number from 0.1 to 1e+06"),
    ({"rate": -0.1}, "rate", "must be a number from 0 to 1e+06, got -0.1"),
    ({"batch_size": 0}, "batch_size", "must be a whole number from 1 to 5,000, got 0"),
    ({"clip": 0}, "clip", "must be a number from 1e-09 to 1e+06, got 0"),
    ({"seed": -1}, "seed", "must be a whole number from 0 to 2,147,483,647, got -1"),
    ({"parameters": [1, 2]}, "parameters", "must be 337 numbers for a network of [2, 16, 16, 1], got 2"),
    ({"parameters": [1e300]}, "parameters[0]", "must be a number from -1e+06 to 1e+06, got 1e+300"),
]  # fmt: skip


@pytest.mark.parametrize(("configuration", "field", "problem"), WRONG)
def test_an_invalid_configuration_is_refused_with_its_field(configuration: Any, field: str, problem: str) -> None:
    player = Player(**SMALL)
    player("step")
    before = player.parameters
    refused = player.refused("configure", configuration=configuration)
    assert refused["field"] == f"configuration.{field}".removesuffix(".")
    assert problem in refused["problem"]
    assert player.parameters == before
    assert player("frame")["step"] == 1


def test_an_error_in_a_formula_has_a_position() -> None:
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
    ({"do": "back"}, "there is nothing to go back to: this is the first state, or the oldest one that is kept"),
    ({"do": "inspect", "what": "cat"}, 'what must be one of example, neuron, weight, weights; got "cat"'),
    ({"do": "inspect", "example": {"of": "training", "index": 28}}, "example.index must be a whole number from 0 to 27, got 28"),
    ({"do": "inspect", "example": {"of": "drawn"}}, "example.of is drawn, but no digit has been drawn yet"),
    ({"do": "inspect", "what": "neuron", "layer": 3, "neuron": 0}, "layer must be a whole number from 0 to 2, got 3"),
    ({"do": "inspect", "what": "neuron", "layer": 0}, "neuron must be a whole number from 0 to 3, got null"),
    ({"do": "inspect", "what": "weight", "layer": 1, "neuron": 0, "input": 4}, "input must be a whole number from 0 to 3, got 4"),
    ({"do": "weight", "layer": 0, "neuron": 0, "input": 0, "value": None}, "value must be a number from -1e+06 to 1e+06, got null"),
    ({"do": "draw", "pixels": [0] * 784}, "drawing needs the digits: choose them as the data first"),
    ({"do": "draw", "pixels": [0] * 783}, "pixels must be a list of 784 elements, got 783"),
    ({"do": "draw", "pixels": [2] * 784}, "pixels[0] must be a number from 0 to 1, got 2"),
    ({"do": "formula", "text": 7}, "text must be a formula of x, such as tanh(x); got 7"),
    ({"do": "formula", "text": "x", "from": 3, "to": 3}, "to must be more than from, 3; got 3"),
    ({"do": "formula", "text": "1/x"}, "this has no value (float division by zero) at x = 0; a formula must be finite from -5"),
    ({"do": "save", "what": "/etc/passwd"}, 'what must be one of weights, script, numpy, torch, page; got "/etc/passwd"'),
    ({"do": "set", "layers": [3]}, 'unknown field "layers"; the fields are rate, schedule, optimizer, batch_size, clip, '),
    ({"do": "set", "rate": None}, "rate must be a number from 0 to 1e+06, got null"),
    ({"do": "set", "output_activation": "tanh(x)"}, "output_activation must be x for cross_entropy, which expects scores"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "problem"), COMMANDS)
def test_invalid_messages_are_refused_and_change_nothing(message: dict[str, Any], problem: str) -> None:
    player = Player(**SMALL)
    before = player.parameters, player("frame")
    refused = player.refused(**message)
    assert problem in refused["problem"]
    assert (player.parameters, player("frame")) == before


def test_every_field_of_a_reply_is_in_the_protocol() -> None:
    pages = [ROOT / "docs" / "reference" / name for name in ("playground.md", "playground-protocol.md")]
    protocol = "".join(page.read_text(encoding="utf-8") for page in pages)
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
