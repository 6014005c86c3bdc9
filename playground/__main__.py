"""python -m playground: open the playground in a browser, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import sys
import webbrowser
from collections.abc import Sequence

from playground.server import Server


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="python -m playground", description="A network learns before your eyes, in your browser.")
    options.add_argument("--port", type=_port, default=0, help="where to listen on this machine (default: any free port)")
    options.add_argument("--no-browser", action="store_true", help="only print the address")
    given = options.parse_args(arguments)
    try:
        asyncio.run(_serve(Server(given.port), not given.no_browser))
    except KeyboardInterrupt:
        pass  # Ctrl-C is how it ends
    except ImportError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(
            f"cannot listen on port {given.port}: {error.strerror or error}; choose another with --port, or leave it out for a free one"
        )


async def _serve(server: Server, browser: bool) -> None:
    await server.start()
    print(f"The playground is at {server.address} (Ctrl-C ends it)", flush=True)
    try:
        if browser:
            await asyncio.to_thread(webbrowser.open, server.address)
        await asyncio.Event().wait()
    finally:
        await server.stop()


def _port(text: str) -> int:
    if not text.isdecimal() or not int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, got {text!r}")
    return int(text)


if __name__ == "__main__":
    main()
