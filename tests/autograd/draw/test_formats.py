"""Files of drawings, and errors."""

import sys
from pathlib import Path

import pytest

from autograd import Value, tanh
from autograd.draw import draw
from tests.autograd.draw.graphs import neuron


@pytest.mark.parametrize(("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_are_rendered(ending: str, start: bytes, tmp_path: Path) -> None:
    pytest.importorskip("pygraphviz")
    path = draw(neuron()[0]).save(tmp_path / f"g.{ending}")
    assert path.read_bytes().startswith(start)
    assert [each.name for each in tmp_path.iterdir()] == [f"g.{ending}"]


def test_an_installed_graphviz_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "dot"
    script.write_text("#!/bin/sh\ncat > /dev/null\necho '<svg>by the system</svg>'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert draw(Value(1.0)).save(tmp_path / "g.svg").read_text() == "<svg>by the system</svg>\n"


def test_images_need_graphviz_and_text_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    drawing = draw(neuron()[0])
    assert drawing.save(str(tmp_path / "g.dot")).read_text() == drawing.dot
    assert drawing.save(tmp_path / "g.mmd").read_text() == drawing.mermaid
    assert drawing.save(tmp_path / "g.HTML").read_text() == drawing.page
    with pytest.raises(RuntimeError, match=r'drawing a .svg file needs Graphviz: pip install "pygraphviz>=2.0" \(the extra `draw`\)'):
        drawing.save(tmp_path / "g.svg")
    assert not (tmp_path / "g.svg").exists()
    assert drawing._repr_mimebundle_()["text/plain"].startswith("digraph")


def test_a_notebook_shows_the_picture() -> None:
    pytest.importorskip("pygraphviz")
    assert "<svg" in draw(neuron()[0])._repr_mimebundle_()["image/svg+xml"]


# Errors


def test_errors_say_what_to_write_instead(tmp_path: Path) -> None:
    x = Value(1.0)
    with pytest.raises(TypeError, match=r"draw takes one Value, got list\. To draw an element of a list write draw\(model\(x\)\[0\]\)"):
        draw([x])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="detail='neurons' must be 'node', 'neuron', 'layer', or None"):
        draw(x, detail="neurons")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"around=Value\(2.0.* is not in the graph of Value\(1.0"):
        draw(x, around=Value(2.0))
    with pytest.raises(ValueError, match="radius must be a whole number of at least 0, got -1"):
        draw(x, around=x, radius=-1)
    with pytest.raises(TypeError, match=r"model=3 has no named_parameters\(\)"):
        draw(x, model=3)
    with pytest.raises(ValueError, match=r"cannot draw to 'g.gif': the name must end in .svg, .png, .pdf, .dot, .mmd or .html"):
        draw(x).save(tmp_path / "g.gif")
    with pytest.raises(FileNotFoundError, match=r"cannot write .*g.dot: there is no folder .*nowhere"):
        draw(x).save(tmp_path / "nowhere" / "g.dot")


@pytest.mark.parametrize("ending", ["svg", "html"])
def test_a_picture_that_is_too_large_can_only_be_text(ending: str, tmp_path: Path) -> None:
    y = Value(0.5)
    for _ in range(600):
        y = tanh(y)
    drawing = draw(y, detail="node")
    assert drawing.dot.count("tanh") == 600
    with pytest.raises(ValueError, match=r"1201 boxes and 1200 edges are too many to lay out: leave `detail` out"):
        drawing.save(tmp_path / f"g.{ending}")
