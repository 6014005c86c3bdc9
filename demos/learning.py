"""Learning, as a film: the boundary, the network and the cost while moons or spirals are being told apart."""

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
    options.add_argument("--data", choices=DATA, default="spirals", help="what to learn")
    options.add_argument("--points", type=positive, default=200, help="how many points to learn from")
    options.add_argument("--epochs", type=positive, help="how often to go through them (default: 40 for moons, 150 for spirals)")
    options.add_argument("--frames", type=positive, default=48, help="how many pictures to take on the way, at most one an epoch")
    given = options.parse_args(arguments)

    epochs = given.epochs or EPOCHS[given.data]
    X, y = DATA[given.data](given.points, noise=0.1 if given.data == "moons" else 0.05, seed=given.seed)
    model = MLP([2, 16, 16, 1], activation=tanh, seed=given.seed)
    taken = set(np.geomspace(1, epochs, given.frames).round().astype(int).tolist())  # most is learned early: look more often then
    path = given.output / f"{given.data}.gif"
    figure = pyplot.figure(figsize=(10.5, 3.7), layout="constrained")
    film = Film(figure)

    run = Training(model, X, y, cost=binary_cross_entropy, optimizer=Adam(learning_rate=0.02), batch_size=20, seed=given.seed)
    for epoch in range(1, epochs + 1):
        run.epoch()
        if epoch in taken:
            figure.clear()
            left, middle, right = figure.subplots(1, 3)
            plots.decision_boundary(model, X, y, left).set_title(f"epoch {epoch}: {model.accuracy(X, y):.0%} right")
            left.plot(*X[0], "o", color="none", markeredgecolor="black", markersize=11, markeredgewidth=1.5)
            plots.network(model, X[0], middle).set_title("the network, at the ringed point")
            plots.history(run.history, right).set_title("learning")
            film.shoot()
    film.save(path)
    pyplot.close(figure)
    print(f"{model}, {epochs} epochs: cost {run.history.cost[-1]:.2g}, {run.history.accuracy[-1]:.1%} of the points are right")


if __name__ == "__main__":
    main()
