"""replacing: a file is written completely or not at all, also when several processes write it at the same time."""

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
    """Open a new binary file, which replaces the file at `path` when the block ends without an exception.

    After a crash, an exception, or with several writers at the same time, the path contains the complete old file or a complete
    new one. A symbolic link is kept and leads to the new file. The permissions of an existing file are kept.

    Raises OSError if the file cannot be written. The subclass fits the reason, and the message names `path`.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")  # unique, and short even if the target's name is long
    try:
        mode = _mode(target)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600)  # a private file stays private while it is written
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
            raise  # an error of the block, about another file
        reason = error.strerror if error.errno != errno.ENOENT or target.parent.is_dir() else f"there is no folder {target.parent}"
        raise OSError(error.errno, f"cannot write {os.fspath(path)}: {reason}") from error


def _mode(target: Path) -> int | None:
    """The permissions of the file to replace, None if there is none. Raises OSError if it must not be replaced."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file, and would be replaced by one")
    if not os.access(target, os.W_OK):  # renaming checks only the folder
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(mode)
