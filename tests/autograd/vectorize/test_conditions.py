"""Conditions: the derivative of where, maximum and minimum flows only into the chosen operand, whatever happens in the other one."""

from __future__ import annotations

import functools
import math
import operator
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autograd import (
    BACKENDS,
    UndefinedError,
    Value,
    asin,
    exp,
    expm1,
    grad,
    hessian,
    largest,
    log,
    log1p,
    logsumexp,
    maximum,
    minimum,
    relu,
    sin,
    smallest,
    sqrt,
    tan,
    tanh,
    total,
    vectorize,
    weighted_sum,
    where,
)
from autograd.ops import logical_and, logical_or, power
from tests.programs import every_backend, has


def chosen_twice(one: Any, other: Any, number: Any) -> Any:
    return where(one, number, 0.0) + where(other, number, 0.0)


# Single cases, whose right values are derivatives of the chosen branch by hand.


@pytest.mark.parametrize(
    ("f", "point", "expected"),
    [
        (lambda x: where(x < 1, x, sqrt(x)), 0.0, 1.0),
        (lambda x: where(x > 0, x, exp(x) - 1), 800.0, 1.0),
        (lambda x: maximum(sqrt(x * x), 1e-10), 0.0, 0.0),
        (lambda x: minimum(1 / (x * x + 1e-320), 5.0), 0.0, 0.0),
        (lambda x: relu(sqrt(x) - 1), 0.0, 0.0),
        (lambda x: x + where(x > 1, sqrt(x), 3.0), 0.0, 1.0),
        (lambda x: sqrt(x) ** 2, 0.0, math.nan),  # nothing is chosen here: 0 * inf stays undefined
        (lambda x: where(x >= 0, sqrt(x), 0.0), 0.0, math.inf),  # what is chosen is infinite
        (lambda x: chosen_twice(x > 1, (x >= 0) == 0, sqrt(x)), 0.0, 0.0),  # two conditions, neither of which holds
        (lambda x: chosen_twice(x, x == 1, sqrt(x)), 0.0, 0.0),
        (lambda x: chosen_twice(x, x == 0, sqrt(x)), 0.0, math.inf),  # one of the two holds
    ],
)
def test_the_derivative_is_that_of_the_chosen_branch(f: Callable[[Any], Any], point: float, expected: float) -> None:
    x = Value(point)
    f(x).backward()
    found = [x.grad, grad(f)(point), *[vectorize(grad(f), backend=name)(np.array([point]))[0] for name in BACKENDS if has(name)]]
    np.testing.assert_equal(found, [expected] * len(found))


def test_a_norm_with_a_floor_has_a_gradient_at_zero() -> None:
    assert grad(lambda v: maximum(sqrt(v[0] * v[0] + v[1] * v[1]), 1e-10))([0.0, 0.0]) == [0.0, 0.0]


@every_backend
def test_second_derivatives_are_those_of_the_chosen_branch(backend: str) -> None:
    second = vectorize(grad(grad(lambda x: where(x > 0, sqrt(x), 0.0))), backend=backend)
    assert second(np.array([-3.0, 0.0, 4.0])).tolist() == [0.0, 0.0, -0.25 * 4.0**-1.5]
    assert hessian(lambda v: where(v[0] > 0, v[0] ** 2, exp(v[0])))([800.0]) == [[2.0]]


@every_backend
def test_a_masked_root_of_a_parameter_has_a_finite_gradient(backend: str) -> None:
    w = Value(2.0)
    program = vectorize(lambda x: where(x > 0, sqrt(x * w), 0.0), backend=backend)
    cost, gradient = program.value_and_gradient(np.array([-3.0, 0.0, 2.0]))
    assert cost == pytest.approx(2 / 3, rel=1e-12)
    assert gradient == pytest.approx([1 / 6], rel=1e-12)


