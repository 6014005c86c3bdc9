"""The workloads, and every contestant that is installed."""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any
from unittest import mock

import numpy as np

import autograd
import nn
from autograd import Value, relu, sigmoid, tanh, total
from autograd.vectorize.backends import native
from nn.data import moons as two_moons
from tests.benchmarks import by_hand
from tests.benchmarks.frames import playground
from tests.benchmarks.gpt import gpt
from tests.benchmarks.irregular import irregular
from tests.benchmarks.peers import back_ends, has_compiler, installed
from tests.benchmarks.race import Contestants, Many, race, ratio, rows, seconds, table, timed

DIGITS = [784, 16, 16, 10]
VECTORIZE: Any = vars(autograd).get("vectorize") if "vectorize" in autograd.__all__ else None


# graph: what a node costs


def readme(number: Callable[[float], Any], activation: Callable[[Any], Any] = lambda x: x.relu()) -> Any:
    """The expression in micrograd's README, built and differentiated."""
    a, b = number(-4.0), number(2.0)
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + activation(b + a)
    d = d + 3 * d + activation(b - a)
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    g.backward()
    return a.grad


def straight_line(a: float, b: float) -> tuple[float, float, float]:
    """The same as one would write it without an engine: the value, and both partial derivatives."""
    c = a + b
    d = a * b + b**3
    c2 = c + c + 1
    c3 = c2 + 1 + c2 + (-a)
    d2 = d + d * 2 + (c if c > 0 else 0.0)
    difference = b - a
    e = c3 - (d2 + 3 * d2 + (difference if difference > 0 else 0.0))
    f = e**2
    g = f / 2.0 + 10.0 / f
    by_e = (0.5 - 10.0 / f**2) * 2 * e
    by_difference = -by_e if difference > 0 else 0.0
    by_d2 = -4 * by_e
    by_d = 3 * by_d2
    by_c = 4 * by_e + (by_d2 if c > 0 else 0.0)
    return g, by_c - by_e + by_d * b - by_difference, by_c + by_d * (a + 3 * b**2) + by_difference


def replayed() -> Callable[[], tuple[float, by_hand.Array]]:
    """The same as a native program of one example, which the expression does not look at, with a and b in a vector."""
    a, b = Value(-4.0), Value(2.0)

    def expression(_: Any) -> Any:
        c = a + b
        d = a * b + b**3
        c = c + c + 1
        c = c + 1 + c + (-a)
        d = d + d * 2 + relu(b + a)
        d = d + 3 * d + relu(b - a)
        f = (c - d) ** 2
        return f / 2.0 + 10.0 / f

    program, example = VECTORIZE(expression, backend="native"), np.zeros(1)
    theta = program.record(example).parameter_vector()
    gradient = np.empty_like(theta)
    return partial(program.value_and_gradient, example, parameters=theta, out=gradient)


def chain(number: Callable[[float], Any], nodes: int) -> Any:
    x = y = number(1.0)
    for _ in range(nodes // 2):
        y = y * x + x
    return y


def differentiated_chain(number: Callable[[float], Any], nodes: int) -> Any:
    output = chain(number, nodes)
    output.backward()
    return output


def bytes_a_node(number: Callable[[float], Any], nodes: int) -> float:
    tracemalloc.start()
    output = differentiated_chain(number, nodes)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del output
    return used / nodes


def graph() -> None:
    engines: dict[str, Callable[[float], Any]] = {"nudge": Value}
    expressions: Contestants = {"nudge": lambda: readme(Value)}
    if installed("micrograd"):
        from micrograd.engine import Value as Micrograd

        engines = {"micrograd": Micrograd, **engines}
        expressions = {"micrograd": lambda: readme(Micrograd), **expressions}
    if installed("torch"):
        import torch

        expressions = {**expressions, "pytorch": lambda: readme(lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True))}
    table("README expression", {"build and differentiate": race(expressions)}, baseline="nudge")
    if VECTORIZE and has_compiler():
        known: Contestants = {"straight-line Python": lambda: straight_line(-4.0, 2.0), "nudge, native": replayed()}
        table(
            "README expression replayed",
            {"differentiated": race({**known, "nudge, built again": lambda: readme(Value)})},
            baseline="straight-line Python",
        )
    # micrograd orders a graph by recursion, so its chain is short, and so that both are alike, ours too
    forward = race({name: partial(chain, number, 800) for name, number in engines.items()})
    both = race({name: partial(differentiated_chain, number, 800) for name, number in engines.items()})
    body = [
        [name, f"{forward[name] / 800 * 1e9:.0f} ns", f"{both[name] / 800 * 1e9:.0f} ns", f"{bytes_a_node(number, 800):.0f}"]
        for name, number in engines.items()
    ]
    rows(["a node", "forward", "and backward", "bytes"], body)


