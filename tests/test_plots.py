"""The pictures: what is drawn is read back from the axes."""

import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from autograd import relu, sigmoid, sin, tanh
from nn import plots
from nn.history import History
from nn.network import MLP


@pytest.fixture
def ax() -> Iterator[Axes]:
    figure, axes = pyplot.subplots()
    yield axes
    figure.canvas.draw()  # what was put on the axes must also draw
    pyplot.close("all")


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def lines(ax: Axes) -> list[Any]:
    """For each layer, the lines that stand for its weights."""
    return [each for each in ax.collections if each.get_zorder() == 1]


def circles(ax: Axes) -> list[Any]:
    """The columns of neurons, which are drawn above the lines."""
    return [each for each in ax.collections if each.get_zorder() == 2]


def test_network_draws_every_weight_with_its_sign_and_size(ax: Axes) -> None:
    model = MLP([2, 3, 1])
    for number, parameter in enumerate(model.parameters()):
        parameter.data = (number + 1) * (-1.0) ** number
    assert plots.network(model, ax=ax) is ax
    assert [len(each.get_segments()) for each in lines(ax)] == [6, 3]
    widths = lines(ax)[0].get_linewidth()
    assert list(widths) == sorted(widths)
    largest = model.layers[0].neurons[2].weights[1]
    assert largest.data == 8 * -1.0
    assert lines(ax)[0].get_segments()[-1].tolist() == [[0, -0.5], [1, -1]]
    assert to_hex(lines(ax)[0].get_color()[-1]) == plots.NEGATIVE.lower()
    assert texts(ax) == ["2", "3", "1"]


def test_network_shows_biases_as_rings_and_activations_as_fills(ax: Axes) -> None:
    model = MLP([2, 2, 1], activation=tanh)
    hidden = model.layers[0].neurons
    hidden[0].bias.data, hidden[1].bias.data, model.layers[1].neurons[0].bias.data = 2.0, -1.0, 0.0
    plots.network(model, [1.0, -1.0], ax)
    rings = circles(ax)[1]
    assert [to_hex(each) for each in rings.get_edgecolors()] == [plots.POSITIVE.lower(), plots.NEGATIVE.lower()]
    assert rings.get_linewidths()[0] > rings.get_linewidths()[1]
    assert [to_hex(each) for each in circles(ax)[0].get_facecolors()] == [plots.POSITIVE.lower(), plots.NEGATIVE.lower()]
    assert texts(ax)[-1] == f"{model([1.0, -1.0])[0].data:.2f}"


def test_network_abbreviates_a_large_layer(ax: Axes) -> None:
    plots.network(MLP([784, 16, 2]), ax=ax)
    assert [len(each.get_offsets()) for each in circles(ax)] == [10, 16, 2]
    assert texts(ax) == ["784", "16", "2"]
    (dots,) = (each for each in ax.collections if each.get_zorder() == 3)
    heights = circles(ax)[0].get_offsets()[:, 1]
    assert max(-np.diff(heights)) == 2
    assert np.mean(np.asarray(dots.get_offsets())[:, 1]) == pytest.approx((heights[4] + heights[5]) / 2)


def test_decision_boundary_shades_the_regions_of_a_single_output(ax: Axes) -> None:
    X, y = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), np.array([-1, 1, 1])
    assert plots.decision_boundary(lambda grid: grid[:, 0], X, y, ax, threshold=0.5, resolution=50) is ax
    picture = np.asarray(ax.images[0].get_array())
    left, right = picture[25, 2], picture[25, -3]
    assert left[0] > left[2], "orange: class 0 is left of 0.5"
    assert right[2] > right[0], "blue: class 1 is right of it"
    boundary = ax.collections[0].get_paths()[0].vertices
    assert np.allclose(np.asarray(boundary)[:, 0], 0.5)
    assert [each.get_label() for each in ax.collections[1:]] == ["class -1", "class 1"]
    assert [np.shape(each.get_offsets()) for each in ax.collections[1:]] == [(1, 2), (2, 2)]


def test_decision_boundary_takes_a_model_and_its_threshold(ax: Axes) -> None:
    model = MLP([2, 1], output_activation=sigmoid)
    (model.layers[0].neurons[0].weights[0].data, model.layers[0].neurons[0].weights[1].data) = 0.0, 1.0
    plots.decision_boundary(model, [[-1.0, -1.0], [1.0, 1.0]], [0, 1], ax, resolution=41)
    assert np.allclose(np.asarray(ax.collections[0].get_paths()[0].vertices)[:, 1], 0)


def test_decision_boundary_of_several_classes_is_where_the_largest_output_changes(ax: Axes) -> None:
    plots.decision_boundary(lambda grid: np.c_[-grid[:, 0], grid[:, 0], grid[:, 1] - 9], [[-1, 0], [1, 0]], [0, 1], ax, resolution=20)
    picture = np.asarray(ax.images[0].get_array())
    assert (picture[:, 0, 0] > picture[:, 0, 2]).all()
    assert (picture[:, -1, 0] < picture[:, -1, 2]).all()


@pytest.mark.parametrize(("X", "y"), [(np.zeros((4, 3)), np.zeros(4)), (np.zeros(4), np.zeros(4)), (np.zeros((4, 2)), np.zeros(3))])
def test_decision_boundary_needs_a_plane(X: Any, y: Any) -> None:
    with pytest.raises(ValueError, match=r"drawn in the plane: X must be \(n, 2\) and y \(n,\), got"):
        plots.decision_boundary(lambda grid: grid, X, y)


