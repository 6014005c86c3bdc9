"""Back ends: each makes an executable of a Program, and spells it as source that a person can read. A file each, chosen by name.

`reference` says what is right, `numpy` is fast, `native` is C, `jax` is for other devices and many of them. Another one is a module of
this package with the two functions of `Backend`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np

from autograd.vectorize.program import FloatArray, Program, Shape


class Executable(Protocol):
    """A program made ready to run, for batches of any size and from any number of threads."""

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        """Write the program's array output to `out`, and return its cost, or nan where it has none.

        All arrays are of the program's dtype and C-contiguous. `inputs` are the arguments, (batch, ...) each; `theta` is the vector
        of parameters, which every example has; `weights` is (batch,), for a program that takes weights. Nothing is allocated that
        outlives the call but for buffers kept for the next one.
        """


class Backend(Protocol):
    """What a module of this package has."""

    def executable(self, program: Program, dtype: np.dtype[Any]) -> Executable:
        """Make a checked program ready to run in float64 or float32. Raises ValueError, naming the row, for what it cannot do."""

    def source(self, program: Program, name: str, arguments: Sequence[str], shapes: Sequence[Shape], result: Shape) -> str:
        """The program as complete source of a function `name`, the same at every run.

        `shapes` are those of one example of each argument, and `result` that of one example's results.
        """


@functools.cache
def names() -> tuple[str, ...]:
    """The back ends there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def named(name: str) -> Backend:
    """The back end of this name. Raises ValueError where there is none, and ImportError where it needs a package that is missing."""
    if name not in names():
        raise ValueError(f"backend={name!r:.60} must be one of {', '.join(map(repr, names()))}")
    return cast(Backend, importlib.import_module(f"{__name__}.{name}"))
