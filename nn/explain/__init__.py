"""Explanations of networks: what one example does in each neuron, and how examples want the parameters to change."""

from nn.explain._anatomy import Anatomy, NeuronAnatomy, Undefined, anatomy, first_undefined
from nn.explain._backpropagation import Backpropagation, backpropagate
from nn.explain._nudges import LayerNudges, Nudges, NudgeTable, nudges

__all__ = [
    "Anatomy",
    "Backpropagation",
    "LayerNudges",
    "NeuronAnatomy",
    "NudgeTable",
    "Nudges",
    "Undefined",
    "anatomy",
    "backpropagate",
    "first_undefined",
    "nudges",
]
