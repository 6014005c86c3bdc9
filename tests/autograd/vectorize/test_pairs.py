"""Pairs of rows: the products and sums of an attention, on every back end, with their derivatives and their source."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from autograd import Value, exp, largest, maximum, sqrt, tanh, total, vectorize, where
from autograd.vectorize import instructions as ir
from autograd.vectorize.instructions import PairProducts, Pairs, PairSums, Take
from autograd.vectorize.program import Program
from tests.programs import Array, Function, eager, every_backend, near, pasted

LENGTH = 13


def attention(meets: Callable[[int, int], bool], heads: int = 2) -> tuple[Function, list[Value]]:
    """Rows of two numbers for each head that read those rows that they meet, and the weights that make them."""
    rng = np.random.default_rng(0)
    W = [[Value(float(rng.normal())) for _ in range(3)] for _ in range(3 * 2 * heads)]

    def f(x: Sequence[Any]) -> Any:
        made = [[tanh(sum(w * each for w, each in zip(row, token))) for row in W] for token in x]
        results = []
        for i, mine in enumerate(made):
            for h in range(heads):
                met = [row for j, row in enumerate(made) if meets(i, j)]
                query, first, second = mine[2 * h : 2 * h + 2], 2 * (heads + h), 2 * (2 * heads + h)
                keys, values = ([row[start : start + 2] for row in met] for start in (first, second))
                scores = [sum(q * k for q, k in zip(query, key)) for key in keys]
                results += [sum(a * v for a, v in zip(scores, column)) for column in zip(*values)]
        return total(each * each for each in results)

    return f, [w for row in W for w in row]


def rows(count: int = 3) -> Array:
    return np.random.default_rng(1).normal(size=(count, LENGTH, 3))


MEETINGS: dict[str, Callable[[int, int], bool]] = {
    "all": lambda i, j: True,
    "those before": lambda i, j: j <= i,
    "those after": lambda i, j: j >= i,
    "a window": lambda i, j: 0 <= i - j < 3,
}


@every_backend
def test_rows_that_meet_several_others_agree_with_the_eager_engine(backend: str) -> None:
    """Some rows meet most others, so that whole blocks are multiplied; and some meet few."""
    check_rows("those before", backend)
    check_rows("a window", backend)


@pytest.mark.parametrize("name", ["all", "those after"])
def test_rows_may_meet_all_rows_or_those_after_them(name: str) -> None:
    check_rows(name, "numpy")


def check_rows(name: str, backend: str) -> None:
    f, weights = attention(MEETINGS[name])
    program = vectorize(f, backend=backend)
    results, gradients = eager(f, [rows()], weights)
    assert near(program(rows()), results)
    assert near(program.per_example_gradients(rows(), order=weights), gradients)
    assert near(program.layout.to(weights, program.value_and_gradient(rows())[1]), gradients.mean(axis=0))
    forward = vectorize(f).record(rows())._latest
    assert forward is not None
    assert forward._results.find(Pairs)


def test_the_blocks_of_a_causal_attention_are_its_heads() -> None:
    f, _ = attention(MEETINGS["those before"], heads=3)
    program = vectorize(f).record(rows()).program
    found = [program.instructions[each] for each in program.find(Pairs)]
    assert [type(each) for each in found] == [PairProducts, PairSums, PairProducts, PairSums, PairSums, PairSums]
    assert {(each.blocks, each.width, len(each.lefts)) for each in found if isinstance(each, Pairs)} == {(3, 2, 3 * 91)}


def test_the_source_computes_whole_blocks_and_takes_their_triangle() -> None:
    f, _ = attention(MEETINGS["those before"])
    program = vectorize(f).record(rows())
    assert "np.flatnonzero(np.tile(np.tri(13), (2, 1)))" in program.source
    assert program.value_and_gradient(rows())[0] == pytest.approx(pasted(program, rows())[0], rel=1e-13)
    np.testing.assert_allclose(program.value_and_gradient(rows())[1], pasted(program, rows())[1], rtol=1e-12, atol=1e-14)


@every_backend
def test_an_infinite_row_reaches_only_the_rows_that_meet_it(backend: str) -> None:
    def f(x: Any) -> Any:
        scores = [[a[0] * b[0] + a[1] * b[1] for b in x[: i + 1]] for i, a in enumerate(x)]
        return [sum(score * b[k] for score, b in zip(row, x)) for row in scores for k in (0, 1)]

    def g(x: Any) -> Any:
        made = [[exp(each) for each in token] for token in x]
        return f(made)

    x = np.zeros((2, 5, 2))
    x[0, 3] = 1e3
    expected = np.tile([2.0, 2.0, 4.0, 4.0, 6.0, 6.0, 8.0, 8.0, 10.0, 10.0], (2, 1))
    expected[0, 6:] = math.inf
    np.testing.assert_allclose(vectorize(g, backend=backend)(x), expected, rtol=1e-13)


def chosen_scores(keys: Callable[[Any], Any], queries: Callable[[Any], Any], chosen: Callable[[int, int], bool]) -> Function:
    """The sum of the chosen products of rows of y and rows of x. A condition that always holds makes the choice."""

    def f(x: Any, y: Any) -> Any:
        rows, others = [[queries(each), each + 1] for each in y], [[keys(each), each] for each in x]
        scores = [(chosen(i, j), sum(a * b for a, b in zip(row, other))) for i, row in enumerate(rows) for j, other in enumerate(others)]
        return total(where(x[0] > 0, score if is_chosen else 0.0, score) for is_chosen, score in scores)

    return f


@every_backend
def test_a_row_of_pairs_that_are_not_chosen_has_no_derivative(backend: str) -> None:
    """The slope of the root of 0 is infinite. It belongs to the last row of x."""
    w = Value(4.0)
    f = chosen_scores(lambda key: sqrt(w * key), tanh, lambda i, j: j < 3)
    program = vectorize(f, backend=backend)
    _, gradient = program.value_and_gradient(np.array([[1.0, 4.0, 9.0, 0.0]]), np.full((1, 4), 0.5))
    assert gradient == pytest.approx([4 * math.tanh(0.5) * (1 + 2 + 3) / 4])
    assert program.program.find(PairSums)


@every_backend
def test_a_pair_that_is_not_chosen_keeps_its_infinity_out_of_the_other_row(backend: str) -> None:
    """The last row of y is infinite. It meets every row of x, and no pair with it is chosen."""
    w = Value(4.0)
    f = chosen_scores(lambda key: w * key, exp, lambda i, j: i < 3)
    program = vectorize(f, backend=backend)
    gradient = program.per_example_gradients(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[0.0, 0.0, 0.0, 1e3]]))
    assert gradient == pytest.approx(np.array([[3.0 * 10]]))
    assert vectorize(f).record(np.ones((1, 4)), np.ones((1, 4))).program.find(PairProducts)


def test_an_infinite_row_stays_out_of_what_the_other_row_did_not_choose() -> None:
    v = Value(2.0)

    def f(x: Any, y: Any) -> Any:
        rows, others = [[where(each > 0, v * each, 1.0), each] for each in y], [[exp(each), each] for each in x]
        return total(maximum(sum(a * b for a, b in zip(row, other)), 0.0) for row in rows for other in others)

    program = vectorize(f)
    for last, expected in ((-1.0, 0.0), (3.0, math.inf)):
        x, y = np.array([[0.0, 0.0, 0.0, 1e3]]), np.array([[-1.0, -2.0, -3.0, last]])
        assert program.value_and_gradient(x, y)[1].tolist() == [expected]
    assert program.program.find(PairProducts)


def test_rows_that_meet_all_rows_and_themselves_stay_elementwise() -> None:
    """The products of all pairs of three rows cannot be split into left and right ones."""

    def f(x: Any) -> Any:
        return [sum(a * b for a, b in zip(x[i], x[j])) for i in range(LENGTH) for j in range(i)]

    program = vectorize(f)
    expected = [[sum(a * b for a, b in zip(x[i], x[j])) for i in range(LENGTH) for j in range(i)] for x in rows().tolist()]
    np.testing.assert_allclose(program(rows()), expected, rtol=1e-13)
    assert not program.program.find(Pairs)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (([0, 5], [0, 1], (2, 2), 2, 1), r"arrays of shapes \(batch, 4\) and \(batch, 4\) have no such pairs of rows"),
        (([0, 1], [0, 1], (2, 2), 3, 1), "have no such pairs of rows"),
        (([0, 1], [1, 1], (2, 2), 2, 2), "the rows do not lie in 2 blocks"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(fields: Any, message: str) -> None:
    program = Program()
    program.append(ir.Input((), (ir.BATCH, 4), 0))
    lefts, rights, *others = fields
    with pytest.raises(ValueError, match=message):
        program.append(PairProducts((0, 0), np.array(lefts), np.array(rights), *others))
    assert not program.find(Take)


def test_pairs_that_are_not_asked_for_leave_the_gradients_of_jax_finite() -> None:
    """The exponential of such a pair's score would overflow. The oracle is the same function of keys without it."""
    jax = pytest.importorskip("jax")
    from autograd.vectorize.backends.jax.devices import precision

    def read(q: Any, k: Any) -> Any:
        weights = []
        for i, query in enumerate(q):
            scores = [total(a * b for a, b in zip(query, key)) for key in k[: i + 1]]
            most = largest(scores)
            weights += [exp(each - most) for each in scores]
        return total(weights)

    q, k = np.random.default_rng(0).normal(size=(2, 1, LENGTH, 4))
    with precision(np.dtype(np.float64)):
        f = vectorize(read, backend="jax").record(q, k)
        far = np.concatenate([k[:, :-1], 1e4 * q[:, :1]], axis=1)  # only the last row reads the last key
        found, expected = (jax.grad(lambda q, keys=keys: f.function(np.zeros(0), q, keys).sum())(q) for keys in (far, k))
    assert f.program.find(PairProducts)
    assert near(found[0, :-1], expected[0, :-1])
