"""The configuration of an experiment: data, network, cost and optimizer, read from a message and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import autograd
from autograd import Operation
from nn import SGD, Adam, Constant, Cosine, FormulaError, InverseTime, Optimizer, StepDecay, formula, formula_source, linear
from playground.messages import Fields, RefusedError, shown

Activation = Callable[[Any], Any]

FEATURES = {
    "x1": "x1", "x2": "x2", "x1^2": "x1**2", "x2^2": "x2**2", "x1*x2": "x1 * x2",
    "sin(4*x1)": "np.sin(4 * x1)", "sin(4*x2)": "np.sin(4 * x2)",
}  # fmt: skip
"""The inputs that can be chosen for data in the plane, and the Python expression that computes each."""

COSTS = ("squared_error", "cross_entropy", "hinge")
OPTIMIZERS = ("sgd", "adam")
SCHEDULES = ("constant", "step_decay", "inverse_time", "cosine")
ACTIVATIONS = (
    "tanh(x)", "sigmoid(x)", "relu(x)", "where(x > 0, x, 0.1 * x)", "softplus(x)", "x * sigmoid(x)", "sin(x)", "exp(-x^2)", "abs(x)", "x",
)  # fmt: skip
CLASSES = {"moons": (2, 2), "circles": (2, 2), "xor": (2, 2), "spirals": (2, 6), "blobs": (2, 6), "digits": (10, 10)}
CLASSES |= {"waves": (0, 0), "points": (2, 6), "csv": (2, 10)}  # the fewest and the most; 0 for numbers as targets
ROWS, DIGITS, COLUMNS, LAYERS, NEURONS, PARAMETERS, FORMULA, CSV = 5000, 5000, 50, 6, 64, 60_000, 200, 1_000_000
ROLES = ("number", "category", "target", "leave out")  # of the columns of a CSV text
LIMITS = {
    "rows": ROWS, "digits": DIGITS, "columns": COLUMNS, "layers": LAYERS, "neurons": NEURONS, "parameters": PARAMETERS,
    "formula": FORMULA, "csv": CSV,
}  # fmt: skip
LARGE = 1e6  # the largest number that is accepted
COMPUTED = ("l1", "l2", "cost", "activations", "output_activation")  # live settings that change the compiled cost
LIVE = ("rate", "schedule", "optimizer", "batch_size", "clip", *COMPUTED)  # settings that may change during training


@dataclass(frozen=True)
class Configuration:
    """All settings of an experiment, with the names and values of the protocol."""

    data: Mapping[str, Any]
    held_out: float
    features: tuple[str, ...]
    layers: tuple[int, ...]
    activations: tuple[str, ...]
    output_activation: str
    cost: str
    optimizer: Mapping[str, Any]
    rate: float
    schedule: Mapping[str, Any]
    batch_size: int | None
    l1: float
    l2: float
    clip: float | None
    seed: int
    parameters: tuple[float, ...] | None

    def complete(self) -> dict[str, Any]:
        """All fields, in the form that `read` accepts."""
        return asdict(self)

    @property
    def has_classes(self) -> bool:
        """Whether the targets are classes, and not numbers."""
        return CLASSES[self.data["name"]][1] > 0

    @property
    def formulas(self) -> tuple[str, ...]:
        """The formula of each layer's activation, including the output layer."""
        return (*self.activations, self.output_activation)

    def functions(self) -> list[Activation]:
        """The activation of each layer, including the output layer."""
        return [activation_of(text) for text in self.formulas]

    def schedule_of_rates(self) -> Constant | StepDecay | InverseTime | Cosine:
        settings = {name: each for name, each in self.schedule.items() if name != "name"}
        kinds: dict[str, Any] = {"constant": Constant, "step_decay": StepDecay, "inverse_time": InverseTime, "cosine": Cosine}
        return kinds[str(self.schedule["name"])](self.rate, **settings)  # type: ignore[no-any-return]

    def new_optimizer(self) -> Optimizer:
        settings = {name: each for name, each in self.optimizer.items() if name != "name"}
        return (SGD if self.optimizer["name"] == "sgd" else Adam)(self.schedule_of_rates(), **settings)


