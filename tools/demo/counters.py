# SPDX-License-Identifier: GPL-2.0
"""What the nodes count: VNI's own statistics, those of the stack above, and where frames went."""

from __future__ import annotations

import re
from typing import NamedTuple

from .lab import Lab

# Where VNI itself gives up a frame; see vni/ethtool.c.
DROPS = ("rx_no_memory", "rx_bad_frame", "rx_stale",
         "tx_no_peer", "tx_too_long", "tx_bad_offload", "tx_peer_full")
# Those of them that a link costs which goes down: it found no peer any more, or it came from one
# that had given this node up meanwhile.
_UNMET = ("tx_no_peer", "rx_stale")
# Where others do, by the names of /proc/net/snmp and of the queueing discipline.
SOCKET, REASSEMBLY, QDISC = "Udp.RcvbufErrors", "Ip.ReasmFails", "qdisc.dropped"

_SCRIPT = "ethtool -S vni0; cat /proc/net/snmp; tc -s qdisc show dev vni0"


class Snapshot(NamedTuple):
    values: dict[str, int]  # VNI's are summed over the queues
    text: str

    def since(self, before: Snapshot) -> dict[str, int]:
        return {name: value - before.values.get(name, 0) for name, value in self.values.items()}


def take(lab: Lab, node: int) -> Snapshot:
    text = lab.sh(node, _SCRIPT)
    values: dict[str, int] = {}
    for name, number in re.findall(r"^ *q\d+_(\w+): (\d+)$", text, re.MULTILINE):
        values[name] = values.get(name, 0) + int(number)
    lines = [line.split() for line in text.splitlines()]
    for head, row in zip(lines, lines[1:]):
        if len(head) > 1 and head[0] in ("Ip:", "Udp:") and row[0] == head[0]:
            if not head[1].lstrip("-").isdigit():
                for name, number in zip(head[1:], row[1:]):
                    values[head[0][:-1] + "." + name] = int(number)
    root = text.partition("qdisc ")[2]
    found = re.search(r"\(dropped (\d+)", root)
    values[QDISC] = int(found[1]) if found else 0
    return Snapshot(values, text)


def take_all(lab: Lab, nodes: int) -> list[Snapshot]:
    return [take(lab, node) for node in range(nodes)]


def drops(grown: dict[str, int]) -> int:
    return sum(grown.get(name, 0) for name in DROPS)


def unmet(grown: dict[str, int]) -> int:
    return sum(grown.get(name, 0) for name in _UNMET)


def bells(grown: dict[str, int]) -> int:
    """Doorbells that a node has rung, for data and for room."""
    return grown["tx_bells_rung"] + grown["rx_bells_rung"]
