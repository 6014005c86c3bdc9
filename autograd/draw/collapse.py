"""Collapse a large graph: nodes into neurons, neurons into layers, and otherwise into ranges of depth.

Neurons are found in the graph: a neuron is a weighted sum of inputs, with its weights, its bias and the activation after it.
The names of a model's parameters, if there are any, name it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from autograd import ops
from autograd.draw.graph import Graph, one_line
from autograd.ops import Operation

LARGE, BANDS = 300, 16  # the largest number of boxes that is readable, and the number of depth ranges for more layers than that


def alike(graph: Graph, first: Sequence[int]) -> dict[int, list[int]]:
    """For each node to draw, the nodes that it stands for, including itself. `first` is from `fold`."""
    parts: dict[int, list[int]] = {}
    for position in graph.nodes:
        parts.setdefault(first[position], []).append(position)
    return parts


@dataclass(slots=True, eq=False)
class Unit:
    """Nodes that are drawn together."""

    kind: str  # "neuron", "sum", "node" or "leaf"
    root: int  # the position of the sum, or of the single node
    members: list[int]  # the positions of all nodes
    activation: tuple[str, ...] = ()  # the names of the operations after the sum of a neuron
    level: int = 0  # the number of neurons on the longest path to the unit
    step: int = 0  # the number of other operations after the last of these neurons
    depth: int = 0  # the number of units on the longest path to the unit


@dataclass(frozen=True)
class Group:
    """The units in one box."""

    title: str
    units: tuple[Unit, ...]


class Collapse:
    """The folded graph, divided into units."""

    def __init__(self, graph: Graph, first: Sequence[int]) -> None:
        self.graph, self.first = graph, first
        self.alike = alike(graph, first)
        self.positions = list(self.alike)
        among = self.alike.keys()
        self.sources = {each: tuple([first[one] for one in graph.nodes[each].sources if first[one] in among]) for each in self.positions}
        self.users: dict[int, list[int]] = {each: [] for each in self.positions}
        for position in self.positions:
            for source in dict.fromkeys(self.sources[position]):
                self.users[source].append(position)
        self.unit_of: dict[int, Unit] = {}
        self.units: list[Unit] = []
        self._find_sums()
        if self.has_neurons:
            self._find_activations()
        for position in self.positions:
            if position not in self.unit_of:
                self._add(Unit("node" if graph.nodes[position].op else "leaf", position, [position]))
        self.units.sort(key=lambda unit: unit.root)
        self._find_depths()

    def _add(self, unit: Unit) -> None:
        self.units.append(unit)
        for member in unit.members:
            self.unit_of[member] = unit

    def _name(self, position: int) -> str:
        op = self.graph.nodes[position].op
        return op.name if op else ""

    def _is_single(self, position: int) -> bool:
        return len(self.users[position]) == 1

    def _find_sums(self) -> None:
        """Find weighted sums, as one node or as a tree of additions of products, and other trees of additions."""
        graph, weights = self.graph, dict[int, list[Unit]]()
        for position in reversed(self.positions):
            if position in self.unit_of or not _adds(graph.nodes[position].op):
                continue
            inner, own, products = [position], [], 0
            stack = [position]
            while stack:
                node = stack.pop()
                op = graph.nodes[node].op
                if op and op.has_terms:
                    operands = [each if type(each) is float else self.first[int(each)] for each in graph.nodes[node].operands]
                    factors, inputs, bias = ops.split_weighted_sum(operands)
                    leaves = [int(each) for each in (*factors, bias) if self._is_leaf(each)]
                    if factors != inputs:  # not a sum of squares
                        own += leaves
                        products += any(map(self._is_leaf, operands))
                    continue
                for source in dict.fromkeys(self.sources[node]):
                    op = graph.nodes[source].op
                    if not op:
                        own.append(source)
                    elif self._is_single(source) and _adds(op) and source not in self.unit_of:
                        inner.append(source)
                        stack.append(source)
                    elif self._is_single(source) and op is ops.multiply and (weight := self._weight(source)) is not None:
                        inner.append(source)
                        own.append(weight)
                        products += 1
            unit = Unit("neuron" if products else "sum", position, sorted(inner))
            if products:
                for each in dict.fromkeys(own):
                    weights.setdefault(each, []).append(unit)
            elif len(inner) == 1:
                continue
            else:  # a product without a weight stays a separate node
                unit.members = [each for each in unit.members if graph.nodes[each].op is not ops.multiply]
            self._add(unit)
        for leaf, units in weights.items():
            users_after = all(self.unit_of.get(user) is units[0] or user > units[0].root for user in self.users[leaf])
            if len(units) == 1 and users_after:
                units[0].members.append(leaf)
                self.unit_of[leaf] = units[0]

    def _is_leaf(self, operand: float) -> bool:
        return type(operand) is int and operand in self.users and self.graph.nodes[operand].op is None

    def _weight(self, product: int) -> int | None:
        """The factor of a product that is a weight: a leaf; of two leaves the one in fewer products, or the first."""
        leaves = [each for each in self.sources[product] if self._is_leaf(each)]
        if len(leaves) == 2 and leaves[0] == leaves[1]:
            return None
        named = [each for each in leaves if each in self.graph.names]
        return min(named or leaves, key=lambda each: len(self.users[each]), default=None)

    def _find_activations(self) -> None:
        """Add to each neuron the operations between it and the next neuron; to the last neurons, one function."""
        after: dict[int, Unit] = {}
        for position, sources in self.sources.items():
            if position in self.unit_of or not sources:
                continue
            owners = {unit for each in sources if (unit := self.unit_of.get(each) or after.get(each))}
            if len(owners) == 1 and all(each in after or (each in self.unit_of and self._name(each)) for each in sources):
                (unit,) = owners
                if unit.kind == "neuron":
                    after[position] = unit
        leads_on = set()
        for position in sorted(after, reverse=True):
            for user in self.users[position]:
                other = self.unit_of.get(user)
                if user in leads_on or (other and other.kind == "neuron" and other is not after[position]):
                    leads_on.add(position)
        for position, unit in after.items():
            node = self.graph.nodes[position]
            is_last = self.sources[position] == (unit.root,) and len(node.operands) == 1 and self._is_single(unit.root)
            if position in leads_on or (is_last and node.op and (node.op.flat or not node.op.is_linear)):
                unit.members.append(position)
                unit.activation += (self._name(position),)
                self.unit_of[position] = unit

    def _find_depths(self) -> None:
        for unit in self.units:
            before = [self.unit_of[source] for member in unit.members for source in self.sources[member]]
            before = [each for each in before if each.root < unit.root]
            unit.depth = max([each.depth for each in before], default=-1) + 1
            level = max([each.level for each in before], default=0)
            if unit.kind == "neuron":
                unit.level = level + 1
            elif unit.kind != "leaf":
                unit.level = level
                unit.step = max([each.step for each in before if each.level == level], default=0) + 1

    @property
    def has_neurons(self) -> bool:
        return any(unit.kind == "neuron" for unit in self.units)

    def neurons(self) -> list[Group]:
        """A box for each neuron, each sum, each other operation, and for leaves that are used by the same units."""
        return self._titled(self._grouped({unit: unit.root for unit in self.units if unit.kind != "leaf"}, 1), 1)

    def layers(self) -> list[Group]:
        """A box for the units of one kind at one depth, or whose labels are one name with indices; `bands` if these are too many."""
        keys: dict[Unit, Hashable] = {}
        for unit in self.units:
            if (stem := self._stem(unit)) and unit.kind != "leaf":
                keys[unit] = ("labelled", stem)
            elif unit.kind == "neuron":
                keys[unit] = ("neuron", unit.level, self._called(unit.members, 2), *unit.activation)
            elif unit.kind != "leaf":
                keys[unit] = (unit.kind, unit.level, unit.step, self._name(unit.root), len(self.alike[unit.root]))
        found = self._grouped(keys, 2)
        return self._titled(found, 2) if len(found) <= LARGE else self.bands()

    def bands(self) -> list[Group]:
        """At most `BANDS` boxes, each for a range of depths of equal length."""
        deepest = max(unit.depth for unit in self.units) + 1
        keys = {unit: unit.depth * BANDS // deepest for unit in self.units if unit.kind != "leaf"}
        for unit in self.units:
            if unit.kind == "leaf":
                users = [keys[self.unit_of[user]] for user in self.users[unit.root]]
                keys[unit] = min(users, default=0)
        groups: dict[int, list[Unit]] = {}
        for unit in self.units:
            groups.setdefault(keys[unit], []).append(unit)
        return [
            Group(f"depth {min(unit.depth for unit in units)} to {max(unit.depth for unit in units)}", tuple(units))
            for _, units in sorted(groups.items())
        ]

    def _grouped(self, keys: dict[Unit, Hashable], up: int) -> list[list[Unit]]:
        """Units grouped by key. Leaves are grouped if units with the same keys use them and they have the same name."""
        leaf_keys: dict[Unit, Hashable] = {}
        for unit in self.units:
            if unit.kind == "leaf":
                users = frozenset(keys[self.unit_of[user]] for user in self.users[unit.root])
                leaf_keys[unit] = ("leaf", users, self._called(unit.members, up))
        groups: dict[Hashable, list[Unit]] = {}
        for unit in self.units:
            groups.setdefault(keys.get(unit, leaf_keys.get(unit)), []).append(unit)
        return list(groups.values())

    def _titled(self, groups: Iterable[list[Unit]], up: int) -> list[Group]:
        return [Group(one_line(self._title(units, up)), tuple(units)) for units in groups]

    def _stem(self, unit: Unit) -> str:
        """The user's label of the result without its index: `head 0` for `head 0[3]`; empty if it has none."""
        name, bracket, _ = str(self.graph.order[max(unit.members)].label or self.graph.order[unit.root].label).partition("[")
        return name if bracket else ""

    def _title(self, units: list[Unit], up: int) -> str:
        if len(units) == 1 and len(units[0].members) == 1:
            return self.graph.label(units[0].root)
        if len(stems := {self._stem(unit) for unit in units}) == 1 and units[0].kind != "leaf" and up == 2 and (stem := stems.pop()):
            return stem
        if called := self._called([each for unit in units for each in unit.members], up):
            return called
        labels = [label for unit in units if (label := self.graph.nodes[unit.root].label)]
        if units[0].kind == "leaf" and len(labels) > 1:
            return f"{labels[0]} … {labels[-1]}"
        return labels[0] if len(labels) == len(units) == 1 else ""

    def _called(self, members: Iterable[int], up: int) -> str:
        """The model's name of the object that contains these parameters, `up` steps above them; empty if there are several."""
        names = {above(self.graph.names[each], up) for each in members if each in self.graph.names}
        return names.pop() if len(names) == 1 else ""


PART = re.compile(r"(?:[^.\[]|\[[^\]]*\])+")  # what is between two dots of a name


def _adds(op: Operation | None) -> bool:
    """Whether an operation adds its operands or terms, in any order."""
    return op is not None and op.is_sum and (op.is_commutative or op.has_terms)


def above(name: str, steps: int) -> str:
    """`layers[0].neurons[3]` for `layers[0].neurons[3].weights[17]` and 1 step. A matrix in lists of lists has rows for neurons:
    `query[3]` for `query[3][17]` and 1 step, and `query` for 2.
    """
    *parts, last = PART.findall(name)
    if last.count("][") and steps <= 2:
        return name.removesuffix(last) + str(last.rsplit("[", steps)[0])
    return ".".join([*parts, last][:-steps])
