"""The native back end: C that gives what the reference gives, for every kind of program, at every batch size, and on special numbers."""

import ctypes
import shutil
import subprocess
import sys
import tracemalloc
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from autograd import (
    Value,
    anomaly,
    logsumexp,
    maximum,
    require,
    sigmoid,
    sqrt,
    tanh,
    total,
    vectorize,
    where,
)
from autograd.errors import CompilationError
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native import executable
from autograd.vectorize.backends.native.compiler import SUFFIX, compiler
from autograd.vectorize.backends.native.emitter import beginning, emit
from autograd.vectorize.backends.native.mathematics import names
from autograd.vectorize.backends.reference import Interpreter
from autograd.vectorize.compiled import Kind
from autograd.vectorize.instructions import Input, sized
from autograd.vectorize.memory import aligned
from autograd.vectorize.program import Program
from nn import MLP, squared_error
from tests.autograd.vectorize.test_agreement import PROGRAM, RandomProgram
from tests.autograd.vectorize.test_native_compiler import sanitized
from tests.programs import Array, near
from tests.threads import in_threads

try:
    compiler()
except CompilationError as error:
    pytest.skip(str(error), allow_module_level=True)


pytestmark = pytest.mark.usefixtures("own_cache")
BEHIND = np.full(64, 0.123)  # what nobody writes to
TOGETHER = 200  # programs in one file, which the compiler takes a hundredth of the time for that it takes for as many files


def in_one_file(programs: Sequence[Program], directory: Path) -> Callable[[int, Sequence[Array], Array, Array], float]:
    """Run the one of these programs that has a number, on inputs and parameters; its array goes to the last argument."""
    float64 = np.dtype(np.float64)
    texts, memory = [beginning(names(), float64, has_columns=True)], []
    for number, program in enumerate(programs):
        sizes = {each.argument: each.shape[1] for each in program.instructions if isinstance(each, Input)}
        shapes = [(sizes[argument],) for argument in range(len(sizes))]
        emitted = emit(program, float64, Signature(f"run{number}", [f"x{argument}" for argument in range(len(sizes))], shapes, ()))
        texts.append(emitted.source[emitted.source.index(f"// run{number}: ") :])
        memory.append(np.full(emitted.work + len(BEHIND), BEHIND[0]))
    chosen = compiler()
    path = directory / f"{uuid.uuid4()}{SUFFIX}"  # a library of its own: one that is loaded cannot be written over
    path.write_bytes(chosen.compile("\n".join(texts), directory, (*chosen.flags, "-O0")))  # quickly: it is the C that is in question
    library = ctypes.CDLL(str(path))

    def run(number: int, inputs: Sequence[Array], theta: Array, out: Array) -> float:
        function = getattr(library, f"run{number}")
        function.restype = ctypes.c_double
        pointers = [ctypes.c_void_p(each.ctypes.data) for each in (*inputs, theta, np.ones(0), out, memory[number])]
        cost = float(function(ctypes.c_long(len(inputs[0])), *pointers))
        assert (memory[number][-len(BEHIND) :] == BEHIND).all(), "written behind the memory to work in"
        return cost

    return run


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        pytest.param(rows, columns, marks=() if (rows, columns) in ((1, 1), (2, 3), (5, 4), (8, 5)) else pytest.mark.soak)
        for rows in (1, 2, 3, 4, 5, 8)
        for columns in (1, 3, 4, 5)
    ],
)
def test_nothing_is_written_behind_the_working_memory(rows: int, columns: int, tmp_path: Path) -> None:
    """Short rows are written in whole vectors, also the last one."""
    W = [[Value(0.1 * i - j) for j in range(columns)] for i in range(rows)]
    recording = vectorize(lambda x: x * total(map(logsumexp, W))).record(np.ones(2))._latest
    assert recording is not None
    program, theta = recording.program(Kind.MEAN), recording.layout.gather()
    found, expected = np.empty_like(theta), np.empty_like(theta)
    in_one_file([program], tmp_path)(0, [np.ones(2)], theta, found)
    Interpreter(program, theta.dtype).run([np.ones(2)], theta, None, expected)
    assert near(found, expected)


