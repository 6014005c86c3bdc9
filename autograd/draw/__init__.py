"""draw: a graph as a picture, as text for Graphviz or Mermaid, or as a page that steps through it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from autograd._support import check_whole, framed, garbage_collection_paused, replacing
from autograd.draw.collapse import Collapse, Group
from autograd.draw.dot import dot, render
from autograd.draw.fold_batch import fold
from autograd.draw.graph import Graph, Text, snapshot
from autograd.draw.mermaid import mermaid
from autograd.draw.page import page
from autograd.draw.part_tree import found_names, prefixes
from autograd.draw.picture import Picture, captioned, compact, every_node, groups, highlighted
from autograd.draw.svg import svg
from autograd.draw.theme import chosen_theme
from autograd.names import in_words
from autograd.value import Value

__all__ = ["Drawing", "draw"]


@dataclass(frozen=True, repr=False)
class Drawing:
    """The picture of a graph at the time when `draw` was called.

    A notebook displays it as the interactive page, fitted to the cell; places that run no scripts show the static picture.

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
    def svg(self) -> str:
        """The picture as SVG text. Raises ValueError if it is too large to lay out."""
        return svg(self.picture)

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
            The file. The ending selects the format: .svg, .html for the interactive page, .dot for Graphviz, .mmd for Mermaid, or
            .png and .pdf, which need the package pygraphviz or Graphviz itself.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        RuntimeError
            If the format needs Graphviz and it is not installed.
        ValueError
            If the ending is another one, or the picture is too large to lay out.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        form = path.suffix.lower().removeprefix(".")
        texts = {"svg": "svg", "dot": "dot", "mmd": "mermaid", "html": "page"}
        if form in texts:
            content = getattr(self, texts[form]).encode()
        elif form in ("png", "pdf"):
            content = render(self.picture, form)
        else:
            raise ValueError(f"cannot draw to {path.name!r}: the name must end in .svg, .png, .pdf, .dot, .mmd or .html")
        with replacing(path) as file:
            file.write(content)
        return path

    def __repr__(self) -> str:
        boxes = len(self.picture.boxes)
        return f"Drawing of {self.graph.title}: {boxes} box{'es' * (boxes > 1)}. save('graph.svg') writes it"

    def _repr_html_(self) -> str:
        """The page in a frame, over the static picture."""
        return framed(self.page, self.svg, f"the graph of {self.graph.title}")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        try:
            return {"text/html": self._repr_html_(), "image/svg+xml": self.svg, "text/plain": repr(self)}
        except ValueError as error:  # too large
            return {"text/plain": f"{self!r} ({error})"}


@garbage_collection_paused()
def draw(
    value: Value | Iterable[Value] | Mapping[str, Value],
    detail: Literal["node", "neuron", "layer"] | None = None,
    around: Value | None = None,
    radius: int = 2,
    model: object = None,
    highlight: Collection[tuple[Value, int]] = (),
    *,
    since: Drawing | None = None,
    show: Collection[Literal["data", "grad", "formula", "line"]] = ("data", "grad"),
    digits: int = 4,
    direction: Literal["right", "down"] = "right",
    theme: Literal["light", "dark", "print"] = "light",
    colors: tuple[str, str] | None = None,
) -> Drawing:
    """Draw the graph that `value` was computed by, with its current numbers.

    A small graph is drawn node by node. A larger one is collapsed so that it stays readable: the examples of a batch become one,
    weighted sums with their activations become neurons, and neurons become layers. Results with labels of one name and an index,
    such as `head 0[3]`, share a box in a picture of layers.

    Parameters
    ----------
    value : Value, iterable of Value, or mapping of str to Value
        The output of the graph, or several, such as `model(x)` or `{"before": y, "after": z}`. The names of a mapping label them.
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
    since : Drawing, optional
        A drawing of the same computation at an earlier time. Boxes show the numbers of both times, and their colour is the change of
        the data.
    show : collection of {"data", "grad", "formula", "line"}, default ("data", "grad")
        What is written in the boxes of nodes, below their labels: numbers, gradients, the operation with its operands, and the line
        of code, which is known for graphs that are made inside `with anomaly():`. The interactive page always shows numbers and gradients.
    digits : int, default 4
        The number of significant digits.
    direction : {"right", "down"}, default "right"
        Where the output is.
    theme : {"light", "dark", "print"}, default "light"
        Light is transparent, dark has a dark background, and print is black and white, with dashed boxes for negative gradients.
    colors : pair of str, optional
        The colours of the largest negative and positive gradient, such as `("#f7a24a", "#62a5da")`.

    Returns
    -------
    Drawing
        The picture. Call `save` on it to write a file.

    Raises
    ------
    TypeError
        If `value` contains anything but Values, `model` has no `named_parameters()`, or `since` is not a Drawing.
    ValueError
        If an option is invalid, `around` or an edge is not in the graph, `since` is a drawing of another graph, or a leaf's `data` was
        assigned after the graph was made.

    Examples
    --------
    >>> x = Value(3.0, label="x")
    >>> print(draw(x * x).mermaid.splitlines()[0])
    flowchart LR
    """
    outputs = _outputs(value)
    if detail not in (None, "node", "neuron", "layer"):
        raise ValueError(f"detail={detail!r} must be 'node', 'neuron', 'layer', or None, so that the size decides")
    if direction not in ("right", "down"):
        raise ValueError(f"direction={direction!r} must be 'right' or 'down'")
    if not isinstance(since, (Drawing, type(None))):
        raise TypeError(f"since={since!r:.60} must be what draw(...) returned at an earlier time")
    graph = snapshot(list(outputs), around, radius, model, outputs, _text(show, digits))
    if "line" in graph.text.show and not any(node.line for node in graph.order):
        raise ValueError("show='line' needs a graph that was made inside `with anomaly():`, which stores the lines of code")
    if since is not None:
        graph = graph.since(since.graph)
    picture = _picture(graph, "node" if highlight else detail)
    if highlight:
        picture = highlighted(picture, graph, highlight)
    picture = replace(picture, theme=chosen_theme(theme, colors), direction=direction, is_chosen=detail is not None)
    return Drawing(graph, captioned(picture, graph))


