"""The inspector: what the session replies about an example, a neuron or a weight, at the current parameters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

import numpy as np

from autograd import Vectorized, grad, sigmoid, vectorize
from nn import softmax
from nn.data import Array
from playground import places
from playground.configuration import Activation, Configuration
from playground.experiment import Experiment
from playground.messages import Arrays, Fields, RefusedError, Reply
from playground.numbers import Numbers, numbers_of
from playground.paths import Paths
from playground.problem import Problem, predicted
from playground.updates import update

TERMS, WISHES, PATHS = 50, 200, 10  # the largest numbers that one reply lists
COLUMNS = {"z": "weighted_sum", "a": "activation", "slope": "slope", "delta": "delta"}  # of the table of an example

Which = Mapping[str, Any]  # an example: {"of": "training", "index": 5}
T = TypeVar("T")


class Inspector:
    """Explains the network of an experiment. `looked` is the example that was inspected last, `drawn` a drawn digit and its target."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.looked: Which = {"of": "training", "index": 0}
        self.drawn: tuple[Array, int | None] | None = None
        self._moment: tuple[bytes, Configuration] | None = None
        self._found: dict[Hashable, Any] = {}

    # Messages

    def inspect(self, given: Fields) -> Reply:
        """The reply to a message `inspect`."""
        read: dict[str, Callable[[Fields, Sequence[int]], tuple[Any, ...]]] = {
            "example": lambda *_: (), "neuron": places.neuron, "weight": places.weight, "weights": places.layer,
        }  # fmt: skip
        what = given.choice("what", tuple(read), "example")
        which, place = self._which(given), read[what](given, self.experiment.model.sizes)
        given.end()
        reply, arrays = getattr(self, what)(which, *place)
        self.looked = which
        return (reply, arrays) if arrays else reply

    def draw(self, given: Fields) -> Reply:
        """The reply to a message `draw`."""
        pixels = np.array(given.numbers("pixels", 784, 784, 0.0, 1.0))
        target = None if given.any("target") is None else given.whole("target", 0, 9)
        centre = given.flag("centre", True)
        given.end()
        if self.experiment.configuration.data["name"] != "digits":
            raise RefusedError("drawing needs the digits: choose them as the data first")
        before = self.drawn
        self.drawn = _centred(pixels) if centre else pixels, target
        try:
            reply, arrays = self.example({"of": "drawn"})
        except ArithmeticError:
            self.drawn = before
            raise
        self.looked = {"of": "drawn"}
        return {**reply, "is": "drawn"}, arrays

    def _which(self, given: Fields) -> Which:
        """The example in a message, by default the one that was inspected last."""
        asked = given.any("example")
        if asked is None:
            return self.looked
        fields = Fields(asked, "example")
        of = fields.choice("of", ("training", "held_out", "drawn"), "training")
        if of == "drawn":
            fields.end()
            if self.drawn is None:
                fields.refuse("of", "is drawn, but no digit has been drawn yet")
            return {"of": "drawn"}
        part = self.experiment.part(of)
        if not len(part):
            fields.refuse("of", f"is {of}, but there are no such examples")
        index = fields.whole("index", 0, len(part) - 1, 0)
        fields.end()
        return {"of": of, "index": index}

    # Replies

    def _once(self, what: Hashable, find: Callable[[], T]) -> T:
        """The result of `find`, kept until the parameters or the configuration change."""
        moment = self.experiment.layout.gather().tobytes(), self.experiment.configuration
        if moment != self._moment:
            self._moment, self._found = moment, {}
        if what not in self._found:
            self._found[what] = find()
        found: T = self._found[what]
        return found

    def _numbers(self, which: Which) -> tuple[Numbers, int | float]:
        """All numbers of one example in the network, and its class; without classes its target."""
        experiment = self.experiment
        if which["of"] == "drawn":
            assert self.drawn is not None  # `_which` checked it
            x, wanted = self.drawn
            label: int | float = int(predicted(experiment.model.predict(x[None]))[0]) if wanted is None else wanted
        else:
            part, index = experiment.part(which["of"]), which["index"]
            if not len(part):
                raise RefusedError("there are no examples to inspect yet: paint some into the plane")
            x, label = part.X[index], part.y[index].item()
        return self._once((x.tobytes(), label), partial(numbers_of, experiment, x, label)), label

    def example(self, which: Which) -> tuple[dict[str, Any], Arrays]:
        """The reply about one example; for a digit with arrays."""
        found, label = self._numbers(which)
        outputs = np.array(found.outputs)
        has_classes, has_scores = bool(self.experiment.problem.classes), self.experiment.configuration.cost == "cross_entropy"
        reply: dict[str, Any] = {
            "is": "example",
            "example": which,
            "x": found.x,
            "target": found.target,
            "class": label if has_classes else None,
            "prediction": predicted(outputs[None])[0] if has_classes else outputs[0],
            "cost": found.cost,
            "layers": [{name: [getattr(each, column) for each in row] for name, column in COLUMNS.items()} for row in found.layers],
            "outputs": outputs,
            "output_wishes": [-each.asked for each in found.layers[-1]],
            "probabilities": _probabilities(outputs.tolist()) if has_scores else None,
            "gradient": found.gradient,
        }
        if self.experiment.configuration.data["name"] != "digits":
            return reply, {}
        del reply["x"]
        first = found.layers[0]
        deltas, weights = np.array([each.delta for each in first]), np.array([each.weights for each in first])
        pictures = {"pixels": found.x, "weights": weights, "weight_wishes": -deltas[:, None] * found.x, "pixel_wishes": -deltas @ weights}
        arrays = {name: each.astype(np.float32).reshape(*each.shape[:-1], 28, 28) for name, each in pictures.items()}
        return reply, {**arrays, "gradient": reply.pop("gradient")}

    def neuron(self, which: Which, layer: int, neuron: int) -> tuple[dict[str, Any], Arrays]:
        """The reply about one neuron."""
        found, _ = self._numbers(which)
        here = found[layer, neuron]
        shown_terms = sorted(np.argsort(-np.abs(here.products), kind="stable")[:TERMS].tolist())
        others = np.delete(here.products, shown_terms)
        terms = [
            {
                "weight": f"w[{layer},{neuron},{index}]",
                "value": here.weights[index],
                "input": input_name(self.experiment.problem, layer, index),
                "activation": here.inputs[index],
                "product": here.products[index],
            }
            for index in shown_terms
        ]
        parts = [
            {
                "neuron": f"z[{layer + 1},{each.index}]",
                "delta": each.delta,
                "weight": f"w[{layer + 1},{each.index},{neuron}]",
                "value": each.weights[neuron],
                "product": each.delta * each.weights[neuron],
            }
            for each in (found.layers[layer + 1] if layer + 1 < len(found.layers) else ())
        ]
        chosen = self.experiment.configuration
        x = np.linspace(min(-5.0, here.weighted_sum - 1), max(5.0, here.weighted_sum + 1), 121)
        reply = {
            "is": "neuron",
            "example": which,
            "name": f"a[{layer},{neuron}]",
            "terms": terms,
            **({"others": {"count": len(others), "sum": others.sum()}} if len(others) else {}),
            "bias": {"name": f"b[{layer},{neuron}]", "value": here.bias},
            "sum": {"name": f"z[{layer},{neuron}]", "value": here.weighted_sum},
            "formula": chosen.formulas[layer],
            "activation": here.activation,
            "slope": here.slope,
            "curve": {"x": x, "f": sampled(here.function, x), "slope": sampled(here.function, x, 1)},
            "wish": {"value": here.asked, "parts": parts or None},
            "delta": here.delta,
        }
        is_picture = layer == 0 and chosen.data["name"] == "digits"
        return reply, {"weights": np.array(here.weights).reshape(28, 28)} if is_picture else {}

    def weights(self, which: Which, layer: int) -> tuple[dict[str, Any], Arrays]:
        """The reply about all weights of a layer: arrays (neurons, inputs + 1), with the biases last."""
        experiment, (found, _) = self.experiment, self._numbers(which)
        values, gradients = (experiment.by_layer(each)[layer] for each in (experiment.layout.gather(), found.gradient))
        here, (errors, inputs) = found.layers[layer], self._errors_and_inputs(layer)
        inputs = np.hstack([inputs, np.ones((len(inputs), 1))])
        penalties = experiment.programs.penalty_slope(values)
        penalties[:, -1] = 0.0
        reply = {
            "is": "weights", "example": which, "layer": layer, "examples": len(inputs),
            "inputs": [input_name(experiment.problem, layer, each) for each in range(experiment.model.sizes[layer])],
            "deltas": [each.delta for each in here], "activations": [*here[0].inputs, 1.0],
        }  # fmt: skip
        arrays = {"values": values, "gradients": gradients, "penalties": penalties}
        return reply, {**arrays, "averages": -errors.T @ inputs / max(1, len(inputs))}

    def weight(self, which: Which, layer: int, neuron: int, place: int | None) -> tuple[dict[str, Any], Arrays]:
        """The reply about one weight, or about a bias if `place` is None."""
        experiment = self.experiment
        found, _ = self._numbers(which)
        index = experiment.index_of(layer, neuron, place)
        leaf = experiment.parameters[index]
        paths = Paths(found, layer, neuron, place, float(found.gradient[index]), PATHS)
        source = None if place is None else input_name(experiment.problem, layer, place)
        wishes, penalty = self._wishes(layer, neuron, place), 0.0 if place is None else experiment.programs.penalty_slope(leaf.data)
        spread = np.linspace(0, len(wishes) - 1, min(WISHES, len(wishes))).astype(np.int64).tolist()
        average = float(wishes.mean()) if len(wishes) else None
        labels = experiment.problem.training.y
        reply = {
            "is": "weight",
            "example": which,
            "name": f"b[{layer},{neuron}]" if place is None else f"w[{layer},{neuron},{place}]",
            "index": index,
            "value": leaf.data,
            "gradient": found.gradient[index],
            "count": paths.counted(),
            "paths": [
                {"product": path.product, "factors": [{"name": name, "derivative": each} for name, each in path.factors]}
                for path in paths.largest
            ],
            "rest": paths.rest,
            "rule": {"delta": found[layer, neuron].delta, "activation": paths.input, "input": source},
            "why": paths.why(source),
            "wishes": [
                {"index": each, "class": labels[each] if experiment.problem.classes else None, "wish": wishes[each]} for each in spread
            ],
            "average": average,
            "examples": len(wishes),
            "penalty": penalty,
            "total": None if average is None else penalty - average,
            "update": update(experiment, index, place is not None),
        }
        return reply, {}

    def nudge(self, given: Fields) -> dict[str, Any]:
        """Add a small number to a weight. Returns what the gradient predicts for the costs, and what happens to them."""
        experiment, which, place = self.experiment, self._which(given), places.weight(given, self.experiment.model.sizes)
        by = given.number("by", -1.0, 1.0)
        given.end()
        index, wishes = experiment.index_of(*place), self._wishes(*place)
        (found, _), cost = self._numbers(which), experiment.moment()["cost"]
        outputs, slope = found.outputs, float(found.gradient[index])
        experiment.set_parameter(index, experiment.parameters[index].data + by)
        (now, _), new_cost = self._numbers(which), experiment.moment()["cost"]
        self.looked = which
        return {
            "by": by, "example": which, "examples": len(wishes),
            "all": {"predicted": -float(wishes.mean()) * by if len(wishes) else None, "before": cost, "after": new_cost},
            "one": {"predicted": slope * by, "before": found.cost, "after": now.cost},
            "outputs": {"before": outputs, "after": now.outputs},
        }  # fmt: skip

    def _wishes(self, layer: int, neuron: int, place: int | None) -> Array:
        """Minus the derivative of the cost of each training example by one parameter."""
        errors, inputs = self._errors_and_inputs(layer)
        return -errors[:, neuron] if place is None else -errors[:, neuron] * inputs[:, place]

    def _errors_and_inputs(self, layer: int) -> tuple[Array, Array]:
        """The errors of a layer, (examples, neurons), and its inputs, (examples, inputs), for the training examples."""
        programs, training, sizes = self.experiment.programs, self.experiment.problem.training, self.experiment.model.sizes
        if not len(training):
            return np.zeros((0, sizes[layer + 1])), np.zeros((0, sizes[layer]))
        errors, activations = self._once("wishes", lambda: programs.explained(training))
        return errors[layer], activations[layer - 1] if layer else training.X


def input_name(problem: Problem, layer: int, index: int) -> str:
    """The name of an input of a layer."""
    return problem.inputs[index] if layer == 0 else f"a[{layer - 1},{index}]"


def _probabilities(outputs: list[float]) -> Any:
    """The probability of each class: by softmax of several scores, by sigmoid of a single one."""
    return softmax(outputs) if len(outputs) > 1 else [sigmoid(-outputs[0]), sigmoid(outputs[0])]


def _centred(pixels: Array) -> Array:
    """A drawing, (784,), with the ink moved to the middle."""
    picture = pixels.reshape(28, 28)
    rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return pixels
    moves = [(27 - int(places[0]) - int(places[-1])) // 2 for places in (rows, columns)]
    return np.roll(picture, moves, axis=(0, 1)).ravel()


def sampled(f: Activation, x: Array, order: int = 0) -> Array:
    """A function of one number, or its derivative of an order from 1 to 2, at the numbers x; nan where it has no value."""
    with np.errstate(all="ignore"):
        numbers: Array = _compiled(f, order)(x)
    return numbers


@lru_cache(256)
def _compiled(f: Activation, order: int) -> Vectorized:
    for _ in range(order):
        f = grad(f)
    return vectorize(f)