@every_backend
def test_logsumexp_of_nothing_has_gradient_zero(backend: str) -> None:
    infinity = math.inf
    assert grad(lambda x: logsumexp([-infinity, -infinity + x]))(1.0) == 0.0
    assert grad(lambda v: logsumexp([logsumexp(v[:2]), v[2]]))([-infinity, -infinity, 2.0]) == [0.0, 0.0, 1.0]
    slopes = vectorize(grad(lambda v: logsumexp([logsumexp(v[:2]), v[2]])), backend=backend)
    np.testing.assert_array_equal(slopes(np.array([[-infinity, -infinity, 2.0]])), [[0.0, 0.0, 1.0]])
    w = Value(-infinity)
    _, gradient = vectorize(lambda x: logsumexp([logsumexp([w, w]), x]), backend=backend).value_and_gradient(np.array([2.0]))
    assert gradient.tolist() == [0.0]


@every_backend
@pytest.mark.parametrize("size", [1.0, 1e6, 1e17, 1e300])
def test_the_gradient_of_logsumexp_adds_up_to_one_at_any_size(size: float, backend: str) -> None:
    assert grad(logsumexp)([size, size]) == [0.5, 0.5]
    assert vectorize(grad(logsumexp), backend=backend)(np.array([[size, size]])).tolist() == [[0.5, 0.5]]
    w = [Value(size), Value(size)]
    assert vectorize(lambda x: logsumexp(w) + x, backend=backend).value_and_gradient(np.zeros(3))[1].tolist() == [0.5, 0.5]


@every_backend
def test_a_number_that_only_a_condition_reads_passes_nothing_on(backend: str) -> None:
    """The root of 0 lies in one array with a root that has a derivative; its own slope, which is infinite, goes nowhere."""
    v, w = Value(0.0), Value(4.0)
    program = vectorize(lambda x: where(sqrt(v) > 1, x, sqrt(w)) * x, backend=backend)
    assert dict(zip(program.record(np.ones(1)).parameters, program.value_and_gradient(np.ones(2))[1])) == {v: 0.0, w: 0.25}


@every_backend
def test_a_layer_below_a_choice_keeps_infinities_out_of_its_matrix_product(backend: str) -> None:
    weights = [[Value(0.3), Value(-0.2)], [Value(0.1), Value(0.4)]]
    parameters = [each for row in weights for each in row]

    def f(x: Any) -> Any:
        hidden = [where(each > 0, sqrt(each), 0.0) for each in x]
        return total(maximum(weighted_sum(row, hidden), 0.0) for row in weights)

    rows = np.array([[-1.0, -2.0], [4.0, 1.0], [-1.0, 9.0]])
    found = vectorize(f, backend=backend).per_example_gradients(rows, order=parameters)
    expected = [[0.0, 0.0, 0.0, 0.0], [2.0, 1.0, 2.0, 1.0], [0.0, 0.0, 0.0, 3.0]]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_infinite_weight_stays_out_of_what_its_factor_did_not_choose() -> None:
    v, logarithms = Value(2.0), [[Value(1000.0), Value(0.0)], [Value(0.0), Value(1000.0)]]

    def f(x: Any) -> Any:
        hidden = [where(each > 0, v * each, 1.0) for each in x[:2]]
        sums = [weighted_sum([exp(each) for each in row], hidden) for row in logarithms]
        return where(x[2] > 0, sums[0], hidden[0]) + where(x[2] > 1, sums[1], hidden[1])

    program = vectorize(f)
    for row, expected in (([-1.0, -2.0, 2.0], 0.0), ([-1.0, 3.0, 2.0], math.inf), ([-1.0, 3.0, 1.0], 3.0 + 3.0), ([2.0, 3.0, 0.0], 5.0)):
        _, gradient = program.value_and_gradient(np.array([row]))
        assert program.layout.to([v], gradient).tolist() == [expected]


def test_an_infinite_input_of_a_layer_stays_out_of_weights_where_its_example_is_not_chosen() -> None:
    W = [[Value(0.5), Value(-1.0)], [Value(2.0), Value(0.25)]]
    program = vectorize(lambda x: total(where(x[0] < 5, weighted_sum(row, list(map(exp, x))), 0.0) for row in W))
    assert program.value_and_gradient(np.array([[0.0, 0.0], [1000.0, 0.0]]))[1].tolist() == [0.5] * 4


