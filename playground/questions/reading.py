"""Read a question from the Markdown of a lesson.

A question is a code block with the word `question`, on a page of a lesson. Its lines are fields, `name: text`; a line that begins with a
space continues the line before:

    ```question
    number: A weight multiplies the activation {a}. The weight is raised by 0.1. By how much does the weighted sum change?
    draw: a = 0.2 .. 2
    answer: 0.1 * a
    wrong: 0.1 -> That is the effect of a change of the bias. The effect of a weight depends on its activation.
    hint: The weighted sum contains the product of the weight and the activation.
    because: The product changes by 0.1 times {a}, which is {answer}.
    ```

The first field is the kind and the question. `docs/how-to/lesson.md` describes the kinds and the fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograd import NudgeError

NEEDS = {
    "number": {"answer"}, "formula": {"answer"}, "choice": {"answer", "wrong"}, "order": {"step"},
    "point": {"answer"}, "predict": {"press"}, "goal": {"answer"},
}  # fmt: skip
"""The kinds, and the fields that each must have."""

OWN = {"number": {"draw", "within"}, "formula": {"draw"}, "goal": {"then"}}  # fields of these kinds only, which may be absent
EXERCISE = re.compile(r"[1-9]")
MANY = "draw", "wrong", "hint", "step", "then"  # fields that may be repeated
ANY = "wrong", "hint", "because", "show", "exercise"  # fields of all kinds
NAMES = (*NEEDS, "answer", "press", "step", "draw", "within", "then", *ANY)
LIVE = "point", "predict", "goal"  # kinds that are about the network as it is

_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
PART = re.compile(r"(a|z|w|b|delta|slope)\[(\d+(?:,\d+)+)\]")
RANGE = re.compile(rf"([a-df-wyz]) = (-?(?:{_NUMBER})) \.\. (-?(?:{_NUMBER}))")  # e is a constant of formulas, and x their variable
TAKEN = re.compile(rf"([a-df-wyz]) = (cost|target|{PART.pattern})")
MOST_STEPS = 1000  # of a press: the reader waits for them
PRESS = re.compile(rf"([wb]\[\d+(?:,\d+)+\]) \+= (-?(?:{_NUMBER}))|(\d+) steps?(?: at rate ({_NUMBER}))?")
CONDITION = re.compile(rf"(\w+(?:\[\d+,\d+\])?) (<=|>=|<|>|=) ({_NUMBER})(?: \* (\w+))?")

Draw = tuple[float, float, int] | str
Row = tuple[int, str]


class QuestionError(NudgeError, ValueError):
    """A question that cannot be read. The message names the question and what to write; `line` is the number of the line."""

    def __init__(self, problem: str, line: int = 1) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True)
class Condition:
    """A condition of a goal: a quantity of the network, a comparison and a number, perhaps times another quantity."""

    quantity: str
    comparison: str
    number: float
    times: str


@dataclass(frozen=True)
class Question:
    """A question as its author wrote it, without the numbers that are drawn for a reader."""

    kind: str
    text: str
    answer: str
    steps: tuple[str, ...]  # of an order, the first one first
    press: str  # of a prediction
    stages: tuple[tuple[Condition, ...], ...]  # of a goal
    draws: Mapping[str, Draw]  # the smallest number, the largest one and the decimal places; or a number of the network
    wrong: tuple[tuple[str, str], ...]  # an answer and what is wrong with it
    hints: tuple[str, ...]
    because: str
    show: str  # the part of the network to inspect after the answer
    within: float
    exercise: int | None  # of the book's chapter, to which the question belongs

    @property
    def needs_network(self) -> bool:
        """Whether the question is about a network, whose settings are those of the page."""
        return self.kind in LIVE or bool(self.show) or any(isinstance(draw, str) for draw in self.draws.values())


def read_question(text: str) -> Question:
    """Return the question in the text of a block. Raises QuestionError if it cannot be read."""
    return read_rows(list(enumerate(text.splitlines(), 1)))


def read_rows(rows: Sequence[Row]) -> Question:
    """Return the question in numbered lines. Raises QuestionError, with the line, if it cannot be read."""
    fields = _fields(rows)
    kind = next(iter(fields), "")
    start = fields[kind][0][0] if kind else 1
    if kind not in NEEDS or sum(name in fields for name in NEEDS) > 1:
        raise QuestionError(f"a question must start with its kind, one of {', '.join(NEEDS)}, and have no second one", start)
    allowed = {kind, *NEEDS[kind], *OWN.get(kind, ()), *ANY}
    for name, found in fields.items():
        if name not in allowed:
            raise QuestionError(f"a question of the kind {kind} has no field {name}; its fields are {_listed(allowed)}", found[0][0])
        if len(found) > 1 and name not in MANY:
            raise QuestionError(f"the question has {name} more than once", found[1][0])
    for name in sorted(NEEDS[kind] - fields.keys()):
        raise QuestionError(f"the question has no {name}: add a line `{name}: ...`", start)
    return _question(kind, fields)


def _fields(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The lines of each field, in the order in which the fields begin."""
    fields: dict[str, list[Row]] = {}
    for number, row in joined(rows):
        name, colon, text = row.partition(":")
        if not colon or name not in NAMES:
            raise QuestionError(f"a question has lines such as `answer: 2 * a`, got {row!r:.60}; the names are {', '.join(NAMES)}", number)
        fields.setdefault(name, []).append((number, text.strip()))
    return fields


