"""The chain rule by paths: they sum to the gradient, for any number of paths, and the largest are listed."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Value, chain_rule, maximum, relu, sign, tanh, total, vectorize, weighted_sum
from autograd.paths import Path
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
    products = [path.product for path in found.paths]
    rounding = 1e-12 * sum(map(abs, products)) + 1e-12 * sys.float_info.min  # subnormals keep an absolute precision only
    for gradient in (found.gradient, sum(products) + found.rest):
        assert math.isclose(gradient, leaf.grad, rel_tol=1e-12, abs_tol=rounding) or math.isnan(leaf.grad)


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


def test_deep_and_large_graphs() -> None:
    x = Value(1.0)
    y = x
    for _ in range(5000):
        y = y + y
    found = chain_rule(y * 1e-300 * 1e-300, x, most=2)  # 2^5000 is beyond a float, and its digits beyond what Python prints
    assert found.count == 2**5000
    assert "10^1505 paths" in str(found)


def test_paths_are_ranked_by_product_without_overflow() -> None:
    x = Value(1.0, label="x")
    small, large = x * 1e-200 * 1e-200 * 1e300 * 1e100, x * 1e-5
    found = chain_rule(small + large, x)
    assert [len(path.factors) for path in found.paths] == [5, 2]  # 1 and 1e-5, though 1e-400 is no float


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


def test_equal_labels_are_numbered() -> None:
    x = Value(2.0, label="x")
    first, second = x * 3, x * 5
    first.label = second.label = "h"
    text = str(chain_rule(first + second, x))
    assert "∂output/∂h · ∂h/∂x" in text
    assert "∂output/∂h#2 · ∂h#2/∂x" in text


def test_the_leaf_may_be_an_inner_node_or_the_output() -> None:
    x = Value(2.0)
    middle = x * x
    assert chain_rule(middle * 7, middle).gradient == 7
    itself = chain_rule(middle, middle)
    assert (itself.gradient, itself.paths) == (1.0, (Path(()),))
    assert "the output itself" in str(itself)


def test_no_path_is_reported() -> None:
    x, y = Value(1.0, label="x"), Value(2.0, label="y")
    assert str(chain_rule(y * y, x)) == "∂output/∂x = 0: no path leads from x to output"


def test_swapped_output_and_leaf_give_a_hint() -> None:
    x = Value(2.0, label="x")
    y = x * x + 1
    y.label = "y"
    assert str(chain_rule(x, y)) == (
        "∂x/∂y = 0: no path leads from y to x, but y was computed from x: pass the output first, then the leaf"
    )


def test_a_step_function_has_derivative_zero() -> None:
    x = Value(1.0, label="x")
    found = chain_rule(sign(x) * 2, x)
    assert (found.gradient, found.count) == (0.0, 1)
    assert str(found) == "∂output/∂x = 0: the only path has the factor ∂v1/∂x = 0\n\nwhere v1 = sign(x) = 1"


def test_a_factor_of_0_on_every_path_is_one_line() -> None:
    model = MLP([3, 16, 16, 10], relu, seed=1)  # some neurons are off, which stops only some of the paths
    cost = squared_error(model([0.0, 0.5, 1.0]), [0.1] * 10)
    weight = model.layers[0].neurons[3].weights[0]
    found = chain_rule(cost, weight)
    assert found.count == 160
    assert [(stop.derivative, stop.operand is weight) for stop in found.stops] == [(0.0, True)]
    assert str(found).split("\n")[0] == "∂output/∂leaf = 0: all 160 paths have the factor ∂v1/∂leaf = 0"
    assert len(str(found).split("\n")) == 3  # and what v1 is
    assert not chain_rule(cost, model.layers[0].neurons[3].weights[1]).stops


def test_several_factors_of_0_are_listed_up_to_a_limit() -> None:
    x = Value(-1.0, label="x")
    two = chain_rule(relu(x) * 3 + relu(2 * x), x)
    assert str(two).startswith("∂output/∂x = 0: all 2 paths have a factor of 0, one of ∂v1/∂v2, ∂v3/∂x\n")
    many = total([relu(x * (1 + index)) for index in range(8)])
    assert ", ∂v7/∂v8, 4 more like these\n" in str(chain_rule(many, x))


def test_paths_with_a_factor_of_0_among_others_share_one_line() -> None:
    x = Value(-1.0, label="x")
    text = str(chain_rule(total([relu(x) * 2, relu(x) * 3, x * 4, x * 5]), x, most=3))
    assert "the sum over 4 paths" in text
    assert text.count("/∂x = ") == 3  # of the title, and of two paths
    assert "          +0    0.0%   2 paths with a factor of 0\n" in text


def test_a_product_that_underflows_has_no_factor_of_0() -> None:
    x = Value(0.0, label="x")
    found = chain_rule(x * 1e-300 * 1e-300, x)
    assert found.stops == ()
    assert "+0       -   ∂output/∂v1 · ∂v1/∂x = 1e-300 · 1e-300" in str(found)


def test_a_compiled_mean_is_one_node() -> None:
    w = Value(3.0, label="w")
    cost = vectorize(lambda x: w * x * x).mean([1.0, 2.0]) * 10
    assert chain_rule(cost, w).gradient == pytest.approx(25.0)
    assert chain_rule(cost, w).count == 1


def test_only_values_have_paths() -> None:
    with pytest.raises(TypeError, match=r"the output must be a Value of the graph, got list \[\]"):
        chain_rule([], Value(1.0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"the leaf must be a Value of the graph, got float 2\.0"):
        chain_rule(Value(1.0), 2.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="most must be a whole number of at least 1, got 0: the number of paths to list"):
        chain_rule(Value(1.0), Value(1.0), most=0)


def test_named_paths() -> None:
    x = Value(3.0, label="x")
    y = x * x + 2 * x
    y.label = "y"
    rule = chain_rule(y, x)
    assert rule.named_paths() == [[("∂y/∂v1", 1.0), ("∂v1/∂x", 3.0)]] * 2 + [[("∂y/∂v2", 1.0), ("∂v2/∂x", 2.0)]]
    assert chain_rule(Value(1.0), x).named_paths() == []
