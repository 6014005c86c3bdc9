"""Calls: a program as numpy calls on places, which `storage` has planned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import ops
from autograd.operation import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.places import Place, in_step
from autograd.vectorize.storage import Buffer, Storage, as_bits, is_fixed, is_masked

FEW = 3  # slices as which numbered columns are written one by one


class Call(NamedTuple):
    """A function and its arguments. A Place stands for the array at it."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def fixed(storage: Storage) -> Iterator[Call]:
    """The calls that fill the arrays that are the same in every run."""
    for number, instruction in enumerate(storage.program.instructions):
        place = storage.places[number]
        match instruction:
            case ir.Constant(value=value):
                yield Call(np.copyto, (place, value))
            case ir.Scale(factor=factor, power=power):
                yield Call(np.copyto, (place, factor * float(storage.batch) ** power))
            case ir.Expand() if is_fixed(storage.program, number):
                yield Call(np.copyto, (place, storage.places[instruction.operands[0]]))
            case ir.PairSums() if number in storage.scratch and number not in storage.filled:
                yield Call(np.ndarray.fill, (*storage.scratch[number], 0.0))


def calls(storage: Storage, over: Mapping[str, int] | None = None) -> Iterator[Call]:
    """The calls that compute all other arrays, in order, and copy outputs to `out` or over arguments if they lie elsewhere."""
    program, places = storage.program, storage.places
    for number, instruction in enumerate(program.instructions):
        place, operands = places[number], [places[each] for each in instruction.operands]
        if is_fixed(program, number):
            continue
        match instruction:
            case ir.Elementwise():
                yield from _elementwise(storage, number, instruction)
            case ir.MatMul():
                yield _product(place, *operands)
            case ir.Reduce(op=ops.total_, axis=axis):
                yield _sum(place, operands[0], axis)
            case ir.Reduce(op=ops.logsumexp_, axis=axis):
                yield from _logsumexp(place, operands[0], axis, *storage.scratch[number])
            case ir.Reduce(op=op, axis=axis):
                yield Call(_reduce_along, (op.reduction, operands[0], axis, place))
            case ir.Segments(op=ops.logsumexp_):
                yield from _logsumexp_of_segments(place, operands[0], instruction, *storage.scratch[number])
            case ir.Segments(op=op):
                yield Call(_reduceat(op), (operands[0], instruction.starts, -1, None, place))
            case ir.Pairs():
                left, right = operands
                yield from _pairs(instruction, place, left, right, storage.scratch.get(number, []), number in storage.filled)
            case ir.Take(columns=columns):
                yield Call(np.ndarray.take, (operands[0], columns, -1, place, "clip"))
            case ir.Lookup():
                yield from _lookup(place, *operands, *storage.scratch[number])
            case ir.AddRows():
                yield from _added_rows(place, *operands, *storage.scratch[number])
            case ir.Expand():
                yield Call(np.copyto, (place, operands[0]))
            case ir.Reshape() if number in storage.copies:
                yield Call(np.copyto, (place.reshaped(operands[0].shape), operands[0]))
            case ir.Concatenate():
                yield from _concatenation(place, operands)
            case ir.Scatter(places=columns):
                yield from _scatter(place, list(zip(columns, operands)))
            case _ if not (isinstance(instruction, ir.Leaf) or instruction.is_view):
                raise ValueError(f"the instruction {instruction} is not supported")
    over = over or {}
    for name, place in storage.kept.items():
        yield Call(np.copyto, (place, places[program.outputs[name]]))
    for name, number in program.outputs.items():
        target, source = f"input {over[name]}" if name in over else "out", storage.kept.get(name, places[number])
        if name != "cost" and source.buffer.name != target:  # it is a view, or an argument
            yield Call(np.copyto, (Place.whole(Buffer(target, storage.dtype), source.shape), source))


