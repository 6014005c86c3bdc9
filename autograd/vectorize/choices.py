"""Choices: conditions of which one always holds, as where a row of computed numbers is chosen by an index that is checked before."""

from __future__ import annotations

import math

import numpy as np

from autograd import ops
from autograd.vectorize import instructions as ir
from autograd.vectorize.builder import Builder
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program

Choice = tuple[int, FloatArray, FloatArray]  # an argument, and for each entry of an example its column and the number it is compared with


def some_along(builder: Builder, array: int, axis: int) -> int:
    """Whether some entry along an axis is true. The axis remains with size 1."""
    if builder.shape(array)[axis] == 1:
        return array
    if _one_always_holds(builder.program, array, axis):
        return builder.constant(1.0)
    return builder.add(ops.greater, builder.reduce(array, axis), builder.constant(0.0))


def _one_always_holds(program: Program, condition: int, axis: int) -> bool:
    """Whether some entry along an axis holds in every run, because the entries compare an index with every row that it may choose."""
    shape = program.shape(condition)
    choice = None if shape[axis] < 0 else _choice(program, condition)
    if choice is None:
        return False
    argument, *parts = choice
    sizes = (1, *map(abs, shape)) if shape[0] > 0 else tuple(map(abs, shape))
    rows = [np.moveaxis(each.reshape(sizes), axis - len(shape), -1).reshape(-1, shape[axis]) for each in parts]
    return all(_are_all(program, argument, columns, numbers) for columns, numbers in zip(*rows))


def always_reached(program: Program, condition: int, targets: FloatArray) -> list[int]:
    """The targets of which one entry holds in every run, where column k of the condition belongs to target `targets[k]`."""
    choice = _choice(program, condition)
    if choice is None or len(program.shape(condition)) != 2:
        return []
    argument, columns, numbers = choice
    order = np.argsort(targets, kind="stable")
    different, starts = np.unique(targets[order], return_index=True)
    groups = np.split(order, starts[1:])
    return [int(each) for each, group in zip(different, groups) if _are_all(program, argument, columns[group], numbers[group])]


def _are_all(program: Program, argument: int, columns: FloatArray, numbers: FloatArray) -> bool:
    """Whether one index is compared with every row that it may choose."""
    rows = program.limits.get((argument, int(columns[0])), 0)
    return bool(rows and np.all(columns == columns[0]) and np.isin(np.arange(rows), numbers).all())


def _choice(program: Program, condition: int) -> Choice | None:
    """What a comparison of an argument with constants compares."""
    instruction = program.instructions[program.origin(condition)]
    if not isinstance(instruction, ir.Elementwise) or instruction.op is not ops.equal:
        return None
    shape = program.shape(program.origin(condition))
    for index, constant in (instruction.operands, instruction.operands[::-1]):
        value, columns = program.instructions[constant], _columns(program, index)
        if isinstance(value, ir.Constant) and columns is not None:
            sizes = (1, *shape[1:])
            numbers = np.broadcast_to(value.value, sizes).ravel()
            return columns[0], np.broadcast_to(columns[1].reshape(1, *program.shape(index)[1:]), sizes).ravel(), numbers
    return None


def _columns(program: Program, array: int) -> tuple[int, FloatArray] | None:
    """The argument, and its columns, that an array of the same batch consists of."""
    instruction = program.instructions[array]
    match instruction:
        case ir.Input(argument=argument, shape=(_, size)):
            return argument, np.arange(size)
        case ir.Slice() | ir.Take():
            whole = _columns(program, instruction.operands[0])
            places = slice(*instruction.columns) if isinstance(instruction, ir.Slice) else instruction.columns
            return whole and (whole[0], whole[1][places])
        case ir.Reshape(operands=(operand,), shape=shape) if shape[0] == ir.BATCH and math.prod(shape[1:]) > 0:
            return _columns(program, operand)
    return None
