"""A griffe extension for the reference: examples in docstrings become code blocks."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"(?:^>>>.*\n?(?:^(?!\s*$|>>>).*\n?)*)+", re.MULTILINE)


class Doctests(griffe.Extension):
    """Puts a code fence around each doctest."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(fenced, obj.docstring.value)


def fenced(found: re.Match[str]) -> str:
    code = re.sub(r"\s*# doctest:.*|^<BLANKLINE>$", "", found.group().rstrip(), flags=re.MULTILINE)
    return f"```pycon\n{code}\n```\n"
