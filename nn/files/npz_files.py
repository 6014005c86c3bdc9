"""npz files: a JSON header and named vectors, written completely or not at all, and checked when they are read."""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd._support import replacing

Vector = npt.NDArray[np.float64]
VERSIONS = {"model": 2, "checkpoint": 1}  # the format of each kind of file


def write(path: str | os.PathLike[str], kind: str, header: Mapping[str, Any], vectors: Mapping[str, Vector]) -> None:
    """Write a file. After a crash the path holds either the old file or the complete new one.

    The file is an npz without pickle: `numpy.load(path)["header"]` is the JSON, as bytes. `kind` is "model" or "checkpoint". Raises, with
    the file unchanged, ValueError if a number is not finite, and OSError if the file cannot be written.
    """
    for name, vector in vectors.items():
        if not np.isfinite(vector).all():
            place = np.flatnonzero(~np.isfinite(vector))[0]
            raise ValueError(f"cannot save {name}: number {place} is {vector[place]}; {os.fspath(path)} is unchanged")
    own = {"kind": f"nudge {kind}", "version": VERSIONS[kind]}
    text = json.dumps({**own, **header, **own}, allow_nan=False)
    arrays: dict[str, Any] = {name: np.asarray(vector, dtype="<f8") for name, vector in vectors.items()}
    with replacing(path) as file:
        np.savez(file, header=np.array(text.encode()), **arrays)


def read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], dict[str, Vector]]:
    """Return the header and the vectors of a file of this kind.

    Raises ValueError, naming the file and the problem, for anything that `write` cannot have written. Sizes in the file are compared
    with its real size before they are used, and nothing in it is executed.
    """
    with Path(path).open("rb") as file:
        try:
            members = _members(file)
            header = json.loads(members.pop("header").item())
            vectors = {name: _finite(name, member) for name, member in members.items()}
        except Exception as error:  # zipfile and numpy raise many types of errors for damaged files
            raise ValueError(f"{os.fspath(path)} is not a {kind} file, or is damaged: {error or type(error).__name__}") from error
    if not isinstance(header, dict) or header.get("kind") != f"nudge {kind}":
        found = header.get("kind") if isinstance(header, dict) else None
        raise ValueError(f"{os.fspath(path)} is not a {kind} file: its kind is {found!r:.40}")
    if header.get("version") != VERSIONS[kind]:
        found, known = header.get("version"), VERSIONS[kind]
        raise ValueError(f"{os.fspath(path)} has format version {found!r:.40}, but this version of Nudge reads version {known}")
    return header, vectors


def _members(file: io.BufferedReader) -> dict[str, Any]:
    """Return the arrays of an npz without compression, in which all members together fit into the file."""
    size, claimed = os.fstat(file.fileno()).st_size, 0
    arrays: dict[str, Any] = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if name == info.filename or name in arrays:
                raise ValueError(f"unexpected member {info.filename!r:.60}")
            claimed += info.file_size
            if info.compress_type != zipfile.ZIP_STORED or claimed > size:
                raise ValueError(f"member {info.filename!r:.60} is compressed, or its {info.file_size} bytes exceed the file's {size}")
            arrays[name] = _array(info.filename, archive.read(info))
    if "header" not in arrays:
        raise ValueError("it has no header")
    return arrays


def _array(name: str, content: bytes) -> Any:
    """Return the array in the bytes of an npy file: a vector of float64, or one byte string."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"member {name!r:.60} has npy version {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    body = content[stream.tell() :]
    if dtype.kind + str(len(shape)) not in ("f1", "S0") or (dtype.kind == "f" and dtype.str != "<f8"):
        raise ValueError(f"member {name!r:.60} is {dtype} of shape {shape}, not a vector of float64")
    if math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError(f"member {name!r:.60} has the shape {shape} of {dtype}, but {len(body)} bytes")
    return np.frombuffer(body, dtype=dtype).reshape(shape)


def _finite(name: str, member: Any) -> Vector:
    if member.dtype.kind != "f" or not np.isfinite(member).all():
        raise ValueError(f"{name!r:.60} must be a vector of finite numbers")
    return np.array(member, dtype=np.float64)
