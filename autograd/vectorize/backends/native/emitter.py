"""Emitter: a program as C, one function with a loop over the examples.

In most programs the loop goes over blocks of examples, which lie beside each other, so that a register holds one number of several
examples (`examples`). Programs with long arrays, such as a GPT, are computed one example after another, and a register holds several
columns (`columns`). The results of an example do not depend on its batch: the sizes of the arrays decide which of the two it is.

Sums over the examples (the cost, the gradients of shared parameters) are added up in the loop. Arrays that do not depend on the example
are computed before the loop, and those that depend on the sums after it. Views cost nothing: an array is a name, an offset and strides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native.arrays import BLOCK
from autograd.vectorize.backends.native.columns import Columns
from autograd.vectorize.backends.native.descend import descend
from autograd.vectorize.backends.native.examples import Examples
from autograd.vectorize.backends.native.identifiers import identifier
from autograd.vectorize.backends.native.mathematics import INCLUDES, definitions
from autograd.vectorize.backends.native.operations import Operations
from autograd.vectorize.backends.native.rule import Rule
from autograd.vectorize.backends.native.schedule import AFTER, BEFORE, WITHIN
from autograd.vectorize.program import Program

_MACROS = f"""
#define BLOCK {BLOCK}
#define ALWAYS static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
"""
_LOOPS, _TABLES, _COLUMNS, _DESCENT = (
    Path(__file__).with_name(f"{name}.h").read_text() for name in ("loops", "tables", "columns", "descent")
)
_USED = ("splat", "fused", *re.findall(r"\bv_(\w+)", f"{_LOOPS} {_COLUMNS}"))  # in the loops


# Columns are the lanes if an example has at least LARGE numbers, and its arrays at least LONG on average. A block of 32 such examples does
# not fit into the cache of a core.
LARGE, LONG = 4096, 16


class Emitted(NamedTuple):
    """C source, and the entries of working memory that its function needs."""

    source: str
    work: int
    name: str  # of the function


def beginning(functions: Iterable[str], dtype: np.dtype[Any], has_columns: bool) -> str:
    """The beginning of a C file: the functions that its programs use, and the loops, with those over columns if they need them."""
    loops = "\n".join([_LOOPS, _TABLES, *([_COLUMNS] if has_columns else [])])
    return f"{INCLUDES}#include <string.h>\n{_MACROS}{definitions({*functions, *_USED}, dtype)}\n{loops}"


def emit(program: Program, dtype: np.dtype[Any], signature: Signature) -> Emitted:
    """Return the program as C. Raises ValueError, naming the operation, for what cannot be written in C."""
    return _emitted(_operations(program, signature), dtype, signature.name)


def emit_descent(program: Program, rule: Program, dtype: np.dtype[Any], signature: Signature) -> Emitted:
    """Return a C function `descend` that takes steps of gradient descent; see `Steps` for its arguments.

    Without a limit and frozen parameters, those whose gradient is a product with many columns of an argument are updated as soon as
    it is in registers.
    """
    return _emitted(_operations(program, signature, Rule(rule)), dtype, signature.name)


def has_long_arrays(program: Program) -> bool:
    """Whether columns are the lanes: the arrays of an example are long, and those of a block of examples would be large."""
    arrays = [number for number, each in enumerate(program.instructions) if program.varies(number) and not each.is_view]
    return sum(abs(math.prod(program.shape(number))) for number in arrays) >= max(LARGE, LONG * len(arrays))


def _operations(program: Program, signature: Signature, rule: Rule | None = None) -> Operations:
    return (Columns if has_long_arrays(program) else Examples)(program, signature, rule)


def _emitted(made: Operations, dtype: np.dtype[Any], name: str) -> Emitted:
    return Emitted(_text(made, dtype, name), max(made.work, 1), identifier(name))


def _text(made: Operations, dtype: np.dtype[Any], name: str) -> str:
    pairs = list(zip(made.arguments, made.argument_shapes))
    size = made.program.parameter_count
    described = ", ".join(f"{each} {ir.shape_text((ir.BATCH, *shape))}" for each, shape in pairs)
    layout = [f"// theta ({size},): {_layout(made)}"] if size else []
    header = [f"// {name}: of {described}; {made.what} lie in work", *layout]
    given = ", ".join(f"const real *{each}" for each in made.arguments)
    pointers = f"long batch, {given}, const real *theta, const real *weights, real *restrict out, real *restrict work"
    body, begin = [f"    {line}" for line in _body(made, pairs)], beginning(made.functions, dtype, isinstance(made, Columns))
    if made.rule is None:
        return "\n".join([begin, "", *header, f"double {identifier(name)}({pointers}) {{", *body, "}", ""])
    function = [*header, f"static double {name}({pointers}, struct step *step) {{", *body, "}"]
    steps = descend(made.rule, made.argument_shapes, size, made.work, made.last if made.moves_early else [])
    return "\n".join([begin, made.rule.text(), _DESCENT, "", *function, "", steps, ""])


def _body(made: Operations, arguments: Sequence[tuple[str, ir.Shape]]) -> list[str]:
    """The lines of the function: what is computed before the loop over the examples, within it and after it."""
    rows = [f"const real *const {each}_rows = {each} + start * {math.prod(shape)};" for each, shape in arguments]
    if made.is_weighted:
        rows.append("const real *const weights_rows = weights + start;")
    if made.output >= 0 and made.program.varies(made.output):
        rows.append(f"real *const out_rows = out + start * {math.prod(made.program.shape(made.output)[1:])};")
    return [
        *made.tables,
        *(["double cost = 0;"] if made.has_cost else []),
        *made.memory,
        *made.lines[BEFORE],
        f"for (long start = 0; start < batch; {made.step}) {{",
        *(f"    {line}" for line in [*made.counted, *rows, *made.lines[WITHIN]]),
        "}",
        *made.lines[AFTER],
        f"return {'cost' if made.has_cost else '0'};",
    ]


def _layout(made: Operations) -> str:
    """The names of the pieces of the parameter vector, with their offsets and shapes."""
    found = []
    for number, name in made.names.items():
        place = made.places[number]
        if place is not None and place.buffer.name == "theta":
            found.append(f"{name} from {place.offset} {ir.shape_text(place.shape)}")
    return ", ".join(found)
