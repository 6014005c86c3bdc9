"""A saved page in a real browser: it opens from the disk, asks for nothing, and shows the numbers that were there when it was saved."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import PATIENCE
from tests.browsing import requested
from tests.playground.pages import NOTHING, SMALL, Engine, Page, settled

pytest.importorskip("selenium", reason="the page is tested where selenium is installed")

from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

Opener = Callable[..., Page]


@pytest.fixture
def played(browser: Any, address: str) -> Opener:
    """Opens the playground with a configuration, and plays some steps."""

    def play(configuration: dict[str, Any], steps: int = 0) -> Page:
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get(f"{address}#{json.dumps({**NOTHING, **configuration})}")
        page = Page(browser)
        for step in range(steps):
            page.click("#by-step")
            page.wait_for("#step-number", str(step + 1))
        page.wait(lambda: settled(page))
        return page

    return play


@pytest.fixture
def saved(browser: Any, tmp_path: Path) -> Iterator[Opener]:
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
    assert [url for url in requested(browser)[0] if not url.startswith("data:")] == [path().as_uri()]


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
EVIL = "</script><script>document.title = 'broken'</script>"
PLACES = ("a[0,1]", "w[0,2,1]", "b[0,2]", "a[1,0]", "w[1,0,2]", "b[1,0]")
SHOWN = ["step-number", "epoch", "cost", "held-out-cost", "accuracy", "held-out-accuracy", "network-words", "counts", "class-legend"]


def test_a_saved_page_shows_the_numbers_and_pictures_without_a_session(played: Opener, saved: Opener) -> None:
    page = played(SMALL, steps=3)
    page.click("[name=shows][value=gradients]")
    page.click("[name=curves][value=accuracy]")
    before = everything(page, *PLACES), [page.text(f"#{each}") for each in SHOWN], page.numbers("#cost data")
    maps = page.run(MAPS)
    page = saved(page)
    assert page.text("#inspector-title") == "Bias b[1,0]"  # what was open is open
    assert [page.find(f"[name={name}]:checked").get_attribute("value") for name in ("shows", "curves")] == ["gradients", "accuracy"]
    assert (everything(page, *PLACES), [page.text(f"#{each}") for each in SHOWN], page.numbers("#cost data")) == before
    weight = Engine(3, **SMALL).model.layers[0].neurons[2].weights[1].data
    page.inspect("Weight w[0,2,1]", "[data-neuron='0,2']", "[data-key='w[0,2,1]']")
    assert page.number("#inspector .weight") == weight
    assert np.abs(np.array(page.run(MAPS)) - np.array(maps)).max() <= 8  # of 255: rounded to what can be seen, and at another place
    page.click("#curves")
    page.press(Keys.ARROW_LEFT)
    assert page.text("#curve-words").startswith("step ")


MAPS = (
    "const maps = document.querySelector('.maps'), {data} = maps.getContext('2d').getImageData(0, 0, maps.width, maps.height);"
    "const at = (x, y) => [0, 1, 2].map(channel => data[4 * (Math.round(y) * maps.width + Math.round(x)) + channel]);"
    "return [...document.querySelectorAll('.neuron')].flatMap(({offsetLeft: x, offsetTop: y, offsetWidth: side}) =>"
    "[0.2, 0.4, 0.6, 0.8].flatMap(share => at(x + share * side, y + side / 3)))"
)


def test_controls_that_need_a_session_are_disabled(played: Opener, saved: Opener) -> None:
    page = saved(played(SMALL, steps=1))
    assert page.text("#notice") == "This is a saved page. You can inspect every number; to change something, open the playground."
    names = "restart back play by-example by-step by-epoch speed more-layers fewer-layers save-page save-weights"
    assert not [each for each in names.split() if page.find(f"#{each}").is_enabled()]
    assert page.find("#play").get_attribute("title") == page.text("#notice")
    assert not [each for each in ("#lesson-open", "#copy-link", ".keys") if page.find(each).is_displayed()]
    page.press(Keys.SPACE, "e", "n", "r", Keys.ARROW_RIGHT)
    assert page.step == 1
    page.inspect("Weight w[0,2,1]", "[data-neuron='0,2']", "[data-key='w[0,2,1]']")
    assert not [each for each in ("[data-key=slider]", "[data-key=typed]", "[data-key=after]") if page.find(each).is_displayed()]
    page.click("#plane")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)  # another example than the one that was looked at
    assert page.text("#notice") == "This saved page contains the numbers of one example only, and this is another one."
    assert page.text("#inspector-title") == "Weight w[0,2,1]"
    page.run("document.getElementById('show-source').closest('details').open = true")
    page.click("#show-source")
    page.wait(lambda: "import numpy as np" in page.text("#source-text"))


@pytest.mark.soak
def test_a_page_with_the_default_network_is_below_a_megabyte(played: Opener, saved: Opener, tmp_path: Path) -> None:
    page = saved(played({}, steps=2))
    (path,) = tmp_path.glob("nudge-moons.html")
    assert path.stat().st_size < 1_000_000
    told = everything(page, "w[1,15,15]")
    assert len(told["w[1,15,15]"][0]) > 10


@pytest.mark.soak
def test_digits_are_saved_with_each_weight(played: Opener, saved: Opener) -> None:
    page = played({"data": {"name": "digits", "n": 50}, "layers": [4], "activations": ["tanh(x)"]}, steps=1)
    numbers = "#inspector .weight", "#inspector .gradient", "#inspector .average", "#inspector .total"
    before = everything(page, "a[0,2]", "w[1,9,3]", "b[1,0]")
    page.inspect("Neuron a[0,2]", "[data-neuron='0,2']")
    name = page.find("#inspector [data-key^='w[0,2,']").get_attribute("data-key")
    page.inspect(f"Weight {name}", f"[data-key='{name}']")
    weight = [page.number(each) for each in numbers]
    page = saved(page)
    assert everything(page, "a[0,2]", "w[1,9,3]", "b[1,0]") == before
    page.inspect(f"Weight {name}", "[data-neuron='0,2']", f"[data-key='{name}']")
    assert [page.number(each) for each in numbers] == pytest.approx(weight, rel=1e-9, abs=1e-15)
    assert "not saved for a layer of this size" in page.text("#inspector .why")
    page.inspect("Bias b[0,2]", "[data-neuron='0,2']", "[data-key='b[0,2]']")


def test_column_names_are_quoted(played: Opener, saved: Opener) -> None:
    text = f"{EVIL},b,c\n" + "1,2,x\n2,1,y\n3,1,y\n" * 8
    page = saved(played({"data": {"name": "csv", "text": text}, "layers": [2], "activations": ["tanh(x)"]}))
    assert page.run("return document.title") == "Nudge playground"
    assert page.find("[data-neuron='-1,0']").get_attribute("aria-label") == EVIL


def test_a_saved_state_cannot_end_its_element(played: Opener) -> None:
    page = played(SMALL)
    written = page.browser.execute_async_script(
        """
        const [address, evil, done] = arguments, {record} = await import(address + "saved.js");
        const content = new TextEncoder().encode('<script type="application/json" id="saved">null</script>$&');
        const header = JSON.stringify({is: "saved", arrays: [["content", "uint8", [content.length], 128]]}).padEnd(120);
        const length = new Uint8Array([120, 0, 0, 0]);
        const packet = await new Blob(["NDG1", length, header, content]).arrayBuffer();
        const hear = async message => message.do === "save" ? packet : JSON.stringify({is: "error", problem: evil});
        done(await record({hear, hello: {}, configured: {layers: [1, 1], plane: null}, view: {runs: [{name: evil}]}, told: () => true}));
        """,
        page.run("return location.href.split('#')[0]"), EVIL,
    )  # fmt: skip
    state = written.removeprefix('<script type="application/json" id="saved">').removesuffix("</script>$&")
    assert "<" not in state
    assert json.loads(state)["view"]["runs"] == [{"name": EVIL}]


def test_saving_can_be_stopped(played: Opener, browser: Any, tmp_path: Path) -> None:
    page = played({})
    page.run("document.getElementById('save-page').closest('details').open = true")
    browser.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.click("#save-page")
    page.wait(lambda: float(page.find("#saving-share").get_attribute("value")) > 0)
    page.click("#stop-saving")
    page.click("#by-step")  # the session is free again
    page.wait_for("#step-number", "1")
    assert not list(tmp_path.iterdir())


def test_a_damaged_page_shows_an_error(played: Opener, saved: Opener, browser: Any, tmp_path: Path) -> None:
    saved(played(SMALL))
    (path,) = tmp_path.glob("*.html")
    path.write_text(re.sub(r'"replies":"[^"]{50}', '"replies":"', path.read_text(encoding="utf-8")), encoding="utf-8")
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get(path.as_uri())
    WebDriverWait(browser, PATIENCE, 0.05).until(lambda _: "damaged" in browser.find_element("id", "notice").text)
    assert browser.find_element("id", "notice").text.startswith("The data in this saved page are damaged: ")
