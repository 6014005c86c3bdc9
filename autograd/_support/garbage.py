"""Garbage: graphs have no cycles, so searching them for cycles only takes time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Pause garbage collection, which would search all nodes of a graph repeatedly for cycles. A graph has none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if not gc.get_freeze_count():  # otherwise the next collection would search all the new objects: they count as old ones now
                gc.freeze()
                gc.unfreeze()
            gc.enable()
