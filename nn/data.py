"""Data to learn from: toy problems, drawn digits, readers of files, and cutting into mini-batches.

Inputs `X` are float64 arrays of shape (n, features); labels `y` are int64 arrays of shape (n,), counted from 0.
Whatever is random takes a seed: an int, or a `numpy.random.Generator` to draw on.
"""

from __future__ import annotations

import csv
import gzip
import math
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Seed = int | np.random.Generator
Examples = tuple[Array, Labels]


# Toy problems in the plane: X (n, 2), y (n,). The classes take turns, so that they differ by at most one in size.


def xor(n: int = 4, noise: float = 0.0, seed: Seed = 0) -> Examples:
    """Exclusive or: the four corners of the unit square in turn, class 1 where the coordinates differ."""
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    X, y = np.resize(corners, (_count(n), 2)), np.resize([0, 1, 1, 0], n)
    return _jitter(X, noise, seed), y.astype(np.int64)


def moons(n: int = 100, noise: float = 0.1, seed: Seed = 0) -> Examples:
    """Two half circles of radius 1 that reach into each other; class 1 is the lower one."""
    y = _labels(n, 2)
    angle = np.pi * _spread(y, 2)
    X = np.where(y[:, None] == 0, _polar(1.0, angle), [1.0, 0.5] - _polar(1.0, angle))
    return _jitter(X, noise, seed), y


def circles(n: int = 100, noise: float = 0.1, seed: Seed = 0) -> Examples:
    """A circle of radius 1, class 0, around one of radius 0.5, class 1."""
    y = _labels(n, 2)
    return _jitter(_polar(np.where(y == 0, 1.0, 0.5), 2 * np.pi * _spread(y, 2)), noise, seed), y


def spirals(n: int = 100, classes: int = 2, noise: float = 0.03, seed: Seed = 0, turns: float = 1.0) -> Examples:
    """One arm a class, each winding `turns` times around the origin from radius 0.1 to 1."""
    y = _labels(n, classes)
    along = _spread(y, classes)
    return _jitter(_polar(0.1 + 0.9 * along, 2 * np.pi * (turns * along + y / classes)), noise, seed), y


def blobs(n: int = 100, classes: int = 3, noise: float = 0.3, seed: Seed = 0) -> Examples:
    """One normal cloud a class, with standard deviation `noise`, around centres spread evenly on the unit circle."""
    y = _labels(n, classes)
    return _jitter(_polar(1.0, 2 * np.pi * y / classes), noise, seed), y


def _count(n: int) -> int:
    if n < 1:
        raise ValueError(f"a data set needs at least one example, got n={n}")
    return n


def _labels(n: int, classes: int) -> Labels:
    if classes < 1:
        raise ValueError(f"a data set needs at least one class, got classes={classes}")
    return np.arange(_count(n), dtype=np.int64) % classes


def _spread(y: Labels, classes: int) -> Array:
    """From 0 to 1 along each class, in even steps."""
    steps = np.arange(len(y)) // classes
    return steps / max(int(steps[-1]), 1)


