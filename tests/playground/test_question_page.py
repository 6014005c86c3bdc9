"""The questions of lessons in a real browser: every one is answered right, and every one wrong; progress, keys and screen readers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from playground.bundle import page_files
from playground.check import checked
from playground.course import course
from playground.lessons import FOLDER, parsed
from playground.questions import Asked, ask, read_question, seed_of
from playground.questions.network import POINTS
from tests.axe import violations

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver.common.keys import Keys

from tests.playground.pages import Opener, Page
from tests.serving import running

LESSONS = {
    name.removeprefix(FOLDER).removesuffix(".md"): parsed(name.removeprefix(FOLDER), content, checks=False)
    for name, content in page_files().items()
    if name.startswith(FOLDER) and "question" in content.decode()
}
SEND = """
const [messages, done] = arguments;
const from = name => import(new URL(name, location).href);
Promise.all([from("app.js"), from("training.js")]).then(async ([{ask}, {showMoment}]) => {
  for (const message of messages) {
    const reply = await ask(message);
    if ("step" in reply) showMoment(reply);
  }
  done();
});
"""  # messages to the session of the page

HAND_IN = """
const [done] = arguments;
import(new URL("progress.js", location).href).then(({handIn}) => done({...handIn(), name: "Ada"}));
"""  # the file that is handed in

TRAIN = [{"do": "step", "by": "step", "count": 500}]
Begun = Callable[..., Page]
GOALS: dict[str, list[list[dict[str, Any]]]] = {
    "Make a neuron die": [[{"do": "weight", "layer": 0, "neuron": 0, "input": None, "value": -40.0}]],
    "Too far, and back": [
        [{"do": "set", "rate": 100.0}, {"do": "step", "by": "step", "count": 20}],
        [{"do": "back", "to": 0}, {"do": "set", "rate": 0.1}, *TRAIN, *TRAIN, *TRAIN],
    ],
    "Bend the line": [[{"do": "set", "activations": "tanh(x)"}, *TRAIN, *TRAIN]],
    "What the neurons look for": [[{"do": "step", "by": "step", "count": 250}]],
    "A drunk man with four neurons": [TRAIN * 6],
}  # what reaches each stage of a goal


def asked_on(page: Page, name: str, place: int) -> Asked:
    """The question that the page shows, with the reader's numbers."""
    kept = json.loads(page.run("return localStorage.getItem('nudge-lessons')"))
    assert kept["reader"] == 11
    attempt = kept["answers"].get(f"{name}/{place}", {}).get("attempt", 0)
    given = LESSONS[name]["pages"][place]
    return ask(read_question(given["question"]), seed_of(kept["reader"], place, attempt), given.get("configuration"))


def wait_for_question(page: Page, name: str, place: int) -> Asked:
    page.wait_for("#lesson-title", LESSONS[name]["pages"][place]["title"])
    page.wait_until_there("#question-check")
    page.wait(lambda: page.is_answered and page.is_settled)
    asked = asked_on(page, name, place)
    page.wait(lambda: page.text("#question-text") == asked.text.replace("`", ""))
    return asked


def give(page: Page, asked: Asked, answer: str) -> None:
    """Give an answer as a reader does, and check it."""
    kind = asked.question.kind
    if kind in ("number", "formula", "point"):
        page.run("document.querySelector('#question-answer').value = arguments[0]", answer)
    elif kind == "order":
        for index, step in enumerate(answer.splitlines()):
            place = "[...document.querySelectorAll('#question .steps li')].findIndex(each => each.dataset.step === arguments[0])"
            while page.run(f"return {place}", step) > index:
                page.run(f"document.querySelectorAll('#question .steps li')[{place}].querySelector('button').click()", step)
    elif answer:
        page.run("document.querySelector(`input[name=question-answer][value=${CSS.escape(arguments[0])}]`).click()", answer)
    page.run("document.querySelector('#question-verdict').className = ''; document.querySelector('#question-check').click()")
    page.wait(lambda: page.find("#question-verdict").get_attribute("class"))


