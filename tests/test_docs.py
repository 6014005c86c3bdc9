"""The pages in docs: their snippets run in order, and print what is shown below them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAMES = [path.relative_to(DOCS).as_posix() for path in PAGES]
CHAPTERS = [path for path in PAGES if path.parent.name == "story"]
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_a_page_prints_what_it_shows(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    assert blocks or path.parent.name == "reference"  # whose examples stand in docstrings, as a rule
    for code, shown in blocks:
        exec(compile(code, path.name, "exec"), names)
        assert capsys.readouterr().out.strip() == shown.strip()


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_files_that_are_named_exist(path: Path) -> None:
    root = DOCS.parent
    for name in re.findall(r"`((?:autograd|nn|tests|demos)/[\w/.]+)`", path.read_text(encoding="utf-8")):
        assert (root / name).exists(), name


def test_a_page_is_built_with_what_the_extra_installs(tmp_path: Path) -> None:
    """The tools of the extra `docs` fit together on this Python: a page with a snippet and with a function's own words comes out."""
    for tool in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(tool)
    (tmp_path / "docs").mkdir()
    shutil.copy(DOCS / "doctests.py", tmp_path / "docs")  # which the settings name beside themselves
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
    assert "A function that returns the gradient of the scalar function" in page
    assert '<span class="mi">1</span>' in page


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_number_in_a_chapters_prose_stands_in_its_snippets_or_what_they_print(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```", text, re.DOTALL))
    prose = re.sub(r"```.*?```|`[^`]*`|^## Three things to try.*", "", text, flags=re.DOTALL | re.MULTILINE)
    for number in re.findall(r"(?<![\d.,])\d+\.\d+", prose):
        assert number in code, number


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_shows_something_and_ends_with_three_things_to_try(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "](../gallery/" in text
    last = text.split("\n## ")[-1]
    assert last.startswith("Three things to try\n")
    assert re.findall(r"^(\d)\. ", last, re.MULTILINE) == ["1", "2", "3"]
