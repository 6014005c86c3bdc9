"""Scripts that need only NumPy or PyTorch: the network with its weights, the data, and the figures of the page."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd import FUNCTIONS
from nn import formula_source
from playground.configuration import FEATURES
from playground.experiment import Experiment
from playground.problem import Part


class Library(NamedTuple):
    """How a library writes arrays, functions and costs. Costs are expressions of `outputs` and of the labels `y`."""

    title: str
    prefix: str
    imports: str
    array: str
    packed: str  # an array from the bytes of float64
    functions: dict[str, str]  # those whose name or module differs
    costs: dict[str, str]


NUMPY = Library(
    "NumPy", "np", "import numpy as np\n", "np.array", "np.frombuffer(zlib.decompress(base64.b64decode({})))",
    {
        "detach": "np.asarray", "abs": "np.abs", "atan": "np.arctan", "asin": "np.arcsin", "acos": "np.arccos",
        "sigmoid": "lambda x: np.exp(-np.logaddexp(0, -x))", "softplus": "lambda x: np.logaddexp(0, x)",
        "relu": "lambda x: np.maximum(x, 0)", "log1mexp": "lambda x: np.log(-np.expm1(-x))",
        "erf": "np.vectorize(math.erf)", "erfc": "np.vectorize(math.erfc)",
    },
    {
        "binary": "np.logaddexp(0, (1 - 2 * y) * outputs[:, 0])",
        "cross_entropy": "np.logaddexp.reduce(outputs - outputs[np.arange(len(y)), y][:, None], axis=1)",
        "hinge": "np.maximum(0, 1 - margins)",
    },
)  # fmt: skip
TORCH = Library(
    "PyTorch", "torch", "import torch\n\ntorch.set_default_dtype(torch.float64)\n", "torch.tensor",
    "torch.frombuffer(bytearray(zlib.decompress(base64.b64decode({}))), dtype=torch.float64)",
    {
        "detach": "torch.Tensor.detach", "softplus": "torch.nn.functional.softplus", "log1mexp": "lambda x: torch.log(-torch.expm1(-x))",
        "where": "lambda condition, one, other: torch.where(condition != 0, one, other)",
    },
    {
        "binary": "torch.nn.functional.softplus((1 - 2 * y) * outputs[:, 0])",
        "cross_entropy": 'torch.nn.functional.cross_entropy(outputs, y, reduction="none")',
        "hinge": "torch.relu(1 - margins)",
    },
)  # fmt: skip
LIBRARIES = {"numpy": NUMPY, "torch": TORCH}


def standalone(experiment: Experiment, library: Library) -> str:
    """The script. Raises RefusedError if there are no examples."""
    experiment.require_examples()
    body = "\n".join([*_data(experiment, library), "", "", *_network(experiment, library), *_figures(experiment, library)])
    sizes = "-".join(map(str, experiment.model.sizes))
    about = (
        f"A network of {sizes} neurons with its weights after step {experiment.step}, and its data. The script needs only {library.title}."
    )
    modules = [f"import {name}\n" for name in ("base64", "math", "zlib") if re.search(rf"\b{name}\.", body)]
    constants = [name for name in ("e", "pi") if re.search(rf"lambda x: .*\b{name}\b", body)]
    imports = [f"from math import {', '.join(constants)}\n"] if constants else []
    return "".join([f'"""{about}"""\n\n', *modules, *imports, *"\n" * bool(modules or imports), library.imports, "\n", body, "\n"])


def _data(experiment: Experiment, library: Library) -> Iterator[str]:
    """The rows and labels, and the function that makes the network's inputs of rows."""
    problem, configuration = experiment.problem, experiment.configuration
    for suffix, part in (("", problem.training), ("_held_out", problem.held_out)):
        if len(part):
            yield f"X{suffix} = {_rows(part, configuration.data['name'], library)}"
            yield f"y{suffix} = {library.array}({part.y.tolist()})"
    yield ""
    yield ""
    yield "def inputs(X):"
    yield '    """The inputs of the network, (rows, inputs)."""'
    if problem.preprocessing is not None:
        yield f"    columns = {[(each.mean, each.deviation, each.words) for each in problem.preprocessing.columns]}"
        yield "    return " + library.array + "([["
        yield "        number for entry, (mean, deviation, words) in zip(row, columns)"
        yield "        for number in ([(entry - mean) / deviation] if words is None else [float(entry == word) for word in words])"
        yield "    ] for row in X])"
    elif problem.features and problem.features != ("x1", "x2"):
        yield "    x1, x2 = X.T"
        expressions = ", ".join(FEATURES[each] for each in problem.features).replace("np.", f"{library.prefix}.")
        yield f"    return {library.prefix}.column_stack([{expressions}])"
    else:
        yield "    return X"


