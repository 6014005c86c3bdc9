"""Estimators: networks for scikit-learn's pipelines, searches and cross-validation. They have its names for what it has too.

Needs scikit-learn 1.5 or newer.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autograd import tanh
from autograd._support import missing
from nn.activations import Activation
from nn.classification import class_index, probabilities
from nn.costs import Cost, binary_cross_entropy, cross_entropy, squared_error
from nn.inputs import Array
from nn.network import MLP
from nn.optimizers import Adam, Optimizer
from nn.training import train
from nn.training.weights import check_weights

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted
except ImportError as error:
    raise ImportError(missing("nn.estimators", "scikit-learn")) from error

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MLPClassifier", "MLPRegressor"]

LARGEST_BATCH = 200  # of "auto", as in scikit-learn


class _MLP(BaseEstimator):  # type: ignore[misc]
    """What both estimators share. They differ in the targets, the cost and what they predict."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (16, 16),
        activation: Activation | Sequence[Activation] = tanh,
        *,
        cost: Cost | None = None,
        optimizer: Optimizer | None = None,
        batch_size: int | str = "auto",
        max_iter: int = 200,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        random_state: Any = None,
        backend: str = "numpy",
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes, self.activation, self.cost, self.optimizer = hidden_layer_sizes, activation, cost, optimizer
        self.batch_size, self.max_iter, self.early_stopping = batch_size, max_iter, early_stopping
        self.validation_fraction, self.n_iter_no_change = validation_fraction, n_iter_no_change
        self.random_state, self.backend, self.verbose = random_state, backend, verbose

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train a new network.

        Parameters
        ----------
        X : array_like, shape (examples, features)
            The inputs.
        y : array_like, shape (examples,) or (examples, targets)
            The classes, or the numbers to predict.
        sample_weight : array_like, shape (examples,), optional
            The cost is the mean weighted by these numbers, as if an example with the weight 2 were there twice. Examples with the
            weight 0 are left out.

        Returns
        -------
        self
        """
        inputs, known = self._validated(X, y, reset=True)
        self._begin(inputs, self._known_targets(known))
        return self._learn(inputs, self._targets(known), sample_weight, self.max_iter)

    def _begin(self, X: Array, outputs: int) -> None:
        """Make a new network and a new optimizer."""
        self._random = check_random_state(self.random_state)
        hidden = [self.hidden_layer_sizes] if np.ndim(self.hidden_layer_sizes) == 0 else list(self.hidden_layer_sizes)  # type: ignore[arg-type]
        activation = self.activation if callable(self.activation) else [*self.activation, None]
        self.model_ = MLP([X.shape[1], *hidden, outputs], activation, seed=self._seed())
        self.model_.feature_names = getattr(self, "feature_names_in_", None)
        self.model_.classes = getattr(self, "classes_", None)
        self.optimizer_ = Adam(0.01) if self.optimizer is None else copy.deepcopy(self.optimizer)
        self.loss_curve_: list[float] = []

    def _seed(self) -> int:
        return int(self._random.randint(np.iinfo(np.int32).max))

    def _learn(self, X: Array, targets: Array, sample_weight: npt.ArrayLike | None, epochs: int, is_partial: bool = False) -> Self:
        parts: list[Any] = [X, targets]
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
            kept = weights != 0  # left out before the examples are split
            parts = [each[kept] for each in (X, targets, check_weights("sample_weight", weights, len(X)))]
        held_out, patience = None, None
        if self.early_stopping and not is_partial:
            halves = train_test_split(*parts, test_size=self.validation_fraction, random_state=self._seed())
            parts, held_out, patience = halves[::2], halves[1::2], self.n_iter_no_change
        self.history_ = train(
            self.model_, *parts[:2], cost=self._cost(), optimizer=self.optimizer_, epochs=epochs, seed=self._seed(), validation=held_out,
            batch_size=min(LARGEST_BATCH, len(parts[0])) if self.batch_size == "auto" else self.batch_size, patience=patience,  # type: ignore[arg-type]
            sample_weight=parts[2] if len(parts) > 2 else None, measure_accuracy=False, backend=self.backend, progress=self.verbose,
        )  # fmt: skip
        self.loss_curve_ += self.history_.cost
        self.n_iter_, self.loss_ = len(self.loss_curve_), self.loss_curve_[-1]
        return self

    def _outputs(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        return self.model_.predict(_validate(self, X, reset=False, dtype=np.float64))


class MLPClassifier(ClassifierMixin, _MLP):  # type: ignore[misc]
    """A multi-layer perceptron that classifies.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (16, 16)
        The number of neurons in each hidden layer.
    activation : callable or sequence of callables, default tanh
        The activation of the hidden layers, or one for each: functions of one number, written with autograd's functions.
    cost : callable or None, default None
        `cost(scores, row)` of one example, where `row` is 1 at the class and 0 elsewhere. None is cross-entropy.
    optimizer : Optimizer or None, default None
        How the parameters move. It is copied. None is `Adam(0.01)`.
    batch_size : int or "auto", default "auto"
        The number of examples in a mini-batch. "auto" is 200, or all examples if there are fewer.
    max_iter : int, default 200
        The number of epochs.
    early_stopping : bool, default False
        Whether to stop after `n_iter_no_change` epochs without a lower cost of a part of the examples that is not trained on, and to
        keep the parameters of the best epoch.
    validation_fraction : float, default 0.1
        The size of this part.
    n_iter_no_change : int, default 10
        See `early_stopping`.
    random_state : int, RandomState or None, default None
        Where the weights and the order of the examples come from.
    backend : {"numpy", "native", "jax"}, default "numpy"
        What runs the training, see `nn.train`.
    verbose : bool, default False
        Whether to show a progress bar.

    Attributes
    ----------
    model_ : MLP
        The network. It has one output for two classes, and otherwise one score per class.
    classes_ : array, (classes,)
        The labels, sorted.
    history_ : History
        The measurements of the last call of `fit` or `partial_fit`.
    loss_curve_ : list of float
        The mean cost of each epoch.
    n_iter_, loss_ : int, float
        The number of epochs, and the cost in the last one.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from nn import moons
    >>> X, y = moons(100)
    >>> MLPClassifier(random_state=0).fit(X, y).score(X, y)
    1.0
    """

    def partial_fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, classes: npt.ArrayLike | None = None, sample_weight: npt.ArrayLike | None = None
    ) -> Self:
        """Train for one epoch. The first call makes the network and needs `classes`, the labels of all later calls, if y lacks some."""
        is_first = not hasattr(self, "model_")
        inputs, known = self._validated(X, y, reset=is_first)
        if is_first:
            self._begin(inputs, self._known_targets(known if classes is None else classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes must be those of the first call, {self.classes_.tolist()}, got {np.unique(classes).tolist()}")
        if unknown := sorted(set(np.unique(known).tolist()) - set(self.classes_.tolist())):
            raise ValueError(f"y has classes that the first call did not name: {unknown}. Write classes= in the first call")
        return self._learn(inputs, self._targets(known), sample_weight, 1, is_partial=True)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The predicted class of each example, (examples,)."""
        index = class_index(self._outputs(X))
        return self.classes_[index]

    def _has_probabilities(self) -> bool:
        if self.cost not in (None, cross_entropy, binary_cross_entropy):
            raise AttributeError("predict_proba needs the cost cross-entropy: other costs do not give probabilities")
        return True

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """The probability of each class, (examples, classes), in the order of `classes_`."""
        return probabilities(self._outputs(X), ())

    def _validated(self, X: npt.ArrayLike, y: npt.ArrayLike, reset: bool) -> tuple[Array, npt.NDArray[Any]]:
        inputs, known = _validate(self, X, y, reset=reset, dtype=np.float64)
        check_classification_targets(known)
        return inputs, known

    def _known_targets(self, y: npt.ArrayLike) -> int:
        """Note the classes, and return the number of outputs."""
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs at least 2 classes, and y has one class: {self.classes_.tolist()}")
        return 1 if self._is_binary else len(self.classes_)

    @property
    def _is_binary(self) -> bool:
        return len(self.classes_) == 2 and self.cost in (None, binary_cross_entropy)

    def _targets(self, y: npt.NDArray[Any]) -> Array:
        labels = np.searchsorted(self.classes_, y)
        return labels[:, None].astype(np.float64) if self._is_binary else np.eye(len(self.classes_))[labels]

    def _cost(self) -> Cost:
        return self.cost or (binary_cross_entropy if self._is_binary else cross_entropy)


