"""Validation of the settings and the data of a run, before it changes anything."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd import TraceError, Value, sigmoid, vectorize
from autograd._support import check_whole
from nn.activations import name_of
from nn.costs import Cost, binary_cross_entropy, cross_entropy
from nn.frames import row_names
from nn.inputs import Array, finite_number, values_in
from nn.labels import Classes, encoded, found_classes, indices, plain
from nn.module import Module, outputs_of, require_parameters, require_width
from nn.optimizers import Optimizer
from nn.sequences import Layout, Sequences
from nn.training.file_arrays import FileArray, file_array
from nn.training.sequence_objective import cost_of_sequence, examples_of
from nn.training.weights import check_weights, weighted, weights_of_classes, with_weights

Noise = Callable[[np.random.Generator, int], npt.ArrayLike]

# Settings


def check_optimizer(optimizer: Any) -> Optimizer:
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        raise TypeError(f"optimizer={optimizer.__name__} is a class: write optimizer={optimizer.__name__}(), with its settings inside")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an Optimizer, such as nn.SGD(0.1) or nn.Adam(0.001), got {optimizer!r:.60}")
    return optimizer


def check_noise(noise: Any) -> Noise | None:
    if noise is not None and not callable(noise):
        raise TypeError(
            f"noise must be a function of a generator and a number of examples, such as lambda rng, n: rng.random((n, 4)), "
            f"got {noise!r:.60}"
        )
    return noise  # type: ignore[no-any-return]


def check_callbacks(callbacks: Any) -> list[Callable[..., Any]]:
    if callable(callbacks) or isinstance(callbacks, str) or not all(map(callable, callbacks)):
        raise TypeError(
            f"callbacks must be a list of functions of the model and the history, such as callbacks=[print], got {callbacks!r:.60}"
        )
    return list(callbacks)


def check_batch_size(batch_size: Any, X: Any) -> int:
    """Return the batch size, at most the number of examples; for None the number of examples."""
    if batch_size is None and isinstance(X, FileArray):
        raise ValueError(f"batch_size=None needs all {len(X)} examples in memory, but X is read from its file in parts: write a batch_size")
    return len(X) if batch_size is None else min(check_whole("batch_size", batch_size), len(X))


def check_clip(clip: Any) -> float | None:
    return None if clip is None else finite_number("clip", clip, above=0)


def frozen_places(model: Module, frozen: Iterable[Module | Value] | Mapping[str, Any]) -> tuple[int, ...]:
    """Return the places of the frozen parameters among the model's, in ascending order."""
    index = {parameter: place for place, parameter in enumerate(model.parameters())}
    if not isinstance(frozen, (Iterable, Module, Value)):
        raise TypeError(f"frozen must be a list of Modules and Values of the model, such as [model.layers[0]], got {frozen!r:.60}")
    values: list[Value] = []
    parts: Any = values_in(frozen) if isinstance(frozen, Mapping) else frozen
    for each in [parts] if isinstance(parts, (Module, Value)) else parts:
        values += each.parameters() if isinstance(each, Module) else [each]
    for each in values:
        if each not in index:
            raise ValueError(f"frozen contains {each!r:.60}, which is not a parameter of the model: write Modules and Values of the model")
    return tuple(sorted({index[each] for each in values}))


# Data


class Problem(NamedTuple):
    """What a run fits: a model and a cost, and examples that fit them."""

    model: Module
    cost: Cost
    X: Any  # an array of shape (examples, inputs), or a FileArray
    Y: Array  # (examples,) or (examples, targets); with weights, which are the last column, (examples, targets + 1)
    validation: tuple[Any, Array] | None
    outputs: int  # of the model
    has_weights: bool = False
    classes: Classes | None = None
    feature_names: list[str] | None = None
    layout: Layout | None = None  # of sequences: X and, with targets for each position, Y have rows that end with nan
    is_row: bool = False  # whether the targets of an example are a row; needed only with weights
    is_weighted: bool = False  # whether the training examples have weights; has_weights is True for validation weights too

    def targets(self, Y: Array) -> Array:
        """Return targets without their weights: a view."""
        return Y if not self.has_weights else Y[:, :-1] if self.is_row else Y[:, 0]

    def weights(self, Y: Array) -> Array | None:
        return Y[:, -1] if self.has_weights else None


