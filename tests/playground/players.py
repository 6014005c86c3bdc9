"""What the tests of the playground share: configurations, and a session that is asked in Python, with its replies unpacked."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from autograd import relu, sigmoid, tanh
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
)
from playground import Session

SMALL: dict[str, Any] = {"data": {"name": "moons", "n": 40}, "layers": [4, 3], "batch_size": 7}
CSV = "height,width,kind\n1.5,2,oak\n2.5,1,elm\n3.5,4,oak\n0.5,2.5,elm\n1.0,3,oak\n2.0,5,elm\n"


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


class Player:
    """A learner without a browser."""

    def __init__(self, session: Session | None = None, **configuration: Any) -> None:
        self.session = session or Session()
        self.configured = self("configure", configuration=configuration)

    def __call__(self, do: str, **message: Any) -> dict[str, Any]:
        """The reply to a message, which must be none of an error, with its arrays under their names."""
        reply = self.reply(do, **message)
        assert reply["is"] != "error", reply
        return reply

    def reply(self, do: str, **message: Any) -> dict[str, Any]:
        return unpacked(self.session.handle(json.dumps({"do": do, **message})))

    def refused(self, do: str, **message: Any) -> dict[str, Any]:
        """The reply to a message that is to be refused."""
        reply = self.reply(do, **message)
        assert reply["is"] == "error", reply
        return reply

    @property
    def parameters(self) -> list[float]:
        """The numbers of a frame, which are those of the network."""
        told = self("frame", parameters=True)["parameters"].tolist()
        assert told == [each.data for each in self.session.experiment.model.parameters()]
        return told  # type: ignore[no-any-return]


def unpacked(reply: str | bytes) -> dict[str, Any]:
    """A reply, with its arrays under their names: by the words of the protocol, not by the code that wrote it."""
    if isinstance(reply, str):
        return json.loads(reply, parse_constant=_not_strict)  # type: ignore[no-any-return]
    assert reply[:4] == b"NDG1"
    (length,) = struct.unpack("<I", reply[4:8])
    assert length % 8 == 0
    header: dict[str, Any] = json.loads(reply[8 : 8 + length].decode(), parse_constant=_not_strict)
    end = 8 + length
    for name, kind, shape, offset in header["arrays"]:
        assert offset % 8 == 0
        assert end <= offset < end + 8
        assert kind in ("float32", "float64", "uint8")
        array = np.frombuffer(reply, np.dtype(kind).newbyteorder("<"), int(np.prod(shape)), offset).reshape(shape)
        header[name] = array
        end = offset + array.nbytes
    assert end <= len(reply) < end + 8
    return header


def _not_strict(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
