# SPDX-License-Identifier: GPL-2.0
"""Several TCP streams that begin together, of one node or of several."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from demo.errors import DemoError
from demo.lab import Lab, slow

from .errors import BenchError
from .nodes import Way

_GRACE = 20
_LEAD = 0.6  # seconds until they begin: a command has to get into a node, and to connect
_LEAD_A_STREAM = 0.15
_TRIES = 4
_LATE = "after the time to begin"  # says flow then


class Sum(NamedTuple):
    """What several streams have done."""

    gigabits: float  # a second, all together
    even: float  # the slowest one's share of what each would have if all had the same


def add_up(told: list[dict[str, Any]]) -> Sum:
    """From first to last: the longest of them is the time of all, as they begin together."""
    if not told or not all(one["received"] and one["receive_seconds"] > 0 for one in told):
        raise BenchError(f"of {len(told)} streams at once not all got something through")
    total = sum(one["received"] for one in told)
    rates = [one["received"] / one["receive_seconds"] for one in told]
    return Sum(total * 8 / 1e9 / max(one["receive_seconds"] for one in told),
               min(rates) * len(rates) / sum(rates))


def script(ways: list[Way], size: int, seconds: float, when: float) -> str:
    """All streams of one node; its output is a line of JSON each."""
    lines = ["pids="]
    for way in ways:
        argv = way.client.command("flow", "-c", way.server.address, "-l", str(size),
                                  "-t", str(seconds), "-w", f"{when:.3f}")
        lines += [f"{' '.join(argv)} &", 'pids="$pids $!"']
    # All are waited for: none may run into what is measured next.
    return "\n".join([*lines, "bad=0", "for pid in $pids; do wait $pid || bad=1; done",
                      "exit $bad"])


def stream(lab: Lab, ways: list[Way], size: int, seconds: float) -> Sum:
    """One TCP stream a way, all at once. Where a busy host is late, they get more time to come."""
    lead = (_LEAD + _LEAD_A_STREAM * len(ways)) * slow()
    for _ in range(_TRIES - 1):
        try:
            return _stream(lab, ways, size, seconds, lead)
        except DemoError as error:
            if _LATE not in str(error):
                raise
            lead *= 2
    return _stream(lab, ways, size, seconds, lead)


def _stream(lab: Lab, ways: list[Way], size: int, seconds: float, lead: float) -> Sum:
    nodes = sorted({way.client.node for way in ways})
    when = time.time() + lead
    scripts = [script([way for way in ways if way.client.node == node], size, seconds, when)
               for node in nodes]
    limit = lead + seconds + _GRACE
    with ThreadPoolExecutor(len(nodes)) as pool:
        said = list(pool.map(lambda node, text: lab.sh(node, text, seconds=limit), nodes, scripts))
    told = [json.loads(line) for text in said for line in text.splitlines()]
    if len(told) != len(ways):
        raise BenchError(f"of {len(ways)} streams at once {len(told)} have told what they did")
    return add_up(told)
