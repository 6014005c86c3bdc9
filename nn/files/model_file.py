"""Model files: a description from which a network is built again, and its parameters as one vector.

Saving builds that network and compares, so that only networks are saved that `load` can restore. Loading checks everything it reads.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from itertools import pairwise
from typing import Any, TypeGuard, TypeVar

import numpy as np

from autograd import Value
from nn.activations import BUILT_IN, Activation, name_of
from nn.files import npz_files
from nn.labels import check_classes
from nn.module import Module, attributes
from nn.prediction_cache import CachedProgram
from nn.preprocessing import Preprocessing

N = TypeVar("N")
ABOUT = ("threshold", "preprocessing", "feature_names", "classes")  # attributes that a file holds if they were set
INSTEAD = "Use state_dict() and load_state_dict() instead, which work for any model"


def save(network: Any, path: str | os.PathLike[str]) -> None:
    """Write a network to an npz file. Raises ValueError, with the file unchanged, if `load` could not restore the same network."""
    kind = type(network).__name__
    unsaved = f"this {kind} cannot be saved, and {os.fspath(path)} is unchanged: "
    try:
        sizes, activations = network.sizes, [[neuron.activation for neuron in layer.neurons] for layer in network.layers]
        about = {name: vars(network)[f"_{name}"] for name in ABOUT if f"_{name}" in vars(network)}
        twin = _built(type(network), sizes, activations, about)
    except Exception as error:  # of a custom class, or of a network with missing parts
        raise ValueError(f"{unsaved}{kind}(sizes, activations) cannot build it: {error!r:.200}. {INSTEAD}") from error
    difference = _Comparison().difference(network, twin)
    if difference is not None:
        raise ValueError(f"{unsaved}{difference}. {INSTEAD}")
    if any(base.__name__ == kind for base in type(network).__mro__[1:]):
        raise ValueError(f"{unsaved}its class has the same name as its base class, whose load() would accept the file: rename the class")
    functions = {id(each): each for layer in activations for each in layer}.values()
    names = {name_of(function) for function in functions}
    if len(names) < len(functions):
        raise ValueError(
            f"{unsaved}two activations have the same name, among {', '.join(sorted(names))}: rename one, because load() finds them by name"
        )
    header = {
        "class": kind,
        "sizes": sizes,
        "activations": [_one_or_all(list(map(name_of, layer))) for layer in activations],
        "custom": sorted(name_of(function) for function in functions if BUILT_IN.get(name_of(function)) is not function),
        "threshold": None,
        **about,
    }
    if "preprocessing" in about:
        header["preprocessing"] = about["preprocessing"].to_dict()
    vectors = {"parameters": np.array([parameter.data for parameter in network.parameters()])}
    try:
        _described_by(header, vectors)
    except ValueError as error:
        raise ValueError(f"{unsaved}{error}. {INSTEAD}") from None
    npz_files.write(path, "model", header, vectors)


def load(kind: type[N], path: str | os.PathLike[str], activations: Mapping[str, Activation] | None) -> N:
    """Return the network of class `kind` that `save` wrote.

    Parameters
    ----------
    kind : type
        The class of the network.
    path : str or path-like
        The file.
    activations : mapping of str to function, or None
        Custom activations by name.

    Raises
    ------
    ValueError
        If the file is damaged, is not a model file, has a network of another class, or needs an activation that is not given.
    """
    name = os.fspath(path)
    header, vectors = npz_files.read(path, "model")
    try:
        sizes, layers, about = _described_by(header, vectors)
    except ValueError as error:
        raise ValueError(f"{name} is damaged: {error}") from None
    if header["class"] != kind.__name__:
        other = f"{header['class']:.60}"
        raise ValueError(f"{name} has a network of class {other}, not {kind.__name__}: load it with {other}.load(path)")
    known = {each: function for each, function in BUILT_IN.items() if each not in header["custom"]} | dict(activations or {})
    for each in (each for layer in layers for each in layer):
        if each not in known:
            raise ValueError(f"{name} needs a custom activation: write {kind.__name__}.load(path, activations={{{each!r:.60}: ...}})")
    network: Any = _built(kind, sizes, [[known[each] for each in layer] for layer in layers], about)
    parameters, numbers = network.parameters(), vectors["parameters"].tolist()
    if len(parameters) != len(numbers):
        raise ValueError(f"{name} is damaged: it has {len(numbers)} parameters for a network of {len(parameters)}")
    for parameter, number in zip(parameters, numbers):
        parameter.data = number
    return network  # type: ignore[no-any-return]


def _described_by(header: Mapping[str, Any], vectors: Mapping[str, npz_files.Vector]) -> tuple[list[int], list[list[str]], dict[str, Any]]:
    """Return the sizes, the name of each neuron's activation, and the attributes in `ABOUT`.

    Raises ValueError if they do not describe a network. Sizes are compared with the number of parameters before anything is built.
    """
    sizes, layers, custom, threshold = (header.get(key) for key in ("sizes", "activations", "custom", "threshold"))
    if not (isinstance(sizes, list) and len(sizes) > 1 and all(type(size) is int and size > 0 for size in sizes)):
        raise ValueError(f"its sizes are {sizes!r:.60}")
    if not (_are_of(layers, sizes[1:]) and _are_names(custom)):
        raise ValueError(f"the activations of its {len(sizes) - 1} layers are {layers!r:.60}")
    if not (threshold is None or (type(threshold) is float and math.isfinite(threshold))):
        raise ValueError(f"its threshold is {threshold!r:.60}")
    if not isinstance(header.get("class"), str):
        raise ValueError(f"its class is {header.get('class')!r:.60}")
    count = sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))
    if list(vectors) != ["parameters"] or len(vectors["parameters"]) < count:
        raise ValueError(f"it does not have the {count} parameters of a network with sizes {sizes!r:.60}")
    about = {name: header[name] for name in ABOUT if header.get(name) is not None}
    names = about.get("feature_names", [""] * sizes[0])
    if not (_are_names(names) and len(names) == sizes[0]):
        raise ValueError(f"its feature_names are {names!r:.60}")
    if "preprocessing" in about:
        about["preprocessing"] = Preprocessing.from_dict(about["preprocessing"])
    check_classes(about.get("classes"))
    return sizes, [[each] * size if isinstance(each, str) else each for each, size in zip(layers, sizes[1:])], about


def _built(kind: type[N], sizes: Sequence[int], activations: Sequence[Sequence[Activation]], about: Mapping[str, Any]) -> N:
    """Return a network that fits a description, with initial parameters."""
    network: Any = kind(sizes, [layer[0] for layer in activations])  # type: ignore[call-arg]
    for layer, own in zip(network.layers, activations):
        for neuron, activation in zip(layer.neurons, own):
            neuron.activation = activation
    for name in ABOUT:
        if name in about:
            setattr(network, name, about[name])
    return network  # type: ignore[no-any-return]


class _Comparison:
    """The comparison of a network with the one that `load` would return. The data of their parameters may differ."""

    def __init__(self) -> None:
        self.partners: dict[int, tuple[str, Any]] = {}

    def difference(self, network: Module, twin: Module) -> str | None:
        """Return the first difference in words; None if there is none."""
        names, others = ([name for name, _ in each.named_parameters()] for each in (network, twin))
        order = None if names == others else "its parameters would be loaded in another order"
        return self._of("", network, twin) or order

    def _of(self, path: str, own: Any, other: Any) -> str | None:
        if type(own) is not type(other):
            return _changed(path, own, other)
        if isinstance(own, (Value, Module)):
            for each, partner in ((own, other), (other, own)):
                before, known = self.partners.setdefault(id(each), (path, partner))
                if known is not partner:
                    return f"{path} {'is' if each is own else 'is not'} the same object as {before}, and would be loaded differently"
            if self.partners[id(own)][0] != path:
                return None  # it was compared at its first path
        if isinstance(own, Value):
            return None if own.op is other.op is None else f"{path} is computed from other Values, and would be loaded as a number"
        if isinstance(own, Module) or is_dataclass(own):
            return self._of_parts(f"{path}." if path else "", "", _lasting(own), _lasting(other))
        if isinstance(own, Mapping):
            return self._of_parts(f"{path}[", "]", *({repr(key): each for key, each in side.items()} for side in (own, other)))
        if isinstance(own, np.ndarray) and own.dtype == object:
            return self._of(path, own.tolist(), other.tolist())  # nested lists, one level for each dimension
        if isinstance(own, Sequence) and not isinstance(own, (str, bytes, range)):
            return self._of_parts(f"{path}[", "]", *({str(index): each for index, each in enumerate(side)} for side in (own, other)))
        return None if _are_equal(own, other) else _changed(path, own, other)

    def _of_parts(self, before: str, after: str, own: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
        for name in {**own, **other}:
            path = f"{before}{name}{after}"
            if name not in other:
                return f"{path} is {_described(own[name])}, and would be missing after loading"
            if name not in own:
                return f"{path} is missing, and would be loaded as {_described(other[name])}"
            difference = self._of(path, own[name], other[name])
            if difference is not None:
                return difference
        return None


def _lasting(thing: Any) -> dict[str, Any]:
    """Return the attributes that are saved: all except the cached program of a Module."""
    return {name: each for name, each in attributes(thing).items() if not isinstance(each, CachedProgram)}


def _are_equal(own: Any, other: Any) -> bool:
    if own is other:
        return True
    if isinstance(own, float):
        return repr(own) == repr(other)  # distinguishes -0.0 from 0.0, and finds nan equal to nan
    if isinstance(own, np.ndarray):
        return own.dtype == other.dtype and np.array_equal(own, other)
    try:
        return bool(own == other)
    except Exception:  # objects that cannot be compared count as different
        return False


def _changed(path: str, own: Any, other: Any) -> str:
    return f"{path} is {_described(own)}, and would be loaded as {_described(other)}"


def _described(thing: Any) -> str:
    return f"the Value {thing.data}" if isinstance(thing, Value) else f"{thing!r:.60}"


def _one_or_all(names: list[str]) -> str | list[str]:
    """Return the name of a layer's activation, or the names for its neurons if they differ."""
    return names[0] if len(set(names)) == 1 else names


def _are_of(activations: Any, sizes: Sequence[int]) -> TypeGuard[list[str | list[str]]]:
    """Return whether these are names of activations for layers of these sizes: one for each layer, or one for each neuron."""
    return (
        isinstance(activations, list)
        and len(activations) == len(sizes)
        and all(isinstance(each, str) or (_are_names(each) and len(each) == size) for each, size in zip(activations, sizes))
    )


def _are_names(names: Any) -> TypeGuard[list[str]]:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
