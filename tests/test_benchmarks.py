"""The yardsticks of the benchmarks measure nothing unless they are right."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograd import Value, relu, sigmoid, tanh, total
from nn import MLP, Adam, binary_cross_entropy
from playground import Session
from tests.benchmarks import by_hand, frames, gpt, irregular, peers, sections
from tests.playground.players import Player

ROOT = Path(__file__).parents[1]


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


@pytest.mark.parametrize("batch", [3, by_hand.WIDE])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scores_by_hand_have_the_gradient_of_the_scalar_engine(batch: int, dtype: type) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(batch, 2)), rng.choice([0.0, 1.0], batch)
    model = MLP([2, 16, 16, 1], activation=tanh, seed=1)
    cost = total(binary_cross_entropy(model(x), y) for x, y in zip(X.tolist(), Y.tolist())) / batch
    cost.backward()
    agrees(by_hand.Scores([2, 16, 16, 1], batch, dtype), model, cost, X.astype(dtype), Y.astype(dtype))


def test_the_same_parameters_in_another_batch_size_give_the_same_scores() -> None:
    rng = np.random.default_rng(0)
    few, many = by_hand.Scores([2, 5, 4, 1], 3), by_hand.Scores([2, 5, 4, 1], by_hand.WIDE)
    few.parameters[:], X = rng.normal(size=few.parameters.size), rng.normal(size=(by_hand.WIDE, 2))
    many.take(few)
    np.testing.assert_allclose(many.activate(X)[:3], few.activate(X[:3]), rtol=1e-12)
    again = by_hand.Scores([2, 5, 4, 1], 3)
    again.take(many)
    np.testing.assert_array_equal(again.parameters, few.parameters)


def test_frames_by_hand_are_those_of_the_session() -> None:
    player = Player(seed=0)
    by_numpy, what = frames.Frames(player.session.experiment), {"maps": frames.MAP, "boundary": frames.BOUNDARY}
    content, told = by_numpy.frame(**what), player("frame", **what, parameters=True, gradient=True)
    arrays = [told[name] for name in ("boundary", "maps", "parameters", "gradient")]
    assert len(content) - content.index(b"]]") - 2 == sum(each.nbytes for each in arrays)
    drawn = np.frombuffer(content[content.index(b"]]") + 2 :][: arrays[0].nbytes + arrays[1].nbytes], np.float32)
    np.testing.assert_allclose(drawn, np.concatenate([arrays[0].ravel(), arrays[1].ravel()]), atol=2e-6)
    (cost, accuracy), (held_out_cost, held_out_accuracy) = by_numpy.measured()
    assert (cost, held_out_cost) == pytest.approx((told["cost"], told["held_out_cost"]), rel=1e-12)
    assert (accuracy, held_out_accuracy) == (told["accuracy"], told["held_out_accuracy"])


def test_frames_by_hand_learn_as_the_session_does() -> None:
    session = Session(clock=lambda: 0.0)  # a frame takes all its steps, however slow the machine is
    player = Player(session, seed=0, batch_size=None)  # all at once, so that the order of the examples does not matter
    by_numpy = frames.Frames(player.session.experiment)
    player("run")
    for _ in range(3):
        by_numpy.frame(steps=frames.STEPS)
        told = player("frame", steps=frames.STEPS, parameters=True)
    assert [cost for cost, _ in by_numpy.measured()] == pytest.approx([told["cost"], told["held_out_cost"]], rel=1e-9)
    ours, theirs = by_hand.Scores([2, 16, 16, 1], 1), by_hand.Scores([2, 16, 16, 1], 1)
    ours.take(by_numpy.batch)
    theirs.set(told["parameters"])
    np.testing.assert_allclose(ours.parameters, theirs.parameters, rtol=1e-9, atol=1e-12)


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


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (1, 5), (2, 3)])
def test_the_gpt_by_hand_has_the_gradient_of_the_scalar_engine(batch: int, length: int) -> None:
    model, documents = gpt.example(batch, length)
    hand = gpt.by_hand(model, batch, length)
    cost = sum(model.cost(each) for each in documents.tolist()) / batch
    cost.backward()
    value = hand.value_and_gradient(documents)
    assert value == pytest.approx(cost.data, rel=1e-12)
    np.testing.assert_allclose(hand.gradient, [p.grad for p in model.parameters()], rtol=1e-10, atol=1e-14)


def test_steps_by_hand_are_those_of_adam() -> None:
    model, documents = gpt.example(2, 3)
    hand, optimizer = gpt.by_hand(model, 2, 3), Adam(0.01)
    theta = hand.parameters.copy()
    for _ in range(3):
        hand.step(documents, 0.01)
        optimizer.update(theta, hand.gradient)
    np.testing.assert_allclose(hand.parameters, theta, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("peer", ["torch", pytest.param("jax", marks=pytest.mark.soak)])
def test_peers_have_the_cost_of_the_gpt_by_hand(peer: str) -> None:
    pytest.importorskip(peer)
    model, documents = gpt.example(2, 3)
    step, _ = (gpt.torch_step if peer == "torch" else gpt.jax_step)(model, documents)  # takes a step
    hand = gpt.by_hand(model, 2, 3)
    hand.step(documents, gpt.RATE)
    assert step() == pytest.approx(hand.value_and_gradient(documents), rel=1e-5)  # JAX computes in float32 unless told otherwise


@pytest.mark.parametrize("size", [30, 300])
def test_a_random_graph_has_one_value_and_gradient_by_every_way(size: int) -> None:
    tape = irregular.random_tape(size)
    value, gradient = irregular.eager(tape)()
    assert len(tape.codes) == size
    assert set(range(len(tape.leaves), len(tape.leaves) + size - 1)) <= {*tape.left, *tape.right}  # every result is used
    again, derivatives = irregular.straight_line(tape)()
    assert again == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(derivatives, gradient, rtol=1e-9, atol=1e-15)
    assert irregular.compiled(tape, "numpy")()[0] == pytest.approx(value, rel=1e-12)


def test_the_interpreter_of_numba_is_right() -> None:
    pytest.importorskip("numba", reason="numba is a peer to be timed, where it is installed")
    tape = irregular.random_tape(300)
    value, gradient = irregular.eager(tape)()
    again, derivatives = irregular.numba_interpreter(tape)()
    assert again == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(derivatives, gradient, rtol=1e-9, atol=1e-15)


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
    if peers.has_compiler():
        replayed, gradient = sections.replayed()()
        assert (replayed, *gradient) == pytest.approx((value, by_a, by_b), rel=1e-12)


HELD = """
import os, sys
from tests.benchmarks.one_thread import one_thread

def tell():
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    print(os.environ.get("JAX_ENABLE_X64"), cores)

tell()
one_thread()
tell()
assert "numpy" not in sys.modules
"""


def test_a_process_is_held_to_one_thread_when_it_asks_and_not_by_an_import() -> None:
    """Once the import did it: pytest, which looks for doctests in every module, ran all tests on one core."""
    environment = {name: value for name, value in os.environ.items() if name != "JAX_ENABLE_X64"}
    done = subprocess.run([sys.executable, "-c", HELD], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    assert done.stdout.split() == ["None", str(cores), "1", "1"]
