"""Every row of the table against 50-digit derivatives by mpmath, where wrong rules give different answers."""

import ast
import copy
import itertools
import math
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

import autograd
from autograd import UndefinedError, Value, grad, hessian, logsumexp, mean, ops, primitive, total, vectorize
from autograd.ops import Operation
from tests.programs import eager, every_backend

mp.dps = 50

EVERYWHERE = [0.0, 1e-8, -1e-8, 0.3, -0.7, 1.0, -2.5, 20.0, -20.0, 30.0, -30.0]
FAR = [1000.0, -1000.0]
UNIT = [0.0, 1e-8, -1e-8, 0.49, -0.49, 0.5, -0.51, 0.999999, -0.999999, 1 - 1e-12, 1e-12 - 1]


def step(x: Any) -> Any:
    return mp.mpf(0 if x <= 0 else 1)


# name: (the function in mpmath, points). Kinks themselves have tests of their own, below.
UNARY: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "identity": (lambda x: x, EVERYWHERE),
    "negative": (lambda x: -x, EVERYWHERE + FAR),
    "abs": (abs, [x for x in EVERYWHERE + FAR if x]),
    "sign": (mpmath.sign, [x for x in EVERYWHERE + FAR if x]),
    "exp": (mpmath.exp, [*EVERYWHERE, 700.0, -1000.0]),
    "log": (mpmath.log, [1e-150, 1e-8, 0.5, 1.0, 1 + 1e-8, 30.0, 1e300]),
    "log1p": (mpmath.log1p, [-0.999999, -1e-8, 0.0, 1e-8, 0.5, 20.0, 1000.0]),
    "expm1": (mpmath.expm1, [*EVERYWHERE, 700.0, -1000.0]),
    "sqrt": (mpmath.sqrt, [1e-100, 1e-8, 0.25, 2.0, 1000.0, 1e100]),
    "sin": (mpmath.sin, EVERYWHERE + FAR),
    "cos": (mpmath.cos, EVERYWHERE + FAR),
    "tan": (mpmath.tan, [*EVERYWHERE, *FAR, 1.57, -1.5707]),
    "asin": (mpmath.asin, UNIT),
    "acos": (mpmath.acos, UNIT),
    "atan": (mpmath.atan, [*EVERYWHERE, *FAR, 1e8]),
    "sinh": (mpmath.sinh, [*EVERYWHERE, 700.0, -700.0]),
    "cosh": (mpmath.cosh, [*EVERYWHERE, 700.0, -700.0]),
    "tanh": (mpmath.tanh, EVERYWHERE + FAR),
    "sech_squared": (lambda x: mpmath.sech(x) ** 2, EVERYWHERE + FAR),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), EVERYWHERE + FAR),
    "logistic_pdf": (lambda x: mpmath.sech(x / 2) ** 2 / 4, EVERYWHERE + FAR),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), EVERYWHERE + FAR),
    "relu": (lambda x: max(x, mp.mpf(0)), [x for x in EVERYWHERE + FAR if x]),
    "erf": (mpmath.erf, [*EVERYWHERE, 5.0, -5.0]),
    "erfc": (mpmath.erfc, [*EVERYWHERE, 5.0, -5.0, 26.0]),
}

PAIRS = [(0.3, 0.7), (-2.5, 1e-8), (1e-8, -2.5), (20.0, -30.0), (-1000.0, 1000.0), (1000.0, 0.1), (0.0, 3.0)]
BINARY: dict[str, tuple[Callable[[Any, Any], Any], list[tuple[float, float]]]] = {
    "add": (lambda a, b: a + b, PAIRS),
    "subtract": (lambda a, b: a - b, PAIRS),
    "multiply": (lambda a, b: a * b, PAIRS),
    "divide": (lambda a, b: a / b, PAIRS),
    "power": (
        lambda a, b: a**b,
        [(0.3, 0.7), (2.0, 3.0), (2.0, -3.0), (1e-8, 2.5), (20.0, 30.0), (1.0, 1000.0), (2.0, 1000.0), (5.0, 0.0)],
    ),
    "maximum": (lambda a, b: max(a, b), [*PAIRS, (1e-8, -1e-8), (-1e-8, 1e-8)]),
    "minimum": (lambda a, b: min(a, b), [*PAIRS, (1e-8, -1e-8), (-1e-8, 1e-8)]),
    "fmin": (lambda a, b: min(a, b), [*PAIRS, (1e-8, -1e-8), (-1e-8, 1e-8)]),
}
COMPARISONS: dict[str, Callable[[float, float], Any]] = {
    "less": lambda a, b: a < b, "less_equal": lambda a, b: a <= b, "equal": lambda a, b: a == b,
    "greater": lambda a, b: a > b, "greater_equal": lambda a, b: a >= b, "not_equal": lambda a, b: a != b,
    "logical_and": lambda a, b: a and b, "logical_or": lambda a, b: a or b,
}  # fmt: skip
TESTED_APART = {"detach", "where", "logical_not", "total", "logsumexp", "largest", "smallest", "weighted_sum"}

