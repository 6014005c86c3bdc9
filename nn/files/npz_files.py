"""Files that survive anything: a JSON header and named vectors in one npz, written whole or not at all, read with distrust."""

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

from autograd import replacing

Vector = npt.NDArray[np.float64]
VERSIONS = {"model": (1, 2), "checkpoint": (1,)}  # the formats of each kind that are read; the last one is written


def write(path: str | os.PathLike[str], kind: str, header: Mapping[str, Any], vectors: Mapping[str, Vector]) -> None:
    """Write a `kind` of file ("model", "checkpoint"). After any crash the path holds the old file or the new one, complete.

    It is an ordinary npz without pickle: `numpy.load(path)["header"]` is the JSON, as bytes.
    """
    for name, vector in vectors.items():
        if not np.isfinite(vector).all():
            place = np.flatnonzero(~np.isfinite(vector))[0]
            raise ValueError(
                f"the {name} hold {vector[place]} at {place}: a file of them could not be trusted, and {os.fspath(path)} is as it was"
            )
    own = {"kind": f"nudge {kind}", "version": VERSIONS[kind][-1]}
    text = json.dumps({**own, **header, **own}, allow_nan=False)
    arrays: dict[str, Any] = {name: np.asarray(vector, dtype="<f8") for name, vector in vectors.items()}
    with replacing(path) as file:
        np.savez(file, header=np.array(text.encode()), **arrays)


def read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], dict[str, Vector]]:
    """The header and the vectors of a file of this `kind`.

    Raises ValueError, naming the file and what is wrong with it, for whatever `write` cannot have written. A size
    that the file claims is compared with its real one before anything is read, and nothing in it is ever run.
    """
    with Path(path).open("rb") as file:
        try:
            members = _members(file)
            header = json.loads(members.pop("header").item())
            vectors = {name: _finite(name, member) for name, member in members.items()}
        except Exception as error:  # zipfile and numpy raise nearly every type there is on a file that is broken with care
            raise ValueError(f"{os.fspath(path)} is damaged, or no {kind} file of Nudge's: {error or type(error).__name__}") from error
    if not isinstance(header, dict) or header.get("kind") != f"nudge {kind}":
        found = header.get("kind") if isinstance(header, dict) else None
        raise ValueError(f"{os.fspath(path)} is no {kind} file: it says that it is {found!r:.40}")
    if header.get("version") not in VERSIONS[kind]:
        known = " and ".join(map(str, VERSIONS[kind]))
        raise ValueError(f"{os.fspath(path)} has format version {header.get('version')!r:.40}, this Nudge reads version {known}")
    return header, vectors


def _members(file: io.BufferedReader) -> dict[str, Any]:
    """The arrays of an npz of our own kind: stored without compression, so that all members together fit into the file."""
    size, claimed = os.fstat(file.fileno()).st_size, 0
    arrays: dict[str, Any] = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if name == info.filename or name in arrays:
                raise ValueError(f"unexpected member {info.filename!r:.60}")
            claimed += info.file_size
            if info.compress_type != zipfile.ZIP_STORED or claimed > size:
                raise ValueError(f"member {info.filename!r:.60} claims {info.file_size} bytes, compressed or beyond the file's {size}")
            arrays[name] = _array(info.filename, archive.read(info))
    if "header" not in arrays:
        raise ValueError("it has no header")
    return arrays


def _array(name: str, content: bytes) -> Any:
    """The array in an npy file's bytes: float64 in a row, or one byte string."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"member {name!r:.60} has npy version {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    body = content[stream.tell() :]
    if dtype.kind + str(len(shape)) not in ("f1", "S0") or (dtype.kind == "f" and dtype.str != "<f8"):
        raise ValueError(f"member {name!r:.60} holds {dtype} of shape {shape}, not a vector of float64")
    if math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError(f"member {name!r:.60} claims shape {shape} of {dtype} and holds {len(body)} bytes")
    return np.frombuffer(body, dtype=dtype).reshape(shape)


def _finite(name: str, member: Any) -> Vector:
    if member.dtype.kind != "f" or not np.isfinite(member).all():
        raise ValueError(f"{name!r:.60} must be a vector of finite numbers")
    return np.array(member, dtype=np.float64)
