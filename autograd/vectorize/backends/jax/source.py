"""Source: the program as the numpy back end writes it, spelled for `jax.numpy`."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.vectorize.backends.numpy.source import SPECIAL, Dialect, Helper
from autograd.vectorize.backends.numpy.source import source as numpy_source
from autograd.vectorize.program import Program, Shape

JAX_NUMPY = Dialect(
    name="jnp",
    imports="import jax.numpy as jnp  # float32, but for those who set JAX_ENABLE_X64",
    helpers=(
        Helper("logsumexp", "from jax.nn import logsumexp\n"),
        *(Helper(name, f"from jax.scipy.special import {name}\n") for name in SPECIAL),
    ),
    columns="jnp.array({})",
    placed="jnp.zeros({shape}).at[..., {columns}].add({part})",
    logsumexp="logsumexp",
)


def source(program: Program, name: str, arguments: Sequence[str], shapes: Sequence[Shape], result: Shape) -> str:
    return numpy_source(program, name, arguments, shapes, result, JAX_NUMPY)