class Data:
    """Inputs, targets and weights of a data set, as the model, the cost and the classes take them.

    Rows that the preprocessing drops, and in memory rows with the weight 0, are left out.
    """

    def __init__(self, names: tuple[str, str, str], model: Module, X: Any, Y: Any, sample_weight: Any = None) -> None:
        self.names, (x_name, y_name, weight_name) = names, names
        self.X: Any = file_array(x_name, X) if model.preprocessing is None else None
        self.index: npt.NDArray[np.int64] | None = None  # of the class of each example
        kept = model.used_rows(X, Y) if sample_weight is None else model.used_rows(X, Y, sample_weight)
        self.X = model.inputs_from(x_name, kept[0]) if self.X is None else self.X
        self.Y, self.weights = plain(y_name, kept[1]), None
        check_shapes(x_name, self.X, y_name, self.Y)
        if sample_weight is not None:
            self.weights = check_weights(weight_name, kept[2], len(self.Y))

    def encode(self, cost: Cost, outputs: int, classes: Classes | None) -> None:
        """Replace labels by what the cost takes for them."""
        self.Y, self.index = encoded(self.names[1], self.Y, cost, outputs, classes)

    def multiply_weights(self, weights: Array) -> None:
        product = weights if self.weights is None else self.weights * weights
        self.weights = check_weights("the product of sample_weight and class_weight", product, len(product))

    def drop_unweighted(self) -> None:
        """Leave out the rows with the weight 0. Inputs in a file stay, because their rows are read in order."""
        if self.weights is not None and not isinstance(self.X, FileArray) and not self.weights.all():
            kept = self.weights != 0
            self.X, self.Y, self.weights = self.X[kept], self.Y[kept], self.weights[kept]


def check_problem(model: Any, cost: Any, X: Any, Y: Any, validation: Any, sample_weight: Any = None, class_weight: Any = None) -> Problem:
    """Return the model, the cost and the data as a Problem. Raises TypeError or ValueError if they do not fit each other."""
    if not isinstance(model, Module):
        raise TypeError(f"model must be a Module, such as MLP([2, 16, 1]), got {type(model).__name__} {model!r:.60}")
    require_parameters(model)
    if not callable(cost):
        raise TypeError(f"cost must be a function of the outputs and a target, such as nn.squared_error, got {cost!r:.60}")
    if isinstance(X, Sequences):
        if sample_weight is not None or class_weight is not None:
            raise ValueError("sequences are trained without weights: leave sample_weight and class_weight out")
        return _check_sequences(model, cost, X, Y, validation)
    data = Data(("X", "Y", "sample_weight"), model, X, Y, sample_weight)
    held_out = check_validation(model, validation)
    require_width("X", model, data.X)
    results = outputs_of(model(data.X[0].tolist()))
    outputs = len(results)
    classes = found_classes("Y", data.Y, cost, outputs) if model.classes is None else model.classes
    for each in (data, *held_out):
        each.encode(cost, outputs, classes)
    try_cost(cost, results, data.Y)
    for each in held_out:
        require_width("validation X", model, each.X)
        try_cost(cost, results, each.Y, is_learned=False)
    if class_weight is not None:
        if data.Y.ndim > 1 and data.index is None:
            raise ValueError(f"class_weight needs labels of classes, and Y has rows of {data.Y.shape[1]} targets: write sample_weight")
        named: Classes = list(range(max(2, outputs))) if classes is None else classes
        index = indices("Y", data.Y, named) if data.index is None else data.index
        data.multiply_weights(weights_of_classes(class_weight, index, named))
    if cost in (binary_cross_entropy, cross_entropy) and sigmoid in model._output_activations():
        warn(
            f"{name_of(cost)} applies sigmoid or softmax itself, and these outputs have already been through sigmoid: "
            f"leave the output activation out"
        )
    names = row_names("X", X) if model.preprocessing is None and model.feature_names is None else model.feature_names
    return _weighted_problem(Problem(model, cost, data.X, data.Y, None, outputs, False, classes, names), data, held_out)


def _weighted_problem(problem: Problem, data: Data, held_out: Sequence[Data]) -> Problem:
    """Return the problem with its data, and with weights if there are any."""
    for each in (data, *held_out):
        each.drop_unweighted()
    if any(each.weights is not None for each in (data, *held_out)):
        is_row, is_weighted = data.Y.ndim == 2, data.weights is not None
        for each in (data, *held_out):
            each.Y = with_weights(each.Y, each.weights)
        cost = weighted(problem.cost, is_row)
        problem = problem._replace(cost=cost, has_weights=True, is_row=is_row, is_weighted=is_weighted)
    return problem._replace(X=data.X, Y=data.Y, validation=next(((each.X, each.Y) for each in held_out), None))


def _check_sequences(model: Module, cost: Cost, X: Sequences, Y: Any, validation: Any) -> Problem:
    """Return a problem with sequences."""
    layout, x, y = _sequences("X", X, "Y", Y)
    shortest, classes = int(X.lengths.argmin()), model.classes
    ((positions,),) = examples_of(layout, (x[shortest : shortest + 1],))
    outputs = len(outputs_of(model(positions)))
    if not layout.has_targets:
        classes = found_classes("Y", y, cost, outputs) if classes is None else classes
        y, _ = encoded("Y", y, cost, outputs, classes)
    if validation is not None:
        if not isinstance(validation, Sequence) or len(validation) != 2 or not isinstance(validation[0], Sequences):
            raise TypeError(f"validation must be a pair (Sequences, targets), as X and Y are: got {validation!r:.60}")
        other, *validation = _sequences("validation X", validation[0], "validation Y", validation[1])
        if not other.has_targets and not layout.has_targets:
            validation[1], _ = encoded("validation Y", validation[1], cost, outputs, classes)
        if other._replace(padding=layout.padding) != layout or any(a.shape[2:] != b.shape[2:] for a, b in zip(validation, (x, y))):
            raise ValueError("validation must have positions and targets of the same kind as X and Y")
        validation = tuple(validation)
    (example,) = examples_of(layout, (x[shortest : shortest + 1], y[shortest : shortest + 1]))
    result = cost_of_sequence(model, cost, layout)(*example)
    if not isinstance(result, Value):
        raise TypeError(f"the cost {name_of(cost)} must return a number that depends on the outputs, got {result!r:.60}")
    return Problem(model, cost, x, y, validation, outputs, False, classes, model.feature_names, layout)


