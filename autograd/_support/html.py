"""HTML for notebooks: tables, text of fixed width, and pages in a frame."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape


def html_table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """Return a table. Cells are escaped, and aligned to the right if they begin like a number.

    >>> html_table(["name", "size"], [["w", 3]], "a < b")[:60]
    '<table><caption style="caption-side: top; text-align: left; '
    """
    title = f'<caption style="caption-side: top; text-align: left; font-family: monospace">{escape(caption)}</caption>' if caption else ""
    head = "".join(f'<th style="text-align: left; padding: 0 .6em">{escape(each)}</th>' for each in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(content: object) -> str:
    text = str(content)
    side = "right" if text.lstrip("+-")[:1].isdigit() else "left"
    return f'<td style="text-align: {side}; padding: 0 .6em">{escape(text)}</td>'


def html_text(text: str) -> str:
    """Return text of fixed width."""
    return f"<pre>{escape(text)}</pre>"


def framed(page: str, picture: str, words: str, height: int = 520) -> str:
    """Return a page in a frame as wide as the cell, on top of an SVG picture, which is visible where frames and scripts are removed.

    The frame is sandboxed: its scripts run, but cannot reach the notebook.
    """
    source = base64.b64encode(picture.encode()).decode()
    image = f'<img alt="{escape(words)}" src="data:image/svg+xml;base64,{source}" style="max-width: 100%; max-height: {height}px">'
    style = "position: absolute; inset: 0; width: 100%; height: 100%; border: 1px solid #8a9099; border-radius: 6px; background: #fff"
    frame = f'<iframe title="{escape(words)}" sandbox="allow-scripts" style="{style}" srcdoc="{escape(page)}"></iframe>'
    return f'<div style="position: relative; min-height: {height}px">{image}{frame}</div>'
