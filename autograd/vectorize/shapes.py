"""Shapes: the shapes and types of the arrays of a program."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from autograd.vectorize.memory import FloatArray

BATCH = -1
Shape = tuple[int, ...]
Columns = tuple[int, int, int]  # start, stop, step


class Dtype(Enum):
    """The entries of an array: numbers of the dtype of the program, or booleans."""

    REAL = "real"
    BOOLEAN = "boolean"


REAL, BOOLEAN = Dtype.REAL, Dtype.BOOLEAN


class Type(NamedTuple):
    """The type of an array."""

    shape: Shape
    dtype: Dtype = REAL

    def __str__(self) -> str:
        return shape_text(self.shape) + (" boolean" if self.dtype is BOOLEAN else "")


def size_text(size: int) -> str:
    return str(size) if size >= 0 else "batch" if size == BATCH else f"{-size}*batch"


def shape_text(shape: Shape) -> str:
    return f"({', '.join(map(size_text, shape))}{',' if len(shape) == 1 else ''})"


def sized(shape: Shape, batch: int) -> tuple[int, ...]:
    """The shape for this number of examples."""
    return tuple([size if size >= 0 else -size * batch for size in shape])


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape by the broadcasting rules of numpy, with BATCH as one more size. Raises ValueError if the shapes do not fit."""
    if shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = []
    for sizes in zip(*padded):
        different = {size for size in sizes if size != 1}
        if len(different) > 1:
            raise ValueError(f"arrays of shapes {', '.join(map(shape_text, shapes))} do not fit together")
        result.append(different.pop() if different else 1)
    return tuple(result)


def placed(place: Columns | FloatArray | None, shape: Shape) -> Shape:
    """The shape of these columns of an array."""
    if place is None:
        return shape
    return (*shape[:-1], len(range(*place)) if isinstance(place, tuple) else len(place))
