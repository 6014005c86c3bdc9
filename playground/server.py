"""The server: the page and a session for each socket, on this machine only, for those who know the printed address.

The page is at `/TOKEN/` with its files, and its socket at `/TOKEN/socket`.

Other web pages cannot use the server: the address contains a random token, and `Host` and `Origin` must be exactly the server's own
(against DNS rebinding and cross-site requests). The server reads its files at the start and never opens a file by a name in a request.
Sessions take turns on one thread, so the server answers while one of them computes.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd._support import missing
from playground import lessons
from playground.bundle import page_files, with_head
from playground.session import Session

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

HOST = "127.0.0.1"
MESSAGE = 2**23  # bytes; a socket that sends more at once is closed
SESSIONS = 16
IDLE = 3600.0  # seconds without a message after which a session ends
TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}


class Server:
    """Serves the playground at `address`, from `start` to `stop`. Port 0 means any free port.

    A session, which `begin` returns, ends after `idle` seconds without a message. There are at most `sessions` at the same time. `more`
    are lessons in addition to the playground's own; an invalid one raises LessonError. `token` is the secret in the address, by default
    a random one. `site` is the address of a static site, to which copied links lead. With `shows_answers` lessons show the answers of their
    questions.
    """

    def __init__(
        self,
        port: int = 0,
        idle: float = IDLE,
        sessions: int = SESSIONS,
        begin: Callable[[], Session] = Session,
        more: Iterable[Path] = (),
        token: str = "",
        site: str = "",
        shows_answers: bool = False,
    ) -> None:
        self.port, self.idle, self.most, self.begin = port, idle, sessions, begin
        self.token = token or secrets.token_urlsafe(16)
        page = page_files()
        settings = {"site": site, "teacher": "yes" if shows_answers else ""}
        lines = [f'<meta name="{name}" content="{content}">' for name, content in settings.items() if content]
        page["index.html"] = with_head(page["index.html"].decode(), *lines).encode()
        self.files = _files(page, more)
        self.open = 0  # sessions
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="session")
        self._server: Any = None

    @property
    def address(self) -> str:
        return f"{self.origin}/{self.token}/"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        return f"{HOST}:{self.port}"

    async def start(self, preferred_port: int = 0) -> None:
        """Listen, at the preferred port if it is free and no other was chosen. Raises ImportError without websockets, OSError if in use."""
        try:
            from websockets.asyncio.server import serve
        except ImportError as error:
            raise ImportError(missing("the playground", "websockets")) from error
        quiet = logging.getLogger(f"{__name__}.sockets")
        quiet.setLevel(logging.CRITICAL)  # browsers open sockets in advance and drop them
        listen = partial(
            serve, self._converse, HOST, process_request=self._answer, max_size=MESSAGE, max_queue=4, compression=None,
            server_header=None, logger=quiet,
        )  # fmt: skip
        try:
            self._server = await listen(self.port or preferred_port)
        except OSError:
            if self.port or not preferred_port:
                raise
            self._server = await listen(0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close all sockets, and wait for the running computation."""
        self._server.close()
        await self._server.wait_closed()
        self._worker.shutdown()

    # Requests

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The response to a request for a file; None if the request may open a socket."""
        if request.headers.get_all("Host") != [self.host]:
            return self._refused(HTTPStatus.FORBIDDEN, "use the printed address of this server")
        is_socket = "Upgrade" in request.headers
        if request.headers.get_all("Origin") not in ([self.origin], *([] if is_socket else [[]])):
            return self._refused(HTTPStatus.FORBIDDEN, "this server accepts requests from its own page only")
        token, _, name = request.path.partition("?")[0].removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return self._refused(HTTPStatus.FORBIDDEN, "the token is wrong: use the printed address of this server")
        if name == "socket":
            return None
        found = self.files.get(name or "index.html")
        if found is None:
            return self._refused(HTTPStatus.NOT_FOUND, "there is no such file")
        return self._response(HTTPStatus.OK, *found)

    def _refused(self, status: HTTPStatus, why: str) -> Response:
        return self._response(status, "text/plain; charset=utf-8", f"{why}\n".encode())

    def _response(self, status: HTTPStatus, kind: str, content: bytes) -> Response:
        from websockets.datastructures import Headers
        from websockets.http11 import Response

        return Response(status.value, status.phrase, Headers(**self._headers(kind, content)), content)

    def _headers(self, kind: str, content: bytes) -> dict[str, str]:
        policy = (
            f"default-src 'self'; connect-src 'self' ws://{self.host}; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
            f"form-action 'none'; frame-ancestors 'none'"
        )
        return {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
            "Connection": "close",
        }

    # Sockets

    async def _converse(self, connection: ServerConnection) -> None:
        """Run one session, from the opening of its socket until it closes: a message, its reply, and so on."""
        from websockets.exceptions import ConnectionClosed

        if self.open >= self.most:
            await connection.close(1013, f"there are already {self.most} sessions: close another page first")
            return
        self.open += 1
        try:
            loop = asyncio.get_running_loop()
            session = await loop.run_in_executor(self._worker, self.begin)
            while True:
                message = await asyncio.wait_for(connection.recv(), self.idle)
                await connection.send(await loop.run_in_executor(self._worker, session.handle, message))
        except asyncio.TimeoutError:
            await connection.close(1000, f"there was no message for {self.idle:g} seconds")
        except ConnectionClosed:
            pass
        finally:
            self.open -= 1


def _files(page: Mapping[str, bytes], more: Iterable[Path]) -> dict[str, tuple[str, bytes]]:
    """The type and the content of the page's files and of more lessons, by their paths."""
    known = [(name, TYPES.get(name.rpartition(".")[2]), content) for name, content in lessons.published(page, more).items()]
    return {name: (kind, content) for name, kind, content in known if kind}
