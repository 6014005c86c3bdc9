"""One neuron in plain scalars: all values and derivatives, and a picture of its graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Value, draw, tanh
from demos.common import parser


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__).parse_args(arguments)
    w1, w2, b = np.random.default_rng(given.seed).normal(0, 1, 3).round(2).tolist()

    inputs = [Value(2.0, label="x1"), Value(-1.0, label="x2")]
    parameters = [Value(w1, label="w1"), Value(w2, label="w2"), Value(b, label="b")]
    output = neuron(*inputs, *parameters)
    output.label = "output"
    output.backward()

    print(f"output = tanh(w1 x1 + w2 x2 + b) = {output.data:.4f}\n")
    print("  name     value   d output   change of the output for a nudge of 0.001")
    leaves = [*inputs, *parameters]
    for leaf in leaves:
        nudged = [each.data + 0.001 * (each is leaf) for each in leaves]
        moved = neuron(*nudged) - output.data
        print(f"  {leaf.label:4} {leaf.data:9.4f}  {leaf.grad:9.4f}   {moved:+.7f} = 0.001 x {moved / 0.001:.4f}")

    print(f"\nwrote {draw(output).save(given.output / 'neuron.svg')}")


def neuron(x1: Any, x2: Any, w1: Any, w2: Any, b: Any) -> Any:
    """Compute a neuron. With Values it records a graph, with floats it does not."""
    return tanh(w1 * x1 + w2 * x2 + b)


if __name__ == "__main__":
    main()
