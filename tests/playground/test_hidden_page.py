"""A page that trains in a hidden tab for two minutes: it asks for nothing, and its memory does not grow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from tests.playground.pages import Opener

PAUSE = 120  # seconds


def resident(browser: Any) -> float:
    """The memory of the largest renderer of the browser, in MB."""
    sizes = [0.0]
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes()
            if b"--type=renderer" in command and str(browser.capabilities["chrome"]["userDataDir"]).encode() in command:
                sizes.append(int((path / "statm").read_text().split()[1]) * 4096 / 1e6)
        except OSError:
            continue  # it has ended
    return max(sizes)


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="memory is read from /proc")
def test_a_hidden_tab_does_not_grow(opened: Opener) -> None:
    page = opened({"seed": 1})
    page.click("#play")
    page.wait(lambda: page.step > 20)
    tab = page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    try:
        time.sleep(2)
        before, other = resident(page.browser), page.browser.current_window_handle
        time.sleep(PAUSE)
        grown = resident(page.browser) - before
        page.browser.switch_to.window(tab)
        page.browser.switch_to.window(other)
        page.browser.close()
    finally:
        page.browser.switch_to.window(tab)
    print(f"{before:.0f} MB, grown by {grown:.1f} MB, step {page.step}")
    assert grown < 50
    step = page.step
    page.wait(lambda: page.step > step)  # it continues when it is visible again
