# SPDX-License-Identifier: GPL-2.0
"""A pair in one kernel: two network namespaces of one machine, with an end of the pair each.

The machine is node 0 of a partitioned one, alone. pair-room, in it, makes two rooms that look like
nodes, and pair-module lets insmod and rmmod work in them. One agent serves both.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

from .environ import Environment
from .errors import LabError
from .link import Job, JobOwner, Link, call
from .partition import Partition
from .paths import LAB_SOURCE, slow

# Node 0 gets what a partitioned machine would keep for the window and the others; they are none.
_ALONE = {"nodes": 1, "node_mem": "96M", "window": "1M"}


def files() -> list[tuple[Path, str]]:
    """What the machine's image holds besides the usual."""
    flock = shutil.which("flock")
    if not flock:
        raise LabError("the lab needs the program flock (util-linux)")
    wrapper = LAB_SOURCE / "pair-module"
    return [(LAB_SOURCE / "pair-room", "/bin/pair-room"), (Path(flock), "/bin/flock"),
            *((wrapper, f"/pair/bin/{name}") for name in ("insmod", "rmmod", "modprobe"))]


class Room(Link):
    """A node that is a namespace: its commands run there, its agent is the machine's."""

    def __init__(self, node: int, machine: Link) -> None:  # pylint: disable=super-init-not-called
        self.node = node
        self._machine = machine

    @property
    def state(self) -> str:  # type: ignore[override]
        return self._machine.state

    @property
    def facts(self) -> dict[str, str]:  # type: ignore[override]
        return self._machine.facts

    def run(self, argv: list[str], timeout: float, owner: JobOwner) -> Job:
        return self._machine.run(["pair-room", "run", str(self.node), *argv], timeout, owner)

    async def sync(self, timeout: float) -> bool:
        return await self._machine.sync(timeout)

    async def wait_up(self, timeout: float, not_boot: str = "") -> bool:
        return await self._machine.wait_up(timeout, not_boot)

    def regreet(self) -> None:
        self._machine.regreet()


class Pair(Environment):
    """The kernel's log is that of node 0; node 1 has none of its own."""

    def __init__(self, home: Path, config: dict[str, Any], say: Any) -> None:
        super().__init__(home, config, say)
        if int(config["nodes"]) != 2:
            raise LabError("--env pair: 2 nodes, the two ends of a pair")
        self._partition = Partition(home, {**config, **_ALONE}, say)
        self._machine = self._partition.links[0]
        self.links = [Room(node, self._machine) for node in range(2)]
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._watcher = asyncio.create_task(self._watch())
        await self._partition.start()
        good, _, error = await call(self._machine, ["pair-room", "start"], 30 * slow())
        if not good:
            raise LabError(f"the rooms of a pair: {error}")
        self.say("nodes 0 and 1 are namespaces of this kernel")

    async def console_log(self, node: int) -> bytes:
        return await self._partition.console_log(0) if node == 0 else b""

    def console_command(self, node: int) -> dict[str, Any]:
        return self._partition.console_command(0) if node == 0 else {
            "node": node, "argv": ["bash", "-i"]}

    async def stop(self) -> None:
        if self._watcher:
            self._watcher.cancel()
        await self._partition.stop()

    async def _watch(self) -> None:
        await self._partition.lost.wait()
        self.lost_why = self._partition.lost_why
        self.lost.set()
