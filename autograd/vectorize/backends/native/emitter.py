"""The emitter: a program as C, one function that goes through the examples a block at a time.

Everything of a block stays in the cache. Sums over the examples (the cost, the gradients of what all of them share) are added up from
block to block; what does not depend on the example is computed before, and what depends on such sums after. Views cost nothing: an
array is a name, an offset and strides. An operation on entries that is used once, in another one of its shape, is written into it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize.backends.numpy.source import named
from autograd.vectorize.backends.native.mathematics import INCLUDES, definitions, names
from autograd.vectorize.program import (
    Concatenate,
    Constant,
    Elementwise,
    Expand,
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
)

BLOCK = 16  # examples
BEFORE, WITHIN, ADDED, AFTER = "before", "within", "added", "after"

_INFIX = (ops.add, ops.subtract, ops.multiply, ops.divide)
_LOOPS = Path(__file__).with_name("loops.h").read_text()


class Place(NamedTuple):
    """Where an array lies: a pointer, the offset of its first entry, and its strides; sizes and strides in entries of one block."""

    name: str
    offset: int
    shape: Shape  # with BATCH for the examples of a block
    strides: tuple[int, ...]
    is_ours: bool  # whether loops may run over its end

    @property
    def pointer(self) -> str:
        return f"{self.name} + {self.offset}" if self.offset else self.name

    def reshaped(self, shape: Shape) -> Place | None:
        """The same entries in another shape, where a view can do it."""
        sizes = [abs(size) * (BLOCK if size < 0 else 1) for size in self.shape]
        extent = 1 + sum((size - 1) * stride for size, stride in zip(sizes, self.strides))
        array = np.lib.stride_tricks.as_strided(np.empty(extent, np.int8), sizes, self.strides)
        other = array.reshape([abs(size) * (BLOCK if size < 0 else 1) for size in shape])
        if array.size > 1 and not np.may_share_memory(array, other):
            return None
        return self._replace(shape=shape, strides=tuple(other.strides))


def contiguous(shape: Shape) -> tuple[int, ...]:
    strides, stride = [], 1
    for size in reversed(shape):
        strides.append(stride)
        stride *= abs(size) * (BLOCK if size < 0 else 1)
    return tuple(reversed(strides))


def length(shape: Shape) -> int:
    """The entries of an array in a block."""
    return math.prod(abs(size) * (BLOCK if size < 0 else 1) for size in shape)


def size_c(size: int) -> str:
    """A size as C: so many, or so many for each example of the block."""
    return str(size) if size >= 0 else "count" if size == -1 else f"{-size} * count"


class Emitted(NamedTuple):
    """C source, and how much memory, in entries, its function wants to work in."""

    source: str
    work: int


def emit(program: Program, dtype: np.dtype[Any], name: str, arguments: Sequence[str], shapes: Sequence[Shape]) -> Emitted:
    """The program as C. Raises ValueError, naming the operation, for what cannot be written in C."""
    return _Emitter(program, dtype, name, arguments, shapes).emitted()


class _Emitter:
    def __init__(self, program: Program, dtype: np.dtype[Any], name: str, arguments: Sequence[str], shapes: Sequence[Shape]) -> None:
        self.dtype, self.name, self.shapes = dtype, name, shapes
        self.has_cost, self.is_weighted = "cost" in program.outputs, bool(program.find(Weights))
        given = named(program, arguments, shapes)  # the program as it is shown, and the names that its arrays have there
        self.program = given.program
        self.arguments = [_identifier(each) for each in given.arguments]
        self.names = {number: _identifier(each) for number, each in given.names.items()}
        outputs = dict(self.program.outputs)
        self.results = outputs.pop("results") if self.has_cost else -1
        self.output = next(iter(outputs.values()), -1)
        self.uses = self.program.uses()
        self.stages = self._stages()
        self.parts = self._parts()
        self.merged = self._merged()
        self.places: list[Place | None] = [None] * len(self.program)  # None for what is written into what uses it
        self.packed: dict[int, Place] = {}
        self.functions = {"splat", "fused"}
        self.work = 0
        self.memory: list[str] = []
        self.tables: list[str] = []
        self.lines: dict[str, list[str]] = {stage: [] for stage in (BEFORE, WITHIN, AFTER)}

    def emitted(self) -> Emitted:
        for number, instruction in enumerate(self.program.instructions):
            if number not in self.merged:
                self._emit(number, instruction)
        self._finish()
        return Emitted(self._text(), max(self.work, 1))

    # When an array is computed, and where it lies.

    def _stages(self) -> list[str]:
        stages: list[str] = []
        for number, instruction in enumerate(self.program.instructions):
            operands = [stages[each] for each in instruction.operands]
            late = ADDED in operands or AFTER in operands
            if self.program.varies(number):
                if late:
                    raise ValueError(f"{instruction}: an example cannot wait for a sum over all of them")
                stages.append(WITHIN)
            elif WITHIN in operands:
                if not isinstance(instruction, (MatMul, Reduce)) or late:
                    raise ValueError(f"{instruction} takes the examples together in a way that is no sum")
                stages.append(ADDED)
            else:
                stages.append(AFTER if late else BEFORE)
        return stages

    def _code(self, number: int) -> list[str]:
        return self.lines[WITHIN if self.stages[number] is ADDED else self.stages[number]]

    def _parts(self) -> dict[int, int]:
        """Arrays that are computed where the gradient wants them, each with its first entry there."""
        parts: dict[int, int] = {}
        scatter = self.program.instructions[self.output] if self.output >= 0 else None
        if not isinstance(scatter, Scatter) or self.program.varies(self.output):
            return parts
        columns = [np.arange(scatter.shape[-1])[_slice(place)] for place in scatter.places]
        for place, mine, part in zip(scatter.places, columns, scatter.operands):
            source = part
            while isinstance(self.program.instructions[source], Reshape) and self.uses[source] == 1:
                (source,) = self.program.instructions[source].operands
            is_alone = sum(bool(np.intersect1d(mine, each).size) for each in columns) == 1
            in_one_piece = place is None or (isinstance(place, tuple) and place[2] == 1)
            is_made = isinstance(self.program.instructions[source], (MatMul, Reduce, Elementwise)) and self.uses[source] == 1
            if is_alone and in_one_piece and is_made:
                parts[source] = int(mine[0])
        return parts

    def _merged(self) -> set[int]:
        """Entry by entry operations that are used once, in another one of the same shape, and are written into it."""
        merged = set()
        for number, instruction in enumerate(self.program.instructions):
            for each in instruction.operands if isinstance(instruction, Elementwise) else ():
                same = self.program.shape(each) == self.program.shape(number) and self.stages[each] is self.stages[number]
                if isinstance(self.program.instructions[each], Elementwise) and same and self.uses[each] == 1:
                    merged.add(each)
        return merged

    def _name(self, number: int) -> str:
        return self.names.get(number, f"a{number}")

    def _allocate(self, name: str, shape: Shape) -> Place:
        """Room for an array, and for a vector more: loops may run over its end."""
        self.memory.append(f"real *restrict const {name} = work + {self.work}; /* {shape_text(shape)} */")
        self.work += -(-(length(shape) + 8) // 8) * 8
        return Place(name, 0, shape, contiguous(shape), True)

    def _target(self, number: int) -> Place:
        shape = self.program.shape(number)
        if number in self.parts:
            return Place("out", self.parts[number], shape, contiguous(shape), False)
        if number == self.output and isinstance(self.program.instructions[number], (Scatter, Elementwise, Take, Concatenate, Reduce)):
            return Place("rows" if self.program.varies(number) else "out", 0, shape, contiguous(shape), False)
        return self._allocate(self._name(number), shape)

    # The instructions.

    def _emit(self, number: int, instruction: Instruction) -> None:
        shape, operands = self.program.shape(number), instruction.operands
        sources = [place for each in operands if (place := self.places[each]) is not None]
        match instruction:
            case Input(argument=argument):
                place = Place(f"{self.arguments[argument]}_rows", 0, shape, contiguous(shape), False)
            case Parameters():
                place = Place("theta", 0, shape, (0,) * (len(shape) - 1) + (1,), False)
            case Weights():
                place = Place("weights_rows", 0, shape, contiguous(shape), False)
            case Constant(value=value):
                place = self._constant(number, value)
            case Scale(factor=factor, power=power):
                self.lines[BEFORE].append(f"const real {self._name(number)} = {_literal(factor)} * pow(batch, {power});")
                place = Place(f"&{self._name(number)}", 0, (), (), False)
            case Slice(start=start, stop=stop, step=step):
                *rest, stride = sources[0].strides
                place = sources[0]._replace(offset=sources[0].offset + start * stride, shape=shape, strides=(*rest, stride * step))
            case Transpose():
                place = sources[0]._replace(shape=shape, strides=sources[0].strides[::-1])
            case Expand():
                place = sources[0]._replace(shape=shape, strides=_broadcast(sources[0], shape))
            case Reshape():
                view = sources[0].reshaped(shape)
                place = self._copied(number, sources[0], shape) if view is None else view
            case _:
                place = self._target(number)
                self._compute(number, instruction, place, sources)
        self.places[number] = place

    def _compute(self, number: int, instruction: Instruction, place: Place, sources: list[Place]) -> None:
        code = self._code(number)
        code.append(f"/* {self._name(number)} {shape_text(place.shape)} = {instruction} */".replace("%", "a"))
        match instruction:
            case Elementwise():
                self._elementwise(code, number, place)
            case MatMul():
                self._product(code, number, instruction, place, *sources)
            case Reduce(op=op, axis=axis):
                self._reduction(code, number, op, axis, place, sources[0])
            case Take(columns=columns):
                table = self._table(columns)
                self._loops(code, place.shape, lambda at: f"{_at(place, at)} = {_at(sources[0], [*at[:-1], f'{table}[{at[-1]}]'])};")
            case Concatenate():
                start = 0
                for source in sources:
                    self._copy(code, place._replace(offset=place.offset + start * place.strides[-1], shape=source.shape), source)
                    start += source.shape[-1]
            case Scatter(places=columns):
                self._scatter(code, number, instruction, place, sources)
            case _:
                raise ValueError(f"no C is known for {instruction}")

    def _constant(self, number: int, value: Any) -> Place:
        shape, name = value.shape, self._name(number)
        entries = ", ".join(map(_literal, value.ravel().tolist()))
        self.tables.append(f"static const real {name}[] = {{{entries}}};")
        return Place(name, 0, shape, contiguous(shape), False)

    def _table(self, columns: Any) -> str:
        name = f"columns{len(self.tables)}"
        self.tables.append(f"static const int {name}[] = {{{', '.join(map(str, columns.tolist()))}}};")
        return name

    def _copied(self, number: int, source: Place, shape: Shape) -> Place:
        place = self._allocate(self._name(number), source.shape)
        self._copy(self._code(number), place, source)
        view = place.reshaped(shape)
        assert view is not None  # it is in one piece
        return view

    def _copy(self, code: list[str], place: Place, source: Place) -> None:
        self._loops(code, source.shape, lambda at: f"{_at(place, at)} = {_at(source, at)};")

    def _loops(self, code: list[str], shape: Shape, body: Callable[[list[str]], str]) -> None:
        """Nested loops over the entries of a shape; the body is told the indices."""
        axes = [axis for axis, size in enumerate(shape) if size != 1]
        at = [f"i{axis}" if axis in axes else "0" for axis in range(len(shape))]
        for depth, axis in enumerate(axes):
            code.append("    " * depth + f"for (long i{axis} = 0; i{axis} < {size_c(shape[axis])}; i{axis}++)")
        code.append("    " * len(axes) + body(at))

    def _elementwise(self, code: list[str], number: int, place: Place) -> None:
        leaves: list[Place] = []
        expression = self._expression(number, leaves)
        axes = _axes(place.shape, [place.strides, *(_broadcast(each, place.shape) for each in leaves)])
        *outer, (size, (stride, *inner)) = axes or [("1", [1] * (1 + len(leaves)))]
        ends = [place.pointer, *(each.pointer for each in leaves)]
        for depth, (count, strides) in enumerate(outer):
            code.append("    " * depth + f"for (long i{depth} = 0; i{depth} < {count}; i{depth}++)")
            ends = [f"{end} + i{depth} * {each}" if each else end for end, each in zip(ends, strides)]
        pad = "    " * len(outer)
        loads = []
        for end, each, leaf in zip(ends[1:], inner, leaves):
            if each == 0:
                loads.append(f"splat(*({end}))")
            elif each == 1:
                loads.append(f"load({end} + i)" if leaf.is_ours else f"load_some({end} + i, {size} - i)")
            else:
                loads.append(f"strided({end} + i * {each}, {each}, {size} - i)")
        assert stride == 1 or size == "1"
        value = expression.format(*loads)
        stored = f"store({ends[0]} + i, {value});" if place.is_ours else f"store_some({ends[0]} + i, {value}, {size} - i);"
        code.append(f"{pad}for (long i = 0; i < {size}; i += LANES) {stored}")

    def _expression(self, number: int, leaves: list[Place]) -> str:
        """An operation in vectors; `{0}`, `{1}`, ... stand for the leaves."""
        instruction = self.program.instructions[number]
        assert isinstance(instruction, Elementwise)
        words = []
        for each in instruction.operands:
            operand = self.program.instructions[each]
            place = self.places[each]
            if each in self.merged:
                inner = self._expression(each, leaves)
                words.append(inner if inner.startswith("v_") else f"({inner})")
            elif isinstance(operand, Constant) and operand.value.shape == ():
                words.append(f"splat({_literal(float(operand.value))})")
            else:
                assert place is not None
                if place not in leaves:
                    leaves.append(place)
                words.append(f"{{{leaves.index(place)}}}")
        exponent = self.program.instructions[instruction.operands[-1]]
        if instruction.op is ops.power and isinstance(exponent, Constant) and exponent.value.shape == ():
            if float(exponent.value) == 2:
                return self._call("square", words[:1])
        if instruction.op in _INFIX:
            return f" {instruction.op.symbol} ".join(words)
        return f"-{words[0]}" if instruction.op is ops.negative else self._call(instruction.op.name, words)

    def _call(self, name: str, words: Sequence[str]) -> str:
        self.functions.add(name)
        return f"v_{name}({', '.join(words)})"

    def _product(self, code: list[str], number: int, instruction: MatMul, place: Place, left: Place, right: Place) -> None:
        (rows, inner), columns = map(size_c, left.shape), size_c(right.shape[1])
        adds = int(self.stages[number] is ADDED)
        if adds:
            self._zero(place)
        right_number = instruction.operands[1]
        if right.strides[1] != 1 and right.shape[1] >= 4 and self.stages[right_number] is BEFORE and 0 < right.shape[0] < 64:
            if right_number not in self.packed:
                self.packed[right_number] = self._allocate(f"a{right_number}_packed", right.shape)
                self._copy(self.lines[BEFORE], self.packed[right_number], right)
            right = self.packed[right_number]
        (a0, a1), (b0, b1), (c0, c1) = left.strides, right.strides, place.strides
        a, b, c = left.pointer, right.pointer, place.pointer
        if b1 == c1 == 1:
            code.append(f"product_by_columns({rows}, {inner}, {columns}, {a}, {a0}, {a1}, {b}, {b0}, {c}, {c0}, {adds});")
        elif a1 == b0 == 1:
            code.append(f"product_along_inner({rows}, {inner}, {columns}, {a}, {a0}, {b}, {b1}, {c}, {c0}, {c1}, {adds});")
        else:
            code.append(f"product({rows}, {inner}, {columns}, {a}, {a0}, {a1}, {b}, {b0}, {b1}, {c}, {c0}, {c1}, {adds});")

    def _reduction(self, code: list[str], number: int, op: Operation, axis: int, place: Place, source: Place) -> None:
        count, stride = size_c(source.shape[axis]), source.strides[axis]
        adds = self.stages[number] is ADDED
        if adds:
            self._zero(place)
        if adds and op is ops.total_ and len(source.shape) == 2 and source.strides[1] == 1:
            code.append(f"add_rows({count}, {size_c(source.shape[1])}, {source.pointer}, {stride}, {place.pointer});")
            return
        if adds and op is not ops.total_:
            raise ValueError(f"{op.name} over the examples cannot be added up from block to block")
        sign = "+=" if adds else "="
        self._loops(code, place.shape, lambda at: f"{_at(place, at)} {sign} {op.name}(&{_at(source, at)}, {stride}, {count});")

    def _scatter(self, code: list[str], number: int, instruction: Scatter, place: Place, sources: list[Place]) -> None:
        if place.name == "out":
            self.lines[BEFORE].insert(0, f"memset(out, 0, {length(place.shape)} * sizeof(real));")
        else:
            self._loops(code, place.shape, lambda at: f"{_at(place, at)} = 0;")
        for columns, operand, source in zip(instruction.places, instruction.operands, sources):
            made = operand
            while isinstance(self.program.instructions[made], Reshape):
                (made,) = self.program.instructions[made].operands
            if place.name == "out" and made in self.parts:
                continue
            if isinstance(columns, np.ndarray):
                table = self._table(columns)
                self._loops(code, source.shape, lambda at, t=table, s=source: f"{_at(place, [*at[:-1], f'{t}[{at[-1]}]'])} += {_at(s, at)};")  # type: ignore[misc]
                continue
            start, _, step = columns or (0, 0, 1)
            *rest, stride = place.strides
            target = place._replace(offset=place.offset + start * stride, shape=source.shape, strides=(*rest, stride * step))
            self._loops(code, source.shape, lambda at, to=target, s=source: f"{_at(to, at)} += {_at(s, at)};")  # type: ignore[misc]

    def _zero(self, place: Place) -> None:
        if place.name != "out":  # the output is emptied as a whole
            self.lines[BEFORE].append(f"memset({place.pointer}, 0, {length(place.shape)} * sizeof(real));")
        elif not isinstance(self.program.instructions[self.output], Scatter):
            self.lines[BEFORE].append(f"memset({place.pointer}, 0, {length(place.shape)} * sizeof(real));")

    # The whole.

    def _finish(self) -> None:
        if self.output >= 0:
            place, varies = self.places[self.output], self.program.varies(self.output)
            assert place is not None
            if place.name not in ("out", "rows"):
                shape = self.program.shape(self.output)
                target = Place("rows" if varies else "out", 0, shape, contiguous(shape), False)
                self._copy(self.lines[WITHIN if varies else AFTER], target, place)
        if self.has_cost:
            place = self.places[self.results]
            assert place is not None
            if self.program.varies(self.results):
                weight = "weights_rows[i] * " if self.is_weighted else ""
                self.lines[WITHIN].append(f"for (long i = 0; i < count; i++) cost += {weight}{_at(place, ['i', '0'])};")
                self.lines[AFTER] += [] if self.is_weighted else ["cost /= batch;"]
            else:
                self.lines[AFTER].append(f"cost = *({place.pointer});")

    def _text(self) -> str:
        described = ", ".join(f"{each} {shape_text((-1, *shape))}" for each, shape in zip(self.arguments, self.shapes))
        given = ", ".join(f"const real *{each}" for each in self.arguments)
        rows = [f"const real *const {each}_rows = {each} + start * {math.prod(shape)};" for each, shape in zip(self.arguments, self.shapes)]
        if self.is_weighted:
            rows.append("const real *const weights_rows = weights + start;")
        if self.output >= 0 and self.program.varies(self.output):
            rows.append(f"real *const rows = out + start * {math.prod(self.program.shape(self.output)[1:])};")
        within = [*rows, *self.lines[WITHIN]]
        body = [*self.memory, *self.lines[BEFORE]]
        cost = ["double cost = 0;"] if self.has_cost else []
        loop = [f"for (long start = 0; start < batch; start += {BLOCK}) {{", f"    const long count = batch - start < {BLOCK} ? batch - start : {BLOCK};"]
        lines = [*cost, *body, *loop, *(f"    {line}" for line in within), "}", *self.lines[AFTER], f"return {'cost' if cost else '0'};"]
        sizes = [self.program.shape(each)[-1] for each in self.program.find(Parameters)]
        layout = [f"   theta ({max(sizes)},): {self._layout()}"] if sizes else []
        header = [f"/* {self.name}: of {described}.", *layout, "   work: room for the arrays below. */"]
        signature = f"double {_identifier(self.name)}(long batch, {given}, const real *theta, const real *weights, real *restrict out, real *restrict work)"
        function = "\n".join(f"    {line}" for line in lines)
        begin = f"{INCLUDES}#include <string.h>\n{definitions(self.functions, self.dtype)}\n{_LOOPS}"
        return "\n".join([begin, *self.tables, "", *header, signature, "{", function, "}", ""])

    def _layout(self) -> str:
        """Which entries of the parameters are what."""
        found = []
        for number, name in self.names.items():
            place = self.places[number]
            if place is not None and place.name == "theta" and self.stages[number] is BEFORE:
                found.append(f"{name} from {place.offset} {shape_text(place.shape)}")
        return ", ".join(found)


def _slice(place: Any) -> Any:
    return slice(None) if place is None else slice(*place) if isinstance(place, tuple) else place


def _broadcast(place: Place, shape: Shape) -> tuple[int, ...]:
    """The strides with which an array fills a larger shape."""
    missing = len(shape) - len(place.shape)
    return (*[0] * missing, *(0 if size == 1 != whole else stride for size, stride, whole in zip(place.shape, place.strides, shape[missing:])))


def _axes(shape: Shape, strides: Sequence[tuple[int, ...]]) -> list[tuple[str, list[int]]]:
    """The loops over a shape, as few as there can be: each with its size in C, and the stride of each array along it."""
    axes: list[tuple[int, str, list[int]]] = []
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        along = [each[axis] for each in strides]
        if axes and size > 0 and all(before == own * size for before, own in zip(axes[-1][2], along)):
            outer, text, _ = axes.pop()
            axes.append((outer * size, f"{text} * {size}" if not text.isdigit() else str(int(text) * size), along))
        else:
            axes.append((size, size_c(size), along))
    return [(text, along) for _, text, along in axes]


def _at(place: Place, indices: Sequence[str]) -> str:
    """An entry of an array, in C."""
    terms = [f"{index} * {stride}" if stride != 1 else index for index, stride in zip(indices, place.strides) if index != "0" and stride]
    terms = [str(place.offset)] * bool(place.offset) + terms
    return f"({place.name})[{' + '.join(terms) or '0'}]" if place.name.startswith("&") else f"{place.name}[{' + '.join(terms) or '0'}]"


def _literal(value: float) -> str:
    if math.isnan(value):
        return "(real)NAN"
    if math.isinf(value):
        return "(real)INFINITY" if value > 0 else "(real)-INFINITY"
    return f"(real){value!r}"


def _identifier(name: str) -> str:
    return f"{name}_" if name in _RESERVED else name


_RESERVED = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return "
    "short signed sizeof static struct switch typedef union unsigned void volatile while main batch count start cost out rows work "
    "weights theta".split()
) | frozenset(re.findall(r"\w+", INCLUDES + _LOOPS + "".join(definitions(names(), np.dtype(kind)) for kind in ("f4", "f8"))))
