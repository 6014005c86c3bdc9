"""Stage 7a, render: an array program as numpy source that reads as one would write it by hand.

It is functional and uses array functions only, so that another namespace in numpy's manner could run it.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    RESHAPE,
    SCALE,
    SCATTER,
    SLICE,
    TAKE,
    TRANSPOSE,
    Program,
    Shape,
    size_text,
)

_WIDTH = 60  # an expression longer than this gets a line of its own
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
_ERF = '''
erf = np.vectorize(math.erf, otypes=[float])
'''


def render(program: Program, name: str, arguments: Sequence[str], shapes: Sequence[Shape], result: Shape) -> str:
    """Source that defines a function `name` of the arguments and, where the program has any, `theta`, its parameters.

    It returns the results, or the mean of the results and its gradient where the program has that second output.
    `shapes` are those of one example of each argument, and `result` that of one example's results.
    """
    return _Renderer(program, arguments, shapes).source(name, result)


class _Renderer:
    def __init__(self, program: Program, arguments: Sequence[str], shapes: Sequence[Shape]) -> None:
        self.program, self.arguments, self.shapes = program, arguments, shapes
        self.uses = [0] * len(program.instructions)
        for instruction in program.instructions:
            for each in instruction.operands:
                self.uses[each] += 1
        for each in program.outputs:
            self.uses[each] += 1
        self.text: dict[int, tuple[str, int]] = {}  # each array as an expression, and how tightly that binds
        self.names: dict[int, str] = {}
        self.taken = {*arguments, "np", "batch", "theta", "math", "erf", "placed"}
        self.lines: list[tuple[str, str]] = []

    def source(self, name: str, result: Shape) -> str:
        program = self.program
        size = next((each.shape[0] for each in program.instructions if each.op == PARAMETERS), 0)
        gradient = len(program.outputs) > 1
        for number, instruction in enumerate(program.instructions):
            self.text[number] = self._expression(number)
            if not self._is_inlined(number):
                self._name(number)
        output = program.outputs[0]
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
        width = min(max((len(line) for line, comment in self.lines if comment), default=0), 80)
        body = [f"    {line:{width}}  # {comment}" if comment else f"    {line}" for line, comment in self.lines]
        parameters = ", ".join([*self.arguments, *(["theta"] if size else [])])
        described = [f"{each} ({', '.join(['batch', *map(str, shape)])})" for each, shape in zip(self.arguments, self.shapes)]
        described += [f"theta ({size})"] if size else []
        text = "\n".join([*body, f"    return {returned}"])
        uses_batch = "batch" in text.replace("# (", "") and any("batch" in line for line, _ in self.lines) or "(batch" in returned
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

    def _is_inlined(self, number: int) -> bool:
        instruction = self.program.instructions[number]
        op, (text, _) = instruction.op, self.text[number]
        if op in (INPUT, PARAMETERS, SCALE) or (op == CONSTANT and instruction.detail.size <= 8):
            return True
        if op in (SLICE, RESHAPE, TRANSPOSE):
            return not self._is_parameter(number)
        if op == SCATTER or self.uses[number] != 1 or number in self.program.outputs:
            return False
        return len(text) <= _WIDTH and op in (*_INFIX, ops.negative, ops.power, ops.exp, ops.cosh, EXPAND, REDUCE) and not self._is_landmark(number)

    def _is_landmark(self, number: int) -> bool:
        """Whether a reader looks for it: a weighted sum with its bias."""
        instruction = self.program.instructions[number]
        return instruction.op is ops.add and any(self.program.instructions[each].op == MATMUL for each in instruction.operands)

    def _is_parameter(self, number: int) -> bool:
        """Whether it is a slice of the parameter vector, in the shape in which a matrix product wants it."""
        instruction = self.program.instructions[number]
        if instruction.op == SLICE:
            users = [each for each in self.program.instructions if number in each.operands]
            matrix = len(users) == 1 and users[0].op == RESHAPE and len(users[0].shape) == 2 and users[0].shape[1] != 1
            return self.program.instructions[instruction.operands[0]].op == PARAMETERS and not matrix
        source = self.program.instructions[instruction.operands[0]]
        return instruction.op == RESHAPE and instruction.shape[-1] != 1 and source.op == SLICE and self.program.instructions[source.operands[0]].op == PARAMETERS

    def _name(self, number: int) -> None:
        instruction = self.program.instructions[number]
        text, _ = self.text[number]
        primal = self.program.adjoint_of.get(number)
        if primal is not None and (primal in self.names or self.program.instructions[primal].op == PARAMETERS):
            name = self._fresh("d" + self.names.get(primal, "theta"), numbered=False)
        elif self._is_parameter(number):
            name = self._fresh("W" if len(instruction.shape) == 2 else "b")
        elif instruction.op == MATMUL or self._is_landmark(number):
            name = self._fresh("z")
        elif number == self.program.outputs[0]:
            name = self._fresh("cost" if len(self.program.outputs) > 1 else "result", numbered=False)
        elif isinstance(instruction.op, Operation) and number not in self.program.adjoint_of and instruction.op not in (ops.subtract, ops.add):
            name = self._fresh("h")
        else:
            name = self._fresh("t")
        self.names[number] = name
        shape = ", ".join(map(size_text, instruction.shape))
        self.lines.append((f"{name} = {text}", f"({shape}{',' if len(instruction.shape) == 1 else ''})"))
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
            return f"{self._operand(operands[0], _ATOM)}[{'' if len(instruction.shape) == 1 else ':, '}{detail.tolist()}]", _ATOM
        if op == CONCATENATE:
            return f"np.concatenate([{', '.join(map(self._operand, operands))}], axis=-1)", _ATOM
        if op == MATMUL:
            return f"{self._operand(operands[0], _PRODUCT)} @ {self._operand(operands[1], _POWER)}", _PRODUCT
        if op == EXPAND:
            return f"np.broadcast_to({self._operand(operands[0])}, {_shape(instruction.shape)})", _ATOM
        if op == REDUCE:
            return self._reduce(number, keep=True), _ATOM
        return self._scatter(number), _ATOM

    def _operation(self, op: Operation, operands: Sequence[int]) -> tuple[str, int]:
        if op is ops.power:
            exponent = self._operand(operands[1], _POWER)
            return f"{self._operand(operands[0], _ATOM)} ** {exponent}", _POWER
        if op is ops.negative:
            return f"-{self._operand(operands[0], _POWER)}", _PRODUCT
        if op in _INFIX:
            binding = _INFIX[op]
            left, right = operands
            after = binding if op in (ops.add, ops.multiply) and self.text[right][0][:1] != "-" else binding + 1
            return f"{self._operand(left, binding)} {op.symbol} {self._operand(right, after)}", binding
        function = "erf" if op is ops.erf else f"np.{getattr(op.on_arrays, '__name__', op.name)}"
        return f"{function}({', '.join(map(self._operand, operands))})", _ATOM

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
        function = "np.sum" if row is ops.sum_ else "np.logaddexp.reduce"
        return f"{function}({self._operand(instruction.operands[0])}, axis={axis}{', keepdims=True' if keep else ''})"

    def _scatter(self, number: int) -> str:
        instruction = self.program.instructions[number]
        size = instruction.shape[0]
        ends = [0, *(place[1] for place in instruction.detail if isinstance(place, tuple))]
        parts = sorted(zip(instruction.detail, instruction.operands), key=lambda part: part[0] if isinstance(part[0], tuple) else (0,))
        ends = [0]
        for place, _ in parts:
            if place is None or not isinstance(place, tuple) or place[0] != ends[-1] or place[2] != 1:
                break
            ends.append(place[1])
        if len(ends) == len(parts) + 1 and ends[-1] == size:
            return f"np.concatenate([{', '.join(self._flat(each) for _, each in parts)}])"
        words = []
        for place, each in parts:
            if place is None:
                words.append(self._operand(each, _SUM))
            else:
                rows = f"slice({place[0]}, {place[1]}, {place[2]})" if isinstance(place, tuple) else str(place.tolist())
                words.append(f"placed({rows}, {self._operand(each)}, {_shape(instruction.shape)})")
        return " + ".join(words)

    def _flat(self, number: int) -> str:
        source = self.program.instructions[number]
        if source.op == RESHAPE and len(source.shape) == 1 and self.program.instructions[source.operands[0]].op == MATMUL:
            return f"{self._operand(source.operands[0], _ATOM)}.ravel()"
        return self._operand(number)


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value) if np.isfinite(value) else f"np.{value}"


def _shape(shape: Shape) -> str:
    return f"({', '.join(map(size_text, shape))}{',' if len(shape) == 1 else ''})"