ROWS = ops.TABLE


def differentiate(f: Callable[..., Any], point: Any, orders: Any = 1) -> Any:
    """A derivative to more than 50 digits: by differences, with hundreds of digits to lose."""
    with mp.workdps(400):
        return mpmath.diff(f, point, orders)


def close(got: Any, want: Any, scale: float = 0.0) -> bool:
    """Whether a result agrees to 1e-12 of the reference, or of the `scale` of the terms that cancel in it."""
    if isinstance(want, float) and not math.isfinite(want):
        return got == want or (math.isnan(got) and math.isnan(want))
    return bool(abs(mp.mpf(got) - want) <= 1e-12 * max(abs(want), scale) + 1e-300)


def test_every_row_is_tested() -> None:
    assert set(ROWS) == {*UNARY, *BINARY, *COMPARISONS, *TESTED_APART}


@pytest.mark.parametrize(("name", "x"), [(name, x) for name, (_, points) in UNARY.items() for x in points])
def test_unary_rows_agree_with_50_digits_to_second_order(name: str, x: float) -> None:
    op, (reference, _) = ROWS[name], UNARY[name]
    exact = mp.mpf(x)
    values = op(x), op(np.array([x, x]))[1], op(Value(x)).data
    assert all(close(value, reference(exact)) for value in values), values
    first = differentiate(reference, exact)
    leaf = Value(x)
    op(leaf).backward()
    (on_arrays,) = op.partials_at(op(np.array([x])), [np.array([x])])
    derivatives = leaf.grad, grad(op)(x), float(np.ravel(on_arrays)[0]), *op.partials_at(op(x), [x])
    assert all(close(each, first) for each in derivatives), (derivatives, first)
    second = differentiate(reference, exact, 2)
    assert close(grad(grad(op))(x), second), (grad(grad(op))(x), second)


@pytest.mark.parametrize(("name", "a", "b"), [(name, *pair) for name, (_, pairs) in BINARY.items() for pair in pairs])
def test_binary_rows_agree_with_50_digits_to_second_order(name: str, a: float, b: float) -> None:
    op, (reference, _) = ROWS[name], BINARY[name]
    value = reference(mp.mpf(a), mp.mpf(b))
    x, y = Value(a), Value(b)
    values = op(a, b), op(np.array([a, a]), b)[1], op(a, np.array([b, b]))[0], op(x, y).data, op(x, b).data, op(a, y).data
    assert all(close(each, value) for each in values), values
    gradient = [differentiate(reference, (mp.mpf(a), mp.mpf(b)), orders) for orders in ((1, 0), (0, 1))]
    op(x, y).backward()
    assert close(x.grad, gradient[0]), (x.grad, gradient)
    assert close(y.grad, gradient[1]), (y.grad, gradient)
    arrays = np.array([a]), np.array([b])
    for on_arrays, on_floats, want in zip(op.partials_at(op(*arrays), arrays), op.partials_at(op(a, b), (a, b)), gradient):
        assert close(float(np.ravel(on_arrays)[0]), want)
        assert close(on_floats, want)
    second = hessian(lambda v: op(v[0], v[1]))([a, b])
    for (i, j), orders in {(0, 0): (2, 0), (0, 1): (1, 1), (1, 0): (1, 1), (1, 1): (0, 2)}.items():
        want = differentiate(reference, (mp.mpf(a), mp.mpf(b)), orders)
        assert close(second[i][j], want), (i, j, second, want)


@pytest.mark.parametrize(
    ("base", "exponent"), [(-2, 3), (-2, -3), (-8, 2), (-1e-8, 2), (0, 2), (0, 1), (0, 0), (0, 3), (-1000, 1), (-0.5, 0)]
)
def test_powers_of_zero_and_negative_bases(base: float, exponent: float) -> None:
    """Where the exponent is a constant, the base may be anything."""
    first = exponent * mp.mpf(base) ** (exponent - 1) if exponent else 0
    second = exponent * (exponent - 1) * mp.mpf(base) ** (exponent - 2) if exponent * (exponent - 1) else 0
    for power in (lambda x: x**exponent, lambda x: ops.power(x, exponent)):
        assert close(grad(power)(float(base)), first)
        assert close(grad(grad(power))(float(base)), second)


def test_zero_to_the_zero_is_one_and_flat() -> None:
    assert [Value(0.0) ** 0, 0 ** Value(0.0), Value(0.0) ** Value(0.0)] == [1.0, 1.0, 1.0]
    assert grad(lambda v: v[0] ** v[1])([0.0, 0.0]) == [0.0, 0.0]
    assert grad(lambda b: 0**b)(2.0) == 0.0


