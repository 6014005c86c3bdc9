"""Tests of inputs larger than memory: they are read in windows, each example once per epoch."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn import MLP, SGD, Module, Training, cross_entropy, squared_error, train
from nn.training import file_arrays
from nn.training.file_arrays import FileArray, file_array
from nn.training.mini_batches import Examples, ExamplesInFile
from nn.training.processes import Processes
from tests.runs import bits

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(1000, 4)), RNG.normal(size=1000)


class Slices:
    """An array like those of h5py, with a shape, a dtype and slices of rows. It notes the size of the largest slice."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype, self.largest = array, array.shape, array.dtype, 0

    def __getitem__(self, rows: slice) -> Any:
        assert isinstance(rows, slice)
        found = self.array[rows]
        self.largest = max(self.largest, len(found))
        return found


class Noting(Slices):
    """An array that notes which rows were read."""

    def __init__(self, array: Any) -> None:
        super().__init__(array)
        self.read: list[int] = []

    def __getitem__(self, rows: slice) -> Any:
        self.read += range(*rows.indices(len(self.array)))
        return super().__getitem__(rows)


@pytest.fixture(autouse=True)
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of 100 rows, in blocks of 6."""
    monkeypatch.setattr(file_arrays, "MAX_BYTES", 100 * 4 * 8)


@pytest.fixture
def in_a_file(tmp_path: Path) -> Any:
    np.save(tmp_path / "x.npy", X.astype(np.float32))
    return np.load(tmp_path / "x.npy", mmap_mode="r")


def begin(x: Any, **settings: Any) -> Training:
    return Training(MLP([4, 3, 1], seed=1), x, Y, **{"optimizer": SGD(0.05, momentum=0.9), "batch_size": 7, **settings})


def test_large_arrays_in_files_are_read_in_windows(in_a_file: Any) -> None:
    assert isinstance(file_array("X", in_a_file), FileArray)
    assert isinstance(file_array("X", Slices(X)), FileArray)
    for given in (X, X.tolist(), in_a_file[:90], in_a_file[0], Slices(Y), Slices(np.full((1000, 4), "a")), [1], None, object()):
        assert file_array("X", given) is None


@pytest.mark.parametrize("epoch", [0, 1])
def test_each_example_is_seen_once_per_epoch(epoch: int) -> None:
    source = Slices(X)
    made = ExamplesInFile(FileArray("X", source), Y, 3, Processes("numpy").works_on)
    met: list[int] = []
    while len(met) < len(X):
        rows, (x, y) = made.mini_batches(epoch, len(met), min(7, len(X) - len(met)), 5)
        for step in range(1 if rows is None else len(rows)):
            chosen, _ = made.mini_batch(epoch, len(met), 7)
            assert sorted(chosen) == sorted(made.order(epoch)[len(met) : len(met) + 7])
            found = (x, y) if rows is None else (x[rows[step]], y[rows[step]])
            assert (found[0] == X[chosen]).all()
            assert (found[1] == Y[chosen]).all()
            met += chosen.tolist()
    assert sorted(met) == list(range(len(X)))
    assert source.largest <= 100
    assert met != sorted(met)
    again, another = (ExamplesInFile(FileArray("X", Slices(X)), Y, seed, Processes("numpy").works_on).order(epoch) for seed in (3, 4))
    assert again.tolist() == made.order(epoch).tolist() != another.tolist()


def test_neighbours_in_the_file_are_apart_in_the_order() -> None:
    order = ExamplesInFile(FileArray("X", Slices(X)), Y, 0, Processes("numpy").works_on).order(0)
    places = np.argsort(order)
    assert np.median(np.abs(np.diff(places))) > 10
    assert np.ptp(order[:100]) > 500  # a window has blocks from everywhere


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("batch_size", [7, 64, 130])
def test_a_run_equals_one_in_memory_with_the_same_order(batch_size: int, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from_file = begin(Slices(X), batch_size=batch_size, compiled=compiled)
    in_memory = begin(X, batch_size=batch_size, compiled=compiled)

    def order(epoch: int) -> Any:
        source = from_file._loop.batches.source
        return np.concatenate([source.mini_batch(epoch, start, batch_size)[0] for start in range(0, len(X), batch_size)])

    monkeypatch.setattr(in_memory._loop.batches.source, "order", order)
    for _ in range(2):
        from_file.epoch()
        in_memory.epoch()
    assert bits(from_file.model) == bits(in_memory.model)
    assert from_file.history.cost == in_memory.history.cost


@pytest.mark.parametrize("source", [X, Slices(X)], ids=["in memory", "from a file"])
def test_a_run_is_the_same_with_32_bit_indices(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, narrow = begin(source), begin(source)
    usual.epoch()
    shuffled, found = type(narrow._loop.batches.source)._shuffled, np.searchsorted

    def narrowed(self: Examples, rng: np.random.Generator) -> Any:
        rows, ends = shuffled(self, rng)
        return rows.astype(np.int32), ends

    monkeypatch.setattr(type(narrow._loop.batches.source), "_shuffled", narrowed)
    monkeypatch.setattr(np, "searchsorted", lambda *args, **kw: np.asarray(found(*args, **kw), dtype=np.int32))
    narrow.epoch()
    assert bits(narrow.model) == bits(usual.model)


def test_single_examples_and_noise_have_the_same_order() -> None:
    run, whole = begin(Slices(X)), begin(Slices(X))
    looked = [run.example() for _ in range(7 * 20)]
    for _ in range(20):
        whole.step()
    assert bits(run.model) == bits(whole.model)
    for example in looked:
        assert (example.x == X[example.index]).all()

    class Noisy(Module):
        def __init__(self) -> None:
            self.network = MLP([4, 1], seed=1)

        def __call__(self, x: Any, noise: Any = 0.0) -> Any:
            return self.network([each + noise for each in x])

    noisy = Training(Noisy(), Slices(X), Y, batch_size=30, noise=lambda rng, n: 0.1 * rng.normal(size=n))
    assert noisy.epoch()


def test_a_run_is_resumed_from_its_checkpoint(tmp_path: Path, in_a_file: Any) -> None:
    settings: dict[str, Any] = {"batch_size": 9, "progress": False}
    whole, model = MLP([4, 3, 1], seed=1), MLP([4, 3, 1], seed=1)
    train(whole, in_a_file, Y, epochs=4, **settings)
    train(model, in_a_file, Y, epochs=2, checkpoint=tmp_path / "run.npz", **settings)
    resumed = MLP([4, 3, 1], seed=1)
    train(resumed, in_a_file, Y, epochs=4, checkpoint=tmp_path / "run.npz", resume=True, **settings)
    assert bits(resumed) == bits(whole)
    with pytest.raises(ValueError, match=r"its data is '\(1000, 4\) with checksum .* of 16 rows"):
        train(MLP([4, 3, 1], seed=1), Slices(X + 1), Y, epochs=4, checkpoint=tmp_path / "run.npz", resume=True, **settings)


def test_take_up_reads_numbers_that_changed_in_the_file() -> None:
    source = Slices(X.copy())
    run, expected = begin(source), begin(Slices(2 * X))
    expected.step()
    run.step()
    expected.assign(run.parameters)
    source.array *= 2
    run.take_up()
    assert run.step().cost == expected.step().cost


def test_validation_and_accuracy_are_read_in_pieces() -> None:
    source, held_out = Slices(X), Slices(X[::-1])
    labels = (Y > 0).astype(int)
    history = train(
        MLP([4, 3, 2], seed=1), source, labels, batch_size=10, cost=cross_entropy, epochs=2, validation=(held_out, labels), progress=False
    )
    assert len(history.accuracy) == len(history.validation_accuracy) == 2
    assert max(source.largest, held_out.largest) <= 1000


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_arrays, "MAX_BYTES", 2**20)
    array = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(50_000, 40))
    run = Training(MLP([40, 1], seed=1), array, np.zeros(50_000), batch_size=500, measure_accuracy=False)
    tracemalloc.start()
    run.epoch()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * 2**20 < array.nbytes  # and 16 MB of float64


def test_numbers_that_are_not_finite_are_refused_when_they_are_read() -> None:
    array = X.copy()
    array[777, 2] = np.nan
    run = begin(Slices(array), measure_accuracy=False)
    with pytest.raises(ValueError, match=r"X\[777, 2\] is nan: all numbers in X must be finite"):
        run.epoch()


def test_batch_size_none_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size=None needs all 1000 examples in memory, but X is read from its file in parts: write"):
        begin(Slices(X), batch_size=None)


def test_a_file_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="X and Y must have the same length: got 999 examples and 1000 targets"):
        Training(MLP([4, 1]), Slices(X[:-1]), Y, cost=squared_error)


@pytest.mark.parametrize("size", [7, 27, 30, 64, 130, 1000])  # with 27, the last mini-batch has one example
@pytest.mark.parametrize("count", [2, 3])
def test_each_process_reads_only_its_own_examples(count: int, size: int) -> None:
    """With one device per process: each gets a part of a mini-batch, and all get the rest."""

    def works_on(process: int) -> Any:
        def chosen(size: int) -> Any:
            places = np.arange(size)
            return (places // max(1, size // count) == process) | (places >= size // count * count)

        return chosen

    whole = ExamplesInFile(FileArray("X", Slices(X)), Y, 3, Processes("numpy").works_on)
    read = []
    for process in range(count):
        source = Noting(X)
        made = ExamplesInFile(FileArray("X", source), Y, 3, works_on(process))
        start = own = 0
        while start < len(X):
            rows, (x, y) = made.mini_batches(0, start, size, 3)
            for step in range(1 if rows is None else len(rows)):
                found = (x, y) if rows is None else (x[rows[step]], y[rows[step]])
                right, mine = whole.mini_batch(0, start, size)[0], works_on(process)(len(found[0]))
                assert (found[0][mine] == X[right[mine]]).all()
                assert (found[0][~mine] == 0).all()
                assert (found[1] == Y[right]).all()
                start, own = start + len(right), own + int(mine.sum())
        assert start == len(X)
        assert sorted(set(source.read)) == sorted(source.read), "none twice"
        assert len(source.read) == own
        read.append(own)
    assert sum(read) < len(X) + count * count * (2 + len(X) // size)


def test_after_a_change_of_the_batch_size_the_epoch_continues_with_the_other_examples() -> None:
    run = begin(Slices(X), batch_size=7)
    list(run.steps(9))
    seen = {example.index for example in (run.example() for _ in range(7))}
    run.set(batch_size=45)
    later = [run.example().index for _ in range(len(X) - 10 * 7)]
    assert len(set(later)) == len(later)
    assert not seen & set(later)
    assert run.history.cost != []


def test_a_part_reads_only_its_own_rows() -> None:
    source = Noting(X)
    part = FileArray("X", source).part(slice(300, 500))
    assert (len(part), part.shape, source.read) == (200, (200, 4), [])
    assert (part[10:20] == X[310:320]).all()
    assert source.read == list(range(310, 320))
    broken = X.copy()
    broken[312, 1] = np.nan
    with pytest.raises(ValueError, match=r"^X\[312, 1\] is nan"):
        FileArray("X", broken).part(slice(300, 500))[:]


@pytest.mark.parametrize("compiled", [False, True])
def test_all_examples_may_be_one_mini_batch(compiled: bool) -> None:
    settings: dict[str, Any] = {"batch_size": len(X), "compiled": compiled, "validation": (Slices(X), Y)}
    run, whole = begin(Slices(X), **settings), begin(X, **settings)
    assert run.epoch()
    assert whole.epoch()
    np.testing.assert_allclose(run.parameters, whole.parameters, rtol=1e-12)
    np.testing.assert_allclose(run.history.validation_cost, whole.history.validation_cost, rtol=1e-12)


def test_a_loop_over_rows_ends() -> None:
    few = FileArray("X", np.arange(6.0).reshape(3, 2))
    assert np.asarray(few).tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert few[-3].tolist() == [0.0, 1.0]
    for row in (3, -4):
        with pytest.raises(IndexError, match=f"^X has 3 rows, so there is no row {row}$"):
            _ = few[row]


def test_accuracy_is_measured_on_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The rows are read in pieces; reading one row after the other would never end."""
    x = np.random.default_rng(0).normal(size=(30, 2))
    y = (x.sum(axis=1) > 0).astype(int)
    np.save(tmp_path / "x.npy", x)
    monkeypatch.setattr("nn.training.file_arrays.MAX_BYTES", 160)
    run = Training(MLP([2, 1], seed=1), np.load(tmp_path / "x.npy", mmap_mode="r"), y, compiled=False)
    run.epoch()
    assert run.history.accuracy == [run.model.accuracy(x, y)]
