"""Devices: how a batch is distributed, and how the means of the devices are combined.

The examples are distributed in equal parts, and the parameters are on every device. Each device computes the mean over its part, and the
mean of these means, one all-reduce, is the mean over all parts. The remainder of a batch that the number of devices does not divide goes
to every device and is added, with its weight, after the all-reduce. Nothing is padded, so penalties are right too.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.experimental
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from autograd.vectorize.memory import LARGE, LINE, FloatArray

BATCH_AXIS = "batch"
EVERYWHERE, BY_EXAMPLE, EACH_STEP_BY_EXAMPLE = PartitionSpec(), PartitionSpec(BATCH_AXIS), PartitionSpec(None, BATCH_AXIS)


def mesh(devices: Sequence[Any]) -> Mesh:
    """The devices in a row, over which a batch is distributed."""
    return Mesh(np.array(devices), (BATCH_AXIS,))


def shared(devices: int, batch: int) -> int:
    """The number of examples that are distributed; the others are the remainder."""
    return batch - batch % devices


def share_memory(devices: Mesh) -> bool:
    """Whether XLA reads arrays of the caller's where they are, without a copy: on one processor."""
    return devices.size == 1 and devices.devices.flat[0].platform == "cpu"  # type: ignore[no-any-return]


def place(array: FloatArray, devices: Mesh, spec: PartitionSpec = EVERYWHERE) -> Any:
    """Copy an array to the devices: whole to each, or as in `spec`. Each process copies its own part."""
    return jax.make_array_from_callback(array.shape, NamedSharding(devices, spec), lambda index: array[index].copy())


class Lines(NamedTuple):
    """The cache lines that an array lies in, as a vector of numbers, and the place of the array's first number in it."""

    numbers: Any
    first: Any


def place_to_gather(array: FloatArray, devices: Mesh) -> Any:
    """Copy an array whole to each device, or give XLA the memory of a large one, from which it gathers the same numbers as the caller.

    XLA takes memory without a copy only from the beginning of a cache line, where arrays of NumPy seldom begin. It reads no number
    outside of the array. Its indices have 32 bits.
    """
    start, fits = array.ctypes.data % LINE, array.nbytes > LARGE and array.size < 2**31 - LINE and array.flags.aligned
    if not (share_memory(devices) and fits):
        return place(array, devices)
    size = -(-(start + array.nbytes) // LINE) * LINE
    memory = np.frombuffer(memoryview((ctypes.c_char * size).from_address(array.ctypes.data - start)), array.dtype)
    everywhere = NamedSharding(devices, EVERYWHERE)
    return Lines(*jax.device_put((memory, np.int32(start // array.itemsize)), everywhere))


def gathered(array: Any, rows: Any, width: int) -> Any:
    """Rows of an array that `place_to_gather` has placed; a row has `width` numbers."""
    if not isinstance(array, Lines):
        return array.at[rows].get(mode="promise_in_bounds")
    starts = array.first + rows[:, None] * width
    numbers = jax.lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(), start_index_map=(0,))
    return jax.lax.gather(array.numbers, starts, numbers, (width,), mode="promise_in_bounds")


def precision(dtype: np.dtype[Any]) -> contextlib.AbstractContextManager[Any]:
    """Use numbers of this dtype in JAX within a block, in this thread only."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(dtype == np.float64)  # type: ignore[no-any-return]
    return jax.experimental.enable_x64(dtype == np.float64)  # type: ignore[no-any-return]  # before JAX 0.8


def on_each(f: Callable[..., Any], devices: Mesh, in_specs: Any, out_specs: Any) -> Callable[..., Any]:
    """The function as each device runs it, on its part of the arguments. A single device gets all of them and does not reduce."""
    if devices.size == 1:
        return f
    return jax.shard_map(f, mesh=devices, in_specs=in_specs, out_specs=out_specs)  # type: ignore[no-any-return]
