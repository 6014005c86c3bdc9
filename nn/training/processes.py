"""Processes that train one model together, on one machine or several, and what they must agree on.

All processes run the same script. They must take the same number of steps, or some would wait forever. So process 0 decides, and sends
its decisions to the others.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from nn.inputs import Array


class Processes:
    """The processes of a back end. Only "jax" has more than one.

    They are those of `jax.distributed.initialize()`, which needs no arguments under Slurm, on Cloud TPUs and under mpirun. On one
    machine `nn.launch` calls it.
    """

    def __init__(self, backend: str) -> None:
        self.index, self.count = 0, 1  # of this process, from 0, and the number of processes
        if backend == "jax":
            import jax

            self.index, self.count = jax.process_index(), jax.process_count()

    @property
    def is_first(self) -> bool:
        """Whether this is process 0, which prints and writes files for all."""
        return self.index == 0

    def works_on(self, size: int) -> Array:
        """Return a bool for each example of a mini-batch: True for the shares of this process's devices, and for the rest."""
        if self.count == 1:
            return np.ones(size, dtype=bool)
        import jax

        own = np.array([device.process_index == self.index for device in jax.devices()])
        shared = np.repeat(own, size // len(own))
        return np.concatenate([shared, np.ones(size - len(shared), dtype=bool)])

    def part(self, size: int) -> slice:
        """Return which of `size` examples this process measures."""
        return slice(self.index * size // self.count, (self.index + 1) * size // self.count)

    def mean(self, number: float, weight: float) -> float:
        """Return the weighted mean of a number over all processes. All of them must call this."""
        if self.count == 1:
            return number
        numbers, weights = self.each(number * weight), self.each(weight)
        return sum(numbers) / sum(weights)

    def each(self, number: float) -> list[float]:
        """Return the number of each process. All of them must call this."""
        if self.count == 1:
            return [number]
        from jax.experimental import multihost_utils

        halves: Any = np.array([number], np.float64).view(np.int32)  # JAX would convert it to float32
        return np.ascontiguousarray(multihost_utils.process_allgather(halves)).view(np.float64)[:, 0].tolist()  # type: ignore[no-any-return]

    def agreed(self, number: float) -> float:
        """Return the number, or bool, of process 0. All of them must call this."""
        return self.each(number)[0]

    def check_the_same(self, run: str) -> None:
        """Raise ValueError, in every process, unless the description of the run is the same in all."""
        numbers = self.each(zlib.crc32(run.encode()))
        others = [index for index, each in enumerate(numbers) if each != numbers[0]]
        if others:
            raise ValueError(
                f"process {others[0]} started a different run than process 0: the model's parameters, the data and the settings must be "
                f"the same in all processes; is every source of randomness seeded?"
            )
