"""python -m playground.site: the playground as a folder of files for any web server, with Python in the reader's browser.

The page and the session are the same. The session runs in a web worker on Pyodide, which is CPython compiled to WebAssembly. The
folder contains

    index.html, *.js, ...   the page, with a Content-Security-Policy: it connects to its own server only
    worker.js               loads Pyodide and its numpy, unpacks nudge.zip, and answers the page's messages
    nudge.zip               the packages autograd, nn and playground
    pyodide/                Pyodide, if you put it there: then the page loads nothing from another server

The same source makes the same folder, byte for byte.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import autograd
import nn
from playground import lessons
from playground.bundle import page_files, replaced, with_head

VERSION = "0.27.7"  # of Pyodide, with which the site is tested
CDN = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
BESIDE = "./pyodide/"
SOURCES = "nudge.zip"
PACKAGES = (Path(autograd.__file__).parent, Path(nn.__file__).parent, Path(__file__).parent)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)  # of the page; a worker has a policy only if the server sends it with worker.js


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(
        prog="python -m playground.site", description="Write the playground as a folder that any web server can serve."
    )
    options.add_argument("--output", type=Path, default=Path("site"), help="the folder (default: site)")
    where = f"the address of Pyodide (default: OUTPUT/pyodide/ if it exists, otherwise {CDN})"
    options.add_argument("--pyodide", metavar="URL", help=where)
    lessons.add_option(options)
    given = options.parse_args(arguments)
    try:
        address = write(given.output, given.pyodide, given.lesson)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(str(error))
    origin = "readers' browsers load it from there" if address.startswith("http") else "the page loads nothing from another server"
    print(f"The playground is in {given.output}, with Pyodide from {address}: {origin}")
    for path in given.lesson:
        print(f"A link to the lesson in {path} ends in index.html?lesson={lessons.name_of(path.name)}")
    print(f"To look at it: python -m http.server --bind 127.0.0.1 --directory {given.output}")
    print(f"If your server can, let it send this header with worker.js: Content-Security-Policy: {worker_policy(address)}")


def write(output: Path, pyodide: str | None = None, more: Iterable[Path] = ()) -> str:
    """Write the site to a folder and return the address of Pyodide: by default pyodide/ in the folder if it exists, otherwise jsdelivr.

    The folder may exist if it contains nothing but an earlier site and pyodide/. `more` are lessons in addition to the playground's own.
    Raises ValueError if the folder contains other files, or the address or a lesson is invalid, and OSError if it cannot be written.
    """
    address = _address(pyodide or (BESIDE if (output / BESIDE).is_dir() else CDN))
    there = {path.name for path in output.iterdir()} if output.exists() else set()
    if there - {"pyodide"} and SOURCES not in there:
        raise ValueError(f"{output} contains other files: choose another folder with --output, or empty it")
    for name, content in files(address, more).items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return address


def worker_policy(pyodide: str) -> str:
    """The policy for the worker, which only a server can set, with worker.js."""
    sources = "'self'" if not pyodide.startswith("http") else f"'self' {pyodide}"
    return f"default-src 'none'; script-src {sources} 'wasm-unsafe-eval'; connect-src {sources}"


def _address(pyodide: str) -> str:
    """The address of a folder with Pyodide, ending in a slash. Raises ValueError if it is invalid."""
    address = pyodide if pyodide.endswith("/") else f"{pyodide}/"
    is_known = address.startswith(("./", "../", "/", "https://", "http://"))
    if not is_known or any(each in "\"'<>\\;," or not each.isprintable() or each.isspace() for each in address):
        raise ValueError(f"--pyodide must be the address of a folder, such as {BESIDE} or {CDN}; got {pyodide!r:.100}")
    return address


def files(pyodide: str, more: Iterable[Path] = ()) -> dict[str, bytes]:
    """The site's files, by their paths in its folder."""
    page = lessons.published(page_files(), more)
    lines = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">', '<meta name="session" content="worker">'
    page["index.html"] = with_head(page["index.html"].decode(), *lines).encode()
    page["worker.js"] = replaced(page["worker.js"].decode(), f'"{BESIDE}"', f'"{pyodide}"').encode()
    return {SOURCES: _sources(), **page}  # first, because it marks the folder as a site even if writing is interrupted


def _sources() -> bytes:
    """The packages as a zip, not compressed: zlib versions compress differently, and servers compress what they send."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, path in _modules():
            opened.writestr(zipfile.ZipInfo(name), path.read_bytes())  # with the earliest date of a zip, in 1980
    return archive.getvalue()


def _modules() -> Iterator[tuple[str, Path]]:
    """The names in the zip and the files of the packages, including the page, which is part of saved pages."""
    for package in PACKAGES:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(package.parent).as_posix(), path


if __name__ == "__main__":
    main()
