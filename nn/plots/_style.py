"""What all plots share: colours, markers, the axes to draw on, and checks of what is drawn."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograd._support import missing
from nn.frames import unmasked
from nn.module import Module

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

# A colour stands for a sign, for a class or for a curve, not for two of them in one picture
POSITIVE, NEGATIVE, GREY = "#0072B2", "#D55E00", "#777777"
CLASSES = ["#4D9221", "#A13D97", "#A07800", "#6B6B6B", "#2F9E8F", "#8C564B", "#C98BC2", "#9AA32A"]  # those of the playground
MARKERS = "osD^vPX*"
CURVES = ("black", "#6A3D9A", "#8C6D31")
RUNS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]  # Okabe and Ito (2008)


def axes_or_current(ax: Axes | None) -> Axes:
    """Return `ax`, or the current axes for None. Raises ImportError without matplotlib, and TypeError for anything but axes."""
    try:
        from matplotlib import axes, pyplot
    except ImportError as error:
        raise ImportError(missing("nn.plots", "matplotlib")) from error
    if ax is not None and not isinstance(ax, axes.Axes):
        hint = ": take one of them, as in axes[0]" if isinstance(ax, np.ndarray) else ""
        raise TypeError(f"ax must be one of matplotlib's Axes, got {type(ax).__name__}{hint}")
    return pyplot.gca() if ax is None else ax


def sign_colour(number: float) -> str:
    """Orange for negative numbers, otherwise blue."""
    return POSITIVE if number >= 0 else NEGATIVE


def signed_colours() -> Colormap:
    """A colour map from orange over white to blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [NEGATIVE, "white", POSITIVE])


def shade(share: float) -> tuple[float, ...]:
    """A colour from orange at -1 over white at 0 to blue at 1."""
    from matplotlib.colors import to_rgb

    return tuple(1 + min(abs(share), 1) * (channel - 1) for channel in to_rgb(sign_colour(share)))


def require_finite(model: Module) -> None:
    """Raise ValueError for a model with a parameter that is not finite."""
    for name, parameter in model.named_parameters():
        if not math.isfinite(parameter.data):
            raise ValueError(f"{name} is {parameter.data}: a network that has diverged cannot be drawn; lower the learning rate, or clip")


def require_kind(name: str, what: str, given: object, kind: type | tuple[type, ...]) -> None:
    """Raise TypeError unless `given` is of a type that the plot can draw."""
    if not isinstance(given, kind):
        raise TypeError(f"plots.{name} draws {what}, got {type(given).__name__} {given!r:.60}")


def plain_labels(name: str, given: npt.ArrayLike) -> npt.NDArray[Any]:
    """Labels as an array of numbers or of strings.

    Python objects become the type that they are, so that numbers are not sorted as strings. Raises ValueError for masked or mixed labels.
    """
    labels = unmasked(name, given)
    if labels.dtype.kind == "S":
        return labels.astype(str)
    if labels.dtype.kind != "O":
        return labels
    entries = labels.ravel().tolist()
    kind = next((kind for kind in (str, Real) if all(isinstance(each, kind) for each in entries)), None)
    if kind is None:
        kinds = sorted({type(each).__name__ for each in entries})
        raise ValueError(f"{name} must hold numbers, or strings: got a mixture of {', '.join(kinds)}; write {name}.astype(str)")
    return labels.astype(str if kind is str else np.float64)
