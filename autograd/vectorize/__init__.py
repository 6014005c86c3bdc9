"""vectorize: a scalar function of one example, as a program on arrays of examples.

The stages, one file each: record, simplify, lower (group, lay out, recognise), differentiate, render, run.
"""

from __future__ import annotations

import inspect
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from autograd.modes import Demand, TraceError, mode
from autograd.ops import Node, Operation, mean
from autograd.value import Value
from autograd.vectorize.arrays import INPUT, PARAMETERS, Program, rebuilt
from autograd.vectorize.differentiate import differentiate
from autograd.vectorize.lower import lower
from autograd.vectorize.record import Scalars, record
from autograd.vectorize.render import render
from autograd.vectorize.run import Plan, interpret
from autograd.vectorize.simplify import simplify

__all__ = ["TraceError", "Vectorized", "vectorize"]

FloatArray = np.ndarray[Any, Any]
_PLANS_KEPT = 8  # batch sizes whose buffers are kept


def vectorize(f: Callable[..., Any], dtype: Any = np.float64, check: bool = True) -> Vectorized:
    """Make a function of one example, written in scalars, a numpy program for a batch of examples.

    `f` takes a scalar for each 1-D argument that the program is given, a list of n scalars for each of shape
    (batch, n), and so on, and returns a scalar or a rectangular list of scalars. The Values it closes over are
    the program's parameters. It is recorded once for each shape of example. What it asks by `require` is asked of every
    batch, or with `check=False` only by `check(...)`.

    >>> import numpy as np
    >>> w = Value(3.0)
    >>> squares = vectorize(lambda x: w * x * x)
    >>> squares(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> mean = squares.mean(np.array([1.0, 2.0]))
    >>> mean.backward()
    >>> w.grad
    2.5
    """
    return Vectorized(f, dtype, check)


