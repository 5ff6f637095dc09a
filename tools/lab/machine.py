# SPDX-License-Identifier: GPL-2.0
"""One QEMU process."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
import time
from pathlib import Path
from typing import NamedTuple

from .link import Link

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

# A CPU without ERMS and FSRM: with those the kernel copies memory by "rep movsb", which TCG does
# byte by byte. Without XSAVE and PCID too: Debian's 6.12 hangs early under TCG where it has them.
TCG_CPU = "Nehalem,+arat"


class Accelerator(NamedTuple):
    name: str

    def arguments(self) -> list[str]:
        if self.name == "kvm":
            return ["-accel", "kvm", "-cpu", "host"]
        return ["-accel", "tcg,thread=multi", "-cpu", TCG_CPU]


def die_with_parent() -> None:
    """In the child, before exec: a lab whose daemon is killed leaves no machine behind."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Machine:
    """Runs in its lab's directory, so that the paths of sockets stay short."""

    def __init__(self, home: Path, log: str = "qemu.log",
                 program: str = "qemu-system-x86_64") -> None:
        self._home = home
        self._log = log
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._port, self._far_port = socket.socketpair()

    def port_arguments(self) -> list[str]:
        """A virtio-serial port whose other end is ours from the first moment."""
        fd = self._far_port.fileno()
        return [
            *("-chardev", f"socket,id=agent,fd={fd}"),
            *("-device", "virtio-serial-pci"),
            *("-device", "virtserialport,chardev=agent,name=vni.agent"),
        ]

    async def start(self, arguments: list[str], link: Link) -> int:
        fd = self._far_port.fileno()
        with (self._home / self._log).open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program,
                *arguments,
                cwd=self._home,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[fd],
                preexec_fn=die_with_parent,
            )
        self._far_port.close()
        reader, writer = await asyncio.open_connection(sock=self._port)
        link.attach(writer.write)
        asyncio.create_task(self._feed(reader, link))
        return self._process.pid

    async def ended(self) -> int:
        assert self._process
        return await self._process.wait()

    async def kill(self) -> float:
        """At once, as if the host had lost its power; when that was, in seconds since 1970."""
        assert self._process
        at = time.time()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        return at

    async def stop(self) -> None:
        process = self._process
        if not process or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()

    @staticmethod
    async def _feed(reader: asyncio.StreamReader, link: Link) -> None:
        while True:
            try:
                data = await reader.read(65536)
            except OSError:
                data = b""
            if not data:
                link.detach()
                return
            link.feed(data)
