"""A picture as Mermaid, the language for diagrams in Markdown."""

from __future__ import annotations

import re

from autograd.draw.picture import Edge, Picture

OPEN = {"value": "(", "group": "[", "operation": "((", "constant": ">", "more": ">"}
CLOSE = {"value": ")", "group": "]", "operation": "))", "constant": "]", "more": "]"}


def mermaid(picture: Picture) -> str:
    """The picture as a Mermaid flowchart. The same picture gives the same text, byte for byte."""
    boxes = [f"  {box.id}{OPEN[box.kind]}{quoted(*box.lines)}{CLOSE[box.kind]}" for box in picture.boxes]
    filled = [box for box in picture.boxes if box.kind in ("value", "group")]
    fills = [f"  style {box.id} fill:{picture.color(box)},color:{picture.theme.ink}" for box in filled]
    return "\n".join([f"flowchart {'TB' if picture.direction == 'down' else 'LR'}", *boxes, *map(_edge, picture.edges), *fills]) + "\n"


def _edge(edge: Edge) -> str:
    return f"  {edge.tail} -->{f'|{edge.count}|' if edge.count > 1 else ''} {edge.head}"


def quoted(*lines: str) -> str:
    """Text as a quoted Mermaid string. Characters with a meaning in Mermaid or Markdown are written as numbers."""
    escaped = [re.sub(r"[^\w .,:()+=/-]|[.+-](?= )", lambda sign: f"#{ord(sign[0])};", line) for line in lines]
    return '"' + "<br>".join(escaped) + '"'
