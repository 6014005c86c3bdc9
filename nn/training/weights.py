"""Weights of examples: a column after the targets, by which the cost of an example is multiplied on every back end.

The weights of a data set are divided by their mean, so that the mean of the weighted costs is the weighted mean of the costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nn.activations import name_of
from nn.costs import Cost
from nn.inputs import Array, examples
from nn.labels import Classes, balanced, indices, plain


def check_weights(name: str, sample_weight: Any, count: int) -> Array:
    """Return the weights of `count` examples as float64. Raises ValueError unless they are numbers of at least 0, not all of them 0."""
    weights = examples(name, sample_weight)
    if weights.shape != (count,):
        raise ValueError(f"{name} must have one number for each of {count} examples, got the shape {weights.shape}")
    if not weights.any() or (weights < 0).any():
        raise ValueError(f"{name} must hold numbers of at least 0, not all of them 0")
    return weights


def weights_of_classes(class_weight: Any, index: Any, classes: Classes) -> Array:
    """Return the weight of each example by its class: "balanced", or a dict of weights, 1 for a class that it lacks."""
    if isinstance(class_weight, str) and class_weight == "balanced":
        return balanced(index, len(classes))[index]  # type: ignore[no-any-return]
    if not isinstance(class_weight, Mapping) or not class_weight:
        raise ValueError(f'class_weight must be "balanced" or a dict of weights by class, got {class_weight!r:.60}')
    places = indices("class_weight", plain("class_weight", list(class_weight)), classes)
    each = np.ones(len(classes))
    each[places] = check_weights("class_weight", list(class_weight.values()), len(class_weight))
    return each[index]  # type: ignore[no-any-return]


def with_weights(Y: Array, weights: Array | None) -> Array:
    """Return the targets with a column of weights, divided by their mean; None is 1 for each."""
    return np.column_stack([Y, np.ones(len(Y)) if weights is None else weights / weights.mean()])


def weighted(cost: Cost, is_row: bool) -> Cost:
    """Return the cost of an example whose last target is its weight. `is_row` is whether the other targets are a row, or one number."""

    def of_example(outputs: Any, target: Any) -> Any:
        return target[-1] * cost(outputs, target[:-1] if is_row else target[0])

    of_example.__name__ = name_of(cost)
    return of_example
