# SPDX-License-Identifier: GPL-2.0
"""The daemon's end of the conversation with one agent, over whatever byte stream there is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Protocol

from . import frames
from .errors import LabError
from .frames import ExitKind, Frame, Type

HELLO_PERIOD = 0.5  # seconds between two attempts to greet an agent that does not answer


class JobOwner(Protocol):
    """Who asked for a command and takes what comes of it."""

    def on_data(self, stream: int, data: bytes) -> None: ...

    def on_ack(self, stream: int, size: int) -> None: ...

    def on_exit(self, kind: int, value: int) -> None: ...


class Job:
    """A command that runs in a node."""

    def __init__(self, link: Link, ident: int, owner: JobOwner) -> None:
        self._link = link
        self.id = ident
        self.owner = owner
        self.done = False

    def send(self, data: bytes) -> None:
        """Bytes for its standard input; none at all: the end. The caller minds the window."""
        self._link.send(frames.encode(Type.DATA, data, self.id))

    def ack(self, stream: int, size: int) -> None:
        if not self.done and size:
            self._link.send(frames.encode_ack(self.id, stream, size))

    def kill(self) -> None:
        if not self.done:
            self._link.send(frames.encode(Type.KILL, b"", self.id))


class Link:
    """down: no stream. greeting: a stream, no answer yet. up: commands can be run."""

    def __init__(self, node: int, on_log: Callable[[str, list[str]], None]) -> None:
        self.node = node
        self.state = "down"
        self.facts: dict[str, str] = {}
        self.changed = asyncio.Condition()
        self._on_log = on_log
        self._write: Callable[[bytes], None] | None = None
        self._decoder = frames.Decoder()
        self._nonce = b""
        self._jobs: dict[int, Job] = {}
        self._syncs: dict[int, asyncio.Future[None]] = {}
        self._next_id = 1
        self._greeter: asyncio.Task[None] | None = None

    # -- the stream ------------------------------------------------------------------------

    def attach(self, write: Callable[[bytes], None]) -> None:
        """A byte stream to the agent exists from now on: greet, until there is an answer."""
        self.detach()
        self._write = write
        self._decoder = frames.Decoder()
        self._set_state("greeting")
        self._greeter = asyncio.create_task(self._greet())

    def detach(self) -> None:
        if self._greeter:
            self._greeter.cancel()
            self._greeter = None
        self._write = None
        self._lose_jobs()
        if self.state != "down":
            self._set_state("down")

    def feed(self, data: bytes) -> None:
        if self.state == "greeting":
            self._decoder.add(data)
            if not self._decoder.holds(self._nonce):
                return
            self._decoder.skip_to_welcome(self._nonce)
            data = b""
        for frame in self._decoder.feed(data):
            self._dispatch(frame)

    def send(self, data: bytes) -> None:
        if self._write:
            self._write(data)

    def regreet(self) -> None:
        """The stream is there and the agent silent: begin a new session on it."""
        if self._write:
            self.attach(self._write)

    async def _greet(self) -> None:
        self._nonce = os.urandom(frames.NONCE_SIZE)
        while self.state == "greeting":
            self.send(frames.encode(Type.HELLO, self._nonce))
            await asyncio.sleep(HELLO_PERIOD)

    # -- commands --------------------------------------------------------------------------

    def run(self, argv: list[str], timeout: float, owner: JobOwner) -> Job:
        if self.state != "up":
            raise LabError(f"node {self.node} does not answer (its agent is {self.state})")
        job = Job(self, self._next_id, owner)
        data = frames.encode_run(job.id, argv, int(timeout * 1000))
        self._next_id += 1
        self._jobs[job.id] = job
        self.send(data)
        return job

    async def sync(self, timeout: float) -> bool:
        """Wait until the kernel log so far is here; False if the agent does not answer."""
        if self.state != "up":
            return False
        ident = self._next_id
        self._next_id += 1
        future = asyncio.get_running_loop().create_future()
        self._syncs[ident] = future
        self.send(frames.encode(Type.SYNC, b"", ident))
        try:
            await asyncio.wait_for(future, timeout)
            return True
        except (asyncio.TimeoutError, asyncio.CancelledError):
            return False
        finally:
            self._syncs.pop(ident, None)

    async def wait_up(self, timeout: float, not_boot: str = "") -> bool:
        def ready() -> bool:
            return self.state == "up" and self.facts.get("boot_id") != (not_boot or None)

        async with self.changed:
            try:
                await asyncio.wait_for(self.changed.wait_for(ready), timeout)
            except asyncio.TimeoutError:
                return False
        return True

    # -- inside ----------------------------------------------------------------------------

    def _dispatch(self, frame: Frame) -> None:
        if frame.type == Type.WELCOME:
            self._welcome(frame)
        elif frame.type == Type.LOG:
            records = frame.payload.decode("utf-8", "replace").split("\0")
            self._on_log(self.facts.get("boot_id", ""), [text for text in records if text])
        elif frame.type == Type.SYNC and frame.id in self._syncs:
            future = self._syncs[frame.id]
            if not future.done():
                future.set_result(None)
        elif frame.id in self._jobs:
            self._dispatch_job(self._jobs[frame.id], frame)

    def _dispatch_job(self, job: Job, frame: Frame) -> None:
        if frame.type == Type.DATA:
            job.owner.on_data(frame.stream, frame.payload)
        elif frame.type == Type.ACK:
            job.owner.on_ack(frame.stream, frames.decode_u32s(frame.payload)[0])
        elif frame.type == Type.EXIT:
            kind, value = frames.decode_u32s(frame.payload)
            del self._jobs[job.id]
            job.done = True
            job.owner.on_exit(kind, value)

    def _welcome(self, frame: Frame) -> None:
        nonce, text = frame.payload[: frames.NONCE_SIZE], frame.payload[frames.NONCE_SIZE :]
        if self.state != "greeting" or nonce != self._nonce:
            return
        self.facts = dict(line.split("=", 1) for line in text.decode().splitlines())
        if self._greeter:
            self._greeter.cancel()
        self._set_state("up")

    def _lose_jobs(self) -> None:
        jobs, self._jobs = self._jobs, {}
        for job in jobs.values():
            job.done = True
            job.owner.on_exit(ExitKind.LOST, 0)
        for future in self._syncs.values():
            future.cancel()

    def _set_state(self, state: str) -> None:
        self.state = state

        async def tell() -> None:
            async with self.changed:
                self.changed.notify_all()

        asyncio.get_running_loop().create_task(tell())


class Call:
    """A JobOwner that collects the output of a short command."""

    def __init__(self) -> None:
        self.output = {1: bytearray(), 2: bytearray()}
        self.result: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
        self.job: Job | None = None

    def on_data(self, stream: int, data: bytes) -> None:
        self.output[stream] += data
        if self.job:
            self.job.ack(stream, len(data))

    def on_ack(self, stream: int, size: int) -> None:
        pass

    def on_exit(self, kind: int, value: int) -> None:
        if not self.result.done():
            self.result.set_result((kind, value))


async def call(link: Link, argv: list[str], timeout: float) -> tuple[bool, str, str]:
    """Run a command to its end: whether it succeeded, its output, what was wrong."""
    owner = Call()
    owner.job = link.run(argv, timeout, owner)
    owner.job.send(b"")
    try:
        kind, value = await asyncio.wait_for(owner.result, timeout + 10)
    except asyncio.TimeoutError:
        kind, value = ExitKind.LOST, 0
    out = owner.output[1].decode("utf-8", "replace")
    err = owner.output[2].decode("utf-8", "replace").strip()
    if kind != ExitKind.CODE:
        err += f" ({ExitKind(kind).name.lower()})"
    return kind == ExitKind.CODE and value == 0, out, err


class Tunnel:
    """A JobOwner that makes a byte stream of a command's standard input and output."""

    def __init__(self, on_bytes: Callable[[bytes], None]) -> None:
        self._on_bytes = on_bytes
        self._pending = bytearray()
        self._window = frames.WINDOW
        self.errors = bytearray()
        self.job: Job | None = None
        self.ended = asyncio.Event()

    def write(self, data: bytes) -> None:
        self._pending += data
        self._push()

    def on_data(self, stream: int, data: bytes) -> None:
        if self.job:
            self.job.ack(stream, len(data))
        if stream == 1:
            self._on_bytes(data)
        else:
            self.errors = (self.errors + data)[-2000:]

    def on_ack(self, stream: int, size: int) -> None:
        self._window += size
        self._push()

    def on_exit(self, kind: int, value: int) -> None:
        self.ended.set()

    def _push(self) -> None:
        while self._pending and self._window and self.job and not self.job.done:
            size = min(len(self._pending), self._window, frames.CHUNK)
            self.job.send(bytes(self._pending[:size]))
            del self._pending[:size]
            self._window -= size
