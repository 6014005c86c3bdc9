"""An experiment: a network that learns a problem, step by step and back, and what is measured of it on the way."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd import ParameterLayout, UndefinedError, Value, total, vectorize
from nn import MLP, DivergenceError, Training, binary_cross_entropy, cross_entropy, hinge, l2_penalty, squared_error
from nn.classification import accuracy
from nn.data import Array
from nn.explain import Undefined, first_undefined
from nn.training import Example, State
from playground import problem as problems
from playground.configuration import COMPUTED, PARAMETERS, Configuration
from playground.messages import RefusedError

Map = npt.NDArray[np.float32]
REMEMBERED, BYTES = 200, 2**25  # how many moments can be gone back to, and how much memory they may take
STEPS = 5000  # as many are held before all but the last epoch's are forgotten
CHANGES = 2000  # as many are noted, for the script


class Change(NamedTuple):
    """What was done to a run at a step, for the script that does it again."""

    step: int
    to: Configuration | tuple[int, float]  # other settings; or a parameter's place and its number


@dataclass(frozen=True)
class Stopped:
    """Why a run has paused of its own accord, and where it is now."""

    problem: str
    undefined: Undefined | None


@dataclass(frozen=True, eq=False)
class Moment:
    """All that an experiment goes back to."""

    run: Training
    state: State
    configuration: Configuration
    changes: tuple[Change, ...] | None


class Experiment:
    """A configuration at work. Without examples, as before any were painted, there is a network and no run."""

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
        self._run = self._begun()
        self._prepare()
        self.past: deque[Moment] = deque(maxlen=max(2, min(REMEMBERED, BYTES // (40 * count))))
        self.changes: tuple[Change, ...] | None = ()

    def _begun(self) -> Training | None:
        """A run with the configuration of now, from the network's parameters as they are."""
        training, configuration = self.problem.training, self.configuration
        if not len(training):
            return None
        try:
            return Training(
                self.model, training.X, self.targets(training), cost=self.whole_cost, optimizer=configuration.new_optimizer(),
                batch_size=configuration.batch_size, seed=configuration.seed, clip=configuration.clip, measure_accuracy=False,
            )  # fmt: skip
        except UndefinedError as error:
            undefined = first_undefined(self.model, training.X)
            raise RefusedError(f"{undefined or error}: choose one that has a value everywhere", "activations") from None

    def _prepare(self) -> None:
        """The programs that measure and draw."""
        model, cost = self.model, self.cost_function
        self.measure = vectorize(lambda x, y: [cost(outputs := model(x), y), *outputs], check=False)
        self.boundary = vectorize(model, dtype=np.float32)
        self.maps = vectorize(lambda x: [a for layer in model.trace(x).a for a in layer], dtype=np.float32)
        self._cells: dict[int, Map] = {}

    # The cost

    @property
    def cost_function(self) -> Callable[[Any, Any], Any]:
        """An example's cost, penalties left out."""
        name = self.configuration.cost
        if name == "cross_entropy":
            return binary_cross_entropy if self.problem.outputs == 1 else cross_entropy
        return squared_error if name == "squared_error" else hinge

    def weights(self) -> list[Value]:
        return [weight for layer in self.model.layers for neuron in layer.neurons for weight in neuron.weights]

    def penalty(self) -> Any:
        """What L1 and L2 add to each example's cost."""
        l1, l2 = self.configuration.l1, self.configuration.l2
        return (l1 * total(abs(weight) for weight in self.weights()) if l1 else 0.0) + (l2 * l2_penalty(self.weights()) if l2 else 0.0)

    def penalty_slope(self, weight: float) -> float:
        """The derivative of the penalty by a weight."""
        return self.configuration.l1 * ((weight > 0) - (weight < 0)) + self.configuration.l2 * 2 * weight

    def whole_cost(self, outputs: list[Any], target: Any) -> Any:
        cost = self.cost_function(outputs, target)
        return cost + self.penalty() if self.configuration.l1 or self.configuration.l2 else cost

    def targets(self, part: problems.Part) -> npt.NDArray[Any]:
        return self.problem.targets(part.y, self.configuration.cost)

    # Where it is

    @property
    def run(self) -> Training:
        if self._run is None:
            raise RefusedError("there are no examples to learn from yet: paint some into the plane")
        return self._run

    def require_examples(self) -> None:
        """Raise RefusedError where there are none to learn from."""
        _ = self.run

    def part(self, of: str) -> problems.Part:
        return self.problem.held_out if of == "held_out" else self.problem.training

    def place_of(self, layer: int, neuron: int, index: int | None) -> int:
        """Where a weight, or for None a bias, stands among the parameters."""
        sizes = self.model.sizes
        before = sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes[: layer + 1]))
        return before + neuron * (sizes[layer] + 1) + (sizes[layer] if index is None else index)

    @property
    def step(self) -> int:
        return 0 if self._run is None else self._run.history.forgotten.steps + len(self._run.history.steps.cost)

    @property
    def seen(self) -> int:
        """How many examples of this epoch have had their update."""
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
        """How many examples of the next mini-batch have not been looked at."""
        run = self.run
        return min(run.batch_size, len(run.X) - self.seen) - run.state().looked

    @property
    def gradient(self) -> Array:
        """The gradient that the last step went by; 0 before the first."""
        return np.zeros(len(self.parameters)) if self._run is None else self._run.gradient

    def measured(self, part: problems.Part) -> tuple[float | None, float | None]:
        """The mean cost and the accuracy over a part of the examples; None where it has none."""
        if not len(part):
            return None, None
        targets = self.targets(part)
        results = np.concatenate(
            [self.measure(part.X[start : start + 1000], targets[start : start + 1000]) for start in range(0, len(part), 1000)]
        )
        answers = part.y if self.problem.outputs > 1 else 2 * part.y - 1  # so that 0 is what parts the classes
        return float(results[:, 0].mean()), accuracy(results[:, 1:], answers)

    def moment(self) -> dict[str, Any]:
        """The numbers that the protocol calls MOMENT, but for those of the session."""
        with np.errstate(all="ignore"):
            (cost, share), (held_out_cost, held_out_share) = map(self.measured, (self.problem.training, self.problem.held_out))
        steps = self._run.history.steps if self._run is not None else None
        penalty = self.penalty()
        return {
            "step": self.step, "epoch": self.epoch, "cost": cost, "held_out_cost": held_out_cost,
            "penalty": penalty.data if isinstance(penalty, Value) else penalty, "accuracy": share, "held_out_accuracy": held_out_share,
            "rate": steps.learning_rate[-1] if steps and steps.cost else None,
            "gradient_norm": steps.gradient_norm[-1] if steps and steps.cost else None, "can_go_back": bool(self.past),
        }  # fmt: skip

    def drawn(self, program: Any, side: int) -> Map:
        """What a program gives over the plane: float32 (numbers, side, side). Raises RefusedError where there is no plane."""
        if self.problem.plane is None:
            raise RefusedError("these data have no plane to draw in")
        if side not in self._cells:
            if len(self._cells) > 3:
                self._cells.clear()
            points = self.problem.inputs_at(self.problem.plane.cells(side))
            self._cells[side] = points.astype(np.float32)
        with np.errstate(all="ignore"):
            found: Map = program(self._cells[side])
        return np.ascontiguousarray(found.T).reshape(-1, side, side)

    # Moving on

    def advance(self, steps: int, goes_on: Callable[[], bool] = lambda: True) -> Stopped | None:
        """Up to so many steps, at least one, for as long as it `goes_on`; why it has stopped, if the numbers ran away."""
        run = self.run
        self._remember()
        done = 0
        try:
            while done < steps:
                run.step()
                done += 1
                if done < steps and not goes_on():
                    break
        except DivergenceError as error:
            return self._back_from(error, done)
        if len(run.history.steps.cost) > STEPS:
            run.forget(1)
        return None

    def to_the_end_of_the_epoch(self) -> Stopped | None:
        return self.advance(self.run.steps_left)

    def _back_from(self, error: DivergenceError, done: int) -> Stopped:
        """After so many steps the next one diverged: find out which neuron was at fault, and be where all was last finite."""
        run, before = self.run, self.past[-1].state
        run.restore(before)
        good = None
        for number in range(done):
            good = run.state() if number == done - 1 else None  # the last from where a step was finite
            run.step()
        undefined = first_undefined(self.model, run.X) if np.isfinite(run.parameters).all() else None
        if good is not None:
            run.restore(good)
        else:  # the numbers of this very moment, which earlier ones may share, are those that ran away
            while self.past and (self.past[-1].state.parameters == before.parameters).all():
                self.past.pop()
            if self.past:
                self._go_back_to(self.past.pop())
        what = str(error).partition(". The model is as it was")[0]
        because = f": {undefined}" if undefined is not None else ""
        advice = "or another activation" if undefined is not None else "or limit the gradient (clip)"
        told = f"{what}{because}. Back at step {self.step}, where all numbers were finite: try a smaller learning rate, {advice}"
        return Stopped(told, undefined)

    def example(self) -> tuple[Example, Array] | Stopped:
        """Look at the next example of the mini-batch; and the parameters before the update that its last one makes."""
        self._remember()
        before = self.run.parameters
        try:
            return self.run.example(), before
        except DivergenceError as error:
            return self._back_from(error, 0)

    @contextmanager
    def as_it_was(self, parameters: Array) -> Iterator[None]:
        """The network has these parameters inside, and afterwards those that it has now."""
        now = self.layout.gather()
        self.layout.assign(parameters)
        try:
            yield
        finally:
            self.layout.assign(now)

    # Changing its course, and going back

    def set(self, configuration: Configuration) -> None:
        """Go on with other settings. Raises what a Training does, with nothing changed."""
        old = self.configuration
        if self._run is None:
            self.start = configuration
            self._become(configuration)
            return
        self._remember()
        state = self.past[-1].state
        if self._become(configuration):
            try:
                self._run = self._begun()
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
        """Have the network and the programs compute what a configuration says; is that something else than before?"""
        old, self.configuration = self.configuration, configuration
        if all(getattr(old, name) == getattr(configuration, name) for name in COMPUTED):
            return False
        for layer, activation in zip(self.model.layers, configuration.functions()):
            for neuron in layer.neurons:
                neuron.activation = activation
        self._prepare()
        return True

    def set_parameter(self, place: int, number: float) -> None:
        """Write a number to a parameter by hand. Writes to one parameter at one step, as a slider makes them, are one change."""
        change, last = Change(self.step, (place, number)), self.changes[-1] if self.changes else None
        is_again = bool(self.past) and last is not None and last.step == change.step and isinstance(last.to, tuple) and last.to[0] == place
        if self._run is not None and not is_again:
            self._remember()
        self.parameters[place].data = number
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
        self.past.append(Moment(self.run, self.run.state(), self.configuration, self.changes))

    def saved(self) -> bytes:
        """The file that `MLP.save` writes."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.npz"
            self.model.save(path)
            return path.read_bytes()

    def back(self) -> None:
        """Be as before the last change. Raises RefusedError where nothing came before."""
        if not self.past:
            raise RefusedError("there is nothing to go back to: this is the beginning, or as far as is remembered")
        self._go_back_to(self.past.pop())

    def _go_back_to(self, moment: Moment) -> None:
        self._become(moment.configuration)
        self._run, self.changes = moment.run, moment.changes
        self._run.restore(moment.state)


def source(experiment: Experiment) -> str:
    """The numpy program of the mean cost and its gradient."""
    run = experiment.run

    def cost(x: Any, y: Any) -> Any:
        return experiment.whole_cost(experiment.model(x), y)

    return vectorize(cost, check=False).record(run.X[:1], run.Y[:1]).source
