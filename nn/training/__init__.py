"""Training by mini-batch gradient descent: `train`, and `Training`, the run that it drives."""

from nn.training.checkpoint import State
from nn.training.history import History
from nn.training.run import DivergenceError, Example, Training, train

__all__ = ["DivergenceError", "Example", "History", "State", "Training", "train"]
