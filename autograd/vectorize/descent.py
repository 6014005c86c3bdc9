"""Descent: steps of gradient descent, from the choice of the examples to the new parameters.

An update rule is written once, for one parameter, and recorded as a program in which parameters take the place of examples. A back end
may take whole steps itself, many in one call (`Backend.step_runner`). For the others, and for functions that are not programs,
`UpdateRule.ready` takes them one by one.
"""

from __future__ import annotations

import math
import operator
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, product
from typing import Any

import numpy as np

from autograd.errors import TraceError
from autograd.vectorize.backend import Steps
from autograd.vectorize.backends.numpy import backend as numpy_backend
from autograd.vectorize.backends.numpy.plans import Plans
from autograd.vectorize.builder import Builder, spelled
from autograd.vectorize.instructions import BATCH
from autograd.vectorize.memory import LARGE, FloatArray, pins, quiet
from autograd.vectorize.program import Program
from autograd.vectorize.randomness import CHANGES, watched

ValueAndGradient = Callable[[Sequence[FloatArray], FloatArray, FloatArray], float]
"""`function(batch, parameters, gradient)` writes the gradient and returns the cost."""
Prepare = Callable[[Sequence[FloatArray], FloatArray, FloatArray], Callable[[], float]]
"""`prepare(batch, parameters, gradient)` returns a ValueAndGradient with these arrays as a function without arguments."""

KEPT = 4  # numbers of steps and examples whose arrays a descent keeps: an epoch ends with other numbers than it begins with
_IS_WRITEABLE = operator.attrgetter("flags.writeable")


