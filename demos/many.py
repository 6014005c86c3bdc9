"""Train one network on drawn digits with several processes. Each one computes a share of every mini-batch, and all get the same result."""

import argparse
import os
import sys
import time
import zlib
from collections.abc import Sequence

import numpy as np

from autograd import tanh
from demos.common import add_backend, parser, positive
from nn import MLP, SGD, cross_entropy, launch, train
from nn.data import digits
from nn.training.processes import Processes


def options() -> argparse.ArgumentParser:
    every = parser(__doc__)
    every.add_argument("--processes", type=positive, default=2, help="number of processes on this machine")
    every.add_argument("--examples", type=positive, default=5000, help="number of digits to draw")
    every.add_argument("--batch-size", type=positive, default=100, help="examples in a mini-batch")
    every.add_argument("--epochs", type=positive, default=5, help="passes through the data")
    add_backend(every, only="jax")
    every.add_argument("--part", action="store_true", help=argparse.SUPPRESS)  # set in each of the processes
    return every


def main(arguments: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else list(arguments)
    given = options().parse_args(words)
    if given.part:
        take_part(given)
        return 0
    print(
        f"{given.processes} processes draw {given.examples} digits and learn to read them; the first steps wait for the JAX compiler",
        flush=True,
    )
    return launch.main(["--processes", str(given.processes), __file__, "--part", *words])


def take_part(given: argparse.Namespace) -> None:
    """Train together with the other processes. The first process prints what each one did, and saves the network."""
    keep_the_transport_quiet()
    everyone = Processes(given.backend)
    X, y = digits(given.examples, given.seed)
    model, began = MLP([784, 16, 16, 10], tanh, seed=given.seed), time.process_time()
    history = train(
        model, X, y, cost=cross_entropy, optimizer=SGD(0.1, momentum=0.9), batch_size=given.batch_size, epochs=given.epochs,
        seed=given.seed, backend=given.backend,
    )  # fmt: skip
    seconds = everyone.each(time.process_time() - began)
    learned = everyone.each(zlib.crc32(np.array([parameter.data for parameter in model.parameters()]).tobytes()))
    costs = everyone.each(history.cost[-1])
    if not everyone.is_first:
        return
    share, left = divmod(min(given.batch_size, given.examples), everyone.count)
    print(f"\nEach process takes {share} examples of each mini-batch" + (f"; all processes take the remaining {left}" if left else ""))
    print("process  processor seconds   last cost   checksum of the parameters")
    for index, (second, cost, checksum) in enumerate(zip(seconds, costs, learned)):
        print(f"{index:7}  {second:17.1f}  {cost:10.6f}   {int(checksum):08x}")
    print(f"\naccuracy on the training digits:        {model.accuracy(X, y):.1%}")
    print(f"accuracy on 1000 new digits:            {model.accuracy(*digits(1000, given.seed + 1_000_000)):.1%}")
    path = given.output / "many.npz"
    model.save(path)
    print(f"wrote {path}")


def keep_the_transport_quiet() -> None:
    """Keep standard output for this demo: the C++ transport between the processes of JAX prints its connections there."""
    sys.stdout.flush()
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
