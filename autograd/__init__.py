"""Nudge's engine: scalars that record a graph, its derivatives, and programs made of it."""

from autograd.derivatives import grad, gradcheck, hessian, jacobian, value_and_grad
from autograd.ops import (
    Operation,
    acos,
    asin,
    atan,
    cos,
    cosh,
    erf,
    exp,
    expm1,
    log,
    log1p,
    logsumexp,
    maximum,
    mean,
    minimum,
    primitive,
    relu,
    sigmoid,
    sign,
    sin,
    sinh,
    softplus,
    sqrt,
    tan,
    tanh,
    total,
    weighted_sum,
    where,
)
from autograd.value import Value, anomaly
