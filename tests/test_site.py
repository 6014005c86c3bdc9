"""The book as a site, built and then opened in a real browser: every public name, nothing broken, nothing from elsewhere."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest

import autograd
import nn
from tests import PATIENCE
from tests.axe import violations
from tests.serving import answering

pytest.importorskip("mkdocs", reason="the book is built where the extra `docs` is installed")

ROOT = Path(__file__).parents[1]
PUBLIC = [f"{package.__name__}.{name}" for package in (autograd, nn) for name in package.__all__ if not name.isupper()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site. The first worker builds it, and the others wait."""
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    folder, ended = shared / "site", shared / "site-errors"
    try:
        folder.mkdir()
    except FileExistsError:
        end = time.monotonic() + PATIENCE
        while not ended.exists() and time.monotonic() < end:
            time.sleep(0.1)
        assert ended.read_text(encoding="utf-8") == ""
        return folder
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    errors = done.stdout + done.stderr if done.returncode else ""
    ended.write_text(errors, encoding="utf-8")
    assert errors == ""
    return folder


class Page(HTMLParser):
    """What a page is called by, what it leads to, and what it shows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.ids: set[str] = set()
        self.targets: list[str] = []
        self.undescribed: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.ids |= {str(given[name]) for name in ("id", "name") if given.get(name)}
        self.targets += [str(given[name]) for name in ("href", "src") if given.get(name)]
        if tag in ("img", "iframe") and not (given.get("alt") or given.get("title")):
            self.undescribed.append(str(given.get("src")))


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name not in ("404.html", "neuron.html", "paths.html")}


def test_every_page_is_in_the_book(site: Path, pages: dict[Path, Page]) -> None:
    written = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert {path.relative_to(site) for path in pages} == written
    start = pages[site / "index.html"]
    assert written <= {Path(target) for target in start.targets}  # the navigation's


def test_every_public_name_is_in_the_reference_with_an_example(pages: dict[Path, Page]) -> None:
    reference = {path: page for path, page in pages.items() if path.parent.name == "reference"}
    for name in PUBLIC:
        (home,) = [path for path, page in reference.items() if name in page.ids]
        package, _, own = name.partition(".")
        thing = getattr({"autograd": autograd, "nn": nn}[package], own)
        text = home.read_text(encoding="utf-8")
        start = text.index(f'id="{name}"')
        start = start if text[:start].endswith("<h2 ") else text.index("<h2 ", start) + 1  # behind an anchor of its own
        section = text[start:].split("<h2 ")[0]
        assert own in section, f"{name} has no heading in the reference"
        assert "doc-module" not in section.split("</h2>")[0], f"{name} is the function, not the module"
        is_error = isinstance(thing, type) and issubclass(thing, Exception)
        assert is_error or 'highlight">' in section, f"{name} has no code in the reference"
        if not isinstance(thing, autograd.Operation) and not is_error:
            assert ">>>" in str(thing.__doc__), f"{name} has no example in its docstring"


def test_every_error_has_its_line_in_the_page_of_errors() -> None:
    text = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    errors = [name for name in PUBLIC if name.endswith("Error")]
    assert errors
    assert all(name.split(".")[1] in text for name in errors)


def test_examples_of_docstrings_are_code_on_the_page(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        text = path.read_text(encoding="utf-8")
        assert "<blockquote>" not in text, f"{path.name}: a docstring's example was taken for a quotation"
        assert page.undescribed == []


def test_links_pictures_and_anchors_lead_somewhere_in_the_site(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for target in page.targets:
            if target.startswith(("data:", "mailto:")):
                continue
            if target.startswith(("http:", "https:")):
                assert "<link" not in target
                continue
            file, anchor = urldefrag(unquote(target))
            aim = (path.parent / file).resolve() if file else path
            assert aim.exists(), f"{path.name} leads to {target}"
            if anchor and aim in pages:
                assert anchor in pages[aim].ids, f"{path.name} leads to {target}"


# In a browser.


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where a server on this machine has the site."""
    with answering(partial(Silent, directory=str(site))) as address:
        yield address


