"""The pages in docs: their snippets run in order, and print what is shown below them."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_a_page_prints_what_it_shows(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = BLOCK.findall(path.read_text(encoding="utf-8"))
    assert blocks
    for code, shown in blocks:
        exec(compile(code, path.name, "exec"), names)
        assert capsys.readouterr().out.strip() == shown.strip()


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    root = DOCS.parent
    for name in re.findall(r"`((?:autograd|nn|tests|demos)/[\w/.]+)`", path.read_text(encoding="utf-8")):
        assert (root / name).exists(), name
