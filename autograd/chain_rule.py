"""The chain rule path by path: a gradient as the sum of products of local derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from autograd._support import check_whole, html_table, html_text
from autograd.names import ModelNames, Names, model_names, number
from autograd.paths import Factor, Path, Paths, along, counted, turned
from autograd.value import Value
from autograd.why import Diagnosis, diagnose


@dataclass(frozen=True)
class ChainRule:
    """A derivative as a sum over paths. Prints as a formula with numbers.

    Attributes
    ----------
    output, leaf : Value
        The derivative is that of `output` by `leaf`.
    gradient : float
        The derivative.
    count : int
        The number of paths.
    paths : tuple of Path
        The largest paths, in descending order of size.
    stops : tuple of Factor
        If every path contains a factor of 0: those factors.
    model : ModelNames
        The names that the model gives to nodes.
    """

    output: Value
    leaf: Value
    gradient: float
    count: int
    paths: tuple[Path, ...]
    stops: tuple[Factor, ...]
    model: ModelNames
    _paths: Paths = field(repr=False, compare=False)

    @property
    def rest(self) -> float:
        """The sum of the paths that are not in `paths`."""
        return self.gradient - sum(path.product for path in self.paths) if self.count > len(self.paths) else 0.0

    @property
    def edges(self) -> frozenset[tuple[Value, int]]:
        """The edges on `paths`: pairs of a node and the index of an operand."""
        return frozenset((factor.node, factor.index) for path in self.paths for factor in path.factors)

    @property
    def nodes(self) -> frozenset[Value]:
        """The nodes on `paths`, including both ends."""
        return frozenset({self.output, self.leaf} | {factor.operand for path in self.paths for factor in path.factors})

    def named_paths(self) -> list[list[tuple[str, float]]]:
        """For each of `paths`, its factors as pairs: the name of a local derivative, `∂y/∂v1`, and its value."""
        names = Names(self.output, self.leaf, along(factor for path in self.paths for factor in path.factors), self.model)
        return [[(names.derivative(each.node, each.operand), each.derivative) for each in path.factors] for path in self.paths]

    def why(self) -> Diagnosis:
        """The diagnosis that `why(output, leaf, model)` returns, without a second walk of the graph."""
        return diagnose(self._paths, self.model)

    def __str__(self) -> str:
        if not self.count:
            names = Names(self.output, self.leaf, [], self.model)
            missing = f"no path leads from {names[self.leaf]} to {names[self.output]}"
            return f"{self._title(names)}: {missing}{turned(self.output, self.leaf, names)}"
        if self.stops:
            names = Names(self.output, self.leaf, along(self.stops), self.model)
            return "\n".join([f"{self._title(names)}: {self._stopped(names)}", *_definitions(self.stops, self.leaf, names)])
        title, rows, definitions = self._table()
        return "\n".join([title, "", *(f"{product:>12} {share:>7}   {text}" for product, share, text in rows), *definitions])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if not self.count or self.stops:
            return html_text(str(self))
        title, rows, definitions = self._table()
        return html_table(["product", "share", "factors"], rows, title) + html_text("\n".join(definitions).strip("\n"))

    def _table(self) -> tuple[str, list[tuple[str, str, str]], list[str]]:
        """The title, the rows and the definitions of the names in them."""
        going = [path for path in self.paths if not path.is_stopped]
        way = [factor for path in going for factor in path.factors]
        names = Names(self.output, self.leaf, along(way), self.model)
        title = f"{self._title(names)}: the sum over {counted(self.count)}"
        return title, self._rows(going, names), _definitions(way, self.leaf, names)

    def _rows(self, going: Sequence[Path], names: Names) -> list[tuple[str, str, str]]:
        """For each path its product, its share of the sum of absolute values, and its factors; then the paths that are not listed."""
        size = sum(abs(path.product) for path in going) + abs(self.rest)
        rows = [(path.product, _product(path.factors, names)) for path in going]
        if self.count > len(going):
            stopped = len(going) < len(self.paths)  # the paths that are not listed are smaller, so they are 0 too
            more = counted(self.count - len(going))
            rows.append((0.0, f"{more} with a factor of 0") if stopped else (self.rest, f"all {more} more together"))
        shares = [f"{abs(product) / size:.1%}" if size and math.isfinite(size) else "-" for product, _ in rows]
        return [(f"{product + 0.0:+.4g}", share, text) for (product, text), share in zip(rows, shares)]

    def _title(self, names: Names) -> str:
        return f"∂{names[self.output]}/∂{names[self.leaf]} = {number(self.gradient)}"

    def _stopped(self, names: Names) -> str:
        """A sentence that names the factors of 0 on every path."""
        factors = [names.derivative(factor.node, factor.operand) for factor in self.stops]
        if len(factors) > FEW:
            factors[FEW - 1 :] = [f"{len(factors) - FEW + 1} more like these"]
        who = "the only path has" if self.count == 1 else f"all {counted(self.count)} have"
        return f"{who} the factor {factors[0]} = 0" if len(factors) == 1 else f"{who} a factor of 0, one of {', '.join(factors)}"


def chain_rule(output: Value, leaf: Value, most: int = 10, model: object = None) -> ChainRule:
    """Write the derivative of `output` by `leaf` as a sum over the paths between them.

    Each path is a product of local derivatives at the numbers of the graph. No `grad` changes.

    Parameters
    ----------
    output : Value
        The result to differentiate.
    leaf : Value
        The node to differentiate by, of the graph of `output`.
    most : int, default 10
        The number of paths to list. The other paths are summed.
    model : object, optional
        A model with `named_parameters()`. It names the parameters and neurons: `w[0,3,2]`, `z[0,3]`, `a[0,3]`.

    Returns
    -------
    ChainRule
        The gradient, the number of paths, and the largest paths. Print it to read it.

    Raises
    ------
    TypeError
        If `output` or `leaf` is not a Value, or `model` has no `named_parameters()`.
    ValueError
        If `most` is less than 1, or a leaf's `data` was assigned after the graph was made.

    Examples
    --------
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
    paths = Paths(output, leaf, check_whole("most", most, meaning="the number of paths to list"))
    stops = tuple(paths.stops()) if paths.gradient == 0 else ()
    return ChainRule(output, leaf, paths.gradient, paths.count, paths.largest(), stops, model_names(output, model), paths)


LONG = 12  # factors in a product that is written out
FEW = 5  # factors in a sentence


def _product(factors: Sequence[Factor], names: Names) -> str:
    """`∂y/∂v1 · ∂v1/∂x = 2 · 3`. The middle of a long product is multiplied."""
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
    """The definitions of the names in `_product`, one per line, and the model's full name of the leaf."""
    nodes = sorted(dict.fromkeys(factor.node for factor in factors), key=names.rank)
    shown = nodes if len(nodes) <= 40 else nodes[:20]
    ends = [leaf] if names.full(leaf) else []
    width = max((len(names[node]) for node in (*shown, *ends)), default=0)
    lines = [names.define(node, width) for node in shown]
    if len(nodes) > len(shown):
        lines.append(f"and {len(nodes) - len(shown)} more")
    lines += [f"{names[node]:{width}} = {names.full(node)} = {number(node.data)}" for node in ends]
    return ["", *[f"{'     ' if index else 'where'} {line}" for index, line in enumerate(lines)]] if lines else []
