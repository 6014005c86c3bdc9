"""Draw the pictures of the book that no other demo draws."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot

from autograd import Value, chain_rule, draw, grad, relu, sigmoid, tanh, vectorize
from demos import descent
from demos.common import parser, save
from nn import MLP, SGD, digits, nudges, one_hot, plots, squared_error, train

Array = npt.NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__).parse_args(arguments)
    pictures: list[Callable[[Path, int], None]] = [
        pixels, network, squish, dials, cost, confident, steepest, vectors, steady, sheet, paths, scalars, neurons,
        step,
    ]  # fmt: skip
    for picture in pictures:
        picture(given.output, given.seed)


def machine(seed: int) -> MLP:
    """Return the network that reads digits, before training."""
    return MLP([784, 16, 16, 10], sigmoid, sigmoid, seed=seed)


def half_trained(seed: int) -> MLP:
    """Return the network that reads digits after two epochs: the one of the chapters on nudges."""
    X, y = digits(1500, seed=seed)
    model = machine(seed)
    train(model, X, one_hot(y, 10), optimizer=SGD(3.0), batch_size=10, epochs=2, seed=seed, progress=False)
    return model


def colour(number: float) -> str:
    return plots.POSITIVE if number > 0 else plots.NEGATIVE


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


def network(folder: Path, seed: int) -> None:
    """Draw all layers of the network for one image, each neuron as dark as its activation."""
    X, y = digits(500, seed=seed)
    two, model = X[y == 2][0], machine(seed)
    few = two[[*range(258, 268), *range(510, 520)]]  # of the 784 pixels
    columns = [few, *(a[0] for a in model.trace(two[None]).a)]
    figure, ax = pyplot.subplots(figsize=(10.5, 6), layout="constrained")
    image = ax.inset_axes((-0.02, 0.28, 0.26, 0.44))
    plots.images(two[None], ax=image)
    heights = [np.linspace(0.5, -0.5, len(each)) * (len(each) + 1) for each in columns]
    heights[0] += np.repeat([0.6, -0.6], 10)  # room for the dots
    for depth in range(3):
        for start in heights[depth]:
            for end in heights[depth + 1]:
                ax.plot([depth, depth + 1], [start, end], color=plots.GREY, linewidth=0.15, zorder=1)
    for depth, (each, places) in enumerate(zip(columns, heights)):
        ax.scatter([depth] * len(each), places, s=170, c=1 - each, cmap="gray", vmin=0, vmax=1, edgecolors=plots.GREY, zorder=2)
    ax.text(0, 0, "⋮", ha="center", va="center", fontsize=16)
    for digit, (place, activation) in enumerate(zip(heights[-1], columns[-1])):
        ax.text(3.12, place, f"{digit}:  {activation:.2f}", va="center")
    for depth, words in enumerate(("784 pixels", "16 neurons", "16 neurons", "10 neurons,\none for each digit")):
        ax.text(depth, -12, words, ha="center", va="top")
    ax.set(title="the whole machine: 0 is white, 1 is black", xlim=(-1.3, 3.6), ylim=(-14.5, 12.2))
    ax.set_axis_off()
    save(figure, folder / "network.png")


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


def confident(folder: Path, seed: int) -> None:
    """Plot the outputs for one image before and after training."""
    X, y = digits(500, seed=seed)
    targets, model = one_hot(y, 10), machine(seed)
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
    for ax, when in zip(axes, ("before training", "after training")):
        outputs = model.predict(X[:1])[0]
        ax.bar(range(10), outputs, 0.6, color=plots.POSITIVE)
        ax.plot(range(10), targets[0], "k_", markersize=16, label="the target")
        cost = squared_error(outputs.tolist(), targets[0].tolist())
        ax.set(title=f"{when}, the cost of this image is {cost:.2f}", xlabel="output neuron", xticks=range(10), ylim=(-0.03, 1.05))
        train(model, X, targets, optimizer=SGD(3.0), batch_size=10, epochs=8, progress=False)
    axes[0].legend(fontsize=9)
    save(figure, folder / "confident.png")


def steepest(folder: Path, seed: int) -> None:
    """Draw the gradient at a place, and the change along directions all around it."""
    place, length = np.array([-0.5, 1.5]), 0.8
    gradient = np.array(grad(descent.landscape)(place.tolist()))
    angles = np.radians(np.arange(0, 360, 30))
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 5), layout="constrained")
    descent.contours(left, descent.landscape, np.linspace(-2.5, 1.5, 100), np.linspace(-0.5, 3.5, 100))
    for direction, rise in zip(directions, directions @ gradient):
        left.plot(*np.array([place, place + length * direction]).T, color=colour(rise), linewidth=3 * abs(rise) + 0.5)
    arrow = {"arrowstyle": "-|>", "color": "black", "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
    left.annotate("", place + 1.2 * gradient / np.linalg.norm(gradient), place, arrowprops=arrow)
    left.set(title="the gradient (arrow) and a fan of directions", xlabel="x[0]", ylabel="x[1]", aspect="equal")
    far = np.linspace(0, 360, 200)
    right.plot(far, gradient @ [np.cos(np.radians(far)), np.sin(np.radians(far))], color=plots.GREY, linewidth=1)
    right.bar(np.degrees(angles), directions @ gradient, 12, color=[colour(rise) for rise in directions @ gradient])
    steep = float(np.degrees(np.arctan2(gradient[1], gradient[0])))
    right.axvline(steep, color="black", linewidth=1.5, label=f"the gradient's direction, {steep:.1f} degrees")
    right.set(title="how fast the function rises in each direction", xlabel="direction in degrees", ylabel="rise for each unit of length")
    right.set(xticks=np.degrees(angles), xlim=(-15, 345))
    right.legend(fontsize=9)
    save(figure, folder / "steepest.png")


def vectors(folder: Path, seed: int) -> None:
    """Draw the first and the last parameters as a column, and the negative gradient as a column beside it."""
    X, y = digits(500, seed=seed)
    model, targets = machine(seed), one_hot(y, 10)
    wishes = nudges(model, X, targets, squared_error).average
    theta = np.array([parameter.data for parameter in model.parameters()])
    names = [name for name, _ in model.named_parameters()]
    shown = [*range(406, 412), *range(-6, 0)]
    figure, ax = pyplot.subplots(figsize=(9, 5.5), layout="constrained")
    for row, index in enumerate(shown):
        height = -row - 1.2 * (row >= 6)
        ax.text(0, height, names[index], ha="left", va="center", fontsize=9, family="monospace")
        for x, number in ((4.6, theta[index]), (6.4, wishes[index])):
            ax.text(x, height, f"{number:+.4f}", ha="right", va="center", fontsize=11, color=colour(number), family="monospace")
        width = 1.6 * wishes[index] / abs(wishes[shown]).max()
        ax.barh(height, width, 0.6, left=8.6, color=colour(width))
    for x in (0.3, 4.3, 6.1, 8.6):
        ax.text(x, -6.1, "⋮", ha="center", va="center", fontsize=14)
    ax.axvline(8.6, color=plots.GREY, linewidth=0.8)
    ax.text(4.6, 1.2, "all dials", ha="right", fontsize=11)
    ax.text(7.0, 1.2, "negative gradient", ha="right", fontsize=11)
    ax.text(8.6, 1.2, "turn down      turn up", ha="center", fontsize=11)
    ax.set(title="13,002 dials, and the nudge for each of them", xlim=(-0.1, 10.5), ylim=(-13.2, 2))
    ax.set_axis_off()
    save(figure, folder / "vectors.png")


def steady(folder: Path, seed: int) -> None:
    """Plot what a nudge of a bias, and one of a weight, does to the weighted sum for each of five hundred images."""
    model = half_trained(seed)
    X, _ = digits(500, seed=seed + 1)
    neuron, met = model.layers[2].neurons[2], model.trace(X).a[1][:, 1]
    figure, ax = pyplot.subplots(figsize=(8, 4.6), layout="constrained")
    before = model.trace(X).z[2][:, 2]
    for parameter, colour, words in (
        (neuron.bias, plots.POSITIVE, "the bias"),
        (neuron.weights[1], plots.NEGATIVE, "the weight of neuron 1 of the layer before"),
    ):
        parameter.data += 0.1
        ax.plot(met, model.trace(X).z[2][:, 2] - before, "o", color=colour, markersize=3, alpha=0.5, label=words)
        parameter.data -= 0.1
    ax.set(title="a nudge of 0.1 for 500 images", xlabel="activation that the weight meets", ylabel="change of the weighted sum")
    ax.legend(fontsize=9)
    save(figure, folder / "steady.png")


def sheet(folder: Path, seed: int) -> None:
    """Plot what images want of the parameters of a half-trained network, and the average."""
    model = half_trained(seed)
    X, y = digits(100, seed=seed + 1)
    figure, ax = pyplot.subplots(figsize=(11, 5.5), layout="constrained")
    table = nudges(model, X, one_hot(y, 10), squared_error)
    table.plot(ax, most=11).set_title("what the images of each digit want of some dials, and the step: the average")
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


def neurons(folder: Path, seed: int) -> None:
    """Draw a network with the gradients of its output, neuron by neuron."""
    model = MLP([2, 4, 4, 1], tanh, seed=seed + 1)
    outputs: list[Value] = model([1.0, 2.0])
    outputs[0].backward()
    draw(outputs, model=model).save(folder / "neurons.svg")


def step(folder: Path, _: int) -> None:
    """Draw a neuron before and after a step."""
    w, x, b = Value(-3.0, "w"), Value(2.0, "x"), Value(6.5, "b")
    before = None
    for _ in range(2):
        y = tanh(w * x + b)
        y.label = "y"
        y.backward()
        drawing = before = draw(y, since=before)
        for leaf in (w, b):
            leaf.data -= 0.1 * leaf.grad
    drawing.save(folder / "step.svg")


if __name__ == "__main__":
    main()
