"""Ask a question with numbers drawn from a seed, and judge answers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from autograd import grad, sigmoid
from nn import MLP, FormulaError, formula
from playground.questions.reading import Question, QuestionError

POINTS = (-2.3, -1.1, -0.4, 0.3, 0.7, 1.9)  # formulas are compared here


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to tell the reader."""

    is_right: bool
    text: str


@dataclass(frozen=True)
class Asked:
    """A question with its numbers. `judge` judges an answer; the same question and seed give the same numbers."""

    question: Question
    numbers: dict[str, float]
    options: Sequence[str] = ()  # of a choice, in the order in which they are shown
    model: MLP | None = None  # of the kind `point`, with its example
    example: tuple[float, ...] = ()
    answer: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        return self._filled(self.question.text)

    def hint(self, count: int) -> str:
        """The first `count` hints, one a line."""
        return "\n".join(self._filled(hint) for hint in self.question.hints[:count])

    def judge(self, given: str) -> Verdict:
        """Judge an answer: a number, a formula of x, the text of an option, or the name of a part such as `a[0,1]`."""
        given = given.strip()
        try:
            if self._equals(given, self.answer):
                return Verdict(True, self._filled(self.question.because) or "Right.")
        except ValueError as error:
            return Verdict(False, str(error))
        for wrong, explanation in self.question.wrong:
            if self._equals(given, self._substituted(wrong)):
                return Verdict(False, self._filled(explanation))
        return Verdict(False, "Not yet. Try again, or take a hint.")

    def _equals(self, given: str, answer: str) -> bool:
        if self.question.kind == "number":
            return abs(_number(given) - _value(answer)) <= self.question.within
        if self.question.kind == "formula":
            return _same(given, answer)
        known = self.options or _parts(self.model)
        if given not in known:
            raise ValueError(f"{given!r} is not one of {', '.join(known)}")
        return given == answer

    def _filled(self, text: str) -> str:
        shown = {name: f"{number:g}" for name, number in self.numbers.items()}
        shown["answer"] = f"{_value(self.answer):.4g}" if self.question.kind == "number" else self.answer
        return re.sub(r"\{(\w+)\}", lambda found: shown.get(found[1], found[0]), text)

    def _substituted(self, text: str) -> str:
        return text if self.question.kind in ("choice", "point") else _substituted(text, self.numbers)


def ask(question: Question, seed: int) -> Asked:
    """Draw the numbers of a question. Raises QuestionError if its answer cannot be computed, or is also listed as wrong."""
    rng = np.random.default_rng(seed)
    numbers = _drawn(question, rng)
    if question.kind == "point":
        return _pointing(question, seed, rng)
    if question.kind == "choice":
        options = [question.answer, *(wrong for wrong, _ in question.wrong)]
        return Asked(question, numbers, [options[index] for index in rng.permutation(len(options))], answer=question.answer)
    asked = Asked(question, numbers, answer=_substituted(question.answer, numbers))
    if any(asked._equals(_shown(question, asked._substituted(wrong)), asked.answer) for wrong, _ in question.wrong):
        raise QuestionError(f"the question {question.text!r:.60} lists its answer as wrong")
    return asked


def _drawn(question: Question, rng: np.random.Generator) -> dict[str, float]:
    """Numbers for which the answer of a number differs from each wrong one, and these from each other, if there are such."""
    numbers: dict[str, float] = {}
    texts = [question.answer, *(wrong for wrong, _ in question.wrong)] if question.kind in ("number", "formula") else []
    for _ in range(100):
        numbers = {name: round(float(rng.uniform(low, high)), places) + 0.0 for name, (low, high, places) in question.draws.items()}
        try:
            values = [_value(_substituted(text, numbers)) for text in texts] if question.kind == "number" else []
            for text in texts if question.kind == "formula" else []:
                _same(_substituted(text, numbers), "x")
        except FormulaError as error:
            raise QuestionError(f"the question {question.text!r:.60} has an invalid formula: {error}") from error
        if all(abs(one - other) > 2 * question.within for one, other in combinations(values, 2)):
            break
    return numbers


def _shown(question: Question, answer: str) -> str:
    """A formula as a reader would give it: its value, if the answer is a number."""
    return repr(_value(answer)) if question.kind == "number" else answer


def _pointing(question: Question, seed: int, rng: np.random.Generator) -> Asked:
    if question.answer not in PARTS:
        raise QuestionError(f"the answer of a question of the kind point is one of {', '.join(PARTS)}, got {question.answer!r}")
    model = MLP(list(question.sizes), sigmoid, seed=seed)
    example = tuple(rng.uniform(0, 1, question.sizes[0]).round(2).tolist())
    sizes = _activations(model, example)
    if question.answer == "largest weight":
        sizes = {f"w[{name}]": abs(weight) for name, weight in _weights(model).items()}
    return Asked(question, {}, model=model, example=example, answer=max(sizes, key=lambda name: sizes[name]))


def _activations(model: MLP, example: Sequence[float]) -> dict[str, float]:
    layers = model.trace(np.array([example])).a
    return {f"a[{depth},{index}]": float(a) for depth, layer in enumerate(layers) for index, a in enumerate(layer[0])}


def _weights(model: MLP) -> dict[str, float]:
    return {
        f"{depth},{row},{column}": float(weight)
        for depth, layer in enumerate(model.layers)
        for (row, column), weight in np.ndenumerate(layer.weights)
    }


def _parts(model: MLP | None) -> list[str]:
    assert model
    return [*_activations(model, [0.0] * model.sizes[0]), *(f"w[{name}]" for name in _weights(model))]


PARTS = "brightest neuron", "largest weight"


def _substituted(text: str, numbers: dict[str, float]) -> str:
    return re.sub(r"\b[a-z]\b", lambda found: f"({numbers[found[0]]!r})" if found[0] in numbers else found[0], text)


def _value(text: str) -> float:
    """The number that a formula without x describes."""
    return float(_function(text)(0.0))


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"The answer is a number, such as 0.25; got {text!r}.") from None
    if not math.isfinite(number):
        raise ValueError(f"The answer is a finite number; got {text!r}.")
    return number


def _same(given: str, answer: str) -> bool:
    """Whether two formulas of x are equal at some points, by value and by derivative."""
    one, other = (_function(text) for text in (given, answer))
    pairs = [(one, other), (grad(one), grad(other))]
    return all(math.isclose(f(x), g(x), rel_tol=1e-9, abs_tol=1e-9) for f, g in pairs for x in POINTS)


def _function(text: str) -> Callable[[float], float]:
    """The function that a formula describes, which may be constant. An error shows the formula as it was given."""
    if re.search(r"\bx\b", text):
        return formula(text)
    try:
        return formula(f"({text}) + 0 * x")
    except FormulaError as error:
        raise FormulaError(error.problem, text, max(0, min(error.position - 1, len(text)))) from None