def test_an_infinite_slope_stays_out_of_what_its_operand_did_not_choose() -> None:
    v, w = Value(0.0), Value(4.0)
    program = vectorize(lambda x: sqrt(where(x > 0, v * x, w)))
    _, gradient = program.value_and_gradient(np.array([1.0]))
    assert program.layout.to([v, w], gradient).tolist() == [math.inf, 0.0]


def test_programs_without_choices_above_singular_rows_compute_no_conditions() -> None:
    w = [Value(0.5), Value(-1.0)]

    def relu_net(x: Any) -> Any:
        return relu(weighted_sum(w, [relu(x[0] * w[0]), tanh(x[1])])) ** 2

    def elu_net(x: Any) -> Any:  # both sides lead to the same sum, which is reached in any case
        z = weighted_sum(w, x)
        return where(z > 0, z, exp(z) - 1)

    for f, most in ((relu_net, 0), (elu_net, 2)):
        program = vectorize(f).record(np.ones((2, 2))).program
        wheres = [each for each in program.instructions if getattr(each, "op", None) is where]
        assert len(wheres) <= most + (f is elu_net), str(program)


def test_a_choice_beside_a_singular_row_computes_no_condition() -> None:
    v, w = Value(0.5), Value(-1.0)
    program = vectorize(lambda x: where(x > 0, tanh(w * x), 0.0) + sqrt(v * x)).record(np.ones(2)).program
    assert [getattr(each, "op", None) for each in program.instructions].count(where) == 1


@pytest.mark.parametrize(
    ("f", "ands"),
    [
        (lambda x, z: where(x > 1, exp(z), exp(-z)), 0),
        (lambda x, z: where(x, exp(z), exp(-z)), 0),
        (lambda x, z: where(x > 1, exp(z), where(x < 2, exp(-z), exp(2 * z))), 2),
    ],
)
def test_what_all_sides_of_a_choice_depend_on_is_reached_without_a_condition(f: Callable[[Any, Any], Any], ands: int) -> None:
    program = vectorize(grad(lambda x: f(x, exp(x)))).record(np.ones(2)).program
    found = [getattr(each, "op", None) for each in program.instructions]
    assert logical_or not in found
    assert found.count(logical_and) == ands


# Random programs. The oracle computes with Python's own `if`: the branch that is not chosen is not even evaluated.

UNARY: dict[str, Callable[[Any], Any]] = {
    "sqrt": sqrt, "log": log, "exp": lambda a: exp(100 * a), "reciprocal": lambda a: 1 / a, "root": lambda a: power(a, 0.3),
    "negative power": lambda a: power(a, -1.5), "asin": asin, "log1p": log1p, "expm1": lambda a: expm1(300 * a), "tan": tan, "tanh": tanh,
    "square": lambda a: a * a, "negative": lambda a: -a, "sin": sin, "abs": abs, "double": lambda a: 2 * a + 0.5,
}  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b, "divide": lambda a, b: a / b,
    "sum": lambda a, b: weighted_sum([a, b], [b, a], 0.5), "logsumexp": lambda a, b: logsumexp([a, b]),
    "logsumexp of three": lambda a, b: logsumexp([a, b, a + 1]), "total of three": lambda a, b: total([a, b, a * b]),
    "sum of three": lambda a, b: weighted_sum([a, b, a], [b, a, a], 0.5),
}  # fmt: skip
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {"less": lambda a, b: a < b, "at least": lambda a, b: a >= b}
SPECIAL = [-3.0, -1.0, 0.0, 0.0, 0.25, 1.0, 2.0, 8.0]


