"""Timing contestants side by side: they take turns, so that a machine that slows down slows them all."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Contestants = Mapping[str, Callable[[], object]]


@dataclass
class Many:
    """Work that does several of what others do once in a call."""

    work: Callable[[], object]
    count: int

    def __call__(self) -> object:
        return self.work()


def race(contestants: Contestants, rounds: int = 7, turn: float = 0.05) -> dict[str, float]:
    """The median seconds that each contestant takes for one of what it does, over rounds of turns that last about `turn` seconds."""
    repeats = {}
    for name, work in contestants.items():
        work()  # compile, allocate, warm the caches
        once = timed(work, 1)
        repeats[name] = max(1, int(turn / once))
    gc.collect()
    gc.freeze()  # what PyTorch and JAX keep in memory is not for the others' garbage collections to walk
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            gc.collect()  # nobody pays for another's garbage,
            work()  # but everyone for their own, as in training; and caches are warm
            times[name].append(timed(work, repeats[name]))
    gc.unfreeze()
    counts = {name: work.count if isinstance(work, Many) else 1 for name, work in contestants.items()}
    return {name: statistics.median(each) / counts[name] for name, each in times.items()}


def timed(work: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - start) / repeats


def table(title: str, columns: Mapping[str, Mapping[str, float]], baseline: str) -> None:
    """Print a row for each contestant: in each column its time, and how many times the baseline's that is."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    cells = {name: [_cell(column, name, baseline) for column in columns.values()] for name in names}
    rows([title, *columns], [[name, *cells[name]] for name in names])


def rows(header: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """Print text in columns, the first aligned left and the others right."""
    widths = [max(map(len, column)) for column in zip(header, *body)]
    for index, line in enumerate([header, *body]):
        first, *others = (cell.ljust(width) if not place else cell.rjust(width) for place, (cell, width) in enumerate(zip(line, widths)))
        print("  ".join([first, *others]).rstrip())
        if index == 0:
            print("-" * (sum(widths) + 2 * (len(widths) - 1)))
    print()


def seconds(number: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if number >= size:
            return f"{number / size:.3g} {unit}" if number < 1000 * size else f"{number / size:.0f} {unit}"
    return f"{number * 1e9:.0f} ns"


def ratio(number: float) -> str:
    return f"{number:.2f}x" if number < 10 else f"{number:,.0f}x"


def _cell(column: Mapping[str, float], name: str, baseline: str) -> str:
    if name not in column:
        return "-"
    compared = f"{ratio(column[name] / column[baseline]):>9}" if baseline in column else ""
    return f"{seconds(column[name])}{compared}"
