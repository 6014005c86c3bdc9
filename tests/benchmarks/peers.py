"""Which back ends and peers run here, and a limit for preparing those that may take too long."""

from __future__ import annotations

import importlib.util
import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

from autograd.errors import CompilationError
from autograd.vectorize.backends.native.compiler import compiler
from tests.benchmarks.race import rows, seconds

T = TypeVar("T")


class TooLong(BaseException):
    """The limit has passed. No code that prepares anything catches it, as it may catch a TimeoutError."""


def installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def back_ends() -> list[str]:
    """Those that run here."""
    return ["numpy", *(["native"] if has_compiler() else []), *(["jax"] if installed("jax") else [])]


def has_compiler() -> bool:
    """Whether there is a C compiler, for what runs natively."""
    try:
        compiler()
    except CompilationError:
        return False
    return True


class Ready:
    """Prepares contestants and keeps how long each took, by name and column.

    A contestant that takes more than `limit` seconds is left out, with a message, and so it is in later, larger columns. Work is
    interrupted at the limit only between Python's instructions, and not at all where there are no alarms, as on Windows.
    """

    def __init__(self, limit: int = 30) -> None:
        self.limit = limit
        self.times: dict[str, dict[str, float]] = {}
        self.slow: set[str] = set()

    def made(self, name: str, column: str, make: Callable[[], T]) -> T | None:
        """What `make` returns, or None."""
        times = self.times.setdefault(column, {})
        if name in self.slow:
            return None
        start = time.perf_counter()
        result = self._limited(make)
        if result is None or time.perf_counter() - start > self.limit:
            print(f"{name}: left out from {column} on, where it is not ready after {self.limit} s")
            self.slow.add(name)
            return None
        times[name] = time.perf_counter() - start
        return result

    def _limited(self, make: Callable[[], T]) -> T | None:
        if not hasattr(signal, "SIGALRM"):
            return make()

        def stop(*_: Any) -> None:
            raise TooLong

        previous = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, self.limit, 10.0)  # again later, as callbacks of C code swallow an exception
        try:
            return make()
        except TooLong:
            return None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)

    def print(self, title: str) -> None:
        names = list(dict.fromkeys(name for times in self.times.values() for name in times))
        body = [[name, *(seconds(times[name]) if name in times else "-" for times in self.times.values())] for name in names]
        rows([title, *self.times], body)
