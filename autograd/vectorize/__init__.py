"""vectorize: a scalar function of one example, as a program on arrays of examples.

The stages, one file each: record, simplify, lower (group, lay out, recognise), differentiate; what they make is a `program`, which a
back end runs. `recording` puts the stages together.
"""

from __future__ import annotations

import inspect
import operator
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import modes
from autograd._support import refuse_masked
from autograd.errors import TraceError
from autograd.modes import mode
from autograd.ops import Node, Operation, mean
from autograd.value import Value
from autograd.vectorize import backends
from autograd.vectorize.backends.native.compiler import c_compiler
from autograd.vectorize.descent import Descent, UpdateRule
from autograd.vectorize.parameters import ParameterLayout
from autograd.vectorize.program import FloatArray, Program, is_large, looks
from autograd.vectorize.recording import Kind, Recording
from autograd.vectorize.threads import checked

BACKENDS = backends.names()  # what `backend=` takes

__all__ = ["BACKENDS", "Descent", "ParameterLayout", "UpdateRule", "Vectorized", "c_compiler", "vectorize"]


def vectorize(
    f: Callable[..., Any], dtype: Any = np.float64, check: bool = True, backend: str = "numpy", threads: int | None = None
) -> Vectorized:
    """Make a function of one example, written in scalars, a program for a batch of examples.

    `f` takes a scalar for each 1-D argument that the program is given, a list of n scalars for each of shape
    (batch, n), and so on, and returns a scalar or a rectangular list of scalars. The Values it closes over are
    the program's parameters. It is recorded once for each shape of example. What it asks by `require` is asked of every
    batch, or with `check=False` only by `check(...)`. The back end is "numpy", or
    "native": C, which is compiled when it is first run and kept in a cache (in `NUDGE_CACHE`, where that is set), "jax": what JAX
    compiles, when it first sees a size of batch, for the devices that it has, or "reference",
    which is slow and says what is right. What raises where a back end cannot do it is the first run. `threads` is how many
    threads share a batch; None is, natively, as many as there are processors and work for. The same number gives the same bits.
    In float32 the mean over a large batch, and its gradient, are added from parts of 1024 examples.

    `f` must not draw random numbers or read the time: a TraceError names the line. Pass them as an argument.

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
    return Vectorized(f, dtype, check, backend, threads)


class Vectorized:
    """A function of one example as a program on arrays of examples; see `vectorize`.

    >>> squares = vectorize(lambda x: x * x)
    >>> squares(np.array([1.0, 2.0]))
    array([1., 4.])
    >>> squares
    <vectorized f>
    """

    def __init__(
        self, f: Callable[..., Any], dtype: Any = np.float64, check: bool = True, backend: str = "numpy", threads: int | None = None
    ) -> None:
        if not callable(f):
            raise TypeError(f"vectorize takes a function of one example, got {type(f).__name__}")
        self.f, self._checks = f, check
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
            raise TypeError(f"vectorize computes in float64 or float32, not {self.dtype}")
        self.name, self.backend = _identifier(getattr(f, "__name__", "f")), backend
        self._backend, self.threads = backends.named(backend), checked(threads)
        self._forget()

    def _forget(self) -> None:
        self._argument_names: dict[int, tuple[str, ...]] = {}
        self._recordings: dict[tuple[tuple[int, ...], ...], Recording] = {}
        self._latest: Recording | None = None
        self._again: _Again | None = None

    def __repr__(self) -> str:
        return f"<vectorized {self.name}>"

    def __getstate__(self) -> dict[str, Any]:
        """A copy, here or in another process, records and compiles anew: its function may close over copies of the Values."""
        return {"f": self.f, "dtype": self.dtype, "check": self._checks, "backend": self.backend, "threads": self.threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Vectorized.__init__(self, **state)

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
        recording, arrays = self._prepare(arguments)
        return recording.results(arrays, recording.layout.gather(self.dtype))

    def mean(self, *arguments: Any) -> Value:
        """The mean of the scalar results as one Value, whose operands are the parameters: it composes with any other."""
        if _is_scalar(arguments):
            return mean(self._of_nodes(arguments).tolist())  # type: ignore[no-any-return]
        recording, arrays = self._prepare(arguments)
        gradient = np.empty(len(recording.layout), self.dtype)
        value = recording.run(Kind.MEAN, arrays, recording.layout.gather(self.dtype), gradient)
        if not len(recording.layout):
            return Value(value)
        partials = gradient.tolist()

        def rule(y: Any, *parameters: Any) -> Sequence[float]:
            if isinstance(y, Node):
                raise TypeError("the mean of a program has first derivatives only; for higher ones take grad inside: vectorize(grad(f))")
            return partials  # type: ignore[no-any-return]

        op = Operation(f"mean {self.name}", lambda *_: value, lambda *_: value, rule, variadic=True)
        return Value.apply(op, recording.layout.parameters)  # type: ignore[no-any-return]

    def value_and_gradient(
        self,
        *arguments: Any,
        parameters: FloatArray | None = None,
        out: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[float, FloatArray]:
        """The mean of the scalar results, and its gradient by the parameters: a vector in the order of `parameters`.

        With `parameters`, a vector of that length, those numbers are used and no Value is touched. The
        gradient is written to `out` where that is given, even to memory that an argument lies in too. Without it, it is a new array.

        With `weights`, (batch,), it is the sum of weight * result that is given and differentiated, so that the sums of several
        batches add up; `weights / weights.sum()` makes it a weighted mean, and a weight of 0 leaves an example out: what is in it, even
        nan, does not matter.
        """
        again = self._again
        if again is not None and out is not None and weights is None and again.is_of(arguments, parameters, out):
            self._latest = again.recording
            return again.run(), out
        self._refuse_in_a_recording(parameters)
        recording, arrays = self._prepare(arguments, check=weights is None)
        size = len(recording.layout)
        if parameters is None:
            theta = recording.layout.gather(self.dtype)
        else:
            theta = _checked_vector(parameters, size, self.dtype, "parameters", "one number a parameter")
        if weights is not None:
            weights = _checked_vector(weights, len(arrays[0]), self.dtype, "weights", "one number an example")
            if self._checks:
                recording.check(arrays, weights != 0)
        if out is None:
            gradient = np.empty(size, self.dtype)
        else:
            gradient = _checked_vector(out, size, self.dtype, "out", exact=True)
            if any(np.may_share_memory(gradient, each) for each in (*arrays, theta, weights) if each is not None):
                gradient = np.empty(size, self.dtype)  # what is written early must not be read as an argument later
        if weights is None:
            value = recording.run(Kind.MEAN, arrays, theta, gradient)
        elif weights.any():
            counted, shared = _counted(arrays, weights)
            value = recording.run(Kind.WEIGHTED, counted, theta, gradient, shared)
        else:
            value, gradient[:] = 0.0, 0.0
        if out is not None and gradient is not out:
            out[:] = gradient
            return value, out
        is_known = weights is None and theta is parameters and gradient is out and all(map(operator.is_, arrays, arguments))
        if is_known and not (self._checks and recording.has_demands) and not any(map(is_large, (*arrays, gradient))):
            self._again = _Again(recording, arrays, theta, gradient)
        return value, gradient

    def descent(
        self,
        rule: UpdateRule,
        *arguments: Any,
        parameters: FloatArray,
        memory: Sequence[FloatArray] = (),
        still: Sequence[int] = (),
        out: FloatArray | None = None,
    ) -> Descent:
        """Descent along the gradient of the mean, made ready to take steps, in one call where the back end can.

        The vector `parameters`, in the order of `parameters`, is what the update rule changes in place, beside the vectors of
        `memory` that it has. The parameters with the numbers `still` stay as they are, with no part in the gradient. The last
        step's gradient is written to `out`. The arguments are taken to stay as they are: a back end may keep copies elsewhere.

        >>> import numpy as np
        >>> w = Value(0.0)
        >>> squares = vectorize(lambda x: (w - x) ** 2).record(np.zeros(2))
        >>> rule = UpdateRule(lambda parameter, gradient, rate, step: [parameter - rate * gradient])
        >>> theta = squares.parameter_vector()
        >>> descent = squares.descent(rule, np.array([1.0, 3.0, 2.0]), parameters=theta)
        >>> costs, norms = descent.take([0.25, 0.25], rows=np.array([[0, 1], [2, 0]]))
        >>> costs, theta
        (array([5. , 0.5]), array([1.25]))
        """
        self._refuse_in_a_recording(parameters)
        recording, arrays = self._prepare(arguments)
        _checked_vector(parameters, len(recording.layout), self.dtype, "parameters", exact=True)
        return Descent(rule, recording.taker(rule, arrays), arrays, parameters, memory, still, out)

    def per_example_gradients(self, *arguments: Any, order: Sequence[Value] | None = None) -> FloatArray:
        """The gradient of each example's scalar result by the parameters: shape (batch, parameters).

        The columns are in the order of `parameters`, or of the Values given, such as `model.parameters()`; 0 for a Value that
        the function does not depend on.
        """
        self._refuse_in_a_recording()
        recording, arrays = self._prepare(arguments)
        gradients = recording.gradients(arrays, recording.layout.gather(self.dtype))
        return gradients if order is None else recording.layout.to(order, gradients)

    @property
    def layout(self) -> ParameterLayout:
        """The order of the parameter vector, and the way to others, such as a model's. Known once the function was called."""
        return self._recorded("layout").layout

    @property
    def parameters(self) -> tuple[Value, ...]:
        """The Values that the function closes over, in the order of the parameter vector. Known once it was called."""
        return self._recorded("parameters").layout.parameters

    def parameter_vector(self) -> FloatArray:
        """A new array of the parameters' data, in the order of `parameters`."""
        return self._recorded("parameter_vector()").layout.gather(self.dtype)

    def assign(self, vector: FloatArray) -> None:
        """Write a parameter vector back to the Values. Raises ValueError, changing nothing, where it has the wrong length."""
        layout = self._recorded("assign()").layout
        layout.assign(_checked_vector(vector, len(layout), self.dtype, "vector", "one number a parameter"))

    @property
    def source(self) -> str:
        """The program that runs, as one would write it by hand: complete source, and the same at every run.

        For a scalar function of parameters it is the mean of its results and the gradient, for any other the results.
        """
        return self._recorded("source").source()

    @property
    def function(self) -> Callable[..., Any]:
        """The program as a pure JAX function `(theta, *batch) -> (cost, gradient)`, for jit, vmap, grad, shard_map and the like.

        The cost is the mean, and both are in the dtype of `theta`; for any other function than a scalar one of parameters it is
        `(theta, *batch) -> results`. Of the JAX back end alone: raises TypeError for the others.
        """
        return self._recorded("function").function()

    def export(self, path: str | os.PathLike[str], gradient: bool = True) -> None:
        """Write the program and its parameters' numbers to a file that stands alone, in float64, by the ending of its name.

        `.py` is a module that needs numpy only; `.c` is C99 in the dialect of gcc and clang, with a `main` that shows its use. Both
        hold the mean with its gradient, or with `gradient=False` (and where there is no such thing) the results.
        """
        self._recorded("export()").export(path, gradient)

    @property
    def program(self) -> Program:
        """The program that runs, instruction by instruction: that of the mean and its gradient, or of the results (see `source`)."""
        recording = self._recorded("program")
        return recording.program(recording.shown)

    def record(self, *arguments: Any) -> Vectorized:
        """Record the function for arguments like these, without running it; returns self."""
        self._prepare(arguments)
        return self

    def check(self, *arguments: Any) -> None:
        """Raise ValueError, naming the example, where the arguments do not meet what the function requires (see `require`)."""
        recording, arrays = self._prepare(arguments)
        recording.check(arrays)

    def is_current(self) -> bool:
        """Whether the function, were it recorded now, would give the programs that it gave: the same operations of the same Values.

        The Values' data do not matter, as programs read them whenever they run. All else that the function reads, attributes,
        globals, containers, is in its programs as it was: this records anew, and tells whether that has changed. A function
        that makes Values of its own makes others each time.
        """
        return all(recording.is_current(self.f) for recording in list(self._recordings.values()))

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
        refuse_masked(name, array)
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
        for position in range(len(positional), count):
            name = f"x{position}"
            positional.append(name + "_" * (name in positional))
        names = self._argument_names[count] = tuple(positional)
        return names

    def _recorded(self, what: str) -> Recording:
        if self._latest is None:
            raise RuntimeError(f"{what} is known once {self!r} has seen arguments: call it, or its record(...), with a batch first")
        return self._latest

    def _prepare(self, arguments: Sequence[Any], check: bool = True) -> tuple[Recording, list[FloatArray]]:
        names = self._argument_names.get(len(arguments)) or self._names(len(arguments))
        arrays = list(map(self._checked, arguments, names))
        batch = len(arrays[0])
        for array in arrays:
            if len(array) != batch or batch == 0:
                raise ValueError(_misfit(names, arrays))
        shapes = tuple([array.shape[1:] for array in arrays])
        recording = self._recordings.get(shapes)
        if recording is None:
            recording = self._recordings[shapes] = Recording(self.f, shapes, names, self.name, self.dtype, self._backend, self.threads)
        self._latest = recording
        if self._checks and check:
            recording.check(arrays)
        return recording, arrays


