"""The emitter: a program as C, one function that goes through the examples a block at a time.

Everything of a block frozen_count in the cache, as many examples beside each other as a register has lanes: the C is that of one example,
written for several. Sums over the examples (the cost, the gradients of what all of them share) are added up from block to block; what
does not depend on the example is computed before, and what depends on such sums after. Views cost nothing: an array is a name, an
offset and strides. An operation on entries that is used once, in another one of its shape, is written into it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native.identifiers import identifier
from autograd.vectorize.backends.native.mathematics import INCLUDES, definitions
from autograd.vectorize.backends.native.rule import INFIX, Rule, applied, literal
from autograd.vectorize.program import Program
from autograd.vectorize.source import named

BLOCK = 32  # examples
WIDE = 32  # columns of an argument that are not turned, but multiplied as they lie; no fewer than a register has lanes
WHOLE = 16  # entries, no fewer than a register has lanes: all arrays in `work` begin at a multiple, as lines of the cache do
BEFORE, WITHIN, ADDED, AFTER = "before", "within", "added", "after"

_MACROS = f"""
#define BLOCK {BLOCK}
#define ALWAYS static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
"""
_LOOPS, _DESCENT = (Path(__file__).with_name(f"{name}.h").read_text() for name in ("loops", "descent"))
_USED = ("splat", "fused", *re.findall(r"\bv_(\w+)", _LOOPS))  # by the loops
_DESCEND = """
long descend(long steps, long batch, {given}, const int64_t *rows, real *theta{memory},
             const real *settings, double limit, const int64_t *frozen, long frozen_count, real *gradient, double *costs, double *norms,
             real *room, long chosen_size) {{
    // room is to work in, and behind that for the chosen examples and the parameters that stay
    real *const work = room, *const kept = work + {work} + chosen_size;
    for (long s = 0; s < steps; s++) {{
        const int64_t *const chosen = rows == NULL ? NULL : rows + s * batch;
{gathered}        struct step now = step_of(settings + 2 * s, (struct step){{.theta = theta{names}}});
        if (frozen_count == 0 && limit == INFINITY) {{
            now.gradient = s + 1 == steps ? gradient : NULL;
            costs[s] = mean(batch, {arguments}, theta, NULL, gradient, work, {early});
{rest}            norms[s] = sqrt(lanes(now.squares));
        }} else {{
            costs[s] = mean(batch, {arguments}, theta, NULL, gradient, work, NULL);
            norms[s] = limited(gradient, {size}, frozen, frozen_count, limit);
            for (long i = 0; i < frozen_count; i++)
                kept[i] = theta[frozen[i]];
            step_along(&now, gradient, 0, {size});
            for (long i = 0; i < frozen_count; i++)
                theta[frozen[i]] = kept[i];
        }}
        if (!isfinite(costs[s] + norms[s]))
            return s + 1;
    }}
    return steps;
}}"""


class Place(NamedTuple):
    """Where an array lies: a pointer, the offset of its first entry, and its strides, all in entries.

    The batch axis, where there is one, comes first in the shape as BATCH. In memory of ours the examples of a block lie beside each
    other, stride 1; an argument of the caller's has them in rows.
    """

    name: str
    offset: int
    shape: ir.Shape
    strides: tuple[int, ...]
    kind: str  # "lanes": a block of ours; "rows": the caller's examples; "plain": without examples; "theta": plain, but not ours

    @property
    def pointer(self) -> str:
        return f"{self.name} + {self.offset}" if self.offset else self.name

    @property
    def varies(self) -> bool:
        return self.kind in ("lanes", "rows")

    def reshaped(self, shape: ir.Shape) -> Place | None:
        """The same entries in another shape, where a view can do it; the batch frozen_count where it is."""
        if ir.BATCH in self.shape:
            where, there = self.shape.index(ir.BATCH), shape.index(ir.BATCH)
            if where or there:
                return None
            rest = self._replace(shape=self.shape[1:], strides=self.strides[1:]).reshaped(shape[1:])
            return rest and rest._replace(shape=shape, strides=(self.strides[0], *rest.strides))
        extent = 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides))
        array = np.lib.stride_tricks.as_strided(np.empty(extent, np.int8), self.shape, self.strides)
        other = array.reshape(shape)
        if array.size > 1 and not np.may_share_memory(array, other):
            return None
        return self._replace(shape=shape, strides=tuple(other.strides))


def by_example(shape: ir.Shape) -> ir.Shape:
    """A shape in which n entries of each example along one axis, n * BATCH, are two axes: BATCH and n."""
    return tuple([part for size in shape for part in ((ir.BATCH, -size) if size < ir.BATCH else (size,))])


def contiguous(shape: ir.Shape) -> tuple[int, ...]:
    strides, stride = [], 1
    for size in reversed(shape):
        strides.append(stride)
        stride *= size
    return tuple(reversed(strides))


class _GradientOfRows(NamedTuple):
    """A part of the gradient that is a product with the caller's rows: a comment, the call, and where it lies."""

    note: str
    call: str
    offset: int
    size: int


