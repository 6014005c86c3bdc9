"""Pictures of networks, training and data, in matplotlib's manner: give an `ax` or take the current one, and get it back.

Blue is positive and orange is negative everywhere; the colours (Okabe and Ito, 2008) are told apart by colour-blind eyes
too, and classes have a marker each. Needs matplotlib, the extra `plots`, once one of these is called.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograd import UndefinedError, grad
from autograd._support import missing
from nn._validation import unmasked
from nn.activations import name_of
from nn.inputs import Array, examples
from nn.module import Module
from nn.network import MLP, Layer
from nn.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

POSITIVE, NEGATIVE, GREY = "#0072B2", "#D55E00", "#777777"
CLASSES = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]
MARKERS = "osD^vPX*"
MOST_CLASSES = 1000  # of a confusion matrix: more would be too many to see, or to keep


def network(model: MLP, x: npt.ArrayLike | None = None, ax: Axes | None = None, most: int = 16) -> Axes:
    """A network as circles and lines: as thick as the weight, and the ring as the bias; blue where positive, orange where negative.

    With an input `x` each circle is filled by its activation. Of a layer with more than `most` neurons a few are
    shown, around three dots. Raises ValueError for a network with a parameter that is no finite number, as after divergence.
    """
    _require_kind("network", "an MLP", model, MLP)
    if most < 1:
        raise ValueError(f"most={most} must be 1 or more: how many neurons of a layer to draw")
    _require_finite(model)
    activations = None if x is None else _activations(model, x)
    ax = axes_or_current(ax)
    shown = [_shown(size, most) for size in model.sizes]
    places = [_places(len(indices), len(indices) < size) for indices, size in zip(shown, model.sizes)]
    for depth, layer in enumerate(model.layers):
        weights = np.array([[layer.neurons[j].weights[i].data for i in shown[depth]] for j in shown[depth + 1]])
        connections(ax, depth, weights, places[depth], places[depth + 1])

    biases = [[0.0] * model.sizes[0], *([neuron.bias.data for neuron in layer.neurons] for layer in model.layers)]
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
    values: list[Any] = examples("x", x).tolist()
    if np.shape(values) != (model.sizes[0],):
        raise ValueError(f"x must be one example, ({model.sizes[0]},), got the shape {np.shape(values)}")
    found = [values]
    for depth, layer in enumerate(model.layers):
        values = [float(getattr(output, "data", output)) for output in layer(values)]
        found.append(examples(f"layers[{depth}]'s outputs", values).tolist())
    return found


def _require_finite(model: Module) -> None:
    for name, parameter in model.named_parameters():
        if not math.isfinite(parameter.data):
            raise ValueError(f"{name} is {parameter.data}: a network that has diverged has no picture; lower the learning rate, or clip")


def _require_kind(name: str, what: str, given: object, kind: type | tuple[type, ...]) -> None:
    if not isinstance(given, kind):
        raise TypeError(f"plots.{name} draws {what}, got {type(given).__name__} {given!r:.60}")


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
    where the threshold (default: the model's, else 0) parts the lower label from the higher. Labels may be names, in alphabetical
    order. Raises ValueError where these do not fit together, or an output is no finite number.
    """
    points, labels = _points(X, y)
    if resolution < 2:
        raise ValueError(f"resolution={resolution} must be 2 or more: how many points across to ask for")
    margin = 0.15 * (float(np.ptp(points, axis=0).max()) or max(1.0, float(np.abs(points).max())))
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    x1, x2 = (np.linspace(low[axis], high[axis], resolution) for axis in (0, 1))
    outputs = _outputs(predict, np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2))
    names, first = _names(labels, outputs.shape[1])
    ax = axes_or_current(ax)
    if outputs.shape[1] == 1:
        limit = getattr(predict, "threshold", 0.0) if threshold is None else threshold
        regions, score = (outputs[:, 0] > limit).astype(int), outputs[:, 0] - limit
        strength = np.abs(score) / (np.quantile(np.abs(score), 0.9) or 1.0)
        if score.min() < 0 < score.max():
            ax.contour(x1, x2, score.reshape(resolution, resolution), levels=[0], colors="black", linewidths=1.2)
    else:
        regions = outputs.argmax(axis=1)
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
    for index, name in enumerate(names, start=first):
        members = points[labels == name]
        ax.scatter(
            members[:, 0],
            members[:, 1],
            c=CLASSES[index % len(CLASSES)],
            marker=MARKERS[(index + index // len(CLASSES)) % len(MARKERS)],  # no two of the first 64 classes look the same
            s=30,
            edgecolors="white",
            linewidths=0.6,
            label=str(name) if labels.dtype.kind == "U" else f"class {name:g}",
        )
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x[0]", ylabel="x[1]", aspect="equal")
    return ax


def _points(X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, npt.NDArray[Any]]:
    """The points of the plane and the label of each, a finite number or a name."""
    points, labels = examples("X", X), _plain_labels("y", y)
    column = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if points.ndim != 2 or points.shape[1] != 2 or column.shape != (len(points),):
        hint = "; for one-hot rows write y.argmax(axis=1)" if labels.ndim == 2 and len(labels) == len(points) else ""
        raise ValueError(
            f"a decision boundary is drawn in the plane: X must be (n, 2) and y (n,), got {points.shape} and {labels.shape}{hint}"
        )
    return points, column if column.dtype.kind == "U" else examples("y", column)


def _plain_labels(name: str, given: npt.ArrayLike) -> npt.NDArray[Any]:
    """Labels as an array of numbers or of strings. Raises ValueError if an entry is masked, or the labels are a mixture.

    Python objects are sorted as what they are: numbers as numbers, and only strings in alphabetical order.
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


def _outputs(predict: Module | Callable[[Array], npt.ArrayLike], grid: Array) -> Array:
    """What `predict` gives for each row: shape (rows, outputs)."""
    if not isinstance(predict, Module) and not callable(predict):
        raise TypeError(
            f"decision_boundary takes a model, or a function from rows (n, 2) to outputs, got {type(predict).__name__} {predict!r:.60}"
        )
    given = predict.predict(grid) if isinstance(predict, Module) else predict(grid)
    if np.ndim(given) not in (1, 2) or len(np.asarray(given)) != len(grid):
        raise ValueError(
            f"predict must give an output, or a row of them, for each of the {len(grid)} rows that it is given, got the shape "
            f"{np.shape(given)}: of a function of one example make one of rows with vectorize"
        )
    return examples("predict's outputs", given).reshape(len(grid), -1)


def _names(labels: npt.NDArray[Any], outputs: int) -> tuple[npt.NDArray[Any], int]:
    """The labels to draw, in the order of the classes, and the class of the first."""
    names = np.unique(labels)
    if outputs == 1:
        if len(names) > 2:
            raise ValueError(f"one output parts two classes, and y has {len(names)} labels: give predict an output for each class")
        return names, int(len(names) == 1 and names.dtype.kind == "f" and names[0] > 0)
    if names.dtype.kind == "U":
        if len(names) != outputs:
            raise ValueError(f"y has {len(names)} names and predict {outputs} outputs: give the classes as numbers from 0 to {outputs - 1}")
        return names, 0
    if not set(names.tolist()) <= set(range(outputs)):
        raise ValueError(
            f"{outputs} outputs are for the labels from 0 to {outputs - 1}, and y has {names[0]:g} to {names[-1]:g}; "
            f"for other labels: classes, y = np.unique(y, return_inverse=True)"
        )
    return np.arange(outputs), 0


def _tint(regions: npt.NDArray[Any], strength: Array) -> Array:
    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(colour) for colour in CLASSES])[regions % len(CLASSES)]
    tinted: Array = 1 + strength[:, None] * (colours - 1)
    return tinted


def history(history: History, ax: Axes | None = None) -> Axes:
    """The cost for each epoch and, against an axis on the right, the accuracy; those on validation data are dashed."""
    _require_kind("history", "a History, as train returns it", history, History)
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
                first = history.forgotten.epochs + 1
                curves += side.plot(range(first, first + len(numbers)), numbers, style, color=colour, marker=marker, label=label)
        side.set_ylabel(name, color=colour)
        side.tick_params(axis="y", labelcolor=colour)
        side.spines["top"].set_visible(False)
    if min([0.0, *history.cost, *history.validation_cost]) == 0:  # a cost may be a log density, below 0
        ax.set_ylim(bottom=0.0)
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))  # of a single epoch too
    ax.legend(handles=curves, loc="center right", fontsize=8)
    return ax


def activation(f: Callable[[Any], Any], ax: Axes | None = None, low: float = -5.0, high: float = 5.0) -> Axes:
    """An activation with its first and second derivative; shaded where it is saturated, and lets almost no gradient through.

    There is a gap where it is undefined. Raises TypeError for what cannot be differentiated twice.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"low={low} must be below high={high}, and both finite: from where to where to draw")
    x = np.linspace(low, high, 401)
    curves = _with_derivatives(f, x.tolist())
    if not np.isfinite(curves[:2]).any(axis=1).all():
        raise ValueError(
            f"{name_of(f)} is undefined, or has no derivative, everywhere from {low:g} to {high:g}: draw it elsewhere, with low and high"
        )
    ax = axes_or_current(ax)
    for values, label, colour, style in zip(curves, ("f", "f ′", "f ″"), (POSITIVE, NEGATIVE, "#009E73"), ("-", "--", ":")):
        ax.plot(x, values, style, color=colour, label=label, linewidth=2)
    sizes = np.abs(curves[np.isfinite(curves)])
    most, usual = float(sizes.max()), float(np.quantile(sizes, 0.95))
    if most > 5 * usual > 0:  # a pole would flatten all the rest, and make it look saturated
        most = usual
        ax.set_ylim(-1.5 * usual, 1.5 * usual)
    slope, curvature = np.abs(curves[1]), np.abs(curves[2])
    steepest, sharpest = (min(most, float(np.max(each, where=np.isfinite(each), initial=0.0))) for each in (slope, curvature))
    saturated = (slope < 0.05 * steepest) & (curvature <= 0.2 * sharpest)  # flat, and not only on top of a hill
    ax.fill_between(x, 0, 1, where=saturated, transform=ax.get_xaxis_transform(), color=GREY, alpha=0.15, linewidth=0, label="saturated")
    ax.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    ax.set(xlim=(low, high), xlabel="weighted sum", title=name_of(f))
    ax.legend(fontsize=8)
    return ax


def _with_derivatives(f: Callable[[Any], Any], points: list[float]) -> Array:
    """A function's values and its first two derivatives, (3, points); NaN where they are undefined."""
    if isinstance(f, np.ufunc):
        raise TypeError(f"numpy's {f.__name__} cannot be differentiated twice: use autograd's, as in `from autograd import tanh`")
    if not callable(f):
        raise TypeError(f"plots.activation draws a function of one number, got {type(f).__name__} {f!r:.60}")

    def at(g: Callable[[float], Any], point: float) -> float:
        try:
            result = g(point)
        except (UndefinedError, ZeroDivisionError):
            return math.nan
        if isinstance(result, str):
            raise TypeError(f"it returned {result!r:.60}")
        return float(getattr(result, "data", result))

    first = grad(f)
    try:
        return np.array([[at(g, point) for point in points] for g in (f, first, grad(first))])
    except (TypeError, ValueError) as error:
        why = f": {error}" if isinstance(error, TypeError) else ""  # a ValueError here is numpy's, about memory
        raise TypeError(
            f"plots.activation draws a function of one number that can be differentiated twice, written with autograd's functions "
            f"and not with numpy's or math's; {name_of(f)} is none{why}"
        ) from error


def images(
    rows: npt.ArrayLike,
    captions: Sequence[object] | npt.NDArray[Any] = (),
    ax: Axes | None = None,
    shape: tuple[int, int] | None = None,
    signed: bool = False,
) -> Axes:
    """Rows (n, pixels) as images beside and below each other, with captions. Signed ones are orange, white at 0, and blue.

    Without a shape, (height, width), the images are squares; an array (n, height, width) has its own.
    """
    if isinstance(rows, np.ndarray) and rows.ndim == 3:
        shape, rows = shape or (rows.shape[1], rows.shape[2]), rows.reshape(len(rows), -1)
    pixels = examples("rows", rows)
    if pixels.ndim != 2:
        raise ValueError(f"images takes rows of pixels, (n, pixels), got shape {pixels.shape}")
    side = math.isqrt(pixels.shape[1])
    if shape is not None and (np.shape(shape) != (2,) or not all(isinstance(each, (int, np.integer)) and each > 0 for each in shape)):
        raise ValueError(f"shape={shape!r} must be two whole numbers above 0: (height, width)")
    height, width = shape or (side, side)
    if height * width != pixels.shape[1]:
        raise ValueError(f"{pixels.shape[1]} pixels make no image of {height} x {width}: give shape=(height, width)")
    if not isinstance(captions, (Sequence, np.ndarray)):
        raise TypeError(f"captions must be a list of texts, got {type(captions).__name__}; axes go by name: ax=...")
    if len(captions) and len(captions) != len(pixels):
        raise ValueError(f"images needs one caption for each: got {len(pixels)} images and {len(captions)} captions")
    ax = axes_or_current(ax)
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
        ax.plot(*zip(*_corners(left, top, width, height)), color=GREY, linewidth=0.4)
        if len(captions):
            ax.text(left + width / 2, top - 0.3 * gap, str(captions[index]), ha="center", va="bottom", fontsize=8)
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
    _require_kind("weights_as_images", "a Layer, or the first of an MLP", layer, (Layer, MLP))
    neurons = (layer.layers[0] if isinstance(layer, MLP) else layer).neurons
    _require_finite(layer)
    return images([[weight.data for weight in neuron.weights] for neuron in neurons], ax=ax, shape=shape, signed=True)


def confusion(truth: npt.ArrayLike, predicted: npt.ArrayLike, ax: Axes | None = None, classes: int | Sequence[str] = 0) -> Axes:
    """How often each class, a row, was taken for each class, a column; shaded by the share of the row. See `confusion_matrix`."""
    rows, columns, names = _labels(truth, predicted, classes)
    if not names:
        raise ValueError("there are no labels to draw the confusion of")
    matrix = _counts(rows, columns, len(names))
    ax = axes_or_current(ax)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    ax.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1.2)  # the root, so that the few mistakes are seen beside the many hits
    for row, column in np.argwhere(matrix):
        colour = "white" if share[row, column] > 0.4 else "black"
        ax.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=8, color=colour)
    ax.set(xticks=range(len(names)), yticks=range(len(names)), xticklabels=names, yticklabels=names, xlabel="predicted", ylabel="truth")
    return ax


