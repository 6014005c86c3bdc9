"""An extension of griffe, which reads the docstrings for the reference: examples in them become blocks of code."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"(?:^>>>.*\n?(?:^(?!\s*$|>>>).*\n?)*)+", re.MULTILINE)


class Doctests(griffe.Extension):
    """Fences each doctest as a session of Python."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(fenced, obj.docstring.value)


def fenced(found: re.Match[str]) -> str:
    code = re.sub(r"\s*# doctest:.*|^<BLANKLINE>$", "", found.group().rstrip(), flags=re.MULTILINE)
    return f"```pycon\n{code}\n```\n"
