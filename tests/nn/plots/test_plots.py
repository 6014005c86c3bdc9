"""The plots, read back from the axes."""

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

from autograd import log, relu, sigmoid, sin, tanh
from nn import Preprocessing, cross_entropy, plots, train
from nn.network import MLP
from nn.training.history import History


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


def closest_class(colour: Any) -> int:
    """The class whose colour a shade is a mixture of, with white."""
    inks = 1 - np.array([to_rgb(each) for each in plots.CLASSES])
    ink = 1 - np.asarray(colour)[:3]
    return int(np.argmax(inks @ ink / np.linalg.norm(inks, axis=1)))


def test_decision_boundary_shades_the_regions_of_a_single_output(ax: Axes) -> None:
    X, y = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), np.array([-1, 1, 1])
    assert plots.decision_boundary(lambda grid: grid[:, 0], X, y, ax, threshold=0.5, resolution=50) is ax
    picture = np.asarray(ax.images[0].get_array())
    left, right = picture[25, 2], picture[25, -3]
    assert [closest_class(each) for each in (left, right)] == [0, 1]
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
    assert {closest_class(each) for each in picture[:, 0]} == {0}
    assert {closest_class(each) for each in picture[:, -1]} == {1}


def points_of(ax: Axes) -> list[Any]:
    """The collections of points, without the lines between the classes."""
    return [each for each in ax.collections if not str(each.get_label()).startswith("_")]


def legend(ax: Axes) -> list[Any]:
    return ax.get_legend_handles_labels()[1]


def test_decision_boundary_takes_names_for_labels(ax: Axes) -> None:
    plots.decision_boundary(lambda grid: grid[:, 0], [[-1.0, 0.0], [1.0, 1.0]], ["moon", "sun"], ax, resolution=20)
    assert legend(ax) == ["moon", "sun"]
    several = pyplot.figure().gca()
    points, names = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]], np.array(["c", "a", "b"], dtype=object)
    plots.decision_boundary(lambda grid: np.c_[grid, grid[:, :1]], points, names, several, resolution=20)
    assert legend(several) == ["a", "b", "c"]
    assert [np.asarray(each.get_offsets()).tolist() for each in points_of(several)] == [[points[1]], [points[2]], [points[0]]]


def test_decision_boundary_has_the_names_of_the_model_and_lines_between_all_classes(ax: Axes, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    table = {"size": rng.normal(0, 1, 60), "mass": rng.normal(3000, 500, 60), "island": rng.choice(["east", "west"], 60)}
    names = np.array(["c", "a", "b"])[np.digitize(table["size"], [-0.5, 0.5])]
    preprocessing = Preprocessing().fit(table)
    model = MLP([preprocessing.width, 3], preprocessing=preprocessing)
    train(model, table, names, cost=cross_entropy, epochs=30, progress=False)
    given = []

    def watched(rows: Any) -> Any:
        given.append(rows)
        return MLP.predict(model, rows)

    monkeypatch.setattr(model, "predict", watched)
    plots.decision_boundary(model, table, names, ax, resolution=30, features=("mass", "size"), others={"island": "west"})
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_aspect()) == ("mass", "size", "auto")
    shown: Any = ax.get_legend()
    assert [each.get_text() for each in shown.get_texts()] == model.classes == ["a", "b", "c"]
    assert len(ax.collections) - len(points_of(ax)) == 3
    assert set(given[0]["island"]) == {"west"}
    plain, points = pyplot.figure().gca(), [[0.0, 1.0, 5.0], [1.0, 2.0, 9.0]]

    def third(rows: Any) -> Any:
        given.append(rows)
        return rows[:, 2]

    plots.decision_boundary(third, points, [0, 1], plain, features=(2, 0))
    assert (plain.get_xlabel(), plain.get_ylabel(), plain.get_legend()) == ("x[2]", "x[0]", None)
    assert set(given[1][:, 1]) == {1.5}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("points", [[[1.0, 2.0]], [[1e20, 1e20]] * 3, [[0.0, 0.0]] * 2, [[0.0, 5.0], [1.0, 5.0]]])
