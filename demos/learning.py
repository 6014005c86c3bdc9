"""An animation of training on moons or spirals: the decision boundary, the network and the cost."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot

from autograd import tanh
from demos.common import Film, parser, positive
from nn import MLP, Adam, Training, binary_cross_entropy, plots
from nn.data import moons, spirals

DATA: dict[str, Callable[..., Any]] = {"moons": moons, "spirals": spirals}
EPOCHS = {"moons": 40, "spirals": 150}


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--data", choices=DATA, default="spirals", help="the data to learn")
    options.add_argument("--points", type=positive, default=200, help="number of training points")
    options.add_argument("--epochs", type=positive, help="number of passes through the points (default: 40 for moons, 150 for spirals)")
    options.add_argument("--frames", type=positive, default=48, help="number of frames, at most one per epoch")
    given = options.parse_args(arguments)

    epochs = given.epochs or EPOCHS[given.data]
    X, y = DATA[given.data](given.points, noise=0.1 if given.data == "moons" else 0.05, seed=given.seed)
    model = MLP([2, 16, 16, 1], activation=tanh, seed=given.seed)
    taken = set(np.geomspace(1, epochs, given.frames).round().astype(int).tolist())  # more frames early, when most is learned
    path = given.output / f"{given.data}.gif"
    run = Training(model, X, y, cost=binary_cross_entropy, optimizer=Adam(learning_rate=0.02), batch_size=20, seed=given.seed)
    states = {}
    for epoch in range(1, epochs + 1):
        run.epoch()
        if epoch in taken:
            states[epoch] = run.state()
    print(f"{model}, {epochs} epochs: cost {run.history.cost[-1]:.2g}, {run.history.accuracy[-1]:.1%} of the points are correct")

    highest, lowest = 1.05 * max(run.history.cost), min(run.history.accuracy)
    figure = pyplot.figure(figsize=(10.5, 3.9), layout="constrained")
    film = Film(figure)
    for epoch, state in states.items():
        run.restore(state)
        figure.clear()
        left, middle, right = figure.subplots(1, 3)
        plots.decision_boundary(model, X, y, left).set_title(f"epoch {epoch}: {model.accuracy(X, y):.1%} correct")
        left.plot(*X[0], "o", color="none", markeredgecolor="black", markersize=11, markeredgewidth=1.5)
        plots.network(model, X[0], middle).set_title("the network for the circled point")
        plots.history(run.history, right).set(title="training", xlim=(0, epochs + 1), ylim=(0, highest))
        figure.axes[-1].set_ylim(lowest - 0.02, 1.02)  # of the accuracy
        film.shoot()
    film.save(path)


if __name__ == "__main__":
    main()