def _elementwise(storage: Storage, number: int, instruction: ir.Elementwise) -> Iterator[Call]:
    op, place, operands = instruction.op, storage.places[number], [storage.places[each] for each in instruction.operands]
    numbers = [_constant(storage, each) for each in instruction.operands]
    if is_masked(storage.program, instruction):
        (bits,) = storage.scratch[number]  # all of a number's bits, or none
        if number not in storage.filled:
            yield Call(np.negative, tuple(in_step([as_bits(operands[0]), bits])))
        yield Call(np.bitwise_and, tuple(in_step([as_bits(operands[1]), bits, as_bits(place)])))
    elif op is ops.where:
        (mask,) = storage.scratch.get(number, operands[:1])
        yield Call(np.copyto, (place, operands[2]))
        if mask is not operands[0]:
            yield Call(np.not_equal, (operands[0], 0.0, mask))
        yield Call(_copy_where, (place, operands[1], mask))
    elif not isinstance(op.on_arrays, np.ufunc):
        yield Call(_apply_and_copy, (op.on_arrays, place, *operands))
    elif op is ops.power and numbers[1] == 2:
        yield Call(np.square, tuple(in_step([operands[0], place])))
    elif op is ops.divide and numbers[0] == 1 and not storage.program.is_boolean(instruction.operands[1]):
        yield Call(np.reciprocal, tuple(in_step([operands[1], place])))
    else:
        yield Call(function_of(op), tuple(in_step([*operands, place])))


def _constant(storage: Storage, number: int) -> float | None:
    instruction = storage.program.instructions[number]
    return float(instruction.value) if isinstance(instruction, ir.Constant) and instruction.value.shape == () else None


def _product(place: Place, left: Place, right: Place) -> Call:
    if place.shape == (1, 1) and left.reshaped((left.size,)) and right.reshaped((right.size,)):
        return Call(np.ndarray.dot, (left.flat(), right.flat(), place.reshaped(())))  # twice as fast as the product of matrices
    return Call(np.ndarray.dot, (left, right, place))


def _sum(place: Place, operand: Place, axis: int) -> Call:
    """A sum along an axis, as a product with ones where possible: this is the fastest way."""
    ones = np.ones(operand.shape[axis], dtype=place.buffer.dtype)
    if operand.buffer.dtype == place.buffer.dtype and axis == 0 and len(operand.shape) == 2:
        return Call(np.ndarray.dot, (ones, operand, place.flat()))
    rows = operand.reshaped((place.size, operand.shape[axis])) if axis == len(operand.shape) - 1 else None
    if operand.buffer.dtype == place.buffer.dtype and rows is not None:
        return Call(np.ndarray.dot, (rows, ones, place.flat()))
    return Call(_reduce_along, (np.add, operand, axis, place))


def _logsumexp(place: Place, operand: Place, axis: int, shifted: Place, largest: Place) -> Iterator[Call]:
    yield Call(_reduce_along, (np.maximum, operand, axis, largest))
    yield Call(_finite_or_zero, (largest,))
    yield Call(np.subtract, (operand, largest, shifted))
    yield Call(np.exp, (shifted, shifted))
    yield Call(_reduce_along, (np.add, shifted, axis, place))
    yield Call(np.log, (place, place))
    yield Call(np.add, (place, largest, place))


def _lookup(place: Place, table: Place, index: Place, rows: Place) -> Iterator[Call]:
    yield Call(np.copyto, (rows, index, "unsafe"))  # from floats that are whole numbers
    if len(table.shape) == 2:
        yield Call(np.ndarray.take, (table, rows, 0, place, "clip"))
    else:
        yield Call(_take_rows_of_each, (table, rows, place))


def _added_rows(place: Place, index: Place, part: Place, rows: Place, entries: Place) -> Iterator[Call]:
    """Add rows to a table of zeros, entry by entry: add.at is slow where an index stands for more than one number."""
    *each, count, width = place.shape
    yield Call(np.copyto, (rows, index, "unsafe"))
    if each:
        yield Call(np.add, (rows, count * np.arange(rows.shape[0])[:, None], rows))
    yield Call(np.multiply, (rows, np.asarray(width), rows))
    yield Call(np.add, (rows.reshaped((*rows.shape, 1)), np.arange(width), entries))
    yield Call(np.ndarray.fill, (place, 0.0))
    yield Call(_add_at, (place.flat(), entries.flat(), part))


