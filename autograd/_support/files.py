"""replacing: a file written whole or not at all, whoever else writes it at the same time."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A new file, open for bytes, that takes the place of the one at `path` once the block has ended without an exception.

    After a crash, an exception or any number of writers at once, the path holds the old file or a new one, complete. A symbolic
    link stays and leads to the new file; an existing file's permissions are kept. Raises OSError, of the kind that fits, naming `path`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/greeting") as file:
    ...         _ = file.write(b"hello")
    ...     Path(f"{folder}/greeting").read_text()
    'hello'
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")  # short, however long the target's name is, and nobody else's
    try:
        mode = _mode(target)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600)  # what is private stays so while it is written
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            if mode is not None:
                temporary.chmod(mode)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.errno is None or error.filename not in (None, target, str(target), temporary, str(temporary)):
            raise  # from the block, about a file of its own
        reason = error.strerror if error.errno != errno.ENOENT or target.parent.is_dir() else f"there is no folder {target.parent}"
        raise OSError(error.errno, f"cannot write {os.fspath(path)}: {reason}") from error


def _mode(target: Path) -> int | None:
    """The permissions of the file that is to be replaced, None where there is none. Raises OSError for what must not be replaced."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no ordinary file, and would be replaced by one")
    if not os.access(target, os.W_OK):  # renaming asks the folder alone
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(mode)
