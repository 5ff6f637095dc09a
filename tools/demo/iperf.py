# SPDX-License-Identifier: GPL-2.0
"""One run of iperf3 on a route, and what it says as JSON."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .errors import DemoError
from .lab import Lab
from .record import Record
from .route import Route


_GRACE = 15  # seconds in which a run must have come to its end beyond its own time


class Udp(NamedTuple):
    size: int
    seconds: float
    sent: int  # datagrams
    received: int

    def rate(self) -> float:
        """Received payload, bits a second."""
        return self.received * self.size * 8 / self.seconds


def _run(lab: Lab, record: Record, route: Route, what: str, seconds: float,
         *options: str) -> dict[str, Any]:
    argv = route.client.command("iperf3", "-J", "-c", route.server.address, "-t", str(seconds),
                                *options)
    text = lab.run(route.client.node, *argv, seconds=seconds + _GRACE)
    record.raw(f"iperf3 {what} {route.name}", text)
    try:
        value: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise DemoError(f"iperf3 said no JSON: {text[:500]}") from error
    if "error" in value:
        raise DemoError(f"iperf3: {value['error']}")
    return value


def tcp(lab: Lab, record: Record, route: Route, seconds: int, what: str = "TCP") -> float:
    """Received bits a second of one stream."""
    end = _run(lab, record, route, what, seconds)["end"]
    return float(end["sum_received"]["bits_per_second"])


def udp(lab: Lab, record: Record, route: Route, seconds: int, size: int) -> Udp:
    """As fast as the sender can; counted where it arrives."""
    value = _run(lab, record, route, f"UDP {size} B", seconds, "-u", "-b", "0", "-l", str(size))
    total = value["end"]["sum"]
    sent, lost = int(total["packets"]), int(total["lost_packets"])
    return Udp(size, float(total["seconds"]), sent, sent - lost)
