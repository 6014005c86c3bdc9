"""Files of drawings, and errors."""

import base64
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autograd import Value, tanh
from autograd.draw import draw
from tests.autograd.draw.graphs import neuron


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_are_rendered(ending: str, start: bytes, tmp_path: Path) -> None:
    pytest.importorskip("pygraphviz")
    path = draw(neuron()[0]).save(tmp_path / f"g.{ending}")
    assert path.read_bytes().startswith(start)
    assert [each.name for each in tmp_path.iterdir()] == [f"g.{ending}"]


def test_an_installed_graphviz_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "dot"
    script.write_text("#!/bin/sh\ngrep -q pos= && echo by the system $@\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert draw(Value(1.0)).save(tmp_path / "g.png").read_text() == "by the system -Knop2 -Tpng\n"
    script.write_text("#!/bin/sh\ncat > /dev/null\necho no fonts >&2\nexit 1\n")
    with pytest.raises(RuntimeError, match=r"dot cannot draw a .pdf file: no fonts"):
        draw(Value(1.0)).save(tmp_path / "g.pdf")


def test_images_need_graphviz_and_text_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    drawing = draw(neuron()[0])
    assert drawing.save(str(tmp_path / "g.dot")).read_text() == drawing.dot
    assert drawing.save(tmp_path / "g.mmd").read_text() == drawing.mermaid
    assert drawing.save(tmp_path / "g.HTML").read_text() == drawing.page
    assert drawing.save(tmp_path / "g.svg").read_text() == drawing.svg
    with pytest.raises(RuntimeError, match=r'drawing a .png file needs Graphviz: pip install "pygraphviz>=2.0" \(the extra `draw`\)'):
        drawing.save(tmp_path / "g.png")
    assert not (tmp_path / "g.png").exists()


class Elements(HTMLParser):
    """The elements of a page, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_notebook_shows_the_page_over_the_picture() -> None:
    drawing = draw(neuron()[0])
    shown = drawing._repr_mimebundle_()
    assert shown["image/svg+xml"] == drawing.svg
    assert shown["text/plain"] == "Drawing of out: 9 boxes. save('graph.svg') writes it"
    (_, around), (image, picture), (frame, page) = Elements(shown["text/html"]).found
    assert (image, frame) == ("img", "iframe")
    assert base64.b64decode(str(picture["src"]).removeprefix("data:image/svg+xml;base64,")).decode() == drawing.svg
    assert page["srcdoc"] == drawing.page
    assert page["sandbox"] == "allow-scripts"
    assert "width: 100%" in str(page["style"])
    assert around


def test_an_exported_notebook_shows_the_picture_without_scripts() -> None:
    nbconvert = pytest.importorskip("nbconvert", reason="exported notebooks are tested where nbconvert is installed")
    nbformat = pytest.importorskip("nbformat")
    drawing = draw(neuron()[0])
    notebook = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell("draw(y)", outputs=[nbformat.v4.new_output("display_data", drawing._repr_mimebundle_())])
    notebook.cells.append(cell)
    text, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert [tag for tag, _ in Elements(text).found if tag in ("img", "iframe")] == ["img", "iframe"]
    _, resources = nbconvert.MarkdownExporter().from_notebook_node(notebook)
    assert drawing.svg.encode() in [content.encode() if isinstance(content, str) else content for content in resources["outputs"].values()]


# Errors


def test_errors_say_what_to_write_instead(tmp_path: Path) -> None:
    x = Value(1.0)
    with pytest.raises(TypeError, match="draw takes a Value, or a list or dictionary of Values, got list of float"):
        draw([x, 2.0])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"got list \[\]"):
        draw([])
    with pytest.raises(TypeError, match=r"got float 2\.0"):
        draw(2.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="detail='neurons' must be 'node', 'neuron', 'layer', or None"):
        draw(x, detail="neurons")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"around=Value\(2.0.* is not in the graph of Value\(1.0"):
        draw(x, around=Value(2.0))
    with pytest.raises(ValueError, match="radius must be a whole number of at least 0, got -1"):
        draw(x, around=x, radius=-1)
    with pytest.raises(ValueError, match=r"show has 'size': it can have 'data', 'grad', 'formula', 'line'"):
        draw(x, show="size")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"show='line' needs a graph that was made inside `with anomaly\(\):`"):
        draw(x * x, show=("data", "line"))
    with pytest.raises(ValueError, match="digits must be a whole number of at least 1, got 0"):
        draw(x, digits=0)
    with pytest.raises(ValueError, match="direction='up' must be 'right' or 'down'"):
        draw(x, direction="up")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="theme='blue' must be one of 'light', 'dark', 'print'"):
        draw(x, theme="blue")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"colors=\('red', 'blue'\) must be a pair of colours .*, such as \(\"#f7a24a\", \"#62a5da\"\)"):
        draw(x, colors=("red", "blue"))
    with pytest.raises(ValueError, match="the colour #550000 is too dark for the dark text on it"):
        draw(x, colors=("#550000", "#62a5da"))
    with pytest.raises(ValueError, match=r"since= is the drawing of another graph: it has 2 nodes and this one 1, or"):
        draw(x, since=draw(x * x))
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
    assert list(drawing._repr_mimebundle_()) == ["text/plain"]
    assert "are too many to lay out" in drawing._repr_mimebundle_()["text/plain"]
