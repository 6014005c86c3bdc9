"""Tests of killing a run at any moment: its checkpoint always loads, and the resumed run ends like an uninterrupted one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nn import MLP

ROOT = Path(__file__).parents[3]
RUN = """
import sys
import numpy as np
from nn import MLP, SGD, Cosine, binary_cross_entropy, train

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 2))
checkpoint, result = sys.argv[1:]
model = MLP([2, 4, 1], seed=1)
train(
    model, X, X[:, 0] > 0, cost=binary_cross_entropy, optimizer=SGD(Cosine(0.1, epochs=60), momentum=0.9), batch_size=5,
    epochs=60, validation=(X, X[:, 1] > 0), checkpoint=checkpoint, resume=True, progress=False, callbacks=[lambda *_: print(flush=True)],
)
model.save(result)
"""


def run(checkpoint: Path, result: Path, kill_after: float | None = None, wait_for_an_epoch: bool = True) -> tuple[int, float]:
    """Run, and perhaps kill the process some seconds after the first epoch or the start. Return its exit status and the seconds."""
    with subprocess.Popen([sys.executable, "-c", RUN, str(checkpoint), str(result)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if wait_for_an_epoch:
            process.stdout.readline()
        began = time.perf_counter()
        if kill_after is not None:
            time.sleep(kill_after)
            process.send_signal(signal.SIGKILL)
        return process.wait(), time.perf_counter() - began


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.soak)])
def test_a_killed_run_ends_like_an_uninterrupted_one(kills: int, tmp_path: Path) -> None:
    whole, result, checkpoint = tmp_path / "whole.npz", tmp_path / "result.npz", tmp_path / "run.npz"
    status, seconds = run(tmp_path / "uninterrupted.npz", whole)
    assert status == 0
    expected = MLP.load(whole).state_dict()

    rng, done = np.random.default_rng(kills), 0
    while done < kills:
        waits = bool(rng.integers(4))  # mostly killed during training and saving, sometimes before
        status, _ = run(checkpoint, result, kill_after=rng.uniform(0, seconds / 2), wait_for_an_epoch=waits)
        if status == 0:  # it was faster: start again
            assert MLP.load(result).state_dict() == expected
            checkpoint.unlink()
        else:
            assert status == -signal.SIGKILL
            done += 1
    assert run(checkpoint, result)[0] == 0
    assert MLP.load(result).state_dict() == expected
