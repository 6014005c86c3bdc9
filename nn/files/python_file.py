"""Python files: a network that predicts from raw rows, as a module that needs only NumPy."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from autograd import sigmoid, vectorize
from autograd._support import replacing
from nn.activations import linear

FUNCTIONS = '''

CLASSES = {classes!r}
THRESHOLD = {threshold!r}  # of a single output
PREPROCESSING = {preprocessing!r}
NAMES = {names!r}  # of the columns
WIDTH = {width!r}


def inputs(rows):
    """Rows as the inputs of the network, an array (rows, inputs). A row is a dict, or a list in the order of the columns."""
    if isinstance(rows, (dict, str)) or np.ma.is_masked(rows) or not len(rows):
        raise ValueError("rows must be a list of one or more rows: dicts, or lists in the order of the columns")
    are_dicts = [isinstance(row, dict) for row in rows]
    if any(are_dicts):
        if not all(are_dicts):
            raise ValueError("rows must be all dicts, or all lists")
        found = dict.fromkeys(name for row in rows for name in row)
        names = NAMES or list(found)
        lacking = [name for name in names if name not in found]
        if lacking:
            raise ValueError(f"rows lack the columns {{lacking}}")
        rows = [[row.get(name) for name in names] for row in rows]
    X = np.array(rows if PREPROCESSING is None else [_inputs(row) for row in rows])
    if X.dtype.kind not in "biuf" or X.shape[1:] != (WIDTH,) or not np.isfinite(X).all():
        raise ValueError(f"each row must have {{WIDTH}} finite numbers")
    return X.astype(float)


def _inputs(row):
    columns = PREPROCESSING["columns"]
    if np.shape(row) != (len(columns),):
        raise ValueError(f"a row must have an entry for each of {{len(columns)}} columns, got {{row!r:.60}}")
    numbers = []
    for column, entry in zip(columns, row):
        name = column["name"]
        is_missing = entry is None or type(entry).__name__ in ("NAType", "NaTType") or entry != entry
        is_number = isinstance(entry, (int, float, np.integer, np.floating, np.bool_))
        if is_missing and PREPROCESSING["missing"] != "fill":
            raise ValueError(f"{{name!r}} is missing")
        if column["words"] is not None:
            if is_number and not is_missing:
                entry = str(int(entry)) if float(entry).is_integer() else repr(float(entry))
            if not is_missing and entry not in column["words"]:
                raise ValueError(f"{{name!r}} is {{entry!r}}, known are {{column['words']}}")
            numbers += [float(not is_missing and entry == word) for word in column["words"]]
        else:
            if not is_missing and not (is_number and np.isfinite(float(entry))):
                raise ValueError(f"{{name!r}} is {{entry!r}}, and must be a finite number")
            number = column["mean"] if is_missing else float(entry)
            numbers.append((number - column["mean"]) / column["deviation"] if PREPROCESSING["scale"] else number)
    return numbers


def predict(rows):
    """The outputs of the network, an array (rows, outputs)."""
    X = inputs(rows)
    return network(X, parameters).reshape(len(X), -1)


def classify(rows):
    """The label of the predicted class of each row."""
    outputs = predict(rows)
    index = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > THRESHOLD).astype(int)
    return index if CLASSES is None else np.array(CLASSES)[index]


def probabilities(rows):
    """The probability of each class, an array (rows, classes), for a network trained with cross-entropy."""
    scores = predict(rows)
    if scores.shape[1] == 1:
        scores = {scores}
    elif not {are_scores}:
        raise ValueError("softmax takes scores, and these outputs are results of an activation: train without an output activation")
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
'''


def export(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a network to a Python file; see `MLP.export`."""
    if Path(path).suffix.lower() != ".py":
        raise ValueError(f"cannot export to {Path(path).name!r}: the name must end in .py. For C write vectorize(model).export(path)")

    def network(x: Any) -> Any:
        return model(x)

    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "network.py"
        vectorize(network).record(np.zeros((1, model.sizes[0]))).export(written, gradient=False)
        text = written.read_text(encoding="utf-8")
    last = {neuron.activation for neuron in model.layers[-1].neurons}
    is_probability = sigmoid in last
    both = "np.log(np.hstack([1 - scores, scores]))" if is_probability else "np.hstack([np.zeros_like(scores), scores])"
    preprocessing = model.preprocessing
    text += FUNCTIONS.format(
        names=model.feature_names if preprocessing is None else [column.name for column in preprocessing.columns],
        width=model.sizes[0],
        classes=model.classes,
        threshold=model.threshold,
        preprocessing=None if preprocessing is None else preprocessing.to_dict(),
        scores=both,
        are_scores=last == {linear},
    )
    with replacing(path) as file:
        file.write(text.encode())