# moons: 2-16-16-1, relu, hinge cost and L2, 100 points, one full-batch step


def moons() -> None:
    rng = np.random.default_rng(0)
    X, y = two_moons(100, seed=1)
    Y = np.where(np.asarray(y) > 0, 1.0, -1.0)
    model = nn.MLP([2, 16, 16, 1], activation=relu, seed=1)
    parameters = model.parameters()
    decay, rate = by_hand.Moons.decay, 0.05
    contestants: dict[str, Callable[[], object]] = {}

    def micrograd_step(number: Callable[[float], Any]) -> Callable[[], object]:
        """micrograd's own code for networks, on any engine's numbers."""
        import micrograd.nn as theirs

        original, theirs.Value = theirs.Value, number
        random.seed(1)
        network = theirs.MLP(2, [16, 16, 1])
        theirs.Value = original

        def step() -> None:
            scores = [network([number(a), number(b)]) for a, b in X.tolist()]
            losses = [(1 + -target * score).relu() for target, score in zip(Y.tolist(), scores)]
            cost = sum(losses) * (1.0 / len(losses)) + decay * sum(p * p for p in network.parameters())
            network.zero_grad()
            cost.backward()
            for p in network.parameters():
                p.data -= rate * p.grad

        return step

    if installed("micrograd"):
        from micrograd.engine import Value as Micrograd

        contestants["micrograd"] = micrograd_step(Micrograd)
        contestants["micrograd's nn on Value"] = micrograd_step(Value)

    def eager() -> None:
        hinges = [relu(1 - target * model(x)[0]) for x, target in zip(X.tolist(), Y.tolist())]
        cost = total(hinges) / len(hinges) + decay * total(p * p for p in parameters)
        model.zero_grad()
        cost.backward()
        for p in parameters:
            p.data -= rate * p.grad

    contestants["nn, eager"] = eager

    if VECTORIZE:

        def example_cost(x: Any, target: Any) -> Any:
            return relu(1 - target * model(x)[0]) + decay * total(p * p for p in parameters)

        contestants |= steps(example_cost, X, Y, rate, np.float64)
    if installed("torch"):
        contestants["pytorch"] = torch_step([2, 16, 16, 1], X, Y, rate, np.float64, is_moons=True)
        contestants |= compiled_torch([2, 16, 16, 1], X, Y, rate, np.float64, is_moons=True)
    if installed("numba"):
        contestants["numba by hand"] = numba_step(np.array([p.data for p in parameters]), X, Y, rate)
    if installed("jax"):
        contestants["jax.jit"] = jax_step([2, 16, 16, 1], X, Y, rate, np.float64, is_moons=True)
    hand = by_hand.Moons([2, 16, 16, 1], len(X))
    hand.parameters[:] = rng.normal(size=hand.parameters.size) / 4
    contestants["numpy by hand"] = lambda: hand.step(X, Y, rate)

    times = race(contestants)
    slowest = times.get("micrograd")
    body = []
    for name, median in times.items():
        faster = ratio(slowest / median) if slowest else "-"
        body.append([name, seconds(median), faster, ratio(median / times["numpy by hand"])])
    rows(["moons, one step", "time", "faster than micrograd", "times numpy by hand"], body)


