"""Stages 3 to 5 of vectorize: groups, layout and matrix products."""

from collections.abc import Callable, Sequence
from typing import Any

from autograd import Value, sigmoid, tanh, weighted_sum
from autograd.vectorize.arrays import BATCH, MATMUL, TAKE, Program, rebuilt
from autograd.vectorize.lower import lower
from autograd.vectorize.record import record
from autograd.vectorize.simplify import simplify
from nn import MLP, squared_error


def lowered(f: Callable[..., Any], *shapes: tuple[int, ...], per_example: bool = False) -> tuple[Program, list[int]]:
    graph, batched = simplify(record(f, shapes, ["x", "y"][: len(shapes)])[0])
    program, order = lower(graph, batched, [max(1, *shape, 1) for shape in shapes], per_example)
    return rebuilt(program), order


def count(program: Program, op: Any) -> int:
    return sum(each.op == op for each in program.instructions)


def weights(*shape: int) -> Any:
    return [weights(*shape[1:]) for _ in range(shape[0])] if shape else Value(1.0)


def loops(model: MLP) -> Callable[[Any], Any]:
    """The network in the user's own loops over the same weights."""

    def f(x: Sequence[Any]) -> Any:
        for layer in model.layers:
            x = [n.activation(sum(w * each for w, each in zip(n.weights, x)) + n.bias) for n in layer.neurons]
        return list(x)

    return f


def test_a_layer_is_one_matrix_product() -> None:
    model = MLP([4, 5, 6, 3], activation=sigmoid)
    program, _ = lowered(lambda x, y: squared_error(model(x), y), (4,), (3,))
    assert count(program, MATMUL) == 3
    assert count(program, TAKE) == 0


def test_loops_over_weights_become_the_same_program() -> None:
    model = MLP([4, 5, 6, 3], activation=sigmoid)
    assert str(lowered(loops(model), (4,))[0]) == str(lowered(model, (4,))[0])


def test_parameters_lie_as_their_matrices_do() -> None:
    model = MLP([2, 3, 1])
    program, order = lowered(model, (2,))
    graph, *_ = record(model, [(2,)], ["x"])
    laid_out = [graph.parameters[each] for each in order]
    first, second = model.layers
    expected = [w for n in first.neurons for w in n.weights] + [n.bias for n in first.neurons] + second.neurons[0].weights
    assert [id(each) for each in laid_out] == [id(each) for each in [*expected, second.neurons[0].bias]]
    assert count(program, TAKE) == 0


def test_a_recurrent_net_has_one_product_a_step() -> None:
    W, u, b = weights(4, 4), weights(4), weights(4)

    def f(x: Any) -> Any:
        state: list[Any] = [0.0] * 4
        for each in x:
            state = [tanh(weighted_sum(row, state, bias) + w * each) for row, w, bias in zip(W, u, b)]
        return state

    program, _ = lowered(f, (20,))
    assert (count(program, MATMUL), count(program, TAKE)) == (20, 0)


def test_a_convolution_is_one_product_over_all_places() -> None:
    kernels = weights(3, 5)
    program, _ = lowered(lambda x: [weighted_sum(k, x[i : i + 5]) for i in range(16) for k in kernels], (20,))
    assert count(program, MATMUL) == 1
    (product,) = [each for each in program.instructions if each.op == MATMUL]
    assert product.shape == (16 * BATCH, 3)


def test_terms_without_the_example_have_no_batch_axis() -> None:
    w = weights(50)
    program, _ = lowered(lambda x: [weighted_sum(w[:2], x), 0.1 * sum(each * tanh(each) for each in w)], (2,))
    shapes = [each.shape for each in program.instructions if not isinstance(each.op, str) and each.op.name in ("tanh", "multiply")]
    assert shapes
    assert not any(BATCH in shape for shape in shapes)


def test_per_example_parameters_have_a_row_each_in_the_same_order() -> None:
    model = MLP([4, 5, 3])
    _, order = lowered(model, (4,))
    rows, same_order = lowered(model, (4,), per_example=True)
    assert order == same_order
    assert next(each.shape for each in rows.instructions if each.op == "parameters") == (BATCH, len(order))
    assert count(rows, MATMUL) == 0
