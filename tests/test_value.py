"""Value: the graph it records, backward(), numpy beside it, and what anomaly mode says."""

import copy
import gc
import inspect
import math
import operator
import pickle
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value, anomaly, chain_rule, draw, grad, maximum, ops, primitive, sign, sqrt, total, vectorize, why
from autograd._fast_backward import results_in_order
from autograd.backward import adjoints, check_numbers, topological_order
from nn import MLP, Adam
from tests.threads import in_threads

ROOT = Path(__file__).parents[1]


def micrograd_readme() -> tuple[Value, Value, Value]:
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return a, b, g


@pytest.mark.parametrize("context", [nullcontext, anomaly])
def test_the_numbers_of_micrograds_readme(context: Callable[[], AbstractContextManager[None]]) -> None:
    a, b, g = micrograd_readme()
    with context():
        g.backward()
    assert (f"{g.data:.4f}", f"{a.grad:.4f}", f"{b.grad:.4f}") == ("24.7041", "138.8338", "645.5773")


def test_backward_twice_doubles_the_leaves_and_nothing_else() -> None:
    a, b, g = micrograd_readme()
    g.backward()
    once = {node: node.grad for node in topological_order(g)}
    g.backward()
    for node, gradient in once.items():
        assert node.grad == (2 * gradient if node in {a, b} else gradient)


def test_gradients_of_several_outputs_add_up_in_the_leaves() -> None:
    x = Value(3.0)
    shared = x * x
    (shared * 2).backward()
    (shared + x).backward()
    assert x.grad == 12 + 7
    leaf = Value(1.0)
    leaf.backward()
    leaf.backward()
    assert leaf.grad == 2.0


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_a_long_chain_of_operations(count: int) -> None:
    x = y = Value(1.0)
    for _ in range(count):
        y = y + 1 / count
    y.backward()
    assert x.grad == 1.0
    assert math.isclose(y.data, 2.0, rel_tol=1e-9)
    del y  # freed without recursion too


def test_a_dropped_graph_leaves_nothing_to_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            _, _, g = micrograd_readme()
            ops.weighted_sum([g, g], [g, 1.0], g).backward()
            del g
        assert gc.collect() == 0
    finally:
        gc.enable()


MEMORY = """
import tracemalloc
from autograd import Value
x = Value(1.0)
tracemalloc.start()
before = tracemalloc.get_traced_memory()[0]
y = x
for _ in range(5000):
    y = y * x
    y = y + x
y.backward()
print((tracemalloc.get_traced_memory()[0] - before) / 10_000)
"""


def test_a_node_takes_little_memory() -> None:
    """Bytes a node, with its number and its gradient.

    Python 3.11 and 3.12 reserve room for the attributes of an object when it is made, for as many as any Value was ever given.
    """
    done = subprocess.run([sys.executable, "-c", MEMORY], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) <= (155 if sys.version_info[:2] in ((3, 11), (3, 12)) else 140)


def test_operands_are_ordered_and_repeated() -> None:
    x, y = Value(2.0), Value(5.0)
    assert (x * x).operands == (x, x)
    assert (x - y).operands == (x, y)
    assert (3 - x).operands == (3.0, x)
    assert (x / 4).operands == (x, 4.0)
    assert (-x).operands == (x,)
    assert ops.total([x, y, 1.0]).operands == (x, y, 1.0)
    assert ops.total([x]).operands == (x,)
    assert ops.total([x, y]).operands == (x, y)
    assert x.operands == ()
    assert x.op is None
    assert (x * y).op is ops.multiply
    product = x * y
    output = product + x
    assert topological_order(output) == [x, y, product, output]


def test_the_order_stops_at_the_nodes_that_count_as_leaves() -> None:
    x = Value(2.0)
    middle = x * x
    output = middle + 1.0
    assert topological_order(output, within={middle}) == [middle, output]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_the_order_puts_operands_first_and_each_node_once(edges: list[tuple[int, int]]) -> None:
    nodes: list[Any] = [Value(1.0)]
    for a, b in edges:
        nodes.append(nodes[a % len(nodes)] + nodes[b % len(nodes)])
    order = topological_order(nodes[-1])
    assert len(set(order)) == len(order)
    assert order[-1] is nodes[-1]
    for index, node in enumerate(order):
        assert set(node.operands) <= set(order[:index])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25))
