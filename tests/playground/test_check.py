"""Answers that were handed in: they are judged again, the class gets a table, and a forged file is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value
from playground import ask
from playground.check import checked, main
from playground.course import asked_on, course
from playground.questions import Asked, Verdict
from tests.playground.players import Player

KNOWN = course()


def answer(lesson: str, page: int, asked: Asked, given: str, records: list[Any], **changes: Any) -> dict[str, Any]:
    return {
        "lesson": lesson, "page": page, "attempt": 0, "given": given, "tries": 1, "hints": 0, "right": True, "records": records, **changes,
    }  # fmt: skip


def file(name: str, reader: int) -> dict[str, Any]:
    """The file of a reader who answered a question of each kind right, as the page writes it."""
    answers = []
    for lesson, page in (
        ("1-a-number", 0), ("2-weigh-add-squish", 0), ("2-weigh-add-squish", 4), ("4-cost", 2), ("7-wishes", 2), ("7-wishes", 4),
        ("8-together", 2),
    ):  # fmt: skip
        asked = asked_on(KNOWN[lesson], page, reader)
        given = "" if asked.question.kind == "goal" else asked.solution()
        records = []
        if asked.configuration is not None:
            player = Player(**asked.configuration)
            if asked.question.kind == "goal":
                player("weight", layer=0, neuron=0, input=None, value=-40.0)
            place = KNOWN[lesson]["pages"][page]
            judged = player(
                "judge", question=place["question"], configuration=place["configuration"], reader=reader, page=page, given=given
            )
            assert judged["right"], judged["text"]
            records = judged["records"]
        answers.append(answer(lesson, page, asked, given, records))
    return {"nudge": "answers", "version": 1, "name": name, "reader": reader, "answers": answers}


@pytest.fixture(scope="module")
def ada() -> dict[str, Any]:
    return file("Ada", 11)


def test_three_files_of_which_one_is_forged(ada: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forged = json.loads(json.dumps(ada)) | {"name": "Eve", "reader": 13}
    for name, content in (("ada", ada), ("bob", file("Bob", 12)), ("eve", forged)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    main([str(tmp_path / "ada.json"), str(tmp_path / "bob.json")])
    assert capsys.readouterr().out.splitlines() == [
        "name  1    2    3    4    5    6    7    8    9    10   11   right  tries  hints",
        "Ada   1/6  2/6  0/6  1/6  0/6  0/6  2/6  1/6  0/6  0/6  0/6  7/66   7      0",
        "Bob   1/6  2/6  0/6  1/6  0/6  0/6  2/6  1/6  0/6  0/6  0/6  7/66   7      0",
    ]
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / f"{name}.json") for name in ("ada", "bob", "eve")])
    assert ended.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].endswith("see below")
    assert lines[5] == "These files do not prove what they claim:"
    assert {line.partition(": ")[0] for line in lines[6:]} == {str(tmp_path / "eve.json")}
    assert any("2-weigh-add-squish, page 1, is claimed to be right with " in line for line in lines)
    assert any(line.endswith("its seed was changed. Press “New numbers” to get the question's network.") for line in lines)


def changed(ada: dict[str, Any], index: int, **changes: Any) -> str:
    """Ada's file with the first answer and another one, which is changed."""
    first, other = (json.loads(json.dumps(ada["answers"][place])) for place in (0, index))
    return json.dumps({**ada, "answers": [other | changes] if index == 0 else [first, other | changes]})


def test_a_claim_needs_a_proof(ada: dict[str, Any]) -> None:
    assert checked(json.dumps(ada), KNOWN).problems == []
    for index, changes, problem in (
        (0, {"given": "an image"}, "1-a-number, page 1, is claimed to be right with 'an image', but: Many neurons together"),
        (2, {"records": []}, "2-weigh-add-squish, page 5, is claimed to be right, but: The network is not there yet."),
        (4, {"records": [3]}, "7-wishes, page 3, is claimed to be right with 'w["),
        (5, {"given": "sideways"}, "7-wishes, page 5, is claimed to be right with 'sideways', but: Choose one"),
        (0, {"page": 99}, "the lesson '1. A neuron holds a number' has no question on page 100"),
        (0, {"lesson": "no\x1b[2J"}, "answers[0].lesson must be one of story, 1-a-number, "),
        (0, {"extra": 1}, 'unknown field "extra"'),
        (1, {"lesson": "1-a-number", "page": 0, "given": "a number"}, "1-a-number, page 1, is answered twice"),
    ):
        (found,) = checked(changed(ada, index, **changes), KNOWN).problems
        assert found.startswith(problem)
        assert found.isprintable()


