"""Compile a scalar cost with vectorize, and compare the speed of the programs with hand-written numpy."""

import inspect
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import Value, Vectorized, c_compiler, tanh, vectorize
from demos.common import parser, positive

Array = np.ndarray[Any, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--batch", type=positive, default=100, help="number of examples per call")
    options.add_argument("--hidden", type=positive, default=16, help="number of hidden neurons")
    options.add_argument("--rounds", type=positive, default=5, help="number of timings, of which the median is printed")
    given = options.parse_args(arguments)
    rng = np.random.default_rng(given.seed)
    X, y = rng.normal(size=(given.batch, 2)), rng.normal(size=given.batch)
    W1, b1, W2, b2 = (rng.normal(size=size) for size in ((given.hidden, 2), given.hidden, given.hidden, ()))
    hidden = [[Value(w) for w in row] for row in W1.tolist()]
    hidden_biases, output, output_bias = [Value(b) for b in b1.tolist()], [Value(w) for w in W2.tolist()], Value(float(b2))

    def cost(x: Any, y: Any) -> Any:
        """Return the squared error of a small network for one example: a list of scalars and a scalar."""
        h = [tanh(sum(w * xi for w, xi in zip(row, x)) + b) for row, b in zip(hidden, hidden_biases)]
        z = sum(w * hi for w, hi in zip(output, h)) + output_bias
        return (z - y) ** 2

    print(f"You write, for one example:\n\n{inspect.getsource(cost)}")
    compiled = vectorize(cost).record(X, y)
    print(f"This runs, for a batch of examples:\n\n{compiled.source}")

    theta = compiled.parameter_vector()
    programs = {"compiled": compiled}
    if c_compiler():
        programs["native"] = vectorize(cost, backend="native").record(X, y)

    def eagerly() -> float:
        mean = sum(cost(x, t) for x, t in zip(X.tolist(), y.tolist())) / len(X)
        for parameter in compiled.parameters:
            parameter.grad = 0.0
        mean.backward()
        return float(mean.data)

    def contestants(X: Array, y: Array) -> dict[str, Callable[[], float]]:
        by_hand = ByHand(W1, b1, W2, float(b2), len(X))
        runs: dict[str, Callable[[], float]] = {name: running(each, X, y, theta) for name, each in programs.items()}
        return {"numpy by hand": lambda: by_hand.value_and_gradient(X, y), **runs}

    sizes = (1, given.batch, 100 * given.batch)
    taken = []
    for size in sizes:
        rows = np.arange(size) % given.batch
        racing = contestants(X[rows], y[rows])
        print(f"The mean cost of {size:,} example{'s' if size > 1 else ''} and its gradient with respect to {len(theta)} parameters:\n")
        taken.append(compare({"eager": eagerly, **racing} if size == given.batch else racing, given.rounds))
    alone, usual = (seconds["compiled"] * 1e6 for seconds in taken[:2])
    print(f"The compiled program takes {alone:.1f} us for a single example, {alone / usual:.0%} of the time for {given.batch} examples.")
    print("This is the overhead of calling numpy functions from Python. It does not matter for large batches.")
    if "native" in programs:
        print(f"The native program, compiled by {c_compiler()}, needs only one such call.")
    path = given.output / "compiled.py"
    compiled.export(path)
    print(f"wrote {path}: the program and its parameters, which need only numpy")


def running(program: Vectorized, X: Array, y: Array, theta: Array) -> Callable[[], float]:
    """Return a function that calls the program as training does, with given parameters and an output array for the gradient."""
    gradient = np.empty_like(theta)
    return lambda: program.value_and_gradient(X, y, parameters=theta, out=gradient)[0]


class ByHand:
    """The same network written by hand in numpy for speed: arrays are allocated once, and operations use `out=`."""

    def __init__(self, W1: Array, b1: Array, W2: Array, b2: float, batch: int) -> None:
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2
        self.h, self.dh, self.slope = (np.empty((batch, len(b1))) for _ in range(3))
        self.error, self.ones = np.empty(batch), np.ones(batch)
        self.dW1, self.db1, self.dW2, self.db2 = np.empty_like(W1), np.empty_like(b1), np.empty_like(W2), 0.0

    def value_and_gradient(self, X: Array, y: Array) -> float:
        """Return the mean cost, and write the gradient to dW1, db1, dW2 and db2."""
        h, dh, slope, error = self.h, self.dh, self.slope, self.error
        np.dot(X, self.W1.T, out=h)
        np.add(h, self.b1, out=h)
        np.tanh(h, out=h)
        np.dot(h, self.W2, out=error)
        np.add(error, self.b2, out=error)
        np.subtract(error, y, out=error)
        cost = float(np.dot(error, error)) / len(y)
        np.multiply(error, 2 / len(y), out=error)
        np.dot(error, h, out=self.dW2)
        self.db2 = float(np.dot(self.ones, error))
        np.multiply(h, h, out=slope)
        np.subtract(1, slope, out=slope)
        np.multiply(error[:, None], self.W2, out=dh)
        np.multiply(dh, slope, out=dh)
        np.dot(dh.T, X, out=self.dW1)
        np.dot(self.ones, dh, out=self.db1)
        return cost


def compare(contestants: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Print the time and the cost of each contestant. Returns the median seconds per call."""
    costs = {name: work() for name, work in contestants.items()}
    seconds = race(contestants, rounds)
    for name, took in seconds.items():
        ratio = took / seconds["numpy by hand"]
        print(f"  {name:14} {took * 1e6:12,.1f} us  {ratio:10,.2f} x numpy by hand   cost {costs[name]:.12f}")
    print()
    return seconds


def race(contestants: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the median seconds per call. The contestants take turns, so that a slow moment of the machine affects all of them."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            calls, start = 0, time.perf_counter()
            while time.perf_counter() < start + 0.02:
                work()
                calls += 1
            times[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(each) for name, each in times.items()}


if __name__ == "__main__":
    main()
