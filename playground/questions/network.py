"""The network that a question is about: the numbers of its parts, the conditions of goals, and a record that can be repeated."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from nn.data import Array
from playground import configuration as configurations
from playground.configuration import LIVE, Configuration
from playground.experiment import Experiment
from playground.inspector import Inspector, Which
from playground.messages import Fields, RefusedError, plain
from playground.problem import predicted
from playground.questions.reading import PRESS, Condition

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
}  # fmt: skip
STEPS = 200_000  # the largest number of steps that a record can have
FLAT = 1e-6  # a neuron whose slope is below this for all examples is dead
FIRST: Which = {"of": "training", "index": 0}

Record = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Network:
    """A network at one moment, and the example that is looked at. After a change make another one."""

    experiment: Experiment
    example: Which = field(default_factory=lambda: FIRST)

    @cached_property
    def found(self) -> dict[str, Any]:
        """All numbers of the example in the network."""
        reply, arrays = Inspector(self.experiment).example(self.example)
        return {**reply, **arrays}

    def of_neurons(self, name: str) -> dict[str, float]:
        """A number of each neuron: `a`, `z`, `slope` or `delta`."""
        layers = self.found["layers"]
        return {f"{name}[{depth},{index}]": float(each) for depth, row in enumerate(layers) for index, each in enumerate(row[name])}

    def weights(self) -> dict[str, float]:
        """The value of each weight and bias, in the order of the gradient."""
        return {
            name: float(value)
            for depth, layer in enumerate(self.experiment.model.layers)
            for neuron, (weights, bias) in enumerate(zip(layer.weights, layer.biases))
            for name, value in [
                *((f"w[{depth},{neuron},{place}]", each) for place, each in enumerate(weights)),
                (f"b[{depth},{neuron}]", bias),
            ]
        }

    def gradient(self) -> dict[str, float]:
        """The derivative of the example's cost by each weight and bias."""
        return dict(zip(self.weights(), map(float, self.found["gradient"])))

    def answered(self) -> tuple[Array, Array]:
        """The cost of each training example and its outputs, (examples,) and (examples, outputs). Raises RefusedError without examples."""
        self.experiment.require_examples()
        return self.experiment.programs.answered(self.experiment.problem.training)

    def costs(self) -> dict[str, float]:
        """The cost of each training example."""
        return {f"example {index}": each for index, each in enumerate(self.answered()[0].tolist())}

    def answers(self) -> dict[str, float]:
        """For each output neuron, the number of training examples for which it is the largest."""
        outputs, last = self.answered()[1], len(self.experiment.model.layers) - 1
        counts = np.bincount(outputs.argmax(axis=1), minlength=outputs.shape[1])
        return {f"a[{last},{index}]": float(each) for index, each in enumerate(counts)}

    def mistakes(self) -> dict[str, float]:
        """1 for each training example whose class is predicted wrong, and 0 for the others."""
        problem = self.experiment.problem
        if not problem.classes:
            raise ValueError("the targets of this page are numbers, so no example has a class")
        is_wrong = predicted(self.answered()[1]) != problem.training.y
        return {f"example {index}": float(each) for index, each in enumerate(is_wrong)}

    def number(self, name: str) -> float:
        """A number of the network by its name, such as `w[0,1,0]`. Raises ValueError if there is no such part."""
        if name in ("cost", "target"):
            if isinstance(self.found[name], list):
                raise ValueError(f"the {name} of an example has several numbers here")
            return float(self.found[name])
        kind = name.partition("[")[0]
        known = self.weights() if kind in ("w", "b") else self.of_neurons(kind)
        if name not in known:
            raise ValueError(f"the network of this page has no {name}: it has {', '.join(list(known)[:4])}, ...")
        return known[name]

    # Goals

    def unmet(self, conditions: tuple[Condition, ...]) -> list[str]:
        """For each condition that is not met, what it is and what is missing."""
        return [text for each in conditions if (text := self._unmet(each))]

    def _unmet(self, condition: Condition) -> str:
        wanted = condition.number * (self.quantity(condition.times) if condition.times else 1)
        actual = self.quantity(condition.quantity)
        if COMPARISONS[condition.comparison](actual, wanted):
            return ""
        name, is_share = condition.quantity.replace("_", " "), "accuracy" in condition.quantity
        if "[" in name:
            return f"{name.replace('dead', 'a')} is {'dead' if actual else 'not dead'}"
        must = {"=": "", ">": "more than ", ">=": "at least ", "<": "less than ", "<=": "at most "}[condition.comparison]
        return f"{name} {shown(actual, is_share)} instead of {must}{shown(wanted, is_share)}"

    def shown(self, name: str) -> str:
        """A quantity as text."""
        return shown(self.quantity(name), "accuracy" in name)

    def quantity(self, name: str) -> float:
        """A quantity that a condition names. Raises ValueError if it is unknown, or if it has no value."""
        kind, _, place = name.partition("[")
        if kind not in QUANTITIES:
            raise ValueError(f"unknown quantity {name!r}; the quantities are {', '.join(QUANTITIES)}")
        if place and kind != "dead":
            raise ValueError(f"only dead has a place, as in dead[0,1]; got {name!r}")
        value = self._is_dead(place[:-1]) if place else QUANTITIES[kind](self)
        if value is None:
            raise ValueError(f"{kind.replace('_', ' ')} has no value without examples")
        return float(value)

    def _is_dead(self, place: str) -> bool:
        known = self.are_dead()
        if place not in known:
            raise ValueError(f"there is no hidden neuron a[{place}] now")
        return known[place]

    def are_dead(self) -> dict[str, bool]:
        """Whether each hidden neuron, such as "0,1", is flat for all training examples."""
        model, X = self.experiment.model, self.experiment.problem.training.X
        most = [np.abs(layer.slopes(z)).max(axis=0, initial=0.0).tolist() for layer, z in zip(model.layers[:-1], model.trace(X).z)]
        return {f"{layer},{neuron}": each < FLAT for layer, row in enumerate(most) for neuron, each in enumerate(row)}

    def start_cost(self) -> float | None:
        """The cost before the first step."""
        cost: float | None = Experiment(self.experiment.start).moment()["cost"]
        return cost

    # Presses

    def press(self, text: str) -> None:
        """Do what a prediction is about: change a weight, or train for some steps, perhaps at another rate."""
        experiment, found = self.experiment, PRESS.fullmatch(text)
        assert found
        if found[1]:
            experiment.set_parameter(self.index_of(found[1]), self.number(found[1]) + float(found[2]))
            return
        if found[4]:
            experiment.set(configurations.changed(experiment.configuration, Fields({"rate": float(found[4])})))
        experiment.advance(int(found[3]))

    def promised(self, text: str) -> float | None:
        """The change of the mean cost that the gradient promises for a press; None if it trains the network."""
        found = PRESS.fullmatch(text)
        if not found or not found[1]:
            return None
        reply, _ = Inspector(self.experiment).weight(FIRST, *_place(found[1]))
        return float(reply["total"]) * float(found[2])

    def index_of(self, part: str) -> int:
        """The index of a weight or bias among the parameters."""
        self.number(part)
        return self.experiment.index_of(*_place(part))

    def chain(self, part: str) -> str:
        """The chain rule for a weight or bias, with the numbers of its largest path to the example's cost."""
        reply, _ = Inspector(self.experiment).weight(self.example, *_place(part))
        path, count = reply["paths"][0], reply["count"]
        factors = " · ".join(shown(factor["derivative"]) for factor in path["factors"])
        names = " · ".join(factor["name"] for factor in path["factors"])
        whole = "" if count == "1 path" else f", the largest of {count}; their sum is {shown(reply['gradient'])}"
        return f"{names} = {factors} = {shown(path['product'])}{whole}"

    # Records

    def recorded(self) -> Record:
        """A record with which `replayed` makes the same network again. Raises RefusedError if it was changed too often."""
        experiment = self.experiment
        if experiment.changes is None or experiment.step > STEPS:
            raise RefusedError("this network was changed too often, or trained for too long, to be handed in: reset it and try again")
        changes = [
            [change.step, {name: getattr(change.to, name) for name in LIVE}]
            if isinstance(change.to, Configuration)
            else [change.step, *change.to]
            for change in experiment.changes
        ]
        record: Record = plain({"start": experiment.start.complete(), "changes": changes, "step": experiment.step, "example": self.example})
        return record


