"""Train a network of scalar neurons, 784-16-16-10 by default, to read handwritten digits, and show its mistakes.

The recipe `plain` is gradient descent as in the book: sigmoid, squared error, mini-batches of 10. The recipe `better` is Adam,
cross-entropy and ReLU, and shifts each image by up to a pixel, another way in each epoch. In both the learning rate falls in half a
cosine wave.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot

import autograd
from demos.common import add_backend, backend, parser, positive, save
from nn import MLP, SGD, Adam, Cosine, DivergenceError, History, cross_entropy, hinge, plots, squared_error, train
from nn.data import Examples, digits, load_digits, load_mnist, one_hot, split

Array = npt.NDArray[Any]
COSTS = {"squared_error": squared_error, "cross_entropy": cross_entropy, "hinge": hinge}
RATES = {"squared_error": 3.0, "cross_entropy": 0.3, "hinge": 0.1}  # for SGD; Adam takes 0.003


@dataclass(frozen=True)
class Recipe:
    """What the options leave open."""

    activation: str
    cost: str
    batch_size: int
    optimizer: Callable[[Any], Any]
    is_shifting: bool


RECIPES = {"plain": Recipe("sigmoid", "squared_error", 10, SGD, False), "better": Recipe("relu", "cross_entropy", 32, Adam, True)}
EPOCHS = {"drawn": 20, "mnist": 30, "sklearn": 100}


def options() -> argparse.ArgumentParser:
    every = parser(__doc__)
    every.formatter_class = argparse.HelpFormatter
    every.add_argument(
        "--data", choices=EPOCHS, help="digits drawn by this library, MNIST, or scikit-learn's digits of 8 x 8 pixels (default: drawn)"
    )
    every.add_argument("--recipe", choices=RECIPES, help="see above (default: plain, for mnist better)")
    every.add_argument("--folder", help="the folder of the four MNIST files, for --data mnist")
    every.add_argument("--examples", type=positive, default=20_000, help="number of digits to draw for training (default: 20000)")
    every.add_argument("--sizes", type=sizes, help="neurons in each layer (default: 784,16,16,10, for sklearn 64,16,16,10)")
    every.add_argument(
        "--activation", choices=["sigmoid", "tanh", "relu", "softplus"], help="(default: sigmoid, in the better recipe relu)"
    )
    every.add_argument("--cost", choices=COSTS, help="(default: squared_error, with sigmoid outputs; in the better recipe cross_entropy)")
    every.add_argument("--batch-size", type=positive, help="examples in a mini-batch (default: 10, in the better recipe 32)")
    every.add_argument(
        "--learning-rate",
        type=float,
        help="the initial learning rate, which falls to 0 (default: 3.0 for squared_error, in the better recipe 0.003)",
    )
    every.add_argument("--epochs", type=positive, help="passes through the data (default: 20 for drawn, 30 for mnist, 100 for sklearn)")
    every.add_argument("--checkpoint", help="a file to save the run to after each epoch")
    every.add_argument("--resume", action="store_true", help="resume from the checkpoint")
    add_backend(every)
    return every


def sizes(text: str) -> list[int]:
    try:
        return [positive(size) for size in text.split(",")]
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of sizes such as 784,16,16,10") from None


def main(arguments: Sequence[str] | None = None) -> None:
    given = options().parse_args(arguments)
    if given.resume and not given.checkpoint:
        sys.exit("demos.digits: --resume needs the checkpoint to resume from: add --checkpoint PATH")
    kind = given.data or ("sklearn" if given.sizes and given.sizes[0] == 64 else "drawn")
    recipe = RECIPES[given.recipe or ("better" if kind == "mnist" else "plain")]
    if given.resume and recipe.is_shifting:
        sys.exit("demos.digits: a run whose images move cannot be resumed, because a checkpoint does not hold them: add --recipe plain")
    for option in ("activation", "cost", "batch_size"):
        setattr(given, option, getattr(given, option) or getattr(recipe, option))
    try:
        (X, y), (X_test, y_test) = load(kind, given)
        model = network(given, X.shape[1])
        print(f"{kind} digits: {len(X)} for training, {len(X_test)} held out\n{model}: {len(model.parameters())} weights and biases")
        history = learn(model, (X, y), (X_test, y_test), given, given.epochs or EPOCHS[kind], recipe)
    except (DivergenceError, ImportError, OSError, ValueError) as error:
        sys.exit(f"demos.digits: {error}")

    outputs = model.predict(X_test)
    predicted = outputs.argmax(axis=1)
    mistakes = np.flatnonzero(predicted != y_test)
    print(f"held-out accuracy: {np.mean(predicted == y_test):.2%}, {len(mistakes)} of {len(y_test)} wrong\n")
    print_confusion(plots.confusion_matrix(y_test, predicted, 10))
    lead = outputs[mistakes, predicted[mistakes]] - outputs[mistakes, y_test[mistakes]]
    worst = mistakes[np.argsort(-lead, kind="stable")][:20]

    figure, axes = pyplot.subplots(2, 2, figsize=(12, 11.5), layout="constrained")
    plots.history(history, axes[0, 0]).set_title("training; dashed: held-out digits")
    plots.confusion(y_test, predicted, axes[0, 1]).set_title(f"{np.mean(predicted == y_test):.2%} of the held-out digits are correct")
    plots.weights_as_images(model, axes[1, 0]).set_title("what the first layer's neurons look for")
    if worst.size:
        plots.images(X_test[worst], [f"{y_test[i]} read as {predicted[i]}" for i in worst], axes[1, 1])
        axes[1, 1].set_title("the worst mistakes")
    else:
        axes[1, 1].set_axis_off()
    save(figure, given.output / "digits.png")


def load(kind: str, given: argparse.Namespace) -> tuple[Examples, Examples]:
    if (kind == "mnist") != bool(given.folder):
        raise ValueError("--data mnist needs --folder with its four files, and --folder needs --data mnist")
    if kind == "mnist":
        return load_mnist(given.folder)
    if kind == "sklearn":
        return split(*load_digits(), test=0.2, seed=given.seed)
    return digits(given.examples, given.seed), digits(max(given.examples // 5, 100), given.seed + 1_000_000)


def network(given: argparse.Namespace, pixels: int) -> MLP:
    layers = given.sizes or [pixels, 16, 16, 10]
    if (layers[0], layers[-1]) != (pixels, 10) or len(layers) < 2:
        raise ValueError(f"--sizes must start with {pixels} (pixels) and end with 10 (digits), got {','.join(map(str, layers))}")
    output_activation = autograd.sigmoid if given.cost == "squared_error" else None
    return MLP(layers, getattr(autograd, given.activation), output_activation, seed=given.seed)


def learn(model: MLP, training: Examples, held_out: Examples, given: argparse.Namespace, epochs: int, recipe: Recipe) -> History:
    def target(y: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        return one_hot(y, 10) if given.cost == "squared_error" else y

    images = training[0].astype(np.float64)  # the array that training reads, so that the callback can change it
    usual = RATES[given.cost] if recipe.optimizer is SGD else 0.003
    rate = usual if given.learning_rate is None else given.learning_rate
    started = time.perf_counter()
    history = train(
        model, images, target(training[1]), cost=COSTS[given.cost], optimizer=recipe.optimizer(Cosine(rate, epochs)),
        batch_size=given.batch_size, epochs=epochs, seed=given.seed, validation=(held_out[0], target(held_out[1])),
        checkpoint=given.checkpoint, resume=given.resume, backend=backend(given),
        callbacks=[shifting(images, given.seed)] if recipe.is_shifting else [],
    )  # fmt: skip
    seconds, epochs = time.perf_counter() - started, len(history.cost)
    print(f"trained for {epochs} epochs in {seconds:.1f} s, {seconds / epochs:.2f} s each")
    print(f"cost {history.cost[0]:.3f} in the first epoch, {history.cost[-1]:.3f} in the last")
    return history


def shifting(X: Array, seed: int) -> Callable[[Any, Any], None]:
    """Return a callback that replaces the images by copies, each shifted by at most a pixel, so that no epoch sees the same images."""
    original = X.astype(np.float32)

    def shift(_: Any, history: History) -> None:
        X[:] = shifted(original, np.random.default_rng([seed, len(history.cost)]))

    return shift


def shifted(X: Array, rng: np.random.Generator) -> Array:
    """Return the images, (n, pixels), each shifted by -1, 0 or 1 pixel in both directions. Empty pixels are 0."""
    side = round(X.shape[1] ** 0.5)
    padded = np.pad(X.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    down, right = rng.integers(0, 3, (2, len(X)))
    moved: Array = windows[np.arange(len(X)), down, right].reshape(X.shape)
    return moved


def print_confusion(matrix: npt.NDArray[np.int64]) -> None:
    print("true \\ predicted" + "".join(f"{digit:6}" for digit in range(10)))
    for digit, row in enumerate(matrix.tolist()):
        print(f"{digit:16}" + "".join(f"{count or '.':>6}" for count in row))


if __name__ == "__main__":
    main()
