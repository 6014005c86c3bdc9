"""The loop of a run: it takes steps, ends epochs with measurements, and goes back when training diverges."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from autograd import NudgeError, UndefinedError
from nn.inputs import Array, finite_number
from nn.optimizers import Optimizer, Vector
from nn.training.checkpoint import State
from nn.training.history import Step
from nn.training.measurements import Measurements, NotFiniteError
from nn.training.mini_batches import MiniBatches, Position
from nn.training.objectives import CurrentObjective, Objective
from nn.training.validation import Problem
from nn.training.vectors import Vectors

SECONDS_PER_CALL = 0.05  # of steps in one call of a descent; Ctrl-C is answered after that


class DivergenceError(NudgeError, ArithmeticError):
    """Training diverged: the cost, its gradient or a measurement is not finite."""


@dataclass(frozen=True, eq=False)
class Example:
    """One example of a mini-batch, evaluated before the mini-batch's update.

    `index` is its row in X and Y. The shapes are (inputs,) for x, (targets,) for y if it is not a single float, and (outputs,) for the
    outputs. `gradient` is that of this cost, (parameters,), in the order of the model's. `step` is the update, None except after the last
    example of the mini-batch.
    """

    index: int
    x: Array
    y: Any
    outputs: Array
    cost: float
    gradient: Vector
    step: Step | None


class Loop:
    """The loop of a run, over its mini-batches, with its vectors."""

    def __init__(
        self, problem: Problem, program: CurrentObjective, batches: MiniBatches, measurements: Measurements, vectors: Vectors
    ) -> None:
        self.problem, self.program, self.batches, self.measurements, self.vectors = problem, program, batches, measurements, vectors
        self.processes = measurements.processes
        self.steps_per_call = 1
        self.path = ""  # of the last checkpoint

    @property
    def objective(self) -> Objective:
        return self.program.objective

    @property
    def position(self) -> Position:
        return self.vectors.now.position

    @property
    def optimizer(self) -> Optimizer:
        return self.vectors.optimizer

    @property
    def examples(self) -> int:
        """The number of examples in an epoch."""
        return len(self.problem.Y)

    @property
    def batch_size(self) -> int:
        return self.vectors.settings.batch_size

    @property
    def steps_left(self) -> int:
        return -(-(self.examples - self.position.seen) // self.batch_size)

    # Steps

    def step(self) -> Step:
        """See `Training.step`."""
        self.refresh(closely=self.position.seen == 0)
        try:
            with np.errstate(all="ignore"):
                return self._take(1)[0]
        finally:
            self.vectors.to_model()

    def take_epoch(self, watch: Callable[[Step], Any] | None, every: float) -> bool:
        """See `Training.epoch`. This does not look for changes in what functions read."""
        last = self.position.epoch + (self.position.seen == self.examples)  # an exception may have kept an epoch from ending
        every = SECONDS_PER_CALL if watch is None else finite_number("every", every, least=0)
        try:
            with np.errstate(all="ignore"):
                while self.position.epoch <= last:
                    steps = self._take(self.steps_per_call if every else 1)
                    self._adapt_pace(steps, every)
                    if watch is not None:
                        wishes = [bool(watch(step)) for step in steps]
                        if any(self.processes.each(any(wishes))):
                            break
        finally:
            self.vectors.to_model()
        return self.position.epoch > last

    def example(self) -> Example:
        """See `Training.example`."""
        self.refresh(closely=self.position.seen == self.position.looked == 0)
        self.sync()
        X, Y = self.problem.X, self.problem.Y
        rows, batch = self.batches.next(self.position, self.batch_size)
        place, theta, step = self.position.looked, self.vectors.theta, None
        gradient, index = np.empty_like(theta), int(rows[place])
        one = [X[index : index + 1], Y[index : index + 1], *[noise[place : place + 1] for noise in batch[2:]]]
        with np.errstate(all="ignore"):
            try:
                cost = self.objective.value_and_gradient(one, theta, gradient)
            except UndefinedError:
                cost = math.nan
                gradient.fill(math.nan)
            gradient[self.vectors.frozen_used] = 0.0
            outputs, _ = self.measurements.outputs(self.objective, one[0], *one[2:])
        self.vectors.look()
        if place + 1 == len(rows):
            step = self.step()
        y = self.problem.targets(Y[index : index + 1])[0]
        y = y.copy() if y.ndim else float(y)
        return Example(index, X[index].copy(), y, outputs[0], cost, self.vectors.in_model_order(gradient), step)

    def _take(self, most: int) -> list[Step]:
        """Take one step, or several but at most `most`, in this epoch. The model is updated by `to_model`, not here."""
        began, vectors = time.perf_counter(), self.vectors
        self._read()
        now, limit = vectors.now, math.inf if self.vectors.settings.clip is None else self.vectors.settings.clip
        rows, data = self.batches.several(now.position, self.batch_size, most)
        size, rates = len(data[0]) if rows is None else rows.shape[1], self._rates(1 if rows is None else len(rows))
        descent = vectors.descent(self.objective, data)
        try:
            costs, norms = descent.take(rates, rows if rows is None else rows[: len(rates)], now.optimizer_steps + 1, limit)
        except UndefinedError as error:
            self._diverge(now.position.steps + len(descent.interrupted()[0]), "the cost is nan", error)
        last = len(costs) - 1
        (self.optimizer.epoch,) = self._times([last])
        if not math.isfinite(costs[last] + norms[last]):
            what = f"the norm of the gradient is {norms[last]}" if math.isfinite(costs[last]) else f"the cost is {costs[last]}"
            self._diverge(now.position.steps + last, what)
        vectors.move_unused(rates)
        seconds = self.processes.agreed(time.perf_counter() - began) / len(costs)
        number, epoch = now.mark.forgotten.steps + now.mark.lengths["steps.cost"] + 1, now.position.epoch + 1
        each_step = enumerate(zip(costs.tolist(), rates, norms.tolist()), number)
        steps = [Step(index, epoch, cost, rate, norm, size, seconds) for index, (cost, rate, norm) in each_step]
        position = Position(now.position.epoch, now.position.seen + len(steps) * size, now.position.steps + len(steps))
        vectors.commit_steps(steps, position)
        self._end_full_epoch()
        return steps

    def _adapt_pace(self, steps: Sequence[Step], every: float) -> None:
        """Take more steps in the next call if these took much less time than `every`, and fewer if they took much more."""
        elapsed = steps[0].seconds * len(steps)
        if elapsed < every / 2 and len(steps) == self.steps_per_call:
            self.steps_per_call *= 2
        elif elapsed > 2 * every:
            self.steps_per_call = max(1, self.steps_per_call // 2)

    def _times(self, steps: Iterable[int]) -> Iterator[float]:
        """Return the times of some of the next steps (0: the next one) in epochs, with their fractions, for schedules."""
        epoch, seen = self.position.epoch, self.position.seen / self.batch_size
        in_epoch = -(-self.examples // self.batch_size)
        return (epoch + (seen + step) / in_epoch for step in steps)

    def _rates(self, count: int) -> list[float]:
        """Return the learning rates of the next steps; fewer if the schedule raises for a step other than the first."""
        rates: list[float] = []
        optimizer = self.optimizer
        for epoch in self._times(range(count)):
            optimizer.epoch = epoch
            try:
                rates.append(optimizer.learning_rate)
            except Exception:
                if not rates:
                    raise
                break
        return rates

    def _end_full_epoch(self) -> None:
        """If all examples of the epoch have been seen, measure, and start the next one."""
        vectors, steps = self.vectors, self.position.steps
        if self.position.seen < self.examples:
            return
        vectors.to_model()  # measurements read the Values
        if not np.isfinite(vectors.now.vectors[0]).all():
            self._diverge(steps - 1, "the update has overflowed the parameters")
        try:
            measured = self.measurements.of_epoch(self.objective)
        except NotFiniteError as error:
            self._diverge(steps - 1, str(error), error.__cause__)
        vectors.commit_epoch(measured | self.vectors.history.means_of_steps(steps))

    def _diverge(self, step: int, what: str, cause: BaseException | None = None) -> NoReturn:
        """Go back to the last state that was finite, and raise the error that says so."""
        position, rate = self.position, self.optimizer.learning_rate
        count = position.steps + self.steps_left
        safe = self.vectors.now.safe
        self.restore(replace(safe, looked=0))
        history = self.vectors.history
        steps = history.forgotten.steps + len(history.steps.cost)
        place = f"after step {steps}" if self.position.seen else f"after epoch {self.position.epoch}"
        saved = f"; the last finite checkpoint is {self.path}" if self.path else ""
        raise DivergenceError(
            f"training diverged in epoch {position.epoch + 1}, at step {step + 1} of {count}, with learning rate {rate:g}: {what}. "
            f"The model is as it was {place}{saved}. Try a smaller learning rate, or clip=1.0"
        ) from cause

    # Changes from outside

    def refresh(self, closely: bool) -> None:
        """Record the objective again if it has changed; see `CurrentObjective`. With `closely`, back ends copy the examples again."""
        is_current = self.program.is_current(closely, self.vectors.check_same_values)
        if closely:
            self.batches.reload()
            self.vectors.reload()
        if not is_current:
            self.sync()
            self.program.renew()
            self.vectors.reorder(self.objective.parameters)

    def sync(self) -> None:
        """Update the model, and read what was changed in it since."""
        self.vectors.to_model()
        self._read()

    def _read(self) -> None:
        """Read what was changed in the model, and end the epoch if an exception kept it from ending."""
        self.vectors.from_model()
        self._end_full_epoch()

    def restore(self, state: State) -> None:
        """Go back to a state. Raises ValueError, with nothing changed, if it does not fit this run."""
        own, given = len(self.vectors.values), len(state.parameters)
        if given != own:
            raise ValueError(f"it has {given} parameters, but the model of this run has {own}")
        position = Position.at(state.mark, self.examples)
        if state.mark.lengths["accuracy"] != (state.mark.lengths["cost"] if self.measurements.accuracy else 0):
            raise ValueError("its numbers of epochs and accuracies are inconsistent")
        self.vectors.restore(state, position._replace(looked=state.looked))
