"""A notebook's kernel for the tests, and a client of it in a process of its own, as such clients leave sockets and event loops behind.

Run as a program it starts a kernel; each line that it reads is a request to it, as JSON, and each that it writes is all that the kernel
said to it: [[kind, content, [buffer in base64, ...]], ...].
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from tests import PATIENCE

ROOT = Path(__file__).parents[1]


class Said(NamedTuple):
    """A message of the kernel's, with its buffers in base64."""

    kind: str
    content: dict[str, Any]
    buffers: list[str]


class Kernel:
    """Runs cells, and takes what comes over comms; one at a time, from whatever thread."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip
        self.lock = threading.Lock()

    def stop(self) -> None:
        self.process.communicate(timeout=PATIENCE)  # nothing more to read: it ends, and the kernel with it

    def run(self, code: str) -> list[Said]:
        """All that a cell makes the kernel say."""
        return self._ask("execute_request", {"code": code, "silent": False})

    def pass_on(self, comm: str, data: dict[str, Any]) -> list[Said]:
        """All that a message over a comm makes the kernel say."""
        return self._ask("comm_msg", {"comm_id": comm, "data": data})

    def _ask(self, kind: str, content: dict[str, Any]) -> list[Said]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.lock:
            self.process.stdin.write(json.dumps([kind, content]) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        assert line, "the kernel has come to its end"
        said = [Said(*each) for each in json.loads(line)]
        for each in said:
            assert each.kind != "error", "\n".join(each.content["traceback"])
        return said

    def shown(self, code: str) -> dict[str, Any]:
        """The widget that a cell shows: its comm, and its state."""
        said = self.run(code)
        (view,) = (each.content["data"] for each in said if each.kind in ("execute_result", "display_data"))
        comm = view["application/vnd.jupyter.widget-view+json"]["model_id"]
        (state,) = (each.content["data"]["state"] for each in said if each.kind == "comm_open" and each.content["comm_id"] == comm)
        return {"comm": comm, "state": state}

    def value(self, code: str) -> Any:
        """What an expression is worth there."""
        return json.loads(
            "".join(each.content["text"] for each in self.run(f"import json; print(json.dumps({code}))") if each.kind == "stream")
        )


def main() -> None:
    start = importlib.import_module("jupyter_client.manager").start_new_kernel
    manager, client = start(startup_timeout=PATIENCE, cwd=str(ROOT))
    try:
        for line in sys.stdin:
            kind, content = json.loads(line)
            message = client.session.msg(kind, content)
            client.shell_channel.send(message)
            said = []
            while True:
                heard = client.get_iopub_msg(timeout=PATIENCE)
                if heard["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                    continue
                if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                    break
                said.append((heard["msg_type"], heard["content"], [base64.b64encode(each).decode() for each in heard["buffers"]]))
            print(json.dumps(said), flush=True)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
