"""Tests of progress: a bar in a terminal, a line in a log, and nothing if it is not wanted."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from tests.runs import HELD_OUT, begin, fit


def test_a_log_gets_a_line_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    fit(epochs=50, progress=True, validation=HELD_OUT)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("epoch 50/50, cost 0.")
    for word in (", accuracy ", "%, validation cost ", ", validation accuracy ", " examples/s"):
        assert word in lines[0]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    fit(epochs=50, progress=True)
    shown = terminal.getvalue()
    assert "epoch 50/50, cost 0." in shown
    assert "accuracy" in shown
    assert "1.50k/1.50k" in shown
    assert " examples/s" in shown


def test_the_bar_of_a_resumed_run_continues(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = begin()
    for _ in run.steps(6):  # 30 examples, and 16 of the next epoch
        pass
    run.save(tmp_path / "run.npz")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    fit(checkpoint=tmp_path / "run.npz", resume=True, progress=True)
    assert re.search(r"46\.0/90\.0", terminal.getvalue())
    assert re.search(r"90\.0/90\.0", terminal.getvalue())


def test_no_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    fit(progress=False)
    assert capsys.readouterr().err == ""
