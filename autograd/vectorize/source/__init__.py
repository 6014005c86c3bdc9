"""Programs as source that a person reads: the names of arrays, the choice of what gets a line, and the text in a dialect."""

from autograd.vectorize.source.dialects import JAX_NUMPY, NUMPY
from autograd.vectorize.source.listing import Listing
from autograd.vectorize.source.writer import source

__all__ = ["JAX_NUMPY", "NUMPY", "Listing", "source"]
