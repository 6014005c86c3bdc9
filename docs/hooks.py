"""MkDocs hooks of the book: interactive pages of graphs, and accessibility for screen readers and keyboards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograd import Value, draw, tanh
from nn import MLP, squared_error


def on_post_page(output: str, **_: Any) -> str:
    """Label the search of the theme, and make wide code blocks scrollable with the keyboard."""
    named = output.replace('data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"')
    return named.replace("<pre>", '<pre tabindex="0">')


def on_post_build(config: Any) -> None:
    """Write the interactive pages that the chapters contain."""
    folder = Path(config["site_dir"]) / "story"
    for name, (value, model) in {"neuron.html": (neuron(), None), "paths.html": paths()}.items():
        value.backward()
        draw(value, model=model).save(folder / name)


def neuron() -> Value:
    """Return the neuron of chapter 2."""
    x1, x2, w1, w2, b = (Value(number, label) for number, label in zip((2.0, -1.0, 0.3, 0.8, 0.4), ("x1", "x2", "w1", "w2", "b")))
    output: Value = tanh(w1 * x1 + w2 * x2 + b)
    output.label = "output"
    return output


def paths() -> tuple[Value, MLP]:
    """Return the cost and the network of chapter 9."""
    model = MLP([1, 1, 2, 1], tanh, seed=5)
    cost: Value = squared_error(model([0.7]), 1.0)
    cost.label = "cost"
    return cost, model
