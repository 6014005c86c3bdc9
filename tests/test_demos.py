"""The demos, end to end: what they print is true, and what they write is a picture."""

import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib import pyplot
from matplotlib.colors import to_rgb
from PIL import Image, ImageSequence

import demos
from demos import activations, book, compiled, digits, estimate, gallery, learning, many, moons, neuron
from demos.common import Film, save
from nn import MLP, History, plots

ROOT = Path(__file__).parents[1]
DEMOS = [each.name for each in pkgutil.iter_modules(demos.__path__) if each.name not in ("common", "transformer")]
PNG = b"\x89PNG\r\n\x1a\n"


def percent(text: str, what: str) -> float:
    """The percentage after the words `what`."""
    found = re.search(rf"{what}:?\s+([\d.]+)%", text)
    assert found, text
    return float(found[1])


def test_neuron_prints_derivatives_that_nudges_confirm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    neuron.main(["--output", str(tmp_path), "--seed", "4"])
    rows = re.findall(r"(x1|x2|w1|w2|b) +(\S+) +(\S+) +(\S+) = 0.001 x (\S+)", capsys.readouterr().out)
    assert [name for name, *_ in rows] == ["x1", "x2", "w1", "w2", "b"]
    for _, _, derivative, moved, ratio in rows:
        assert float(derivative) == pytest.approx(float(ratio), abs=0.01)
        assert float(moved) == pytest.approx(0.001 * float(ratio), abs=1e-6)
    (written,) = tmp_path.iterdir()
    assert "x1" in written.read_text()


def test_moons_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moons.main(["--output", str(tmp_path)])
    printed = capsys.readouterr().out
    assert percent(printed, "accuracy on the training points") >= 98
    assert percent(printed, "accuracy on 1000 new points") >= 98
    assert (tmp_path / "moons.png").read_bytes().startswith(PNG)


