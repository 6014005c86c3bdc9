"""python -m playground: serve the playground and open it in a browser, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from playground import lessons
from playground.server import Server


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="python -m playground", description="A network learns before your eyes, in your browser.")
    options.add_argument("--port", type=_port, default=0, help="the port to listen on (default: any free port)")
    options.add_argument("--no-browser", action="store_true", help="print the address, but open no browser")
    options.add_argument("--site", metavar="URL", type=_site, help="a static site of the playground, for copied links")
    lessons.add_option(options)
    options.add_argument("--teacher", action="store_true", help="show the answers next to the questions of lessons")
    given = options.parse_args(arguments)
    last = _last_address()
    try:
        server = Server(given.port, more=given.lesson, token=last.get("token", ""), site=given.site or "", shows_answers=given.teacher)
    except (ImportError, OSError, lessons.LessonError) as error:
        sys.exit(str(error))
    try:
        names = [lessons.name_of(path.name) for path in given.lesson]
        asyncio.run(_serve(server, names, not given.no_browser, last))
    except KeyboardInterrupt:
        pass  # Ctrl-C ends it
    except ImportError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(
            f"cannot listen on port {given.port}: {error.strerror or error}; choose another one with --port, or omit --port for a free one"
        )


async def _serve(server: Server, names: Sequence[str], browser: bool, last: Mapping[str, Any]) -> None:
    """Serve, at the last port if it is free and no other was chosen. Open the browser at the first given lesson, if there is one."""
    was_chosen = server.port != 0
    await server.start(last.get("port", 0))
    address = {"token": server.token, "port": last.get("port") or (0 if was_chosen else server.port)}
    if address != last:
        _save_address(address)
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


def _state_file() -> Path:
    """The file with the preferred port and the token: so links and reloads work after a restart. Only this user may read it."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "nudge" / "playground.json"


def _last_address() -> dict[str, Any]:
    """The preferred port, 0 for none, and the token; nothing if there are none, or if others could have read or written them."""
    with suppress(OSError, ValueError, RuntimeError):
        path = _state_file()
        status = path.stat()
        is_private = os.name == "nt" or (status.st_uid == os.getuid() and not status.st_mode & 0o077)
        found = json.loads(path.read_text())
        if is_private and isinstance(found, dict) and re.fullmatch(r"[\w-]{22,64}", str(found.get("token")), re.ASCII):
            return {"token": found["token"], "port": found["port"] if type(found.get("port")) is int and 0 < found["port"] < 65536 else 0}
    return {}


def _save_address(address: Mapping[str, Any]) -> None:
    """Save the preferred port and the token for the next run, if this user has a folder for it."""
    with suppress(OSError, RuntimeError):
        path = _state_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # which only this user may read
            json.dump(address, file)
        Path(file.name).replace(path)


def _site(text: str) -> str:
    if not re.fullmatch(r"https?://[\w.:/~%-]+", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"a site is an address such as https://example.org/nudge/, got {text!r:.100}")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or not int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, got {text!r}")
    return int(text)


if __name__ == "__main__":
    main()
