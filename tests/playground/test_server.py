"""The playground's server: for its own page on this machine, and for nobody else."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("websockets")

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from playground import Session, __main__
from playground.server import Server
from tests.playground.players import unpacked
from tests.serving import running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


def get(server: Server, path: str, **headers: str) -> http.client.HTTPResponse:
    """What the server answers; headers are `Host`, `Origin`, and so on."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"Host": server.host, **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def opened(server: Server, path: str | None = None, origin: str | None = "") -> ClientConnection:
    address = f"ws://{server.host}/{server.token}/socket" if path is None else f"ws://{server.host}{path}"
    return connect(address, origin=server.origin if origin == "" else origin, max_size=None, open_timeout=30)  # type: ignore[arg-type]


def asked(connection: ClientConnection, **message: Any) -> dict[str, Any]:
    connection.send(json.dumps(message))
    return unpacked(connection.recv(30))


# The page


def test_the_page_and_its_files_are_served(server: Server) -> None:
    for name in ("", "index.html", "main.js", "style.css"):
        response = get(server, f"/{server.token}/{name}")
        kind = {"": "text/html", "index.html": "text/html", "main.js": "text/javascript", "style.css": "text/css"}[name]
        assert (response.status, response.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
        assert response.read() == (ROOT / "playground" / "page" / (name or "index.html")).read_bytes()
    assert get(server, f"/{server.token}/index.html?lesson=story").status == 200


def test_each_response_has_a_content_security_policy(server: Server) -> None:
    for path in (f"/{server.token}/", "/", f"/{server.token}/nothing.js"):
        headers = get(server, path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "unsafe" not in policy
        assert f"connect-src 'self' ws://{server.host};" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Server"] is None


@pytest.mark.parametrize(
    "name", ["nothing", "../server.py", "..%2fserver.py", "%2e%2e/server.py", "lessons", "lessons/", "/etc/passwd", "a" * 4000]
)
def test_unknown_paths_are_not_found(server: Server, name: str) -> None:
    response = get(server, f"/{server.token}/{name}")
    assert (response.status, response.read()) == (404, b"there is no such file\n")


# Who is let in


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}.evil.example", "", "[::1]:{port}"]
)
def test_another_host_is_refused(server: Server, host: str) -> None:
    response = get(server, f"/{server.token}/", Host=host.format(port=server.port))
    assert (response.status, response.read()) == (403, b"use the printed address of this server\n")


def test_two_hosts_are_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(f"GET /{server.token}/ HTTP/1.1\r\nHost: {server.host}\r\nHost: evil.example\r\n\r\n".encode())
        assert raw.recv(12) == b"HTTP/1.1 403"


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://localhost:{port}", "http://127.0.0.1:1", ""]
)
def test_another_origin_is_refused(server: Server, origin: str) -> None:
    origin = origin.format(port=server.port)
    response = get(server, f"/{server.token}/main.js", Origin=origin)
    assert (response.status, response.read()) == (403, b"this server accepts requests from its own page only\n")
    if origin:
        with pytest.raises(InvalidStatus, match="HTTP 403"):
            opened(server, origin=origin)


def test_a_socket_without_an_origin_is_refused(server: Server) -> None:
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        opened(server, origin=None)
    assert get(server, f"/{server.token}/main.js", Origin=server.origin).status == 200


@pytest.mark.parametrize("path", ["/", "", "/socket", "/x/socket", "/{token}x/socket", "/{short}/socket", "/é/socket", "//{token}/socket"])
def test_a_wrong_token_is_refused(server: Server, path: str) -> None:
    path = path.format(token=server.token, short=server.token[:-1])
    if path.isascii() and path:
        response = get(server, path)
        assert (response.status, response.read()) == (403, b"the token is wrong: use the printed address of this server\n")
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        opened(server, path=path if path.isascii() else "/%C3%A9/socket")


def test_a_socket_needs_its_path(server: Server) -> None:
    with pytest.raises(InvalidStatus, match="HTTP 404"):
        opened(server, path=f"/{server.token}/other")
    assert get(server, f"/{server.token}/socket").status == 426


def test_tokens_differ_and_are_long() -> None:
    tokens = {Server().token for _ in range(20)}
    assert len(tokens) == 20
    assert min(map(len, tokens)) >= 22


def test_only_this_machine_can_reach_it(server: Server) -> None:
    assert [each.getsockname()[0] for each in server._server.sockets] == ["127.0.0.1"]


# Sessions


def test_each_socket_has_its_own_session(server: Server) -> None:
    with opened(server) as one, opened(server) as other:
        assert asked(one, do="step", count=3, id=1)["step"] == 3
        assert asked(other, do="step", count=2, id=2)["step"] == 2
        frame = asked(one, do="frame", boundary=8, parameters=True)
        assert (frame["step"], frame["boundary"].shape, len(frame["parameters"])) == (3, (1, 8, 8), 337)


