"""Labels: the classes of a problem, whatever they are called, and the numbers that costs take for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.costs import Cost, binary_cross_entropy, cross_entropy, hinge, squared_error
from nn.frames import columns_of, is_missing, is_table, listed, matrix, unmasked
from nn.inputs import Array, examples

Label = str | bool | int | float
Classes = list[Label]
OF_CLASSES = (cross_entropy, hinge, squared_error)  # with several outputs, these costs take a class for each example


def check_classes(classes: Any) -> Classes | None:
    """Return the labels of classes as a list of strings, bools or numbers, or None. Raises ValueError unless they are two or more."""
    if classes is None:
        return None
    labels = plain("classes", list(classes))
    if labels.ndim != 1 or len(labels) < 2 or len(set(labels.tolist())) < len(labels):
        raise ValueError(f"classes must be a list of two or more different labels, got {classes!r:.100}")
    return _exact("classes", [_plain_number(each) for each in labels.tolist()])


def _exact(name: str, classes: Classes) -> Classes:
    """Return classes. Raises ValueError for numbers that are not exact, because they have been float64."""
    for each in classes:
        if not isinstance(each, str) and abs(each) >= 2**53:
            raise ValueError(f"{name} has labels of 2**53 or more, such as {each}, which float64 rounds: write them as words")
    return classes


def plain(name: str, Y: Any) -> NDArray[Any]:
    """Return labels or targets as an array of bools, of strings (objects), or of float64.

    Raises ValueError for masked, missing and mixed entries.
    """
    if is_table(Y):
        columns = columns_of(name, Y)
        Y = next(iter(columns.values())) if len(columns) == 1 else matrix(name, columns)
    array = unmasked(name, Y)
    if array.ndim == 2 and array.shape[1] == 1 and array.dtype.kind not in "biuf":
        array = array[:, 0]
    if array.ndim == 1 and array.dtype.kind in "OUST":
        entries = array.tolist()
        if gaps := [row for row, entry in enumerate(entries) if is_missing(entry)]:
            raise ValueError(f"{name}[{gaps[0]}] is missing: leave out the {len(gaps)} rows without a label")
        if all(isinstance(entry, str) for entry in entries):
            return np.array(entries, dtype=object)
        if all(isinstance(entry, (bool, np.bool_)) for entry in entries):
            return np.array(entries, dtype=bool)
        if any(isinstance(entry, str) for entry in entries):
            kinds = ", ".join(sorted({type(entry).__name__ for entry in entries}))
            raise ValueError(f"{name} must hold labels of one kind, got {kinds}: write all of them as words, or all as numbers")
    return array if array.dtype.kind == "b" and array.ndim == 1 else examples(name, array)


def found_classes(name: str, labels: NDArray[Any], cost: Cost, outputs: int) -> Classes | None:
    """Return the classes in labels, sorted, one for each output of a model, or two for a single output. None for other targets."""
    if labels.ndim == 2:
        return None
    occurring = np.unique(labels).tolist()
    if labels.dtype.kind == "b":
        occurring = [False, True]
    elif labels.dtype.kind == "f":
        found = [_plain_number(each) for each in occurring]
        if not all(isinstance(each, int) for each in found):
            return None
        if outputs == 1:
            are_labels = cost is hinge or (cost is binary_cross_entropy and not set(found) <= {0, 1}) or found == [-1, 1]
            return _exact(name, found) if are_labels and len(found) == 2 else None
        if cost not in OF_CLASSES:
            return None
        if set(found) <= set(range(outputs)):
            return list(range(outputs)) if cost is squared_error else None
        return _exact(name, found) if len(found) == outputs else None
    if len(occurring) != max(2, outputs):
        raise ValueError(
            f"{name} has {len(occurring)} classes, {listed(occurring)}, and a model with {outputs} output(s) tells "
            f"{max(2, outputs)} apart: change the number of outputs, or name classes that do not occur, model.classes = [...]"
        )
    return occurring  # type: ignore[no-any-return]


def indices(name: str, labels: NDArray[Any], classes: Sequence[Label]) -> NDArray[np.int64]:
    """Return the index of each label among the classes. Raises ValueError for an unknown label."""
    places = {label: place for place, label in enumerate(classes)}
    if (labels.dtype.kind == "O") != isinstance(classes[0], str):
        unknown = labels.reshape(-1)[:1].tolist()
    else:
        unknown = sorted(set(labels.reshape(-1).tolist()) - places.keys())
    if unknown:
        raise ValueError(
            f"{name} has labels that are not classes of the model, such as {_plain_number(unknown[0])!r:.60}: its classes are "
            f"{listed(classes)}. To train it for other classes, write model.classes = None"
        )
    return np.array([places[label] for label in labels.reshape(-1).tolist()], dtype=np.int64)


def encoded(name: str, labels: NDArray[Any], cost: Cost, outputs: int, classes: Classes | None) -> tuple[Array, NDArray[np.int64] | None]:
    """Return what a cost takes for labels of classes, and the index of each class. Other targets stay as they are, with None.

    The cost takes numbers from 0, one-hot rows for the squared error, and for a single output signs if it is `hinge`, or if the classes
    are -1 and 1 and it is not `binary_cross_entropy`. Raises ValueError for labels that are not classes.
    """
    if classes is None or labels.ndim > 1:
        return examples(name, labels), None
    index = indices(name, labels, classes)
    numbers = index.astype(np.float64)
    if outputs == 1:
        takes_signs = cost is hinge or (classes == [-1, 1] and cost is not binary_cross_entropy)
        return 2 * numbers - 1 if takes_signs else numbers, index
    return np.eye(outputs)[index] if cost is squared_error else numbers, index


def balanced(index: NDArray[np.int64], classes: int) -> Array:
    """Return the weight of each class that makes all classes weigh the same: n / (classes * its number of examples)."""
    counts = np.bincount(index, minlength=classes)
    weights: Array = float(len(index)) / (float(np.count_nonzero(counts)) * np.maximum(counts, 1.0))
    return weights


def _plain_number(label: Any) -> Any:
    return int(label) if isinstance(label, float) and label.is_integer() else label
