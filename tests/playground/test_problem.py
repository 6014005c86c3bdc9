"""Data of the playground: painted points and CSV text."""

from __future__ import annotations

import numpy as np
import pytest

from nn import standardize
from tests.playground.players import CSV, Player


def test_there_may_be_no_points_at_first() -> None:
    player = Player(data={"name": "points", "X": [], "y": []}, layers=[3])
    assert player.configured["examples"] == {"training": 0, "held_out": 0}
    assert player.configured["plane"] == {"x": [-1.5, 1.5], "y": [-1.5, 1.5], "axes": ["x1", "x2"]}
    frame = player("frame", steps=3, boundary=8, maps=8, parameters=True, gradient=True)
    assert (frame["cost"], frame["accuracy"], frame["step"], frame["can_go_back"]) == (None, None, 0, False)
    assert not frame["gradient"].any()
    for do, more in (("run", {}), ("step", {}), ("step", {"by": "example"}), ("source", {}), ("save", {"what": "script"})):
        assert player.refused(do, **more)["problem"] == "there are no examples to learn from yet: paint some into the plane"
    assert player.refused("inspect")["problem"] == "there are no examples to inspect yet: paint some into the plane"
    player("weight", layer=0, neuron=1, input=1, value=2)
    player("set", activations="sin(x)", rate=0.2)
    before = player.parameters
    painted = {"name": "points", "X": [[0.5, 0.5], [-0.5, 0.25]], "y": [0, 1]}
    reply = player("configure", configuration={**player.session.experiment.configuration.complete(), "data": painted, "parameters": before})
    assert (reply["examples"], reply["configuration"]["rate"]) == ({"training": 1, "held_out": 1}, 0.2)
    assert player.parameters == before
    player("step", count=3)


def test_painting_more_points_does_not_move_the_plane() -> None:
    points = [[0.1, 2.5], [-1.0, 0.0], [0.4, -0.3]]
    player = Player(data={"name": "points", "X": points, "y": [0, 4, 1]})
    assert player.configured["plane"]["x"] == player.configured["plane"]["y"] == [-2.5, 2.5]
    assert player.configured["classes"] == ["0", "1", "2", "3", "4"]
    more = Player(data={"name": "points", "X": [*points, [-2.4, -2.4]], "y": [0, 1, 0, 1]})
    assert more.configured["plane"] == player.configured["plane"]


def test_a_csv_is_standardized_and_its_classes_have_names() -> None:
    player = Player(data={"name": "csv", "text": CSV}, held_out=0, layers=[3])
    told = player.configured
    assert (told["inputs"], told["classes"], told["plane"]["axes"]) == (["height", "width"], ["elm", "oak"], ["height", "width"])
    assert told["because"] == "The first line was read as column names."
    X = np.array([[1.5, 2], [2.5, 1], [3.5, 4], [0.5, 2.5], [1, 3], [2, 5]])
    np.testing.assert_allclose(player.session.experiment.problem.training.X, standardize(X), rtol=1e-14)
    assert told["points"]["training"]["class"] == [1, 0, 1, 0, 1, 0]
    by_name = Player(data={"name": "csv", "text": "kind,a,b\n1,2,3\n2,4,1\n3,3,3\n", "target": "kind"}, layers=[])
    assert (by_name.configured["classes"], by_name.configured["layers"]) == (["1", "2", "3"], [2, 3])


