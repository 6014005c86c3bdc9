"""Exported networks predict the same as the model, from raw rows, with NumPy alone."""

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import sigmoid, tanh
from nn import MLP, Preprocessing, binary_cross_entropy, cross_entropy, hinge, train

ROWS: list[dict[str, Any]] = [
    {"size": 1.0, "island": "east", "level": 1}, {"size": 5.5, "island": "west", "level": 2}, {"size": 2.0, "island": None, "level": 10},
    {"size": None, "island": "west", "level": 1},
]  # fmt: skip


@pytest.mark.parametrize(
    ("outputs", "activation", "cost", "names"),
    [
        (1, None, binary_cross_entropy, ["low", "high", "low", "high"]),
        (1, sigmoid, None, [False, True, False, True]),
        (3, None, cross_entropy, ["a", "b", "c", "b"]),
        (1, None, hinge, [1, 2, 1, 2]),
    ],
)
def test_a_file_predicts_from_raw_rows(outputs: int, activation: Any, cost: Any, names: list[Any], tmp_path: Path) -> None:
    preprocessing = Preprocessing(missing="fill", categorical=["level"]).fit(ROWS)
    model = MLP([preprocessing.width, 4, outputs], output_activation=activation, preprocessing=preprocessing)
    train(model, ROWS, names, epochs=30, progress=False, **({} if cost is None else {"cost": cost}))
    model.export(tmp_path / "model.py")
    file = runpy.run_path(str(tmp_path / "model.py"))
    rows: list[dict[str, Any]] = [*ROWS, {"size": float("nan"), "island": "east", "level": 2.0, "other": 3}]
    outputs_of: Any = file["predict"]
    np.testing.assert_allclose(outputs_of(rows), model.predict(rows), rtol=1e-12, atol=1e-12)
    assert file["classify"](rows).tolist() == model.classify(rows).tolist()
    np.testing.assert_allclose(file["probabilities"](rows), model.probabilities(rows), rtol=1e-9)
    assert file["classify"]([list(row.values()) for row in ROWS]).tolist() == model.classify(ROWS).tolist()
    with pytest.raises(ValueError, match="'island' is 'mars', known are"):
        file["classify"]([{"size": 1.0, "island": "mars", "level": 1}])


def test_a_network_without_preprocessing_and_names(tmp_path: Path) -> None:
    model = MLP([2, 3, 2])
    model.export(tmp_path / "model.py")
    script = "import sys, model; print(model.classify([[1.0, 2.0], [0.5, -3.0]]).tolist(), 'nn' in sys.modules, 'autograd' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == f"{model.classify([[1.0, 2.0], [0.5, -3.0]]).tolist()} False False"
    model.feature_names = ["p", "q"]
    model.export(tmp_path / "named.py")
    named = runpy.run_path(str(tmp_path / "named.py"))
    np.testing.assert_allclose(named["predict"]([{"q": 2.0, "p": 1.0}]), model.predict([[1.0, 2.0]]), rtol=1e-12)


def test_missing_values_are_refused_in_a_file_too(tmp_path: Path) -> None:
    preprocessing = Preprocessing().fit(ROWS[:2])
    MLP([preprocessing.width, 2], preprocessing=preprocessing).export(tmp_path / "model.py")
    with pytest.raises(ValueError, match="'size' is missing"):
        runpy.run_path(str(tmp_path / "model.py"))["predict"](ROWS[3:])


@pytest.mark.parametrize(
    "rows",
    [
        [], [[1.0, "east", 1, 9]], [[1.0, "east"]], [[float("inf"), "east", 1]], [["1.0", "east", 1]], [{"size": 1.0, "level": 1}],
        [ROWS[0], [1.0, "east", 1]], [1.0, 2.0, 3.0], [[1.0, "east", float("inf")]],
    ],
)  # fmt: skip
def test_a_file_refuses_what_the_model_refuses(rows: Any, tmp_path: Path) -> None:
    preprocessing = Preprocessing(missing="fill", categorical=["level"]).fit(ROWS)
    model = MLP([preprocessing.width, 2], preprocessing=preprocessing)
    assert_both_refuse(model, rows, tmp_path)


@pytest.mark.parametrize(
    "rows", [[], [[1.0, 2.0, 3.0]], [[1.0, float("inf")]], [1.0, 2.0], [["1.0", "2.0"]], [{"p": 1.0}], [{"p": 1.0, "q": 2.0}, {"p": 1.0}]]
)
def test_a_file_without_preprocessing_refuses_what_the_model_refuses(rows: Any, tmp_path: Path) -> None:
    model = MLP([2, 2])
    model.feature_names = ["p", "q"]
    assert_both_refuse(model, rows, tmp_path)


def assert_both_refuse(model: MLP, rows: Any, folder: Path) -> None:
    model.export(folder / "model.py")
    for predict in (model.predict, runpy.run_path(str(folder / "model.py"))["predict"]):
        with pytest.raises(ValueError, match=r"\w"):
            predict(rows)


def test_a_file_takes_numpy_numbers_and_rows_that_lack_a_column(tmp_path: Path) -> None:
    preprocessing = Preprocessing(missing="fill", categorical=["level"]).fit(ROWS)
    model = MLP([preprocessing.width, 2], preprocessing=preprocessing)
    model.export(tmp_path / "model.py")
    rows: Any = [{"size": np.float32(1.5), "island": np.str_("east"), "level": np.int64(2)}, {"level": np.bool_(True)}]
    np.testing.assert_allclose(runpy.run_path(str(tmp_path / "model.py"))["predict"](rows), model.predict(rows), rtol=1e-12)


def test_outputs_of_an_activation_have_no_probabilities(tmp_path: Path) -> None:
    model = MLP([2, 2], output_activation=tanh)
    model.export(tmp_path / "model.py")
    for probabilities in (model.probabilities, runpy.run_path(str(tmp_path / "model.py"))["probabilities"]):
        with pytest.raises(ValueError, match="softmax takes scores, and these outputs are results of"):
            probabilities([[1.0, 2.0]])


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot export to 'model.c': the name must end in .py. For C write vectorize"):
        MLP([2, 1]).export(tmp_path / "model.c")
