"""Ask a question with numbers drawn from a seed, and judge answers."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from autograd import Value, grad
from nn import FormulaError, formula
from playground import configuration as configurations
from playground.configuration import Configuration
from playground.experiment import Experiment
from playground.messages import RefusedError
from playground.questions.network import POINTS, QUANTITIES, Network, Record, replayed, shown, target_of, within
from playground.questions.reading import LIVE, PRESS, Question, QuestionError

INPUTS = (-2.3, -1.1, -0.4, 0.3, 0.7, 1.9)  # formulas are compared here
AGAIN = "Not yet. Try again, or take a hint."
RISES, FALLS, STAYS = "it rises", "it falls", "it stays the same"


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to tell the reader. It is true if the answer is right.

    `target` is the part of the network to look at, and `records` prove what happened in the network.
    """

    is_right: bool
    text: str
    target: dict[str, Any] | None = None
    records: tuple[Record, ...] = ()

    def __bool__(self) -> bool:
        return self.is_right

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class Asked:
    """A question with its numbers. The same question, configuration and seed give the same numbers."""

    question: Question
    seed: int
    configuration: Mapping[str, Any] | None  # of the network that the question is about
    numbers: dict[str, float]
    options: Sequence[str] = ()  # of a choice or an order, as they are shown
    answer: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        return self._filled(self.question.text)

    @property
    def hints(self) -> list[str]:
        return [self._filled(hint) for hint in self.question.hints]

    def network(self) -> Network:
        """The network that the question is about, untrained. Raises ValueError if the question is not about one."""
        if self.configuration is None:
            raise ValueError("this question is not about a network")
        return Network(Experiment(configurations.read(self.configuration)))

    def check(self, given: Any) -> Verdict:
        """Judge an answer: a number, a `Value`, text, or a list of the steps of an order.

        A question about a network is judged for the untrained network of the question. A goal needs a trained one, so for the kind `goal`
        the answer is a list of the records that the page hands in.
        """
        if self.question.kind == "goal" and isinstance(given, list):
            return self.judge_again("", given)
        if isinstance(given, Value):
            given = given.data
        return self.judge("\n".join(map(str, given)) if isinstance(given, (list, tuple)) else str(given))

    def judge(self, given: str, network: Network | None = None, records: Sequence[Record] = ()) -> Verdict:
        """Judge an answer: a number, a formula, the text of an option, steps in lines, or the name of a part such as `a[0,1]`.

        A question about a network is judged for the given one, by default for the untrained one. `records` are those of the stages of
        a goal that were reached before.
        """
        given = given.strip()
        try:
            if self.question.kind in LIVE:
                return self._judge_network(given, network or self.network(), records)
            if self._equals(given, self.answer):
                return self._right()
            return self._wrong(lambda wrong: self._matches(given, wrong), AGAIN)
        except RefusedError:
            raise
        except (ValueError, ArithmeticError) as error:
            return Verdict(False, str(error))

    def judge_again(self, given: str, records: Sequence[Any]) -> Verdict:
        """Judge an answer with the records of its network, as `playground.check` does."""
        if self.question.kind not in LIVE:
            return self.judge(given)
        if len(records) != max(1, len(self.question.stages)):
            return Verdict(False, "The network is not there yet.")
        verdict = Verdict(False, "")
        try:
            for stage, record in enumerate(records):
                verdict = self.judge(given, replayed(record, self._require_fitting), records[:stage])
                if len(verdict.records) <= stage:
                    return Verdict(False, verdict.text)
        except ValueError as error:
            return Verdict(False, str(error))
        return verdict

    def _repr_html_(self) -> str:
        """The question in a notebook, with the options and the hints."""
        options = "".join(f"<li>{html.escape(option)}</li>" for option in self.options)
        hints = "".join(f"<li>{html.escape(hint)}</li>" for hint in self.hints)
        return (
            f"<p><b>{html.escape(self.text)}</b></p>{options and f'<ul>{options}</ul>'}"
            f"{hints and f'<details><summary>Hints</summary><ol>{hints}</ol></details>'}"
        )

    def solution(self) -> str:
        """The right answer, for teachers."""
        question = self.question
        if question.kind == "number":
            return within(_value(self.answer), question.within)
        if question.kind == "goal":
            return "; then ".join(
                ", ".join(f"{each.quantity} {each.comparison} {each.number:g}{each.times and f' * {each.times}'}" for each in stage)
                for stage in question.stages
            )
        if question.kind == "point":
            values = POINTS[question.answer].find(self.network())
            return max(values, key=lambda name: values[name])
        if question.kind == "predict":
            return next(option for option in self.options if self.judge(option))
        return self.answer

    # Kinds without a network

    def _equals(self, given: str, answer: str) -> bool:
        kind = self.question.kind
        if kind == "number":
            return abs(_number(given) - _value(answer)) <= self.question.within
        if kind == "formula":
            return _same(given, answer)
        known = given.splitlines() if kind == "order" else [given]
        if sorted(known) != sorted(self.options) if kind == "order" else given not in self.options:
            raise ValueError(f"{given!r:.100} is not {'all' if kind == 'order' else 'one'} of {', '.join(self.options)}")
        return given == answer

    def _matches(self, given: str, wrong: str) -> bool:
        """Whether an answer is the wrong one that the author thought of."""
        if self.question.kind == "order":
            steps, (first, _, second) = given.splitlines(), wrong.partition(" before ")
            return steps.index(first) < steps.index(second)
        return self._equals(given, _substituted(wrong, self.numbers))

    # Kinds about a network

    def _judge_network(self, given: str, network: Network, records: Sequence[Record]) -> Verdict:
        self._require_fitting(network.experiment.start)
        if self.question.kind == "point":
            return self._judge_point(given, network)
        if self.question.kind == "predict":
            return self._judge_prediction(given, network)
        return self._judge_goal(network, records)

    def _require_fitting(self, start: Configuration) -> None:
        """Raise ValueError if a network starts with other data, another seed or other weights than the question's."""
        own = configurations.read(self.configuration)
        for name in ("data", "features", "seed"):
            if getattr(start, name) != getattr(own, name):
                raise ValueError(f"This is another network: its {name} was changed. Press “New numbers” to get the question's network.")
        if start.parameters != own.parameters:
            raise ValueError("This network started with given weights. Press Reset, and train it from the start.")

    def _judge_point(self, given: str, network: Network) -> Verdict:
        pointing = POINTS[self.question.answer]
        values = pointing.find(network)
        if given not in values:
            raise ValueError(f"Point at {pointing.what}, such as {next(iter(values))}." if given else f"Point at {pointing.what} first.")
        best = max(values.values())
        facts = {"given": given, "value": shown(values[given]), "size": shown(abs(values[given])), "best": shown(best)}
        record, target = (network.recorded(),), target_of(given)
        if values[given] >= best - 1e-9 * abs(best) and best > pointing.above:
            right = self._right(network, facts, given)
            return Verdict(True, right.text, right.target or target, record)
        wrong = self._wrong(lambda wrong: _is_largest(wrong, given, network), pointing.told, facts)
        return Verdict(False, wrong.text, target, record)

    def _judge_prediction(self, given: str, network: Network) -> Verdict:
        if given not in self.options:
            raise ValueError(f"Choose one: {', '.join(self.options)}.")
        record, promised = network.recorded(), network.promised(self.question.press)
        before = network.quantity("cost")
        network.press(self.question.press)
        network = Network(network.experiment, network.example)
        after = network.quantity("cost")
        facts = {"before": shown(before), "after": shown(after), "change": shown(after - before)}
        facts["promised"] = "" if promised is None else shown(promised)
        actual = STAYS if after == before else RISES if after > before else FALLS
        numbers = f"The cost was {shown(before)}, and now it is {shown(after)}."
        right = self._right(network, facts)
        wrong = self._wrong(given.__eq__, right.text if self.question.because else "", facts)
        text = f"{numbers} {right.text}" if given == actual else f"{numbers} So {actual}. {wrong.text}".strip()
        return Verdict(given == actual, text, right.target, (record,))

    def _judge_goal(self, network: Network, records: Sequence[Record]) -> Verdict:
        stage = min(len(records), len(self.question.stages) - 1)
        if records and records[0].get("start") != network.recorded()["start"]:
            raise ValueError("This is not the network of the first part. Press “New numbers” to begin again.")
        if unmet := network.unmet(self.question.stages[stage]):
            return Verdict(False, f"Not yet: {'; '.join(unmet)}.", records=tuple(records))
        reached = (*records[:stage], network.recorded())
        if len(reached) < len(self.question.stages):
            return Verdict(False, f"Part {len(reached)} of {len(self.question.stages)} is done. Now the next one.", records=reached)
        named = [name for name in QUANTITIES if f"{{{name}}}" in self.question.because]
        right = self._right(network, {name: network.shown(name) for name in named})
        return Verdict(True, right.text, right.target, reached)

    # Texts

    def _right(self, network: Network | None = None, facts: Mapping[str, str] | None = None, part: str = "") -> Verdict:
        because, facts = self.question.because or "Right.", dict(facts or {})
        if "{chain}" in because:
            facts["chain"] = (network or self.network()).chain(self.question.show or part)
        return Verdict(True, self._filled(because, facts), target_of(self.question.show))

    def _wrong(self, is_this: Callable[[str], bool], otherwise: str, facts: Mapping[str, str] | None = None) -> Verdict:
        """The explanation of the first listed wrong answer for which `is_this(wrong)`, or another text."""
        found = (explanation for wrong, explanation in self.question.wrong if is_this(wrong))
        return Verdict(False, self._filled(next(found, otherwise), facts))

    def _filled(self, text: str, facts: Mapping[str, str] | None = None) -> str:
        known = {name: f"{number:g}" for name, number in self.numbers.items()}
        if self.answer:
            known["answer"] = self.answer if self.question.kind == "formula" else self.solution()
        known |= facts or {}
        return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], found[0]), text)


