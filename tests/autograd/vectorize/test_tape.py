"""Tapes: narrow programs on the native and the numpy back end agree with the reference and the eager engine, at any number of examples."""

import math
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from autograd import Value, exp, log, ops, sin, tanh, vectorize, where
from autograd.vectorize import tape
from autograd.vectorize.backends import native
from autograd.vectorize.backends.native import compiler, interpreter
from autograd.vectorize.builder import Builder
from autograd.vectorize.compiled import Kind
from autograd.vectorize.descent import UpdateRule
from tests.autograd.vectorize.test_agreement import PROGRAM, SETTINGS, check_random_program
from tests.autograd.vectorize.test_backends import check_all_four_programs
from tests.autograd.vectorize.test_native_compiler import sanitized
from tests.programs import KINDS, Array, Function, eager, installed, near

pytestmark = pytest.mark.usefixtures("own_cache")
with_c = pytest.param("native", marks=installed("native"))
QUICK = ("attention", "causal_attention", "conditions", "convolution", "sums_of_different_lengths", "an_input")
some = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.soak]) for name in KINDS]
every_kind = pytest.mark.parametrize("name", some)


@pytest.fixture
def all_as_tapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide and short programs run as tapes too."""
    use_tapes(monkeypatch)


def use_tapes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tape, "NARROW", math.inf)
    patch.setattr(native, "LENGTH", 1)
    patch.setattr(interpreter, "ONE_BY_ONE", 1)


@installed("native")
@pytest.mark.usefixtures("all_as_tapes")
@every_kind
def test_programs_of_every_kind_equal_the_reference(name: str) -> None:
    check_all_four_programs(name, "native", (19, 3, 1))


@pytest.mark.usefixtures("all_as_tapes")
@every_kind
def test_one_example_equals_the_reference_on_numpy(name: str) -> None:
    check_all_four_programs(name, "numpy", (1,))


@pytest.mark.parametrize("backend", ["numpy", with_c])
@settings(max_examples=40, **SETTINGS)
@given(description=PROGRAM)
def test_random_programs_agree_with_the_eager_engine(backend: str, description: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        use_tapes(patch)
        check_random_program(description, backend)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["numpy", with_c])
@settings(max_examples=10_000, **SETTINGS)
@given(description=PROGRAM)
def test_thousands_of_random_programs_agree_with_the_eager_engine(backend: str, description: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        use_tapes(patch)
        check_random_program(description, backend)


STEPS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + tanh(b),
    lambda a, b: a * sin(b),
    lambda a, b: a - 0.5 * b,
    lambda a, b: tanh(a),
    lambda a, b: where(a > b, a, b),
]


def irregular(size: int, seed: int) -> tuple[Function, Array]:
    """A function of two numbers in `size` steps of which hardly two are alike, and examples."""
    rng = random.Random(seed)
    leaves = [Value(rng.uniform(-1, 1)) for _ in range(8)]
    steps = [(rng.choice(STEPS), rng.randrange(12), rng.randrange(12)) for _ in range(size)]

    def f(x: Any, y: Any) -> Any:
        numbers = [*leaves, x, y, x * y, leaves[0] * x]
        for step, i, j in steps:
            numbers.append(step(numbers[-1 - i], numbers[-1 - j]))
        return numbers[-1] + numbers[-2]

    return f, np.random.default_rng(seed).normal(size=(21, 2))


@pytest.mark.parametrize("backend", ["numpy", with_c])
@pytest.mark.parametrize("batch", [1, 2, 21])
def test_an_irregular_function_agrees_with_the_eager_engine(backend: str, batch: int) -> None:
    f, rows = irregular(200, seed=1)
    columns = [rows[:batch, 0].copy(), rows[:batch, 1].copy()]
    program = vectorize(f, backend=backend)
    found, (cost, gradient) = program(*columns), program.value_and_gradient(*columns)
    expected, gradients = eager(f, columns, program.parameters)
    assert near(found, expected)
    assert abs(cost - expected.mean()) <= 1e-12 * np.abs(expected).max()
    assert np.all(np.abs(gradient - gradients.mean(axis=0)) <= 1e-12 * np.abs(gradients).max(axis=0))
    assert near(program.per_example_gradients(*columns), gradients)


@installed("native")
def test_the_native_source_of_a_narrow_program_is_its_tape() -> None:
    """Its lines are also Python, which computes the same for one example."""
    f, rows = irregular(200, seed=8)
    program = vectorize(f, backend="native").record(*rows.T)
    source, theta = program.source, program.parameter_vector()
    names = {name: getattr(np, name) for name in ("tanh", "cosh", "sin", "cos", "where")} | {"total": float}
    given = {"x": rows[0, 0], "y": rows[0, 1], "theta": theta, "batch": 1, "gradient": np.full(len(theta), np.nan), "cost": np.nan}
    exec("\n".join(line.strip() for line in source.splitlines() if " = " in line or " += " in line), names, given)
    expected, gradients = eager(f, [rows[:1, 0], rows[:1, 1]], program.parameters)
    assert source.startswith("# f: of x, y and theta")
    assert near(given["cost"], expected[0])
    assert near(given["gradient"], gradients[0])
    assert "include" in vectorize(lambda x: x * Value(2.0), backend="native").record(rows[:, 0]).source


@installed("native")
def test_all_narrow_programs_share_one_compiled_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUDGE_CACHE", str(tmp_path))
    monkeypatch.setattr(compiler, "_loaded", {})
    interpreter._interpreter.cache_clear()
    for seed in (2, 3):
        f, rows = irregular(200, seed)
        vectorize(f, backend="native").value_and_gradient(rows[:, 0], rows[:, 1])
    assert len(list(tmp_path.glob("[!.]*"))) == 1


@installed("native")
def test_several_threads_run_one_tape() -> None:
    f, rows = irregular(200, seed=4)
    columns = rows.T.copy()
    program = vectorize(f, backend="native")
    theta = program.record(*columns).parameter_vector()
    expected = program.value_and_gradient(*columns, parameters=theta)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(partial(program.value_and_gradient, *columns, parameters=theta)) for _ in range(40)]
    for call in calls:
        cost, gradient = call.result()
        assert cost == expected[0]
        assert gradient.tolist() == expected[1].tolist()


@installed("native")
def test_training_with_a_tape_takes_the_steps_of_other_back_ends() -> None:
    rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    found = []
    for backend in ("numpy", "native"):
        f, rows = irregular(200, seed=5)
        program = vectorize(f, backend=backend).record(*rows.T)
        theta = program.parameter_vector()
        costs, _ = program.descent(rule, *rows.T.copy(), parameters=theta).take([0.01] * 5, rows=np.arange(10).reshape(5, 2))
        found.append((costs, theta))
    assert near(found[1][0], found[0][0])
    assert near(found[1][1], found[0][1])


def test_functions_that_overflow_in_python_give_what_numpy_gives() -> None:
    w = Value(2.0)
    program = vectorize(lambda x: exp(w * x) + log(x) + 1 / (w - x))
    for number in (1000.0, -1.0, 0.0, 2.0, 1.0):
        with np.errstate(all="ignore"):
            expected = np.exp(2 * number) + np.log(np.float64(number)) + np.float64(1) / (2 - number)
        np.testing.assert_allclose(program(np.array([number])), [expected], rtol=1e-14)


@installed("native")
def test_a_tape_in_float32_is_near_float64() -> None:
    f, rows = irregular(200, seed=6)
    exact, rounded = vectorize(f), vectorize(f, np.float32, backend="native")
    for batch in (1, 21):
        columns = rows[:batch].T.copy()
        cost, gradient = exact.value_and_gradient(*columns)
        found, slopes = rounded.value_and_gradient(*columns)
        assert slopes.dtype == np.float32
        assert found == pytest.approx(cost, rel=1e-4)
        assert near(slopes, gradient, 1e-4)


@installed("native")
@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="the sanitizer is loaded by LD_PRELOAD, which is Linux's")
@pytest.mark.parametrize("in_lanes", [False, True])
def test_sanitizers_find_nothing(in_lanes: bool) -> None:
    """Each array has just the memory that it needs; the address and undefined-behaviour sanitizers watch."""
    f, rows = irregular(200, seed=7)
    recording = vectorize(f).record(*rows.T)._latest
    assert recording is not None
    found = interpreter.TapeExecutable(recording.program(Kind.MEAN), np.dtype(np.float64))
    script = f"""
