"""Randomness: find random numbers and clocks in a function that is recorded, because its program would repeat one draw.

Python reports the calls of C functions: each source of entropy and each clock ends in one, such as `os.urandom`, under any name.
Random generators are searched in the objects that the running code refers to: their states must not change.
"""

from __future__ import annotations

import datetime
import functools
import os
import random
import sys
import sysconfig
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, CellType, CodeType, FrameType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from autograd.errors import TraceError
from autograd.modes import LIBRARY
from autograd.ops import Node

CHANGES = "the program would keep the numbers of one recording. Pass them as an argument, new for each batch; nn.train does so with noise="

_ENTROPY = {getattr(module, name, None) for module, name in ((os, "urandom"), (os, "getrandom"), (uuid, "_generate_time_safe"))}
_CLOCKS = {datetime.datetime.now, datetime.datetime.utcnow, datetime.datetime.today, datetime.date.today} | {
    getattr(time, f"{clock}{unit}", None)
    for clock in ("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime")
    for unit in ("", "_ns")
}
_SOURCES = _ENTROPY | _CLOCKS
_STANDARD = sysconfig.get_path("stdlib") + os.sep, "<frozen "
_PUBLIC = {"posix": "os", "nt": "os", "_uuid": "uuid"}
_SEED = random.Random.seed.__code__


def watched(f: Callable[..., Any], closely: bool, *arguments: Any, **named: Any) -> Any:
    """Call a function. Raises TraceError if it draws random numbers or, with `closely`, reads entropy or a clock.

    The error names the source and the line. Imports inside the call are not watched, nor clocks that the standard library and
    installed packages read, as logging does. Before Python 3.12, only generators are found while another profiler is active.
    """
    watch = _Watch()
    result = watch.call(again := partial(f, *arguments, **named), f, closely)
    if watch.found:
        raise TraceError(f"the function {watch.found}: {CHANGES}")
    for generator, state in watch.states.values():
        if _state(generator) != state:
            line = _line_of_change(again, generator)
            raise TraceError(f"the function draws random numbers from {_name(generator)}{line}: {CHANGES}")
    return result


class _Watch:
    """One call of a function: the first source of entropy that it reads, and the generators in its code with their first states."""

    def __init__(self) -> None:
        self.found = ""
        self.states = {id(each): (each, _state(each)) for each in _GLOBAL}
        self._known: dict[int, Any] = {}  # holds what was looked at, so that no other thing gets its id

    def call(self, f: Callable[[], Any], watched: Any, closely: bool) -> Any:
        self._look([watched])
        return _observed(f, self._begin, self._read) if closely else f()

    def _read(self, frame: FrameType, source: Any) -> None:
        """Note that code reads a source of entropy or, unless a library does it, a clock."""
        if source in _ENTROPY:
            self._find(frame, f"draws random numbers with {_called(source)}")
        elif not _is_in_library(frame.f_code.co_filename):
            self._find(frame, f"reads the clock with {_called(source)}")

    def _begin(self, frame: FrameType) -> None:
        """Search code that is called for the first time."""
        if frame.f_code is not _SEED:
            self._look(_named(frame.f_code, frame.f_globals))
        elif frame.f_locals["a"] is None:
            self._find(frame, "draws random numbers from a new random.Random() without a seed")

    def _find(self, frame: FrameType, what: str) -> None:
        is_import = any(each.f_code.co_filename.startswith("<frozen importlib") for each in _outwards(frame))
        if not self.found and not is_import:
            line = next((f", at {each.f_code.co_filename}:{each.f_lineno}" for each in _outwards(frame) if _is_users(each)), "")
            self.found = f"{what}{line}"

    def _look(self, things: Iterable[Any]) -> None:
        for generator in _generators(things, self._known):
            self.states[id(generator)] = generator, _state(generator)


# Calls

_MONITORING: Any = getattr(sys, "monitoring", None)  # from Python 3.12
_TOOL = 4  # no debugger, profiler or coverage tool has this number
_Begin = Callable[[FrameType], None]
_Read = Callable[[FrameType, Any], None]


