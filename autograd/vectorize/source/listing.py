"""Listing: which arrays of a program get a line and a name, and which are written into the lines that use them."""

from __future__ import annotations

import numpy as np

from autograd import ops
from autograd.ops import ATOM
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.builder import spelled
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program
from autograd.vectorize.source.dialects import Dialect
from autograd.vectorize.source.expressions import INFIX, Expressions, in_order_of_columns

WIDTH = 60  # a longer expression gets a line of its own
_INLINED = (ops.negative, ops.power, ops.exp, ops.cosh)  # operations that are inlined, besides those with operators


class Listing(Expressions):
    """The lines of a program, each of which names an array."""

    def __init__(self, program: Program, signature: Signature, dialect: Dialect) -> None:
        has_cost = "cost" in program.outputs
        arguments = list[str]()
        for argument in signature.arguments:
            arguments.append(dialect.free(argument, arguments))
        program = with_results(program)
        super().__init__(program, arguments, signature.shapes, dialect)
        self.output = program.outputs.get("results", len(program))  # the arrays after it are derivatives
        self.gradient = program.outputs.get("gradient", -1)
        self.output_name = "cost" if has_cost else "result"
        self.users: list[list[int]] = [[] for _ in program.instructions]
        for number, instruction in enumerate(program.instructions):
            for each in instruction.operands:
                self.users[each].append(number)
        self.uses = [0] * len(program)
        for each in program.outputs.values():
            self.uses[each] += 1
        for number in range(len(program) - 1, -1, -1):
            instruction = program.instructions[number]
            for each in instruction.operands:  # a view is written again wherever it is used
                self.uses[each] += self.uses[number] if instruction.is_view else 1
        self.unpacked = self._unpacked()
        self.taken = {*self.arguments, *dialect.reserved}
        self.lines: list[tuple[str, str]] = []  # each with its comment
        self._write()

    def _write(self) -> None:
        """Write the lines, in order."""
        for number in self.unpacked:
            self.text[number] = self._unpacking(number)
            self._name(number)
        if self.unpacked:
            self.lines.append(("", ""))
        for number in range(len(self.program)):
            if number not in self.unpacked:
                if number == self.gradient:
                    self._name_parts_of_gradient(self.program.instructions[number])
                self.text[number] = self._expression(number)
                if not self._is_inlined(number):
                    self._name(number)
                if number == self.output and self.gradient >= 0:
                    self.lines.append(("", ""))

    def _unpacked(self) -> dict[int, str]:
        """The slices of the parameter vector in its order, in the shapes in which they are used, each with the letter of its name."""
        instructions = self.program.instructions
        letters: dict[int, str] = {}
        for number, instruction in enumerate(instructions):
            if isinstance(instruction, (ir.Slice, ir.Take)) and isinstance(instructions[instruction.operands[0]], ir.Parameters):
                matrices = [
                    each
                    for each in self.users[number]
                    if isinstance(instructions[each], ir.Reshape) and self.program.shape(each)[0] != ir.BATCH
                ]
                letters.update((each, "W") for each in matrices)
                if len(matrices) < len(self.users[number]):
                    added = any(self._op(each) is ops.add for each in self.users[number])
                    letters[number] = "b" if added else "w"

        def place(number: int) -> tuple[int, int]:
            return int(self._columns(number)[0]), self.program.origin(number)  # type: ignore[index]

        return {each: letters[each] for each in sorted(letters, key=place)}

    def _unpacking(self, number: int) -> tuple[str, int]:
        """The text of a slice of the parameters, when nothing has one yet."""
        for each in self.program.instructions[number].operands:
            if each not in self.text:
                self.text[each] = self._unpacking(each)
        return self._expression(number)

    def _is_inlined(self, number: int) -> bool:
        instruction, (text, _) = self.program.instructions[number], self.text[number]
        if isinstance(instruction, (ir.Input, ir.Parameters, ir.Weights, ir.Scale)) or instruction.is_view:
            return True
        if isinstance(instruction, ir.Constant) and instruction.value.size <= 8:
            return True
        if isinstance(instruction, ir.Take) and any(number in self.program.instructions[each].operands for each in self.unpacked):
            return True
        if isinstance(instruction, ir.Scatter) or self.uses[number] != 1 or number in self.program.outputs.values():
            return False
        if isinstance(instruction, ir.MatMul):
            return self._is_summand(number)
        op = self._op(number)
        inlined = isinstance(instruction, (ir.Expand, ir.Reduce, ir.Segments)) or (
            op is not None and (op in _INLINED or op.precedence in INFIX)
        )
        return inlined and (len(text) <= WIDTH or self._is_accumulated(number)) and not self._is_weighted_sum(number)

    def _is_summand(self, number: int) -> bool:
        """Whether a matrix product of the forward part is directly an operand of a sum."""
        users = self.users[number]
        while users and isinstance(self.program.instructions[users[0]], ir.Reshape):
            users = self.users[users[0]]
        return bool(users) and self._op(users[0]) in (ops.add, ops.subtract) and number not in self.program.adjoint_of

    def _is_accumulated(self, number: int) -> bool:
        """Whether it is part of a longer sum of derivatives."""
        return number > self.output and self._op(number) is ops.add and self._op(self.users[number][0]) is ops.add

    def _is_weighted_sum(self, number: int) -> bool:
        """Whether it is a matrix product with its bias in the forward part, which a reader looks for."""
        instructions, program = self.program.instructions, self.program
        is_product = [isinstance(instructions[program.origin(each)], ir.MatMul) for each in instructions[number].operands]
        return number <= self.output and self._op(number) is ops.add and any(is_product)

    def _name(self, number: int) -> None:
        instruction, op = self.program.instructions[number], self._op(number)
        output, primal = self.output, self.program.adjoint_of.get(number)
        if primal is not None and (primal in self.names or isinstance(self.program.instructions[primal], ir.Parameters)):
            name = self._fresh("d" + self.names.get(primal, "theta"), numbered=False)
        elif number in self.unpacked:
            name = self._fresh(self.unpacked[number])
        elif number == output:
            name = self._fresh(self.output_name, numbered=False)
        elif number > output or (op in (ops.add, ops.subtract) and not self._is_weighted_sum(number)):
            name = self._fresh("t")
        elif isinstance(instruction, ir.MatMul) or self._is_weighted_sum(number):
            name = self._fresh("z")
        else:
            name = self._fresh("e" if op is ops.exp else "t" if op is None else "h")
        self._assign(name, number)

    def _assign(self, name: str, number: int) -> None:
        """Write the line that gives an array its name."""
        self.names[number] = name
        self.lines.append((f"{name} = {self.text[number][0]}", ir.shape_text(self.program.shape(number))))
        self.text[number] = (name, ATOM)

    def _fresh(self, stem: str, numbered: bool = True) -> str:
        count = 1
        while (name := f"{stem}{count}" if numbered or count > 1 else stem) in self.taken:
            count += 1
        self.taken.add(name)
        return name

    def _name_parts_of_gradient(self, gradient: ir.Instruction) -> None:
        """Name the gradient of each slice of the parameters after the slice: dW1 after W1."""
        for place, part in in_order_of_columns(gradient) if isinstance(gradient, ir.Scatter) else ():
            names = [f"d{name}" for number, name in self.names.items() if number in self.unpacked and _same(self._columns(number), place)]
            base = part
            while isinstance(self.program.instructions[base], ir.Reshape) and base not in self.names:
                (base,) = self.program.instructions[base].operands
            unused = [name for name in names if name not in self.taken]
            if unused and base not in self.names:
                self._assign(self._fresh(unused[-1], numbered=False), part)

    def _columns(self, number: int) -> ir.Columns | FloatArray | None:
        """The columns of the parameters that an array consists of, or None if it does not consist of columns."""
        instruction = self.program.instructions[self.program.origin(number)]
        return instruction.columns if isinstance(instruction, (ir.Slice, ir.Take)) else None


def with_results(program: Program) -> Program:
    """Return the program with the results of each example as an output instead of the cost: a reader expects to see them."""
    if "cost" not in program.outputs:
        return program
    program = program.copy()
    cost = program.instructions[results := program.outputs.pop("cost")]
    if isinstance(cost, ir.MatMul):  # of the weights and the results
        results = cost.operands[1]
    program.outputs = {"results": results, **program.outputs}
    return spelled(program)


def _same(columns: ir.Columns | FloatArray | None, place: ir.Columns | FloatArray | None) -> bool:
    return isinstance(columns, tuple) == isinstance(place, tuple) and place is not None and np.array_equal(columns, place)  # type: ignore[arg-type]
