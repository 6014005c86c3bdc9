"""Stage 6, differentiate: add to an array program the gradient of its output, with the table's own rows.

It is the sweep of `autograd.value` over arrays: from the last instruction to the first, each gives its operands
`partial * adjoint`, the partial being the row read with arrays for symbols. What broadcast forward is added up
backward; the instructions that only move numbers, and the matrix product, have the adjoints of linear maps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize.arrays import (
    CONCATENATE,
    EXPAND,
    MATMUL,
    PARAMETERS,
    REDUCE,
    RESHAPE,
    SCATTER,
    SLICE,
    TAKE,
    TRANSPOSE,
    Program,
    Shape,
)


def differentiate(program: Program, seed: tuple[float, int]) -> int | None:
    """Add the gradient of the sum of the output's entries, times `seed` (factor * batch**power), by the parameters.

    Returns the array with the parameter vector's shape, or None where the program has no parameters.
    """
    theta = next((number for number, each in enumerate(program.instructions) if each.op == PARAMETERS), None)
    if theta is None:
        return None
    depends = [False] * len(program.instructions)
    for number, instruction in enumerate(program.instructions):
        depends[number] = number == theta or any(depends[each] for each in instruction.operands)
    (output,) = program.outputs
    adjoints: dict[int, list[tuple[Any, int]]] = {output: [(None, program.scale(*seed))]}
    for number in range(output, theta, -1):
        if number in adjoints and depends[number]:
            adjoint = _assemble(program, adjoints.pop(number), program.shape(number))
            program.adjoint_of.setdefault(adjoint, number)
            for operand, place, contribution in _contributions(program, number, adjoint, depends):
                adjoints.setdefault(operand, []).append((place, contribution))
    shape = program.shape(theta)
    gradient = _assemble(program, adjoints.get(theta, [(None, program.constant(0.0))]), shape)
    if program.instructions[gradient].op != SCATTER:
        gradient = program.scatter([(None, program.expand(gradient, shape))], shape)
    program.adjoint_of[gradient] = theta
    return gradient


def _assemble(program: Program, parts: Sequence[tuple[Any, int]], shape: Shape) -> int:
    """The adjoint that the contributions to an array, or to some of its columns, add up to."""
    whole = [array for place, array in parts if place is None]
    if len(whole) == len(parts):
        total = whole[0]
        for each in whole[1:]:
            total = program.add(ops.add, total, each)
        return total
    ordered = sorted(parts, key=lambda part: part[0] is None)  # what fills a few columns can be computed in place, what adds to all cannot
    return program.scatter([(place, program.expand(array, _placed(place, shape))) for place, array in ordered], shape)


def _placed(place: Any, shape: Shape) -> Shape:
    """The shape of what goes into these columns of an array."""
    if place is None:
        return shape
    return (*shape[:-1], len(range(*place)) if isinstance(place, tuple) else len(place))


def _contributions(program: Program, number: int, adjoint: int, depends: Sequence[bool]) -> list[tuple[int, Any, int]]:
    """(operand, columns, array) for what an instruction hands on to each operand that depends on the parameters."""
    instruction = program.instructions[number]
    op, operands, shape = instruction.op, instruction.operands, instruction.shape

    if isinstance(op, Operation):
        arguments = [program.array(each) for each in (number, *operands)]
        given = []
        for operand, partial in zip(operands, op.partials):
            if depends[operand] and partial != 0.0:
                contribution = _times(program, _partial(partial, arguments), adjoint)
                given.append((operand, None, _unbroadcast(program, contribution, shape, program.shape(operand))))
        return given
    if op == MATMUL:
        left, right = operands
        adjoint = program.expand(adjoint, shape)
        given = []
        if depends[left]:
            given.append(_untransposed(program, left, adjoint, program.transpose(right)))
        if depends[right]:
            given.append(_untransposed(program, right, program.transpose(left), adjoint))
        return given
    (operand, *_) = operands
    source = program.shape(operand)
    if op == REDUCE:
        _, row = instruction.detail
        if row is ops.total_:
            return [(operand, None, adjoint)]
        y, x = program.array(number), program.array(operand)
        return [(operand, None, _times(program, row.partials[0](y, x)[0], adjoint))]
    if op == EXPAND:
        return [(operand, None, _unbroadcast(program, adjoint, shape, source))]
    if op == RESHAPE:
        return [(operand, None, adjoint if program.shape(adjoint) == () else program.reshape(program.expand(adjoint, shape), source))]
    if op == TRANSPOSE:
        return [(operand, None, adjoint if program.shape(adjoint) == () else program.transpose(program.expand(adjoint, shape)))]
    if op in (SLICE, TAKE):
        return [(operand, instruction.detail, adjoint)]
    assert op == CONCATENATE, op
    given, start = [], 0
    adjoint = program.expand(adjoint, shape)
    for operand in operands:
        stop = start + program.shape(operand)[-1]
        if depends[operand]:
            given.append((operand, None, program.slice(adjoint, start, stop)))
        start = stop
    return given


def _untransposed(program: Program, operand: int, left: int, right: int) -> tuple[int, Any, int]:
    """The product of adjoints for an operand, or for what the operand is the transpose of."""
    if program.instructions[operand].op == TRANSPOSE:
        (operand,) = program.instructions[operand].operands
        left, right = program.transpose(right), program.transpose(left)
    return operand, None, program.matmul(left, right)


def _partial(partial: float | Callable[..., Any], arguments: Sequence[Any]) -> Any:
    return partial(*arguments) if callable(partial) else partial


def _times(program: Program, partial: Any, adjoint: int) -> int:
    return program.add(ops.multiply, program.number_of(partial), adjoint)


def _unbroadcast(program: Program, array: int, shape: Shape, target: Shape) -> int:
    """What an adjoint of `shape` (or one that broadcasts to it) is for an operand of shape `target` that was broadcast."""
    have = program.shape(array)
    have = (1,) * (len(shape) - len(have)) + have
    wanted = (1,) * (len(shape) - len(target)) + target
    if program.shape(array) != ():
        array = program.reshape(array, have)
    for axis, (size, mine, want) in enumerate(zip(shape, have, wanted)):
        if want == 1 != size:
            if mine == 1:  # the adjoint is the same all along the axis
                array = program.add(ops.multiply, program.scale(float(abs(size)), 1 if size < 0 else 0), array)
            else:
                array = program.reduce(array, axis)
    return array if len(program.shape(array)) <= len(target) else program.reshape(array, target)
