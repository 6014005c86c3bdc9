"""Stage 2 of vectorize: folding, merging, dropping, and flattening sums."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value, exp, tanh, total, vectorize, weighted_sum, where
from autograd.vectorize.record import record
from autograd.vectorize.simplify import simplify
from tests.programs import eager

W = [Value(float(number)) for number in range(1, 5)]


def simplified(f: Callable[..., Any], inputs: int = 4) -> str:
    """The simplified graph's instructions without their operands, for a function of one list."""
    graph, batched = simplify(record(f, [(inputs,)], ["x"])[0])
    assert len(batched) == len(graph.nodes)
    return " ".join(op if isinstance(op, str) else op.name for op, _ in graph.nodes if op not in ("input", "parameter", "constant"))


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: x[0] + 0, ""),
        (lambda x: 0 + x[0], ""),
        (lambda x: x[0] - 0.0, ""),
        (lambda x: 1 * x[0] * 1, ""),
        (lambda x: x[0] / 1, ""),
        (lambda x: x[0] ** 1, ""),
        (lambda x: x[0] ** 0, ""),
        (lambda x: -1.0 * -x[0], ""),
        (lambda x: where(True, x[0], x[1]), ""),
        (lambda x: -1 * x[0], "negative"),
        (lambda x: 0 - x[0], "negative"),
        (lambda x: x[0] / 4, "multiply"),
        (lambda x: x[0] / 1e308, "divide"),
        (lambda x: 2e30 * (x[0] * 1e-30), "multiply"),
        (lambda x: 1e200 * (1e200 * x[0]), "multiply multiply"),
        (lambda x: 1e-200 * (x[0] * 1e-200), "multiply multiply"),
        (lambda x: 3e200 * x[0] - x[1] - x[2] - 1e200 * (1e200 * x[3]), "dot add multiply multiply subtract subtract"),
        (lambda x: x[0] * x[0], "power"),
        (lambda x: exp(x[0]) * 2 + exp(x[0]), "exp multiply add"),
        (lambda x: [tanh(x[0]), exp(x[1])][0], "tanh"),
        (lambda x: x[0] + x[1], "add"),
        (lambda x: 1 - x[0], "subtract"),
        (lambda x: x[0] + x[1] + x[2], "total"),
        (lambda x: total(x) + x[0] - x[0] + (x[1] - x[1]) * 2, "total"),
        (lambda x: sum(w * each for w, each in zip(W, x)), "dot"),
        (lambda x: weighted_sum(W, x), "dot"),
        (lambda x: weighted_sum([*x, *W], [*x, *x]), "dot dot add"),
        (lambda x: sum(w * each for w, each in zip(W[:3], x)) + W[3] - x[3], "dot add subtract"),
        (lambda x: sum(w * w for w in W), "dot"),
        (lambda x: 2 * x[0] + 3 * x[1] + 4 * x[2], "dot"),
        (lambda x: 0.0 * W[0] + W[1] * x[0], "dot"),
        (lambda x: 2 * (x[0] + x[1] + x[2]) + 2 * x[3], "total multiply"),
        (lambda x: tanh(x[3]) - x[0] * x[1] - x[1] * x[2], "tanh dot subtract"),
        (lambda x: x[0] ** 2 + x[1] ** 2 + x[2] ** 3, "power dot add"),
        (lambda x: sum(n * (a * a) for n, a in zip([5, 6, 7, 7], x)), "dot dot dot multiply multiply add multiply add"),
        (lambda x: sum(n * (a * a) for n, a in zip([5, 6, 7, 8], x)), "power " * 4 + "multiply multiply add multiply add multiply add"),
        (
            lambda x: sum(n * (a * b) for n, a, b in zip([5, 6, 7, 1, 1], [*x, x[0]], [*x, x[1]])),
            "dot " * 4 + "multiply multiply add multiply add add",
        ),
        (
            lambda x: sum(n * (a * b) for n, a, b in zip([5, 6, 7, -1, -1], [*x, x[0]], [*x, x[1]])),
            "dot " * 4 + "multiply multiply add multiply add subtract",
        ),
        (lambda x: (x[0] > 0) + (x[1] > 0), "greater greater add"),
        (lambda x: (x[0] > 0) * x[1], "greater multiply"),
    ],
)
def test_a_function_becomes_few_nodes(f: Callable[..., Any], expected: str) -> None:
    assert simplified(f) == expected


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 5 - weighted_sum([2.0, W[1], x[3]], [x[0], x[1], 3.0]),
        lambda x: 5 - weighted_sum([2.0, 3.0, W[1]], [x[0], 4.0, x[1]]),
        lambda x: 2 * (3 * x[0] - x[1] * 4) - (x[2] - 7 * (x[3] + 1)) * 2,
        lambda x: [x[0], sum(w - w for w in W)],
        lambda x: -x[0] - x[1] * x[2] - W[1] * W[2] - 3 * W[3],
    ],
)
def test_sums_keep_their_signs_and_numbers(f: Callable[..., Any]) -> None:
    rows = np.array([[0.5, -1.0, 2.0, 4.0], [3.0, 0.25, -2.0, 1.0]])
    np.testing.assert_allclose(vectorize(f)(rows), eager(f, [rows], [])[0], rtol=1e-14)


def test_a_short_sum_stays_beside_longer_ones() -> None:
    assert simplified(lambda x: [sum(x[i:j]) for i, j in ((0, 1), (1, 3), (3, 6))], 6) == "total total total"
    assert simplified(lambda x: [sum(x[i:j]) for i, j in ((0, 1), (1, 3))], 4) == "add"
    assert simplified(lambda x: [sum(x[i] * x[i + n] for i in range(n)) for n in (1, 2)]) == "dot dot"
    assert simplified(lambda x: [sum(x[i] * x[i + 1] for i in range(1)), tanh(x[0] + x[1] + x[2])]) == "multiply total tanh"
    assert simplified(lambda x: [weighted_sum(W, x), sum(x[i] * x[i + 1] for i in range(1))]) == "dot multiply"


def test_constants_fold_to_numbers() -> None:
    graph, _ = simplify(record(lambda x: (x[0] ** 0 + 2.0) + x[0] * 0.5, [(1,)], ["x"])[0])
    assert [operands for op, operands in graph.nodes if op == "constant"] in ([(3.0,), (0.5,)], [(0.5,), (3.0,)])


def test_a_sum_ends_where_a_part_is_used_again() -> None:
    def f(x: Any) -> Any:
        part = x[0] + x[1] + x[2]
        return [part, part + x[3] + x[0]]

    assert simplified(f) == "total total"


@pytest.mark.parametrize(
    "f",
    [
        lambda x: weighted_sum(W, x) + sum(w * w for w in W) + W[0],
        lambda x: sum(w * w for w in W) + sum(w * each for w, each in zip(W, x)) + W[0],
        lambda x: weighted_sum([*W, *W], [*W, *x]) + W[0],
        lambda x: weighted_sum([*x, *W], [*W, *W]) + W[0],
    ],
)
def test_what_does_not_depend_on_the_example_is_added_first(f: Callable[..., Any]) -> None:
    graph, batched = simplify(record(f, [(4,)], ["x"])[0])
    kinds = [(op if isinstance(op, str) else op.name, depends) for (op, _), depends in zip(graph.nodes, batched)]
    assert sorted(each for each in kinds if each[0] in ("add", "dot")) == [("add", False), ("add", True), ("dot", False), ("dot", True)]
