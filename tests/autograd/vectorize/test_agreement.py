"""Programs equal the eager engine, whatever scalar function they were made of."""

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from autograd import (
    Value,
    acos,
    asin,
    atan,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    expm1,
    grad,
    largest,
    log,
    log1p,
    logsumexp,
    lookup,
    maximum,
    mean,
    minimum,
    primitive,
    relu,
    sigmoid,
    sin,
    sinh,
    smallest,
    softplus,
    sqrt,
    tan,
    tanh,
    total,
    value_and_grad,
    vectorize,
    weighted_sum,
    where,
)
from autograd.modes import mode
from autograd.ops import Node, fmin, logical_and, logical_not, logical_or
from autograd.vectorize.backends.numpy.squares import with_squares_as_products
from autograd.vectorize.compiled import Kind
from tests.programs import KINDS, RNG, Array, Function, assert_agrees, data, eager, every_backend, pasted


@pytest.mark.parametrize("name", KINDS)
def test_programs_of_every_kind_agree_with_the_eager_engine(name: str) -> None:
    make, arrays = KINDS[name]
    assert_agrees(make(), *arrays)


@pytest.mark.parametrize("name", KINDS)
def test_programs_are_valid_after_each_pass(name: str) -> None:
    make, arrays = KINDS[name]
    recording = vectorize(make()).record(*arrays)._latest
    assert recording is not None
    for kind in Kind if recording.signature.result == () else [Kind.RESULTS]:
        recording.whole(kind).check(rows=None)
        recording.program(kind).check()
        with_squares_as_products(recording.program(kind)).check()


@pytest.mark.parametrize("name", KINDS)
def test_the_source_is_the_same_every_time(name: str) -> None:
    make, arrays = KINDS[name]
    assert vectorize(make()).record(*arrays).source == vectorize(make()).record(*arrays).source


@pytest.mark.parametrize("name", KINDS)
def test_float32_programs_compute_in_float32(name: str) -> None:
    make, arrays = KINDS[name]
    f = make()
    program = vectorize(f, dtype=np.float32)
    results = program(*arrays)
    exact = vectorize(f)(*arrays)
    assert results.dtype == np.float32
    np.testing.assert_allclose(results, exact, rtol=2e-3, atol=2e-3 * np.abs(exact).max())
    if exact.ndim == 1:
        _, gradient = program.value_and_gradient(*arrays)
        assert gradient.dtype == program.per_example_gradients(*arrays).dtype == np.float32
        expected = vectorize(f).value_and_gradient(*arrays)[1]
        np.testing.assert_allclose(gradient, expected, rtol=5e-3, atol=5e-3 * np.abs(expected).max(initial=0.0))


# Random programs


@primitive(lambda y, x: where(x > 0.25, 2 * x, exp(minimum(x, 0.25)) * cos(exp(minimum(x, 0.25)))))
def own(x: Any) -> Any:
    return where(x > 0.25, x * x, sin(exp(minimum(x, 0.25))))


COMPILED = vectorize(lambda x: sigmoid(x) * x + own(x))


def detached(number: Any) -> Any:
    return number if isinstance(number, (int, float)) else number.data


