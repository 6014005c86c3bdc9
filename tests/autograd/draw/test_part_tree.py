"""The parts of the page that open and close."""

from autograd import Value, tanh, weighted_sum
from autograd.draw import draw
from autograd.draw.picture import spread
from tests.autograd.draw.graphs import network, neuron, page_data, parts_of


def test_layers_contain_neurons_and_neurons_contain_nodes() -> None:
    model, cost = network([2, 3, 1])
    parts = parts_of(draw(cost, model=model, detail="layer"))
    layer = next(part for part in parts.values() if part["name"] == "layer 0")
    neurons = [part for part in parts.values() if part["parent"] == layer["id"]]
    assert [part["name"] for part in neurons] == ["layer 0, neuron 0", "layer 0, neuron 1", "layer 0, neuron 2"]
    inside = [part["name"] for part in parts.values() if part["parent"] == neurons[2]["id"]]
    assert {"layer 0, neuron 2, w0", "layer 0, neuron 2, w1", "layer 0, neuron 2, b", "z[0,2]", "a[0,2]"} == set(inside)


def test_layers_are_named_without_a_model() -> None:
    model, cost = network([2, 3, 1])
    with_model, without = (parts_of(draw(cost, model=each)) for each in (model, None))
    assert [part["name"] for part in without.values()] == [part["name"] for part in with_model.values()]
    alone = parts_of(draw(neuron()[0]))
    assert not any("layer" in part["name"] for part in alone.values())


def test_two_neurons_side_by_side_are_a_layer() -> None:
    _, cost = network([2, 2, 1])
    assert "layer 0, neuron 1, w1" in {part["name"] for part in parts_of(draw(cost)).values()}


def test_parts_without_names_are_counted() -> None:
    w = [Value(0.1 * each) for each in range(5)]
    output = tanh(weighted_sum(w[:2], [1.0, 2.0])) + tanh(weighted_sum(w[2:], [1.0, 2.0, 3.0]))  # unequal, so there are no layers to name
    names = [part["name"] for part in parts_of(draw(output, detail="layer")).values()]
    assert [name for name in names if name] == ["2 neurons", "the neuron", "the neuron"]


def test_the_users_labels_come_before_other_names() -> None:
    model, cost = network([2, 3, 1])
    model.parameters()[0].label = "my weight"
    names = {part["name"] for part in parts_of(draw(cost)).values()}
    assert "my weight" in names
    assert "layer 0, neuron 0, w0" not in names
    assert "layer 0, neuron 0, w1" in names


def test_a_batch_opens_into_its_examples() -> None:
    model, cost = network([2, 3, 1], 4)
    parts = parts_of(draw(cost, model=model, detail="layer"))
    sums = next(part for part in parts.values() if part["name"] == "z[0,1] of 4 examples")
    examples = [part for part in parts.values() if part["parent"] == sums["id"]]
    assert [part["level"] for part in examples] == ["node"] * 4
    data = [part["data"] for part in examples]
    assert sums["lines"][1]["text"] == f"data {spread(data)}"
    assert len(set(data)) == 4


def test_every_number_of_a_batch_is_that_of_the_graph() -> None:
    model, cost = network([2, 3, 1], 4)
    drawing = draw(cost, model=model)
    nodes = [part for part in parts_of(drawing).values() if part["level"] == "node"]
    assert len(nodes) == len(drawing.graph.order)
    for part in nodes:
        value = drawing.graph.order[int(part["id"].removeprefix("v"))]
        assert part["data"] == value.data
        assert [line["text"] for line in part["lines"]][-2:] == [f"data {value.data:.4g}", f"grad {value.grad:.4g}"]


def test_parts_with_too_many_nodes_are_sealed() -> None:
    model, cost = network([120, 3, 1])
    drawing = draw(cost, model=model)
    parts = parts_of(drawing)
    first = next(part for part in parts.values() if part["name"] == "layer 0, neuron 0")
    assert first["sealed"]
    assert not [part for part in parts.values() if part["parent"] == first["id"]]
    assert len(first["forward"]["terms"]["rows"]) == 40
    assert len(parts) < 1500


def test_edges_connect_the_smallest_parts() -> None:
    model, cost = network([120, 3, 1])
    found = page_data(draw(cost, model=model))
    names = {part["id"]: part["name"] for part in found["parts"]}
    (numbers,) = found["given"]
    assert numbers["count"] == 120
    assert [names[each] for each in numbers["to"]] == ["layer 0, neuron 0", "layer 0, neuron 1", "layer 0, neuron 2"]
    into = [names[edge["tail"]] for edge in found["edges"] if names[edge["head"]] == "z[1,0]"]
    assert into.count("layer 0, neuron 1") == 1
