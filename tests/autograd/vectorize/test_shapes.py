"""Shapes of example: a function recorded for several of them has one parameter vector."""

from typing import Any

import numpy as np

from autograd import UpdateRule, Value, vectorize
from tests.programs import every_backend


@every_backend
def test_one_vector_serves_all_shapes(backend: str) -> None:
    w, others = [Value(float(each)) for each in range(1, 5)], [Value(2.0), Value(3.0)]

    def f(x: Any) -> Any:
        return sum(a * b for a, b in zip(w, x)) * (others[1] if len(x) > 2 else others[0])

    program = vectorize(f, backend=backend)
    short, long = np.ones((3, 2)), np.ones((3, 4))
    first = program.record(short).parameters
    program.record(long)
    assert program.parameters[: len(first)] == first
    assert set(program.parameters) == {*w, *others}
    theta, out = program.parameter_vector(), np.full(6, np.nan)
    for rows, cost, expected in ((short, 6.0, [2, 2, 0, 0, 3, 0]), (long, 30.0, [3, 3, 3, 3, 0, 10])):
        for _ in range(2):  # the second call is a repeated one
            assert program.value_and_gradient(rows, parameters=theta, out=out)[0] == cost
            assert program.layout.to([*w, *others], out).tolist() == expected
            out[:] = np.nan
        assert program.per_example_gradients(rows, order=[*w, *others]).tolist() == [expected] * 3
        assert program.per_example_gradients(rows).shape == (3, 6)
        program.mean(rows).backward()
        assert [each.grad for each in (*w, *others)] == expected
        for each in (*w, *others):
            each.grad = 0.0


def test_a_step_changes_parameters_that_its_shape_does_not_use() -> None:
    w = [Value(1.0), Value(2.0)]
    program = vectorize(lambda x: sum(a * b for a, b in zip(w, x)))
    program.record(np.ones((1, 1))).record(np.ones((1, 2)))
    theta = program.parameter_vector()
    decay = UpdateRule(lambda parameter, gradient, rate, step: [0.5 * parameter - rate * gradient])
    program.descent(decay, np.ones((1, 1)), parameters=theta).take([1.0])
    assert theta.tolist() == [-0.5, 1.0]
