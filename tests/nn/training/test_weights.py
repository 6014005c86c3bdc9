"""Weights: the same as repeated rows, on every back end, and the definitions of scikit-learn."""

from typing import Any

import numpy as np
import pytest

from nn import MLP, SGD, Training, blobs, cross_entropy, squared_error, train
from nn.training.file_arrays import FileArray

X, Y = blobs(40, classes=3, seed=1)
WEIGHTS = np.random.default_rng(0).integers(0, 4, 40)
NAMES = np.array(["c", "a", "b"])[Y]


def fitted(inputs: Any, targets: Any, **settings: Any) -> tuple[MLP, Any]:
    model = MLP([2, 3, 3])
    settings = {"cost": cross_entropy, "optimizer": SGD(0.3, momentum=0.9), "batch_size": None, "epochs": 12, **settings}
    return model, train(model, inputs, targets, **settings, progress=False)


@pytest.mark.parametrize(
    ("backend", "cost", "targets"),
    [
        ("eager", cross_entropy, Y), ("numpy", cross_entropy, Y), ("native", cross_entropy, Y), ("jax", squared_error, np.eye(3)[Y]),
        ("numpy", squared_error, np.eye(3)[Y]),
    ],
)  # fmt: skip
def test_weights_are_repeated_rows(backend: str, cost: Any, targets: Any) -> None:
    if backend == "jax":
        pytest.importorskip("jax")
    settings: dict[str, Any] = {"cost": cost, "compiled": backend != "eager", "backend": backend if backend != "eager" else "numpy"}
    settings["validation"] = None if backend == "jax" else (X, targets, WEIGHTS)  # without it JAX compiles less
    weighted, history = fitted(X, targets, sample_weight=WEIGHTS, **settings)
    rows = np.repeat(np.arange(40), WEIGHTS)
    settings["validation"] = settings["validation"] and (X[rows], targets[rows])
    repeated, expected = fitted(X[rows], targets[rows], **settings)
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-9, atol=1e-9)
    for name in ("cost", "accuracy", "validation_cost", "validation_accuracy", "gradient_norm"):
        np.testing.assert_allclose(getattr(history, name), getattr(expected, name), rtol=1e-9)
    assert (history.weighted, expected.weighted) == (True, False)


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 3.0, "c": 0.5}, {"b": 0.0, "c": 2.0}], ids=str)
def test_weights_of_classes_are_those_of_scikit_learn(class_weight: Any) -> None:
    expected = pytest.importorskip("sklearn.utils.class_weight").compute_sample_weight(class_weight, NAMES[:30])
    by_class, history = fitted(X[:30], NAMES[:30], class_weight=class_weight, sample_weight=1.0 + WEIGHTS[:30])
    by_example, other = fitted(X[:30], NAMES[:30], sample_weight=expected * (1.0 + WEIGHTS[:30]))
    np.testing.assert_allclose(by_class.predict(X), by_example.predict(X), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(history.cost, other.cost, rtol=1e-9)
    assert repr(history).startswith("History(12 epochs, 12 steps, weighted means, cost ")


def test_labels_without_names_have_weights_of_classes_too() -> None:
    model, _ = fitted(X, Y, class_weight={2: 5.0})
    other, _ = fitted(X, Y, sample_weight=np.where(Y == 2, 5.0, 1.0))
    np.testing.assert_allclose(model.predict(X), other.predict(X), rtol=1e-9)


def test_mini_batches_and_single_examples_have_their_weights() -> None:
    run = Training(MLP([2, 3, 3]), X, NAMES, cost=cross_entropy, sample_weight=1.0 + WEIGHTS, batch_size=7)
    unweighted = Training(MLP([2, 3, 3]), X, NAMES, cost=cross_entropy, batch_size=7)
    example, other = run.example(), unweighted.example()
    factor = (1.0 + WEIGHTS[example.index]) / np.mean(1.0 + WEIGHTS)
    assert example.cost == pytest.approx(factor * other.cost)
    assert (example.index, example.y, run.Y.tolist()) == (other.index, other.y, unweighted.Y.tolist())


def test_inputs_in_a_file_keep_their_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    np.save(tmp_path / "x.npy", X)
    monkeypatch.setattr("nn.training.file_arrays.MAX_BYTES", 64)
    run = Training(MLP([2, 3, 3]), np.load(tmp_path / "x.npy", mmap_mode="r"), Y, cost=cross_entropy, sample_weight=WEIGHTS, batch_size=8)
    assert isinstance(run.X, FileArray)
    assert len(run.X) == 40
    run.epoch()
    other = Training(MLP([2, 3, 3]), X, Y, cost=cross_entropy, sample_weight=WEIGHTS, batch_size=8)
    assert len(other.X) == np.count_nonzero(WEIGHTS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sample_weight": WEIGHTS[:5]}, r"sample_weight must have one number for each of 40 examples, got the shape \(5,\)"),
        ({"sample_weight": -WEIGHTS}, "sample_weight must hold numbers of at least 0, not all of them 0"),
        ({"sample_weight": 0 * WEIGHTS}, "sample_weight must hold numbers of at least 0, not all of them 0"),
        ({"sample_weight": np.full(40, np.nan)}, r"sample_weight\[0\] is nan"),
        ({"validation": (X, NAMES, WEIGHTS[:3])}, "the validation sample_weight must have one number for each of 40 examples"),
        ({"class_weight": "even"}, """class_weight must be "balanced" or a dict of weights by class, got 'even'"""),
        ({"class_weight": {"z": 2.0}}, "class_weight has labels that are not classes of the model, such as 'z'"),
        ({"class_weight": {"a": -1.0}}, "class_weight must hold numbers of at least 0"),
    ],
)
def test_weights_that_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted(X, NAMES, **settings)


def test_class_weight_needs_classes() -> None:
    with pytest.raises(ValueError, match="class_weight needs labels of classes"):
        fitted(X, np.column_stack([X, X[:, 0]]), cost=squared_error, class_weight="balanced")
    with pytest.raises(ValueError, match=r"Y has labels that are not classes of the model, such as 0\.5"):
        fitted(X, Y / 2, cost=lambda outputs, y: outputs[0] * y, class_weight="balanced")


def test_weights_whose_product_is_0_are_refused() -> None:
    with pytest.raises(
        ValueError, match="the product of sample_weight and class_weight must hold numbers of at least 0, not all of them 0"
    ):
        fitted(X, NAMES, sample_weight=NAMES == "a", class_weight={"a": 0.0, "b": 1.0})


def test_weights_of_validation_alone_and_rows_of_one_target() -> None:
    model, y = MLP([2, 1]), X[:, :1]
    assert not train(model, X, y, validation=(X, y, 1.0 + WEIGHTS), epochs=1, progress=False).weighted
    run = Training(model, X, y, sample_weight=1.0 + WEIGHTS)
    assert run.history.weighted
    assert run.Y.shape == (40, 1)
    assert run.example().y in y.tolist()
