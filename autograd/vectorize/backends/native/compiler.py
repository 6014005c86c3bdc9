"""The C compiler: which one there is, how it is called, and the cache of what it made.

A library is made once. Its name in the cache is a hash of everything that it depends on (the source, the compiler and its version,
the flags, the processor), followed by a checksum of what is in it: a file that was cut short, damaged or put there by something
else does not go by its own name, and is made anew. It is written elsewhere and renamed, so that nobody ever sees half of one. What
nobody has asked for in three months goes when another is made.
"""

from __future__ import annotations

import atexit
import ctypes
import errno
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograd._support import missing
from autograd.errors import CompilationError, UnsafeCacheError

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
FLAGS = (
    "-std=c99", "-fPIC", "-shared",
    "-ffp-contract=off",  # a * b + c rounds twice, as in numpy; where one rounding is better the source says so by name
    "-fno-math-errno", "-fno-trapping-math",  # no number changes by these: they let a square root be one instruction
)  # fmt: skip
DAY = 24 * 60 * 60  # seconds
KEPT, WORKED = 90 * DAY, DAY  # how long a library is kept that nobody asks for, and what a compiler that was killed left behind
LONG = 60_000  # characters of source, from which on -O3 takes a compiler minutes, for loops that are short anyway
WORK = ".work-"  # how the name of a directory begins that a compiler works in
SANITIZED = ("-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@dataclass(frozen=True)
class Compiler:
    """A C compiler: the command that calls it, what tells it from every other (its version, its file), and its flags."""

    command: tuple[str, ...]
    identity: str
    flags: tuple[str, ...]

    @property
    def name(self) -> str:
        """The compiler in a few words, for people: `gcc 12.2.0`."""
        return self.identity.splitlines()[0]

    def compile(self, source: str, directory: Path, flags: tuple[str, ...]) -> bytes:
        """What the compiler makes of C source, working in a directory of ours and nowhere else.

        Raises CompilationError where it refuses the source, and OSError where it has no room to work.
        """
        output = directory / f"made{SUFFIX}"
        command = [*self.command, *flags, "-x", "c", "-", "-o", output.name, "-lm"]
        done = subprocess.run(command, cwd=directory, env=_environment(directory), input=source.encode(), capture_output=True, check=False)
        complaint = done.stderr.decode(errors="replace").strip()
        if os.strerror(errno.ENOSPC) in complaint:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(directory))
        if done.returncode or not output.exists():
            raise CompilationError(f"{self.name} did not compile the program (exit status {done.returncode}):\n{complaint[-2000:]}")
        return output.read_bytes()


def load(source: str, sanitize: bool = False) -> ctypes.CDLL:
    """The library that C source is compiled to, from the cache where it was compiled before.

    With `sanitize` it checks its own memory accesses and arithmetic: for tests, in a process that has the sanitizer loaded.
    Raises CompilationError without a compiler, or where it refuses the source, and PermissionError where the cache is not safe.
    """
    chosen = compiler()
    flags = (*chosen.flags, *(SANITIZED if sanitize else ["-O3" if len(source) < LONG else "-O1"]))
    key = hashlib.sha256("\0".join([source, *chosen.command, chosen.identity, *flags, processor()]).encode()).hexdigest()[:32]
    with _lock:
        if key not in _loaded:
            _loaded[key] = _find(cache_directory(), key) or _make(chosen, source, flags, key)
        return _loaded[key]


_loaded: dict[str, ctypes.CDLL] = {}
_lock = threading.Lock()


# The cache.


def cache_directory() -> Path:
    """Where libraries are kept: `$NUDGE_CACHE`, or `nudge` where this system keeps caches of programs."""
    if chosen := os.environ.get("NUDGE_CACHE"):
        return Path(chosen).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "nudge" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nudge"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if Path(named).is_absolute() else Path.home() / ".cache") / "nudge"  # a relative one is to be ignored, it says


def _find(directory: Path, key: str) -> ctypes.CDLL | None:
    """A library in the cache, if one is there and is what its name says."""
    try:
        _refuse_unless_ours(directory)
        found = sorted(directory.glob(f"{key}-*{SUFFIX}"))
    except UnsafeCacheError:
        raise
    except OSError:
        return None  # it is not there, or cannot be one
    for path in found:
        with suppress(OSError):
            if path.name == _name(key, path.read_bytes()):
                with suppress(OSError):  # a cache may be one that is read only
                    os.utime(path)
                return ctypes.CDLL(str(path))
        with suppress(OSError):
            path.unlink()
    return None


def _make(chosen: Compiler, source: str, flags: tuple[str, ...], key: str) -> ctypes.CDLL:
    """Compile into the cache, and load from there; where the cache takes nothing, use a directory that dies with this process."""
    problem: OSError | None = None
    for directory in _directories():
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_unless_ours(directory)
            with tempfile.TemporaryDirectory(prefix=WORK, dir=directory, ignore_cleanup_errors=True) as work:
                made = chosen.compile(source, Path(work), flags)
                path = directory / _name(key, made)
                written = Path(work) / path.name
                written.write_bytes(made)
                written.replace(path)
            _clear(directory)
            return ctypes.CDLL(str(path))
        except UnsafeCacheError:
            raise
        except OSError as error:
            problem = error
    raise CompilationError(f"there is nowhere to put a compiled program: {problem}") from problem