def _logsumexp_of_segments(place: Place, operand: Place, segments: ir.Segments, shifted: Place, largest: Place) -> Iterator[Call]:
    starts = segments.starts
    yield Call(np.maximum.reduceat, (operand, starts, -1, None, largest))
    yield Call(_finite_or_zero, (largest,))
    yield Call(np.ndarray.take, (largest, segments.columns, -1, shifted, "clip"))
    yield Call(np.subtract, (operand, shifted, shifted))
    yield Call(np.exp, (shifted, shifted))
    yield Call(np.add.reduceat, (shifted, starts, -1, None, place))
    yield Call(np.log, (place, place))
    yield Call(np.add, (place, largest, place))


def _reduceat(op: Operation) -> Callable[..., Any]:
    assert op.reduction is not None  # Program.check has refused others
    return op.reduction.reduceat


def _pairs(pairs: ir.Pairs, place: Place, left: Place, right: Place, scratch: Sequence[Place], is_filled: bool) -> Iterator[Call]:
    """Products or sums of pairs of rows, by the products of whole blocks where most of their pairs are asked for.

    For sums, the scratch memory may have the numbers of the pairs already.
    """
    batch = place.shape[0]
    (rows, others), width = pairs.sizes, pairs.width
    is_product = isinstance(pairs, ir.PairProducts)
    if not scratch:
        yield Call(_products_of_pairs if is_product else _sums_of_pairs, (place, left, right, pairs))
        return
    (every,), entries = scratch, pairs.entries
    size = every.size // batch
    blocks = right.reshaped((batch, pairs.blocks, others, width))
    assert blocks is not None
    if is_product:
        yield Call(np.matmul, (left.reshaped((batch, pairs.blocks, rows, width)), blocks.transposed(), every))
        yield Call(np.ndarray.take, (every.reshaped((batch, size)), entries, -1, place, "clip"))
    else:
        if not is_filled:  # there are zeros elsewhere
            yield Call(_put, (every.flat(), np.add.outer(np.arange(batch) * size, entries).ravel(), left))
        yield Call(np.matmul, (every, blocks, place.reshaped((batch, pairs.blocks, rows, width))))
        yield Call(_mend, (place.flat(), place, left, right, pairs, np.zeros(place.size, place.buffer.dtype)))


def _concatenation(place: Place, operands: Sequence[Place]) -> Iterator[Call]:
    start = 0
    for operand in operands:
        stop = start + operand.shape[-1]
        yield Call(np.copyto, (place.columns(start, stop), operand))
        start = stop


def _scatter(place: Place, parts: Sequence[tuple[ir.Columns | FloatArray | None, Place]]) -> Iterator[Call]:
    """Copy each part to columns that are not written yet, and add it to the others. Parts computed in place are there already."""
    size = place.shape[-1]
    written = np.zeros(size, dtype=bool)
    for columns, part in parts:
        if isinstance(columns, np.ndarray) and len(_pieces(columns, size)) > FEW:
            for gap in _gaps(written, slice(0, size)):
                yield Call(np.ndarray.fill, (place.columns(*gap), 0.0))
            yield Call(_add_to_columns if written[columns].any() else _put_into_columns, (place, columns, part))
            written[:] = True
            continue
        for rows, chosen in _pieces(columns, size):
            target, piece = place.columns(*rows), part.columns(*chosen)
            stretch = slice(*rows)
            if piece == target:
                pass
            elif not written[stretch].any():
                yield Call(np.copyto, (target, piece))
            else:
                for gap in _gaps(written, stretch):
                    yield Call(np.ndarray.fill, (place.columns(*gap), 0.0))
                yield Call(np.add, (target, piece, target))
            written[stretch] = True
    for gap in _gaps(written, slice(0, size)):
        yield Call(np.ndarray.fill, (place.columns(*gap), 0.0))


def _pieces(columns: ir.Columns | FloatArray | None, size: int) -> list[tuple[ir.Columns, ir.Columns]]:
    """Evenly spaced runs of the columns of a part of a scatter, each with the columns of the part that go there."""
    if columns is None:
        return [((0, size, 1), (0, size, 1))]
    if isinstance(columns, tuple):
        return [(columns, (0, len(range(*columns)), 1))]
    pieces, start = [], 0
    while start < len(columns):
        stop = start + 1
        step = int(columns[stop] - columns[start]) if stop < len(columns) else 1
        while step > 0 and stop < len(columns) and columns[stop] - columns[stop - 1] == step:
            stop += 1
        pieces.append(((int(columns[start]), int(columns[stop - 1]) + 1, max(step, 1)), (start, stop, 1)))
        start = stop
    return pieces


