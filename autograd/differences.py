"""gradcheck: derivatives compared with finite differences."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autograd import ops
from autograd.backward import topological_order
from autograd.derivatives import flatten, grad, map_structure
from autograd.value import Value


@dataclass(frozen=True)
class Comparison:
    """One derivative by the rules of differentiation, compared with the same derivative by finite differences."""

    of: str
    by: str
    derivative: float
    difference: float
    tolerance: float
    slope: float = 0.0  # the steepness of the function around the point: the scale for small derivatives
    noise: float = 0.0  # the possible rounding error of the difference

    @property
    def error(self) -> float:
        """The distance beyond rounding, relative to the larger of the two and to half the slope; inf if one is not finite."""
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
    """The result of `gradcheck`: true if every derivative is right. Prints as a table."""

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
    """Compare derivatives with finite differences at a point: those of `f`, and those of each operation in it.

    The differences use Ridders' extrapolation (C. J. F. Ridders, Advances in Engineering Software 4, 1982), which gives about ten
    digits away from kinks. `gradcheck(grad(f), x)` checks second derivatives.

    Parameters
    ----------
    f : callable
        A function that returns a scalar.
    *point : float, Value, or nested lists of these
        The arguments of `f`.
    tolerance : float, default 1e-6
        The largest error allowed, relative to the derivative or to the steepness of the function around the point.

    Returns
    -------
    GradientReport
        True if all derivatives agree. Printed, it lists each derivative by each input and each operation's by each operand,
        with both numbers and the error.

    Raises
    ------
    TypeError
        If `f` does not return a scalar.

    Examples
    --------
    >>> report = gradcheck(lambda x: x**3, 2.0)
    >>> bool(report), [each.derivative for each in report.comparisons]
    (True, [12.0, 12.0])
    """
    scalars = flatten(list(point))
    numbers = [float(each.data if isinstance(each, Value) else each) for each in scalars]

    def at(values: Sequence[Any]) -> Any:
        remaining = iter(values)
        return f(*map_structure(lambda _: next(remaining), list(point)))

    name = getattr(f, "__name__", "f").replace("<lambda>", "f")
    return GradientReport((*_by_inputs(name, at, numbers, tolerance), *_by_operands(at, numbers, tolerance)))


def _by_inputs(name: str, f: Callable[[Sequence[Any]], Any], numbers: Sequence[float], tolerance: float) -> Iterator[Comparison]:
    """Compare the derivatives of a function by its inputs."""

    def value_at(*values: float) -> float:
        result = f(values)
        return float(result.data if isinstance(result, Value) else result)

    for index, derivative in enumerate(grad(f)(numbers) if numbers else ()):
        rule = derivative.data if isinstance(derivative, Value) else float(derivative)
        yield Comparison(name, f"input {index}", rule, tolerance=tolerance, **_difference(value_at, numbers, index))


def _by_operands(f: Callable[[Sequence[Any]], Any], numbers: Sequence[float], tolerance: float) -> Iterator[Comparison]:
    """Compare the derivatives of each operation in a function by its operands."""
    output = f([Value(each) for each in numbers])
    for node in topological_order(output) if isinstance(output, Value) else ():
        op = node.op
        if op is None or op is ops.identity:
            continue
        operands = [each if type(each) is float else each.data for each in node.operands]
        for index, partial in enumerate(op.partials_at(node.data, operands)):
            if type(node.operands[index]) is not float:
                by = f"operand {index} of {op.describe(operands)}"
                yield Comparison(op.name, by, partial, tolerance=tolerance, **_difference(op.value, operands, index))


def _difference(f: Callable[..., float], point: Sequence[float], index: int) -> dict[str, float]:
    """The derivative of `f` by one coordinate, as the `difference`, `slope` and `noise` of a Comparison.

    Ridders' extrapolation of central differences. The result is the entry with the smallest error estimate.
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
        except (ArithmeticError, ValueError):  # the step leaves the domain: a shorter one may stay inside
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
