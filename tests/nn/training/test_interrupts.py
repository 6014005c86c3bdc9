"""Tests of Ctrl-C: the first one finishes the current steps and saves, the second one interrupts at once, other handlers stay in place."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import nn
from autograd.vectorize import descent
from nn import MLP, SGD, Adam, History, Module, Training, squared_error, train
from tests.runs import HELD_OUT, X, Y, begin, bits, fit


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Use Python's handler of Ctrl-C, even if a shell started the tests in the background and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupting(at: int) -> Any:
    """Return a cost that sends Ctrl-C in one of its calls during training; calls before training do not count."""
    calls = iter(range(10**9))

    def cost(outputs: Sequence[Any], y: Any) -> Any:
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler and next(calls) == at:
            os.kill(os.getpid(), signal.SIGINT)
        return squared_error(outputs, y)

    return cost


@pytest.mark.parametrize("at", [3, 37, 59, 60, 61, 68])
def test_ctrl_c_finishes_the_current_steps_and_saves(at: int, tmp_path: Path) -> None:
    checkpoint: dict[str, Any] = {"checkpoint": tmp_path / "run.npz"}

    def run(at: int, epochs: int = 4, **settings: Any) -> tuple[Module, History]:
        settings = {"batch_size": 10, "progress": False, "compiled": False, **settings}
        model = MLP([2, 3, 1])
        return model, train(model, X, Y, cost=interrupting(at), optimizer=SGD(0.1, momentum=0.9), epochs=epochs, **settings)

    whole, _ = run(-1)
    model, history = run(at, **checkpoint)
    assert history.stopped == "interrupted"
    steps = len(history.steps.cost)
    assert at // 10 + 1 <= steps <= 3 * (at // 30 + 1)
    assert len(history.cost) == steps // 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    reached = bits(model)
    _, stopped = run(-1, epochs=1, resume=True, **checkpoint)
    assert len(stopped.steps.cost) == max(steps, 3)
    resumed, history = run(-1, resume=True, **checkpoint)
    assert bits(resumed) == bits(whole) != reached
    assert len(history.cost) == 4
    assert len(history.steps.cost) == 12


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    def insist(model: Module, history: History) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    model = MLP([2, 4, 1], seed=1)
    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks=[insist])
    assert bits(model) == bits(fit(epochs=1)[0])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_handlers_of_ctrl_c_stay_in_place() -> None:
    def ignore(number: int, frame: Any) -> None:
        noted.append(number)

    noted: list[int] = []
    for handler in (signal.SIG_IGN, ignore):
        signal.signal(signal.SIGINT, handler)
        _, history = fit(callbacks=[lambda *_: os.kill(os.getpid(), signal.SIGINT)])
        assert history.stopped == "finished"
        assert signal.getsignal(signal.SIGINT) is handler
    assert noted == [signal.SIGINT] * 3


def test_a_driven_run_does_not_handle_ctrl_c() -> None:
    seen = []
    run = begin()
    run.epoch(lambda _: seen.append(signal.getsignal(signal.SIGINT)))
    assert seen == [signal.default_int_handler] * 4


@pytest.mark.parametrize("at", [0, 4, 17, 34, 41])
def test_an_exception_in_a_step_keeps_the_steps_before(at: int) -> None:
    """Several steps are taken in one call, and an exception undoes the steps of its call."""
    calls: Iterator[int] = iter(())

    def cost(outputs: Sequence[Any], y: Any) -> Any:
        if next(calls, None) == at:
            raise KeyboardInterrupt
        return squared_error(outputs, y)

    settings: dict[str, Any] = {"compiled": False, "batch_size": 3}
    run = begin(cost=cost, optimizer=SGD(0.1, momentum=0.9), **settings)
    calls = iter(range(10**9))
    with pytest.raises(KeyboardInterrupt):
        all(run.epoch() for _ in range(9))
    whole = begin(cost=squared_error, optimizer=SGD(0.1, momentum=0.9), **settings)
    for _ in range(len(run.history.steps.cost)):
        whole.step()
    assert len(run.history.steps.cost) <= at // 3
    assert bits(run.model) == bits(whole.model)
    assert run.step().cost == whole.step().cost


def test_a_run_survives_ctrl_c_while_an_epoch_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> float:
        raise KeyboardInterrupt

    run, whole = begin(), begin()
    with monkeypatch.context() as patch:
        patch.setattr("nn.training.measurements.accuracy", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.epoch()
    assert len(run.history.cost) == 0
    assert run.epoch()
    whole.epoch()
    whole.epoch()
    assert len(run.history.cost) == 2
    assert bits(run.model) == bits(whole.model)
    assert run.history.accuracy == whole.history.accuracy


def lines_of(call: Any, interrupted_at: int = -1) -> int:
    """Call a function, count the lines of training that it executes, and raise KeyboardInterrupt at one of them."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith((NN, DESCENT)):
            return None
        if event == "line":
            count += 1
            if count - 1 == interrupted_at:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


