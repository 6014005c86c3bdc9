"""Descent: whole steps of training that never leave the devices: gather the examples, take the gradient, move the parameters.

The steps of a call are one loop of XLA's, over all devices of all processes, each of which makes the same call. What was sent stays
there: the data for as long as the caller's arrays live, the parameters and the optimizer's memory until others come than were given back.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from autograd.vectorize.backends.jax import devices
from autograd.vectorize.backends.jax.trace import JaxArray, answer, columns
from autograd.vectorize.program import FloatArray, Program

IntArray = np.ndarray[Any, Any]


def descent(program: Program, rule: Program, dtype: np.dtype[Any]) -> Descent:
    """Steps down the gradient of a mean, by an optimizer's rule for one parameter.

    `program` is that of the mean and its gradient. `rule` is that of `[parameter, *memory]` of a parameter, its gradient and its memory,
    with the vector (rate, step) for its parameters.
    """
    program.check()
    rule.check()
    return Descent(program, rule, dtype)


class State(NamedTuple):
    """What a loop of steps hands on from step to step."""

    theta: JaxArray
    memory: tuple[JaxArray, ...]
    gradient: JaxArray
    costs: JaxArray  # of each step
    norms: JaxArray
    taken: JaxArray  # how many steps
    is_finite: JaxArray  # the last step's cost and norm


class Steps(NamedTuple):
    """What steps there are to take. Of the rows, (steps, batch), each device has some of its own, and all have the others."""

    own: JaxArray
    others: JaxArray
    rates: JaxArray
    count: JaxArray
    first: JaxArray
    limit: JaxArray | None  # None where there is none
    still: JaxArray


class Descent:
    """Steps of one function and one optimizer, on all devices of all processes. One thread at a time takes them."""

    def __init__(self, program: Program, rule: Program, dtype: np.dtype[Any]) -> None:
        self.program, self.rule, self.dtype = program, rule, dtype
        self.devices = devices.mesh(jax.devices())
        self._data = _Copies(self._place)
        self._given: list[FloatArray] = []  # the parameters and memory that the caller was given last,
        self._kept: list[JaxArray] = []  # and on the devices
        everywhere = devices.EVERYWHERE
        specs = Steps(devices.EACH_STEP_BY_EXAMPLE, *[everywhere] * (len(Steps._fields) - 1))
        on_each = devices.on_each(self._loop, self.devices, (everywhere, everywhere, specs), everywhere)
        self._run = jax.jit(on_each, donate_argnums=0)

    def run(
        self,
        data: Sequence[FloatArray],
        rows: IntArray,
        theta: FloatArray,
        memory: Sequence[FloatArray],
        rates: FloatArray,
        first: int,
        limit: float,
        still: IntArray,
        gradient: FloatArray,
        costs: FloatArray,
        norms: FloatArray,
    ) -> int:
        """Take steps, and return how many were taken: less than there are only where a cost or a norm was not finite, as the last one
        taken shows; that one moves nothing.

        `data` are the arguments for all examples, which are taken to stay as they are; `rows` (steps, batch) are the examples of each
        step. `theta` and each of `memory` (parameters,) are changed in place. `rates` (steps,) are the learning rates, and `first` is
        the number of the first step, from 1, by which the rule goes. A gradient whose norm is above `limit` is shortened to it. `still`
        are parameters that stay as they are; their gradient is 0, and the norm is without them. `gradient` receives that of the last
        step, `costs` and `norms` (steps,) those of each.
        """
        held = [theta, *memory]
        with devices.precision(self.dtype):
            steps = self._steps(rows, len(data[0]), rates, first, limit, still)
            arrays = [self._data.of(each) for each in data]
            state = self._state(held)
            self._kept = []  # the loop takes their memory
            state = self._run(state, arrays, steps)
            found = [np.asarray(each) for each in (state.theta, *state.memory)]
            taken = int(state.taken)
            gradient[...] = state.gradient
            costs[:taken], norms[:taken] = np.asarray(state.costs)[:taken], np.asarray(state.norms)[:taken]
        for own, array in zip(held, found):
            own[...] = array
        self._given, self._kept = [each.copy() for each in held], [state.theta, *state.memory]
        return taken

    def _place(self, array: FloatArray) -> JaxArray:
        return devices.place(array, self.devices)

    def _state(self, held: Sequence[FloatArray]) -> list[JaxArray]:
        """The parameters and the memory on the devices; sent only where they are not what was given back last."""
        known = len(held) == len(self._kept) and all(_same_bits(*pair) for pair in zip(held, self._given))
        return self._kept if known else [self._place(each.astype(self.dtype)) for each in held]

    def _steps(self, rows: IntArray, examples: int, rates: FloatArray, first: int, limit: float, still: IntArray) -> Steps:
        """The steps on the devices, filled up to one of a few numbers of steps, so that few loops are compiled."""
        count, batch = rows.shape
        room = 1
        while room < count:
            room *= 4
        numbers = np.zeros((room, batch), np.int32 if examples < 2**31 else np.int64)
        numbers[:count] = rows
        filled = np.zeros(room, self.dtype)
        filled[:count] = rates
        shared = devices.shared(self.devices.size, batch)
        own = devices.place(numbers[:, :shared], self.devices, devices.EACH_STEP_BY_EXAMPLE)
        others, rates, *numbers = map(self._place, (numbers[:, shared:], filled, np.asarray(count), np.asarray(first)))
        bound = None if limit == math.inf else self._place(np.asarray(limit, self.dtype))
        return Steps(own, others, rates, *numbers, bound, self._place(still))

    def _loop(self, held: Sequence[JaxArray], data: Sequence[JaxArray], steps: Steps) -> State:
        theta, *memory = held
        none = jnp.zeros_like(steps.rates)
        start = State(theta, tuple(memory), jnp.zeros_like(theta), none, none, jnp.zeros_like(steps.count), jnp.asarray(True))
        return jax.lax.while_loop(  # type: ignore[no-any-return]
            lambda state: (state.taken < steps.count) & state.is_finite, lambda state: self._step(state, data, steps), start
        )

    def _step(self, state: State, data: Sequence[JaxArray], steps: Steps) -> State:
        theta, number = state.theta, state.taken
        cost, gradient = self._cost_and_gradient(theta, data, steps.own[number], steps.others[number])
        if steps.still.size:
            gradient = gradient.at[steps.still].set(0.0)
        norm = jnp.sqrt(gradient @ gradient)
        if steps.limit is not None:
            gradient = gradient * jnp.where(norm > steps.limit, steps.limit / norm, 1.0)
        is_finite = jnp.isfinite(cost + norm)
        settings = jnp.stack([steps.rates[number], (steps.first + number).astype(theta.dtype)])
        moved = columns(self.rule, [theta, gradient, *state.memory], settings)
        theta, *memory = [jnp.where(is_finite, new, old) for new, old in zip(moved, (theta, *state.memory))]
        if steps.still.size:  # weight decay moves them without a gradient
            theta = theta.at[steps.still].set(state.theta[steps.still])
        costs, norms = state.costs.at[number].set(cost), state.norms.at[number].set(norm)
        return State(theta, tuple(memory), gradient, costs, norms, number + 1, is_finite)

    def _cost_and_gradient(self, theta: JaxArray, data: Sequence[JaxArray], own: JaxArray, others: JaxArray) -> tuple[JaxArray, JaxArray]:
        """The mean over these examples, by the one all-reduce of a step: of the cost and the gradient in one vector."""
        shared, left = len(own) * self.devices.size, len(others)
        if not shared:
            mean = self._mean(theta, data, others)
        else:
            mean = jax.lax.pmean(self._mean(theta, data, own), devices.BATCH_AXIS)
            if left:
                mean = (shared * mean + left * self._mean(theta, data, others)) / (shared + left)
        return mean[0], mean[1:]

    def _mean(self, theta: JaxArray, data: Sequence[JaxArray], rows: JaxArray) -> JaxArray:
        return answer(self.program, theta, [each.at[rows].get(mode="promise_in_bounds") for each in data])


class _Copies:
    """Arrays on the devices, each for as long as the caller's own lives."""

    def __init__(self, place: Callable[[FloatArray], JaxArray]) -> None:
        self._copy = place
        self._known: dict[int, tuple[weakref.ref[FloatArray], JaxArray]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, array: FloatArray) -> JaxArray:
        key, known = id(array), self._known
        if key not in known:
            known[key] = weakref.ref(array, lambda _: known.pop(key)), self._copy(array)
        return known[key][1]


def _same_bits(one: FloatArray, other: FloatArray) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and np.array_equal(one.view(np.uint8), other.view(np.uint8))
