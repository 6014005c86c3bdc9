"""Names from a model: parameters, weighted sums and activations are called the same in formulas and in pictures."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autograd import Value, chain_rule, draw, maximum, relu, sigmoid, tanh, total, weighted_sum
from autograd.names import in_words, model_names, short
from nn import MLP, Layer, Neuron, cross_entropy, squared_error


class Named:
    """Anything with `named_parameters()`."""

    def __init__(self, *names: str) -> None:
        self.parameters = {name: Value(float(index + 1)) for index, name in enumerate(names)}

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        yield from self.parameters.items()

    def __getitem__(self, name: str) -> Value:
        return self.parameters[name]


def called(output: Value, model: object) -> dict[str, str]:
    """Names of what operations made, with the operation."""
    return {name: node.op.name for node, name in model_names(output, model).short.items() if node.op is not None}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("layers[0].neurons[3].weights[2]", "w[0,3,2]"),
        ("layers[0].neurons[3].bias", "b[0,3]"),
        ("weights[2]", "w[2]"),
        ("bias", "b"),
        ("scale", "scale"),
        ("left.layers[0].bias", "left.b[0]"),
        ("matrix[3][2]", "matrix[3,2]"),
        ("heads['key'].weights[0]", "w[key,0]"),
        ("heads['a.b'].bias", "b[a.b]"),
        ("", ""),
    ],
)
def test_short_names_keep_the_indices(name: str, expected: str) -> None:
    assert short(name) == expected


def test_names_of_parameters_are_unique() -> None:
    model = Named("rows[0].weights[1]", "columns[0].weights[1]", "rows[0].weights[2]")
    names = model_names(Value(1.0), model).short
    assert list(names.values()) == ["rows[0].weights[1]", "columns[0].weights[1]", "w[0,2]"]


def test_each_neuron_of_a_network_has_its_weighted_sum_and_activation() -> None:
    model = MLP([2, 3, 2], tanh, output_activation=sigmoid)
    cost = squared_error(model([0.5, -1.0]), [1.0, 0.0])
    expected = {f"z[{place}]": "weighted_sum" for place in ("0,0", "0,1", "0,2", "1,0", "1,1")}
    expected |= {f"a[0,{index}]": "tanh" for index in range(3)} | {f"a[1,{index}]": "sigmoid" for index in range(2)}
    assert called(cost, model) == expected


def test_a_neuron_and_a_layer_alone_need_fewer_indices() -> None:
    neuron, layer = Neuron(2), Layer(2, 2)
    assert called(neuron([1.0, 2.0]), neuron) == {"z": "weighted_sum", "a": "tanh"}
    assert called(total(layer([1.0, 2.0])), layer) == {
        f"{letter}[{index}]": op for index in "01" for letter, op in (("z", "weighted_sum"), ("a", "tanh"))
    }


def test_operations_of_a_cost_are_not_neurons() -> None:
    model = MLP([2, 3], seed=1)  # linear outputs
    for cost in (
        squared_error(model([1.0, 2.0]), [0.0, 1.0, 2.0]),
        cross_entropy(model([1.0, 2.0]), 1),
        total(total(model(x)) for x in ([1.0, 2.0], [3.0, 4.0])),
        sum(model([1.0, 2.0])),
    ):
        assert set(called(cost, model).values()) <= {"weighted_sum", "add"}
        assert set(called(cost, model)) == {"z[0,0]", "z[0,1]", "z[0,2]"}


@pytest.mark.parametrize(
    "activation",
    [lambda x: maximum(x, 0.1 * x), lambda x: x * sigmoid(1.7 * x), lambda x: 1 / (1 + (-x).exp()), lambda x: (x.exp() + 1).log() - 0.5],
)
def test_an_activation_of_several_operations_is_named_where_the_next_layer_takes_it(activation: Callable[[Any], Any]) -> None:
    model = MLP([2, 2, 1], activation)
    output = model([0.5, -1.0])[0]
    names = model_names(output, model).short
    assert names[output] == "z[1,0]"
    taken = [each for each in output.operands if isinstance(each, Value) and each.op is not None]
    assert [names[each] for each in taken] == ["a[0,0]", "a[0,1]"]


@pytest.mark.parametrize(
    "neuron",
    [
        lambda w, x, b: weighted_sum(w, x, b),
        lambda w, x, b: weighted_sum(x, w, b),
        lambda w, x, b: weighted_sum(w, x) + b,
        lambda w, x, b: sum(each * given for each, given in zip(w, x)) + b,
        lambda w, x, b: sum((given * each for each, given in zip(w, x)), b),
        lambda w, x, b: total([each * given for each, given in zip(w, x)]) + b,
        lambda w, x, b: b + w[0] * x[0] + (w[1] * x[1] + w[2] * x[2]),
    ],
)
@pytest.mark.parametrize("inputs", [[0.5, -1.0, 2.0], [Value(0.5), Value(-1.0), Value(2.0)]])
def test_a_weighted_sum_may_be_written_in_any_way(neuron: Callable[[Any, Any, Any], Value], inputs: list[Any]) -> None:
    model = Named("weights[0]", "weights[1]", "weights[2]", "bias")
    z = neuron([model[f"weights[{index}]"] for index in range(3)], inputs, model["bias"])
    a = relu(z)
    names = model_names((a - 1) ** 2, model).short
    assert {name: node for node, name in names.items() if node.op is not None} == {"z": z, "a": a}


def test_other_operations_have_no_name() -> None:
    model = Named("weights[0]", "weights[1]", "other[0]")
    w0, w1, other = model.parameters.values()
    for output in (
        weighted_sum([w0, w1], [w0, w1]),  # a penalty
        w0 * w0 + w1 * w1,
        w0 * 2.0 + other * 3.0,  # of two homes
        w0 * 2.0,
        w0 + w1,
        w0 * 2.0 + Value(5.0),
        w0 * 2.0 + w1 * 3.0 + w1 * 4.0,  # more products than there are weights
    ):
        assert output not in model_names(output, model).short


def test_weights_of_one_owner_without_indices_are_one_neuron() -> None:
    model = Named("line.slope", "line.curve", "line.offset")
    slope, curve, offset = model.parameters.values()
    output = slope * 3.0 + curve * 9.0 + offset
    names = model_names(output, model).short
    assert [names[each] for each in (slope, offset, output)] == ["line.slope", "line.offset", "line.z"]


def test_sums_with_ambiguous_names_have_no_name() -> None:
    model = Named("query[0][0]", "query[0][1]", "key[0][0]", "key[0][1]")
    q0, q1, k0, k1 = model.parameters.values()
    assert called(weighted_sum([q0, q1], [1.0, 2.0]) * weighted_sum([k0, k1], [1.0, 2.0]), model) == {}


def test_the_chain_rule_is_written_in_the_model_s_names() -> None:
    model = MLP([1, 1, 1], tanh)
    for index, parameter in enumerate(model.parameters()):
        parameter.data = [0.5, 0.0, 2.0, 0.0][index]
    output = model([1.0])[0]
    assert str(chain_rule(output, model.layers[0].neurons[0].weights[0], model=model)) == (
        "∂z[1,0]/∂w[0,0,0] = 1.573: the sum over 1 path\n"
        "\n"
        "      +1.573  100.0%   ∂z[1,0]/∂a[0,0] · ∂a[0,0]/∂z[0,0] · ∂z[0,0]/∂w[0,0,0] = 2 · 0.7864 · 1\n"
        "\n"
        "where z[1,0]   = weighted_sum(2, a[0,0], 0) = 0.9242\n"
        "      a[0,0]   = tanh(z[0,0]) = 0.4621\n"
        "      z[0,0]   = weighted_sum(w[0,0,0], 1, 0) = 0.5\n"
        "      w[0,0,0] = layers[0].neurons[0].weights[0] = 0.5"
    )


def test_the_users_label_comes_first_and_the_full_name_is_shown() -> None:
    model = Neuron(1)
    model.weights[0].label = "slope"
    text = str(chain_rule(model([1.0]), model.weights[0], model=model))
    assert text.startswith("∂a/∂slope = ")
    assert text.endswith("slope = weights[0] = 0.1257")


def test_nodes_of_different_examples_are_numbered() -> None:
    model = MLP([1, 1, 1], seed=1)
    cost = squared_error(model([0.5]), 0.0) + squared_error(model([1.0]), 0.0)
    text = str(chain_rule(cost, model.layers[1].neurons[0].weights[0], model=model))
    assert "∂z[1,0]/∂w[1,0,0]" in text
    assert "∂z[1,0]#2/∂w[1,0,0]" in text


def test_a_picture_has_the_same_names() -> None:
    model = MLP([1, 1, 1], tanh)
    output = model([1.0])[0]
    shown = [box.lines[0] for box in draw(output, model=model).picture.boxes if box.kind == "value"]
    assert sorted(shown) == ["a[0,0]", "b[0,0]", "b[1,0]", "w[0,0,0]", "w[1,0,0]", "z[0,0]", "z[1,0]"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("layers[0].neurons[3].weights[2]", "layer 0, neuron 3, w2"),
        ("layers[1].neurons[0].bias", "layer 1, neuron 0, b"),
        ("layers[0].neurons[3]", "layer 0, neuron 3"),
        ("weights[1]", "w1"),
        ("left.layers[2].bias[4]", "left, layer 2, b4"),
        ("blocks['first'].scale", "block first, scale"),
        ("offset", "offset"),
    ],
)
def test_full_names_in_words(name: str, expected: str) -> None:
    assert in_words(name) == expected
