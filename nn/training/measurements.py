"""Measurements: the cost and the accuracy at the end of an epoch, shared among the processes of a run."""

from __future__ import annotations

import math

import numpy as np

from autograd import UndefinedError
from nn.classification import accuracy, indifference
from nn.costs import Cost
from nn.inputs import Array
from nn.training.file_arrays import rows_of
from nn.training.objectives import Objective
from nn.training.processes import Processes
from nn.training.validation import Problem


class NotFiniteError(ArithmeticError):
    """A measurement is not finite."""


class Measurements:
    """What a run measures at the end of each epoch, with the work shared among processes; the accuracy only if all targets are classes."""

    def __init__(self, problem: Problem, measure_accuracy: bool, processes: Processes) -> None:
        self.problem, self.processes = problem, processes
        targets = [problem.targets(each) for each in (problem.Y, *(problem.validation or ())[1:])]
        has_classes = measure_accuracy and not (problem.layout and problem.layout.has_targets)
        self.accuracy = has_classes and not any(math.isnan(accuracy(np.zeros((len(each), problem.outputs)), each)) for each in targets)

    def of_epoch(self, objective: Objective) -> dict[str, float]:
        """Return the accuracy, the validation cost and the validation accuracy, as far as they are measured.

        Raises NotFiniteError, from the UndefinedError that explains it if there is one.
        """
        problem, measured = self.problem, {}
        if self.accuracy:
            measured["accuracy"] = self._accuracy(objective, problem.X, problem.Y)
        if problem.validation is not None:
            measured["validation_cost"] = self._cost(objective, *problem.validation)
            if self.accuracy:
                measured["validation_accuracy"] = self._accuracy(objective, *problem.validation)
        return measured

    def outputs(self, objective: Objective, X: Array, *noise: Array) -> tuple[Array, UndefinedError | None]:
        """Return the model's outputs, or nan and the error that explains it."""
        try:
            return objective.outputs(X, *noise), None
        except UndefinedError as error:
            return np.full((len(X), self.problem.outputs), math.nan), error

    def _cost(self, objective: Objective, X: Array, Y: Array) -> float:
        part, cost, cause = self.processes.part(len(X)), 0.0, None
        try:
            if part.start < part.stop:
                cost = objective.value(rows_of(X, part), Y[part])
        except UndefinedError as error:
            cost, cause = math.nan, error
        cost = self.processes.mean(cost, part.stop - part.start)
        if not math.isfinite(cost):
            raise NotFiniteError(f"the validation cost is {cost}") from cause
        return cost

    def _accuracy(self, objective: Objective, X: Array, Y: Array) -> float:
        problem, part, share, cause = self.problem, self.processes.part(len(X)), 0.0, None
        weights = problem.weights(Y[part])
        if part.start < part.stop:
            outputs, cause = self.outputs(objective, rows_of(X, part))
            share = accuracy(outputs, problem.targets(Y[part]), problem.model.threshold, weights)
            share = math.nan if np.isnan(outputs).any() else share
        share = self.processes.mean(share, part.stop - part.start if weights is None else float(weights.sum()))
        if math.isnan(share):
            raise NotFiniteError("an output of the model is nan") from cause
        return share


def threshold_for(cost: Cost, Y: Array, outputs: int) -> float | None:
    """Return the threshold of a model that is trained with this cost and these targets; None if it has several outputs, or none fits."""
    if outputs > 1:
        return None
    has_signs = {-1.0} <= set(np.unique(Y).tolist()) <= {-1.0, 1.0}
    return 0.0 if has_signs else indifference(cost)
