# SPDX-License-Identifier: GPL-2.0
"""TCP and UDP throughput over the size of a message: the four figures of the source documents."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from demo import counters
from demo.lab import Lab

from .errors import BenchError
from .nodes import (DIRECT, HEADTAIL, IN_PLACE, LO, MIXED, OFFSET, VECTOR, VETH, Nodes,
                    Way)
from .part import Mode, Part
from .results import Group, Key
from .turns import Shot

TCP_SIZES = (64, 256, 1024, 4096, 16384, 65536, 131072)
UDP_SIZES = (64, 256, 1024, 4096, 16384, 65507)  # the last is the largest that there is
BULK = 131072

_WAYS = (MIXED, HEADTAIL, OFFSET, IN_PLACE, DIRECT, VETH, LO, VECTOR)
_LARGE = 16384  # what is copied into the ring all the same is not measured anew below this
_BUFFERS = (65536, 212992)  # of sockets, as a program may ask for; the kernel doubles them
_BUFFER_WAYS = (MIXED, IN_PLACE, DIRECT, VETH, LO, VECTOR)
_QUICK_TCP = (64, 1024, 16384, 131072)
_QUICK_UDP = (64, 1024, 65507)
_GRACE = 20
_AXIS = "bytes a message"
_WINDOW = "tcp-window"


class Streams(Part):
    name = "streams"
    title = "TCP and UDP in User-Mode Linux, natively"
    groups = (
        Group("tcp-client", name, "TCP client: taken from the sending program", "Gb/s", "higher",
              _AXIS),
        Group("tcp-server", name, "TCP server: got by the receiving program", "Gb/s", "higher",
              _AXIS),
        Group("udp-client", name, "UDP client: taken from the sending program", "Gb/s", "higher",
              _AXIS),
        Group("udp-server", name, "UDP server: got by the receiving program", "Gb/s", "higher",
              _AXIS),
        Group("tcp-cpu0", name, "Processor time of node 0 (sender; lo and veth: both sides), TCP",
              "s/GB", "lower", _AXIS),
        Group("tcp-cpu1", name, "Processor time of node 1 (receiver), TCP", "s/GB", "lower", _AXIS),
        Group(_WINDOW, name, "TCP, writes of 128 KB, a reader whose socket has a small buffer",
              "Gb/s", "higher", "bytes of buffer"),
        Group("bells", name, "Doorbells a frame, bulk TCP, both nodes", "a frame", "lower"),
        Group("copies", name, "Copies that the driver makes a frame, receiver, bulk TCP",
              "a frame", "lower"),
        Group("frame-bytes", name, "Bytes a frame, bulk TCP", "B", "higher"),
    )

    def __init__(self, mode: Mode, nodes: Nodes) -> None:
        super().__init__(mode)
        self._nodes = nodes
        self._sizes = {"tcp": mode.some(TCP_SIZES, _QUICK_TCP),
                       "udp": mode.some(UDP_SIZES, _QUICK_UDP)}
        self._buffers = mode.some(_BUFFERS, _BUFFERS[:1])

    def expected(self) -> float:
        shots = sum(len(_ways(size)) for sizes in self._sizes.values() for size in sizes)
        shots += len(self._buffers) * len(_BUFFER_WAYS)
        return 8 + self.mode.runs * (shots * (self.mode.seconds + 0.4) + 6)

    def prepare(self) -> list[Shot]:
        self._nodes.need()
        self.notes += self._nodes.notes
        shots = []
        for protocol, sizes in self._sizes.items():
            for size in sizes:
                shots += [Shot(f"{way}, {protocol.upper()}, {size} B",
                               partial(self._stream, way, protocol, size))
                          for way in _ways(size) if way in self._nodes.ways]
        shots += [Shot(f"{way}, TCP, buffer of {size} B", partial(self._window, way, size))
                  for size in self._buffers for way in _BUFFER_WAYS if way in self._nodes.ways]
        shots += [Shot(f"{way}, doorbells of bulk TCP", partial(self._bells, way))
                  for way in (MIXED, HEADTAIL, OFFSET, IN_PLACE, DIRECT)]
        return shots

    def mend(self) -> None:
        self._nodes.revive()

    def end(self) -> None:
        self._nodes.settle()

    def _stream(self, name: str, protocol: str, size: int) -> dict[Key, float]:
        way = self._nodes.ways[name]
        self._nodes.take(way)
        before = self._nodes.cpu_seconds()
        told = flow(self._nodes.lab, way, protocol, size, self.mode.seconds)
        used = [after - old for after, old in zip(self._nodes.cpu_seconds(), before)]
        figures = {Key(f"{protocol}-client", name, size): gigabits(told, "sent", "seconds"),
                   Key(f"{protocol}-server", name, size):
                   gigabits(told, "received", "receive_seconds")}
        if protocol == "tcp":
            gigabytes = told["received"] / 1e9
            figures[Key("tcp-cpu0", name, size)] = used[0] / gigabytes
            if way.server.node == 1:
                figures[Key("tcp-cpu1", name, size)] = used[1] / gigabytes
        return figures

    def _window(self, name: str, size: int) -> dict[Key, float]:
        way = self._nodes.ways[name]
        self._nodes.take(way)
        told = flow(self._nodes.lab, way, "tcp", BULK, self.mode.seconds, buffer=size)
        return {Key(_WINDOW, name, size): gigabits(told, "received", "receive_seconds")}

    def _bells(self, name: str) -> dict[Key, float]:
        lab, way = self._nodes.lab, self._nodes.ways[name]
        self._nodes.take(way)
        before = counters.take_all(lab, 2)
        flow(lab, way, "tcp", BULK, self.mode.seconds)
        grown = [new.since(old) for new, old in zip(counters.take_all(lab, 2), before)]
        frames = grown[1]["rx_frames"]
        if not frames:
            raise BenchError("node 1 has counted no frame")
        return {Key("bells", name): sum(counters.bells(node) for node in grown) /
                sum(node["tx_frames"] for node in grown),
                Key("copies", name):
                1 - (grown[1]["rx_direct_frames"] + grown[1]["rx_lent_frames"]) / frames,
                Key("frame-bytes", name): grown[1]["rx_bytes"] / frames}


def _ways(size: int) -> list[str]:
    return [way for way in _WAYS if size >= _LARGE or way not in (IN_PLACE, DIRECT)]


def flow(lab: Lab, way: Way, protocol: str, size: int, seconds: float,
         buffer: int = 0) -> dict[str, Any]:
    """One stream; what tools/bench/flow.c prints. buffer: bytes of the reader's, 0: as it comes."""
    argv = way.client.command("flow", "-c", way.server.address, "-p", protocol, "-l", str(size),
                              "-t", str(seconds), "-b", str(buffer))
    told: dict[str, Any] = json.loads(lab.run(way.client.node, *argv, seconds=seconds + _GRACE))
    if not told["received"]:
        raise BenchError(f"{way.name}, {protocol}, {size} B: nothing arrived")
    return told


def gigabits(told: dict[str, Any], what: str, seconds: str) -> float:
    return float(told[what]) * 8 / 1e9 / max(float(told[seconds]), 1e-9)
