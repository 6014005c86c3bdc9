"""Grids: numbers for pairs of rows, such as the weights of an attention, as the matrices of all pairs of a block.

XLA gathers and scatters one number after another, and computes on whole matrices in vectors. So what a program computes for the pairs that
it asks for is computed for all pairs of a block, until it is reduced to numbers for rows: then the others are left out. Until then
they have the numbers of the first pair of their left row, so that they are as finite as it is, and so are their derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.patterns import axes_of
from autograd.vectorize.program import Program

JaxArray = Any  # jax.Array, or what JAX traces it with
FEW = 8  # columns that are gathered as fast as they are cut out
NEUTRAL = {ops.total_: 0.0, ops.largest_: -np.inf, ops.smallest_: np.inf, ops.logsumexp_: -np.inf}


class Pattern:
    """The pairs that are asked for, in their order: `lefts` and `rights` are the numbers of their rows over all blocks."""

    def __init__(self, pairs: ir.Pairs) -> None:
        self.lefts, self.rights, self.blocks, self.sizes = pairs.lefts, pairs.rights, pairs.blocks, pairs.sizes
        self.entries = pairs.entries

    def is_same(self, other: Pattern) -> bool:
        mine, others = (self.blocks, self.sizes), (other.blocks, other.sizes)
        return mine == others and np.array_equal(self.lefts, other.lefts) and np.array_equal(self.rights, other.rights)

    def is_turned(self, other: Pattern) -> bool:
        """Whether the other pattern has the same pairs with left and right exchanged."""
        mine, others = (self.blocks, self.sizes), (other.blocks, other.sizes[::-1])
        return mine == others and np.array_equal(self.lefts, other.rights) and np.array_equal(self.rights, other.lefts)

    @cached_property
    def mask(self) -> FloatArray:
        """Which pairs are asked for, (blocks, rows, others)."""
        mask = np.zeros((self.blocks, *self.sizes), bool)
        mask.ravel()[self.entries] = True
        return mask

    @property
    def firsts(self) -> FloatArray:
        """The first right row of each left row, (blocks, rows, 1)."""
        return self.mask.argmax(2, keepdims=True)  # type: ignore[no-any-return]

    @cached_property
    def _places(self) -> FloatArray:
        """For each entry the place of its pair among those that are asked for, or that of the first pair of its left row."""
        places = np.zeros(self.mask.shape, np.int32)
        places.ravel()[self.entries] = np.arange(len(self.entries))
        return np.where(self.mask, places, np.take_along_axis(places, self.firsts, 2))

    def spread(self, columns: JaxArray) -> JaxArray:
        """Numbers in the order of the pairs, (..., pairs), on the grid; one number for all pairs stays one."""
        if not np.ndim(columns):
            return columns
        *rest, size = columns.shape
        return columns.reshape(*rest, 1, 1, 1) if size == 1 else columns[..., self._places]


def filled(every: JaxArray, pattern: Pattern) -> Grid:
    """A grid from numbers for all pairs."""
    column, different = int(pattern.firsts[0, 0, 0]), np.ptp(pattern.firsts)
    firsts = pattern.firsts[None].astype(np.int32)
    first = jnp.take_along_axis(every, firsts, 3) if different else every[..., column : column + 1]
    return Grid(jnp.where(pattern.mask, every, first), pattern)


class Grid(NamedTuple):
    """A number for each pair, (batch, blocks, rows, others)."""

    every: JaxArray
    pattern: Pattern

    def chosen(self, neutral: float) -> JaxArray:
        """The whole grid, with this number for pairs that are not asked for."""
        return jnp.where(self.pattern.mask, self.every, neutral)

    @property
    def columns(self) -> JaxArray:
        """The numbers in the order of the pairs, (batch, pairs)."""
        return self.every.reshape(len(self.every), -1)[:, self.pattern.entries.astype(np.int32)]


def columns_of(array: JaxArray | Grid) -> JaxArray:
    return array.columns if isinstance(array, Grid) else array


def patterns_of(program: Program) -> list[Pattern]:
    """The patterns of the pairs of which it pays to compute all of a block."""
    found: list[Pattern] = []
    for number in program.find(ir.PairProducts):
        pairs = program.instructions[number]
        if isinstance(pairs, ir.PairProducts) and pairs.is_dense and not any(map(Pattern(pairs).is_same, found)):
            found.append(Pattern(pairs))
    return found


def of_rows(array: JaxArray, columns: FloatArray, patterns: Sequence[Pattern]) -> Grid | None:
    """The columns of an array, (batch, rows), as a grid, if they are the rows of the pairs of a pattern."""
    if array.ndim != 2:
        return None
    for pattern in patterns:
        for axis, numbers in ((3, pattern.lefts), (2, pattern.rights)):
            size = pattern.sizes[axis == 2]
            if array.shape[1] == pattern.blocks * size and np.array_equal(columns, numbers):
                every = jnp.expand_dims(array.reshape(-1, pattern.blocks, size), axis)
                every = jnp.broadcast_to(every, (len(array), *pattern.mask.shape))
                return Grid(every, pattern) if axis == 3 else filled(every, pattern)
    return None


def elementwise(function: Any, operands: Sequence[JaxArray | Grid]) -> Grid | None:
    """An operation on the numbers of each pair; None if the operands have no pattern in common."""
    first, *others = [each for each in operands if isinstance(each, Grid)]
    if not all(first.pattern.is_same(each.pattern) for each in others):
        return None
    return Grid(function(*[each.every if isinstance(each, Grid) else first.pattern.spread(each) for each in operands]), first.pattern)


def reduced(op: Operation, segments: ir.Segments, pairs: Grid) -> JaxArray | None:
    """The reduction of segments, if they are the pairs of each left row or of each right row."""
    for axis, numbers, size in zip((3, 2), (pairs.pattern.lefts, pairs.pattern.rights), pairs.pattern.sizes):
        if len(segments.lengths) == pairs.pattern.blocks * size and np.array_equal(segments.columns, numbers):
            whole = pairs.chosen(NEUTRAL[op])
            function = {ops.total_: jnp.sum, ops.largest_: jnp.max, ops.smallest_: jnp.min, ops.logsumexp_: jax.nn.logsumexp}[op]
            return function(whole, axis).reshape(len(whole), -1)
    return None


def products(pairs: ir.PairProducts, left: JaxArray, right: JaxArray) -> Grid | JaxArray:
    """The product of the left and the right row of each pair."""
    batch, (rows, others) = len(left), pairs.sizes
    if not pairs.is_dense:
        left, right = (each.reshape(batch, -1, pairs.width) for each in (left, right))
        return jnp.sum(left[:, pairs.lefts.astype(np.int32)] * right[:, pairs.rights.astype(np.int32)], -1)
    shapes = [(batch, pairs.blocks, size, pairs.width) for size in (rows, others)]
    return filled(jnp.einsum("bgik,bgjk->bgij", left.reshape(shapes[0]), right.reshape(shapes[1])), Pattern(pairs))


def sums(pairs: ir.PairSums, weights: JaxArray | Grid, rows: JaxArray) -> JaxArray:
    """The sum of weighted rows for each left row.

    The sums are products of whole blocks if all is finite: 0 times infinity, for a pair that is not asked for, is nan.
    """
    batch, others, width = len(rows), pairs.sizes[1], pairs.width
    if not pairs.is_dense:
        terms = columns_of(weights)[..., None] * rows.reshape(batch, -1, width)[:, pairs.rights.astype(np.int32)]
        return jnp.zeros((batch, pairs.rows[0], width), terms.dtype).at[:, pairs.lefts.astype(np.int32)].add(terms).reshape(batch, -1)
    pattern, turned = Pattern(pairs), isinstance(weights, Grid) and weights.pattern.is_turned(Pattern(pairs))
    if not isinstance(weights, Grid) or not (turned or weights.pattern.is_same(pattern)):
        weights = Grid(pattern.spread(columns_of(weights)), pattern)
    every, mask, axis = weights.chosen(0.0), weights.pattern.mask, 2 if turned else 3  # the axis of the rows
    rows = rows.reshape(batch, pairs.blocks, others, width)
    found = jnp.einsum("bgji,bgjk->bgik" if turned else "bgij,bgjk->bgik", every, rows)

    def with_row(number: JaxArray, total: JaxArray) -> JaxArray:
        row, weight = (jax.lax.dynamic_index_in_dim(each, number, place, False) for each, place in ((rows, 2), (every, axis)))
        is_asked = jax.lax.dynamic_index_in_dim(jnp.asarray(mask), number, axis - 1, False)
        return total + jnp.where(is_asked[..., None], weight[..., None] * row[:, :, None], 0.0)

    def one_by_one() -> JaxArray:
        return jax.lax.fori_loop(0, others, with_row, jnp.zeros_like(found))

    return jax.lax.cond(jnp.all(jnp.isfinite(found)), lambda: found, one_by_one).reshape(batch, -1)


def taken(array: JaxArray, columns: FloatArray) -> JaxArray:
    """Columns of an array: cut out, with axes exchanged or repeated, if loops over a few axes count them, and gathered otherwise."""
    *rest, size = array.shape
    axes = axes_of(columns) or ()
    order = sorted([axis for axis, (_, step) in enumerate(axes) if step], key=lambda axis: -abs(axes[axis][1]))
    units = [size, *(abs(axes[axis][1]) for axis in order), 1]
    lengths = [unit // smaller for unit, smaller in pairwise(units)]
    starts = [int(columns[0]) % unit // smaller for unit, smaller in pairwise(units)]
    cut = [_stretch(start, *axes[axis], length) for axis, start, length in zip(order, starts, lengths)]
    if len(columns) <= FEW or not axes or any(unit % smaller for unit, smaller in pairwise(units)) or None in cut:
        return array[..., columns.astype(np.int32)]
    found = array.reshape(*rest, *lengths)[(..., *cut, starts[-1])]
    before = range(len(rest))
    moved = [axis for axis in range(len(axes)) if axis in order]
    found = found.transpose(*before, *(len(rest) + order.index(axis) for axis in moved))
    found = found.reshape(*rest, *(count if step else 1 for count, step in axes))
    return jnp.broadcast_to(found, (*rest, *(count for count, _ in axes))).reshape(*rest, len(columns))


def _stretch(start: int, count: int, step: int, length: int) -> slice | None:
    """A slice of `count` entries of an axis, forward or backward from `start`; None if it does not fit into the length of the axis."""
    last = start + (count - 1 if step > 0 else 1 - count)
    if not 0 <= last < length:
        return None
    return slice(start, last + 1) if step > 0 else slice(start, last - 1 if last else None, -1)
