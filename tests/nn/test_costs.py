"""Costs: their values against formulas of textbooks, for scores of any size and all kinds of targets."""

from __future__ import annotations

import importlib.util
import itertools
import math
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Value, c_compiler, grad, gradcheck, log, maximum, sigmoid, vectorize
from autograd.ops import TABLE
from nn import MLP, binary_cross_entropy, classification, cross_entropy, hinge, l2_penalty, moons, nudges, softmax, squared_error, train
from nn.classification import probabilities

score_lists = st.lists(st.floats(-20, 20), min_size=2, max_size=6)


def by_hand(scores: list[float]) -> np.ndarray[Any, Any]:
    powers = np.exp(np.array(scores) - max(scores))
    return np.asarray(powers / powers.sum())


def test_squared_error_is_the_sum_over_the_outputs() -> None:
    assert squared_error([1.0, 2.0, 4.0], [0.0, 0.0, 1.0]) == 14.0
    assert squared_error([3.0], 1) == squared_error([3.0], [1]) == squared_error([3.0], np.array([1.0])) == 4.0
    assert squared_error(3.0, 1) == squared_error(Value(3.0), [1]).data == squared_error(np.array([3.0]), np.array(1)) == 4.0


@pytest.mark.parametrize(
    ("cost", "scores", "targets", "message"),
    [
        (squared_error, [1.0, 2.0, 3.0], [[1.0, 2.0]], r"got 3 outputs and 2 target\(s\)$"),
        (squared_error, [1.0, 2.0, 3.0], [2], r"got 3 outputs and 1 target\(s\); for class labels use cross_entropy"),
        *((cross_entropy, one, [0], "^cross_entropy takes a score for each class, got a single one: use binary_cross_entropy, or as")
          for one in (2.0, Value(2.0), [2.0], np.array([2.0]))),
        *((cost, [1.0, 2.0, 3.0], [-1, 3, 1.5, math.nan], f"{cost.__name__} with 3 scores takes a class label from 0 to 2, got ")
          for cost in (cross_entropy, hinge)),
        *((cost, [1.0, 2.0, 3.0], [[1.0, 0.0]], rf"{cost.__name__} needs a class label, or one target .* 3 scores and 2 target\(s\)")
          for cost in (cross_entropy, hinge)),
        (binary_cross_entropy, [0.3], [-1, 1.5, math.nan], "target 0 or 1, or a probability between them, got .*; hinge takes -1 and 1"),
        (binary_cross_entropy, [0.3, 0.4], [1], "binary_cross_entropy takes one score, got 2; for several classes use cross_entropy"),
        (hinge, [0.3], [0, 2, 0.5], r"takes the target -1 or 1 for a single score, got .*; write 2 \* y - 1 for labels 0 and 1"),
    ],
)  # fmt: skip
def test_scores_and_targets_that_do_not_fit_are_refused(cost: Any, scores: Any, targets: list[Any], message: str) -> None:
    for target in targets:
        with pytest.raises(ValueError, match=message):
            cost(scores, target)


@given(score_lists, st.data())
def test_cross_entropy_is_minus_log_softmax(scores: list[float], data: st.DataObject) -> None:
    label = data.draw(st.integers(0, len(scores) - 1))
    one_hot = np.eye(len(scores))[label]
    expected = -math.log(by_hand(scores)[label])
    for target in (label, float(label), np.int64(label), one_hot, one_hot.tolist()):
        assert cross_entropy(scores, target) == pytest.approx(expected, abs=1e-12)
    mixed = np.arange(1.0, len(scores) + 1)
    mixed /= mixed.sum()
    assert cross_entropy(scores, mixed) == pytest.approx(-(mixed * np.log(by_hand(scores))).sum(), abs=1e-12)


