"""Ctrl-C during work that should stop only between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible() -> Iterator[Sequence[int]]:
    """Within the context, the first Ctrl-C is appended to the list, and the second one raises KeyboardInterrupt.

    Nothing changes, and the list stays empty, if Ctrl-C has another handler or is ignored (as a shell does for background jobs), and in
    threads other than the main one.
    """
    caught: list[int] = []

    def note(number: int, frame: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield caught
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
