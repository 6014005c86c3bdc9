"""What the demos share: their options, their output folder, and pictures without a display."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from autograd import c_compiler

try:
    import matplotlib as mpl
except ImportError:
    sys.exit("the demos need matplotlib and more, the extra `demos`: pip install -e '.[demos]'")

mpl.use("Agg")  # draws into files only

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options of every demo; the description is the module's docstring."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    options.add_argument("--seed", type=whole, default=0, help="what all randomness follows from")
    options.add_argument("--output", type=folder, default="output", help="the folder for what is written")
    return options


def add_backend(options: argparse.ArgumentParser) -> None:
    """What a training runs on."""
    options.add_argument(
        "--backend", choices=["jax", "native", "numpy"], help="what to train on (default: native where there is a C compiler)"
    )


def backend(given: argparse.Namespace) -> str:
    """The back end that was asked for, or the fastest here, with a line that says which it is."""
    name = given.backend or ("native" if c_compiler() else "numpy")
    words = {"native": f"trained natively, in C compiled by {c_compiler()}", "jax": "trained by JAX: the first steps wait for its compiler"}
    print(words.get(name, f"trained on {name}"))
    return str(name)


def folder(path: str) -> Path:
    """An existing folder that can be written to, made if need be."""
    made = Path(path)
    try:
        made.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=made):
            return made
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write to the folder {path}: {error.strerror}") from error


def whole(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if whole(text) == 0:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return int(text)


def save(figure: Figure, path: Path) -> None:
    """Write a picture, byte for byte the same each time, and say where it is."""
    figure.savefig(path, dpi=90, metadata={"Software": None} if path.suffix == ".png" else None)
    print(f"wrote {path}")
