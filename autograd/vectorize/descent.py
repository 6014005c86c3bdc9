"""Descent: steps of gradient descent, from the choice of the examples to the new parameters.

An update rule is written once, for one parameter, and recorded as a program with the parameters in the place of examples. A back
end that takes whole steps by itself, many in one call, has a function `descent` for it; for the others, and for functions that
are no programs, `UpdateRule.descent` puts the steps together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import combinations, product
from typing import Any

import numpy as np

from autograd.errors import TraceError
from autograd.vectorize.backends import Steps
from autograd.vectorize.backends import numpy as numpy_backend
from autograd.vectorize.builder import Builder, spelled
from autograd.vectorize.program import BATCH, Concatenate, FloatArray, Program, looks, pins
from autograd.vectorize.randomness import CHANGES, drawing_nothing

ValueAndGradient = Callable[
    [Sequence[FloatArray], FloatArray, FloatArray], float
]  # of a batch, the parameters, and where the gradient goes


class UpdateRule:
    """How a parameter moves, as a function of scalars: `rule(parameter, gradient, *memory, rate=..., step=...)`.

    It returns a list: the new parameter, and the new value of each of its `memory` numbers. `rate` is the learning rate, and `step`
    the number of the step, from 1. It is recorded once, with symbols. Raises TraceError if it asks for their numbers or draws random
    numbers, and TypeError if it returns anything else.

    >>> rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
    >>> theta = np.array([1.0, 2.0])
    >>> rule.update(theta, np.array([10.0, 20.0]), rate=0.1, step=1)
    >>> theta
    array([0., 0.])
    """

    def __init__(self, rule: Callable[..., Sequence[Any]], memory: int = 0) -> None:
        self.rule, self.memory, self.program = rule, memory, _recorded(rule, memory)
        self._executables: dict[np.dtype[Any], numpy_backend.Plans] = {}
        self._rooms: list[_Room] = []  # that no thread is using

    def is_current(self, rule: Callable[..., Sequence[Any]] | None = None) -> bool:
        """Whether the rule, or another one in its place, would give the same program if it were recorded now.

        The program keeps everything that the rule reads, such as attributes and globals, as it was. Record a new UpdateRule where
        this is False.
        """
        try:
            return _recorded(rule or self.rule, self.memory).is_same(self.program)
        except Exception:  # recording a new UpdateRule raises it
            return False

    def update(self, parameters: FloatArray, gradient: FloatArray, *memory: FloatArray, rate: float, step: int) -> None:
        """One step of these parameters, (n,), and of their memory, in place. After the first nothing of that size is allocated.

        Raises ValueError where the arrays are not contiguous vectors of one size and dtype, as many as the rule remembers.
        """
        size, dtype = len(parameters), parameters.dtype
        _check_memory(self, memory)
        _check_vectors([("parameters", parameters), *(("memory", each) for each in memory)], size, dtype)
        _check_vectors([("gradient", gradient)], size, dtype, is_written=False)
        with self._room() as room:
            self._update(room, parameters, gradient, memory, (rate, step))

    def descent(
        self,
        function: ValueAndGradient,
        *arguments: FloatArray,
        parameters: FloatArray,
        memory: Sequence[FloatArray] = (),
        still: Sequence[int] = (),
        out: FloatArray | None = None,
    ) -> Descent:
        """Descent of any function, step by step; see `Vectorized.descent`.

        `function(batch, parameters, gradient)` writes the gradient, and returns the cost, of a batch of the arguments.
        """
        return Descent(self, partial(self.take, function), arguments, parameters, memory, still, out)

    def take(self, function: ValueAndGradient, steps: Steps) -> int:
        """Take steps one by one, and return how many were taken: less only where a cost or a norm was not finite."""
        with np.errstate(all="ignore"), self._room() as room:
            return self._take(room, function, steps)

    def _take(self, room: _Room, function: ValueAndGradient, steps: Steps) -> int:
        theta, memory, limit, still, gradient = steps.theta, steps.memory, steps.limit, steps.still, steps.gradient
        # `take` of numpy 2.0 refuses indices that are wider than a pointer, which has 32 bits in WebAssembly
        rows = None if steps.rows is None else steps.rows.astype(np.intp, copy=False)
        for place, settings in enumerate(steps.settings):
            batch = steps.data if rows is None else room.gathered(steps.data, rows[place])
            cost = function(batch, theta, gradient)
            if len(still):
                gradient[still] = 0.0
            norm = math.sqrt(gradient.dot(gradient))
            is_finite = math.isfinite(cost + norm)
            if is_finite:
                if norm > limit:
                    gradient *= limit / norm
                kept = theta[still] if len(still) else None
                self._update(room, theta, gradient, memory, settings)
                if kept is not None:
                    theta[still] = kept  # weight decay would move them without a gradient
            steps.costs[place], steps.norms[place] = cost, norm
            if not is_finite:
                return place + 1
        return len(steps.settings)

    def _update(self, room: _Room, theta: FloatArray, gradient: FloatArray, memory: Sequence[FloatArray], settings: Any) -> None:
        if theta.dtype not in self._executables:
            self._executables[theta.dtype] = _in_place(self.program, theta.dtype)
        self._executables[theta.dtype].run((theta, gradient, *memory), room.settled(settings, theta.dtype), None, None)

    @contextmanager
    def _room(self) -> Iterator[_Room]:
        """Memory for the steps of one thread, which the next steps find again."""
        try:
            room = self._rooms.pop()
        except IndexError:
            room = _Room()
        try:
            yield room
        finally:
            self._rooms.append(room)


class _Room:
    """Where steps put what they use on the way."""

    def __init__(self) -> None:
        self.settings = np.empty(2)  # always the same, as a plan looks again at what lies elsewhere
        self.batch: list[FloatArray] = []

    def settled(self, settings: Any, dtype: np.dtype[Any]) -> FloatArray:
        """The rate and the number of the step, as an array."""
        if self.settings.dtype != dtype:
            self.settings = np.empty(2, dtype)
        self.settings[:] = settings
        return self.settings

    def gathered(self, data: Sequence[FloatArray], rows: FloatArray) -> list[FloatArray]:
        """These rows of each array."""
        if [((len(rows), *each.shape[1:]), each.dtype) for each in data] != [(each.shape, each.dtype) for each in self.batch]:
            self.batch = [np.empty((len(rows), *each.shape[1:]), each.dtype) for each in data]
        for each, batch in zip(data, self.batch):
            each.take(rows, axis=0, out=batch, mode="clip")  # any mode but "raise" writes straight to out
        return self.batch


class Descent:
    """Gradient descent made ready: what it reads and writes is known, and was checked. Each `take` goes on from where it is.

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
        take: Callable[[Steps], int],
        data: Sequence[FloatArray],
        parameters: FloatArray,
        memory: Sequence[FloatArray],
        still: Sequence[int],
        out: FloatArray | None,
    ) -> None:
        size, dtype = len(parameters), parameters.dtype
        gradient = np.empty(size, dtype) if out is None else out
        _check_memory(rule, memory)
        written = [("parameters", parameters), ("out", gradient), *(("memory", each) for each in memory)]
        _check_vectors(written, size, dtype)
        vectors = [vector for _, vector in written]
        if any(np.may_share_memory(one, other) for one, other in [*combinations(vectors, 2), *product(vectors, data)]):
            raise ValueError("parameters, memory and out are written to, each with memory of its own: give arrays that do not overlap")
        stay = np.array(still, dtype=np.int64)
        if stay.size and (stay.min() < 0 or stay.max() >= size):
            raise ValueError(f"still names parameters from 0 to {size - 1}, got {stay.min()} to {stay.max()}")
        self.rule, self._move = rule, take
        self._vectors, self._arrays = vectors, [*vectors, *data]
        self._looks, self._pins = looks(self._arrays), pins(self._arrays)
        self._steps = Steps(data, None, parameters, memory, np.empty((0, 2)), math.inf, stay, gradient, np.empty(0), np.empty(0))

    def take(
        self, rates: Sequence[float], rows: FloatArray | None = None, first: int = 1, limit: float = math.inf
    ) -> tuple[FloatArray, FloatArray]:
        """Take a step for each of these learning rates; the cost of each, as it was before it, and its gradient's norm.

        Step k goes by the examples rows[k], where rows (steps, batch) are given, and otherwise by all of them. `first` is the
        number of the first step, from 1. A gradient whose norm is above `limit` is shortened to it; the norms are those
        before. Where a cost or a norm is not finite the steps end: the arrays are shorter, and what the parameters and the
        memory are then is not said.
        """
        count, steps = len(rates), self._steps
        if looks(self._arrays) != self._looks or not all(each.flags.writeable for each in self._vectors):
            raise ValueError("an array of this descent has another shape or dtype now, or is read-only: make a new descent")
        if count != len(steps.costs):
            steps = self._steps = steps._replace(
                settings=np.empty((count, 2), steps.theta.dtype), costs=np.empty(count), norms=np.empty(count)
            )
        if count == 1:
            steps.settings[0] = rates[0], first
        else:
            steps.settings[:, 0], steps.settings[:, 1] = rates, range(first, first + count)
        if rows is not None:
            if rows.dtype != np.int64 or not rows.flags.c_contiguous or rows.ndim != 2 or len(rows) != count or not rows.size:
                raise ValueError(f"rows are an int64 array (steps, batch) for {count} steps: got {rows.dtype} of shape {rows.shape}")
            if rows.view(np.uint64).max() >= len(steps.data[0]):  # one that is negative is a large one so
                raise ValueError(f"rows name examples from 0 to {len(steps.data[0]) - 1}, got {rows.min()} to {rows.max()}")
        steps.costs.fill(math.nan)
        done = self._move(steps._replace(rows=rows, limit=limit))
        return steps.costs[:done].copy(), steps.norms[:done].copy()

    def interrupted(self) -> tuple[FloatArray, FloatArray]:
        """What `take` would have returned of the steps that were taken before an exception ended it."""
        done = int(np.isfinite(self._steps.costs).sum())
        return self._steps.costs[:done].copy(), self._steps.norms[:done].copy()