def _gaps(written: FloatArray, stretch: slice) -> list[ir.Columns]:
    """The runs of these columns that are not written yet."""
    missing = np.arange(len(written))[stretch]
    missing = missing[~written[missing]]
    if not missing.size:
        return []
    breaks = np.flatnonzero(np.diff(missing) != 1) + 1
    return [(int(run[0]), int(run[-1]) + 1, 1) for run in np.split(missing, breaks)]


# Functions that take by position what numpy takes by keyword.


def _reduce_along(ufunc: np.ufunc, array: FloatArray, axis: int, out: FloatArray) -> None:
    ufunc.reduce(array, axis=axis, out=out, keepdims=True)


def _take_rows_of_each(tables: FloatArray, rows: FloatArray, out: FloatArray) -> None:
    np.copyto(out, tables[np.arange(len(tables))[:, None], rows])


def _add_at(array: FloatArray, places: FloatArray, part: FloatArray) -> None:
    np.add.at(array, places, part.reshape(-1))


def _finite_or_zero(array: FloatArray) -> None:
    array[~np.isfinite(array)] = 0.0


def _copy_where(out: FloatArray, array: FloatArray, mask: FloatArray) -> None:
    np.copyto(out, array, where=mask)


def _products_of_pairs(out: FloatArray, left: FloatArray, right: FloatArray, pairs: ir.Pairs) -> None:
    left, right = (each.reshape(len(out), -1, pairs.width) for each in (left, right))
    np.einsum("bpk,bpk->bp", left[:, pairs.lefts], right[:, pairs.rights], out=out)


def _sums_of_pairs(out: FloatArray, left: FloatArray, right: FloatArray, pairs: ir.Pairs) -> None:
    terms = left[..., None] * right.reshape(len(out), -1, pairs.width)[:, pairs.rights]
    total = np.zeros((len(out), pairs.rows[0], pairs.width), out.dtype)
    np.add.at(total, (slice(None), pairs.lefts), terms)  # type: ignore[arg-type]
    out[...] = total.reshape(out.shape)


def _mend(flat: FloatArray, out: FloatArray, left: FloatArray, right: FloatArray, pairs: ir.Pairs, zeros: FloatArray) -> None:
    """Add up pair by pair if a number is not finite: 0 times infinity, for a pair that was not asked for, is nan."""
    if flat.dot(zeros) != 0:  # 0 times a number that is not finite is nan; faster than isfinite
        _sums_of_pairs(out, left, right, pairs)


def _put(out: FloatArray, entries: FloatArray, part: FloatArray) -> None:
    out[entries] = part.reshape(-1)


def _put_into_columns(out: FloatArray, columns: FloatArray, part: FloatArray) -> None:
    out[..., columns] = part


def _add_to_columns(out: FloatArray, columns: FloatArray, part: FloatArray) -> None:
    out[..., columns] += part


def _apply_and_copy(function: Callable[..., Any], out: FloatArray, *arrays: FloatArray) -> None:
    np.copyto(out, function(*arrays))


def _maximum(a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    np.maximum(a, b, out=out)


def _minimum(a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    np.minimum(a, b, out=out)


def _negative(x: FloatArray, out: FloatArray) -> None:
    np.multiply(x, -1.0, out)


def bound(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A call of these arrays. np.negative of numpy 2.2.6 to 2.4.6 reads wrong entries where both arrays have gaps: a product then."""
    if function is np.negative and not any(each.flags.c_contiguous for each in arguments):
        function = _negative
    return function, arguments


_POSITIONAL: dict[Operation, Callable[..., Any]] = {ops.maximum: _maximum, ops.minimum: _minimum}


def function_of(op: Operation) -> Callable[..., Any]:
    """The function of an operation with a ufunc. It takes the operands and the array for the result, by position."""
    return _POSITIONAL.get(op, op.on_arrays)