def test_replies_come_in_the_order_of_the_messages(server: Server) -> None:
    with opened(server) as connection:
        for index in range(50):
            connection.send(json.dumps({"do": ["step", "frame", "nothing"][index % 3], "id": index}))
        assert [unpacked(connection.recv(30))["id"] for _ in range(50)] == list(range(50))


def test_invalid_messages_get_an_error_and_the_session_continues(server: Server) -> None:
    with opened(server) as connection:
        asked(connection, do="step")
        for message in (b"\x00" * 100, "{", "x" * 3_000_000, json.dumps({"do": "set", "activations": "x" * 1_000_000})):
            connection.send(message)
            assert unpacked(connection.recv(30))["is"] == "error"
        assert asked(connection, do="frame")["step"] == 1


def test_a_message_beyond_the_limit_ends_only_its_session(server: Server) -> None:
    with opened(server) as connection, opened(server) as other:
        connection.send("x" * 9_000_000)
        with pytest.raises(ConnectionClosed, match="1009"):
            connection.recv(30)
        assert asked(other, do="hello")["version"] == 1


def frame_of(opcode: int, payload: bytes, masked: bool = True, length: int | None = None) -> bytes:
    """A frame of RFC 6455, which may be wrong."""
    size = len(payload) if length is None else length
    head = bytes([opcode]) + (bytes([128 * masked | size]) if size < 126 else bytes([128 * masked | 127]) + struct.pack(">Q", size))
    return head + (b"\0\0\0\0" if masked else b"") + payload


