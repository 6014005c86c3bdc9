"""Values that no single function of `math` or `numpy` gives, on floats and on arrays: what some of the table's rows are made of."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np


def sign(x: float) -> float:
    return math.copysign(1.0, x) if x < 0 or x > 0 else x


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def sigmoid_arrays(x: Any) -> Any:
    with np.errstate(over="ignore"):  # exp(1000) is inf, and 1 / inf the 0 that is wanted
        return 1 / (1 + np.exp(-x))


def logistic_pdf(x: float) -> float:
    e = math.exp(-abs(x))
    return e / ((1 + e) * (1 + e))


def logistic_pdf_arrays(x: Any) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(-x)
        y = 1 / (1 + e)  # the sigmoid; a program that has it already shares it, and e
        return y * np.fmin(e * y, 1.0)  # 1 - y, without cancelling; fmin makes the 1 of inf * 0


def sech_squared(x: float) -> float:
    return 4 * logistic_pdf(2 * x)


def sech_squared_arrays(x: Any) -> Any:
    with np.errstate(over="ignore"):
        return (1 / np.cosh(x)) ** 2


def softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def softplus_arrays(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def log1mexp(x: float) -> float:
    return math.log(-math.expm1(-x)) if x < 0.7 else math.log1p(-math.exp(-x))


def log1mexp_arrays(x: Any) -> Any:
    below, above = np.log(-np.expm1(-np.minimum(x, 0.7))), np.log1p(-np.exp(-np.maximum(x, 0.7)))  # each accurate on its side
    return (x < 0.7) * below + (x >= 0.7) * above


def relu(x: float) -> float:
    return 0.0 if x <= 0 else x  # so that NaN stays NaN


def _by_entry(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """A function of `math` that numpy lacks, entry by entry, in the dtype that it is given."""
    on_entries = np.vectorize(function, otypes=[np.float64])
    return lambda x: on_entries(x).astype(x.dtype)


erf_arrays, erfc_arrays = _by_entry(math.erf), _by_entry(math.erfc)


def maximum(a: float, b: float) -> float:
    return b if a < b or b != b else a  # NaN wins, as in numpy


def minimum(a: float, b: float) -> float:
    return b if a > b or b != b else a


def fmin(a: float, b: float) -> float:
    return a if a <= b or b != b else b


def logsumexp(*x: float) -> float:
    largest = max(x)
    if math.isinf(largest):
        return math.nan if any(map(math.isnan, x)) else largest
    return largest + math.log(sum(math.exp(each - largest) for each in x))


def weighted_sum(*v: float) -> float:
    return sum(map(operator.mul, v[len(v) // 2 : -1], v), v[-1])


def weighted_sum_arrays(*v: Any) -> Any:
    n = len(v) // 2
    return reduce(np.add, map(np.multiply, v[:n], v[n:-1]), v[-1])
