"""The course on paper: the answers and the sheets are those of the lessons."""

import html
import re

from playground.course import asked_on, course
from playground.printed import answers, sheets

ASKED = [asked_on(lesson, page) for lesson in course().values() for page, each in enumerate(lesson["pages"]) if "question" in each]


def plain(printed: str) -> str:
    """The text of a page without its tags."""
    return html.unescape(re.sub(r"<[^>]*>", "", printed))


def test_every_question_is_printed_with_its_answer() -> None:
    blocks = answers().split('<div class="question">')[1:]
    assert len(blocks) == len(ASKED)
    for block, asked in zip(blocks, ASKED):
        assert asked.text.replace("`", "") in plain(block)
        (answer,) = re.findall("<th>Answer</th><td>(.*?)</td>", block)
        if asked.question.kind == "order":
            assert plain(answer) == "; ".join(asked.question.steps).replace("`", "")
        else:
            assert plain(answer) == asked.solution().replace("`", "")


def test_a_sheet_has_questions_without_their_answers() -> None:
    printed = sheets()
    assert printed.count("{ .sheet }") == len(course()) - 1  # the story has no questions
    assert "Hint" not in printed
    given = re.findall("<th>Answer</th><td>(.*?)</td>", printed)
    assert len(given) == len(
        [asked for asked in ASKED if asked.question.kind in ("number", "formula") and not asked.question.needs_network]
    )
    assert not any(given)
    choices = [asked for asked in ASKED if asked.question.kind == "choice"]
    assert printed.count("<p>☐ ") == sum(len(asked.options) for asked in choices)
