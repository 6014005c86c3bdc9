"""The tree of parts of a graph: layers contain neurons, neurons contain nodes, and a node of a batch contains each example's.

Each level is drawn with another detail, and a page shows a cut through the tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from autograd import ops
from autograd.draw.collapse import Collapse, Group, Unit
from autograd.draw.picture import Box, group_box, one_node
from autograd.names import in_words

Level = Literal["layer", "neuron", "batch", "node"]
MOST_PARTS, MOST_CHILDREN = 1500, 100  # in a page, and in one part: limits of what a browser lays out at once


@dataclass(frozen=True)
class Part:
    """A part of the graph. It is drawn as a box while its parent is open and it is closed."""

    id: str  # of its box
    level: Level
    parent: str  # the id of the part that contains it, or ""
    positions: tuple[int, ...]  # all nodes in it
    box: Box
    title: str = ""  # its name, or ""
    satellites: tuple[Box, ...] = ()  # the boxes around a node: its operation and constants
    units: tuple[Unit, ...] = ()  # of a layer or neuron
    sealed: bool = False  # whether it has too many parts, so that it cannot be opened


@dataclass
class _Seed:
    """A part that is not yet in the tree, with its children."""

    id: str
    level: Level
    group: Group | None
    positions: list[int]
    children: list[_Seed] = field(default_factory=list)


class PartTree:
    """The parts, parents first, up to `MOST_PARTS`. With `all_open`, everything except batches can be opened, however large."""

    def __init__(self, collapse: Collapse, all_open: bool) -> None:
        self.collapse, self.graph = collapse, collapse.graph
        layers, neurons = collapse.layers(), collapse.neurons()
        self.layer_of = {unit: f"l{index}" for index, group in enumerate(layers) for unit in group.units}
        self.neuron_of = {unit: f"g{index}" for index, group in enumerate(neurons) for unit in group.units}
        self.titles = {above for name in self.graph.names.values() for above in prefixes(name)}
        self.exact = {position: [position] for position in self.graph.nodes}
        roots = [_Seed(f"l{index}", "layer", group, self._nodes(group)) for index, group in enumerate(layers)]
        by_id = {seed.id: seed for seed in roots}
        for index, group in enumerate(neurons):
            seed = _Seed(f"g{index}", "neuron", group, self._nodes(group))
            by_id[self.layer_of[group.units[0]]].children.append(seed)
        self.parts = list(self._grown(roots, all_open))

    def _nodes(self, group: Group) -> list[int]:
        return sorted(each for unit in group.units for member in unit.members for each in self.collapse.alike[member])

    def _children(self, seed: _Seed) -> list[_Seed]:
        if seed.level == "neuron" and seed.group:
            members = sorted(each for unit in seed.group.units for each in unit.members)
            return [_Seed(f"f{each}", "batch", None, self.collapse.alike[each]) for each in members]
        if seed.level == "batch":
            return [_Seed(f"v{each}", "node", None, [each]) for each in seed.positions]
        return seed.children

    def _single(self, seed: _Seed) -> tuple[_Seed, list[_Seed]]:
        """The part and its children. A part with one child is replaced by that child."""
        children = self._children(seed)
        while len(children) == 1:
            seed, children = children[0], self._children(children[0])
        return seed, children

    def _grown(self, roots: Sequence[_Seed], all_open: bool) -> Iterator[Part]:
        waiting = [(seed, "") for seed in roots]
        for seed, parent in waiting:  # the loop also visits what it appends
            seed, children = self._single(seed)
            fits = len(children) <= MOST_CHILDREN and len(waiting) + len(children) <= MOST_PARTS
            is_open = fits or (all_open and seed.level != "batch")
            if is_open:
                waiting += [(child, seed.id) for child in children]
            yield self._part(seed, parent, bool(children) and not is_open)

    def _part(self, seed: _Seed, parent: str, sealed: bool) -> Part:
        graph, collapse = self.graph, self.collapse
        positions = tuple(seed.positions)
        if seed.group:
            names = self.layer_of if seed.level == "layer" else self.neuron_of
            title = in_words(seed.group.title) if seed.group.title in self.titles else seed.group.title
            box = group_box(collapse, Group(title, seed.group.units), names, seed.id)
            return Part(seed.id, seed.level, parent, positions, box, title, (), seed.group.units, sealed)
        first, among = (collapse.first, collapse.alike) if seed.level == "batch" else (range(len(graph.order)), self.exact)
        boxes, _ = one_node(graph, first, among, positions[0])
        (box,) = [each for each in boxes if each.kind == "value"]
        around = tuple([each for each in boxes if each is not box])
        return Part(seed.id, seed.level, parent, positions, replace(box, id=seed.id), "", around, (), sealed)


def prefixes(name: str) -> Iterator[str]:
    """`layers[0].neurons[3].weights[2]`, `layers[0].neurons[3]` and `layers[0]`."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def found_names(collapse: Collapse) -> tuple[dict[int, str], dict[int, str]]:
    """Names for a graph without a model: full names of weights and biases, and labels for weighted sums and activations.

    They are empty unless layers are clear: several neurons at one level, with the same number of weights in each layer.
    """
    layers: dict[int, list[Unit]] = {}
    for unit in collapse.units:
        if unit.kind == "neuron":
            layers.setdefault(unit.level, []).append(unit)
    read = {unit: _weights(collapse, unit) for units in layers.values() for unit in units}
    is_plain = all(len({len(read[unit][0]) for unit in units}) == 1 for units in layers.values())
    if not (is_plain and any(len(units) > 1 for units in layers.values()) and all(len(found[1]) <= 1 for found in read.values())):
        return {}, {}
    names: dict[int, str] = {}
    labels: dict[int, str] = {}
    for level, units in enumerate(layers[each] for each in sorted(layers)):
        for index, unit in enumerate(units):
            neuron = f"layers[{level}].neurons[{index}]"
            weights, biases = read[unit]
            names |= {position: f"{neuron}.weights[{place}]" for place, position in enumerate(weights)}
            names |= dict.fromkeys(biases, f"{neuron}.bias")
            made = [each for each in unit.members if collapse.graph.nodes[each].op]
            for root, letter in ((unit.root, "z"), *([(max(made), "a")] if unit.activation else [])):
                labels |= dict.fromkeys(collapse.alike[root], f"{letter}[{level},{index}]")
    return names, labels


def _weights(collapse: Collapse, unit: Unit) -> tuple[list[int], list[int]]:
    """A neuron's weights, in the order of their products, and its other leaves, the biases."""
    nodes = collapse.graph.nodes
    own = dict.fromkeys(each for each in unit.members if nodes[each].op is None)
    multiplied: dict[int, None] = {}
    for member in sorted(unit.members):
        op, operands = nodes[member].op, nodes[member].operands
        if op is None or not (op.has_terms or op is ops.multiply):
            continue
        pairs = zip(*ops.split_weighted_sum(operands)[:2]) if op.has_terms else [operands]
        multiplied |= {int(each): None for pair in pairs for each in pair if type(each) is int and each in own}
    return list(multiplied), [each for each in own if each not in multiplied]
