"""What pytest leaves out: modules that import an optional package which is not installed, even for their doctests."""

import importlib.util

OPTIONAL = {"jax": "autograd/vectorize/backends/jax/*", "sklearn": "nn/estimators.py"}
collect_ignore_glob = [path for package, path in OPTIONAL.items() if not importlib.util.find_spec(package)]
