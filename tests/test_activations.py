"""The laboratory for an activation of one's own: checked derivatives, watched units, and rivals on the same problems."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from autograd import relu
from demos import activations
from nn import MLP, History, formula


def test_a_formula_is_checked_watched_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "where(x > 0, x, 0.2 * x)"
    activations.main(["--output", str(tmp_path), "--activation", text, "--epochs", "8", "--points", "60", "--seeds", "2"])
    printed = capsys.readouterr().out
    assert f"f(x) = {text}\nf'  agrees with finite differences at 10 of 10 points" in printed
    assert "f'' agrees with finite differences at 10 of 10 points" in printed
    rows = re.findall(r"^(the formula|\w+) +" + r" +".join([r"([\d.]+)% \((\d+)% to (\d+)%\)"] * 3) + "$", printed, re.MULTILINE)
    assert [row[0] for row in rows] == ["the formula", "tanh", "sigmoid", "relu", "softplus", "sin"]
    for _, *numbers in rows:
        for mean, least, most in np.array(numbers, dtype=float).reshape(3, 3):
            assert least - 0.5 <= mean <= most + 0.5
    assert float(rows[0][4]) > 80  # moons
    assert re.findall(r"^ +(\d+) +0% +0% +0% +0%$", printed, re.MULTILINE) == ["1", "3", "5", "8"]  # this one never goes flat
    assert (tmp_path / "activation.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_units_without_slope_are_counted_as_saturated_and_dead() -> None:
    model = MLP([2, 4, 4, 1], relu, seed=0)
    for neuron in model.layers[0].neurons[:3]:
        neuron.bias.data = -100.0
    for neuron in model.layers[1].neurons:
        neuron.bias.data = 100.0
    X = np.random.default_rng(0).normal(size=(50, 2))
    sums = X @ [weight.data for weight in model.layers[0].neurons[3].weights]
    health = activations.Health(relu, 2)
    health.record(model, History(), X)
    assert health.dead == [[0.75], [0.0]]
    assert health.saturated[0] == [pytest.approx(0.75 + 0.25 * (sums <= 0).mean())]
    assert health.saturated[1] == [0.0]


def test_a_wrong_second_derivative_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    activations.check(formula("abs(x + 1.43) * x"))  # a kink at one of the points
    printed = capsys.readouterr().out
    assert "f'  agrees with finite differences at 9 of 10 points" in printed
    assert "    x = -1.43: WRONG d " in printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x * swich(x)", "argument --activation: unknown name 'swich'; did you mean sinh?\n  x * swich(x)\n      ^"),
    ],
)
def test_what_is_no_formula_is_refused_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    with pytest.raises(SystemExit):
        activations.main(["--output", str(tmp_path / "none"), "--activation", text])
    assert message in capsys.readouterr().err
