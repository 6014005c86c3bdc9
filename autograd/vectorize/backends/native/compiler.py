"""Compiler: finding a C compiler, calling it, and the cache of compiled libraries.

A library is compiled once. Its name in the cache is a hash of everything that it depends on (the source, the compiler and its version,
the flags, the processor), followed by a checksum of its contents. A truncated, damaged or foreign file does not match its name and is
compiled again. Libraries are written under another name and then renamed, so that other processes never see half of one. Libraries that
were not used for three months are removed when another one is compiled.
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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autograd._support import missing
from autograd.errors import CompilationError, UnsafeCacheError

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
FLAGS = (
    "-std=c99", "-fPIC", "-shared",
    "-ffp-contract=off",  # a * b + c rounds twice, as in numpy; the source calls `fused` where one rounding is better
    "-fno-math-errno", "-fno-trapping-math",  # these change no result and make a square root one instruction
)  # fmt: skip
DAY = 24 * 60 * 60  # seconds
KEPT, WORKED = 90 * DAY, DAY  # how long unused libraries and files of killed compilers are kept
GNU = "Free Software Foundation"  # in the version of gcc
GCC = "-O3", "-fno-ipa-cp-clone", "-fno-tree-pre", "-fno-gcse"  # the three passes take a fifth of the time and make no program faster
CLANG = ("-O3",)
LONG = 1500  # lines of source from which LIGHT is used: the other flags take too long, and gain little because the loops are short
LIGHT = "-O1", "-ftree-vectorize"
WORK = ".work-"  # prefix of the directories in which compilers work
SANITIZED = ("-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@dataclass(frozen=True)
class Compiler:
    """A C compiler: its command, its identity (version and file), and its flags."""

    command: tuple[str, ...]
    identity: str
    flags: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name and version of the compiler, such as `gcc 12.2.0`."""
        return self.identity.splitlines()[0]

    @property
    def optimization(self) -> tuple[str, ...]:
        """The flags for programs that are not long."""
        return GCC if GNU in self.identity else CLANG

    def compile(self, source: str, directory: Path, flags: tuple[str, ...]) -> bytes:
        """Compile C source and return the library as bytes. The compiler writes only to our directory.

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
    """Return the compiled library of C source, from the cache if it was compiled before.

    With `sanitize` it checks its own memory accesses and arithmetic: for tests, in a process that has the sanitizer loaded.
    Raises CompilationError without a compiler, or where it refuses the source, and PermissionError where the cache is not safe.
    """
    chosen = compiler()
    flags = (*chosen.flags, *(SANITIZED if sanitize else chosen.optimization if source.count("\n") < LONG else LIGHT))
    key = hashlib.sha256("\0".join([source, *chosen.command, chosen.identity, *flags, processor()]).encode()).hexdigest()[:32]
    with _lock:
        if key not in _loaded:
            _loaded[key] = _find(cache_directory(), key) or _make(chosen, source, flags, key)
        return _loaded[key]


_loaded: dict[str, ctypes.CDLL] = {}
_lock = threading.Lock()


# The cache.


def cache_directory() -> Path:
    """The directory of the cache: `$NUDGE_CACHE`, or `nudge` in the cache directory of the system."""
    if chosen := os.environ.get("NUDGE_CACHE"):
        return Path(chosen).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "nudge" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nudge"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if Path(named).is_absolute() else Path.home() / ".cache") / "nudge"  # relative paths are invalid


def _find(directory: Path, key: str) -> ctypes.CDLL | None:
    """The path of a library in the cache, or None if it is missing or its contents do not match its name."""
    try:
        _refuse_unless_ours(directory)
        found = sorted(directory.glob(f"{key}-*{SUFFIX}"))
    except UnsafeCacheError:
        raise
    except OSError:
        return None  # missing, or not a library
    for path in found:
        with suppress(OSError):
            if path.name == _name(key, path.read_bytes()):
                with suppress(OSError):  # the cache may be read-only
                    os.utime(path)
                return ctypes.CDLL(str(path))
        with suppress(OSError):
            path.unlink()
    return None


def _make(chosen: Compiler, source: str, flags: tuple[str, ...], key: str) -> ctypes.CDLL:
    """Compile into the cache and load from it. If the cache is not writable, use a directory that is deleted with this process."""
    problem: OSError | None = None
    for find in (cache_directory, _private_directory):
        directory = find()
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
    raise CompilationError(f"no directory for a compiled program is writable: {problem}") from problem


@functools.cache
def _clear(directory: Path) -> None:
    """Remove old unused libraries and unfinished work from a cache, once in a process. Other files stay."""
    hashed = "[0-9a-f]" * 32
    for pattern, kept in ((f"{hashed}-{hashed}{SUFFIX}", KEPT), (f"{WORK}*", WORKED)):
        for path in directory.glob(pattern):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > kept:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


@functools.cache
def _private_directory() -> Path:
    directory = tempfile.mkdtemp(prefix="nudge-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


def _name(key: str, contents: bytes) -> str:
    return f"{key}-{hashlib.sha256(key.encode() + contents).hexdigest()[:32]}{SUFFIX}"


def _refuse_unless_ours(directory: Path) -> None:
    """Raise UnsafeCacheError if others can write to a directory, and FileNotFoundError if it does not exist."""
    status = directory.stat()
    if sys.platform == "win32":
        return  # on Windows the data directory of a user is private
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
        raise CompilationError(
            f"NUDGE_CC names {wanted!r}, which is not a C compiler here: set it to gcc, clang, a path of one, or ziglang"
        )
    raise CompilationError(missing('backend="native"', "ziglang", what="a C compiler (gcc, clang or ziglang)"))


def compiler() -> Compiler:
    """Return the C compiler: the one that `$NUDGE_CC` names, the gcc or clang of the system, or the package `ziglang`, which has clang.

    Raises CompilationError, with the one command that helps, where there is none.
    """
    return _compiler(os.environ.get("NUDGE_CC") or None)


def c_compiler() -> str:
    """Return the name of the C compiler that `backend="native"` uses, such as `gcc (Debian 12.2.0) ...`, or "" if there is none.

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
    if done.returncode or not any(word in version for word in ("clang", GNU)):
        return None  # neither gcc nor clang: no vector extensions
    return Compiler((command,), f"{version}\n{status.st_size} {status.st_mtime_ns}", _flags())


def _has_developer_tools() -> bool:
    """Whether /usr/bin/cc is a compiler and not the program that offers to install one."""
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
        return (*FLAGS, "-march=native", "-mprefer-vector-width=512")  # the width that the source uses: clang would halve it
    return (*FLAGS, "-mcpu=native") if machine in ("aarch64", "arm64") else FLAGS


def _environment(directory: Path) -> dict[str, str]:
    """The environment of the compiler: nothing that changes its results, and our directory for its temporary files."""
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
    """The model and features of the processor: libraries are compiled for this one only."""
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
                break  # the others are the same
            if line.partition(":")[0].strip() in told:
                words.append(line.strip())
    return "\n".join(words)
