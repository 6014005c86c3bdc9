"""The JAX back end: XLA's programs give what the reference gives, on one device and on several, alone and in whole steps of training."""

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from autograd import (
    UpdateRule,
    Value,
    relu,
    tanh,
    vectorize,
)
from nn import MLP, Training, squared_error, train
from nn.data import moons
from tests.autograd.vectorize.test_agreement import PROGRAM, RandomProgram
from tests.programs import KINDS, Array, near

pytest.importorskip("jax", reason='JAX is not installed: pip install "nudge-autograd[jax]"')

import jax

from autograd.vectorize.backends import jax as jax_backend
from autograd.vectorize.backends.jax import devices

ROOT = Path(__file__).parents[3]


@pytest.mark.soak
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(PROGRAM)
def test_random_programs_give_what_the_reference_gives(description: dict[str, Any]) -> None:
    f = RandomProgram(**description)
    right, program = vectorize(f, backend="reference"), vectorize(f, backend="jax")
    with np.errstate(all="ignore"):
        expected = right(*f.arrays)
        np.testing.assert_allclose(program(*f.arrays), expected, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(expected).max()))
        if expected.ndim == 1:
            gradient, expected = (each.value_and_gradient(*f.arrays)[1] for each in (program, right))
            np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(expected).max(initial=0.0)))


# The program, for people who use JAX


def network() -> Any:
    model = MLP([3, 4, 2], activation=tanh, seed=1)

    def cost(x: Any, y: Any) -> Any:
        return squared_error(model(x), y)

    return vectorize(cost, backend="jax").record(np.ones((2, 3)), np.ones((2, 2)))


RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 3)), RNG.normal(size=(10, 2))


def test_the_configuration_of_jax_does_not_change() -> None:
    assert network().value_and_gradient(X, Y)[1].dtype == np.float64
    assert not jax.config.jax_enable_x64
    assert jax.numpy.ones(1).dtype == np.float32


def test_the_source_is_that_of_numpy_with_the_names_of_jax() -> None:
    program = network()
    numpys = vectorize(program.f).record(X, Y).source.replace("import numpy as np", "import jax.numpy as jnp")
    words = program.source.replace("  # float32, but for those who set JAX_ENABLE_X64", "", 1).split()
    assert words == numpys.replace("np.", "jnp.").split()


SOURCES = ("convolution", "shuffled_connections", "gaussian_mixture", "many_operations", "several_outputs", "conditions")
QUICK = ("loops_over_weights", "second_derivative")  # to compile
SMOOTH = (*QUICK, "tied_weights", "convolution", "gaussian_mixture", "recurrent_net")


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_runs_by_itself(name: str) -> None:
    make, arrays = KINDS[name]
    f = make()
    program, right = vectorize(f, backend="jax").record(*arrays), vectorize(f)
    names: dict[str, Any] = {}
    exec(program.source, names)
    with devices.precision(np.dtype(float)):
        found = jax.jit(names[program.name])(*arrays, program.parameter_vector())
        if isinstance(found, tuple):
            for each, expected in zip(found, right.value_and_gradient(*arrays)):
                assert near(each, expected)
        else:
            assert near(found, right(*arrays))


def test_the_function_is_pure_and_goes_through_transformations() -> None:
    program = network()
    theta = program.parameter_vector()
    cost, gradient = program.value_and_gradient(X, Y)
    with devices.precision(np.dtype(float)):
        found = jax.jit(program.function)(theta, X, Y)
        assert found[0].shape == ()
        assert near(found[0], cost)
        assert near(found[1], gradient)
        costs, gradients = jax.vmap(program.function, in_axes=(0, None, None))(np.stack([theta, 2 * theta]), X, Y)
        assert (costs.shape, gradients.shape) == ((2,), (2, len(theta)))
        assert near(gradients[0], gradient)
    assert jax.jit(program.function)(theta, X, Y)[1].dtype == np.float32  # that of the parameters, as JAX takes them
    assert program.function.__name__ == "cost"


