# SPDX-License-Identifier: GPL-2.0
"""Where the time goes in User-Mode Linux nodes: bulk TCP, frames from pktgen, and round trips."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from demo.record import Record

from . import pktgen, samples, trips
from .nodes import BUSY, DIRECT, IN_PLACE, LO, MIXED, VECTOR, VETH, Nodes, Way
from .part import Mode, Part
from .results import Key
from .streams import BULK, flow
from .turns import Shot

_WAYS = (MIXED, IN_PLACE, DIRECT, VETH, LO, VECTOR)
_FRAMES = {64: (MIXED, pktgen.ONE_SKB, VETH, VECTOR, pktgen.VECTOR_ONE_SKB),
           1500: (MIXED, pktgen.ONE_SKB, VETH)}
_TRIPS = (MIXED, BUSY, VETH, VECTOR)
_STREAM, _TRIP = ("sender", "receiver"), ("client", "server")

_GROUPS = (samples.group("uml-profile-tcp", "profile", "uml", "TCP, writes of 128 KB"),
           *(samples.group(f"uml-profile-{size}", "profile", "uml",
                           f"frames of {size} B from pktgen") for size in _FRAMES),
           samples.group("uml-profile-trips", "profile", "uml", "round trips of 1 B over TCP"))


class Profile(Part):
    name = "profile"
    title = "Where the time goes, in User-Mode Linux"
    groups = _GROUPS

    def __init__(self, mode: Mode, nodes: Nodes, record: Record) -> None:
        super().__init__(mode)
        self._nodes = nodes
        self._home = record.home
        self._wires: dict[str, pktgen.Wire] = {}

    def expected(self) -> float:
        shots = len(_WAYS) + sum(map(len, _FRAMES.values())) + len(_TRIPS)
        return 8 + self.mode.runs * shots * (self.mode.seconds + 2 * samples.LEAD + 1.5)

    def prepare(self) -> list[Shot]:
        samples.need_perf()
        self._nodes.need()
        pktgen.need(self._nodes.lab, 1)
        self._wires = pktgen.wires(self._nodes)
        there = self._nodes.ways
        shots = [Shot(name, partial(self._tcp, name)) for name in _WAYS if name in there]
        shots += [Shot(f"{name}, frames of {size} B", partial(self._frames, name, size))
                  for size, names in _FRAMES.items() for name in names if name in self._wires]
        return shots + [Shot(f"{name}, round trips", partial(self._trips, name))
                        for name in _TRIPS if name in there]

    def mend(self) -> None:
        self._nodes.revive()
        pktgen.need(self._nodes.lab, 1)

    def end(self) -> None:
        self._nodes.settle()

    def _tcp(self, name: str) -> dict[Key, float]:
        way = self._nodes.ways[name]
        return self._ends("uml-profile-tcp", name, way, _STREAM,
                          partial(flow, self._nodes.lab, way, "tcp", BULK))

    def _frames(self, name: str, size: int) -> dict[Key, float]:
        wire = self._wires[name]
        return self._ends(f"uml-profile-{size}", name, wire.way, _STREAM,
                          partial(pktgen.generate, self._nodes.lab, wire, size))

    def _trips(self, name: str) -> dict[Key, float]:
        way = self._nodes.ways[name]
        return self._ends("uml-profile-trips", name, way, _TRIP,
                          partial(trips.ask, self._nodes.lab, way, "tcp", 1))

    def _ends(self, told: str, name: str, way: Way, words: tuple[str, str],
              load: Callable[[float], object]) -> dict[Key, float]:
        """`words` is what the two ends are called, where each is a node of its own."""
        self._nodes.take(way)
        lab, seconds = self._nodes.lab, self.mode.seconds
        known = [samples.modules(lab, node) for node in range(2)]

        def one(node: int) -> list[samples.Sample]:
            return samples.of_processes(self._home / f"perf-{node}.data",
                                        self._nodes.processes(node), seconds, known[node])

        ends = {word: node for node, word in enumerate(words)} if way.server.node else {"both": 0}
        found = samples.of_ends(ends, seconds, load, one)
        return samples.keyed(told, "uml", name, found, 1)