def steps(example_cost: Callable[..., Any], X: by_hand.Array, Y: by_hand.Array, rate: float, dtype: Any) -> dict[str, Callable[[], object]]:
    """Contestants that take whole steps, on each back end that is here: one step in a call, and natively a hundred."""
    taken: dict[str, Callable[[], object]] = {}
    if not VECTORIZE:
        return taken
    for backend in back_ends():
        program = VECTORIZE(example_cost, dtype=dtype, backend=backend).record(X, Y)
        theta = program.parameter_vector()
        descent = program.descent(nn.SGD().update_rule, X, Y, parameters=theta)
        taken[f"nudge, {backend}"] = partial(descent.take, [rate])
        if backend != "numpy":
            taken[f"nudge, {backend}, 100 in a call"] = Many(partial(descent.take, [rate] * 100), 100)
    return taken


def numba_step(parameters: by_hand.Array, X: by_hand.Array, Y: by_hand.Array, rate: float) -> Callable[[], float]:
    """The step of `by_hand.Moons`, as one writes it for numba: an example at a time, in loops; `parameters` in `nn`'s order."""
    import numba

    decay, sizes = by_hand.Moons.decay, (2, 16, 16, 1)
    first, second, end = 3 * 16, 3 * 16 + 17 * 16, len(parameters)

    def step(theta: Any, gradient: Any, X: Any, Y: Any) -> float:
        gradient[:] = 0.0
        cost, h, g, dh, dg = 0.0, np.empty(16), np.empty(16), np.empty(16), np.empty(16)
        for e in range(len(X)):
            for j in range(16):
                row = 3 * j
                h[j] = max(theta[row] * X[e, 0] + theta[row + 1] * X[e, 1] + theta[row + 2], 0.0)
            score = theta[end - 1]
            for j in range(16):
                row = first + 17 * j
                z = theta[row + 16]
                for k in range(16):
                    z += theta[row + k] * h[k]
                g[j] = max(z, 0.0)
                score += theta[second + j] * g[j]
            margin = 1 - score * Y[e]
            if margin > 0:
                cost += margin
                d = -Y[e] / len(X)
                gradient[end - 1] += d
                dh[:] = 0.0
                for j in range(16):
                    gradient[second + j] += d * g[j]
                    dg[j] = d * theta[second + j] if g[j] > 0 else 0.0
                    row = first + 17 * j
                    gradient[row + 16] += dg[j]
                    for k in range(16):
                        gradient[row + k] += dg[j] * h[k]
                        dh[k] += dg[j] * theta[row + k]
                for k in range(16):
                    if h[k] > 0:
                        row = 3 * k
                        gradient[row] += dh[k] * X[e, 0]
                        gradient[row + 1] += dh[k] * X[e, 1]
                        gradient[row + 2] += dh[k]
        squares = 0.0
        for i in range(end):
            squares += theta[i] * theta[i]
            theta[i] -= rate * (gradient[i] + 2 * decay * theta[i])
        return float(cost / len(X) + decay * squares)

    assert end == sum((n + 1) * m for n, m in pairwise(sizes))
    compiled: Callable[..., float] = numba.njit(fastmath=False, error_model="numpy")(step)
    return partial(compiled, parameters, np.empty(end), X, Y)


def initial_layers(sizes: list[int], dtype: Any) -> list[tuple[by_hand.Array, by_hand.Array]]:
    rng = np.random.default_rng(0)
    return [((rng.normal(size=(n, m)) / np.sqrt(n)).astype(dtype), np.zeros(m, dtype)) for n, m in pairwise(sizes)]


