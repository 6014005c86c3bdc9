"""HTML for notebooks: tables, and text of fixed width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def html_table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """Return a table. Cells are escaped, and aligned to the right if they begin like a number.

    >>> html_table(["name", "size"], [["w", 3]], "a < b")[:60]
    '<table><caption style="caption-side: top; text-align: left; '
    """
    title = f'<caption style="caption-side: top; text-align: left; font-family: monospace">{escape(caption)}</caption>' if caption else ""
    head = "".join(f'<th style="text-align: left">{escape(each)}</th>' for each in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(content: object) -> str:
    text = str(content)
    side = "right" if text.lstrip("+-")[:1].isdigit() else "left"
    return f'<td style="text-align: {side}">{escape(text)}</td>'


def html_text(text: str) -> str:
    """Return text of fixed width."""
    return f"<pre>{escape(text)}</pre>"