class RandomChoices:
    """A function of two inputs and two parameters: steps with singular rows, among them choices between earlier results."""

    def __init__(self, rng: random.Random) -> None:
        self.parameters = [Value(rng.choice(SPECIAL) if rng.random() < 0.5 else rng.gauss(0, 1)) for _ in range(2)]
        self.disturbance: random.Random | None = None
        self.steps: list[tuple[str, str, tuple[int, ...]]] = []
        size = 4
        for _ in range(rng.randint(3, 12)):
            kind = rng.choice(["unary", "unary", "binary", "where", "where", "maximum", "minimum", "largest", "smallest", "relu"])
            names_of: dict[str, Any] = {"unary": UNARY, "binary": BINARY}
            name = rng.choice(sorted(names_of.get(kind, COMPARISONS)))
            self.steps.append((kind, name, tuple(rng.randrange(max(0, size - 6), size) for _ in range(4))))
            size += 1
        self.steps.append(("where", "less", (size - 1, rng.randrange(4), size - 2, size - 1)))

    def __call__(self, x: Any, y: Any) -> Any:
        """The program as a user writes it: all branches are computed."""
        pool = [*self.parameters, x, y]
        for kind, name, (i, j, k, m) in self.steps:
            if kind == "where":
                pool.append(where(COMPARISONS[name](pool[i], pool[j]), pool[k], pool[m]))
            elif kind in ("maximum", "minimum"):
                pool.append((maximum if kind == "maximum" else minimum)(pool[i], pool[j]))
            elif kind in ("largest", "smallest"):
                pool.append((largest if kind == "largest" else smallest)([pool[i], pool[j], pool[k]]))
            elif kind == "relu":
                pool.append(relu(pool[i]))
            else:
                pool.append(UNARY[name](pool[i]) if kind == "unary" else BINARY[name](pool[i], pool[j]))
        return pool[-1] * 1.0

    def chosen(self, x: Any, y: Any) -> Any:
        """The same number from the chosen branches alone. Raises UndefinedError where it is undefined.

        With a `disturbance` each result of a step is off by about as much as other back ends round it.
        """
        known: dict[int, Any] = dict(enumerate([*self.parameters, x, y]))

        def at(place: int) -> Any:
            if place not in known:
                known[place] = step(*self.steps[place - 4])
            return known[place]

        def step(kind: str, name: str, places: Sequence[int]) -> Any:
            i, j, k, m = places
            if kind == "where":
                return at(k) if COMPARISONS[name](at(i), at(j)) else at(m)
            if kind in ("maximum", "minimum", "largest", "smallest"):
                given = [at(i), at(j), at(k)][: 2 if kind in ("maximum", "minimum") else 3]
                numbers = list(map(_number, given))
                if any(map(math.isnan, numbers)):
                    raise UndefinedError("a choice between undefined numbers")
                best = (max if kind in ("maximum", "largest") else min)(numbers)
                equal = [each for each, number in zip(given, numbers) if number == best]
                if len(equal) == 1:
                    return equal[0]
                if best == 0 or math.isinf(best):
                    return functools.reduce(operator.add, [each / len(equal) for each in equal])  # -0.0 keeps its sign
                return best + sum((each - best) / len(equal) for each in equal)  # exactly this number, which may be compared with others
            if kind == "relu":
                return at(i) if at(i) > 0 else 0.0
            result = UNARY[name](at(i)) if kind == "unary" else BINARY[name](at(i), at(j))
            if self.disturbance is None:
                return result
            result *= 1 + 1e-12 * self.disturbance.choice([-1, 1])
            # log(1 + 1e-28) is 0 or 1e-28
            return result + 1e-16 * self.disturbance.choice([-1, 1]) if name.startswith("logsumexp") else result

        return at(len(self.steps) + 3) * 1.0

    def oracle(self, x: float, y: float) -> list[float] | None:
        """Value, gradient by the two parameters, first and second derivative by x of the chosen branches.

        None where they are undefined, or depend on how results are rounded.
        """
        found = []
        for self.disturbance in (None, random.Random(0), random.Random(1)):
            try:
                found.append(self._derivatives(x, y))
            except (ArithmeticError, ValueError):
                return None
        exact, *others = found
        return exact if all(np.allclose(exact, other, rtol=1e-7, atol=1e-8, equal_nan=True) for other in others) else None

    def _derivatives(self, x: float, y: float) -> list[float]:
        for parameter in self.parameters:
            parameter.grad = 0.0
        output = self.chosen(x, y)
        if isinstance(output, Value):
            output.backward()
        slopes = [_number(grad(self.chosen)(x, y)), _number(grad(grad(self.chosen))(x, y))]
        return [_number(output), *(parameter.grad for parameter in self.parameters), *slopes]


