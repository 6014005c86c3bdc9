"""Lookups: integers of an example as indices of tables, on every back end."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import TraceError, UpdateRule, Value, anomaly, grad, hessian, log, lookup, primitive, sqrt, total, vectorize, where
from autograd.ops import greater
from autograd.vectorize import compiled
from nn import MLP, SGD, squared_error, train
from tests.programs import eager, every_backend, pasted, values

RNG = np.random.default_rng(0)
W, T = [Value(each) for each in (0.3, -1.0, 2.0)], [[Value(0.5 * i + j) for j in range(2)] for i in range(3)]
INDICES, X = np.array([0, 2, 1, 2, 2]), RNG.normal(size=5)

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "rows": lambda i, x: total(a * a for a in lookup(T, i)) * x,
    "scalars": lambda i, x: lookup(W, i) * x,
    "one column": lambda i, x: lookup(T, i)[1] * x + T[0][0],
    "two tables": lambda i, x: total(lookup(T, i)) * x + lookup(W, i) * lookup([W[1], W[0], W[2]], i),
    "rows that repeat": lambda i, x: total(lookup([T[0], T[1], T[0]], i)) * x + T[0][1],
    "a row of zeros": lambda i, x: total(lookup([[0.0, 1.0], *T, [W[0], 0.5]], i)) * x,
    "numbers": lambda i, x: lookup([1.0, 2, np.float64(3)], i) * W[0] + lookup([1.0, 2.0, 3.0], i),
    "arrays": lambda i, x: total(lookup(np.arange(12).reshape(3, 4), i)) * x * W[0],
    "arrays of Values": lambda i, x: total(lookup(np.array(T), i)) * x + total(lookup([np.array(row) for row in T], i)),
    "matrices": lambda i, x: lookup([[T[0], T[1]], [T[1], T[2]], [T[2], T[0]]], i)[1][0] * x,
    "results": lambda i, x: lookup([w * x for w in W], i) ** 2,
    "rows of results": lambda i, x: total(lookup([[w * x, x] for w in W], i)) * W[0],
    "inputs": lambda i, x: lookup([x, x * x, 1.0], i) * W[0],
    "a known index": lambda i, x: lookup(W, 2) * lookup(T, np.int32(1))[0] * x,
    "an integer as a number": lambda i, x: (i * W[0] + x) / (1 + i) + where(i == 2, W[1], W[2]) + i**2 - (-i) * abs(x),
    "a derivative by the table": lambda i, x: total(a * a for a in grad(lambda v: lookup(v, i) ** 3 * x)(W)),
    "a derivative by its rows": lambda i, x: total(
        a * a for row in grad(lambda t: total(a**3 for a in lookup(t, i)) * x)(T) for a in row
    ),
    "a derivative by numbers": lambda i, x: total(grad(lambda v: lookup(v, i) ** 2 * x)([0.1, 0.2, 0.3])) * W[0],
    "second derivatives": lambda i, x: grad(grad(lambda t: lookup(W, i) * t**3))(x) + hessian(lambda v: lookup(v, i) ** 3)(W)[1][1],
    "a result that is not used": lambda i, x: [lookup(T, i), x * W[0]][1],
    "what is not chosen": lambda i, x: where(i > 1, log(lookup([-1.0, 0.0, W[2]], i)), W[0]),
}  # fmt: skip


@every_backend
@pytest.mark.parametrize("name", FUNCTIONS)
def test_lookups_agree_with_the_eager_engine(name: str, backend: str) -> None:
    f, oracle = FUNCTIONS[name], FUNCTIONS[name]
    if name == "what is not chosen":
        oracle = lambda i, x: log(W[2]) if i > 1 else W[0]  # noqa: E731
    program = vectorize(f, backend=backend)
    results = program(INDICES, X)
    expected, gradients = eager(oracle, (INDICES, X), program.parameters)
    np.testing.assert_allclose(results, expected, rtol=1e-13)
    np.testing.assert_allclose(program.value_and_gradient(INDICES, X)[1], gradients.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(program.per_example_gradients(INDICES, X), gradients, rtol=1e-13)
    assert program.is_current()


def roots(x: Any) -> list[Any]:
    """Their derivatives are infinite at 0."""
    return [sqrt(W[2] * each) for each in x]


@pytest.mark.parametrize(
    "f",
    [
        lambda i, x: lookup([total(a * b for a, b in zip(row, roots(x))) for row in T], i[0]),
        lambda i, x: total(lookup([w * root for w in W], each) for root, each in zip(roots(x), i)),
    ],
)
def test_what_each_row_depends_on_is_reached_without_a_condition(f: Callable[[Any, Any], Any]) -> None:
    index, x = np.array([[0, 2], [2, 1]]), RNG.random((2, 2))
    program = vectorize(f).record(index, x)
    assert not [each for each in program.program.instructions if getattr(each, "op", None) is greater]
    np.testing.assert_allclose(program.per_example_gradients(index, x), eager(f, (index, x), program.parameters)[1], rtol=1e-13)


def test_a_choice_by_other_integers_may_choose_no_row() -> None:
    program = vectorize(lambda i, x: total(where(i == k, each, 0.0) for k, each in enumerate([w * roots([x])[0] for w in W])))
    assert program.value_and_gradient(np.array([7]), np.zeros(1))[1].tolist() == [0.0, 0.0, 0.0]


@every_backend
def test_a_gradient_adds_up_over_the_lookups_of_a_row(backend: str) -> None:
    """Oracle: numpy by hand. Rows that no example looks up have the derivative 0."""
    table, w = values(7, 3), values(3)
    index, weights = RNG.integers(0, 6, (40, 4)), RNG.normal(size=40) * (RNG.random(40) < 0.7)
    f = lambda x: total(a * b for each in x for a, b in zip(lookup(table, each), w))  # noqa: E731
    for dtype, threads, tolerance in ((np.float64, None, 1e-13), (np.float64, 2, 1e-13), (np.float32, None, 1e-5)):
        program = vectorize(f, backend=backend, dtype=dtype, threads=threads)
        numbers = np.array([[each.data for each in row] for row in table])
        expected = np.zeros((7, 3))
        np.add.at(expected, index, np.array([each.data for each in w]) * np.ones((40, 4, 3)) / 40)
        _, gradient = program.value_and_gradient(index)
        layout = program.layout
        found = layout.to([each for row in table for each in row], gradient).reshape(7, 3)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
        assert not found[6].any()
        np.testing.assert_allclose(layout.to(w, gradient), numbers[index].sum(axis=(0, 1)) / 40, rtol=tolerance, atol=tolerance)
        rows = program.per_example_gradients(index)
        found, _ = program.value_and_gradient(index, weights=weights)[::-1]
        np.testing.assert_allclose(found, weights @ rows, rtol=tolerance, atol=10 * tolerance)


def test_gradients_of_lookups_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    table, index = values(9, 4), RNG.integers(0, 9, (6, 5))
    program = vectorize(lambda x: total(a**3 for each in x for a in lookup(table, each)))
    gradient = (
        program.layout.to([each for row in table for each in row], program.value_and_gradient(index)[1]) if program(index).size else 0
    )
    weight = torch.tensor([[each.data for each in row] for row in table], dtype=torch.float64, requires_grad=True)
    (torch.nn.functional.embedding(torch.tensor(index), weight) ** 3).sum().div(6).backward()
    np.testing.assert_allclose(gradient, weight.grad.numpy().ravel(), rtol=1e-12)


def test_eager_lookups_are_the_rows_themselves() -> None:
    assert lookup(W, 1) is W[1]
    assert lookup(T, np.int64(2)) is T[2]
    assert lookup([1.0, 2.0], True) == 2.0


@pytest.mark.parametrize("index", [-1, 3, 10**30])
def test_an_eager_index_out_of_range_is_refused(index: int) -> None:
    with pytest.raises(IndexError, match=rf"^lookup at index {index} of a table with 3 rows: the index goes from 0 to 2$"):
        lookup(W, index)


@pytest.mark.parametrize("index", [1.0, "1", None, np.array([1, 2]), Value(1.0)])
def test_an_index_that_is_no_integer_is_refused(index: Any) -> None:
    with pytest.raises(TypeError, match=r"^lookup takes an integer as index, got"):
        lookup(W, index)


@every_backend
def test_indices_are_checked_before_anything_runs(backend: str) -> None:
    table = values(3, 2)
    program = vectorize(lambda i, x: total(lookup(table, i)) + lookup(W[:2], x[1]) + x[0], backend=backend)
    good = np.array([0, 1, 2]), np.array([[9, 1], [-9, 0], [9, 1]])
    program(*good)
    for calls in (program, program.mean, program.value_and_gradient, program.per_example_gradients, program.check):
        with pytest.raises(IndexError, match=r"^i is 3 in example 2, and lookup takes an index from 0 to 2 there$"):
            calls(np.array([0, 1, 3]), good[1])
        with pytest.raises(IndexError, match=r"^x\[1\] is -1 in example 1, and lookup takes an index from 0 to 1 there$"):
            calls(good[0], np.array([[0, 1], [0, -1], [0, 1]]))
    weighted = program.value_and_gradient(np.array([0, 1, -1]), good[1], weights=np.array([1.0, 2.0, 0.0]))
    kept = program.value_and_gradient(np.array([0, 1]), good[1][:2], weights=np.array([1.0, 2.0]))
    np.testing.assert_allclose(weighted[1], kept[1], rtol=1e-14)
    with pytest.raises(IndexError, match=r"^i is 7 in example 1,"):
        program.value_and_gradient(np.array([0, 7, -1]), good[1], weights=np.array([1.0, 2.0, 0.0]))
    with pytest.raises(TypeError, match=r"^i is an index for lookup: it must have an integer dtype, got float64$"):
        program(good[0] * 1.0, good[1])


REFUSED: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "a list": (lambda i: W[i], TraceError, "the index of a traced number (i), at"),
    "a string": (lambda i: ord("abc"[i]), TraceError, "Instead of table[i], write lookup(table, i)."),
    "a range": (lambda i: sum(range(i)), TraceError, "write lookup(table, i)"),
    "a dict": (
        lambda i: {0: 1.0}[i],
        TraceError,
        "i is a traced number and no key: instead of table[i], write lookup(table, i) with a list",
    ),
    "a sum": (
        lambda i: lookup(W, i + 1),
        TypeError,
        "lookup takes an integer as index, got a result of add: pass the index as an argument",
    ),
    "ragged rows": (lambda i: lookup([[1.0], [1.0, 2.0]], i), ValueError, "the same length, got rows of lengths [1, 2]"),
    "no rows": (lambda i: lookup([], i), ValueError, "the same length, got no entries"),
    "empty rows": (lambda i: lookup([[], []], i), ValueError, "the same length, got no entries"),
    "no table": (lambda i: lookup(3.0, i), TypeError, "lookup takes a list of Values and numbers, or of rows of them"),
    "a dict as table": (lambda i: lookup({0: 1.0}, i), TypeError, "got dict {0: 1.0}"),
    "text": (lambda i: lookup(["a", "b"], i), TypeError, "expected a real number"),
    "rows and numbers": (lambda i: lookup([1.0, [2.0]], i), TypeError, "expected a real number"),
    "numbers and rows": (lambda i: lookup([[2.0], 1.0], i), TypeError, "lookup takes a list of Values and numbers, or of rows"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_looked_up_is_refused(name: str) -> None:
    f, error, message = REFUSED[name]
    with pytest.raises(error, match=re.escape(message)):
        vectorize(lambda i: f(i))(INDICES)


def test_a_float_is_no_index() -> None:
    with pytest.raises(TypeError, match=r"^lookup takes an integer as index, got x: pass the index as an argument of integer dtype"):
        vectorize(lambda x: lookup(W, x))(np.zeros(3))
    with pytest.raises(TraceError, match=r"Instead of table\[i\], pass i as an argument of integer dtype and write lookup\(table, i\)."):
        vectorize(lambda x: W[x])(np.zeros(3))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint64, list])
def test_every_integer_dtype_gives_integers(kind: Any) -> None:
    index = INDICES.tolist() if kind is list else INDICES.astype(kind)
    np.testing.assert_array_equal(vectorize(lambda i: lookup(W, i) * i)(index), [W[each].data * each for each in INDICES])


def test_one_program_serves_integers_and_floats_where_nothing_is_looked_up() -> None:
    program = vectorize(lambda i: W[0] * i)
    np.testing.assert_array_equal(program(INDICES), program(INDICES * 1.0))
    assert len(program._compiled) == 1


def test_a_table_is_one_object_in_the_graph() -> None:
    table = values(300, 4)
    program = vectorize(lambda x: total(a * a for each in x for a in lookup(table, each))).record(np.zeros((2, 5), int))
    assert len(program.parameters) == 1200
    assert len(program._latest._graph_of_call.scalars.nodes) < 60  # type: ignore[union-attr]
    assert "theta.reshape(300, 4)" in program.source


def test_a_table_that_is_also_a_matrix_is_one_slice() -> None:
    table = values(4, 3)
    program = vectorize(lambda i: total(log(1 + sum(a * b for a, b in zip(row, lookup(table, i))) ** 2) for row in table)).record(INDICES)
    assert "theta[" not in program.source


def test_a_table_can_change_while_the_function_runs() -> None:
    def f(i: Any, x: Any) -> Any:
        table: list[Any] = [W[0], W[1], W[2]]
        found = []
        for each in (W[2], W[2] * x, 3.0):
            found.append(lookup(table, i))
            table[1] = each
        return total([*found, lookup(table, i)])

    program = vectorize(f)
    results = program(INDICES, X)
    expected, gradients = eager(f, (INDICES, X), program.parameters)
    np.testing.assert_allclose(results, expected, rtol=1e-14)
    np.testing.assert_allclose(program.value_and_gradient(INDICES, X)[1], gradients.mean(axis=0), rtol=1e-14)


def test_a_program_knows_whether_its_tables_are_current() -> None:
    table: list[Any] = values(3)
    program = vectorize(lambda i: lookup(table, i))
    program(INDICES)
    table[1].data = 7.0
    assert program.is_current()
    assert program(INDICES)[2] == 7.0
    table[1] = Value(8.0)
    assert not program.is_current()
    counter = itertools.count()
    with pytest.raises(TraceError, match="another program each time"):
        vectorize(lambda i: lookup([Value(float(next(counter))) for _ in range(3)], i))(INDICES)


def test_values_made_inside_are_parameters_of_a_table() -> None:
    np.testing.assert_array_equal(vectorize(lambda i: lookup([Value(1.0), Value(2.0), Value(5.0)], i))(INDICES), [1.0, 5.0, 2.0, 5.0, 5.0])


@every_backend
def test_descent_looks_up_rows(backend: str) -> None:
    table = values(4, 2)
    index, targets = RNG.integers(0, 4, (30, 2)), RNG.normal(size=30)
    f = lambda i, y: (total(a * b for a, b in zip(lookup(table, i[0]), lookup(table, i[1]))) - y) ** 2  # noqa: E731
    rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    program = vectorize(f, backend=backend).record(index, targets)
    theta, by_hand = program.parameter_vector(), program.parameter_vector()
    batches = RNG.integers(0, 30, (5, 8))
    program.descent(rule, index, targets, parameters=theta).take([0.1] * 5, rows=batches)
    for rows in batches:
        by_hand -= 0.1 * program.value_and_gradient(index[rows], targets[rows], parameters=by_hand)[1]
    np.testing.assert_allclose(theta, by_hand, rtol=1e-12)
    with pytest.raises(IndexError, match=r"^i\[0\] is \d in example 0"):
        program.descent(rule, index + 4, targets, parameters=theta)


def test_a_table_with_more_rows_than_float32_can_count_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "EXACT_IN_FLOAT32", 2)
    f = lambda i, x: lookup(W, i) * x  # noqa: E731
    assert vectorize(f)(INDICES, X).shape == (5,)
    with pytest.raises(ValueError, match="i is an index of 3 rows, and float32 has whole numbers up to 2 only: use float64"):
        vectorize(f, dtype=np.float32)(INDICES, X)


def test_source_and_exports_look_up_rows(tmp_path: Path) -> None:
    program = vectorize(lambda i, x: total(lookup(T, i[1])) * x + i[0] ** -1 * lookup([w * x for w in W], i[1]))
    index = np.stack([INDICES + 1, INDICES], axis=1)
    cost, gradient = program.value_and_gradient(index, X)
    found = pasted(program, index, X)
    assert found[0] == pytest.approx(cost, rel=1e-14)
    np.testing.assert_allclose(found[1], gradient, rtol=1e-13)
    program.export(tmp_path / "rows.py")
    namespace: dict[str, Any] = {}
    exec((tmp_path / "rows.py").read_text(), namespace)
    np.testing.assert_allclose(namespace[program.name](index, X, namespace["parameters"])[1], gradient, rtol=1e-13)
    program.export(tmp_path / "rows.c")
    assert "look_up(3, 2" in (tmp_path / "rows.c").read_text()


def test_anomaly_mode_and_primitives_work_with_lookups() -> None:
    square = primitive(lambda y, x: 2 * x)(lambda x: x * x)
    program = vectorize(lambda i, x: square(lookup(W, i)) / x)
    with anomaly():
        program(INDICES, X)
        with pytest.raises(FloatingPointError, match="gave inf"):
            program(INDICES, np.zeros(5))


def test_training_takes_integers_as_numbers() -> None:
    rows, targets = RNG.integers(0, 5, (20, 3)), RNG.normal(size=20)
    models = [MLP([3, 4, 1], seed=0) for _ in range(2)]
    for model, given in zip(models, (rows, rows * 1.0)):
        train(model, given, targets, cost=squared_error, optimizer=SGD(0.01), epochs=3)
    assert models[0].state_dict() == models[1].state_dict()
