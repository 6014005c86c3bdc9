"""Processes: those that train one model together, on one machine or many, and what they have to agree on.

All of them run the same script. Whatever decides how many steps to take must be the same in all, or some would wait for others for
ever; so process 0 decides, and tells the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.inputs import Array


class Processes:
    """The processes that a back end works on: for all but JAX's this one alone.

    JAX's are those of `jax.distributed.initialize()`, which finds its place by itself under Slurm, on Cloud TPUs and under mpirun, and
    which `nn.launch` calls on one machine.
    """

    def __init__(self, backend: str) -> None:
        self.index, self.count = 0, 1  # which of them this is, and how many there are
        if backend == "jax":
            import jax

            self.index, self.count = jax.process_index(), jax.process_count()

    @property
    def is_first(self) -> bool:
        """Whether this is process 0, which speaks and writes for all."""
        return self.index == 0

    def works_on(self, size: int) -> Array:
        """Which examples of a mini-batch of so many this process works on, bool (size,): its devices' shares, and what is left over."""
        if self.count == 1:
            return np.ones(size, dtype=bool)
        import jax

        own = np.array([device.process_index == self.index for device in jax.devices()])
        shared = np.repeat(own, size // len(own))
        return np.concatenate([shared, np.ones(size - len(shared), dtype=bool)])

    def part(self, size: int) -> slice:
        """Which of so many examples this process measures."""
        return slice(self.index * size // self.count, (self.index + 1) * size // self.count)

    def mean(self, number: float, weight: int) -> float:
        """The mean of a number over all processes, of which each has its weight. All of them must ask."""
        if self.count == 1:
            return number
        numbers, weights = self.each(number * weight), self.each(weight)
        return sum(numbers) / sum(weights)

    def each(self, number: float) -> list[float]:
        """What this number is in each process. All of them must ask."""
        if self.count == 1:
            return [number]
        from jax.experimental import multihost_utils

        halves: Any = np.array([number], np.float64).view(np.int32)  # JAX would make it a float32
        return np.ascontiguousarray(multihost_utils.process_allgather(halves)).view(np.float64)[:, 0].tolist()  # type: ignore[no-any-return]

    def agreed(self, number: float) -> float:
        """What this number, or truth, is in process 0. All of them must ask."""
        return self.each(number)[0]

    def check_the_same(self, number: float) -> None:
        """Raise ValueError, in every process, unless a checksum of the run is the same in all."""
        numbers = self.each(number)
        others = [index for index, each in enumerate(numbers) if each != numbers[0]]
        if others:
            raise ValueError(
                f"process {others[0]} began another run than process 0: the model's parameters, the data and the settings must be the "
                f"same in all processes; is there a seed for everything that is random?"
            )
