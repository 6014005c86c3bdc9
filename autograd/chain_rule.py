"""The chain rule path by path: which products of local derivatives a gradient is the sum of.

A graph may have more paths than atoms in the universe, so none is walked to be counted: one pass over the nodes,
operands first, gives each node the number of its paths to the leaf, their sum, and the largest few.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from autograd.backward import adjoints, check_numbers, topological_order
from autograd.names import ModelNames, Names, model_names, number
from autograd.value import Value


@dataclass(frozen=True, slots=True, eq=False)  # a Value equals whatever has its number, so two factors are one only by identity
class Factor:
    """One local derivative: of a node by one of its operands, all the others held still."""

    node: Value
    index: int
    derivative: float

    @property
    def is_choice(self) -> bool:
        """Whether the node chose another operand, so that nothing is passed on to this one, whatever comes behind it."""
        return self.node.op is not None and not self.node.op.passes_on(self.index, self.derivative)

    @property
    def operand(self) -> Value:
        operand = self.node.operands[self.index]
        assert isinstance(operand, Value)  # constants have no factor
        return operand


@dataclass(frozen=True)
class Path:
    """One way from the output, first factor, back to the leaf, last factor."""

    factors: tuple[Factor, ...]

    @property
    def product(self) -> float:
        return 0.0 if any(factor.is_choice for factor in self.factors) else math.prod(factor.derivative for factor in self.factors)

    @property
    def is_stopped(self) -> bool:
        """Whether the product is 0 by a factor of 0, not by many small ones."""
        return self.product == 0 and any(factor.derivative == 0 for factor in self.factors)


@dataclass(frozen=True)
class ChainRule:
    """A derivative as a sum over paths: the largest ones first, the rest as a number. Prints as one would write it."""

    output: Value
    leaf: Value
    gradient: float
    count: int
    paths: tuple[Path, ...]
    stops: tuple[Factor, ...]  # where every path meets a factor of 0: such factors
    model: ModelNames

    @property
    def rest(self) -> float:
        """What the paths that are not among `paths` add up to."""
        return self.gradient - sum(path.product for path in self.paths) if self.count > len(self.paths) else 0.0

    @property
    def edges(self) -> frozenset[tuple[Value, int]]:
        """The edges on `paths`, each as a node and the index of the operand."""
        return frozenset((factor.node, factor.index) for path in self.paths for factor in path.factors)

    @property
    def nodes(self) -> frozenset[Value]:
        """The nodes on `paths`, both ends included."""
        return frozenset({self.output, self.leaf} | {factor.operand for path in self.paths for factor in path.factors})

    def named_paths(self) -> list[list[tuple[str, float]]]:
        """Each of `paths` as its factors: the name of a local derivative, `∂y/∂v1`, and its number."""
        names = Names(self.output, self.leaf, along(factor for path in self.paths for factor in path.factors), self.model)
        return [[(names.derivative(each.node, each.operand), each.derivative) for each in path.factors] for path in self.paths]

    def __str__(self) -> str:
        if not self.count:
            names = Names(self.output, self.leaf, [], self.model)
            missing = f"no path leads from {names[self.leaf]} to {names[self.output]}"
            return f"{self._title(names)}: {missing}{turned(self.output, self.leaf, names)}"
        if self.stops:
            names = Names(self.output, self.leaf, along(self.stops), self.model)
            return "\n".join([f"{self._title(names)}: {self._stopped(names)}", *_definitions(self.stops, self.leaf, names)])
        going = [path for path in self.paths if not path.is_stopped]
        way = [factor for path in going for factor in path.factors]
        names = Names(self.output, self.leaf, along(way), self.model)
        size = sum(abs(path.product) for path in going) + abs(self.rest)
        rows = [(path.product, _product(path.factors, names)) for path in going]
        if self.count > len(going):
            stopped = len(going) < len(self.paths)  # then so are all those that are not listed, as the largest come first
            more = counted(self.count - len(going))
            rows.append((0.0, f"{more} with a factor of 0") if stopped else (self.rest, f"all {more} more together"))
        lines = [f"{self._title(names)}: the sum over {counted(self.count)}", ""]
        for product, text in rows:
            share = f"{abs(product) / size:7.1%}" if size and math.isfinite(size) else "      -"
            lines.append(f"{product + 0.0:+12.4g} {share}   {text}")
        return "\n".join(lines + _definitions(way, self.leaf, names))

    __repr__ = __str__

    def _title(self, names: Names) -> str:
        return f"∂{names[self.output]}/∂{names[self.leaf]} = {number(self.gradient)}"

    def _stopped(self, names: Names) -> str:
        """Which factors of 0 stop every path, in words."""
        factors = [names.derivative(factor.node, factor.operand) for factor in self.stops]
        if len(factors) > FEW:
            factors[FEW - 1 :] = [f"{len(factors) - FEW + 1} more like these"]
        who = "the only path has" if self.count == 1 else f"all {counted(self.count)} have"
        return f"{who} the factor {factors[0]} = 0" if len(factors) == 1 else f"{who} a factor of 0, one of {', '.join(factors)}"


def chain_rule(output: Value, leaf: Value, most: int = 10, model: object = None) -> ChainRule:
    """The derivative of `output` by `leaf` as a sum over paths, the `most` largest in size one by one.

    Each path is a product of local derivatives, read from the table at the numbers of the graph. No `grad` is touched. Raises
    ValueError where a leaf's data was assigned after the graph was made.
    A `model`, anything with `named_parameters()`, gives its names to parameters and neurons: `w[0,3,2]`, `z[0,3]`, `a[0,3]`.

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 2 * x
    >>> y.label = "y"
    >>> print(chain_rule(y, x))
    ∂y/∂x = 8: the sum over 3 paths
    <BLANKLINE>
              +3   37.5%   ∂y/∂v1 · ∂v1/∂x = 1 · 3
              +3   37.5%   ∂y/∂v1 · ∂v1/∂x = 1 · 3
              +2   25.0%   ∂y/∂v2 · ∂v2/∂x = 1 · 2
    <BLANKLINE>
    where y  = v1 + v2 = 15
          v1 = x * x = 9
          v2 = 2 * x = 6
    """
    if most < 1:
        raise ValueError(f"most={most} must be at least 1: how many paths to show one by one")
    paths = Paths(output, leaf, most)
    stops = tuple(paths.stops()) if paths.gradient == 0 else ()
    return ChainRule(output, leaf, paths.gradient, paths.count, paths.largest(), stops, model_names(output, model))


class Paths:
    """The part of the output's graph that depends on the leaf, with its local derivatives, and what is known of the paths in it."""

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
        """Count each node's paths to the leaf and find its largest ones, from those of its operands."""
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
        """The path that is number `rank` by size, followed from the output to the leaf."""
        factors = []
        tail = self.best[self.output][rank]
        while tail.factor is not None:
            factors.append(tail.factor)
            tail = self.best[tail.factor.operand][tail.rank]
        return Path(tuple(factors))

    def stops(self) -> list[Factor]:
        """Factors of 0, one of which every path meets: the first from the output on, or from the leaf where those are fewer.

        Empty where some path meets none.
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
    """The beginning of a large path at some node: its first factor, and which of the next node's tails it goes on with."""

    size: float  # the logarithm of the product's absolute value, which neither overflows nor vanishes
    factor: Factor | None
    rank: int