def test_the_function_accepts_parameters_of_integers() -> None:
    w = Value(0.5)
    program = vectorize(lambda x: (0.5 * w * x - 0.25) ** 2, backend="jax").record(np.ones(2))
    for whole in (np.array([2]), np.array([True])):
        found, expected = (program.function(each, np.array([1.0, 2.0])) for each in (whole, whole.astype(np.float32)))
        assert [each.tolist() for each in found] == [each.tolist() for each in expected]


def test_the_function_returns_several_results() -> None:
    make, arrays = KINDS["a_matrix_of_outputs"]
    program = vectorize(make(), backend="jax").record(*arrays)
    with devices.precision(np.dtype(float)):
        assert near(program.function(program.parameter_vector(), *arrays), program(*arrays))
    constant = vectorize(lambda x: [1.0, 2.0], backend="jax").record(np.ones(3))
    assert constant.function(np.zeros(0), np.ones(3)).tolist() == [[1.0, 2.0]] * 3


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.soak) for name in SMOOTH])
def test_the_gradient_equals_the_one_that_jax_takes(name: str) -> None:
    make, arrays = KINDS[name]
    f = make()
    f = f if vectorize(f)(*arrays).ndim == 1 else (lambda *x, f=f: sum(f(*x)))
    program = vectorize(f, backend="jax").record(*arrays)
    with devices.precision(np.dtype(float)):
        theta = program.parameter_vector()
        expected = jax.jit(jax.grad(lambda theta: program.function(theta, *arrays)[0]))(theta)
        assert near(program.function(theta, *arrays)[1], expected)


def test_the_gradient_at_a_kink_is_that_of_the_table() -> None:
    w = Value(0.0)
    program = vectorize(lambda x: relu(w * x), backend="jax").record(np.ones(2))
    theta = np.zeros(1)
    assert program.function(theta, np.ones(2))[1].tolist() == [0.0]
    assert jax.grad(lambda theta: program.function(theta, np.ones(2))[0])(theta).tolist() == [0.5]


@pytest.mark.parametrize(
    ("name", "is_first"),
    [
        pytest.param(name, is_first, marks=() if name in ("tied_weights", "a_matrix_of_outputs") else pytest.mark.soak)
        for name in ("tied_weights", "a_matrix_of_outputs", "shuffled_connections", "saturation")
        for is_first in (False, True)
    ],
)
def test_the_function_in_float32_works_before_and_after_runs_in_float64(name: str, is_first: bool) -> None:
    """Oracle: the reference back end in float64."""
    make, arrays = KINDS[name]
    f = make()
    program, right = vectorize(f, backend="jax").record(*arrays), vectorize(f, backend="reference").record(*arrays)

    def function() -> None:
        found = program.function(program.parameter_vector(), *arrays)
        scalars = name != "a_matrix_of_outputs"
        expected = right.value_and_gradient(*arrays) if scalars else [right(*arrays)]
        for one, other in zip(found if scalars else [found], expected):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(other).max())

    if is_first:
        function()
    assert near(program(*arrays), right(*arrays))
    if name != "a_matrix_of_outputs":
        assert near(program.value_and_gradient(*arrays)[1], right.value_and_gradient(*arrays)[1])
    function()


def test_arrays_that_do_not_fit_the_function_are_refused() -> None:
    function = network().function
    wanted = r"cost takes theta \(26,\), x \(batch, 3\), y \(batch, 2\)"
    with pytest.raises(ValueError, match=wanted + r"; got arrays of shapes \(25,\), \(10, 3\), \(10, 2\)"):
        function(np.ones(25), X, Y)
    with pytest.raises(ValueError, match=r"got arrays of shapes \(26,\), \(10, 3\), \(9, 2\)"):
        function(np.ones(26), X, Y[:9])
    with pytest.raises(ValueError, match=r"got arrays of shapes \(26,\), \(\)"):
        function(np.ones(26), 1.0)
    with pytest.raises(TypeError, match=r'only the JAX back end provides a program as a function of JAX arrays: .*backend="jax"'):
        _ = vectorize(lambda x: x).record(np.ones(2)).function
    with pytest.raises(RuntimeError, match="function is not known before"):
        _ = vectorize(lambda x: x, backend="jax").function


