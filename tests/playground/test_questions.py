"""Questions of lessons: the right answer is accepted, wrong ones are explained, and each seed has its own numbers."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import grad, relu
from nn import MLP, binary_cross_entropy, moons, split
from playground.bundle import page_files
from playground.lessons import FOLDER, parsed
from playground.questions import Asked, Question, QuestionError, ask, read_question, seed_of
from playground.questions.network import POINTS, QUANTITIES, Network, Record
from playground.questions.reading import NEEDS
from tests.playground.players import Player

ROOT = Path(__file__).parents[2]
LESSONS = {name.removeprefix(FOLDER): content for name, content in page_files().items() if name.startswith(FOLDER)}
PAGES = {
    f"{name}-{page['title']}": (read_question(page["question"]), page.get("configuration"))
    for name, content in LESSONS.items()
    for page in parsed(name, content, checks=False)["pages"]
    if "question" in page
}
one = read_question


def given(asked: Asked, answer: str) -> str:
    """An answer as a reader gives it: for a number, the formula's value; for an order, a wrong one that the author thought of."""
    if asked.question.kind == "order" and " before " in answer:
        first, _, second = answer.partition(" before ")
        rest = [step for step in asked.question.steps if step != first]
        rest.insert(rest.index(second), first)
        return "\n".join(rest)
    if asked.question.kind == "formula":
        return re.sub(r"\b[a-df-wyz]\b", lambda found: repr(asked.numbers.get(found[0], found[0])), answer)
    return repr(eval(answer, {**vars(autograd)}, asked.numbers)) if asked.question.kind == "number" else answer


NUMBER = one(
    "number: By how much?\ndraw: a = 0.2 .. 2\nanswer: 0.1 * a\nwrong: 0.1 -> Not for {a}.\nhint: One.\nhint: {a}\nbecause: It is {answer}."
)
FORMULA = one("formula: The derivative of x ** 3?\nanswer: 3 * x ** 2\nwrong: x ** 2 -> A factor is missing.")


def test_each_chapter_is_a_lesson_with_three_to_six_questions() -> None:
    counts = {name: sum("question" in page for page in parsed(name, content, checks=False)["pages"]) for name, content in LESSONS.items()}
    assert {*GOALS} == {name for name, (question, _) in PAGES.items() if question.kind == "goal"}
    assert {int(name.partition("-")[0]) for name in counts if name != "story.md"} == {*range(1, 12)}
    assert all(3 <= count <= 6 for name, count in counts.items() if name != "story.md")
    assert {question.kind for question, _ in PAGES.values()} == {*NEEDS}


@pytest.mark.parametrize("name", LESSONS)
def test_the_settings_and_questions_of_shipped_lessons_work(name: str) -> None:
    assert parsed(name, LESSONS[name], checks=True) == parsed(name, LESSONS[name], checks=False)


def test_each_exercise_of_the_book_has_a_question() -> None:
    for path in sorted((ROOT / "docs/story").glob("*.md")):
        exercises = re.findall(r"^(\d)\. ", path.read_text(encoding="utf-8").partition("## Three things to try")[2], re.MULTILINE)
        asked = [question.exercise for name, (question, _) in PAGES.items() if name.startswith(path.name)]
        assert sorted(str(each) for each in asked if each) == exercises == ["1", "2", "3"]


@pytest.mark.parametrize(("question", "configuration"), PAGES.values(), ids=PAGES)
def test_shipped_questions_accept_their_answer_and_explain_wrong_ones(question: Question, configuration: dict[str, Any]) -> None:
    assert question.hints
    assert question.because
    for seed in range(1 if question.needs_network else 3):
        asked = ask(question, seed, configuration)
        assert "{" not in " ".join([asked.text, *asked.hints])
        if question.kind == "goal":
            verdict = asked.check("")
            assert not verdict
            assert verdict.text.startswith("Not yet: ")
            continue
        right = given(asked, asked.answer) if question.kind == "number" else asked.solution()
        verdict = asked.check(right)
        assert verdict
        if not question.needs_network:
            assert verdict == ask(question, seed, configuration).check(right)
        assert "{" not in verdict.text
        for wrong, explanation in question.wrong if question.kind not in ("point", "predict") else ():
            if question.kind == "order" or not asked.check(given(asked, wrong)):
                told = asked.check(given(asked, wrong)).text
                texts = [each for _, each in question.wrong] if question.kind == "order" else [explanation]
                assert any(told.startswith(text.partition("{")[0]) for text in texts)
                assert not asked.check(given(asked, wrong))
        if question.kind in ("point", "predict"):
            others = asked.options or POINTS[question.answer].find(asked.network())
            verdict = asked.check(next(other for other in others if other != right))
            assert not verdict
            assert re.search(r"\d", verdict.text)
            assert "{" not in verdict.text


