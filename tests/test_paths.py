"""The chain rule by paths: they sum to the gradient, however many there are, and a diagnosis names the operation responsible."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Value, anomaly, chain_rule, exp, log, maximum, relu, sigmoid, sqrt, tanh, vectorize, weighted_sum, where, why
from autograd.chain_rule import Path
from nn import MLP, squared_error

OPERATIONS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - 2 * b,
    lambda a, b: a / (1.5 + b * b),
    lambda a, _: tanh(a),
    lambda a, _: a * a,
    lambda a, b: maximum(a, b),
    lambda a, b: weighted_sum([a, b], [b, 0.5], a),
]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Value, Value]:
    """An output and a leaf: nodes made of any that came before, each with each."""
    nodes = [Value(draw(st.floats(-2, 2)), label=name) for name in "xy"]
    for _ in range(draw(st.integers(1, 9))):
        operation = draw(st.sampled_from(OPERATIONS))
        a, b = (nodes[draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
        nodes.append(operation(a, b))
    return nodes[-1], nodes[0]


def every_path(node: Value, leaf: Value) -> list[float]:
    """The products of all paths, one by one, by recursion: what the library must not do, but a test of small graphs may."""
    if node is leaf:
        return [1.0]
    products = []
    for index, operand in enumerate(node.operands):
        if isinstance(operand, Value) and (below := every_path(operand, leaf)):
            numbers = [each.data if isinstance(each, Value) else each for each in node.operands]
            assert node.op is not None
            partials = node.op.partials[0](node.data, *numbers) if node.op.variadic else node.op.partials  # type: ignore[operator]
            partial = partials[index]
            local = partial(node.data, *numbers) if callable(partial) else partial
            products += [local * each for each in below]
    return products


@given(graphs())
def test_paths_sum_to_the_gradient(graph: tuple[Value, Value]) -> None:
    output, leaf = graph
    found = chain_rule(output, leaf, most=4)
    assert leaf.grad == 0
    output.backward()
    assert found.gradient == leaf.grad or math.isnan(leaf.grad)
    products = [path.product for path in found.paths]
    rounding = 1e-12 * sum(map(abs, products)) + 1e-12 * sys.float_info.min  # subnormals keep an absolute precision only
    assert math.isclose(sum(products) + found.rest, leaf.grad, rel_tol=1e-12, abs_tol=rounding) or math.isnan(leaf.grad)


@given(graphs())
def test_the_largest_paths_are_those_of_all_paths(graph: tuple[Value, Value]) -> None:
    output, leaf = graph
    expected = sorted(map(abs, every_path(output, leaf)), reverse=True)
    found = chain_rule(output, leaf, most=5)
    assert found.count == len(expected)
    assert [abs(path.product) for path in found.paths] == pytest.approx(expected[:5], rel=1e-9, abs=1e-300)


@given(graphs())
def test_a_path_is_a_chain_from_the_output_to_the_leaf(graph: tuple[Value, Value]) -> None:
    output, leaf = graph
    found = chain_rule(output, leaf)
    for path in found.paths:
        ends = [output, *(factor.operand for factor in path.factors)]
        assert ends[-1] is leaf
        assert all(factor.node is end for factor, end in zip(path.factors, ends))
        assert {(factor.node, factor.index) for factor in path.factors} <= found.edges
        assert all(any(end is node for node in found.nodes) for end in ends)


def test_exponentially_many_paths_are_counted_and_summed_not_listed() -> None:
    x = Value(0.5, label="x")
    y = x
    for _ in range(300):
        y = y * 0.75 + y * 0.25
    found = chain_rule(y, x, most=3)
    assert found.count == 2**300
    assert found.gradient == pytest.approx(1.0)
    assert [path.product for path in found.paths] == pytest.approx([0.75**300, 0.75**299 * 0.25, 0.75**299 * 0.25])
    assert "the sum over about 10^90 paths" in str(found)
    assert "(593 factors: " in str(found)
    assert "all about 10^90 paths more together" in str(found)


def test_depth_and_size_are_no_limit() -> None:
    x = Value(1.0)
    y = x
    for _ in range(5000):
        y = y + y
    found = chain_rule(y * 1e-300 * 1e-300, x, most=2)  # 2^5000 is beyond a float, and its digits beyond what Python prints
    assert found.count == 2**5000
    assert "10^1505 paths" in str(found)


def test_large_and_small_factors_are_ranked_by_their_product_and_not_by_what_overflows_on_the_way() -> None:
    x = Value(1.0, label="x")
    small, large = x * 1e-200 * 1e-200 * 1e300 * 1e100, x * 1e-5
    found = chain_rule(small + large, x)
    assert [len(path.factors) for path in found.paths] == [5, 2]  # 1 and 1e-5, though 1e-400 is no float


def test_a_hidden_neuron_reaches_the_cost_through_each_output() -> None:
    model = MLP([2, 3, 2], seed=3)
    for name, parameter in model.named_parameters():
        parameter.label = name
    cost = squared_error(model([0.5, -1.0]), [1.0, 0.0])
    weight = model.layers[0].neurons[1].weights[0]
    found = chain_rule(cost, weight)
    cost.backward()
    assert found.count == 2
    assert sum(path.product for path in found.paths) == pytest.approx(weight.grad, rel=1e-14)


def test_the_text_names_every_factor_with_its_number() -> None:
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    e = a * b
    e.label = "e"
    y = (e + c) * Value(-2.0, label="f")
    y.label = "L"
    assert str(chain_rule(y, a)) == (
        "∂L/∂a = 6: the sum over 1 path\n"
        "\n"
        "          +6  100.0%   ∂L/∂v1 · ∂v1/∂e · ∂e/∂a = -2 · 1 · -3\n"
        "\n"
        "where L  = v1 * f=-2 = -8\n"
        "      v1 = e + c=10 = 4\n"
        "      e  = a * b=-3 = -6"
    )


def test_equal_labels_are_told_apart() -> None:
    x = Value(2.0, label="x")
    first, second = x * 3, x * 5
    first.label = second.label = "h"
    text = str(chain_rule(first + second, x))
    assert "∂output/∂h · ∂h/∂x" in text
    assert "∂output/∂h#2 · ∂h#2/∂x" in text


def test_an_inner_node_may_be_asked_about_and_a_node_by_itself() -> None:
    x = Value(2.0)
    middle = x * x
    assert chain_rule(middle * 7, middle).gradient == 7
    itself = chain_rule(middle, middle)
    assert (itself.gradient, itself.paths) == (1.0, (Path(()),))
    assert "the output itself" in str(itself)


def test_what_does_not_depend_says_so() -> None:
    x, y = Value(1.0, label="x"), Value(2.0, label="y")
    assert str(chain_rule(y * y, x)) == "∂output/∂x = 0: no path leads from x to output"
    assert why(y * y, x).verdict == "unconnected"
    assert str(why(y * y, x)) == "the gradient of output by x is 0: the output was computed without it"


def test_a_compiled_mean_is_one_node_like_any_other() -> None:
    w = Value(3.0, label="w")
    cost = vectorize(lambda x: w * x * x).mean([1.0, 2.0]) * 10
    assert chain_rule(cost, w).gradient == pytest.approx(25.0)
    assert chain_rule(cost, w).count == 1


@pytest.mark.parametrize("f", [chain_rule, why])
def test_only_values_have_paths(f: object) -> None:
    assert callable(f)
    with pytest.raises(TypeError, match=r"the output must be a Value of the graph, got list \[\]"):
        f([], Value(1.0))
    with pytest.raises(TypeError, match=r"the leaf must be a Value of the graph, got float 2\.0"):
        f(Value(1.0), 2.0)
    with pytest.raises(ValueError, match="most=0 must be at least 1: how many paths to show one by one"):
        chain_rule(Value(1.0), Value(1.0), most=0)


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
        (0.0, lambda x: sqrt(x) * 0, "nan", "sqrt", "a factor is not finite, and meets one of 0"),
        (1e-9, lambda x: log(x), "huge", "log", "log is steep or undefined at x = 1e-09"),
        (30.0, lambda x: exp(x), "huge", "exp", "exp of x = 30 grows as fast as it is large"),
        (1.0, lambda x: maximum(x, 5.0) * 2, "zero", "maximum", "the maximum is the other operand, 5"),
        (1.0, lambda x: where(x > 2, x, 0.0) * 2, "zero", "where", "the condition chose the other operand"),
        (1.0, lambda x: abs(x - 1), "zero", "abs", "that is what the rule of abs gives at v1 = 0"),
        (1.0, lambda x: weighted_sum([0.0, 2.0], [x, 3.0]), "zero", "weighted_sum", "it is multiplied by 0"),
        (1.0, lambda x: x * 1e300 * 1e300, "infinite", "multiply", "a value on the way is not finite"),
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


def test_why_tells_cancelling_from_vanishing() -> None:
    x = x_at(3.0)
    assert str(why(x - x, x)) == "the gradient of output by x is 0: 2 paths cancel, each alone up to 1"
    assert why(x * 1000 - x * (1000 - 1e-8), x).verdict == "cancelled"


def test_why_tells_many_paths_from_a_large_factor() -> None:
    x = x_at(1e-3)
    y = x
    for _ in range(21):
        y = y + y
    found = why(y, x)
    assert (found.verdict, found.causes) == ("huge", ())
    assert "2,097,152 paths add up, each alone at most 1" in str(found)


def test_why_finds_nothing_strange_in_an_ordinary_gradient() -> None:
    x = x_at(3.0)
    assert str(why(x * x, x)) == "the gradient of output by x is 6: nothing strange: 2 paths, the largest gives 3"


def test_why_lists_every_unit_that_blocks_the_way_and_no_other() -> None:
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
    assert "test_paths.py:" in str(why(y, x))
    assert "anomaly" not in str(why(y, x))
