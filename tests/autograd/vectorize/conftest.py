"""A fixture for the tests of programs."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of compiled programs for the tests, so that none go into the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