@pytest.mark.parametrize(("question", "configuration"), PAGES.values(), ids=PAGES)
def test_fresh_seeds_give_fresh_numbers(question: Question, configuration: dict[str, Any]) -> None:
    asked = [ask(question, seed, configuration) for seed in range(2 if question.needs_network else 6)]
    if question.kind in ("choice", "order"):
        assert len({tuple(each.options) for each in asked}) > 1
    elif question.draws:
        assert len({tuple(each.numbers.values()) for each in asked}) > len(asked) / 2
    elif question.kind != "formula":
        assert len({tuple(each.network().weights().values()) for each in asked}) == len(asked)


def test_each_page_and_attempt_of_a_reader_has_its_own_seed() -> None:
    seeds = {seed_of(reader, page, attempt) for reader in (0, 5, 2**31 - 1) for page in range(5) for attempt in range(5)}
    assert len(seeds) == 75
    assert all(0 <= seed < 2**31 for seed in seeds)


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
    assert asked.judge(f"{a}/10").text == asked.judge(f" −{a} / -10 ").text == f"It is {0.1 * a:.4g}."
    for given in ("1/0", "1/", "1/2/3"):
        assert asked.judge(given).text == f"The answer is a number, such as 0.25; got {given!r}."
    assert asked.judge("much").text == "The answer is a number, such as 0.25; got 'much'."
    assert asked.judge("0,25").text.endswith("Write a decimal point, and no commas.")
    assert asked.judge("inf").text == "The answer is a finite number; got 'inf'."
    assert asked.hints == ["One.", f"{a:g}"]


def test_letters_in_a_formula_are_multiplied_as_at_school() -> None:
    asked = ask(one("number: How many?\ndraw: a = 2 .. 9\ndraw: b = -9 .. -2\nanswer: 2a b + 3(a)b - a"), 0)
    a, b = asked.numbers["a"], asked.numbers["b"]
    assert asked.check(5 * a * b - a)


@pytest.mark.parametrize(("answer", "shown"), [("1000.4", "1000.4"), ("123456789", "123456789"), ("2/3", "0.6667"), ("13002", "13002")])
def test_the_answer_that_is_shown_is_right(answer: str, shown: str) -> None:
    asked = ask(one(f"number: How many?\nanswer: {answer}\nbecause: It is {{answer}}."), 0)
    assert asked.check(asked.solution()).text == f"It is {shown}."


@pytest.mark.parametrize("given", ["3*x**2", "x * x * 3", "(2 * x + x) * x", "x ** 2 + x ** 2 / 1 + x ** 2"])
def test_any_form_of_a_formula_is_right(given: str) -> None:
    assert ask(FORMULA, 0).judge(given).is_right


@pytest.mark.parametrize(
    "given", ["3 * x", "3 * x ** 2 + 0.001", "3 * abs(x) * x", "2", "import os", "3 * x **", "3x^2 + 0/(x-0.3)", "3x^2 + 0/(x-0.7)"]
)
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
    order = ask(one("order: Which?\nstep: this\nstep: that"), 0)
    assert order.options == ["that", "this"]
    assert not order.check("that\nthis")
    assert order.check("this\nthat")
    for steps in (["this"], ["this", "this"], ["this", "that", "that"]):
        assert " is not all of that, this" in order.check(steps).text


# Questions about a network

MOONS: dict[str, Any] = {"data": {"name": "moons", "n": 40}, "layers": [3]}


def own(seed: int) -> tuple[MLP, Any, Any]:
    """The network that `MOONS` describes, and its training examples."""
    (X, y), _ = split(*moons(40, noise=0.1, seed=seed), test=0.3, seed=seed)
    return MLP([2, 3, 1], seed=seed), X, y


def test_pointing_is_judged_by_the_numbers_of_the_network() -> None:
    asked = ask(one("point: Which?\nanswer: largest nudge\nwrong: largest weight -> Only the largest.\nbecause: {chain}"), 4, MOONS)
    model, X, y = own(4)
    model.zero_grad()
    binary_cross_entropy(model(X[0]), y[0]).backward()
    gradients = {
        f"w[{layer},{neuron},{place}]": abs(weight.grad)
        for layer, each in enumerate(model.layers)
        for neuron, part in enumerate(each.neurons)
        for place, weight in enumerate(part.weights)
    }
    best = max(gradients, key=lambda name: gradients[name])
    assert asked.solution() == best
    assert asked.check(best).text.startswith("∂C/∂a[1,0] · ")
    assert abs(float(asked.check(best).text.rpartition(" = ")[2])) == pytest.approx(gradients[best], rel=1e-3)
    largest = max(asked.network().weights().items(), key=lambda each: abs(each[1]))[0]
    other = min(gradients.keys() - {largest}, key=lambda name: gradients[name])
    assert asked.check(other).text == f"For {other} it is {gradients[other]:.4g}. Another one has more."
    assert asked.check("").text == "Point at a weight first."
    assert asked.check("a[0,0]").text == "Point at a weight, such as w[0,0,0]."


