"""Modes of a thread that change what making a node does: `anomaly()`, derivatives of derivatives, recording of a program."""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from autograd.errors import TraceError

LIBRARY = tuple(str(Path(__file__).parents[1] / package) + os.sep for package in ("autograd", "nn"))


class Demand(NamedTuple):
    """A condition on numbers, and the message for numbers that do not meet it."""

    condition: Any
    message: str
    numbers: tuple[Any, ...]

    def complaint(self, numbers: Sequence[Any]) -> str:
        """The message, with these numbers filled in."""
        return self.message.format(numbers[0] if len(numbers) == 1 else list(numbers))


class Modes(threading.local):
    """The modes of the current thread."""

    anomaly = False  # a number that is not finite raises an error
    sweeping = False  # a value outside the domain is inf or nan instead of an error: a sweep computes derivatives with nodes
    recording = False  # comparisons become part of a program; reading a number from a Value would make it a constant
    demands: list[Demand] | None = None  # while recording: the conditions passed to `require`

    @contextmanager
    def temporarily(self, **settings: Any) -> Iterator[None]:
        """Set some modes inside the block, and restore them after it."""
        modes, before = vars(self), {name: getattr(self, name) for name in settings}
        try:  # single calls, because a signal may interrupt between two lines
            modes.update(settings)
            yield
        finally:
            modes.update(before)


mode = Modes()
# The number of open anomaly() blocks and of recordings in all threads. Making a node and reading a number check these first,
# because reading a global costs a tenth of reading a thread-local attribute.
watchers = 0
recorders = 0
_counting = threading.Lock()


@contextmanager
def anomaly() -> Iterator[None]:
    """Raise an error for the first value or gradient that is not finite, inside the block and in the current thread.

    Raises
    ------
    FloatingPointError
        If an operation or a gradient gives inf or nan. The message names the operation, its operands, and the source line
        that made the node.

    Examples
    --------
    >>> from autograd.value import Value
    >>> with anomaly():  # doctest: +ELLIPSIS
    ...     Value(1e200) * 1e200
    Traceback (most recent call last):
    FloatingPointError: 1e+200 * 1e+200 gave inf, at <doctest ...>:2
    """
    global watchers
    with _counting:
        watchers += 1
    try:
        with mode.temporarily(anomaly=True):
            yield
    finally:
        with _counting:
            watchers -= 1


@contextmanager
def recording() -> Iterator[list[Demand]]:
    """Record a program inside the block: comparisons become part of it. Yields the list of conditions passed to `require`."""
    global recorders
    demands: list[Demand] = []
    with _counting:
        recorders += 1
    try:
        with mode.temporarily(recording=True, demands=demands):
            yield demands
    finally:
        with _counting:
            recorders -= 1


def refuse_in_recording(what: str, instead: str) -> None:
    """Raise TraceError if this thread is recording: what is read from a Value would become a constant of the program."""
    if mode.recording:
        raise TraceError(
            f"{what} of a Value in a recorded function, at {user_line()}: the program is recorded once, and parameters change. {instead}"
        )


def user_line() -> str:
    """The innermost source line outside of this library, as `file:line`."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(LIBRARY):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def check_value(node: Any) -> None:
    """In anomaly mode, store the source line of a new node, and raise FloatingPointError if its value is not finite."""
    if not mode.anomaly:
        return
    node._line = user_line()
    if not math.isfinite(node.data):
        raise FloatingPointError(f"{_described(node)} gave {node.data}, at {node.line}")


def check_gradients(order: Sequence[Any], adjoints: Mapping[Any, float] | None = None) -> None:
    """Raise FloatingPointError for the first gradient of a sweep that is not finite.

    The gradients are read from `adjoints`, or from the nodes' `grad` if `adjoints` is None.
    """
    for node in reversed(order):
        for index, operand in enumerate(node.operands):
            if type(operand) is float:
                continue
            gradient = operand.grad if adjoints is None else adjoints.get(operand, 0.0)
            if not math.isfinite(gradient):
                where = f"at {node.line}" if node.line else "made before the anomaly() block, so its line is not known"
                name = operand.label or f"operand {index}"
                raise FloatingPointError(f"the gradient of {name} through {_described(node)} is {gradient}: {where}")


def _described(node: Any) -> str:
    return str(node.op.describe([each if type(each) is float else each.named() for each in node.operands]))
