"""What a drawing shows and how: several outputs, two times, text, direction, colours, and the order of a network."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autograd import Value, anomaly, tanh
from autograd.draw import Drawing, draw
from autograd.draw.geometry import geometry
from autograd.draw.theme import THEMES
from nn import MLP
from tests.autograd.draw.graphs import lines, neuron, page_data, parts_of, titles

SVG = "{http://www.w3.org/2000/svg}"


def heights(drawing: Drawing, start: str) -> list[str]:
    """The first lines that start so, from the top to the bottom of the picture."""
    placed = geometry(drawing.picture).places
    found = [box for box in drawing.picture.boxes if box.lines[0].startswith(start)]
    return [box.lines[0].split(" = ")[0] for box in sorted(found, key=lambda box: placed[box.id][1])]


# Outputs


def test_several_outputs_are_drawn_without_their_sum() -> None:
    x = Value(2.0, "x")
    drawing = draw([x * 3.0, x + 1.0])
    assert [box.lines for box in drawing.picture.boxes if box.kind == "value"] == [
        ("x", "data 2", "grad 0"),
        ("data 6", "grad 0"),
        ("data 3", "grad 0"),
    ]
    assert [box.lines[0] for box in drawing.picture.boxes if box.kind == "operation"] == ["*", "+"]
    assert x.op is None
    assert x.label == "x"


def test_the_names_of_a_mapping_label_the_outputs() -> None:
    x = Value(2.0, "x")
    y = x * 3.0
    assert titles(draw({"y": y, "input": x, "again": y}))[-1] == "y, again"
    assert "input" in titles(draw({"y": y, "input": x}))
    assert y.label == ""


def test_the_outputs_of_a_model_are_drawn_with_all_neurons() -> None:
    model = MLP([2, 3, 2], seed=1)
    drawing = draw(model([0.5, -1.0]), detail="neuron", model=model)
    assert [each for each in titles(drawing) if "layers[1]" in each] == ["layers[1].neurons[0]", "layers[1].neurons[1]"]
    assert "<title>z[1,0], z[1,1]</title>" in drawing.page


def test_the_page_of_several_outputs_has_the_gradients_of_their_sum() -> None:
    x = Value(2.0, "x")
    data = page_data(draw([x * 3.0, x * x]))
    (part,) = [each for each in data["parts"] if each["name"] == "x"]
    assert part["grad"] == 7.0
    assert data["outputs"] == 2


@pytest.mark.parametrize("numbers", [(float("inf"), float("-inf")), (1e308, 1e308)])
def test_outputs_that_cannot_be_added_are_drawn(numbers: tuple[float, float]) -> None:
    with anomaly():
        assert len(draw([Value(each) for each in numbers]).picture.boxes) == 2


# The order of a network


@pytest.mark.parametrize("sizes", [[2, 4, 1], [2, 4, 4, 1], [3, 5, 4, 2]])
def test_weights_and_neurons_are_in_the_order_of_the_network(sizes: list[int]) -> None:
    model = MLP(sizes, tanh, seed=1)
    drawing = draw(model([1.0, 2.0, -1.0][: sizes[0]]), detail="node", model=model)
    for depth, (inputs, outputs) in enumerate(pairwise(sizes)):
        assert heights(drawing, f"w[{depth},") == [f"w[{depth},{to},{source}]" for to in range(outputs) for source in range(inputs)]
        assert heights(drawing, f"z[{depth},") == [f"z[{depth},{to}]" for to in range(outputs)]
    neurons = draw(model([1.0, 2.0, -1.0][: sizes[0]]), detail="neuron", model=model)
    assert heights(neurons, "layers[0]") == [f"layers[0].neurons[{each}]" for each in range(sizes[1])]


def test_a_network_is_readable_on_a_slide() -> None:
    model = MLP([2, 4, 4, 1], tanh, seed=1)
    placed = geometry(draw(model([1.0, 2.0]), model=model).picture)
    assert placed.width < 1280
    assert placed.height < 720


def test_leaves_of_a_large_picture_have_one_line() -> None:
    model = MLP([2, 4, 4, 1], tanh, seed=1)
    weight = model.layers[0].neurons[0].weights[1]
    drawing = draw(model([1.0, 2.0]), detail="node", model=model)
    assert (f"w[0,0,1] = {weight.data:.4g}, grad 0",) in lines(drawing)


def test_neurons_of_a_large_picture_have_four_lines() -> None:
    model = MLP([4, 8, 8, 3], tanh, seed=1)
    drawing = draw(model([1.0, 2.0, 3.0, 4.0]), model=model)
    numbers = [each.data for each in model.layers[0].neurons[0].parameters()]
    output = model.layers[0].neurons[0]([1.0, 2.0, 3.0, 4.0])
    assert lines(drawing)[0] == (
        "layers[0].neurons[0], tanh(weighted sum)",
        f"5 parameters: data {min(numbers):.4g} to {max(numbers):.4g}",
        "grad 0",
        f"output: data {output.data:.4g}, grad 0",
    )
    assert geometry(drawing.picture).height < 720


# Two times


def test_two_times_are_drawn_as_changes() -> None:
    w, x = Value(3.0, "w"), Value(2.0, "x")
    y = w * x
    y.backward()
    before = draw(y)
    w.data = 2.5
    after = w * x
    after.backward()
    drawing = draw(after, since=before)
    assert lines(drawing)[:2] == [("w", "data 3 → 2.5", "grad 2 → 4"), ("x", "data 2", "grad 3 → 5.5")]
    boxes = {box.lines[0]: box for box in drawing.picture.boxes}
    assert boxes["w"].gradient == -0.5
    assert "orange: the data decreased" in drawing.picture.caption
    assert parts_of(drawing)["v0"]["lines"][1]["text"] == "data 2.5"
    with pytest.raises(ValueError, match="another graph: it has 3 nodes and this one 3, or their operations differ"):
        draw(w + x, since=before)
    with pytest.raises(TypeError, match=r"since=Value\(.* must be what draw\(...\) returned at an earlier time"):
        draw(after, since=y)


@pytest.mark.parametrize("index", [-1, 2])
def test_an_edge_must_have_an_operand(index: int) -> None:
    y = Value(1.0) * 2.0
    for edge in ((y, index), y):
        with pytest.raises(ValueError, match=r"highlight has .*Value\(.*: give pairs of a node and the index of one of its operands"):
            draw(y, highlight=[edge])


def test_two_times_of_a_network_are_compared_neuron_by_neuron() -> None:
    model = MLP([2, 3, 1], seed=1)
    before = draw(model([0.5, 1.0]), detail="neuron")
    for parameter in model.parameters():
        parameter.data += 1.0
    drawing = draw(model([0.5, 1.0]), detail="neuron", since=before)
    neurons = [box.lines for box in drawing.picture.boxes if box.kind == "group"]
    assert len(neurons) == 4
    assert all("→" in " ".join(each) for each in neurons)


# Text, direction and colours


def test_digits_are_significant_digits() -> None:
    assert lines(draw(Value(1 / 3), digits=8)) == [("data 0.33333333", "grad 0")]
    assert "data 0.33" in draw(Value(1 / 3), digits=2).page


def test_formulas_and_lines_of_code_are_shown_instead_of_numbers() -> None:
    with anomaly():
        x = Value(2.0, "x")
        y = tanh(x * 3.0)
    drawing = draw(y, show=("formula", "line"))
    shown = [box.lines for box in drawing.picture.boxes if box.kind == "value"]
    assert shown[0] == ("x",)
    assert shown[1][0] == "= x * 3"
    assert re.fullmatch(r"test_options\.py:\d+", shown[1][1])
    assert shown[2][0] == "= tanh(6)"
    assert draw(Value(1.0), show=()).picture.boxes[0].lines == ("",)


def test_the_output_can_be_below() -> None:
    output, _ = neuron()
    drawing = draw(output, direction="down")
    placed = geometry(drawing.picture)
    assert placed.height > placed.width
    assert placed.places["v5"][1] == max(y for _, y in placed.places.values())
    assert "rankdir=TB" in drawing.dot
    assert drawing.mermaid.startswith("flowchart TB")


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_a_theme_is_in_every_format(theme: str) -> None:
    output, _ = neuron()
    drawing = draw(output, theme=theme)  # type: ignore[arg-type]
    chosen = THEMES[theme]
    for text in (drawing.svg, drawing.dot, drawing.mermaid, drawing.page):
        assert drawing.picture.color(drawing.picture.boxes[0]) in text
    assert (f'fill="{chosen.paper}"/>' in drawing.svg.split("<path")[0]) == bool(chosen.paper)
    assert ("stroke-dasharray" in drawing.svg, "dashed" in drawing.dot) == (chosen.has_dashes, chosen.has_dashes)


def test_colours_can_be_chosen() -> None:
    output, _ = neuron()
    drawing = draw(output, colors=("#ff99aa", "#99ffaa"))
    assert drawing.picture.color(drawing.picture.boxes[1]) == "#ff99aa"  # the gradient of x is the largest, and negative
    assert "#ff99aa: gradient below 0" in drawing.picture.caption


# SVG


def test_svg_has_all_boxes_in_places_that_do_not_overlap(tmp_path: Path) -> None:
    model = MLP([2, 4, 4, 1], tanh, seed=1)
    output = model([1.0, 2.0])[0]
    output.label = "<&>"
    tree = ElementTree.parse(draw(output, detail="node").save(tmp_path / "g.svg")).getroot()
    shapes = [[float(each.attrib[key]) for key in ("x", "y", "width", "height")] for each in tree.iter(f"{SVG}rect")]
    width, height = float(tree.attrib["width"]), float(tree.attrib["height"])
    for left, top, across, down in shapes:
        assert 0 <= left < left + across <= width
        assert 0 <= top < top + down <= height
        others = [each for each in shapes if each != [left, top, across, down]]
        assert not any(left < x + w and x < left + across and top < y + h and y < top + down for x, y, w, h in others)
    assert "<&>" in [each.text for each in tree.iter(f"{SVG}text")]
    assert len(shapes) == len([box for box in draw(output, detail="node").picture.boxes if box.kind != "constant"])
