"""The playground as a folder of files: what is in it, and that its session answers as this one does, with the page and without."""

import io
import json
import re
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from playground import Session, site
from playground.bundle import PAGE
from tests.wasm import Wasm

ROOT = Path(__file__).parents[2]
BEGIN = "from playground import Session\nSession().handle"
SMALL: dict[str, Any] = {"data": {"name": "moons", "n": 40}, "layers": [3], "seed": 1}
MESSAGES: list[dict[str, Any]] = [
    {"do": "hello", "id": 1},
    {"do": "configure", "configuration": {**SMALL, "activations": "x * sigmoid(x)", "cost": "hinge"}},
    {"do": "step", "by": "step", "count": 20},
    {"do": "step", "by": "example"},
    {"do": "step", "by": "epoch"},
    {"do": "set", "optimizer": {"name": "adam"}, "l2": 0.01},
    {"do": "run"},
    {"do": "frame", "steps": 1, "boundary": 20, "maps": 8, "parameters": True, "gradient": True},
    {"do": "inspect", "what": "weight", "layer": 0, "neuron": 1, "input": 0},
    {"do": "inspect", "what": "neuron", "layer": 0, "neuron": 1},
    {"do": "formula", "text": "exp(-x^2)", "points": 9},
    {"do": "formula", "text": "exp(-x^"},
    {"do": "source"},
    {"do": "save", "what": "weights"},
    {"do": "save", "what": "script"},
    {"do": "save", "what": "page"},
    {"do": "back"},
    {"do": "configure", "configuration": {"data": {"name": "digits", "n": 50}, "layers": [4]}},
    {"do": "draw", "pixels": [0.0] * 300 + [1.0] * 20 + [0.0] * 464, "target": 1},
    {"do": "configure", "configuration": {"data": {"name": "csv", "text": "a,b,c\n1,2,x\n2,1,y\n3,1,y\n"}, "held_out": 0, "layers": []}},
    {"do": "nothing"},
]


def built(folder: Path, pyodide: str | None = None) -> Path:
    site.write(folder, pyodide)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# The folder


def test_it_has_the_page_the_worker_and_the_packages(tmp_path: Path) -> None:
    found = contents(built(tmp_path))
    page = {path.name for path in PAGE.iterdir() if path.is_file()}
    lessons = {f"lessons/{path.stem}.json" for path in (PAGE / "lessons").iterdir()}
    assert found.keys() == page | lessons | {"lessons/index.json", "numbers.js", "nudge.zip"}
    assert {"index.html", "main.js", "worker.js", "style.css"} <= page
    changed = {name for name in page if found[name] != (PAGE / name).read_bytes()}
    assert changed == {"index.html", "worker.js"}
    with zipfile.ZipFile(io.BytesIO(found["nudge.zip"])) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    ours = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for name in ("autograd", "nn", "playground")
        for path in (ROOT / name).rglob("*.py")
    }
    assert ours.items() <= packed.items()
    assert "autograd/vectorize/backends/native/rows.h" in packed
    assert packed["playground/page/index.html"] == (PAGE / "index.html").read_bytes()  # that a state is saved in
    assert not any("__pycache__" in name for name in packed)


def test_the_site_contains_lessons_from_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lines.md"
    path.write_text("# Lines\n\n## One\n\nText.\n")
    site.main([f"--output={tmp_path / 'site'}", f"--lesson={path}"])
    lesson = json.loads(contents(tmp_path / "site")["lessons/lines.json"])
    assert lesson == {"title": "Lines", "pages": [{"title": "One", "text": "<p>Text.</p>\n"}]}
    assert f"A link to the lesson in {path} ends in index.html?lesson=lines\n" in capsys.readouterr().out
    path.write_text("# Lines\n\nText.\n")
    with pytest.raises(SystemExit, match=r"lines\.md, line 3: this is before the first page"):
        site.main([f"--output={tmp_path / 'another'}", f"--lesson={path}"])
    assert not (tmp_path / "another").exists()