def test_a_sweep_visits_the_results_in_the_one_order(steps: list[tuple[int, int, int]]) -> None:
    kinds: list[Callable[[Any, Any], Any]] = [
        operator.add,
        operator.mul,
        lambda a, _: -a,
        lambda a, b: ops.total([a, b, 2.0, a]),
        ops.maximum,
    ]
    nodes: list[Any] = [Value(1.0), Value(2.0), 3.0]
    for kind, a, b in steps:
        nodes.append(kinds[kind](nodes[a % len(nodes)], nodes[b % len(nodes)]))
    output = nodes[-1]
    if isinstance(output, Value) and output.op is not None:
        expected = [node for node in topological_order(output) if node.op is not None]
        assert list(map(id, results_in_order(output))) == list(map(id, expected))


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25))
def test_both_sweeps_give_the_same_derivatives(steps: list[tuple[int, int, int]]) -> None:
    kinds: list[Callable[[Any, Any], Any]] = [
        operator.add,
        operator.mul,
        lambda a, b: a / (b * b + 1),
        lambda a, _: ops.tanh(a),
        lambda a, b: ops.weighted_sum([a, 0.5, b], [b, a, 2.0], a),
        lambda a, b: ops.logsumexp([a, b, a]),
        lambda a, b: ops.where(a > b, a, b * 0.5),
        lambda a, b: mixed_rules(ops.tanh(a), b),
        lambda a, _: ops.relu(a),
        lambda a, b: ops.maximum(a, b) - ops.minimum(a, a),
        lambda a, b: ops.where(b > 9, ops.sqrt(a - a), b),  # an infinite slope that is not chosen
        lambda a, _: ops.sqrt(a - a),  # and one that is
    ]
    nodes: list[Any] = [Value(0.5), Value(-1.5)]
    for kind, a, b in steps:
        nodes.append(ops.sin(kinds[kind](nodes[a % len(nodes)], nodes[b % len(nodes)])))
    output = nodes[-1]
    order = topological_order(output)
    floats, graph = adjoints(order, set(order)), adjoints(order, set(order), nodes=True)
    assert all(node.grad == 0.0 for node in order)  # no grad changes
    output.backward()
    for node in order:
        as_node = graph.get(node, 0.0)
        found = [floats.get(node, 0.0), as_node.data if isinstance(as_node, Value) else as_node]
        np.testing.assert_allclose(found, [node.grad] * 2, rtol=1e-12, atol=1e-15)


def test_adjoints_are_those_of_the_nodes_that_were_asked_for() -> None:
    x, w = Value(3.0), Value(2.0)
    y = x * w * 5.0
    assert adjoints(topological_order(y), {y, y.operands[0], x}) == {y: 1.0, y.operands[0]: 5.0, x: 10.0}


@primitive(lambda y, a, b: 2 * a, 3.0)
def mixed_rules(a: Any, b: Any) -> Any:
    """One partial derivative is a function, the other a constant."""
    return a * a + 3 * b


@primitive(0.0, lambda y, a, b, c: c, lambda y, a, b, c: b)
def blind(a: Any, b: Any, c: Any) -> Any:
    """Flat in its first operand."""
    return b * c


def test_weighted_sums_with_constants_have_the_gradients_of_their_variables() -> None:
    w, x, b = Value(2.0), Value(3.0), Value(4.0)
    ops.weighted_sum([w, 5.0, 7.0, w], [x, x, 7.0, 6.0], b).backward()
    assert (w.grad, x.grad, b.grad) == (9.0, 7.0, 1.0)
    ops.weighted_sum([w], [x]).backward()
    ops.weighted_sum([], [], b).backward()
    assert (w.grad, x.grad, b.grad) == (12.0, 9.0, 2.0)


