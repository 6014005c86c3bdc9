"""Trace: the instructions of a program as operations on JAX arrays, which JAX compiles as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.jax import grids
from autograd.vectorize.backends.jax.grids import Grid
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program

JaxArray = Any  # jax.Array, or what JAX traces it with
ROWS = 1024  # examples in one sum of float32: its error is then about 1e-7 of the size of the terms
PARTS = 64  # such sums that a GPU computes at the same time


def function(program: Program, signature: Signature) -> Callable[..., Any]:
    """The program as a pure function `(theta, *batch) -> (cost, gradient)`, or `-> results` if it has no cost.

    It computes in the dtype of `theta`, or in the default dtype of JAX if `theta` holds integers. `shapes` are those of one example of each
    argument, and `result` that of one example's results.
    """
    name, arguments, shapes, result, _ = signature
    size = program.parameter_count
    wanted = f"theta ({size},), " + ", ".join(f"{each} {ir.shape_text((ir.BATCH, *shape))}" for each, shape in zip(arguments, shapes))

    def run(theta: JaxArray, *batch: JaxArray) -> JaxArray:
        theta, arrays = jnp.asarray(theta), [jnp.asarray(each) for each in batch]
        if not jnp.issubdtype(theta.dtype, jnp.floating):
            theta = theta.astype(float)  # the results would be integers too
        given = [each.shape for each in (theta, *arrays)]
        count = len(arrays[0]) if arrays and arrays[0].ndim else 0
        if given != [(size,), *((count, *shape) for shape in shapes)]:
            raise ValueError(f"{name} takes {wanted}; got arrays of shapes {', '.join(map(str, given))}")
        found = answer(program, theta, arrays)
        if "cost" in program.outputs:
            return found[0], found[1:] if "gradient" in program.outputs else jnp.zeros_like(theta)
        return jnp.broadcast_to(found.reshape(-1, *result), (count, *result))

    run.__name__ = run.__qualname__ = name
    return run


def answer(program: Program, theta: JaxArray, arrays: Sequence[JaxArray]) -> JaxArray:
    """The output of a program as one array: its rows, or its cost followed by the gradient.

    `arrays` are the arguments, followed by the weights if the program has them. A large batch in float32 is computed in parts, because on
    some devices a product of matrices adds one number after another and loses digits.
    """
    batch, whole = len(arrays[0]), partial(_answer, program, theta)
    if not is_in_parts(program, theta.dtype, batch):
        return whole(arrays)
    count, left = divmod(batch, ROWS)
    at_once = None if jax.default_backend() == "cpu" else PARTS
    parts = jax.lax.map(whole, [each[: count * ROWS].reshape(count, ROWS, *each.shape[1:]) for each in arrays], batch_size=at_once)
    total, shares = jnp.sum(parts, 0), (1.0, 1.0) if program.find(ir.Weights) else (ROWS / batch, left / batch)
    return shares[0] * total + shares[1] * whole([each[count * ROWS :] for each in arrays]) if left else shares[0] * total


def is_in_parts(program: Program, dtype: Any, batch: int) -> bool:
    """Whether a batch is computed in parts."""
    return "cost" in program.outputs and dtype != np.float64 and batch > ROWS


def _answer(program: Program, theta: JaxArray, arrays: Sequence[JaxArray]) -> JaxArray:
    inputs, weights = (arrays[:-1], arrays[-1]) if program.find(ir.Weights) else (arrays, None)
    outputs = evaluate(program, inputs, theta, weights)
    cost = outputs.pop("cost", None)
    rest = list(outputs.values())
    return rest[0] if cost is None else jnp.concatenate([cost.reshape(1), *rest])


class Cuts(NamedTuple):
    """The pieces of a vector of parameters: their ends and their shapes."""

    ends: tuple[int, ...]  # where each begins, and where the last one ends
    shapes: tuple[ir.Shape, ...]

    @classmethod
    def none(cls, size: int) -> Cuts:
        return cls((0, size), ((size,),))

    @classmethod
    def of(cls, program: Program) -> Cuts:
        """The pieces of the gradient of a program, with weights in the shape of their matrix; one piece if they overlap."""
        (size,) = program.shape(program.outputs["gradient"])
        gradient = program.instructions[program.outputs["gradient"]]
        if not isinstance(gradient, ir.Scatter) or len(gradient.places) > 64:
            return cls.none(size)
        found = {
            place[:2]: program.shape(program.origin(each))
            for place, each in zip(gradient.places, gradient.operands)
            if isinstance(place, tuple) and place[2] == 1
        }
        pairs = sorted(found)
        if len(pairs) < len(gradient.places) or any(stop > start for (_, stop), (start, _) in pairwise(pairs)):
            return cls.none(size)
        ends = tuple(sorted({0, size, *(each for pair in pairs for each in pair)}))
        return cls(ends, tuple([found.get((start, stop)) or (stop - start,) for start, stop in pairwise(ends)]))


class Pieces(NamedTuple):
    """A vector of parameters in pieces, so that matrices need not be copied out of it and back."""

    parts: tuple[JaxArray, ...]
    cuts: Cuts

    @classmethod
    def of(cls, vector: JaxArray, cuts: Cuts) -> Pieces:
        return cls(tuple([vector[start:stop].reshape(shape) for (start, stop), shape in zip(pairwise(cuts.ends), cuts.shapes)]), cuts)

    @property
    def dtype(self) -> Any:
        return self.parts[0].dtype

    @property
    def whole(self) -> JaxArray:
        return jnp.concatenate([each.reshape(-1) for each in self.parts])

    def between(self, start: int, stop: int) -> JaxArray:
        for place, ends in enumerate(pairwise(self.cuts.ends)):
            if ends == (start, stop):
                return self.parts[place].reshape(-1)
        return self.whole[start:stop]


def cost_and_gradient(program: Program, theta: Pieces, inputs: Sequence[JaxArray]) -> tuple[JaxArray, Pieces, JaxArray]:
    """The cost of a program, its gradient in pieces like those of `theta`, and the sum of the gradient's squares."""
    if is_in_parts(program, theta.dtype, len(inputs[0])):
        whole = answer(program, theta.whole, inputs)
        found = Pieces.of(whole[1:], theta.cuts)
        return whole[0], found, squares(found)
    arrays = _arrays(program, inputs, theta, None)
    cost, output = arrays[program.outputs["cost"]].reshape(()), program.outputs["gradient"]
    gradient = program.instructions[output]
    if len(theta.parts) == 1 or not isinstance(gradient, ir.Scatter):
        found = Pieces.of(jnp.broadcast_to(arrays[output], program.shape(output)), theta.cuts)
        return cost, found, squares(found)
    made = {place[0]: each for place, each in zip(gradient.places, gradient.operands) if isinstance(place, tuple)}
    parts = tuple([
        jnp.asarray(arrays[made[start]], theta.dtype).reshape(shape) if start in made else jnp.zeros(shape, theta.dtype)
        for start, shape in zip(theta.cuts.ends, theta.cuts.shapes)
    ])  # fmt: skip
    total = sum(_squares(program, arrays, each) for each in made.values())
    return cost, Pieces(parts, theta.cuts), total


