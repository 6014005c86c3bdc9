"""Train a 2-16-16-1 network on two moons, and plot its decision boundary, its weights and its training curves."""

import time
from collections.abc import Sequence

from matplotlib import pyplot

from autograd import tanh
from demos.common import add_backend, backend, parser, positive, save
from nn import MLP, SGD, hinge, plots, train
from nn.data import moons


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--points", type=positive, default=200, help="number of training points")
    options.add_argument("--epochs", type=positive, default=100, help="number of passes through the points")
    add_backend(options)
    given = options.parse_args(arguments)

    X, y = moons(given.points, noise=0.1, seed=given.seed)
    model = MLP([2, 16, 16, 1], activation=tanh, seed=given.seed)
    print(f"{model}: {len(model.parameters())} weights and biases, {given.points} points, {given.epochs} epochs")
    started = time.perf_counter()
    history = train(
        model, X, y, cost=hinge, optimizer=SGD(learning_rate=0.1, momentum=0.9), batch_size=20, epochs=given.epochs,
        seed=given.seed, backend=backend(given),
    )  # fmt: skip
    print(f"trained in {time.perf_counter() - started:.1f} s")
    print(f"cost {history.cost[0]:.3f} in the first epoch, {history.cost[-1]:.2g} in the last")
    print(f"accuracy on the training points: {model.accuracy(X, y):.1%}")
    fresh, truth = moons(1000, noise=0.1, seed=given.seed + 1)
    print(f"accuracy on 1000 new points:     {model.accuracy(fresh, truth):.1%}")

    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(15, 4.6), layout="constrained")
    plots.decision_boundary(model, X, y, left).set_title(f"{model.accuracy(X, y):.1%} of the points are correct")
    plots.network(model, X[0], middle).set_title("the network for the first point")
    plots.history(history, right).set_title("training")
    save(figure, given.output / "moons.png")


if __name__ == "__main__":
    main()
