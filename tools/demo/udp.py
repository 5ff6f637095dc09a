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


def measure_veth(lab: Lab, record: Record, route: Route, size: int) -> dict[str, Any]:
    """What does not arrive was dropped in the one kernel that both ends are in."""
    return _fact(iperf.udp(lab, record, route, _SECONDS, size), route.name)


def measure(lab: Lab, record: Record, route: Route, size: int) -> dict[str, Any]:
    nodes = (route.client.node, route.server.node)
    before = [counters.take(lab, node) for node in nodes]
    run = iperf.udp(lab, record, route, _SECONDS, size)
    sender, receiver = (counters.take(lab, node).since(old) for node, old in zip(nodes, before))
    return {
        **_fact(run, route.name),
        "where": {
            "sender's queue": sender.get(counters.QDISC, 0),
            "VNI": counters.drops(sender) + counters.drops(receiver),
            "receiver's socket": receiver.get(counters.SOCKET, 0),
            "receiver's reassembly": receiver.get(counters.REASSEMBLY, 0),
        },
    }


def _fact(run: iperf.Udp, direction: str) -> dict[str, Any]:
    return {
        "size": run.size,
        "direction": direction,
        "sent": run.sent,
        "received": run.received,
        "lost": run.sent - run.received,
        "seconds": run.seconds,
        "bits_per_second": run.rate(),
        "datagrams_per_second": run.received / run.seconds,
    }


def in_words(fact: dict[str, Any]) -> str:
    lost = 100 * fact["lost"] / fact["sent"] if fact["sent"] else 0.0
    places = [f"{name} {count}" for name, count in fact.get("where", {}).items()
              if count or name == "VNI"]
    return (f"{fact['bits_per_second'] / 1e9:.3f} Gb/s, {fact['datagrams_per_second']:.0f}/s, "
            f"lost {lost:.1f} %" + (f" ({', '.join(places)})" if places else ""))
