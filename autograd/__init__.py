"""Nudge's engine: scalars that record a graph, its derivatives, and programs made of it."""

from typing import TYPE_CHECKING

from autograd import ops
from autograd._support import warn_of_other_autograd as _warn_of_other_autograd
from autograd.chain_rule import chain_rule
from autograd.derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd.differences import gradcheck
from autograd.draw import draw
from autograd.errors import CompilationError, NudgeError, TraceError, UndefinedError, UnsafeCacheError
from autograd.modes import anomaly
from autograd.ops import *  # noqa: F403
from autograd.ops import FUNCTIONS, Operation, primitive
from autograd.require import require
from autograd.value import Value
from autograd.vectorize import BACKENDS, Descent, ParameterLayout, UpdateRule, Vectorized, c_compiler, stabilized, vectorize
from autograd.why import why

__all__ = [
    "BACKENDS",
    "FUNCTIONS",
    "CompilationError",
    "Descent",
    "NudgeError",
    "Operation",
    "ParameterLayout",
    "TraceError",
    "UndefinedError",
    "UnsafeCacheError",
    "UpdateRule",
    "Value",
    "Vectorized",
    "anomaly",
    "c_compiler",
    "chain_rule",
    "draw",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "primitive",
    "require",
    "stabilized",
    "value_and_grad",
    "vectorize",
    "vjp",
    "why",
]
if not TYPE_CHECKING:  # a function of the table is public by its row
    __all__ += ops.__all__
_warn_of_other_autograd()
