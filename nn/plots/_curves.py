"""Draw curves: the history of a training run, and an activation with its derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd import grad
from nn.activations import elementwise, name_of
from nn.inputs import Array
from nn.plots._style import CURVES, GREY, axes_or_current, require_kind
from nn.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes


COST, ACCURACY, _ = CURVES


def history(history: History, ax: Axes | None = None) -> Axes:
    """Draw the cost of each epoch and, with an axis on the right, the accuracy. Curves of validation data are dashed.

    The legend is below the axes: figures with `layout="constrained"` have space for it.
    """
    require_kind("history", "a History, as train returns it", history, History)
    is_current, ax = ax is None, axes_or_current(ax)
    figure: Any = ax.figure  # a subfigure has the layout of its figure
    if is_current and hasattr(figure, "set_layout_engine") and figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")
    from matplotlib.ticker import MaxNLocator

    marker = "o" if len(history.cost) < 3 else None
    curves = []
    sides = [(ax, "cost", COST, history.cost, history.validation_cost)]
    if history.accuracy or history.validation_accuracy:
        sides.append((ax.twinx(), "accuracy", ACCURACY, history.accuracy, history.validation_accuracy))
    mean = "weighted " if history.weighted else ""
    for side, name, colour, training, validation in sides:
        for label, numbers, style in ((f"{mean}{name}", training, "-"), (f"validation {name}", validation, "--")):
            if numbers:
                first = history.forgotten.epochs + 1
                curves += side.plot(range(first, first + len(numbers)), numbers, style, color=colour, marker=marker, label=label)
        side.set_ylabel(name, color=colour)
        side.tick_params(axis="y", labelcolor=colour)
        side.spines["top"].set_visible(False)
    if min([0.0, *history.cost, *history.validation_cost]) == 0:  # a cost may be negative, such as a log density
        ax.set_ylim(bottom=0.0)
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.legend(handles=curves, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, frameon=False, fontsize=8)
    return ax


def activation(f: Callable[[Any], Any], ax: Axes | None = None, low: float = -5.0, high: float = 5.0) -> Axes:
    """Draw an activation with its first and second derivative. Saturated regions, with a derivative near 0, are shaded.

    Parameters
    ----------
    f : callable
        A function of one number, written with autograd's functions. The curve has a gap where it is undefined.
    ax : matplotlib Axes, optional
        The axes to draw on. Default: the current ones.
    low, high : float, default -5.0 and 5.0
        The range of the weighted sum.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError
        If `f` cannot be differentiated twice.
    ValueError
        If `low` is not below `high`, or `f` is undefined in the whole range.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"low={low} must be below high={high}, and both finite")
    x = np.linspace(low, high, 401)
    curves = _with_derivatives(f, x)
    if not np.isfinite(curves[:2]).any(axis=1).all():
        raise ValueError(
            f"{name_of(f)} is undefined, or has no derivative, everywhere from {low:g} to {high:g}: choose another range with low and high"
        )
    ax = axes_or_current(ax)
    for values, label, colour, style in zip(curves, ("f", "f ′", "f ″"), CURVES, ("-", "--", ":")):
        ax.plot(x, values, style, color=colour, label=label, linewidth=2)
    sizes = np.abs(curves[np.isfinite(curves)])
    most, usual = float(sizes.max()), float(np.quantile(sizes, 0.95))
    if most > 5 * usual > 0:  # a pole would make all the rest look flat and saturated
        most = usual
        ax.set_ylim(-1.5 * usual, 1.5 * usual)
    slope, curvature = np.abs(curves[1]), np.abs(curves[2])
    steepest, sharpest = (min(most, float(np.max(each, where=np.isfinite(each), initial=0.0))) for each in (slope, curvature))
    saturated = (slope < 0.05 * steepest) & (curvature <= 0.2 * sharpest)  # flat, and not only at a maximum
    ax.fill_between(x, 0, 1, where=saturated, transform=ax.get_xaxis_transform(), color=GREY, alpha=0.15, linewidth=0, label="saturated")
    ax.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    ax.set(xlim=(low, high), xlabel="weighted sum", title=name_of(f))
    ax.legend(fontsize=8)
    return ax


def _with_derivatives(f: Callable[[Any], Any], x: Array) -> Array:
    """The function and its first two derivatives at the points x: (3, points), nan where they are undefined."""
    if isinstance(f, np.ufunc):
        raise TypeError(f"numpy's {f.__name__} cannot be differentiated twice: use autograd's, as in `from autograd import tanh`")
    if not callable(f):
        raise TypeError(f"plots.activation draws a function of one number, got {type(f).__name__} {f!r:.60}")

    first = grad(f)
    try:
        values, *derivatives = [elementwise(g, x) for g in (f, first, grad(first))]
        return np.array([values, *(np.where(np.isfinite(values), each, math.nan) for each in derivatives)])
    except (TypeError, ValueError) as error:
        why = f": {error}" if isinstance(error, TypeError) else ""  # a ValueError here is NumPy's, about memory
        raise TypeError(
            f"plots.activation draws a function of one number that can be differentiated twice, written with autograd's functions "
            f"and not with numpy's or math's; {name_of(f)} is none{why}"
        ) from error
