"""Optimizers, which move parameters along a gradient.

Each optimizer defines one scalar update rule for one parameter. The recorded rule updates Values and vectors of parameters, and
training compiles it into its steps.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import TraceError, UpdateRule, Value, sqrt
from nn.inputs import finite_number, values_in
from nn.keywords import suggests_names
from nn.schedules import Constant, Schedule, as_schedule

Vector = npt.NDArray[np.float64]
_CHANGING = ("schedule", "epoch", "steps", "_vectors", "_recorded", "_parameters")  # attributes that are not settings of the rule


def _check_vector(name: str, given: Any) -> None:
    """Raise ValueError unless `given` is a contiguous float64 vector, because rules read its memory directly."""
    if type(given) is not np.ndarray or given.dtype != np.float64 or given.ndim != 1 or not given.flags.c_contiguous:
        found = f", {given.dtype} of shape {given.shape} and strides {given.strides}" if isinstance(given, np.ndarray) else ""
        raise ValueError(f"{name} must be a contiguous vector, np.ascontiguousarray(..., np.float64): got {type(given).__name__}{found}")


class Optimizer(ABC):
    """Abstract base class of optimizers: an update rule for one parameter, a learning rate, and memory vectors.

    A subclass defines `rule`, the step of one parameter in scalars, and lists the names of its memory vectors in `memory`. All back
    ends run the rule. A memory vector has one number per parameter and starts at 0. It belongs to the Values of the first step, in
    their order, so each model needs its own optimizer.

    Parameters
    ----------
    learning_rate : float or callable
        A number of at least 0, or a schedule: a function of `epoch`, which `train` updates before each step.

    Examples
    --------
    >>> class Signs(Optimizer):
    ...     def rule(self, parameter, gradient, *memory, rate, step):
    ...         return [parameter - rate * (1.0 * (gradient > 0) - (gradient < 0))]
    >>> theta = np.array([1.0, 2.0])
    >>> Signs(0.25).update(theta, np.array([0.01, -30.0]))
    0.25
    >>> theta
    array([0.75, 2.25])
    """

    memory: tuple[str, ...] = ()

    def __init__(self, learning_rate: float | Schedule) -> None:
        if isinstance(learning_rate, (list, tuple, Iterator)):
            raise TypeError(f"{type(self).__name__} takes the learning rate first; pass the parameters to train, or to step(parameters)")
        self.schedule = as_schedule(learning_rate)
        self.epoch = 0.0
        self.steps = 0
        self._vectors: dict[str, Vector] = {}
        self._recorded: tuple[list[Any], UpdateRule] | None = None
        self._parameters: Sequence[Value] | None = None  # the owners of the memory

    @abstractmethod
    def rule(self, parameter: Any, gradient: Any, *memory: Any, rate: Any, step: Any) -> Sequence[Any]:
        """Return the parameter after one step, followed by the new value of each memory.

        The rule is recorded with symbols, like a vectorized function; see `autograd.UpdateRule`. It may read attributes, and a changed
        attribute takes effect at the next step. It cannot read `self.steps`, `self.epoch` or `self.learning_rate`, which change from
        step to step: use its arguments instead.

        Parameters
        ----------
        parameter, gradient : scalar
            One parameter and the derivative of the cost by it.
        *memory : scalar
            The parameter's entry in each memory vector.
        rate : scalar
            The learning rate.
        step : scalar
            The number of this step, counted from 1.

        Returns
        -------
        sequence of scalars
            The new parameter and each new memory.
        """

    @property
    def learning_rate(self) -> float:
        """The learning rate at the current epoch. Raises ValueError if the schedule does not return a finite number of at least 0."""
        rate = self.schedule(self.epoch)
        if type(rate) is float and 0.0 <= rate < math.inf:
            return rate
        return finite_number(f"the schedule's rate at epoch {self.epoch:g}", rate, least=0)

    @property
    def update_rule(self) -> UpdateRule:
        """The recorded rule with the current settings."""
        attributes = {name: each for name, each in vars(self).items() if name not in _CHANGING}
        settings, known = list(attributes.values()), self._recorded
        reads_numbers_only = type(self).rule in (SGD.rule, Adam.rule) and "rule" not in attributes
        if known and reads_numbers_only and len(settings) == len(known[0]) and all(map(operator.is_, settings, known[0])):
            return known[1]
        frozen = object.__new__(type(self))  # without the attributes that change from step to step
        vars(frozen).update(attributes)
        if not known or known[1].memory != len(self.memory) or not known[1].is_current(frozen.rule):
            known = settings, UpdateRule(frozen.rule, len(self.memory))
        self._recorded = settings, known[1]
        return known[1]

    def __getattr__(self, name: str) -> Any:
        """Raise TraceError when a recorded rule reads an attribute that changes from step to step."""
        if name in _CHANGING:
            raise TraceError(
                f"{type(self).__name__}.rule is recorded once for all steps and cannot read {name}, which changes from step to step: "
                f"use its arguments rate and step"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def bind(self, parameters: Sequence[Value]) -> None:
        """Assign the memory to these parameters, in this order. `step` and `train` call this.

        Raises ValueError, with nothing changed, if the memory belongs to other parameters. An optimizer without memory vectors
        restarts its count of steps.
        """
        if self._parameters is parameters:
            return
        self._check_size(len(parameters))
        if self._parameters is not None and not _are_same(self._parameters, parameters):
            if self.memory and self.steps:
                raise ValueError(
                    "this optimizer remembers other parameters, or the same ones in another order: make a new one for another model"
                )
            self.steps, self._vectors = 0, {}
        self._parameters = parameters

    def _check_size(self, size: int) -> None:
        for vector in self._vectors.values():
            if len(vector) != size and self.steps:
                raise ValueError(f"this optimizer remembers {len(vector)} parameters, got {size}: make a new one for another model")

    def vectors(self, size: int) -> list[Vector]:
        """The memory vectors for `size` parameters, not copied. Raises ValueError if they have another length."""
        self._check_size(size)
        if set(self._vectors) != set(self.memory) or any(len(vector) != size for vector in self._vectors.values()):
            self._vectors = {name: np.zeros(size) for name in self.memory}
        return list(self._vectors.values())

    def update(self, parameters: Vector, gradient: Vector) -> float:
        """Take one step on a vector of parameters.

        Parameters
        ----------
        parameters : ndarray of float64, shape (n,)
            Changed in place. Must be contiguous.
        gradient : ndarray of float64, shape (n,)
            The derivatives of the cost by the parameters. Not changed.

        Returns
        -------
        float
            The learning rate of the step.

        Raises
        ------
        ValueError
            If an argument is not a contiguous float64 vector, or the lengths differ.
        """
        _check_vector("parameters", parameters)
        _check_vector("gradient", gradient)
        if parameters.shape != gradient.shape:
            raise ValueError(f"parameters and gradient must have the same length, got {parameters.size} and {gradient.size}")
        vectors, rate = self.vectors(parameters.size), self.learning_rate
        self.steps += 1
        self.update_rule.update(parameters, gradient, *vectors, rate=rate, step=self.steps)
        return rate

    def step(self, parameters: Any) -> None:
        """Take one step on a list or a dict of Values, or on a model, with the gradients that `backward()` has computed."""
        values = values_in(parameters)
        self.bind(values)
        data = np.array([value.data for value in values], dtype=np.float64)
        self.update(data, np.array([value.grad for value in values], dtype=np.float64))
        for value, number in zip(values, data.tolist()):
            value.data = number

    def state_dict(self) -> dict[str, Any]:
        """The number of steps and, after the first step, copies of the memory vectors."""
        return {"steps": self.steps, **{name: vector.copy() for name, vector in self._vectors.items() if self.steps}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a `state_dict()` of an optimizer of the same class. Raises ValueError, with nothing changed, for an invalid state."""
        steps, memory = state.get("steps"), self.memory if state.get("steps") else ()
        if set(state) != {"steps", *memory} or not isinstance(steps, int) or steps < 0:
            found = ", ".join(map(str, state)) or "nothing"
            raise ValueError(
                f"{type(self).__name__}'s state is {', '.join(('steps', *self.memory))}, where steps is a whole number; got {found}"
            )
        vectors = {name: np.array(state[name], dtype=np.float64) for name in memory}
        if any(each.ndim != 1 or each.shape != vectors[memory[0]].shape or not np.isfinite(each).all() for each in vectors.values()):
            raise ValueError(f"{type(self).__name__}'s {' and '.join(memory)} must be vectors of finite numbers with equal lengths")
        self.steps, self._vectors, self._parameters = steps, vectors, None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_recorded": None, "_parameters": None}

    def _settings(self) -> dict[str, Any]:
        """The settings that identify a run, without the schedule. For a custom optimizer these are all its own attributes."""
        return {name: getattr(each, "__name__", each) for name, each in vars(self).items() if name not in (*_CHANGING, "memory")}

    def __repr__(self) -> str:
        rate = self.schedule.rate if isinstance(self.schedule, Constant) else getattr(self.schedule, "__name__", self.schedule)
        settings = "".join(f", {name}={setting!r}" for name, setting in self._settings().items())
        return f"{type(self).__name__}(learning_rate={rate}{settings})"


