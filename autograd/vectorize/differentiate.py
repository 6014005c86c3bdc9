"""Stage 6, differentiate: add to a program the gradient of its output, with the table's own rows.

It is the sweep of `autograd.value` over arrays: from the last instruction to the first, each gives its operands
`partial * adjoint`, the partial being the row read with arrays for symbols. What broadcast forward is added up
backward; the instructions that only move numbers, and the matrix product, have the adjoints of linear maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import ops
from autograd.vectorize.builder import Builder
from autograd.vectorize.program import (
    Columns,
    Concatenate,
    Elementwise,
    Expand,
    FloatArray,
    MatMul,
    Parameters,
    Program,
    Reduce,
    Reshape,
    Scatter,
    Shape,
    Slice,
    Take,
    Transpose,
    placed,
)

Place = Columns | FloatArray | None


def with_gradient(program: Program, weighted: bool = False) -> Program:
    """The program of the cost, the sum of weight * result over the examples, and of its gradient by the parameters.

    The weights are an input where `weighted`, and else 1 / batch each: the cost is the mean. The program's "results" have one
    column. Where there are no parameters there is no gradient.
    """
    builder = Builder(program.copy())
    results = builder.program.outputs.pop("results")
    varies = program.varies(results)
    if varies:
        seed = builder.weights() if weighted else builder.scale(1.0, -1)
        cost = builder.matmul(builder.transpose(builder.expand(seed, builder.shape(results))), results)
    else:
        seed = builder.reshape(builder.reduce(builder.weights(), 0), (1,)) if weighted else builder.scale(1.0)
        cost = builder.expand(builder.add(ops.multiply, seed, results), (1,))
    builder.program.outputs = {"cost": cost}
    differentiate(builder, results, seed)
    return builder.program


def with_gradients(program: Program) -> Program:
    """The program of the gradient of each example's result by its own row of the parameters."""
    builder = Builder(program.copy())
    results = builder.program.outputs.pop("results")
    differentiate(builder, results, builder.scale(1.0), "gradients")
    return builder.program


def differentiate(builder: Builder, output: int, seed: int, name: str = "gradient") -> None:
    """Make the gradient by the parameters of the sum of `seed` * `output`, and name it as an output, if there are parameters."""
    program = builder.program
    given = program.find(Parameters)
    if not given:
        return
    (theta,) = given
    depends = [False] * len(program)
    for number, instruction in enumerate(program.instructions):
        depends[number] = number == theta or any(depends[each] for each in instruction.operands)
    adjoints: dict[int, list[tuple[Place, int]]] = {output: [(None, seed)]}
    for number in range(output, theta, -1):
        if number in adjoints and depends[number]:
            adjoint = _assemble(builder, adjoints.pop(number), builder.shape(number))
            program.adjoint_of.setdefault(adjoint, number)
            for operand, place, contribution in _contributions(builder, number, adjoint, depends):
                adjoints.setdefault(operand, []).append((place, contribution))
    shape = builder.shape(theta)
    gradient = _assemble(builder, adjoints.get(theta, [(None, builder.constant(0.0))]), shape)
    if not isinstance(program.instructions[gradient], Scatter):
        gradient = builder.scatter([(None, builder.expand(gradient, shape))], shape)
    program.adjoint_of[gradient] = theta
    program.outputs[name] = gradient


def _assemble(builder: Builder, parts: Sequence[tuple[Place, int]], shape: Shape) -> int:
    """The adjoint that the contributions to an array, or to some of its columns, add up to."""
    whole = [array for place, array in parts if place is None]
    if len(whole) == len(parts):
        total = whole[0]
        for each in whole[1:]:
            total = builder.add(ops.add, total, each)
        return total
    ordered = sorted(parts, key=lambda part: part[0] is None)  # what fills a few columns can be computed in place, what adds to all cannot
    return builder.scatter([(place, builder.expand(array, placed(place, shape))) for place, array in ordered], shape)


def _contributions(builder: Builder, number: int, adjoint: int, depends: Sequence[bool]) -> list[tuple[int, Place, int]]:
    """(operand, columns, array) for what an instruction hands on to each operand that depends on the parameters."""
    instruction, shape = builder.program.instructions[number], builder.shape(number)
    operands = instruction.operands
    (operand, *_) = operands
    source = builder.shape(operand)
    match instruction:
        case Elementwise(op=op):
            arguments, needed = list(map(builder.array, operands)), [depends[each] for each in operands]
            partials = op.partials_at(builder.array(number), arguments, needed)
            given: list[tuple[int, Place, int]] = []
            for each, partial in zip(operands, partials):
                if not (isinstance(partial, float) and partial == 0):
                    contribution = _times(builder, partial, adjoint)
                    given.append((each, None, _unbroadcast(builder, contribution, shape, builder.shape(each))))
            return given
        case MatMul():
            left, right = operands
            adjoint = builder.expand(adjoint, shape)
            given = []
            if depends[left]:
                given.append(_untransposed(builder, left, adjoint, builder.transpose(right)))
            if depends[right]:
                given.append(_untransposed(builder, right, builder.transpose(left), adjoint))
            return given
        case Reduce(op=op):
            if op is ops.total_:
                return [(operand, None, adjoint)]
            (partial,) = op.partials_at(builder.array(number), [builder.array(operand)])
            return [(operand, None, _times(builder, partial, adjoint))]
        case Expand():
            return [(operand, None, _unbroadcast(builder, adjoint, shape, source))]
        case Reshape():
            return [(operand, None, adjoint if builder.shape(adjoint) == () else builder.reshape(builder.expand(adjoint, shape), source))]
        case Transpose():
            return [(operand, None, adjoint if builder.shape(adjoint) == () else builder.transpose(builder.expand(adjoint, shape)))]
        case Slice() | Take():
            return [(operand, instruction.columns, adjoint)]
        case Concatenate():
            given, start = [], 0
            adjoint = builder.expand(adjoint, shape)
            for each in operands:
                stop = start + builder.shape(each)[-1]
                if depends[each]:
                    given.append((each, None, builder.slice(adjoint, start, stop)))
                start = stop
            return given
    raise ValueError(f"no derivative is known of {instruction}")


def _untransposed(builder: Builder, operand: int, left: int, right: int) -> tuple[int, Place, int]:
    """The product of adjoints for an operand, or for what the operand is the transpose of."""
    source = builder.program.instructions[operand]
    if isinstance(source, Transpose):
        (operand,) = source.operands
        left, right = builder.transpose(right), builder.transpose(left)
    return operand, None, builder.matmul(left, right)


def _times(builder: Builder, partial: Any, adjoint: int) -> int:
    return builder.add(ops.multiply, builder.number_of(partial), adjoint)


def _unbroadcast(builder: Builder, array: int, shape: Shape, target: Shape) -> int:
    """What an adjoint of `shape` (or one that broadcasts to it) is for an operand of shape `target` that was broadcast."""
    have = builder.shape(array)
    have = (1,) * (len(shape) - len(have)) + have
    wanted = (1,) * (len(shape) - len(target)) + target
    if builder.shape(array) != ():
        array = builder.reshape(array, have)
    for axis, (size, mine, want) in enumerate(zip(shape, have, wanted)):
        if want == 1 != size:  # where the adjoint is the same all along the axis, a multiple of it
            array = builder.repeated(array, size) if mine == 1 else builder.reduce(array, axis)
    surplus = len(builder.shape(array)) - len(target)
    return array if surplus <= 0 else builder.reshape(array, builder.shape(array)[surplus:])