@lru_cache(256)
def activation_of(text: str) -> Activation:
    """The function of a formula: the library's own for `x` and for calls such as `tanh(x)`. Raises FormulaError."""
    function, source = formula(text), formula_source(text)
    if source == "x":
        return linear
    call = re.fullmatch(r"(\w+)\(x\)", source)
    own = getattr(autograd, call[1], None) if call else None
    return own if isinstance(own, Operation) else function


def read(given: Any) -> Configuration:
    """The configuration in a message, with defaults for missing fields. Raises RefusedError if it is invalid."""
    fields_of = Fields(given, "configuration")
    layers = tuple(fields_of.wholes("layers", 0, LAYERS, 1, NEURONS, [16, 16]))
    data = _data(fields_of)
    cost = fields_of.choice("cost", COSTS, "cross_entropy" if CLASSES[data["name"]][1] else "squared_error")
    parameters = None
    if fields_of.any("parameters") is not None:
        parameters = tuple(fields_of.numbers("parameters", 1, PARAMETERS, -LARGE, LARGE))
    read = Configuration(
        data=data,
        held_out=fields_of.number("held_out", 0.0, 0.9, 0.3),
        features=_features(fields_of),
        layers=layers,
        activations=_activations(fields_of, len(layers)),
        output_activation=formula_in(fields_of, "output_activation", fields_of.any("output_activation", "x")),
        cost=cost,
        seed=fields_of.whole("seed", 0, 2**31 - 1, 0),
        parameters=parameters,
        **_settings(fields_of),
    )
    fields_of.end()
    return _fitting(read, fields_of)


def changed(old: Configuration, message: Fields) -> Configuration:
    """The configuration with the live settings of a message. Raises RefusedError if one is invalid."""
    for name in LIVE:
        message.any(name)
    message.end()
    given = Fields({**{name: getattr(old, name) for name in LIVE}, "activations": list(old.activations), **message.given})
    new = replace(
        old,
        activations=_activations(given, len(old.layers)),
        output_activation=formula_in(given, "output_activation", given.any("output_activation")),
        cost=given.choice("cost", COSTS, old.cost),
        **_settings(given),
    )
    return _fitting(new, given)


def _settings(given: Fields) -> dict[str, Any]:
    """The settings of the training loop."""
    return {
        "optimizer": _optimizer(given.object("optimizer", {"name": "sgd"})),
        "rate": given.number("rate", 0.0, LARGE, 0.1),
        "schedule": _schedule(given.object("schedule", {"name": "constant"})),
        "batch_size": None if given.any("batch_size", 20) is None else given.whole("batch_size", 1, ROWS, 20),
        "l1": given.number("l1", 0.0, LARGE, 0.0),
        "l2": given.number("l2", 0.0, LARGE, 0.0),
        "clip": None if given.any("clip") is None else given.number("clip", 1e-9, LARGE),
    }


def _fitting(configuration: Configuration, given: Fields) -> Configuration:
    """The same configuration. Raises RefusedError if its settings contradict each other."""
    if configuration.cost == "cross_entropy" and activation_of(configuration.output_activation) is not linear:
        given.refuse("output_activation", "must be x for cross_entropy, which expects scores: choose squared_error, or write x")
    if not configuration.has_classes and configuration.cost != "squared_error":
        given.refuse("cost", f"must be squared_error for {configuration.data['name']}, whose targets are numbers")
    return configuration