def _sequences(x_name: str, X: Sequences, y_name: str, Y: Any) -> tuple[Layout, Array, npt.NDArray[Any]]:
    """The layout and the arrays of inputs and of targets, which may be labels."""
    if not isinstance(Y, Sequences):
        if X.padding is not None:
            raise ValueError(f"padding needs targets for each position: leave it out, or write {y_name}=Sequences(...)")
        y = plain(y_name, Y)
    elif not np.array_equal(X.lengths, Y.lengths):
        raise ValueError(f"{x_name} and {y_name} must be as many sequences, of the same lengths: got {X!r} and {Y!r}")
    else:
        y = Y.numbers
    if len(X) != len(y):
        raise ValueError(f"{x_name} and {y_name} must have the same length: got {len(X)} examples and {len(y)} targets")
    return Layout(X.are_whole, X.padding, isinstance(Y, Sequences), isinstance(Y, Sequences) and Y.are_whole), X.numbers, y


def check_shapes(x_name: str, x: Any, y_name: str, y: npt.NDArray[Any]) -> None:
    """Raise ValueError unless there are inputs (examples, inputs), and as many targets."""
    if x.ndim != 2:
        raise ValueError(f"{x_name} must have the shape (examples, inputs), got {x.shape}: for single inputs write X[:, None]")
    if len(x) != len(y):
        hint = f": a row of {x_name} is an example, write {x_name}.T" if x.shape[1] == len(y) and x_name.isidentifier() else ""
        raise ValueError(f"{x_name} and {y_name} must have the same length: got {len(x)} examples and {len(y)} targets{hint}")


def check_validation(model: Module, validation: Any) -> list[Data]:
    """Return the validation data, or an empty list."""
    if validation is None:
        return []
    if not isinstance(validation, Sequence) or isinstance(validation, str) or len(validation) not in (2, 3):
        found = f"{len(validation)} objects" if isinstance(validation, (list, tuple)) else repr(validation)
        raise TypeError(
            f"validation must be a pair (X, Y), got {found:.60}: to hold out a fraction of the data write "
            f"(X, Y), validation = nn.split(X, Y, test=0.2); with weights it is (X, Y, sample_weight)"
        )
    return [Data(("validation X", "validation Y", "the validation sample_weight"), model, *validation)]


def try_cost(cost: Cost, outputs: list[Any], Y: Array, is_learned: bool = True) -> None:
    """Compute the cost of the outputs for one example with each different target, and check what the cost requires of all targets.

    Raises TypeError if the cost cannot be computed or is not a number, and, with `is_learned`, if
    it has no gradient.
    """
    results = []
    for target in _different(Y, 1000):
        try:
            result = cost(outputs, target)
        except TypeError as error:
            if type(error) is not TypeError:
                raise  # a subclass, whose message already explains it
            raise TypeError(
                f"the cost {name_of(cost)} failed with {len(outputs)} output(s) in a list and the target {target!r:.60}: {error}. "
                f"A single output is outputs[0], and functions of it must be autograd's, such as exp and abs, not math's"
            ) from error
        if not isinstance(result, (Value, float, int)):
            raise TypeError(
                f"a cost must return one number for an example: {name_of(cost)} returned {type(result).__name__} {result!r:.60}"
            )
        results.append(result)
    if is_learned and any(isinstance(each, Value) for each in outputs) and not any(isinstance(each, Value) for each in results):
        raise TypeError(
            f"the cost {name_of(cost)} returned {results[0]!r:.60}, which does not depend on the outputs: compute it from the outputs "
            f"themselves, not from their .data"
        )
    numbers = [output.data if isinstance(output, Value) else output for output in outputs]
    with suppress(TraceError):  # checks every target, if the cost can be recorded
        vectorize(lambda y: cost(numbers, y)).check(Y)


def _different(rows: Array, most: int) -> list[Any]:
    """The first `most` different rows, as lists. `np.unique` would sort all rows, which takes ten times longer."""
    found: dict[bytes, Array] = {}
    for row in rows:
        found.setdefault(row.tobytes(), row)
        if len(found) == most:
            break
    return [row.tolist() for row in found.values()]


def warn(message: str) -> None:
    """Show a RuntimeWarning at the line outside of nn that called it."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "nn":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, RuntimeWarning, stacklevel=level)
