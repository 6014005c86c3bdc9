"""The prediction cache: a model predicts with one program until it would be recorded differently."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from autograd import Value, Vectorized, vectorize
from nn.activations import Activation
from nn.inputs import Array, in_pieces

Model = Callable[[Any], Any]


class Reads(NamedTuple):
    """Everything that a call of a model reads."""

    models: list[Any]
    numbers: list[Any]  # Values, whose data may change, and constants
    functions: list[Activation]  # these may read other things: globals, closures, attributes

    def are(self, others: Reads) -> bool:
        """Return whether these are the same objects. Equal Values are not the same: each Value is a parameter."""
        return all(len(own) == len(other) and all(map(operator.is_, own, other)) for own, other in zip(self, others))


READERS: dict[Callable[..., Any], Callable[[Any], Reads | None]] = {}  # for the `__call__` of a class: what it reads of a model


def _found(model: Any) -> Reads | None:
    """Return what a call of the model reads, whatever its numbers are; None if only recording can find out."""
    reader = READERS.get(type(model).__call__) if callable(model) else None
    return reader(model) if reader else None


def reads_of(model: Any, known: Reads | None = None) -> Reads | None:
    """Return what a call of the model reads; None if only recording can find out.

    If `known` is still right, it is returned itself. This is faster, and each step of a run does it.
    """
    found = _found(model)
    if found is None:
        return None
    if known is not None and found.are(known):
        return known
    return found if {Value, float, int}.issuperset(map(type, found.numbers)) else None


def reads_of_parts(model: Model, parts: Iterable[Any]) -> Reads | None:
    """Return what a call of the model reads if all it does is to call the parts."""
    reads = Reads([model], [], [])
    for part in parts:
        found = _found(part)
        if found is None:
            return None
        for own, more in zip(reads, found):
            own.extend(more)
    return reads


class CachedProgram:
    """The program of a model. Copies and pickles of the model get an empty one instead, and record their own."""

    __slots__ = ("functions", "model", "program", "reads")  # without `__dict__`, the search for parameters stops here

    def __init__(self, model: Model | None = None) -> None:
        self.model = model
        if model is not None:
            self.program, self.reads = vectorize(model), reads_of(model)
            functions = {id(each): each for each in self.reads.functions} if self.reads else {}
            self.functions: list[Vectorized] = [vectorize(each).record(np.zeros(1)) for each in functions.values()]

    def is_current(self, model: Model) -> bool:
        """Return whether recording the model again would give the same program.

        If the model reads the same objects as before, only its functions are recorded again for that.
        """
        if self.model is not model:
            return False
        reads = reads_of(model, self.reads)
        if reads is None or self.reads is None:
            return self.program.is_current()
        return reads is self.reads and all(each.is_current() for each in self.functions)

    def __reduce__(self) -> tuple[type[CachedProgram], tuple[()]]:
        return CachedProgram, ()


def predictions(model: Model, rows: Array) -> Array:
    """Return the outputs for rows of inputs, by a cached or a new program. Raises TraceError if the model cannot be recorded."""
    cached = vars(model).get("_cached_program")
    if not isinstance(cached, CachedProgram) or not cached.is_current(model):
        cached = CachedProgram(model)
    outputs = in_pieces(cached.program, rows)
    vars(model)["_cached_program"] = cached
    return outputs
