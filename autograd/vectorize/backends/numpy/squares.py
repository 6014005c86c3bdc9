"""Squares: the mean of sums of squares, taken as one product of an array with itself."""

from __future__ import annotations

import math

from autograd import ops
from autograd.vectorize.builder import Builder, spelled
from autograd.vectorize.instructions import Elementwise, MatMul, Reduce, Reshape
from autograd.vectorize.program import Program


def with_squares_as_products(program: Program) -> Program:
    """Return the program; if its cost is the mean of sums of squares, with that cost as one product."""
    cost = program.outputs.get("cost", -1)
    if cost < 0 or not isinstance(program.instructions[cost], MatMul):
        return program
    builder = Builder(program.copy())
    weights, results = program.instructions[cost].operands
    weight = builder.factor(builder.transpose(weights))
    base = _squared(program, results)
    if weight is None or base is None:
        return program
    size = math.prod(program.shape(base))
    flat = builder.reshape(base, (1, size))
    builder.program.outputs["cost"] = builder.add(
        ops.multiply, builder.scale(*weight), builder.matmul(flat, builder.reshape(base, (size, 1)))
    )
    return spelled(builder.program)


def _squared(program: Program, number: int) -> int | None:
    """Return x if an array is x squared or sums of squares of x along the last axis, and None otherwise."""
    instruction = program.instructions[number]
    while isinstance(instruction, Reshape) or (
        isinstance(instruction, Reduce)
        and instruction.op is ops.total_
        and instruction.axis == len(program.shape(instruction.operands[0])) - 1
    ):
        (number,) = instruction.operands
        instruction = program.instructions[number]
    if (
        isinstance(instruction, Elementwise)
        and instruction.op is ops.power
        and Builder(program).factor(instruction.operands[1]) == (2.0, 0)
    ):
        return instruction.operands[0]
    return None