def test_decision_boundary_has_a_margin_around_points_on_a_line(ax: Axes, points: Any) -> None:
    plots.decision_boundary(lambda grid: np.ones(len(grid)), points, [1] * len(points), ax, resolution=5)
    ax.figure.canvas.draw()
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert all(left < x < right and bottom < y < top for x, y in points)


def test_a_lone_label_has_the_colour_of_its_class(ax: Axes) -> None:
    for label, colour in ((0, plots.CLASSES[0]), (-1, plots.CLASSES[0]), (1, plots.CLASSES[1])):
        plots.decision_boundary(lambda grid: grid[:, 0], [[0.0, 1.0]], [label], ax, resolution=5)
        assert to_hex(np.asarray(ax.collections[-1].get_facecolor())[0]) == colour.lower()


def test_history_draws_what_was_measured(ax: Axes) -> None:
    plots.history(History(cost=[3.0, 2.0, 1.0], accuracy=[0.5, 0.6, 0.7], validation_cost=[3.5, 2.5, 2.0]), ax)
    right = ax.figure.axes[1]
    assert [line.get_label() for line in ax.lines] == ["cost", "validation cost"]
    assert np.asarray(ax.lines[0].get_xdata()).tolist() == [1, 2, 3]
    assert np.asarray(ax.lines[1].get_ydata()).tolist() == [3.5, 2.5, 2.0]
    assert np.asarray(right.lines[0].get_ydata()).tolist() == [0.5, 0.6, 0.7]
    assert (ax.get_ylabel(), right.get_ylabel(), ax.get_xlabel()) == ("cost", "accuracy", "epoch")


def test_history_counts_the_epochs_that_are_forgotten(ax: Axes) -> None:
    history = History(cost=[3.0, 2.0, 1.0])
    history.forget(2, 0)
    plots.history(history, ax)
    assert np.asarray(ax.lines[0].get_xdata()).tolist() == [3]


def test_history_without_accuracy_has_one_axis(ax: Axes) -> None:
    plots.history(History(cost=[3.0]), ax)
    assert len(ax.figure.axes) == 1
    assert ax.lines[0].get_marker() == "o", "a single epoch makes no line"
    low, high = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if low <= tick <= high] == [1.0], "there are no parts of epochs"


def test_history_shows_costs_below_zero(ax: Axes) -> None:
    plots.history(History(cost=[-1.0, -2.0]), ax)
    bottom, top = ax.get_ylim()
    assert bottom < -2.0 < -1.0 < top


def test_activation_draws_the_function_its_slope_and_its_curvature(ax: Axes) -> None:
    plots.activation(tanh, ax)
    assert ax.get_ylim()[1] > 1
    x = np.asarray(ax.lines[0].get_xdata())
    curves = [np.asarray(line.get_ydata()) for line in ax.lines[:3]]
    y = np.tanh(x)
    for curve, right in zip(curves, (y, 1 - y * y, -2 * y * (1 - y * y))):
        assert np.allclose(curve, right)
    assert ax.get_title() == "tanh"
    shaded = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])[:, 0]
    assert (shaded.min(), shaded.max()) == (-5, 5)
    assert np.abs(shaded).min() == pytest.approx(math.atanh(math.sqrt(0.95)), abs=0.03)


def test_an_activation_is_not_saturated_at_a_maximum(ax: Axes) -> None:
    plots.activation(sin, ax)
    assert not ax.collections[0].get_paths()


def test_activation_takes_custom_functions(ax: Axes) -> None:
    def leaky(x: Any) -> Any:
        return relu(x) - 0.1 * relu(-x)

    plots.activation(leaky, ax)
    assert ax.get_title() == "leaky"
    assert set(np.round(np.asarray(ax.lines[1].get_ydata()), 12)) == {0.1, 0.0, 1.0}


def test_activation_has_a_gap_where_it_is_undefined(ax: Axes) -> None:
    plots.activation(log, ax)
    x, y = np.asarray(ax.lines[0].get_xdata()), np.asarray(ax.lines[0].get_ydata())
    assert (np.isfinite(y) == (x > 0)).all()
    assert max(np.abs(ax.get_ylim())) < 50, "its curvature of -1600 at 0.025 does not flatten the rest"
    assert not ax.collections[0].get_paths(), "nor is it saturated beside its slope of 40 there"
    with pytest.raises(ValueError, match="log is undefined, or has no derivative, everywhere from -2 to -1: choose another range"):
        plots.activation(log, low=-2.0, high=-1.0)