class UpdateRule:
    """How a step changes a parameter, as a function of scalars.

    The rule is recorded once, with symbols.

    Parameters
    ----------
    rule : callable
        `rule(parameter, gradient, *memory, rate=..., step=...)` returns a list: the new parameter and the new value of each memory
        number. `rate` is the learning rate and `step` the number of the step, from 1.
    memory : int, default 0
        How many numbers the rule keeps for each parameter from step to step.

    Raises
    ------
    TraceError
        If the rule asks for the number of a symbol, draws random numbers or reads a clock.
    TypeError
        If it returns anything but such a list.

    Examples
    --------
    >>> rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    >>> theta = np.array([1.0, 2.0])
    >>> rule.update(theta, np.array([10.0, 20.0]), rate=0.1, step=1)
    >>> theta
    array([0., 0.])
    """

    def __init__(self, rule: Callable[..., Sequence[Any]], memory: int = 0) -> None:
        self.rule, self.memory, self.program = rule, memory, _program_of(rule, memory)
        self._executables: dict[np.dtype[Any], Plans] = {}

    def is_current(self, rule: Callable[..., Sequence[Any]] | None = None) -> bool:
        """Return whether recording the rule again, or another rule in its place, would give the same program.

        The program keeps what the rule reads, such as attributes and globals, as it was when it was recorded. Make a new UpdateRule
        if this is False.
        """
        try:
            return _program_of(rule or self.rule, self.memory).is_same(self.program)
        except Exception:  # recording a new UpdateRule raises it
            return False

    def update(self, parameters: FloatArray, gradient: FloatArray, *memory: FloatArray, rate: float, step: int) -> None:
        """Take one step: update parameters and memory in place.

        Parameters
        ----------
        parameters : array, (n,)
            Updated in place.
        gradient : array, (n,)
            The gradient of the step.
        *memory : arrays, (n,) each
            The memory of the rule, updated in place.
        rate : float
            The learning rate.
        step : int
            The number of the step, from 1.

        Raises
        ------
        ValueError
            If the arrays are not contiguous vectors of one size and dtype, or `memory` has not as many as the rule.
        """
        size, dtype = len(parameters), parameters.dtype
        _check_memory(self, memory)
        _check_vectors([("parameters", parameters), *(("memory", each) for each in memory)], size, dtype)
        _check_vectors([("gradient", gradient)], size, dtype, is_written=False)
        self._update(parameters, gradient, memory, np.array([rate, step], dtype))()

    def descent(
        self,
        function: ValueAndGradient,
        *arguments: FloatArray,
        parameters: FloatArray,
        memory: Sequence[FloatArray] = (),
        frozen: Sequence[int] = (),
        out: FloatArray | None = None,
    ) -> Descent:
        """Prepare gradient descent on any function, step by step.

        Parameters
        ----------
        function : callable
            `function(batch, parameters, gradient)` writes the gradient and returns the cost. `batch` are rows of the arguments.
        *arguments, parameters, memory, frozen, out
            As for `Vectorized.descent`.

        Returns
        -------
        Descent
            Its `take` takes the steps.
        """
        function = np.errstate(all="ignore")(function)
        return Descent(self, partial(self.ready, with_arrays(function)), arguments, parameters, memory, frozen, out)

    def ready(self, prepare: Prepare, steps: Steps) -> Callable[[], int]:
        """Return a function that takes the steps one by one and returns how many; see `StepRunner`."""
        theta, limit, frozen, gradient = steps.theta, steps.limit, steps.frozen, steps.gradient
        batch, choose = (steps.data, None) if steps.rows is None else _chosen(steps.data, steps.rows.shape[1])
        settings, has_frozen, quietly = np.empty(2, theta.dtype), bool(len(frozen)), quiet()
        evaluate, update = prepare(batch, theta, gradient), self._update(theta, gradient, steps.memory, settings)

        def take() -> int:
            # `take` of numpy 2.0 refuses indices that are wider than a pointer, which has 32 bits in WebAssembly
            rows = None if steps.rows is None else steps.rows.astype(np.intp, copy=False)
            for place, row in enumerate(steps.settings):
                if choose is not None and rows is not None:
                    choose(rows[place])
                cost = evaluate()
                if has_frozen:
                    gradient[frozen] = 0.0
                norm = math.sqrt(quietly(gradient.dot, gradient))
                is_finite = math.isfinite(cost + norm)
                if is_finite:
                    if norm > limit:
                        quietly(np.multiply, gradient, limit / norm, gradient)
                    settings[:], kept = row, theta[frozen] if has_frozen else None
                    update()
                    if has_frozen:
                        theta[frozen] = kept  # weight decay would move them without a gradient
                steps.costs[place], steps.norms[place] = cost, norm
                if not is_finite:
                    return place + 1
            return len(steps.settings)

        return take

    def _update(self, theta: FloatArray, gradient: FloatArray, memory: Sequence[FloatArray], settings: FloatArray) -> Callable[[], Any]:
        """A step with these arrays as a function without arguments; `settings` has the rate and the number of the step."""
        if theta.dtype not in self._executables:
            self._executables[theta.dtype] = _in_place(self.program, theta.dtype)
        return self._executables[theta.dtype].ready((theta, gradient, *memory), settings, None, None)


def with_arrays(function: ValueAndGradient) -> Prepare:
    """Return what prepares a function for arrays, without any preparation."""
    return lambda batch, parameters, gradient: partial(function, batch, parameters, gradient)


def _chosen(data: Sequence[FloatArray], count: int) -> tuple[list[FloatArray], Callable[[FloatArray], None]]:
    """Arrays for `count` examples of the data, and a function that copies examples to them, given their rows."""
    batch = [np.empty((count, *each.shape[1:]), each.dtype) for each in data]

    def choose(rows: FloatArray) -> None:
        for each, chosen in zip(data, batch):
            each.take(rows, 0, chosen, "clip")  # any mode but "raise" writes straight to out

    return batch, choose