NN, DESCENT = f"{Path(nn.__file__).parent}{os.sep}", descent.__file__
RUNS: dict[str, dict[str, Any]] = {
    "momentum": {"optimizer": lambda: SGD(0.1, momentum=0.9), "batch_size": 8},
    "validation": {"optimizer": lambda: Adam(0.05), "batch_size": 20, "validation": HELD_OUT, "clip": 0.1},
    "eager": {"optimizer": lambda: Adam(0.05), "batch_size": 20, "compiled": False, "measure_accuracy": False},
}


def started(name: str) -> Training:
    settings = {**RUNS[name], "optimizer": RUNS[name]["optimizer"]()}
    run = begin(MLP([2, 2, 1], seed=1), **settings)
    run.step()
    return run


def what_steps_change(run: Training) -> list[Any]:
    state = run.state()
    columns = {name: list(numbers) for name, numbers in run.history.columns().items() if "seconds" not in name}
    memory = {name: np.asarray(each).tolist() for name, each in run.optimizer.state_dict().items()}
    return [state.parameters.tolist(), state.gradient.tolist(), state.best.tolist(), memory, columns, run.steps_left]


def uninterrupted(name: str, steps: int) -> dict[int, list[Any]]:
    """What steps have changed in a run that is never interrupted, by their number."""
    run, known = started(name), {}
    for _ in range(steps):
        known[len(run.history.steps.cost)] = what_steps_change(run)
        run.step()
    return known


@pytest.mark.parametrize("name", [pytest.param("momentum", marks=pytest.mark.soak), "validation", "eager"])
def test_an_interrupt_at_any_line_takes_each_step_once_or_not_at_all(name: str) -> None:
    """The oracle is a run that is never interrupted, after as many steps."""
    run, known = started(name), uninterrupted(name, 3 * len(X) // RUNS[name]["batch_size"] + 3)
    start = run.state()
    for line in range(lines_of(run.epoch)):
        run.restore(start)
        with suppress(KeyboardInterrupt):
            lines_of(run.epoch, line)
        assert what_steps_change(run) == known[len(run.history.steps.cost)], line
        assert bits(run.model) == run.parameters.tobytes(), line
        run.epoch()
        assert what_steps_change(run) == known[len(run.history.steps.cost)], line
        assert bits(run.model) == run.parameters.tobytes(), line


def test_an_interrupt_at_any_line_of_restore_leaves_one_of_both_states() -> None:
    run = started("validation")
    first, known = run.state(), [what_steps_change(run)]
    run.epoch()
    last = run.state()
    known.append(what_steps_change(run))
    for line in range(lines_of(lambda: run.restore(first))):
        run.restore(last)
        with suppress(KeyboardInterrupt):
            lines_of(lambda: run.restore(first), line)
        assert what_steps_change(run) in known, line
        assert bits(run.model) == run.parameters.tobytes(), line


def test_signals_at_random_moments_take_each_step_once_or_not_at_all() -> None:
    """The oracle is a run that is never interrupted. Signals come between two instructions, where tracing of lines cannot interrupt."""
    rng, run, known = np.random.default_rng(0), started("momentum"), uninterrupted("momentum", 30)
    start, is_training = run.state(), False

    def interrupt(number: int, frame: FrameType | None) -> None:
        if is_training:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    gc.disable()  # hypothesis listens to it, and an exception there would be ignored with a warning
    try:
        for _ in range(200):
            run.restore(start)
            with suppress(KeyboardInterrupt):
                is_training = True
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 4e-3))
                for _ in range(3):
                    run.epoch()
                is_training = False  # a signal from here on is too late
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert what_steps_change(run) == known[len(run.history.steps.cost)]
            run.step()
            assert what_steps_change(run) == known[len(run.history.steps.cost)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()


@pytest.mark.parametrize("at", [0, 1])
def test_a_step_is_whole_in_the_model_wherever_it_is_interrupted(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run, expected = (begin(optimizer=SGD(0.1, momentum=0.9)) for _ in range(2))
    vectors, calls = run.optimizer.vectors, iter(range(10**9))

    def interrupted(size: int) -> Any:
        if next(calls) == at:
            raise KeyboardInterrupt
        return vectors(size)

    monkeypatch.setattr(run.optimizer, "vectors", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.step()
    assert bits(run.model) == run.parameters.tobytes()
    for each in (run, expected):
        while len(each.history.steps.cost) < 3:
            each.step()
    assert bits(run.model) == bits(expected.model)
