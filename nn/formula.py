"""Formulas of x as a user types them, made functions by a parser of their own: no name or power can do more than compute.

expression = sum, or sum < sum        (<, <=, >, >=)
sum        = product + product - ...
product    = signed * signed / ...
signed     = - signed, or power
power      = atom, or atom ** number  (the number at most 10 in size)
atom       = number, x, pi, e, (expression), or a function of FUNCTIONS with its arguments
"""

import difflib
import math
import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import autograd

Function = Callable[[Any], Any]

FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    name: (getattr(autograd, name), 1)
    for name in (
        *("acos", "asin", "atan", "cos", "cosh", "erf", "erfc", "exp", "expm1", "log", "log1p", "relu", "sigmoid", "sign"),
        *("sin", "sinh", "softplus", "sqrt", "tan", "tanh"),
    )
}
FUNCTIONS |= {"abs": (abs, 1), "maximum": (autograd.maximum, 2), "minimum": (autograd.minimum, 2), "where": (autograd.where, 3)}
CONSTANTS = {"e": math.e, "pi": math.pi}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LONGEST, DEEPEST, LARGEST_POWER = 200, 20, 10
LOW, HIGH = -5.0, 5.0  # where the function must have a value; beyond, `nn.anatomy` says which neuron met what has none

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\*\*|<=|>=|[-+*/<>(),^]))", re.ASCII
)


class FormulaError(autograd.NudgeError, ValueError):
    """A formula that is none; the message shows it with a caret under the character.

    `problem` is what is wrong with it, and `position` the character, counted from 0: the formula's length where something is missing.
    """

    def __init__(self, problem: str, text: str, position: int) -> None:
        self.problem, self.position = problem, position
        shown = "".join(each if each.isprintable() else "?" for each in text[: LONGEST + 1])
        super().__init__(f"{problem}\n  {shown}\n  {' ' * position}^")


class Token(NamedTuple):
    kind: str  # "number", "name", "sign" or "end"
    text: str
    position: int


def formula(text: str) -> Function:
    """The function of x that a formula describes, written with autograd's functions and called by the formula's text.

    It takes floats, arrays and Values, and can be compiled. Raises FormulaError for anything but a formula that has x in it, and a
    value everywhere from -5 to 5.

    >>> swish = formula("x * sigmoid(x)")
    >>> swish(2.0)
    1.7615941559557646
    """
    parser = _Parser(text)
    function = parser.parse()

    def activation(x: Any) -> Any:
        return function(x)

    activation.__name__ = text.strip()
    for step in range(101):
        x = LOW + (HIGH - LOW) * step / 100
        try:
            problem = "" if math.isfinite(function(x)) else f"gives {function(x)}"
        except (ArithmeticError, ValueError, TypeError) as error:
            problem = f"has no value ({error})"
        if problem:
            raise FormulaError(f"this {problem} at x = {x:g}, and an activation has to have one at least from {LOW:g} to {HIGH:g}", text, 0)
    return activation


class _Parser:
    """Recursive descent: one method for each line of the grammar, none deeper than DEEPEST."""

    def __init__(self, text: str) -> None:
        self.text, self.depth, self.has_x = text, 0, False
        if len(text) > LONGEST:
            raise FormulaError(f"the formula has {len(text):,} characters, more than {LONGEST}", text, LONGEST)
        self.tokens = self._tokens()
        self.index = 0

    def parse(self) -> Function:
        function = self.expression()
        if self.next.kind != "end":
            self.fail("expected an operator or the end of the formula")
        if not self.has_x:
            raise FormulaError("the formula must depend on x", self.text, 0)
        return function

    def _tokens(self) -> list[Token]:
        tokens, position = [], 0
        while self.text[position:].strip():
            match = TOKEN.match(self.text, position)
            if match is None:
                position += len(self.text[position:]) - len(self.text[position:].lstrip())
                raise FormulaError(f"{self.text[position]!a} has no place in a formula", self.text, position)
            kind = str(match.lastgroup)
            tokens.append(Token(kind, match[kind].replace("^", "**"), match.start(kind)))
            position = match.end()
        return [*tokens, Token("end", "", len(self.text.rstrip()))]

    @property
    def next(self) -> Token:
        return self.tokens[self.index]

    def take(self, *signs: str) -> str:
        """The next token's text where it is one of these signs, and the parser moves on; else nothing."""
        if self.next.kind == "sign" and self.next.text in signs:
            self.index += 1
            return self.tokens[self.index - 1].text
        return ""

    def expect(self, sign: str, why: str) -> None:
        if not self.take(sign):
            self.fail(f"expected {sign!r} {why}")

    def fail(self, problem: str) -> NoReturn:
        found = f", not {self.next.text!r}" if self.next.text else ""
        raise FormulaError(problem + found, self.text, self.next.position)

    def expression(self) -> Function:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError(f"nested more than {DEEPEST} deep", self.text, self.next.position)
        left = self.sum()
        if sign := self.take("<", "<=", ">", ">="):
            left = _binary(sign, left, self.sum())
        self.depth -= 1
        return left

    def sum(self) -> Function:
        left = self.product()
        while sign := self.take("+", "-"):
            left = _binary(sign, left, self.product())
        return left

    def product(self) -> Function:
        left = self.signed()
        while sign := self.take("*", "/"):
            left = _binary(sign, left, self.signed())
        return left

    def signed(self) -> Function:
        negative = False
        while sign := self.take("-", "+"):
            negative ^= sign == "-"
        operand = self.power()
        return (lambda x: -operand(x)) if negative else operand

    def power(self) -> Function:
        base = self.atom()
        if not self.take("**"):
            return base
        negative = bool(self.take("-"))
        if self.next.kind != "number" or not float(self.next.text) <= LARGEST_POWER:
            self.fail(f"expected a number up to {LARGEST_POWER} as the exponent (write exp(x * log(2)) for 2 to the x)")
        exponent = self.number() * (-1 if negative else 1)
        if self.next.text == "**":
            self.fail("expected parentheses around a power that is raised again")
        return lambda x: base(x) ** exponent

    def number(self) -> float:
        value = float(self.next.text)
        if math.isinf(value):
            raise FormulaError("this number is too large", self.text, self.next.position)
        self.index += 1
        return value

    def atom(self) -> Function:
        token = self.next
        if token.kind == "number":
            value = self.number()
            return lambda x: value
        if self.take("("):
            inner = self.expression()
            self.expect(")", "to close the parenthesis")
            return inner
        if token.kind != "name":
            self.fail("expected a number, x, or a function")
        self.index += 1
        if token.text == "x":
            self.has_x = True
            return lambda x: x
        if token.text in CONSTANTS:
            constant = CONSTANTS[token.text]
            return lambda x: constant
        if token.text not in FUNCTIONS:
            known = [*FUNCTIONS, *CONSTANTS, "x"]
            near = difflib.get_close_matches(token.text, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
            raise FormulaError(f"unknown name {token.text!r}; {hint}", self.text, token.position)
        return self.call(token)

    def call(self, name: Token) -> Function:
        function, count = FUNCTIONS[name.text]
        self.expect("(", f"after {name.text}")
        arguments = [self.expression()]
        while self.take(","):
            arguments.append(self.expression())
        self.expect(")", f"to close {name.text}(")
        if len(arguments) != count:
            raise FormulaError(f"{name.text} takes {count} argument(s), got {len(arguments)}", self.text, name.position)
        return lambda x: function(*[argument(x) for argument in arguments])


def _binary(sign: str, left: Function, right: Function) -> Function:
    function = OPERATORS[sign]
    return lambda x: function(left(x), right(x))
