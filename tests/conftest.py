"""What tests of several files share."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import PATIENCE
from tests.browsing import browsing, chromium


@pytest.fixture(scope="session")
def only_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip("selenium", reason="pages are tested where selenium is installed")
    programs = chromium()
    if programs is None:
        pytest.skip("no browser: apt install chromium chromium-driver")
    with browsing(programs, tmp_path_factory.mktemp("browser"), is_logged=True) as browser:
        browser.set_script_timeout(PATIENCE)
        yield browser


@pytest.fixture
def browser(only_browser: Any) -> Iterator[Any]:
    """A browser in which nothing is open, and whose logs are empty. It is one for all tests: to begin one takes seconds."""
    yield only_browser
    only_browser.get("about:blank")
    for log in ("browser", "performance"):
        only_browser.get_log(log)
