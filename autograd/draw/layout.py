"""Where boxes go: ranks from left to right, each put in an order with few crossings (Sugiyama, Tagawa and Toda, 1981)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

Size = tuple[float, float]
Point = tuple[float, float]
BETWEEN_RANKS, BETWEEN_BOXES = 44.0, 14.0
SWEEPS = 12


def layout(sizes: Mapping[str, Size], edges: Sequence[tuple[str, str]]) -> tuple[dict[str, Point], list[list[Point]]]:
    """The centre of each box, and for each edge the points that it goes through, from its tail's to its head's.

    An edge over several ranks bends at an invisible box in each of those between.
    """
    ranks = _ranks(list(sizes), edges)
    columns: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    heights = {name: height for name, (_, height) in sizes.items()}
    for name, rank in ranks.items():
        columns[rank].append(name)
    before: dict[str, list[str]] = {name: [] for name in sizes}
    after: dict[str, list[str]] = {name: [] for name in sizes}
    routes = []
    for index, (tail, head) in enumerate(edges):
        route = [tail]
        for rank in range(ranks[tail] + 1, ranks[head]):
            bend = f"{index}/{rank}"
            columns[rank].append(bend)
            heights[bend], before[bend], after[bend] = 2.0, [], []
            route.append(bend)
        route.append(head)
        for left, right in pairwise(route):
            after[left].append(right)
            before[right].append(left)
        routes.append(route)
    x = _across(columns, sizes, BETWEEN_RANKS + min(160.0, len(edges) / 3))
    y = _down(columns, heights, before, after)
    places = {name: (x[rank], y[name]) for rank, column in enumerate(columns) for name in column}
    return {name: places[name] for name in sizes}, [[places[each] for each in route] for route in routes]


def _ranks(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way to each box; what nothing leads to stands right before what it leads to."""
    heads: dict[str, list[str]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    for tail, head in edges:
        heads[tail].append(head)
        waiting[head] += 1
    ranks = dict.fromkeys(names, 0)
    ready = [name for name in names if not waiting[name]]
    sources = set(ready)
    for name in ready:
        for head in heads[name]:
            ranks[head] = max(ranks[head], ranks[name] + 1)
            waiting[head] -= 1
            if not waiting[head]:
                ready.append(head)
    for name in sources:
        ranks[name] = min((ranks[head] for head in heads[name]), default=1) - 1
    return ranks


def _across(columns: Sequence[Sequence[str]], sizes: Mapping[str, Size], between: float) -> list[float]:
    centers, edge = [], 0.0
    for column in columns:
        width = max((sizes[name][0] for name in column if name in sizes), default=0.0)
        centers.append(edge + width / 2)
        edge += width + between
    return centers


def _down(
    columns: list[list[str]], heights: Mapping[str, float], before: Mapping[str, list[str]], after: Mapping[str, list[str]]
) -> dict[str, float]:
    """Heights' centres: sweeps to the right and back, each of which moves a column's boxes towards their neighbours."""
    y = {name: float(index) * 50 for column in columns for index, name in enumerate(column)}
    for sweep in range(SWEEPS):
        neighbours = (before, after)[sweep % 2]
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = {
                name: sum(y[each] for each in neighbours[name]) / len(neighbours[name]) if neighbours[name] else y[name] for name in column
            }
            if sweep < SWEEPS - 4:  # in the end the order stays, and only places change
                column.sort(key=lambda name: wanted[name])
            y.update(_spaced(column, wanted, heights))
    return y


def _spaced(column: Sequence[str], wanted: Mapping[str, float], heights: Mapping[str, float]) -> dict[str, float]:
    """The places nearest to the wanted ones, by least squares, in this order and without overlaps (pool adjacent violators)."""
    offsets, below = [], 0.0
    for name in column:
        offsets.append(below + heights[name] / 2)
        below += heights[name] + BETWEEN_BOXES
    pools: list[tuple[float, int]] = []  # mean place of a run of boxes that touch, and how many they are
    for name, offset in zip(column, offsets):
        pool = (wanted[name] - offset, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, count = pools.pop()
            pool = ((mean * count + pool[0] * pool[1]) / (count + pool[1]), count + pool[1])
        pools.append(pool)
    starts = [mean for mean, count in pools for _ in range(count)]
    return {name: start + offset for name, start, offset in zip(column, starts, offsets)}
