"""The playground in a notebook's cells: in a real browser, on a page that plays the notebook's, with the widgets in a real kernel."""

import json
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import requested
from tests.kernel import Kernel
from tests.playground.pages import SMALL, Engine, Page
from tests.serving import answering

pytest.importorskip("anywidget", reason="the extra `notebook` is not installed")
pytest.importorskip("ipykernel", reason="a kernel takes ipykernel")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.stop()


class Handler(BaseHTTPRequestHandler):
    """Serves the page that plays the notebook, and passes on what its comms send to the kernel."""

    def __init__(self, *arguments: Any, kernel: Kernel, **settings: Any) -> None:
        self.kernel = kernel
        super().__init__(*arguments, **settings)

    def do_GET(self) -> None:
        self.answer("text/html; charset=utf-8", (ROOT / "tests/playground/notebook.html").read_bytes())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = [each for each in self.kernel.pass_on(asked["comm"], asked["data"]) if each.kind == "comm_msg"]
        custom = [(each.content["data"]["content"], each.buffers) for each in said if each.content["data"]["method"] == "custom"]
        self.answer("application/json", json.dumps([{"content": content, "buffers": buffers} for content, buffers in custom]).encode())

    def answer(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass


class Notebook:
    """A notebook's page, and the cells in it."""

    def __init__(self, browser: Any, kernel: Kernel) -> None:
        self.browser, self.kernel = browser, kernel

    def show(self, code: str) -> dict[str, Any]:
        """Run a cell that shows a widget."""
        shown = self.kernel.shown(code)
        self.show_again(shown)
        return shown

    def show_again(self, shown: dict[str, Any]) -> None:
        self.browser.switch_to.default_content()
        self.browser.execute_async_script("const [shown, done] = arguments; window.show(shown).then(done)", shown)

    def enter(self, cell: int) -> Page:
        """The page in a cell: from here on the browser is in its frame."""
        self.browser.switch_to.default_content()
        self.browser.switch_to.frame(self.browser.find_elements("css selector", "iframe.nudge-playground")[cell])
        return Page(self.browser)

    def run(self, script: str) -> Any:
        self.browser.switch_to.default_content()
        return self.browser.execute_script(script)


@pytest.fixture
def notebook(browser: Any, kernel: Kernel) -> Iterator[Notebook]:
    """At its end no error may be in the console, and no request may have gone to another host."""
    with answering(partial(Handler, kernel=kernel)) as address:
        browser.get(address)
        yield Notebook(browser, kernel)
        browser.switch_to.default_content()
        assert browser.get_log("browser") == []
        sent, _ = requested(browser)
        assert any(url.endswith("/comm") for url in sent)
        assert all(url.startswith((address, "about:", "blob:", "data:")) for url in sent), sent
        browser.get("about:blank")  # before the server goes


def test_the_widget_trains_with_the_engine_s_numbers(notebook: Notebook) -> None:
    notebook.show("from playground import widget\nw = widget(layers=[3])\nw")
    page = notebook.enter(0)
    page.wait(lambda: page.text("#cost") != "–")
    before = page.picture("#plane")
    page.click("#by-step")
    page.wait_for("#step-number", "1")
    page.inspect("Weight w[0,2,1]", "[data-neuron='0,2']", "[data-key='w[0,2,1]']")
    engine = Engine(1, **SMALL)
    engine.backward()
    assert page.number("#inspector .gradient") == pytest.approx(engine.model.layers[0].neurons[2].weights[1].grad, rel=1e-12)
    assert page.number("#inspector .weight") == engine.model.layers[0].neurons[2].weights[1].data
    page.choose_option("speed", "20 per frame")
    page.click("#play")
    page.wait(lambda: page.accuracy > 90)
    page.click("#play")
    page.wait(lambda: not page.is_running)
    assert page.picture("#plane") != before


def test_cells_are_independent_of_each_other_and_of_the_notebook(notebook: Notebook) -> None:
    shown = notebook.show("from playground import widget\nw = widget(layers=[3])\nw")
    notebook.show("v = widget(layers=[2], data={'name': 'circles'})\nv")
    notebook.show_again(shown)
    pages = [notebook.enter(cell).text("#network-words") for cell in range(3)]
    assert pages == ["2-3-1, 13 parameters", "2-2-1, 9 parameters", "2-3-1, 13 parameters"]
    page = notebook.enter(0)
    page.click("#network-title")
    page.press("e", " ")  # not the notebook's keys
    page.wait(lambda: page.is_running)
    page.press(" ")
    page.wait(lambda: not page.is_running)
    assert notebook.enter(1).step == 0
    assert notebook.enter(2).step == 0
    assert notebook.run("return window.pressed") == 0
    assert notebook.run("return getComputedStyle(document.getElementById('network')).gridArea") == "auto"


def test_settings_are_shared_with_the_kernel_and_with_later_views(notebook: Notebook) -> None:
    shown = notebook.show("from playground import widget\nw = widget(layers=[3])\nw")
    page = notebook.enter(0)
    page.click("#more-layers")
    page.wait_for("#network-words", "2-3-3-1, 25 parameters")
    page.wait(lambda: notebook.kernel.value("w.configuration['layers']") == [3, 3])
    notebook.run(
        "document.querySelector('iframe').parentElement.append(document.querySelector('iframe'))"
    )  # as cells are moved: it loads anew
    page = notebook.enter(0)
    assert page.text("#network-words") == "2-3-3-1, 25 parameters"
    assert not page.find("#copy-link").is_displayed()
    notebook.show_again(shown)
    assert notebook.enter(1).text("#network-words") == "2-3-3-1, 25 parameters"


def test_settings_that_do_not_work_are_refused_in_the_page(notebook: Notebook) -> None:
    shown = notebook.kernel.shown("from playground import widget\nwidget(layers=[3])")
    shown["state"]["configuration"] = {"layers": [0]}  # as a cell may set it
    notebook.show_again(shown)
    page = notebook.enter(0)
    assert page.text("#notice").startswith("The settings given do not work: ")
    assert page.text("#network-words") == "2-16-16-1, 337 parameters"


def test_the_story_works_in_the_widget(notebook: Notebook) -> None:
    notebook.show("from playground import widget\nwidget()")
    page = notebook.enter(0)
    assert not page.find("#lesson").is_displayed()  # it waits to be asked for
    page.click("#lesson-open")
    page.wait_for("#lesson-title", "Lessons")
    page.click("[data-lesson=story]")
    page.wait_for("#lesson-title", "Nudge one number")


def test_a_restarted_kernel_is_reported(notebook: Notebook) -> None:
    shown = notebook.show("from playground import widget\nwidget(layers=[3])")
    page = notebook.enter(0)
    page.wait(lambda: page.text("#cost") != "–")
    notebook.run(f"window.models[{json.dumps(shown['comm'])}].trigger('comm_live_update')")
    page = notebook.enter(0)
    assert page.text("#notice") == "The kernel was restarted or has ended. Run the cell again to start a new session."
    page.click("#by-step")
    assert page.text("#notice") == "The kernel was restarted or has ended. Run the cell again to start a new session."


def test_clearing_a_cell_ends_its_session(notebook: Notebook) -> None:
    notebook.show("import gc\nfrom playground import notebook, widget\nw = widget(layers=[3])\nw")
    page = notebook.enter(0)
    page.wait(lambda: page.text("#cost") != "–")
    sessions = "sum(len(each.sessions) for each in gc.get_objects() if isinstance(each, notebook.Conversations))"
    there = notebook.kernel.value(sessions)
    notebook.run("window.hide()")
    assert notebook.run("return document.querySelector('iframe')") is None
    page.wait(lambda: notebook.kernel.value(sessions) == there - 1)


def test_a_lesson_is_opened_in_the_widget(notebook: Notebook) -> None:
    notebook.show('from playground import widget\nwidget(lesson="3-dials", page=3)')
    page = notebook.enter(0)
    page.wait_for("#lesson-title", "A name for each dial")
    page.wait(lambda: page.text("#question-text") == "What does w[0,3,2] name?")
    page.run("document.querySelector('input[name=question-answer][value^=\"in layer 0, neuron 3\"]').click()")
    page.run("document.querySelector('#question-check').click()")
    page.wait(lambda: page.text("#question-verdict").startswith("Right."))
