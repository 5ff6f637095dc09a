# SPDX-License-Identifier: GPL-2.0
"""The one table at the end, from the facts that the measurements have left."""

from __future__ import annotations

from statistics import median
from typing import Any

from .stream import gigabits

_NAMES = {"there": "0 to 1", "back": "1 to 0"}
Row = tuple[str, str, str, str, str]


def _spread(runs: list[float]) -> str:
    return f"{gigabits(min(runs))}-{gigabits(max(runs))}"


def stream_rows(facts: dict[str, Any], form: str) -> list[Row]:
    veth = facts["veth"]["runs"]
    rows = []
    for key, direction in _NAMES.items():
        runs = facts[key]["runs"]
        ratio = median(runs) / median(veth)
        note = f"VNI {_spread(runs)}, veth {_spread(veth)}, {len(runs)} runs"
        rows.append((f"TCP {direction}, {form}", f"{gigabits(median(runs))} Gb/s",
                     f"{gigabits(median(veth))} Gb/s", f"{ratio:.2f}", note))
    return rows


def udp_rows(facts: list[dict[str, Any]]) -> list[Row]:
    rows = []
    for run in facts:
        loss = 100 * run["lost"] / run["sent"] if run["sent"] else 0.0
        where = ", ".join(f"{name} {count}" for name, count in run["where"].items()
                          if count or name == "VNI")
        rows.append((f"UDP {run['size']} B {run['direction']}",
                     f"{run['bits_per_second'] / 1e9:.3f} Gb/s", "", "",
                     f"{run['datagrams_per_second']:.0f}/s, lost {loss:.1f} %"
                     + f" ({where})"))
    return rows


def rtt_rows(facts: dict[str, Any]) -> list[Row]:
    rows = []
    for protocol, pair in facts.items():
        vni, veth = pair["vni"], pair["veth"]
        for key in ("median", "p99"):
            rows.append((f"round trip {protocol.upper()}, {key}", f"{vni[key] / 1000:.0f} us",
                         f"{veth[key] / 1000:.0f} us", f"{vni[key] / veth[key]:.2f}",
                         f"1 byte, {vni['count']} and {veth['count']} trips"
                         if key == "median" else ""))
    return rows


def render(rows: list[Row]) -> str:
    head: Row = ("", "VNI", "veth", "ratio", "")
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(4)]
    lines = []
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [row[i].rjust(widths[i]) for i in range(1, 4)]
        lines.append("  ".join([*cells, row[4]]).rstrip())
    return "\n".join(lines)
