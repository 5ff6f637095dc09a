# SPDX-License-Identifier: GPL-2.0
"""Where the time goes in User-Mode Linux nodes: bulk TCP, and frames from pktgen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from demo.record import Record

from . import pktgen, samples
from .nodes import DIRECT, IN_PLACE, LO, MIXED, VECTOR, VETH, Nodes, Way
from .part import Mode, Part
from .results import Key
from .streams import BULK, flow
from .turns import Shot

_WAYS = (MIXED, IN_PLACE, DIRECT, VETH, LO, VECTOR)
_FRAMES = {64: (MIXED, pktgen.ONE_SKB, VETH, VECTOR, pktgen.VECTOR_ONE_SKB),
           1500: (MIXED, pktgen.ONE_SKB, VETH)}


_GROUPS = (samples.group("profile-tcp", "profile", "uml", "TCP, writes of 128 KB"),
           *(samples.group(f"profile-{size}", "profile", "uml", f"frames of {size} B from pktgen")
             for size in _FRAMES))


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
        shots = len(_WAYS) + sum(map(len, _FRAMES.values()))
        return 8 + self.mode.runs * shots * (self.mode.seconds + 2 * samples.LEAD + 1.5)

    def prepare(self) -> list[Shot]:
        samples.need_perf()
        self._nodes.need()
        pktgen.need(self._nodes.lab, 1)
        self._wires = pktgen.wires(self._nodes)
        shots = [Shot(name, partial(self._tcp, name)) for name in _WAYS if name in self._nodes.ways]
        return shots + [Shot(f"{name}, frames of {size} B", partial(self._frames, name, size))
                        for size, names in _FRAMES.items() for name in names
                        if name in self._wires]

    def mend(self) -> None:
        self._nodes.revive()
        pktgen.need(self._nodes.lab, 1)

    def end(self) -> None:
        self._nodes.settle()

    def _tcp(self, name: str) -> dict[Key, float]:
        way = self._nodes.ways[name]
        return self._ends("profile-tcp", name, way, partial(flow, self._nodes.lab, way, "tcp", BULK))

    def _frames(self, name: str, size: int) -> dict[Key, float]:
        wire = self._wires[name]
        return self._ends(f"profile-{size}", name, wire.way,
                          partial(pktgen.generate, self._nodes.lab, wire, size))

    def _ends(self, told: str, name: str, way: Way,
              load: Callable[[float], object]) -> dict[Key, float]:
        self._nodes.take(way)
        pids, lab, seconds = self._nodes.pids(), self._nodes.lab, self.mode.seconds
        known = [samples.modules(lab, node) for node in range(2)]

        def one(node: int) -> list[samples.Sample]:
            return samples.of_process(self._home / f"perf-{node}.data", pids[node], seconds,
                                      known[node])

        ends = {"sender": 0, "receiver": 1} if way.server.node else {"both": 0}
        found = samples.of_ends(ends, seconds, load, one)
        return samples.keyed(told, name, found, samples.RATE * seconds)
