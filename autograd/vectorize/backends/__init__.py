"""Back ends: each makes an executable of a Program, and spells it as source that a person can read. A file each, chosen by name.

`reference` says what is right, `numpy` is fast, `native` is C, `jax` is for other devices and many of them. Another one is a module of
this package with the two functions of `Backend`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from autograd.vectorize.instructions import Shape
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program


class Executable(Protocol):
    """A program made ready to run, for batches of any size and from any number of threads.

    One that can run the same arrays again in less time has a method `ready` too, with the parameters of `run`; see `ready` below.
    """

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        """Write the program's array output to `out`, and return its cost, or nan where it has none.

        All arrays are of the program's dtype and C-contiguous. `inputs` are the arguments, (batch, ...) each; `theta` is the vector
        of parameters, which every example has; `weights` is (batch,), for a program that takes weights. Nothing is allocated that
        outlives the call but for buffers kept for the next one.
        """


def ready(
    executable: Executable, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray
) -> Callable[[], float]:
    """A run of these arrays as a call without arguments, to be made again and again; they must lie where they are, in their shapes."""
    make = getattr(executable, "ready", None)
    if make is None:
        return partial(executable.run, inputs, theta, weights, out)
    return make(inputs, theta, weights, out)  # type: ignore[no-any-return]


class Steps(NamedTuple):
    """Steps of gradient descent to take, of one dtype but where another is named; all arrays are C-contiguous."""

    data: Sequence[FloatArray]  # the arguments, for all examples
    rows: FloatArray | None  # int64 (steps, batch): the examples of each step; None for all of them in their order
    theta: FloatArray  # (parameters,): changed in place, as is
    memory: Sequence[FloatArray]  # each of these, (parameters,) too
    settings: FloatArray  # (steps, 2): the rate, and the number of the step
    limit: float  # a gradient whose norm is greater is multiplied by limit / norm; inf for none
    still: FloatArray  # int64: parameters that stay as they are; their gradient is 0, in the norm too
    gradient: FloatArray  # (parameters,): where the last step's gradient goes, as it was gone by
    costs: FloatArray  # float64 (steps,): where each step's cost goes,
    norms: FloatArray  # and the norm of its gradient before the limit


class Descent(Protocol):
    """A program and an update rule made ready to take whole steps, many in one call.

    One that keeps copies of the data has a method `forget(data)`: these arrays may hold other numbers now.
    """

    def run(self, steps: Steps) -> int:
        """Take the steps, and return how many were taken: less only where a cost or a norm was not finite, which the last one shows."""


class Backend(Protocol):
    """What a module of this package has.

    One that can take whole steps by itself has `descent(program, rule, dtype) -> Descent` too, of a program of the mean and its
    gradient, and of an update rule's (see the module `descent`). One whose programs let other threads run has
    `LETS_OTHERS_RUN = True`: the parts of a large batch are given to several. One that adds the numbers of a batch one after the
    other, which loses digits in float32, has `ADDS_IN_ORDER = True`: it gets a large batch in parts. One of JAX's arrays has
    `function`, with the arguments of `source`, which makes the program a pure function of such arrays.
    """

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
