"""What pytest leaves out: the back end of an optional package that is not installed cannot be imported, not even for its doctests."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("jax") else ["autograd/vectorize/backends/jax/*"]
