"""Draw the pictures of the book that no other demo draws."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot

from autograd import Value, chain_rule, draw, relu, sigmoid, tanh, vectorize
from demos import descent
from demos.common import parser, save
from nn import MLP, SGD, digits, nudges, one_hot, plots, squared_error, train

Array = npt.NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__).parse_args(arguments)
    pictures: list[Callable[[Path, int], None]] = [pixels, squish, dials, cost, walkers, sheet, paths, scalars]
    for picture in pictures:
        picture(given.output, given.seed)


def machine(seed: int) -> MLP:
    """Return the network that reads digits, before training."""
    return MLP([784, 16, 16, 10], sigmoid, sigmoid, seed=seed)


def pixels(folder: Path, seed: int) -> None:
    """Draw a two, and a part of it with the number in each pixel."""
    X, y = digits(500, seed=seed)
    two = X[y == 2][0].reshape(28, 28)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 5), layout="constrained")
    plots.images(two[None], ax=left).set_title("28 by 28 pixels")
    right.imshow(two[6:20, 8:22], cmap="gray_r", vmin=0, vmax=1)
    for (row, column), number in np.ndenumerate(two[6:20, 8:22]):
        right.text(column, row, f"{number:.1f}", ha="center", va="center", fontsize=8, color="white" if number > 0.5 else "black")
    right.set(title="some pixels: each is a neuron with its activation", xticks=[], yticks=[])
    save(figure, folder / "pixels.png")


def squish(folder: Path, seed: int) -> None:
    """Plot three activations with their derivatives."""
    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    for ax, activation in zip(axes, (sigmoid, tanh, relu)):
        plots.activation(activation, ax)
    save(figure, folder / "squish.png")


def dials(folder: Path, seed: int) -> None:
    """Draw the network with 13,002 parameters."""
    X, _ = digits(1, seed=seed)
    figure, ax = pyplot.subplots(figsize=(10, 5.5), layout="constrained")
    plots.network(machine(seed), X[0], ax, most=16).set_title("784-16-16-10: 13,002 weights and biases")
    save(figure, folder / "dials.png")


def cost(folder: Path, seed: int) -> None:
    """Plot the errors of one example's outputs, and the costs of five hundred examples."""
    X, y = digits(500, seed=seed)
    targets, model = one_hot(y, 10), machine(seed)
    outputs = model.predict(X[:1])[0]
    costs = vectorize(lambda x, target: squared_error(model(x), target))(X, targets)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left.bar(range(10), outputs, 0.6, color=plots.POSITIVE, label="the output")
    for digit, (output, target) in enumerate(zip(outputs, targets[0])):
        left.plot([digit, digit], [output, target], color=plots.NEGATIVE, linewidth=3, label="" if digit else "the error")
    left.plot(range(10), targets[0], "k_", markersize=16, label="the target")
    left.set(title=f"the cost of an image of a {y[0]} is {costs[0]:.2f}", xlabel="output neuron", xticks=range(10), ylim=(-0.03, 1.05))
    left.legend(fontsize=9)
    right.hist(costs, 40, color=plots.POSITIVE, alpha=0.8)
    right.axvline(costs.mean(), color=plots.NEGATIVE, linewidth=3, label=f"the average, {costs.mean():.2f}, is the cost of the model")
    right.set(title="the costs of 500 examples", xlabel="cost", ylabel="examples")
    right.legend(fontsize=9)
    save(figure, folder / "cost.png")


def walkers(folder: Path, seed: int) -> None:
    """Plot gradient descent with all examples, ten and one: the careful man and the drunk man."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, 5.2), layout="constrained")
    descent.walkers(left, right, 200, seed)
    save(figure, folder / "walkers.png")


def sheet(folder: Path, seed: int) -> None:
    """Plot what images want of the parameters of a half-trained network, and the average."""
    X, y = digits(1500, seed=seed)
    model = machine(seed)
    train(model, X, one_hot(y, 10), optimizer=SGD(3.0), batch_size=10, epochs=2, seed=seed, progress=False)
    X, y = digits(100, seed=seed + 1)
    figure, ax = pyplot.subplots(figsize=(11, 5.5), layout="constrained")
    table = nudges(model, X, one_hot(y, 10), squared_error)
    table.plot(ax, most=11).set_title("what each image wants of some dials, and the average, which is the step")
    save(figure, folder / "sheet.png")


def paths(folder: Path, seed: int) -> None:
    """Draw two paths from a weight to the cost."""
    model = MLP([1, 1, 2, 1], tanh, seed=seed + 5)
    cost: Value = squared_error(model([0.7]), 1.0)
    cost.label = "cost"
    cost.backward()
    weight = model.layers[0].neurons[0].weights[0]
    draw(cost, model=model, highlight=chain_rule(cost, weight, model=model).edges).save(folder / "paths.svg")


def scalars(folder: Path, seed: int) -> None:
    """Draw the cost of a network for one example, neuron by neuron."""
    model = MLP([2, 3, 1], tanh, seed=seed + 1)
    cost: Value = squared_error(model([1.0, 2.0]), 0.5)
    cost.label = "cost"
    cost.backward()
    draw(cost, detail="neuron", model=model).save(folder / "scalars.svg")


if __name__ == "__main__":
    main()