UNARY: dict[str, Function] = {
    "tanh": tanh, "sigmoid": sigmoid, "sin": sin, "cos": cos, "softplus": softplus, "relu": relu, "abs": abs, "erf": erf,
    "erfc": erfc, "tail": lambda a: a * erfc(4 + a),
    "negative": lambda a: -a, "square": lambda a: a * a, "cube": lambda a: a**3, "reciprocal": lambda a: 1 / (1.5 + a * a),
    "exp": lambda a: exp(sin(a)), "log": lambda a: log(1.5 + a * a), "sqrt": lambda a: sqrt(1.25 + a * a), "log1p": lambda a: log1p(a * a),
    "expm1": lambda a: expm1(tanh(a)), "power": lambda a: 2.0 ** tanh(a), "halve": lambda a: a / 2 - 1, "from one": lambda a: 1 - a,
    "saturate": lambda a: sigmoid(30 * a) - tanh(-1000 * a), "derivative": lambda a: grad(lambda t: tanh(t) * t)(a),
    "tan": lambda a: tan(tanh(a)), "asin": lambda a: asin(0.9 * tanh(a)), "acos": lambda a: acos(0.9 * sin(a)), "atan": atan,
    "sinh": lambda a: sinh(tanh(a)), "cosh": lambda a: cosh(sin(a)), "inverse square": lambda a: (2 + sin(a)) ** -2,
    "own": lambda a: own(a), "slope of own": lambda a: grad(own)(a), "curve": lambda a: grad(grad(lambda t: sin(t) * t * t))(a),
    "compiled": lambda a: COMPILED(a) if isinstance(a, Node) else COMPILED.f(a), "minus zero": lambda a: a * -0.0,
    "quarter": lambda a: 0.25 * -(2 * -a) / -8 * True, "fifth root": lambda a: (1 + a * a) ** 0.2,
    "kinds": lambda a: np.float64(0.5) * a + np.int64(2) - Fraction(1, 4) * a * True,
    "sign": lambda a: (a > 0) - (a < 0), "above": lambda a: a > 0.25, "not": logical_not, "truth": lambda a: where(a, 1.0, a - 1),
    "softplus as written": lambda a: log(1 + exp(3 * sin(a))), "sigmoid as written": lambda a: 1 / (1 + exp(-3 * tanh(a))),
    "tanh as written": lambda a: (exp(2 * sin(a)) - 1) / (exp(2 * sin(a)) + 1), "log of a sigmoid": lambda a: log(sigmoid(4 * sin(a))),
    "detached": lambda a: a * detached(a), "norm": lambda a: a * (a * a + 1e-5) ** -0.5,
}  # fmt: skip
BINARY: dict[str, Function] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b, "divide": lambda a, b: a / (1.5 + b * b),
    "maximum": maximum, "minimum": minimum, "where": lambda a, b: where(a < b, a * b, b + 1),
    "conditions": lambda a, b: where((a < 0.5) & (b > -0.5) | (a > b), a, b), "logsumexp": lambda a, b: logsumexp([a, b, 0.3]),
    "power": lambda a, b: (1.5 + sin(a)) ** tanh(b), "combine": lambda a, b: 2 * a - 0.5 * b + 1,
    "less": lambda a, b: a < b, "at least": lambda a, b: a >= b, "same": lambda a, b: a == b, "other": lambda a, b: a != b,
    "and": logical_and, "or": logical_or, "choose": lambda a, b: where(a, b, a), "both": lambda a, b: (a > 0) * (b > 0),
    "votes": lambda a, b: (a > 0) + (b > 0) - (a > b), "most": lambda a, b: maximum(a > b, b > 0.5),
    "least": lambda a, b: minimum(a, b > 0), "fmin": fmin, "slope": lambda a, b: grad(lambda t: sin(t * b) * t)(a),
    "slope of sums": lambda a, b: sum(grad(lambda v: total(tanh(u * b) for u in v))([a, b, 0.5])),
    "truths": lambda a, b: where(a > b, True, 0),
    "shared": lambda a, b: (a * b) * (a * b) + (a * b) ** 3 - (a * b), "cancel": lambda a, b: a * b - b * a + a - a,
    "value and slope": lambda a, b: (lambda found: found[0] * found[1])(value_and_grad(lambda t: sigmoid(t + b))(a)),
}  # fmt: skip
VARIADIC: dict[str, Function] = {
    "total": total, "logsumexp": logsumexp, "sum": sum, "mean": mean, "softmax": lambda v: exp(v[0] - logsumexp(v)) * v[-1],
    "squares": lambda v: sum(a * a for a in v), "alternate": lambda v: sum((-1) ** i * a for i, a in enumerate(v)),
    "mixed": lambda v: weighted_sum(v, [v[-1], *[0.5] * (len(v) - 1)], v[0]), "nothing": lambda v: total(0.0 * a for a in v),
    "twice": lambda v: total([*v, *v]), "products of three": lambda v: sum(a * b * v[0] for a, b in zip(v, [*v[1:], v[0]])),
    "largest": largest, "smallest": smallest, "below the largest": lambda v: total(exp(a - largest(v)) for a in v),
    "softmax as written": lambda v: exp(sin(v[0])) / sum(exp(sin(a)) for a in v),
    "log of sums": lambda v: log(sum(exp(tanh(a)) for a in v)),
    "log of a softmax": lambda v: log(exp(sin(v[-1])) / sum(exp(sin(a)) for a in v)),
    "softmax below the largest": lambda v: log(exp(v[0] - largest(v)) / total(exp(a - largest(v)) for a in v) + 1),
    "softmax as in a GPT": lambda v: exp(v[0] - largest(map(detached, v))) / sum(exp(a - largest(map(detached, v))) for a in v),
    "norms": lambda v: relu(v[-1] * (sum(a * a for a in v) / len(v) + 1e-5) ** -0.5),
    "ring": lambda v: sum(a * b for a, b in zip(v, [*v[1:], v[0]])),
}  # fmt: skip

