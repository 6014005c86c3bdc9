"""Tests of npz files: contents are restored, a failed write leaves the old file, and forged sizes use no memory."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nn.files import npz_files

finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(max_size=9), st.text() | st.integers() | finite), arrays(np.float64, st.integers(0, 9), elements=finite))
@example({"version": "", "kind": 0}, np.zeros(0))
def test_contents_are_restored(tmp_path: Path, header: dict[str, object], vector: Any) -> None:
    path = tmp_path / "a file"
    npz_files.write(path, "model", {**header, "own": 1}, {"a vector": vector, "empty": np.zeros(0)})
    read_header, vectors = npz_files.read(path, "model")
    assert read_header == {**header, "own": 1, "kind": "nudge model", "version": 2}
    assert list(vectors) == ["a vector", "empty"]
    assert vectors["a vector"].tobytes() == vector.tobytes()
    assert [each.name for each in tmp_path.iterdir()] == ["a file"]


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "model.npz"
    npz_files.write(path, "model", {}, {"v": np.ones(3)})
    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[moment], fail)
    with pytest.raises(OSError, match=r"cannot write .*model\.npz: No space left on device"):
        npz_files.write(path, "model", {}, {"v": np.zeros(3)})
    assert npz_files.read(path, "model")[1]["v"].tolist() == [1.0, 1.0, 1.0]
    assert [each.name for each in tmp_path.iterdir()] == ["model.npz"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    npz_files.write(tmp_path / "link", "model", {}, {})
    assert (tmp_path / "link").is_symlink()
    assert npz_files.read(tmp_path / "target", "model")[1] == {}


def test_a_file_has_the_usual_permissions(tmp_path: Path) -> None:
    npz_files.write(tmp_path / "a", "model", {}, {})
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_members_that_share_their_bytes_use_no_memory(tmp_path: Path) -> None:
    """A hundred directory entries for one member of a megabyte (after D. Fifield, A better zip bomb, 2019)."""
    stream = io.BytesIO()
    np.save(stream, np.zeros(2**17))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        archive.writestr("v.npy", stream.getvalue())
        for number in range(100):
            twin = zipfile.ZipInfo(f"v{number}.npy")
            original = archive.infolist()[0]
            twin.header_offset, twin.CRC = original.header_offset, original.CRC
            twin.file_size = twin.compress_size = original.file_size
            archive.filelist.append(twin)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"bomb\.npz is not a model file, or is damaged"):
        npz_files.read(tmp_path / "bomb.npz", "model")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 2**20