def test_no_gradient_takes_the_path_through_a_constant_of_zero() -> None:
    """Where a partial derivative is 0 everywhere nothing passes, not even 0 * inf."""
    choice, chosen = Value(1.0), Value(0.0)
    ops.sqrt(ops.where(choice, chosen, 1.0)).backward()
    assert (choice.grad, chosen.grad) == (0.0, math.inf)
    unseen, seen = Value(2.0), Value(0.0)
    ops.sqrt(blind(unseen, seen, 1.0)).backward()
    assert (unseen.grad, seen.grad) == (0.0, math.inf)
    step, threshold = Value(0.0), Value(1.0)
    ops.sqrt(ops.sign(step) * ops.greater(threshold, 0.0)).backward()
    assert (step.grad, threshold.grad) == (0.0, 0.0)
    x = Value(0.0)
    y = sign(sqrt(x))  # the slope of sqrt is infinite
    y.backward()
    found = [
        grad(lambda x: sign(sqrt(x)))(0.0),
        chain_rule(y, x).gradient,
        *vectorize(lambda _: sign(sqrt(x))).value_and_gradient(np.ones(1))[1],
    ]
    assert [x.grad, *found] == [0.0] * 4
    assert [type(node.grad) for node in topological_order(y)] == [float] * 3


def test_where_python_raises_in_a_rule_the_rest_of_the_row_is_still_added_once() -> None:
    a, b = Value(0.0), Value(-1.0)
    a.grad, b.grad = 0.25, 0.5
    with autograd.modes.mode.temporarily(sweeping=True):
        quotient = ops.divide(b, a)
    quotient.backward()
    assert (a.grad, b.grad) == (math.inf, math.inf)
    base, exponent = Value(-2.0), Value(2.0)
    (base**exponent).backward()
    assert base.grad == -4.0
    assert math.isnan(exponent.grad)  # log(-2) raises, and the base has its derivative all the same


def test_labels_format_and_repr() -> None:
    x = Value(2.0, label="x")
    assert repr(x) == "Value(2.0, grad=0.0, label='x')"
    assert repr(Value(2)) == "Value(2.0, grad=0.0)"
    assert f"{x:.3f}" == "2.000"
    assert f"{x}" == repr(x)
    assert x.named() == "x=2.0"
    assert (x + 1).named() == "3.0"


def test_comparisons_and_truth_look_at_data() -> None:
    one, two = Value(1.0), Value(2.0)
    assert one < two
    assert one <= 1
    assert two > 1.5
    assert ops.minimum(3, two) == 2
    assert one == 1
    assert one == Value(1.0)
    assert one != two
    assert one
    assert not Value(0.0)
    assert one != "one"
    with pytest.raises(TypeError):
        assert one < "one"
    assert len({one, Value(1.0)}) == 2  # hashes look at identity: nodes can be keys


@pytest.mark.parametrize("f", [math.exp, math.sin, float, int, np.float64, complex, round, lambda v: [0, 1][v]])
def test_functions_of_floats_raise_instead_of_dropping_the_graph(f: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError) as raised:
        f(Value(1.0))
    if f in (math.exp, math.sin, float, int, np.float64):
        assert "Instead of math.exp(v) write autograd.exp(v), or v.exp(); where only the number is needed, write v.data" in str(
            raised.value
        )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("1", "expected a real number, an array or a Value, got str '1'"),
        (None, "expected a real number, an array or a Value, got NoneType None"),
        (1j, "expected a real number, an array or a Value, got complex 1j"),
        (np.complex64(1), "expected a real number, an array or a Value, got complex64"),
        ([1.0, 2.0], "a Value holds one number, got list [1.0, 2.0]: write [Value(number) for number in ...]"),
        (np.ones(1), "a Value holds one number, got ndarray array([1.]): write [Value(number) for number in ...]"),
        (Value(3.0), "a Value holds one number, got Value(3.0, grad=0.0): for a leaf of the same number write Value(x.data)"),
    ],
)
def test_data_and_grad_must_be_one_real_number(data: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}"):
        Value(data)
    leaf = Value(3.0, label="leaf")
    with pytest.raises(TypeError, match=f"^{re.escape(message)}.*, for the data of leaf=3.0$"):
        leaf.data = data
    with pytest.raises(TypeError, match=f"^{re.escape(message)}"):
        leaf.grad = data
    assert (leaf.data, leaf.grad) == (3.0, 0.0)


