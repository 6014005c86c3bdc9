"""Schedule: when each array of a program is computed, and which operations are written into others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from autograd.vectorize import instructions as ir
from autograd.vectorize.program import Program

BEFORE, WITHIN, ADDED, AFTER = "before", "within", "added", "after"


def stages_of(program: Program) -> list[str]:
    """For each array: BEFORE the loop over the blocks, WITHIN it, ADDED up over the blocks, or AFTER the loop.

    Raises ValueError for a program that one loop over the examples cannot compute.
    """
    stages: list[str] = []
    for number, instruction in enumerate(program.instructions):
        operands = [stages[each] for each in instruction.operands]
        late = ADDED in operands or AFTER in operands
        if program.varies(number):
            if late:
                raise ValueError(f"{instruction}: an example cannot depend on a sum over all examples")
            stages.append(WITHIN)
        elif WITHIN in operands:
            if not isinstance(instruction, (ir.MatMul, ir.Reduce, ir.AddRows)) or late:
                raise ValueError(f"{instruction} combines examples in another way than a sum")
            stages.append(ADDED)
        else:
            stages.append(AFTER if late else BEFORE)
    return stages


def merged_operations(program: Program, stages: Sequence[str]) -> set[int]:
    """The elementwise operations that are used once, in another one of the same shape and stage, and are written into it."""
    uses = program.uses()
    merged = set()
    for number, instruction in enumerate(program.instructions):
        for each in instruction.operands if isinstance(instruction, ir.Elementwise) else ():
            same = program.shape(each) == program.shape(number) and stages[each] is stages[number]
            if isinstance(program.instructions[each], ir.Elementwise) and same and uses[each] == 1:
                merged.add(each)
    return merged


def last_reads(program: Program, merged: Collection[int]) -> list[list[int]]:
    """For each instruction the arrays that nothing reads after it, neither themselves nor as views or operations written into others."""
    last = list(range(len(program)))
    for each in program.outputs.values():
        last[each] = len(program)
    for number in range(len(program) - 1, -1, -1):
        instruction = program.instructions[number]
        is_later = instruction.is_view or isinstance(instruction, ir.Expand) or number in merged
        for each in instruction.operands:
            last[each] = max(last[each], last[number] if is_later else number)
    arrays: list[list[int]] = [[] for _ in range(len(program) + 1)]
    for number, each in enumerate(last):
        arrays[each].append(number)
    return arrays
