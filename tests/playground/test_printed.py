"""The course on paper: the answers and the sheets are those of the lessons."""

from playground.course import asked_on, course
from playground.printed import answers, sheets

ASKED = [asked_on(lesson, page) for lesson in course().values() for page, each in enumerate(lesson["pages"]) if "question" in each]


def test_every_question_is_printed_with_its_answer() -> None:
    printed = answers()
    assert printed.count('<div class="question">') == len(ASKED)
    for asked in ASKED:
        assert asked.text.replace("`", "").partition(",")[0].partition("[")[0] in printed.replace("<code>", "").replace("</code>", "")
        if asked.question.kind in ("number", "choice"):
            assert f"<tr><th>Answer</th><td>{asked.solution()}</td>".replace(">", "&gt;") in printed.replace(">", "&gt;").replace(
                "&amp;", "&"
            )


def test_a_sheet_has_questions_without_their_answers() -> None:
    printed = sheets()
    assert printed.count("{ .sheet }") == 10
    assert "Hint" not in printed
    choices = [asked for asked in ASKED if asked.question.kind == "choice"]
    assert printed.count("<p>☐ ") == sum(len(asked.options) for asked in choices)
