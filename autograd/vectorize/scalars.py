"""Scalars: a scalar graph as a list of nodes, the representation between recording and lowering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autograd.ops import Operation
from autograd.stable import Form
from autograd.value import Value
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.tables import Table

INPUT, PARAMETER, CONSTANT = "input", "parameter", "constant"
LEAVES = frozenset((INPUT, PARAMETER, CONSTANT))
DOT = "dot"


@dataclass
class Scalars:
    """A scalar graph as a list: each node is an operation and the numbers of its operands, which come before it.

    A leaf is (INPUT, (argument, row)), (PARAMETER, (k,)) for `parameters[k]`, or (CONSTANT, (number,)). Besides the operations of the
    table there is DOT, with operands u1 .. un v1 .. vn and the value u1 v1 + ... + un vn.
    """

    nodes: list[tuple[Operation | str, tuple[Any, ...]]] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    parameters: list[Value] = field(default_factory=list)
    tables: dict[Table, FloatArray] = field(default_factory=dict)  # which parameter each entry is; -1 for constants
    forms: list[Form] = field(default_factory=list)  # the formulas that were replaced by stable ones

    def factors(self, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The left factors of a DOT, and its right factors."""
        operands = self.nodes[number][1]
        return operands[: len(operands) // 2], operands[len(operands) // 2 :]

    def __str__(self) -> str:
        lines = []
        for number, (op, operands) in enumerate(self.nodes):
            words = " ".join(map(str, operands) if op in LEAVES else [f"%{each}" for each in operands])
            lines.append(f"%{number} = {op if isinstance(op, str) else op.name} {words}")
        return "\n".join([*lines, "return " + " ".join(f"%{each}" for each in self.outputs)])


def depths(graph: Scalars) -> list[int]:
    """The length of the longest path from a leaf to each node."""
    levels: list[int] = []
    level = levels.__getitem__
    for op, operands in graph.nodes:
        levels.append(0 if op in LEAVES else 1 + max(map(level, operands)))
    return levels
