"""ParameterLayout: the order of parameters in a vector, and the conversion to other orders."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import modes
from autograd._support import refuse_masked
from autograd.derivatives import flatten
from autograd.value import Value
from autograd.vectorize.memory import FloatArray, aligned

_DATA = operator.attrgetter("_number")  # without the check of each Value whether a recording is being made


class ParameterLayout:
    """The order of parameters in a vector.

    The parameters of a function have several orders: the order of recording; the order of the vector of a program, in which each matrix
    of weights is contiguous; and the order of the model, `model.parameters()`.

    Parameters
    ----------
    parameters : sequence of Value, or model
        The parameters in the order of the vector.

    Examples
    --------
    >>> a, b = Value(1.0), Value(2.0)
    >>> layout = ParameterLayout([a, b])
    >>> layout.gather()
    array([1., 2.])
    >>> layout.to([b, a], np.array([10.0, 20.0]))
    array([20., 10.])
    """

    def __init__(self, parameters: Any) -> None:
        self.parameters = tuple(flatten(parameters) if hasattr(type(parameters), "map_parameters") else parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    @cached_property
    def _places(self) -> dict[int, int]:
        return {id(parameter): place for place, parameter in enumerate(self.parameters)}

    def gather(self, dtype: Any = np.float64) -> FloatArray:
        """Return a new vector of the data of the parameters."""
        data = (parameter.data for parameter in self.parameters) if modes.recorders else map(_DATA, self.parameters)
        vector = aligned(len(self.parameters), dtype)
        vector[:] = np.fromiter(data, np.float64, len(self.parameters))
        return vector

    def assign(self, vector: npt.ArrayLike) -> None:
        """Write a vector, (parameters,), to the data of the parameters.

        Raises ValueError, with nothing changed, if it has another shape or masked entries, and TypeError if it does not hold real numbers.
        """
        numbers = self._checked("vector", vector)
        if numbers.ndim != 1:
            raise ValueError(f"vector must have shape ({len(self)},), got {numbers.shape}")
        if modes.recorders:
            modes.refuse_in_recording("assigning .data", "Pass changing numbers as arguments.")
        for parameter, number in zip(self.parameters, numbers.astype(np.float64, copy=False).tolist()):
            parameter._number = number

    def places(self, order: Sequence[Value]) -> FloatArray:
        """Return the index of each Value in this layout, or -1 if it is not a parameter of it."""
        return np.array([self._places.get(id(parameter), -1) for parameter in order], dtype=np.intp)

    def to(self, order: Sequence[Value], vectors: npt.ArrayLike) -> FloatArray:
        """Return a new array with the last axis in another order.

        The way back is `ParameterLayout(order).to(layout.parameters, vectors)`.

        Parameters
        ----------
        order : sequence of Value
            The new order. Values that are not in this layout get 0.
        vectors : array_like, (..., parameters)
            Vectors in the order of this layout.

        Returns
        -------
        array, (..., len(order))
            The vectors in the new order, in their dtype.

        Raises
        ------
        ValueError, TypeError
            If the last axis has another length, entries are masked, or the numbers are not real.
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
