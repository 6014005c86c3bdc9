"""The parameters of a run in two places: in the model's Values, for all to see and to change, and as a vector to compute with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd import ParameterLayout, Value
from nn.module import Module
from nn.optimizers import Vector


class Parameters:
    """A model's parameters, and their order in the vectors of a run.

    First come those that the objective depends on, in its order, then the others that are trained, and then the frozen ones of these.

    Parameters
    ----------
    model : Module
        The model.
    order : sequence of Value
        The parameters that the objective depends on.
    frozen : sequence of int
        The places of the frozen parameters in the model's order.
    """

    def __init__(self, model: Module, order: Sequence[Value], frozen: Sequence[int] = ()) -> None:
        self.model, self.values = model, model.parameters()
        self._layout = ParameterLayout(self.values)
        first = self._layout.places(order).tolist()
        others, stay = set(range(len(self.values))).difference(first), set(frozen)
        ordered = sorted(others, key=lambda place: (place in stay, place))
        self.places = np.array([*first, *ordered], dtype=np.intp)  # of each number of a vector, in the model's order
        self.used = len(first)  # how many the objective depends on
        self.trained = len(self.values) - len(others & stay)  # how many of a vector's numbers steps may change
        self.still = np.flatnonzero(np.isin(self.places[: self.used], list(stay)))
        self._own_order = ParameterLayout([self.values[place] for place in self.places.tolist()])
        self.vector = self._own_order.gather()  # what steps write to
        self.theta = self.vector[: self.used]  # the objective's part of it

    def read(self) -> Vector:
        """What the Values hold, as a new vector."""
        return self._own_order.gather()

    def write(self, vector: Vector) -> None:
        """Write a vector to the Values."""
        self._own_order.assign(vector)

    def put(self, numbers: Vector) -> None:
        """Write numbers in the model's order to the Values."""
        self._layout.assign(numbers)

    def name(self, place: int) -> str:
        """How the model reaches the parameter at a place of a vector."""
        parameter = self._own_order.parameters[place]
        return next((name for name, each in self.model.named_parameters() if each is parameter), "a parameter")

    def check_same(self) -> None:
        """Raise ValueError if the model has other Values than at the start."""
        if list(map(id, self.model.parameters())) != list(map(id, self.values)):
            raise ValueError(
                "the model was given other Values: a run continues with those it began with; change their data, or begin a new run"
            )

    def in_model_order(self, vector: Vector) -> Vector:
        """A vector, or its first numbers, as a new one in the model's order, with 0 for what is missing."""
        everything = np.zeros(len(self.values))
        everything[self.places[: len(vector)]] = vector
        return everything
