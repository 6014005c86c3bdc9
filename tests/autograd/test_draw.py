"""draw: every node and edge is there, large graphs collapse rightly, and no label is ever read as anything but text."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd import Value, chain_rule, maximum, mean, ops, primitive, relu, sigmoid, tanh, total, vectorize, weighted_sum
from autograd.draw import Drawing, draw
from autograd.draw.collapse import Collapse, Group, above
from autograd.draw.fold_batch import fold
from autograd.draw.formulas import Formula, names, partial_formulas
from autograd.draw.graph import snapshot
from autograd.draw.page import FOLDER, SCRIPTS
from autograd.draw.picture import INK, LINE, MARK, NEGATIVE, NOT_FINITE, POSITIVE, ZERO, color, spread
from autograd.draw.sweep import Sweep
from autograd.ops import Operation

Detail = Literal["node", "neuron", "layer"]


def neuron() -> tuple[Value, Value]:
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(7.0, "b")
    output = tanh(w * x + b)
    output.label = "out"
    output.backward()
    return output, x


def lines(drawing: Drawing) -> list[tuple[str, ...]]:
    return [box.lines for box in drawing.picture.boxes]


def titles(drawing: Drawing) -> list[str]:
    return [each[0] for each in lines(drawing)]


def network(sizes: list[int], examples: int = 1, **options: Any) -> tuple[nn.MLP, Value]:
    """A network, and its mean squared error on examples of plain numbers, differentiated."""
    model = nn.MLP(sizes, **options)
    rng = np.random.default_rng(0)
    costs = [
        nn.squared_error(model(x), y) for x, y in zip(rng.random((examples, sizes[0])).tolist(), rng.random((examples, sizes[-1])).tolist())
    ]
    cost = mean(costs) if examples > 1 else costs[0]
    cost.backward()
    return model, cost


# Node by node


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


def test_a_lone_value_is_one_box() -> None:
    assert lines(draw(Value(1.5))) == [("data 1.5", "grad 0")]


def test_a_drawing_keeps_the_numbers_of_its_moment() -> None:
    output, x = neuron()
    drawing = draw(output)
    x.data, x.grad, x.label = 9.0, 9.0, "changed"
    assert ("x", "data 2", "grad -1.26") in lines(drawing)
    assert "changed" not in drawing.dot


def test_the_same_graph_gives_the_same_text_byte_for_byte() -> None:
    for first, second in ((draw(neuron()[0]), draw(neuron()[0])), (draw(network([3, 4, 2], 20)[1]), draw(network([3, 4, 2], 20)[1]))):
        assert (first.dot, first.mermaid, first.page) == (second.dot, second.mermaid, second.page)


def test_what_model_calls_a_parameter_labels_it() -> None:
    model = nn.Neuron(2)
    assert titles(draw(model([1.0, 2.0]), model=model))[:3] == ["w[0]", "w[1]", "b"]


# Labels


@settings(deadline=None)
@given(st.text())
def test_any_label_is_shown_and_never_run(label: str) -> None:
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
    assert told(drawing)["v0"]["lines"][0]["text"] == (shown or "data 1")


def test_labels_that_look_like_code() -> None:
    drawing = draw(Value(1.0, '<script>"]; x [ \\n {|} &lt; </script>') * 2.0)
    assert '<script>\\"]; x [ \\\\n {|} &amp;lt; </script>' in drawing.dot
    assert "#60;script#62;#34;#93;; x #91;" in drawing.mermaid.replace("#59;", ";")
    assert drawing.page.count("<script") == 2
    assert drawing.page.count("</script") == 2


def test_long_labels_and_line_ends_are_made_to_fit() -> None:
    assert titles(draw(Value(1.0, "two\nlines\tand\x00more")))[0] == "two lines and\N{REPLACEMENT CHARACTER}more"
    assert titles(draw(Value(1.0, "x" * 60)))[0] == "x" * 47 + "…"


# Neighbourhoods


def test_around_shows_a_neighbourhood_and_says_what_is_left_out() -> None:
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
    graph = snapshot(y, around=x, radius=1)
    assert list(graph.nodes) == [0, 1]
    assert graph.hidden == {1: [2]}
    assert len(graph.order) == 1001
    assert lines(draw(y, around=x, radius=10**9)) == lines(draw(y))


def test_a_large_neighbourhood_folds_among_what_it_shows() -> None:
    w = Value(0.5, "w")
    inputs = [Value(x, f"x{index}") for index, x in enumerate(np.linspace(-1, 1, 150).tolist())]
    cost = mean([tanh(w * x) for x in inputs])
    near = draw(cost, around=inputs[7], radius=3)  # every product, by way of w; their tanh and the sum only for this one
    assert ("× 150", "data -0.5 to 0.5", "grad 0") in lines(near)
    assert ("tanh",) in lines(near)
    assert {box.id for box in near.picture.boxes} >= {end for edge in near.picture.edges for end in (edge.tail, edge.head)}


def test_a_page_of_a_neighbourhood_keeps_the_numbers_of_its_moment() -> None:
    x, w = Value(2.0, "x"), Value(3.0, "w")
    y = x * w
    drawings = [draw(y * y, around=x, radius=1) for _ in range(2)]
    before = drawings[0].page
    y.data, w.data, w.label, w.grad = 50.0, 60.0, "changed", 7.0
    assert drawings[1].page == before


# Collapsing


def test_a_network_of_13002_parameters_becomes_its_layers() -> None:
    model, cost = network([784, 16, 16, 10], activation=sigmoid, output_activation=sigmoid)
    drawing = draw(cost, model=model)
    assert titles(drawing) == ["layers[0]", "layers[1]", "layers[2]", "10 × subtract", "10 × power", "total", "784 numbers"]
    first = lines(drawing)[0]
    parameters = model.layers[0].parameters()
    assert first[1:5] == (
        "16 × sigmoid(weighted sum)",
        "12560 parameters:",
        f"data {spread(each.data for each in parameters)}",
        f"grad {spread(each.grad for each in parameters)}",
    )
    counts = {(edge.tail, edge.head): edge.count for edge in drawing.picture.edges}
    assert counts["g0", "g1"] == 256
    assert counts["g1", "g2"] == 160
    assert len(drawing.picture.edges) == 6


def test_layers_are_found_without_a_model_too() -> None:
    _, cost = network([784, 16, 16, 10], activation=sigmoid)
    assert titles(draw(cost))[:3] == ["16 × sigmoid(weighted sum)"] * 2 + ["10 × weighted sum"]


def test_neurons_have_a_box_each() -> None:
    model, cost = network([3, 4, 2])
    drawing = draw(cost, detail="neuron", model=model)
    assert {name for name in titles(drawing) if name.startswith("layers")} == {
        *[f"layers[0].neurons[{index}]" for index in range(4)],
        *[f"layers[1].neurons[{index}]" for index in range(2)],
    }
    box = dict(zip(titles(drawing), lines(drawing)))["layers[0].neurons[3]"]
    one = model.layers[0].neurons[3]
    assert box[1:] == (
        "tanh(weighted sum)",
        "4 parameters:",
        f"data {spread(each.data for each in one.parameters())}",
        f"grad {spread(each.grad for each in one.parameters())}",
        "output:",
        *box[-2:],
    )
    assert len(box) == 8


def micrograd_cost(examples: int, sizes: tuple[int, ...] = (2, 5, 3, 1)) -> tuple[list[Value], Value]:
    """A network in micrograd's manner, of + and *, with inputs that are Values and a penalty on the parameters."""
    rng = np.random.default_rng(1)
    layers = [[([Value(w) for w in rng.normal(size=a)], Value(0.0)) for _ in range(b)] for a, b in pairwise(sizes)]
    parameters = [each for layer in layers for weights, bias in layer for each in (*weights, bias)]
    costs = []
    for row in rng.normal(size=(examples, sizes[0])):
        x: list[Any] = [Value(each) for each in row]
        for layer in layers:
            x = [tanh(sum((w * each for w, each in zip(weights, x)), bias)) for weights, bias in layer]
        costs.append(relu(1 + -1.0 * x[0]))
    cost = sum(costs) * (1.0 / examples) + 1e-4 * sum(p * p for p in parameters)
    cost.backward()
    return parameters, cost


