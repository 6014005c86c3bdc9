"""Several processes train one network on drawn digits: each takes its share of every mini-batch, and all of them learn the same."""

import argparse
import sys
import time
import zlib
from collections.abc import Sequence

import numpy as np

from demos.common import parser, positive
from nn import MLP, SGD, launch, one_hot, squared_error, train
from nn.data import digits
from nn.processes import Processes


def options() -> argparse.ArgumentParser:
    every = parser(__doc__)
    every.add_argument("--processes", type=positive, default=2, help="how many, on this machine")
    every.add_argument("--examples", type=positive, default=5000, help="how many digits to draw")
    every.add_argument("--batch-size", type=positive, default=100, help="examples in a mini-batch")
    every.add_argument("--epochs", type=positive, default=5, help="times through the data")
    every.add_argument("--part", action="store_true", help=argparse.SUPPRESS)  # this is one of the processes
    return every


def main(arguments: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else list(arguments)
    given = options().parse_args(words)
    if given.part:
        take_part(given)
        return 0
    return launch.main(["--processes", str(given.processes), __file__, "--part", *words])


def take_part(given: argparse.Namespace) -> None:
    """Train beside the others, and have the first process tell what each one did."""
    X, labels = digits(given.examples, given.seed)
    model, began = MLP([784, 16, 16, 10], seed=given.seed), time.process_time()
    history = train(
        model, X, one_hot(labels, 10), cost=squared_error, optimizer=SGD(0.01), batch_size=given.batch_size, epochs=given.epochs,
        seed=given.seed, backend="jax",
    )  # fmt: skip
    everyone = Processes("jax")
    seconds = everyone.each(time.process_time() - began)
    learned = everyone.each(zlib.crc32(np.array([parameter.data for parameter in model.parameters()]).tobytes()))
    costs = everyone.each(history.cost[-1])
    if not everyone.is_first:
        return
    share, left = divmod(min(given.batch_size, given.examples), everyone.count)
    print(
        f"\n{everyone.count} processes, {share} examples of each mini-batch for each" + (f", and {left} that all look at" if left else "")
    )
    print("process  processor seconds   last cost   checksum of what it has learned")
    for index, (second, cost, checksum) in enumerate(zip(seconds, costs, learned)):
        print(f"{index:7}  {second:17.1f}  {cost:10.6f}   {int(checksum):08x}")


if __name__ == "__main__":
    sys.exit(main())
