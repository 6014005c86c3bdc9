"""The paths from an output of a graph back to a leaf, with the local derivatives along them.

A graph may have more paths than atoms in the universe, so they are not enumerated. One pass over the nodes, operands first, gives for
each node the number of its paths to the leaf, the sum of their products, and the largest few.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from autograd.backward import adjoints, check_numbers, topological_order
from autograd.names import Names
from autograd.value import Value


@dataclass(frozen=True, slots=True, eq=False)  # Values compare by number, so factors compare by identity
class Factor:
    """One local derivative: of a node by one of its operands, with the other operands constant."""

    node: Value
    index: int
    derivative: float

    @property
    def is_choice(self) -> bool:
        """Whether the node chose another operand, so that the gradient does not flow into this one."""
        return self.node.op is not None and not self.node.op.passes_on(self.index, self.derivative)

    @property
    def operand(self) -> Value:
        operand = self.node.operands[self.index]
        assert isinstance(operand, Value)  # constants have no factor
        return operand


@dataclass(frozen=True)
class Path:
    """One path from the output (first factor) to the leaf (last factor)."""

    factors: tuple[Factor, ...]

    @property
    def product(self) -> float:
        return 0.0 if any(factor.is_choice for factor in self.factors) else math.prod(factor.derivative for factor in self.factors)

    @property
    def is_stopped(self) -> bool:
        """Whether the product is 0 because of a factor of 0, and not because many small factors underflow."""
        return self.product == 0 and any(factor.derivative == 0 for factor in self.factors)


class Paths:
    """The nodes of the output's graph that depend on the leaf, their local derivatives, and the paths through them."""

    def __init__(self, output: Value, leaf: Value, most: int) -> None:
        for name, given in (("output", output), ("leaf", leaf)):
            if not isinstance(given, Value):
                raise TypeError(f"the {name} must be a Value of the graph, got {type(given).__name__} {given!r:.60}")
        check_numbers(topological_order(output))
        self.output, self.leaf = output, leaf
        self.factors: dict[Value, list[Factor]] = {}
        for node in topological_order(output, within={leaf}):
            needed = [type(each) is not float and each in self.factors for each in node.operands]
            if node is leaf:
                self.factors[leaf] = []
            elif any(needed):
                partials = enumerate(zip(needed, local_derivatives(node, needed)))
                self.factors[node] = [Factor(node, index, partial) for index, (need, partial) in partials if need]
        self.adjoints = adjoints(list(self.factors), self.factors) if self.is_connected else {}
        self.gradient = float(self.adjoints.get(leaf, 0.0))
        self._sum(most)

    @property
    def is_connected(self) -> bool:
        return self.output in self.factors

    def _sum(self, most: int) -> None:
        """Count each node's paths to the leaf and find the largest ones, from those of its operands."""
        counts: dict[Value, int] = {}
        self.best: dict[Value, list[_Tail]] = {}
        for node, factors in self.factors.items():
            if node is self.leaf:
                counts[node], self.best[node] = 1, [_Tail(0.0, None, 0)]
                continue
            counts[node] = sum(counts[factor.operand] for factor in factors)
            tails = (
                _Tail(-math.inf if factor.is_choice else _join(log_size(factor.derivative), tail.size), factor, rank)
                for factor in factors
                for rank, tail in enumerate(self.best[factor.operand])
            )
            self.best[node] = heapq.nlargest(most, tails, key=lambda tail: tail.size)
        self.count = counts.get(self.output, 0)

    def largest(self) -> tuple[Path, ...]:
        """The largest paths, in order."""
        return tuple(self.path(rank) for rank in range(len(self.best.get(self.output, ()))))

    def path(self, rank: int) -> Path:
        """The path with this rank by size, from the output to the leaf."""
        factors = []
        tail = self.best[self.output][rank]
        while tail.factor is not None:
            factors.append(tail.factor)
            tail = self.best[tail.factor.operand][tail.rank]
        return Path(tuple(factors))

    def stops(self) -> list[Factor]:
        """Factors of 0 such that every path contains one: the nearest to the output, or to the leaf if those are fewer.

        Empty if some path contains no factor of 0.
        """
        from_output, first = {self.output}, []
        for node in reversed(self.factors):
            for factor in self.factors[node] if node in from_output else ():
                if factor.derivative == 0:
                    first.append(factor)
                else:
                    from_output.add(factor.operand)
        if self.leaf in from_output:
            return []
        from_leaf, last = {self.leaf}, []
        for node, factors in self.factors.items():
            for factor in factors:
                if factor.operand in from_leaf and factor.derivative == 0:
                    last.append(factor)
                elif factor.operand in from_leaf:
                    from_leaf.add(node)
        return first if len(first) <= len(last) else last


class _Tail(NamedTuple):
    """A large path from some node: its first factor, and the rank of the rest among the next node's tails."""

    size: float  # the logarithm of the product's absolute value, which neither overflows nor vanishes
    factor: Factor | None
    rank: int


def log_size(derivative: float) -> float:
    if math.isnan(derivative):
        return math.inf  # undefined factors come first, because they explain the gradient
    return math.log(abs(derivative)) if derivative else -math.inf


def _join(one: float, other: float) -> float:
    joined = one + other
    return math.inf if math.isnan(joined) else joined  # 0 * inf is undefined too


def local_derivatives(node: Value, needed: Sequence[bool]) -> list[float]:
    """The partial derivatives of a node by the operands that are needed."""
    assert node.op is not None
    return node.op.partials_at(node.data, [each if isinstance(each, float) else each.data for each in node.operands], needed)


def along(factors: Iterable[Factor]) -> list[Value]:
    """The nodes that factors lead from and to."""
    return [node for factor in factors for node in (factor.node, factor.operand)]


def turned(output: Value, leaf: Value, names: Names) -> str:
    """A hint if output and leaf may be swapped, because the leaf depends on the output; else empty."""
    if output not in set(topological_order(leaf)):
        return ""
    return f", but {names[leaf]} was computed from {names[output]}: pass the output first, then the leaf"


def counted(paths: int) -> str:
    """`1 path`, `2,000 paths`, `about 10^31 paths`."""
    if paths == 1:
        return "1 path"
    return f"{paths:,} paths" if paths < 10**12 else f"about 10^{int((paths.bit_length() - 1) * math.log10(2))} paths"
