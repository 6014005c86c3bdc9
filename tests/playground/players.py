"""What the tests of the playground share: a session that is asked in Python, and its replies taken apart as the page does it."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from playground import Session


class Player:
    """A learner without a browser."""

    def __init__(self, session: Session | None = None, **configuration: Any) -> None:
        self.session = session or Session()
        self.configured = self("configure", configuration=configuration)

    def __call__(self, do: str, **message: Any) -> dict[str, Any]:
        """The reply to a message, which must be none of an error, with its arrays under their names."""
        reply = self.reply(do, **message)
        assert reply["is"] != "error", reply
        return reply

    def reply(self, do: str, **message: Any) -> dict[str, Any]:
        return unpacked(self.session.handle(json.dumps({"do": do, **message})))

    def refused(self, do: str, **message: Any) -> dict[str, Any]:
        """The reply to a message that is to be refused."""
        reply = self.reply(do, **message)
        assert reply["is"] == "error", reply
        return reply

    @property
    def parameters(self) -> list[float]:
        """The numbers that a frame tells of, which are the network's."""
        told = self("frame", parameters=True)["parameters"].tolist()
        assert told == [each.data for each in self.session.experiment.model.parameters()]
        return told  # type: ignore[no-any-return]


def unpacked(reply: str | bytes) -> dict[str, Any]:
    """A reply, with its arrays under their names: by the words of the protocol, not by the code that wrote it."""
    if isinstance(reply, str):
        return json.loads(reply, parse_constant=_not_strict)  # type: ignore[no-any-return]
    assert reply[:4] == b"NDG1"
    (length,) = struct.unpack("<I", reply[4:8])
    assert length % 8 == 0
    header: dict[str, Any] = json.loads(reply[8 : 8 + length].decode(), parse_constant=_not_strict)
    end = 8 + length
    for name, kind, shape, offset in header["arrays"]:
        assert offset % 8 == 0
        assert end <= offset < end + 8
        assert kind in ("float32", "float64", "uint8")
        array = np.frombuffer(reply, np.dtype(kind).newbyteorder("<"), int(np.prod(shape)), offset).reshape(shape)
        header[name] = array
        end = offset + array.nbytes
    assert end <= len(reply) < end + 8
    return header


def _not_strict(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
