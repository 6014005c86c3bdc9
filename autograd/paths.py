"""The chain rule path by path: which products of local derivatives a gradient is the sum of, and which factor made it so.

A graph may have more paths than atoms in the universe, so none is walked to be counted: one pass over the nodes,
operands first, gives each node the number of its paths to the leaf, their sum, and the largest few.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from autograd.backward import adjoints, topological_order
from autograd.value import Value


@dataclass(frozen=True, slots=True, eq=False)  # a Value equals whatever has its number, so two factors are one only by identity
class Factor:
    """One local derivative: of a node by one of its operands, all the others held still."""

    node: Value
    index: int
    derivative: float

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
        return math.prod(factor.derivative for factor in self.factors)


@dataclass(frozen=True)
class ChainRule:
    """A derivative as a sum over paths: the largest ones first, the rest as a number. Prints as one would write it."""

    output: Value
    leaf: Value
    gradient: float
    count: int
    paths: tuple[Path, ...]

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

    def __str__(self) -> str:
        factors = [factor for path in self.paths for factor in path.factors]
        names = _names(self.output, self.leaf, factors)
        title = f"∂{names[self.output]}/∂{names[self.leaf]} = {_number(self.gradient)}"
        if not self.count:
            return f"{title}: no path leads from {names[self.leaf]} to {names[self.output]}"
        lines = [f"{title}: the sum over {_counted(self.count)}", ""]
        size = sum(abs(path.product) for path in self.paths) + abs(self.rest)
        rows = [(path.product, _product(path.factors, names)) for path in self.paths]
        if self.count > len(self.paths):
            rows.append((self.rest, f"all {_counted(self.count - len(self.paths))} more together"))
        for product, text in rows:
            share = f"{abs(product) / size:7.1%}" if size and math.isfinite(size) else "      -"
            lines.append(f"{product:+12.4g} {share}   {text}")
        return "\n".join(lines + _definitions(factors, names))

    __repr__ = __str__


@dataclass(frozen=True)
class Diagnosis:
    """What a gradient is, in a word, and the factors that made it so, the most telling first. Prints as an explanation."""

    verdict: str
    gradient: float
    causes: tuple[Factor, ...]
    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def chain_rule(output: Value, leaf: Value, most: int = 10) -> ChainRule:
    """The derivative of `output` by `leaf` as a sum over paths, the `most` largest in size one by one.

    Each path is a product of local derivatives, read from the table at the numbers of this moment. No `grad` is touched.

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
    return _Paths(output, leaf, most).chain_rule()


class _Paths:
    """The part of the output's graph that depends on the leaf, with its local derivatives, and what is known of the paths in it."""

    def __init__(self, output: Value, leaf: Value, most: int) -> None:
        for name, given in (("output", output), ("leaf", leaf)):
            if not isinstance(given, Value):
                raise TypeError(f"the {name} must be a Value of the graph, got {type(given).__name__} {given!r:.60}")
        self.output, self.leaf = output, leaf
        self.factors: dict[Value, list[Factor]] = {}
        for node in topological_order(output, within={leaf}):
            if node is leaf:
                self.factors[leaf] = []
            elif any(type(each) is not float and each in self.factors for each in node.operands):
                derivatives = enumerate(zip(node.operands, local_derivatives(node)))
                self.factors[node] = [Factor(node, i, d) for i, (operand, d) in derivatives if d is not None and operand in self.factors]
        self.gradient = self._sweep()
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
                _Tail(_join(_size(factor.derivative), tail.size), factor, rank)
                for factor in factors
                for rank, tail in enumerate(self.best[factor.operand])
            )
            self.best[node] = heapq.nlargest(most, tails, key=lambda tail: tail.size)
        self.count = counts.get(self.output, 0)

    def _sweep(self) -> float:
        """The derivative of the output by the leaf as `backward()` has it; nobody's `grad` changes."""
        return float(adjoints(list(self.factors), self.factors)[self.leaf]) if self.is_connected else 0.0

    def chain_rule(self) -> ChainRule:
        paths = tuple(self.path(rank) for rank in range(len(self.best.get(self.output, ()))))
        return ChainRule(self.output, self.leaf, self.gradient, self.count, paths)

    def path(self, rank: int) -> Path:
        """The path that is number `rank` by size, followed from the output to the leaf."""
        factors = []
        tail = self.best[self.output][rank]
        while tail.factor is not None:
            factors.append(tail.factor)
            tail = self.best[tail.factor.operand][tail.rank]
        return Path(tuple(factors))

    def reached(self) -> tuple[set[Value], list[Factor]]:
        """The nodes that the output's adjoint gets to, and the factors of 0 that stop it, the nearest to the output first."""
        reached, stops = {self.output}, []
        for node in reversed(self.factors):
            for factor in self.factors[node] if node in reached else ():
                if factor.derivative == 0:
                    stops.append(factor)
                else:
                    reached.add(factor.operand)
        return reached, stops


class _Tail(NamedTuple):
    """The beginning of a large path at some node: its first factor, and which of the next node's tails it goes on with."""

    size: float  # the logarithm of the product's absolute value, which neither overflows nor vanishes
    factor: Factor | None
    rank: int