def test_cross_entropies_are_stable_at_a_thousand() -> None:
    assert cross_entropy([1000.0, -1000.0], 1) == 2000.0
    assert cross_entropy([1000.0, -1000.0], 0) == 0.0
    assert cross_entropy([1000.0, -1000.0], [0.0, 1.0]) == 2000.0
    assert grad(lambda s: cross_entropy(s, 1))([1000.0, -1000.0]) == [1.0, -1.0]
    assert binary_cross_entropy(1000.0, 0) == binary_cross_entropy(-1000.0, 1) == 1000.0
    assert binary_cross_entropy(1000.0, 1) == binary_cross_entropy(-1000.0, 0) == 0.0
    assert [binary_cross_entropy(Value(1000.0), target).op for target in (0, 1)] == [TABLE["softplus"]] * 2
    assert grad(lambda s: binary_cross_entropy(s, 0))(1000.0) == 1.0


def test_hinge_of_one_score() -> None:
    assert [hinge([score], 1) for score in (2.0, 1.0, 0.25, -1.0)] == [0.0, 0.0, 0.75, 2.0]
    assert hinge([0.25], -1) == hinge(0.25, -1) == hinge([0.25], [-1]) == 1.25


@given(score_lists, st.data())
def test_hinge_of_several_scores(scores: list[float], data: st.DataObject) -> None:
    label = data.draw(st.integers(0, len(scores) - 1))
    expected = sum(max(0.0, 1 + score - scores[label]) for index, score in enumerate(scores) if index != label)
    for target in (label, np.eye(len(scores))[label]):
        assert hinge(scores, target) == pytest.approx(expected, abs=1e-12)


def test_hinge_is_flat_where_a_margin_is_just_kept() -> None:
    """As relu at 0, where the derivative is 0 too."""
    assert grad(lambda score: hinge(score, 1))(1.0) == 0.0
    assert grad(lambda scores: hinge(scores, 0))([2.0, 1.0]) == [0.0, 0.0]


def test_gradients_are_right() -> None:
    for cost, outputs, target in (
        (squared_error, [0.3, 2.0], [1.0, 0.0]),
        (cross_entropy, [0.3, 2.0, -1.0], 2),
        (binary_cross_entropy, [0.3], 1),
        (hinge, [0.3, 0.5, -2.0], 2),
        (hinge, [0.3], -1),
    ):
        report = gradcheck(lambda v, cost=cost, target=target: cost(v, target), outputs)
        assert report, report


def test_l2_penalty_is_one_node() -> None:
    parameters = [Value(3.0), Value(-4.0)]
    penalty = l2_penalty(iter(parameters))
    penalty.backward()
    assert penalty.data == 25.0
    assert [each.grad for each in parameters] == [6.0, -8.0]


# Targets in whole batches

SCORES = np.array([[0.5, 1.0, -2.0], [0.1, 0.2, 0.3], [1.0, 0.0, 0.0]])
WRONG: list[tuple[Any, int, Any, str]] = [
    (hinge, 1, [1, -1, 0], "hinge takes the target -1 or 1 for a single score, got 0.0; write 2"),
    (hinge, 1, [[1], [-1], [0]], "hinge takes the target -1 or 1 for a single score, got 0.0; write 2"),
    (binary_cross_entropy, 1, [[1], [0], [-1]], "binary_cross_entropy takes the target 0 or 1, .* got -1.0"),
    (cross_entropy, 3, [0, 1, 3.5], "cross_entropy with 3 scores takes a class label from 0 to 2, got 3.5; for other labels: classes, Y"),
    (
        cross_entropy,
        3,
        [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 1e-4]],
        r"a probability for each class, which add up to 1: got \[0.5, 0.5, 0.0001\]",
    ),
    (cross_entropy, 3, [[1, 0, 0], [0, 1, 0], [7, -3, -3]], r"probability for each class, which add up to 1: got \[7.0, -3.0, -3.0\]"),
    (hinge, 3, [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]], r"1 for the right class and 0 for the others: got \[0.5, 0.5, 0.0\]"),
    (hinge, 3, [0, 1, 9.5], "hinge with 3 scores takes a class label from 0 to 2, got 9.5"),
]