class Pointing(NamedTuple):
    """What a question of the kind `point` asks for: the part of the network with the largest number, which must be above a bound.

    `what` is the kind of part, `find` returns the number of each part, and `told` is the text about a wrong part.
    """

    what: str
    find: Callable[[Network], Mapping[str, float]]
    told: str
    above: float = -math.inf


MORE = "For {given} it is {value}. Another one has more."
POINTS: dict[str, Pointing] = {
    "largest activation": Pointing("a neuron", lambda network: network.of_neurons("a"), MORE),
    "largest weight": Pointing("a weight", lambda network: _sizes(network.weights(), "w"), MORE),
    "largest bias": Pointing("a bias", lambda network: _sizes(network.weights(), "b"), MORE),
    "largest nudge": Pointing("a weight", lambda network: _sizes(network.gradient(), "w"), MORE),
    "largest delta": Pointing("a neuron", lambda network: _sizes(network.of_neurons("delta"), ""), MORE),
    "flattest neuron": Pointing(
        "a neuron",
        lambda network: {name: -abs(each) for name, each in network.of_neurons("slope").items()},
        "The slope of {given} is {size}. Another one is flatter.",
    ),
    "largest cost": Pointing("an example", lambda network: network.costs(), "The cost of {given} is {value}. Another one has more."),
    "most frequent answer": Pointing(
        "an output", lambda network: network.answers(), "{given} is the largest output for {value} examples, and another one for more."
    ),
    "wrong example": Pointing("an example", lambda network: network.mistakes(), "The network predicts the class of {given} right.", 0.0),
}
QUANTITIES: dict[str, Callable[[Network], Any]] = {
    "accuracy": lambda network: network.experiment.moment()["accuracy"],
    "test_accuracy": lambda network: network.experiment.moment()["held_out_accuracy"],
    "cost": lambda network: network.experiment.moment()["cost"],
    "start_cost": Network.start_cost,
    "steps": lambda network: network.experiment.step,
    "neurons": lambda network: sum(network.experiment.configuration.layers),
    "layers": lambda network: len(network.experiment.configuration.layers),
    "dead": lambda network: sum(network.are_dead().values()),
    "batch": lambda network: network.experiment.configuration.batch_size or len(network.experiment.problem.training),
    "rate": lambda network: network.experiment.configuration.rate,
}


