"""Mini-batches: the order of the examples in each epoch, the next mini-batches, and their noise.

All randomness is drawn from seeds: the order of the examples from (seed, epoch), the noise from (seed, epoch, step).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nn.inputs import Array, examples
from nn.training.file_arrays import FileArray
from nn.training.history import Mark
from nn.training.objectives import Batch
from nn.training.validation import Noise

Rows = Any  # a range or an integer array of row numbers
WorksOn = Callable[[int], Array]  # for the size of a mini-batch: a bool for each of its examples, True if this process works on it


class Position(NamedTuple):
    """How far a run has come."""

    epoch: int = 0  # the number of finished epochs
    seen: int = 0  # how many examples the steps of the current epoch have used
    steps: int = 0  # how many steps of the current epoch have been taken
    looked: int = 0  # how many examples of the next mini-batch `Training.example` has returned

    @classmethod
    def at(cls, mark: Mark, examples: int) -> Position:
        """Return the position at a mark of the history, with `examples` in an epoch. Raises ValueError for an inconsistent history."""
        sizes, epochs = mark.columns["steps.examples"][: mark.lengths["steps.examples"]], mark.lengths["cost"]
        seen = int(sum(sizes)) - epochs * examples
        steps = last_steps(sizes, seen)
        if seen >= examples or sum(sizes[len(sizes) - steps :]) != seen:
            raise ValueError("its numbers of epochs, steps and examples are inconsistent")
        return cls(mark.forgotten.epochs + epochs, seen, steps)


def last_steps(sizes: Sequence[float], examples: int) -> int:
    """Return how many of the last steps, with mini-batches of these sizes, have used a number of examples."""
    count = 0
    while examples > 0:
        count, examples = count + 1, examples - int(sizes[-1 - count])
    return count


def noise_for(noise: Noise, rng: np.random.Generator, count: int) -> Array:
    """Draw the noise for `count` examples. Raises ValueError unless it has one row, or one number, per example."""
    numbers = examples("the noise", noise(rng, count))
    if len(numbers) != count:
        raise ValueError(f"noise(rng, {count}) must return one row for each of {count} examples, got the shape {numbers.shape}")
    return numbers


class MiniBatches:
    """The mini-batches of a run. Of inputs in files, only the examples that this process works on are read."""

    def __init__(self, X: Array | FileArray, Y: Array, seed: int, noise: Noise | None, works_on: WorksOn) -> None:
        self.seed, self.noise = seed, noise
        self.source = ExamplesInFile(X, Y, seed, works_on) if isinstance(X, FileArray) else Examples(X, Y, seed)
        self._next: tuple[Any, Rows, Batch] | None = None  # the last mini-batch that `next` returned, after its position and size

    def next(self, position: Position, size: int) -> tuple[Rows, Batch]:
        """Return the row numbers of the next mini-batch of up to `size` examples, and its inputs, targets and noise."""
        key = (*position[:3], size)
        if self._next is None or self._next[0] != key:
            source = self.source
            everything: tuple[Rows, Batch] = range(size), (source.X, source.Y)
            rows, batch = everything if self._takes_all(position, size) else source.mini_batch(position.epoch, position.seen, size)
            if self.noise is not None:
                rng = np.random.default_rng([self.seed, position.epoch, position.steps + 1])
                batch = (*batch, noise_for(self.noise, rng, len(rows)))
            self._next = key, rows, batch
        return self._next[1:]

    def several(self, position: Position, size: int, most: int) -> tuple[Rows | None, Batch]:
        """Return the row numbers of up to `most` mini-batches, int64 of shape (steps, size), and the arrays that they index.

        The row numbers are None if the arrays are one mini-batch themselves. The last mini-batch of an epoch may be smaller.
        """
        if self.noise is not None or self._takes_all(position, size):
            return None, self.next(position, size)[1]
        return self.source.mini_batches(position.epoch, position.seen, size, most)

    def reload(self) -> None:
        """Forget all copies of examples, and let back ends that keep copies do the same: the arrays may have been changed in place."""
        self._next = None
        self.source.reload()

    def _takes_all(self, position: Position, size: int) -> bool:
        """Return whether the next mini-batch is all examples, as they are in memory."""
        return size == len(self.source.X) and not position.seen and not isinstance(self.source.X, FileArray)


class Examples:
    """Examples in memory, in a new order for each epoch."""

    def __init__(self, X: Array | FileArray, Y: Array, seed: int) -> None:
        self.X: Any = X
        self.Y, self.seed = Y, seed
        self._ordered: tuple[int, Rows, Array] = (-1, None, np.empty(0))  # an epoch, the order in it, and where its windows end

    def order(self, epoch: int) -> Rows:
        """Return the row numbers of all examples in their order in an epoch."""
        if epoch != self._ordered[0]:
            self._ordered = epoch, *self._shuffled(np.random.default_rng([self.seed, epoch]))
        return self._ordered[1]

    def mini_batch(self, epoch: int, start: int, size: int) -> tuple[Rows, Batch]:
        """Return the row numbers of the mini-batch that starts at a place in the order, and its inputs and targets."""
        rows = self.order(epoch)[start : start + size]
        return rows, (self.X[rows], self.Y[rows])

    def mini_batches(self, epoch: int, start: int, size: int, most: int) -> tuple[Rows | None, Batch]:
        """See `MiniBatches.several`."""
        size = min(size, len(self.X) - start)
        count = min(most, (len(self.X) - start) // size)
        return _int64(self.order(epoch)[start : start + count * size]).reshape(count, size), (self.X, self.Y)

    def reload(self) -> None:
        """Replace the arrays by new views of them: back ends recognise their copies by the identity of the array."""
        self.X, self.Y = self.X[:], self.Y[:]

    def _shuffled(self, rng: np.random.Generator) -> tuple[Rows, Array]:
        """Return the row numbers in a random order, and where each window ends in it."""
        return rng.permutation(len(self.X)), np.array([len(self.X)])


class ExamplesInFile(Examples):
    """Examples in a file, of which one window is in memory at a time. A window consists of blocks of neighbouring rows.

    Blocks are shuffled across windows, then rows within each window. Within a mini-batch the rows are in the order of the file, so
    that the rows of each process are neighbours. A process reads only its own rows, and the inputs of the others are 0.
    """

    def __init__(self, X: FileArray, Y: Array, seed: int, works_on: WorksOn) -> None:
        super().__init__(X, Y, seed)
        self._works_on = works_on
        self._window: tuple[Any, Array, Batch] | None = None  # its key, its row numbers in the order of the file, and their data

    def mini_batch(self, epoch: int, start: int, size: int) -> tuple[Rows, Batch]:
        end = min(start + size, len(self.X))
        rows = self._in_file_order(epoch, start, end, size, start)
        parts, place = [], start
        while place < end:
            stop, held, (x, _) = self._window_at(epoch, place, size, start)
            parts.append(x[np.searchsorted(held, rows[place - start : stop - start])])
            place = stop
        return rows, (np.concatenate(parts), self.Y[rows])

    def mini_batches(self, epoch: int, start: int, size: int, most: int) -> tuple[Rows | None, Batch]:
        end, held, data = self._window_at(epoch, start, size, start)
        width = min(size, len(self.X) - start)
        count = min(most, (end - start) // width)
        if not count:  # the next mini-batch has rows of two windows
            return None, self.mini_batch(epoch, start, size)[1]
        rows = self._in_file_order(epoch, start, start + count * width, size, start)
        return _int64(np.searchsorted(held, rows)).reshape(count, width), data

    def reload(self) -> None:
        self._window = None

    def _in_file_order(self, epoch: int, start: int, end: int, size: int, begin: int) -> Array:
        """Return the row numbers between two places in the order, sorted within each mini-batch; a mini-batch starts at `begin`."""
        rows, places = self.order(epoch)[start:end], np.arange(start, end)
        windows = np.searchsorted(self._ordered[2], places, side="right")
        return rows[np.lexsort((rows, windows, (places - begin) // size))]  # type: ignore[no-any-return]

    def _are_own(self, start: int, end: int, size: int, begin: int) -> Array:
        """Return a bool for each place in the order: True if this process works on it."""
        places = np.arange(start, end)
        within, left = (places - begin) % size, (len(self.X) - begin) % size  # `left` examples are in the last mini-batch
        own, is_last = self._works_on(size)[within], places >= len(self.X) - left
        own[is_last] = self._works_on(left)[within[is_last]]
        return own

    def _window_at(self, epoch: int, place: int, size: int, begin: int) -> tuple[int, Array, Batch]:
        """Return where the window of a place in the order ends, its row numbers in the order of the file, and their data."""
        self.order(epoch)
        ends = self._ordered[2]
        number = int(np.searchsorted(ends, place, side="right"))
        first, end = int(ends[number - 1]) if number else 0, int(ends[number])
        key = epoch, number, size, begin % size
        if self._window is None or self._window[0] != key:
            self._window = None  # frees the memory before the next window is read
            rows = self._in_file_order(epoch, first, end, size, begin)
            held, own = np.sort(rows), np.sort(rows[self._are_own(first, end, size, begin)])
            x = np.zeros((len(held), *self.X.shape[1:]))
            for run in np.split(own, np.flatnonzero(np.diff(own) != 1) + 1):
                if len(run):
                    at = int(np.searchsorted(held, run[0]))
                    x[at : at + len(run)] = self.X[int(run[0]) : int(run[-1]) + 1]
            self._window = key, held, (x, self.Y[held])
        return end, *self._window[1:]

    def _shuffled(self, rng: np.random.Generator) -> tuple[Rows, Array]:
        size, per_window = self.X.rows_per_block, max(1, self.X.rows_per_window // self.X.rows_per_block)
        blocks = rng.permutation(-(-len(self.X) // size))
        windows = []
        for first in range(0, len(blocks), per_window):
            rows = [np.arange(block * size, min((block + 1) * size, len(self.X))) for block in blocks[first : first + per_window]]
            windows.append(rng.permutation(np.concatenate(rows)))
        return np.concatenate(windows), np.cumsum([len(each) for each in windows])


def _int64(rows: Rows) -> Array:
    """Return row numbers as int64, which descents need. NumPy's own indices have 32 bits on 32-bit platforms such as WebAssembly."""
    wide: Array = rows.astype(np.int64, copy=False)
    return wide
