"""Training by mini-batch gradient descent: train(), which can be left alone for an evening, and Training, the run that it drives.

A step takes a mini-batch's mean cost and gradient as a flat vector, and lets the optimizer update the parameters, a
flat vector too. All randomness is the order of the examples, drawn anew for each epoch from (seed, epoch), and the noise, from
(seed, epoch, step): so a run is the same from the same seed, and can be taken up again at any step.
"""

from __future__ import annotations

import itertools
import math
import operator
import os
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from autograd import Descent, NudgeError, UndefinedError, Value, sigmoid
from autograd._support import refuse_masked
from nn import checkpoint as checkpoints
from nn import checks
from nn.activations import name_of
from nn.checkpoint import State
from nn.classification import accuracy, indifference
from nn.costs import binary_cross_entropy, cross_entropy, squared_error
from nn.feed import Rows, feed
from nn.history import History, Mark, Step
from nn.inputs import Array
from nn.interrupts import interruptible
from nn.kept import reads_of
from nn.module import Module
from nn.objectives import Batch, Compiled, Cost, Noise, Objective, objective_for
from nn.optimizers import SGD, Optimizer, Vector
from nn.parameters import Parameters
from nn.processes import Processes
from nn.progress import Progress
from nn.schedules import Schedule, as_schedule
from nn.stored import ArrayInFile, Stored

Callback = Callable[[Module, History], Any]


AT_ONCE = 0.05  # seconds of steps in one call: Ctrl-C is answered after that


class DivergenceError(NudgeError, ArithmeticError):
    """Training ran away: the cost or its gradient is no longer finite."""


@checks.explains_other_names
def train(
    model: Module,
    X: npt.ArrayLike | ArrayInFile,
    Y: npt.ArrayLike,
    *,
    cost: Cost = squared_error,
    optimizer: Optimizer | None = None,
    batch_size: int | None = 32,
    epochs: int = 10,
    seed: int = 0,
    validation: tuple[npt.ArrayLike | ArrayInFile, npt.ArrayLike] | None = None,
    patience: int | None = None,
    clip: float | None = None,
    measure_accuracy: bool = True,
    compiled: bool = True,
    backend: str = "numpy",
    threads: int | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
    noise: Noise | None = None,
    frozen: Iterable[Module | Value] = (),
) -> History:
    """Fit the model to inputs X, shape (examples, inputs), and targets Y: a row, a number or a class label for each example.

    X may be an array in a file, such as `numpy.load(path, mmap_mode="r")` gives, or h5py or zarr. Of one too large for 64 MB of
    float64 that much is in memory at a time: shuffled are which blocks of neighbouring rows meet in it, and then its rows.

    Each step moves the parameters by the optimizer (None: `SGD()`) along the gradient of the mean of `cost(model(x), y)`
    over a mini-batch of `batch_size` examples (None: all of them; 1: stochastic descent). `clip` limits the
    gradient's norm. The model always holds what has been learned, also after an exception or Ctrl-C, which
    finishes the steps under way, a twentieth of a second of them, saves, and returns the history so far.

    `validation` is a pair like (X, Y), measured after each epoch. With `patience`, training stops after as many epochs
    without a lower validation cost, and the model ends with the parameters of its best epoch. Callbacks are called with the
    model and the history after each epoch. One that returns True stops the training. One may change the parameters' data, X, and all
    that the model, the cost and the optimizer's rule read, such as the strength of a penalty: training continues with that.

    `noise(rng, n)` draws an array with a row for each of n examples, anew for every mini-batch and the same from the same
    seed; training then calls `model(x, noise)`, measuring and predicting `model(x)`: so dropout and noisy inputs are
    written, as a program is recorded once, with all that is random inside it. `frozen` are Modules and Values that stay as they are.

    `checkpoint` is a file, written at the start and after each epoch, from which `resume=True` goes on, to the same
    bits as if never interrupted; where there is none yet it starts.

    `backend` is what runs the compiled program: "numpy", or "native", C for this machine, on `threads` of its processors, or "jax",
    on all devices of all processes that JAX knows (see `autograd.vectorize`, and `nn.launch`): each of these runs the same script, and
    gets the same history; the first one shows progress and writes the checkpoint, and what its callbacks return is what counts.
    `compiled=False` runs on scalar Values, slowly, with every number there to see. So does, with a warning, a cost that cannot
    be traced. Raises ValueError for data that do not fit, with nothing changed, and DivergenceError when the cost is
    not finite any more; then the model holds the parameters of the end of the last epoch.

    For a training that is driven from outside, a step or an example at a time, see `Training`.

    >>> import numpy as np
    >>> from nn import MLP, SGD
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> model = MLP([1, 1])
    >>> history = train(model, X, 3 * X - 1, optimizer=SGD(0.1), epochs=100, progress=False)
    >>> model
    MLP([1, 1])
    >>> history.cost[-1] < 1e-6
    True
    >>> len(history.cost), history.stopped
    (100, 'finished')
    """
    calls, epochs = checks.a_list_of_callbacks(callbacks), checks.a_whole_number("epochs", epochs)
    if patience is not None:
        checks.a_whole_number("patience", patience)
        if validation is None:
            raise ValueError("patience waits for the validation cost to fall: give validation=(X, Y) too")
    if resume and checkpoint is None:
        raise ValueError("resume=True goes on from a checkpoint: say from which, checkpoint=path")
    run = Training(
        model, X, Y, cost=cost, optimizer=optimizer, batch_size=batch_size, seed=seed, validation=validation, clip=clip,
        measure_accuracy=measure_accuracy, compiled=compiled, backend=backend, threads=threads, noise=noise, frozen=frozen,
    )  # fmt: skip
    if checkpoint is not None:
        _open(run, checkpoint, resume)
    history = run.history
    processes = run.processes
    shown = Progress(progress and processes.is_first, epochs, len(run.X), done=sum(history.steps.examples))
    history.stopped = "no improvement" if processes.agreed(_is_stuck(history, patience)) else ""
    with interruptible() as interrupts, shown:

        def watch(step: Step) -> bool:
            shown.step(step)
            return bool(interrupts)

        while len(history.cost) < epochs and not history.stopped:
            if run._take_epoch(watch, every=AT_ONCE):
                shown.epoch(history)
                if processes.agreed(_call(calls, run)):
                    history.stopped = "callback"
                elif processes.agreed(_is_stuck(history, patience)):
                    history.stopped = "no improvement"
            if any(processes.each(bool(interrupts))) and not history.stopped:
                history.stopped = "interrupted"
            if checkpoint is not None:
                run.save(checkpoint)
    history.stopped = history.stopped or "finished"
    if patience is not None and history.stopped != "interrupted":
        run.assign(run.best)
    return history


