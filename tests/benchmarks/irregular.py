"""A random graph of scalar operations, in which hardly two nodes are alike: the worst case for array programs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import autograd
from autograd import Value, vectorize
from tests.benchmarks.by_hand import Array
from tests.benchmarks.peers import Ready, has_compiler, installed
from tests.benchmarks.race import race, table

LEAVES, CHAINS, NEAR = 20, 4, 40
LARGEST_FOR_JAX, LARGEST_FUNCTION = 300, 10_000
SIZES = (100, 1000, 10_000, 100_000)
OPERATIONS = ("add", "subtract", "multiply", "tanh", "sin")
"""By their numbers in a tape."""


class Tape(NamedTuple):
    """A graph as arrays: the leaves, and for each operation its number and those of its operands, which come before it."""

    leaves: list[float]
    codes: list[int]
    left: list[int]
    right: list[int]


def random_tape(size: int, seed: int = 0) -> Tape:
    """A deep graph of `size` operations, in which every result is used and numbers and slopes are neither large nor 0.

    The slopes are derivatives along one direction of the leaves. Without the limits, all numbers of a long graph are 0 after a while.
    """
    rng = random.Random(seed)
    tape = Tape([rng.uniform(0.2, 1) for _ in range(LEAVES)], [], [], [])
    numbers, unused = [(each, rng.uniform(0.2, 1)) for each in tape.leaves], list(range(CHAINS))
    for step in range(size):
        left = unused.pop(rng.randrange(len(unused)))
        right = unused.pop() if step >= size - CHAINS + 1 else rng.randrange(max(0, len(numbers) - NEAR), len(numbers))
        codes = [0] if step >= size - CHAINS + 1 else rng.sample(range(len(OPERATIONS)), len(OPERATIONS))
        found = {code: with_slope(code, *numbers[left], *numbers[right]) for code in codes}
        code = next((code for code in codes if is_moderate(*found[code])), codes[0])
        unused.append(len(numbers))
        numbers.append(found[code])
        for each, new in zip(tape[1:], (code, left, right)):
            each.append(new)
    return tape


def is_moderate(number: float, slope: float) -> bool:
    return 0.05 < abs(number) < 4 and 0.01 < abs(slope) < 100


def with_slope(code: int, a: float, da: float, b: float, db: float) -> tuple[float, float]:
    y = on_floats(code, a, b)
    return y, (da + db, da - db, da * b + a * db, da * (1 - y * y), da * math.cos(a))[code]


def on_floats(code: int, a: float, b: float) -> float:
    return (a + b, a - b, a * b, math.tanh(a), math.sin(a))[code]


def scalar(tape: Tape, leaves: Sequence[Any]) -> Any:
    """The last number of the tape, computed with any scalars."""
    tanh, sin = autograd.tanh, autograd.sin
    numbers = list(leaves)
    for code, left, right in zip(*tape[1:]):
        a, b = numbers[left], numbers[right]
        if code == 0:
            numbers.append(a + b)
        elif code == 1:
            numbers.append(a - b)
        elif code == 2:
            numbers.append(a * b)
        else:
            numbers.append(tanh(a) if code == 3 else sin(a))
    return numbers[-1]


def eager(tape: Tape) -> Callable[[], tuple[float, list[float]]]:
    def work() -> tuple[float, list[float]]:
        leaves = [Value(each) for each in tape.leaves]
        output = scalar(tape, leaves)
        output.backward()
        return output.data, [each.grad for each in leaves]

    return work


def compiled(tape: Tape, backend: str) -> Callable[[], tuple[float, Array]]:
    """A program of one example, which the function does not look at. The gradient has the order of the program's parameters."""
    leaves, example = [Value(each) for each in tape.leaves], np.zeros(1)
    program = vectorize(lambda _: scalar(tape, leaves), backend=backend).record(example)
    theta = program.parameter_vector()
    work = partial(program.value_and_gradient, example, parameters=theta, out=np.empty_like(theta))
    work()
    return work