def _number(found: Any) -> float:
    return float(found.data if isinstance(found, Value) else found)


def check_choices(seed: int, backends: Sequence[str], count: int = 20) -> int:
    """Compare several random programs, made into one, with their oracles; returns how many numbers were compared."""
    rng = random.Random(seed)
    programs = [RandomChoices(rng) for _ in range(count)]
    rows = np.array([[rng.choice(SPECIAL) if rng.random() < 0.6 else rng.gauss(0, 1) for _ in range(2)] for _ in range(6)])
    found = [[each.oracle(*row) for row in rows.tolist()] for each in programs]
    parameters = [parameter for each in programs for parameter in each.parameters]
    compared = 0
    for backend in backends:
        values = vectorize(lambda v: [each(*v) for each in programs], backend=backend)(rows)
        joined = vectorize(lambda v: total(each(*v) for each in programs), backend=backend)
        gradients = joined.per_example_gradients(rows, order=parameters).reshape(len(rows), count, 2)
        means = joined.value_and_gradient(rows)[1]
        means = joined.layout.to(parameters, means).reshape(count, 2)
        slopes = vectorize(lambda x, y: [grad(each)(x, y) for each in programs], backend=backend)(*rows.T)
        curves = vectorize(lambda x, y: [grad(grad(each))(x, y) for each in programs], backend=backend)(*rows.T)
        for index, oracles in enumerate(found):
            for row, oracle in enumerate(oracles):
                if oracle is not None and (backend != "jax" or math.isfinite(oracle[0])):  # XLA may compute inf - inf as 0
                    where_ = f"program {index} of seed {seed}, row {row}, {backend}"
                    numbers = [values[row, index], *gradients[row, index], slopes[row, index], curves[row, index]]
                    _assert_close(numbers, oracle, f"value, gradient, slope and second derivative of {where_}")
                    compared += 1
            if None not in oracles:
                with np.errstate(invalid="ignore"):  # inf - inf
                    expected = np.mean([each[1:3] for each in oracles if each], axis=0)
                is_known = ~np.isnan(expected)  # a factor that is infinite in every example may be multiplied by the sum of the others
                message = f"mean gradient of program {index} of seed {seed}, {backend}"
                _assert_close(means[index][is_known], expected[is_known], message)
    return compared


def _assert_close(found: Any, expected: Any, message: str) -> None:
    """Equal up to the rounding of two orders of evaluation; infinities and nans where they are expected, and nowhere else."""
    size = max((abs(each) for each in expected if math.isfinite(each)), default=0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 + 1e-12 * size, equal_nan=True, err_msg=message)


@pytest.mark.parametrize("seed", range(6))
def test_random_choices_agree_with_the_chosen_branch_alone(seed: int) -> None:
    assert check_choices(seed, ["reference", "numpy"]) > 10


@pytest.mark.soak
@every_backend
def test_ten_thousand_random_choices_agree_with_the_chosen_branch_alone(backend: str) -> None:
    assert sum(check_choices(seed, [backend], 50) for seed in range(1000, 1200)) > 10_000


@every_backend
def test_an_undefined_derivative_of_a_reduction_stays_in_what_is_chosen(backend: str) -> None:
    """The derivative of logsumexp at infinity is nan; the parameter that the minimum did not choose has no part in it."""
    v, w = Value(-1.0), Value(-3.0)
    program = vectorize(lambda x: logsumexp([minimum(v, w), exp(x)]), backend=backend)
    gradient = dict(zip(program.record(np.ones(1)).parameters, program.value_and_gradient(np.array([800.0]))[1]))
    assert gradient[v] == 0.0
    assert math.isnan(gradient[w])


def test_recorded_derivatives_without_singular_rows_compute_no_conditions() -> None:
    w = Value(2.0)
    slope = vectorize(grad(lambda x: where(x > 0, tanh(x * w), x) * relu(x))).record(np.ones(2)).program
    plain = vectorize(lambda x: where(x > 0, tanh(x * w), x) * relu(x)).record(np.ones(2)).program
    forward, with_slope = ([getattr(each, "op", None) for each in program.instructions].count(where) for program in (plain, slope))
    assert with_slope <= forward