def test_images_take_arrays_of_images_and_captions_of_any_kind(ax: Axes) -> None:
    pictures = np.arange(12.0).reshape(2, 2, 3)
    plots.images(pictures, np.array([7, 8]), ax)
    assert [np.asarray(each.get_array()).tolist() for each in ax.images] == pictures.tolist()
    assert texts(ax) == ["7", "8"]
    with pytest.raises(TypeError, match=r"captions must be a list of texts, got Axes; axes go by name: ax=\.\.\."):
        plots.images(pictures, ax)  # type: ignore[arg-type]


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


def test_confusion_counts_each_pair(ax: Axes) -> None:
    truth, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    assert plots.confusion_matrix(truth, predicted).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    plots.confusion(truth, predicted, ax, classes=["a", "b", "c", "d"])
    written = {(int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in ax.texts}
    assert written == {(0, 0): "1", (0, 1): "1", (1, 1): "1", (2, 0): "1", (2, 2): "2"}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c", "d"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "truth")


def test_confusion_takes_names_for_labels(ax: Axes) -> None:
    truth, predicted = ["cat", "dog", "dog", "ant"], np.array(["cat", "dog", "cat", "ant"], dtype=object)
    assert plots.confusion_matrix(truth, predicted).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert plots.confusion_matrix(truth, predicted, ["dog", "cat", "ant"]).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    plots.confusion(truth, predicted, ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ant", "cat", "dog"]


def test_confusion_takes_whole_floats_and_bools_and_empty_labels() -> None:
    assert plots.confusion_matrix([0.0, 1.0], [True, True]).tolist() == [[0, 1], [0, 1]]
    assert plots.confusion_matrix([], [], 2).tolist() == [[0, 0], [0, 0]]
    assert plots.confusion_matrix([], []).shape == (0, 0)
    with pytest.raises(ValueError, match="there are no labels to draw the confusion of"):
        plots.confusion([], [])


def test_the_current_axes_are_the_default(ax: Axes) -> None:
    pyplot.sca(ax)
    assert plots.activation(sigmoid) is ax


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"nn\.plots needs matplotlib: pip install matplotlib \(the extra `plots`\)"):
        plots.activation(tanh)


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(11),
        np.arange(11).astype(object),
        np.array([*range(10), 10.0], dtype=object),
        np.arange(11).astype(float),
        np.array([f"{label:02}" for label in range(11)], dtype=object),
        np.array([f"{label:02}" for label in range(11)]),
        np.array([f"{label:02}" for label in range(11)], dtype="S"),
    ],
    ids=lambda labels: f"{labels.dtype} {labels[1]}",
)
def test_each_of_eleven_labels_has_the_colour_of_its_class(labels: Any, ax: Axes) -> None:
    """The oracle is the region around the point, which the predictions colour: class k where x[0] is k."""
    points = np.stack([np.arange(11.0), np.zeros(11)], axis=1)
    plots.decision_boundary(lambda rows: -np.abs(rows[:, :1] - np.arange(11.0)), points, labels, ax=ax)
    looks, collections = [], points_of(ax)
    for index, collection in enumerate(collections):
        assert np.asarray(collection.get_offsets()).tolist() == [[index, 0.0]]
        assert to_hex(collection.get_facecolor()[0]) == plots.CLASSES[index % 8].lower()
        looks.append((to_hex(collection.get_facecolor()[0]), collection.get_paths()[0].vertices.tobytes()))
    assert len(set(looks)) == 11


def test_object_labels_are_counted_by_their_type() -> None:
    """The oracle is the same labels in an array of integers."""
    labels = np.arange(11)
    assert np.array_equal(plots.confusion_matrix(labels.astype(object), labels.astype(object)), np.eye(11))


# What is refused

POINTS = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
MIXED = np.array([0, "a"] * 2, dtype=object), np.array([0, None] * 2, dtype=object)
boundary: Any = plots.decision_boundary  # so that what types forbid can be written down
drawn: Any = plots


