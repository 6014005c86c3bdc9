"""Tests of invalid data and settings: each error says what to write instead, and nothing is changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd import ParameterLayout, tanh, vectorize
from nn import (
    MLP,
    SGD,
    Adam,
    Cosine,
    Layer,
    Module,
    Neuron,
    Optimizer,
    binary_cross_entropy,
    cross_entropy,
    hinge,
    plots,
    squared_error,
    train,
)
from nn.training.file_arrays import FileArray
from tests.runs import HELD_OUT, X, Y, begin, bits, eager_and_compiled, fit


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, Y[:-1]), "X and Y must have the same length: got 30 examples and 29 targets"),
        ((X[:0], Y[:0]), "X holds no examples"),
        ((X[:, 0], Y), r"X must have the shape \(examples, inputs\), got \(30,\): for single inputs write X\[:, None\]"),
        ((X, np.where(np.arange(30) == 4, np.nan, Y)), r"Y\[4\] is nan: all of Y must be finite numbers"),
        ((np.where(X[3, 1] == X, np.inf, X), Y), r"X\[3, 1\] is inf: all of X must be finite numbers"),
        ((X, ["cat"] * 30), r"Y has 1 classes, 'cat', and a model with 1 output\(s\) tells 2 apart: change .*, model.classes = \[...\]"),
        ((X, np.where(Y[:, None] == Y, "cat", "dog")), "Y must be an array of real numbers: found <U3, such as 'cat'; train the model"),
        ((X.T, Y), "X and Y must have the same length: got 2 examples and 30 targets: a row of X is an example, write X.T"),
        ((X.reshape(30, 2, 1), Y), r"got the shape \(30, 2, 1\): write X.reshape\(len\(X\), -1\)"),
        ((X.astype(object), Y), r"X must be an array of real numbers: found numbers as Python objects; write X.astype\(float\)"),
        (([[1.0, None]] * 30, Y), r"X must be an array of real numbers: X\[0, 1\] is NoneType None"),
        ((None, Y), "X must be an array of real numbers: X is NoneType None"),
        (([[1.0, 2.0]] * 29 + [[1.0]], Y), "X must be an array of real numbers, with rows of one length: row 0 has 2, row 29 has 1"),
        ((np.hstack([X, X]), Y), "^X has 4 columns and the model takes 2 inputs$"),
        ((X, np.eye(2)[Y]), r"squared_error needs one target for each output: got 1 outputs and 2 target\(s\)"),
    ],
)
@eager_and_compiled
def test_data_that_do_not_fit(data: tuple[Any, Any], message: str, compiled: bool, tmp_path: Path) -> None:
    model = MLP([2, 1])
    with pytest.raises(ValueError, match=message):
        train(model, *data, progress=False, checkpoint=tmp_path / "run.npz", compiled=compiled)
    assert bits(model) == bits(MLP([2, 1]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("sizes", "cost", "targets", "message"),
    [
        ([2, 1], hinge, Y[:, None], "hinge takes the target -1 or 1 for a single score, got 0.0; write 2 \\* y - 1"),
        ([2, 1], binary_cross_entropy, 2 * Y[:, None] - 1, "takes the target 0 or 1, .* got -1.0; hinge takes -1 and 1"),
        ([2, 3], cross_entropy, Y + 2, "cross_entropy with 3 scores takes a class label from 0 to 2, got 3.0"),
        ([2, 2], squared_error, Y[:, None], "for class labels use cross_entropy, or one target for each output"),
        ([2, 2], cross_entropy, Y[:, None], "got 2 scores and 1 target\\(s\\); of a column of labels write Y.ravel()"),
        ([2, 1], cross_entropy, Y, "cross_entropy takes a score for each class, got a single one: use binary_cross_entropy, or as many"),
    ],
)
def test_the_cost_is_tried_with_each_label_before_training(sizes: list[int], cost: Any, targets: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(MLP(sizes), X, targets, cost=cost, progress=False)
    with pytest.raises(ValueError, match=message):
        train(MLP(sizes), X[:1], targets[Y[0] == Y][:1] * 0 + 1 - (cost is hinge) * 0, cost=cost, progress=False, validation=(X, targets))


def without_outputs(outputs: Any, y: Any) -> float:
    return float((outputs[0].data - y) ** 2)


def test_validation_data_may_have_a_cost_without_a_gradient() -> None:
    def of_ones(outputs: Any, y: Any) -> Any:
        return (outputs[0] - 1) ** 2 if y else 0.0

    with pytest.warns(RuntimeWarning, match="training runs on scalar Values"):
        _, history = fit(cost=of_ones, validation=(X[:4], np.zeros(4)), epochs=1)
    assert history.validation_cost == [0.0]


def used(optimizer: Optimizer) -> Optimizer:
    optimizer.update(np.zeros(3), np.ones(3))
    return optimizer


def wrong(rate: Any) -> Any:
    return lambda epoch: rate


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"validation": (X, Y[:3])}, "validation X and validation Y must have the same length: got 30 examples and 3 targets"),
        ({"cost": lambda outputs, y: outputs}, "a cost must return one number for an example: <lambda> returned list"),
        ({"cost": without_outputs}, r"the cost without_outputs returned [\d.]+, which does not depend on the outputs"),
        ({"cost": lambda outputs, y: (outputs - y) ** 2}, r"1 output\(s\) in a list and the target 0.0: unsupported operand type\(s\)"),
        ({"cost": lambda outputs, y: math.exp(outputs[0] - y)}, "must be real number, not Value.* A single output is outputs.0., and"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1, got 2.5"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"clip": 0}, "clip must be a finite number above 0, got 0"),
        ({"patience": 3}, r"patience needs a validation cost: write validation=\(X, Y\) too"),
        ({"patience": 0, "validation": HELD_OUT}, "patience must be a whole number of at least 1, got 0"),
        ({"resume": True}, "resume=True needs a checkpoint to continue from: write checkpoint=path too"),
        ({"optimizer": "adam"}, r"optimizer must be an Optimizer, such as nn.SGD\(0.1\) or nn.Adam\(0.001\), got 'adam'"),
        ({"optimizer": Adam}, r"optimizer=Adam is a class: write optimizer=Adam\(\)"),
        ({"cost": "mse"}, "cost must be a function of the outputs and a target, such as nn.squared_error, got 'mse'"),
        ({"validation": 0.2}, r"validation must be a pair \(X, Y\), got 0.2: to hold out a fraction of the data write .* nn.split"),
        (
            {"validation": (X, Y, Y, Y)},
            r"validation must be a pair \(X, Y\), got 4 objects: .*; with weights it is \(X, Y, sample_weight\)",
        ),
        ({"callbacks": print}, r"callbacks must be a list of functions of the model and the history, such as callbacks=\[print\]"),
        ({"validation": "XY"}, r"validation must be a pair \(X, Y\), got 'XY'"),
        ({"callbacks": "print"}, r"callbacks must be a list of functions .*, such as callbacks=\[print\], got 'print'"),
        ({"noise": "gaussian"}, "noise must be a function of a generator and a number of examples, .*, got 'gaussian'"),
        ({"frozen": "layers"}, "frozen contains 'l', which is not a parameter of the model: write Modules and Values of the model"),
        ({"frozen": 1}, "frozen must be a list of Modules and Values of the model, such as .model.layers.0.., got 1"),
        ({"optimizer": used(SGD(0.1, momentum=0.9))}, "this optimizer remembers 3 parameters, got 17: make a new one for another model"),
        ({"clip": True}, "clip must be a finite number above 0, got True"),
        ({"clip": "1"}, "clip must be a finite number above 0, got '1'"),
        ({"batch_size": True}, "batch_size must be a whole number of at least 1, got True"),
        ({"optimizer": SGD(wrong(None))}, "the schedule's rate at epoch 0 must be a finite number of at least 0, got None"),
        ({"optimizer": SGD(wrong("0.1"))}, "the schedule's rate at epoch 0 must be .* got '0.1'"),
        ({"optimizer": SGD(wrong(-0.1))}, "the schedule's rate at epoch 0 must be .* got -0.1"),
    ],
)
def test_invalid_settings_are_refused(setting: dict[str, Any], message: str) -> None:
    model = MLP([2, 4, 1])
    with pytest.raises((TypeError, ValueError), match=message):
        fit(model, **setting)
    assert bits(model) == bits(MLP([2, 4, 1]))


class Fixed(Module):
    """A model without Values."""

    def __init__(self) -> None:
        self.weight = 2.0

    def __call__(self, x: Any) -> list[Any]:
        return [self.weight * x[0]]


def test_a_model_without_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="Fixed with 0 parameters has no parameters to train: parameters are Values in its"):
        train(Fixed(), X, Y, progress=False)
    with pytest.raises(TypeError, match=r"model must be a Module, such as MLP\(\[2, 16, 1\]\), got str 'MLP'"):
        train("MLP", X, Y)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"rate": -0.1}, "the learning rate must be a finite number of at least 0, got -0.1"),
        ({"rate": None}, "the learning rate must be a finite number of at least 0, got None"),
        ({"rate": Cosine}, r"Cosine is the class of a schedule: write Cosine\(...\), with its settings inside"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"clip": 0}, "clip must be a finite number above 0"),
        ({"optimizer": "adam"}, r"optimizer must be an Optimizer, such as nn.SGD\(0.1\) or nn.Adam\(0.001\), got 'adam'"),
        ({"optimizer": Adam}, r"optimizer=Adam is a class: write optimizer=Adam\(\)"),
        ({"optimizer": used(Adam(0.1))}, "this optimizer remembers 3 parameters, got 17: make a new one for another model"),
    ],
)
def test_invalid_changes_of_settings_change_nothing(setting: dict[str, Any], message: str) -> None:
    run = begin()
    before = run.optimizer, run.optimizer.schedule, run.batch_size, run.clip
    with pytest.raises((TypeError, ValueError), match=message):
        run.set(**{"rate": 0.5, "batch_size": 3, "clip": 2.0, "optimizer": SGD(0.1), **setting})
    assert (run.optimizer, run.optimizer.schedule, run.batch_size, run.clip) == before


def test_steps_and_epochs_are_whole_numbers() -> None:
    with pytest.raises(ValueError, match=r"the number of steps must be a whole number of at least 1, got 2\.5"):
        begin().steps(2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="epochs must be a whole number of at least 0, got -1"):
        begin().forget(-1)


@pytest.mark.parametrize(
    ("setting", "instead"),
    [
        ({"lr": 0.05}, r"train\(\) got an unexpected keyword argument 'lr': write optimizer=SGD\(0.05\)"),
        ({"n_epochs": 3}, "write epochs=3"),
        ({"loss": squared_error}, "write cost=squared_error"),
        ({"callback": print}, r"write callbacks=\[...\]"),
        ({"random_state": 7}, "write seed=7"),
        ({"validation_data": (X, Y)}, r"write validation=\(X, Y\)"),
        ({"verbose": 0}, "write progress=0"),
        ({"chekpoint": "a"}, r"did you mean checkpoint\?"),
        ({"wings": 2}, "the settings are model, X, Y, cost, optimizer, batch_size, epochs"),
    ],
)
def test_the_names_of_other_libraries_are_explained(setting: dict[str, Any], instead: str) -> None:
    model = MLP([2, 1])
    before = bits(model)
    with pytest.raises(TypeError, match=instead):
        train(model, X, Y, **setting)
    assert bits(model) == before


@pytest.mark.parametrize(
    ("thing", "setting", "instead"),
    [
        (MLP, {"activations": tanh}, r"MLP\(\) got an unexpected keyword argument 'activations': did you mean activation\?"),
        (MLP, {"random_state": 3}, "write seed=3"),
        (Layer, {"nout": 3}, "write outputs=3"),
        (Neuron, {"wings": 3}, "the settings are inputs, activation, seed"),
        (SGD, {"lr": 0.05}, r"SGD\(\) got an unexpected keyword argument 'lr': write learning_rate=0.05"),
        (SGD, {"alpha": 0.1}, "write weight_decay=0.1"),
        (Adam, {"eps": 1e-7}, "write epsilon=1e-07"),
    ],
)
def test_networks_and_optimizers_explain_them_too(thing: Callable[..., object], setting: dict[str, Any], instead: str) -> None:
    with pytest.raises(TypeError, match=instead):
        thing(**setting)


def test_training_suggests_its_own_settings() -> None:
    """Training has no parameter epochs, so it is not suggested."""
    with pytest.raises(TypeError, match=r"Training\(\) got an unexpected keyword argument 'lr': write optimizer=SGD\(0.1\)"):
        begin(lr=0.1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'n_epochs': the settings are model, X, Y, cost"):
        begin(n_epochs=3)


def test_the_width_of_x_is_compared_with_the_model() -> None:
    wide, message = np.zeros((30, 3)), "^(validation )?X has 3 columns and the model takes 2 inputs$"
    for model in (MLP([2, 1]), Layer(2, 1), Neuron(2)):
        for call in (
            lambda model: train(model, wide, Y),
            lambda model: train(model, X, Y, validation=(wide, Y)),
            lambda model: model.predict(wide),
            lambda model: model.predict(wide[:60]),
            lambda model: model.accuracy(wide, Y),
            lambda model: model.probabilities(wide),
        ):
            with pytest.raises(ValueError, match=message):
                call(model)


# Masked entries

MASKED_X = np.ma.masked_array(X, X > 1.5)
MASKED_Y = np.ma.masked_array(Y.astype(float), np.arange(30) == 3)
MASKED: dict[str, Callable[[Any], Any]] = {
    "train X": lambda x: train(MLP([2, 1]), x(MASKED_X), Y, progress=False),
    "train Y": lambda x: train(MLP([2, 1]), X, x(MASKED_Y), progress=False),
    "validation": lambda x: train(MLP([2, 1]), X, Y, validation=(x(MASKED_X), Y), progress=False),
    "assign": lambda x: begin(MLP([2, 1])).assign(x(MASKED_Y[2:5])),
    "predict": lambda x: MLP([2, 1]).predict(x(MASKED_X)),
    "accuracy": lambda x: MLP([2, 1]).accuracy(X, x(MASKED_Y)),
    "a call": lambda x: MLP([2, 1])(x(np.ma.masked_array([1.0, 2.0], [False, True]))),
    "a call of a layer": lambda x: Layer(2, 1)(x(np.ma.masked_array([1.0, 2.0], [False, True]))),
    "vectorize": lambda x: vectorize(lambda a: 2 * a)(x(MASKED_Y)),
    "mean": lambda x: vectorize(lambda a: 2 * a).mean(x(MASKED_Y)),
    "layout.assign": lambda x: ParameterLayout(MLP([2, 1]).parameters()).assign(x(MASKED_Y[2:5])),
    "layout.to": lambda x: ParameterLayout(MLP([2, 1]).parameters()).to([], x(MASKED_Y[2:5])),
    "decision_boundary X": lambda x: plots.decision_boundary(MLP([2, 1]), x(MASKED_X), Y),
    "decision_boundary y": lambda x: plots.decision_boundary(MLP([2, 1]), X, x(MASKED_Y)),
    "confusion_matrix": lambda x: plots.confusion_matrix(x(MASKED_Y), Y),
    "confusion": lambda x: plots.confusion(Y, x(MASKED_Y)),
    "images": lambda x: plots.images(x(MASKED_X)),
    "split": lambda x: nn.split(x(MASKED_X), Y),
    "standardize": lambda x: nn.standardize(x(MASKED_X)),
    "standardize like": lambda x: nn.standardize(X, like=x(MASKED_X)),
    "one_hot": lambda x: nn.one_hot(x(MASKED_Y)),
}


def nested(masked: Any) -> Any:
    """Return lists that contain the constant np.ma.masked."""
    return [nested(each) if np.ndim(each) else each for each in masked]


@pytest.mark.parametrize("form", [lambda masked: masked, list, nested], ids=["array", "list of rows", "list"])
@pytest.mark.parametrize("entry", MASKED)
def test_masked_entries_are_refused_at_every_entry(entry: str, form: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match=r"has masked entries: fill them, as in .*\.filled\(0.0\), or leave out the rows that have one"):
        MASKED[entry](form)


def test_masked_entries_in_a_file_are_refused_when_they_are_read() -> None:
    class InFile:
        shape, dtype = MASKED_X.shape, MASKED_X.dtype

        def __getitem__(self, rows: slice) -> Any:
            return MASKED_X[rows]

    with pytest.raises(ValueError, match="X has masked entries"):
        FileArray("X", InFile())[:]


def test_an_array_whose_mask_hides_nothing_is_an_array() -> None:
    """The oracle is the array itself."""
    model = MLP([2, 1])
    assert model.predict(np.ma.masked_array(X, False)).tolist() == model.predict(X).tolist()
