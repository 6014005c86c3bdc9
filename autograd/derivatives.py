"""Derivatives of functions: grad, value_and_grad, jacobian, hessian, and gradcheck, which tests the rules."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from autograd import modes, ops
from autograd.backward import adjoints, topological_order
from autograd.modes import mode
from autograd.ops import Node
from autograd.value import Value, make_constant


def value_and_grad(f: Callable[..., Any], argnum: int = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that returns `f`'s value and its gradient by argument number `argnum`.

    That argument is a real number, a Value, or a list, tuple, named tuple, dict or numpy array of them, nested at
    will; the gradient has its structure. `f` returns a scalar. Where all is plain numbers the results are floats.
    Where the argument holds Values, or `f` closes over some, the results are Values in their graph.
    Raises TypeError where `f` is no function, or returns anything but a scalar.

    >>> value_and_grad(lambda x, y: x * x * y)(3.0, 2.0)
    (18.0, 12.0)
    """
    _check_is_function(f)

    def derived(*arguments: Any, **options: Any) -> tuple[Any, Any]:
        frame = _Frame(f, argnum, arguments, options)
        if not isinstance(frame.output, (Node, Real)):
            raise TypeError(f"grad needs a function that returns one scalar, got {type(frame.output).__name__}; see jacobian for several")
        result = frame.value(frame.output), frame.gradient(frame.output)
        frame.close()
        return result

    return derived


