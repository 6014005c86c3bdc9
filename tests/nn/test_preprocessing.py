"""Preprocessing: raw rows become inputs, in training and after loading, with scikit-learn as the oracle."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn import MLP, Preprocessing, cross_entropy, train

RNG = np.random.default_rng(0)
TABLE = {"size": RNG.normal(5, 2, 40), "island": RNG.choice(["north", "east", "west"], 40), "count": RNG.integers(0, 4, 40)}
LABELS = np.where(TABLE["size"] > 5, "large", "small")
HOLES = {"size": [1.0, None, 3.0, 5.0], "island": ["north", "east", None, "east"], "count": [1, 2, 3, 4]}


def test_numbers_are_scaled_and_words_become_columns() -> None:
    compose, scaling = pytest.importorskip("sklearn.compose"), pytest.importorskip("sklearn.preprocessing")
    preprocessing = Preprocessing().fit(TABLE)
    table = pytest.importorskip("pandas").DataFrame(TABLE)
    oracle = compose.make_column_transformer(
        (scaling.StandardScaler(), ["size"]),
        (scaling.OneHotEncoder(sparse_output=False), ["island"]),
        (scaling.StandardScaler(), ["count"]),
    )
    np.testing.assert_allclose(preprocessing.transform(table), oracle.fit_transform(table), rtol=1e-12, atol=1e-12)
    assert preprocessing.features == ["size", "island=east", "island=north", "island=west", "count"]
    assert (preprocessing.width, repr(preprocessing)) == (5, "Preprocessing() of 3 columns as 5 inputs")


def test_the_choices() -> None:
    unscaled = Preprocessing(scale=False, categorical=["count"], missing="fill").fit(HOLES)
    assert unscaled.features == ["size", "island=east", "island=north", "count=1", "count=2", "count=3", "count=4"]
    assert unscaled.transform(HOLES)[1:3, :3].tolist() == [[3.0, 1.0, 0.0], [3.0, 0.0, 0.0]]
    dropping = Preprocessing(missing="drop").fit(HOLES)
    assert dropping.complete(HOLES).tolist() == [True, False, False, True]
    assert dropping.columns[0][:3] == ("size", 3.0, 2.0)
    assert Preprocessing().fit({"a": [3.0, 3.0]}).transform({"a": [3.0, 4.0]}).tolist() == [[0.0], [1.0]]
    extreme = Preprocessing().fit({"a": [1e308, -1e308], "b": [1e-300, 3e-300]})
    np.testing.assert_allclose(extreme.transform({"a": [1e308], "b": [3e-300]}), [[1.0, 1.0]])


def test_raw_rows_have_many_forms() -> None:
    preprocessing = Preprocessing().fit({"size": [1.0, 3.0], "kind": ["cat", "dog"]})
    for raw in (
        [{"kind": "dog", "size": 3.0, "other": None}],
        [[3.0, "dog"]],
        np.array([[3.0, "dog"]], dtype=object),
        {"kind": ["dog"], "size": [3]},
    ):
        assert preprocessing.transform(raw).tolist() == [[1.0, 0.0, 1.0]]
    unnamed = Preprocessing().fit([[1.0, "cat"], [3.0, "dog"]])
    assert unnamed.features == ["column 0", "column 1=cat", "column 1=dog"]
    assert Preprocessing().fit(np.array([[1.0], [3.0]])).transform([[2.0]]).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (HOLES, r"values are missing: row 1, column 'size'; row 2, column 'island': fill them, or leave out the rows$"),
        ([{"size": 1.0}], "X lacks the columns 'island', 'count': it has column 'size'"),
        ([{"size": "big", "island": "east", "count": 1}], "row 0, column 'size' is 'big', and must be a number"),
        ([{"size": 1.0, "island": "mars", "count": 1}], "row 0, column 'island' is 'mars', known are 'east', 'north', 'west'"),
        ([{"size": np.inf, "island": "east", "count": 1}], "row 0, column 'size' is infinite"),
        ([[1.0, "east"]], "row 0 of X has 2 entries for 3 columns"),
        ({"size": 1.0, "island": "east", "count": 1}, r"must have one entry for each row, got 1.0: for one row write \[row\]"),
        ([1.0, 2.0], "X must be raw rows: a frame, a list of dicts, or a list of lists"),
    ],
)
def test_rows_that_do_not_fit(raw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Preprocessing().fit(TABLE).transform(raw)


@pytest.mark.parametrize(
    ("settings", "raw", "message"),
    [
        (
            {},
            HOLES,
            r"values are missing: row 1, column 'size'; row 2, column 'island': write missing=.drop. or missing=.fill.",
        ),
        ({"missing": "drop"}, {"a": [None, 1.0], "b": [1.0, None]}, 'X has no rows to fit without missing values: write missing="fill"'),
        ({"missing": "fill"}, {"a": [None, None]}, "column 'a' has no values: leave it out"),
        ({"categorical": ["z"]}, HOLES, "X lacks the column 'z'"),
        ({}, {"a": [f"n{each}" for each in range(1001)]}, "column 'a' has more than 1000 different words: leave it out"),
        ({}, {"a": [1.0, np.inf]}, "column 'a' has an infinite number"),
    ],
)
def test_columns_that_cannot_be_fitted(settings: Any, raw: Any, message: str) -> None:
    preprocessing = Preprocessing(**settings)
    with pytest.raises(ValueError, match=message):
        preprocessing.fit(raw)
    with pytest.raises(ValueError, match=r"this preprocessing is not fitted: write preprocessing.fit\(X\) first"):
        preprocessing.transform(raw)
    with pytest.raises(ValueError, match='missing must be "refuse", "drop" or "fill"'):
        Preprocessing(missing="mean")


@pytest.mark.parametrize("missing", ["refuse", "drop", "fill"])
def test_a_model_takes_raw_rows_before_and_after_saving(missing: str, tmp_path: Path) -> None:
    table = {name: column.astype(object) for name, column in TABLE.items()}
    if missing != "refuse":
        table["size"][3], table["island"][5] = None, None
    preprocessing = Preprocessing(missing=missing).fit(table)
    model = MLP([preprocessing.width, 6, 2], preprocessing=preprocessing)
    history = train(model, table, LABELS, cost=cross_entropy, epochs=60, progress=False, sample_weight=np.ones(40))
    assert history.steps.examples[:2] == [32, 6 if missing == "drop" else 8]
    assert model.accuracy(table, LABELS) == history.accuracy[-1] > 0.9
    assert model.feature_names == preprocessing.features
    rows = [{"size": 8.0, "island": "east", "count": 2}, {"size": 1.0, "island": "west", "count": 0}]
    assert model.classify(rows).tolist() == ["large", "small"]
    model.save(tmp_path / "model.npz")
    back = MLP.load(tmp_path / "model.npz")
    assert back.preprocessing == preprocessing
    assert back.feature_names == model.feature_names
    np.testing.assert_array_equal(back.predict(rows), model.predict(rows))
    if missing == "drop":
        with pytest.raises(ValueError, match='missing="drop" leaves out rows only in training and measuring'):
            back.predict(table)


def test_a_model_refuses_a_preprocessing_of_another_width() -> None:
    fitted = Preprocessing().fit(TABLE)
    with pytest.raises(ValueError, match="the preprocessing makes 5 inputs and the model takes 3"):
        MLP([3, 1], preprocessing=fitted)
    with pytest.raises(ValueError, match="not fitted"):
        MLP([3, 1], preprocessing=Preprocessing())
    with pytest.raises(TypeError, match=r"preprocessing must be a nn.Preprocessing, got 'scale'"):
        MLP([3, 1], preprocessing="scale")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "damage", [{"columns": [{}]}, {"missing": "mean"}, {"columns": [{"name": "a", "mean": 0.0, "deviation": 0.0, "words": None}]}]
)
def test_a_damaged_description_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"preprocessing|missing must be"):
        Preprocessing.from_dict({**Preprocessing().fit(TABLE).to_dict(), **damage})


def test_lengths_are_compared_before_rows_are_dropped() -> None:
    preprocessing = Preprocessing(missing="drop").fit(TABLE)
    model = MLP([preprocessing.width, 2], preprocessing=preprocessing)
    for labels, weights, count in ((np.repeat("large", 45), None, 45), (LABELS, np.ones(60), 60)):
        with pytest.raises(ValueError, match=f"X, its targets and its weights must have the same length: got 40 and {count} rows"):
            train(model, TABLE, labels, cost=cross_entropy, sample_weight=weights, progress=False)
    with pytest.raises(ValueError, match="must have the same length: got 40 and 45 rows"):
        model.accuracy(TABLE, [0, 1] * 20 + [0] * 5)
