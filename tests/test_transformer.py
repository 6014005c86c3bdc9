"""The GPT in scalars: the same numbers eager and compiled, and those that the mathematics asks for."""

import math
import operator
from pathlib import Path

import numpy as np
import pytest

from autograd import BACKENDS, Value, exp, vectorize
from demos import transformer
from demos.transformer import GPT, Memory, normed, softmax
from tests.programs import has


def needs(backend: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not has(backend), reason=f"{backend} is not installed")


SMALL = {"vocabulary": 5, "width": 4, "heads": 2, "length": 8}


@pytest.mark.parametrize(
    ("backend", "length"),
    [("reference", 1), ("reference", 3), ("numpy", 1), ("numpy", 2), ("numpy", 5), pytest.param("native", 3, marks=needs("native"))]
    + [pytest.param(each, 6, marks=[needs(each), pytest.mark.soak]) for each in BACKENDS],
)
def test_the_compiled_cost_and_its_gradient_are_the_eager_ones(backend: str, length: int) -> None:
    model = GPT(**SMALL, seed=3)
    for each in model.parameters():
        each.data *= 8  # so that attention is far from even
    documents = np.random.default_rng(length).integers(5, size=(2, length + 1))
    cost = sum(model.cost(each) for each in documents.tolist()) / 2
    cost.backward()
    program = vectorize(model.cost, backend=backend)
    value, gradient = program.value_and_gradient(documents)
    assert value == pytest.approx(cost.data, rel=1e-12)
    expected = np.array([each.grad for each in model.parameters()])
    np.testing.assert_allclose(program.layout.to(model.parameters(), gradient), expected, rtol=1e-12, atol=1e-12 * abs(expected).max())


def test_with_values_alone_plain_indices_and_max_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = GPT(**SMALL)
    cost = model.cost([0, 3, 2, 0]).data
    monkeypatch.setattr(transformer, "lookup", operator.getitem)
    monkeypatch.setattr(transformer, "largest", max)
    assert model.cost([0, 3, 2, 0]).data == cost
    lines = Path(transformer.__file__).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if ("lookup(" in line or "largest(" in line) and "`" not in line]) <= 4


def test_the_model_of_the_demo_has_4192_parameters() -> None:
    model = GPT(27)
    assert len(model.parameters()) == 4192
    assert dict(model.named_parameters())["blocks[0].query[3][5]"] is model.blocks[0].query[3][5]


def test_a_position_sees_only_those_before_it() -> None:
    model = GPT(**SMALL)
    one, other = model([1, 2, 3, 4]), model([1, 2, 0, 0])
    assert [[each.data for each in scores] for scores in one[:2]] == [[each.data for each in scores] for scores in other[:2]]
    assert one[2][0].data != other[2][0].data


def test_attention_is_a_mean_of_the_values_so_far() -> None:
    model, memory = GPT(**SMALL), Memory()
    (block,) = model.blocks
    for scale in (1.0, -2.0, 0.5):
        read = block.attend([Value(scale * each) for each in (0.3, -0.8, 1.2, 0.1)], memory)
        for head, attention in enumerate(memory.attention[-1]):
            weights = [each.data for each in attention]
            assert len(weights) == len(memory.values)
            assert sum(weights) == pytest.approx(1.0, rel=1e-14)
            for place in (2 * head, 2 * head + 1):
                expected = sum(weight * value[place].data for weight, value in zip(weights, memory.values))
                assert read[place].data == pytest.approx(expected, rel=1e-14)


def test_softmax_of_large_scores_does_not_overflow() -> None:
    chances = softmax([Value(1000.0), Value(1001.0)])
    assert [each.data for each in chances] == pytest.approx([1 / (1 + math.e), math.e / (1 + math.e)], rel=1e-14)
    scores = [Value(0.3), Value(-0.2)]
    softmax(scores)[0].backward()
    chance = 1 / (1 + math.exp(-0.5))
    assert [each.grad for each in scores] == pytest.approx([chance * (1 - chance), -chance * (1 - chance)], rel=1e-14)


def test_a_normed_vector_has_a_mean_square_of_one() -> None:
    numbers = [each.data for each in normed([exp(Value(float(i))) for i in range(4)])]
    assert sum(each**2 for each in numbers) / 4 == pytest.approx(1.0, rel=1e-6)
