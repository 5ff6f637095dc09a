# SPDX-License-Identifier: GPL-2.0
"""Frames that the kernel makes itself: how many a second arrive at the other end."""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple

from demo import counters
from demo.lab import Lab
from demo.route import Place

from . import lines, memif, window
from .errors import BenchError
from .nodes import HEADTAIL, MIXED, OFFSET, VECTOR, VETH, Nodes, Way
from .part import Mode, Part
from .results import Group, Key
from .turns import Shot

SIZES = (64, 256, 1024, 1500, 4096, 16384, 65000)
_QUICK_SIZES = (64, 1500, 65000)
_LINES_SIZES = (64, 1500, 16384)
_QUICK_LINES_SIZES = (64, 1500)
_LINES_SECONDS = 0.3  # at most: what is counted is no rate
_MTU = 65100  # for all sizes, where the device takes it
_MTU_BEFORE = 1500
_VECTOR_MOST = 1500  # the vector transport's frames are those of its MTU
_NOWHERE = "198.18.0.2"  # of the range for benchmarks: routed nowhere, so nobody answers
_GRACE = 20

ONE_SKB, VECTOR_ONE_SKB = "VNI, mixed, one skb", "UML vector (raw), one skb"
# Sent again and again, and shown to the peer in bursts; a device has to allow that.
_ONE_SKB = ("clone_skb 1000000", "burst 32")

_SCRIPT = """P=/proc/net/pktgen
echo rem_device_all >$P/kpktgend_{cpu}
echo add_device {device} >$P/kpktgend_{cpu}
for word in 'count 0' 'delay 0' 'pkt_size {size}' 'dst {to}' 'dst_mac {mac}' {more}; do
	echo "$word" >$P/{device}
done
echo start >$P/pgctrl &
sleep {seconds}
echo stop >$P/pgctrl
wait
cat $P/{device}
echo rem_device_all >$P/kpktgend_{cpu}"""


class Wire(NamedTuple):
    """A way and the devices at its ends."""

    way: Way
    sender: str
    receiver: str
    words: tuple[str, ...] = ()  # for pktgen, besides


class Rate(NamedTuple):
    """Millions a second."""

    sent: float
    received: float


def need(lab: Lab, nodes: int) -> None:
    for node in range(nodes):
        if "yes" not in lab.sh(node, "modprobe pktgen && echo yes || echo no"):
            raise BenchError("this kernel has no pktgen (CONFIG_NET_PKTGEN)")


def wires(nodes: Nodes) -> dict[str, Wire]:
    """Between two User-Mode Linux nodes, those that there are."""
    devices = {MIXED: ("vni0", "vni0"), HEADTAIL: ("vni0", "vni0"), OFFSET: ("vni0", "vni0"),
               VETH: ("va", "vb"), VECTOR: ("vec0", "vec0")}
    found = {name: Wire(nodes.ways[name], *ends) for name, ends in devices.items()
             if name in nodes.ways}
    for name, one_skb in ((MIXED, ONE_SKB), (VECTOR, VECTOR_ONE_SKB)):
        if name in found:
            found[one_skb] = found[name]._replace(words=_ONE_SKB)
    return found


def _read(lab: Lab, place: Place, device: str, what: str) -> str:
    return lab.run(place.node, *place.command("cat", f"/sys/class/net/{device}/{what}")).strip()


def generate(lab: Lab, wire: Wire, size: int, seconds: float) -> Rate:
    """Frames of `size` bytes as fast as they go."""
    client, server = wire.way.client, wire.way.server
    script = _SCRIPT.format(device=wire.sender, size=size, seconds=seconds, to=_NOWHERE,
                            cpu=client.cpu, mac=_read(lab, server, wire.receiver, "address"),
                            more=" ".join(f"'{word}'" for word in wire.words))
    before = int(_read(lab, server, wire.receiver, "statistics/rx_packets"))
    text = lab.run(client.node, *client.command("sh", "-ec", script), seconds=seconds + _GRACE)
    received = int(_read(lab, server, wire.receiver, "statistics/rx_packets")) - before
    found = re.search(r"Result: OK: (\d+)\(.*?\) usec, (\d+) ", text)
    if not found:
        raise BenchError(f"pktgen tells no result:\n{text[-500:]}")
    microseconds, sent = int(found[1]), int(found[2])
    if not received:
        raise BenchError(f"of {sent} frames of {size} B none was received")
    return Rate(sent / microseconds, received / microseconds)


