"""Gradient descent on functions of two inputs: five starts, three learning rates, and three sizes of mini-batch."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot
from matplotlib.axes import Axes

from autograd import Value, cos, grad, sin, vectorize
from demos.common import Film, parser, positive, save, whole
from nn import minibatches
from nn.plots import GREY, RUNS

Array = npt.NDArray[np.float64]
STARTS = [(1.0, 0.1), (1.6, 0.35), (1.6, -0.35), (-3.6, 1.2), (-1.5, -3.7)]  # three of them close together, on top of a hill
EXTENT = 4.0
RATE = 0.2


def landscape(x: Any) -> Any:
    """A function of the plane with several valleys."""
    return sin(1.1 * x[0]) * cos(0.9 * x[1]) + 0.05 * (x[0] ** 2 + x[1] ** 2)


def valley(x: Any) -> Any:
    """A valley that is eight times as steep in one direction as in the other, so that one learning rate must suit both."""
    return 0.5 * x[0] ** 2 + 4 * x[1] ** 2


def descend(f: Callable[[Any], Any], start: Sequence[float], rate: float, steps: int) -> Array:
    """Return the points of gradient descent, (steps + 1, 2): each step subtracts the rate times the gradient."""
    gradient, path = grad(f), [list(start)]
    for _ in range(steps):
        path.append([at - rate * slope for at, slope in zip(path[-1], gradient(path[-1]))])
    return np.array(path)


def walked(path: Array) -> float:
    """Return the length of a path."""
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--steps", type=positive, default=40, help="number of steps of gradient descent")
    options.add_argument("--points", type=positive, default=200, help="number of examples for the mini-batches")
    options.add_argument("--frames", type=whole, default=40, help="number of frames in the animation; 0 for no animation")
    given = options.parse_args(arguments)

    figure = pyplot.figure(figsize=(11.5, 10), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    paths = [descend(landscape, start, RATE, given.steps) for start in STARTS]
    print("start              valley             height   walked")
    for path in paths:
        (x, y), (to_x, to_y) = path[0], path[-1]
        print(f"({x:5.2f}, {y:5.2f})  ->  ({to_x:5.2f}, {to_y:5.2f})  {landscape(path[-1]):9.4f}  {walked(path):7.2f}")
    surface(figure.add_subplot(grid[0, 0], projection="3d"), paths)
    valleys(figure.add_subplot(grid[0, 1]), paths)
    shrinking(figure.add_subplot(grid[1, 0]), paths[0])
    rates(figure.add_subplot(grid[1, 1]))
    save(figure, given.output / "descent.png")
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, 5.2), layout="constrained")
    walkers(left, right, given.points, given.seed)
    save(figure, given.output / "walkers.png")
    if given.frames:
        roll(paths, given.frames).save(given.output / "descent.gif", fps=12)


def contours(ax: Axes, f: Callable[[Any], Any], x: Array, y: Array, levels: Any = 24) -> None:
    """Draw faint contour lines. `f` is called once, on the whole grid."""
    X, Y = np.meshgrid(x, y)
    ax.contourf(X, Y, f([X, Y]), levels=levels, cmap="Greys", alpha=0.35)
    ax.contour(X, Y, f([X, Y]), levels=levels, colors=GREY, linewidths=0.4)


def surface(ax: Any, paths: Sequence[Array]) -> None:
    X, Y = np.meshgrid(*[np.linspace(-EXTENT, EXTENT, 70)] * 2)
    ax.plot_surface(X, Y, landscape([X, Y]), cmap="Greys", alpha=0.45, linewidth=0, rcount=70, ccount=70)
    for path, colour in zip(paths, RUNS):
        heights = landscape(path.T) + 0.06
        ax.plot(*path.T, heights, color=colour, linewidth=2.2, zorder=5)
        ax.scatter(*path[0], heights[0], facecolor="white", edgecolor=colour, linewidth=2, s=50, zorder=6, depthshade=False)
        ax.scatter(*path[-1], heights[-1], marker="*", color=colour, edgecolor="white", s=170, zorder=7, depthshade=False)
    ax.set(title="five starts (circles) end in three valleys (stars)", zticks=[])
    ax.set_xlabel("x[0]", labelpad=8)
    ax.set_ylabel("x[1]", labelpad=8)
    ax.view_init(elev=48, azim=-62)


def valleys(ax: Axes, paths: Sequence[Array]) -> None:
    contours(ax, landscape, *[np.linspace(-EXTENT, EXTENT, 120)] * 2)
    for path, colour in zip(paths, RUNS):
        ax.plot(*path.T, "o-", color=colour, markersize=3, linewidth=1.2)
        ax.plot(*path[0], "o", color="white", markeredgecolor=colour, markersize=8, markeredgewidth=2)
        ax.plot(*path[-1], "*", color=colour, markersize=15, markeredgecolor="white")
    ax.set(title="the end (star) depends on the start (circle)", xlabel="x[0]", ylabel="x[1]", aspect="equal")


def shrinking(ax: Axes, path: Array) -> None:
    """With a constant learning rate the steps become shorter, because they are proportional to the slope."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    ax.bar(range(1, len(steps) + 1), steps, color=RUNS[0], alpha=0.8)
    ax.set(title="the smaller the slope, the shorter the step", xlabel="step", ylabel="length of the step, 0.2 x slope")


