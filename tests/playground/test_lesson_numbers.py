"""Numbers in the texts of the shipped lessons are those of the book's code."""

import numpy as np
import pytest

from autograd import Value, sigmoid, tanh, vectorize
from nn import (
    MLP,
    SGD,
    Adam,
    binary_cross_entropy,
    digits,
    minibatches,
    moons,
    nudges,
    one_hot,
    squared_error,
    train,
)
from playground.bundle import page_files


def text_of(name: str) -> str:
    return page_files()[f"lessons/{name}.md"].decode()


def test_the_outputs_of_the_untrained_machine_before_and_after_a_stroke() -> None:
    images, labels = digits(500, seed=0)
    two = images[labels == 2][0].reshape(28, 28)
    stroke = two.copy()
    stroke[5:20, 14] = 1.0
    before, after = MLP([784, 16, 16, 10], sigmoid, sigmoid, seed=0).predict(np.array([two.ravel(), stroke.ravel()]))
    for outputs in (before, after):
        assert ", ".join(f"{output:.3f}" for output in outputs) in text_of("1-a-number")
    assert before.argmax() == after.argmax() == 8
    assert np.abs(after - before).argmax() == 5
    assert np.abs(after - before).max().round(3) == 0.004


def test_the_steps_of_the_three_walks() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 3, 200)
    y = 1.5 * x - 0.5 + rng.normal(0, 0.6, 200)
    weight, bias = Value(-1.0), Value(3.0)
    lowest = np.mean((np.polyval(np.polyfit(x, y, 1), x) - y) ** 2)
    cost = vectorize(lambda x, y: (weight * x + bias - y) ** 2).record(x, y)

    def walk(size: int, rate: float) -> int:
        theta, steps, rng = cost.parameter_vector(), 0, np.random.default_rng(0)
        while True:
            for some_x, some_y in minibatches(x, y, size, rng):
                if cost.value_and_gradient(x, y, parameters=theta)[0] <= 1.1 * lowest:
                    return steps
                theta -= rate * cost.value_and_gradient(some_x, some_y, parameters=theta)[1]
                steps += 1

    careful, second, drunk = ((walk(size, 0.2), walk(size, 0.05)) for size in (200, 10, 1))
    told = f"The careful man needs {careful[0]} steps instead of {careful[1]}, and the second man {second[0]} instead of {second[1]}."
    assert f"{told} But the drunk man needs {drunk[0]} instead of {drunk[1]}." in text_of("6-drunk")


@pytest.mark.parametrize(("size", "told"), [(200, "batches of 200"), (20, "20"), (2, "2")])
def test_the_costs_after_forty_epochs(size: int, told: str) -> None:
    X, labels = moons(200, noise=0.1, seed=0)
    model = MLP([2, 16, 16, 1], activation=tanh, seed=0)
    history = train(model, X, labels, cost=binary_cross_entropy, optimizer=Adam(0.02), batch_size=size, epochs=40, progress=False)
    assert f"to {history.cost[-1]:.1g} with {told}" in text_of("6-drunk")


def test_what_the_wishes_of_one_2_do_to_other_images() -> None:
    images, labels = digits(1500, seed=0)
    machine = MLP([784, 16, 16, 10], sigmoid, sigmoid, seed=0)
    train(machine, images, one_hot(labels, 10), optimizer=SGD(3.0), batch_size=10, epochs=2, progress=False)
    fresh, truth = digits(500, seed=1)
    twos = fresh[truth == 2]
    two = twos[np.argmin(abs(machine.predict(twos)[:, 2] - 0.3))]
    before = machine.predict(fresh).argmax(axis=1)
    for dial, wish in zip(machine.parameters(), nudges(machine, two, one_hot([2], 10)[0], squared_error).vector):
        dial.data += 0.5 * wish
    after = machine.predict(fresh).argmax(axis=1)
    read = f"{(before == 2).sum()} as a 2 before, and it reads {(after == 2).sum()} now, although only {(truth == 2).sum()} show one"
    assert read in text_of("7-wishes")
    assert f"now it shows {machine.predict(two[None])[0, 2]:.2f}" in text_of("7-wishes")
