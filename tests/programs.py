"""Scalar functions of every kind, and how a program of one is held against the eager engine."""

import importlib.util
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autograd import (
    BACKENDS,
    Value,
    anomaly,
    c_compiler,
    cos,
    erf,
    exp,
    expm1,
    grad,
    hessian,
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
    sign,
    sin,
    smallest,
    softplus,
    sqrt,
    tanh,
    total,
    value_and_grad,
    vectorize,
    weighted_sum,
    where,
)

Function = Callable[..., Any]
Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)


def has(backend: str) -> bool:
    """Whether what a back end needs is installed."""
    if backend == "native":
        return bool(c_compiler())
    return backend != "jax" or importlib.util.find_spec("jax") is not None


def installed(backend: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not has(backend), reason=f"{backend} is not installed")


every_backend = pytest.mark.parametrize("backend", [pytest.param(name, marks=installed(name)) for name in BACKENDS])


def values(*shape: int) -> Any:
    """Parameters with random numbers, as nested lists of this shape."""
    return [values(*shape[1:]) for _ in range(shape[0])] if shape else Value(float(RNG.normal()))


def batch(*shape: int) -> Array:
    return RNG.normal(size=(7, *shape))


def data(result: Any) -> Any:
    if isinstance(result, list):
        return [data(each) for each in result]
    return float(result.data if isinstance(result, Value) else result)  # numpy's numbers have .data of another kind


def eager(f: Function, arrays: Sequence[Array], parameters: Sequence[Value]) -> tuple[Array, Array]:
    """Each example's results, and their gradient by the parameters, from the eager engine."""
    results, gradients = [], []
    for row in range(len(arrays[0])):
        for parameter in parameters:
            parameter.grad = 0.0
        result = f(*(array[row].tolist() for array in arrays))
        if isinstance(result, Value):
            result.backward()
        results.append(data(result))
        gradients.append([parameter.grad for parameter in parameters])
    for parameter in parameters:
        parameter.grad = 0.0
    return np.array(results), np.array(gradients).reshape(len(results), len(parameters))


def pasted(program: Any, *arguments: Array) -> Any:
    """What the program's source gives in a file of its own."""
    namespace: dict[str, Any] = {}
    exec(program.source, namespace)
    with np.errstate(all="ignore"):
        return namespace[program.name](*arguments, *([program.parameter_vector()] if program.parameters else []))


def near(found: Any, expected: Any, tolerance: float = 1e-12) -> bool:
    """Whether two arrays agree, relative to the largest number expected."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    return bool(np.abs(found - expected).max(initial=0.0) <= tolerance * np.abs(expected).max(initial=0.0))


def assert_equal(found: Any, expected: Any, scale: Any) -> None:
    """To 1e-12 of the terms' magnitude."""
    __tracebackhide__ = True
    error = np.abs(found - expected)
    assert np.all(error <= 1e-12 * scale), f"found {found}, expected {expected}, error {error}, scale {scale}"


def assert_agrees(f: Function, *arrays: Array) -> Any:
    """Every reading of the program gives what the eager engine gives; returns the program."""
    __tracebackhide__ = True
    program = vectorize(f)
    results = program(*arrays)
    expected, gradients = eager(f, arrays, program.parameters)
    size, sizes = np.abs(expected).max(), np.abs(gradients).max(axis=0)
    assert results.shape == expected.shape
    assert_equal(results, expected, size)
    if expected.ndim > 1 or not program.parameters:
        assert_equal(pasted(program, *arrays), expected, size)
        return program
    cost, gradient = program.value_and_gradient(*arrays)
    source_cost, source_gradient = pasted(program, *arrays)
    for found in (cost, source_cost, program.mean(*arrays).data):
        assert_equal(found, expected.mean(), size)
    for found in (gradient, source_gradient):
        assert_equal(found, gradients.mean(axis=0), sizes)
    assert_equal(program.per_example_gradients(*arrays), gradients, sizes)
    program.mean(*arrays).backward()
    assert [parameter.grad for parameter in program.parameters] == gradient.tolist()
    with anomaly():
        assert_equal(program.value_and_gradient(*arrays)[1], gradients.mean(axis=0), sizes)
    return program