def replayed(given: Any, require: Callable[[Configuration], None]) -> Network:
    """The network of a record, made and trained again. Raises RefusedError if the record is invalid, or what `require(start)` raises."""
    fields = Fields(given, "record")
    start, changes = configurations.read(fields.any("start")), fields.list("changes", 0, 3000)
    require(start)
    step, example = fields.whole("step", 0, STEPS), Fields(fields.any("example"), "record.example")
    fields.end()
    experiment = Experiment(start)
    which = {"of": "training", "index": example.whole("index", 0, len(experiment.problem.training) - 1)}
    for index, change in enumerate([*changes, [step]]):
        if not isinstance(change, list) or not change or not isinstance(change[0], int) or not experiment.step <= change[0] <= step:
            fields.refuse(f"changes[{index}]", "must be a list that begins with a step, in order")
        _advance(experiment, change[0])
        if len(change) == 2:
            experiment.set(configurations.changed(experiment.configuration, Fields(change[1], fields.at("changes"))))
        elif len(change) == 3:
            place = Fields({"index": change[1], "value": change[2]}, fields.at("changes"))
            parameter = place.whole("index", 0, len(experiment.parameters) - 1)
            experiment.set_parameter(parameter, place.number("value", -configurations.LARGE, configurations.LARGE))
    return Network(experiment, which)


def _advance(experiment: Experiment, step: int) -> None:
    while experiment.step < step:
        if stopped := experiment.advance(step - experiment.step):
            raise RefusedError(f"the record trains to step {step}, but {stopped.problem}")


def shown(number: float, is_share: bool = False) -> str:
    """A number as readers see it: with four digits, or all digits of a whole number; a share in percent."""
    if is_share:
        return f"{100 * number:.4g} %"
    return f"{number:.0f}" if 1000 <= abs(number) < 1e7 else f"{number:.4g}"


def within(number: float, tolerance: float) -> str:
    """A number with as few digits as are right within a tolerance, but at least four."""
    return next((text for digits in range(4, 18) if abs(float(text := f"{number:.{digits}g}") - number) <= tolerance), repr(number))


def target_of(part: str) -> dict[str, Any] | None:
    """A part as the page selects it: a neuron or a weight; None for an example."""
    if not part or part.startswith("example"):
        return None
    layer, neuron, place = _place(part)
    return {"layer": layer, "neuron": neuron, **({} if part[0] in "az" or part[:2] in ("de", "sl") else {"input": place})}


def _place(part: str) -> tuple[int, int, int | None]:
    """The layer, the neuron and the input of a part; the input is None for a neuron or a bias."""
    layer, neuron, *place = map(int, re.findall(r"\d+", part))
    return layer, neuron, place[0] if place else None


def _sizes(values: Mapping[str, float], kind: str) -> dict[str, float]:
    return {name: abs(value) for name, value in values.items() if name.startswith(kind)}