@pytest.mark.parametrize(
    ("f", "points", "first"),
    [
        (ops.relu, [0.0, -0.0], 0.0),
        (abs, [0.0, -0.0], 0.0),
        (ops.sign, [0.0], 0.0),
        (lambda x: ops.maximum(x, 0.0), [0.0], 0.5),
        (lambda x: ops.minimum(0.0, x), [0.0], 0.5),
        (lambda x: ops.maximum(x, x), [2.0], 1.0),
        (lambda x: ops.where(x > 1, x * x, 3.0), [1.0], 0.0),
    ],
)
def test_subgradients_at_kinks_follow_pytorch(f: Callable[[Any], Any], points: list[float], first: float) -> None:
    for x in points:
        assert grad(f)(x) == first
        assert grad(grad(f))(x) == 0.0


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_and_logic_have_values_and_no_derivative(name: str) -> None:
    op, reference = ROWS[name], COMPARISONS[name]
    for a, b in itertools.product([0.0, 1.0, 2.0, -1.0], repeat=2):
        expected = bool(reference(a, b))
        assert bool(op(a, b)) is expected
        assert bool(op(np.array([a]), np.array([b]))[0]) is expected
        assert bool(op(Value(a), b).data) is expected
        assert grad(lambda x, op=op, b=b: op(x, b))(a) == 0.0
    assert ops.logical_not(0.0) is True
    assert list(ops.logical_not(np.array([0.0, 2.0]))) == [True, False]


@pytest.mark.parametrize("condition", [0.0, 1.0, -3.0, True, False, np.True_])
def test_where_takes_one_side_and_its_derivative(condition: Any) -> None:
    chosen, other = (5.0, 7.0) if condition else (7.0, 5.0)
    assert ops.where(condition, 5.0, 7.0) == chosen
    assert float(ops.where(np.asarray(condition), 5.0, 7.0)) == chosen
    gradients = grad(lambda v: ops.where(condition, v[0] ** 2, v[1] ** 2))([5.0, 7.0])
    assert gradients == ([10.0, 0.0] if condition else [0.0, 14.0])
    assert other not in gradients


LISTS = [[0.3], [1.0, 2.0, 3.0], [1000.0, 999.0, -1000.0], [-1000.0, -1000.0], [1e-8, -1e-8, 0.0], [5.0, 5.0, 5.0], [30.0, -30.0]]


@pytest.mark.parametrize("point", LISTS)
def test_logsumexp_is_exact_and_stable(point: list[float]) -> None:
    def reference(*v: Any) -> Any:
        return mpmath.log(sum(map(mpmath.exp, v)))

    exact = list(map(mp.mpf, point))
    normalizer = sum(map(mpmath.exp, exact))
    shares = [mpmath.exp(each) / normalizer for each in exact]
    assert close(ops.logsumexp(point), reference(*exact))
    assert close(ops.logsumexp([np.array([each]) for each in point])[0], reference(*exact))
    assert all(map(close, grad(ops.logsumexp)(point), shares))
    second = hessian(ops.logsumexp)(point)
    for (i, a), (j, b) in itertools.product(enumerate(shares), repeat=2):
        assert close(second[i][j], (a if i == j else 0) - a * b, scale=float(a))


@pytest.mark.parametrize("point", [*LISTS, [math.inf, 1.0], [-math.inf, -math.inf], [math.nan, 1.0], [0.0, -1.0, math.nan]])
@pytest.mark.parametrize(("function", "of_python"), [(ops.largest, max), (ops.smallest, min)])
def test_the_derivative_of_largest_and_smallest_is_shared_by_what_was_chosen(function: Any, of_python: Any, point: list[float]) -> None:
    found = function(point)
    expected = math.nan if any(map(math.isnan, point)) else of_python(point)
    shares = [point.count(expected) and (each == expected) / point.count(expected) for each in point]
    assert close(found, expected)
    assert close(float(function([np.array(each) for each in point])), expected)
    assert grad(function)(point) == shares
    if math.isfinite(expected):
        assert np.allclose(hessian(lambda v: function(v) ** 2)(point), 2 * np.outer(shares, shares), rtol=1e-15, atol=0)


