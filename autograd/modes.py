"""Modes: what else happens in this thread while nodes are made, from anomaly() to the recording of a program."""

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
    """A condition that numbers must meet, and what to say where they do not."""

    condition: Any
    message: str
    numbers: tuple[Any, ...]

    def complaint(self, numbers: Sequence[Any]) -> str:
        """The message about these numbers."""
        return self.message.format(numbers[0] if len(numbers) == 1 else list(numbers))


class Modes(threading.local):
    """The modes of one thread, which no other thread is in."""

    anomaly = False  # a number that is not finite is an error
    sweeping = False  # a forward value outside the domain is inf or nan, not an error: derivatives are being read with nodes
    recording = False  # comparisons are part of a program, and a number read from a Value now would be the program's for ever
    demands: list[Demand] | None = None  # and so is what `require` asks meanwhile

    @contextmanager
    def temporarily(self, **settings: Any) -> Iterator[None]:
        """While this thread's modes are these, and the others as they are."""
        modes, before = vars(self), {name: getattr(self, name) for name in settings}
        try:  # a signal may interrupt at any line, so these are single calls
            modes.update(settings)
            yield
        finally:
            modes.update(before)


mode = Modes()
watchers = 0  # anomaly() blocks that are open in any thread: making a node asks here first, as it costs a tenth of asking the thread
recorders = 0  # recordings that are being made in any thread: reading a Value's number asks here first
_counting = threading.Lock()


@contextmanager
def anomaly() -> Iterator[None]:
    """Within this block the first value or gradient that is not finite raises FloatingPointError, in this thread.

    The error names the operation, its operands, and the source line that made the node.

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
    """While a program is recorded: comparisons become part of it. Gives what `require` asks meanwhile."""
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
    """Raise TraceError where this thread records a function: what is read from a Value would be frozen in the program."""
    if mode.recording:
        raise TraceError(
            f"{what} of a Value in a recorded function, at {user_line()}: the program is recorded once, and parameters change. {instead}"
        )


def user_line() -> str:
    """The innermost source line outside this library, as `file:line`."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(LIBRARY):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def check_value(node: Any) -> None:
    """In anomaly mode note the line that made a new node, and raise FloatingPointError where its value is not finite."""
    if not mode.anomaly:
        return
    node._line = user_line()
    if not math.isfinite(node.data):
        raise FloatingPointError(f"{_described(node)} gave {node.data}, at {node.line}")


def check_gradients(order: Sequence[Any], adjoints: Mapping[Any, float] | None = None) -> None:
    """Raise FloatingPointError for the first gradient of a sweep that is not finite: in the nodes' `grad`, or in `adjoints`."""
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
