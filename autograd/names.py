"""Names for the nodes of a graph in formulas and pictures, from the user's labels and from a model.

A parameter's full name is the expression that reaches it, `layers[0].neurons[3].weights[2]`. Its short name in a formula is
`w[0,3,2]`. The neuron's bias is `b[0,3]`, its weighted sum `z[0,3]` and its activation `a[0,3]`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from autograd import ops
from autograd.backward import topological_order
from autograd.value import Value

LETTERS = {"weight": "w", "weights": "w", "bias": "b", "biases": "b"}


@dataclass(frozen=True)
class ModelNames:
    """Full names of a model's parameters, and short names of its parameters, weighted sums and activations."""

    full: Mapping[Value, str] = field(default_factory=dict)
    short: Mapping[Value, str] = field(default_factory=dict)


def model_names(output: Value, model: object) -> ModelNames:
    """The names that a model gives to its parameters and to nodes of `output`'s graph. Without a model there are no names.

    Raises TypeError for a model without `named_parameters()`.
    """
    if model is None:
        return ModelNames()
    if not hasattr(model, "named_parameters"):
        raise TypeError(f"model={model!r:.60} has no named_parameters(), which should yield pairs of a name and a Value")
    full: dict[Value, str] = {parameter: name for name, parameter in model.named_parameters()}
    brief = {parameter: short(name) for parameter, name in full.items()}
    times = Counter(brief.values())
    names = {parameter: name if times[name] == 1 else full[parameter] for parameter, name in brief.items()}
    return ModelNames(full, _Neurons(output, full).names() | names)


class Names:
    """Unique names for the nodes of one text: the output, the leaf, and the nodes between them.

    A node has the user's label or the model's name, with a number if another node has it too; otherwise v1, v2, ... from the
    output on.
    """

    def __init__(self, output: Value, leaf: Value, way: Iterable[Value], model: ModelNames) -> None:
        self.model = model
        self.names: dict[Value, str] = {}
        taken: Counter[str] = Counter()
        unnamed = 0
        for node in dict.fromkeys([output, *way, leaf]):
            name = self.label(node) or ("output" if node is output else "leaf" if node is leaf else "")
            if not name:
                unnamed += 1
                name = f"v{unnamed}"
            taken[name] += 1
            self.names[node] = name if taken[name] == 1 else f"{name}#{taken[name]}"
        self.ranks = {node: rank for rank, node in enumerate(self.names)}

    def __getitem__(self, node: Value) -> str:
        return self.names[node]

    def label(self, node: Value) -> str:
        return str(node.label) or self.model.short.get(node, "")

    def full(self, node: Value) -> str:
        """The model's full name of a parameter; empty if the text uses that name already."""
        full = self.model.full.get(node, "")
        return full if full != self.names.get(node) else ""

    def rank(self, node: Value) -> int:
        """The position of a node in the text, from the output on."""
        return self.ranks[node]

    def derivative(self, node: Value, operand: Value) -> str:
        return f"∂{self[node]}/∂{self[operand]}"

    def define(self, node: Value, width: int = 0) -> str:
        """`v1 = x * 2 = 6`. Operands without a name are numbers."""
        assert node.op is not None  # leaves have no definition
        operands = [number(each) if isinstance(each, float) else self.names.get(each) or self._mentioned(each) for each in node.operands]
        return f"{self[node]:{width}} = {node.op.describe(operands)} = {number(node.data)}"

    def _mentioned(self, node: Value) -> str:
        """The number of a node that has no name in the text, after the user's label if that is short."""
        return f"{node.label}={number(node.data)}" if 0 < len(node.label) <= 8 else number(node.data)


def number(given: float, digits: int = 4) -> str:
    """A number with this many significant digits, as short as possible, without the sign of -0.0."""
    return f"{given + 0.0:.{digits}g}"


@lru_cache(2**17)  # a model's names are needed again for each graph
def short(name: str, letter: str = "") -> str:
    """`w[0,3,2]` for `layers[0].neurons[3].weights[2]`, `left.b[0]` for `left.layers[0].bias`: lists are named by their indices."""
    parts = [(word.lstrip("."), INDEX.findall(indices)) for word, indices in ATTRIBUTE.findall(name)]
    words = [word for word, indices in parts[:-1] if not indices]
    last = parts[-1][0]
    every = ",".join(index for _, indices in parts for index in indices)
    return ".".join([*words, letter or LETTERS.get(last, last)]) + (f"[{every}]" if every else "")


def in_words(name: str) -> str:
    """`layer 0, neuron 3, w2` for `layers[0].neurons[3].weights[2]`, `layer 0` for `layers[0]`, `left, b0` for `left.bias[0]`."""
    parts = [(word.lstrip("."), ",".join(INDEX.findall(indices))) for word, indices in ATTRIBUTE.findall(name)]
    said = [f"{word.removesuffix('s')} {indices}".strip() if indices else word for word, indices in parts]
    word, indices = parts[-1]
    if word in LETTERS:
        said[-1] = LETTERS[word] + indices
    return ", ".join(said)


