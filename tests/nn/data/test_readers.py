"""The readers of digits, with damaged files."""

import gzip
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn.data import load_digits, load_mnist
from tests.damage import attempt, fuzzed, mangled


def test_load_digits_gives_the_8_by_8_digits() -> None:
    pytest.importorskip("sklearn")
    X, y = load_digits()
    assert (X.shape, str(X.dtype), str(y.dtype)) == ((1797, 64), "float64", "int64")
    assert (X.min(), X.max(), set(y.tolist())) == (0, 1, set(range(10)))


def test_load_digits_says_which_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"needs scikit-learn: pip install scikit-learn \(the extra `demos`\)"):
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
    with pytest.raises(FileNotFoundError, match=r"no t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte\.gz in .*does not download them"):
        load_mnist(tmp_path)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("images-idx3", b"", "too short for the header"),
        ("images-idx3", FILES["train-images-idx3"][:-1], "announces 7 items in 5488 bytes, but has 5487"),
        ("images-idx3", FILES["train-images-idx3"] + b"\0", "announces 7 items in 5488 bytes, but has more"),
        ("images-idx3", FILES["train-labels-idx1"] + b"\0" * 9, "starts with 0x00000801, not 0x00000803"),
        ("images-idx3", idx(np.zeros((2, 8, 8))), "holds items of 8 x 8 bytes, not 28 x 28"),
        ("images-idx3", idx(np.zeros((0, 28, 28))), "announces 0 items: load_mnist takes 1 to 100000"),
        ("images-idx3", struct.pack(">4I", 0x803, 2**32 - 1, 28, 28), "announces 4294967295 items"),
        ("images-idx3", struct.pack(">4I", 0x803, 100_000, 28, 28), "announces 100000 items in 78400000 bytes, but has 0"),
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
        with pytest.raises(ValueError, match="but has more"):
            load_mnist(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@st.composite
def damaged_mnist(draw: st.DrawFn) -> tuple[str, bytes, bool]:
    name, zipped = draw(st.sampled_from(sorted(FILES))), draw(st.booleans())
    whole = gzip.compress(FILES[name], 1, mtime=0) if zipped else FILES[name]
    return name, draw(st.binary(max_size=60)) if draw(st.booleans()) and draw(st.booleans()) else mangled(draw, whole), zipped


@fuzzed
@given(damage=damaged_mnist())
def test_a_damaged_mnist_file_is_read_correctly_or_refused(tmp_path: Path, damage: tuple[str, bytes, bool]) -> None:
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
    with pytest.raises(ValueError, match="is not a complete gzip file: CRC check failed"):
        load_mnist(tmp_path)
