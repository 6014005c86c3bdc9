"""Every back end gives what the reference gives: all kinds of programs, special numbers, both precisions, and in training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value, exp, log, logsumexp, maximum, mean, minimum, relu, sigmoid, sqrt, tanh, vectorize, weighted_sum, where
from nn import MLP, SGD, Training, squared_error
from nn.data import moons
from tests.programs import KINDS, Function, every_backend, installed, near

pytestmark = pytest.mark.usefixtures("own_cache")
FAST = {  # kinds that a compiler is quick with
    "native": {
        "loops_over_weights", "convolution", "l2_and_l1_terms", "several_outputs", "conditions", "a_matrix_of_outputs", "a_constant",
        "constants", "an_input", "a_parameter", "parameters_alone", "running_sums",
    },
    "jax": KINDS.keys() - {
        "gated_recurrent_net", "explicit_ode_steps", "two_convolutions_and_a_pool", "runge_kutta_steps", "attention", "saturation",
        "recurrent_net", "many_operations", "shuffled_connections", "physics_informed_cost", "cost_of_value_and_gradient", "residual_net",
        "tied_weights", "gaussian_mixture", "second_derivative",
    },
}  # fmt: skip
COUNTS = {"native": (37, 3, 1), "jax": (7,)}  # in C the last block of rows is full, not full, or the only one


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        pytest.param(backend, name, marks=[installed(backend), *([] if name in fast else [pytest.mark.soak])])
        for backend, fast in FAST.items()
        for name in KINDS
    ],
)
def test_all_four_programs_of_every_kind_equal_the_reference(backend: str, name: str) -> None:
    check_all_four_programs(name, backend, COUNTS[backend])


def check_all_four_programs(name: str, backend: str, counts: Sequence[int]) -> None:
    make, arrays = KINDS[name]
    f = make()
    right, program = vectorize(f, backend="reference"), vectorize(f, backend=backend)
    for count in counts:
        part = [np.resize(array, (count, *array.shape[1:])) for array in arrays]
        results = right(*part)
        assert near(program(*part), results)
        if results.ndim > 1:
            continue
        for options in ({}, {"weights": np.linspace(0.5, 2.0, count)}):
            cost, gradient = program.value_and_gradient(*part, **options)
            right_cost, right_gradient = right.value_and_gradient(*part, **options)
            assert abs(cost - right_cost) <= 1e-12 * np.abs(results).max()
            assert near(gradient, right_gradient)
        assert near(program.per_example_gradients(*part), right.per_example_gradients(*part))


SPECIAL = [0.0, -0.0, 1.0, -1.0, 1e-300, -1e-300, 1e308, -1e308, 710.0, -750.0, np.inf, -np.inf, np.nan, 0.5]
SUBNORMAL = [5e-324, -1e-310]  # XLA takes them for 0


@every_backend
@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: [x + y, x - y, x * y, x / y, -x, abs(x), x**2, x**3, (x * x) ** y],
        lambda x, y: [maximum(x, y), minimum(x, y), relu(x), x > y, x >= y, x < y, x <= y, x == y, x != y],
        lambda x, y: [(x > 0) & (y > 0), (x > 0) | (y > 0), where(x > 0, 1 / y, y), where(x, x, y)],
        lambda x, y: [exp(x), log(x), sqrt(x), tanh(x), sigmoid(x), exp(where(x > 700, 0.0, x))],
        lambda x, y: [logsumexp([x, y, 0.0]), mean([x, y, y]), (x > y) + (y > 0.5)],
    ],
    ids=["arithmetic", "comparisons", "choices", "functions", "sums"],
)
def test_special_numbers_give_the_same_results(f: Function, backend: str) -> None:
    special, smallest = (SPECIAL, 1e-307) if backend == "jax" else (SPECIAL + SUBNORMAL, 1e-320)
    x, y = (each.ravel() for each in np.meshgrid(special, special))
    right, found = vectorize(f, backend="reference")(x, y), vectorize(f, backend=backend)(x, y)
    np.testing.assert_allclose(found, right, rtol=1e-13, atol=smallest)


@every_backend
def test_gradients_may_be_infinite(backend: str) -> None:
    w = [Value(0.5), Value(2.0)]
    X = np.array([[1.0, 2.0], [np.inf, 1.0], [3.0, 1.0]])
    found = vectorize(lambda x: weighted_sum(w, x) ** 2, backend=backend).per_example_gradients(X)
    assert found.tolist() == [[9.0, 18.0], [np.inf, np.inf], [21.0, 7.0]]


@every_backend
def test_float32_is_near_float64(backend: str) -> None:
    model = MLP([45, 19, 6, 3], activation=tanh, seed=1)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 45)), rng.normal(size=(40, 3))

    def f(x: Any, y: Any) -> Any:
        return squared_error(model(x), y)

    program, exact = vectorize(f, np.float32, backend=backend), vectorize(f)
    cost, gradient = program.value_and_gradient(X, Y)
    right_cost, right_gradient = exact.value_and_gradient(X, Y)
    assert gradient.dtype == program(X, Y).dtype == np.float32
    assert cost == pytest.approx(right_cost, rel=1e-5)
    assert near(gradient, right_gradient, 1e-5)


@every_backend
def test_a_run_of_training_may_change_its_back_end(backend: str, tmp_path: Path) -> None:
    X, labels = moons(90, seed=0)

    def run(backend: str) -> Training:
        return Training(MLP([2, 8, 1], seed=1), X, 2.0 * labels - 1, optimizer=SGD(0.1, momentum=0.9), batch_size=20, backend=backend)

    one, other = run("numpy"), run(backend)
    for each in (one, other):
        each.epoch()
    np.testing.assert_allclose(other.parameters, one.parameters, rtol=1e-11)
    one.save(tmp_path / "run.npz")
    other = run(backend)
    other.load(tmp_path / "run.npz")
    for each in (one, other):
        each.epoch()
    np.testing.assert_allclose(other.parameters, one.parameters, rtol=1e-11)
