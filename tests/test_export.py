"""Programs as files that stand alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value, sigmoid, tanh, vectorize
from nn import MLP, squared_error

X, Y = np.random.default_rng(0).normal(size=(5, 3)), np.ones((5, 2))


@pytest.fixture
def program() -> Any:
    model = MLP([3, 4, 2], activation=tanh, output_activation=sigmoid, seed=1)

    def cost(x: Any, y: Any) -> Any:
        return squared_error(model(x), y)

    return vectorize(cost).record(X, Y)


@pytest.mark.parametrize("gradient", [True, False])
def test_a_module_needs_numpy_only_and_gives_the_same(program: Any, gradient: bool, tmp_path: Path) -> None:
    program.export(tmp_path / "step.py", gradient)
    call = f"step.cost(np.array({X.tolist()}), np.array({Y.tolist()}), step.parameters)"
    script = f"import numpy as np, step; print([np.asarray(each).tolist() for each in {call}])"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {script}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    returned = json.loads(done.stdout)
    if gradient:
        cost, slope = program.value_and_gradient(X, Y)
        assert returned[0] == pytest.approx(cost, rel=1e-13)
        np.testing.assert_allclose(returned[1], slope, rtol=1e-12)
    else:
        np.testing.assert_allclose(returned, program(X, Y), rtol=1e-13)
    assert "autograd" not in (tmp_path / "step.py").read_text()


@pytest.mark.parametrize("gradient", [True, False])
def test_c_compiles_by_itself_and_shows_its_use(program: Any, gradient: bool, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no cc to compile it with")
    program.export(tmp_path / "step.c", gradient)
    command = [compiler, "-std=c99", "-O1", "-Wno-psabi", "-DEXAMPLE", "step.c", "-o", "step", "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert not done.returncode, done.stderr
    printed = subprocess.run([tmp_path / "step"], capture_output=True, text=True, check=True).stdout
    *words, cost, first = printed.split()
    zeros = np.zeros((1, 3)), np.zeros((1, 2))
    if gradient:
        expected, slope = program.value_and_gradient(*zeros)
        assert " ".join(words) == "cost, and the first of the gradient:"
        assert [float(cost), float(first)] == pytest.approx([expected, slope[0]], rel=1e-12)
    else:
        assert " ".join(words) == "no cost, and the first result:"
        assert float(first) == pytest.approx(program(*zeros)[0], rel=1e-12)


def test_another_ending_is_refused_and_nothing_is_known_before_a_call(program: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot export to 'step.rs': the name must end in .py or .c"):
        program.export(tmp_path / "step.rs")
    with pytest.raises(RuntimeError, match=r"export\(\) is known once"):
        vectorize(lambda x: x).export(tmp_path / "step.c")
    assert not list(tmp_path.iterdir())


def test_a_program_without_parameters_is_exported_too(tmp_path: Path) -> None:
    vectorize(lambda x: x * x).record(np.ones(2)).export(tmp_path / "square.py")
    names: dict[str, Any] = {}
    exec((tmp_path / "square.py").read_text(), names)
    assert names["f"](np.array([3.0])).tolist() == [9.0]
    assert "parameters" not in names


def test_what_was_learned_is_in_the_file(tmp_path: Path) -> None:
    w = Value(0.125)
    program = vectorize(lambda x: w * x).record(np.ones(2))
    w.data = -7.0625
    program.export(tmp_path / "line.c")
    assert "static const double parameters[] = {\n    -7.0625,\n};" in (tmp_path / "line.c").read_text()
