"""Instructions on whole arrays, of which programs consist. This docstring is their specification for back ends.

A program is a list of instructions; each makes one array of arrays that come before it. An array that depends on the example has
the batch as its first axis, (batch, columns); one that does not has (columns,) alone, and broadcasts as in numpy. In a shape,
BATCH stands for the number of examples, known only when the program runs, and n * BATCH for n times it. An array is REAL, of the
program's dtype (float64 or float32), or BOOLEAN; where an instruction takes a BOOLEAN for a number it counts as 1.0 or 0.0.

=============  ===================================================================================================================
Input          argument number `argument`, a row for each example: (batch, n), C-contiguous
Parameters     the vector of parameters: (n,); for the gradient of each example (batch, n), one row for each
Weights        the weight of each example in the cost: (batch, 1)
Constant       a constant array
Scale          the number factor * batch**power: ()
Elementwise    an operation on each entry of its broadcast operands; IEEE arithmetic, inf and nan instead of errors
Reduce         a reduction along one axis, which remains with size 1: total (0 of no entries), logsumexp (-inf of none, and of
               entries that are all -inf; +inf where an entry is), largest or smallest; the order of the terms is free
Segments       a reduction of segments of the columns: the first lengths[0] columns give the first result, the next lengths[1] the second
MatMul         the product of two matrices; the order of the terms is free
PairProducts   for each pair (i, j) of row i of the left operand and row j of the right one, the sum of their products; a row is `width`
               columns; the order of the terms is free
PairSums       rows of zeros; each pair (i, j) adds to row i its number, a column of the left operand, times row j of the right one
Slice          the columns start:stop:step (of the last axis)
Take           the columns with these indices, which may repeat
Lookup         rows of a table (rows, width), or of one table for each example, at the indices (batch, n): (batch, n, width); an index
               is a whole number from 0 to rows - 1, which is checked before a program runs
AddRows        the table of zeros, (rows, width) or one for each example, with each row of (batch, n, width) added at its index (batch, n)
Reshape        the same entries in the same (row-major) order, in another shape
Transpose      the matrix with its axes exchanged
Concatenate    arrays side by side along the last axis; their other axes are equal
Expand         the array repeated along the axes where it has size 1, and along new ones in front
Scatter        zeros, with each operand added into its columns: all (None), those of a slice (start, stop, step), or numbered ones,
               each number once
=============  ===================================================================================================================

The rows keep to `autograd.ops`: `maximum` and `minimum` give nan where either operand is, `fmin` the other one; ties and kinks
are in the partial derivatives, which are instructions like others by then; `where` chooses by what is not 0, and what it does not
choose does not matter, not even nan; comparisons with nan are false, but for not_equal. A back end has to know ROWS: every other
row is spelled in them before (see `builder.spelled`). Results may differ from the reference's by rounding: 1e-12 of the size of
the terms in float64.

The outputs have names: "cost", a single number, and one array, "results" (batch, k) or (k,), "gradient" (parameters,), or
"gradients" (batch, parameters).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.shapes import BATCH as BATCH
from autograd.vectorize.shapes import BOOLEAN as BOOLEAN
from autograd.vectorize.shapes import REAL as REAL
from autograd.vectorize.shapes import Columns as Columns
from autograd.vectorize.shapes import Shape as Shape
from autograd.vectorize.shapes import Type as Type
from autograd.vectorize.shapes import broadcast as broadcast
from autograd.vectorize.shapes import placed as placed
from autograd.vectorize.shapes import shape_text as shape_text
from autograd.vectorize.shapes import size_text as size_text
from autograd.vectorize.shapes import sized as sized

# The instructions. Each computes its type from those of its operands, and raises ValueError if they do not fit.


@dataclass(frozen=True, eq=False)
class Instruction:
    """Abstract: one array of the program, made of earlier ones."""

    operands: tuple[int, ...]
    moves: ClassVar[bool] = False  # whether its entries are entries of its operands in other places
    is_view: ClassVar[bool] = False  # whether it can be a view of its operand

    def type(self, operands: Sequence[Type]) -> Type:
        raise NotImplementedError

    @property
    def details(self) -> Iterator[Any]:
        """Its fields other than the operands."""
        return (getattr(self, name) for name in _names(type(self)))  # type: ignore[arg-type]  # classes are hashable

    @property
    def content(self) -> Any:
        """Instructions with the same content compute the same."""
        return (type(self), self.operands, *map(_hashable, self.details))

    @property
    def key(self) -> Any:
        """Two instructions with the same key make the same array."""
        return self.content

    def __str__(self) -> str:
        details = {name: getattr(self, name) for name in _names(type(self)) if name != "shape"}  # type: ignore[arg-type]
        name = details.pop("op", None) or type(self).__name__.lower()
        words = [f"{each}={_detail_text(detail):.60}" for each, detail in details.items()]
        return " ".join([name.name if isinstance(name, Operation) else name, *(f"%{each}" for each in self.operands), *words])


@functools.cache
def _names(kind: type[Instruction]) -> tuple[str, ...]:
    """The fields of a kind of instruction, other than the operands."""
    return tuple([each.name for each in fields(kind) if each.name != "operands"])


def _hashable(detail: Any) -> Any:
    return (detail.shape, detail.dtype.str, detail.tobytes()) if isinstance(detail, np.ndarray) else detail


def _detail_text(detail: Any) -> str:
    return str(detail.tolist() if isinstance(detail, np.ndarray) else detail)


@dataclass(frozen=True, eq=False)
class Leaf(Instruction):
    """Abstract: an array from the caller."""

    shape: Shape

    def type(self, operands: Sequence[Type]) -> Type:
        return Type(self.shape)


@dataclass(frozen=True, eq=False)
class Input(Leaf):
    argument: int


@dataclass(frozen=True, eq=False)
class Parameters(Leaf):
    pass


@dataclass(frozen=True, eq=False)
class Weights(Leaf):
    pass


@dataclass(frozen=True, eq=False)
class Constant(Instruction):
    value: FloatArray

    def type(self, operands: Sequence[Type]) -> Type:
        return Type(self.value.shape)


@dataclass(frozen=True, eq=False)
class Scale(Instruction):
    factor: float
    power: int

    def type(self, operands: Sequence[Type]) -> Type:
        return Type(())


@dataclass(frozen=True, eq=False)
class Elementwise(Instruction):
    op: Operation

    @property
    def key(self) -> Any:
        return Elementwise, self.operands, self.op

    def type(self, operands: Sequence[Type]) -> Type:
        if not self.op.variadic and len(operands) != self.op.arity:
            raise ValueError(f"{self.op.name} takes {self.op.arity} operands")
        if operands[0].dtype is REAL and not self.op.is_condition and operands.count(operands[0]) == len(operands):
            return operands[0]  # the usual case
        dtypes = [each.dtype for each in operands]
        if not self.op.is_condition and REAL not in (dtypes[1:] if self.op is ops.where else dtypes):
            raise ValueError(f"{self.op.name} of booleans differs from {self.op.name} of numbers: convert one operand to numbers")
        return Type(broadcast([each.shape for each in operands]), BOOLEAN if self.op.is_condition else REAL)


@dataclass(frozen=True, eq=False)
class Reduce(Instruction):
    op: Operation
    axis: int

    def type(self, operands: Sequence[Type]) -> Type:
        ((shape, dtype),) = operands
        if self.op.reduction is None or not 0 <= self.axis < len(shape):
            raise ValueError(f"no reduction by {self.op.name} along axis {self.axis} of {shape_text(shape)}")
        if dtype is BOOLEAN and self.op is not ops.total_:
            raise ValueError(f"{self.op.name} takes numbers")
        return Type((*shape[: self.axis], 1, *shape[self.axis + 1 :]))


@dataclass(frozen=True, eq=False)
class Segments(Instruction):
    op: Operation
    lengths: FloatArray

    @property
    def starts(self) -> FloatArray:
        """The first column of each segment."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def columns(self) -> FloatArray:
        """For each column of the operand, the number of its segment."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def type(self, operands: Sequence[Type]) -> Type:
        (((*rest, size), dtype),) = operands
        if self.op.reduction is None or self.lengths.min(initial=1) < 1 or self.lengths.sum() != size:
            raise ValueError(f"no segments of {self.lengths.tolist()!s:.60} of {size} columns by {self.op.name}")
        if dtype is BOOLEAN:
            raise ValueError(f"segments of {self.op.name} take numbers")
        return Type((*rest, len(self.lengths)))


@dataclass(frozen=True, eq=False)
class MatMul(Instruction):
    def type(self, operands: Sequence[Type]) -> Type:
        (left, left_dtype), (right, right_dtype) = operands
        if len(left) != 2 or len(right) != 2 or left[1] != right[0]:
            raise ValueError(f"no product of matrices of shapes {shape_text(left)} and {shape_text(right)}")
        if left_dtype is right_dtype is BOOLEAN:
            raise ValueError("a product of booleans differs from a product of numbers: convert one operand to numbers")
        return Type((left[0], right[1]))


@dataclass(frozen=True, eq=False)
class Pairs(Instruction):
    """Abstract: pairs of rows, such as queries and keys. Left and right rows lie in as many blocks of equal size, pairs within blocks."""

    lefts: FloatArray
    rights: FloatArray
    rows: tuple[int, int]  # how many of them are on the left, and on the right
    width: int  # the columns of a row
    blocks: int

    @property
    def sizes(self) -> tuple[int, int]:
        """The numbers of left and of right rows in a block."""
        return self.rows[0] // self.blocks, self.rows[1] // self.blocks

    @property
    def entries(self) -> FloatArray:
        """The place of each pair in the matrices of all pairs of a block, one block after another."""
        return np.asarray(self.lefts * self.sizes[1] + self.rights % self.sizes[1])

    @property
    def is_dense(self) -> bool:
        """Whether it pays to compute all pairs of a block."""
        return 4 * len(self.lefts) >= self.blocks * math.prod(self.sizes)

    def _check(self, columns: int, left: Type, right: Type) -> None:
        fits = (left.shape, right.shape) == ((BATCH, columns), (BATCH, self.rows[1] * self.width)) and len(self.lefts) == len(self.rights)
        if not fits or self.lefts.max(initial=0) >= self.rows[0] or self.rights.max(initial=0) >= self.rows[1]:
            raise ValueError(f"arrays of shapes {shape_text(left.shape)} and {shape_text(right.shape)} have no such pairs of rows")
        if any(count % self.blocks for count in self.rows) or np.any(self.lefts // self.sizes[0] != self.rights // self.sizes[1]):
            raise ValueError(f"the rows do not lie in {self.blocks} blocks")
        assert BOOLEAN not in (left.dtype, right.dtype)  # the builder makes numbers of them


@dataclass(frozen=True, eq=False)
class PairProducts(Pairs):
    def type(self, operands: Sequence[Type]) -> Type:
        self._check(self.rows[0] * self.width, *operands)
        return Type((BATCH, len(self.lefts)))


@dataclass(frozen=True, eq=False)
class PairSums(Pairs):
    def type(self, operands: Sequence[Type]) -> Type:
        self._check(len(self.lefts), *operands)
        return Type((BATCH, self.rows[0] * self.width))


@dataclass(frozen=True, eq=False)
class Slice(Instruction):
    start: int
    stop: int
    step: int
    moves: ClassVar[bool] = True
    is_view: ClassVar[bool] = True

    @property
    def columns(self) -> Columns:
        return self.start, self.stop, self.step

    def type(self, operands: Sequence[Type]) -> Type:
        (((*rest, size), dtype),) = operands
        if not 0 <= self.start < self.stop <= size or self.step < 1:
            raise ValueError(f"no columns {self.start}:{self.stop}:{self.step} of {size}")
        return Type((*rest, len(range(*self.columns))), dtype)


@dataclass(frozen=True, eq=False)
class Take(Instruction):
    columns: FloatArray
    moves: ClassVar[bool] = True

    def type(self, operands: Sequence[Type]) -> Type:
        (((*rest, size), dtype),) = operands
        if not (self.columns.size and 0 <= self.columns.min() <= self.columns.max() < size):
            raise ValueError(f"no columns {self.columns.tolist()!s:.60} of {size}")
        return Type((*rest, len(self.columns)), dtype)


@dataclass(frozen=True, eq=False)
class Lookup(Instruction):
    def type(self, operands: Sequence[Type]) -> Type:
        (table, dtype), (index, _) = operands
        if len(table) not in (2, 3) or table[:-2] not in ((), (BATCH,)) or len(index) != 2 or index[0] != BATCH:
            raise ValueError(f"no rows of {shape_text(table)} at indices {shape_text(index)}")
        return Type((*index, table[-1]), dtype)


@dataclass(frozen=True, eq=False)
class AddRows(Instruction):
    shape: Shape

    def type(self, operands: Sequence[Type]) -> Type:
        (index, _), (part, _) = operands
        if len(self.shape) not in (2, 3) or self.shape[:-2] not in ((), (BATCH,)) or part != (*index, self.shape[-1]) or index[0] != BATCH:
            raise ValueError(f"the rows {shape_text(part)} at indices {shape_text(index)} do not fit into {shape_text(self.shape)}")
        return Type(self.shape)


@dataclass(frozen=True, eq=False)
class Reshape(Instruction):
    shape: Shape
    moves: ClassVar[bool] = True
    is_view: ClassVar[bool] = True

    def type(self, operands: Sequence[Type]) -> Type:
        ((shape, dtype),) = operands
        if math.prod(shape) != math.prod(self.shape):
            raise ValueError(f"the entries of {shape_text(shape)} do not fill {shape_text(self.shape)}")
        return Type(self.shape, dtype)


@dataclass(frozen=True, eq=False)
class Transpose(Instruction):
    moves: ClassVar[bool] = True
    is_view: ClassVar[bool] = True

    def type(self, operands: Sequence[Type]) -> Type:
        ((shape, dtype),) = operands
        if len(shape) != 2:
            raise ValueError(f"only matrices are transposed, not {shape_text(shape)}")
        return Type(shape[::-1], dtype)


@dataclass(frozen=True, eq=False)
class Concatenate(Instruction):
    moves: ClassVar[bool] = True

    def type(self, operands: Sequence[Type]) -> Type:
        rest = {each.shape[:-1] for each in operands}
        if len(rest) != 1:
            raise ValueError(f"arrays of shapes {', '.join(shape_text(each.shape) for each in operands)} do not fit side by side")
        dtype = BOOLEAN if all(each.dtype is BOOLEAN for each in operands) else REAL
        return Type((*rest.pop(), sum(each.shape[-1] for each in operands)), dtype)


@dataclass(frozen=True, eq=False)
class Expand(Instruction):
    shape: Shape
    moves: ClassVar[bool] = True

    def type(self, operands: Sequence[Type]) -> Type:
        ((shape, dtype),) = operands
        if broadcast([shape, self.shape]) != self.shape:
            raise ValueError(f"{shape_text(shape)} does not broadcast to {shape_text(self.shape)}")
        return Type(self.shape, dtype)


@dataclass(frozen=True, eq=False)
class Scatter(Instruction):
    places: tuple[Columns | FloatArray | None, ...]
    shape: Shape

    def type(self, operands: Sequence[Type]) -> Type:
        for place, (shape, _) in zip(self.places, operands, strict=True):
            if shape != placed(place, self.shape):
                raise ValueError(f"{shape_text(shape)} does not fill the columns {place!s:.60} of {shape_text(self.shape)}")
            if isinstance(place, np.ndarray) and len(np.unique(place)) < len(place):
                raise ValueError(f"a column is filled twice by the columns {place.tolist()!s:.60}")
        return Type(self.shape)

    @property
    def content(self) -> Any:
        return (Scatter, self.operands, self.shape, *map(_hashable, self.places))

    @property
    def key(self) -> Any:
        return self  # the arrays that a scatter fills are its own
