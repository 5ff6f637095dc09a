# SPDX-License-Identifier: GPL-2.0
"""Two virtual machines of QEMU: VNI over ivshmem beside virtio-net, over a socket and over taps on
a bridge of the host, all in the same two machines."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

from demo import counters, network, prepare
from demo.lab import TOP, Lab, slow
from demo.record import Record
from demo.route import Place

from . import build, pktgen, samples, streams, trips
from .errors import BenchError
from .nodes import COPIED, LENT, Way
from .part import Mode, Part
from .pktgen import Wire
from .results import Group, Key
from .turns import Shot

VNI, SOCKET, TAP = "VNI over ivshmem", "virtio-net over a socket", "virtio-net over tap and bridge"
IN_PLACE = "VNI over ivshmem, in place"

_DEVICES = {SOCKET: "nsock", TAP: "ntap"}  # their names in the machines
_SUBNETS = {SOCKET: "10.7.1", TAP: "10.7.2"}
_TCP_SIZES = (1024, 16384, 131072)
_TRIP_SIZES = (1, 1024)
_FRAMES = 64
_FIND = """for n in $(seq 100); do
	for d in /sys/class/net/*; do
		[ "$(cat $d/address)" = {mac} ] || continue
		ip link set ${{d##*/}} name {name}
		ip addr add {address}/24 dev {name}
		ip link set {name} up
		exit
	done
	sleep 0.1
