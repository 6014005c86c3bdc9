"""The sweep behind `Value.backward`: `backward.adjoints` again, optimised for floats and for one graph at a time.

It visits the nodes in the same order and passes on the same numbers; a test on random graphs holds the two equal. It keeps the
adjoints in the nodes' own `_grad`, and marks the nodes that it has met there too, instead of keeping a set of them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from autograd import modes
from autograd.backward import check_numbers, topological_order
from autograd.modes import mode
from autograd.ops import split_weighted_sum

_turn = threading.RLock()  # sweeps of graphs that share leaves add to the same `grad`


class _Mark(float):
    """A zero with an identity: a walk writes it to the `_grad` of the nodes that it has visited."""


def results_in_order(output: Any) -> list[Any]:
    """The topological order without the leaves, which is all that a sweep visits. Each node's `_grad` is then a mark.

    It is more than twice as fast as `topological_order`: it follows a single operand without the stack, marks the nodes instead of
    keeping a set of them, and reads the slots of the operands directly.
    """
    order: list[Any] = []
    stack: list[Any] = []
    pop, push, done = stack.pop, stack.append, order.append
    seen = _Mark()
    node = output
    while True:
        node._grad = seen
        first, second = node._first, node._second
        if type(first) is tuple:
            ahead = [each for each in first if type(each) is not float and each.op is not None and each._grad is not seen]
            if ahead:
                stack += (node, None, *reversed(ahead))
                node = pop()
                continue
        else:
            left = type(first) is not float and first.op is not None and first._grad is not seen
            right = second is not None and type(second) is not float and second.op is not None and second._grad is not seen
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
            elif node._grad is not seen:
                break
        else:
            return order


def backward(output: Any, gradient: float) -> None:
    """Set `grad` throughout the graph of a Value: `gradient` times the derivative of `output` by each node; see `Value.backward`."""
    with _turn:
        if output.op is None:
            output._grad += gradient
        elif modes.watchers and mode.anomaly:
            _watched(output, gradient)
        else:
            order = results_in_order(output)
            output._grad = gradient
            sweep(order)


def _watched(output: Any, gradient: float) -> None:
    """`backward` in anomaly mode: if it raises, the gradients of the leaves stay as they were."""
    check_numbers(topological_order(output))
    order = results_in_order(output)
    leaves = {each: each._grad for node in order for each in node.operands if type(each) is not float and each.op is None}
    output._grad = gradient
    sweep(order)
    try:
        modes.check_gradients(order)
    except FloatingPointError:
        for leaf, before in leaves.items():
            leaf._grad = before
        raise


def sweep(order: Sequence[Any]) -> None:
    """Add `partial * adjoint` to the `_grad` of each operand, from the last node to the first.

    The last node's `_grad` is set, those of the others are marks. A node that still has its mark has received nothing, not even 0,
    and passes nothing on: 0 times an infinite slope would be nan. Most nodes have one or two operands, so their rules are evaluated
    here and not in a function.
    """
    for node in reversed(order):
        adjoint = node._grad
        if type(adjoint) is _Mark:
            node._grad = 0.0
            continue
        op, first, second = node.op, node._first, node._second
        if op.is_product:
            if type(first) is float:
                second._grad += first * adjoint
            elif type(second) is float:
                first._grad += second * adjoint
            else:
                first._grad += second._number * adjoint
                second._grad += first._number * adjoint
        elif not op.is_simple:
            if op.is_switch:
                if type(first) is not float and (partial := op.partials[0](node._number, first._number)):
                    first._grad += partial * adjoint
            else:
                (pass_on_terms if op.has_terms and type(first) is tuple else pass_on)(node)
        elif op.is_linear:
            partials = op.partials
            if partials[0] and type(first) is not float:
                first._grad += partials[0] * adjoint
            if second is not None and partials[1] and type(second) is not float:
                second._grad += partials[1] * adjoint
        else:
            try:
                if second is None:
                    if type(first) is not float:
                        first._grad += op.partials[0](node._number, first._number) * adjoint
                elif type(first) is float:
                    second._grad += op.partials[1](node._number, first, second._number) * adjoint
                elif type(second) is float:
                    first._grad += op.partials[0](node._number, first._number, second) * adjoint
                else:
                    by_first, by_second = op.partials
                    partial = by_first(node._number, first._number, second._number)
                    second._grad += by_second(node._number, first._number, second._number) * adjoint
                    first._grad += partial * adjoint
            except (ArithmeticError, ValueError):
                pass_on(node)


def pass_on(node: Any) -> None:
    """Add `partial * adjoint` to the `grad` of one node's operands, whatever its row, in IEEE arithmetic where Python's raises."""
    op, adjoint, operands = node.op, node._grad, node.operands
    partials = op.partials_at(node._number, [each if type(each) is float else each._number for each in operands])
    for index, (operand, partial) in enumerate(zip(operands, partials)):
        if type(operand) is not float and op.passes_on(index, partial):
            operand._grad += partial * adjoint


def pass_on_terms(node: Any) -> None:
    """The same for w1 x1 + ... + wn xn + bias, where the partial derivative by a factor is the other one: no list of them is made."""
    adjoint = node._grad
    weights, inputs, bias = split_weighted_sum(node._first)
    for weight, entry in zip(weights, inputs):
        if type(entry) is float:
            if type(weight) is not float:
                weight._grad += entry * adjoint
        elif type(weight) is float:
            entry._grad += weight * adjoint
        else:
            weight._grad += entry._number * adjoint
            entry._grad += weight._number * adjoint
    if type(bias) is not float:
        bias._grad += adjoint
