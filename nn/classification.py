"""Answers: what a model's outputs say, and what counts as right. Outputs have the shape (examples, outputs).

With several outputs the answer is the class whose output is the largest. With one it is class 1 where the output is above a threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import sigmoid
from nn.activations import Activation, linear, name_of
from nn.costs import softmax
from nn.inputs import Array, examples, number_of


def accuracy(outputs: Array, Y: npt.ArrayLike, threshold: float = 0.0, part: slice = slice(None), threshold_of_signs: float = 0.0) -> float:
    """The share of examples that are answered right; NaN for targets that are no classes.

    Several outputs answer labels or one-hot rows; a single one 1 and either 0 or -1, each pair with a threshold of its own.
    What the targets are is seen from all of them, though the outputs may be those of a part of the examples.
    """
    targets = examples("Y", Y)
    if len(targets[part]) != len(outputs):
        raise ValueError(f"X and Y must be equally long: got {len(outputs)} examples and {len(targets[part])} targets")
    classes, known = outputs.shape[1], ~np.isnan(outputs).any(axis=1)  # an output that is nan answers nothing
    if targets.shape[1:] == outputs.shape[1:] and classes > 1 and (targets >= 0).all() and np.allclose(targets.sum(axis=1), 1):
        targets = targets.argmax(axis=1)
    if targets.size != len(targets):
        return math.nan
    targets = targets.reshape(-1)
    labels, targets = set(np.unique(targets).tolist()), targets[part]
    if classes > 1:
        return float((known & (outputs.argmax(axis=1) == targets)).mean()) if labels <= set(range(classes)) else math.nan
    if labels <= {-1, 1} or labels <= {0, 1}:
        return float((known & ((outputs[:, 0] > (threshold_of_signs if -1 in labels else threshold)) == (targets == 1))).mean())
    return math.nan


def indifference(cost: Callable[[Any, Any], Any]) -> float | None:
    """The single output for which a cost is the same for the targets 0 and 1, so that either answer is as good; None if none is found.

    It is looked for between powers of two, from the one nearest to 0 on. Several outputs may give the same two costs in floating-point
    numbers: of these it is the one with the fewest digits in binary.
    """

    def difference(output: float) -> float:
        with suppress(ArithmeticError, ValueError, TypeError):  # outside a cost's domain, or its targets
            return number_of(cost([output], 0.0)) - number_of(cost([output], 1.0))
        return math.nan

    found = [(output, each) for output in _GRID if not math.isnan(each := difference(output))]
    below, above = [output for output, each in found if each < 0], [output for output, each in found if each > 0]
    crossings = [(low, min(high for high in above if high > low)) for low in below if any(high > low for high in above)]
    if not crossings:
        return None
    low, high = min(crossings, key=lambda ends: (max(map(abs, ends)), -ends[0]))
    first, last = _last(lambda output: difference(output) < 0, low, high), _last(lambda output: difference(output) <= 0, low, high)
    return _roundest(math.nextafter(first, math.inf), max(last, math.nextafter(first, math.inf)))


_POWERS = [2.0**power for power in range(-30, 41)]
_GRID = sorted({0.0, *_POWERS, *(-each for each in _POWERS), *(step / 4 for step in range(-32, 33))})


def _last(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The last number between two for which a condition holds that holds for `low`, and not for `high`."""
    while low < (middle := low + (high - low) / 2) < high:
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _roundest(low: float, high: float) -> float:
    """The number from `low` to `high` with the fewest digits in binary."""
    if low <= 0 <= high:
        return 0.0
    exponent = math.frexp(max(abs(low), abs(high)))[1]
    for digits in range(1, 54):
        unit = math.ldexp(1.0, exponent - digits)
        rounded = math.ceil(low / unit) * unit
        if rounded <= high:
            return rounded
    return low


def usual_threshold(activation: Activation) -> float:
    """Where an output that has been through this activation parts the classes, as long as no cost has said otherwise."""
    return 0.5 if activation is sigmoid else 0.0


def probabilities(outputs: Array, activations: Collection[Activation]) -> Array:
    """The probability of each class, given what activations the outputs have been through: rows of (examples, classes) that add up to 1.

    Raises ValueError for several outputs that an activation has made other than scores.
    """
    if outputs.shape[1] == 1:
        return np.hstack([1 - outputs, outputs] if sigmoid in activations else [sigmoid(-outputs), sigmoid(outputs)])
    for activation in activations:
        if activation is not linear:
            raise ValueError(
                f"softmax takes scores, and these outputs have been through {name_of(activation)}: train with cross_entropy "
                f"and no output activation"
            )
    return np.stack(softmax(list(outputs.T)), axis=1)
