# SPDX-License-Identifier: GPL-2.0
"""Round trips of one byte, over VNI and over veth."""

from __future__ import annotations

import json
from typing import Any

from .errors import DemoError
from .lab import Lab
from .record import Record
from .route import Routes

PROTOCOLS = ("tcp", "udp")
_SECONDS = 2


def measure(lab: Lab, record: Record, routes: Routes, protocol: str) -> dict[str, Any]:
    """Nanoseconds: {"vni": {"median": ..., "p99": ..., "count": ...}, "veth": ...}"""
    facts = {}
    for name, route in (("vni", routes.there), ("veth", routes.veth)):
        argv = route.client.command("rr", "-c", route.server.address, "-t", str(_SECONDS),
                                    "-p", protocol)
        text = lab.run(route.client.node, *argv, seconds=_SECONDS + 15)
        record.raw(f"rr {protocol} {name}", text)
        facts[name] = json.loads(text)
        if facts[name]["count"] < 10 or facts[name]["lost"]:
            raise DemoError(f"round trips over {name}: {text.strip()}")
    return facts
