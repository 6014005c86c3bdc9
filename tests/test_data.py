"""The toy problems, the drawn digits, cutting into parts, and the readers, which meet files that lie."""

import gzip
import math
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nn.data import (
    Examples,
    blobs,
    circles,
    digits,
    load_csv,
    load_digits,
    load_mnist,
    minibatches,
    moons,
    one_hot,
    spirals,
    split,
    standardize,
    xor,
)

T = TypeVar("T")
TOYS: list[Callable[..., Examples]] = [xor, moons, circles, spirals, blobs]
fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# Toy problems


@pytest.mark.parametrize("make", [*TOYS, digits])
def test_a_data_set_has_float64_rows_int64_labels_and_balanced_classes(make: Callable[..., Examples]) -> None:
    X, y = make(61, seed=3)
    assert (str(X.dtype), str(y.dtype), len(X), y.shape) == ("float64", "int64", 61, (61,))
    assert X.shape[1] == (784 if make is digits else 2)
    sizes = np.bincount(y)
    assert sizes.max() - sizes.min() <= 1 + (make is xor)  # of four corners in turn, one may be left over


@pytest.mark.parametrize("make", [moons, circles, spirals, blobs, digits])
def test_the_seed_decides_and_a_generator_goes_on(make: Callable[..., Examples]) -> None:
    assert np.array_equal(make(30, seed=1)[0], make(30, seed=1)[0])
    assert not np.array_equal(make(30, seed=1)[0], make(30, seed=2)[0])
    rng = np.random.default_rng(1)
    first, second = make(30, seed=rng)[0], make(30, seed=rng)[0]
    assert np.array_equal(first, make(30, seed=1)[0])
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("make", [*TOYS, digits])
def test_a_data_set_without_examples_is_refused(make: Callable[..., Examples]) -> None:
    with pytest.raises(ValueError, match="at least one example, got n=0"):
        make(0)


def test_a_data_set_without_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one class, got classes=0"):
        blobs(10, classes=0)


def test_xor_is_its_truth_table() -> None:
    X, y = xor()
    assert [(*row, label) for row, label in zip(X.tolist(), y.tolist())] == [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]


def test_shapes_without_noise_lie_on_their_curves() -> None:
    X, y = circles(40, noise=0)
    assert np.allclose(np.linalg.norm(X, axis=1), np.where(y == 0, 1, 0.5))
    X, y = moons(40, noise=0)
    assert np.allclose(np.linalg.norm(X - np.where(y[:, None] == 0, [0, 0], [1, 0.5]), axis=1), 1)
    assert (X[y == 0, 1] >= -1e-12).all()
    assert (X[y == 1, 1] <= 0.5 + 1e-12).all()
    X, y = spirals(90, classes=3, noise=0)
    radius = np.linalg.norm(X, axis=1)
    assert (radius.min(), radius.max()) == (pytest.approx(0.1), pytest.approx(1))
    assert np.allclose(X, radius[:, None] * np.stack([f(2 * np.pi * ((radius - 0.1) / 0.9 + y / 3)) for f in (np.cos, np.sin)], 1))
    X, y = blobs(6, classes=3, noise=0)
    assert np.allclose(X[y == 1], [math.cos(2 * math.pi / 3), math.sin(2 * math.pi / 3)])


# Drawn digits


def test_drawn_digits_are_ink_on_paper_with_a_margin() -> None:
    X, y = digits(1000, seed=5)
    assert X.min() == 0
    assert 0.9 < X.max() <= 1
    assert np.bincount(y).tolist() == [100] * 10
    assert not np.array_equal(y, np.arange(1000) % 10), "the labels must come in random order"
    images = X.reshape(-1, 28, 28)
    ink = images.mean()
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1).mean()
    assert 0.08 < ink < 0.25
    assert border < 0.06


