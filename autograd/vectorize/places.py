"""Places: where arrays lie in memory, in entries. `storage` plans them for numpy, the native back end for a block of examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd.vectorize.instructions import BATCH, Shape


def contiguous(shape: Shape) -> tuple[int, ...]:
    """The strides of a C-contiguous array."""
    strides, stride = [], 1
    for size in reversed(shape):
        strides.append(stride)
        stride *= size
    return tuple(reversed(strides))


def fewest_axes(shape: Shape, strides: Sequence[tuple[int, ...]]) -> list[tuple[int, list[int]]]:
    """The fewest axes along which to walk through arrays of one shape, each with its size and the stride of each array."""
    axes: list[tuple[int, list[int]]] = []
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        along = [each[axis] for each in strides]
        if axes and all(before == own * size for before, own in zip(axes[-1][1], along)):
            outer, _ = axes.pop()
            axes.append((outer * size, along))
        else:
            axes.append((size, along))
    return axes


@dataclass(frozen=True)
class Place:
    """Where an array lies: its buffer, the offset of its first entry, its shape and its strides, all in entries.

    The first size of a shape may be BATCH.
    """

    buffer: Any  # names the memory
    offset: int
    shape: Shape
    strides: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.buffer}[{self.offset}:] as {self.shape} by {self.strides}"

    @classmethod
    def whole(cls, buffer: Any, shape: Shape) -> Place:
        """A contiguous array at the beginning of a buffer."""
        return cls(buffer, 0, shape, contiguous(shape))

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        return self.strides == contiguous(self.shape) or self.size == 0

    def moved(self, offset: int = 0, shape: Shape | None = None, strides: tuple[int, ...] | None = None) -> Place:
        """A place in the same buffer, `offset` entries further on, with this shape and these strides if given."""
        shape = self.shape if shape is None else shape
        return replace(self, offset=self.offset + offset, shape=shape, strides=self.strides if strides is None else strides)

    def columns(self, start: int, stop: int, step: int = 1) -> Place:
        """The columns start:stop:step of the last axis."""
        length = len(range(start, stop, step))
        *rest, stride = self.strides
        return self.moved(start * stride, (*self.shape[:-1], length), (*rest, stride * step if length > 1 else 1))

    def transposed(self) -> Place:
        """A matrix, or matrices along the first axes, with rows and columns exchanged."""
        return self.moved(shape=(*self.shape[:-2], *self.shape[:-3:-1]), strides=(*self.strides[:-2], *self.strides[:-3:-1]))

    def reshaped(self, shape: Shape) -> Place | None:
        """The same entries in another shape, or None if no view can do this. A batch axis stays the first."""
        if BATCH in self.shape:
            if self.shape.index(BATCH) or shape.index(BATCH):
                return None
            rest = self.moved(shape=self.shape[1:], strides=self.strides[1:]).reshaped(shape[1:])
            return rest and self.moved(shape=shape, strides=(self.strides[0], *rest.strides))
        if self.is_contiguous:
            return self.moved(shape=shape, strides=contiguous(shape))
        extent = 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides))
        array = np.ndarray(self.shape, np.int8, np.empty(extent, np.int8), 0, self.strides)
        view = array.reshape(shape)
        return self.moved(shape=shape, strides=view.strides) if self.size <= 1 or np.may_share_memory(view, array) else None

    def flat(self) -> Place:
        """All entries in one row. Raises ValueError if they do not lie that way."""
        flat = self.reshaped((self.size,))
        if flat is None:
            raise ValueError(f"no view of {self} is flat")
        return flat

    def broadcast(self, shape: Shape) -> tuple[int, ...]:
        """The strides with which the array fills a larger shape."""
        missing = len(shape) - len(self.shape)
        strides = [0 if size == 1 != whole else stride for size, stride, whole in zip(self.shape, self.strides, shape[missing:])]
        return (*[0] * missing, *strides)


def in_step(places: Sequence[Place]) -> list[Place]:
    """The arrays of an elementwise operation, the result last, with as few axes as possible: numpy is fastest on arrays of one shape."""
    *_, result = places
    axes = fewest_axes(result.shape, [each.broadcast(result.shape) for each in places])
    found = []
    for number, place in enumerate(places):
        strides = tuple([along[number] for _, along in axes])
        sizes = tuple([size if stride else 1 for (size, _), stride in zip(axes, strides)])
        found.append(place.moved(shape=sizes if any(strides) else (), strides=strides if any(strides) else ()))
    return found
