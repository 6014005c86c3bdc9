"""ParameterLayout: an order of parameters, and the way from it to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.value import Value
from autograd.vectorize.program import FloatArray, aligned


class ParameterLayout:
    """The Values whose numbers make up a vector, in their order there.

    One function's parameters have several orders: that in which it was recorded, that of a program's vector, in which the matrices
    of weights lie in one piece, and that of the model they belong to.

    >>> a, b = Value(1.0), Value(2.0)
    >>> layout = ParameterLayout([a, b])
    >>> layout.gather()
    array([1., 2.])
    >>> layout.to([b, a], np.array([10.0, 20.0]))
    array([20., 10.])
    """

    def __init__(self, parameters: Sequence[Value]) -> None:
        self.parameters = tuple(parameters)
        self._places = {id(parameter): place for place, parameter in enumerate(self.parameters)}

    def __len__(self) -> int:
        return len(self.parameters)

    def gather(self, dtype: Any = np.float64) -> FloatArray:
        """A new vector of the parameters' data."""
        vector = aligned(len(self.parameters), dtype)
        vector[:] = [parameter.data for parameter in self.parameters]
        return vector

    def assign(self, vector: FloatArray) -> None:
        """Write a vector, with a number for each parameter, to the parameters' data."""
        for parameter, number in zip(self.parameters, vector.tolist()):
            parameter.data = number

    def places(self, order: Sequence[Value]) -> FloatArray:
        """Where each of these Values stands in this layout; -1 for one that does not."""
        return np.array([self._places.get(id(parameter), -1) for parameter in order], dtype=np.intp)

    def to(self, order: Sequence[Value], vectors: FloatArray) -> FloatArray:
        """A new array, the last axis of `vectors` put from this layout into another order; 0 for parameters that are not in this one.

        The way back is `ParameterLayout(order).to(layout.parameters, vectors)`.
        """
        there, places = np.zeros((*vectors.shape[:-1], len(order)), vectors.dtype), self.places(order)
        there[..., places >= 0] = vectors[..., places[places >= 0]]
        return there
