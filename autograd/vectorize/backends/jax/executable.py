"""Executable: a program compiled by XLA, for batches of numpy arrays, on the devices of this process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from autograd.vectorize.backend import Executable
from autograd.vectorize.backends.jax import devices
from autograd.vectorize.backends.jax.trace import JaxArray, answer
from autograd.vectorize.instructions import Weights
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program


class JaxExecutable(Executable):
    """A program that XLA compiles at the first run of each batch size.

    A batch is distributed over the devices of this process, and its remainder goes to the first of them. It does not communicate with
    other processes, so that one process can call it alone.
    """

    def __init__(self, program: Program, dtype: np.dtype[Any]) -> None:
        self.program, self.dtype = program, dtype
        self.has_cost, self.is_mean = "cost" in program.outputs, not program.find(Weights)
        self.devices = devices.mesh(jax.local_devices())
        self._on_one = jax.jit(partial(answer, program))
        rows = devices.EVERYWHERE if self.has_cost else devices.BY_EXAMPLE
        self._on_all = jax.jit(devices.on_each(self._answer_of_all, self.devices, (devices.EVERYWHERE, devices.BY_EXAMPLE), rows))

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        arrays, batch = [*inputs, *([] if self.is_mean or weights is None else [weights])], len(inputs[0])
        shared = self._shared(batch)
        with devices.precision(self.dtype):
            if not shared:
                return self._write(np.asarray(self._on_one(theta, arrays)), out)
            parts = [self._on_all(theta, [devices.place(each[:shared], self.devices, devices.BY_EXAMPLE) for each in arrays])]
            if shared < batch:
                parts.append(self._on_one(theta, [each[shared:] for each in arrays]))
            return self._write(self._together([np.asarray(each) for each in parts], shared / batch), out)

    def _shared(self, batch: int) -> int:
        """The number of examples that are distributed: 0 with one device, or if the answer does not depend on the examples."""
        varies = self.has_cost or any(map(self.program.varies, self.program.outputs.values()))
        return devices.shared(self.devices.size, batch) if varies and self.devices.size > 1 else 0

    def _answer_of_all(self, theta: JaxArray, arrays: Sequence[JaxArray]) -> JaxArray:
        own = answer(self.program, theta, arrays)
        if not self.has_cost:
            return own
        return (jax.lax.pmean if self.is_mean else jax.lax.psum)(own, devices.BATCH_AXIS)

    def _together(self, parts: Sequence[FloatArray], shared: float) -> FloatArray:
        """Combine the answers for the distributed examples, whose share of all examples is `shared`, and for the remainder."""
        if not self.has_cost:
            return np.concatenate(parts)
        shares = (shared, 1 - shared) if self.is_mean else (1.0, 1.0)
        return sum((share * part for share, part in zip(shares, parts)), np.zeros_like(parts[0]))

    def _write(self, found: FloatArray, out: FloatArray) -> float:
        if not self.has_cost:
            out[...] = found
            return math.nan
        out[...] = found[1:]
        return float(found[0])