def _clear(directory: Path) -> None:
    """Remove from a cache the libraries that nobody has asked for in a long time, and unfinished work; what others put there stays."""
    hashed = "[0-9a-f]" * 32
    for pattern, kept in ((f"{hashed}-{hashed}{SUFFIX}", KEPT), (f"{WORK}*", WORKED)):
        for path in directory.glob(pattern):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > kept:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _directories() -> Iterator[Path]:
    yield cache_directory()
    yield _private_directory()


@functools.cache
def _private_directory() -> Path:
    directory = tempfile.mkdtemp(prefix="nudge-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


def _name(key: str, contents: bytes) -> str:
    return f"{key}-{hashlib.sha256(key.encode() + contents).hexdigest()[:32]}{SUFFIX}"


def _refuse_unless_ours(directory: Path) -> None:
    """Raise UnsafeCacheError where others can write to a directory, FileNotFoundError where it is not there."""
    status = directory.stat()
    if sys.platform == "win32":
        return  # the directory of a user's own data is theirs alone there
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise UnsafeCacheError(
            f"others may write to the cache {directory} (its owner is {status.st_uid}, its mode {status.st_mode & 0o777:o}), and what lies "
            f"there would be run: chmod go-w it if it is yours, or set NUDGE_CACHE to a directory that only you can write to"
        )


# The compilers.


@functools.cache
def _compiler(wanted: str | None) -> Compiler:
    for name in [wanted] if wanted else ["cc", "gcc", "clang", "ziglang"]:
        found = _ziglang() if name == "ziglang" else _on_the_system(name)
        if found:
            return found
    if wanted:
        raise CompilationError(f"NUDGE_CC names {wanted!r}, which is no C compiler here: it takes gcc, clang, a path of one, or ziglang")
    raise CompilationError(missing('backend="native"', "ziglang", what="a C compiler (gcc, clang or ziglang)"))


def compiler() -> Compiler:
    """The C compiler: the one that `$NUDGE_CC` names, or the system's gcc or clang, or the package `ziglang`, which is a clang.

    Raises CompilationError, with the one command that helps, where there is none.
    """
    return _compiler(os.environ.get("NUDGE_CC") or None)


def c_compiler() -> str:
    """The C compiler that `backend="native"` would use here, `gcc (Debian 12.2.0) ...`, or "" where there is none.

    >>> backend = "native" if c_compiler() else "numpy"
    """
    try:
        return compiler().name
    except CompilationError:
        return ""


def _on_the_system(name: str) -> Compiler | None:
    path = shutil.which(name)
    if path is None or (sys.platform == "darwin" and not _has_developer_tools()):
        return None
    command = str(Path(path).absolute())
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
            done = subprocess.run(
                [command, "--version"], cwd=empty, env=_environment(Path(empty)), capture_output=True, text=True, timeout=60, check=False
            )
        status = Path(command).stat()
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = done.stdout.strip()
    if done.returncode or not any(word in version for word in ("clang", "Free Software Foundation")):
        return None  # neither: it would not know vectors
    return Compiler((command,), f"{version}\n{status.st_size} {status.st_mtime_ns}", _flags())


def _has_developer_tools() -> bool:
    """Whether /usr/bin/cc is more than the program that offers to install one."""
    try:
        done = subprocess.run(["/usr/bin/xcode-select", "-p"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _ziglang() -> Compiler | None:
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        return None
    zig = Path(found.origin).parent / ("zig.exe" if sys.platform == "win32" else "zig")
    return Compiler((str(zig), "cc"), f"clang of ziglang {importlib.metadata.version('ziglang')}", _flags())


def _flags() -> tuple[str, ...]:
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        return (*FLAGS, "-march=native", "-mprefer-vector-width=512")  # those that the source asks for: clang would halve them
    return (*FLAGS, "-mcpu=native") if machine in ("aarch64", "arm64") else FLAGS


def _environment(directory: Path) -> dict[str, str]:
    """The environment a compiler runs in: nothing that changes what it makes, and room for its files in our directory."""
    kept = ("PATH", "SYSTEMROOT", "HOME", "USERPROFILE")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(directory)),
        "LC_ALL": "C",
        "ZIG_LOCAL_CACHE_DIR": str(directory),
        "ZIG_GLOBAL_CACHE_DIR": str(directory.parent / "zig"),
    }


@functools.cache
def processor() -> str:
    """The processor that programs are compiled for, with all that it can do: libraries are not for another one."""
    words = [platform.machine()]
    if sys.platform == "win32":
        words.append(platform.processor())
    elif sys.platform == "darwin":
        asked = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        words.append(subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip())
    with suppress(OSError), Path("/proc/cpuinfo").open() as file:
        told = ("vendor_id", "model", "model name", "flags", "Features", "CPU implementer", "CPU part")
        for line in file:
            if not line.strip():
                break  # the first of many, all alike
            if line.partition(":")[0].strip() in told:
                words.append(line.strip())
    return "\n".join(words)
