"""Why a gradient is zero, not finite, tiny or huge: the diagnosis names the operation responsible."""

import pytest

from autograd import Value, anomaly, chain_rule, exp, log, maximum, relu, sigmoid, sqrt, tanh, weighted_sum, where, why
from nn import MLP, squared_error


def x_at(data: float) -> Value:
    return Value(data, label="x")


@pytest.mark.parametrize(
    ("data", "f", "verdict", "operation", "words"),
    [
        (-2.0, lambda x: 3 * relu(x), "zero", "relu", "this relu is off, as x = -2 is not above 0"),
        (40.0, lambda x: 3 * sigmoid(-x * 20), "zero", "sigmoid", "this sigmoid is saturated, with v2 = -800 far from where it is steep"),
        (20.0, lambda x: tanh(x) + 1, "tiny", "tanh", "this tanh is saturated, with x = 20"),
        (1.0, lambda x: 1 / (x - 1 + 1e-9), "huge", "divide", "a division by 1e-09, almost nothing"),
        (1.0, lambda x: x / 1e-9, "huge", "divide", "a division by 1e-09, almost nothing"),
        (0.0, lambda x: sqrt(x) * 2, "infinite", "sqrt", "sqrt is steep or undefined at x = 0, close to the end of its domain"),
        (0.0, lambda x: sqrt(x) * 0, "nan", "sqrt", "a factor is not finite, and another is 0"),
        (1e-9, lambda x: log(x), "huge", "log", "log is steep or undefined at x = 1e-09"),
        (30.0, lambda x: exp(x), "huge", "exp", "exp of x = 30 grows as fast as it is large"),
        (1.0, lambda x: maximum(x, 5.0) * 2, "zero", "maximum", "the maximum is the other operand, 5"),
        (1.0, lambda x: where(x > 2, x, 0.0) * 2, "zero", "where", "the condition chose the other operand"),
        (1.0, lambda x: abs(x - 1), "zero", "abs", "that is what the rule of abs gives at v1 = 0"),
        (1.0, lambda x: weighted_sum([0.0, 2.0], [x, 3.0]), "zero", "weighted_sum", "it is multiplied by 0"),
        (1.0, lambda x: x * 1e300 * 1e300, "infinite", "multiply", "a value on the path is not finite"),
        (0.0, lambda x: x * 1e300 * 1e300, "infinite", "multiply", "the product of these and other factors is beyond the largest number"),
        (0.0, lambda x: x * 1e-300 * 1e-300, "zero", "multiply", "the product of these and other factors is below the smallest number"),
        (2.0, lambda x: (x * 1e-4) * 1e-4, "tiny", "multiply", "small factors multiply along the largest path"),
        (2.0, lambda x: x**0, "zero", "power", "the power is 2 to the 0"),
    ],
)
def test_why_names_the_operation_responsible(data: float, f: object, verdict: str, operation: str, words: str) -> None:
    assert callable(f)
    x = x_at(data)
    found = why(f(x), x)
    assert found.verdict == verdict
    assert found.causes[0].node.op is not None
    assert found.causes[0].node.op.name == operation
    assert words in str(found)
    assert "to learn the source lines, make the graph inside `with anomaly():`" in str(found)


def test_a_zero_factor_is_mentioned_only_where_it_makes_the_gradient_nan() -> None:
    """IEEE arithmetic: inf + 0 is inf, inf - inf is nan, and inf * 0 is nan."""
    x = x_at(0.0)
    for output, verdict, is_mentioned in (
        (sqrt(x) + 0.0 * x, "infinite", False),
        (sqrt(x) - sqrt(x), "nan", False),
        (sqrt(x) * 0.0, "nan", True),
    ):
        assert why(output, x).verdict == verdict
        assert ("another is 0" in str(why(output, x))) is is_mentioned


def test_why_distinguishes_cancelling_from_vanishing() -> None:
    x = x_at(3.0)
    assert str(why(x - x, x)) == "the gradient of output by x is 0: 2 paths cancel, each alone up to 1"
    assert why(x * 1000 - x * (1000 - 1e-8), x).verdict == "cancelled"