@pytest.mark.parametrize("name", POINTS)
def test_everything_that_can_be_pointed_at_has_a_largest_one(name: str) -> None:
    asked = ask(one(f"point: Which?\nanswer: {name}"), 1, MOONS)
    assert asked.check(asked.solution())


def test_no_example_is_wrong_where_all_are_right() -> None:
    data = {"name": "points", "X": [[1, 0], [-1, 0]], "y": [1, 0]}
    settings: dict[str, Any] = {"data": data, "layers": [], "held_out": 0, "features": ["x1"]}
    question = one("point: Which?\nanswer: wrong example")
    asked = ask(question, 0, {**settings, "parameters": [1.0, 0.0]})
    assert asked.check("example 0").text == "The network predicts the class of example 0 right."
    assert ask(question, 0, {**settings, "parameters": [-1.0, 0.0]}).check("example 0")


@pytest.mark.parametrize("name", ["largest cost", "wrong example"])
def test_without_examples_none_can_be_pointed_at(name: str) -> None:
    with pytest.raises(QuestionError, match="there are no examples to learn from yet"):
        ask(one(f"point: Which?\nanswer: {name}"), 0, {"data": {"name": "points", "X": [], "y": []}})


def test_a_prediction_does_what_it_is_about() -> None:
    question = one(
        "predict: And now?\npress: w[1,0,2] += 0.5\nbecause: From {before} to {after}, promised {promised}.\nwrong: it falls -> No."
    )
    model, X, y = own(3)

    def cost() -> float:
        return float(np.mean([binary_cross_entropy(model(x), label).data for x, label in zip(X, y)]))

    before, weight = cost(), model.layers[1].neurons[0].weights[2]
    for x, label in zip(X, y):
        binary_cross_entropy(model(x), label).backward()
    promised = 0.5 * weight.grad / len(X)
    weight.data += 0.5
    after, asked = cost(), ask(question, 3, MOONS)
    verdict = asked.check("it rises" if after > before else "it falls")
    assert verdict
    assert f"From {before:.4g} to {after:.4g}, promised {promised:.4g}." in verdict.text
    assert not asked.check("it falls" if after > before else "it rises")
    assert asked.check("sideways").text == "Choose one: it rises, it falls, it stays the same."


def test_a_prediction_may_be_that_the_cost_stays_the_same() -> None:
    dead = {**MOONS, "activations": ["0 * x"]}
    asked = ask(one("predict: And now?\npress: w[0,1,0] += 0.5"), 3, dead)
    assert not asked.check("it falls")
    assert asked.check("it stays the same")


def test_a_goal_has_stages_and_its_records_prove_it() -> None:
    text = (
        "goal: Grow, then learn.\nanswer: cost > 2 * start_cost\nthen: accuracy > 0.8, neurons <= 3\nbecause: {accuracy} in {steps} steps."
    )
    player = Player(**ask(one(text), seed_of(7, 2, 0), MOONS).configuration or {})
    place: dict[str, Any] = {"question": text, "configuration": MOONS, "reader": 7, "page": 2}
    first = player("judge", **place)
    assert (first["right"], first["records"]) == (False, [])
    assert first["text"].startswith("Not yet: cost ")
    player("set", rate=20.0)
    player("step", by="step", count=20)
    second = player("judge", **place)
    assert second["text"] == "Part 1 of 2 is done. Now the next one."
    player("back", to=0)
    player("set", rate=0.1)
    player("step", by="step", count=200)
    third = player("judge", **place, records=second["records"])
    assert third["right"], third["text"]
    asked, records = ask(one(text), seed_of(7, 2, 0), MOONS), json.loads(json.dumps(third["records"]))
    assert asked.check(records).text == third["text"] == f"{100 * third['accuracy']:.4g} % in 200 steps."
    forged = json.loads(json.dumps(records))
    forged[1]["step"] = 0
    forged[1]["changes"] = []
    assert not asked.check(forged)
    assert not asked.check(records[:1])
    assert not asked.check(records[::-1])
    other = json.loads(json.dumps(records))
    for record in other:
        record["start"]["seed"] += 1
    assert asked.check(other).text.startswith("This is another network: its seed was changed.")
    given = json.loads(json.dumps(records))
    for record in given:
        record["start"]["parameters"] = [0.0] * 13
    assert asked.check(given).text.startswith("This network started with given weights.")


