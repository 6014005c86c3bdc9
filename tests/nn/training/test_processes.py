"""Tests of several processes: they have the costs of one, they end together, and others can resume their runs."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn import launch
from nn.training.processes import Processes

pytest.importorskip("jax", reason='JAX is not installed: pip install "nudge-autograd[jax]"')

ROOT = Path(__file__).parents[3]

SCRIPT = '''
"""Train a small network, and write down the history of each process; process 1 may die in the second epoch."""
import importlib, json, os, signal, sys, time
from pathlib import Path
import jax
import numpy as np
from nn import MLP, SGD, moons, train
from nn.training import file_arrays

file_arrays.MAX_BYTES = 320  # bytes, 20 examples

class Noting:
    """An array in a file, which notes how many of its rows were read."""

    def __init__(self, path):
        self.array, self.read = np.load(path, mmap_mode="r"), 0
        self.shape, self.dtype = self.array.shape, self.array.dtype

    def __getitem__(self, rows):
        found = self.array[rows]
        self.read += len(found)
        return found

folder, death, seed = Path(sys.argv[1]), sys.argv[2], sys.argv[3:] and int(sys.argv[3]) * jax.process_index()
index, reduced = jax.process_index(), []
descents = importlib.import_module("autograd.vectorize.backends.jax.steps").JaxSteps
compiled = descents._compiled

def watched(self, *specs):
    run = compiled(self, *specs)
    def counting(*arguments):
        reduced.append(run.lower(*arguments).compile().as_text().count(" all-reduce("))
        return run(*arguments)
    return counting

if not death:
    descents._compiled = watched

def callback(model, history):
    told = folder / "died"
    if death == "always" or death == "once" and not told.exists():
        if index == 1 and len(history.cost) == 2:
            told.write_text(str(time.time()))
            os.kill(os.getpid(), signal.SIGKILL)
    return index == 1 and death == "stop"  # process 0 decides

X, labels = moons(101, seed=0)
np.save(folder / f"{index}.npy", X)
file = Noting(folder / f"{index}.npy")
history = train(
    MLP([2, 4, 1], seed=seed or 1), file, 2.0 * labels - 1, optimizer=SGD(0.1, momentum=0.9), batch_size=20, epochs=4, backend="jax",
    validation=(X[:30], 2.0 * labels[:30] - 1), checkpoint=folder / "run.npz", resume=True, callbacks=[callback],
)
(folder / f"history{index}.json").write_text(json.dumps({"columns": history.columns(), "stopped": history.stopped, "reduced": reduced}))
(folder / f"read{index}").write_text(str(file.read))
'''


def begin(folder: Path, processes: int, *arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "nn.launch", "--processes", str(processes), *options, str(folder / "script.py"), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=300, check=False)


def history(folder: Path, process: int = 0) -> dict[str, Any]:
    return json.loads((folder / f"history{process}.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The history of one process."""
    folder = tmp_path_factory.mktemp("one")
    done = begin(folder, 1, "stop")
    assert done.returncode == 0, done.stderr
    return history(folder)["columns"]  # type: ignore[no-any-return]


def assert_same_costs(found: dict[str, Any], right: dict[str, Any]) -> None:
    for name in ("cost", "validation_cost", "accuracy", "steps.cost", "steps.gradient_norm"):
        np.testing.assert_allclose(found[name], right[name], rtol=1e-12)


def test_two_processes_have_the_costs_of_one_and_one_all_reduce_a_step(tmp_path: Path, right: dict[str, Any]) -> None:
    done = begin(tmp_path, 2, "")
    assert done.returncode == 0, done.stderr
    first, second = history(tmp_path), history(tmp_path, 1)
    assert_same_costs(first["columns"], right)
    assert first == second, "to the bit, the seconds too"
    assert set(first["reduced"]) == {1, 0}, "0 for the last mini-batch of an epoch, which is one example"
    assert first["stopped"] == "finished"
    most = 4 * (51 + 51) + 40  # an epoch's own examples, those it measures, and before it all a look at some
    assert all(int((tmp_path / f"read{process}").read_text()) <= most for process in range(2)), "each reads its own examples only"
    assert done.stderr.count("epoch 4/4, cost ") == 1, "only one process shows progress"


