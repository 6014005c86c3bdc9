"""The JAX back end: a program is traced with JAX arrays and compiled by XLA, for one or many processors, GPUs or TPUs.

`trace` does what the instructions say with JAX's arrays, `grids` what they say of pairs of rows, `devices` says where a batch goes,
`executable` runs a program for arrays of the caller's, and `steps` takes whole steps of training, many in a call.

JAX is an optional package, imported by this one alone. float64 is computed within JAX's scoped switch: nobody's configuration is
changed. On processors XLA takes numbers below 2.2e-308 for 0, those that it makes of constants too: x / 1e308 is x times 1e-308 to it.
"""

from __future__ import annotations

from autograd._support import missing

try:
    import jax  # noqa: F401
except ImportError as error:
    raise ImportError(missing('backend="jax"', "jax") + "; for NVIDIA GPUs the extra `jax-cuda`") from error

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.vectorize.backend import Backend, Signature
from autograd.vectorize.backends.jax.executable import JaxExecutable
from autograd.vectorize.backends.jax.steps import JaxSteps
from autograd.vectorize.backends.jax.trace import function
from autograd.vectorize.program import Program
from autograd.vectorize.source import JAX_NUMPY, source
from autograd.vectorize.tape import is_narrow

__all__ = ["JaxBackend", "backend"]

LENGTH = 4000  # instructions: XLA takes minutes to compile longer narrow programs, and the time grows as the square of the length
KEPT = 8  # compiled steps
WIDTH = 4.0  # the largest average number of numbers that an instruction of a narrow program computes


class JaxBackend(Backend):
    """Traces programs into JAX, which compiles them. The last compiled steps are kept: training calls often have the same program."""

    def __init__(self) -> None:
        self.steps: deque[JaxSteps] = deque(maxlen=KEPT)

    def executable(self, program: Program, dtype: np.dtype[Any]) -> JaxExecutable:
        _check(program)
        return JaxExecutable(program, dtype)

    def source(self, program: Program, signature: Signature) -> str:
        """Return the program as the numpy back end writes it, spelled for `jax.numpy`."""
        return source(program, signature, JAX_NUMPY)

    def step_runner(self, program: Program, rule: Program, dtype: np.dtype[Any]) -> JaxSteps:
        _check(program)
        rule.check()
        for known in list(self.steps):
            if known.dtype == dtype and known.program.is_same(program) and known.rule.is_same(rule):
                return known
        made = JaxSteps(program, rule, dtype)
        self.steps.append(made)
        return made

    def function(self, program: Program, signature: Signature) -> Callable[..., Any]:
        _check(program)
        return function(program, signature)


def _check(program: Program) -> None:
    """Raise ValueError for a program that is not valid, or that XLA would take many minutes and gigabytes to compile."""
    program.check()
    if is_narrow(program, LENGTH, WIDTH):
        raise ValueError(
            f"the program has {len(program):,} instructions, most of them on a few numbers: XLA would take many minutes and gigabytes "
            f'to compile it. Write vectorize(f, backend="native") or vectorize(f), which run such programs operation by operation'
        )


backend = JaxBackend()