def confusion_matrix(truth: npt.ArrayLike, predicted: npt.ArrayLike, classes: int | Sequence[str] = 0) -> npt.NDArray[np.int64]:
    """Counts (classes, classes): the row is the true label, the column the predicted one.

    Labels (n,) are whole numbers from 0, or names: those of `classes`, or where there are none given in alphabetical order.
    Raises ValueError for others.
    """
    rows, columns, names = _labels(truth, predicted, classes)
    return _counts(rows, columns, len(names))


def _counts(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    return np.bincount(rows * size + columns, minlength=size * size).reshape(size, size)


def _labels(
    truth: npt.ArrayLike, predicted: npt.ArrayLike, classes: int | Sequence[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[str]]:
    """Two rows of labels as places among the classes, and these classes' names."""
    rows, columns = _plain_labels("truth", truth), _plain_labels("predicted", predicted)
    names = [str(each) for each in (range(classes) if isinstance(classes, int) else classes)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the classes have the name {twice[0]!r} twice")
    if rows.ndim != 1 or rows.shape != columns.shape:
        hint = "; for one-hot rows write argmax(axis=1)" if rows.ndim == 2 or columns.ndim == 2 else ""
        raise ValueError(f"a confusion matrix takes two equally long rows of labels, got shapes {rows.shape} and {columns.shape}{hint}")
    if {rows.dtype.kind, columns.dtype.kind} <= {"U"} and rows.size:
        return _named(rows, columns, [] if isinstance(classes, int) else names)
    if not all(_is_whole(each) for each in (rows, columns)):
        raise ValueError(f"labels are whole numbers, or names in both rows, got rows of {rows.dtype} and {columns.dtype}")
    both = np.concatenate([rows, columns]).astype(np.int64)
    size = len(names) or min(int(both.max(initial=-1)) + 1, MOST_CLASSES)
    if both.size and not 0 <= both.min() <= both.max() < size:
        hint = "give others as names, such as y.astype(str)"
        raise ValueError(f"labels run from 0 to {size - 1} here, got {both.min()} to {both.max()}; {hint}")
    return both[: len(rows)], both[len(rows) :], names or [str(label) for label in range(size)]


def _named(
    truth: npt.NDArray[Any], predicted: npt.NDArray[Any], names: list[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[str]]:
    rows, columns = [str(each) for each in truth.tolist()], [str(each) for each in predicted.tolist()]
    names = names or sorted({*rows, *columns})
    places = {name: place for place, name in enumerate(names)}
    for label in (*rows, *columns):
        if label not in places:
            raise ValueError(f"the label {label!r} is none of the classes {names}")
    return np.array([places[each] for each in rows]), np.array([places[each] for each in columns]), names


def _is_whole(labels: npt.NDArray[Any]) -> bool:
    return labels.dtype.kind in "biu" or (labels.dtype.kind == "f" and bool((labels == np.round(labels)).all()))


def axes_or_current(ax: Axes | None) -> Axes:
    """The axes to draw on: those given, or the current ones.

    Raises ImportError where there is no matplotlib, and TypeError for anything but axes.
    """
    try:
        from matplotlib import axes, pyplot
    except ImportError as error:
        raise ImportError(missing("nn.plots", "matplotlib")) from error
    if ax is not None and not isinstance(ax, axes.Axes):
        hint = ": take one of them, as in axes[0]" if isinstance(ax, np.ndarray) else ""
        raise TypeError(f"ax must be one of matplotlib's Axes, got {type(ax).__name__}{hint}")
    return pyplot.gca() if ax is None else ax


def sign_colour(number: float) -> str:
    """Blue, or orange for what is negative."""
    return POSITIVE if number >= 0 else NEGATIVE


def signed_colours() -> Colormap:
    """From orange over white to blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [NEGATIVE, "white", POSITIVE])
