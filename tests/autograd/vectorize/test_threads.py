"""Threads: a batch in parts gives what the whole gives, to the same bits at every run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import UpdateRule, Value, Vectorized, total, vectorize
from autograd.vectorize import threads as module
from autograd.vectorize.compiled import Kind
from autograd.vectorize.threads import PAYS, threads_for, work
from nn import MLP, SGD, squared_error, train
from tests.programs import every_backend
from tests.threads import in_threads

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(67, 5)), RNG.normal(size=(67, 2))


def program(threads: int | None = None, backend: str = "numpy") -> Vectorized:
    model = MLP([5, 4, 2], seed=1)
    penalty = 0.1
    return vectorize(
        lambda x, y: squared_error(model(x), y) + penalty * total(p * p for p in model.parameters()), backend=backend, threads=threads
    ).record(X, Y)


@pytest.mark.parametrize("threads", [1, 2, 3, 67, 100])
@pytest.mark.parametrize("backend", ["numpy", "reference"])
def test_batches_in_parts_equal_whole_batches(threads: int, backend: str) -> None:
    whole, parted = program(), program(threads, backend)
    weights = np.linspace(0.5, 2.0, len(X))
    for options in ({}, {"weights": weights}):
        cost, gradient = parted.value_and_gradient(X, Y, **options)
        expected, right = whole.value_and_gradient(X, Y, **options)
        assert cost == pytest.approx(expected, rel=1e-13)
        np.testing.assert_allclose(gradient, right, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(parted(X, Y), whole(X, Y), rtol=1e-13)
    np.testing.assert_allclose(parted.per_example_gradients(X, Y), whole.per_example_gradients(X, Y), rtol=1e-11, atol=1e-14)


def test_results_that_do_not_depend_on_the_example_have_a_row_for_each() -> None:
    w = Value(3.0)
    assert vectorize(lambda x: [w * w, 1.0], threads=4)(np.zeros((8, 1))).tolist() == [[9.0, 1.0]] * 8


def test_the_same_number_of_threads_gives_the_same_bits() -> None:
    parted = program(4)
    first, gradient = parted.value_and_gradient(X, Y)
    for _ in range(50):
        again, other = parted.value_and_gradient(X, Y)
        assert again == first
        assert other.tobytes() == gradient.tobytes()


def test_descent_in_parts_equals_descent_in_one() -> None:
    rule: UpdateRule = SGD(momentum=0.9).update_rule
    ends = []
    for threads in (1, 3):
        parted = program(threads)
        theta = parted.parameter_vector()
        descent = parted.descent(rule, X, Y, parameters=theta, memory=[np.zeros_like(theta)])
        descent.take([0.1] * 5)
        ends.append(theta)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-11)


def test_there_are_as_many_threads_as_are_worth_their_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cores", lambda: 4)
    assert [threads_for(PAYS // 100, batch, None) for batch in (1, 199, 201, 10_000)] == [1, 1, 2, 4]
    assert [threads_for(1, batch, 8) for batch in (1, 3, 100)] == [1, 3, 8]


def test_the_work_is_about_that_of_the_products() -> None:
    recording = program()._latest
    assert recording is not None
    products = 5 * 4 + 4 * 2
    assert 2 * products < work(recording.program(Kind.MEAN)) < 12 * products


@pytest.mark.parametrize("place", [0, -1])
def test_an_error_in_a_part_is_raised_after_the_others_have_ended(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parted = program(3)
    expected = parted(X, Y).tolist()
    recording: Any = parted._latest
    executable, ended = recording._executables[Kind.RESULTS].executable, list[int]()
    ready = executable.ready

    def failing(inputs: Any, *others: Any) -> Callable[[], float]:
        run = ready(inputs, *others)

        def fail() -> float:
            if (inputs[0][place] == X[place]).all():
                raise KeyboardInterrupt
            time.sleep(0.05)
            ended.append(len(inputs[0]))
            return float(run())

        return fail

    monkeypatch.setattr(executable, "ready", failing)
    with pytest.raises(KeyboardInterrupt):
        parted(X, Y)
    assert len(ended) == 2
    monkeypatch.setattr(executable, "ready", ready)
    assert parted(X, Y).tolist() == expected  # the threads work on


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_invalid_numbers_of_threads_are_refused(threads: Any) -> None:
    with pytest.raises(ValueError, match=r"threads must be a whole number of at least 1, got .*: None chooses automatically"):
        vectorize(lambda x: x, threads=threads)


def test_training_on_threads_equals_training_on_one() -> None:
    models = []
    for threads in (None, 3):
        model = MLP([5, 4, 2], seed=1)
        train(model, X, Y, epochs=2, batch_size=20, threads=threads, progress=False)
        models.append([parameter.data for parameter in model.parameters()])
    np.testing.assert_allclose(models[0], models[1], rtol=1e-10)


FORKING = """
import os
import numpy as np
from autograd import Value, vectorize

w = Value(2.0)
program = vectorize(lambda x: w * x, threads=3)
expected = program(np.arange(9.0)).tolist()
child = os.fork()
if child == 0:
    os._exit(0 if program(np.arange(9.0)).tolist() == expected else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_process_has_threads_of_its_own() -> None:
    """In a process that nothing else has put threads into."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


@every_backend
def test_threads_share_a_program(backend: str) -> None:
    model, rng = MLP([3, 4, 2], seed=0), np.random.default_rng(0)
    shared = vectorize(lambda x, y: squared_error(model(x), y), backend=backend)
    batches = [(rng.normal(size=(rows, 3)), rng.normal(size=(rows, 2))) for rows in (1, 16, 50, 50)]
    expected = [shared.value_and_gradient(*each) for each in batches]

    def run(which: int) -> None:
        for _ in range(100):
            cost, gradient = shared.value_and_gradient(*batches[which])
            assert cost == expected[which][0]
            assert gradient.tolist() == expected[which][1].tolist()

    in_threads(4, run)