@pytest.mark.parametrize(("cost", "outputs", "targets", "message"), WRONG)
def test_every_target_of_a_batch_is_checked(cost: Any, outputs: int, targets: Any, message: str) -> None:
    Y = np.array(targets, dtype=float)
    with pytest.raises(ValueError, match=message):
        cost(SCORES[2, :outputs].tolist(), Y[2].tolist())
    compiled = vectorize(lambda scores, y: 2 * cost(scores, y))
    compiled(SCORES[:2, :outputs], Y[:2])
    for reading in (compiled, compiled.mean, compiled.value_and_gradient):
        with pytest.raises(ValueError, match=rf"{message}.*\(example 2\)$"):
            reading(SCORES[:, :outputs], Y)
    model = MLP([3, outputs])
    before = model.state_dict()
    for eager in (False, True):
        for data, validation in (((SCORES, Y), None), ((SCORES[:2], Y[:2]), (SCORES, Y))):
            with pytest.raises(ValueError, match=f"{message}|validation Y has labels that are not classes of the model, such as 0"):
                train(model, *data, cost=cost, validation=validation, compiled=not eager, progress=False)
    with pytest.raises(ValueError, match=message):
        nudges(model, SCORES, Y, cost)
    assert model.state_dict() == before


def test_more_than_a_thousand_different_targets() -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(3000, 2)), rng.random(3000)
    Y[1234] = 1.5
    with pytest.raises(ValueError, match=r"got 1.5; hinge takes -1 and 1, and cross_entropy more classes \(example 1234\)"):
        train(MLP([2, 1]), X, Y, cost=binary_cross_entropy, progress=False)


def test_unchecked_programs_check_only_on_request() -> None:
    program = vectorize(hinge, check=False)
    assert program(np.array([[0.5]]), np.array([0.0])).shape == (1,)
    with pytest.raises(ValueError, match="hinge takes the target -1 or 1"):
        program.check(np.array([[0.5]]), np.array([0.0]))


@given(score_lists)
def test_softmax_gives_probabilities(scores: list[float]) -> None:
    assert softmax(scores) == pytest.approx(np.exp(scores) / np.exp(scores).sum(), rel=1e-12)
    assert sum(softmax(scores)) == pytest.approx(1.0, rel=1e-12)
    assert cross_entropy(scores, 1) == pytest.approx(-math.log(softmax(scores)[1]), rel=1e-9)


# What a model answers


def test_probabilities_of_a_model() -> None:
    several, one = MLP([3, 3]), MLP([3, 1])
    np.testing.assert_allclose(several.probabilities(SCORES), [softmax(row) for row in several.predict(SCORES).tolist()], rtol=1e-12)
    np.testing.assert_allclose(one.probabilities(SCORES)[:, 1], 1 / (1 + np.exp(-one.predict(SCORES)[:, 0])), rtol=1e-12)
    already = MLP([3, 1], output_activation=sigmoid)
    np.testing.assert_array_equal(already.probabilities(SCORES)[:, 1], already.predict(SCORES)[:, 0])
    with pytest.raises(ValueError, match="softmax takes scores, and these outputs are results of sigmoid: train with cross_entropy"):
        MLP([3, 3], output_activation=sigmoid).probabilities(SCORES)


def disguised(outputs: Any, y: Any) -> Any:
    return 3 * squared_error(outputs, y) + 0.5


