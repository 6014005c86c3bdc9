"""Costs: how wrong a network's outputs are for one example, as a number to make small.

Each takes the list of outputs and the example's target, written with the library's functions only, so that it
is read with floats, with Values, and by the compiler, where even the target is a number not known yet. What it asks of the
target it says by `require`, which checks it at once where it is known, and in whole batches where not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from numbers import Real
from operator import and_, or_
from typing import Any

import numpy as np

from autograd import exp, logsumexp, maximum, relu, require, softplus, total, weighted_sum, where

Cost = Callable[[Any, Any], Any]  # of the outputs and the target of one example


def squared_error(outputs: Any, target: Any) -> Any:
    """The sum over the outputs of (output - target)²; either may be a sequence, or a number for a single output.

    >>> squared_error([0.5, 1.0], [1.0, 1.0])
    0.25
    """
    outputs = list(outputs) if _is_sequence(outputs) else [outputs]
    targets = list(target) if _is_sequence(target) else [target]
    if len(outputs) != len(targets):
        hint = "; for class labels use cross_entropy, or one target for each output (one_hot)" if len(targets) == 1 else ""
        raise ValueError(f"squared_error needs one target for each output: got {len(outputs)} outputs and {len(targets)} target(s){hint}")
    return total(_square(output - each) for output, each in zip(outputs, targets))


def _square(x: Any) -> Any:
    return x * x if isinstance(x, float) else x**2  # x**2 is one node; of floats it raises OverflowError where x * x is inf


def cross_entropy(scores: Sequence[Any], target: Any) -> Any:
    """-log of the probability that softmax(scores) gives to the target: a class label, or a probability for each class.

    Takes scores (logits), not probabilities (Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2.3). For a label it is
    log(1 + sum of exp(score - right score) over the wrong classes): differences of scores keep it precise at any size.

    >>> round(cross_entropy([2.0, 0.0], 0), 4)
    0.1269
    >>> round(cross_entropy([2.0, 0.0], [0.5, 0.5]), 4)
    1.1269
    """
    if not _is_sequence(scores) or len(scores) == 1:
        raise ValueError(
            "cross_entropy takes a score for each class, got a single one: use binary_cross_entropy, or as many outputs as classes"
        )
    if isinstance(target, Real):
        _require_label(target, len(scores), "cross_entropy")
        right = int(float(target))
        return softplus(logsumexp([score - scores[right] for label, score in enumerate(scores) if label != right]))
    targets = _one_for_each(target, scores, "cross_entropy")
    if not _is_sequence(target):
        right_score = weighted_sum(targets, scores)
        return softplus(_logsumexp_of_wrong([each == 1 for each in targets], [score - right_score for score in scores]))
    is_distribution = reduce(and_, [each >= 0 for each in targets]) & (abs(total(targets) - 1) < 1e-5)
    require(is_distribution, "cross_entropy takes a class label, or a probability for each class, which add up to 1: got {}", *targets)
    return _cross_entropy_of_probabilities(scores, targets)


def _cross_entropy_of_probabilities(scores: Sequence[Any], targets: Sequence[Any]) -> Any:
    """The sum of target * (logsumexp(scores) - score), from differences to the likely class's score, or else to the largest score.

    A class is likely where its target is above 0.6: then the cost may be tiny, and is the one of a label. Where no class is likely, the
    cost is at least the entropy of the targets, 0.67.
    """
    is_likely = [each > 0.6 for each in targets]
    any_likely = reduce(or_, is_likely)
    likely_score = weighted_sum([where(each, 1.0, 0.0) for each in is_likely], scores)
    reference = where(any_likely, likely_score, reduce(maximum, scores))
    differences = [score - reference for score in scores]
    rest = _logsumexp_of_wrong(is_likely, differences)
    return where(any_likely, softplus(rest), rest) * total(targets) - weighted_sum(targets, differences)


def _logsumexp_of_wrong(is_right: Sequence[Any], differences: Sequence[Any]) -> Any:
    return logsumexp([where(right, -math.inf, each) for right, each in zip(is_right, differences)])


def binary_cross_entropy(score: Any, target: Any) -> Any:
    """-log of the probability that sigmoid(score) gives to the target: 1 or 0, or a probability in between.

    Takes the score (logit), a number or a list of one. It is a sum of positive terms, so it is precise at any size.

    >>> round(binary_cross_entropy([2.0], 1), 4)
    0.1269
    """
    score, target = _single(score, "binary_cross_entropy", "score"), _single(target, "binary_cross_entropy", "target")
    message = "binary_cross_entropy takes the target 0 or 1, or a probability between them, got {}; hinge takes -1 and 1"
    require((target >= 0) & (target <= 1), message, target)
    if isinstance(target, Real) and target in (0, 1):
        return softplus(-score if target == 1 else score)
    return target * softplus(-score) + (1 - target) * softplus(score)


def hinge(scores: Any, target: Any) -> Any:
    """max(0, 1 - target * score) for a single score and a target of -1 or 1; for several scores, the sum over the
    wrong classes of max(0, 1 + score - right score), for a class label or a one-hot target.

    The second is that of Weston and Watkins (1999), Support vector machines for multi-class pattern recognition.

    >>> hinge([0.25], 1), hinge([0.25], -1)
    (0.75, 1.25)
    >>> hinge([2.0, 1.5, 0.0], 0)
    0.5
    """
    if not _is_sequence(scores) or len(scores) == 1:
        score, target = _single(scores, "hinge", "score"), _single(target, "hinge", "target")
        message = "hinge takes the target -1 or 1 for a single score, got {}; write 2 * y - 1 for labels 0 and 1"
        require((target == -1) | (target == 1), message, target)
        return relu(1 - target * score)
    if isinstance(target, Real):
        _require_label(target, len(scores), "hinge")
        right = int(float(target))
        return total(_margin_missed(score - scores[right]) for each, score in enumerate(scores) if each != right)
    targets = _one_for_each(target, scores, "hinge")
    if _is_sequence(target):
        is_one_hot = reduce(and_, [(each == 0) | (each == 1) for each in targets]) & (total(targets) == 1)
        require(is_one_hot, "hinge takes a class label, or 1 for the right class and 0 for the others: got {}", *targets)
    right_score = weighted_sum(targets, scores)
    return weighted_sum([1 - each for each in targets], [_margin_missed(score - right_score) for score in scores])


def _margin_missed(difference: Any) -> Any:
    """max(0, 1 + difference), written so that no compiler adds 1 to a large score before it takes the difference."""
    return where(difference <= -1, -1.0, difference) + 1


def softmax(scores: Sequence[Any]) -> list[Any]:
    """The probability of each class, a list that adds up to 1: exp(score) / sum of exp(scores), stable at any size.

    What cross_entropy trains is softmax(scores): the scores are a network's outputs, with no activation after them.

    >>> [round(p, 4) for p in softmax([1.0, 2.0, 1000.0])]
    [0.0, 0.0, 1.0]
    """
    if not _is_sequence(scores):
        raise TypeError(
            f"softmax takes the list of all scores, got {type(scores).__name__} {scores!r:.60}: as an activation leave it out, "
            f"train the scores with cross_entropy, and ask for model.probabilities(X)"
        )
    largest = reduce(maximum, scores)
    powers = [exp(score - largest) for score in scores]
    whole = total(powers)
    return [power / whole for power in powers]


def l2_penalty(parameters: Iterable[Any]) -> Any:
    """The sum of the squares, as one node: times a small number, what L2 regularisation adds to a cost.

    >>> l2_penalty([3.0, 4.0])
    25.0
    """
    parameters = list(parameters)
    return weighted_sum(parameters, parameters)


def _is_sequence(target: Any) -> bool:
    return isinstance(target, Sequence) or (isinstance(target, np.ndarray) and target.ndim > 0)


def _single(given: Any, cost: str, what: str) -> Any:
    """The number in a list of one, or the number itself."""
    if not _is_sequence(given):
        return given
    if len(given) != 1:
        raise ValueError(f"{cost} takes one {what}, got {len(given)}; for several classes use cross_entropy")
    return given[0]


def _require_label(target: Any, classes: int, cost: str) -> None:
    is_label = reduce(or_, [target == label for label in range(classes)])
    hint = "; for other labels: classes, Y = np.unique(Y, return_inverse=True)"
    require(is_label, f"{cost} with {classes} scores takes a class label from 0 to {classes - 1}, got {{}}{hint}", target)


def _one_for_each(target: Any, scores: Sequence[Any], cost: str) -> list[Any]:
    """A target for each score; a label that is not known yet becomes comparisons, as nothing can be looked up by it."""
    if not _is_sequence(target):
        _require_label(target, len(scores), cost)
        return [where(target == label, 1.0, 0.0) for label in range(len(scores))]
    if len(target) != len(scores):
        hint = "; of a column of labels write Y.ravel()" if len(target) == 1 else ""
        raise ValueError(
            f"{cost} needs a class label, or one target for each score: got {len(scores)} scores and {len(target)} target(s){hint}"
        )
    return [float(each) if isinstance(each, (Real, np.generic)) else each for each in target]
