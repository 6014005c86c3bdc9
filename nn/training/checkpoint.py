"""The state of a run: in memory, to be taken back, and as a file, to go on from after a crash or on another day.

All vectors are in the order of the model's parameters, whichever the objective's is.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import TraceError, vectorize
from nn.costs import Cost
from nn.files import npz_files
from nn.inputs import Array
from nn.module import Module
from nn.optimizers import Optimizer, Schedule, Vector
from nn.training.file_arrays import Stored
from nn.training.history import History, Mark
from nn.training.objectives import example_cost


@dataclass(frozen=True, eq=False, repr=False)
class State:
    """All that changes in a run, at one moment between two steps; `run.restore(state)` takes it back. Its vectors are read-only."""

    parameters: Vector
    best: Vector  # those of the epoch with the lowest validation cost
    gradient: Vector  # of the last step
    optimizer: Optimizer
    schedule: Schedule
    memory: Mapping[str, Any]  # the optimizer's
    batch_size: int
    clip: float | None
    looked: int  # how many examples of the next mini-batch have been looked at
    mark: Mark  # the history

    @property
    def history(self) -> History:
        history = History()
        history.go_back(self.mark)
        return history

    def __repr__(self) -> str:
        lengths, forgotten = self.mark.lengths, self.mark.forgotten
        return f"State(after {forgotten.epochs + lengths['cost']} epochs and {forgotten.steps + lengths['steps.cost']} steps)"


def write(path: str | os.PathLike[str], settings: Mapping[str, str], state: State) -> None:
    """Write a checkpoint, in one piece or not at all."""
    memory = dict(state.memory)
    header = {"settings": settings, "optimizer steps": memory.pop("steps")}
    vectors = {"parameters": state.parameters, "best": state.best}
    vectors |= {f"optimizer.{name}": vector for name, vector in memory.items()}
    vectors |= {f"history.{name}": np.array(column, dtype=np.float64) for name, column in state.history.columns().items()}
    npz_files.write(path, "checkpoint", header, vectors)


def read(path: str | os.PathLike[str], settings: Mapping[str, str], now: State, examples: int) -> State:
    """The state in a checkpoint, for a run that has these settings and this state now, and so many examples.

    Raises ValueError, naming the file, for one that is damaged or of a run with other settings.
    """
    name = os.fspath(path)
    header, vectors = npz_files.read(path, "checkpoint")
    written = header.get("settings")
    for setting, own in settings.items():
        found = written.get(setting) if isinstance(written, dict) else None
        if found != own:
            raise ValueError(
                f"{name} is of another run: its {setting} is {found!r:.200}, now it is {own!r:.200}; only epochs and patience may change"
            )
    try:
        parameters, best = vectors.pop("parameters"), vectors.pop("best")
        columns = {key[8:]: vectors.pop(key).tolist() for key in list(vectors) if key.startswith("history.")}
        if "steps.cost" in columns and "steps.examples" not in columns:  # as Nudge 0.1 wrote it
            columns["steps.examples"] = _sizes(len(columns["steps.cost"]), now.batch_size, examples)
        memory = {"steps": header.get("optimizer steps")} | {key.removeprefix("optimizer."): vector for key, vector in vectors.items()}
        for vector in (parameters, best, *vectors.values()):
            if vector.shape != now.parameters.shape:
                raise ValueError(f"it has vectors of {len(vector)} numbers for a model of {len(now.parameters)} parameters")
        mark = History.from_columns(columns).mark()
    except (KeyError, ValueError) as error:
        raise ValueError(f"{name} is damaged: {error}") from error
    gradient = np.zeros_like(parameters)
    return State(parameters, best, gradient, now.optimizer, now.schedule, memory, now.batch_size, now.clip, 0, mark)


def _sizes(steps: int, batch_size: int, examples: int) -> list[float]:
    """The sizes of so many mini-batches, epoch after epoch."""
    starts = range(0, examples, batch_size)
    return [float(min(batch_size, examples - starts[step % len(starts)])) for step in range(steps)]


# What a run is known by: a resumed one has to end like one never interrupted


def fingerprint(model: Module, cost: Cost, batch: Sequence[Array]) -> str:
    """What an example's cost computes, whatever its functions are called; empty where it cannot be recorded."""
    try:
        source = vectorize(example_cost(model, cost)).record(*batch).source
    except TraceError:
        return ""
    return f"a program with checksum {zlib.crc32(source.encode()):08x}"


def schedule_fingerprint(schedule: Schedule) -> str:
    """The learning rates at many moments: what tells two functions of one name apart."""
    rates: list[float] = []
    with suppress(Exception):  # a schedule may end, as a list of rates does
        rates.extend(float(schedule(epoch / 4)) for epoch in range(1000))
    return checksum(rates)


def data_fingerprint(arrays: Iterable[Array | Stored]) -> str:
    return ", ".join(
        each.fingerprint if isinstance(each, Stored) else f"{each.shape} with checksum {zlib.crc32(each.data):08x}" for each in arrays
    )


def checksum(numbers: npt.ArrayLike) -> str:
    array = np.ascontiguousarray(numbers, dtype=np.float64)
    return f"{array.size} numbers with checksum {zlib.crc32(array.tobytes()):08x}"
