"""The objective of a run over sequences: a program for each length, or one for each longest length of a mini-batch with padding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd import Descent, UpdateRule, Value, total, vectorize
from nn.costs import Cost
from nn.inputs import Array
from nn.module import Module, outputs_of
from nn.optimizers import Vector
from nn.sequences import Layout, lengths_of


def cost_of_sequence(model: Module, cost: Cost, layout: Layout) -> Callable[..., Any]:
    """Return the cost of one sequence as a function of its positions, its targets and, with padding, the weights of the positions."""
    if not layout.has_targets:
        return lambda x, y: cost(outputs_of(model(x)), y)

    def of_positions(x: Sequence[Any], y: Sequence[Any], weights: Sequence[Any] | None = None) -> Any:
        outputs = outputs_of(model(x))
        if len(outputs) != len(y):
            raise ValueError(f"with targets for each position a model returns outputs for each: got {len(outputs)} for {len(y)} positions")
        costs = [cost(outputs_of(output), target) for output, target in zip(outputs, y)]
        return total(costs) / len(costs) if weights is None else total(weight * each for weight, each in zip(weights, costs))

    return of_positions


class CompiledSequences:
    """The mean cost of sequences as array programs, which share one vector of parameters.

    `example` are the longest and the shortest one. Whether functions read other numbers than before is seen from the shortest one alone.
    """

    def __init__(self, model: Module, cost: Cost, layout: Layout, example: Sequence[Array], backend: str, threads: int | None) -> None:
        self.layout = layout
        settings: dict[str, Any] = {"backend": backend, "threads": threads}
        of_sequence = cost_of_sequence(model, cost, layout)
        groups = [arrays for _, arrays in layout.groups(*example)]
        self.program = vectorize(of_sequence, check=False, **settings)
        self._shortest = vectorize(of_sequence, check=False, **settings).record(*groups[-1])
        self.program.record(*(groups[0] if layout.padding is None else layout.padded(*example)))
        self.network = vectorize(lambda x: outputs_of(model(x)), **settings)
        used = self.program.parameters
        known = set(used)
        self.parameters: Sequence[Value] = [*used, *(each for each in model.parameters() if each not in known)]  # shorter ones may use them
        self._places = {each: place for place, each in enumerate(self.parameters)}
        self._own: Any = np.empty(0, np.intp)  # the places of the program's parameters

    def _arrays(self, X: Array, Y: Array) -> list[tuple[Any, list[Any]]]:
        """The arguments of the program, in groups of one length, each with the places of its examples."""
        if self.layout.padding is None:
            return self.layout.groups(X, Y)
        return [(np.arange(len(X)), self.layout.padded(X, Y))]

    def value_and_gradient(self, batch: Sequence[Array], theta: Vector, gradient: Vector) -> float:
        value, found = 0.0, np.zeros_like(gradient)
        for places, arrays in self._arrays(*batch):
            used = self.program.record(*arrays).parameters
            if len(used) != len(self._own):
                self._own = np.array([self._places[each] for each in used])
            weights = None if self.layout.padding is not None else np.full(len(places), 1 / len(batch[0]))  # one kind of program
            part, slope = self.program.value_and_gradient(*arrays, parameters=theta[self._own], weights=weights)
            value += part
            found[self._own] += slope
        gradient[:] = found
        return value

    def descent(self, rule: UpdateRule, data: Sequence[Array], **vectors: Any) -> Descent:
        return rule.descent(self.value_and_gradient, *data, **vectors)

    def is_current(self, is_same_model: bool) -> bool:
        return self._shortest.is_current()

    def value(self, X: Array, Y: Array) -> float:
        found = 0.0
        for start in range(0, len(X), 1000):
            found += sum(float(self.program(*arrays).sum()) for _, arrays in self._arrays(X[start : start + 1000], Y[start : start + 1000]))
        return found / len(X)

    def outputs(self, X: Array, *_: Array) -> Array:
        """The outputs, (examples, outputs); those of all positions one after another, where all examples have one length."""
        found = np.empty((len(X), 0))
        for places, (x,) in self.layout.groups(X):
            outputs = self.network(x).reshape(len(places), -1)
            found = np.empty((len(X), outputs.shape[1])) if not found.size else found
            found[places] = outputs
        return found


def examples_of(layout: Layout, batch: Sequence[Array]) -> Iterator[tuple[Any, ...]]:
    """The examples of a mini-batch, for the scalar function of one: lists of their positions, and their targets."""
    for place in range(len(batch[0])):
        ((_, arrays),) = layout.groups(*(each[place : place + 1] for each in batch))
        yield tuple(array[0].tolist() for array in arrays)


def longest_and_shortest(X: Array) -> list[int]:
    """The numbers of the longest and the shortest row."""
    lengths = lengths_of(X)
    return [int(lengths.argmax()), int(lengths.argmin())]
