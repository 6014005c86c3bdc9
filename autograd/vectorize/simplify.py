"""Stage 2, simplify: fold constants, merge equal nodes, drop dead ones, and flatten sums.

A tree of additions over products becomes nodes of two new kinds: DOT, whose operands are u1 .. un v1 .. vn and
whose value is u1 v1 + ... + un vn, and SUM. Within a DOT all u are of one kind, and so are all v: numbers that
depend on the example ("batched"), or numbers that do not.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from autograd import ops
from autograd.ops import Operation
from autograd.vectorize.record import CONSTANT, INPUT, PARAMETER, Scalars

DOT, SUM = "dot", "sum"
_SUMS = {ops.add, ops.subtract, ops.negative, ops.total_, ops.weighted_sum_}
_CONDITIONS = {
    ops.less, ops.less_equal, ops.greater, ops.greater_equal, ops.equal, ops.not_equal,
    ops.logical_and, ops.logical_or, ops.logical_not,
}  # fmt: skip
_COMMUTATIVE = {ops.add, ops.multiply, ops.maximum, ops.minimum}


class Builder:
    """A scalar graph under construction: adds a node only where it is new and cannot be had for less."""

    def __init__(self) -> None:
        self.graph = Scalars()
        self.batched: list[bool] = []
        self._known: dict[Any, int] = {}
        self._conditions: set[int] = set()

    def constant(self, number: float) -> int:
        return self._add(CONSTANT, (number,), repr(number))

    def leaf(self, kind: str, key: tuple[Any, ...]) -> int:
        return self._add(kind, key)

    def add(self, op: Operation | str, operands: tuple[int, ...]) -> int:
        """The number of the node `op(operands)`, or of a simpler one equal to it."""
        if isinstance(op, Operation):
            if self._conditions and op not in _CONDITIONS:
                operands = self._as_numbers(op, operands)
            numbers = [self.number(each) for each in operands]
            if None not in numbers:
                return self.constant(float(op.ieee_value(*numbers)))  # type: ignore[arg-type]
            simpler = self._simpler(op, operands, numbers)
            if simpler is not None:
                return simpler
            if op in _COMMUTATIVE and operands[0] > operands[1]:
                operands = (operands[1], operands[0])
        return self._add(op, operands)

    def as_number(self, node: int) -> int:
        """A condition as 1 or 0: numpy has no sums of booleans."""
        return self.add(ops.where, (node, self.constant(1.0), self.constant(0.0))) if node in self._conditions else node

    def _as_numbers(self, op: Operation, operands: tuple[int, ...]) -> tuple[int, ...]:
        """Operands with conditions as numbers, but where one chooses, and beside a factor that is a number."""
        conditions = [each in self._conditions for each in operands]
        if not any(conditions) or (op is ops.multiply and not all(conditions)):
            return operands
        chooses = 1 if op is ops.where else 0
        return (*operands[:chooses], *map(self.as_number, operands[chooses:]))

    def number(self, node: int) -> float | None:
        """The number that a node is, where it is a constant."""
        op, operands = self.graph.nodes[node]
        return operands[0] if op == CONSTANT else None

    def _add(self, op: Operation | str, operands: tuple[Any, ...], key: str = "") -> int:
        known = self._known.get((op, key or operands))
        if known is None:
            known = self._known[op, key or operands] = len(self.graph.nodes)
            self.graph.nodes.append((op, operands))
            leaf = op in (INPUT, PARAMETER, CONSTANT)
            if op in _CONDITIONS:
                self._conditions.add(known)
            self.batched.append(op == INPUT if leaf else any(self.batched[each] for each in operands))
        return known

    def _simpler(self, op: Operation, operands: Sequence[int], numbers: Sequence[float | None]) -> int | None:
        """An equal node that costs less, from the laws that hold for every float but the sign of a zero."""
        a, b = operands[0], operands[-1]
        first, last = numbers[0], numbers[-1]
        if op is ops.identity:
            return a
        if op is ops.add:
            return b if first == 0 else a if last == 0 else None
        if op is ops.subtract:
            return self.add(ops.negative, (b,)) if first == 0 else a if last == 0 else None
        if op is ops.multiply:
            if a == b:
                return self.add(ops.power, (a, self.constant(2.0)))
            if first == -1 or last == -1:
                return self.add(ops.negative, (b if first == -1 else a,))
            return b if first == 1 else a if last == 1 else None
        if op is ops.divide and last is not None and last != 0 and math.isfinite(1 / last):
            return self.add(ops.multiply, (a, self.constant(1 / last)))
        if op is ops.power:
            return a if last == 1 else self.constant(1.0) if last == 0 else None
        if op is ops.negative and self.graph.nodes[a][0] is ops.negative:
            return int(self.graph.nodes[a][1][0])
        if op is ops.where and first is not None:
            return operands[1] if first else b
        if op in (ops.logical_and, ops.logical_or) and (first is not None or last is not None):
            known, other = (first, b) if first is not None else (last, a)
            absorbing = 0.0 if op is ops.logical_and else 1.0
            return self.constant(absorbing) if bool(known) == bool(absorbing) else other
        return None


def simplify(graph: Scalars) -> tuple[Scalars, list[bool]]:
    """An equal graph with fewer nodes, its sums flattened; and which of its nodes depend on the example."""
    merged = Builder()
    numbers: list[int] = []
    for op, operands in graph.nodes:
        if op == CONSTANT:
            numbers.append(merged.constant(operands[0]))
        elif isinstance(op, str):
            numbers.append(merged.leaf(op, operands))
        else:
            numbers.append(merged.add(op, tuple([numbers[each] for each in operands])))
    merged.graph.outputs = [merged.as_number(numbers[each]) for each in graph.outputs]
    merged.graph.parameters = graph.parameters
    return _flatten(merged)


def _flatten(merged: Builder) -> tuple[Scalars, list[bool]]:
    nodes, outputs = merged.graph.nodes, merged.graph.outputs
    uses = [0] * len(nodes)
    for op, operands in nodes:
        if not isinstance(op, str):
            for each in operands:
                uses[each] += 1
    for each in outputs:
        uses[each] += 1

    needed = [False] * len(nodes)
    for each in outputs:
        needed[each] = True
    sums: dict[int, _Terms] = {}
    for number in range(len(nodes) - 1, -1, -1):
        op, operands = nodes[number]
        if not needed[number] or isinstance(op, str):
            continue
        if op in _SUMS:
            terms = _Terms(merged, uses, number)
            if terms.is_worth_it or op is ops.weighted_sum_:
                sums[number] = terms
                operands = terms.operands()
        for each in operands:
            needed[each] = True

    flat = Builder()
    numbers: dict[int, int] = {}
    for number, (op, operands) in enumerate(nodes):
        if not needed[number]:
            continue
        if op == CONSTANT:
            numbers[number] = flat.constant(operands[0])
        elif isinstance(op, str):
            numbers[number] = flat.leaf(op, operands)
        elif number in sums:
            numbers[number] = sums[number].add_to(flat, numbers)
        else:
            numbers[number] = flat.add(op, tuple([numbers[each] for each in operands]))
    flat.graph.outputs = [numbers[each] for each in outputs]
    flat.graph.parameters = merged.graph.parameters
    return flat.graph, flat.batched


class _Terms:
    """A sum, taken apart down to what it adds: products, multiples of single nodes, and a constant."""

    def __init__(self, merged: Builder, uses: Sequence[int], root: int) -> None:
        self.products: dict[float, list[tuple[int, int]]] = defaultdict(list)  # by the number in front of them
        self.multiples: dict[int, float] = defaultdict(float)
        self.constant = 0.0
        self.batched = merged.batched
        self.nodes = nodes = merged.graph.nodes
        stack: list[tuple[int, float]] = [(root, 1.0)]
        while stack:
            number, factor = stack.pop()
            op, operands = nodes[number]
            if op == CONSTANT:
                self.constant += factor * operands[0]
            elif number != root and uses[number] != 1:
                self.multiples[number] += factor
            elif op is ops.add or op is ops.total_:
                stack.extend([(each, factor) for each in reversed(operands)])
            elif op is ops.subtract:
                stack += [(operands[1], -factor), (operands[0], factor)]
            elif op is ops.negative:
                stack.append((operands[0], -factor))
            elif op is ops.weighted_sum_:
                n = len(operands) // 2
                for u, v in zip(operands[:n], operands[n:-1]):
                    self._add_product(merged, factor, u, v)
                stack.append((operands[-1], factor))
            elif op is ops.multiply and (scale := merged.number(operands[0])) is not None:
                stack.append((operands[1], factor * scale))
            elif op is ops.multiply and (scale := merged.number(operands[1])) is not None:
                stack.append((operands[0], factor * scale))
            elif op is ops.multiply and self._is_usual(factor):
                self._add_product(merged, factor, *operands)
            elif op is ops.power and merged.number(operands[1]) == 2 and self._is_usual(factor):
                self.products[factor].append((operands[0], operands[0]))
            else:
                self.multiples[number] += factor

    def _is_usual(self, factor: float) -> bool:
        """Whether a product can go with others that have the same number in front: not where all these numbers differ."""
        return factor in (1.0, -1.0) or factor in self.products or len(self.products) < 3

    def _add_product(self, merged: Builder, factor: float, u: int, v: int) -> None:
        scale_u, scale_v = merged.number(u), merged.number(v)
        if scale_u is not None and scale_v is not None:
            self.constant += factor * scale_u * scale_v
        elif scale_u is not None:
            self.multiples[v] += factor * scale_u
        elif scale_v is not None:
            self.multiples[u] += factor * scale_v
        else:
            self.products[factor].append((v, u) if self.batched[u] and not self.batched[v] else (u, v))

    def _pairs(self) -> list[tuple[int, int]]:
        return [pair for pairs in self.products.values() for pair in pairs]

    @property
    def is_worth_it(self) -> bool:
        """Whether it is more than an addition of two things: those are as well left to plain operations."""
        pairs = self._pairs()
        mixed = any(self.batched[u] != self.batched[v] for u, v in pairs)
        return mixed or len(pairs) + len(self.multiples) + (self.constant != 0) > 2

    def operands(self) -> tuple[int, ...]:
        return (*(each for pair in self._pairs() for each in pair), *self.multiples)

    def add_to(self, flat: Builder, numbers: dict[int, int]) -> int:
        """Build the sum from a few pure parts, in the order of a textbook: products of the example, what is fixed, and the rest."""
        fixed = self._products_in(flat, numbers, batched=False) + self._multiples_in(flat, numbers, batched=False)
        if self.constant != 0:
            fixed.append((1.0, flat.constant(self.constant)))
        between = [(1.0, self._sum(flat, fixed))] if fixed else []
        parts = self._products_in(flat, numbers, batched=True) + between + self._multiples_in(flat, numbers, batched=True)
        return self._sum(flat, parts) if parts else flat.constant(0.0)

    def _products_in(self, flat: Builder, numbers: dict[int, int], batched: bool) -> list[tuple[float, int]]:
        """The sums of the products that do, or do not, depend on the example, each behind the number in front of it."""
        kinds: dict[tuple[float, bool], list[tuple[int, int]]] = defaultdict(list)
        for factor, pairs in self.products.items():
            for u, v in pairs:
                if self.batched[v] == batched:
                    kinds[factor, self.batched[u]].append((numbers[u], numbers[v]))
        return [(factor, _dot(flat, pairs)) for (factor, _), pairs in kinds.items()]

    def _multiples_in(self, flat: Builder, numbers: dict[int, int], batched: bool) -> list[tuple[float, int]]:
        by_factor: dict[float, list[int]] = defaultdict(list)
        for number, factor in self.multiples.items():
            nothing = factor == 0 and self.nodes[number][0] == PARAMETER  # an initial state of zeros does this
            if self.batched[number] == batched and not nothing:
                by_factor[factor].append(numbers[number])
        if len(by_factor) > 2:  # a sum with numbers for weights
            return [(1.0, _dot(flat, [(flat.constant(factor), each) for factor, members in by_factor.items() for each in members]))]
        return [(factor, self._sum_of(flat, members)) for factor, members in by_factor.items()]

    @staticmethod
    def _sum_of(flat: Builder, members: list[int]) -> int:
        if len(members) > 2:
            return flat.add(SUM, tuple(sorted(members)))
        return members[0] if len(members) == 1 else flat.add(ops.add, (members[0], members[1]))

    @staticmethod
    def _sum(flat: Builder, parts: list[tuple[float, int]]) -> int:
        """Parts, each times the number in front of it, one after the other; the first that is not negative comes first."""
        first = next((part for part in parts if part[0] > 0), parts[0])
        total: int | None = None
        for factor, part in [first, *(each for each in parts if each is not first)]:
            size = factor if total is None else abs(factor)
            term = part if size == 1 else flat.add(ops.multiply, (part, flat.constant(size)))
            total = term if total is None else flat.add(ops.subtract if factor < 0 else ops.add, (total, term))
        assert total is not None
        return total


def _dot(flat: Builder, pairs: list[tuple[int, int]]) -> int:
    pairs = sorted(pairs, key=lambda pair: (pair[1], pair[0]))
    return flat.add(DOT, (*[u for u, _ in pairs], *[v for _, v in pairs]))
