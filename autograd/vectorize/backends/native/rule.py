"""Rule: an update rule in C, for as many parameters at once as a register holds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.backends.native.mathematics import OPERATORS
from autograd.vectorize.program import Program


def literal(value: float) -> str:
    if math.isnan(value):
        return "(real)NAN"
    if math.isinf(value):
        return "(real)INFINITY" if value > 0 else "(real)-INFINITY"
    return f"(real){value!r}"


def applied(op: Operation, words: Sequence[str]) -> tuple[str, set[str]]:
    """An operation on vectors as an expression, and the names of the functions that it calls."""
    if op is ops.negative:
        return f"-{words[0]}", set()
    if op in OPERATORS:
        return f" {op.symbol} ".join(words), set()
    if op is ops.power and words[1].startswith("splat("):  # a constant
        return f"v_powers({words[0]}, {words[1].removeprefix('splat')})", {"powers"}
    return f"v_{op.name}({', '.join(words)})", {op.name}


class Rule:
    """The program of an update rule as C text.

    `struct step` has what all parameters share, which `step_of` computes from the settings; `improve` is the rule. Raises ValueError,
    naming it, for an operation that cannot be written in C.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.functions: set[str] = set()
        self.shared: dict[str, str] = {}  # names, and how they are computed
        self.lines: list[str] = []
        count = 1 + max((each.argument for each in program.instructions if isinstance(each, ir.Input)), default=0)
        rows = program.result_vectors()
        self.memory = [f"memory{place}" for place in range(max(count - 2, len(rows) - 1))]
        self.words: dict[int, str] = {}
        for number, instruction in enumerate(program.instructions):
            if not isinstance(instruction, (ir.Concatenate, ir.Parameters)):
                self._emit(number, instruction)
        self.results = [self.words[each] for each in rows]

    def _emit(self, number: int, instruction: ir.Instruction) -> None:
        words = [self.words.get(each, "") for each in instruction.operands]
        match instruction:
            case ir.Input(argument=argument):
                name = ["parameter", "gradient", *self.memory][argument]
                if name != "gradient":
                    self.lines.append(f"const vec {name} = load_some(step->{'theta' if argument == 0 else name} + at, left);")
                self.words[number] = name
            case ir.Slice(start=start):
                self._define(number, f"splat(settings[{start}])")
            case ir.Constant(value=value):
                self.words[number] = f"splat({literal(float(value))})"
            case ir.Expand() | ir.Reshape() | ir.Transpose():
                self.words[number] = words[0]
            case ir.Elementwise():
                text, functions = applied(instruction.op, words)
                self.functions |= functions
                self._define(number, text)
            case _:
                raise ValueError(f"{instruction} in an update rule: a rule cannot use other parameters")

    def _define(self, number: int, text: str) -> None:
        if ir.BATCH in self.program.shape(number):
            self.words[number] = f"a{number}"
            self.lines.append(f"const vec a{number} = {text};")
        else:
            self.words[number] = f"step->a{number}"
            self.shared[f"a{number}"] = text

    def text(self) -> str:
        pointers = ", ".join(f"*{name}" for name in ("theta", *self.memory))
        shared = "".join(f", {name}" for name in self.shared)
        computed = [f"    step->{name} = {text};" for name, text in self.shared.items()]
        stored = [f"    store_some(step->{name} + at, {word}, left);" for name, word in zip(("theta", *self.memory), self.results)]
        return "\n".join(
            [
                "// The parameters and their memory, where the gradient is kept (or NULL), the sum of its squares, what all share.",
                "struct step {",
                f"    real {pointers}, *gradient;",
                f"    vec squares{shared};",
                "};",
                "",
                "static inline struct step step_of(const real *settings, struct step begun) {",
                "    struct step *const step = &begun;",
                *computed,
                "    return begun;",
                "}",
                "",
                "ALWAYS void improve(struct step *step, long at, vec gradient, long left) {",
                "    if (step->gradient != NULL)",
                "        store_some(step->gradient + at, gradient, left);",
                *(f"    {line}" for line in self.lines),
                *stored,
                "}",
                "",
            ]
        )