def test_a_neuron_that_is_flat_for_all_examples_is_dead() -> None:
    asked = ask(one("goal: Kill it.\nanswer: dead[0,1] = 1, dead = 1"), 0, {**MOONS, "activations": "relu(x)"})
    network = asked.network()
    assert network.unmet(asked.question.stages[0]) == ["a[0,1] is not dead", "dead 0 instead of 1"]
    network.experiment.set_parameter(network.index_of("b[0,1]"), -50.0)
    assert asked.judge("", network)
    assert grad(relu)(-50.0) == 0


@pytest.mark.parametrize("name", QUANTITIES)
def test_each_quantity_of_a_goal_is_a_number(name: str) -> None:
    assert np.isfinite(ask(one(f"goal: Do it.\nanswer: {name} >= 0"), 0, MOONS).network().quantity(name))


def test_numbers_can_be_those_of_the_network() -> None:
    asked = ask(one("number: {d} and {w}?\ndraw: d = delta[1,0]\ndraw: w = w[1,0,2]\nanswer: d * w"), 5, MOONS)
    model, X, y = own(5)
    output = model(X[0])[0]
    cost = binary_cross_entropy([output], y[0])
    cost.backward()
    assert asked.numbers == {"d": float(f"{output.grad:.3g}"), "w": float(f"{model.layers[1].neurons[0].weights[2].data:.3g}")}


def test_the_session_asks_and_judges() -> None:
    player = Player(**MOONS)
    text = "number: Twice {a}?\ndraw: a = 2 .. 99\nanswer: 2 * a\nhint: Double {a}.\nbecause: It is {answer}."
    asked = player("ask", question=text, reader=11, page=1, teacher=True)
    (a,) = map(int, re.findall(r"\d+", asked["text"]))
    assert (asked["kind"], asked["hints"], asked["solution"]) == ("number", [f"Double {a}."], str(2 * a))
    assert player("ask", question=text, reader=11, page=1)["solution"] is None
    assert player("ask", question=text, reader=11, page=1, attempt=1)["text"] != asked["text"]
    judged = player("judge", question=text, reader=11, page=1, given=str(2 * a))
    assert (judged["right"], judged["text"], judged["step"]) == (True, f"It is {2 * a}.", 0)
    assert not player("judge", question=text, reader=11, page=1, given=str(a))["right"]
    assert player.refused("ask", question="number: 1?")["problem"] == "the question has no answer: add a line `answer: ...`"
    assert player.refused("judge", question=text, given=1)["field"] == "given"
    assert player.refused("judge", question=text, given="1", records=[3])["field"] == "records[0]"
    assert player.refused("ask", question=text, configuration=3)["field"] == "configuration"


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("number: How many?", "the question has no answer: add a line `answer: ...`"),
        ("answer: 2", "a question must start with its kind, one of number, formula, choice, order, point, predict, goal"),
        ("number: How many?\nformula: What?\nanswer: 2", "a question must start with its kind, one of number"),
        ("number: How many?\nanswr: 2", "a question has lines such as `answer: 2 \\* a`, got 'answr: 2'"),
        ("number: How many?\nanswer: 2\nanswer: 3", "the question has answer more than once"),
        ("number: How many?\nanswer: 2\npress: 1 step", "a question of the kind number has no field press; its fields are number, answer"),
        ("number: How many?\nanswer: a\ndraw: a from 1", "draw must look like `a = 0.2 .. 2`, with a letter other than e and x"),
        ("number: How many?\nanswer: a\ndraw: a = 2 .. 1", "the range of a is empty: 2 is not below 1"),
        ("number: How many?\nanswer: a\ndraw: a = 1 .. 2\ndraw: a = 3 .. 4", "draws a letter more than once"),
        ("number: How many?\nanswer: 2\nwrong: 3", "wrong must look like `an answer -> what is wrong with it`, got '3'"),
        ("number: How many?\nanswer: 2\nwithin: a bit", "expected a number such as 0.01, got 'a bit'"),
        ("number: How many?\nanswer: 2\nwithin: nan", "expected a number such as 0.01, got 'nan'"),
        ("number: How many?\nanswer: 2\nbecause: {chain}", "{chain} needs a part of the network: add a line such as `show: w"),
        ("number: How many?\nanswer: a\ndraw: a = 1.2.3 .. 4", "draw must look like `a = 0.2 .. 2`"),
        ("predict: And?\npress: w[0,0,0] += .", "press must look like"),
        ("goal: Do it.\nanswer: cost > 1..2", "a goal has conditions such as"),
        ("number: How many?\nanswer: 2 * b", "has an invalid formula"),
        ("number: How many?\nanswer: d\ndraw: d = a[4,1]", "the network of this page has no a\\[4,1\\]: it has a\\[0,0\\], "),
        ("formula: What?\nanswer: 2 * x\nwrong: x + x -> No.", "lists its answer as wrong"),
        ("choice: Which?\nanswer: a\nwrong: a -> No.", "the question needs two or more different answers"),
        ("order: Which?\nstep: a", "the question needs two or more different steps"),
        ("order: Which?\nstep: a\nstep: b\nwrong: a first -> No.", "a wrong order is `one step before another step`"),
        ("point: Which?\nanswer: best", "the answer of a question of the kind point is one of largest activation, "),
        ("point: Which?\nanswer: largest weight\nshow: weight 1", "show must be a part of the network such as a\\[0,1\\]"),
        ("predict: And?\npress: everything", "press must look like `w\\[0,1,0\\] \\+= 0.5` or `20 steps at rate 3`, got 'everything'"),
        ("predict: And?\npress: 1001 steps", "press takes 1 to 1000 steps, got 1001"),
        ("predict: And?\npress: w[7,0,0] += 1", "the network of this page has no w\\[7,0,0\\]"),
        ("goal: Do it.\nanswer: accuracy is high", "a goal has conditions such as `accuracy > 0.95, neurons <= 4`, got 'accuracy is high'"),
        ("goal: Do it.\nanswer: luck > 1", "unknown quantity 'luck'; the quantities are accuracy, "),
        ("goal: Do it.\nanswer: dead[5,0] = 1", "there is no hidden neuron a\\[5,0\\] now"),
        ("goal: Do it.\nanswer: cost[0,0] = 1", "only dead has a place"),
    ],
)
def test_a_question_that_cannot_be_asked_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        ask(one(text), 0, MOONS)


