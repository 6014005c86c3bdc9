"""require: what a function asks of the numbers it is given, said once, for single examples and for whole batches."""

from __future__ import annotations

from typing import Any

from autograd.modes import Demand, mode
from autograd.ops import Node


def require(condition: Any, message: str, *numbers: Any) -> None:
    """Raise ValueError unless the condition holds; `{}` in the message stands for the numbers that it is about.

    In a function that is being recorded the condition is not known yet: it becomes part of the program, which asks it of each
    example in a batch before it computes anything.

    >>> require(0 <= 2 <= 1, "expected a probability, got {}", 2)
    Traceback (most recent call last):
    ValueError: expected a probability, got 2
    """
    if isinstance(condition, Node):
        if mode.demands is not None:
            mode.demands.append(Demand(condition, message, numbers))
    elif not condition:
        raise ValueError(Demand(condition, message, numbers).complaint(numbers))
