"""The back ends, one module or package each, chosen by name: `named("numpy")`.

`reference` defines what is right, `numpy` is fast, `native` compiles C, and `jax` runs on other devices and on several of them.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from autograd.vectorize.backend import Backend


@functools.cache
def names() -> tuple[str, ...]:
    """Return the names of the back ends."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def named(name: str) -> Backend:
    """Return the back end of this name.

    Raises ValueError for an unknown name, and ImportError if the back end needs a package that is not installed.
    """
    if name not in names():
        raise ValueError(f"backend={name!r:.60} must be one of {', '.join(map(repr, names()))}")
    backend: Backend = importlib.import_module(f"{__name__}.{name}").backend
    return backend