def test_it_is_the_same_byte_for_byte_each_time(tmp_path: Path) -> None:
    first, second = (contents(built(tmp_path / name)) for name in ("first", "second"))
    assert first == second
    assert contents(built(tmp_path / "first")) == second  # over what was there
    with zipfile.ZipFile(io.BytesIO(first["nudge.zip"])) as archive:
        entries = archive.infolist()
    assert {(each.date_time, each.compress_type) for each in entries} == {((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)}
    for name in ("autograd", "nn", "playground"):
        part = [each.filename for each in entries if each.filename.startswith(f"{name}/")]
        assert part == sorted(part, key=lambda each: Path(each).parts)


def test_pyodide_comes_from_the_network_unless_it_is_there(tmp_path: Path) -> None:
    assert re.fullmatch(r"https://cdn\.jsdelivr\.net/pyodide/v\d+\.\d+\.\d+/full/", site.CDN)
    assert site.write(tmp_path) == site.CDN
    assert f'const PYODIDE = "{site.CDN}";' in (tmp_path / "worker.js").read_text()
    (tmp_path / "pyodide").mkdir()
    (tmp_path / "pyodide/pyodide.mjs").write_text("mine")
    assert site.write(tmp_path) == "./pyodide/"
    assert 'const PYODIDE = "./pyodide/";' in (tmp_path / "worker.js").read_text()
    assert (tmp_path / "pyodide/pyodide.mjs").read_text() == "mine"
    assert site.write(tmp_path, "https://example.org/py") == "https://example.org/py/"
    assert 'const PYODIDE = "https://example.org/py/";' in (tmp_path / "worker.js").read_text()


def test_the_page_connects_only_to_its_own_server(tmp_path: Path) -> None:
    html = (built(tmp_path) / "index.html").read_text()
    policy = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
    assert policy == [site.POLICY]
    assert html.index("Content-Security-Policy") < html.index("<script") < html.index("</head>")
    directives = dict(each.split(maxsplit=1) for each in site.POLICY.split("; "))
    assert directives["default-src"] == "'none'"
    assert {each for value in directives.values() for each in value.split()} == {"'none'", "'self'", "data:", "blob:"}


@pytest.mark.parametrize(
    "address",
    ["pyodide", "ftp://example.org/", 'https://example.org/"; alert(1); "', "https://example.org/a b/", "https://example.org/;a/"],
)
def test_an_invalid_address_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match=re.escape("--pyodide must be the address of a folder, such as ./pyodide/ or https://cdn.")):
        site.write(tmp_path, address)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_other_files_is_not_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(SystemExit) as ended:
        site.main(["--output", str(tmp_path)])
    assert ended.value.code == f"{tmp_path} contains other files: choose another folder with --output, or empty it"
    assert contents(tmp_path) == {"index.html": b"mine"}
    with pytest.raises(SystemExit) as ended:
        site.main(["--output", str(tmp_path / "index.html")])
    assert "index.html" in str(ended.value.code)


def test_the_command_prints_the_folder_and_the_address_of_pyodide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.main(["--output", str(tmp_path / "a")])
    assert capsys.readouterr().out == (
        f"The playground is in {tmp_path / 'a'}, with Pyodide from {site.CDN}: readers' browsers load it from there\n"
        f"To look at it: python -m http.server --bind 127.0.0.1 --directory {tmp_path / 'a'}\n"
        f"If your server can, let it send this header with worker.js: Content-Security-Policy: default-src 'none'; "
        f"script-src 'self' {site.CDN} 'wasm-unsafe-eval'; connect-src 'self' {site.CDN}\n"
    )
    (tmp_path / "b/pyodide").mkdir(parents=True)
    site.main(["--output", str(tmp_path / "b")])
    told = capsys.readouterr().out
    assert "with Pyodide from ./pyodide/: the page loads nothing from another server\n" in told
    assert told.endswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'\n")


# The session


def test_it_answers_the_same_without_threads_processes_sockets_and_libraries(tmp_path: Path) -> None:
    session = Session()
    with closing(Wasm()) as wasm:
        wasm.unpack(built(tmp_path) / "nudge.zip")
        wasm.run(BEGIN)
        for message in MESSAGES:
            text = json.dumps(message)
            assert wasm.handle(text) == session.handle(text), message


@pytest.mark.parametrize(
    "forbidden",
    [
        "import threading; threading.Thread(target=print).start()",
        "import subprocess; subprocess.run(['true'])",
        "import socket; socket.socket()",
        "import ctypes; ctypes.CDLL('libm.so.6')",
        "import resource",
    ],
)
def test_the_stand_in_for_pyodide_has_none_of_them(forbidden: str, capfd: pytest.CaptureFixture[str]) -> None:
    with closing(Wasm()) as wasm:
        wasm.run("def handle(text):\n    exec(text)\n    return 'done'\n\nhandle")
        assert wasm.handle("import math") == "done"
        with pytest.raises(EOFError, match="Python has come to its end"):
            wasm.handle(forbidden)
    assert re.search(r"RuntimeError: not in a browser|ModuleNotFoundError: import of resource halted", capfd.readouterr().err)
