"""Labels of any kind: training finds the classes, the model keeps them, and predictions are labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn import MLP, binary_cross_entropy, blobs, cross_entropy, hinge, squared_error, train

X, Y = blobs(60, classes=3, noise=0.1)
TWO = Y < 2


def fitted(outputs: int, labels: Any, cost: Any = cross_entropy, inputs: Any = X, **settings: Any) -> MLP:
    model = MLP([2, 6, outputs])
    train(model, inputs, labels, cost=cost, epochs=30, progress=False, **settings)
    return model


@pytest.mark.parametrize("cost", [cross_entropy, hinge, squared_error])
@pytest.mark.parametrize(
    "names", [np.array(["c", "a", "b"]), np.array([1, 2, 3]), np.array([10.0, 30.0, 20.0])], ids=["words", "1..3", "10s"]
)
def test_labels_of_several_classes(cost: Any, names: Any) -> None:
    labels = names[Y]
    model = fitted(3, labels, cost)
    assert model.classes == sorted(set(labels.tolist()))
    assert (model.classify(X) == labels).mean() > 0.95
    assert model.accuracy(X, labels) == (model.classify(X) == labels).mean()
    columns = [sorted(set(names.tolist())).index(each) for each in names.tolist()]
    assert (model.predict(X).argmax(axis=1) == np.array(columns)[Y]).mean() > 0.95


@pytest.mark.parametrize("cost", [binary_cross_entropy, hinge, squared_error])
@pytest.mark.parametrize("names", [["yes", "no"], [1, 2], [False, True], [-1, 1]], ids=str)
def test_labels_of_two_classes(cost: Any, names: list[Any]) -> None:
    labels = np.array(names)[Y[TWO]]
    if cost is squared_error and names == [1, 2]:  # numbers to predict
        assert fitted(1, labels, cost, X[TWO]).classes is None
        return
    model = fitted(1, labels, cost, X[TWO])
    assert model.classes == sorted(names)
    assert (model.classify(X[TWO]) == labels).mean() > 0.95
    assert model.accuracy(X[TWO], labels) > 0.95


@pytest.mark.parametrize("cost", [cross_entropy, hinge, squared_error])
def test_several_outputs_take_the_labels_minus_1_and_1(cost: Any) -> None:
    labels = np.where(TWO, 1, -1)
    model = fitted(2, labels, cost)
    assert model.classes == [-1, 1]
    assert model.accuracy(X, labels) == (model.classify(X) == labels).mean() > 0.8


def test_a_model_of_signs_takes_no_other_labels_and_has_one_threshold() -> None:
    labels = np.where(Y[TWO] == 1, 1, -1)
    model = fitted(1, labels, hinge, X[TWO])
    for call in (model.accuracy, lambda x, y: train(model, x, y, cost=hinge, progress=False)):
        with pytest.raises(ValueError, match="labels that are not classes of the model, such as 0: its classes are -1, 1"):
            call(X[TWO], Y[TWO])
    model.threshold = float(model.predict(X[TWO]).max())
    assert model.accuracy(X[TWO], labels) == (model.classify(X[TWO]) == labels).mean() == (labels == -1).mean()


def test_labels_from_0_need_no_names() -> None:
    model = fitted(3, Y)
    assert model.classes is None
    assert model.classify(X[:3]).tolist() == model.predict(X[:3]).argmax(axis=1).tolist()
    np.testing.assert_array_equal(fitted(3, np.array(["a", "b", "c"])[Y]).predict(X), model.predict(X))


@pytest.mark.parametrize("large", [10**17 + 1, -(2**53) - 1])
def test_labels_that_float64_rounds_are_refused(large: int) -> None:
    for outputs, labels in ((1, np.where(TWO, large, 1)), (3, np.array([large, 1, 2])[Y])):
        with pytest.raises(ValueError, match=r"Y has labels of 2\*\*53 or more, such as -?\d+, which float64 rounds: write them as words"):
            fitted(outputs, labels, hinge)


def test_targets_that_are_no_labels_stay_numbers() -> None:
    def of_two(outputs: Any, target: Any) -> Any:  # a mean and the logarithm of a deviation, say
        return (outputs[0] - target) ** 2 + outputs[1] ** 2

    assert fitted(2, np.where(TWO, 30.0, 20.0), of_two).classes is None
    assert fitted(1, 10.0 * TWO, squared_error).classes is None


def test_probabilities_have_the_order_of_the_classes() -> None:
    model = fitted(3, np.array(["c", "a", "b"])[Y])
    assert model.probabilities(X).argmax(axis=1).tolist() == [["a", "b", "c"].index(each) for each in model.classify(X)]


def test_classes_may_be_named_before_training_and_are_kept_after_it() -> None:
    labels = np.array(["a", "b"])[Y[TWO]]
    with pytest.raises(ValueError, match="Y has 2 classes, 'a', 'b', and a model with 3 output"):
        fitted(3, labels, inputs=X[TWO])
    model = MLP([2, 6, 3])
    model.classes = ["b", "c", "a"]
    train(model, X[TWO], labels, cost=cross_entropy, epochs=30, progress=False)
    assert (model.classes, set(model.classify(X[TWO]).tolist())) == (["b", "c", "a"], {"a", "b"})
    with pytest.raises(ValueError, match=r"Y has labels that are not classes of the model, such as 'z': .* write model.classes = None"):
        train(model, X[TWO], np.array(["a", "z"])[Y[TWO]], cost=cross_entropy, progress=False)
    with pytest.raises(ValueError, match="such as 0: its classes are 'b', 'c', 'a'"):
        model.accuracy(X, Y)
    for wrong in (["a"], ["a", "a"], [["a", "b"]], [1, 10**17 + 1]):
        with pytest.raises(ValueError, match=r"classes"):
            model.classes = wrong


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", None, "b"] * 20, r"Y\[1\] is missing: leave out the 20 rows without a label"),
        (["a", float("nan"), "b"] * 20, r"Y\[1\] is missing: leave out the 20 rows without a label"),
        (["a", 1, "b"] * 20, "Y must hold labels of one kind, got int, str: write all of them as words, or all as numbers"),
        (np.array(["a", "b", "c", "d"])[np.arange(60) % 4], "Y has 4 classes, .* tells 3 apart"),
    ],
)
def test_labels_that_are_refused(labels: Any, message: str) -> None:
    model = MLP([2, 6, 3])
    for given in (list(labels), tuple(labels), [[each] for each in labels], np.array(labels, dtype=object)):
        with pytest.raises(ValueError, match=message):
            train(model, X, given, cost=cross_entropy, progress=False)
    assert model.classes is None


def test_validation_has_the_classes_of_training() -> None:
    names = np.array(["c", "a", "b"])
    model = MLP([2, 6, 3])
    history = train(model, X, names[Y], cost=cross_entropy, epochs=20, validation=(X[TWO], names[Y[TWO]]), progress=False)
    assert history.validation_accuracy[-1] == model.accuracy(X[TWO], names[Y[TWO]])


@pytest.mark.parametrize("names", [["c", "a", "b"], [1, 2, 3], [1.5, 2.5, 3.5]])
def test_classes_are_saved(names: list[Any], tmp_path: Path) -> None:
    model = MLP([2, 3])
    model.classes = names
    model.save(tmp_path / "model.npz")
    back = MLP.load(tmp_path / "model.npz")
    assert back.classes == names
    assert back.classify(X).tolist() == model.classify(X).tolist()
