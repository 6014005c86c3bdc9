"""Fixtures of the playground's tests: a server, and pages in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browsing import requested
from tests.serving import serving

if TYPE_CHECKING:
    from tests.playground.pages import Opener, Page


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Opener]:
    """Opens the page; at the end there must be no error in the console, and no request to another host."""
    from tests.playground.pages import NOTHING, Page  # it needs selenium

    def open_page(configuration: dict[str, Any] | None = NOTHING, query: str = "") -> Page:
        browser.get("about:blank")  # otherwise an address with another # would not load the page again
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(address + query + (f"#{json.dumps(configuration)}" if configuration is not None else ""))
        return Page(browser)

    yield open_page
    assert browser.get_log("browser") == []
    sent, sockets = requested(browser)
    assert any(url.endswith("main.js") for url in sent)
    assert all(url.startswith((address, "about:", "blob:")) for url in sent), sent
    assert sockets == [address.replace("http", "ws", 1) + "socket"]
