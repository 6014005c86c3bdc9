"""The check that refuses masked arrays as input."""

from __future__ import annotations

from typing import Any

import numpy as np


def refuse_masked(name: str, given: Any) -> None:
    """Raise ValueError if an entry is masked, also inside nested lists. NumPy would read the number behind the mask.

    Examples
    --------
    >>> refuse_masked("X", [1.0, np.ma.masked])
    Traceback (most recent call last):
    ValueError: X has masked entries: fill them, as in X.filled(0.0), or leave out the rows that have one
    """
    if _is_masked(given):
        raise ValueError(f"{name} has masked entries: fill them, as in {name}.filled(0.0), or leave out the rows that have one")


def _is_masked(given: Any) -> bool:
    if not isinstance(given, (list, tuple)):
        return bool(np.ma.is_masked(given))
    kinds = set(map(type, given))  # faster than checking each entry of a row of floats
    return any(issubclass(kind, (list, tuple, np.ma.MaskedArray)) for kind in kinds) and any(map(_is_masked, given))