def _open(run: Training, path: str | os.PathLike[str], resume: bool) -> None:
    """Go on from the checkpoint, or start it."""
    if not run.processes.agreed(Path(path).exists()):
        run.save(path)
    elif resume:
        run.load(path)
    else:
        raise FileExistsError(f"{os.fspath(path)} exists: go on from it with resume=True, or remove it to start anew")


def _call(callbacks: Sequence[Callback], run: Training) -> bool:
    """Call the callbacks, and take up what they made of the parameters; true where one wants to stop."""
    if not callbacks:
        return False
    answers = [callback(run.model, run.history) for callback in callbacks]
    run.take_up()
    return any(isinstance(answer, (bool, np.bool_)) and bool(answer) for answer in answers)  # 1, as file.write() may return, is no True


def _is_stuck(history: History, patience: int | None) -> bool:
    costs = history.validation_cost
    return patience is not None and costs != [] and len(costs) - 1 - costs.index(min(costs)) >= patience


@dataclass(frozen=True, eq=False)
class Example:
    """One example of a mini-batch, as the parameters were before the mini-batch's update."""

    index: int  # its row in X and Y
    x: Array
    y: Any  # a number, or a row
    outputs: Array
    cost: float
    gradient: Vector  # of this cost, in the order of the model's parameters
    step: Step | None  # the update, if this was the mini-batch's last example


class _Now(NamedTuple):
    """All that steps change, at one moment. A call of steps replaces it in one assignment, or leaves it, also when it is interrupted.

    What stands elsewhere, in the model, the optimizer and the history, is written from it. Vectors are in the order of the run.
    """

    vectors: tuple[Vector, ...]  # the parameters, the gradient of the last step, and the optimizer's memory
    best: Vector  # the parameters of the epoch with the lowest validation cost
    steps: int  # of the optimizer
    epoch: int  # how many epochs are over, and in the next one
    seen: int  # how many examples have been seen,
    steps_in_epoch: int  # in how many steps,
    looked: int  # and how many of its next mini-batch's examples `example` has looked at
    mark: Mark  # the history
    safe: State | None = None  # where to go back to from a divergence


class _Same(Enum):
    SAME = "unchanged"


SAME = _Same.SAME