def test_drawn_digits_can_be_told_apart_but_not_at_a_glance() -> None:
    X, y = digits(6000, seed=0)
    held_out, truth = digits(1000, seed=1)
    design = np.c_[X, np.ones(len(X))]
    weights = np.linalg.lstsq(design.T @ design + 10 * np.eye(785), design.T @ one_hot(y), rcond=None)[0]
    right = float(np.mean((np.c_[held_out, np.ones(1000)] @ weights).argmax(axis=1) == truth))
    assert 0.65 < right < 0.85  # the share of a linear classifier: neither noise nor too easy for a network


# Cutting and scaling


def test_one_hot_has_a_row_for_each_label() -> None:
    assert one_hot([2, 0]).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert one_hot(np.array([1.0]), classes=4).tolist() == [[0, 1, 0, 0]]
    assert one_hot([], classes=3).shape == (0, 3)
    assert one_hot([1]).dtype == np.float64


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ([0, 3], 3, "label 3 at row 1 is not a whole number from 0 to 2"),
        ([0, -1], None, "label -1 at row 1 is not a whole number from 0 up"),
        ([0.5], 2, "label 0.5 at row 0"),
        ([math.nan], None, "label nan at row 0"),
        ([math.inf], None, "label inf at row 0"),
        (["a"], None, "labels are a one-dimensional array of whole numbers, got shape \\(1,\\)"),
        ([[0, 1]], None, "got shape \\(1, 2\\)"),
    ],
)
def test_one_hot_names_the_label_that_is_none(labels: Any, classes: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        one_hot(labels, classes)


def test_split_keeps_rows_and_labels_together_and_loses_none() -> None:
    X = np.arange(20.0).reshape(10, 2)
    (A, a), (B, b) = split(X, X[:, 0], test=0.3, seed=4)
    assert (len(A), len(B)) == (7, 3)
    assert np.array_equal(A[:, 0], a)
    assert np.array_equal(B[:, 0], b)
    assert sorted([*a, *b]) == X[:, 0].tolist()
    assert not np.array_equal(b, split(X, X[:, 0], test=0.3, seed=5)[1][1])


@pytest.mark.parametrize(
    ("rows", "labels", "test", "message"),
    [
        (10, 9, 0.2, "one row for each example, got shapes \\(10, 2\\) and \\(9,\\)"),
        (0, 0, 0.2, "no examples: X and y are empty"),
        (10, 10, 0.0, "test=0.0 of 10 rows leaves one part empty"),
        (10, 10, 1.0, "leaves one part empty"),
        (2, 2, 0.2, "test=0.2 of 2 rows"),
    ],
)
def test_split_refuses_parts_that_would_be_empty(rows: int, labels: int, test: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(np.zeros((rows, 2)), np.zeros(labels), test)


@given(n=st.integers(1, 40), size=st.integers(1, 45), seed=st.integers(0, 9))
def test_minibatches_hold_every_row_once(n: int, size: int, seed: int) -> None:
    batches = list(minibatches(np.arange(n)[:, None], -np.arange(n), size, seed))
    assert all(len(x) == size for x, _ in batches[:-1])
    assert len(batches) == math.ceil(n / size)
    assert all(np.array_equal(x[:, 0], -y) for x, y in batches)
    assert sorted(-y for _, batch in batches for y in batch) == list(range(n))


def test_minibatches_come_in_an_order_of_their_own_each_epoch() -> None:
    rng = np.random.default_rng(0)
    rows = np.arange(50)
    first, second = (np.concatenate([x for x, _ in minibatches(rows, rows, 10, rng)]) for _ in range(2))
    assert not np.array_equal(first, second)
    ((whole, _),) = minibatches(rows, rows)
    assert len(whole) == 50


def test_minibatches_refuse_at_once_what_they_cannot_cut() -> None:
    with pytest.raises(ValueError, match="a mini-batch needs at least one example, got 0"):
        minibatches([1], [1], 0)
    with pytest.raises(ValueError, match="got shapes \\(2,\\) and \\(1,\\)"):
        minibatches([1, 2], [1])


def test_standardize_measures_the_training_rows_for_the_others() -> None:
    X = np.random.default_rng(0).normal(5, 3, (200, 4))
    X[:, 2] = 0.1  # its mean is not exactly 0.1
    scaled = standardize(X)
    assert np.allclose(scaled.mean(axis=0), 0)
    assert np.allclose(scaled.std(axis=0), [1, 1, 0, 1])
    held_out = X[:5] + 1
    assert np.allclose(standardize(held_out, like=X)[:, 0], (held_out[:, 0] - X[:, 0].mean()) / X[:, 0].std())
    assert (standardize(held_out, like=X)[:, 2] == 0).all()


@pytest.mark.parametrize(
    ("X", "like", "message"),
    [
        ([[1.0, 2.0]], [[1.0]], "rows of equal width, got shape \\(1, 2\\) to measure like \\(1, 1\\)"),
        ([1.0, 2.0], None, "rows of equal width, got shape \\(2,\\)"),
        (np.zeros((0, 2)), None, "got shape \\(0, 2\\)"),
        ([[math.nan]], None, "cannot measure NaN or infinite values"),
    ],
)
def test_standardize_refuses_what_it_cannot_measure(X: Any, like: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        standardize(X, like)


# scikit-learn's digits


def test_load_digits_gives_the_8_by_8_digits() -> None:
    pytest.importorskip("sklearn")
    X, y = load_digits()
    assert (X.shape, str(X.dtype), str(y.dtype)) == ((1797, 64), "float64", "int64")
    assert (X.min(), X.max(), set(y.tolist())) == (0, 1, set(range(10)))


def test_load_digits_says_which_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"needs scikit-learn, from the extra `demos`: pip install -e '\.\[demos\]'"):
        load_digits()


# MNIST


def idx(items: np.ndarray[Any, Any], magic: int | None = None) -> bytes:
    header = [0x800 + items.ndim if magic is None else magic, *items.shape]
    return struct.pack(f">{len(header)}I", *header) + items.astype(np.uint8).tobytes()


IMAGES = np.random.default_rng(0).integers(0, 256, (7, 28, 28))
LABELS = np.arange(7)
FILES = {f"{part}-{kind}": idx(items) for part in ("train", "t10k") for kind, items in (("images-idx3", IMAGES), ("labels-idx1", LABELS))}


def write_mnist(folder: Path, zipped: bool = False, replaced: dict[str, bytes] | None = None) -> Path:
    for name, content in {**FILES, **(replaced or {})}.items():
        (folder / f"{name}-ubyte{'.gz' if zipped else ''}").write_bytes(gzip.compress(content, 1) if zipped else content)
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_load_mnist_reads_the_four_files(tmp_path: Path, zipped: bool) -> None:
    (X, y), (X_test, y_test) = load_mnist(str(write_mnist(tmp_path, zipped)))
    assert (str(X.dtype), X.shape, str(y.dtype), y.tolist()) == ("float64", (7, 784), "int64", list(range(7)))
    assert np.array_equal(X * 255, IMAGES.reshape(7, 784))
    assert np.array_equal(X, X_test)
    assert np.array_equal(y, y_test)


def test_load_mnist_knows_the_names_with_a_dot(tmp_path: Path) -> None:
    for path in list(write_mnist(tmp_path).iterdir()):
        path.rename(tmp_path / path.name.replace("-idx", ".idx"))
    assert load_mnist(tmp_path)[0][0].shape == (7, 784)


def test_load_mnist_says_which_file_is_missing(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"no t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte\.gz in .*downloads nothing"):
        load_mnist(tmp_path)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("images-idx3", b"", "too short for the header"),
        ("images-idx3", FILES["train-images-idx3"][:-1], "promises 7 items in 5488 bytes, but holds 5487"),
        ("images-idx3", FILES["train-images-idx3"] + b"\0", "promises 7 items in 5488 bytes, but holds more"),
        ("images-idx3", FILES["train-labels-idx1"] + b"\0" * 9, "starts with 0x00000801, not 0x00000803"),
        ("images-idx3", idx(np.zeros((2, 8, 8))), "holds items of 8 x 8 bytes, not 28 x 28"),
        ("images-idx3", idx(np.zeros((0, 28, 28))), "claims 0 items: load_mnist takes 1 to 100000"),
        ("images-idx3", struct.pack(">4I", 0x803, 2**32 - 1, 28, 28), "claims 4294967295 items"),
        ("images-idx3", struct.pack(">4I", 0x803, 100_000, 28, 28), "promises 100000 items in 78400000 bytes, but holds 0"),
        ("labels-idx1", idx(np.arange(6)), "holds 7 images, but .*labels-idx1-ubyte.* 6 labels"),
        ("labels-idx1", idx(LABELS + 4), "is damaged: label 10 is not a digit"),
    ],
)
def test_load_mnist_says_what_is_wrong_with_which_file(tmp_path: Path, zipped: bool, name: str, content: bytes, message: str) -> None:
    write_mnist(tmp_path, zipped, {f"train-{name}": content})
    with pytest.raises(ValueError, match=f"train-{name}-ubyte.*{message}|{message}"):
        load_mnist(tmp_path)


