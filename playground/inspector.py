"""The inspector: what an example, a neuron or a weight is told of, each number as the engine has it at this moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np

from autograd import Value, chain_rule, grad, why
from nn import anatomy, nudges
from nn.activations import Activation, elementwise, linear
from nn.classification import probabilities
from nn.data import Array
from nn.explain import Anatomy
from playground.configuration import Configuration
from playground.experiment import Experiment
from playground.messages import Arrays, RefusedError

TERMS, WISHES, PATHS = 50, 200, 10  # that one reply lists
WORDS = {
    "squared_error": {"subtract": "error", "power": "error²"},
    "cross_entropy": {"negative": "(-score)", "subtract": "difference", "logsumexp": "logsumexp(differences)"},
    "hinge": {"multiply": "margin", "subtract": "shortfall"},
    "hinge of several": {"subtract": "difference", "where": "max(-1, difference)", "add": "max(0, 1 + difference)"},
}  # what the operations of a cost's formula make: between C and the outputs, on the paths of the chain rule

Which = Mapping[str, Any]  # which example: {"of": "training", "index": 5}
T = TypeVar("T")


class Inspector:
    """Looks into an experiment; `drawn` is a digit, (784,), and what it should be taken for, if that is said."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.drawn: tuple[Array, int | None] | None = None
        self._moment: tuple[bytes, Configuration] | None = None
        self._found: dict[Hashable, Any] = {}  # at this moment: who looks at one weight will look at another

    def _once(self, what: Hashable, find: Callable[[], T]) -> T:
        """What is found; or what was, where the network is still the same, to the last bit."""
        moment = self.experiment.layout.gather().tobytes(), self.experiment.configuration
        if moment != self._moment:
            self._moment, self._found = moment, {}
        if what not in self._found:
            self._found[what] = find()
        found: T = self._found[what]
        return found

    def _anatomy(self, which: Which) -> tuple[Anatomy, int]:
        """One example inside the network, and its class."""
        experiment = self.experiment
        if which["of"] == "drawn":
            assert self.drawn is not None  # as nobody could have asked for it
            x, wanted = self.drawn
            label = _prediction(experiment.model.predict(x[None])[0]) if wanted is None else wanted
        else:
            part, index = experiment.part(which["of"]), which["index"]
            if not len(part):
                raise RefusedError("there are no examples to look at yet: paint some into the plane")
            x, label = part.X[index], int(part.y[index])
        target = experiment.problem.targets(np.array([label]), experiment.configuration.cost)[0].tolist()
        look = partial(anatomy, experiment.model, x, target, experiment.cost_function)
        return self._once((x.tobytes(), label), look), label

    def example(self, which: Which) -> tuple[dict[str, Any], Arrays]:
        """All that happens in the network for one example; of a digit with pictures."""
        found, label = self._anatomy(which)
        outputs = np.array([each.data for each in found.outputs])
        scores = self.experiment.configuration.cost == "cross_entropy"
        told: dict[str, Any] = {
            "is": "example",
            "example": which,
            "x": found.x,
            "target": found.target,
            "class": label,
            "prediction": _prediction(outputs),
            "cost": found.cost.data,
            "layers": [
                {
                    "z": [each.weighted_sum for each in row],
                    "a": [each.activation for each in row],
                    "slope": [each.slope for each in row],
                    "delta": [each.delta for each in row],
                }
                for row in found.layers
            ],
            "outputs": outputs,
            "output_wishes": [-each.asked for each in found.layers[-1]],
            "probabilities": probabilities(outputs[None], [linear])[0] if scores else None,
            "gradient": found.gradient,
        }
        if self.experiment.configuration.data["name"] != "digits":
            return told, {}
        del told["x"]
        first = found.layers[0]
        deltas, weights = np.array([each.delta for each in first]), np.array([each.weights for each in first])
        pictures = {
            "pixels": found.x,
            "weights": weights,
            "weight_wishes": -deltas[:, None] * found.x,
            "pixel_wishes": -deltas @ weights,
        }
        arrays = {name: each.astype(np.float32).reshape(*each.shape[:-1], 28, 28) for name, each in pictures.items()}
        return told, {**arrays, "gradient": told.pop("gradient")}

    def neuron(self, which: Which, layer: int, neuron: int) -> dict[str, Any]:
        found, _ = self._anatomy(which)
        here = found[layer, neuron]
        shown_terms = sorted(np.argsort(-np.abs(here.products), kind="stable")[:TERMS].tolist())
        others = np.delete(here.products, shown_terms)
        terms = [
            {
                "weight": f"w[{layer},{neuron},{index}]",
                "value": here.weights[index],
                "input": self._input(layer, index),
                "activation": here.inputs[index],
                "product": here.products[index],
            }
            for index in shown_terms
        ]
        after = found.layers[layer + 1] if layer + 1 < len(found.layers) else None
        parts = after and [
            {
                "neuron": f"z[{layer + 1},{each.index}]",
                "delta": each.delta,
                "weight": f"w[{layer + 1},{each.index},{neuron}]",
                "value": each.weights[neuron],
                "product": each.delta * each.weights[neuron],
            }
            for each in after
        ]
        chosen = self.experiment.configuration
        return {
            "is": "neuron",
            "example": which,
            "name": f"a[{layer},{neuron}]",
            "terms": terms,
            **({"others": {"count": len(others), "sum": others.sum()}} if len(others) else {}),
            "bias": {"name": f"b[{layer},{neuron}]", "value": here.bias},
            "sum": {"name": f"z[{layer},{neuron}]", "value": here.weighted_sum},
            "formula": (*chosen.activations, chosen.output_activation)[layer],
            "activation": here.activation,
            "slope": here.slope,
            "curve": _curve(here.function, min(-5.0, here.weighted_sum - 1), max(5.0, here.weighted_sum + 1)),
            "wish": {"value": here.asked, "parts": parts},
            "delta": here.delta,
        }

    def _input(self, layer: int, index: int) -> str:
        """What the neurons of a layer call one of their inputs."""
        return self.experiment.problem.inputs[index] if layer == 0 else f"a[{layer - 1},{index}]"

    def weight(self, which: Which, layer: int, neuron: int, place: int | None) -> dict[str, Any]:
        experiment = self.experiment
        found, _ = self._anatomy(which)
        index = self.experiment.place_of(layer, neuron, place)
        leaf, here = experiment.parameters[index], found[layer, neuron]
        cost = experiment.configuration.cost
        _name_in_words(found, WORDS.get(f"{cost} of several" if len(found.outputs) > 1 else cost) or WORDS[cost])
        rule, reason = chain_rule(found.cost, leaf, PATHS, experiment.model), why(found.cost, leaf, experiment.model)
        wishes, penalty = self._wishes(layer, neuron, place), 0.0 if place is None else experiment.penalty_slope(leaf.data)
        spread = np.linspace(0, len(wishes) - 1, min(WISHES, len(wishes))).astype(np.int64).tolist()
        average = float(wishes.mean()) if len(wishes) else None
        labels = experiment.problem.training.y
        return {
            "is": "weight",
            "example": which,
            "name": f"b[{layer},{neuron}]" if place is None else f"w[{layer},{neuron},{place}]",
            "index": index,
            "value": leaf.data,
            "gradient": found.gradient[index],
            "count": f"{rule.count:,} path{'' if rule.count == 1 else 's'}",
            "paths": [
                {"product": path.product, "factors": [{"name": name, "derivative": each} for name, each in factors]}
                for path, factors in zip(rule.paths, rule.named_paths())
            ],
            "rest": rule.rest,
            "rule": {
                "delta": here.delta,
                "activation": 1.0 if place is None else here.inputs[place],
                "input": None if place is None else self._input(layer, place),
            },
            "why": {"verdict": reason.verdict, "text": str(reason)},
            "wishes": [{"index": each, "class": labels[each], "wish": wishes[each]} for each in spread],
            "average": average,
            "examples": len(wishes),
            "penalty": penalty,
            "total": None if average is None else penalty - average,
        }

    def _wishes(self, layer: int, neuron: int, place: int | None) -> Array:
        """What each training example wants of one parameter: minus the derivative of its cost."""
        experiment, training = self.experiment, self.experiment.problem.training
        if not len(training):
            return np.zeros(0)
        targets = experiment.targets(training)
        table = self._once("wishes", lambda: nudges(experiment.model, training.X, targets, experiment.cost_function))
        deltas: Array = table.deltas[layer][:, neuron]
        return -deltas if place is None else -deltas * table.activations[layer][:, place]


def _name_in_words(found: Anatomy, words: Mapping[str, str]) -> None:
    """Label what the cost is made of, from the outputs on, by the operation that made it."""
    outputs, ahead = set(found.outputs), [found.cost]
    while ahead:
        for each in ahead.pop().operands:
            if isinstance(each, Value) and each.op is not None and each not in outputs:
                each.label = words.get(each.op.name, "")
                ahead.append(each)


def _prediction(outputs: Array) -> int:
    return int(outputs.argmax()) if len(outputs) > 1 else int(outputs[0] > 0)


def _curve(f: Activation, low: float, high: float) -> dict[str, Array]:
    """A function and its slope, sampled."""
    x = np.linspace(low, high, 121)
    return {"x": x, "f": sampled(f, x), "slope": sampled(grad(f), x)}


def sampled(f: Activation, x: Array) -> Array:
    """A function of one number at many points, nan or infinite where it is undefined."""
    return elementwise(f, x)
