"""Anatomies: their numbers are those of the graph after backward(), and errors name the neuron."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import UndefinedError, chain_rule, grad, log, sigmoid, tanh
from nn import MLP, Module, Preprocessing, anatomy, cross_entropy, formula, hinge, nudges, squared_error
from nn.explain import first_undefined


def swish(x: Any) -> Any:
    return x * sigmoid(x)


@given(st.integers(0, 50), st.sampled_from([tanh, swish, formula("maximum(x, 0.1 * x)")]))
def test_its_numbers_are_those_of_the_graph_and_of_nudges(seed: int, activation: Any) -> None:
    model, x = MLP([3, 4, 3, 2], activation=activation, seed=seed), np.random.default_rng(seed).normal(size=3)
    found, wanted = anatomy(model, x, 1, cross_entropy), nudges(model, x, 1, cross_entropy)
    model.zero_grad()
    cost = cross_entropy(model(x), 1)
    cost.backward()
    assert found.cost.data == cost.data
    assert found.gradient.tolist() == [parameter.grad for parameter in model.parameters()]
    for depth, (row, layer) in enumerate(zip(found.layers, wanted.layers)):
        np.testing.assert_allclose([each.delta for each in row], layer.delta, rtol=1e-10, atol=1e-15)
        np.testing.assert_allclose([each.activation for each in row], layer.outputs, rtol=1e-12, atol=1e-15)
        for each, neuron in zip(row, model.layers[depth].neurons):
            assert each.delta == neuron.bias.grad
            assert each.products.tolist() == [w.data * a for w, a in zip(neuron.weights, each.inputs.tolist())]
            assert each.weighted_sum == pytest.approx(each.products.sum() + each.bias, abs=1e-14)
            assert each.slope == grad(activation)(each.weighted_sum) if depth < 2 else each.slope == 1
            assert each.delta == pytest.approx(each.asked * each.slope, rel=1e-10, abs=1e-15)
    for before, after in zip(found.layers, found.layers[1:]):
        for each in before:
            assert each.asked == pytest.approx(sum(later.delta * later.weights[each.index] for later in after), rel=1e-10, abs=1e-15)
    assert [each.asked for each in found.layers[-1]] == pytest.approx((-wanted.outputs).tolist(), rel=1e-10)


def test_grad_is_not_changed() -> None:
    model = MLP([2, 3, 1])
    model.layers[0].neurons[1].bias.grad = 7.0
    before = [parameter.grad for parameter in model.parameters()]
    found = anatomy(model, [0.5, -1.0], 1.0, hinge)
    assert [parameter.grad for parameter in model.parameters()] == before
    assert np.abs(found.gradient).max() > 0


def test_chain_rule_accepts_the_cost_of_an_anatomy() -> None:
    model = MLP([2, 3, 1])
    found = anatomy(model, [0.5, -1.0], 2.0, squared_error)
    rule = chain_rule(found.cost, model.layers[0].neurons[1].weights[0], model=model)
    assert str(rule).startswith("∂C/∂w[0,1,0] = ")
    assert rule.gradient == found.gradient[3]


def test_a_cost_that_depends_on_nothing_leaves_all_deltas_0() -> None:
    found = anatomy(MLP([2, 3, 1]), [0.5, -1.0], 2.0, lambda outputs, target: 3.0)
    assert (found.cost.data, bool(found.gradient.any()), found[0, 2].delta, found[1, 0].asked) == (3.0, False, 0.0, 0.0)


def test_an_output_can_be_the_cost_itself() -> None:
    found = anatomy(MLP([2, 1]), [0.5, -1.0], 0.0, lambda outputs, target: outputs[0])
    assert (found.cost.label, found[0, 0].asked, found[0, 0].delta) == ("", 1.0, 1.0)


def test_an_anatomy_prints_equations() -> None:
    model = MLP([2, 1], activation=[tanh])
    for parameter, number in zip(model.parameters(), (0.5, -2.0, 0.25)):
        parameter.data = number
    assert str(anatomy(model, [1.0, 0.25], 1.0, squared_error)).splitlines() == [
        "cost 0.5701 for the target 1.0",
        "z[0,0] = 0.5 * 1 + -2 * 0.25 + 0.25 = 0.25",
        "a[0,0] = tanh(0.25) = 0.2449, where its slope is 0.94",
        "∂C/∂z[0,0] = ∂C/∂a[0,0] * slope = -1.51 * 0.94 = -1.42",
    ]
    assert " + ... + 0 = " in repr(anatomy(MLP([9, 1]), [1.0] * 9, 1.0, squared_error)[0, 0])


def test_the_neuron_with_an_undefined_activation_is_named() -> None:
    model = MLP([2, 3, 1], activation=formula("log(x + 6)"), seed=0)
    model.layers[0].neurons[1].weights[0].data, model.layers[0].neurons[1].weights[1].data = -20.0, 0.0
    with pytest.raises(UndefinedError) as caught:
        anatomy(model, [1.0, 1.0], 0.0, squared_error)
    assert str(caught.value).startswith(
        "neuron 1 of layer 0, at the weighted sum -20: the activation log(x + 6) is undefined: log(-14.0) is undefined (IEEE"
    )
    found = first_undefined(model, [[0.0, 0.0], [0.1, 5.0], [1.0, 1.0], [2.0, 0.0]])
    assert str(found) == "neuron 1 of layer 0, at the weighted sum -20: the activation log(x + 6) is undefined"
    assert found is not None
    assert found.example == 2
    assert first_undefined(model, [[0.0, 0.0], [0.1, 5.0]]) is None


def test_an_activation_that_overflows_is_named_in_a_later_layer() -> None:
    model = MLP([1, 2, 2, 1], activation=[formula("10 * x"), formula("exp(x)"), None])
    for parameter in model.parameters():
        parameter.data = 1.0
    found = first_undefined(model, [[1.0], [40.0]])
    assert str(found) == "neuron 0 of layer 1, at the weighted sum 821: the activation exp(x) is inf"


def test_a_weighted_sum_that_overflows_is_not_an_error_of_an_activation() -> None:
    model = MLP([1, 1, 1])
    model.layers[0].neurons[0].weights[0].data = 1e300
    assert first_undefined(model, [[1e300]]) is None


def test_other_models_are_refused() -> None:
    class Twice(Module):
        def __call__(self, x: Any) -> Any:
            return [2 * x[0]]

    class Shifted(MLP):
        def __call__(self, x: Any) -> list[Any]:
            return [each + 1 for each in super().__call__(x)]

    with pytest.raises(TypeError, match=r"anatomy looks into an MLP, neuron by neuron; got Twice"):
        anatomy(Twice(), [1.0], 1.0, squared_error)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"MLP\(\[1, 1\]\) computes more than its layers: Shifted has its own __call__"):
        anatomy(Shifted([1, 1]), [1.0], 1.0, squared_error)
    with pytest.raises(ValueError, match=r"x must be one example, \(2,\), got the shape \(1,\)"):
        anatomy(MLP([2, 1]), [1.0], 1.0, squared_error)


def test_columns_are_found_by_name_and_labels_are_those_of_the_model() -> None:
    """The oracle is the same network without names, which gets the numbers that the named one computes."""
    plain, model = MLP([2, 3, 2]), MLP([2, 3, 2])
    model.feature_names, model.classes = ["p", "q"], ["no", "yes"]
    table: Any = {"q": [1.0, 2.0], "p": [3.0, 4.0]}
    rows = [[3.0, 1.0], [4.0, 2.0]]
    np.testing.assert_array_equal(nudges(model, table, ["yes", "no"], hinge).rows, nudges(plain, rows, [1, 0], hinge).rows)
    one: Any = [{"q": 1.0, "p": 3.0}]
    assert (
        anatomy(model, one, "yes", squared_error).gradient.tolist() == anatomy(plain, rows[0], [0.0, 1.0], squared_error).gradient.tolist()
    )
    with pytest.raises(ValueError, match="y has labels that are not classes of the model, such as 'maybe'"):
        anatomy(model, one, "maybe", squared_error)


def test_raw_rows_are_preprocessed() -> None:
    raw: Any = [{"size": 1.0, "kind": "cat"}, {"size": 3.0, "kind": "dog"}]
    preprocessing = Preprocessing().fit(raw)
    model, plain, inputs = MLP([3, 2], [log], preprocessing=preprocessing), MLP([3, 2]), preprocessing.transform(raw)
    assert str(first_undefined(model, raw)) == str(first_undefined(MLP([3, 2], [log]), inputs))
    model = MLP([3, 2], preprocessing=preprocessing)
    np.testing.assert_array_equal(nudges(model, raw, [0, 1], cross_entropy).rows, nudges(plain, inputs, [0, 1], cross_entropy).rows)
    assert anatomy(model, raw[:1], 1, cross_entropy).x.tolist() == inputs[0].tolist()
    with pytest.raises(ValueError, match=r"x must be one example, \(3,\), got the shape \(2, 3\)"):
        anatomy(model, raw, 1, cross_entropy)
