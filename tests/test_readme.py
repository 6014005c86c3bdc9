"""The examples of the README run and print the numbers in their comments; its commands come in an order that works."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHOWN = re.findall(r"```python\n((?:(?!```).)*)```\n\n[^`]*```text\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.splitlines()[0])
def test_an_example_prints_the_numbers_in_its_comments(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    for number in re.findall(r"(-?\d+\.\d+)\.\.\.", example):
        assert number in printed


@pytest.mark.parametrize(("example", "shown"), SHOWN, ids=lambda text: text.splitlines()[0])
def test_an_example_prints_the_output_shown(example: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == shown.strip()


def test_the_environment_is_activated_before_the_first_python_command() -> None:
    commands = [line.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
    assert commands[0].startswith("make ")
    first = next(place for place, command in enumerate(commands) if command.startswith("python "))
    assert "source .venv/bin/activate" in commands[:first]
    assert README.index("source .venv/bin/activate") < README.index("python -m")
