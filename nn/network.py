"""Networks: neurons, layers of neurons, and the multi-layer perceptron.

Layers and networks return lists. They take a list (or a row of an array) with one number per input.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd import Value, grad, relu, softplus, tanh, weighted_sum
from autograd._support import check_whole, refuse_masked
from nn.activations import Activation, activation_from, elementwise, name_of
from nn.files import model_file, python_file
from nn.inputs import Array, number_of
from nn.keywords import suggests_names
from nn.module import Module
from nn.prediction_cache import READERS, Reads, reads_of_parts
from nn.preprocessing import Preprocessing

if TYPE_CHECKING:
    from typing_extensions import Self


class Neuron(Module):
    """One neuron: activation(w1 x1 + ... + wn xn + bias).

    The weights are drawn from a normal distribution with mean 0 and variance 1/n (LeCun et al., Efficient BackProp, 1998, section 4.6),
    or 2/n for relu and softplus (He et al., Delving Deep into Rectifiers, 2015). The bias is 0.

    Parameters
    ----------
    inputs : int
        The number of inputs, n.
    activation : callable or None, default tanh
        A function of one number, written with autograd's functions. None is linear.
    seed : int or numpy.random.Generator, default 0
        Where the random weights come from.

    Examples
    --------
    >>> neuron = Neuron(2, seed=1)
    >>> neuron([0.0, 0.0]).data
    0.0
    >>> neuron
    Neuron(2, activation=tanh)
    """

    @suggests_names
    def __init__(self, inputs: int, activation: Activation | None = tanh, seed: int | np.random.Generator = 0) -> None:
        self.activation = activation_from(activation)
        scale = np.sqrt((2.0 if self.activation in (relu, softplus) else 1.0) / check_whole("the number of inputs", inputs))
        self.weights = [Value(weight) for weight in np.random.default_rng(seed).normal(0.0, scale, inputs).tolist()]
        self.bias = Value(0.0)

    def __call__(self, x: Sequence[Any] | Array) -> Any:
        if type(x) is not list:  # weighted_sum checks the numbers of a list
            _check_is_one(x)
        return self.trace(x)[1]

    def trace(self, x: Sequence[Any] | Array) -> tuple[Any, Any]:
        """The weighted sum z and the activation a for one example's inputs."""
        z = weighted_sum(self.weights, x, self.bias)
        a = self.activation(z)
        if a is None:
            raise TypeError(f"an activation must return a number: {name_of(self.activation)} returned None, perhaps its return is missing")
        return z, a

    def _inputs(self) -> int:
        return len(self.weights)

    def _output_activations(self) -> list[Activation]:
        return [self.activation]

    def __repr__(self) -> str:
        return f"Neuron({len(self.weights)}, activation={name_of(self.activation)})"


class Layer(Module):
    """A fully connected layer: each neuron gets all the inputs.

    Parameters
    ----------
    inputs : int
        The number of inputs.
    outputs : int
        The number of neurons.
    activation : callable or None, default tanh
        The activation of each neuron. None is linear.
    seed : int or numpy.random.Generator, default 0
        Where the random weights come from.

    Examples
    --------
    >>> layer = Layer(2, 3)
    >>> len(layer([1.0, 2.0]))
    3
    """

    @suggests_names
    def __init__(self, inputs: int, outputs: int, activation: Activation | None = tanh, seed: int | np.random.Generator = 0) -> None:
        rng = np.random.default_rng(seed)
        self.neurons = [Neuron(inputs, activation, rng) for _ in range(check_whole("the number of outputs", outputs))]

    @property
    def activation(self) -> Activation:
        """The activation of the first neuron, and of all neurons unless one was changed."""
        return self.neurons[0].activation

    def __call__(self, x: Sequence[Any] | Array) -> list[Any]:
        _check_is_one(x)
        inputs = len(self.neurons[0].weights)
        if len(x) != inputs:
            raise ValueError(f"this layer takes a list of {inputs} inputs, got {len(x)}")
        return [neuron(x) for neuron in self.neurons]

    @property
    def weights(self) -> Array:
        """A copy of the weights as numbers: shape (neurons, inputs)."""
        return np.array([[number_of(weight) for weight in neuron.weights] for neuron in self.neurons])

    @property
    def biases(self) -> Array:
        """A copy of the biases as numbers: shape (neurons,)."""
        return np.array([number_of(neuron.bias) for neuron in self.neurons])

    def trace(self, x: Sequence[Any] | Array) -> tuple[Any, Any]:
        """The weighted sums z and the activations a of the neurons; see `MLP.trace`."""
        if not isinstance(x, np.ndarray) or x.ndim != 2:
            z, a = zip(*[neuron.trace(x) for neuron in self.neurons])
            return list(z), list(a)
        with np.errstate(all="ignore"):
            sums = x @ self.weights.T + self.biases
        return sums, self._elementwise(lambda activation: activation, sums)

    def slopes(self, z: Array) -> Array:
        """The derivatives of the activations at the weighted sums z: shape (examples, neurons), like z."""
        return self._elementwise(grad, z)

    def _elementwise(self, of: Callable[[Activation], Activation], z: Array) -> Array:
        """A function of each neuron's activation, at the neuron's column of z."""
        results, activations = np.empty_like(z), [neuron.activation for neuron in self.neurons]
        for activation in {id(each): each for each in activations}.values():
            columns = [index for index, each in enumerate(activations) if each is activation]
            results[:, columns] = elementwise(of(activation), z[:, columns])
        return results

    def _inputs(self) -> int:
        return self.neurons[0]._inputs()

    def _output_activations(self) -> list[Activation]:
        return [neuron.activation for neuron in self.neurons]

    def __repr__(self) -> str:
        return f"Layer({len(self.neurons[0].weights)}, {len(self.neurons)}, activation={_named(self)})"