def check_random_programs(examples: int, folder: Path) -> None:
    """Hold random programs against the reference: the mean and its gradient, and where there is no such thing, the results."""
    waiting: list[tuple[Any, list[Array], Array, Program, Array, float]] = []
    count = 0

    def compare() -> None:
        run = in_one_file([program for *_, program, _, _ in waiting], folder)
        for number, (description, arrays, theta, _, expected, cost) in enumerate(waiting):
            out = np.full_like(expected, np.nan)
            try:
                found = run(number, arrays, theta, out)
            except AssertionError as error:
                raise AssertionError(str(description)) from error
            atol = 1e-9 * max(1.0, np.abs(expected).max(initial=0.0))
            np.testing.assert_allclose(out, expected, rtol=1e-9, atol=atol, err_msg=str(description))
            if not np.isnan(cost):
                np.testing.assert_allclose(found, cost, rtol=1e-9, atol=1e-9, err_msg=str(description))
        waiting.clear()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None)
    @given(PROGRAM)
    def collect(description: dict[str, Any]) -> None:
        nonlocal count
        f = RandomProgram(**description)
        with np.errstate(all="ignore"):
            recording = vectorize(f).record(*f.arrays)._latest
            assert recording is not None
            theta, arrays = recording.layout.gather(), [np.ascontiguousarray(each, np.float64) for each in f.arrays]
            program = recording.program(recording.shown)
            (output,) = [number for name, number in program.outputs.items() if name != "cost"]
            expected = np.empty(sized(program.shape(output), len(arrays[0])))
            cost = Interpreter(program, expected.dtype).run(arrays, theta, None, expected)
            waiting.append((description, arrays, theta, program, expected, cost))
        count += 1
        if len(waiting) >= TOGETHER:
            compare()

    collect()
    if waiting:
        compare()
    assert count >= examples


@pytest.mark.soak
def test_random_programs_give_what_the_reference_gives(tmp_path: Path) -> None:
    check_random_programs(10_000, tmp_path)


@pytest.mark.parametrize("batch", [1, 2, 5, 31, 32, 33, 64, 70])
def test_batches_of_every_size_equal_the_reference(batch: int) -> None:
    model = MLP([45, 19, 6, 3], activation=sigmoid, seed=1)
    rng = np.random.default_rng(batch)
    X, Y = rng.normal(size=(batch, 45)), rng.normal(size=(batch, 3))
    right, native = (vectorize(lambda x, y: squared_error(model(x), y), backend=each) for each in ("reference", "native"))
    (cost, gradient), (right_cost, right_gradient) = native.value_and_gradient(X, Y), right.value_and_gradient(X, Y)
    assert near(cost, right_cost)
    assert near(gradient, right_gradient)
    assert native.value_and_gradient(X, Y)[1].tolist() == gradient.tolist()  # to the bit, at every run


def elsewhere(array: Array) -> Array:
    """A copy that begins one number behind a line of the cache."""
    moved = aligned(array.size + 1, array.dtype)[1:].reshape(array.shape)
    moved[:] = array
    return moved


@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_results_do_not_depend_on_the_alignment_of_arrays(kind: str) -> None:
    model = MLP([45, 19, 3], activation=sigmoid, seed=1)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(37, 45)).astype(kind), rng.normal(size=(37, 3)).astype(kind)
    native = vectorize(lambda x, y: squared_error(model(x), y), dtype=kind, backend="native")
    cost, gradient = native.value_and_gradient(X, Y)
    theta = native.parameter_vector()
    assert theta.ctypes.data % 64 == 0  # which is where wide registers read it fastest
    moved = native.value_and_gradient(elsewhere(X), elsewhere(Y), parameters=elsewhere(theta), out=elsewhere(theta))
    assert (moved[0], moved[1].tolist()) == (cost, gradient.tolist())