def _are_same(one: Sequence[Value], other: Sequence[Value]) -> bool:
    return len(one) == len(other) and all(map(operator.is_, one, other))


class SGD(Optimizer):
    """Gradient descent: parameter -= learning_rate * gradient.

    With momentum m: velocity = m * velocity + gradient, and parameter -= learning_rate * velocity. With Nesterov momentum:
    parameter -= learning_rate * (gradient + m * velocity) (Sutskever et al., 2013, in the form that PyTorch uses).

    Parameters
    ----------
    learning_rate : float or callable, default 0.1
        A number of at least 0, or a schedule.
    momentum : float, default 0.0
        From 0 to below 1.
    nesterov : bool, default False
        Whether to use Nesterov momentum. Needs a momentum above 0.
    weight_decay : float, default 0.0
        weight_decay * parameter is added to the gradient, which is the gradient of an L2 penalty of weight_decay / 2. At least 0.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> theta = np.array([1.0, 2.0])
    >>> SGD(0.1).update(theta, np.array([10.0, 0.0]))
    0.1
    >>> theta
    array([0., 2.])
    """

    @suggests_names
    def __init__(
        self, learning_rate: float | Schedule = 0.1, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        super().__init__(learning_rate)
        if not isinstance(nesterov, (bool, np.bool_)):
            raise ValueError(f"nesterov must be True or False, got {nesterov!r:.60}; set the amount with momentum=0.9")
        self.momentum, self.nesterov = finite_number("momentum", momentum, least=0, below=1), bool(nesterov)
        self.weight_decay = finite_number("weight_decay", weight_decay, least=0)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov=True needs a momentum above 0: write momentum=0.9")
        self.memory = ("velocity",) if self.momentum else ()

    def rule(self, parameter: Any, gradient: Any, *memory: Any, rate: Any, step: Any) -> Sequence[Any]:
        direction = gradient + self.weight_decay * parameter if self.weight_decay else gradient
        if not self.momentum:
            return [parameter - rate * direction]
        (velocity,) = memory
        velocity = self.momentum * velocity + direction
        return [parameter - rate * (direction + self.momentum * velocity if self.nesterov else velocity), velocity]


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015, algorithm 1) with decoupled weight decay (AdamW: Loshchilov and Hutter, 2019, algorithm 2).

    With running averages of the gradient and of its square,

        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient²
        parameter *= 1 - learning_rate * weight_decay
        parameter -= learning_rate * mean / (1 - beta1^step) / (sqrt(square / (1 - beta2^step)) + epsilon)

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number of at least 0, or a schedule.
    betas : pair of float, default (0.9, 0.999)
        The decay of the running averages of the gradient and of its square, each from 0 to below 1.
    epsilon : float, default 1e-8
        Added to the denominator. At least 0.
    weight_decay : float, default 0.0
        How fast parameters decay, at least 0.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> theta = np.array([1.0, 2.0])
    >>> Adam(0.5).update(theta, np.array([10.0, 0.0]))
    0.5
    >>> theta.round(6)
    array([0.5, 2. ])
    """

    memory = ("mean", "square")

    @suggests_names
    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"betas must be two numbers, for the mean and for the mean square, got {betas!r:.60}")
        self.betas = finite_number("betas[0]", betas[0], least=0, below=1), finite_number("betas[1]", betas[1], least=0, below=1)
        self.epsilon = finite_number("epsilon", epsilon, least=0)
        self.weight_decay = finite_number("weight_decay", weight_decay, least=0)

    def rule(self, parameter: Any, gradient: Any, *memory: Any, rate: Any, step: Any) -> Sequence[Any]:
        (mean, square), (beta1, beta2) = memory, self.betas
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        if self.weight_decay:
            parameter = parameter * (1 - rate * self.weight_decay)
        move = mean / (sqrt(square / (1 - beta2**step)) + self.epsilon)
        return [parameter - rate / (1 - beta1**step) * move, mean, square]
