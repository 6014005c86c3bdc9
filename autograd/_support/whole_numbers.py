"""The check of a whole number that a user gives: a count, a size, a seed."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_whole(number: Any) -> bool:
    """Whether this is a Python or numpy integer. True and False are not."""
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def check_whole(name: str, number: Any, least: int = 1, meaning: str = "") -> int:
    """Return the number as a Python int. Raises ValueError if it is not an integer, or is less than `least`.

    The error message calls the number `name`, and ends with its `meaning`.

    >>> check_whole("epochs", 0)
    Traceback (most recent call last):
    ValueError: epochs must be a whole number of at least 1, got 0
    """
    if not is_whole(number) or number < least:
        explained = f": {meaning}" if meaning else ""
        raise ValueError(f"{name} must be a whole number of at least {least}, got {number!r:.60}{explained}")
    return int(number)
