"""Backward: the order of a graph, and the sweep that differentiates it.

Reverse mode goes from the last node of the order to the first and gives each operand `partial * adjoint`: the partial
derivative from the row of the table, times the derivative of the output by the node. `backward` keeps the adjoints in the
nodes' `grad`, as floats; `adjoints` gives them in a dict, as floats or as nodes of a graph in turn.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from autograd import modes
from autograd.modes import mode
from autograd.ops import terms


def topological_order(output: Any, within: Collection[Any] = frozenset()) -> list[Any]:
    """The nodes of `output`'s graph, operands before results and left before right; those in `within` count as leaves.

    This is the one order in which everything walks a graph: an explicit stack, so that any depth works.
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


class _Mark(float):
    """A zero that can be told from every other: what one walk leaves in the `grad` of the nodes that it has met."""


def results_in_order(output: Any) -> list[Any]:
    """The same order of the Values that operations made, without the leaves: all that a sweep has to visit. Their `grad` is then a mark.

    It goes straight down to an operand where it can, and by way of the stack only where two lie ahead; it marks the nodes
    themselves instead of keeping a set of them, and reads the slots behind `operands`. All that makes it more than twice as fast.
    """
    order: list[Any] = []
    stack: list[Any] = []
    pop, push, done = stack.pop, stack.append, order.append
    seen = _Mark()
    node = output
    while True:
        node.grad = seen
        first, second = node._first, node._second
        if type(first) is tuple:
            ahead = [each for each in first if type(each) is not float and each.op is not None and each.grad is not seen]
            if ahead:
                stack += (node, None, *reversed(ahead))
                node = pop()
                continue
        else:
            left = type(first) is not float and first.op is not None and first.grad is not seen
            right = second is not None and type(second) is not float and second.op is not None and second.grad is not seen
            if left or right:
                push(node)
                push(None)
                if left and right:
                    push(second)
                node = first if left else second
                continue
        done(node)
        while stack:
            node = pop()
            if node is None:  # the node below has had all its operands ordered
                done(pop())
            elif node.grad is not seen:
                break
        else:
            return order


def backward(output: Any) -> None:
    """Set `grad` throughout the graph of a Value: the derivative of `output` by each node; see `Value.backward`."""
    if output.op is None:
        output.grad += 1.0
        return
    order = results_in_order(output)
    watched = modes.watchers and mode.anomaly
    leaves = {each: each.grad for node in order for each in node.operands if type(each) is not float and each.op is None} if watched else {}
    output.grad = 1.0
    sweep(order)
    if watched:
        try:
            modes.check_gradients(order)
        except FloatingPointError:
            for leaf, before in leaves.items():  # nothing accumulates from a sweep that failed
                leaf.grad = before
            raise


def sweep(order: Sequence[Any]) -> None:
    """From the last result to the first, add `partial * adjoint` to each operand's `grad`. The last one's is given, the others' are marks.

    A node that still has its mark has been given nothing, not even 0, and passes nothing on: 0 times an infinite slope would be nan.
    Nodes of one and two operands are most of a graph by far, so their rules are read on the spot.
    """
    for node in reversed(order):
        if type(node.grad) is _Mark:
            node.grad = 0.0
            continue
        op, first, second = node.op, node._first, node._second
        if not op.is_simple:
            (pass_on_terms if op.has_terms and type(first) is tuple else pass_on)(node)
        elif second is not None:
            by_first, by_second = op.partials
            if op.is_linear:
                if by_first and type(first) is not float:
                    first.grad += by_first * node.grad
                if by_second and type(second) is not float:
                    second.grad += by_second * node.grad
                continue
            try:
                if type(first) is float:
                    second.grad += by_second(node.data, first, second.data) * node.grad
                elif type(second) is float:
                    first.grad += by_first(node.data, first.data, second) * node.grad
                else:
                    by_first = by_first(node.data, first.data, second.data)
                    second.grad += by_second(node.data, first.data, second.data) * node.grad
                    first.grad += by_first * node.grad
            except (ArithmeticError, ValueError):
                pass_on(node)
        elif type(first) is not float:
            (by_first,) = op.partials
            if op.is_linear:
                if by_first:
                    first.grad += by_first * node.grad
                continue
            try:
                first.grad += by_first(node.data, first.data) * node.grad
            except (ArithmeticError, ValueError):
                pass_on(node)


def pass_on(node: Any) -> None:
    """Add `partial * adjoint` to the `grad` of one node's operands, whatever its row, in IEEE arithmetic where Python's raises."""
    op, adjoint, operands = node.op, node.grad, node.operands
    partials = op.partials_at(node.data, [each if type(each) is float else each.data for each in operands])
    if op.flat:
        operands, partials = zip(*[pair for index, pair in enumerate(zip(operands, partials)) if index not in op.flat])
    for operand, partial in zip(operands, partials):
        if type(operand) is not float:
            operand.grad += partial * adjoint


def pass_on_terms(node: Any) -> None:
    """The same for w1 x1 + ... + wn xn + bias, where the partial derivative by a factor is the other one: no list of them is made."""
    adjoint = node.grad
    weights, inputs, bias = terms(node._first)
    for weight, entry in zip(weights, inputs):
        if type(entry) is float:
            if type(weight) is not float:
                weight.grad += entry * adjoint
        elif type(weight) is float:
            entry.grad += weight * adjoint
        else:
            weight.grad += entry.data * adjoint
            entry.grad += weight.data * adjoint
    if type(bias) is not float:
        bias.grad += adjoint


def adjoints(order: Sequence[Any], among: Collection[Any], nodes: bool = False) -> dict[Any, Any]:
    """The derivative of the last node of `order` by itself and by each of those in `among` that it depends on. No `grad` is touched.

    The rows are read with floats or, where `nodes` is true, with the nodes themselves, so that the derivatives are a graph in
    turn (or floats, where they are constant). Where none of a node's operands is in `among`, the sweep stops.
    """
    found: dict[Any, Any] = {order[-1]: 1.0}
    with mode.being(sweeping=True):
        for node in reversed(order):
            op, adjoint, operands = node.op, found.get(node), node.operands
            if op is None or adjoint is None:
                continue
            needed = [type(each) is not float and each in among and index not in op.flat for index, each in enumerate(operands)]
            if not any(needed):
                continue
            arguments = (node, operands) if nodes else (node.data, [each if type(each) is float else each.data for each in operands])
            for operand, partial, need in zip(operands, op.partials_at(*arguments, needed), needed):
                if need:
                    contribution = adjoint if type(partial) is float and partial == 1.0 else partial * adjoint
                    found[operand] = found[operand] + contribution if operand in found else contribution
    return found