class Descent:
    """Gradient descent that is ready to take steps. Its arrays are known and were checked. Each `take` continues from the current state.

    `Vectorized.descent` and `UpdateRule.descent` make it.

    Examples
    --------
    >>> rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    >>> def squares(batch, parameters, gradient):
    ...     (x,) = batch
    ...     gradient[:] = 2 * (parameters - x).mean()
    ...     return ((parameters - x) ** 2).mean()
    >>> theta = np.array([0.0])
    >>> descent = rule.descent(squares, np.array([1.0, 3.0]), parameters=theta)
    >>> costs, norms = descent.take([0.25, 0.25])
    >>> costs, norms, theta
    (array([5., 2.]), array([4., 2.]), array([1.5]))
    """

    def __init__(
        self,
        rule: UpdateRule,
        ready: Callable[[Steps], Callable[[], int]],
        data: Sequence[FloatArray],
        parameters: FloatArray,
        memory: Sequence[FloatArray],
        frozen: Sequence[int],
        out: FloatArray | None,
    ) -> None:
        size, dtype = len(parameters), parameters.dtype
        gradient = np.empty(size, dtype) if out is None else out
        _check_memory(rule, memory)
        written = [("parameters", parameters), ("out", gradient), *(("memory", each) for each in memory)]
        _check_vectors(written, size, dtype)
        vectors = [vector for _, vector in written]
        if any(np.may_share_memory(one, other) for one, other in [*combinations(vectors, 2), *product(vectors, data)]):
            raise ValueError("parameters, memory and out must not share memory with other arrays: pass arrays that do not overlap")
        indices = np.array(frozen, dtype=np.int64)
        if indices.size and (indices.min() < 0 or indices.max() >= size):
            raise ValueError(f"frozen must be indices of parameters, 0 to {size - 1}, got {indices.min()} to {indices.max()}")
        self.rule, self._ready = rule, ready
        self._written, self._pins = vectors, pins([*vectors, *data])
        theta, gradient, *memory = (each.view() for each in vectors)  # the shape and dtype of a view are this descent's own
        data = [each.view() for each in data]
        none = np.empty(0)
        self._row = sum(each[:1].nbytes for each in data)  # bytes of an example
        self._steps = Steps(data, None, theta, memory, np.empty((0, 2)), math.inf, indices, gradient, none, none, out is not None)
        self._known: OrderedDict[Any, tuple[Steps, Callable[[], int]]] = OrderedDict()  # the last calls of different sizes

    def take(
        self, rates: Sequence[float], rows: FloatArray | None = None, first: int = 1, limit: float = math.inf
    ) -> tuple[FloatArray, FloatArray]:
        """Take one step for each learning rate.

        Parameters
        ----------
        rates : sequence of float
            The learning rate of each step.
        rows : int64 array, (steps, batch), optional
            The examples of each step. Default: all examples in each step.
        first : int, default 1
            The number of the first step.
        limit : float, default inf
            A gradient with a larger norm is scaled down to this norm.

        Returns
        -------
        costs : float64 array, (steps,)
            The cost before each step. If a cost or a norm is not finite, the steps end with it: the arrays are shorter, and the
            parameters and the memory are undefined.
        norms : float64 array, (steps,)
            The norm of each gradient, before the limit.

        Raises
        ------
        ValueError
            If `rows` has another dtype or shape or names examples that do not exist, or parameters, memory or `out` have become
            read-only.
        """
        count, examples = len(rates), len(self._steps.data[0])
        if not all(map(_IS_WRITEABLE, self._written)):
            raise ValueError("parameters, memory or out of this descent have become read-only: make them writeable again")
        if rows is not None:
            if rows.dtype != np.int64 or not rows.flags.c_contiguous or rows.ndim != 2 or len(rows) != count or not rows.size:
                raise ValueError(f"rows must be an int64 array (steps, batch) for {count} steps, got {rows.dtype} of shape {rows.shape}")
            if np.maximum.reduce(rows.view(np.uint64), None) >= examples:  # a negative index is a large one as uint64
                raise ValueError(f"rows must be indices of examples, 0 to {examples - 1}, got {rows.min()} to {rows.max()}")
        steps, run = self._prepared(count, None if rows is None else rows.shape[1], limit)
        if rows is not None:
            steps.rows[:] = rows  # type: ignore[index]
        if count == 1:
            steps.settings[0, 0], steps.settings[0, 1] = rates[0], first
        else:
            steps.settings[:, 0], steps.settings[:, 1] = rates, range(first, first + count)
        steps.costs.fill(math.nan)
        self._steps = steps
        done = run()
        return steps.costs[:done].copy(), steps.norms[:done].copy()

    def _prepared(self, count: int, batch: int | None, limit: float) -> tuple[Steps, Callable[[], int]]:
        """Arrays for a number of steps with a number of examples in each (None: all), and the function that takes them."""
        size = count, batch, limit
        if size not in self._known:
            is_large = (batch or 0) * self._row > LARGE
            while len(self._known) >= (1 if is_large else KEPT):
                self._known.popitem(last=False)
            rows = None if batch is None else np.empty((count, batch), np.int64)
            settings, costs, norms = np.empty((count, 2), self._steps.theta.dtype), np.empty(count), np.empty(count)
            steps = replace(self._steps, rows=rows, settings=settings, limit=limit, costs=costs, norms=norms)
            self._known[size] = steps, self._ready(steps)
        return self._known[size]

    def reload(self) -> None:
        """Let the back end read the arguments again, which may have been changed in place: it may keep copies of them."""
        data = [each.view() for each in self._steps.data]  # another view is another array
        for steps in (self._steps, *(steps for steps, _ in self._known.values())):
            steps.data = data

    def interrupted(self) -> tuple[FloatArray, FloatArray]:
        """Return what `take` would have returned for the steps before the exception that ended it."""
        done = int(np.isfinite(self._steps.costs).sum())
        return self._steps.costs[:done].copy(), self._steps.norms[:done].copy()


