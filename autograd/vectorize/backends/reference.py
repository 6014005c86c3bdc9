"""The reference back end: one plain numpy expression for each instruction. It defines what is right; anomaly mode runs it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Backend, Executable, Signature
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program


class ReferenceBackend(Backend):
    """Interprets a program with one plain numpy expression for each instruction."""

    def executable(self, program: Program, dtype: np.dtype[Any]) -> Interpreter:
        return Interpreter(program, dtype)

    def source(self, program: Program, signature: Signature) -> str:
        """Return the instructions as the program prints them."""
        return f"{signature.name}({', '.join(signature.arguments)}):\n{program}\n"


backend = ReferenceBackend()


class Interpreter(Executable):
    """Runs a program instruction by instruction."""

    def __init__(self, program: Program, dtype: np.dtype[Any], watch: bool = False) -> None:
        self.program, self.dtype, self.watch = program, dtype, watch

    def run(self, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None, out: FloatArray) -> float:
        outputs = evaluate(self.program, inputs, theta, weights, self.watch)
        cost = outputs.pop("cost", None)
        for array in outputs.values():
            out[...] = array
        return math.nan if cost is None else float(cost.item())


def evaluate(
    program: Program, inputs: Sequence[FloatArray], theta: FloatArray, weights: FloatArray | None = None, watch: bool = False
) -> dict[str, FloatArray]:
    """Return the outputs of the program by name, in full shape.

    With `watch` the first array with an entry that is not finite raises FloatingPointError, naming the operation.
    """
    batch = len(inputs[0])
    arrays: list[Any] = []
    with np.errstate(all="ignore"):
        for number, instruction in enumerate(program.instructions):
            match instruction:
                case ir.Input(argument=argument):
                    array = inputs[argument].reshape(batch, -1)
                case ir.Parameters():
                    array = np.broadcast_to(theta, ir.sized(program.shape(number), batch))
                case ir.Weights():
                    assert weights is not None
                    array = weights.reshape(batch, 1)
                case _:
                    array = _array(instruction, [arrays[each] for each in instruction.operands], batch, theta.dtype)
            arrays.append(array)
            if watch and not np.all(np.isfinite(array)):
                _complain(instruction, arrays, array)
    return {name: np.broadcast_to(arrays[each], ir.sized(program.shape(each), batch)) for name, each in program.outputs.items()}


def _array(instruction: ir.Instruction, operands: list[Any], batch: int, dtype: np.dtype[Any]) -> Any:
    match instruction:
        case ir.Constant(value=value):
            return value.astype(dtype)
        case ir.Scale(factor=factor, power=power):
            return np.asarray(factor * float(batch) ** power, dtype=dtype)
        case ir.Elementwise(op=op):
            return op.on_arrays(*operands)
        case ir.Reduce(op=op, axis=axis):
            assert op.reduction is not None  # Program.check has refused others
            return op.reduction.reduce(_wide(operands[0]), axis=axis, keepdims=True).astype(dtype)
        case ir.Segments(op=op):
            assert op.reduction is not None
            return op.reduction.reduceat(_wide(operands[0]), instruction.starts, axis=-1).astype(dtype)
        case ir.MatMul():
            return (_wide(operands[0]) @ _wide(operands[1])).astype(dtype)
        case ir.Slice(start=start, stop=stop, step=step):
            return operands[0][..., start:stop:step]
        case ir.Take(columns=columns):
            return operands[0][..., columns]
        case ir.Lookup():
            table, index = operands[0], operands[1].astype(np.intp)
            return table[index] if table.ndim == 2 else table[np.arange(batch)[:, None], index]
        case ir.AddRows(shape=shape):
            result, index = np.zeros(ir.sized(shape, batch), dtype=dtype), operands[0].astype(np.intp)
            np.add.at(result, index if result.ndim == 2 else (np.arange(batch)[:, None], index), operands[1])
            return result
        case ir.Reshape(shape=shape):
            return operands[0].reshape(ir.sized(shape, batch))
        case ir.Transpose():
            return operands[0].T
        case ir.Concatenate():
            return np.concatenate(operands, axis=-1)
        case ir.Expand(shape=shape):
            return np.broadcast_to(operands[0], ir.sized(shape, batch))
        case ir.Scatter(places=places, shape=shape):
            result = np.zeros(ir.sized(shape, batch), dtype=dtype)
            for place, part in zip(places, operands):
                at: Any = slice(None) if place is None else slice(*place) if isinstance(place, tuple) else place
                np.add.at(result, (Ellipsis, at), part)  # type: ignore[arg-type]
            return result
    raise ValueError(f"the instruction {instruction} is not supported")


def _wide(array: FloatArray) -> FloatArray:
    """An array in float64: a sum of many float32 numbers in float32 loses digits."""
    return np.asarray(array, np.float64)


def _complain(instruction: ir.Instruction, arrays: Sequence[Any], result: FloatArray) -> None:
    if isinstance(instruction, ir.Constant):
        return
    place = tuple(int(each) for each in np.argwhere(~np.isfinite(result))[0])
    if isinstance(instruction, (ir.Input, ir.Parameters, ir.Weights)):
        kind = {ir.Input: "the input holds", ir.Parameters: "the parameters hold", ir.Weights: "the weights hold"}[type(instruction)]
        raise FloatingPointError(f"{kind} {result[place]}, at (example, column) {place}")
    words = []
    for each in instruction.operands:
        try:
            words.append(str(np.broadcast_to(arrays[each], result.shape)[place]))
        except ValueError:
            words.append(f"an array of shape {arrays[each].shape}")
    op = getattr(instruction, "op", None)
    text = op.describe(words) if isinstance(op, Operation) else f"{type(instruction).__name__.lower()}({', '.join(words)})"
    raise FloatingPointError(
        f"{text} gave {result[place]}, in the compiled program, at (example, ...) {place} of an array of shape {result.shape}"
    )
