"""Problems: the examples of a configuration, as inputs of the network and as points in the plane."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from nn import Preprocessing, blobs, circles, digits, load_csv, moons, one_hot, read_csv, spirals, split, waves, xor
from nn.data import Array, Labels
from playground.configuration import CLASSES, COLUMNS, FEATURES, ROLES, ROWS, Configuration
from playground.messages import RefusedError

NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)
TOYS: dict[str, Callable[..., tuple[Array, npt.NDArray[Any]]]] = {
    "moons": moons, "circles": circles, "xor": xor, "spirals": spirals, "blobs": blobs, "waves": waves,
}  # fmt: skip
SIDE = 1.5  # of the plane that is painted in, from the middle


@dataclass(frozen=True, eq=False)
class Part:
    """Examples: inputs X (n, inputs), class labels or targets y (n,), positions in the plane, at (n, 2), and the rows of a table."""

    X: Array
    y: npt.NDArray[Any]
    at: Array
    raw: tuple[list[Any], ...] = ()

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Plane:
    """The part of the plane that is drawn, and the names of its axes."""

    x: tuple[float, float]
    y: tuple[float, float]
    axes: tuple[str, str]

    def cells(self, side: int) -> Array:
        """The middles of side * side cells, (cells, 2), the top row first."""
        middles = (np.arange(side) + 0.5) / side
        across, down = self.x[0] + (self.x[1] - self.x[0]) * middles, self.y[1] - (self.y[1] - self.y[0]) * middles
        return np.column_stack([np.tile(across, side), np.repeat(down, side)])


@dataclass(frozen=True, eq=False)
class Problem:
    """The examples, and how to show them."""

    training: Part
    held_out: Part
    inputs: list[str]
    classes: list[str]  # none if the targets are numbers
    plane: Plane | None
    because: str  # how the first line of a CSV text was read
    features: tuple[str, ...] | None  # computed from the two coordinates; None if the data have inputs of their own
    columns: Columns | None = None  # of a CSV text
    preprocessing: Preprocessing | None = None  # of the rows of a CSV text

    @property
    def size(self) -> int:
        """The number of bytes that the inputs take."""
        return self.training.X.nbytes + self.held_out.X.nbytes

    @property
    def outputs(self) -> int:
        return 1 if len(self.classes) <= 2 else len(self.classes)

    def targets(self, y: npt.NDArray[Any], cost: str) -> npt.NDArray[Any]:
        """The targets of a cost for class labels: -1 and 1, 0 and 1, the labels, or one-hot rows. Numbers stay as they are."""
        if not self.classes:
            return y
        if self.outputs == 1:
            return y if cost == "cross_entropy" else 2 * y - 1
        return one_hot(y, self.outputs) if cost == "squared_error" else y

    def inputs_at(self, points: Array) -> Array:
        """The inputs of the network for points of the plane, (points, 2): shape (points, inputs)."""
        if self.features is not None:
            return computed(self.features, points)
        return np.hstack([points, np.tile(self.training.X[:, 2:].mean(axis=0), (len(points), 1))])


def computed(features: tuple[str, ...], points: Array) -> Array:
    """The features of points, (points, 2): shape (points, features)."""
    x1, x2 = points.T
    return np.column_stack([eval(FEATURES[name], {"np": np}, {"x1": x1, "x2": x2}) for name in features])


def predicted(outputs: Array) -> Labels:
    """The predicted class of each row of outputs, (examples, outputs): of one output its sign, of several the largest."""
    return outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).astype(np.int64)


def make(configuration: Configuration) -> Problem:
    """The problem of a configuration. Raises RefusedError if its data are invalid."""
    data, seed = configuration.data, configuration.seed
    if data["name"] == "csv":
        return _from_csv(configuration)
    if data["name"] == "digits":
        return _digits(data["n"], configuration.held_out, seed)
    X, y = points(data, seed)
    training, held_out = _parts(configuration.held_out, seed, X, y)
    features = configuration.features
    training, held_out = (Part(computed(features, part.at), part.y, part.at) for part in (training, held_out))
    classes = 0 if data["name"] == "waves" else data.get("classes") or max(2, int(y.max(initial=0)) + 1)
    plane = _around(X, ("x1", "x2"), painted=data["name"] == "points")
    return Problem(training, held_out, list(features), [str(label) for label in range(classes)], plane, "", features)


@lru_cache(2)
def _digits(n: int, held_out: float, seed: int) -> Problem:
    """The digits, which take long to draw and much memory. Networks with the same data share them."""
    names = [f"pixel {row},{column}" for row in range(28) for column in range(28)]
    return Problem(*_parts(held_out, seed, *digits(n, seed=seed)), names, [str(digit) for digit in range(10)], None, "", ())


def points(data: Mapping[str, Any], seed: int) -> tuple[Array, npt.NDArray[Any]]:
    """The points of a toy problem, or the painted points."""
    if data["name"] == "points":
        return np.array(data["X"], dtype=np.float64).reshape(-1, 2), np.array(data["y"], dtype=np.int64)
    more = {"classes": data["classes"]} if CLASSES[data["name"]] not in ((2, 2), (0, 0)) else {}
    return TOYS[data["name"]](data["n"], noise=data["noise"], seed=seed, **more)


def _from_csv(configuration: Configuration) -> Problem:
    data = configuration.data
    text, field = str(data["text"]), "configuration.data.text"
    if text.count("\n") > ROWS + 1 or text.count("\r") > ROWS + 1:
        raise RefusedError(f"the text has {max(text.count(each) for each in chr(10) + chr(13)):,} lines; the limit is {ROWS:,} rows", field)
    longest = max(map(len, text.splitlines()), default=0)
    if longest > 100 * COLUMNS:
        raise RefusedError(f"a line of the text has {longest:,} characters; the limit is {100 * COLUMNS:,}", field)
    try:
        columns = columns_of(data)
        table = load_csv(io.StringIO(text), **columns.arguments())  # it refuses words in columns of numbers
        rows, _ = read_csv(io.StringIO(text), **columns.arguments(raw=True))
        numbers = np.arange(len(table.y))[:, None]  # of the rows
        training, held_out = _parts(configuration.held_out, configuration.seed, numbers, table.y)
        preprocessing = _preprocessing(rows, columns, training.X[:, 0])
    except ValueError as error:
        raise RefusedError(_in_the_page(str(error)), field) from None
    if not 2 <= preprocessing.width <= COLUMNS:
        count = f"{preprocessing.width} column{'' if preprocessing.width == 1 else 's'}"
        raise RefusedError(f"the text has {count} besides the target; use 2 to {COLUMNS}", field)
    found, y = np.unique(table.y, return_inverse=True)
    most = CLASSES["csv"][1]
    if not 2 <= len(found) <= most:
        raise RefusedError(f"the target has {len(found)} different values; use 2 to {most} classes", field)
    classes = table.classes or [f"{each:g}" for each in found.tolist()]
    X, raw = preprocessing.transform(rows), _raw(rows, preprocessing)
    training, held_out = (
        Part(X[those], y[those], X[those, :2], tuple(raw[row] for row in those)) for those in (training.X[:, 0], held_out.X[:, 0])
    )
    names = [_from_one(each) for each in preprocessing.features]
    axes = (names[0], names[1])
    because = f"The first line was read as {'column names' if columns.header else 'an example'}."
    if len(names) > 2:
        because += f" The plane shows {axes[0]} and {axes[1]}, with the other {len(names) - 2} at their mean."
    plane = _around(np.vstack([training.at, held_out.at]), axes, painted=False)
    return Problem(training, held_out, names, classes, plane, because, None, columns, preprocessing)


def _preprocessing(rows: Mapping[str, npt.NDArray[Any]], columns: Columns, training: npt.NDArray[Any]) -> Preprocessing:
    """The words of all rows, and the means and standard deviations of the training rows."""
    roles = [role for role in columns.roles if role in ("number", "category")]
    categorical = [name for (name, each), role in zip(rows.items(), roles) if role == "category" and each.dtype != object]
    whole, own = Preprocessing(categorical=categorical).fit(rows), Preprocessing(categorical=categorical)
    own.fit({name: each[training] for name, each in rows.items()})
    own.columns = [column._replace(words=same.words) for column, same in zip(own.columns, whole.columns)]
    return own


def _raw(rows: Mapping[str, npt.NDArray[Any]], preprocessing: Preprocessing) -> list[list[Any]]:
    """The rows as lists, with words for categories."""
    X, columns = preprocessing.transform(rows), []
    for column in preprocessing.columns:
        block, X = np.hsplit(X, [len(column.features)])
        columns.append(rows[column.name].tolist() if column.words is None else [column.words[k] for k in block.argmax(axis=1)])
    return [list(row) for row in zip(*columns)]


@dataclass(frozen=True)
class Columns:
    """How a CSV text is read: the character between cells, whether there is a header, and the name and the role of each column."""

    delimiter: str
    header: bool
    names: tuple[str, ...]
    roles: tuple[str, ...]

    def described(self) -> list[dict[str, str]]:
        """The columns in a reply."""
        return [{"name": name, "role": role} for name, role in zip(self.names, self.roles)]

    def arguments(self, raw: bool = False) -> dict[str, Any]:
        """The arguments of `load_csv`, or of `read_csv` for raw columns; those with default values are left out."""
        having = {role: [index for index, each in enumerate(self.roles) if each == role] for role in ROLES}
        target = having["target"][0]
        given = {"target": -1 if target == len(self.roles) - 1 else target, "delimiter": self.delimiter, "header": self.header}
        given |= {"categorical": having["category"], "drop": having["leave out"]}
        defaults = {"target": -1, "delimiter": ",", "header": True, "categorical": [], "drop": []}
        return {name: each for name, each in given.items() if each != defaults[name] and not (raw and name == "categorical")}


def columns_of(data: Mapping[str, Any]) -> Columns:
    """How the CSV text of a configuration is read. Tabs, semicolons and commas are recognised, and columns with words are categories.

    Raises ValueError for an unknown target and for roles of another number of columns.
    """
    text, target = str(data["text"]).lstrip("\ufeff"), data["target"]
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max("\t;,", key=lambda each: len(next(csv.reader([head], delimiter=each), [])))
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    except csv.Error:
        rows = []  # `load_csv` reports it
    if not rows:
        return Columns(delimiter, True, (), ("target",))
    header = target is not None or not any(NUMBER.fullmatch(cell) for cell in rows[0])
    names = tuple(each.strip() if header and each.strip() else f"column {index}" for index, each in enumerate(rows[0], 1))
    chosen = data.get("columns") or [None] * len(names)
    if len(chosen) != len(names):
        raise ValueError(f"the text has {len(names)} columns, and there are {len(chosen)} choices for columns")
    if "target" in chosen:
        place = chosen.index("target")
    elif target is None:
        place = len(names) - 1
    elif names.count(target) == 1:
        place = names.index(target)
    else:
        raise ValueError(f"the text has no single column {target!r:.60}; it has the columns {', '.join(names)[:200]}")

    def role(index: int) -> str:
        cells = [row[index].strip() for row in rows[header:] if index < len(row)]
        is_number = sum(bool(NUMBER.fullmatch(cell)) for cell in cells) >= 0.5 * len(cells)
        return "target" if index == place else chosen[index] or ("number" if is_number else "category")

    return Columns(delimiter, header, names, tuple(map(role, range(len(names)))))


def _from_one(name: str) -> str:
    """The name of a column, counted from 1 as lines are."""
    return re.sub(r"^column (\d+)(?==|$)", lambda found: f"column {int(found[1]) + 1}", name)


def _in_the_page(problem: str) -> str:
    """An error of `load_csv` in the words of the page."""
    problem = re.sub(r"'column (\d+)'", lambda found: f"'column {int(found[1]) + 1}'", problem.replace("the open file", "the text"))
    problem = re.sub(r": for words, categorical=.*", ": choose category for this column, or leave it out", problem)
    problem = re.sub(r": drop=\S+ leaves the column out", ": leave the column out", problem)
    problem = re.sub(r" in the file, or drop one by position: .*", ", or leave one out", problem)
    return re.sub(r": is the delimiter .*", "", problem)


def _parts(held_out: float, seed: int, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[Part, Part]:
    """The training examples and the test examples; there may be no test examples."""
    nothing = Part(X[:0], y[:0], X[:0, :2])
    if not 0 < round(held_out * len(X)) < len(X):
        return Part(X, y, X[:, :2]), nothing
    (X, y), (X_held_out, y_held_out) = split(X, y, test=held_out, seed=seed)
    return Part(X, y, X[:, :2]), Part(X_held_out, y_held_out, X_held_out[:, :2])


def _around(points: Array, axes: tuple[str, str], painted: bool) -> Plane:
    """A square that contains all points, with a margin; for painted points a square that stays the same as long as they fit."""
    if painted:
        half = max(SIDE, float(np.abs(points).max(initial=0.0)))
        return Plane((-half, half), (-half, half), axes)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, 1.15 * float((high - low).max()) / 2 or 1.0
    (left, bottom), (right, top) = (middle - half).tolist(), (middle + half).tolist()
    return Plane((left, right), (bottom, top), axes)
