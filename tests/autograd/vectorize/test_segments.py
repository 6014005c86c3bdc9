"""Segments: reductions of sums of different lengths, on every back end, with their derivative and their source."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value, cos, largest, logsumexp, maximum, smallest, total, vectorize, where
from autograd.vectorize import instructions as ir
from autograd.vectorize.instructions import Segments, Take
from tests.programs import eager, every_backend, pasted

LENGTHS = [(0, 1), (0, 5), (1, 3)]
X = np.array([[0.5, -1.0, 2.0, 0.25, 1e3], [-math.inf, -math.inf, -math.inf, 0.0, 1.0], [-1e3, 3.0, math.inf, 0.0, 1.0]])


@every_backend
@pytest.mark.parametrize("reduce", [total, logsumexp, largest, smallest])
def test_segments_are_reduced_one_by_one(reduce: Callable[..., Any], backend: str) -> None:
    program = vectorize(lambda x: [reduce(x[i:j]) for i, j in LENGTHS], backend=backend)
    expected = [[reduce(row[i:j]) for i, j in LENGTHS] for row in X.tolist()]
    np.testing.assert_allclose(program(X), expected, rtol=1e-13)
    assert len(program.program.find(Segments)) == 1


@every_backend
def test_segments_of_parameters_have_no_batch_axis(backend: str) -> None:
    w = [Value(float(each)) for each in range(5)]
    program = vectorize(lambda x: x * total(total(w[i:j]) ** 2 for i, j in LENGTHS) + logsumexp(w) * 0, backend=backend)
    cost, gradient = program.value_and_gradient(np.ones(2))
    assert cost == 0 + 3**2 + 10**2
    assert program.layout.to(w, gradient).tolist() == [20.0, 26.0, 26.0, 20.0, 20.0]
    segments = program.program.find(Segments)[0]
    assert program.program.shape(segments) == (3,)


@every_backend
def test_an_adjoint_in_repeated_columns_is_added_up_in_segments(backend: str) -> None:
    w = [Value(0.5), Value(-1.0), Value(2.0)]
    pairs = [(2, 0), (0, 2), (0, 1), (1, 1), (2, 2), (0, 0)]

    def f(x: Any) -> Any:
        z = [a * b for a, b in zip(w, x)]
        return total(z[i] * z[i] * x[j] for i, j in pairs)

    rows = np.random.default_rng(0).normal(size=(4, 3))
    program = vectorize(f, backend=backend)
    found = program.per_example_gradients(rows, order=w)
    np.testing.assert_allclose(found, eager(f, [rows], w)[1], rtol=1e-13)
    scatters = [program.program.instructions[each] for each in program.program.find(ir.Scatter)]
    assert all(not isinstance(place, np.ndarray) for each in scatters for place in each.places)  # type: ignore[attr-defined]


@every_backend
def test_a_derivative_stays_out_of_segments_that_are_not_chosen(backend: str) -> None:
    """The slope of the root at 0 is infinite. The choice of another operand keeps it out of both parameters."""
    v, w = Value(0.0), Value(4.0)

    def f(x: Any) -> Any:
        roots = [v.sqrt(), w.sqrt(), x.sqrt()]
        sums = [total(roots[:n]) for n in (2, 3)] + [logsumexp(roots[n:]) for n in (0, 1)] + [largest([v, *roots[n:]]) - v for n in (0, 1)]
        return total(where(x > 0, maximum(each, -1.0), w) for each in sums)

    program = vectorize(f, backend=backend)
    gradients = program.per_example_gradients(np.array([-1.0, 4.0]), order=[v, w])
    assert gradients[0].tolist() == [0.0, 6.0]
    assert gradients[1, 0] == math.inf
    assert math.isfinite(gradients[1, 1])


def test_the_source_names_the_first_column_of_each_segment() -> None:
    program = vectorize(lambda x: [total(x[i:j]) for i, j in LENGTHS])
    rows = np.random.default_rng(0).normal(size=(4, 5))
    np.testing.assert_allclose(program(rows), pasted(program, rows), rtol=1e-13)
    assert "np.add.reduceat(t1, [0, 1, 6], axis=-1)" in program.source
    program = vectorize(lambda x: [logsumexp(x[i:j]) for i, j in LENGTHS]).record(rows)
    assert "np.logaddexp.reduceat(" in program.source
    assert len(program.program.find(Take)) == 1


def test_growing_segments_are_written_by_their_rule() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 9))

    def f(x: Any) -> Any:
        powers = [[cos(x[i] - x[j]) for j in range(i + 1)] for i in range(9)]
        return [power / whole for row in powers for whole in [total(row)] for power in row]

    program = vectorize(f)
    np.testing.assert_allclose(program(rows), pasted(program, rows), rtol=1e-13)
    assert "reduceat(" in program.source
    assert "np.cumsum(np.arange(1, 10)) - np.arange(1, 10)" in program.source
    assert "np.repeat(np.arange(9), np.arange(1, 10))" in program.source
