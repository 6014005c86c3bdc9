"""Programs as files that stand alone."""

import builtins
import json
import keyword
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value, erf, sigmoid, tanh, vectorize, weighted_sum
from autograd.vectorize.backends.native.identifiers import identifier
from nn import MLP, squared_error

X, Y = np.random.default_rng(0).normal(size=(5, 3)), np.ones((5, 2))


@pytest.fixture
def program() -> Any:
    model = MLP([3, 4, 2], activation=tanh, output_activation=sigmoid, seed=1)

    def cost(x: Any, y: Any) -> Any:
        return squared_error(model(x), y)

    return vectorize(cost).record(X, Y)


@pytest.mark.parametrize("gradient", [True, False])
def test_an_exported_module_needs_only_numpy_and_gives_the_same_numbers(program: Any, gradient: bool, tmp_path: Path) -> None:
    program.export(tmp_path / "step.py", gradient)
    call = f"step.cost(np.array({X.tolist()}), np.array({Y.tolist()}), step.parameters)"
    script = f"import numpy as np, step; print([np.asarray(each).tolist() for each in {call}])"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {script}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    returned = json.loads(done.stdout)
    if gradient:
        cost, slope = program.value_and_gradient(X, Y)
        assert returned[0] == pytest.approx(cost, rel=1e-13)
        np.testing.assert_allclose(returned[1], slope, rtol=1e-12)
    else:
        np.testing.assert_allclose(returned, program(X, Y), rtol=1e-13)
    assert "autograd" not in (tmp_path / "step.py").read_text()


