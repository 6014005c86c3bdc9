"""Tests of History: JSON, marks, and invalid histories."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from nn import History
from nn.training.history import Forgotten, Step, Steps


def example() -> History:
    steps = Steps(cost=[3.0, 2.0, 1.5, 1.25], learning_rate=[0.1] * 4, gradient_norm=[1.0] * 4, examples=[8, 2] * 2, seconds=[0.25] * 4)
    return History(
        cost=[2.5, 1.375],
        accuracy=[0.5, 0.75],
        learning_rate=[0.1, 0.1],
        gradient_norm=[1.0, 1.0],
        seconds=[0.5, 0.5],
        steps=steps,
        stopped="finished",
    )


def test_a_history_survives_json() -> None:
    assert History.from_json(example().to_json()) == example()
    assert History.from_json(History().to_json()) == History()


@pytest.mark.parametrize("validation_cost", [[], [0.25, 0.5]])
def test_the_count_of_forgotten_epochs_survives_json(validation_cost: list[float]) -> None:
    history = example()
    history.validation_cost[:] = validation_cost
    history.forget(1, 2)
    again = History.from_json(history.to_json())
    assert again == history
    assert again.forgotten == Forgotten(1, 2, 0.25 if validation_cost else math.inf)


@pytest.mark.parametrize("forgotten", [[-1, 0, None], [1, 2.5, None], [1, 2, "low"], [True, 2, None], [1, 2, math.inf]], ids=str)
def test_invalid_numbers_of_forgotten_epochs(forgotten: list[Any]) -> None:
    text = json.dumps({**json.loads(example().to_json()), "forgotten": forgotten})
    with pytest.raises(ValueError, match=r"^a history's forgotten must be the numbers of epochs and steps and the lowest cost, got \("):
        History.from_json(text)


def test_a_history_is_shown_in_one_line() -> None:
    assert repr(example()) == "History(2 epochs, 4 steps, cost 1.375, accuracy 0.75, 1.0 s, finished)"
    assert repr(History()) == "History(0 epochs, 0 steps, 0.0 s)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cost": [1.0]}, "a history's accuracy must have the length of its cost, 1, got 2"),
        ({"accuracy": [1.0]}, "a history's accuracy must have the length of its cost, 2, got 1"),
        ({"cost": [1.0, math.nan]}, "a history's cost must be a list of finite numbers"),
        ({"cost": "12"}, "a history's cost must be a list of finite numbers"),
        ({"cost": ["1", "2"]}, "a history's cost must be a list of finite numbers"),
        ({"cost": [[1.0], [2.0, 3.0]]}, "a history's cost must be a list of finite numbers"),
        ({"cost": [10**400, 1]}, "a history's cost must be a list of finite numbers"),
        ({"cost": None}, "a history's cost must be a list of finite numbers"),
        ({"steps.examples": [8, 2, 8]}, "a history's steps.examples must have the length of its cost, 4, got 3"),
        ({"steps.examples": [8, 2, 8, 2.5]}, "a history's steps.examples must be whole numbers of at least 1"),
        ({"steps.examples": [8, 2, 8, 0]}, "a history's steps.examples must be whole numbers of at least 1"),
        ({"colour": [1.0]}, "a history must have the columns cost, accuracy, .*, steps.seconds; got "),
    ],
)
def test_columns_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        History.from_json(json.dumps({**json.loads(example().to_json()), **change}))


@pytest.mark.parametrize("text", ["", "{}", "[1]", "7", "null", '{"stopped": ', "[" * 10**5])
def test_invalid_json(text: str) -> None:
    with pytest.raises(ValueError, match="this is not a history in JSON: "):
        History.from_json(text)


def test_a_history_goes_back_to_its_marks() -> None:
    history, early = example(), History()
    mark = history.mark()
    for branch in (1.0, 2.0):
        history.cost.append(branch)
        history.steps.extend([Step(5, 3, branch, 0.1, 1.0, 8, 0.25)])
        early.go_back(mark)
        history.go_back(mark)
        assert early.columns() == history.columns() == example().columns()
        history.cost.append(branch)
        assert early.columns() == example().columns()
        history.go_back(mark)


def test_forgotten_epochs_are_counted_and_marks_keep_them() -> None:
    history = example()
    before = history.mark()
    history.forget(1, 2)
    assert (history.cost, history.steps.cost, history.forgotten) == ([1.375], [1.5, 1.25], Forgotten(1, 2))
    assert repr(history) == "History(2 epochs, 4 steps, cost 1.375, accuracy 0.75, 0.5 s, finished)"
    after = history.mark()
    history.go_back(before)
    assert (history.cost, history.steps.cost, history.forgotten) == ([2.5, 1.375], [3.0, 2.0, 1.5, 1.25], Forgotten())
    history.go_back(after)
    assert (history.cost, history.steps.cost, history.forgotten) == ([1.375], [1.5, 1.25], Forgotten(1, 2))
