"""The demo of the compiler: its three contestants compute the same, and what it prints is what runs."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value, c_compiler, tanh, vectorize
from demos import compiled


def test_it_prints_the_function_its_source_and_timings_at_three_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiled.main(["--output", str(tmp_path), "--batch", "20", "--hidden", "3", "--rounds", "1"])
    text = capsys.readouterr().out
    assert "def cost(x: Any, y: Any) -> Any:" in text
    assert "z1 = x @ W1.T + b1" in text
    assert "dW1 = dz1.T @ x" in text
    costs = re.findall(r"(eager|compiled|native|numpy by hand) .* us .* x numpy by hand   cost ([\d.]+)", text)
    programs = ["numpy by hand", "compiled", *(["native"] if c_compiler() else [])]
    assert [name for name, _ in costs] == [*programs, "eager", *programs, *programs]
    (one, *_), (mean, *_) = costs, costs[len(programs) :]
    for place, (_, number) in enumerate(costs):  # the last and largest batch is the given one over and over
        assert float(number) == pytest.approx(float(one[1] if place < len(programs) else mean[1]), rel=1e-10)
    assert "The compiled program takes" in text


def test_the_hand_written_gradient_is_right() -> None:
    rng = np.random.default_rng(0)
    W1, b1, W2, X, y = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=3), rng.normal(size=(5, 2)), rng.normal(size=5)
    by_hand = compiled.ByHand(W1, b1, W2, 0.5, len(X))
    cost = by_hand.value_and_gradient(X, y)
    rows, biases = [[Value(w) for w in row] for row in W1.tolist()], [Value(b) for b in b1.tolist()]
    output, bias = [Value(w) for w in W2.tolist()], Value(0.5)

    def f(x: Any, t: Any) -> Any:
        h = [tanh(sum(w * each for w, each in zip(row, x)) + b) for row, b in zip(rows, biases)]
        return (sum(w * each for w, each in zip(output, h)) + bias - t) ** 2

    mean = vectorize(f).mean(X, y)
    mean.backward()
    assert cost == pytest.approx(mean.data, rel=1e-13)
    np.testing.assert_allclose(by_hand.dW1, [[w.grad for w in row] for row in rows], rtol=1e-12)
    np.testing.assert_allclose(by_hand.db1, [b.grad for b in biases], rtol=1e-12)
    np.testing.assert_allclose(by_hand.dW2, [w.grad for w in output], rtol=1e-12)
    assert by_hand.db2 == pytest.approx(bias.grad, rel=1e-12)