def large(number: float) -> MLP:
    """A network with this number as all its weights."""
    model = MLP([2, 1])
    for weight in model.layers[0].neurons[0].weights:
        weight.data = number
    return model


WRONG: list[tuple[Any, str]] = [
    (lambda: boundary(lambda grid: grid, np.zeros(4), np.zeros(4)), r"X must be \(n, 2\) or have more columns, got \(4,\)"),
    (lambda: boundary(lambda grid: grid, np.zeros((4, 2)), np.zeros(3)), r"y must have a label for each of 4 points, got the shape \(3,\)"),
    (lambda: boundary(lambda grid: grid, POINTS, [0, 1, 1], features=(0, 2)), "X has no feature 2: it has '0', '1'"),
    (lambda: boundary(lambda grid: grid, POINTS, [0, 1, 1], features=[0]), r"features must be a pair of features, got \[0\]"),
    (lambda: boundary(lambda grid: grid, POINTS, [0, 1, 1], others={"a": 1.0}), "X has no feature 'a'"),
    (lambda: boundary(lambda grid: grid[:, 0], POINTS, [0, 1, 2]), "one output separates two classes, and y has 3 labels: predict must"),
    (lambda: boundary(lambda grid: np.c_[grid, grid], POINTS, ["a", "b", "c"]), "y has 3 names and predict 4 outputs: give the classes as"),
    (lambda: boundary(lambda grid: np.c_[grid, grid], POINTS, [0, 1, 7]), r"for the labels from 0 to 3, and y has 0 to 7; .* np.unique\(y"),
    (lambda: boundary(lambda grid: grid[:, 0], POINTS, [0, 1, math.nan]), r"y\[2\] is nan: all of y must be finite numbers"),
    (lambda: boundary(lambda grid: grid[:3, 0], POINTS, [0, 1, 1]), r"each of 40000 rows, got the shape \(3,\): vectorize turns a"),
    (lambda: boundary(lambda grid: 1.0, POINTS, [0, 1, 1]), r"predict must return an output, or a row of outputs, .* got the shape \(\)"),
    (lambda: boundary(lambda grid: grid[:, 0] * math.nan, POINTS, [0, 1, 1]), r"predict's outputs\[0\] is nan"),
    (lambda: boundary(lambda grid: grid, POINTS, np.eye(3)), r"got the shape \(3, 3\); for one-hot rows write y.argmax\(axis=1\)"),
    (lambda: boundary(3, POINTS, [0, 1, 1]), r"takes a model, or a function from rows \(n, 2\) to outputs, got int 3"),
    (lambda: boundary(lambda grid: grid, POINTS, [0, 1, 1], resolution=1), "resolution=1 must be 2 or more"),
    *((lambda labels=labels: boundary(MLP([2, 2]), np.zeros((4, 2)), labels), r"mixture of .*int.*; write .*astype\(str\)")
      for labels in MIXED),
    *((lambda labels=labels: drawn.confusion_matrix(labels, labels), "hold numbers, or strings: got a mixture of") for labels in MIXED),
    *((lambda number=number: drawn.network(large(number)), rf"weights\[0\] is {number}: a network that has diverged cannot be drawn")
      for number in (math.nan, math.inf)),
    (lambda: drawn.weights_as_images(large(math.inf), shape=(1, 2)), r"weights\[0\] is inf: a network that has diverged cannot be drawn"),
    (lambda: drawn.network(MLP([2, 2, 1]).layers[0]), r"plots.network draws an MLP, got Layer Layer\(2, 2"),
    (lambda: drawn.weights_as_images([1]), r"plots.weights_as_images draws a Layer, or the first of an MLP, got list \[1\]"),
    (lambda: drawn.network(MLP([2, 1]), most=0), "most must be a whole number of at least 1, got 0"),
    (lambda: drawn.network(MLP([2, 1]), [1.0, 2.0, 3.0]), r"x must be one example, \(2,\), got the shape \(3,\)"),
    (lambda: drawn.network(MLP([2, 1]), [[1.0, 2.0]] * 2), r"x must be one example, \(2,\), got the shape \(2, 2\)"),
    (lambda: drawn.network(MLP([2, 1]), [math.nan, 1.0]), r"x\[0\] is nan"),
    (lambda: drawn.network(large(1e300), [1e300, 1e300]), r"layers\[0\]'s outputs\[0\] is inf"),
    (lambda: drawn.history([1, 2]), r"plots.history draws a History, as train returns it, got list \[1, 2\]"),
    (lambda: drawn.activation(np.tanh), "numpy's tanh cannot be differentiated twice: use autograd's, as in `from autograd import tanh`"),
    (lambda: drawn.activation(math.tanh), "functions and not with numpy's or math's; tanh is none: must be real number, not Value"),
    (lambda: drawn.activation(lambda x: np.where(x > 0, x, 0.0)), "autograd's functions and not with numpy's or math's; .* is none"),
    (lambda: drawn.activation(lambda x: [x, x]), "draws a function of one number .* is none: .*not 'list'"),
    (lambda: drawn.activation(lambda x: "a"), "draws a function of one number .* is none: .*, got str 'a'"),
    (lambda: drawn.activation(lambda x, y: x), "draws a function of one number .* is none: .*missing 1 required positional argument: 'y'"),
    (lambda: drawn.activation("tanh"), "plots.activation draws a function of one number, got str 'tanh'"),
    *((lambda low=low, high=high: drawn.activation(tanh, low=low, high=high), f"low={low} must be below high={high}, and both finite")
      for low, high in ((1.0, 1.0), (5.0, -5.0), (math.nan, 1.0), (0.0, math.inf))),
    (lambda: drawn.activation(tanh, np.array([None])), r"must be one of matplotlib's Axes, got ndarray: take one of them, as in axes\[0\]"),
    (lambda: drawn.activation(tanh, pyplot.figure()), "ax must be one of matplotlib's Axes, got Figure"),
    (lambda: drawn.images(np.zeros(4)), r"takes rows of pixels, \(n, pixels\), got shape \(4,\)"),
    (lambda: drawn.images(np.zeros((1, 4)), shape=(-2, -2)), r"shape=\(-2, -2\) must be two whole numbers above 0: \(height, width\)"),
    (lambda: drawn.images(np.zeros((1, 4)), shape=2), r"shape=2 must be two whole numbers above 0"),
    (lambda: drawn.images(np.zeros((1, 6))), r"6 pixels do not fit an image of 2 x 2: give shape=\(height, width\)"),
    (lambda: drawn.images(np.zeros((1, 4)), shape=(3, 1)), "4 pixels do not fit an image of 3 x 1"),
    (lambda: drawn.images(np.zeros((2, 4)), ["a"]), "one caption for each image: got 2 images and 1 captions"),
    (lambda: drawn.confusion_matrix([0, 1], [0]), r"two equally long rows of labels, got shapes \(2,\) and \(1,\)$"),
    (lambda: drawn.confusion_matrix([[0, 1]], [[0, 1]]), r"got shapes \(1, 2\) and \(1, 2\); for one-hot rows write argmax\(axis=1\)"),
    (lambda: drawn.confusion_matrix([0.5], [0.5]), "labels are whole numbers, or names in both rows, got rows of float64 and float64"),
    (lambda: drawn.confusion_matrix([math.nan], [1.0]), "labels are whole numbers, or names in both rows"),
    (lambda: drawn.confusion_matrix(["a"], [0]), "labels are whole numbers, or names in both rows, got rows of <U1 and int64"),
    (lambda: drawn.confusion_matrix([0, 3], [0, 1], 2), "labels run from 0 to 1 here, got 0 to 3"),
    (lambda: drawn.confusion_matrix([-1, 1], [1, 1]), r"from 0 to 1 here, got -1 to 1; give others as names, such as y.astype\(str\)"),
    (lambda: drawn.confusion_matrix([10**6], [1]), "labels run from 0 to 999 here, got 1 to 1000000; give others as names"),
    (lambda: drawn.confusion_matrix(["a", "c"], ["a", "b"], ["b", "a"]), r"the label 'c' is not one of the classes \['b', 'a'\]"),
    (lambda: drawn.confusion_matrix(["a"], ["a"], ["a", "a"]), "the classes have the name 'a' twice"),
]  # fmt: skip


@pytest.mark.parametrize(("draw", "message"), WRONG)
def test_what_cannot_be_drawn_is_refused(draw: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        draw()
    pyplot.close("all")
