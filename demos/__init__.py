"""One short script for each thing to see: `python -m demos.NAME`."""

import os

# The arrays of these networks are small: to share them, a second thread of BLAS waits longer than it works.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
