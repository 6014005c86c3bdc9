"""The order of the parameters in the parameter vector of a program: each table and each matrix of weights is one slice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

import numpy as np

from autograd.ops import Operation
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.scalars import DOT, INPUT, PARAMETER, Scalars


def parameter_order(
    graph: Scalars, by_level: Sequence[Sequence[int]], levels: Sequence[int], batched: Sequence[bool], known: Sequence[int]
) -> list[int]:
    """Order the parameters by their use: those of the tables, then those that meet the examples, level by level, then the rest.

    The order begins with the parameters `known`, or -1 where the vector holds numbers that the graph does not use.
    """
    nodes = graph.nodes
    order, is_new = _order_of_tables(graph, known)

    def place(operands: Iterable[int]) -> None:
        for each in operands:
            if nodes[each][0] == PARAMETER and is_new[k := nodes[each][1][0]]:
                is_new[k] = False
                order.append(k)

    def column_of_input(each: int) -> tuple[int, int]:
        op, operands = nodes[each]
        return operands if op == INPUT else (-1, 0)

    widest: dict[int, int] = {}  # a matrix is laid out for its longest rows: a recurrent net's first step has shorter ones
    for row in {graph.factors(number)[0] for number, (op, _) in enumerate(nodes) if op == DOT}:
        for each in row:
            if widest.get(each, 0) < len(row):
                widest[each] = len(row)
    rows = set[tuple[int, ...]]()  # those that were placed

    for depends in (True, False):  # a penalty on all the weights is not to tear their matrices apart
        for members in by_level:
            chosen = [number for number in members if batched[number] == depends]
            products = [number for number in chosen if nodes[number][0] == DOT]
            for number in products:
                left, right = graph.factors(number)
                if left not in rows:
                    rows.add(left)
                    ordered = sorted(zip(map(levels.__getitem__, right), map(column_of_input, right), count(), left))
                    place([each for *_, each in ordered if widest[each] == len(left)])
            loose = [
                (0 if isinstance(op, Operation) and op.variadic else position, number, position, each)
                for number in chosen
                if (op := nodes[number][0]) != DOT
                for position, each in enumerate(nodes[number][1])
                if nodes[each][0] == PARAMETER
            ]
            place([each for *_, each in sorted(loose)])
            for number in products:
                if not batched[nodes[number][1][-1]]:
                    place(graph.factors(number)[1])
    place(range(len(nodes)))
    return order + np.flatnonzero(is_new).tolist()


def _order_of_tables(graph: Scalars, known: Sequence[int]) -> tuple[list[int], FloatArray]:
    """The parameters `known`, then those of the tables, row by row; and for each parameter whether it is in neither of them."""
    order, is_new = list(known), np.ones(len(graph.parameters), bool)
    is_new[[each for each in known if each >= 0]] = False
    for numbers in graph.tables.values():
        fresh = numbers[numbers >= 0]
        fresh = fresh[is_new[fresh]]
        numbers_in_order = fresh.tolist()
        order += numbers_in_order if np.all(np.diff(fresh) > 0) else dict.fromkeys(numbers_in_order)  # an entry may repeat
        is_new[fresh] = False
    return order, is_new
