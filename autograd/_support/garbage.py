"""Garbage: graphs have no cycles, so searching them for cycles only takes time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def garbage_collection_paused(is_once: bool = False) -> Iterator[None]:
    """Pause garbage collection, which would search all nodes of a graph repeatedly for cycles.

    With `is_once`, for work that is not repeated in a loop, all objects count as old ones afterwards: the next collection does not search
    the new ones, which stay. In a loop this would keep collections of old objects, and so of the user's cycles, from ever being due.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if is_once and not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
