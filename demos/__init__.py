"""One script per topic: `python -m demos.NAME`."""

import os

# The arrays of these networks are small. A second BLAS thread would wait longer than it computes.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
