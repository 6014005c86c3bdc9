"""Nudges: negative gradients of each example, their sums, and how they are printed, written and drawn."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Value, relu, sigmoid, softplus, tanh
from nn import MLP, Neuron, binary_cross_entropy, cross_entropy, hinge, l2_penalty, nudges, one_hot, squared_error, xor
from nn.explain import Nudges, NudgeTable, backpropagate

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
LABELS = RNG.integers(0, 4, 12)
SIGNS = RNG.choice([-1.0, 1.0], 12)


def leaky(x: Any) -> Any:
    return relu(x) - 0.1 * relu(-x)


CASES: list[tuple[MLP, npt.NDArray[Any], Any]] = [
    (MLP([3, 5, 4, 4], sigmoid, sigmoid, seed=1), one_hot(LABELS, 4), squared_error),
    (MLP([3, 5, 4], tanh, seed=2), LABELS.astype(float), cross_entropy),
    (MLP([3, 5, 4], relu, seed=3), one_hot(LABELS, 4), cross_entropy),
    (MLP([3, 6, 1], leaky, seed=4), SIGNS, hinge),
    (MLP([3, 2, 2, 1], [softplus, None, None], seed=5), (SIGNS + 1) / 2, binary_cross_entropy),
    (MLP([3, 1], seed=6), SIGNS, squared_error),
]


def table_of(model: MLP, Y: npt.NDArray[Any], cost: Any, inputs: npt.NDArray[Any] = X) -> NudgeTable:
    found = nudges(model, inputs, Y, cost)
    assert isinstance(found, NudgeTable)
    return found


def eager_gradient(model: MLP, x: list[float], y: Any, cost: Any) -> list[float]:
    model.zero_grad()
    result = cost(model(x), y)
    result.backward()
    gradient = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    return gradient


@pytest.mark.parametrize(("model", "Y", "cost"), CASES)
def test_nudges_are_minus_the_gradients_in_the_models_order(model: MLP, Y: npt.NDArray[Any], cost: Any) -> None:
    table = table_of(model, Y, cost)
    eager = np.array([eager_gradient(model, x, y, cost) for x, y in zip(X.tolist(), Y.tolist())])
    np.testing.assert_allclose(table.rows, -eager, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(table.average, -eager.mean(axis=0), rtol=1e-12, atol=1e-14)
    assert table.names == [name for name, _ in model.named_parameters()]
    assert table.costs.tolist() == pytest.approx([cost(model(x), y).data for x, y in zip(X.tolist(), Y.tolist())], rel=1e-12)


@pytest.mark.parametrize(("model", "Y", "cost"), CASES)
def test_one_example_is_a_row_of_many(model: MLP, Y: npt.NDArray[Any], cost: Any) -> None:
    table = table_of(model, Y, cost)
    for index in (0, 7):
        one = nudges(model, X[index].tolist(), Y[index].tolist(), cost)
        np.testing.assert_allclose(one.vector, table.rows[index], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(one.outputs, table[index].outputs, rtol=1e-12, atol=1e-14)
        assert one.cost == pytest.approx(table[index].cost, rel=1e-12)
        assert one.target == table[index].target


@pytest.mark.parametrize(("model", "Y", "cost"), CASES)
def test_the_parts_add_up(model: MLP, Y: npt.NDArray[Any], cost: Any) -> None:
    """Every input's nudge is minus the cost's derivative by it: the sum of the wishes of the neurons that it goes to."""
    one = nudges(model, X[2].tolist(), Y[2].tolist(), cost)
    inputs = [Value(each) for each in X[2].tolist()]
    activations, values = [inputs], inputs
    for layer in model.layers:
        values = layer(values)
        activations.append(values)
    cost(values, Y[2].tolist()).backward()
    model.zero_grad()
    for layer, before in zip(one.layers, activations):
        derivatives = [-each.grad for each in before]
        np.testing.assert_allclose(layer.activations, derivatives, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(layer.wishes.sum(axis=0), derivatives, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(layer.weights, layer.biases[:, None] * [each.data for each in before], rtol=1e-14)
    np.testing.assert_allclose(one.outputs, [-each.grad for each in values], rtol=1e-12, atol=1e-14)


def test_nudges_do_not_change_the_model() -> None:
    model, Y, cost = CASES[0]
    for parameter in model.parameters():
        parameter.grad = 7.0
    state = model.state_dict()
    nudges(model, X, Y, cost)
    nudges(model, X[0].tolist(), Y[0].tolist(), cost)
    assert {parameter.grad for parameter in model.parameters()} == {7.0}
    assert model.state_dict() == state
    model.zero_grad()


def test_an_activation_that_cannot_be_compiled_is_explained_one_by_one() -> None:
    def branching(x: Any) -> Any:
        return x if x > 0 else 0.1 * x

    model = MLP([3, 6, 1], branching, seed=4)
    np.testing.assert_allclose(table_of(model, SIGNS, hinge).rows, table_of(CASES[3][0], SIGNS, hinge).rows, rtol=1e-12, atol=1e-14)


def test_the_text_of_one_example() -> None:
    model = MLP([2, 2, 1], [None, None], seed=0)
    for parameter, number in zip(model.parameters(), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 3.0, -2.0, 0.5]):
        parameter.data = number
    assert str(nudges(model, [0.5, 2.0], 0.0, squared_error)) == (
        "cost 4 for the target 0.0; the outputs want to change by\n"
        "  output 0: +4 (now -2)\n"
        "layer 1, 2 -> 1\n"
        "  neuron 0, now -2, wants its bias changed by +4,\n"
        "    its weights by [1] +8 (meets 2), [0] +2 (meets 0.5)\n"
        "    and its inputs by [0] +12 (by weight 3), [1] -8 (by weight -2)\n"
        "  together they want the inputs changed by [0] +12, [1] -8\n"
        "layer 0, 2 -> 2\n"
        "  neuron 0, now 0.5, wants its bias changed by +12,\n"
        "    its weights by [1] +24 (meets 2), [0] +6 (meets 0.5)\n"
        "    and its inputs by [0] +12 (by weight 1), [1] +0 (by weight 0)\n"
        "  neuron 1, now 2, wants its bias changed by -8,\n"
        "    its weights by [1] -16 (meets 2), [0] -4 (meets 0.5)\n"
        "    and its inputs by [1] -8 (by weight 1), [0] -0 (by weight 0)\n"
        "  together they want the inputs changed by [0] +12, [1] -8"
    )


def test_the_text_of_many_examples_adds_up_by_class() -> None:
    table = table_of(*CASES[0])
    names, *rows, last = table.text(most=3).splitlines()
    found = re.fullmatch(r"in units of (\S+); 61 more parameters", last)
    assert found
    strongest = sorted(np.argsort(-np.abs(table.average), kind="stable")[:3])
    cells = np.array([[float(each) for each in row.split()[-3:]] for row in rows])
    assert [row.split()[:4] for row in rows[:-1]] == [[str(sum(k == LABELS)), "of", "class", str(k)] for k in sorted(set(LABELS))]
    np.testing.assert_allclose(cells[:-1].sum(axis=0), cells[-1], atol=1e-9)
    np.testing.assert_allclose(cells[-1] * float(found[1]), table.average[strongest], atol=0.005 * float(found[1]) + 1e-15)
    for k, row in zip(sorted(set(LABELS)), cells):
        own = table.rows[k == LABELS][:, strongest].sum(axis=0) / len(table)
        np.testing.assert_allclose(row * float(found[1]), own, atol=0.0101 * float(found[1]))
    assert len(names.split("L")) == 4
    assert str(table) == table.text()


def test_targets_that_are_no_classes_are_shown_by_example() -> None:
    table = table_of(MLP([3, 1], seed=6), np.linspace(0.1, 0.9, len(X)), squared_error)
    _, *rows, _ = table.text(most=2).splitlines()
    assert [row.split("  ")[0] for row in rows] == ["example 0", "example 1", "10 others", "average of 12"]
    assert [row.split("  ")[0] for row in table.text(most=4).splitlines()[5:7]] == ["8 others", "average of 12"]


def test_the_table_of_many_is_written_with_its_average(tmp_path: Path) -> None:
    table = table_of(*CASES[1])
    table.to_csv(tmp_path / "nudges.csv")
    with (tmp_path / "nudges.csv").open() as file:
        header, *rows, average = csv.reader(file)
    assert header == ["example", *(name for name, _ in CASES[1][0].named_parameters())]
    np.testing.assert_array_equal(np.array([row[1:] for row in rows], dtype=float), table.rows)
    assert average[0] == "average"
    np.testing.assert_array_equal(np.array(average[1:], dtype=float), table.average)
    assert [path.name for path in tmp_path.iterdir()] == ["nudges.csv"]


def test_one_example_is_written_with_every_part(tmp_path: Path) -> None:
    one = nudges(CASES[1][0], X[0].tolist(), 2, cross_entropy)
    one.to_csv(tmp_path / "one.csv")
    with (tmp_path / "one.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (5 * 7 + 3) + (4 * 11 + 5)
    wishes = [float(row["nudge"]) for row in rows if row["layer"] == "1" and row["kind"] == "activation" and row["input"] == "3"]
    (together,) = [float(row["nudge"]) for row in rows if row["layer"] == "1" and row["kind"] == "sum" and row["input"] == "3"]
    assert together == pytest.approx(sum(wishes))
    (weight,) = [row for row in rows if (row["layer"], row["neuron"], row["kind"], row["input"]) == ("0", "4", "weight", "1")]
    (bias,) = [row for row in rows if (row["layer"], row["neuron"], row["kind"]) == ("0", "4", "bias")]
    assert float(weight["nudge"]) == pytest.approx(float(bias["nudge"]) * float(weight["scaled by"]))


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "nudges.csv"
    path.write_text("old")
    table = table_of(*CASES[1])
    del table.deltas[:]
    with pytest.raises(ValueError, match="need at least one array"):
        table.to_csv(path)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_picture_of_one_has_an_arrow_for_each_wish() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    one = nudges(CASES[0][0], X[0].tolist(), [0.0, 0.0, 1.0, 0.0], squared_error)
    figure, ax = pyplot.subplots()
    assert one.plot(ax) is ax
    arrows = [each.arrow_patch for each in ax.texts if getattr(each, "arrow_patch", None)]
    columns = [layer.activations for layer in one.layers] + [one.outputs]
    strong = [wish > 0 for wishes in columns for wish in wishes if abs(wish) > 0.05 / 0.9 * np.abs(wishes).max()]
    ups = [arrow.get_edgecolor()[2] > 0.5 for arrow in arrows]  # blue
    assert ups == strong
    pyplot.close(figure)


def test_the_picture_of_many_is_a_sheet_with_its_average_below() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    table = table_of(*CASES[0])
    figure, ax = pyplot.subplots()
    assert table.plot(ax, most=5) is ax
    labels = [each.get_text() for each in ax.get_yticklabels()]
    assert labels[-2:] == [f"{sum(max(LABELS) == LABELS)} of class {max(LABELS)}", "average of 12"]
    cells = [each.get_text() for each in ax.texts]
    assert cells == [cell for row in table.text(most=5).splitlines()[1:-1] for cell in row.split()[-5:]]
    pyplot.close(figure)


def test_a_wide_input_is_left_out_of_the_picture() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, ax = pyplot.subplots()
    nudges(MLP([40, 3, 2], seed=0), [0.1] * 40, 1, cross_entropy).plot(ax)
    titles = [each.get_text() for each in ax.texts]
    assert "inputs" not in titles
    assert "outputs" in titles
    pyplot.close(figure)


def test_errors_say_what_cannot_be_explained() -> None:
    model = MLP([3, 4, 2], seed=0)
    with pytest.raises(TypeError, match=r"nudges explains an MLP, layer by layer; got Neuron Neuron\(3"):
        nudges(Neuron(3), X, LABELS, cross_entropy)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="x and y must be equally long: got 12 examples and 3 targets"):
        nudges(model, X, [0, 1, 1], cross_entropy)
    with pytest.raises(ValueError, match="this network takes 3 inputs, got 2"):
        nudges(model, [1.0, 2.0], 1, cross_entropy)
    with pytest.raises(ValueError, match="class label from 0 to 1, got 5"):
        nudges(model, [1.0, 2.0, 3.0], 5, cross_entropy)

    def penalised(outputs: Any, target: Any) -> Any:
        return cross_entropy(outputs, target) + 0.1 * l2_penalty(model.parameters())

    with pytest.raises(ValueError, match="the cost penalised depends on Values of its own, such as weights in a penalty: leave them out"):
        nudges(model, X[0].tolist(), 1, penalised)


WRONG: list[tuple[int, Any, Any, Any, str]] = [
    (3, cross_entropy, 1.0, 9.0, "class label from 0 to 2, got 9.0; for other labels: classes, Y = np.unique"),
    (3, hinge, 1.0, 9.0, "hinge with 3 scores takes a class label from 0 to 2, got 9.0; for other labels: classes, Y = np.unique"),
    (1, hinge, 1.0, 0.0, "hinge takes the target -1 or 1 for a single score, got 0.0; write 2 * y - 1 for labels 0 and 1, and one score"),
    (1, binary_cross_entropy, 1.0, -1.0, "takes the target 0 or 1, or a probability between them, got -1.0; hinge takes"),
    (3, cross_entropy, [0.0, 1.0, 0.0], [7.0, -3.0, 0.0], "or a probability for each class, which add up to 1: got [7.0, -3.0, 0.0]"),
    (3, hinge, [0.0, 1.0, 0.0], [7.0, -3.0, 0.0], "or 1 for the right class and 0 for the others: got [7.0, -3.0, 0.0]"),
]


def branching_tanh(x: Any) -> Any:
    return tanh(x) if x > 0 else -tanh(-x)


@pytest.mark.parametrize(("outputs", "cost", "right", "wrong", "message"), WRONG)
@pytest.mark.parametrize(("examples", "place"), [(4, 0), (4, 2), (12, 0), (12, 7), (2100, 2050)])
def test_a_wrong_target_names_its_example(outputs: int, cost: Any, right: Any, wrong: Any, message: str, examples: int, place: int) -> None:
    inputs, targets = np.resize(X, (examples, 3)), np.array([right] * examples)
    targets[place] = wrong
    for activation in (tanh, branching_tanh) if examples < 2000 else (tanh,):  # compiled, and row by row
        with pytest.raises(ValueError, match=rf"{re.escape(message)}.* \(example {place}\)$"):
            nudges(MLP([3, 4, outputs], activation, seed=0), inputs, targets, cost)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        nudges(MLP([3, 4, outputs], seed=0), X[0], wrong, cost)
    assert "(example" not in str(caught.value)


def test_networks_that_are_more_than_their_layers_are_refused() -> None:
    class Residual(MLP):
        def __call__(self, x: Any) -> list[Any]:
            return [output + x[0] for output in super().__call__(x)]

    tied = MLP([3, 3, 3], seed=0)
    tied.layers[1] = tied.layers[0]
    with pytest.raises(ValueError, match="has parameters besides those of its layers, or shares some: nudges takes plain layers only"):
        nudges(tied, X[0].tolist(), 1, cross_entropy)
    with pytest.raises(ValueError, match=r"MLP\(\[3, 2\]\) computes more than its layers: Residual has its own __call__"):
        nudges(Residual([3, 2], seed=0), X[0].tolist(), 1, cross_entropy)


def test_rows_of_the_xor_network_are_the_eager_gradients() -> None:
    """numpy 2.2.6 to 2.4.6 gave other biases: np.negative reads wrong entries at a stride of 64 bytes."""
    inputs, labels = xor()
    for sizes in ([2, 2, 1], [2, 3, 1], [2, 2, 2, 1], [1, 1, 1]):
        model = MLP(sizes, tanh, seed=0)
        rows = table_of(model, labels, binary_cross_entropy, inputs[:, : sizes[0]]).rows
        for row, x, y in zip(rows, inputs[:, : sizes[0]].tolist(), labels.tolist()):
            np.testing.assert_allclose(row, -np.array(eager_gradient(model, x, y, binary_cross_entropy)), rtol=1e-12, atol=1e-15)


def test_the_strongest_are_one_or_more() -> None:
    table = table_of(*CASES[0])
    for show in (table.text, table.plot, table[0].text):
        with pytest.raises(ValueError, match="most must be a whole number of at least 1, got 0"):
            show(most=0)


def test_kinds_of_results() -> None:
    model = CASES[0][0]
    assert isinstance(nudges(model, X[0], [0, 0, 0, 1], squared_error), Nudges)
    table = nudges(model, X[:1], [[0, 0, 0, 1]], squared_error)
    assert isinstance(table, NudgeTable)
    assert len(table) == 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    st.lists(st.sampled_from([tanh, relu, leaky, branching_tanh, None]), min_size=3, max_size=3),
    st.sampled_from([1, 3, 60]),
    st.integers(0, 99),
)
def test_backpropagation_gives_the_gradients_of_backward(sizes: list[int], activations: list[Any], count: int, seed: int) -> None:
    """`Value.backward` on each example is the oracle."""
    rng = np.random.default_rng(seed)
    model = MLP(sizes, activations[: len(sizes) - 1], seed=seed)
    inputs, targets = rng.normal(size=(count, sizes[0])), rng.normal(size=(count, sizes[-1]))
    found = backpropagate(model, inputs, targets, squared_error)
    for index in (0, count - 1):
        z, a = model.trace(inputs[index].tolist())
        cost = squared_error(a[-1], targets[index].tolist())
        cost.backward()
        assert found.costs[index] == pytest.approx(cost.data, rel=1e-12)
        for layer in range(len(sizes) - 1):
            np.testing.assert_allclose(found.z[layer][index], [each.data for each in z[layer]], rtol=1e-11, atol=1e-13)
            np.testing.assert_allclose(found.a[layer][index], [each.data for each in a[layer]], rtol=1e-11, atol=1e-13)
            np.testing.assert_allclose(found.delta[layer][index], [each.grad for each in z[layer]], rtol=1e-10, atol=1e-12)
