"""draw: a graph as a picture, as text for Graphviz or Mermaid, or as a page that steps through it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from autograd._support import replacing
from autograd.draw.collapse import Collapse
from autograd.draw.dot import dot, render
from autograd.draw.fold_batch import fold
from autograd.draw.graph import Graph, snapshot
from autograd.draw.mermaid import mermaid
from autograd.draw.page import page
from autograd.draw.picture import Picture, every_node, groups, highlighted
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

    @cached_property
    def mermaid(self) -> str:
        """The picture as Mermaid text."""
        return mermaid(self.picture)

    @cached_property
    def page(self) -> str:
        """A self-contained HTML page that steps through the graph, forward and backward."""
        return page(self.graph, self.picture)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format that the file's name ends in, and return its path.

        .dot, .mmd and .html need no other program; .svg, .png and .pdf need Graphviz, and raise RuntimeError without
        it, or ValueError for a picture too large to lay out. Raises ValueError for another ending. A file of that name
        is replaced only once the new one is complete.
        """
        path = Path(path)
        form = path.suffix.lower().removeprefix(".")
        texts = {"dot": "dot", "mmd": "mermaid", "html": "page"}
        if form in texts:
            content = getattr(self, texts[form]).encode()
        elif form in ("svg", "png", "pdf"):
            content = render(self.picture, form)
        else:
            raise ValueError(f"cannot draw to {path.name!r}: the name must end in .svg, .png, .pdf, .dot, .mmd or .html")
        with replacing(path) as file:
            file.write(content)
        return path

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        try:
            return {"image/svg+xml": render(self.picture, "svg").decode(), "text/plain": self.dot}
        except (RuntimeError, ValueError) as error:
            return {"text/plain": f"{self.dot}\n({error})"}


def draw(
    value: Value,
    detail: Literal["node", "neuron", "layer"] | None = None,
    around: Value | None = None,
    radius: int = 2,
    model: object = None,
    highlight: Collection[tuple[Value, int]] = (),
) -> Drawing:
    """The graph that `value` was computed by, with the numbers of this moment, as a picture.

    A small graph is drawn node by node. A larger one is collapsed as far as it must be to stay readable: the
    examples of a batch fold into one, then weighted sums with their activations become neurons, and neurons
    layers; `detail` chooses. `around` shows only what is at most `radius` edges from that node. A `model`,
    anything with `named_parameters()`, gives its names to parameters, neurons and layers. `highlight` marks edges, each
    a node and the index of its operand, as in `draw(y, highlight=chain_rule(y, x).edges)`; the graph is then drawn in full.

    >>> x = Value(3.0, label="x")
    >>> print(draw(x * x).mermaid.splitlines()[0])
    flowchart LR
    """
    if not isinstance(value, Value):
        raise TypeError(f"draw takes one Value, got {type(value).__name__}; of a list draw one element, as in draw(model(x)[0])")
    if detail not in (None, "node", "neuron", "layer"):
        raise ValueError(f"detail={detail!r} must be 'node', 'neuron', 'layer', or None to let the size decide")
    graph = snapshot(value, around, radius, model)
    if not highlight:
        return Drawing(graph, _picture(graph, detail))
    return Drawing(graph, highlighted(_picture(graph, "node"), graph, highlight))


SMALL, MEDIUM = 120, 60  # nodes drawn one by one, boxes of neurons: what a person can read


def _picture(graph: Graph, detail: str | None) -> Picture:
    first: Sequence[int] = range(len(graph.order))
    if detail not in (None, "node") or _size(graph, first) > SMALL:
        first = fold(graph)
    if detail == "node" or (detail is None and _size(graph, first) <= SMALL):
        return every_node(graph, first)
    collapse = Collapse(graph, first)
    if detail == "neuron" or (detail is None and collapse.has_neurons):
        picture = groups(collapse, collapse.neurons(), "neuron")
        if detail == "neuron" or (len(picture.boxes) <= MEDIUM and len(picture.edges) <= 2 * MEDIUM):
            return picture
    return groups(collapse, collapse.layers(), "layer")


def _size(graph: Graph, first: Sequence[int]) -> int:
    """How many values and constants there are to draw, one by one."""
    drawn = [node for position, node in graph.nodes.items() if first[position] == position]
    return sum(1 + len(node.operands) - len(node.sources) for node in drawn)
