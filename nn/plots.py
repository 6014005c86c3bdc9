"""Pictures of networks, training and data, in matplotlib's manner: give an `ax` or take the current one, and get it back.

Blue is positive and orange is negative everywhere; the colours (Okabe and Ito, 2008) are told apart by colour-blind eyes
too, and classes have a marker each. Needs matplotlib, the extra `plots`, once one of these is called.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograd import grad
from nn.activations import name_of
from nn.arrays import Array
from nn.history import History
from nn.module import Module
from nn.network import MLP, Layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

POSITIVE, NEGATIVE, GREY = "#0072B2", "#D55E00", "#777777"
CLASSES = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]
MARKERS = "osD^vPX*"


def network(model: MLP, x: npt.ArrayLike | None = None, ax: Axes | None = None, most: int = 16) -> Axes:
    """A network as circles and lines: as thick as the weight, and the ring as the bias; blue where positive, orange where negative.

    With an input `x` each circle is filled by its activation. Of a layer with more than `most` neurons a few are
    shown, around three dots.
    """
    ax = axes_or_current(ax)
    shown = [_shown(size, most) for size in model.sizes]
    places = [_places(len(indices), len(indices) < size) for indices, size in zip(shown, model.sizes)]
    for depth, layer in enumerate(model.layers):
        weights = np.array([[layer.neurons[j].weights[i].data for i in shown[depth]] for j in shown[depth + 1]])
        connections(ax, depth, weights, places[depth], places[depth + 1])

    biases = [[0.0] * model.sizes[0], *([neuron.bias.data for neuron in layer.neurons] for layer in model.layers)]
    largest_bias = max(abs(bias) for column in biases for bias in column) or 1.0
    activations = None if x is None else _activations(model, x)
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
    """The neurons of a layer to draw: all of them, or the first few and the last few."""
    if size <= most:
        return list(range(size))
    few = min(most, 10)
    first = few - few // 2
    return [*range(first), *range(size - few + first, size)]


def _places(count: int, gap: bool) -> list[float]:
    """Heights from top to bottom around 0, one apart, with room for the dots in the middle where neurons are left out."""
    heights = [(count - 1 + gap) / 2 - index for index in range(count + gap)]
    if gap:
        del heights[count - count // 2]
    return heights


def connections(
    ax: Axes, depth: int, weights: Array, places: Sequence[float], next_places: Sequence[float], faintest: float = 0.15
) -> None:
    """A line for each weight, (neurons, inputs), between two columns: as thick and as dark as it is large, and those on top."""
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
    """A column of circles; rings and fills run from -1 to 1."""
    ax.scatter(
        [depth] * len(heights),
        heights,
        s=area,
        c=[_shade(fill) for fill in fills or [0.0] * len(heights)],
        edgecolors=[sign_colour(ring) if ring else GREY for ring in rings],
        linewidths=[0.8 + 2.7 * abs(ring) for ring in rings],
        zorder=2,
    )


def _activations(model: MLP, x: npt.ArrayLike) -> list[list[float]]:
    values: list[Any] = np.asarray(x, dtype=np.float64).tolist()
    found = [values]
    for layer in model.layers:
        values = [float(getattr(output, "data", output)) for output in layer(values)]
        found.append(values)
    return found


def _shade(share: float) -> tuple[float, ...]:
    """From orange at -1 over white at 0 to blue at 1."""
    from matplotlib.colors import to_rgb

    return tuple(1 + min(abs(share), 1) * (channel - 1) for channel in to_rgb(sign_colour(share)))


def decision_boundary(
    predict: Module | Callable[[Array], npt.ArrayLike],
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    ax: Axes | None = None,
    threshold: float | None = None,
    resolution: int = 200,
) -> Axes:
    """Points X (n, 2) with labels y (n,), over the regions in which `predict` would give each class.

    `predict` is a model, or any function from rows (n, 2) to outputs: (n, classes), the largest counts, or (n,) or (n, 1),
    where the threshold (default: the model's, else 0) parts the lower label from the higher.
    """
    points, labels = np.asarray(X, dtype=np.float64), np.asarray(y).reshape(-1)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels):
        raise ValueError(
            f"a decision boundary is drawn in the plane: X must be (n, 2) and y (n,), got {points.shape} and {np.asarray(y).shape}"
        )
    ax = axes_or_current(ax)
    margin = 0.15 * np.ptp(points, axis=0).max()
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    x1, x2 = (np.linspace(low[axis], high[axis], resolution) for axis in (0, 1))
    grid = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    outputs = np.asarray(predict.predict(grid) if isinstance(predict, Module) else predict(grid), dtype=np.float64)
    outputs = outputs.reshape(len(grid), -1)
    if outputs.shape[1] == 1:
        limit = getattr(predict, "threshold", 0.0) if threshold is None else threshold
        regions, names = (outputs[:, 0] > limit).astype(int), np.unique(labels)
        score = outputs[:, 0] - limit
        strength = np.abs(score) / (np.quantile(np.abs(score), 0.9) or 1.0)
        ax.contour(x1, x2, score.reshape(resolution, resolution), levels=[0], colors="black", linewidths=1.2)
    else:
        regions, names = outputs.argmax(axis=1), np.arange(outputs.shape[1])
        best = np.sort(outputs, axis=1)
        lead = best[:, -1] - best[:, -2]
        strength = lead / (np.quantile(lead, 0.9) or 1.0)
    ax.imshow(
        _tint(regions, 0.12 + 0.3 * np.clip(strength, 0, 1)).reshape(resolution, resolution, 3),
        extent=(low[0], high[0], low[1], high[1]),
        origin="lower",
        interpolation="bilinear",
        zorder=0,
    )
    for index, name in enumerate(names):
        members = points[labels == name]
        ax.scatter(
            members[:, 0],
            members[:, 1],
            c=CLASSES[index % len(CLASSES)],
            marker=MARKERS[index % len(MARKERS)],
            s=30,
            edgecolors="white",
            linewidths=0.6,
            label=f"class {name:g}",
        )
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x[0]", ylabel="x[1]", aspect="equal")
    return ax


def _tint(regions: npt.NDArray[Any], strength: Array) -> Array:
    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(colour) for colour in CLASSES])[regions % len(CLASSES)]
    tinted: Array = 1 + strength[:, None] * (colours - 1)
    return tinted


def history(history: History, ax: Axes | None = None) -> Axes:
    """The cost for each epoch and, against an axis on the right, the accuracy; those on validation data are dashed."""
    ax = axes_or_current(ax)
    from matplotlib.ticker import MaxNLocator

    marker = "o" if len(history.cost) < 3 else None
    curves = []
    sides = [(ax, "cost", NEGATIVE, history.cost, history.validation_cost)]
    if history.accuracy or history.validation_accuracy:
        sides.append((ax.twinx(), "accuracy", POSITIVE, history.accuracy, history.validation_accuracy))
    for side, name, colour, training, validation in sides:
        for label, numbers, style in ((name, training, "-"), (f"validation {name}", validation, "--")):
            if numbers:
                curves += side.plot(range(1, len(numbers) + 1), numbers, style, color=colour, marker=marker, label=label)
        side.set_ylabel(name, color=colour)
        side.tick_params(axis="y", labelcolor=colour)
        side.spines["top"].set_visible(False)
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(handles=curves, loc="center right", fontsize=8)
    return ax


def activation(f: Callable[[Any], Any], ax: Axes | None = None, low: float = -5.0, high: float = 5.0) -> Axes:
    """An activation with its first and second derivative; shaded where it is saturated, and lets almost no gradient through."""
    ax = axes_or_current(ax)
    x = np.linspace(low, high, 401)
    first = grad(f)
    curves = [np.array([float(getattr(g(each), "data", g(each))) for each in x.tolist()]) for g in (f, first, grad(first))]
    for values, label, colour, style in zip(curves, ("f", "f ′", "f ″"), (POSITIVE, NEGATIVE, "#009E73"), ("-", "--", ":")):
        ax.plot(x, values, style, color=colour, label=label, linewidth=2)
    slope, curvature = np.abs(curves[1]), np.abs(curves[2])
    saturated = (slope < 0.05 * np.nanmax(slope)) & (curvature <= 0.2 * np.nanmax(curvature))  # flat, and not only on top of a hill
    ax.fill_between(x, 0, 1, where=saturated, transform=ax.get_xaxis_transform(), color=GREY, alpha=0.15, linewidth=0, label="saturated")
    ax.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    ax.set(xlim=(low, high), xlabel="weighted sum", title=name_of(f))
    ax.legend(fontsize=8)
    return ax


def images(
    rows: npt.ArrayLike,
    captions: Sequence[str] = (),
    ax: Axes | None = None,
    shape: tuple[int, int] | None = None,
    signed: bool = False,
) -> Axes:
    """Rows (n, pixels) as images beside and below each other, with captions. Signed ones are orange, white at 0, and blue.

    Without a shape, (height, width), the images are squares.
    """
    pixels = np.asarray(rows, dtype=np.float64)
    if pixels.ndim != 2 or not len(pixels):
        raise ValueError(f"images takes rows of pixels, (n, pixels), got shape {pixels.shape}")
    side = math.isqrt(pixels.shape[1])
    height, width = shape or (side, side)
    if height * width != pixels.shape[1]:
        raise ValueError(f"{pixels.shape[1]} pixels make no image of {height} x {width}: give shape=(height, width)")
    if captions and len(captions) != len(pixels):
        raise ValueError(f"images needs one caption for each: got {len(pixels)} images and {len(captions)} captions")
    ax = axes_or_current(ax)
    columns = math.ceil(math.sqrt(len(pixels) * height / width))
    gap = max(1, height // 8)
    above = 2 * gap if captions else 0
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
        ax.plot(*zip(*_corners(left, top, width, height)), color=GREY, linewidth=0.4)
        if captions:
            ax.text(left + width / 2, top - 0.3 * gap, captions[index], ha="center", va="bottom", fontsize=8)
    rows_used = math.ceil(len(pixels) / columns)
    ax.set_xlim(-gap, columns * (width + gap))
    ax.set_ylim(rows_used * (height + gap + above) - above, -gap - above)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _corners(left: float, top: float, width: float, height: float) -> list[tuple[float, float]]:
    right, bottom = left + width, top + height
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


def weights_as_images(layer: Layer | MLP, ax: Axes | None = None, shape: tuple[int, int] | None = None) -> Axes:
    """What each neuron of a layer (of a network: the first) looks for: its weights as an image of the input's shape."""
    neurons = (layer.layers[0] if isinstance(layer, MLP) else layer).neurons
    return images([[weight.data for weight in neuron.weights] for neuron in neurons], ax=ax, shape=shape, signed=True)


def confusion(truth: npt.ArrayLike, predicted: npt.ArrayLike, ax: Axes | None = None, classes: Sequence[str] = ()) -> Axes:
    """How often each class, a row, was taken for each class, a column; shaded by the share of the row. Labels are (n,)."""
    matrix = confusion_matrix(truth, predicted, len(classes))
    ax = axes_or_current(ax)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    ax.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1.2)  # the root, so that the few mistakes are seen beside the many hits
    for row, column in np.argwhere(matrix):
        colour = "white" if share[row, column] > 0.4 else "black"
        ax.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=8, color=colour)
    names = list(classes) or [str(label) for label in range(len(matrix))]
    ax.set(xticks=range(len(names)), yticks=range(len(names)), xticklabels=names, yticklabels=names, xlabel="predicted", ylabel="truth")
    return ax


