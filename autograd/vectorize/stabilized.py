"""Stabilized: a function of one number that uses stable forms on floats, arrays and Values, as programs do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.vectorize.record import record
from autograd.vectorize.scalars import DOT, INPUT, LEAVES, PARAMETER
from autograd.vectorize.simplify import merge


def stabilized(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function of one number that computes `f` by stable forms; `f` itself if it has no formula with a stable form.

    Programs use stable forms without it. On floats, arrays and Values every operation is computed as it was written.

    Parameters
    ----------
    f : callable
        A function of one number, written with the functions of `autograd`, that `vectorize` can record.

    Returns
    -------
    callable
        A function of a float, an array or a Value.

    Raises
    ------
    TraceError
        If the function cannot be recorded.
    ValueError
        If it returns several numbers.

    Examples
    --------
    >>> from autograd.ops import exp, log
    >>> stabilized(lambda x: log(1 + exp(x)))(1000.0)
    1000.0
    """
    merged, forms = merge(record(f, [()], ["x"]).scalars, {})
    nodes, outputs = merged.graph.nodes, merged.graph.outputs
    if len(outputs) != 1:
        raise ValueError(f"stabilized takes a function that returns one number, and this one returns {len(outputs)}")
    (output,) = outputs
    needed, stack = {output}, [output]
    while stack:
        op, operands = nodes[stack.pop()]
        for each in () if op in LEAVES else operands:
            if each not in needed:
                needed.add(each)
                stack.append(each)

    in_order = [(each, *nodes[each]) for each in sorted(needed)]

    def stable(x: Any) -> Any:
        numbers: dict[int, Any] = {}
        for each, op, operands in in_order:
            if op == DOT:
                factors = [numbers[operand] for operand in operands]
                numbers[each] = sum(u * v for u, v in zip(factors, factors[len(factors) // 2 :]))
            elif isinstance(op, str):
                numbers[each] = x if op == INPUT else merged.graph.parameters[operands[0]] if op == PARAMETER else operands[0]
            else:
                numbers[each] = op(*[numbers[operand] for operand in operands])
        return numbers[output]

    return stable if forms else f