def test_why_distinguishes_many_paths_from_a_large_factor() -> None:
    x = x_at(1e-3)
    y = x
    for _ in range(21):
        y = y + y
    found = why(y, x)
    assert (found.verdict, found.causes) == ("huge", ())
    assert "2,097,152 paths add up, each alone at most 1" in str(found)


def test_an_ordinary_gradient_has_no_cause() -> None:
    x = x_at(3.0)
    assert str(why(x * x, x)) == "the gradient of output by x is 6: nothing unusual: 2 paths, the largest gives 3"


def test_why_lists_every_relu_that_blocks_all_paths() -> None:
    x = x_at(-1.0)
    dead = [relu(x * (1 + index)) for index in range(8)]
    alive = relu(Value(3.0, label="elsewhere"))
    found = why(weighted_sum([1.0] * 9, [*dead, alive]), x)
    assert {cause.node for cause in found.causes} == set(dead)
    assert "and 3 more like these" in str(found)


def test_why_names_the_source_line_in_anomaly_mode() -> None:
    x = x_at(-1.0)
    with anomaly():
        y = relu(x) * 2
    assert "test_why.py:" in str(why(y, x))
    assert "anomaly" not in str(why(y, x))


def test_why_of_an_unconnected_leaf() -> None:
    x, y = Value(1.0, label="x"), Value(2.0, label="y")
    assert why(y * y, x).verdict == "unconnected"
    assert str(why(y * y, x)) == "the gradient of output by x is 0: the output was computed without it"


def test_swapped_output_and_leaf_give_a_hint() -> None:
    x = Value(2.0, label="x")
    y = x * x + 1
    y.label = "y"
    assert why(x, y).verdict == "unconnected"
    assert str(why(x, y)) == (
        "the gradient of x by y is 0: the output was computed without it, but y was computed from x: pass the output first, then the leaf"
    )


def test_why_calls_neurons_by_their_names() -> None:
    model = MLP([1, 1, 1], relu, seed=0)
    hidden = model.layers[0].neurons[0]
    hidden.weights[0].data, hidden.bias.data = 2.0, -5.0
    assert str(why(model([1.0])[0], hidden.weights[0], model=model)).split("\n")[:2] == [
        "the gradient of z[1,0] by w[0,0,0] (layers[0].neurons[0].weights[0]) is 0: every path contains a factor of 0",
        "  ∂a[0,0]/∂z[0,0] = 0 at a[0,0] = relu(z[0,0]) = 0: this relu is off, as z[0,0] = -3 is not above 0",
    ]


def test_a_model_without_names_is_refused() -> None:
    with pytest.raises(TypeError, match=r"model=3 has no named_parameters\(\), which should yield pairs of a name and a Value"):
        why(Value(1.0), Value(1.0), model=3)


@pytest.mark.parametrize(("factor", "verdict"), [(0.999, "tiny"), (1.001, "huge")])
def test_why_of_a_very_deep_graph_names_every_small_or_large_factor(factor: float, verdict: str) -> None:
    """The product is 0.999**20,000 or 1.001**20,000; a walk that were quadratic in the depth would take minutes."""
    x = x_at(1.0)
    y = x
    for _ in range(20_000):
        y = y * factor
    found = why(y, x)
    assert (found.verdict, len(found.causes)) == (verdict, 20_000)
    assert found.gradient == pytest.approx(factor**20_000, rel=1e-10)
    assert "and 19995 more like these" in str(found)


def test_a_chain_rule_gives_the_same_diagnosis() -> None:
    model = MLP([2, 4, 4, 3], relu, seed=1)
    cost = squared_error(model([0.0, 1.0]), [0.0] * 3)
    for parameter in model.parameters():
        assert str(chain_rule(cost, parameter, model=model).why()) == str(why(cost, parameter, model))
        assert str(chain_rule(cost, parameter, most=1).why()) == str(why(cost, parameter))