class Vectorized:
    """A function of one example as a program on arrays of examples; see `vectorize`."""

    def __init__(self, f: Callable[..., Any], dtype: Any = np.float64, check: bool = True) -> None:
        if not callable(f):
            raise TypeError(f"vectorize takes a function of one example, got {type(f).__name__}")
        self.f, self._checks = f, check
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
            raise TypeError(f"vectorize computes in float64 or float32, not {self.dtype}")
        self.name = _identifier(getattr(f, "__name__", "f"))
        self._argument_names: dict[int, tuple[str, ...]] = {}
        self._recordings: dict[tuple[tuple[int, ...], ...], Recording] = {}
        self._latest: Recording | None = None

    def __repr__(self) -> str:
        return f"<vectorized {self.name}>"

    def __call__(self, *arguments: Any) -> Any:
        """The function's results, one row an example: shape (batch,), or (batch, k) where it returns a list of k.

        Raises TraceError where the function cannot be recorded, ValueError or TypeError where the arguments do
        not fit together or are not real numbers, and, under `anomaly()`, FloatingPointError at the first result
        that is not finite.

        Of Values or traced numbers, and inside a function that is being recorded, it is the scalar function again: for each row
        its results as nodes, in an array of objects; where all arguments are single nodes, of that one example.
        """
        if _is_scalar(arguments):
            return self._of_nodes(arguments)
        recording, arrays, batch = self._prepare(arguments)
        return recording.values(arrays, batch, recording.gathered())

    def mean(self, *arguments: Any) -> Value:
        """The mean of the scalar results as one Value, whose operands are the parameters: it composes with any other."""
        if _is_scalar(arguments):
            return mean(self._of_nodes(arguments).tolist())  # type: ignore[no-any-return]
        recording, arrays, batch = self._prepare(arguments)
        value, gradient = recording.value_and_gradient(arrays, batch, recording.gathered(), None)
        if not recording.parameters:
            return Value(value)
        partials = gradient.tolist()

        def rule(y: Any, *parameters: Any) -> Sequence[float]:
            if isinstance(y, Node):
                raise TypeError("the mean of a program has first derivatives only; for higher ones take grad inside: vectorize(grad(f))")
            return partials  # type: ignore[no-any-return]

        op = Operation(f"mean {self.name}", lambda *_: value, lambda *_: value, rule, variadic=True)
        return Value.apply(op, tuple(recording.parameters))  # type: ignore[no-any-return]

    def value_and_gradient(
        self, *arguments: Any, parameters: FloatArray | None = None, out: FloatArray | None = None
    ) -> tuple[float, FloatArray]:
        """The mean of the scalar results, and its gradient by the parameters: a vector in the order of `parameters`.

        With `parameters`, a vector of that length, those numbers are used and no Value is touched. The
        gradient is written to `out` where that is given. Without it, it is a new array.
        """
        self._refuse_in_a_recording(parameters)
        recording, arrays, batch = self._prepare(arguments)
        size = len(recording.parameters)
        theta = recording.gathered() if parameters is None else _checked_vector(parameters, size, self.dtype, "parameters")
        if out is not None:
            _checked_vector(out, size, self.dtype, "out", exact=True)
        return recording.value_and_gradient(arrays, batch, theta, out)

    def per_example_gradients(self, *arguments: Any) -> FloatArray:
        """The gradient of each example's scalar result by the parameters: shape (batch, parameters)."""
        self._refuse_in_a_recording()
        recording, arrays, batch = self._prepare(arguments)
        return recording.per_example_gradients(arrays, batch, recording.gathered())

    @property
    def parameters(self) -> tuple[Value, ...]:
        """The Values that the function closes over, in the order of the parameter vector. Known once it was called."""
        return self._recorded("parameters").parameters

    def parameter_vector(self) -> FloatArray:
        """A new array of the parameters' data, in the order of `parameters`."""
        return self._recorded("parameter_vector()").gathered()

    def assign(self, vector: FloatArray) -> None:
        """Write a parameter vector back to the Values. Raises ValueError, changing nothing, where it has the wrong length."""
        recording = self._recorded("assign()")
        numbers = _checked_vector(vector, len(recording.parameters), self.dtype, "vector").tolist()
        for parameter, number in zip(recording.parameters, numbers):
            parameter.data = number

    @property
    def source(self) -> str:
        """The program as numpy source, as one would write it by hand: complete, and the same at every run."""
        return self._recorded("source").source()

    def record(self, *arguments: Any) -> Vectorized:
        """Record the function for arguments like these, without running it; returns self."""
        self._prepare(arguments)
        return self

    def check(self, *arguments: Any) -> None:
        """Raise ValueError, naming the example, where the arguments do not meet what the function requires (see `require`)."""
        recording, arrays, _ = self._prepare(arguments)
        recording.check(arrays)

    def _of_nodes(self, arguments: Sequence[Any]) -> Any:
        if all(isinstance(each, Node) for each in arguments):
            return self.f(*arguments)
        rows = [each.tolist() if isinstance(each, np.ndarray) else each for each in arguments]
        for name, each in zip(self._names(len(rows)), rows):
            if not isinstance(each, (list, tuple)) or len(each) != len(rows[0]):
                raise TypeError(f"{name} must have one entry for each example, as the first argument has: got {each!r:.60}")
        return np.array([self.f(*example) for example in zip(*rows)], dtype=object)

    def _refuse_in_a_recording(self, parameters: Any = None) -> None:
        if mode.recording and parameters is None:
            raise TraceError(f"the gradients of {self!r} inside a recorded function would be numbers of this moment: take grad(f) there")

    def _checked(self, array: Any, name: str) -> FloatArray:
        """An argument as a contiguous array of the program's dtype. Raises TypeError or ValueError where it is none."""
        if type(array) is np.ndarray and array.dtype == self.dtype and array.ndim and array.flags.c_contiguous:
            return array
        try:
            array = np.asarray(array)
        except ValueError:
            raise ValueError(f"{name} has rows of different lengths: an argument is an array of shape (batch,) or (batch, n)") from None
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}; rows of different lengths or strings do this")
        if array.ndim == 0:
            raise ValueError(
                f"{name} must have one entry an example, shape (batch,) or (batch, n), got a single number; "
                f"a constant needs no argument: the function closes over it"
            )
        return np.ascontiguousarray(array, dtype=self.dtype)

    def _names(self, count: int) -> tuple[str, ...]:
        """The names of the function's first arguments, for messages and source."""
        if not count:
            raise TypeError(f"{self!r} needs at least one array of examples")
        try:
            parameters = list(inspect.signature(self.f).parameters.values())
        except (TypeError, ValueError):
            parameters = []
        positional = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)][:count]
        names = self._argument_names[count] = tuple(positional + [f"x{position}" for position in range(len(positional), count)])
        return names

    def _recorded(self, what: str) -> Recording:
        if self._latest is None:
            raise RuntimeError(f"{what} is known once {self!r} has seen arguments: call it, or its record(...), with a batch first")
        return self._latest

    def _prepare(self, arguments: Sequence[Any]) -> tuple[Recording, list[FloatArray], int]:
        names = self._argument_names.get(len(arguments)) or self._names(len(arguments))
        arrays = list(map(self._checked, arguments, names))
        batch = len(arrays[0])
        for array in arrays:
            if len(array) != batch or batch == 0:
                raise ValueError(_misfit(names, arrays))
        shapes = tuple([array.shape[1:] for array in arrays])
        recording = self._recordings.get(shapes)
        if recording is None:
            recording = self._recordings[shapes] = Recording(self.f, shapes, names, self.name, self.dtype)
        self._latest = recording
        if self._checks:
            recording.check(arrays)
        return recording, arrays, batch


