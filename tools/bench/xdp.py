# SPDX-License-Identifier: GPL-2.0
"""XDP programs and AF_XDP sockets in one node, frames for them from the other one; beside veth."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from demo import network
from demo.errors import DemoError
from demo.lab import TOP, Lab, slow
from demo.record import Record
from demo.route import Place

from . import build, pktgen, xdp_programs
from .errors import BenchError
from .nodes import Way
from .part import Mode, Part
from .pktgen import Wire
from .results import Group, Key
from .turns import Shot
from .xdp_programs import Look, Program

VNI, VETH = "VNI, node 1 to node 0", "veth in node 0"
SIZES = (64, 1500)

_OUT = ("ra", "rb")  # where what is redirected goes, and comes out
# Seconds that the sender has more than what is measured: it has to get going, and on a busy CPU the
# counts take a while to read.
_LEAD = 2.5
_TICK = 1  # seconds between two looks of xdp-bench at its own counts, the least that it takes
_BUSY = 0.02  # the difference that its counts and the driver's may have
_AFXDP = TOP / "tests" / "selftests" / "xdp" / "afxdp.c"
_NO_PROGRAM, _XMIT, _COPY, _ZEROCOPY = "none", "xmit", "copy", "zerocopy"
_VERDICTS = ("pass", "drop", "tx", "redirect")
_ATTACHED = "; driver "  # xdp-bench says then; 1.3.1 calls pass Hairpinning, so not by that word
_TITLES = {_NO_PROGRAM: "no program, received by the stack",
           "pass": "xdp-bench pass: received by the stack",
           "drop": "xdp-bench drop", "tx": "xdp-bench tx: sent back",
           "redirect": "xdp-bench redirect: come out of another veth",
           _XMIT: "sent by ndo_xdp_xmit, dropped by xdp-bench drop",
           _COPY: "AF_XDP with copies: received by a program",
           _ZEROCOPY: "AF_XDP without copies: received by a program"}

_GROUPS = (
    *(Group(f"xdp-{what}", "xdp", f"Frames a second, {title}", "million/s", "higher",
            "bytes a frame") for what, title in _TITLES.items()),
    Group("xdp-seen", "xdp", "Frames that xdp-bench has counted, of those that the driver has",
          "of 1", "higher"),
)

_DEVICES = """modprobe veth
mount -t bpf bpf /sys/fs/bpf
sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip link add xa type veth peer name xb
ip link add ra type veth peer name rb
for d in xa xb ra rb; do ip link set $d up; done
# without it veth takes no frames of programs at this end
ethtool -K rb gro on"""
# what a program of xdp-tools leaves that did not end by itself
_MEND = """umount /sys/fs/bpf || true
mount -t bpf bpf /sys/fs/bpf
rm -f /run/*.lck
for d in vni0 xa xb ra rb; do ip link set $d xdpdrv off; done"""


class _Rival(NamedTuple):
    """Frames go from `wire.sender` to `wire.receiver`, which is in node 0 and has the program."""

    wire: Wire
    ends: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]  # counters: to add, to take away
    all: tuple[str, ...]  # counters that make up all that the program has seen


# Of the verdicts that are counted by the driver only.
_VNI_ENDS = {"pass": (("rx_xdp_pass",), ()), "drop": (("rx_xdp_drop",), ()),
             "tx": (("rx_xdp_tx",), ()), "redirect": (("rx_xdp_redirect",), ())}
_VETH_ENDS = {"pass": (("xdp_packets",),
                       ("xdp_drops", "xdp_tx", "xdp_tx_errors", "xdp_redirect", "drops")),
              "drop": (("xdp_drops",), ()), "tx": (("xdp_tx",), ()),
              "redirect": (("xdp_redirect",), ())}
_VNI_ALL = tuple(f"rx_xdp_{end}" for end in ("pass", "drop", "aborted", "tx", "tx_errors",
                                             "redirect", "redirect_errors"))


def _rivals() -> dict[str, _Rival]:
    here, there = Place(0, 0, network.address(0)), Place(1, 0, network.address(1))
    vni = Wire(Way(VNI, there, here), "vni0", "vni0")
    veth = Wire(Way(VETH, here, here), "xa", "xb")
    return {VNI: _Rival(vni, _VNI_ENDS, _VNI_ALL),
            VETH: _Rival(veth, _VETH_ENDS, ("xdp_packets",))}


class Xdp(Part):
    name = "xdp"
    title = "XDP on a partitioned machine in QEMU, with xdp-tools"
    groups = _GROUPS

    def __init__(self, mode: Mode, name: str, record: Record) -> None:
        super().__init__(mode)
        self._record = record
        self._lab = Lab(f"{name}-xdp", "partition", "6.12", [])
        self._rivals = _rivals()
        self._running: list[Program] = []
        self._revivals = 2  # of nodes that went

    def expected(self) -> float:
        shots = 2 * (1 + len(_VERDICTS)) + 2 + 3
        return 60 + self.mode.runs * shots * (5 + len(SIZES) * (_LEAD + 1 + self.mode.seconds))

    def prepare(self) -> list[Shot]:
        self._bring_up()
        accel = self._lab.status().get("accel", "?")
        if accel != "kvm":
            self.notes.append(f"QEMU emulates the processor here ({accel}): take the ratios, not "
                              "the figures.")
        shots = [Shot(f"{who}, {what}", partial(self._bench, who, what))
                 for what in (_NO_PROGRAM, *_VERDICTS) for who in self._rivals]
        shots += [Shot(f"{who}, sent by ndo_xdp_xmit", partial(self._xmit, who))
                  for who in self._rivals]
        # veth cannot do without copies
        return shots + [Shot(f"{who}, AF_XDP, {how}", partial(self._socket, who, how))
                        for how, whos in ((_COPY, self._rivals), (_ZEROCOPY, (VNI,)))
                        for who in whos]

    def mend(self) -> None:
        # If a node is gone the next shot fails as well, and says why.
        for program in self._running:
            with contextlib.suppress(DemoError):
                program.end()
        self._running = []
        if self._lab.silent() and self._revivals:
            self._revivals -= 1
            self._lab.down(self._record.home / f"lab-xdp-lost-{self._revivals}")
            self._bring_up()
            return
        with contextlib.suppress(DemoError):
            self._lab.sh(0, _MEND)

    def end(self) -> None:
        self._lab.down(self._record.home / "lab-xdp")

    # -- inside ----------------------------------------------------------------------------

    def _bring_up(self) -> None:
        afxdp = build.compiled("afxdp", str(_AFXDP), "-static", "-DCHUNKS=2048")
        send = build.compiled("xdp_send", "xdp_send.c", "-static")
        self._lab.up([*xdp_programs.files(), f"{afxdp}:/usr/bin/afxdp",
                      f"{send}:/usr/bin/xdp_send"], lambda text: None)
        for node in range(2):
            network.insert_modules(self._lab, node)
            network.link_up(self._lab, node)
        self._lab.sh(0, _DEVICES)
        pktgen.need(self._lab, 2)
        self._carrier()
        network.ping(self._lab, 2)

    def _carrier(self) -> None:
        for node in range(2):
            network.wait_for_carrier(self._lab, node)

    def _begin(self, node: int, ready: str, *argv: str) -> Program:
        program = Program(self._lab, node, ready, *argv)
        self._running.append(program)
        return program

    def _settle(self, who: str) -> None:
        """After a program has come to a device, or left it: VNI's link goes down for a moment."""
        if who == VNI:
            time.sleep(0.3 * slow())
            self._carrier()

    def _end(self, who: str, program: Program) -> str:
        said = program.end()
        self._running.remove(program)
        self._settle(who)
        return said

    def _bench(self, who: str, what: str) -> dict[Key, float]:
        """With a program of xdp-bench, or none."""
        rival = self._rivals[who]
        device = rival.wire.receiver
        if what == _NO_PROGRAM:
            return self._sizes(who, what, partial(_arrived, device))
        more = (_OUT[0],) if what == "redirect" else ()
        if what == "tx" and who != VNI:
            # veth takes what a program sends back only where there is a program, too; a second
            # xdp-bench does not run beside the first one
            self._lab.sh(0, f"ip link set {rival.wire.sender} xdpdrv obj "
                            f"{xdp_programs.dispatcher()} program xdp_pass")
        program = self._begin(0, _ATTACHED, "xdp-bench", what, "-i", str(_TICK), device, *more)
        self._settle(who)
        began = xdp_programs.look(self._lab, 0, device)
        count = partial(_arrived, _OUT[1]) if more else partial(_handled, rival, what)
        figures = self._sizes(who, what, count)
        time.sleep((2 * _TICK + 0.2) * slow())  # until it has counted the last ones, too
        grown = xdp_programs.grown(began, xdp_programs.look(self._lab, 0, device))
        told = xdp_programs.received(self._end(who, program))
        if what == "tx" and who != VNI:
            self._lab.sh(0, f"ip link set {rival.wire.sender} xdpdrv off")
        seen = sum(grown[name] for name in rival.all)
        if not seen or abs(told / seen - 1) > _BUSY:
            raise BenchError(f"xdp-bench {what} has counted {told} frames, the driver {seen}")
        return {**figures, Key("xdp-seen", f"{who}, {what}"): told / seen}

    def _sizes(self, who: str, what: str, count: Callable[[Look, Look], int]) -> dict[Key, float]:
        return {Key(f"xdp-{what}", who, size): self._rate(who, size, count) for size in SIZES}

    def _rate(self, who: str, size: int, count: Callable[[Look, Look], int]) -> float:
        """Millions a second, in the middle of what pktgen sends."""
        wire = self._rivals[who].wire
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(pktgen.generate, self._lab, wire, size,
                               self.mode.seconds + _LEAD * slow())
            looks = xdp_programs.sample(self._lab, 0, wire.receiver, _OUT[1], self.mode.seconds)
            sent.result()
        return _rate(looks, count)

    def _xmit(self, who: str) -> dict[Key, float]:
        """Frames that the other device's driver is given by a redirecting program."""
        rival = self._rivals[who]
        wire = rival.wire
        device = wire.receiver
        program = self._begin(0, _ATTACHED, "xdp-bench", "drop", "-i", str(_TICK), device)
        self._settle(who)
        mac = self._lab.run(0, "cat", f"/sys/class/net/{device}/address").strip()
        figures = {}
        for size in SIZES:
            sender = self._begin(wire.way.client.node, "sending", *wire.way.client.command(
                "xdp_send", wire.sender, mac, str(size)))
            looks = xdp_programs.sample(self._lab, 0, device, _OUT[1], self.mode.seconds)
            self._end(who, sender)
            figures[Key(f"xdp-{_XMIT}", who, size)] = _rate(looks, partial(_handled, rival, "drop"))
        self._end(who, program)
        return figures

    def _socket(self, who: str, how: str) -> dict[Key, float]:
        """A program that takes frames from a socket on each queue, and looks at nothing."""
        rival = self._rivals[who]
        device = rival.wire.receiver
        queues = self._lab.sh(0, f"ls -d /sys/class/net/{device}/queues/rx-* | wc -l").strip()
        program = self._begin(0, "ready", "afxdp", device, queues, how, "drop")
        self._settle(who)
        figures = self._sizes(who, how, partial(_handled, rival, "redirect"))
        self._end(who, program)
        return figures


def _arrived(device: str, before: Look, after: Look) -> int:
    return after.arrived[device] - before.arrived[device]


def _handled(rival: _Rival, what: str, before: Look, after: Look) -> int:
    """How many frames the driver has sent where the verdict wants them."""
    grown = xdp_programs.grown(before, after)
    add, take = rival.ends[what]
    return sum(grown[name] for name in add) - sum(grown[name] for name in take)


def _rate(looks: tuple[Look, Look], count: Callable[[Look, Look], int]) -> float:
    before, after = looks
    frames, seconds = count(before, after), after.time - before.time
    if frames <= 0 or seconds <= 0:
        raise BenchError(f"{frames} frames in {seconds:.3f} s")
    return frames / seconds / 1e6
