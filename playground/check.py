"""python -m playground.check FILE...: judge the answers that readers handed in again, and print a table for the class.

Each question is asked again with the reader's numbers, and each network is trained again. The report names each file whose answers do not
prove what it claims, and files that have the same numbers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playground import lessons
from playground.course import asked_on, course
from playground.lessons import Lesson, LessonError, questions_in
from playground.messages import Fields, RefusedError, parsed
from playground.questions import QuestionError
from playground.questions.answering import ATTEMPTS, GIVEN, PAGES, READERS, RECORDS

FILE, ANSWERS, NAME, TRIES = 20_000_000, 1000, 200, 10**6  # the most characters of a file and of a name, and the largest counts


@dataclass
class Checked:
    """What one file proves: the places of questions with right answers by lesson, and what does not fit."""

    name: str = ""
    reader: int = -1
    right: dict[str, set[int]] = field(default_factory=dict)
    tries: int = 0
    hints: int = 0
    problems: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(
        prog="python -m playground.check", description="Judge answers that were handed in again, and print a table for the class."
    )
    options.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a file that a reader handed in")
    lessons.add_option(options)
    given = options.parse_args(arguments)
    try:
        known = course(given.lesson)
        texts = {path: path.read_text(encoding="utf-8-sig", errors="replace") for path in given.files}
    except (ImportError, OSError, LessonError) as error:
        sys.exit(str(error))
    found = {path: checked(text, known) for path, text in texts.items()}
    name_copies(found)
    print("\n".join(table(list(found.values()), known)))
    problems = [f"{path}: {problem}" for path, each in found.items() for problem in each.problems]
    if problems:
        print("", "These files do not prove what they claim:", *problems, sep="\n")
        sys.exit(1)


def checked(text: str, known: Mapping[str, Lesson]) -> Checked:
    """Judge all answers in a file again."""
    result = Checked()
    try:
        fields = Fields(parsed(text, FILE))
        fields.choice("nudge", ("answers",), "")
        fields.whole("version", 1, 1)
        result.name, result.reader = _printable(fields.text("name", NAME)), fields.whole("reader", 0, READERS)
        answers = fields.list("answers", 0, ANSWERS)
        fields.end()
    except RefusedError as error:
        result.problems.append(f"this is not a file that was handed in: {error}")
        return result
    places: set[tuple[str, int]] = set()
    for index, answer in enumerate(answers):
        try:
            _check_answer(Fields(answer, f"answers[{index}]"), known, result, places)
        except (RefusedError, QuestionError) as error:
            result.problems.append(_printable(str(error)))
    return result


def _check_answer(answer: Fields, known: Mapping[str, Lesson], result: Checked, places: set[tuple[str, int]]) -> None:
    """Judge one answer again, and add its lesson and page to `places`, unless they are there: each question is judged once."""
    lesson, page = answer.choice("lesson", known, ""), answer.whole("page", 0, PAGES)
    if (lesson, page) in places:
        raise RefusedError(f"{lesson}, page {page + 1}, is answered twice")
    places.add((lesson, page))
    asked = asked_on(known[lesson], page, result.reader, answer.whole("attempt", 0, ATTEMPTS))
    given, is_claimed = answer.text("given", GIVEN), answer.flag("right", False)
    result.tries += answer.whole("tries", 0, TRIES)
    result.hints += answer.whole("hints", 0, TRIES)
    records = answer.list("records", 0, RECORDS)
    answer.end()
    if not is_claimed:
        return
    try:
        verdict = asked.judge_again(given, records)
        is_right, told = verdict.is_right, verdict.text
    except (ValueError, ArithmeticError) as error:
        is_right, told = False, str(error)
    if is_right:
        result.right.setdefault(lesson, set()).add(page)
    else:
        what = f" with {_printable(given)!r:.60}" if given else ""
        result.problems.append(f"{lesson}, page {page + 1}, is claimed to be right{what}, but: {_printable(told)}")


def name_copies(found: Mapping[Path, Checked]) -> None:
    """Add a problem to each file with the numbers of another one: the numbers are drawn for each reader, so one of them is a copy."""
    for path, each in found.items():
        copies = [str(other) for other, its in found.items() if other != path and its.reader == each.reader != -1]
        if copies:
            each.problems.append(f"it has the same numbers as {', '.join(copies)}, although each reader gets others")


def table(found: Sequence[Checked], known: Mapping[str, Lesson]) -> list[str]:
    """The lines of the table: the numbers of right answers for each lesson and in total."""
    counts = {name: len(questions_in(lesson)) for name, lesson in known.items()}
    columns = [name for name, count in counts.items() if count]
    rows = [["name", *(name.partition("-")[0] for name in columns), "right", "tries", "hints", ""]]
    for each in found:
        right = [len(each.right.get(name, ())) for name in columns]
        rows.append([
            each.name or "?", *(f"{count}/{counts[name]}" for name, count in zip(columns, right)),
            f"{sum(right)}/{sum(counts.values())}", str(each.tries), str(each.hints), "see below" if each.problems else "",
        ])  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _printable(text: str) -> str:
    """A text from a file in one line, without characters that would move the cursor of a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)[:300]


if __name__ == "__main__":
    main()
