"""Anomaly mode: stop at the first number that is not finite, and say which line made it."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

blocks = 0  # how many anomaly() blocks are open
_LIBRARY = tuple(str(Path(__file__).parents[1] / package) + os.sep for package in ("autograd", "nn"))


@contextmanager
def anomaly() -> Iterator[None]:
    """Within this block the first value or gradient that is not finite raises FloatingPointError.

    The error names the operation, its operands, and the source line that made the node.

    >>> from autograd.value import Value
    >>> with anomaly():  # doctest: +ELLIPSIS
    ...     Value(1e200) * 1e200
    Traceback (most recent call last):
    FloatingPointError: 1e+200 * 1e+200 gave inf, at <doctest ...>:2
    """
    global blocks
    blocks += 1
    try:
        yield
    finally:
        blocks -= 1


def user_line() -> str:
    """The innermost source line outside this library, as `file:line`."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(_LIBRARY):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def check_value(node: Any) -> None:
    """Note the line that made a new node, and raise FloatingPointError where its value is not finite."""
    node._line = user_line()
    if not math.isfinite(node.data):
        raise FloatingPointError(f"{_described(node)} gave {node.data}, at {node.line}")


def check_gradients(order: Sequence[Any]) -> None:
    """In anomaly mode, raise FloatingPointError for the first gradient of a sweep that is not finite."""
    for node in reversed(order) if blocks else ():
        for index, operand in enumerate(node.operands):
            if type(operand) is not float and operand.grad is not None and not math.isfinite(operand.grad):
                where = f"at {node.line}" if node.line else "made before the anomaly() block, so its line is not known"
                name = operand.label or f"operand {index}"
                raise FloatingPointError(f"the gradient of {name} through {_described(node)} is {operand.grad}: {where}")


def _described(node: Any) -> str:
    return str(node.op.describe([each if type(each) is float else each.named() for each in node.operands]))