INDICES = 4
PLACE = st.integers(0, 40)
STEP = st.one_of(
    st.tuples(st.just("unary"), st.sampled_from(sorted(UNARY)), PLACE, st.integers(1, 4)),
    st.tuples(st.just("binary"), st.sampled_from(sorted(BINARY)), PLACE, PLACE, st.integers(1, 4)),
    st.tuples(st.just("variadic"), st.sampled_from(sorted(VARIADIC)), PLACE, st.integers(1, 5), st.integers(1, 3)),
    st.tuples(st.just("ragged"), st.sampled_from(sorted(VARIADIC)), PLACE, PLACE, st.integers(2, 4)),
    st.tuples(st.just("layer"), PLACE, PLACE, st.integers(1, 4), st.integers(1, 3)),
    st.tuples(st.just("convolution"), PLACE, PLACE, st.integers(1, 3), st.integers(1, 4)),
    st.tuples(st.just("turned layer"), PLACE, PLACE, st.integers(1, 4), st.integers(1, 3)),
    st.tuples(st.just("lookup"), PLACE, PLACE, st.integers(1, 3), st.integers(1, 2)),
    st.tuples(st.just("lookup of parameters"), PLACE, PLACE, st.integers(1, 3), st.integers(1, 2)),
    st.tuples(st.just("bilinear"), PLACE, PLACE, st.integers(1, 3), st.integers(1, 3)),
)
PROGRAM = st.fixed_dictionaries(
    {
        "steps": st.lists(STEP, min_size=1, max_size=10),
        "parameters": st.integers(0, 10),
        "inputs": st.integers(1, 4),
        "seed": st.integers(0, 10**6),
        "ending": st.sampled_from(["last", "sum", "several", "table"]),
    }
)


def moderate(number: Any) -> Any:
    """A result that a program may go on with: none whose powers overflow, and a plain number as Python has it, whose truths subtract."""
    number = number.item() if isinstance(number, np.generic) else number
    is_unknown = isinstance(number, Node) and (mode.recording or not isinstance(number, Value))
    assume(is_unknown or abs(data(number)) < 1e12)
    return number


