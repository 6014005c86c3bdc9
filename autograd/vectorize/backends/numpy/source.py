"""Source: a program as numpy source that reads as one would write it by hand.

It is functional and uses array functions only, so that another namespace in numpy's manner can run it: what such a one spells
in another way is in a `Dialect`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from autograd import ops
from autograd.ops import ATOM, COMPARISON, POWER, PRODUCT, SUM, Operation
from autograd.vectorize.builder import spelled
from autograd.vectorize.program import (
    BATCH,
    Columns,
    Concatenate,
    Constant,
    Elementwise,
    Expand,
    FloatArray,
    Input,
    Instruction,
    MatMul,
    Parameters,
    Program,
    Reduce,
    Reshape,
    Scale,
    Scatter,
    Shape,
    Slice,
    Take,
    Transpose,
    Weights,
    shape_text,
    size_text,
)

_WIDTH = 60  # an expression longer than this gets a line of its own,
_COLUMNS = 100  # and a line longer than this is broken
_INFIX = (COMPARISON, SUM, PRODUCT)  # what stands between its operands; powers and signs are written apart, truths are functions
_BUILTINS = ("float", "len", "slice")  # that sources use
_MATH = "import math\n\n"
SPECIAL = [name for name, op in ops.TABLE.items() if op.is_special]
_INLINED = (ops.negative, ops.power, ops.exp, ops.cosh)  # and what stands between its operands


class Helper(NamedTuple):
    """A function that a source calls and has to bring along: what stands above the import of the namespace for it, and what below."""

    name: str
    below: str
    above: str = ""


class Dialect(NamedTuple):
    """A namespace in numpy's manner: its name in the source, and what it spells in its own way."""

    name: str
    imports: str
    helpers: tuple[Helper, ...]
    columns: str  # a list of columns as an index
    placed: str  # zeros with a part added into columns
    logsumexp: str  # along an axis

    @property
    def reserved(self) -> tuple[str, ...]:
        """Names that mean something in every source."""
        modules = [each.above.split()[-1] for each in self.helpers if each.above]
        return (self.name, *modules, *(each.name for each in self.helpers), *_BUILTINS, "batch", "theta", "weights")

    def free(self, name: str, taken: Collection[str] = ("parameters",)) -> str:
        """A name that has no other meaning in a source: the given one, with underscores behind it where it has to differ."""
        while name in self.reserved or name in taken:
            name += "_"
        return name


NUMPY = Dialect(
    name="np",
    imports="import numpy as np",
    helpers=(
        Helper(
            "placed",
            '''

def placed(columns, part, shape):
    """Zeros, with `part` added into these columns."""
    whole = np.zeros(shape)
    np.add.at(whole, (..., columns), part)
    return whole
''',
        ),
        *(Helper(name, f"\n\n{name} = np.vectorize(math.{name}, otypes=[float])\n", above=_MATH) for name in SPECIAL),
    ),
    columns="{}",
    placed="placed({columns}, {part}, {shape})",
    logsumexp="np.logaddexp.reduce",
)


def source(program: Program, name: str, arguments: Sequence[str], shapes: Sequence[Shape], result: Shape, dialect: Dialect = NUMPY) -> str:
    """Source that defines a function `name` of the arguments and, where the program has any, `theta`, its parameters.

    It returns the results, or the cost and its gradient; a program that takes weights has them for its last argument.
    `shapes` are those of one example of each argument, and `result` that of one example's results.
    """
    return _Renderer(program, arguments, shapes, dialect).source(name, result)


class Named(NamedTuple):
    """A program as it is shown, with the names of its arguments and of those of its arrays that a line makes."""

    program: Program
    arguments: Sequence[str]
    names: Mapping[int, str]


def named(program: Program, arguments: Sequence[str], shapes: Sequence[Shape]) -> Named:
    """The names that `source` gives, for who writes the same program in another language."""
    renderer = _Renderer(program, arguments, shapes)
    renderer.write()
    return Named(renderer.program, renderer.arguments, renderer.names)