def _is_scalar(arguments: Sequence[Any]) -> bool:
    """Whether a call is for nodes, or is part of a recording, which no number that depends on parameters may enter."""
    return mode.recording or any(map(_holds_nodes, arguments))


def _holds_nodes(argument: Any) -> bool:
    if isinstance(argument, np.ndarray):
        return argument.dtype == object and any(map(_holds_nodes, argument.flat))
    return isinstance(argument, Node) or (isinstance(argument, (list, tuple)) and any(map(_holds_nodes, argument)))


class _Asked:
    """What a function requires, as a program of its own."""

    def __init__(self, demand: Demand, graph: Scalars, sizes: list[int]) -> None:
        self.demand = demand
        simple, batched = simplify(graph)
        lowered, order = lower(simple, batched, sizes)
        self.program, self.parameters = rebuilt(lowered), [simple.parameters[each] for each in order]

    def check(self, arrays: Sequence[FloatArray]) -> None:
        theta = np.array([parameter.data for parameter in self.parameters])
        (results,) = interpret(self.program, _bindings(self.program, arrays, theta), len(arrays[0]))
        results = np.broadcast_to(results, (len(arrays[0]), results.shape[-1]))
        missed = np.flatnonzero(results[:, 0] == 0)
        if missed.size:
            example = int(missed[0])
            raise ValueError(f"{self.demand.complaint(results[example, 1:].tolist())} (example {example})")


