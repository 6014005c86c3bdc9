"""The chain rule in a network: the paths from a weight to the cost, and what they say about its gradient.

A path has one factor for the cost, and for each neuron on it its slope and the weight or input before it. So one symbol has one value,
whatever operations the activation or the cost consists of.
"""

from __future__ import annotations

import math
from heapq import nlargest
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nn.explain import NeuronAnatomy
    from playground.numbers import Numbers

TINY, HUGE = 1e-6, 1e6  # beyond these sizes a gradient needs an explanation


class Path(NamedTuple):
    """The product of the derivatives along a path, and the derivatives by their names, from the cost to the weight."""

    product: float
    factors: tuple[tuple[str, float], ...]

    def then(self, name: str, derivative: float) -> Path:
        return Path(self.product * derivative, (*self.factors, (name, derivative)))


class Paths:
    """All paths from a weight to the cost of one example, or from a bias if `place` is None. `largest` are the `most` largest.

    `gradient` is the derivative of the cost with respect to the weight; `rest` is the part of it that is not in `largest`.
    """

    def __init__(self, found: Numbers, layer: int, neuron: int, place: int | None, gradient: float, most: int) -> None:
        self.here, self.after, self.outputs = found[layer, neuron], found.layers[layer + 1 :], found.layers[-1]
        self.input = 1.0 if place is None else self.here.inputs[place]
        self.what = "bias" if place is None else "weight"
        self.count = math.prod(map(len, self.after))
        leaf = f"b[{layer},{neuron}]" if place is None else f"w[{layer},{neuron},{place}]"
        last = len(found.layers) - 1
        best = [[Path(each.asked, ((f"∂C/∂a[{last},{each.index}]", each.asked),))] for each in found.layers[last]]
        for depth in range(last, layer, -1):
            sums = [[path.then(*_slope(depth, each)) for path in best[each.index]] for each in found.layers[depth]]
            inputs = [neuron] if depth == layer + 1 else range(len(found.layers[depth - 1]))
            best = [nlargest(most, _through(depth, index, found.layers[depth], sums), key=_size) for index in inputs]
        ends = best[0] if self.after else best[neuron]
        self.largest = [path.then(*_slope(layer, self.here)).then(f"∂z[{layer},{neuron}]/∂{leaf}", self.input) for path in ends]
        self.gradient = gradient
        self.rest = self.gradient - math.fsum(path.product for path in self.largest) if len(self.largest) < self.count else 0.0

    def counted(self) -> str:
        return f"{self.count:,} path{'' if self.count == 1 else 's'}"

    def why(self, input_name: str | None) -> dict[str, Any]:
        """Why the gradient is 0, not finite, tiny, huge or ordinary: a verdict and a text."""
        verdict, reason = self._verdict(input_name)
        return {
            "verdict": verdict,
            "text": f"For this example, the gradient with respect to this {self.what} is {self.gradient + 0.0:.4g}: {reason}.",
        }

    def _verdict(self, input_name: str | None) -> tuple[str, str]:
        gradient, largest = self.gradient, abs(self.largest[0].product)
        if not math.isfinite(gradient):
            wild = [name for name, each in self.largest[0].factors if not math.isfinite(each)]
            return "nan" if math.isnan(gradient) else "infinite", f"{wild[0] if wild else 'the product of the factors'} is not finite"
        if gradient == 0:
            if largest == 0:
                return "zero", self._zero(input_name)
            return "cancelled", f"its {self.counted()} cancel, each up to {largest:.4g}"
        if abs(gradient) < TINY:
            if largest > 1e3 * abs(gradient):
                return "cancelled", f"its {self.counted()} almost cancel, each up to {largest:.4g}"
            return "tiny", f"small factors multiply along its largest path, such as {self._extreme(1)}"
        if abs(gradient) > HUGE:
            return "huge", f"large factors multiply along its {self.counted()}, such as {self._extreme(-1)}"
        which = "its only path" if self.count == 1 else f"the largest of its {self.counted()}"
        return "ordinary", f"nothing unusual; {which} gives {self.largest[0].product:.4g}"

    def _zero(self, input_name: str | None) -> str:
        """Which factors of 0 stop all paths."""
        if all(each.asked == 0 for each in self.outputs):
            return "the cost does not change with the outputs here"
        if self.input == 0:
            return f"its input {input_name} is 0"
        if self.here.slope == 0:
            return f"its neuron is flat here, the slope of the activation is 0 at z = {self.here.weighted_sum:.4g}"
        flat = [f"a[{each.layer},{each.index}]" for layer in self.after for each in layer if each.slope == 0]
        if flat:
            more = f" and {len(flat) - 5} more" if len(flat) > 5 else ""
            return f"each path passes a neuron whose slope is 0, {', '.join(flat[:5])}{more}, or a weight of 0"
        return "each path has a factor of 0, or the product is below the smallest number"

    def _extreme(self, side: int) -> str:
        """The smallest factor of the largest path, or the largest one."""
        name, each = min(self.largest[0].factors, key=lambda factor: side * abs(factor[1]))
        return f"{name} = {each:.4g}"


def _size(path: Path) -> float:
    return abs(path.product)


def _slope(depth: int, neuron: NeuronAnatomy) -> tuple[str, float]:
    return f"∂a[{depth},{neuron.index}]/∂z[{depth},{neuron.index}]", neuron.slope


def _through(depth: int, index: int, layer: Sequence[NeuronAnatomy], sums: list[list[Path]]) -> Iterator[Path]:
    """The paths to an input of a layer."""
    for each in layer:
        weight = each.weights[index]
        for path in sums[each.index]:
            yield path.then(f"∂z[{depth},{each.index}]/∂a[{depth - 1},{index}]", weight)
