"""Copies and pickles of Values: node by node in topological order, because recursion would fail for deep graphs."""

from __future__ import annotations

import threading
from typing import Any

from autograd.backward import topological_order


class _Ahead(threading.local):
    """The nodes that a deep copy or a pickle in this thread visits next, each after its operands."""

    def __init__(self) -> None:
        self.nodes: set[Any] = set()


_ahead = _Ahead()


def parts(node: Any) -> tuple[Any, ...]:
    """The result of a Value's `__reduce_ex__`.

    It contains the nodes before the Value in its graph, so that they are copied first, and the Value's slots.
    """
    before: list[Any] = []
    if node in _ahead.nodes:
        _ahead.nodes.remove(node)
    elif node.op is not None:
        before = topological_order(node)[:-1]
        _ahead.nodes = set(before)
    return _blank, (type(node), *before), (None, _slots(node))


def twin(node: Any) -> Any:
    """Another node with the same number, operation, operands, gradient and label."""
    other = _blank(type(node))
    for name, each in _slots(node).items():
        setattr(other, name, each)
    return other


def _blank(kind: type[Any], *_: Any) -> Any:
    """A node without attributes. The other arguments are the nodes that must be made before it."""
    return object.__new__(kind)


def _slots(node: Any) -> dict[str, Any]:
    """The slots of a node, also those of a subclass, and its other attributes."""
    slots = [name for kind in type(node).__mro__ for name in getattr(kind, "__slots__", ()) if name not in ("__dict__", "__weakref__")]
    return {name: getattr(node, name) for name in slots if hasattr(node, name)} | getattr(node, "__dict__", {})
