"""One thread for BLAS in `python -m playground`: a session computes on one core, and the browser needs the other ones."""

import os
import sys

if sys.argv[:1] == ["-m"]:  # which is there while the package of `python -m` is imported, before numpy
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
