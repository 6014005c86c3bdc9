"""Fold the examples of a batch into one: in a cost that is a sum over examples, corresponding nodes are drawn as one.

A graph that is still too large for a picture is collapsed into neurons and layers, see `collapse`.
"""

from __future__ import annotations

from typing import Any

from autograd import ops
from autograd.draw.graph import Graph, GraphNode

UNSEEN, ABOVE, SHARED = -1, -2, -3


def fold(graph: Graph) -> list[int]:
    """For each node, the node that it is drawn as: itself, or in a batch its counterpart in the first example that is shown.

    The terms of the output are examples if they share leaves, the parameters, but no results. Nodes of different examples are
    counterparts if the same operation made them from the same parameters and from counterparts.
    """
    first = list(range(len(graph.order)))
    owners = _owners(graph.whole)
    if owners is None:
        return first
    seen: dict[Any, int] = {}
    times: dict[Any, int] = {}
    for position, node in graph.whole.nodes.items():
        owner = owners[position]
        if owner < 0:
            continue
        key: Any = None  # an input of one example: the first, the second, ...
        if node.op is not None:
            key = (node.op, *[None if type(each) is float else first[int(each)] for each in node.operands])
        time = times[owner, key] = times.get((owner, key), 0) + 1
        first[position] = seen.setdefault((key, time), position)
    shown: dict[int, int] = {}
    for position in graph.nodes:
        shown.setdefault(first[position], position)
    return [shown.get(each, each) for each in first]


def _owners(graph: Graph) -> list[int] | None:
    """For each node, the term of the output that it belongs to, or ABOVE or SHARED. None if the terms are not examples."""
    nodes = graph.nodes
    terms, above = _terms(graph)
    if len(terms) < 2:
        return None
    joined = {term: term for term in terms}

    def root(term: int) -> int:
        while joined[term] != term:
            joined[term] = term = joined[joined[term]]
        return term

    owners = [UNSEEN] * len(nodes)
    for position in above:
        owners[position] = ABOVE
    for term in terms:
        owners[term] = term
    shared = False
    for position in range(len(nodes) - 1, -1, -1):
        owner = owners[position]
        if owner < 0:
            continue
        for source in set(nodes[position].sources):
            other = owners[source]
            if other == UNSEEN:
                owners[source] = owner
            elif other >= 0 and (a := root(owner)) != (b := root(other)):
                if nodes[source].op is None:
                    owners[source], shared = SHARED, True
                else:
                    joined[min(a, b)] = max(a, b)  # they share a result, so they are two terms of one example
    owners = [owner if owner < 0 else root(owner) for owner in owners]
    for position, owner in enumerate(owners):  # a sum of terms of one example belongs to that example
        within = {owners[source] for source in nodes[position].sources} - {SHARED}
        if owner == ABOVE and len(within) == 1 and position != graph.output:
            (owners[position],) = within
    for position in graph.names:
        if nodes[position].op is None:
            owners[position], shared = SHARED, True
    return owners if shared and len({owner for owner in owners if owner >= 0}) > 1 else None


def _terms(graph: Graph) -> tuple[list[int], set[int]]:
    """The terms that the output is a sum of, below sums, constant factors and signs; and the nodes that add them."""
    terms, above = [], set()
    stack = [graph.output]
    while stack:
        position = stack.pop()
        if position in above:
            continue
        node = graph.nodes[position]
        if _adds_up(node):
            above.add(position)
            stack.extend(node.sources)
        else:
            terms.append(position)
    return list(dict.fromkeys(terms)), above


def _adds_up(node: GraphNode) -> bool:
    """Whether a node is the sum of its sources, each times a constant."""
    op, operands = node.op, node.operands
    if op is None:
        return False
    if op.has_terms:
        weights, inputs, _ = ops.split_weighted_sum(operands)
        return all(type(weight) is float or type(each) is float for weight, each in zip(weights, inputs))
    if op is ops.multiply:
        return len(node.sources) == 1
    if op is ops.divide:
        return type(operands[1]) is float
    return op.is_sum or (op.is_linear and not op.flat)