class Trace(NamedTuple):
    """The weighted sums and the activations of a network; see `MLP.trace`."""

    z: list[Any]
    a: list[Any]


class MLP(Module):
    """A multi-layer perceptron: the outputs of each layer are the inputs of the next.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, of neurons in each hidden layer, and of outputs.
    activation : callable, or sequence of callables and None, default tanh
        The activation of the hidden layers, or a list with one for each layer, including the last. An activation is a function of one
        number, written with autograd's functions.
    output_activation : callable or None, default None
        The activation of the last layer. None is linear.
    seed : int or numpy.random.Generator, default 0
        Where the random weights come from.
    preprocessing : Preprocessing, optional
        Turns raw rows into the inputs. It is saved with the network. The first size is its width.

    Raises
    ------
    TypeError
        If `sizes` is not a sequence, or an activation is not a function.
    ValueError
        If a size is not a whole number of at least 1, or the number of activations does not match.

    Examples
    --------
    >>> MLP([2, 16, 16, 1], activation=relu)
    MLP([2, 16, 16, 1], activation=relu)
    """

    @suggests_names
    def __init__(
        self,
        sizes: Sequence[int],
        activation: Activation | Sequence[Activation | None] = tanh,
        output_activation: Activation | None = None,
        seed: int | np.random.Generator = 0,
        preprocessing: Preprocessing | None = None,
    ) -> None:
        if not isinstance(sizes, (Sequence, np.ndarray)) or isinstance(sizes, str):
            raise TypeError(f"an MLP takes a list of sizes, starting with its inputs: MLP([2, 16, 16, 1]), got {sizes!r:.60}")
        if len(sizes) < 2:
            raise ValueError(f"an MLP needs at least two sizes, for its inputs and its outputs: got {list(sizes)}")
        if isinstance(activation, Sequence) and not isinstance(activation, str):
            if len(activation) != len(sizes) - 1 or output_activation is not None:
                raise ValueError(
                    f"a list of activations must have one for each of the {len(sizes) - 1} layers, the last included: got {len(activation)}"
                    + (" and an output_activation" if output_activation is not None else "")
                )
            activations: list[Activation | None] = list(activation)
        else:
            activations = [*[activation_from(activation)] * (len(sizes) - 2), output_activation]
        rng = np.random.default_rng(seed)
        self.layers = [Layer(inputs, outputs, each, rng) for (inputs, outputs), each in zip(pairwise(sizes), activations)]
        self.preprocessing = preprocessing

    @property
    def sizes(self) -> list[int]:
        return [len(self.layers[0].neurons[0].weights), *(len(layer.neurons) for layer in self.layers)]

    @property
    def output_activation(self) -> Activation:
        return self.layers[-1].activation

    def __call__(self, x: Sequence[Any] | Array) -> list[Any]:
        for layer in self.layers:
            x = layer(x)
        return list(x)

    def trace(self, x: Any) -> Trace:
        """The weighted sums and the activations of every layer.

        Parameters
        ----------
        x : sequence or ndarray
            The inputs of the network, as `model.inputs_from("X", X)` makes them from a table or raw rows. One example: a list of floats,
            of Values, or of the symbols of `vectorize`. Or a batch: an array of shape (examples, inputs).

        Returns
        -------
        Trace
            `z` and `a`, each with one entry per layer: a list with an entry per neuron, or for a batch an array of shape
            (examples, neurons). In arrays, an activation that is undefined is nan or infinite.

        Raises
        ------
        ValueError
            If the number of inputs is wrong, or the model computes more than its layers, for example in its own `__call__`.

        Examples
        --------
        >>> model = MLP([1, 1], output_activation=relu)
        >>> model.layers[0].neurons[0].weights[0].data = 2.0
        >>> z, a = model.trace(np.array([[3.0], [-1.0]]))
        >>> z[0].tolist(), a[0].tolist()
        ([[6.0], [-2.0]], [[6.0], [0.0]])
        """
        self._require_plain_layers()
        inputs = x.shape[-1] if isinstance(x, np.ndarray) else len(x)
        if inputs != self._inputs():
            raise ValueError(f"this network takes {self._inputs()} inputs, got {inputs}")
        trace = Trace([], [])
        for layer in self.layers:
            z, x = layer.trace(x)
            trace.z.append(z)
            trace.a.append(x)
        return trace

    def _require_plain_layers(self) -> None:
        """Raise ValueError if a class of the network, its layers or its neurons defines another `__call__`."""
        layers = [(layer, Layer) for layer in self.layers]
        neurons = [(neuron, Neuron) for layer in self.layers for neuron in getattr(layer, "neurons", ())]
        for part, kind in [(self, MLP), *layers, *neurons]:
            if type(part).__call__ is not kind.__call__:
                raise ValueError(f"{self!r} computes more than its layers: {type(part).__name__} has its own __call__")

    def _inputs(self) -> int | None:
        return self.layers[0]._inputs()

    def _output_activations(self) -> list[Activation]:
        last = self.layers[-1]
        return [*super()._output_activations(), *(last._output_activations() if isinstance(last, Module) else ())]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an npz file: sizes, names of activations, threshold, classes, names, preprocessing and parameters.

        Labels of Values and gradients are left out. The file is written completely or not at all. Raises ValueError for a network that
        `load` could not restore, such as one with tied, missing or additional parameters.
        """
        model_file.save(self, path)

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a Python file that needs only NumPy, with its preprocessing and its classes.

        The functions of the file are `classify`, `probabilities` and `predict`. They take raw rows: a list of dicts, or of lists in the
        order of the columns. The file is written completely or not at all. Raises ValueError unless the name ends in .py.
        """
        python_file.export(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], activations: Mapping[str, Activation] | None = None) -> Self:
        """Return the network in a file that `save` wrote. Give custom activations by name: `MLP.load(path, {"swish": swish})`.

        Raises ValueError for a file that is damaged, in another format, of another class, or that needs an activation not given.
        """
        return model_file.load(cls, path, activations)

    def __repr__(self) -> str:
        *hidden, last = map(_named, self.layers)
        if len(set(hidden)) > 1 or any(name.startswith("[") for name in (*hidden, last)):
            return f"MLP({self.sizes}, activation=[{', '.join([*hidden, last])}])"
        activation = f", activation={hidden[0]}" if hidden else ""
        return f"MLP({self.sizes}{activation}{f', output_activation={last}' if last != 'linear' else ''})"


