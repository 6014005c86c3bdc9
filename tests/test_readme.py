"""The README's examples run, and their comments are true."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHOWN = re.findall(r"```python\n((?:(?!```).)*)```\n\n[^`]*```text\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.splitlines()[0])
def test_an_example_prints_what_its_comments_say(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pygraphviz")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    for number in re.findall(r"(-?\d+\.\d+)\.\.\.", example):
        assert number in printed


@pytest.mark.parametrize(("example", "shown"), SHOWN, ids=lambda text: text.splitlines()[0])
def test_what_an_example_is_shown_to_print_is_what_it_prints(example: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == shown.strip()