def run_python(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    start = f"import sys; sys.path[:0] = {[str(ROOT), *sys.path]!r}\n"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", **environment}
    return subprocess.run([sys.executable, "-c", start + script], env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_without_jax_the_error_says_how_to_get_it() -> None:
    done = run_python("sys.modules['jax'] = None\nfrom autograd import vectorize\nvectorize(lambda x: x, backend='jax')\n")
    assert (
        'ImportError: backend="jax" needs jax: pip install "jax>=0.6" (the extra `jax`); for NVIDIA GPUs the extra `jax-cuda`'
        in done.stderr
    )


def test_jax_is_imported_only_by_its_back_end() -> None:
    script = "import numpy as np, autograd, nn\nautograd.vectorize(lambda x: x)(np.ones(2))\nprint('jax' in sys.modules)\n"
    done = run_python(script)
    assert done.stdout == "False\n", done.stderr


# Whole steps; that they are right is in test_descent


@pytest.mark.parametrize("is_processor", [True, False])
def test_data_and_unchanged_parameters_stay_on_the_devices(is_processor: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor reads the parameters where they are."""
    monkeypatch.setattr(devices, "share_memory", lambda _: is_processor)
    jax_backend.backend.steps.clear()
    sent: list[int] = []
    place = devices.place

    def counting(array: Array, *where: Any) -> Any:
        sent.append(array.size)
        return place(array, *where)

    monkeypatch.setattr(devices, "place", counting)
    program, rng = network(), np.random.default_rng(0)
    data, theta, rows = (rng.normal(size=(50, 3)), rng.normal(size=(50, 2))), program.parameter_vector(), rng.integers(50, size=(4, 10))
    same = vectorize(program.f).record(*data)
    expected = same.parameter_vector()
    rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    descent, right = (each.descent(rule, *data, parameters=own) for each, own in ((program, theta), (same, expected)))
    parameters = set() if is_processor else {26}
    for first, (changed, wanted) in enumerate([(0.0, {150, 100} | parameters), (0.0, set()), (0.5, parameters)]):
        sent.clear()
        for each, own in ((descent, theta), (right, expected)):
            own[0] += changed
            each.take([0.1] * 4, rows, 4 * first + 1)
        assert {150, 100, 26} & set(sent) == wanted
        assert near(theta, expected)
    (on_devices,) = program._latest._runners.values()
    assert len(on_devices._whole) == 2
    del descent, right, each, data
    gc.collect()
    assert len(on_devices._whole) == 0


def test_arrays_of_the_caller_do_not_change() -> None:
    """XLA may take memory that it was given for its own: then it must have been given a copy."""
    program, rng = network(), np.random.default_rng(0)
    data, theta, rows = (rng.normal(size=(50, 3)), rng.normal(size=(50, 2))), program.parameter_vector(), rng.integers(50, size=(4, 10))
    rule = UpdateRule(lambda parameter, gradient, memory, rate, step: [parameter - rate * gradient, memory + gradient], 1)
    memory, start = np.zeros_like(theta), theta.copy()
    descent = program.descent(rule, *data, parameters=theta, memory=[memory])
    held = [each.copy() for each in (*data, rows)]
    descent.take([0.1] * 4, rows)
    first = theta.copy(), memory.copy()
    theta[:], memory[:] = start, 0.0
    descent.take([0.1] * 4, rows)
    assert (theta.tolist(), memory.tolist()) == (first[0].tolist(), first[1].tolist())
    for each, before in zip((*data, rows), held):
        np.testing.assert_array_equal(each, before)


@pytest.mark.parametrize(("dtype", "before"), [(np.float64, 0), (np.float64, 5), (np.float32, 3)])
def test_large_arrays_are_gathered_from_where_they_are(dtype: Any, before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever in a cache line they begin. The oracle is NumPy's back end."""
    monkeypatch.setattr(devices, "LARGE", 0)
    rng = np.random.default_rng(before)
    data, shifted = [rng.normal(size=(50, width)).astype(dtype) for width in (3, 2)], []
    for each in data:
        room = np.zeros(before + each.size, dtype)
        room[before:] = each.ravel()
        shifted.append(room[before:].reshape(each.shape))
    rows, found = rng.integers(50, size=(4, 10)), []
    rows[0, :2] = 0, 49
    rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    f = network().f
    for backend in ("jax", "numpy"):
        program = vectorize(f, backend=backend, dtype=dtype).record(*data)
        theta = program.parameter_vector()
        for change in (0.0, 1.0):  # a new descent reads the arrays again
            for each in shifted:
                each += change
            program.descent(rule, *shifted, parameters=theta).take([0.1] * 4, rows)
        for each in shifted:
            each -= 1
        found.append(theta)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-10 if dtype is np.float64 else 1e-3)


# Several devices

SEVERAL = """
import jax, numpy as np
from autograd import vectorize, relu, total
from autograd.vectorize.backends.jax import backend, devices
from tests.programs import near, values
from tests.autograd.vectorize import test_descent
from tests.autograd.vectorize.test_descent import FUNCTIONS, RULES, by_parts

assert len(jax.devices()) == {count}

W, b = values(4, 3), values(4)
def cost(x, y):
    h = [relu(total(w * a for w, a in zip(row, x)) + c) for row, c in zip(W, b)]
    return (total(h) - y) ** 2 + 0.1 * total(w * w for row in W for w in row)

DATA = test_descent.X, test_descent.Y
rng = np.random.default_rng(0)
right, program = (vectorize(cost, backend=each) for each in ("reference", "jax"))
constant = vectorize(lambda x: [W[0][0], 2.0], backend="jax")
for batch in {batches}:
    X, Y, weights = rng.normal(size=(batch, 3)), rng.normal(size=batch), rng.random(batch)
    assert near(program(X, Y), right(X, Y))
    assert near(program.per_example_gradients(X, Y), right.per_example_gradients(X, Y))
    for options in ({{}}, {{"weights": weights}}):
        found, expected = (each.value_and_gradient(X, Y, **options) for each in (program, right))
        assert near(found[0], expected[0]) and near(found[1], expected[1])
    assert constant(X).tolist() == [[W[0][0].data, 2.0]] * batch

def compiled(function, found):
    def run(*arguments):
        found.append(function.lower(*arguments).compile().as_text())
        return function(*arguments)
    return run

texts = []
for executable in program._latest._executables.values():
    executable._on_all = compiled(executable._on_all, texts)
X, Y = rng.normal(size=(12, 3)), rng.normal(size=12)
program.value_and_gradient(X, Y)
program.value_and_gradient(X, Y, weights=np.ones(12))
program(X, Y), program.per_example_gradients(X, Y)
print([text.count(" all-reduce(") for text in texts], end=" ")

for batch in {batches_of_rows}:
    backend.steps.clear()
    f, rule = FUNCTIONS["penalized"](), RULES["adam"]()
    rows = None if batch is None else rng.integers(90, size=(5, batch))
    costs, norms, *expected, memories = by_parts(f, rule, rows, 0.5, [0, 1], 5)
    program = vectorize(f, backend="jax").record(*DATA)
    theta = program.parameter_vector()
    gradient, memory = np.empty_like(theta), [np.zeros_like(theta) for _ in range(2)]
    descent = program.descent(rule, *DATA, parameters=theta, memory=memory, frozen=[0, 1], out=gradient)
    (on_devices,) = program._latest._runners.values()
    texts = []
    for name in ("_with_rows", "_with_all"):
        setattr(on_devices, name, compiled(getattr(on_devices, name), texts))
    found = descent.take([0.1 / (step + 1) for step in range(5)], rows, 3, 0.5)
    assert all(map(near, (*found, theta, gradient, *memory), (costs, norms, *expected, *memories)))
    print([text.count(" all-reduce(") for text in texts], end=" ")
"""


@pytest.mark.parametrize(
    ("count", "batches", "batches_of_rows", "reduced"),
    [
        (2, (1, 11), (None, 7), "[1, 1, 0, 0] [1] [1] "),
        pytest.param(2, (1, 2, 3, 4, 11, 12), (None, 1, 4, 7, 12), "[1, 1, 0, 0] [1] [0] [1] [1] [1] ", marks=pytest.mark.soak),
        pytest.param(3, (1, 2, 3, 4, 11, 12), (None, 1, 4, 7, 12), "[1, 1, 0, 0] [1] [0] [1] [1] [1] ", marks=pytest.mark.soak),
    ],
)
def test_a_batch_is_shared_out_among_devices_with_one_all_reduce_a_step(
    count: int, batches: tuple[int, ...], batches_of_rows: tuple[int | None, ...], reduced: str
) -> None:
    program = SEVERAL.format(count=count, batches=batches, batches_of_rows=batches_of_rows)
    done = run_python(program, XLA_FLAGS=f"--xla_force_host_platform_device_count={count}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == reduced


def test_long_programs_on_single_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax_backend, "LENGTH", 60)
    w = Value(0.5)

    def chain(x: Any, steps: int) -> Any:
        for each in range(steps):
            x = x * w if each % 2 else tanh(x)
        return x

    vectorize(lambda x: chain(x, 4), backend="jax").value_and_gradient(X[:, 0])
    program = vectorize(lambda x: chain(x, 40), backend="jax")
    for use in (program.value_and_gradient, lambda x: program.record(x).function()):
        with pytest.raises(
            ValueError, match=r'most of them on a few numbers: XLA would take many minutes .* vectorize\(f, backend="native"\)'
        ):
            use(X[:, 0])


# Training


def test_the_same_training_again_is_not_compiled_again_and_reads_changed_examples() -> None:
    """The oracle is NumPy's back end."""
    jax_backend.backend.steps.clear()
    costs: dict[str, list[float]] = {"jax": [], "numpy": []}
    for backend, found in costs.items():
        X, y = moons(40, seed=1)
        model = MLP([2, 3, 1], seed=1)
        for _ in range(3):
            found += train(model, X, y, batch_size=8, epochs=1, backend=backend, progress=False).cost
            X *= 2
    assert costs["jax"] == pytest.approx(costs["numpy"], rel=1e-9)
    assert len(jax_backend.backend.steps) == 1


def test_examples_that_a_callback_changes_are_sent_again() -> None:
    """The oracle is NumPy's back end, which reads them where they lie."""
    costs = []
    for backend in ("jax", "numpy"):
        X, y = moons(40, seed=1)
        y = y.astype(np.float64)

        def double(model: Any, history: Any, X: Any = X, y: Any = y) -> None:
            X *= 2
            y[:] = 1 - y

        for batch_size in (8, None):
            history = train(
                MLP([2, 3, 1], seed=1), X, y, batch_size=batch_size, epochs=4, callbacks=[double], backend=backend, progress=False
            )
            costs.append(history.cost)
        run = Training(MLP([2, 3, 1], seed=1), X, y, batch_size=8, backend=backend)
        for drive in (run.epoch, lambda run=run: [run.step() for _ in range(5)], lambda run=run: list(run.steps(5))):
            drive()
            double(None, None)
        costs.append(run.history.steps.cost)
    for found, expected in zip(costs[:3], costs[3:]):
        assert found == pytest.approx(expected, rel=1e-9)
