"""Pictures of every node: boxes, labels, neighbourhoods, colours, highlighted edges."""

import math
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd import Value, chain_rule, mean, tanh
from autograd.draw import draw
from autograd.draw.graph import snapshot
from autograd.draw.picture import spread
from autograd.draw.theme import MARK, THEMES, Theme
from tests.autograd.draw.graphs import lines, network, neuron, parts_of, titles


def test_values_are_boxes_with_their_numbers_and_operations_are_circles() -> None:
    output, _ = neuron()
    boxes = {box.id: box for box in draw(output).picture.boxes}
    assert boxes["v0"].lines == ("w", "data -3", "grad 0.8399")
    assert boxes["v1"].lines == ("x", "data 2", "grad -1.26")
    assert boxes["v5"].lines == ("out", "data 0.7616", "grad 1")
    assert [box.lines for box in boxes.values() if box.kind == "operation"] == [("*",), ("+",), ("tanh",)]
    text = draw(output).dot
    assert re.search(r'v5 \[label="out\\ndata 0.7616\\ngrad 1", shape=box', text)
    assert re.search(r'o5 \[label="tanh", shape=circle', text)


def test_both_edges_of_a_square_are_drawn() -> None:
    x = Value(3.0)
    assert draw(x * x).dot.count("v0 -> o1\n") == 2
    assert draw(x * x).mermaid.count("v0 --> o1\n") == 2


def test_constants_are_drawn_small_and_operands_in_their_order() -> None:
    text = draw(2.5 - Value(1.0)).dot
    assert 'c1_0 [label="2.5", shape=plaintext' in text
    assert text.index("c1_0 -> o1") < text.index("v0 -> o1")
    assert re.search(r'o1 \[label="-".*ordering=in', text)
    assert "ordering" not in draw(Value(1.0) + Value(2.0)).dot


def test_a_single_value_is_one_box() -> None:
    assert lines(draw(Value(1.5))) == [("data 1.5", "grad 0")]


def test_the_same_graph_gives_the_same_text_byte_for_byte() -> None:
    for first, second in ((draw(neuron()[0]), draw(neuron()[0])), (draw(network([3, 4, 2], 20)[1]), draw(network([3, 4, 2], 20)[1]))):
        assert (first.dot, first.mermaid, first.page) == (second.dot, second.mermaid, second.page)


def test_parameters_have_the_names_of_the_model() -> None:
    model = nn.Neuron(2)
    assert titles(draw(model([1.0, 2.0]), model=model))[:3] == ["w[0]", "w[1]", "b"]


# Labels


@settings(deadline=None)
@given(st.text())
def test_any_label_is_shown_as_text(label: str) -> None:
    pygraphviz = pytest.importorskip("pygraphviz")
    a, b = Value(1.0, label), Value(2.0)
    drawing = draw(a * b)
    shown = titles(drawing)[0] if label.split() else ""
    graph = pygraphviz.AGraph(string=drawing.dot)
    assert (len(graph.nodes()), len(graph.edges())) == (4, 3)
    escaped = [line.replace("&", "&amp;").replace("\\", "\\\\") for line in drawing.picture.boxes[0].lines]
    assert graph.get_node("v0").attr["label"] == "\\n".join(escaped)
    assert "\n" not in shown
    assert len(shown) <= 48
    (mermaid_line,) = [line for line in drawing.mermaid.split("\n") if line.startswith("  v0(")]
    assert re.fullmatch(r'  v0\("([\w .,:()+=/#;-]*<br>)?data 1<br>grad 0"\)', mermaid_line)
    assert parts_of(drawing)["v0"]["lines"][0]["text"] == (shown or "data 1")


def test_labels_that_look_like_code() -> None:
    drawing = draw(Value(1.0, '<script>"]; x [ \\n {|} &lt; </script>') * 2.0)
    assert '<script>\\"]; x [ \\\\n {|} &amp;lt; </script>' in drawing.dot
    assert "#60;script#62;#34;#93;; x #91;" in drawing.mermaid.replace("#59;", ";")
    assert drawing.page.count("<script") == 2
    assert drawing.page.count("</script") == 2


@pytest.mark.parametrize("label", ["{{title}}", "{{data}}", "{{script}}"])
def test_labels_that_look_like_places_in_the_page(label: str) -> None:
    output = Value(1.0, label) * 2.0
    output.label = label
    drawing = draw(output)
    assert parts_of(drawing)["v0"]["lines"][0]["text"] == label
    assert f"<title>{label}</title>" in drawing.page


