"""The toy problems: shapes, seeds and errors."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nn.data import Examples, blobs, circles, digits, moons, spirals, waves, xor

TOYS: list[Callable[..., Examples]] = [xor, moons, circles, spirals, blobs]


@pytest.mark.parametrize("make", [*TOYS, digits])
def test_a_data_set_has_float64_rows_int64_labels_and_balanced_classes(make: Callable[..., Examples]) -> None:
    X, y = make(61, seed=3)
    assert (str(X.dtype), str(y.dtype), len(X), y.shape) == ("float64", "int64", 61, (61,))
    assert X.shape[1] == (784 if make is digits else 2)
    sizes = np.bincount(y)
    assert sizes.max() - sizes.min() <= 1 + (make is xor)  # of four corners in turn, one may be left over


@pytest.mark.parametrize("make", [moons, circles, spirals, blobs, digits])
def test_a_seed_repeats_and_a_generator_continues(make: Callable[..., Examples]) -> None:
    assert np.array_equal(make(30, seed=1)[0], make(30, seed=1)[0])
    assert not np.array_equal(make(30, seed=1)[0], make(30, seed=2)[0])
    rng = np.random.default_rng(1)
    first, second = make(30, seed=rng)[0], make(30, seed=rng)[0]
    assert np.array_equal(first, make(30, seed=1)[0])
    assert not np.array_equal(first, second)


WRONG: dict[str, tuple[list[Callable[..., Examples]], list[Any], str]] = {
    "n": ([*TOYS, digits], [0, -1, 2.5, 100.0, True, "10", None], "a whole number of at least 1, got"),
    "classes": ([spirals, blobs], [0, 2.5, True], "a whole number of at least 1, got"),
    "noise": (TOYS, [math.nan, math.inf, -0.1, "0.1", None, True], "a finite number of at least 0, got"),
    "turns": ([spirals], [math.inf], "a finite number, got inf"),
    "seed": ([*TOYS, digits], [-1, 2.5, "7", None, True, np.random.RandomState(0)], r"a whole number of .* got .*default_rng\(\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_invalid_arguments_are_refused(name: str) -> None:
    makers, values, message = WRONG[name]
    for make in makers:
        for value in values:
            with pytest.raises(ValueError, match=f"^{name} must be {message}"):
                make(**{"n": 10, name: value})


@pytest.mark.parametrize("make", [*TOYS, digits])
def test_numpy_numbers_are_accepted(make: Callable[..., Examples]) -> None:
    assert np.array_equal(make(np.int32(9), seed=np.uint8(3))[0], make(9, seed=3)[0])
    assert np.array_equal(moons(9, noise=np.float64(0.5))[0], moons(9, noise=0.5)[0])


def test_the_targets_of_waves_are_a_wave_with_noise() -> None:
    X, y = waves(4000, noise=0.2, seed=1)
    assert (X.shape, np.abs(X).max() <= 1.5, y.shape) == ((4000, 2), True, (4000,))
    assert (y - np.sin(2 * X[:, 0]) * np.cos(X[:, 1])).std() == pytest.approx(0.2, rel=0.05)
    again, other = waves(4000, noise=0.2, seed=1), waves(4000, noise=0.2, seed=2)
    assert np.array_equal(again[0], X)
    assert np.array_equal(again[1], y)
    assert not np.array_equal(other[0], X)
    with pytest.raises(ValueError, match="noise must be"):
        waves(3, noise=-1)


def test_xor_is_its_truth_table() -> None:
    X, y = xor()
    assert [(*row, label) for row, label in zip(X.tolist(), y.tolist())] == [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]


def test_shapes_without_noise_lie_on_their_curves() -> None:
    X, y = circles(40, noise=0)
    assert np.allclose(np.linalg.norm(X, axis=1), np.where(y == 0, 1, 0.5))
    X, y = moons(40, noise=0)
    assert np.allclose(np.linalg.norm(X - np.where(y[:, None] == 0, [0, 0], [1, 0.5]), axis=1), 1)
    assert (X[y == 0, 1] >= -1e-12).all()
    assert (X[y == 1, 1] <= 0.5 + 1e-12).all()
    X, y = spirals(90, classes=3, noise=0)
    radius = np.linalg.norm(X, axis=1)
    assert (radius.min(), radius.max()) == (pytest.approx(0.1), pytest.approx(1))
    assert np.allclose(X, radius[:, None] * np.stack([f(2 * np.pi * ((radius - 0.1) / 0.9 + y / 3)) for f in (np.cos, np.sin)], 1))
    X, y = blobs(6, classes=3, noise=0)
    assert np.allclose(X[y == 1], [math.cos(2 * math.pi / 3), math.sin(2 * math.pi / 3)])