import numpy as np
rng = np.random.default_rng(0)
library.run.restype, library.run.argtypes = ctypes.c_double, [ctypes.c_void_p, ctypes.c_void_p]
lanes = ctypes.c_int.in_dll(library, "lanes").value
entries, constants = np.array({found.entries.tolist()}, np.int32), {found.constants}
room = np.zeros({found.slots} * lanes + 8)
for batch in (1, 3, 32, 37):
    slots = room[-room.ctypes.data % 64 // 8 :]
    slots[: len(constants) * lanes] = np.repeat(constants, lanes)
    theta, x, y = (rng.normal(size=size) for size in ({len(recording.layout)}, batch, batch))
    out = np.full(len(theta), np.nan)
    given = np.array([entries.ctypes.data, batch, theta.ctypes.data, 0, out.ctypes.data, x.ctypes.data, y.ctypes.data])
    library.run(given.ctypes.data, slots.ctypes.data)
    assert np.isfinite(out).all()
print("done")
"""
    done = sanitized(interpreter._source(np.dtype(np.float64), in_lanes), script)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize(
    ("finish", "message"),
    [
        (lambda builder, x: builder.reduce(x, 0, ops.largest_), "combines examples in another way than a sum"),
        (lambda builder, x: builder.add(ops.subtract, x, builder.reduce(x, 0)), "subtract: an example cannot depend on a sum"),
    ],
)
def test_programs_that_mix_examples_are_refused(finish: Callable[[Builder, int], int], message: str) -> None:
    builder = Builder()
    builder.program.outputs = {"results": finish(builder, builder.input(0, 2))}
    with pytest.raises(ValueError, match=message):
        tape.tape(builder.program)
