"""Plots of networks, training and data with matplotlib. Each function takes the axes to draw on as `ax`, and returns them.

Blue is positive and orange is negative. This module needs matplotlib.
"""

from nn.plots._confusion import confusion, confusion_matrix
from nn.plots._curves import activation, history
from nn.plots._images import images, weights_as_images
from nn.plots._network import network
from nn.plots._nudges import NudgeSheet, nudge_sheet, nudged_network
from nn.plots._plane import decision_boundary
from nn.plots._style import CLASSES, CURVES, GREY, MARKERS, NEGATIVE, POSITIVE, RUNS

__all__ = [
    "CLASSES",
    "CURVES",
    "GREY",
    "MARKERS",
    "NEGATIVE",
    "POSITIVE",
    "RUNS",
    "NudgeSheet",
    "activation",
    "confusion",
    "confusion_matrix",
    "decision_boundary",
    "history",
    "images",
    "network",
    "nudge_sheet",
    "nudged_network",
    "weights_as_images",
]
