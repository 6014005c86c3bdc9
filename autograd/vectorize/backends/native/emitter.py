"""Emitter: a program as C, one function with a loop over blocks of examples.

The arrays of a block fit into the cache. The examples lie beside each other, so that a register holds one number of several examples and
the C reads like the computation for one example. Sums over the examples (the cost, the gradients of shared parameters) are added up from
block to block. Arrays that do not depend on the example are computed before the loop, and those that depend on the sums after it. Views
cost nothing: an array is a name, an offset and strides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd.vectorize import instructions as ir
from autograd.vectorize.backend import Signature
from autograd.vectorize.backends.native.arrays import BLOCK, Buffer, entry, pointer
from autograd.vectorize.backends.native.descend import descend
from autograd.vectorize.backends.native.identifiers import identifier
from autograd.vectorize.backends.native.mathematics import INCLUDES, definitions
from autograd.vectorize.backends.native.operations import Operations
from autograd.vectorize.backends.native.rule import Rule, literal
from autograd.vectorize.backends.native.schedule import ADDED, AFTER, BEFORE, WITHIN
from autograd.vectorize.places import Place, contiguous
from autograd.vectorize.program import Program

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
_USED = ("splat", "fused", *re.findall(r"\bv_(\w+)", _LOOPS))  # in the loops


class Emitted(NamedTuple):
    """C source, and the entries of working memory that its function needs."""

    source: str
    work: int
    name: str  # of the function


def beginning(functions: Iterable[str], dtype: np.dtype[Any]) -> str:
    """The beginning of a C file: the functions that its programs use, and the loops."""
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


class _Emitter(Operations):
    """A program as a C function, in the order of its instructions."""

    def __init__(self, program: Program, dtype: np.dtype[Any], signature: Signature, rule: Rule | None = None) -> None:
        super().__init__(program, signature, rule)
        self.dtype, self.name = dtype, signature.name

    def emitted(self) -> Emitted:
        for number, instruction in enumerate(self.program.instructions):
            if number not in self.merged:
                self._emit(number, instruction)
        self._finish()
        return Emitted(self._text(), max(self.work, 1), identifier(self.name))

    def _emit(self, number: int, instruction: ir.Instruction) -> None:
        shape, operands = self.shapes[number], instruction.operands
        sources = [place for each in operands if (place := self.places[each]) is not None]
        match instruction:
            case ir.Input(argument=argument):
                place = Place(Buffer(f"{self.arguments[argument]}_rows", "rows"), 0, shape, (shape[1], 1))
            case ir.Parameters():
                place = Place(Buffer("theta", "theta"), 0, shape, (0,) * (len(shape) - 1) + (1,))
            case ir.Weights():
                place = Place(Buffer("weights_rows", "rows"), 0, shape, (1, 1))
            case ir.Constant(value=value):
                place = Place.whole(Buffer(self._name(number), "theta"), value.shape)
                users = [each for each in self.program.instructions if number in each.operands]
                if value.shape or number in (self.output, self.results) or not all(isinstance(each, ir.Elementwise) for each in users):
                    self.tables.append(f"static const real {place.buffer.name}[] = {{{', '.join(map(literal, value.ravel().tolist()))}}};")
            case ir.Scale(factor=factor, power=power):
                self.lines[BEFORE].append(f"const real {self._name(number)}[] = {{{literal(factor)} * (real)pow((double)batch, {power})}};")
                place = Place(Buffer(self._name(number), "theta"), 0, (), ())
            case ir.Slice(start=start, step=step):
                *rest, stride = sources[0].strides
                place = sources[0].moved(start * stride, shape, (*rest, stride * step))
            case ir.Transpose():
                place = _transposed(sources[0], shape)
            case ir.Expand():
                place = sources[0].moved(shape=shape, strides=sources[0].broadcast(shape))
            case ir.Reshape():
                view = sources[0].reshaped(shape)
                place = self._copied(number, sources[0], shape) if view is None else view
            case _:
                place = self._target(number)
                self._compute(number, instruction, place, sources)
        self.places[number] = place

    def _compute(self, number: int, instruction: ir.Instruction, place: Place, sources: list[Place]) -> None:
        code = self._code(number)
        if not isinstance(instruction, (ir.MatMul, ir.Elementwise, ir.Lookup)):
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
                pointers = f"{pointer(left)}, {a0}, {a1}, {pointer(right)}, {b0}, {b1}, {pointer(place)}, {c0}, {c1}"
                code.append(f"product({rows}, {inner}, {columns}, {pointers});")
            case ir.Reduce(op=op, axis=axis):
                self._reduction(code, number, op, axis, place, sources[0])
            case ir.Segments(op=op):
                self._segments(code, instruction, op, place, sources[0])
            case ir.Take(columns=columns):
                table = self._table(columns)
                self._loops(code, place, lambda at: f"{entry(place, at)} = {entry(sources[0], [*at[:-1], f'{table}[{at[-1]}]'])};")
            case ir.Lookup():
                self._look_up(code, place, *sources)
            case ir.AddRows():
                self._add_rows(code, place, *sources)
            case ir.Concatenate():
                start = 0
                for source in sources:
                    self._copy(code, place.moved(start * place.strides[-1], source.shape), source)
                    start += source.shape[-1]
            case ir.Scatter(places=columns):
                self._scatter(code, instruction, place, sources)
            case _:
                raise ValueError(f"the instruction {instruction} cannot be written in C")

    def _can_move_early(self) -> bool:
        """Whether parameters whose gradient is a product with rows can be updated before the other gradients are known.

        No later instruction may read them or add to their gradient.
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
                target = Place(Buffer("out_rows", "rows"), 0, shape, (math.prod(shape[1:]), *contiguous(shape[1:])))
                self._copy(self.lines[WITHIN], target, place)
            elif place.buffer.name != "out":
                self._copy(self.lines[AFTER], Place.whole(Buffer("out", "theta"), shape), place)
        if self.has_cost:
            place = self.places[self.results]
            assert place is not None
            if not self.program.varies(self.results):
                self.lines[AFTER].append(f"cost = {entry(place, ['0'] * len(place.shape))};")
            else:
                weight = "weights_rows[e] * " if self.is_weighted else ""
                self.lines[WITHIN] += ["for (long e = 0; e < count; e++)", f"    cost += {weight}{entry(place, ['e', '0'])};"]
                self.lines[AFTER] += [] if self.is_weighted else ["cost /= batch;"]

    def _text(self) -> str:
        pairs = list(zip(self.arguments, self.argument_shapes))
        size = self.program.parameter_count
        described = ", ".join(f"{each} {ir.shape_text((ir.BATCH, *shape))}" for each, shape in pairs)
        layout = [f"// theta ({size},): {self._layout()}"] if size else []
        header = [f"// {self.name}: of {described}; the arrays of a block lie in work", *layout]
        given = ", ".join(f"const real *{each}" for each in self.arguments)
        pointers = f"long batch, {given}, const real *theta, const real *weights, real *restrict out, real *restrict work"
        body, begin = [f"    {line}" for line in self._body(pairs)], beginning(self.functions, self.dtype)
        if self.rule is None:
            return "\n".join([begin, "", *header, f"double {identifier(self.name)}({pointers}) {{", *body, "}", ""])
        function = [*header, f"static double {self.name}({pointers}, struct step *step) {{", *body, "}"]
        steps = descend(self.rule, self.argument_shapes, size, self.work, self.last if self.moves_early else [])
        return "\n".join([begin, self.rule.text(), _DESCENT, "", *function, "", steps, ""])

    def _body(self, arguments: Sequence[tuple[str, ir.Shape]]) -> list[str]:
        """The lines of the function: what is computed before the loop over the blocks, within it and after it."""
        rows = [f"const real *const {each}_rows = {each} + start * {math.prod(shape)};" for each, shape in arguments]
        if self.is_weighted:
            rows.append("const real *const weights_rows = weights + start;")
        if self.output >= 0 and self.program.varies(self.output):
            rows.append(f"real *const out_rows = out + start * {math.prod(self.shapes[self.output][1:])};")
        return [
            *self.tables,
            *(["double cost = 0;"] if self.has_cost else []),
            *self.memory,
            *self.lines[BEFORE],
            "for (long start = 0; start < batch; start += BLOCK) {",
            "    const long count = batch - start < BLOCK ? batch - start : BLOCK;",
            *(f"    {line}" for line in [*rows, *self.lines[WITHIN]]),
            "}",
            *self.lines[AFTER],
            f"return {'cost' if self.has_cost else '0'};",
        ]

    def _layout(self) -> str:
        """The names of the pieces of the parameter vector, with their offsets and shapes."""
        found = []
        for number, name in self.names.items():
            place = self.places[number]
            if place is not None and place.buffer.name == "theta":
                found.append(f"{name} from {place.offset} {ir.shape_text(place.shape)}")
        return ", ".join(found)


def _transposed(place: Place, shape: ir.Shape) -> Place:
    """A matrix with its axes exchanged. An axis that is split into BATCH and n moves as a whole."""
    if len(place.shape) == 2:
        return place.moved(shape=shape, strides=place.strides[::-1])
    order = (2, 0, 1) if place.shape[0] == ir.BATCH else (1, 2, 0)
    return place.moved(shape=shape, strides=tuple([place.strides[axis] for axis in order]))
