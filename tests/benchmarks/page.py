"""The playground's page in Chromium with its server: frames that are drawn in a second while a network trains, and clicks meanwhile."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import PATIENCE
from tests.benchmarks.race import rows, seconds
from tests.browsing import browsing, chromium

NETWORKS: dict[str, dict[str, Any]] = {
    "2-4-1": {"layers": [4]},
    "2-16-16-1": {"layers": [16, 16]},
    "2-8-8-8-8-1": {"layers": [8, 8, 8, 8]},
    "2-64-64-1": {"layers": [64, 64]},
    "digits, 784-16-16-10": {"data": {"name": "digits"}, "layers": [16, 16], "rate": 0.01},
}
SECONDS, CLICKS = 5.0, 9
COUNT = """
    window.frames_drawn = 0;
    const {send} = WebSocket.prototype;
    WebSocket.prototype.send = function (text) {
        if (text.includes('"do":"frame"')) window.frames_drawn++;
        return send.call(this, text);
    };
"""  # a page requests one frame for each one that it draws
CLICK = """
    const [name, done] = arguments, title = () => document.querySelector("#inspector h2")?.textContent ?? "", begun = performance.now();
    const found = name ? document.querySelector(`#inspector [data-key="${name}"]`) : document.querySelector("[data-neuron='0,1']");
    found.click();
    const look = () => title().includes(name ?? "a[0,1]") ? done(performance.now() - begun) : setTimeout(look, 2);
    look();
"""


def page() -> None:
    """Print a table, where there is a browser."""
    programs = chromium()
    if programs is None or not all(map(importlib.util.find_spec, ("selenium", "websockets"))):
        return
    body = []
    with tempfile.TemporaryDirectory() as folder, all_cores(), served(Path(folder)) as address, browsing(programs, Path(folder)) as browser:
        for name, configuration in NETWORKS.items():
            drawn, clicked = measured(browser, address, configuration)
            body.append([name, f"{drawn:.0f}", seconds(clicked)])
    rows(["the page, drawn by Chromium", "frames a second", "a click on a weight"], body)


@contextmanager
def all_cores() -> Iterator[None]:
    """What is begun inside may use all the cores, as a browser beside a server does."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # of which it gets those that this machine lends
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of `python -m playground` in a process of its own, with its own settings."""
    own = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    others = {name: each for name, each in os.environ.items() if not name.endswith("_NUM_THREADS")}
    command = [sys.executable, "-m", "playground", "--no-browser"]
    with subprocess.Popen(command, env=others | own, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        try:
            assert found is not None
            yield found[0]
        finally:
            server.terminate()


def measured(browser: Any, address: str, configuration: dict[str, Any]) -> tuple[float, float]:
    """Frames a second while the network trains, and the median time until the inspector shows a weight after a click."""
    browser.get("about:blank")
    browser.get(f"{address}#{json.dumps({'seed': 0, **configuration})}")  # with settings in it, the address shows no story
    wait(lambda: browser.execute_script("return document.documentElement.dataset.ready"))
    browser.execute_script(COUNT)
    browser.execute_script("document.querySelector('#play').click()")
    wait(lambda: browser.execute_script("return window.frames_drawn > 20"))
    before, begun = browser.execute_script("return window.frames_drawn"), time.perf_counter()
    time.sleep(SECONDS)
    drawn = (browser.execute_script("return window.frames_drawn") - before) / (time.perf_counter() - begun)
    times = []
    for _ in range(CLICKS):
        browser.execute_async_script(CLICK, None)
        time.sleep(0.3)  # between two updates of the inspector
        name = browser.execute_script("return document.querySelector('#inspector [data-key^=\"w[0,1,\"]').dataset.key")
        times.append(browser.execute_async_script(CLICK, name))
    return drawn, statistics.median(times) / 1000


def wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"the page did not get there in {PATIENCE:g} seconds")
        time.sleep(0.05)
