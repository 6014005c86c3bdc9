"""Python files: a network that predicts from raw rows, as a module that needs only NumPy."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from autograd import sigmoid, vectorize
from autograd._support import replacing

FUNCTIONS = '''

FEATURES = {features!r}
CLASSES = {classes!r}
THRESHOLD = {threshold!r}  # of a single output
PREPROCESSING = {preprocessing!r}


def inputs(rows):
    """Rows as the inputs of the network, an array (rows, inputs). A row is a dict, or a list in the order of the columns."""
    if PREPROCESSING is None:
        return np.array([[row[name] for name in FEATURES] if isinstance(row, dict) else row for row in rows], dtype=float)
    return np.array([_inputs(row) for row in rows])


def _inputs(row):
    if not isinstance(row, dict):
        row = dict(zip([column["name"] for column in PREPROCESSING["columns"]], row))
    numbers = []
    for column in PREPROCESSING["columns"]:
        name, entry = column["name"], row[column["name"]]
        is_missing = entry is None or entry != entry
        if is_missing and PREPROCESSING["missing"] != "fill":
            raise ValueError(f"{{name!r}} is missing")
        if column["words"] is not None:
            if isinstance(entry, (int, float)) and not is_missing:
                entry = str(int(entry)) if float(entry).is_integer() else repr(float(entry))
            if not is_missing and entry not in column["words"]:
                raise ValueError(f"{{name!r}} is {{entry!r}}, known are {{column['words']}}")
            numbers += [float(entry == word) for word in column["words"]]
        else:
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
    is_probability = sigmoid in {neuron.activation for neuron in model.layers[-1].neurons}
    both = "np.log(np.hstack([1 - scores, scores]))" if is_probability else "np.hstack([np.zeros_like(scores), scores])"
    preprocessing = model.preprocessing
    text += FUNCTIONS.format(
        features=model.feature_names,
        classes=model.classes,
        threshold=model.threshold,
        preprocessing=None if preprocessing is None else preprocessing.to_dict(),
        scores=both,
    )
    with replacing(path) as file:
        file.write(text.encode())
