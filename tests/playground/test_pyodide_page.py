"""The static site with real Pyodide in a browser: its numbers are those of a session in this Python.

`NUDGE_PYODIDE` names a folder with Pyodide and its numpy; `.ci/run pyodide` downloads them.
"""

import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from playground import Session, site
from tests.browsing import requested
from tests.playground.players import CSV, unpacked
from tests.serving import answering

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from tests.playground.pages import NOTHING, SMALL, Page
from tests.playground.test_static_site_page import QuietHandler

PYODIDE = Path(os.environ.get("NUDGE_PYODIDE", ""))

ASK = """
const [messages, done] = arguments;
(async () => {
  const {ask} = await import(new URL("app.js", location).href), replies = [];
  for (const message of messages) replies.push(await ask(message));
  return JSON.stringify(replies, (_, value) => ArrayBuffer.isView(value) ? [...value].slice(0, 2000) : value);
})().then(done, error => done(JSON.stringify(String(error))));
"""

NEURON = {"do": "inspect", "what": "neuron", "layer": 0, "neuron": 1}
WEIGHT = {"do": "inspect", "what": "weight", "layer": 0, "neuron": 1, "input": 0}
FRAME = {"do": "frame", "steps": 0, "boundary": 10, "maps": 0, "parameters": True, "gradient": True}
QUESTION = {"question": "point: Which?\nanswer: largest nudge\nbecause: {chain}", "configuration": {"layers": [3]}}


def setting(**configuration: Any) -> dict[str, Any]:
    return {"do": "configure", "configuration": {**NOTHING, **configuration}}


MESSAGES = {
    "moons": [setting(layers=[8, 8]), {"do": "step", "by": "step", "count": 100}, FRAME, NEURON, WEIGHT, {"do": "save", "what": "script"}],
    "digits": [setting(data={"name": "digits", "n": 60}, layers=[5]), {"do": "step", "by": "step", "count": 10}, NEURON, WEIGHT],
    "CSV": [setting(data={"name": "csv", "text": CSV}, layers=[3]), {"do": "step", "by": "epoch"}, FRAME, NEURON, WEIGHT],
    "a question": [setting(layers=[3]), {"do": "ask", **QUESTION}, {"do": "judge", **QUESTION, "given": "w[0,0,0]"}],
    "a formula": [{"do": "formula", "text": "sin(x)"}, setting(layers=[3], activations="sin(x)"), {"do": "step"}, NEURON, WEIGHT],
}  # fmt: skip


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Page]:
    if not (PYODIDE / "pyodide.mjs").is_file():
        pytest.skip("NUDGE_PYODIDE names no folder with Pyodide; `.ci/run pyodide` downloads it")
    shutil.copytree(PYODIDE, tmp_path / "site/pyodide")
    site.write(tmp_path / "site")
    with answering(partial(QuietHandler, directory=str(tmp_path / "site"))) as address:
        browser.get(f"{address}#{json.dumps({**NOTHING, **SMALL})}")
        yield Page(browser)
        assert browser.get_log("browser") == []
        sent, _ = requested(browser)
        assert all(url.startswith((address, "about:", "blob:", "data:")) for url in sent), sent
        browser.get("about:blank")


def test_pyodide_computes_the_numbers_of_the_server(page: Page) -> None:
    lock = json.loads((PYODIDE / "pyodide-lock.json").read_text())
    assert lock["info"]["version"] == site.VERSION  # the version that readers' browsers load is the one that was tested
    page.click("#play")
    page.wait(lambda: page.step > 5)
    page.click("#play")
    page.wait(lambda: not page.is_running)
    session = Session()
    for what, messages in MESSAGES.items():
        replies = json.loads(page.browser.execute_async_script(ASK, messages))
        for message, reply in zip(messages, replies, strict=True):
            expected = unpacked(session.handle(json.dumps(message)))
            assert reply["is"] == expected["is"] != "error", (what, expected)
            assert_same(reply, expected, what)


def assert_same(found: Any, expected: Any, what: str) -> None:
    """All numbers of a reply are equal to nine digits, and its texts exactly."""
    if isinstance(expected, dict):
        names = expected.keys() - {"arrays", "shapes"}
        assert found.keys() - {"arrays", "shapes"} == names, what
        for name in names:
            assert_same(found[name], expected[name], f"{what}, {name}")
    elif isinstance(expected, str) or expected is None:
        assert found == expected, what
    elif hasattr(expected, "ravel"):
        error = 1e-5 if expected.dtype == "float32" else 1e-9  # pictures are computed in float32
        assert found == pytest.approx(expected.ravel()[:2000].tolist(), rel=error, abs=error), what
    elif isinstance(expected, list):
        assert len(found) == len(expected), what
        for each, other in zip(found, expected):
            assert_same(each, other, what)
    else:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), what
