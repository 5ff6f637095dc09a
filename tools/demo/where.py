# SPDX-License-Identifier: GPL-2.0
"""The kinds of nodes that the demo knows, and what differs between them: nothing but this."""

from __future__ import annotations

from typing import NamedTuple


class Where(NamedTuple):
    name: str  # as vni-lab up --env
    text: str  # for a person
    deps: str = ""  # a set of tools/deps besides the kernel's headers
    targets: tuple[str, ...] = ("all",)  # of make
    up: tuple[str, ...] = ()  # more arguments of vni-lab up
    # CPUs of node 0 for veth's client and server; of each node for VNI. None: find node 0's out.
    veth_cpus: tuple[int, int] = (0, 1)
    cpu0: int | None = None
    cpu1: int = 0
    joins: tuple[str, str] = ("", "")  # what loading the modules does besides, on each node
    emulated: bool = True
    direct: bool = False  # whether nodes can read each other's memory in place
    note: str = ""  # what to know before comparing with veth


_ALL = (
    Where("partition", "one partitioned machine", direct=True),
    # Three CPUs in all, as on the partitioned machine: a host of two cores has enough with that.
    Where("ivshmem", "virtual machines that share memory by ivshmem",
          up=("--cpus0", "2", "--cpus1", "1")),
    Where("uml", "User-Mode Linux processes of this host", deps="uml", targets=("uml", "tools"),
          veth_cpus=(0, 0), cpu0=0, emulated=False, direct=True,
          note="A User-Mode Linux kernel has one CPU: veth has one core of the host, VNI two."),
    Where("pair", "two ends in one kernel, each in a network namespace", cpu0=0, cpu1=1,
          joins=(", ip link add type vni, one end to node 0", ", the other end to node 1")),
)
KINDS = {where.name: where for where in _ALL}