def _rows(part: Part, name: str, library: Library) -> str:
    if name == "csv":
        return _lines(part.raw)
    if name != "digits":
        return f"{library.array}({_lines(part.at.tolist())})"
    text = base64.b64encode(zlib.compress(np.ascontiguousarray(part.X, dtype="<f8").tobytes(), 9)).decode()
    return f"{library.packed.format(repr(text))}.reshape(-1, {part.X.shape[1]})"


def _lines(rows: Any) -> str:
    """A list of rows, a line for each."""
    return "[\n" + "".join(f"    {row},\n" for row in rows) + "]"


def _network(experiment: Experiment, library: Library) -> Iterator[str]:
    formulas = [formula_source(text) for text in experiment.configuration.formulas]
    used = set(re.findall(r"\w+", " ".join(formulas))) & set(FUNCTIONS)
    if used and library is TORCH:
        yield "def of_tensors(function):"
        yield '    """The function, also of numbers."""'
        yield "    return lambda *x: function(*map(torch.as_tensor, x))"
        yield ""
        yield ""
    for name in sorted(used):
        own = library.functions.get(name, f"{library.prefix}.{name}")
        yield f"{name} = of_tensors({own})" if library is TORCH else f"{name} = {own}"
    yield "layers = [  # the weights (neurons, inputs), the biases and the activation of each"
    gradient = ", requires_grad=True" * (library is TORCH)
    for formula, layer in zip(formulas, experiment.model.layers):
        weights, biases = _lines(layer.weights.tolist()), layer.biases.tolist()
        yield f"({library.array}({weights}{gradient}), {library.array}({biases}{gradient}), lambda x: {formula}),"
    yield "]"
    yield ""
    yield ""
    yield "def network(X):"
    yield '    """The outputs for rows, (rows, outputs)."""'
    yield "    activations = inputs(X)"
    yield "    for weights, biases, activation in layers:"
    yield "        activations = activation(activations @ weights.T + biases)"
    yield "    return activations"
    yield ""
    yield ""


def _figures(experiment: Experiment, library: Library) -> Iterator[str]:
    cost, outputs = experiment.configuration.cost, experiment.problem.outputs
    yield "def costs(outputs, y):"
    yield '    """The cost of each row."""'
    if cost == "squared_error":
        classes = experiment.problem.classes
        target = f"{library.prefix}.eye({outputs})[y]" if outputs > 1 else "(2 * y - 1)[:, None]" if classes else "y[:, None]"
        yield f"    return ((outputs - {target}) ** 2).sum(axis=1)"
    elif cost == "cross_entropy":
        yield f"    return {library.costs['binary' if outputs == 1 else 'cross_entropy']}"
    elif outputs == 1:
        yield "    margins = (2 * y - 1) * outputs[:, 0]"
        yield f"    return {library.costs['hinge']}"
    else:
        yield f"    right = outputs[{library.prefix}.arange(len(y)), y][:, None]"
        yield "    margins = right - outputs"
        yield f"    return {library.costs['hinge']}.sum(axis=1) - 1  # without the right class"
    yield ""
    yield ""
    yield "def figures(X, y):"
    yield "    outputs = network(X)"
    if experiment.problem.classes:
        yield f"    right = {'outputs.argmax(axis=1)' if outputs > 1 else '(outputs[:, 0] > 0)'} == y"
        yield '    return f"cost {costs(outputs, y).mean():.4g}, accuracy {100 * right.sum() / len(y):.1f} %"'
    else:
        yield '    return f"cost {costs(outputs, y).mean():.4g}"'
    yield ""
    yield ""
    yield 'print("training:", figures(X, y))'
    if len(experiment.problem.held_out):
        yield 'print("test:", figures(X_held_out, y_held_out))'
