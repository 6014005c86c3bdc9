"""A Python such as a browser has, in a process of its own: of ours it has what is in a zip, and it can begin no thread and no process."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO

LACKS = ("curses", "dbm", "ensurepip", "grp", "idlelib", "pwd", "readline", "resource", "syslog", "tkinter", "turtle", "venv")  # Pyodide
REFUSES = (
    "subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system",
    "socket.__new__", "socket.bind", "socket.connect", "socket.getaddrinfo",
)  # fmt: skip

# The first text is run as Pyodide's runPython does it, with the value of the last line as the result; that is called with the others.
INSIDE = """
import ast, os, pickle, sys, threading

def start(thread):
    raise RuntimeError("not in a browser: a thread")

def hook(event, arguments):
    if event in {refuses!r} or event == "ctypes.dlopen" and arguments[0] is not None:
        raise RuntimeError("not in a browser: " + event)

for name in {lacks!r}:
    sys.modules[name] = None
sys.path.insert(0, {folder!r})
given, taken = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
vars(os).pop("sched_getaffinity", None)
threading.Thread.start = start
sys.addaudithook(hook)

*first, last = ast.parse(pickle.load(given)).body
names = {{}}
exec(compile(ast.Module(first, []), "<exec>", "exec"), names)
handle = eval(compile(ast.Expression(last.value), "<exec>", "eval"), names)
while True:
    try:
        text = pickle.load(given)
    except EOFError:
        break
    pickle.dump(handle(text), taken)
    taken.flush()
"""


class Wasm:
    """What loadPyodide gives, of which the worker uses three functions: `unpack`, then `run`, then the `handle` that it gave."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None

    def unpack(self, path: IO[bytes] | Path) -> None:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(self._folder.name)

    def run(self, source: str) -> None:
        """Run Python's text, whose last line is a function."""
        inside = INSIDE.format(refuses=REFUSES, lacks=LACKS, folder=self._folder.name)
        self._process = subprocess.Popen([sys.executable, "-I", "-B", "-c", inside], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._send(source)

    def handle(self, text: str) -> str | bytes:
        """Call that function. Raises EOFError where Python has come to its end."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            self._send(text)
            reply: str | bytes = pickle.load(self._process.stdout)
        except (BrokenPipeError, EOFError, pickle.UnpicklingError):  # the last one in the middle of an answer
            raise EOFError("Python has come to its end") from None
        return reply

    def _send(self, text: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        pickle.dump(text, self._process.stdin)
        self._process.stdin.flush()

    def end(self) -> None:
        """End Python, as where memory ends."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        self.end()
        if self._process is not None:
            self._process.communicate()
        self._folder.cleanup()
