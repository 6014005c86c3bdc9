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
    """The picture of a graph at the time when `draw` was called. A notebook displays it.

    Attributes
    ----------
    graph : Graph
        The nodes with their numbers.
    picture : Picture
        The boxes and edges.
    """

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
        """Write the picture to a file. An existing file is replaced when the new one is complete.

        Parameters
        ----------
        path : str or path-like
            The file. The ending selects the format: .dot, .mmd and .html, or .svg, .png and .pdf, which need Graphviz.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        RuntimeError
            If the format needs Graphviz and it is not installed.
        ValueError
            If the ending is another one, or the picture is too large for Graphviz.
        OSError
            If the file cannot be written.
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
    """Draw the graph that `value` was computed by, with its current numbers.

    A small graph is drawn node by node. A larger one is collapsed so that it stays readable: the examples of a batch become one,
    weighted sums with their activations become neurons, and neurons become layers. Results with labels of one name and an index,
    such as `head 0[3]`, share a box in a picture of layers.

    Parameters
    ----------
    value : Value
        The output of the graph.
    detail : {"node", "neuron", "layer"}, optional
        What a box stands for. By default the size of the graph decides.
    around : Value, optional
        A node of the graph. Only the nodes near it are drawn.
    radius : int, default 2
        The largest distance from `around`, in edges.
    model : object, optional
        A model with `named_parameters()`. It names the parameters, neurons and layers.
    highlight : collection of (Value, int), optional
        Edges to mark, as pairs of a node and the index of its operand: `draw(y, highlight=chain_rule(y, x).edges)`.
        The graph is then drawn node by node.

    Returns
    -------
    Drawing
        The picture. Call `save` on it to write a file.

    Raises
    ------
    TypeError
        If `value` is not a Value, or `model` has no `named_parameters()`.
    ValueError
        If `detail` or `radius` is invalid, `around` or an edge is not in the graph, or a leaf's `data` was assigned after the graph
        was made.

    Examples
    --------
    >>> x = Value(3.0, label="x")
    >>> print(draw(x * x).mermaid.splitlines()[0])
    flowchart LR
    """
    if not isinstance(value, Value):
        raise TypeError(f"draw takes one Value, got {type(value).__name__}. To draw an element of a list write draw(model(x)[0])")
    if detail not in (None, "node", "neuron", "layer"):
        raise ValueError(f"detail={detail!r} must be 'node', 'neuron', 'layer', or None, so that the size decides")
    graph = snapshot(value, around, radius, model)
    if not highlight:
        return Drawing(graph, _picture(graph, detail))
    return Drawing(graph, highlighted(_picture(graph, "node"), graph, highlight))


SMALL, MEDIUM = 120, 60  # the largest numbers of nodes and of boxes for neurons that are easy to read


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
    """The number of values and constants to draw."""
    drawn = [node for position, node in graph.nodes.items() if first[position] == position]
    return sum(1 + len(node.operands) - len(node.sources) for node in drawn)