@contextmanager
def seen(browser: Any, address: str, width: int = 1280, scheme: str = "light") -> Iterator[None]:
    """A window for a reader of light or dark pages. At its end the console is empty, and no other host was asked for anything."""
    browser.get_log("browser")
    browser.get_log("performance")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    requests = [each["request"]["url"] for each in sent if each["documentURL"].startswith(address)]  # not the browser's own
    assert requests
    assert all(url.startswith((address, "data:", "blob:")) for url in requests), requests


BROKEN = """
const [done] = arguments, images = [...document.images];
images.forEach(each => { each.loading = 'eager'; });
Promise.all(images.map(each => each.decode().then(() => null, () => each.src))).then(all => done(all.filter(Boolean)));
"""


PATHS = ["index.html", "story/9-chain-rule.html", "how-to/data.html", "reference/others.html", "reference/training.html"]


@pytest.mark.parametrize("are_all", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_pages_open_with_their_pictures_and_fit_a_phone(
    browser: Any, address: str, site: Path, pages: dict[Path, Page], are_all: bool
) -> None:
    with seen(browser, address, width=360):
        for path in [page.relative_to(site).as_posix() for page in pages] if are_all else PATHS:
            browser.get(address + path)
            assert browser.execute_async_script(BROKEN) == [], path
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 360, path
            size = browser.execute_script("return parseFloat(getComputedStyle(document.querySelector('article p')).fontSize)")
            assert size >= 14, path


BACKGROUND = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.soak)])
def test_axe_finds_nothing_in_light_and_in_dark(browser: Any, address: str, scheme: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    with seen(browser, address, scheme=scheme):
        for path in PATHS if scheme == "light" else PATHS[:1]:
            browser.get(address + path)
            WebDriverWait(browser, PATIENCE).until(
                lambda driver: (sum(driver.execute_script(BACKGROUND)[:3]) < 3 * 100) == (scheme == "dark")
            )
            assert violations(browser, iframes=False) == [], path


TYPED = "const [box, words] = arguments; box.value = words; box.dispatchEvent(new Event('keyup', {bubbles: true}))"
"""Types a whole word at once: otherwise the search also answers each part of it, and warns if a part is an invalid query."""


def test_the_search_finds_names_and_words(browser: Any, address: str) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    with seen(browser, address):
        for words, aim in (
            ("weighted_sum", "reference/functions.html"),
            ("drunk", "story/6-drunk.html"),
            ("DivergenceError", "errors.html"),
        ):
            browser.get(address)
            box = browser.find_element(By.CSS_SELECTOR, "input.md-search__input")
            box.click()
            browser.execute_script(TYPED, box, words)
            WebDriverWait(browser, PATIENCE).until(
                lambda driver: driver.find_elements(By.CSS_SELECTOR, ".md-search-result__link")  # the worker has answered
            )
            links = [each.get_attribute("href") for each in browser.find_elements(By.CSS_SELECTOR, ".md-search-result__link")]
            assert any(aim in link for link in links), links


def test_a_live_page_steps_inside_its_chapter(browser: Any, address: str) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    with seen(browser, address):
        browser.get(address + "story/2-weigh-add-squish.html")
        frame = browser.find_element(By.TAG_NAME, "iframe")
        browser.execute_script("arguments[0].scrollIntoView()", frame)
        browser.switch_to.frame(frame)
        try:
            page = browser.find_element(By.TAG_NAME, "body")
            WebDriverWait(browser, PATIENCE).until(lambda _: page.text)
            before = page.text
            browser.find_element(By.ID, "next").click()  # the keys are the frame's from now on
            ActionChains(browser).send_keys(Keys.END).perform()
            WebDriverWait(browser, PATIENCE).until(lambda _: page.text != before and "backward 6 of 6" in page.text)
        finally:
            browser.switch_to.default_content()
