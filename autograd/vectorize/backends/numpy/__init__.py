"""The numpy back end: a list of numpy calls on buffers that are planned once for each batch size.

`storage` (beside this package) decides where each array lies, `calls` which functions are called on it, and `plans` runs the calls.
The source that is shown has the same operations on the same arrays, apart from the buffers. A mean of squares runs as one product.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.vectorize.backend import Backend, Signature
from autograd.vectorize.backends.numpy.plans import Plans
from autograd.vectorize.backends.numpy.squares import with_squares_as_products
from autograd.vectorize.program import Program
from autograd.vectorize.source import source

__all__ = ["NumpyBackend", "backend"]


class NumpyBackend(Backend):
    """Runs programs as numpy calls."""

    adds_in_order = True

    def executable(self, program: Program, dtype: np.dtype[Any], over: Mapping[str, int] | None = None) -> Plans:
        """See `Backend.executable`. `over` maps outputs to the arguments that they overwrite, as in an update, instead of `out`."""
        program = with_squares_as_products(program)
        program.check()
        return Plans(program, dtype, over)

    def source(self, program: Program, signature: Signature) -> str:
        return source(program, signature)


backend = NumpyBackend()
