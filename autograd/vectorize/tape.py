"""Tape: a program as operations on single numbers, one after the other, for interpreters.

A program of many narrow instructions, as an irregular graph gives, is slow as calls on arrays and takes a C compiler minutes. A tape is
data: each entry has an operation, the slot that it writes and the slots that it reads. Arrays exist only while a tape is made, as arrays
of the numbers that they consist of, so instructions that move numbers take no entries.

The entries lie in three parts: `before` runs once, `within` for each example, and `after` once, with the sums over the examples.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize import instructions as ir
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program

NARROW = 10.0  # instructions of a narrow program compute fewer numbers, on average
BEFORE, WITHIN, AFTER = range(3)

# What an entry does, other than operations, with its operands; a star marks those that are slots.
PARAMETER = "parameter"  # its number
INPUT = "input"  # argument, column, columns of the argument
WEIGHT = "weight"
SCALE = "scale"  # *factor, power of the number of examples
ADDED = "added"  # *number that is added to the slot it writes
TOTAL = "total"  # *slot in which numbers of the examples were added
COST = "cost"  # *number
RESULT = "result"  # *number, its place in the output
ROW = "row"  # *number of the example, column, columns of the output
STARRED = {PARAMETER: 0, INPUT: 0, WEIGHT: 0, SCALE: 1, ADDED: 1, TOTAL: 1, COST: 1, RESULT: 1, ROW: 1}  # how many, always the first


class Merged(NamedTuple):
    """Two operations in one entry: the operand of `outer` at `place` is what `inner` gives. Their operands are in order."""

    outer: Operation
    place: int
    inner: Operation


MERGED = (Merged(ops.add, 0, ops.multiply), Merged(ops.subtract, 0, ops.multiply), Merged(ops.subtract, 1, ops.multiply))


class Entry(NamedTuple):
    op: Any  # an Operation, a Merged, or one of STARRED
    target: int  # the slot that it writes; -1 for none
    operands: tuple[int, ...]

    @property
    def read(self) -> tuple[int, ...]:
        """The slots that it reads."""
        return self.operands[: STARRED[self.op]] if isinstance(self.op, str) else self.operands


class Tape(NamedTuple):
    """The entries of the three parts, the number of slots, and the constants that the first slots hold."""

    parts: list[list[Entry]]
    slots: int
    constants: list[float]


def is_narrow(program: Program, length: int = 1, width: float | None = None) -> bool:
    """Whether a program has at least `length` instructions that compute something, on average fewer than `width` numbers (NARROW)."""
    sizes = [size for each in range(len(program)) if (size := _entries(program, each))]
    return len(sizes) >= length and sum(sizes) < (NARROW if width is None else width) * len(sizes)


def _entries(program: Program, number: int) -> int:
    """About how many entries an instruction takes."""
    instruction = program.instructions[number]
    sizes = [abs(math.prod(program.shape(each))) for each in (number, *instruction.operands)]
    match instruction:
        case ir.Elementwise():
            return sizes[0]
        case ir.Reduce() | ir.Segments():
            return sizes[1]
        case ir.MatMul():
            return sizes[0] * abs(program.shape(instruction.operands[0])[1])
        case ir.Pairs(lefts=lefts, width=width):
            return len(lefts) * width
        case ir.Lookup(operands=(_, index)):
            return sizes[1] * abs(math.prod(program.shape(index)))
        case ir.AddRows(operands=(index, _)):
            return sizes[0] * abs(math.prod(program.shape(index)))
        case ir.Scatter():
            return sum(sizes[1:])
    return 0


def expression(op: Operation | Merged, words: Sequence[str], infix: Collection[Operation], call: str) -> str:
    """The text of an entry's operation: `infix` are written with symbols, and `call`, such as "v_{}", names the functions of others."""
    if isinstance(op, Merged):
        end = op.place + op.inner.arity
        inner = expression(op.inner, words[op.place : end], infix, call)
        return expression(op.outer, [*words[: op.place], f"({inner})", *words[end:]], infix, call)
    if op is ops.negative:
        return f"-{words[0]}"
    return f" {op.symbol} ".join(words) if op in infix else f"{call.format(op.name)}({', '.join(words)})"


def tape(program: Program) -> Tape:
    """Return a program, with operations that back ends know, as a tape."""
    numbers = _Numbers(program)
    parts = _merged(_needed(numbers.parts, len(numbers.part_of)), len(numbers.part_of))
    return _with_slots(parts, numbers.constants)


