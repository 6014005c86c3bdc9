"""Tests of the measurements at the end of an epoch: processes that measure parts of the examples get the numbers of one process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import log
from nn import MLP, SGD, DivergenceError, Training, binary_cross_entropy
from nn.training.measurements import Measurements, threshold_for
from nn.training.objectives import Eager
from nn.training.processes import Processes
from nn.training.validation import check_problem
from tests.runs import HELD_OUT, X, Y


class OneOf(Processes):
    """One of several processes. It notes the numbers that are averaged, and does not wait for those of the others."""

    def __init__(self, index: int, count: int) -> None:
        self.index, self.count, self.given = index, count, list[tuple[float, int]]()

    def mean(self, number: float, weight: int) -> float:
        self.given.append((number, weight))
        return number


@pytest.mark.parametrize("count", [2, 7, 40])
def test_the_means_over_processes_are_the_measurements_of_one(count: int) -> None:
    model = MLP([2, 4, 1], seed=1)
    problem, objective = check_problem(model, binary_cross_entropy, X, Y, HELD_OUT), Eager(model, binary_cross_entropy)
    expected = Measurements(problem, True, Processes("numpy")).of_epoch(objective)
    each = [OneOf(index, count) for index in range(count)]
    for process in each:
        Measurements(problem, True, process).of_epoch(objective)
    for place, name in enumerate(("accuracy", "validation_cost", "validation_accuracy")):
        numbers, weights = zip(*(process.given[place] for process in each))
        assert np.average(numbers, weights=weights) == pytest.approx(expected[name], rel=1e-12)


@pytest.mark.parametrize(
    ("targets", "outputs", "threshold"),
    [([-1.0, 1.0], 1, 0.0), ([-1.0, -1.0], 1, 0.0), ([1.0, 1.0], 1, 0.25), ([0.0, 1.0], 1, 0.25), ([0.0, 1.0], 2, None)],
)
def test_the_threshold_depends_on_the_cost_unless_targets_are_signs(targets: list[float], outputs: int, threshold: float | None) -> None:
    assert threshold_for(lambda scores, y: (2 * scores[0] - y) ** 2, np.array(targets), outputs) == threshold


@pytest.mark.parametrize("held_out", [None, (np.ones((1, 1)), np.zeros(1))], ids=["accuracy", "validation"])
def test_an_undefined_measurement_is_a_divergence(held_out: Any) -> None:
    model = MLP([1, 1], log, log, seed=0)
    model.layers[0].neurons[0].weights[0].data = 1.0
    run = Training(
        model,
        np.ones((1, 1)),
        np.zeros(1),
        cost=lambda outputs, y: outputs[0] + 0 * y,
        optimizer=SGD(2.0),
        validation=held_out,
        measure_accuracy=held_out is None,
        compiled=False,
    )
    with pytest.raises(DivergenceError, match=r"the validation cost is nan|an output of the model is nan") as caught:
        run.epoch()
    if held_out is not None:
        assert "log" in str(caught.value.__cause__)