def log_size(derivative: float) -> float:
    if math.isnan(derivative):
        return math.inf  # what is undefined is what one looks for, so it comes first
    return math.log(abs(derivative)) if derivative else -math.inf


def _join(one: float, other: float) -> float:
    joined = one + other
    return math.inf if math.isnan(joined) else joined  # 0 * inf is undefined too


def local_derivatives(node: Value, needed: Sequence[bool]) -> list[float]:
    """The derivative of a node by each operand that is needed, alone: what the sweep would hand it for an adjoint of 1."""
    assert node.op is not None
    return node.op.partials_at(node.data, [each if isinstance(each, float) else each.data for each in node.operands], needed)


# Words.


def along(factors: Iterable[Factor]) -> list[Value]:
    """The nodes that factors lead from and to."""
    return [node for factor in factors for node in (factor.node, factor.operand)]


def turned(output: Value, leaf: Value, names: Names) -> str:
    """A question to whoever seems to have given leaf and output for each other; empty where no path leads that way either."""
    if output not in set(topological_order(leaf)):
        return ""
    return f", but {names[leaf]} was computed from {names[output]}: you have them the other way round? First the output, then the leaf"


LONG = 12  # factors in one product that a person reads
FEW = 5  # factors in one sentence


def _product(factors: Sequence[Factor], names: Names) -> str:
    """`∂y/∂v1 · ∂v1/∂x = 2 · 3`; of a long one the two ends, with what is between them multiplied out."""
    if not factors:
        return "the output itself"
    symbols = [names.derivative(each.node, each.operand) for each in factors]
    numbers = [number(each.derivative) for each in factors]
    if len(factors) > LONG:
        middle = math.prod(each.derivative for each in factors[4:-3])
        symbols[4:-3] = ["..."]
        numbers[4:-3] = [f"({len(factors) - 7} factors: {number(middle)})"]
    return f"{' · '.join(symbols)} = {' · '.join(numbers)}"


def _definitions(factors: Sequence[Factor], leaf: Value, names: Names) -> list[str]:
    """What the names in `_product` stand for, a line each, and last what the model calls the leaf."""
    nodes = sorted(dict.fromkeys(factor.node for factor in factors), key=names.rank)
    shown = nodes if len(nodes) <= 40 else nodes[:20]
    ends = [leaf] if names.full(leaf) else []
    width = max((len(names[node]) for node in (*shown, *ends)), default=0)
    lines = [names.define(node, width) for node in shown]
    if len(nodes) > len(shown):
        lines.append(f"and {len(nodes) - len(shown)} more")
    lines += [f"{names[node]:{width}} = {names.full(node)} = {number(node.data)}" for node in ends]
    return ["", *[f"{'     ' if index else 'where'} {line}" for index, line in enumerate(lines)]] if lines else []


def counted(paths: int) -> str:
    """`1 path`, `2,000 paths`, `about 10^31 paths`."""
    if paths == 1:
        return "1 path"
    return f"{paths:,} paths" if paths < 10**12 else f"about 10^{int((paths.bit_length() - 1) * math.log10(2))} paths"