def squares(vector: Pieces) -> JaxArray:
    """The sum of the squares of a vector."""
    return sum(jnp.sum(each * each) for each in vector.parts)


def _squares(program: Program, arrays: Sequence[JaxArray], number: int) -> JaxArray:
    """The sum of the squares of an array. An outer product, the gradient of a matrix for one example, is not computed for it.

    The factors are scaled so that a square overflows or underflows only if the square of the product does.
    """
    number = program.origin(number)
    match program.instructions[number]:
        case ir.MatMul(operands=(column, row)) if arrays[column].shape[-1] == 1:
            largest = jnp.max(jnp.abs(arrays[column]))
            scale = jnp.where(largest > 0, largest, 1.0)
            return jnp.sum((arrays[column] / scale) ** 2) * jnp.sum((arrays[row] * scale) ** 2)
    return jnp.sum(arrays[number] ** 2)


def evaluate(program: Program, inputs: Sequence[JaxArray], theta: JaxArray, weights: JaxArray | None = None) -> dict[str, JaxArray]:
    """The outputs of the program by name, in full shape and in the dtype of `theta`."""
    arrays = _arrays(program, inputs, theta, weights)
    batch = len(inputs[0])
    outputs = {name: jnp.broadcast_to(arrays[each], ir.sized(program.shape(each), batch)) for name, each in program.outputs.items()}
    if "cost" in outputs:
        outputs["cost"] = outputs["cost"].reshape(())
    return outputs


def some(program: Program, numbers: Sequence[int], inputs: Sequence[JaxArray], theta: JaxArray) -> list[JaxArray]:
    """These arrays of the program, in full shape."""
    arrays = _arrays(program, inputs, theta, None)
    return [jnp.broadcast_to(arrays[each], ir.sized(program.shape(each), len(inputs[0]))) for each in numbers]