def ask(question: Question, seed: int, configuration: Mapping[str, Any] | None = None, checks: bool = True) -> Asked:
    """Draw the numbers of a question. `configuration` has the settings of the network; the seed is added unless it has one.

    Raises QuestionError if the answer cannot be computed, or is also listed as wrong. If `checks`, a network is made, to find names of
    parts that it does not have.
    """
    rng = np.random.default_rng(seed)
    if question.needs_network and configuration is None:
        raise QuestionError("a question about the network needs the settings of one on its page, such as `data: moons`")
    asked = Asked(question, seed, {"seed": seed, **(configuration or {})} if question.needs_network else None, {})
    try:
        if question.kind in ("number", "formula"):
            numbers = _drawn(question, rng, asked)
            asked = replace(asked, numbers=numbers, answer=_substituted(question.answer, numbers))
            _require_wrong(asked)
        elif question.kind in LIVE:
            _require_known(question)
            if checks:
                _require_names(asked)
            asked = replace(asked, options=(RISES, FALLS, STAYS) if question.kind == "predict" else ())
        else:
            options, answer = _options(question, rng)
            asked = replace(asked, options=options, answer=answer)
    except FormulaError as error:
        raise QuestionError(f"the question has an invalid formula: {error}") from error
    except (ValueError, ArithmeticError) as error:
        raise error if isinstance(error, QuestionError) else QuestionError(str(error)) from error
    return asked