class _Numbers:
    """The numbers of a program, and the entries that compute them. An entry writes each number once, so numbers stand for slots.

    The array of an instruction is that of one example: BATCH is 1 in its shape.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.parts: list[list[Entry]] = [[], [], []]
        self.part_of: list[int] = []  # the part in which each number is computed
        self.constants: dict[int, float] = {}
        self._known: dict[str, int] = {}
        self._arrays: list[FloatArray] = []
        for number, instruction in enumerate(program.instructions):
            array = self._array(instruction, [self._arrays[each] for each in instruction.operands])
            self._arrays.append(array.reshape(ir.sized(program.shape(number), 1)))
        for name, number in program.outputs.items():
            self._put_out(name, self._arrays[number].ravel().tolist(), program.varies(number))

    def _put_out(self, name: str, numbers: list[int], varies: bool) -> None:
        for place, each in enumerate(numbers):
            if name == "cost":
                self.parts[AFTER].append(Entry(COST, -1, (each,)))
            elif varies:
                self.parts[WITHIN].append(Entry(ROW, -1, (each, place, len(numbers))))
            else:
                self.parts[AFTER].append(Entry(RESULT, -1, (each, place)))

    # Numbers.

    def _new(self, part: int, op: Any, *operands: int) -> int:
        self.part_of.append(part)
        self.parts[part].append(Entry(op, len(self.part_of) - 1, operands))
        return len(self.part_of) - 1

    def _constant(self, value: float) -> int:
        number = self._known.get(repr(value))
        if number is None:
            number = self._known[repr(value)] = len(self.part_of)
            self.part_of.append(BEFORE)
            self.constants[number] = value
        return number

    def _apply(self, op: Operation, *operands: int) -> int:
        if op is ops.identity:
            return operands[0]
        if op is ops.power and self.constants.get(operands[1]) == 2:
            op, operands = ops.multiply, (operands[0], operands[0])
        parts = [self.part_of[each] for each in operands]
        part = max(parts)
        if part == AFTER and WITHIN in parts:
            raise ValueError(f"{op.name}: an example cannot depend on a sum over all examples")
        return self._new(part, op, *operands)

    def _over_examples(self, number: int) -> int:
        """The sum of a number over the examples."""
        target = self._new(BEFORE, ops.identity, self._constant(0.0))
        self.parts[WITHIN].append(Entry(ADDED, target, (number,)))
        return self._new(AFTER, TOTAL, target)

    def _reduced(self, op: Operation, numbers: Sequence[int]) -> int:
        if op is ops.logsumexp_:
            return self._logsumexp(numbers)
        of_two = {ops.total_: ops.add, ops.largest_: ops.maximum, ops.smallest_: ops.minimum}[op]
        return functools.reduce(functools.partial(self._apply, of_two), numbers) if len(numbers) else self._constant(0.0)

    def _logsumexp(self, numbers: Sequence[int]) -> int:
        if not len(numbers):
            return self._constant(-math.inf)
        largest = self._reduced(ops.largest_, numbers)
        is_finite = self._apply(ops.less, self._apply(ops.absolute, largest), self._constant(math.inf))
        shift = self._apply(ops.where, is_finite, largest, self._constant(0.0))
        powers = [self._apply(ops.exp, self._apply(ops.subtract, each, shift)) for each in numbers]
        return self._apply(ops.add, self._apply(ops.log, self._reduced(ops.total_, powers)), shift)

    def _dot(self, left: Sequence[int], right: Sequence[int]) -> int:
        return self._reduced(ops.total_, [self._apply(ops.multiply, u, v) for u, v in zip(left, right)])

    # Arrays of them.

    def _array(self, instruction: ir.Instruction, operands: list[FloatArray]) -> FloatArray:
        match instruction:
            case ir.Input(argument=argument, shape=(_, size)):
                return _array([self._new(WITHIN, INPUT, argument, each, size) for each in range(size)])
            case ir.Parameters(shape=shape):
                return _array([self._new(BEFORE, PARAMETER, each) for each in range(shape[-1])])
            case ir.Weights():
                return _array([self._new(WITHIN, WEIGHT)])
            case ir.Constant(value=value):
                return _array(list(map(self._constant, value.ravel().tolist())))
            case ir.Scale(factor=factor, power=power):
                return _array([self._new(BEFORE, SCALE, self._constant(factor), power)])
            case ir.Elementwise(op=op) if all(each.size == 1 for each in operands):
                return _array([self._apply(op, *[each.item() for each in operands])])
            case ir.Elementwise(op=op):
                return _array([self._apply(op, *each) for each in zip(*(each.ravel().tolist() for each in np.broadcast_arrays(*operands)))])
            case ir.Reduce(op=op, axis=axis):
                rows = np.moveaxis(operands[0], axis, -1)
                if op is not ops.total_ and self.program.shape(instruction.operands[0])[axis] < 0:
                    raise ValueError(f"{instruction} combines examples in another way than a sum")
                found = [self._reduced(op, each) for each in rows.reshape(-1, rows.shape[-1]).tolist()]
                return _array(self._summed(found, self.program.shape(instruction.operands[0])[axis]))
            case ir.Segments(op=op, lengths=lengths):
                ends = list(pairwise([0, *np.cumsum(lengths).tolist()]))
                whole = operands[0].reshape(-1, operands[0].shape[-1]).tolist()
                return _array([self._reduced(op, row[start:stop]) for row in whole for start, stop in ends])
            case ir.MatMul():
                lefts, rights = operands[0].tolist(), operands[1].T.tolist()
                found = [self._dot(left, right) for left in lefts for right in rights]
                return _array(self._summed(found, self.program.shape(instruction.operands[0])[1]))
            case ir.Pairs():
                return self._pairs(instruction, *operands)
            case ir.Lookup():
                return self._looked_up(*operands)
            case ir.AddRows(shape=shape):
                return self._added_rows(shape, *operands)
            case ir.Scatter(places=places, shape=shape):
                return self._scattered(places, ir.sized(shape, 1), operands)
        return _moved(instruction, operands)

    def _summed(self, numbers: list[int], size: int) -> list[int]:
        """The sums over the examples if an instruction adds along an axis of this size that they lie on."""
        return list(map(self._over_examples, numbers)) if size < 0 else numbers

    def _pairs(self, pairs: ir.Pairs, left: FloatArray, right: FloatArray) -> FloatArray:
        rows = right.reshape(-1, pairs.width)[pairs.rights].tolist()
        if isinstance(pairs, ir.PairProducts):
            return _array([self._dot(u, v) for u, v in zip(left.reshape(-1, pairs.width)[pairs.lefts].tolist(), rows)])
        terms: list[list[tuple[int, list[int]]]] = [[] for _ in range(pairs.rows[0])]
        for at, factor, row in zip(pairs.lefts.tolist(), left.ravel().tolist(), rows):
            terms[at].append((factor, row))
        return _array([self._dot([u for u, _ in each], [v[k] for _, v in each]) for each in terms for k in range(pairs.width)])

    def _looked_up(self, table: FloatArray, index: FloatArray) -> FloatArray:
        """Each index is compared with the number of each row."""
        first, *others = table.reshape(-1, table.shape[-1]).tolist()
        found = []
        for each in index.ravel().tolist():
            row = first
            for number, other in enumerate(others, 1):
                is_it = self._apply(ops.equal, each, self._constant(float(number)))
                row = [self._apply(ops.where, is_it, new, old) for new, old in zip(other, row)]
            found += row
        return _array(found)

    def _added_rows(self, shape: ir.Shape, index: FloatArray, part: FloatArray) -> FloatArray:
        found, indices, zero = list[int](), index.ravel().tolist(), self._constant(0.0)
        columns = part.reshape(-1, shape[-1]).T.tolist()
        for number in range(shape[-2]):
            at = self._constant(float(number))
            are_it = [self._apply(ops.equal, each, at) for each in indices]
            terms = [[self._apply(ops.where, *pair, zero) for pair in zip(are_it, column)] for column in columns]
            found += [self._reduced(ops.total_, each) for each in terms]
        return _array(self._summed(found, 1 if len(shape) > 2 else ir.BATCH))

    def _scattered(self, places: Sequence[Any], shape: tuple[int, ...], parts: Sequence[FloatArray]) -> FloatArray:
        terms: list[list[int]] = [[] for _ in range(math.prod(shape))]
        at = np.arange(len(terms)).reshape(shape)
        for place, part in zip(places, parts):
            columns = slice(*place) if isinstance(place, tuple) else slice(None) if place is None else place
            for target, each in zip(at[..., columns].ravel().tolist(), part.ravel().tolist()):
                terms[target].append(each)
        return _array([self._reduced(ops.total_, each) for each in terms])


def _array(numbers: list[int]) -> FloatArray:
    return np.array(numbers, np.intp)


def _moved(instruction: ir.Instruction, operands: list[FloatArray]) -> FloatArray:
    match instruction:
        case ir.Slice(start=start, stop=stop, step=step):
            return operands[0][..., start:stop:step]
        case ir.Take(columns=columns):
            return operands[0][..., columns]
        case ir.Reshape():
            return operands[0]
        case ir.Transpose():
            return operands[0].T
        case ir.Concatenate():
            return np.concatenate(operands, axis=-1)
        case ir.Expand(shape=shape):
            return np.broadcast_to(operands[0], ir.sized(shape, 1))
    raise ValueError(f"the instruction {instruction} is not supported")


# Entries.


def _needed(parts: Sequence[list[Entry]], count: int) -> list[list[Entry]]:
    """The entries that an output needs."""
    is_needed, kept = [False] * count, []
    for part in reversed(parts):
        found = []
        for entry in reversed(part):
            if entry.target < 0 or is_needed[entry.target]:
                found.append(entry)
                for each in entry.read:
                    is_needed[each] = True
        kept.append(found[::-1])
    return kept[::-1]


def _merged(parts: Sequence[list[Entry]], count: int) -> list[list[Entry]]:
    """The entries with operations that are used once written into the sums and differences that use them."""
    uses = [0] * count
    for part in parts:
        for entry in part:
            for each in entry.read:
                uses[each] += 1
    kept = []
    for part in parts:
        found: dict[int, Entry] = {}  # by the place in this part
        places: dict[int, int] = {}  # of the products and negatives that are used once
        for place, entry in enumerate(part):
            if entry.op is ops.add or entry.op is ops.subtract:
                entry = _with_operand(entry, found, places)
            elif (entry.op is ops.multiply or entry.op is ops.negative) and uses[entry.target] == 1:
                places[entry.target] = place
            found[place] = entry
        kept.append(list(found.values()))
    return kept


def _with_operand(entry: Entry, found: dict[int, Entry], places: dict[int, int]) -> Entry:
    """A sum or a difference with a negative or a product written into it, which is then removed."""
    op, target, operands = entry
    for side in (1, 0):
        if operands[side] in places and found[places[operands[side]]].op is ops.negative and (op is ops.add or side == 1):
            (inner,) = found.pop(places.pop(operands[side])).operands
            op = ops.subtract if op is ops.add else ops.add
            operands = (operands[1 - side], inner)
            break
    for side in (0, 1):
        if operands[side] in places and found[places[operands[side]]].op is ops.multiply:
            product = found.pop(places.pop(operands[side])).operands
            if side == 1 and op is ops.subtract:
                return Entry(MERGED[2], target, (operands[0], *product))
            return Entry(MERGED[op is ops.subtract], target, (*product, operands[1 - side]))
    return Entry(op, target, operands)


def _with_slots(parts: Sequence[list[Entry]], constants: dict[int, float]) -> Tape:
    """The entries with slots for their numbers, which are used again when their numbers are no longer needed."""
    slots = {number: slot for slot, number in enumerate(constants)}
    first, stop = len(parts[BEFORE]), len(parts[BEFORE]) + len(parts[WITHIN])
    made, last = dict[int, int](), dict[int, int]()
    for place, entry in enumerate(itertools.chain(*parts)):
        for each in entry.read:
            last[each] = place
        if entry.target >= 0:
            made.setdefault(entry.target, place)
            last[entry.target] = place
    ends: dict[int, list[int]] = defaultdict(list)  # the numbers that are not needed after an entry
    for number, place in last.items():
        if number not in constants:  # what is made before the examples is needed for each of them
            ends[stop - 1 if made[number] < first <= place < stop else place].append(number)
    free, count, kept, place = list[int](), len(slots), list[list[Entry]](), 0
    for part in parts:
        kept.append([])
        for op, target, operands in part:
            starred = STARRED.get(op, 0) if isinstance(op, str) else len(operands)
            read = tuple([slots[each] for each in operands[:starred]])
            free += [slots[each] for each in ends.get(place, ()) if each != target]
            if target >= 0 and target not in slots:
                if not free:
                    free.append(count)
                    count += 1
                slots[target] = free.pop()
            if ends.get(place) and target in ends[place]:
                free.append(slots[target])
            kept[-1].append(Entry(op, slots.get(target, -1), (*read, *operands[starred:])))
            place += 1
    return Tape(kept, count, list(constants.values()))
