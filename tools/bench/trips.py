# SPDX-License-Identifier: GPL-2.0
"""Round trips over TCP and UDP: while nothing else goes on, and beside a bulk stream."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from demo import rtt
from demo.lab import Lab

from .errors import BenchError
from .nodes import BUSY, LO, MIXED, VECTOR, VETH, Nodes, Way
from .part import Mode, Part
from .results import Group, Key
from .streams import BULK
from .turns import Shot

SIZES = (1, 1024)
LOADED = "loaded-"  # before the name of a group

_WAYS = (MIXED, BUSY, VETH, LO, VECTOR)
_LOADED_WAYS = (MIXED, VETH, VECTOR)
_GRACE = 20
_LEAD = 0.4  # seconds that the bulk stream begins before
_LOAD_LIMIT = 60  # seconds after which it ends by itself
_LEAST = 10  # trips below which there is no median to speak of


def _groups(part: str) -> tuple[Group, ...]:
    made = []
    for load, when in (("", "idle"), (LOADED, "under bulk TCP load")):
        for protocol in rtt.PROTOCOLS:
            for kind in ("median", "p99"):
                made.append(Group(f"{load}{protocol}-{kind}", part,
                                  f"Round trip over {protocol.upper()}, {when}, {kind}", "us",
                                  "lower", "bytes a message"))
    made.append(Group("trips", part, "Round trips a second, idle, TCP", "a second", "higher",
                      "bytes a message"))
    return tuple(made)


class Trips(Part):
    name = "trips"
    title = "Round trips in User-Mode Linux, natively"
    groups = _groups(name)

    def __init__(self, mode: Mode, nodes: Nodes) -> None:
        super().__init__(mode)
        self._nodes = nodes
        self._loaded_sizes = mode.some(SIZES, (1,))
        self._seconds = mode.seconds

    def expected(self) -> float:
        idle = len(rtt.PROTOCOLS) * len(SIZES) * len(_WAYS) * (self._seconds + 0.6)
        loaded = len(rtt.PROTOCOLS) * len(self._loaded_sizes) * len(_LOADED_WAYS)
        return 2 + self.mode.runs * (idle + loaded * (self._seconds + 2 * _LEAD + 1.5))

    def prepare(self) -> list[Shot]:
        self._nodes.need()
        shots = []
        for loaded, ways, sizes in ((False, _WAYS, SIZES),
                                    (True, _LOADED_WAYS, self._loaded_sizes)):
            for protocol in rtt.PROTOCOLS:
                for size in sizes:
                    shots += [Shot(f"{way}, {protocol.upper()}, {size} B"
                                   + (", loaded" if loaded else ""),
                                   partial(self._trip, way, protocol, size, loaded))
                              for way in ways if way in self._nodes.ways]
        return shots

    def mend(self) -> None:
        self._nodes.revive()

    def end(self) -> None:
        self._nodes.settle()

    def _trip(self, name: str, protocol: str, size: int, loaded: bool) -> dict[Key, float]:
        way = self._nodes.ways[name]
        self._nodes.take(way)
        with self._load(way) if loaded else contextlib.nullcontext():
            told = ask(self._nodes.lab, way, protocol, size, self._seconds)
        load = LOADED if loaded else ""
        figures = {Key(f"{load}{protocol}-{kind}", name, size): told[kind] / 1000
                   for kind in ("median", "p99")}
        if protocol == "tcp" and not loaded:
            figures[Key("trips", name, size)] = 1e9 / told["mean"]
        return figures

    @contextlib.contextmanager
    def _load(self, way: Way) -> Iterator[None]:
        """A bulk stream the same way, from before it is measured until after that."""
        lab, node = self._nodes.lab, way.client.node
        argv = way.client.command("flow", "-c", way.server.address, "-l", str(BULK),
                                  "-t", str(_LOAD_LIMIT))
        pid = lab.sh(node, f"{' '.join(argv)} </dev/null >/dev/null 2>&1 & echo $!").strip()
        try:
            time.sleep(_LEAD)
            yield
            ended = "no" in lab.sh(node, f"kill -0 {pid} 2>/dev/null && echo yes || echo no")
        finally:
            lab.sh(node, f"kill {pid} 2>/dev/null || true")
        if ended:
            raise BenchError("the bulk stream ended before the round trips did")


def ask(lab: Lab, way: Way, protocol: str, size: int, seconds: float) -> dict[str, Any]:
    """Round trips for some time; what tools/demo/rr.c prints, in nanoseconds."""
    argv = way.client.command("rr", "-c", way.server.address, "-t", str(seconds), "-p", protocol,
                              "-l", str(size))
    told: dict[str, Any] = json.loads(lab.run(way.client.node, *argv, seconds=seconds + _GRACE))
    if told["count"] < _LEAST:
        raise BenchError(f"only {told['count']} round trips, {told['lost']} lost")
    return told
