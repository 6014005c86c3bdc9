"""Fixtures for the tests of draw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from autograd import Value
from autograd.draw import draw

if TYPE_CHECKING:
    from tests.autograd.draw.pages import Opener, Page


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    """A function that opens a value's page. At the end there must be no error in the console and no request to a server."""
    from tests.autograd.draw.pages import Page

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
