"""Formulas of x as a user types them, turned into functions.

`nn.notation` translates the way they are written at school into Python. Python's parser reads the result, and only these parts are
accepted: numbers, x, pi, e, parentheses, + - * / and comparisons, powers with a number of at most 10 as the exponent, powers of e and
other numbers, and the functions in `autograd.FUNCTIONS`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from contextlib import suppress
from functools import reduce
from typing import Any

from autograd import FUNCTIONS, stabilized
from nn.notation import CONSTANTS, FormulaError, Translation

Function = Callable[[Any], Any]

LARGEST_POWER = 10
LOW, HIGH = -5.0, 5.0  # the function must have a value in this range; beyond it, `first_undefined` finds the neuron without a value

OPERATIONS = ast.Add, ast.Sub, ast.Mult, ast.Div
COMPARISONS = ast.Lt, ast.LtE, ast.Gt, ast.GtE
SIGNS = ast.USub, ast.UAdd


def formula_source(text: str) -> str:
    """Return a formula as a Python expression of x with floats and functions of `autograd`. Raises FormulaError for an invalid formula.

    >>> formula_source("max(0, x) + 2x²")
    'maximum(0.0, x) + 2.0 * x ** 2.0'
    """
    return ast.unparse(_Formula(text).tree)


def formula(text: str) -> Function:
    """Return the function of x that a formula describes. Its `__name__` is the text.

    The function takes floats, arrays and Values, and can be compiled. It uses stable forms, see `autograd.stabilized`: softplus(x) for
    log(1 + exp(x)). Formulas may be written as at school: 2x, x², |x|, e^-x, ln(x), max(0, x). Raises FormulaError for an invalid formula,
    for one without x, and for one that is not finite everywhere from -5 to 5.

    >>> swish = formula("x * sigmoid(x)")
    >>> swish(2.0)
    1.7615941559557646
    """
    body = _Formula(text).tree
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg("x")], kwonlyargs=[], kw_defaults=[], defaults=[])
    function: Function = _evaluated(ast.Lambda(arguments, body))
    with suppress(ArithmeticError, ValueError):  # a formula without a value is refused below
        function = stabilized(function)
    function.__name__ = text.strip()
    for step in range(101):
        x = LOW + (HIGH - LOW) * step / 100
        try:
            problem = "" if math.isfinite(function(x)) else f"gives {function(x)}"
        except (ArithmeticError, ValueError, TypeError) as error:
            problem = f"has no value ({error})"
        if problem:
            raise FormulaError(f"this {problem} at x = {x:g}; a formula must be finite from {LOW:g} to {HIGH:g}", text, 0)
    return function


class _Formula:
    """The syntax tree of a formula, checked so that it can do nothing but compute floats."""

    def __init__(self, text: str) -> None:
        self.text = text
        translation = Translation(text)
        self.positions = translation.positions
        try:
            parsed = ast.parse(translation.source, mode="eval").body
        except SyntaxError as error:
            place = self._position(error.offset - 1 if error.offset else len(self.positions))
            found = f"at {text[place]!r}" if place < len(text.rstrip()) else "at the end: something is missing"
            raise FormulaError(f"invalid syntax {found}", text, place) from None
        self.tree = self._checked(parsed)
        if not _has_x(self.tree):
            raise FormulaError("the formula must depend on x", text, 0)

    def _position(self, offset: int) -> int:
        return self.positions[offset] if offset < len(self.positions) else len(self.text.rstrip())

    def _fail(self, problem: str, node: ast.expr) -> FormulaError:
        return FormulaError(problem, self.text, self._position(node.col_offset))

    def _checked(self, node: ast.expr, is_condition: bool = False) -> ast.expr:
        """The tree with floats for its numbers. Raises FormulaError for anything that is not in the grammar.

        A comparison is 1 or 0, unless it is the condition of `where`: arrays of bools have no sums and differences.
        """
        if isinstance(node, ast.Constant):
            return ast.Constant(self._number(node))
        if isinstance(node, ast.Name):
            if node.id in FUNCTIONS:
                raise self._fail(f"the function {node.id} needs arguments in parentheses", node)
            return node
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, SIGNS):
            return ast.UnaryOp(node.op, self._checked(node.operand))
        if isinstance(node, ast.BinOp) and isinstance(node.op, OPERATIONS):
            return ast.BinOp(self._checked(node.left), node.op, self._checked(node.right))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            return self._power(node)
        if isinstance(node, ast.Compare) and all(isinstance(each, COMPARISONS) for each in node.ops):
            if len(node.ops) > 1:
                raise self._fail("expected one comparison, with parentheses around any other", node.comparators[1])
            comparison = ast.Compare(self._checked(node.left), node.ops, [self._checked(node.comparators[0])])
            return comparison if is_condition else _call(ast.Name("where", ast.Load()), comparison, ast.Constant(1.0), ast.Constant(0.0))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            arguments = [self._checked(each, node.func.id == "where" and each is node.args[0]) for each in node.args]
            count = len(FUNCTIONS[node.func.id].partials)
            if node.func.id in ("maximum", "minimum") and len(arguments) > 2:
                return reduce(lambda left, right: _call(node.func, left, right), arguments)
            if len(arguments) != count:
                raise self._fail(f"{node.func.id} takes {count} argument(s), got {len(arguments)}", node)
            return _call(node.func, *arguments)
        raise self._fail("expected numbers, x, functions and the operators + - * / ^ < <= > >=", node)

    def _number(self, node: ast.expr) -> float:
        """A number as a float, so that no power of whole numbers takes memory and time."""
        value = float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) else math.nan
        if not math.isfinite(value):
            raise self._fail("this number is too large", node)
        return value

    def _power(self, node: ast.BinOp) -> ast.expr:
        """A power with a number as the exponent, or of a number such as e: exp(x * log(number))."""
        base, exponent = self._checked(node.left), self._checked(node.right)
        if not _has_x(exponent):
            with suppress(ArithmeticError, ValueError, TypeError):
                number = _evaluated(exponent)
                if abs(number) <= LARGEST_POWER:
                    return ast.BinOp(base, node.op, ast.Constant(float(number)))
        if _has_x(exponent) and isinstance(base, ast.Name) and base.id == "e":
            return _call(ast.Name("exp", ast.Load()), exponent)
        if _has_x(exponent) and not _has_x(base):
            return _call(ast.Name("exp", ast.Load()), ast.BinOp(exponent, ast.Mult(), _call(ast.Name("log", ast.Load()), base)))
        hint = "write parentheses around a power that is raised again; only numbers such as e or 2 can be raised to a power with x"
        raise self._fail(f"expected a number up to {LARGEST_POWER} as the exponent ({hint})", node.right)


def _evaluated(tree: ast.expr) -> Any:
    return eval(
        compile(ast.fix_missing_locations(ast.Expression(tree)), "<formula>", "eval"), {"__builtins__": {}, **FUNCTIONS, **CONSTANTS}
    )


def _call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(function, list(arguments), [])


def _has_x(tree: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "x" for node in ast.walk(tree))