def test_neurons_are_found_in_sums_of_products_and_examples_fold() -> None:
    parameters, cost = micrograd_cost(30)
    drawing = draw(cost, detail="layer")
    layers = [each for each in lines(drawing) if "tanh(weighted sum)" in each[0]]
    assert [each[0] for each in layers] == ["5 × tanh(weighted sum)", "3 × tanh(weighted sum)", "tanh(weighted sum)"]
    assert [each[1:3] for each in layers] == [("30 examples", f"{count} parameters:") for count in (15, 18, 4)]
    assert {"sum of 30", f"sum of {len(parameters)}"} <= set(titles(drawing))
    (inputs,) = [each for each in lines(drawing) if each[0] == "2 leaves"]
    assert inputs[1] == "30 examples"


def test_a_small_graph_of_few_examples_is_folded_node_by_node_when_it_must_be() -> None:
    w = Value(0.5, "w")
    cost = mean([tanh(w * x) for x in np.linspace(-1, 1, 100).tolist()])
    cost.backward()
    drawing = draw(cost)
    assert {box.kind for box in drawing.picture.boxes} == {"value", "operation", "constant"}
    assert ("× 100", "data -0.4621 to 0.4621", "grad 0.01") in lines(drawing)
    assert ("-1 to 1",) in lines(drawing)
    assert not drawing.picture.is_exact
    assert [edge.count for edge in drawing.picture.edges if edge.count > 1] == [100]


