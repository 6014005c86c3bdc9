"""The JAX back end: a program is traced into JAX's arrays and compiled by XLA, for processors, GPUs and TPUs, one or many.

`trace` does what the instructions say with JAX's arrays, `devices` says where a batch goes, `executable` runs a program for arrays of
the caller's, `descent` takes whole steps of training that never leave the devices, and `source` writes the program on `jax.numpy`.

JAX is an optional package, imported by this one alone. float64 is computed within JAX's scoped switch: nobody's configuration is
changed. On processors XLA takes numbers below 2.2e-308 for 0, those that it makes of constants too: x / 1e308 is x times 1e-308 to it.
"""

from __future__ import annotations

from autograd._support import missing

try:
    import jax  # noqa: F401
except ImportError as error:
    raise ImportError(missing('backend="jax"', "jax") + "; for NVIDIA GPUs the extra `jax-cuda`") from error

from autograd.vectorize.backends.jax.descent import descent
from autograd.vectorize.backends.jax.executable import executable
from autograd.vectorize.backends.jax.source import source
from autograd.vectorize.backends.jax.trace import function

__all__ = ["descent", "executable", "function", "source"]
