"""draw: a graph as a picture, as text for Graphviz or Mermaid, or as a page that steps through it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograd.draw.dot import dot, render
from autograd.draw.graph import Graph, snapshot
from autograd.draw.picture import Picture, every_node
from autograd.value import Value

__all__ = ["Drawing", "draw"]


@dataclass(frozen=True)
class Drawing:
    """A graph as it was when `draw` was called; shows itself in a notebook."""

    graph: Graph
    picture: Picture

    @cached_property
    def dot(self) -> str:
        """The picture as DOT text."""
        return dot(self.picture)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format that the file's name ends in, and return its path.

        A file with that name is replaced only once the new one is complete. Raises ValueError for another ending.
        """
        path = Path(path)
        form = path.suffix.lower().removeprefix(".")
        if form not in ("svg", "png", "pdf", "dot"):
            raise ValueError(f"cannot draw to {path.name!r}: the name must end in .svg, .png, .pdf, .dot, .mmd or .html")
        content = self.dot.encode() if form == "dot" else render(self.picture, form)
        write(path, content)
        return path

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        try:
            return {"image/svg+xml": render(self.picture, "svg").decode(), "text/plain": self.dot}
        except (RuntimeError, ValueError) as error:
            return {"text/plain": f"{self.dot}\n({error})"}


def draw(value: Value, around: Value | None = None, radius: int = 2, model: object = None) -> Drawing:
    """The graph that `value` was computed by."""
    if not isinstance(value, Value):
        raise TypeError(f"draw takes one Value, got {type(value).__name__}; of a list draw one element, as in draw(model(x)[0])")
    graph = snapshot(value, around, radius, model)
    return Drawing(graph, every_node(graph))


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: under a temporary name beside it, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