@pytest.mark.parametrize(
    "number",
    [2, 2.0, True, np.float64(2.0), np.float32(2.0), np.int64(2), np.uint8(200), np.longdouble(2), np.array(2.0), np.array(2.0)[()]],
)
def test_numbers_of_every_kind_on_both_sides(number: Any) -> None:
    plain = float(number)
    x = Value(3.0)
    for f in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow):
        assert type(f(x, number)) is type(f(number, x)) is Value
        assert f(x, number).data == f(3.0, plain)
        assert f(number, x).data == f(plain, 3.0)
        assert all(type(each) in (float, Value) for each in f(number, x).operands)
    assert type(Value(number).data) is float
    x.data = number
    assert (type(x.data), (x + x).data) == (float, 2 * plain)


def test_numpy_functions_work_on_values_and_object_arrays() -> None:
    x: Any = Value(0.5)
    y: Any = Value(2.0)
    vector: Any = np.array([x, y])
    assert [each.data for each in np.exp(vector)] == [math.exp(0.5), math.exp(2.0)]
    assert np.exp(x).op is ops.exp
    assert np.maximum(x, 1.0).op is ops.maximum
    assert np.maximum(1.0, x).data == 1.0
    assert (vector + x).shape == (2,)
    assert [each.data for each in x * np.array([1.0, 2.0])] == [0.5, 1.0]
    assert [each.data for each in np.array([1.0, 2.0]) * x] == [0.5, 1.0]
    assert [each.data for each in np.arctan(vector)] == [math.atan(0.5), math.atan(2.0)]
    cost = (vector @ vector) + np.sum(vector) + np.dot(np.array([1.0, 3.0]), vector)
    cost.backward()
    assert (x.grad, y.grad) == (1 + 1 + 1, 4 + 1 + 3)
    assert [each.data for each in ops.tanh(vector)] == [math.tanh(0.5), math.tanh(2.0)]
    assert [each.data for each in ops.maximum(x, np.array([0.0, 1.0]))] == [0.5, 1.0]
    with pytest.raises(TypeError):
        np.floor(x)


def test_every_function_is_a_method() -> None:
    for name, function in ops.FUNCTIONS.items():
        if function.arity == 1:
            assert getattr(Value(0.25), name)().op is function
    assert Value(1.0).maximum(2.0).op is ops.maximum
    assert (+Value(1.0)).data == 1.0


def line_below() -> str:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return f"{__file__}:{frame.f_back.f_lineno + 1}"


def test_anomaly_mode_names_operation_operands_and_line_of_a_bad_value() -> None:
    x = Value(1e200, label="x")
    cases: list[tuple[Any, str]] = [(lambda: x * 1e200, "x=1e+200 * 1e+200"), (lambda: ops.exp(x), "exp(x=1e+200)")]
    for operation, described in cases:
        with anomaly(), pytest.raises(FloatingPointError) as raised:
            operation()
        assert str(raised.value) == f"{described} gave inf, at {__file__}:{operation.__code__.co_firstlineno}"
    assert (x * 1e200).data == math.inf  # outside the block, as IEEE has it


def test_anomaly_mode_names_operation_operands_and_line_of_a_bad_gradient() -> None:
    x = Value(0.0, label="x")
    with anomaly():
        here = line_below()
        root = ops.sqrt(x)
        with pytest.raises(FloatingPointError) as raised:
            (root * 3).backward()
    assert str(raised.value) == f"the gradient of x through sqrt(x=0.0) is inf: at {here}"
    assert x.grad == 0.0  # as it was: a failed sweep adds nothing
    assert root.line == here
    assert x.line is None
    early = ops.sqrt(x)
    with anomaly(), pytest.raises(FloatingPointError, match=r"made before the anomaly\(\) block, so its line is not known"):
        early.backward()
    with anomaly(), pytest.raises(FloatingPointError, match=r"the gradient of x through sqrt\(x=0.0\) is inf"):
        autograd.grad(lambda v: ops.sqrt(labelled(v)))(0.0)


def labelled(v: Value) -> Value:
    v.label = "x"
    return v