def torch_step(
    sizes: list[int], X: by_hand.Array, Y: by_hand.Array, rate: float, dtype: Any, is_moons: bool = False
) -> Callable[..., object]:
    """Eager PyTorch, as its users write it; the step takes another batch where it is given one."""
    import torch

    torch.set_num_threads(1)
    layers: list[Any] = []
    for weights, biases in initial_layers(sizes, dtype):
        linear = torch.nn.Linear(*weights.shape)
        linear.weight.data, linear.bias.data = torch.tensor(weights.T.copy()), torch.tensor(biases)
        layers += [linear, torch.nn.ReLU() if is_moons else torch.nn.Sigmoid()]
    network = torch.nn.Sequential(*(layers[:-1] if is_moons else layers))
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    data = torch.tensor(X), torch.tensor(Y)

    def step(x: Any = data[0], y: Any = data[1]) -> None:
        optimizer.zero_grad()
        outputs = network(x)
        if is_moons:
            cost = (1 - y * outputs[:, 0]).relu().mean() + by_hand.Moons.decay * sum((p * p).sum() for p in network.parameters())
        else:
            cost = ((outputs - y) ** 2).sum(1).mean()
        cost.backward()
        optimizer.step()

    return step


def compiled_torch(sizes: list[int], X: by_hand.Array, Y: by_hand.Array, rate: float, dtype: Any, is_moons: bool = False) -> Contestants:
    """PyTorch's step through torch.compile, where that works here: it needs a C++ compiler."""
    import torch

    try:
        step = torch.compile(torch_step(sizes, X, Y, rate, dtype, is_moons))
        step()
    except Exception as error:
        print(f"torch.compile does not work here: {type(error).__name__}")
        return {}
    return {"torch.compile": step}


def jax_step(sizes: list[int], X: by_hand.Array, Y: by_hand.Array, rate: float, dtype: Any, is_moons: bool = False) -> Callable[[], object]:
    """The whole step, update included, in one compiled function that may reuse its parameters' memory."""
    import jax
    import jax.numpy as jnp

    compiled = jax.jit(jax_update(rate, is_moons), donate_argnums=0)
    state = [jax.tree.map(jnp.asarray, initial_layers(sizes, dtype))]
    x, y = jnp.asarray(X), jnp.asarray(Y)

    def step() -> None:
        value, state[0] = compiled(state[0], x, y)
        value.block_until_ready()

    return step


