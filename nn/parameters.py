"""The parameters of a run in two places: in the model's Values, for all to see and to change, and as a vector to reckon with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd import ParameterLayout, Value
from nn.module import Module
from nn.optimizers import Vector


class Parameters:
    """A model's parameters, and `theta`, a vector of those that an objective depends on, in the objective's order.

    Whoever changes `theta` sets `ahead`; until `write` the Values are then behind it.
    """

    def __init__(self, model: Module, order: Sequence[Value]) -> None:
        self.model, self.values = model, model.parameters()
        self._model_order = ParameterLayout(self.values)
        self.places = self._model_order.places(order)
        self.known = self._model_order.gather()  # what the Values held at last, all of them, in the model's order
        self.theta, self.ahead = ParameterLayout(order).gather(), False

    def read(self) -> bool:
        """Take up what others wrote to the Values, unless they are behind. Was there anything?

        Raises ValueError, with the Values back as they were, where one is not finite.
        """
        if self.ahead:
            return False
        numbers = self._model_order.gather()
        if (numbers == self.known).all():
            return False
        if not np.isfinite(numbers).all():
            self.put(self.known)
            place = int(np.flatnonzero(~np.isfinite(numbers))[0])
            name = next((name for name, each in self.model.named_parameters() if each is self.values[place]), "a parameter")
            raise ValueError(f"{name} was set to {numbers[place]}, which cannot be trained: the parameters are as they were before")
        self.known, self.theta[:] = numbers, numbers[self.places]
        return True

    def write(self) -> None:
        """Bring the Values up to `theta`, if they are behind."""
        if self.ahead:
            self.known[self.places] = self.theta
            self.put(self.known)
            self.ahead = False

    def put(self, numbers: Vector) -> None:
        """Write to the Values alone, as others might."""
        self._model_order.assign(numbers)

    def reset(self, numbers: Vector) -> None:
        """Be these numbers, in the model's order, in both places."""
        self.known, self.theta[:], self.ahead = numbers.copy(), numbers[self.places], False
        self.put(numbers)

    def check_same(self) -> None:
        """Raise ValueError where the model has other Values than at the start."""
        if list(map(id, self.model.parameters())) != list(map(id, self.values)):
            raise ValueError(
                "the model was given other Values: a run goes on with those it began with; change their data, or begin a new run"
            )

    def in_model_order(self, vector: Vector, others: Vector | None = None) -> Vector:
        """A vector like `theta` with a number for each of the model's parameters: those it lacks are the others', or 0."""
        everything = np.zeros_like(self.known) if others is None else others.copy()
        everything[self.places] = vector
        return everything
