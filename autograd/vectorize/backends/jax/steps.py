"""Steps: whole steps on the devices: gather the examples, compute the gradient, update the parameters.

The steps of a call are one XLA loop over all devices of all processes, and each process makes the same call. A single step on all
examples has no loop: its numbers may differ in the last bits from those of many steps in a call.

Copies stay on the devices: the data as long as the arrays of the descent live, and the parameters and their memory until the caller
changes them. On a processor XLA reads the caller's vectors, and large arrays of data, where they are.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from autograd.vectorize.backend import StepRunner, Steps
from autograd.vectorize.backends.jax import devices
from autograd.vectorize.backends.jax.trace import Cuts, JaxArray, Pieces, answer, cost_and_gradient, some, squares
from autograd.vectorize.instructions import Input
from autograd.vectorize.memory import FloatArray
from autograd.vectorize.program import Program

MOST, ROWS = 1024, 32_768  # the smallest number of steps that a loop is compiled for, and the row indices that are sent in negligible time


class State(NamedTuple):
    """The state between steps, with vectors of parameters in pieces. After the last step the vectors are whole."""

    vectors: Any  # the parameters and their memory
    gradient: Any  # of the step, after the limit; None if the caller does not read it
    measured: JaxArray  # (2, steps): the cost and the norm of each step
    taken: Any  # how many steps; None after a single one
    is_finite: JaxArray | None  # the last one's cost and norm; None after the last step


class Asked(NamedTuple):
    """The steps to take, with room for more; one step is compiled without a loop."""

    rows: Any  # for each step the examples of this device and those of all devices; None for all examples
    settings: JaxArray
    count: Any  # None for one step
    limit: JaxArray | None
    frozen: JaxArray | None
    gradient: tuple[()] | None  # () if the gradient is read: JAX compiles another function for None


class JaxSteps(StepRunner):
    """Steps of one function by one rule, on all devices of all processes. Other threads wait while one takes them."""

    def __init__(self, program: Program, rule: Program, dtype: np.dtype[Any]) -> None:
        self.program, self.rule, self.dtype = program, rule, dtype
        self.devices = devices.mesh(jax.devices())
        self._whole, self._parts = _Copies(self._place_to_gather), _Copies(self._place_in_parts)
        inputs = [program.instructions[each] for each in program.find(Input)]
        self._widths = {each.argument: math.prod(each.shape[1:]) for each in inputs if isinstance(each, Input)}
        self._turn = threading.Lock()
        self._given: list[FloatArray] = []  # the parameters and their memory as the caller got them last,
        self._kept: list[JaxArray] = []  # and on the devices
        everywhere, by_example = devices.EVERYWHERE, devices.BY_EXAMPLE
        self._in_place = devices.share_memory(self.devices)
        self._with_rows = self._compiled(everywhere, (devices.EACH_STEP_BY_EXAMPLE, everywhere))
        self._with_all = self._compiled((by_example, everywhere), everywhere)

    def run(self, steps: Steps) -> int:
        if not len(steps.settings):
            return 0
        held = [steps.theta, *steps.memory]
        with self._turn, devices.precision(self.dtype):
            vectors, asked = self._state(held), self._asked(steps)
            self._kept = []  # the loop takes their memory
            if steps.rows is None:
                own, others = zip(*map(self._parts.of, steps.data))
                end = self._with_all(vectors, (own, others), asked)
            else:
                end = self._with_rows(vectors, [self._whole.of(each) for each in steps.data], asked)
            measured, taken = np.asarray(end.measured), 1 if end.taken is None else int(end.taken)
            steps.costs[:taken], steps.norms[:taken] = measured[:, :taken]
            found = [np.asarray(each) for each in end.vectors]
            for vector, new in zip(held, found):
                vector[...] = new
            if end.gradient is not None:
                steps.gradient[...] = end.gradient
            if not self._in_place:
                self._given, self._kept = found, end.vectors
        return taken

    def _compiled(self, data: Any, rows: Any) -> Callable[..., State]:
        everywhere = devices.EVERYWHERE
        specs = (everywhere, data, Asked(rows, *[everywhere] * 5))
        whole = devices.on_each(self._loop, self.devices, specs, everywhere)
        return jax.jit(whole, donate_argnums=() if self._in_place else 0)  # type: ignore[no-any-return]

    # Transfers

    def _send(self, array: FloatArray, spec: PartitionSpec = devices.EVERYWHERE) -> Any:
        """An array for one call. With one device it is sent with the call, in a tenth of the time."""
        return array if self.devices.size == 1 else devices.place(array, self.devices, spec)

    def _place(self, array: FloatArray) -> JaxArray:
        return devices.place(array, self.devices)

    def _place_to_gather(self, array: FloatArray) -> Any:
        return devices.place_to_gather(array, self.devices)

    def _place_in_parts(self, array: FloatArray) -> tuple[JaxArray, JaxArray]:
        shared = devices.shared(self.devices.size, len(array))
        return devices.place(array[:shared], self.devices, devices.BY_EXAMPLE), self._place(array[shared:])

    def _state(self, held: Sequence[FloatArray]) -> list[JaxArray]:
        """The parameters and their memory on the devices. They are sent only if the caller has changed them."""
        if self._in_place:
            return list(held)
        known = len(held) == len(self._kept) and all(map(_same_bits, held, self._given))
        return self._kept if known else [self._place(each) for each in held]

    def _asked(self, steps: Steps) -> Asked:
        """The steps on the devices, padded to one of a few numbers of steps, so that few loops are compiled."""
        batch, count = 1 if steps.rows is None else steps.rows.shape[1], len(steps.settings)
        room = 1 if count == 1 and steps.rows is None else max(2, min(MOST, ROWS // batch))
        while room < count:
            room *= 4
        rows = None
        if steps.rows is not None:
            shared = devices.shared(self.devices.size, batch)
            numbers = _filled(steps.rows.astype(np.int32 if len(steps.data[0]) < 2**31 else np.int64), room)
            rows = self._send(numbers[:, :shared], devices.EACH_STEP_BY_EXAMPLE), self._send(numbers[:, shared:])
        limit = None if steps.limit == math.inf else self._send(np.asarray(steps.limit, self.dtype))
        last, frozen = None if room == 1 else self._send(np.asarray(count)), self._send(steps.frozen) if len(steps.frozen) else None
        settings, gradient = self._send(_filled(steps.settings, room)), () if steps.is_gradient_read else None
        return Asked(rows, settings, last, limit, frozen, gradient)

    # On the devices

    def _loop(self, held: Sequence[JaxArray], data: Any, asked: Asked) -> State:
        is_one = self.devices.size > 1 or asked.frozen is not None  # reductions and indices need the whole vector
        cuts = Cuts.none(len(held[0])) if is_one else Cuts.of(self.program)
        vectors = tuple([Pieces.of(each, cuts).parts for each in held])
        measured = jnp.zeros((2, len(asked.settings)), held[0].dtype)
        none = None if asked.gradient is None else Pieces.of(jnp.zeros_like(held[0]), cuts).parts
        start = State(vectors, none, measured, jnp.zeros((), np.int32), jnp.asarray(True))
        step = partial(self._step, cuts, data, asked)
        if asked.count is None:
            end = step(start)
        else:
            end = jax.lax.while_loop(lambda state: (state.taken < asked.count) & state.is_finite, step, start)
        gradient = None if end.gradient is None else Pieces(end.gradient, cuts).whole
        whole = [Pieces(each, cuts).whole for each in end.vectors]
        return State(whole, gradient, end.measured, None if asked.count is None else end.taken, None)

    def _step(self, cuts: Cuts, data: Any, asked: Asked, state: State) -> State:
        number, (theta, *memory) = state.taken, state.vectors
        cost, gradient, squared = self._cost_and_gradient(Pieces(theta, cuts), *self._batches(data, asked.rows, number))
        if asked.frozen is not None:
            gradient = Pieces.of(gradient.whole.at[asked.frozen].set(0.0), cuts)
            squared = squares(gradient)
        norm = jnp.sqrt(squared)
        if asked.limit is not None:
            shorter = jnp.where(norm > asked.limit, asked.limit / norm, 1.0)
            gradient = Pieces(tuple([each * shorter for each in gradient.parts]), cuts)
        moved = [self._moved(each, asked.settings[number]) for each in zip(theta, gradient.parts, *memory)]
        new, *memory = zip(*moved)
        if asked.frozen is not None:  # weight decay would change them without a gradient
            new = (new[0].at[asked.frozen].set(theta[0][asked.frozen]),)
        measured = state.measured.at[:, number].set(jnp.stack([cost, norm]))
        kept = None if asked.gradient is None else gradient.parts
        return State((new, *memory), kept, measured, number + 1, jnp.isfinite(cost + norm))

    def _moved(self, vectors: Sequence[JaxArray], settings: JaxArray) -> list[JaxArray]:
        """The new piece of the parameters and of each memory vector."""
        if vectors[0].ndim > 1:
            return jax.vmap(lambda *rows: self._moved(rows, settings))(*vectors)  # type: ignore[no-any-return]
        return [each.reshape(-1) for each in some(self.rule, self.rule.result_vectors(), vectors, settings)]

    def _batches(self, data: Any, rows: Any, step: JaxArray) -> tuple[Sequence[JaxArray], Sequence[JaxArray]]:
        """The examples of a step that only this device has, and those that all devices have."""
        if rows is None:
            own, others = data
            return own, others
        widths = [self._widths.get(argument, 1) for argument in range(len(data))]  # the program does not read the others
        own, others = ([devices.gathered(each, chosen[step], width) for each, width in zip(data, widths)] for chosen in rows)
        return own, others

    def _cost_and_gradient(self, theta: Pieces, own: Sequence[JaxArray], others: Sequence[JaxArray]) -> tuple[JaxArray, Pieces, JaxArray]:
        """The mean over all examples. Several devices need one all-reduce in a step, for cost and gradient in one vector."""
        if self.devices.size == 1:
            return cost_and_gradient(self.program, theta, own)
        shared, left = len(own[0]) * self.devices.size, len(others[0])
        if not shared:
            mean = answer(self.program, theta.whole, others)
        else:
            mean = jax.lax.pmean(answer(self.program, theta.whole, own), devices.BATCH_AXIS)
            if left:
                mean = (shared * mean + left * answer(self.program, theta.whole, others)) / (shared + left)
        gradient = Pieces.of(mean[1:], theta.cuts)
        return mean[0], gradient, squares(gradient)


class _Copies:
    """Copies of arrays on the devices, kept as long as the array exists."""

    def __init__(self, place: Callable[[FloatArray], Any]) -> None:
        self._copy = place
        self._known: dict[int, tuple[weakref.ref[FloatArray], Any]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, array: FloatArray) -> Any:
        key, known = id(array), self._known
        if key not in known:
            known[key] = weakref.ref(array, lambda _: known.pop(key, None)), self._copy(array)
        return known[key][1]


def _filled(array: FloatArray, length: int) -> FloatArray:
    """The array, padded with zeros to this length."""
    filled = np.zeros((length, *array.shape[1:]), array.dtype)
    filled[: len(array)] = array
    return filled


def _same_bits(one: FloatArray, other: FloatArray) -> bool:
    bits = f"u{one.itemsize}"
    return np.array_equal(one.view(bits), other.view(bits))
