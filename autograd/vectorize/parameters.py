"""ParameterLayout: an order of parameters, and the way from it to others."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import modes
from autograd._support import refuse_masked
from autograd.value import Value
from autograd.vectorize.program import FloatArray, aligned

_DATA = operator.attrgetter("_data")  # without the check of each Value whether a recording is being made


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
        data = (parameter.data for parameter in self.parameters) if modes.recorders else map(_DATA, self.parameters)
        vector = aligned(len(self.parameters), dtype)
        vector[:] = np.fromiter(data, np.float64, len(self.parameters))
        return vector

    def assign(self, vector: npt.ArrayLike) -> None:
        """Write a vector, with one number for each parameter, to the parameters' data.

        Raises ValueError, with nothing changed, if it has another shape or masked entries, and TypeError if it does not hold real numbers.
        """
        numbers = self._checked("vector", vector)
        if numbers.ndim != 1:
            raise ValueError(f"vector must have shape ({len(self)},), got {numbers.shape}")
        if modes.recorders:
            modes.refuse_in_recording("assigning .data", "Pass changing numbers as arguments.")
        for parameter, number in zip(self.parameters, numbers.astype(np.float64, copy=False).tolist()):
            parameter._data = number

    def places(self, order: Sequence[Value]) -> FloatArray:
        """Where each of these Values stands in this layout; -1 for one that does not."""
        return np.array([self._places.get(id(parameter), -1) for parameter in order], dtype=np.intp)

    def to(self, order: Sequence[Value], vectors: npt.ArrayLike) -> FloatArray:
        """Return a new array: the last axis of `vectors` in another order, with 0 for parameters that are not in this layout.

        The way back is `ParameterLayout(order).to(layout.parameters, vectors)`. Raises what `assign` raises.
        """
        given = self._checked("vectors", vectors)
        there, places = np.zeros((*given.shape[:-1], len(order)), given.dtype), self.places(order)
        there[..., places >= 0] = given[..., places[places >= 0]]
        return there

    def _checked(self, name: str, vectors: npt.ArrayLike) -> FloatArray:
        """Return `vectors` as an array whose last axis has a number for each parameter."""
        refuse_masked(name, vectors)
        array = np.asarray(vectors)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
        if array.shape[-1:] != (len(self),):
            raise ValueError(f"{name} must have {len(self)} numbers on its last axis, one for each parameter, got shape {array.shape}")
        return array