def test_anomaly_blocks_nest_and_close_after_errors() -> None:
    with anomaly(), anomaly():
        pass
    with pytest.raises(RuntimeError), anomaly():
        raise RuntimeError
    assert (Value(1e300) * 1e300).data == math.inf


def test_anomaly_mode_is_that_of_its_own_thread() -> None:
    seen: list[Any] = []

    def work() -> None:
        huge = Value(1e300) * 1e300
        leaf = Value(0.0)
        ops.sqrt(leaf).backward()
        seen.extend([huge.data, leaf.grad, huge.line])

    with anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [math.inf, math.inf, None]

    entered, leave = threading.Event(), threading.Event()

    def watch() -> None:
        with anomaly():
            entered.set()
            leave.wait()

    watcher = threading.Thread(target=watch)
    watcher.start()
    entered.wait()
    assert (Value(1e300) * 1e300).data == math.inf
    leave.set()
    watcher.join()
    assert autograd.modes.watchers == 0


def same_graph(one: Any, other: Any) -> bool:
    before, after = topological_order(one), topological_order(other)
    twins = dict(zip(before, after))
    return len(before) == len(after) and all(
        a is not b
        and (a.data, a.grad, a.label, a.op) == (b.data, b.grad, b.label, b.op)
        and all(x == y if type(x) is float else twins[x] is y for x, y in zip(a.operands, b.operands))
        for a, b in twins.items()
    )


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, *(lambda each, p=protocol: pickle.loads(pickle.dumps(each, p)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))],
)
def test_copies_and_pickles_keep_numbers_labels_and_what_is_shared(duplicate: Callable[[Any], Any]) -> None:
    leaf = Value(2.0, label="w")
    leaf.grad = 3.0
    assert same_graph(leaf, duplicate(leaf))
    _, _, g = micrograd_readme()
    g.backward()
    assert same_graph(g, duplicate(g))
    shared = ops.weighted_sum([leaf, 2.0], [leaf, 3.0], leaf)
    one, other, own = duplicate([shared + 1, shared * leaf, shared])
    assert one.operands[0] is other.operands[0] is own
    assert other.operands[1] is own.operands[0]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_deep_graph_is_copied_and_pickled_without_recursion(duplicate: Callable[[Any], Any]) -> None:
    x = y = Value(1.0)
    for _ in range(5_000):
        y = y + x
    other = duplicate(y)
    assert len(topological_order(other)) == 5_001
    other.backward()
    assert topological_order(other)[0].grad == 5_001.0
    assert x.grad == 0.0


def test_a_pickle_that_failed_leaves_later_ones_whole() -> None:
    @primitive(1.0)
    def local(x: Any) -> Any:
        return x

    x = y = Value(1.0)
    for _ in range(5_000):
        y = y + x
    with pytest.raises(pickle.PicklingError, match="define a primitive at the top level of a module"):
        pickle.dumps(local(y) + y)
    assert pickle.loads(pickle.dumps(y + 1)).data == y.data + 1


def test_a_shallow_copy_is_another_node_of_the_same_operands() -> None:
    x = Value(2.0, label="x")
    y = x * 3
    y.label, y.grad = "y", 5.0
    twin = copy.copy(y)
    assert twin is not y
    assert (twin.data, twin.grad, twin.label, twin.op) == (6.0, 5.0, "y", ops.multiply)
    assert twin.operands[0] is x


# A graph whose leaf was assigned later


