"""The notebook: its cells run from top to bottom, and the outputs stored with them are of the kind that they give."""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

pyplot = pytest.importorskip("matplotlib.pyplot")

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "demos" / "tour.ipynb"


def cells(kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def kinds(outputs: list[Any]) -> list[str]:
    """What a cell gives: "text", or the kind of picture; warnings of the notebook's own machinery do not count."""
    found: list[str] = []
    for output in outputs:
        if output["output_type"] == "stream":
            more = output["name"] == "stdout" and found[-1:] != ["text"]  # a kernel may send one cell's text in pieces
            found += ["text"] if more else []
        else:
            found += [kind for kind in output["data"] if kind.startswith("image/")]
    return found


def test_the_walk_goes_from_a_neuron_to_the_playground() -> None:
    titles = [source(cell).splitlines()[0] for cell in cells("markdown") if source(cell).startswith("#")]
    order = [
        "neuron",
        "layer",
        "cost",
        "Gradient descent",
        "Mini-batches",
        "Backpropagation",
        "chain rule",
        "activation",
        "step",
        "file",
        "playground",
    ]
    assert len(titles) == 1 + len(order)
    for title, word in zip(titles[1:], order):
        assert word in title


def test_every_cell_but_the_imports_has_its_output_stored() -> None:
    imports, *rest = cells("code")
    assert imports["outputs"] == []
    assert all(kinds(cell["outputs"]) for cell in rest)
    assert len([cell for cell in rest if "image/png" in kinds(cell["outputs"])]) >= 4
    assert [cell["execution_count"] for cell in [imports, *rest]] == list(range(1, len(rest) + 2))
    assert NOTEBOOK.stat().st_size < 700_000


def test_the_cells_run_and_print_what_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    """Without Jupyter: as plain Python, cell by cell. What training gives may differ in late digits, so those numbers are left out."""
    names: dict[str, Any] = {"__name__": "tour"}
    before = dict(pyplot.rcParams)
    try:
        for number, cell in enumerate(cells("code")):
            exec(compile(source(cell), f"{NOTEBOOK.name}, cell {number}", "exec"), names)
            printed = capsys.readouterr().out
            stored = "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")
            assert bool(printed) == bool(stored)
            if number < 6 or "chain_rule" in source(cell):
                assert printed == stored
    finally:
        pyplot.close("all")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pyplot.rcParams.update(before)
    assert names["reader"].accuracy(names["fresh"], names["truth"]) > 0.8
    assert names["costs"][-1] < 0.3 * names["costs"][0]
    assert names["sheet"].average.shape == (13_002,)


@pytest.mark.soak
def test_the_notebook_runs_in_jupyter(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "the notebook runs in Jupyter only where nbclient and ipykernel are installed: pip install nbclient ipykernel"
    nbformat, nbclient, _ = (pytest.importorskip(module, reason=reason) for module in ("nbformat", "nbclient", "ipykernel"))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = [kinds(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the kernel's client
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    assert [kinds(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"] == stored