def _data(given: Fields) -> dict[str, Any]:
    data = given.object("data", {"name": "moons"})
    name = data.choice("name", tuple(CLASSES), "moons")
    fewest, most = CLASSES[name]
    read: dict[str, Any] = {"name": name}
    if name == "csv":
        read |= {"text": data.text("text", CSV), "target": None if data.any("target") is None else data.text("target", 200)}
        roles = None if data.any("columns") is None else data.list("columns", 1, 2 * COLUMNS)
        for index, each in enumerate(roles or ()):
            if each is not None and each not in ROLES:
                data.refuse(f"columns[{index}]", f"must be null or one of {', '.join(ROLES)}; got {shown(each)}")
        if roles is not None and roles.count("target") != 1:
            data.refuse("columns", "must have one target: choose the column to predict")
        read["columns"] = roles
    elif name == "points":
        points = data.list("X", 0, ROWS)
        pairs = [Fields({"X": each}, data.at(f"X[{index}]")).numbers("X", 2, 2, -LARGE, LARGE) for index, each in enumerate(points)]
        read |= {"X": pairs, "y": data.wholes("y", len(points), len(points), 0, most - 1)}
    elif name == "digits":
        read |= {"n": data.whole("n", 10, DIGITS, DIGITS)}
    else:
        read |= {"n": data.whole("n", 4, ROWS, 200), "noise": data.number("noise", 0.0, 10.0, 0.3 if name == "blobs" else 0.1)}
    if name not in ("csv", "points", "waves"):
        read["classes"] = data.whole("classes", fewest, most, max(fewest, 3) if name == "blobs" else fewest)
    data.end()
    return read


def _features(given: Fields) -> tuple[str, ...]:
    names = given.list("features", 1, len(FEATURES), ["x1", "x2"])
    for index, each in enumerate(names):
        if not isinstance(each, str) or each not in FEATURES:
            given.refuse(f"features[{index}]", f"must be one of {', '.join(FEATURES)}; got {shown(each)}")
    if len(set(names)) < len(names):
        given.refuse("features", "contains a feature twice")
    return tuple(names)


def _activations(given: Fields, layers: int) -> tuple[str, ...]:
    texts = given.any("activations", "tanh(x)")
    if not isinstance(texts, (list, tuple)):
        return (formula_in(given, "activations", texts),) * layers
    if len(texts) != layers:
        given.refuse("activations", f"must be a formula, or a list of one for each of the {layers} hidden layers, got {len(texts)}")
    return tuple(formula_in(given, f"activations[{index}]", each) for index, each in enumerate(texts))


def formula_in(given: Fields, name: str, text: Any) -> str:
    """A formula in a message. Raises RefusedError, with the position of the character, if it is invalid."""
    if not isinstance(text, str):
        given.refuse(name, f"must be a formula of x, such as tanh(x); got {shown(text)}")
    try:
        activation_of(text)
    except FormulaError as error:
        raise RefusedError(error.problem, given.at(name), error.position) from None
    return text


def _optimizer(given: Fields) -> dict[str, Any]:
    if given.choice("name", OPTIMIZERS, "sgd") == "adam":
        given.end()
        return {"name": "adam"}
    momentum, nesterov = given.number("momentum", 0.0, 0.999, 0.9), given.flag("nesterov", False)
    if nesterov and not momentum:
        given.refuse("nesterov", "needs a momentum above 0, such as 0.9")
    given.end()
    return {"name": "sgd", "momentum": momentum, "nesterov": nesterov}


def _schedule(given: Fields) -> dict[str, Any]:
    name = given.choice("name", SCHEDULES, "constant")
    read: dict[str, Any] = {"name": name}
    if name == "step_decay":
        read |= {"factor": given.number("factor", 0.0, 1.0, 0.5), "every": given.number("every", 0.1, LARGE, 10.0)}
    elif name == "inverse_time":
        read |= {"decay": given.number("decay", 0.0, LARGE, 0.1)}
    elif name == "cosine":
        read |= {"epochs": given.number("epochs", 0.1, LARGE, 100.0)}
    given.end()
    return read
