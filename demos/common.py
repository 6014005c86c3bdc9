"""What the demos share: their options, their output folder, and pictures without a display."""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from autograd import BACKENDS, c_compiler, vectorize
from autograd._support import missing

try:
    import matplotlib as mpl
    from PIL import Image
except ImportError:
    sys.exit(missing("this demo", "matplotlib", "pillow"))

mpl.use("Agg")  # draws into files only

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Each default behind its help, where there is one: of None the help says in words what becomes."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None else super()._get_help_string(action)


def parser(description: str | None, output: Path = Path("output")) -> argparse.ArgumentParser:
    """The options of every demo, under the name that it is run by. The description is the module's docstring."""
    options = argparse.ArgumentParser(f"python -m demos.{Path(sys.argv[0]).stem}", description=description, formatter_class=_Help)
    options.add_argument("--seed", type=whole, default=0, help="the seed of all random numbers")
    options.add_argument("--output", type=folder, default=str(output), help="the folder for the files that it writes")
    return options


def add_backend(options: argparse.ArgumentParser, only: str | None = None) -> None:
    """Let the user choose what to train on. A back end that cannot run here is refused while the options are read."""
    known = [only] if only else BACKENDS
    found = "" if only else " (default: native where there is a C compiler)"
    options.add_argument("--backend", type=runnable, choices=known, default=only, help=f"what to train on{found}")


def runnable(name: str) -> str:
    """The name of a back end, which has here what it needs."""
    try:
        if name in BACKENDS:
            vectorize(abs, backend=name)
    except ImportError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if name == "native" and not c_compiler():
        raise argparse.ArgumentTypeError(missing('backend="native"', "ziglang", what="a C compiler"))
    return name


def backend(given: argparse.Namespace) -> str:
    """The chosen back end or else the fastest one here. It is printed too."""
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
    """Write a picture, byte for byte the same each time, and say where it is; a PNG with 256 colours, which take a third of the room."""
    if path.suffix == ".png":
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=90, metadata={"Software": None})
        Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    else:
        figure.savefig(path, dpi=90)
    print(f"wrote {path}")


class Film:
    """A film of a figure as an animated GIF: all its pictures share a few colours, so that only what moves takes room."""

    def __init__(self, figure: Figure, dpi: int = 70, colours: int = 48) -> None:
        self.figure, self.dpi, self.colours = figure, dpi, colours
        self.pictures: list[Image.Image] = []

    def shoot(self) -> None:
        """Add a picture of the figure as it is now."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, dpi=self.dpi)
        self.pictures.append(Image.open(buffer).convert("RGB"))

    def save(self, path: Path, fps: float = 8, hold: float = 2.0) -> None:
        """Write the film, which shows its last picture for `hold` seconds before it begins again. Raises ValueError without pictures."""
        if not self.pictures:
            raise ValueError(f"there is nothing to write to {path}: shoot() the figure first")
        palette = self.pictures[-1].quantize(self.colours, dither=Image.Dither.NONE)  # the last one shows all that has come up
        first, *rest = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in self.pictures]
        durations = [round(1000 / fps)] * len(rest) + [round(1000 * hold)]
        first.save(path, save_all=True, append_images=rest, duration=durations, loop=0, optimize=False)
        print(f"wrote {path}: {len(self.pictures)} pictures")
