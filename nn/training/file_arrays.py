"""Inputs larger than memory: arrays in files, such as numpy.memmap and the arrays of h5py and zarr, read in slices of rows."""

from __future__ import annotations

import zlib
from typing import Any, Protocol

import numpy as np

from nn.frames import unmasked
from nn.inputs import Array

MAX_BYTES = 2**26  # of float64 in memory at a time; smaller arrays are read completely


class ArrayInFile(Protocol):
    """The interface of an array in a file."""

    @property
    def shape(self) -> Any:
        """(examples, inputs)."""

    @property
    def dtype(self) -> Any:
        """A NumPy dtype of real numbers."""

    def __getitem__(self, rows: slice, /) -> Any:
        """Read a slice of rows as an array in memory."""


class FileArray:
    """Inputs of shape (examples, inputs) in a file, read as float64.

    Only the rows in `part`, which are neighbours, are used. Raises ValueError, naming the entry, when it reads a number that is not finite.
    """

    def __init__(self, name: str, array: Any, part: slice = slice(None)) -> None:
        self.name, self.array = name, array
        self._first, end, _ = part.indices(int(array.shape[0]))
        self.shape: tuple[int, ...] = (end - self._first, *map(int, array.shape[1:]))
        self.ndim = len(self.shape)
        row = 8 * max(1, int(np.prod(self.shape[1:])))
        self.rows_per_window = max(1, MAX_BYTES // row)
        self.rows_per_block = max(1, self.rows_per_window // 16)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | Array) -> Array:
        """Read the row with a number, a slice of rows, or the rows in an array of numbers, one by one."""
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            return self._read(start, stop)
        if isinstance(rows, np.ndarray):
            return np.concatenate([self._read(row, row + 1) for row in rows.tolist()])
        if not -len(self) <= rows < len(self):  # ends a loop over the rows
            raise IndexError(f"{self.name} has {len(self)} rows, so there is no row {rows}")
        return self._read(rows % len(self), rows % len(self) + 1)[0]  # type: ignore[no-any-return]

    def part(self, rows: slice) -> FileArray:
        """Return a slice of neighbouring rows without reading it."""
        return FileArray(self.name, self.array, rows)

    def _read(self, start: int, stop: int) -> Array:
        start, stop = self._first + start, self._first + stop
        array = np.ascontiguousarray(unmasked(self.name, self.array[start:stop]), dtype=np.float64)
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0].tolist()
            raise ValueError(
                f"{self.name}[{start + row}, {column}] is {array[row, column]}: all numbers in {self.name} must be finite "
                f"(an array in a file is checked when it is read)"
            )
        return array

    @property
    def fingerprint(self) -> str:
        """The shape and a checksum of 16 rows. Reading all rows may take hours."""
        last = len(self) - 1
        rows = [self[last * index // 15] for index in range(16)]
        return f"{self.shape} with checksum {zlib.crc32(np.concatenate(rows).data):08x} of 16 rows"


def file_array(name: str, given: Any) -> FileArray | None:
    """Return inputs as a FileArray if they are in a file and larger than `MAX_BYTES`; otherwise None. Reads no numbers."""
    is_array = isinstance(given, np.ndarray)
    if is_array != isinstance(given, np.memmap) or not hasattr(given, "__getitem__") or hasattr(given, "__dlpack__") > is_array:
        return None  # an array in memory, of NumPy or another library
    shape, dtype = getattr(given, "shape", None), getattr(given, "dtype", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or not isinstance(dtype, np.dtype) or dtype.kind not in "biuf":
        return None
    return FileArray(name, given) if 8 * shape[0] * shape[1] > MAX_BYTES else None


def rows_of(X: Array | FileArray, rows: slice) -> Any:
    """Return a slice of neighbouring rows; rows in a file are not read yet."""
    return X.part(rows) if isinstance(X, FileArray) else X[rows]
