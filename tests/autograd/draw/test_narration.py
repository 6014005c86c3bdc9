"""The steps of the page: words and numbers."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Value, maximum, relu, tanh, total, weighted_sum
from autograd.draw import draw
from autograd.draw.graph import snapshot
from autograd.draw.sweep import Sweep
from tests.autograd.draw.graphs import neuron, page_data, parts_of


def test_steps_show_rules_and_numbers() -> None:
    output, _ = neuron()
    parts = parts_of(draw(output))
    assert {name for name, part in parts.items() if "turn" not in part} == {"v0", "v1", "v3"}
    product = parts["v2"]
    assert product["forward"] == {"heading": "-6", "rows": ["= w * x", "= -3 * 2"]}
    assert product["backward"]["rows"][0] == {
        "rule": "d(w * x)/dw = x = 2",
        "times": "times 0.42 from above = 0.8399",
        "sum": "into w: 0 + 0.8399 = 0.8399",
    }
    assert product["backward"]["rows"][1]["rule"] == "d(w * x)/dx = w = -3"
    assert parts["v4"]["backward"]["rows"][0]["rule"] == "d(a + b)/da = 1 at a = -6"
    assert parts["v5"]["backward"]["rows"][0]["rule"] == "d(tanh(u))/du = 1 - tanh(u)^2 = 0.42 at u = 1"  # x is the user's name


def rules(output: Value) -> list[str]:
    """The rules of an output's last step."""
    part = max((each for each in parts_of(draw(output)).values() if "turn" in each), key=lambda each: each["turn"])
    return [row["rule"] for row in part["backward"]["rows"]]


def test_placeholders_are_no_names_of_the_user() -> None:
    a, b, u = Value(2.0, "a"), Value(6.5, "b"), Value(0.5, "u")
    assert rules((a + u) * (b + 1.0)) == ["d(v * p)/dv = p = 7.5 at v = 2.5", "d(v * p)/dp = v = 2.5 at p = 7.5"]
    assert rules((a + u) ** 2) == ["d(v ** 2)/dv = 2 · v = 5 at v = 2.5"]
    product = a * b
    assert rules(product * product) == ["d(u * u)/du = u = 13 at u = 13"] * 2
    same, other = Value(1.0, "x"), Value(2.0, "x")
    assert rules(same * other) == ["d(x * b)/dx = b = 2", "d(x * b)/db = x = 1 at b = 2"]
    assert rules(Value(1.0, "my input") * 3.0) == ["d(a * 3)/da = 3 at a = 1"]
    assert rules(tanh(Value(0.5, "w[0,1]"))) == ["d(tanh(w[0,1]))/dw[0,1] = 1 - tanh(w[0,1])^2 = 0.7864"]


def test_contributions_add_up_in_an_operand_used_twice() -> None:
    x = Value(3.0, "x")
    rows = parts_of(draw(x * x))["v1"]["backward"]["rows"]
    assert [row["sum"] for row in rows] == ["into x: 0 + 3 = 3", "into x: 3 + 3 = 6"]


def test_turns_are_depths() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    deep = tanh(tanh(tanh(a)))
    late = b * 2.0  # comes last in the order of the graph, and is no deeper than the first tanh
    turns = [part["turn"][0] for part in parts_of(draw(deep + late)).values() if part["level"] == "node" and "turn" in part]
    assert sorted(turns) == [1, 1, 2, 3, 4]


def test_gradients_of_the_page_do_not_depend_on_grad() -> None:
    x = Value(2.0, "x")
    y = maximum(x, 1.0) * x
    y.backward()
    y.backward()  # x.grad has doubled
    assert parts_of(draw(y))["v0"]["lines"][-1]["text"] == "grad 4"
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
def test_the_sweep_gives_the_gradients_of_backward(data: st.DataObject) -> None:
    """Against `Value.backward`, on random graphs; what is held after the last addition to a node is its adjoint."""
    nodes: list[Any] = [Value(0.5 * index - 1) for index in range(data.draw(st.integers(1, 4)))]
    for _ in range(data.draw(st.integers(1, 30))):
        operands = [nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(2)]
        nodes.append(data.draw(st.sampled_from(STEADY))(*operands))
    output = total(nodes[-3:])
    graph = snapshot([output])
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


def test_a_flat_operation_blocks_an_infinite_gradient() -> None:
    x = Value(0.0, "x")
    y = (x.sign()) ** 0.5 + x
    y.backward()
    assert x.grad == 1.0
    parts = parts_of(draw(y))
    assert parts["v0"]["lines"][-1]["text"] == "grad 1"
    assert [edge["partial"] for edge in page_data(draw(y))["edges"]][1] == "inf"


def test_steps_of_a_neighbourhood_include_gradients_from_outside() -> None:
    x = Value(2.0, "x")
    y = x * 3.0
    z = y * y
    step = parts_of(draw(z, around=x, radius=1))["v1"]["backward"]
    assert step["heading"] == "6 (multiply): 12 from above"
    assert step["changes"][-1][:2] == ["v0", "grad 36"]


def test_a_long_list_of_contributions_is_cut() -> None:
    (output,) = [part for part in parts_of(draw(total([Value(float(each)) for each in range(30)]))).values() if "turn" in part]
    assert output["backward"]["rows"][-1] == {"rule": "and 18 more in the same way"}


def test_a_weighted_sum_lists_its_largest_terms() -> None:
    w, x, b = Value(0.5, "w"), Value(4.0, "x"), Value(0.25, "b")
    z = weighted_sum([w, 3.0], [x, 2.0], b)
    z.backward()
    part = parts_of(draw(z))["v3"]
    terms = {"rows": [["w", 0.5, "x", 4.0], [None, 3.0, None, 2.0]], "bias": ["b", 0.25], "sum": ["", 8.25]}
    assert part["forward"]["terms"] == terms
    assert part["backward"]["shares"] == 1.0
    many = weighted_sum([float(each) for each in range(50)], [1.0] * 50, w)
    terms = parts_of(draw(many))["v1"]["forward"]["terms"]
    assert [row[1] for row in terms["rows"]] == [float(each) for each in range(10, 50)]
    assert terms["others"] == [10, 45.0]


def test_terms_are_ranked_by_their_products() -> None:
    weights, inputs = [0.001 * each for each in range(1, 51)], [1.0 / each**3 for each in range(1, 51)]
    terms = parts_of(draw(weighted_sum(weights, inputs, Value(0.0))))["v1"]["forward"]["terms"]
    assert [row[1] for row in terms["rows"]] == weights[:40]  # the products are 0.001 / n ** 2