@every_backend
def test_largest_and_smallest_agree_on_all_back_ends(backend: str) -> None:
    w = [Value(each) for each in (0.5, -0.5, 0.5, 2.0)]

    def f(x: Any) -> Any:
        products = [a * b for a, b in zip(w, x)]
        return ops.largest([*products, w[0]]) * ops.smallest([*w, x[0]]) + ops.largest(w[:3]) + ops.smallest([x[1], ops.largest([x[2]])])

    rows = np.array([[1.0, -1.0, 1.0, 0.0], [0.3, 2.0, -5.0, 0.1], [-4.0, -4.0, -4.0, -4.0]])
    program = vectorize(f, backend=backend)
    expected, gradients = eager(f, (rows,), program.record(rows).parameters)
    np.testing.assert_allclose(program(rows), expected, rtol=1e-15)
    np.testing.assert_allclose(program.per_example_gradients(rows), gradients, rtol=1e-15)
    assert np.isnan(program(np.array([[1.0, math.nan, 2.0, 3.0]]))).all()


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=6), st.floats(-1e3, 1e3))
def test_sums_agree_with_their_definitions(pairs: list[tuple[float, float]], bias: float) -> None:
    weights, inputs = map(list, zip(*pairs))
    exact = mp.mpf(bias) + sum(mp.mpf(w) * mp.mpf(x) for w, x in pairs)
    scale = abs(bias) + sum(abs(w * x) for w, x in pairs)
    w, x, b = [Value(each) for each in weights], [Value(each) for each in inputs], Value(bias)
    for output in (ops.weighted_sum(w, x, b), sum((p * q for p, q in zip(w, x)), b), ops.total([*(p * q for p, q in zip(w, x)), b])):
        assert close(output.data, exact, scale)
        for leaf in (*w, *x, b):
            leaf.grad = 0.0
        output.backward()
        assert [each.grad for each in w] == inputs
        assert [each.grad for each in x] == weights
        assert b.grad == 1.0
    assert close(ops.weighted_sum(weights, inputs, bias), exact, scale)
    assert close(ops.weighted_sum(np.array(weights), np.array(inputs), bias), exact, scale)
    assert close(ops.weighted_sum(iter(weights), iter(inputs), bias), exact, scale)
    assert close(ops.mean(weights), sum(map(mp.mpf, weights)) / len(weights), scale=max(map(abs, weights)))


def test_empty_sequences() -> None:
    assert ops.total([]) == 0.0
    assert ops.weighted_sum([], [], 3.0) == 3.0
    for f in (ops.mean, ops.logsumexp, ops.largest, ops.smallest):
        with pytest.raises(ValueError, match=f"^{f.__name__} of no values: it takes at least one$"):
            f([])


