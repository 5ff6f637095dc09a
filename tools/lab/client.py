# SPDX-License-Identifier: GPL-2.0
"""What a command of the lab says to the daemon: one question, or one command to run in a node."""

from __future__ import annotations

import os
import selectors
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from . import frames
from .paths import slow
from .state import SOCKET, State
from .errors import LabError
from .frames import ExitKind, Frame, Type

CODE_TIMEOUT = 124
CODE_LOST = 125
_GRACE = 10.0  # seconds beyond a command's time limit in which the node must have reported
_SILENT = 100  # beside ExitKind: the node has not


def ask(state: State, request: dict[str, Any]) -> dict[str, Any]:
    """Send a request; its answer. Raises LabError with the daemon's words if it refuses."""
    connection = state.connect(SOCKET)
    with connection:
        connection.sendall(frames.encode_json(Type.REQUEST, request))
        decoder = frames.Decoder()
        while data := connection.recv(65536):
            for frame in decoder.feed(data):
                if frame.type == Type.REPLY:
                    return _checked(frame)
    raise LabError(f"lab {state.name} went down before it answered")


def _checked(frame: Frame) -> dict[str, Any]:
    reply = frames.decode_json(frame.payload)
    if "error" in reply:
        raise LabError(reply["error"])
    return reply


class Run:
    """A command in a node, with its streams connected to files here."""

    def __init__(self, state: State, node: int, argv: list[str], timeout: float = 0) -> None:
        self._state = state
        self._node = node
        self._deadline = time.monotonic() + timeout + _GRACE * slow() if timeout else 0.0
        self._socket = state.connect(SOCKET)
        request = {"op": "exec", "node": node, "argv": argv, "timeout": timeout}
        self._socket.sendall(frames.encode_json(Type.REQUEST, request))
        self._selector = selectors.DefaultSelector()
        self._decoder = frames.Decoder()
        self._window = frames.INPUT_WINDOW
        self._exit: tuple[int, int] | None = None
        self._running = False
        self._leave = b""
        self._input: BinaryIO | int | None = None
        self._outputs: dict[int, Callable[[bytes], None]] = {}

    def go(
        self,
        source: int | None,
        out: Callable[[bytes], None],
        err: Callable[[bytes], None],
        leave: bytes = b"",
    ) -> int:
        """Run it to its end; `source` is a file descriptor to read its input from, or None.

        With `leave`, these bytes in the input, or its end, end the command.
        """
        self._input = source
        self._leave = leave
        self._outputs = {1: out, 2: err}
        self._selector.register(self._socket, selectors.EVENT_READ)
        try:
            while self._exit is None:
                ready = self._selector.select(self._patience())
                if not ready:
                    self._exit = (_SILENT, 0)
                for key, _ in ready:
                    if key.fileobj is self._socket:
                        self._receive()
                    else:
                        self._send_input()
                self._watch_input()
        finally:
            self._selector.close()
            self._socket.close()
        return self._code(*self._exit)

    def _patience(self) -> float | None:
        """The agent minds the time limit; one that does not report in time is not there."""
        if not self._deadline:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def _watch_input(self) -> None:
        """Read our input only while the node's command has room for it."""
        if not isinstance(self._input, int):
            return
        watched = self._input in self._selector.get_map()
        wanted = self._window > 0 and self._running
        try:
            if wanted and not watched:
                self._selector.register(self._input, selectors.EVENT_READ)
            elif watched and not wanted:
                self._selector.unregister(self._input)
        except PermissionError:  # a regular file: always ready
            while self._window > 0 and self._input is not None:
                self._send_input()

    def _send_input(self) -> None:
        assert isinstance(self._input, int)
        data = os.read(self._input, min(frames.CHUNK, self._window))
        if self._leave and (not data or self._leave in data):
            self._exit = (ExitKind.CODE, 0)  # the daemon ends a command whose owner has gone
            return
        self._window -= len(data)
        self._socket.sendall(frames.encode(Type.DATA, data))
        if not data:
            if self._input in self._selector.get_map():
                self._selector.unregister(self._input)
            self._input = None

    def _receive(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            self._exit = (ExitKind.LOST, 0)
            return
        for frame in self._decoder.feed(data):
            if frame.type == Type.REPLY:
                _checked(frame)
                self._running = True
                if self._input is None:
                    self._socket.sendall(frames.encode(Type.DATA, b""))
            elif frame.type == Type.DATA and frame.payload:
                self._outputs[frame.stream](frame.payload)
                ack = frames.encode_ack(0, frame.stream, len(frame.payload))
                self._socket.sendall(ack)
            elif frame.type == Type.ACK:
                self._window += frames.decode_u32s(frame.payload)[0]
            elif frame.type == Type.EXIT:
                kind, value = frames.decode_u32s(frame.payload)
                self._exit = (kind, value)

    def _code(self, kind: int, value: int) -> int:
        if kind == ExitKind.CODE:
            return value
        if kind == ExitKind.SIGNAL:
            return 128 + value
        if kind == ExitKind.TIMEOUT:
            note = f"vni-lab: node {self._node}: no end after {value / 1000:g} s, killed\n"
            self._outputs[2](note.encode())
            return CODE_TIMEOUT
        what = "does not answer" if kind == _SILENT else "was lost while the command ran"
        note = f"vni-lab: node {self._node} {what}\n"
        self._outputs[2](note.encode())
        return CODE_LOST


def write_all(fd: int) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        while data:
            data = data[os.write(fd, data) :]

    return write


def run_quiet(state: State, node: int, argv: list[str], timeout: float = 0) -> tuple[int, bytes]:
    """Run a command with no input; its exit code and output. Errors go to our standard error."""
    out = bytearray()
    code = Run(state, node, argv, timeout).go(None, out.extend, write_all(sys.stderr.fileno()))
    return code, bytes(out)