def test_load_mnist_does_not_unpack_a_bomb(tmp_path: Path) -> None:
    bomb = gzip.compress(FILES["train-images-idx3"] + bytes(60_000_000), 1)
    write_mnist(tmp_path, zipped=True)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="but holds more"):
            load_mnist(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def attempt(read: Callable[[], T]) -> tuple[T | None, str]:
    """What a reader returns, or the message of its ValueError: any other exception is a failure."""
    try:
        return read(), ""
    except ValueError as error:
        return None, str(error)


def mangled(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with some bits flipped, cut off, or followed by something."""
    damaged = bytearray(content)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.one_of(st.integers(0, min(30, len(content) - 1)), st.integers(0, len(content) - 1)))
        damaged[place] ^= 1 << draw(st.integers(0, 7))
    return bytes(damaged[: draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))]) + draw(st.binary(max_size=20))


@st.composite
def damaged_mnist(draw: st.DrawFn) -> tuple[str, bytes, bool]:
    name, zipped = draw(st.sampled_from(sorted(FILES))), draw(st.booleans())
    whole = gzip.compress(FILES[name], 1, mtime=0) if zipped else FILES[name]
    return name, draw(st.binary(max_size=60)) if draw(st.booleans()) and draw(st.booleans()) else mangled(draw, whole), zipped


@fuzzed
@given(damage=damaged_mnist())
def test_a_damaged_mnist_file_is_read_right_or_refused(tmp_path: Path, damage: tuple[str, bytes, bool]) -> None:
    name, content, zipped = damage
    for path in write_mnist(tmp_path, zipped=True).glob("*-ubyte"):
        path.unlink()
    path = tmp_path / f"{name}-ubyte{'.gz' if zipped else ''}"
    path.write_bytes(content)
    mnist, message = attempt(lambda: load_mnist(tmp_path))
    if mnist is None:
        assert name.split("-")[0] in message
    else:
        (X, y), (X_test, y_test) = mnist
        assert X.shape == X_test.shape == (7, 784)
        assert 0 <= min(y.min(), y_test.min()) <= max(y.max(), y_test.max()) <= 9
    assert path.read_bytes() == content


def test_a_gzip_file_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, zipped=True)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    content = path.read_bytes()
    path.write_bytes(content[:-8] + struct.pack("<II", zlib.crc32(FILES["train-labels-idx1"]) ^ 1, len(FILES["train-labels-idx1"])))
    with pytest.raises(ValueError, match="is not a whole gzip file: CRC check failed"):
        load_mnist(tmp_path)


# CSV


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "data.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_load_csv_reads_a_header_and_labels_in_words(tmp_path: Path) -> None:
    table = load_csv(written(tmp_path, "length, kind ,width\n1.5,rose,2\n3,iris,-4e1\n\n5,rose,6\n"), target="kind")
    assert table.X.tolist() == [[1.5, 2], [3, -40], [5, 6]]
    assert (table.y.tolist(), str(table.y.dtype), table.classes) == ([1, 0, 1], "int64", ["iris", "rose"])
    assert table.features == ["length", "width"]


def test_load_csv_finds_out_whether_there_is_a_header(tmp_path: Path) -> None:
    table = load_csv(written(tmp_path, "1,2,0\n3,4,1\n"))
    assert (table.X.tolist(), table.y.tolist(), table.features) == ([[1, 2], [3, 4]], [0, 1], ["column 0", "column 1"])
    assert load_csv(written(tmp_path, "5.1,3.5,setosa\n4.9,3.0,virginica\n")).X.shape == (2, 2)
    table = load_csv(written(tmp_path, "\ufeffa;b\n1;2.5\n3;4\n".encode()), target=0, delimiter=";")
    assert (table.X.tolist(), table.y.tolist(), table.features) == ([[2.5], [4]], [1, 3], ["b"])


def test_load_csv_keeps_a_target_that_is_measured(tmp_path: Path) -> None:
    y = load_csv(written(tmp_path, "1,2.5\n3,4\n")).y
    assert (y.tolist(), str(y.dtype)) == ([2.5, 4], "float64")
    assert load_csv(written(tmp_path, "1,1e300\n3,4\n")).y.dtype == np.float64


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("", -1, "data.csv is empty"),
        ("\n\n", -1, "data.csv is empty"),
        ("a,b\n", "b", "no rows below its header"),
        ("a,b\n1,2\n", "c", "no single column 'c': its first line has 'a', 'b'"),
        ("a,a\n1,2\n", "a", "no single column 'a'"),
        ("1,2\n", 2, "no column 2: it has 2"),
        ("1,2\n", -3, "no column -3: it has 2"),
        ("a;b\n1;2\n", -1, "one column only, nothing to predict the target from: is the delimiter ','\\?"),
        ("a,b\n1,2\n3\n", -1, "line 3: 1 cells, but the first line has 2"),
        ("a,b\n1,2\n\n3,4,5\n", -1, "line 4: 3 cells, but the first line has 2"),
        ("a,b\n1,2\nx,4\n", -1, "line 3: 'a' is 'x', not a finite number"),
        ("a,b\n1,2\n1e999,4\n", -1, "line 3: 'a' is '1e999', not a finite number"),
        ("a,b\n1,2\n,4\nNA,5\n6,?\n", "b", "no value for 'a' on lines 3, 4: fill it in or remove the lines"),
        ("a,b\n1,2\n6,?\n", "b", "no value for 'b' on line 3"),
        (",1\n2,3\n", -1, "no value for 'column 0' on line 1"),
        ("a,b\n" + "nan,1\n" * 11, "b", "on lines 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"),
        (b"\xff\xfe1,2\n", -1, "not a CSV file in UTF-8"),
        ('a,b\n"1,2\n', -1, "not a CSV file in UTF-8: unexpected end of data"),
        ("1" * 200_000 + ",2\n", -1, "not a CSV file in UTF-8: field larger than field limit"),
    ],
)
def test_load_csv_says_what_is_wrong_and_on_which_line(tmp_path: Path, text: str | bytes, target: str | int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_csv(written(tmp_path, text), target)


def test_load_csv_of_no_file_raises_as_open_does(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        load_csv(tmp_path / "none.csv")


@st.composite
def csv_bytes(draw: st.DrawFn) -> bytes:
    if draw(st.booleans()):
        return draw(st.binary(max_size=80))
    cells = st.one_of(st.floats().map(str), st.text("ab1,;\"'\n\0é", max_size=4), st.sampled_from(["", "NA", "1", "-0", "1_0", "0x1"]))
    text = "\n".join(",".join(row) for row in draw(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=5)))
    return mangled(draw, text.encode() or b"1")


@fuzzed
@given(content=csv_bytes(), target=st.sampled_from([-1, 0, 1, "a", ""]))
def test_any_bytes_are_a_table_of_finite_numbers_or_refused(tmp_path: Path, content: bytes, target: str | int) -> None:
    path = written(tmp_path, content)
    table, message = attempt(lambda: load_csv(path, target))
    if table is None:
        assert "data.csv" in message
    else:
        assert np.isfinite(table.X).all()
        assert np.isfinite(table.y).all()
        assert table.X.shape == (len(table.y), len(table.features))
    assert path.read_bytes() == content