def test_infinities_and_nans_pass_as_in_ieee_arithmetic() -> None:
    inf, nan = math.inf, math.nan
    assert ops.exp(1000.0) == inf
    assert Value(1000.0).exp().data == inf
    assert ops.logsumexp([-inf, -inf]) == -inf
    assert ops.logsumexp([inf, 0.0]) == inf
    assert math.isnan(ops.relu(nan))
    assert math.isnan(ops.maximum(nan, 1.0))
    assert math.isnan(ops.maximum(1.0, nan))
    assert math.isnan(ops.minimum(1.0, nan))
    assert [ops.fmin(nan, 1.0), ops.fmin(1.0, nan), float(ops.fmin(np.array(nan), 1.0))] == [1.0, 1.0, 1.0]
    assert math.isnan(ops.sign(nan))
    assert grad(ops.sqrt)(0.0) == inf
    assert grad(grad(ops.sqrt))(0.0) == -inf
    assert grad(lambda x: x**0.5)(0.0) == inf
    assert grad(ops.asin)(1.0) == inf
    assert grad(ops.acos)(-1.0) == -inf
    assert math.isnan(ops.logsumexp([inf, nan]))
    x = Value(0.0)
    ops.sqrt(x * x).backward()
    assert math.isnan(x.grad)  # inf * 0: the norm has no derivative at 0


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda: ops.log(Value(-1.0)), ValueError, "log(-1.0) is undefined (IEEE arithmetic would give nan): keep the operands inside"),
        (lambda: ops.log(0.0), ValueError, "log(0.0) is undefined (IEEE arithmetic would give -inf)"),
        (lambda: Value(1.0) / 0, ZeroDivisionError, "1.0 / 0.0 is undefined (IEEE arithmetic would give inf)"),
        (lambda: 1 / Value(0.0), ZeroDivisionError, "1.0 / 0.0 is undefined"),
        (lambda: Value(-8.0) ** (1 / 3), ValueError, "-8.0 ** 0.3333333333333333 is undefined (IEEE arithmetic would give nan)"),
        (lambda: Value(0.0) ** -1, ValueError, "0.0 ** -1.0 is undefined (IEEE arithmetic would give inf)"),
        (lambda: ops.asin(2.0), ValueError, "asin(2.0) is undefined (IEEE arithmetic would give nan)"),
        (lambda: ops.sqrt(-1.0), ValueError, "for instance with maximum(x, 1e-12) or where(...)"),
        (lambda: ops.exp("1"), TypeError, "expected a real number, an array or a Value, got str '1'"),
        (lambda: ops.exp(1j), TypeError, "expected a real number, an array or a Value, got complex 1j"),
        (lambda: ops.exp(None), TypeError, "expected a real number, an array or a Value, got NoneType None"),
        (lambda: ops.exp([1.0]), TypeError, "expected a real number, an array or a Value, got list [1.0]"),
        (lambda: ops.exp(np.array(["a"])), TypeError, "expected an array of real numbers, got one of <U1"),
        (lambda: ops.exp(np.array([1j])), TypeError, "expected an array of real numbers, got one of complex128"),
        (lambda: ops.exp(1.0, 2.0), TypeError, "exp takes 1 operand(s), got 2"),
        (lambda: ops.maximum(Value(1.0)), TypeError, "maximum takes 2 operand(s), got 1"),
        (
            lambda: ops.weighted_sum([1.0], [1.0, 2.0]),
            ValueError,
            "weighted_sum needs one input for each weight: got 1 weights and 2 inputs",
        ),
        (lambda: primitive(), TypeError, "primitive needs one partial derivative for each operand; write @primitive(lambda y, x: ...)"),
        (
            lambda: primitive("x"),  # type: ignore[arg-type]
            TypeError,
            "a partial derivative is a function or a number, got 'x'; write @primitive(lambda y, x: ...)",
        ),
        (
            lambda: primitive(lambda x: 2 * x),
            TypeError,
            "a partial derivative takes the result y and the 1 operand(s), one for each derivative given: write @primitive(lambda y, x:",
        ),
        (
            lambda: primitive(lambda y, a, b: b)(lambda a, b: a * b),
            TypeError,
            "a partial derivative takes the result y and the 1 operand(s), one for each derivative given",
        ),
        (
            lambda: primitive(1.0)(lambda a, b: a + b),
            TypeError,
            "primitive has 1 partial derivative(s), one for each operand, and <lambda> does not take as many",
        ),
        (
            lambda: primitive(lambda y, a, b: b, 1.0)(lambda a: a),
            TypeError,
            "primitive has 2 partial derivative(s), one for each operand, and <lambda> does not take as many",
        ),
        (
            lambda: primitive(lambda x, *more: x)(2.0),  # type: ignore[arg-type]
            TypeError,
            "primitive has 1 partial derivative(s), one for each operand, and 2.0 does not take as many",
        ),
        (lambda: np.log10(Value(2.0)), TypeError, "numpy's log10 does not take Values: use autograd's functions, such as exp"),
        (lambda: np.hypot(2.0, Value(2.0)), TypeError, "numpy's hypot does not take Values: use autograd's functions, such as exp"),
    ],
)
def test_errors_say_what_was_wrong(f: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        f()
    assert message in str(raised.value)


def test_arrays_of_integers_and_booleans_do_not_truncate() -> None:
    assert (np.array([1, 2]) ** -1.0 == ops.power(np.array([1, 2]), -1)).all()
    assert ops.divide(np.array([1]), np.array([2]))[0] == 0.5
    assert list(ops.where(np.array([True, False]), 1, 2)) == [1, 2]
    assert ops.exp(np.float32(0.5)).dtype == np.float32
    assert isinstance(ops.exp(1), float)


def test_rows_describe_themselves() -> None:
    assert repr(ops.tanh) == "<operation tanh>"
    assert ops.add.describe([1.0, 2.0]) == "1.0 + 2.0"
    assert ops.negative.describe([1.0]) == "-1.0"
    assert ops.tanh.describe(["x=0.5"]) == "tanh(x=0.5)"
    assert ops.total_.describe(list(range(100))) == "total(0, 1, 2, 3, ..., 98, 99)"
    assert ops.exp.__doc__ is not None


def test_columns_say_what_kind_of_operation_a_row_is() -> None:
    def names(column: str) -> set[str]:
        return {name for name, row in ROWS.items() if getattr(row, column)}

    assert names("is_condition") == {*COMPARISONS, "logical_not"}
    assert names("is_sum") == {"add", "subtract", "negative", "total", "weighted_sum"}
    assert names("variadic") == {"total", "logsumexp", "largest", "smallest", "weighted_sum"}
    assert names("reduction") == {"total", "logsumexp", "largest", "smallest"}
    assert names("is_linear") == {"identity", "detach", "add", "subtract", "negative", "sign", *names("is_condition")}
    assert names("flat") == {"detach", "sign", "where", *names("is_condition")}
    assert all(len(ROWS[name].flat) == ROWS[name].arity for name in names("is_condition"))
    assert names("has_terms") == {"weighted_sum"}
    assert names("internal") == {"identity", "sech_squared", "logistic_pdf", "fmin"}
    assert all(name == row.name for name, row in ROWS.items())


def test_rows_that_saturate_are_those_whose_derivative_vanishes_far_out() -> None:
    for row in ROWS.values():
        if row.arity == 1 and not (row.variadic or row.singular or row.selects or row.is_linear):
            slopes = [abs(row.partials_at(row(x), [x])[0]) for x in (-1e3, 1e3)]
            assert row.saturates == (min(slopes) < 1e-3), row


def test_division_and_powers_are_singular_unless_a_constant_excludes_it() -> None:
    assert [ops.divide.is_singular([None, b]) for b in (None, 0.0, 0.5, -2.0)] == [True, True, False, False]
    assert [ops.power.is_singular([None, b]) for b in (None, -1.0, 0.0, 0.5, 1.5)] == [True] * 5
    assert [ops.power.is_singular([None, b]) for b in (1.0, 2.0, 3.0)] == [False] * 3


@pytest.mark.parametrize("name", [*BINARY, *COMPARISONS, "total", "logsumexp", "largest", "smallest"])
def test_commutative_rows_give_the_same_in_either_order(name: str) -> None:
    row, pairs = ROWS[name], [*PAIRS, (2.0, 2.0), (-1.5, 3.0), (3.0, 2.0), (0.5, 0.0)]
    pairs = [(a, b) for a, b in pairs if name not in ("divide", "power") or (a > 0 and b > 0)]
    same = all(row(a, b) == row(b, a) and row.partials_at(row(a, b), (a, b)) == row.partials_at(row(b, a), (b, a))[::-1] for a, b in pairs)
    assert same == row.is_commutative


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.precedence < ops.ATOM], ids=lambda row: row.name)
def test_precedence_and_symbol_are_those_of_python(row: Operation) -> None:
    """Python's own parser says which of two operators binds closer; its `and` and `or`, as & and | bind otherwise than they read."""
    words = {"&": "and", "|": "or"}
    own, is_binary = words.get(row.symbol, row.symbol), len(row.partials) == 2
    for other in ROWS.values() if is_binary else ():
        if other.precedence not in (row.precedence, ops.ATOM, ops.SIGN):
            then = words.get(other.symbol, other.symbol)
            grouped = f"(a {own} b) {then} c" if row.precedence > other.precedence else f"a {own} (b {then} c)"
            assert ast.dump(ast.parse(f"a {own} b {then} c")) == ast.dump(ast.parse(grouped))
    text = f"a {row.symbol} b" if is_binary else f"{row.symbol}a"
    result = eval(text, {"a": Value(2.0), "b": Value(3.0)})  # a node of this row or, where it compares, the truth
    assert result is row(2.0, 3.0) if isinstance(result, bool) else result.op is row
    assert (row.precedence == ops.SIGN) == (not is_binary)


