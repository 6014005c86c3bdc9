"""The course on paper: the answers for teachers, and sheets with the questions, both made of the lessons."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from playground.course import asked_on, course
from playground.lessons import Lesson, questions_in
from playground.questions import Asked

CODE = re.compile(r"`([^`]+)`|\b([abwz]\[\d+(?:,\d+)+\])")
ON_PAPER = "number", "formula", "choice", "order"  # kinds that need no network on a screen


def answers() -> str:
    """All questions with their answers, the reasons, the hints and typical wrong answers, as Markdown."""
    parts = []
    for lesson in course().values():
        asked = list(_questions(lesson))
        if asked:
            parts += [f"## {lesson['title']}", *(_block(number, page, each, _table(_rows(each))) for number, page, each in asked)]
    return "\n\n".join(parts)


def sheets() -> str:
    """The questions that can be answered on paper, a sheet for each lesson, as Markdown."""
    parts = []
    for lesson in course().values():
        asked = [each for each in _questions(lesson) if each[2].question.kind in ON_PAPER and not each[2].question.needs_network]
        if asked:
            parts += [f"## {lesson['title']} {{ .sheet }}", '<p class="blank">Name:</p>']
            parts += [_block(number, page, each, _room(each)) for number, page, each in asked]
    return "\n\n".join(parts)


def _questions(lesson: Lesson) -> Iterator[tuple[int, dict[str, Any], Asked]]:
    """Each page with a question: the number of the question, the page, and the question with the numbers of reader 0."""
    for number, page in enumerate(questions_in(lesson), 1):
        yield number, lesson["pages"][page], asked_on(lesson, page)


def _rows(asked: Asked) -> list[tuple[str, str]]:
    """What a teacher wants to know about a question."""
    question = asked.question
    rows = [("Answer", "; ".join(question.steps) or asked.solution())]
    if question.kind in ("number", "formula") and question.draws:
        rows.append(("In general", question.answer))
    if question.kind in ("point", "predict"):
        rows.append(("Note", "Each reader has another network, so the answers differ."))
    elif question.kind != "goal":
        rows.append(("Why", asked.check(asked.solution()).text))
    return rows + [("Hint", hint) for hint in asked.hints] + [(f"Wrong: {wrong}", explanation) for wrong, explanation in question.wrong]


def _room(asked: Asked) -> str:
    """Room for an answer on paper."""
    box = "☐" if asked.question.kind == "choice" else "____"
    return "".join(f"<p>{box} {_shown(option)}</p>" for option in asked.options) or _table([("How I found it", ""), ("Answer", "")])


def _table(rows: list[tuple[str, str]]) -> str:
    return f"<table>{''.join(f'<tr><th>{_shown(name)}</th><td>{_shown(text)}</td></tr>' for name, text in rows)}</table>"


def _block(number: int, page: Mapping[str, Any], asked: Asked, below: str) -> str:
    """The text of a page and its question, with something below it."""
    title, text = f"<h3>{number}. {_shown(page['title'])}</h3>", page["text"].replace("\n", " ")
    return f'<div class="question">{title}{text}<p><b>{_shown(asked.text)}</b></p>{below}</div>'


def _shown(text: str) -> str:
    """A text as HTML, with names such as w[0,1,0] as code."""
    return CODE.sub(lambda found: f"<code>{found[1] or found[2]}</code>", html.escape(text, quote=False))
