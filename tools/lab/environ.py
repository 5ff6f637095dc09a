# SPDX-License-Identifier: GPL-2.0
"""What the rest of the lab knows about the place where nodes live.

One file beside this one for each kind of place (partition.py: one partitioned machine in QEMU).
Virtual machines over ivshmem and User-Mode Linux are further kinds: each brings its nodes up and
gives every node's agent a byte stream; commands, logs, tests and demos need nothing else.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import LabError
from .klog import KernelLog
from .link import Link

Say = Callable[[str], None]


class Environment(abc.ABC):
    """Nodes that run somewhere. `config` is what `vni-lab up` was asked for, see Config."""

    def __init__(self, home: Path, config: dict[str, Any], say: Say) -> None:
        self.home = home  # the lab's directory: logs and sockets
        self.config = config
        self.say = say  # tells the person at `vni-lab up` what happens
        self.links: list[Link] = []
        self.lost = asyncio.Event()  # set when the whole environment has gone
        self.lost_why = ""
        for node in range(int(config["nodes"])):
            log = KernelLog(home / f"node{node}.kmsg")
            self.links.append(Link(node, log.add))

    @abc.abstractmethod
    async def start(self) -> None:
        """Bring all nodes up; returns when every agent has answered. Raises LabError."""

    @abc.abstractmethod
    async def console_log(self, node: int) -> bytes:
        """All that the node's console has printed."""

    @abc.abstractmethod
    def console_command(self, node: int) -> dict[str, Any]:
        """How to talk to the node's console: {"socket": path} or {"node": n, "argv": [...]}."""

    @abc.abstractmethod
    async def stop(self) -> None:
        """End everything that start() began."""

    # What not every place can do.

    async def kill(self, node: int) -> float:
        """End a node without its having a say in it; when that was, in seconds since 1970."""
        raise LabError(f"kill: the nodes of {self.config['env']} cannot be killed one by one")

    async def boot(self, node: int) -> None:
        """Boot a node again that has ended; returns when its agent has answered."""
        raise LabError(f"start: the nodes of {self.config['env']} cannot be started one by one")

    async def plug(self, node: int, slot: int) -> None:
        """Give a running node a device for a window; slot 0 is the one it has booted with."""
        raise LabError(f"plug: {self.config['env']} has no devices to plug in")

    async def unplug(self, node: int, slot: int) -> None:
        """Take a device from a running node; returns when the node has let go of it."""
        raise LabError(f"unplug: {self.config['env']} has no devices to unplug")

    async def qmp(self, node: int, command: dict[str, Any]) -> Any:
        """A command for the node's QEMU, in its machine protocol; what it returns."""
        raise LabError(f"qmp: the nodes of {self.config['env']} have no QEMU each")

    async def restart_server(self) -> None:
        """End the program that brings nodes together, and start it anew."""
        raise LabError(f"server: there is none for {self.config['env']}")