# Every kind of scalar function

KINDS: dict[str, tuple[Callable[[], Function], tuple[Array, ...]]] = {}


def kind(*arrays: Array) -> Callable[[Callable[[], Function]], Callable[[], Function]]:
    def note(make: Callable[[], Function]) -> Callable[[], Function]:
        KINDS[make.__name__] = make, arrays
        return make

    return note


def dense(weights: Any, x: Sequence[Any], biases: Any = None) -> list[Any]:
    """A layer as micrograd writes it."""
    return [sum(w * each for w, each in zip(row, x)) + (biases[i] if biases else 0.0) for i, row in enumerate(weights)]


@kind(batch(3), batch())
def loops_over_weights() -> Function:
    W1, b1, W2, b2 = values(4, 3), values(4), values(1, 4), values(1)
    return lambda x, y: (dense(W2, [tanh(z) for z in dense(W1, x, b1)], b2)[0] - y) ** 2


@kind(batch(20))
def recurrent_net() -> Function:
    W, u, b, v = values(4, 4), values(4), values(4), values(4)

    def f(x: Any) -> Any:
        state: list[Any] = [0.0] * 4
        for each in x:
            state = [tanh(z + w * each) for z, w in zip(dense(W, state, b), u)]
        return weighted_sum(v, state)

    return f


@kind(batch(20))
def gated_recurrent_net() -> Function:
    W, b, v = values(4, 2, 3), values(4, 2), values(2)

    def f(x: Any) -> Any:
        state, memory = [0.0, 0.0], [0.0, 0.0]
        for each in x:
            z = [dense(W[gate], [each, *state], b[gate]) for gate in range(4)]
            memory = [sigmoid(i) * tanh(c) + sigmoid(f) * m for i, f, c, m in zip(z[0], z[1], z[2], memory)]
            state = [sigmoid(o) * tanh(m) for o, m in zip(z[3], memory)]
        return weighted_sum(v, state)

    return f


@kind(batch(20))
def convolution() -> Function:
    kernels, biases, v = values(3, 5), values(3), values(3)

    def f(x: Any) -> Any:
        maps = [[relu(sum(w * x[i + j] for j, w in enumerate(row)) + b) for i in range(16)] for row, b in zip(kernels, biases)]
        return weighted_sum(v, [mean(each) for each in maps])

    return f


@kind(batch(20))
def two_convolutions_and_a_pool() -> Function:
    first, second, v = values(3, 5), values(2, 3, 3), values(2)

    def f(x: Any) -> Any:
        maps = [[relu(sum(w * x[i + j] for j, w in enumerate(row))) for i in range(16)] for row in first]
        maps = [
            [tanh(sum(w * maps[c][i + j] for c, row in enumerate(rows) for j, w in enumerate(row))) for i in range(14)] for rows in second
        ]
        return weighted_sum(v, [total(maximum(each[i], each[i + 1]) for i in range(0, 14, 2)) for each in maps])

    return f


@kind(batch())
def gaussian_mixture() -> Function:
    means, scales, weights = values(3), values(3), values(3)
    return lambda x: (
        logsumexp(weights)
        - logsumexp(
            [w - 0.5 * ((x - m) * exp(-s)) ** 2 - s for m, s, w in zip(means, scales, weights)],
        )
    )


@kind(batch(6))
def attention() -> Function:
    Q, K, V = values(2, 2), values(2, 2), values(2, 2)

    def f(x: Any) -> Any:
        tokens = [x[0:2], x[2:4], x[4:6]]
        queries, keys, contents = [[dense(M, token) for token in tokens] for M in (Q, K, V)]
        cost: Any = 0.0
        for query in queries:
            scores = [weighted_sum(query, key) / math.sqrt(2) for key in keys]
            shares = [exp(score - logsumexp(scores)) for score in scores]
            cost = cost + sum(sum(p * v[i] for p, v in zip(shares, contents)) ** 2 for i in range(2))
        return cost

    return f


