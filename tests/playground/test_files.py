"""Formulas, the source, saved weights and scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import vectorize
from nn import MLP, formula
from playground import bundle
from playground.configuration import ACTIVATIONS
from playground.numbers import numbers_of
from playground.programs import Programs
from tests.playground.players import CSV, LIKE, SMALL, Player

TABLE = "size,colour,code,kind\n" + "".join(f"{i},{'red' if i % 3 else 'blue'},{i % 2},{'ab'[i % 5 > 2]}\n" for i in range(20))


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
def test_suggested_activations_train(text: str) -> None:
    player = Player(**{**SMALL, "activations": text, "rate": 0.05})
    before = player("frame")["cost"]
    player("step", count=60)
    assert player("frame")["cost"] < before


@pytest.mark.parametrize("kind", [kind for kind in LIKE if kind != "digits"])
def test_the_source_is_the_program_of_the_current_network(kind: str) -> None:
    player = Player(**LIKE[kind])
    player("step", count=3)
    text = player("source")["text"]
    assert text.startswith("import numpy as np\n")
    names: dict[str, Any] = {}
    exec(compile(text, "source", "exec"), names)
    experiment = player.session.experiment
    run, program = experiment.run, vectorize(lambda x, y: experiment.programs.whole_cost(experiment.model(x), y))
    cost, _ = names["cost"](run.X, run.Y, program.record(run.X, run.Y).parameter_vector())
    frame = player("frame")
    assert cost == pytest.approx(frame["cost"] + frame["penalty"], rel=1e-12)


def test_all_weights_at_one_step_share_one_evaluation_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            calls.append(name)
            return function(*arguments)

        return call

    monkeypatch.setattr("playground.inspector.numbers_of", counted("numbers", numbers_of))
    monkeypatch.setattr(Programs, "explained", counted("explained", Programs.explained))
    player = Player(**SMALL)
    changes: list[dict[str, Any]] = [
        {"do": "step"}, {"do": "set", "cost": "hinge"}, {"do": "weight", "layer": 0, "neuron": 0, "input": 0, "value": 0.5}, {"do": "back"},
    ]  # fmt: skip
    for change in changes:
        for place in range(2):
            player("inspect", what="weight", layer=0, neuron=1, input=place)
        assert sorted(calls) == ["explained", "numbers"]
        calls.clear()
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
    assert (model.classes, model.feature_names) == (["0", "1"], ["x1", "x2"])
    assert player("save")["content"].tobytes() == saved["content"].tobytes()


def test_a_network_saved_from_a_table_predicts_from_raw_rows(tmp_path: Path) -> None:
    player = Player(data={"name": "csv", "text": TABLE, "columns": ["number", "category", "category", "target"]}, layers=[3])
    player("step", count=30)
    path = tmp_path / "network.npz"
    path.write_bytes(player("save")["content"].tobytes())
    model, problem = MLP.load(path), player.session.experiment.problem
    assert model.preprocessing is not None
    rows = [(float(i), "red" if i % 3 else "blue", float(i % 2), "ab"[i % 5 > 2]) for i in range(20)]
    raw = {"size": [row[0] for row in rows], "colour": [row[1] for row in rows], "code": [row[2] for row in rows]}
    for part in (problem.training, problem.held_out):
        assert np.isin(part.X.round(9), model.preprocessing.transform(raw).round(9)).all()
    frame = player("frame")
    right = model.classify(raw) == np.array([row[3] for row in rows])
    assert right.sum() == round(frame["accuracy"] * 14 + frame["held_out_accuracy"] * 6)
    assert model.predict([[2.0, "red", 0.0]]) == pytest.approx(
        model.predict({"size": [2.0], "colour": ["red"], "code": [0.0], "kind": ["a"]})
    )


def test_saving_the_page_returns_one_file_with_a_place_for_the_state() -> None:
    saved = Player()("save", what="page")
    assert (saved["name"], saved["type"]) == ("nudge-moons.html", "text/html")
    files = {name: content for name, content in bundle.page_files().items() if not name.startswith("lessons/")}
    assert saved["content"].tobytes().decode() == bundle.page(files)
    assert bundle.page(files).count(bundle.STATE) == 1


def run_script(player: Player) -> tuple[str, list[float]]:
    """The script and the parameters that it ends with."""
    saved = player("save", what="script")
    assert saved["type"] == "text/x-python"
    text = saved["content"].tobytes().decode()
    names: dict[str, Any] = {"__name__": "script"}
    exec(compile(text, saved["name"], "exec"), names)
    return text, [each.data for each in names["model"].parameters()]


@pytest.mark.parametrize("kind", [*LIKE, "csv", "table", "points", "waves"])
def test_the_script_trains_to_the_same_numbers(kind: str) -> None:
    data: dict[str, Any] = {
        "csv": {"name": "csv", "text": CSV},
        "table": {"name": "csv", "text": TABLE, "columns": ["number", None, "category", "target"]},
        "waves": {"name": "waves", "n": 30},
        "points": {"name": "points", "X": [[0, 1], [0.5, 0], [1, 1]], "y": [0, 2, 1]},
    }
    player = Player(**LIKE.get(kind, {"data": data.get(kind), "layers": [3], "features": ["x1", "x2^2"]}))
    assert run_script(player)[1] == player.parameters
    player("step", count=11)
    assert run_script(player)[1] == player.parameters


def test_the_script_prints_the_figures_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    for settings in (
        {"l2": 0.1},
        {"data": {"name": "waves", "n": 40}},
        {"data": {"name": "blobs", "n": 60}, "cost": "squared_error"},
        {"held_out": 0, "cost": "hinge"},
    ):
        player = Player(**{**SMALL, **settings})
        player("step", count=9)
        run_script(player)
        assert capsys.readouterr().out.splitlines() == figures(player)


WITHOUT: dict[str, dict[str, Any]] = {
    **LIKE,
    "table": {"data": {"name": "csv", "text": TABLE, "columns": ["number", None, "category", "target"]}, "layers": [3]},
    "formula": {**SMALL, "activations": ["e^-x^2 + |x| - max(0, x, 2x) + exp(1)", "where(x > 0, 1, pi) + erf(x) sigmoid(x)"]},
    "comparisons": {**SMALL, "activations": ["(x > 0) + (x > -1) - (x < 0) + x", "x > 0"]},
    "conditions": {**SMALL, "activations": ["where((x > -1)(x < 1), x, 0.1x)", "where(x, 1, x)"]},
    "margins": {"data": {"name": "blobs", "n": 50, "classes": 4}, "cost": "hinge", "layers": [3], "held_out": 0},
    "waves": {"data": {"name": "waves", "n": 40}, "layers": [3], "features": ["x1", "sin(4*x2)"]},
    "xor": {**SMALL, "data": {"name": "xor", "n": 40}, "cost": "squared_error", "activations": ["relu(x)", "x"]},
}


@pytest.mark.parametrize("kind", WITHOUT)
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_script_without_nudge_prints_the_figures_of_the_page(library: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(library, reason=f"the script needs {library}")
    player = Player(**WITHOUT[kind])
    player("step", count=7)
    saved = player("save", what=library)
    assert (saved["name"].rsplit("-", 1)[1].split(".", 1)[1], saved["type"]) == (f"{library}.py", "text/x-python")
    text = saved["content"].tobytes().decode()
    assert not re.search(r"(?m)^\s*(import|from) (nn|autograd|playground)", text)
    exec(compile(text, saved["name"], "exec"), {"__name__": "script"})
    assert capsys.readouterr().out.splitlines() == figures(player)


def figures(player: Player) -> list[str]:
    """What the page shows, as the scripts print it."""
    frame = player("frame")
    lines = []
    for name, of in (("training", ""), ("test", "held_out_")):
        if frame[f"{of}cost"] is not None:
            share = frame[f"{of}accuracy"]
            lines.append(f"{name}: cost {frame[f'{of}cost']:.4g}" + (f", accuracy {100 * share:.1f} %" if share is not None else ""))
    return lines


def test_the_script_repeats_the_changes_during_training() -> None:
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


def test_a_run_with_too_many_changes_has_no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.experiment.CHANGES", 3)
    player = Player(**SMALL)
    for rate in (0.1, 0.2, 0.3):
        player("set", rate=rate)
    run_script(player)
    player("set", rate=0.4)
    player("set", rate=0.5)
    assert player.refused("save", what="script")["problem"] == (
        "this run was changed too often for a script: reset the network and save earlier"
    )


def test_a_script_is_the_same_text_each_time() -> None:
    first, second = (run_script(Player(**LIKE["spirals"]))[0] for _ in range(2))
    assert first == second
    assert first.splitlines()[0] == "import numpy as np"
    assert "from nn import MLP, SGD, Cosine, Training, l2_penalty, one_hot, spirals, split, squared_error" in first


def test_text_from_a_learner_is_never_run_as_code() -> None:
    text = 'a,b,c\n1,2,"x\'\n"\n2,3,"\\"\n3,1,"x\'\n"\n'.replace('"\\"', '"\\\\"')
    player = Player(data={"name": "csv", "text": text}, layers=[2])
    assert run_script(player)[1] == player.parameters
