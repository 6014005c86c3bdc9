"""train(): mini-batch gradient descent that can be left alone for an evening.

One loop: gather a shuffled mini-batch, take its mean cost and gradient as a flat vector, let the optimizer update the
parameters, a flat vector too. All randomness is the order of the examples, drawn anew for each epoch from (seed, epoch):
so a run is the same from the same seed, and can be taken up again at any step.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from autograd import TraceError, UndefinedError, Value, vectorize
from nn import files
from nn.activations import name_of
from nn.answers import accuracy
from nn.arrays import Array, examples, in_pieces
from nn.costs import squared_error
from nn.history import History
from nn.module import Module, outputs_of, require_parameters
from nn.optimizers import SGD, Optimizer, Vector
from nn.progress import Progress

Cost = Callable[[Any, Any], Any]
Callback = Callable[[Module, History], Any]
Noise = Callable[[np.random.Generator, int], npt.ArrayLike]


class DivergenceError(ArithmeticError):
    """Training ran away: the cost or its gradient is no longer finite."""


def train(
    model: Module,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    *,
    cost: Cost = squared_error,
    optimizer: Optimizer | None = None,
    batch_size: int | None = 32,
    epochs: int = 10,
    seed: int = 0,
    validation: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    patience: int | None = None,
    clip: float | None = None,
    measure_accuracy: bool = True,
    compiled: bool = True,
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
    noise: Noise | None = None,
    frozen: Iterable[Module | Value] = (),
) -> History:
    """Fit the model to inputs X, shape (examples, inputs), and targets Y: a row, a number or a class label for each example.

    Each step moves the parameters by the optimizer (None: `SGD()`) along the gradient of the mean of `cost(model(x), y)`
    over a mini-batch of `batch_size` examples (None: all of them; 1: stochastic descent). `clip` limits the
    gradient's norm. The model always holds what has been learned, also after an exception or Ctrl-C, which
    finishes the step, saves, and returns the history so far.

    `validation` is a pair like (X, Y), measured after each epoch. With `patience`, training stops after as many epochs
    without a lower validation cost, and the model ends with the parameters of its best epoch. Callbacks are called with the
    model and the history after each epoch; one that returns True stops the training, and what one writes to the
    parameters' data is what training goes on with.

    `noise(rng, n)` draws an array with a row for each of n examples, anew for every mini-batch and the same from the same
    seed; training then calls `model(x, noise)`, measuring and predicting `model(x)`: so dropout and noisy inputs are
    written, as a program is recorded once, with all that is random inside it. `frozen` are Modules and Values that stay as they are.

    `checkpoint` is a file, written at the start and after each epoch, from which `resume=True` goes on, to the same
    bits as if never interrupted; where there is none yet it starts.

    `compiled=False` runs on scalar Values, slowly, with every number there to see. So does, with a warning, a cost that cannot
    be traced. Raises ValueError for data that do not fit, with nothing changed, and DivergenceError when the cost is
    not finite any more; then the model holds the parameters of the end of the last epoch.
    """
    _check_kinds(model, cost, optimizer, validation, callbacks)
    X, Y = _pair("X", X, "Y", Y)
    held_out = None if validation is None else _pair("validation X", validation[0], "validation Y", validation[1])
    for name, number in (("epochs", epochs), ("batch_size", batch_size), ("patience", patience)):
        if number is not None and (not _is_whole(number) or number < 1):
            raise ValueError(f"{name} must be a whole number of at least 1, got {number!r}")
    if not _is_whole(seed) or seed < 0:
        raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}")
    if clip is not None and not (isinstance(clip, Real) and 0 < clip < math.inf):
        raise ValueError(f"clip is the largest norm a gradient may have, a finite number above 0: got {clip!r}")
    if patience is not None and held_out is None:
        raise ValueError("patience waits for the validation cost to fall: give validation=(X, Y) too")
    if resume and checkpoint is None:
        raise ValueError("resume=True goes on from a checkpoint: say from which, checkpoint=path")
    measured = measure_accuracy
    drawn = () if noise is None else (_drawn(noise, np.random.default_rng([int(seed), 0, 1]), len(X)),)
    for inputs, targets in filter(None, [(X, Y), held_out]):
        outputs = _try_out(model, cost, inputs, targets)
        measured = measured and not math.isnan(accuracy(np.zeros((len(targets), outputs)), targets))
    objective, size = _objective(model, cost, (X, Y, *drawn), compiled), min(batch_size or len(X), len(X))
    still = _places(model, frozen)
    if outputs == 1 and (threshold := _indifference(cost)) is not None:
        model.threshold = threshold
    run = _Run(model, X, Y, held_out, cost, optimizer or SGD(), size, int(seed), clip, patience, measured, objective, noise, still)
    if checkpoint is not None:
        run.open(checkpoint, resume)
    return run.until(int(epochs), progress, callbacks)


def _check_kinds(model: Any, cost: Any, optimizer: Any, validation: Any, callbacks: Any) -> None:
    """Raise TypeError for what is no model, cost, optimizer, validation or list of callbacks, saying what to write instead."""
    if not isinstance(model, Module):
        raise TypeError(f"train fits a Module, such as MLP([2, 16, 1]), got {type(model).__name__} {model!r:.60}")
    require_parameters(model)
    if not callable(cost):
        raise TypeError(f"cost is a function of the outputs and a target, such as nn.squared_error, got {cost!r:.60}")
    if isinstance(optimizer, type):
        raise TypeError(f"optimizer={optimizer.__name__} is the class: write optimizer={optimizer.__name__}(), with its settings inside")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer is an Optimizer, such as nn.SGD(0.1) or nn.Adam(0.001), got {optimizer!r:.60}")
    if validation is not None and not (isinstance(validation, Sequence) and len(validation) == 2):
        found = f"{len(validation)} things" if isinstance(validation, Sequence) else repr(validation)
        raise TypeError(
            f"validation is a pair (X, Y), got {found:.60}: for a share of the data, (X, Y), validation = nn.split(X, Y, test=0.2)"
        )
    if callable(callbacks) or not all(map(callable, callbacks)):
        raise TypeError(f"callbacks is a list of functions of the model and the history, as in callbacks=[print], got {callbacks!r:.60}")


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def _drawn(noise: Noise, rng: np.random.Generator, count: int) -> Array:
    """The noise for so many examples. Raises ValueError where it has not a row or a number for each."""
    drawn = examples("the noise", noise(rng, count))
    if len(drawn) != count:
        raise ValueError(f"noise(rng, {count}) must have a row for each of {count} examples, got the shape {drawn.shape}")
    return drawn


def _places(model: Module, frozen: Iterable[Module | Value]) -> tuple[int, ...]:
    """Where the frozen parameters stand among the model's."""
    index = {parameter: place for place, parameter in enumerate(model.parameters())}
    still: list[Value] = []
    for each in [frozen] if isinstance(frozen, (Module, Value)) else frozen:
        still += each.parameters() if isinstance(each, Module) else [each]
    for each in still:
        if each not in index:
            raise ValueError(f"frozen holds {each!r:.60}, which is no parameter of the model: give Modules and Values that are in it")
    return tuple(sorted({index[each] for each in still}))