def _outputs(value: Any) -> dict[Value, str]:
    """The outputs to draw, in their order, with their labels, which may be empty."""
    if isinstance(value, Value):
        return {value: ""}
    given = list(value.items()) if isinstance(value, Mapping) else [("", each) for each in value] if isinstance(value, Iterable) else []
    if not given or not all(isinstance(each, Value) for _, each in given):
        kinds = sorted({type(each).__name__ for _, each in given if not isinstance(each, Value)})
        found = f"{type(value).__name__} of {' and '.join(kinds)}" if kinds else f"{type(value).__name__} {value!r:.60}"
        raise TypeError(f"draw takes a Value, or a list or dictionary of Values, got {found}")
    outputs: dict[Value, str] = {}
    for name, each in given:
        outputs[each] = f"{outputs[each]}, {name}" if outputs.get(each) else str(name)
    return outputs


def _text(show: Any, digits: int) -> Text:
    shown = (show,) if isinstance(show, str) else tuple(show)
    known = ("data", "grad", "formula", "line")
    if unknown := [each for each in shown if each not in known]:
        raise ValueError(f"show has {unknown[0]!r}: it can have {', '.join(map(repr, known))}")
    check_whole("digits", digits, least=1, meaning="the number of significant digits")
    return Text(shown, int(digits))


SMALL, FEW, MEDIUM = 120, 40, 60  # the largest numbers of nodes, of nodes of several neurons, and of neurons that are easy to read


def _picture(graph: Graph, detail: str | None) -> Picture:
    first: Sequence[int] = range(len(graph.order))
    can_fold = len(graph.outputs) == 1
    if can_fold and (detail in ("neuron", "layer") or _size(graph, first) > (FEW if detail is None else SMALL)):
        first = fold(graph)
    size = _size(graph, first)
    if detail == "node" or (detail is None and size <= FEW):
        return compact(every_node(graph, first), graph)
    collapse = Collapse(graph, first)
    if detail is None and size <= SMALL and len([unit for unit in collapse.units if unit.kind == "neuron"]) <= 1:
        return compact(every_node(graph, first), graph)
    found = {} if graph.names else found_names(collapse)[0]
    if found:
        collapse.graph = graph.called(found, {})
    if detail == "neuron" or (detail is None and collapse.has_neurons):
        picture = compact(groups(collapse, _in_words(collapse.neurons(), found), "neuron"), graph)
        if detail == "neuron" or (len(picture.boxes) <= MEDIUM and len(picture.edges) <= 2 * MEDIUM):
            return picture
    return groups(collapse, _in_words(collapse.layers(), found), "layer")


def _in_words(found: Sequence[Group], names: Mapping[int, str]) -> list[Group]:
    """The groups, with titles that were found in the graph in words: `layer 0, neuron 3` is not an expression that the user wrote."""
    titles = {each for name in names.values() for each in prefixes(name)}
    return [replace(group, title=in_words(group.title)) if group.title in titles else group for group in found]


def _size(graph: Graph, first: Sequence[int]) -> int:
    """The number of values and constants to draw."""
    drawn = [node for position, node in graph.nodes.items() if first[position] == position]
    constants = [len(node.operands) - len(node.sources) for node in drawn]
    return sum(1 + (min(1, count) if node.op and node.op.variadic else count) for node, count in zip(drawn, constants))
