"""Draw a network: circles for neurons, lines for weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autograd._support import check_whole
from nn.inputs import Array, examples
from nn.module import example_from
from nn.network import MLP
from nn.plots._style import GREY, axes_or_current, require_finite, require_kind, shade, sign_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def network(model: MLP, x: npt.ArrayLike | None = None, ax: Axes | None = None, most: int = 16) -> Axes:
    """Draw a network as circles and lines. Thicker lines are larger weights, thicker rings larger biases.

    Blue is positive and orange is negative.

    Parameters
    ----------
    model : MLP
        The network.
    x : array_like, shape (inputs,), or table or raw rows with one row, optional
        An example. Each circle is then filled by its activation.
    ax : matplotlib Axes, optional
        The axes to draw on. Default: the current ones.
    most : int, default 16
        Larger layers are shortened to at most 10 neurons, with three dots in the middle.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If `x` has another shape, or a parameter is not finite, as after divergence.
    """
    require_kind("network", "an MLP", model, MLP)
    most = check_whole("most", most)
    require_finite(model)
    activations = None if x is None else _activations(model, x)
    ax = axes_or_current(ax)
    shown = [_shown(size, most) for size in model.sizes]
    places = [_places(len(indices), len(indices) < size) for indices, size in zip(shown, model.sizes)]
    for depth, layer in enumerate(model.layers):
        weights = layer.weights[np.ix_(shown[depth + 1], shown[depth])]
        connections(ax, depth, weights, places[depth], places[depth + 1])

    biases = [[0.0] * model.sizes[0], *(layer.biases.tolist() for layer in model.layers)]
    largest_bias = max(abs(bias) for column in biases for bias in column) or 1.0
    for depth, (indices, heights, size) in enumerate(zip(shown, places, model.sizes)):
        rings = [biases[depth][index] / largest_bias for index in indices]
        fills = None
        if activations is not None:
            largest = max(map(abs, activations[depth])) or 1.0
            fills = [activations[depth][index] / largest for index in indices]
        _draw_neurons(ax, depth, heights, rings, fills, area=min(260.0, 2600 / max(map(len, shown))))
        if len(indices) < size:
            middle = heights[len(indices) - len(indices) // 2 - 1] - 1
            ax.scatter([depth] * 3, [middle - 0.3, middle, middle + 0.3], s=8, c=GREY, zorder=3)
        ax.annotate(str(size), (depth, min(heights)), (0, -22), textcoords="offset points", ha="center", fontsize=9, color=GREY)
    if activations is not None:
        for index, height in zip(shown[-1], places[-1]):
            where = (len(model.layers), height)
            ax.annotate(f"{activations[-1][index]:.2f}", where, (12, 0), textcoords="offset points", va="center", fontsize=8)
    top = max(map(max, places))
    ax.set(xlim=(-0.3, len(model.layers) + 0.45), ylim=(-top - 1.3, top + 0.8))
    ax.set_axis_off()
    return ax


def _shown(size: int, most: int) -> list[int]:
    """The neurons of a layer to draw: all of them, or the first and the last few."""
    if size <= most:
        return list(range(size))
    few = min(most, 10)
    first = few - few // 2
    return [*range(first), *range(size - few + first, size)]


def _places(count: int, gap: bool) -> list[float]:
    """Heights from top to bottom around 0, one apart, with a gap for the dots in the middle if neurons are left out."""
    heights = [(count - 1 + gap) / 2 - index for index in range(count + gap)]
    if gap:
        del heights[count - count // 2]
    return heights


def connections(
    ax: Axes, depth: int, weights: Array, places: Sequence[float], next_places: Sequence[float], faintest: float = 0.15
) -> None:
    """Draw a line for each weight, (neurons, inputs), between two columns. Larger weights are thicker, darker and on top."""
    from matplotlib.collections import LineCollection

    segments = [[(depth, height), (depth + 1, to)] for to in next_places for height in places]
    share = (np.abs(weights) / (np.abs(weights).max() or 1.0)).ravel()
    order = np.argsort(share, kind="stable")
    lines = LineCollection(
        [segments[index] for index in order],
        colors=[sign_colour(weights.flat[index]) for index in order],
        linewidths=0.2 + 2.3 * share[order],
        alpha=np.clip(faintest + share[order], 0, 1),
        zorder=1,
    )
    ax.add_collection(lines)


def _draw_neurons(ax: Axes, depth: int, heights: list[float], rings: list[float], fills: list[float] | None, area: float) -> None:
    """Draw a column of circles. Rings and fills are between -1 and 1."""
    ax.scatter(
        [depth] * len(heights),
        heights,
        s=area,
        c=[shade(fill) for fill in fills or [0.0] * len(heights)],
        edgecolors=[sign_colour(ring) if ring else GREY for ring in rings],
        linewidths=[0.8 + 2.7 * abs(ring) for ring in rings],
        zorder=2,
    )


def _activations(model: MLP, x: npt.ArrayLike) -> list[list[float]]:
    inputs = example_from("x", model, x)
    activations = [examples(f"layers[{depth}]'s outputs", a[0]) for depth, a in enumerate(model.trace(inputs[None]).a)]
    return [each.tolist() for each in (inputs, *activations)]