class Recording:
    """One recording of a function, for one shape of example, and the programs and plans made from it."""

    def __init__(self, f: Callable[..., Any], shapes: tuple[tuple[int, ...], ...], names: Sequence[str], name: str, dtype: Any) -> None:
        self.shapes, self.names, self.name, self.dtype = shapes, names, name, dtype
        scalars, self.result_shape, demands = record(f, shapes, names)
        self._demands = [_Asked(demand, graph, self._argument_sizes()) for demand, graph in demands]
        self._graph, self._batched = simplify(scalars)
        self._program, order = lower(self._graph, self._batched, self._argument_sizes())
        self.forward = rebuilt(self._program)
        self._varies = len(self._program.shape(self._program.outputs[0])) == 2  # do the results depend on the example?
        self.parameters = tuple([self._graph.parameters[each] for each in order])
        self._plans: OrderedDict[tuple[str, int], list[Plan]] = OrderedDict()

    def _argument_sizes(self) -> list[int]:
        return [math.prod(shape) for shape in self.shapes]

    def check(self, arrays: Sequence[FloatArray]) -> None:
        """Raise ValueError for the first example that does not meet what the function requires."""
        for each in self._demands:
            each.check(arrays)

    @cached_property
    def training(self) -> Program:
        """The program with two outputs, the results and the gradient of their mean."""
        return rebuilt(self._with_gradient(self._program))

    @cached_property
    def stepping(self) -> Program:
        """The same in its fastest form, with the results' sum over the batch for its first output."""
        program = rebuilt(self._with_gradient(self._program), fast=True)
        if self._varies:
            program.outputs[0] = program.reduce(program.outputs[0], 0)
        return rebuilt(program, fast=True)

    @cached_property
    def watched(self) -> Program:
        """The same with its operations whole, for anomaly mode: sigmoid(-1000) is finite, though exp(1000) inside it is not."""
        return self._with_gradient(self._program)

    @cached_property
    def per_example(self) -> Program:
        """The program whose parameters and gradient have a row for each example."""
        program, _ = lower(self._graph, self._batched, self._argument_sizes(), per_example=True)
        return rebuilt(self._with_gradient(program, summed=True), fast=True)

    def _with_gradient(self, program: Program, summed: bool = False) -> Program:
        """A copy of the program that also gives the gradient of the mean of the results, or of their sum."""
        if self.result_shape != ():
            raise TypeError(f"only a scalar result has a gradient: {self.name} returns {self.result_shape} numbers for each example")
        program = program.copy()
        gradient = differentiate(program, (1.0, -1 if self._varies and not summed else 0))
        if gradient is not None:
            program.outputs.append(gradient)
        return program

    def gathered(self) -> FloatArray:
        return np.array([parameter.data for parameter in self.parameters], dtype=self.dtype)

    def source(self) -> str:
        program = self.training if self.result_shape == () and self.parameters else self.forward
        return render(program, self.name, self.names, self.shapes, self.result_shape)

    def values(self, arrays: Sequence[FloatArray], batch: int, theta: FloatArray) -> FloatArray:
        if mode.anomaly:
            (results,) = interpret(self._program, _bindings(self._program, arrays, theta), batch, watch=True)
            return self._shaped(results, batch)
        plan = self._borrow("values", self.forward, batch)
        try:
            return self._shaped(plan.run(arrays, theta), batch)
        finally:
            self._return("values", batch, plan)

    def value_and_gradient(
        self, arrays: Sequence[FloatArray], batch: int, theta: FloatArray, out: FloatArray | None
    ) -> tuple[float, FloatArray]:
        gradient = np.empty(len(theta), dtype=self.dtype) if out is None else out
        if mode.anomaly:
            results, *gradients = interpret(self.watched, _bindings(self.watched, arrays, theta), batch, watch=True)
            if gradients:
                gradient[:] = gradients[0]
            return results.mean().item(), gradient
        program = self.stepping
        plan = self._borrow("gradient", program, batch)
        try:
            return plan.run(arrays, theta, gradient).item() / (batch if self._varies else 1), gradient
        finally:
            self._return("gradient", batch, plan)

    def per_example_gradients(self, arrays: Sequence[FloatArray], batch: int, theta: FloatArray) -> FloatArray:
        if mode.anomaly:
            self.value_and_gradient(arrays, batch, theta, None)
        program, size = self.per_example, len(theta)
        gradients = np.zeros((batch, size), dtype=self.dtype)
        chunk = max(1, min(batch, 1_000_000 // max(size, 1)))  # a few megabytes at a time
        for start in range(0, batch if size else 0, chunk):
            part = [np.ascontiguousarray(array[start : start + chunk]) for array in arrays]
            count = len(part[0])
            rows = np.broadcast_to(theta, (count, size))
            plan = self._borrow("per example", program, count)
            try:
                plan.run(part, rows, gradients[start : start + count])
            finally:
                self._return("per example", count, plan)
        return gradients

    def _shaped(self, results: FloatArray, batch: int) -> FloatArray:
        """The results as a new array, each example's in its shape."""
        return np.array(np.broadcast_to(results, (batch, results.shape[-1]))).reshape((batch, *self.result_shape))

    def _borrow(self, kind: str, program: Program, batch: int) -> Plan:
        """A plan that nobody else is running: threads never share one."""
        try:
            return self._plans[kind, batch].pop()
        except (KeyError, IndexError):
            return Plan(program, batch, self.dtype)

    def _return(self, kind: str, batch: int, plan: Plan) -> None:
        plans = self._plans.get((kind, batch))
        if plans is None:
            plans = self._plans.setdefault((kind, batch), [])
            while len(self._plans) > _PLANS_KEPT:
                self._plans.popitem(last=False)
        plans.append(plan)


def _identifier(name: str) -> str:
    return name if name.isidentifier() else "f"


def _misfit(names: Sequence[str], arrays: Sequence[FloatArray]) -> str:
    shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(names, arrays))
    if any(len(array) == 0 for array in arrays):
        return f"an empty batch: got shapes {shapes}"
    return f"arguments need one row for each example, the same number of them: got shapes {shapes}"


def _checked_vector(vector: Any, size: int, dtype: Any, name: str, exact: bool = False) -> FloatArray:
    if type(vector) is np.ndarray and vector.shape == (size,) and vector.dtype == dtype and vector.flags.c_contiguous:
        return vector
    if exact:
        found = f"{vector.dtype} of shape {vector.shape}" if isinstance(vector, np.ndarray) else type(vector).__name__
        raise ValueError(f"{name} must be a contiguous array of {dtype} of shape ({size},), got {found}")
    array = np.asarray(vector)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), one number a parameter, got {array.shape}")
    return np.ascontiguousarray(array, dtype=dtype)


def _bindings(program: Program, arrays: Sequence[FloatArray], theta: FloatArray) -> dict[int, FloatArray]:
    """Where the program's inputs and parameters lie, for the interpreter."""
    inputs = {number: arrays[each.detail] for number, each in enumerate(program.instructions) if each.op == INPUT}
    bindings = {number: array.reshape(len(array), -1) for number, array in inputs.items()}
    bindings.update((number, theta) for number, each in enumerate(program.instructions) if each.op == PARAMETERS)
    return bindings
