# SPDX-License-Identifier: GPL-2.0
"""Frames over a byte stream: the Python half of frame.h, which says what each type means.

The same frames are spoken between the lab's daemon and an agent, and between a command of the lab
and its daemon; REQUEST and REPLY (JSON) exist only between those two.
"""

from __future__ import annotations

import enum
import json
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

MAGIC = 0x31494E56
MAX_PAYLOAD = 64 * 1024
CHUNK = 32 * 1024
WINDOW = 256 * 1024
# Bytes for a command that may be under way: fewer than FRAME_WINDOW. User-Mode Linux's lines put
# bytes into the wrong order once 64 KiB wait in the kernel: what then takes up reading again can be
# interrupted between reading a byte and passing it on.
INPUT_WINDOW = 32 * 1024
NONCE_SIZE = 16
_HEADER = struct.Struct("<IBBHII")


class Type(enum.IntEnum):
    HELLO = 1
    WELCOME = 2
    RUN = 3
    DATA = 4
    ACK = 5
    EXIT = 6
    KILL = 7
    SYNC = 8
    LOG = 9
    REQUEST = 32
    REPLY = 33


class ExitKind(enum.IntEnum):
    CODE = 0
    SIGNAL = 1
    TIMEOUT = 2
    LOST = 3  # made up by the host: the node went away, value is unused


class Frame(NamedTuple):
    type: int
    stream: int
    id: int
    payload: bytes


def _check(kind: int, stream: int, ident: int, length: int) -> int:
    total = kind + (stream << 8) + (ident & 0xFFFF) + (ident >> 16)
    total += (length & 0xFFFF) + (length >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def encode(kind: int, payload: bytes = b"", ident: int = 0, stream: int = 0) -> bytes:
    size = len(payload)
    check = _check(kind, stream, ident, size)
    return _HEADER.pack(MAGIC, kind, stream, check, ident, size) + payload


def encode_json(kind: int, value: Any) -> bytes:
    return encode(kind, json.dumps(value).encode())


def decode_json(payload: bytes) -> Any:
    return json.loads(payload)


def encode_run(ident: int, argv: list[str], timeout_ms: int) -> bytes:
    parts = [str(timeout_ms), *argv]
    payload = b"".join(part.encode("utf-8", "surrogateescape") + b"\0" for part in parts)
    if len(payload) > MAX_PAYLOAD:
        raise ValueError("the command line is longer than 64 KiB")
    return encode(Type.RUN, payload, ident)


def encode_ack(ident: int, stream: int, size: int) -> bytes:
    return encode(Type.ACK, struct.pack("<I", size), ident, stream)


def encode_exit(ident: int, kind: int, value: int) -> bytes:
    return encode(Type.EXIT, struct.pack("<II", kind, value), ident)


def decode_u32s(payload: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(payload) // 4}I", payload)


class Decoder:
    """Cuts a byte stream into frames; bytes that are no frame are skipped."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._data += data
        while True:
            frame = self._next()
            if frame is None:
                return
            yield frame

    def skip_to_welcome(self, nonce: bytes) -> None:
        """Drop everything before the WELCOME with this nonce: the rest of an earlier session."""
        at = self._data.find(nonce) - _HEADER.size
        if at > 0:
            del self._data[:at]
        elif len(self._data) > 4 * MAX_PAYLOAD:
            del self._data[: -MAX_PAYLOAD]

    def holds(self, data: bytes) -> bool:
        return data in self._data

    def add(self, data: bytes) -> None:
        self._data += data

    def _next(self) -> Frame | None:
        data = self._data
        while len(data) >= _HEADER.size:
            magic, kind, stream, check, ident, size = _HEADER.unpack_from(data)
            good = magic == MAGIC and size <= MAX_PAYLOAD
            if good and check == _check(kind, stream, ident, size):
                end = _HEADER.size + size
                if len(data) < end:
                    return None
                payload = bytes(data[_HEADER.size : end])
                del data[:end]
                return Frame(kind, stream, ident, payload)
            at = data.find(MAGIC.to_bytes(4, "little"), 1)
            del data[: at if at > 0 else max(1, len(data) - 3)]
        return None
