"""Shared by the tests of training: a small set of examples, and a run on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nn import MLP, Adam, History, Layer, Module, Training, binary_cross_entropy, train

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
HELD_OUT = RNG.normal(size=(10, 2)), RNG.integers(0, 2, 10)

eager_and_compiled = pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])


def fit(model: Module | None = None, **settings: Any) -> tuple[Module, History]:
    """Train a model for three epochs of four steps, with changed settings. Return the model and the history."""
    model = model or MLP([2, 4, 1], seed=1)
    return model, train(model, X, Y, **{**_settings(), "epochs": 3, "progress": False, **settings})


def begin(model: Module | None = None, **settings: Any) -> Training:
    """Return the same run as a Training."""
    return Training(model or MLP([2, 4, 1], seed=1), X, Y, **{**_settings(), **settings})


def bits(model: Module) -> bytes:
    return np.array([parameter.data for parameter in model.parameters()]).tobytes()


def _settings() -> dict[str, Any]:
    return {"cost": binary_cross_entropy, "optimizer": Adam(0.05), "batch_size": 8}


class Dropping(Module):
    """Drops hidden activations in training by a mask that comes in as noise."""

    def __init__(self) -> None:
        self.hidden, self.last = Layer(2, 4, seed=1), Layer(4, 1, None, seed=2)

    def __call__(self, x: Any, mask: Any = None) -> list[Any]:
        h = self.hidden(x)
        return self.last(h if mask is None else [2 * each * kept for each, kept in zip(h, mask)])


def half(rng: np.random.Generator, count: int) -> Any:
    return rng.random((count, 4)) < 0.5