def _polar(radius: ArrayLike, angle: Array) -> Array:
    X: Array = np.asarray(radius)[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return X


def _jitter(X: Array, noise: float, seed: Seed) -> Array:
    return X + np.random.default_rng(seed).normal(0.0, noise, X.shape)


# Cutting and scaling.


def one_hot(y: ArrayLike, classes: int | None = None) -> Array:
    """Labels (n,) as rows (n, classes) that hold 1.0 at the label and 0.0 elsewhere.

    Without `classes` the largest label is the last class. Raises ValueError for a label that is not
    a whole number from 0 to classes - 1.
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or labels.dtype.kind not in "biuf":
        raise ValueError(f"labels are a one-dimensional array of whole numbers, got shape {labels.shape} of {labels.dtype}")
    limit = math.inf if classes is None else classes
    wrong = np.flatnonzero(~((labels >= 0) & (labels < limit) & (labels == np.floor(labels))))
    if wrong.size:
        span = "from 0 up" if classes is None else f"from 0 to {classes - 1}"
        raise ValueError(f"label {labels[wrong[0]]} at row {wrong[0]} is not a whole number {span}")
    if classes is None:
        classes = int(labels.max(initial=-1)) + 1
    hot: Array = np.equal(labels[:, None], np.arange(classes)).astype(np.float64)
    return hot


def split(X: ArrayLike, y: ArrayLike, test: float = 0.2, seed: Seed = 0) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Shuffle and cut into `(X, y), (X_test, y_test)`, with the fraction `test` of the rows in the second.

    Raises ValueError where either part would be empty or the lengths differ.
    """
    X, y = _same_length(X, y)
    held_out = round(test * len(X))
    if not 0 < held_out < len(X):
        raise ValueError(f"test={test} of {len(X)} rows leaves one part empty: use a fraction between 0 and 1, and more rows")
    order = np.random.default_rng(seed).permutation(len(X))
    return (X[order[held_out:]], y[order[held_out:]]), (X[order[:held_out]], y[order[:held_out]])


def minibatches(X: ArrayLike, y: ArrayLike, batch_size: int | None = None, seed: Seed = 0) -> Iterator[tuple[Any, Any]]:
    """One epoch: every row once, in random order, `batch_size` at a time (all at once for None).

    The last mini-batch holds what is left over. A `Generator` as the seed gives each epoch an order of its own.
    """
    X, y = _same_length(X, y)
    size = len(X) if batch_size is None else batch_size
    if size < 1:
        raise ValueError(f"a mini-batch needs at least one example, got {size}")
    order = np.random.default_rng(seed).permutation(len(X))
    return ((X[rows], y[rows]) for rows in (order[start : start + size] for start in range(0, len(X), size)))


def standardize(X: ArrayLike, like: ArrayLike | None = None) -> Array:
    """Each column shifted and scaled to mean 0 and standard deviation 1, as measured on `like` (default: `X`).

    Held-out rows take the training rows' measure: `standardize(X_test, like=X)`. A constant column becomes 0.
    """
    X = np.asarray(X, dtype=np.float64)
    reference = X if like is None else np.asarray(like, dtype=np.float64)
    if X.ndim != 2 or reference.ndim != 2 or X.shape[1] != reference.shape[1] or not len(reference):
        raise ValueError(f"standardize takes rows of equal width, got shape {X.shape} to measure like {reference.shape}")
    if not np.isfinite(reference).all():
        raise ValueError("standardize cannot measure NaN or infinite values: remove or fill them first")
    constant = np.ptp(reference, axis=0) == 0  # exactly: rounding can leave a constant column a deviation of 1e-17
    scaled: Array = (X - reference.mean(axis=0)) / np.where(constant, np.inf, reference.std(axis=0))
    return scaled


def _same_length(X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    X, y = np.asarray(X), np.asarray(y)
    if not X.ndim or not y.ndim or len(X) != len(y):
        raise ValueError(f"X and y need one row for each example, got shapes {X.shape} and {y.shape}")
    if not len(X):
        raise ValueError("no examples: X and y are empty")
    return X, y


# Drawn digits. A glyph is a few strokes in a square from -1 to 1, y upward. Its distance field is looked up at warped
# pixel positions: the pen's width, its blur and any smooth deformation then cost one lookup a pixel.

Point = tuple[float, float]


def _arc(x: float, y: float, width: float, height: float, start: float, end: float) -> list[Point]:
    """Points along an ellipse around (x, y); the angles are in degrees, anticlockwise from the right."""
    angles = np.radians(np.linspace(start, end, 2 + int(abs(end - start) / 20)))
    return [(x + width * math.cos(a), y + height * math.sin(a)) for a in angles]


# fmt: off
GLYPHS: dict[int, list[list[list[Point]]]] = {  # digit -> ways to write it -> strokes -> points
    0: [[_arc(0, 0, 0.6, 1, 0, 360)],
        [_arc(0, 0, 0.45, 1, 0, 360)]],
    1: [[[(0, 1), (0, -1)]],
        [[(-0.35, 0.6), (0, 1), (0, -1)]],
        [[(-0.35, 0.6), (0, 1), (0, -1)], [(-0.4, -1), (0.4, -1)]]],
    2: [[[*_arc(0, 0.45, 0.6, 0.55, 160, -40), (-0.6, -1), (0.65, -1)]],
        [[*_arc(0, 0.5, 0.55, 0.5, 150, -60), *_arc(-0.35, -0.8, 0.22, 0.2, 90, 300), (0.65, -0.95)]]],
    3: [[_arc(-0.05, 0.5, 0.55, 0.5, 150, -90) + _arc(-0.05, -0.5, 0.65, 0.5, 90, -150)],
        [[(-0.55, 1), (0.5, 1), (-0.05, 0.2), *_arc(-0.05, -0.4, 0.6, 0.6, 70, -150)]]],
    4: [[[(0.3, -1), (0.3, 1), (-0.65, -0.35), (0.7, -0.35)]],
        [[(-0.5, 1), (-0.6, 0), (0.5, 0)], [(0.5, 0.9), (0.4, -1)]]],
    5: [[[(0.55, 1), (-0.45, 1), (-0.5, 0.15), *_arc(-0.05, -0.35, 0.62, 0.62, 120, -150)]],
        [[(0.6, 0.95), (-0.35, 0.95), (-0.45, 0.1), *_arc(-0.1, -0.45, 0.55, 0.55, 110, -130)]]],
    6: [[_arc(0.5, -0.35, 1.05, 1.35, 95, 180) + _arc(0, -0.45, 0.55, 0.55, 180, -180)],
        [[(0.2, 1), *_arc(0, -0.4, 0.5, 0.6, 160, -200)]]],
    7: [[[(-0.6, 1), (0.6, 1), (-0.15, -1)]],
        [[(-0.6, 1), (0.6, 1), (-0.1, -1)], [(-0.3, 0), (0.55, 0)]],
        [[(-0.6, 0.7), (-0.55, 1), (0.55, 1), *_arc(0.75, -1, 0.8, 1.3, 120, 180)]]],
    8: [[_arc(0, 0.5, 0.48, 0.5, -90, 270) + _arc(0, -0.5, 0.58, 0.5, 90, 450)],
        [[*_arc(0, 0.52, 0.45, 0.48, 20, 220), *_arc(0, -0.5, 0.55, 0.5, 60, -240), (0.42, 0.7)]]],
    9: [[_arc(0, 0.45, 0.55, 0.55, 0, 360) + [(0.5, -1)]],
        [_arc(0, 0.45, 0.55, 0.55, 0, 360) + _arc(-0.45, 0.35, 1.0, 1.35, 0, -95)]],
}
# fmt: on

FIELD, REACH = 97, 1.6  # a distance field is sampled at 97 x 97 points, from -1.6 to 1.6 both ways


@cache
def _distance_fields() -> tuple[Array, Labels]:
    """For every glyph the distance from each grid point to the nearest stroke, (glyphs, 97, 97), and the glyph's digit."""
    axis = np.linspace(-REACH, REACH, FIELD)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    fields = []
    for strokes in (way for ways in GLYPHS.values() for way in ways):
        starts = np.array([point for stroke in strokes for point in stroke[:-1]])
        along = np.array([point for stroke in strokes for point in stroke[1:]]) - starts
        offset = grid[:, :, None] - starts
        nearest = np.clip((offset * along).sum(-1) / (along**2).sum(-1).clip(1e-12), 0, 1)
        fields.append(np.linalg.norm(offset - nearest[..., None] * along, axis=-1).min(-1))
    return np.array(fields), np.array([digit for digit, ways in GLYPHS.items() for _ in ways], dtype=np.int64)


def digits(n: int, seed: Seed = 0) -> Examples:
    """Handwriting by numpy: `n` digits as X (n, 784), 28 x 28 pixels from 0.0 (paper) to 1.0 (ink), and y (n,).

    Each is a glyph of its digit, stretched, turned, slanted, bent and shifted at random, drawn with a pen of
    random width and blur on speckled paper. Another seed gives other digits: there is no end of them.
    """
    rng = np.random.default_rng(seed)
    y = rng.permutation(_labels(n, 10))
    X = np.empty((n, 784))
    for start in range(0, n, 500):  # 500 at a time, so that the temporary arrays stay in the processor's cache
        X[start : start + 500] = _draw_digits(y[start : start + 500], rng)
    return X, y


def _draw_digits(y: Labels, rng: np.random.Generator) -> Array:
    fields, digit_of = _distance_fields()
    ways = np.array([len(GLYPHS[digit]) for digit in range(10)])
    glyph = np.searchsorted(digit_of, y) + (rng.random(len(y)) * ways[y]).astype(np.int64)

    def random(low: float, high: float) -> Array:
        return rng.uniform(low, high, (len(y), 1))

    row, column = np.divmod(np.arange(784), 28)
    x, up = (column - 13.5 - random(-2.5, 2.5)) / 9.5, (13.5 - row - random(-2.5, 2.5)) / 9.5
    angle, slant = random(-0.25, 0.25), random(-0.15, 0.35)
    x, up = x * np.cos(angle) + up * np.sin(angle), up * np.cos(angle) - x * np.sin(angle)
    x, up = x * random(0.95, 1.5) - slant * up, up * random(0.95, 1.3)
    bend, lean = (random(0, 0.12) * np.sin(random(1, 3) * across + random(0, 6.3)) for across in (up, x))
    x, up = x + bend, up + lean

    distance = _look_up(fields.reshape(-1), glyph[:, None], x, up)
    ink = np.clip(0.5 + (random(0.08, 0.2) - distance) / random(0.1, 0.3), 0, 1) * random(0.75, 1)
    return np.clip(ink + random(0, 0.15) * rng.standard_normal(ink.shape), 0, 1)


def _look_up(fields: Array, glyph: Labels, x: Array, up: Array) -> Array:
    """The fields at positions between their grid points, by bilinear interpolation; beyond the edge, the edge."""
    scale = (FIELD - 1) / (2 * REACH)
    x, up = (np.clip((each + REACH) * scale, 0, FIELD - 1.001) for each in (x, up))
    column, row = x.astype(np.int64), up.astype(np.int64)
    at = (glyph * FIELD + row) * FIELD + column
    x, up = x - column, up - row
    below = fields[at] * (1 - x) + fields[at + 1] * x
    above = fields[at + FIELD] * (1 - x) + fields[at + FIELD + 1] * x
    looked_up: Array = below * (1 - up) + above * up
    return looked_up


# Readers. A file is untrusted: its length is held against what its header promises before anything of that size is allocated.


def load_digits() -> Examples:
    """The 1797 handwritten digits that come with scikit-learn: X (1797, 64), 8 x 8 pixels from 0.0 to 1.0, and y (1797,)."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError("load_digits needs scikit-learn, from the extra `demos`: pip install -e '.[demos]'") from error
    X, y = datasets.load_digits(return_X_y=True)
    return np.asarray(X, dtype=np.float64) / 16, np.asarray(y, dtype=np.int64)


MOST_IMAGES = 100_000  # MNIST has 60,000 and 10,000; a forged count above this is not believed


def load_mnist(folder: str | os.PathLike[str]) -> tuple[Examples, Examples]:
    """MNIST's four IDX files, gzipped or not, as `(X, y), (X_test, y_test)`: X (n, 784) from 0.0 to 1.0, y (n,).

    The format is on http://yann.lecun.com/exdb/mnist. Raises FileNotFoundError for a missing file and ValueError,
    naming the file, for one that is not what it should be.
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
    """An IDX file of bytes: the magic number, the count and the shape, big-endian, four bytes each; then the items."""
    names = [name, name.replace("-idx", ".idx")]  # some archives unpack to a name with a dot
    paths = [folder / f"{each}{suffix}" for each in names for suffix in ("", ".gz")]
    path = next((each for each in paths if each.is_file()), None)
    if path is None:
        raise FileNotFoundError(f"no {name} or {name}.gz in {folder}: load_mnist reads MNIST's four files, and downloads nothing")
    header = struct.Struct(f">{2 + len(shape)}I")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            start = file.read(header.size)
            if len(start) < header.size:
                raise ValueError(f"{path} is too short for the header of an IDX file")
            found, count, *sides = header.unpack(start)
            if found != magic:
                raise ValueError(f"{path} is not the IDX file it should be: it starts with {found:#010x}, not {magic:#010x}")
            if tuple(sides) != shape:
                raise ValueError(f"{path} holds items of {sides[0]} x {sides[1]} bytes, not {shape[0]} x {shape[1]}")
            if not 0 < count <= MOST_IMAGES:
                raise ValueError(f"{path} claims {count} items: load_mnist takes 1 to {MOST_IMAGES}")
            size = count * math.prod(shape)
            content = file.read(size + 1)  # one more than promised, to notice a longer file without reading it all
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is not a whole gzip file: {error}") from error
    if len(content) != size:
        raise ValueError(f"{path} promises {count} items in {size} bytes, but holds {'more' if len(content) > size else len(content)}")
    return path, np.frombuffer(content, dtype=np.uint8).reshape(count, *shape)


MISSING = {"", "?", "na", "n/a", "nan", "null", "none"}


class Table(NamedTuple):
    """What `load_csv` read."""

    X: Array  # (n, features)
    y: NDArray[Any]  # (n,): int64 for classes and whole numbers, else float64
    features: list[str]  # the names of X's columns
    classes: list[str]  # the names of the labels, where the target was in words; else empty


def load_csv(path: str | os.PathLike[str], target: str | int = -1, delimiter: str = ",") -> Table:
    """A CSV file in UTF-8 as `X, y, features, classes`, with the column `target`, a name or a position, as y.

    The first line is a header where `target` is a name, or where it has a feature that is not a number. A target
    in words becomes labels 0, 1, ... in alphabetical order. Raises ValueError, naming the lines, for missing
    values, for features that are not finite numbers, and for rows of unequal length.
    """
    lines, rows = _read_rows(path, delimiter)
    width = len(rows[0])
    for line, row in zip(lines, rows, strict=True):
        if len(row) != width:
            raise ValueError(f"{path}, line {line}: {len(row)} cells, but the first line has {width}")
    if isinstance(target, str):
        if rows[0].count(target) != 1:
            raise ValueError(f"{path} has no single column {target!r}: its first line has {', '.join(map(repr, rows[0]))[:200]}")
        column = rows[0].index(target)
    elif -width <= target < width:
        column = target % width
    else:
        raise ValueError(f"{path} has no column {target}: it has {width}")
    if width < 2:
        raise ValueError(f"{path} has one column only, nothing to predict the target from: is the delimiter {delimiter!r}?")
    inputs = [index for index in range(width) if index != column]
    has_header = isinstance(target, str) or any(_number(rows[0][index]) is None and not _is_missing(rows[0][index]) for index in inputs)
    names = rows[0] if has_header else [f"column {index}" for index in range(width)]
    lines, rows = lines[has_header:], rows[has_header:]
    if not rows:
        raise ValueError(f"{path} has no rows below its header")

    for index, name in enumerate(names):
        missing = [line for line, row in zip(lines, rows, strict=True) if _is_missing(row[index])]
        if missing:
            raise ValueError(f"{path}: no value for {name!r} on {_listed(missing)}: fill it in or remove the lines")
    X = np.array([[_feature(path, line, names[index], row[index]) for index in inputs] for line, row in zip(lines, rows, strict=True)])
    y, classes = _targets([row[column] for row in rows])
    return Table(X, y, [names[index] for index in inputs], classes)


def _read_rows(path: str | os.PathLike[str], delimiter: str) -> tuple[list[int], list[list[str]]]:
    """The line number and the cells of every row that is not blank."""
    lines, rows = [], []
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                if row:
                    lines.append(reader.line_num)
                    rows.append([cell.strip() for cell in row])
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV file in UTF-8: {error}") from error
    if not rows:
        raise ValueError(f"{path} is empty")
    return lines, rows


def _is_missing(cell: str) -> bool:
    return cell.lower() in MISSING


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _feature(path: object, line: int, name: str, cell: str) -> float:
    number = _number(cell)
    if number is None or not math.isfinite(number):
        raise ValueError(f"{path}, line {line}: {name!r} is {cell[:60]!r}, not a finite number")
    return number


def _targets(cells: Sequence[str]) -> tuple[NDArray[Any], list[str]]:
    numbers = [_number(cell) for cell in cells]
    finite = [number for number in numbers if number is not None and math.isfinite(number)]
    if len(finite) < len(cells):
        classes = sorted(set(cells))
        position = {name: index for index, name in enumerate(classes)}
        return np.array([position[cell] for cell in cells], dtype=np.int64), classes
    whole = all(number.is_integer() and abs(number) < 2**53 for number in finite)
    return np.array(finite, dtype=np.int64 if whole else np.float64), []


def _listed(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:8]))
    return f"line{'s' * (len(lines) > 1)} {shown}" + (f" and {len(lines) - 8} more" if len(lines) > 8 else "")
