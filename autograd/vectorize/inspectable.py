"""Inspectable: a function that is recorded on demand, with its parameters, its programs, their source and their export."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from autograd._support import check_whole
from autograd.modes import LIBRARY
from autograd.operation import Operation
from autograd.value import Value
from autograd.vectorize import backends
from autograd.vectorize.arguments import argument_names, check_batch, examples, is_integer, vector
from autograd.vectorize.compiled import CompiledFunction
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.parameters import ParameterLayout
from autograd.vectorize.program import Program

Self = TypeVar("Self", bound="InspectableFunction")


class InspectableFunction:
    """Abstract: what `Vectorized` shows of its programs. See there for the parameters."""

    def __init__(
        self, f: Callable[..., Any], dtype: Any = np.float64, check: bool = True, backend: str = "numpy", threads: int | None = None
    ) -> None:
        if not callable(f):
            raise TypeError(f"vectorize takes a function of one example, got {type(f).__name__}")
        self.f, self._checks = f, check
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
            raise TypeError(f"vectorize computes in float64 or float32, not {self.dtype}")
        name = getattr(f, "__name__", "f")
        self.name, self.backend = name if name.isidentifier() else "f", backend
        self._backend = backends.named(backend)
        self.threads = None if threads is None else check_whole("threads", threads, meaning="None chooses automatically")
        self._argument_names: dict[int, tuple[str, ...]] = {}
        self._compiled: dict[tuple[tuple[int, ...], ...], CompiledFunction] = {}
        self._latest: CompiledFunction | None = None
        self._layout, self._recording = ParameterLayout([]), threading.RLock()

    def __repr__(self) -> str:
        return f"<vectorized {self.name}>"

    def __getstate__(self) -> dict[str, Any]:
        """A copy, in this or in another process, records and compiles again: its function may close over copies of the Values."""
        return {"f": self.f, "dtype": self.dtype, "check": self._checks, "backend": self.backend, "threads": self.threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @property
    def layout(self) -> ParameterLayout:
        """The order of the parameter vector, which converts to other orders. Raises RuntimeError before the first call.

        All shapes of example have one order. If a new shape uses other parameters too, they are appended to it.
        """
        self._require("layout")
        return self._layout

    @property
    def parameters(self) -> tuple[Value, ...]:
        """The Values that the function closes over, in the order of the parameter vector. Raises RuntimeError before the first call."""
        self._require("parameters")
        return self._layout.parameters

    def parameter_vector(self) -> FloatArray:
        """Return a new array with the data of the parameters, in the order of `parameters`."""
        self._require("parameter_vector()")
        return self._layout.gather(self.dtype)

    def assign(self, parameters: FloatArray) -> None:
        """Write a parameter vector to the Values. Raises ValueError, and changes nothing, if it has the wrong length."""
        self._require("assign()")
        self._layout.assign(vector(parameters, len(self._layout), self.dtype, "vector", "one number for each parameter"))

    @property
    def source(self) -> str:
        """The program that runs, as complete source that reads as if written by hand. It is the same in every run.

        For a scalar function with parameters it is the mean of the results and its gradient, otherwise the results.
        """
        return self._require("source").source()

    @property
    def function(self) -> Callable[..., Any]:
        """The program as a pure JAX function `(theta, *batch) -> (cost, gradient)`, for jit, vmap, grad, shard_map and others.

        The cost is the mean. Both are in the dtype of `theta`. If the function is not scalar or has no parameters, it is
        `(theta, *batch) -> results`. Raises TypeError for the other back ends.
        """
        compiled = self._require("function")
        compiled.extend(self._layout)
        return compiled.function()

    def export(self, path: str | os.PathLike[str], gradient: bool = True) -> None:
        """Write the program and the numbers of its parameters, in float64, to a file that works without this library.

        Parameters
        ----------
        path : path
            A name that ends in `.py`, for a module that needs only numpy, or in `.c`, for C99 as gcc and clang compile it, with an
            example `main`.
        gradient : bool, default True
            Whether to write the mean and its gradient, if the program has them, instead of the results.

        Raises
        ------
        ValueError
            If the name has another ending.
        """
        self._require("export()").export(path, gradient)

    @property
    def program(self) -> Program:
        """The program that runs, as instructions: the mean of the results and its gradient, or the results (see `source`)."""
        compiled = self._require("program")
        return compiled.program(compiled.shown)

    def record(self: Self, *arguments: Any) -> Self:
        """Record the function for arguments like these, without running it. Returns self."""
        self._prepare(arguments)
        return self

    def check(self, *arguments: Any) -> None:
        """Raise ValueError, naming the example, if the arguments do not meet a condition of the function (see `require`)."""
        compiled, arrays = self._prepare(arguments)
        compiled.check(arrays)

    def is_current(self) -> bool:
        """Whether recording the function again would give the same programs: the same operations of the same Values.

        Programs read the data of the Values in each run. Everything else that the function reads, such as attributes, globals and
        containers, is part of the program as it was when the function was recorded. This records again and compares. A function
        that makes its own Values makes other ones each time and is never current.
        """
        return _reads_nothing(self.f) or all(compiled.is_current(self.f) for compiled in list(self._compiled.values()))

    def _names(self, count: int) -> tuple[str, ...]:
        """The names of the first arguments of the function."""
        if count not in self._argument_names:
            if not count:
                raise TypeError(f"{self!r} needs at least one array of examples")
            self._argument_names[count] = argument_names(self.f, count)
        return self._argument_names[count]

    def _require(self, what: str) -> CompiledFunction:
        if self._latest is None:
            raise RuntimeError(f"{what} is not known before {self!r} gets arguments: call it, or its record(...), with a batch first")
        return self._latest

    def _compile(self, shapes: tuple[tuple[int, ...], ...], names: Sequence[str], integers: Collection[int]) -> CompiledFunction:
        with self._recording:  # each recording appends its parameters to the layout
            if shapes not in self._compiled:
                known = self._layout.parameters
                settings = self.name, self.dtype, self._backend, self.threads
                compiled = CompiledFunction(self.f, shapes, names, *settings, known, integers, is_first=not self._compiled)
                self._layout, self._compiled[shapes] = compiled.layout, compiled
            return self._compiled[shapes]

    def _prepare(self, arguments: Sequence[Any], check: bool = True) -> tuple[CompiledFunction, list[FloatArray]]:
        names, dtype = self._names(len(arguments)), self.dtype
        arrays = [examples(array, name, dtype) for array, name in zip(arguments, names)]
        check_batch(names, arrays)
        shapes = tuple([array.shape[1:] for array in arrays])
        compiled = self._compiled.get(shapes)
        if compiled is None:
            integers = {position for position, each in enumerate(arguments) if is_integer(each)}
            compiled = self._compile(shapes, names, integers)
        self._latest = compiled
        if check:
            compiled.check_indices(arguments, arrays)
        if self._checks and check:
            compiled.check(arrays)
        return compiled, arrays


def _reads_nothing(f: Callable[..., Any]) -> bool:
    """Whether a function is one of the library's own, without a closure: nothing can change what it computes."""
    is_own = isinstance(f, FunctionType) and not f.__closure__ and f.__code__.co_filename.startswith(LIBRARY)
    return is_own or type(f) is Operation