@pytest.mark.parametrize(
    ("cost", "threshold"),
    [
        (squared_error, 0.5), (disguised, 0.5), (binary_cross_entropy, 0.0),
        (lambda outputs, y: binary_cross_entropy(outputs[0] - 0.25, y), 0.25),
        (lambda outputs, y: y * (outputs[0] - 1) ** 2 + 4 * (1 - y) * outputs[0] ** 2, 1 / 3),
        (lambda outputs, y: -(y * log(outputs[0]) + (1 - y) * log(1 - outputs[0])), 0.5),
    ],
)  # fmt: skip
def test_history_and_model_agree_on_the_accuracy(cost: Any, threshold: float) -> None:
    X, Y = moons(60, noise=0.2, seed=1)
    is_probability = threshold == 0.5 and cost not in (squared_error, disguised)
    model = MLP([2, 4, 1], output_activation=sigmoid if is_probability else None, seed=2)
    history = train(model, X, Y, cost=cost, epochs=5, progress=False)
    assert model.threshold == pytest.approx(threshold, rel=1e-12)
    assert history.accuracy[-1] == model.accuracy(X, Y) == ((model.predict(X)[:, 0] > threshold) == Y).mean()


@pytest.mark.parametrize(("cost", "sizes"), [(binary_cross_entropy, [2, 4, 1]), (cross_entropy, [2, 4, 2])])
def test_scores_after_a_sigmoid_give_a_warning(cost: Any, sizes: list[int]) -> None:
    X, Y = moons(60, seed=1)
    with pytest.warns(RuntimeWarning, match=f"^{cost.__name__} applies sigmoid or softmax itself, and these outputs have already"):
        train(MLP(sizes, output_activation=sigmoid), X, Y, cost=cost, epochs=1, progress=False)


# Scores of every size, against mpmath

SIZES = [1e-200, 1e-6, 1.0, 40.0, 1e6, 1e17, 1e200]
EVERY_SIZE = [0.0, *SIZES, *(-size for size in SIZES)]
TWO_SCORES = list(itertools.product(EVERY_SIZE, EVERY_SIZE))
THREE_SCORES = list(itertools.product([0.0, 1e-6, -40.0, 40.0, 1e17, -1e200], repeat=3))
DIGITS = 450  # so that 1e200 + 1e-200 is exact


def exact_cross_entropy(scores: Any, target: Any) -> Any:
    """The sum of target * (logsumexp(scores) - score), by mpmath."""
    scores = [mpmath.mpf(each) for each in scores]
    costs = []
    for label, probability in enumerate(target):
        differences = [score - scores[label] for index, score in enumerate(scores) if index != label]
        largest = max(0, *differences)
        powers = [mpmath.exp(max(each - largest, -10000)) for each in (0, *differences)]
        powers.remove(1)
        costs.append(probability * (largest + mpmath.log1p(sum(powers))))
    return sum(costs)


def softmax_exactly(scores: Any) -> list[Any]:
    scores = [mpmath.mpf(each) for each in scores]
    powers = [mpmath.exp(max(each - max(scores), -100000)) for each in scores]
    return [each / sum(powers) for each in powers]


def exact_binary_cross_entropy(scores: Any, target: Any) -> Any:
    return exact_cross_entropy([0.0, scores[0]], [1 - mpmath.mpf(target), target])


def exact_hinge(scores: Any, target: Any) -> Any:
    scores = [mpmath.mpf(each) for each in scores]
    if len(scores) == 1:
        return max(0, 1 - target * scores[0])
    right = scores[target.index(1.0)]
    return sum(max(0, 1 + score - right) for score, each in zip(scores, target) if not each)


def exact_squared_error(outputs: Any, target: Any) -> Any:
    return sum((mpmath.mpf(output) - each) ** 2 for output, each in zip(outputs, target))