class Pktgen(Part):
    name = "pktgen"
    title = "Frames from pktgen in User-Mode Linux, natively"
    groups = (
        Group("frames", name, "Frames received a second", "million/s", "higher",
              "bytes a frame"),
        Group("frames-sent", name, "Frames sent a second", "million/s", "higher",
              "bytes a frame"),
        Group("frame-rate", name, "The same, as bits received", "Gb/s", "higher",
              "bytes a frame"),
        Group("lines-data", name, "Lines of the window that hold a frame, written by the sender",
              "a frame", "lower", "bytes a frame"),
        Group("lines-other", name, "Lines and words of the window written besides, by both nodes "
              "(at most)", "a frame", "lower", "bytes a frame"),
    )

    def __init__(self, mode: Mode, nodes: Nodes) -> None:
        super().__init__(mode)
        self._nodes = nodes
        self._sizes = mode.some(SIZES, _QUICK_SIZES)
        self._lines_seconds = min(mode.seconds, _LINES_SECONDS)
        self._lines_sizes = mode.some(_LINES_SIZES, _QUICK_LINES_SIZES)
        self._left_out = (HEADTAIL, OFFSET, VECTOR_ONE_SKB) if mode.quick else ()
        self._wires: dict[str, Wire] = {}
        self._memif = memif.Memif()

    def expected(self) -> float:
        quick = self.mode.quick
        shots = len(self._sizes) * (3 if quick else 5)
        shots += sum((1 if quick else 2) * (size <= _VECTOR_MOST) + (size <= memif.MOST)
                     for size in self._sizes)
        lines_shots = len(self._lines_sizes) * (1 if quick else 3)
        return 6 + self.mode.runs * (shots * (self.mode.seconds + 1.2)
                                     + lines_shots * (self._lines_seconds + 2))

    def prepare(self) -> list[Shot]:
        self._nodes.need()
        need(self._nodes.lab, 1)
        self._wires = {name: wire for name, wire in wires(self._nodes).items()
                       if name not in self._left_out}
        self._set_mtu(_MTU)
        shots = []
        others = self._rivals_outside()
        for size in self._sizes:
            shots += [Shot(f"{name}, frames of {size} B", partial(self._frames, name, size))
                      for name, wire in self._wires.items()
                      if wire.sender != "vec0" or size <= _VECTOR_MOST]
            shots += [Shot(f"{name}, frames of {size} B", partial(self._packets, size))
                      for name in others if size <= memif.MOST]
        return shots + [Shot(f"{name}, lines that frames of {size} B take",
                             partial(self._lines, name, size))
                        for size in self._lines_sizes for name in (MIXED, HEADTAIL, OFFSET)
                        if name in self._wires]

    def _rivals_outside(self) -> list[str]:
        """Which need no node."""
        try:
            self._memif.begin()
        except BenchError as error:
            self.notes.append(f"{memif.NAME} is missing: {error}")
            return []
        return [memif.NAME]

    def mend(self) -> None:
        self._nodes.revive()
        need(self._nodes.lab, 1)
        self._set_mtu(_MTU)

    def end(self) -> None:
        self._memif.end()
        if self._wires:
            self._set_mtu(_MTU_BEFORE)
            self._nodes.settle()

    def _ends(self) -> list[tuple[Place, str]]:
        return [end for wire in (self._wires[MIXED], self._wires[VETH])
                for end in ((wire.way.client, wire.sender), (wire.way.server, wire.receiver))]

    def _set_mtu(self, mtu: int) -> None:
        for place, device in self._ends():
            self._nodes.lab.run(place.node, *place.command("ip", "link", "set", device, "mtu",
                                                           str(mtu)))

    def _frames(self, name: str, size: int) -> dict[Key, float]:
        wire = self._wires[name]
        self._nodes.take(wire.way)
        return _told(name, size, generate(self._nodes.lab, wire, size, self.mode.seconds))

    def _lines(self, name: str, size: int) -> dict[Key, float]:
        wire = self._wires[name]
        self._nodes.take(wire.way)
        path, nodes = self._nodes.window(), (0, 1)
        gone = [window.read(path, node, 1 - node) for node in nodes]
        counts = counters.take_all(self._nodes.lab, len(nodes))
        generate(self._nodes.lab, wire, size, self._lines_seconds)
        sender, receiver = [new.since(old) for new, old in
                            zip(counters.take_all(self._nodes.lab, len(nodes)), counts)]
        after = [window.read(path, node, 1 - node) for node in nodes]
        told = lines.told(lines.Counted(
            frames=sender["tx_frames"], in_ring=sender["tx_inline_frames"], size=size,
            ring_lines=after[0].since(gone[0])[0], returns=after[1].since(gone[1])[1],
            flushes=sender["tx_bells_rung"] + sender["tx_bells_spared"],
            polls=receiver["rx_polls"], timer_polls=receiver["rx_timer_polls"],
            ring=after[0].ring_lines))
        return {Key("lines-data", name, size): told.data,
                Key("lines-other", name, size): told.other}

    def _packets(self, size: int) -> dict[Key, float]:
        sent, received = self._memif.rates(size, self.mode.seconds)
        return _told(memif.NAME, size, Rate(sent / 1e6, received / 1e6))


def _told(name: str, size: int, rate: Rate) -> dict[Key, float]:
    return {Key("frames", name, size): rate.received, Key("frames-sent", name, size): rate.sent,
            Key("frame-rate", name, size): rate.received * size * 8 / 1000}
