"""Places in a network of these sizes: the layer, the neuron and the weight in a message."""

from __future__ import annotations

from collections.abc import Sequence

from playground.messages import Fields


def layer(given: Fields, sizes: Sequence[int]) -> tuple[int]:
    return (given.whole("layer", 0, len(sizes) - 2),)


def neuron(given: Fields, sizes: Sequence[int]) -> tuple[int, int]:
    """The layer and the neuron."""
    (depth,) = layer(given, sizes)
    return depth, given.whole("neuron", 0, sizes[depth + 1] - 1)


def weight(given: Fields, sizes: Sequence[int]) -> tuple[int, int, int | None]:
    """The layer, the neuron and the input; the input is None for the bias."""
    depth, index = neuron(given, sizes)
    return depth, index, None if given.any("input") is None else given.whole("input", 0, sizes[depth] - 1)
