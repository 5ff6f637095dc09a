# SPDX-License-Identifier: GPL-2.0
"""How the memory and the CPUs of a partitioned machine are shared out."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .errors import LabError

MIB = 1 << 20
GIB = 1 << 30
_LOW_RAM = 2 * GIB  # what q35 puts below its hole once the machine has more than that
_LOW = "448K@64K"
_UNITS = {"": MIB, "K": 1 << 10, "M": MIB, "G": GIB}


def parse_size(text: str) -> int:
    """"512M", "1G"; a bare number counts MiB."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    if not match:
        raise LabError(f"{text}: not a size (try 512M or 1G)")
    return int(match[1]) * _UNITS[match[2]]


class Layout(NamedTuple):
    memory: int  # of the whole machine
    low: str  # each as "size@base", the way memmap= and the starter write it
    pool: str
    window: str
    cpus: list[str]  # for each node, as "2" or "2-3"
    cpu_count: int

    def memmap(self) -> list[str]:
        return ["memmap=" + area.replace("@", "$") for area in (self.low, self.pool, self.window)]


def _cpu_ranges(config: dict[str, Any]) -> tuple[list[str], int]:
    first = 0
    ranges = []
    for node in range(int(config["nodes"])):
        count = int(config["cpus0"] if node == 0 else config["cpus1"])
        ranges.append(str(first) if count == 1 else f"{first}-{first + count - 1}")
        first += count
    return ranges, first


def plan(config: dict[str, Any]) -> Layout:
    mem0, each, window = (parse_size(config[key]) for key in ("mem", "node_mem", "window"))
    pool = max(1, int(config["nodes"]) - 1) * each
    for name, size, least in (("mem", mem0, 512), ("node-mem", each, 96), ("window", window, 1)):
        if size % MIB or size < least * MIB:
            raise LabError(f"--{name}: whole MiB, and at least {least}M")
    # Node 0's memory first; then the pool from which the nodes get theirs, then the window. Where
    # that does not fit below the PCI hole, pool and window lie above 4 GiB.
    base, memory = mem0, mem0 + pool + window
    if memory > _LOW_RAM:
        if mem0 > _LOW_RAM:
            raise LabError("--mem: at most 2G in this layout")
        base, memory = 4 * GIB, _LOW_RAM + pool + window
    areas = [f"{size // MIB}M@{at // MIB}M" for size, at in ((pool, base), (window, base + pool))]
    ranges, count = _cpu_ranges(config)
    return Layout(memory, _LOW, areas[0], areas[1], ranges, count)