def straight_line(tape: Tape) -> Callable[[], tuple[float, list[float]]]:
    """The graph and its derivative as a Python function of one assignment a line."""
    forward, backward, count = [], [], len(tape.leaves)
    for place, (code, left, right) in enumerate(zip(*tape[1:]), count):
        a, b, y, dy = f"v{left}", f"v{right}", f"v{place}", f"d{place}"
        forward.append(f"{y} = " + (f"{a} + {b}", f"{a} - {b}", f"{a} * {b}", f"tanh({a})", f"sin({a})")[code])
        terms: list[tuple[int, str]] = [
            [(left, dy), (right, dy)],
            [(left, dy), (right, f"-{dy}")],
            [(left, f"{dy} * {b}"), (right, f"{dy} * {a}")],
            [(left, f"{dy} * (1 - {y} * {y})")],
            [(left, f"{dy} * cos({a})")],
        ][code]
        backward.append([f"d{operand} += {term}" for operand, term in terms])
    last = count + len(tape.codes) - 1
    lines = [f"{', '.join(f'v{i}' for i in range(count))} = leaves", *forward]
    lines += [f"d{place} = 0.0" for place in range(last)] + [f"d{last} = 1.0"]
    lines += [line for each in reversed(backward) for line in each]
    lines.append(f"return v{last}, [{', '.join(f'd{i}' for i in range(count))}]")
    names: dict[str, Any] = {"tanh": math.tanh, "sin": math.sin, "cos": math.cos}
    exec("def run(leaves):\n    " + "\n    ".join(lines), names)
    return partial(names["run"], tape.leaves)


def numba_interpreter(tape: Tape) -> Callable[[], tuple[float, Array]]:
    """A loop over the tape, forward and backward, compiled by numba once for all tapes."""
    import numba

    def run(codes: Any, left: Any, right: Any, numbers: Any, changes: Any, leaves: int) -> float:
        for i in range(len(codes)):
            a, b, code = numbers[left[i]], numbers[right[i]], codes[i]
            if code == 0:
                y = a + b
            elif code == 1:
                y = a - b
            elif code == 2:
                y = a * b
            elif code == 3:
                y = math.tanh(a)
            else:
                y = math.sin(a)
            numbers[leaves + i] = y
        changes[:] = 0.0
        changes[-1] = 1.0
        for i in range(len(codes) - 1, -1, -1):
            dy, code, j, k = changes[leaves + i], codes[i], left[i], right[i]
            if code == 0:
                changes[j] += dy
                changes[k] += dy
            elif code == 1:
                changes[j] += dy
                changes[k] -= dy
            elif code == 2:
                changes[j] += dy * numbers[k]
                changes[k] += dy * numbers[j]
            elif code == 3:
                changes[j] += dy * (1 - numbers[leaves + i] ** 2)
            else:
                changes[j] += dy * math.cos(numbers[j])
        return float(numbers[-1])

    compiled_run = numba.njit(run, fastmath=False)
    arrays = [np.array(each, np.int64) for each in tape[1:]]
    numbers = np.concatenate([tape.leaves, np.zeros(len(tape.codes))])
    changes = np.empty_like(numbers)

    def work() -> tuple[float, Array]:
        return compiled_run(*arrays, numbers, changes, len(tape.leaves)), changes[: len(tape.leaves)]

    work()
    return work


def irregular() -> None:
    columns: dict[str, dict[str, float]] = {}
    ready = Ready(limit=120)
    for size in SIZES:
        tape, column = random_tape(size), f"{size:,} operations"
        makers: dict[str, Callable[[], Callable[[], object]]] = {
            "nudge, eager": partial(eager, tape),
            "nudge, numpy": partial(compiled, tape, "numpy"),
        }
        if size <= LARGEST_FUNCTION:  # Python takes gigabytes to compile a longer one
            makers["straight-line Python"] = partial(straight_line, tape)
        if has_compiler():
            makers["nudge, native"] = partial(compiled, tape, "native")
        if installed("jax") and size <= LARGEST_FOR_JAX:  # its compiler takes the machine's memory for large programs of this kind
            makers["nudge, jax"] = partial(compiled, tape, "jax")
        if installed("numba"):
            makers["numba's interpreter"] = partial(numba_interpreter, tape)
        made = {name: ready.made(name, column, make) for name, make in makers.items()}
        columns[column] = race({name: each for name, each in made.items() if each is not None})
        if installed("resource"):  # not on Windows
            import resource

            print(f"{column}: at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB of memory so far")
    table("a random graph, forward and backward", columns, baseline="numba's interpreter" if installed("numba") else "nudge, eager")
    ready.print("until ready")
