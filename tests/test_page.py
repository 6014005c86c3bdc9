"""The page in a real browser: it steps, tells the engine's numbers, obeys the keyboard, and asks nobody for anything."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograd import Value, tanh
from autograd.draw import draw

webdriver = pytest.importorskip("selenium.webdriver", reason="the page is tested where selenium is installed")

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="no browser: apt install chromium chromium-driver")

QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1200,800"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*QUIET.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=str(DRIVER)))
    yield driver
    driver.quit()


Opener = Callable[..., "Page"]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    """Opens a value's page; at the end no error may be in the console, and no request may have left the page."""

    def open_page(value: Value, **options: Any) -> Page:
        path = draw(value, **options).save(tmp_path / "graph.html")
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(path.as_uri())
        return Page(browser)

    yield open_page
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    requests = [each["request"]["url"] for each in sent if each["documentURL"].startswith("file:")]  # not the browser's own
    assert requests
    assert all(url.startswith(("file:", "data:")) for url in requests), requests


class Page:
    """The open page, as its reader sees and uses it."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def press(self, *keys: str) -> None:
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def click(self, selector: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, selector).click()

    @property
    def where(self) -> str:
        return str(self.browser.find_element(By.ID, "where").text)

    @property
    def words(self) -> str:
        return str(self.browser.find_element(By.ID, "story").text)

    def texts(self, box: str) -> list[str]:
        """The lines of a box that can be seen."""
        lines = self.browser.find_elements(By.CSS_SELECTOR, f"[data-box='{box}'] text")
        return [line.get_property("textContent") for line in lines if line.value_of_css_property("visibility") == "visible"]

    def highlighted(self) -> set[str]:
        return {each.get_attribute("data-box") for each in self.browser.find_elements(By.CSS_SELECTOR, ".box.on")}

    def now(self) -> list[str]:
        return [each.get_attribute("data-box") for each in self.browser.find_elements(By.CSS_SELECTOR, ".box.now")]


def example() -> tuple[Value, list[Value]]:
    """tanh(w x + b) squared, and its nodes in the order of evaluation."""
    w, x, b = Value(-0.5, "w"), Value(2.0, "x"), Value(0.3, "b")
    product = w * x
    sum_ = product + b
    out = tanh(sum_)
    out.label = "out"
    cost = out * out
    cost.label = "cost </script><script>alert(1)</script>"
    return cost, [w, x, product, b, sum_, out, cost]


def test_forward_shows_the_engines_values_one_by_one(opened: Opener) -> None:
    cost, nodes = example()
    page = opened(cost)
    assert page.where == "start, then 12 steps"
    for position, node in enumerate(nodes):
        assert page.texts(f"v{position}") == ([node.label] if node.label else [])
        page.press(Keys.ARROW_RIGHT)
        assert page.where == f"forward {position + 1} of 7"
        assert page.now() == [f"v{position}"]
        assert f"data {node.data:.4g}" in page.texts(f"v{position}")
        assert f"{node.data:.4g}" in page.words
    assert "= tanh(-0.7)" not in page.words
    page.press(Keys.ARROW_LEFT)
    assert "= tanh(-0.7)" in page.words
    assert page.texts("v6") == [cost.label]


def test_backward_shows_the_engines_gradients_and_the_rules(opened: Opener) -> None:
    cost, nodes = example()
    cost.backward()
    page = opened(cost)
    page.press(Keys.END)
    assert page.where == "backward 5 of 5"
    for position, node in enumerate(nodes):
        assert page.texts(f"v{position}")[-2:] == [f"data {node.data:.4g}", f"grad {node.grad:.4g}"]
    assert f"d(*)/da = b = 2\ntimes {nodes[2].grad:.4g} from above = {nodes[0].grad:.4g}" in page.words
    page.press(*[Keys.ARROW_LEFT] * 3)
    assert page.now() == ["v6"]
    half, whole = f"{nodes[5].data:.4g}", f"{nodes[5].grad:.4g}"
    assert f"into out: 0 + {half} = {half}" in page.words
    assert f"into out: {half} + {half} = {whole}" in page.words
    assert page.texts("v5")[-1] == f"grad {whole}"
    assert page.texts("v4")[-1].startswith("data")


def test_keys_buttons_and_scrubber_agree(opened: Opener) -> None:
    page = opened(example()[0])
    page.press(Keys.END)
    assert page.where == "backward 5 of 5"
    page.press(Keys.ARROW_RIGHT)
    assert page.where == "backward 5 of 5"
    page.press(Keys.HOME)
    assert page.where.startswith("start")
    page.press(Keys.ARROW_LEFT)
    assert page.where.startswith("start")
    page.click("#next")
    page.click("#next")
    assert page.where == "forward 2 of 7"
    page.click("#back")
    assert page.where == "forward 1 of 7"
    page.click("#last")
    assert page.where == "backward 5 of 5"
    page.click("#first")
    assert page.where.startswith("start")
    scrubber = page.browser.find_element(By.ID, "scrubber")
    page.browser.execute_script("arguments[0].value = 9; arguments[0].dispatchEvent(new Event('input'))", scrubber)
    assert page.where == "backward 2 of 5"
    scrubber.send_keys(Keys.ARROW_RIGHT)
    assert page.where == "backward 3 of 5"
    assert scrubber.get_attribute("value") == "10"


def test_space_plays_and_pauses(opened: Opener) -> None:
    page = opened(example()[0])
    page.press(Keys.SPACE)
    play = page.browser.find_element(By.ID, "play")
    assert play.get_attribute("aria-label") == "pause"
    page.browser.execute_async_script(
        "const [done] = arguments, where = document.getElementById('where');"
        "(function look() { where.textContent.startsWith('forward') ? done() : setTimeout(look, 50); })();"
    )
    page.press(Keys.SPACE)
    assert play.get_attribute("aria-label") == "play"
    assert page.where.startswith("forward")


def test_a_click_or_enter_shows_every_path_to_the_output(opened: Opener) -> None:
    cost, nodes = example()
    cost.backward()
    page = opened(cost)
    page.click("[data-box=v3]")
    assert page.highlighted() == {"v3", "o4", "v4", "o5", "v5", "o6", "v6"}
    paths = page.browser.find_element(By.ID, "paths").text
    assert "b: 2 paths to the output" in paths
    assert f"together {nodes[3].grad:.4g}" in paths
    page.press(Keys.ESCAPE)
    assert page.highlighted() == set()
    page.browser.find_element(By.CSS_SELECTOR, "[data-box=v5]").send_keys(Keys.ENTER)
    assert page.highlighted() == {"v5", "o6", "v6"}


def test_paths_are_counted_and_not_walked(opened: Opener) -> None:
    x = y = Value(1.0, "x")
    for _ in range(30):
        y = y + y
    page = opened(y)
    page.browser.find_element(By.CSS_SELECTOR, "[data-box=v0]").send_keys(Keys.ENTER)
    assert f"x: {2**30} paths to the output" in page.browser.find_element(By.ID, "paths").text
    assert x.data == 1.0


def test_labels_are_text_and_controls_have_names(opened: Opener) -> None:
    cost, _ = example()
    page = opened(cost)
    assert page.browser.title == cost.label
    assert page.browser.find_element(By.TAG_NAME, "h1").text == cost.label
    for each in page.browser.find_elements(By.CSS_SELECTOR, "button, input"):
        assert each.get_attribute("aria-label")


def test_it_fits_a_phone(opened: Opener) -> None:
    page = opened(example()[0])
    size = {"width": 360, "height": 720, "deviceScaleFactor": 1, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.press(Keys.END)
        assert page.browser.execute_script("return document.documentElement.scrollWidth") <= 360
        for selector in ("#first", "#back", "#play", "#next", "#last", "#scrubber", "#story h2"):
            box = page.browser.find_element(By.CSS_SELECTOR, selector).rect
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
            assert box["y"] + box["height"] <= 720
        assert page.browser.find_element(By.ID, "next").rect["height"] >= 40
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_collapsed_graph_steps_box_by_box(opened: Opener) -> None:
    values = [Value(float(each), f"x{each}") for each in range(200)]
    cost = sum((value * value for value in values), 0.0)
    assert isinstance(cost, Value)
    cost.backward()
    page = opened(cost, detail="layer")
    page.press(Keys.ARROW_RIGHT)
    assert page.where == "forward 1 of 3"
    assert "x0 … x199" in page.words
    assert "grad 0 to 398" not in page.texts("g0")
    page.press(Keys.END)
    assert "grad 0 to 398" in page.texts("g0")
