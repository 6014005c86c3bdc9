"""What all tests share: which modules pytest leaves out, and one thread for each process.

A module is left out if it imports an optional package that is not installed, even for its doctests.
"""

import importlib.util
import os

# Before numpy is imported: the tests run in several processes, whose BLAS threads would wait for each other.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

OPTIONAL = {"jax": "autograd/vectorize/backends/jax/*", "sklearn": "nn/estimators.py"}
collect_ignore_glob = [path for package, path in OPTIONAL.items() if not importlib.util.find_spec(package)]
