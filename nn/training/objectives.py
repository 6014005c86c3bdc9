"""Objectives: the mean cost over examples as a function of a flat vector of parameters, on scalar Values or as an array program.

A new way to compute it is another class that implements the protocol `Objective`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from autograd import Descent, TraceError, UpdateRule, Value, Vectorized, vectorize
from nn.costs import Cost
from nn.inputs import Array, in_pieces, number_of
from nn.module import Module, outputs_of
from nn.optimizers import Vector
from nn.prediction_cache import reads_of
from nn.sequences import Layout
from nn.training.sequence_objective import CompiledSequences, cost_of_sequence, examples_of
from nn.training.validation import warn

Batch = Sequence[Array]  # inputs, targets and, if there is any, noise: each has one row, or one number, per example


class Objective(Protocol):
    """The mean cost over examples, its gradient, and the measurements of a run.

    An undefined cost or output is nan, or raises UndefinedError.
    """

    parameters: Sequence[Value]  # in the order of `theta` and `gradient`

    def value_and_gradient(self, batch: Batch, theta: Vector, gradient: Vector) -> float:
        """Return the mean cost for the parameters `theta`, and write its gradient to `gradient`. May change the data of the Values."""

    def descent(self, rule: UpdateRule, data: Batch, **vectors: Any) -> Descent:
        """Return a descent by the rule; see `autograd.Vectorized.descent`."""

    def is_current(self, is_same_model: bool) -> bool:
        """Return whether a new objective would compute the same. With `is_same_model`, only functions are compared."""

    def value(self, X: Array, Y: Array) -> float:
        """Return the mean cost for the data of the Values, without noise."""

    def outputs(self, X: Array, *noise: Array) -> Array:
        """Return the model's outputs for the data of the Values, shape (examples, outputs)."""


def example_cost(model: Module, cost: Cost) -> Callable[..., Any]:
    """Return the cost of one example as a function of its inputs, its target and, if there is any, its noise."""
    return lambda x, y, *noise: cost(outputs_of(model(x, *noise)), y)


class Eager:
    """An objective that runs on Values, one example after the other."""

    def __init__(self, model: Module, cost: Cost, layout: Layout | None = None) -> None:
        self.model, self.layout = model, layout
        self.example_cost = example_cost(model, cost) if layout is None else cost_of_sequence(model, cost, layout)
        self.parameters: Sequence[Value] = model.parameters()

    def _examples(self, *batch: Array) -> Iterable[tuple[Any, ...]]:
        return zip(*[array.tolist() for array in batch]) if self.layout is None else examples_of(self.layout, batch)

    def value_and_gradient(self, batch: Batch, theta: Vector, gradient: Vector) -> float:
        for parameter, number in zip(self.parameters, theta.tolist()):
            parameter.data, parameter.grad = number, 0.0
        costs: list[float] = []
        for example in self._examples(*batch):
            cost = self.example_cost(*example)
            if isinstance(cost, Value):
                cost.backward()
            costs.append(number_of(cost))
        gradient[:] = [parameter.grad for parameter in self.parameters]
        gradient /= len(costs)
        return sum(costs) / len(costs)

    def descent(self, rule: UpdateRule, data: Batch, **vectors: Any) -> Descent:
        return rule.descent(self.value_and_gradient, *data, **vectors)

    def is_current(self, is_same_model: bool) -> bool:
        return True

    def value(self, X: Array, Y: Array) -> float:
        costs = in_pieces(lambda x, y: np.array([number_of(self.example_cost(*each)) for each in self._examples(x, y)]), X, Y)
        return float(sum(costs.tolist())) / len(X)

    def outputs(self, X: Array, *noise: Array) -> Array:
        if not noise and self.layout is None:
            return in_pieces(self.model.predict, X)  # X may be in a file
        rows = self._examples(X, *noise)
        return np.array([[number_of(output) for output in outputs_of(self.model(*row))] for row in rows], dtype=np.float64)


