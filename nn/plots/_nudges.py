"""Draw nudges: a network with an arrow at each neuron, and a table of many examples with their average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nn.inputs import Array
from nn.plots._network import connections
from nn.plots._style import GREY, axes_or_current, sign_colour, signed_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDEST = 32  # more inputs than this are not drawn


def nudged_network(layers: Sequence[tuple[Array, Array, Array]], outputs: Array, output_nudges: Array, ax: Axes | None = None) -> Axes:
    """Draw the nudges of a network for one example; `Nudges.plot` calls this.

    A layer with n inputs and m neurons is its inputs (n,), their nudges (n,) and the nudges of its weights (m, n).
    """
    ax = axes_or_current(ax)
    shown = layers if len(layers[0][0]) <= WIDEST else layers[1:]
    columns = [*((inputs, nudges) for inputs, nudges, _ in shown), (outputs, output_nudges)]
    tallest = max(len(activations) for activations, _ in columns)
    spacings = [min(2.0, tallest / len(each)) for each, _ in columns]  # 1 in the tallest column
    heights = [np.linspace(0.5, -0.5, len(each)) * (len(each) - 1) * spacing for spacing, (each, _) in zip(spacings, columns)]
    for depth, (_, _, weights) in enumerate(shown):
        connections(ax, depth, weights, heights[depth].tolist(), heights[depth + 1].tolist(), faintest=0.06)
    for depth, (activations, nudges) in enumerate(columns):
        _draw_arrows(ax, depth, heights[depth], activations, nudges)
        title = "inputs" if depth == 0 and shown is layers else "outputs" if depth == len(columns) - 1 else "activations"
        ax.text(depth, tallest / 2 + 0.6, title, ha="center", va="bottom", fontsize=9, color=GREY)
    for index, (height, nudge) in enumerate(zip(heights[-1], output_nudges)):
        ax.text(len(shown) + 0.26, height, f"{index}: {nudge:+.2g}", va="center", fontsize=8)
    ax.set(xlim=(-0.3, len(shown) + 0.75), ylim=(-tallest / 2 - 0.6, tallest / 2 + 1.4))
    ax.set_axis_off()
    return ax


def _draw_arrows(ax: Axes, depth: int, heights: Array, activations: Array, nudges: Array) -> None:
    """Draw a column of circles, each with its nudge as an arrow on its right."""
    fills = np.abs(activations) / (np.abs(activations).max() or 1.0)
    ax.scatter([depth] * len(heights), heights, s=130, c=1 - 0.8 * fills, cmap="gray", vmin=0, vmax=1, edgecolors=GREY, zorder=2)
    for height, length in zip(heights, 0.9 * nudges / (np.abs(nudges).max() or 1.0)):
        if abs(length) > 0.05:
            tip, end = ((depth + 0.14, height + sign * length / 2) for sign in (1, -1))
            style = {"arrowstyle": "-|>,head_width=0.22,head_length=0.3", "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", tip, end, arrowprops={**style, "color": sign_colour(length)}, zorder=3)


@dataclass(frozen=True)
class NudgeSheet:
    """A table of nudges: a row for each group of examples, with its part of the average, and the average as the last row."""

    cells: Array  # (groups + 1, parameters), in units of `unit`; the rows above the last add up to it
    names: list[str]  # of the parameters
    labels: list[str]  # of the rows
    unit: float


def nudge_sheet(sheet: NudgeSheet, ax: Axes | None = None) -> Axes:
    """Draw a table of nudges; `NudgeTable.plot` calls this."""
    ax = axes_or_current(ax)
    cells, last = sheet.cells, len(sheet.cells) - 1
    limit = np.abs(cells).max() or 1.0
    ax.imshow(np.sign(cells) * np.sqrt(np.abs(cells) / limit), cmap=signed_colours(), vmin=-1.3, vmax=1.3, aspect="auto")
    for (row, column), nudge in np.ndenumerate(cells if len(sheet.names) <= 16 else cells[:0]):
        ax.text(column, row, f"{nudge + 0.0:+.2f}", ha="center", va="center", fontsize=8, fontweight="bold" if row == last else "normal")
    ax.axhline(last - 0.5, color="black", linewidth=1)  # the line above a sum
    ax.set_yticks(range(len(cells)), sheet.labels, fontsize=8)
    ax.set_xticks(range(len(sheet.names)), sheet.names, rotation=60, ha="right", fontsize=7)
    ax.set_xlabel(f"in units of {sheet.unit:g}; the rows add up to the average", fontsize=8)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
