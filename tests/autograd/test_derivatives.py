"""Derivatives of functions: their structure, their nesting, what they leave behind."""

import gc
import math
import random
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import (
    Value,
    anomaly,
    cos,
    exp,
    grad,
    gradcheck,
    hessian,
    hvp,
    jacobian,
    jvp,
    log,
    sin,
    sqrt,
    tanh,
    value_and_grad,
    vectorize,
    vjp,
)
from autograd.backward import topological_order


def test_gradients_have_the_structure_of_the_argument() -> None:
    def f(tree: Any) -> Any:
        [a, (b, c)], d = tree
        return a * b + c * d

    assert value_and_grad(f)(([1.0, (2.0, 3.0)], 4.0)) == (14.0, ([2.0, (1.0, 4.0)], 3.0))
    assert grad(lambda x, y: x**2 * y, argnum=1)(3.0, 2.0) == 9.0
    assert grad(lambda x, y: x**2 * y, argnum=-1)(3.0, 2.0) == 9.0
    assert grad(lambda x, power=2: x**power)(3.0, power=3) == 27.0
    assert grad(lambda x: x[0])([3]) == [1.0]
    assert grad(lambda x: 1.0)([]) == []
    gradient = grad(lambda a: (a * a).sum())(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert gradient.dtype == np.float64
    assert gradient.tolist() == [[2.0, 4.0], [6.0, 8.0]]


def test_jacobian_and_hessian() -> None:
    assert jacobian(lambda x: [x, x * x, 7.0])(3.0) == [1.0, 6.0, 0.0]
    assert jacobian(lambda v: (v[0] * v[1], [v[1]]))([2.0, 3.0]) == ([3.0, 2.0], [[0.0, 1.0]])
    assert jacobian(lambda a: a * 2)(np.array([1.0, 2.0])).tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert hessian(lambda v: v[0] ** 3 * v[1] + v[1] ** 2)([2.0, 5.0]) == [[60.0, 12.0], [12.0, 2.0]]
    assert hessian(lambda v: v[0])([2.0, 5.0]) == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("f", "exact"),
    [
        (sin, mpmath.sin),
        (exp, mpmath.exp),
        (tanh, mpmath.tanh),
        (lambda x: x**6, lambda x: x**6),
        (lambda x: 1 / (1 + x * x), lambda x: 1 / (1 + x * x)),
        (lambda x: log(x) * sqrt(x), lambda x: mpmath.log(x) * mpmath.sqrt(x)),
    ],
)
def test_derivatives_nest_to_any_order(f: Callable[[Any], Any], exact: Callable[[Any], Any]) -> None:
    derivative = f
    for order in range(1, 6):
        derivative = grad(derivative)
        with mpmath.workdps(80):
            want = mpmath.diff(exact, mpmath.mpf(0.7), order)
        assert abs(derivative(0.7) - want) <= 1e-12 * max(1, abs(want))


def test_constants_and_unused_inputs_have_derivative_zero() -> None:
    assert grad(lambda x: 3.0)(1.0) == 0.0
    assert grad(lambda v: v[0] * 2)([1.0, 5.0]) == [2.0, 0.0]
    assert grad(grad(lambda x: 2 * x))(1.0) == 0.0
    assert value_and_grad(lambda x: 3)(1.0) == (3, 0.0)
    assert jacobian(lambda x: [x > 0, 1.0])(2.0) == [0.0, 0.0]


