"""The current objective: what a run reads from outside, and when it must record its objective again."""

from __future__ import annotations

from collections.abc import Callable

from nn.costs import Cost
from nn.module import Module
from nn.prediction_cache import reads_of
from nn.training.objectives import Batch, Objective, objective_for
from nn.training.validation import warn


class CurrentObjective:
    """The objective of a run, and whether it is still what a new one would be.

    A replaced layer, Value or activation of a model is noticed at each step by its identity. What functions read is noticed only by
    recording them again, which takes up to as long as recording the cost.

    Parameters
    ----------
    model : Module
        The model.
    cost : function
        The cost of one example.
    example : function
        Returns one example with its noise as a batch, for recording.
    compiled, backend, threads
        See `train`.
    """

    def __init__(self, model: Module, cost: Cost, example: Callable[[], Batch], compiled: bool, backend: str, threads: int | None) -> None:
        self.model, self.cost, self._example = model, cost, example
        self._settings = compiled, backend, threads
        self._reads = reads_of(model)
        self.objective = self._make("training runs")

    def _make(self, what: str) -> Objective:
        objective, reason = objective_for(self.model, self.cost, self._example(), *self._settings)
        if reason:
            warn(f"{what} on scalar Values, several hundred times slower than compiled: {reason}")
        return objective

    def is_current(self, closely: bool, check_model: Callable[[], None]) -> bool:
        """Return whether a new objective would compute the same.

        Parameters
        ----------
        closely : bool
            Whether to record the functions again and compare.
        check_model : function
            Called without arguments if the model may read other objects than before. It raises what the run cannot continue with.
        """
        reads = reads_of(self.model, self._reads)
        is_same = reads is not None and reads is self._reads
        if not is_same:
            check_model()
        is_current = (is_same or reads is None) and not closely
        is_current = is_current or self.objective.is_current(is_same)
        self._reads = reads
        return is_current

    def renew(self) -> None:
        """Record the objective again."""
        self.objective = self._make("training continues")