def test_partials_are_read_with_anything() -> None:
    assert ops.add.partials_at(5.0, (2.0, 3.0)) == [1.0, 1.0]
    assert ops.multiply.partials_at(6.0, (2.0, 3.0)) == [3.0, 2.0]
    assert ops.weighted_sum_.partials_at(23.0, (2.0, 3.0, 4.0, 5.0, 0.0)) == [4.0, 5.0, 2.0, 3.0, 1.0]
    assert [type(each) for each in ops.where.partials_at(2.0, (1.0, 2.0, 3.0))] == [float, float, float]
    (on_arrays,) = ops.relu.partials_at(np.array([0.0, 2.0]), [np.array([-1.0, 2.0])])
    assert list(on_arrays) == [False, True]
    x = Value(3.0)
    (partial,) = ops.log.partials_at(ops.log(x), (x,))
    partial.backward()
    assert (partial.data, x.grad) == (1 / 3, -1 / 9)
    a, b = Value(2.0), Value(3.0)
    assert ops.power.partials_at(a**b, (a, b), needed=[False, True])[0] == 0.0
    shares = ops.logsumexp_.partials_at(ops.logsumexp([a, b]), (a, b))
    assert [type(each) for each in shares] == [Value, Value]
    assert math.isclose(sum(each.data for each in shares), 1.0)


def test_partials_outside_the_domain_are_those_of_ieee_arithmetic() -> None:
    (infinite,) = ops.sqrt.partials_at(0.0, (0.0,))
    assert (type(infinite), infinite) == (float, math.inf)
    base, exponent = ops.power.partials_at(math.nan, (-2.0, 0.5))
    assert math.isnan(base)
    assert math.isnan(exponent)
    assert ops.exp.partials_at(math.inf, (1000.0,)) == [math.inf]
    by_dividend, by_divisor = ops.divide.partials_at(math.inf, (1.0, 0.0))
    assert (by_dividend, by_divisor) == (math.inf, -math.inf)


@primitive(lambda y, x: 3 * x * x)
def cube(x: Any) -> Any:
    return x * x * x


@pytest.mark.parametrize("row", [*ROWS.values(), cube], ids=lambda row: row.name)
def test_rows_are_copied_and_pickled_as_what_they_are(row: Operation) -> None:
    assert copy.copy(row) is row
    assert copy.deepcopy([row])[0] is row
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        text = pickle.dumps(row, protocol)
        assert pickle.loads(text) is row
        assert len(text) < 100


def test_a_primitive_that_cannot_be_found_by_its_name_is_not_pickled() -> None:
    @primitive(1.0)
    def same(x: Any) -> Any:
        return x

    with pytest.raises(pickle.PicklingError) as raised:
        pickle.dumps(same)
    name = f"{__name__}.test_a_primitive_that_cannot_be_found_by_its_name_is_not_pickled.<locals>.same"
    instead = "define a primitive at the top level of a module"
    assert str(raised.value) == f"<operation same> has nothing to pickle but its name, and {name} is not it: {instead}"