def test_history_draws_what_was_measured(ax: Axes) -> None:
    plots.history(History(cost=[3.0, 2.0, 1.0], accuracy=[0.5, 0.6, 0.7], validation_cost=[3.5, 2.5, 2.0]), ax)
    right = ax.figure.axes[1]
    assert [line.get_label() for line in ax.lines] == ["cost", "validation cost"]
    assert np.asarray(ax.lines[0].get_xdata()).tolist() == [1, 2, 3]
    assert np.asarray(ax.lines[1].get_ydata()).tolist() == [3.5, 2.5, 2.0]
    assert np.asarray(right.lines[0].get_ydata()).tolist() == [0.5, 0.6, 0.7]
    assert (ax.get_ylabel(), right.get_ylabel(), ax.get_xlabel()) == ("cost", "accuracy", "epoch")


def test_history_without_accuracy_has_one_axis(ax: Axes) -> None:
    plots.history(History(cost=[3.0]), ax)
    assert len(ax.figure.axes) == 1
    assert ax.lines[0].get_marker() == "o", "a single epoch makes no line"


def test_activation_draws_the_function_its_slope_and_its_curvature(ax: Axes) -> None:
    plots.activation(tanh, ax)
    x = np.asarray(ax.lines[0].get_xdata())
    curves = [np.asarray(line.get_ydata()) for line in ax.lines[:3]]
    y = np.tanh(x)
    for curve, right in zip(curves, (y, 1 - y * y, -2 * y * (1 - y * y))):
        assert np.allclose(curve, right)
    assert ax.get_title() == "tanh"
    shaded = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])[:, 0]
    assert (shaded.min(), shaded.max()) == (-5, 5)
    assert np.abs(shaded).min() == pytest.approx(math.atanh(math.sqrt(0.95)), abs=0.03)


def test_activation_is_not_called_saturated_on_top_of_a_hill(ax: Axes) -> None:
    plots.activation(sin, ax)
    assert not ax.collections[0].get_paths()


def test_activation_takes_a_function_of_the_users_own(ax: Axes) -> None:
    def leaky(x: Any) -> Any:
        return relu(x) - 0.1 * relu(-x)

    plots.activation(leaky, ax)
    assert ax.get_title() == "leaky"
    assert set(np.round(np.asarray(ax.lines[1].get_ydata()), 12)) == {0.1, 0.0, 1.0}


def test_images_are_laid_out_in_rows_with_captions(ax: Axes) -> None:
    rows = np.arange(20.0).reshape(5, 4)
    assert plots.images(rows, list("abcde"), ax) is ax
    assert [np.asarray(each.get_array()).tolist() for each in ax.images] == [row.reshape(2, 2).tolist() for row in rows]
    assert texts(ax) == list("abcde")
    tops = [each.get_extent()[3] for each in ax.images]
    assert tops[0] == tops[2] < tops[3] == tops[4]
    assert ax.images[0].get_clim() == (0, 19)


def test_weights_as_images_are_signed_about_zero(ax: Axes) -> None:
    model = MLP([6, 2, 1])
    plots.weights_as_images(model, ax, shape=(2, 3))
    weights = [[weight.data for weight in neuron.weights] for neuron in model.layers[0].neurons]
    assert [np.asarray(each.get_array()).ravel().tolist() for each in ax.images] == weights
    low, high = ax.images[0].get_clim()
    assert -low == high == np.abs(weights).max()
    colours = ax.images[0].get_cmap()
    assert [to_hex(colours(share)) for share in (0.0, 1.0)] == [plots.NEGATIVE.lower(), plots.POSITIVE.lower()]
    assert min(colours(0.5)) > 0.99, "white at 0"
    assert len(plots.weights_as_images(model.layers[1], pyplot.figure().gca(), shape=(1, 2)).images) == 1


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (np.zeros(4), {}, r"takes rows of pixels, \(n, pixels\), got shape \(4,\)"),
        (np.zeros((0, 4)), {}, r"got shape \(0, 4\)"),
        (np.zeros((1, 6)), {}, r"6 pixels make no image of 2 x 2: give shape=\(height, width\)"),
        (np.zeros((1, 4)), {"shape": (3, 1)}, "4 pixels make no image of 3 x 1"),
        (np.zeros((2, 4)), {"captions": ["a"]}, "one caption for each: got 2 images and 1 captions"),
    ],
)
def test_images_say_what_does_not_fit(rows: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.images(rows, **options)


def test_confusion_counts_each_pair(ax: Axes) -> None:
    truth, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    assert plots.confusion_matrix(truth, predicted).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    plots.confusion(truth, predicted, ax, classes=["a", "b", "c", "d"])
    written = {(int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in ax.texts}
    assert written == {(0, 0): "1", (0, 1): "1", (1, 1): "1", (2, 0): "1", (2, 2): "2"}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c", "d"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "truth")


@pytest.mark.parametrize(
    ("truth", "predicted", "classes", "message"),
    [
        ([0, 1], [0], 0, r"two equally long rows of whole labels, got shapes \(2,\) and \(1,\)"),
        ([0.5], [0.5], 0, "whole labels, .* of float64 and float64"),
        ([0, 3], [0, 1], 2, "labels run from 0 to 1 here, got 0 to 3"),
        ([-1, 1], [1, 1], 0, "labels run from 0 to 1 here, got -1 to 1"),
    ],
)
def test_confusion_refuses_what_are_no_labels(truth: Any, predicted: Any, classes: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.confusion_matrix(truth, predicted, classes)


def test_the_current_axes_are_the_default(ax: Axes) -> None:
    pyplot.sca(ax)
    assert plots.activation(sigmoid) is ax


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"nn\.plots needs matplotlib, from the extra `plots`: pip install -e '\.\[plots\]'"):
        plots.activation(tanh)
