"""The same problem with five activations, one of them your own: what they do to the gradient, and to what is learned."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib import pyplot

from autograd import relu, sigmoid, sin, tanh
from demos.common import parser, positive, save
from nn import MLP, Adam, binary_cross_entropy, plots, train
from nn.data import Examples, circles, moons, spirals, xor
from nn.network import Activation, name_of

PROBLEMS: dict[str, Callable[..., Examples]] = {"circles": circles, "moons": moons, "spirals": spirals, "xor": xor}


def swish(x: Any) -> Any:
    """An activation of one's own: nothing to register, and no derivative to write."""
    return x * sigmoid(x)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--problem", choices=PROBLEMS, default="spirals", help="what to learn")
    options.add_argument("--points", type=positive, default=200, help="how many points to learn from")
    options.add_argument("--epochs", type=positive, default=100, help="how often to go through them")
    given = options.parse_args(arguments)
    X, y = PROBLEMS[given.problem](given.points, noise=0.05, seed=given.seed)

    activations: list[Activation] = [tanh, sigmoid, relu, sin, swish]
    figure = pyplot.figure(figsize=(16, 9.5), layout="constrained")
    grid = figure.add_gridspec(3, len(activations), height_ratios=[3, 4, 3])
    costs = figure.add_subplot(grid[2, :])
    print("activation   cost     accuracy   seconds")
    for column, activation in enumerate(activations):
        model = MLP([2, 16, 16, 1], activation=activation, seed=given.seed)
        history = train(
            model,
            X,
            y,
            cost=binary_cross_entropy,
            optimizer=Adam(learning_rate=0.02),
            batch_size=20,
            epochs=given.epochs,
            seed=given.seed,
            progress=False,
        )
        name, accuracy = name_of(activation), model.accuracy(X, y)
        print(f"{name:10}   {history.cost[-1]:<8.2g}  {accuracy:7.1%}   {sum(history.seconds):7.1f}")
        curves = plots.activation(activation, figure.add_subplot(grid[0, column]))
        if column and (legend := curves.get_legend()):
            legend.remove()  # the first one says it for all
        boundary = plots.decision_boundary(model, X, y, figure.add_subplot(grid[1, column]))
        boundary.set(title=f"{accuracy:.1%} right", xlabel="", ylabel="")
        costs.plot(range(1, given.epochs + 1), history.cost, color=plots.CLASSES[column], label=name, linewidth=2)
    costs.set(xlabel="epoch", ylabel="cost", yscale="log")
    costs.legend(loc="lower left")
    save(figure, given.output / "activations.png")
    pyplot.close(figure)


if __name__ == "__main__":
    main()