def jax_epoch(X: by_hand.Array, Y: by_hand.Array, batch: int, rate: float) -> Callable[[], object]:
    """An epoch of shuffled mini-batches as one compiled scan, the data on the device."""
    import jax
    import jax.numpy as jnp

    update, x, y = jax_update(rate), jnp.asarray(X), jnp.asarray(Y)
    state, rng = [jax.tree.map(jnp.asarray, initial_layers(DIGITS, X.dtype))], np.random.default_rng(0)

    def one(layers: Any, rows: Any) -> Any:
        value, layers = update(layers, x[rows], y[rows])
        return layers, value

    compiled = jax.jit(lambda layers, rows: jax.lax.scan(one, layers, rows), donate_argnums=0)

    def work() -> None:
        rows = rng.permutation(len(X))[: len(X) // batch * batch].reshape(-1, batch)
        state[0], values = compiled(state[0], jnp.asarray(rows))
        values.block_until_ready()

    return work


def jax_update(rate: float, is_moons: bool = False) -> Callable[..., Any]:
    """A step as JAX's users write it: of the layers and a batch, the cost and the new layers."""
    import jax

    def cost(layers: Any, x: Any, y: Any) -> Any:
        for index, (weights, biases) in enumerate(layers):
            x = x @ weights + biases
            if not is_moons:
                x = jax.nn.sigmoid(x)
            elif index < len(layers) - 1:
                x = jax.nn.relu(x)
        if is_moons:
            squares = sum((w * w).sum() + (b * b).sum() for w, b in layers)
            return jax.nn.relu(1 - y * x[:, 0]).mean() + by_hand.Moons.decay * squares
        return ((x - y) ** 2).sum(1).mean()

    def update(layers: Any, x: Any, y: Any) -> Any:
        value, gradient = jax.value_and_grad(cost)(layers, x, y)
        return value, jax.tree.map(lambda p, g: p - rate * g, layers, gradient)

    return update


# digits: 784-16-16-10, sigmoid, squared error, one step of stochastic gradient descent


def digits_cost(model: nn.MLP) -> Callable[..., Any]:
    def example_cost(x: Any, y: Any) -> Any:
        return nn.squared_error(model(x), y)

    return example_cost


def digits() -> None:
    rng = np.random.default_rng(0)
    model = nn.MLP(DIGITS, activation=sigmoid, output_activation=sigmoid, seed=1)
    for dtype in (np.float64, np.float32):
        columns = {}
        for batch in (1, 10, 32, 100, 1000):
            X = rng.random((batch, 784)).astype(dtype)
            Y = np.eye(10, dtype=dtype)[rng.integers(10, size=batch)]
            hand = by_hand.Digits(DIGITS, batch, dtype)
            hand.set(np.array([p.data for p in model.parameters()]))
            contestants: dict[str, Callable[[], object]] = {"numpy by hand": partial(hand.step, X, Y, 0.1)}
            contestants |= steps(digits_cost(model), X, Y, 0.1, dtype)
            if installed("torch"):
                contestants["pytorch"] = torch_step(DIGITS, X, Y, 0.1, dtype)
                contestants |= compiled_torch(DIGITS, X, Y, 0.1, dtype)
            if installed("jax"):
                contestants["jax.jit"] = jax_step(DIGITS, X, Y, 0.1, dtype)
            columns[f"batch {batch}"] = race(contestants)
        table(f"digits, one step, {dtype.__name__}", columns, baseline="numpy by hand")


# epoch: 50,000 images in shuffled mini-batches


def epoch() -> None:
    rng = np.random.default_rng(0)
    X = rng.random((50_000, 784))
    Y = np.eye(10)[rng.integers(10, size=len(X))]
    columns = {}
    for batch in (10, 32):
        hand = by_hand.Digits(DIGITS, batch)
        x, y = np.empty((batch, 784)), np.empty((batch, 10))

        def by_hand_epoch(batch: int = batch, hand: by_hand.Digits = hand, x: by_hand.Array = x, y: by_hand.Array = y) -> None:
            order = rng.permutation(len(X))
            for start in range(0, len(X) - batch + 1, batch):
                chosen = order[start : start + batch]
                X.take(chosen, axis=0, out=x, mode="clip")
                Y.take(chosen, axis=0, out=y, mode="clip")
                hand.step(x, y, 3.0)

        contestants: dict[str, Callable[[], object]] = {"numpy by hand": by_hand_epoch}
        if installed("torch"):
            import torch

            step = torch_step(DIGITS, X[:batch], Y[:batch], 3.0, np.float64)
            images, targets = torch.tensor(X), torch.tensor(Y)

            def torch_epoch(batch: int = batch, step: Callable[..., object] = step, images: Any = images, targets: Any = targets) -> None:
                for chosen in torch.split(torch.randperm(len(images)), batch):
                    step(images[chosen], targets[chosen])

            contestants["pytorch"] = torch_epoch
        if installed("jax"):
            contestants["jax, one scan"] = jax_epoch(X, Y, batch, 3.0)
        columns[f"batch {batch}"] = race(contestants, rounds=3)
        if VECTORIZE:
            for backend in back_ends():
                columns[f"batch {batch}"][f"nn.train, {backend}"] = training_epoch(X, Y, batch, backend)
    table("one epoch, 50,000 images", columns, baseline="numpy by hand")


def training_epoch(X: by_hand.Array, Y: by_hand.Array, batch: int, backend: str = "numpy") -> float:
    """The median time of a whole epoch of `nn.train`, after the first, which compiles."""
    model = nn.MLP(DIGITS, activation=sigmoid, output_activation=sigmoid, seed=1)
    ends: list[float] = []
    options: dict[str, Any] = {"progress": False, "measure_accuracy": False, "callbacks": [lambda *_: ends.append(time.perf_counter())]}
    nn.train(model, X, Y, cost=nn.squared_error, optimizer=nn.SGD(3.0), batch_size=batch, epochs=4, backend=backend, **options)
    return float(np.median(np.diff(ends)))


# scaling: twice the graph, twice the time and memory


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and peak megabytes in a second run, which tracing slows down."""
    start = time.perf_counter()
    work()
    elapsed = time.perf_counter() - start
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return elapsed, peak


def wide_layer(neurons: int, inputs: int) -> Callable[[Any], Any]:
    """Neurons as loops of a multiplication and an addition for each weight: 2 neurons inputs nodes."""
    rng = np.random.default_rng(0)
    weights = [[Value(w) for w in row] for row in rng.normal(size=(neurons, inputs)).tolist()]

    def cost(x: Any) -> Any:
        outputs = []
        for row in weights:
            z: Any = 0.0
            for w, each in zip(row, x):
                z = z + w * each
            outputs.append(tanh(z))
        return total(outputs)

    return cost


def scaling() -> None:
    works: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        (
            "Value: chain of 500,000 and of 1,000,000, forward and backward",
            lambda: differentiated_chain(Value, 500_000),
            lambda: differentiated_chain(Value, 1_000_000),
        )
    ]
    if VECTORIZE:
        half, whole = wide_layer(500, 500), wide_layer(1000, 500)
        X = np.ones((2, 500))
        works.append(
            (
                "vectorize: 500,000 and 1,000,000 nodes in scalar loops",
                lambda: VECTORIZE(half).mean(X),
                lambda: VECTORIZE(whole).mean(X),
            )
        )
    body = []
    for name, small, large in works:
        (time_small, memory_small), (time_large, memory_large) = measured(small), measured(large)
        times = [seconds(time_small), seconds(time_large), ratio(time_large / time_small)]
        body.append([name, *times, f"{memory_small:.0f} MB", f"{memory_large:.0f} MB", ratio(memory_large / memory_small)])
    rows(["growth", "N", "2N", "ratio", "N", "2N", "ratio"], body)
    if VECTORIZE:
        model = nn.MLP(DIGITS, activation=sigmoid, output_activation=sigmoid, seed=1)
        arguments = np.zeros((2, 784)), np.zeros((2, 10))

        def first_call() -> None:
            program = VECTORIZE(digits_cost(model))
            program(*arguments)
            program.value_and_gradient(*arguments)

        body = []
        for backend in back_ends():
            program = VECTORIZE(whole, backend=backend).record(X)
            body.append([backend, *[seconds(timed(partial(program.value_and_gradient, X), 1)) for _ in range(2)]])
        rows(["1,000,000 nodes, cost and gradient", "compiled and run", "run again"], body)

        first = race({"first": first_call}, rounds=5)["first"]
        body = [["record, lower and run 784-16-16-10", seconds(first)]]
        if has_compiler():
            body += [[name, seconds(time)] for name, time in compiling(VECTORIZE(digits_cost(model)).record(*arguments)).items()]
        rows(["13,002 parameters", "time"], body)


def compiling(program: Any) -> dict[str, float]:
    """The median time that the C of a program takes to be compiled, and to be found again by the next process."""
    recording = program._latest
    emitted = native.emitter.emit(recording.program(recording.shown), np.dtype(np.float64), recording.signature._replace(name="run"))
    times: dict[str, list[float]] = {"compile its C": [], "find it compiled": []}
    for _ in range(5):
        with tempfile.TemporaryDirectory() as cache, mock.patch.dict(os.environ, NUDGE_CACHE=cache):
            for each in times.values():
                with mock.patch.object(native.compiler, "_loaded", {}):  # as in another process
                    each.append(timed(partial(native.compiler.load, emitted.source), 1))
    return {name: statistics.median(each) for name, each in times.items()}


SECTIONS: dict[str, Callable[[], None]] = {
    "graph": graph, "moons": moons, "digits": digits, "epoch": epoch, "scaling": scaling, "playground": playground,
    "gpt": gpt, "irregular": irregular,
}  # fmt: skip
