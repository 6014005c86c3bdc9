"""Vectorize: a scalar function of one example as a program on arrays of examples.

The stages are one module each: `record` calls the function and gets a scalar graph, `simplify` reduces the graph, `lower` makes an
array program of it, and `differentiate` adds the gradient. `compiled` runs the stages, and a back end runs the program.
"""

from autograd.vectorize.backends.native.compiler import c_compiler
from autograd.vectorize.descent import Descent, UpdateRule
from autograd.vectorize.parameters import ParameterLayout
from autograd.vectorize.stabilized import stabilized
from autograd.vectorize.vectorized import BACKENDS, Vectorized, vectorize

__all__ = ["BACKENDS", "Descent", "ParameterLayout", "UpdateRule", "Vectorized", "c_compiler", "stabilized", "vectorize"]
