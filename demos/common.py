"""Shared code of the demos: options, the output folder, and pictures without a display."""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd import BACKENDS, c_compiler, vectorize
from autograd._support import missing

try:
    import matplotlib as mpl
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
except ImportError:
    sys.exit(missing("this demo", "matplotlib", "pillow"))

mpl.use("Agg")  # draw to files only

from matplotlib import pyplot
from matplotlib.transforms import Bbox

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Adds the default to the help of an option, except for None, which the help describes in words."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None else super()._get_help_string(action)


def parser(description: str | None, output: Path = Path("output")) -> argparse.ArgumentParser:
    """Return a parser with the options that all demos have. The description is the module's docstring."""
    options = argparse.ArgumentParser(f"python -m demos.{Path(sys.argv[0]).stem}", description=description, formatter_class=_Help)
    options.add_argument("--seed", type=whole, default=0, help="the seed of all random numbers")
    options.add_argument("--output", type=folder, default=str(output), help="the folder for the files that it writes")
    return options


def add_backend(options: argparse.ArgumentParser, only: str | None = None, usual: str | None = None) -> None:
    """Add the option `--backend`. Parsing fails for a back end that is not installed."""
    known = [only] if only else BACKENDS
    found = "" if only else f" (default: {usual or 'native if there is a C compiler, else numpy'})"
    options.add_argument("--backend", type=runnable, choices=known, default=only or usual, help=f"the back end to train with{found}")


def runnable(name: str) -> str:
    """Return the name of a back end. Raises ArgumentTypeError if it is not installed."""
    try:
        if name in BACKENDS:
            vectorize(abs, backend=name)
    except ImportError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if name == "native" and not c_compiler():
        raise argparse.ArgumentTypeError(missing('backend="native"', "ziglang", what="a C compiler"))
    return name


def backend(given: argparse.Namespace) -> str:
    """Return the chosen back end, or else the fastest one that is installed, and print it."""
    name = given.backend or ("native" if c_compiler() else "numpy")
    words = {
        "native": f"training with the native back end, compiled by {c_compiler()}",
        "jax": "training with JAX; the first steps wait for its compiler",
    }
    if not (given.backend or c_compiler()):
        words["numpy"] = "training with numpy; " + missing("faster training", "ziglang", what="a C compiler")
    print(words.get(name, f"training with {name}"))
    return str(name)


def folder(path: str) -> Path:
    """Return a folder that can be written to, and create it if necessary."""
    made = Path(path)
    try:
        made.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=made):
            return made
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write to the folder {path}: {error.strerror}") from error


def whole(text: str) -> int:
    """Convert text to an integer of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of at least 0")
    return int(text)


def positive(text: str) -> int:
    """Convert text to an integer of at least 1."""
    if whole(text) == 0:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return int(text)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG with the same bytes each time, close it, and print the path. 256 colours make it a third as large.

    The file also holds the texts and the places of its panels, see `panels`. The book shows them one below the other on small screens,
    and its tests compare the numbers in the texts with those of the chapter.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=90, metadata={"Software": None})
    texts = PngInfo()
    texts.add_text("panels", json.dumps(panels(figure)))
    pyplot.close(figure)
    Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True, pnginfo=texts)
    print(f"wrote {path}")


def panels(figure: Figure) -> list[dict[str, Any]]:
    """Return the texts of each panel, its title first, and its box: left, top, width and height as shares of the figure."""
    found: dict[Any, dict[str, Any]] = {}
    for ax in figure.axes:
        legend = ax.get_legend()
        labels = [text.get_text() for text in legend.get_texts()] if legend else []
        texts = [text for text in (ax.get_title(), ax.get_xlabel(), ax.get_ylabel(), *labels) if text]
        extent = ax.get_tightbbox()
        assert extent  # None only for invisible axes
        box = extent.transformed(figure.transFigure.inverted())
        panel = found.setdefault(tuple(ax.get_position().bounds), {"texts": [], "box": box})  # twins share their place
        panel.update(texts=panel["texts"] + texts, box=Bbox.union([panel["box"], box]))
    for panel in found.values():
        box = panel["box"].padded(0.004)
        panel["box"] = [round(float(share), 3) for share in (box.x0, 1 - box.y1, box.width, box.height)]
    return list(found.values())


class Film:
    """An animated GIF of a figure. All frames share a palette, so that only the parts that move need space."""

    def __init__(self, figure: Figure, dpi: int = 70) -> None:
        self.figure, self.dpi = figure, dpi
        self.pictures: list[Image.Image] = []

    def shoot(self) -> None:
        """Add the current figure as a frame."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, dpi=self.dpi)
        self.pictures.append(Image.open(buffer).convert("RGB"))

    def save(self, path: Path, fps: float = 8, hold: float = 2.0) -> None:
        """Write the animation and close the figure. The last frame is shown for `hold` seconds."""
        last = np.asarray(self.pictures[-1]).reshape(-1, 3)  # it contains all colours
        colours, counts = np.unique(last, axis=0, return_counts=True)
        pixels = np.repeat(colours, np.sqrt(counts).astype(int), axis=0)  # thin lines keep their colours beside large areas
        palette = Image.fromarray(pixels[None]).quantize(256, dither=Image.Dither.NONE)
        first, *rest = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in self.pictures]
        durations = [round(1000 / fps)] * len(rest) + [round(1000 * hold)]
        pyplot.close(self.figure)
        first.save(path, save_all=True, append_images=rest, duration=durations, loop=0, optimize=False)
        print(f"wrote {path}: {len(self.pictures)} frames")
