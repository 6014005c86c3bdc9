"""Stage 2, simplify: fold constants, merge equal nodes, use stable forms, drop unused nodes, and flatten sums.

A tree of additions over products becomes totals and DOTs. In such a DOT either all u depend on the example ("batched") or none of them
does, and the same holds for v.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from autograd import ops
from autograd.ops import Operation
from autograd.stable import LAST, Form, Forms
from autograd.vectorize import rewrite
from autograd.vectorize.scalars import CONSTANT, DOT, INPUT, LEAVES, PARAMETER, Scalars, depths


class ScalarBuilder:
    """A scalar graph under construction. It adds a node if it is new and cannot be simplified.

    With `keeps_sums` 0 + a stays as it is: the sum of one term, as Python's `sum` begins it.
    """

    def __init__(self, keeps_sums: bool = False) -> None:
        self.keeps_sums = keeps_sums
        self.graph = Scalars()
        self.batched: list[bool] = []
        self.numbers: list[float | None] = []  # of the constants; None for other nodes
        self.constants: set[int] = set()
        self._known: dict[Any, int] = {}

    def constant(self, number: float) -> int:
        return self._leaf(CONSTANT, (number,), repr(number), number)

    def leaf(self, kind: str, key: tuple[Any, ...]) -> int:
        return self._leaf(kind, key, key)

    def _leaf(self, kind: str, operands: tuple[Any, ...], key: Any, number: float | None = None) -> int:
        known = self._known.get((kind, key))
        if known is None:
            known = self._known[kind, key] = len(self.numbers)
            self.graph.nodes.append((kind, operands))
            self.batched.append(kind == INPUT)
            self.numbers.append(number)
            if number is not None:
                self.constants.add(known)
        return known

    def dot(self, us: Iterable[int], vs: Iterable[int]) -> int:
        """u1 v1 + ... + un vn."""
        ordered = sorted(zip(vs, us))
        return self.put(DOT, (*[u for _, u in ordered], *[v for v, _ in ordered]))

    # `rewrite` uses these four methods.

    def add(self, op: Operation, *operands: int) -> int:
        """The number of the node `op(operands)`, or of a simpler node that is equal to it."""
        numbers = [self.numbers[each] for each in operands]
        if None not in numbers:
            return self.constant(float(op.ieee_value(*numbers)))  # type: ignore[arg-type]
        if self.keeps_sums and op is ops.add and numbers[0] == 0.0:
            return self.put(op, operands)
        simpler = rewrite.simpler(self, op, operands)
        if simpler is not None:
            return simpler
        # a + b and b + a are one node; conditions keep the order of the user
        is_sortable = op.is_commutative and not op.variadic and not op.is_condition
        return self.put(op, operands[::-1] if is_sortable and operands[0] > operands[1] and numbers[0] is None else operands)

    def add_plain(self, op: Operation, a: int, b: int) -> int:
        """The same as `add` for a sum, a difference or a product, with a short way for numbers that are not known."""
        numbers = self.numbers
        if a == b or numbers[a] is not None or numbers[b] is not None:
            return self.add(op, a, b)
        node = op, (b, a) if a > b and op is not ops.subtract else (a, b)
        known = self._known.get(node)
        if known is None:  # as in `put`, which is not called here because a call takes as long
            known = self._known[node] = len(numbers)
            self.graph.nodes.append(node)
            self.batched.append(self.batched[a] or self.batched[b])
            numbers.append(None)
        return known

    def factor(self, term: int) -> rewrite.Factor | None:
        number = self.numbers[term]
        return None if number is None else (number, 0)

    def definition(self, term: int) -> tuple[Operation | None, tuple[int, ...]]:
        op, operands = self.graph.nodes[term]
        return (None, ()) if isinstance(op, str) else (op, operands)

    def is_condition(self, term: int) -> bool:
        op = self.graph.nodes[term][0]
        return isinstance(op, Operation) and op.is_condition

    def scale(self, factor: float, power: int = 0) -> int:
        assert power == 0  # nothing here knows of batches
        return self.constant(factor)

    def put(self, op: Operation | str, operands: tuple[int, ...]) -> int:
        node = op, operands
        known = self._known.get(node)
        if known is None:
            known = self._known[node] = len(self.numbers)
            self.graph.nodes.append(node)
            batched = self.batched
            batched.append(True in map(batched.__getitem__, operands))
            self.numbers.append(None)
        return known


def simplify(graph: Scalars, limits: Mapping[tuple[int, int], int] | None = None) -> tuple[Scalars, list[bool]]:
    """Return an equal graph with fewer nodes, stable forms and flattened sums, and for each node whether it depends on the example.

    `limits` are those of `Tables`.
    """
    merged, forms = merge(graph, limits or {})
    simple, batched = _flatten(merged)
    simple.forms = forms
    return simple, batched


def merge(graph: Scalars, limits: Mapping[tuple[int, int], int]) -> tuple[ScalarBuilder, list[Form]]:
    """The graph without repeated nodes, with stable forms, and the formulas that these replace."""
    merged = ScalarBuilder(keeps_sums=True)

    def rows(term: int) -> int:
        kind, place = merged.graph.nodes[term]
        return limits.get(place, 0) if kind == INPUT else 0

    forms = Forms(merged, rows)
    numbers: list[int] = []
    nodes, add_plain = merged.graph.nodes, merged.add_plain
    for op, operands in graph.nodes:
        if op is ops.multiply or op is ops.add or op is ops.subtract:
            a, b = numbers[operands[0]], numbers[operands[1]]
            has_power = nodes[a][0] is ops.exp or nodes[b][0] is ops.exp  # without one there is no form, and this is faster than asking
            stable = forms.replaced(op, (a, b)) if op is ops.multiply and has_power else None
            numbers.append(add_plain(op, a, b) if stable is None else stable)
        elif op == CONSTANT:
            numbers.append(merged.constant(operands[0]))
        elif op == DOT:
            numbers.append(merged.put(op, tuple(map(numbers.__getitem__, operands))))
        elif isinstance(op, str):
            numbers.append(merged.leaf(op, operands))
        else:
            given = tuple([numbers[each] for each in operands])
            stable = forms.replaced(op, given) if op in LAST else None
            numbers.append(merged.add(op, *given) if stable is None else stable)
    merged.graph.outputs = [numbers[each] for each in graph.outputs]
    merged.graph.parameters, merged.graph.tables = graph.parameters, graph.tables
    return merged, list(forms.found)


def _flatten(merged: ScalarBuilder) -> tuple[Scalars, list[bool]]:
    nodes, outputs = merged.graph.nodes, merged.graph.outputs
    uses = [0] * len(nodes)
    for op, operands in nodes:
        for each in () if op in LEAVES else operands:
            uses[each] += 1
    for each in outputs:
        uses[each] += 1

    needed = [False] * len(nodes)
    for each in outputs:
        needed[each] = True
    sums: dict[int, _Terms] = {}
    for number in range(len(nodes) - 1, -1, -1):
        op, operands = nodes[number]
        if not needed[number] or op in LEAVES:
            continue
        if isinstance(op, str) or op.is_sum:
            terms = _Terms(merged, uses, number)
            if op == DOT or op is ops.weighted_sum_ or terms.is_worth_it:
                sums[number] = terms
                operands = terms.operands()  # type: ignore[assignment]
        for each in operands:
            needed[each] = True

    flat = ScalarBuilder()
    numbers = [-1] * len(nodes)
    for number, (op, operands) in enumerate(nodes):
        if not needed[number]:
            continue
        if op == CONSTANT:
            numbers[number] = flat.constant(operands[0])
        elif op in LEAVES:
            numbers[number] = flat.leaf(op, operands)
        elif number in sums:
            numbers[number] = sums[number].add_to(flat, numbers)
        elif op is ops.multiply or op is ops.add or op is ops.subtract:
            numbers[number] = flat.add_plain(op, numbers[operands[0]], numbers[operands[1]])
        else:
            numbers[number] = flat.add(op, *map(numbers.__getitem__, operands))  # type: ignore[arg-type]  # the operation is not DOT
    flat.graph.outputs = [numbers[each] for each in outputs]
    flat.graph.parameters, flat.graph.tables = merged.graph.parameters, merged.graph.tables
    return _without_short_sums(flat)


def _without_short_sums(flat: ScalarBuilder) -> tuple[Scalars, list[bool]]:
    """The graph with plain operations for sums of one or two terms, unless a longer sum at the same depth makes a group with them."""
    nodes, batched, levels = flat.graph.nodes, flat.batched, depths(flat.graph)
    short: dict[int, Any] = {}  # and what a sum must have in common with one to be in its group
    long = set()
    for number, (op, operands) in enumerate(nodes):
        is_product = op == DOT and batched[operands[0]] == batched[operands[-1]]
        if op is ops.total_ or is_product:
            kind = levels[number], batched[number], is_product
            if len(operands) > 2:
                long.add(kind)
            else:
                short[number] = kind
    plain = {number for number, kind in short.items() if kind not in long}
    if not plain:
        return flat.graph, batched
    built = ScalarBuilder()
    numbers: list[int] = []
    for number, (op, operands) in enumerate(nodes):
        if op in LEAVES:
            numbers.append(built.constant(operands[0]) if op == CONSTANT else built.leaf(str(op), operands))
            continue
        given = [numbers[each] for each in operands]
        if op == DOT:
            half = len(given) // 2
            numbers.append(built.add(ops.multiply, *given) if number in plain else built.dot(given[:half], given[half:]))
        else:
            assert isinstance(op, Operation)
            numbers.append(given[0] if number in plain and len(given) == 1 else built.add(ops.add if number in plain else op, *given))
    built.graph.outputs = [numbers[each] for each in flat.graph.outputs]
    built.graph.parameters, built.graph.tables = flat.graph.parameters, flat.graph.tables
    return built.graph, built.batched


_Kind = tuple[float, bool, bool]  # of products: the number in front of them, and whether the factors depend on the example


class _Terms:
    """A sum split into products, multiples of single nodes, and a constant."""

    def __init__(self, merged: ScalarBuilder, uses: Sequence[int], root: int) -> None:
        self.products: dict[_Kind, tuple[list[int], list[int]]] = {}  # the left factors and the right ones
        self.multiples: dict[int, float] = defaultdict(float)
        self.constant = 0.0
        self.begins_with_zero = False  # as sums of any length do that Python's `sum` adds up
        self.batched = merged.batched
        known = merged.numbers
        self.nodes = nodes = merged.graph.nodes
        stack: list[tuple[int, float]] = [(root, 1.0)]
        while stack:
            number, factor = stack.pop()
            op, operands = nodes[number]
            if op == CONSTANT:
                self.begins_with_zero = self.begins_with_zero or operands[0] == 0.0
                self.constant += factor * operands[0]
            elif number != root and uses[number] != 1:
                self.multiples[number] += factor
            elif op is ops.add or op is ops.total_:
                stack.extend([(each, factor) for each in reversed(operands)])
            elif op is ops.subtract:
                stack += [(operands[1], -factor), (operands[0], factor)]
            elif op is ops.negative:
                stack.append((operands[0], -factor))
            elif op == DOT:
                self._add_products(merged, factor, operands[: len(operands) // 2], operands[len(operands) // 2 :])
            elif op is ops.weighted_sum_:
                weights, inputs, bias = ops.split_weighted_sum(operands)
                self._add_products(merged, factor, weights, inputs)
                stack.append((bias, factor))
            elif op is ops.multiply and known[operands[0]] is known[operands[1]] and self._is_usual(factor):  # both are None
                self._add_pair(factor, *operands)
            elif op is ops.multiply and (scaled := self._scaled(merged, factor, *operands)) is not None:
                stack.append(scaled)
            elif op is ops.multiply and self._is_usual(factor):
                self._add_product(merged, factor, *operands)
            elif op is ops.power and known[operands[1]] == 2 and self._is_usual(factor):
                self._add_pair(factor, operands[0], operands[0])
            else:
                self.multiples[number] += factor

    @staticmethod
    def _scaled(merged: ScalarBuilder, factor: float, u: int, v: int) -> tuple[int, float] | None:
        """For a product with a number: the other operand, and the product of both coefficients."""
        if merged.numbers[u] is None:
            u, v = v, u
        number = merged.numbers[u]
        both = None if number is None else rewrite.joined(factor, number)
        return None if both is None else (v, both)

    def _is_usual(self, factor: float) -> bool:
        """Whether a product can be grouped with others of the same coefficient, which needs two equal coefficients."""
        return factor in (1.0, -1.0) or factor in (known := {each for each, *_ in self.products}) or len(known) < 3

    def _add_products(self, merged: ScalarBuilder, factor: float, us: Sequence[int], vs: Sequence[int]) -> None:
        if not self._is_usual(factor) or not merged.constants.isdisjoint(us) or not merged.constants.isdisjoint(vs):
            for u, v in zip(us, vs):
                self._add_product(merged, factor, u, v)
            return
        batched = self.batched
        if any(map(batched.__getitem__, us)) or not all(map(batched.__getitem__, vs)):
            for u, v in zip(us, vs):
                self._add_pair(factor, *((u, v) if u <= v else (v, u)))
        else:
            self._factors((factor, False, True), us, vs)

    def _add_pair(self, factor: float, u: int, v: int) -> None:
        first, second = self.batched[u], self.batched[v]
        if first and not second:
            self._factors((factor, False, True), (v,), (u,))
        else:
            self._factors((factor, first, second), (u,), (v,))

    def _factors(self, kind: _Kind, us: Sequence[int], vs: Sequence[int]) -> None:
        """Add products of one kind."""
        lefts, rights = self.products.setdefault(kind, ([], []))
        lefts += us
        rights += vs

    def _add_product(self, merged: ScalarBuilder, factor: float, u: int, v: int) -> None:
        scale_u, scale_v = merged.numbers[u], merged.numbers[v]
        if scale_u is not None and scale_v is not None:
            self.constant += factor * (scale_u * scale_v)
        elif (scaled := self._scaled(merged, factor, u, v)) is not None:
            self.multiples[scaled[0]] += scaled[1]
        else:
            self._add_pair(factor, u, v)

    @property
    def is_worth_it(self) -> bool:
        """Whether the sum has more than two summands, for two of which plain operations are as good, or may belong to longer ones."""
        if self.begins_with_zero or any(first != second for _, first, second in self.products):
            return True
        return sum(len(us) for us, _ in self.products.values()) + len(self.multiples) + (self.constant != 0) > 2

    def operands(self) -> Iterable[int]:
        return chain(self.multiples, *chain.from_iterable(self.products.values()))

    def add_to(self, flat: ScalarBuilder, numbers: Sequence[int]) -> int:
        """Build the sum from a few parts in the order of a textbook: products of the example, fixed parts, and the rest."""
        if len(self.products) == 1 and not self.multiples and self.constant == 0:  # the usual case
            (kind,) = self.products
            if kind[0] == 1:
                return flat.dot(*(map(numbers.__getitem__, side) for side in self.products[kind]))
        fixed = self._products_in(flat, numbers, batched=False) + self._multiples_in(flat, numbers, batched=False)
        if self.constant != 0:
            fixed.append((1.0, flat.constant(self.constant)))
        between = [(1.0, self._sum(flat, fixed))] if fixed else []
        parts = self._products_in(flat, numbers, batched=True) + between + self._multiples_in(flat, numbers, batched=True)
        return self._sum(flat, parts) if parts else flat.constant(0.0)

    def _products_in(self, flat: ScalarBuilder, numbers: Sequence[int], batched: bool) -> list[tuple[float, int]]:
        """The sums of the products that do or do not depend on the example, each with its coefficient."""
        number = numbers.__getitem__
        factors = dict.fromkeys(factor for factor, *_ in self.products)
        chosen = [kind for factor in factors for kind in self.products if kind[0] == factor and kind[2] == batched]
        return [(kind[0], flat.dot(*(map(number, side) for side in self.products[kind]))) for kind in chosen]

    def _multiples_in(self, flat: ScalarBuilder, numbers: Sequence[int], batched: bool) -> list[tuple[float, int]]:
        by_factor: dict[float, list[int]] = defaultdict(list)
        for number, factor in self.multiples.items():
            nothing = factor == 0 and self.nodes[number][0] == PARAMETER  # an initial state of zeros does this
            if self.batched[number] == batched and not nothing:
                by_factor[factor].append(numbers[number])
        if len(by_factor) > 2:  # a sum with numbers for weights
            factors = [flat.constant(factor) for factor, members in by_factor.items() for _ in members]
            return [(1.0, flat.dot(factors, chain.from_iterable(by_factor.values())))]
        stays = self.begins_with_zero and not self.products and not self.constant and len(by_factor) == 1
        return [(factor, self._sum_of(flat, members, stays)) for factor, members in by_factor.items()]

    @staticmethod
    def _sum_of(flat: ScalarBuilder, members: list[int], stays: bool) -> int:
        if len(members) > 2 or stays:
            return flat.add(ops.total_, *sorted(members))
        return members[0] if len(members) == 1 else flat.add(ops.add, *members)

    @staticmethod
    def _sum(flat: ScalarBuilder, parts: list[tuple[float, int]]) -> int:
        """The sum of parts times their coefficients. The first part with a positive coefficient comes first."""
        first = next((part for part in parts if part[0] > 0), parts[0])
        total: int | None = None
        for factor, part in [first, *(each for each in parts if each is not first)]:
            size = factor if total is None else abs(factor)
            term = part if size == 1 else flat.add(ops.multiply, part, flat.constant(size))
            total = term if total is None else flat.add(ops.subtract if factor < 0 else ops.add, total, term)
        assert total is not None
        return total
