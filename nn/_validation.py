"""Checks of single arguments: finite numbers, seeds, and arrays without a mask."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd._support import is_whole, refuse_masked

Seed = int | np.random.Generator


def finite_number(name: str, number: Any, least: float = -math.inf, above: float = -math.inf, below: float = math.inf) -> float:
    """Return `number` as a Python float. Raises ValueError unless it is finite, >= least, > above and < below."""
    value = _as_float(number)
    if not (math.isfinite(value) and value >= least and above < value < below):
        bounds = [f"of at least {least:g}"] * (least > -math.inf) + [f"above {above:g}"] * (above > -math.inf)
        bounds += [f"below {below:g}"] * (below < math.inf)
        raise ValueError(f"{name} must be a finite number{' ' * bool(bounds)}{' and '.join(bounds)}, got {number!r:.60}")
    return value


def _as_float(number: Any) -> float:
    """A real number as a float; nan for anything else, and for integers beyond the range of floats."""
    if not isinstance(number, Real) or isinstance(number, bool):
        return math.nan
    try:
        return float(number)
    except OverflowError:
        return math.nan


def unmasked(name: str, given: Any) -> NDArray[Any]:
    """Return `given` as an array. Raises ValueError if it is masked, because NumPy would use the values behind the mask."""
    refuse_masked(name, given)
    return np.asarray(given)


def generator(seed: Seed) -> np.random.Generator:
    """Return a generator for a seed, or the generator itself. Raises ValueError for an invalid seed."""
    if isinstance(seed, np.random.Generator):
        return seed
    if not is_whole(seed) or seed < 0:
        raise ValueError(
            f"seed must be a whole number of at least 0 or a numpy.random.Generator, got {seed!r:.60}: "
            "numpy.random.default_rng() gives other numbers each time"
        )
    return np.random.default_rng(seed)