class Compiled:
    """An objective that runs as an array program over a whole mini-batch, made from the scalar cost of one example.

    Raises TraceError if the cost cannot be recorded.
    """

    def __init__(self, model: Module, cost: Cost, batch: Batch, backend: str, threads: int | None) -> None:
        settings: dict[str, Any] = {"backend": backend, "threads": threads}
        of_example = example_cost(model, cost)
        self.program = vectorize(of_example, check=False, **settings).record(*batch)  # the targets are checked before
        self.without_noise = self.program if len(batch) == 2 else vectorize(of_example, check=False, **settings)
        self.network = vectorize(lambda x, *noise: outputs_of(model(x, *noise)), **settings)
        self.parameters: Sequence[Value] = self.program.parameters
        self.model, self.cost, self._example = model, cost, batch
        self._functions = self._recorded_functions()

    def _recorded_functions(self) -> list[Vectorized] | None:
        """Record the cost and each activation by itself, because these are compared faster. Return None if that is not possible."""
        reads = reads_of(self.model)
        if reads is None:
            return None
        outputs = np.zeros((1, len(outputs_of(self.model(self._example[0][0].tolist())))))
        activations = {id(each): each for each in reads.functions}.values()
        try:
            cost = vectorize(self.cost, check=False).record(outputs, self._example[1])
            return [cost, *(vectorize(each).record(np.zeros(1)) for each in activations)]
        except TraceError:
            return None

    def is_current(self, is_same_model: bool) -> bool:
        if is_same_model and self._functions is not None:
            return all(each.is_current() for each in self._functions)
        is_current = all(each.is_current() for each in (self.program, self.without_noise, self.network))
        if is_current:
            self._functions = self._recorded_functions()
        return is_current

    def value_and_gradient(self, batch: Batch, theta: Vector, gradient: Vector) -> float:
        return float(self.program.value_and_gradient(*batch, parameters=theta, out=gradient)[0])

    def descent(self, rule: UpdateRule, data: Batch, **vectors: Any) -> Descent:
        return self.program.descent(rule, *data, **vectors)

    def value(self, X: Array, Y: Array) -> float:
        return float(in_pieces(self.without_noise, X, Y).mean())

    def outputs(self, X: Array, *noise: Array) -> Array:
        return in_pieces(self.network, X, *noise)


class CurrentObjective:
    """The objective of a run, and whether it is still what a new one would be.

    A replaced layer, Value or activation of a model is noticed at each step by its identity. What functions read is noticed only by
    recording them again, which takes up to as long as recording the cost. `example` is one example with its noise, to record with.
    """

    def __init__(
        self, model: Module, cost: Cost, layout: Layout | None, example: Batch, compiled: bool, backend: str, threads: int | None
    ) -> None:
        self.model, self.cost, self._layout, self._example = model, cost, layout, example
        self.compiled, self._settings = compiled, (backend, threads)
        self._reads = reads_of(model)
        self.objective = self._make("training runs")

    def _make(self, what: str) -> Objective:
        if not self.compiled:
            return Eager(self.model, self.cost, self._layout)
        try:
            program: Compiled | CompiledSequences
            if self._layout is None:
                program = Compiled(self.model, self.cost, self._example, *self._settings)
            else:
                program = CompiledSequences(self.model, self.cost, self._layout, self._example, *self._settings)
            others = len(set(program.parameters) - set(self.model.parameters()))
            if not others:
                return program
            reason = f"the cost depends on {others} Values that are not parameters of the model"
        except TraceError as error:
            reason = str(error)
        warn(f"{what} on scalar Values, several hundred times slower than compiled: {reason}")
        return Eager(self.model, self.cost, self._layout)

    def is_current(self, closely: bool, check_model: Callable[[], None]) -> bool:
        """Return whether a new objective would compute the same. With `closely`, functions are recorded again and compared.

        If the model may read other objects than before, `check_model` is called. It raises what the run cannot continue with.
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
