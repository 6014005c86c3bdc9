"""Pairing: sums of products of two factors that depend on the example, recognised as products or sums of pairs of rows.

In an attention each query meets several keys: the scores are the products of pairs of rows. The mean of the values, weighted by the
scores, is the sum of pairs of rows. A row is a tuple of scalars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

Row = tuple[int, ...]
Factors = Mapping[int, tuple[Row, Row]]  # the factors of each sum, side by side


class Pairing(NamedTuple):
    """Rows and pairs of them. Left and right rows lie in the same number of blocks of equal size, and pairs within blocks."""

    left: list[Row]
    right: list[Row]
    lefts: list[int]
    rights: list[int]
    blocks: int
    results: list[int]  # the sums in the order of the columns of the result


def products(factors: Factors) -> Pairing | None:
    """Sums of equal length as the products of pairs of rows, or None if too few rows meet several others."""
    sides = _two_sides(list(factors.values()))
    if sides is None:
        return None
    pairs = {}
    for number, (one, other) in factors.items():
        left, right = (one, other) if sides[one] == 0 else (other, one)
        pairs[left, right] = number
    return _in_blocks(list(pairs), list(pairs.values()))


def sums(factors: Factors) -> tuple[Pairing, list[int]] | None:
    """Sums that share their left factors as the sums of pairs of rows; and the left factor of each pair. None if too few rows repeat."""
    by_left: dict[Row, list[int]] = {}
    for number, (left, _) in factors.items():
        by_left.setdefault(left, []).append(number)
    widths = {len(each) for each in by_left.values()}
    if len(widths) > 1 or 1 in widths:
        return None
    pairs: dict[tuple[Row, Row], int] = {}
    for left, members in by_left.items():
        target = tuple(members)
        for place, weight in enumerate(left):
            pairs[target, tuple([factors[number][1][place] for number in members])] = weight
    if len(pairs) < sum(map(len, by_left)):  # the same factors twice
        return None
    found = _in_blocks(list(pairs), [])
    return found and (found, [pairs[found.left[i], found.right[j]] for i, j in zip(found.lefts, found.rights)])


def _two_sides(pairs: Sequence[tuple[Row, Row]]) -> dict[Row, int] | None:
    """0 or 1 for each row, so that the rows of each pair are different; None if that is impossible."""
    neighbours: dict[Row, list[Row]] = {}
    for one, other in pairs:
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    sides: dict[Row, int] = {}
    for first in neighbours:
        stack = [] if first in sides else [first]
        sides.setdefault(first, 0)
        while stack:
            row = stack.pop()
            for each in neighbours[row]:
                if each not in sides:
                    sides[each] = 1 - sides[row]
                    stack.append(each)
                elif sides[each] == sides[row]:
                    return None
    return sides


def _in_blocks(pairs: Sequence[tuple[Row, Row]], results: Sequence[int]) -> Pairing | None:
    """Rows that are linked by pairs as blocks, if these are of equal size, or all rows as one block."""
    lefts, rights = (dict.fromkeys(side) for side in zip(*pairs))
    if len(pairs) <= len(lefts) + len(rights):
        return None
    block: dict[Row, int] = {}
    links: dict[Row, list[Row]] = {}
    for left, right in pairs:
        links.setdefault(left, []).append(right)
        links.setdefault(right, []).append(left)
    count = 0
    for first in lefts:
        stack = [] if first in block else [first]
        count += len(stack)
        while stack:
            row = stack.pop()
            if row not in block:
                block[row] = count - 1
                stack += links[row]
    sizes = [np.bincount([block[row] for row in side], minlength=count) for side in (lefts, rights)]
    if not all(np.all(size == size[0]) for size in sizes):
        block, count = dict.fromkeys(block, 0), 1
    ordered = [sorted(side, key=block.__getitem__) for side in (lefts, rights)]
    of_left, of_right = ({row: number for number, row in enumerate(side)} for side in ordered)
    numbered = [(of_left[left], of_right[right]) for left, right in pairs]
    order = sorted(range(len(pairs)), key=numbered.__getitem__)
    lefts_of, rights_of = ([numbered[each][side] for each in order] for side in (0, 1))
    return Pairing(ordered[0], ordered[1], lefts_of, rights_of, count, [results[each] for each in order] if results else [])