class Emitted(NamedTuple):
    """C source, and how much memory, in entries, its function wants to work in."""

    source: str
    work: int
    name: str  # of the function


def beginning(functions: Iterable[str], dtype: np.dtype[Any]) -> str:
    """What stands before programs in a file: the rows that they use, and the loops."""
    return f"{INCLUDES}#include <string.h>\n{_MACROS}{definitions({*functions, *_USED}, dtype)}\n{_LOOPS}"


def emit(program: Program, dtype: np.dtype[Any], signature: Signature) -> Emitted:
    """Return the program as C. Raises ValueError, naming the operation, for what cannot be written in C."""
    return _Emitter(program, dtype, signature).emitted()


def emit_descent(program: Program, rule: Program, dtype: np.dtype[Any], signature: Signature) -> Emitted:
    """Return a C function `descend` that takes steps of gradient descent; see `Steps` for its arguments.

    Without a limit and frozen parameters, those whose gradient is a product with many columns of an argument are updated as soon as
    it is in registers.
    """
    return _Emitter(program, dtype, signature, Rule(rule)).emitted()


class _Emitter:
    def __init__(self, program: Program, dtype: np.dtype[Any], signature: Signature, rule: Rule | None = None) -> None:
        self.rule, self.last = rule, list[_GradientOfRows]()
        self.dtype, self.name, self.argument_shapes = dtype, signature.name, signature.shapes
        self.has_cost, self.is_weighted = "cost" in program.outputs, bool(program.find(ir.Weights))
        given = named(program, signature)  # the program as it is shown, and the names that its arrays have there
        self.program = given.program
        self.shapes = [by_example(each.shape) for each in self.program.types]
        self.arguments = list[str]()
        for each in given.arguments:
            self.arguments.append(identifier(each, self.arguments))
        self.names: dict[int, str] = {}
        for number, each in given.names.items():
            self.names[number] = identifier(each, (*self.arguments, *self.names.values()))
        outputs = dict(self.program.outputs)
        self.results = outputs.pop("results") if self.has_cost else -1
        self.output = next(iter(outputs.values()), -1)
        self.uses = self.program.uses()
        self.stages = self._stages()
        scatter = self.program.instructions[self.output] if self.output >= 0 else None
        self.parts = self.program.made_in_place(scatter) if isinstance(scatter, ir.Scatter) else {}
        self.merged = self._merged()
        self.places: list[Place | None] = [None] * len(self.program)  # None for what is written into what uses it
        self.turned: dict[Place, Place] = {}
        self.functions = set(rule.functions) if rule else set()
        self.work = 0
        self.memory: list[str] = []
        self.tables: list[str] = []
        self.lines: dict[str, list[str]] = {stage: [] for stage in (BEFORE, WITHIN, AFTER)}

    def emitted(self) -> Emitted:
        for number, instruction in enumerate(self.program.instructions):
            if number not in self.merged:
                self._emit(number, instruction)
        self._finish()
        return Emitted(self._text(), max(self.work, 1), identifier(self.name))

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
                if not isinstance(instruction, (ir.MatMul, ir.Reduce)) or late:
                    raise ValueError(f"{instruction} takes the examples together in a way that is no sum")
                stages.append(ADDED)
            else:
                stages.append(AFTER if late else BEFORE)
        return stages

    def _code(self, number: int) -> list[str]:
        return self.lines[WITHIN if self.stages[number] is ADDED else self.stages[number]]

    def _merged(self) -> set[int]:
        """Entry by entry operations that are used once, in another one of the same shape, and are written into it."""
        merged = set()
        for number, instruction in enumerate(self.program.instructions):
            for each in instruction.operands if isinstance(instruction, ir.Elementwise) else ():
                same = self.shapes[each] == self.shapes[number] and self.stages[each] is self.stages[number]
                if isinstance(self.program.instructions[each], ir.Elementwise) and same and self.uses[each] == 1:
                    merged.add(each)
        return merged

    def _name(self, number: int) -> str:
        return self.names.get(number, f"a{number}")

    def _allocate(self, name: str, shape: ir.Shape) -> Place:
        """Room for an array, in whole vectors."""
        rest = shape[1:] if ir.BATCH in shape else shape
        if ir.BATCH in shape[1:]:
            raise ValueError(f"{name} has its examples along another axis than the first, {ir.shape_text(shape)}")
        self.memory.append(f"real *restrict const {name} = work + {self.work}; // {ir.shape_text(shape)}")
        if ir.BATCH in shape:
            self.work += math.prod(rest) * BLOCK
            return Place(name, 0, shape, (1, *(each * BLOCK for each in contiguous(rest))), "lanes")
        self.work += (math.prod(shape) + 2 * (WHOLE - 1)) // WHOLE * WHOLE  # a vector may begin with the last entry
        return Place(name, 0, shape, contiguous(shape), "plain")

    def _target(self, number: int) -> Place:
        shape = self.shapes[number]
        if number in self.parts:
            return Place("out", self.parts[number], shape, contiguous(shape), "theta")
        is_made = isinstance(self.program.instructions[number], (ir.Scatter, ir.Elementwise, ir.Take, ir.Concatenate, ir.Reduce, ir.MatMul))
        if number == self.output and is_made and ir.BATCH not in shape:
            return Place("out", 0, shape, contiguous(shape), "theta")
        return self._allocate(self._name(number), shape)

    def _ours(self, place: Place) -> Place:
        """An array with an entry for each example in memory of ours, where the examples lie beside each other; others as they are."""
        if place.kind == "lanes" or ir.BATCH not in place.shape:
            return place
        if place not in self.turned:
            order = [place.shape.index(ir.BATCH), *(axis for axis, size in enumerate(place.shape) if size != ir.BATCH)]
            source = place._replace(
                shape=tuple([place.shape[axis] for axis in order]), strides=tuple([place.strides[axis] for axis in order])
            )
            mine = self._allocate(f"{place.name.removesuffix('_rows')}_turned{len(self.turned) or ''}", source.shape)
            axes = _axes(source.shape[1:], [source.strides[1:]])
            if len(axes) < 2:
                columns, (stride,) = axes[0] if axes else ("1", [1])
                self.lines[WITHIN].append(f"turned({columns}, {source.pointer}, {source.strides[0]}, {stride}, {mine.name}, count);")
            else:
                self._copy(self.lines[WITHIN], mine, source)
            back = sorted(range(len(order)), key=order.__getitem__)
            self.turned[place] = mine._replace(shape=place.shape, strides=tuple([mine.strides[axis] for axis in back]))
        return self.turned[place]

    # The instructions.

    def _emit(self, number: int, instruction: ir.Instruction) -> None:
        shape, operands = self.shapes[number], instruction.operands
        sources = [place for each in operands if (place := self.places[each]) is not None]
        match instruction:
            case ir.Input(argument=argument):
                place = Place(f"{self.arguments[argument]}_rows", 0, shape, (shape[1], 1), "rows")
            case ir.Parameters():
                place = Place("theta", 0, shape, (0,) * (len(shape) - 1) + (1,), "theta")
            case ir.Weights():
                place = Place("weights_rows", 0, shape, (1, 1), "rows")
            case ir.Constant(value=value):
                place = Place(self._name(number), 0, value.shape, contiguous(value.shape), "theta")
                users = [each for each in self.program.instructions if number in each.operands]
                if value.shape or number in (self.output, self.results) or not all(isinstance(each, ir.Elementwise) for each in users):
                    self.tables.append(f"static const real {place.name}[] = {{{', '.join(map(literal, value.ravel().tolist()))}}};")
            case ir.Scale(factor=factor, power=power):
                self.lines[BEFORE].append(f"const real {self._name(number)}[] = {{{literal(factor)} * (real)pow((double)batch, {power})}};")
                place = Place(self._name(number), 0, (), (), "theta")
            case ir.Slice(start=start, step=step):
                *rest, stride = sources[0].strides
                place = sources[0]._replace(offset=sources[0].offset + start * stride, shape=shape, strides=(*rest, stride * step))
            case ir.Transpose():
                place = _transposed(sources[0], shape)
            case ir.Expand():
                place = sources[0]._replace(shape=shape, strides=_broadcast(sources[0], shape))
            case ir.Reshape():
                view = sources[0].reshaped(shape)
                place = self._copied(number, sources[0], shape) if view is None else view
            case _:
                place = self._target(number)
                self._compute(number, instruction, place, sources)
        self.places[number] = place

    def _compute(self, number: int, instruction: ir.Instruction, place: Place, sources: list[Place]) -> None:
        code = self._code(number)
        if not isinstance(instruction, (ir.MatMul, ir.Elementwise)):
            sources = list(map(self._ours, sources))
        code.append(f"// {self._name(number)} {ir.shape_text(place.shape)} = {instruction}".replace("%", "a"))
        match instruction:
            case ir.Elementwise():
                self._elementwise(code, number, place)
            case ir.MatMul() if self.stages[number] is WITHIN:
                self._product_within(code, place, *sources)
            case ir.MatMul() if self.stages[number] is ADDED:
                self._products_added(code, place, *sources)
            case ir.MatMul():
                left, right = sources
                (rows, inner), columns = left.shape, right.shape[1]
                strides = [*left.strides, *right.strides, *place.strides]
                a0, a1, b0, b1, c0, c1 = strides
                pointers = f"{left.pointer}, {a0}, {a1}, {right.pointer}, {b0}, {b1}, {place.pointer}, {c0}, {c1}"
                code.append(f"product({rows}, {inner}, {columns}, {pointers});")
            case ir.Reduce(op=op, axis=axis):
                self._reduction(code, number, op, axis, place, sources[0])
            case ir.Take(columns=columns):
                table = self._table(columns)
                self._loops(code, place, lambda at: f"{_at(place, at)} = {_at(sources[0], [*at[:-1], f'{table}[{at[-1]}]'])};")
            case ir.Concatenate():
                start = 0
                for source in sources:
                    self._copy(code, place._replace(offset=place.offset + start * place.strides[-1], shape=source.shape), source)
                    start += source.shape[-1]
            case ir.Scatter(places=columns):
                self._scatter(code, instruction, place, sources)
            case _:
                raise ValueError(f"no C is known for {instruction}")

    def _table(self, columns: Any) -> str:
        name = f"columns{len(self.tables)}"
        self.tables.append(f"static const int {name}[] = {{{', '.join(map(str, columns.tolist()))}}};")
        return name

    def _copied(self, number: int, source: Place, shape: ir.Shape) -> Place:
        source = self._ours(source)
        place = self._allocate(self._name(number), source.shape)
        self._copy(self._code(number), place, source)
        view = place.reshaped(shape)
        if view is None:
            raise ValueError(
                f"{self._name(number)} {ir.shape_text(source.shape)} takes no shape {ir.shape_text(shape)} without mixing examples"
            )
        return view

    def _copy(self, code: list[str], place: Place, source: Place) -> None:
        self._loops(code, place, lambda at: f"{_at(place, at)} = {_at(source, at)};")

    def _loops(self, code: list[str], place: Place, body: Callable[[list[str]], str]) -> None:
        """Nested loops over the entries of an array, examples innermost; the body is told the indices."""
        axes = [axis for axis, size in enumerate(place.shape) if size not in (1, ir.BATCH)]
        axes += [axis for axis, size in enumerate(place.shape) if size == ir.BATCH]
        at = ["0"] * len(place.shape)
        for depth, axis in enumerate(axes):
            size, index = place.shape[axis], "e" if place.shape[axis] == ir.BATCH else f"i{axis}"
            at[axis] = index
            code.append("    " * depth + f"for (long {index} = 0; {index} < {'count' if size == ir.BATCH else size}; {index}++)")
        code.append("    " * len(axes) + body(at))

    def _elementwise(self, code: list[str], number: int, place: Place) -> None:
        leaves: list[Place] = []
        expression = self._expression(number, leaves)
        strides = [place.strides, *(_broadcast(each, place.shape) for each in leaves)]
        varies = ir.BATCH in place.shape
        shape, strides = (place.shape[1:], [each[1:] for each in strides]) if varies else (place.shape, strides)
        axes = _axes(shape, strides)
        size, inner = (
            ("count", [1] + [int(leaf.kind == "lanes") for leaf in leaves]) if varies else axes.pop() if axes else ("1", [1] * len(strides))
        )
        ends = [place.pointer, *(each.pointer for each in leaves)]
        for depth, (count, along) in enumerate(axes):
            code.append("    " * depth + f"for (long i{depth} = 0; i{depth} < {count}; i{depth}++)")
            ends = [f"{end} + i{depth} * {each}" if each else end for end, each in zip(ends, along)]
        loads = []
        for end, each, leaf in zip(ends[1:], inner[1:], leaves):
            if each == 0:
                loads.append(f"splat(*({end}))" if " " in end else f"splat(*{end})")
            elif each == 1:
                loads.append(f"load({end} + e)" if leaf.kind in ("lanes", "plain") else f"load_some({end} + e, {size} - e)")
            else:
                loads.append(f"strided({end} + e * {each}, {each}, {size} - e)")
        if inner[0] != 1 and size != "1":
            raise ValueError(f"{self._name(number)} is wanted in pieces")
        value = expression.format(*loads)
        stored = (
            f"store({ends[0]} + e, {value});" if place.kind in ("lanes", "plain") else f"store_some({ends[0]} + e, {value}, {size} - e);"
        )
        code.append("    " * len(axes) + f"for (long e = 0; e < {size}; e += LANES)")
        code.append("    " * (len(axes) + 1) + stored)

    def _expression(self, number: int, leaves: list[Place]) -> str:
        """An operation in vectors; `{0}`, `{1}`, ... stand for the leaves."""
        instruction = self.program.instructions[number]
        assert isinstance(instruction, ir.Elementwise)
        words = []
        for each in instruction.operands:
            operand = self.program.instructions[each]
            if each in self.merged:
                is_call = operand.op not in (*INFIX, ops.negative)  # type: ignore[attr-defined]
                inner = self._expression(each, leaves)
                words.append(inner if is_call else f"({inner})")
            elif isinstance(operand, ir.Constant) and operand.value.shape == ():
                words.append(f"splat({literal(float(operand.value))})")
            else:
                place = self.places[each]
                assert place is not None
                place = self._ours(place) if place.kind == "rows" else place
                if place not in leaves:
                    leaves.append(place)
                words.append(f"{{{leaves.index(place)}}}")
        text, called = applied(self.program, instruction, words)
        self.functions |= called
        return text

    def _product_within(self, code: list[str], place: Place, left: Place, right: Place) -> None:
        """A product of the examples' rows, (batch, inner) or (batch, several, inner), with a matrix that all of them share."""
        if right.varies or ir.BATCH in right.shape or ir.BATCH not in left.shape[:1]:
            raise ValueError(
                f"a product of {ir.shape_text(left.shape)} and {ir.shape_text(right.shape)} is not one of examples with a matrix"
            )
        (inner, columns), (bk, bj) = right.shape, right.strides
        if left.kind == "rows" and len(left.shape) == 2 and left.strides[1] == bk == 1 and inner >= WIDE:
            rows = f"{left.pointer}, {left.strides[0]}, {place.pointer}, {place.strides[1]}, count"
            code.append(f"product_of_rows({columns}, {inner}, {right.pointer}, {bj}, {rows});")
            return
        note = code.pop()
        left = self._ours(left)
        code.append(note)
        a, c, pad = left.pointer, place.pointer, ""
        if len(left.shape) == 3:
            code.append(f"for (long g = 0; g < {left.shape[1]}; g++)")
            a, c, pad = f"{a} + g * {left.strides[1]}", f"{c} + g * {place.strides[1]}", "    "
        examples = f"{a}, {left.strides[-1]}, {c}, {place.strides[-1]}, count"
        code.append(f"{pad}product_within({columns}, {inner}, {right.pointer}, {bj}, {bk}, {examples});")

    def _products_added(self, code: list[str], place: Place, left: Place, right: Place) -> None:
        """A sum over the examples: (rows, batch) times (batch, columns), perhaps with several rows of each example."""
        note = code.pop()
        if left.shape[-len(right.shape[:-1]) :] != right.shape[:-1]:
            raise ValueError(f"a product of {ir.shape_text(left.shape)} and {ir.shape_text(right.shape)} is no sum over the examples")
        rows, columns = left.shape[0], right.shape[-1]
        left, row = self._ours(left), place.strides[0]  # the columns of what is written lie beside each other
        if right.kind == "rows" and len(right.shape) == 2 and right.strides[1] == 1 and columns >= WIDE:
            at = f"{right.pointer}, {right.strides[0]}, {place.pointer}, {row}, count, start == 0"
            call = f"products_of_rows({rows}, {columns}, {left.pointer}, {left.strides[0]}, {at}"
            if self.rule and place.name == "out":
                self.last.append(_GradientOfRows(note, call, place.offset, rows * columns))
            else:
                code += [note, f"add_{call});"]
            return
        right = self._ours(right)
        code.append(note)
        d, a, first, pad = left.pointer, right.pointer, "start == 0", ""
        if len(right.shape) == 3:
            code.append(f"for (long g = 0; g < {right.shape[1]}; g++)")
            d, a, first, pad = f"{d} + g * {left.strides[2]}", f"{a} + g * {right.strides[1]}", "start + g == 0", "    "
        at = f"{a}, {right.strides[-1]}, {place.pointer}, {row}, count, {first}"
        code.append(f"{pad}add_products({rows}, {columns}, {d}, {left.strides[0]}, {at});")

    def _reduction(self, code: list[str], number: int, op: Operation, axis: int, place: Place, source: Place) -> None:
        stride = source.strides[axis]
        if self.stages[number] is ADDED:
            if op is not ops.total_:
                raise ValueError(f"{op.name} over the examples cannot be added up from block to block")
            self._zero(place)
            shape = self.shapes[self.program.instructions[number].operands[0]]
            several = shape[1] if len(shape) > len(place.shape) else 1  # rows of each example
            skipped = len(shape) - len(place.shape) + 1
            rest = source._replace(shape=source.shape[skipped:], strides=source.strides[skipped:])
            target = place._replace(shape=place.shape[1:], strides=place.strides[1:])
            for each in range(several):
                offset = each * source.strides[1] if several > 1 else 0
                shifted = rest._replace(offset=rest.offset + offset)
                self._loops(code, target, lambda at, of=shifted: f"{_at(target, at)} += total(&{_at(of, at)}, 1, count);")  # type: ignore[misc]
        elif ir.BATCH in place.shape:
            axis += len(source.shape) - len(self.program.shape(self.program.instructions[number].operands[0]))
            inner, stride = source.shape[axis], source.strides[axis]
            target = place._replace(shape=place.shape[1:], strides=place.strides[1:])
            rest = source._replace(
                shape=tuple(1 if i == axis else size for i, size in enumerate(source.shape))[1:], strides=source.strides[1:]
            )
            call = f"{op.name}_within({inner}, "
            self._loops(code, target, lambda at: f"{call}&{_at(rest, at)}, {stride}, &{_at(target, at)}, count);")
        else:
            self._loops(code, place, lambda at: f"{_at(place, at)} = {op.name}(&{_at(source, at)}, {stride}, {source.shape[axis]});")

    def _scatter(self, code: list[str], instruction: ir.Scatter, place: Place, sources: list[Place]) -> None:
        if place.name == "out":
            made = [self.program.origin(each) for each in instruction.operands]
            covered = sum(math.prod(self.shapes[each]) for each in made if each in self.parts)
            if covered < math.prod(place.shape):
                self.lines[BEFORE].insert(0, f"memset(out, 0, {math.prod(place.shape)} * sizeof(real));")
        else:
            made = []
            self._loops(code, place, lambda at: f"{_at(place, at)} = 0;")
        for index, (columns, source) in enumerate(zip(instruction.places, sources)):
            if made and made[index] in self.parts:
                continue
            if isinstance(columns, np.ndarray):
                table = self._table(columns)
                self._loops(code, source, lambda at, t=table, s=source: f"{_at(place, [*at[:-1], f'{t}[{at[-1]}]'])} += {_at(s, at)};")  # type: ignore[misc]
                continue
            start, _, step = columns or (0, 0, 1)
            *rest, stride = place.strides
            target = place._replace(offset=place.offset + start * stride, shape=source.shape, strides=(*rest, stride * step))
            self._loops(code, target, lambda at, to=target, s=source: f"{_at(to, at)} += {_at(s, at)};")  # type: ignore[misc]

    def _zero(self, place: Place) -> None:
        self.lines[BEFORE].append(f"memset({place.pointer}, 0, {math.prod(place.shape)} * sizeof(real));")

    # The whole.

    def _can_move_early(self) -> bool:
        """Whether parameters whose gradient is a product of rows can move before all gradients are there.

        Nothing that comes later may want them, nor add to their gradient.
        """
        if not self.last:
            return False
        program, scatter = self.program, self.program.instructions[self.output]
        for number, instruction in enumerate(program.instructions):
            if self.stages[number] is AFTER and number != self.output and not instruction.is_view:
                return False
        added = np.zeros(math.prod(program.shape(self.output)), dtype=bool)
        for columns, operand in zip(scatter.places, scatter.operands) if isinstance(scatter, ir.Scatter) else ():
            if program.origin(operand) not in self.parts:
                added[slice(None) if columns is None else slice(*columns) if isinstance(columns, tuple) else columns] = True
        return not any(added[each.offset : each.offset + each.size].any() for each in self.last)

    def _finish(self) -> None:
        self.moves_early = self._can_move_early()
        for note, call, offset, _ in self.last:
            self.lines[WITHIN].append(note)
            if self.moves_early:
                self.lines[WITHIN] += ["if (step != NULL && start + count == batch)", f"    step_by_{call}, step, {offset});", "else"]
            self.lines[WITHIN].append("    " * self.moves_early + f"add_{call});")
        if self.output >= 0:
            place, shape = self.places[self.output], self.shapes[self.output]
            assert place is not None
            if ir.BATCH in shape:
                target = Place("out_rows", 0, shape, (math.prod(shape[1:]), *contiguous(shape[1:])), "rows")
                self._copy(self.lines[WITHIN], target, place)
            elif place.name != "out":
                self._copy(self.lines[AFTER], Place("out", 0, shape, contiguous(shape), "theta"), place)
        if self.has_cost:
            place = self.places[self.results]
            assert place is not None
            if not self.program.varies(self.results):
                self.lines[AFTER].append(f"cost = {_at(place, ['0'] * len(place.shape))};")
            else:
                weight = "weights_rows[e] * " if self.is_weighted else ""
                self.lines[WITHIN] += ["for (long e = 0; e < count; e++)", f"    cost += {weight}{_at(place, ['e', '0'])};"]
                self.lines[AFTER] += [] if self.is_weighted else ["cost /= batch;"]

    def _text(self) -> str:
        described = ", ".join(f"{each} {ir.shape_text((ir.BATCH, *shape))}" for each, shape in zip(self.arguments, self.argument_shapes))
        given = ", ".join(f"const real *{each}" for each in self.arguments)
        rows = [
            f"const real *const {each}_rows = {each} + start * {math.prod(shape)};"
            for each, shape in zip(self.arguments, self.argument_shapes)
        ]
        if self.is_weighted:
            rows.append("const real *const weights_rows = weights + start;")
        if self.output >= 0 and self.program.varies(self.output):
            rows.append(f"real *const out_rows = out + start * {math.prod(self.shapes[self.output][1:])};")
        loop = [
            "for (long start = 0; start < batch; start += BLOCK) {",
            "    const long count = batch - start < BLOCK ? batch - start : BLOCK;",
        ]
        within = [f"    {line}" for line in [*rows, *self.lines[WITHIN]]]
        cost = ["double cost = 0;"] if self.has_cost else []
        lines = [*cost, *self.memory, *self.lines[BEFORE], *loop, *within, "}", *self.lines[AFTER], f"return {'cost' if cost else '0'};"]
        sizes = [self.program.shape(each)[-1] for each in self.program.find(ir.Parameters)]
        layout = [f"// theta ({max(sizes)},): {self._layout()}"] if sizes else []
        header = [f"// {self.name}: of {described}; the arrays of a block lie in work", *layout]
        pointers = f"{given}, const real *theta, const real *weights, real *restrict out, real *restrict work"
        function = "\n".join(f"    {line}" for line in [*self.tables, *lines])
        begin = beginning(self.functions, self.dtype)
        if self.rule is None:
            head = f"double {identifier(self.name)}(long batch, {pointers}) {{"
            return "\n".join([begin, "", *header, head, function, "}", ""])
        head = f"static double {self.name}(long batch, {pointers}, struct step *step) {{"
        parts = [begin, self.rule.text(), _DESCENT, "", *header, head, function, "}", "", self._descend(max(sizes)), ""]
        return "\n".join(parts)

    def _descend(self, size: int) -> str:
        """The function that takes steps."""
        assert self.rule is not None
        columns = [math.prod(shape) for shape in self.argument_shapes]
        gathered, before = [], str(self.work)
        for number, width in enumerate(columns):
            gathered.append(f"        const real *const x{number} = gathered(all{number}, {width}, chosen, batch, room + {before});\n")
            before += f" + {width} * batch"
        moved = (
            [(each.offset, each.offset + each.size) for each in sorted(self.last, key=lambda each: each.offset)] if self.moves_early else []
        )
        ends = [0, *(end for pair in moved for end in pair), size]
        rest = "".join(
            f"            step_along(&now, gradient, {ends[i]}, {ends[i + 1]});\n" for i in range(0, len(ends), 2) if ends[i] < ends[i + 1]
        )
        return _DESCEND.format(
            given=", ".join(f"const real *all{number}" for number in range(len(columns))),
            memory="".join(f", real *{name}" for name in self.rule.memory),
            names="".join(f", .{name} = {name}" for name in self.rule.memory),
            gathered="".join(gathered),
            arguments=", ".join(f"x{number}" for number in range(len(columns))),
            early="&now" if moved else "NULL",
            rest=rest,
            size=size,
            work=self.work,
        )

    def _layout(self) -> str:
        """Which entries of the parameters are what."""
        found = []
        for number, name in self.names.items():
            place = self.places[number]
            if place is not None and place.name == "theta":
                found.append(f"{name} from {place.offset} {ir.shape_text(place.shape)}")
        return ", ".join(found)


