"""The demo of nudges: the numbers that it prints obey the proportions that it names."""

import re
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from demos import nudges


def test_the_three_ways_are_in_proportion_and_the_wishes_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nudges.main(["--output", str(tmp_path), "--examples", "1500", "--images", "40"])
    printed = capsys.readouterr().out
    found = re.search(r"Change its bias by (\S+)\.\n", printed)
    assert found
    bias = float(found[1])
    assert bias > 0
    rows = re.findall(r"^ +(\d+) +(\d\.\d{4}) +([+-]\S+) +([+-]\S+) +([+-]\S+)$", printed, re.MULTILINE)
    assert len(rows) == 16
    own = {}
    for neuron, activation, weight, second, third in rows:
        assert float(second) == pytest.approx(bias * float(activation), abs=1e-3 * bias + 1e-4)
        assert float(third) == pytest.approx(bias * float(weight), abs=2e-3 * abs(float(weight)) + 1e-3)
        own[neuron] = float(third)
    table = re.findall(r"^ +(\d+)  ((?: +[+-]\d\.\d{3}){10})  +([+-]\d\.\d{4})$", printed, re.MULTILINE)
    assert len(table) == 16
    for neuron, wishes, together in table:
        numbers = [float(each) for each in wishes.split()]
        assert numbers[2] == pytest.approx(own[neuron], abs=1e-3)
        assert float(together) == pytest.approx(sum(numbers), abs=0.006)
    assert "Now 40 images, each with a wish for each of 13,002 weights and biases, added up for each digit:" in printed
    assert "average of 40" in printed
    assert (tmp_path / "nudges.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
