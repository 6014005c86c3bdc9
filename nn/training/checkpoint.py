"""Checkpoints: the state of a run in memory and in a file, and the fingerprints by which a resumed run recognises its file.

All vectors are in the order of the model's parameters.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd import TraceError, vectorize
from nn.activations import name_of
from nn.files import npz_files
from nn.inputs import Array
from nn.optimizers import Optimizer, Vector
from nn.schedules import Schedule
from nn.training.file_arrays import FileArray
from nn.training.history import History, Mark
from nn.training.mini_batches import noise_for
from nn.training.objectives import Batch, example_cost
from nn.training.sequence_objective import cost_of_sequence
from nn.training.validation import Noise, Problem


class Settings(NamedTuple):
    """The settings that may change during a run."""

    optimizer: Optimizer
    schedule: Schedule
    batch_size: int
    clip: float | None

    def texts(self) -> dict[str, str]:
        """Return what a checkpoint file records of each setting."""
        return {
            "optimizer": repr(self.optimizer),
            "schedule": _schedule_fingerprint(self.optimizer.schedule),
            "batch_size": str(self.batch_size),
            "clip": str(self.clip),
        }


@dataclass(frozen=True, eq=False)
class State:
    """The state of a run between two steps, immutable, with read-only vectors (parameters,). `run.restore(state)` goes back to it."""

    parameters: Vector
    best: Vector  # the parameters of the epoch with the lowest validation cost
    gradient: Vector  # of the last step
    settings: Settings
    memory: Mapping[str, Any]  # the optimizer's `state_dict()`
    looked: int  # how many examples of the next mini-batch `Training.example` has returned
    mark: Mark  # of the history

    @property
    def history(self) -> History:
        """A copy of the history at that moment."""
        history = History()
        history.go_back(self.mark)
        return history

    def __repr__(self) -> str:
        lengths, forgotten = self.mark.lengths, self.mark.forgotten
        return f"State(after {forgotten.epochs + lengths['cost']} epochs and {forgotten.steps + lengths['steps.cost']} steps)"


def write(path: str | os.PathLike[str], texts: Mapping[str, str], state: State) -> None:
    """Write a checkpoint with the settings of its run as texts, completely or not at all."""
    memory = dict(state.memory)
    steps = memory.pop("steps")
    vectors = {"parameters": state.parameters, "best": state.best}
    vectors |= {f"optimizer.{name}": vector for name, vector in memory.items()}
    vectors |= {f"history.{name}": np.array(column, dtype=np.float64) for name, column in state.history.columns().items()}
    npz_files.write(path, "checkpoint", {"settings": texts, "optimizer steps": steps}, vectors)


def read(path: str | os.PathLike[str], texts: Mapping[str, str], now: State) -> State:
    """Read the state in a checkpoint, for a run with these settings as texts, whose state is `now`.

    Raises ValueError, naming the file, if it is damaged or belongs to a run with other settings.
    """
    header, vectors = npz_files.read(path, "checkpoint")
    written = header.get("settings")
    for name, own in texts.items():
        found = written.get(name) if isinstance(written, dict) else None
        if found != own:
            raise ValueError(
                f"{os.fspath(path)} belongs to a run with other settings: its {name} is {found!r:.200}, but this run's is {own!r:.200}; "
                f"only epochs and patience may differ"
            )
    try:
        parameters, best = vectors.pop("parameters"), vectors.pop("best")
        columns = {key[8:]: vectors.pop(key).tolist() for key in list(vectors) if key.startswith("history.")}
        memory = {"steps": header.get("optimizer steps")} | {key.removeprefix("optimizer."): vector for key, vector in vectors.items()}
        for vector in (parameters, best, *vectors.values()):
            if vector.shape != now.parameters.shape:
                raise ValueError(f"it has vectors of {len(vector)} numbers for a model with {len(now.parameters)} parameters")
        mark = History.from_columns(columns).mark()
    except KeyError as error:
        raise ValueError(f"{os.fspath(path)} is damaged: it has no {error.args[0]}") from error
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)} is damaged: {error}") from error
    return State(parameters, best, np.zeros_like(parameters), now.settings, memory, 0, mark)


# Fingerprints: the settings that must be the same for a resumed run to end like an uninterrupted one


def fixed_texts(problem: Problem, seed: int, noise: Noise | None, frozen: Iterable[int], measured: bool) -> dict[str, str]:
    """Return what a checkpoint file records of the settings that cannot change during a run."""
    model, cost, X, Y, validation = problem[:5]
    drawn = noise and checksum(noise_for(noise, np.random.default_rng(0), 8))
    return {
        "model": repr(model),
        "cost": name_of(cost),
        "classes": str(problem.classes),
        "program": _program_fingerprint(problem, (X[:1], Y[:1])),
        "seed": str(seed),
        "noise": str(drawn),
        "frozen": checksum(tuple(frozen)),
        "measured": str(measured),
        "data": ", ".join(_data_fingerprint(each) for each in (X, Y, *(validation or ()))),
    }


def _program_fingerprint(problem: Problem, batch: Batch) -> str:
    """Return a checksum of what the cost of an example computes, whatever its functions are named; "" if it cannot be recorded."""
    of_example = example_cost(problem.model, problem.cost)
    if problem.layout is not None:
        of_example = cost_of_sequence(problem.model, problem.cost, problem.layout)
        ((_, batch),) = problem.layout.groups(*batch)
    try:
        source = vectorize(of_example).record(*batch).source
    except TraceError:
        return ""
    return f"a program with checksum {zlib.crc32(source.encode()):08x}"


def _schedule_fingerprint(schedule: Schedule) -> str:
    """Return a checksum of the learning rates at many times, which differs between functions of one name."""
    rates: list[float] = []
    with suppress(Exception):  # a schedule may end, for example a list of rates
        rates.extend(float(schedule(epoch / 4)) for epoch in range(1000))
    return checksum(rates)


def _data_fingerprint(array: Array | FileArray) -> str:
    return array.fingerprint if isinstance(array, FileArray) else f"{array.shape} with checksum {zlib.crc32(array.data):08x}"


def checksum(numbers: npt.ArrayLike) -> str:
    """Return the number of numbers, and a checksum of them."""
    array = np.ascontiguousarray(numbers, dtype=np.float64)
    return f"{array.size} numbers with checksum {zlib.crc32(array.tobytes()):08x}"