class _Again:
    """A call of `value_and_gradient` whose arrays were checked: it is made again without a check while they look the same."""

    __slots__ = ("arrays", "count", "looks", "recording", "run")

    def __init__(self, recording: Recording, arrays: Sequence[FloatArray], parameters: FloatArray, out: FloatArray) -> None:
        self.recording, self.arrays, self.count = recording, (*arrays, parameters, out), len(arrays)
        self.run = recording.ready(Kind.MEAN, arrays, parameters, out)
        self.looks = looks(self.arrays)

    def is_of(self, arguments: Sequence[Any], parameters: Any, out: Any) -> bool:
        """Whether these are its arrays, and look as they did, and no thread watches the numbers."""
        are_known = len(arguments) == self.count and all(map(operator.is_, (*arguments, parameters, out), self.arrays))
        return are_known and looks(self.arrays) == self.looks and out.flags.writeable and not modes.watchers


def _is_scalar(arguments: Sequence[Any]) -> bool:
    """Whether a call is for nodes, or is part of a recording, which no number that depends on parameters may enter."""
    return mode.recording or any(map(_holds_nodes, arguments))


def _holds_nodes(argument: Any) -> bool:
    if isinstance(argument, np.ndarray):
        return argument.dtype == object and any(map(_holds_nodes, argument.flat))
    return isinstance(argument, Node) or (isinstance(argument, (list, tuple)) and any(map(_holds_nodes, argument)))