@kind(batch(4, 2))
def causal_attention() -> Function:
    Q, K, V = values(4, 2), values(4, 2), values(4, 2)

    def f(tokens: Any) -> Any:
        keys: list[Any] = []
        contents: list[Any] = []
        results = []
        for token in tokens:
            query = dense(Q, token)
            keys.append(dense(K, token))
            contents.append(dense(V, token))
            for head in (slice(0, 2), slice(2, 4)):
                scores = [exp(sum(q * k for q, k in zip(query[head], key[head])) / math.sqrt(2)) for key in keys]
                shares = [score / sum(scores) for score in scores]
                results += [sum(p * v for p, v in zip(shares, column)) for column in zip(*[each[head] for each in contents])]
        return total(each * each for each in results)

    return f


@kind(batch())
def squares_in_sums_of_different_lengths() -> Function:
    w = values()
    return lambda x: [weighted_sum([x, x, x], [x, x, x]), weighted_sum([x, w, x], [w, x, x])]


@kind(batch(5))
def sums_of_different_lengths() -> Function:
    w = values(5)

    def f(x: Any) -> Any:
        z = [tanh(a * b) for a, b in zip(w, x)]
        parts = (
            [largest(z[n:]) * smallest(x[: n + 1]) for n in range(4)]
            + [logsumexp(z[i:j]) for i, j in ((0, 2), (3, 4), (1, 5), (2, 5))]
            + [total(z[:n]) for n in (2, 3, 5)]
        )
        parts += [sum(a * b for a, b in zip(z[n:], x[n:])) for n in (0, 1, 2)] + [logsumexp(w[n:]) for n in (0, 1, 3)]
        return total(sin(each) for each in parts)

    return f


@kind(batch(2))
def explicit_ode_steps() -> Function:
    a, b, c = values(3)

    def f(state: Any) -> Any:
        x, y = state
        for _ in range(15):
            x, y = x + 0.05 * (a * x - b * x * y), y + 0.05 * (b * x * y - c * y)
        return x * x + y * y

    return f


@kind(batch(2))
def runge_kutta_steps() -> Function:
    W = values(2, 2)

    def f(state: Any) -> Any:
        def slope(s: Any, step: float = 0.0, k: Any = (0.0, 0.0)) -> Any:
            return [tanh(z) for z in dense(W, [each + step * change for each, change in zip(s, k)])]

        for _ in range(4):
            k1 = slope(state)
            k2 = slope(state, 0.05, k1)
            k3 = slope(state, 0.05, k2)
            k4 = slope(state, 0.1, k3)
            state = [s + 0.1 / 6 * (p + 2 * q + 2 * r + t) for s, p, q, r, t in zip(state, k1, k2, k3, k4)]
        return state[0] * state[1]

    return f


@kind(batch(3), batch())
def l2_and_l1_terms() -> Function:
    w = values(3)
    return lambda x, y: (weighted_sum(w, x) - y) ** 2 + 0.1 * sum(each * each for each in w) + 0.01 * total(map(abs, w))


@kind(batch(3))
def user_primitives() -> Function:
    @primitive(lambda y, x: y + sigmoid(x) * (1 - y))
    def swish(x: Any) -> Any:
        return x * sigmoid(x)

    @primitive(lambda y, a, b: 2 * a * b, lambda y, a, b: a * a)
    def square_times(a: Any, b: Any) -> Any:
        return a * a * b

    W = values(2, 3)
    return lambda x: square_times(*(swish(z) for z in dense(W, x)))


@kind(batch(3))
def several_outputs() -> Function:
    W = values(2, 3)
    return lambda x: [*(sigmoid(z) for z in dense(W, x)), 1.0, x[0], W[0][0], W[0][0] * W[1][1]]


@kind(batch(3))
def a_matrix_of_outputs() -> Function:
    W = values(2, 3)
    return lambda x: [[w * each for w, each in zip(row, x)] for row in W]