ATTRIBUTE = re.compile(r"((?:^|\.)[^.\[]*)((?:\[[^\]]*\])*)")
INDEX = re.compile(r"\[['\"]?(.*?)['\"]?\]")


def _home(weight: str) -> str:
    """The container of one neuron's weights: the list that a weight is in; for a weight without an index, its owner."""
    return weight.rpartition("[")[0] if weight.endswith("]") else f"{weight.rpartition('.')[0]}.*".lstrip(".")


class _Neurons:
    """The weighted sums of a model's weights in a graph, and the activations after them.

    A weighted sum is one node, or a tree of additions of products. Each product has exactly one parameter as a factor, the weight, and
    all the weights are in the same container, their home. A sum is not a neuron's if it has more products than the home has weights,
    as the sum over a batch, or if it adds anything else except a parameter.
    """

    def __init__(self, output: Value, full: Mapping[Value, str]) -> None:
        self.homes = {parameter: _home(name) for parameter, name in full.items()}
        self.sizes = Counter(self.homes.values())
        self.products: dict[Value, tuple[str, int]] = {}  # the home of its weights, and their number
        self.sums: dict[Value, tuple[str, int]] = {}
        self.users: dict[Value, list[Value]] = {}  # the nodes that use a sum
        self.made: dict[Value, Value] = {}  # nodes computed from one sum alone, and that sum
        self.taken: set[Value] = set()  # those of them that are multiplied by weights: the activations
        for node in topological_order(output):
            if node.op is not None:
                self._read(node)

    def _read(self, node: Value) -> None:
        op, operands = node.op, node.operands
        assert op is not None
        if op.has_terms:
            weights, inputs, _ = ops.split_weighted_sum(operands)
            self._weigh(node, weights, inputs, self.sums)
        elif op is ops.multiply:
            self._weigh(node, operands[:1], operands[1:], self.products)
        elif op.is_sum and len(operands) > 1:
            self._add(node)
        for each in self.sums.keys() & operands:
            self.users.setdefault(each, []).append(node)
        if node not in self.sums:
            sources = {each if each in self.sums else self.made.get(each) for each in operands if isinstance(each, Value)}
            if len(sources) == 1 and (source := sources.pop()) is not None:
                self.made[node] = source

    def _weigh(self, node: Value, left: Sequence[Any], right: Sequence[Any], found: dict[Value, tuple[str, int]]) -> None:
        """Store a weighted sum or product if its weights have one home. A product of two parameters has no weight."""
        homes = self.homes
        pairs = [(a, b) if a in homes else (b, a) for a, b in zip(left, right) if (a in homes) != (b in homes)]
        if whole := self._whole({homes[weight] for weight, _ in pairs}, len(pairs)):
            found[node] = whole
            self.taken |= self.made.keys() & {given for _, given in pairs}

    def _add(self, node: Value) -> None:
        """Store a sum of products and parameters. Its operands are then no longer sums on their own."""
        first, *others = node.operands
        given = others if first == 0.0 and type(first) is float and node.op is ops.add else node.operands  # Python's sum starts with 0
        summands = [each for each in given if each not in self.homes]
        parts = [self.products.get(each) or self.sums.get(each) for each in summands]  # type: ignore[arg-type]
        if whole := self._whole({part[0] if part else None for part in parts}, sum(part[1] for part in parts if part)):
            self.sums[node] = whole
            for each in summands:
                self.sums.pop(each, None)  # type: ignore[arg-type]

    def _whole(self, homes: set[Any], count: int) -> tuple[str, int] | None:
        home = homes.pop() if len(homes) == 1 else None
        return (home, count) if home is not None and count <= self.sizes[home] else None

    def names(self) -> dict[Value, str]:
        """`z[0,3]` for each weighted sum and `a[0,3]` for its activation, unless two homes would give the same name."""
        homes: dict[str, set[str]] = {}
        for home, _ in self.sums.values():
            homes.setdefault(short(home, "z"), set()).add(home)
        clear = {root: home for root, (home, _) in self.sums.items() if len(homes[short(home, "z")]) == 1}
        activations = {root: users[0] for root, users in self.users.items() if len(users) == 1 and _is_function(users[0])}
        activations |= {root: node for node, root in self.made.items() if node in self.taken}
        names = {root: short(home, "z") for root, home in clear.items()}
        return names | {activations[root]: short(home, "a") for root, home in clear.items() if root in activations}


def _is_function(node: Value) -> bool:
    return node.op is not None and len(node.operands) == 1 and node.op.name not in ("negative", "identity")
