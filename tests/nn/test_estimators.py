"""The estimators: scikit-learn's own checks, and what they give a pipeline or a search."""

from typing import Any

import numpy as np
import pytest

from autograd import relu, sigmoid, tanh
from nn import SGD, blobs, hinge, moons, squared_error
from nn.estimators import MLPClassifier, MLPRegressor

pytest.importorskip("sklearn")
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])  # type: ignore[untyped-decorator]
def test_an_estimator_keeps_the_rules_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_search_compares_activations_in_a_pipeline() -> None:
    X, y = moons(60)
    names, halves = np.array(["low", "high"])[y], StratifiedKFold(2, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), MLPClassifier(8, max_iter=60, random_state=0))
    search = GridSearchCV(model, {"mlpclassifier__activation": [tanh, relu, [sigmoid]]}, cv=halves).fit(X, names)
    assert search.best_score_ > 0.8
    assert set(search.predict(X)) == {"low", "high"}
    best = search.best_estimator_[-1]
    np.testing.assert_allclose(best.predict_proba(X[:5]).sum(axis=1), 1.0, rtol=1e-12)
    assert best.model_.layers[0].activation in (tanh, relu, sigmoid)
    assert cross_val_score(model, X, y, cv=halves).shape == (2,)
    assert CalibratedClassifierCV(model, cv=halves).fit(X, y).predict_proba(X).shape == (60, 2)


@pytest.mark.parametrize("estimator", [MLPClassifier(random_state=1, max_iter=50), MLPRegressor(random_state=1, max_iter=50)])
def test_weights_are_repeated_rows(estimator: Any) -> None:
    X, y = blobs(40, classes=3)
    weights = np.random.default_rng(0).integers(0, 3, 40)
    weighted = clone(estimator).fit(X, y, sample_weight=weights)
    repeated = clone(estimator).fit(X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(weighted.model_.predict(X), repeated.model_.predict(X), rtol=1e-9, atol=1e-9)
    assert weighted.loss_ == pytest.approx(repeated.loss_, rel=1e-9)
    with pytest.raises(ValueError, match="sample_weight must hold numbers of at least 0, not all of them 0"):
        clone(estimator).fit(X, y, sample_weight=-weights)


def test_training_goes_on_epoch_by_epoch() -> None:
    X, y = blobs(60, classes=3)
    one = MLPClassifier(optimizer=SGD(0.1, momentum=0.9), random_state=0)
    for _ in range(6):
        one.partial_fit(X[:, :2], y, classes=[0, 1, 2])
    assert one.n_iter_ == len(one.loss_curve_) == 6
    assert one.loss_curve_[-1] < 0.8 * one.loss_curve_[0]
    with pytest.raises(ValueError, match=r"y has classes that the first call did not name: \[3\]. Write classes= in the first call"):
        one.partial_fit(X, np.full(60, 3))
    with pytest.raises(ValueError, match=r"classes must be those of the first call, \[0, 1, 2\], got \[0, 1\]"):
        one.partial_fit(X, y, classes=[0, 1])
    several = MLPRegressor(random_state=0).partial_fit(X, X)
    assert several.predict(X).shape == X.shape


def test_costs_of_ones_own_and_early_stopping() -> None:
    X, y = blobs(90, classes=3, noise=0.1)
    for cost in (hinge, squared_error):
        model = MLPClassifier(cost=cost, early_stopping=True, n_iter_no_change=5, random_state=0).fit(X, y)
        assert model.score(X, y) > 0.9
        assert len(model.history_.validation_cost) == model.n_iter_
        with pytest.raises(AttributeError):
            _ = model.predict_proba
