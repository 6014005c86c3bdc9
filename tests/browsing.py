"""The browser that the tests of pages share, and that the benchmark counts frames with: Chromium, without a window."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,900"
)


def chromium() -> tuple[str, str] | None:
    """The browser and its driver; None where there are none."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@contextmanager
def browsing(programs: tuple[str, str], folder: Path, is_logged: bool = False) -> Iterator[Any]:
    """A browser driven by selenium. It keeps to the folder, and logs its console and what it asks the network for where it is to."""
    from selenium import webdriver

    binary, driver = programs
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*QUIET.split(), f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(folder / "downloads")})
    if is_logged:
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    try:
        yield browser
    finally:
        browser.quit()


def requested(browser: Any) -> tuple[list[str], list[str]]:
    """The addresses of the requests and of the sockets that pages have made since the last call; not the browser's own."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    sockets = [each["params"]["url"] for each in messages if each["method"] == "Network.webSocketCreated"]
    return [url for url in sent if not url.startswith("chrome")], sockets
