"""Training by mini-batch gradient descent: `train`, and `Training`, the run that it drives.

Each step computes the mean cost and the gradient of a mini-batch, and the optimizer moves the parameters, all in flat vectors.
"""

from nn.training._train import train
from nn.training.checkpoint import State
from nn.training.history import History
from nn.training.loop import DivergenceError, Example
from nn.training.run import Training

__all__ = ["DivergenceError", "Example", "History", "State", "Training", "train"]
