"""Stage 7a, render: an array program as numpy source that reads as one would write it by hand.

It is functional and uses array functions only, so that another namespace in numpy's manner could run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize.arrays import (
    BATCH,
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
    size_text,
)

_RESERVED = ("np", "math", "erf", "placed", "batch", "theta")  # names that mean something in every source
_WIDTH = 60  # an expression longer than this gets a line of its own,
_COLUMNS = 100  # and a line longer than this is broken
_ATOM, _POWER, _PRODUCT, _SUM, _COMPARISON = 5, 4, 3, 2, 1
_INFIX = {
    ops.add: _SUM, ops.subtract: _SUM, ops.multiply: _PRODUCT, ops.divide: _PRODUCT,
    ops.less: _COMPARISON, ops.less_equal: _COMPARISON, ops.greater: _COMPARISON,
    ops.greater_equal: _COMPARISON, ops.equal: _COMPARISON, ops.not_equal: _COMPARISON,
}  # fmt: skip

_PLACED = '''
def placed(columns, part, shape):
    """Zeros, with `part` added into these columns."""
    whole = np.zeros(shape)
    np.add.at(whole, (..., columns), part)
    return whole
'''
_ERF = """
erf = np.vectorize(math.erf, otypes=[float])
"""


def render(program: Program, name: str, arguments: Sequence[str], shapes: Sequence[Shape], result: Shape) -> str:
    """Source that defines a function `name` of the arguments and, where the program has any, `theta`, its parameters.

    It returns the results, or the mean of the results and its gradient where the program has that second output.
    `shapes` are those of one example of each argument, and `result` that of one example's results.
    """
    return _Renderer(program, arguments, shapes).source(name, result)


class _Renderer:
    def __init__(self, program: Program, arguments: Sequence[str], shapes: Sequence[Shape]) -> None:
        self.program, self.shapes = program, shapes
        self.arguments = [f"{each}_" if each in _RESERVED else each for each in arguments]
        self.uses = [0] * len(program.instructions)
        for each in program.outputs:
            self.uses[each] += 1
        for number in range(len(program.instructions) - 1, -1, -1):
            for each in program.instructions[number].operands:  # a view is written again wherever it is used
                self.uses[each] += self.uses[number] if program.instructions[number].op in VIEWS else 1
        self.unpacked = self._unpacked()
        self.text: dict[int, tuple[str, int]] = {}  # each array as an expression, and how tightly that binds
        self.names: dict[int, str] = {}
        self.taken = {*self.arguments, *_RESERVED}
        self.lines: list[tuple[str, str]] = []

    def source(self, name: str, result: Shape) -> str:
        program = self.program
        size = next((each.shape[0] for each in program.instructions if each.op == PARAMETERS), 0)
        gradient = len(program.outputs) > 1
        output = program.outputs[0]
        for number in self.unpacked:
            self.text[number] = self._unpacking(number)
            self._name(number)
        if self.unpacked:
            self.lines.append(("", ""))
        for number in range(len(program.instructions)):
            if number not in self.unpacked:
                self.text[number] = self._expression(number)
                if not self._is_inlined(number):
                    self._name(number)
                if number == output and gradient:
                    self.lines.append(("", ""))
        batched = len(program.shape(output)) == 2
        if gradient:
            values = self._operand(output)
            mean = f"np.mean({values})" if batched else f"{values}[0]"
            returned = f"{mean}, {self._operand(program.outputs[1])}"
        elif batched:
            returned = f"{self._operand(output, _ATOM)}[:, 0]" if result == () else self._operand(output)
            if len(result) > 1:
                returned = f"{self._operand(output, _ATOM)}.reshape(batch, {', '.join(map(str, result))})"
        else:
            shape = ", ".join(["batch", *map(str, result)])
            returned = f"np.broadcast_to({self._operand(output)}.reshape({result}), ({shape},))"
        width = max((len(line) for line, comment in self.lines if comment and len(line) <= _WIDTH), default=0)
        body = [each for line, comment in self.lines for each in _broken(f"{line:{width}}" if comment else line, comment)]
        parameters = ", ".join([*self.arguments, *(["theta"] if size else [])])
        described = [
            f"{each} ({', '.join(['batch', *map(str, shape)])}{'' if shape else ','})" for each, shape in zip(self.arguments, self.shapes)
        ]
        described += [f"theta ({size},)"] if size else []
        text = "\n".join([*body, *_broken(f"return {returned}")])
        uses_batch = ("batch" in text.replace("# (", "") and any("batch" in line for line, _ in self.lines)) or "(batch" in returned
        helpers = (_PLACED if "placed(" in text else "") + (_ERF if "erf(" in text else "")
        return "\n".join(
            [
                *(["import math", ""] if "erf(" in text else []),
                "import numpy as np",
                *(["", *helpers.rstrip().split("\n")] if helpers else []),
                "",
                "",
                f"def {name}({parameters}):",
                f"    # {', '.join(described)}",
                *([f"    batch = len({self.arguments[0]})"] if uses_batch else []),
                text,
                "",
            ]
        )

    def _unpacked(self) -> dict[int, str]:
        """The slices of the parameter vector, in its order and in the shapes in which they are used, each with the letter of its name."""
        instructions = self.program.instructions
        users: dict[int, list[int]] = {}
        for number, instruction in enumerate(instructions):
            for each in instruction.operands:
                users.setdefault(each, []).append(number)
        letters: dict[int, str] = {}
        for number, instruction in enumerate(instructions):
            if instruction.op in (SLICE, TAKE) and instructions[instruction.operands[0]].op == PARAMETERS:
                matrices = [
                    each for each in users.get(number, ()) if instructions[each].op == RESHAPE and instructions[each].shape[0] != BATCH
                ]
                letters.update((each, "W") for each in matrices)
                if len(matrices) < len(users.get(number, ())):
                    added = any(instructions[each].op is ops.add for each in users[number])
                    letters[number] = "b" if added else "w"

        def place(number: int) -> tuple[int, int]:
            while instructions[number].op == RESHAPE:
                (number,) = instructions[number].operands
            return int(instructions[number].detail[0]), number

        return {each: letters[each] for each in sorted(letters, key=place)}

    def _unpacking(self, number: int) -> tuple[str, int]:
        """The text of a slice of the parameters, when nothing has one yet."""
        for each in self.program.instructions[number].operands:
            if each not in self.text:
                self.text[each] = self._unpacking(each)
        return self._expression(number)

    def _is_inlined(self, number: int) -> bool:
        instruction = self.program.instructions[number]
        op, (text, _) = instruction.op, self.text[number]
        if op in (INPUT, PARAMETERS, SCALE, *VIEWS) or (op == CONSTANT and instruction.detail.size <= 8):
            return True
        if op == TAKE and any(number in self.program.instructions[each].operands for each in self.unpacked):
            return True
        if op == SCATTER or self.uses[number] != 1 or number in self.program.outputs:
            return False
        if op == MATMUL:
            return self._is_summand(number)
        inlined = (*_INFIX, ops.negative, ops.power, ops.exp, ops.cosh, EXPAND, REDUCE)
        return op in inlined and (len(text) <= _WIDTH or self._is_accumulated(number)) and not self._is_weighted_sum(number)

    def _is_summand(self, number: int) -> bool:
        """Whether a matrix product of the forward part has something added to it at once."""
        users = [each for each in self.program.instructions if number in each.operands]
        while users[0].op == RESHAPE:
            reshaped = users[0]
            users = [
                each for each in self.program.instructions if any(self.program.instructions[other] is reshaped for other in each.operands)
            ]
            if not users:
                return False
        return users[0].op in (ops.add, ops.subtract) and number not in self.program.adjoint_of

    def _is_accumulated(self, number: int) -> bool:
        """Whether it is a part of a longer sum of derivatives."""
        users = [each for each in self.program.instructions if number in each.operands]
        is_derivative = number > self.program.outputs[0]
        return is_derivative and self.program.instructions[number].op is ops.add and users[0].op is ops.add

    def _is_weighted_sum(self, number: int) -> bool:
        """Whether a reader looks for it: a matrix product with its bias, of the forward part."""
        instruction = self.program.instructions[number]
        is_forward = number <= self.program.outputs[0]
        return is_forward and instruction.op is ops.add and any(self._source(each).op == MATMUL for each in instruction.operands)

    def _source(self, number: int) -> Instruction:
        """What an array is, seen through reshapes."""
        instruction = self.program.instructions[number]
        while instruction.op == RESHAPE:
            instruction = self.program.instructions[instruction.operands[0]]
        return instruction

    def _name(self, number: int) -> None:
        instruction = self.program.instructions[number]
        op, output, primal = instruction.op, self.program.outputs[0], self.program.adjoint_of.get(number)
        if primal is not None and (primal in self.names or self.program.instructions[primal].op == PARAMETERS):
            name = self._fresh("d" + self.names.get(primal, "theta"), numbered=False)
        elif number in self.unpacked:
            name = self._fresh(self.unpacked[number])
        elif number == output:
            name = self._fresh("cost" if len(self.program.outputs) > 1 else "result", numbered=False)
        elif number > output or (op in (ops.add, ops.subtract) and not self._is_weighted_sum(number)):
            name = self._fresh("t")
        elif op == MATMUL or self._is_weighted_sum(number):
            name = self._fresh("z")
        else:
            name = self._fresh("e" if op is ops.exp else "h" if isinstance(op, Operation) else "t")
        self._assign(name, number)

    def _assign(self, name: str, number: int) -> None:
        """Write the line that gives an array its name."""
        self.names[number] = name
        self.lines.append((f"{name} = {self.text[number][0]}", _shape(self.program.shape(number))))
        self.text[number] = (name, _ATOM)

    def _fresh(self, stem: str, numbered: bool = True) -> str:
        count = 1
        while (name := f"{stem}{count}" if numbered or count > 1 else stem) in self.taken:
            count += 1
        self.taken.add(name)
        return name

    def _operand(self, number: int, binding: int = 0) -> str:
        """The text of an array, in parentheses where something that binds as tightly as `binding` is around it."""
        text, own = self.text[number]
        return text if own >= binding else f"({text})"

    def _expression(self, number: int) -> tuple[str, int]:
        instruction = self.program.instructions[number]
        op, operands, detail = instruction.op, instruction.operands, instruction.detail
        if isinstance(op, Operation):
            return self._operation(op, operands)
        if op == INPUT:
            name, shape = self.arguments[detail], self.shapes[detail]
            return (f"{name}[:, None]" if shape == () else name if len(shape) == 1 else f"{name}.reshape(batch, -1)"), _ATOM
        if op == PARAMETERS:
            return "theta", _ATOM
        if op == CONSTANT:
            if detail.shape == ():
                return _number(float(detail)), _ATOM if float(detail) >= 0 else _PRODUCT
            return f"np.array({detail.tolist()})", _ATOM
        if op == SCALE:
            factor, power = detail
            return f"{_number(factor)} {'/' if power < 0 else '*'} batch{'' if abs(power) == 1 else f'**{abs(power)}'}", _PRODUCT
        if op == SLICE:
            start, stop, step = detail
            columns = f"{start}:{stop}{f':{step}' if step != 1 else ''}"
            columns = columns if len(instruction.shape) == 1 else f":, {columns}"
            return f"{self._operand(operands[0], _ATOM)}[{columns}]", _ATOM
        if op == TRANSPOSE:
            return f"{self._operand(operands[0], _ATOM)}.T", _ATOM
        if op == RESHAPE:
            return self._reshape(operands[0], instruction.shape), _ATOM
        if op == TAKE:
            return f"{self._operand(operands[0], _ATOM)}[{'' if len(instruction.shape) == 1 else ':, '}{_columns(detail)}]", _ATOM
        if op == CONCATENATE:
            return f"np.concatenate([{', '.join(map(self._operand, operands))}], axis=-1)", _ATOM
        if op == MATMUL:
            return f"{self._operand(operands[0], _POWER)} @ {self._operand(operands[1], _POWER)}", _PRODUCT
        if op == EXPAND:
            return f"np.broadcast_to({self._operand(operands[0])}, {_shape(instruction.shape)})", _ATOM
        if op == REDUCE:
            return self._reduce(number, keep=True), _ATOM
        return self._scatter(number), _ATOM

    def _operation(self, op: Operation, operands: Sequence[int]) -> tuple[str, int]:
        if op is ops.where:
            condition, *choices = map(self._operand, operands)
            return f"np.where({condition}, {', '.join(f'{each}.0' if each.isdigit() else each for each in choices)})", _ATOM
        if op is ops.power:
            exponent = self._operand(operands[1], _POWER)
            return f"{self._operand(operands[0], _ATOM)} ** {exponent}", _POWER
        if op is ops.negative:
            return f"-{self._operand(operands[0], _POWER)}", _PRODUCT
        if op in _INFIX:
            binding = _INFIX[op]
            left, right = operands
            if op is ops.add and self._is_negated(right):
                op, right = ops.subtract, self.program.instructions[right].operands[0]
            elif op is ops.add and self._is_negated(left):
                op, left, right = ops.subtract, right, self.program.instructions[left].operands[0]
            after = binding if op in (ops.add, ops.multiply) and self.text[right][0][:1] != "-" else binding + 1
            return f"{self._operand(left, binding)} {op.symbol} {self._operand(right, after)}", binding
        function = "erf" if op is ops.erf else f"np.{getattr(op.on_arrays, '__name__', op.name)}"
        return f"{function}({', '.join(map(self._operand, operands))})", _ATOM

    def _is_negated(self, number: int) -> bool:
        return self.program.instructions[number].op is ops.negative and number not in self.names

    def _reshape(self, operand: int, shape: Shape) -> str:
        source = self.program.instructions[operand]
        text = self._operand(operand, _ATOM)
        if source.op == REDUCE and operand not in self.names and shape == _without(source.shape, source.detail[0]):
            return self._reduce(operand, keep=False)
        if source.shape == (*shape, 1):
            return f"{text}[..., 0]"
        return f"{text}.reshape({', '.join(map(size_text, shape))})"

    def _reduce(self, number: int, keep: bool) -> str:
        instruction = self.program.instructions[number]
        axis, row = instruction.detail
        function = "np.sum" if row is ops.total_ else f"np.{REDUCTIONS[row].__name__}.reduce"
        return f"{function}({self._operand(instruction.operands[0])}, axis={axis}{', keepdims=True' if keep else ''})"

    def _scatter(self, number: int) -> str:
        """Columns side by side where the parts lie so, with zeros in the gaps; else a sum of zeros with something put in."""
        instruction = self.program.instructions[number]
        *batch, size = instruction.shape
        parts = sorted(zip(instruction.detail, instruction.operands), key=lambda part: part[0] if isinstance(part[0], tuple) else (-1,))
        if self.program.adjoint_of.get(number) is not None and self.program.instructions[self.program.adjoint_of[number]].op == PARAMETERS:
            for place, part in parts:
                self._name_gradient(place, part)
        beside: list[str] = []
        others: list[str] = []
        end = 0
        for place, part in parts:
            if place is None:
                others.insert(0, self._operand(part, _SUM))
            elif isinstance(place, tuple) and place[0] >= end and place[2] == 1:
                beside += [f"np.zeros({_shape((*batch, place[0] - end))})"] if place[0] > end else []
                beside.append(self._flat(part))
                end = place[1]
            else:
                columns = f"slice({place[0]}, {place[1]}, {place[2]})" if isinstance(place, tuple) else _columns(place)
                others.append(f"placed({columns}, {self._operand(part)}, {_shape(instruction.shape)})")
        if beside:
            beside += [f"np.zeros({_shape((*batch, size - end))})"] if size > end else []
            others.insert(0, beside[0] if len(beside) == 1 else f"np.concatenate([{', '.join(beside)}]{', axis=-1' if batch else ''})")
        return " + ".join(others)

    def _name_gradient(self, place: Any, part: int) -> None:
        """Give the gradient by a slice of the parameters that slice's name, behind a d."""
        names = [f"d{name}" for number, name in self.names.items() if number in self.unpacked and _same(self._source(number).detail, place)]
        source = part
        while self.program.instructions[source].op == RESHAPE and source not in self.names:
            (source,) = self.program.instructions[source].operands
        unused = [name for name in names if name not in self.taken]
        if unused and source not in self.names:
            self._assign(self._fresh(unused[-1], numbered=False), part)

    def _flat(self, number: int) -> str:
        source = self.program.instructions[number]
        if number not in self.names and source.op == RESHAPE and len(source.shape) == 1 and source.operands[0] in self.names:
            return f"{self._operand(source.operands[0], _ATOM)}.ravel()"
        return self._operand(number)


