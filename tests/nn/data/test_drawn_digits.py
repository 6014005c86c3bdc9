"""Digits drawn by NumPy: pixels, and how hard they are to classify."""

import numpy as np

from nn.data import digits, one_hot


def test_drawn_digits_are_ink_on_paper_with_a_margin() -> None:
    X, y = digits(1000, seed=5)
    assert X.min() == 0
    assert 0.9 < X.max() <= 1
    assert np.bincount(y).tolist() == [100] * 10
    assert not np.array_equal(y, np.arange(1000) % 10), "the labels must come in random order"
    images = X.reshape(-1, 28, 28)
    ink = images.mean()
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1).mean()
    assert 0.08 < ink < 0.25
    assert border < 0.06


def test_drawn_digits_are_neither_too_easy_nor_too_hard() -> None:
    X, y = digits(6000, seed=0)
    held_out, truth = digits(1000, seed=1)
    design = np.c_[X, np.ones(len(X))]
    weights = np.linalg.lstsq(design.T @ design + 10 * np.eye(785), design.T @ one_hot(y), rcond=None)[0]
    right = float(np.mean((np.c_[held_out, np.ones(1000)] @ weights).argmax(axis=1) == truth))
    assert 0.65 < right < 0.85  # the share of a linear classifier: neither noise nor too easy for a network
