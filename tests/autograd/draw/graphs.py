"""Graphs to draw, and what the tests read from drawings."""

import json
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Value, mean, tanh
from autograd.draw import Drawing


def neuron() -> tuple[Value, Value]:
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(7.0, "b")
    output = tanh(w * x + b)
    output.label = "out"
    output.backward()
    return output, x


def lines(drawing: Drawing) -> list[tuple[str, ...]]:
    return [box.lines for box in drawing.picture.boxes]


def titles(drawing: Drawing) -> list[str]:
    return [each[0] for each in lines(drawing)]


def network(sizes: list[int], examples: int = 1, **options: Any) -> tuple[nn.MLP, Value]:
    """A network, and its mean squared error on examples of plain numbers, differentiated."""
    model = nn.MLP(sizes, **options)
    rng = np.random.default_rng(0)
    costs = [
        nn.squared_error(model(x), y) for x, y in zip(rng.random((examples, sizes[0])).tolist(), rng.random((examples, sizes[-1])).tolist())
    ]
    cost = mean(costs) if examples > 1 else costs[0]
    cost.backward()
    return model, cost


def page_data(drawing: Drawing) -> dict[str, Any]:
    data = drawing.page.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    return dict(json.loads(data, parse_constant=pytest.fail))  # a browser knows no NaN in JSON


def parts_of(drawing: Drawing) -> dict[str, Any]:
    """The page's parts by their ids."""
    return {part["id"]: part for part in page_data(drawing)["parts"]}
