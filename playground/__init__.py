"""The playground: watch a network learn, and click on any part of it to see its numbers."""

import os
import sys

if sys.argv[:1] == ["-m"]:  # python -m playground: a session computes on one core, the browser needs the other ones
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # before numpy is imported

from playground.notebook import widget
from playground.session import Session

__all__ = ["Session", "widget"]