def test_inner_and_outer_inputs_are_different() -> None:
    """The classic trap of nested derivatives, perturbation confusion (Siskind & Pearlmutter 2005)."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x) * x)(2.0) == 6 * 2.0**2
    assert grad(lambda x: grad(lambda y: y * y)(2.0) * x)(5.0) == 4.0
    assert grad(lambda x: grad(lambda y: grad(lambda z: x * y * z * z)(y))(x))(3.0) == 8 * 3.0


def test_a_derivative_inside_a_graph_is_part_of_it() -> None:
    w = Value(3.0)
    slope = grad(lambda x: w * x * x)(2.0)
    assert isinstance(slope, Value)
    assert slope.data == 12.0
    (slope**2).backward()
    assert w.grad == 2 * 12.0 * 4.0
    x = Value(2.0)
    value, derivative = value_and_grad(lambda x: x**3)(x)
    assert (value.data, derivative.data) == (8.0, 12.0)
    derivative.backward()
    assert x.grad == 12.0
    (value + 0).backward()
    assert x.grad == 24.0


def test_an_inner_sweep_does_not_change_grads_of_the_outer_graph() -> None:
    w = Value(3.0)
    (w * w).backward()
    assert w.grad == 6.0
    grad(lambda x: w * x)(2.0)
    jacobian(lambda x: [w * x, w])(2.0)
    assert w.grad == 6.0


def test_plain_numbers_of_an_inner_derivative_are_constants_afterwards() -> None:
    kept: list[Any] = []

    def inner(y: Any) -> Any:
        kept.append(y)
        return y * y

    assert grad(lambda x: x * grad(inner)(4.0))(1.0) == 8.0
    outer = Value(2.0)
    later = outer * kept[0]
    assert type(grad(lambda x: x * kept[0])(1.0)) is float
    later.backward()
    assert outer.grad == 4.0


def test_nested_derivatives_grow_linearly_with_the_function() -> None:
    """An inner sweep stops at its own inputs, so a chain of inner derivatives does not walk what came before, again and again."""

    def chain(x: Any, length: int) -> Any:
        for _ in range(length):
            x = grad(lambda y: sin(y) * 0.5)(x) + x * 0.01
        return x

    x = Value(0.3)
    sizes = [len(topological_order(chain(x, length))) for length in (50, 100, 200)]
    assert sizes[2] - sizes[1] <= 2.01 * (sizes[1] - sizes[0])
    assert math.isclose(grad(lambda v: chain(v, 3))(0.3), float(mpmath.diff(exact_chain, 0.3)), rel_tol=1e-12)


def exact_chain(x: Any) -> Any:
    for _ in range(3):
        x = mpmath.cos(x) * 0.5 + x * mpmath.mpf(0.01)
    return x


def test_newtons_method_inside_a_gradient() -> None:
    """d/da sqrt(a), through fifty iterations each of which takes a derivative."""

    def root(a: Any) -> Any:
        x: Any = 1.0 + 0 * a
        for _ in range(8):
            f = lambda t: t * t - a  # noqa: E731
            value, slope = value_and_grad(f)(x)
            x = x - value / slope
        return x

    assert grad(root)(2.0) == pytest.approx(0.5 / math.sqrt(2), rel=1e-14)


@pytest.mark.parametrize(
    "work",
    [
        lambda: grad(lambda x: sin(x) * x)(1.0),
        lambda: grad(grad(lambda x: sin(x) * x))(1.0),
        lambda: hessian(lambda v: v[0] * cos(v[1]))([1.0, 2.0]),
        lambda: jacobian(lambda v: [v[0] * v[1], v[0]])([1.0, 2.0]),
        lambda: grad(lambda x: Value(2.0) * x)(1.0),
        lambda: grad(lambda x: x * x)(Value(1.0)),
        lambda: gradcheck(tanh, 0.3),
    ],
)
def test_derivatives_make_no_reference_cycles(work: Callable[[], Any]) -> None:
    work()
    gc.collect()
    gc.disable()
    try:
        work()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_deep_functions() -> None:
    def deep(x: Any) -> Any:
        for _ in range(20_000):
            x = x + 1e-4 * x
        return x

    assert grad(deep)(1.0) == pytest.approx(1.0001**20_000, rel=1e-10)
    assert grad(grad(lambda x: deep(x) * x))(1.0) == pytest.approx(2 * 1.0001**20_000, rel=1e-10)


def test_errors() -> None:
    with pytest.raises(
        TypeError, match=r"^grad needs a function that returns one scalar, this one returned list\. For several outputs use jacobian$"
    ):
        grad(lambda x: [x])(1.0)
    with pytest.raises(TypeError, match=r"^no argument number 2 to differentiate by: got 1 positional argument\(s\)$"):
        grad(sin, argnum=2)(1.0)
    with pytest.raises(TypeError, match=r"^a function to differentiate returns real numbers or Values, got str$"):
        jacobian(lambda x: "x")(1.0)
    with pytest.raises(TypeError, match=r"^expected a real number, an array or a Value, got str 'x'$"):
        grad(sin)("x")
    with pytest.raises(TypeError, match="must be real number"):
        grad(math.sin)(1.0)
    for derivative in (grad, value_and_grad, jacobian, hessian):
        with pytest.raises(TypeError, match=r"^expected a function to differentiate, got float 3.0$"):
            derivative(3.0)  # type: ignore[arg-type]
        with pytest.raises(
            TypeError, match=r"^expected a function to differentiate, got Value\(3.0, grad=0.0\)\. For a Value call \.backward\(\)"
        ):
            derivative(Value(3.0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=re.escape("log(-1.0) is undefined")):
        grad(grad(log))(-1.0)


def test_an_error_in_the_function_leaves_derivatives_working() -> None:
    def fails(x: Any) -> Any:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        grad(grad(fails))(1.0)
    with pytest.raises(ValueError, match="is undefined"):
        log(-1.0)
    assert grad(grad(sin))(0.5) == -math.sin(0.5)


class Point(NamedTuple):
    x: Any
    y: Any


class Chain(list[Any]):
    """A list of a user's own class."""


