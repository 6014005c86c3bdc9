"""Nudge's networks: neurons, costs, optimizers, data, and training."""

import autograd._support as _support  # noqa: F401  (first, because it raises if `autograd` is another package)
from nn.activations import linear
from nn.costs import binary_cross_entropy, cross_entropy, hinge, l2_penalty, softmax, squared_error
from nn.data import (
    blobs,
    circles,
    digits,
    load_csv,
    load_digits,
    load_mnist,
    minibatches,
    moons,
    one_hot,
    read_csv,
    spirals,
    split,
    standardize,
    waves,
    xor,
)
from nn.explain import anatomy, first_undefined, nudges
from nn.formula import formula, formula_source
from nn.module import Module
from nn.network import MLP, Layer, Neuron
from nn.notation import FormulaError
from nn.optimizers import SGD, Adam, Optimizer
from nn.preprocessing import Preprocessing
from nn.schedules import Constant, Cosine, InverseTime, StepDecay
from nn.sequences import Sequences
from nn.training import DivergenceError, Training, train
from nn.training.history import History

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "Constant",
    "Cosine",
    "DivergenceError",
    "FormulaError",
    "History",
    "InverseTime",
    "Layer",
    "Module",
    "Neuron",
    "Optimizer",
    "Preprocessing",
    "Sequences",
    "StepDecay",
    "Training",
    "anatomy",
    "binary_cross_entropy",
    "blobs",
    "circles",
    "cross_entropy",
    "digits",
    "first_undefined",
    "formula",
    "formula_source",
    "hinge",
    "l2_penalty",
    "linear",
    "load_csv",
    "load_digits",
    "load_mnist",
    "minibatches",
    "moons",
    "nudges",
    "one_hot",
    "read_csv",
    "softmax",
    "spirals",
    "split",
    "squared_error",
    "standardize",
    "train",
    "waves",
    "xor",
]
