"""Readers of digits: the ones of scikit-learn, and the files of MNIST.

Files are not trusted: the header is checked before memory is allocated.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autograd._support import missing
from nn.inputs import Examples


def load_digits() -> Examples:
    """The 1797 handwritten digits that come with scikit-learn: X (1797, 64), 8 x 8 pixels from 0.0 to 1.0, and y (1797,).

    >>> X, y = load_digits()  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (1797, 64)
    """
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(missing("load_digits", "scikit-learn")) from error
    X, y = datasets.load_digits(return_X_y=True)
    return np.asarray(X, dtype=np.float64) / 16, np.asarray(y, dtype=np.int64)


MOST_IMAGES = 100_000  # MNIST has 60,000 and 10,000; a larger count means a damaged file


def load_mnist(folder: str | os.PathLike[str]) -> tuple[Examples, Examples]:
    """The four IDX files of MNIST, gzip-compressed or not, as `(X, y), (X_test, y_test)`: X (n, 784) from 0.0 to 1.0, y (n,).

    The format is described on http://yann.lecun.com/exdb/mnist. Raises FileNotFoundError for a missing file, and ValueError for an
    invalid file.

    >>> load_mnist("nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: no train-images-idx3-ubyte or ... in nowhere: load_mnist reads the four files of MNIST and does not download them
    """
    return _read_examples(Path(folder), "train"), _read_examples(Path(folder), "t10k")


def _read_examples(folder: Path, part: str) -> Examples:
    images_path, images = _read_idx(folder, f"{part}-images-idx3-ubyte", 0x803, (28, 28))
    labels_path, labels = _read_idx(folder, f"{part}-labels-idx1-ubyte", 0x801, ())
    if len(images) != len(labels):
        raise ValueError(f"{images_path} holds {len(images)} images, but {labels_path} {len(labels)} labels")
    if labels.max() > 9:
        raise ValueError(f"{labels_path} is damaged: label {labels.max()} is not a digit")
    return images.reshape(-1, 784) / 255, labels.astype(np.int64)


def _read_idx(folder: Path, name: str, magic: int, shape: tuple[int, ...]) -> tuple[Path, NDArray[np.uint8]]:
    """Read an IDX file of bytes: magic number, count and shape as big-endian 4-byte integers, then the items."""
    names = [name, name.replace("-idx", ".idx")]  # some archives unpack to a name with a dot
    paths = [folder / f"{each}{suffix}" for each in names for suffix in ("", ".gz")]
    path = next((each for each in paths if each.is_file()), None)
    if path is None:
        raise FileNotFoundError(f"no {name} or {name}.gz in {folder}: load_mnist reads the four files of MNIST and does not download them")
    header = struct.Struct(f">{2 + len(shape)}I")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            start = file.read(header.size)
            if len(start) < header.size:
                raise ValueError(f"{path} is too short for the header of an IDX file")
            found, count, *sides = header.unpack(start)
            if found != magic:
                raise ValueError(f"{path} is not the expected IDX file: it starts with {found:#010x}, not {magic:#010x}")
            if tuple(sides) != shape:
                raise ValueError(f"{path} holds items of {sides[0]} x {sides[1]} bytes, not {shape[0]} x {shape[1]}")
            if not 0 < count <= MOST_IMAGES:
                raise ValueError(f"{path} announces {count} items: load_mnist takes 1 to {MOST_IMAGES}")
            size = count * math.prod(shape)
            content = file.read(size + 1)  # one byte more, to detect a longer file without reading all of it
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is not a complete gzip file: {error}") from error
    if len(content) != size:
        raise ValueError(f"{path} announces {count} items in {size} bytes, but has {'more' if len(content) > size else len(content)}")
    return path, np.frombuffer(content, dtype=np.uint8).reshape(count, *shape)
