"""Classification: predicted classes, accuracy, thresholds and probabilities. Outputs have the shape (examples, outputs).

With several outputs, the class is the index of the largest. With a single output, it is class 1 if the output is above a threshold.
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


def class_index(outputs: Array, threshold: float = 0.0) -> npt.NDArray[np.int64]:
    """Return the index of the predicted class of each example, (examples,). `threshold` is that of a single output."""
    return outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > threshold).astype(np.int64)


def accuracy(outputs: Array, Y: npt.ArrayLike, threshold: float = 0.0, weights: Array | None = None) -> float:
    """The share of examples whose class is predicted correctly.

    Parameters
    ----------
    outputs : ndarray, shape (examples, outputs)
        The outputs of a model. An output that is nan is wrong.
    Y : array_like
        For several outputs labels or one-hot rows; for a single output 1 and either 0 or -1.
    threshold : float, default 0.0
        The threshold of a single output.
    weights : ndarray, shape (examples,), optional
        The weights of the examples, for a weighted share.

    Returns
    -------
    float
        From 0 to 1; nan for targets that are not classes.
    """
    targets = examples("Y", Y)
    if len(targets) != len(outputs):
        raise ValueError(f"X and Y must be equally long: got {len(outputs)} examples and {len(targets)} targets")
    classes, known = outputs.shape[1], ~np.isnan(outputs).any(axis=1)
    if targets.shape[1:] == outputs.shape[1:] and classes > 1 and (targets >= 0).all() and np.allclose(targets.sum(axis=1), 1):
        targets = targets.argmax(axis=1)
    if targets.size != len(targets):
        return math.nan
    targets = targets.reshape(-1)
    labels = set(np.unique(targets).tolist())
    if not (labels <= set(range(classes)) if classes > 1 else labels <= {-1, 1} or labels <= {0, 1}):
        return math.nan
    right = class_index(outputs, threshold) == (targets if classes > 1 else targets == 1)
    return float(np.average(known & right, weights=weights))


def indifference(cost: Callable[[Any, Any], Any]) -> float | None:
    """The single output for which a cost is the same for the targets 0 and 1: the threshold between them. None if none is found.

    The search uses bisection between points of a grid, starting with the interval nearest to 0. Rounding can make the costs equal for
    several outputs; then the result is the one with the fewest binary digits.
    """

    def difference(output: float) -> float:
        with suppress(ArithmeticError, ValueError, TypeError):  # outputs or targets outside the domain of the cost
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
    """The largest number for which a condition holds that is true for `low` and false for `high`."""
    while low < (middle := low + (high - low) / 2) < high:
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _roundest(low: float, high: float) -> float:
    """The number from `low` to `high` with the fewest binary digits."""
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
    """The threshold of a single output with this output activation, for a model that has not been trained."""
    return 0.5 if activation is sigmoid else 0.0


def probabilities(outputs: Array, activations: Collection[Activation]) -> Array:
    """The probability of each class, shape (examples, classes), given the output activations of the model.

    Raises ValueError for several outputs with an output activation, because softmax takes scores.
    """
    if outputs.shape[1] == 1:
        return np.hstack([1 - outputs, outputs] if sigmoid in activations else [sigmoid(-outputs), sigmoid(outputs)])
    for activation in activations:
        if activation is not linear:
            raise ValueError(
                f"softmax takes scores, and these outputs are results of {name_of(activation)}: train with cross_entropy "
                f"and no output activation"
            )
    return np.stack(softmax(list(outputs.T)), axis=1)