def test_long_labels_are_cut_and_line_ends_removed() -> None:
    assert titles(draw(Value(1.0, "two\nlines\tand\x00more")))[0] == "two lines and\N{REPLACEMENT CHARACTER}more"
    assert titles(draw(Value(1.0, "x" * 60)))[0] == "x" * 47 + "…"


# Neighbourhoods


def test_around_shows_a_neighbourhood_and_counts_the_hidden_nodes() -> None:
    output, x = neuron()
    near = draw(output, around=x, radius=1)
    assert [box.id for box in near.picture.boxes] == ["v1", "o2", "before2", "v2", "after2"]
    assert lines(near)[2] == lines(near)[4] == ("1 more",)
    assert lines(draw(output, around=x, radius=9)) == lines(draw(output))


def test_around_makes_a_large_graph_small() -> None:
    model, cost = network([784, 16, 16, 10])
    near = draw(cost, around=cost, radius=2, model=model)
    assert Counter(box.kind for box in near.picture.boxes)["value"] == 21
    weight = model.layers[0].neurons[0].weights[0]
    assert ("w[0,0,0]", *lines(draw(weight))[0]) in lines(draw(cost, around=weight, radius=0, model=model))


def test_only_the_neighbourhood_becomes_nodes() -> None:
    x = y = Value(0.5, "x")
    for _ in range(1000):
        y = y * 1.01
    graph = snapshot([y], around=x, radius=1)
    assert list(graph.nodes) == [0, 1]
    assert graph.hidden == {1: [2]}
    assert len(graph.order) == 1001
    assert lines(draw(y, around=x, radius=10**9)) == lines(draw(y))


def test_a_large_neighbourhood_folds() -> None:
    w = Value(0.5, "w")
    inputs = [Value(x, f"x{index}") for index, x in enumerate(np.linspace(-1, 1, 150).tolist())]
    cost = mean([tanh(w * x) for x in inputs])
    near = draw(cost, around=inputs[7], radius=3)  # every product, through w; their tanh and the sum only for this one
    assert ("× 150", "data -0.5 to 0.5", "grad 0") in lines(near)
    assert ("tanh",) in lines(near)
    assert {box.id for box in near.picture.boxes} >= {end for edge in near.picture.edges for end in (edge.tail, edge.head)}


@pytest.mark.parametrize("options", [{}, {"radius": 1}])
def test_a_drawing_does_not_change_with_its_graph(options: dict[str, Any]) -> None:
    x, w = Value(2.0, "x"), Value(3.0, "w")
    y = x * w
    same, drawing = [draw(y * y, around=x if options else None, **options) for _ in range(2)]
    before = same.dot, same.mermaid, same.page
    for node in (x, w, y):
        node.data, node.label, node.grad = 50.0, "changed", 7.0
    assert (drawing.dot, drawing.mermaid, drawing.page) == before


def luminance(hexadecimal: str) -> float:
    channels = [int(hexadecimal[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_text_and_lines_have_enough_contrast() -> None:
    for theme in THEMES.values():
        assert all(contrast(theme.ink, fill) >= 4.5 for fill in (*theme.shades, theme.operation))
        assert all(contrast(theme.line, behind) >= 3 for behind in ([theme.paper] if theme.paper else ["#ffffff", "#14161a"]))


def test_colour_is_the_sign_and_size_of_the_gradient() -> None:
    theme = Theme()
    assert theme.color(0.0, 2.0) == theme.zero
    assert theme.color(2.0, 2.0) == theme.positive[-1]
    assert theme.color(-2.0, 2.0) == theme.negative[-1]
    assert theme.color(0.001, 2.0) == theme.positive[0]
    assert theme.color(math.nan, 2.0) == theme.color(-math.inf, 2.0) == theme.not_finite
    assert theme.color(0.0, 0.0) == theme.zero


def test_numbers_that_are_not_finite_are_drawn() -> None:
    x = Value(0.0, "x")
    y = x**0.5
    y.backward()
    drawing = draw(y)
    assert ("x", "data 0", "grad inf") in lines(drawing)
    assert Theme().not_finite in drawing.dot
    assert "grad inf" in drawing.page
    assert spread([1.0, math.nan]) == "nan"


def test_highlighted_edges_are_marked() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    y = (x * w).tanh() + x
    drawn = draw(y, highlight=chain_rule(y, w).edges).dot
    assert drawn.count(MARK) == 6  # w to *, to its result, to tanh, to its result, to +, to the output
    assert draw(y, highlight=chain_rule(y, x).edges).dot.count(MARK) == 7  # and x to +
    assert MARK not in draw(y).dot
    with pytest.raises(ValueError, match=r"highlight has an edge to .* that is not in the graph of"):
        draw(y, highlight={(x * x, 0)})
