"""Pauses of garbage collection."""

import contextlib
import gc

import pytest

from autograd._support import garbage_collection_paused


@pytest.mark.parametrize("is_once", [False, True])
@pytest.mark.parametrize("was_enabled", [False, True])
def test_garbage_collection_is_as_before_after_a_pause_also_after_an_exception(is_once: bool, was_enabled: bool) -> None:
    before = gc.isenabled()
    try:
        gc.enable() if was_enabled else gc.disable()
        with contextlib.suppress(KeyError), garbage_collection_paused(is_once):
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() == was_enabled
    finally:
        gc.enable() if before else gc.disable()
