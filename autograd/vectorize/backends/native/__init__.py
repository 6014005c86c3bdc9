"""The native back end: programs as C, compiled by the C compiler of the machine, for batches of any size.

`emitter` writes the C, from the functions in `rows.h` and the loops in `loops.h`; `compiler` compiles it once and keeps it in a cache;
`executable` calls it. Long narrow programs run as a tape, read by the `interpreter`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.vectorize.backend import Backend, Executable, Signature
from autograd.vectorize.backends.native.emitter import emit, emit_descent, has_long_arrays
from autograd.vectorize.backends.native.executable import NativeExecutable, NativeSteps
from autograd.vectorize.backends.native.interpreter import LENGTH, TapeExecutable, listing
from autograd.vectorize.instructions import Input
from autograd.vectorize.program import Program
from autograd.vectorize.tape import is_narrow

__all__ = ["NativeBackend", "backend"]


class NativeBackend(Backend):
    """Compiles programs as C."""

    runs_in_threads = True
    adds_in_order = True

    def executable(self, program: Program, dtype: np.dtype[Any]) -> Executable:
        program.check()
        if is_narrow(program, LENGTH):
            return TapeExecutable(program, dtype)
        signature = _signature("run", program)
        return NativeExecutable(emit(program, dtype, signature), len(signature.shapes))

    def step_runner(self, program: Program, rule: Program, dtype: np.dtype[Any]) -> NativeSteps | None:
        program.check()
        if is_narrow(program, LENGTH):
            return None
        rule.check()
        if dtype == np.float32 and has_long_arrays(program):
            return None  # its sums add one example after another, which is precise enough for the parts of a batch only
        signature = _signature("mean", program)
        emitted = emit_descent(program, rule, dtype, signature)
        return NativeSteps(emitted, len(signature.shapes) + 2 + len(rule.result_vectors()))

    def source(self, program: Program, signature: Signature) -> str:
        """Return what runs, with the names of the user's function and its arguments: the C, in float64, or the tape of a narrow program."""
        if is_narrow(program, LENGTH):
            return listing(program, signature)
        notes = "".join(f"// {each}\n" for each in signature.notes)
        return notes + emit(program, np.dtype(np.float64), signature).source


def _signature(name: str, program: Program) -> Signature:
    """The arguments as (batch, columns) arrays x0, x1, ..."""
    sizes = {each.argument: each.shape[1] for each in program.instructions if isinstance(each, Input)}
    return Signature(name, [f"x{number}" for number in range(len(sizes))], [(sizes[number],) for number in range(len(sizes))], ())


backend = NativeBackend()
