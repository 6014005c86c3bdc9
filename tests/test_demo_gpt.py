"""The demo of the GPT: what it prints is true, and it runs with any text."""

import math
import random
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from demos import gpt
from demos.transformer import GPT


def test_it_learns_a_text_of_ones_own_and_writes_more_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text").write_text("ab\nAb\n\naa\nba\n" + "x" * 16 + "\n", encoding="utf-8")
    usual = ["--file", str(tmp_path / "text"), "--output", str(tmp_path / "out"), "--backend", "numpy"]
    gpt.main([*usual, "--steps", "60", "--samples", "7"])
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'text'}: 2 lines are empty or have more than 15 letters and are left out" in printed
    assert "2 names for training, such as" in printed
    assert "3 tokens: 2 letters and the boundary" in printed
    found = re.search(r"cost of the names held out: ([\d.]+), and ([\d.]+) for a guess among 3 tokens", printed)
    assert found
    assert float(found[2]) == pytest.approx(math.log(3), abs=1e-3)
    written = printed.split("7 new names:\n")[1].split("\n\n")[0].split()
    assert set("".join(written)) <= {"a", "b"}
    assert "why" not in printed
    assert "the gradient of surprise by tokens[" in printed
    assert (tmp_path / "out" / "gpt.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    drawn = (tmp_path / "out" / "gpt.svg").read_text(encoding="utf-8")
    for title in ("embedding", "layer 0, head 3", "blocks[0].query", "probabilities"):
        assert f">{title}<" in drawn


def test_it_invents_names_and_counts_which_of_its_own_obey_their_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpt, "learn", lambda *_: (lambda tokens, weights: np.full(len(tokens), 2.5), [3.0] * 60, 0.1))
    monkeypatch.setattr(gpt, "write", lambda model, letters, rng: rng.choice(["quaba", "bbb"]))
    gpt.main(["--names", "30", "--samples", "9", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "27 names for training, such as" in printed
    assert "cost of the names held out: 2.500" in printed
    assert "with knowledge of the rule by which the names were invented: " in printed
    written = printed.split("9 new names:\n")[1].split("\n\n")[0].split()
    assert f"9 of 9 are not in the list; {written.count('quaba')} of 9 obey the rule" in printed


def test_training_lowers_the_cost_to_that_of_the_text() -> None:
    letters = gpt.Letters(["ab", "ba"])
    model = GPT(len(letters))
    given = gpt.options().parse_args(["--steps", "80", "--batch", "2", "--backend", "numpy"])
    program, costs, _ = gpt.learn(model, letters.rows(["ab", "ba"]), given)
    assert len(costs) == 80
    assert costs[0] == pytest.approx(math.log(3), abs=0.3)
    assert np.mean(costs[-20:]) == pytest.approx(math.log(2) / 3, abs=0.1)  # only the first of three letters is open
    assert np.mean([model.cost(letters.encoded(each)).data for each in ("ab", "ba")]) == pytest.approx(
        program(*letters.rows(["ab", "ba"])).mean(), rel=1e-12
    )


def test_padding_changes_no_cost() -> None:
    letters = gpt.Letters(["ab", "a"])
    model = GPT(len(letters))
    tokens, weights = letters.rows(["ab", "a"])
    costs = [sum(w * s.data for w, s in zip(each, model.surprises(row.tolist()))) for row, each in zip(tokens, weights)]
    assert costs == pytest.approx([model.cost(letters.encoded(each)).data for each in ("ab", "a")], rel=1e-14)


def test_invented_names_obey_their_rule_and_their_cost_is_that_of_its_choices() -> None:
    names = gpt.invented(300, random.Random(0))
    assert len(set(names)) == 300
    assert all(map(gpt.RULE.fullmatch, names))
    assert max(map(len, names)) < gpt.LENGTH
    assert not any(map(gpt.RULE.fullmatch, ("ba", "babababa", "bbaba", "babay", "baqa")))
    two_starts, starts = math.log(2), math.log(len(gpt.STARTS) * 5)
    assert gpt.least_cost(["quaba"]) == pytest.approx((two_starts + 2 * starts + math.log(len(gpt.ENDS))) / 6)
    assert gpt.least_cost(["babaquum"]) == pytest.approx((two_starts + 3 * starts + math.log(len(gpt.ENDS))) / 9)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read .*text: .*No such file"),
        ("", "has no line of 1 to 15 letters"),
        ("\n" + "x" * 16, "has no line of 1 to 15 letters"),
    ],
)
def test_a_file_without_documents_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "text").write_text(content)
    with pytest.raises(SystemExit, match=f"^demos.gpt: .*{message}"):
        gpt.main(["--file", str(tmp_path / "text"), "--output", str(tmp_path)])