def test_every_function_of_the_table_is_public() -> None:
    inner = {"identity", "abs", "sech_squared", "logistic_pdf", "fmin"}  # what derivatives are made of, and what Python has
    functions = {name for name, row in ROWS.items() if row.precedence == ops.ATOM}
    assert functions - inner <= set(autograd.__all__)


def test_a_primitive_is_an_operation_like_any_other() -> None:
    @primitive(lambda y, x: y + ops.sigmoid(x) * (1 - y))
    def swish(x: Any) -> Any:
        """x sigmoid(x)"""
        return x * ops.sigmoid(x)

    def composed(x: Any) -> Any:
        return x * ops.sigmoid(x)

    assert (swish.name, swish.__name__, swish.__doc__) == ("swish", "swish", "x sigmoid(x)")
    assert swish(Value(0.3)).op is swish
    assert swish(np.array([0.3]))[0] == swish(0.3) == swish(Value(0.3)).data
    for x in (-20.0, 0.0, 0.3, 5.0):
        assert math.isclose(grad(swish)(x), grad(composed)(x), rel_tol=1e-12, abs_tol=1e-15)
        assert math.isclose(grad(grad(swish))(x), grad(grad(composed))(x), rel_tol=1e-12, abs_tol=1e-15)

    @primitive(lambda y, a, b: b, 3)
    def product_with_a_wrong_rule(a: Any, b: Any) -> Any:
        return a * b

    assert grad(lambda v: product_with_a_wrong_rule(*v))([2.0, 5.0]) == [5.0, 3.0]


# Random graphs. Every operation here has bounded derivatives on the numbers that occur, so an error relative to
# the sum of the sizes of the terms, path by path, is an error of the rules and not of ill conditioning.

STEPS: list[tuple[int, Callable[..., Any], Callable[..., Any]]] = [
    (2, lambda a, b: a + b, lambda a, b: a + b),
    (2, lambda a, b: a - b, lambda a, b: a - b),
    (2, lambda a, b: ops.sin(a) * b, lambda a, b: mpmath.sin(a) * b),
    (2, lambda a, b: a / (2 + ops.cos(b)), lambda a, b: a / (2 + mpmath.cos(b))),
    (2, lambda a, b: (1.5 + ops.tanh(a)) ** ops.sigmoid(b), lambda a, b: (1.5 + mpmath.tanh(a)) ** (1 / (1 + mpmath.exp(-b)))),
    (2, lambda a, b: ops.logsumexp([a, b]), lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b))),
    (2, lambda a, b: ops.weighted_sum([ops.sin(a), 0.5], [b, a], 1.0), lambda a, b: mpmath.sin(a) * b + a / 2 + 1),
    (1, ops.tanh, mpmath.tanh),
    (1, ops.sigmoid, lambda a: 1 / (1 + mpmath.exp(-a))),
    (1, ops.softplus, lambda a: mpmath.log1p(mpmath.exp(a))),
    (1, ops.erf, mpmath.erf),
    (1, ops.atan, mpmath.atan),
    (1, lambda a: ops.sqrt(1 + a * a), lambda a: mpmath.sqrt(1 + a * a)),
    (1, lambda a: ops.exp(ops.sin(a)), lambda a: mpmath.exp(mpmath.sin(a))),
    (1, lambda a: ops.log(2 + ops.sin(a)), lambda a: mpmath.log(2 + mpmath.sin(a))),
    (1, lambda a: -a, lambda a: -a),
]


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[int, list[int]]]:
    """Steps with the earlier results they take, so subexpressions are shared; the first two are the inputs."""
    steps = []
    for size in range(2, draw(st.integers(4, 12))):
        kind = draw(st.integers(0, len(STEPS) - 1))
        steps.append((kind, [draw(st.integers(max(0, size - 4), size - 1)) for _ in range(STEPS[kind][0])]))
    return steps


def evaluate(graph: list[tuple[int, list[int]]], inputs: Sequence[Any], reading: int) -> Any:
    results = list(inputs)
    for kind, operands in graph:
        results.append(STEPS[kind][1:][reading](*(results[each] for each in operands)))
    return results[-1]


