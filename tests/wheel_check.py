"""Check an installed wheel: continuous integration runs this file with a Python that has the wheel, from a folder outside the checkout."""

import importlib.metadata
import runpy
import tempfile
from importlib import resources
from pathlib import Path

import numpy as np

import autograd
import nn
import playground
from autograd import Value, c_compiler, draw, tanh, vectorize
from nn import MLP, Adam, squared_error, train, xor


def main() -> None:
    for package in (autograd, nn, playground):
        path = Path(package.__file__ or "")
        assert "site-packages" in path.parts, f"{package.__name__} comes from {path}, not from the wheel"
    for package, file in ((autograd, "py.typed"), (nn, "py.typed"), (autograd, "draw/page.html"), (playground, "page/index.html")):
        assert resources.files(package).joinpath(file).is_file(), f"the wheel has no {package.__name__}/{file}"
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder))
    print(f"nudge-autograd {importlib.metadata.version('nudge-autograd')}: the wheel works")


def check(folder: Path) -> None:
    X, y = xor(200, noise=0.1, seed=0)
    model = MLP([2, 8, 1], tanh, seed=0)
    train(model, X, y, cost=squared_error, optimizer=Adam(0.05), epochs=100, progress=False)
    assert model.accuracy(X, y) > 0.95, f"XOR is learned to {model.accuracy(X, y):.0%} only"

    def cost(x: list[Value], target: Value) -> Value:
        result: Value = squared_error(model(x), target)
        return result

    compiled = vectorize(cost)
    eager = np.mean([cost(x, target).data for x, target in zip(X.tolist(), y.tolist())])
    assert np.isclose(compiled.mean(X, y).data, eager, rtol=1e-12)
    if c_compiler():
        assert np.isclose(vectorize(cost, backend="native").mean(X, y).data, eager, rtol=1e-12)

    output = model(X[0])[0]
    output.backward()
    for name in ("graph.dot", "graph.html"):
        assert draw(output).save(folder / name).stat().st_size > 1000

    def network(x: list[Value]) -> Value:
        result: Value = model(x)[0]
        return result

    vectorize(network).record(X).export(folder / "network.py", gradient=False)
    exported = runpy.run_path(str(folder / "network.py"))
    assert np.allclose(exported["network"](X, exported["parameters"]), model.predict(X)[:, 0])


if __name__ == "__main__":
    main()
