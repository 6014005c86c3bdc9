"""Garbage: graphs have no cycles, so searching them for cycles only takes time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 100_000  # objects: the garbage collection takes a millisecond for them


@contextmanager
def garbage_collection_paused(is_once: bool = False) -> Iterator[None]:
    """Pause garbage collection, which would search all nodes of a graph repeatedly for cycles.

    With `is_once`, for work that is not repeated in a loop, many new objects count as old ones afterwards, so that the next collection
    does not search them. In a loop this would keep collections of old objects, and so of the user's cycles, from ever being due.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if is_once and gc.get_count()[0] > MANY and not gc.get_freeze_count():  # counting what others have frozen takes time
                gc.freeze()
                gc.unfreeze()
            gc.enable()
