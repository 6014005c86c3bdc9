"""Vectors: the parameters, gradient and optimizer memory of a run, in one order, and their exchange with the model and the optimizer."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from autograd import Descent, ParameterLayout, Value
from nn.module import Module
from nn.optimizers import Optimizer, Vector
from nn.training.checkpoint import Settings, State
from nn.training.history import History, Mark, Step
from nn.training.mini_batches import Position
from nn.training.objectives import Batch, Objective


class Moment(NamedTuple):
    """Everything that steps change, at one moment between two steps. The vectors are in the order of the run."""

    vectors: tuple[Vector, ...]  # the parameters, the gradient of the last step, and the optimizer's memory
    best: Vector  # the parameters of the epoch with the lowest validation cost
    optimizer_steps: int
    position: Position
    mark: Mark  # of the history
    safe: Any  # the State that a divergence goes back to


class Vectors:
    """The vectors of a run, and the only place where they change their order.

    `now` is an immutable record. Each change replaces it in one assignment, so that an interrupted change is complete or has no effect.
    The model's Values, the optimizer and the history are copies of it: `to_model` writes them, and `from_model` reads what the user
    has changed in them. Steps work on other copies, and `commit_steps` makes a new record of the result.

    The order of the run is: the parameters that the objective depends on, in its order; the other trained parameters; the frozen
    ones among the others. `used` are the parameters that the objective depends on, `frozen` the places of frozen ones in the model's order.
    `threshold` is the model's threshold from the first step on; None leaves it unchanged.
    """

    def __init__(
        self, model: Module, history: History, settings: Settings, threshold: float | None, used: Sequence[Value], frozen: Sequence[int]
    ) -> None:
        self.model, self.history, self.settings, self.frozen = model, history, settings, frozen
        self._threshold = threshold
        self._set_order(used)
        self.optimizer.bind(self.values)
        self._allocate()
        parameters, memory = self._layout.gather(), self.optimizer.vectors(len(self.values))
        vectors = (parameters, np.zeros_like(parameters), *self._in_order(memory))
        self.now = Moment(vectors, parameters.copy(), self.optimizer.steps, Position(), history.mark(), None)
        self.now = self.now._replace(safe=self.state())
        self._in_model: Moment | None = self.now  # what the model, the optimizer and the history hold
        self._in_history: Mark | None = self.now.mark  # what the lists of the history hold

    @property
    def optimizer(self) -> Optimizer:
        return self.settings.optimizer

    # The order

    def _set_order(self, used: Sequence[Value]) -> None:
        self.values = self.model.parameters()
        first = ParameterLayout(self.values).places(used).tolist()
        others, frozen = set(range(len(self.values))).difference(first), set(self.frozen)
        ordered = sorted(others, key=lambda place: (place in frozen, place))
        self.places = np.array([*first, *ordered], dtype=np.intp)  # for each number of a vector its place in the model's order
        self.used = len(first)
        self.trained = len(self.values) - len(others & frozen)
        self.frozen_used = np.flatnonzero(np.isin(self.places[: self.used], list(frozen)))
        self._layout = ParameterLayout([self.values[place] for place in self.places.tolist()])

    def _in_order(self, vectors: Iterable[Vector]) -> tuple[Vector, ...]:
        """Return vectors in the model's order as new ones in the order of the run."""
        return tuple([vector[self.places] for vector in vectors])

    def in_model_order(self, vector: Vector) -> Vector:
        """Return a vector, or its first numbers, as a new one in the model's order, with 0 for missing numbers."""
        ordered = np.zeros(len(self.values))
        ordered[self.places[: len(vector)]] = vector
        return ordered

    def check_same_values(self) -> None:
        """Raise ValueError if the model has other Values than at the start of the run."""
        if list(map(id, self.model.parameters())) != list(map(id, self.values)):
            raise ValueError(
                "the model has other Values than at the start of the run: change the data of its Values instead, or start a new run"
            )

    # Exchange with the model, the optimizer and the history

    def from_model(self) -> None:
        """Read parameters and optimizer memory that the user has changed. Raises ValueError, and sets them back, unless all are finite."""
        now, optimizer = self.now, self.optimizer
        if self._in_model is not now:
            return  # the model is out of date
        optimizer.bind(self.values)
        known, gradient, *known_memory = now.vectors
        parameters, memory = self._layout.gather(), self._in_order(optimizer.vectors(len(self.values)))
        steps = optimizer.steps if optimizer.memory else now.optimizer_steps  # several runs may share an optimizer without memory
        is_same = np.array_equal(parameters, known) and all(map(np.array_equal, memory, known_memory))
        if is_same and steps == now.optimizer_steps:
            return
        wrong = np.flatnonzero(~np.isfinite(parameters))
        if wrong.size:
            self._layout.assign(known)
            place = int(wrong[0])
            name = next((name for name, each in self.model.named_parameters() if each is self._layout.parameters[place]), "a parameter")
            raise ValueError(f"{name} was set to {parameters[place]}: parameters must be finite, and all of them were set back")
        now = now._replace(vectors=self._copied((parameters, gradient, *memory)), optimizer_steps=steps)
        if not now.position.seen:
            now = now._replace(safe=self.state(now))
        self.now = self._in_model = now

    def to_model(self) -> None:
        """Write `now` to the model, the optimizer and the history. If interrupted, it finishes before it raises."""
        try:
            self._write()
        except BaseException:
            self._write()
            raise

    def _write(self) -> None:
        now, optimizer = self.now, self.optimizer
        if self._in_model is now:
            return
        self._write_history()
        parameters, _, *memory = now.vectors
        for vector, numbers in zip(optimizer.vectors(len(self.values)), memory):
            vector[self.places] = numbers
        optimizer.steps = now.optimizer_steps
        self._layout.assign(parameters)
        if self._threshold is not None:
            self.model.threshold = self._threshold
        self._threshold, self._in_model = None, now

    def _write_history(self) -> None:
        if self._in_history is not self.now.mark:
            self.history.show(self.now.mark)
            self._in_history = self.now.mark

    def assign(self, parameters: Vector) -> None:
        """Write parameters, in the model's order, to the model's Values."""
        self.to_model()
        ParameterLayout(self.values).assign(parameters)

    # Steps work on `_work`. Of the two sets of vectors in `_sets`, one is that of `now`, and the other is free for the next record.

    def _allocate(self) -> None:
        """Allocate vectors for the optimizer's memory."""
        count, zeros = 2 + len(self.optimizer.memory), np.zeros(len(self.values))
        self._work = (self._layout.gather(), *(zeros.copy() for _ in range(count - 1)))
        self._sets = [tuple(zeros.copy() for _ in range(count)) for _ in range(2)]
        self._in_work: Moment | None = None  # what `_work` holds
        self._descent: tuple[tuple[object, ...], Descent] | None = None  # the last descent, after what it was made of

    def _copied(self, vectors: Iterable[Vector]) -> tuple[Vector, ...]:
        """Return copies of vectors, in the free set."""
        free = next(each for each in self._sets if each is not self.now.vectors)
        for vector, given in zip(free, vectors):
            vector[:] = given
        return free

    @property
    def theta(self) -> Vector:
        """The parameters that the objective depends on. Objectives may not change them."""
        if self._in_work is not self.now:
            for vector, numbers in zip(self._work, self.now.vectors):
                vector[:] = numbers
            self._in_work = self.now
        return self._work[0][: self.used]

    def descent(self, objective: Objective, data: Batch) -> Descent:
        """Return a descent from `now` with the optimizer's rule. Its results have no effect before `commit_steps`."""
        theta, key = self.theta, (objective, self.optimizer.update_rule, *data)
        known, descent = self._descent or ((), None)
        if descent is None or len(known) != len(key) or not all(map(operator.is_, known, key)):
            gradient, *memory = [vector[: self.used] for vector in self._work[1:]]
            rule, frozen = self.optimizer.update_rule, self.frozen_used
            descent = objective.descent(rule, data, parameters=theta, memory=memory, frozen=frozen, out=gradient)
            self._descent = key, descent
        self._in_model = self._in_work = None
        return descent

    def move_unused(self, rates: Sequence[float]) -> None:
        """Take the steps of trained parameters that the cost does not depend on: weight decay moves them without a gradient."""
        unused = slice(self.used, self.trained)
        if unused.start == unused.stop:
            return
        parameters, gradient, *memory = (vector[unused] for vector in self._work)
        gradient[:] = 0.0
        for step, rate in enumerate(rates, self.now.optimizer_steps + 1):
            self.optimizer.update_rule.update(parameters, gradient, *memory, rate=rate, step=step)

    def commit_steps(self, steps: Sequence[Step], position: Position) -> None:
        """Make the result of a descent the new record, and append its steps to the history."""
        now = self.now
        self._write_history()
        self._in_history = None
        self.history.steps.extend(steps)
        after = Moment(self._copied(self._work), now.best, now.optimizer_steps + len(steps), position, self.history.mark(), now.safe)
        self._in_history = after.mark
        self.now = self._in_work = after

    def commit_epoch(self, measured: Mapping[str, float]) -> None:
        """End an epoch: append its measurements to the history, and note its parameters if they are the best."""
        now, history, best = self.now, self.history, self.now.best
        if measured.get("validation_cost", np.inf) < min([history.forgotten.validation_cost, *history.validation_cost]):
            best = now.vectors[0].copy()
        self._in_model = self._in_history = None  # the lists are too long until the end of this function
        for name, number in measured.items():
            getattr(history, name).append(number)
        position, mark = Position(now.position.epoch + 1), history.mark()
        after = now._replace(best=best, position=position, mark=mark)
        self._replace(after._replace(safe=self.state(after)))

    def _replace(self, after: Moment) -> None:
        """Replace `now` by a record with the same vectors, which the model, the optimizer and the history hold."""
        self._in_work = after if self._in_work is self.now else None
        self._in_history = after.mark
        self.now = self._in_model = after

    def look(self) -> None:
        """Count one more example of the next mini-batch that was looked at."""
        position = self.now.position
        self._replace(self.now._replace(position=position._replace(looked=position.looked + 1)))

    def forget(self, epochs: int, steps: int) -> None:
        """Remove epochs and steps from the start of the history."""
        self.history.forget(epochs, steps)
        self._replace(self.now._replace(mark=self.history.mark()))

    # States and settings

    def state(self, now: Moment | None = None) -> State:
        """Return the state at a moment (None: now), in the model's order."""
        now = self.now if now is None else now
        parameters, best, gradient, *memory = map(self.in_model_order, (now.vectors[0], now.best, *now.vectors[1:]))
        for vector in (parameters, best, gradient, *memory):
            vector.setflags(write=False)
        named = {"steps": now.optimizer_steps, **(dict(zip(self.optimizer.memory, memory)) if now.optimizer_steps else {})}
        settings = self.settings._replace(schedule=self.optimizer.schedule)
        return State(parameters, best, gradient, settings, named, now.position.looked, now.mark)

    def restore(self, state: State, position: Position) -> None:
        """Go back to a state, at its position. Raises ValueError, with nothing changed, if its memory does not fit its optimizer."""
        mark, optimizer = state.mark.copied(), state.settings.optimizer
        in_model, self._in_model = self._in_model, None  # an interrupt from here on leaves the model out of date
        try:
            optimizer.load_state_dict(state.memory)
        except ValueError:
            self._in_model = in_model
            raise
        self.settings, optimizer.schedule, self.history.stopped = state.settings, state.settings.schedule, ""
        optimizer.bind(self.values)
        self._allocate()
        memory = optimizer.vectors(len(self.values))
        vectors = self._in_order([state.parameters, state.gradient, *memory])
        self.now = Moment(vectors, self._in_order([state.best])[0], optimizer.steps, position, mark, state)
        self.to_model()

    def reorder(self, used: Sequence[Value]) -> None:
        """Continue from `now` with an objective that depends on these parameters."""
        state, position, safe = self.state(), self.now.position, self.now.safe
        self._set_order(used)
        self.restore(state, position)
        self._replace(self.now._replace(safe=safe))

    def change(self, settings: Settings) -> None:
        """Change the settings from the next step on. A divergence keeps them."""
        now, position, safe = self.now, self.now.position, self.now.safe
        if settings.batch_size != self.settings.batch_size:
            position = position._replace(looked=0)
        if settings.optimizer is not self.optimizer:
            memory = self._in_order(settings.optimizer.vectors(len(self.values)))
            now = now._replace(vectors=(*now.vectors[:2], *memory), optimizer_steps=settings.optimizer.steps)
            safe = replace(safe, memory=settings.optimizer.state_dict())
        self.settings, settings.optimizer.schedule = settings, settings.schedule
        self.now = self._in_model = now._replace(position=position, safe=replace(safe, settings=settings))
        self._allocate()
