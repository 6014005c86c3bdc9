"""Compare five activations on one problem, or your own formula with the built-in activations on three problems."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from autograd import grad, gradcheck, relu, sigmoid, sin, softplus, tanh, vectorize
from demos.common import parser, positive, save
from nn import MLP, Adam, DivergenceError, FormulaError, History, binary_cross_entropy, formula, plots, train
from nn.activations import Activation, name_of
from nn.data import Examples, circles, moons, spirals, xor

PROBLEMS: dict[str, Callable[..., Examples]] = {"circles": circles, "moons": moons, "spirals": spirals, "xor": xor}
Callback = Callable[[Any, History], None]
RIVALS: list[Activation] = [tanh, sigmoid, relu, softplus, sin]


def swish(x: Any) -> Any:
    """A custom activation. It needs no registration and no derivative."""
    return x * sigmoid(x)


def typed(text: str) -> Activation:
    try:
        return formula(text)
    except FormulaError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--activation", type=typed, help='a formula of x to test, such as "x * sigmoid(1.7 * x)"')
    options.add_argument("--problem", choices=PROBLEMS, default="spirals", help="the data to learn, if no formula is given")
    options.add_argument("--points", type=positive, default=200, help="number of training points")
    options.add_argument("--epochs", type=positive, default=100, help="number of passes through the points")
    options.add_argument("--seeds", type=positive, default=3, help="number of networks per problem, if a formula is given")
    given = options.parse_args(arguments)
    if given.activation:
        examine(given)
    else:
        compare(given)


def learn(activation: Activation, data: Examples, epochs: int, seed: int, callbacks: Sequence[Callback] = ()) -> tuple[MLP, History]:
    model = MLP([2, 16, 16, 1], activation=activation, seed=seed)
    settings: dict[str, Any] = {"cost": binary_cross_entropy, "optimizer": Adam(learning_rate=0.02), "batch_size": 20, "seed": seed}
    return model, train(model, *data, **settings, epochs=epochs, progress=False, callbacks=callbacks)


def compare(given: argparse.Namespace) -> None:
    """Train on one problem with five activations, one of them custom, and plot their derivatives, boundaries and costs."""
    X, y = PROBLEMS[given.problem](given.points, noise=0.05, seed=given.seed)
    activations: list[Activation] = [tanh, sigmoid, relu, sin, swish]
    figure = pyplot.figure(figsize=(16, 9.5), layout="constrained")
    grid = figure.add_gridspec(3, len(activations), height_ratios=[3, 4, 3])
    costs = figure.add_subplot(grid[2, :])
    print("activation   cost     accuracy   seconds")
    for column, activation in enumerate(activations):
        model, history = learn(activation, (X, y), given.epochs, given.seed)
        name, accuracy = name_of(activation), model.accuracy(X, y)
        print(f"{name:10}   {history.cost[-1]:<8.2g}  {accuracy:7.1%}   {sum(history.seconds):7.1f}")
        curves = plots.activation(activation, figure.add_subplot(grid[0, column]))
        if activation is not relu and (legend := curves.get_legend()):
            legend.remove()  # one legend is enough, and on relu it covers no curve
        boundary = plots.decision_boundary(model, X, y, figure.add_subplot(grid[1, column]))
        boundary.set(title=f"{accuracy:.1%} right", xlabel="", ylabel="")
        costs.plot(range(1, given.epochs + 1), history.cost, color=plots.RUNS[column], label=name, linewidth=2)
    costs.set(xlabel="epoch", ylabel="cost", yscale="log")
    costs.legend(loc="lower left")
    save(figure, given.output / "activations.png")


def examine(given: argparse.Namespace) -> None:
    """Test a formula: its derivatives, the state of its units during training, and its accuracy compared with built-in activations."""
    activation: Activation = given.activation
    check(activation)
    contestants = [activation, *RIVALS]
    problems = {"circles": partial(circles, noise=0.15), "moons": partial(moons, noise=0.2), "spirals": partial(spirals, noise=0.06)}

    figure = pyplot.figure(figsize=(16, 9), layout="constrained")
    grid = figure.add_gridspec(2, 3)
    plots.activation(activation, figure.add_subplot(grid[0, 0]))
    print(f"\naccuracy on {given.points} new points, mean and range over {given.seeds} seed(s)\n")
    print(" " * 12 + "".join(f"{name:>22}" for name in problems))
    results: dict[str, dict[str, list[float]]] = {}
    health = Health(activation, 2)
    for contestant in contestants:
        row = results[name_of(contestant)] = {}
        for problem, make in problems.items():
            row[problem] = []
            for seed in range(given.seed, given.seed + given.seeds):
                data = make(given.points, seed=seed)
                watched = contestant is activation and problem == "spirals" and seed == given.seed
                callbacks = [partial(health.record, X=data[0])] if watched else []
                row[problem].append(score(contestant, data, make(given.points, seed=seed + 1_000_000), given.epochs, seed, callbacks))
        shown = "".join(f"{np.mean(each):10.1%} {f'({min(each):.0%} to {max(each):.0%})':>11}" for each in row.values())
        print(f"{name_of(contestant) if contestant is not activation else 'the formula':12}{shown}")
    print(f"\nshares of the units in hidden layers 1 and 2 while the network learned the spirals (seed {given.seed})\n")
    health.report()
    health.plot(figure.add_subplot(grid[0, 2]))
    boundary = figure.add_subplot(grid[0, 1])
    if health.model is None:
        boundary.set(title="training diverges on the spirals", xticks=[], yticks=[])
    else:
        X, y = problems["spirals"](given.points, seed=given.seed)
        accuracy = health.model.accuracy(X, y)
        plots.decision_boundary(health.model, X, y, boundary).set_title(f"what it learns: {accuracy:.1%} of the spirals right")
    for column, problem in enumerate(problems):
        race(figure.add_subplot(grid[1, column]), problem, {name: row[problem] for name, row in results.items()})
    save(figure, given.output / "activation.png")


def check(activation: Activation) -> None:
    """Compare the first two derivatives with finite differences, at points that are unlikely to be kinks."""
    points = [-4.37, -2.71, -1.43, -0.61, -0.13, 0.17, 0.59, 1.37, 2.83, 4.41]
    print(f"f(x) = {name_of(activation)}")
    for name, f in (("f'", activation), ("f''", grad(activation))):
        reports = [gradcheck(f, x, tolerance=1e-5) for x in points]
        wrong = [f"x = {x}: {each.wrong[0]}" for x, each in zip(points, reports) if not each]
        largest = max(comparison.error for each in reports for comparison in each.comparisons)
        print(f"{name:3} agrees with finite differences at {len(points) - len(wrong)} of {len(points)} points, largest error {largest:.1e}")
        print("".join(f"    {each}\n" for each in wrong), end="")


def score(activation: Activation, data: Examples, fresh: Examples, epochs: int, seed: int, callbacks: Sequence[Callback]) -> float:
    """Return the accuracy on new points after training, or that of guessing if training diverges."""
    try:
        model, _ = learn(activation, data, epochs, seed, callbacks)
        return model.accuracy(*fresh)
    except (ArithmeticError, DivergenceError):
        return 0.5


class Health:
    """The shares of saturated and dead units in the hidden layers after each epoch.

    A unit is saturated for an example if its slope is below a twentieth of the largest slope. It is dead if its slope is 0 for all
    examples.
    """

    def __init__(self, activation: Activation, layers: int) -> None:
        steepest = np.abs(vectorize(grad(activation))(np.linspace(-5, 5, 401)))
        self.steepest = float(steepest[np.isfinite(steepest)].max()) or 1.0
        self.saturated: list[list[float]] = [[] for _ in range(layers)]
        self.dead: list[list[float]] = [[] for _ in range(layers)]
        self.model: MLP | None = None  # after the last recorded epoch

    def record(self, model: MLP, history: History, X: npt.NDArray[np.float64]) -> None:
        """A callback for `train`."""
        self.model = model
        for layer, z, saturated, dead in zip(model.layers, model.trace(X).z, self.saturated, self.dead):
            slopes = np.abs(layer.slopes(z)) / self.steepest
            saturated.append(float((slopes < 0.05).mean()))
            dead.append(float((slopes < 1e-6).all(axis=0).mean()))

    def report(self) -> None:
        print(" epoch       saturated            dead")
        epochs = len(self.dead[0])
        for epoch in sorted({0, epochs // 4, epochs // 2, epochs - 1} & set(range(epochs))):
            saturated, dead = ([f"{layer[epoch]:.0%}" for layer in each] for each in (self.saturated, self.dead))
            print(f"{epoch + 1:6}    {saturated[0]:>5} {saturated[1]:>5}     {dead[0]:>5} {dead[1]:>5}")

    def plot(self, ax: Axes) -> None:
        """Plot the shares of saturated units, and of dead ones if there are any."""
        curves = [("saturated", "-", self.saturated)] + [("dead", ":", self.dead)] * any(map(any, self.dead))
        for what, style, layers in curves:
            for depth, shares in enumerate(layers):
                marker, label = "o" if len(shares) < 3 else "", f"{what}, hidden layer {depth + 1}"
                ax.plot(range(1, len(shares) + 1), shares, style, marker=marker, color=plots.CURVES[depth], label=label, linewidth=2)
        title = "saturated and dead units" if len(curves) > 1 else "saturated units; no unit is dead"
        ax.set(title=title, xlabel="epoch on the spirals", ylabel="share of units", ylim=(-0.03, 1.03))
        ax.legend(fontsize=8)


def race(ax: Axes, problem: str, results: dict[str, list[float]]) -> None:
    """Plot one problem: per activation a dot for each seed and a line at the mean. The formula is on top."""
    for height, accuracies in enumerate(reversed(results.values())):
        own = height == len(results) - 1
        colour = plots.CURVES[1] if own else plots.GREY
        ax.plot(accuracies, [height] * len(accuracies), "o", color=colour, alpha=0.55, markersize=8)
        ax.plot([np.mean(accuracies)] * 2, [height - 0.3, height + 0.3], color=colour, linewidth=3)
    names = [name if len(name) <= 24 else name[:21] + "..." for name in reversed(results)]
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.set(title=problem, xlabel="accuracy on new points, one dot per seed", xlim=(0.45, 1.02), ylim=(-0.6, len(names) - 0.4))
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.grid(axis="x", alpha=0.3)


if __name__ == "__main__":
    main()
