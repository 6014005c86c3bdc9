"""Vectorized: a scalar function of one example that takes arrays of examples."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.errors import TraceError
from autograd.modes import mode
from autograd.ops import Node, Operation, mean
from autograd.value import Value
from autograd.vectorize import backends
from autograd.vectorize.arguments import holds_nodes, vector, without_zero_weights, writable_vector
from autograd.vectorize.compiled import CompiledFunction, Kind
from autograd.vectorize.descent import Descent, UpdateRule
from autograd.vectorize.inspectable import InspectableFunction
from autograd.vectorize.memory import FloatArray, if_unchanged, is_large

BACKENDS = backends.names()  # what `backend=` takes


def vectorize(
    f: Callable[..., Any], dtype: Any = np.float64, check: bool = True, backend: str = "numpy", threads: int | None = None
) -> Vectorized:
    """Turn a function of one example, written with scalars, into a program for a batch of examples.

    The function is recorded once for each shape of example. The Values that it closes over are the parameters of the program.

    Parameters
    ----------
    f : callable
        The function. For each argument it gets a scalar if the argument is an array of shape (batch,), a list of n scalars if it has
        shape (batch, n), and so on. An argument of integer dtype gives integers, which are also indices for `lookup`. The function
        returns a scalar or a rectangular list of scalars. It must not draw random numbers or read the time: pass them as arguments.
    dtype : float64 or float32, default float64
        The dtype of the computation. In float32 the mean over a large batch and its gradient are added from parts of 1024 examples.
    check : bool, default True
        Whether each batch is checked for the conditions that the function asks for with `require`. If False, only
        `Vectorized.check` checks them.
    backend : str, default "numpy"
        "numpy"; "native", which compiles C on the first run and keeps the result in a cache (its directory: `NUDGE_CACHE`); "jax",
        which compiles for the devices of JAX, once for each batch size; or "reference", which is slow and defines what is right.
        Unsupported programs raise on the first run.
    threads : int or None, default None
        The number of threads that share a batch. None uses as many as are worth their cost, up to the number of processors, with
        the native back end, and one otherwise. The same number of threads gives the same bits.

    Returns
    -------
    Vectorized
        A function of arrays.

    Raises
    ------
    TypeError
        If `f` is not callable, or `dtype` is neither float64 nor float32.
    ValueError
        If there is no such back end, or `threads` is less than 1.
    ImportError
        If the back end needs a package that is not installed.

    Examples
    --------
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


