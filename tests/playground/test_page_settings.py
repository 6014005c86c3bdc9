"""Settings, lessons and files of the page in a real browser."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from nn import MLP

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.playground.pages import NOTHING, SMALL, Opener, Page, settled
from tests.serving import running, serving

NEURON, WEIGHT, NOWHERE = ("[data-neuron='0,0']", [Keys.ENTER]), ("[data-key='w[0,0,1]']", [Keys.ENTER]), "#network-title"
STORY: list[tuple[Any, ...]] = [  # of each page its title, and what is to be done: which keys on which element
    ("Nudge one number", ("[data-key=nudge]", [Keys.ENTER])),
    ("Two kinds of points", ("#plane", [Keys.ARROW_DOWN])),
    ("A neuron holds a number", NEURON),
    ("A weighted sum", WEIGHT),
    ("The activation function", ("[data-formula='0']", [Keys.ENTER]), ("#formula", ["x * sigmoid(x)", Keys.ENTER])),
    ("All those dials", NEURON, WEIGHT, ("[data-key=slider]", [Keys.ARROW_RIGHT])),
    ("How bad is it? The cost", (NOWHERE, ["e"])),
    ("The average", (NOWHERE, ["n"])),
    ("Downhill", ("#speed", ["2"]), (NOWHERE, [Keys.SPACE])),
    ("The drunk and the careful man", (NOWHERE, [Keys.SPACE])),
    ("Nudges", (NOWHERE, [Keys.SPACE]), NEURON, WEIGHT),
    ("The chain rule", ("[name=shows]:checked", [Keys.ARROW_RIGHT])),
    (
        "Your turn",
        ("[name=dataset]:checked", [Keys.ARROW_RIGHT]),
        ("[name=dataset]:checked", [Keys.ARROW_RIGHT]),
        ("#pad", [Keys.SPACE, Keys.ARROW_DOWN]),
    ),
]


def test_a_formula_is_drawn_while_typed_and_an_error_is_marked(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("[data-formula='0']")
    formula = page.find("#formula")
    page.wait(lambda: page.find("#formula-use").is_enabled())
    drawn = page.picture("#activation canvas")
    formula.clear()
    formula.send_keys("x * sgmoid(x)")
    page.wait(lambda: "did you mean sigmoid?" in page.text("#formula-problem"))
    assert page.text("#activation .caret") == "x * sgmoid(x)\n    ^"
    assert not page.find("#formula-use").is_enabled()
    formula.send_keys(Keys.ENTER)
    page.wait(lambda: "did you mean sigmoid?" in page.text("#formula-problem"))
    assert page.text("[data-formula='0']") == "tanh(x)"
    page.click("#by-step")
    page.wait_for("#step-number", "1")
    formula.clear()
    formula.send_keys("1/2x")
    page.wait(lambda: page.text("#formula-problem") == "2x after / has two meanings: write /(2x) or /2*x")
    formula.clear()
    formula.send_keys("x / (1 + e^-|x|)")
    page.wait(lambda: page.find("#formula-use").is_enabled() and page.text("#formula-problem") == "")
    page.wait(lambda: page.picture("#activation canvas") != drawn)
    formula.send_keys(Keys.ENTER)
    page.wait_for("[data-formula='0']", "x / (1 + e^-|x|)")
    assert page.step == 1
    assert "e^-|x|" in unquote(page.browser.current_url)


def test_painted_points_are_learned_from(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL, "held_out": 0})
    page.click("#wipe")
    page.wait(lambda: page.text("#counts") == "0 training examples")
    page.click("#play")
    page.wait(lambda: "no examples to learn from yet" in page.text("#notice"))
    assert not page.is_running
    for label, start in (("0", (-100, -60)), ("1", (40, 80))):
        page.click(f".brush[data-label='{label}']")
        before = page.text("#counts")
        page.drag("#plane", start, (30, 0), (30, 10))
        page.wait(lambda: page.text("#counts") != before)  # noqa: B023
    count = int(page.text("#counts").split()[0])
    assert count >= 8
    page.click("#play")
    page.wait(lambda: page.accuracy == 100)
    page.drag("#plane", (-100, 60), (20, 20))
    page.wait(lambda: int(page.text("#counts").split()[0]) > count)
    page.wait(lambda: page.is_running)  # it goes on, with the new points and the old weights


def test_paint_opens_with_a_brush(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("[name=dataset][value=points]")
    page.wait_for("#counts", "0 training examples")
    page.wait_until_there(".brush[data-label='0'][aria-pressed=true]")
    page.drag("#plane", (-50, -50), (40, 0))
    page.wait(lambda: page.text("#counts") != "0 training examples")
    page.click("[name=dataset][value=waves]")  # its targets are numbers, so the brush is put away
    page.wait_until_there(".brush[data-label='0'][aria-pressed=false]")
    assert "painting" not in page.find("#plane").get_attribute("class")


def test_points_of_a_file_s_text(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("[value=csv]")
    page.find("#csv-text").send_keys("width,height,kind\n" + "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(10)))
    page.click("#csv-use")
    page.wait_for("#counts", "7 training examples, 3 test examples")
    assert page.text("#because") == "The first line was read as column names."
    assert [each.text for each in page.browser.find_elements(By.CSS_SELECTOR, "#class-legend span")] == ["a", "b", "hollow = test points"]
    page.find("#csv-text").send_keys("1,2\n")
    page.click("#csv-use")
    page.wait(lambda: page.find("#notice").is_displayed())
    assert page.text("#counts") == "7 training examples, 3 test examples"


def test_a_target_chosen_by_name_stays_when_another_column_is_chosen(opened: Opener) -> None:
    text = "kind,1990,2000\n" + "".join(f"{'ab'[i % 2]},{i},{i % 3}\n" for i in range(10))
    page = opened({**NOTHING, **SMALL, "data": {"name": "csv", "text": text, "target": "kind"}})
    page.listen()
    page.choose_option("column-2", "category")
    page.wait(lambda: page.text("#network-words").startswith("4-3-1"))
    assert page.sent("configure")[-1]["configuration"]["data"]["target"] == "kind"
    assert page.text("#because").startswith("The first line was read as column names.")
    page.choose_option("column-1", "target")
    page.wait(lambda: page.text("#notice") or len(page.sent("configure")) == 2)
    assert page.sent("configure")[-1]["configuration"]["data"]["target"] == "1990"


def test_the_script_is_chosen_for_a_library(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.run("document.querySelector('#save-script').closest('details').open = true")
    page.listen()
    for name in ("for NumPy", "for PyTorch", "for Nudge"):
        page.choose_option("script-for", name)
        page.click("#save-script")
    page.wait(lambda: [each["what"] for each in page.sent("save")] == ["numpy", "torch", "script"])


def test_a_pasted_table_gets_a_choice_for_each_column(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("[value=csv]")
    table = "size\tcolour\tkind\n" + "".join(f"{i}\t{'red' if i % 3 else 'blue'}\t{'ab'[i % 2]}\n" for i in range(10))
    page.run("document.querySelector('#csv-text').value = arguments[0]", table)
    page.click("#csv-use")
    page.wait(lambda: page.text("#network-words").startswith("3-3-1"))
    roles = [each.get_property("value") for each in page.browser.find_elements(By.CSS_SELECTOR, "#csv-columns select")]
    assert roles == ["number", "category", "target"]
    page.choose_option("column-1", "target")
    page.wait(lambda: "blue" in page.text("#class-legend") or page.text("#notice"))
    assert page.text("#notice") == ""
    roles = [each.get_property("value") for each in page.browser.find_elements(By.CSS_SELECTOR, "#csv-columns select")]
    assert roles == ["number", "target", "category"]
    page.choose_option("column-2", "number")
    page.wait(lambda: page.text("#notice"))
    assert page.text("#notice").startswith("the text, line 2: 'kind' is 'a', not a finite number: choose category for this column")
    page.run("document.querySelector('#csv-text').value = `${'1,2,'.repeat(1000)}a\\n`.repeat(275)")
    page.click("#csv-use")
    page.wait_for("#because", "The text has 1.1 million characters; the limit is 1 million. Paste fewer rows.")
    page.click("#by-step")
    page.wait_for("#step-number", "1")


def test_settings_are_in_the_address_and_earlier_runs_beside_the_new_one(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    for _ in range(4):
        page.press(Keys.ARROW_RIGHT)
    page.wait_for("#step-number", "4")
    page.click("#more-layers")
    page.wait(lambda: page.text("#network-words").startswith("2-3-3-1"))
    assert page.step == 0
    names = "return [...document.querySelectorAll('#runs .name')].map(each => each.textContent)"
    assert page.run(names) == ["layers 3", "this run"]
    for _ in range(3):
        page.press(Keys.ARROW_RIGHT)
    page.wait_for("#step-number", "3")
    page.click("#more-layers")
    page.wait(lambda: page.run(names) == ["layers 3", "layers 3-3", "this run"])
    page.click("#back")
    page.wait(lambda: page.run(names) == ["layers 3", "this run"])
    page.choose_option("rate", "0.03")
    page.wait(lambda: "0.03" in page.browser.current_url)
    page.browser.refresh()
    again = Page(page.browser)
    assert again.text("#network-words").startswith("2-3-3-1")
    assert again.find("select[name=rate]").get_property("value") == "0.03"
    page.browser.get_log("performance")  # two sockets by now: the fixture looks at the last one only
    page.browser.refresh()
    Page(page.browser)


def test_a_copied_link_has_the_settings_and_the_weights(browser: Any) -> None:
    with running(site="https://example.org/nudge/") as server, running() as other:
        browser.get(f"{server.address}#{json.dumps({**NOTHING, 'layers': [3]})}")
        page = Page(browser)
        assert page.text("#network-words") == "2-3-1, 13 parameters"
        page.click("#by-step")
        page.wait_for("#step-number", "1")
        page.wait(lambda: settled(page))
        cost, plane = page.number("#cost data"), page.picture("#plane")
        page.run("document.querySelector('#copy-link').closest('details').open = true")
        page.run("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }")
        page.click("#copy-link")
        copied = page.wait(lambda: page.run("return window.copied"))
        assert copied.startswith("https://example.org/nudge/#")
        browser.get(other.address + "#" + copied.partition("#")[2])
        page = Page(browser)
        page.wait(lambda: settled(page) == (plane, 0))
        assert page.number("#cost data") == cost
        browser.refresh()
        page = Page(browser)
        page.wait(lambda: settled(page) == (plane, 0))  # the address keeps the weights
        page.run("document.querySelector('#copy-link').closest('details').open = true")
        page.run("navigator.clipboard.writeText = text => Promise.resolve()")
        page.click("#copy-link")
        page.wait(lambda: page.text("#notice").startswith("The link opens on this computer only, and contains the secret"))
        link = (
            "const [text, count] = arguments;"
            "return import(new URL('share.js', location).href).then(({linkTo}) => linkTo({text}, {}, Array(count).fill(0.1)));"
        )
        nothing = page.run(link, "x" * 100_000, 1)
        assert (nothing["link"], nothing["problem"][:34]) == (None, "There is no link, because the data")
        without = page.run(link, "x" * 1000, 20_000)
        assert without["problem"].endswith("without the weights: with them it would be too long.")
        assert "weights" not in without["link"]
        page.choose_option("rate", "0.03")
        page.wait(lambda: "0.03" in browser.current_url and "weights" not in browser.current_url)
        browser.get("about:blank")


def test_a_lesson_in_the_address_is_opened(opened: Opener) -> None:
    page = opened(query="?lesson=story")
    page.wait_for("#lesson-title", "Nudge one number")
    page = opened(query="?lesson=nowhere")
    page.wait_for("#notice", "There is no lesson “nowhere” here.")
    assert len(page.browser.get_log("browser")) == 1  # the browser's own word on a file that is not there


def test_a_lesson_from_a_file_configures_the_page(browser: Any, tmp_path: Path) -> None:
    text = "# Lines\n\n## One\n\nA line.\n\n```\nlayers: 3\npoint: #by-step\ndo: Step.\nuntil: step\n```\n\n## Two\n\nThe end.\n"
    (tmp_path / "lines.md").write_text(text)
    with serving(tmp_path / "lines.md") as address:
        browser.get(f"{address}?lesson=lines")
        page = Page(browser)
        page.wait_for("#lesson-title", "One")
        page.wait(lambda: page.text("#network-words").startswith("2-3-1"))
        assert page.text("#lesson .todo") == "Step."
        assert "pointed" in page.find("#by-step").get_attribute("class")
        page.click("#by-step")
        page.wait(lambda: "done" in page.find("#lesson .todo").get_attribute("class"))
        page.click("#lesson-next")
        page.wait_for("#lesson-title", "Two")
        assert page.text("#network-words").startswith("2-3-1")  # it goes on
        assert page.text("#step-number") == "1"
    assert browser.get_log("browser") == []


def test_an_address_with_invalid_settings_shows_an_error(opened: Opener) -> None:
    page = opened({"layers": [0]})
    page.wait(lambda: page.text("#network-words").startswith("2-16-16-1"))
    assert "do not work" in page.text("#notice")


def test_the_program_and_the_files_of_the_current_network(opened: Opener, browser: Any, tmp_path: Path) -> None:
    page = opened({**NOTHING, **SMALL})
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.run("document.querySelector('#show-source').closest('details').open = true")
    page.click("#show-source")
    page.wait(lambda: "import numpy as np" in page.text("#source-text"))
    page.click("#close-source")
    page.click("#save-weights")
    page.wait(lambda: list(tmp_path.glob("*.npz")))
    (path,) = tmp_path.glob("*.npz")
    page.wait(lambda: path.stat().st_size > 0)
    assert MLP.load(path).sizes == [2, 3, 1]


@pytest.mark.soak
def test_the_story_can_be_completed_with_the_keyboard_on_a_first_visit(opened: Opener) -> None:
    opened().browser.delete_all_cookies()
    page = opened(None)
    for title, *keys in STORY:
        page.wait_for("#lesson-title", title)
        page.wait(lambda: page.is_settled)
        assert "done" not in page.find("#lesson .todo").get_attribute("class")
        for selector, pressed in keys:
            page.wait_until_there(selector)
            page.run("document.querySelector(arguments[0]).focus()", selector)
            page.press(*pressed)
            page.wait(lambda: page.is_settled)
        page.wait(lambda: "done" in page.find("#lesson .todo").get_attribute("class"))
        page.run("document.querySelector('#lesson-next').focus()")
        page.press(Keys.ENTER)
    assert not page.find("#lesson").is_displayed()
    page = opened(None)
    assert not page.find("#lesson").is_displayed()  # it was led through once, and that is enough
