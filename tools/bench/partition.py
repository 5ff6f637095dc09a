# SPDX-License-Identifier: GPL-2.0
"""Two nodes of one partitioned machine in QEMU: VNI beside veth within node 0, on its two CPUs."""

from __future__ import annotations

from functools import partial

from demo import counters, network, prepare
from demo.lab import Lab
from demo.record import Record
from demo.route import Route
from demo.where import KINDS

from . import build, samples, streams, trips
from .errors import BenchError
from .nodes import COPIED, LENT, Way
from .part import Mode, Part
from .results import Group, Key
from .turns import Shot

THERE, BACK, VETH = "VNI, node 0 to node 1", "VNI, node 1 to node 0", "veth in node 0"
IN_PLACE = {THERE: "VNI in place, node 0 to node 1", BACK: "VNI in place, node 1 to node 0"}
DIRECT = {THERE: "VNI direct, node 0 to node 1", BACK: "VNI direct, node 1 to node 0"}

_SIZES = (1024, 16384, 131072)
_PROFILED = (THERE, IN_PLACE[THERE], DIRECT[THERE], VETH)


class Partition(Part):
    name = "partition"
    title = "Two nodes of a partitioned machine in QEMU"
    groups = (
        Group("partition-tcp", name, "TCP between two nodes, got by the receiving program", "Gb/s",
              "higher", "bytes a message"),
        Group("partition-copies", name, "Copies that the receiving driver makes of a frame above "
              "rx-copybreak, writes of 128 KB", "a frame", "lower"),
        Group("partition-median", name, "Round trip of 1 byte over TCP, median", "us", "lower"),
        Group("partition-p99", name, "Round trip of 1 byte over TCP, p99", "us", "lower"),
        samples.group("partition-profile", name, "vm", "TCP, writes of 128 KB; node 0 has two "
                      "processors"),
    )

    def __init__(self, mode: Mode, name: str, record: Record) -> None:
        super().__init__(mode)
        self._record = record
        self._lab = Lab(f"{name}-part", "partition", "6.12", [])
        self._ways: dict[str, Way] = {}
        self._lent = self._direct = False

    def expected(self) -> float:
        shots = 3 * (len(_SIZES) + 1) + 4 * len(_SIZES) + len(_PROFILED)
        return 60 + self.mode.runs * (shots * (self.mode.seconds + 1.7)
                                      + len(_PROFILED) * 2 * samples.LEAD)

    def prepare(self) -> list[Shot]:
        flow = build.compiled("flow", "flow.c", "-static")
        prepare.build_rr(self._record)
        self._lab.up([f"{flow}:/usr/bin/flow", f"{prepare.RR}:/usr/bin/rr",
                      f"{samples.program()}:/usr/bin/sample"], lambda text: None)
        accel = self._lab.status().get("accel", "?")
        if accel != "kvm":
            self.notes.append(f"QEMU emulates the processor here ({accel}): take the ratios, not "
                              "the figures.")
        self._connect()
        return [Shot(f"{who}, TCP, {size} B", partial(self._stream, who, size))
                for size in _SIZES for who in self._ways] + \
               [Shot(f"{who}, round trip", partial(self._trip, who))
                for who in (THERE, BACK, VETH)] + \
               [Shot(f"{who}, where the time goes", partial(self._profile, who))
                for who in _PROFILED]

    def end(self) -> None:
        self._lab.down(self._record.home / "lab-partition")

    def _connect(self) -> None:
        lab = self._lab
        for node in range(2):
            network.insert_modules(lab, node)
            network.link_up(lab, node)
        for node in range(2):
            network.wait_for_carrier(lab, node)
        routes = network.routes(KINDS[lab.env], network.bell_cpu(lab))
        network.make_veth(lab)
        for place in routes.places():
            for server in ("flow", "rr"):
                lab.run(place.node, *place.command(server, "-s"))
        self._ways = {VETH: _way(VETH, routes.veth)}
        for who, route in ((THERE, routes.there), (BACK, routes.back)):
            for name in (who, IN_PLACE[who], DIRECT[who]):
                self._ways[name] = _way(name, route)

    def _take(self, who: str) -> None:
        """Frames stay in place, or not: the links go down for a moment."""
        lent, direct = who in IN_PLACE.values(), who in DIRECT.values()
        if (lent, direct) == (self._lent, self._direct) or who == VETH:
            return
        if lent != self._lent:
            network.set_lent(self._lab, 2, LENT if lent else COPIED)
        if direct != self._direct:
            network.set_direct(self._lab, 2, direct)
        network.ping(self._lab, 2)
        self._lent, self._direct = lent, direct

    def _stream(self, who: str, size: int) -> dict[Key, float]:
        self._take(who)
        way = self._ways[who]
        before = counters.take_all(self._lab, 2)
        told = streams.flow(self._lab, way, "tcp", size, self.mode.seconds)
        figures = {Key("partition-tcp", who, size):
                   streams.gigabits(told, "received", "receive_seconds")}
        if who in IN_PLACE.values() and size == _SIZES[-1]:
            grown = counters.take_all(self._lab, 2)[way.server.node].since(before[way.server.node])
            stayed, copied = grown["rx_lent_frames"], grown["rx_loan_copies"]
            if not stayed:
                raise BenchError("no frame stayed in place")
            figures[Key("partition-copies", who)] = copied / (stayed + copied)
        return figures

    def _profile(self, who: str) -> dict[Key, float]:
        self._take(who)
        way = self._ways[who]
        ends = {"node 0": 0} if who == VETH else {"sender": 0, "receiver": 1}
        found = samples.of_ends(ends, self.mode.seconds,
                                partial(streams.flow, self._lab, way, "tcp", _SIZES[-1]),
                                partial(samples.of_machine, self._lab, self.mode.seconds))
        return samples.keyed("partition-profile", "vm", who, found)

    def _trip(self, who: str) -> dict[Key, float]:
        self._take(who)
        told = trips.ask(self._lab, self._ways[who], "tcp", 1, self.mode.seconds)
        return {Key(f"partition-{kind}", who): told[kind] / 1000 for kind in ("median", "p99")}


def _way(who: str, route: Route) -> Way:
    return Way(who, route.client, route.server)
