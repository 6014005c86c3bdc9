"""Toy problems in the plane: X, float64 of shape (n, 2), and labels y, int64 of shape (n,); those of `waves` are float64.

`n` is the number of points. `noise` is the standard deviation of the normal noise that is added to the points, or to the targets of
`waves`; it comes from `seed`, an int or a generator. Labels alternate, so the sizes of classes differ by at most one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from autograd._support import check_whole
from nn.inputs import Array, Examples, Labels, Seed, finite_number, generator


def xor(n: int = 4, noise: float = 0.0, seed: Seed = 0) -> Examples:
    """Exclusive or: the four corners of the unit square, class 1 if the coordinates differ.

    Parameters
    ----------
    n : int, default 4
        The number of points.
    noise : float, default 0.0
        The standard deviation of the normal noise that is added to the points.
    seed : int or numpy.random.Generator, default 0
        Where the noise comes from.

    Returns
    -------
    X : ndarray of float64, shape (n, 2)
    y : ndarray of int64, shape (n,)

    Examples
    --------
    >>> X, y = xor()
    >>> X.tolist(), y.tolist()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    X, y = np.resize(corners, (check_whole("n", n), 2)), np.resize([0, 1, 1, 0], n)
    return _jitter(X, noise, seed), y.astype(np.int64)


def moons(n: int = 100, noise: float = 0.1, seed: Seed = 0) -> Examples:
    """Two interleaving half circles of radius 1; class 1 is the lower one.

    Parameters
    ----------
    n : int, default 100
        The number of points.
    noise : float, default 0.1
        The standard deviation of the normal noise that is added to the points.
    seed : int or numpy.random.Generator, default 0
        Where the noise comes from.

    Returns
    -------
    X : ndarray of float64, shape (n, 2)
    y : ndarray of int64, shape (n,)

    Examples
    --------
    >>> X, y = moons(50, seed=1)
    >>> X.shape, y[:4].tolist()
    ((50, 2), [0, 1, 0, 1])
    """
    y = _labels(n, 2)
    angle = np.pi * _spread(y, 2)
    X = np.where(y[:, None] == 0, _polar(1.0, angle), [1.0, 0.5] - _polar(1.0, angle))
    return _jitter(X, noise, seed), y


def circles(n: int = 100, noise: float = 0.1, seed: Seed = 0) -> Examples:
    """A circle of radius 1, class 0, around a circle of radius 0.5, class 1.

    Parameters
    ----------
    n : int, default 100
        The number of points.
    noise : float, default 0.1
        The standard deviation of the normal noise that is added to the points.
    seed : int or numpy.random.Generator, default 0
        Where the noise comes from.

    Returns
    -------
    X : ndarray of float64, shape (n, 2)
    y : ndarray of int64, shape (n,)

    Examples
    --------
    >>> X, y = circles(50, noise=0.0)
    >>> np.hypot(*X[:2].T).round(6)
    array([1. , 0.5])
    """
    y = _labels(n, 2)
    return _jitter(_polar(np.where(y == 0, 1.0, 0.5), 2 * np.pi * _spread(y, 2)), noise, seed), y


def spirals(n: int = 100, classes: int = 2, noise: float = 0.03, seed: Seed = 0, turns: float = 1.0) -> Examples:
    """Spiral arms from radius 0.1 to 1, one per class.

    Parameters
    ----------
    n : int, default 100
        The number of points.
    classes : int, default 2
        The number of classes.
    noise : float, default 0.03
        The standard deviation of the normal noise that is added to the points.
    seed : int or numpy.random.Generator, default 0
        Where the noise comes from.
    turns : float, default 1.0
        How often an arm winds around the origin.

    Returns
    -------
    X : ndarray of float64, shape (n, 2)
    y : ndarray of int64, shape (n,)

    Examples
    --------
    >>> X, y = spirals(50, classes=3)
    >>> X.shape, y[:4].tolist()
    ((50, 2), [0, 1, 2, 0])
    """
    y = _labels(n, classes)
    along = _spread(y, classes)
    return _jitter(_polar(0.1 + 0.9 * along, 2 * np.pi * (finite_number("turns", turns) * along + y / classes)), noise, seed), y


def blobs(n: int = 100, classes: int = 3, noise: float = 0.3, seed: Seed = 0) -> Examples:
    """Normal distributions around centres that are evenly spaced on the unit circle, one per class.

    Parameters
    ----------
    n : int, default 100
        The number of points.
    classes : int, default 3
        The number of classes.
    noise : float, default 0.3
        The standard deviation of the normal noise that is added to the points.
    seed : int or numpy.random.Generator, default 0
        Where the noise comes from.

    Returns
    -------
    X : ndarray of float64, shape (n, 2)
    y : ndarray of int64, shape (n,)

    Examples
    --------
    >>> X, y = blobs(50, classes=4)
    >>> X.shape, y[:5].tolist()
    ((50, 2), [0, 1, 2, 3, 0])
    """
    y = _labels(n, classes)
    return _jitter(_polar(1.0, 2 * np.pi * y / classes), noise, seed), y


def waves(n: int = 100, noise: float = 0.1, seed: Seed = 0) -> tuple[Array, Array]:
    """A wave over a square around 0, for regression: sin(2 x1) cos(x2) at points with coordinates from -1.5 to 1.5.

    Parameters
    ----------
    n : int, default 100
        The number of points.
    noise : float, default 0.1
        The standard deviation of the normal noise that is added to the targets.
    seed : int or numpy.random.Generator, default 0
        Where points and noise come from.

    Returns
    -------
    X : ndarray of float64, shape (n, 2)
    y : ndarray of float64, shape (n,)

    Examples
    --------
    >>> X, y = waves(50)
    >>> X.shape, y.shape
    ((50, 2), (50,))
    """
    numbers = generator(seed)
    X = numbers.uniform(-1.5, 1.5, (check_whole("n", n), 2))
    return X, np.sin(2 * X[:, 0]) * np.cos(X[:, 1]) + numbers.normal(0.0, finite_number("noise", noise, least=0), n)


def _labels(n: int, classes: int) -> Labels:
    return np.arange(check_whole("n", n), dtype=np.int64) % check_whole("classes", classes)


def _spread(y: Labels, classes: int) -> Array:
    """Evenly spaced numbers from 0 to 1 within each class."""
    steps = np.arange(len(y)) // classes
    return steps / max(int(steps[-1]), 1)


def _polar(radius: ArrayLike, angle: Array) -> Array:
    X: Array = np.asarray(radius)[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return X


def _jitter(X: Array, noise: float, seed: Seed) -> Array:
    return X + generator(seed).normal(0.0, finite_number("noise", noise, least=0), X.shape)