def rates(ax: Axes) -> None:
    """Plot one valley with three learning rates: too small, right, and too large."""
    contours(ax, valley, np.linspace(-3.4, 3.4, 120), np.linspace(-1.9, 1.9, 120), levels=np.geomspace(0.05, 21, 12))
    print("\nrate    height after 25 steps")
    for rate, word, colour in ((0.01, "too small", "#009E73"), (0.16, "right", "#0072B2"), (0.251, "too large", "#D55E00")):
        path = descend(valley, (-3.0, 1.0), rate, 25)
        print(f"{rate:<6} {valley(path[-1]):10.3g}  {word}")
        ax.plot(*path.T, "o-", color=colour, markersize=3, linewidth=1.2, label=f"{rate:g}, {word}")
    ax.set(title="three learning rates, 25 steps each", xlabel="x[0]", ylabel="x[1]", xlim=(-3.4, 3.4), ylim=(-1.9, 1.9))
    ax.legend(fontsize=9, loc="lower right")


def walkers(ax: Axes, costs: Axes, points: int, seed: int) -> None:
    """Minimise a cost of two weights with all examples per step (the careful man), with ten, and with one (the drunk man)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 3, points)
    y = 1.5 * x - 0.5 + rng.normal(0, 0.6, points)
    weight, bias = Value(-1.0, label="weight"), Value(3.0, label="bias")
    cost = vectorize(lambda x, y: (weight * x + bias - y) ** 2).record(x, y)
    order = {parameter: index for index, parameter in enumerate(cost.parameters)}
    place = [order[weight], order[bias]]

    def height(x_and_y: Any) -> Any:
        """Return the cost on a grid of weights and biases: a quadratic form, from five means over the examples."""
        w, b = x_and_y
        return w * w * np.mean(x * x) + 2 * w * b * x.mean() + b * b - 2 * w * np.mean(x * y) - 2 * b * y.mean() + np.mean(y * y)

    def walk(size: int) -> tuple[Array, Array]:
        """Return the weights and biases of ten epochs, and of more if the goal is further, with their costs."""
        theta, rng, way = cost.parameter_vector(), np.random.default_rng(seed), [cost.parameter_vector()[place]]
        while len(way) * size < 10 * points or (height(np.array(way).T) > goal).all():
            for batch_x, batch_y in minibatches(x, y, size, rng):
                theta -= 0.05 * cost.value_and_gradient(batch_x, batch_y, parameters=theta)[1]
                way.append(theta[place])
        return np.array(way), height(np.array(way).T)

    contours(ax, height, np.linspace(-1.5, 2.6, 100), np.linspace(-1.6, 3.6, 100), levels=np.geomspace(0.37, 25, 14))
    least = height(np.polyfit(x, y, 1))
    goal = 1.1 * least
    print(f"\nA cost of two weights, {points} examples, minimised to within 10 % of the minimum, {least:.3f}:")
    print("examples a step   steps   examples used   walked   milliseconds")
    for size, name, colour in ((points, "all: careful", "#0072B2"), (min(10, points), "ten", "#009E73"), (1, "one: drunk", "#D55E00")):
        started = time.perf_counter()
        way, heights = walk(size)
        seconds = time.perf_counter() - started
        steps = int(np.argmax(heights <= goal))
        taken = seconds * steps / len(way) * 1000
        print(f"{size:15}  {steps:6}   {steps * size:13,}   {walked(way[: steps + 1]):6.2f}   {taken:12.2f}")
        used = f"{name}, {steps} steps, {steps * size:,} examples"
        ax.plot(*way[: steps + 1].T, "o-", color=colour, markersize=2.5, linewidth=1, label=used)
        costs.plot(np.arange(len(way)) * size / points, heights, color=colour, linewidth=1, label=name)
    ax.set(title="down to a tenth above the lowest cost", xlabel="weight", ylabel="bias")
    ax.legend(fontsize=9, loc="lower left")
    costs.axhline(least, color=GREY, linewidth=0.8, linestyle="--")
    costs.set(title="cost for the same number of examples", xlabel="epoch", ylabel="cost of all examples", yscale="log", xlim=(0, 10))
    costs.legend(fontsize=9)


def roll(paths: Sequence[Array], frames: int) -> Film:
    """Return the animation of five balls that roll down the contours."""
    figure, ax = pyplot.subplots(figsize=(5, 5), layout="constrained")
    contours(ax, landscape, *[np.linspace(-EXTENT, EXTENT, 80)] * 2)
    ax.set(xticks=[], yticks=[], aspect="equal")
    trails = [ax.plot([], [], "-", color=colour, linewidth=2)[0] for _, colour in zip(paths, RUNS)]
    balls = [ax.plot([], [], "o", color=colour, markersize=9, markeredgecolor="white")[0] for _, colour in zip(paths, RUNS)]
    film = Film(figure)
    for frame in range(frames):
        for path, trail, ball in zip(paths, trails, balls):
            shown = path[: 1 + round((len(path) - 1) * (frame / max(frames - 1, 1)) ** 1.5)]
            trail.set_data(*shown.T)
            ball.set_data(*shown[-1:].T)
        film.shoot()
    return film


if __name__ == "__main__":
    main()
