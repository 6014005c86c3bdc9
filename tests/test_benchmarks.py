"""The yardsticks of the benchmarks measure nothing unless they are right."""

from pathlib import Path

import numpy as np
import pytest

from autograd import Value, relu, sigmoid, total
from nn import MLP
from tests.benchmarks import by_hand, sections


@pytest.mark.parametrize("batch", [1, 3, by_hand.WIDE])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_digits_by_hand_have_the_gradient_of_the_scalar_engine(batch: int, dtype: type) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.random((batch, 7)), rng.random((batch, 3))
    model = MLP([7, 5, 4, 3], activation=sigmoid, output_activation=sigmoid, seed=1)
    cost = total((a - t) ** 2 for x, y in zip(X.tolist(), Y.tolist()) for a, t in zip(model(x), y)) / batch
    cost.backward()
    hand = by_hand.Digits([7, 5, 4, 3], batch, dtype)
    agrees(hand, model, cost, X.astype(dtype), Y.astype(dtype))


@pytest.mark.parametrize("batch", [3, by_hand.WIDE])
def test_moons_by_hand_have_the_gradient_of_the_scalar_engine(batch: int) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(batch, 2)), rng.choice([-1.0, 1.0], batch)
    model = MLP([2, 16, 16, 1], activation=relu, seed=1)
    hinges = [relu(1 - y * model(x)[0]) for x, y in zip(X.tolist(), Y.tolist())]
    cost = total(hinges) / batch + by_hand.Moons.decay * total(p * p for p in model.parameters())
    cost.backward()
    agrees(by_hand.Moons([2, 16, 16, 1], batch), model, cost, X, Y)


def test_moons_for_numba_are_those_by_hand() -> None:
    pytest.importorskip("numba", reason="numba is a peer to be timed, where it is installed")
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 2)), rng.choice([-1.0, 1.0], 30)
    theta, hand = rng.normal(size=337), by_hand.Moons([2, 16, 16, 1], len(X))
    hand.set(theta)
    cost = sections.numba_step(theta, X, Y, 0.1)()
    assert cost == pytest.approx(hand.step(X, Y, 0.1), rel=1e-12)
    neurons = hand.parameters.copy()
    hand.set(theta)
    np.testing.assert_allclose(hand.parameters, neurons, rtol=1e-10)


def agrees(hand: by_hand.ByHand, model: MLP, cost: Value, X: by_hand.Array, Y: by_hand.Array) -> None:
    tolerance = 1e-12 if hand.gradient.dtype == np.float64 else 1e-4
    hand.set(np.array([p.data for p in model.parameters()]))
    before = hand.parameters.copy()
    assert np.isclose(hand.step(X, Y, 0.5), cost.data, rtol=tolerance)
    gradient = np.array([p.grad for p in model.parameters()])
    np.testing.assert_allclose(hand.gradient_by_neurons(), gradient, rtol=tolerance, atol=tolerance * abs(gradient).max())
    np.testing.assert_allclose(hand.parameters, before - 0.5 * hand.gradient, rtol=1e-6)


def test_the_expression_in_straight_lines_has_the_gradient_of_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUDGE_CACHE", str(tmp_path / "cache"))
    value, by_a, by_b = sections.straight_line(-4.0, 2.0)
    assert value == pytest.approx(24.70408163265306, rel=1e-12)
    assert by_a == pytest.approx(sections.readme(Value), rel=1e-12)
    if sections.has_compiler():
        replayed, gradient = sections.replayed()()
        assert (replayed, *gradient) == pytest.approx((value, by_a, by_b), rel=1e-12)
