r"""Formulas in lessons: a part of LaTeX, converted to MathML, which browsers show without a library.

A formula has letters, numbers, operators, `_` and `^`, braces that group, `\frac{a}{b}`, `\sqrt{a}`, `\text{words}`, and names such as
`\sigma` and `\tanh`: those of `SYMBOLS` and `FUNCTIONS`.
"""

from __future__ import annotations

import html
import re

TOKEN = re.compile(r"\s*(\\text\{[^{}]*\}|\\[A-Za-z]+|\d+(?:\.\d+)?|\S)")
LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ", "lambda": "λ", "mu": "μ", "pi": "π",
    "sigma": "σ", "phi": "φ", "Delta": "Δ", "Sigma": "Σ", "partial": "∂", "nabla": "∇", "infty": "∞",
}  # fmt: skip
OPERATORS = {
    "sum": "∑", "cdot": "·", "times": "×", "pm": "±", "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "to": "→", "dots": "…", "in": "∈",
}  # fmt: skip
SYMBOLS = LETTERS | OPERATORS
BRACES = 40  # in a formula, at most
FUNCTIONS = "tanh", "sin", "cos", "exp", "log", "ln", "max", "min", "relu", "softmax"


class MathError(ValueError):
    """A formula that cannot be read. The message says what is wrong and what to write."""


def mathml(text: str, is_display: bool = False) -> str:
    r"""The MathML of a formula, in a line of text or as a line of its own. Raises MathError.

    >>> mathml(r"\sigma(z_1)")
    '<math><mi>σ</mi><mo stretchy="false">(</mo><msub><mi>z</mi><mn>1</mn></msub><mo stretchy="false">)</mo></math>'
    """
    if text.count("{") > BRACES:
        raise MathError(f"the formula {text!r:.60} has more than {BRACES} pairs of braces: write several formulas")
    reader = _Reader(text)
    row = reader.row("")
    return f'<math display="block">{row}</math>' if is_display else f"<math>{row}</math>"


class _Reader:
    """Reads the tokens of a formula, the next one at the end of the list."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens = text, TOKEN.findall(text)[::-1]

    def _next(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def row(self, end: str) -> str:
        """What comes before the token `end`, or before the end of the formula."""
        parts = []
        while self._next() != end:
            if not self.tokens:
                raise MathError(f"the formula {self.text!r} has a {{ without its }}")
            parts.append(self._scripted())
        return "".join(parts)

    def _scripted(self) -> str:
        """A part with what is below and above it."""
        is_sum, base, scripts = self._next() == "\\sum", self._part(), {"_": "", "^": ""}
        while self._next() in ("_", "^", "'"):
            mark = self.tokens.pop()
            place, script = ("^", "<mo>′</mo>") if mark == "'" else (mark, self._part())
            if scripts[place]:
                raise MathError(f"the formula {self.text!r} has two {place} for one part: write braces, as in {{x_1}}_2")
            scripts[place] = script
        below, above = scripts.values()
        if not (below or above):
            return base
        under, over = ("under", "over") if is_sum else ("sub", "sup")
        kind = f"m{under if below else ''}{over if above else ''}"
        return f"<{kind}>{base}{below}{above}</{kind}>"

    def _part(self) -> str:
        """A symbol, a number, a command with its arguments, or a group."""
        if not self.tokens:
            raise MathError(f"the formula {self.text!r} ends too early")
        token = self.tokens.pop()
        name = token[1:]
        if token == "{":
            row = self.row("}")
            self.tokens.pop()
            return f"<mrow>{row}</mrow>"
        if token in ("\\frac", "\\sqrt"):
            arguments = "".join(self._argument(token) for _ in range(2 if token == "\\frac" else 1))
            return f"<m{name}>{arguments}</m{name}>"
        if token.startswith("\\text{"):
            return f"<mtext>{html.escape(token[6:-1])}</mtext>"
        if token.startswith("\\"):
            return self._named(token)
        if token in "}_^'":
            raise MathError(f"the formula {self.text!r} has a {token} with nothing before it")
        if token in "()[]|":
            return f'<mo stretchy="false">{token}</mo>'
        kind = "mi" if token.isalpha() else "mn" if token[0].isdigit() else "mo"
        return f"<{kind}>{html.escape('−' if token == '-' else token)}</{kind}>"

    def _argument(self, command: str) -> str:
        if self._next() != "{":
            raise MathError(f"{command} in the formula {self.text!r} needs braces, as in \\frac{{a}}{{b}}")
        return self._part()

    def _named(self, token: str) -> str:
        name = token[1:]
        if name in FUNCTIONS:
            return f"<mi>{name}</mi>"
        if name not in SYMBOLS:
            known = ", ".join(f"\\{each}" for each in ("frac", "sqrt", "text", *SYMBOLS, *FUNCTIONS))
            raise MathError(f"the formula {self.text!r} has an unknown command {token}; the commands are {known}")
        kind = "mi" if name in LETTERS else "mo"
        return f"<{kind}>{SYMBOLS[name]}</{kind}>"
