"""launch: run a script in several processes of this machine that train one model together, with JAX.

    python -m nn.launch --processes 2 script.py its arguments

In a script that calls `train(..., backend="jax")`, the processes share each mini-batch. If a process fails, the launcher ends the others,
reports which one failed and why, and exits with its status. With `--restarts` it starts all processes again; a script that trains with
`checkpoint=path, resume=True` then continues from its checkpoint. Under Slurm, mpirun and on Cloud TPUs the launcher is not needed: the
script calls `jax.distributed.initialize()`.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from autograd._support import missing

GRACE = 1.0  # seconds to wait for a process that was killed, after another reports an error, which may be a consequence
PATIENCE = 3.0  # seconds to wait for a process to terminate before it is killed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nn.launch", description=str(__doc__).partition("\n")[0].removeprefix("launch: "))
    parser.add_argument("--processes", type=int, required=True, help="the number of processes")
    parser.add_argument("--restarts", type=int, default=0, help="how often to restart all processes after a failure (default: 0)")
    parser.add_argument("script", help="the Python script that each process runs")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the arguments of the script")
    given = parser.parse_args(arguments)
    for name, least in (("processes", 1), ("restarts", 0)):
        if vars(given)[name] < least:
            parser.error(f"argument --{name}: must be a whole number of at least {least}, got {vars(given)[name]}")
    if not Path(given.script).is_file():
        parser.error(f"there is no script {given.script}")
    if importlib.util.find_spec("jax") is None:
        parser.error(missing("nn.launch", "jax"))
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # the exit ends the processes
    return launch([given.script, *given.arguments], given.processes, given.restarts)


def launch(command: Sequence[str], processes: int, restarts: int = 0) -> int:
    """Run `command`, a script and its arguments, in several processes. Return the exit status: 0 if all processes succeeded.

    After one has failed, all of them are started again, at most `restarts` times.
    """
    while True:
        death = _run(command, processes)
        if death is None:
            return 0
        again = f"; restarting all processes; {restarts - 1} restarts left" if restarts else ""
        print(f"nn.launch: process {death.process} of {processes} {death.cause}; the others were ended{again}", file=sys.stderr, flush=True)
        if not restarts:
            return death.status
        restarts -= 1


class Death(NamedTuple):
    """A process that failed."""

    process: int
    code: int  # its exit status; negative for the signal that killed it

    @property
    def cause(self) -> str:
        if self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"failed with exit status {self.code}; see its output above"

    @property
    def status(self) -> int:
        """The exit status as a shell reports it: 128 plus the number of the signal for a killed process."""
        return 128 - self.code if self.code < 0 else self.code


def _run(command: Sequence[str], processes: int) -> Death | None:
    """Run the processes until all have ended or one has failed, then end the others. Return the first failure."""
    address = f"localhost:{_free_port()}"
    begin = "from nn.launch import take_part; take_part({!r}, {}, {})"
    running = [
        subprocess.Popen([sys.executable, "-c", begin.format(address, processes, index), *command], env=_environment())
        for index in range(processes)
    ]
    try:
        death = _first_death(running)
        if death is not None and death.code > 0:  # perhaps because another process was killed
            time.sleep(GRACE)
            killed = [Death(index, each.returncode) for index, each in enumerate(running) if (each.poll() or 0) < 0]
            death = next(iter(killed), death)
        return death
    finally:
        _end(running)


def _first_death(running: Sequence[subprocess.Popen[bytes]]) -> Death | None:
    """Wait until one has failed, or all have succeeded. Ctrl-C also reaches the processes, so the launcher ignores it."""
    while True:
        try:
            codes = [each.poll() for each in running]
            dead = [Death(index, code) for index, code in enumerate(codes) if code]
            if dead:
                return min(dead, key=lambda each: each.code)  # a signal before an error
            if None not in codes:
                return None
            time.sleep(0.05)
        except KeyboardInterrupt:
            pass


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """Terminate the running processes; kill those that do not terminate."""
    for each in running:
        if each.poll() is None:
            each.terminate()
    deadline = time.monotonic() + PATIENCE
    for each in running:
        try:
            each.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()


def take_part(address: str, processes: int, index: int) -> None:
    """Run the script, the first argument of this process, as process `index` of several that connect at `address`, a host and a port."""
    import jax

    limits = {"heartbeat_timeout_seconds": 10, "shutdown_timeout_seconds": 10}  # so that processes notice soon when another has stopped
    known = inspect.signature(jax.distributed.initialize).parameters
    jax.distributed.initialize(address, processes, index, **{name: limit for name, limit in limits.items() if name in known})
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    status = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as stop:
        status = exit_status(stop.code)
    except BaseException:
        print(f"process {index} of {processes}:", file=sys.stderr)
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    if status:
        os._exit(status)  # a normal exit would wait in JAX for processes that may have failed


def exit_status(code: object) -> int:
    """The exit status of `sys.exit(code)`: 0 for None, an integer modulo 256, and 1 for anything else, which is printed."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if -sys.maxsize - 1 <= code <= sys.maxsize else 0xFF
    print(code, file=sys.stderr)
    return 1


def _environment() -> dict[str, str]:
    """The environment of this process, with our packages on the path."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