def _observed(f: Callable[[], Any], begin: _Begin, read: _Read) -> Any:
    """Call `f`. `begin` gets the frame where code is called for the first time, and _SEED each time; `read` where a source is called."""
    try:
        _MONITORING.use_tool_id(_TOOL, __name__)
    except (AttributeError, ValueError):  # there is no monitoring, or another thread records too
        return f() if sys.getprofile() else _profiled(f, begin, read)
    try:
        return _monitored(f, begin, read)
    finally:
        _MONITORING.set_events(_TOOL, 0)
        _MONITORING.free_tool_id(_TOOL)


def _monitored(f: Callable[[], Any], begin: _Begin, read: _Read) -> Any:
    """Observe `f` at almost no cost: the code of this library is observed only once."""
    events, thread = _MONITORING.events, threading.get_ident()

    def start(code: CodeType, _: int) -> Any:
        if threading.get_ident() != thread:
            return None
        begin(sys._getframe(1))
        return None if code is _SEED else _MONITORING.DISABLE

    def call(code: CodeType, _: int, called: Any, __: Any) -> Any:
        if code.co_filename.startswith(LIBRARY):
            return _MONITORING.DISABLE
        if type(called) is BuiltinFunctionType and called in _SOURCES and threading.get_ident() == thread:
            read(sys._getframe(1), called)
        return None

    _MONITORING.register_callback(_TOOL, events.PY_START, start)
    _MONITORING.register_callback(_TOOL, events.CALL, call)
    _MONITORING.restart_events()
    _MONITORING.set_events(_TOOL, events.PY_START | events.CALL)
    return f()


def _profiled(f: Callable[[], Any], begin: _Begin, read: _Read) -> Any:
    codes: dict[int, CodeType] = {}  # by id: code computes its hash each time

    def profile(frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            code = frame.f_code
            if id(code) not in codes:
                if code is not _SEED:
                    codes[id(code)] = code
                begin(frame)
        elif event == "c_call" and called in _SOURCES:
            read(frame, called)

    sys.setprofile(profile)
    try:
        return f()
    finally:
        sys.setprofile(None)


@functools.cache
def _is_in_library(path: str) -> bool:
    """Whether a file belongs to the standard library or to an installed package."""
    return path.startswith(_STANDARD) or f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path


@functools.cache
def _is_users_type(kind: type[Any]) -> bool:
    """Whether a class was written by the user, so that its instances may hold generators that the user's code draws from."""
    module = sys.modules.get(kind.__module__)
    path = getattr(module, "__file__", None)
    return kind.__module__ != "builtins" and not (module is not None and (path is None or _is_in_library(path)))


def _is_users(frame: FrameType) -> bool:
    """Whether a frame runs the user's own code."""
    return not (_is_in_library(frame.f_code.co_filename) or frame.f_code.co_filename.startswith(LIBRARY))


# Generators


def _torch_state() -> Any:
    torch: Any = sys.modules.get("torch")
    return torch.get_rng_state().numpy().tobytes() if hasattr(torch, "get_rng_state") else None


_GLOBAL: dict[Any, str] = {  # functions that return the state of a global generator
    random.getstate: "the global generator of random",
    np.random.get_state: "the global generator of numpy.random",
    _torch_state: "the global generator of torch",
}
_KINDS = (np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random)

_PASSED_OVER = (Node, ModuleType, type, np.ndarray, str, bytes, float, int, type(None))


def _state(generator: Any) -> Any:
    """The state of a generator, which each draw changes."""
    if isinstance(generator, random.SystemRandom):
        return None  # it reads os.urandom
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.Generator):
        generator = generator.bit_generator
    if isinstance(generator, np.random.BitGenerator):
        return repr(generator.state)
    state = generator.get_state() if isinstance(generator, np.random.RandomState) else generator()
    return [each.tobytes() if isinstance(each, np.ndarray) else each for each in state] if isinstance(state, tuple) else state


def _name(generator: Any) -> str:
    return _GLOBAL[generator] if generator in _GLOBAL else f"a {type(generator).__module__}.{type(generator).__name__}"


