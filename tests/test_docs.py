"""The pages in docs: their snippets run in order and print the output shown below them; links, names and versions are correct."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import autograd
import nn
import nn.data
import playground

DOCS = Path(__file__).parents[1] / "docs"
hooks = SimpleNamespace(**runpy.run_path(str(DOCS / "hooks.py")))
PAGES = sorted(DOCS.rglob("*.md"))
NAMES = [path.relative_to(DOCS).as_posix() for path in PAGES]
CHAPTERS = [path for path in PAGES if path.parent.name == "story"]
NEEDED = {"tables": ["narwhals", "pandas", "polars"], "scikit-learn": ["sklearn", "pandas"]}
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_snippets_print_the_output_shown(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for package in NEEDED.get(path.stem, ()):
        pytest.importorskip(package, reason=f"the page uses {package}")
    names: dict[str, object] = {}
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    assert blocks or path.parent.name == "reference" or path.stem in ("answers", "sheets")  # made of docstrings and of lessons
    for code, shown in blocks:
        exec(compile(code, path.name, "exec"), names)
        assert capsys.readouterr().out.strip() == shown.strip()
    for number, expression in re.findall(r"(\d[\d,.]*)<!-- (.*?) -->", path.read_text(encoding="utf-8")):
        value = eval(expression, names)
        assert f"{value:,.{len(number.partition('.')[2])}f}" == number, expression


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_links_to_files_exist(path: Path) -> None:
    for target in LINK.findall(re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_named_files_exist(path: Path) -> None:
    root = DOCS.parent
    for name in re.findall(r"`((?:autograd|nn|tests|demos)/[\w/.]+)`", path.read_text(encoding="utf-8")):
        assert (root / name).exists(), name


def test_the_extra_docs_can_build_a_page(tmp_path: Path) -> None:
    """The packages of the extra `docs` build a page with a snippet and a docstring on this Python."""
    for tool in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(tool)
    (tmp_path / "docs").mkdir()
    shutil.copy(DOCS / "doctests.py", tmp_path / "docs")  # mkdocs.yml refers to it
    (tmp_path / "docs" / "index.md").write_text("# A page\n\n```python\nx = 1\n```\n\n::: autograd.grad\n", encoding="utf-8")
    own = {
        "INHERIT": DOCS.parent / "mkdocs.yml",
        "site_dir": "site",
        "hooks": [],
        "nav": ["index.md"],
        "extra_css": [],
    }
    (tmp_path / "mkdocs.yml").write_text("".join(f"{name}: {value}\n" for name, value in own.items()), encoding="utf-8")
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", str(tmp_path / "mkdocs.yml")]
    done = subprocess.run(command, cwd=DOCS.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "Make a function that returns the gradient of" in page
    assert '<span class="mi">1</span>' in page


def numbers(text: str) -> list[str]:
    """The numbers in a text, of two digits or more."""
    return re.findall(r"(?<![\w.,/^])(\d[\d,]*\d(?:\.\d+)?|\d+\.\d+)(?![\w/])", text)


def unexplained(written: list[str], known: str) -> list[str]:
    """Those of the written numbers that are not in a text, rounded to the decimals written."""
    found = [float(re.sub("[,_]", "", number)) for number in re.findall(r"\d[\d,_]*(?:\.\d+)?", known)]

    def is_known(number: str) -> bool:
        within = 0.501 * 10.0 ** -len(number.partition(".")[2])
        return any(abs(float(number.replace(",", "")) - each) <= within for each in found)

    return [number for number in written if not is_known(number)]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_numbers_in_a_chapter_and_in_its_pictures_come_from_its_snippets(path: Path) -> None:
    """A number in the text is in the snippets, in their output or in a picture; one in a picture is in the chapter.

    `demos.common.save` stores the titles and legends of a picture in its file. Numbers followed by a comment are checked with the snippets.
    """
    text = path.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```", text, re.DOTALL))
    prose = re.sub(
        r"```.*?```|`[^`]*`|\]\([^)]*\)|\d[\d,.]*<!--.*?-->|[Cc]hapters? [\d, and]+|^## Three things to try.*",
        "",
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    pictures = [DOCS / "gallery" / name for name in re.findall(r"gallery/(\w+\.png)", text)]
    drawn = "\n".join(words for picture in pictures for panel in hooks.panels(picture) for words in panel["texts"])
    assert not unexplained(numbers(prose), code + drawn)
    assert not unexplained(numbers(drawn), code + prose)


def test_a_picture_of_panels_is_shown_whole_and_in_parts() -> None:
    content = '<p><img alt="A title" src="../gallery/walkers.png" /></p><pre><code>a &lt; b\nlonger line</code></pre>'
    page = hooks.on_page_content(content, {"docs_dir": str(DOCS)})
    assert '<a class="picture has-panels" href="../gallery/walkers.png" title="Open the picture"><img alt="A title"' in page
    assert re.findall(r'<img alt="([^"]+)"', page)[1:] == ["down to a tenth above the lowest cost", "cost for the same number of examples"]
    assert '<pre style="--columns: 11">' in page
    film = hooks.on_page_content('<img alt="A film" src="gallery/moons.gif" />', {"docs_dir": str(DOCS)})
    assert "panels" not in film


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_a_picture_and_ends_with_three_things_to_try(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "](../gallery/" in text
    last = text.split("\n## ")[-1]
    assert last.startswith("Three things to try\n")
    assert re.findall(r"^(\d)\. ", last, re.MULTILINE) == ["1", "2", "3"]


@pytest.mark.parametrize("package", [autograd, nn, nn.data, playground], ids=lambda package: package.__name__)
def test_every_public_name_is_in_the_reference(package: ModuleType) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES if path.parent.name == "reference")
    named = set(re.findall(r"(?:^::: |id=\"|: #)((?:autograd|nn|playground)[\w.]*)", text, re.MULTILINE))
    for name in package.__all__:
        homes = {f"{package.__name__}.{name}", f"nn.{name}", f"autograd.{name}"}
        assert homes & named or f"| `{name}` |" in text, f"{package.__name__}.{name}"


def test_the_newest_version_of_the_changelog_is_the_version_of_the_package() -> None:
    root = DOCS.parent
    versions = re.findall(r"^## \[(\S+)\] - (\d{4}-\d\d-\d\d)$", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    found = re.search(r'^version = "(.*)"$', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    assert versions[0][0] == found[1]
    assert versions == sorted(versions, reverse=True)


@pytest.mark.parametrize("address", [None, "https://example.org/"])
def test_each_exercise_names_its_question(address: str | None) -> None:
    chapter, file = DOCS / "story/5-downhill.md", SimpleNamespace(src_uri="story/5-downhill.md")
    settings = {"extra": {"generator": False, "playground": address}}
    page = hooks.on_page_markdown(chapter.read_text(encoding="utf-8"), SimpleNamespace(file=file), settings)
    exercises = page.partition("## Three things to try")[2].splitlines()
    third = next(line for line in exercises if line.startswith("3. "))
    number = next(place for place in range(1, 7) if playground.ask(5, place).question.exercise == 3)
    words = f"question {number} of the lesson"
    assert third.endswith(f"*(See [{words}]({address}?lesson=5-downhill&page={number}).)*" if address else f"*(See {words}.)*")
    assert sum(" of the lesson" in line for line in exercises) == 3
