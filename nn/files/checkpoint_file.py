"""Checkpoint files: the settings of a run as texts, the optimizer's number of steps, and named vectors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from nn.files import npz_files
from nn.files.npz_files import Vector


def write(path: str | os.PathLike[str], settings: Mapping[str, str], steps: int, vectors: Mapping[str, Vector]) -> None:
    """Write a checkpoint file, completely or not at all.

    Parameters
    ----------
    path : str or path-like
        The file.
    settings : mapping of str to str
        What `read` compares.
    steps : int
        The optimizer's number of steps.
    vectors : mapping of str to vector
        Finite float64 vectors.
    """
    npz_files.write(path, "checkpoint", {"settings": settings, "optimizer steps": steps}, vectors)


def read(path: str | os.PathLike[str], settings: Mapping[str, str]) -> tuple[Any, dict[str, Vector]]:
    """Return the optimizer's number of steps, as it is in the file, and the vectors.

    Raises ValueError, naming the file, if it is damaged or was written with other settings.
    """
    header, vectors = npz_files.read(path, "checkpoint")
    written = header.get("settings")
    for name, own in settings.items():
        found = written.get(name) if isinstance(written, dict) else None
        if found != own:
            raise ValueError(
                f"{os.fspath(path)} belongs to a run with other settings: its {name} is {found!r:.200}, but this run's is {own!r:.200}; "
                f"only epochs and patience may differ"
            )
    return header.get("optimizer steps"), vectors