def confusion_matrix(truth: npt.ArrayLike, predicted: npt.ArrayLike, classes: int = 0) -> npt.NDArray[np.int64]:
    """Counts (classes, classes): the row is the true label, the column the predicted one."""
    rows, columns = np.asarray(truth), np.asarray(predicted)
    if rows.ndim != 1 or rows.shape != columns.shape or not {rows.dtype.kind, columns.dtype.kind} <= set("iu"):
        raise ValueError(
            "a confusion matrix takes two equally long rows of whole labels, "
            f"got shapes {rows.shape} and {columns.shape} of {rows.dtype} and {columns.dtype}"
        )
    both = np.concatenate([rows, columns]).astype(np.int64)
    size = classes or int(both.max(initial=-1)) + 1
    if both.size and not 0 <= both.min() <= both.max() < size:
        raise ValueError(f"labels run from 0 to {size - 1} here, got {both.min()} to {both.max()}")
    return np.bincount(rows.astype(np.int64) * size + columns.astype(np.int64), minlength=size * size).reshape(size, size)


def axes_or_current(ax: Axes | None) -> Axes:
    """The axes to draw on: those given, or the current ones. Raises ImportError where there is no matplotlib."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("nn.plots needs matplotlib, from the extra `plots`: pip install -e '.[plots]'") from error
    return pyplot.gca() if ax is None else ax


def sign_colour(number: float) -> str:
    """Blue, or orange for what is negative."""
    return POSITIVE if number >= 0 else NEGATIVE


def signed_colours() -> Colormap:
    """From orange over white to blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [NEGATIVE, "white", POSITIVE])
