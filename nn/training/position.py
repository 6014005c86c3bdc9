"""Position: how far a run has come in its epochs."""

from __future__ import annotations

from typing import NamedTuple

from nn.training.history import Mark


class Position(NamedTuple):
    """How far a run has come.

    Parameters
    ----------
    epoch : int
        The number of finished epochs.
    seen : int
        How many examples the steps of the current epoch have used.
    steps : int
        How many steps of the current epoch have been taken.
    looked : int
        How many examples of the next mini-batch `Training.example` has returned.
    """

    epoch: int = 0
    seen: int = 0
    steps: int = 0
    looked: int = 0

    @classmethod
    def at(cls, mark: Mark, examples: int) -> Position:
        """Return the position at a mark of the history, with `examples` in an epoch. Raises ValueError for an inconsistent history."""
        sizes = mark.columns["steps.examples"][: mark.lengths["steps.examples"]]
        epochs = mark.lengths["cost"]
        seen = int(sum(sizes)) - epochs * examples
        steps, left = 0, seen
        while left > 0:
            steps, left = steps + 1, left - int(sizes[-1 - steps])
        if left or not 0 <= seen < examples:
            raise ValueError("its numbers of epochs, steps and examples are inconsistent")
        return cls(mark.forgotten.epochs + epochs, seen, steps)

    def after(self, steps: int, batch_size: int) -> Position:
        """Return the position after steps with mini-batches of one size."""
        return Position(self.epoch, self.seen + steps * batch_size, self.steps + steps)

    def next_epoch(self) -> Position:
        """Return the position at the start of the next epoch."""
        return Position(self.epoch + 1)

    def steps_left(self, examples: int, batch_size: int) -> int:
        """Return the number of steps until the end of the epoch."""
        return -(-(examples - self.seen) // batch_size)

    def time(self, step: int, examples: int, batch_size: int) -> float:
        """Return the time of one of the next steps (0: the next one) in epochs, with its fraction, for schedules."""
        return self.epoch + (self.seen / batch_size + step) / -(-examples // batch_size)