ONE = [(each,) for each in EVERY_SIZE]
COSTS: list[tuple[Any, Any, Any, Any]] = [
    *((cross_entropy, exact_cross_entropy, TWO_SCORES, target) for target in ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5])),
    *((cross_entropy, exact_cross_entropy, TWO_SCORES, target) for target in ([0.7, 0.3], [1e-9, 1 - 1e-9])),
    *((cross_entropy, exact_cross_entropy, THREE_SCORES, target) for target in ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.25, 0.25, 0.5])),
    *((binary_cross_entropy, exact_binary_cross_entropy, ONE, target) for target in (0.0, 1.0, 0.25, 1e-9)),
    *((hinge, exact_hinge, ONE, target) for target in (-1.0, 1.0)),
    *((hinge, exact_hinge, THREE_SCORES, target) for target in ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0])),
    *((hinge, exact_hinge, TWO_SCORES, target) for target in ([1.0, 0.0], [0.0, 1.0])),
    *((squared_error, exact_squared_error, TWO_SCORES, target) for target in ([1.0, 0.0], [-1.0, 1e-6])),
]  # fmt: skip


def is_close(found: float, exact: Any, scale: float = 0.0) -> bool:
    want = float(exact)
    return found == want or bool(abs(found - want) <= 1e-12 * abs(want) + scale)


BACKENDS = ["numpy", *["native"] * bool(c_compiler()), *["jax"] * bool(importlib.util.find_spec("jax"))]


@pytest.mark.parametrize(("cost", "exact", "every", "target"), COSTS)
def test_costs_are_those_of_mpmath_for_scores_of_every_size(cost: Any, exact: Any, every: Any, target: Any) -> None:
    with mpmath.workdps(DIGITS):
        expected = [exact(scores, target) for scores in every]
    is_label = isinstance(target, list) and 1.0 in target and cost is not squared_error
    targets = [target, target.index(1.0)] if is_label else [target]
    kink = 1e-15 if cost is hinge else 0.0  # 1 + score - right loses what is below the last digit of 1
    for label in targets:
        arrays = np.array(every), np.array([label] * len(every), dtype=float)
        compiled = [vectorize(cost, backend=backend)(*arrays).tolist() for backend in BACKENDS]
        for scores, want, *programs in zip(every, expected, *compiled):
            eager = cost(list(scores), label)
            assert type(eager) is float
            for found in (eager, cost(list(map(Value, scores)), label).data, *programs):
                assert is_close(found, want, kink), (scores, label, found, float(want))


@pytest.mark.parametrize("target", [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.7, 0.3]])
def test_the_gradient_of_cross_entropy_is_that_of_mpmath_for_scores_of_every_size(target: list[float]) -> None:
    """The derivative is softmax - target; for a label it is precise where it is tiny too."""
    with mpmath.workdps(DIGITS):
        expected = [[each - wanted for each, wanted in zip(softmax_exactly(scores), target)] for scores in TWO_SCORES]
    noise = 0.0 if 1.0 in target else 1e-15
    label = target.index(1.0) if 1.0 in target else target
    slopes = vectorize(lambda scores, y: grad(lambda s: cross_entropy(s, y))(scores))
    compiled = slopes(np.array(TWO_SCORES), np.array([label] * len(TWO_SCORES), dtype=float))
    for scores, want, found in zip(TWO_SCORES, expected, compiled.tolist()):
        eager = grad(lambda s: cross_entropy(s, label))(list(scores))
        assert all(is_close(each, exact, noise) for each, exact in zip(eager, want)), (scores, eager, want)
        assert all(is_close(each, exact, noise) for each, exact in zip(found, want)), (scores, found, want)


def test_softmax_is_that_of_mpmath_for_scores_of_every_size() -> None:
    compiled = vectorize(softmax)(np.array(TWO_SCORES))
    for scores, found in zip(TWO_SCORES, compiled.tolist()):
        with mpmath.workdps(DIGITS):
            exact = softmax_exactly(scores)
        values = [each.data for each in softmax(list(map(Value, scores)))]
        for each in (softmax(scores), values, found):
            assert all(is_close(got, want) for got, want in zip(each, exact)), (scores, each)