def test_a_demo_writes_the_same_bytes_from_the_same_seed(tmp_path: Path) -> None:
    pictures = []
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        moons.main(["--output", str(tmp_path / folder), "--epochs", "2", "--points", "20", "--seed", seed])
        pictures.append((tmp_path / folder / "moons.png").read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_activations_compare_five_of_which_one_is_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    activations.main(["--output", str(tmp_path), "--problem", "circles", "--epochs", "30"])
    printed = capsys.readouterr().out
    for name in ("tanh", "sigmoid", "relu", "sin", "swish"):
        assert re.search(rf"^{name} .*%", printed, re.MULTILINE)
    assert percent(printed, r"swish +\S+") >= 95
    assert (tmp_path / "activations.png").read_bytes().startswith(PNG)


@pytest.mark.soak
def test_real_digits_are_read_with_64_16_16_10(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    digits.main(["--output", str(tmp_path), "--sizes", "64,16,16,10", "--epochs", "60"])
    printed = capsys.readouterr().out
    assert "sklearn digits: 1438 for training, 359 held out" in printed
    assert "1482 weights and biases" in printed
    assert percent(printed, "held-out accuracy") >= 95
    assert (tmp_path / "digits.png").read_bytes().startswith(PNG)


@pytest.mark.soak
def test_drawn_digits_are_learned_and_the_confusion_adds_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits.main(["--output", str(tmp_path), "--examples", "2000", "--epochs", "5", "--activation", "relu", "--cost", "cross_entropy"])
    printed = capsys.readouterr().out
    assert "13002 weights and biases" in printed
    table = [[int(count) if count != "." else 0 for count in line.split()[1:]] for line in printed.split("predicted")[1].splitlines()[1:11]]
    counts = np.array(table)
    assert counts.shape == (10, 10)
    assert counts.sum() == 400
    assert percent(printed, "held-out accuracy") == pytest.approx(100 * np.trace(counts) / 400)
    assert percent(printed, "held-out accuracy") > 50


@pytest.mark.soak
def test_the_better_recipe_learns_from_images_that_move(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits.main(["--output", str(tmp_path), "--recipe", "better", "--examples", "1000", "--epochs", "5"])
    printed = capsys.readouterr().out
    assert "activation=relu" in printed
    assert percent(printed, "held-out accuracy") > 50


def test_the_images_of_the_better_recipe_move_after_each_epoch() -> None:
    X = np.random.default_rng(1).random((20, 16))
    original, seen, move = X.copy(), [X.copy()], digits.shifting(X, 0)
    for epoch in (1, 2):
        move(None, History(cost=[1.0] * epoch))
        assert np.array_equal(X, digits.shifted(original.astype(np.float32), np.random.default_rng([0, epoch])))
        seen.append(X.copy())
    assert not np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[1], seen[2])


def test_a_run_whose_images_move_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"cannot be resumed, .*: add --recipe plain$"):
        digits.main(["--recipe", "better", "--checkpoint", str(tmp_path / "run.npz"), "--resume"])


def test_an_image_is_shifted_by_a_pixel_at_most() -> None:
    X = np.zeros((60, 16))
    X[:, 5] = np.arange(1, 61)  # row 1, column 1 of 4 x 4
    moved = digits.shifted(X, np.random.default_rng(0))
    assert moved.sum(axis=1).tolist() == X.sum(axis=1).tolist()
    assert {(place // 4, place % 4) for place in moved.argmax(axis=1).tolist()} == {
        (row, column) for row in range(3) for column in range(3)
    }


@pytest.mark.soak
def test_digits_go_on_from_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = ["--output", str(tmp_path), "--examples", "200", "--epochs", "2", "--checkpoint", str(tmp_path / "run.npz")]
    digits.main(usual)
    first = capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"demos\.digits: .*run\.npz exists: write resume=True to continue"):
        digits.main(usual)
    capsys.readouterr()
    digits.main([*usual, "--resume"])
    again = capsys.readouterr().out
    assert percent(first, "held-out accuracy") == percent(again, "held-out accuracy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "mnist"], "--data mnist needs --folder with its four files"),
        (["--data", "drawn", "--folder", "x"], "--folder needs --data mnist"),
        (["--data", "mnist", "--folder", "/nowhere"], "no train-images-idx3-ubyte or .* in /nowhere"),
        (["--examples", "50", "--sizes", "100,10"], r"--sizes must start with 784 \(pixels\) and end with 10 \(digits\), got 100,10"),
        (["--resume"], "--resume needs the checkpoint to resume from: add --checkpoint PATH"),
        (["--examples", "50", "--learning-rate", "nan"], "learning rate must be a finite number"),
    ],
)
def test_digits_say_in_one_line_what_is_wrong(tmp_path: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=f"^demos.digits: .*{message}"):
        digits.main(["--output", str(tmp_path), *arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "it must be at least 1"),
        (["--sizes", "784,x"], "'784,x' is not a list of sizes such as 784,16,16,10"),
        (["--output", "{file}"], "cannot write to the folder .*: File exists"),
    ],
)
def test_options_are_checked_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        digits.main([each.format(file=tmp_path / "file") for each in arguments])
    assert re.search(message, capsys.readouterr().err)


