# SPDX-License-Identifier: GPL-2.0
"""Several TCP streams at once between two nodes, with one queue and with two."""

from __future__ import annotations

from functools import partial

from .nodes import MIXED, QUEUES, VECTOR, VETH, Nodes
from .part import Mode, Part
from .results import Group, Key
from .streams import BULK
from .together import stream
from .turns import Shot

COUNTS = (1, 2, 4)

# Two queues come last, as the device is made anew for them.
_WAYS = (MIXED, VETH, VECTOR, QUEUES)


class Parallel(Part):
    name = "parallel"
    title = "Several streams and queues in User-Mode Linux"
    groups = (
        Group("parallel", name, "TCP streams at once, all together", "Gb/s", "higher", "streams"),
        Group("parallel-even", name, "The slowest stream, as a share of an even part", "of 1",
              "higher", "streams"),
    )

    def __init__(self, mode: Mode, nodes: Nodes) -> None:
        super().__init__(mode)
        self._nodes = nodes

    def expected(self) -> float:
        shots = len(COUNTS) * len(_WAYS)
        return 8 + self.mode.runs * (shots * (self.mode.seconds + 1.6) + 4)

    def prepare(self) -> list[Shot]:
        self._nodes.need()
        self.notes.append("A User-Mode Linux kernel has one CPU: several streams share one of the "
                          "host's at each end (veth: one for both ends), and two queues have no "
                          "second CPU to run on. This shows what sharing costs, not what more CPUs "
                          "would give.")
        return [Shot(f"{way}, {count} TCP streams", partial(self._streams, way, count))
                for way in _WAYS if way in self._nodes.ways for count in COUNTS]

    def mend(self) -> None:
        self._nodes.revive()

    def end(self) -> None:
        self._nodes.settle()

    def _streams(self, name: str, count: int) -> dict[Key, float]:
        way = self._nodes.ways[name]
        self._nodes.take(way)
        told = stream(self._nodes.lab, [way] * count, BULK, self.mode.seconds)
        return {Key("parallel", name, count): told.gigabits,
                Key("parallel-even", name, count): told.even}