def verdict(page: Page) -> tuple[str, str]:
    return page.find("#question-verdict").get_attribute("class"), page.text("#question-verdict")


def wrong_answer(asked: Asked) -> str:
    kind = asked.question.kind
    if kind == "point":
        return next(name for name in POINTS[asked.question.answer].find(asked.network()) if name != asked.solution())
    if kind in ("choice", "predict"):
        return next(option for option in asked.options if not asked.check(option))
    return {"number": "-777", "formula": "x + 77", "order": "\n".join(asked.options), "goal": ""}[kind]


def go_through(page: Page, name: str, is_right: bool) -> None:
    """Answer every question of a lesson."""
    for place, given in enumerate(LESSONS[name]["pages"]):
        asked = wait_for_question(page, name, place)
        if not is_right:
            answer = wrong_answer(asked)
            give(page, asked, answer)
            assert verdict(page) == ("wrong", asked.check(answer).text.replace("`", ""))
            assert "primary" not in (page.find("#lesson-next").get_attribute("class") or "")
        elif asked.question.kind == "goal":
            if given["title"] == "A drunk man with four neurons":
                four = {**(asked.configuration or {}), "layers": [4], "batch_size": 5, "rate": 0.03}
                page.browser.execute_async_script(SEND, [{"do": "configure", "configuration": four}])
            for messages in GOALS[given["title"]]:
                for _ in range(8):  # a cost that diverges goes up and down
                    page.browser.execute_async_script(SEND, messages)
                    give(page, asked, "")
                    if verdict(page)[0] == "right":
                        break
                assert verdict(page)[0] == "right", verdict(page)
        else:
            give(page, asked, asked.solution())
            assert verdict(page) == ("right", asked.check(asked.solution()).text.replace("`", ""))
        if is_right:
            assert page.find("#lesson-next").get_attribute("class") == "primary"
        page.run("document.querySelector('#lesson-next').click()")
    page.wait_for("#lesson-title", "Lessons")
    count = len(LESSONS[name]["pages"])
    shown = page.text(f"[data-lesson='{name}'] .hint")
    assert shown == (f"✓ {count} of {count}" if is_right else f"0 of {count}")
    file = checked(json.dumps(page.browser.execute_async_script(HAND_IN)), course())
    assert (file.problems, file.right) == ([], {name: {*range(count)}} if is_right else {})
    assert file.tries >= count


@pytest.fixture
def begun(opened: Opener, browser: Any) -> Iterator[Callable[..., Page]]:
    """Opens a lesson for reader 11, who has answered nothing."""
    source = "crypto.getRandomValues = numbers => numbers.fill(22)"  # the page draws the reader's number: 22 >>> 1
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    yield lambda name, query="": opened(None, f"?lesson={name}{query}")
    browser.execute_script("localStorage.clear()")
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_a_lesson_is_answered_right(begun: Begun) -> None:
    go_through(begun("7-wishes"), "7-wishes", True)


