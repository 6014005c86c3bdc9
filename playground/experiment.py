"""An experiment: a network that learns a problem step by step, with all states that it can go back to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd import ParameterLayout, UndefinedError, Value
from nn import MLP, DivergenceError, Training, first_undefined
from nn.data import Array
from playground import problem as problems
from playground.configuration import COMPUTED, PARAMETERS, Configuration
from playground.messages import RefusedError
from playground.programs import Programs

if TYPE_CHECKING:
    from nn.explain import Undefined
    from nn.training import Example, State

REMEMBERED, BYTES = 200, 2**25  # the largest number of states to go back to, and the memory that they may take
STEPS = 5000  # beyond this length of the history, all epochs but the last are forgotten
MEASURED = 15_000_000  # examples times parameters: about how many products are computed to measure the cost for each frame
CHANGES = 2000  # the largest number of changes that a script can repeat


class Change(NamedTuple):
    """A change of the run at a step, which the script repeats: other settings, or a parameter's index and its value."""

    step: int
    to: Configuration | tuple[int, float]


@dataclass(frozen=True)
class Stopped:
    """Why a run stopped by itself."""

    problem: str
    undefined: Undefined | None


@dataclass(frozen=True, eq=False)
class Moment:
    """A state to go back to."""

    step: int
    run: Training
    state: State
    configuration: Configuration
    changes: tuple[Change, ...] | None


