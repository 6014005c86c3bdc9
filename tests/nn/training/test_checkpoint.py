"""Tests of checkpoints: a resumed run ends like an uninterrupted one, and other files are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import relu
from nn import MLP, SGD, Adam, Cosine, Optimizer, binary_cross_entropy, squared_error, train
from tests.runs import HELD_OUT, Dropping, begin, bits, eager_and_compiled, fit, half


@pytest.mark.parametrize("optimizer", [lambda: SGD(0.1, momentum=0.9, nesterov=True), lambda: Adam(Cosine(0.1, epochs=4))])
@eager_and_compiled
def test_a_resumed_run_ends_like_an_uninterrupted_one(optimizer: Any, compiled: bool, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    whole, expected = fit(optimizer=optimizer(), epochs=4, validation=HELD_OUT, patience=9, compiled=compiled)
    fit(optimizer=optimizer(), epochs=1, validation=HELD_OUT, patience=9, compiled=compiled, checkpoint=path)
    model, history = fit(optimizer=optimizer(), epochs=4, validation=HELD_OUT, patience=9, compiled=compiled, checkpoint=path, resume=True)
    assert bits(model) == bits(whole)
    for name, column in expected.columns().items():
        assert "seconds" in name or history.columns()[name] == column
    again, same = fit(optimizer=optimizer(), epochs=4, validation=HELD_OUT, patience=9, compiled=compiled, checkpoint=path, resume=True)
    assert bits(again) == bits(whole)
    assert same.columns() == history.columns()
    assert [each.name for each in tmp_path.iterdir()] == ["run.npz"]


def test_a_checkpoint_of_a_compiled_run_can_be_resumed_on_values(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    whole, _ = fit(MLP([2, 5, 4, 1], seed=1), epochs=4)
    fit(MLP([2, 5, 4, 1], seed=1), epochs=2, checkpoint=path)
    model, _ = fit(MLP([2, 5, 4, 1], seed=1), epochs=4, checkpoint=path, resume=True, compiled=False)
    assert list(model.state_dict().values()) == pytest.approx(list(whole.state_dict().values()), rel=1e-9)


def test_resume_starts_if_there_is_no_checkpoint_yet(tmp_path: Path) -> None:
    model, _ = fit(checkpoint=tmp_path / "run.npz", resume=True)
    assert bits(model) == bits(fit()[0])


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("years of work")
    with pytest.raises(FileExistsError, match=r"thesis\.txt exists: write resume=True to continue from it, or remove it to start again"):
        fit(checkpoint=path)
    with pytest.raises(ValueError, match=r"thesis\.txt is not a checkpoint file, or is damaged: File is not a zip file"):
        fit(checkpoint=path, resume=True)
    assert path.read_text() == "years of work"


def test_a_missing_folder_is_reported_before_training(tmp_path: Path) -> None:
    model = MLP([2, 4, 1])
    with pytest.raises(FileNotFoundError, match=r"cannot write .*run\.npz: there is no folder .*nowhere"):
        fit(model, checkpoint=tmp_path / "nowhere" / "run.npz")
    assert bits(model) == bits(MLP([2, 4, 1]))


def renamed(function: Any, name: str = "binary_cross_entropy") -> Any:
    function.__name__ = name
    return function


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 9}, "its batch_size is '8', but this run's is '9'; only epochs and patience may differ"),
        ({"seed": 9}, "its seed is '0', but this run's is '9'"),
        ({"cost": renamed(lambda outputs, y: 2 * binary_cross_entropy(outputs, y))}, "its program is 'a program with checksum"),
        ({"model": MLP([2, 4, 1], activation=renamed(lambda x: 2 * relu(x), "tanh"))}, "its program is"),
        ({"clip": 1.0}, "its clip is 'None', but this run's is '1.0'"),
        ({"cost": squared_error}, "its cost is 'binary_cross_entropy', but this run's is 'squared_error'"),
        ({"optimizer": Adam(0.06)}, "its optimizer is 'Adam.learning_rate=0.05"),
        ({"model": MLP([2, 5, 1])}, "its model is 'MLP.*2, 4, 1.*', but this run's is 'MLP.*2, 5, 1"),
        ({"validation": HELD_OUT}, "its data is .*checksum"),
        ({"measure_accuracy": False}, "its measured is 'True', but this run's is 'False'"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    fit(checkpoint=path)
    content, model = path.read_bytes(), MLP([2, 4, 1], seed=8)
    before = bits(model)
    with pytest.raises(ValueError, match=message):
        fit(**{"model": model, "checkpoint": path, "resume": True, **change})
    assert path.read_bytes() == content
    assert bits(model) == before


def test_a_checkpoint_of_a_run_with_other_noise_or_frozen_layers_is_refused(tmp_path: Path) -> None:
    model, path = Dropping(), tmp_path / "run.npz"
    fit(Dropping(), noise=half, checkpoint=path)
    with pytest.raises(ValueError, match="its noise is '32 numbers with checksum"):
        fit(model, noise=lambda rng, count: half(rng, count) ^ True, checkpoint=path, resume=True)
    with pytest.raises(ValueError, match="its frozen is '0 numbers with checksum"):
        fit(model, noise=half, frozen=[model.last], checkpoint=path, resume=True)


def test_schedules_with_the_same_name_are_distinguished_by_their_rates(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    fit(optimizer=SGD(lambda epoch: 0.1 / (1 + epoch)), checkpoint=path)
    fit(optimizer=SGD(lambda epoch: 0.1 / (1.0 + epoch)), checkpoint=path, resume=True, epochs=4)
    with pytest.raises(ValueError, match="its schedule is '1000 numbers"):
        fit(optimizer=SGD(lambda epoch: 0.1 / (2 + epoch)), checkpoint=path, resume=True)


@pytest.mark.parametrize("time", [0.0, 0.25, 1.0, 249.75])
def test_schedules_that_differ_at_one_time_are_distinguished(time: float, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    fit(optimizer=SGD(lambda epoch: 0.1), checkpoint=path)
    with pytest.raises(ValueError, match="its schedule is '1000 numbers"):
        fit(optimizer=SGD(lambda epoch: 0.2 if epoch == time else 0.1), checkpoint=path, resume=True)


def test_a_driven_run_and_train_resume_each_others_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    whole, expected = fit(epochs=4)
    run = begin()
    for _ in run.steps(6):
        pass
    run.save(path)
    model, history = fit(epochs=4, checkpoint=path, resume=True)
    assert bits(model) == bits(whole)
    assert history.steps.cost == expected.steps.cost
    again, begun = begin(), begin()
    again.load(path)
    assert again.history.columns() == history.columns()
    assert bits(again.model) == bits(whole)
    for _ in range(4):
        begun.epoch()
    assert again.example().index == begun.example().index


def test_a_run_whose_cost_cannot_be_recorded_is_resumed(tmp_path: Path) -> None:
    def distance(outputs: Any, y: Any) -> Any:
        return outputs[0] - y if outputs[0] > y else y - outputs[0]

    whole, _ = fit(cost=distance, compiled=False, epochs=4)
    fit(cost=distance, compiled=False, epochs=2, checkpoint=tmp_path / "run.npz")
    model, _ = fit(cost=distance, compiled=False, epochs=4, checkpoint=tmp_path / "run.npz", resume=True)
    assert bits(model) == bits(whole)


def test_settings_changed_during_a_run_must_be_set_before_resuming(tmp_path: Path) -> None:
    path, whole, run = tmp_path / "run.npz", begin(), begin()
    for each in (whole, run):
        for _ in each.steps(6):
            pass
        each.set(rate=Cosine(0.02, epochs=9), batch_size=3, clip=0.5)
        each.step()
    run.save(path)
    resumed = begin()
    with pytest.raises(ValueError, match=r"its optimizer is 'Adam.learning_rate=Cosine.*, but this run's is 'Adam.learning_rate=0.05"):
        resumed.load(path)
    resumed.set(rate=Cosine(0.02, epochs=9))
    with pytest.raises(ValueError, match="its batch_size is '3', but this run's is '8'"):
        resumed.load(path)
    resumed.set(batch_size=3, clip=0.5)
    resumed.load(path)
    for each in (whole, resumed):
        for _ in each.steps(15):
            pass
    assert bits(resumed.model) == bits(whole.model)
    assert resumed.history.steps.examples == whole.history.steps.examples
    assert resumed.history.steps.learning_rate == whole.history.steps.learning_rate


def test_clip_1_is_the_same_setting_as_1_0(tmp_path: Path) -> None:
    fit(clip=1, checkpoint=tmp_path / "run.npz")
    fit(clip=1.0, checkpoint=tmp_path / "run.npz", resume=True, epochs=4)


def forge(path: Path, change: Any) -> None:
    """Rewrite a checkpoint with correct checksums after `change` has changed its header and arrays."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(arrays.pop("header").item())
    change(header, arrays)
    with path.open("wb") as file:
        np.savez(file, header=np.array(json.dumps(header).encode()), **arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header, arrays: arrays.pop("parameters"), "is damaged: it has no parameters"),
        (lambda header, arrays: arrays.update(parameters=np.zeros(3)), "has vectors of 3 numbers for a model with 17 parameters"),
        (lambda header, arrays: arrays.update(parameters=np.full(17, np.nan)), "'parameters' must be a vector of finite numbers"),
        (lambda header, arrays: arrays.pop("optimizer.mean"), "is damaged: Adam's state is steps, mean, square"),
        (lambda header, arrays: arrays.pop("history.cost"), "is damaged: a history must have the columns"),
        (lambda header, arrays: arrays.update({"history.cost": np.zeros(9)}), "a history's .* must have the length of its cost"),
        (lambda header, arrays: arrays.update({"history.accuracy": np.zeros(0)}), "its numbers of epochs"),
        (lambda header, arrays: arrays.update({"history.steps.examples": np.full(12, 7.0)}), "its numbers of epochs"),
        (lambda header, arrays: arrays.update({"history.steps.examples": np.full(12, 8.0)}), "its numbers of epochs"),
        (lambda header, arrays: arrays.update({"history.steps.examples": np.full(12, 10.0)}), "its numbers of epochs"),
        (lambda header, arrays: arrays.update({"history.steps.examples": np.full(12, 7.5)}), "must be whole numbers of at least 1"),
        (lambda header, arrays: arrays.update({"optimizer.mean": np.zeros(3)}), "has vectors of 3 numbers for a model with 17 parameters"),
        (lambda header, arrays: arrays.update(extra=np.zeros(17)), "is damaged: Adam's state is"),
        (lambda header, arrays: header.update({"optimizer steps": "many"}), "is damaged: Adam's state is"),
        (lambda header, arrays: header.update(settings=[]), "belongs to a run with other settings: its model is None"),
        (lambda header, arrays: header.update(settings={"model": ["x"] * 10**4}), "belongs to a run with other settings: its model is "),
        (lambda header, arrays: header.update(kind="nudge model"), "is not a checkpoint file: its kind is 'nudge model'"),
    ],
)
def test_forged_checkpoints(change: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    fit(checkpoint=path)
    forge(path, change)
    model = MLP([2, 4, 1], seed=8)
    before = bits(model)
    with pytest.raises(ValueError, match=message):
        fit(model, checkpoint=path, resume=True)
    assert bits(model) == before


def test_cut_and_flipped_checkpoints(tmp_path: Path) -> None:
    path, rng = tmp_path / "run.npz", np.random.default_rng(0)
    whole, _ = fit(epochs=4, checkpoint=path)
    content = path.read_bytes()
    for _ in range(20):
        path.write_bytes(content[: rng.integers(len(content))])
        with pytest.raises(ValueError, match=r"run\.npz is (damaged|not a checkpoint file, or is damaged)"):
            fit(epochs=4, checkpoint=path, resume=True)
    for _ in range(40):
        flipped = bytearray(content)
        flipped[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        try:
            model, _ = fit(epochs=4, checkpoint=path, resume=True)
        except ValueError:
            assert path.read_bytes() == flipped
        else:
            assert bits(model) == bits(whole)


class Signs(Optimizer):
    """A custom optimizer with steps of one size."""

    def __init__(self, rate: float, scale: float) -> None:
        super().__init__(rate)
        self.scale = scale

    def rule(self, parameter: Any, gradient: Any, *memory: Any, rate: Any, step: Any) -> Any:
        return [parameter - rate * self.scale * (1.0 * (gradient > 0) - (gradient < 0))]


def test_a_run_with_a_custom_optimizer_is_identified_by_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    fit(optimizer=Signs(0.1, 2.0), checkpoint=path)
    fit(optimizer=Signs(0.1, 2.0), checkpoint=path, resume=True)
    with pytest.raises(ValueError, match=r"its optimizer is 'Signs\(learning_rate=0.1, scale=2.0\)', but this run's is '.*scale=3.0\)'"):
        fit(optimizer=Signs(0.1, 3.0), checkpoint=path, resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_refused_checkpoint_leaves_the_model_unchanged(resume: bool, tmp_path: Path) -> None:
    path, model = tmp_path / "run.npz", MLP([2, 4, 1], seed=1)
    fit(checkpoint=path, seed=5)
    model.threshold = 0.25
    before = {**vars(model), "bits": bits(model)}
    with pytest.raises((FileExistsError, ValueError), match=r"run.npz (exists|belongs to a run with other settings)"):
        fit(model, checkpoint=path, resume=resume)
    assert {**vars(model), "bits": bits(model)} == before
    assert model.threshold == 0.25


def test_a_run_with_other_classes_is_another_run(tmp_path: Path) -> None:
    def run(names: list[str], **settings: Any) -> None:
        labels = np.array(names)[np.arange(8) % 2]
        data = np.linspace(-1, 1, 8)[:, None], labels
        train(MLP([1, 1]), *data, cost=binary_cross_entropy, epochs=1, progress=False, checkpoint=tmp_path / "run.npz", **settings)

    run(["cat", "dog"])
    with pytest.raises(ValueError, match=r"its classes is \"\['cat', 'dog'\]\", but this run's is \"\['no', 'yes'\]\""):
        run(["no", "yes"], resume=True)
    run(["cat", "dog"], resume=True)
