"""launch: run a script in several processes of this machine that train one model together, with JAX.

    python -m nn.launch --processes 2 script.py its arguments

Where `train(..., backend="jax")` stands in the script, the processes share out each mini-batch. When one of them dies, the others
are ended, with a word about which it was and why, and the launcher's exit status is that one's; with `--restarts` all of them begin
again, from the checkpoint where the script trains with `checkpoint=path, resume=True`. Under Slurm, mpirun and on Cloud TPUs there is
nothing to launch: there the script calls `jax.distributed.initialize()`.
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

GRACE = 1.0  # seconds in which the others may turn out to have died before: of what killed one, they only report the consequences
PATIENCE = 3.0  # seconds that a process has to end when it is asked to


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nn.launch", description=str(__doc__).partition("\n")[0].removeprefix("launch: "))
    parser.add_argument("--processes", type=_whole, required=True, help="how many")
    parser.add_argument("--restarts", type=_not_negative, default=0, help="how often to begin again when one has died (default: never)")
    parser.add_argument("script", help="what each of them runs")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")
    given = parser.parse_args(arguments)
    if not Path(given.script).is_file():
        parser.error(f"there is no script {given.script}")
    if importlib.util.find_spec("jax") is None:
        parser.error(missing("nn.launch", "jax"))
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # and the processes are ended on the way
    return launch([given.script, *given.arguments], given.processes, given.restarts)


def launch(command: Sequence[str], processes: int, restarts: int = 0) -> int:
    """Run a script with its arguments in so many processes, and again where one dies; the exit status, 0 where all have ended well."""
    while True:
        death = _run(command, processes)
        if death is None:
            return 0
        again = f"; all begin again, {restarts} more times if need be" if restarts else ""
        print(f"nn.launch: process {death.process} of {processes} {death.cause}; the others were ended{again}", file=sys.stderr, flush=True)
        if not restarts:
            return death.status
        restarts -= 1


class Death(NamedTuple):
    """A process that did not end well."""

    process: int
    code: int  # its exit status; negative for the signal that killed it

    @property
    def cause(self) -> str:
        if self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"failed with exit status {self.code}, as it says above"

    @property
    def status(self) -> int:
        """As a shell has it."""
        return 128 - self.code if self.code < 0 else self.code


def _run(command: Sequence[str], processes: int) -> Death | None:
    """Run the processes to their ends; where one dies, end the others, and tell which it was."""
    address = f"localhost:{_free_port()}"
    begin = "from nn.launch import take_part; take_part({!r}, {}, {})"
    running = [
        subprocess.Popen([sys.executable, "-c", begin.format(address, processes, index), *command], env=_environment())
        for index in range(processes)
    ]
    try:
        death = _first_death(running)
        if death is not None and death.code > 0:  # perhaps of what killed another one
            time.sleep(GRACE)
            killed = [Death(index, each.returncode) for index, each in enumerate(running) if (each.poll() or 0) < 0]
            death = next(iter(killed), death)
        return death
    finally:
        _end(running)


def _first_death(running: Sequence[subprocess.Popen[bytes]]) -> Death | None:
    """Wait until one has died, or all have ended well. Ctrl-C is the processes' business: they have got it too."""
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
    """End those that still run; those that do not listen, or are stopped, by force."""
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
    """Run the script, the first of this process's arguments, as one of the processes that meet at an address."""
    import jax

    limits = {"heartbeat_timeout_seconds": 10, "shutdown_timeout_seconds": 10}  # for those who began without the launcher, and stopped
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
        os._exit(status)  # JAX would wait at the exit for processes that may be dead


def exit_status(code: object) -> int:
    """The exit status that Python gives `sys.exit(code)`: 0 for None, an integer modulo 256, and 1 for anything else, which it prints."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if -sys.maxsize - 1 <= code <= sys.maxsize else 0xFF
    print(code, file=sys.stderr)
    return 1


def _environment() -> dict[str, str]:
    """That of this process, with its own modules within reach."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least one process, not {number}")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:  # it would begin again for ever
        raise argparse.ArgumentTypeError(f"0 or more, not {number}")
    return number


if __name__ == "__main__":
    sys.exit(main())