@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
def test_the_gradient_of_binary_cross_entropy_is_that_of_mpmath_for_scores_of_every_size(target: float) -> None:
    """The derivative is sigmoid(score) - target, precise where it is tiny too."""
    slopes = vectorize(lambda score, y: grad(lambda s: binary_cross_entropy(s, y))(score))
    compiled = slopes(np.array(EVERY_SIZE), np.full(len(EVERY_SIZE), target)).tolist()
    for score, found in zip(EVERY_SIZE, compiled):
        with mpmath.workdps(DIGITS):
            exact = softmax_exactly([0.0, score])[1] - target
        eager = grad(lambda s: binary_cross_entropy(s, target))(score)
        assert is_close(eager, exact, 1e-15 * (0 < target < 1)), (score, eager)
        assert is_close(found, exact, 1e-15 * (0 < target < 1)), (score, found)


def test_probabilities_are_those_of_mpmath_for_scores_of_every_size() -> None:
    scores = np.array(TWO_SCORES)
    for row, found in zip(TWO_SCORES, probabilities(scores, []).tolist()):
        with mpmath.workdps(DIGITS):
            exact = softmax_exactly(row)
        assert all(is_close(each, want) for each, want in zip(found, exact)), (row, found)
    for score, found in zip(EVERY_SIZE, probabilities(np.array(EVERY_SIZE)[:, None], []).tolist()):
        with mpmath.workdps(DIGITS):
            exact = softmax_exactly([0.0, score])
        assert all(is_close(each, want) for each, want in zip(found, exact)), (score, found)


@pytest.mark.parametrize("kind", [list, tuple, np.array, partial(np.array, dtype=bool), partial(np.array, dtype=np.float32)])
def test_targets_of_every_kind_give_a_float(kind: Any) -> None:
    for cost in (cross_entropy, hinge):
        result = cost([0.5, -1.0, 2.0], kind([0, 1, 0]))
        assert type(result) is float
        assert result == pytest.approx(cost([0.5, -1.0, 2.0], 1), rel=1e-12)
    assert binary_cross_entropy([0.5], kind([1])) == pytest.approx(binary_cross_entropy(0.5, 1), rel=1e-12)


@pytest.mark.parametrize(
    ("cost", "threshold"),
    [
        (squared_error, 0.5),
        (binary_cross_entropy, 0.0),
        (lambda outputs, y: binary_cross_entropy(1e-12 * outputs[0], y), 0.0),
        (lambda outputs, y: binary_cross_entropy(outputs[0] - 100.25, y), 100.25),
        (lambda outputs, y: binary_cross_entropy(outputs[0] + 3e5, y), -3e5),
        (lambda outputs, y: abs(outputs[0] - 1000 * y), 500.0),
        (lambda outputs, y: hinge(outputs, 2 * y - 1), 0.0),
        (lambda outputs, y: (outputs[0] - 2 * y + 1) ** 2, 0.0),
        (lambda outputs, y: y * maximum(0.0, 0.375 - outputs[0]) + (1 - y) * maximum(0.0, outputs[0] - 0.625), 0.5),
        (lambda outputs, y: 0.0 * outputs[0], None),
        (lambda outputs, y: -squared_error(outputs, y), None),
    ],
)  # fmt: skip
def test_the_threshold_is_the_exact_output_where_both_classes_cost_the_same(cost: Any, threshold: float | None) -> None:
    """By hand: cost(t, 0) == cost(t, 1)."""
    found = classification.indifference(cost)
    assert found == threshold
    assert str(found) == str(threshold)  # which tells 0.0 from -0.0


@given(st.floats(-1e6, 1e6).map(lambda number: round(number, 3)), st.floats(1e-3, 1e3))
def test_a_threshold_anywhere_is_found(where: float, scale: float) -> None:
    """The oracle is the shift that the cost was made with."""
    found = classification.indifference(lambda outputs, y: binary_cross_entropy(scale * (outputs[0] - where), y))
    assert found == pytest.approx(where, rel=1e-12, abs=1e-12)
