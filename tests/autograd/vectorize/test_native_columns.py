"""The native back end with columns in the lanes: an example at a time, for programs with long arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value, exp, largest, logsumexp, lookup, relu, total, vectorize
from autograd.errors import CompilationError
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native import emitter
from autograd.vectorize.backends.native.compiler import compiler
from autograd.vectorize.backends.native.emitter import emit
from autograd.vectorize.backends.reference import Interpreter
from autograd.vectorize.compiled import Kind
from autograd.vectorize.instructions import sized
from autograd.vectorize.patterns import axes_of, runs_of, runs_of_pairs
from demos.transformer import GPT
from nn import MLP, Adam, squared_error
from tests.autograd.vectorize.test_conditions import check_choices
from tests.autograd.vectorize.test_native import check_random_programs, in_one_file
from tests.autograd.vectorize.test_native_compiler import sanitized
from tests.programs import Array, near

try:
    compiler()
except CompilationError as error:
    pytest.skip(str(error), allow_module_level=True)

pytestmark = pytest.mark.usefixtures("own_cache")
ONE_BY_ONE = "for (long start = 0; start < batch; start++)"


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """All programs have columns in the lanes, also those with short arrays."""
    monkeypatch.setattr(emitter, "LARGE", 0)
    monkeypatch.setattr(emitter, "LONG", 0)


def gpt(length: int, width: int = 8) -> tuple[GPT, Array]:
    return GPT(7, width, 2, length=length, seed=1), np.random.default_rng(0).integers(7, size=(5, length + 1))


def test_long_arrays_choose_columns_and_short_ones_examples() -> None:
    model, documents = gpt(12)
    image, network = np.ones((3, 784)), MLP([784, 30, 10])
    assert ONE_BY_ONE in vectorize(model.cost, backend="native").record(documents).source
    assert ONE_BY_ONE not in vectorize(lambda x, y: squared_error(network(x), y), backend="native").record(image, image[:, :10]).source


def test_a_gpt_has_the_gradient_of_the_reference_for_every_batch() -> None:
    model, documents = gpt(12)
    native, right = (vectorize(model.cost, backend=each) for each in ("native", "reference"))
    for count in (1, 2, 5):
        (cost, gradient), (expected, slopes) = (each.value_and_gradient(documents[:count]) for each in (native, right))
        assert near(cost, expected)
        assert near(gradient, slopes)
    assert native(documents).tolist() == [native(documents[row : row + 1])[0] for row in range(len(documents))]  # to the bit


@pytest.mark.parametrize("kind", ["float64", pytest.param("float32", marks=pytest.mark.soak)])
def test_whole_steps_equal_those_of_numpy(kind: str) -> None:
    model, documents = gpt(12)
    found = []
    for backend in ("native", "numpy"):
        program = vectorize(model.cost, dtype=kind, backend=backend).record(documents)
        theta = program.parameter_vector()
        memory = np.zeros_like(theta), np.zeros_like(theta)
        program.descent(Adam(0.01).update_rule, documents, parameters=theta, memory=memory).take([0.01] * 3)
        found.append(theta)
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-9 if kind == "float64" else 1e-4)


def attention(x: Sequence[Any], pairs: Sequence[tuple[int, int]], width: int = 3) -> Any:
    """Scores of pairs of rows, as a sum of their exponentials, and rows added up by them."""
    rows = [x[start : start + width] for start in range(0, len(x), width)]
    powers = [exp(total(a * b for a, b in zip(rows[i], rows[j]))) for i, j in pairs]
    read = [total(power * rows[j][k] for power, (_, j) in zip(powers, pairs)) for k in range(width)]
    return total(powers) + total(each * each for each in read)


@pytest.mark.usefixtures("always")
def test_products_reductions_and_pairs_equal_the_reference(tmp_path: Path) -> None:
    """Rows longer and shorter than a register, and pairs with and without runs."""
    W = [[Value(0.1 * i - 0.03 * j) for j in range(11)] for i in range(19)]
    rng = np.random.default_rng(0)
    random = [(int(i), int(j)) for i, j in rng.permutation([(i, j) for i in range(12) for j in range(12)])[:70]]

    def hidden(x: Sequence[Any]) -> list[Any]:
        return [total(w * each for w, each in zip(row, x)) for row in W]

    functions = [
        lambda x: logsumexp(hidden(x)) + largest(map(relu, hidden(x[11:22]))),
        lambda x: total(logsumexp(hidden(x[start : start + 11])) for start in (0, 11, 22)),
        lambda x: total(largest(each) for each in zip(*(hidden(x[start : start + 11]) for start in (0, 11, 22)))),
        lambda x: attention([W[0][0] * each for each in x], [(i, j) for i in range(12) for j in range(i + 1)]),
        lambda x: attention([W[0][0] * each for each in x], [(j, i) for i in range(12) for j in range(i + 1)]),
        lambda x: attention([W[0][0] * each for each in x], random),
    ]
    X = rng.normal(size=(3, 36))
    recordings = [vectorize(each).record(X)._latest for each in functions]
    programs = [recording.program(kind) for recording in recordings for kind in (Kind.MEAN, Kind.GRADIENTS) if recording]
    run = in_one_file(programs, tmp_path)
    for number, program in enumerate(programs):
        recording = recordings[number // 2]
        assert recording is not None
        theta = recording.layout.gather()
        (output,) = [each for name, each in program.outputs.items() if name != "cost"]
        found, expected = np.full((2, *sized(program.shape(output), len(X))), np.nan)
        cost = run(number, [X], theta, found)
        right = Interpreter(program, X.dtype).run([X], theta, None, expected)
        assert near(found, expected), number
        assert np.isnan(right) or near(cost, right)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("count", [40, pytest.param(10_000, marks=pytest.mark.soak)])
def test_random_programs_give_what_the_reference_gives(count: int, tmp_path: Path) -> None:
    check_random_programs(count, tmp_path)


@pytest.mark.soak
@pytest.mark.usefixtures("always")
def test_random_choices_agree_with_the_chosen_branch_alone() -> None:
    assert sum(check_choices(seed, ["native"]) for seed in range(20)) > 1_000


@pytest.mark.soak
@pytest.mark.usefixtures("always")
def test_sanitizers_find_nothing() -> None:
    """Each array has just the memory that it needs; the address and undefined-behaviour sanitizers watch."""
    model, documents = gpt(9)
    recording = vectorize(model.cost).record(documents)._latest
    assert recording is not None
    emitted = emit(recording.program(Kind.MEAN), np.dtype(np.float64), Signature("run", ["x"], [(10,)], ()))
    size = len(recording.layout)
    script = f"""
