"""require: conditions on the arguments of a function, for single examples and for batches."""

from __future__ import annotations

from typing import Any

from autograd.modes import Demand, mode
from autograd.ops import Node


def require(condition: Any, message: str, *numbers: Any) -> None:
    """Raise ValueError if a condition does not hold.

    While a function is recorded, the condition becomes part of the program. The program checks it for every example of a batch
    before it computes anything.

    Parameters
    ----------
    condition : bool or node
        The condition, usually a comparison of arguments.
    message : str
        The error message. `{}` in it is replaced by `numbers`.
    *numbers : float
        The numbers that the message mentions.

    Raises
    ------
    ValueError
        If the condition does not hold.

    Examples
    --------
    >>> require(0 <= 2 <= 1, "expected a probability, got {}", 2)
    Traceback (most recent call last):
    ValueError: expected a probability, got 2
    """
    if isinstance(condition, Node):
        if mode.demands is not None:
            mode.demands.append(Demand(condition, message, numbers))
    elif not condition:
        raise ValueError(Demand(condition, message, numbers).complaint(numbers))
