"""Activations: functions of one number, the built-in ones by name, and what may be given for one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import autograd
from autograd import Operation, erfc

Activation = Callable[[Any], Any]


def linear(x: Any) -> Any:
    """The activation that returns its argument.

    >>> linear(0.5)
    0.5
    """
    return x


def gelu(x: Any) -> Any:
    """x times the probability that a standard normal number is below x (Hendrycks and Gimpel, 2016), precise in both tails.

    >>> round(gelu(1.0), 4), round(gelu(-10.0) * 1e23, 4)
    (0.8413, -7.6199)
    """
    return x * erfc(x * -math.sqrt(0.5)) / 2


BUILT_IN: dict[str, Activation] = {"gelu": gelu, "linear": linear} | {
    each.name: each for each in vars(autograd).values() if isinstance(each, Operation) and len(each.partials) == 1 and not each.variadic
}


def activation_from(given: Any) -> Activation:
    """An activation as it was given, None meaning linear. Raises TypeError, saying what to write, for what is no function."""
    if given is None:
        return linear
    if isinstance(given, str):
        home = "autograd" if isinstance(BUILT_IN.get(given), Operation) else "nn.activations"
        line = f"write from {home} import {given}, then {given} without quotes" if given in BUILT_IN else "give the function itself"
        raise TypeError(f"an activation is a function of one number, not its name {given!r:.60}: {line}")
    if getattr(given, "__module__", None) == "math":  # takes floats, and of a Value it would only say that it is none
        line = f"write from autograd import {given.__name__}" if hasattr(autograd, given.__name__) else "write it with autograd's functions"
        raise TypeError(f"math.{given.__name__} as an activation would drop the graph: {line}")
    if not callable(given):
        raise TypeError(f"an activation is a function of one number, such as tanh, got {given!r:.60}")
    return given  # type: ignore[no-any-return]


def name_of(function: Any) -> str:
    """What a function is called, in files and in print."""
    return str(getattr(function, "__name__", type(function).__name__))
