"""The static site in a real browser: the page learns with a session in its worker, and says so where there can be none.

Pyodide is 16 MB and is not asked for: `standin.mjs` takes its place, with a Python process that has what Pyodide has. test_pyodide_page.py
tests the site with real Pyodide.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from playground import site
from tests.browsing import requested
from tests.playground.pages import NOTHING, SMALL, Engine, Page
from tests.serving import answering
from tests.wasm import Wasm

AGAIN = ". Reload the page to start again: the address keeps your settings."


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves the site as any server would, with the policy for the worker, and prints nothing."""

    def end_headers(self) -> None:
        if self.path == "/worker.js":
            self.send_header("Content-Security-Policy", site.worker_policy(site.BESIDE))
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass


class Handler(QuietHandler):
    """Serves what standin.mjs asks for too."""

    def __init__(self, *arguments: Any, wasm: Wasm, asked: list[str], **settings: Any) -> None:
        self.wasm, self.asked = wasm, asked
        super().__init__(*arguments, **settings)

    def do_POST(self) -> None:
        content, what = self.rfile.read(int(self.headers["Content-Length"])), self.path.rpartition("/")[2]
        try:
            answer = self.answer(what, content)
        except EOFError:
            self.send_response(500)
            answer = b"MemoryError: there is no more"
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def answer(self, what: str, content: bytes) -> bytes:
        if what == "unpack":
            self.wasm.unpack(BytesIO(content))
        elif what == "run":
            self.wasm.run(content.decode())
        else:
            reply = self.wasm.handle(content.decode())
            return b"\0" + reply.encode() if isinstance(reply, str) else b"\1" + reply
        return b""

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        self.asked.append(format % arguments)


class Served(NamedTuple):
    """A site that is being served: its address, what was asked of the server, and the Python that stands in."""

    address: str
    asked: list[str]
    wasm: Wasm


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    with closing(Wasm()) as wasm:
        asked: list[str] = []
        with answering(partial(Handler, wasm=wasm, asked=asked, directory=str(folder))) as address:
            yield Served(address, asked, wasm)


Opener = Callable[..., tuple[Page, Served]]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    """Builds and opens the site, with what is in a folder as Pyodide; at the end no request may have gone to another host."""
    with ExitStack() as stack:

        def open_site(pyodide: dict[str, Path], configuration: dict[str, Any] = NOTHING, query: str = "") -> tuple[Page, Served]:
            (tmp_path / "site/pyodide").mkdir(parents=True)
            for name, path in pyodide.items():
                shutil.copy(path, tmp_path / "site/pyodide" / name)
            site.write(tmp_path / "site")
            served = stack.enter_context(serving(tmp_path / "site"))
            browser.get("about:blank")
            browser.get_log("browser")
            browser.get_log("performance")
            stack.callback(lambda: browser.get("about:blank"))  # before the server goes
            stack.callback(lambda: assert_alone(browser, served))
            browser.get(f"{served.address}{query}#{json.dumps(configuration)}")
            return page_of(browser), served

        yield open_site


def assert_alone(browser: Any, served: Served) -> None:
    sent, sockets = requested(browser)
    assert any(url.endswith("main.js") for url in sent)
    assert all(url.startswith((served.address, "about:", "blob:")) for url in sent), sent
    assert not sockets


def page_of(browser: Any) -> Page:
    """The page, which need not be ready, nor ever be."""
    page = Page.__new__(Page)
    page.browser = browser
    return page


def is_ready(page: Page) -> bool:
    return bool(page.run("return document.documentElement.dataset.ready"))


STANDIN = {"pyodide.mjs": Path(__file__).with_name("standin.mjs")}


def test_the_page_trains_with_the_engine_s_numbers(opened: Opener, browser: Any) -> None:
    page, served = opened(STANDIN, {**NOTHING, **SMALL})
    page.wait(lambda: is_ready(page))
    assert page.find("#notice").get_property("hidden")
    page.click("#by-step")
    page.wait_for("#step-number", "1")
    page.inspect("Weight w[0,1,0]", "[data-neuron='0,1']", "[data-key='w[0,1,0]']")
    engine = Engine(1, **SMALL)
    assert page.number("#inspector .weight") == pytest.approx(engine.model.layers[0].neurons[1].weights[0].data, rel=1e-12)
    before = page.picture("#plane")
    page.click("#play")
    page.wait(lambda: page.accuracy > 85)
    page.click("#play")
    page.wait(lambda: not page.is_running)
    assert page.picture("#plane") != before
    assert browser.get_log("browser") == []
    assert [each for each in served.asked if "nudge.zip" in each] == ['"GET /nudge.zip HTTP/1.1" 200 -']


def test_a_missing_pyodide_is_reported(opened: Opener) -> None:
    page, served = opened({})
    page.wait(lambda: page.text("#notice").startswith("Python could not be loaded: "))
    assert f"{served.address}pyodide/pyodide.mjs{AGAIN}" in page.text("#notice")
    assert not is_ready(page)


def test_a_missing_numpy_is_reported(opened: Opener, tmp_path: Path) -> None:
    core = tmp_path / "core.mjs"
    core.write_text(STANDIN["pyodide.mjs"].read_text().replace("isFull = true", "isFull = false"))
    page, served = opened({"pyodide.mjs": core})
    words = f"Python could not be loaded: {served.address}pyodide/ has no numpy: use the full distribution of Pyodide{AGAIN}"
    page.wait_for("#notice", words)


def test_the_page_reports_that_python_has_stopped(opened: Opener) -> None:
    page, served = opened(STANDIN, {**NOTHING, **SMALL})
    page.wait(lambda: is_ready(page))
    page.click("#play")
    page.wait(lambda: page.step > 2)
    served.wasm.end()
    words = f"Python has stopped: MemoryError: there is no more{AGAIN}"
    page.wait_for("#notice", words)
    assert not page.is_running
    asked = len(served.asked)
    page.click("#by-step")
    page.run("return new Promise(done => setTimeout(done, 300))")
    assert (page.text("#notice"), len(served.asked)) == (words, asked)


def test_a_missing_worker_is_reported(opened: Opener, tmp_path: Path) -> None:
    page, _ = opened(STANDIN)
    page.wait(lambda: is_ready(page))
    (tmp_path / "site/worker.js").unlink()
    page.browser.refresh()
    page.wait_for(
        "#notice", "The worker cannot run: worker.js could not be loaded. Reload the page to start again: the address keeps your settings."
    )


def test_the_page_shows_that_python_is_loading(opened: Opener, tmp_path: Path) -> None:
    never = tmp_path / "never.mjs"
    never.write_text("export const loadPyodide = () => new Promise(() => {});")
    page, _ = opened({"pyodide.mjs": never})
    page.wait_for("#notice", "Loading Python into this page, about 15 megabytes the first time.")


def test_a_question_is_judged_by_the_python_in_the_page(opened: Opener) -> None:
    page, _ = opened(STANDIN, query="?lesson=3-dials&page=4")
    page.wait(lambda: page.text("#question-text").startswith("Which weight of this network is the largest"))
    page.wait(lambda: is_ready(page) and page.is_settled)
    page.run("document.querySelector('#question-answer').value = 'w[0,0,0]'; document.querySelector('#question-check').click()")
    page.wait(lambda: page.find("#question-verdict").get_attribute("class"))
    assert page.text("#question-verdict").startswith(("For w[0,0,0] it is ", "Right. The size of w[0,0,0] is "))
