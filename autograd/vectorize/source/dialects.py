"""Dialects: array namespaces in the manner of numpy, and what each spells in its own way."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from autograd import ops

_BUILTINS = ("float", "len", "slice")  # that sources use
_MATH = "import math\n\n"
_SPECIAL = [name for name, op in ops.TABLE.items() if op.is_special]


class Helper(NamedTuple):
    """A function that source calls and defines: its text above and below the import of the namespace."""

    name: str
    below: str
    above: str = ""


class Dialect(NamedTuple):
    """An array namespace in the manner of numpy: its name in the source, and its own spellings."""

    name: str
    imports: str
    helpers: tuple[Helper, ...]
    columns: str  # a list of columns as an index
    placed: str  # zeros with a part in some columns
    added: str  # zeros with rows added
    logsumexp: str  # along an axis

    @property
    def reserved(self) -> tuple[str, ...]:
        """Names that have a meaning in all source."""
        modules = [each.above.split()[-1] for each in self.helpers if each.above]
        return (self.name, *modules, *(each.name for each in self.helpers), *_BUILTINS, "batch", "theta", "weights")

    def free(self, name: str, taken: Collection[str] = ("parameters",)) -> str:
        """A name without another meaning in the source: the given name, with underscores appended if necessary."""
        while name in self.reserved or name in taken:
            name += "_"
        return name


NUMPY = Dialect(
    name="np",
    imports="import numpy as np",
    helpers=(
        Helper(
            "placed",
            '''

def placed(columns, part, shape):
    """Zeros, with `part` in these columns."""
    whole = np.zeros(shape)
    whole[..., columns] = part
    return whole
''',
        ),
        Helper(
            "added",
            '''

def added(rows, part, shape):
    """Zeros, with each row of `part` added into the row of that number."""
    whole = np.zeros(shape)
    np.add.at(whole, rows, part)
    return whole
''',
        ),
        *(Helper(name, f"\n\n{name} = np.vectorize(math.{name}, otypes=[float])\n", above=_MATH) for name in _SPECIAL),
    ),
    columns="{}",
    placed="placed({columns}, {part}, {shape})",
    added="added({index}, {part}, {shape})",
    logsumexp="np.logaddexp.reduce",
)

JAX_NUMPY = Dialect(
    name="jnp",
    imports="import jax.numpy as jnp  # float32, but for those who set JAX_ENABLE_X64",
    helpers=(
        Helper("logsumexp", "from jax.nn import logsumexp\n"),
        *(Helper(name, f"from jax.scipy.special import {name}\n") for name in _SPECIAL),
    ),
    columns="jnp.array({})",
    placed="jnp.zeros({shape}).at[..., {columns}].set({part})",
    added="jnp.zeros({shape}).at[{index}].add({part})",
    logsumexp="logsumexp",
)