@pytest.mark.soak
def test_a_death_ends_the_others_and_another_number_of_processes_resumes(tmp_path: Path, right: dict[str, Any]) -> None:
    done = begin(tmp_path, 4, "always")
    ended = time.time()
    assert done.returncode == 128 + 9
    assert done.stderr.rstrip().endswith("nn.launch: process 1 of 4 was killed by SIGKILL; the others were ended")
    assert ended - float((tmp_path / "died").read_text()) < 15
    assert not (tmp_path / "history0.json").exists()
    done = begin(tmp_path, 3, "stop")
    assert done.returncode == 0, done.stderr
    assert_same_costs(history(tmp_path)["columns"], right)
    assert {history(tmp_path, index)["stopped"] for index in range(3)} == {"finished"}


@pytest.mark.soak
def test_with_restarts_it_begins_again_from_the_checkpoint(tmp_path: Path, right: dict[str, Any]) -> None:
    done = begin(tmp_path, 2, "once", options=("--restarts", "1"))
    assert done.returncode == 0, done.stderr
    told = "nn.launch: process 1 of 2 was killed by SIGKILL; the others were ended; restarting all processes; 0 restarts left"
    assert told in done.stderr
    assert_same_costs(history(tmp_path)["columns"], right)


@pytest.mark.soak
def test_ending_the_launcher_ends_all_processes(tmp_path: Path) -> None:
    script, told = tmp_path / "script.py", tmp_path / "pid"
    script.write_text(f"import os, time\nopen({str(told)!r} + '.new', 'w').write(str(os.getpid()))\n")
    with script.open("a") as file:
        file.write(f"os.rename({str(told)!r} + '.new', {str(told)!r})\ntime.sleep(600)\n")
    command = [sys.executable, "-m", "nn.launch", "--processes", "1", str(script)]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}) as launcher:
        while not told.exists():
            assert launcher.poll() is None
            time.sleep(0.05)
        launcher.terminate()
        assert launcher.wait(timeout=60) == 128 + 15
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


def test_processes_with_different_runs_are_refused(tmp_path: Path) -> None:
    done = begin(tmp_path, 2, "stop", "5")
    assert done.returncode == 1
    assert "ValueError: process 1 started a different run than process 0: the model's parameters, the data and the settings" in done.stderr
    assert "failed with exit status 1; see its output above; the others were ended" in done.stderr


def test_one_process_agrees_with_itself() -> None:
    alone = Processes("numpy")
    assert (alone.is_first, alone.count, alone.each(0.5), alone.agreed(True)) == (True, 1, [0.5], True)
    alone.check_the_same("a run")


def test_what_cannot_be_launched_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "script.py"
    with pytest.raises(SystemExit, match="2"):
        launch.main(["--processes", "2", str(script)])
    assert f"there is no script {script}" in capsys.readouterr().err
    script.write_text("")
    with pytest.raises(SystemExit, match="2"):
        launch.main(["--processes", "0", str(script)])
    assert "argument --processes: must be a whole number of at least 1, got 0" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        launch.main(["--processes", "2", "--restarts", "-1", "script.py"])
    assert "argument --restarts: must be a whole number of at least 0, got -1" in capsys.readouterr().err
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="2"):
        launch.main(["--processes", "2", str(script)])
    assert 'nn.launch needs jax: pip install "jax>=0.6" (the extra `jax`)' in capsys.readouterr().err


@pytest.mark.parametrize(
    "code",
    ["None", "''", "'enough'", "[]", "0.0", "-0.0", "()", "(1, 2)", "{}", "False", "True", "0", "1", "3", "255", "256", "-1", "2**63 - 1"]
    + ["-2**63", "2**63", "2**70", "-2**70", "b''", "float('nan')", "Ellipsis"],
)
def test_exit_statuses_are_pythons_own(code: str, capfd: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.exit({code})"], capture_output=True, text=True, check=False)
    assert launch.exit_status(eval(code)) == done.returncode
    assert capfd.readouterr().err == done.stderr


@pytest.mark.parametrize(("ending", "status"), [("sys.exit('enough')", 1), ("sys.exit()", 0), ("1 / 0", 1)])
def test_the_exit_status_is_the_scripts(ending: str, status: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script.py").write_text(f"import sys, beside\nprint(sys.argv[1:], beside.name)\n{ending}\n")
    (tmp_path / "beside.py").write_text("name = __name__\n")
    assert launch.launch([str(tmp_path / "script.py"), "a", "b"], 1) == status
    out, err = capfd.readouterr()
    assert "['a', 'b'] beside\n" in out
    assert (f"nn.launch: process 0 of 1 failed with exit status {status}; see its output above" in err) == (status != 0)
    assert ("ZeroDivisionError" in err, "enough\n" in err) == (ending == "1 / 0", "enough" in ending)