def _arrays(program: Program, inputs: Sequence[JaxArray], theta: JaxArray | Pieces, weights: JaxArray | None) -> list[JaxArray]:
    batch, dtype = len(inputs[0]), theta.dtype
    arrays: list[JaxArray | Grid] = []
    patterns = grids.patterns_of(program)
    with jax.default_matmul_precision("highest"):  # a product of float32 is one of float32, on every device
        for number, instruction in enumerate(program.instructions):
            match instruction:
                case ir.Input(argument=argument):
                    array = inputs[argument].reshape(batch, -1).astype(dtype)
                case ir.Parameters():
                    whole = theta.whole if isinstance(theta, Pieces) else theta  # XLA removes it if it is not used
                    array = jnp.broadcast_to(whole, ir.sized(program.shape(number), batch))
                case ir.Slice(start=start, stop=stop, step=1) if isinstance(theta, Pieces) and _is_vector(program, instruction.operands[0]):
                    array = theta.between(start, stop)
                case ir.Weights():
                    assert weights is not None
                    array = weights.reshape(batch, 1)
                case _:
                    operands = [arrays[each] for each in instruction.operands]
                    array = _on_pairs(instruction, operands, patterns)
                    if array is None:
                        array = _array(instruction, list(map(grids.columns_of, operands)), batch, dtype)
            arrays.append(array)
        return list(map(grids.columns_of, arrays))


def _is_vector(program: Program, number: int) -> bool:
    """Whether an array is the parameter vector that all examples share."""
    return isinstance(program.instructions[number], ir.Parameters) and len(program.shape(number)) == 1


def _on_pairs(instruction: ir.Instruction, operands: list[JaxArray | Grid], patterns: Sequence[grids.Pattern]) -> JaxArray | Grid | None:
    """What an instruction computes for all pairs of rows, or from them; None for other instructions."""
    match instruction:
        case ir.PairProducts():
            return grids.products(instruction, *map(grids.columns_of, operands))
        case ir.PairSums():
            return grids.sums(instruction, operands[0], grids.columns_of(operands[1]))
        case ir.Take(columns=columns) if not isinstance(operands[0], Grid):
            return grids.of_rows(operands[0], columns, patterns)
        case ir.Segments(op=op) if isinstance(operands[0], Grid):
            return grids.reduced(op, instruction, operands[0])
        case ir.Elementwise(op=op) if any(isinstance(each, Grid) for each in operands):
            return grids.elementwise(_function(op), operands)
    return None


def _array(instruction: ir.Instruction, operands: list[JaxArray], batch: int, dtype: Any) -> JaxArray:
    match instruction:
        case ir.Constant(value=value):
            return value.astype(dtype)
        case ir.Scale(factor=factor, power=power):
            return np.asarray(factor * float(batch) ** power, dtype)
        case ir.Elementwise(op=op):
            return _function(op)(*operands)
        case ir.Reduce(op=op, axis=axis):
            return _reduced(op, operands[0], axis, dtype)
        case ir.Segments(op=op):
            return _segments(op, instruction, operands[0], dtype)
        case ir.MatMul():
            return operands[0] @ operands[1]
        case ir.Slice(start=start, stop=stop, step=step):
            return operands[0][..., start:stop:step]
        case ir.Take(columns=columns):
            return grids.taken(operands[0], columns)
        case ir.Lookup():
            return jnp.asarray(operands[0]).at[_rows(*operands)].get(mode="clip")
        case ir.AddRows(shape=shape):
            zeros = jnp.zeros(ir.sized(shape, batch), dtype)
            return zeros.at[_rows(zeros, operands[0])].add(operands[1])
        case ir.Reshape(shape=shape):
            return operands[0].reshape(ir.sized(shape, batch))
        case ir.Transpose():
            return operands[0].T
        case ir.Concatenate():
            return _side_by_side(operands)
        case ir.Expand(shape=shape):
            return jnp.broadcast_to(operands[0], ir.sized(shape, batch))
        case ir.Scatter(places=places, shape=shape):
            return _scattered(places, operands, ir.sized(shape, batch), dtype)
    raise ValueError(f"the instruction {instruction} is not supported")


def _function(op: Operation) -> Callable[..., JaxArray]:
    """The function of JAX for an operation. It has the name of the function of numpy."""
    if op.is_special:
        return getattr(jax.scipy.special, op.name)  # type: ignore[no-any-return]
    if op.reduction is not None:
        ufunc = getattr(jnp, op.reduction.__name__)
        return lambda *operands: reduce(ufunc, operands)
    return getattr(jnp, getattr(op.on_arrays, "__name__", op.name))  # type: ignore[no-any-return]


