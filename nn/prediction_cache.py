"""Programs that are kept: a model predicts with one program for as long as it would be recorded the same, and never longer."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from autograd import Vectorized, vectorize
from nn.activations import Activation
from nn.inputs import Array, in_pieces

Model = Callable[[Any], Any]


class Reads(NamedTuple):
    """All that a call of a model reads."""

    things: list[Any]  # what stays as it is, but for a Value's data: models, Values, numbers
    functions: list[Activation]  # what may read anything in turn: its globals, what it closes over, its attributes

    def are(self, others: Reads) -> bool:
        """Whether they are the very same. Numbers and Values that are merely equal are others: each Value is a parameter of its own."""
        return all(len(own) == len(other) and all(map(operator.is_, own, other)) for own, other in zip(self, others))


KNOWN: dict[Callable[..., Any], Callable[[Any], Reads | None]] = {}  # for the `__call__` of a class, what it reads of a model


def reads_of(model: Any) -> Reads | None:
    """What a call of the model reads; None where only a recording of the call can tell."""
    known = KNOWN.get(type(model).__call__) if callable(model) else None
    return known(model) if known else None


def together(model: Model, parts: Iterable[Any]) -> Reads | None:
    """What a call reads that does nothing but call the parts."""
    reads = Reads([model], [])
    for part in parts:
        own = reads_of(part)
        if own is None:
            return None
        reads.things.extend(own.things)
        reads.functions.extend(own.functions)
    return reads


class Kept:
    """A model's program. A copy of the model, or its pickle, gets an empty one in its place, and makes its own."""

    __slots__ = ("functions", "model", "program", "reads")  # and no `__dict__`: what looks through a model's attributes stops here

    def __init__(self, model: Model | None = None) -> None:
        self.model = model
        if model is not None:
            self.program, self.reads = vectorize(model), reads_of(model)
            functions = {id(each): each for each in self.reads.functions} if self.reads else {}
            self.functions: list[Vectorized] = [vectorize(each).record(np.zeros(1)) for each in functions.values()]

    def serves(self, model: Model) -> bool:
        """Whether the model would give this program again.

        Where its calls read nothing but what was read before, only the functions among that are recorded anew; else all of it is.
        """
        if self.model is not model:
            return False
        reads = reads_of(model)
        if reads is None or self.reads is None:
            return self.program.is_current()
        return reads.are(self.reads) and all(each.is_current() for each in self.functions)

    def __reduce__(self) -> tuple[type[Kept], tuple[()]]:
        return Kept, ()


def predictions(model: Model, rows: Array) -> Array:
    """The results for rows of inputs, from the model's program, kept or new. Raises TraceError where there can be none."""
    kept = vars(model).get("_kept")
    if not isinstance(kept, Kept) or not kept.serves(model):
        kept = Kept(model)
    outputs = in_pieces(kept.program, rows)
    vars(model)["_kept"] = kept
    return outputs
