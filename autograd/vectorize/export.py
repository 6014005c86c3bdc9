"""Export: a program with the numbers of its parameters as a file, a Python module that needs only numpy, or C."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autograd._support import replacing
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native.emitter import emit
from autograd.vectorize.instructions import BATCH
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program
from autograd.vectorize.source import NUMPY, source

EXAMPLE = """
#ifdef EXAMPLE // cc -O2 -march=native -DEXAMPLE {file} -lm && ./a.out
#include <stdio.h>

int main(void) {{
    static real out[{out}], work[{work}];
    double cost = {name}(1, {arguments}, {theta}, NULL, out, work);
    printf("{first} %.17g %.17g\\n", cost, (double)out[0]);
    return 0;
}}
#endif
"""


def export(
    path: str | os.PathLike[str],
    program: Program,
    signature: Signature,
    theta: FloatArray,
) -> None:
    """Write a program in float64 to a file whose name ends in .py or .c. Raises ValueError for another ending.

    The file defines the function and `parameters`, the numbers in `theta`. The C also has a `main`, compiled with -DEXAMPLE, that calls
    the function for one example of zeros.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".py":
        name = NUMPY.free(signature.name)
        text = f'"""{name}, and its parameters when it was exported: call it with `parameters` for theta."""\n\n'
        text += source(program, signature)
        text += f"\n\nparameters = np.array([\n{_lines(theta, _in_python)}])\n" if len(theta) else ""
    elif suffix == ".c":
        emitted = emit(program, np.dtype(np.float64), signature)
        text = emitted.source
        if len(theta):
            text += f"\n// theta when it was exported\nstatic const double parameters[] = {{\n{_lines(theta, _in_c)}}};\n"
        (output,) = [each for key, each in program.outputs.items() if key != "cost"] or [0]
        sizes = [math.prod(shape) for shape in signature.shapes]
        text += EXAMPLE.format(
            file=Path(path).name,
            out=math.prod(1 if size == BATCH else size for size in program.shape(output)),
            work=emitted.work,
            name=emitted.name,
            arguments=", ".join(f"(real[{max(size, 1)}]){{0}}" for size in sizes),
            theta="parameters" if len(theta) else "NULL",
            first="cost, and the first of the gradient:" if "cost" in program.outputs else "no cost, and the first result:",
        )
    else:
        raise ValueError(f"cannot export to {Path(path).name!r}: the name must end in .py or .c")
    with replacing(path) as file:
        file.write(text.encode())


def _lines(theta: FloatArray, written: Callable[[float], str]) -> str:
    numbers = [written(each) for each in theta.astype(np.float64).tolist()]
    return "".join(f"    {', '.join(numbers[start : start + 6])},\n" for start in range(0, len(numbers), 6))


def _in_python(number: float) -> str:
    return repr(number) if math.isfinite(number) else f"np.{number}" if number != -math.inf else "-np.inf"


def _in_c(number: float) -> str:
    return repr(number) if math.isfinite(number) else "NAN" if math.isnan(number) else "INFINITY" if number > 0 else "-INFINITY"
