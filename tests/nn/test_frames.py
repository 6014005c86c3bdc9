"""Frames of pandas, polars and pyarrow, dicts of columns and lists of dicts give the same results as arrays, with names."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn import MLP, Preprocessing, blobs, cross_entropy, minibatches, split, standardize, train
from nn.frames import columns_of, row_names, shape_of

X, Y = blobs(60, classes=3)
COLUMNS = {"length": X[:, 0], "width": X[:, 1]}
MIXED: dict[str, list[Any]] = {
    "number": [1.5, None, 3.0], "whole": [1, 2, None], "is": [True, None, False], "word": ["x", None, "y"], "category": ["u", "v", "u"]
}  # fmt: skip


def pandas(columns: Any) -> Any:
    return pytest.importorskip("pandas").DataFrame({name: list(column) for name, column in columns.items()})


def polars(columns: Any) -> Any:
    return pytest.importorskip("polars").DataFrame({name: list(column) for name, column in columns.items()})


def pyarrow(columns: Any) -> Any:
    return pytest.importorskip("pyarrow").table({name: list(column) for name, column in columns.items()})


def rows(columns: Any) -> Any:
    return [dict(zip(columns, row)) for row in zip(*(np.asarray(each, dtype=object).tolist() for each in columns.values()))]


MAKERS = [pandas, polars, pyarrow, rows, dict]
every_table = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


@every_table
def test_tables_train_like_arrays(make: Callable[..., Any]) -> None:
    model, expected = MLP([2, 4, 3]), MLP([2, 4, 3])
    train(model, make(COLUMNS), Y, cost=cross_entropy, validation=(make(COLUMNS), Y), epochs=2, progress=False)
    train(expected, X, Y, cost=cross_entropy, epochs=2, progress=False)
    assert (model.feature_names, expected.feature_names) == (["length", "width"], None)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    swapped = make({"width": X[:, 1], "more": X[:, 1], "length": X[:, 0]})
    np.testing.assert_array_equal(model.predict(swapped), expected.predict(X))
    with pytest.raises(ValueError, match="X lacks the columns 'length', 'width': it has columns 'a', 'b'"):
        model.predict(make({"a": X[:, 0], "b": X[:, 1]}))
    assert MLP([2, 4, 3]).accuracy(make(COLUMNS), Y) == MLP([2, 4, 3]).accuracy(X, Y)


@every_table
def test_columns_of_all_kinds(make: Callable[..., Any]) -> None:
    columns = columns_of("X", make(MIXED))
    assert list(columns) == list(MIXED)
    for name in ("number", "whole", "is"):
        np.testing.assert_array_equal(columns[name], [np.nan if each is None else float(each) for each in MIXED[name]])
    assert columns["word"].tolist() == MIXED["word"]
    assert columns["category"].tolist() == MIXED["category"]


@every_table
def test_errors_name_rows_and_all_columns(make: Callable[..., Any]) -> None:
    holes = {"bill_mm": [1.0, 2.0, np.nan], "depth": [np.inf, np.nan, 1.0], "good": [1.0, 2.0, 3.0]}
    message = r"X must hold finite numbers: row 2, column 'bill_mm' is nan; row 0, column 'depth' is inf$"
    for call in (MLP([3, 1]).predict, lambda table: train(MLP([3, 1]), table, [0, 1, 0], progress=False)):
        with pytest.raises(ValueError, match=message):
            call(make(holes))
    with pytest.raises(ValueError, match=r"X has words in the columns 'word', 'category', such as 'x': leave them out, or give the model"):
        MLP([5, 1]).predict(make(MIXED))
    with pytest.raises(ValueError, match="the first column of X, 'Unnamed: 0', holds running numbers: it is the index"):
        MLP([3, 1]).predict(make({"Unnamed: 0": np.arange(60), **COLUMNS}))


@pytest.mark.parametrize("make", [pandas, polars, pyarrow], ids=lambda make: make.__name__)
def test_labels_in_series(make: Callable[..., Any]) -> None:
    names = np.array(["c", "a", "b"])[Y]
    for labels in (make({"kind": names})["kind"], make({"kind": names})):
        model = MLP([2, 4, 3])
        train(model, make(COLUMNS), labels, cost=cross_entropy, epochs=2, progress=False)
        assert model.classes == ["a", "b", "c"]
        assert model.accuracy(X, labels) == model.accuracy(X, names)


def test_categories_of_pandas_and_polars() -> None:
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    for column in (pd.Series(["u", "v", None], dtype="category"), pl.Series(["u", "v", None], dtype=pl.Categorical)):
        frame = column.to_frame("kind")
        assert columns_of("X", frame)["kind"].tolist() == ["u", "v", None]
        assert Preprocessing(missing="fill").fit(frame).features == ["kind=u", "kind=v"]


@every_table
def test_parts_of_tables_are_tables_of_the_same_kind(make: Callable[..., Any]) -> None:
    (part, _), (other, other_labels) = split(make(COLUMNS), Y, seed=3)
    (expected, _), (rest, expected_labels) = split(X, Y, seed=3)
    assert type(part) is type(make(COLUMNS))
    np.testing.assert_array_equal(np.column_stack(list(columns_of("X", part).values())), expected)
    np.testing.assert_array_equal(np.column_stack(list(columns_of("X", other).values())), rest)
    assert other_labels.tolist() == expected_labels.tolist()
    assert [len(columns_of("X", x)["width"]) for x, _ in minibatches(make(COLUMNS), Y, 40)] == [40, 20]
    np.testing.assert_array_equal(standardize(make(COLUMNS)), standardize(X))


@every_table
def test_names_and_shapes_convert_no_column(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    table = make(MIXED)
    monkeypatch.setattr("nn.frames.column_of", lambda *_: pytest.fail("a column was converted"))
    assert (row_names("X", table), shape_of("X", table)) == (list(MIXED), (3, 5))
    assert row_names("X", X) is None


def test_missing_values_among_words_stay_missing_in_parts() -> None:
    words: Any = ["x", float("nan"), "y", "z"]
    table: Any = {"w": words}
    for (part, labels), (other, other_labels) in (
        split(table, words, test=0.5),
        split(table, np.array(words, object), test=0.5),
    ):
        assert sorted(map(str, columns_of("X", part)["w"].tolist() + columns_of("X", other)["w"].tolist())) == ["None", "x", "y", "z"]
        assert [each for each in [*labels, *other_labels] if not isinstance(each, str)] == [pytest.approx(float("nan"), nan_ok=True)]


def test_tables_that_are_refused() -> None:
    pl, pd = pytest.importorskip("polars"), pytest.importorskip("pandas")
    tables: list[tuple[Any, str]] = [
        ({"a": [1.0, 2.0], "b": [1.0]}, "X has columns of different lengths: 'a': 2, 'b': 1"),
        ({"a": 1.0}, r"column 'a' of X must have one entry for each row, got 1\.0: for one row write \[row\]"),
        ({"a": ["x", 1.0]}, "column 'a' of X must hold numbers or words, got float, str"),
        (pd.DataFrame(X, columns=["a", "a"]), "(?s)X must be an array, or a table .* unique column names, got:.*'a' 2 times"),
        ({1: [1.0], "1": [1.0]}, "X has two columns '1': give them different names"),
        (pl.DataFrame({"a": [[1.0], [2.0]]}), r"column 'a' of X must have one entry for each row, got \[\[1.0\]"),
        ([{"a": 1.0}, 2.0], "X must have a dict for every row"),
    ]
    for table, message in tables:
        with pytest.raises(ValueError, match=message):
            MLP([2, 1]).predict(table)
    with pytest.raises(ValueError, match=tables[0][1]):
        split(tables[0][0], [0, 1])
    with pytest.raises(ValueError, match="X must be an array, or a table in memory"):
        MLP([2, 1]).predict(pl.DataFrame(COLUMNS).lazy())


def test_structured_arrays_have_names() -> None:
    table = np.array([(1.0, 2.0)] * 3, dtype=[("a", float), ("b", float)])
    model = MLP([2, 1])
    train(model, table, [0, 1, 0], epochs=1, progress=False)
    assert model.feature_names == ["a", "b"]


def test_frames_say_which_package_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pandas(COLUMNS)
    monkeypatch.setitem(__import__("sys").modules, "narwhals", None)
    with pytest.raises(ImportError, match=r"reading X from a DataFrame needs narwhals: pip install narwhals \(the extra `frames`\)"):
        MLP([2, 1]).predict(frame)