class Experiment:
    """A network in training. If there are no examples, as before the first painted point, there is a network and no run."""

    def __init__(self, configuration: Configuration) -> None:
        self.start = self.configuration = configuration
        self.problem = problems.make(configuration)
        sizes = [len(self.problem.inputs), *configuration.layers, self.problem.outputs]
        count = sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))
        if count > PARAMETERS:
            raise RefusedError(f"a network of {sizes} has {count:,} parameters, more than {PARAMETERS:,}", "configuration.layers")
        self.model = MLP(sizes, activation=configuration.functions(), seed=configuration.seed)
        self.parameters = self.model.parameters()
        self.layout = ParameterLayout(self.parameters)
        if configuration.parameters is not None:
            if len(configuration.parameters) != count:
                problem = f"configuration.parameters must be {count} numbers for a network of {sizes}, got {len(configuration.parameters)}"
                raise RefusedError(problem, "configuration.parameters")
            self.layout.assign(np.array(configuration.parameters))
        self.programs = Programs(self.model, self.problem, configuration)
        self._run = self._new_run()
        self.past: list[Moment] = []
        self.most = max(4, min(REMEMBERED, BYTES // (40 * count)))  # states to go back to
        self.changes: tuple[Change, ...] | None = ()
        self.before: Array | None = None  # the parameters before the last step, unless they were changed by hand since

    def _new_run(self) -> Training | None:
        """A run with the current configuration and the network's current parameters."""
        training, configuration = self.problem.training, self.configuration
        if not len(training):
            return None
        try:
            run = Training(
                self.model, training.X, self.programs.targets(training), cost=self.programs.whole_cost,
                optimizer=configuration.new_optimizer(), batch_size=configuration.batch_size, seed=configuration.seed,
                clip=configuration.clip, measure_accuracy=False,
            )  # fmt: skip
        except UndefinedError as error:
            undefined = first_undefined(self.model, training.X)
            raise RefusedError(f"{undefined or error}: choose an activation that is defined everywhere", "activations") from None
        self.model.classes = None  # targets are what the cost takes, which may change
        return run

    # The current state

    @property
    def run(self) -> Training:
        if self._run is None:
            raise RefusedError("there are no examples to learn from yet: paint some into the plane")
        return self._run

    def require_examples(self) -> None:
        """Raise RefusedError if there are no examples to learn from."""
        _ = self.run

    def part(self, of: str) -> problems.Part:
        return self.problem.held_out if of == "held_out" else self.problem.training

    def index_of(self, layer: int, neuron: int, place: int | None) -> int:
        """The index of a weight among the parameters, or of the bias if `place` is None."""
        sizes = self.model.sizes
        before = sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes[: layer + 1]))
        return before + neuron * (sizes[layer] + 1) + (sizes[layer] if place is None else place)

    def by_layer(self, numbers: Array) -> list[Array]:
        """A number for each parameter, (parameters,), as an array (neurons, inputs + 1) for each layer, with the biases last."""
        shapes = [(outputs, inputs + 1) for inputs, outputs in pairwise(self.model.sizes)]
        ends = np.cumsum([rows * columns for rows, columns in shapes])
        return [each.reshape(shape) for each, shape in zip(np.split(numbers, ends[:-1]), shapes)]

    @property
    def step(self) -> int:
        return 0 if self._run is None else self._run.history.forgotten.steps + len(self._run.history.steps.cost)

    @property
    def seen(self) -> int:
        """The number of examples of this epoch that were part of an update."""
        history = self.run.history
        return sum(history.steps.examples) - len(history.cost) * len(self.run.X)

    @property
    def epoch(self) -> float:
        if self._run is None:
            return 0.0
        history = self._run.history
        return history.forgotten.epochs + len(history.cost) + self.seen / len(self._run.X)

    @property
    def left(self) -> int:
        """The number of examples left in the current mini-batch."""
        run = self.run
        return min(run.batch_size, len(run.X) - self.seen) - run.state().looked

    @property
    def past_size(self) -> int:
        """About how many bytes the states to go back to take."""
        return 40 * len(self.parameters) * len(self.past)

    @property
    def gradient(self) -> Array:
        """The gradient of the last step; 0 before the first."""
        return np.zeros(len(self.parameters)) if self._run is None else self._run.gradient

    @property
    def frames_per_measurement(self) -> int:
        """The number of frames of a running network for which the cost is measured once, so that frames stay short."""
        return 1 + (len(self.problem.training) + len(self.problem.held_out)) * len(self.parameters) // MEASURED

    def moment(self, measures: bool = True) -> dict[str, Any]:
        """The fields that the protocol calls MOMENT, except those of the session; costs and accuracies are None if it does not measure."""
        (cost, share), (test_cost, test_share) = (None, None), (None, None)
        if measures:
            with np.errstate(all="ignore"):
                (cost, share), (test_cost, test_share) = map(self.programs.measured, (self.problem.training, self.problem.held_out))
        steps = self._run.history.steps if self._run is not None else None
        penalty = self.programs.penalty()
        return {
            "step": self.step, "epoch": self.epoch, "cost": cost, "held_out_cost": test_cost,
            "penalty": penalty.data if isinstance(penalty, Value) else penalty, "accuracy": share, "held_out_accuracy": test_share,
            "rate": steps.learning_rate[-1] if steps and steps.cost else None,
            "gradient_norm": steps.gradient_norm[-1] if steps and steps.cost else None, "can_go_back": bool(self.past),
        }  # fmt: skip

    # Training

    def advance(self, steps: int, goes_on: Callable[[], bool] = lambda: True) -> Stopped | None:
        """Take up to `steps` steps, at least one, while `goes_on()`. Returns why the run stopped, if it diverged."""
        run, done, is_enough = self.run, 0, False
        self._remember()
        current = run.parameters

        def count(_: Any) -> bool:
            nonlocal done, is_enough, current
            done += 1
            self.before, current = current, run.parameters
            is_enough = done >= steps or not goes_on()
            return is_enough

        try:
            while not is_enough:
                run.epoch(count)
        except DivergenceError as error:
            return self._back_from(error, done)
        if len(run.history.steps.cost) > STEPS:
            run.forget(1)
        return None

    def _back_from(self, error: DivergenceError, done: int) -> Stopped:
        """Go back to the last finite state after `done` good steps and one that diverged; find the neuron at fault."""
        run, before = self.run, self.past[-1].state
        run.restore(before)
        good = None
        for number in range(done):
            good = run.state() if number == done - 1 else None  # the last state from which a step was finite
            run.step()
        undefined = first_undefined(self.model, run.X) if np.isfinite(run.parameters).all() else None
        if good is not None:
            run.restore(good)
        else:  # the parameters of this state diverge, and so do those of earlier states that are the same
            while self.past and (self.past[-1].state.parameters == before.parameters).all():
                self.past.pop()
            if self.past:
                self._go_back_to(self.past.pop())
        what = str(error).partition(". The model is as it was")[0]
        because = f": {undefined}" if undefined is not None else ""
        advice = "or another activation" if undefined is not None else "or gradient clipping"
        problem = f"{what}{because}. Back at step {self.step}, where all numbers were finite: try a smaller learning rate, {advice}"
        return Stopped(problem, undefined)

    def example(self) -> tuple[Example, Array] | Stopped:
        """Look at the next example of the mini-batch. Returns it with the parameters before the update that the last one makes."""
        self._remember()
        before = self.run.parameters
        try:
            example = self.run.example()
            self.before = self.before if example.step is None else before
            return example, before
        except DivergenceError as error:
            return self._back_from(error, 0)

    @contextmanager
    def temporarily(self, parameters: Array) -> Iterator[None]:
        """Give the network these parameters inside the block."""
        current = self.layout.gather()
        self.layout.assign(parameters)
        try:
            yield
        finally:
            self.layout.assign(current)

    # Changes, and going back

    def set(self, configuration: Configuration) -> None:
        """Continue with other settings. Raises what Training raises, with nothing changed."""
        old = self.configuration
        if self._run is None:
            self.start = configuration
            self._become(configuration)
            return
        self._remember()
        self.before = None
        state = self.past[-1].state
        if self._become(configuration):
            try:
                self._run = self._new_run()
            except ValueError:
                self.back()
                raise
            self.run.restore(state)
        self.run.set(
            rate=configuration.schedule_of_rates(), batch_size=configuration.batch_size, clip=configuration.clip,
            **({"optimizer": configuration.new_optimizer()} if configuration.optimizer != old.optimizer else {}),
        )  # fmt: skip
        self._note(Change(self.step, configuration))

    def _become(self, configuration: Configuration) -> bool:
        """Give the network and its programs another configuration. Returns whether they compute something else now."""
        old, self.configuration = self.configuration, configuration
        if all(getattr(old, name) == getattr(configuration, name) for name in COMPUTED):
            return False
        for layer, activation in zip(self.model.layers, configuration.functions()):
            for neuron in layer.neurons:
                neuron.activation = activation
        self.programs = Programs(self.model, self.problem, configuration)
        return True

    def set_parameter(self, index: int, number: float) -> None:
        """Set a parameter by hand. Several writes to one parameter at the same step, as from a slider, are one change."""
        change, last = Change(self.step, (index, number)), self.changes[-1] if self.changes else None
        is_again = bool(self.past) and last is not None and last.step == change.step and isinstance(last.to, tuple) and last.to[0] == index
        if self._run is not None and not is_again:
            self._remember()
        self.before = None
        self.parameters[index].data = number
        if self._run is not None:
            self._run.take_up()
        if is_again and self.changes:
            self.changes = (*self.changes[:-1], change)
        else:
            self._note(change)

    def _note(self, change: Change) -> None:
        if self.changes is not None:
            self.changes = (*self.changes, change) if len(self.changes) < CHANGES else None

    def _remember(self) -> None:
        """Keep the current state. If there are too many, drop one of the older half, where they are closest in steps."""
        self.past.append(Moment(self.step, self.run, self.run.state(), self.configuration, self.changes))
        if len(self.past) > self.most:
            del self.past[min(range(1, self.most // 2), key=lambda index: self.past[index + 1].step - self.past[index - 1].step)]

    def back(self, to: int | None = None) -> None:
        """Undo the last change, or all changes after a step. Raises RefusedError if there is none."""
        if not self.past:
            raise RefusedError("there is nothing to go back to: this is the first state, or the oldest one that is kept")
        moment = self.past.pop()
        while to is not None and self.past and moment.step > to:
            moment = self.past.pop()
        self._go_back_to(moment)

    def _go_back_to(self, moment: Moment) -> None:
        self._become(moment.configuration)
        self.before = None
        self._run, self.changes = moment.run, moment.changes
        self._run.restore(moment.state)