def _transposed(place: Place, shape: ir.Shape) -> Place:
    """A matrix with its axes exchanged; where one of them is BATCH and n, both of these go together."""
    if len(place.shape) == 2:
        return place._replace(shape=shape, strides=place.strides[::-1])
    order = (2, 0, 1) if place.shape[0] == ir.BATCH else (1, 2, 0)
    return place._replace(shape=shape, strides=tuple([place.strides[axis] for axis in order]))


def _broadcast(place: Place, shape: ir.Shape) -> tuple[int, ...]:
    """The strides with which an array fills a larger shape."""
    missing = len(shape) - len(place.shape)
    strides = [0 if size == 1 != whole else stride for size, stride, whole in zip(place.shape, place.strides, shape[missing:])]
    return (*[0] * missing, *strides)


def _axes(shape: ir.Shape, strides: Sequence[tuple[int, ...]]) -> list[tuple[str, list[int]]]:
    """The loops over a shape without examples, as few as there can be: each with its size, and the stride of each array along it."""
    axes: list[tuple[int, list[int]]] = []
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        along = [each[axis] for each in strides]
        if axes and all(before == own * size for before, own in zip(axes[-1][1], along)):
            outer, _ = axes.pop()
            axes.append((outer * size, along))
        else:
            axes.append((size, along))
    return [(str(size), along) for size, along in axes]


def _at(place: Place, indices: Sequence[str]) -> str:
    """An entry of an array, in C."""
    terms = [f"{index} * {stride}" if stride != 1 else index for index, stride in zip(indices, place.strides) if index != "0" and stride]
    terms = [str(place.offset)] * bool(place.offset) + terms
    return f"{place.name}[{' + '.join(terms) or '0'}]"
