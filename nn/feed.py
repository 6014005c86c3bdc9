"""The feed: which examples are in the next mini-batches of an epoch, and where their numbers are."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.arrays import Array
from nn.stored import Stored

Rows = Any  # a range or an array of indices


def feed(X: Array | Stored, Y: Array, seed: int) -> Feed:
    """The feed of these examples."""
    return StoredFeed(X, Y, seed) if isinstance(X, Stored) else Feed(X, Y, seed)


class Feed:
    """Examples in memory, in an order that is drawn anew for each epoch from (seed, epoch)."""

    def __init__(self, X: Array | Stored, Y: Array, seed: int) -> None:
        self.X: Any = X
        self.Y, self.seed = Y, seed
        self.epoch = -1
        self._order: Rows = np.empty(0, dtype=np.int64)

    def order(self, epoch: int) -> Rows:
        """The order of all examples in an epoch."""
        if epoch != self.epoch:
            self.epoch, self._order = epoch, self._drawn(np.random.default_rng([self.seed, epoch]))
        return self._order

    def mini_batch(self, epoch: int, start: int, size: int) -> tuple[Rows, tuple[Array, Array]]:
        """The rows from one place in the order on, and what they hold."""
        rows = self.order(epoch)[start : start + size]
        return rows, (self.X[rows], self.Y[rows])

    def mini_batches(self, epoch: int, start: int, size: int, most: int) -> tuple[Rows | None, tuple[Array, Array]]:
        """Rows, int64 (steps, size), of the next mini-batches, up to so many, and the arrays that they are of; None where all are one."""
        count = min(most, (len(self.X) - start) // size)
        return _wide(self.order(epoch)[start : start + count * size]).reshape(count, size), (self.X, self.Y)

    def _drawn(self, rng: np.random.Generator) -> Rows:
        return rng.permutation(len(self.X))


class StoredFeed(Feed):
    """Examples of a file, some of which are in memory at a time: a window, of blocks of rows that lie together.

    The order is shuffled in two steps: which blocks make up which window, and the rows within each window.
    """

    def __init__(self, X: Stored, Y: Array, seed: int) -> None:
        super().__init__(X, Y, seed)
        self._blocks = X.per_block, max(1, X.per_window // X.per_block)  # how many rows one has, and how many of them a window
        self._ends = np.empty(0, dtype=np.int64)  # of the windows, in the order
        self._window: tuple[int, int, Array, tuple[Array, Array]] | None = None  # epoch, number, rows, and what they hold

    def mini_batch(self, epoch: int, start: int, size: int) -> tuple[Rows, tuple[Array, Array]]:
        rows = self.order(epoch)[start : start + size]
        parts, place = [], start
        while place < start + len(rows):
            end, held, (x, _) = self._window_at(epoch, place)
            parts.append(x[np.searchsorted(held, rows[place - start : end - start])])
            place = end
        return rows, (np.concatenate(parts), self.Y[rows])

    def mini_batches(self, epoch: int, start: int, size: int, most: int) -> tuple[Rows | None, tuple[Array, Array]]:
        end, held, data = self._window_at(epoch, start)
        count = min(most, (end - start) // size)
        if not count:  # the next one is of two windows
            return None, self.mini_batch(epoch, start, size)[1]
        return _wide(np.searchsorted(held, self.order(epoch)[start : start + count * size])).reshape(count, size), data

    def _window_at(self, epoch: int, place: int) -> tuple[int, Array, tuple[Array, Array]]:
        """The window that a place in the order lies in: where it ends, its rows in their own order, and what they hold."""
        order = self.order(epoch)
        number = int(np.searchsorted(self._ends, place, side="right"))
        if self._window is None or self._window[:2] != (epoch, number):
            self._window = None  # so that there is never more than one
            held = np.sort(order[self._ends[number - 1] if number else 0 : self._ends[number]])
            pieces = np.split(held, np.flatnonzero(np.diff(held) != 1) + 1)
            x = np.concatenate([self.X[int(piece[0]) : int(piece[-1]) + 1] for piece in pieces])
            self._window = epoch, number, held, (x, self.Y[held])
        return int(self._ends[number]), *self._window[2:]

    def _drawn(self, rng: np.random.Generator) -> Array:
        block, per_window = self._blocks
        blocks = rng.permutation(-(-len(self.X) // block))
        windows = []
        for first in range(0, len(blocks), per_window):
            rows = [np.arange(each * block, min((each + 1) * block, len(self.X))) for each in blocks[first : first + per_window]]
            windows.append(rng.permutation(np.concatenate(rows)))
        self._ends = np.cumsum([len(each) for each in windows])
        return np.concatenate(windows)


def _wide(rows: Array) -> Array:
    """Rows as whole steps take them: numpy's own indices are 32 bits wide where memory is, as in WebAssembly."""
    return rows.astype(np.int64, copy=False)
