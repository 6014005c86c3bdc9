"""Large graphs: batches, neurons, layers."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd import Value, cos, mean, ops, primitive, relu, sigmoid, sin, softplus, tanh, total, vectorize, weighted_sum
from autograd.draw import draw
from autograd.draw.collapse import Collapse, Group, above
from autograd.draw.fold_batch import fold
from autograd.draw.graph import snapshot
from autograd.draw.picture import spread
from tests.autograd.draw.graphs import lines, network, titles


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


def test_layers_are_found_without_a_model() -> None:
    _, cost = network([784, 16, 16, 10], activation=sigmoid)
    assert [each[:2] for each in lines(draw(cost))[:3]] == [
        ("layer 0", "16 × sigmoid(weighted sum)"),
        ("layer 1", "16 × sigmoid(weighted sum)"),
        ("layer 2", "10 × weighted sum"),
    ]
    assert titles(draw(network([2, 3, 1])[1], detail="neuron"))[:2] == ["layer 0, neuron 0", "layer 0, neuron 1"]


def test_each_neuron_has_a_box() -> None:
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
    layers = [each for each in lines(drawing) if "tanh(weighted sum)" in each[1]]
    assert [each[1] for each in layers] == ["5 × tanh(weighted sum)", "3 × tanh(weighted sum)", "tanh(weighted sum)"]
    assert [each[2:4] for each in layers] == [("30 examples", f"{count} parameters:") for count in (15, 18, 4)]
    assert {"sum of 30", f"sum of {len(parameters)}"} <= set(titles(drawing))
    (inputs,) = [each for each in lines(drawing) if each[0] == "2 leaves"]
    assert inputs[1] == "30 examples"


def test_a_small_batch_is_folded_node_by_node() -> None:
    w = Value(0.5, "w")
    cost = mean([tanh(w * x) for x in np.linspace(-1, 1, 100).tolist()])
    cost.backward()
    drawing = draw(cost)
    assert {box.kind for box in drawing.picture.boxes} == {"value", "operation", "constant"}
    assert ("× 100", "data -0.4621 to 0.4621", "grad 0.01") in lines(drawing)
    assert ("-1 to 1",) in lines(drawing)
    assert not drawing.picture.is_exact
    assert [edge.count for edge in drawing.picture.edges if edge.count > 1] == [100]


def test_sums_within_an_example_fold() -> None:
    _, cost = network([2, 3, 2], 5)
    graph = snapshot([cost])
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
def test_examples_are_the_terms_of_a_sum(together: Callable[[list[Value]], Value], folds: bool) -> None:
    w = Value(0.5, "w")
    graph = snapshot([together([tanh(w * x) for x in np.linspace(-1, 1, 100).tolist()])])
    assert (len(set(fold(graph))) < 20) is folds


def test_outputs_that_share_hidden_neurons_do_not_fold() -> None:
    _, cost = network([2, 3, 4])
    graph = snapshot([cost])
    assert fold(graph) == list(range(len(graph.nodes)))


def test_a_weighted_sum_of_leaves_with_computed_weights_is_a_neuron() -> None:
    u, x = Value(0.5, "u"), Value(2.0, "x")
    graph = snapshot([weighted_sum([u.exp(), u.sin()], [x, 1.0])])
    assert Collapse(graph, fold(graph)).has_neurons
    squares = snapshot([weighted_sum([u, x], [u, x])])
    assert not Collapse(squares, fold(squares)).has_neurons


def test_a_batch_of_two_examples_folds() -> None:
    w = Value(0.5, "w")
    graph = snapshot([mean([tanh(w * 1.0), tanh(w * 2.0)])])
    assert len(set(fold(graph))) == len(graph.nodes) - 2


def test_operations_of_one_layer_are_counted() -> None:
    x, y = Value(0.5), Value(2.0)
    assert "2 × sin" in titles(draw(sin(x) * sin(y), detail="layer"))


def test_recurrent_steps_with_shared_weights_do_not_fold() -> None:
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
    found = [each[1] for each in lines(draw(cost, detail="layer"))]
    assert found[0] == "3 × weighted sum, sigmoid, multiply"
    assert found[1] == "2 × weighted sum"


def test_a_compiled_cost_is_one_node_with_its_parameters_by_layer() -> None:
    model = nn.MLP([2, 16, 16, 1], activation=relu)
    X, y = nn.moons(20)
    cost = vectorize(lambda x, target: nn.squared_error(model(x), target)).mean(X, y)
    cost.backward()
    assert titles(draw(cost, model=model)) == ["layers[0]", "layers[1]", "layers[2]", cost.op.name if cost.op else ""]
    assert len(titles(draw(cost))) == 2


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["chain", "tangle"])
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
def test_every_node_is_in_exactly_one_group(data: st.DataObject) -> None:
    nodes: list[Any] = [Value(float(index)) for index in range(data.draw(st.integers(1, 5)))]
    for _ in range(data.draw(st.integers(1, 40))):
        operands = [nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(3)]
        nodes.append(data.draw(st.sampled_from(MAKERS))(*operands))
    output = total(nodes[-3:])
    graph = snapshot([output])
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


def test_a_box_for_a_range_of_depths_lists_its_four_most_frequent_operations() -> None:
    y = Value(0.5)
    for _ in range(100):
        y = sin(cos(tanh(sigmoid(softplus(y + 1.0)))))
    found = lines(draw(y, detail="layer"))
    assert len(found) == 16
    assert all(re.fullmatch(r"\d+ × \w+", line) for box in found[1:] for line in box[1:5])
    assert all(box[5] == "and others" for box in found[1:])


def test_above_removes_the_last_parts_of_a_name() -> None:
    assert above("layers[0].neurons[3].weights[17]", 1) == "layers[0].neurons[3]"
    assert above("layers[0].neurons[3].weights[17]", 2) == "layers[0]"
    assert above("cells['a.b'].bias", 1) == "cells['a.b']"
    assert above("bias", 1) == ""
    assert above("blocks[0].query[3][17]", 1) == "blocks[0].query[3]"
    assert above("blocks[0].query[3][17]", 2) == "blocks[0].query"


def test_labels_of_one_name_with_indices_share_a_box() -> None:
    x = [Value(0.1 * i, f"x[{i}]") for i in range(4)]
    outputs = []
    for name, function in (("left", tanh), ("right", sin)):
        parts = [function(each * each) for each in x]
        for place, part in enumerate([*parts, *(operand for each in parts for operand in each.operands)]):
            part.label = f"{name}[{place}]"
        outputs.append(total(parts))
    found = lines(draw(outputs[0] * outputs[1], detail="layer"))
    boxes = [(each[0], set(each[1:3])) for each in found if each[0] in ("left", "right")]
    assert boxes == [("left", {"4 × tanh", "4 × multiply"}), ("right", {"4 × sin", "4 × multiply"})]


def test_matrices_in_lists_of_lists_name_their_layers() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.first, self.second = ([[Value(0.1 * i + j) for i in range(3)] for j in range(3)] for _ in range(2))

        def __call__(self, x: Any) -> Any:
            for matrix in (self.first, self.second):
                x = [tanh(sum(w * each for w, each in zip(row, x))) for row in matrix]
            return x

    model = Two()
    assert titles(draw(total(model([1.0, 2.0, 3.0])), detail="layer", model=model))[:2] == ["first", "second"]
    assert "first[2]" in titles(draw(total(model([1.0, 2.0, 3.0])), detail="neuron", model=model))
