"""Ctrl-C in the midst of work that should be left only between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible() -> Iterator[Sequence[int]]:
    """While open, the first Ctrl-C is only noted, in the list; the second one interrupts at once.

    Where somebody else handles Ctrl-C, or has it ignored (as a shell does for a job in the background), and in
    any thread but the main one, all is left as it is and the list stays empty.
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
