"""What tests of several files share."""

import os
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests import PATIENCE, programs
from tests.browsing import browsing, chromium


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors: tests of pages and of other processes wait more than they compute."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def seeded(request: pytest.FixtureRequest) -> None:
    """Seed the generators of the module by the name of the test: its numbers are the same in any order of the tests."""
    state = np.random.default_rng(zlib.crc32(request.node.nodeid.encode())).bit_generator.state
    for each in (*vars(request.module).values(), *vars(programs).values()) if hasattr(request, "module") else ():
        if isinstance(each, np.random.Generator):
            each.bit_generator.state = state


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
