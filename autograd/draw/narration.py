"""The words of a page: how each part of a graph is computed, and what it passes backward, with numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from itertools import chain, count
from typing import Any

from autograd import ops
from autograd.draw.formulas import names, partial_formulas
from autograd.draw.graph import Graph, GraphNode
from autograd.draw.part_tree import Part
from autograd.draw.sweep import Sweep
from autograd.draw.theme import Theme
from autograd.names import in_words, short

SIMPLE = r"[\w.']+(\[[\w,]+\])?"  # a name that can be part of a formula
MOST_ROWS = 12  # contributions of one node that are listed
MOST_TERMS = 40  # terms of a weighted sum that are listed


class Narration:
    """The words for each part. `graph` has the gradients of the sweep."""

    def __init__(self, graph: Graph, sweep: Sweep, parts: Sequence[Part], theme: Theme) -> None:
        self.graph, self.sweep, self.theme = graph, sweep, theme
        self.labels = {str(label) for label, _, _ in graph.moment}
        sizes = [abs(node.grad) for node in graph.nodes.values() if math.isfinite(node.grad)]
        self.steepest = max(sizes, default=0.0)
        self.words = {part.id: self._words(part) for part in parts}

    def shade(self, gradient: float) -> int:
        """The index of a gradient's colour in the shades of the theme."""
        return self.theme.shades.index(self.theme.color(gradient, self.steepest))

    def describe(self, part: Part) -> dict[str, Any]:
        """The name of a part, its turn in the order of steps, and the words for its forward and backward step."""
        nodes = [self.graph.nodes[each] for each in part.positions]
        computed = [position for position, node in zip(part.positions, nodes) if node.op]
        described: dict[str, Any] = {"name": self.words[part.id]}
        if part.level == "node":
            described["data"], described["grad"] = plain(nodes[0].data), plain(nodes[0].grad)
            described["forward"] = self._forward(part.positions[0], self.words[part.id])
        else:
            described["forward"] = self._summary(part, without="grad ") | self._neuron(part)
        if computed:
            described["turn"] = max((self.sweep.depths[each], each) for each in computed)
            described["backward"] = self._backward(computed[0]) if part.level == "node" else self._summary(part)
        return described

    def _words(self, part: Part) -> str:
        """The name of a part in a sentence: `layer 0, neuron 3, w2`."""
        if part.level == "node":
            return self._name(part.positions[0])
        if part.title:
            return part.title
        node = self.graph.nodes[part.positions[0]]
        if part.level == "batch":
            label = self.graph.label(part.positions[0]) or (node.op.name if node.op else "a leaf")
            return f"{label} of {len(part.positions)} examples"
        kinds = {unit.kind for unit in part.units}
        if kinds == {"neuron"}:
            return "the neuron" if len(part.units) == 1 else f"{len(part.units)} neurons"
        return f"{len(part.units)} leaves" if kinds == {"leaf"} else part.box.lines[0]

    def _name(self, position: int) -> str:
        """A node's label, or a parameter's full name in words. It may be empty."""
        label, full = self.graph.label(position), self.graph.names.get(position, "")
        return in_words(full) if full and label in ("", full, short(full)) else label

    def _summary(self, part: Part, without: str = "\n") -> dict[str, Any]:
        """The lines of the box of a part with several nodes, except those that start with `without`."""
        lines = [line for line in part.box.lines if line != part.title and not line.startswith(without)]
        return {"heading": self.words[part.id], "rows": ["\n".join(lines)]}

    def _neuron(self, part: Part) -> dict[str, Any]:
        """The terms of a neuron that is one weighted sum of one example."""
        sums = [each for each in part.positions if (op := self.graph.nodes[each].op) and op.has_terms]
        return {"terms": self._terms(sums[0])} if part.level == "neuron" and len(sums) == 1 else {}

    def _forward(self, position: int, name: str) -> dict[str, Any]:
        node = self.graph.nodes[position]
        result = self.graph.number(node.data)
        if node.op is None:
            return {"heading": f"{name or 'a leaf'} = {result}", "rows": ["Given: a leaf, computed from nothing."]}
        heading = f"{name} = {result}" if name else result
        if node.op.has_terms:
            return {
                "heading": heading,
                "rows": ["The sum of each weight times the input it meets, and the bias."],
                "terms": self._terms(position),
            }
        labels = [self.graph.label(each) if type(each) is int else "" for each in node.operands]
        numbers = [self.graph.number(each) for each in self.sweep.numbers(node)]
        rows = [f"= {node.op.describe(numbers)}"]
        if any(labels):
            rows.insert(0, f"= {node.op.describe([label or each for label, each in zip(labels, numbers)])}")
        return {"heading": heading, "rows": rows}

    def _terms(self, position: int) -> dict[str, Any]:
        """The terms of a weighted sum in their order; if there are many, the largest. Constants have no name."""
        node = self.graph.node(position)
        weights, inputs, bias = ops.split_weighted_sum([self.graph.label(each) if type(each) is int else None for each in node.operands])
        factors, values, offset = ops.split_weighted_sum(self.sweep.numbers(node))
        products = [a * b for a, b in zip(factors, values)]
        shown = sorted(sorted(range(len(products)), key=lambda index: -abs(products[index]))[:MOST_TERMS])
        others = [product for index, product in enumerate(products) if index not in set(shown)]
        words: dict[str, Any] = {
            "rows": [[weights[each], plain(factors[each]), inputs[each], plain(values[each])] for each in shown],
            "bias": [bias, plain(offset)],
            "sum": [self.graph.label(position), plain(node.data)],
        }
        return words | ({"others": [len(others), plain(sum(others))]} if others else {})

    def _backward(self, position: int) -> dict[str, Any]:
        """What a node passes to its operands."""
        node, sweep = self.graph.nodes[position], self.sweep
        assert node.op is not None
        after = [before + added for before, added in zip(sweep.before[position], sweep.contributions(position, node))]
        shown = [
            (int(operand), sum_) for operand, sum_ in zip(node.operands, after) if type(operand) is int and operand in self.graph.nodes
        ]
        words = {
            "heading": f"{self._name(position) or self._called(position)}: {self.graph.number(node.grad)} from above",
            # the id of a node's part, the line with its gradient, and its shade
            "changes": [
                (f"v{each}", f"grad {self.graph.number(held)}", self.shade(held)) for each, held in [(position, node.grad), *shown]
            ],
        }
        if node.op.has_terms:
            rule = "Each weight gets the input it meets, and each input its weight, times what comes from above."
            return words | {"rows": [{"rule": rule}], "shares": plain(node.grad)}
        rows = self._rules(position, node)
        if len(rows) > MOST_ROWS:
            rows[MOST_ROWS:] = [{"rule": f"and {len(rows) - MOST_ROWS} more in the same way"}]
        return words | {"rows": rows}

    def _rules(self, position: int, node: GraphNode) -> list[dict[str, str]]:
        """For each operand that is a node: the partial derivative, its product with the adjoint, and the sum with earlier ones."""
        assert node.op is not None
        sweep, number = self.sweep, self.graph.number
        given = zip(node.operands, sweep.partials[position], sweep.contributions(position, node), sweep.before[position])
        words = self._named(node)
        whole = node.op.describe([number(each) if isinstance(each, float) else each for each in words])
        own = self.graph.label(position)
        formulas = partial_formulas(node.op, words, own if re.fullmatch(SIMPLE, own) else self._free("y"))
        rows = []
        for (operand, partial, added, before), word, formula in zip(given, words, formulas):
            if type(operand) is float:
                continue
            written = f"{formula} = " if formula not in ("", number(partial)) else ""
            at = "" if word == self.graph.label(int(operand)) else f" at {word} = {number(self.graph.node(int(operand)).data)}"
            rows.append(
                {
                    "rule": f"d({whole})/d{word} = {written}{number(partial)}{at}",
                    "times": f"times {number(node.grad)} from above = {number(added)}",
                    "sum": f"into {self._called(int(operand))}: {number(before)} + {number(added)} = {number(before + added)}",
                }
            )
        return rows

    def _named(self, node: GraphNode) -> list[str | float]:
        """The operands of a node in formulas: constants, and the user's names, or else names that no node has."""
        assert node.op is not None
        called: dict[int, str] = {}
        for operand, usual in zip(node.operands, names(node.op, len(node.operands))):
            if type(operand) is int and operand not in called:
                label = self.graph.label(operand)
                is_usable = re.fullmatch(SIMPLE, label) and label not in called.values()
                called[operand] = label if is_usable else self._free(usual, called.values())
        return [each if type(each) is float else called[int(each)] for each in node.operands]

    def _free(self, name: str, taken: Collection[str] = ()) -> str:
        """The name, or the first other one, that no node has and that is not taken."""
        others = chain((name, *"uvpqst"), (f"{name}{number}" for number in count(1)))
        found: str = next(each for each in others if each not in self.labels and each not in taken)
        return found

    def _called(self, position: int) -> str:
        node = self.graph.node(position)
        return self.graph.label(position) or (
            f"{self.graph.number(node.data)} ({node.op.name})" if node.op else self.graph.number(node.data)
        )


def plain(value: float) -> float | str:
    """A number for JSON: a string if it is not finite."""
    return value if math.isfinite(value) else str(value)