def _check_memory(rule: UpdateRule, memory: Sequence[FloatArray]) -> None:
    count = len(memory)
    if count != rule.memory:
        raise ValueError(f"the rule keeps {rule.memory} numbers for each parameter: pass {rule.memory} vectors as memory, got {count}")


def _check_vectors(vectors: Sequence[tuple[str, FloatArray]], size: int, dtype: np.dtype[Any], is_written: bool = True) -> None:
    if dtype.kind != "f":  # a step of less than one would not change an integer
        raise ValueError(f"parameters must hold floats, got {dtype}")
    for name, vector in vectors:
        is_vector = type(vector) is np.ndarray and vector.shape == (size,) and vector.dtype == dtype and vector.flags.c_contiguous
        if not is_vector or (is_written and not vector.flags.carray):
            written = " that can be written to" * is_written
            raise ValueError(f"{name} must be a contiguous vector of {size} numbers of {dtype}{written}")


def _program_of(rule: Callable[..., Sequence[Any]], memory: int) -> Program:
    """The rule as a program.

    Its argument 0 is the parameters, 1 their gradient, and the others their memory, (batch, 1) each. Its Parameters, (2,), are the rate
    and the step. Its results, (1, (1 + memory) * batch), are the new vectors one after another.
    """
    program = _call(partial(watched, rule, True), memory)
    if not program.is_same(_call(rule, memory)):
        raise TraceError(f"the update rule gives another program each time it is recorded: {CHANGES}")
    return program


def _call(rule: Callable[..., Sequence[Any]], memory: int) -> Program:
    """The program that one call of the rule gives."""
    builder = Builder()
    vectors = [builder.array(builder.input(place, 1)) for place in range(2 + memory)]
    settings = builder.parameters((2,))
    rate, step = (builder.array(builder.slice(settings, place, place + 1)) for place in range(2))
    results = rule(*vectors, rate=rate, step=step)
    if not isinstance(results, (list, tuple)) or len(results) != 1 + memory:
        raise TypeError(f"an update rule returns a list of {1 + memory}: the new parameter, and each new memory; got {results!r:.80}")
    columns = [builder.expand(builder.as_number(builder.number_of(each)), (BATCH, 1)) for each in results]
    builder.program.outputs["results"] = builder.concatenate([builder.reshape(each, (1, BATCH)) for each in columns])
    return spelled(builder.program)


def _in_place(program: Program, dtype: np.dtype[Any]) -> Plans:
    """The program of a rule for numpy. Its results overwrite the parameters and their memory."""
    columns = program.result_vectors()
    over = {f"argument {argument}": argument for argument in (0, *range(2, len(columns) + 1))}
    return numpy_backend.executable(spelled(replace(program, outputs=dict(zip(over, columns)))), dtype, over)
