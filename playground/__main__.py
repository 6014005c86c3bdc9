"""python -m playground: serve the playground and open it in a browser, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from playground import lessons
from playground.server import Server


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="python -m playground", description="A network learns before your eyes, in your browser.")
    options.add_argument("--port", type=_port, default=0, help="the port to listen on (default: any free port)")
    options.add_argument("--no-browser", action="store_true", help="print the address, but open no browser")
    options.add_argument("--lesson", metavar="FILE", action="append", default=[], type=Path, help=lessons.HELP)
    given = options.parse_args(arguments)
    try:
        server = Server(given.port, more=given.lesson)
    except (OSError, lessons.LessonError) as error:
        sys.exit(str(error))
    try:
        asyncio.run(_serve(server, [lessons.name_of(path.name) for path in given.lesson], not given.no_browser))
    except KeyboardInterrupt:
        pass  # Ctrl-C ends it
    except ImportError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(
            f"cannot listen on port {given.port}: {error.strerror or error}; choose another one with --port, or omit --port for a free one"
        )


async def _serve(server: Server, names: Sequence[str], browser: bool) -> None:
    """Serve, and open the browser at the first of the given lessons, if there is one."""
    await server.start()
    links = {name: f"{server.address}?lesson={name}" for name in names}
    print(
        f"The playground is at {server.address} (Ctrl-C ends it)",
        *(f"The lesson {name} is at {links[name]}" for name in names),
        sep="\n",
        flush=True,
    )
    try:
        if browser:
            await asyncio.to_thread(webbrowser.open, next(iter(links.values()), server.address))
        await asyncio.Event().wait()
    finally:
        await server.stop()


def _port(text: str) -> int:
    if not text.isdecimal() or not int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, got {text!r}")
    return int(text)


if __name__ == "__main__":
    main()
