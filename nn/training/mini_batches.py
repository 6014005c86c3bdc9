"""The feed: which examples are in the next mini-batches of an epoch, and where their numbers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn.inputs import Array
from nn.training.file_arrays import Stored

Rows = Any  # a range or an array of indices
WorksOn = Callable[[int], Array]  # which examples of a mini-batch of so many are worked on here, bool (size,)


def feed(X: Array | Stored, Y: Array, seed: int, works_on: WorksOn) -> Feed:
    """The feed of these examples."""
    return StoredFeed(X, Y, seed, works_on) if isinstance(X, Stored) else Feed(X, Y, seed)


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
        """Rows, int64 (steps, size), of the next mini-batches, up to so many of one size, and the arrays that they are of.

        None, and the arrays of one mini-batch, where that is not of one window. The last mini-batch of an epoch may be smaller.
        """
        size = min(size, len(self.X) - start)
        count = min(most, (len(self.X) - start) // size)
        return _wide(self.order(epoch)[start : start + count * size]).reshape(count, size), (self.X, self.Y)

    def look_again(self) -> None:
        """Let back ends that keep copies of the examples copy them again: copies are of an array, and these are new views."""
        self.X, self.Y = self.X[:], self.Y[:]

    def _drawn(self, rng: np.random.Generator) -> Rows:
        return rng.permutation(len(self.X))


class StoredFeed(Feed):
    """Examples of a file, some of which are in memory at a time: a window, of blocks of rows that lie together.

    The order is shuffled in two steps: which blocks make up which window, and the rows within each window. Within a mini-batch they
    are in the order of the file again: so what each of several processes works on lies together there, and it reads that only. The
    inputs of all others are 0 then.
    """

    def __init__(self, X: Stored, Y: Array, seed: int, works_on: WorksOn) -> None:
        super().__init__(X, Y, seed)
        self._works_on = works_on
        self._blocks = X.per_block, max(1, X.per_window // X.per_block)  # how many rows one has, and how many of them a window
        self._ends = np.empty(0, dtype=np.int64)  # of the windows, in the order
        self._window: tuple[Any, Array, tuple[Array, Array]] | None = None  # what it is of, its rows, and what they hold

    def mini_batch(self, epoch: int, start: int, size: int) -> tuple[Rows, tuple[Array, Array]]:
        end = min(start + size, len(self.X))
        rows = self._in_the_order_of_the_file(epoch, start, end, size, start)
        parts, place = [], start
        while place < end:
            stop, held, (x, _) = self._window_at(epoch, place, size, start)
            parts.append(x[np.searchsorted(held, rows[place - start : stop - start])])
            place = stop
        return rows, (np.concatenate(parts), self.Y[rows])

    def mini_batches(self, epoch: int, start: int, size: int, most: int) -> tuple[Rows | None, tuple[Array, Array]]:
        end, held, data = self._window_at(epoch, start, size, start)
        wide = min(size, len(self.X) - start)
        count = min(most, (end - start) // wide)
        if not count:  # the next one is of two windows
            return None, self.mini_batch(epoch, start, size)[1]
        rows = self._in_the_order_of_the_file(epoch, start, start + count * wide, size, start)
        return _wide(np.searchsorted(held, rows)).reshape(count, wide), data

    def look_again(self) -> None:
        self._window = None

    def _in_the_order_of_the_file(self, epoch: int, start: int, end: int, size: int, begin: int) -> Array:
        """The rows from one place in the order to another, within each mini-batch sorted; one begins at `begin`."""
        rows, places = self.order(epoch)[start:end], np.arange(start, end)
        windows = np.searchsorted(self._ends, places, side="right")
        return rows[np.lexsort((rows, windows, (places - begin) // size))]  # type: ignore[no-any-return]

    def _are_own(self, start: int, end: int, size: int, begin: int) -> Array:
        """Which places in the order are worked on here, bool."""
        places = np.arange(start, end)
        within, left = (places - begin) % size, (len(self.X) - begin) % size  # in the last mini-batch
        own, is_last = self._works_on(size)[within], places >= len(self.X) - left
        own[is_last] = self._works_on(left)[within[is_last]]
        return own

    def _window_at(self, epoch: int, place: int, size: int, begin: int) -> tuple[int, Array, tuple[Array, Array]]:
        """The window that a place in the order lies in: where it ends, its rows in the order of the file, and what they hold."""
        self.order(epoch)
        number = int(np.searchsorted(self._ends, place, side="right"))
        first, end = int(self._ends[number - 1]) if number else 0, int(self._ends[number])
        wanted = epoch, number, size, begin % size
        if self._window is None or self._window[0] != wanted:
            self._window = None  # so that there is never more than one
            rows = self._in_the_order_of_the_file(epoch, first, end, size, begin)
            held, own = np.sort(rows), np.sort(rows[self._are_own(first, end, size, begin)])
            x = np.zeros((len(held), *self.X.shape[1:]))
            for run in np.split(own, np.flatnonzero(np.diff(own) != 1) + 1):
                if len(run):
                    at = int(np.searchsorted(held, run[0]))
                    x[at : at + len(run)] = self.X[int(run[0]) : int(run[-1]) + 1]
            self._window = wanted, held, (x, self.Y[held])
        return end, *self._window[1:]

    def _drawn(self, rng: np.random.Generator) -> Array:
        block, per_window = self._blocks
        blocks = rng.permutation(-(-len(self.X) // block))
        windows = []
        for first in range(0, len(blocks), per_window):
            rows = [np.arange(each * block, min((each + 1) * block, len(self.X))) for each in blocks[first : first + per_window]]
            windows.append(rng.permutation(np.concatenate(rows)))
        self._ends = np.cumsum([len(each) for each in windows])
        return np.concatenate(windows)


def _wide(rows: Rows) -> Array:
    """Rows as whole steps take them: numpy's own indices are 32 bits wide where memory is, as in WebAssembly."""
    wide: Array = rows.astype(np.int64, copy=False)
    return wide