def _indifference(cost: Cost) -> float | None:
    """The single output for which a cost is the same for the targets 0 and 1, so that either answer is as good; None if none is found."""

    def difference(output: float) -> float:
        with suppress(ArithmeticError, ValueError, TypeError):  # outside a cost's domain, or its targets
            costs = [cost([output], target) for target in (0.0, 1.0)]
            first, second = (each.data if isinstance(each, Value) else float(each) for each in costs)
            return first - second
        return math.nan

    differences = [(step / 4, difference(step / 4)) for step in range(-32, 33)]
    for (low, at_low), (high, at_high) in pairwise(differences):
        if at_low < 0 <= at_high:  # above it 1 costs less
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (middle, high) if difference(middle) < 0 else (low, middle)
            return high
    return None


def _pair(x_name: str, X: npt.ArrayLike, y_name: str, Y: npt.ArrayLike) -> tuple[Array, Array]:
    x, y = examples(x_name, X), examples(y_name, Y)
    if x.ndim != 2:
        raise ValueError(f"{x_name} must have the shape (examples, inputs), got {x.shape}: for single inputs write X[:, None]")
    if len(x) != len(y):
        raise ValueError(f"{x_name} and {y_name} must be equally long: got {len(x)} examples and {len(y)} targets")
    return x, y


