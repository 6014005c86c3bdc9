"""Formulas as they are written at school, translated into Python: 2x, x², |x|, e^-x, ln(x), max(0, x)."""

from __future__ import annotations

import difflib
import math
import re
from typing import NamedTuple

from autograd import FUNCTIONS, NudgeError

CONSTANTS = {"e": math.e, "pi": math.pi}
LONGEST, DEEPEST = 200, 20

ALIASES = {
    "max": "maximum", "min": "minimum", "ln": "log", "sgn": "sign", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "π": "pi", "√": "sqrt",
}  # fmt: skip
OPERATORS = {"^": "**", "·": "*", "×": "*", "⋅": "*", "−": "-", "–": "-", "÷": "/", "≤": "<=", "≥": ">="}
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))
TOKEN = re.compile(
    r"(?u:\s*)(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*|[π√])|(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)"
    r"|(?P<operator>\*\*|<=|>=|[-+*/^<>,·×⋅−–÷≤≥])|(?P<open>\()|(?P<close>\))|(?P<bar>\|)|(?P<end>$))",
    re.ASCII,
)


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


class Token(NamedTuple):
    kind: str  # a group of TOKEN, or "function"
    python: str
    at: int  # the index of its first character in the formula
    starts: int  # the index of the first token of the operand that ends with this token


class Translation:
    """A formula in Python. `source` is the text, and `positions` are the indices of its characters in the formula.

    Raises FormulaError for unknown characters and names, for parentheses without a partner, and for products such as 1/2x.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.opened: list[int] = []  # the tokens of parentheses and bars that are open
        if len(text) > LONGEST:
            raise FormulaError(f"the formula has {len(text):,} characters, more than {LONGEST}", text, LONGEST)
        if found := re.search(r"(?<![<>])=", text):
            raise FormulaError("write only what is to be computed from x, without =", text, found.start())
        place = 0
        while place < len(text):
            place = self._read(place)
        if self.opened:
            token = self.tokens[self.opened[-1]]
            raise FormulaError(f"this {'bar' if token.kind == 'bar' else 'parenthesis'} is not closed", text, token.at)
        self.source = "".join(token.python for token in self.tokens)
        self.positions = [token.at for token in self.tokens for _ in token.python]

    def _read(self, place: int) -> int:
        """Translate the token at a place of the formula. Returns the place after it."""
        found = TOKEN.match(self.text, place)
        if found is None:
            place += len(self.text[place:]) - len(self.text[place:].lstrip())
            hint = ": write parentheses ( )" if self.text[place] in "[]{}" else ""
            raise FormulaError(f"{self.text[place]!a} is not allowed in a formula{hint}", self.text, place)
        kind = str(found.lastgroup)
        written, at = found[kind], found.start(kind)
        if self.tokens and self.tokens[-1].kind == "function" and kind != "open":
            name, start = self.tokens[-1].python, self.tokens[-1].at
            raise FormulaError(f"the function {name} needs arguments in parentheses, such as {name}(x)", self.text, start)
        if kind == "name":
            written = self._name(written, at)
            kind = "function" if written in FUNCTIONS else kind
        elif kind == "power":
            written = f"**({''.join(SUPERSCRIPTS[each] for each in written)})"
        elif kind == "operator":
            self._check_comma(written, at)
            written = OPERATORS.get(written, written)
        if self.tokens and self.tokens[-1].kind == "power" and written.startswith("**"):
            raise FormulaError("a power is raised again: write parentheses, such as (x²)^3 or x^(2^3)", self.text, at)
        is_closing = kind == "close" or (kind == "bar" and bool(self.opened) and self._after_operand())
        if kind in ("number", "name", "function", "open") or (kind == "bar" and not is_closing):
            self._multiply(kind, found[found.lastgroup or ""], at)
        if is_closing:
            self._close(kind, at)
        elif kind == "power":
            self.tokens.append(Token(kind, written, at, self.tokens[-1].starts if self.tokens else 0))
        elif kind != "end":
            if kind in ("open", "bar"):
                self.opened.append(len(self.tokens))
                written = "abs(" if kind == "bar" else written
            self.tokens.append(Token(kind, written, at, len(self.tokens)))
        if len(self.opened) > DEEPEST:
            raise FormulaError(f"nested more than {DEEPEST} deep", self.text, at)
        return found.end()

    def _name(self, name: str, at: int) -> str:
        """A name of the table; upper and lower case are the same."""
        known = [*FUNCTIONS, *CONSTANTS, "x"]
        for each in (name, name.lower()):
            if ALIASES.get(each, each) in known:
                return ALIASES.get(each, each)
        near = difflib.get_close_matches(name.lower(), [*known, *ALIASES], 1)
        if re.fullmatch(r"x\d+", name):
            hint = f"write x^{name[1:]} for a power, {name[1:]}x for a product"
        elif base := re.fullmatch(r"log_?(\d+)", name):
            hint = f"log is the natural logarithm, so write log(x)/log({base[1]})"
        elif name in ("if", "else"):
            hint = "write where(x > 0, x, 0.1x) for two cases"
        else:
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
        raise FormulaError(f"unknown name {name!r}; {hint}", self.text, at)

    def _check_comma(self, written: str, at: int) -> None:
        if written == "," and not self.opened:
            raise FormulaError("a comma separates the arguments of a function; write decimals with a point, such as 0.5", self.text, at)

    def _after_operand(self) -> bool:
        return bool(self.tokens) and self.tokens[-1].kind in ("number", "name", "power", "close")

    def _multiply(self, kind: str, written: str, at: int) -> None:
        """Write the product of two operands next to each other, such as 2x."""
        if not self._after_operand():
            return
        last = self.tokens[-1]
        if kind == "number":
            raise FormulaError(f"expected an operator between {last.python} and {written}", self.text, at)
        before = last.starts - 1
        while before > 0 and self.tokens[before].python in ("+", "-") and self.tokens[before - 1].kind == "operator":
            before -= 1  # a sign
        if before >= 0 and self.tokens[before].python in ("/", "**"):
            left, operator = self.text[self.tokens[before + 1].at : at].strip(), self.text[self.tokens[before].at]
            right = {"open": "(...)", "bar": "|...|", "function": f"{written}(...)"}.get(kind, written)
            product = f"{left} {right}" if left[-1].isalpha() and right[0].isalpha() else f"{left}{right}"
            problem = f"{product} after {operator} has two meanings: write {operator}({product}) or {operator}{left}*{right}"
            raise FormulaError(problem, self.text, at)
        self.tokens.append(Token("operator", "*", at, len(self.tokens)))

    def _close(self, kind: str, at: int) -> None:
        """Close a parenthesis or a bar."""
        if not self.opened:
            raise FormulaError("this parenthesis was not opened", self.text, at)
        start = self.opened.pop()
        if (self.tokens[start].kind == "bar") != (kind == "bar"):
            raise FormulaError("this bar is not closed", self.text, self.tokens[start].at)
        if start and self.tokens[start - 1].kind == "function":
            start -= 1
        self.tokens.append(Token("close", ")", at, start))
