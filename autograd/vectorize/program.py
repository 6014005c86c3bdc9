"""Program: instructions in the order in which they run; `instructions` specifies them."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize.instructions import (
    BOOLEAN,
    AddRows,
    Concatenate,
    Elementwise,
    Instruction,
    MatMul,
    Parameters,
    Reduce,
    Reshape,
    Scatter,
    Segments,
    Shape,
    Type,
    shape_text,
)

ROWS = frozenset(op for op in ops.TABLE.values() if isinstance(op.on_arrays, np.ufunc) or op.is_special or op.reduction) | {ops.where}


@dataclass
class Program:
    """Instructions in the order they run, the types of their arrays, and which of those are the outputs."""

    instructions: list[Instruction] = field(default_factory=list)
    types: list[Type] = field(default_factory=list)
    outputs: dict[str, int] = field(default_factory=dict)
    adjoint_of: dict[int, int] = field(default_factory=dict)  # the array with respect to which each derivative is taken
    limits: dict[tuple[int, int], int] = field(default_factory=dict)  # of indices, (argument, column): the rows that they choose from

    def __len__(self) -> int:
        return len(self.instructions)

    def __str__(self) -> str:
        lines = [f"%{number} = {instruction}  # {self.types[number]}" for number, instruction in enumerate(self.instructions)]
        return "\n".join([*lines, "return " + ", ".join(f"{name} %{number}" for name, number in self.outputs.items())])

    def append(self, instruction: Instruction) -> int:
        """Add an instruction and return its number. Raises ValueError if its operands do not fit."""
        self.types.append(instruction.type([self.types[each] for each in instruction.operands]))
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def is_same(self, other: Program) -> bool:
        """Whether another program has the same instructions, constants and outputs."""
        mine, others = ([each.content for each in program.instructions] for program in (self, other))
        return mine == others and self.outputs == other.outputs

    def copy(self) -> Program:
        return Program(list(self.instructions), list(self.types), dict(self.outputs), dict(self.adjoint_of), self.limits)

    def shape(self, number: int) -> Shape:
        return self.types[number].shape

    def is_boolean(self, number: int) -> bool:
        return self.types[number].dtype is BOOLEAN

    def varies(self, number: int) -> bool:
        """Whether an array has a batch axis."""
        return any(size < 0 for size in self.types[number].shape)

    def find(self, kind: type[Instruction]) -> list[int]:
        """The instructions of a kind."""
        return [number for number, each in enumerate(self.instructions) if isinstance(each, kind)]

    def origin(self, number: int) -> int:
        """The array that an array is a reshape of, or the array itself."""
        while isinstance(self.instructions[number], Reshape):
            (number,) = self.instructions[number].operands
        return number

    def made_in_place(self, scatter: Scatter) -> dict[int, int]:
        """The arrays that can be computed directly in the columns of a scatter into a vector, each with its first column.

        Nothing else uses them, and their columns are contiguous and not written by an earlier part. The other parts are added.
        """
        made: dict[int, int] = {}
        if len(scatter.shape) > 1:  # columns of a batch are not in one piece
            return made
        uses, written = self.uses(), np.zeros(scatter.shape[-1], dtype=bool)
        for place, part in zip(scatter.places, scatter.operands):
            columns: Any = slice(None) if place is None else slice(*place) if isinstance(place, tuple) else place
            base = self.origin(part)
            is_made = isinstance(self.instructions[base], (MatMul, Reduce, Elementwise, AddRows)) and not self.is_boolean(base)
            is_for_it = uses[part] == uses[base] == 1
            in_one_piece = place is None or (isinstance(place, tuple) and place[2] == 1)
            if is_made and is_for_it and in_one_piece and not written[columns].any():
                made[base] = 0 if place is None else int(place[0])
            written[columns] = True
        return made

    def uses(self) -> list[int]:
        """The number of times that each array is an operand or an output."""
        uses = [0] * len(self.instructions)
        for each in self.outputs.values():
            uses[each] += 1
        for instruction in self.instructions:
            for each in instruction.operands:
                uses[each] += 1
        return uses

    @property
    def parameter_count(self) -> int:
        """The length of the parameter vector."""
        return max((self.shape(each)[-1] for each in self.find(Parameters)), default=0)

    def result_vectors(self) -> list[int]:
        """In the program of an update rule: the new parameters and each new memory vector, which the results are made of."""
        results = self.outputs["results"]
        instruction = self.instructions[results]
        return [self.origin(each) for each in (instruction.operands if isinstance(instruction, Concatenate) else [results])]

    @property
    def rows(self) -> set[Operation]:
        """The operations that the program applies."""
        return {each.op for each in self.instructions if isinstance(each, (Elementwise, Reduce, Segments))}

    def check(self, rows: Collection[Operation] | None = ROWS) -> None:
        """Raise ValueError, naming the instruction, unless operands come before results, all types are right, and all operations
        are in `rows` (None: any operation, for a program before `spelled`).
        """
        for number, instruction in enumerate(self.instructions):
            try:
                operands = instruction.operands
                if operands and not 0 <= min(operands) <= max(operands) < number:
                    raise ValueError("its operands do not come before it")
                if (right := instruction.type([self.types[each] for each in operands])) != self.types[number]:
                    raise ValueError(f"its type is {right}, not {self.types[number]}")
                if rows is not None and isinstance(instruction, (Elementwise, Reduce, Segments)) and instruction.op not in rows:
                    raise ValueError(f"back ends do not know the operation {instruction.op.name}")
            except ValueError as error:
                raise ValueError(f"%{number} = {instruction}: {error}") from None
        for name, number in self.outputs.items():
            if not 0 <= number < len(self.instructions):
                raise ValueError(f"the output {name} is array {number} of {len(self.instructions)}")
        if "cost" in self.outputs and math.prod(self.shape(self.outputs["cost"])) != 1:
            raise ValueError(f"the cost is one number, not {shape_text(self.shape(self.outputs['cost']))}")
