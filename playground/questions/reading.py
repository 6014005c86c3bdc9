"""Read the questions of a lesson from its Markdown.

A question is a code block with the word `question`. Its lines are fields, `name: text`:

    ```question
    number: A weight meets the activation {a}. It changes by 0.1. By how much does the weighted sum change?
    draw: a = 0.2 .. 2
    answer: 0.1 * a
    wrong: 0.1 -> That is the effect of a change of the bias. The effect of a weight depends on its activation.
    hint: The weighted sum contains the product of the weight and the activation.
    because: The product changes by 0.1 times {a}, which is {answer}.
    ```

The first field is the kind and the question:

- `number`: a number. `within` is the tolerance, 0.001 if it is absent.
- `formula`: a function of x. Any form of it is right.
- `choice`: one of several texts. They are the `answer` and the `wrong` ones.
- `point`: a part of a network. `network` has its sizes, and `answer` says which part: `brightest neuron` or `largest weight`.

`draw` is a variable with its range; there may be several. Its numbers have the decimal places of the range: `5 .. 40` draws whole
numbers, `5.0 .. 40` numbers with one decimal place. Texts show it as `{a}`, and formulas use it by its name. A `wrong` answer has an
explanation after `->`. There may be several, as with `hint`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from autograd import NudgeError

KINDS = "number", "formula", "choice", "point"
ONCE = "answer", "within", "network", "because"
MANY = "draw", "wrong", "hint"
BLOCK = re.compile(r"^```question\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RANGE = re.compile(r"([a-df-wyz]) = (-?[\d.]+) \.\. (-?[\d.]+)")  # e is a constant of formulas, and x their variable


class QuestionError(NudgeError, ValueError):
    """A question that cannot be read. The message names the question and what to write."""


@dataclass(frozen=True)
class Question:
    """A question as its author wrote it, without the numbers that are drawn for a reader."""

    kind: str
    text: str
    answer: str
    draws: Mapping[str, tuple[float, float, int]]  # the smallest number, the largest one, and the decimal places
    wrong: tuple[tuple[str, str], ...]  # an answer and what is wrong with it
    hints: tuple[str, ...]
    because: str
    within: float
    sizes: tuple[int, ...]  # of the network, for the kind `point`


def read_questions(markdown: str) -> list[Question]:
    """Return the questions of a lesson. Raises QuestionError for a question that cannot be read."""
    return [_question(block.strip()) for block in BLOCK.findall(markdown)]


def _question(block: str) -> Question:
    fields: dict[str, list[str]] = {}
    for line in block.splitlines():
        name, colon, text = line.partition(":")
        if not colon or name not in (*KINDS, *ONCE, *MANY):
            raise QuestionError(
                f"a question has lines such as `answer: 2 * a`, got {line!r}; the names are {', '.join((*KINDS, *ONCE, *MANY))}"
            )
        fields.setdefault(name, []).append(text.strip())
    kind = next(iter(fields), "")
    title = f"the question {fields[kind][0]!r:.60}" if kind else "an empty question"
    if kind not in KINDS or sum(name in fields for name in KINDS) > 1:
        raise QuestionError(f"{title} must start with its kind, one of {', '.join(KINDS)}, and have no second one")
    for name in (kind, *ONCE):
        if len(fields.get(name, [])) > 1:
            raise QuestionError(f"{title} has {name} more than once")
    draws = dict(_range(draw, title) for draw in fields.get("draw", []))
    if len(draws) < len(fields.get("draw", [])):
        raise QuestionError(f"{title} draws a letter more than once: use another letter for each number")
    if "answer" not in fields:
        raise QuestionError(f"{title} has no answer: add a line `answer: ...`")
    return Question(
        kind=kind,
        text=fields[kind][0],
        answer=fields["answer"][0],
        draws=draws,
        wrong=tuple(_wrong(wrong, title) for wrong in fields.get("wrong", [])),
        hints=tuple(fields.get("hint", [])),
        because=fields.get("because", [""])[0],
        within=_number(fields.get("within", ["0.001"])[0], "within", title),
        sizes=_sizes(fields.get("network", [""])[0], kind, title),
    )


def _range(draw: str, title: str) -> tuple[str, tuple[float, float, int]]:
    found = RANGE.fullmatch(draw)
    if not found:
        raise QuestionError(f"{title}: draw must look like `a = 0.2 .. 2`, with a letter other than e and x, got {draw!r}")
    low, high = (_number(found[place], "draw", title) for place in (2, 3))
    if low >= high:
        raise QuestionError(f"{title}: the range of {found[1]} is empty: {low:g} is not below {high:g}")
    return found[1], (low, high, max(len(found[place].partition(".")[2]) for place in (2, 3)))


def _wrong(text: str, title: str) -> tuple[str, str]:
    answer, arrow, explanation = text.partition(" -> ")
    if not arrow:
        raise QuestionError(f"{title}: wrong must look like `an answer -> what is wrong with it`, got {text!r}")
    return answer.strip(), explanation.strip()


def _number(text: str, name: str, title: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise QuestionError(f"{title}: {name} must be a number, got {text!r}") from None


def _sizes(text: str, kind: str, title: str) -> tuple[int, ...]:
    if (kind == "point") != bool(text):
        raise QuestionError(f"{title}: a question of the kind point has a line such as `network: 2, 3, 1`, and others have none")
    if text and not re.fullmatch(r"[1-9]\d?(, [1-9]\d?)+", text):
        raise QuestionError(f"{title}: network must be sizes of at most 99 such as `2, 3, 1`, got {text!r}")
    return tuple(int(size) for size in text.split(", ")) if text else ()