import numpy as np
library.run.restype, library.run.argtypes = ctypes.c_double, [ctypes.c_long, *[ctypes.c_void_p] * 5]
for batch in (1, 3):
    rng = np.random.default_rng(0)
    x, theta = rng.integers(7, size=(batch, 10)).astype(float), rng.normal(size={size})
    weights, out, work = np.ones(batch), np.empty({size}), np.empty({emitted.work})
    library.run(batch, *[each.ctypes.data for each in (x, theta, weights, out, work)])
    assert np.isfinite(out).all()
print("done")
"""
    done = sanitized(emitted.source, script)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize(
    "columns",
    [[3], [0, 1, 2], [5, 3, 1], [0, 0, 0, 2, 2, 2], [0, 1, 6, 7, 3, 4, 9, 10], [0, 1, 1, 2, 2, 2], [0, 0, 1, 0, 1, 2], [4, 1, 7, 7]],
)
def test_patterns_count_the_columns(columns: list[int]) -> None:
    array = np.array(columns)
    runs = runs_of(array)
    counted = [first + runs.step * k for first, length in zip(runs.first, runs.length) for k in range(length)]
    assert counted == columns
    axes = axes_of(array)
    if axes is not None:
        places = np.zeros([size for size, _ in axes], int)
        for axis, (size, stride) in enumerate(axes):
            places += (np.arange(size) * stride).reshape([-1 if each == axis else 1 for each in range(len(axes))])
        assert (places.ravel() + columns[0]).tolist() == columns


def test_runs_of_pairs_repeat_one_row_while_the_other_ones_follow_each_other() -> None:
    one, runs = runs_of_pairs(np.array([0, 1, 1, 2, 2, 2, 3]), np.array([0, 0, 1, 0, 1, 3, 4]))
    assert one.tolist() == [0, 1, 2, 2, 3]
    assert (runs.first.tolist(), runs.length.tolist(), runs.step) == ([0, 0, 0, 3, 4], [1, 2, 2, 1, 1], 1)


def test_the_row_of_an_index_that_is_checked_needs_no_mask() -> None:
    """Some probability is chosen in every run, so that the derivative always flows to the sum behind all of them."""
    w = Value(0.5)

    def softmax(x: Sequence[Any]) -> list[Any]:
        powers = [exp(w * each) for each in x]
        return [power / total(powers) for power in powers]

    x, i = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 2, 1, 1])
    program = vectorize(lambda x, i: lookup(softmax(x), i)).record(x, i)
    assert program._latest is not None
    assert "logical_or" not in str(program._latest.program(Kind.MEAN))
    p = np.exp(0.5 * x) / np.exp(0.5 * x).sum(axis=1, keepdims=True)
    chosen, rows = p[np.arange(4), i], x[np.arange(4), i]
    assert near(program(x, i), chosen)
    assert near(program.per_example_gradients(x, i)[:, 0], chosen * (rows - (p * x).sum(axis=1)))