def _rows(table: JaxArray, index: JaxArray) -> tuple[JaxArray, ...]:
    """The rows at the indices (batch, n) of a table, or of one table for each example."""
    index = index.astype(np.int32)
    return (index,) if table.ndim == 2 else (jnp.arange(len(index))[:, None], index)


def _reduced(op: Operation, array: JaxArray, axis: int, dtype: Any) -> JaxArray:
    """A reduction along an axis, which remains with size 1."""
    if op is ops.total_:
        return jnp.sum(array, axis, dtype, keepdims=True)
    if op is ops.logsumexp_:
        return jax.nn.logsumexp(array, axis, keepdims=True)
    return (jnp.max if op is ops.largest_ else jnp.min)(array, axis, keepdims=True)


def _segments(op: Operation, segments: ir.Segments, array: JaxArray, dtype: Any) -> JaxArray:
    """A reduction of segments of columns: those of about the same length are made equally long and reduced together."""
    assert op.reduction is not None
    lengths, starts, parts, order = segments.lengths, segments.starts, [], []
    classes = np.frexp(lengths - 1)[1]  # from one power of 2 to the next
    for each in np.unique(classes):
        chosen = np.flatnonzero(classes == each)
        place = np.arange(lengths[chosen].max())
        is_there = place < lengths[chosen, None]
        padded = array[..., _indices(starts[chosen, None] + np.minimum(place, lengths[chosen, None] - 1))]
        if op.reduction.identity is not None and not is_there.all():  # the others have the last column once more: a largest one stays it
            padded = jnp.where(is_there, padded, op.reduction.identity)
        parts.append(_reduced(op, padded, -1, dtype)[..., 0])
        order.append(chosen)
    joined = jnp.concatenate(parts, -1)
    return joined if len(parts) == 1 else joined[..., _indices(np.argsort(np.concatenate(order)))]


def _indices(columns: FloatArray) -> FloatArray:
    """Column indices as int32, which JAX has both with and without float64."""
    return columns.astype(np.int32)


def _side_by_side(parts: Sequence[JaxArray]) -> JaxArray:
    """Concatenate arrays along the last axis. Arrays of a batch are written into one array, so that XLA does not recompute them."""
    *rest, _ = parts[0].shape
    if not rest:
        return jnp.concatenate(parts)
    whole, start = jnp.zeros((*rest, sum(each.shape[-1] for each in parts)), jnp.result_type(*parts)), 0
    for part in parts:
        whole = _written(whole, part, start)
        start += part.shape[-1]
    return whole


def _written(whole: JaxArray, part: JaxArray, start: int) -> JaxArray:
    return jax.lax.dynamic_update_slice_in_dim(whole, jnp.asarray(part, whole.dtype), start, -1)


def _scattered(places: Sequence[ir.Columns | FloatArray | None], parts: Sequence[JaxArray], shape: tuple[int, ...], dtype: Any) -> JaxArray:
    """Zeros, with each part added into its columns."""
    *rest, size = shape
    if not rest and (joined := _joined(places, parts, size, dtype)) is not None:
        return joined
    whole, is_written = jnp.zeros(shape, dtype), np.zeros(size, dtype=bool)
    for place, part in zip(places, parts):
        match place:
            case None:
                whole, is_written[:] = whole + part, True
            case (start, stop, 1):
                is_new = not is_written[start:stop].any()
                whole = _written(whole, part if is_new else part + whole[..., start:stop], start)
                is_written[start:stop] = True
            case (start, stop, step):
                chosen = range(start, stop, step)
                around = [(0, 0, 0)] * len(rest) + [(start, size - 1 - chosen[-1], step - 1)]
                whole = whole + jax.lax.pad(jnp.asarray(part, dtype), jnp.zeros((), dtype), around)
                is_written[:] = True
            case numbers:
                whole, is_written[numbers] = whole.at[..., _indices(numbers)].add(part), True
    return whole


def _joined(places: Sequence[ir.Columns | FloatArray | None], parts: Sequence[JaxArray], size: int, dtype: Any) -> JaxArray | None:
    """The parts one after another with zeros in the gaps, as in the gradient of a network; None if they overlap."""
    beside, end = [], 0
    for place, part in sorted(zip(places, parts), key=lambda each: each[0][0] if isinstance(each[0], tuple) else -1):
        if not isinstance(place, tuple) or place[0] < end or place[2] != 1:
            return None
        beside += [jnp.zeros(place[0] - end, dtype), jnp.asarray(part, dtype)]
        end = place[1]
    return jnp.concatenate([*beside, jnp.zeros(size - end, dtype)])
