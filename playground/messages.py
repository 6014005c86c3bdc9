"""Messages: JSON from untrusted pages, checked field by field, and replies, as JSON or as packets with arrays."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Collection, Iterable, Mapping
from itertools import accumulate, repeat
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Arrays = dict[str, Array]
Reply = dict[str, Any] | tuple[dict[str, Any], Arrays]  # with arrays it is sent as a packet
MAGIC = b"NDG1"


class RefusedError(ValueError):
    """An invalid message, with the path to the invalid field and, in a formula, the position of the character."""

    def __init__(self, problem: str, field: str = "", position: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.field, self.position = " ".join(problem.split()), field, position


def parsed(text: Any, longest: int) -> dict[str, Any]:
    """The JSON object in a message. Raises RefusedError if the message is anything else."""
    if not isinstance(text, str):
        raise RefusedError(f"a message is text, got {type(text).__name__}")
    if len(text) > longest:
        raise RefusedError(f"a message has at most {longest:,} characters, got {len(text):,}")
    try:
        message = json.loads(text, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"a message is JSON, and this is not: {str(error) or type(error).__name__:.100}") from None
    if not isinstance(message, dict):
        raise RefusedError(f"a message is a JSON object with a field `do`, got {shown(message)}")
    return message


def no_number(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's JSON reads as numbers."""
    raise ValueError(f"{name} is not a number in JSON")


def identity(message: dict[str, Any]) -> dict[str, Any]:
    """The `id` of a message, which the reply repeats. It is removed from the message."""
    if "id" not in message:
        return {}
    given = message.pop("id")
    is_whole = isinstance(given, int) and not isinstance(given, bool) and abs(given) < 2**53
    if not is_whole and not (isinstance(given, str) and len(given) <= 100):
        raise RefusedError(f"id must be a whole number or up to 100 characters, got {shown(given)}", "id")
    return {"id": given}


def shown(thing: Any) -> str:
    """A part of a message as JSON, shortened for an error message."""
    try:
        text = json.dumps(thing, ensure_ascii=True, default=repr)
    except RecursionError:
        return "something nested too deep"
    return text if len(text) <= 60 else f"{text[:57]}..."


class Fields:
    """The fields of an object in a message. Each method reads and checks one field; `end` refuses fields that were not read."""

    def __init__(self, given: Any, path: str = "") -> None:
        if not isinstance(given, dict):
            raise RefusedError(f"expected an object with fields, got {shown(given)}", path)
        self.given: Mapping[str, Any] = given
        self.path = path
        self.known: list[str] = []

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def refuse(self, name: str, problem: str) -> NoReturn:
        raise RefusedError(f"{self.at(name)} {problem}", self.at(name))

    def any(self, name: str, default: Any = None) -> Any:
        self.known.append(name)
        return self.given.get(name, default)

    def end(self) -> None:
        for name in self.given:
            if name not in self.known:
                known = f"the fields are {', '.join(self.known)}" if self.known else "there are no fields here"
                raise RefusedError(f"unknown field {shown(name)}; {known}", self.at(shown(name).strip('"')))

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        given = self.any(name, default)
        if not isinstance(given, str) or given not in choices:
            self.refuse(name, f"must be one of {', '.join(choices)}; got {shown(given)}")
        return given

    def whole(self, name: str, low: int, high: int, default: Any = None) -> int:
        return self._whole(name, self.any(name, default), low, high)

    def _whole(self, name: str, given: Any, low: int, high: int) -> int:
        if not isinstance(given, int) or isinstance(given, bool) or not low <= given <= high:
            self.refuse(name, f"must be a whole number from {low:,} to {high:,}, got {shown(given)}")
        return given

    def wholes(self, name: str, fewest: int, most: int, low: int, high: int, default: Any = None) -> list[int]:
        """A list of whole numbers."""
        return [self._whole(f"{name}[{index}]", each, low, high) for index, each in enumerate(self.list(name, fewest, most, default))]

    def number(self, name: str, low: float, high: float, default: Any = None) -> float:
        return self._number(name, self.any(name, default), low, high)

    def _number(self, name: str, given: Any, low: float, high: float) -> float:
        if not isinstance(given, (int, float)) or isinstance(given, bool) or not low <= given <= high:
            self.refuse(name, f"must be a number from {low:g} to {high:g}, got {shown(given)}")
        return float(given)

    def numbers(self, name: str, fewest: int, most: int, low: float, high: float) -> list[float]:
        """A list of numbers."""
        return [self._number(f"{name}[{index}]", each, low, high) for index, each in enumerate(self.list(name, fewest, most))]

    def list(self, name: str, fewest: int, most: int, default: Any = None) -> list[Any]:
        given = self.any(name, default)
        if not isinstance(given, list) or not fewest <= len(given) <= most:
            count = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
            found = f"{len(given):,}" if isinstance(given, list) else shown(given)
            self.refuse(name, f"must be a list of {count} elements, got {found}")
        return given

    def flag(self, name: str, default: bool) -> bool:
        given = self.any(name, default)
        if not isinstance(given, bool):
            self.refuse(name, f"must be true or false, got {shown(given)}")
        return given

    def text(self, name: str, longest: int, default: Any = None) -> str:
        given = self.any(name, default)
        if not isinstance(given, str):
            self.refuse(name, f"must be text, got {shown(given)}")
        if len(given) > longest:
            self.refuse(name, f"has {len(given):,} characters, more than {longest:,}")
        return given

    def object(self, name: str, default: Mapping[str, Any]) -> Fields:
        return Fields(self.any(name, dict(default)), self.at(name))


def plain(thing: Any) -> Any:
    """A reply for `json.dumps`: lists instead of arrays and tuples, None instead of numbers that are not finite."""
    if isinstance(thing, (np.ndarray, np.generic)):
        thing = thing.tolist()
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if isinstance(thing, Mapping):
        return {name: plain(each) for name, each in thing.items()}
    return [plain(each) for each in thing] if isinstance(thing, (list, tuple)) else thing


def as_json(reply: Any) -> str:
    return json.dumps(plain(reply), allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def packet(reply: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """A reply with arrays as a packet of the protocol: the header contains the offset of each array."""
    stored = {name: np.ascontiguousarray(each, dtype=each.dtype.newbyteorder("<")) for name, each in arrays.items()}
    fields = as_json(reply).removesuffix("}")

    def header(offsets: Iterable[int]) -> bytes:
        table = [[name, each.dtype.name, list(each.shape), offset] for (name, each), offset in zip(stored.items(), offsets)]
        return f'{fields},"arrays":{as_json(table)}}}'.encode()

    size = _round_up(len(header(repeat(10**10))))  # long enough for any offsets
    ends = list(accumulate((_round_up(each.nbytes) for each in stored.values()), initial=8 + size))
    parts: list[Any] = [MAGIC, struct.pack("<I", size), header(ends).ljust(size)]
    for each in stored.values():
        parts += each, bytes(_round_up(each.nbytes) - each.nbytes)
    return b"".join(parts)


def _round_up(size: int) -> int:
    return -(-size // 8) * 8
