"""The demo of descent: its paths follow the negative gradient, its numbers are those of the paths, its pictures are pictures."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from demos import descent


def test_a_path_goes_down_by_the_rate_times_the_slope() -> None:
    path = descent.descend(descent.valley, (-3.0, 1.0), 0.1, 3)
    np.testing.assert_allclose(path, [[-3.0 * 0.9**step, 0.2**step] for step in range(4)])
    assert descent.walked(np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 5.0]])) == 6.0


def test_five_starts_end_in_three_valleys_where_the_ground_is_level(capsys: pytest.CaptureFixture[str]) -> None:
    ends = [descent.descend(descent.landscape, start, descent.RATE, 200)[-1] for start in descent.STARTS]
    assert len({tuple(np.round(end, 3) + 0.0) for end in ends}) == 3
    for end in ends:
        nearby = [descent.landscape(end + 0.01 * np.array(way)) for way in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        assert descent.landscape(end) < min(nearby)


def test_the_demo_compares_rates_and_walkers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    descent.main(["--output", str(tmp_path), "--frames", "3"])
    printed = capsys.readouterr().out
    heights = {word: float(height) for height, word in re.findall(r"^\S+ +(\S+)  (too small|right|too large)$", printed, re.MULTILINE)}
    assert heights["right"] < 0.01 < heights["too small"] < heights["too large"]
    walkers = re.findall(r"^ +(200|10|1)  +(\d+)  +([\d,]+)  +(\S+)  +\S+$", printed, re.MULTILINE)
    assert [size for size, *_ in walkers] == ["200", "10", "1"]
    steps, seen, walked = ([float(each.replace(",", "")) for each in column] for column in zip(*[row[1:] for row in walkers]))
    assert seen == [step * size for step, size in zip(steps, (200, 10, 1))]
    assert seen == sorted(seen, reverse=True)  # the careful walker looks at far more before it arrives
    assert walked == sorted(walked)  # and the drunk one walks further
    assert (tmp_path / "descent.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert (tmp_path / "descent.gif").read_bytes().startswith(b"GIF89a")


def test_the_animation_can_be_left_out(tmp_path: Path) -> None:
    descent.main(["--output", str(tmp_path), "--frames", "0", "--steps", "2", "--points", "20"])
    assert [path.name for path in tmp_path.iterdir()] == ["descent.png"]