def _shown(program: Program) -> Program:
    """The program with each example's results for an output in place of the cost: a reader expects to see them."""
    if "cost" not in program.outputs:
        return program
    program = program.copy()
    cost = program.instructions[results := program.outputs.pop("cost")]
    if isinstance(cost, MatMul):  # of the weights and the results
        results = cost.operands[1]
    program.outputs = {"results": results, **program.outputs}
    return spelled(program)


class _Renderer:
    def __init__(self, program: Program, arguments: Sequence[str], shapes: Sequence[Shape], dialect: Dialect = NUMPY) -> None:
        self.dialect, self.np = dialect, dialect.name
        self.has_cost, self.is_weighted = "cost" in program.outputs, bool(program.find(Weights))
        self.program, self.shapes = _shown(program), shapes
        self.output = self.program.outputs.get("results", len(self.program))  # what comes after it is derivatives
        self.gradient = self.program.outputs.get("gradient", -1)
        self.arguments = list[str]()
        for argument in arguments:
            self.arguments.append(dialect.free(argument, self.arguments))
        self.uses = [0] * len(self.program)
        for each in self.program.outputs.values():
            self.uses[each] += 1
        for number in range(len(self.program) - 1, -1, -1):
            instruction = self.program.instructions[number]
            for each in instruction.operands:  # a view is written again wherever it is used
                self.uses[each] += self.uses[number] if instruction.is_view else 1
        self.unpacked = self._unpacked()
        self.text: dict[int, tuple[str, int]] = {}  # each array as an expression, and how tightly that binds
        self.names: dict[int, str] = {}
        self.taken = {*self.arguments, *dialect.reserved}
        self.lines: list[tuple[str, str]] = []

    def source(self, name: str, result: Shape) -> str:
        self.write()
        size = max((self.program.shape(each)[-1] for each in self.program.find(Parameters)), default=0)
        width = max((len(line) for line, comment in self.lines if comment and len(line) <= _WIDTH), default=0)
        body = [each for line, comment in self.lines for each in _broken(f"{line:{width}}" if comment else line, comment)]
        parameters = ", ".join([*self.arguments, *(["theta"] if size else []), *(["weights"] if self.is_weighted else [])])
        described = [
            f"{each} ({', '.join(['batch', *map(str, shape)])}{'' if shape else ','})" for each, shape in zip(self.arguments, self.shapes)
        ]
        described += [f"theta ({size},)"] if size else []
        described += ["weights (batch,)"] if self.is_weighted else []
        returned = self._returned(result)
        text = "\n".join([*body, *_broken(f"return {returned}")])
        uses_batch = ("batch" in text.replace("# (", "") and any("batch" in line for line, _ in self.lines)) or "(batch" in returned
        helpers = [each for each in self.dialect.helpers if f"{each.name}(" in text]
        above, below = "".join(dict.fromkeys(each.above for each in helpers)), "".join(each.below for each in helpers)
        return "\n".join(
            [
                f"{above}{self.dialect.imports}\n{below}".rstrip(),
                "",
                "",
                f"def {self.dialect.free(name)}({parameters}):",
                f"    # {', '.join(described)}",
                *([f"    batch = len({self.arguments[0]})"] if uses_batch else []),
                text,
                "",
            ]
        )

    def write(self) -> None:
        """Write the lines, in order, that make the arrays with names."""
        for number in self.unpacked:
            self.text[number] = self._unpacking(number)
            self._name(number)
        if self.unpacked:
            self.lines.append(("", ""))
        for number in range(len(self.program)):
            if number not in self.unpacked:
                self.text[number] = self._expression(number)
                if not self._is_inlined(number):
                    self._name(number)
                if number == self.output and self.gradient >= 0:
                    self.lines.append(("", ""))

    def _returned(self, result: Shape) -> str:
        """What the function returns: the results in their shape, or the cost and, where there is one, its gradient."""
        varies = self.program.varies(self.output)
        if self.has_cost:
            if varies and self.is_weighted:
                cost = f"weights @ {self._operand(self.output, ATOM)}[:, 0]"
            elif varies:
                cost = f"{self.np}.mean({self._operand(self.output)})"
            else:
                cost = self._operand(self.output, ATOM) + ("[0]" if self.program.shape(self.output) else "")
            return f"{cost}, {self._operand(self.gradient)}" if self.gradient >= 0 else cost
        if not varies:
            return f"{self.np}.broadcast_to({self._operand(self.output)}.reshape({result}), ({', '.join(['batch', *map(str, result)])},))"
        if result == ():
            return f"{self._operand(self.output, ATOM)}[:, 0]"
        if len(result) == 1:
            return self._operand(self.output)
        return f"{self._operand(self.output, ATOM)}.reshape(batch, {', '.join(map(str, result))})"

    def _unpacked(self) -> dict[int, str]:
        """The slices of the parameter vector, in its order and in the shapes in which they are used, each with the letter of its name."""
        instructions = self.program.instructions
        users: dict[int, list[int]] = {}
        for number, instruction in enumerate(instructions):
            for each in instruction.operands:
                users.setdefault(each, []).append(number)
        letters: dict[int, str] = {}
        for number, instruction in enumerate(instructions):
            if isinstance(instruction, (Slice, Take)) and isinstance(instructions[instruction.operands[0]], Parameters):
                matrices = [
                    each
                    for each in users.get(number, ())
                    if isinstance(instructions[each], Reshape) and self.program.shape(each)[0] != BATCH
                ]
                letters.update((each, "W") for each in matrices)
                if len(matrices) < len(users.get(number, ())):
                    added = any(self._op(each) is ops.add for each in users[number])
                    letters[number] = "b" if added else "w"

        def place(number: int) -> tuple[int, int]:
            while isinstance(instructions[number], Reshape):
                (number,) = instructions[number].operands
            return int(_columns_of(instructions[number])[0]), number  # type: ignore[index]

        return {each: letters[each] for each in sorted(letters, key=place)}

    def _unpacking(self, number: int) -> tuple[str, int]:
        """The text of a slice of the parameters, when nothing has one yet."""
        for each in self.program.instructions[number].operands:
            if each not in self.text:
                self.text[each] = self._unpacking(each)
        return self._expression(number)

    def _op(self, number: int) -> Operation | None:
        """The row that an array is made by, entry by entry."""
        instruction = self.program.instructions[number]
        return instruction.op if isinstance(instruction, Elementwise) else None

    def _users(self, number: int) -> list[int]:
        return [user for user, each in enumerate(self.program.instructions) if number in each.operands]

    def _is_inlined(self, number: int) -> bool:
        instruction, (text, _) = self.program.instructions[number], self.text[number]
        if isinstance(instruction, (Input, Parameters, Weights, Scale)) or instruction.is_view:
            return True
        if isinstance(instruction, Constant) and instruction.value.size <= 8:
            return True
        if isinstance(instruction, Take) and any(number in self.program.instructions[each].operands for each in self.unpacked):
            return True
        if isinstance(instruction, Scatter) or self.uses[number] != 1 or number in self.program.outputs.values():
            return False
        if isinstance(instruction, MatMul):
            return self._is_summand(number)
        op = self._op(number)
        inlined = isinstance(instruction, (Expand, Reduce)) or (op is not None and (op in _INLINED or op.precedence in _INFIX))
        return inlined and (len(text) <= _WIDTH or self._is_accumulated(number)) and not self._is_weighted_sum(number)

    def _is_summand(self, number: int) -> bool:
        """Whether a matrix product of the forward part has something added to it at once."""
        users = self._users(number)
        while users and isinstance(self.program.instructions[users[0]], Reshape):
            users = self._users(users[0])
        return bool(users) and self._op(users[0]) in (ops.add, ops.subtract) and number not in self.program.adjoint_of

    def _is_accumulated(self, number: int) -> bool:
        """Whether it is a part of a longer sum of derivatives."""
        return number > self.output and self._op(number) is ops.add and self._op(self._users(number)[0]) is ops.add

    def _is_weighted_sum(self, number: int) -> bool:
        """Whether a reader looks for it: a matrix product with its bias, of the forward part."""
        operands = self.program.instructions[number].operands
        is_forward = number <= self.output
        return is_forward and self._op(number) is ops.add and any(isinstance(self._source(each), MatMul) for each in operands)

    def _source(self, number: int) -> Instruction:
        """What an array is, seen through reshapes."""
        instruction = self.program.instructions[number]
        while isinstance(instruction, Reshape):
            instruction = self.program.instructions[instruction.operands[0]]
        return instruction

    def _name(self, number: int) -> None:
        instruction, op = self.program.instructions[number], self._op(number)
        output, primal = self.output, self.program.adjoint_of.get(number)
        if primal is not None and (primal in self.names or isinstance(self.program.instructions[primal], Parameters)):
            name = self._fresh("d" + self.names.get(primal, "theta"), numbered=False)
        elif number in self.unpacked:
            name = self._fresh(self.unpacked[number])
        elif number == output:
            name = self._fresh("cost" if self.has_cost else "result", numbered=False)
        elif number > output or (op in (ops.add, ops.subtract) and not self._is_weighted_sum(number)):
            name = self._fresh("t")
        elif isinstance(instruction, MatMul) or self._is_weighted_sum(number):
            name = self._fresh("z")
        else:
            name = self._fresh("e" if op is ops.exp else "t" if op is None else "h")
        self._assign(name, number)

    def _assign(self, name: str, number: int) -> None:
        """Write the line that gives an array its name."""
        self.names[number] = name
        self.lines.append((f"{name} = {self.text[number][0]}", shape_text(self.program.shape(number))))
        self.text[number] = (name, ATOM)

    def _fresh(self, stem: str, numbered: bool = True) -> str:
        count = 1
        while (name := f"{stem}{count}" if numbered or count > 1 else stem) in self.taken:
            count += 1
        self.taken.add(name)
        return name

    def _operand(self, number: int, binding: int = 0, is_float: bool = False) -> str:
        """The text of an array, in parentheses where something that binds as tightly as `binding` is around it.

        With `is_float` a whole number is written so that numpy takes it for a float.
        """
        text, own = self.text[number]
        if is_float and text.lstrip("-").isdigit():
            text += ".0"
        return text if own >= binding else f"({text})"

    def _expression(self, number: int) -> tuple[str, int]:
        instruction, shape = self.program.instructions[number], self.program.shape(number)
        operands = instruction.operands
        match instruction:
            case Elementwise(op=op):
                return self._operation(op, operands)
            case Input(argument=argument):
                name, given = self.arguments[argument], self.shapes[argument]
                return (f"{name}[:, None]" if given == () else name if len(given) == 1 else f"{name}.reshape(batch, -1)"), ATOM
            case Parameters():
                return "theta", ATOM
            case Weights():
                return "weights[:, None]", ATOM
            case Constant(value=value):
                if value.shape == ():
                    return _literal(float(value), self.np), ATOM if float(value) >= 0 else PRODUCT
                return f"{self.np}.array({value.tolist()})", ATOM
            case Scale(factor=factor, power=power):
                batch = f"batch{'' if abs(power) == 1 else f'**{abs(power)}'}"
                return f"{_literal(factor, self.np)} {'/' if power < 0 else '*'} {batch}", PRODUCT
            case Slice(start=start, stop=stop, step=step):
                columns = f"{start}:{stop}{f':{step}' if step != 1 else ''}"
                columns = columns if len(shape) == 1 else f":, {columns}"
                return f"{self._operand(operands[0], ATOM)}[{columns}]", ATOM
            case Transpose():
                return f"{self._operand(operands[0], ATOM)}.T", ATOM
            case Reshape():
                return self._reshape(operands[0], shape), ATOM
            case Take(columns=taken):
                return f"{self._operand(operands[0], ATOM)}[{'' if len(shape) == 1 else ':, '}{_columns(taken, self.dialect)}]", ATOM
            case Concatenate():
                return f"{self.np}.concatenate([{', '.join(map(self._operand, operands))}], axis=-1)", ATOM
            case MatMul():
                return f"{self._operand(operands[0], POWER)} @ {self._operand(operands[1], POWER)}", PRODUCT
            case Expand():
                return f"{self.np}.broadcast_to({self._operand(operands[0])}, {shape_text(shape)})", ATOM
            case Reduce():
                return self._reduce(number, instruction, keep=True), ATOM
            case Scatter():
                return self._scatter(number, instruction), ATOM
        raise ValueError(f"no source is known for {instruction}")

    def _operation(self, op: Operation, operands: Sequence[int]) -> tuple[str, int]:
        # truths with whole numbers would give whole numbers, which overflow, and have no negative powers
        has_truths = not op.is_condition and any(map(self.program.is_boolean, operands))
        operand = partial(self._operand, is_float=op is ops.where or has_truths)
        if op is ops.where:
            return f"{self.np}.where({self._operand(operands[0])}, {operand(operands[1])}, {operand(operands[2])})", ATOM
        if op is ops.power:
            return f"{operand(operands[0], ATOM)} ** {operand(operands[1], POWER)}", POWER
        if op is ops.negative:
            return f"-{self._operand(operands[0], POWER)}", PRODUCT
        if op.precedence in _INFIX:
            binding = op.precedence
            left, right = operands
            if op is ops.add and self._is_negated(right):
                op, right = ops.subtract, self.program.instructions[right].operands[0]
            elif op is ops.add and self._is_negated(left):
                op, left, right = ops.subtract, right, self.program.instructions[left].operands[0]
            after = binding if op in (ops.add, ops.multiply) and self.text[right][0][:1] != "-" else binding + 1
            before = binding + op.is_condition  # a < b < c would be another thing
            return f"{operand(left, before)} {op.symbol} {operand(right, after)}", binding
        function = op.name if op.is_special else f"{self.np}.{getattr(op.on_arrays, '__name__', op.name)}"
        return f"{function}({', '.join(map(operand, operands))})", ATOM

    def _is_negated(self, number: int) -> bool:
        return self._op(number) is ops.negative and number not in self.names

    def _reshape(self, operand: int, shape: Shape) -> str:
        source = self.program.instructions[operand]
        text = self._operand(operand, ATOM)
        have = self.program.shape(operand)
        if isinstance(source, Reduce) and operand not in self.names and shape == (*have[: source.axis], *have[source.axis + 1 :]):
            return self._reduce(operand, source, keep=False)
        if have == (*shape, 1):
            return f"{text}[..., 0]"
        return f"{text}.reshape({', '.join(map(size_text, shape))})"

    def _reduce(self, number: int, instruction: Reduce, keep: bool) -> str:
        function = f"{self.np}.sum" if instruction.op is ops.total_ else self.dialect.logsumexp
        options = ", keepdims=True" * keep + ", dtype=float" * self.program.is_boolean(instruction.operands[0])
        return f"{function}({self._operand(instruction.operands[0])}, axis={instruction.axis}{options})"

    def _scatter(self, number: int, instruction: Scatter) -> str:
        """Columns side by side where the parts lie so, with zeros in the gaps; else a sum of zeros with something put in."""
        *batch, size = instruction.shape
        parts = sorted(zip(instruction.places, instruction.operands), key=lambda part: part[0] if isinstance(part[0], tuple) else (-1,))
        if number == self.gradient:
            for place, part in parts:
                self._name_gradient(place, part)
        beside: list[str] = []
        others: list[str] = []
        end = 0
        for place, part in parts:
            if place is None:
                others.insert(0, self._operand(part, SUM))
            elif isinstance(place, tuple) and place[0] >= end and place[2] == 1:
                beside += [f"{self.np}.zeros({shape_text((*batch, place[0] - end))})"] if place[0] > end else []
                beside.append(self._flat(part))
                end = place[1]
            else:
                columns = f"slice({place[0]}, {place[1]}, {place[2]})" if isinstance(place, tuple) else _columns(place, self.dialect)
                shape = shape_text(instruction.shape)
                others.append(self.dialect.placed.format(columns=columns, part=self._operand(part), shape=shape))
        if beside:
            beside += [f"{self.np}.zeros({shape_text((*batch, size - end))})"] if size > end else []
            joined = f"{self.np}.concatenate([{', '.join(beside)}]{', axis=-1' if batch else ''})"
            others.insert(0, beside[0] if len(beside) == 1 else joined)
        return " + ".join(others)

    def _name_gradient(self, place: Any, part: int) -> None:
        """Give the gradient by a slice of the parameters that slice's name, behind a d."""
        names = [
            f"d{name}" for number, name in self.names.items() if number in self.unpacked and _same(_columns_of(self._source(number)), place)
        ]
        source = part
        while isinstance(self.program.instructions[source], Reshape) and source not in self.names:
            (source,) = self.program.instructions[source].operands
        unused = [name for name in names if name not in self.taken]
        if unused and source not in self.names:
            self._assign(self._fresh(unused[-1], numbered=False), part)

    def _flat(self, number: int) -> str:
        source = self.program.instructions[number]
        is_flat = isinstance(source, Reshape) and len(source.shape) == 1
        if number not in self.names and is_flat and source.operands[0] in self.names:
            return f"{self._operand(source.operands[0], ATOM)}.ravel()"
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


