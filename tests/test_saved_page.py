"""The page in one file, and with a state saved in it: it opens from the disk, asks for nothing, and shows the numbers that were there."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground import bundle
from tests.test_playground_page import NOTHING, PATIENCE, SMALL, Engine, Keys, Page, WebDriverWait, address, browser
from tests.test_playground_page import pytestmark as in_a_browser

__all__ = ["address", "browser"]  # the fixtures

PLAIN = {
    "index.html": '<!doctype html><html><head><meta charset="utf-8">\n<link rel="icon" href="icon.svg">\n<link rel="stylesheet" href="style.css">\n'
    '<script type="module" src="main.js"></script>\n</head><body></body></html>',
    "style.css": "p { margin: 0; }",
    "icon.svg": "<svg/>",
    "main.js": 'import {a as b} from "./a.js";\nb();\n',
    "a.js": 'import {c} from "./c.js";\n/** Says it. */\nexport const a = () => c;\n',
    "c.js": "export class C {}\nexport async function* c() {}\n",
    "lessons/one.json": '{"title": "One"}',
}  # fmt: skip


def of(**changed: str) -> str:
    """The one file of other files: names with _ for the dot."""
    files = {**PLAIN, **{name.replace("_", "."): text for name, text in changed.items()}}
    return bundle.page({name: text.encode() for name, text in files.items()})


# One file


def test_modules_become_functions_each_after_those_it_imports() -> None:
    assert bundle.script(PLAIN) == (
        "\nconst $modules = {};\n"
        '\n$modules["c.js"] = (() => {\nclass C {}\nasync function* c() {}\nreturn {C, c};\n})();\n'
        '\n$modules["a.js"] = (() => {\nconst {c} = $modules["c.js"];\n/** Says it. */\nconst a = () => c;\nreturn {a};\n})();\n'
        '\n$modules["main.js"] = (() => {\nconst {a: b} = $modules["a.js"];\nb();\nreturn {};\n})();\n'
    )


def test_what_a_module_passes_on_it_passes_on() -> None:
    script = bundle.script({**PLAIN, "a.js": 'export {c as a, C} from "./c.js";\n'})
    assert '\n$modules["a.js"] = (() => {\n\nreturn {a: $modules["c.js"].c, C: $modules["c.js"].C};\n})();\n' in script


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a_js", "const a = 1;\nexport {a};", "a.js, line 2: 'export {a};' is no import or export that goes into one file; see playground/bundle.py"),
        ("a_js", "export let a = 1;", "a.js, line 1: 'export let a = 1;' is no import or export that goes into one file"),
        ("a_js", 'import * as all from "./c.js";', "a.js, line 1: 'import * as all from \"./c.js\";' is no import or export"),
        ("a_js", 'import {d} from "./d.js";', "a.js imports d.js, which is not there"),
        ("c_js", 'import {a} from "./a.js";', "main.js imports a.js imports c.js imports a.js: modules that import each other in a circle"),
        ("a_js", 'export const a = "</SCRIPT>";', "a.js has </SCRIPT in it, which would end the <script> that it is put in"),
        ("style_css", "p {} /* </style> */", "style.css has </style in it, which would end the <style> that it is put in"),
        ("index_html", "<p>", 'the page has <meta charset="utf-8"> 0 times, and it must be there once'),
    ],
)
def test_what_cannot_stand_in_one_file_is_refused(name: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        of(**{name: text})


def test_its_policy_lets_run_what_is_in_it_and_nothing_else() -> None:
    html = bundle.page()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
    directives = dict(each.split(maxsplit=1) for each in policy.split("; "))
    for name, pattern in (("script-src", r'<script type="module">(.*)</script>'), ("style-src", r"<style>(.*?)</style>")):
        (text,) = re.findall(pattern, html, re.DOTALL)
        assert directives.pop(name) == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert directives == {"default-src": "'none'", "img-src": "data: blob:", "base-uri": "'none'", "form-action": "'none'"}
    assert html.index("Content-Security-Policy") < html.index("<style")
    assert bundle.page() == html


def test_it_names_no_other_file() -> None:
    html = bundle.page()
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', html)


# A saved state

Opener = Callable[..., Page]


@pytest.fixture
def played(browser: Any, address: str) -> Opener:  # noqa: F811
    """Opens the playground with a configuration, and plays some steps."""

    def play(configuration: dict[str, Any], steps: int = 0) -> Page:
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get(f"{address}#{json.dumps({**NOTHING, **configuration})}")
        page = Page(browser)
        for step in range(steps):
            page.click("#by-step")
            page.wait_for("#step-number", str(step + 1))
        return page

    return play


@pytest.fixture
def saved(browser: Any, tmp_path: Path) -> Iterator[Opener]:  # noqa: F811
    """Saves what is open, and opens it from the disk; at the end there may be no error in the console, and no request from the page."""

    def save(page: Page) -> Page:
        browser.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
        page.run("document.getElementById('save-page').closest('details').open = true")
        page.click("#save-page")
        page.wait(lambda: list(tmp_path.glob("*.html")))
        page.wait(lambda: not page.find("#saving").is_displayed())
        browser.get("about:blank")
        assert browser.get_log("browser") == []
        browser.get_log("performance")
        browser.get(path().as_uri())
        return Page(browser)

    def path() -> Path:
        (found,) = tmp_path.glob("*.html")
        return found

    yield save
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert [url for url in sent if not url.startswith(("chrome", "data:"))] == [path().as_uri()]


def everything(page: Page, *places: str) -> dict[str, Any]:
    """What the inspector tells of some places, one after the other: titles, all numbers and words."""
    told = {}
    for place in places:
        page.run("document.querySelector('[data-key=close]')?.click()")
        layer, neuron, *_ = re.findall(r"\d+", place)
        page.inspect(f"Neuron a[{layer},{neuron}]", f"[data-neuron='{layer},{neuron}']")
        if not place.startswith("a"):
            page.inspect(f"{'Bias' if place.startswith('b') else 'Weight'} {place}", f"[data-key='{place}']")
        told[place] = page.numbers("#inspector data"), page.text("#inspector .why"), page.run(READ_WISHES)
    return told


READ_WISHES = "return [...document.querySelectorAll('#inspector canvas')].map(each => each.getAttribute('aria-label'))"
PLACES = ("a[0,1]", "w[0,2,1]", "b[0,2]", "a[1,0]", "w[1,0,2]", "b[1,0]")
SHOWN = ("#step-number", "#epoch", "#cost", "#held-out-cost", "#accuracy", "#held-out-accuracy", "#network-words", "#counts", "#class-legend")


@in_a_browser
def test_it_shows_the_numbers_and_pictures_of_the_moment_without_a_session(played: Opener, saved: Opener) -> None:
    page = played(SMALL, steps=3)
    page.click("[name=shows][value=gradients]")
    page.click("[name=curves][value=accuracy]")
    before = everything(page, *PLACES), [page.text(each) for each in SHOWN], page.numbers("#cost data")
    maps = page.run(MAPS)
    page = saved(page)
    assert page.text("#inspector-title") == "Bias b[1,0]"  # what was open is open
    assert [page.find(f"[name={name}]:checked").get_attribute("value") for name in ("shows", "curves")] == ["gradients", "accuracy"]
    assert (everything(page, *PLACES), [page.text(each) for each in SHOWN], page.numbers("#cost data")) == before
    weight = Engine(3, **SMALL).model.layers[0].neurons[2].weights[1].data
    page.inspect("Weight w[0,2,1]", "[data-neuron='0,2']", "[data-key='w[0,2,1]']")
    assert page.number("#inspector .weight") == weight
    assert np.abs(np.array(page.run(MAPS)) - np.array(maps)).max() <= 2  # of 255: rounded to what can be seen
    page.click("#curves")
    page.press(Keys.ARROW_LEFT)
    assert page.text("#curve-words").startswith("step ")


MAPS = (
    "return [...document.querySelectorAll('.neuron canvas')]"
    ".map(each => [...each.getContext('2d').getImageData(0, 0, 50, 50).data.filter((_, index) => index % 40 === 0)])"
)


@in_a_browser
def test_what_takes_a_session_is_switched_off_and_says_so(played: Opener, saved: Opener) -> None:
    page = saved(played(SMALL, steps=1))
    assert page.text("#notice") == "This is a saved state: every number can be looked at, and what would change it takes the playground itself."
    buttons = ["restart", "back", "play", "by-example", "by-step", "by-epoch", "speed", "more-layers", "fewer-layers", "save-page", "save-weights"]
    assert not [each for each in buttons if page.find(f"#{each}").is_enabled()]
    assert page.find("#play").get_attribute("title") == page.text("#notice")
    assert not [each for each in ("#lesson-open", "#copy-link", ".keys") if page.find(each).is_displayed()]
    page.press(Keys.SPACE, "e", "n", "r", Keys.ARROW_RIGHT)
    assert page.step == 1
    page.inspect("Weight w[0,2,1]", "[data-neuron='0,2']", "[data-key='w[0,2,1]']")
    assert not [each for each in ("[data-key=slider]", "[data-key=typed]", "[data-key=after]") if page.find(each).is_displayed()]
    page.click("#plane")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)  # another example than the one that was looked at
    assert page.text("#notice") == "Of this saved state the numbers of one example alone were kept, and not of this one."
    assert page.text("#inspector-title") == "Weight w[0,2,1]"
    page.run("document.getElementById('show-source').closest('details').open = true")
    page.click("#show-source")
    page.wait(lambda: "import numpy as np" in page.text("#source-text"))


@in_a_browser
def test_a_network_of_the_usual_size_fits_into_a_megabyte(played: Opener, saved: Opener, tmp_path: Path) -> None:
    page = saved(played({}, steps=2))
    (path,) = tmp_path.glob("nudge-moons.html")
    assert path.stat().st_size < 1_000_000
    told = everything(page, "w[1,15,15]")
    assert len(told["w[1,15,15]"][0]) > 10


@in_a_browser
def test_digits_are_saved_with_their_neurons_and_without_their_weights(played: Opener, saved: Opener) -> None:
    page = played({"data": {"name": "digits", "n": 50}, "layers": [4], "activations": ["tanh(x)"]}, steps=1)
    before = everything(page, "a[0,2]")
    page = saved(page)
    assert everything(page, "a[0,2]") == before
    page.click("#inspector .sum-card [data-key^='w[0,2,']")
    page.wait(lambda: page.text("#inspector").endswith("The numbers of this weight were not kept: there are too many weights."))


@in_a_browser
def test_what_a_column_is_called_cannot_break_out(played: Opener, saved: Opener) -> None:
    evil = "</script><script>document.title = 'broken'</script>"
    text = f"{evil},b,c\n" + "1,2,x\n2,1,y\n3,1,y\n" * 8
    page = saved(played({"data": {"name": "csv", "text": text}, "layers": [2], "activations": ["tanh(x)"]}))
    assert page.run("return document.title") == "Nudge playground"
    assert page.find("[data-neuron='-1,0']").get_attribute("aria-label") == evil


@in_a_browser
def test_saving_can_be_stopped(played: Opener, browser: Any, tmp_path: Path) -> None:  # noqa: F811
    page = played({})
    page.run("document.getElementById('save-page').closest('details').open = true")
    browser.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.click("#save-page")
    page.wait(lambda: float(page.find("#saving-share").get_attribute("value")) > 0)
    page.click("#stop-saving")
    page.click("#by-step")  # the session is free again
    page.wait_for("#step-number", "1")
    assert not list(tmp_path.iterdir())


@in_a_browser
def test_a_damaged_page_says_so(played: Opener, saved: Opener, browser: Any, tmp_path: Path) -> None:  # noqa: F811
    saved(played(SMALL))
    (path,) = tmp_path.glob("*.html")
    path.write_text(re.sub(r'"replies":"[^"]{50}', '"replies":"', path.read_text(encoding="utf-8")), encoding="utf-8")
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get(path.as_uri())
    WebDriverWait(browser, PATIENCE, 0.05).until(lambda _: "damaged" in browser.find_element("id", "notice").text)
    assert browser.find_element("id", "notice").text.startswith("What was saved in this page is damaged: ")