def test_sums_within_an_example_fold_with_it() -> None:
    _, cost = network([2, 3, 2], 5)
    graph = snapshot(cost)
    totals = [position for position, node in graph.nodes.items() if node.op is ops.total_]
    first = fold(graph)
    assert len(totals) == 6
    assert {first[each] for each in totals} == {totals[0], totals[-1]}


@primitive(2.0)
def twice(x: Any) -> Any:
    return 2 * x


@pytest.mark.parametrize(
    ("together", "folds"),
    [
        (lambda costs: total(costs) / 100, True),
        (lambda costs: costs[0] - total(costs[1:]), True),
        (lambda costs: weighted_sum([0.01] * 100, costs), True),
        (lambda costs: twice(total(costs)), True),
        (lambda costs: 1 / total(costs), False),
        (lambda costs: weighted_sum(costs, costs), False),
    ],
)
def test_examples_are_the_terms_below_whatever_adds_up(together: Callable[[list[Value]], Value], folds: bool) -> None:
    w = Value(0.5, "w")
    graph = snapshot(together([tanh(w * x) for x in np.linspace(-1, 1, 100).tolist()]))
    assert (len(set(fold(graph))) < 20) is folds


def test_outputs_that_share_hidden_neurons_are_no_examples() -> None:
    _, cost = network([2, 3, 4])
    graph = snapshot(cost)
    assert fold(graph) == list(range(len(graph.nodes)))


def test_recurrent_steps_with_shared_weights_stay_apart() -> None:
    u, w, b = Value(0.5, "u"), Value(0.3, "w"), Value(0.1, "b")
    state: Any = 0.0
    for step in range(5):
        state = tanh(weighted_sum([u, w], [float(step), state], b))
    drawing = draw(state, detail="neuron")
    assert sum(each[0] == "tanh(weighted sum)" for each in lines(drawing)) == 5
    assert "u … b" in titles(drawing)


def test_activations_by_composition_belong_to_their_neurons() -> None:
    def swish(x: Any) -> Any:
        return x * sigmoid(x)

    _, cost = network([2, 3, 2], activation=swish)
    found = [each[0] for each in lines(draw(cost, detail="layer"))]
    assert found[0] == "3 × weighted sum, sigmoid, multiply"
    assert found[1] == "2 × weighted sum"


def test_a_compiled_cost_is_one_node_with_its_parameters_by_layer() -> None:
    model = nn.MLP([2, 16, 16, 1], activation=relu)
    X, y = nn.moons(20)
    cost = vectorize(lambda x, target: nn.squared_error(model(x), target)).mean(X, y)
    cost.backward()
    assert titles(draw(cost, model=model)) == ["layers[0]", "layers[1]", "layers[2]", cost.op.name if cost.op else ""]
    assert len(titles(draw(cost))) == 2


@pytest.mark.parametrize("kind", ["chain", pytest.param("tangle", marks=pytest.mark.soak)])
def test_a_hundred_thousand_nodes_collapse_to_a_few(kind: str) -> None:
    rng = np.random.default_rng(0)
    nodes = [Value(0.5) for _ in range(50)]
    picks = rng.integers(1, 2 if kind == "chain" else 50, size=(100_000, 2)).tolist()
    for index, (a, b) in enumerate(picks):
        nodes.append(nodes[-a] * 1.0001 if index % 3 else nodes[-a] + nodes[-b])
    drawing = draw(nodes[-1])
    assert 1 < len(drawing.picture.boxes) <= 300
    assert len(drawing.picture.edges) <= 900


MAKERS: list[Callable[..., Any]] = [
    lambda a, b, c: a * b,
    lambda a, b, c: a + b,
    lambda a, b, c: tanh(a),
    lambda a, b, c: weighted_sum([a, b], [b, 2.0], c),
    lambda a, b, c: total([a, b, c]),
    lambda a, b, c: 1 - a,
]


