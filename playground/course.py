"""The lessons as a course: all questions by lesson and number, and a question in Python."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from playground.bundle import page_files
from playground.lessons import FOLDER, Lesson, name_of, order_of, parsed, questions_in
from playground.questions import Asked, QuestionError, read_question, seed_of
from playground.questions import ask as ask_question


def course(more: Iterable[Path] = ()) -> dict[str, Lesson]:
    """The lessons by their names: those of the playground, and those in the files `more`.

    Raises LessonError and OSError, and ImportError if markdown-it-py is missing.
    """
    found = {
        name_of(name.removeprefix(FOLDER)): parsed(name.removeprefix(FOLDER), content, checks=False)
        for name, content in page_files().items()
        if name.startswith(FOLDER)
    }
    found |= {name_of(path.name): parsed(path.name, path.read_bytes(), path.parent) for path in more}
    return {name: found[name] for name in sorted(found, key=order_of)}


def asked_on(lesson: Lesson, page: int, reader: int = 0, attempt: int = 0) -> Asked:
    """The question on a page of a lesson, counted from 0, with the numbers of a reader. Raises QuestionError if there is none."""
    if page not in questions_in(lesson):
        raise QuestionError(f"the lesson {lesson['title']!r} has no question on page {page + 1}")
    asked = lesson["pages"][page]
    return ask_question(read_question(asked["question"]), seed_of(reader, page, attempt), asked.get("configuration"), checks=False)


def ask(lesson: str | int, number: int, seed: int = 0) -> Asked:
    """Ask a question of the playground's lessons in Python. In a notebook the result shows the question.

    Parameters
    ----------
    lesson : str or int
        The name of a lesson, such as ``"9-chain-rule"``, or the number of its chapter.
    number : int
        The number of the question in the lesson, from 1.
    seed : int, default 0
        The numbers in the question are drawn from it. In a course, use a number of the student.

    Returns
    -------
    Asked
        The question. Its ``check(answer)`` returns a verdict, which is true if the answer is right, and says why.

    Raises
    ------
    ValueError
        If there is no such lesson or question. The message lists the lessons.
    ImportError
        If markdown-it-py is missing.

    Examples
    --------
    >>> from playground import ask
    >>> question = ask(3, 1)
    >>> print(question.text)
    A layer has 3 neurons, and each of them has 21 inputs. How many weights and biases does the layer have?
    >>> print(question.check(63))
    You counted the weights. Each neuron has a bias, too.
    >>> assert question.check(66)
    """
    lessons = course()
    names = [name for name in lessons if name == lesson or name.partition("-")[0] == str(lesson)]
    if not names:
        raise ValueError(f"there is no lesson {lesson!r}; the lessons are {', '.join(lessons)}")
    pages = questions_in(lessons[names[0]])
    if not 1 <= number <= len(pages):
        raise ValueError(f"the lesson {names[0]!r} has {len(pages)} questions, got number {number}")
    return asked_on(lessons[names[0]], pages[number - 1], seed)
