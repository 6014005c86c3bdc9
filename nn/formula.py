"""Formulas of x as a user types them, turned into functions.

Python's parser reads the formula, and only these parts are accepted: numbers, x, pi, e, parentheses, + - * / and comparisons, powers with
a number of at most 10 as the exponent, and the functions in `autograd.FUNCTIONS`.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from autograd import FUNCTIONS, NudgeError, stabilized

Function = Callable[[Any], Any]

CONSTANTS = {"e": math.e, "pi": math.pi}
LONGEST, DEEPEST, LARGEST_POWER = 200, 20, 10
LOW, HIGH = -5.0, 5.0  # the function must have a value in this range; beyond it, `first_undefined` finds the neuron without a value

FOREIGN = re.compile(r"[^\w\s.+\-*/<>=(),^]|(?<!\d)\.(?!\d)", re.ASCII)  # characters that no formula has, and a dot without a digit
WORD = re.compile(r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)", re.ASCII)
OPERATIONS = ast.Add, ast.Sub, ast.Mult, ast.Div
COMPARISONS = ast.Lt, ast.LtE, ast.Gt, ast.GtE
SIGNS = ast.USub, ast.UAdd


class FormulaError(NudgeError, ValueError):
    """An invalid formula. The message shows the formula with a caret under the character.

    Attributes
    ----------
    problem : str
        What is wrong.
    position : int
        The index of the character, from 0; the length of the formula if something is missing at the end.
    """

    def __init__(self, problem: str, text: str, position: int) -> None:
        self.problem, self.position = problem, position
        shown = "".join(each if each.isprintable() else "?" for each in text[: LONGEST + 1])
        super().__init__(f"{problem}\n  {shown}\n  {' ' * position}^")


def formula(text: str) -> Function:
    """Return the function of x that a formula describes. Its `__name__` is the text.

    The function takes floats, arrays and Values, and can be compiled. It uses stable forms, see `autograd.stabilized`: softplus(x) for
    log(1 + exp(x)). Raises FormulaError for an invalid formula, for one without x,
    and for one that is not finite everywhere from -5 to 5.

    >>> swish = formula("x * sigmoid(x)")
    >>> swish(2.0)
    1.7615941559557646
    """
    body = _Formula(text).tree
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg("x")], kwonlyargs=[], kw_defaults=[], defaults=[])
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
    function: Function = eval(compile(tree, "<formula>", "eval"), {"__builtins__": {}, **FUNCTIONS, **CONSTANTS})
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
        self._check_text()
        start = len(text) - len(text.lstrip())
        source = [("**" if each == "^" else " " if each.isspace() else each, index) for index, each in enumerate(text) if index >= start]
        self.positions = [index for characters, index in source for _ in characters]  # of each character of the source in the text
        try:
            parsed = ast.parse("".join(characters for characters, _ in source), mode="eval").body
        except SyntaxError as error:
            place = self._position(error.offset - 1 if error.offset else len(self.positions))
            found = f"at {text[place]!r}" if place < len(text.rstrip()) else "at the end: something is missing"
            raise FormulaError(f"invalid syntax {found}", text, place) from None
        self.tree = self._checked(parsed)
        if not any(isinstance(node, ast.Name) and node.id == "x" for node in ast.walk(self.tree)):
            raise FormulaError("the formula must depend on x", text, 0)

    def _position(self, offset: int) -> int:
        return self.positions[offset] if offset < len(self.positions) else len(self.text.rstrip())

    def _check_text(self) -> None:
        """Limit the length, the characters and the depth before the formula is parsed."""
        text = self.text
        if len(text) > LONGEST:
            raise FormulaError(f"the formula has {len(text):,} characters, more than {LONGEST}", text, LONGEST)
        if found := FOREIGN.search(text):
            raise FormulaError(f"{found.group()!a} is not allowed in a formula", text, found.start())
        for word in WORD.finditer(text):
            if word["name"]:
                self._check_name(word["name"], word.start())
            elif text[word.end() : word.end() + 1].isidentifier():
                raise FormulaError(f"expected an operator between {word.group()} and {text[word.end()]}", text, word.end())
        opened: list[int] = []
        for position, character in enumerate(text):
            if character == "(":
                opened.append(position)
            elif character == ")" and not opened:
                raise FormulaError("this parenthesis was not opened", text, position)
            elif character == ")":
                opened.pop()
            if len(opened) > DEEPEST:
                raise FormulaError(f"nested more than {DEEPEST} deep", text, position)
        if opened:
            raise FormulaError("this parenthesis is not closed", text, opened[-1])

    def _fail(self, problem: str, node: ast.expr) -> FormulaError:
        return FormulaError(problem, self.text, self._position(node.col_offset))

    def _checked(self, node: ast.expr) -> ast.expr:
        """The tree with floats for its numbers. Raises FormulaError for anything that is not in the grammar."""
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
            return ast.BinOp(self._checked(node.left), node.op, self._exponent(node.right))
        if isinstance(node, ast.Compare) and all(isinstance(each, COMPARISONS) for each in node.ops):
            if len(node.ops) > 1:
                raise self._fail("expected one comparison, with parentheses around any other", node.comparators[1])
            return ast.Compare(self._checked(node.left), node.ops, [self._checked(node.comparators[0])])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            if node.func.id not in FUNCTIONS:
                raise self._fail(f"{node.func.id} is not a function", node)
            count = len(FUNCTIONS[node.func.id].partials)
            if len(node.args) != count:
                raise self._fail(f"{node.func.id} takes {count} argument(s), got {len(node.args)}", node)
            return ast.Call(node.func, [self._checked(each) for each in node.args], [])
        raise self._fail("expected numbers, x, functions and the operators + - * / ** < <= > >=", node)

    def _check_name(self, name: str, position: int) -> None:
        known = [*FUNCTIONS, *CONSTANTS, "x"]
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
            raise FormulaError(f"unknown name {name!r}; {hint}", self.text, position)

    def _number(self, node: ast.expr) -> float:
        """A number as a float, so that no power of whole numbers takes memory and time."""
        value = float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) else math.nan
        if not math.isfinite(value):
            raise self._fail("this number is too large", node)
        return value

    def _exponent(self, node: ast.expr) -> ast.expr:
        number = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, SIGNS) else node
        if not isinstance(number, ast.Constant) or not self._number(number) <= LARGEST_POWER:
            hint = "write exp(x * log(2)) for 2 to the x, and put parentheses around a power that is raised again"
            raise self._fail(f"expected a number up to {LARGEST_POWER} as the exponent ({hint})", node)
        return self._checked(node)
