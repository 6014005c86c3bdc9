"""Questions of lessons: the right answer is accepted, wrong ones are explained, and each seed has its own numbers."""

from pathlib import Path

import pytest

from playground import questions
from playground.questions import Asked, Question, QuestionError, ask, read_questions

FILES = sorted(Path(questions.__file__).parent.glob("*.md"))
SHIPPED = [question for path in FILES for question in read_questions(path.read_text(encoding="utf-8"))]


def one(text: str) -> Question:
    (question,) = read_questions(f"# A lesson\n\n```question\n{text}\n```\n\nMore text.\n")
    return question


def given(asked: Asked, answer: str) -> str:
    """An answer as a reader gives it: for a number, the formula's value."""
    if asked.question.kind != "number":
        return answer
    return repr(eval(answer, {}, asked.numbers))


NUMBER = one(
    "number: By how much?\ndraw: a = 0.2 .. 2\nanswer: 0.1 * a\nwrong: 0.1 -> Not for {a}.\nhint: One.\nhint: {a}\nbecause: It is {answer}."
)
FORMULA = one("formula: The derivative of x ** 3?\nanswer: 3 * x ** 2\nwrong: x ** 2 -> A factor is missing.")


def test_each_chapter_has_three_questions() -> None:
    assert [path.stem for path in FILES] == ["1-a-number", "2-weigh-add-squish", "3-dials"]
    assert len(SHIPPED) == 9


@pytest.mark.parametrize("question", SHIPPED, ids=lambda question: question.text[:40])
def test_shipped_questions_accept_their_answer_and_explain_wrong_ones(question: Question) -> None:
    for seed in range(5):
        asked = ask(question, seed)
        right = given(asked, asked.answer)
        assert asked.judge(right).is_right
        assert asked.judge(right) == ask(question, seed).judge(right)
        assert "{" not in asked.text + asked.hint(9) + asked.judge(right).text
        for wrong, explanation in question.wrong:
            assert asked.judge(given(asked, wrong)).text.startswith(explanation.partition("{")[0])
            assert not asked.judge(given(asked, wrong)).is_right


def test_fresh_seeds_draw_fresh_numbers() -> None:
    assert len({ask(NUMBER, seed).numbers["a"] for seed in range(20)}) > 5
    points = [question for question in SHIPPED if question.kind == "point"]
    assert all(len({ask(question, seed).answer for seed in range(20)}) > 2 for question in points)


@pytest.mark.parametrize(("bounds", "places"), [("1.01 .. 1.04", 2), ("5 .. 40", 0), ("-0.5 .. 0.25", 2), ("-3 .. -2.5", 1)])
def test_drawn_numbers_are_in_their_range_and_have_its_decimal_places(bounds: str, places: int) -> None:
    low, high = map(float, bounds.split(" .. "))
    drawn = [ask(one(f"number: How many?\ndraw: a = {bounds}\nanswer: a"), seed).numbers["a"] for seed in range(50)]
    assert len(set(drawn)) > 2
    assert all(low <= each <= high and each == round(each, places) and f"{each:g}" != "-0" for each in drawn)


def test_a_number_is_judged_within_its_tolerance() -> None:
    asked = ask(NUMBER, 0)
    a = asked.numbers["a"]
    assert asked.judge(f" {0.1 * a + 0.0009} ").text == f"It is {0.1 * a:.4g}."
    assert not asked.judge(str(0.1 * a + 0.0011)).is_right
    assert asked.judge("0.1").text == f"Not for {a:g}."
    assert asked.judge("7").text == "Not yet. Try again, or take a hint."
    assert asked.judge("much").text == "The answer is a number, such as 0.25; got 'much'."
    assert asked.judge("inf").text == "The answer is a finite number; got 'inf'."
    assert asked.hint(1) == "One."
    assert asked.hint(2) == f"One.\n{a:g}"


@pytest.mark.parametrize("given", ["3*x**2", "x * x * 3", "(2 * x + x) * x", "x ** 2 + x ** 2 / 1 + x ** 2"])
def test_any_form_of_a_formula_is_right(given: str) -> None:
    assert ask(FORMULA, 0).judge(given).is_right


@pytest.mark.parametrize("given", ["3 * x", "3 * x ** 2 + 0.001", "3 * abs(x) * x", "2", "import os", "3 * x **"])
def test_other_formulas_are_wrong(given: str) -> None:
    assert not ask(FORMULA, 0).judge(given).is_right


def test_a_wrong_formula_is_explained() -> None:
    assert ask(FORMULA, 0).judge("x * x").text == "A factor is missing."
    assert ask(FORMULA, 0).judge("y").text.endswith("\n  y\n  ^")
    assert ask(FORMULA, 0).judge("2 +").text.startswith("invalid syntax")
    assert "; a formula must be finite from -5 to 5\n  log(x)\n" in ask(FORMULA, 0).judge("log(x)").text


def test_an_unknown_option_or_part_names_the_known_ones() -> None:
    asked = ask(one("choice: Which?\nanswer: this\nwrong: that -> No."), 0)
    assert sorted(asked.options) == ["that", "this"]
    assert asked.judge("those").text.startswith("'those' is not one of th")
    point = ask(one("point: Which?\nnetwork: 2, 1\nanswer: brightest neuron"), 0)
    assert point.judge("a[1,0]").text == "'a[1,0]' is not one of a[0,0], w[0,0,0], w[0,0,1]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("number: How many?", "the question 'How many\\?' has no answer: add a line `answer: ...`"),
        ("answer: 2", "must start with its kind, one of number, formula, choice, point"),
        ("number: How many?\nformula: What?\nanswer: 2", "must start with its kind, one of number, formula, choice, point"),
        ("number: How many?\nanswr: 2", "a question has lines such as `answer: 2 \\* a`, got 'answr: 2'"),
        ("number: How many?\nanswer: 2\nanswer: 3", "has answer more than once"),
        ("number: How many?\nanswer: a\ndraw: a from 1", "draw must look like `a = 0.2 .. 2`, with a letter other than e and x"),
        ("number: How many?\nanswer: a\ndraw: a = 2 .. 1", "the range of a is empty: 2 is not below 1"),
        ("number: How many?\nanswer: a\ndraw: a = 1 .. 2\ndraw: a = 3 .. 4", "draws a letter more than once"),
        ("number: How many?\nanswer: 2\nwrong: 3", "wrong must look like `an answer -> what is wrong with it`, got '3'"),
        ("number: How many?\nanswer: 2\nwithin: a bit", "within must be a number, got 'a bit'"),
        ("point: Which?\nanswer: largest weight", "a question of the kind point has a line such as `network: 2, 3, 1`"),
        ("point: Which?\nanswer: largest weight\nnetwork: 2", "network must be sizes of at most 99 such as `2, 3, 1`, got '2'"),
        (
            "point: Which?\nanswer: best\nnetwork: 2, 1",
            "the answer of a question of the kind point is one of brightest neuron, largest weight",
        ),
        ("number: How many?\nanswer: 2 * b", "has an invalid formula"),
        ("formula: What?\nanswer: 2 * x\nwrong: x + x -> No.", "lists its answer as wrong"),
    ],
)
def test_a_question_that_cannot_be_asked_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        ask(one(text), 0)
