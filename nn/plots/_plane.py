"""Draw points of a plane over the regions in which a model predicts each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd._support import is_whole
from nn.classification import class_index
from nn.frames import Columns, Inputs, chosen, columns_of, is_table, missing_in
from nn.inputs import Array, examples
from nn.labels import indices, plain
from nn.module import Module
from nn.plots._style import CLASSES, MARKERS, axes_or_current, plain_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALIKE = 3.0  # units of two features whose ranges differ by less are drawn at the same size


def decision_boundary(
    predict: Module | Callable[[Array], npt.ArrayLike],
    X: Inputs,
    y: npt.ArrayLike,
    ax: Axes | None = None,
    threshold: float | None = None,
    resolution: int = 200,
    features: Sequence[int | str] = (0, 1),
    others: Mapping[Any, Any] | None = None,
) -> Axes:
    """Draw points with their labels over the regions in which `predict` gives each class, with lines between the classes.

    The axes have the names of the features if X is a table, or the model was trained on one. If the labels are no numbers, or the model
    has `classes`, there is a legend.

    Parameters
    ----------
    predict : Module or callable
        A model, or a function from rows (n, features) to outputs: (n, classes), where the largest output is the class, or (n,) or (n, 1),
        where the threshold separates the lower label from the higher.
    X : array_like, shape (n, features), or table
        The points. A model with a preprocessing takes raw rows.
    y : array_like, shape (n,)
        Their labels: numbers, or names, which are sorted alphabetically. For a model with `classes`, its labels.
    ax : matplotlib Axes, optional
        The axes to draw on. Default: the current ones.
    threshold : float, optional
        The threshold of a single output. Default: the threshold of the model, otherwise 0.
    resolution : int, default 200
        The number of grid points along each axis.
    features : pair of int or str, default (0, 1)
        The features on the axes, by position or name.
    others : mapping, optional
        Values of other features in the plane, by position or name. Default: the mean of numbers, the most frequent word.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If points, labels and outputs do not match, or an output is not finite.
    """
    plane = _plane(predict, X, features, others)
    labels, names = _labels(predict, y, len(plane.points))
    if resolution < 2:
        raise ValueError(f"resolution={resolution} must be 2 or more: the number of grid points along each axis")
    known = np.isfinite(plane.points).all(axis=1)
    points, labels = plane.points[known], labels[known]
    low, high = _limits(points)
    x1, x2 = (np.linspace(low[axis], high[axis], resolution) for axis in (0, 1))
    outputs = _outputs(predict, plane.rows(np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)), resolution**2)
    drawn, first = _names(labels, outputs.shape[1]) if names is None else (np.arange(len(names)), 0)
    ax = axes_or_current(ax)
    limit = getattr(predict, "threshold", 0.0) if threshold is None else threshold
    regions = class_index(outputs, limit)
    if outputs.shape[1] == 1:
        score = outputs[:, 0] - limit
        strength = np.abs(score) / (np.quantile(np.abs(score), 0.9) or 1.0)
        leads = [score]
    else:
        best = np.sort(outputs, axis=1)
        lead = best[:, -1] - best[:, -2]
        strength = lead / (np.quantile(lead, 0.9) or 1.0)
        leads = [np.where(regions == each, lead, outputs[:, each] - best[:, -1]) for each in range(outputs.shape[1])]
    for lead in leads:
        if lead.min() < 0 < lead.max():
            ax.contour(x1, x2, lead.reshape(resolution, resolution), levels=[0], colors="black", linewidths=1.2)
    ax.imshow(
        _tint(regions, 0.12 + 0.3 * np.clip(strength, 0, 1)).reshape(resolution, resolution, 3),
        extent=(low[0], high[0], low[1], high[1]),
        origin="lower",
        interpolation="bilinear",
        zorder=0,
    )
    for index, name in enumerate(drawn.tolist(), start=first):
        colour, marker = CLASSES[index % len(CLASSES)], MARKERS[(index + index // len(CLASSES)) % len(MARKERS)]  # 64 combinations
        label = str(names[index]) if names is not None else name if isinstance(name, str) else f"class {name:g}"
        across, up = points[labels == name].T
        ax.scatter(across, up, c=colour, marker=marker, s=30, edgecolors="white", linewidths=0.6, label=label)
    aspect = "equal" if _are_alike(high - low) else "auto"
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel=plane.axes[0], ylabel=plane.axes[1], aspect=aspect)
    if names is not None or drawn.dtype.kind == "U":
        ax.legend(fontsize=8)
    return ax


class _Plane(NamedTuple):
    """A plane of two features. The other features are constant in it."""

    points: Array  # (n, 2)
    axes: tuple[str, str]  # labels
    pair: tuple[str, str]
    constants: dict[str, Any]
    is_table: bool

    def rows(self, grid: Array) -> Any:
        """Rows for points of the plane, in the form of X."""
        columns: Columns = {}
        for name, value in self.constants.items():
            constant = np.full(len(grid), value, dtype=object if isinstance(value, str) else float)
            columns[name] = grid[:, self.pair.index(name)] if name in self.pair else constant
        return columns if self.is_table else np.column_stack(list(columns.values()))


def _plane(predict: Any, X: Any, features: Sequence[int | str], others: Mapping[Any, Any] | None) -> _Plane:
    raw, names = getattr(predict, "preprocessing", None), getattr(predict, "feature_names", None)
    if is_table(X):
        columns = columns_of("X", X)
        used = names if raw is None else [each.name for each in raw.columns]
        columns = columns if used is None else chosen("X", columns, used)
    else:
        given = examples("X", X) if raw is None else raw.read("X", X)
        columns = given if isinstance(given, dict) else _named(given, names)
    called = names if raw is None else list(columns)
    if len(features) != 2:
        raise ValueError(f"features must be a pair of features, got {features!r:.60}")
    pair = (_feature(columns, features[0]), _feature(columns, features[1]))
    for each in pair:
        if columns[each].dtype == object:
            raise ValueError(f"the axes of a plane are numbers, and feature {each!r} has words: choose others with features=")
    constants = {name: None if name in pair else _usual(column) for name, column in columns.items()}
    constants |= {_feature(columns, feature): value for feature, value in (others or {}).items()}
    labels = pair if called or is_table(X) else tuple(f"x[{list(columns).index(each)}]" for each in pair)
    points = np.column_stack([columns[each] for each in pair])
    return _Plane(points, labels, pair, constants, is_table(X) or raw is not None)  # type: ignore[arg-type]


def _named(rows: Array, names: Sequence[str] | None) -> Columns:
    """The columns of an array of points."""
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise ValueError(f"a decision boundary is drawn in the plane: X must be (n, 2) or have more columns, got {rows.shape}")
    return dict(zip(names or map(str, range(rows.shape[1])), rows.T))


def _feature(columns: Columns, feature: Any) -> str:
    """The name of a feature that is given by name or position."""
    if isinstance(feature, str) and feature in columns:
        return feature
    if not is_whole(feature) or not 0 <= feature < len(columns):
        raise ValueError(f"X has no feature {feature!r:.60}: it has {', '.join(map(repr, columns))[:200]}")
    return list(columns)[int(feature)]


def _usual(column: npt.NDArray[Any]) -> Any:
    """The mean of numbers, or the most frequent word."""
    known = column[~missing_in(column)]
    return float(known.mean()) if column.dtype != object else Counter(known.tolist()).most_common(1)[0][0]


def _labels(predict: Any, y: npt.ArrayLike, count: int) -> tuple[npt.NDArray[Any], Sequence[Any] | None]:
    """The labels of points, finite numbers or names; or for a model with classes their indices, and the classes."""
    labels = plain_labels("y", y)
    column = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if column.shape != (count,):
        hint = "; for one-hot rows write y.argmax(axis=1)" if labels.ndim == 2 and len(labels) == count else ""
        raise ValueError(f"y must have a label for each of {count} points, got the shape {labels.shape}{hint}")
    classes = predict.classes if isinstance(predict, Module) else None
    if classes is not None:
        return indices("y", plain("y", y), classes), classes
    return column if column.dtype.kind == "U" else examples("y", column), None


def _limits(points: Array) -> tuple[Array, Array]:
    """The lower left and the upper right corner of the picture: the points with a margin."""
    spans = np.ptp(points, axis=0)
    margin = 0.15 * (np.full(2, spans.max() or max(1.0, float(np.abs(points).max()))) if _are_alike(spans) else spans)
    return points.min(axis=0) - margin, points.max(axis=0) + margin


def _are_alike(spans: Array) -> bool:
    """Whether two ranges are so similar that their units can be drawn at the same size; also if one of them is 0."""
    return bool(spans.max() <= ALIKE * spans.min() or spans.min() == 0)


def _outputs(predict: Module | Callable[[Array], npt.ArrayLike], rows: Any, count: int) -> Array:
    """The outputs of `predict` for each row: shape (rows, outputs)."""
    if not isinstance(predict, Module) and not callable(predict):
        raise TypeError(
            f"decision_boundary takes a model, or a function from rows (n, 2) to outputs, got {type(predict).__name__} {predict!r:.60}"
        )
    given = predict.predict(rows) if isinstance(predict, Module) else predict(rows)
    if np.ndim(given) not in (1, 2) or len(np.asarray(given)) != count:
        raise ValueError(
            f"predict must return an output, or a row of outputs, for each of {count} rows, got the shape {np.shape(given)}: "
            f"vectorize turns a function of one example into a function of rows"
        )
    return examples("predict's outputs", given).reshape(count, -1)


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