class Vectorized(InspectableFunction):
    """A function of one example as a program on arrays of examples; see `vectorize`, which has the same parameters.

    Examples
    --------
    >>> squares = vectorize(lambda x: x * x)
    >>> squares(np.array([1.0, 2.0]))
    array([1., 4.])
    >>> squares
    <vectorized f>
    """

    def __init__(
        self, f: Callable[..., Any], dtype: Any = np.float64, check: bool = True, backend: str = "numpy", threads: int | None = None
    ) -> None:
        super().__init__(f, dtype, check, backend, threads)
        self._last: list[FloatArray] = []  # the arrays of the last call of `value_and_gradient`
        # A call of it with arrays that were checked, which repeats itself if it gets the same arrays, unchanged
        self._repeated: tuple[Callable[..., float | None], CompiledFunction] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Return the results of each example.

        Parameters
        ----------
        *arguments : array_like, (batch,) or (batch, ...)
            One array for each argument of the function. With Values or traced numbers instead, or inside a recorded function, the
            scalar function is called for each row and returns nodes: an array of objects, or the result itself if all arguments are
            single nodes.

        Returns
        -------
        array, (batch,) or (batch, ...)
            The results, in the dtype of the program; (batch, k) if the function returns a list of k.

        Raises
        ------
        TraceError
            If the function cannot be recorded.
        ValueError, TypeError
            If the arguments do not fit together, are not real numbers, or do not meet a condition of the function.
        FloatingPointError
            Within `anomaly()`, at the first result that is not finite.
        """
        if _is_scalar(arguments):
            return self._of_nodes(arguments)
        compiled, arrays = self._prepare(arguments)
        return compiled.results(arrays, compiled.layout.gather(self.dtype))

    def mean(self, *arguments: Any) -> Value:
        """Return the mean of the scalar results as one Value. Its operands are the parameters, so it can be part of other expressions."""
        if _is_scalar(arguments):
            return mean(self._of_nodes(arguments).tolist())  # type: ignore[no-any-return]
        compiled, arrays = self._prepare(arguments)
        gradient = np.empty(len(compiled.layout), self.dtype)
        value = compiled.run(Kind.MEAN, arrays, compiled.layout.gather(self.dtype), gradient)
        if not len(compiled.layout):
            return Value(value)
        partials = gradient.tolist()

        def rule(y: Any, *parameters: Any) -> Sequence[float]:
            if isinstance(y, Node):
                raise TypeError("the mean of a program has first derivatives only; for higher ones take grad inside: vectorize(grad(f))")
            return partials  # type: ignore[no-any-return]

        op = Operation(f"mean {self.name}", lambda *_: value, lambda *_: value, rule, variadic=True)
        return Value.apply(op, compiled.layout.parameters)  # type: ignore[no-any-return]

    def value_and_gradient(
        self,
        *arguments: Any,
        parameters: FloatArray | None = None,
        out: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[float, FloatArray]:
        """Return the mean of the scalar results and its gradient with respect to the parameters.

        Parameters
        ----------
        *arguments : array_like, (batch,) or (batch, ...)
            One array for each argument of the function.
        parameters : array_like, (parameters,), optional
            Numbers to use instead of the data of the Values, in the order of `Vectorized.parameters`. No Value is read or written.
        out : array, (parameters,), optional
            Receives the gradient. It may share memory with an argument. Default: a new array.
        weights : array_like, (batch,), optional
            With weights, the sum of weight * result is returned and differentiated, so that the sums of several batches can be added;
            `weights / weights.sum()` gives a weighted mean. Examples with weight 0 are left out, also if they hold nan.

        Returns
        -------
        float
            The mean or the weighted sum.
        array, (parameters,)
            The gradient, in the order of `Vectorized.parameters`: `out` if it is given.

        Raises
        ------
        TypeError
            If the function does not return a scalar.
        ValueError, TypeError, TraceError
            As a call of the function does.
        """
        if self._repeated is not None and weights is None:
            run, compiled = self._repeated
            value = run(arguments, parameters, out)
            if value is not None:
                self._latest = compiled
                return value, out  # type: ignore[return-value]  # it is the array of that call
        self._refuse_in_recording(parameters)
        compiled, arrays = self._prepare(arguments, check=weights is None)
        size = len(self._layout)
        if parameters is None:
            theta = self._layout.gather(self.dtype)
        else:
            theta = vector(parameters, size, self.dtype, "parameters", "one number for each parameter")
        if weights is not None:
            weights = vector(weights, len(arrays[0]), self.dtype, "weights", "one number for each example")
            compiled.check_indices(arguments, arrays, weights != 0)
            if self._checks:
                compiled.check(arrays, weights != 0)
        gradient = np.empty(size, self.dtype) if out is None else writable_vector(out, size, self.dtype, "out")
        if out is not None and any(np.may_share_memory(gradient, each) for each in (*arrays, theta, weights) if each is not None):
            gradient = np.empty(size, self.dtype)  # an early write must not change an argument that is read later
        if weights is None:
            value = compiled.value_and_gradient(arrays, theta, gradient)
        elif weights.any():
            arrays, shared = without_zero_weights(arrays, weights)
            value = compiled.value_and_gradient(arrays, theta, gradient, shared)
        else:
            value, gradient[:] = 0.0, 0.0
        if out is not None and gradient is not out:
            out[:] = gradient
            return value, out
        if weights is None and theta is parameters and gradient is out and all(map(operator.is_, arrays, arguments)):
            self._note(compiled, arrays, theta, gradient)
        return value, gradient

    def _note(self, compiled: CompiledFunction, arrays: Sequence[FloatArray], theta: FloatArray, gradient: FloatArray) -> None:
        """Note the arrays of a call, and prepare a call with these arrays if they were the same last time."""
        if (self._checks and compiled.has_requirements) or any(map(is_large, (*arrays, gradient))):
            return
        last, self._last = self._last, [*arrays, theta, gradient]
        if len(last) == len(self._last) and all(map(operator.is_, last, self._last)):
            self._repeated = if_unchanged(compiled.ready(arrays, theta, gradient), arrays, theta, gradient), compiled

    def descent(
        self,
        rule: UpdateRule,
        *arguments: Any,
        parameters: FloatArray,
        memory: Sequence[FloatArray] = (),
        frozen: Sequence[int] = (),
        out: FloatArray | None = None,
    ) -> Descent:
        """Prepare gradient descent on the mean of the scalar results.

        Parameters
        ----------
        rule : UpdateRule
            How a step changes the parameters.
        *arguments : array_like, (batch,) or (batch, ...)
            All examples. A back end may keep copies of them: call `Descent.reload` if they have changed.
        parameters : array, (parameters,)
            The vector that the steps update in place, in the order of `Vectorized.parameters`.
        memory : sequence of arrays, (parameters,) each
            The vectors that the rule keeps from step to step, updated in place.
        frozen : sequence of int
            The indices of parameters that do not change. Their gradient is 0.
        out : array, (parameters,), optional
            Receives the gradient of the last step.

        Returns
        -------
        Descent
            Its `take` takes steps, many in one call if the back end can.

        Raises
        ------
        ValueError
            If an array has the wrong shape or dtype, or arrays that are written to overlap.

        Examples
        --------
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
        self._refuse_in_recording(parameters)
        compiled, arrays = self._prepare(arguments)
        writable_vector(parameters, len(self._layout), self.dtype, "parameters")
        compiled.extend(self._layout)
        return Descent(rule, compiled.taker(rule), arrays, parameters, memory, frozen, out)

    def per_example_gradients(self, *arguments: Any, order: Sequence[Value] | None = None) -> FloatArray:
        """Return the gradient of the scalar result of each example.

        Parameters
        ----------
        *arguments : array_like, (batch,) or (batch, ...)
            One array for each argument of the function.
        order : sequence of Value, optional
            The Values to which the columns belong, such as `model.parameters()`. The gradient with respect to a Value that the
            function does not use is 0. Default: `Vectorized.parameters`.

        Returns
        -------
        array, (batch, parameters)
            One row for each example.
        """
        self._refuse_in_recording()
        compiled, arrays = self._prepare(arguments)
        gradients = compiled.gradients(arrays, compiled.layout.gather(self.dtype))
        if order is None and len(compiled.layout) == len(self._layout):
            return gradients
        return compiled.layout.to(self._layout.parameters if order is None else order, gradients)

    def _of_nodes(self, arguments: Sequence[Any]) -> Any:
        if all(isinstance(each, Node) for each in arguments):
            return self.f(*arguments)
        rows = [each.tolist() if isinstance(each, np.ndarray) else each for each in arguments]
        for name, each in zip(self._names(len(rows)), rows):
            if not isinstance(each, (list, tuple)) or len(each) != len(rows[0]):
                raise TypeError(f"{name} must have one entry for each example, as the first argument has: got {each!r:.60}")
        return np.array([self.f(*example) for example in zip(*rows)], dtype=object)

    def _refuse_in_recording(self, parameters: Any = None) -> None:
        if mode.recording and parameters is None:
            raise TraceError(
                f"the gradients of {self!r} inside a recorded function would be constants of the program: take grad(f) there instead"
            )


def _is_scalar(arguments: Sequence[Any]) -> bool:
    """Whether a call computes nodes: with nodes as arguments, or in a recording, where no number may depend on parameters."""
    return mode.recording or any(map(holds_nodes, arguments))