def _generators(things: Iterable[Any], known: dict[int, Any]) -> Iterator[Any]:
    """Generators in things, in what functions refer to, in attributes and in containers, each once.

    Only the user's functions and objects are searched: those of installed packages lead everywhere. `known` holds the things, by id,
    that are passed over, and gets the new ones.
    """
    stack = list(things)
    while stack:
        thing = stack.pop()
        if id(thing) in known or isinstance(thing, _PASSED_OVER):
            continue
        known[id(thing)] = thing
        if isinstance(thing, _KINDS):
            yield thing
        elif isinstance(thing, FunctionType):
            if _is_in_library(thing.__code__.co_filename):
                continue
            stack += map(_contents, thing.__closure__ or ())
            stack += _named(thing.__code__, thing.__globals__)
            stack += [*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values(), *vars(thing).values()]
        elif isinstance(thing, (dict, SimpleNamespace)):
            stack += (thing if isinstance(thing, dict) else vars(thing)).values()
        elif isinstance(thing, (list, tuple, set, frozenset, deque)):
            if not all(issubclass(kind, _PASSED_OVER) for kind in set(map(type, thing))):  # a list of millions of Values is passed over
                stack += thing
        elif isinstance(thing, partial):
            stack += [thing.func, *thing.args, *thing.keywords.values()]
        elif isinstance(thing, (MethodType, BuiltinFunctionType)) or type(thing).__name__ == "cython_function_or_method":
            stack += (getattr(thing, "__self__", None), getattr(thing, "__func__", None))
        elif _is_users_type(type(thing)):  # type: ignore[arg-type]
            stack += _attributes(thing)
        else:  # of other objects only what decorators wrap, as functools.cache does
            stack.append(getattr(thing, "__dict__", {}).get("__wrapped__"))


def _attributes(thing: Any) -> Iterator[Any]:
    """The attributes of an object, from its dictionary and its slots, and its `__call__`."""
    yield from getattr(thing, "__dict__", {}).values()
    for kind in type(thing).__mro__[:-1]:
        slots = vars(kind).get("__slots__", ())
        yield from (getattr(thing, name, None) for name in ([slots] if isinstance(slots, str) else slots))
    yield vars(type(thing)).get("__call__")


def _named(code: CodeType, names: dict[str, Any]) -> Iterator[Any]:
    """The objects that a user's code and the functions inside it refer to, by global names and by names in modules."""
    if code.co_filename.startswith(LIBRARY):
        return  # it draws nothing
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _named(each, names)
    modules = []
    for name in code.co_names:
        if isinstance(thing := names.get(name), ModuleType):
            modules.append(thing)
        yield thing
    for module in modules:
        for thing in map(vars(module).get, code.co_names):
            if isinstance(thing, ModuleType) and thing not in modules:
                modules.append(thing)
            yield thing


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was assigned yet
        return None


# Lines


def _line_of_change(f: Callable[[], Any], generator: Any) -> str:
    """The line at which `f` first changes the state of a generator, in words. This calls `f` again and traces its lines."""
    state, found = _state(generator), ""
    lines: dict[FrameType, int] = {}  # where each frame is

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal found
        if not found:
            if _state(generator) != state:
                places = [f", at {each.f_code.co_filename}:{lines[each]}" for each in _outwards(frame) if each in lines and _is_users(each)]
                found = places[0] if places else ""
            lines[frame] = frame.f_lineno
        return trace

    tracer = sys.gettrace()
    sys.settrace(trace)
    try:
        f()
    except Exception:  # it did not fail before
        return found
    finally:
        sys.settrace(tracer)
    return found


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and its callers, up to the watched call."""
    while frame is not None and frame.f_code not in (_Watch.call.__code__, _line_of_change.__code__):
        yield frame
        frame = frame.f_back


def _called(function: Any) -> str:
    """The name of a C function."""
    owner = function.__self__
    if isinstance(owner, type):
        return f"{owner.__module__}.{owner.__qualname__}.{function.__name__}"
    return f"{_PUBLIC.get(owner.__name__, owner.__name__)}.{function.__name__}"