class RandomProgram:
    """A function of a few steps, each applied to numbers that came before: parameters, inputs, constants or results."""

    def __init__(self, steps: Sequence[Any], parameters: int, inputs: int, seed: int, ending: str) -> None:
        self.rng = np.random.default_rng(seed)
        self.steps, self.ending = steps, ending
        self.parameters = [Value(number) for number in self.numbers(parameters).tolist()]
        rows = int(self.rng.integers(1, 5))
        self.arrays = self.numbers(rows, inputs), self.numbers(rows), self.rng.integers(0, INDICES, (rows, 3))
        self.constants = self.numbers(3).tolist()
        self.disturbance: random.Random | None = None

    def numbers(self, *shape: int) -> Array:
        """Random numbers, one in six of them one at which kinks and ties lie."""
        special = self.rng.choice([0.0, 1.0, -1.0, 0.5, 2.0], size=shape)
        return np.where(self.rng.random(size=shape) < 1 / 6, special, self.rng.normal(size=shape))

    def __call__(self, x: Any, y: Any, indices: Any) -> Any:
        pool = [*self.parameters, *x, y, *self.constants, indices[0]]
        for step in self.steps:
            at = lambda i, pool=pool: pool[i % len(pool)]  # noqa: E731
            results = self.looked_up(at, indices, *step) if "lookup" in step[0] else self.results(step[0], at, *step[1:])
            pool += [self.disturbed(moderate(each)) for each in results]
        if self.ending == "several":
            return [pool[-1] * pool[0], pool[-2], pool[len(pool) // 2]]
        if self.ending == "table":
            return [[pool[-1], pool[-1], 2], [pool[0], pool[len(self.parameters)], pool[-3]]]
        return pool[-1] if self.ending == "last" else total(pool[-6:])

    def looked_up(self, at: Callable[[int], Any], indices: Any, kind: str, i: int, j: int, width: int, count: int) -> list[Any]:
        """Rows of a table of earlier numbers, or of parameters and constants, which may repeat."""
        leaves = [*self.parameters, *self.constants]
        entries = [at(i + k) if kind == "lookup" else leaves[(i * k + j) % len(leaves)] for k in range(INDICES * width)]
        table = [entries[start : start + width] for start in range(0, len(entries), width)]
        chosen = [lookup(table, indices[(j + k) % 3]) for k in range(count)]
        return [total(row) for row in chosen] + [lookup([row[0] for row in table], indices[i % 3])]

    def results(self, kind: str, at: Callable[[int], Any], *numbers: Any) -> list[Any]:
        if kind == "unary":
            name, i, count = numbers
            return [UNARY[name](at(i + k)) for k in range(count)]
        if kind == "binary":
            name, i, j, count = numbers
            return [BINARY[name](at(i + k), at(j + k)) for k in range(count)]
        if kind == "variadic":
            name, i, width, count = numbers
            return [VARIADIC[name]([at(i + k + n) for n in range(width)]) for k in range(count)]
        if kind == "ragged":
            name, i, j, count = numbers
            return [VARIADIC[name]([at(i + k + n * (1 + j % 3)) for n in range(1 + (k * j + k) % 4)]) for k in range(count)]
        i, j, width, count = numbers
        if kind == "layer":
            inputs = [at(j + n) for n in range(width)]
            return [weighted_sum([at(i + k * width + n) for n in range(width)], inputs, at(i + k)) for k in range(count)]
        if kind == "turned layer":
            return [total(at(i + n * count + k) * at(j + n) for n in range(width)) for k in range(count)]
        if kind == "bilinear":
            return [
                total(at(i + n * width + m) * at(j + n) * at(j + k + m) for n in range(width) for m in range(width)) for k in range(count)
            ]
        return [sum(at(i + n) * at(j + k + n) for n in range(width)) + at(i + width) for k in range(count)]

    def disturbed(self, number: Any) -> Any:
        return number if self.disturbance is None else number * (1 + 1e-13 * self.disturbance.choice([-1, -0.5, 0.5, 1]))

    def eager(self, disturbance: int | None = None) -> tuple[Array, Array]:
        """Results and gradients, where a seed is given with each step's results wrong in the 13th digit."""
        self.disturbance = None if disturbance is None else random.Random(disturbance)
        try:
            return eager(self, self.arrays, self.parameters)
        finally:
            self.disturbance = None


def check_random_program(description: dict[str, Any], backend: str = "numpy") -> None:
    """A program and the eager engine may differ as much as the eager engine does when its results are wrong in the 13th digit."""
    f = RandomProgram(**description)
    expected, gradients = f.eager()
    assume(np.all(np.abs(expected) < 1e12) and np.all(np.abs(gradients) < 1e12))
    error, slope_error = 1e-12 * np.abs(expected), 1e-12 * np.abs(gradients)
    for seed in range(3):
        others, other_gradients = f.eager(disturbance=seed)
        error = np.maximum(error, 10 * np.abs(others - expected)) + 1e-15
        slope_error = np.maximum(slope_error, 10 * np.abs(other_gradients - gradients)) + 1e-15
    program, is_pasted = vectorize(f, backend=backend), backend == "numpy"
    results = program(*f.arrays)
    assert results.shape == expected.shape
    assert np.all(np.abs(results - expected) <= error), (results, expected)
    some = [each[: len(each) - 1] for each in f.arrays]  # and another size of batch
    if len(some[0]):
        assert np.all(np.abs(program(*some) - expected[:-1]) <= error[:-1])
    if f.ending in ("several", "table") or not program.parameters:
        assert not is_pasted or np.all(np.abs(pasted(program, *f.arrays).reshape(expected.shape) - expected) <= error)
        return
    order = [next(i for i, own in enumerate(f.parameters) if own is each) for each in program.parameters]
    gradients, slope_error = gradients[:, order], slope_error[:, order]
    for cost, gradient in (program.value_and_gradient(*f.arrays), *([pasted(program, *f.arrays)] if is_pasted else [])):
        assert abs(cost - expected.mean()) <= error.max(), (cost, expected)
        assert np.all(np.abs(gradient - gradients.mean(axis=0)) <= slope_error.max(axis=0)), (gradient, gradients)
    weights = np.linspace(-1.0, 2.0, len(expected))
    cost, gradient = program.value_and_gradient(*f.arrays, weights=weights)
    assert abs(cost - weights @ expected) <= 2 * error.sum()
    assert np.all(np.abs(gradient - weights @ gradients) <= 2 * slope_error.sum(axis=0)), (gradient, gradients)
    rows = program.per_example_gradients(*f.arrays)
    assert np.all(np.abs(rows - gradients) <= slope_error), (rows, gradients)


SETTINGS: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=250, **SETTINGS)
@given(PROGRAM)
def test_random_programs_agree_with_the_eager_engine(description: dict[str, Any]) -> None:
    check_random_program(description)


@pytest.mark.soak
@every_backend
@settings(max_examples=10_000, **SETTINGS)
@given(PROGRAM)
def test_thousands_of_random_programs_agree_with_the_eager_engine(backend: str, description: dict[str, Any]) -> None:
    check_random_program(description, backend)


@pytest.mark.parametrize(
    "f",
    [
        lambda u, v, w: v - (u[1] > u[0]) * w,
        lambda u, v, w: maximum((u[0] > u[0]) & (u[0] > v), maximum((u[0] > w) & (w > v), v)) * 1.0,
        lambda u, v, w: (u[0] > v) + (u[0] > w) + (v > w) * u[1],
        lambda u, v, w: where(u[0] > v, u[0] > w, v) * w,
        lambda u, v, w: sum([u[0] > v, u[1] > v, u[0] > w]) * v + tanh(u[0] > w) - (u[1] > w) / (1 + (u[0] > 0)),
        lambda u, v, w: [u[0] > v, w][0],
        lambda u, v, w: exp(u[0] > v) + abs(-(u[1] > w)) + where(u[0] > 0, u[1] > v, u[1] > w) + v * w,
        lambda u, v, w: weighted_sum([u[0] > 0, u[1] > 0], [u[0] > v, u[1] > w]) + weighted_sum([v > w, w > v], [u[0] > 0, u[1] > 0], w),
        lambda u, v, w: logsumexp([u[0] > v, w, u[1] > w]) + mean([u[0] > v, u[0] > w]) + weighted_sum([u[0] > v, w], [u[1] > w, v]),
    ],
)
def test_conditions_count_as_numbers(f: Function) -> None:
    v, w = Value(0.3), Value(-0.2)
    assert_agrees(lambda u: f(u, v, w), RNG.normal(size=(40, 2)))