@settings(deadline=None, max_examples=60)
@given(graphs(), st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
def test_random_graphs_agree_with_50_digits_to_second_order(graph: list[tuple[int, list[int]]], point: tuple[float, float]) -> None:
    def reference(a: Any, b: Any) -> Any:
        return evaluate(graph, [a, b], 1)

    def ours(v: Any) -> Any:
        return evaluate(graph, v, 0) + 0 * v[0]

    exact = tuple(map(mp.mpf, point))
    scale = sum(abs(product) for product in path_products(evaluate(graph, list(map(Value, point)), 0)))
    assert close(ours(list(point)), reference(*exact), scale)
    gradient, second = grad(ours)(list(point)), hessian(ours)(list(point))
    for i, orders in enumerate(((1, 0), (0, 1))):
        assert close(gradient[i], mpmath.diff(reference, exact, orders), scale)
    for (i, j), orders in {(0, 0): (2, 0), (0, 1): (1, 1), (1, 0): (1, 1), (1, 1): (0, 2)}.items():
        assert close(second[i][j], mpmath.diff(reference, exact, orders), 10 * scale * scale)


def path_products(output: Any) -> list[float]:
    """Sizes that the terms of a derivative have: the sum over paths of products of |partials|, at every node, and 1."""
    sizes: dict[Any, float] = {output: 1.0}
    for node in reversed(autograd.backward.topological_order(output) if isinstance(output, Value) else []):
        leaves = [Value(getattr(each, "data", each)) for each in node.operands]
        if node.op is not None:
            node.op(*leaves).backward()
        for operand, leaf in zip(node.operands, leaves):
            if isinstance(operand, Value):
                sizes[operand] = sizes.get(operand, 0.0) + abs(leaf.grad) * sizes[node]
    return list(sizes.values())


# Arrays, entry by entry. The oracle is the row on single numbers.

KINDS_OF_NUMBERS: list[Any] = [
    np.bool_, np.int8, np.uint8, np.int64, np.uint64, np.float16, np.float32, np.float64, np.longdouble, object
]  # fmt: skip
FUNCTIONS = {**dict.fromkeys(UNARY, 1), **dict.fromkeys([*BINARY, *COMPARISONS], 2), "where": 3, "logical_not": 1, "detach": 1}


def _defined(row: Operation, operands: Sequence[float]) -> bool:
    try:
        row(*operands)
    except UndefinedError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS_OF_NUMBERS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrays_of_every_kind_are_computed_in_float64(name: str, kind: Any) -> None:
    row = ROWS[name]
    numbers = (
        [0, 1] if kind is np.bool_ else [0, 1, 2] if np.dtype(kind).kind == "u" else [0, 1, -1, 2] if np.dtype(kind).kind == "i" else GRID
    )
    rows = [each for each in itertools.product(numbers, repeat=FUNCTIONS[name]) if _defined(row, list(map(float, each)))]
    operands = [np.array(column, dtype=kind) for column in zip(*rows)]
    with np.errstate(all="ignore"):
        found = row(*operands)
    exact = [[float(each) for each in column] for column in operands]
    expected = np.array([float(row(*each)) for each in zip(*exact)])
    if not row.is_condition and kind is not object:
        assert found.dtype == (np.float32 if kind is np.float32 else np.float64)
    np.testing.assert_allclose(found.astype(np.float64), expected, rtol=1e-5 if kind is np.float32 else 1e-14, atol=1e-45)


GRID = [0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 3.5]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_by_an_array_are_those_by_its_entries(name: str) -> None:
    """Ties, kinks and zeros included: an array of Values goes through the same row as a single one."""
    row = ROWS[name]
    rows = [each for each in itertools.product(GRID, repeat=FUNCTIONS[name]) if _defined(row, each)]
    columns = [np.array(column) for column in zip(*rows)]
    for argnum in range(FUNCTIONS[name]):
        found = grad(lambda *v: total(row(*v) * 1.0), argnum)(*columns)
        expected = [grad(lambda *v: row(*v) * 1.0, argnum)(*each) for each in rows]
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("function", [total, mean, logsumexp, ops.largest, ops.smallest], ids=lambda function: function.__name__)
def test_reductions_take_arrays_of_every_kind(function: Any) -> None:
    for kind in KINDS_OF_NUMBERS:
        found = function(np.array([1, 1, 0], dtype=kind))
        assert float(found) == pytest.approx(function([1.0, 1.0, 0.0]), rel=1e-6)
    assert grad(lambda v: function(v.ravel()))(np.ones((2, 2))).tolist() == [grad(function)([1.0] * 4)[:2]] * 2


@every_backend
def test_the_stated_derivative_of_a_primitive_is_used_everywhere(backend: str) -> None:
    @primitive(lambda y, x: 100.0)
    def stated(x: Any) -> Any:
        return 0.3 * x * x

    w = Value(1.0)
    assert grad(lambda x: stated(x).sum())(np.array([1.0, 2.0])).tolist() == [100.0, 100.0]
    assert vectorize(lambda x: stated(w * x), backend=backend).value_and_gradient(np.array([1.0, 2.0]))[1].tolist() == [150.0]
    assert vectorize(grad(lambda x: stated(np.array([x, x])).sum()), backend=backend)(np.ones(2)).tolist() == [200.0, 200.0]


def test_the_derivative_of_the_largest_of_one_number_is_one() -> None:
    for function in (ops.largest, ops.smallest):
        x = Value(-3.0)
        y = function([x]) * 2
        y.backward()
        assert (y.data, x.grad) == (-6.0, 2.0)