def _identifier(name: str) -> str:
    return name if name.isidentifier() else "f"


def _counted(arrays: list[FloatArray], weights: FloatArray) -> tuple[list[FloatArray], FloatArray]:
    """The examples and weights without weights of 0, which leave a nan as it is, and with as many examples as before.

    A copy of the first example that counts takes the place of each that does not, and shares its weight with the copies. So the
    batch has a size for which the back end may be ready.
    """
    counts = weights != 0
    if counts.all():
        return arrays, weights
    first = counts.argmax()
    share = weights[first] / (1 + np.count_nonzero(~counts))
    shared = np.where(counts, weights, share)
    shared[first] = share
    rows = np.where(counts, np.arange(len(weights)), first)
    return [array[rows] for array in arrays], shared


def _misfit(names: Sequence[str], arrays: Sequence[FloatArray]) -> str:
    shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(names, arrays))
    if any(len(array) == 0 for array in arrays):
        return f"an empty batch: got shapes {shapes}"
    return f"arguments need one row for each example, the same number of them: got shapes {shapes}"


def _checked_vector(vector: Any, size: int, dtype: Any, name: str, of: str = "", exact: bool = False) -> FloatArray:
    if type(vector) is np.ndarray and vector.shape == (size,) and vector.dtype == dtype and vector.flags.c_contiguous:
        if exact and not vector.flags.writeable:
            raise ValueError(f"{name} is written to, and this array is read-only")
        return vector
    if exact:
        found = f"{vector.dtype} of shape {vector.shape}" if isinstance(vector, np.ndarray) else type(vector).__name__
        raise ValueError(f"{name} must be a contiguous array of {dtype} of shape ({size},), got {found}")
    refuse_masked(name, vector)
    array = np.asarray(vector)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), {of}, got {array.shape}")
    return np.ascontiguousarray(array, dtype=dtype)
