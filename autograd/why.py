"""Why a gradient is zero, not finite, tiny or huge, and which operations are the cause."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autograd import ops
from autograd._support import html_text
from autograd.hints import hint
from autograd.names import ModelNames, Names, model_names, number
from autograd.paths import Factor, Paths, along, counted, log_size, turned
from autograd.stable import LAST
from autograd.value import Value

TINY, HUGE = 1e-6, 1e6  # beyond these sizes a gradient needs an explanation


@dataclass(frozen=True)
class Diagnosis:
    """The explanation of a gradient. Prints as text.

    Attributes
    ----------
    verdict : str
        "unconnected", "zero", "cancelled", "nan", "infinite", "tiny", "huge" or "ordinary".
    gradient : float
        The derivative of the output by the leaf.
    causes : tuple of Factor
        The local derivatives that are the cause, the most important first.
    text : str
        The explanation.
    """

    verdict: str
    gradient: float
    causes: tuple[Factor, ...]
    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_text(self.text)


def why(output: Value, leaf: Value, model: object = None) -> Diagnosis:
    """Explain why the derivative of `output` by `leaf` is zero, not finite, tiny or huge.

    The explanation names the operations that are the cause, and their source lines if the graph was made under `anomaly()`.
    `chain_rule(output, leaf).why()` returns the same.

    Parameters
    ----------
    output : Value
        The result to differentiate.
    leaf : Value
        The node to differentiate by.
    model : object, optional
        A model with `named_parameters()`. It names the parameters and neurons: `w[0,3,2]`, `z[0,3]`, `a[0,3]`.

    Returns
    -------
    Diagnosis
        The verdict, the gradient, the causes, and the explanation as text. Print it to read it.

    Raises
    ------
    TypeError
        If `output` or `leaf` is not a Value, or `model` has no `named_parameters()`.
    ValueError
        If a leaf's `data` was assigned after the graph was made.

    Examples
    --------
    >>> x = Value(-2.0, label="x")
    >>> print(why(3 * x.relu(), x))
    the gradient of output by x is 0: every path contains a factor of 0
      ∂v1/∂x = 0 at v1 = relu(x) = 0: this relu is off, as x = -2 is not above 0
    to learn the source lines, make the graph inside `with anomaly():`
    """
    return diagnose(Paths(output, leaf, most=2), model_names(output, model))


def diagnose(paths: Paths, model: ModelNames) -> Diagnosis:
    """The diagnosis of the derivative with these paths."""
    output, leaf = paths.output, paths.leaf
    verdict, reason, causes = _verdict(paths)
    names = Names(output, leaf, along(causes), model)
    if verdict == "unconnected":
        reason += turned(output, leaf, names)
    by = f"{names[leaf]} ({names.full(leaf)})" if names.full(leaf) else names[leaf]
    lines = [f"the gradient of {names[output]} by {by} is {number(paths.gradient)}: {reason}"]
    for cause in causes[:5]:
        line = f" ({cause.node.line})" if cause.node.line else ""
        derivative = f"{names.derivative(cause.node, cause.operand)} = {number(cause.derivative)}"
        lines.append(f"  {derivative} at {names.define(cause.node)}: {_explanation(cause, names)}{line}")
    if advice := _advice(paths) if verdict in ("nan", "infinite") else "":
        lines.append(f"  {advice}")
    if len(causes) > 5:
        lines.append(f"  and {len(causes) - 5} more like these")
    if causes and not any(cause.node.line for cause in causes):
        lines.append("to learn the source lines, make the graph inside `with anomaly():`")
    return Diagnosis(verdict, paths.gradient, tuple(causes), "\n".join(lines))


def _advice(paths: Paths) -> str:
    """What to write instead of the first formula on the paths that has a stable form and a number that is not finite."""
    return hint(
        *(
            (node.op, node.operands)
            for node, factors in paths.factors.items()
            if node.op in LAST and not all(map(math.isfinite, [node.data, *(each.derivative for each in factors)]))
        )
    )


def _verdict(paths: Paths) -> tuple[str, str, list[Factor]]:
    """The verdict, the reason in words, and the factors that are the cause."""
    gradient = paths.gradient
    if not paths.is_connected:
        return "unconnected", "the output was computed without it", []
    if not math.isfinite(gradient):
        verdict = "nan" if math.isnan(gradient) else "infinite"
        every = [factor for node in reversed(paths.factors) for factor in paths.factors[node]]
        if broken := [factor for factor in reversed(every) if not math.isfinite(factor.node.data) and math.isfinite(factor.operand.data)]:
            return verdict, "a value on the path is not finite", broken[:1]
        if wild := [factor for factor in every if not math.isfinite(factor.derivative)]:
            zero = any(factor.derivative == 0 for factor in every)
            return verdict, "a factor is not finite" + (", and another is 0" if math.isnan(gradient) and zero else ""), wild[:1]
        return verdict, "the product of these and other factors is beyond the largest number", _extremes(paths, 1)
    if gradient == 0:
        if stops := paths.stops():
            return "zero", "every path contains a factor of 0", stops
        if paths.path(0).product == 0:
            return "zero", "the product of these and other factors is below the smallest number", _extremes(paths, -1)
        return "cancelled", f"{counted(paths.count)} cancel, each alone up to {number(abs(paths.path(0).product))}", []
    largest = abs(paths.path(0).product)
    if abs(gradient) < TINY:
        if largest > 1e3 * abs(gradient):
            return "cancelled", f"{counted(paths.count)} almost cancel, each alone up to {number(largest)}", []
        return "tiny", "small factors multiply along the largest path", _extremes(paths, -1)
    if abs(gradient) > HUGE:
        if largest < abs(gradient) / 10:
            return "huge", f"{counted(paths.count)} add up, each alone at most {number(largest)}", []
        return "huge", "large factors multiply along the largest path", _extremes(paths, 1)
    return "ordinary", f"nothing unusual: {counted(paths.count)}, the largest gives {number(paths.path(0).product)}", []


def _extremes(paths: Paths, side: int) -> list[Factor]:
    """The factors that make the largest path large (side 1) or small (side -1): the strongest, and others of similar strength."""
    sizes = {factor: side * log_size(factor.derivative) for factor in paths.path(0).factors}
    least = max(sizes.values()) / 4
    telling = [factor for factor, size in sizes.items() if size > 0 and size >= least]
    return sorted(telling, key=lambda factor: -sizes[factor])


def _explanation(cause: Factor, names: Names) -> str:
    """Why an operation has this local derivative, in words."""
    op, operands = cause.node.op, cause.node.operands
    assert op is not None  # a leaf has no factors
    numbers = [each if isinstance(each, float) else each.data for each in operands]
    own = f"{names[cause.operand]} = {number(numbers[cause.index])}"
    other = number(numbers[1 - cause.index]) if len(numbers) == 2 else ""
    if cause.index in op.flat:
        return "the condition has no derivative" if op is ops.where else f"{op.name} is flat: its derivative is 0 wherever it has one"
    if op.selects:
        if len(numbers) == 1:
            return f"this {op.name} is off, as {own} is not above 0"
        return "the condition chose the other operand" if op is ops.where else f"the {op.name} is the other operand, {other}"
    if op.has_terms:
        weights, inputs, _ = ops.split_weighted_sum(numbers)
        partners = [*inputs, *weights]
        return f"it is multiplied by {number(partners[cause.index])}" if cause.index < len(partners) else "it is the bias"
    if op is ops.multiply:
        return f"it is multiplied by {other}"
    if op is ops.divide:
        return f"a division by {number(numbers[1])}{', almost nothing' if abs(numbers[1]) < 1e-3 else ''}"
    if op is ops.power:
        return f"the power is {number(numbers[0])} to the {number(numbers[1])}"
    if op.saturates and abs(cause.derivative) < 0.01:
        return f"this {op.name} is saturated, with {own} far from where it is steep"
    if op.domain:
        return f"{op.name} is steep or undefined at {own}, close to the end of its domain {op.domain}"
    if op.singular and len(numbers) == 1 and not op.internal:
        return f"{op.name} of {own} grows as fast as it is large" if cause.derivative > 1 else f"{op.name} is flat at {own}"
    return f"that is what the rule of {op.name} gives at {own}"