def _check_is_one(x: Any) -> None:
    """Raise TypeError or ValueError unless `x` is a list or an array of one example's inputs."""
    refuse_masked("x", x)
    if not hasattr(x, "__len__"):
        raise TypeError(f"a model is called with a list of one example's inputs, got {x!r:.60}: for a single input write [x]")
    if isinstance(x, np.ndarray) and x.ndim != 1:  # numpy would create arrays of Values
        raise ValueError(f"a model is called with one example's inputs, got an array of shape {x.shape}: for many write model.predict(X)")
    if isinstance(x, (list, tuple)) and x and isinstance(x[0], (list, tuple, np.ndarray)):
        raise ValueError(f"a model is called with one example's inputs, got a list of {len(x)} lists: for many write model.predict(X)")


def _named(layer: Layer) -> str:
    """The name of the layer's activation, or of each neuron's activation if they differ."""
    activations = [neuron.activation for neuron in layer.neurons]
    return name_of(activations[0]) if len(set(map(id, activations))) == 1 else f"[{', '.join(map(name_of, activations))}]"


# What the calls above read. A program of a network is used until any of it is replaced. Each step of a run looks for that, so the usual
# classes are read without a loop in Python.


def _read_by_network(network: MLP) -> Reads | None:
    layers = network.layers
    if READERS.get(Layer.__call__) is _read_by_layer and {Layer}.issuperset(map(type, layers)):
        neurons = [*chain.from_iterable(map(_NEURONS, layers))]
        if _are_plain(neurons):
            return _read_by_neurons([network, *layers, *neurons], neurons)
    return reads_of_parts(network, layers)


def _read_by_layer(layer: Layer) -> Reads | None:
    neurons = layer.neurons
    return _read_by_neurons([layer, *neurons], neurons) if _are_plain(neurons) else reads_of_parts(layer, neurons)


def _read_by_neuron(neuron: Neuron) -> Reads:
    return _read_by_neurons([neuron], [neuron])


def _read_by_neurons(models: list[Any], neurons: Sequence[Neuron]) -> Reads:
    return Reads(models, [*chain.from_iterable(map(_WEIGHTS, neurons)), *map(_BIAS, neurons)], [*map(_ACTIVATION, neurons)])


def _are_plain(neurons: Sequence[Neuron]) -> bool:
    return READERS.get(Neuron.__call__) is _read_by_neuron and {Neuron}.issuperset(map(type, neurons))


_NEURONS, _WEIGHTS, _BIAS, _ACTIVATION = map(attrgetter, ("neurons", "weights", "bias", "activation"))
READERS.update({Neuron.__call__: _read_by_neuron, Layer.__call__: _read_by_layer, MLP.__call__: _read_by_network})
