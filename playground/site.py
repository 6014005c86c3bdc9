"""python -m playground.site: the playground as a folder of files for any web server, with Python itself in the reader's browser.

The page is the same, and so is the session: it runs in a web worker, on Pyodide, which is CPython compiled to WebAssembly. The folder has

    index.html, *.js, ...   the page, with a Content-Security-Policy: it speaks to its own server alone
    worker.js               loads Pyodide and its numpy, unpacks nudge.zip, and answers the page's messages
    nudge.zip               the packages autograd, nn and playground
    pyodide/                Pyodide, where it was put there by hand: then nothing comes from elsewhere

The same source makes the same folder, byte for byte.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import autograd
import nn
from playground.server import PAGE, page_files

VERSION = "314.0.7"  # of Pyodide
CDN = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
BESIDE = "./pyodide/"
SOURCES = "nudge.zip"
PACKAGES = (Path(autograd.__file__).parent, Path(nn.__file__).parent, Path(__file__).parent)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)  # the page's own; a worker has one only where the server sends it with worker.js


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(
        prog="python -m playground.site", description="Write the playground as a folder that any web server can serve."
    )
    options.add_argument("--output", type=Path, default=Path("site"), help="the folder (default: site)")
    where = f"where Pyodide is (default: OUTPUT/pyodide/ if it is there, otherwise {CDN})"
    options.add_argument("--pyodide", metavar="URL", help=where)
    given = options.parse_args(arguments)
    try:
        address = write(given.output, given.pyodide)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    whence = "which readers' browsers will ask for it" if address.startswith("http") else "nothing comes from elsewhere"
    print(f"The playground is in {given.output}, with Pyodide from {address}: {whence}")
    print(f"To look at it: python -m http.server --bind 127.0.0.1 --directory {given.output}")
    print(f"A server that can should send with worker.js: Content-Security-Policy: {worker_policy(address)}")


def write(output: Path, pyodide: str | None = None) -> str:
    """Write the site to a folder, and return the address that it has Pyodide from.

    Raises ValueError for a folder with other things in it, and for an address that is none, and OSError where nothing can be written.
    """
    address = _address(pyodide or (BESIDE if (output / BESIDE).is_dir() else CDN))
    there = {path.name for path in output.iterdir()} if output.exists() else set()
    if there - {"pyodide"} and SOURCES not in there:
        raise ValueError(f"{output} has other things in it: choose another folder with --output, or empty it")
    for name, content in files(address).items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return address


def worker_policy(pyodide: str) -> str:
    """The policy for the worker, which a server can send with worker.js; a file cannot say it."""
    sources = "'self'" if not pyodide.startswith("http") else f"'self' {pyodide}"
    return f"default-src 'none'; script-src {sources} 'wasm-unsafe-eval'; connect-src {sources}"


def _address(pyodide: str) -> str:
    """The address of a folder with Pyodide in it. Raises ValueError for one that no browser would follow."""
    address = pyodide if pyodide.endswith("/") else f"{pyodide}/"
    is_known = address.startswith(("./", "../", "/", "https://", "http://"))
    if not is_known or any(each in "\"'<>\\;," or not each.isprintable() or each.isspace() for each in address):
        raise ValueError(f"--pyodide must be the address of a folder, such as {BESIDE} or {CDN}; got {pyodide!r:.100}")
    return address


def files(pyodide: str) -> dict[str, bytes]:
    """The site's files, by their paths in its folder."""
    page = page_files()
    head = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<meta name="session" content="worker">'
    page["index.html"] = _replaced(page["index.html"], '<meta charset="utf-8">', head)
    page["worker.js"] = _replaced(page["worker.js"], f'"{BESIDE}"', f'"{pyodide}"')
    return {SOURCES: _sources(), **page}  # it first: by it a folder is known, that of a writing cut short too


def _replaced(content: bytes, old: str, new: str) -> bytes:
    text = content.decode()
    if text.count(old) != 1:
        raise ValueError(f"the page has {old} {text.count(old)} times, and it must be there once")
    return text.replace(old, new).encode()


def _sources() -> bytes:
    """The packages as a zip: stored, as what is deflated differs from one zlib to another, and servers deflate what they send."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, path in _modules():
            opened.writestr(zipfile.ZipInfo(name), path.read_bytes())  # at the dawn of zip's time, in 1980
    return archive.getvalue()


def _modules() -> Iterator[tuple[str, Path]]:
    """The files of the packages and their names in the zip: all but the page, which is there already."""
    for package in PACKAGES:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and PAGE not in path.parents:
                yield path.relative_to(package.parent).as_posix(), path


if __name__ == "__main__":
    main()
