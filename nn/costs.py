"""Costs: functions of a network's outputs and an example's target that training minimizes.

Costs are written with autograd's functions, so they take floats, Values and the symbols of `vectorize`; a symbolic target is not known
yet. `require` checks targets: immediately if they are known, otherwise when the compiled program gets a batch.

A cost takes the outputs and the target of one example, each a number or a sequence of numbers, and returns a float, or a Value if an
argument contains Values. It raises ValueError for a target of another kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from numbers import Real
from operator import and_, or_
from typing import Any

import numpy as np

from autograd import exp, logsumexp, maximum, relu, require, softplus, total, weighted_sum, where
from nn.inputs import values_in

Cost = Callable[[Any, Any], Any]  # of the outputs and the target of one example


def squared_error(outputs: Any, target: Any) -> Any:
    """The squared error: the sum of (output - target)² over the outputs.

    Parameters
    ----------
    outputs : number or sequence
        The outputs for one example.
    target : number or sequence
        One target per output.

    Returns
    -------
    number
        A float, or a Value if an argument contains Values.

    Raises
    ------
    ValueError
        If there is not one target for each output.

    Examples
    --------
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
    return x * x if isinstance(x, float) else x**2  # x**2 is one node, but raises OverflowError for large floats


def cross_entropy(scores: Sequence[Any], target: Any) -> Any:
    """The cross-entropy between the target and softmax(scores).

    For a label it is -log(softmax(scores)[label]) = log(1 + Σ exp(score - score[label])), with the sum over the other classes; for
    probabilities it is -Σ target * log(softmax(scores)) (Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2.3). Differences
    of scores keep it accurate for scores of any size.

    Parameters
    ----------
    scores : sequence, length classes
        One score (logit) per class, not probabilities: the outputs of a network without an output activation.
    target : int or sequence
        The label of a class, from 0, or a probability for each class, which add up to 1.

    Returns
    -------
    number
        A float, or a Value if an argument contains Values.

    Raises
    ------
    ValueError
        For a single score, and for a target that is neither a label nor probabilities.

    Examples
    --------
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
    """Σ target * (logsumexp(scores) - score), computed from differences to a reference score.

    If a class has a target above 0.6, the cost may be tiny, and its score is the reference, as for a label. Otherwise the cost is at
    least the entropy of the targets, 0.67, and the largest score is the reference.
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
    """The cross-entropy between the target and sigmoid(score).

    -target * log(sigmoid(score)) - (1 - target) * log(1 - sigmoid(score)), computed as target * softplus(-score) +
    (1 - target) * softplus(score), a sum of positive terms, which is accurate for scores of any size (Goodfellow, Bengio and
    Courville, Deep Learning, section 6.2.2.2).

    Parameters
    ----------
    score : number or sequence of one number
        The score (logit) of class 1, not a probability: the output of a network without an output activation.
    target : number
        1, 0, or a probability between them.

    Returns
    -------
    number
        A float, or a Value if an argument contains Values.

    Raises
    ------
    ValueError
        For several scores, and for a target that is not between 0 and 1.

    Examples
    --------
    >>> round(binary_cross_entropy([2.0], 1), 4)
    0.1269
    """
    score, target = _single(score, "binary_cross_entropy", "score"), _single(target, "binary_cross_entropy", "target")
    message = (
        "binary_cross_entropy takes the target 0 or 1, or a probability between them, got {}; hinge takes -1 and 1, and cross_entropy "
        "more classes"
    )
    require((target >= 0) & (target <= 1), message, target)
    if isinstance(target, Real) and target in (0, 1):
        return softplus(-score if target == 1 else score)
    return target * softplus(-score) + (1 - target) * softplus(score)


def hinge(scores: Any, target: Any) -> Any:
    """The hinge loss of support vector machines.

    For a single score it is max(0, 1 - target * score). For several scores it is Σ max(0, 1 + score - score[label]) over the other
    classes (Weston and Watkins, Support vector machines for multi-class pattern recognition, 1999).

    Parameters
    ----------
    scores : number or sequence
        A single score, or one score per class.
    target : number or sequence
        -1 or 1 for a single score. Otherwise the label of a class, from 0, or a one-hot row.

    Returns
    -------
    number
        A float, or a Value if an argument contains Values.

    Raises
    ------
    ValueError
        For any other target.

    Examples
    --------
    >>> hinge([0.25], 1), hinge([0.25], -1)
    (0.75, 1.25)
    >>> hinge([2.0, 1.5, 0.0], 0)
    0.5
    """
    if not _is_sequence(scores) or len(scores) == 1:
        score, target = _single(scores, "hinge", "score"), _single(target, "hinge", "target")
        message = (
            "hinge takes the target -1 or 1 for a single score, got {}; write 2 * y - 1 for labels 0 and 1, and one score for each of "
            "more classes"
        )
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
    """max(0, 1 + difference), written so that no compiler adds 1 to a large score before it subtracts."""
    return where(difference <= -1, -1.0, difference) + 1


def softmax(scores: Sequence[Any]) -> list[Any]:
    """The probability of each class: exp(score) / Σ exp(score), accurate for scores of any size.

    `cross_entropy` trains scores, which are a network's outputs without an output activation; this function turns them into
    probabilities.

    Parameters
    ----------
    scores : sequence, length classes
        One score per class.

    Returns
    -------
    list
        One probability per class. They add up to 1.

    Examples
    --------
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


def l2_penalty(parameters: Any) -> Any:
    """The sum of the squares of parameters, as one node. L2 regularisation adds a small multiple of it to a cost.

    The parameters are a list or a dict, or those of a model.

    >>> l2_penalty([3.0, 4.0])
    25.0
    """
    parameters = values_in(parameters)
    return weighted_sum(parameters, parameters)


def _is_sequence(target: Any) -> bool:
    return isinstance(target, Sequence) or (isinstance(target, np.ndarray) and target.ndim > 0)


def _single(given: Any, cost: str, what: str) -> Any:
    """The number in a list of one, or the number itself."""
    numbers = given if _is_sequence(given) else [given]
    if len(numbers) != 1:
        raise ValueError(f"{cost} takes one {what}, got {len(numbers)}; for several classes use cross_entropy")
    return numbers[0]


def _require_label(target: Any, classes: int, cost: str) -> None:
    is_label = reduce(or_, [target == label for label in range(classes)])
    hint = "; for other labels: classes, Y = np.unique(Y, return_inverse=True)"
    require(is_label, f"{cost} with {classes} scores takes a class label from 0 to {classes - 1}, got {{}}{hint}", target)


def _one_for_each(target: Any, scores: Sequence[Any], cost: str) -> list[Any]:
    """One target per score. A label that is not known yet becomes comparisons."""
    if not _is_sequence(target):
        _require_label(target, len(scores), cost)
        return [where(target == label, 1.0, 0.0) for label in range(len(scores))]
    if len(target) != len(scores):
        hint = "; of a column of labels write Y.ravel()" if len(target) == 1 else ""
        raise ValueError(
            f"{cost} needs a class label, or one target for each score: got {len(scores)} scores and {len(target)} target(s){hint}"
        )
    return [float(each) if isinstance(each, (Real, np.generic)) else each for each in target]
