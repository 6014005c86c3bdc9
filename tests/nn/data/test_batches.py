"""One-hot rows, the train-test split, mini-batches and standardized columns."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn.data import batches, minibatches, one_hot, split, standardize


def test_one_hot_has_a_row_for_each_label() -> None:
    assert one_hot([2, 0]).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert one_hot(np.array([1.0]), classes=4).tolist() == [[0, 1, 0, 0]]
    assert one_hot([], classes=3).shape == (0, 3)
    assert one_hot([1]).dtype == np.float64


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ([0, 3], 3, "label 3 at row 1 is not a whole number from 0 to 2"),
        ([0, -1], None, "label -1 at row 1 is not a whole number of at least 0"),
        ([0.5], 2, "label 0.5 at row 0"),
        ([math.nan], None, "label nan at row 0 is not a whole number of at least 0$"),
        ([math.inf], None, "label inf at row 0 is not a whole number of at least 0$"),
        ([[0, 1]], None, "labels must be a one-dimensional array, got shape \\(1, 2\\)"),
        (7, None, "labels must be a one-dimensional array, got shape \\(\\)"),
        ([[0], [1]], None, "labels must be a one-dimensional array, got shape \\(2, 1\\): write y.ravel\\(\\)"),
        ([0], 2.5, "classes must be a whole number of at least 1, got 2.5"),
        ([0], True, "classes must be a whole number of at least 1, got True"),
        ([], 0, "classes must be a whole number of at least 1, got 0"),
        ([10**9], None, "labels up to 1000000000 need 1 rows of 1000000001 columns, 8 GB: write classes=1000000001 if this is intended"),
        ([1e300], None, "labels up to 1.*columns, 8e\\+291 GB"),
        (np.arange(20_000), None, "labels up to 19999 need 20000 rows of 20000 columns, 3.2 GB: write classes=20000"),
    ],
)
def test_one_hot_names_the_invalid_label(labels: Any, classes: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        one_hot(labels, classes)


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (["rose", "iris", "rose"], None, "labels must be whole numbers of at least 0, got <U4, as 'rose'"),
        (np.array(["rose", "iris", "rose"], dtype=object), None, "got object, as 'rose'"),
        ([2, 1, 2], 2, "label 2 at row 0 is not a whole number from 0 to 1"),
        ([1, -1, 1], None, "label -1 at row 1 is not a whole number of at least 0"),
        ([10**9, 5, 10**9], None, "if this is intended, or number the labels that occur"),
    ],
)
def test_the_line_in_the_error_of_one_hot_works(labels: Any, classes: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        one_hot(labels, classes)
    line = "classes, y = np.unique(y, return_inverse=True)"
    assert line in str(caught.value)
    names = {"np": np, "y": labels}
    exec(line, names)
    assert np.array_equal(np.asarray(names["classes"])[one_hot(names["y"]).argmax(axis=1)], labels)


def test_one_hot_has_the_requested_number_of_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_CELLS", 11)
    with pytest.raises(ValueError, match="write classes=6 if this is intended"):
        one_hot([5, 5])
    assert one_hot([5, 5], classes=6).shape == (2, 6)


@pytest.mark.parametrize("dtype", [*np.typecodes["AllInteger"], "?", "e", "f", "d"])
def test_one_hot_takes_labels_of_every_type(dtype: str) -> None:
    """The rows of the identity matrix are the reference."""
    labels = np.array([1, 0, 1], dtype=dtype)
    assert one_hot(labels).tolist() == one_hot(labels, 2).tolist() == np.eye(2)[[1, 0, 1]].tolist()
    assert one_hot(labels[:0]).shape == (0, 0)
    if dtype != "?":
        largest = labels[:1] * 0 + min(np.iinfo(dtype).max if labels.dtype.kind in "iu" else 2000, 1000)
        assert one_hot(largest).shape == (1, int(largest[0]) + 1)


def test_split_keeps_rows_and_labels_together_and_loses_none() -> None:
    X = np.arange(20.0).reshape(10, 2)
    (A, a), (B, b) = split(X, X[:, 0], test=0.3, seed=4)
    assert (len(A), len(B)) == (7, 3)
    assert np.array_equal(A[:, 0], a)
    assert np.array_equal(B[:, 0], b)
    assert sorted([*a, *b]) == X[:, 0].tolist()
    assert not np.array_equal(b, split(X, X[:, 0], test=0.3, seed=5)[1][1])


@given(n=st.integers(1, 40), size=st.integers(1, 45), seed=st.integers(0, 9))
def test_minibatches_hold_every_row_once(n: int, size: int, seed: int) -> None:
    parts = list(minibatches(np.arange(n)[:, None], -np.arange(n), size, seed))
    assert all(len(x) == size for x, _ in parts[:-1])
    assert len(parts) == math.ceil(n / size)
    assert all(np.array_equal(x[:, 0], -y) for x, y in parts)
    assert sorted(-y for _, batch in parts for y in batch) == list(range(n))


def test_a_generator_gives_each_epoch_another_order() -> None:
    rng = np.random.default_rng(0)
    rows = np.arange(50)
    first, second = (np.concatenate([x for x, _ in minibatches(rows, rows, 10, rng)]) for _ in range(2))
    assert not np.array_equal(first, second)
    ((whole, _),) = minibatches(rows, rows)
    assert len(whole) == 50


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e-160, 1.0, 1e100, 1e160, 1e200, 5e307])
def test_standardize_takes_columns_of_any_size(scale: float) -> None:
    """Against Python's fractions, which neither overflow nor round."""
    column = [scale * each for each in (-1.0, 3.0, 0.5, 0.25)]
    numbers = [Fraction(each) for each in column]
    mean = sum(numbers) / 4
    variance = sum((each - mean) ** 2 for each in numbers) / 4
    unit = Fraction(scale)
    expected = [float((each - mean) / unit) / math.sqrt(variance / unit**2) for each in numbers]
    X = np.column_stack([column, [1.0, 2.0, 3.0, 4.0]])
    scaled = standardize(X)
    assert scaled[:, 0] == pytest.approx(expected, rel=1e-12)
    assert scaled[:, 1].std() == pytest.approx(1.0)
    assert standardize(X[1:2], like=X)[0].tolist() == scaled[1].tolist()


