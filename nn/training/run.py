"""Training: a run by mini-batch gradient descent, which takes a step, an epoch or an example at a time."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import EllipsisType
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import Value
from autograd._support import check_whole
from nn.costs import Cost, squared_error
from nn.frames import Inputs, unmasked
from nn.keywords import suggests_names
from nn.module import Module
from nn.optimizers import SGD, Optimizer, Vector
from nn.schedules import Schedule, as_schedule
from nn.sequences import Sequences
from nn.training import checkpoint
from nn.training.checkpoint import Settings, State
from nn.training.file_arrays import ArrayInFile
from nn.training.history import History, Step
from nn.training.loop import Example, Loop
from nn.training.measurements import Measurements, threshold_for
from nn.training.mini_batches import MiniBatches, last_steps, noise_for
from nn.training.objectives import Compiled, CurrentObjective
from nn.training.processes import Processes
from nn.training.sequence_objective import longest_and_shortest
from nn.training.validation import (
    Noise,
    check_batch_size,
    check_clip,
    check_noise,
    check_optimizer,
    check_problem,
    frozen_places,
)
from nn.training.vectors import Vectors


class Training:
    """A training run, driven from outside: a step, an epoch or an example at a time. It prints nothing.

    `history` has the measurements so far. Between two steps `model` holds the current parameters, and the run continues with whatever is
    written to them. A replaced activation takes effect at the next step. Everything else that functions read, such as the strength of a
    penalty, takes effect at the next epoch, or after `take_up`. An interrupted call leaves each step complete or not taken.

    Parameters
    ----------
    model, X, Y, cost, optimizer, batch_size, seed, validation, clip, measure_accuracy, compiled, backend, threads, noise, frozen,
    sample_weight, class_weight
        See `train`. If they do not fit each other, TypeError or ValueError is raised, with the model unchanged.

    Examples
    --------
    >>> import numpy as np
    >>> from nn import MLP, SGD, Training
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> run = Training(MLP([1, 1]), X, 3 * X - 1, optimizer=SGD(0.1), batch_size=4)
    >>> [(step.epoch, round(step.cost, 2)) for step in run.steps(3)]  # an epoch and a half
    [(1, 2.11), (1, 6.26), (2, 2.68)]
    >>> run.example().gradient.shape  # of the first example of the next mini-batch
    (2,)
    >>> before = run.state()
    >>> run.set(rate=0.2)
    >>> run.epoch()  # to the end of this epoch
    True
    >>> [round(cost, 2) for cost in run.history.cost]
    [4.18, 2.63]
    >>> run.restore(before)
    >>> len(run.history.steps.cost)
    3
    """

    @suggests_names
    def __init__(
        self,
        model: Module,
        X: Inputs | ArrayInFile | Sequences,
        Y: npt.ArrayLike | Sequences,
        *,
        cost: Cost = squared_error,
        optimizer: Optimizer | None = None,
        batch_size: int | None = 32,
        seed: int = 0,
        validation: Sequence[Any] | None = None,
        clip: float | None = None,
        measure_accuracy: bool = True,
        compiled: bool = True,
        backend: str = "numpy",
        threads: int | None = None,
        noise: Noise | None = None,
        frozen: Iterable[Module | Value] | Mapping[str, Any] = (),
        sample_weight: npt.ArrayLike | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
    ) -> None:
        optimizer = SGD() if optimizer is None else check_optimizer(optimizer)
        self.problem = problem = check_problem(model, cost, X, Y, validation, sample_weight, class_weight)
        self.model, self.X, self.Y = problem.model, problem.X, problem.targets(problem.Y)
        self.history = History(weighted=problem.is_weighted)
        self.seed, self.noise, self.frozen = check_whole("seed", seed, least=0), check_noise(noise), frozen_places(model, frozen)
        settings = Settings(optimizer, optimizer.schedule, check_batch_size(batch_size, self.X), check_clip(clip))
        drawn = () if self.noise is None else (noise_for(self.noise, np.random.default_rng([self.seed, 0, 1]), len(self.X))[:1],)
        if problem.layout is not None and self.noise is not None:
            raise ValueError("a model of sequences is trained without noise: leave noise out")
        some = slice(1) if problem.layout is None else longest_and_shortest(self.X)
        example = self.X[some], problem.Y[some], *drawn
        program = CurrentObjective(model, problem.cost, problem.layout, example, compiled, backend, threads)
        self.processes = Processes(backend if compiled else "numpy")
        if problem.layout is not None and self.processes.count > 1:
            raise ValueError(f"sequences are trained by one process, and this run has {self.processes.count}")
        sharing = self.processes if isinstance(program.objective, Compiled) else Processes("numpy")  # on Values each works on all examples
        batches = MiniBatches(self.X, problem.Y, self.seed, self.noise, sharing.works_on)
        self._measurements = Measurements(problem, measure_accuracy, self.processes)
        threshold = threshold_for(cost, self.Y, problem.outputs)
        self._vectors = Vectors(model, self.history, settings, threshold, program.objective.parameters, self.frozen)
        if self.processes.count > 1:
            self.processes.check_the_same(f"{self._texts()} {checkpoint.checksum(self.parameters)}")
        self._loop = Loop(problem, program, batches, self._measurements, self._vectors)
        model.classes, model.feature_names = problem.classes, problem.feature_names

    # Steps

    def steps(self, count: int | None = None) -> Iterator[Step]:
        """Take `count` steps (None: without end), each when the iterator is asked for it.

        Raises DivergenceError if the cost, its gradient, the parameters or a measurement is not finite. The run is then at the end of
        the last epoch, with its current settings.
        """
        if count is not None:
            check_whole("the number of steps", count)
        self.take_up()
        return (self.step() for _ in (itertools.count() if count is None else range(count)))

    def step(self) -> Step:
        """Take one step with the next mini-batch, or with the one that `example` is in. Raises the same as `steps`."""
        return self._loop.step()

    def epoch(self, watch: Callable[[Step], Any] | None = None, every: float = 0.0) -> bool:
        """Take the steps to the end of this epoch, or until `watch`, called with each step, returns a true value.

        This is faster than single steps, because the model is updated only at the end. `run.parameters` is always up to date. With
        `every` above 0, `watch` is called after groups of steps that take about `every` seconds, which is faster. Returns whether the
        end of the epoch was reached. Raises the same as `steps`.
        """
        self._loop.refresh(closely=self._loop.position.seen == 0)
        return self._loop.take_epoch(watch, every)

    def example(self) -> Example:
        """Evaluate the next example of the mini-batch. The last one also takes the step, to the same bits as `step`."""
        return self._loop.example()

    def take_up(self) -> None:
        """Read everything that was changed outside of the run: parameters, examples, and whatever functions read.

        Raises ValueError if a parameter is not finite, after setting them all back, and if the model has other Values than at the start.
        """
        self._loop.refresh(closely=True)
        self._loop.sync()

    # The current state

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer."""
        return self._vectors.optimizer

    @property
    def batch_size(self) -> int:
        """The number of examples in a mini-batch."""
        return self._vectors.settings.batch_size

    @property
    def clip(self) -> float | None:
        """The largest norm of a gradient."""
        return self._vectors.settings.clip

    @property
    def steps_left(self) -> int:
        """The number of steps until the end of this epoch."""
        return self._loop.steps_left

    @property
    def parameters(self) -> Vector:
        """A copy of the current parameters, in the order of the model's."""
        self._vectors.from_model()
        return self._vectors.in_model_order(self._vectors.now.vectors[0])

    @property
    def best(self) -> Vector:
        """The parameters at the end of the epoch with the lowest validation cost; before the first one, those of the start."""
        return self._vectors.in_model_order(self._vectors.now.best)

    @property
    def gradient(self) -> Vector:
        """The clipped gradient of the last step, in the order of the model's parameters; 0 before the first step."""
        return self._vectors.in_model_order(self._vectors.now.vectors[1])

    # Changes

    def set(
        self,
        *,
        rate: float | Schedule | EllipsisType = ...,
        batch_size: int | EllipsisType | None = ...,
        clip: float | EllipsisType | None = ...,
        optimizer: Optimizer | EllipsisType = ...,
    ) -> None:
        """Change settings from the next step on. Settings that are not given stay the same.

        Parameters
        ----------
        rate : float or function
            The learning rate, or a schedule. A schedule continues at the current epoch.
        batch_size : int or None
            The number of examples in a mini-batch; None: all. The mini-batch that `example` is in starts again.
        clip : float or None
            The largest norm of a gradient; None: no limit.
        optimizer : Optimizer
            Another optimizer, with its own memory.

        Raises
        ------
        TypeError, ValueError
            If a setting is invalid. Nothing is changed.
        """
        own, vectors = self._vectors.settings, self._vectors
        new = own.optimizer if optimizer is ... else check_optimizer(optimizer)
        settings = Settings(
            new,
            new.schedule if rate is ... else as_schedule(rate),
            own.batch_size if batch_size is ... else check_batch_size(batch_size, self.X),
            own.clip if clip is ... else check_clip(clip),
        )
        self._loop.sync()
        new.bind(vectors.values)
        if settings.batch_size != own.batch_size:
            self._loop.steps_per_call = 1
        vectors.change(settings)

    def assign(self, parameters: npt.ArrayLike) -> None:
        """Write a vector of finite numbers to the model's parameters, in their order. The run continues with them."""
        numbers, count = unmasked("parameters", parameters).astype(np.float64), len(self._vectors.values)
        if numbers.shape != (count,) or not np.isfinite(numbers).all():
            found = f"the shape {numbers.shape}" if numbers.shape != (count,) else "nan or infinity"
            raise ValueError(f"parameters must be a vector of {count} finite numbers, one for each parameter of the model: got {found}")
        self._vectors.assign(numbers)

    def forget(self, epochs: int = 0) -> None:
        """Keep only the last `epochs` finished epochs, and the current one, in the history, to limit its memory.

        The run and its counts continue as before. Only `save` needs the whole history.
        """
        epochs = check_whole("epochs", epochs, least=0)
        self._loop.sync()
        over = len(self.history.cost) - epochs
        if over > 0:
            sizes = self.history.steps.examples
            self._vectors.forget(over, len(sizes) - last_steps(sizes, self._loop.position.seen + epochs * len(self.X)))

    # States and checkpoints

    def state(self) -> State:
        """Return the current state, immutable. It costs a copy of a few vectors, however long the run is."""
        self._loop.sync()
        return self._vectors.state()

    def restore(self, state: State) -> None:
        """Go back to a state: parameters, optimizer and its memory, position, settings and history, which stays the same object."""
        if not isinstance(state, State):
            raise TypeError(f"restore takes what run.state() returned, got {type(state).__name__} {state!r:.60}; for a file use load")
        self._go_back(state, "the state belongs to another run")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint, completely or not at all. Of several processes the first one writes it.

        It holds what `state` holds, except for how many examples of the next mini-batch `example` has returned.
        """
        if forgotten := self.history.forgotten.epochs:
            raise ValueError(f"a checkpoint needs the whole history, but this run has forgotten its first {forgotten} epochs")
        self._loop.sync()
        self._vectors.check_same_values()
        if self.processes.is_first:
            checkpoint.write(path, self._texts(), self._vectors.state())
        self._loop.path = os.fspath(path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Continue from a checkpoint, to the same bits as the run that saved it.

        Raises ValueError, naming the file and with nothing changed, if the file is damaged or belongs to a run with other settings.
        Settings that were changed during that run must be set before.
        """
        self._go_back(checkpoint.read(path, self._texts(), self.state()), f"{os.fspath(path)} is damaged")
        self._loop.path = os.fspath(path)

    def _go_back(self, state: State, otherwise: str) -> None:
        try:
            self._loop.restore(state)
        except ValueError as error:
            raise ValueError(f"{otherwise}: {error}") from error

    def _texts(self) -> dict[str, str]:
        return self._fixed_texts | self._vectors.settings.texts()

    @cached_property
    def _fixed_texts(self) -> dict[str, str]:
        return checkpoint.fixed_texts(self.problem, self.seed, self.noise, self.frozen, self._measurements.accuracy)