def files(*folders: Path) -> dict[Path, tuple[int, int]]:
    """The size and the time of the last change of each file, and each folder."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for folder in folders for path in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize("name", DEMOS)
def test_help_prints_the_usage_of_every_demo_and_writes_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path, ROOT / "docs" / "gallery")
    demo = importlib.import_module(f"demos.{name}")
    with pytest.raises(SystemExit) as stop:
        demo.main(["--help"])
    printed = capsys.readouterr().out
    assert stop.value.code == 0
    assert printed.startswith("usage: python -m demos.")
    assert str(demo.__doc__).split()[0] in printed
    assert re.search(r"--seed SEED +the seed of all random numbers", printed)
    assert re.search(r"--output OUTPUT\s+the folder for the files that it writes", printed)
    assert "(default: None)" not in printed
    assert files(tmp_path, ROOT / "docs" / "gallery") == before


@pytest.mark.parametrize("name", DEMOS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "-1"], "argument --seed: '-1' is not an integer of at least 0"),
        (["--output", "file/inside"], "argument --output: cannot write to the folder file/inside: Not a directory"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_every_demo_refuses_wrong_options_before_it_starts(
    name: str, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "many":
        pytest.importorskip("jax")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(f"demos.{name}").main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("demo", "arguments"), [(moons, ["--backend", "jax"]), (digits, ["--backend", "jax"]), (many, [])])
def test_a_back_end_that_is_not_installed_is_refused_before_anything_is_drawn(
    demo: Any, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.delitem(sys.modules, "autograd.vectorize.backends.jax", raising=False)
    monkeypatch.delattr(demo, "digits" if demo is not moons else "train")
    with pytest.raises(SystemExit) as stop:
        demo.main([*arguments, "--output", str(tmp_path)])
    assert stop.value.code == 2
    assert 'argument --backend: backend="jax" needs jax: pip install "jax>=0.6" (the extra `jax`)' in capsys.readouterr().err


def test_a_missing_compiler_is_refused_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("demos.common.c_compiler", lambda: None)
    with pytest.raises(SystemExit):
        moons.main(["--backend", "native"])
    assert 'argument --backend: backend="native" needs a C compiler: pip install ziglang (the extra `native`)' in capsys.readouterr().err


def test_without_a_compiler_a_demo_trains_with_numpy_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("demos.common.c_compiler", lambda: None)
    moons.main(["--output", str(tmp_path), "--epochs", "1", "--points", "20"])
    assert "training with numpy; faster training needs a C compiler: pip install ziglang (the extra `native`)" in capsys.readouterr().out


def test_the_gallery_passes_its_seed_and_its_folder_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    for name in DEMOS:
        if name != "gallery":
            monkeypatch.setattr(f"demos.{name}.main", asked.append)
    gallery.main(["--output", str(tmp_path), "--seed", "3"])
    assert len(asked) == 10
    assert all(each[:4] == ["--output", str(tmp_path), "--seed", "3"] for each in asked)


@pytest.mark.soak
def test_many_processes_learn_to_read_and_print_only_their_own_words(tmp_path: Path) -> None:
    """The oracle of the words is the source of the demo; the accuracy is that of the same training in one process, about 93 %."""
    pytest.importorskip("jax")
    command = [sys.executable, "-m", "demos.many", "--output", str(tmp_path), "--examples", "2000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert percent(done.stdout, "accuracy on 1000 new digits") > 80
    head, *lines = done.stdout.splitlines()
    assert head.startswith("2 processes draw 2000 digits and learn to read them")
    assert [line.split()[0] for line in lines if line] == ["Each", "process", "0", "1", "accuracy", "accuracy", "wrote"]
    assert len({line.split()[-1] for line in lines[3:5]}) == 1  # both have learned the same
    assert MLP.load(tmp_path / "many.npz").sizes == [784, 16, 16, 10]


def test_estimates_come_closer_to_the_full_gradient_with_more_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estimate.main(["--output", str(tmp_path), "--examples", "200", "--batches", "20", "--epochs", "1"])
    rows = re.findall(r"^ +(\d+) +(\d+) ° +(\S+) ", capsys.readouterr().out, re.MULTILINE)
    assert [int(size) for size, *_ in rows] == [1, 10, 100, 200]
    angles, lengths = ([float(row[column]) for row in rows] for column in (1, 2))
    assert min(angles[:2]) > angles[2] > angles[3] == 0
    assert lengths[3] == 1
    assert (tmp_path / "estimate.png").read_bytes().startswith(PNG)


def test_a_picture_holds_the_texts_and_the_boxes_of_its_panels(tmp_path: Path) -> None:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(6, 3), layout="constrained")
    left.plot([1, 2], label="one line")
    left.set(title="the left one", xlabel="x")
    left.legend()
    left.twinx().set_ylabel("a twin")
    right.set_title("the right one")
    save(figure, tmp_path / "two.png")
    first, second = json.loads(Image.open(tmp_path / "two.png").text["panels"])  # type: ignore[attr-defined]
    assert first["texts"] == ["the left one", "x", "one line", "a twin"]
    assert second["texts"] == ["the right one"]
    assert first["box"][0] + first["box"][2] < second["box"][0] + 0.02
    for left_edge, top, width, height in (first["box"], second["box"]):
        assert -0.02 < left_edge < left_edge + width < 1.02
        assert -0.02 < top < top + height < 1.02


def test_the_compiled_demo_writes_the_program_that_it_shows(tmp_path: Path) -> None:
    compiled.main(["--output", str(tmp_path), "--batch", "3", "--hidden", "2", "--rounds", "1"])
    subprocess.run([sys.executable, tmp_path / "compiled.py"], check=True)


def test_a_demo_runs_as_a_module_without_a_display() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    done = subprocess.run([sys.executable, "-m", "demos.neuron", "--help"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: python -m demos.neuron ")


def test_the_gallery_is_small_and_all_of_it_is_shown() -> None:
    pictures = {path.name: path.stat().st_size for path in (ROOT / "docs" / "gallery").iterdir()}
    assert all(size < 400_000 for size in pictures.values()), pictures
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = {name for page in pages for name in re.findall(r"gallery/([\w.]+)", page.read_text(encoding="utf-8"))}
    assert shown == pictures.keys()


def test_a_film_keeps_the_colours_of_thin_lines(tmp_path: Path) -> None:
    figure, ax = pyplot.subplots(figsize=(3, 3))
    ax.imshow(np.linspace(0, 1, 10_000).reshape(100, 100), cmap="Greys")
    for height, colour in enumerate(plots.RUNS):
        ax.plot([0, 99], [10 * height, 10 * height], color=colour, linewidth=2)
    film = Film(figure)
    film.shoot()
    film.save(tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as picture:
        shown = np.asarray(picture.convert("RGB"), dtype=float).reshape(-1, 3)
    for colour in plots.RUNS:
        assert np.abs(shown - 255 * np.array(to_rgb(colour))).max(axis=1).min() < 12, colour


def test_learning_writes_a_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learning.main(["--data", "moons", "--epochs", "6", "--frames", "3", "--output", str(tmp_path)])
    assert percent(capsys.readouterr().out.replace("epochs: cost", "cost"), r"cost [\d.]+,") > 60
    film = (tmp_path / "moons.gif").read_bytes()
    assert film.startswith(b"GIF89a")
    assert film.count(b"\x21\xf9\x04") >= 3


def test_a_film_has_a_picture_for_each_shot_and_holds_the_last(tmp_path: Path) -> None:
    figure, ax = pyplot.subplots(figsize=(2, 2))
    film = Film(figure)
    for height in (0.2, 0.5, 0.9):
        ax.bar([0], [height])
        film.shoot()
    film.save(tmp_path / "film.gif", fps=10, hold=1.5)
    film.save(tmp_path / "again.gif", fps=10, hold=1.5)
    with Image.open(tmp_path / "film.gif") as written:
        durations = [picture.info["duration"] for picture in ImageSequence.Iterator(written)]
    assert durations == [100, 100, 1500]
    assert (tmp_path / "film.gif").read_bytes() == (tmp_path / "again.gif").read_bytes()


@pytest.mark.soak
def test_the_books_pictures_are_drawn(tmp_path: Path) -> None:
    book.main(["--output", str(tmp_path)])
    expected = {
        f"{name}.png" for name in ("pixels", "network", "squish", "dials", "cost", "confident", "steepest", "vectors", "steady", "sheet")
    }
    expected |= {"neurons.svg", "paths.svg", "scalars.svg", "step.svg"}
    assert {path.name for path in tmp_path.iterdir()} == expected
    assert "#8e44ad" in (tmp_path / "paths.svg").read_text()  # the colour of what is highlighted
    assert "tanh(weighted sum)" in (tmp_path / "scalars.svg").read_text()