class Training:
    """A training run as an object, moved on a step, an epoch or an example at a time. It prints nothing and blocks on nothing.

    The settings are those of `train`; X and Y, the cost and the rest are checked at once. Between two steps the model holds
    what has been learned, and the run continues with what is written to its parameters. What functions read is looked at when an
    epoch begins; call `take_up` for a change within an epoch. A call of steps that is interrupted changes nothing.

    >>> import numpy as np
    >>> from nn import MLP, SGD, Training
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> run = Training(MLP([1, 1]), X, 3 * X - 1, optimizer=SGD(0.1), batch_size=4)
    >>> for step in run.steps(3):  # an epoch and a half
    ...     print(step.epoch, step.examples, round(step.cost, 2))
    1 4 2.11
    1 4 6.26
    2 4 2.68
    >>> example = run.example()  # of the next mini-batch, the first: its cost and the gradient of that
    >>> example.index, example.gradient.shape
    (0, (2,))
    >>> before = run.state()
    >>> run.set(rate=0.2)
    >>> run.epoch()  # to the end of this one
    True
    >>> [round(cost, 2) for cost in run.history.cost]
    [4.18, 2.63]
    >>> run.restore(before)
    >>> len(run.history.steps.cost)
    3
    """

    @checks.explains_other_names
    def __init__(
        self,
        model: Module,
        X: npt.ArrayLike | ArrayInFile,
        Y: npt.ArrayLike,
        *,
        cost: Cost = squared_error,
        optimizer: Optimizer | None = None,
        batch_size: int | None = 32,
        seed: int = 0,
        validation: tuple[npt.ArrayLike | ArrayInFile, npt.ArrayLike] | None = None,
        clip: float | None = None,
        measure_accuracy: bool = True,
        compiled: bool = True,
        backend: str = "numpy",
        threads: int | None = None,
        noise: Noise | None = None,
        frozen: Iterable[Module | Value] = (),
    ) -> None:
        self.model, self.cost = checks.a_model(model), checks.a_cost(cost)
        self.optimizer = SGD() if optimizer is None else checks.an_optimizer(optimizer)
        self.validation = checks.held_out(validation)
        self.X, self.Y = checks.a_pair("X", X, "Y", Y)
        self.batch_size, self.seed = self._size(batch_size), checks.a_whole_number("seed", seed, least=0)
        self.clip, self.noise, self.frozen = checks.a_limit(clip), checks.a_noise(noise), checks.places(model, frozen)
        self.measured = measure_accuracy
        data = {"X": (self.X, self.Y)} | ({} if self.validation is None else {"validation X": self.validation})
        for name, (inputs, targets) in data.items():
            self._outputs = checks.try_out(model, cost, name, inputs, targets, is_learned=inputs is self.X)
            self.measured = self.measured and not math.isnan(accuracy(np.zeros((len(targets), self._outputs)), targets))
        if cost in (binary_cross_entropy, cross_entropy) and sigmoid in model._output_activations():
            _warn(
                f"{name_of(cost)} takes scores, and these outputs have been through sigmoid, which it applies itself, or softmax: "
                f"leave the output activation out"
            )
        self._compiled = compiled, backend, threads
        self._objective, reason = self._make_objective()
        if reason:
            _warn(f"training runs on scalar Values, some hundred times slower than compiled: {reason}")

        self.history = History()
        self._batch: tuple[Any, Rows, Batch] | None = None  # a mini-batch, and which one it is
        self._pace = 1  # how many steps to ask for at once
        self._path = ""  # of the last checkpoint
        self._now: _Now
        self._shown: _Now | None = None  # what the model, the optimizer and the history hold
        self._held: _Now | None = None  # what the vectors hold that steps write to
        self._listed: Mark | None = None  # what the lists of the history hold
        self.processes = Processes(backend if compiled else "numpy")
        shares = self.processes if isinstance(self._objective, Compiled) else Processes("numpy")  # on Values each works on all
        self._feed = feed(self.X, self.Y, self.seed, shares.works_on)
        self._own, self._reads = Parameters(model, self._objective.parameters, self.frozen), reads_of(model)
        if self.processes.count > 1:
            parameters = self._own.in_model_order(self._own.vector)
            self.processes.check_the_same(zlib.crc32(f"{self._settings()} {checkpoints.checksum(parameters)}".encode()))
        is_signed = {-1.0} <= set(np.unique(self.Y).tolist()) <= {-1.0, 1.0}  # as accuracy has it
        self._threshold = None if self._outputs > 1 else 0.0 if is_signed else indifference(cost)  # the model gets it with the first step
        self.optimizer.bind(self._own.values)  # last, as it may raise
        self._begin(self._own.in_model_order(self._own.vector))

    def _make_objective(self) -> tuple[Objective, str]:
        """The objective, and why it is not compiled if it was to be."""
        rng = np.random.default_rng([self.seed, 0, 1])
        noise = () if self.noise is None else (checks.drawn(self.noise, rng, len(self.X)),)
        return objective_for(self.model, self.cost, self._alike(*noise), *self._compiled)

    def _begin(self, parameters: Vector) -> None:
        """Be at the beginning, with these parameters, in the model's order."""
        nothing = np.zeros_like(parameters)
        self._make_room()
        vectors = self._in_own_order([parameters, nothing, *self.optimizer.vectors(len(parameters))])
        self._now = self._shown = _Now(vectors, vectors[0].copy(), self.optimizer.steps, 0, 0, 0, 0, self.history.mark())
        self._now = self._shown = self._now._replace(safe=self._state())

    # Moving on

    def steps(self, count: int | None = None) -> Iterator[Step]:
        """Take so many steps (None: without an end), each when the iterator is asked for it; it can be left and others begun at any time.

        Raises DivergenceError where the cost, its gradient, the parameters or an epoch's measurements are not finite any more:
        the run is then back at the last epoch's end, with the settings of now.
        """
        if count is not None:
            checks.a_whole_number("the number of steps", count)
        self.take_up()
        return (self.step() for _ in (itertools.count() if count is None else range(count)))

    def step(self) -> Step:
        """One step, with the next mini-batch, or the one that `example` is looking at. Raises what `steps` does."""
        self._look(closely=self._now.seen == 0)
        try:
            with np.errstate(all="ignore"):
                return self._take(1)[0]
        finally:
            self._show()

    def epoch(self, watch: Callable[[Step], Any] | None = None, every: float = 0.0) -> bool:
        """The steps to the end of this epoch, or until `watch`, called for each, returns something true. Was the end reached?

        `watch` is called after each step or, which is faster, behind some steps that took about `every` seconds together. It is
        faster than as many single steps anyway, as the model is brought up to date only at the end; `run.parameters` always
        is. Raises what `steps` does.
        """
        self._look(closely=self._now.seen == 0)
        return self._take_epoch(watch, every)

    def _take_epoch(self, watch: Callable[[Step], Any] | None, every: float) -> bool:
        """`epoch`, for a caller who knows that the model and what functions read are as before."""
        epochs = self._now.epoch + (self._now.seen == len(self.X))  # one that an exception kept from ending is over too
        every = AT_ONCE if watch is None else checks.seconds(every)
        try:
            with np.errstate(all="ignore"):
                while self._now.epoch <= epochs:
                    steps = self._take(self._pace if every else 1)
                    self._keep_pace(steps, every)
                    if watch is not None:
                        wishes = [bool(watch(step)) for step in steps]
                        if any(self.processes.each(any(wishes))):
                            break
        finally:
            self._show()
        return self._now.epoch > epochs

    def example(self) -> Example:
        """Look at the mini-batch's next example; at its last one make the update, to the same bits as `step` does."""
        self._look(closely=self._now.seen == 0 and self._now.looked == 0)
        self._take_up()
        rows, batch = self._mini_batch()
        place, gradient = self._now.looked, np.empty_like(self._own.theta)
        self._hold()
        index = int(rows[place])
        one = [self.X[index : index + 1], self.Y[index : index + 1], *[noise[place : place + 1] for noise in batch[2:]]]
        with np.errstate(all="ignore"):
            cost, _ = self._value_and_gradient(one, gradient)
            outputs, _ = self._measured_outputs(one[0], *one[2:])
        step = None
        self._now = self._shown = self._now._replace(looked=place + 1)
        if place + 1 == len(rows):
            step = self.step()
        y = self.Y[index].copy() if self.Y.ndim > 1 else float(self.Y[index])
        return Example(index, self.X[index].copy(), y, outputs[0], cost, self._own.in_model_order(gradient), step)

    # Where it is

    @property
    def steps_left(self) -> int:
        """How many steps there are to the end of this epoch."""
        return -(-(len(self.X) - self._now.seen) // self.batch_size)

    @property
    def parameters(self) -> Vector:
        """A copy of the parameters at this moment, in the order of the model's."""
        self._read()
        return self._own.in_model_order(self._now.vectors[0])

    @property
    def best(self) -> Vector:
        """The parameters at the end of the epoch with the lowest validation cost; those of the start before there is one."""
        return self._own.in_model_order(self._now.best)

    @property
    def gradient(self) -> Vector:
        """The gradient that the last step went by, clipped, in the order of the model's parameters; 0 before the first step."""
        return self._own.in_model_order(self._now.vectors[1])

    # Changing its course

    def set(
        self,
        *,
        rate: float | Schedule | _Same = SAME,
        batch_size: int | _Same | None = SAME,
        clip: float | _Same | None = SAME,
        optimizer: Optimizer | _Same = SAME,
    ) -> None:
        """Change settings from the next step on; the others stay. Raises ValueError or TypeError, with nothing changed.

        A schedule goes on at this moment of training, not at its beginning. A new batch size begins the mini-batch
        anew that `example` is looking at, and another optimizer begins with a memory of its own.
        """
        changed = self.optimizer if optimizer is SAME else checks.an_optimizer(optimizer)
        schedule = changed.schedule if rate is SAME else as_schedule(rate)
        size = self.batch_size if batch_size is SAME else self._size(batch_size)
        limit = self.clip if clip is SAME else checks.a_limit(clip)
        self._take_up()
        changed.bind(self._own.values)
        now, safe = self._now, self._safe
        if size != self.batch_size:
            now, self._pace = now._replace(looked=0), 1
        if changed is not self.optimizer:
            memory = self._in_own_order(changed.vectors(len(self._own.values)))
            safe = replace(safe, memory=changed.state_dict())
            now = now._replace(vectors=(*now.vectors[:2], *memory), steps=changed.steps)
        safe = replace(safe, optimizer=changed, schedule=schedule, batch_size=size, clip=limit)
        self.optimizer, self.optimizer.schedule, self.batch_size, self.clip = changed, schedule, size, limit
        self._now = self._shown = now._replace(safe=safe)
        self._make_room()

    def assign(self, parameters: npt.ArrayLike) -> None:
        """Write these numbers to the model's parameters, one for each, in their order; the run goes on with them."""
        refuse_masked("parameters", parameters)
        numbers = np.asarray(parameters, dtype=np.float64)
        if numbers.shape != (len(self._own.values),) or not np.isfinite(numbers).all():
            raise ValueError(f"the model has {len(self._own.values)} parameters: give a finite number for each, in a vector")
        self._show()
        self._own.put(numbers)

    def take_up(self) -> None:
        """Look at what was changed from outside: the model's parameters, the examples, and all that functions read.

        Steps continue with changed parameters anyway. What the activations and the cost read besides, such as the strength of a
        penalty, is in programs: it is looked at here, by `steps`, and at the beginning of each epoch, and a change makes new programs.

        Raises ValueError, with the parameters back as they were, if one is not finite, and if the model has other Values than
        at the start.
        """
        self._look(closely=True)
        self._take_up()

    def forget(self, epochs: int = 0) -> None:
        """Let the history hold the last so many epochs and what has begun after them: a run without an end then takes no more memory.

        The run goes on as it would have, counting on; only `save` wants the whole history.
        """
        if not isinstance(epochs, (int, np.integer)) or isinstance(epochs, bool) or epochs < 0:
            raise ValueError(f"forget keeps a whole number of epochs, 0 or more, got {epochs!r}")
        self._take_up()
        over = len(self.history.cost) - int(epochs)
        if over > 0:
            kept = self._now.seen + int(epochs) * len(self.X)
            steps, sizes = len(self.history.steps.examples), self.history.steps.examples
            while kept > 0:
                steps, kept = steps - 1, kept - sizes[steps - 1]
            self.history.forget(over, steps)
            self._listed = self.history.mark()
            self._now = self._shown = self._now._replace(mark=self._listed)

    # States, in memory and in files

    def state(self) -> State:
        """The run at this moment, immutable. It costs a copy of a few vectors, however long the run is."""
        self._take_up()
        return self._state()

    def restore(self, state: State) -> None:
        """Be again as at that moment: parameters, the optimizer and its memory, place, settings and history, which stays one object."""
        if not isinstance(state, State):
            raise TypeError(f"restore takes what run.state() gave, got {type(state).__name__} {state!r:.60}; a file is for load")
        if len(state.parameters) != len(self._own.values):
            raise ValueError(f"the state is of a model with {len(state.parameters)} parameters, and this has {len(self._own.values)}")
        try:
            self._restore(state)
        except ValueError as error:
            raise ValueError(f"the state is of another run: {error}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint, in one piece or not at all: what `state` holds, save for which examples were looked at.

        Of several processes the first one writes it.
        """
        if self.history.forgotten.epochs:
            raise ValueError("a checkpoint holds the whole history, and this run was told to forget some epochs")
        self._take_up()
        self._own.check_same()
        if self.processes.is_first:
            checkpoints.write(path, self._settings(), self._state())
        self._path = os.fspath(path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Go on from a checkpoint, to the same bits as the run that saved it.

        Raises ValueError, naming the file and with nothing changed, where it is damaged, or of a run with other settings: those that
        were changed on the way (see `set`) have to be set before.
        """
        state = checkpoints.read(path, self._settings(), self._state(), len(self.X))
        try:
            self._restore(state)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)} is damaged: {error}") from error
        self._path = os.fspath(path)

    # One step

    def _take(self, most: int) -> list[Step]:
        """Up to `most` steps, and none beyond the end of this epoch. What is outside of the run is written by `_show`."""
        began = time.perf_counter()
        self._read()
        if self._now.seen == len(self.X):  # where an exception kept the last epoch from ending
            self._end_epoch()
        now, optimizer = self._now, self.optimizer
        self._hold()
        rows, data = self._mini_batches(most)
        size, rates = len(data[0]) if rows is None else rows.shape[1], self._rates(1 if rows is None else len(rows))
        descent, limit = self._descent(data), math.inf if self.clip is None else self.clip
        self._shown = self._held = None
        try:
            costs, norms = descent.take(rates, rows if rows is None else rows[: len(rates)], now.steps + 1, limit)
        except UndefinedError as error:
            self._diverge(now.steps_in_epoch + len(descent.interrupted()[0]), "the cost is nan", error)
        last = len(costs) - 1
        optimizer.epoch = self._time(last)
        if not math.isfinite(costs[last] + norms[last]):
            what = f"the norm of the gradient is {norms[last]}" if math.isfinite(costs[last]) else f"the cost is {costs[last]}"
            self._diverge(now.steps_in_epoch + last, what)
        self._move_others(rates, now.steps + 1)
        elapsed = self.processes.agreed(time.perf_counter() - began)  # by which the next number of steps is chosen
        steps = self._enter(costs, norms, rates, size, elapsed)
        if self._now.seen == len(self.X):
            self._end_epoch()
        return steps

    def _move_others(self, rates: Sequence[float], first: int) -> None:
        """Take the steps of those parameters that the cost does not depend on: weight decay moves them without a gradient."""
        others = slice(self._own.used, self._own.trained)
        if others.start == others.stop:
            return
        theta, gradient, *memory = (vector[others] for vector in self._work)
        gradient[:] = 0.0
        for step, rate in enumerate(rates, first):
            self.optimizer.update_rule.update(theta, gradient, *memory, rate=rate, step=step)

    def _enter(self, costs: Vector, norms: Vector, rates: Sequence[float], size: int, elapsed: float) -> list[Step]:
        """Enter the steps that have been taken, of `size` examples each, all of them or, after an exception, none."""
        now, history, count = self._now, self.history, len(costs)
        self._list()
        number, epoch = history.forgotten.steps + len(history.steps.cost) + 1, now.epoch + 1
        each_step = enumerate(zip(costs.tolist(), rates, norms.tolist()), number)
        steps = [Step(index, epoch, cost, rate, norm, size, elapsed / count) for index, (cost, rate, norm) in each_step]
        self._listed = None
        history.steps.extend(steps)
        after = now._replace(
            vectors=self._copied(self._work), steps=now.steps + count, seen=now.seen + size * count,
            steps_in_epoch=now.steps_in_epoch + count, looked=0, mark=history.mark(),
        )  # fmt: skip
        self._listed = after.mark
        self._now = self._held = after
        return steps

    def _list(self) -> None:
        """Let the lists of the history hold what is now."""
        if self._listed is not self._now.mark:
            self.history.show(self._now.mark)
            self._listed = self._now.mark

    # Vectors: the steps write to `_work`. Of the two sets in `_room` one holds the current vectors, and the other is free for the next.

    def _make_room(self) -> None:
        """Make vectors for as many memories as the optimizer has."""
        count = 2 + len(self.optimizer.memory)
        self._work = (self._own.vector, *(np.zeros_like(self._own.vector) for _ in range(count - 1)))
        self._used = [vector[: self._own.used] for vector in self._work]  # what the objective depends on
        self._room = [tuple(np.zeros_like(self._own.vector) for _ in range(count)) for _ in range(2)]
        self._held = None
        self._made: tuple[tuple[Any, ...], Descent] | None = None  # a descent, and what it is of

    def _hold(self) -> None:
        """Let the vectors that steps write to hold what is now."""
        if self._held is not self._now:
            for vector, own in zip(self._work, self._now.vectors):
                vector[:] = own
            self._held = self._now

    def _copied(self, vectors: Iterable[Vector]) -> tuple[Vector, ...]:
        """Copies, in the set of vectors that is free."""
        room = next(room for room in self._room if room is not self._now.vectors)
        for vector, given in zip(room, vectors):
            vector[:] = given
        return room

    def _in_own_order(self, vectors: Iterable[Vector]) -> tuple[Vector, ...]:
        return tuple([vector[self._own.places] for vector in vectors])

    def _keep_pace(self, steps: Sequence[Step], every: float) -> None:
        """Ask for more steps at once where those before took less time than they may, and for less where it was more."""
        elapsed = steps[0].seconds * len(steps)
        if elapsed < every / 2 and len(steps) == self._pace:
            self._pace *= 2
        elif elapsed > 2 * every:
            self._pace = max(1, self._pace // 2)

    def _descent(self, data: Batch) -> Descent:
        """The descent of these data by the optimizer's rule."""
        (theta, gradient, *memory), rule = self._used, self.optimizer.update_rule
        used, descent = self._made or ((), None)
        wanted = (rule, *data)
        if descent is None or len(used) != len(wanted) or not all(map(operator.is_, used, wanted)):
            descent = self._objective.descent(rule, data, parameters=theta, memory=memory, frozen=self._own.still, out=gradient)
            self._made = wanted, descent
        return descent

    def _time(self, step: int) -> float:
        """The moment of training, in epochs with their fraction, at one of the next steps."""
        return self._now.epoch + (self._now.seen / self.batch_size + step) / -(-len(self.X) // self.batch_size)

    def _rates(self, count: int) -> list[float]:
        """The learning rates of the next steps; fewer of them where the schedule raises later than at the first."""
        rates: list[float] = []
        for step in range(count):
            self.optimizer.epoch = self._time(step)
            try:
                rates.append(self.optimizer.learning_rate)
            except Exception:
                if not step:
                    raise
                break
        return rates

    def _mini_batches(self, most: int) -> tuple[Rows | None, Batch]:
        """The rows of up to so many mini-batches of one size, (steps, batch), and the data that they are of; None and one mini-batch."""
        now, is_known = self._now, self._batch is not None and self._batch[0] == self._next
        if is_known or self.noise is not None or self._takes_all:
            return None, self._mini_batch()[1]
        return self._feed.mini_batches(now.epoch, now.seen, self.batch_size, most)

    @property
    def _next(self) -> tuple[int, int, int, int]:
        """Which mini-batch comes next."""
        return self._now.epoch, self._now.seen, self._now.steps_in_epoch, self.batch_size

    @property
    def _takes_all(self) -> bool:
        """Whether the next mini-batch is all examples, as they lie in memory."""
        return self.batch_size == len(self.X) and not self._now.seen and not isinstance(self.X, Stored)

    def _mini_batch(self) -> tuple[Rows, Batch]:
        """The rows of the next mini-batch, and what they hold."""
        now = self._now
        if self._batch is None or self._batch[0] != self._next:
            rows: Rows = range(len(self.X))
            batch: Batch = self._feed.X, self._feed.Y
            if not self._takes_all:
                rows, batch = self._feed.mini_batch(now.epoch, now.seen, self.batch_size)
            if self.noise is not None:  # with its own numbers, whatever the order of the examples took
                rng = np.random.default_rng([self.seed, now.epoch, now.steps_in_epoch + 1])
                batch = (*batch, checks.drawn(self.noise, rng, len(rows)))
            self._batch = self._next, rows, batch
        return self._batch[1:]

    def _value_and_gradient(self, batch: Batch, gradient: Vector) -> tuple[float, UndefinedError | None]:
        """The mean cost, and why it is nan, if Values say so; its gradient goes to `gradient`, 0 for frozen parameters."""
        cause = None
        try:
            cost = self._objective.value_and_gradient(batch, self._own.theta, gradient)
        except UndefinedError as error:
            cost, cause = math.nan, error
            gradient.fill(math.nan)
        if self.frozen:
            gradient[self._own.still] = 0.0
        return cost, cause

    def _end_epoch(self) -> None:
        """Enter the epoch that has just ended into the history."""
        self._show()  # what is measured reads the Values
        now, history = self._now, self.history
        steps, n = history.steps, now.steps_in_epoch
        if not np.isfinite(now.vectors[0]).all():
            self._diverge(n - 1, "the update has overflowed the parameters")
        cost, best = float(np.average(steps.cost[-n:], weights=steps.examples[-n:])), now.best
        norm, seconds = sum(steps.gradient_norm[-n:]) / n, sum(steps.seconds[-n:])
        measured = [(history.accuracy, self._accuracy(self.X, self.Y))] if self.measured else []
        if self.validation is not None:
            held_out = self._validation_cost(*self.validation)
            if self.measured:
                measured.append((history.validation_accuracy, self._accuracy(*self.validation)))
            if held_out < min([history.forgotten.validation_cost, *history.validation_cost]):
                best = now.vectors[0].copy()
            measured.append((history.validation_cost, held_out))
        measured += [(history.cost, cost), (history.learning_rate, steps.learning_rate[-1])]
        self._shown = self._listed = None  # the lists are longer than they should be until the end
        for column, number in [*measured, (history.gradient_norm, norm), (history.seconds, seconds)]:
            column.append(number)
        after = now._replace(best=best, epoch=now.epoch + 1, seen=0, steps_in_epoch=0, looked=0, mark=history.mark())
        self._now = self._shown = self._held_as(after._replace(safe=self._state(after)))

    def _held_as(self, now: _Now) -> _Now:
        """Note that `now` has the current vectors, so that they need not be copied again."""
        self._held = now if self._held is self._now else None
        return now

    def _validation_cost(self, X: Array, Y: Array) -> float:
        part, cost, cause = self.processes.part(len(X)), 0.0, None
        try:
            if part.start < part.stop:
                cost = self._objective.value(_rows(X, part), Y[part])
        except UndefinedError as error:
            cost, cause = math.nan, error
        cost = self.processes.mean(cost, part.stop - part.start)
        if not math.isfinite(cost):
            self._diverge(self._now.steps_in_epoch - 1, f"the validation cost is {cost}", cause)
        return cost

    def _accuracy(self, X: Array, Y: Array) -> float:
        part, right, cause = self.processes.part(len(X)), 0.0, None
        if part.start < part.stop:
            outputs, cause = self._measured_outputs(_rows(X, part))
            right = math.nan if np.isnan(outputs).any() else accuracy(outputs, Y, self.model.threshold, part)
        right = self.processes.mean(right, part.stop - part.start)
        if math.isnan(right):
            self._diverge(self._now.steps_in_epoch - 1, "an output of the model is nan", cause)
        return right

    def _measured_outputs(self, X: Array, *noise: Array) -> tuple[Array, UndefinedError | None]:
        """The model's outputs, and why they are nan, if Values say so."""
        try:
            return self._objective.outputs(X, *noise), None
        except UndefinedError as error:
            return np.full((len(X), self._outputs), math.nan), error

    def _diverge(self, step: int, what: str, cause: Exception | None = None) -> NoReturn:
        """Go back to where all was last known to be good, and raise the error that says so."""
        now, rate = self._now, self.optimizer.learning_rate
        in_all = now.steps_in_epoch + self.steps_left
        self._restore(replace(self._safe, looked=0))
        steps = self.history.forgotten.steps + len(self.history.steps.cost)
        place = f"after epoch {self._now.epoch}" if not self._now.seen else f"after step {steps}"
        saved = f"; the last finite checkpoint is {self._path}" if self._path else ""
        raise DivergenceError(
            f"training diverged in epoch {now.epoch + 1}, at step {step + 1} of {in_all}, with learning rate {rate:g}: {what}. "
            f"The model is as it was {place}{saved}. Try a smaller learning rate, or clip=1.0"
        ) from cause

    # What is outside of the run: the model, the optimizer and the history, which others read and change between two calls

    def _show(self) -> None:
        """Write what is now to the model, the optimizer and the history. Once interrupted, it does it before it raises."""
        try:
            self._write()
        except BaseException:
            self._write()
            raise

    def _write(self) -> None:
        now, own, optimizer = self._now, self._own, self.optimizer
        if self._shown is now:
            return
        self._list()
        parameters, _, *memory = now.vectors
        for vector, numbers in zip(optimizer.vectors(len(own.values)), memory):
            vector[own.places] = numbers
        optimizer.steps = now.steps
        own.write(parameters)
        if self._threshold is not None:
            self.model.threshold = self._threshold
        self._threshold, self._shown = None, now

    def _take_up(self) -> None:
        """Continue with what others wrote to the model and the optimizer, and end an epoch that an exception kept from ending."""
        self._show()
        self._read()
        if self._now.seen == len(self.X):
            self._end_epoch()

    def _read(self) -> None:
        """Take the parameters and the memory from the model and the optimizer, unless these are out of date."""
        now, own, optimizer = self._now, self._own, self.optimizer
        if self._shown is not now:
            return
        optimizer.bind(own.values)
        found = (own.read(), now.vectors[1], *self._in_own_order(optimizer.vectors(len(own.values))))
        steps = optimizer.steps if optimizer.memory else now.steps  # another run may count its own
        if steps == now.steps and all(map(np.array_equal, found, now.vectors)):
            return
        wrong = np.flatnonzero(~np.isfinite(found[0]))
        if wrong.size:
            own.write(now.vectors[0])
            place = int(wrong[0])
            raise ValueError(
                f"{own.name(place)} was set to {found[0][place]}, which cannot be trained: the parameters are as they were before"
            )
        now = now._replace(vectors=self._copied(found), steps=steps)
        if not now.seen:
            now = now._replace(safe=self._state(now))
        self._now = self._shown = now

    def _look(self, closely: bool) -> None:
        """Make new programs if the model, or anything that its functions read, has changed.

        Raises ValueError if the model has other Values. Only if `closely` the functions are called, to see what they read: it takes
        up to as long as recording the cost. Back ends copy the examples again then.
        """
        reads = reads_of(self.model)
        is_same = reads is not None and self._reads is not None and reads.are(self._reads)
        if not is_same:
            self._own.check_same()
        if closely:
            self._feed.look_again()
        if (closely or (reads is not None and not is_same)) and not self._objective.is_current(is_same):
            self._record_again()
        self._reads = reads

    def _record_again(self) -> None:
        """Go on with the programs of what functions are now, from the same place."""
        self._take_up()
        state, safe = self._state(), self._safe
        self._objective, reason = self._make_objective()
        if reason:
            _warn(f"training continues on scalar Values, some hundred times slower than compiled: {reason}")
        self._own = Parameters(self.model, self._objective.parameters, self.frozen)
        self._restore(state)
        self._now = self._shown = self._now._replace(safe=safe)

    # States

    @property
    def _safe(self) -> State:
        assert self._now.safe is not None
        return self._now.safe

    def _state(self, now: _Now | None = None) -> State:
        """The state at a moment, in the model's order."""
        now = self._now if now is None else now
        parameters, gradient, *memory = map(self._own.in_model_order, now.vectors)
        best = self._own.in_model_order(now.best)
        for vector in (parameters, gradient, best, *memory):
            vector.setflags(write=False)
        remembered = {"steps": now.steps, **(dict(zip(self.optimizer.memory, memory)) if now.steps else {})}
        settings = self.optimizer, self.optimizer.schedule, remembered, self.batch_size, self.clip
        return State(parameters, best, gradient, *settings, now.looked, now.mark)

    def _restore(self, state: State) -> None:
        """Raises ValueError, with nothing changed, where the state does not fit together."""
        place, mark = self._place(state.mark), state.mark.copied()
        state.optimizer.load_state_dict(state.memory)
        self._shown = None
        self.optimizer, self.batch_size, self.clip = state.optimizer, state.batch_size, state.clip
        self.optimizer.schedule, self.history.stopped = state.schedule, ""
        self.optimizer.bind(self._own.values)
        self._make_room()
        vectors = [state.parameters, state.gradient, *self.optimizer.vectors(len(self._own.values))]
        (best,) = self._in_own_order([state.best])
        self._now = _Now(self._in_own_order(vectors), best, self.optimizer.steps, *place, state.looked, mark, state)
        self._show()

    def _place(self, mark: Mark) -> tuple[int, int, int]:
        """The epochs that are over at the mark, and in the one after them how many examples have been seen, in how many steps."""
        sizes = mark.columns["steps.examples"][: mark.lengths["steps.examples"]]
        epochs = mark.lengths["cost"]
        seen = int(sum(sizes)) - epochs * len(self.X)
        steps, left = 0, seen
        while left > 0:
            steps, left = steps + 1, left - int(sizes[-1 - steps])
        if left or not 0 <= seen < len(self.X) or mark.lengths["accuracy"] != (epochs if self.measured else 0):
            raise ValueError("its epochs and steps do not fit together")
        return mark.forgotten.epochs + epochs, seen, steps

    def _settings(self) -> dict[str, str]:
        """What must be the same for a resumed run to end like an uninterrupted one."""
        return self._fixed_settings | {
            "optimizer": repr(self.optimizer),
            "schedule": checkpoints.schedule_fingerprint(self.optimizer.schedule),
            "batch_size": str(self.batch_size),
            "clip": str(self.clip),
        }

    @cached_property
    def _fixed_settings(self) -> dict[str, str]:
        noise = self.noise and checkpoints.checksum(checks.drawn(self.noise, np.random.default_rng(0), 8))
        return {
            "model": repr(self.model),
            "cost": name_of(self.cost),
            "program": checkpoints.fingerprint(self.model, self.cost, self._alike()),
            "seed": str(self.seed),
            "noise": str(noise),
            "frozen": checkpoints.checksum(self.frozen),
            "measured": str(self.measured),
            "data": checkpoints.data_fingerprint([self.X, self.Y, *(self.validation or ())]),
        }

    def _alike(self, *noise: Array) -> Batch:
        """An example like all others, as a batch."""
        return self.X[:1], self.Y[:1], *(each[:1] for each in noise)

    def _size(self, batch_size: Any) -> int:
        if batch_size is None and isinstance(self.X, Stored):
            raise ValueError(
                f"batch_size=None takes all examples at once, and the {len(self.X)} of X are not read whole: give a batch_size"
            )
        return len(self.X) if batch_size is None else min(checks.a_whole_number("batch_size", batch_size), len(self.X))


def _rows(X: Array | Stored, part: slice) -> Any:
    """Neighbouring rows, of a file without reading them."""
    return X.part(part) if isinstance(X, Stored) else X[part]


def _warn(message: str) -> None:
    """A RuntimeWarning at the line outside of this package that the run was begun at."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "nn":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, RuntimeWarning, stacklevel=level)
