"""Networks: neurons, layers of neurons, and the multi-layer perceptron, each a definition one can read.

Layers and networks always return a list, and take a list (or a row of an array) of exactly as many numbers as they have inputs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd import Value, relu, softplus, tanh, weighted_sum
from autograd._support import refuse_masked
from nn._validation import whole_number
from nn.activations import Activation, activation_from, name_of
from nn.files import model_file
from nn.inputs import Array
from nn.module import Module
from nn.prediction_cache import READERS, Reads, reads_of_parts

if TYPE_CHECKING:
    from typing_extensions import Self


class Neuron(Module):
    """One neuron: activation(w1 x1 + ... + wn xn + bias).

    The weights start at random, normally distributed so that sums keep the scale of the inputs: with variance 1/n
    for n inputs (LeCun et al., Efficient BackProp, 1998, section 4.6), and 2/n for relu and softplus, which
    pass on only half of it (He et al., Delving Deep into Rectifiers, 2015). The bias starts at 0.

    >>> neuron = Neuron(2, seed=1)
    >>> neuron([0.0, 0.0]).data
    0.0
    >>> neuron
    Neuron(2, activation=tanh)
    """

    def __init__(self, inputs: int, activation: Activation | None = tanh, seed: int | np.random.Generator = 0) -> None:
        self.activation = activation_from(activation)
        scale = np.sqrt((2.0 if self.activation in (relu, softplus) else 1.0) / whole_number("the number of inputs", inputs))
        self.weights = [Value(weight) for weight in np.random.default_rng(seed).normal(0.0, scale, inputs).tolist()]
        self.bias = Value(0.0)

    def __call__(self, x: Sequence[Any] | Array) -> Any:
        if type(x) is not list:  # in a list, weighted_sum tells numbers from other things
            _check_is_one(x)
        output = self.activation(weighted_sum(self.weights, x, self.bias))
        if output is None:
            raise TypeError(f"an activation returns a number: {name_of(self.activation)} returned None, so perhaps its return is missing")
        return output

    def _inputs(self) -> int:
        return len(self.weights)

    def _output_activations(self) -> list[Activation]:
        return [self.activation]

    def __repr__(self) -> str:
        return f"Neuron({len(self.weights)}, activation={name_of(self.activation)})"


class Layer(Module):
    """Neurons side by side, each with all the inputs.

    >>> layer = Layer(2, 3)
    >>> len(layer([1.0, 2.0]))
    3
    """

    def __init__(self, inputs: int, outputs: int, activation: Activation | None = tanh, seed: int | np.random.Generator = 0) -> None:
        rng = np.random.default_rng(seed)
        self.neurons = [Neuron(inputs, activation, rng) for _ in range(whole_number("the number of outputs", outputs))]

    @property
    def activation(self) -> Activation:
        """That of the first neuron, and of all unless somebody has changed them."""
        return self.neurons[0].activation

    def __call__(self, x: Sequence[Any] | Array) -> list[Any]:
        _check_is_one(x)
        inputs = len(self.neurons[0].weights)
        if len(x) != inputs:
            raise ValueError(f"this layer takes a list of {inputs} inputs, got {len(x)}")
        return [neuron(x) for neuron in self.neurons]

    def _inputs(self) -> int:
        return self.neurons[0]._inputs()

    def _output_activations(self) -> list[Activation]:
        return [neuron.activation for neuron in self.neurons]

    def __repr__(self) -> str:
        return f"Layer({len(self.neurons[0].weights)}, {len(self.neurons)}, activation={_named(self)})"


class MLP(Module):
    """A multi-layer perceptron: each layer's outputs are the next one's inputs.

    `sizes` are the numbers of inputs, of neurons in each hidden layer, and of outputs. An activation is any function
    of one number that is written with Values in mind: `activation` for the hidden layers and `output_activation`
    for the last (None: linear), or a list in `activation` with one for each layer.

    >>> MLP([2, 16, 16, 1], activation=relu)
    MLP([2, 16, 16, 1], activation=relu)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Activation | Sequence[Activation | None] = tanh,
        output_activation: Activation | None = None,
        seed: int | np.random.Generator = 0,
    ) -> None:
        if not isinstance(sizes, (Sequence, np.ndarray)) or isinstance(sizes, str):
            raise TypeError(f"an MLP takes its sizes in one list, of its inputs first: MLP([2, 16, 16, 1]), got {sizes!r:.60}")
        if len(sizes) < 2:
            raise ValueError(f"an MLP needs at least two sizes, of its inputs and of its outputs: got {list(sizes)}")
        if isinstance(activation, Sequence) and not isinstance(activation, str):
            if len(activation) != len(sizes) - 1 or output_activation is not None:
                raise ValueError(
                    f"a list of activations has one for each of the {len(sizes) - 1} layers, the last one's included: got {len(activation)}"
                    + (" and an output_activation" if output_activation is not None else "")
                )
            activations: list[Activation | None] = list(activation)
        else:
            activations = [*[activation_from(activation)] * (len(sizes) - 2), output_activation]
        rng = np.random.default_rng(seed)
        self.layers = [Layer(inputs, outputs, each, rng) for (inputs, outputs), each in zip(pairwise(sizes), activations)]

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

    def _inputs(self) -> int | None:
        return self.layers[0]._inputs()

    def _output_activations(self) -> list[Activation]:
        last = self.layers[-1]
        return [*super()._output_activations(), *(last._output_activations() if isinstance(last, Module) else ())]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to an npz file, in one piece or not at all: sizes, names of activations, and the parameters as one vector.

        The activations of single neurons and the threshold are written too, labels and gradients are not. Raises ValueError, naming
        why, for a network that `load` would bring back as another one, such as one with tied, missing or additional parameters.
        """
        model_file.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], activations: Mapping[str, Activation] | None = None) -> Self:
        """The network that `save` wrote; your own activations are given by name: `MLP.load(path, {"swish": swish})`.

        Raises ValueError, naming the file, for one that is damaged, foreign, of another class, or in need of an activation not given.
        """
        return model_file.load(cls, path, activations)

    def __repr__(self) -> str:
        *hidden, last = map(_named, self.layers)
        if len(set(hidden)) > 1 or any(name.startswith("[") for name in (*hidden, last)):
            return f"MLP({self.sizes}, activation=[{', '.join([*hidden, last])}])"
        activation = f", activation={hidden[0]}" if hidden else ""
        return f"MLP({self.sizes}{activation}{f', output_activation={last}' if last != 'linear' else ''})"


def _check_is_one(x: Any) -> None:
    """Raise TypeError or ValueError, saying what to write, for what is not a list or an array of one example's inputs."""
    refuse_masked("x", x)
    if not hasattr(x, "__len__"):
        raise TypeError(f"a model is called with a list of one example's inputs, got {x!r:.60}: for a single input write [x]")
    if isinstance(x, np.ndarray) and x.ndim != 1:  # numpy would make arrays of Values of it, and nobody asked for those
        raise ValueError(f"a model is called with one example's inputs, got an array of shape {x.shape}: for many write model.predict(X)")
    if isinstance(x, (list, tuple)) and x and isinstance(x[0], (list, tuple, np.ndarray)):
        raise ValueError(f"a model is called with one example's inputs, got a list of {len(x)} lists: for many write model.predict(X)")


def _named(layer: Layer) -> str:
    """The name of the layer's activation, or those of its neurons where they differ."""
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
