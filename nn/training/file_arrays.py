"""Inputs larger than memory: arrays in files, such as numpy.memmap or h5py's and zarr's, which are read some rows at a time."""

from __future__ import annotations

import zlib
from typing import Any, Protocol

import numpy as np

from nn._validation import unmasked
from nn.inputs import Array

AT_ONCE = 2**26  # bytes of float64 that may be in memory at a time: what is smaller is read whole


class ArrayInFile(Protocol):
    """What is asked of an array that is not read whole."""

    @property
    def shape(self) -> Any:
        """(examples, inputs)."""

    @property
    def dtype(self) -> Any:
        """Numpy's, of real numbers."""

    def __getitem__(self, rows: slice, /) -> Any:
        """Some rows, as an array in memory."""


class Stored:
    """Inputs, (examples, inputs), of an array that is asked for nothing but `shape`, `dtype` and slices of its rows.

    What is read of it is float64. Raises ValueError, naming the entry, where it is not finite, when it is read.
    """

    def __init__(self, name: str, array: Any, part: slice = slice(None)) -> None:
        self.name, self.array = name, array
        self._first, end, _ = part.indices(int(array.shape[0]))  # of the rows that these are
        self.shape: tuple[int, ...] = (end - self._first, *map(int, array.shape[1:]))
        self.ndim = len(self.shape)
        row = 8 * max(1, int(np.prod(self.shape[1:])))
        self.per_window = max(1, AT_ONCE // row)
        self.per_block = max(1, self.per_window // 16)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | Array) -> Array:
        """Rows by a number, a slice, or numbers in an array, which are read one by one."""
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            return self._read(start, stop)
        if isinstance(rows, np.ndarray):
            return np.concatenate([self._read(row, row + 1) for row in rows.tolist()])
        if not -len(self) <= rows < len(self):  # which is what ends a loop over the rows
            raise IndexError(f"{self.name} has {len(self)} rows, and none is number {rows}")
        return self._read(rows % len(self), rows % len(self) + 1)[0]  # type: ignore[no-any-return]

    def part(self, rows: slice) -> Stored:
        """Some neighbouring rows of all there are, which this reads none of."""
        return Stored(self.name, self.array, rows)

    def _read(self, start: int, stop: int) -> Array:
        start, stop = self._first + start, self._first + stop
        array = np.ascontiguousarray(unmasked(self.name, self.array[start:stop]), dtype=np.float64)
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0].tolist()
            raise ValueError(
                f"{self.name}[{start + row}, {column}] is {array[row, column]}: all of {self.name} must be finite numbers, "
                f"and this is found when it is read"
            )
        return array

    @property
    def fingerprint(self) -> str:
        """The shape, and a checksum of some of the rows: reading all of them might take hours."""
        last = len(self) - 1
        rows = [self[last * place // 15] for place in range(16)]
        return f"{self.shape}, of which 16 rows have checksum {zlib.crc32(np.concatenate(rows).data):08x}"


def stored(name: str, given: Any) -> Stored | None:
    """Inputs that lie in a file and are too large to be read whole, if these are; the shape and dtype are looked at, and no number."""
    is_array = isinstance(given, np.ndarray)
    if is_array != isinstance(given, np.memmap) or not hasattr(given, "__getitem__") or hasattr(given, "__dlpack__") > is_array:
        return None  # an array in memory, of numpy or another library
    shape, dtype = getattr(given, "shape", None), getattr(given, "dtype", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or not isinstance(dtype, np.dtype) or dtype.kind not in "biuf":
        return None
    return Stored(name, given) if 8 * shape[0] * shape[1] > AT_ONCE else None