def grad(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """A function that returns the gradient of the scalar function `f`; see `value_and_grad`. Nests freely.

    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """
    both = value_and_grad(f, argnum)
    return lambda *arguments, **options: both(*arguments, **options)[1]


def jacobian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """A function that returns, in the structure of `f`'s output, the gradient of each scalar in it.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    _check_is_function(f)

    def derived(*arguments: Any, **options: Any) -> Any:
        frame = _Frame(f, argnum, arguments, options)
        result = map_structure(frame.gradient, frame.output)
        frame.close()
        return result

    return derived


def hessian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """A function that returns the matrix of second derivatives of the scalar function `f`.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([3.0, 2.0])
    [[4.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnum), argnum)


def _check_is_function(f: Any) -> None:
    if isinstance(f, Node):
        raise TypeError(f"derivatives are taken of a function, got {f!r:.60}: of a Value call .backward(), and read its operands' .grad")
    if not callable(f):
        raise TypeError(f"derivatives are taken of a function, got {type(f).__name__} {f!r:.60}")


class _Frame:
    """One call of `f` on fresh inputs, and the sweeps from its outputs back to them.

    An input given as a node is fresh as an identity of it, so what comes out stays in the caller's graph. One
    given as a number is a leaf while the frame is open, and a constant for whoever meets it afterwards.
    """

    def __init__(self, f: Callable[..., Any], argnum: int, arguments: Sequence[Any], options: dict[str, Any]) -> None:
        if not -len(arguments) <= argnum < len(arguments):
            raise TypeError(f"no argument number {argnum} to differentiate by: got {len(arguments)} positional argument(s)")
        given = list(arguments)
        self.inputs = given[argnum] = map_structure(_fresh, given[argnum])
        self.leaves = set(flatten(self.inputs))
        self.givens = {node for leaf in self.leaves for node in leaf.operands}
        self.output = f(*given, **options)

    def close(self) -> None:
        for leaf in self.leaves:
            if leaf.op is None:
                make_constant(leaf)

    def value(self, output: Any) -> Any:
        """An output as the caller should see it: a number where nothing but plain numbers went into it."""
        is_plain = isinstance(output, Node) and self._is_plain(self._order(output))
        return output.data if is_plain else output

    def gradient(self, output: Any) -> Any:
        """The derivative of one output by each input, in the inputs' structure: one sweep, which stops at them."""
        if not isinstance(output, Node):
            if not isinstance(output, (Real, np.number)):
                raise TypeError(f"a function to differentiate returns real numbers or Values, got {type(output).__name__}")
            return map_structure(lambda _: 0.0, self.inputs)
        order = self._order(output)
        among = set(self.leaves)  # the nodes that depend on the inputs
        for node in order:
            if any(operand in among for operand in node.operands if type(operand) is not float):
                among.add(node)
        if output not in among:
            return map_structure(lambda _: 0.0, self.inputs)
        plain = self._is_plain(order)
        order = [node for node in order if node in among]
        found = adjoints(order, among, nodes=not plain)
        if not plain:
            return map_structure(lambda leaf: _node(found.get(leaf, 0.0)), self.inputs)
        if mode.anomaly:
            modes.check_gradients(order, found)
        return map_structure(lambda leaf: found.get(leaf, 0.0), self.inputs)

    def _order(self, output: Node) -> list[Any]:
        return topological_order(output, within=self.leaves | self.givens)

    def _is_plain(self, order: Sequence[Any]) -> bool:
        return not self.givens and all(node.op is not None or node in self.leaves for node in order)


def _fresh(given: Any) -> Any:
    return Value.apply(ops.identity, (given,)) if isinstance(given, Node) else Value(given)


def _node(adjoint: Any) -> Any:
    """An adjoint as a node, also where it is a constant."""
    return adjoint if isinstance(adjoint, Node) else Value.apply(ops.identity, (adjoint,))


def map_structure(f: Callable[[Any], Any], structure: Any) -> Any:
    """`f` of every scalar in a structure, in the same structure: a scalar, or a list, tuple, named tuple, dict or array, nested at will.

    Of a dict the values are mapped, in the dict's order. The result has the type of the structure.
    """
    if isinstance(structure, dict):
        mapped = structure.copy()
        mapped.update({key: map_structure(f, each) for key, each in structure.items()})
        return mapped
    if isinstance(structure, (list, tuple)):
        items = [map_structure(f, each) for each in structure]
        return structure._make(items) if hasattr(structure, "_make") else type(structure)(items)
    if isinstance(structure, np.ndarray):
        items = [f(each) for each in structure.flat]
        kind = object if any(isinstance(each, Node) for each in items) else None
        return np.array(items, dtype=kind).reshape(structure.shape + np.shape(items[0]) if items else structure.shape)
    return f(structure)


def flatten(structure: Any) -> list[Any]:
    """The scalars in a structure (see `map_structure`), in order."""
    scalars: list[Any] = []
    map_structure(scalars.append, structure)
    return scalars


@dataclass(frozen=True)
class Comparison:
    """One derivative from the rules beside the same one from differences of values."""

    of: str
    by: str
    derivative: float
    difference: float
    tolerance: float
    slope: float = 0.0  # how steep the function is around the point, which says what a small derivative is
    noise: float = 0.0  # what rounding may change the difference by

    @property
    def error(self) -> float:
        """How far the two are apart beyond rounding, relative to the larger, or to half the slope; inf where one is not finite."""
        if not (math.isfinite(self.derivative) and math.isfinite(self.difference)):
            return 0.0 if self.derivative == self.difference else math.inf
        apart = abs(self.derivative - self.difference) - self.noise
        return apart / max(abs(self.derivative), abs(self.difference), self.slope / 2) if apart > 0 else 0.0

    @property
    def is_right(self) -> bool:
        return self.error <= self.tolerance

    def __str__(self) -> str:
        verdict = "ok   " if self.is_right else "WRONG"
        numbers = f"rule {self.derivative:.10g}, differences {self.difference:.10g}, error {self.error:.1e}"
        return f"{verdict} d {self.of} / d {self.by}: {numbers}"


@dataclass(frozen=True)
class GradientReport:
    """What `gradcheck` found: true where every derivative is right; prints as a table."""

    comparisons: tuple[Comparison, ...]

    @property
    def wrong(self) -> tuple[Comparison, ...]:
        return tuple(each for each in self.comparisons if not each.is_right)

    def __bool__(self) -> bool:
        return not self.wrong

    def __str__(self) -> str:
        return "\n".join(map(str, self.comparisons)) or "nothing to check: the function has no inputs"

    __repr__ = __str__


def gradcheck(f: Callable[..., Any], *point: Any, tolerance: float = 1e-6) -> GradientReport:
    """Compare derivatives with differences of values at a point: `f`'s by each input, and each operation's by each operand.

    `f` takes the point's scalars and nested lists, and returns a scalar. The report is true where all agree,
    and otherwise names the operation that is wrong, the operand, both numbers and the error. Second
    derivatives are checked by `gradcheck(grad(f), x)`. An error is relative to the derivative, or to how steep the function is
    around the point, so functions of any size are checked alike. The differences are Ridders' extrapolated ones (C. J. F.
    Ridders, Advances in Engineering Software 4, 1982), good for ten digits away from kinks.

    >>> report = gradcheck(lambda x: x**3, 2.0)
    >>> bool(report), [each.derivative for each in report.comparisons]
    (True, [12.0, 12.0])
    """
    comparisons = []
    scalars = flatten(list(point))
    numbers = [float(each.data if isinstance(each, Value) else each) for each in scalars]

    def at(values: Sequence[Any]) -> Any:
        remaining = iter(values)
        return f(*map_structure(lambda _: next(remaining), list(point)))

    def value_at(*values: float) -> float:
        result = at(values)
        return float(result.data if isinstance(result, Value) else result)

    name = getattr(f, "__name__", "f").replace("<lambda>", "f")
    if numbers:
        gradients = grad(at)(numbers)
        for index, derivative in enumerate(gradients):
            rule = derivative.data if isinstance(derivative, Value) else float(derivative)
            comparisons.append(Comparison(name, f"input {index}", rule, tolerance=tolerance, **_difference(value_at, numbers, index)))
    output = at([Value(each) for each in numbers])
    for node in topological_order(output) if isinstance(output, Value) else ():
        op = node.op
        if op is None or op is ops.identity:
            continue
        operands = [each if type(each) is float else each.data for each in node.operands]
        for index, partial in enumerate(op.partials_at(node.data, operands)):
            if type(node.operands[index]) is not float:
                by = f"operand {index} of {op.describe(operands)}"
                comparisons.append(Comparison(op.name, by, partial, tolerance=tolerance, **_difference(op.value, operands, index)))
    return GradientReport(tuple(comparisons))


def _difference(f: Callable[..., float], point: Sequence[float], index: int) -> dict[str, float]:
    """The derivative of `f` by one coordinate, as the `difference`, `slope` and `noise` of a Comparison.

    Ridders' extrapolation of central differences; of its rows the one with the least error counts.
    """

    def at(x: float) -> float:
        return f(*point[:index], x, *point[index + 1 :])

    best, least = {"difference": math.nan, "slope": 0.0, "noise": 0.0}, math.inf
    x = point[index]
    step = 0.05 * max(abs(x), 0.1)
    previous: list[float] = []
    for _ in range(12):
        try:
            above, middle, below = at(x + step), at(x), at(x - step)
        except (ArithmeticError, ValueError):  # a step out of the domain: a shorter one may stay inside
            previous, step = [], step / 4
            continue
        slope = max(abs(above - middle), abs(middle - below)) / step
        noise = 8 * sys.float_info.epsilon * max(abs(above), abs(below)) / step
        row = [(above - below) / (2 * step)]
        for column, before in enumerate(previous):
            factor = 1.96 ** (column + 1)
            row.append((row[-1] * factor - before) / (factor - 1))
            error = max(abs(row[-1] - row[-2]), abs(row[-1] - before))
            if error < least:
                best, least = {"difference": row[-1], "slope": slope, "noise": noise}, error
        previous, step = row, step / 1.4
    return best
