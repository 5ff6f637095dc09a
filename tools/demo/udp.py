# SPDX-License-Identifier: GPL-2.0
"""UDP as fast as the sender can, and where what is lost is lost."""

from __future__ import annotations

from typing import Any

from . import counters, iperf
from .lab import Lab
from .record import Record
from .route import Route

SIZES = (64, 1472, 16384)
_SECONDS = 2


def measure(lab: Lab, record: Record, route: Route, size: int) -> dict[str, Any]:
    nodes = (route.client.node, route.server.node)
    before = [counters.take(lab, node) for node in nodes]
    run = iperf.udp(lab, record, route, _SECONDS, size)
    sender, receiver = (counters.take(lab, node).since(old) for node, old in zip(nodes, before))
    return {
        "size": size,
        "direction": route.name,
        "sent": run.sent,
        "received": run.received,
        "lost": run.sent - run.received,
        "seconds": run.seconds,
        "bits_per_second": run.rate(),
        "datagrams_per_second": run.received / run.seconds,
        "where": {
            "sender's queue": sender.get(counters.QDISC, 0),
            "VNI": counters.drops(sender) + counters.drops(receiver),
            "receiver's socket": receiver.get(counters.SOCKET, 0),
            "receiver's reassembly": receiver.get(counters.REASSEMBLY, 0),
        },
    }
