"""Draw points of a plane over the regions in which a model predicts each class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nn.inputs import Array, examples
from nn.module import Module
from nn.plots._style import CLASSES, MARKERS, axes_or_current, plain_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def decision_boundary(
    predict: Module | Callable[[Array], npt.ArrayLike],
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    ax: Axes | None = None,
    threshold: float | None = None,
    resolution: int = 200,
) -> Axes:
    """Draw points with their labels over the regions in which `predict` gives each class.

    Parameters
    ----------
    predict : Module or callable
        A model, or a function from rows (n, 2) to outputs: (n, classes), where the largest output is the class, or (n,) or (n, 1), where
        the threshold separates the lower label from the higher.
    X : array_like, shape (n, 2)
        The points.
    y : array_like, shape (n,)
        Their labels: numbers, or names, which are sorted alphabetically.
    ax : matplotlib Axes, optional
        The axes to draw on. Default: the current ones.
    threshold : float, optional
        The threshold of a single output. Default: the threshold of the model, otherwise 0.
    resolution : int, default 200
        The number of grid points along each axis.

    Raises
    ------
    ValueError
        If points, labels and outputs do not match, or an output is not finite.
    """
    points, labels = _points(X, y)
    if resolution < 2:
        raise ValueError(f"resolution={resolution} must be 2 or more: the number of grid points along each axis")
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
        colour, marker = CLASSES[index % len(CLASSES)], MARKERS[(index + index // len(CLASSES)) % len(MARKERS)]  # 64 combinations
        label = str(name) if labels.dtype.kind == "U" else f"class {name:g}"
        x, y = points[labels == name].T
        ax.scatter(x, y, c=colour, marker=marker, s=30, edgecolors="white", linewidths=0.6, label=label)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x[0]", ylabel="x[1]", aspect="equal")
    return ax


def _points(X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, npt.NDArray[Any]]:
    """The points and their labels, finite numbers or names."""
    points, labels = examples("X", X), plain_labels("y", y)
    column = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if points.ndim != 2 or points.shape[1] != 2 or column.shape != (len(points),):
        hint = "; for one-hot rows write y.argmax(axis=1)" if labels.ndim == 2 and len(labels) == len(points) else ""
        raise ValueError(
            f"a decision boundary is drawn in the plane: X must be (n, 2) and y (n,), got {points.shape} and {labels.shape}{hint}"
        )
    return points, column if column.dtype.kind == "U" else examples("y", column)


def _outputs(predict: Module | Callable[[Array], npt.ArrayLike], grid: Array) -> Array:
    """The outputs of `predict` for each row: shape (rows, outputs)."""
    if not isinstance(predict, Module) and not callable(predict):
        raise TypeError(
            f"decision_boundary takes a model, or a function from rows (n, 2) to outputs, got {type(predict).__name__} {predict!r:.60}"
        )
    given = predict.predict(grid) if isinstance(predict, Module) else predict(grid)
    if np.ndim(given) not in (1, 2) or len(np.asarray(given)) != len(grid):
        raise ValueError(
            f"predict must return an output, or a row of outputs, for each of {len(grid)} rows, got the shape {np.shape(given)}: "
            f"vectorize turns a function of one example into a function of rows"
        )
    return examples("predict's outputs", given).reshape(len(grid), -1)


def _names(labels: npt.NDArray[Any], outputs: int) -> tuple[npt.NDArray[Any], int]:
    """The labels to draw, in the order of the classes, and the class of the first."""
    names = np.unique(labels)
    if outputs == 1:
        if len(names) > 2:
            raise ValueError(f"one output separates two classes, and y has {len(names)} labels: predict must give an output for each class")
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
