"""Where boxes go: ranks from left to right, each put in an order with few crossings (Sugiyama, Tagawa and Toda, 1981).

`layout.js` is the same algorithm for the page, which lays a graph out again when a part opens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 12
Point = tuple[float, float]


class Layout(NamedTuple):
    """The centre of each box by its id, and for each edge the points that it goes through, from its tail's centre to its head's."""

    places: dict[str, Point]
    routes: list[list[Point]]


def layout(sizes: Mapping[str, Point], edges: Sequence[tuple[str, str]], between_ranks: float = 32, between_boxes: float = 14) -> Layout:
    """Lay out boxes from left to right. An edge over several ranks bends at an invisible box in each of those between.

    Parameters
    ----------
    sizes : mapping of str to (float, float)
        The width and height of each box by its id, in the order that boxes keep where nothing else decides.
    edges : sequence of (str, str)
        Pairs of ids: the tail and the head of each edge.
    between_ranks, between_boxes : float, default 32 and 14
        The distances between neighbouring ranks, and between neighbouring boxes of a rank.

    Returns
    -------
    Layout
        The centres and the routes, in the units of `sizes`.
    """
    ranks = _ranks(list(sizes), edges)
    columns: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    heights: dict[str, float] = {}
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}

    def add(name: str, rank: int, height: float) -> None:
        columns[rank].append(name)
        heights[name], before[name], after[name] = height, [], []

    for name, rank in ranks.items():
        add(name, rank, sizes[name][1])
    routes = []
    for index, (tail, head) in enumerate(edges):
        bends = [(f"{index}/{rank}", rank) for rank in range(ranks[tail] + 1, ranks[head])]
        for bend, rank in bends:
            add(bend, rank, 2)
        route = [tail, *(bend for bend, _ in bends), head]
        for left, right in pairwise(route):
            after[left].append(right)
            before[right].append(left)
        routes.append(route)
    x = _across(columns, sizes, between_ranks + min(160, len(edges) / 4))
    y = _down(columns, heights, before, after, between_boxes)
    places = {name: (x[rank], y[name]) for rank, column in enumerate(columns) for name in column}
    return Layout({name: places[name] for name in sizes}, [[places[name] for name in route] for route in routes])


def _ranks(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The length of the longest path to each box; a source is one rank before its nearest head. In a cycle, one edge goes backward."""
    heads: dict[str, list[str]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    ranks = dict.fromkeys(names, 0)
    for tail, head in edges:
        heads[tail].append(head)
        waiting[head] += 1
    sources = [name for name in names if waiting[name] == 0]
    done: set[str] = set()

    def settle(found: list[str]) -> None:
        for name in found:  # the loop also visits what it appends
            if name in done:
                continue
            done.add(name)
            for head in heads[name]:
                if head not in done:
                    ranks[head] = max(ranks[head], ranks[name] + 1)
                    waiting[head] -= 1
                    if waiting[head] == 0:
                        found.append(head)

    settle(list(sources))
    for name in names:
        settle([name])
    for name in sources:
        ranks[name] = max(0, min((ranks[head] for head in heads[name]), default=1) - 1)
    return ranks


def _across(columns: Iterable[Sequence[str]], sizes: Mapping[str, Point], between: float) -> list[float]:
    """The centre of each rank."""
    centers, edge = [], 0.0
    for column in columns:
        width = max((sizes[name][0] for name in column if name in sizes), default=0.0)
        centers.append(edge + width / 2)
        edge += width + between
    return centers


def _down(
    columns: Sequence[list[str]],
    heights: Mapping[str, float],
    before: Mapping[str, Sequence[str]],
    after: Mapping[str, Sequence[str]],
    between: float,
) -> dict[str, float]:
    """Heights of the centres: sweeps to the right and back, each of which moves a column's boxes towards their neighbours."""
    y = {name: index * 50.0 for column in columns for index, name in enumerate(column)}
    for sweep in range(SWEEPS):
        neighbours = after if sweep % 2 else before
        for column in reversed(columns) if sweep % 2 else columns:
            wanted = {name: sum(y[each] for each in near) / len(near) if (near := neighbours[name]) else y[name] for name in column}
            if sweep < SWEEPS - 4:  # in the end the order stays, and only places change
                column.sort(key=wanted.__getitem__)
            y.update(zip(column, _spaced(column, wanted, heights, between)))
    return y


def _spaced(column: Sequence[str], wanted: Mapping[str, float], heights: Mapping[str, float], between: float) -> list[float]:
    """The places nearest to the wanted ones, by least squares, in this order and without overlaps (pool adjacent violators)."""
    offsets: list[float] = []
    pools: list[tuple[float, int]] = []  # of a run of boxes that touch: their mean place, and how many they are
    below = 0.0
    for name in column:
        offsets.append(below + heights[name] / 2)
        below += heights[name] + between
        pool = wanted[name] - offsets[-1], 1
        while pools and pools[-1][0] > pool[0]:
            mean, count = pools.pop()
            pool = (mean * count + pool[0] * pool[1]) / (count + pool[1]), count + pool[1]
        pools.append(pool)
    starts = [mean for mean, count in pools for _ in range(count)]
    return [offset + start for offset, start in zip(offsets, starts)]
