"""Files that lie, made by hypothesis."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

T = TypeVar("T")
fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def attempt(read: Callable[[], T]) -> tuple[T | None, str]:
    """What a reader returns, or the message of its ValueError: any other exception is a failure."""
    try:
        return read(), ""
    except ValueError as error:
        return None, str(error)


def mangled(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with some bits flipped, cut off, or followed by something."""
    damaged = bytearray(content)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.one_of(st.integers(0, min(30, len(content) - 1)), st.integers(0, len(content) - 1)))
        damaged[place] ^= 1 << draw(st.integers(0, 7))
    return bytes(damaged[: draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))]) + draw(st.binary(max_size=20))