def _check_memory(rule: UpdateRule, memory: Sequence[FloatArray]) -> None:
    count = len(memory)
    if count != rule.memory:
        raise ValueError(f"the rule remembers {rule.memory} numbers for each parameter: give a vector of memory for each, not {count}")


def _check_vectors(vectors: Sequence[tuple[str, FloatArray]], size: int, dtype: np.dtype[Any], is_written: bool = True) -> None:
    if dtype.kind != "f":  # whole numbers would stay where a step is less than one
        raise ValueError(f"parameters must hold floats, got {dtype}")
    for name, vector in vectors:
        is_vector = type(vector) is np.ndarray and vector.shape == (size,) and vector.dtype == dtype and vector.flags.c_contiguous
        if not is_vector or (is_written and not vector.flags.carray):
            written = " that can be written to" * is_written
            raise ValueError(f"{name} must be a contiguous vector of {size} numbers of {dtype}{written}")


def _recorded(rule: Callable[..., Sequence[Any]], memory: int) -> Program:
    """The rule as a program: its argument 0 is the parameters, 1 their gradient, the others their memory, (batch, 1) each.

    Its Parameters are (2,), rate and step; its results (1, (1 + memory) * batch), one vector after the other.
    """
    called = drawing_nothing(rule)
    program = _called(called, memory)
    if not program.is_same(_called(called, memory)):
        raise TraceError(f"the update rule gives another program each time it is recorded: {CHANGES}")
    return program


def _called(rule: Callable[..., Sequence[Any]], memory: int) -> Program:
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


def _in_place(program: Program, dtype: np.dtype[Any]) -> numpy_backend.Plans:
    """A rule's program for numpy, its results written over the parameters and their memory."""
    columns = results_of(program)
    over = {f"argument {argument}": argument for argument in (0, *range(2, len(columns) + 1))}
    return numpy_backend.executable(spelled(replace(program, outputs=dict(zip(over, columns)))), dtype, over)


def results_of(program: Program) -> list[int]:
    """Of a rule's program the arrays (batch, 1) of the new parameters, and of each memory anew."""
    results = program.instructions[program.outputs["results"]]
    rows = results.operands if isinstance(results, Concatenate) else [program.outputs["results"]]
    return [program.source(each) for each in rows]