done
echo the device {mac} does not come up >&2
exit 1"""


_TRIPS = tuple(Group(f"vm-{protocol}-{kind}", "machines",
                     f"Round trip over {protocol.upper()}, {kind}", "us", "lower",
                     "bytes a message")
               for protocol in ("tcp", "udp") for kind in ("median", "p99"))


class Bridge:
    """On the host, with a tap for each machine."""

    def __init__(self) -> None:
        tag = os.getpid() % 1_000_000
        self._name = f"vnib{tag}br"
        self.taps = [f"vnib{tag}t{node}" for node in range(2)]

    def make(self) -> None:
        self._ip("link", "add", self._name, "type", "bridge")
        self._ip("link", "set", self._name, "up")
        for tap in self.taps:
            self._ip("tuntap", "add", tap, "mode", "tap")
            self._ip("link", "set", tap, "master", self._name, "up")

    def remove(self) -> None:
        for name in (*self.taps, self._name):
            subprocess.run(["ip", "link", "del", name], capture_output=True)

    @staticmethod
    def _ip(*words: str) -> None:
        done = subprocess.run(["ip", *words], capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Machines(Part):
    name = "machines"
    title = "Two virtual machines in QEMU"
    groups = (
        Group("vm-tcp", name, "TCP between two machines, got by the receiving program", "Gb/s",
              "higher", "bytes a message"),
        Group("vm-frames", name, "64-byte frames from pktgen, received a second", "million/s",
              "higher"),
        *_TRIPS,
        samples.group("vm-profile-tcp", name, "vm", "TCP, writes of 128 KB"),
        samples.group("vm-profile-frames", name, "vm", "64-byte frames from pktgen"),
    )

    def __init__(self, mode: Mode, name: str, record: Record) -> None:
        super().__init__(mode)
        self._record = record
        self._bridge = Bridge()
        self._wires: dict[str, Wire] = {}
        self._lent = False
        # One CPU each, so that both machines fit two CPUs of the host; see lab.rst.
        ports = [word for n in range(2) for word in
                 ("--qemu=-device", f"--qemu=pcie-root-port,id=net{n},chassis={10 + n}")]
        self._lab = Lab(f"{name}-vm", "ivshmem", "6.12", ["--cpus0=1", "--cpus1=1", *ports])

    def expected(self) -> float:
        shots = 4 * len(_TCP_SIZES) + 3 * (2 * len(_TRIP_SIZES) + 1) + 7
        return 60 + self.mode.runs * (shots * (self.mode.seconds + 1.5) + 7 * 2 * samples.LEAD)

    def prepare(self) -> list[Shot]:
        if build.cpus() < 2:
            raise BenchError("two CPUs are needed, one a machine, and this process may use one")
        flow = build.compiled("flow", "flow.c", "-static")
        prepare.build_rr(self._record)
        self._lab.up([f"{flow}:/usr/bin/flow", f"{prepare.RR}:/usr/bin/rr",
                      f"{samples.program()}:/usr/bin/sample"], lambda text: None)
        accel = self._lab.status().get("accel", "?")
        if accel != "kvm":
            self.notes.append(f"QEMU emulates the processor here ({accel}): kernel code runs some "
                              "tens of times slower than it is. Take the ratios, not the figures.")
        self._connect_vni()
        self._connect_rivals()
        for node in range(2):
            for server in ("flow", "rr"):
                self._lab.run(node, server, "-s")
        pktgen.need(self._lab, 1)
        return self._shots()

    def end(self) -> None:
        self._lab.down(self._record.home / "lab-machines")
        self._bridge.remove()

    # -- inside ----------------------------------------------------------------------------

    def _shots(self) -> list[Shot]:
        shots = [Shot(f"{who}, TCP, {size} B", partial(self._stream, who, size))
                 for size in _TCP_SIZES for who in (VNI, IN_PLACE, *self._rivals())]
        shots += [Shot(f"{who}, frames of {_FRAMES} B", partial(self._frames, who))
                  for who in self._wires]
        shots += [Shot(f"{who}, round trips, {protocol.upper()}, {size} B",
                       partial(self._trip, who, protocol, size))
                  for protocol in ("tcp", "udp") for size in _TRIP_SIZES for who in self._wires]
        shots += [Shot(f"{who}, where the time goes, TCP", partial(self._profile_tcp, who))
                  for who in (VNI, IN_PLACE, *self._rivals())]
        return shots + [Shot(f"{who}, where the time goes, frames",
                             partial(self._profile_frames, who)) for who in self._wires]

    def _connect_vni(self) -> None:
        for node in range(2):
            network.insert_modules(self._lab, node)
            network.link_up(self._lab, node)
        for node in range(2):
            network.wait_for_carrier(self._lab, node)
        self._add(VNI, network.address(0), network.address(1), "vni0")

    def _add(self, who: str, here: str, there: str, device: str) -> None:
        way = Way(who, Place(0, 0, here), Place(1, 0, there))
        self._lab.run(0, "ping", "-U", "-q", "-c", "3", "-i", "0.2", "-W", "3", there)
        self._wires[who] = Wire(way, device, device)

    def _connect_rivals(self) -> None:
        """Each of them may be missing, and the others go on."""
        for number, (who, options) in enumerate(((SOCKET, self._socket), (TAP, self._tap))):
            try:
                for node, option in enumerate(options()):
                    self._plug(node, number, who, option)
                self._add(who, f"{_SUBNETS[who]}.1", f"{_SUBNETS[who]}.2", _DEVICES[who])
            except Exception as error:  # pylint: disable=broad-except
                self.notes.append(f"{who} is missing: {error}")

    def _socket(self) -> list[dict[str, Any]]:
        path = str(self._record.home / "net")
        address = {"type": "unix", "path": path}
        if len(path) > 100:
            raise BenchError(f"{path}: too long for the name of a socket")
        return [{"type": "stream", "addr": address, "server": server} for server in (True, False)]

    def _tap(self) -> list[dict[str, Any]]:
        self._bridge.make()
        return [{"type": "tap", "ifname": tap, "script": "no", "downscript": "no"}
                for tap in self._bridge.taps]

    def _plug(self, node: int, number: int, who: str, options: dict[str, Any]) -> None:
        mac = f"52:54:00:76:6e:{16 * number + node:02x}"
        self._qmp(node, "netdev_add", id=f"host{number}", **options)
        self._qmp(node, "device_add", driver="virtio-net-pci", id=f"card{number}",
                  netdev=f"host{number}", bus=f"net{number}", mac=mac)
        self._lab.sh(node, "modprobe virtio_net; " + _FIND.format(
            mac=mac, name=_DEVICES[who], address=f"{_SUBNETS[who]}.{node + 1}"), seconds=60)

    def _qmp(self, node: int, command: str, **arguments: Any) -> None:
        argv = [str(TOP / "tools" / "vni-lab"), "--name", self._lab.name, "qmp", str(node),
                json.dumps({"execute": command, "arguments": arguments})]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30 * slow())
        if done.returncode:
            raise BenchError(f"QEMU, {command}: {done.stderr.strip()}")

    def _rivals(self) -> list[str]:
        return [who for who in self._wires if who != VNI]

    def _take(self, who: str) -> None:
        """Frames stay in place, or not: VNI's link goes down for a moment."""
        lent = who == IN_PLACE
        if lent == self._lent or who in self._rivals():
            return
        network.set_lent(self._lab, 2, LENT if lent else COPIED)
        network.ping(self._lab, 2)
        self._lent = lent

    def _stream(self, who: str, size: int) -> dict[Key, float]:
        self._take(who)
        way = self._wires[VNI if who == IN_PLACE else who].way
        before = counters.take(self._lab, way.server.node) if who == IN_PLACE else None
        told = streams.flow(self._lab, way, "tcp", size, self.mode.seconds)
        if before and not counters.take(self._lab, way.server.node).since(before)["rx_lent_frames"]:
            raise BenchError("no frame stayed in place")
        return {Key("vm-tcp", who, size): streams.gigabits(told, "received", "receive_seconds")}

    def _frames(self, who: str) -> dict[Key, float]:
        self._take(who)
        rate = pktgen.generate(self._lab, self._wires[who], _FRAMES, self.mode.seconds)
        return {Key("vm-frames", who): rate.received}

    def _profile_tcp(self, who: str) -> dict[Key, float]:
        way = self._wires[VNI if who == IN_PLACE else who].way
        return self._profile("vm-profile-tcp", who, partial(
            streams.flow, self._lab, way, "tcp", _TCP_SIZES[-1]))

    def _profile_frames(self, who: str) -> dict[Key, float]:
        return self._profile("vm-profile-frames", who, partial(
            pktgen.generate, self._lab, self._wires[who], _FRAMES))

    def _profile(self, name: str, who: str, load: Callable[[float], object]) -> dict[Key, float]:
        self._take(who)
        found = samples.of_ends({"sender": 0, "receiver": 1}, self.mode.seconds, load,
                                partial(samples.of_machine, self._lab, self.mode.seconds))
        return samples.keyed(name, "vm", who, found)

    def _trip(self, who: str, protocol: str, size: int) -> dict[Key, float]:
        self._take(who)
        told = trips.ask(self._lab, self._wires[who].way, protocol, size, self.mode.seconds)
        return {Key(f"vm-{protocol}-{kind}", who, size): told[kind] / 1000
                for kind in ("median", "p99")}