@kind(batch(3))
def gradient_by_the_inputs() -> Function:
    W, v = values(4, 3), values(4)
    return grad(lambda x: weighted_sum(v, [tanh(z) for z in dense(W, x)]))


@kind(batch())
def second_derivative() -> Function:
    w, v = values(4), values(4)
    return grad(grad(lambda x: weighted_sum(v, [tanh(each * x) for each in w])))


@kind(batch(2))
def hessian_by_the_inputs() -> Function:
    W, v = values(4, 2), values(4)
    return hessian(lambda x: weighted_sum(v, [sigmoid(z) for z in dense(W, x)]))


@kind(batch())
def physics_informed_cost() -> Function:
    w, b, v = values(6), values(6), values(6)

    def u(t: Any) -> Any:
        return weighted_sum(v, [tanh(each * t + c) for each, c in zip(w, b)])

    return lambda t: (grad(grad(u))(t) + 0.3 * grad(u)(t) + u(t)) ** 2


@kind(batch(3))
def cost_of_value_and_gradient() -> Function:
    W, v = values(4, 3), values(4)

    def f(x: Any) -> Any:
        y, slope = value_and_grad(lambda x: weighted_sum(v, [sigmoid(z) for z in dense(W, x)]))(x)
        return (y - 1) ** 2 + sum((each - 0.5) ** 2 for each in slope)

    return f


@kind(batch(3))
def a_step_of_learning_inside() -> Function:
    w = values(3)

    def f(x: Any) -> Any:
        def cost(w: Any) -> Any:
            return (weighted_sum(w, x) - 1) ** 2

        return cost([each - 0.1 * slope for each, slope in zip(w, grad(cost)(w))])

    return f


@kind(batch(3))
def no_parameters() -> Function:
    return lambda x: sum(each * each for each in x)


@kind(batch(3))
def a_constant() -> Function:
    return lambda x: 3.0


@kind(batch(3))
def constants() -> Function:
    return lambda x: [1.0, 2.0, 2.0]


@kind(batch(3))
def an_input() -> Function:
    return lambda x: x[1]


@kind(batch(3))
def a_parameter() -> Function:
    w = values()
    return lambda x: w


@kind(batch(3))
def parameters_alone() -> Function:
    w = values(3)
    return lambda x: w[0] * w[1] + exp(w[2])


@kind(batch(3), batch())
def conditions() -> Function:
    w = values(3)

    def f(x: Any, y: Any) -> Any:
        residual = weighted_sum(w, x) - y
        huber = where(abs(residual) <= 1, 0.5 * residual * residual, abs(residual) - 0.5)
        return where((residual > 0) & (x[0] < 0) | (y >= 0.5), huber, minimum(residual * residual, y))

    return f


@kind(batch(3))
def conditions_as_numbers() -> Function:
    w = values(3)

    def f(x: Any) -> Any:
        z = [a * b for a, b in zip(w, x)]
        votes = (z[0] > 0) + (z[1] > 0) - (z[2] > 0) + 2 * (z[0] < z[1])
        return votes * z[0] + relu(w[0] + x[0]) - relu(w[0] + x[1]) + sum(each > 0 for each in x) + (z[0] > 0) * (z[1] > 0) * z[2]

    return f


@kind(batch(3, 2), batch(2))
def matrices_for_inputs() -> Function:
    w = values(3)
    return lambda x, y: sum(w[i] * x[i][j] * y[j] for i in range(3) for j in range(2))


@kind(batch(6))
def many_operations() -> Function:
    w = values(6)

    def f(x: Any) -> Any:
        parts = [sin(w[0] * x[0]), cos(w[1] * x[1]), sqrt(1 + x[3] ** 2 * w[3] ** 2), log(1 + (w[4] * x[4]) ** 2), erf(w[5] * x[5])]
        parts += [log1p(x[0] ** 2), expm1(0.1 * w[0]), softplus(x[5] * w[5]), sign(x[0]) * w[0], abs(w[1] * x[2]), 2.0 ** w[3]]
        parts += [(2 + sin(x[0])) ** w[0], (1.5 + tanh(w[2])) ** x[1], x[4] ** 3, 1 / (2 + sin(w[1] * x[0])), w[0] / (1 + w[1] * w[1])]
        return total(parts) * mean(parts)

    return f


