"""Threads for the tests."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_threads(count: int, work: Callable[[int], T]) -> list[T]:
    """Call `work(0)`, `work(1)`, ... at the same time, in threads that take turns often. Return their results."""
    start, interval = threading.Barrier(count), sys.getswitchinterval()

    def begin(index: int) -> T:
        start.wait()
        return work(index)

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(begin, range(count)))
    finally:
        sys.setswitchinterval(interval)
