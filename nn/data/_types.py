"""The types of inputs, labels and seeds."""

import numpy as np
from numpy.typing import NDArray

from nn._validation import Seed

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Examples = tuple[Array, Labels]

__all__ = ["Array", "Examples", "Labels", "Seed"]
