"""The layout: who may import whom, and public names that are complete and sorted."""

import ast
import pkgutil
import sys
import types
from functools import cache
from pathlib import Path

import pytest

import autograd
import nn
import nn.plots
import playground
from autograd import ops

ROOT = Path(__file__).parents[1]
OPTIONAL = {
    "IPython", "anywidget", "jax", "markdown_it", "matplotlib", "mpl_toolkits", "narwhals", "PIL", "pygraphviz", "scipy", "sklearn",
    "tqdm", "traitlets", "websockets",
}  # fmt: skip
ENGINE = [
    "errors", "kernels", "operation", "ops", "modes", "reach", "backward", "_fast_backward", "exponentials", "stable", "hints",
    "interop", "copying", "value", "require", "derivatives", "differences",
]  # fmt: skip
BEFORE_BACK_ENDS = [
    "memory", "patterns", "shapes", "instructions", "program", "randomness", "tables", "scalars", "tracers", "recording", "record",
    "rewrite", "simplify", "stabilized", "builder", "choices", "bounds", "differentiate", "parameter_order", "pairing", "lower",
    "parameters", "backend", "source", "places", "storage", "tape",
]  # fmt: skip
NATIVE = [
    "mathematics", "identifiers", "rule", "schedule", "arrays", "operations", "examples", "columns", "descend",
    "emitter", "compiler", "executable", "interpreter",
]  # fmt: skip
NUMPY, JAX = ["squares", "calls", "one_example", "plans"], ["devices", "grids", "trace", "executable", "steps"]
PACKAGES = {"native": NATIVE, "numpy": NUMPY, "jax": JAX}
BACK_ENDS = ["reference", *(f"{name}{rest}" for name, files in PACKAGES.items() for rest in (*(f".{each}" for each in files), ""))]
ABOVE_BACK_ENDS = ["threads", "descent", "export", "arguments", "compiled", "inspectable", "vectorized"]
VECTORIZE = [*BEFORE_BACK_ENDS, *(f"backends.{name}" for name in BACK_ENDS), "backends", *ABOVE_BACK_ENDS]
REST = ["names", "paths", "why", "chain_rule", *(f"vectorize.{name}" for name in VECTORIZE), "vectorize", "draw"]
MODELS = [
    "keywords", "frames", "inputs", "activations", "costs", "labels", "preprocessing", "schedules", "notation", "formula",
    "classification", "prediction_cache", "module", "optimizers", "sequences",
    "files.npz_files", "files.model_file", "files.python_file", "files", "network",
]  # fmt: skip
DATA = ["batches", "csv_reader", "drawn_digits", "readers", "toys"]
TRAINING = [
    "history", "progress", "file_arrays", "processes", "sequence_objective", "weights", "validation", "objectives", "mini_batches",
    "measurements",
    "checkpoint", "vectors", "loop", "run", "_train",
]  # fmt: skip
PLOTS = ["_style", "_confusion", "_curves", "_images", "_network", "_plane", "_nudges"]
EXPLAIN = ["_anatomy", "_backpropagation", "_nudges"]
PARTS = {"data": DATA, "training": TRAINING, "plots": PLOTS, "explain": EXPLAIN}
NN = [
    *MODELS,
    *(f"{name}{rest}" for name, files in PARTS.items() for rest in (*(f".{each}" for each in files), "")),
    "estimators",
    "launch",
]
AUTOGRAD = [f"autograd.{name}" for name in ("_support", *ENGINE, *REST)]
ORDER = [*AUTOGRAD, "autograd", *(f"nn.{name}" for name in NN), "nn", "playground", "demos", "tests"]
SOURCES = sorted(path for package in ("autograd", "nn", "playground", "demos") for path in (ROOT / package).rglob("*.py"))
NAMES = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in SOURCES]

PUBLIC = {each.__name__: each.__all__ for each in (autograd, nn, nn.data, nn.explain, nn.plots, nn.training, playground)}


@cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """The modules that a file imports, as far as they are known, and whether inside a function. Those for types alone do not count."""
    tree = ast.parse(path.read_text())
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    inside = {inner for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for inner in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the full name, which can be searched for"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                public = alias.name in PUBLIC.get(str(node.module), ())  # the function draw, not the package autograd.draw
                found.append((module if module in NAMES and not public else str(node.module), node in inside))
    return found


def level(module: str) -> int:
    return next(rank for rank, name in enumerate(ORDER) if module == name or module.startswith(name + "."))


def is_ours(module: str) -> bool:
    return module.split(".")[0] in ("autograd", "nn", "playground", "demos", "tests")


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_imports_point_downward_only(path: Path) -> None:
    name = NAMES[SOURCES.index(path)]
    for module, _ in imports(path):
        if is_ours(module):
            assert level(module) <= level(name), f"{name} imports {module}, which stands above it"
            if name.split(".")[0] in ("nn", "playground", "demos") and module.startswith("autograd"):
                assert module in ("autograd", "autograd._support"), f"{name} imports {module}: use the public names of autograd"
            if name.startswith("playground") and module.startswith("nn"):
                assert module in ("nn", "nn.data", "nn.explain", "nn.plots"), (
                    f"{name} imports {module}: the playground uses the public names of nn"
                )


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_imports_stand_at_the_top_save_for_optional_packages(path: Path) -> None:
    hidden = {module for module, inside in imports(path) if inside and module.split(".")[0] not in OPTIONAL}
    assert not hidden


def test_every_file_of_autograd_and_nn_has_its_rank() -> None:
    for package in ("autograd", "autograd.vectorize", "nn"):
        assert not [name for name in NAMES if name.startswith(f"{package}.") and ORDER[level(name)] == package]
    assert {name for name in ORDER if name.startswith("nn.")} <= {*NAMES}


def test_no_back_end_imports_another() -> None:
    for name, path in zip(NAMES, SOURCES):
        own = name.split(".")[:4]
        if own[:3] == ["autograd", "vectorize", "backends"] and len(own) == 4:
            others = {module for module, _ in imports(path) if module.startswith("autograd.vectorize.backends.")}
            assert all(module.split(".")[:4] == own for module in others)


def test_there_are_no_import_cycles() -> None:
    graph = {name: {module for module, _ in imports(path) if module in NAMES} - {name} for name, path in zip(NAMES, SOURCES)}
    while graph:
        free = [name for name, needs in graph.items() if not needs & graph.keys()]
        assert free, f"an import cycle among {sorted(graph)}"
        for name in free:
            del graph[name]


@pytest.mark.parametrize("package", [autograd, nn, nn.data, nn.explain, nn.plots, playground], ids=lambda package: package.__name__)
def test_public_names_are_complete_and_sorted(package: types.ModuleType) -> None:
    modules = {name for _, name, _ in pkgutil.iter_modules(package.__path__)}
    names = {name for name in vars(package) if not name.startswith("_") and (name not in modules or name in package.__all__)}
    written = [name for name in package.__all__ if not (package is autograd and name in vars(ops)["__all__"])]
    assert set(package.__all__) == names - {"TYPE_CHECKING"}
    assert written == sorted(written, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_every_module_says_in_its_first_line_why_it_exists(path: Path) -> None:
    assert not path.read_text() or ast.get_docstring(ast.parse(path.read_text()))


def test_the_engine_stands_on_numpy_alone() -> None:
    for module in ENGINE:
        for imported, _ in imports(ROOT / "autograd" / f"{module}.py"):
            assert imported.split(".")[0] in {"autograd", "numpy", *sys.stdlib_module_names}