def joined(rows: Iterable[Row]) -> list[Row]:
    """The lines of a block, without empty ones. A line that begins with a space continues the line before, and becomes part of it."""
    found: list[Row] = []
    for number, row in rows:
        if row[:1].isspace() and row.strip() and found:
            found[-1] = found[-1][0], f"{found[-1][1]} {row.strip()}"
        elif row.strip():
            found.append((number, row.rstrip()))
    return found


def _question(kind: str, fields: Mapping[str, list[Row]]) -> Question:
    def once(name: str, read: Callable[[str], Any] = str, absent: Any = "") -> Any:
        return _read(read, fields[name][0]) if name in fields else absent

    def many(name: str, read: Callable[[str], Any] = str) -> tuple[Any, ...]:
        return tuple(_read(read, row) for row in fields.get(name, ()))

    draws = many("draw", _drawn)
    if len(dict(draws)) < len(draws):
        raise QuestionError("the question draws a letter more than once: use another letter for each number", fields["draw"][1][0])
    if "{chain}" in "".join(text for _, text in fields.get("because", ())) and kind != "point" and "show" not in fields:
        raise QuestionError("{chain} needs a part of the network: add a line such as `show: w[0,1,0]`", fields["because"][0][0])
    return Question(
        kind=kind,
        text=once(kind),
        answer=once("answer"),
        steps=many("step"),
        press=once("press", _pressed),
        stages=(once("answer", _conditions), *many("then", _conditions)) if kind == "goal" else (),
        draws=dict(draws),
        wrong=many("wrong", _wrong),
        hints=many("hint"),
        because=once("because"),
        show=once("show", _part),
        within=once("within", _tolerance, 0.001),
        exercise=once("exercise", _exercise, None),
    )


def _read(read: Callable[[str], Any], row: Row) -> Any:
    try:
        return read(row[1])
    except ValueError as error:
        raise QuestionError(str(error), row[0]) from None


def _drawn(text: str) -> tuple[str, Draw]:
    if taken := TAKEN.fullmatch(text):
        return taken[1], taken[2]
    found = RANGE.fullmatch(text)
    if not found:
        raise ValueError(
            f"draw must look like `a = 0.2 .. 2`, with a letter other than e and x, or name a number of the network, such as "
            f"`a = a[0,1]`; got {text!r}"
        )
    low, high = (float(found[place]) for place in (2, 3))
    if low >= high:
        raise ValueError(f"the range of {found[1]} is empty: {low:g} is not below {high:g}")
    return found[1], (low, high, max(len(found[place].partition(".")[2]) for place in (2, 3)))


def _wrong(text: str) -> tuple[str, str]:
    answer, arrow, explanation = text.partition(" -> ")
    if not arrow:
        raise ValueError(f"wrong must look like `an answer -> what is wrong with it`, got {text!r}")
    return answer.strip(), explanation.strip()


def _tolerance(text: str) -> float:
    if not re.fullmatch(_NUMBER, text):
        raise ValueError(f"expected a number such as 0.01, got {text!r}")
    return float(text)


def _exercise(text: str) -> int:
    if not EXERCISE.fullmatch(text):
        raise ValueError(f"expected the number of an exercise of the chapter, such as 2, got {text!r}")
    return int(text)


def _part(text: str) -> str:
    if not PART.fullmatch(text):
        raise ValueError(f"show must be a part of the network such as a[0,1] or w[0,1,0], got {text!r}")
    return text


def _pressed(text: str) -> str:
    found = PRESS.fullmatch(text)
    if not found:
        raise ValueError(f"press must look like `w[0,1,0] += 0.5` or `20 steps at rate 3`, got {text!r}")
    if found[3] and not 1 <= int(found[3]) <= MOST_STEPS:
        raise ValueError(f"press takes 1 to {MOST_STEPS} steps, got {found[3]}")
    return text


def _conditions(text: str) -> tuple[Condition, ...]:
    conditions = []
    for each in text.split(", "):
        found = CONDITION.fullmatch(each)
        if not found:
            raise ValueError(f"a goal has conditions such as `accuracy > 0.95, neurons <= 4`, got {each!r}")
        conditions.append(Condition(found[1], found[2], float(found[3]), found[4] or ""))
    return tuple(conditions)


def _listed(names: set[str]) -> str:
    return ", ".join(name for name in NAMES if name in names)