def test_words_of_test_rows_are_known_and_means_are_those_of_the_training_rows() -> None:
    text = "size,colour,code,kind\n" + "".join(f"{i},c{i % 7},{i % 5},{'ab'[i % 2]}\n" for i in range(14))
    roles = ["number", "category", "category", "target"]
    player = Player(data={"name": "csv", "text": text, "columns": roles}, held_out=0.5, layers=[2])
    problem = player.session.experiment.problem
    assert player.configured["inputs"] == ["size", *(f"colour=c{i}" for i in range(7)), *(f"code={i}" for i in range(5))]
    assert set(np.unique(problem.training.X[:, 1:])) == {0.0, 1.0}
    assert problem.training.X[:, 0].mean() == pytest.approx(0, abs=1e-12)
    assert abs(problem.held_out.X[:, 0].mean()) > 0.01
    (across, down), (*_, top) = player.configured["plane"]["x"], player.configured["plane"]["y"]
    frame = player("frame", boundary=8)
    side = (down - across) / 16
    corner = [across + side, top - side, *problem.training.X[:, 2:].mean(axis=0)]
    assert frame["boundary"][0, 0, 0] == pytest.approx(player.session.experiment.model(corner)[0].data, rel=1e-4, abs=1e-6)


def test_a_csv_with_more_columns_is_drawn_by_its_first_two() -> None:
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
        ("a,b\n1,2\n", "the text has 1 column besides the target; use 2 to 50"),
        ("1,2,x\n" * 5002, "the text has 5,002 lines; the limit is 5,000 rows"),
        (",".join("1" * 400_000), "a line of the text has 799,999 characters; the limit is 5,000"),
        ("x" * 1_000_001, "configuration.data.text has 1,000,001 characters, more than 1,000,000"),
        ("\n".join(f"1,2,{each}" for each in range(11)), "the target has 11 different values; use 2 to 10 classes"),
        ("1,2,x\n3,4,x\n", "the target has 1 different values"),
        ("1,2,x\n3,spam,y\n5,6,x\n", "'column 2' is 'spam', not a finite number: choose category for this column, or leave it out"),
        ("a,a,b\n1,2,x\n2,3,y\n", "the text has 2 columns 'a': rename one of them, or leave one out"),
        ("1,2,x\n3,y\n", "the text, line 2: 2 cells, but the first line has 3"),
        ('1,"2,x\n', "the text is not a CSV file in UTF-8"),
        ("1,nan,x\n2,3,y\n", "the text: no value for 'column 2' on line 1: fill it in, or remove the lines"),
    ],
)
def test_an_invalid_csv_is_refused(text: str, problem: str) -> None:
    refused = Player().refused("configure", configuration={"data": {"name": "csv", "text": text}})
    assert problem in refused["problem"]
    assert refused["field"] == "configuration.data.text"


@pytest.mark.parametrize("delimiter", ["\t", ";", ","])
def test_columns_have_roles(delimiter: str) -> None:
    text = "size,colour,kind,weight\n1,red,a,2.5\n2,blue,b,1\n3,red,b,4\n4,blue,a,2\n".replace(",", delimiter)
    data = {"name": "csv", "text": text, "target": "kind"}
    told = Player(data=data, held_out=0).configured
    assert told["columns"] == [
        {"name": "size", "role": "number"}, {"name": "colour", "role": "category"},
        {"name": "kind", "role": "target"}, {"name": "weight", "role": "number"},
    ]  # fmt: skip
    assert (told["inputs"], told["classes"]) == (["size", "colour=blue", "colour=red", "weight"], ["a", "b"])
    assert told["because"].endswith("The plane shows size and colour=blue, with the other 2 at their mean.")
    chosen = Player(data={**data, "columns": ["number", "target", "leave out", "number"]}, held_out=0)
    assert (chosen.configured["inputs"], chosen.configured["classes"]) == (["size", "weight"], ["blue", "red"])
    usual = Player(data={**data, "columns": ["target", None, None, None]}, held_out=0).configured["columns"]
    assert [each["role"] for each in usual] == ["target", "category", "category", "number"]
    for columns, problem in (
        (["number"] * 4, "must have one target"),
        (["number", "target"], "the text has 4 columns, and there are 2 choices"),
        (["number", "target", "x", "number"], "must be null or one of number, category, target, leave out"),
        (["number", "target", "number", "number"], "'kind' is 'a', not a finite number: choose category for this column"),
    ):
        assert problem in chosen.refused("configure", configuration={"data": {**data, "columns": columns}})["problem"]