def _size(derivative: float) -> float:
    if math.isnan(derivative):
        return math.inf  # what is undefined is what one looks for, so it comes first
    return math.log(abs(derivative)) if derivative else -math.inf


def _join(one: float, other: float) -> float:
    joined = one + other
    return math.inf if math.isnan(joined) else joined  # 0 * inf is undefined too


def local_derivatives(node: Value) -> list[float | None]:
    """The derivative of a node by each operand alone, None for constants: what the sweep would hand it for an adjoint of 1."""
    assert node.op is not None
    numbers = [each if isinstance(each, float) else each.data for each in node.operands]
    return [None if isinstance(each, float) else partial for each, partial in zip(node.operands, node.op.partials_at(node.data, numbers))]


# Why a gradient is what it is.

TINY, HUGE = 1e-6, 1e6  # where a gradient starts to call for an explanation


def why(leaf: Value, output: Value) -> Diagnosis:
    """Why the derivative of `output` by `leaf` is zero, not finite, tiny or huge: the operations responsible, in words.

    Names the source line of each where the graph was made under `anomaly()`.

    >>> x = Value(-2.0, label="x")
    >>> print(why(x, 3 * x.relu()))
    the gradient of output by x is 0: every path meets a factor of 0
      ∂v1/∂x = 0 at v1 = relu(x) = 0: this relu is off, as x = -2 is not above 0
    to learn the source lines, make the graph inside `with anomaly():`
    """
    paths = _Paths(output, leaf, most=2)
    verdict, reason, causes = _diagnose(paths)
    names = _names(output, leaf, causes)
    lines = [f"the gradient of {names[output]} by {names[leaf]} is {_number(paths.gradient)}: {reason}"]
    for cause in causes[:5]:
        line = f" ({cause.node.line})" if cause.node.line else ""
        derivative = f"∂{names[cause.node]}/∂{names[cause.operand]} = {_number(cause.derivative)}"
        lines.append(f"  {derivative} at {_definition(cause.node, names)}: {_explanation(cause, names)}{line}")
    if len(causes) > 5:
        lines.append(f"  and {len(causes) - 5} more like these")
    if causes and not any(cause.node.line for cause in causes):
        lines.append("to learn the source lines, make the graph inside `with anomaly():`")
    return Diagnosis(verdict, paths.gradient, tuple(causes), "\n".join(lines))


def _diagnose(paths: _Paths) -> tuple[str, str, list[Factor]]:
    """The verdict, the reason in words, and the factors responsible."""
    gradient = paths.gradient
    if not paths.is_connected:
        return "unconnected", "the output was computed without it", []
    if not math.isfinite(gradient):
        verdict = "nan" if math.isnan(gradient) else "infinite"
        every = [factor for node in reversed(paths.factors) for factor in paths.factors[node]]
        if broken := [factor for factor in reversed(every) if not math.isfinite(factor.node.data) and math.isfinite(factor.operand.data)]:
            return verdict, "a value on the way is not finite", broken[:1]
        if wild := [factor for factor in every if not math.isfinite(factor.derivative)]:
            zero = any(factor.derivative == 0 for factor in every)
            return verdict, "a factor is not finite" + (", and meets one of 0" if math.isnan(gradient) and zero else ""), wild[:1]
        return verdict, "the product of these and other factors is beyond the largest number", _extremes(paths, 1)
    if gradient == 0:
        reached, stops = paths.reached()
        if paths.leaf not in reached:
            return "zero", "every path meets a factor of 0", stops
        if paths.path(0).product == 0:
            return "zero", "the product of these and other factors is below the smallest number", _extremes(paths, -1)
        return "cancelled", f"{_counted(paths.count)} cancel, each alone up to {_number(abs(paths.path(0).product))}", []
    largest = abs(paths.path(0).product)
    if abs(gradient) < TINY:
        if largest > 1e3 * abs(gradient):
            return "cancelled", f"{_counted(paths.count)} almost cancel, each alone up to {_number(largest)}", []
        return "tiny", "small factors multiply along the largest path", _extremes(paths, -1)
    if abs(gradient) > HUGE:
        if largest < abs(gradient) / 10:
            return "huge", f"{_counted(paths.count)} add up, each alone at most {_number(largest)}", []
        return "huge", "large factors multiply along the largest path", _extremes(paths, 1)
    return "ordinary", f"nothing strange: {_counted(paths.count)}, the largest gives {_number(paths.path(0).product)}", []


def _extremes(paths: _Paths, side: int) -> list[Factor]:
    """The factors of the largest path that make it large (side 1) or small (side -1): the strongest, and those comparable to it."""
    sizes = {factor: side * _size(factor.derivative) for factor in paths.path(0).factors}
    telling = [factor for factor, size in sizes.items() if size > 0 and size >= max(sizes.values()) / 4]
    return sorted(telling, key=lambda factor: -sizes[factor])