def test_a_goal_without_its_steps_is_refused(ada: dict[str, Any]) -> None:
    record = json.loads(json.dumps(ada["answers"][2]["records"][0]))
    (found,) = checked(changed(ada, 2, records=[record | {"changes": []}]), KNOWN).problems
    assert found.endswith("Not yet: a[0,0] is not dead.")


@pytest.mark.parametrize("index", [2, 4, 5])
def test_a_network_with_given_weights_is_refused(ada: dict[str, Any], index: int) -> None:
    record = json.loads(json.dumps(ada["answers"][index]["records"][0]))
    record["start"]["parameters"] = [0.0] * 13
    (found,) = checked(changed(ada, index, records=[record]), KNOWN).problems
    assert "This network started with given weights." in found


def test_an_honest_wrong_answer_is_no_forgery(ada: dict[str, Any]) -> None:
    found = checked(changed(ada, 0, given="an image", right=False), KNOWN)
    assert found.problems == []
    assert "1-a-number" not in found.right


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nudge": "answers", "version": 2}', "NaN", "x" * 100])
def test_other_files_are_named(text: str) -> None:
    (problem,) = checked(text, KNOWN).problems
    assert problem.startswith("this is not a file that was handed in: ")


def test_a_copy_is_named(ada: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ada", "eve"):
        (tmp_path / f"{name}.json").write_text(json.dumps({**ada, "name": name, "answers": []}))
    with pytest.raises(SystemExit):
        main([str(tmp_path / "ada.json"), str(tmp_path / "eve.json")])
    assert f"eve.json: it has the same numbers as {tmp_path / 'ada.json'}, although each reader gets others" in capsys.readouterr().out


def test_an_answer_is_judged_once_however_often_it_is_handed_in(ada: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[Asked] = []

    def judge_again(asked: Asked, given: str, records: list[Any]) -> Verdict:
        judged.append(asked)
        return asked.judge(given)

    monkeypatch.setattr(Asked, "judge_again", judge_again)
    found = checked(json.dumps({**ada, "answers": [ada["answers"][0]] * 9}), KNOWN)
    assert found.problems == ["1-a-number, page 1, is answered twice"] * 8
    assert (found.tries, len(judged)) == (1, 1)


def test_a_file_that_is_no_text_is_named_and_the_others_are_judged(
    ada: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ada.json").write_text("\ufeff" + json.dumps({**ada, "answers": ada["answers"][:1]}), encoding="utf-8")
    (tmp_path / "eve.json").write_bytes(b"\xff\xfe{\x00")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "ada.json"), str(tmp_path / "eve.json")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("Ada  ")
    assert "see below" not in lines[1]
    assert lines[-1].startswith(f"{tmp_path / 'eve.json'}: this is not a file that was handed in: ")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"nowhere\.json"):
        main([str(tmp_path / "nowhere.json")])


# A question in Python


def test_questions_can_be_asked_in_python() -> None:
    question = ask("9-chain-rule", 1, seed=3)
    a, s, d = (question.numbers[letter] for letter in "asd")
    assert question.check(a * s * d)
    assert question.check(np.float64(a * s * d))
    assert question.check(Value(a) * s * d)
    assert not question.check(s * d)
    order = ask(9, 6)
    assert order.check(list(order.question.steps))
    assert str(question.check(s * d)).startswith("That is the derivative with respect to the bias.")
    assert ask(9, 1, seed=3).text == question.text != ask(9, 1, seed=4).text
    assert question._repr_html_().startswith(f"<p><b>{question.text}</b></p><details><summary>Hints</summary>")
    assert "<li>a number</li>" in ask(1, 1)._repr_html_()


def test_an_unknown_lesson_or_question_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no lesson 12; the lessons are story, 1-a-number, "):
        ask(12, 1)
    with pytest.raises(ValueError, match="the lesson '9-chain-rule' has 6 questions, got number 7"):
        ask(9, 7)
    with pytest.raises(ValueError, match="the lesson 'story' has 0 questions, got number 1"):
        ask("story", 1)