@kind(batch(6))
def saturation() -> Function:
    w = values(2)

    def f(x: Any) -> Any:
        scales = (1, 30, -30, 1000, -1000)
        return sum(
            sigmoid(s * x[0] * w[0]) + tanh(s * x[1] * w[1]) + softplus(s * x[2] * w[0]) + logsumexp([s * w[1], x[0]]) for s in scales
        )

    return f


@kind(batch(3))
def normalised_sums() -> Function:
    W, gains = values(3, 3), values(3)

    def f(x: Any) -> Any:
        z = dense(W, x)
        centre = mean(z)
        spread = sqrt(mean((each - centre) ** 2 for each in z) + 1e-5)
        return sum(gain * (each - centre) / spread for gain, each in zip(gains, z))

    return f


@kind(batch(3))
def tied_weights() -> Function:
    W = values(4, 3)
    return lambda x: sum((a - b) ** 2 for a, b in zip(dense(list(zip(*W)), [tanh(z) for z in dense(W, x)]), x))


@kind(batch(3))
def residual_net() -> Function:
    layers = values(3, 3, 3)

    def f(x: Any) -> Any:
        for W in layers:
            x = [each + tanh(z) for each, z in zip(x, dense(W, x))]
        return total(x)

    return f


@kind(RNG.integers(0, 5, (7, 4)), RNG.integers(0, 5, (7, 4)))
def bigrams_of_embedded_letters() -> Function:
    embeddings, places, W = values(5, 3), values(4, 3), values(5, 3)

    def f(x: Any, y: Any) -> Any:
        cost: Any = 0.0
        for position in range(4):
            hidden = [tanh(a + b) for a, b in zip(lookup(embeddings, x[position]), places[position])]
            scores = dense(W, hidden)
            highest = largest([float(each) if isinstance(each, float) else each.data for each in scores])
            powers = [exp(score - highest) for score in scores]
            cost = cost - log(lookup(powers, y[position]) / total(powers))
        return cost / 4

    return f


@kind(RNG.integers(0, 4, 7), batch())
def integers_as_numbers_and_indices() -> Function:
    table, w = [[0.0, 1.0], *values(2, 2), [Value(0.5), -1.0]], values(3)

    def f(i: Any, x: Any) -> Any:
        a, b = lookup(table, i)
        slopes = grad(lambda v: lookup([*v, x], i) ** 2 * x)(w)
        return (i + 1) * a * x + where(i < 2, b, w[0]) ** 2 + i**2 / (1 + i) * w[1] + total(slopes) + lookup([2.0, 3.0, 5.0, 7.0], i)

    return f


@kind(batch(6))
def shuffled_connections() -> Function:
    w, places = values(6), [3, 1, 4, 0, 5, 2]

    def f(x: Any) -> Any:
        h = [tanh(w[places[i]] * x[i]) for i in range(6)]
        h = [h[places[i]] * h[i] + w[i] for i in range(6)]
        h = [sin(h[5 - i]) + h[i] * x[places[i]] for i in range(6)]
        return weighted_sum([w[place] for place in places], h)

    return f


@kind(batch(3))
def running_sums() -> Function:
    w = values(3)

    def f(x: Any) -> Any:
        partial, squares = 0.0, 0.0
        for a, b in zip(w, x):
            partial = partial + a * b
            squares = squares + partial * partial
        return squares

    return f


@kind(batch(4))
def weights_in_turns_and_out_of_order() -> Function:
    w, places = values(3), ((2, 0), (0, 2), (0, 1), (1, 1))
    return lambda x: total(w[i % 3] * x[0] * x[0] for i in range(1, 16)) + sum(w[i] * x[j] for i, j in places) * w[0]
