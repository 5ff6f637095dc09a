# SPDX-License-Identifier: GPL-2.0
"""Nodes that are User-Mode Linux processes of this host; the window is a file that all of them map.

Kernel and modules run at the processor's own speed. Agents are reached over UML's serial line 0,
consoles over standard input and output; both are socket pairs whose other ends are here.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from .environ import Environment, Say
from .errors import LabError
from .image import base_image
from .kernel import Kernel
from .layout import MIB, parse_size
from .link import Link
from .machine import die_with_parent
from .paths import TOP, slow

_SHARED = Path("/dev/shm")  # where windows and the nodes' memory lie
_SEAT = 16 * MIB  # of the window, for a node: what vni_shm takes if nobody says anything
# noreboot: a node that reboots ends, as elsewhere; panic=-1: so does one that panics, at once.
_COMMAND_LINE = "con0=fd:0,fd:1 con=null ssl=null console=tty0 noreboot panic=-1"


def _tool(verb: str) -> str:
    done = subprocess.run([str(TOP / "tools" / "uml-kernel"), verb], capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(done.stderr.strip())
    return done.stdout.strip()


def _seats(nodes: int) -> int:
    seats = 2
    while seats < nodes:
        seats *= 2
    return seats


def configure(config: dict[str, Any], options: argparse.Namespace,
              extra: list[tuple[Path, str]], say: Say) -> None:
    """Find or make what the nodes boot; complain about what was asked for before anything starts."""
    home, release = Path(_tool("find")), _tool("release")
    if not release.startswith(options.kver) or options.node1_kver not in (None, options.kver):
        raise LabError(f"--kver: under User-Mode Linux there is Linux {release} only")
    if not (options.modules / release / "vni_shm.ko").exists():
        raise LabError(f"vni_shm.ko for {release} is not built: make uml")
    found = Kernel(release, home / "linux", home / "lib/modules" / release)
    image = base_image(found, options.modules, extra)
    size = max(parse_size(config["window"] or "64M"), _seats(config["nodes"]) * _SEAT)
    config["node_mem"] = config["node_mem"] or "512M"
    config.update(accel="native", vmlinuz=str(found.vmlinuz), initrd=str(image),
                  window_bytes=size, pin=options.pin)
    say(f"image of each node: {image.stat().st_size // MIB} MiB, Linux {release}; "
        f"window of {size // MIB} MiB")


class _Console:
    """A node's console: all it says goes to a file, and to whoever is connected to its socket."""

    def __init__(self, home: Path, node: int) -> None:
        self._log = home / f"node{node}.console"
        self.socket = f"console{node}"
        self._node: asyncio.StreamWriter | None = None
        self._people: set[asyncio.StreamWriter] = set()
        self._server: asyncio.AbstractServer | None = None

    async def serve(self) -> None:
        self._server = await asyncio.start_unix_server(self._person, self.socket)

    async def attach(self, end: socket.socket) -> None:
        reader, self._node = await asyncio.open_connection(sock=end)
        asyncio.create_task(self._listen(reader))

    def read(self) -> bytes:
        return self._log.read_bytes() if self._log.exists() else b""

    def close(self) -> None:
        if self._server:
            self._server.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while data := await _read(reader):
            with self._log.open("ab") as out:
                out.write(data)
            for person in self._people:
                person.write(data)

    async def _person(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._people.add(writer)
        try:
            while data := await _read(reader):
                if self._node:
                    self._node.write(data)
        finally:
            self._people.discard(writer)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(65536)
    except OSError:
        return b""


class Uml(Environment):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        count = len(self.links)
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._consoles = [_Console(self.home, node) for node in range(count)]
        self._tasks: list[asyncio.Task[None]] = []
        # One for each lab of this clone, found again by name should its daemon be killed.
        tag = hashlib.sha256(str(self.home).encode()).hexdigest()[:8]
        self._shared = _SHARED / f"vni-lab-{self.config['name']}-{tag}"

    async def start(self) -> None:
        began = time.monotonic()
        nodes = range(len(self.links))
        self._make_window()
        for console in self._consoles:
            await console.serve()
        self.say(f"booting {len(nodes)} nodes")
        for node in nodes:
            await self._launch(node)
        for node in nodes:
            await self._wait(node)
        self.say(f"all nodes are up: Linux {self.links[0].facts.get('release', '?')}, "
                 f"{time.monotonic() - began:.1f} s for {len(nodes)}")

    async def console_log(self, node: int) -> bytes:
        return self._consoles[node].read()

    def console_command(self, node: int) -> dict[str, Any]:
        return {"socket": self._consoles[node].socket}

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for process in self._processes.values():
            _end(process)
        for process in self._processes.values():
            await process.wait()
        for console in self._consoles:
            console.close()
        shutil.rmtree(self._shared, ignore_errors=True)

    async def kill(self, node: int) -> float:
        """End a node as a power cut would: without a word to it."""
        process = self._processes.get(node)
        if not process or process.returncode is not None:
            raise LabError(f"node {node} does not run")
        at = time.time()
        _end(process)
        await process.wait()
        self.links[node].detach()
        return at

    async def boot(self, node: int) -> None:
        """Start a node that does not run; its window and doorbells are those of the others."""
        process = self._processes.get(node)
        if process and process.returncode is None:
            raise LabError(f"node {node} runs already")
        await self._launch(node)
        await self._wait(node)

    # -- inside ----------------------------------------------------------------------------

    def _make_window(self) -> None:
        if not _SHARED.is_dir():
            raise LabError(f"{_SHARED} is not there; the window needs memory that is a file")
        shutil.rmtree(self._shared, ignore_errors=True)
        self._shared.mkdir(mode=0o700)
        with (self._shared / "window").open("wb") as window:
            window.truncate(int(self.config["window_bytes"]))

    async def _launch(self, node: int) -> None:
        agent, far_agent = socket.socketpair()
        console, far_console = socket.socketpair()
        process = await asyncio.create_subprocess_exec(
            self.config["vmlinuz"], *self._arguments(node, far_agent.fileno()),
            stdin=far_console, stdout=far_console, stderr=far_console, cwd=self._shared,
            env={**os.environ, "TMPDIR": str(self._shared)}, pass_fds=[far_agent.fileno()],
            start_new_session=True, preexec_fn=lambda: self._in_child(node),
        )
        far_agent.close()
        far_console.close()
        self._processes[node] = process
        await self._consoles[node].attach(console)
        reader, writer = await asyncio.open_connection(sock=agent)
        self.links[node].attach(writer.write)
        self._tasks.append(asyncio.create_task(self._feed(reader, self.links[node])))
        self._tasks.append(asyncio.create_task(self._watch(node, process)))

    def _arguments(self, node: int, agent: int) -> list[str]:
        config = self.config
        append = config["append"] if node == 0 else config["node_append"]
        return [
            f"mem={parse_size(config['node_mem']) // MIB}M", f"initrd={config['initrd']}",
            f"iomem=vni{node},{self._shared}/window", f"vni_lab.node={node}",
            f"umid=node{node}", f"uml_dir={self._shared}/", f"ssl0=fd:{agent}",
            *_COMMAND_LINE.split(), *append,
        ]

    def _in_child(self, node: int) -> None:
        die_with_parent()
        if self.config["pin"]:
            cpus = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cpus[node % len(cpus)]})

    async def _feed(self, reader: asyncio.StreamReader, link: Link) -> None:
        while data := await _read(reader):
            link.feed(data)

    async def _watch(self, node: int, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        self.links[node].detach()
        self.lost_why = f"node {node} ended (exit code {code})"
        if all(other.returncode is not None for other in self._processes.values()):
            self.lost.set()

    async def _wait(self, node: int) -> None:
        seconds = 60 * slow()
        up = asyncio.create_task(self.links[node].wait_up(seconds))
        ended = asyncio.create_task(self._processes[node].wait())
        await asyncio.wait([up, ended], return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not up.done():
            up.cancel()
            raise LabError(f"node {node} ended (exit code {self._processes[node].returncode})")
        if not up.result():
            raise LabError(f"node {node} did not come up in {seconds:.0f} s; "
                           "see the log of its console")


def _end(process: asyncio.subprocess.Process) -> None:
    """UML's kernel and the host processes in which its user space runs: one process group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
