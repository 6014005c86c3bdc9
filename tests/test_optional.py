"""Without the optional packages: the engine and the networks import and work, and what needs a package says which."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

WITHOUT = """
import sys
for name in ("pygraphviz", "tqdm", "matplotlib", "scipy", "IPython"):
    sys.modules[name] = None  # importing it raises ImportError

"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT + script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_engine_and_the_networks_import_and_train_on_numpy_alone() -> None:
    done = run(
        "from autograd import Value, draw\n"
        "from nn import MLP, moons, train\n"
        "X, Y = moons(20, seed=0)\n"
        "print(len(train(MLP([2, 3, 1]), X, Y, epochs=2).cost))\n"
        "print(draw(Value(1.0) * 2).dot[:7])\n"
    )
    assert (done.returncode, done.stdout) == (0, "2\ndigraph\n"), done.stderr
    assert done.stderr.startswith("epoch 2/2, cost ")


def test_a_picture_says_what_is_missing(tmp_path: Path) -> None:
    done = run(f"from autograd import Value, draw\ndraw(Value(1.0) * 2).save({str(tmp_path / 'y.png')!r})\n")
    assert "RuntimeError: drawing a .png file needs Graphviz" in done.stderr
    assert 'pip install "pygraphviz>=2.0" (the extra `draw`)' in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_terminal_is_told_what_a_bar_needs() -> None:
    done = run(
        "sys.stderr.isatty = lambda: True\n"
        "from nn import MLP, moons, train\n"
        "X, Y = moons(20, seed=0)\n"
        "train(MLP([2, 3, 1]), X, Y, epochs=2)\n"
    )
    assert done.stderr.startswith("a progress bar needs tqdm: pip install tqdm. Progress is printed as lines instead")
    assert "epoch 2/2, cost " in done.stderr


def test_importing_the_kernel_of_notebooks_does_not_make_one() -> None:
    script = "import ipykernel\nfrom nn import MLP, moons, train\nX, Y = moons(20, seed=0)\ntrain(MLP([2, 3, 1]), X, Y, epochs=2)\n"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, types\nsys.modules['ipykernel'] = types.ModuleType('ipykernel')\n{script}"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stderr.splitlines()[0].startswith("epoch 2/2, cost ")
    assert len(done.stderr.splitlines()) == 1


def test_the_import_says_that_another_autograd_is_installed(tmp_path: Path) -> None:
    (tmp_path / "autograd").mkdir()
    (tmp_path / "autograd" / "tracer.py").touch()
    script = f"import sys; sys.path.append({str(tmp_path)!r})\nimport warnings; warnings.simplefilter('error')\nimport autograd\n"
    done = run(script)
    assert f"RuntimeWarning: {tmp_path} also holds the package autograd of PyPI (HIPS autograd)" in done.stderr
    assert "run `pip uninstall autograd` and install Nudge again, or use an environment for each" in done.stderr


def test_the_import_says_that_another_autograd_has_replaced_files(tmp_path: Path) -> None:
    (tmp_path / "autograd").mkdir()
    (tmp_path / "autograd" / "__init__.py").write_text(f"__path__.append({str(ROOT / 'autograd')!r})\nelementwise_grad = None\n")
    done = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport nn\n")
    assert f"ImportError: {ROOT} has the package autograd of PyPI (HIPS autograd), which has replaced files of Nudge" in done.stderr
