"""Stages 3 to 6 of vectorize: groups, layout and matrix products, and those of the gradient."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd import Value, sigmoid, tanh, total, weighted_sum
from autograd.vectorize import instructions as ir
from autograd.vectorize.builder import spelled
from autograd.vectorize.differentiate import with_gradient
from autograd.vectorize.lower import lower
from autograd.vectorize.program import Program
from autograd.vectorize.record import record
from autograd.vectorize.simplify import simplify
from nn import MLP, squared_error


def lowered(f: Callable[..., Any], *shapes: tuple[int, ...], per_example: bool = False) -> tuple[Program, list[int]]:
    graph, batched = simplify(record(f, shapes, ["x", "y"][: len(shapes)])[0])
    program, order = lower(graph, batched, [math.prod(shape) for shape in shapes], per_example)
    program = spelled(program)
    program.check()
    return program, order


def count(program: Program, kind: type[ir.Instruction]) -> int:
    return len(program.find(kind))


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
    assert count(program, ir.MatMul) == 3
    assert count(program, ir.Take) == 0


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
    assert count(program, ir.Take) == 0


def test_a_recurrent_net_has_one_product_a_step() -> None:
    W, u, b = weights(4, 4), weights(4), weights(4)

    def f(x: Any) -> Any:
        state: list[Any] = [0.0] * 4
        for each in x:
            state = [tanh(weighted_sum(row, state, bias) + w * each) for row, w, bias in zip(W, u, b)]
        return state

    program, _ = lowered(f, (20,))
    assert (count(program, ir.MatMul), count(program, ir.Take)) == (20, 0)


def test_a_convolution_is_one_product_over_all_places() -> None:
    kernels = weights(3, 5)
    program, _ = lowered(lambda x: [weighted_sum(k, x[i : i + 5]) for i in range(16) for k in kernels], (20,))
    assert count(program, ir.MatMul) == 1
    (product,) = program.find(ir.MatMul)
    assert program.shape(product) == (16 * ir.BATCH, 3)


def test_sums_of_different_lengths_are_one_instruction() -> None:
    program, _ = lowered(lambda x: [total(tanh(each) for each in x[: n + 2]) for n in range(5)], (6,))
    (segments,) = program.find(ir.Segments)
    assert program.instructions[segments].lengths.tolist() == [2, 3, 4, 5, 6]  # type: ignore[attr-defined]
    assert count(program, ir.Reduce) == 0


def test_a_layer_lies_in_the_order_of_the_loops_whatever_uses_it_first() -> None:
    W = weights(3, 2)

    def f(x: Any) -> Any:
        rows = [[tanh(sum(w * each for w, each in zip(row, token))) for row in W] for token in x]
        return rows[3][1] * rows[1][2] + total(map(total, rows))

    program, order = lowered(f, (4, 2))
    graph, *_ = record(f, [(4, 2)], ["x"])
    assert [id(graph.parameters[each]) for each in order] == [id(each) for row in W for each in row]
    assert (count(program, ir.MatMul), count(program, ir.Take)) == (1, 0)


def test_an_attention_to_growing_lists_has_one_program_size_at_every_length() -> None:
    W = weights(3, 2)

    def f(x: Any) -> Any:
        keys: list[Any] = []
        results = []
        for token in x:
            keys.append([sum(w * each for w, each in zip(row, token)) for row in W])
            scores = [tanh(sum(a * b for a, b in zip(keys[-1], key))) for key in keys]
            results.append(sum(score * key[0] for score, key in zip(scores, keys)) / sum(scores))
        return results

    assert len(lowered(f, (3, 2))[0]) == len(lowered(f, (7, 2))[0]) <= 20


def test_terms_without_the_example_have_no_batch_axis() -> None:
    w = weights(50)
    program, _ = lowered(lambda x: [weighted_sum(w[:2], x), 0.1 * sum(each * tanh(each) for each in w)], (2,))
    rows = {number: each.op.name for number, each in enumerate(program.instructions) if isinstance(each, ir.Elementwise)}
    named = [number for number, name in rows.items() if name in ("tanh", "multiply")]
    assert named
    assert not any(map(program.varies, named))


def test_results_without_the_example_have_no_batch_axis() -> None:
    w = weights(3)
    program, _ = lowered(lambda x: list(map(tanh, w)), (2,))
    assert program.shape(program.outputs["results"]) == (3,)


def test_a_group_lies_in_the_order_of_its_operands() -> None:
    def f(x: Any) -> Any:
        first = list(map(tanh, x))
        return total(map(sigmoid, [first[2], first[0], first[1]]))

    assert count(lowered(f, (3,))[0], ir.Take) == 0


def test_powers_with_the_same_number_as_exponent_are_one_instruction() -> None:
    for exponents, instructions in (([3.0, 5.0], 2), (weights(2), 1)):
        program, _ = lowered(lambda x, exponents=exponents: [a**b for b in exponents for a in x], (2,))
        assert count(program, ir.Elementwise) == instructions


def test_the_factors_of_a_sum_of_products_lie_side_by_side() -> None:
    left, right = weights(3), weights(3)
    f = lambda x: total(a * b for a, b in zip(left, right))  # noqa: E731
    _, order = lowered(f, (1,))
    parameters = record(f, [(1,)], ["x"])[0].parameters
    assert [id(parameters[each]) for each in order] == [id(each) for each in left + right]


def test_per_example_programs_keep_products_with_numbers() -> None:
    program, _ = lowered(lambda x: [1 * x[0] + 2 * x[1] + 3 * x[2], 4 * x[0] + 5 * x[1] + 6 * x[2]], (3,), per_example=True)
    assert count(program, ir.MatMul) == 1


def test_per_example_parameters_have_a_row_each_in_the_same_order() -> None:
    model = MLP([4, 5, 3])
    _, order = lowered(model, (4,))
    rows, same_order = lowered(model, (4,), per_example=True)
    assert order == same_order
    assert [rows.shape(each) for each in rows.find(ir.Parameters)] == [(ir.BATCH, len(order))]
    assert count(rows, ir.MatMul) == 0


def test_a_gradient_has_two_products_a_layer_and_one_for_the_first() -> None:
    model = MLP([6, 5, 4, 3])
    graph, batched = simplify(record(lambda x, y: squared_error(model(x), y), [(6,), (3,)], ["x", "y"])[0])
    program = spelled(with_gradient(lower(graph, batched, [6, 3])[0]))
    products = [each for each in program.find(ir.MatMul) if each != program.outputs["cost"]]
    assert len(products) == 3 + 5
