"""The intermediate representation: types, checks, printing, and back ends by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from autograd import Value, ops, tanh, vectorize, weighted_sum
from autograd.vectorize import backends
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends import reference
from autograd.vectorize.backends.native.emitter import emit
from autograd.vectorize.builder import Builder, spelled
from autograd.vectorize.differentiate import with_gradient
from autograd.vectorize.lower import lower
from autograd.vectorize.program import ROWS, Program
from autograd.vectorize.record import record
from autograd.vectorize.simplify import simplify
from autograd.vectorize.source import source


def given(*columns: int) -> Program:
    program = Program()
    for argument, each in enumerate(columns):
        program.append(ir.Input((), (ir.BATCH, each), argument))
    return program


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (ir.Elementwise((0, 1), ops.add), r"shapes \(batch, 2\), \(batch, 3\) do not fit together"),
        (ir.Elementwise((0,), ops.add), "add takes 2 operands"),
        (ir.MatMul((0, 1)), r"no product of matrices of shapes \(batch, 2\) and \(batch, 3\)"),
        (ir.Slice((0,), 1, 3, 1), "no columns 1:3:1 of 2"),
        (ir.Take((0,), np.array([0, 2])), r"no columns \[0, 2\] of 2"),
        (ir.Reshape((0,), (ir.BATCH, 3)), r"the entries of \(batch, 2\) do not fill \(batch, 3\)"),
        (ir.Reduce((0,), ops.total_, 2), r"no reduction by total along axis 2 of \(batch, 2\)"),
        (ir.Reduce((0,), ops.maximum, 1), "no reduction by maximum"),
        (ir.Segments((1,), ops.total_, np.array([1, 1])), r"no segments of \[1, 1\] of 3 columns by total"),
        (ir.Segments((1,), ops.total_, np.array([3, 0])), r"no segments of \[3, 0\] of 3 columns by total"),
        (ir.Segments((1,), ops.maximum, np.array([1, 2])), "by maximum"),
        (ir.Scatter((0,), (np.array([3, 3]),), (ir.BATCH, 5)), r"a column is filled twice by the columns \[3, 3\]"),
        (ir.Concatenate((0, 2)), "do not fit side by side"),
        (ir.Scatter((0,), ((0, 3, 1),), (ir.BATCH, 5)), r"\(batch, 2\) does not fill the columns \(0, 3, 1\) of \(batch, 5\)"),
        (ir.Transpose((3,)), r"only matrices are transposed, not \(batch, 1, 2\)"),
    ],
)
def test_instructions_that_do_not_fit_are_refused(instruction: Any, message: str) -> None:
    program = given(2, 3)
    program.append(ir.Reduce((0,), ops.total_, 0))
    program.append(ir.Reshape((0,), (ir.BATCH, 1, 2)))
    with pytest.raises(ValueError, match=message):
        program.append(instruction)
    assert len(program) == 4


def test_conditions_stay_booleans_when_entries_only_move() -> None:
    program = given(4)
    condition = program.append(ir.Elementwise((0, 0), ops.less))
    moved = program.append(ir.Slice((condition,), 0, 2, 1))
    assert [program.types[each].dtype for each in (0, condition, moved)] == [ir.REAL, ir.BOOLEAN, ir.BOOLEAN]
    both = program.append(ir.Concatenate((condition, 0)))
    assert program.types[both].dtype is ir.REAL
    with pytest.raises(ValueError, match="add of booleans differs from add of numbers"):
        program.append(ir.Elementwise((condition, condition), ops.add))


def test_a_check_finds_what_is_wrong_and_names_it() -> None:
    program = given(2)
    program.append(ir.Elementwise((0, 0), ops.add))
    program.check()
    program.types[1] = ir.Type((ir.BATCH, 3))
    with pytest.raises(ValueError, match=r"%1 = add %0 %0: its type is \(batch, 2\), not \(batch, 3\)"):
        program.check()
    program.types[1] = ir.Type((ir.BATCH, 2))
    program.instructions[1] = ir.Elementwise((0, 1), ops.add)
    with pytest.raises(ValueError, match="its operands do not come before it"):
        program.check()
    program.instructions[1] = ir.Elementwise((0,), ops.sigmoid)
    with pytest.raises(ValueError, match="back ends do not know the operation sigmoid"):
        program.check()
    program = given(2)
    program.outputs["cost"] = 0
    with pytest.raises(ValueError, match=r"the cost is one number, not \(batch, 2\)"):
        program.check()
    program.outputs = {"results": 7}
    with pytest.raises(ValueError, match="the output results is array 7 of 1"):
        program.check()


def test_a_program_prints_its_instructions_with_their_types() -> None:
    w = [Value(1.0), Value(2.0)]
    graph, batched = simplify(record(lambda x: tanh(weighted_sum(w, x)), [(2,)], ["x"])[0])
    program = spelled(with_gradient(lower(graph, batched, [2])[0]))
    lines = str(program).splitlines()
    assert lines[0] == "%0 = input argument=0  # (batch, 2)"
    assert lines[-1] == f"return cost %{program.outputs['cost']}, gradient %{program.outputs['gradient']}"
    assert len(lines) == len(program) + 1


def test_programs_consist_of_operations_that_numpy_has() -> None:
    assert {ops.add, ops.where, ops.erf, ops.erfc, ops.fmin, ops.logical_not} <= ROWS
    assert not {ops.sigmoid, ops.softplus, ops.relu, ops.weighted_sum_} & ROWS


@pytest.mark.parametrize(
    ("shapes", "expected"), [([(ir.BATCH, 1), (3,)], (ir.BATCH, 3)), ([(), (2,)], (2,)), ([(2 * ir.BATCH, 1), (1, 1)], (2 * ir.BATCH, 1))]
)
def test_shapes_broadcast_with_the_batch_as_one_more_size(shapes: Any, expected: Any) -> None:
    assert ir.broadcast(shapes) == expected


def test_equal_instructions_are_one() -> None:
    builder = Builder()
    x = builder.input(0, 2)
    assert builder.add(ops.exp, x) == builder.add(ops.exp, x)
    assert builder.take(x, np.array([1, 0])) == builder.take(x, np.array([1, 0]))
    assert builder.constant(2.0) == builder.constant(np.array([2.0, 2.0])) != builder.constant(-2.0)
    assert builder.constant(0.0) != builder.constant(-0.0)


def test_back_ends_go_by_name() -> None:
    assert {"numpy", "reference"} <= set(backends.names())
    assert vectorize(tanh, backend="reference").record(np.ones(2)).source.startswith("tanh(x0):\n%0 = input")
    with pytest.raises(ValueError, match=r"backend='cuda' must be one of .*'numpy'.*'reference'"):
        vectorize(lambda x: x, backend="cuda")
    with pytest.raises(ValueError, match=r"backend=\['numpy'\] must be one of"):
        vectorize(lambda x: x, backend=["numpy"])  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Reversed(ir.Instruction):
    """One that nobody knows."""

    def type(self, operands: Sequence[ir.Type]) -> ir.Type:
        return operands[0]


def test_each_reading_refuses_an_instruction_that_it_does_not_know() -> None:
    program = given(2)
    program.append(ir.Parameters((), (2,)))
    program.append(ir.Elementwise((0, 1), ops.multiply))
    program.append(Reversed((2,)))
    program.outputs = {"results": program.append(ir.Reduce((3,), ops.total_, 1))}
    X, theta = np.ones((3, 2)), np.ones(2)
    with pytest.raises(ValueError, match=r"the instruction reversed %2 is not supported"):
        reference.evaluate(program, [X], theta)
    with pytest.raises(ValueError, match=r"no derivative is known of reversed %2"):
        with_gradient(program)
    with pytest.raises(ValueError, match=r"the instruction reversed %2 is not supported"):
        backends.named("numpy").executable(program, np.dtype(float)).run([X], theta, None, np.empty((3, 1)))
    with pytest.raises(ValueError, match=r"the instruction reversed %2 has no source"):
        source(program, Signature("f", ["x"], [(2,)], ()))
    with pytest.raises(ValueError, match=r"the instruction reversed %2 has no source"):  # whose names the C has too
        emit(program, np.dtype(float), Signature("f", ["x"], [(2,)], ()))
