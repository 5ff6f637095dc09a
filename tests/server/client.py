# SPDX-License-Identifier: GPL-2.0
"""An ivshmem-server under test, and clients that speak its protocol."""

from __future__ import annotations

import array
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parents[2]
PROGRAM = TOP / "build" / "unit" / "ivshmem-server"
SLOW = float(os.environ.get("VNI_SLOW", "1"))
SECONDS = 5 * SLOW  # in which what is due must have come
VECTORS = 2


class Message(NamedTuple):
    value: int
    fd: int  # -1: none


def wait_until(what: str, condition: object) -> None:
    until = time.monotonic() + SECONDS
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, f"not in {SECONDS:.0f} s: {what}"
        time.sleep(0.01)


class Server:
    """Ends with the test that started it, and must then have ended by itself, without a word from
    a sanitizer."""

    def __init__(self, *options: str, folder: Path | None = None, env: dict[str, str] | None = None,
                 ready: bool = True) -> None:
        self._own = None if folder else tempfile.TemporaryDirectory(dir="/dev/shm")
        self.folder = folder or Path(self._own.name)  # type: ignore[union-attr]
        self.socket = self.folder / "socket"
        self.window = self.folder / "window"
        self._log = (self.folder / f"log-{time.monotonic_ns()}").open("w+b")
        argv = [str(PROGRAM), "--socket", str(self.socket), "--window", str(self.window),
                "--size", "64K", "--vectors", str(VECTORS), *options]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self._log,
                                        stderr=self._log, env={**os.environ, **(env or {})})
        if ready:
            wait_until("the server is ready", lambda: "up to" in self.said() or self.ended())

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if not self.ended():
            self.process.terminate()
        code = self.process.wait(SECONDS)
        said = self.said()
        if self._own:
            self._own.cleanup()
        if kind is None:
            assert code in (0, -signal.SIGKILL), f"exit code {code}: {said}"
            assert "ERROR:" not in said and "runtime error" not in said, said

    def ended(self) -> bool:
        return self.process.poll() is not None

    def said(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text()

    def files(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory(self) -> int:
        """Its private memory in KiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
        raise AssertionError("no RssAnon")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def refused(text: str, *options: str, folder: Path | None = None) -> None:
    """A server with these options ends with an error that says `text`."""
    server = Server(*options, folder=folder)
    try:
        code = server.process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        raise AssertionError(f"not refused: {options}") from None
    assert code > 0, f"exit code {code}"
    assert text in server.said(), server.said()


class Client:
    """Counts what it is told about each peer as QEMU does."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(SECONDS)
        self.socket.connect(str(server.socket))
        self.id = -1
        self.window = -1
        self.peers: dict[int, list[int]] = {}
        self.gone: list[int] = []

    def receive(self) -> Message:
        data, control, _, _ = self.socket.recvmsg(8, socket.CMSG_SPACE(16))
        assert data, "the server has ended the connection"
        assert len(data) == 8, f"a message of {len(data)} bytes"
        fds = [fd for _, _, part in control for fd in array.array("i", part)]
        assert len(fds) <= 1, f"{len(fds)} descriptors"
        return Message(int.from_bytes(data, "little", signed=True), fds[0] if fds else -1)

    def greet(self) -> Client:
        """The first part, in the order that QEMU wants."""
        assert self.receive() == Message(0, -1), "expected version 0"
        first = self.receive()
        assert first.fd == -1 and 0 <= first.value < 64, f"expected an id, got {first}"
        self.id = first.value
        window = self.receive()
        assert window.value == -1 and window.fd >= 0, f"expected the window, got {window}"
        self.window = window.fd
        return self

    def learn(self) -> Message:
        """One message about a peer."""
        message = self.receive()
        if message.fd >= 0:
            self.peers.setdefault(message.value, []).append(message.fd)
        else:
            assert message.value in self.peers, f"peer {message.value} was never there"
            for fd in self.peers.pop(message.value):
                os.close(fd)
            self.gone.append(message.value)
        return message

    def join(self) -> Client:
        """Until its own interrupts are there, which come last."""
        self.greet()
        while len(self.peers.get(self.id, [])) < VECTORS:
            self.learn()
        return self

    def expect(self, peer: int) -> None:
        """A peer's interrupts, one after the other and nothing else."""
        for _ in range(VECTORS):
            message = self.learn()
            assert message.value == peer and message.fd >= 0, f"expected peer {peer}: {message}"

    def hears_nothing(self) -> None:
        self.socket.settimeout(0.2)
        try:
            raise AssertionError(f"was told {self.receive()}")
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(SECONDS)

    def ended(self) -> bool:
        """Whether the server has ended the connection; throws away what came before."""
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True

    def leave(self) -> None:
        self.socket.close()
        fds = [fd for peer in self.peers.values() for fd in peer]
        for fd in [*fds, self.window]:
            if fd >= 0:
                os.close(fd)
        self.peers, self.window = {}, -1
