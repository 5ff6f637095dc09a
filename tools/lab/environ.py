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