def test_standardize_takes_close_neighbours_by_hand() -> None:
    assert standardize([[1e17], [1e17 + 16]]).tolist() == [[-1.0], [1.0]]


def test_standardize_scales_test_rows_like_training_rows() -> None:
    X = np.random.default_rng(0).normal(5, 3, (200, 4))
    X[:, 2] = 0.1  # its mean is not exactly 0.1
    scaled = standardize(X)
    assert np.allclose(scaled.mean(axis=0), 0)
    assert np.allclose(scaled.std(axis=0), [1, 1, 0, 1])
    held_out = X[:5] + 1
    assert np.allclose(standardize(held_out, like=X)[:, 0], (held_out[:, 0] - X[:, 0].mean()) / X[:, 0].std())
    assert (standardize(held_out, like=X)[:, 2] == 0).all()


WRONG: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
    (split, (np.zeros((10, 2)), np.zeros(9)), r"one row for each example, got shapes \(10, 2\) and \(9,\)"),
    (split, (np.zeros((0, 2)), np.zeros(0)), "no examples: X and y are empty"),
    (split, (np.zeros((2, 2)), np.zeros(2), 0.2), "test=0.2 of 2 rows"),
    *((split, (np.zeros((10, 2)), np.zeros(10), test), f"test={test} of 10 rows leaves one part empty: use a fraction between 0 and 1")
      for test in (0.0, 1.0, 3)),
    *((split, (np.zeros((10, 2)), np.zeros(10), test), f"test must be a finite number, got {test!r}") for test in (math.nan, "0.2", True)),
    *((minibatches, ([1], [1], size), f"size must be a whole number of at least 1, got {size!r}") for size in (0, -1, 2.5, True, "2")),
    (minibatches, ([1, 2], [1]), r"got shapes \(2,\) and \(1,\)"),
    *((cut, (np.arange(10), np.arange(10), 0.5 if cut is split else 5, seed), r"seed must be a whole number of at least 0 or a numpy")
      for cut in (split, minibatches) for seed in (-1, 2.5, "7", None, True)),
    (standardize, ([[1.0, 2.0]], [[1.0]]), r"equal numbers of columns, and like not empty: got shapes \(1, 2\) and \(1, 1\)"),
    (standardize, ([1.0, 2.0],), r"rows with equal numbers of columns, and like not empty: got shapes \(2,\)"),
    (standardize, (np.zeros((0, 2)),), r"got shapes \(0, 2\)"),
    (standardize, ([[math.nan]],), "standardize needs finite numbers to measure"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "arguments", "message"), WRONG)
def test_invalid_arguments_are_refused_at_the_call(function: Callable[..., Any], arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
