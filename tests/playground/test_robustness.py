"""Random messages and long runs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground import Session
from playground.configuration import COSTS, FEATURES
from playground.session import ANSWERS
from tests.playground.players import CSV, SMALL, Player, unpacked

ROOT = Path(__file__).parents[2]


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


def test_a_bug_does_not_end_the_session(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    player = Player()
    monkeypatch.setitem(ANSWERS, "source", lambda session, given: [][1])
    assert player.refused("source", id=3) == {
        "is": "error", "id": 3, "problem": "this is a bug in the playground: IndexError('list index out of range')",
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
        "features": st.lists(st.sampled_from(list(FEATURES)), max_size=7),
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
def test_random_messages_get_one_reply_each(texts: list[str]) -> None:
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


@pytest.mark.soak
@pytest.mark.parametrize("frames", [500, 8 * 3600 * 20])
def test_long_runs_of_frames_use_constant_memory(frames: int) -> None:
    pytest.importorskip("resource")
    command = [sys.executable, "-c", HOURS, str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    (early, at_first), (last, at_last) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert (early, last) == (7 * (frames // 5 + 1), 7 * frames)
    assert at_last < 1.05 * at_first