@settings(deadline=None)
@given(st.data())
def test_collapsing_loses_and_repeats_nothing(data: st.DataObject) -> None:
    nodes: list[Any] = [Value(float(index)) for index in range(data.draw(st.integers(1, 5)))]
    for _ in range(data.draw(st.integers(1, 40))):
        operands = [nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(3)]
        nodes.append(data.draw(st.sampled_from(MAKERS))(*operands))
    output = total(nodes[-3:])
    graph = snapshot(output)
    collapse = Collapse(graph, fold(graph))
    for groups in (collapse.neurons(), collapse.layers(), collapse.bands()):
        members = [position for group in groups for unit in group.units for member in unit.members for position in collapse.alike[member]]
        assert sorted(members) == list(range(len(graph.nodes)))
    for groups in (collapse.neurons(), collapse.layers()):
        assert_no_cycle(collapse, groups)
    for detail in ("node", "neuron", "layer", None):
        drawing = draw(output, detail=detail)
        ids = [box.id for box in drawing.picture.boxes]
        assert len(ids) == len(set(ids))
        assert {end for edge in drawing.picture.edges for end in (edge.tail, edge.head)} <= set(ids)


def assert_no_cycle(collapse: Collapse, groups: list[Group]) -> None:
    group_of = {id(unit): index for index, group in enumerate(groups) for unit in group.units}
    before: dict[int, set[int]] = {index: set() for index in range(len(groups))}
    for member, sources in collapse.sources.items():
        head = group_of[id(collapse.unit_of[member])]
        before[head] |= {group_of[id(collapse.unit_of[source])] for source in sources} - {head}
    while before:
        free = [index for index, needs in before.items() if not needs & before.keys()]
        assert free, "boxes that lead to each other"
        for index in free:
            del before[index]


def test_names_lose_their_last_parts() -> None:
    assert above("layers[0].neurons[3].weights[17]", 1) == "layers[0].neurons[3]"
    assert above("layers[0].neurons[3].weights[17]", 2) == "layers[0]"
    assert above("cells['a.b'].bias", 1) == "cells['a.b']"
    assert above("bias", 1) == ""


# Colour


