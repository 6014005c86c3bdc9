"""The rows in C: within 2 ulp of mpmath over the whole range, and as numpy has them at all the special numbers."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import ops
from autograd.errors import CompilationError
from autograd.operation import Operation
from autograd.vectorize.backends.native import compiler
from autograd.vectorize.backends.native.mathematics import INCLUDES, OPERATORS, definitions, names
from autograd.vectorize.program import ROWS

mpmath: Any = pytest.importorskip("mpmath")

try:
    compiler.compiler()
except CompilationError:
    pytest.skip("there is no C compiler here", allow_module_level=True)

REDUCTIONS = {ops.total_, ops.logsumexp_, ops.largest_, ops.smallest_}  # these are loops around rows
ALL = {op.name: op for op in vars(ops).values() if isinstance(op, Operation) and op.name in names()}
KINDS: dict[str, np.dtype[Any]] = {"float64": np.dtype(np.float64), "float32": np.dtype(np.float32)}

EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "cosh": mpmath.cosh,
    "sqrt": mpmath.sqrt,
}


def source(dtype: np.dtype[Any]) -> str:
    """A function for each row that runs it over arrays."""
    lines = [INCLUDES + "#include <string.h>\n" + definitions(names(), dtype)]
    for name in names():
        given = "a" if name == "powers" else "abc"[: len(ALL[name].partials)]
        arguments = "".join(f"const real *{each}, " for each in given) + "double constant, " * (name == "powers")
        loads = "".join(f"        vec v{each}; memcpy(&v{each}, {each} + i, sizeof v{each});\n" for each in given)
        call = "v_powers(va, (real)constant)" if name == "powers" else f"v_{name}({', '.join(f'v{each}' for each in given)})"
        lines.append(
            f"void run_{name}({arguments}real *out, long count) {{\n    for (long i = 0; i < count; i += LANES) {{\n{loads}"
            f"        vec y = {call}; memcpy(out + i, &y, sizeof y);\n    }}\n}}\n"
        )
    return "\n".join(lines)


def run(name: str, *arrays: Any, constant: float | None = None) -> Any:
    """A row of arrays, natively, whose last operand may be one number."""
    dtype = arrays[0].dtype
    count = len(arrays[0])
    padded = [np.ascontiguousarray(np.concatenate([each, np.ones(-count % 16, dtype)])) for each in arrays]
    out = np.empty_like(padded[0])
    function = getattr(compiler.load(source(dtype)), f"run_{name}")
    *given, result = [each.ctypes.data_as(ctypes.c_void_p) for each in (*padded, out)]
    function(*given, *([] if constant is None else [ctypes.c_double(constant)]), result, ctypes.c_long(len(out)))
    return out[:count]


def numbers(name: str, dtype: np.dtype[Any], count: int) -> Any:
    """Numbers of every size in the row's domain, most of them where something happens."""
    rng = np.random.default_rng([ord(letter) for letter in name])
    limits = np.finfo(dtype)
    top, tiniest = float(np.log(limits.max)), limits.minexp - limits.nmant
    spread = 2.0 ** rng.uniform(tiniest, limits.maxexp - 1, count)
    parts = [spread, rng.uniform(0, 1, count), rng.uniform(0.3, 0.4, count), rng.uniform(0, 20, count)]
    parts += [np.ldexp(rng.uniform(1, 2, 8), tiniest + 3), rng.uniform(0.68, 0.72, count)]
    if name == "log1p":
        parts += [-parts[1], -(2.0 ** rng.uniform(-60, 0, count)), rng.uniform(0, 1e-3, count)]
    elif name not in ("log", "sqrt"):
        parts += [2.0 ** rng.uniform(-60, 0, count), rng.uniform(0, top, count), rng.uniform(top, top * 1.07, count)]
        parts += [-each for each in parts]
    array = np.concatenate(parts).astype(dtype)
    lowest = -1 if name == "log1p" else 0 if name == "log" else -np.inf
    return array[np.isfinite(array) & (array > lowest)]


def ulps(result: float, exact: Any, dtype: np.dtype[Any]) -> float:
    """How far a result is from the exact one, in units of the last place that the exact one has in this dtype."""
    limits = np.finfo(dtype)
    exponent = mpmath.frexp(exact)[1] - 1 if exact else limits.minexp
    unit = mpmath.mpf(2) ** (max(exponent, limits.minexp) - limits.nmant)
    if abs(exact) >= mpmath.mpf(float(limits.max)) + unit / 2:
        return 0.0 if result == np.copysign(np.inf, float(mpmath.sign(exact))) else np.inf
    return float(abs(mpmath.mpf(result) - exact) / unit) if np.isfinite(result) else np.inf


def worst(name: str, dtype: np.dtype[Any], count: int) -> tuple[float, float]:
    """The largest error of a row, in ulp, and where it is."""
    x = numbers(name, dtype, count)
    with mpmath.workprec(150):
        settled = np.inf if name in ("log", "log1p", "sqrt") else 1e5  # farther out the exact value rounds as here
        exact = [EXACT[name](mpmath.mpf(each)) for each in np.clip(x.astype(np.float64), -settled, settled).tolist()]
        errors = [ulps(float(y), each, dtype) for y, each in zip(run(name, x), exact)]
    place = int(np.argmax(errors))
    return errors[place], float(x[place])