@pytest.mark.parametrize(
    "forged",
    [
        frame_of(0x81, b"{}", masked=False),
        frame_of(0x83, b"{}"),
        frame_of(0xF1, b"{}"),
        frame_of(0x81, b"\xff\xfe"),
        frame_of(0x81, b"", length=2**62),
        frame_of(0x80, b"goes on"),
        frame_of(0x89, b"x" * 200),
        b"\0" * 1000,
    ],
    ids=["unmasked", "opcode", "reserved", "no UTF-8", "exabytes", "nothing to go on with", "long ping", "zeros"],
)
def test_invalid_websocket_frames_end_only_their_session(server: Server, forged: bytes) -> None:
    with opened(server) as other, socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        lines = [f"GET /{server.token}/socket HTTP/1.1", f"Host: {server.host}", f"Origin: {server.origin}", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""]
        raw.sendall("\r\n".join(lines).encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 101")
        raw.sendall(forged)
        reply = raw.recv(4096)
        assert reply[0] == 0x88  # a close frame
        assert asked(other, do="hello")["version"] == 1


def test_invalid_requests_are_rejected(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00" * 50, b"GET\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n", b"G" * 100_000, b""):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
            raw.sendall(garbage)
            raw.shutdown(socket.SHUT_WR)
            answer = raw.recv(4096)
            assert b" 200 " not in answer.split(b"\r\n")[0]
    assert get(server, f"/{server.token}/").status == 200
    assert capfd.readouterr().err == ""


def test_a_dropped_socket_ends_its_session() -> None:
    with running() as server:
        for _ in range(3):
            with opened(server) as connection:
                connection.send(json.dumps({"do": "step", "count": 200}))
                connection.socket.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: server.open == 0)
        with opened(server) as connection:
            assert asked(connection, do="hello")["version"] == 1


def wait_until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_idle_sessions_end() -> None:
    with running(idle=0.2) as server, opened(server) as connection:
        with pytest.raises(ConnectionClosed, match=r"there was no message for 0\.2 seconds"):
            connection.recv(30)
        wait_until(lambda: server.open == 0)


def test_the_number_of_sessions_is_limited() -> None:
    with running(sessions=2) as server, opened(server) as one, opened(server) as two:
        asked(one, do="hello")
        asked(two, do="hello")
        with opened(server) as three, pytest.raises(ConnectionClosed, match="there are already 2 sessions: close another page first"):
            three.recv(30)
        one.close()
        wait_until(lambda: server.open == 1)
        with opened(server) as four:
            assert asked(four, do="hello")["version"] == 1


def test_the_server_answers_while_a_session_computes() -> None:
    begun, finish = threading.Event(), threading.Event()

    class Slow(Session):
        def handle(self, text: str | bytes) -> str | bytes:
            begun.set()
            assert finish.wait(60)
            return super().handle(text)

    with running(begin=Slow) as server, opened(server) as connection:
        connection.send('{"do": "hello"}')
        assert begun.wait(60)
        assert get(server, f"/{server.token}/").status == 200
        finish.set()
        assert unpacked(connection.recv(30))["version"] == 1


# The command


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for what the command keeps between runs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_the_address_stays_the_same_after_a_restart(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def opened_at(address: str) -> bool:
        seen.append(address)
        raise KeyboardInterrupt  # as if the user had enough at once

    monkeypatch.setattr("webbrowser.open", opened_at)
    for _ in range(2):
        __main__.main([])
    (path,) = home.glob("*/*")
    assert path.stat().st_mode & 0o777 == 0o600
    assert seen[0] == seen[1]
    with socket.create_server(("127.0.0.1", json.loads(path.read_text())["port"])):
        __main__.main([])  # the port is in use: another one
    __main__.main(["--port", seen[2].split("/")[2].partition(":")[2]])
    __main__.main([])
    assert (seen[2] != seen[0], seen[2].split("/")[3], seen[3:]) == (True, seen[0].split("/")[3], [seen[2], seen[0]])
    for content, mode in ((path.read_text(), 0o644), ("{}", 0o600), ('{"token": 3}', 0o600), ("", 0o600)):
        path.write_text(content)
        path.chmod(mode)
        __main__.main([])
    assert len({each.split("/")[3] for each in seen}) == 5  # others could have read it, or it is damaged: a new token


def test_the_command_prints_its_address_and_ends_on_a_signal() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "playground", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("The playground is at http://127.0.0.1:")
        assert line.endswith("/ (Ctrl-C ends it)\n")
        _, _, host, token, _ = line.split()[4].split("/")
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("GET", f"/{token}/")
        assert connection.getresponse().status == 200
        process.terminate()
        assert process.communicate(timeout=60)[1] == ""


def test_a_browser_is_opened_at_the_address(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []

    def opened_at(address: str) -> bool:
        seen.append(address)
        raise KeyboardInterrupt  # as if the user had enough at once

    monkeypatch.setattr("webbrowser.open", opened_at)
    __main__.main([])
    assert capsys.readouterr().out == f"The playground is at {seen[0]} (Ctrl-C ends it)\n"


def test_the_command_opens_a_lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    for name in ("first.md", "second.md"):
        (tmp_path / name).write_text("# Lines\n\n## One\n\nText.\n")

    def opened_at(address: str) -> None:
        seen.append(address)
        port, path = address.removeprefix("http://127.0.0.1:").split("/", 1)
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
        connection.request("GET", f"/{path.partition('?')[0]}lessons/second.json")
        response = connection.getresponse()
        assert response.headers["Content-Type"] == "application/json"
        assert json.loads(response.read()) == {"title": "Lines", "pages": [{"title": "One", "text": "<p>Text.</p>\n"}]}
        raise KeyboardInterrupt  # as if the user had enough at once

    monkeypatch.setattr("webbrowser.open", opened_at)
    __main__.main([f"--lesson={tmp_path / 'first.md'}", f"--lesson={tmp_path / 'second.md'}"])
    address, _, query = seen[0].partition("?")
    assert query == "lesson=first"
    assert capsys.readouterr().out.splitlines() == [
        f"The playground is at {address} (Ctrl-C ends it)",
        f"The lesson first is at {address}?lesson=first",
        f"The lesson second is at {address}?lesson=second",
    ]


def test_an_invalid_lesson_is_reported_before_serving(tmp_path: Path) -> None:
    (tmp_path / "lines.md").write_text("# Lines\n\n## One\n\n### Two\n")
    with pytest.raises(SystemExit, match=r"lines\.md, line 5: there are two kinds of headings: # for the lesson's title, ## for each page"):
        __main__.main(["--no-browser", f"--lesson={tmp_path / 'lines.md'}"])
    with pytest.raises(SystemExit, match=r"No such file or directory: .*none\.md"):
        __main__.main(["--no-browser", f"--lesson={tmp_path / 'none.md'}"])


def test_a_port_in_use_is_reported(server: Server) -> None:
    with pytest.raises(SystemExit) as caught:
        __main__.main(["--no-browser", "--port", str(server.port)])
    assert str(caught.value).startswith(f"cannot listen on port {server.port}: ")
    assert str(caught.value).endswith("; choose another one with --port, or omit --port for a free one")


@pytest.mark.parametrize("port", ["-1", "65536", "http", "1.5", "²"])
def test_a_port_is_a_number(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main([f"--port={port}"])
    assert f"a port is a number from 0 to 65535, got '{port}'" in capsys.readouterr().err


def test_a_missing_websockets_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.asyncio.server", None)
    with pytest.raises(SystemExit, match=r'the playground needs websockets: pip install "websockets>=13" \(the extra `play`\)'):
        __main__.main(["--no-browser"])