@pytest.mark.parametrize("place", [0, 31, 40, 44])
def test_an_infinite_input_affects_only_its_columns(place: int) -> None:
    model = MLP([45, 3], activation=sigmoid, output_activation=sigmoid, seed=1)
    X, Y = np.ones((37, 45)), np.ones((37, 3))
    X[36, place] = np.inf
    right, native = (
        vectorize(lambda x, y: squared_error(model(x), y), backend=each).value_and_gradient(X, Y)[1] for each in ("reference", "native")
    )
    assert np.isnan(native).tolist() == np.isnan(right).tolist()
    assert np.isnan(native).sum() == 3


def small() -> Any:
    model = MLP([3, 4, 2], activation=tanh, seed=1)

    def cost(x: Any, double: Any) -> Any:  # whose name is a word of C
        return squared_error(model(x), double)

    return vectorize(cost, backend="native").record(np.ones((2, 3)), np.ones((2, 2)))


def test_the_source_is_complete_c_that_reads_like_numpys(tmp_path: Path) -> None:
    program = small()
    text = program.source
    assert text == small().source
    assert "double cost_(long batch, const real *x, const real *double_, const real *theta" in text
    assert "// theta (26,): W1 from 0 (4, 3), b1 from 12 (4,), W2 from 16 (2, 4), b2 from 24 (2,)" in text
    assert "// h1 (batch, 4) = tanh" in text
    numpys = vectorize(program.f).record(np.ones((2, 3)), np.ones((2, 2))).source
    assert "h1 = np.tanh" in numpys
    command = shutil.which("cc")
    if command:
        path = tmp_path / "cost.c"
        path.write_text(text)
        flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-unused-parameter", "-Wno-psabi", "-O1", "-c"]
        done = subprocess.run([command, *flags, str(path), "-o", str(tmp_path / "cost.o")], capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr


def test_a_program_is_compiled_once_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"""
import sys; sys.path[:0] = {sys.path!r}
import numpy as np
from autograd import Value, vectorize
w = Value(3.0)
print(vectorize(lambda x: w * x * x + {tmp_path.name!r}.__len__(), backend="native").value_and_gradient(np.ones(5))[1])
"""
    monkeypatch.setenv("NUDGE_CACHE", str(tmp_path / "cache"))
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
        assert done.stdout == "[1.]\n"
        assert len([each for each in (tmp_path / "cache").iterdir() if each.is_file()]) == 1


@pytest.fixture
def again() -> tuple[Any, dict[str, Any]]:
    """A program that was called with arrays that it may be called with again, and these."""
    program, arrays = small(), {"x": np.ones((50, 3)), "y": np.ones((50, 2))}
    arrays["parameters"] = program.parameter_vector()
    arrays["out"] = np.empty_like(arrays["parameters"])
    for _ in range(2):
        call(program, arrays)
    return program, arrays


def call(program: Any, arrays: dict[str, Any]) -> tuple[float, list[float]]:
    cost, gradient = program.value_and_gradient(arrays["x"], arrays["y"], parameters=arrays["parameters"], out=arrays["out"])
    assert gradient is arrays["out"]
    return cost, gradient.tolist()


def test_arrays_of_a_repeated_call_cannot_be_resized(again: tuple[Any, dict[str, Any]]) -> None:
    _, arrays = again
    for array in arrays.values():
        with pytest.raises(ValueError, match="cannot resize"):
            array.resize(10_000, refcheck=False)


def test_anomaly_mode_watches_arrays_that_are_given_again(again: tuple[Any, dict[str, Any]]) -> None:
    program, arrays = again
    arrays["x"][7, 1] = np.nan
    with anomaly(), pytest.raises(FloatingPointError):
        call(program, arrays)
    assert np.isnan(call(program, arrays)[0])


def test_repeated_calls_check_the_conditions_again() -> None:
    w = Value(2.0)

    def root(x: Any) -> Any:
        require(x > 0, "x must be positive, got {}", x)
        return sqrt(w * x)

    program, x = vectorize(root, backend="native"), np.ones(3)
    theta, out = np.ones(1), np.ones(1)
    for _ in range(2):
        program.value_and_gradient(x, parameters=theta, out=out)
    x[1] = -1.0
    with pytest.raises(ValueError, match=r"x must be positive, got -1.0 \(example 1\)"):
        program.value_and_gradient(x, parameters=theta, out=out)


def test_threads_may_repeat_the_same_call(again: tuple[Any, dict[str, Any]]) -> None:
    program, arrays = again
    run = partial(program._repeated[0], (arrays["x"], arrays["y"]), arrays["parameters"], arrays["out"])
    expected = run()
    assert expected is not None
    assert in_threads(4, lambda _: [run() for _ in range(500)]) == [[expected] * 500] * 4


def test_a_call_that_was_cut_off_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, where not all addresses are those of the new arguments yet."""
    w = Value(2.0)
    program = vectorize(lambda x: w * x, backend="native")
    assert program.value_and_gradient(np.ones(3), parameters=np.ones(1), out=np.zeros(1))[0] == 1.0
    other, theta, out, times, pointer = np.full(3, 5.0), np.full(1, 2.0), np.zeros(1), iter(range(10)), executable._pointer

    def cut_off(array: Array | None) -> Any:
        if next(times) == 1:
            raise KeyboardInterrupt
        return pointer(array)

    with monkeypatch.context() as patch:
        patch.setattr(executable, "_pointer", cut_off)
        with pytest.raises(KeyboardInterrupt):
            program.value_and_gradient(other, parameters=theta, out=out)
    assert program.value_and_gradient(other, parameters=theta, out=out)[0] == 10.0
    assert out.tolist() == [5.0]


def test_calls_do_not_leak_memory() -> None:
    program = small()
    X, Y, theta = np.ones((50, 3)), np.ones((50, 2)), program.parameter_vector()
    gradient = np.empty_like(theta)
    program.value_and_gradient(X, Y, parameters=theta, out=gradient)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(10_000):
            program.value_and_gradient(X, Y, parameters=theta, out=gradient)
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the sanitizer is loaded by LD_PRELOAD, which is Linux's")
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=() if kind is Kind.MEAN else pytest.mark.soak) for kind in Kind])
def test_sanitizers_find_nothing(kind: Kind) -> None:
    """Each array has just the memory that it needs; the address and undefined-behaviour sanitizers watch."""
    model = MLP([45, 9, 3], activation=sigmoid, seed=1)

    def cost(x: Any, y: Any) -> Any:
        return squared_error(model(x), y) + logsumexp(x[:5]) + where(x[3] > y[1], maximum(x[7], y[0]), x[40] * y[2])

    recording = vectorize(cost).record(np.ones((2, 45)), np.ones((2, 3)))._latest
    assert recording is not None
    program = recording.program(kind)
    emitted = emit(program, np.dtype(np.float64), Signature("run", ["x", "y"], [(45,), (3,)], ()))
    (output,) = [each for name, each in program.outputs.items() if name != "cost"]
    size = "*".join("batch" if each == -1 else str(each) for each in program.shape(output))
    script = f"""
import numpy as np
rng = np.random.default_rng(0)
library.run.restype, library.run.argtypes = ctypes.c_double, [ctypes.c_long, *[ctypes.c_void_p] * 6]
for batch in (1, 3, 32, 37):
    sizes = (batch * 45, batch * 3, {len(recording.layout)}, batch, {size}, {emitted.work})
    arrays = [rng.normal(size=size) for size in sizes]
    library.run(batch, *[each.ctypes.data for each in arrays])
    assert np.isfinite(arrays[4]).all()
print("done")
"""
    done = sanitized(emitted.source, script)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
