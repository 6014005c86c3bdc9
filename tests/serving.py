"""A server of the playground while a test or a benchmark asks it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playground.server import Server
from tests import PATIENCE


@contextmanager
def serving(*lessons: Path) -> Iterator[str]:
    """The address of a server that runs, on a thread of its own."""
    loop, server = asyncio.new_event_loop(), Server(more=lessons)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(PATIENCE)
        yield server.address
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
