"""Pictures of nudges: the network with an arrow at each neuron, and a sheet of many examples with their average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nn.inputs import Array
from nn.plots import GREY, axes_or_current, connections, sign_colour, signed_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nn.explain import Nudges

WIDEST = 32  # inputs that are drawn one by one


def network(nudges: Nudges, ax: Axes | None = None) -> Axes:
    """What one example wants of a network; see `Nudges.plot`."""
    ax = axes_or_current(ax)
    layers = nudges.layers if len(nudges.layers[0].inputs) <= WIDEST else nudges.layers[1:]
    columns = [(layer.inputs, layer.activations) for layer in layers] + [(nudges.layers[-1].outputs, nudges.outputs)]
    tallest = max(len(activations) for activations, _ in columns)
    heights = [np.linspace(0.5, -0.5, len(each)) * (len(each) - 1) * _spacing(len(each), tallest) for each, _ in columns]
    for depth, layer in enumerate(layers):
        connections(ax, depth, layer.weights, heights[depth].tolist(), heights[depth + 1].tolist(), faintest=0.06)
    for depth, (activations, wishes) in enumerate(columns):
        _draw_wishes(ax, depth, heights[depth], activations, wishes)
        title = "inputs" if depth == 0 and layers is nudges.layers else "outputs" if depth == len(columns) - 1 else "activations"
        ax.text(depth, tallest / 2 + 0.6, title, ha="center", va="bottom", fontsize=9, color=GREY)
    for index, (height, wish) in enumerate(zip(heights[-1], nudges.outputs)):
        ax.text(len(layers) + 0.26, height, f"{index}: {wish:+.2g}", va="center", fontsize=8)
    ax.set(xlim=(-0.3, len(layers) + 0.75), ylim=(-tallest / 2 - 0.6, tallest / 2 + 1.4))
    ax.set_axis_off()
    return ax


def _spacing(count: int, tallest: int) -> float:
    """Neurons stand one apart in the tallest column, and up to two in the others."""
    return min(2.0, tallest / count)


def _draw_wishes(ax: Axes, depth: int, heights: Array, activations: Array, wishes: Array) -> None:
    """A column of circles, each with its wish as an arrow to its right."""
    fills = np.abs(activations) / (np.abs(activations).max() or 1.0)
    ax.scatter([depth] * len(heights), heights, s=130, c=1 - 0.8 * fills, cmap="gray", vmin=0, vmax=1, edgecolors=GREY, zorder=2)
    for height, length in zip(heights, 0.9 * wishes / (np.abs(wishes).max() or 1.0)):
        if abs(length) > 0.05:
            ax.annotate(
                "",
                (depth + 0.14, height + length / 2),
                (depth + 0.14, height - length / 2),
                arrowprops={
                    "arrowstyle": "-|>,head_width=0.22,head_length=0.3",
                    "color": sign_colour(length),
                    "linewidth": 2,
                    "shrinkA": 0,
                    "shrinkB": 0,
                },
                zorder=3,
            )


def sheet(rows: Array, average: Array, names: Sequence[str], count: int, ax: Axes | None = None) -> Axes:
    """What the first of `count` examples want of some parameters, (examples, parameters), and the average below; see `NudgeTable.plot`."""
    ax = axes_or_current(ax)
    cells = np.vstack([rows, average])
    limit = np.abs(cells).max() or 1.0
    ax.imshow(np.sign(cells) * np.sqrt(np.abs(cells) / limit), cmap=signed_colours(), vmin=-1.3, vmax=1.3, aspect="auto")
    for (row, column), nudge in np.ndenumerate(cells):
        if len(names) <= 16:
            weight = "bold" if row == len(rows) else "normal"
            ax.text(column, row, f"{nudge + 0.0:+.2g}", ha="center", va="center", fontsize=7, fontweight=weight)
    ax.axhline(len(rows) - 0.5, color="white", linewidth=8)  # parts the average from the examples
    labels = [*(f"example {index}" for index in range(len(rows))), f"average of {count:,}"]
    ax.set_yticks(range(len(cells)), labels, fontsize=8)
    ax.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
