"""Show how one handwritten 2 would change a network that reads digits, and the average over a hundred images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from autograd import sigmoid
from demos.common import parser, positive, save
from nn import MLP, SGD, digits, nudges, one_hot, plots, squared_error, train
from nn.explain import Nudges

Array = npt.NDArray[np.float64]
DIGIT = 2


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--examples", type=positive, default=5000, help="number of digits to train on first")
    options.add_argument(
        "--epochs", type=positive, default=1, help="number of passes through them; few, so that there is something left to change"
    )
    options.add_argument("--images", type=positive, default=100, help="number of images to average over")
    given = options.parse_args(arguments)
    X, y = digits(given.examples, given.seed)
    model = MLP([784, 16, 16, 10], sigmoid, sigmoid, seed=given.seed)
    train(model, X, one_hot(y, 10), optimizer=SGD(3.0), batch_size=10, epochs=given.epochs, seed=given.seed, progress=False)

    images, labels = digits(max(given.images, 500), given.seed + 1_000_000)
    candidates = np.flatnonzero(labels == DIGIT)
    chosen = candidates[np.argmin(abs(model.predict(images[candidates])[:, DIGIT] - 0.2))]  # not recognised with confidence
    one = nudges(model, images[chosen].tolist(), one_hot([DIGIT], 10)[0].tolist(), squared_error)
    print_three_ways(one)
    print_wishes(one)

    table = nudges(model, images[: given.images], one_hot(labels[: given.images], 10), squared_error)
    print(f"\nNow {given.images} images, each with a wish for each of {len(model.parameters()):,} weights and biases, ", end="")
    print(f"added up for each digit:\n\n{table}")
    print("\nThe average row is the negative gradient of the average cost. It is the way downhill.")

    figure = pyplot.figure(figsize=(17, 10), layout="constrained")
    grid = figure.add_gridspec(2, 3, width_ratios=[1, 1.25, 1.45])
    picture = figure.add_subplot(grid[0, 0])
    plots.images(images[[chosen]], ax=picture).set_title(f"an image of a {DIGIT}")
    three_ways(figure.add_subplot(grid[0, 1]), one)
    wishes(figure.add_subplot(grid[0, 2]), one)
    pixels = figure.add_subplot(grid[1, 0])
    plots.images([one.layers[0].activations], ax=pixels, signed=True).set_title("wishes for the pixels:\nblue = darker, orange = lighter")
    one.plot(figure.add_subplot(grid[1, 1])).set_title("wishes for the activations (arrows) and the weights (lines)")
    table.plot(figure.add_subplot(grid[1, 2]), most=11).set_title("what the images of each digit want of some weights, and the average")
    save(figure, given.output / "nudges.png")


def print_three_ways(one: Nudges) -> None:
    last = one.layers[-1]
    weights, activations = last.weights[DIGIT], last.wishes[DIGIT]
    print(f"An image of a {DIGIT}. Its output neuron shows {last.outputs[DIGIT]:.2f}, not 1. There are three ways to make it brighter.\n")
    print(f"1. Change its bias by {last.biases[DIGIT]:+.4f}.")
    print("2. Change its weights, each in proportion to the activation that it multiplies.")
    print("3. Change the activations of the layer before, each in proportion to its weight.\n")
    print("  neuron   activation   weight   2. weight by   3. activation by")
    for index in np.argsort(-last.inputs):
        numbers = last.inputs[index], last.matrix[DIGIT, index], weights[index], activations[index]
        print("  {:6}   {:10.4f}  {:+7.3f}   {:+12.5f}   {:+16.5f}".format(index, *numbers))


def print_wishes(one: Nudges) -> None:
    """Print what the ten output neurons want of the layer before. Its activations cannot be set, so the sum goes one layer back."""
    last = one.layers[-1]
    print("\nThe other output neurons also have wishes for these activations. The sum counts:\n")
    print("  neuron  " + "".join(f"{f'for {digit}':>8}" for digit in range(10)) + "       sum")
    for index in range(len(last.inputs)):
        print(f"  {index:6}  " + "".join(f"{wish:+8.3f}" for wish in last.wishes[:, index]) + f"  {last.activations[index]:+8.4f}")


def three_ways(ax: Axes, one: Nudges) -> None:
    last = one.layers[-1]
    order = np.argsort(-last.inputs)
    across = np.arange(len(order))
    ax.bar(across - 0.2, last.weights[DIGIT][order], 0.4, color=colours(last.weights[DIGIT][order]))
    ax.bar(across + 0.2, last.wishes[DIGIT][order], 0.4, color=colours(last.wishes[DIGIT][order]), hatch="////", edgecolor="white")
    ax.bar([-1.6], [last.biases[DIGIT]], 0.4, color=colours(last.biases[[DIGIT]]))
    ax.bar([0], [0], color=plots.GREY, label="the bias, and each weight, in proportion to its activation")
    ax.bar([0], [0], color=plots.GREY, hatch="////", edgecolor="white", label="each activation, in proportion to its weight")
    ax.axhline(0, color=plots.GREY, linewidth=0.8)
    names = ["bias", *(f"{last.inputs[index]:.2f}" for index in order)]
    ax.set_xticks([-1.6, *across], names, rotation=90, fontsize=8)
    ax.set(
        title=f"three ways to make the neuron for {DIGIT} brighter, now {last.outputs[DIGIT]:.2f}",
        xlabel="activations of the layer before, brightest first",
    )
    ax.legend(fontsize=8)


def wishes(ax: Axes, one: Nudges) -> None:
    """Plot a row with the wishes of each output neuron for the 16 activations, and their sum below."""
    last = one.layers[-1]
    sheet = np.vstack([last.wishes, last.activations])
    limit = np.abs(sheet).max() or 1.0
    for (row, column), wish in np.ndenumerate(sheet):
        size = (abs(wish) / limit) ** 0.5
        below = row + 0.5 * (row == len(sheet) - 1)
        ax.add_patch(Rectangle((column - size / 2, below - size / 2), size, size, color=colours(np.array([wish]))[0]))
    names = [f"{digit}: {wish:+.2f}" for digit, wish in enumerate(one.outputs)]
    ax.set_yticks([*range(10), 10.5], [*names, "sum"], fontsize=8)
    ax.set_xticks(range(16), [f"{activation:.1f}" for activation in last.inputs], fontsize=8)
    ax.set(xlim=(-0.8, 15.8), ylim=(11.2, -0.8), aspect="equal", xlabel="the activations of the layer before")
    ax.set(title="what each output neuron wants, and the sum", ylabel="output neuron and its own wish")


def colours(numbers: Any) -> list[str]:
    return [plots.POSITIVE if number > 0 else plots.NEGATIVE for number in numbers]


if __name__ == "__main__":
    main()