class MLPRegressor(RegressorMixin, _MLP):  # type: ignore[misc]
    """A multi-layer perceptron that predicts one number, or several.

    It has the parameters and attributes of `MLPClassifier`, except `classes_`. The cost gets the outputs and the targets of one
    example; None is the squared error.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> MLPRegressor(random_state=0).fit(X, np.sin(3 * X[:, 0])).score(X, np.sin(3 * X[:, 0])) > 0.99
    True
    """

    def partial_fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train for one epoch. The first call makes the network."""
        is_first = not hasattr(self, "model_")
        inputs, known = self._validated(X, y, reset=is_first)
        if is_first:
            self._begin(inputs, self._known_targets(known))
        return self._learn(inputs, self._targets(known), sample_weight, 1, is_partial=True)

    def predict(self, X: npt.ArrayLike) -> Array:
        """The predicted numbers, (examples,), or (examples, targets) if y had two dimensions."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._is_single else outputs

    def _validated(self, X: npt.ArrayLike, y: npt.ArrayLike, reset: bool) -> tuple[Array, Array]:
        return _validate(self, X, y, reset=reset, dtype=np.float64, multi_output=True, y_numeric=True)  # type: ignore[no-any-return]

    def _known_targets(self, y: Array) -> int:
        self._is_single = y.ndim == 1
        return 1 if self._is_single else y.shape[1]

    def _targets(self, y: Array) -> Array:
        return y.reshape(len(y), -1).astype(np.float64)

    def _cost(self) -> Cost:
        return self.cost or squared_error

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _more_tags(self) -> dict[str, bool]:  # of scikit-learn 1.5
        return {"multioutput": True}


def _validate(estimator: BaseEstimator, *arrays: Any, **options: Any) -> Any:
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:  # scikit-learn 1.5
        return estimator._validate_data(*arrays, **options)
    return validate_data(estimator, *arrays, **options)
