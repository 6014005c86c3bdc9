"""Stage 7b, run: an array program as a list of numpy calls on buffers that are planned once for a batch size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize.arrays import (
    CONCATENATE,
    CONSTANT,
    EXPAND,
    INPUT,
    MATMUL,
    PARAMETERS,
    REDUCE,
    REDUCTIONS,
    RESHAPE,
    SCALE,
    SCATTER,
    SLICE,
    TAKE,
    TRANSPOSE,
    VIEWS,
    Instruction,
    Program,
    Shape,
)

FloatArray = np.ndarray[Any, Any]


def sized(shape: Shape, batch: int) -> tuple[int, ...]:
    """A shape for a batch of this size."""
    return tuple([size if size >= 0 else -size * batch for size in shape])


def view(instruction: Instruction, array: FloatArray, batch: int) -> FloatArray:
    """What a SLICE, RESHAPE or TRANSPOSE makes of its operand."""
    if instruction.op == SLICE:
        return array[..., slice(*instruction.detail)]
    return array.T if instruction.op == TRANSPOSE else array.reshape(sized(instruction.shape, batch))


def interpret(program: Program, externals: dict[int, FloatArray], batch: int, watch: bool = False) -> list[FloatArray]:
    """The program's outputs, one plain numpy expression an instruction: the meaning that the plan must keep to.

    With `watch` the first result that is not finite raises FloatingPointError, naming the operation.
    """
    arrays: list[Any] = []
    with np.errstate(all="ignore"):
        for number, instruction in enumerate(program.instructions):
            result = (
                externals[number]
                if number in externals
                else _interpret(instruction, [arrays[each] for each in instruction.operands], batch)
            )
            arrays.append(result)
            if watch and not np.all(np.isfinite(result)):
                _complain(program, instruction, arrays, result)
    return [np.broadcast_to(arrays[each], sized(program.shape(each), batch)) for each in program.outputs]


def _interpret(instruction: Instruction, operands: list[Any], batch: int) -> Any:
    op, detail, shape = instruction.op, instruction.detail, sized(instruction.shape, batch)
    if isinstance(op, Operation):
        return op.on_arrays(*operands)
    if op in VIEWS:
        return view(instruction, operands[0], batch)
    if op == CONSTANT:
        return detail
    if op == SCALE:
        return np.asarray(detail[0] * float(batch) ** detail[1])
    if op == TAKE:
        return operands[0][..., detail]
    if op == CONCATENATE:
        return np.concatenate(operands, axis=-1)
    if op == MATMUL:
        return operands[0] @ operands[1]
    if op == EXPAND:
        return np.broadcast_to(operands[0], shape)
    if op == REDUCE:
        axis, row = detail
        return REDUCTIONS[row].reduce(operands[0], axis=axis, keepdims=True)
    assert op == SCATTER, op
    result = np.zeros(shape, dtype=operands[0].dtype if operands[0].dtype != bool else float)
    for place, part in zip(detail, operands):
        if place is None:
            result += part
        elif isinstance(place, tuple):
            result[..., slice(*place)] += part
        else:
            np.add.at(result, (..., place), part)  # type: ignore[arg-type]
    return result


def _complain(program: Program, instruction: Instruction, arrays: Sequence[Any], result: FloatArray) -> None:
    op = instruction.op if isinstance(instruction.op, str) else instruction.op.name
    if op in (INPUT, PARAMETERS):
        place = tuple(int(each) for each in np.argwhere(~np.isfinite(result))[0])
        raise FloatingPointError(
            f"the {'parameters hold' if op == PARAMETERS else 'input holds'} {result[place]}, at (example, column) {place}"
        )
    if op == CONSTANT:
        return
    place = tuple(int(each) for each in np.argwhere(~np.isfinite(result))[0])
    words = []
    for each in instruction.operands:
        try:
            words.append(str(np.broadcast_to(arrays[each], result.shape)[place]))
        except ValueError:
            words.append(f"an array of shape {arrays[each].shape}")
    text = instruction.op.describe(words) if isinstance(instruction.op, Operation) else f"{op}({', '.join(words)})"
    raise FloatingPointError(
        f"{text} gave {result[place]}, in the compiled program, at (example, ...) {place} of an array of shape {result.shape}"
    )


class _Reference:
    """An argument of a step that is an array of the program, with a last change of view."""

    def __init__(self, number: int, change: Callable[[FloatArray], FloatArray] | None = None) -> None:
        self.number, self.change = number, change


class Plan:
    """A program for one batch size and dtype: its buffers, and the calls to make, in order.

    A run allocates nothing: only where the arguments, the parameter vector or the gradient lie elsewhere than in
    the last run are the calls that touch them made anew. One plan serves one thread at a time.
    """

    def __init__(self, program: Program, batch: int, dtype: Any) -> None:
        self.program, self.batch, self.dtype = program, batch, np.dtype(dtype)
        self.external: dict[int, Any] = {}  # inputs, parameters, and the outputs that the caller provides
        self.buffers: dict[int, FloatArray] = {}
        self._calls: list[tuple[Any, tuple[Any, ...]]] = []
        self._free: dict[tuple[Any, int], list[FloatArray]] = {}
        self._ones: dict[int, FloatArray] = {}
        self._aliases: dict[int, tuple[int, slice]] = {}  # a part computed in its place in a scatter
        self._copies: set[int] = set()  # views that had to become copies
        self._gone: set[int] = set()  # arrays whose memory has been given to another
        self._plan()
        self.steps: list[tuple[Any, tuple[Any, ...]]] = []
        self._dependents: dict[int, list[int]] = {}
        for index, (function, arguments) in enumerate(self._calls):
            outside = {base for each in arguments if isinstance(each, _Reference) and (base := self._base(each.number)) in self.external}
            for base in outside:
                self._dependents.setdefault(base, []).append(index)
            self.steps.append((function, self._resolved(arguments)))
        self._result = self._view(program.outputs[0])

    def run(self, arrays: Sequence[FloatArray], theta: FloatArray, gradient: FloatArray | None = None) -> FloatArray:
        """Run on these arguments, shape (batch, ...) each; return the first output, in memory that the next run overwrites."""
        external = self.external
        for number, position in self._inputs:
            if external[number] is not arrays[position]:
                self._bind(number, arrays[position])
        for number in self._parameters:
            if external[number] is not theta:
                self._bind(number, theta)
        for number in self._gradients:
            if external[number] is not gradient:
                self._bind(number, gradient)
        with np.errstate(all="ignore"):
            for function, arguments in self.steps:
                function(*arguments)
        return self._result

    def _bind(self, number: int, array: Any) -> None:
        """Put an external array in its place, and make the calls that touch it anew."""
        self.external[number] = array
        is_input = self.program.instructions[number].op == INPUT
        self.buffers[number] = array.reshape(self.batch, -1) if is_input else array
        for index in self._dependents.get(number, ()):
            function, arguments = self._calls[index]
            self.steps[index] = (function, self._resolved(arguments))
        self._result = self._view(self.program.outputs[0])

    # Planning

    def _plan(self) -> None:
        program, instructions = self.program, self.program.instructions
        last = self._last_uses()
        for number in program.outputs[1:]:  # the gradient, which the caller provides
            self.external[number] = None
            self.buffers[number] = self._stand_in(instructions[number])
        for number, instruction in enumerate(instructions):
            if instruction.op in (INPUT, PARAMETERS):
                self.external[number] = None
                self.buffers[number] = self._stand_in(instruction)
        self._gradients = program.outputs[1:]
        self._inputs = [(number, each.detail) for number, each in enumerate(instructions) if each.op == INPUT]
        self._parameters = [number for number, each in enumerate(instructions) if each.op == PARAMETERS]
        self._find_aliases()
        for number, instruction in enumerate(instructions):
            op = instruction.op
            if op in (INPUT, PARAMETERS):
                continue
            if op in VIEWS:
                self._materialise_if_needed(number, instruction)
            elif op == CONSTANT:
                self.buffers[number] = np.array(instruction.detail, dtype=self.dtype)
            elif op == SCALE:
                factor, power = instruction.detail
                self.buffers[number] = np.array(factor * float(self.batch) ** power, dtype=self.dtype)
            else:
                self._emit(number, instruction, last)
            for base in {self._base(each) for each in (*instruction.operands, number)}:
                if last[base] <= number and base not in self.external and instructions[base].op not in (CONSTANT, SCALE):
                    self._release(base)

    def _stand_in(self, instruction: Instruction) -> FloatArray:
        """An array laid out in memory as the external one will be, to plan with."""
        array = np.empty(instruction.shape[-1], dtype=self.dtype)
        if instruction.op == PARAMETERS:
            return np.broadcast_to(array, sized(instruction.shape, self.batch))
        return np.empty(sized(instruction.shape, self.batch), dtype=self.dtype)

    def _materialise_if_needed(self, number: int, instruction: Instruction) -> None:
        """Copy what a RESHAPE is of, where that does not lie in memory such that a view can do it."""
        (operand,) = instruction.operands
        source = self._view(operand)
        if np.may_share_memory(view(instruction, source, self.batch), source) or not source.size:
            return
        self._copies.add(number)
        self._allocate(number)
        self._call(np.copyto, _Reference(number, _reshaped(source.shape)), operand)

    def _base(self, number: int) -> int:
        """The instruction whose memory an array lies in."""
        while True:
            if number in self._aliases:
                number = self._aliases[number][0]
            elif number in self._copies:
                return number
            elif self.program.instructions[number].op in VIEWS:
                number = self.program.instructions[number].operands[0]
            else:
                return number

    def _last_uses(self) -> list[int]:
        last = list(range(len(self.program.instructions)))
        for number, instruction in enumerate(self.program.instructions):
            for each in instruction.operands:
                last[each] = number
        for each in self.program.outputs:
            last[each] = len(last)
        for number in range(len(last) - 1, -1, -1):  # a view keeps what it is a view of
            if self.program.instructions[number].op in VIEWS:
                (source,) = self.program.instructions[number].operands
                last[source] = max(last[source], last[number])
        return last

    def _find_aliases(self) -> None:
        """Have the parts of a scatter computed where they go, if they are computed for that alone and go there first."""
        instructions = self.program.instructions
        uses = [0] * len(instructions)
        for instruction in instructions:
            for each in instruction.operands:
                uses[each] += 1
        for each in self.program.outputs:
            uses[each] += 1
        for number, instruction in enumerate(instructions):
            if instruction.op != SCATTER or len(instruction.shape) > 1:  # columns of a batch are not in one piece
                continue
            written = np.zeros(instruction.shape[-1], dtype=bool)
            for place, part in zip(instruction.detail, instruction.operands):
                rows = slice(None) if place is None else slice(*place) if isinstance(place, tuple) else None
                contiguous = place is None or (isinstance(place, tuple) and place[2] == 1)
                source = part
                while instructions[source].op == RESHAPE and uses[source] == 1:
                    (source,) = instructions[source].operands
                fresh = instructions[source].op in (MATMUL, REDUCE) or isinstance(instructions[source].op, Operation)
                if (
                    rows is not None
                    and contiguous
                    and not written[rows].any()
                    and fresh
                    and uses[source] == 1
                    and not instructions[source].is_boolean
                ):
                    self._aliases[source] = (number, rows)
                if rows is not None:
                    written[rows] = True
                else:
                    written[place] = True

    def _emit(self, number: int, instruction: Instruction, last: Sequence[int]) -> None:
        op, operands, detail = instruction.op, instruction.operands, instruction.detail
        if isinstance(op, Operation):
            self._elementwise(number, op, operands, last)
        elif op == MATMUL:
            self._allocate(number)
            self._call(np.ndarray.dot, operands[0], operands[1], number)
        elif op == REDUCE:
            self._reduce(number, operands[0], *detail)
        elif op == TAKE:
            self._allocate(number)
            self._call(np.ndarray.take, operands[0], (detail,), (-1,), number, ("clip",))
        elif op == EXPAND:
            self._allocate(number)
            self._call(np.copyto, number, operands[0])
        elif op == CONCATENATE:
            self._allocate(number)
            start = 0
            for each in operands:
                stop = start + self.program.shape(each)[-1]
                self._call(np.copyto, _Reference(number, _columns(slice(start, stop))), each)
                start = stop
        else:
            assert op == SCATTER, op
            self._scatter(number, instruction)

    def _elementwise(self, number: int, op: Operation, operands: Sequence[int], last: Sequence[int]) -> None:
        arrays = [self.program.instructions[each] for each in operands]
        if op is ops.where:
            self._allocate(number)
            condition = operands[0]
            mask = np.empty(sized(self.program.shape(condition), self.batch), dtype=bool)
            self._call(np.copyto, number, operands[2])
            self._call(np.not_equal, condition, (np.array(0.0, self.dtype),), (mask,))
            self._call(_copy_where, number, operands[1], (mask,))
            return
        reusable = [each for each in operands if self._is_reusable(number, each, operands, last)]
        if reusable:
            base = self._base(reusable[0])
            self.buffers[number] = self.buffers[base].reshape(sized(self.program.shape(number), self.batch))
            self._gone.add(base)
        else:
            self._allocate(number)
        if not isinstance(op.on_arrays, np.ufunc):
            self._call(_apply_and_copy, (op.on_arrays,), number, *operands)
            return
        constants = [float(each.detail) if each.op == CONSTANT and each.shape == () else None for each in arrays]
        if op is ops.power and constants[1] == 2:
            self._call(np.square, operands[0], number)
        elif op is ops.divide and constants[0] == 1:
            self._call(np.reciprocal, operands[1], number)
        else:
            self._call(_POSITIONAL.get(op, op.on_arrays), *operands, number)

    def _is_reusable(self, number: int, operand: int, operands: Sequence[int], last: Sequence[int]) -> bool:
        """Whether an elementwise result can overwrite this operand: nothing else needs it, and its entries lie in the same places."""
        base = self._base(operand)
        if number in self._aliases or number in self.external or base in self.external or last[base] > number:
            return False
        if self.program.instructions[base].op in (CONSTANT, SCALE) or self.program.instructions[operand].op in (SLICE, TRANSPOSE):
            return False
        shape = sized(self.program.shape(number), self.batch)
        whole = sized(self.program.shape(operand), self.batch) == shape and self.buffers[base].size == int(np.prod(shape))
        same_kind = self.buffers[base].dtype == (bool if self.program.instructions[number].is_boolean else self.dtype)
        return whole and same_kind and all(self._base(each) != base or each == operand for each in operands)

    def _reduce(self, number: int, operand: int, axis: int, row: Operation) -> None:
        shape = sized(self.program.shape(operand), self.batch)
        self._allocate(number)
        if row is ops.total_:
            is_boolean = self.program.instructions[operand].is_boolean
            if axis == 0 and len(shape) == 2 and not is_boolean:
                self._call(np.ndarray.dot, (self._ones_of(shape[0]),), operand, _Reference(number, _raveled))
            elif axis == len(shape) - 1 and not is_boolean:
                self._call(np.ndarray.dot, _Reference(operand, _stacked), (self._ones_of(shape[-1]),), _Reference(number, _raveled))
            else:
                self._call(_sum_along, operand, (axis,), number)
            return
        assert row is ops.logsumexp_, row
        shifted = np.empty(shape, dtype=self.dtype)
        largest = np.empty((*shape[:axis], 1, *shape[axis + 1 :]), dtype=self.dtype)
        self._call(_max_along, operand, (axis,), (largest,))
        self._call(_finite_or_zero, (largest,))
        self._call(np.subtract, operand, (largest,), (shifted,))
        self._call(np.exp, (shifted,), (shifted,))
        self._call(_sum_along, (shifted,), (axis,), number)
        self._call(np.log, number, number)
        self._call(np.add, number, (largest,), number)

    def _ones_of(self, size: int) -> FloatArray:
        """Ones, to add up with: a product with them is the fastest sum."""
        return self._ones.setdefault(size, np.ones(size, dtype=self.dtype))

    def _scatter(self, number: int, instruction: Instruction) -> None:
        if number not in self.external and number not in self.buffers:
            self._allocate(number)
        size = instruction.shape[-1]
        written = np.zeros(size, dtype=bool)
        for place, part in zip(instruction.detail, instruction.operands):
            source = part
            while self.program.instructions[source].op == RESHAPE and source not in self._aliases:
                (source,) = self.program.instructions[source].operands
            if self._aliases.get(source, (None,))[0] == number:
                written[self._aliases[source][1]] = True
                continue
            for rows, chosen in _pieces(place, size):
                target = _Reference(number, _columns(rows))
                piece = _Reference(part, _columns(chosen))
                if not written[rows].any():
                    self._call(np.copyto, target, piece)
                else:
                    for gap in _gaps(written, rows):
                        self._call(np.copyto, _Reference(number, _columns(gap)), (np.zeros((), self.dtype),))
                    self._call(np.add, target, piece, target)
                written[rows] = True
        for gap in _gaps(written, slice(0, size, 1)):
            self._call(np.copyto, _Reference(number, _columns(gap)), (np.zeros((), self.dtype),))

    def _call(self, function: Any, *arguments: Any) -> None:
        """Note a call: a number stands for that array, a 1-tuple for what is in it."""
        resolved = [
            each[0] if isinstance(each, tuple) else each if isinstance(each, _Reference) else _Reference(each) for each in arguments
        ]
        self._calls.append((function, tuple(resolved)))

    def _resolved(self, arguments: Sequence[Any]) -> tuple[Any, ...]:
        resolved = []
        for each in arguments:
            if isinstance(each, _Reference):
                array = self._view(each.number)
                each = array if each.change is None else each.change(array)
            resolved.append(each)
        return tuple(resolved)

    def _view(self, number: int) -> FloatArray:
        instruction = self.program.instructions[number]
        if number in self._aliases:
            scatter, rows = self._aliases[number]
            return self._view(scatter)[rows].reshape(sized(instruction.shape, self.batch))
        if instruction.op in VIEWS and number not in self._copies:
            return view(instruction, self._view(instruction.operands[0]), self.batch)
        return self.buffers[number]

    def _allocate(self, number: int) -> None:
        if number in self._aliases:
            base = self._base(number)
            if base not in self.external and base not in self.buffers:
                self._allocate(base)
            return
        if number in self.external:
            return
        instruction = self.program.instructions[number]
        shape = sized(instruction.shape, self.batch)
        dtype = np.dtype(bool) if instruction.is_boolean else self.dtype
        size = int(np.prod(shape))
        free = self._free.get((dtype, size))
        self.buffers[number] = (free.pop() if free else np.empty(size, dtype=dtype)).reshape(shape)

    def _release(self, base: int) -> None:
        if base in self._gone or base not in self.buffers:
            return
        self._gone.add(base)
        array = self.buffers[base].reshape(-1)
        self._free.setdefault((array.dtype, array.size), []).append(array)


# Calls that numpy spells with keywords, by position.


def _sum_along(array: FloatArray, axis: int, out: FloatArray) -> None:
    np.add.reduce(array, axis=axis, out=out, keepdims=True)


def _max_along(array: FloatArray, axis: int, out: FloatArray) -> None:
    np.maximum.reduce(array, axis=axis, out=out, keepdims=True)


def _finite_or_zero(array: FloatArray) -> None:
    array[~np.isfinite(array)] = 0.0


def _copy_where(out: FloatArray, array: FloatArray, mask: FloatArray) -> None:
    np.copyto(out, array, where=mask)


def _apply_and_copy(function: Callable[..., Any], out: FloatArray, *arrays: FloatArray) -> None:
    np.copyto(out, function(*arrays))


def _reshaped(shape: tuple[int, ...]) -> Callable[[FloatArray], FloatArray]:
    return lambda array: array.reshape(shape)


def _raveled(array: FloatArray) -> FloatArray:
    return array.reshape(-1)


def _stacked(array: FloatArray) -> FloatArray:
    return array.reshape(-1, array.shape[-1])


def _columns(columns: slice) -> Callable[[FloatArray], FloatArray]:
    return lambda array: array[..., columns]


def _pieces(place: Any, size: int) -> list[tuple[slice, slice]]:
    """Evenly spaced stretches of the columns that a scatter's part goes to, each with the part's columns that go there."""
    if place is None:
        return [(slice(0, size, 1), slice(0, size))]
    if isinstance(place, tuple):
        return [(slice(*place), slice(0, len(range(*place))))]
    pieces, start = [], 0
    while start < len(place):
        stop = start + 1
        step = int(place[stop] - place[start]) if stop < len(place) else 1
        while step > 0 and stop < len(place) and place[stop] - place[stop - 1] == step:
            stop += 1
        pieces.append((slice(int(place[start]), int(place[stop - 1]) + 1, max(step, 1)), slice(start, stop)))
        start = stop
    return pieces


def _gaps(written: FloatArray, rows: slice) -> list[slice]:
    """The stretches of these columns that nothing was written to yet."""
    missing = np.arange(len(written))[rows]
    missing = missing[~written[missing]]
    if not missing.size:
        return []
    breaks = np.flatnonzero(np.diff(missing) != 1) + 1
    return [slice(int(run[0]), int(run[-1]) + 1) for run in np.split(missing, breaks)]


def _maximum(a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    np.maximum(a, b, out=out)


def _minimum(a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    np.minimum(a, b, out=out)


_POSITIONAL = {ops.maximum: _maximum, ops.minimum: _minimum}
