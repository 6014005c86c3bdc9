"""Compiled: a function recorded for one shape of example, its programs, and their executables.

There are four programs: the results; their mean with its gradient; the same with a weight for each example; and the gradient of each
result. They run and are shown as they are. Each has two forms. The `whole` form has the operations as the user wrote them; anomaly mode
interprets it, because sigmoid(-1000) is finite although exp(1000) inside it is not. The form that runs has only operations that back
ends know, with equal parts merged.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Collection, Sequence
from enum import Enum
from functools import cached_property, partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from autograd._support import garbage_collection_paused
from autograd.modes import Demand, mode
from autograd.value import Value
from autograd.vectorize.arguments import is_integer
from autograd.vectorize.backend import Backend, Executable, Signature, StepRunner, Steps
from autograd.vectorize.backends.reference import Interpreter, evaluate
from autograd.vectorize.builder import spelled
from autograd.vectorize.descent import UpdateRule, with_arrays
from autograd.vectorize.differentiate import with_gradient, with_gradients
from autograd.vectorize.export import export
from autograd.vectorize.instructions import Shape, sized
from autograd.vectorize.lower import lower
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.parameters import ParameterLayout
from autograd.vectorize.program import Program
from autograd.vectorize.record import record, records_the_same
from autograd.vectorize.scalars import Scalars
from autograd.vectorize.simplify import simplify
from autograd.vectorize.tables import Tables
from autograd.vectorize.threads import ROWS, InParts, Parts, threads_for, work

EXACT_IN_FLOAT32 = 2**24  # all whole numbers up to this one have a float32 of their own
AT_ONCE = 1_000_000  # numbers in the gradients of the examples of one run: some megabytes


class Kind(Enum):
    """What a program computes."""

    RESULTS = "results"
    MEAN = "mean"
    WEIGHTED = "weighted"
    GRADIENTS = "gradients"


_PARTS = {Kind.RESULTS: Parts.ROWS, Kind.MEAN: Parts.MEANS, Kind.WEIGHTED: Parts.SUMS, Kind.GRADIENTS: Parts.ROWS}


class CompiledFunction:
    """A function recorded for one shape of example, in one dtype, for one back end.

    Its parameter vector begins with the parameters `known`, those of the recordings for other shapes, so that all programs of a function
    can use one vector. Vectors may be longer: the numbers at the end belong to parameters of later recordings. Only the recording that
    `is_first` is watched for clocks.
    """

    def __init__(
        self, f: Callable[..., Any], shapes: tuple[Shape, ...], arguments: Sequence[str], name: str, dtype: np.dtype[Any], backend: Backend,
        threads: int | None, known: Sequence[Value] = (), integers: Collection[int] = (), is_first: bool = True,
    ) -> None:  # fmt: skip
        self.dtype, self.backend, self.threads = dtype, backend, threads
        self._sizes = [math.prod(shape) for shape in shapes]
        self._integers = integers
        with garbage_collection_paused(is_once=True):
            self._graph_of_call = record(f, shapes, arguments, integers, closely=is_first)
            scalars, result, demands, tables = self._graph_of_call
            self._limits = tables.limits
            self._requirements = [_Requirement(demand, graph, self._sizes) for demand, graph in demands]
            self._graph, self._batched = simplify(scalars, tables.limits)
            self._lower(known)
        self._indices = [
            _Indices(arguments[each], each, shapes[each], tables, dtype) for each in sorted({each for each, _ in tables.limits})
        ]
        notes = [f"{form.written} is computed as {form.stable}" for form in self._graph.forms]
        self.signature = Signature(name, arguments, shapes, result, notes)
        self._programs: dict[Kind, Program] = {}
        self._executables: dict[Kind, Executable] = {}
        self._runners: WeakKeyDictionary[UpdateRule, StepRunner | None] = WeakKeyDictionary()

    def _lower(self, known: Sequence[Value]) -> None:
        numbers = {parameter: number for number, parameter in enumerate(self._graph.parameters)} if known else {}
        self._results, self._order = lower(
            self._graph, self._batched, self._sizes, known=[numbers.get(parameter, -1) for parameter in known]
        )
        self._results.limits = self._limits
        self.layout = ParameterLayout([*known, *map(self._graph.parameters.__getitem__, self._order[len(known) :])])

    def whole(self, kind: Kind) -> Program:
        """The program with the operations as they were written. Raises TypeError for gradients of several results."""
        if kind is Kind.RESULTS:
            return self._results
        if self.signature.result != ():
            raise TypeError(
                f"only a scalar result has a gradient: {self.signature.name} returns {self.signature.result} numbers for each example"
            )
        if kind is Kind.GRADIENTS:
            return with_gradients(self._rows)
        return with_gradient(self._results, weighted=kind is Kind.WEIGHTED)

    def program(self, kind: Kind) -> Program:
        """The program that runs, with operations that back ends know."""
        if kind not in self._programs:
            with garbage_collection_paused(is_once=True):
                self._programs[kind] = spelled(self.whole(kind))
        return self._programs[kind]

    @cached_property
    def _rows(self) -> Program:
        """The program of the results with one row of parameters for each example."""
        program, _ = lower(self._graph, self._batched, self._sizes, per_example=True, known=self._order)
        program.limits = self._limits
        return program

    @property
    def shown(self) -> Kind:
        """Which program is shown: the mean and its gradient if they exist, otherwise the results."""
        return Kind.MEAN if self.signature.result == () and len(self.layout) else Kind.RESULTS

    def source(self) -> str:
        """The source of the program that is shown."""
        return self.backend.source(self.program(self.shown), self.signature)

    def function(self) -> Callable[..., Any]:
        """The program that is shown as a pure function of JAX arrays. Raises TypeError if the back end does not use JAX."""
        function = self.backend.function(self.program(self.shown), self.signature)
        if function is None:
            name = self.signature.name
            raise TypeError(f'only the JAX back end provides a program as a function of JAX arrays: vectorize({name}, backend="jax")')
        return function

    def is_current(self, f: Callable[..., Any]) -> bool:
        """Whether recording the function again would give the same graph."""
        with garbage_collection_paused(is_once=True):
            return records_the_same(self._graph_of_call, f, self.signature.shapes, self.signature.arguments, self._integers)

    def export(self, path: str | os.PathLike[str], gradient: bool) -> None:
        """Write the program that is shown, or the results, with the numbers of the parameters to a file."""
        program = self.program(self.shown if gradient else Kind.RESULTS)
        export(path, program, self.signature, self.layout.gather())

    @property
    def has_requirements(self) -> bool:
        """Whether the function has conditions on its numbers."""
        return bool(self._requirements)

    def check(self, arrays: Sequence[FloatArray], counts: FloatArray | None = None) -> None:
        """Raise ValueError for the first example that does not meet a condition, of all examples or of those in the mask `counts`."""
        for each in self._requirements:
            each.check(arrays, counts)

    def check_indices(self, arguments: Sequence[Any], arrays: Sequence[FloatArray], counts: FloatArray | None = None) -> None:
        """Raise an error for the first index that no table has, of all examples or of those in the mask `counts`.

        Raises TypeError if an argument that the function looks up with has no integer dtype, and IndexError, which names the example.
        """
        for each in self._indices:
            each.check(arguments, arrays, counts)

    def run(self, kind: Kind, arrays: Sequence[FloatArray], theta: FloatArray, out: FloatArray, weights: FloatArray | None = None) -> float:
        """Run a program: write its array to `out` and return its cost. In anomaly mode check that each number is finite."""
        if mode.anomaly:
            return Interpreter(self.whole(kind), self.dtype, watch=True).run(arrays, theta, weights, out)
        return self._executable(kind).run(arrays, theta, weights, out)

    def value_and_gradient(
        self, arrays: Sequence[FloatArray], theta: FloatArray, gradient: FloatArray, weights: FloatArray | None = None
    ) -> float:
        """Write the gradient of the mean, or with `weights` of the weighted sum, to `gradient` and return the value."""
        size = len(self.layout)
        if len(theta) > size:
            gradient[size:] = 0.0
            theta, gradient = theta[:size], gradient[:size]
        return self.run(Kind.MEAN if weights is None else Kind.WEIGHTED, arrays, theta, gradient, weights)

    def ready(self, arrays: Sequence[FloatArray], theta: FloatArray, gradient: FloatArray) -> Callable[[], float]:
        """Return `value_and_gradient` with these arrays as a function without arguments. It ignores anomaly mode."""
        if len(theta) > len(self.layout):
            return partial(self.value_and_gradient, arrays, theta, gradient)
        return self._executable(Kind.MEAN).ready(arrays, theta, None, gradient)

    def extend(self, layout: ParameterLayout) -> None:
        """Make programs for all parameters of a layout that begins with this one: an update rule changes unused parameters too."""
        if len(layout) > len(self.layout):
            self._lower(layout.parameters)
            self._programs.clear()
            self._executables.clear()
            self._runners.clear()
            self.__dict__.pop("_rows", None)

    def _executable(self, kind: Kind) -> Executable:
        if kind not in self._executables:
            program, threads = self.program(kind), self._threads
            with garbage_collection_paused(is_once=True):
                executable = self.backend.executable(program, self.dtype)
            if threads != 1 or self._at_once < sys.maxsize:  # large batches may have to run in parts
                executable = InParts(executable, program, _PARTS[kind], threads, self._at_once)
            self._executables[kind] = executable
        return self._executables[kind]

    @property
    def _threads(self) -> int | None:
        """The number of threads for a batch; None for as many as are worth their cost."""
        return self.threads if self.threads or self.backend.runs_in_threads else 1

    @cached_property
    def _work(self) -> int:
        """About how many operations each example takes."""
        return work(self.program(Kind.MEAN))

    @property
    def _at_once(self) -> int:
        """The largest number of examples in one run."""
        return ROWS if self.dtype == np.float32 and self.backend.adds_in_order else sys.maxsize

    def taker(self, rule: UpdateRule) -> Callable[[Steps], Callable[[], int]]:
        """Return what prepares steps along the gradient of the mean: it returns a function that takes them.

        All are taken in one call of the back end if it can do so. In anomaly mode, and if a batch runs in parts, it takes them one by one.
        """
        if rule not in self._runners:
            program = self.program(Kind.MEAN)
            self._runners[rule] = self.backend.step_runner(program, rule.program, self.dtype) if len(self.layout) else None
        runner = self._runners[rule]

        def ready(steps: Steps) -> Callable[[], int]:
            batch = len(steps.data[0]) if steps.rows is None else steps.rows.shape[1]
            has_parts = batch > self._at_once or (self._threads != 1 and threads_for(self._work, batch, self._threads) > 1)
            run = rule.ready(self.ready, steps) if runner is None or has_parts else runner.ready(steps)
            watched = with_arrays(partial(self.run, Kind.MEAN))
            return lambda: rule.ready(watched, steps)() if mode.anomaly else run()

        return ready

    def results(self, arrays: Sequence[FloatArray], theta: FloatArray) -> FloatArray:
        """Return a new array of the results, (batch, ...)."""
        batch, shape = len(arrays[0]), self.program(Kind.RESULTS).shape(self.program(Kind.RESULTS).outputs["results"])
        out = np.empty(sized(shape, batch), dtype=self.dtype)
        self.run(Kind.RESULTS, arrays, theta, out)
        if len(shape) == 1:  # they do not depend on the example
            out = np.array(np.broadcast_to(out, (batch, *shape)))
        return out.reshape((batch, *self.signature.result))

    def gradients(self, arrays: Sequence[FloatArray], theta: FloatArray) -> FloatArray:
        """Return a new array of the gradient of each result, (batch, parameters)."""
        batch, size = len(arrays[0]), len(theta)
        out = np.empty((batch, size), dtype=self.dtype)
        count = max(1, min(batch, AT_ONCE // max(size, 1)))
        for start in range(0, batch if size else 0, count):
            part = [np.ascontiguousarray(array[start : start + count]) for array in arrays]
            self.run(Kind.GRADIENTS, part, theta, out[start : start + count])
        return out


class _Indices:
    """The entries of an argument that are indices of tables, and the rows that each may choose from."""

    def __init__(self, name: str, position: int, shape: Shape, tables: Tables, dtype: np.dtype[Any]) -> None:
        limits = {place: rows for (argument, place), rows in sorted(tables.limits.items()) if argument == position}
        if dtype == np.float32 and (most := max(limits.values())) > EXACT_IN_FLOAT32:
            raise ValueError(f"{name} is an index of {most} rows, and float32 has whole numbers up to {EXACT_IN_FLOAT32} only: use float64")
        self.name, self.position, self.is_number = name, position, not shape
        self.places, self.limits = np.array(list(limits)), np.array(list(limits.values()))

    def check(self, arguments: Sequence[Any], arrays: Sequence[FloatArray], counts: FloatArray | None) -> None:
        if not is_integer(arguments[self.position]):
            kind = np.asarray(arguments[self.position]).dtype
            raise TypeError(f"{self.name} is an index for lookup: it must have an integer dtype, got {kind}")
        found = arrays[self.position].reshape(len(arrays[0]), -1)[:, self.places]
        wrong = (found < 0) | (found >= self.limits)
        if counts is not None:
            wrong &= counts[:, None]
        if wrong.any():
            example, place = map(int, np.argwhere(wrong)[0])
            name = self.name if self.is_number else f"{self.name}[{self.places[place]}]"
            given, last = found[example, place], self.limits[place] - 1
            raise IndexError(f"{name} is {given:.0f} in example {example}, and lookup takes an index from 0 to {last} there")


class _Requirement:
    """A condition of a function, as a program of its own."""

    def __init__(self, demand: Demand, graph: Scalars, sizes: list[int]) -> None:
        self.demand = demand
        simple, batched = simplify(graph)
        program, order = lower(simple, batched, sizes)
        self.program, self.layout = spelled(program), ParameterLayout([simple.parameters[each] for each in order])

    def check(self, arrays: Sequence[FloatArray], counts: FloatArray | None) -> None:
        results = evaluate(self.program, arrays, self.layout.gather())["results"]
        results = np.broadcast_to(results, (len(arrays[0]), results.shape[-1]))
        missed = np.flatnonzero((results[:, 0] == 0) & (True if counts is None else counts))
        if missed.size:
            example = int(missed[0])
            raise ValueError(f"{self.demand.complaint(results[example, 1:].tolist())} (example {example})")