def _options(question: Question, rng: np.random.Generator) -> tuple[list[str], str]:
    """The options in the order in which they are shown, and the right answer."""
    options = list(question.steps) if question.kind == "order" else [question.answer, *(wrong for wrong, _ in question.wrong)]
    if len(options) < 2 or len(set(options)) < len(options):
        raise QuestionError(f"the question needs two or more different {'steps' if question.kind == 'order' else 'answers'}")
    for wrong, _ in question.wrong if question.kind == "order" else ():
        if not {wrong.partition(" before ")[0], wrong.partition(" before ")[2]} <= {*options}:
            raise QuestionError(f"a wrong order is `one step before another step`, with steps of the question; got {wrong!r}")
    mixed = [options[index] for index in rng.permutation(len(options))]
    if question.kind == "order":
        return (mixed[::-1] if mixed == options else mixed), "\n".join(options)
    return mixed, question.answer


def _require_known(question: Question) -> None:
    """Raise ValueError for a kind of part that does not exist."""
    for name in (question.answer, *(wrong for wrong, _ in question.wrong)) if question.kind == "point" else ():
        if name not in POINTS:
            raise ValueError(f"the answer of a question of the kind point is one of {', '.join(POINTS)}; got {name!r}")


def _require_names(asked: Asked) -> None:
    """Raise ValueError for names that do not exist in the network."""
    question, network = asked.question, asked.network()
    if question.kind == "point":
        POINTS[question.answer].find(network)
    elif question.kind == "predict":
        pressed = PRESS.fullmatch(question.press)
        if pressed and pressed[1]:
            network.number(pressed[1])
    else:
        for condition in (each for stage in question.stages for each in stage):
            for name in filter(None, (condition.quantity, condition.times)):
                network.quantity(name)
    if question.show:
        network.number(question.show)