def _columns_of(instruction: Instruction) -> Columns | FloatArray | None:
    """The columns of its operand that an instruction is, if it is."""
    return instruction.columns if isinstance(instruction, (Slice, Take)) else None


def _same(columns: Columns | FloatArray | None, place: Columns | FloatArray | None) -> bool:
    return isinstance(columns, tuple) == isinstance(place, tuple) and place is not None and np.array_equal(columns, place)  # type: ignore[arg-type]


def _columns(columns: np.ndarray[Any, Any], dialect: Dialect) -> str:
    """A list of columns, by its rule where it consists of equal, evenly shifted rows: windows, repeats and the like."""
    count, namespace = len(columns), dialect.name
    for inner in range(2, count // 2 + 1):
        if count % inner == 0 and count > 8:
            grid = columns.reshape(-1, inner)
            start, across, down = int(grid[0, 0]), int(grid[0, 1] - grid[0, 0]), int(grid[1, 0] - grid[0, 0])
            if (
                across >= 0
                and down >= 0
                and np.array_equal(grid, start + down * np.arange(count // inner)[:, None] + across * np.arange(inner))
            ):
                rows, row = _arange(start, down, count // inner, namespace), _arange(0, across, inner, namespace)
                if not across:
                    return f"{namespace}.repeat({rows}, {inner})"
                if not down:
                    return f"{namespace}.tile({_arange(start, across, inner, namespace)}, {count // inner})"
                return f"{namespace}.add.outer({rows}, {row}).ravel()"
    return dialect.columns.format(columns.tolist())


def _arange(start: int, step: int, count: int, namespace: str) -> str:
    if step == 1:
        return f"{namespace}.arange({start}, {start + count})" if start else f"{namespace}.arange({count})"
    return f"{namespace}.arange({start}, {start + step * count}, {step})"


def _literal(value: float, namespace: str) -> str:
    if not np.isfinite(value):
        return f"{'-' if value < 0 else ''}{namespace}.{abs(value)}"
    return str(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)