def test_every_row_that_a_program_may_have_is_written_in_c() -> None:
    assert set(names()) == {*(op.name for op in ROWS - REDUCTIONS - {*OPERATORS}), "powers"}


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", EXACT)
def test_a_function_is_within_two_ulp(name: str, kind: str, count: int) -> None:
    error, place = worst(name, KINDS[kind], count)
    assert error <= 2, place


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [8, 16, 32, 64])
def test_a_function_gives_the_same_numbers_in_vectors_of_any_size(size: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = {name: numbers(name, KINDS[kind], 5) for name in EXACT}
    expected = {name: run(name, x[name]) for name in EXACT}
    usual = compiler.compiler()
    sized = compiler.Compiler(usual.command, usual.identity, (*usual.flags, f"-DBYTES={size}"))
    monkeypatch.setattr(compiler, "compiler", lambda: sized)
    for name in EXACT:
        np.testing.assert_array_equal(run(name, x[name]), expected[name], err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", EXACT)
def test_a_function_is_within_three_ulp_without_fused_multiplication(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = compiler.compiler()
    plain = compiler.Compiler(usual.command, usual.identity, compiler.FLAGS)  # for the processor that everybody has, with 128 bits
    monkeypatch.setattr(compiler, "compiler", lambda: plain)
    error, place = worst(name, KINDS[kind], 20)
    assert error <= 3.1, place


def special(dtype: np.dtype[Any]) -> Any:
    limits = np.finfo(dtype)
    positive = [
        0.0, limits.smallest_subnormal, limits.tiny * 0.75, limits.tiny, limits.eps, 0.5, 1.0, np.nextafter(dtype.type(1), dtype.type(2)),
        1.5, 2.0, 3.0, 20.0, 88.0, 89.0, 100.0, 104.0, 709.0, 710.0, 745.0, 746.0, 1000.0, 1 / limits.eps, limits.max, np.inf,
    ]  # fmt: skip
    return np.array([np.nan, *positive, *(-np.array(positive, dtype))], dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(ALL))
def test_a_function_has_numpys_values_at_special_numbers(name: str, kind: str) -> None:
    dtype = KINDS[kind]
    x = special(dtype)
    count = len(ALL[name].partials)
    grid = [each.ravel() for each in np.meshgrid(*[x] * count)]
    with np.errstate(all="ignore"):
        expected = np.asarray(ALL[name].on_arrays(*grid)).astype(dtype)
    found = run(name, *grid)
    limits = np.finfo(dtype)
    # where numpy's own formula gives up, below the normal numbers, the C goes on
    np.testing.assert_allclose(found, expected, rtol=8 * limits.eps, atol=limits.tiny)


@pytest.mark.parametrize("kind", KINDS)
def test_odd_rows_keep_the_sign_of_zero(kind: str) -> None:
    zeros = np.array([0.0, -0.0], KINDS[kind])
    for name in ("identity", "expm1", "log1p", "tanh", "sqrt", "sin", "tan", "asin", "atan", "sinh", "erf"):
        assert np.signbit(run(name, zeros)).tolist() == [False, True], name
    assert not np.signbit(run("abs", zeros)).any()


@pytest.mark.parametrize("kind", KINDS)
def test_powers_by_some_constants_are_computed_without_the_library(kind: str) -> None:
    dtype, inside = KINDS[kind], numbers("sqrt", KINDS[kind], 20)
    for exponent in (2.0, -1.0, 0.5, -0.5, 1.5, -1.5, 0.25):
        found = run("powers", inside, constant=exponent)
        with mpmath.workprec(150):
            errors = [ulps(float(y), mpmath.mpf(each) ** exponent, dtype) for y, each in zip(found, inside.astype(float).tolist())]
        assert max(errors) <= 3, exponent
        for x in (inside, special(dtype)):
            powers = run("powers", x, constant=exponent)
            np.testing.assert_array_equal(run("power", x, np.full(len(x), exponent, dtype)), powers)
            with np.errstate(all="ignore"):
                np.testing.assert_allclose(powers, np.power(x, np.full(len(x), exponent, dtype)), rtol=4 * np.finfo(dtype).eps)


def test_the_text_contains_only_what_is_used() -> None:
    assert "exp_series" not in definitions(["abs"], KINDS["float64"])
    text = definitions(["exp"], KINDS["float64"])
    assert "v_exp" in text
    assert "log_series" not in text
    assert text == definitions(["exp"], KINDS["float64"])


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(ValueError, match="gamma cannot be written in C"):
        definitions(["gamma"], KINDS["float64"])


@pytest.mark.parametrize("kind", ["float64", pytest.param("float32", marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", names())
def test_the_text_of_one_row_is_complete(name: str, kind: str, tmp_path: Path) -> None:
    text = INCLUDES + definitions([name], KINDS[kind])
    usual = compiler.compiler()
    flags = (*usual.flags, "-Wall", "-Wextra", "-Werror", "-pedantic")
    use = f"void *use(void);\nvoid *use(void) {{ return (void *)(intptr_t)&v_{name}; }}\n"
    assert usual.compile(text + use, tmp_path, flags)
