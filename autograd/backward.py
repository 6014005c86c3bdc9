"""Backward: the order of a graph, and the sweep that differentiates it.

Reverse mode goes from the last node of the order to the first and gives each operand `partial * adjoint`: the partial
derivative from the row of the table, times the derivative of the output by the node. `adjoints` is the definition. It returns
the adjoints in a dict, as floats or as nodes. `Value.backward` computes the same floats faster, see `_fast_backward`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from autograd.modes import mode
from autograd.ops import where
from autograd.reach import Condition, Risks, both, chosen, either


def topological_order(output: Any, within: Collection[Any] = frozenset()) -> list[Any]:
    """The nodes of `output`'s graph, operands before results and left before right. The nodes in `within` count as leaves.

    Everything that walks a graph uses this order. It has an explicit stack, so that any depth works.
    """
    order: list[Any] = []
    seen = set()
    stack = [output]
    pop, push = stack.pop, stack.append
    while stack:
        node = pop()
        if node is None:  # the node below has had all its operands ordered
            order.append(pop())
        elif node not in seen:
            seen.add(node)
            operands = node.operands
            if not operands or node in within:
                order.append(node)
                continue
            push(node)
            push(None)
            for operand in reversed(operands):
                if type(operand) is not float and operand not in seen:
                    push(operand)
    return order


def check_numbers(order: Sequence[Any]) -> None:
    """Raise ValueError if a node holds another number than its operation gives for its operands now.

    That happens if the data of a leaf was assigned after the graph was made. `order` holds Values, operands before results.
    """
    for node in order:
        if node.op is None:
            continue
        numbers = [each if type(each) is float else each._number for each in node.operands]
        try:
            number = float(node.op.on_floats(*numbers))
        except (ArithmeticError, ValueError):
            number = node.op.ieee_value(*numbers)
        if number != node._number and not (math.isnan(number) and math.isnan(node._number)):
            changed = [each for each in node.operands if type(each) is not float and each.op is None] or [node]
            names = " or ".join(dict.fromkeys(each.label or repr(each) for each in changed))
            raise ValueError(
                f"the graph is out of date: {node.op.describe(numbers)} is {number} and the graph holds {node._number}, so the data of "
                f"{names} was assigned after the graph was made. Compute the output again first"
            )


def adjoints(order: Sequence[Any], among: Collection[Any], nodes: bool = False) -> dict[Any, Any]:
    """The derivative of the last node of `order` by itself and by each node in `among` that it depends on. No `grad` changes.

    The rows are read with floats or, if `nodes` is true, with the nodes themselves: then the derivatives are nodes, or floats
    where they are constant. The sweep does not go beyond the nodes in `among`.
    """
    found: dict[Any, Any] = {order[-1]: 1.0}
    reached: dict[Any, Condition] = {order[-1]: True}
    risks = Risks(order) if nodes and mode.recording else None
    with mode.temporarily(sweeping=True):
        for node in reversed(order):
            op, adjoint, operands = node.op, found.get(node), node.operands
            if op is None or adjoint is None:
                continue
            needed = [type(each) is not float and each in among and index not in op.flat for index, each in enumerate(operands)]
            if not any(needed):
                continue
            arguments = (node, operands) if nodes else (node._number, [each if type(each) is float else each._number for each in operands])
            for operand, partial, need in zip(operands, op.partials_at(*arguments, needed), needed):
                if not need:
                    continue
                reach = both(reached[node], chosen(partial)) if op.selects else reached[node]
                if reach is False:
                    continue
                contribution = adjoint if type(partial) is float and partial == 1.0 else partial * adjoint
                if risks is not None and risks.passes_on(node, operand, partial) and reach is not True:
                    contribution = where(reach, contribution, 0.0)
                found[operand] = found[operand] + contribution if operand in found else contribution
                reached[operand] = either(reached[operand], reach) if operand in reached else reach
    return found
