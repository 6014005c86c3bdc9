"""The contract between programs and back ends: abstract classes with defaults for what a back end may leave out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from autograd.vectorize.instructions import Shape
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program


class Signature(NamedTuple):
    """How a user calls the function that a program computes."""

    name: str
    arguments: Sequence[str]
    shapes: Sequence[Shape]  # of one example of each argument
    result: Shape  # of the results of one example
    notes: Sequence[str] = ()  # for readers of the source


@dataclass(slots=True)
class Steps:
    """Steps of gradient descent to take. All arrays are C-contiguous and have the program's dtype, except where another is named."""

    data: Sequence[FloatArray]  # the arguments, for all examples; their numbers do not change while these array objects exist
    rows: FloatArray | None  # int64 (steps, batch): the examples of each step, all of which exist; None for all in their order
    theta: FloatArray  # (parameters,): updated in place
    memory: Sequence[FloatArray]  # (parameters,) each: updated in place
    settings: FloatArray  # (steps, 2): the learning rate and the number of each step
    limit: float  # a gradient with a larger norm is multiplied by limit / norm; inf for no limit
    frozen: FloatArray  # int64: indices of parameters that do not change; their gradient is 0, also in the norm
    gradient: FloatArray  # (parameters,): receives the gradient of the last step, after the limit
    costs: FloatArray  # float64 (steps,): receives the cost of each step
    norms: FloatArray  # float64 (steps,): receives the norm of each gradient, before the limit
    is_gradient_read: bool = True  # whether the caller reads `gradient`; if not, its numbers may be anything


class Executable(ABC):
    """A program that is ready to run, for batches of any size and from any number of threads."""

    @abstractmethod
    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        """Write the array output of the program to `out` and return its cost.

        All arrays have the program's dtype and are C-contiguous. After the call nothing remains allocated except buffers that the
        next call uses again.

        Parameters
        ----------
        inputs : sequence of arrays, (batch, ...) each
            The arguments.
        theta : array, (parameters,)
            The parameters, the same for all examples.
        weights : array, (batch,), or None
            The weight of each example, for a program that takes weights.
        out : array
            Receives the results, the gradient or the gradients.

        Returns
        -------
        float
            The cost; nan if the program has none.
        """

    def ready(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> Callable[[], float]:
        """Return `run` with these arrays as a function without arguments. The arrays must keep their shapes and their memory."""
        return partial(self.run, inputs, theta, weights, out)


class StepRunner(ABC):
    """A program and an update rule that are ready to take many steps in one call."""

    @abstractmethod
    def run(self, steps: Steps) -> int:
        """Take the steps and return how many were taken: fewer only if a cost or a norm is not finite, which is then the last one."""

    def ready(self, steps: Steps) -> Callable[[], int]:
        """Return `run` with these steps as a function without arguments. The arrays stay the same, and their numbers may change."""
        return partial(self.run, steps)


class Backend(ABC):
    """What runs programs. A back end is a module of `backends` that has an instance of this class, named `backend`.

    `executable` and `source` are required. The other members have defaults that suit a back end without the feature.
    """

    runs_in_threads = False  # whether other threads run while a program does; the parts of a large batch then go to several threads
    adds_in_order = False  # whether sums over a batch add one number after another; float32 batches are then split into parts

    @abstractmethod
    def executable(self, program: Program, dtype: np.dtype[Any]) -> Executable:
        """Make a program ready to run in float64 or float32. Raises ValueError, naming the operation, for what it does not support."""

    @abstractmethod
    def source(self, program: Program, signature: Signature) -> str:
        """Return the program as complete source of a function with this signature. It is the same in every run."""

    def step_runner(self, program: Program, rule: Program, dtype: np.dtype[Any]) -> StepRunner | None:
        """Make whole steps ready to run, or return None if the back end only computes gradients.

        `program` has a cost and a gradient; `rule` is the program of an update rule (see the module `descent`).
        """
        return None

    def function(self, program: Program, signature: Signature) -> Callable[..., Any] | None:
        """Return the program as a pure function of JAX arrays, or None if the back end does not use JAX."""
        return None
