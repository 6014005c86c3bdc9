"""The pages in docs: their snippets run in order, and print what is shown below them."""

import re
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