@pytest.mark.soak
@pytest.mark.parametrize("is_right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("name", LESSONS)
def test_every_question_of_every_lesson(begun: Begun, name: str, is_right: bool) -> None:
    go_through(begun(name), name, is_right)


def test_a_question_is_answered_with_the_keyboard_and_kept(begun: Begun) -> None:
    page = begun("2-weigh-add-squish")
    asked = wait_for_question(page, "2-weigh-add-squish", 0)
    assert violations(page.browser) == []
    page.run("document.querySelector('#question-hint').focus()")
    page.press(Keys.ENTER)
    assert page.text("#question-hints li") == asked.hints[0]
    page.run("document.querySelector('#question-answer').focus()")
    wrong = asked.numbers["w"] + 2 * asked.numbers["v"]
    page.press(str(wrong), Keys.ENTER)
    page.wait(lambda: verdict(page) == ("wrong", "You left out the bias."))
    assert page.find("#question-verdict").get_attribute("aria-live") == "polite"
    page.press(Keys.BACKSPACE * 25, str(wrong + asked.numbers["b"]), Keys.ENTER)
    page.wait(lambda: verdict(page)[0] == "right")
    page = begun("2-weigh-add-squish")
    wait_for_question(page, "2-weigh-add-squish", 0)
    assert verdict(page)[0] == "right"
    assert verdict(page)[1].startswith("You answered: ")
    kept = json.loads(page.run("return localStorage.getItem('nudge-lessons')"))["answers"]["2-weigh-add-squish/0"]
    assert (kept["tries"], kept["hints"], kept["right"]) == (2, 1, True)
    give(page, asked, "-777")
    assert verdict(page)[0] == "wrong"
    page.click("#question-new")
    page.wait(lambda: page.text("#question-text") != asked.text)
    assert verdict(page) == ("", "")
    other = wait_for_question(page, "2-weigh-add-squish", 0)
    page.run(
        "document.querySelector('#question-answer').value = arguments[0];"
        "for (const button of ['check', 'new']) document.querySelector(`#question-${button}`).click()",
        other.solution(),
    )
    page.wait(lambda: page.text("#question-text") not in (asked.text, other.text))
    kept = json.loads(page.run("return localStorage.getItem('nudge-lessons')"))["answers"]["2-weigh-add-squish/0"]
    assert (kept["attempt"], kept["tries"], kept["right"], kept["best"]["attempt"]) == (2, 4, False, 1)
    page.click("#lesson-all")
    page.wait_for("[data-lesson='2-weigh-add-squish'] .hint", "1 of 6")  # the right answer still counts


def test_a_part_is_pointed_at_in_the_network_and_in_the_plane(begun: Begun) -> None:
    page = begun("7-wishes", "&page=3")
    asked = wait_for_question(page, "7-wishes", 2)
    for clicks, name in (("[data-neuron='0,1']", "a[0,1]"), ("[data-key='w[0,1,0]']", "w[0,1,0]"), ("[data-neuron='1,0']", "a[1,0]")):
        page.wait_until_there(clicks)
        page.click(clicks)
        page.wait(lambda: page.run("return document.querySelector('#question-answer').value") == name)  # noqa: B023
    give(page, asked, asked.solution())
    assert verdict(page)[0] == "right"
    page.wait_for("#inspector-title", f"Weight {asked.solution()}")  # with its chain rule
    page = begun("4-cost", "&page=5")
    wait_for_question(page, "4-cost", 4)
    page.run("document.querySelector('#plane').focus()")
    page.press(Keys.ARROW_RIGHT)
    page.wait(lambda: re.fullmatch(r"example \d+", page.run("return document.querySelector('#question-answer').value")))
    first = page.run("return document.querySelector('#question-answer').value")
    page.wait_for("[data-key=example]", first)
    page.click("[data-key=after]")
    page.wait(lambda: page.run("return document.querySelector('#question-answer').value") not in ("", first))


def test_answers_are_handed_in_as_one_file(begun: Begun, browser: Any, tmp_path: Path) -> None:
    page = begun("1-a-number")
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    asked = wait_for_question(page, "1-a-number", 0)
    give(page, asked, asked.solution())
    page.click("#lesson-all")
    page.wait_for("#lesson-title", "Lessons")
    assert violations(page.browser) == []
    page.find("#reader-name").send_keys("Ada L.")
    page.click("#hand-in-button")
    page.wait(lambda: list(tmp_path.glob("nudge-Ada-L.json")))
    (path,) = tmp_path.glob("*.json")
    page.wait(lambda: path.read_text().endswith("}"))
    file = json.loads(path.read_text())
    assert (file["nudge"], file["version"], file["name"]) == ("answers", 1, "Ada L.")
    assert file["answers"] == [
        {"lesson": "1-a-number", "page": 0, "attempt": 0, "given": "a number", "tries": 1, "hints": 0, "right": True, "records": []}
    ]
    assert checked(path.read_text(), course()).right == {"1-a-number": {0}}


@pytest.mark.soak
def test_the_teacher_s_edition_shows_answers(browser: Any) -> None:
    with running(shows_answers=True) as server:
        browser.get(f"{server.address}?lesson=1-a-number")
        page = Page(browser)
        page.wait_for("#question-solution", "Teacher: a number")
        browser.get("about:blank")