def _try_out(model: Module, cost: Cost, X: Array, Y: Array) -> int:
    """The number of outputs, after showing the cost one target of each kind, and what it requires all of them."""
    outputs = outputs_of(model(X[0].tolist()))
    for target in np.unique(Y, axis=0)[:1000].tolist():
        result = cost(outputs, target)
        if not isinstance(result, (Value, float, int)):
            raise TypeError(f"a cost is one number for an example: {name_of(cost)} returned {type(result).__name__} {result!r:.60}")
    numbers = [output.data if isinstance(output, Value) else output for output in outputs]
    with suppress(TraceError):  # and every target, where the cost can be asked of all at once
        vectorize(lambda y: cost(numbers, y)).check(Y)
    return len(outputs)


class _Objective(Protocol):
    """The mean cost over examples as a function of a flat vector of parameters. A batch is inputs, targets, and noise if there is some."""

    parameters: Sequence[Value]

    def vector(self) -> Vector: ...
    def assign(self, theta: Vector) -> None: ...
    def value_and_gradient(self, batch: Sequence[Array], theta: Vector, gradient: Vector) -> float: ...
    def value(self, X: Array, Y: Array) -> float: ...
    def outputs(self, X: Array) -> Array: ...


class _Eager:
    """An objective that runs on Values, one example after the other."""

    def __init__(self, model: Module, cost: Cost) -> None:
        self.model, self.example_cost = model, _example_cost(model, cost)
        self.parameters: Sequence[Value] = model.parameters()

    def vector(self) -> Vector:
        return np.array([parameter.data for parameter in self.parameters], dtype=np.float64)

    def assign(self, theta: Vector) -> None:
        for parameter, number in zip(self.parameters, theta.tolist()):
            parameter.data = number

    def value_and_gradient(self, batch: Sequence[Array], theta: Vector, gradient: Vector) -> float:
        self.assign(theta)
        for parameter in self.parameters:
            parameter.grad = 0.0
        costs: list[float] = []
        for example in zip(*[array.tolist() for array in batch]):
            cost = self.example_cost(*example)
            if isinstance(cost, Value):
                cost.backward()
            costs.append(cost.data if isinstance(cost, Value) else cost)
        gradient[:] = [parameter.grad for parameter in self.parameters]
        gradient /= len(costs)
        return sum(costs) / len(costs)

    def value(self, X: Array, Y: Array) -> float:
        costs = [self.example_cost(x, y) for x, y in zip(X.tolist(), Y.tolist())]
        return sum(cost.data if isinstance(cost, Value) else cost for cost in costs) / len(costs)

    def outputs(self, X: Array) -> Array:
        return self.model.predict(X)


class _Compiled:
    """An objective that runs as an array program over the whole mini-batch, made once from the scalar cost of one example."""

    def __init__(self, model: Module, cost: Cost, batch: Sequence[Array]) -> None:
        self.program = vectorize(_example_cost(model, cost), check=False).record(*batch)  # the targets have been checked
        self.measured = self.program if len(batch) == 2 else vectorize(_example_cost(model, cost), check=False)  # without the noise
        self.network = vectorize(lambda x: outputs_of(model(x)))
        self.parameters: Sequence[Value] = self.program.parameters
        self.assign = self.program.assign

    def vector(self) -> Vector:
        return self.program.parameter_vector()

    def value_and_gradient(self, batch: Sequence[Array], theta: Vector, gradient: Vector) -> float:
        return float(self.program.value_and_gradient(*batch, parameters=theta, out=gradient)[0])

    def value(self, X: Array, Y: Array) -> float:
        return float(in_pieces(self.measured, X, Y).mean())

    def outputs(self, X: Array) -> Array:
        return in_pieces(self.network, X)


def _example_cost(model: Module, cost: Cost) -> Callable[..., Any]:
    return lambda x, y, *noise: cost(outputs_of(model(x, *noise)), y)


def _objective(model: Module, cost: Cost, batch: Sequence[Array], compiled: bool) -> _Objective:
    if compiled:
        try:
            program = _Compiled(model, cost, batch)
            others = len(set(program.parameters) - set(model.parameters()))
            if not others:
                return program
            reason = f"the cost depends on {others} Values that are no parameters of the model"
        except TraceError as error:
            reason = str(error)
        warnings.warn(f"training runs on scalar Values, some hundred times slower than compiled: {reason}", RuntimeWarning, stacklevel=3)
    return _Eager(model, cost)


