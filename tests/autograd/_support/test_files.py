"""replacing: complete files or none, several writers, links, permissions, and the user's path in errors."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from autograd import Value, draw
from autograd._support import replacing
from nn import MLP, nudges, squared_error

ROOT = Path(__file__).parents[3]


def write(path: Path, content: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(content)


@pytest.mark.parametrize("before", [None, b"old"])
def test_the_new_file_replaces_the_old_one_after_the_block(before: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "a file"
    if before is not None:
        path.write_bytes(before)
    with replacing(path) as file:
        file.write(b"new")
        assert path.exists() == (before is not None)
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["a file"]


@pytest.mark.parametrize("exception", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_keeps_the_old_file(exception: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "a file"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise exception

    with pytest.raises(exception):
        interrupted()
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a file"]


@pytest.mark.parametrize("save", [
    pytest.param(lambda path: MLP([2, 1]).save(path), id="save"),
    pytest.param(lambda path: draw(Value(1.0) + 1).save(path), id="draw"),
    pytest.param(lambda path: nudges(MLP([2, 1]), [1.0, 2.0], 0.5, squared_error).to_csv(path), id="to_csv"),
])  # fmt: skip
def test_threads_may_write_to_one_path(save: Callable[[Path], object], tmp_path: Path) -> None:
    path, start, errors = tmp_path / "one.html", threading.Barrier(8), []

    def work() -> None:
        start.wait()
        try:
            for _ in range(10):
                save(path)
        except Exception as error:
            errors.append(error)

    save(path)
    once = path.read_bytes()
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert path.read_bytes() == once
    assert [each.name for each in tmp_path.iterdir()] == ["one.html"]


def test_processes_may_write_to_one_path(tmp_path: Path) -> None:
    path = tmp_path / "one"
    script = (
        "import sys\n"
        "from autograd._support import replacing\n"
        "for _ in range(50):\n"
        "    with replacing(sys.argv[1]) as file:\n"
        "        file.write(sys.argv[2].encode() * 100000)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), letter], cwd=ROOT) for letter in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert path.read_bytes() in (b"a" * 100000, b"b" * 100000)
    assert [each.name for each in tmp_path.iterdir()] == ["one"]


def test_symbolic_links_lead_to_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("second")
    (tmp_path / "second").symlink_to(Path("folder") / "target")
    for content in (b"first, as nothing is there yet", b"then again"):
        write(tmp_path / "link", content)
        assert (tmp_path / "folder" / "target").read_bytes() == content
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert [each.name for each in (tmp_path / "folder").iterdir()] == ["target"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_permissions_are_kept(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "a file"
    path.touch()
    path.chmod(mode)
    with replacing(path) as file:
        assert os.fstat(file.fileno()).st_mode & 0o077 == 0  # nobody else reads along
        file.write(b"new")
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_a_new_file_has_the_default_permissions(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write(tmp_path / "a")
        (tmp_path / "b").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize("letter", ["a", "ü"])
def test_the_longest_file_name(letter: str, tmp_path: Path) -> None:
    longest = letter * (255 // len(letter.encode()))
    write(tmp_path / longest)
    assert (tmp_path / longest).read_bytes() == b"new"
    with pytest.raises(OSError, match=r"cannot write .*/aaaa*: File name too long$"):
        write(tmp_path / ("a" * 256))


def test_errors_name_the_path_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    for path, kind, message in (
        ("nowhere/a", FileNotFoundError, "cannot write nowhere/a: there is no folder .*/nowhere$"),
        (".", IsADirectoryError, "cannot write .: Is a directory$"),
        ("file/a", NotADirectoryError, "cannot write file/a: Not a directory$"),
        ("loop", OSError, "cannot write loop: Too many levels of symbolic links$"),
        ("pipe", OSError, "cannot write pipe: it is not a regular file, and would be replaced by one$"),
        (os.devnull, OSError, "cannot write /dev/null: it is not a regular file"),
    ):
        with pytest.raises(kind, match=message) as caught:
            write(Path(path))
        assert ".tmp" not in str(caught.value)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "loop", "pipe"]


@pytest.mark.parametrize("function", ["open", "fsync", "replace"])
def test_errors_of_the_system_name_the_path(function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may only be read, a full disk, a rename refused: as root, who may do all, meets none of them."""

    def refuse(first: object, *_: object) -> None:
        raise PermissionError(13, "Permission denied", None if function == "fsync" else str(first))

    (tmp_path / "a").write_bytes(b"old")
    with monkeypatch.context() as patched:
        patched.setattr(*{"open": (os, "open"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[function], refuse)
        with pytest.raises(PermissionError, match=r"cannot write .*/a: Permission denied$"):
            write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_a_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # as root, who may write all, is never told
    with pytest.raises(PermissionError, match=r"cannot write .*/a: Permission denied$"):
        write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_errors_about_other_files_do_not_change(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: '.*source'"), replacing(tmp_path / "a") as file:
        file.write((tmp_path / "source").read_bytes())
    with pytest.raises(io.UnsupportedOperation, match=r"^read$"), replacing(tmp_path / "a") as file:
        file.read()
    assert not list(tmp_path.iterdir())
