"""The numbers of one example in a network: those of `nn.anatomy`, from compiled programs and without a graph of scalars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import grad
from nn import anatomy
from nn.data import Array
from nn.explain import NeuronAnatomy
from playground.experiment import Experiment


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of one example. `gradient` is that of its cost, in the order of the parameters."""

    x: Array
    target: Any
    cost: float
    outputs: list[float]
    layers: Sequence[Sequence[NeuronAnatomy]]
    gradient: Array

    def __getitem__(self, place: tuple[int, int]) -> NeuronAnatomy:
        layer, neuron = place
        return self.layers[layer][neuron]


def numbers_of(experiment: Experiment, x: Array, label: float) -> Numbers:
    """The numbers of one example with inputs x, (inputs,), and a class or target. Raises UndefinedError as `anatomy` does."""
    programs, model = experiment.programs, experiment.model
    target = experiment.problem.targets(np.array([label]), experiment.configuration.cost)
    with np.errstate(all="ignore"):
        cost, outputs, deltas, activations = programs.example(x, target)
    if not np.isfinite(np.hstack([cost, *deltas, *activations])).all():
        found = anatomy(model, x, target[0].tolist(), programs.cost_function)
        return Numbers(x, found.target, found.cost.data, [each.data for each in found.outputs], found.layers, found.gradient)
    layers, gradient, inputs, blocks = [], [], x, experiment.by_layer(experiment.layout.gather())
    asked = np.array(grad(lambda values: programs.cost_function(values, target[0].tolist()))(outputs.tolist()))
    by_activation = [*(block[:, :-1].T @ delta for block, delta in zip(blocks[1:], deltas[1:])), asked]
    for depth, (layer, block, delta, a) in enumerate(zip(model.layers, blocks, deltas, activations)):
        z = block[:, :-1] @ inputs + block[:, -1]
        slopes = layer.slopes(z[None])[0]
        numbers = zip(layer.neurons, block, z.tolist(), a.tolist(), slopes.tolist(), by_activation[depth].tolist(), delta.tolist())
        layers.append([
            NeuronAnatomy(depth, index, inputs, row[:-1], float(row[-1]), sum_, activation, neuron.activation, slope, wish, error)
            for index, (neuron, row, sum_, activation, slope, wish, error) in enumerate(numbers)
        ])  # fmt: skip
        gradient.append(delta[:, None] * np.append(inputs, 1.0))
        inputs = a
    return Numbers(x, target[0].tolist(), float(cost), outputs.tolist(), layers, np.concatenate([each.ravel() for each in gradient]))
