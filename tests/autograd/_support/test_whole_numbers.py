"""check_whole: the one check of a whole number."""

from typing import Any

import numpy as np
import pytest

from autograd._support import check_whole, is_whole


@pytest.mark.parametrize("number", [3, np.int64(3), np.uint8(3)])
def test_integers_of_python_and_numpy_become_an_int(number: Any) -> None:
    assert is_whole(number)
    assert check_whole("most", number) == 3
    assert type(check_whole("most", number)) is int


@pytest.mark.parametrize("number", [True, np.True_, 3.0, "3", None, [3]])
def test_anything_else_is_refused(number: Any) -> None:
    assert not is_whole(number)
    with pytest.raises(ValueError, match=r"^most must be a whole number of at least 1, got "):
        check_whole("most", number)


def test_the_least_number_is_allowed() -> None:
    assert check_whole("radius", 0, least=0) == 0
    with pytest.raises(ValueError, match=r"^radius must be a whole number of at least 0, got -1: how far to look$"):
        check_whole("radius", -1, least=0, meaning="how far to look")
