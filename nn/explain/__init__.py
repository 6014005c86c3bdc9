"""Explanations of networks: what one example does in each neuron, and how examples want the parameters to change."""

from nn.explain.anatomy import Anatomy, NeuronAnatomy, Undefined, anatomy, first_undefined
from nn.explain.backpropagation import Backpropagation, backpropagate
from nn.explain.nudges import LayerNudges, Nudges, NudgeTable, nudges

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