def test_a_graph_that_is_out_of_date_is_refused() -> None:
    x, w = Value(2.0, label="x"), Value(3.0)
    y = (x * w + 1).tanh() * x
    x.data = 4.0
    for use in (lambda: chain_rule(y, x), lambda: why(y, w), lambda: draw(y), lambda: chain_rule(y, w)):
        with pytest.raises(ValueError, match=r"the graph is out of date: .* the data of x .* was assigned after the graph was made"):
            use()
    y.backward()  # reads the numbers that are there
    with anomaly(), pytest.raises(ValueError, match="the graph is out of date"):
        y.backward()
    x.data = math.nan
    with pytest.raises(ValueError, match=r"is nan and the graph holds 6\.0"):
        draw(y)
    x.data = 2.0  # and it fits again
    with anomaly():
        y.backward()
    draw(ops.exp(x * 1000.0) * math.nan)  # math.exp raises here, and nan is not nan


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6))
def test_every_leaf_that_is_assigned_later_is_noticed(seed: int) -> None:
    """On random graphs: the number of some node differs from its operation's exactly where a leaf with an influence has changed."""
    rng = random.Random(seed)
    leaves = [Value(rng.uniform(0.5, 2.0), label=f"leaf {index}") for index in range(4)]
    pool: list[Value] = list(leaves)
    for _ in range(12):
        a, b = rng.choice(pool), rng.choice(pool)
        pool.append(rng.choice([a + b, a * b, a / (1 + b * b), a.tanh(), a.sqrt(), a - 2 * b]) if a.data > 0 else a + b * b)
    output = total(pool)
    check_numbers(topological_order(output))
    leaf = rng.choice(leaves)
    leaf.data += 0.25
    with pytest.raises(ValueError, match=f"the data of .*{leaf.label}.* was assigned"):
        check_numbers(topological_order(output))


def test_threads_do_not_disturb_each_other() -> None:
    second = grad(grad(lambda x: ops.sin(x) * x))
    results = in_threads(2, lambda _: [second(0.5) for _ in range(50)])
    assert results == [[second(0.5)] * 50] * 2


def test_threads_that_share_a_leaf_lose_no_gradient() -> None:
    w = Value(1.0)
    in_threads(4, lambda _: [(w * 2.0 + w).backward() for _ in range(500)])
    assert w.grad == 6000.0


# Subclasses


class Named(Value):
    """A Value with attributes."""

    __slots__ = ("unit",)
    unit: str
    moment: list[float]


def test_a_subclass_works_in_every_operation_and_keeps_its_attributes() -> None:
    for name, row in ops.TABLE.items():
        operands = [Named(0.5), Named(0.25), Named(0.75)][: 3 if row.variadic else row.arity]
        result = row(*operands)
        plain = row(*[Value(each.data) for each in operands])
        assert type(result) is Value, name
        assert result.data == plain.data
        result.backward()
    v = Named(2.0, label="v")
    v.unit, v.moment = "m", [1.0]
    for twin in (copy.copy(v), copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert (type(twin), twin.data, twin.label, twin.unit, twin.moment) == (Named, 2.0, "v", "m", [1.0])
    assert maximum(v, 1.0).data == (v + 0).data == abs(v).data == (2 * v / v).data == 2.0


def test_attributes_can_be_set_and_are_kept_by_copies_and_pickles() -> None:
    w: Any = Value(2.0, label="w")
    w.moment, w.steps = 0.5, [1]
    y = w * w
    y.name = "square"
    for leaf, result in (copy.deepcopy((w, y)), pickle.loads(pickle.dumps((w, y)))):
        assert (leaf.moment, leaf.steps, leaf.label, result.name) == (0.5, [1], "w", "square")
        assert result.operands == (leaf, leaf)
        assert leaf.steps is not w.steps
    assert copy.copy(w).moment == 0.5
    y.backward()
    assert w.grad == 4.0
    assert not vars(w * 3.0)


def test_adam_with_its_memory_in_the_parameters() -> None:
    """A loop that keeps its moments in attributes gives what the optimizer gives."""
    model, other = MLP([2, 3, 1], seed=0), MLP([2, 3, 1], seed=0)
    optimizer = Adam(0.1)
    parameters: list[Any] = list(model.parameters())
    for p in parameters:
        p.m = p.v = 0.0
    for step in range(1, 4):
        for each in (model, other):
            for p in each.parameters():
                p.grad = 0.0
            ((each([0.5, -1.0])[0] - 1.0) ** 2).backward()
        optimizer.step(other.parameters())
        for p in parameters:
            p.m = 0.9 * p.m + 0.1 * p.grad
            p.v = 0.999 * p.v + 0.001 * p.grad**2
            p.data -= 0.1 * (p.m / (1 - 0.9**step)) / ((p.v / (1 - 0.999**step)) ** 0.5 + 1e-8)
    np.testing.assert_allclose([p.data for p in parameters], [p.data for p in other.parameters()], rtol=1e-12)
