"""Devices: where the arrays of a batch go, and how what each device has of a mean becomes the whole.

The examples are shared out in equal parts, and the parameters are on every device. So each device has the mean over its own part, and
the mean of those, one all-reduce, is the mean over all. The few examples that are left over where a batch does not divide by the number
of devices go to every one, and are weighted in behind the all-reduce: nothing is padded, and whatever is a mean over any batch, penalties
included, is right over this one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.experimental
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from autograd.vectorize.memory import FloatArray

BATCH_AXIS = "batch"
EVERYWHERE, BY_EXAMPLE, EACH_STEP_BY_EXAMPLE = PartitionSpec(), PartitionSpec(BATCH_AXIS), PartitionSpec(None, BATCH_AXIS)


def mesh(devices: Sequence[Any]) -> Mesh:
    """The devices in a row, along which a batch is shared out."""
    return Mesh(np.array(devices), (BATCH_AXIS,))


def shared(devices: int, batch: int) -> int:
    """How many examples of a batch are shared out; the others are left over."""
    return batch - batch % devices


def place(array: FloatArray, devices: Mesh, spec: PartitionSpec = EVERYWHERE) -> Any:
    """A copy of an array on the devices: whole on each, or as `spec` has it. Of several processes each puts its own part there."""
    return jax.make_array_from_callback(array.shape, NamedSharding(devices, spec), lambda index: array[index].copy())


def precision(dtype: np.dtype[Any]) -> contextlib.AbstractContextManager[Any]:
    """JAX with numbers of this dtype, within this block and thread only."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(dtype == np.float64)  # type: ignore[no-any-return]
    return jax.experimental.enable_x64(dtype == np.float64)  # type: ignore[no-any-return]  # before JAX 0.8


def on_each(f: Callable[..., Any], devices: Mesh, in_specs: Any, out_specs: Any) -> Callable[..., Any]:
    """The function as each device runs it, on its part of the arguments; one alone has all of them, and nobody to reduce with."""
    if devices.size == 1:
        return f
    return jax.shard_map(f, mesh=devices, in_specs=in_specs, out_specs=out_specs)  # type: ignore[no-any-return]
