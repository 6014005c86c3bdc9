"""Plots of networks, training and data with matplotlib. Each function takes the axes to draw on as `ax`, and returns them.

Blue is positive and orange is negative. Needs matplotlib: pip install matplotlib (the extra `plots`).
"""

from nn.plots.confusion import confusion, confusion_matrix
from nn.plots.curves import activation, history
from nn.plots.images import images, weights_as_images
from nn.plots.network import network
from nn.plots.nudges import nudge_sheet, nudged_network
from nn.plots.plane import decision_boundary
from nn.plots.style import CLASSES, GREY, MARKERS, NEGATIVE, POSITIVE

__all__ = [
    "CLASSES",
    "GREY",
    "MARKERS",
    "NEGATIVE",
    "POSITIVE",
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
