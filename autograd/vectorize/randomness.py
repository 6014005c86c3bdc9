"""Watching random generators: a program is recorded once, and would keep for ever what was drawn then."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from autograd.ops import Node


def states(f: Callable[..., Any]) -> list[str]:
    """The states of the global random generators and of those within reach of `f`: a drawing changes one of them."""
    return [repr(random.getstate()), repr(np.random.get_state()), *map(_state, _generators(f))]


def _state(generator: Any) -> str:
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    return repr(generator.getstate() if isinstance(generator, random.Random) else generator.get_state())


def _generators(f: Callable[..., Any]) -> Iterator[Any]:
    """Generators in what `f` closes over, in the globals that it names, in attributes and in containers there, each once."""
    seen: set[int] = set()
    stack: list[Any] = [f]
    while stack:
        thing = stack.pop()
        if id(thing) in seen or isinstance(thing, (Node, ModuleType, type, np.ndarray, str, bytes, float, int)):
            continue
        seen.add(id(thing))
        if isinstance(thing, (np.random.Generator, np.random.RandomState, random.Random)):
            yield thing
        elif isinstance(thing, FunctionType):
            stack += map(_contents, thing.__closure__ or ())
            stack += [thing.__globals__[name] for name in thing.__code__.co_names if name in thing.__globals__]
            stack += [*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values()]
        elif isinstance(thing, MethodType):
            stack += [thing.__func__, thing.__self__]
        elif isinstance(thing, dict):
            stack += thing.values()
        elif isinstance(thing, (list, tuple, set, frozenset)):
            stack += thing
        elif hasattr(thing, "__dict__"):
            stack += [*vars(thing).values(), vars(type(thing)).get("__call__")]


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was assigned yet
        return None