def _explanation(cause: Factor, names: Mapping[Value, str]) -> str:
    """What about an operation made its local derivative, in words for the operations where one can say."""
    op, operands = cause.node.op, cause.node.operands
    assert op is not None  # a leaf has no factors
    numbers = [each if isinstance(each, float) else each.data for each in operands]
    own = f"{names[cause.operand]} = {_number(numbers[cause.index])}"
    other = _number(numbers[1 - cause.index]) if len(numbers) == 2 else ""
    match op.name:
        case "relu":
            return f"this relu is off, as {own} is not above 0"
        case "sigmoid" | "tanh" | "erf" | "softplus" | "logistic_pdf" | "sech_squared" if abs(cause.derivative) < 0.01:
            return f"this {op.name} is saturated, with {own} far from where it is steep"
        case "divide" if cause.index == 1 or abs(numbers[1]) < 1:
            return (
                f"a division by {_number(numbers[1])}, almost nothing" if abs(numbers[1]) < 1e-3 else f"a division by {_number(numbers[1])}"
            )
        case "divide":
            return f"a division by {other}"
        case "multiply":
            return f"it is multiplied by {other}"
        case "weighted_sum":
            half = len(numbers) // 2
            return (
                f"it is multiplied by {_number(numbers[(cause.index + half) % (2 * half)])}" if cause.index < 2 * half else "it is the bias"
            )
        case "log" | "sqrt" | "log1p":
            return f"{op.name} is steep or undefined at {own}, close to the end of its domain"
        case "exp" | "expm1" | "sinh" | "cosh":
            return f"{op.name} of {own} grows as fast as it is large" if cause.derivative > 1 else f"{op.name} is flat at {own}"
        case "power":
            return f"the power is {_number(numbers[0])} to the {_number(numbers[1])}"
        case "maximum" | "minimum" | "fmin":
            return f"the {op.name} is the other operand, {other}"
        case "where":
            return "the condition has no derivative" if cause.index == 0 else "the condition chose the other operand"
        case "sign" | "less" | "less_equal" | "greater" | "greater_equal" | "equal" | "not_equal":
            return f"{op.name} is flat: its derivative is 0 wherever it has one"
    return f"that is what the rule of {op.name} gives at {own}"


# Words.


def _names(output: Value, leaf: Value, factors: Iterable[Factor]) -> dict[Value, str]:
    """A name for each node on the way: its label, numbered where another has it too, or v1, v2, ... from the output on."""
    nodes = dict.fromkeys([output, *(each for factor in factors for each in (factor.node, factor.operand)), leaf])
    names: dict[Value, str] = {}
    taken: Counter[str] = Counter()
    unnamed = 0
    for node in nodes:
        name = str(node.label) or ("output" if node is output else "leaf" if node is leaf else "")
        if not name:
            unnamed += 1
            name = f"v{unnamed}"
        taken[name] += 1
        names[node] = name if taken[name] == 1 else f"{name}#{taken[name]}"
    return names


LONG = 12  # factors in one product that a person reads


def _product(factors: Sequence[Factor], names: Mapping[Value, str]) -> str:
    """`∂y/∂v1 · ∂v1/∂x = 2 · 3`; of a long one the two ends, with what is between them multiplied out."""
    if not factors:
        return "the output itself"
    symbols = [f"∂{names[each.node]}/∂{names[each.operand]}" for each in factors]
    numbers = [_number(each.derivative) for each in factors]
    if len(factors) > LONG:
        middle = math.prod(each.derivative for each in factors[4:-3])
        symbols[4:-3] = ["..."]
        numbers[4:-3] = [f"({len(factors) - 7} factors: {_number(middle)})"]
    return f"{' · '.join(symbols)} = {' · '.join(numbers)}"


def _definitions(factors: Sequence[Factor], names: Mapping[Value, str]) -> list[str]:
    """What the names in `_product` stand for, a line each."""
    nodes = list(dict.fromkeys(factor.node for factor in factors))
    shown = sorted(nodes, key=list(names).index) if len(nodes) <= 40 else nodes[:20]
    width = max((len(names[node]) for node in shown), default=0)
    lines = [f"{'where' if not i else '     '} {_definition(node, names, width)}" for i, node in enumerate(shown)]
    if len(nodes) > len(shown):
        lines.append(f"      and {len(nodes) - len(shown)} more")
    return ["", *lines] if lines else []


def _definition(node: Value, names: Mapping[Value, str], width: int = 0) -> str:
    """`v1 = x * 2 = 6`, with numbers for what has no name."""
    assert node.op is not None  # only what was computed has a definition
    operands = [_number(each) if isinstance(each, float) else names.get(each) or _labelled(each) for each in node.operands]
    return f"{names[node]:{width}} = {node.op.describe(operands)} = {_number(node.data)}"


def _labelled(node: Value) -> str:
    """The number, behind the label where that is short."""
    return f"{node.label}={_number(node.data)}" if 0 < len(node.label) <= 8 else _number(node.data)


def _number(number: float) -> str:
    return f"{number:.4g}"


def _counted(paths: int) -> str:
    """`1 path`, `2,000 paths`, `about 10^31 paths`."""
    if paths == 1:
        return "1 path"
    return f"{paths:,} paths" if paths < 10**12 else f"about 10^{int((paths.bit_length() - 1) * math.log10(2))} paths"
