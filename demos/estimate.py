"""Compare the gradients of mini-batches with the gradient of all examples: their angle, their length, and the time they take."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot

from autograd import Vectorized, sigmoid, vectorize
from demos.common import parser, positive, save
from nn import MLP, SGD, digits, one_hot, plots, squared_error, train

Array = npt.NDArray[np.float64]
SIZES = [1, 10, 100, 1000]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--examples", type=positive, default=1500, help="number of digits, of which the mini-batches are drawn")
    options.add_argument("--epochs", type=positive, default=4, help="number of passes through them before the comparison")
    options.add_argument("--batches", type=positive, default=50, help="number of mini-batches of each size")
    given = options.parse_args(arguments)

    X, y = digits(given.examples, seed=given.seed)
    targets, model = one_hot(y, 10), MLP([784, 16, 16, 10], sigmoid, sigmoid, seed=given.seed)
    train(model, X, targets, optimizer=SGD(3.0), batch_size=10, epochs=given.epochs, seed=given.seed, progress=False)
    cost = vectorize(lambda x, target: squared_error(model(x), target)).record(X, targets)
    full, rng = cost.value_and_gradient(X, targets)[1], np.random.default_rng(given.seed)
    print("examples   angle to the full gradient   length / full length   milliseconds")
    figure = pyplot.figure(figsize=(12, 5.4), layout="constrained")
    left: Any = figure.add_subplot(1, 2, 1, projection="polar")
    right = figure.add_subplot(1, 2, 2)
    for size, colour in zip([size for size in SIZES if size < given.examples], plots.RUNS):
        batches = [rng.choice(given.examples, size, replace=False) for _ in range(given.batches)]
        gradients, taken = timed(cost, [(X[some], targets[some]) for some in batches])
        angles = [angle(gradient, full) for gradient in gradients]
        lengths = np.array([np.linalg.norm(gradient) / np.linalg.norm(full) for gradient in gradients])
        print(f"{size:8}   {np.mean(angles):24.0f} °   {lengths.mean():20.2f}   {taken:12.2f}")
        words = f"{size} example{'s' * (size > 1)}: {np.mean(angles):.0f}°, {lengths.mean():.2f} times as long"
        left.plot(np.radians(angles), lengths, "o", color=colour, markersize=4, alpha=0.8, label=words)
        right.plot([size] * len(angles), angles, "o", color=colour, markersize=4, alpha=0.5)
    print(f"{given.examples:8}   {0:24} °   {1:20.2f}   {timed(cost, 5 * [(X, targets)])[1]:12.2f}")

    left.annotate("", (0, 1), (0, 0.1), arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 2, "shrinkA": 0, "shrinkB": 0})
    left.set(title="the full gradient (arrow), and its estimates: angle and length", thetamin=0, thetamax=120, rscale="log", rlim=(0.1, 40))
    left.legend(fontsize=9, title="on average", loc="upper left", bbox_to_anchor=(-0.12, 0.02))
    right.set(title="the more examples, the smaller the angle", xscale="log", xlabel="examples in the mini-batch")
    right.set(ylabel="angle to the full gradient, degrees", ylim=(0, None))
    save(figure, given.output / "estimate.png")


def timed(cost: Vectorized, batches: Sequence[tuple[Array, Array]]) -> tuple[list[Array], float]:
    """Return the gradient of each batch, and the milliseconds of the fastest."""
    gradients, seconds = [], []
    for x, y in batches:
        started = time.perf_counter()
        gradient = cost.value_and_gradient(x, y)[1]
        seconds.append(time.perf_counter() - started)
        gradients.append(gradient)
    return gradients, 1000 * min(seconds)


def angle(a: Array, b: Array) -> float:
    """Return the angle between two vectors in degrees."""
    return float(np.degrees(np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))))


if __name__ == "__main__":
    main()
