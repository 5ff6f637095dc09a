# SPDX-License-Identifier: GPL-2.0
"""More than two nodes: each sends to the next one, the last to the first."""

from __future__ import annotations

import contextlib
from functools import partial

from demo import network
from demo.errors import DemoError
from demo.lab import Lab
from demo.record import Record
from demo.route import Place

from . import build
from .nodes import Way, check_built
from .part import Mode, Part
from .results import Group, Key
from .streams import BULK
from .together import stream
from .turns import Shot

COUNTS = (2, 4, 8)
VNI, BRIDGE = "VNI between so many nodes", "bridge and veth in one node"

_BRIDGE = """ip link add br0 type bridge
ip link set br0 up
for n in $(seq {count}); do
	ip netns add n$n
	ip link add p$n type veth peer name eth0 netns n$n
	ip link set p$n master br0 up
	ip -n n$n link set eth0 up
	ip -n n$n addr add 10.6.0.$n/24 dev eth0
	ip netns exec n$n flow -s
done"""


class Crowd(Part):
    name = "crowd"
    title = "More than two nodes, in User-Mode Linux"
    groups = (
        Group("crowd", name, "TCP, each node sends to the next one: all together", "Gb/s", "higher",
              "nodes"),
        Group("crowd-even", name, "The slowest stream, as a share of an even part", "of 1",
              "higher", "nodes"),
    )

    def __init__(self, mode: Mode, name: str, record: Record) -> None:
        super().__init__(mode)
        self._name = name
        self._record = record
        self._labs: dict[int, Lab] = {}
        self._rings: dict[tuple[str, int], tuple[Lab, list[Way]]] = {}

    def expected(self) -> float:
        shots = 2 * len(COUNTS)
        return 45 + self.mode.runs * shots * (self.mode.seconds + 2.2)

    def prepare(self) -> list[Shot]:
        check_built()
        self.notes.append(f"All nodes share {build.cpus()} CPUs of this host: with more nodes than "
                          "that each has less of one, and what is seen is what a crowd costs. The "
                          "bridge and its namespaces are in one node, which has one CPU.")
        flow = build.compiled("flow", "flow.c", "-static")
        for count in COUNTS:
            try:
                self._bring_up(count, [f"{flow}:/usr/bin/flow"])
            except DemoError as error:
                if count == COUNTS[0]:
                    raise
                self.notes.append(f"{count} nodes are missing: {error}")
        self._make_bridge()
        return [Shot(f"{who}, {count}", partial(self._stream, who, count))
                for count in COUNTS for who in (VNI, BRIDGE) if (who, count) in self._rings]

    def end(self) -> None:
        with contextlib.ExitStack() as stack:  # all of them, though one may fail
            for count, lab in self._labs.items():
                stack.callback(lab.down, self._record.home / f"lab-crowd-{count}")

    def _bring_up(self, count: int, add: list[str]) -> None:
        """All labs stay up, as the runs go in turns; nodes that do nothing cost next to nothing.
        Memory is that of the other parts' nodes, as TCP sizes its buffers by it."""
        lab = self._labs[count] = Lab(f"{self._name}-of{count}", "uml", "6.12",
                                      [f"--nodes={count}", "--pin", "--node-mem=768M"])
        lab.up(add, lambda text: None)
        for node in range(count):
            network.insert_modules(lab, node)
            network.link_up(lab, node)
        places = [Place(node, 0, network.address(node)) for node in range(count)]
        ways = _ring(VNI, places)
        for way in ways:
            network.wait_for_carrier(lab, way.client.node)
            lab.sh(way.client.node, f"flow -s; ping -q -c 1 -w 10 {way.server.address}")
        self._rings[VNI, count] = lab, ways

    def _make_bridge(self) -> None:
        lab = self._labs[COUNTS[0]]
        lab.sh(0, _BRIDGE.format(count=COUNTS[-1]), seconds=60)
        places = [Place(0, 0, f"10.6.0.{n + 1}", f"n{n + 1}") for n in range(COUNTS[-1])]
        for count in COUNTS:
            self._rings[BRIDGE, count] = lab, _ring(BRIDGE, places[:count])

    def _stream(self, who: str, count: int) -> dict[Key, float]:
        lab, ways = self._rings[who, count]
        told = stream(lab, ways, BULK, self.mode.seconds)
        return {Key("crowd", who, count): told.gigabits,
                Key("crowd-even", who, count): told.even}


def _ring(name: str, places: list[Place]) -> list[Way]:
    return [Way(name, place, after) for place, after in zip(places, places[1:] + places[:1])]
