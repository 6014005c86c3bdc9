"""Mathematics: the operations in C, on as many numbers at once as a register holds. The text is in the `.h` files of this folder.

`float64.h` or `float32.h` has what depends on the kind of number, `vectors.h` the vectors, and `rows.h` a function `v_<name>` for each
row that has one; sums, products and signs are C's own operators, and the others are functions of math.h, called lane by lane. A program
takes only the definitions that it uses, each after those that it uses in turn, so that its source is complete and short.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from autograd import ops
from autograd.vectorize.program import ROWS

OPERATORS = (ops.add, ops.subtract, ops.multiply, ops.divide, ops.negative)  # of C
INCLUDES = "#include <math.h>\n#include <stdint.h>\n"
_FUNCTION = re.compile(r"^static inline \w+ \*?(\w+)\(", re.MULTILINE)
_CONSTANT = re.compile(r"(\w+) =")
_WORD = re.compile(r"\w+")


def definitions(rows: Iterable[str], dtype: np.dtype[Any]) -> str:
    """C text that defines `real`, `vec`, `LANES`, and `v_exp` and the like for these names (`exp`), in float64 or float32.

    A name may also be that of a helper (`splat`, `fused`). The text stands behind INCLUDES. Raises ValueError, naming it, for a row
    that has no function.
    """
    parts = _parts(np.dtype(dtype).name)
    places = {name: number for number, (names, _) in enumerate(parts) for name in names}
    wanted = {number for number, (names, _) in enumerate(parts) if not names}
    for name in rows:
        place = places.get(f"v_{name}", places.get(name))
        if place is None:
            raise ValueError(f"the operation {name} cannot be written in C")
        wanted.add(place)
    for number in range(len(parts) - 1, -1, -1):
        if number in wanted:
            wanted.update(places[word] for word in _WORD.findall(_code(parts[number][1])) if word in places)
    text = ""
    for number, (_, part) in enumerate(parts):
        if number in wanted:
            text += part if _is_constant(part) and _is_constant(text.rpartition("\n\n")[2]) else f"\n{part}"
    return text


def names() -> list[str]:
    """The names of the operations that have a function, and powers, which is power by one constant."""
    return sorted(name[2:] for defined, _ in _parts("float64") for name in defined if name.startswith("v_"))


@functools.cache
def _parts(kind: str) -> list[tuple[tuple[str, ...], str]]:
    """The definitions in order, each with the names that it defines. Those without a name are always included."""
    numbers, vectors, rows = (Path(__file__).with_name(f"{name}.h").read_text() for name in (kind, "vectors", "rows"))
    types, *constants = _split(numbers)
    parts = [types, *_split(vectors), *constants, *_split(rows)]
    unary = sorted(op.name for op in ROWS if op.arity == 1 and not op.variadic and op not in OPERATORS)
    parts += [_lane_by_lane(name) for name in unary if f" v_{name}(" not in rows]
    return [(tuple((_CONSTANT if _is_constant(part) else _FUNCTION).findall(_code(part))), part) for part in parts]


def _lane_by_lane(name: str) -> str:
    """A function of math.h for each lane of a vector."""
    loop = f"    for (int i = 0; i < LANES; i++)\n        x[i] = LIBM({name})(x[i]);\n"
    return f"static inline vec v_{name}(vec x) {{\n{loop}    return x;\n}}\n"


def _split(text: str) -> list[str]:
    """Split text at empty lines and between constants."""
    parts = []
    for block in text.split("\n\n"):
        lines = f"{block.strip()}\n"
        parts += lines.splitlines(keepends=True) if _is_constant(lines) else [lines]
    return parts


def _is_constant(text: str) -> bool:
    return text.startswith("static const")


def _code(text: str) -> str:
    return re.sub(r"//.*", "", text)
