"""The C compiler and its cache: what is compiled once, what is not trusted, and what is said without a compiler."""

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograd.errors import CompilationError, UnsafeCacheError
from autograd.vectorize.backends.native import compiler
from autograd.vectorize.backends.native.compiler import load
from tests.threads import in_threads

SOURCE = "double twice(double x) { return 2 * x; }\n"
try:
    compiler.compiler()
    HAS_COMPILER = True
except CompilationError:
    HAS_COMPILER = False
needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler here")
posix = pytest.mark.skipif(os.name != "posix", reason="who may write to a directory is told by its mode on POSIX systems")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own, and a process that has loaded nothing yet."""
    monkeypatch.setattr(compiler, "_loaded", {})
    directory = tmp_path / "cache"
    monkeypatch.setenv("NUDGE_CACHE", str(directory))
    compiler._compiler.cache_clear()
    yield directory
    compiler._compiler.cache_clear()


def twice(library: ctypes.CDLL) -> float:
    library.twice.restype, library.twice.argtypes = ctypes.c_double, [ctypes.c_double]
    return float(library.twice(1.5))


def libraries(cache: Path) -> list[Path]:
    return sorted(path for path in cache.iterdir() if path.suffix == compiler.SUFFIX)


def forget() -> None:
    """As a new process would be."""
    compiler._loaded.clear()
    compiler._clear.cache_clear()


def refuse_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_nothing(*_: object) -> bytes:
        raise AssertionError("compiled again")

    monkeypatch.setattr(compiler.Compiler, "compile", compile_nothing)


@needs_compiler
def test_a_library_is_compiled_once_and_then_found(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert twice(load(SOURCE)) == 3.0
    assert load(SOURCE) is load(SOURCE)
    forget()
    refuse_to_compile(monkeypatch)
    assert twice(load(SOURCE)) == 3.0
    assert [path.name for path in cache.iterdir() if path.name != "zig"] == [libraries(cache)[0].name]  # no rest of the work


@needs_compiler
def test_compiling_removes_libraries_that_were_not_used_for_months(cache: Path) -> None:
    for factor in (2, 3, 4):
        load(SOURCE.replace("2", str(factor)))
    by_age = sorted(libraries(cache), key=lambda path: path.stat().st_mtime_ns)
    others = [cache / f"mine{compiler.SUFFIX}", cache / f"{'a' * 32}-{'b' * 31}{compiler.SUFFIX}", cache / "zig"]
    killed, at_work = cache / ".work-killed", cache / ".work-now"
    for path in (*others[:2], killed / "made", at_work / "made"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("not ours", encoding="utf-8")
    others[2].mkdir(exist_ok=True)
    long_ago = time.time() - compiler.KEPT - 60
    for path in (*by_age, *others, killed):
        os.utime(path, (long_ago, long_ago))
    forget()
    assert twice(load(SOURCE)) == 3.0
    assert libraries(cache) == sorted([*by_age, *others[:2]]), "to ask for what is there makes nothing, and removes nothing"
    load(SOURCE.replace("2", "5"))
    left = set(libraries(cache))
    assert {by_age[0], *others[:2]} < left, "it was asked for a moment ago, and what is not ours stays"
    assert not {by_age[1], by_age[2]} & left
    assert len(left) == 4
    assert others[2].exists()
    assert at_work.exists()
    assert not killed.exists()


@needs_compiler
@posix
def test_the_cache_is_made_for_its_owner_alone(cache: Path) -> None:
    load(SOURCE)
    assert cache.stat().st_mode & 0o777 == 0o700


@needs_compiler
def test_the_source_the_processor_the_flags_and_the_compiler_select_the_library(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(SOURCE)
    load(SOURCE.replace("2 * x", "x + x"))
    assert len(libraries(cache)) == 2
    monkeypatch.setattr(compiler, "processor", lambda: "another processor")
    load(SOURCE)
    assert len(libraries(cache)) == 3
    monkeypatch.setattr(compiler, "FLAGS", (*compiler.FLAGS, "-O1"))
    compiler._compiler.cache_clear()
    load(SOURCE)
    assert len(libraries(cache)) == 4
    monkeypatch.setattr(compiler.Compiler, "__hash__", object.__hash__)
    other = compiler.Compiler(compiler.compiler().command, "gcc of next year", compiler.compiler().flags)
    monkeypatch.setattr(compiler, "compiler", lambda: other)
    load(SOURCE)
    assert len(libraries(cache)) == 5


@needs_compiler
@pytest.mark.parametrize("harm", ["cut short", "emptied", "a bit turned", "another library"])
def test_a_damaged_or_foreign_library_is_compiled_again(harm: str, cache: Path) -> None:
    load("double twice(double x) { return 7 * x; }\n")
    (foreign,) = libraries(cache)
    load(SOURCE)
    (path,) = [each for each in libraries(cache) if each != foreign]
    whole = path.read_bytes()
    harmed = {
        "cut short": whole[: len(whole) // 2],
        "emptied": b"",
        "a bit turned": whole[:100] + bytes([whole[100] ^ 1]) + whole[101:],
        "another library": foreign.read_bytes(),
    }[harm]
    path.unlink()  # it is still mapped in this process
    path.write_bytes(harmed)
    forget()
    assert twice(load(SOURCE)) == 3.0
    assert not path.exists() or path.read_bytes() != harmed


@needs_compiler
@posix
def test_a_cache_that_others_may_write_to_is_refused(cache: Path) -> None:
    load(SOURCE)
    forget()
    cache.chmod(0o777)
    with pytest.raises(UnsafeCacheError, match=r"others may write to the cache .*cache .* mode 777.*chmod go-w it .*or set NUDGE_CACHE"):
        load(SOURCE)
    with pytest.raises(UnsafeCacheError, match="others may write to the cache"):
        load(SOURCE.replace("twice", "thrice"))
    cache.chmod(0o700)
    assert twice(load(SOURCE)) == 3.0


@needs_compiler
def test_a_cache_that_cannot_be_written_gives_way_to_a_private_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUDGE_CACHE", str(tmp_path / "file" / "cache"))
    assert twice(load(SOURCE)) == 3.0
    private = compiler._private_directory()
    assert list(private.glob(f"*{compiler.SUFFIX}"))
    if os.name == "posix":
        assert private.stat().st_mode & 0o777 == 0o700


@needs_compiler
@pytest.mark.parametrize("where", ["the compiler", "the library"])
def test_a_full_disk_gives_way_to_a_private_directory(where: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, run = Path.write_bytes, subprocess.run

    def full(path: Path, data: bytes) -> int:
        if cache in path.parents and where == "the library":
            raise OSError(28, "No space left on device")
        return write(path, data)

    def full_for_the_compiler(command: list[str], **kwargs: object) -> object:
        if cache in Path(str(kwargs.get("cwd"))).parents and where == "the compiler":
            return subprocess.CompletedProcess(command, 1, b"", b"/usr/bin/ld: final link failed: No space left on device")
        return run(command, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(subprocess, "run", full_for_the_compiler)
    assert twice(load(SOURCE)) == 3.0
    assert not libraries(cache)


@needs_compiler
def test_no_writable_directory_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CompilationError, match=r"no directory for a compiled program is writable: .*No space left"):
        load(SOURCE)


@needs_compiler
def test_several_processes_at_once_compile_the_same(cache: Path) -> None:
    script = (
        "import ctypes\n"
        "from autograd.vectorize.backends.native.compiler import load\n"
        f"twice = load({SOURCE!r}).twice\n"
        "twice.restype, twice.argtypes = ctypes.c_double, [ctypes.c_double]\n"
        "print(twice(1.5))\n"
    )
    root = Path(__file__).parents[3]
    running = [subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [each.communicate()[0] for each in running] == ["3.0\n"] * 4
    forget()
    assert twice(load(SOURCE)) == 3.0


@needs_compiler
def test_several_threads_at_once_get_one_library() -> None:
    assert len(set(map(id, in_threads(4, lambda _: load(SOURCE))))) == 1


@needs_compiler
def test_the_environment_does_not_change_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "math.h").write_text("#error not this one\n")
    for name in ("CPATH", "C_INCLUDE_PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("CC", "/nowhere/cc")
    monkeypatch.setenv("CFLAGS", "-ffast-math")
    assert twice(load("#include <math.h>\n" + SOURCE)) == 3.0


@needs_compiler
def test_errors_contain_the_message_of_the_compiler(cache: Path) -> None:
    with pytest.raises(CompilationError, match=r"did not compile the program \(exit status \d+\):\n(.|\n)*error"):
        load("double twice(double x) { return 2 * }\n")
    assert not libraries(cache)


def test_the_error_without_a_compiler_names_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUDGE_CC", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CompilationError, match=r"needs a C compiler \(gcc, clang or ziglang\): pip install ziglang \(the extra `native`\)"):
        load(SOURCE)


def test_a_program_that_is_not_a_c_compiler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUDGE_CC", sys.executable)  # it has a version, but does not know C
    with pytest.raises(CompilationError, match=r"NUDGE_CC names .*, which is not a C compiler here: set it to gcc, clang, .* or ziglang"):
        load(SOURCE)


@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/caches"}, "/caches/nudge"),
        ("linux", {"XDG_CACHE_HOME": "caches"}, "/home/ada/.cache/nudge"),
        ("linux", {}, "/home/ada/.cache/nudge"),
        ("darwin", {"XDG_CACHE_HOME": "/caches"}, "/home/ada/Library/Caches/nudge"),
        ("win32", {"LOCALAPPDATA": "/data"}, "/data/nudge/cache"),
        ("win32", {}, "/home/ada/AppData/Local/nudge/cache"),
    ],
)
@posix
def test_the_cache_lies_where_the_system_keeps_caches(
    system: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NUDGE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", system)
    assert compiler.cache_directory() == Path(expected)


@pytest.mark.soak
@needs_compiler
@pytest.mark.skipif(sys.platform != "linux", reason="the sanitizer is loaded by LD_PRELOAD, which is Linux's")
def test_the_sanitizer_sees_a_write_past_the_end() -> None:
    done = sanitized("void zero(double *x, int n) { for (int i = 0; i <= n; i++) x[i] = 0; }", "library.zero((ctypes.c_double * 3)(), 3)")
    assert done.returncode
    assert "heap-buffer-overflow" in done.stderr
    done = sanitized("int add(int a, int b) { return a + b; }", "library.add(2**31 - 1, 1)")
    assert done.returncode
    assert "signed integer overflow" in done.stderr
    done = sanitized("int add(int a, int b) { return a + b; }", "print(library.add(2**31 - 2, 1))")
    assert (done.returncode, done.stdout) == (0, "2147483647\n"), done.stderr


def sanitized(source: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script on `library`, compiled from C source with the sanitizers; skip where the compiler brings none."""
    chosen = compiler.compiler()
    runtime = subprocess.run([*chosen.command, "-print-file-name=libasan.so"], capture_output=True, text=True, check=False).stdout.strip()
    if not Path(runtime).is_absolute() or "ziglang" in chosen.name:
        pytest.skip(f"{chosen.name} brings no libasan.so to load into Python")
    script = (
        "import ctypes\n"
        "from autograd.vectorize.backends.native.compiler import load\n"
        f"library = load({source!r}, sanitize=True)\n"
        f"{script}\n"
    )
    environment = {**os.environ, "LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    return subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[3], env=environment, capture_output=True, text=True, check=False
    )
