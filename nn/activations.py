"""Activation functions: the built-in ones by name, checks of custom ones, and their values at many points."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd
from autograd import Operation, TraceError, Value, erfc, vectorize

Activation = Callable[[Any], Any]
FEW = 50  # up to this number of points, calling a function is faster than compiling it


def linear(x: Any) -> Any:
    """The identity: returns x.

    >>> linear(0.5)
    0.5
    """
    return x


def gelu(x: Any) -> Any:
    """The Gaussian error linear unit: x times the probability that a standard normal number is below x.

    gelu(x) = x * erfc(-x / sqrt(2)) / 2 (Hendrycks and Gimpel, 2016), accurate in both tails.

    >>> round(gelu(1.0), 4), round(gelu(-10.0) * 1e23, 4)
    (0.8413, -7.6199)
    """
    return x * erfc(x * -math.sqrt(0.5)) / 2


BUILT_IN: dict[str, Activation] = {"gelu": gelu, "linear": linear} | {
    each.name: each for each in vars(autograd).values() if isinstance(each, Operation) and len(each.partials) == 1 and not each.variadic
}


def activation_from(given: Any) -> Activation:
    """Return the activation, or `linear` for None. Raises TypeError for anything that is not a function of autograd."""
    if given is None:
        return linear
    if isinstance(given, str):
        home = "autograd" if isinstance(BUILT_IN.get(given), Operation) else "nn.activations"
        line = f"write from {home} import {given}, then {given} without quotes" if given in BUILT_IN else "give the function itself"
        raise TypeError(f"an activation is a function of one number, not its name {given!r:.60}: {line}")
    if getattr(given, "__module__", None) == "math":  # functions of math take floats only
        line = f"write from autograd import {given.__name__}" if hasattr(autograd, given.__name__) else "write it with autograd's functions"
        raise TypeError(f"math.{given.__name__} as an activation would drop the graph: {line}")
    if not callable(given):
        raise TypeError(f"an activation is a function of one number, such as tanh, got {given!r:.60}")
    return given  # type: ignore[no-any-return]


def name_of(function: Any) -> str:
    """The name of a function, or of the class of another callable."""
    return str(getattr(function, "__name__", type(function).__name__))


def elementwise(function: Activation, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A function of one number at each number of an array of any shape; not finite where it is undefined.

    >>> elementwise(autograd.log, np.array([[1.0, -1.0]]))
    array([[ 0., nan]])
    """
    if x.size > FEW:
        with suppress(TraceError), np.errstate(all="ignore"):
            results: npt.NDArray[np.float64] = vectorize(function)(x.ravel())
            if results.shape == (x.size,):  # otherwise it returns several numbers, and _value raises
                return results.reshape(x.shape)
    return np.array([_value(function, each) for each in x.ravel().tolist()], dtype=np.float64).reshape(x.shape)


def _value(function: Activation, x: float) -> float:
    try:
        result = function(x)
    except ArithmeticError:  # UndefinedError is one
        return math.nan
    return float(result.data if isinstance(result, Value) else result)
