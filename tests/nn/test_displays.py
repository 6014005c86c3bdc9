"""Displays in notebooks: well-formed HTML with the numbers that the text shows."""

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from autograd import Value, chain_rule, tanh, why
from nn import MLP, History, cross_entropy, moons, nudges, squared_error, train

X, Y = moons(30)
MODEL = MLP([2, 3, 1], seed=1)
NAMED = MLP([2, 2])
HISTORY = train(NAMED, {"a<b": X[:, 0], "c": X[:, 1]}, np.array(["no", "yes & no"])[Y], cost=cross_entropy, epochs=3, progress=False)
LEAF = Value(0.5, label="x<1")
PATHS = tanh(LEAF) * LEAF
OTHER = Value(1.0) * 2


def cells(shown: Any) -> list[str]:
    """The cells of the tables, parsed as XML."""
    tree = ElementTree.fromstring(f"<div>{shown._repr_html_()}</div>")
    return ["".join(each.itertext()) for each in tree.iter() if each.tag in ("td", "th", "pre", "caption", "div")]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (MODEL, ["MLP([2, 3, 1], activation=tanh)", "layers[0]", "Layer(2, 3, activation=tanh)", "9", "13"]),
        (NAMED, ["classes: no, yes & no", "inputs: a<b, c"]),
        (MODEL.summary(), ["part", "total", "13"]),
        (HISTORY, [repr(HISTORY), "cost", f"{HISTORY.cost[0]:.4g}", f"{HISTORY.cost[-1]:.4g}"]),
        (History(cost=[1.0]), ["cost"]),
        (History(), [repr(History())]),
        (chain_rule(PATHS, LEAF), [f"{chain_rule(PATHS, LEAF).paths[0].product:+.4g}", "factors"]),
        (chain_rule(OTHER, LEAF), [str(chain_rule(OTHER, LEAF))]),
        (why(PATHS, LEAF), [str(why(PATHS, LEAF))]),
        (nudges(MODEL, X[0], 1.0, squared_error), ["bias", "layer"]),
        (nudges(MODEL, X, Y.astype(float), squared_error), [f"average of {len(X)}", f"{sum(Y == 1)} of class 1"]),
    ],
)
def test_displays_have_the_numbers(shown: Any, expected: list[str]) -> None:
    found = cells(shown)
    assert [each for each in expected if each not in found] == []


def test_a_summary_is_text_that_a_prompt_shows_as_a_table() -> None:
    assert MODEL.summary() == str(MODEL.summary()) == repr(MODEL.summary())
    assert re.match(r"part +what +parameters\nlayers", MODEL.summary())
