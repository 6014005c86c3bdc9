"""Executable: a program compiled by XLA, for batches of the caller's arrays, on the devices of this process."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    """A program that XLA compiles, for each size of batch when it first comes.

    A batch is shared out among the devices of this process, and what is left over goes to the first of them. With other processes
    it does not speak: a call that one of them makes alone comes back.
    """

    def __init__(self, program: Program, dtype: np.dtype[Any]) -> None:
        self.program, self.dtype = program, dtype
        self.has_cost, self.is_mean = "cost" in program.outputs, not program.find(Weights)
        self.devices = devices.mesh(jax.local_devices())
        self._on_one = jax.jit(self._answer)
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
        """How many examples are shared out: none where there is one device, or where the answer does not depend on them."""
        varies = self.has_cost or any(map(self.program.varies, self.program.outputs.values()))
        return devices.shared(self.devices.size, batch) if varies and self.devices.size > 1 else 0

    def _answer(self, theta: JaxArray, arrays: Sequence[JaxArray]) -> JaxArray:
        return answer(self.program, theta, arrays)

    def _answer_of_all(self, theta: JaxArray, arrays: Sequence[JaxArray]) -> JaxArray:
        own = self._answer(theta, arrays)
        if not self.has_cost:
            return own
        return (jax.lax.pmean if self.is_mean else jax.lax.psum)(own, devices.BATCH_AXIS)

    def _together(self, parts: Sequence[FloatArray], shared: float) -> FloatArray:
        """The answer for all examples of that for those that were shared out, this part of all, and that for the others."""
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