@dataclass
class _Run:
    """A training under way. Its place is the number of steps taken, and `theta` the parameters there."""

    model: Module
    X: Array
    Y: Array
    validation: tuple[Array, Array] | None
    cost: Cost
    optimizer: Optimizer
    batch_size: int
    seed: int
    clip: float | None
    patience: int | None
    measured: bool
    objective: _Objective
    noise: Noise | None
    frozen: tuple[int, ...]  # places among the model's parameters

    def __post_init__(self) -> None:
        self.theta = self.objective.vector()
        self.gradient = np.empty_like(self.theta)
        self.safe, self.best = self.theta.copy(), self.theta.copy()
        self.steps_per_epoch = -(-len(self.X) // self.batch_size)
        index = {parameter: place for place, parameter in enumerate(self.model.parameters())}
        self.parameters, self.places = len(index), [index[parameter] for parameter in self.objective.parameters]
        self.still = np.flatnonzero(np.isin(self.places, self.frozen))  # and among those of the objective
        self.history = History()
        self.checkpoint: str | os.PathLike[str] | None = None

    def until(self, epochs: int, progress: bool, callbacks: Sequence[Callback]) -> History:
        """Train up to so many epochs in all."""
        history = self.history
        history.stopped = "no improvement" if self._is_stuck() else ""
        shown = Progress(progress, epochs, len(self.X), done=len(history.cost) * len(self.X))
        try:
            with _interruptible() as interrupts, np.errstate(all="ignore"), shown:
                while len(history.cost) < epochs and not history.stopped:
                    self._epoch(interrupts, shown)
                    if len(history.steps.cost) % self.steps_per_epoch == 0:
                        self._measure()
                        shown.epoch(history)
                        if callbacks and self._call(callbacks):
                            history.stopped = "callback"
                        elif self._is_stuck():
                            history.stopped = "no improvement"
                    if interrupts and not history.stopped:
                        history.stopped = "interrupted"
                    if self.checkpoint is not None:
                        self._save()
        finally:
            self.objective.assign(self.theta)
        history.stopped = history.stopped or "finished"
        if self.patience is not None and history.stopped != "interrupted":
            self.objective.assign(self.best)
        return history

    def _call(self, callbacks: Sequence[Callback]) -> bool:
        """Call the callbacks, and go on with what they have made of the parameters; true where one wants to stop."""
        before = self.model.parameters()
        wants_to_stop = True in [callback(self.model, self.history) for callback in callbacks]
        if list(map(id, self.model.parameters())) != list(map(id, before)):
            raise ValueError("a callback put other Values in the model: training goes on with those it began with; change their data")
        theta = self.objective.vector()
        if not np.isfinite(theta).all():
            raise ValueError("a callback left parameters that are not finite; the model is as it was before")
        self.theta[:], self.safe[:] = theta, theta
        return wants_to_stop

    def _epoch(self, interrupts: Sequence[int], shown: Progress) -> None:
        """The steps of an epoch, from where the last one ended to the epoch's end or an interrupt."""
        X, Y, theta, gradient, optimizer, steps = self.X, self.Y, self.theta, self.gradient, self.optimizer, self.history.steps
        size, per_epoch, still = self.batch_size, self.steps_per_epoch, self.still
        epoch, first = divmod(len(steps.cost), per_epoch)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(X))
        batch_X, batch_Y = np.empty((size, *X.shape[1:])), np.empty((size, *Y.shape[1:]))
        for step in range(first, per_epoch):
            began = time.perf_counter()
            if size == len(X):
                x, y = X, Y
            else:
                rows = order[step * size : (step + 1) * size]
                if len(rows) < size:
                    batch_X, batch_Y = batch_X[: len(rows)], batch_Y[: len(rows)]
                x = X.take(rows, axis=0, out=batch_X, mode="clip")  # any mode but "raise" writes straight to out
                y = Y.take(rows, axis=0, out=batch_Y, mode="clip")
            batch: tuple[Array, ...] = (x, y)
            if self.noise is not None:  # with its own numbers, whatever the order of the examples took
                batch = (x, y, _drawn(self.noise, np.random.default_rng([self.seed, epoch, step + 1]), len(x)))
            cost = self._value_and_gradient(batch)
            if len(still):
                gradient[still] = 0.0
            norm = math.sqrt(gradient.dot(gradient))
            optimizer.epoch = epoch + step / per_epoch
            rate = optimizer.learning_rate
            if not math.isfinite(cost + norm):
                raise self._diverged(len(steps.cost), f"the cost is {cost} and the norm of its gradient {norm}")
            if self.clip is not None and norm > self.clip:
                gradient *= self.clip / norm
            kept = theta[still]
            optimizer.update(theta, gradient)
            theta[still] = kept  # weight decay would move them without a gradient
            now = time.perf_counter()
            steps.cost.append(cost)
            steps.learning_rate.append(rate)
            steps.gradient_norm.append(norm)
            steps.seconds.append(now - began)
            shown.step(now, len(x), cost)
            if interrupts:
                return

    def _value_and_gradient(self, batch: Sequence[Array]) -> float:
        try:
            return self.objective.value_and_gradient(batch, self.theta, self.gradient)
        except UndefinedError as error:  # where a program has nan
            raise self._diverged(len(self.history.steps.cost), str(error).partition(": ")[0]) from error

    def _measure(self) -> None:
        """Enter the epoch that has just ended into the history."""
        history, steps, n = self.history, self.history.steps, self.steps_per_epoch
        if not np.isfinite(self.theta).all():
            raise self._diverged(len(steps.cost) - 1, "the update has overflowed the parameters")
        sizes = [self.batch_size] * (n - 1) + [len(self.X) - (n - 1) * self.batch_size]
        self.objective.assign(self.theta)
        history.cost.append(float(np.average(steps.cost[-n:], weights=sizes)))
        history.learning_rate.append(steps.learning_rate[-1])
        history.gradient_norm.append(sum(steps.gradient_norm[-n:]) / n)
        history.seconds.append(sum(steps.seconds[-n:]))
        if self.measured:
            history.accuracy.append(self._accuracy(self.X, self.Y))
        if self.validation is not None:
            cost = self.objective.value(*self.validation)
            if not math.isfinite(cost):
                raise self._diverged(len(steps.cost) - 1, f"the validation cost is {cost}")
            if cost < min(history.validation_cost, default=math.inf):
                self.best[:] = self.theta
            history.validation_cost.append(cost)
            if self.measured:
                history.validation_accuracy.append(self._accuracy(*self.validation))
        self.safe[:] = self.theta

    def _accuracy(self, X: Array, Y: Array) -> float:
        return accuracy(self.objective.outputs(X), Y, self.model.threshold)

    def _is_stuck(self) -> bool:
        costs = self.history.validation_cost
        return self.patience is not None and costs != [] and len(costs) - 1 - costs.index(min(costs)) >= self.patience

    def _diverged(self, step: int, what: str) -> DivergenceError:
        """The error to raise, with the parameters back where they were last known to be good."""
        epoch, step = divmod(step, self.steps_per_epoch)
        self.theta[:] = self.safe
        saved = f"; the last finite checkpoint is {os.fspath(self.checkpoint)}" if self.checkpoint is not None else ""
        return DivergenceError(
            f"training diverged in epoch {epoch + 1}, at step {step + 1} of {self.steps_per_epoch}, with learning rate "
            f"{self.optimizer.learning_rate:g}: {what}. The model is as it was after epoch {epoch}{saved}. "
            f"Try a smaller learning rate, or clip=1.0"
        )

    # Checkpoints: all of the above in one file. Vectors are in the order of the model's parameters, whichever the objective's is.

    def _settings(self) -> dict[str, str]:
        """What must be the same for a resumed run to end like an uninterrupted one."""
        data = [self.X, self.Y, *(self.validation or ())]
        return {
            "model": repr(self.model),
            "cost": name_of(self.cost),
            "program": _fingerprint(self.model, self.cost, (self.X, self.Y)),
            "optimizer": repr(self.optimizer),
            "schedule": _checksum(_rates(self.optimizer)),
            "batch_size": str(self.batch_size),
            "seed": str(self.seed),
            "clip": str(None if self.clip is None else float(self.clip)),
            "noise": str(self.noise and _checksum(_drawn(self.noise, np.random.default_rng(0), 8))),
            "frozen": _checksum(self.frozen),
            "measured": str(self.measured),
            "data": ", ".join(f"{each.shape} with checksum {zlib.crc32(each):08x}" for each in data),
        }

    def open(self, path: str | os.PathLike[str], resume: bool) -> None:
        """Go on from the checkpoint, or start it."""
        self.checkpoint, self.settings = path, self._settings()
        if not Path(path).exists():
            self._save()
        elif resume:
            self._load()
        else:
            raise FileExistsError(f"{os.fspath(path)} exists: go on from it with resume=True, or remove it to start anew")

    def _save(self) -> None:
        assert self.checkpoint is not None
        memory = self.optimizer.state_dict()
        header = {"settings": self.settings, "optimizer steps": memory.pop("steps")}
        vectors = {"parameters": self._to_model(self.theta), "best": self._to_model(self.best)}
        vectors |= {f"optimizer.{name}": self._to_model(vector) for name, vector in memory.items()}
        vectors |= {f"history.{name}": np.array(column, dtype=np.float64) for name, column in self.history.columns().items()}
        files.write(self.checkpoint, "checkpoint", header, vectors)

    def _load(self) -> None:
        assert self.checkpoint is not None
        path = os.fspath(self.checkpoint)
        header, vectors = files.read(path, "checkpoint")
        settings = header.get("settings")
        for name, own in self.settings.items():
            written = settings.get(name) if isinstance(settings, dict) else None
            if written != own:
                raise ValueError(
                    f"{path} is of another run: its {name} is {written!r:.200}, now it is {own!r:.200}; only epochs and patience may change"
                )
        try:
            theta, best = self._from_model(vectors.pop("parameters")), self._from_model(vectors.pop("best"))
            history = History.from_columns({name[8:]: vectors.pop(name).tolist() for name in list(vectors) if name.startswith("history.")})
            epochs = len(history.steps.cost) // self.steps_per_epoch
            if (len(history.cost), len(history.accuracy)) != (epochs, epochs if self.measured else 0):
                raise ValueError("its epochs and steps do not fit together")
            memory = {name.removeprefix("optimizer."): self._from_model(vector) for name, vector in vectors.items()}
            self.optimizer.load_state_dict({"steps": header.get("optimizer steps"), **memory})
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
        self.theta[:], self.best[:], self.safe[:], self.history = theta, best, theta, history
        self.objective.assign(theta)

    def _to_model(self, vector: Vector) -> Vector:
        """A vector with a number for each of the model's parameters, 0 for those that the cost does not depend on."""
        everything = np.zeros(self.parameters)
        everything[self.places] = vector
        return everything

    def _from_model(self, vector: Vector) -> Vector:
        if len(vector) != self.parameters:
            raise ValueError(f"it has vectors of {len(vector)} numbers for a model of {self.parameters} parameters")
        return vector[self.places]


def _checksum(numbers: npt.ArrayLike) -> str:
    array = np.ascontiguousarray(numbers, dtype=np.float64)
    return f"{array.size} numbers with checksum {zlib.crc32(array.tobytes()):08x}"


def _rates(optimizer: Optimizer) -> list[float]:
    """The learning rates of the schedule at many moments: what tells two functions of one name apart."""
    rates: list[float] = []
    with suppress(Exception):  # a schedule may end, as a list of rates does
        rates.extend(float(optimizer.schedule(epoch / 4)) for epoch in range(1000))
    return rates


def _fingerprint(model: Module, cost: Cost, batch: Sequence[Array]) -> str:
    """What an example's cost computes, whatever its functions are called; empty where it cannot be recorded."""
    try:
        source = vectorize(_example_cost(model, cost)).record(*batch).source
    except TraceError:
        return ""
    return f"a program with checksum {zlib.crc32(source.encode()):08x}"


@contextmanager
def _interruptible() -> Iterator[Sequence[int]]:
    """While open, the first Ctrl-C is only noted, in the list; the second one interrupts at once."""
    caught: list[int] = []

    def note(number: int, frame: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield caught  # somebody else's to handle
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