def _require_wrong(asked: Asked) -> None:
    """Raise QuestionError if the answer is listed as wrong, except with numbers of a network, which may happen to be equal."""
    question = asked.question
    is_shown = question.kind == "number"
    if any(isinstance(draw, str) for draw in question.draws.values()):
        return
    for wrong, _ in question.wrong:
        substituted = _substituted(wrong, asked.numbers)
        if asked._equals(repr(_value(substituted)) if is_shown else substituted, asked.answer):
            raise QuestionError(f"the question {question.text!r:.60} lists its answer as wrong")


def _drawn(question: Question, rng: np.random.Generator, asked: Asked) -> dict[str, float]:
    """Numbers for which the answer of a number differs from each wrong one, and these from each other, if there are such."""
    network = asked.network() if question.needs_network else None
    taken = {name: float(f"{network.number(draw):.3g}") for name, draw in question.draws.items() if network and isinstance(draw, str)}
    numbers: dict[str, float] = {}
    texts = [question.answer, *(wrong for wrong, _ in question.wrong)]
    for _ in range(100):
        ranges = {name: draw for name, draw in question.draws.items() if not isinstance(draw, str)}
        numbers = taken | {name: round(float(rng.uniform(low, high)), places) + 0.0 for name, (low, high, places) in ranges.items()}
        values = [_value(_substituted(text, numbers)) for text in texts] if question.kind == "number" else []
        for text in texts if question.kind == "formula" else []:
            _same(_substituted(text, numbers), "x")
        if all(abs(one - other) > 2 * question.within for one, other in combinations(values, 2)):
            break
    return numbers


def _is_largest(name: str, given: str, network: Network) -> bool:
    """Whether a part is what another question would ask for."""
    values = POINTS[name].find(network)
    return given in values and values[given] == max(values.values())


def _substituted(text: str, numbers: Mapping[str, float]) -> str:
    def number(found: re.Match[str]) -> str:
        if found[0] not in numbers:
            return found[0]
        text, is_factor = f"{numbers[found[0]]:.15g}", re.search(r"[\w.)]\s*$", found.string[: found.start()])
        return f"({text})" if text.startswith("-") or is_factor else text

    return re.sub(r"(?<![A-Za-z_])[a-z]\b", number, text)


def _value(text: str) -> float:
    """The number that a formula without x describes."""
    return float(_function(text)(0.0))


def _number(text: str) -> float:
    """The number in an answer, perhaps a fraction such as 1/3."""
    above, slash, below = text.replace("−", "-").partition("/")
    try:
        number = float(above) / (float(below) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        commas = " Write a decimal point, and no commas." if "," in text else ""
        raise ValueError(f"The answer is a number, such as 0.25; got {text!r:.60}.{commas}") from None
    if not math.isfinite(number):
        raise ValueError(f"The answer is a finite number; got {text!r:.60}.")
    return number


def _same(given: str, answer: str) -> bool:
    """Whether two formulas of x are equal at some points, by value and by derivative."""
    one, other = (_function(text) for text in (given, answer))
    pairs = [(one, other), (grad(one), grad(other))]
    return all(math.isclose(f(x), g(x), rel_tol=1e-9, abs_tol=1e-9) for f, g in pairs for x in INPUTS)


def _function(text: str) -> Callable[[float], float]:
    """The function that a formula describes, which may be constant. An error shows the formula as it was given."""
    if re.search(r"\bx\b", text):
        return formula(text)
    try:
        return formula(f"({text}) + 0 * x")
    except FormulaError as error:
        raise FormulaError(error.problem, text, max(0, min(error.position - 1, len(text)))) from None