structures = st.recursive(
    st.floats(-2, 2),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.lists(inner, max_size=3).map(Chain),
        st.builds(Point, inner, inner),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.dictionaries(st.text(max_size=2), inner, max_size=3).map(OrderedDict),
        st.lists(st.floats(-2, 2), max_size=4).map(np.array),
    ),
    max_leaves=8,
)


def squares(structure: Any) -> Any:
    """The sum of the squares of all scalars in a structure."""
    parts = structure.values() if isinstance(structure, dict) else structure
    if isinstance(structure, (dict, list, tuple, np.ndarray)):
        return sum((squares(each) for each in parts), 0.0)
    return structure * structure


def doubled(structure: Any) -> Any:
    """The gradient of `squares`, by hand."""
    if isinstance(structure, dict):
        return {key: doubled(each) for key, each in structure.items()}
    if isinstance(structure, Point):
        return Point(*map(doubled, structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)([doubled(each) for each in structure])
    return 2 * structure


@given(structures)
def test_gradients_of_random_structures_have_their_types(structure: Any) -> None:
    """The gradient of a sum of squares is the doubled structure."""
    gradient = grad(squares)(structure)
    np.testing.assert_equal(gradient, doubled(structure))
    assert outline(gradient) == outline(structure)


def outline(structure: Any) -> Any:
    """The types in a structure."""
    if isinstance(structure, dict):
        return type(structure), {key: outline(each) for key, each in structure.items()}
    return type(structure), [outline(each) for each in structure] if isinstance(structure, (list, tuple)) else []


def test_jacobian_of_a_function_that_returns_a_dict() -> None:
    assert jacobian(lambda p: {"sum": p.x + p.y, "product": p.x * p.y})(Point(2.0, 3.0)) == {"sum": (1.0, 1.0), "product": (3.0, 2.0)}


# Products with vectors


def random_function(seed: int) -> Callable[[Any], Callable[[Any], list[Any]]]:
    """A random function of three numbers with two results. Its argument is the module whose functions it uses: ours, or JAX's."""

    def written_for(module: Any) -> Callable[[Any], list[Any]]:
        kinds: list[Callable[[Any, Any], Any]] = [
            lambda a, b: a + 0.5 * b,
            lambda a, b: a * b,
            lambda a, b: module.sin(a) - b,
            lambda a, b: module.tanh(a * 0.3),
            lambda a, b: a / (2.0 + b * b),
            lambda a, b: module.exp(-a * a),
            module.maximum,
        ]

        def f(x: Any) -> list[Any]:
            rng, scalars = random.Random(seed), list(x)
            for _ in range(12):
                scalars.append(rng.choice(kinds)(*rng.choices(scalars, k=2)))
            return scalars[-2:]

        return f

    return written_for


@pytest.mark.parametrize("seed", range(20))
def test_products_with_vectors_are_those_of_the_matrices(seed: int) -> None:
    f, rng = random_function(seed)(autograd), np.random.default_rng(seed)
    x, v, u = rng.normal(size=3), rng.normal(size=3), rng.normal(size=2)
    matrix = np.array(jacobian(f)(x.tolist()))
    value, forward = jvp(f, x.tolist(), v.tolist())
    assert value == vjp(f, x.tolist(), u.tolist())[0] == f(x.tolist())
    np.testing.assert_allclose(forward, matrix @ v, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(vjp(f, x.tolist(), u.tolist())[1], u @ matrix, rtol=1e-12, atol=1e-12)
    curved = np.array(hessian(lambda x: f(x)[1])(x.tolist()))
    np.testing.assert_allclose(hvp(lambda x: f(x)[1], x.tolist(), v.tolist()), curved @ v, rtol=1e-11, atol=1e-11)

    def recorded(x: list[Any]) -> list[Any]:
        return [*jvp(f, x, v.tolist())[1], *vjp(f, x, u.tolist())[1], *hvp(lambda x: f(x)[1], x, v.tolist())]

    found = vectorize(recorded)(x[None])[0]
    np.testing.assert_allclose(found, [*(matrix @ v), *(u @ matrix), *(curved @ v)], rtol=1e-11, atol=1e-11)


@pytest.mark.soak
def test_products_with_vectors_are_those_of_jax() -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        for seed in range(200):
            rng = np.random.default_rng(seed)
            x, v, u = rng.normal(size=3), rng.normal(size=3), rng.normal(size=2)
            ours, theirs = random_function(seed)(autograd), random_function(seed)(jax.numpy)
            expected = jax.jvp(theirs, (x,), (v,))[1], jax.vjp(theirs, x)[1](list(u))[0]
            curved = jax.jvp(jax.grad(lambda x, f=theirs: f(x)[1]), (x,), (v,))[1]
            found = jvp(ours, x, v)[1], vjp(ours, x, u)[1], hvp(lambda x, f=ours: f(x)[1], x, v)
            for one, other in zip(found, (*expected, curved)):
                np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10, err_msg=f"seed {seed}")


def test_products_with_vectors_keep_structures_and_graphs() -> None:
    w = Value(3.0)
    value, product = vjp(lambda x: {"a": w * x["b"][0], "c": x["b"][1]}, {"b": (2.0, 5.0)}, {"a": 1.0, "c": w})
    assert (value["a"].data, value["c"]) == (6.0, 5.0)
    assert [each.data for each in product["b"]] == [3.0, 3.0]
    assert grad(lambda t: jvp(lambda x: x**3, t, 1.0)[1])(2.0) == 12.0
    assert jvp(lambda x: 7.0, 3.0, 2.0) == vjp(lambda x: 7.0, 3.0, 2.0) == (7.0, 0.0)
    assert vjp(lambda x: [x, sqrt(x)], 0.0, [1.0, 0.0]) == ([0.0, 0.0], 1.0)
    for call in (lambda: vjp(lambda x: [x, x], 1.0, 1.0), lambda: jvp(lambda x: x, [1.0, 2.0], 1.0), lambda: hvp(sin, 1.0, [])):
        with pytest.raises(ValueError, match=r"v must have one number for each (out|in)put: got [01] numbers and [12] (out|in)puts"):
            call()


def test_backward_takes_the_gradient_of_what_follows() -> None:
    a, b = Value(2.0), Value(3.0)
    y = a * b
    y.backward(gradient=5.0)
    assert (y.grad, a.grad, b.grad) == (5.0, 15.0, 10.0)
    a.backward(-1)
    assert a.grad == 14.0
    with pytest.raises(TypeError, match="expected a real number"):
        y.backward("5")
    with anomaly():
        (a * b).backward(2.0)
    assert b.grad == 14.0
