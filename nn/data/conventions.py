"""What all data here have in common: the types of inputs and labels, seeds, and what is asked of a number given."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd._support import refuse_masked

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Seed = int | np.random.Generator
Examples = tuple[Array, Labels]


def is_whole(number: Any) -> bool:
    """Whether it is an integer of Python's or numpy's; True and False are none."""
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def count(name: str, number: int) -> int:
    """The number, as a Python int. Raises ValueError, naming it, where it is not a whole number of at least 1."""
    if not is_whole(number) or number < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {number!r}")
    return int(number)


def finite(name: str, number: float, least: float = -math.inf) -> float:
    """The number, as a Python float. Raises ValueError, naming it, where it is not finite or below `least`."""
    if not isinstance(number, Real) or isinstance(number, bool) or not math.isfinite(number) or number < least:
        floor = "" if least == -math.inf else f" of at least {least:g}"
        raise ValueError(f"{name} must be a finite number{floor}, got {number!r}")
    return float(number)


def unmasked(name: str, given: Any) -> NDArray[Any]:
    """As an array. Raises ValueError where some of it is masked: numpy would take what lies behind the mask for what was meant."""
    refuse_masked(name, given)
    return np.asarray(given)


def generator(seed: Seed) -> np.random.Generator:
    """The generator itself, or a new one from the seed. Raises ValueError for a seed that is neither."""
    if isinstance(seed, np.random.Generator):
        return seed
    if not is_whole(seed) or seed < 0:
        raise ValueError(
            f"seed must be a whole number of at least 0 or a numpy.random.Generator, got {seed!r}: "
            "numpy.random.default_rng() is one that differs each time"
        )
    return np.random.default_rng(seed)