def luminance(hexadecimal: str) -> float:
    channels = [int(hexadecimal[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_text_is_legible_on_every_fill_and_lines_on_light_and_dark() -> None:
    assert all(contrast(INK, fill) >= 4.5 for fill in (*NEGATIVE, ZERO, *POSITIVE, NOT_FINITE))
    assert all(contrast(LINE, behind) >= 3 for behind in ("#ffffff", "#14161a"))


def test_colour_is_the_sign_and_size_of_the_gradient() -> None:
    assert color(0.0, 2.0) == ZERO
    assert color(2.0, 2.0) == POSITIVE[-1]
    assert color(-2.0, 2.0) == NEGATIVE[-1]
    assert color(0.001, 2.0) == POSITIVE[0]
    assert color(math.nan, 2.0) == color(-math.inf, 2.0) == NOT_FINITE
    assert color(0.0, 0.0) == ZERO


def test_numbers_that_are_not_finite_are_drawn() -> None:
    x = Value(0.0, "x")
    y = x**0.5
    y.backward()
    drawing = draw(y)
    assert ("x", "data 0", "grad inf") in lines(drawing)
    assert NOT_FINITE in drawing.dot
    assert "grad inf" in drawing.page
    assert spread([1.0, math.nan]) == "nan"


# Files


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_are_rendered(ending: str, start: bytes, tmp_path: Path) -> None:
    pytest.importorskip("pygraphviz")
    path = draw(neuron()[0]).save(tmp_path / f"g.{ending}")
    assert path.read_bytes().startswith(start)
    assert [each.name for each in tmp_path.iterdir()] == [f"g.{ending}"]


def test_the_systems_graphviz_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "dot"
    script.write_text("#!/bin/sh\ncat > /dev/null\necho '<svg>by the system</svg>'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert draw(Value(1.0)).save(tmp_path / "g.svg").read_text() == "<svg>by the system</svg>\n"


def test_text_and_page_need_no_graphviz_and_pictures_say_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    drawing = draw(neuron()[0])
    assert drawing.save(str(tmp_path / "g.dot")).read_text() == drawing.dot
    assert drawing.save(tmp_path / "g.mmd").read_text() == drawing.mermaid
    assert drawing.save(tmp_path / "g.HTML").read_text() == drawing.page
    with pytest.raises(RuntimeError, match=r'drawing a .svg file needs Graphviz: pip install "pygraphviz>=2.0" \(the extra `draw`\)'):
        drawing.save(tmp_path / "g.svg")
    assert not (tmp_path / "g.svg").exists()
    assert drawing._repr_mimebundle_()["text/plain"].startswith("digraph")


def test_a_notebook_shows_the_picture() -> None:
    pytest.importorskip("pygraphviz")
    assert "<svg" in draw(neuron()[0])._repr_mimebundle_()["image/svg+xml"]


def test_a_file_is_replaced_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "g.dot"
    path.write_text("before")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"cannot write .*g\.dot: No space left on device"):
            draw(Value(1.0)).save(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


# Errors


def test_errors_say_what_to_write_instead(tmp_path: Path) -> None:
    x = Value(1.0)
    with pytest.raises(TypeError, match=r"draw takes one Value, got list\. To draw an element of a list write draw\(model\(x\)\[0\]\)"):
        draw([x])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="detail='neurons' must be 'node', 'neuron', 'layer', or None"):
        draw(x, detail="neurons")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"around=Value\(2.0.* is not in the graph of Value\(1.0"):
        draw(x, around=Value(2.0))
    with pytest.raises(ValueError, match="radius must be a whole number of at least 0, got -1"):
        draw(x, around=x, radius=-1)
    with pytest.raises(TypeError, match=r"model=3 has no named_parameters\(\)"):
        draw(x, model=3)
    with pytest.raises(ValueError, match=r"cannot draw to 'g.gif': the name must end in .svg, .png, .pdf, .dot, .mmd or .html"):
        draw(x).save(tmp_path / "g.gif")
    with pytest.raises(FileNotFoundError, match=r"cannot write .*g.dot: there is no folder .*nowhere"):
        draw(x).save(tmp_path / "nowhere" / "g.dot")


@pytest.mark.parametrize("ending", ["svg", "html"])
def test_what_is_too_large_to_lay_out_is_text_only(ending: str, tmp_path: Path) -> None:
    y = Value(0.5)
    for _ in range(600):
        y = tanh(y)
    drawing = draw(y, detail="node")
    assert drawing.dot.count("tanh") == 600
    with pytest.raises(ValueError, match=r"1201 boxes and 1200 edges are too many to lay out: leave `detail` out"):
        drawing.save(tmp_path / f"g.{ending}")


# Formulas


TABLE = {each.name: each for each in vars(ops).values() if isinstance(each, Operation)}
POINTS = [(0.3, 0.7, 0.2, 0.9, 0.4), (0.6, 0.6, 0.1, 0.5, 0.8)]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", TABLE)
def test_formulas_are_the_rows_read_with_symbols(name: str, point: tuple[float, ...]) -> None:
    op = TABLE[name]
    count = 5 if op.variadic else len(op.partials)
    operands = point[:count]
    leaves = [Value(each) for each in operands]
    result = op(*leaves)
    result.backward()
    known = {each.name: each for each in TABLE.values()} | dict(zip(names(op, count), operands)) | {"y": result.data}
    for formula, leaf in zip(partial_formulas(op, count), leaves):
        source = formula.replace("·", "*").replace("^", "**")
        assert float(eval(source, {}, known)) == pytest.approx(leaf.grad, rel=1e-3, abs=1e-12)


def test_formulas_as_a_textbook_prints_them() -> None:
    assert partial_formulas(ops.multiply, 2) == ["b", "a"]
    assert partial_formulas(ops.divide, 2) == ["1 / b", "-y / b"]
    assert partial_formulas(ops.maximum, 2)[0] == "(a > b) + (a == b) / 2"
    x = Formula("x")
    assert ((x + 1) * x - (x - (x - 1)) / x ** (x + 1)).text == "(x + 1) · x - (x - (x - 1)) / x^(x + 1)"
    assert (((x**2) ** x) * -(x + 1)).text == "(x^2)^x · -(x + 1)"
    assert ((x * x) * (x / x) - (-x) ** 2).text == "x · x · x / x - (-x)^2"
    assert (((x < 1) == (x > 2)) | ~(x < 3)).text == "(x < 1) == (x > 2) or ~(x < 3)"


def test_rules_of_ones_own_are_told_in_their_own_words_where_they_can_be() -> None:
    @primitive(lambda y, angle: y + angle * 2)
    def told(angle: Any) -> Any:
        return angle * angle

    @primitive(lambda y, x: math.cos(x))
    def not_told(x: Any) -> Any:
        return math.sin(x)

    assert (names(told, 1), partial_formulas(told, 1)) == (["angle"], ["y + angle · 2"])
    assert partial_formulas(not_told, 1) == [""]
    assert "d(not_told)/dx = 0.8776" in draw(not_told(Value(0.5))).page
    with pytest.raises(TypeError, match="a formula is neither true nor false"):
        bool(Formula("x"))


# The page's scripts


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_imports_what_earlier_ones_export(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    for imported, source in re.findall(r"^import \{(.*)\} from \"\./(.*)\";$", text, re.MULTILINE):
        assert SCRIPTS.index(source) < SCRIPTS.index(name)
        exported = (FOLDER / source).read_text(encoding="utf-8")
        for each in imported.split(", "):
            assert re.search(rf"^export (function|const|let)\b.*\b{each}\b", exported, re.MULTILINE), f"{source} does not export {each}"


def test_joined_scripts_declare_each_name_once() -> None:
    text = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    names = re.findall(r"^(?:export )?(?:function|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))


# Layout and steps


LAYOUT = FOLDER / "layout.js"
PLACE = """
import {readFileSync} from "fs";
import {layout} from "./layout.mjs";
const cases = JSON.parse(readFileSync(0, "utf8"));
const placed = cases.map(({sizes, edges}) => layout(new Map(Object.entries(sizes)), edges));
process.stdout.write(JSON.stringify(placed.map(({places, routes}) => ({places: Object.fromEntries(places), routes}))));
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Any]], Any]:
    """The page's layout of several graphs at once, as a JavaScript engine has it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("the layout is tested where Node.js is")
    folder = tmp_path_factory.mktemp("layout")
    (folder / "layout.mjs").write_text(LAYOUT.read_text(encoding="utf-8"))
    (folder / "place.mjs").write_text(PLACE)

    def run(cases: list[Any]) -> Any:
        ran = subprocess.run([node, "place.mjs"], cwd=folder, input=json.dumps(cases), capture_output=True, text=True, check=True)
        return json.loads(ran.stdout)

    return run


def test_boxes_never_overlap_and_edges_lead_to_the_right(place: Callable[[list[Any]], Any]) -> None:
    random, cases = Random(1), list[dict[str, Any]]()
    for _ in range(100):
        pairs = [random.sample(range(20), 2) for _ in range(random.randrange(60))]
        cases.append(
            {
                "sizes": {f"b{index}": (40.0 + index, 20.0 + index) for index in range(20)},
                "edges": [(f"b{min(pair)}", f"b{max(pair)}") for pair in pairs],
            }
        )
    for case, placed in zip(cases, place(cases)):
        sizes, places = case["sizes"], placed["places"]
        for tail, head in case["edges"]:
            assert places[tail][0] + sizes[tail][0] / 2 < places[head][0] - sizes[head][0] / 2
        for a, b in [(a, b) for a in sizes for b in sizes if a < b]:
            apart_x = abs(places[a][0] - places[b][0]) - (sizes[a][0] + sizes[b][0]) / 2
            apart_y = abs(places[a][1] - places[b][1]) - (sizes[a][1] + sizes[b][1]) / 2
            assert apart_x > 0 or apart_y >= 14 - 1e-6
        for route, (tail, head) in zip(placed["routes"], case["edges"]):
            assert (route[0], route[-1]) == (places[tail], places[head])
            assert all(left[0] < right[0] for left, right in pairwise(route))


def test_groups_that_lead_to_each_other_are_laid_out_too(place: Callable[[list[Any]], Any]) -> None:
    edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("e", "e2"), ("e2", "e")]
    (placed,) = place([{"sizes": dict.fromkeys(["a", "b", "c", "d", "e", "e2"], (40, 20)), "edges": edges}])
    places = placed["places"]
    assert places["a"][0] < places["b"][0] < places["c"][0] < places["d"][0]
    assert len({tuple(each) for each in places.values()}) == 6


def everything(drawing: Drawing) -> dict[str, Any]:
    data = drawing.page.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    return dict(json.loads(data, parse_constant=pytest.fail))  # a browser knows no NaN in JSON


def told(drawing: Drawing) -> dict[str, Any]:
    """The page's parts by their ids."""
    return {part["id"]: part for part in everything(drawing)["parts"]}


def test_steps_tell_the_rule_in_words_and_numbers() -> None:
    output, _ = neuron()
    parts = told(draw(output))
    assert {name for name, part in parts.items() if "turn" not in part} == {"v0", "v1", "v3"}
    product = parts["v2"]
    assert product["forward"] == {"heading": "-6", "rows": ["= w * x", "= -3 * 2"]}
    assert product["backward"]["rows"][0] == {
        "rule": "d(*)/da = b = 2",
        "times": "times 0.42 from above = 0.8399",
        "sum": "into w: 0 + 0.8399 = 0.8399",
    }
    assert product["backward"]["rows"][1]["rule"] == "d(*)/db = a = -3"


def test_contributions_add_up_in_an_operand_used_twice() -> None:
    x = Value(3.0, "x")
    rows = told(draw(x * x))["v1"]["backward"]["rows"]
    assert [row["sum"] for row in rows] == ["into x: 0 + 3 = 3", "into x: 3 + 3 = 6"]


def test_turns_follow_the_data_from_the_leaves_on() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    deep = tanh(tanh(tanh(a)))
    late = b * 2.0  # comes last in the order of the graph, and is no deeper than the first tanh
    turns = [part["turn"][0] for part in told(draw(deep + late)).values() if part["level"] == "node" and "turn" in part]
    assert sorted(turns) == [1, 1, 2, 3, 4]


def test_gradients_of_the_page_are_those_of_a_fresh_sweep() -> None:
    x = Value(2.0, "x")
    y = maximum(x, 1.0) * x
    y.backward()
    y.backward()  # x.grad has doubled
    assert told(draw(y))["v0"]["lines"][-1]["text"] == "grad 4"
    assert x.grad == 8.0


STEADY: list[Callable[..., Any]] = [
    lambda a, b: tanh(a * b),
    lambda a, b: maximum(a, b),
    lambda a, b: weighted_sum([a, 0.5], [b, a], 0.25).tanh(),
    lambda a, b: 0.5 * (a - b),
    lambda a, b: relu(a) + 0.5,
]


@settings(deadline=None)
@given(st.data())
def test_the_sweep_of_the_page_is_that_of_the_engine(data: st.DataObject) -> None:
    """Against `Value.backward`, on random graphs; what is held after the last addition to a node is its adjoint."""
    nodes: list[Any] = [Value(0.5 * index - 1) for index in range(data.draw(st.integers(1, 4)))]
    for _ in range(data.draw(st.integers(1, 30))):
        operands = [nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(2)]
        nodes.append(data.draw(st.sampled_from(STEADY))(*operands))
    output = total(nodes[-3:])
    graph = snapshot(output)
    sweep = Sweep(graph)
    held = {}
    for position in sorted(sweep.before, key=lambda each: (sweep.depths[each], each), reverse=True):
        node = graph.node(position)
        for operand, before, added in zip(node.operands, sweep.before[position], sweep.contributions(position, node)):
            held[operand] = before + added
    assert all(held[each] == sweep.adjoints[each] for each in held if type(each) is int)
    output.backward()
    gradients = [node.grad for node in graph.order]
    assert sweep.adjoints == pytest.approx(gradients, rel=1e-9, abs=1e-9 * max(map(abs, gradients)))


def test_the_sweep_uses_the_numbers_of_the_drawing() -> None:
    x = Value(2.0, "x")
    drawing = draw(x * x)
    x.data = 5.0
    assert told(drawing)["v0"]["lines"][-1]["text"] == "grad 4"


def test_a_flat_operation_passes_nothing_on_of_an_infinite_gradient() -> None:
    x = Value(0.0, "x")
    y = (x.sign()) ** 0.5 + x
    y.backward()
    assert x.grad == 1.0
    parts = told(draw(y))
    assert parts["v0"]["lines"][-1]["text"] == "grad 1"
    assert [edge["partial"] for edge in everything(draw(y))["edges"]][1] == "inf"


def test_a_neighbourhoods_steps_know_what_flows_in_from_outside() -> None:
    x = Value(2.0, "x")
    y = x * 3.0
    z = y * y
    step = told(draw(z, around=x, radius=1))["v1"]["backward"]
    assert step["heading"] == "6 (multiply): 12 from above"
    assert step["changes"][-1][:2] == ["v0", "grad 36"]


def test_many_contributions_are_cut_short() -> None:
    (output,) = [part for part in told(draw(total([Value(float(each)) for each in range(30)]))).values() if "turn" in part]
    assert output["backward"]["rows"][-1] == {"rule": "and 18 more in the same way"}


def test_a_weighted_sum_is_told_term_by_term_the_largest_where_there_are_many() -> None:
    w, x, b = Value(0.5, "w"), Value(4.0, "x"), Value(0.25, "b")
    z = weighted_sum([w, 3.0], [x, 2.0], b)
    z.backward()
    part = told(draw(z))["v3"]
    terms = {"rows": [["w", 0.5, "x", 4.0], [None, 3.0, None, 2.0]], "bias": ["b", 0.25], "sum": ["", 8.25]}
    assert part["forward"]["terms"] == terms
    assert part["backward"]["shares"] == 1.0
    many = weighted_sum([float(each) for each in range(50)], [1.0] * 50, w)
    terms = told(draw(many))["v1"]["forward"]["terms"]
    assert [row[1] for row in terms["rows"]] == [float(each) for each in range(10, 50)]
    assert terms["others"] == [10, 45.0]


def test_shades_are_the_drawings() -> None:
    drawing = draw(neuron()[0])
    found = everything(drawing)
    shades = {part["id"]: found["shades"][part["shade"]] for part in found["parts"]}
    values = [box for box in drawing.picture.boxes if box.kind == "value"]
    assert {box.id: drawing.picture.color(box) for box in values} == {box.id: shades[box.id] for box in values}


# Parts


def test_layers_open_into_neurons_and_these_into_nodes_with_the_models_names() -> None:
    model, cost = network([2, 3, 1])
    parts = told(draw(cost, model=model, detail="layer"))
    layer = next(part for part in parts.values() if part["name"] == "layer 0")
    neurons = [part for part in parts.values() if part["parent"] == layer["id"]]
    assert [part["name"] for part in neurons] == ["layer 0, neuron 0", "layer 0, neuron 1", "layer 0, neuron 2"]
    inside = [part["name"] for part in parts.values() if part["parent"] == neurons[2]["id"]]
    assert {"layer 0, neuron 2, w0", "layer 0, neuron 2, w1", "layer 0, neuron 2, b", "z[0,2]", "a[0,2]"} == set(inside)


def test_names_are_found_where_neurons_stand_side_by_side() -> None:
    model, cost = network([2, 3, 1])
    with_model, without = (told(draw(cost, model=each)) for each in (model, None))
    assert [part["name"] for part in without.values()] == [part["name"] for part in with_model.values()]
    alone = told(draw(neuron()[0]))
    assert not any("layer" in part["name"] for part in alone.values())


def test_labels_of_ones_own_come_before_names_that_are_found() -> None:
    model, cost = network([2, 3, 1])
    model.parameters()[0].label = "my weight"
    names = {part["name"] for part in told(draw(cost)).values()}
    assert "my weight" in names
    assert "layer 0, neuron 0, w0" not in names
    assert "layer 0, neuron 0, w1" in names


def test_a_batch_opens_into_its_examples() -> None:
    model, cost = network([2, 3, 1], 4)
    parts = told(draw(cost, model=model, detail="layer"))
    sums = next(part for part in parts.values() if part["name"] == "z[0,1] of 4 examples")
    examples = [part for part in parts.values() if part["parent"] == sums["id"]]
    assert [part["level"] for part in examples] == ["node"] * 4
    data = [part["data"] for part in examples]
    assert sums["lines"][1]["text"] == f"data {spread(data)}"
    assert len(set(data)) == 4


def test_every_number_of_a_network_and_a_batch_is_the_engines() -> None:
    model, cost = network([2, 3, 1], 4)
    drawing = draw(cost, model=model)
    nodes = [part for part in told(drawing).values() if part["level"] == "node"]
    assert len(nodes) == len(drawing.graph.order)
    for part in nodes:
        value = drawing.graph.order[int(part["id"].removeprefix("v"))]
        assert part["data"] == value.data
        assert [line["text"] for line in part["lines"]][-2:] == [f"data {value.data:.4g}", f"grad {value.grad:.4g}"]


def test_a_page_keeps_the_names_of_its_moment() -> None:
    model, cost = network([2, 3, 1])
    drawing, before = draw(cost, model=model), draw(cost, model=model).page
    model.parameters()[0].label = "changed"
    assert drawing.page == before


def test_what_is_too_much_stays_closed_and_says_so() -> None:
    model, cost = network([120, 3, 1])
    drawing = draw(cost, model=model)
    parts = told(drawing)
    first = next(part for part in parts.values() if part["name"] == "layer 0, neuron 0")
    assert first["sealed"]
    assert not [part for part in parts.values() if part["parent"] == first["id"]]
    assert len(first["forward"]["terms"]["rows"]) == 40
    assert len(parts) < 1500


def test_edges_join_the_innermost_parts_and_constants_the_closed_neurons() -> None:
    model, cost = network([120, 3, 1])
    found = everything(draw(cost, model=model))
    names = {part["id"]: part["name"] for part in found["parts"]}
    (numbers,) = found["given"]
    assert numbers["count"] == 120
    assert [names[each] for each in numbers["to"]] == ["layer 0, neuron 0", "layer 0, neuron 1", "layer 0, neuron 2"]
    into = [names[edge["tail"]] for edge in found["edges"] if names[edge["head"]] == "z[1,0]"]
    assert into.count("layer 0, neuron 1") == 1


def test_the_paths_of_the_chain_rule_stand_out() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    y = (x * w).tanh() + x
    drawn = draw(y, highlight=chain_rule(y, w).edges).dot
    assert drawn.count(MARK) == 6  # w to *, to its result, to tanh, to its result, to +, to the output
    assert draw(y, highlight=chain_rule(y, x).edges).dot.count(MARK) == 7  # and x to +
    assert MARK not in draw(y).dot
    with pytest.raises(ValueError, match=r"highlight has an edge to .* that is not in the graph of"):
        draw(y, highlight={(x * x, 0)})
