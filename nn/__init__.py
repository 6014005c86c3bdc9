"""Nudge's networks: neurons, costs, optimizers, and training."""

from nn.costs import binary_cross_entropy, cross_entropy, hinge, l2_penalty, squared_error
from nn.network import MLP, Layer, Module, Neuron
from nn.optimizers import SGD, Adam, Constant, Cosine, InverseTime, Optimizer, StepDecay