@pytest.mark.parametrize("gradient", [True, False])
def test_exported_c_compiles_and_its_example_runs(program: Any, gradient: bool, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no cc to compile it with")
    program.export(tmp_path / "step.c", gradient)
    command = [compiler, "-std=c99", "-O1", "-Wno-psabi", "-DEXAMPLE", "step.c", "-o", "step", "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert not done.returncode, done.stderr
    printed = subprocess.run([tmp_path / "step"], capture_output=True, text=True, check=True).stdout
    *words, cost, first = printed.split()
    zeros = np.zeros((1, 3)), np.zeros((1, 2))
    if gradient:
        expected, slope = program.value_and_gradient(*zeros)
        assert " ".join(words) == "cost, and the first of the gradient:"
        assert [float(cost), float(first)] == pytest.approx([expected, slope[0]], rel=1e-12)
    else:
        assert " ".join(words) == "no cost, and the first result:"
        assert float(first) == pytest.approx(program(*zeros)[0], rel=1e-12)


def test_export_refuses_other_endings_and_programs_that_are_not_recorded(program: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot export to 'step.rs': the name must end in .py or .c"):
        program.export(tmp_path / "step.rs")
    with pytest.raises(RuntimeError, match=r"export\(\) is not known before"):
        vectorize(lambda x: x).export(tmp_path / "step.c")
    assert not list(tmp_path.iterdir())


def test_a_program_without_parameters_is_exported_too(tmp_path: Path) -> None:
    vectorize(lambda x: x * x).record(np.ones(2)).export(tmp_path / "square.py")
    names: dict[str, Any] = {}
    exec((tmp_path / "square.py").read_text(), names)
    assert names["f"](np.array([3.0])).tolist() == [9.0]
    assert "parameters" not in names


def test_exports_contain_the_current_parameters(tmp_path: Path) -> None:
    w = Value(0.125)
    program = vectorize(lambda x: w * x).record(np.ones(2))
    w.data = -7.0625
    program.export(tmp_path / "line.c")
    assert "static const double parameters[] = {\n    -7.0625,\n};" in (tmp_path / "line.c").read_text()


# Names that mean something else in Python, numpy or C, and numbers that are not finite

OWN = """np math parameters theta weights batch erf erfc placed W1 b1 w1 z1 h1 t1 dtheta cost result out work start count real vec splat
load a0 a3 i0 e g columns0 x0 x_rows x_turned len_ np_ out_ f mean main lanes total logsumexp pow gamma index y0 linux unix NAN M_PI"""
KEYWORDS = """auto case char const default do double enum extern float goto inline int long register restrict short signed sizeof static
struct switch typedef union unsigned void volatile _Bool _Complex _Imaginary asm typeof bool true false alignas alignof constexpr nullptr
static_assert thread_local typeof_unqual"""
PYTHON = sorted({*dir(builtins), *keyword.softkwlist, *dir(math), *OWN.split()} - {*keyword.kwlist, "__debug__"})
C = sorted({*PYTHON, *KEYWORDS.split()})


def named(name: str, arguments: list[str]) -> Any:
    """A program with a function and arguments of these names, of one number each; it has parameters, and needs helpers."""
    w = [Value(0.25 * index - 1) for index in range(1 + len(arguments))]
    terms = [f"_tanh(_w[{index}] * {each})" for index, each in enumerate(arguments)]
    names: dict[str, Any] = {"_w": w, "_erf": erf, "_tanh": tanh}
    exec(f"def {name}({', '.join(arguments)}):\n    return _erf({' + '.join(terms)} + _w[-1])", names)
    return vectorize(names[name]).record(*[np.ones(2)] * len(arguments))


@pytest.mark.parametrize("name", PYTHON)
def test_a_module_takes_any_name_for_a_function_and_its_arguments(name: str, tmp_path: Path) -> None:
    program = named(name, [name, f"{name}_"])
    program.export(tmp_path / "module.py")
    names: dict[str, Any] = {}
    text = (tmp_path / "module.py").read_text()
    exec(compile(text, "module.py", "exec"), names)
    function = names[re.findall(r"^def (\w+)\(", text, re.MULTILINE)[-1]]
    X = np.array([0.5, -0.25]), np.array([1.5, 0.75])
    cost, gradient = function(*X, names["parameters"])
    expected, slope = program.value_and_gradient(*X)
    assert cost == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12, atol=1e-15)


def compiled(text: str, tmp_path: Path, *flags: str) -> None:
    """Compile C as a user would, without a standard given, and with errors for what gcc only warns of."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no cc to compile it with")
    (tmp_path / "names.c").write_text(text)
    command = [compiler, "-Wno-psabi", "-Werror=builtin-declaration-mismatch", *flags, "names.c", "-o", "names", "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert not done.returncode, done.stderr[-3000:]


@pytest.mark.parametrize("first", range(0, len(C), 60))
def test_c_takes_any_name_for_an_argument(first: int, tmp_path: Path) -> None:
    names = C[first : first + 60]
    named(names[0], names).export(tmp_path / "whole.c")
    compiled((tmp_path / "whole.c").read_text(), tmp_path, "-fsyntax-only", "-DEXAMPLE")


def in_headers() -> list[str]:
    """Every function, type and macro of the headers that an exported file includes, in the dialect of this compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return []
    headers = "".join(f"#include <{each}.h>\n" for each in ("math", "stdint", "string", "stdio"))

    def preprocessed(*flags: str) -> str:
        command = [compiler, "-E", *flags, "-"]
        return subprocess.run(command, input=headers, capture_output=True, text=True, check=True).stdout

    functions = re.findall(r"\b([a-zA-Z]\w*) ?\(", preprocessed("-P"))
    macros = re.findall(r"^#define ([a-zA-Z]\w*)", preprocessed("-dM"), re.MULTILINE)
    types = re.findall(r"\b([a-zA-Z]\w*_t|FILE)\b", preprocessed("-P"))
    return sorted({*functions, *macros, *types, *C} - {"main"})


def test_c_takes_any_name_of_its_headers_for_a_function(tmp_path: Path) -> None:
    names = in_headers()
    headers = "".join(f"#include <{each}.h>\n" for each in ("math", "stdint", "string", "stdio"))
    functions = {identifier(each): f"double {identifier(each)}(long batch, const double *{identifier(each)});" for each in names}
    text = f"{headers}\n" + "\n".join(functions.values()) + "\nint main(void) { return 0; }\n"
    compiled(text, tmp_path, "-fsyntax-only")
    compiled(text, tmp_path, "-fsyntax-only", "-std=c99")


@pytest.mark.parametrize("name", ["pow", "gamma", "index", "y0", "parameters", "main", "printf", "x0", "real", "splat", "plain"])
def test_exported_c_with_reserved_names_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    program = named(name, [name, f"{name}_"])
    program.export(tmp_path / "whole.c")
    compiled((tmp_path / "whole.c").read_text(), tmp_path, "-DEXAMPLE")
    *_, cost, first = subprocess.run([tmp_path / "names"], capture_output=True, text=True, check=True).stdout.split()
    expected, slope = program.value_and_gradient(np.zeros(1), np.zeros(1))
    assert [float(cost), float(first)] == pytest.approx([expected, slope[0]], rel=1e-12, abs=1e-15)


def test_parameters_that_are_not_finite_are_exported(tmp_path: Path) -> None:
    w = [Value(number) for number in (math.inf, -math.inf, math.nan, -0.0, 5e-324, 1.7976931348623157e308)]
    program = vectorize(lambda x: weighted_sum(w, [x] * 6)).record(np.ones(2))
    program.export(tmp_path / "line.py")
    names: dict[str, Any] = {}
    exec((tmp_path / "line.py").read_text(), names)
    assert list(map(repr, names["parameters"].tolist())) == [repr(each.data) for each in w]
    program.export(tmp_path / "line.c")
    text = (tmp_path / "line.c").read_text()
    shown = 'int main(void) { for (int i = 0; i < 6; i++) printf("%.17g ", parameters[i]); }'
    compiled(f"#include <stdio.h>\n{text}\n{shown}\n", tmp_path)
    printed = subprocess.run([tmp_path / "names"], capture_output=True, text=True, check=True).stdout.split()
    assert list(map(repr, map(float, printed))) == [repr(each.data) for each in w]