def test_a_question_about_numbers_that_a_network_has_not_says_so() -> None:
    with pytest.raises(QuestionError, match="the targets of this page are numbers, so no example has a class"):
        ask(one("point: Which?\nanswer: wrong example"), 0, {"data": {"name": "waves", "n": 10}, "layers": [2]})
    settings = {"data": {"name": "blobs", "n": 10}, "layers": [2], "cost": "squared_error"}
    with pytest.raises(QuestionError, match="the target of an example has several numbers here"):
        ask(one("number: How many?\ndraw: t = target\nanswer: t"), 0, settings)


def test_a_question_about_a_network_needs_one() -> None:
    with pytest.raises(QuestionError, match="needs the settings of one on its page, such as `data: moons`"):
        ask(one("point: Which?\nanswer: largest weight"), 0)


TRAIN = {"do": "step", "by": "step", "count": 500}
GOALS: dict[str, list[list[dict[str, Any]]]] = {
    "2-weigh-add-squish.md-Make a neuron die": [[{"do": "weight", "layer": 0, "neuron": 0, "input": None, "value": -40.0}]],
    "5-downhill.md-Too far, and back": [
        [{"do": "set", "rate": 100.0}, {"do": "step", "by": "step", "count": 20}],
        [{"do": "back", "to": 0}, {"do": "set", "rate": 0.1}, TRAIN],
    ],
    "2-weigh-add-squish.md-Bend the line": [[TRAIN, {"do": "set", "activations": "tanh(x)"}, TRAIN]],
    "3-dials.md-What the neurons look for": [[{"do": "step", "by": "step", "count": 150}]],
    "6-drunk.md-A drunk man with four neurons": [[TRAIN, TRAIN]],
}  # what a reader does to reach each stage of a goal


@pytest.mark.parametrize("name", GOALS)
def test_each_goal_that_we_ship_can_be_reached(name: str) -> None:
    question, configuration = PAGES[name]
    asked = ask(question, 7009, configuration)
    records: list[Record] = []
    few = {"layers": [4], "batch_size": 5} if "drunk" in name else {}
    player = Player(None, **{**(asked.configuration or {}), **few})
    for messages in GOALS[name]:
        for message in messages:
            player(**message)
        verdict = asked.judge("", Network(player.session.experiment), records)
        assert len(verdict.records) > len(records), verdict.text
        records = list(verdict.records)
    assert verdict
    assert "{" not in verdict.text
    assert asked.check(json.loads(json.dumps(records)))
