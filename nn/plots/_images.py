"""Draw images: rows of pixels, and the weights of neurons as images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograd._support import is_whole
from nn.inputs import Array, examples
from nn.network import MLP, Layer
from nn.plots._style import GREY, axes_or_current, require_finite, require_kind, signed_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def images(
    rows: npt.ArrayLike,
    captions: Sequence[object] | npt.NDArray[Any] = (),
    ax: Axes | None = None,
    shape: tuple[int, int] | None = None,
    signed: bool = False,
) -> Axes:
    """Draw rows of pixels as images in a grid.

    Parameters
    ----------
    rows : array_like, shape (n, pixels) or (n, height, width)
        The images.
    captions : sequence, optional
        A caption for each image.
    ax : matplotlib Axes, optional
        The axes to draw on. Default: the current ones.
    shape : (int, int), optional
        The height and the width of an image. Default: squares.
    signed : bool, default False
        Whether negative pixels are orange, 0 is white, and positive pixels are blue. Otherwise larger pixels are darker.

    Raises
    ------
    ValueError
        If the pixels do not fit the shape, or there is not one caption for each image.
    """
    pixels, height, width = _pixels(rows, shape)
    if not isinstance(captions, (Sequence, np.ndarray)):
        raise TypeError(f"captions must be a list of texts, got {type(captions).__name__}; axes go by name: ax=...")
    if len(captions) and len(captions) != len(pixels):
        raise ValueError(f"images needs one caption for each image: got {len(pixels)} images and {len(captions)} captions")
    ax = axes_or_current(ax)
    from matplotlib.patches import Rectangle

    columns = math.ceil(math.sqrt(len(pixels) * height / width))
    gap = max(1, height // 8)
    above = 2 * gap if len(captions) else 0
    limit = np.abs(pixels).max() or 1.0
    for index, image in enumerate(pixels):
        row, column = divmod(index, columns)
        left, top = column * (width + gap), row * (height + gap + above)
        ax.imshow(
            image.reshape(height, width),
            cmap=signed_colours() if signed else "gray_r",
            vmin=-limit if signed else min(0.0, pixels.min()),
            vmax=limit,
            extent=(left, left + width, top + height, top),
        )
        ax.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=GREY, linewidth=0.4))
        if len(captions):
            ax.text(left + width / 2, top - 0.3 * gap, str(captions[index]), ha="center", va="bottom", fontsize=8)
    rows_used = math.ceil(len(pixels) / columns)
    ax.set_xlim(-gap, columns * (width + gap))
    ax.set_ylim(rows_used * (height + gap + above) - above, -gap - above)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _pixels(rows: npt.ArrayLike, shape: tuple[int, int] | None) -> tuple[Array, int, int]:
    """The pixels, (n, height * width), and the height and the width of an image."""
    if isinstance(rows, np.ndarray) and rows.ndim == 3:
        shape, rows = shape or (rows.shape[1], rows.shape[2]), rows.reshape(len(rows), -1)
    pixels = examples("rows", rows)
    if pixels.ndim != 2:
        raise ValueError(f"images takes rows of pixels, (n, pixels), got shape {pixels.shape}")
    side = math.isqrt(pixels.shape[1])
    if shape is not None and (np.shape(shape) != (2,) or not all(is_whole(each) and each > 0 for each in shape)):
        raise ValueError(f"shape={shape!r} must be two whole numbers above 0: (height, width)")
    height, width = shape or (side, side)
    if height * width != pixels.shape[1]:
        raise ValueError(f"{pixels.shape[1]} pixels do not fit an image of {height} x {width}: give shape=(height, width)")
    return pixels, height, width


def weights_as_images(layer: Layer | MLP, ax: Axes | None = None, shape: tuple[int, int] | None = None) -> Axes:
    """Draw the weights of each neuron of a layer, or of the first layer of a network, as an image of the input's shape."""
    require_kind("weights_as_images", "a Layer, or the first of an MLP", layer, (Layer, MLP))
    first = layer.layers[0] if isinstance(layer, MLP) else layer
    require_finite(layer)
    return images(first.weights, ax=ax, shape=shape, signed=True)