def _broken(line: str, comment: str = "") -> list[str]:
    """A line of the function's body; where it is too long, broken behind commas and before plus signs, as far out as possible."""
    if len(line) > _COLUMNS and any(depth == 0 for _, depth in _breaks(line)):
        name, _, terms = line.partition(" = ")
        line = f"{name} = ({terms})"
    pieces, start = [], 0
    breaks = [(depth, -position) for position, depth in _breaks(line) if depth]
    while len(line) - start > _COLUMNS:
        near = [each for each in breaks if start + _COLUMNS // 3 < -each[1] <= start + _COLUMNS]
        if not near:
            break
        end = -min(near)[1]
        pieces.append(line[start:end].rstrip())
        start = end
    pieces.append(line[start:])
    if comment:
        pieces[-1] += f"  # {comment}"
    return [f"{'' if not piece else '    ' if index == 0 else '        '}{piece}" for index, piece in enumerate(pieces)]


def _breaks(line: str) -> list[tuple[int, int]]:
    """Where a line can be broken, each with how many brackets are open there."""
    found, depth = [], 0
    for position, sign in enumerate(line):
        depth += (sign in "([") - (sign in ")]")
        if sign == " " and line[position - 1] == "," and depth:
            found.append((position + 1, depth))
        if sign == "+" and line[position - 1 : position + 2] == " + ":
            found.append((position, depth))
    return found


def _same(detail: Any, place: Any) -> bool:
    return isinstance(detail, tuple) == isinstance(place, tuple) and place is not None and np.array_equal(detail, place)


def _columns(columns: np.ndarray[Any, Any]) -> str:
    """A list of columns, by its rule where it consists of equal, evenly shifted rows: windows, repeats and the like."""
    count = len(columns)
    for inner in range(2, count // 2 + 1):
        if count % inner == 0 and count > 8:
            grid = columns.reshape(-1, inner)
            start, across, down = int(grid[0, 0]), int(grid[0, 1] - grid[0, 0]), int(grid[1, 0] - grid[0, 0])
            if (
                across >= 0
                and down >= 0
                and np.array_equal(grid, start + down * np.arange(count // inner)[:, None] + across * np.arange(inner))
            ):
                rows, row = _arange(start, down, count // inner), _arange(0, across, inner)
                if not across:
                    return f"np.repeat({rows}, {inner})"
                return f"np.tile({_arange(start, across, inner)}, {count // inner})" if not down else f"np.add.outer({rows}, {row}).ravel()"
    return str(columns.tolist())


def _arange(start: int, step: int, count: int) -> str:
    if step == 1:
        return f"np.arange({start}, {start + count})" if start else f"np.arange({count})"
    return f"np.arange({start}, {start + step * count}, {step})"


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def _number(value: float) -> str:
    if not np.isfinite(value):
        return f"{'-' if value < 0 else ''}np.{abs(value)}"
    return str(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)


def _shape(shape: Shape) -> str:
    return f"({', '.join(map(size_text, shape))}{',' if len(shape) == 1 else ''})"
