"""The chain rule path by path: which products of local derivatives a gradient is the sum of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from autograd.names import ModelNames, Names, model_names, number
from autograd.paths import Factor, Path, Paths, along, counted, turned
from autograd.value import Value
from autograd.why import Diagnosis, diagnose


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
    _paths: Paths = field(repr=False, compare=False)

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

    def why(self) -> Diagnosis:
        """Why the derivative is zero, not finite, tiny or huge, as `why` says it, without a second walk of the graph."""
        return diagnose(self._paths, self.model)

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
    return ChainRule(output, leaf, paths.gradient, paths.count, paths.largest(), stops, model_names(output, model), paths)


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
